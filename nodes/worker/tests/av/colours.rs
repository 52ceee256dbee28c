//! HDR, wide and narrow colours: flat patches of known light, written by ffmpeg and read back, against what the
//! recommendations of the ITU say, computed here once more in floating point.

use std::path::{Path, PathBuf};

use reel_worker::av::{ConformSpec, Fit};

use super::made::{conform, ffmpeg, read, rgb_at};

/// SDR white in cd/m² (BT.2408).
const WHITE: f64 = 203.0;

/// BT.2100: the code value of PQ for cd/m².
fn pq(light: f64) -> f64 {
    let (m1, m2, c1, c2, c3) = (0.159_301_757_812_5, 78.84375, 0.835_937_5, 18.851_562_5, 18.6875);
    let power = (light / 10_000.0_f64).powf(m1);
    ((c1 + c2 * power) / (1.0 + c3 * power)).powf(m2)
}

/// The light of a code value of PQ, by halving.
fn pq_inverse(code: f64) -> f64 {
    let (mut low, mut high) = (0.0, 10_000.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if pq(middle) < code { low = middle } else { high = middle }
    }
    low
}

/// BT.2390: light up to `peak` below SDR white. The knee as a Bézier curve: from the line of slope 1 to a flat end.
fn bent(light: f64, peak: f64) -> f64 {
    let most = pq(WHITE) / pq(peak);
    let knee = 1.5 * most - 0.5;
    let code = (pq(light) / pq(peak)).min(1.0);
    if code < knee {
        return light;
    }
    let t = (code - knee) / (1.0 - knee);
    let points = [knee, knee + (1.0 - knee) / 3.0, most, most];
    let weights = [(1.0 - t).powi(3), 3.0 * t * (1.0 - t).powi(2), 3.0 * t * t * (1.0 - t), t.powi(3)];
    pq_inverse(points.iter().zip(weights).map(|(point, weight)| point * weight).sum::<f64>() * pq(peak))
}

/// BT.2087: BT.2020 to BT.709.
const TO_709: [[f64; 3]; 3] =
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]];

fn times(matrix: [[f64; 3]; 3], light: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(light).map(|(weight, part)| weight * part).sum::<f64>().max(0.0))
}

/// Display light of BT.2020 in cd/m² as the bytes that SDR shows it with.
fn wanted(light: [f64; 3], peak: f64) -> [f64; 3] {
    let light = times(TO_709, light);
    let most = light.into_iter().fold(0.0, f64::max).max(1e-9);
    let scale = bent(most, peak) / most;
    light.map(|part| 255.0 * (part * scale / WHITE).clamp(0.0, 1.0).powf(1.0 / 2.4))
}

/// Non-linear red, green and blue as 10-bit limited range by the luma weights of a matrix.
fn yuv10([r, g, b]: [f64; 3], (kr, kb): (f64, f64)) -> [u16; 3] {
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    let chroma = |part: f64, k: f64| (512.0 + 896.0 * (part - y) / (2.0 * (1.0 - k))).round() as u16;
    [(64.0 + 876.0 * y).round() as u16, chroma(b, kb), chroma(r, kr)]
}

const BT2020: (f64, f64) = (0.2627, 0.0593);
const BT601: (f64, f64) = (0.299, 0.114);

/// A clip of one colour: 64×48, 10 bits, tagged and packed as `how` says.
fn clip(dir: &Path, [y, u, v]: [u16; 3], how: &str, name: &str) -> PathBuf {
    let plane = |value: u16, count: usize| value.to_le_bytes().repeat(count);
    let frame = [plane(y, 64 * 48), plane(u, 32 * 24), plane(v, 32 * 24)].concat();
    std::fs::write(dir.join("flat.yuv"), frame.repeat(3)).unwrap();
    ffmpeg(dir, &format!("-f rawvideo -pix_fmt yuv420p10le -s 64x48 -r 25 -i flat.yuv {how} {name}"));
    dir.join(name)
}

#[track_caller]
fn assert_shown(path: &Path, wanted: [f64; 3], by: f64, what: &str) {
    for (width, height) in [(64, 48), (32, 32)] {
        for picture in read(path, conform(width, height, "25")) {
            let found = rgb_at(&picture, width as usize / 2, height as usize / 2);
            let near =
                found.iter().zip(wanted).all(|(found, wanted)| (f64::from(*found) - wanted).abs() <= by);
            assert!(near, "{what} at {width}x{height}: found {found:?}, wanted {wanted:.1?}");
        }
    }
}

/// Patches in cd/m² of BT.2020: greys from black to the peak, skin, and colours that BT.709 has.
const PATCHES: [[f64; 3]; 8] = [
    [0.0, 0.0, 0.0],
    [5.0, 5.0, 5.0],
    [26.0, 26.0, 26.0],
    [100.0, 100.0, 100.0],
    [203.0, 203.0, 203.0],
    [1000.0, 1000.0, 1000.0],
    [120.0, 80.0, 60.0],
    [30.0, 60.0, 90.0],
];

const PQ_TAGS: &str = "-color_trc smpte2084 -color_primaries bt2020 -colorspace bt2020nc -color_range tv";

#[test]
fn pq_is_shown_as_bright_as_it_was_meant_and_highlights_are_bent_below_white() {
    let dir = tempfile::tempdir().unwrap();
    for (index, light) in PATCHES.into_iter().enumerate() {
        let codes = yuv10(light.map(pq), BT2020);
        let path = clip(dir.path(), codes, &format!("-c:v ffv1 {PQ_TAGS}"), &format!("{index}.mkv"));
        assert_shown(&path, wanted(light, 1000.0), 3.0, &format!("PQ {light:?}"));
    }
    let codes = yuv10([120.0, 80.0, 60.0].map(pq), BT2020);
    let x265 = format!("-c:v libx265 -x265-params log-level=none:crf=4 -tag:v hvc1 {PQ_TAGS}");
    let path = clip(dir.path(), codes, &x265, "hevc.mp4");
    assert_shown(&path, wanted([120.0, 80.0, 60.0], 1000.0), 4.0, "PQ in HEVC");
}

#[test]
fn a_film_that_says_how_bright_it_gets_keeps_its_highlights_apart() {
    let dir = tempfile::tempdir().unwrap();
    for (light, peak, told) in [
        (1000.0, 4000.0, "max-cll=4000,400"),
        (600.0, 600.0, "max-cll=600,100"),
        (
            1500.0,
            2000.0,
            "master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(20000000,50)",
        ),
    ] {
        let codes = yuv10([light; 3].map(pq), BT2020);
        let how = format!(
            "-c:v libx265 -x265-params log-level=none:crf=4:hdr10=1:repeat-headers=1:{told} {PQ_TAGS}"
        );
        let path = clip(dir.path(), codes, &how, "told.mkv");
        assert_shown(&path, wanted([light; 3], peak), 3.0, told);
    }
}

#[test]
fn hlg_is_shown_as_on_a_display_of_1000() {
    let dir = tempfile::tempdir().unwrap();
    let tags =
        "-c:v ffv1 -color_trc arib-std-b67 -color_primaries bt2020 -colorspace bt2020nc -color_range tv";
    for (index, scene) in
        [[0.0; 3], [0.02; 3], [0.1; 3], [0.2645; 3], [1.0; 3], [0.2, 0.12, 0.08], [0.05, 0.1, 0.2]]
            .into_iter()
            .enumerate()
    {
        let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_73);
        let code = |light: f64| {
            if light <= 1.0 / 12.0 { (3.0 * light).sqrt() } else { a * (12.0 * light - b).ln() + c }
        };
        let luminance: f64 =
            scene.iter().zip([0.2627, 0.6780, 0.0593]).map(|(part, weight)| part * weight).sum();
        let display = scene.map(|part| 1000.0 * part * luminance.powf(0.2));
        let path = clip(dir.path(), yuv10(scene.map(code), BT2020), tags, &format!("{index}.mkv"));
        assert_shown(&path, wanted(display, 1000.0), 3.0, &format!("HLG {scene:?}"));
    }
}

#[test]
fn sdr_of_other_primaries_keeps_its_colour() {
    let dir = tempfile::tempdir().unwrap();
    // From red, green and blue of BT.601 (525 lines) to those of BT.709: SMPTE RP 177 on their chromaticities.
    let from_525 = [[0.9395, 0.0502, 0.0103], [0.0178, 0.9658, 0.0164], [-0.0016, -0.0044, 1.0060]];
    let from_625 = [[1.0440, -0.0440, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0118, 0.9882]];
    for (name, matrix, weights, tags) in [
        ("2020", TO_709, BT2020, "-color_trc bt2020-10 -color_primaries bt2020 -colorspace bt2020nc"),
        ("525", from_525, BT601, "-color_trc smpte170m -color_primaries smpte170m -colorspace smpte170m"),
        ("625", from_625, BT601, "-color_trc gamma28 -color_primaries bt470bg -colorspace bt470bg"),
    ] {
        for code in [[0.5; 3], [1.0; 3], [0.7, 0.4, 0.35], [0.3, 0.5, 0.6], [0.6, 0.62, 0.2]] {
            let light = times(matrix, code.map(|part: f64| part.powf(2.4)));
            let wanted = light.map(|part| 255.0 * part.min(1.0).powf(1.0 / 2.4));
            let how = format!("-c:v ffv1 {tags} -color_range tv");
            let path = clip(dir.path(), yuv10(code, weights), &how, "sdr.mkv");
            assert_shown(&path, wanted, 2.5, &format!("{name} {code:?}"));
        }
    }
}

#[test]
fn full_range_is_told_by_its_tag_alone() {
    let dir = tempfile::tempdir().unwrap();
    // Y 200 of 255, no colour: as RGB it is 200 in all; taken for limited range it would be 214.
    let full = [200 * 4 + 2, 512, 512];
    let tags = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range";
    let path = clip(dir.path(), full, &format!("-c:v ffv1 {tags} pc"), "full.mkv");
    assert_shown(&path, [200.0; 3], 2.0, "full");
    let limited = clip(dir.path(), full, &format!("-c:v ffv1 {tags} tv"), "limited.mkv");
    assert_shown(&limited, [214.6; 3], 2.0, "limited");
}

#[test]
fn hdr_on_a_blurred_copy_and_beside_a_colour_is_converted_all_over() {
    let dir = tempfile::tempdir().unwrap();
    let light = [26.0; 3];
    let path = clip(dir.path(), yuv10(light.map(pq), BT2020), &format!("-c:v ffv1 {PQ_TAGS}"), "a.mkv");
    for fit in [Fit::Blur, Fit::Contain { background: [16, 128, 128] }] {
        let picture = &read(&path, ConformSpec { fit, ..conform(48, 96, "25") })[0];
        let level = f64::from(rgb_at(picture, 24, 48)[1]);
        assert!((level - wanted(light, 1000.0)[1]).abs() < 3.0, "{fit:?}: {level}");
        let beside = f64::from(rgb_at(picture, 24, 8)[1]);
        let around = if fit == Fit::Blur { wanted(light, 1000.0)[1] } else { 0.0 };
        assert!((beside - around).abs() < 3.0, "{fit:?}: {beside}");
    }
}
