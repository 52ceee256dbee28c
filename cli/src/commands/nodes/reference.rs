//! `docs/kinds.md` is what `reel nodes KIND` says of every kind; this writes it, and compares. It knows no kind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use reel_engine::operation::{Operation, Registry, Resolved};
use reel_nodes::{Host, registry};

use super::{explain, reproducible, site};
use crate::ui::add;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/kinds.md");

const HEAD: &str = "# Kinds of nodes

What stands behind `uses:`. [Scenes](file-format.md#scenes) become nodes of these kinds, and `reel expand` prints which;
[nodes](file-format.md#nodes) of your own may use them, too. `reel nodes KIND` says the same as this page, which is made
by a test: `REEL_UPDATE=1 cargo test -p reel reference` writes it anew.

A parameter whose type is `audio`, `image`, `video`, `words`, `captions`, `json`, `text` or `file` is an
[input](file-format.md#values). Ports, and what an action holds while it runs, are those of the example; `resources:`
changes the latter. The version and the named tools are in the key of each node of the kind: when one of them changes,
these nodes run again.
";

/// All kinds, on a machine that has what their examples name.
fn kinds(tools: &Path) -> Registry {
    for tool in ["python3", "sh"] {
        fs::write(tools.join(tool), "#!/bin/sh\n").unwrap();
        fs::set_permissions(tools.join(tool), fs::Permissions::from_mode(0o755)).unwrap();
    }
    registry(Host {
        allow_exec: true,
        path: vec![tools.to_owned()],
        font_dirs: ["/usr/share/fonts", "/usr/local/share/fonts"].map(Into::into).to_vec(),
        ..Host::default()
    })
}

fn page() -> String {
    let tools = tempfile::tempdir().unwrap();
    let registry = kinds(tools.path());
    let mut text = format!("{HEAD}\n| kind | what it does |\n|---|---|\n");
    for kind in registry.kinds() {
        let info = kind.info();
        add(&mut text, format_args!("| [`{0}`](#{0}) | {1} |\n", info.name, info.summary));
    }
    registry.kinds().for_each(|kind| section(kind.as_ref(), &mut text));
    text
}

fn section(kind: &dyn Operation, text: &mut String) {
    let info = kind.info();
    let example = explain::in_example(kind);
    let example = example.unwrap_or_else(|| panic!("the example of `{}` needs what is not here", info.name));
    add(text, format_args!("\n## `{}`\n\nIt {}. ", info.name, info.summary));
    let more = if info.expands { "; makes more nodes" } else { "" };
    add(
        text,
        format_args!(
            "Version {}; runs {}{more}; makes {}.\n",
            info.version,
            site(info.site),
            reproducible(info.reproducible)
        ),
    );
    add(text, format_args!("It holds {}.{}\n", explain::claim(&example.claim), tools(&example)));
    let params = explain::params(kind.schema());
    if !params.is_empty() {
        text.push_str("\n| parameter | type | default | |\n|---|---|---|---|\n");
    }
    for param in params {
        let default = match param.default {
            Some(default) => format!("`{default}`"),
            None if param.required => "required".to_owned(),
            None => String::new(),
        };
        let cells = [format!("`{}`", param.name), param.ty, default, param.doc];
        let cells = cells.map(|cell| cell.replace('|', "\\|").replace('<', "&lt;"));
        add(text, format_args!("| {} |\n", cells.join(" | ")));
    }
    text.push_str("\n| port | type |\n|---|---|\n");
    for port in &example.ports {
        let many = if port.many { ", many, made by an expansion" } else { "" };
        add(text, format_args!("| `{}` | {}{many} |\n", port.name, port.ty));
    }
    text.push_str("\n```yaml example\nnodes:\n");
    for line in info.example.lines() {
        add(text, format_args!("  {line}\n"));
    }
    text.push_str("```\n");
}

fn tools(example: &Resolved) -> String {
    let names: Vec<String> = example.tools.iter().map(|tool| format!("`{tool}`")).collect();
    if names.is_empty() { String::new() } else { format!(" In its key: {}.", names.join(", ")) }
}

#[test]
fn the_reference_of_kinds_is_what_they_say() {
    let page = page();
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the test")]
    let update = std::env::var_os("REEL_UPDATE").is_some();
    if update {
        fs::write(FILE, &page).unwrap();
    }
    let written = fs::read_to_string(FILE).unwrap_or_default();
    assert!(written == page, "docs/kinds.md is not what kinds say: run this test with REEL_UPDATE=1");
}
