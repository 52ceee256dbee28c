//! `reel cache`: figures, collection, verification, removal.

use std::collections::BTreeSet;

use reel_engine::cache::{Budget, Cache, GcReport, Stats, VerifyReport};
use reel_engine::digest::Digest;
use serde_json::{Value, json};

use crate::args::{Cache as CacheArgs, CacheAction};
use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::ui::{add, bytes, count, print, print_error, print_json, spell, table};

pub(super) fn run(call: &Invocation, args: &CacheArgs) -> Result<Exit, CommandError> {
    let cache = call.cache(call.config.temporary());
    let failed = |error: reel_engine::cache::StoreError| CommandError::failed(error.to_string());
    let exit = match args.action {
        CacheAction::Stats => {
            let stats = cache.stats().map_err(failed)?;
            say(call, &stats_json(&stats), || stats_text(&stats));
            Exit::Done
        }
        CacheAction::Gc { max_size, max_age } => {
            let pinned = pinned(call);
            let report = cache.gc(Budget { max_size, max_age }, &pinned).map_err(failed)?;
            say(call, &gc_json(&report), || gc_text(&report));
            Exit::Done
        }
        CacheAction::Clear => {
            let report = cache.clear().map_err(failed)?;
            say(call, &gc_json(&report), || gc_text(&report));
            Exit::Done
        }
        CacheAction::Verify => {
            let report = cache.verify().map_err(failed)?;
            say(call, &verify_json(&report), || verify_text(&report));
            if bad(&report) > 0 { Exit::Failed } else { Exit::Done }
        }
    };
    warnings(call, &cache);
    Ok(exit)
}

/// What the project here had the last time, if there is one: it should stay.
fn pinned(call: &Invocation) -> BTreeSet<Digest> {
    let Ok(root) = call.root() else { return BTreeSet::new() };
    let history = reel_engine::history::History::read(&root.join(reel_engine::session::STATE_FOLDER));
    history.nodes().map(|(_, past)| past.key.0).collect()
}

fn say(call: &Invocation, json: &Value, text: impl FnOnce() -> String) {
    if call.global.json {
        print_json(json);
    } else {
        print(&text());
    }
}

fn warnings(call: &Invocation, cache: &Cache) {
    for warning in cache.take_warnings() {
        if call.global.json {
            print_json(&json!({ "event": "warning", "message": warning.message }));
            continue;
        }
        let paint = call.ui.err();
        print_error(&format!("{}: {}\n", paint.warn("warning"), warning.message));
        if let Some(help) = warning.help {
            print_error(&format!("{}: {help}\n", paint.help("help")));
        }
    }
}

fn stats_text(stats: &Stats) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut kinds: Vec<_> = stats.kinds.iter().collect();
    kinds.sort_by_key(|(name, kind)| (std::cmp::Reverse(kind.bytes), *name));
    for (name, kind) in kinds {
        let took = spell(std::time::Duration::from_micros(kind.cost_micros));
        rows.push(vec![
            name.clone(),
            count(kind.records as usize, "result"),
            bytes(kind.bytes),
            format!("{took} of work"),
        ]);
    }
    let total = format!(
        "{} in {}, {} in {}",
        count(stats.records as usize, "result"),
        bytes(stats.record_bytes),
        count(stats.blobs as usize, "blob"),
        bytes(stats.blob_bytes),
    );
    format!("{}\n{}{total}\n", stats.folder.display(), table(&rows))
}

fn stats_json(stats: &Stats) -> Value {
    let kinds: Vec<Value> = stats
        .kinds
        .iter()
        .map(|(name, kind)| {
            let seconds = kind.cost_micros as f64 / 1e6;
            json!({ "kind": name, "results": kind.records, "bytes": kind.bytes, "seconds": seconds })
        })
        .collect();
    json!({
        "event": "cache-stats",
        "folder": stats.folder,
        "results": stats.records,
        "record-bytes": stats.record_bytes,
        "blobs": stats.blobs,
        "blob-bytes": stats.blob_bytes,
        "kinds": kinds,
        "first-used": stats.first_used,
        "last-used": stats.last_used,
    })
}

fn gc_text(report: &GcReport) -> String {
    let mut text = format!(
        "removed {} and {}, {}; {} left\n",
        count(report.records as usize, "result"),
        count(report.blobs as usize, "blob"),
        bytes(report.freed),
        bytes(report.left),
    );
    if report.live_builds > 0 {
        add(
            &mut text,
            format_args!("{} running: what it uses was left alone\n", count(report.live_builds, "build")),
        );
    }
    if report.below_working_set {
        add(
            &mut text,
            format_args!(
                "the budget is below what this project's last build needs ({}): its next build makes things again\n",
                bytes(report.pinned),
            ),
        );
    }
    text
}

fn gc_json(report: &GcReport) -> Value {
    json!({
        "event": "cache-gc",
        "results": report.records,
        "blobs": report.blobs,
        "freed": report.freed,
        "left": report.left,
        "pinned": report.pinned,
        "below-working-set": report.below_working_set,
        "live-builds": report.live_builds,
    })
}

const fn bad(report: &VerifyReport) -> u64 {
    report.bad_records + report.bad_blobs + report.incomplete_records
}

fn verify_text(report: &VerifyReport) -> String {
    let read = format!(
        "read {} and {}, {}",
        count(report.records as usize, "result"),
        count(report.blobs as usize, "blob"),
        bytes(report.bytes)
    );
    if bad(report) == 0 {
        return format!("{read}: all as they should be\n");
    }
    format!(
        "{read}\ndropped {}, {} and {} that were incomplete; the next build makes them again\n",
        count(report.bad_records as usize, "damaged result"),
        count(report.bad_blobs as usize, "damaged blob"),
        count(report.incomplete_records as usize, "result"),
    )
}

fn verify_json(report: &VerifyReport) -> Value {
    json!({
        "event": "cache-verify",
        "results": report.records,
        "blobs": report.blobs,
        "bytes": report.bytes,
        "damaged-results": report.bad_records,
        "damaged-blobs": report.bad_blobs,
        "incomplete-results": report.incomplete_records,
    })
}
