//! Tests of reading subtitle files.

use proptest::prelude::*;

use super::*;

/// Words with their times in milliseconds.
fn timed(file: &str) -> Vec<(String, u64, u64)> {
    words(&read(file.as_bytes()).unwrap(), 1000).into_iter().map(|w| (w.text, w.start, w.end)).collect()
}

fn texts(file: &str) -> Vec<String> {
    timed(file).into_iter().map(|(text, ..)| text).collect()
}

fn fault(file: &str) -> String {
    read(file.as_bytes()).unwrap_err().to_string()
}

fn expected(words: &[(&str, u64, u64)]) -> Vec<(String, u64, u64)> {
    words.iter().map(|&(text, start, end)| (text.to_owned(), start, end)).collect()
}

#[test]
fn words_share_the_time_of_their_caption_by_their_length() {
    let file =
        "1\n00:00:01,000 --> 00:00:02,000\nThe moon\nis far.\n\n2\n00:00:03,500 --> 00:00:04,000\nYes.\n";
    let wanted = [
        ("The", 1000, 1230),
        ("moon", 1230, 1538),
        ("is", 1538, 1692),
        ("far.", 1692, 2000),
        ("Yes.", 3500, 4000),
    ];
    assert_eq!(timed(file), expected(&wanted));
    let last: Vec<bool> = words(&read(file.as_bytes()).unwrap(), 1000).iter().map(|word| word.last).collect();
    assert_eq!(last, [false, false, false, true, true]);
}

#[test]
fn the_times_of_words_in_webvtt_are_kept() {
    let file = "WEBVTT - a title\n\nNOTE\nnot this\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:03.000 align:start\n\
                <v Ada>One <00:00:01.500><c.yellow>two</c> <00:00:02.500>three four\n";
    let wanted = [("One", 1000, 1500), ("two", 1500, 2500), ("three", 2500, 2777), ("four", 2777, 3000)];
    assert_eq!(timed(file), expected(&wanted));
}

#[test]
fn much_is_forgiven() {
    let plain = ["One", "two.", "Three"];
    for file in [
        "\u{feff}1\r\n0:0:1,0 --> 0:0:2,0\r\nOne two.\r\n\r\n2\r\n0:0:3.5-->0:0:4\r\nThree\r\n",
        "00:01.000 --> 00:02.000\nOne two.\n\n00:03.000 --> 00:04.000\nThree",
        "1\n00:00:01,000 --> 00:00:02,000 X1:100 Y1:20\n{\\an8}<i>One</i>\n\n<font color=\"#fff\">two.</font>\n\n\
         2\n00:00:03,000 --> 00:00:04,000\nThree\n",
        "1\n00:00:01,000 --> 00:00:02,000\nOne two.\n2\n00:00:03,000 --> 00:00:04,000\nThree\n\n\
         3\n00:00:05,000 --> 00:00:06,000\n\n",
        "2\n00:00:03,000 --> 00:00:04,000\nThree\n\n1\n00:00:01,000 --> 00:00:02,000\nOne two.\n",
        "1\r00:00:01,000 --> 00:00:02,000\rOne two.\r\r2\r00:00:03,000 --> 00:00:04,000\rThree\r",
    ] {
        assert_eq!(texts(file), plain, "{file:?}");
    }
    let wide: Vec<u8> = "\u{feff}1\n00:00:01,000 --> 00:00:02,000\nÉté.\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(words(&read(&wide).unwrap(), 1000)[0].text, "Été.");
}

#[test]
fn what_stands_for_a_character_is_that_character_and_other_text_is_kept() {
    let file =
        "1\n00:00:01,000 --> 00:00:02,000\nTom &amp; Jerry &lt;3 &#233;t&#xE9; &nix; 1 < 2 {a} AT&T a<b\n";
    assert_eq!(texts(file), ["Tom", "&", "Jerry", "<3", "été", "&nix;", "1", "<", "2", "{a}", "AT&T", "a<b"]);
}

#[test]
fn captions_over_each_other_give_way_and_those_together_follow_one_another() {
    let over = "00:01.000 --> 00:05.000\none\n\n00:02.000 --> 00:03.000\ntwo\n";
    assert_eq!(timed(over), expected(&[("one", 1000, 2000), ("two", 2000, 3000)]));
    let together = "00:01.000 --> 00:03.000\nyes\n\n00:01.000 --> 00:03.000\nno\n";
    assert_eq!(timed(together), expected(&[("yes", 1000, 2200), ("no", 2200, 3000)]));
}

#[test]
fn lines_of_scripts_without_blanks_are_joined_without_one() {
    let file = "1\n00:00:01,000 --> 00:00:02,000\n月亮\n很远。\n";
    let joined: Vec<bool> = words(&read(file.as_bytes()).unwrap(), 1000).iter().map(|w| w.joined).collect();
    assert_eq!(joined, [false, true, true]);
}

#[test]
fn faults_name_their_line() {
    assert_eq!(fault(""), "line 1: there is no caption in it");
    assert_eq!(fault("WEBVTT\n\nNOTE nothing\n"), "line 1: there is no caption in it");
    assert_eq!(fault("\n<html>\n"), "line 2: `<html>` are no times of a caption");
    assert_eq!(fault("1\n00:00:0x,000 --> 00:00:02,000\na\n"), "line 2: `00:00:0x,000` is not a time");
    assert_eq!(fault("1\n00:00:01,000 -->\na\n"), "line 2: `` is not a time");
    assert_eq!(fault("1\n00:61:00,000 --> 01:02:00,000\na\n"), "line 2: `00:61:00,000` is not a time");
    assert_eq!(
        fault("1\n00:00:01,000 --> 00:00:02,000\na\n\n2\n00:00:03,000 --> 00:00:02,000\nb\n"),
        "line 6: the caption ends before it begins"
    );
    assert_eq!(
        read(b"1\n00:00:01,000 --> 00:00:02,000\nCaf\xe9\n").unwrap_err().to_string(),
        "line 3: this is not UTF-8 text"
    );
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_times_never_run_backwards(
        lines in prop::collection::vec(
            prop_oneof![
                "[0-9:,.]{0,12} --> [0-9:,.]{0,12}",
                "0[0-9]:[0-5][0-9][.,][0-9]{1,3} --> 1[0-9]:[0-5][0-9][.,][0-9]{1,3}",
                "([a-z ]|[<>&;{}/\\\\]|<00:0[0-9]\\.500>|月|\u{301}){0,20}",
                "WEBVTT|NOTE|[0-9]{1,3}|",
            ],
            0..20,
        ),
    ) {
        if let Ok(captions) = read(lines.join("\n").as_bytes()) {
            let mut now = 0;
            for word in words(&captions, 48_000) {
                prop_assert!(now <= word.start && word.start <= word.end, "{:?}", word);
                prop_assert!(!word.text.is_empty());
                now = word.end;
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }
}
