//! Films that are streamed: what a player finds in the playlists is the film, in every rendition.

use std::fs;

use reel_tests::film::{Pictures, number, packets, pictures, probe, sound};
use reel_tests::has;
use reel_tests::space::TestSpace;

/// Two scenes of six seconds, the second one faded in; what is heard is a bed, what is read two sentences.
const PROJECT: &str = r##"version: 1
name: streams
format: { size: 192x128, fps: 25 }
captions: { font: DejaVu Sans }
music: { file: bed.wav }
scenes:
  - { id: red, say: This one is red., show: { color: "#c82010" }, for: 6s }
  - { id: blue, say: And that is blue., show: { color: "#1020c8" }, transition: { kind: fade, for: 0.4s }, for: 6s }
outputs:
  film:   { file: out/film.mp4, captions: none }
  stream:
    file: out/live/show.m3u8
    subtitles: { language: eng }
    renditions: [{ size: 192x128 }, { size: 96x64, crf: 28 }]
"##;

/// What a player is told first, but for rates.
const FIRST: &str = r#"#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="show-sound.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="words",NAME="eng",LANGUAGE="eng",AUTOSELECT=YES,URI="show-words.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=…,CODECS="avc1.64000B,mp4a.40.2",RESOLUTION=192x128,FRAME-RATE=25.000,AUDIO="sound",SUBTITLES="words"
show-1.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=…,CODECS="avc1.64000A,mp4a.40.2",RESOLUTION=96x64,FRAME-RATE=25.000,AUDIO="sound",SUBTITLES="words"
show-2.m3u8"#;

fn space() -> TestSpace {
    let space = TestSpace::of(PROJECT);
    space.bed("bed.wav", 20);
    space
}

fn text(space: &TestSpace, file: &str) -> String {
    fs::read_to_string(space.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The ranges that a playlist names, and the length of each.
fn pieces(list: &str) -> Vec<(u64, u64, f64)> {
    let mut found = Vec::new();
    let mut seconds = 0.0;
    for line in list.lines() {
        if let Some(told) = line.strip_prefix("#EXTINF:") {
            seconds = told.trim_end_matches(',').parse().unwrap();
        } else if let Some((length, start)) =
            line.strip_prefix("#EXT-X-BYTERANGE:").and_then(|range| range.split_once('@'))
        {
            found.push((start.parse().unwrap(), length.parse().unwrap(), seconds));
        }
    }
    found
}

/// The header that a playlist names, as a range.
fn header(list: &str) -> (u64, u64) {
    let (_, range) = list.split_once("BYTERANGE=\"").unwrap();
    let (length, start) = range.split_once('"').unwrap().0.split_once('@').unwrap();
    (start.parse().unwrap(), length.parse().unwrap())
}

/// All of a file is its header and the pieces, in order.
fn assert_whole(space: &TestSpace, list: &str, file: &str) -> Vec<f64> {
    let told = text(space, list);
    let mut at = header(&told).1;
    assert_eq!(header(&told).0, 0);
    let pieces = pieces(&told);
    for (start, length, _) in &pieces {
        assert_eq!(*start, at, "{told}");
        at += length;
    }
    assert_eq!(at, fs::metadata(space.path(file)).unwrap().len(), "{told}");
    pieces.into_iter().map(|(_, _, seconds)| seconds).collect()
}

/// A piece and its header alone, as a player fetches them.
fn piece(space: &TestSpace, list: &str, file: &str, index: usize) -> Pictures {
    let (told, bytes) = (text(space, list), space.read(file));
    let range = |start: u64, length: u64| &bytes[start as usize..(start + length) as usize];
    let (start, length) = header(&told);
    let (from, many, _) = pieces(&told)[index];
    space.write("piece.mp4", [range(start, length), range(from, many)].concat());
    pictures(&space.path("piece.mp4"))
}

#[test]
fn a_stream_is_the_film_in_every_rendition() {
    if !has("a_stream_is_the_film_in_every_rendition", "ffmpeg") {
        return;
    }
    let space = space();
    let built = space.build(&[]).ok();
    let film = pictures(&space.path("out/film.mp4"));
    assert_eq!(film.frames.len(), 300);
    let whole = pictures(&space.path("out/live/show-1.m3u8"));
    assert!(whole.frames == film.frames, "the first rendition has the film's own pictures");
    let small = pictures(&space.path("out/live/show-2.m3u8"));
    assert_eq!((small.frames.len(), small.width, small.height), (300, 96, 64));

    let first = text(&space, "out/live/show.m3u8");
    assert_eq!(plain(&first), FIRST);
    let each = ["1", "2"].map(|number| {
        let name = format!("out/live/show-{number}");
        assert_whole(&space, &format!("{name}.m3u8"), &format!("{name}.mp4"))
    });
    assert_eq!(each[0], each[1], "all renditions are cut alike");
    assert!((each[0].iter().sum::<f64>() - 12.0).abs() < 0.001, "{each:?}");
    assert!(each[0].iter().all(|seconds| *seconds >= 1.0), "a transition is no piece of its own: {each:?}");
    let starts = each[0].iter().scan(0.0, |at, seconds| Some(std::mem::replace(at, *at + seconds)));
    let index = starts.clone().position(|start| (start - 6.0_f64).abs() < 0.001);
    let index = index.expect("a piece begins with the second scene");
    let second = piece(&space, "out/live/show-2.m3u8", "out/live/show-2.mp4", index);
    assert!(second.frames == small.frames[150..150 + second.frames.len()], "each piece is shown by itself");
    assert!(second.frames.len() > 25);

    assert_whole(&space, "out/live/show-sound.m3u8", "out/live/show-sound.mp4");
    // What the decoder gives before sample 0 stands before time 0, which FFmpeg tells, and hands out all the same.
    let list = space.path("out/live/show-sound.m3u8");
    assert_eq!(packets(&list, "a:0")[0].1, -1024);
    let (heard, meant) = (sound(&list), sound(&space.path("out/film.mp4")));
    let heard = &heard[1024..];
    assert!(heard.len().abs_diff(meant.len()) <= 1024, "{} samples of {}", heard.len(), meant.len());
    let off = heard.iter().zip(&meant).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 1e-4, "the stream sounds as the film does, from the first sample on: {off}");
    assert!(text(&space, "out/live/show-words.vtt").contains("red."));
    assert!(text(&space, "out/live/show-words.m3u8").contains("show-words.vtt"));

    // FFmpeg reads no captions of streams, and says so.
    let told = probe(&space.path("out/live/show.m3u8"), &["-v", "error", "-show_programs"]);
    let programs = told["programs"].as_array().unwrap();
    assert_eq!(programs.len(), 2, "{told}");
    assert!(
        number(&programs[0]["tags"]["variant_bitrate"]) > number(&programs[1]["tags"]["variant_bitrate"])
    );
    assert_eq!(built.finished().outputs.len(), 10, "every file is told of");
    space.build(&[]).ok().assert_nothing_ran();
}

/// Without rates, which belong to the encoder.
fn plain(list: &str) -> String {
    let without = |line: &str| match line.split_once("BANDWIDTH=") {
        Some((before, rest)) => {
            let (_, after) = rest.split_once(",CODECS").unwrap();
            format!("{before}BANDWIDTH=…,CODECS{after}")
        }
        None => line.to_owned(),
    };
    list.lines().map(without).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_stream_is_named_as_a_whole_and_drafts_have_names_of_their_own() {
    if !has("a_stream_is_named_as_a_whole_and_drafts_have_names_of_their_own", "ffmpeg") {
        return;
    }
    let space = space();
    let _ = space.build(&["stream", "--draft"]).ok();
    assert!(!space.path("out/film.mp4").exists() && !space.path("out/live/show.m3u8").exists());
    let first = text(&space, "out/live/show.draft.m3u8");
    for line in first.lines().filter(|line| !line.starts_with('#')) {
        let list = text(&space, &format!("out/live/{line}"));
        let file = list.lines().find(|line| !line.starts_with('#')).unwrap();
        assert!(space.path(&format!("out/live/{file}")).exists(), "{list}");
    }
    assert_eq!(pictures(&space.path("out/live/show-1.draft.m3u8")).width, 96);

    space.edit("film:   { file: out/film.mp4", "film:   { file: out/live/show-1.mp4");
    let wrong = space.reel(&["check"]);
    assert!(
        wrong.code == Some(2) && wrong.all().contains("show-1.mp4` is written by output"),
        "{}",
        wrong.all()
    );
    space.edit("out/live/show.m3u8", "out/live/my show.m3u8");
    let wrong = space.reel(&["check"]);
    assert!(wrong.code == Some(2) && wrong.all().contains("cannot stand in a playlist"), "{}", wrong.all());
}
