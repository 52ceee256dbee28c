//! `reel cache`: figures, collection, verification, removal.

use reel_engine::cache::{Cache, ProjectStats, Stats, VerifyReport};
use serde_json::{Value, json};

use crate::args::{Cache as CacheArgs, CacheAction};
use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::report::collection::{collection_json, collection_text};
use crate::ui::{bytes, count, print, print_error, print_json, spell, table};

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
            let asked = [max_size, max_age].map(Option::unwrap_or_default);
            let report = cache.gc(call.budget(asked)?).map_err(failed)?;
            say(call, &collection_json("cache-gc", &report), || collection_text(&report));
            Exit::Done
        }
        CacheAction::Clear => {
            let report = cache.clear().map_err(failed)?;
            say(call, &collection_json("cache-gc", &report), || collection_text(&report));
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
    let project = |project: &ProjectStats| {
        vec![project.folder.display().to_string(), format!("current outputs need {}", bytes(project.bytes))]
    };
    let projects: Vec<Vec<String>> = stats.projects.iter().map(project).collect();
    format!("{}\n{}{}{total}\n", stats.folder.display(), table(&rows), table(&projects))
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
    let project = |project: &ProjectStats| json!({ "folder": project.folder, "bytes": project.bytes, "seen": project.seen });
    let projects: Vec<Value> = stats.projects.iter().map(project).collect();
    json!({
        "event": "cache-stats",
        "folder": stats.folder,
        "results": stats.records,
        "record-bytes": stats.record_bytes,
        "blobs": stats.blobs,
        "blob-bytes": stats.blob_bytes,
        "kinds": kinds,
        "projects": projects,
        "first-used": stats.first_used,
        "last-used": stats.last_used,
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
