//! Levels of H.264 and H.265: which there are, and how much picture each holds. It knows no encoder.

use reel_engine::quantity::Size;

use super::VideoCodec;
use crate::media::time::FrameRate;

/// A level: its name, the most units of a picture, and of a second. The units of H.264 are macroblocks (Rec. ITU-T
/// H.264, table A-1), those of H.265 luma samples (Rec. ITU-T H.265, tables A.8 and A.9).
struct Level {
    name: &'static str,
    picture: u64,
    second: u64,
}

const fn level(name: &'static str, picture: u64, second: u64) -> Level {
    Level { name, picture, second }
}

const H264: [Level; 19] = [
    level("1", 99, 1485),
    level("1b", 99, 1485),
    level("1.1", 396, 3000),
    level("1.2", 396, 6000),
    level("1.3", 396, 11_880),
    level("2", 396, 11_880),
    level("2.1", 792, 19_800),
    level("2.2", 1620, 20_250),
    level("3", 1620, 40_500),
    level("3.1", 3600, 108_000),
    level("3.2", 5120, 216_000),
    level("4", 8192, 245_760),
    level("4.1", 8192, 245_760),
    level("4.2", 8704, 522_240),
    level("5", 22_080, 589_824),
    level("5.1", 36_864, 983_040),
    level("5.2", 36_864, 2_073_600),
    level("6", 139_264, 4_177_920),
    level("6.2", 139_264, 16_711_680),
];

const H265: [Level; 13] = [
    level("1", 36_864, 552_960),
    level("2", 122_880, 3_686_400),
    level("2.1", 245_760, 7_372_800),
    level("3", 552_960, 16_588_800),
    level("3.1", 983_040, 33_177_600),
    level("4", 2_228_224, 66_846_720),
    level("4.1", 2_228_224, 133_693_440),
    level("5", 8_912_896, 267_386_880),
    level("5.1", 8_912_896, 534_773_760),
    level("5.2", 8_912_896, 1_069_547_520),
    level("6", 35_651_584, 1_069_547_520),
    level("6.1", 35_651_584, 2_139_095_040),
    level("6.2", 35_651_584, 4_278_190_080),
];

/// Why a level cannot be had, as message and help; `None` when it can.
pub(super) fn wrong(
    codec: VideoCodec,
    name: &str,
    size: Size,
    fps: FrameRate,
) -> Option<(String, Option<String>)> {
    let (levels, side): (&[Level], u32) = match codec {
        VideoCodec::H264 => (&H264, 16),
        VideoCodec::H265 => (&H265, 1),
        _ => {
            let message = format!("`{}` takes no `level`", codec.name());
            return Some((message, Some("levels are for `h264` and `h265`".into())));
        }
    };
    let Some(level) = levels.iter().find(|level| level.name == name) else {
        let names: Vec<&str> = levels.iter().map(|level| level.name).collect();
        let message = format!("`{}` has no level `{name}`", codec.name());
        return Some((message, Some(format!("it has {}", names.join(", ")))));
    };
    let picture = u64::from(size.width.div_ceil(side)) * u64::from(size.height.div_ceil(side));
    let second = (picture * u64::from(fps.num())).div_ceil(u64::from(fps.den()));
    let holds = |level: &&Level| picture <= level.picture && second <= level.second;
    if holds(&level) {
        return None;
    }
    let least = levels.iter().find(holds);
    let message = format!("level {name} does not hold pictures of {size} at {fps} a second");
    let help = match least {
        Some(least) => format!("the lowest level that does is {}", least.name),
        None => "no level does: make it smaller or slower".into(),
    };
    Some((message, Some(help)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_holds_what_the_standard_says() {
        let film = Size { width: 1080, height: 1920 };
        let at = |codec, name, fps| wrong(codec, name, film, FrameRate::whole(fps));
        assert_eq!(at(VideoCodec::H264, "4", 30), None);
        let (message, help) = at(VideoCodec::H264, "3.1", 30).unwrap();
        assert!(message.contains("1080x1920") && help.unwrap().ends_with("is 4"), "{message}");
        assert!(at(VideoCodec::H264, "4.1", 60).unwrap().1.unwrap().ends_with("is 4.2"));
        assert_eq!(at(VideoCodec::H265, "4.1", 60), None);
        assert!(at(VideoCodec::H265, "9", 30).unwrap().1.unwrap().contains("6.2"));
        assert!(at(VideoCodec::Av1, "4", 30).is_some());
    }
}
