//! Which encoders of this machine's graphics devices work: whoever asks starts this program once more, which encodes a
//! frame with each of them, so that a driver that crashes or hangs takes nothing else with it. It knows no key.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reel_engine::executor::toolbox::{ProgramIdentity, ProgramSpec, identify};
use reel_nodes::media::encoding::Hardware;
use reel_nodes::media::tools;

use super::elf;
use crate::av::hardware::{attempt, models};

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
    for (name, hardware, codec) in Hardware::encoders() {
        match attempt(hardware, codec) {
            Ok(()) => works.push(name.to_owned()),
            Err(why) => {
                // A device whose sessions are all taken says so; in a moment it may have one.
                found.passing |= why.contains("out of memory");
                found.refused.insert(name.to_owned(), why);
            }
        }
    }
    let drivers: Vec<PathBuf> = super::libraries().difference(&linked).cloned().collect();
    let builds: Vec<String> = drivers.iter().map(|path| elf::build(path)).collect();
    let identity = [models().join(", "), builds.join(" ")].join("; ");
    found.tools.extend(works.iter().map(|name| (name.clone(), identity.clone())));
    found.offers.insert(tools::HARDWARE.to_owned(), works);
    let devices = std::fs::read_dir(DEVICES[0]).into_iter().flatten().flatten();
    found.files = devices.map(|entry| entry.path()).chain(drivers).collect();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

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
