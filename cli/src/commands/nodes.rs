//! `reel nodes`: the kinds of nodes, from the same types that the schema comes from.

mod explain;
#[cfg(test)]
mod reference;

use reel_engine::diagnostic::{Diagnostic, code};
use reel_engine::operation::{Operation, Reproducible, Site};
use serde_json::{Value, json};

use crate::args::Nodes;
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Policy};
use crate::ui::{Paint, add, print, print_json, table};

pub(super) fn run(call: &Invocation, args: &Nodes) -> Result<Exit, CommandError> {
    let registry = call.registry(Policy { exec: true, ..Policy::default() });
    let paint = call.ui.out();
    let Some(name) = &args.kind else {
        if call.global.json {
            registry.kinds().for_each(|kind| print_json(&summary(kind.as_ref())));
        } else {
            let row =
                |kind: &dyn Operation| vec![paint.bold(kind.info().name), kind.info().summary.to_owned()];
            print(&table(&registry.kinds().map(|kind| row(kind.as_ref())).collect::<Vec<_>>()));
        }
        return Ok(Exit::Done);
    };
    let Some(kind) = registry.get(name) else {
        let help = match registry.nearest(name) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`reel nodes` lists them".to_owned(),
        };
        return Err(Diagnostic::general(code::UNKNOWN_KIND, format!("there is no kind `{name}`"))
            .help(help)
            .into());
    };
    if call.global.json {
        let mut line = summary(kind.as_ref());
        line["schema"] = kind.schema().clone();
        let example = explain::in_example(kind.as_ref());
        line["ports"] = example
            .iter()
            .flat_map(|example| &example.ports)
            .map(|port| json!({ "name": port.name, "type": port.ty.as_str() }))
            .collect();
        line["claim"] = example.map_or(Value::Null, |example| {
            let claim = example.claim;
            json!({ "cpu-milli": claim.cpu_milli, "memory-bytes": claim.memory, "network": claim.network })
        });
        print_json(&line);
    } else {
        print(&text(kind.as_ref(), paint));
    }
    Ok(Exit::Done)
}

fn summary(kind: &dyn Operation) -> Value {
    let info = kind.info();
    json!({
        "event": "kind",
        "kind": info.name,
        "version": info.version,
        "summary": info.summary,
        "example": info.example,
        "site": site(info.site),
        "reproducible": reproducible(info.reproducible),
        "expands": info.expands,
    })
}

const fn site(site: Site) -> &'static str {
    match site {
        Site::Inline => "in process",
        Site::Worker => "in a worker process",
    }
}

const fn reproducible(reproducible: Reproducible) -> &'static str {
    match reproducible {
        Reproducible::Exact => "the same bytes on every machine",
        Reproducible::PerArch => "the same bytes on machines of one system and architecture",
    }
}

fn text(kind: &dyn Operation, paint: Paint) -> String {
    let info = kind.info();
    let mut text = format!("{} (version {}): {}\n", paint.bold(info.name), info.version, info.summary);
    add(&mut text, format_args!("runs {}; {}", site(info.site), reproducible(info.reproducible)));
    text.push_str(if info.expands { "; makes more nodes\n" } else { "\n" });
    add(&mut text, format_args!("\n{}\n", paint.bold("with:")));
    let rows: Vec<Vec<String>> = explain::params(kind.schema())
        .into_iter()
        .map(|param| {
            let default = match param.default {
                Some(default) => format!("default {default}"),
                None if param.required => paint.warn("required"),
                None => String::new(),
            };
            vec![format!("  {}", param.name), param.ty, default, paint.dim(&param.doc)]
        })
        .collect();
    text.push_str(&if rows.is_empty() { "  nothing\n".to_owned() } else { table(&rows) });
    let example = explain::in_example(kind);
    let ports = example.as_ref().map(|example| example.ports.as_slice()).unwrap_or_default();
    if !ports.is_empty() {
        add(&mut text, format_args!("\n{}\n", paint.bold("ports, in the example:")));
        let many = |many| if many { "many, made by an expansion" } else { "" };
        let rows: Vec<Vec<String>> = ports
            .iter()
            .map(|port| {
                vec![format!("  {}", port.name), port.ty.as_str().to_owned(), many(port.many).to_owned()]
            })
            .collect();
        text.push_str(&table(&rows));
    }
    if let Some(example) = &example {
        let claim = explain::claim(&example.claim);
        add(&mut text, format_args!("\n{} {claim}\n", paint.bold("holds, in the example:")));
    }
    add(&mut text, format_args!("\n{}\n", paint.bold("example:")));
    text.push_str("  nodes:\n");
    for line in info.example.lines() {
        add(&mut text, format_args!("    {line}\n"));
    }
    text
}
