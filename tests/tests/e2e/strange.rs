//! Strange files of the world: each gives the right pictures and the right length, or an error that says what is wrong
//! with it, never a hang, a crash, or black.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reel_tests::film::{pictures, sound};
use reel_tests::has;
use reel_tests::space::TestSpace;

/// Ten frames in a second: frame n has luma 20 + 20·n. With it, a tone.
const STEPS: &str = "-f lavfi -i color=c=black:s=64x48:r=10:d=1,geq=lum='20+20*N':cb=128:cr=128";
const TONE: &str = "-f lavfi -i sine=f=440:d=1";

/// A file by the arguments of ffmpeg, its node's own parameters, what is seen at ten frames a second (a digit for each
/// frame: which of the ten), and how many samples of sound the clip has.
struct Strange(&'static str, &'static str, &'static str, &'static str, u64);

const STRANGE: &[Strange] = &[
    Strange("b.mp4", "-i whole.mp4 -an -c copy", "", "0123456789", 48_000),
    Strange("cut.mp4", "-i whole.mp4 -c copy", ", from: 0.35s, to: 0.75s", "3456", 19_200),
    Strange(
        "vfr.mp4",
        "-i whole.mp4 -vf settb=1/1000,setpts=N*N*11 -fps_mode vfr -enc_time_base 1:1000 -an",
        "",
        "0345667789",
        0,
    ),
    Strange("edit.mp4", "-ss 0.5 -i whole.mp4 -c copy", "", "56789", 24_000),
    Strange("late.mkv", "-i whole.mp4 -c copy -output_ts_offset 10", "", "0123456789", 0),
    Strange("late.ts", "-i whole.mp4 -c copy -output_ts_offset 10", "", "0123456789", 0),
    Strange(
        "early.mp4",
        "-i whole.mp4 -c copy -avoid_negative_ts disabled -output_ts_offset -0.5",
        "",
        "56789",
        0,
    ),
    Strange("gaps.mkv", "-i whole.mp4 -c copy -bsf:v noise=drop='eq(n,3)*key' -an", "", "0123456789", 0),
    Strange("odd.mp4", "-i whole.mp4 -vf scale=65:49 -pix_fmt yuv444p -crf 1", "", "0123456789", 0),
    Strange("wide-pixels.mp4", "-i whole.mp4 -vf scale=32:48,setsar=2/1 -crf 1", "", "0123456789", 0),
    Strange("turned.mp4", "-i whole.mp4 -c copy -metadata:s:v:0 rotate=90", "", "0123456789", 48_000),
    Strange("fields.mkv", "-i whole.mp4 -vf setfield=tff -c:v ffv1 -flags +ildct", "", "0123456789", 0),
    Strange("six.mkv", "-i whole.mp4 -ac 6 -ar 44100 -c:v copy -c:a flac", "", "0123456789", 0),
    Strange("one.mkv", "-i whole.mp4 -vf scale=1:1 -c:v ffv1 -pix_fmt gray -an", "", "0123456789", 48_000),
    Strange("wide.mkv", "-i whole.mp4 -vf scale=16384:16 -c:v ffv1 -an", "", "0123456789", 48_000),
    Strange("many.gif", "-i whole.mp4 -vf format=gray", "", "0123456789", 48_000),
    Strange("bare.h264", "-i whole.mp4 -c copy -f h264", "", "0123456789", 0),
    Strange("deep.mov", "-i whole.mp4 -c:v prores_ks -c:a pcm_s24be -ar 96000", "", "0123456789", 0),
    Strange("alpha.mov", "-i whole.mp4 -vf format=yuva444p -c:v qtrle -an", "", "0123456789", 48_000),
    Strange("really-mkv.mp4", "-i whole.mp4 -c copy -f matroska", "", "0123456789", 0),
    Strange("really-mp4.avi", "-i whole.mp4 -c copy -f mp4", "", "0123456789", 48_000),
];

#[track_caller]
fn ffmpeg(folder: &Path, words: &str) {
    let args = words.split_whitespace();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]).args(args).current_dir(folder);
    let done = command.output().unwrap();
    assert!(done.status.success(), "ffmpeg {words}: {}", String::from_utf8_lossy(&done.stderr));
}

fn space() -> TestSpace {
    let space = TestSpace::of("");
    ffmpeg(&space.project(), &format!("{STEPS} {TONE} -c:v libx264 -crf 1 -bf 2 -g 6 -c:a aac whole.mp4"));
    space
}

/// A project that conforms files and takes their sound out, each for itself.
fn project<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let (mut nodes, mut outputs) = (String::new(), String::new());
    for (index, (file, more)) in files.enumerate() {
        let _ = write!(
            nodes,
            "  v{index}: {{ uses: conform, with: {{ video: \"{file}\", size: 64x48, fps: 10{more} }} }}\n  \
             c{index}: {{ uses: clip, with: {{ file: \"{file}\"{more} }} }}\n"
        );
        let _ = write!(
            outputs,
            "  v{index}: {{ from: \"${{v{index}.video}}\", file: out/{index}.mp4 }}\n  \
             a{index}: {{ from: \"${{c{index}.audio}}\", file: out/{index}.wav }}\n"
        );
    }
    format!("version: 1\nname: strange\nnodes:\n{nodes}outputs:\n{outputs}")
}

/// Which of the ten frames each picture shows.
fn steps(path: &Path) -> String {
    let film = pictures(path);
    let middle = film.width * film.height / 2 + film.width / 2;
    film.frames.iter().map(|frame| ((i32::from(frame[middle]) - 10) / 20).to_string()).collect()
}

#[test]
fn strange_files_show_what_they_hold() {
    if !has("strange_files_show_what_they_hold", "ffmpeg") {
        return;
    }
    let space = space();
    for Strange(file, how, ..) in STRANGE {
        ffmpeg(&space.project(), &format!("{how} {file}"));
    }
    space.write("reel.yaml", project(STRANGE.iter().map(|Strange(file, _, more, ..)| (*file, *more))));
    let ran = space.build(&["--keep-going"]);
    let mut wrong = Vec::new();
    for (index, Strange(file, _, _, seen, heard)) in STRANGE.iter().enumerate() {
        let (video, audio) =
            (space.path(&format!("out/{index}.mp4")), space.path(&format!("out/{index}.wav")));
        if !video.exists() || !audio.exists() {
            wrong.push(format!("{file}: failed"));
            continue;
        }
        let (shown, samples) = (steps(&video), sound(&audio).len() as u64);
        // Where a file does not say to the sample how long it is, a frame more or less is right.
        let near = samples == *heard || (*heard == 0 && samples.abs_diff(seen.len() as u64 * 4800) <= 4800);
        if shown != *seen || !near {
            wrong.push(format!("{file}: shows {shown}, not {seen}; {samples} samples"));
        }
    }
    assert!(wrong.is_empty() && ran.code == Some(0), "{}\n{}", wrong.join("\n"), ran.all());
}

#[test]
fn files_that_claim_to_be_long_are_as_long_as_they_are() {
    if !has("files_that_claim_to_be_long_are_as_long_as_they_are", "ffmpeg") {
        return;
    }
    let space = space();
    // Ten hours in the header of the film and its tracks, one second of pictures and sound.
    let mut bytes = space.read("whole.mp4");
    for (name, scale, length) in [(b"mvhd", 16, 20), (b"tkhd", 0, 24), (b"mdhd", 16, 20)] {
        let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(name)).collect();
        for at in places {
            let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            let ticks = if scale > 0 { number(at + scale) } else { 1000 };
            bytes[at + length..at + length + 4].copy_from_slice(&(36_000 * ticks).to_be_bytes());
        }
    }
    space.write("hours.mp4", bytes);
    space.write("reel.yaml", project([("hours.mp4", "")].into_iter()));
    let began = Instant::now();
    let _ = space.build(&[]).ok();
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(steps(&space.path("out/0.mp4")), "0123456789");
    assert_eq!(sound(&space.path("out/0.wav")).len(), 48_000);
}

/// A file and its parameters, and what reel says of its pictures and of its sound.
const REFUSED: &[(&str, &str, &str, &str)] = &[
    (
        "whole.mp4",
        ", from: 5s",
        "no picture in the part that is asked for",
        "the clip begins at 5s, and the file ends at 1.000s",
    ),
    ("cut-off.mp4", "", "`cut-off.mp4` is cut off", "`cut-off.mp4` is cut off"),
    ("cut-off.mkv", "", "`cut-off.mkv` is cut off", "`cut-off.mkv` is cut off"),
    ("sound.mp4", "", "`sound.mp4` has no picture", "the file has no pictures"),
    ("words.mkv", "", "`words.mkv` has no picture", "`words.mkv` has no picture or sound"),
    (
        "noise.mp4",
        "",
        "`noise.mp4` is not a media file that can be read",
        "`noise.mp4` is not a media file that can be read",
    ),
    (
        "long.mkv",
        "",
        "`long.mkv` is cut off: it ends after 1000 ms, its header says 36000000 ms",
        "`long.mkv` is cut off",
    ),
];

#[test]
fn files_of_which_nothing_can_be_made_say_why() {
    if !has("files_of_which_nothing_can_be_made_say_why", "ffmpeg") {
        return;
    }
    let space = space();
    let folder = space.project();
    let cut = |from: &str, to: &str, percent: usize| {
        let bytes = space.read(from);
        space.write(to, &bytes[..bytes.len() * percent / 100]);
    };
    ffmpeg(&folder, "-i whole.mp4 -c copy -movflags +faststart front.mp4");
    cut("front.mp4", "cut-off.mp4", 70);
    ffmpeg(&folder, "-stream_loop 5 -i whole.mp4 -c copy six.mkv");
    cut("six.mkv", "cut-off.mkv", 50);
    ffmpeg(&folder, "-i whole.mp4 -vn -c copy sound.mp4");
    space.write("words.srt", "1\n00:00:00,000 --> 00:00:01,000\nhello\n");
    ffmpeg(&folder, "-i words.srt -c:s srt words.mkv");
    let noise: Vec<u8> = (0..40_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    space.write("noise.mp4", noise);
    // Ten hours in a Matroska header: an eight-byte float behind the name of the field, without sound.
    ffmpeg(&folder, "-i whole.mp4 -an -c copy short.mkv");
    let mut bytes = space.read("short.mkv");
    let at = bytes.windows(3).position(|field| field == [0x44, 0x89, 0x88]).unwrap() + 3;
    bytes[at..at + 8].copy_from_slice(&36_000_000.0_f64.to_be_bytes());
    space.write("long.mkv", bytes);
    space.write("reel.yaml", project(REFUSED.iter().map(|(file, more, ..)| (*file, *more))));
    let began = Instant::now();
    let ran = space.build(&["--keep-going"]);
    assert!(began.elapsed() < Duration::from_secs(60));
    let failed = ran.events_of("did-fail");
    for (index, (file, _, picture, sound)) in REFUSED.iter().enumerate() {
        for (kind, says) in [("v", picture), ("c", sound)] {
            let node = format!("{kind}{index}");
            let event = failed.iter().find(|event| event["node"] == node.as_str());
            let message = event.map(|event| event["message"].to_string()).unwrap_or_default();
            assert!(message.contains(says), "{file}: {node} says {message}");
        }
    }
    // Nothing at all, and a page, are told before anything runs.
    for (name, content) in [("empty.mp4", ""), ("page.mp4", "<!doctype html><html></html>")] {
        space.write(name, content);
        space.write("reel.yaml", project([(name, "")].into_iter()));
        let ran = space.reel(&["check"]);
        assert!(
            ran.code == Some(2) && ran.all().contains(&format!("`{name}` is not a video")),
            "{}",
            ran.all()
        );
    }
}

#[test]
fn a_damaged_middle_ends_in_a_film_or_in_an_error() {
    if !has("a_damaged_middle_ends_in_a_film_or_in_an_error", "ffmpeg") {
        return;
    }
    let space = space();
    let whole = space.read("whole.mp4");
    let media = whole.windows(4).position(|name| name == b"mdat").unwrap();
    for (index, part) in [10, 30, 50, 70, 90].into_iter().enumerate() {
        let mut bytes = whole.clone();
        let from = media + 8 + (whole.len() - media) * part / 150;
        bytes[from..from + 300].iter_mut().for_each(|byte| *byte ^= 0x5A);
        space.write(&format!("bad{index}.mp4"), bytes);
    }
    let files: Vec<String> = (0..5).map(|index| format!("bad{index}.mp4")).collect();
    space.write("reel.yaml", project(files.iter().map(|file| (file.as_str(), ""))));
    let ran = space.build(&["--keep-going"]);
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.all());
    let failed = ran.events_of("did-fail");
    for (index, file) in files.iter().enumerate() {
        let node = format!("v{index}");
        match failed.iter().find(|event| event["node"] == node.as_str()) {
            Some(event) => assert!(event["message"].to_string().contains(file.as_str()), "{event}"),
            None => {
                let shown = pictures(&space.path(&format!("out/{index}.mp4")));
                assert_eq!(shown.frames.len(), 10, "{file}");
                let last = shown.frames[9][..64 * 48].iter().map(|byte| u64::from(*byte)).sum::<u64>();
                assert!(last > 64 * 48 * 30, "{file} does not end in black");
            }
        }
    }
    let _ = fs::remove_dir_all(space.path("out"));
}
