//! The table of formats: how the text of each is read and put in its canonical form. It knows no schema but its names.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::decimal::split_unit;
use super::{Bytes, Color, Decimal, Duration, Durations, Gain, Numbers, Size, Wrong};

/// A way of writing a value, named by `format:` in a schema.
pub struct Format {
    /// As in the schema.
    pub name: &'static str,
    /// What it is, for messages: `wants …`.
    pub wants: &'static str,
    /// One that is right.
    pub example: &'static str,
    /// The unit that was most likely meant where only a number is written; empty where none is likelier.
    pub unit: &'static str,
    /// A regular expression that every right text matches, for editors.
    pub pattern: &'static str,
    /// Whether a bare YAML number may stand here.
    pub number: bool,
    /// From what was written to the canonical form.
    pub read: fn(&str) -> Result<Value, Wrong>,
}

/// Every format that the check of the spec knows, but `input`, which is no quantity.
pub const FORMATS: &[Format] = &[
    Format {
        name: "duration",
        wants: "a length of time",
        example: "0.5s",
        unit: "s",
        pattern: r"^\+?(\d+(\.\d*)?|\.\d+)(us|ms|s|m|h)$",
        number: false,
        read: canonical::<Duration>,
    },
    Format {
        name: "gain",
        wants: "a change of level",
        example: "-18dB",
        unit: "dB",
        pattern: r"^[+-]?(\d+(\.\d*)?|\.\d+)dB$",
        number: false,
        read: canonical::<Gain>,
    },
    Format {
        name: "bytes",
        wants: "an amount of data",
        example: "512MiB",
        unit: "",
        pattern: r"^\+?(\d+(\.\d*)?|\.\d+)([KMGT]i?)?B$",
        number: false,
        read: canonical::<Bytes>,
    },
    Format {
        name: "size",
        wants: "a width and a height",
        example: "1080x1920",
        unit: "",
        pattern: r"^\d+x\d+$",
        number: false,
        read: canonical::<Size>,
    },
    Format {
        name: "color",
        wants: "a colour",
        example: "\"#0b1021\"",
        unit: "",
        pattern: "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$",
        number: false,
        read: canonical::<Color>,
    },
    Format {
        name: "percent",
        wants: "a part of a hundred",
        example: "50%",
        unit: "%",
        pattern: r"^[+-]?(\d+(\.\d*)?|\.\d+)%$",
        number: false,
        read: percent,
    },
    Format {
        name: "frame-rate",
        wants: "frames a second",
        example: "30",
        unit: "",
        pattern: r"^(\d+(\.\d*)?|\.\d+|\d+/\d+)$",
        number: true,
        read: frame_rate,
    },
    Format {
        name: "zoom",
        wants: "how near the camera is, from 1 to 4",
        example: "1.25",
        unit: "",
        pattern: r"^\d+(\.\d{1,3})?$",
        number: true,
        read: zoom,
    },
    Format {
        name: "speed",
        wants: "how fast a clip is shown, from 0.25 to 4",
        example: "0.5",
        unit: "",
        pattern: r"^(\d+(\.\d{1,3})?|\.\d{1,3})$",
        number: true,
        read: speed,
    },
    Format {
        name: "durations",
        wants: "a range of lengths of time",
        example: "28s..32s",
        unit: "",
        pattern: r"^(<=|>=)?[ .\d]*(us|ms|s|m|h)?( *(\.\.|±|\+-) *[.\d]*(us|ms|s|m|h)?)?$",
        number: false,
        read: canonical::<Durations>,
    },
    Format {
        name: "numbers",
        wants: "a range of numbers",
        example: "-14 ± 0.5",
        unit: "",
        pattern: r"^(<=|>=)?[ .\d+-]*( *(\.\.|±) *[.\d+-]*)?$",
        number: false,
        read: canonical::<Numbers>,
    },
    Format {
        name: "likeness",
        wants: "how alike two pictures are, from 0 to 1",
        example: "0.98",
        unit: "",
        pattern: r"^(0|1|0?\.\d{1,3}|1\.0{1,3})$",
        number: true,
        read: likeness,
    },
    Format {
        name: "bitrate",
        wants: "bits a second",
        example: "4Mbps",
        unit: "Mbps",
        pattern: r"^(\d+(\.\d*)?|\.\d+)[kMG]?bps$",
        number: false,
        read: bitrate,
    },
    Format {
        name: "frequency",
        wants: "a frequency",
        example: "200Hz",
        unit: "Hz",
        pattern: r"^(\d+(\.\d*)?|\.\d+)k?Hz$",
        number: false,
        read: frequency,
    },
    Format {
        name: "octaves",
        wants: "a distance of frequencies",
        example: "1oct",
        unit: "oct",
        pattern: r"^(\d+(\.\d*)?|\.\d+)oct$",
        number: false,
        read: octaves,
    },
    Format {
        name: "cores",
        wants: "a number of cores",
        example: "0.5",
        unit: "",
        pattern: r"^\d+(\.\d{1,3})?$",
        number: true,
        read: cores,
    },
    Format {
        name: "gpus",
        wants: "a number of GPUs",
        example: "2x24GiB",
        unit: "",
        pattern: r"^\d+(x(\d+(\.\d*)?|\.\d+)([KMGT]i?)?B)?$",
        number: true,
        read: gpus,
    },
];

/// The format of this name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

fn canonical<T: std::str::FromStr<Err = Wrong> + ToString>(text: &str) -> Result<Value, Wrong> {
    text.parse::<T>().map(|value| Value::String(value.to_string()))
}

fn percent(text: &str) -> Result<Value, Wrong> {
    let (number, unit) = split_unit(text);
    match (number.parse::<Decimal>(), unit) {
        (Ok(value), "%") => Ok(Value::String(format!("{value}%"))),
        (Ok(_), "") => Err(Wrong::Unit(format!("`{text}` has no `%`"))),
        _ => Err(Wrong::Unit(format!("`{text}` is not a number and a `%`"))),
    }
}

/// Whole rates are numbers; others stay text, since what `29.97` stands for is known only to who counts frames.
fn frame_rate(text: &str) -> Result<Value, Wrong> {
    let wrong = || Wrong::Unit(format!("`{text}` is neither a number nor a fraction"));
    let zero = || Wrong::Value(format!("`{text}` is not above zero"));
    if let Some((num, den)) = text.split_once('/') {
        let whole = |t: &str| -> Result<u32, Wrong> {
            if t.bytes().all(|b| b.is_ascii_digit()) { t.parse().map_err(|_| wrong()) } else { Err(wrong()) }
        };
        return match (whole(num)?, whole(den)?) {
            (0, _) | (_, 0) => Err(zero()),
            (num, 1) => Ok(num.into()),
            (num, den) => Ok(Value::String(format!("{num}/{den}"))),
        };
    }
    let rate: Decimal = text.parse().map_err(|_| wrong())?;
    match rate.parts(1) {
        _ if rate.is_negative() => Err(zero()),
        Some(0) => Err(zero()),
        Some(whole) => {
            u32::try_from(whole).map(Value::from).map_err(|_| Wrong::Value(format!("`{text}` is too large")))
        }
        None => Ok(Value::String(rate.to_string())),
    }
}

/// From 1 to 4, to the thousandth, kept as text so that it stays exact.
fn zoom(text: &str) -> Result<Value, Wrong> {
    thousandths(text, 1000..=4000, "between 1 and 4")
}

/// From 0.25 to 4, to the thousandth, kept as text so that it stays exact.
fn speed(text: &str) -> Result<Value, Wrong> {
    thousandths(text, 250..=4000, "between 0.25 and 4")
}

/// From 0 to 1, to the thousandth, kept as text so that it stays exact.
fn likeness(text: &str) -> Result<Value, Wrong> {
    thousandths(text, 0..=1000, "between 0 and 1")
}

fn thousandths(text: &str, range: RangeInclusive<i128>, which: &str) -> Result<Value, Wrong> {
    let number: Decimal = text.parse().map_err(|_| Wrong::Unit(format!("`{text}` is not a number")))?;
    match number.parts(1000) {
        Some(milli) if range.contains(&milli) => Ok(Value::String(number.to_string())),
        Some(_) => Err(Wrong::Value(format!("`{text}` is not {which}"))),
        None => Err(Wrong::Value(format!("`{text}` is finer than a thousandth"))),
    }
}

/// Bits a second, in the largest unit that they fill.
fn bitrate(text: &str) -> Result<Value, Wrong> {
    let units = [("Gbps", 1_000_000_000), ("Mbps", 1_000_000), ("kbps", 1000), ("bps", 1)];
    let (number, unit) = split_unit(text);
    let (Ok(value), Some((_, bits))) = (number.parse::<Decimal>(), units.iter().find(|of| of.0 == unit))
    else {
        return Err(Wrong::Unit(format!("`{text}` is not a number with `kbps` or `Mbps`")));
    };
    match value.parts(*bits) {
        Some(bits) if bits > 0 => {
            let (name, each) = units.iter().find(|of| bits % i128::from(of.1) == 0).unwrap_or(&units[3]);
            Ok(Value::String(format!("{}{name}", bits / i128::from(*each))))
        }
        Some(_) => Err(Wrong::Value(format!("`{text}` is not above zero"))),
        None => Err(Wrong::Value(format!("`{text}` is finer than a bit a second"))),
    }
}

/// Whole hertz that people hear.
fn frequency(text: &str) -> Result<Value, Wrong> {
    let hertz = match split_unit(text) {
        (number, "Hz") => number.parse::<Decimal>().ok().map(|number| number.parts(1)),
        (number, "kHz") => number.parse::<Decimal>().ok().map(|number| number.parts(1000)),
        _ => None,
    };
    match hertz {
        None => Err(Wrong::Unit(format!("`{text}` is not a number with `Hz` or `kHz`"))),
        Some(Some(hertz)) if (20..=20_000).contains(&hertz) => Ok(Value::String(format!("{hertz}Hz"))),
        Some(_) => Err(Wrong::Value(format!("`{text}` is no frequency from 20Hz to 20kHz, in whole hertz"))),
    }
}

/// Thousandths of an octave.
fn octaves(text: &str) -> Result<Value, Wrong> {
    let (number, "oct") = split_unit(text) else {
        return Err(Wrong::Unit(format!("`{text}` is not a number with `oct`")));
    };
    let number: Decimal =
        number.parse().map_err(|_| Wrong::Unit(format!("`{text}` is not a number with `oct`")))?;
    match number.parts(1000) {
        Some(milli @ 100..=4000) => {
            let written = format!("{}.{:03}", milli / 1000, milli % 1000);
            Ok(Value::String(format!("{}oct", written.trim_end_matches('0').trim_end_matches('.'))))
        }
        _ => Err(Wrong::Value(format!("`{text}` is no width from 0.1oct to 4oct, to the thousandth"))),
    }
}

/// Thousandths of a core, above zero.
fn cores(text: &str) -> Result<Value, Wrong> {
    let number: Decimal = text.parse().map_err(|_| Wrong::Unit(format!("`{text}` is not a number")))?;
    match number.parts(1000).map(u32::try_from) {
        Some(Ok(0)) => Err(Wrong::Value(format!("`{text}` is not above zero"))),
        Some(Ok(milli)) => Ok(milli.into()),
        Some(Err(_)) => Err(Wrong::Value(format!("`{text}` is not a number of cores"))),
        None => Err(Wrong::Value(format!("`{text}` is finer than a thousandth"))),
    }
}

/// Devices, and the memory of each if it is said.
fn gpus(text: &str) -> Result<Value, Wrong> {
    let (count, memory) = text.split_once('x').map_or((text, None), |(count, memory)| (count, Some(memory)));
    let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count: u32 = digits
        .then(|| count.parse().ok())
        .flatten()
        .ok_or_else(|| Wrong::Unit(format!("`{text}` is no number of GPUs")))?;
    match memory {
        None => Ok(count.into()),
        Some(memory) => Ok(Value::String(format!("{count}x{}", memory.parse::<Bytes>()?))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_example_reads_and_reads_back() {
        for format in FORMATS {
            let example = format.example.trim_matches('"');
            let once = (format.read)(example).unwrap();
            if let Some(text) = once.as_str() {
                assert_eq!((format.read)(text).unwrap(), once, "{}", format.name);
            }
        }
    }

    #[test]
    fn whole_frame_rates_are_numbers_and_others_stay_text() {
        assert_eq!(frame_rate("30"), Ok(json!(30)));
        assert_eq!(frame_rate("30.0"), Ok(json!(30)));
        assert_eq!(frame_rate("25/1"), Ok(json!(25)));
        assert_eq!(frame_rate("29.970"), Ok(json!("29.97")));
        assert_eq!(frame_rate("30000/1001"), Ok(json!("30000/1001")));
        for text in ["0", "-25", "30/0", "0/1", "fast", "30fps", "1/+2"] {
            assert!(frame_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn zooms_stay_text_and_within_their_bounds() {
        assert_eq!(zoom("1.250"), Ok(json!("1.25")));
        assert_eq!(zoom("2"), Ok(json!("2")));
        assert!(
            zoom("0.9").is_err() && zoom("4.5").is_err() && zoom("1.0001").is_err() && zoom("x").is_err()
        );
    }

    #[test]
    fn cores_are_thousandths() {
        assert_eq!(cores("0.5"), Ok(json!(500)));
        assert_eq!(cores("2"), Ok(json!(2000)));
        assert!(cores("0.0001").is_err() && cores("0").is_err() && cores("-1").is_err());
    }

    #[test]
    fn rates_of_bits_are_in_the_largest_unit_that_they_fill() {
        assert_eq!(bitrate("1.5Mbps"), Ok(json!("1500kbps")));
        assert_eq!(bitrate("4000kbps"), Ok(json!("4Mbps")));
        assert!(matches!(bitrate("4"), Err(Wrong::Unit(_))));
        assert!(bitrate("4MB").is_err() && bitrate("0kbps").is_err() && bitrate("0.0001kbps").is_err());
    }

    #[test]
    fn frequencies_are_whole_hertz_and_widths_are_octaves() {
        assert_eq!(frequency("2.5kHz"), Ok(json!("2500Hz")));
        assert_eq!(frequency("80Hz"), Ok(json!("80Hz")));
        assert!(matches!(frequency("200"), Err(Wrong::Unit(_))));
        assert!(["19Hz", "21kHz", "100.5Hz", "-80Hz"].iter().all(|text| frequency(text).is_err()));
        assert_eq!(octaves("0.50oct"), Ok(json!("0.5oct")));
        assert!(matches!(octaves("1"), Err(Wrong::Unit(_))));
        assert!(["0oct", "5oct", "0.1234oct"].iter().all(|text| octaves(text).is_err()));
    }

    #[test]
    fn percents_keep_their_sign() {
        assert_eq!(percent("50.0%"), Ok(json!("50%")));
        assert!(matches!(percent("50"), Err(Wrong::Unit(_))));
    }
}
