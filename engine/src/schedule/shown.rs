//! What a failed action says, with names in place of this machine's paths. It knows no kind and no message.

use std::path::{Path, PathBuf};

use crate::artifact::InputFile;
use crate::graph::{Feed, Graph};
use crate::id::NodeId;
use crate::operation::Failure;

/// A file that an action was given: the slot that it fills, its position there, and where it is.
pub struct Given {
    slot: usize,
    position: usize,
    path: PathBuf,
}

impl Given {
    /// Whether the file is still there.
    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }
}

/// Files among inputs. What is only in memory has no path that anybody could see.
pub(super) fn given(inputs: &[(String, Vec<InputFile>)]) -> Vec<Given> {
    let mut given = Vec::new();
    for (slot, (_, files)) in inputs.iter().enumerate() {
        let seen = files.iter().enumerate().filter(|(_, file)| file.bytes.is_none());
        given.extend(seen.map(|(position, file)| Given { slot, position, path: file.path.clone() }));
    }
    given
}

/// Paths that an action was given, and what users know them by; longer paths first.
pub(super) struct Shown(Vec<(String, String)>);

impl Shown {
    /// Of one action: files of the project as they were written, other nodes' artifacts as references, texts by
    /// their place in the parameters; what the action wrote, by its place in its own `folders`.
    pub(super) fn of(graph: &Graph, id: NodeId, given: &[Given], folders: [&Path; 2]) -> Self {
        let mut names = Vec::new();
        for (index, slot) in graph.node(id).slots.iter().filter(|slot| !slot.through).enumerate() {
            let mut files = given.iter().filter(|file| file.slot == index).peekable();
            if files.peek().is_none() {
                continue;
            }
            let feeds: Vec<String> =
                slot.feeds.iter().flat_map(|feed| named(graph, &slot.name, feed)).collect();
            for file in files {
                let name = feeds.get(file.position).cloned();
                names.extend(name.map(|name| (file.path.display().to_string(), name)));
            }
        }
        for folder in folders {
            names.push((format!("{}/", folder.display()), String::new()));
        }
        names.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Self(names)
    }

    /// The failure in these words. Its log is what the program said, and stays as it is.
    pub(super) fn tell(&self, failure: Failure) -> Failure {
        let told = |text: &str| {
            self.0.iter().fold(text.to_owned(), |text, (path, name)| text.replace(path.as_str(), name))
        };
        Failure { message: told(&failure.message), help: failure.help.as_deref().map(told), ..failure }
    }
}

/// The name of each artifact behind a feed.
fn named(graph: &Graph, slot: &str, feed: &Feed) -> Vec<String> {
    match feed {
        Feed::File(file) => vec![graph.file(*file).shown.clone()],
        Feed::Literal(_) => vec![slot.to_owned()],
        Feed::Port(from, port) => {
            let name = |(id, port): (NodeId, u32)| {
                let node = graph.node(id);
                format!("{}.{}", node.name, node.ports[port as usize].name)
            };
            graph.behind(*from, *port).into_iter().map(name).collect()
        }
    }
}
