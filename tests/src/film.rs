//! Eyes and ears: what is in a media file, by the command-line tools of FFmpeg. It knows nothing of reel.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Pictures of a film, 8 bits, in planes of 4:2:0.
#[derive(Debug, Clone)]
pub struct Pictures {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes of each frame: luma, then the two planes of colour.
    pub frames: Vec<Vec<u8>>,
}

impl Pictures {
    /// A pixel of a frame as sRGB code values, by BT.709 with limited range.
    #[must_use]
    pub fn pixel(&self, frame: usize, x: usize, y: usize) -> [f64; 3] {
        let (half, bytes) = (self.width.div_ceil(2), &self.frames[frame]);
        let first = self.width * self.height;
        let second = first + half * self.height.div_ceil(2);
        let at = (y / 2) * half + x / 2;
        let luma = (f64::from(bytes[y * self.width + x]) - 16.0) * 255.0 / 219.0;
        let blue = (f64::from(bytes[first + at]) - 128.0) * 255.0 / 224.0;
        let red = (f64::from(bytes[second + at]) - 128.0) * 255.0 / 224.0;
        [luma + 1.5748 * red, luma - 0.187_324 * blue - 0.468_124 * red, luma + 1.8556 * blue]
    }
}

/// What a tool printed; panics if it failed or complained.
fn tool(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().expect("the tool starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{command:?}: {said}");
    output.stdout
}

/// `ffprobe` of a file, as JSON.
#[must_use]
pub fn probe(path: &Path, args: &[&str]) -> Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "warning", "-of", "json"]).args(args).arg(path);
    serde_json::from_slice(&tool(&mut command)).expect("ffprobe writes JSON")
}

/// Every picture of a film, in the order of showing; panics on the slightest complaint of the decoder.
#[must_use]
pub fn pictures(path: &Path) -> Pictures {
    let streams = probe(path, &["-select_streams", "v:0", "-show_entries", "stream=width,height"]);
    let size = |key: &str| streams["streams"][0][key].as_u64().expect("a picture has a size") as usize;
    let (width, height) = (size("width"), size("height"));
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "warning", "-i"]).arg(path);
    command.args(["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]);
    let frame = width * height + 2 * (width.div_ceil(2) * height.div_ceil(2));
    let frames = tool(&mut command).chunks(frame).map(<[u8]>::to_vec).collect();
    Pictures { width, height, frames }
}

/// The sound of a file at its own rate, one channel (the mean), as the decoder gives it.
#[must_use]
pub fn sound(path: &Path) -> Vec<f32> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "warning", "-i"]).arg(path);
    command.args(["-map", "0:a:0", "-f", "f32le", "-ac", "2", "-"]);
    let bytes = tool(&mut command);
    let samples: Vec<f32> =
        bytes.as_chunks::<4>().0.iter().map(|&sample| f32::from_le_bytes(sample)).collect();
    samples.as_chunks::<2>().0.iter().map(|[left, right]| (left + right) / 2.0).collect()
}

/// Time stamps of the packets of a stream, in its time base: decoding and showing.
#[must_use]
pub fn packets(path: &Path, stream: &str) -> Vec<(i64, i64)> {
    let found = probe(path, &["-select_streams", stream, "-show_entries", "packet=dts,pts"]);
    let packets = found["packets"].as_array().expect("packets").iter();
    let time =
        |packet: &Value, key: &str| packet[key].as_i64().unwrap_or_else(|| panic!("no `{key}`: {packet}"));
    packets.map(|packet| (time(packet, "dts"), time(packet, "pts"))).collect()
}

/// A number that `ffprobe` writes as text.
#[must_use]
pub fn number(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no number: {value}"))
}
