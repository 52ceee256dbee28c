//! Tells the worker what it was made of: versions of the crates that change pixels, and a digest of its source.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates whose code decides which bytes a picture or a sound has.
const CRATES: [&str; 25] = [
    "cosmic-text",
    "ebur128",
    "fast_image_resize",
    "fontdb",
    "gif",
    "harfrust",
    "image",
    "image-webp",
    "moxcms",
    "png",
    "read-fonts",
    "resvg",
    "roxmltree",
    "skrifa",
    "svgtypes",
    "swash",
    "tiff",
    "tiny-skia",
    "tiny-skia-path",
    "unicode-bidi",
    "unicode-script",
    "usvg",
    "zeno",
    "zune-core",
    "zune-jpeg",
];

/// Folders, relative to this crate, whose source files make up the build id.
const SOURCES: [&str; 3] = ["src", "../src", "../../engine/src"];
const LOCK: &str = "../../Cargo.lock";

fn main() -> std::io::Result<()> {
    for watched in SOURCES.iter().chain(&[LOCK, "build.rs"]) {
        emit(&format!("rerun-if-changed={watched}"));
    }
    let lock = fs::read_to_string(LOCK)?;
    emit(&format!("rustc-env=REEL_CRATE_VERSIONS={}", versions(&lock)));
    emit(&format!("rustc-env=REEL_BUILD_ID={}", build_id(&lock)?));
    Ok(())
}

/// Build scripts speak to cargo through their output; there is no other way.
fn emit(instruction: &str) {
    println!("cargo:{instruction}");
}

/// `name version;name version;…` of [`CRATES`], every version of each, in the lock file's order.
fn versions(lock: &str) -> String {
    let value = |line: &str, key: &str| {
        line.strip_prefix(key)
            .and_then(|rest| rest.strip_prefix(" = \"")?.strip_suffix('"').map(str::to_owned))
    };
    let mut found = Vec::new();
    let mut lines = lock.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(name) = value(line, "name") else { continue };
        let version = lines.peek().and_then(|next| value(next, "version"));
        if let (true, Some(version)) = (CRATES.contains(&name.as_str()), version) {
            found.push(format!("{name} {version}"));
        }
    }
    found.join(";")
}

/// A digest of every source file's path and content, in the order of paths, and of the lock file.
fn build_id(lock: &str) -> std::io::Result<String> {
    let mut files = Vec::new();
    for folder in SOURCES {
        collect(Path::new(folder), &mut files)?;
    }
    files.sort();
    let mut digest = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        digest.update(&(bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    add(lock.as_bytes());
    for file in files {
        add(file.to_string_lossy().as_bytes());
        add(&fs::read(&file)?);
    }
    Ok(digest.finalize().to_hex()[..32].to_owned())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            files.push(entry.path());
        }
    }
    Ok(())
}
