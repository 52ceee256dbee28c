//! `reel graph`: the graph as a picture, in the language of whoever draws it, with what is known of states, reasons
//! and costs.

mod strip;

use std::fs;

use reel_engine::explain::{Explainer, Origins};
use reel_engine::graph::draw::{self, By, Expected, Mark, Marks, Picture};
use reel_engine::history::{Came, History};
use reel_engine::schedule::foresee::{Forecast, Foresight};

use serde_json::{Value, json};

use super::names::{brief, foresee, texts};
use super::phrase::Phrases;
use crate::args::{Graph, GraphFormat, Group, Reading};
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Loaded, Workshop};
use crate::ui::{print, print_json};

/// With more nodes than this, drawings that people look at show groups, unless they ask for nodes.
const READABLE: usize = 150;
/// Nodes of a way to a cause that are shown.
const LONG: usize = 4;

pub(super) fn run(call: &Invocation, args: &Graph) -> Result<Exit, CommandError> {
    if args.schema {
        let schema = Picture::schema();
        if call.global.json {
            print_json(&json!({ "event": "schema", "schema": schema }));
        } else {
            print(&format!("{schema:#}\n"));
        }
        return Ok(Exit::Done);
    }
    let format = if call.global.json { GraphFormat::Json } else { args.format };
    if args.film_strip && matches!(format, GraphFormat::Dot | GraphFormat::Mermaid) {
        let help = "ask for `--format svg` or `--format html`";
        return Err(CommandError::usage("only drawings have a strip of the film", help));
    }
    let loaded = call.look(&args.reading)?;
    let shop = Workshop::open(call, &loaded)?;
    let mut picture = drawn(&loaded, &shop, &args.targets)?;
    if let Some(file) = &args.diff {
        let path = call.config.here.join(file);
        let old = fs::read(&path).map_err(|error| error.to_string());
        let old = old.and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()));
        let old: Picture = old.map_err(|why| {
            let message = format!("cannot read `{}` as a graph: {why}", file.display());
            CommandError::usage(message, "`reel graph --format json > FILE` writes one")
        })?;
        picture = picture.since(&old);
    }
    if let Some(name) = &args.focus {
        picture = picture.focus(name, args.depth).map_err(|wrong| {
            CommandError::usage(
                format!("no node or group in the graph is called `{}`", wrong.0),
                "`reel plan --all` lists nodes",
            )
        })?;
    }
    picture = match args.group {
        Some(Group::Scene) => picture.grouped(By::Scene),
        Some(Group::Kind) => picture.grouped(By::Kind),
        None if matches!(format, GraphFormat::Svg | GraphFormat::Html) => readable(picture),
        Some(Group::None) | None => picture,
    };
    if args.film_strip {
        picture.strip = Some(strip::strip(call, &loaded, &shop, &args.targets)?);
    }
    if call.global.json {
        print_json(&event(&picture)?);
        return Ok(Exit::Done);
    }
    print(&match format {
        GraphFormat::Dot => draw::dot(&picture),
        GraphFormat::Mermaid => draw::mermaid(&picture),
        GraphFormat::Svg => draw::svg(&picture),
        GraphFormat::Html => draw::html(&picture).map_err(|error| unwritten(&error))?,
        GraphFormat::Json => {
            format!("{}\n", serde_json::to_string(&picture).map_err(|error| unwritten(&error))?)
        }
    });
    Ok(Exit::Done)
}

/// The picture as an event of the stream that `--json` asks for.
fn event(picture: &Picture) -> Result<Value, CommandError> {
    let mut value = serde_json::to_value(picture).map_err(|error| unwritten(&error))?;
    value["event"] = "graph".into();
    Ok(value)
}

/// The picture as one page.
pub(super) fn page(picture: &Picture) -> Result<String, CommandError> {
    draw::html(&readable(picture.clone())).map_err(|error| unwritten(&error))
}

/// The picture, drawn, and as data: every node, and the names of what is drawn in its place where there are many.
pub(super) fn drawing(picture: Picture) -> Result<(String, String), CommandError> {
    let mut data = serde_json::to_value(&picture).map_err(|error| unwritten(&error))?;
    let drawn = readable(picture);
    data["drawn"] = drawn.nodes.iter().map(|node| node.name.as_str()).collect();
    Ok((draw::svg(&drawn), data.to_string()))
}

/// In groups, if there are too many nodes to be looked at: by scene, and where that leaves too many, by kind.
fn readable(picture: Picture) -> Picture {
    if picture.nodes.len() <= READABLE {
        return picture;
    }
    let scenes = picture.clone().grouped(By::Scene);
    if scenes.nodes.len() > READABLE { picture.grouped(By::Kind) } else { scenes }
}

fn unwritten(error: &serde_json::Error) -> CommandError {
    CommandError::failed(format!("cannot write the graph: {error}"))
}

/// The graph behind targets, as it is drawn.
pub(super) fn picture(
    call: &Invocation,
    reading: &Reading,
    targets: &[String],
) -> Result<Picture, CommandError> {
    let loaded = call.look(reading)?;
    let shop = Workshop::open(call, &loaded)?;
    drawn(&loaded, &shop, targets)
}

fn drawn(loaded: &Loaded, shop: &Workshop, targets: &[String]) -> Result<Picture, CommandError> {
    let seen = foresee(loaded, shop, targets)?;
    let history = loaded.project.history();
    let marks = marks(loaded, &seen, &history);
    let expected: Vec<Expected> = seen
        .expected
        .iter()
        .map(|node| Expected {
            name: node.name.clone(),
            kind: node.kind.clone(),
            maker: node.maker.clone(),
            cost: node.cost,
        })
        .collect();
    Ok(Picture::new(Some(&loaded.project.name), &seen.graph, &marks).expecting(expected.iter()))
}

fn marks(loaded: &Loaded, seen: &Foresight, history: &History) -> Marks {
    let texts = texts(&loaded.project, seen);
    let phrases = Phrases { project: &loaded.project, seen, texts: &texts };
    let origins = Explainer::new(seen, history).origins();
    let mark = |forecast: &Forecast| {
        let name = &seen.graph.node(forecast.node).name;
        let past = history.past(name);
        let key = forecast.key;
        Mark {
            state: Some(forecast.standing.as_str()),
            cost: history.cost(name),
            bytes: seen.results.get(forecast.node).map(|result| result.bytes()),
            reasons: reasons(&phrases, &origins, forecast),
            key: key.or_else(|| past.map(|past| past.key)).map(|key| key.to_string()),
            came: past.map(|past| match past.came {
                Came::Found => "found",
                Came::Ran | Came::RanAgain => "ran",
            }),
        }
    };
    seen.forecasts.values().map(|forecast| (forecast.node, mark(forecast))).collect()
}

fn reasons(phrases: &Phrases<'_>, origins: &Origins, forecast: &Forecast) -> Vec<String> {
    if let Some(fault) = &forecast.fault {
        return vec![fault.clone()];
    }
    let own: Vec<String> =
        phrases.sorted(&forecast.reasons).iter().map(|reason| brief(reason, phrases.texts)).collect();
    match (own.is_empty(), origins.of(forecast.node)) {
        (true, Some((chain, first))) if chain.len() > 1 => {
            vec![format!("because of {}", phrases.chain(&chain[1..], first, LONG))]
        }
        (true, Some((_, first))) => vec![phrases.first(first)],
        _ => own,
    }
}
