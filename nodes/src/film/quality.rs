//! `quality`: the rate factor of a film, from what was tried on samples of its scenes. It encodes nothing.
//!
//! ```yaml
//! nodes:
//!   chosen: { uses: quality, with: { ssim: 0.97, trials: [{ scene: hook, found: "${hook.trial.found}" }] } }
//! ```

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{Call, Failure, Info, Input, Json, Kind, Outcome, Reproducible, Resolve, Site};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::likeness::Likeness;
use crate::media::quality::{Chosen, Found, places, wrong_quality};

/// `with:` of `quality`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// How alike the samples had to stay.
    pub ssim: Likeness,
    /// What was found of each scene that was tried.
    #[schemars(length(min = 1))]
    pub trials: Vec<Tried>,
}

/// A scene that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// Its name, to be told.
    pub scene: String,
    /// From `trial`.
    pub found: Input<Json>,
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quality;

impl Kind for Quality {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "quality",
            version: 1,
            summary: "chooses the rate factor of a film: the largest with which every sample looks as it must",
            example: "chosen: { uses: quality, with: { ssim: 0.97, \
                      trials: [{ scene: hook, found: \"${hook.trial.found}\" }] } }",
            site: Site::Inline,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, _: &Params) -> Vec<Port> {
        vec![Port::one("crf", PortType::Json)]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim::tiny()
    }

    fn in_memory(&self) -> bool {
        true
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        if let Some((message, help)) = wrong_quality(params.ssim) {
            cx.problem("/ssim", code::BAD_VALUE, message, Some(help));
        }
    }

    fn run(&self, params: Params, call: &Call<'_>) -> Result<Outcome, Failure> {
        let mut found: Vec<(&str, Found)> = Vec::with_capacity(params.trials.len());
        for Tried { scene, found: slot } in &params.trials {
            let told = |error| Failure::new(format!("`{}` is not what `trial` says: {error}", slot.slot()));
            found.push((scene, serde_json::from_slice(&call.read(slot.slot())?).map_err(told)?));
        }
        let (chosen, log) = choose(&found, params.ssim)?;
        let json = serde_json::to_vec(&chosen).map_err(|error| Failure::new(error.to_string()))?;
        Ok(Outcome { log, ..Outcome::default() }.with_bytes("crf", "application/json", json))
    }
}

/// The least of what scenes need, and what there is to say of it.
fn choose(found: &[(&str, Found)], wanted: Likeness) -> Result<(Chosen, String), Failure> {
    let least = found.iter().map(|(_, found)| found.crf).min();
    let crf = least.ok_or_else(|| Failure::new("no scene was tried"))?;
    let mut lines: Vec<String> = found
        .iter()
        .map(|(scene, Found { crf, ssim })| format!("{scene}: crf {crf} has an SSIM of {}", places(*ssim)))
        .collect();
    lines.push(format!("the film: crf {crf}"));
    let worst = found.iter().min_by_key(|(_, found)| found.ssim);
    if let Some((scene, worst)) = worst.filter(|(_, worst)| worst.ssim < wanted.0 * 1000) {
        let comes_to = places(worst.ssim);
        lines.push(format!(
            "warning: no `crf` from {crf} on keeps an SSIM of {wanted}: scene `{scene}` comes to {comes_to}, and the film \
             is made with that"
        ));
    }
    let log = lines.join("\n") + "\n";
    Ok((Chosen { crf }, log))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scene_that_needs_most_decides() {
        let found = [("a", Found { crf: 30, ssim: 971_000 }), ("b", Found { crf: 22, ssim: 970_400 })];
        let (chosen, log) = choose(&found, Likeness(970)).unwrap();
        assert_eq!(chosen, Chosen { crf: 22 });
        assert_eq!(
            log,
            "a: crf 30 has an SSIM of 0.9710\nb: crf 22 has an SSIM of 0.9704\nthe film: crf 22\n"
        );
    }

    #[test]
    fn what_cannot_be_reached_is_warned_of_and_the_best_is_taken() {
        let found = [("a", Found { crf: 8, ssim: 989_960 }), ("b", Found { crf: 22, ssim: 999_000 })];
        let (chosen, log) = choose(&found, Likeness(999)).unwrap();
        assert_eq!(chosen, Chosen { crf: 8 });
        let warning = log.lines().last().unwrap();
        assert!(
            warning
                .starts_with("warning: no `crf` from 8 on keeps an SSIM of 0.999: scene `a` comes to 0.9899")
        );
    }
}
