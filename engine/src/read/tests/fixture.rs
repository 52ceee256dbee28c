//! A registry of made-up kinds and a made-up front end, and problems as lines of text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::artifact::Port;
use crate::claim::Claim;
use crate::diagnostic::Diagnostics;
use crate::operation::{
    AnyFile, FrontEnd, FrontGraph, FrontProject, Image, Info, Input, Kind, Operation, Registry, Reproducible,
    Site, Text, Typed, Video,
};
use crate::quantity::{Bytes, Color, Duration, Gain, Size};
use crate::read::{ReadOptions, check_with, read_project, read_spec};
use crate::span::Sources;
use crate::spec::{Checked, Spec};

/// Parameters with one field of every shape that schemars writes.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Say {
    text: Input<Text>,
    rate: Option<u32>,
    #[serde(default)]
    pause: Duration,
    picture: Option<Show>,
    #[serde(default)]
    parts: Vec<Input<Text>>,
    #[serde(default, rename = "in")]
    files: BTreeMap<String, Input<AnyFile>>,
    level: Option<Level>,
    ink: Option<Color>,
    size: Option<Size>,
    memory: Option<Bytes>,
    #[schemars(range(min = 0.5, max = 2.0))]
    speed: Option<f64>,
    small: Option<u8>,
    motion: Option<Motion>,
    shape: Option<Shape>,
    voice: Option<Input<Video>>,
    #[schemars(length(min = 1))]
    title: Option<String>,
    loud: Option<bool>,
    pair: Option<(u8, String)>,
    #[schemars(extend("format" = "frame-rate"))]
    fps: Option<Value>,
    extra: Option<Box<Self>>,
}

/// Untagged: a word or a quantity.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Level {
    Word(Mute),
    Gain(Gain),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Mute {
    Mute,
}

/// Options with a description each.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Motion {
    /// Nothing moves.
    None,
    /// Nearer.
    PushIn,
    /// Further.
    PullOut,
}

/// Fields beside a choice of fields.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Show {
    motion: Option<Motion>,
    #[serde(flatten)]
    what: What,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum What {
    Image(Input<Image>),
    Color(Color),
}

/// Told apart by a field.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Shape {
    Circle { radius: u32 },
    Square { side: u32 },
}

struct SayKind;

impl Kind for SayKind {
    type Params = Say;

    fn info(&self) -> Info {
        Info {
            name: "say",
            version: 1,
            summary: "",
            example: "",
            site: Site::Inline,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Say) -> Vec<Port> {
        Vec::new()
    }

    fn claim(&self, _: &Say) -> Claim {
        Claim::tiny()
    }
}

fn sections() -> Vec<(&'static str, Value)> {
    let format = json!({
        "type": "object",
        "properties": { "size": { "$ref": "#/$defs/Size" }, "fps": { "format": "frame-rate", "type": ["number", "string"] } },
        "additionalProperties": false,
        "$defs": { "Size": { "type": "string", "format": "size" } },
    });
    let scene = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": { "id": { "type": "string", "format": "name" }, "say": { "type": "string" } },
            "required": ["id"],
        },
    });
    vec![("format", format), ("scenes", scene)]
}

struct Scenes;

static SECTIONS: std::sync::OnceLock<Vec<(&'static str, Value)>> = std::sync::OnceLock::new();

impl FrontEnd for Scenes {
    fn sections(&self) -> &[(&'static str, Value)] {
        SECTIONS.get_or_init(sections)
    }

    fn output_schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": { "file": { "type": "string" }, "size": { "type": "string", "format": "size" } },
            "required": ["file"],
            "additionalProperties": false,
        })
    }

    fn compile(&self, _: &FrontProject<'_>, _: &mut Diagnostics) -> FrontGraph {
        FrontGraph::default()
    }
}

pub(crate) fn registry() -> Registry {
    Registry::default().with(Typed::new(SayKind)).with_front_end(Scenes)
}

/// Problems in the order of the file: code, place, message, help, and other places.
pub(crate) fn lines(problems: Diagnostics, sources: &Sources) -> Vec<String> {
    let place = |span: crate::span::Span| {
        // The project file is the first; others are named.
        let file = sources.get(span.source).filter(|_| span.source.0 > 0);
        let file = file.map_or_else(String::new, |source| format!("{}:", source.path.display()));
        sources.line_column(span).map_or_else(|| "-".to_owned(), |(l, c)| format!("{file}{l}:{c}"))
    };
    let sorted = problems.sorted();
    let line = |p: &crate::diagnostic::Diagnostic| {
        let first = p.labels.first().map_or_else(|| "-".to_owned(), |l| place(l.span));
        let also: String =
            p.labels.iter().skip(1).map(|l| format!(" [{} {}]", place(l.span), l.message)).collect();
        let help = p.help.as_ref().map_or_else(String::new, |help| format!(" | {help}"));
        format!("{} {first} {}{also}{help}", p.code.0, p.message)
    };
    sorted.iter().map(line).collect()
}

pub(crate) fn read(text: &str) -> (Option<Spec>, Vec<String>) {
    read_with(text, &[], &[])
}

pub(crate) fn read_with(
    text: &str,
    env: &[(&str, &str)],
    set: &[(&str, &str)],
) -> (Option<Spec>, Vec<String>) {
    let mut sources = Sources::default();
    let found = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    let set: Vec<_> = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let options = ReadOptions { env: &found, set: &set };
    let (spec, problems) = read_spec(text, Path::new("reel.yaml"), &registry(), &options, &mut sources);
    (spec, lines(problems, &sources))
}

/// Reads the project in a folder: the spec, the files it is made of, and what is said of them.
pub(crate) fn project(folder: &Path) -> (Option<Spec>, Vec<PathBuf>, Vec<String>) {
    let mut sources = Sources::default();
    let options = ReadOptions { env: &|_| None, set: &[] };
    let read = read_project(folder, "reel.yaml", &registry(), &options, &mut sources);
    (read.spec, read.files, lines(read.problems, &sources))
}

/// What the check says of `with:` of one node, written on the lines after the fourth.
pub(crate) fn checked(uses: &str, with: &str) -> (Option<Checked>, Vec<String>) {
    let text = format!("version: 1\nnodes:\n  a:\n    uses: {uses}\n    with: {with}\n");
    let mut sources = Sources::default();
    let options = ReadOptions { env: &|_| None, set: &[] };
    let registry = registry();
    let (spec, mut problems) = read_spec(&text, Path::new("reel.yaml"), &registry, &options, &mut sources);
    let Some(spec) = spec else {
        return (None, lines(problems, &sources));
    };
    let operation: &dyn Operation = registry.get(uses).unwrap().as_ref();
    let checked = check_with(&spec.nodes[0], operation, &mut problems);
    (checked, lines(problems, &sources))
}
