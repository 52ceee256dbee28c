//! What the code values of HDR and of wide colours mean as light, and which code values of BT.709 come nearest. It
//! knows no size and no subsampling.
//!
//! Colours go the way of ITU-R BT.2100, BT.2408 and BT.2390: code values to light (PQ, HLG, or the display of BT.1886),
//! to the primaries of BT.709, highlights above white bent down by the EETF of BT.2390 on the largest of the three, and
//! back to code values. SDR white is 203 cd/m². Tables are made once; a pixel takes integers alone, so that every
//! machine makes the same.

use ffmpeg_next::{format, frame};

/// Light of SDR white.
const ONE: u32 = 1 << 24;
/// SDR white in cd/m² (BT.2408).
const WHITE: f64 = 203.0;
/// The brightest that HLG is shown at, and that is taken for PQ which does not say, in cd/m².
const USUAL_PEAK: u32 = 1000;
/// The brightest that PQ can say, in cd/m².
const PQ_PEAK: f64 = 10_000.0;
/// The exponent of displays (BT.1886).
const DISPLAY: f64 = 2.4;
/// Fraction bits of a matrix.
const BITS: u32 = 20;

/// Code points of ITU-T H.273.
const UNSPECIFIED: i32 = 2;
const BT2020: i32 = 9;
const PQ: i32 = 16;
const HLG: i32 = 18;

/// From code values to light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    /// As displays show SDR.
    Display,
    /// Absolute, bent down from this many cd/m².
    Pq(u32),
    /// Of the scene.
    Hlg,
}

/// What the code values of a frame mean, where that is not what those of BT.709 mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Light {
    curve: Curve,
    primaries: Primaries,
}

/// Where red, green and blue lie (x, y of CIE 1931, in thousandths); white is D65.
type Primaries = [(u16, u16); 3];

const BT709: Primaries = [(640, 330), (300, 600), (150, 60)];

/// The primaries of a code point; those of BT.709 where it says nothing, or nothing that is known.
const fn primaries_of(code: i32) -> Primaries {
    match code {
        5 => [(640, 330), (290, 600), (150, 60)],
        6 | 7 => [(630, 340), (310, 595), (155, 70)],
        BT2020 => [(708, 292), (170, 797), (131, 46)],
        11 | 12 => [(680, 320), (265, 690), (150, 60)],
        _ => BT709,
    }
}

impl Light {
    /// What transfer and primaries say, and how bright it was mastered, if known; `None` where they are BT.709's, or
    /// nothing is said.
    pub(super) fn of(transfer: i32, primaries: i32, peak: Option<u32>) -> Option<Self> {
        let curve = match transfer {
            PQ => Curve::Pq(peak.unwrap_or(USUAL_PEAK).clamp(WHITE as u32, PQ_PEAK as u32)),
            HLG => Curve::Hlg,
            _ => Curve::Display,
        };
        let wide = curve != Curve::Display && primaries == UNSPECIFIED;
        let primaries = primaries_of(if wide { BT2020 } else { primaries });
        (curve != Curve::Display || primaries != BT709).then_some(Self { curve, primaries })
    }
}

/// How bright a frame says that its film gets, in cd/m²: by its content, else by the display it was mastered on.
pub(super) fn peak_of(frame: &frame::Video) -> Option<u32> {
    use frame::side_data::Type;
    // Both are structures of C, whose layout FFmpeg keeps.
    let number = |kind, at: usize| {
        let data = frame.side_data(kind)?.data().get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_ne_bytes(data)).filter(|number| *number > 0)
    };
    let mastered = |at| number(Type::MasteringDisplayMetadata, at);
    let display = || Some(mastered(84).and(mastered(72))? / mastered(76)?);
    number(Type::ContentLightLevel, 0).or_else(display).filter(|peak| *peak > 0)
}

/// A function of light by a table whose steps grow with it: 256 to each doubling.
struct Curved(Vec<u32>);

impl Curved {
    fn new(of: impl Fn(f64) -> f64) -> Self {
        let place = |i: u64| if i < 512 { i } else { (i - (((i >> 8) - 1) << 8)) << ((i >> 8) - 1) };
        Self((0..=(24 << 8) + 256).map(|i| of(place(i) as f64 / f64::from(ONE)).round() as u32).collect())
    }

    fn at(&self, light: u32) -> u32 {
        let shift = (24_u32).saturating_sub(light.leading_zeros() + 1);
        let index = ((shift << 8) + (light >> shift)) as usize;
        let (here, next) = (i64::from(self.0[index]), i64::from(self.0[index + 1]));
        let part = i64::from(light & ((1 << shift) - 1));
        (here + (((next - here) * part) >> shift)) as u32
    }
}

/// All that turns code values of a [`Light`] into those of BT.709, 16 bits each.
pub(super) struct Toning {
    /// Light of each code value.
    light: Vec<u32>,
    /// For HLG: the weights of luminance, and how much brighter displays show the scene, by its luminance.
    system: Option<([i64; 3], Curved)>,
    matrix: [[i64; 3]; 3],
    /// For HDR: what is left of light, by the largest of the three.
    tone: Option<Curved>,
    /// Code value of light.
    code: Curved,
}

impl Toning {
    pub(super) fn new(light: Light) -> Self {
        let white = |value: f64| (value * f64::from(ONE)).round();
        let to_light = |code: f64| match light.curve {
            Curve::Display => libm::pow(code, DISPLAY),
            Curve::Pq(_) => pq_light(code) / WHITE,
            Curve::Hlg => hlg_scene(code),
        };
        let to_xyz = xyz_of(light.primaries);
        let system = (light.curve == Curve::Hlg).then(|| {
            let bright = |luminance: f64| f64::from(USUAL_PEAK) / WHITE * libm::pow(luminance, 0.2);
            (to_xyz[1].map(fixed), Curved::new(move |luminance| white(bright(luminance))))
        });
        let tone = match light.curve {
            Curve::Display => None,
            Curve::Pq(peak) => Some(peak),
            Curve::Hlg => Some(USUAL_PEAK),
        };
        Self {
            light: (0..=u16::MAX).map(|code| white(to_light(f64::from(code) / 65_535.0)) as u32).collect(),
            system,
            matrix: product(inverse(xyz_of(BT709)), to_xyz).map(|row| row.map(fixed)),
            tone: tone.map(|peak| {
                Curved::new(move |light| white(if light > 0.0 { bent(light, peak) / light } else { 1.0 }))
            }),
            code: Curved::new(|light| 65_535.0 * libm::pow(light.min(1.0), 1.0 / DISPLAY)),
        }
    }

    fn pixel(&self, codes: [u16; 3]) -> [u16; 3] {
        let mut light = codes.map(|code| i64::from(self.light[usize::from(code)]));
        let scale = |light: [i64; 3], by: u32| light.map(|part| (part * i64::from(by)) >> 24);
        if let Some((weights, brightness)) = &self.system {
            light = scale(light, brightness.at(weighted(weights, light)));
        }
        let mut light = self.matrix.map(|row| i64::from(weighted(&row, light)));
        if let Some(tone) = &self.tone {
            light = scale(light, tone.at(light.into_iter().max().unwrap_or(0) as u32));
        }
        light.map(|part| self.code.at((part as u32).min(ONE)) as u16)
    }

    /// Turns a frame of `gbrp16le` into another of the same size.
    pub(super) fn run(&self, from: &frame::Video) -> frame::Video {
        let (width, height) = (from.width() as usize, from.height() as usize);
        let mut made = frame::Video::new(format::Pixel::GBRP16LE, from.width(), from.height());
        let mut row: [Vec<u8>; 3] = Default::default();
        for y in 0..height {
            let [green, blue, red] = [0, 1, 2].map(|plane| {
                let line = &from.data(plane)[y * from.stride(plane)..][..width * 2];
                line.as_chunks::<2>().0
            });
            row.iter_mut().for_each(Vec::clear);
            for ((&red, &green), &blue) in red.iter().zip(green).zip(blue) {
                let [red, green, blue] = self.pixel([red, green, blue].map(u16::from_le_bytes));
                for (line, code) in row.iter_mut().zip([green, blue, red]) {
                    line.extend_from_slice(&code.to_le_bytes());
                }
            }
            for (plane, line) in row.iter().enumerate() {
                let stride = made.stride(plane);
                made.data_mut(plane)[y * stride..][..width * 2].copy_from_slice(line);
            }
        }
        made
    }
}

/// A sum of light, none where it would be less.
fn weighted(weights: &[i64; 3], light: [i64; 3]) -> u32 {
    let sum: i64 = weights.iter().zip(light).map(|(weight, part)| weight * part).sum();
    u32::try_from((sum + (1 << (BITS - 1))) >> BITS).unwrap_or(0)
}

fn fixed(value: f64) -> i64 {
    (value * f64::from(1 << BITS)).round() as i64
}

/// BT.2100, table 4: cd/m² of a code value of PQ.
fn pq_light(code: f64) -> f64 {
    let root = libm::pow(code, 32.0 / 2523.0);
    let part = (root - 3424.0 / 4096.0).max(0.0) / (2413.0 / 128.0 - 2392.0 / 128.0 * root);
    PQ_PEAK * libm::pow(part, 8192.0 / 1305.0)
}

/// BT.2100, table 4: the code value of PQ for cd/m².
fn pq_code(light: f64) -> f64 {
    let power = libm::pow(light / PQ_PEAK, 1305.0 / 8192.0);
    let part = (3424.0 / 4096.0 + 2413.0 / 128.0 * power) / (1.0 + 2392.0 / 128.0 * power);
    libm::pow(part, 2523.0 / 32.0)
}

/// BT.2100, table 5: light of the scene, 1 at most.
fn hlg_scene(code: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    if code <= 0.5 { code * code / 3.0 } else { (libm::exp((code - C) / A) + B) / 12.0 }
}

/// BT.2390, 5.4.1: light that goes up to `peak` cd/m² brought below SDR white, by a knee in code values of PQ.
fn bent(light: f64, peak: u32) -> f64 {
    let peak = pq_code(f64::from(peak));
    let most = pq_code(WHITE) / peak;
    let knee = 1.5 * most - 0.5;
    let code = (pq_code(light * WHITE) / peak).min(1.0);
    if code <= knee || knee >= 1.0 {
        return light.min(1.0);
    }
    let t = (code - knee) / (1.0 - knee);
    let (t2, t3) = (t * t, t * t * t);
    let code = (2.0 * t3 - 3.0 * t2 + 1.0) * knee
        + (t3 - 2.0 * t2 + t) * (1.0 - knee)
        + (3.0 * t2 - 2.0 * t3) * most;
    pq_light(code * peak) / WHITE
}

type Matrix = [[f64; 3]; 3];

/// From red, green and blue to CIE XYZ, where all three at 1 are D65 of luminance 1.
fn xyz_of(primaries: Primaries) -> Matrix {
    let column = |(x, y): (f64, f64)| [x / y, 1.0, (1.0 - x - y) / y];
    let columns = primaries.map(|(x, y)| column((f64::from(x) / 1000.0, f64::from(y) / 1000.0)));
    let plain: Matrix = [0, 1, 2].map(|row| columns.map(|column| column[row]));
    let (white, back) = (column((0.3127, 0.329)), inverse(plain));
    let shares = back.map(|row| row.iter().zip(white).map(|(weight, part)| weight * part).sum::<f64>());
    plain.map(|row| [row[0] * shares[0], row[1] * shares[1], row[2] * shares[2]])
}

fn product(a: Matrix, b: Matrix) -> Matrix {
    a.map(|row| [0, 1, 2].map(|column| row[0] * b[0][column] + row[1] * b[1][column] + row[2] * b[2][column]))
}

fn inverse(m: Matrix) -> Matrix {
    let minor = |r: usize, c: usize| {
        let [r0, r1, c0, c1] = [(r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3];
        m[r0][c0] * m[r1][c1] - m[r0][c1] * m[r1][c0]
    };
    let determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
    [0, 1, 2].map(|r| [0, 1, 2].map(|c| minor(c, r) / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Luminance 1 of all codes, as 8 bits.
    fn grey(toning: &Toning, code: f64) -> [f64; 3] {
        toning.pixel([(code * 65_535.0) as u16; 3]).map(|code| f64::from(code) / 257.0)
    }

    #[test]
    fn the_matrices_are_those_of_the_recommendations() {
        // BT.2087, annex 2.
        let wanted = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]];
        let found = product(inverse(xyz_of(BT709)), xyz_of(primaries_of(BT2020)));
        for (found, wanted) in found.iter().flatten().zip(wanted.iter().flatten()) {
            assert!((found - wanted).abs() < 1e-4, "{found} {wanted}");
        }
        let luminance = xyz_of(primaries_of(BT2020))[1];
        for (found, wanted) in luminance.into_iter().zip([0.2627, 0.6780, 0.0593]) {
            assert!((found - wanted).abs() < 1e-4, "{found} {wanted}");
        }
    }

    #[test]
    fn pq_and_its_inverse_agree_with_known_levels() {
        for (code, light) in [(0.0, 0.0), (0.5081, 100.0), (0.5807, 203.0), (0.7518, 1000.0), (1.0, 10_000.0)]
        {
            assert!((pq_light(code) - light).abs() <= 0.002 * light, "{code}: {}", pq_light(code));
            assert!((pq_code(light) - code).abs() < 2e-4, "{light}: {}", pq_code(light));
        }
        // BT.2408: graphics white of 203 cd/m² is 75 % of HLG.
        let scene = hlg_scene(0.75);
        assert!((scene * 1000.0 * libm::pow(scene, 0.2) - 203.0).abs() < 1.0);
    }

    #[test]
    fn dark_light_is_kept_and_the_peak_is_white() {
        let pq = Toning::new(Light::of(PQ, BT2020, Some(1000)).unwrap());
        let hlg = Toning::new(Light::of(HLG, BT2020, None).unwrap());
        // 20 cd/m² are 20/203 of white on a display.
        let wanted = 255.0 * libm::pow(20.0 / WHITE, 1.0 / 2.4);
        assert!(grey(&pq, pq_code(20.0)).into_iter().all(|found| (found - wanted).abs() < 0.3));
        for toning in [&pq, &hlg] {
            assert!(grey(toning, 1.0).into_iter().all(|found| found > 254.5));
            assert!(grey(toning, 0.0).into_iter().all(|found| found < 0.1));
            let steps: Vec<f64> = (0..=1000).map(|i| grey(toning, f64::from(i) / 1000.0)[1]).collect();
            assert!(steps.windows(2).all(|pair| pair[0] <= pair[1] + 0.02), "brighter never turns darker");
        }
        // A film that gets to 4000 cd/m² has its 1000 below white.
        let bright = Toning::new(Light::of(PQ, BT2020, Some(4000)).unwrap());
        assert!(grey(&bright, pq_code(1000.0))[0] < 251.0 && grey(&bright, pq_code(4000.0))[0] > 254.5);
    }

    #[test]
    fn what_is_bt709_already_is_left_alone() {
        for (transfer, primaries) in [(1, 1), (2, 2), (13, 1), (6, 1), (1, 2)] {
            assert_eq!(Light::of(transfer, primaries, None), None);
        }
        let wide = Toning::new(Light::of(1, BT2020, None).unwrap());
        for code in [0.0, 0.1, 0.5, 0.9, 1.0] {
            assert!(
                grey(&wide, code).into_iter().all(|found| (found - 255.0 * code).abs() < 0.2),
                "grey stays"
            );
        }
    }
}
