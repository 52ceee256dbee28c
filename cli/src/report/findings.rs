//! The words for what a build found out about its nodes: files that did not rest, what was used and is in no
//! key, bytes that are not the same twice. It counts nothing.

use std::collections::BTreeSet;

use reel_engine::event::{Difference, Made, NodeInfo};
use reel_engine::operation::{How, Use};

use super::summary::Manner;
use crate::ui::{add, bytes};

/// Files changed while a node read them.
pub(crate) fn changed(manner: &Manner, node: &NodeInfo, files: &[String], again: bool) -> String {
    let name = &node.name;
    let what = match files {
        [file] => format!("`{file}` changed while `{name}` read it"),
        files => format!("{} changed while `{name}` read them", ticked(files)),
    };
    let then = if again { format!("; `{name}` runs again") } else { String::new() };
    format!("{}: {what}{then}\n", manner.paint.warn("warning"))
}

/// An action that was lost and runs again.
pub(crate) fn restarted(manner: &Manner, node: &NodeInfo, reason: &str) -> String {
    format!("{}: `{}` runs again: {reason}\n", manner.paint.warn("warning"), node.name)
}

/// Names in backticks.
pub(crate) fn ticked(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What a node used and did not declare, and how to declare it.
pub(crate) fn used(manner: &Manner, node: &NodeInfo, used: &[Use]) -> String {
    let paint = manner.paint;
    let mut text = format!("{}  {}  ({})\n", paint.bad("FOUND"), paint.bold(&node.name), node.kind);
    for Use { name, how } in used {
        add(&mut text, format_args!("      used but not declared: {name} ({})\n", how.words()));
    }
    let helps: BTreeSet<&str> = used.iter().map(|used| help(used.how)).collect();
    for help in helps {
        add(&mut text, format_args!("      {}: {help}\n", paint.help("help")));
    }
    text
}

const fn help(how: How) -> &'static str {
    match how {
        How::Read | How::LookedAt | How::Refused => {
            "copy the file into the project, name it under `in:`, and read it from `$in`"
        }
        How::Listed => "name the files that are wanted under `in:`: what a folder holds is in no key",
        How::Written => "write to `$out`, or to `$TMPDIR` what is not wanted afterwards",
        How::Started => "name the program under `tools:`",
        How::Variable => "name the variable under `env:`",
        How::Unwatched => "what such a program reads is not seen: look at it yourself",
    }
}

/// Where a node made other bytes than those that are recorded.
pub(crate) fn differences(manner: &Manner, node: &NodeInfo, differences: &[Difference]) -> String {
    let paint = manner.paint;
    let mut text = format!("{}  {}  ({})\n", paint.bad("DIFFERS"), paint.bold(&node.name), node.kind);
    for difference in differences {
        add(&mut text, format_args!("      {}\n", one(difference)));
    }
    text
}

fn one(difference: &Difference) -> String {
    let what = match &difference.port {
        Some(port) => format!("port `{port}`"),
        None => "the nodes that it makes".to_owned(),
    };
    let size = |made: &Made| bytes(made.size);
    match (&difference.recorded, &difference.again) {
        (Some(first), Some(second)) => {
            let sizes = if first.size == second.size {
                format!("of {}", size(first))
            } else {
                format!("{} once, {} the other time", size(first), size(second))
            };
            let at = difference.offset.map_or_else(String::new, |at| format!(" from byte {at} on,"));
            format!(
                "{what} is not the same twice:{at} {sizes} ({} and {})",
                first.digest.short(),
                second.digest.short()
            )
        }
        (Some(first), None) => format!("{what} was made once ({}), and not the other time", size(first)),
        (None, Some(second)) => format!("{what} was not made once, and the other time is {}", size(second)),
        (None, None) => format!("{what} is not the same twice"),
    }
}
