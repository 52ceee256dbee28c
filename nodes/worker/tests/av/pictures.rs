//! Reading pictures of every shape, rate and colour.

use reel_nodes::media::time::FrameRate;
use reel_worker::av::{ConformSpec, Fit, frame_at, probe};
use reel_worker::frame::Yuv420;

use super::made::{assert_near, conform, ffmpeg, rate, read, rgb_at};

/// Which of ten grey steps a picture shows (source frame n has luma 20 + 20·n).
fn step(picture: &Yuv420) -> i32 {
    let middle = picture.y[picture.y.len() / 2 + picture.width / 2];
    (i32::from(middle) - 20 + 10) / 20
}

const STEPS: &str = "-f lavfi -i color=c=black:s=64x48:r=10:d=1,geq=lum='20+20*N':cb=128:cr=128";

#[test]
fn every_rate_shows_the_frame_of_its_time() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(dir.path(), &format!("{STEPS} -c:v libx264 -crf 1 -bf 2 a.mp4"));
    ffmpeg(dir.path(), "-i a.mp4 -c copy a.mkv");
    ffmpeg(dir.path(), "-i a.mp4 -c copy a.ts");
    for name in ["a.mp4", "a.mkv", "a.ts"] {
        let path = dir.path().join(name);
        for fps in ["10", "30", "5", "25", "30000/1001"] {
            let r: FrameRate = rate(fps);
            let shown: Vec<i32> = read(&path, conform(64, 48, fps)).iter().map(step).collect();
            let count = r.frames_covering(1000, 1000);
            let wanted: Vec<i32> =
                (0..count).map(|n| (n * 10 * u64::from(r.den()) / u64::from(r.num())) as i32).collect();
            assert_eq!(shown, wanted, "{name} at {fps}");
        }
        let part = ConformSpec { from_us: 350_000, to_us: Some(600_000), ..conform(64, 48, "20") };
        let shown: Vec<i32> = read(&path, part).iter().map(step).collect();
        assert_eq!(shown, [3, 4, 4, 5, 5], "{name}");
    }
}

#[test]
fn variable_frame_rate_keeps_each_frame_for_its_time() {
    let dir = tempfile::tempdir().unwrap();
    // Frame n begins at n²/50 s: 0, 0.02, 0.08, 0.18, 0.32, 0.5, 0.72, 0.98 …
    ffmpeg(
        dir.path(),
        &format!(
            "{STEPS},settb=1/1000,setpts=N*N*20 -vsync vfr -enc_time_base 1:1000 -c:v libx264 -crf 1 vfr.mp4"
        ),
    );
    let shown: Vec<i32> = read(&dir.path().join("vfr.mp4"), conform(64, 48, "20")).iter().map(step).collect();
    let wanted: Vec<i32> = (0..shown.len()).map(|n| (n as f64 / 20.0 * 50.0).sqrt() as i32).collect();
    assert!(shown.len() >= 33);
    assert_eq!(shown, wanted);
}

#[test]
fn a_far_place_is_found_by_seeking_as_by_decoding_all() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(dir.path(), "-f lavfi -i testsrc2=s=64x48:r=25:d=12 -c:v libx264 -g 60 -bf 3 -crf 10 a.mp4");
    ffmpeg(dir.path(), "-i a.mp4 -c copy a.mkv");
    for name in ["a.mp4", "a.mkv"] {
        let path = dir.path().join(name);
        let whole = read(&path, conform(64, 48, "25"));
        assert_eq!(whole.len(), 300);
        for from in [101usize, 180, 250] {
            let part = ConformSpec { from_us: from as u64 * 40_000, to_us: None, ..conform(64, 48, "25") };
            assert!(read(&path, part) == whole[from..], "{name} from frame {from}");
        }
        assert!(frame_at(&path, 7_000_000, None).unwrap() == whole[175]);
        assert!(frame_at(&path, 60_000_000, None).unwrap() == whole[299]);
    }
}

/// Four quarters: red, green / blue, white.
const QUARTERS: &str = "-f lavfi -i color=red:s=160x90:d=1[a];color=lime:s=160x90:d=1[b];color=blue:s=160x90:d=1[c];color=white:s=160x90:d=1[d];[a][b]hstack[t];[c][d]hstack[u];[t][u]vstack";

fn corners(picture: &Yuv420) -> [[u8; 3]; 4] {
    let (w, h) = (picture.width, picture.height);
    [(w / 4, h / 4), (w * 3 / 4, h / 4), (w / 4, h * 3 / 4), (w * 3 / 4, h * 3 / 4)]
        .map(|(x, y)| rgb_at(picture, x, y))
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const WHITE: [u8; 3] = [255, 255, 255];

#[track_caller]
fn assert_corners(picture: &Yuv420, wanted: [[u8; 3]; 4]) {
    for (found, wanted) in corners(picture).into_iter().zip(wanted) {
        assert_near(found, wanted, 4);
    }
}

#[test]
fn a_turned_picture_is_shown_upright() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(dir.path(), &format!("{QUARTERS} -c:v libx264 -crf 1 -pix_fmt yuv444p a.mp4"));
    for turn in ["0", "90", "180", "270"] {
        ffmpeg(dir.path(), &format!("-i a.mp4 -c copy -metadata:s:v:0 rotate={turn} t.mp4"));
        let path = dir.path().join("t.mp4");
        let video = probe(&path).unwrap().video.unwrap();
        let swapped = turn == "90" || turn == "270";
        let size = if swapped { (180, 320) } else { (320, 180) };
        assert_eq!((video.width, video.height), size, "{turn}");
        let frames = read(&path, conform(size.0, size.1, "25"));
        // The command turns by the same data: what it shows is the truth.
        ffmpeg(dir.path(), "-i t.mp4 -frames:v 1 -f rawvideo -pix_fmt rgb24 t.rgb");
        let raw = std::fs::read(dir.path().join("t.rgb")).unwrap();
        let (w, h) = (size.0 as usize, size.1 as usize);
        let places = [(w / 4, h / 4), (w * 3 / 4, h / 4), (w / 4, h * 3 / 4), (w * 3 / 4, h * 3 / 4)];
        let wanted = places.map(|(x, y)| <[u8; 3]>::try_from(&raw[(y * w + x) * 3..][..3]).unwrap());
        assert_eq!(wanted[0].iter().zip(RED).all(|(a, b)| a.abs_diff(b) < 5), turn == "0");
        assert_corners(&frames[0], wanted);
    }
}

#[test]
fn cover_contain_and_blur_place_the_picture() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(dir.path(), &format!("{QUARTERS} -c:v libx264 -crf 1 -pix_fmt yuv444p a.mp4"));
    let path = dir.path().join("a.mp4");
    let cover = &read(&path, conform(90, 160, "25"))[0];
    assert_corners(cover, [RED, GREEN, BLUE, WHITE]);
    let spec = ConformSpec { fit: Fit::Contain { background: [90, 100, 110] }, ..conform(180, 320, "25") };
    let contain = &read(&path, spec)[0];
    assert_eq!((contain.y[0], contain.u[0], contain.v[0]), (90, 100, 110));
    assert_eq!(contain.y[contain.y.len() - 1], 90);
    assert_near(rgb_at(contain, 45, 145), RED, 4);
    assert_near(rgb_at(contain, 135, 175), WHITE, 4);
    let blur = &read(&path, ConformSpec { fit: Fit::Blur, ..spec })[0];
    assert_near(rgb_at(blur, 45, 145), RED, 4);
    let above = rgb_at(blur, 20, 60);
    assert!(above[0] > 150 && above[2] < 100, "{above:?}");
}

#[test]
fn samples_that_are_not_square_and_odd_sizes_are_shown_in_shape() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(
        dir.path(),
        &format!("{QUARTERS},scale=160:180,setsar=2/1 -c:v libx264 -crf 1 -pix_fmt yuv444p a.mp4"),
    );
    let path = dir.path().join("a.mp4");
    let video = probe(&path).unwrap().video.unwrap();
    assert_eq!((video.width, video.height, video.coded_width), (320, 180, 160));
    assert_corners(&read(&path, conform(320, 180, "25"))[0], [RED, GREEN, BLUE, WHITE]);
    let spec = ConformSpec { fit: Fit::Contain { background: [16, 128, 128] }, ..conform(180, 180, "25") };
    let contain = &read(&path, spec)[0];
    // 320×180 in 180×180 is 180×102, from row 38 on.
    assert_eq!(contain.y[37 * 180 + 90], 16);
    assert!(contain.y[42 * 180 + 10] > 50);
    ffmpeg(dir.path(), &format!("{QUARTERS},scale=161:91 -c:v libx264 -crf 1 -pix_fmt yuv444p odd.mp4"));
    let odd = frame_at(&dir.path().join("odd.mp4"), 0, None).unwrap();
    assert_eq!((odd.width, odd.height), (162, 92));
    assert_corners(&odd, [RED, GREEN, BLUE, WHITE]);
}

#[test]
fn colours_of_other_matrices_and_ranges_are_converted() {
    let dir = tempfile::tempdir().unwrap();
    let colour = [200, 60, 120];
    let source = "-f lavfi -i color=0xc83c78:s=64x48:d=0.2,format=gbrp";
    for (name, filter, tags) in [
        (
            "601",
            "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p",
            "-colorspace smpte170m -color_range tv",
        ),
        ("untagged", "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p", ""),
        (
            "709",
            "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
            "-colorspace bt709 -color_range tv",
        ),
        (
            "full",
            "scale=out_color_matrix=bt709:out_range=pc,format=yuvj420p",
            "-colorspace bt709 -color_range pc",
        ),
        (
            "444",
            "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p",
            "-colorspace bt709 -color_range tv",
        ),
        (
            "ten",
            "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p10le",
            "-colorspace bt709 -color_range tv",
        ),
    ] {
        ffmpeg(dir.path(), &format!("{source},{filter} -c:v libx264 -crf 1 {tags} {name}.mp4"));
        let frames = read(&dir.path().join(format!("{name}.mp4")), conform(32, 24, "25"));
        for picture in &frames {
            assert_near(rgb_at(picture, 16, 12), colour, 3);
        }
    }
    ffmpeg(dir.path(), &format!("{source} -c:v libx264rgb -crf 1 rgb.mp4"));
    assert_near(rgb_at(&read(&dir.path().join("rgb.mp4"), conform(32, 24, "25"))[0], 16, 12), colour, 3);
}

#[test]
fn interlaced_pictures_lose_their_combs() {
    let dir = tempfile::tempdir().unwrap();
    // Two fields with a bar at different places, as of a bar that moves fast.
    ffmpeg(
        dir.path(),
        "-f lavfi -i color=black:s=128x96:r=50:d=1,geq=lum='16+219*lt(mod(X+8*N,96),16)':cb=128:cr=128,interlace \
         -c:v libx264 -crf 1 -flags +ilme+ildct -x264-params tff=1 i.mp4",
    );
    let path = dir.path().join("i.mp4");
    assert!(probe(&path).unwrap().video.unwrap().interlaced);
    let frames = read(&path, conform(128, 96, "25"));
    assert_eq!(frames.len(), 25);
    let comb = |p: &Yuv420| -> u32 {
        let row = |y: usize| &p.y[y * p.width..(y + 1) * p.width];
        let zigzag =
            |y: usize| row(y).iter().zip(row(y + 1)).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
        (40..56).map(zigzag).sum()
    };
    ffmpeg(dir.path(), "-i i.mp4 -f rawvideo i.yuv");
    let raw = std::fs::read(dir.path().join("i.yuv")).unwrap();
    let size = 128 * 96;
    let woven = Yuv420 { width: 128, height: 96, y: raw[..size].to_vec(), u: Vec::new(), v: Vec::new() };
    assert!(comb(&woven) > 4 * comb(&frames[0]).max(1), "{} {}", comb(&woven), comb(&frames[0]));
}
