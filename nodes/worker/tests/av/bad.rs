//! Files that are not what they should be.

use std::fs;
use std::path::Path;

use reel_nodes::media::encoding::Encoding;
use reel_worker::av::{
    AudioReader, AvError, EncodeSpec, SoundRange, VideoEncoder, VideoReader, probe, take_log,
};
use reel_worker::frame::Yuv420;

use super::made::{conform, ffmpeg, spec};

fn cut(dir: &Path, from: &str, to: &str, parts: u64) {
    let bytes = fs::read(dir.join(from)).unwrap();
    fs::write(dir.join(to), &bytes[..(bytes.len() as u64 * parts / 100) as usize]).unwrap();
}

/// Reads all of it, as a kind would.
fn read_all(path: &Path) -> Result<usize, AvError> {
    let mut frames = 0;
    for frame in VideoReader::open(path, conform(64, 48, "25"))? {
        frame?;
        frames += 1;
    }
    Ok(frames)
}

#[test]
fn a_file_that_was_cut_off_is_an_error_and_not_a_shorter_film() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc2=s=64x48:r=25:d=6 -f lavfi -i sine=d=6 -c:v libx264 -movflags +faststart a.mp4",
    );
    ffmpeg(dir.path(), "-i a.mp4 -c copy -movflags -faststart end.mp4");
    ffmpeg(dir.path(), "-i a.mp4 -c copy a.mkv");
    for (from, to, parts) in [("a.mp4", "b.mp4", 60), ("a.mp4", "c.mp4", 99), ("a.mkv", "b.mkv", 50)] {
        cut(dir.path(), from, to, parts);
        let error = read_all(&dir.path().join(to)).unwrap_err();
        assert!(matches!(error, AvError::Truncated { .. }), "{to}: {error}");
        assert!(!error.help().is_empty() && error.path().is_some());
    }
    let error = probe(&dir.path().join("b.mp4")).unwrap_err();
    assert!(error.to_string().contains("is cut off"), "{error}");
    cut(dir.path(), "end.mp4", "d.mp4", 80);
    let error = probe(&dir.path().join("d.mp4")).unwrap_err();
    assert!(matches!(error, AvError::NotMedia { .. }), "{error}");
    // What FFmpeg said is kept for the node's log. Other tests fill the same ring, so once is enough.
    let kept = |_| probe(&dir.path().join("d.mp4")).is_err() && take_log().contains("moov atom not found");
    assert!((0..5).any(kept));
    let sound = AudioReader::open(&dir.path().join("b.mkv"), 48_000, 2, SoundRange::ALL).unwrap();
    assert!(sound.last().unwrap().is_err());
}

#[test]
fn files_of_the_wrong_type_are_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("empty.mp4"), "").unwrap();
    fs::write(at("text.mp4"), "this is not a film, it is a text\n".repeat(50)).unwrap();
    ffmpeg(dir.path(), "-f lavfi -i testsrc2=s=64x48:r=25:d=1 -c:v libx264 a.mp4");
    ffmpeg(dir.path(), "-f lavfi -i sine=d=1 s.wav");
    ffmpeg(dir.path(), "-i a.mp4 -frames:v 1 p.png");
    fs::write(at("list.m3u8"), "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.mp4\n#EXT-X-ENDLIST\n")
        .unwrap();
    fs::write(at("net.mp4"), "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
        .unwrap();
    fs::write(at("list.mp4"), "ffconcat version 1.0\nfile a.mp4\n").unwrap();

    assert!(matches!(probe(&at("none.mp4")).unwrap_err(), AvError::Open { .. }));
    let empty = probe(&at("empty.mp4")).unwrap_err();
    assert!(empty.to_string().ends_with("it is empty"), "{empty}");
    assert!(matches!(probe(dir.path()).unwrap_err(), AvError::Open { .. }));
    assert!(matches!(
        probe(&at("text.mp4")).unwrap_err(),
        AvError::NotMedia { .. } | AvError::Refused { .. }
    ));
    for name in ["list.m3u8", "net.mp4", "list.mp4", "p.png"] {
        let error = probe(&at(name)).unwrap_err();
        assert!(matches!(error, AvError::Refused { .. }), "{name}: {error}");
    }
    assert!(matches!(read_all(&at("s.wav")).unwrap_err(), AvError::NoStream { wanted: "picture", .. }));
    let deaf = AudioReader::open(&at("a.mp4"), 48_000, 2, SoundRange::ALL).map(|_| ()).unwrap_err();
    assert!(matches!(deaf, AvError::NoStream { wanted: "sound", .. }));
    let facts = probe(&at("s.wav")).unwrap();
    assert!(facts.video.is_none() && facts.duration_us == 1_000_000);
    assert_eq!(facts.audio.map(|a| (a.rate, a.channels)), Some((44_100, 1)));
}

#[test]
fn cover_art_is_not_a_picture() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(dir.path(), "-f lavfi -i testsrc2=s=64x48 -frames:v 1 p.png");
    ffmpeg(
        dir.path(),
        "-f lavfi -i sine=d=1 -i p.png -map 0 -map 1 -c:v png -disposition:v attached_pic a.mp3",
    );
    let facts = probe(&dir.path().join("a.mp3")).unwrap();
    assert!(facts.video.is_none() && facts.audio.is_some());
}

#[test]
fn parameters_and_frames_that_do_not_fit_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp4");
    let unfit = |spec: EncodeSpec| match VideoEncoder::create(&path, &spec).map(|_| ()) {
        Err(AvError::Unfit { cause, .. }) => cause,
        other => panic!("{other:?}"),
    };
    assert!(unfit(EncodeSpec { width: 321, ..spec() }).contains("321"));
    let encoding = |encoding| EncodeSpec { encoding, ..spec() };
    assert!(unfit(encoding(Encoding { crf: Some(52), ..Encoding::default() })).contains("at most 51"));
    assert!(unfit(encoding(Encoding { threads: 0, ..Encoding::default() })).contains("threads"));
    let mut encoder = VideoEncoder::create(&path, &spec()).unwrap();
    let error = encoder.push(&Yuv420::filled(64, 64, [16, 128, 128])).unwrap_err();
    assert!(error.to_string().contains("64x64"), "{error}");
    assert!(matches!(encoder.finish(), Err(AvError::Unfit { .. })));
    let nowhere = VideoEncoder::create(&dir.path().join("no/a.mp4"), &spec()).map(|_| ()).unwrap_err();
    assert!(matches!(nowhere, AvError::Write { .. }), "{nowhere}");
}
