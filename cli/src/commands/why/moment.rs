//! `reel why FILM --at TIME`: what is seen and heard at a moment of a film, and why the nodes behind it are what they
//! are. It knows the film as the last builds made it.

use std::collections::BTreeSet;

use reel_engine::id::NodeId;
use reel_engine::session::Built;
use reel_nodes::moment::{Film, Role, Stretch, When};
use serde_json::{Value, json};

use super::super::films::{clock, film, seconds, stretch_json};
use super::super::names::Meant;
use super::Teller;
use crate::error::CommandError;
use crate::open::{Invocation, Loaded, Workshop};
use crate::ui::{Paint, add, count, print, print_json};

/// The letters of a text that are shown.
const LETTERS: usize = 80;

/// A frame of a film, and what is there.
struct Moment<'a> {
    film: &'a Film,
    frame: u64,
    there: Vec<&'a Stretch>,
}

pub(super) fn run(
    call: &Invocation,
    (loaded, shop): (&Loaded, &Workshop),
    (teller, meant): (&Teller<'_>, &Meant<'_>),
    (name, when): (&str, When),
) -> Result<(), CommandError> {
    let built = loaded.project.built(&loaded.registry, &shop.cache, teller.history);
    let node = match (meant.output, meant.nodes.as_slice()) {
        (Some(output), _) => output.node,
        (None, [node]) => *node,
        (None, _) => {
            let message =
                format!("`{name}` is {}, and a moment is of one film", count(meant.nodes.len(), "node"));
            return Err(CommandError::usage(message, "name one output that is a film"));
        }
    };
    let film = film(&loaded.project, &built, node, name)?;
    let frame = when.frame(film.fps);
    if frame >= film.frames {
        let message = format!(
            "`{name}` is over by then: it lasts {}, {}",
            clock(&film, film.frames),
            count(film.frames as usize, "frame")
        );
        let last = film.frames.saturating_sub(1);
        let help = format!("its last frame is `@{last}`, at {}", clock(&film, last));
        return Err(CommandError::usage(message, help));
    }
    let moment = Moment { film: &film, frame, there: film.at(frame).collect() };
    if call.global.json {
        print_json(&moment.json(&built, name, meant));
        for id in moment.nodes() {
            teller.told(call, &built.graph.node(id).name)?.iter().for_each(print_json);
        }
        return Ok(());
    }
    let mut text = moment.head(name, meant, call.ui.out());
    let mut told = BTreeSet::new();
    let mut causes = BTreeSet::new();
    for stretch in &moment.there {
        text.push_str(&moment.line(stretch, call.ui.out()));
        for id in &stretch.nodes {
            let name = &built.graph.node(*id).name;
            if !told.insert(name.clone()) {
                add(&mut text, format_args!("  {}\n", call.ui.out().dim(&format!("{name}: as above"))));
                continue;
            }
            let account = teller.one(call, name, &mut causes)?;
            account.lines().for_each(|line| add(&mut text, format_args!("  {line}\n")));
        }
    }
    print(&text);
    Ok(())
}

impl Moment<'_> {
    fn head(&self, name: &str, meant: &Meant<'_>, paint: Paint) -> String {
        let file = meant.output.map(|output| format!(" ({})", output.file)).unwrap_or_default();
        let (film, at) = (self.film, clock(self.film, self.frame));
        let (frame, frames) = (self.frame, film.frames);
        let length = clock(film, frames);
        format!(
            "{}{file} at {at} of {length}: frame {frame} of {frames}, {} a second\n",
            paint.bold(name),
            film.fps
        )
    }

    fn line(&self, stretch: &Stretch, paint: Paint) -> String {
        let words = stretch.role.as_str().replace('-', " ");
        let text = cut(&stretch.text);
        let text = match stretch.role {
            Role::Sentence | Role::Caption => format!(" “{text}”"),
            _ if text.is_empty() => String::new(),
            _ => format!(" {text}"),
        };
        let whole = stretch.start == 0 && stretch.end == self.film.frames;
        let when = format!(", {} to {}", clock(self.film, stretch.start), clock(self.film, stretch.end));
        let when = if whole { String::new() } else { paint.dim(&when) };
        format!("{}{text}{when}\n", paint.bold(&words))
    }

    /// The nodes behind it, each once.
    fn nodes(&self) -> Vec<NodeId> {
        let mut told = BTreeSet::new();
        self.there.iter().flat_map(|stretch| &stretch.nodes).copied().filter(|id| told.insert(*id)).collect()
    }

    fn json(&self, built: &Built<'_>, name: &str, meant: &Meant<'_>) -> Value {
        let (film, frame) = (self.film, self.frame);
        let there: Vec<Value> =
            self.there.iter().map(|stretch| stretch_json(film, &built.graph, stretch)).collect();
        json!({
            "event": "moment",
            "name": name,
            "file": meant.output.map(|output| &output.file),
            "frame": frame,
            "frames": film.frames,
            "fps": film.fps.to_string(),
            "at-seconds": seconds(film, frame),
            "length-seconds": seconds(film, film.frames),
            "there": there,
        })
    }
}

fn cut(text: &str) -> String {
    let text = text.replace('\n', " ");
    if text.chars().count() <= LETTERS {
        return text;
    }
    text.chars().take(LETTERS - 1).chain(['…']).collect()
}
