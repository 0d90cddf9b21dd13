//! What a service wrote, beneath what another document says of it.

use crate::observe::logs::line::Said;
use crate::ui::{Cell, Text, Tone};

/// As a line beneath what it is about.
pub(super) fn said(page: &mut Text, said: &Said) {
    let time = said.time.map(|time| time.strftime("%H:%M:%S ").to_string()).unwrap_or_default();
    page.line(&[Cell(Tone::Dim, "   says ".to_owned()), Cell::plain(time + &said.text)]);
}
