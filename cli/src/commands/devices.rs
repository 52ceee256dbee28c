//! `reel devices`: what there is for builds, and where each figure comes from.

use reel_engine::machine::Machine;
use serde_json::json;

use crate::error::{CommandError, Exit};
use crate::open::Invocation;
use crate::ui::{bytes, print, print_json, table};

pub(super) fn run(call: &Invocation) -> Result<Exit, CommandError> {
    let machine = Machine::detect();
    let capacity = &machine.capacity;
    if call.global.json {
        let line = json!({
            "event": "devices",
            "cpu-milli": capacity.cpu_milli,
            "cpu-source": machine.cpu_source,
            "memory-bytes": capacity.memory,
            "memory-source": machine.memory_source,
            "network": capacity.network,
            "gpus": capacity.gpus,
        });
        print_json(&line);
        return Ok(Exit::Done);
    }
    let cores = format!("{}.{:02} cores", capacity.cpu_milli / 1000, capacity.cpu_milli % 1000 / 10);
    let cores = cores.replace(".00", "");
    let row = |what: &str, amount: String, from: &str| vec![what.to_owned(), amount, from.to_owned()];
    let rows = vec![
        row("cpu", cores, &machine.cpu_source),
        row("memory", bytes(capacity.memory), &machine.memory_source),
        row("network", format!("{} transfers at once", capacity.network), "fixed"),
        row("gpu", capacity.gpus.to_string(), "no kind of node uses one yet"),
    ];
    print(&table(&rows));
    Ok(Exit::Done)
}
