//! `captions`: the words of a film as a caption file. It knows no picture and no font.
//!
//! ```yaml
//! nodes:
//!   subs: { uses: captions, with: { format: srt,
//!           scenes: [{ plan: "${hook.timeline.plan}", words: "${hook.timeline.words}" }] } }
//! ```

mod lay;
mod write;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::operation::{
    Call, Failure, Info, Input, Json, Kind, Outcome, Reproducible, Site, Words as WordsPort,
};
use reel_engine::quantity::Size;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::look::{CaptionLook, CaptionStyle, CaptionType};
use crate::media::plan::{Plan, starts};
use crate::media::words::Words;
use crate::text::cueing::Rules;

/// `with:` of `captions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Scenes in the order of the film.
    pub scenes: Vec<Scene>,
    /// The kind of file.
    pub format: Format,
    /// Most lines of a caption.
    #[serde(default = "default_lines")]
    #[schemars(range(min = 1, max = 6))]
    pub lines: u32,
    /// Most characters of a line.
    #[serde(default = "default_chars")]
    #[schemars(range(min = 8, max = 200))]
    pub chars: u32,
    /// How it looks, for ASS, the one format that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ass: Option<Ass>,
}

/// One scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// From `timeline`.
    pub plan: Input<Json>,
    /// From `timeline`.
    pub words: Input<WordsPort>,
}

/// How ASS captions look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ass {
    /// Size of the film's frame.
    pub size: Size,
    /// Which letters, how large.
    #[serde(rename = "type")]
    pub letters: CaptionType,
    /// How they are drawn.
    pub look: CaptionLook,
}

/// Formats of caption files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// SubRip.
    Srt,
    /// WebVTT.
    Vtt,
    /// Advanced SubStation Alpha.
    Ass,
}

impl Format {
    /// Media type of a file of it.
    #[must_use]
    pub const fn media(self) -> &'static str {
        match self {
            Self::Srt => "application/x-subrip",
            Self::Vtt => "text/vtt",
            Self::Ass => "text/x-ass",
        }
    }
}

const fn default_lines() -> u32 {
    2
}

const fn default_chars() -> u32 {
    32
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Captions;

impl Kind for Captions {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "captions",
            version: 2,
            summary: "writes the words of a film as SRT, VTT or ASS",
            example: "subs: { uses: captions, with: { format: srt, \
                      scenes: [{ plan: \"${hook.timeline.plan}\", words: \"${hook.timeline.words}\" }] } }",
            site: Site::Inline,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("captions", PortType::Captions)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::tiny()
    }

    fn run(&self, params: Params, call: &Call<'_>) -> Result<Outcome, Failure> {
        let mut scenes = Vec::with_capacity(params.scenes.len());
        for scene in &params.scenes {
            let plan: Plan = read_json(call, scene.plan.slot())?;
            let words: Words = read_json(call, scene.words.slot())?;
            scenes.push((plan, words));
        }
        // A player draws these as a whole, whatever the film's own captions do; only ASS can show word by word.
        let style = params.ass.as_ref().map(|ass| ass.look.style).filter(|_| params.format == Format::Ass);
        let style = style.filter(|style| *style != CaptionStyle::None).unwrap_or(CaptionStyle::Line);
        let cues = film_cues(&scenes, style.rules(params.lines), params.chars as usize);
        let text = match params.format {
            Format::Srt => write::srt(&cues),
            Format::Vtt => write::vtt(&cues),
            Format::Ass => write::ass(&cues, params.ass.as_ref()),
        };
        Ok(Outcome::default().with_bytes("captions", params.format.media(), text))
    }
}

/// Captions of all scenes, in samples of the film.
fn film_cues(scenes: &[(Plan, Words)], rules: Rules, chars: usize) -> Vec<lay::Cue> {
    let Some(fps) = scenes.first().map(|(plan, _)| plan.fps) else {
        return Vec::new();
    };
    let starts = starts(fps, scenes.iter().map(|(plan, _)| plan));
    let mut cues = Vec::new();
    for (i, (_, words)) in scenes.iter().enumerate() {
        cues.extend(lay::cues(words, starts[i].sample, starts[i + 1].sample, rules, chars));
    }
    cues
}

fn read_json<T: serde::de::DeserializeOwned>(call: &Call<'_>, slot: &str) -> Result<T, Failure> {
    serde_json::from_slice(&call.read(slot)?)
        .map_err(|error| Failure::new(format!("input `{slot}` is not what was expected: {error}")))
}

#[cfg(test)]
mod tests;
