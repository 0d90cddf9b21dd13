//! PURE. Pieces of text, and how each is meant.

use crate::registry::Verdict;

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// Of lesser weight.
    Dim,
    /// Of greater weight.
    Strong,
    /// As an outcome.
    Of(Verdict),
}

/// A piece of text and its tone.
#[derive(Debug, Clone)]
pub struct Cell(pub Tone, pub String);

impl Cell {
    /// Text as it is.
    pub fn plain(text: impl Into<String>) -> Self {
        Cell(Tone::Plain, text.into())
    }

    /// Text, or a dash when there is none.
    pub fn or_dash(text: Option<impl ToString>) -> Self {
        text.map_or_else(|| Cell(Tone::Dim, "-".to_owned()), |text| Cell::plain(text.to_string()))
    }
}
