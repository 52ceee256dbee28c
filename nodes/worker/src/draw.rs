//! All drawing: stills and their motion, text, cards, blends. It knows no media file, no engine and no clock.

pub mod blend;
pub mod caption;
pub mod card;
mod colour;
pub mod cues;
pub mod error;
mod ink;
mod inks;
mod lanes;
pub mod motion;
mod plane;
pub mod pyramid;
pub mod sampler;
mod sniff;
pub mod sprite;
pub mod still;
mod still_file;
pub mod svg;
pub mod text;
pub mod transition;

/// Crates whose versions change pixels, by name and version as the lock file has them. They belong in the
/// identity of whatever draws.
#[must_use]
pub fn identity() -> Vec<(String, String)> {
    let crates = env!("REEL_CRATE_VERSIONS").split(';').filter_map(|pair| pair.split_once(' '));
    crates.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

/// A digest of the source that this program was built from.
pub const BUILD_ID: &str = env!("REEL_BUILD_ID");

#[cfg(test)]
mod tests {
    #[test]
    fn the_identity_names_what_draws() {
        let identity = super::identity();
        for name in ["cosmic-text", "swash", "zeno", "resvg", "image", "zune-jpeg", "moxcms"] {
            assert!(identity.iter().any(|(n, v)| n == name && v.contains('.')), "{name} of {identity:?}");
        }
        assert_eq!(super::BUILD_ID.len(), 32);
    }
}
