//! From a checked value to the type whose schema it agrees with. It knows no schema.
//!
//! What a schema cannot say, such as that a part is at most the whole, the type says while it is read.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::value::Located;
use crate::diagnostic::{Diagnostic, Diagnostics, code};

/// So many wrong values of one type are told at once.
const MOST: usize = 20;

/// The value as its type; what is wrong in it is told where it was written. To go on behind a wrong value, it is left
/// out.
pub fn typed<T: DeserializeOwned>(
    written: &Located,
    mut value: Value,
    problems: &mut Diagnostics,
) -> Option<T> {
    let mut left_out: Vec<String> = Vec::new();
    for _ in 0..MOST {
        let error = match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(read) => return left_out.is_empty().then_some(read),
            Err(error) => error,
        };
        let pointer = pointer(error.path());
        // Around something that was left out, something may be missing now: no mistake of the user.
        let is_around = |inner: &String| {
            inner.strip_prefix(&pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !left_out.iter().any(is_around) {
            let span = written.span_at(&pointer);
            problems.push(Diagnostic::error(code::BAD_VALUE, span, error.into_inner().to_string()));
        }
        left_out.push(without(&mut value, pointer)?);
    }
    None
}

/// Leaves out the value at a pointer, or the nearest around it that stands under a key; tells which.
fn without(value: &mut Value, mut pointer: String) -> Option<String> {
    while let Some(cut) = pointer.rfind('/') {
        let key = pointer[cut + 1..].replace("~1", "/").replace("~0", "~");
        let around = value.pointer_mut(&pointer[..cut]).and_then(Value::as_object_mut);
        if around.is_some_and(|around| around.remove(&key).is_some()) {
            return Some(pointer);
        }
        pointer.truncate(cut);
    }
    None
}

/// A path as a JSON pointer.
fn pointer(path: &Path) -> String {
    let mut whole = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            // The value of a variant stands under its name; what is not known ends the path.
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => break,
        };
        whole = format!("{whole}/{part}");
    }
    whole
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::quantity::Size;
    use crate::span::{Span, Spanned};
    use crate::spec::Written;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Frame {
        size: Size,
        #[serde(default)]
        other: Option<Size>,
        #[serde(default)]
        list: Vec<Self>,
        #[serde(default)]
        inner: Option<Box<Self>>,
    }

    fn place(start: u32) -> Span {
        Span { start, end: start + 1, ..Span::default() }
    }

    fn map(at: u32, entries: Vec<(&str, Located)>) -> Located {
        let key = |name: &str| Spanned { value: name.to_owned(), span: place(at) };
        let entries = entries.into_iter().map(|(name, value)| (key(name), value)).collect();
        Located { node: Written::Map(entries), span: place(at) }
    }

    fn read(written: &Located, value: Value) -> (Option<Frame>, Vec<(u32, String)>) {
        let mut problems = Diagnostics::default();
        let read = typed(written, value, &mut problems);
        (
            read,
            problems.iter().map(|problem| (problem.labels[0].span.start, problem.message.clone())).collect(),
        )
    }

    #[test]
    fn each_wrong_value_is_told_where_it_stands() {
        let text = |at| Located::text(place(at), "x");
        let inner = map(5, vec![("size", text(6)), ("other", text(7))]);
        let list = Located { node: Written::List(vec![inner]), span: place(4) };
        let written = map(1, vec![("size", text(2)), ("other", text(3)), ("list", list)]);
        let right = json!({ "size": "2x2", "list": [{ "size": "4x4" }] });
        let (found, told) = read(&written, right);
        assert_eq!((found.unwrap().list.len(), told.len()), (1, 0));

        let (found, told) = read(&written, json!({ "size": "2x2", "other": "y", "list": [{ "size": "z" }] }));
        assert_eq!(found, None);
        assert_eq!(told.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [6, 3]);
        assert!(told[0].1.contains("`z`") && told[1].1.contains("`y`"), "{told:?}");

        let (found, told) = read(&written, json!({ "size": "w", "list": [] }));
        assert_eq!(
            (found, told.len()),
            (None, 1),
            "what is missing because it was wrong is not told: {told:?}"
        );
        let within = json!({ "size": "2x2", "inner": { "size": "w" }, "other": "v" });
        let (found, told) = read(&written, within);
        assert_eq!((found, told.len()), (None, 2), "neither is what is around it: {told:?}");
    }

    #[test]
    fn what_has_no_place_of_its_own_is_told_once() {
        let (found, told) = read(&map(1, vec![]), json!({}));
        assert_eq!((found, told.len(), told[0].0), (None, 1, 1));
        let (found, told) = read(&map(1, vec![]), json!(3));
        assert_eq!((found, told.len(), told[0].0), (None, 1, 1));
    }
}
