//! The kinds of node that reel knows, and the film front end. It knows no schedule and no terminal.
//!
//! A kind is a file: what it is for with an example, its parameters, its ports and claim, and its run, unless that
//! parses bytes from outside or runs C; such a run is in `reel-worker`, in a file of the same name.

pub mod closed;
pub mod film;
pub mod host;
pub mod media;
pub mod moment;
pub mod open;
pub mod picture;
pub mod scenes;
pub mod speech;
pub mod text;
pub mod trace;

use std::sync::Arc;

use reel_engine::operation::{Registry, Typed};

pub use host::{Host, Network};
use text::fonts::FontBook;

/// All kinds and front ends, for a machine.
#[must_use]
pub fn registry(host: Host) -> Registry {
    let fonts = Arc::new(FontBook::new(host.font_dirs.clone(), host.memo.as_deref()));
    let host = Arc::new(host);
    let font = || Arc::clone(&fonts);
    let offers = || host.offers.clone();
    Registry::default()
        .with(Typed::new(text::join::Text))
        .with(Typed::new(speech::tts::Tts::new(offers())))
        .with(Typed::new(speech::transcribe::Transcribe))
        .with(Typed::new(speech::subtitles::Subtitles))
        .with(Typed::new(speech::level::Level))
        .with(Typed::new(picture::image::Image))
        .with(Typed::new(picture::card::Card { fonts: font() }))
        .with(Typed::new(picture::svg::Svg { fonts: font() }))
        .with(Typed::new(picture::clip::Clip))
        .with(Typed::new(picture::conform::Conform))
        .with(Typed::new(picture::still::Still))
        .with(Typed::new(picture::sprite::Sprite))
        .with(Typed::new(film::timeline::Timeline))
        .with(Typed::new(film::cues::Cues { fonts: font() }))
        .with(Typed::new(film::segments::Segments { offers: offers() }))
        .with(Typed::new(film::encode::Encode { fonts: font(), offers: offers() }))
        .with(Typed::new(film::frames::Frames))
        .with(Typed::new(film::trial::Trial { offers: offers() }))
        .with(Typed::new(film::quality::Quality))
        .with(Typed::new(film::gif::Gif))
        .with(Typed::new(film::mix::Mix))
        .with(Typed::new(film::sound::Sound))
        .with(Typed::new(film::loudness::Measure))
        .with(Typed::new(film::gain::LevelOfFilm))
        .with(Typed::new(film::passage::MixPassage))
        .with(Typed::new(film::track::Track))
        .with(Typed::new(film::mux::Mux))
        .with(Typed::new(film::package::Package))
        .with(Typed::new(film::captions::Captions))
        .with(Typed::new(film::thumbnail::Thumbnail))
        .with(Typed::new(film::expect::Expect { fonts: font() }))
        .with(Typed::new(film::compare::Compare))
        .with(Typed::new(film::beside::Beside))
        .with(Typed::new(open::exec::Exec { host: Arc::clone(&host) }))
        .with(Typed::new(open::fetch::Fetch { network: host.network }))
        .with_front_end(scenes::ScenesFrontEnd { fonts, offers: offers(), draft: host.draft })
}

#[cfg(test)]
mod tests;
