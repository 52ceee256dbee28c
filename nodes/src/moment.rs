//! What is where in a film that was joined from segments: scenes, sentences, captions, pictures, segments and sounds, each
//! with the nodes behind it. It looks nothing up: whoever asks brings the graph and the artifacts.
//!
//! | module | |
//! |---|---|
//! | `when` | a moment as people write it |
//! | `shown` | what is seen, from the parameters of segments |
//! | `heard` | what is heard, from the parameters of the mix |
//! | `loud` | how loud a sentence is, for drawings |

mod heard;
mod loud;
mod shown;
mod when;

use std::collections::BTreeMap;

use reel_engine::graph::{Feed, Graph, Node};
use reel_engine::id::NodeId;
use serde::de::DeserializeOwned;

use crate::film::{mux, timeline};
use crate::media::plan::{Plan, Start, starts};
use crate::media::time::{FrameRate, SAMPLE_RATE, rescale};
use crate::media::words::{Words, line};

pub use loud::heights;
pub use when::{Clock, When};

/// The bytes that a node put on a port, as far as they are known.
pub type Read<'a> = &'a dyn Fn(NodeId, &str) -> Option<Vec<u8>>;

/// A film, and where in it everything is.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// Frames per second.
    pub fps: FrameRate,
    /// Length in frames.
    pub frames: u64,
    /// All that is in it, by role, then by time.
    pub stretches: Vec<Stretch>,
}

/// What something is in a film; in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A scene; behind it, what decides its times and cuts.
    Scene,
    /// A sentence that is said.
    Sentence,
    /// A caption that is drawn into the pictures.
    Caption,
    /// The picture that is seen.
    Picture,
    /// The picture that goes on beneath a transition.
    Outgoing,
    /// Something that lies over the picture.
    Layer,
    /// A transition.
    Transition,
    /// A piece that is encoded by itself.
    Segment,
    /// The sound of a clip.
    ClipSound,
    /// A sound that was put in; from where it begins to the end of its scene.
    Effect,
    /// Music.
    Music,
    /// All that is heard.
    Mix,
    /// All of it, joined.
    Film,
}

/// Something that is in a film for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// What it is.
    pub role: Role,
    /// The scene that it belongs to.
    pub scene: Option<String>,
    /// The first frame.
    pub start: u64,
    /// The first frame after it.
    pub end: u64,
    /// The nodes behind it, the nearest to the film first.
    pub nodes: Vec<NodeId>,
    /// What people know it by: words, a file, a colour.
    pub text: String,
}

impl Role {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scene => "scene",
            Self::Sentence => "sentence",
            Self::Caption => "caption",
            Self::Picture => "picture",
            Self::Outgoing => "outgoing",
            Self::Layer => "layer",
            Self::Transition => "transition",
            Self::Segment => "segment",
            Self::ClipSound => "clip-sound",
            Self::Effect => "effect",
            Self::Music => "music",
            Self::Mix => "mix",
            Self::Film => "film",
        }
    }
}

impl Stretch {
    /// Whether it is there on a frame.
    #[must_use]
    pub const fn is_at(&self, frame: u64) -> bool {
        self.start <= frame && frame < self.end
    }
}

/// Why nothing can be told of a film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// It was not joined from segments.
    NotJoined,
    /// This node never made what decides where things are, or it is gone.
    Unmade(NodeId),
    /// This node made something that cannot be read.
    Unread(NodeId, String),
}

impl Film {
    /// The film that a `mux` joined.
    ///
    /// # Errors
    /// When the node is none, or what decides its times was not made yet.
    pub fn of(graph: &Graph, film: NodeId, read: Read<'_>) -> Result<Self, Unknown> {
        let node = graph.node(film);
        if node.kind() != "mux" {
            return Err(Unknown::NotJoined);
        }
        let params: mux::Params = params(node).ok_or(Unknown::NotJoined)?;
        let look = Look { graph, read };
        let scenes = look.scenes(node, &params)?;
        let fps = scenes.first().map_or(FrameRate::whole(30), |scene| scene.plan.fps);
        let frames = scenes.last().map_or(0, |scene| scene.start.frame + scene.plan.frames);
        let mut stretches = Vec::new();
        look.say(&scenes, &mut stretches)?;
        look.show(node, &params, &scenes, &mut stretches)?;
        if let Some(audio) = &params.audio {
            look.hear(node, audio.slot(), (scenes.as_slice(), frames), &mut stretches);
        }
        let whole = Stretch {
            role: Role::Film,
            scene: None,
            start: 0,
            end: frames,
            nodes: vec![film],
            text: String::new(),
        };
        stretches.push(whole);
        Ok(Self { fps, frames, stretches: joined(stretches) })
    }

    /// What is there on a frame.
    pub fn at(&self, frame: u64) -> impl Iterator<Item = &Stretch> {
        self.stretches.iter().filter(move |stretch| stretch.is_at(frame))
    }

    /// When a frame begins, in microseconds, rounded up so that this time means this frame again.
    #[must_use]
    pub fn micros(&self, frame: u64) -> u64 {
        let micros = u128::from(frame) * u128::from(self.fps.den()) * 1_000_000;
        micros.div_ceil(u128::from(self.fps.num())) as u64
    }
}

/// A scene, and where it begins.
struct Scene {
    name: String,
    /// What decided its times.
    times: NodeId,
    plan: Plan,
    start: Start,
}

impl Scene {
    const fn end(&self) -> u64 {
        self.start.frame + self.plan.frames
    }

    /// The frame that is shown at a sample of the scene.
    fn frame_of(&self, sample: u64) -> u64 {
        let fps = self.plan.fps;
        // The last frame that begins no later than the sample.
        let frame = fps.nearest_frame(sample, SAMPLE_RATE);
        let later = frame > 0 && fps.sample_of(frame, SAMPLE_RATE) > sample;
        self.start.frame + (frame - u64::from(later)).min(self.plan.frames)
    }

    /// A stretch of it, in frames of the film.
    fn stretch(&self, role: Role, (start, end): (u64, u64), nodes: Vec<NodeId>, text: String) -> Stretch {
        Stretch { role, scene: Some(self.name.clone()), start, end, nodes, text }
    }
}

/// What is looked at.
struct Look<'a> {
    graph: &'a Graph,
    read: Read<'a>,
}

impl Look<'_> {
    /// What fills a slot, expansions taken for what they made.
    fn feeds(&self, node: &Node, slot: &str) -> Vec<Feed> {
        let feeds = node.slots.iter().filter(|it| it.name == slot).flat_map(|it| &it.feeds);
        let behind = |feed: &Feed| -> Vec<Feed> {
            match feed {
                Feed::Port(from, port) => {
                    let ports = self.graph.behind(*from, *port).into_iter();
                    ports.map(|(node, port)| Feed::Port(node, port)).collect()
                }
                other => vec![other.clone()],
            }
        };
        feeds.flat_map(behind).collect()
    }

    /// The nodes that fill a slot.
    fn makers(&self, node: &Node, slot: &str) -> Vec<NodeId> {
        let port = |feed: Feed| match feed {
            Feed::Port(from, _) => Some(from),
            _ => None,
        };
        self.feeds(node, slot).into_iter().filter_map(port).collect()
    }

    /// The nodes behind a slot, the nearest first, and what they begin with: files, or texts.
    fn origin(&self, node: &Node, slot: &str) -> (Vec<NodeId>, String) {
        let (mut nodes, mut words) = (self.makers(node, slot), Vec::new());
        self.note(self.feeds(node, slot), &mut words);
        let mut next = 0;
        while let Some(id) = nodes.get(next).copied() {
            next += 1;
            let above = self.graph.node(id);
            for slot in above.slots.iter().filter(|slot| !slot.through) {
                self.note(self.feeds(above, &slot.name), &mut words);
                for maker in self.makers(above, &slot.name) {
                    if !nodes.contains(&maker) {
                        nodes.push(maker);
                    }
                }
            }
        }
        (nodes, words.join(", "))
    }

    fn note(&self, feeds: Vec<Feed>, words: &mut Vec<String>) {
        let shown = feeds.into_iter().filter_map(|feed| match feed {
            // Files that are named from the root are fonts of the machine.
            Feed::File(file) => {
                Some(self.graph.file(file).shown.clone()).filter(|file| !file.starts_with('/'))
            }
            Feed::Literal(text) => Some(text.to_string()),
            Feed::Port(..) => None,
        });
        words.extend(shown);
    }

    fn json<T: DeserializeOwned>(&self, id: NodeId, port: &str) -> Result<T, Unknown> {
        let bytes = (self.read)(id, port).ok_or(Unknown::Unmade(id))?;
        serde_json::from_slice(&bytes).map_err(|error| Unknown::Unread(id, error.to_string()))
    }

    /// The scenes of a film, by the plans that it was joined with.
    fn scenes(&self, film: &Node, params: &mux::Params) -> Result<Vec<Scene>, Unknown> {
        let makers: Vec<NodeId> =
            params.plans.iter().flat_map(|plan| self.makers(film, plan.slot())).collect();
        let mut plans: BTreeMap<NodeId, Plan> = BTreeMap::new();
        for id in &makers {
            plans.insert(*id, self.json(*id, "plan")?);
        }
        let fps = makers.first().map_or(FrameRate::whole(30), |id| plans[id].fps);
        let starts = starts(fps, makers.iter().map(|id| &plans[id]));
        let scene = |(id, start): (&NodeId, Start)| {
            let own = &self.graph.node(*id).name;
            let name = own.strip_suffix(".timeline").unwrap_or(own);
            // Formats stand before scenes, and say nothing of them.
            let name = name.rsplit_once('/').map_or(name, |(_, name)| name).to_owned();
            Scene { name, times: *id, plan: plans[id].clone(), start }
        };
        Ok(makers.iter().zip(starts).map(scene).collect())
    }

    /// Scenes, and the sentences in them.
    fn say(&self, scenes: &[Scene], found: &mut Vec<Stretch>) -> Result<(), Unknown> {
        for scene in scenes {
            let whole = (scene.start.frame, scene.end());
            found.push(scene.stretch(Role::Scene, whole, vec![scene.times], scene.name.clone()));
            if scene.plan.sentences.is_empty() {
                continue;
            }
            let words: Words = self.json(scene.times, "words")?;
            let node = self.graph.node(scene.times);
            let params: Option<timeline::Params> = params(node);
            let slots = params.iter().flat_map(|params| &params.sentences);
            let makers: Vec<Vec<NodeId>> =
                slots.map(|sentence| self.makers(node, sentence.words.slot())).collect();
            for (index, span) in scene.plan.sentences.iter().enumerate() {
                let next = scene.plan.sentences.get(index + 1).map_or(u64::MAX, |next| next.start);
                let own = words.words.iter().filter(|word| {
                    let at = rescale(word.start, words.rate, SAMPLE_RATE);
                    (span.start..next).contains(&at) || index == 0 && at < next
                });
                let text = line(own.map(|word| (word.text.as_str(), word.joined)));
                let end = scene.frame_of(span.end().saturating_sub(1)) + 1;
                let frames = (scene.frame_of(span.start), end.min(scene.end()));
                let nodes = makers.get(index).cloned().unwrap_or_default();
                found.push(scene.stretch(Role::Sentence, frames, nodes, text));
            }
        }
        Ok(())
    }
}

/// The parameters of a node, if it is of the kind that they belong to.
fn params<T: DeserializeOwned>(node: &Node) -> Option<T> {
    serde_json::from_value(serde_json::Value::clone(&node.params)).ok()
}

/// In order; what goes on over a cut is one.
fn joined(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.retain(|stretch| stretch.start < stretch.end);
    stretches.sort_by_key(|stretch| (stretch.role, stretch.start));
    let mut all: Vec<Stretch> = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        let goes_on = |known: &&mut Stretch| {
            known.role == stretch.role
                && known.end == stretch.start
                && known.scene == stretch.scene
                && (&known.nodes, &known.text) == (&stretch.nodes, &stretch.text)
        };
        // Layers lie side by side, so the one that goes on need not be the last.
        match all.iter_mut().rev().take(16).find(goes_on) {
            Some(known) => known.end = stretch.end,
            None => all.push(stretch),
        }
    }
    all
}

#[cfg(test)]
mod tests;
