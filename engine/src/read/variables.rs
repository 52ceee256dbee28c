//! `vars:` and `env:`, which every other text of the file may use. They know no other section.

use super::ReadOptions;
use crate::diagnostic::Diagnostics;
use crate::spec::{self, Located, Variables, Written, keys};

/// The top-level keys in which nothing is filled in, or which fill themselves.
const OWN: &[&str] = &["version", "env", "vars"];

/// Reads both sections and fills the variables into everything else.
pub(super) fn fill(tree: &mut Located, options: &ReadOptions<'_>, problems: &mut Diagnostics) -> Variables {
    let mut variables = Variables::default();
    let Written::Map(entries) = &mut tree.node else {
        return variables;
    };
    let schemas = keys::top_level();
    for (key, value) in entries.iter().filter(|(key, _)| OWN.contains(&key.value.as_str())) {
        let schema = schemas.iter().find(|(name, _)| *name == key.value && *name != "version");
        if let Some((_, schema)) = schema {
            // Only the problems count: what is usable is declared below.
            let _ = spec::check_at(value, schema, Some(key), problems);
        }
    }
    let section = |name: &str| entries.iter().find(|(key, _)| key.value == name).map(|(_, value)| value);
    if let Some(env) = section("env") {
        declare_env(env, options, &mut variables);
    }
    for (name, value) in section("vars").map(Located::entries).unwrap_or_default() {
        // A variable may use those above it and the environment.
        let mut value = value.clone();
        variables.fill(&mut value, problems);
        variables.declare(&name.value, value.node);
    }
    for (name, value) in options.set {
        variables.set(name, value, problems);
    }
    for (_, value) in entries.iter_mut().filter(|(key, _)| !OWN.contains(&key.value.as_str())) {
        variables.fill(value, problems);
    }
    variables
}

fn declare_env(env: &Located, options: &ReadOptions<'_>, variables: &mut Variables) {
    for name in env.items().iter().filter_map(Located::as_text) {
        variables.declare_env(name, (options.env)(name));
    }
    for (name, default) in env.entries() {
        let value = (options.env)(&name.value).or_else(|| default.as_text().map(str::to_owned));
        variables.declare_env(&name.value, value);
    }
}
