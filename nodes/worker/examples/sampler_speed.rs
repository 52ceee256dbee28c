//! How long does drawing one frame of a moving still take? Prints milliseconds a frame on one core.
#![expect(clippy::print_stdout, reason = "a timing to be read by a person")]

use std::time::Instant;

use reel_nodes::media::picture::Motion;
use reel_worker::draw::motion::MotionPath;
use reel_worker::draw::sampler::Sampler;
use reel_worker::frame::{Yuv420, Yuv444};

const WIDTH: usize = 1080;
const HEIGHT: usize = 1920;
const FRAMES: u32 = 120;

fn main() {
    let (width, height) = (1210, 2152);
    let noise = |seed: usize| (0..width * height).map(|i| ((i * seed) >> 7) as u8).collect::<Vec<_>>();
    let still = Yuv444 { width, height, planes: [noise(2_654_435_761), noise(40_503), noise(69_069)] };
    let start = Instant::now();
    let mut sampler = Sampler::new(&still, WIDTH, HEIGHT);
    println!("made ready in {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
    let mut frame = Yuv420::filled(WIDTH, HEIGHT, [16, 128, 128]);
    for motion in Motion::ALL {
        let path = MotionPath::new(motion, FRAMES, WIDTH, HEIGHT);
        let start = Instant::now();
        for index in 0..FRAMES {
            sampler.render(&mut frame, path.view(i64::from(index)));
        }
        let each = start.elapsed().as_secs_f64() * 1000.0 / f64::from(FRAMES);
        println!("{:<10} {each:.2} ms a frame", motion.name());
    }
}
