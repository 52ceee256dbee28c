//! Declarations as YAML. It knows no project.

use std::fmt::Write;

use reel_engine::claim::GpuClaim;
use reel_engine::quantity::Bytes;
use reel_engine::spec::{Located, NodeDecl, Written};

/// Widest value that stays on the line of its key.
const WIDTH: usize = 88;

/// A whole `nodes:` section.
pub(super) fn nodes<'a>(decls: impl Iterator<Item = &'a NodeDecl>) -> String {
    let mut out = String::from("nodes:\n");
    for decl in decls {
        line(&mut out, 1, format_args!("{}:", text(&decl.name.value)));
        line(&mut out, 2, format_args!("uses: {}", text(&decl.uses.value)));
        if !decl.with.entries().is_empty() {
            line(&mut out, 2, format_args!("with:"));
            for (key, inner) in decl.with.entries() {
                entry(&mut out, 3, &key.value, inner);
            }
        }
        if !decl.needs.is_empty() {
            let names: Vec<String> = decl.needs.iter().map(|name| text(&name.value)).collect();
            line(&mut out, 2, format_args!("needs: [{}]", names.join(", ")));
        }
        if let Some(millis) = decl.timeout {
            line(&mut out, 2, format_args!("timeout: {millis}ms"));
        }
        if let Some(resources) = &decl.resources {
            let mut parts = Vec::new();
            parts.extend(resources.cpu_milli.map(|milli| format!("cpu: {}", thousandths(milli))));
            parts.extend(resources.memory.map(|bytes| format!("memory: {bytes}B")));
            parts.extend(resources.gpu.map(gpu));
            parts.extend(resources.network.map(|network| format!("network: {network}")));
            let pools = resources.pools.iter().map(|(pool, places)| format!("{}: {places}", text(pool)));
            let pools = pools.collect::<Vec<_>>().join(", ");
            parts.extend((!pools.is_empty()).then(|| format!("pools: {{ {pools} }}")));
            line(&mut out, 2, format_args!("resources: {{ {} }}", parts.join(", ")));
        }
    }
    out
}

fn gpu(claim: GpuClaim) -> String {
    match claim {
        GpuClaim::None => "gpu: 0".to_owned(),
        GpuClaim::Whole(devices) => format!("gpu: {devices}"),
        GpuClaim::Part { memory, sessions } => {
            format!("gpu: {{ memory: {}, sessions: {sessions} }}", Bytes(memory))
        }
    }
}

fn entry(out: &mut String, depth: usize, key: &str, value: &Located) {
    let flat = flow(value);
    let key = text(key);
    if depth * 2 + key.len() + flat.len() + 2 <= WIDTH || flat.len() < 3 {
        return line(out, depth, format_args!("{key}: {flat}"));
    }
    match &value.node {
        Written::Map(entries) => {
            line(out, depth, format_args!("{key}:"));
            for (inner, value) in entries {
                entry(out, depth + 1, &inner.value, value);
            }
        }
        Written::List(items) => {
            line(out, depth, format_args!("{key}:"));
            for item in items {
                line(out, depth + 1, format_args!("- {}", flow(item)));
            }
        }
        _ => line(out, depth, format_args!("{key}: {flat}")),
    }
}

/// A value on one line.
fn flow(value: &Located) -> String {
    match &value.node {
        Written::Null | Written::Pending => "null".to_owned(),
        Written::Bool(flag) => flag.to_string(),
        Written::Number(number) => number.clone(),
        // A number of a table stays one; a text that looks like one is told by the next check.
        Written::Cell(words) if words.parse::<f64>().is_ok() => words.clone(),
        Written::Text(words) | Written::Cell(words) => text(words),
        Written::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Written::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Written::Map(entries) => {
            let parts: Vec<String> =
                entries.iter().map(|(key, inner)| format!("{}: {}", text(&key.value), flow(inner))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
    }
}

/// Text that reads back as the same text: plain where YAML can take it for nothing else, else quoted as in JSON.
fn text(words: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ');
    let safe = words.chars().all(plain)
        && words.starts_with(|c: char| c.is_ascii_alphabetic())
        && !words.ends_with([' ', '.', '-'])
        && !words.contains("  ")
        && !matches!(
            words.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
        );
    if safe { words.to_owned() } else { serde_json::Value::from(words).to_string() }
}

fn thousandths(milli: u32) -> String {
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn line(out: &mut String, depth: usize, text: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = write!(out, "{:width$}{text}", "", width = depth * 2);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use reel_engine::span::{Span, Spanned};
    use serde_json::json;

    use super::*;

    #[test]
    fn short_values_stay_on_a_line_and_long_ones_do_not() {
        let span = Span::default();
        let spanned = |value: &str| Spanned { value: value.to_owned(), span };
        let with = json!({
            "audio": "${hook.say.1.audio}",
            "style": { "font": ["DejaVu Sans"], "color": "#ffffff", "background": "#000000", "position": "bottom", "lines": 2 },
        });
        let decl = NodeDecl {
            name: spanned("hook.cues"),
            uses: spanned("cues"),
            with: Located::of_json(&with, span),
            needs: vec![spanned("a.b")],
            timeout: Some(500),
            resources: None,
            span,
        };
        insta::assert_snapshot!(nodes([&decl].into_iter()), @r##"
        nodes:
          hook.cues:
            uses: cues
            with:
              audio: "${hook.say.1.audio}"
              style:
                background: "#000000"
                color: "#ffffff"
                font: [DejaVu Sans]
                lines: 2
                position: bottom
            needs: [a.b]
            timeout: 500ms
        "##);
    }

    #[test]
    fn text_that_yaml_would_take_for_something_else_is_quoted() {
        assert_eq!(text("plain words"), "plain words");
        for words in ["", "true", "1080x1920", "a: b", "- a", "#red", "x ", "line\nbreak", "off", "0.5s"] {
            assert!(text(words).starts_with('"'), "{words}");
        }
    }
}
