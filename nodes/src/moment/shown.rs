//! What is seen where: segments, their pictures, transitions, layers and captions. It reads parameters, no picture.

use reel_engine::graph::Node;
use reel_engine::id::NodeId;

use super::{Look, Role, Scene, Stretch, Unknown, params};
use crate::film::encode::{self, Layer, Over};
use crate::film::{mux, segments};
use crate::media::picture::TransitionKind;
use crate::media::words::{Cue, line};

/// A segment, and where in the film it is.
struct Part<'a> {
    scene: &'a Scene,
    node: &'a Node,
    /// Its first frame in the film.
    first: u64,
    frames: u64,
}

impl Part<'_> {
    /// The part of it between two of its frames, in frames of the film.
    fn between(&self, start: i64, end: i64) -> (u64, u64) {
        let inside = |frame: i64| u64::try_from(frame).unwrap_or(0).min(self.frames);
        (self.first + inside(start), self.first + inside(end))
    }

    const fn whole(&self) -> (u64, u64) {
        (self.first, self.first + self.frames)
    }
}

impl Look<'_> {
    /// Segments, and what is seen in them.
    pub(super) fn show(
        &self,
        film: &Node,
        joins: &mux::Params,
        scenes: &[Scene],
        found: &mut Vec<Stretch>,
    ) -> Result<(), Unknown> {
        let mut first = 0;
        for id in joins.segments.iter().flat_map(|segment| self.makers(film, segment.slot())) {
            let node = self.graph.node(id);
            if node.operation.info().expands {
                return Err(Unknown::Unmade(id));
            }
            let Some(scene) = scenes.iter().find(|scene| (scene.start.frame..scene.end()).contains(&first))
            else {
                break;
            };
            let encoded: Option<encode::Params> = if node.kind() == "encode" { params(node) } else { None };
            // How long a segment of another kind is, nobody knows but who reads it.
            let Some(encoded) = encoded else { break };
            let part = Part { scene, node, first, frames: u64::from(encoded.frames) };
            self.segment(&part, id, &encoded, found);
            first += part.frames;
        }
        Ok(())
    }

    fn segment(&self, part: &Part<'_>, id: NodeId, encoded: &encode::Params, found: &mut Vec<Stretch>) {
        let (scene, whole) = (part.scene, part.whole());
        let text = format!("{} frames", part.frames);
        found.push(scene.stretch(Role::Segment, whole, vec![id], text));
        if let Some(under) = &encoded.under {
            found.push(scene.stretch(Role::Transition, whole, vec![id], word(under.kind)));
            self.layer(part, Role::Outgoing, &under.picture, found);
        }
        self.layer(part, Role::Picture, &encoded.picture, found);
        self.overlays(part, &encoded.over, found);
        let cues = encoded.captions.iter().flat_map(|captions| &captions.cues);
        let makers = self.cues_of(part.node);
        for cue in cues {
            found.push(scene.stretch(
                Role::Caption,
                part.between(cue.start, cue.end),
                makers.clone(),
                written(cue),
            ));
        }
    }

    fn layer(&self, part: &Part<'_>, role: Role, layer: &Layer, found: &mut Vec<Stretch>) {
        let slot = layer
            .still
            .as_ref()
            .map(|still| still.slot())
            .or_else(|| layer.video.as_ref().map(|video| video.slot()));
        let (nodes, text) = match (slot, layer.color) {
            (Some(slot), _) => self.origin(part.node, slot),
            (None, color) => (Vec::new(), color.map(|color| color.to_string()).unwrap_or_default()),
        };
        found.push(part.scene.stretch(role, part.whole(), nodes, text));
        self.overlays(part, &layer.layers, found);
    }

    fn overlays(&self, part: &Part<'_>, layers: &[Over], found: &mut Vec<Stretch>) {
        for layer in layers {
            let sprite = layer.sprite.as_ref().map(|sprite| sprite.slot());
            let Some(slot) = sprite.or_else(|| layer.video.as_ref().map(|video| video.slot())) else {
                continue;
            };
            let (nodes, text) = self.origin(part.node, slot);
            let frames = part.between(layer.start, layer.end.unwrap_or(i64::MAX));
            found.push(part.scene.stretch(Role::Layer, frames, nodes, text));
        }
    }

    /// Who broke the captions of a segment into lines: what made the segment was given them.
    fn cues_of(&self, segment: &Node) -> Vec<NodeId> {
        let Some(maker) = segment.maker.map(|maker| self.graph.node(maker)) else { return Vec::new() };
        let given: Option<segments::Params> = params(maker);
        let captions = given.and_then(|given| given.captions);
        captions.map(|captions| self.makers(maker, captions.cues.slot())).unwrap_or_default()
    }
}

/// A transition as it is written.
fn word(kind: TransitionKind) -> String {
    let written = serde_json::to_value(kind).unwrap_or_default();
    written.as_str().unwrap_or_default().to_owned()
}

fn written(cue: &Cue) -> String {
    let lines =
        cue.lines.iter().map(|words| line(words.iter().map(|word| (word.text.as_str(), word.joined))));
    lines.collect::<Vec<_>>().join(" ")
}
