//! What is heard: voices, clips, effects and music become one node for each track. It knows no picture and no size.

use std::collections::BTreeMap;

use reel_engine::diagnostic::{Diagnostic, Diagnostics, code, nearest};
use reel_engine::quantity::Duration;
use reel_engine::span::Span;
use reel_engine::spec::Located;

use super::delivery::Made;
use super::film::{Film, Staged};
use super::formats::Cut;
use super::maker::{Maker, With, list, reference};
use super::pictures::Seen;
use super::speech::{known_words, said_at};
use super::story::Story;
use crate::media::encoding::SoundCodec;
use crate::media::passage::Stem;

/// A track that an output asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Track {
    /// Which cut it belongs to.
    pub(super) cut: usize,
    /// How it is stored.
    pub(super) codec: SoundCodec,
    /// The part of the sound, if not all of it.
    pub(super) stem: Option<Stem>,
}

/// Keys of `music` that the kind has under the same name.
const KEYS: [&str; 6] = ["file", "gain", "duck", "fade_in", "fade_out", "loop"];

/// Reports what is wrong with effects and music as far as it shows before anything runs.
pub(super) fn check(story: &Story<'_>, scenes: &[Staged<'_>], problems: &mut Diagnostics) {
    for staged in scenes {
        let Some(words) = known_words(&staged.said) else { continue };
        for (index, effect) in staged.scene.value.sfx.iter().enumerate() {
            let Some(at) = &effect.at else { continue };
            let place = staged.scene.span(&format!("/sfx/{index}/at"));
            said_at(staged.scene, &words, (at, place), (0, ""), problems);
        }
    }
    stretches(story, problems);
}

/// For each music of the story, the first and last scene that it is under. What is wrong is reported and left out.
fn stretches(story: &Story<'_>, problems: &mut Diagnostics) -> Vec<(usize, usize)> {
    let Some(music) = &story.music else { return Vec::new() };
    let beds = music.value.list();
    let written = written(music.written);
    let ids: BTreeMap<&str, usize> =
        story.scenes.iter().enumerate().map(|(index, scene)| (scene.value.id.as_str(), index)).collect();
    let mut scene_of = |id: &Option<String>, span: Span| {
        let id = id.as_deref()?;
        let found = ids.get(id).copied();
        if found.is_none() {
            let near = nearest(id, ids.keys().copied()).map(|near| format!("did you mean `{near}`?"));
            let message = format!("there is no scene `{id}`");
            problems.push(Diagnostic::error(code::UNKNOWN_NODE, span, message).maybe_help(near));
        }
        found
    };
    let firsts: Vec<Option<usize>> =
        beds.iter().zip(&written).map(|(bed, at)| scene_of(&bed.from, at.span_at("/from"))).collect();
    let lasts: Vec<Option<usize>> =
        beds.iter().zip(&written).map(|(bed, at)| scene_of(&bed.to, at.span_at("/to"))).collect();
    let end = story.scenes.len().saturating_sub(1);
    let mut all = Vec::with_capacity(beds.len());
    for (index, (bed, at)) in beds.iter().zip(&written).enumerate() {
        let first = firsts[index].unwrap_or(0);
        let next = firsts.get(index + 1).copied().flatten().map_or(end, |next| next.saturating_sub(1));
        let last = lasts[index].unwrap_or(next);
        if index > 0 && bed.from.is_none() {
            let help = "write `from: SCENE`, the scene with which it begins";
            let message = "it is not said where this music begins";
            problems.push(Diagnostic::error(code::MISSING_KEY, at.span, message).help(help));
        } else if last < first && (firsts[index].is_some() || bed.from.is_none()) {
            let message = "this music ends before it begins";
            let help =
                "`from` is to be a scene before `to`, and before that with which the next music begins";
            problems.push(Diagnostic::error(code::BAD_VALUE, at.span, message).help(help));
        }
        all.push((first, last));
    }
    all
}

/// What was written for each music.
fn written(music: &Located) -> Vec<&Located> {
    if music.items().is_empty() { vec![music] } else { music.items().iter().collect() }
}

impl Film<'_> {
    /// Whether anything is to be heard in a cut.
    pub(super) fn is_heard(&self, cut: &Cut) -> bool {
        let heard = |scene: &usize| {
            let staged = &self.scenes[*scene];
            let clips = staged.seen.iter().any(Seen::is_heard);
            clips || staged.said.iter().any(|said| said.level.is_some()) || !staged.scene.value.sfx.is_empty()
        };
        !self.beds(cut).is_empty() || cut.scenes.iter().any(heard)
    }

    /// The node that mixes a track, made once for equal outputs.
    pub(super) fn sound(
        &self,
        track: Track,
        output: &str,
        span: Span,
        made: &mut Made,
        maker: &mut Maker,
    ) -> String {
        if let Some((_, node)) = made.sounds.iter().find(|(known, _)| *known == track) {
            return node.clone();
        }
        let name = match (track.codec, track.stem) {
            (SoundCodec::Aac, None) => format!("{}film.mix", self.formats.cuts.prefix(track.cut)),
            _ => format!("{output}.mix"),
        };
        let cut = self.formats.cuts.get(track.cut);
        let scenes = (0..cut.scenes.len()).map(|place| self.scene_sound(cut, place));
        let mut with = With::new(span).put("scenes", list(span, scenes)).set("codec", track.codec);
        let mut beds = self.beds(cut);
        match beds.len() {
            0 => {}
            1 => with = with.put("music", beds.remove(0)),
            _ => with = with.put("music", list(span, beds)),
        }
        if let Some(stem) = track.stem {
            with = with.set("stem", stem);
        }
        made.sounds.push((track, name.clone()));
        maker.add(name, "mix", with)
    }

    /// The sound of the scene at a place of a cut.
    fn scene_sound(&self, cut: &Cut, place: usize) -> Located {
        let scene = cut.scenes[place];
        let staged = &self.scenes[scene];
        // Only sounds that go over into each other know of the transition.
        let before = place.checked_sub(1).and_then(|before| self.scenes[cut.scenes[before]].seen.last());
        let sounds = [before, staged.seen.first()].into_iter().flatten().any(Seen::is_heard);
        let transition = staged.scene.transition().filter(|_| before.is_some() && sounds);
        let (place, times) = (staged.scene.place(), self.times(cut, scene));
        let voices =
            staged.said.iter().filter_map(|said| Some(reference(said.span, said.level.as_deref()?, "audio")));
        let mut with = With::new(place)
            .port("plan", &times, "plan")
            .put("voices", list(place, voices))
            .maybe("gain", staged.scene.written.get("gain"))
            .put("clips", list(place, staged.seen.iter().flat_map(Seen::sounds)))
            .set("fade", transition.map_or_else(Duration::default, |transition| transition.length));
        if let Some(written) = staged.scene.written.get("sfx").filter(|sfx| !sfx.items().is_empty()) {
            with = with.put("sfx", written.clone());
        }
        if staged.scene.value.sfx.iter().any(|effect| effect.at.is_some()) {
            with = with.port("words", &times, "words");
        }
        with.located()
    }

    /// The music of a cut: each stretch of its scenes, one after the other, that a music is under.
    fn beds(&self, cut: &Cut) -> Vec<Located> {
        let Some(music) = &self.story.music else { return Vec::new() };
        let stretches = stretches(self.story, &mut Diagnostics::default());
        let each = music.value.list().iter().zip(written(music.written)).zip(stretches);
        each.flat_map(|((_, written), under)| runs(cut, under).into_iter().map(move |run| (written, run)))
            .map(|(written, run)| bed(written, run, cut.scenes.len()))
            .collect()
    }
}

/// Where in a cut scenes of a stretch stand side by side: the first and last place of each run.
fn runs(cut: &Cut, (first, last): (usize, usize)) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let under = cut.scenes.iter().enumerate().filter(|(_, scene)| (first..=last).contains(*scene));
    for (place, _) in under {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == place => *end = place,
            _ => runs.push((place, place)),
        }
    }
    runs
}

/// A music as the kind takes it, under the scenes of one run.
fn bed(written: &Located, (first, last): (usize, usize), scenes: usize) -> Located {
    let mut with = With::new(written.span);
    for key in KEYS {
        with = with.maybe(key, written.get(key));
    }
    if first > 0 {
        with = with.set("first", first);
    }
    if last + 1 < scenes {
        with = with.set("last", last);
    }
    with.located()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::time::FrameRate;

    #[test]
    fn a_stretch_that_a_cut_tears_apart_becomes_several() {
        let cut = Cut { fps: FrameRate::whole(30), scenes: vec![3, 0, 1, 5, 2] };
        assert_eq!(runs(&cut, (0, 2)), [(1, 2), (4, 4)]);
        assert_eq!(runs(&cut, (4, 4)), []);
        assert_eq!(runs(&cut, (0, 9)), [(0, 4)]);
    }
}
