//! The run of `card`: a title on a plain ground. It knows no scene and no film.

use reel_engine::operation::{Call, Failure, Input, Outcome, Text};
use reel_nodes::picture::card::{Align, Params};

use crate::draw::card::{Align as Drawn, Card, draw_card};
use crate::params;

/// Draws the texts into port `image`.
///
/// # Errors
/// When a text is not UTF-8, or holds a character that no font has.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let [title, subtitle, text] = [
        text(call, params.title.as_ref())?,
        text(call, params.subtitle.as_ref())?,
        text(call, params.text.as_ref())?,
    ];
    let card = Card {
        title: title.as_deref(),
        subtitle: subtitle.as_deref(),
        text: text.as_deref(),
        background: params.background.rgba,
        background_below: None,
        color: params.color.rgba,
        fill: params.fill,
        accent: params.accent.map(|accent| accent.rgba),
        align: match params.align {
            Align::Left => Drawn::Left,
            Align::Center => Drawn::Center,
            Align::Right => Drawn::Right,
        },
    };
    let mut bold = crate::fonts(call, &params.bold_faces)?;
    let mut regular = crate::fonts(call, &params.faces)?;
    let size = (params.size.width as usize, params.size.height as usize);
    let picture = draw_card(&card, size, &mut bold, &mut regular).map_err(crate::draw_failure)?;
    Ok(Outcome::default().with_bytes("image", "image/png", crate::png(&picture)?))
}

fn text(call: &Call<'_>, input: Option<&Input<Text>>) -> Result<Option<String>, Failure> {
    let Some(input) = input else { return Ok(None) };
    let text = String::from_utf8(call.read(input.slot())?);
    text.map(Some).map_err(|_| Failure::new(format!("`{}` is not UTF-8 text", input.slot())))
}
