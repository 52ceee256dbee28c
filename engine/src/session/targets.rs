//! What the names mean that users give: outputs with what belongs to them, and nodes. It builds nothing.

use super::Project;
use crate::diagnostic::{Diagnostic, code};
use crate::graph::Graph;
use crate::id::NodeId;
use crate::output::Output;
use crate::spec;

impl Project {
    /// The nodes behind names, or behind all outputs, or all nodes; what [`Self::later`] gives has none yet.
    ///
    /// # Errors
    /// A problem for each name that is none of these.
    pub fn targets(&self, names: &[String]) -> Result<(Vec<NodeId>, Vec<Output>), Vec<Diagnostic>> {
        if names.is_empty() {
            let nodes: Vec<NodeId> = if self.outputs.is_empty() {
                self.graph.nodes().map(|(id, _)| id).collect()
            } else {
                self.outputs.iter().flat_map(Output::nodes).collect()
            };
            return Ok((nodes, self.outputs.clone()));
        }
        let (mut nodes, mut outputs, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            let meant = self.outputs_called(name);
            if !meant.is_empty() {
                nodes.extend(meant.iter().flat_map(|output| output.nodes()));
                outputs.extend(meant.into_iter().cloned());
                continue;
            }
            let group = self.graph.group(name);
            if group.is_empty() && self.graph.makers(name).is_empty() {
                problems.push(self.unknown_target(name, &self.graph));
            }
            nodes.extend(group);
        }
        if problems.is_empty() { Ok((nodes, outputs)) } else { Err(problems) }
    }

    /// The outputs that a name means: the one of that name or file, or all instances of one, each with the files that
    /// belong to it.
    #[must_use]
    pub fn outputs_called(&self, name: &str) -> Vec<&Output> {
        let named = self.outputs_named(name);
        let belongs = |output: &&Output| {
            let owner = output.name.rsplit_once('/').map(|(owner, _)| owner);
            named.iter().any(|of| of.name == output.name || owner == Some(&of.name))
        };
        self.outputs.iter().filter(belongs).collect()
    }

    fn outputs_named(&self, name: &str) -> Vec<&Output> {
        let same = |output: &&Output| output.name == name || output.file == name;
        if let Some(output) = self.outputs.iter().find(same) {
            return vec![output];
        }
        let (base, labels) = spec::name_parts(name).unwrap_or((name, Vec::new()));
        let instance = |output: &&Output| {
            let parts = spec::name_parts(&output.name).filter(|(own, _)| *own == base);
            parts.is_some_and(|(_, own)| labels.iter().all(|label| own.contains(label)))
        };
        self.outputs.iter().filter(instance).collect()
    }

    /// Those of `names` that only an expansion may answer.
    #[must_use]
    pub fn later(&self, names: &[String]) -> Vec<String> {
        let is_open =
            |name: &&String| self.outputs_called(name).is_empty() && self.graph.group(name).is_empty();
        names.iter().filter(is_open).filter(|name| !self.graph.makers(name).is_empty()).cloned().collect()
    }

    pub(super) fn unknown_target(&self, name: &str, graph: &Graph) -> Diagnostic {
        let outputs = self.outputs.iter().map(|output| output.name.as_str());
        let near = crate::diagnostic::nearest(name, outputs).map(str::to_owned);
        let near = near.or_else(|| graph.nearest_target(name));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`reel plan` lists outputs and nodes".to_owned(),
        };
        Diagnostic::general(code::UNKNOWN_NODE, format!("no output or node is called `{name}`")).help(help)
    }
}
