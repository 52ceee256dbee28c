//! Whether captions can be read: how fast they go by, and whether fonts have their characters. It draws nothing.

use reel_engine::operation::{Call, Failure};
use reel_nodes::film::expect::{Finding, Params};
use reel_nodes::media::plan::{Plan, starts};
use reel_nodes::media::words::{Cue, line};
use reel_nodes::text::read_back::{self, Subtitle};

use super::{finding, seconds};

/// What is expected of the captions that are drawn into a film.
pub(super) fn of_film(call: &Call<'_>, params: &Params) -> Result<Vec<Finding>, Failure> {
    let mut plans = Vec::with_capacity(params.scenes.len());
    for scene in &params.scenes {
        plans.push(json::<Plan>(call, scene.plan.slot())?);
    }
    let Some(fps) = plans.first().map(|plan| plan.fps) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for (scene, start) in params.scenes.iter().zip(starts(fps, &plans)) {
        let Some(cues) = &scene.cues else { continue };
        for cue in json::<Vec<Cue>>(call, cues.slot())? {
            let millis = |frame: i64| fps.sample_of(start.frame + frame.max(0).unsigned_abs(), 1000);
            let words = cue
                .lines
                .iter()
                .map(|words| line(words.iter().map(|word| (word.text.as_str(), word.joined))));
            let text = words.collect::<Vec<_>>().join("\n");
            all.push(Subtitle { start: millis(cue.start), end: millis(cue.end), text });
        }
    }
    judged(call, params, &all)
}

/// What is expected of a caption file.
pub(super) fn of_file(call: &Call<'_>, slot: &str, params: &Params) -> Result<Vec<Finding>, Failure> {
    let bytes = call.read(slot)?;
    let all = read_back::read(&String::from_utf8_lossy(&bytes))
        .map_err(|error| Failure::new(format!("the captions cannot be read: {error}")))?;
    judged(call, params, &all)
}

fn judged(call: &Call<'_>, params: &Params, all: &[Subtitle]) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    if let Some(most) = params.expect.cps {
        findings.push(speed(all, u64::from(most)));
    }
    if params.expect.glyphs.is_some() {
        findings.push(glyphs(call, params, all)?);
    }
    Ok(findings)
}

fn speed(all: &[Subtitle], most: u64) -> Finding {
    let fast: Vec<&Subtitle> = all.iter().filter(|caption| caption.speed() > most).collect();
    let fastest = all.iter().max_by_key(|caption| caption.speed());
    let found = match fastest {
        Some(caption) => {
            let (speed, at) = (caption.speed(), seconds(caption.start * 1000));
            format!("{} shows {speed} characters a second at {at}", quoted(&caption.text))
        }
        None => "there are no captions".to_owned(),
    };
    let more =
        if fast.len() > 1 { format!(", and {} more are too fast", fast.len() - 1) } else { String::new() };
    let help = "say it slower (`voice: { rate: … }`), show less, or expect another `cps`";
    let wanted = format!("at most {most} a second");
    Finding {
        places: fast.iter().map(|caption| (caption.start, caption.end)).collect(),
        ..finding("cps", fast.is_empty(), found + &more, wanted, help)
    }
}

fn glyphs(call: &Call<'_>, params: &Params, all: &[Subtitle]) -> Result<Finding, Failure> {
    let mut fonts = crate::fonts(call, &params.faces)?;
    let (mut missing, mut places): (Vec<char>, Vec<(u64, u64)>) = (Vec::new(), Vec::new());
    for caption in all {
        let here = fonts.missing_glyphs(&caption.text);
        if !here.is_empty() {
            places.push((caption.start, caption.end));
        }
        missing.extend(here);
    }
    missing.sort_unstable();
    missing.dedup();
    let named: Vec<String> =
        missing.iter().take(8).map(|c| format!("`{c}` (U+{:04X})", u32::from(*c))).collect();
    let names = params.expect.glyphs.iter().flatten().map(|name| format!("`{name}`"));
    let names = names.collect::<Vec<_>>().join(" or ");
    let found = match places.first() {
        Some((at, _)) => format!("captions have {}, first at {}", named.join(", "), seconds(at * 1000)),
        None => "all characters of the captions are there".to_owned(),
    };
    let help = "write it in other characters, or add a font that has them to `glyphs`";
    let wanted = format!("only what is in {names}");
    Ok(Finding { places, ..finding("glyphs", missing.is_empty(), found, wanted, help) })
}

/// The beginning of a caption, in backticks.
fn quoted(text: &str) -> String {
    let text = text.replace('\n', " ");
    let short: String = text.chars().take(32).collect();
    if short.len() < text.len() { format!("`{short}…`") } else { format!("`{short}`") }
}

fn json<T: serde::de::DeserializeOwned>(call: &Call<'_>, slot: &str) -> Result<T, Failure> {
    serde_json::from_slice(&call.read(slot)?)
        .map_err(|error| Failure::new(format!("`{slot}` cannot be read: {error}")))
}
