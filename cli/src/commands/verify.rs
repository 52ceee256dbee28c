//! `reel verify`: what is not as the last build recorded it. It mends nothing.

use reel_engine::id::NodeId;
use reel_engine::key::Reason;
use reel_engine::session::{Difference, Project, STATE_FOLDER, Verified};
use serde_json::{Value, json};

use super::names::{change_line, targets, warn};
use crate::args::Verify;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Workshop};
use crate::texts::{Shown, Texts};
use crate::ui::{Paint, add, bytes, count, print, print_json};

/// Changes in a key that are shown without asking for more.
const SHOWN: usize = 6;

pub(super) fn run(call: &Invocation, args: &Verify) -> Result<Exit, CommandError> {
    let loaded = call.look(&args.reading)?;
    let project = &loaded.project;
    warn(call, project);
    let (mut nodes, outputs) = targets(project, &args.targets)?;
    nodes.extend(makers(project, &args.targets));
    let shop = Workshop::open_aside(call, &loaded)?;
    let verified = project.verify(&shop.equipment(&loaded.registry), (&nodes, &outputs))?;
    let texts = Texts::read(&project.root.join(STATE_FOLDER), &project.graph);
    if call.global.json {
        verified.differences.iter().for_each(|difference| print_json(&json(difference, &texts)));
        print_json(&sums(&verified));
    } else {
        let (paint, whole) = (call.ui.out(), call.global.verbose);
        verified.differences.iter().for_each(|it| print(&text(it, &texts, paint, whole)));
        print(&last(&verified, paint));
    }
    Ok(if verified.differences.is_empty() { Exit::Done } else { Exit::Failed })
}

/// The nodes that make what is asked for by a name that only an expansion gives.
fn makers(project: &Project, names: &[String]) -> Vec<NodeId> {
    project.later(names).iter().flat_map(|name| project.graph.makers(name)).collect()
}

fn text(difference: &Difference, texts: &Texts, paint: Paint, whole: bool) -> String {
    let head = |word: &str, name: &str, kind: &str| {
        format!("{}  {}  ({kind})", paint.bad(&format!("{word:7}")), paint.bold(name))
    };
    match difference {
        Difference::Output { name, file, made, found: Some(found) } => {
            let (head, found, made) =
                (head("other", file, &format!("output {name}")), found.short(), made.short());
            format!("{head}  it is {found}, and {made} was made\n")
        }
        Difference::Output { name, file, .. } => {
            format!("{}\n", head("absent", file, &format!("output {name}")))
        }
        Difference::Node { node, kind, message } => format!("{}  {message}\n", head("unknown", node, kind)),
        Difference::Bytes { node, kind, port, missing } => {
            let (word, what) = if *missing { ("gone", "gone from") } else { ("damaged", "damaged in") };
            format!("{}  the bytes of `{port}` are {what} the cache\n", head(word, node, kind))
        }
        Difference::Key { node, kind, reasons } => {
            let mut text = format!("{}\n", head("changed", node, kind));
            let limit = if whole { usize::MAX } else { SHOWN };
            for reason in reasons.iter().take(limit) {
                add(
                    &mut text,
                    format_args!("         {}\n", change_line(reason, shown(reason, texts).as_ref())),
                );
            }
            if reasons.len() > limit {
                let rest = format!("and {} more; --verbose lists them", reasons.len() - limit);
                add(&mut text, format_args!("         {}\n", paint.dim(&rest)));
            }
            text
        }
    }
}

/// The texts behind the two digests of a change, where both are known.
fn shown(reason: &Reason, texts: &Texts) -> Option<Shown> {
    let known = || texts.shown(reason.old.as_deref(), reason.new.as_deref());
    reason.is_digest().then(known).flatten()
}

fn last(verified: &Verified, paint: Paint) -> String {
    let Verified { outputs, nodes, files, artifacts, bytes: size, differences } = verified;
    let looked = format!(
        "looked at {}, {}, {} and {}, {}",
        count(*outputs, "output"),
        count(*nodes, "node"),
        count(*files, "file"),
        count(*artifacts, "artifact"),
        bytes(*size),
    );
    match differences.len() {
        0 => format!("{looked}: all as recorded\n"),
        number => {
            let help = "`reel build` makes what changed or is not there; for what is damaged, first `reel cache verify`, which drops it";
            format!("{looked}: {}\n{}: {help}\n", count(number, "difference"), paint.help("help"))
        }
    }
}

fn json(difference: &Difference, texts: &Texts) -> Value {
    let change = |reason: &Reason| change_line(reason, shown(reason, texts).as_ref());
    match difference {
        Difference::Output { name, file, made, found } => json!({
            "event": "output-differs", "output": name, "file": file, "made": made, "found": found,
        }),
        Difference::Node { node, kind, message } => {
            json!({ "event": "node-unknown", "node": node, "kind": kind, "message": message })
        }
        Difference::Bytes { node, kind, port, missing } => json!({
            "event": "bytes-differ", "node": node, "kind": kind, "port": port, "missing": missing,
        }),
        Difference::Key { node, kind, reasons } => {
            let changes: Vec<String> = reasons.iter().map(change).collect();
            json!({ "event": "key-differs", "node": node, "kind": kind, "changes": changes })
        }
    }
}

fn sums(verified: &Verified) -> Value {
    json!({
        "event": "verified",
        "outputs": verified.outputs,
        "nodes": verified.nodes,
        "files": verified.files,
        "artifacts": verified.artifacts,
        "bytes": verified.bytes,
        "differences": verified.differences.len(),
    })
}
