//! Fonts by family or file, and which characters they have. It draws nothing and asks no system service.

mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use reel_engine::diagnostic::{Code, code, nearest};
use reel_engine::operation::Resolve;
use skrifa::{FontRef, MetadataProvider};

use crate::media::font::Face;
use scan::{KnownFace, Scan};

/// All fonts that this machine offers; looked for only when one is asked for by its family.
#[derive(Debug, Default)]
pub struct FontBook {
    dirs: Vec<PathBuf>,
    memo: Option<PathBuf>,
    scanned: OnceLock<Scan>,
    coverage: Mutex<BTreeMap<(PathBuf, u32), Coverage>>,
}

type Coverage = Arc<BTreeSet<u32>>;

/// Fonts that were found for a list of names, in the same order.
#[derive(Debug, Clone)]
pub struct Fonts {
    found: Vec<Found>,
}

#[derive(Debug, Clone)]
struct Found {
    name: String,
    path: PathBuf,
    face: Face,
    coverage: Coverage,
}

/// A problem with a font: its class, what it is, what to do.
pub type Problem = (Code, String, String);

impl FontBook {
    /// The fonts in these folders; what was found there is remembered in the folder `memo`.
    #[must_use]
    pub fn new(dirs: Vec<PathBuf>, memo: Option<&Path>) -> Self {
        Self { dirs, memo: memo.map(|folder| folder.join("fonts.json")), ..Self::default() }
    }

    /// Finds every font of `names` and adds it to the inputs of a node as `PREFIX.0`, `PREFIX.1`, …; problems
    /// are reported at `pointer`, and then there is nothing.
    pub fn declare(
        &self,
        names: &[String],
        bold: bool,
        pointer: &str,
        prefix: &str,
        cx: &mut Resolve<'_>,
    ) -> Option<Fonts> {
        let found = self.find(cx.root, names, bold);
        for folder in self.scanned.get().map(|scan| scan.folders.as_slice()).unwrap_or_default() {
            cx.searched(folder.clone());
        }
        match found {
            Ok(mut fonts) => {
                // A name may be a link, and lead to another font tomorrow.
                names.iter().filter(|name| is_path(name)).for_each(|name| cx.looked_into(cx.root.join(name)));
                for (i, found) in fonts.found.iter_mut().enumerate() {
                    found.face.slot = format!("{prefix}.{i}");
                    cx.file(found.face.slot.clone(), found.path.clone());
                    cx.looked_into(found.path.clone());
                }
                Some(fonts)
            }
            Err((code, message, help)) => {
                cx.problem(pointer, code, message, Some(help));
                None
            }
        }
    }

    /// Finds every font of `names`: a family, or a font file of the project at `root`. With `bold`, the bold
    /// face of a family where there is one.
    ///
    /// # Errors
    /// The first that is not there.
    pub fn find(&self, root: &Path, names: &[String], bold: bool) -> Result<Fonts, Problem> {
        if names.is_empty() {
            return Err((
                code::MISSING_FONT,
                "no font is named here".into(),
                "name one, such as `font: DejaVu Sans`".into(),
            ));
        }
        let found = names
            .iter()
            .map(|name| {
                let (path, index) =
                    if is_path(name) { (font_file(root, name)?, 0) } else { self.family(name, bold)? };
                Ok(Found {
                    name: name.clone(),
                    coverage: self.coverage(&path, index)?,
                    face: Face { slot: String::new(), index },
                    path,
                })
            })
            .collect::<Result<_, Problem>>()?;
        Ok(Fonts { found })
    }

    fn family(&self, name: &str, bold: bool) -> Result<(PathBuf, u32), Problem> {
        let faces = &self.scanned.get_or_init(|| scan::faces(&self.dirs, self.memo.as_deref())).faces;
        let wanted: u16 = if bold { 700 } else { 400 };
        let of_name = |face: &&KnownFace| face.families.iter().any(|f| f.eq_ignore_ascii_case(name));
        let best = faces.iter().filter(of_name).min_by_key(|face| {
            (face.slanted, face.stretch.abs_diff(5), face.weight.abs_diff(wanted), &face.path, face.index)
        });
        if let Some(face) = best {
            return Ok((face.path.clone(), face.index));
        }
        let families: BTreeSet<&str> = faces.iter().flat_map(|f| &f.families).map(String::as_str).collect();
        let help = match nearest(name, families.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if families.is_empty() => {
                "no fonts are installed here: install some (`fonts-dejavu-core`), or put a font file into the \
                 project and write its path"
                    .into()
            }
            None => {
                let some: Vec<&str> = families.into_iter().take(8).collect();
                format!("installed are {}; or put a font file into the project and write its path", some.join(", "))
            }
        };
        Err((code::MISSING_FONT, format!("there is no font `{name}`"), help))
    }

    fn coverage(&self, path: &Path, index: u32) -> Result<Coverage, Problem> {
        let key = (path.to_owned(), index);
        let mut known = self.coverage.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(coverage) = known.get(&key) {
            return Ok(Arc::clone(coverage));
        }
        let not_a_font = |why: String| {
            let message = format!("`{}` is not a font that reel can read: {why}", path.display());
            (code::WRONG_CONTENT, message, "fonts are TrueType or OpenType files (.ttf, .otf, .ttc)".into())
        };
        let data = std::fs::read(path).map_err(|e| not_a_font(e.to_string()))?;
        let font = FontRef::from_index(&data, index).map_err(|e| not_a_font(e.to_string()))?;
        let coverage: Coverage = Arc::new(font.charmap().mappings().map(|(c, _)| c).collect());
        known.insert(key, Arc::clone(&coverage));
        Ok(coverage)
    }
}

impl Fonts {
    /// The faces as a run finds them.
    #[must_use]
    pub fn into_faces(self) -> Vec<Face> {
        self.found.into_iter().map(|found| found.face).collect()
    }

    /// The first character of `text` that none of the fonts can draw, as a problem.
    #[must_use]
    pub fn missing_glyph(&self, text: &str) -> Option<Problem> {
        let has = |c: char| self.found.iter().any(|font| font.coverage.contains(&u32::from(c)));
        let missing = text.chars().find(|c| !is_invisible(*c) && !has(*c))?;
        let names: Vec<String> = self.found.iter().map(|f| format!("`{}`", f.name)).collect();
        Some((
            code::MISSING_GLYPH,
            format!("`{missing}` (U+{:04X}) is not in {}", u32::from(missing), names.join(" or ")),
            "add a font that has it to the list: `font: [FIRST, SECOND]`; a font file of the project works, too"
                .into(),
        ))
    }
}

fn is_path(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.contains('/') || [".ttf", ".otf", ".ttc", ".otc"].iter().any(|end| lower.ends_with(end))
}

fn font_file(root: &Path, name: &str) -> Result<PathBuf, Problem> {
    let missing = |why: String| {
        let help = "the path is relative to the project's folder".into();
        (code::MISSING_FONT, format!("cannot read font file `{name}`: {why}"), help)
    };
    let root = root.canonicalize().map_err(|e| missing(e.to_string()))?;
    let path = root.join(name).canonicalize().map_err(|e| missing(e.to_string()))?;
    if !path.starts_with(&root) {
        let help = "copy the font into the project, or install it and write its family".into();
        return Err((code::OUTSIDE, format!("font file `{name}` lies outside the project"), help));
    }
    // A pipe would wait for somebody who writes.
    if !path.is_file() {
        return Err(missing("it is no file".to_owned()));
    }
    Ok(path)
}

/// Characters that need no glyph: white space, controls, and what Unicode calls default-ignorable.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(u32::from(c),
            0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
            | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8
            | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

#[cfg(test)]
mod tests;
