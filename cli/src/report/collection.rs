//! What a collection of the cache did, in words and for programs. It collects nothing.

use reel_engine::cache::GcReport;
use serde_json::{Value, json};

use crate::ui::{add, bytes, count};

/// For programs: the fields, beneath the name of the event.
pub(crate) fn collection_json(event: &str, report: &GcReport) -> Value {
    let below = report.below_working_set.as_ref();
    json!({
        "event": event,
        "results": report.records,
        "blobs": report.blobs,
        "freed": report.freed,
        "left": report.left,
        "over": report.over,
        "pinned": report.pinned,
        "projects": report.projects,
        "lapsed-projects": report.lapsed,
        "damaged-projects": report.damaged_projects,
        "below-working-set": below.map(|(folder, bytes)| json!({ "project": folder, "needs": bytes })),
        "live-builds": report.live_builds,
        "held-by-builds": report.held_by_builds,
        "held-by-projects": report.held_by_projects,
    })
}

/// What went, in one line.
pub(crate) fn removed(report: &GcReport) -> String {
    format!(
        "removed {} and {}, {}; {} left",
        count(report.records as usize, "result"),
        count(report.blobs as usize, "blob"),
        bytes(report.freed),
        bytes(report.left),
    )
}

/// What was asked for and could not be done, a line for each thing.
pub(crate) fn refused(report: &GcReport) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((folder, needs)) = &report.below_working_set {
        lines.push(format!(
            "the cache's budget is below what one build of `{}` needs ({}): that stays; give the cache more",
            folder.display(),
            bytes(*needs),
        ));
    } else if report.over > 0 {
        let mut line = format!("the cache is {} over its budget:", bytes(report.over));
        if report.pinned > 0 {
            let projects = count(report.projects, "project");
            add(&mut line, format_args!(" current outputs of {projects} need {}", bytes(report.pinned)));
        }
        if report.held_by_builds > 0 {
            let and = if report.pinned > 0 { ", and" } else { "" };
            let builds = count(report.live_builds, "running build");
            add(&mut line, format_args!("{and} {builds} may use more"));
        }
        lines.push(line);
    }
    if report.damaged_projects > 0 {
        let projects = count(report.damaged_projects, "project");
        lines.push(format!(
            "what {projects} had noted in the cache was damaged; the next build notes it again"
        ));
    }
    lines
}

/// All of it, for `reel cache`.
pub(crate) fn collection_text(report: &GcReport) -> String {
    let mut text = format!("{}\n", removed(report));
    if report.lapsed > 0 {
        let projects = count(report.lapsed, "project");
        add(
            &mut text,
            format_args!("not seen for 30 days: {projects}, for which nothing is kept any more\n"),
        );
    }
    if report.held_by_builds > 0 {
        let builds = count(report.live_builds, "running build");
        let results = count(report.held_by_builds as usize, "result");
        add(&mut text, format_args!("stayed because {builds} may use it: {results}\n"));
    }
    if report.held_by_projects > 0 {
        let results = count(report.held_by_projects as usize, "result");
        add(&mut text, format_args!("stayed though older, because current outputs need it: {results}\n"));
    }
    for line in refused(report) {
        add(&mut text, format_args!("{line}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_done_is_told() {
        let nothing = GcReport { records: 2, blobs: 1, freed: 3 << 20, left: 5 << 20, ..GcReport::default() };
        assert_eq!(collection_text(&nothing), "removed 2 results and 1 blob, 3.0 MiB; 5.0 MiB left\n");
        let full = GcReport {
            left: 40 << 30,
            over: 20 << 30,
            pinned: 30 << 30,
            projects: 3,
            lapsed: 1,
            live_builds: 1,
            held_by_builds: 7,
            held_by_projects: 1,
            ..GcReport::default()
        };
        insta::assert_snapshot!(collection_text(&full), @"
        removed 0 results and 0 blobs, 0 B; 40.0 GiB left
        not seen for 30 days: 1 project, for which nothing is kept any more
        stayed because 1 running build may use it: 7 results
        stayed though older, because current outputs need it: 1 result
        the cache is 20.0 GiB over its budget: current outputs of 3 projects need 30.0 GiB, and 1 running build may use more
        ");
        let below = GcReport { below_working_set: Some(("/films/a".into(), 7 << 30)), over: 1, ..full };
        insta::assert_snapshot!(refused(&below).join("\n"), @"the cache's budget is below what one build of `/films/a` needs (7.0 GiB): that stays; give the cache more");
        assert_eq!(collection_json("cache-gc", &below)["below-working-set"]["needs"], 7_u64 << 30);
    }
}
