//! The run of `package`: segments and sound cut into pieces, and the playlists that name them. It encodes nothing.

mod playlist;

use std::path::Path;

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::package::{Params, Rendition, words_file};
use reel_nodes::media::encoding::Container;
use reel_nodes::media::time::{FrameRate, SAMPLE_RATE};

use self::playlist::{Piece, Stream, Track};
use crate::av::{Extras, Fragments, JoinSpec, Layout, Segment, codec_name, fragments, join, verify};
use crate::params;
use crate::plans::expected;

/// Media type of playlists.
const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// Makes the files and playlists of [`Params::files`], and port `playlist`.
///
/// # Errors
/// When segments cannot be read or joined, renditions are not cut alike, or the plans say other lengths.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let (starts, rate) = expected(call, &params.plans)?;
    let frames = starts.last().copied().unwrap_or(0);
    let all = params.renditions.iter().map(|rendition| segments(call, rendition, frames));
    let all = all.collect::<Result<Vec<_>, _>>()?;
    let lengths = lengths(&all)?;
    let cuts = cuts(&lengths, &starts, &params.transitions, rate);
    let mut package = Package { call, params: &params, outcome: Outcome::default() };
    let mut streams = Vec::with_capacity(all.len());
    for (number, segments) in (1..).zip(&all) {
        streams.push(package.pictures(number, segments, (rate, frames), &cuts)?);
    }
    let sound = match &params.audio {
        Some(audio) => Some(package.sound(&call.one(audio.slot())?.path, rate, &cuts)?),
        None => None,
    };
    let words = params.captions.is_some().then(|| {
        let list = playlist::whole(&words_file(&params.name, &params.manner), seconds(frames, rate));
        package.give("words-list", PLAYLIST, list.into_bytes());
        playlist::Words { list: package.name("words-list"), language: params.language.clone() }
    });
    let first = playlist::first(&streams, sound.as_ref(), words.as_ref(), rate);
    package.give("playlist", PLAYLIST, first.into_bytes());
    Ok(package.outcome)
}

/// What is being made.
struct Package<'a> {
    call: &'a Call<'a>,
    params: &'a Params,
    outcome: Outcome,
}

impl Package<'_> {
    /// The name of the file of a port, as playlists have it.
    fn name(&self, port: &str) -> String {
        self.params
            .files()
            .into_iter()
            .find(|file| file.port == port)
            .map(|file| file.name)
            .unwrap_or_default()
    }

    fn give(&mut self, port: &str, media: &str, bytes: Vec<u8>) {
        self.outcome = std::mem::take(&mut self.outcome).with_bytes(port, media, bytes);
    }

    /// A rendition: its file, and its playlist.
    fn pictures(
        &mut self,
        number: usize,
        segments: &[Segment],
        (rate, frames): (FrameRate, u64),
        cuts: &[u64],
    ) -> Result<Stream, Failure> {
        if (self.call.cancelled)() {
            return Err(crate::cancelled());
        }
        let port = format!("video-{number}");
        let path = self.call.scratch.join(&port);
        let spec = JoinSpec {
            segments,
            sound: None,
            rate,
            container: Container::Mp4,
            layout: Layout::Fragments,
            cuts,
            extras: &Extras::default(),
        };
        join(spec, &path).map_err(crate::failure)?;
        let facts = verify(&path, false).map_err(crate::failure)?;
        let there = facts.video.map_or(0, |video| video.packets);
        if there != frames {
            return Err(Failure::new(format!("rendition {number} has {there} frames where {frames} belong")));
        }
        let ends = cuts.iter().copied().chain([frames]);
        let begins = std::iter::once(0).chain(cuts.iter().copied());
        let lengths = begins.zip(ends).map(|(begin, end)| seconds(end - begin, rate));
        let (track, codec) = self.track(&path, &format!("list-{number}"), &port, lengths.collect())?;
        self.outcome = std::mem::take(&mut self.outcome).with_file(&port, "video/mp4", path);
        Ok(Stream { track, codec, size: facts.size })
    }

    /// The sound: its file, and its playlist.
    fn sound(&mut self, from: &Path, rate: FrameRate, cuts: &[u64]) -> Result<Track, Failure> {
        let path = self.call.scratch.join("sound");
        let lengths = fragments::sound(from, rate, cuts, &path).map_err(crate::failure)?;
        let lengths = lengths.into_iter().map(|samples| samples as f64 / f64::from(SAMPLE_RATE)).collect();
        let (track, _) = self.track(&path, "sound-list", "sound", lengths)?;
        self.outcome = std::mem::take(&mut self.outcome).with_file("sound", "audio/mp4", path);
        Ok(track)
    }

    /// The playlist of a file whose pieces have these lengths, and the name of its codec.
    fn track(
        &mut self,
        path: &Path,
        list: &str,
        port: &str,
        lengths: Vec<f64>,
    ) -> Result<(Track, String), Failure> {
        let Fragments { head, pieces } = Fragments::of(path).map_err(crate::failure)?;
        if pieces.len() != lengths.len() {
            let (there, wanted) = (pieces.len(), lengths.len());
            return Err(Failure::new(format!("`{port}` has {there} fragments where {wanted} belong")));
        }
        let codec = codec_name(path).map_err(crate::failure)?.ok_or_else(|| {
            Failure::new("streams are made of H.264 or H.265, and AAC").help("say `codec: h264`")
        })?;
        let pieces = pieces.into_iter().zip(lengths);
        let pieces: Vec<Piece> = pieces.map(|(range, seconds)| Piece { range, seconds }).collect();
        let text = playlist::of_track(&self.name(port), head, &pieces);
        self.give(list, PLAYLIST, text.into_bytes());
        Ok((Track { list: self.name(list), pieces }, codec))
    }
}

/// Times in playlists are decimal; nothing is added up from these.
fn seconds(frames: u64, rate: FrameRate) -> f64 {
    frames as f64 * f64::from(rate.den()) / f64::from(rate.num())
}

fn segments(call: &Call<'_>, rendition: &Rendition, frames: u64) -> Result<Vec<Segment>, Failure> {
    let files = rendition.segments.iter().flat_map(|segment| call.many(segment.slot()));
    let files = files.map(|file| Segment::of_header(&file.path).map_err(crate::failure));
    let segments: Vec<Segment> = files.collect::<Result<_, _>>()?;
    let there: u64 = segments.iter().map(|segment| segment.frames).sum();
    if there == frames {
        return Ok(segments);
    }
    Err(Failure::new(format!("the segments have {there} frames, the scenes {frames}")))
}

/// Frames of each segment, the same in all renditions.
fn lengths(all: &[Vec<Segment>]) -> Result<Vec<u64>, Failure> {
    let lengths = |segments: &Vec<Segment>| -> Vec<u64> { segments.iter().map(|of| of.frames).collect() };
    let first = all.first().map(lengths).unwrap_or_default();
    match all.iter().position(|segments| lengths(segments) != first) {
        None => Ok(first),
        Some(other) => Err(Failure::new(format!("rendition {} is not cut as the first", other + 1))
            .help("all renditions have the same scenes at the same frame rate")),
    }
}

/// The frames at which pieces begin, behind the first: where segments do, but not behind a transition or a piece of
/// less than a second.
fn cuts(lengths: &[u64], starts: &[u64], transitions: &[u32], rate: FrameRate) -> Vec<u64> {
    let second = u64::from(rate.num()).div_ceil(u64::from(rate.den()));
    let begins_with_one = |frame: u64| {
        transitions.iter().any(|plan| starts.get(*plan as usize).is_some_and(|start| *start == frame))
    };
    let (mut cuts, mut last, mut at) = (Vec::new(), 0, 0);
    for length in lengths {
        let begin = at;
        at += length;
        if !begins_with_one(begin) && at - last >= second {
            cuts.push(at);
            last = at;
        }
    }
    // The end is no beginning; where something short is left before it, it is a piece all the same.
    cuts.retain(|cut| *cut != at);
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_segments_and_transitions_go_with_what_follows() {
        let rate = FrameRate::whole(30);
        assert_eq!(cuts(&[120, 100, 90], &[0, 310], &[], rate), [120, 220]);
        let faded = cuts(&[120, 15, 100, 45, 90], &[0, 120, 370], &[1], rate);
        assert_eq!(faded, [120, 235, 280], "120 is the transition's first frame, 135 the next segment's");
        assert_eq!(
            cuts(&[20, 5, 60, 20], &[0, 20, 105], &[], rate),
            [85],
            "no piece is under a second but the last"
        );
        assert_eq!(cuts(&[10], &[0, 10], &[], rate), [0; 0]);
        assert_eq!(cuts(&[15, 60], &[0, 75], &[0], rate), [0; 0]);
    }
}
