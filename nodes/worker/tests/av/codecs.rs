//! Segments of every codec, joined in every container that takes it: counted, decoded, compared.

use std::fs;
use std::path::{Path, PathBuf};

use reel_nodes::media::encoding::{Asked, Container, Encoding, PixelFormat, Preset, SoundCodec, VideoCodec};
use reel_worker::av::{
    self, Cover, EncodeSpec, Extras, JoinSpec, Layout, Segment, SoundEncoder, SoundFormat, SoundRange,
    Subtitles, VideoEncoder,
};
use reel_worker::frame::{Yuv420, yuv_of_rgb};

use super::made::{HEIGHT, WIDTH, assert_near, conform, moving, rate, read, rgb_at, said_by, segment, spec};

const LENGTHS: [usize; 5] = [1, 2, 3, 15, 1];
const CODECS: [VideoCodec; 5] =
    [VideoCodec::H264, VideoCodec::H265, VideoCodec::Av1, VideoCodec::Vp9, VideoCodec::Prores];

fn encoding(codec: VideoCodec) -> Encoding {
    Asked { codec: Some(codec), ..Asked::default() }.into()
}

fn container(codec: VideoCodec) -> Container {
    match codec {
        VideoCodec::Prores => Container::Mov,
        VideoCodec::Vp9 => Container::Mkv,
        _ => Container::Mp4,
    }
}

fn segments(dir: &Path, encoding: &Encoding, lengths: &[usize]) -> Vec<Segment> {
    let spec = EncodeSpec { encoding: encoding.clone(), ..spec() };
    let one = |(index, length): (usize, &usize)| {
        let pictures = (0..*length).map(|n| moving(index * 100 + n));
        let path = segment(dir, &format!("{index}"), &spec, pictures);
        let found = Segment::of_header(&path).unwrap();
        assert_eq!(found.frames, *length as u64, "{:?}", encoding.codec);
        found
    };
    lengths.iter().enumerate().map(one).collect()
}

fn join(segments: &[Segment], sound: Option<&Path>, container: Container, extras: &Extras, film: &Path) {
    let spec = JoinSpec {
        segments,
        sound,
        rate: rate("30"),
        container,
        layout: Layout::IndexFirst,
        cuts: &[],
        extras,
    };
    let report = av::join(spec, film).unwrap();
    assert_eq!(report.frames, segments.iter().map(|segment| segment.frames).sum::<u64>());
}

fn entry(film: &Path, stream: &str, entries: &str) -> String {
    let arguments = ["-v", "error", "-select_streams", stream, "-show_entries", entries, "-of", "csv=p=0"];
    said_by("ffprobe", &arguments, film).trim().to_owned()
}

#[test]
fn segments_of_every_codec_join_to_exactly_their_frames() {
    for codec in CODECS {
        let dir = tempfile::tempdir().unwrap();
        let segments = segments(dir.path(), &encoding(codec), &LENGTHS);
        let film = dir.path().join("film");
        join(&segments, None, container(codec), &Extras::default(), &film);
        let of = |path: &Path| read(path, conform(WIDTH as u32, HEIGHT as u32, "30"));
        let apart: Vec<Yuv420> = segments.iter().flat_map(|s| of(&s.path)).collect();
        let total: usize = LENGTHS.iter().sum();
        assert_eq!(apart.len(), total, "{codec:?}");
        assert!(of(&film) == apart, "{codec:?}: the film shows other frames than its segments");
        let facts = av::verify(&film, true).unwrap().video.unwrap();
        assert_eq!((facts.packets, facts.decoded), (total as u64, Some(total as u64)), "{codec:?}");
        assert_eq!(said_by("ffmpeg", &["-v", "warning", "-f", "null", "-", "-i"], &film), "", "{codec:?}");
        let tag = match codec {
            VideoCodec::H264 => "avc1",
            VideoCodec::H265 => "hvc1",
            VideoCodec::Av1 => "av01",
            VideoCodec::Vp9 => "[0][0][0][0]",
            VideoCodec::Prores => "apcn",
        };
        assert_eq!(entry(&film, "v", "stream=codec_tag_string"), tag);
        assert_eq!(
            entry(&film, "v", "stream=color_range,color_space,color_transfer,color_primaries"),
            COLOUR
        );
    }
}

const COLOUR: &str = "tv,bt709,bt709,bt709";

#[test]
fn the_same_frames_make_the_same_bytes_with_every_codec() {
    for codec in CODECS {
        let made = [1, 2].map(|_| {
            let dir = tempfile::tempdir().unwrap();
            let all = segments(dir.path(), &encoding(codec), &[30, 1]);
            all.iter().map(|segment| fs::read(&segment.path).unwrap()).collect::<Vec<_>>()
        });
        assert!(made[0] == made[1], "{codec:?}");
    }
}

#[test]
fn quality_does_not_change_the_parameter_sets_of_any_codec() {
    for codec in CODECS.into_iter().filter(|codec| codec.crf().is_some()) {
        let dir = tempfile::tempdir().unwrap();
        let all = [20, 35].map(|crf| {
            let encoding = Encoding { crf: Some(crf), ..encoding(codec) };
            let spec = EncodeSpec { encoding, ..spec() };
            Segment { path: segment(dir.path(), &format!("{crf}"), &spec, (0..5).map(moving)), frames: 5 }
        });
        join(&all, None, container(codec), &Extras::default(), &dir.path().join("film"));
    }
}

#[test]
fn flat_patches_survive_within_two_in_every_codec_and_with_ten_bits() {
    let deep = |codec| Encoding { pixel_format: Some(PixelFormat::Yuv420p10), ..encoding(codec) };
    let all = CODECS
        .map(encoding)
        .into_iter()
        .chain([VideoCodec::H264, VideoCodec::H265, VideoCodec::Av1, VideoCodec::Vp9].map(deep));
    for encoding in all {
        for colour in [[255, 0, 0], [11, 16, 33], [200, 180, 40], [255, 255, 255]] {
            let dir = tempfile::tempdir().unwrap();
            let spec = EncodeSpec { encoding: encoding.clone(), ..spec() };
            let flat = Yuv420::filled(WIDTH, HEIGHT, yuv_of_rgb(colour));
            let path = segment(dir.path(), "flat", &spec, std::iter::repeat_n(flat, 4));
            let frames = read(&path, conform(WIDTH as u32, HEIGHT as u32, "30"));
            assert_eq!(frames.len(), 4);
            assert_near(rgb_at(&frames[2], 100, 90), colour, 2);
            if encoding.pixel_format.is_some() {
                assert_eq!(entry(&path, "v", "stream=pix_fmt"), "yuv420p10le", "{:?}", encoding.codec);
            }
        }
    }
}

fn twice(dir: &Path, encoding: &Encoding, frames: usize) -> PathBuf {
    let spec = EncodeSpec { encoding: encoding.clone(), ..spec() };
    let (stats, path) = (dir.join("a:b=c'd"), dir.join("film.mp4"));
    let mut first = VideoEncoder::look_through(&stats, &spec).unwrap();
    (0..frames).for_each(|n| first.push(&moving(n)).unwrap());
    assert_eq!(first.finish().unwrap().frames, frames as u64);
    let mut second = VideoEncoder::create_second(&path, &spec, &stats).unwrap();
    (0..frames).for_each(|n| second.push(&moving(n)).unwrap());
    assert_eq!(second.finish().unwrap().frames, frames as u64);
    path
}

#[test]
fn two_passes_keep_the_rate_of_bits_and_are_the_same_each_time() {
    for codec in CODECS.into_iter().filter(|codec| codec.has_two_passes()) {
        let asked = Asked {
            codec: Some(codec),
            bitrate: Some("600kbps".parse().unwrap()),
            two_pass: Some(true),
            preset: Some(Preset::Faster),
            ..Asked::default()
        };
        let encoding = Encoding::from(asked);
        let dir = tempfile::tempdir().unwrap();
        let bytes = fs::read(twice(dir.path(), &encoding, 120)).unwrap();
        let wanted = 600_000 / 8 * 4;
        // libvpx leaves bits over where a short film does not need them.
        let least = if codec == VideoCodec::Vp9 { 5 } else { 7 };
        let near = wanted * least / 10..wanted * 13 / 10;
        assert!(
            near.contains(&bytes.len()),
            "{codec:?}: {} bytes where {wanted} were asked for",
            bytes.len()
        );
        let again = tempfile::tempdir().unwrap();
        assert!(bytes == fs::read(twice(again.path(), &encoding, 120)).unwrap(), "{codec:?}");
        let short = tempfile::tempdir().unwrap();
        assert_eq!(Segment::of_header(&twice(short.path(), &encoding, 1)).unwrap().frames, 1, "{codec:?}");
    }
}

#[test]
fn a_rate_of_bits_is_kept_in_one_pass_by_av1() {
    let bitrate = Some("600kbps".parse().unwrap());
    let encoding = Encoding::from(Asked { codec: Some(VideoCodec::Av1), bitrate, ..Asked::default() });
    let dir = tempfile::tempdir().unwrap();
    let bytes = fs::metadata(&segments(dir.path(), &encoding, &[120])[0].path).unwrap().len();
    assert!((150_000..450_000).contains(&bytes), "{bytes} bytes where 300000 were asked for");
}

/// A sound of two channels with one loud sample at these places.
fn clicks(path: &Path, format: SoundFormat, places: &[usize], samples: usize) {
    let mut wave = vec![0.0f32; samples * 2];
    for place in places {
        wave[place * 2] = 0.9;
        wave[place * 2 + 1] = 0.9;
    }
    let mut encoder = SoundEncoder::create(path, format, 2).unwrap();
    encoder.push(&wave).unwrap();
    assert_eq!(encoder.finish().unwrap(), samples as u64);
}

#[test]
fn films_in_matroska_and_webm_have_their_frames_and_begin_with_sample_0() {
    let opus = SoundFormat::Opus { bitrate: 192_000 };
    let films = [
        (Container::Webm, VideoCodec::Vp9),
        (Container::Webm, VideoCodec::Av1),
        (Container::Mkv, VideoCodec::H264),
        (Container::Mkv, VideoCodec::H265),
    ];
    for (container, codec) in films {
        let dir = tempfile::tempdir().unwrap();
        let parts = segments(dir.path(), &encoding(codec), &[15, 1, 14]);
        let places = [0, 5000, 40_000];
        let sound = dir.path().join("sound");
        clicks(&sound, opus, &places, 48_000);
        let film = dir.path().join("film");
        join(&parts, Some(&sound), container, &Extras::default(), &film);
        let of = |path: &Path| read(path, conform(WIDTH as u32, HEIGHT as u32, "30"));
        let apart: Vec<Yuv420> = parts.iter().flat_map(|s| of(&s.path)).collect();
        assert!(of(&film) == apart, "{container:?} {codec:?}");
        let facts = av::verify(&film, true).unwrap();
        assert_eq!(facts.video.unwrap().decoded, Some(30), "{container:?} {codec:?}");
        let blocks = av::AudioReader::open(&film, 48_000, 1, SoundRange::ALL).unwrap();
        let decoded: Vec<f32> = blocks.flat_map(Result::unwrap).collect();
        assert!(decoded.len().abs_diff(48_000) <= 1024, "{container:?}: {} samples", decoded.len());
        for place in places {
            let near = place.saturating_sub(400)..place + 400;
            let loudest = near.max_by(|a, b| decoded[*a].abs().total_cmp(&decoded[*b].abs())).unwrap();
            // Times of Matroska are in milliseconds.
            assert!(loudest.abs_diff(place) <= 24, "{container:?}: {loudest} where {place} was");
        }
        assert_eq!(
            said_by("ffmpeg", &["-v", "warning", "-f", "null", "-", "-i"], &film),
            "",
            "{container:?}"
        );
        let again = dir.path().join("again");
        join(&parts, Some(&sound), container, &Extras::default(), &again);
        assert!(fs::read(&film).unwrap() == fs::read(&again).unwrap(), "{container:?}");
    }
}

#[test]
fn opus_is_sample_exact_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.opus");
    clicks(&path, SoundFormat::Opus { bitrate: 192_000 }, &[0, 5000, 40_000], 44_321);
    let blocks = av::AudioReader::open(&path, 48_000, 1, SoundRange::ALL).unwrap();
    let decoded: Vec<f32> = blocks.flat_map(Result::unwrap).collect();
    assert_eq!(decoded.len(), 44_321);
    let loudest = (4600..5400).max_by(|a, b| decoded[*a].abs().total_cmp(&decoded[*b].abs())).unwrap();
    assert!(loudest.abs_diff(5000) <= 2, "{loudest}");
}

const SRT: &str =
    "1\n00:00:00,100 --> 00:00:00,500\nFirst words\n\n2\n00:00:00,600 --> 00:00:00,900\nand Ünïcode\n\n";
const VTT: &str =
    "WEBVTT\n\n00:00:00.100 --> 00:00:00.500\nFirst words\n\n00:00:00.600 --> 00:00:00.900\nand Ünïcode\n\n";

fn cover(dir: &Path) -> Cover {
    super::made::ffmpeg(dir, "-f lavfi -i color=c=red:s=64x48 -frames:v 1 cover.png");
    Cover { bytes: fs::read(dir.join("cover.png")).unwrap(), is_png: true, size: (64, 48) }
}

#[test]
fn films_hold_metadata_chapters_subtitles_and_a_cover() {
    for container in [Container::Mp4, Container::Mov, Container::Mkv, Container::Webm] {
        let dir = tempfile::tempdir().unwrap();
        let webm = container == Container::Webm;
        let has_cover = matches!(container, Container::Mp4 | Container::Mkv);
        let (text, name) = if webm { (VTT, "words.vtt") } else { (SRT, "words.srt") };
        let words = dir.path().join(name);
        fs::write(&words, text).unwrap();
        let extras = Extras {
            tags: vec![("title", "A film".into()), ("artist", "Ada".into()), ("date", "2027".into())],
            chapters: vec![(0, "hook".into()), (15, "the end".into())],
            subtitles: vec![Subtitles { path: words, language: "eng".into() }],
            cover: has_cover.then(|| cover(dir.path())),
        };
        let codec = if webm { VideoCodec::Vp9 } else { VideoCodec::H264 };
        let parts = segments(dir.path(), &encoding(codec), &[15, 15]);
        let sound = dir.path().join("sound");
        let format = if container.sound() == SoundCodec::Opus {
            SoundFormat::Opus { bitrate: 96_000 }
        } else {
            SoundFormat::Aac { bitrate: 96_000 }
        };
        clicks(&sound, format, &[0], 48_000);
        let film = dir.path().join(format!("film.{}", container.name()));
        join(&parts, Some(&sound), container, &extras, &film);

        let facts = av::verify(&film, true).unwrap();
        assert_eq!(facts.video.unwrap().decoded, Some(30), "{container:?}");
        assert_eq!(facts.size, (WIDTH as u32, HEIGHT as u32), "{container:?}");
        let told =
            |what: &[&str]| said_by("ffprobe", &[&["-v", "error", "-of", "csv=p=0"], what].concat(), &film);
        let tags = told(&["-show_entries", "format_tags=title,artist,date,encoder"]).to_lowercase();
        assert!(
            tags.contains("a film") && tags.contains("ada") && tags.contains("2027"),
            "{container:?} {tags}"
        );
        let chapters = told(&["-show_entries", "chapter=start_time,end_time:chapter_tags=title"]);
        let chapters: Vec<&str> = chapters.lines().collect();
        assert_eq!(chapters, ["0.000000,0.500000,hook", "0.500000,1.000000,the end"], "{container:?}");
        let subtitles = entry(&film, "s", "stream=codec_name:stream_tags=language");
        let wanted = match container {
            Container::Webm => "webvtt,eng",
            Container::Mkv => "subrip,eng",
            Container::Mp4 | Container::Mov => "mov_text,eng",
        };
        assert_eq!(subtitles, wanted, "{container:?}");
        super::made::ffmpeg(dir.path(), &format!("-copyts -i film.{} -map 0:s:0 out.srt", container.name()));
        let read = fs::read_to_string(dir.path().join("out.srt")).unwrap();
        // FFmpeg tells the look of MP4's texts beside them.
        let looks = ["<font face=\"Sans-Serif\" size=\"18\">", "</font>"];
        let read = looks.iter().fold(read, |read, tag| read.replace(tag, ""));
        assert_eq!(read.trim(), SRT.trim(), "{container:?}");
        if has_cover {
            let all = told(&["-show_entries", "stream=codec_name:stream_disposition=attached_pic"]);
            assert!(
                all.lines().any(|line| line.starts_with("png") && line.ends_with('1')),
                "{container:?} {all}"
            );
        }
        let again = dir.path().join("again");
        join(&parts, Some(&sound), container, &extras, &again);
        assert!(
            fs::read(&film).unwrap() == fs::read(&again).unwrap(),
            "{container:?}: other bytes the second time"
        );
    }
}

#[test]
fn subtitles_that_a_container_does_not_take_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let words = dir.path().join("words.vtt");
    fs::write(&words, VTT).unwrap();
    let subtitles = vec![Subtitles { path: words, language: "deu".into() }];
    let extras = Extras { subtitles, ..Extras::default() };
    let segments = segments(dir.path(), &encoding(VideoCodec::H264), &[3]);
    let spec = JoinSpec {
        segments: &segments,
        sound: None,
        rate: rate("30"),
        container: Container::Mp4,
        layout: Layout::IndexFirst,
        cuts: &[],
        extras: &extras,
    };
    let error = av::join(spec, &dir.path().join("film")).unwrap_err().to_string();
    assert!(error.contains("subtitles of .mp4 are made of SRT"), "{error}");
}
