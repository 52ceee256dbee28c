//! `svg`: a drawing made into a picture, with places in it filled in. It knows no scene and no film.
//!
//! ```yaml
//! nodes:
//!   map: { uses: svg, with: { file: assets/map.svg, set: { city: Reykjavík }, size: 1080x1920 } }
//! ```
//!
//! What the run (in the worker) must do:
//! - read slot `file` (UTF-8 SVG, or gzip of it); replace every `{{name}}` by `set[name]`, escaped for XML;
//!   a `{{name}}` without a value and a value without a `{{name}}` are failures that name it;
//! - draw it with resvg at the smallest scale at which it covers `size` in both directions, proportions kept,
//!   on nothing (transparent); links to files outside the SVG are not followed (`data:` pictures are drawn);
//! - text is drawn with the faces in `faces` only, matched by family name; a family that is not among them
//!   is drawn with the first face; text in an SVG while `faces` is empty is a failure that says to declare
//!   `font`;
//! - port `image`: PNG, 8-bit RGBA (straight alpha) or RGB when opaque, sRGB, media `image/png`.

mod drawing;

use std::collections::BTreeMap;
use std::sync::Arc;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{AnyFile, Info, Input, Kind, Reproducible, Resolve, Site};
use reel_engine::quantity::Size;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::font::Face;
use crate::media::tools;
use crate::text::fonts::FontBook;
pub use drawing::filled_in;

/// Packed drawings, and those of more bytes, are looked into by the run alone.
const LOOKED_INTO: u64 = 16 << 20;
/// How a file packed by gzip begins (RFC 1952).
const PACKED: [u8; 2] = [0x1f, 0x8b];

/// `with:` of `svg`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The drawing.
    pub file: Input<AnyFile>,
    /// What stands for each `{{name}}` in it.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// The picture covers at least this; its proportions are the drawing's.
    #[serde(default = "default_size")]
    pub size: Size,
    /// Font families or font files of the project that its text may use.
    #[serde(default)]
    pub font: Vec<String>,
    /// Faces of those fonts; filled by the check.
    #[serde(default)]
    #[schemars(skip)]
    pub faces: Vec<Face>,
}

fn default_size() -> Size {
    Size { width: 1080, height: 1920 }
}

/// The kind.
pub struct Svg {
    /// Where its fonts are found.
    pub fonts: Arc<FontBook>,
}

impl Kind for Svg {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "svg",
            version: 1,
            summary: "draws an SVG, with `{{name}}` in it replaced",
            example: "map: { uses: svg, with: { file: map.svg, set: { city: Oslo }, font: [DejaVu Sans] } }",
            site: Site::Worker,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("image", PortType::Image)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::cores(1, 128)
    }

    fn tools(&self, _: &Params) -> Vec<&'static str> {
        vec![tools::RESVG, tools::IMAGE]
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        let text = drawn_text(params, cx).unwrap_or_default();
        if params.font.is_empty() {
            if !text.trim().is_empty() {
                let message = "the drawing has text, but no font is declared for it";
                cx.problem("/file", code::MISSING_FONT, message, Some("add `font: DejaVu Sans`".into()));
            }
            return;
        }
        let regular = self.fonts.declare(&params.font, false, "/font", "font", cx);
        let bold = self.fonts.declare(&params.font, true, "/font", "bold_font", cx);
        if let (Some(regular), Some(bold)) = (regular, bold) {
            if let (Some((code, message, help)), Some(_)) =
                (regular.missing_glyph(&text), bold.missing_glyph(&text))
            {
                cx.problem("/file", code, message, Some(help));
            }
            params.faces = regular.into_faces();
            params.faces.extend(bold.into_faces());
        }
    }
}

/// The text of a drawing of the project, as far as it is certain; what is wrong with the drawing is reported.
fn drawn_text(params: &Params, cx: &mut Resolve<'_>) -> Option<String> {
    let path = cx.path(params.file.slot())?;
    if std::fs::metadata(&path).ok()?.len() > LOOKED_INTO {
        return None;
    }
    let bytes = std::fs::read(&path).ok().filter(|bytes| !bytes.starts_with(&PACKED))?;
    let shown = path.strip_prefix(cx.root).unwrap_or(&path).display().to_string();
    let source = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned());
    let told = match source.map(|source| filled_in(&source, &params.set)) {
        Ok(Ok(filled)) => drawing::shown_text(&filled),
        Ok(Err(why)) => {
            let message = format!("`{shown}` and `set` do not go together: {why}");
            cx.problem("/file", code::BAD_VALUE, message, None);
            return None;
        }
        Err(why) => Err(why),
    };
    told.map_err(|why| {
        let message = format!("`{shown}` is no SVG that can be read: {why}");
        cx.problem("/file", code::WRONG_CONTENT, message, Some("export it again".into()));
    })
    .ok()
}
