//! Tests of `timeline`.

use proptest::prelude::*;

use super::*;

fn fps(text: &str) -> FrameRate {
    text.parse().unwrap()
}

fn params(sentences: usize) -> Params {
    Params {
        fps: fps("30"),
        sentences: (0..sentences)
            .map(|i| Sentence {
                words: Input::new(format!("sentences.{i}.words")),
                shown: Vec::new(),
                text: None,
            })
            .collect(),
        words: None,
        pictures: Vec::new(),
        length: None,
        pause: default_pause(),
        gap: default_gap(),
    }
}

/// A second of sound at 22,050 Hz with two words.
fn said(first: &str, second: &str) -> Words {
    let word = |text: &str, start, end, last| Word { text: text.into(), start, end, last, joined: false };
    Words {
        rate: 22_050,
        end: 22_050,
        words: vec![word(first, 2205, 8820, false), word(second, 11_025, 19_845, true)],
    }
}

fn seconds(text: &str) -> Option<Duration> {
    Some(text.parse().unwrap())
}

#[test]
fn sentences_follow_each_other_and_the_scene_ends_on_a_whole_frame() {
    let (plan, words) =
        arrange(&params(2), &[said("one", "two."), said("three", "four.")], None, &[]).unwrap();
    assert_eq!(plan.sentences[0], Span { start: 0, samples: 48_000 });
    assert_eq!(plan.sentences[1], Span { start: 55_200, samples: 48_000 });
    assert_eq!(plan.frames, 74); // 1 + 0.15 + 1 + 0.3 s = 73.5 frames
    assert_eq!(words.end, 74 * 1600);
    assert_eq!(words.words[2].start, 55_200 + 4800);
    assert_eq!(plan.pictures, [0]);
    assert_eq!(plan.speech.len(), 2, "{:?}", plan.speech);
}

#[test]
fn speech_is_from_the_first_words_onset_to_the_last_words_end() {
    let (plan, _) = arrange(&params(1), &[said("one", "two.")], None, &[]).unwrap();
    assert_eq!(plan.speech, [Span { start: 4800, samples: 43_200 - 4800 }]);
}

#[test]
fn a_shown_word_changes_the_words_but_not_the_plan() {
    let shown = |text: &str| {
        let mut params = params(1);
        let unit = |text: &str, last| Shown { text: text.into(), said: 1, last, joined: false };
        params.sentences[0].shown = vec![unit(text, false), unit("two.", true)];
        arrange(&params, &[said("one", "two.")], None, &[]).unwrap()
    };
    let (one, other) = (shown("One"), shown("1"));
    assert_eq!(one.0, other.0);
    assert_ne!(one.1, other.1);
}

#[test]
fn the_least_length_holds_with_and_without_speech() {
    let mut silent = params(0);
    assert!(arrange(&silent, &[], None, &[]).is_err());
    silent.length = seconds("3s");
    assert_eq!(arrange(&silent, &[], None, &[]).unwrap().0.frames, 90);
    let mut short = params(1);
    short.length = seconds("1s");
    assert_eq!(arrange(&short, &[said("a", "b")], None, &[]).unwrap().0.frames, 39);
    short.length = seconds("5s");
    assert_eq!(arrange(&short, &[said("a", "b")], None, &[]).unwrap().0.frames, 150);
}

#[test]
fn a_silent_scene_lasts_as_long_as_its_clips_and_pictures() {
    let mut silent = params(0);
    let clip = Picture { clip: Some(Input::new("pictures.0.clip")), ..Picture::default() };
    silent.pictures = vec![clip, Picture { length: seconds("2s"), ..Picture::default() }];
    let (plan, _) = arrange(&silent, &[], None, &[Some(48_000 + 799), None]).unwrap();
    assert_eq!((plan.frames, plan.pictures), (90, vec![0, 30]));
}

#[test]
fn pictures_appear_with_their_word_after_their_length_or_evenly() {
    let pictures = |list: Vec<Picture>| {
        let mut params = params(2);
        params.pictures = list;
        let said = [said("one", "two."), said("three", "two!")];
        arrange(&params, &said, None, &[None, None, None, None]).map(|(plan, _)| plan.pictures)
    };
    let plain = Picture::default;
    let at = |word: &str| Picture { at: Some(word.into()), ..Picture::default() };
    let of = |time: &str| Picture { length: seconds(time), ..Picture::default() };
    assert_eq!(pictures(vec![plain(), at("Two"), at("two")]).unwrap(), [0, 15, 50]);
    assert_eq!(pictures(vec![of("0.5s"), plain(), plain()]).unwrap(), [0, 15, 44]);
    assert_eq!(pictures(vec![plain(), plain(), at("three two")]).unwrap(), [0, 19, 38]);
    let missing = pictures(vec![plain(), at("five")]).unwrap_err();
    assert_eq!(missing.message, "picture 2 appears at `five`, which is not said in this scene");
    assert!(pictures(vec![of("9s"), plain()]).is_err());
}

#[test]
fn a_known_text_takes_the_place_of_what_was_heard() {
    let mut params = params(1);
    params.sentences[0].text = Some("One, two three.".into());
    let (_, words) = arrange(&params, &[said("one", "to")], None, &[]).unwrap();
    let texts: Vec<&str> = words.words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(texts, ["One,", "two", "three."]);
}

proptest! {
    #[test]
    fn speech_lies_inside_the_scene_and_words_inside_its_sound(
        rate in prop::sample::select(vec!["24", "25", "30", "30000/1001", "60"]),
        ends in prop::collection::vec(1_u64..200_000, 1..6),
        ticks in prop::sample::select(vec![8000_u32, 22_050, 44_100, 48_000]),
    ) {
        let mut params = params(ends.len());
        params.fps = fps(rate);
        let said: Vec<Words> = ends.iter().map(|&end| Words {
            rate: ticks,
            end,
            words: vec![Word { text: "w".into(), start: end / 3, end, last: true, joined: false }],
        }).collect();
        let (plan, words) = arrange(&params, &said, None, &[]).unwrap();
        let length = params.fps.sample_of(plan.frames, SAMPLE_RATE);
        prop_assert_eq!(words.end, length);
        let spoken = plan.sentences.last().unwrap().end() + samples(params.pause);
        prop_assert!(length + 1 >= spoken);
        // Where the last frame begins, before that is rounded to a sample.
        let exact = |frame: u64| u128::from(frame) * u128::from(SAMPLE_RATE) * u128::from(params.fps.den());
        prop_assert!(exact(plan.frames - 1) < u128::from(spoken) * u128::from(params.fps.num()));
        for pair in plan.sentences.windows(2) {
            prop_assert_eq!(pair[0].end() + samples(params.gap), pair[1].start);
        }
        for (i, span) in plan.sentences.iter().enumerate() {
            prop_assert_eq!(span.samples, rescale(ends[i], ticks, SAMPLE_RATE));
            prop_assert!(words.words[i].end <= span.end());
        }
    }
}

#[test]
fn words_that_nobody_says_are_shown_from_the_start_and_give_a_length_where_nothing_else_does() {
    let unsaid = said("one", "two.");
    let (plan, words) = arrange(&params(0), &[], Some(&unsaid), &[]).unwrap();
    assert_eq!((plan.frames, plan.sentences.len(), plan.speech.len()), (30, 0, 0), "nobody speaks");
    assert_eq!((words.words[0].start, words.words[1].end), (4800, 43_200));
    let short = Params { length: seconds("0.5s"), ..params(0) };
    let (plan, words) = arrange(&short, &[], Some(&unsaid), &[]).unwrap();
    let shown: Vec<_> = words.words.iter().map(|word| (word.text.as_str(), word.end)).collect();
    assert_eq!((plan.frames, shown), (15, vec![("one", 19_200)]), "what comes after the scene is left out");
    let clip = Params { pictures: vec![Picture::default()], ..params(0) };
    let (plan, _) = arrange(&clip, &[], Some(&unsaid), &[Some(96_000)]).unwrap();
    assert_eq!(plan.frames, 60, "a clip gives its own length");
}
