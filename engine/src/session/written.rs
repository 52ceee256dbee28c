//! Where in a project's text a node comes from. It knows no build.

use super::Project;
use crate::graph::Node;

impl Project {
    /// Where a node is written, such as `reel.yaml:24`. One that an expansion makes is written where its maker is, or
    /// what else is of its group.
    #[must_use]
    pub fn place_of(&self, node: &str) -> Option<String> {
        let written = |found: &Node| self.sources.place(found.span);
        if let Some(id) = self.graph.find(node) {
            return written(self.graph.node(id));
        }
        let mut group = node;
        while let Some(cut) = group.rfind(['.', '/']) {
            group = &group[..cut];
            let is_of_it = |name: &str| {
                name.strip_prefix(group).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
            };
            if let Some((_, found)) = self.graph.nodes().find(|(_, node)| is_of_it(&node.name)) {
                return written(found);
            }
        }
        None
    }
}
