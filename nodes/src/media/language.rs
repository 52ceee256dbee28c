//! Languages of tracks, as players know them. It knows no track.

/// Why this is no language of a track, if it is none.
pub(crate) fn wrong_language(language: &str) -> Option<(String, String)> {
    let right = language.len() == 3 && language.bytes().all(|byte| byte.is_ascii_lowercase());
    let help = "give three letters of ISO 639-2, such as `eng`, `deu` or `fra`";
    (!right).then(|| (format!("`{language}` names no language"), help.to_owned()))
}
