//! The keys that the engine itself owns, as JSON schemas. They know no kind and no front end.

use serde_json::{Value, json};

/// The version of the file format that is read.
pub(crate) const VERSION: u32 = 1;

/// Every top-level key with its schema, in the order in which people write them.
pub(crate) fn top_level() -> Vec<(&'static str, Value)> {
    vec![
        ("version", json!({ "const": VERSION, "description": "Version of the file format." })),
        ("name", json!({ "type": "string", "minLength": 1, "description": "Name of the project." })),
        ("include", include()),
        ("matrix", matrix()),
        ("foreach", foreach()),
        ("vars", vars()),
        ("env", env()),
        ("capacity", capacity()),
        ("pools", pools("How many places each named pool has.")),
        ("nodes", nodes()),
        (
            "outputs",
            json!({
                "type": "object",
                "description": "What is made, by name.",
                "propertyNames": { "format": "name" },
                "additionalProperties": { "type": ["string", "object"], "format": "later" },
            }),
        ),
    ]
}

/// Nodes by name.
pub(crate) fn nodes() -> Value {
    json!({
        "type": "object",
        "description": "Nodes by name. `${node.port}` in one makes it wait for another.",
        "propertyNames": { "format": "name" },
        "additionalProperties": node(),
    })
}

/// Axes with their values.
pub(crate) fn matrix() -> Value {
    let value = json!({ "type": ["string", "number", "boolean", "object"], "x-references": true });
    json!({
        "type": "object",
        "description": "Values by name: one is made for each combination, with `${matrix.NAME}` in it.",
        "propertyNames": { "format": "name" },
        "properties": {
            "exclude": {
                "type": "array",
                "items": { "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } },
                "description": "Combinations that are left out.",
            },
        },
        "additionalProperties": { "type": "array", "minItems": 1, "items": value },
        "examples": [{ "lang": ["en", "de"], "shape": ["9x16", "1x1"] }],
    })
}

/// Rows by the name of one.
pub(crate) fn foreach() -> Value {
    json!({
        "type": "object",
        "description": "A list by the name of an item: one is made for each item, with `${NAME}` or `${NAME.COLUMN}` in it.",
        "propertyNames": { "format": "name" },
        "minProperties": 1,
        "additionalProperties": {
            "description": "A list, a CSV or JSON file, or on a node `${node.port}`.",
            "anyOf": [
                { "type": "string", "minLength": 1, "x-references": true },
                { "type": "array", "items": { "format": "later", "type": ["string", "number", "boolean", "object", "array", "null"], "x-empty": true } },
            ],
        },
        "examples": [{ "row": "data/products.csv" }, { "word": ["sun", "moon"] }],
    })
}

/// Other files of the project.
pub(crate) fn include() -> Value {
    json!({
        "description": "Other files of the project that are merged into this one.",
        "anyOf": [
            { "type": "string", "format": "path" },
            { "type": "array", "items": { "type": "string", "format": "path" } },
        ],
        "examples": ["scenes.yaml", ["voices.yaml", "scenes.yaml"]],
    })
}

fn vars() -> Value {
    json!({
        "type": "object",
        "description": "Values that `${vars.NAME}` stands for; `--set NAME=VALUE` replaces one.",
        "propertyNames": { "format": "name" },
        "additionalProperties": { "type": ["string", "number", "boolean"], "x-references": true },
        "examples": [{ "voice": "en-us" }],
    })
}

fn env() -> Value {
    json!({
        "description": "Environment variables that `${env.NAME}` may stand for: a list of names, or names with defaults.",
        "anyOf": [
            { "type": "array", "items": { "type": "string", "format": "name" } },
            {
                "type": "object",
                "propertyNames": { "format": "name" },
                "additionalProperties": { "type": ["string", "null"], "x-empty": true },
            },
        ],
        "examples": [["LANG"], { "LANG": "en_GB" }],
    })
}

fn capacity() -> Value {
    json!({
        "type": "object",
        "description": "What builds may hold together, in place of what was detected.",
        "properties": {
            "cpu": cores("Cores, to the thousandth."),
            "memory": bytes("Memory with its unit."),
            "gpu": {
                "type": ["integer", "string"],
                "format": "gpus",
                "description": "How many GPUs, or how many with how much memory each.",
                "examples": [1, "2x24GiB"],
            },
            "network": transfers(),
            "pools": pools("Places of named pools."),
        },
        "additionalProperties": false,
        "examples": [{ "cpu": 4, "memory": "8GiB" }],
    })
}

fn cores(description: &str) -> Value {
    json!({ "type": ["number", "string"], "format": "cores", "description": description, "examples": [2, 0.5] })
}

fn bytes(description: &str) -> Value {
    json!({ "type": "string", "format": "bytes", "description": description, "examples": ["2GiB"] })
}

fn transfers() -> Value {
    json!({ "type": "integer", "format": "uint32", "description": "Network transfers at one time." })
}

/// Whole devices, or a part of one.
fn gpu() -> Value {
    json!({
        "description": "Whole GPUs, or a part of one.",
        "anyOf": [
            { "type": "integer", "format": "uint32", "description": "Whole GPUs." },
            {
                "type": "object",
                "description": "A part of one GPU.",
                "properties": {
                    "memory": bytes("Of its memory."),
                    "sessions": { "type": "integer", "format": "uint32", "description": "Encoder sessions on it." },
                },
                "additionalProperties": false,
            },
        ],
        "examples": [1, { "memory": "6GiB", "sessions": 1 }],
    })
}

fn pools(description: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "propertyNames": { "format": "name" },
        "additionalProperties": { "type": "integer", "format": "uint32" },
        "examples": [{ "elevenlabs": 2 }],
    })
}

/// One entry of `nodes:`; its `with:` is checked by whoever knows its kind.
pub(crate) fn node() -> Value {
    json!({
        "type": "object",
        "properties": {
            "uses": { "type": "string", "minLength": 1, "description": "The kind of the node." },
            "with": { "type": ["object", "null"], "format": "later", "x-empty": true, "description": "What its kind is told." },
            "needs": needs("Nodes that must be done before it, without taking anything from them."),
            "timeout": {
                "type": "string",
                "format": "duration",
                "description": "How long it may run.",
                "examples": ["10m"],
            },
            "resources": {
                "type": "object",
                "description": "What it holds while it runs, in place of what its kind claims.",
                "properties": {
                    "cpu": cores("Cores, to the thousandth."),
                    "memory": bytes("Memory with its unit."),
                    "gpu": gpu(),
                    "network": transfers(),
                    "pools": pools("Places in named pools."),
                },
                "additionalProperties": false,
            },
            "matrix": matrix(),
            "foreach": foreach(),
        },
        "required": ["uses"],
        "additionalProperties": false,
    })
}

/// Nodes by name.
fn needs(description: &str) -> Value {
    json!({
        "description": description,
        "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "items": { "type": "string", "minLength": 1 } },
        ],
    })
}

/// What any output may need, whoever makes it.
pub(crate) fn output_needs() -> Value {
    needs("Nodes that must succeed before the file is placed, such as checks of it.")
}

/// An output that takes the artifact of a node.
pub(crate) fn output_from() -> Value {
    json!({
        "type": "object",
        "properties": {
            "file": { "type": "string", "format": "path", "description": "Where it goes, in the project." },
            "from": { "type": "string", "format": "reference", "description": "Whose artifact it is.", "examples": ["${voice.audio}"] },
        },
        "required": ["file", "from"],
        "additionalProperties": false,
    })
}
