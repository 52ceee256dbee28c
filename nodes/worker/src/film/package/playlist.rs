//! Playlists of HTTP Live Streaming (RFC 8216) as text. It knows no file but by name.

use std::fmt::Write;

use reel_nodes::media::time::FrameRate;

use crate::av::fragments::Range;

/// A piece of a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    pub(super) range: Range,
    pub(super) seconds: f64,
}

/// A file and its playlist.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    /// The name of the playlist.
    pub(super) list: String,
    pub(super) pieces: Vec<Piece>,
}

/// Pictures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stream {
    pub(super) track: Track,
    pub(super) codec: String,
    pub(super) size: (u32, u32),
}

/// Captions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Words {
    /// The name of the playlist.
    pub(super) list: String,
    pub(super) language: Option<String>,
}

impl Track {
    /// Bits a second of the largest piece, and of all of it.
    fn rates(&self) -> (u64, u64) {
        let rate = |bytes: u64, seconds: f64| (bytes as f64 * 8.0 / seconds.max(0.001)).ceil() as u64;
        let peak = self.pieces.iter().map(|piece| rate(piece.range.length, piece.seconds)).max();
        let bytes = self.pieces.iter().map(|piece| piece.range.length).sum();
        (peak.unwrap_or(0), rate(bytes, self.pieces.iter().map(|piece| piece.seconds).sum()))
    }
}

fn head(longest: f64) -> String {
    let target = longest.round().max(1.0) as u64;
    format!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-PLAYLIST-TYPE:VOD\n")
}

/// The playlist of one file.
pub(super) fn of_track(file: &str, start: Range, pieces: &[Piece]) -> String {
    let mut text = head(pieces.iter().map(|piece| piece.seconds).fold(0.0, f64::max));
    let _ = writeln!(text, "#EXT-X-MAP:URI=\"{file}\",BYTERANGE=\"{}@{}\"", start.length, start.start);
    for Piece { range, seconds } in pieces {
        let _ = writeln!(
            text,
            "#EXTINF:{seconds:.6},\n#EXT-X-BYTERANGE:{}@{}\n{file}",
            range.length, range.start
        );
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// The playlist of a file that is one piece.
pub(super) fn whole(file: &str, seconds: f64) -> String {
    format!("{}#EXTINF:{seconds:.6},\n{file}\n#EXT-X-ENDLIST\n", head(seconds))
}

/// The playlist that players open: all that there is to choose from.
pub(super) fn first(
    streams: &[Stream],
    sound: Option<&Track>,
    words: Option<&Words>,
    rate: FrameRate,
) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    if let Some(sound) = sound {
        let _ = writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"Sound\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"{}\"",
            sound.list
        );
    }
    if let Some(words) = words {
        let language = words.language.as_ref().map_or_else(String::new, |it| format!(",LANGUAGE=\"{it}\""));
        let _ = writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"words\",NAME=\"{}\"{language},AUTOSELECT=YES,URI=\"{}\"",
            words.language.as_deref().unwrap_or("Captions"),
            words.list
        );
    }
    let (sound_peak, sound_mean) = sound.map_or((0, 0), Track::rates);
    let per_second = f64::from(rate.num()) / f64::from(rate.den());
    for Stream { track, codec, size } in streams {
        let (peak, mean) = track.rates();
        let _ = write!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{codec}{}\",RESOLUTION={}x{},FRAME-RATE={per_second:.3}",
            peak + sound_peak,
            mean + sound_mean,
            if sound.is_some() { ",mp4a.40.2" } else { "" },
            size.0,
            size.1,
        );
        text.push_str(if sound.is_some() { ",AUDIO=\"sound\"" } else { "" });
        text.push_str(if words.is_some() { ",SUBTITLES=\"words\"" } else { "" });
        let _ = writeln!(text, "\n{}", track.list);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start: u64, length: u64, seconds: f64) -> Piece {
        Piece { range: Range { start, length }, seconds }
    }

    #[test]
    fn a_playlist_names_ranges_and_the_longest_piece() {
        let pieces = [piece(700, 5000, 4.0), piece(5700, 900, 1.501_5)];
        let text = of_track("film-1.mp4", Range { start: 0, length: 700 }, &pieces);
        let wanted = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n\
            #EXT-X-MAP:URI=\"film-1.mp4\",BYTERANGE=\"700@0\"\n\
            #EXTINF:4.000000,\n#EXT-X-BYTERANGE:5000@700\nfilm-1.mp4\n\
            #EXTINF:1.501500,\n#EXT-X-BYTERANGE:900@5700\nfilm-1.mp4\n#EXT-X-ENDLIST\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn the_first_playlist_tells_of_everything_there_is() {
        let track = |list: &str, size| Track {
            list: list.into(),
            pieces: vec![piece(700, size, 4.0), piece(700 + size, size / 4, 2.0)],
        };
        let stream =
            |list: &str, size, of| Stream { track: track(list, size), codec: "avc1.640028".into(), size: of };
        let streams =
            [stream("film-1.m3u8", 500_000, (1080, 1920)), stream("film-2.m3u8", 90_000, (540, 960))];
        let sound = track("film-sound.m3u8", 64_000);
        let words = Words { list: "film-words.m3u8".into(), language: Some("eng".into()) };
        let rate = FrameRate::new(30_000, 1001).unwrap();
        let text = first(&streams, Some(&sound), Some(&words), rate);
        let one = "#EXT-X-STREAM-INF:BANDWIDTH=1128000,AVERAGE-BANDWIDTH=940001,CODECS=\"avc1.640028,mp4a.40.2\",\
                   RESOLUTION=1080x1920,FRAME-RATE=29.970,AUDIO=\"sound\",SUBTITLES=\"words\"\nfilm-1.m3u8\n";
        assert!(text.contains(one), "{text}");
        let words = "TYPE=SUBTITLES,GROUP-ID=\"words\",NAME=\"eng\",LANGUAGE=\"eng\",AUTOSELECT=YES,URI=\"film-words.m3u8\"";
        assert!(text.contains(words) && text.ends_with("film-2.m3u8\n"), "{text}");
        let bare = first(&streams[1..], None, None, FrameRate::whole(25));
        assert!(!bare.contains("MEDIA") && bare.contains("CODECS=\"avc1.640028\",RES"), "{bare}");
    }
}
