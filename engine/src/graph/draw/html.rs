//! A picture as one page that needs nothing else: moved and scaled, searched, and with all that is known of each node.

use super::Picture;
use super::markup::escaped;
use super::svg::svg;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Draws a picture.
///
/// # Errors
/// When it cannot be written as JSON, which is not known to happen.
pub fn html(picture: &Picture) -> serde_json::Result<String> {
    let title = picture.project.as_deref().unwrap_or("graph");
    // Nothing in it may end the script that it stands in.
    let data = serde_json::to_string(picture)?.replace('<', "\\u003c");
    let parts = [
        ("{{title}}", escaped(title)),
        ("{{style}}", STYLE.to_owned()),
        ("{{svg}}", svg(picture)),
        ("{{data}}", data),
        ("{{script}}", SCRIPT.to_owned()),
    ];
    // From the first to the last, so that what stands in a part is not taken for a place.
    let mut rest = PAGE;
    let mut out = String::new();
    for (place, part) in parts {
        let Some((before, after)) = rest.split_once(place) else { continue };
        out.push_str(before);
        out.push_str(&part);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}
