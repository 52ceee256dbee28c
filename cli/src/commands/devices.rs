//! `reel devices`: what there is for builds, and where each figure comes from.

use std::collections::BTreeMap;

use reel_engine::claim::{Gpu, cores};
use reel_engine::executor::toolbox::Toolbox;
use reel_nodes::media::tools::HARDWARE;
use serde_json::{Value, json};

use crate::args::{Devices, Reading};
use crate::capacity::{Found, find};
use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::ui::{bytes, print, print_json, table};

pub(super) fn run(call: &Invocation, args: &Devices) -> Result<Exit, CommandError> {
    // Outside a project, or without one, it is the machine as the user lets it be used.
    let looked = match call.root() {
        Ok(_) => Some(call.look(&Reading::default())),
        Err(error) if call.global.project.is_some() => return Err(error),
        Err(_) => None,
    };
    // What is wrong with a project may be that it asks for what is not here: this tells, and then what is wrong.
    let (loaded, wrong) = match looked {
        Some(Err(wrong)) => (None, Some(wrong)),
        Some(Ok(loaded)) => (Some(loaded), None),
        None => (None, None),
    };
    let found = find(call, loaded.as_ref().map(|loaded| &loaded.project.capacity), &args.using, true)?;
    if call.global.json {
        print_json(&for_programs(&found, &call.toolbox()));
    } else {
        let mut rows = rows(&found);
        rows.extend(encoders(&call.toolbox()));
        print(&table(&rows));
    }
    wrong.map_or(Ok(Exit::Done), Err)
}

fn for_programs(found: &Found, toolbox: &Toolbox) -> Value {
    let capacity = &found.capacity;
    let source = |name: &str| found.sources.get(name);
    let gpu = |gpu: &Gpu| json!({ "id": gpu.id, "name": gpu.name, "memory-bytes": memory(gpu), "sessions": sessions(gpu) });
    let pool =
        |(name, places): (&String, &u32)| (name.clone(), json!({ "places": places, "source": source(name) }));
    let works = offered(toolbox)
        .map(|name| json!({ "name": name, "works": true, "identity": toolbox.identity(name) }));
    let refused = toolbox.refused().map(|(name, why)| json!({ "name": name, "works": false, "why": why }));
    json!({
        "event": "devices",
        "encoders": works.chain(refused).collect::<Vec<_>>(),
        "cpu-milli": capacity.cpu_milli,
        "cpu-source": source("cpu"),
        "memory-bytes": capacity.memory,
        "memory-source": source("memory"),
        "network": capacity.network,
        "network-source": source("network"),
        "gpus": capacity.gpus.iter().map(gpu).collect::<Vec<_>>(),
        "gpu-source": source("gpu"),
        "pools": capacity.pools.iter().map(pool).collect::<serde_json::Map<_, _>>(),
    })
}

fn rows(found: &Found) -> Vec<Vec<String>> {
    let capacity = &found.capacity;
    let row = |what: &str, amount: String, name: &str| {
        vec![what.to_owned(), amount, found.sources.get(name).cloned().unwrap_or_default()]
    };
    let mut rows = vec![
        row("cpu", cores(capacity.cpu_milli), "cpu"),
        row("memory", bytes(capacity.memory), "memory"),
        row("network", format!("{} transfers at once", capacity.network), "network"),
    ];
    if capacity.gpus.is_empty() {
        rows.push(row("gpu", "none".to_owned(), "gpu"));
    }
    rows.extend(capacity.gpus.iter().map(|gpu| row(&format!("gpu {}", gpu.id), device(gpu), "gpu")));
    let pools = capacity.pools.iter();
    rows.extend(pools.map(|(name, places)| row(&format!("pool {name}"), places.to_string(), name)));
    rows
}

/// Names of encoders that have encoded a frame.
fn offered(toolbox: &Toolbox) -> impl Iterator<Item = &str> {
    toolbox.offers(HARDWARE).unwrap_or_default().iter().map(String::as_str)
}

/// A row for each encoder in a graphics device that works, and one for all that do not for one reason.
fn encoders(toolbox: &Toolbox) -> Vec<Vec<String>> {
    let works = offered(toolbox).map(|name| {
        let identity = toolbox.identity(name).unwrap_or_default();
        vec![format!("encoder {name}"), "works".to_owned(), identity.to_owned()]
    });
    let mut rows: Vec<Vec<String>> = works.collect();
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, why) in toolbox.refused() {
        reasons.entry(why).or_default().push(name);
    }
    let refused = reasons.into_iter().map(|(why, names)| {
        let what = match names.as_slice() {
            [name] => format!("encoder {name}"),
            names => format!("{} encoders", names.len()),
        };
        vec![what, "no".to_owned(), why.to_owned()]
    });
    rows.extend(refused);
    rows
}

fn device(gpu: &Gpu) -> String {
    let memory = memory(gpu).map_or_else(|| "memory not known".to_owned(), bytes);
    match sessions(gpu) {
        None => format!("{}, {memory}", gpu.name),
        Some(0) => format!("{}, {memory}, no encoder", gpu.name),
        Some(sessions) => format!("{}, {memory}, {sessions} encoder sessions", gpu.name),
    }
}

/// Bytes, if anybody told them.
fn memory(gpu: &Gpu) -> Option<u64> {
    Some(gpu.memory).filter(|memory| *memory != u64::MAX)
}

/// Encoder sessions, if anybody told them.
fn sessions(gpu: &Gpu) -> Option<u32> {
    Some(gpu.sessions).filter(|sessions| *sessions != u32::MAX)
}
