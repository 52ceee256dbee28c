//! What a failed action says, with names in place of this machine's paths. It knows no kind and no message.

use std::path::Path;

use crate::artifact::InputFile;
use crate::graph::{Feed, Graph};
use crate::id::NodeId;
use crate::operation::Failure;

/// Paths that an action was given, and what users know them by; longer paths first.
pub(super) struct Shown(Vec<(String, String)>);

impl Shown {
    /// Of one action: files of the project as they were written, other nodes' artifacts as references, texts by
    /// their place in the parameters; what the action wrote, by its place in its own folder.
    pub(super) fn of(
        graph: &Graph,
        id: NodeId,
        inputs: &[(String, Vec<InputFile>)],
        scratch: &Path,
        project: &Path,
    ) -> Self {
        let mut names = Vec::new();
        for slot in graph.node(id).slots.iter().filter(|slot| !slot.through) {
            let given = inputs.iter().find(|(name, _)| *name == slot.name);
            let feeds = slot.feeds.iter().flat_map(|feed| named(graph, &slot.name, feed));
            for (file, name) in given.map(|(_, files)| files.as_slice()).unwrap_or_default().iter().zip(feeds)
            {
                names.push((file.path.display().to_string(), name));
            }
        }
        for folder in [scratch, project] {
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
