//! Transitions that cannot fit their scenes, as far as that is known before anything is said. It makes no node.

use reel_engine::diagnostic::{Diagnostic, Diagnostics, code};

use super::sections::Scene;
use super::story::Part;
use crate::film::timeline::{Params, Picture, first_end};
use crate::media::time::{FrameRate, SAMPLE_RATE, rescale};

/// Reports a transition that is longer than its scene, or than the first picture of it, which must be there for all
/// of it. What hangs on speech, or on the length of a video file, shows only in the run.
pub(super) fn check(scene: &Part<'_, Scene>, fps: FrameRate, problems: &mut Diagnostics) {
    let Some(transition) = scene.transition() else { return };
    let shows = scene.value.show.as_ref().map(|show| show.list()).unwrap_or_default();
    let pictures = shows.iter().map(|show| Picture { length: show.length, at: show.at.clone(), clip: None });
    let params = Params { length: scene.value.length, ..Params::of(fps, pictures.collect()) };
    // A clip lasts at most from one to the other; where it ends of itself is not known yet.
    let clips: Vec<Option<u64>> = shows
        .iter()
        .map(|show| {
            let most = show.to?.as_micros().checked_sub(show.from.unwrap_or_default().as_micros())?;
            let ends = show.clip.is_some() && show.repeat != Some(true);
            ends.then(|| show.speed.unwrap_or_default().shown(rescale(most, 1_000_000, SAMPLE_RATE)))
        })
        .collect();
    let open = shows
        .first()
        .is_some_and(|show| show.clip.is_some() && show.length.is_none() && show.repeat != Some(true));
    let unknown =
        open && clips.first().is_none_or(Option::is_none) && (shows.len() > 1 || params.length.is_none());
    let Some(frames) = first_end(&params, scene.value.say.is_some(), &clips).filter(|_| !unknown) else {
        return;
    };
    let Some(excess) = fps.excess(transition.length, frames) else { return };
    let id = &scene.value.id;
    let what = match shows.len() {
        1 => format!("scene `{id}`"),
        _ => format!("the first picture of scene `{id}`"),
    };
    let message = format!(
        "the transition takes {:#}, but {what} lasts only {:#}: {:#} too long",
        transition.length, excess.lasts, excess.by
    );
    let place = if scene.written.get("transition").is_some_and(|written| written.get("for").is_some()) {
        "/transition/for"
    } else {
        "/transition"
    };
    let help = "make the transition shorter, or the scene longer";
    problems.push(Diagnostic::error(code::TRANSITION, scene.span(place), message).help(help));
}
