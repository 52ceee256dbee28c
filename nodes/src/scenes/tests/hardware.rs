//! Which machine encodes a film in its graphics device, and what that comes to.

use std::sync::Arc;

use reel_engine::claim::GpuClaim;
use reel_engine::executor::toolbox::{ProgramIdentity, Toolbox};
use reel_engine::session::Project;

use super::{folder, load_on};
use crate::host::{Host, Offers};
use crate::media::tools;

/// A film of one scene whose output says this.
fn film(says: &str) -> String {
    format!(
        "version: 1\nscenes:\n  - {{ id: a, for: 2s, show: {{ color: \"#102030\" }} }}\n\
         outputs:\n  film: {{ file: out/film.mp4, {says} }}\n"
    )
}

/// A machine where these encoders work.
fn machine(works: &[&str]) -> Host {
    let worker = ProgramIdentity {
        offers: [(tools::HARDWARE.to_owned(), works.iter().map(|name| (*name).to_owned()).collect())].into(),
        refused: [("h264_nvenc".to_owned(), "no device".to_owned())].into(),
        ..ProgramIdentity::default()
    };
    let toolbox =
        Arc::new(Toolbox { programs: [("reel-worker".to_owned(), worker)].into(), ..Toolbox::default() });
    Host { offers: Offers::new(move || Arc::clone(&toolbox)), ..Host::default() }
}

/// The film on such a machine.
fn on(works: &[&str], says: &str) -> Result<Project, Vec<String>> {
    load_on(folder(&film(says)).path(), machine(works))
}

/// The interface by which the film's segments are encoded, if one is named.
fn interface(project: &Project) -> Option<String> {
    let (_, node) = project.graph.nodes().find(|(_, node)| node.kind() == "segments").unwrap();
    Some(node.params.pointer("/encoding/hw")?.as_str()?.to_owned())
}

#[test]
fn a_device_encodes_where_it_was_seen_to_work_and_is_asked_for() {
    let of = |works: &[&str], says: &str| interface(&on(works, says).unwrap());
    let both = ["h264_vaapi", "h264_nvenc", "hevc_vaapi"];
    assert_eq!(of(&both, "hw: auto").as_deref(), Some("nvenc"));
    assert_eq!(of(&both, "hw: require, codec: h265").as_deref(), Some("vaapi"));
    assert_eq!(of(&both, "hw: auto, codec: av1"), None);
    assert_eq!(of(&both, "hw: off"), None);
    assert_eq!(of(&both, "crf: 20"), None, "nothing said");
    assert_eq!(of(&[], "hw: auto"), None);
}

#[test]
fn what_is_required_and_does_not_work_is_an_error_with_the_reason() {
    let found = on(&["hevc_vaapi"], "hw: require").err().unwrap();
    let [one] = found.as_slice() else { panic!("{found:#?}") };
    assert!(one.starts_with("R023 5:"), "{one}");
    assert!(one.contains("no graphics device of this machine encodes `h264`"), "{one}");
    assert!(one.contains("`h264_nvenc`: no device"), "{one}");
}

#[test]
fn what_devices_are_not_asked_for_is_wrong_on_every_machine() {
    for works in [[].as_slice(), &["h264_nvenc", "hevc_nvenc"]] {
        for (says, message) in [
            ("bitrate: 2Mbps, two_pass: true", "two passes"),
            ("tune: film", "a `tune`"),
            ("level: \"4.1\"", "a `level`"),
            ("codec: h265, pixel_format: yuv420p10", "ten bits"),
        ] {
            let found = on(works, &format!("hw: auto, {says}")).err().unwrap();
            assert!(found.iter().any(|line| line.contains(message)), "{says}: {found:#?}");
        }
    }
}

#[test]
fn that_a_device_appears_makes_the_graph_anew() {
    let places = |says: &str| on(&[], says).unwrap().graph.surroundings().places.clone();
    assert!(places("hw: auto").contains(std::path::Path::new("/dev/dri")));
    assert!(!places("hw: off").contains(std::path::Path::new("/dev/dri")));
}

#[test]
fn a_session_of_the_device_is_held_while_it_encodes() {
    let yaml = "version: 1\nnodes:\n  part: { uses: encode, with: { size: 320x180, fps: 30, frames: 30, \
                encoding: { hw: nvenc }, picture: { color: \"#102030\" } } }\n";
    let claim = |works: &[&str]| {
        load_on(folder(yaml).path(), machine(works)).map(|project| {
            let (_, node) = project.graph.nodes().next().unwrap();
            (node.claim.gpu, node.tools.clone())
        })
    };
    let (gpu, asked) = claim(&["h264_nvenc"]).unwrap();
    assert!(matches!(gpu, GpuClaim::Part { sessions: 1, .. }), "{gpu:?}");
    assert!(asked.iter().any(|tool| tool == "h264_nvenc"), "its identity is in the key: {asked:?}");
    assert!(!asked.iter().any(|tool| tool == tools::X264), "{asked:?}");
    let found = claim(&[]).unwrap_err();
    assert!(found[0].contains("`h264_nvenc` cannot be had on this machine"), "{found:#?}");
}
