//! The film front end: `scenes:` and what stands around it become nodes. It knows no schedule and runs nothing.
//!
//! | node | from | shared by |
//! |---|---|---|
//! | `SCENE.say.N` `SCENE.level.N` `SCENE.transcribe` | `say` | everything |
//! | `SCENE.words` | a subtitle file of `say` or `captions` | everything |
//! | `SCENE.image.N` `SCENE.clip.N` | `show` | everything |
//! | `SCENE.timeline` | all of the above | formats of one frame rate |
//! | `SCENE.layer.N.M.…` | `layers` | what is drawn for each format; files everything |
//! | `SCENE.card.N` `.svg.N` `.still.N` `.conform.N` `.cues` `.segments` → `.encode.N` | `show`, `captions` | outputs of one format |
//! | `SCENE.composed` → `.sample.N`, `SCENE.trial`, `film.quality` | `quality` of an output | outputs of one format |
//! | `film.mix` → `.mix.N` and more | the scenes of a film, `music` | formats of one length |
//! | `film.mux`, `OUTPUT.captions`, `.mix`, `.thumbnail`, `.gif`, `.subtitles`, `.cover` | `outputs` | equal outputs |
//!
//! Where there are several of one line, `OUTPUT/` stands before the name.

mod delivery;
mod encodings;
mod film;
mod formats;
mod layers;
mod maker;
mod pictures;
pub mod sections;
mod sound;
mod speech;
mod story;
mod style;
mod transitions;
mod trials;

use std::sync::{Arc, OnceLock};

use reel_engine::diagnostic::{Code, Diagnostics, code};
use reel_engine::operation::{FrontEnd, FrontGraph, FrontProject};
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use crate::host::Offers;
use crate::text::fonts::FontBook;
use sections::layers::{Layer, Progress};
use sections::output::Output;
use sections::{Captions, Format, Musics, Pronounce, Scenes, Voice};

/// The word for a film that is made small and fast.
const DRAFT: &str = "draft";

/// Errors that are told of the rest of a film when something else in it is wrong: they do not follow from it.
const STANDS_ALONE: &[Code] =
    &[code::MISSING_FILE, code::OUTSIDE, code::WRONG_CONTENT, code::MISSING_FONT, code::EMPTY_TEXT];

/// The front end.
pub struct ScenesFrontEnd {
    /// Where fonts are found, to check glyphs.
    pub fonts: Arc<FontBook>,
    /// Which encoders there are in this machine's graphics devices.
    pub offers: Offers,
    /// Whether films are half as wide and high, and encoded fast.
    pub draft: bool,
}

fn schema<T: JsonSchema>() -> Value {
    schema_for!(T).to_value()
}

impl FrontEnd for ScenesFrontEnd {
    fn sections(&self) -> &[(&'static str, Value)] {
        static SECTIONS: OnceLock<Vec<(&'static str, Value)>> = OnceLock::new();
        SECTIONS.get_or_init(|| {
            vec![
                ("format", schema::<Format>()),
                ("voice", schema::<Voice>()),
                ("captions", schema::<Captions>()),
                ("music", schema::<Musics>()),
                ("pronounce", schema::<Pronounce>()),
                ("watermark", schema::<Layer>()),
                ("progress", schema::<Progress>()),
                ("scenes", schema::<Scenes>()),
            ]
        })
    }

    fn output_schema(&self) -> Value {
        schema::<Output>()
    }

    fn manner(&self) -> Option<&'static str> {
        self.draft.then_some(DRAFT)
    }

    fn compile(&self, project: &FrontProject<'_>, problems: &mut Diagnostics) -> FrontGraph {
        let none = FrontGraph { bindings: vec![None; project.outputs.len()], ..FrontGraph::default() };
        let _span = tracing::debug_span!("scenes").entered();
        let Some(story) = story::read(project, problems) else { return none };
        let mut found = Diagnostics::default();
        let formats = formats::read(project, &story, (self.draft, &self.offers), &mut found);
        if !story.apart {
            // Two scenes of one name would make two nodes of every name: that noise helps nobody.
            if story.whole {
                problems.extend(found);
            }
            return none;
        }
        let film = film::compile(project, &story, &formats, &self.fonts, &mut found);
        if story.whole {
            problems.extend(found);
            return film;
        }
        // Which fonts draw a text is known where `captions` is right.
        let stands = |code: Code| STANDS_ALONE.contains(&code) || story.styled && code == code::MISSING_GLYPH;
        for problem in found.iter().filter(|problem| stands(problem.code)) {
            problems.push(problem.clone());
        }
        FrontGraph { bindings: none.bindings, ..film }
    }
}

#[cfg(test)]
mod tests;
