//! PURE. Pieces of text, and how each is meant; columns of a table, and how much each matters.

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
    /// A command to be pasted: no line ends inside it.
    Command,
}

/// A piece of text and its tone.
#[derive(Debug, Clone)]
pub struct Cell(pub Tone, pub String);

impl Cell {
    /// Text as it is.
    pub fn plain(text: impl Into<String>) -> Self {
        Cell(Tone::Plain, text.into())
    }

    /// A command to be pasted.
    pub fn command(text: impl Into<String>) -> Self {
        Cell(Tone::Command, text.into())
    }

    /// Text, or a dash when there is none.
    pub fn or_dash(text: Option<impl ToString>) -> Self {
        text.map_or_else(|| Cell(Tone::Dim, "-".to_owned()), |text| Cell::plain(text.to_string()))
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub(super) header: &'static str,
    /// Its cells wrap at words.
    pub(super) wraps: bool,
    /// 0 is always shown; of the others the highest is left out first where not all fit.
    pub(super) rank: u8,
}

impl Column {
    /// Always shown, each cell on one line.
    pub const fn key(header: &'static str) -> Self {
        Column { header, wraps: false, rank: 0 }
    }

    /// Always shown, wrapped at words and after commas.
    pub const fn prose(header: &'static str) -> Self {
        Column { header, wraps: true, rank: 0 }
    }

    /// The same, left out on a narrow terminal unless every column is wanted: the highest rank first.
    #[must_use]
    pub const fn rank(self, rank: u8) -> Self {
        Column { rank, ..self }
    }
}
