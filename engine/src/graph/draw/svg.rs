//! A picture as SVG: lanes, boxes, lines, a head that counts. It decides on no place; light and dark follow the reader.

use std::collections::BTreeMap;

use super::layout::{HEAD, HEIGHT, Layout, MARGIN, PAD, Point, WIDTH, layout};
use super::markup::{cut, escaped, put};
use super::strip::Drawing;
use super::{Change, Drawn, Picture, spell, spell_bytes};

/// Letters of a name that fit into a box.
const LETTERS: usize = 21;
/// Letters of the line beneath it.
const SMALL_LETTERS: usize = 25;

const STYLE: &str = include_str!("svg.css");

/// States, in the order in which the head counts them.
const STATES: [&str; 7] = ["fresh", "cached", "new", "stale", "missing", "waiting", "blocked"];

/// Draws a picture.
#[must_use]
pub fn svg(picture: &Picture) -> String {
    let layout = layout(picture);
    let strip = picture.strip.as_ref().map(|strip| Drawing::of(strip, layout.width));
    let below = strip.as_ref().map_or(0.0, |strip| strip.height);
    let width = strip.as_ref().map_or(layout.width, |strip| strip.width.max(layout.width)).ceil();
    let height = (layout.height + below).ceil();
    let mut out = String::new();
    put(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">\n<style>\n{STYLE}</style>\n\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n",
            escaped(&title(picture))
        ),
    );
    head(&mut out, picture);
    if let Some(strip) = strip {
        out.push_str(&strip.svg);
        put(&mut out, format_args!("<g id=\"graph\" transform=\"translate(0 {below:.1})\">\n"));
    } else {
        out.push_str("<g id=\"graph\">\n");
    }
    for lane in &layout.lanes {
        put(
            &mut out,
            format_args!(
                "<rect class=\"lane\" x=\"{MARGIN}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"10\"/>\n",
                lane.top,
                layout.width.ceil() - 2.0 * MARGIN,
                lane.height
            ),
        );
        if let Some(name) = &lane.name {
            let (x, y) = (MARGIN + PAD, lane.top + 19.0);
            put(
                &mut out,
                format_args!("<text class=\"group\" x=\"{x}\" y=\"{y:.1}\">{}</text>\n", escaped(name)),
            );
        }
    }
    lines(&mut out, picture, &layout);
    for index in 0..picture.nodes.len() {
        boxed(&mut out, picture, index, &layout);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// What the whole picture is.
fn title(picture: &Picture) -> String {
    let count = |word: &str, count: usize| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let nodes: usize = picture.nodes.iter().map(|node| node.members.unwrap_or(1)).sum();
    let mut title = picture.project.clone().unwrap_or_else(|| "graph".to_owned());
    put(&mut title, format_args!(": {}", count("node", nodes)));
    if nodes != picture.nodes.len() {
        put(&mut title, format_args!(" in {}", count("group", picture.nodes.len())));
    }
    title
}

/// Name, how many there are of each state, how long the critical path is.
fn head(out: &mut String, picture: &Picture) {
    let base = MARGIN + 20.0;
    put(
        out,
        format_args!(
            "<text class=\"title\" x=\"{MARGIN}\" y=\"{base}\">{}</text>\n",
            escaped(&title(picture))
        ),
    );
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &picture.nodes {
        let word = node.change.map(Change::as_str).or(node.state.as_deref());
        if let Some(word) = word {
            *counts.entry(word).or_default() += 1;
        }
    }
    let (mut x, y) = (MARGIN, HEAD - 12.0);
    for word in STATES.into_iter().chain(["added", "changed", "removed"]) {
        let Some(count) = counts.get(word) else { continue };
        let text = format!("{count} {word}");
        put(
            out,
            format_args!(
                "<rect class=\"mark {word}\" x=\"{x}\" y=\"{}\" width=\"10\" height=\"10\" rx=\"3\"/>\
                 <text class=\"small\" x=\"{}\" y=\"{y}\">{text}</text>\n",
                y - 9.0,
                x + 15.0
            ),
        );
        x += 15.0 + text.len() as f64 * 6.6 + 18.0;
    }
    if !picture.critical_path.is_empty() {
        let text = format!("critical path {}", spell(picture.critical_seconds));
        put(
            out,
            format_args!(
                "<line class=\"line critical\" x1=\"{x}\" y1=\"{0}\" x2=\"{1}\" y2=\"{0}\"/>\
                 <text class=\"small\" x=\"{2}\" y=\"{y}\">{text}</text>\n",
                y - 4.0,
                x + 18.0,
                x + 24.0
            ),
        );
    }
}

fn lines(out: &mut String, picture: &Picture, layout: &Layout) {
    let is_critical = |from: usize, to: usize| {
        picture
            .critical_path
            .windows(2)
            .any(|pair| pair[0] == picture.nodes[from].name && pair[1] == picture.nodes[to].name)
    };
    let gone = |node: usize| picture.nodes[node].change == Some(Change::Removed);
    let critical: Vec<bool> = layout.lines.iter().map(|((from, to), _)| is_critical(*from, *to)).collect();
    // What matters most lies on top.
    for pass in [false, true] {
        for (((from, to), points), critical) in layout.lines.iter().zip(&critical) {
            if *critical != pass {
                continue;
            }
            let class = match (critical, gone(*from) || gone(*to)) {
                (true, _) => " critical",
                (_, true) => " gone",
                _ => "",
            };
            put(
                out,
                format_args!(
                    "<path class=\"line{class}\" data-from=\"{from}\" data-to=\"{to}\" d=\"{}\"/>\n",
                    curve(points)
                ),
            );
        }
    }
}

/// Straight along lanes, bent in the gaps between columns.
fn curve(points: &[Point]) -> String {
    let mut path = format!("M{:.1} {:.1}", points[0].0, points[0].1);
    for pair in points.windows(2) {
        let ((x, y), (to_x, to_y)) = (pair[0], pair[1]);
        let bend = ((to_x - x) / 2.0).max(18.0);
        if (y - to_y).abs() < 0.5 && to_x > x {
            put(&mut path, format_args!("H{to_x:.1}"));
        } else {
            put(
                &mut path,
                format_args!("C{:.1} {y:.1} {:.1} {to_y:.1} {to_x:.1} {to_y:.1}", x + bend, to_x - bend),
            );
        }
    }
    path
}

fn boxed(out: &mut String, picture: &Picture, index: usize, layout: &Layout) {
    let (node, (x, y)) = (&picture.nodes[index], layout.nodes[index]);
    let state = node.change.map(Change::as_str).or(node.state.as_deref()).unwrap_or("plain");
    let critical = if picture.is_critical(&node.name) { " critical" } else { "" };
    let stack = if node.members.is_some() { " stack" } else { "" };
    put(
        out,
        format_args!(
            "<g class=\"node {state}{critical}{stack}\" data-node=\"{index}\" transform=\"translate({x:.1} {y:.1})\">\
             <title>{}</title>",
            escaped(&about(node))
        ),
    );
    if node.members.is_some() {
        put(
            out,
            format_args!(
                "<rect class=\"box\" x=\"4\" y=\"4\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"7\"/>"
            ),
        );
    }
    let lane = node.group.as_deref().filter(|_| layout.named[index]);
    let own = lane.and_then(|group| node.name.strip_prefix(group));
    let own = own.map(|name| name.trim_start_matches('.')).filter(|name| !name.is_empty());
    put(
        out,
        format_args!(
            "<rect class=\"box\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"7\"/>\
             <rect class=\"mark {state}\" x=\"6\" y=\"7\" width=\"4\" height=\"{}\" rx=\"2\"/>\
             <text class=\"name\" x=\"18\" y=\"17\">{}</text><text class=\"small\" x=\"18\" y=\"32\">{}</text></g>\n",
            HEIGHT - 14.0,
            escaped(&cut(own.unwrap_or(&node.name), LETTERS)),
            escaped(&cut(&second(node), SMALL_LETTERS))
        ),
    );
}

/// The line beneath a name: kind, how it stands, what it took.
fn second(node: &Drawn) -> String {
    let mut parts = vec![node.kind.clone()];
    match (node.change, node.state.as_deref()) {
        (Some(change), _) => parts.push(change.as_str().to_owned()),
        (None, Some(state)) if state != "fresh" => parts.push(state.to_owned()),
        _ => {}
    }
    parts.extend(node.seconds.map(spell).filter(|time| !time.is_empty()));
    parts.join(" · ")
}

/// Everything that is known of a node, for whoever points at it.
fn about(node: &Drawn) -> String {
    let mut lines = vec![format!("{} ({})", node.name, node.kind)];
    lines.extend(node.state.clone());
    lines.extend(node.seconds.map(spell).filter(|time| !time.is_empty()).map(|time| format!("took {time}")));
    lines.extend(node.bytes.map(|bytes| format!("{} made", spell_bytes(bytes))));
    lines.extend(node.reasons.iter().take(4).cloned());
    lines.join("\n")
}
