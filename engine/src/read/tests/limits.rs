//! Texts that nobody would write, and very long ones. They know no message.

use proptest::prelude::*;

use super::fixture::{checked, read};
use crate::diagnostic::Diagnostics;
use crate::span::SourceId;
use crate::spec::{Written, parse_yaml};

fn parses(text: &str) -> bool {
    parse_yaml(text, SourceId(0), &mut Diagnostics::default()).is_some()
}

#[test]
fn nesting_and_aliases_without_end_are_refused() {
    assert!(!parses(&"[".repeat(100_000)));
    assert!(!parses(&format!("{}1", "a:\n ".repeat(2000))));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let line = format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", "));
        bomb.push_str(&line);
    }
    assert!(!parses(&bomb));
}

#[test]
fn ten_thousand_nodes_are_read() {
    use std::fmt::Write as _;
    let mut text = "version: 1\nnodes:\n".to_owned();
    for node in 0..10_000 {
        writeln!(text, "  n{node}: {{ uses: say, with: {{ text: \"${{n0.text}}\", rate: {node} }} }}")
            .unwrap();
    }
    let (spec, said) = read(&text);
    assert_eq!(said, Vec::<String>::new());
    let spec = spec.unwrap();
    assert_eq!(spec.nodes.len(), 10_000);
    let last = &spec.nodes[9_999];
    assert_eq!(last.with.get("rate").unwrap().node, Written::Number("9999".into()));
    assert_eq!(&text[last.uses.span.start as usize..last.uses.span.end as usize], "say");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*") {
        let _ = parses(&text);
    }

    #[test]
    fn nothing_that_looks_like_yaml_makes_the_reader_panic(
        text in "(version: 1\n)?([a-z]{1,3}|nodes|outputs|vars|env|format|scenes)?:?[ \n\t]?[-{}\\[\\],:'\"&*!|>#%@`$é🎬a-z0-9. \n]{0,60}"
    ) {
        let _ = read(&text);
        let _ = checked("say", &text);
    }

    #[test]
    fn spans_hold_what_was_written(key in "[a-zé🎬]{1,8}", value in "[a-zé🎬]{1,8}", number in "-?[1-9][0-9]{0,30}(\\.[0-9]{1,30})?") {
        prop_assume!(value != "true" && value != "false" && value != "null");
        let text = format!("# é\n{key}:\n  - [\"{value}\", {number}]\n");
        let tree = parse_yaml(&text, SourceId(0), &mut Diagnostics::default()).unwrap();
        let inner = &tree.get(&key).unwrap().items()[0];
        let slice = |span: crate::span::Span| &text[span.start as usize..span.end as usize];
        prop_assert_eq!(slice(tree.entries()[0].0.span), key.as_str());
        let list = format!("[\"{value}\", {number}]");
        let quoted = format!("\"{value}\"");
        prop_assert_eq!(slice(inner.span), list.as_str());
        prop_assert_eq!(slice(inner.items()[0].span), quoted.as_str());
        prop_assert_eq!(slice(inner.items()[1].span), number.as_str());
        prop_assert_eq!(&inner.items()[1].node, &Written::Number(number));
    }
}
