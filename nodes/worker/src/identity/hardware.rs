//! Which encoders of this machine's graphics devices work: whoever asks starts this program once more, which encodes a
//! frame with each of them, so that a driver that crashes or hangs takes nothing else with it. It knows no key.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reel_engine::executor::toolbox::{ProgramIdentity, ProgramSpec, identify};
use reel_engine::machine::detect_gpus;
use reel_nodes::media::encoding::Hardware;
use reel_nodes::media::tools;

use super::elf;
use crate::av::hardware::{attempt, device, render_nodes};

/// The argument that makes this program tell it.
pub const ARGUMENT: &str = "--hardware";
/// Longest time that drivers may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Where devices are.
const DEVICES: [&str; 2] = ["/dev/dri", "/dev/nvidiactl"];

/// Adds what works, what does not and why, and the files on which that depends.
pub(super) fn add(identity: &mut ProgramIdentity) {
    let found = if DEVICES.iter().any(|place| Path::new(place).exists()) {
        ask().unwrap_or_else(|why| none(&why))
    } else {
        none("there is no graphics device in `/dev`")
    };
    identity.tools.extend(found.tools);
    identity.offers.extend(found.offers);
    identity.refused.extend(found.refused);
    identity.passing |= found.passing;
    // Also when they are not there: that they appear is a change.
    identity.files.extend(Hardware::places());
    identity.files.extend(found.files);
}

fn ask() -> Result<ProgramIdentity, String> {
    let spec = ProgramSpec {
        name: "hardware".to_owned(),
        path: std::env::current_exe().map_err(|error| error.to_string())?,
        args: vec![OsString::from(ARGUMENT)],
        env: std::env::vars_os().collect(),
    };
    identify(&spec, LIMIT).map_err(|problem| {
        let said = problem.log.lines().last().unwrap_or_default();
        format!("trying it failed: {} {said}", problem.cause).trim_end().to_owned()
    })
}

fn none(why: &str) -> ProgramIdentity {
    ProgramIdentity {
        passing: is_passing(why),
        refused: Hardware::encoders().map(|(name, ..)| (name.to_owned(), why.to_owned())).collect(),
        offers: [(tools::HARDWARE.to_owned(), Vec::new())].into(),
        ..ProgramIdentity::default()
    }
}

/// Tries every encoder; whoever calls this is as confined as actions are, so that what works here works there.
#[must_use]
pub fn probe() -> ProgramIdentity {
    let linked = super::libraries();
    let (mut works, mut found) = (Vec::new(), ProgramIdentity::default());
    let mut files: BTreeSet<PathBuf> = render_nodes().into_iter().collect();
    for (name, hardware, codec) in Hardware::encoders() {
        // FFmpeg lets go of a driver when its encoder is closed.
        let mut drivers = BTreeSet::new();
        let tried = attempt(hardware, codec, &mut || {
            drivers.extend(super::libraries().difference(&linked).cloned());
        });
        match tried.and_then(|()| identity(hardware, &drivers)) {
            Ok(identity) => {
                works.push(name.to_owned());
                found.tools.insert(name.to_owned(), identity);
                files.extend(drivers);
            }
            Err(why) => {
                found.passing |= is_passing(&why);
                found.refused.insert(name.to_owned(), why);
            }
        }
    }
    found.offers.insert(tools::HARDWARE.to_owned(), works);
    found.files = files.into_iter().collect();
    found
}

/// What decides what an encoder makes: model, kernel's part of the driver, and the builds of its libraries.
fn identity(hardware: Hardware, drivers: &BTreeSet<PathBuf>) -> Result<String, String> {
    if drivers.is_empty() {
        return Err("the libraries of its driver cannot be told".to_owned());
    }
    if hardware == Hardware::Nvenc {
        // Its sessions are counted by what the driver tells.
        detect_gpus()?;
    }
    let builds: Vec<String> = drivers.iter().map(|path| elf::build(path)).collect();
    Ok(format!("{}; {}", device(hardware)?, builds.join(" ")))
}

/// Whether it may be otherwise in a moment though no file changes: sessions that others hold, groups that a user is put
/// into, a driver that took too long.
fn is_passing(why: &str) -> bool {
    let why = why.to_lowercase();
    ["out of memory", "incompatible client key", "permission denied", "busy", "trying it failed"]
        .iter()
        .any(|sign| why.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_otherwise_in_a_moment_is_asked_again() {
        for why in
            ["OpenEncodeSessionEx failed: out of memory (10)", "trying it failed: no answer within 20 s"]
        {
            assert!(none(why).passing, "{why}");
        }
        assert!(!none("there is no graphics device in `/dev`").passing);
        assert!(
            identity(Hardware::Vaapi, &BTreeSet::new()).is_err(),
            "a driver that is not seen is in no key"
        );
    }

    #[test]
    fn each_encoder_works_or_has_a_reason() {
        let mut own = ProgramIdentity::default();
        add(&mut own);
        let works = &own.offers[tools::HARDWARE];
        for (name, ..) in Hardware::encoders() {
            let name = name.to_owned();
            assert_ne!(works.contains(&name), own.refused.contains_key(&name), "{name}");
            assert_eq!(works.contains(&name), own.tools.contains_key(&name), "{name}");
        }
        assert!(own.files.contains(&PathBuf::from("/dev/dri")), "that one appears is a change");
    }
}
