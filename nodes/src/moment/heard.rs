//! What is heard where: levelled speech, clips, effects, music. It reads parameters, no sound.

use reel_engine::graph::Node;
use reel_engine::id::NodeId;

use super::{Look, Role, Scene, Stretch, params};
use crate::film::mix::{self, Beds, Effect, Music, SceneSound};
use crate::media::time::{SAMPLE_RATE, rescale};
use crate::media::words::Words;
use crate::media::words::align::{bare, find};

impl Look<'_> {
    /// What the sound on a slot of the film is mixed from.
    pub(super) fn hear(
        &self,
        film: &Node,
        slot: &str,
        (scenes, frames): (&[Scene], u64),
        found: &mut Vec<Stretch>,
    ) {
        for made in self.makers(film, slot) {
            // What it made mixes passages; it alone knows what is heard when.
            let mut above = std::iter::successors(Some(made), |id| self.graph.node(*id).maker);
            let id = above.find(|id| self.graph.node(*id).kind() == "mix").unwrap_or(made);
            let whole = Stretch {
                role: Role::Mix,
                scene: None,
                start: 0,
                end: frames,
                nodes: vec![id],
                text: String::new(),
            };
            found.push(whole);
            let node = self.graph.node(id);
            let mixed: Option<mix::Params> = if node.kind() == "mix" { params(node) } else { None };
            let Some(mixed) = mixed else { continue };
            for (sound, scene) in mixed.scenes.iter().zip(scenes) {
                self.voices(node, sound, scene, found);
                self.clips(node, sound, scene, found);
                for effect in &sound.sfx {
                    self.effect(node, effect, scene, found);
                }
            }
            for music in mixed.music.iter().flat_map(Beds::list) {
                self.music(node, music, (scenes, frames), found);
            }
        }
    }

    /// Who brought the sentences of a scene to one loudness.
    fn voices(&self, node: &Node, sound: &SceneSound, scene: &Scene, found: &mut [Stretch]) {
        let voices: Vec<NodeId> =
            sound.voices.iter().flat_map(|voice| self.makers(node, voice.slot())).collect();
        let said = found.iter_mut().filter(|stretch| {
            stretch.role == Role::Sentence && (scene.start.frame..scene.end()).contains(&stretch.start)
        });
        for (sentence, voice) in said.zip(voices) {
            sentence.nodes.insert(0, voice);
        }
    }

    fn clips(&self, node: &Node, sound: &SceneSound, scene: &Scene, found: &mut Vec<Stretch>) {
        for clip in &sound.clips {
            let pictures = &scene.plan.pictures;
            let picture = clip.picture as usize;
            let from = pictures.get(picture).copied().unwrap_or(0);
            let to = pictures.get(picture + 1).copied().unwrap_or(scene.plan.frames);
            let (nodes, text) = self.origin(node, clip.audio.slot());
            let frames = (scene.start.frame + from, scene.start.frame + to);
            found.push(scene.stretch(Role::ClipSound, frames, nodes, text));
        }
    }

    fn effect(&self, node: &Node, effect: &Effect, scene: &Scene, found: &mut Vec<Stretch>) {
        let word = effect.at.as_ref().and_then(|at| self.word(at, scene)).unwrap_or(0);
        let after = rescale(effect.after.as_micros(), 1_000_000, SAMPLE_RATE);
        let (nodes, text) = self.origin(node, effect.file.slot());
        found.push(scene.stretch(Role::Effect, (scene.frame_of(word + after), scene.end()), nodes, text));
    }

    /// The sample of the scene with which a word begins.
    fn word(&self, at: &str, scene: &Scene) -> Option<u64> {
        let words: Words = self.json(scene.times, "words").ok()?;
        let texts: Vec<String> = words.words.iter().map(|word| bare(&word.text)).collect();
        let word = words.words.get(find(&texts, at, 0)?)?;
        Some(rescale(word.start, words.rate, SAMPLE_RATE))
    }

    fn music(&self, node: &Node, music: &Music, (scenes, frames): (&[Scene], u64), found: &mut Vec<Stretch>) {
        let scene = |index: Option<u32>| index.and_then(|index| scenes.get(index as usize));
        let (nodes, text) = self.origin(node, music.file.slot());
        let start = scene(music.first).map_or(0, |scene| scene.start.frame);
        let end = scene(music.last).map_or(frames, Scene::end);
        found.push(Stretch { role: Role::Music, scene: None, start, end, nodes, text });
    }
}
