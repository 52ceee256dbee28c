//! Filters of sound: where what goes through them comes out.

use reel_worker::av::filter::{delay, filtered};

/// Noise that is the same every time.
fn noise(samples: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..samples).map(next).collect()
}

#[test]
fn a_delay_is_found_to_the_sample() {
    assert_eq!(delay("anull").unwrap(), 0);
    assert_eq!(delay("equalizer=f=1000:t=o:w=1:g=3").unwrap(), 0);
    assert_eq!(delay("adelay=1001S").unwrap(), 1001);
    let late = delay("afftdn=nr=0.01:nf=-80").unwrap();
    let mut wave = noise(48_000);
    wave.iter_mut().for_each(|x| *x *= 0.5);
    let mut padded = wave.clone();
    padded.resize(48_000 + late, 0.0);
    let heard = filtered(&padded, "afftdn=nr=0.01:nf=-80").unwrap();
    let off = wave[4_800..43_200].iter().zip(&heard[4_800 + late..]).map(|(a, b)| (a - b).abs());
    assert!(off.fold(0.0, f32::max) < 0.01, "the same sound, {late} samples later");
}

#[test]
fn as_many_samples_come_out_as_go_in() {
    for samples in [1, 4_095, 4_096, 4_097, 50_001] {
        assert_eq!(filtered(&noise(samples), "acompressor=ratio=4").unwrap().len(), samples);
    }
    assert!(filtered(&[], "anull").unwrap().is_empty());
}

#[test]
fn what_is_no_filter_is_told() {
    let told = filtered(&noise(100), "nosuchfilter=1").unwrap_err().to_string();
    assert!(told.starts_with("cannot filter a sound: "), "{told}");
}
