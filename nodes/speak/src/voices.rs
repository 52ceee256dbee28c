//! Finding the voice that a name means; it knows nothing of the library that has the voices.

use std::collections::BTreeSet;

/// A voice, or a variant of voices, as the library lists it.
#[derive(Debug, Clone)]
pub(crate) struct Voice {
    /// The voice's own name, such as `English (America)`.
    pub name: String,
    /// Its file below the voice folder, such as `gmw/en-US`; a variant's begins with `!v/`.
    pub identifier: String,
    /// Languages with their priority; a low one is preferred.
    pub languages: Vec<(u8, String)>,
}

/// The installed voices.
pub(crate) struct VoiceTable {
    voices: Vec<Voice>,
    variants: BTreeSet<String>,
}

/// A name that no voice has, with the names nearest to it.
#[derive(Debug)]
pub(crate) struct UnknownVoice {
    /// What is unknown: `voice` or `voice variant`.
    pub what: &'static str,
    /// The part of the name that is unknown.
    pub name: String,
    /// Names that come near, best first.
    pub nearest: Vec<String>,
}

const SUGGESTIONS: usize = 3;

impl VoiceTable {
    /// A table of voices and of variants.
    pub(crate) fn new(mut voices: Vec<Voice>, variants: Vec<Voice>) -> Self {
        voices.sort_by(|a, b| a.identifier.cmp(&b.identifier));
        let variants = variants.iter().filter_map(|v| v.identifier.strip_prefix("!v/")).map(String::from);
        Self { voices, variants: variants.collect() }
    }

    /// Every name that stands for a voice, sorted: languages and the voices' own names.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        let languages = self.voices.iter().flat_map(|v| v.languages.iter().map(|(_, l)| l.as_str()));
        languages.chain(self.voices.iter().map(|v| v.name.as_str())).collect()
    }

    /// All that [`Self::find`] takes before a `+`, sorted: [`Self::names`], and the voices' files.
    pub(crate) fn accepted(&self) -> BTreeSet<&str> {
        let files =
            self.voices.iter().flat_map(|v| [Some(v.identifier.as_str()), v.identifier.rsplit('/').next()]);
        self.names().into_iter().chain(files.flatten()).collect()
    }

    /// Every variant that may follow a voice after a `+`, sorted.
    pub(crate) fn variants(&self) -> &BTreeSet<String> {
        &self.variants
    }

    /// The library's identifier for `name` or `name+variant`. Case does not matter in the voice, and
    /// does in the variant, which is a file name. Only names from the table pass, so no path does.
    pub(crate) fn find(&self, name: &str) -> Result<String, UnknownVoice> {
        let (base, variant) = match name.split_once('+') {
            Some((base, variant)) => (base, Some(variant)),
            None => (name, None),
        };
        let voice = self.find_voice(base).ok_or_else(|| UnknownVoice {
            what: "voice",
            name: base.to_owned(),
            nearest: nearest(base, self.names().into_iter()),
        })?;
        match variant {
            None => Ok(voice.identifier.clone()),
            Some(variant) if self.variants.contains(variant) => Ok(format!("{}+{variant}", voice.identifier)),
            Some(variant) => Err(UnknownVoice {
                what: "voice variant",
                name: variant.to_owned(),
                nearest: nearest(variant, self.variants.iter().map(String::as_str)),
            }),
        }
    }

    /// By file, by name, or the voice that likes the language best, in this order.
    fn find_voice(&self, name: &str) -> Option<&Voice> {
        let same = |other: &str| other.eq_ignore_ascii_case(name);
        let file = |v: &&Voice| same(&v.identifier) || v.identifier.rsplit('/').next().is_some_and(same);
        let by_language = || {
            let rated = self.voices.iter().filter_map(|voice| {
                let (priority, _) = voice.languages.iter().find(|(_, language)| same(language))?;
                Some((priority, voice))
            });
            rated.min_by_key(|(priority, _)| *priority).map(|(_, voice)| voice)
        };
        self.voices
            .iter()
            .find(file)
            .or_else(|| self.voices.iter().find(|v| same(&v.name)))
            .or_else(by_language)
    }
}

/// The names that look most like `name`, best first; names equally near keep their order.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let name = name.to_lowercase();
    let mut rated: Vec<(usize, &str)> =
        names.map(|other| (strsim::damerau_levenshtein(&name, &other.to_lowercase()), other)).collect();
    rated.sort_by_key(|(distance, _)| *distance);
    rated.into_iter().take(SUGGESTIONS).map(|(_, other)| other.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(name: &str, identifier: &str, languages: &[(u8, &str)]) -> Voice {
        Voice {
            name: name.into(),
            identifier: identifier.into(),
            languages: languages.iter().map(|(p, l)| (*p, (*l).to_owned())).collect(),
        }
    }

    fn table() -> VoiceTable {
        VoiceTable::new(
            vec![
                voice("English (America)", "gmw/en-US", &[(2, "en-us"), (3, "en")]),
                voice("English (Great Britain)", "gmw/en", &[(2, "en-gb"), (2, "en")]),
                voice("English (Received)", "gmw/en-GB-x-rp", &[(4, "en-gb"), (5, "en")]),
            ],
            vec![voice("female3", "!v/f3", &[(5, "variant")]), voice("male1", "!v/m1", &[(5, "variant")])],
        )
    }

    #[test]
    fn a_file_name_a_name_and_a_language_find_a_voice() {
        let table = table();
        assert_eq!(table.find("en-us").unwrap(), "gmw/en-US");
        assert_eq!(table.find("English (America)").unwrap(), "gmw/en-US");
        assert_eq!(table.find("gmw/en-US").unwrap(), "gmw/en-US");
    }

    #[test]
    fn a_language_takes_the_voice_that_prefers_it() {
        assert_eq!(table().find("en-gb").unwrap(), "gmw/en");
    }

    #[test]
    fn all_that_is_accepted_is_found() {
        let table = table();
        let accepted = table.accepted();
        for name in ["gmw/en", "en-GB-x-rp", "English (America)", "en-gb"] {
            assert!(accepted.contains(name), "{name}");
        }
        assert!(accepted.iter().all(|name| table.find(name).is_ok()));
    }

    #[test]
    fn a_variant_follows_a_plus() {
        assert_eq!(table().find("en-us+f3").unwrap(), "gmw/en-US+f3");
    }

    #[test]
    fn unknown_names_come_with_the_nearest() {
        let unknown = table().find("en-uss").unwrap_err();
        assert_eq!((unknown.what, unknown.nearest[0].as_str()), ("voice", "en-us"));
        let unknown = table().find("en-us+f4").unwrap_err();
        assert_eq!((unknown.what, unknown.nearest[0].as_str()), ("voice variant", "f3"));
    }

    #[test]
    fn paths_and_empty_names_are_unknown() {
        for name in ["", "+f3", "../en", "en-us+", "en-us+../f3", "en-us+f3+m1", "!v/f3"] {
            assert!(table().find(name).is_err(), "`{name}` was found");
        }
    }
}
