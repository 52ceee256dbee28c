//! What the page of `--ui` is told of the project: its graph, its films, and all that is known of a node. It serves
//! nothing.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reel_engine::cache::Unready;
use reel_engine::graph::{Feed, Graph};
use reel_engine::history::History;
use reel_engine::id::NodeId;
use reel_engine::schedule::foresee::Foresight;
use reel_engine::session::STATE_FOLDER;
use serde_json::{Value, json};

use super::films::{self, stretch_json};
use super::graph::{drawing, picture};
use super::log::entry;
use super::names::{foresee_all, texts};
use super::why::Teller;
use crate::args::{Making, Reading};
use crate::error::CommandError;
use crate::open::{Invocation, Loaded, Workshop};
use crate::page::{self, Bytes, Content, Hub, Place, Told};
use crate::report::failures::Failures;
use crate::texts::Texts;
use crate::ui::{Paint, print_json, print_line};

/// Serves the page of what is made, and says where. What it gives is whether drafts are shown, for whoever goes over to
/// them.
pub(super) fn open(
    call: &Invocation,
    making: &Making,
    hub: Hub,
    address: Option<SocketAddr>,
) -> Result<Arc<AtomicBool>, CommandError> {
    let draft = Arc::new(AtomicBool::new(making.reading.draft));
    let told = Served {
        call: call.clone(),
        reading: making.reading.clone(),
        draft: Arc::clone(&draft),
        targets: making.targets.clone(),
        hub: hub.clone(),
        kept: Mutex::default(),
    };
    let kept = call.root()?.join(STATE_FOLDER).join("page");
    let url = page::serve(Arc::new(told), hub, Place { address, kept: &kept })
        .map_err(|why| CommandError::failed(format!("cannot serve the page: {why}")))?;
    if call.global.json {
        print_json(&json!({ "event": "page", "url": url }));
    } else {
        print_line(&format!("page: {url}"));
    }
    Ok(draft)
}

/// The project that is shown.
struct Served {
    call: Invocation,
    reading: Reading,
    /// Whether it is read for drafts now.
    draft: Arc<AtomicBool>,
    targets: Vec<String>,
    hub: Hub,
    /// The last look, and how much had happened by then, and whether it was at drafts.
    kept: Mutex<Option<(Moment, Arc<Look>)>>,
}

/// How much had happened, and whether drafts were made.
type Moment = (usize, bool);

/// The project as it stands.
struct Look {
    loaded: Loaded,
    seen: Foresight,
    history: History,
    texts: Texts,
}

fn plain(error: &CommandError) -> String {
    error.draw(Paint(false))
}

impl Served {
    /// How the project is read now.
    fn reading(&self) -> Reading {
        Reading { draft: self.draft.load(Ordering::Relaxed), ..self.reading.clone() }
    }

    /// The project as it stands since something last happened, and its store.
    fn look(&self) -> Result<(Arc<Look>, Workshop), CommandError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = self.reading();
        let now = (self.hub.happened(), reading.draft);
        if let Some((_, look)) = kept.as_ref().filter(|(at, _)| *at == now) {
            return Ok((Arc::clone(look), Workshop::open(&self.call, &look.loaded)?));
        }
        let loaded = self.call.look(&reading)?;
        let shop = Workshop::open(&self.call, &loaded)?;
        let seen = foresee_all(&loaded, &shop)?;
        let (history, texts) = (loaded.project.history(), texts(&loaded.project, &seen));
        let look = Arc::new(Look { loaded, seen, history, texts });
        *kept = Some((now, Arc::clone(&look)));
        Ok((look, shop))
    }

    fn film_of(&self, name: &str) -> Result<Value, CommandError> {
        let (look, shop) = self.look()?;
        let project = &look.loaded.project;
        let unknown =
            || CommandError::usage(format!("there is no output `{name}`"), "`reel plan` lists outputs");
        let output = project.outputs.iter().find(|output| output.name == name).ok_or_else(unknown)?;
        let built = project.built(&look.loaded.registry, &shop.cache, &look.history);
        if films::films(project, &built.graph).all(|film| film.name != name) {
            return Ok(Value::Null);
        }
        let film = films::film(project, &built, output.node, name)?;
        let stretches: Vec<Value> =
            film.stretches.iter().map(|stretch| stretch_json(&film, &built.graph, stretch)).collect();
        Ok(json!({
            "name": name,
            "file": output.file,
            "fps": [film.fps.num(), film.fps.den()],
            "frames": film.frames,
            "there": stretches,
        }))
    }

    fn about(&self, name: &str) -> Result<Value, CommandError> {
        let (look, shop) = self.look()?;
        let project = &look.loaded.project;
        let built = project.built(&look.loaded.registry, &shop.cache, &look.history);
        let teller = Teller::new(project, &look.seen, &look.history, &look.texts);
        let why = teller.told(&self.call, name)?.into_iter().next();
        let id = built.graph.find(name).ok_or_else(|| no_node(name))?;
        let failures = Failures::read(&project.root.join(STATE_FOLDER));
        let (node, past) = (built.graph.node(id), look.history.past(name));
        let told = entry(node, &failures, &look.history, &shop.cache);
        let artifacts = node.ports.iter().filter_map(|port| {
            let artifact = built.artifact(id, &port.name)?.artifact;
            Some(json!({ "port": port.name, "media": artifact.media, "bytes": artifact.size, "digest": artifact.digest }))
        });
        Ok(json!({
            "node": name,
            "kind": node.kind(),
            "place": teller.place(&self.call, name)?,
            "why": why,
            "seconds": look.history.cost(name).map(|cost| cost.as_secs_f64()),
            "key": past.map(|past| past.key.to_string()),
            "manifest": past.map(|past| past.manifest().into_fields()),
            "inputs": inputs(&built.graph, id),
            "artifacts": artifacts.collect::<Vec<Value>>(),
            "result": told.words,
            "log": told.log,
        }))
    }

    fn made(&self, name: &str, port: &str) -> Result<Content, CommandError> {
        let (look, shop) = self.look()?;
        let project = &look.loaded.project;
        let built = project.built(&look.loaded.registry, &shop.cache, &look.history);
        let id = built.graph.find(name).ok_or_else(|| no_node(name))?;
        let lost = || CommandError::failed(format!("what `{name}` put on `{port}` is not in the cache"));
        let stored = built.artifact(id, port).ok_or_else(lost)?;
        let bytes = match shop.cache.in_record(&stored).map_err(|_| lost())? {
            Some(bytes) => Bytes::Memory(bytes),
            // It is a blob, so no file is made of it, and the folder for such stays empty.
            None => {
                Bytes::File(shop.cache.materialise(&stored, shop.scratch()).map_err(|why| match why {
                    Unready::Lost(_) => lost(),
                    Unready::Io { path, cause } => {
                        CommandError::failed(format!("cannot read `{}`: {cause}", path.display()))
                    }
                })?)
            }
        };
        Ok(Content { bytes, media: stored.artifact.media })
    }
}

fn no_node(name: &str) -> CommandError {
    CommandError::usage(format!("no node is called `{name}`"), "`reel plan --all` lists nodes")
}

/// What a node takes, slot by slot.
fn inputs(graph: &Graph, id: NodeId) -> Vec<Value> {
    let feed = |feed: &Feed| -> Vec<Value> {
        match feed {
            Feed::Port(from, port) => {
                let ports = graph.behind(*from, *port).into_iter();
                let shown = |(from, port): (NodeId, u32)| {
                    let node = graph.node(from);
                    json!({ "node": node.name, "port": node.ports.get(port as usize).map(|port| &port.name) })
                };
                ports.map(shown).collect()
            }
            Feed::File(file) => vec![json!({ "file": graph.file(*file).shown })],
            Feed::Literal(text) => vec![json!({ "text": **text })],
        }
    };
    let slots = graph.node(id).slots.iter();
    slots
        .map(|slot| json!({ "slot": slot.name, "from": slot.feeds.iter().flat_map(feed).collect::<Vec<Value>>() }))
        .collect()
}

impl Told for Served {
    fn graph(&self) -> Result<(String, String), String> {
        let picture = picture(&self.call, &self.reading(), &self.targets).map_err(|error| plain(&error))?;
        drawing(picture).map_err(|error| plain(&error))
    }

    fn film(&self, output: &str) -> Result<Value, String> {
        self.film_of(output).map_err(|error| plain(&error))
    }

    fn node(&self, name: &str) -> Result<Value, String> {
        self.about(name).map_err(|error| plain(&error))
    }

    fn artifact(&self, node: &str, port: &str) -> Result<Content, String> {
        self.made(node, port).map_err(|error| plain(&error))
    }
}
