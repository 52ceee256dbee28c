//! The strict check of a written value against a JSON schema. It knows no kind and no file system.

use serde_json::Value;

use super::checked::Checked;
use super::value::Located;
use crate::diagnostic::Diagnostics;

/// Checks `written` against `schema` and reports every disagreement; `None` when there was one.
#[must_use]
pub fn check(written: &Located, schema: &Value, problems: &mut Diagnostics) -> Option<Checked> {
    let _ = (written, schema, problems);
    None
}
