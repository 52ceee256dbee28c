//! Runs the built `reel-speak` as its callers do; it knows only what goes in and out of the process.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reel-speak"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn send(mut command: Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // The program may refuse before it has read all, so a failed write is not a fault.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn say(request: &Value) -> Output {
    send(program(), request.to_string().as_bytes())
}

/// The header and the samples of a good answer, with what must hold for every one of them.
fn speech(output: &Output) -> (Value, Vec<i16>) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let end = output.stdout.iter().position(|b| *b == b'\n').unwrap();
    let header: Value = serde_json::from_slice(&output.stdout[..end]).unwrap();
    let pcm = &output.stdout[end + 1..];
    let samples: Vec<i16> = pcm.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    assert_eq!(header["rate"], 22050);
    assert_eq!(header["samples"], samples.len());
    assert_eq!(pcm.len(), samples.len() * 2);
    let starts: Vec<u64> = events(&header, "word").iter().map(|e| e["sample"].as_u64().unwrap()).collect();
    assert!(starts.is_sorted(), "{starts:?}");
    assert!(starts.iter().all(|s| *s <= samples.len() as u64), "{starts:?} of {}", samples.len());
    (header, samples)
}

fn events(header: &Value, kind: &str) -> Vec<Value> {
    let all = header["events"].as_array().unwrap();
    all.iter().filter(|event| event["kind"] == kind).cloned().collect()
}

fn loudness(samples: &[i16]) -> f64 {
    samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64
}

#[track_caller]
fn refused(output: &Output, code: i32) -> (String, String) {
    let start = &output.stdout[..output.stdout.len().min(300)];
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(start));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    let part = |key: &str| answer[key].as_str().unwrap().to_owned();
    (part("error"), part("help"))
}

#[test]
fn the_same_request_gives_the_same_bytes_five_times() {
    let request =
        json!({"text": "A total eclipse lasts, at most, seven and a half minutes.", "voice": "en-us"});
    let first = say(&request);
    let (_, samples) = speech(&first);
    assert!(samples.len() > 2 * 22050, "{} samples", samples.len());
    assert!(loudness(&samples) > 1000.0);
    for _ in 0..4 {
        assert_eq!(say(&request).stdout, first.stdout);
    }
}

#[test]
fn locale_and_time_zone_do_not_reach_the_sound() {
    let request = json!({"text": "Größe, café, 42."}).to_string();
    let mut bytes = ["C", "C.UTF-8", "tr_TR.UTF-8"].map(|locale| {
        let mut command = program();
        command.env_clear().env("LC_ALL", locale).env("TZ", "Asia/Tokyo");
        let output = send(command, request.as_bytes());
        speech(&output);
        output.stdout
    });
    let first = bytes[0].clone();
    assert!(bytes.iter_mut().all(|other| *other == first));
}

#[test]
fn words_are_found_by_character_not_by_byte() {
    let text = "Größe zählt nicht.";
    let (header, _) = speech(&say(&json!({"text": text, "voice": "de"})));
    let said: Vec<String> = events(&header, "word")
        .iter()
        .map(|e| {
            let (position, length) = (e["position"].as_u64().unwrap(), e["length"].as_u64().unwrap());
            text.chars().skip(position as usize - 1).take(length as usize).collect()
        })
        .collect();
    assert_eq!(said, ["Größe", "zählt", "nicht"]);
}

#[test]
fn every_sentence_has_a_mark_and_speech_ends_with_the_last_sample() {
    let (header, samples) = speech(&say(&json!({"text": "One is here. Two is there."})));
    assert_eq!(events(&header, "sentence").len(), 2);
    let ends = events(&header, "end");
    assert_eq!(ends.last().unwrap()["sample"], samples.len());
}

#[test]
fn parameters_change_the_sound_as_they_say() {
    let text = "The shadow crosses the Earth.";
    let samples = |extra: Value| {
        let mut request = json!({"text": text});
        request.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        speech(&say(&request)).1
    };
    let plain = samples(json!({}));
    assert_eq!(
        plain,
        samples(
            json!({"voice": "en-us", "rate": 170, "pitch": 50, "range": 50, "volume": 100, "gap": 0, "ssml": false})
        )
    );
    assert!(samples(json!({"rate": 300})).len() < plain.len() * 4 / 5);
    assert!(samples(json!({"gap": 20})).len() > plain.len() + 22050 / 2);
    assert!(loudness(&samples(json!({"volume": 25}))) < loudness(&plain) / 4.0);
    assert_ne!(samples(json!({"pitch": 90})), plain);
    assert_ne!(samples(json!({"range": 0})), plain);
    assert_ne!(samples(json!({"voice": "en-us+f3"})), plain);
    assert_ne!(samples(json!({"voice": "en-gb"})), plain);
}

#[test]
fn ssml_is_read_only_when_asked_for() {
    let text = r#"<speak>one <break time="2s"/> two</speak>"#;
    let (header, with) = speech(&say(&json!({"text": text, "ssml": true})));
    assert!(with.len() > 2 * 22050);
    assert_eq!(events(&header, "word").len(), 2);
    let (header, _) = speech(&say(&json!({"text": text})));
    assert!(events(&header, "word").len() > 2);
}

#[test]
fn ssml_opens_no_sound_file() {
    let plain = speech(&say(&json!({"text": "<speak>a b</speak>", "ssml": true}))).1;
    let folder = std::env::temp_dir().join(format!("reel-speak-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("tone.wav");
    std::fs::write(&file, tone()).unwrap();
    let text = format!(r#"<speak>a <audio src="{}"></audio> b</speak>"#, file.display());
    let (_, with) = speech(&say(&json!({"text": text, "ssml": true})));
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(with.len() < plain.len() + 22050, "{} and {}", with.len(), plain.len());
}

/// Two seconds of a loud square wave as a WAV file.
fn tone() -> Vec<u8> {
    let samples: Vec<u8> =
        (0..44100).flat_map(|i| (if i / 50 % 2 == 0 { 20000i16 } else { -20000 }).to_le_bytes()).collect();
    let size = samples.len() as u32;
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + size).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    wav.extend([1, 0, 1, 0]);
    wav.extend(22050u32.to_le_bytes());
    wav.extend(44100u32.to_le_bytes());
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(size.to_le_bytes());
    wav.extend(samples);
    wav
}

#[test]
fn unknown_voices_are_refused_with_the_nearest_names() {
    let (error, help) = refused(&say(&json!({"text": "hi", "voice": "en-uss"})), 2);
    assert_eq!(error, "unknown voice `en-uss`");
    assert!(help.contains("`en-us`"), "{help}");
    let (error, help) = refused(&say(&json!({"text": "hi", "voice": "en-us+f33"})), 2);
    assert_eq!(error, "unknown voice variant `f33`");
    assert!(help.contains("`f3`"), "{help}");
    refused(&say(&json!({"text": "hi", "voice": "../../../../../etc/passwd"})), 2);
    refused(&say(&json!({"text": "hi", "voice": "x".repeat(500)})), 2);
    refused(&say(&json!({"text": "hi", "voice": "en-us\u{0}"})), 2);
}

#[test]
fn bad_requests_are_refused() {
    for request in [
        json!({"text": ""}),
        json!({"text": " \n "}),
        json!({"text": "a\u{0}b"}),
        json!({"text": "\u{1}300S fast"}),
        json!({"voice": "en-us"}),
        json!({"text": "hi", "speed": 1}),
        json!({"text": "hi", "rate": 79}),
        json!({"text": "hi", "rate": 1.5}),
        json!({"text": "hi", "rate": 9_000_000_000i64}),
        json!({"text": "hi", "pitch": 101}),
        json!({"text": "hi", "range": -1}),
        json!({"text": "hi", "volume": 201}),
        json!({"text": "hi", "gap": 1001}),
        json!(["text", "hi", 170, 50, 50, 100, 0, false]),
    ] {
        let (error, help) = refused(&say(&request), 2);
        assert!(!error.is_empty() && !help.is_empty(), "{request}");
    }
    for input in [&b""[..], b"{\"text\":\"hi", b"{\"text\":\"hi\"} more", b"{\"text\":\"\xff\"}", b"null"] {
        refused(&send(program(), input), 2);
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let (error, _) = refused(&send(program(), &vec![b' '; (1 << 20) + 1]), 2);
    assert!(error.contains("larger"), "{error}");
    let (error, _) = refused(&say(&json!({"text": "minutes ".repeat(20_000), "rate": 80})), 2);
    assert!(error.contains("30 minutes"), "{error}");
}

#[test]
fn identity_names_the_engine_and_its_data() {
    let output = program().arg("--identity").output().unwrap();
    assert!(output.status.success());
    let identity: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(identity["program"], "reel-speak");
    assert_eq!(identity["version"], env!("CARGO_PKG_VERSION"));
    assert!(identity["espeak"].as_str().unwrap().starts_with("1."), "{identity}");
    let data = std::path::Path::new(identity["data"].as_str().unwrap());
    assert!(data.join("phondata").is_file(), "{identity}");
    let library = std::path::Path::new(identity["library"].as_str().unwrap());
    assert!(library.is_file(), "{identity}");
    let has = |key: &str, name: &str| identity[key].as_array().unwrap().iter().any(|found| found == name);
    assert!(has("voices", "en-us") && has("voices", "gmw/en-US") && has("variants", "f3"), "{identity}");
}

#[test]
fn every_listed_voice_and_variant_can_be_named() {
    let output = program().arg("--list-voices").output().unwrap();
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = |key: &str| -> Vec<String> {
        list[key].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    };
    let (voices, variants) = (names("voices"), names("variants"));
    assert!(voices.is_sorted() && voices.iter().any(|v| v == "en-us") && voices.iter().any(|v| v == "de"));
    assert!(variants.iter().any(|v| v == "f3"));
    for voice in voices {
        speech(&say(&json!({"text": "1 2 3", "voice": voice})));
    }
    for variant in variants {
        speech(&say(&json!({"text": "1 2 3", "voice": format!("en-us+{variant}")})));
    }
}

#[test]
fn unknown_arguments_are_refused() {
    let (error, help) = refused(&program().arg("--voices").output().unwrap(), 2);
    assert_eq!(error, "unknown argument `--voices`");
    assert!(help.contains("--list-voices"), "{help}");
    refused(&program().args(["--identity", "x"]).output().unwrap(), 2);
}

#[test]
fn a_reader_that_has_gone_is_no_panic() {
    let mut child = program().arg("--list-voices").spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn no_sound_server_is_asked_and_nothing_is_left_at_home() {
    let folder =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("quiet-{}", std::process::id()));
    for name in ["home", "tmp", "run/pulse"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    let server = std::os::unix::net::UnixListener::bind(folder.join("run/pulse/native")).unwrap();
    server.set_nonblocking(true).unwrap();
    for argument in ["", "--identity", "--list-voices"] {
        let mut command = program();
        command.args(Some(argument).filter(|argument| !argument.is_empty()));
        command.env("HOME", folder.join("home")).env("TMPDIR", folder.join("tmp"));
        command.env("XDG_RUNTIME_DIR", folder.join("run"));
        let output = send(command, json!({"text": "Quiet."}).to_string().as_bytes());
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        for name in ["home", "tmp"] {
            let left: Vec<_> = std::fs::read_dir(folder.join(name)).unwrap().collect();
            assert!(left.is_empty(), "{argument}: {left:?}");
        }
        assert_eq!(server.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "{argument}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
