//! Segments, sound and the film joined from them.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use reel_nodes::media::encoding::{Container, Encoding, Preset};
use reel_worker::av::{self, AacEncoder, AvError, Extras, JoinSpec, Layout, Segment, SoundRange};
use reel_worker::frame::{Yuv420, yuv_of_rgb};

use super::made::{HEIGHT, WIDTH, assert_near, conform, moving, rate, read, said_by, segment, spec};

const LENGTHS: [usize; 6] = [1, 2, 3, 15, 1, 40];

fn sound_of(dir: &Path, samples: usize) -> std::path::PathBuf {
    let path = dir.join("sound.m4a");
    let mut encoder = AacEncoder::create(&path, 2, 128_000).unwrap();
    let wave: Vec<f32> = (0..samples).flat_map(|n| [(n as f32 * 0.05).sin() * 0.3; 2]).collect();
    wave.chunks(3001 * 2).for_each(|part| encoder.push(part).unwrap());
    assert_eq!(encoder.finish().unwrap(), samples as u64);
    path
}

fn segments(dir: &Path, fps: &str) -> Vec<Segment> {
    let spec = av::EncodeSpec { rate: rate(fps), ..spec() };
    let mut all = Vec::new();
    for (index, length) in LENGTHS.into_iter().enumerate() {
        let still = index % 2 == 0;
        let pictures = (0..length).map(|n| moving(if still { index } else { index * 100 + n }));
        let path = segment(dir, &format!("{fps}-{index}.mp4").replace('/', "_"), &spec, pictures);
        let segment = Segment::of_header(&path).unwrap();
        assert_eq!(segment.frames, length as u64);
        all.push(segment);
    }
    all
}

fn join_spec<'a>(segments: &'a [Segment], sound: Option<&'a Path>, fps: &str) -> JoinSpec<'a> {
    static EXTRAS: LazyLock<Extras> =
        LazyLock::new(|| Extras { tags: vec![("title", "A film".into())], ..Extras::default() });
    JoinSpec {
        segments,
        sound,
        rate: rate(fps),
        container: Container::Mp4,
        layout: Layout::IndexFirst,
        cuts: &[],
        extras: &EXTRAS,
    }
}

#[test]
fn a_film_decodes_to_exactly_the_frames_of_its_segments() {
    for fps in ["30", "30000/1001", "25", "12.5".replace("12.5", "25/2").as_str()] {
        let dir = tempfile::tempdir().unwrap();
        let segments = segments(dir.path(), fps);
        let total: usize = LENGTHS.iter().sum();
        let samples = rate(fps).sample_of(total as u64, 48_000);
        let sound = sound_of(dir.path(), samples as usize);
        let film = dir.path().join("film");
        let report = av::join(join_spec(&segments, Some(&sound), fps), &film).unwrap();
        assert_eq!((report.frames, report.samples), (total as u64, samples));

        let of = |path: &Path| read(path, conform(WIDTH as u32, HEIGHT as u32, fps));
        let apart: Vec<Yuv420> = segments.iter().flat_map(|s| of(&s.path)).collect();
        let joined = of(&film);
        assert_eq!((joined.len(), apart.len()), (total, total), "{fps}");
        assert!(joined == apart, "{fps}: the film shows other frames than its segments");

        let facts = av::verify(&film, true).unwrap();
        let (video, audio) = (facts.video.unwrap(), facts.audio.unwrap());
        assert_eq!((video.packets, video.decoded), (total as u64, Some(total as u64)));
        assert_eq!((video.end_at(48_000), audio.end_at(48_000)), (samples, samples), "{fps}");
        assert_eq!(audio.decoded, Some(samples), "{fps}");
        assert_eq!(said_by("ffmpeg", &["-v", "warning", "-f", "null", "-", "-i"], &film), "");
        check_with_ffprobe(&film, fps, total, samples);
    }
}

fn check_with_ffprobe(film: &Path, fps: &str, frames: usize, samples: u64) {
    let entries =
        ["-v", "error", "-select_streams", "v", "-show_entries", "packet=pts,dts", "-of", "csv=p=0"];
    let packets = said_by("ffprobe", &entries, film);
    let mut stamps: Vec<(i64, i64)> = Vec::new();
    for line in packets.lines() {
        let (pts, dts) = line.trim_end_matches(',').split_once(',').unwrap();
        stamps.push((pts.parse().unwrap(), dts.parse().unwrap()));
    }
    assert_eq!(stamps.len(), frames);
    assert!(stamps.windows(2).all(|w| w[0].1 < w[1].1), "{stamps:?}");
    let mut shown: Vec<i64> = stamps.iter().map(|s| s.0).collect();
    shown.sort_unstable();
    let frame_ticks = shown[1];
    assert!(shown.iter().enumerate().all(|(n, pts)| *pts == n as i64 * frame_ticks), "{shown:?}");
    assert!(stamps.windows(2).all(|w| w[1].1 - w[0].1 == frame_ticks));

    let entries = ["-v", "error", "-show_entries", "stream=start_time,duration", "-of", "csv=p=0"];
    let streams = said_by("ffprobe", &entries, film);
    let seconds: Vec<f64> = streams.lines().map(|l| l.rsplit(',').next().unwrap().parse().unwrap()).collect();
    let half_sample = 0.5 / 48_000.0 + 1e-6;
    assert!((seconds[0] - seconds[1]).abs() <= half_sample, "{fps}: {streams}");
    assert!((seconds[1] - samples as f64 / 48_000.0).abs() < 1e-6, "{fps}: {streams}");
    assert!(streams.lines().all(|l| l.starts_with("0.000000")), "{fps}: {streams}");
    let durations = track_durations(&fs::read(film).unwrap());
    assert_eq!(durations.len(), 2);
    // In samples, rounded up: they are equal wherever a frame is a whole number of samples.
    let whole = 48_000 * u64::from(rate(fps).den()) % u64::from(rate(fps).num()) == 0;
    assert!(durations[0].abs_diff(durations[1]) <= u32::from(!whole), "{fps}: {durations:?}");
}

/// Durations in the `tkhd` boxes (version 0).
fn track_durations(bytes: &[u8]) -> Vec<u32> {
    let found = bytes.windows(4).enumerate().filter(|(_, w)| *w == b"tkhd");
    found.map(|(at, _)| u32::from_be_bytes(bytes[at + 24..at + 28].try_into().unwrap())).collect()
}

#[test]
fn the_same_frames_make_the_same_bytes() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let films = [&one, &two].map(|dir| {
        let segments = segments(dir.path(), "30");
        let sound = sound_of(dir.path(), 50_000);
        let film = dir.path().join("film.mp4");
        av::join(join_spec(&segments, Some(&sound), "30"), &film).unwrap();
        let parts: Vec<Vec<u8>> = segments.iter().map(|s| fs::read(&s.path).unwrap()).collect();
        (fs::read(film).unwrap(), fs::read(sound).unwrap(), parts)
    });
    assert!(films[0] == films[1]);
    let text = String::from_utf8_lossy(&films[0].0).into_owned();
    assert!(!text.contains("Lavf") && !text.contains("Lavc"));
    assert!(text.contains("A film"));
}

#[test]
fn a_film_without_sound_and_one_of_a_single_frame_are_films() {
    let dir = tempfile::tempdir().unwrap();
    let path = segment(dir.path(), "one.mp4", &spec(), std::iter::once(moving(0)));
    let film = dir.path().join("film.mp4");
    let report = av::join(join_spec(&[Segment { path, frames: 1 }], None, "30"), &film).unwrap();
    assert_eq!((report.frames, report.samples), (1, 0));
    let facts = av::verify(&film, true).unwrap();
    assert_eq!(facts.video.unwrap().decoded, Some(1));
    assert!(facts.audio.is_none());
    assert_eq!(facts.size, (WIDTH as u32, HEIGHT as u32));
}

#[test]
fn what_cannot_be_joined_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let good = segment(dir.path(), "good.mp4", &spec(), (0..3).map(moving));
    let of = |path: &Path, frames| Segment { path: path.into(), frames };
    let film = dir.path().join("film.mp4");
    let refused = |odd: Segment| {
        let segments = [of(&good, 3), odd];
        match av::join(join_spec(&segments, None, "30"), &film).unwrap_err() {
            AvError::Segment { path, cause } => (path.file_name().unwrap().to_owned(), cause),
            other => panic!("{other}"),
        }
    };

    let (name, cause) = refused(of(&good, 4));
    assert_eq!((name.to_str(), cause.as_str()), (Some("good.mp4"), "it has 3 frames, the film expects 4"));
    let (_, cause) = refused(of(&good, 2));
    assert!(cause.contains("of 2 expected"), "{cause}");

    let other = av::EncodeSpec { encoding: Encoding { preset: Preset::Medium, ..spec().encoding }, ..spec() };
    let other = segment(dir.path(), "medium.mp4", &other, (0..3).map(moving));
    let (name, cause) = refused(of(&other, 3));
    assert!(name == "medium.mp4" && cause.contains("parameter sets"), "{cause}");

    let small = av::EncodeSpec { width: 160, height: 90, ..spec() };
    let picture = Yuv420::filled(160, 90, [100, 128, 128]);
    let small = segment(dir.path(), "small.mp4", &small, std::iter::repeat_n(picture, 3));
    assert!(refused(of(&small, 3)).1.contains("160x90"));

    let slow = av::EncodeSpec { rate: rate("24"), ..spec() };
    let slow = segment(dir.path(), "slow.mp4", &slow, (0..3).map(moving));
    let (name, _) = refused(of(&slow, 3));
    assert_eq!(name, "slow.mp4");
}

#[test]
fn quality_does_not_change_the_parameter_sets() {
    let dir = tempfile::tempdir().unwrap();
    let films = [18, 23, 30].map(|crf| {
        let encoding = Encoding { crf: Some(crf), ..Encoding::default() };
        let spec = av::EncodeSpec { encoding, ..spec() };
        Segment { path: segment(dir.path(), &format!("{crf}.mp4"), &spec, (0..5).map(moving)), frames: 5 }
    });
    av::join(join_spec(&films, None, "30"), &dir.path().join("film.mp4")).unwrap();
}

#[test]
fn colours_of_flat_patches_survive_within_two() {
    let colours = [
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [11, 16, 33],
        [200, 180, 40],
        [255, 255, 255],
        [128, 128, 128],
    ];
    let dir = tempfile::tempdir().unwrap();
    for (index, colour) in colours.into_iter().enumerate() {
        let flat = Yuv420::filled(WIDTH, HEIGHT, yuv_of_rgb(colour));
        let path = segment(dir.path(), "flat.mp4", &spec(), std::iter::repeat_n(flat, 4));
        let film = dir.path().join(format!("film{index}.mp4"));
        av::join(join_spec(&[Segment { path, frames: 4 }], None, "30"), &film).unwrap();
        let frames = read(&film, conform(WIDTH as u32, HEIGHT as u32, "30"));
        assert_near(super::made::rgb_at(&frames[2], 100, 90), colour, 2);
        let arguments = [
            "-v",
            "error",
            "-show_entries",
            "stream=color_range,color_space,color_transfer,color_primaries,chroma_location",
            "-of",
            "csv=p=0",
        ];
        assert_eq!(said_by("ffprobe", &arguments, &film).trim(), "tv,bt709,bt709,bt709,left");
        super::made::ffmpeg(
            dir.path(),
            &format!("-i film{index}.mp4 -frames:v 1 -f rawvideo -pix_fmt rgb24 out.rgb"),
        );
        let raw = fs::read(dir.path().join("out.rgb")).unwrap();
        let at = (90 * WIDTH + 100) * 3;
        assert_near(raw[at..at + 3].try_into().unwrap(), colour, 2);
    }
}

#[test]
fn the_first_decoded_sample_of_a_film_is_sample_0() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("impulse.m4a");
    let mut encoder = AacEncoder::create(&path, 1, 192_000).unwrap();
    let mut wave = vec![0.0f32; 48_000];
    (wave[0], wave[5000], wave[40_000]) = (0.9, 0.9, -0.9);
    encoder.push(&wave).unwrap();
    encoder.finish().unwrap();
    let pictures = segment(dir.path(), "p.mp4", &spec(), (0..30).map(moving));
    let film = dir.path().join("film.mp4");
    av::join(join_spec(&[Segment { path: pictures, frames: 30 }], Some(&path), "30"), &film).unwrap();
    for file in [&path, &film] {
        let blocks = av::AudioReader::open(file, 48_000, 1, SoundRange::ALL).unwrap();
        let decoded: Vec<f32> = blocks.flat_map(Result::unwrap).collect();
        assert_eq!(decoded.len(), 48_000);
        for (place, sign) in [(0usize, 1.0f32), (5000, 1.0), (40_000, -1.0)] {
            let near = place.saturating_sub(400)..place + 400;
            let loudest =
                near.clone().max_by(|a, b| (decoded[*a] * sign).total_cmp(&(decoded[*b] * sign))).unwrap();
            assert_eq!(loudest, place, "in {}", file.display());
        }
    }
}
