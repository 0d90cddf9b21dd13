//! Log lines of a service beneath its outcome.

use crate::observe::logs::line::Said;
use crate::ui::{Cell, Text};
use crate::units::time_of_day;

/// As a line beneath what it is about.
pub(super) fn said(page: &mut Text, said: &Said) {
    let time = said.time.map(|time| time_of_day(time) + " ").unwrap_or_default();
    page.labeled("log", &[Cell::plain(time + &said.text)]);
}
