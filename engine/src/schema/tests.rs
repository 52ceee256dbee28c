//! The project schema of made-up kinds: its shape, its references, and that nothing in it is ours alone.

use serde_json::Value;

use super::project_schema;
use crate::operation::Registry;
use crate::read::tests::fixture::registry;

/// Calls `each` with every schema object inside a value.
fn visit(value: &Value, each: &mut dyn FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            each(object);
            object.values().for_each(|inner| visit(inner, each));
        }
        Value::Array(items) => items.iter().for_each(|inner| visit(inner, each)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let schema = project_schema(&registry());
    let mut count = 0;
    visit(&schema, &mut |object| {
        if let Some(Value::String(target)) = object.get("$ref") {
            count += 1;
            assert!(schema.pointer(target.trim_start_matches('#')).is_some(), "{target}");
        }
    });
    assert!(count > 8, "{count} references");
}

#[test]
fn nothing_is_left_that_only_the_check_understands() {
    let schema = project_schema(&registry());
    visit(&schema, &mut |object| {
        assert!(!object.contains_key("format") || object["format"].is_object(), "{object:?}");
        assert!(!object.keys().any(|key| key.starts_with("x-")), "{object:?}");
        assert!(!object.contains_key("oneOf"), "{object:?}");
    });
}

#[test]
fn objects_are_closed() {
    let schema = project_schema(&registry());
    let closed = |pointer: &str, keyword: &str| {
        assert_eq!(schema.pointer(&format!("{pointer}/{keyword}")), Some(&Value::Bool(false)), "{pointer}");
    };
    closed("", "additionalProperties");
    closed("/$defs/node", "additionalProperties");
    closed("/$defs/kind.say", "additionalProperties");
    closed("/$defs/kind.say.Show", "unevaluatedProperties");
    closed("/$defs/section.scenes/items", "additionalProperties");
    closed("/$defs/output", "additionalProperties");
    assert_eq!(schema.pointer("/$defs/kind.say.Show/anyOf/0/additionalProperties"), None);
}

#[test]
fn what_a_node_uses_decides_its_with() {
    let schema = project_schema(&registry());
    let rule = schema.pointer("/$defs/node/allOf/0").unwrap();
    assert_eq!(rule.pointer("/if/properties/uses/const"), Some(&Value::from("say")));
    assert_eq!(rule.pointer("/then/properties/with/$ref"), Some(&Value::from("#/$defs/kind.say")));
    assert_eq!(rule.pointer("/then/required/0"), Some(&Value::from("with")));
    assert_eq!(
        schema.pointer("/$defs/kind.say/properties/extra/anyOf/0/$ref"),
        Some(&Value::from("#/$defs/kind.say"))
    );
    assert_eq!(schema.pointer("/$defs/kind.say/title"), Some(&Value::from("say")));
}

#[test]
fn what_is_no_text_may_be_a_variable() {
    let schema = project_schema(&registry());
    let say = |pointer: &str| schema.pointer(&format!("/$defs/kind.say{pointer}")).unwrap().clone();
    assert!(say("/properties/rate/type").as_array().unwrap().contains(&Value::from("string")));
    assert!(say("/properties/rate/pattern").as_str().unwrap().contains(super::VARIABLE));
    assert!(say("/properties/pause/pattern").as_str().unwrap().contains("us|ms|s|m|h"));
    assert_eq!(say(".Motion/anyOf").as_array().unwrap().len(), 4);
}

#[test]
fn it_is_the_same_each_time_and_stands_without_kinds() {
    let text = |registry: &Registry| serde_json::to_string(&project_schema(registry)).unwrap();
    assert_eq!(text(&registry()), text(&registry()));
    assert!(text(&Registry::default()).contains("reel project"));
}
