//! Names of a series of files: `%05d` in one stands for a number. It knows no folder.

/// A path of which every number makes another, as FFmpeg, Blender and cameras write it: `out/frames/%05d.png`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    before: String,
    digits: usize,
    after: String,
}

impl Numbered {
    /// The series that a path means, if there is one number with leading zeros in the name of its file, and none in
    /// that of a folder.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rfind('/').map_or(0, |slash| slash + 1);
        let mut found = numbers(path);
        let (at, digits, end) = found.next().filter(|(at, ..)| *at >= name)?;
        if found.next().is_some() {
            return None;
        }
        Some(Self { before: path[..at].to_owned(), digits, after: path[end..].to_owned() })
    }

    /// The path of a number; one with more digits has all of them.
    #[must_use]
    pub fn path(&self, number: u64) -> String {
        let Self { before, digits, after } = self;
        format!("{before}{number:0digits$}{after}")
    }

    /// The number of a path, if it is one of the series.
    #[must_use]
    pub fn number(&self, path: &str) -> Option<u64> {
        let digits = path.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        let number = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        (self.path(number) == path).then_some(number)
    }

    /// Whether some file may be of both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        (&self.before, &self.after) == (&other.before, &other.after)
    }

    /// The folder of its files, with `/` behind it where it is not the project's own.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.before.rfind('/').map_or("", |slash| &self.before[..=slash])
    }
}

/// Where `%0Nd` stands in a text, how many digits it has, and where it ends.
fn numbers(text: &str) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
    text.match_indices("%0").filter_map(|(at, _)| match text.as_bytes().get(at + 2..at + 4)? {
        [digits @ b'1'..=b'9', b'd'] => Some((at, usize::from(digits - b'0'), at + 4)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_with_its_zeros_and_read_back() {
        let series = Numbered::of("out/frames/f-%03d.png").unwrap();
        assert_eq!(series.path(7), "out/frames/f-007.png");
        assert_eq!(series.path(12_345), "out/frames/f-12345.png");
        assert_eq!(series.folder(), "out/frames/");
        assert_eq!(series.number("out/frames/f-007.png"), Some(7));
        assert_eq!(series.number("out/frames/f-12345.png"), Some(12_345));
        for other in [
            "f-7.png",
            "f-0007.png",
            "f-+07.png",
            "f-.png",
            "f-007.jpg",
            "g-007.png",
            "f-99999999999999999999.png",
        ] {
            assert_eq!(series.number(&format!("out/frames/{other}")), None, "{other}");
        }
        assert_eq!(Numbered::of("%05d.png").unwrap().folder(), "");
    }

    #[test]
    fn what_has_no_number_or_two_is_no_series() {
        for path in
            ["out/a.png", "out/100%done.png", "out/%d.png", "out/%05d/a.png", "%03d-%03d.png", "%0d", "%05"]
        {
            assert_eq!(Numbered::of(path), None, "{path}");
        }
    }

    #[test]
    fn series_of_one_name_meet() {
        let series = |path| Numbered::of(path).unwrap();
        assert!(series("a/%03d.png").meets(&series("a/%05d.png")));
        assert!(!series("a/%03d.png").meets(&series("a/%03d.draft.png")));
    }
}
