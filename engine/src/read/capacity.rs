//! `capacity:` from checked text: amounts that take the place of those there are. It knows no machine.

use super::nodes::{bytes, milli, number, pools};
use crate::claim::{Allowance, Gpus};
use crate::spec::{Located, Written};

/// Adds what is written to what is said already.
pub(super) fn read(written: &Located, said: &mut Allowance) {
    said.cpu_milli = written.get("cpu").and_then(milli).or(said.cpu_milli);
    said.memory = written.get("memory").and_then(bytes).or(said.memory);
    said.network = written.get("network").and_then(number).or(said.network);
    said.gpu = written.get("gpu").and_then(gpus).or(said.gpu);
    said.pools.extend(written.get("pools").map(pools).unwrap_or_default());
}

fn gpus(written: &Located) -> Option<Gpus> {
    match &written.node {
        Written::Number(text) | Written::Text(text) => text.parse().ok(),
        _ => None,
    }
}
