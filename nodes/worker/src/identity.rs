//! Who this program is: its build, its kinds, and the identity of everything it works with, for keys. It knows
//! no key.

mod elf;
pub mod hardware;
mod speak;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use reel_engine::executor::toolbox::ProgramIdentity;
use reel_nodes::media::tools;

use crate::{av, draw, runs};

pub use draw::BUILD_ID;

/// Tools that are Rust crates, and the crates whose versions may change what they make.
const CRATES: [(&str, &[&str]); 4] = [
    (tools::EBUR128, &["ebur128"]),
    (
        tools::RESVG,
        &[
            "resvg",
            "usvg",
            "tiny-skia",
            "tiny-skia-path",
            "svgtypes",
            "roxmltree",
            "fontdb",
            "harfrust",
            "read-fonts",
            "skrifa",
            "unicode-bidi",
            "unicode-script",
            "png",
            "gif",
            "image-webp",
            "zune-core",
            "zune-jpeg",
        ],
    ),
    (
        tools::COSMIC_TEXT,
        &[
            "cosmic-text",
            "swash",
            "zeno",
            "fontdb",
            "harfrust",
            "read-fonts",
            "skrifa",
            "unicode-bidi",
            "unicode-script",
        ],
    ),
    (
        tools::IMAGE,
        &[
            "image",
            "image-webp",
            "png",
            "gif",
            "tiff",
            "zune-core",
            "zune-jpeg",
            "moxcms",
            "fast_image_resize",
        ],
    ),
];

/// Encoders behind FFmpeg that do not tell their version: FFmpeg's name of each, and how the files of its library begin.
const ENCODERS: [(&str, &str, &str); 4] = [
    (tools::X265, "libx265", "libx265"),
    (tools::SVT_AV1, "libsvtav1", "libSvtAv1Enc"),
    (tools::VPX, "libvpx-vp9", "libvpx"),
    (tools::OPUS, "libopus", "libopus"),
];

/// The kinds this program runs, with their versions.
#[must_use]
pub fn kinds() -> BTreeMap<String, u32> {
    runs::runs().iter().map(|(name, version, _)| ((*name).to_owned(), *version)).collect()
}

/// Identities of the libraries inside this program. It starts nothing and reads little, so that a worker can
/// tell them each time it is met.
#[must_use]
pub fn linked() -> BTreeMap<String, String> {
    let libraries = libraries();
    let builds = |prefixes: &[&str]| {
        let wanted = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            prefixes.iter().any(|prefix| name.starts_with(prefix))
        };
        libraries.iter().filter(wanted).map(|path| format!(" {}", elf::build(path))).collect::<String>()
    };
    let mut found = BTreeMap::new();
    let (x264, ffmpeg): (Vec<_>, Vec<_>) =
        av::identity().into_iter().partition(|(name, _)| name == tools::X264);
    let versions: Vec<String> = ffmpeg.iter().map(|(name, version)| format!("{name} {version}")).collect();
    found.insert(tools::FFMPEG.to_owned(), versions.join(" ") + &builds(&["libav", "libsw"]));
    for (name, version) in x264 {
        found.insert(name, version + &builds(&["libx264"]));
    }
    for (tool, encoder, library) in ENCODERS {
        let build = builds(&[library]);
        let known = match build.trim() {
            _ if !av::identity::has_encoder(encoder) => "none".to_owned(),
            // A part of FFmpeg, then, whose own build is in every key that this is in.
            "" => "within ffmpeg".to_owned(),
            build => build.to_owned(),
        };
        found.insert(tool.to_owned(), known);
    }
    found.insert(tools::WHISPER.to_owned(), whisper_rs::get_whisper_version().to_owned());
    let crates = draw::identity();
    for (tool, parts) in CRATES {
        let used = crates.iter().filter(|(name, _)| parts.contains(&name.as_str()));
        let versions: Vec<String> = used.map(|(name, version)| format!("{name} {version}")).collect();
        found.insert(tool.to_owned(), versions.join(" "));
    }
    found
}

/// Who this program is, whole: it starts `reel-speak` and reads its data, and tries the graphics devices.
#[must_use]
pub fn whole() -> (ProgramIdentity, Vec<String>) {
    let mut identity = ProgramIdentity {
        build_id: BUILD_ID.to_owned(),
        kinds: kinds(),
        tools: linked(),
        files: library_files(),
        ..ProgramIdentity::default()
    };
    let mut missing = Vec::new();
    let speaker = crate::speech::speak::program();
    match speak::ask(&speaker) {
        Ok(found) => {
            identity.tools.insert(tools::ESPEAK.to_owned(), found.identity);
            identity.offers.insert(tools::ESPEAK.to_owned(), found.voices);
            identity.files.extend(found.files);
        }
        Err(error) => missing.push(format!("`{}` does not tell who it is: {error}", speaker.display())),
    }
    // Also when it is not there: that it appears is a change.
    identity.files.push(speaker);
    hardware::add(&mut identity);
    (identity, missing)
}

/// From now on `reel-speak` is watched: what it uses beside what is in its identity is told with what it says.
pub fn watch_speaker() {
    let speaker = crate::speech::speak::program();
    // One that does not tell who it is, cannot speak either, and the action says so.
    if let Ok(declared) = speak::declared(&speaker) {
        crate::speech::speak::watch(declared);
    }
}

/// The libraries, and what decides which files they are: their folders (a link in one may be set to another
/// version) and the loader's cache.
fn library_files() -> Vec<PathBuf> {
    let libraries = libraries();
    let folders: BTreeSet<PathBuf> =
        libraries.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
    libraries.into_iter().chain(folders).chain([PathBuf::from("/etc/ld.so.cache")]).collect()
}

/// The shared libraries in this process.
#[must_use]
pub fn libraries() -> BTreeSet<PathBuf> {
    // Without /proc nothing is known of them, and the versions they tell have to do.
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    libraries_in(&maps)
}

/// Paths in the lines of a memory map (proc(5)) that are shared libraries: the sixth field, which may hold blanks.
fn libraries_in(maps: &str) -> BTreeSet<PathBuf> {
    let path = |line: &str| Some(PathBuf::from(&line[line.find('/')?..]));
    let is_library = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.ends_with(".so") || name.contains(".so.")
    };
    maps.lines().filter_map(path).filter(is_library).collect()
}

/// The dynamic loader among libraries: the one that starts programs.
#[must_use]
pub fn loader(libraries: &BTreeSet<PathBuf>) -> Option<&Path> {
    let is_loader =
        |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-"));
    libraries.iter().find(is_loader).map(PathBuf::as_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_that_kinds_ask_for_has_an_identity() {
        let linked = linked();
        let encoders = [tools::X264, tools::X265, tools::SVT_AV1, tools::VPX, tools::OPUS];
        let others = [tools::FFMPEG, tools::WHISPER, tools::RESVG, tools::COSMIC_TEXT, tools::IMAGE];
        for tool in encoders.into_iter().chain(others) {
            assert!(linked.get(tool).is_some_and(|identity| identity.contains('.')), "{tool} of {linked:?}");
        }
        assert!(linked[tools::FFMPEG].contains("libavcodec.so"), "{}", linked[tools::FFMPEG]);
        assert!(linked[tools::X264].contains("libx264.so"), "{}", linked[tools::X264]);
        assert_eq!(linked, super::linked(), "the same each time");
    }

    #[test]
    fn every_crate_that_draws_belongs_to_a_tool() {
        for (name, _) in draw::identity() {
            let belongs = CRATES.iter().any(|(_, parts)| parts.contains(&name.as_str()));
            assert!(belongs, "`{name}` changes pixels and is in no tool's identity");
        }
    }

    #[test]
    fn libraries_are_found_in_a_memory_map() {
        let maps = "7f00-7f01 r-xp 00000000 fe:00 123 /usr/lib/x86_64-linux-gnu/libx264.so.164\n\
                    7f01-7f02 rw-p 00000000 00:00 0\n\
                    7f02-7f03 r--p 00000000 fe:00 124 /opt/my libs/ld-linux-x86-64.so.2\n\
                    7f03-7f04 r--p 00000000 fe:00 125 /usr/bin/reel-worker\n\
                    7ffd-7ffe r-xp 00000000 00:00 0 [vdso]\n";
        let found = libraries_in(maps);
        assert_eq!(found.len(), 2);
        assert_eq!(loader(&found), Some(Path::new("/opt/my libs/ld-linux-x86-64.so.2")));
    }
}
