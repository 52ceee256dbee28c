//! The workloads of benches, as text and values. They measure nothing.
//!
//! `benches/stages.rs` asks how long each stage of the engine takes, at three sizes, so that growth shows;
//! `benches/makespan.rs` how near the order of actions comes to the best; `peers/film.py` makes whole films and the
//! same by a hand-written script; `runs/` keeps results by date.

pub mod layered;

/// A project of `nodes` nodes of the cheapest kind, in the shape of a film: for each scene two sentences, what
/// comes of them, and three that take it; for every 20 scenes one that takes all.
#[must_use]
pub fn film_shaped(nodes: usize) -> String {
    let mut lines = vec!["version: 1".to_owned(), "name: bench".to_owned(), "nodes:".to_owned()];
    let mut made = 0;
    let mut scene = 0;
    let mut waiting = Vec::new();
    while made < nodes {
        for sentence in 0..2 {
            lines.push(format!(
                "  s{scene}-{sentence}: {{ uses: text, with: {{ parts: [\"sentence {sentence} of {scene}\"] }} }}"
            ));
        }
        lines.push(format!(
            "  t{scene}: {{ uses: text, with: {{ parts: [\"${{s{scene}-0.text}}\", \"${{s{scene}-1.text}}\"] }} }}"
        ));
        for segment in 0..3 {
            lines.push(format!(
                "  e{scene}-{segment}: {{ uses: text, with: {{ parts: [\"segment {segment} \", \"${{t{scene}.text}}\"] }} }}"
            ));
            waiting.push(format!("\"${{e{scene}-{segment}.text}}\""));
        }
        made += 6;
        scene += 1;
        if scene % 20 == 0 || made >= nodes {
            lines.push(format!("  m{scene}: {{ uses: text, with: {{ parts: [{}] }} }}", waiting.join(", ")));
            waiting.clear();
            made += 1;
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_has_as_many_nodes_as_asked_for() {
        for asked in [7, 100, 1000] {
            let text = film_shaped(asked);
            let nodes = text.lines().filter(|line| line.contains("uses: text")).count();
            assert!((asked..asked + 8).contains(&nodes), "{asked}: {nodes}");
        }
    }
}
