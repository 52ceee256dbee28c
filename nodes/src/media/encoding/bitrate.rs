//! How many bits a second, as users write it: `4Mbps`. It knows no float.

use reel_engine::as_text;
use reel_engine::quantity::Decimal;

/// Bits a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bitrate(pub u64);

/// Units, and how many bits a second each is.
const UNITS: [(&str, u64); 4] = [("Gbps", 1_000_000_000), ("Mbps", 1_000_000), ("kbps", 1000), ("bps", 1)];

impl std::str::FromStr for Bitrate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is not a number of bits a second, such as `4Mbps`");
        let (number, unit) = UNITS
            .iter()
            .find_map(|(name, bits)| Some((text.strip_suffix(name)?, *bits)))
            .ok_or_else(wrong)?;
        let number: Decimal = number.trim_end().parse().map_err(|_| wrong())?;
        let bits = number.parts(unit).and_then(|bits| u64::try_from(bits).ok()).ok_or_else(wrong)?;
        if bits == 0 { Err(wrong()) } else { Ok(Self(bits)) }
    }
}

impl std::fmt::Display for Bitrate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = UNITS.iter().find(|(_, bits)| self.0.is_multiple_of(*bits));
        let (name, bits) = whole.unwrap_or(&UNITS[3]);
        write!(f, "{}{name}", self.0 / bits)
    }
}

as_text!(Bitrate, "bitrate", "Bits a second, such as `800kbps` or `4Mbps`.", ["4Mbps", "800kbps"]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_and_have_one_way_to_be_written() {
        let read = |text: &str| text.parse::<Bitrate>();
        assert_eq!(read("4Mbps").unwrap(), Bitrate(4_000_000));
        assert_eq!(read("1.5Mbps").unwrap().to_string(), "1500kbps");
        assert_eq!(read("1500kbps"), read("1.5Mbps"));
        assert_eq!(read("2000Mbps").unwrap().to_string(), "2Gbps");
        for text in ["4", "4MB", "0kbps", "-1Mbps", "0.0001kbps", "fastMbps", "bps"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
