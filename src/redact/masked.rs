//! What of a text is to be masked.

use std::ops::Range;

/// How far a place that looks like the beginning of a secret is followed before it is none. Without an end a hostile line
/// would take a time that grows with the square of its length.
pub(super) const REACH: usize = 2048;

/// What is to be put in the place of a range.
#[derive(Debug, Clone)]
pub(super) struct Masked {
    pub(super) range: Range<usize>,
    /// With how many backslashes the mark must be quoted, where a number or a list stood.
    pub(super) quoted: Option<usize>,
}

impl Masked {
    pub(super) fn plain(range: Range<usize>) -> Self {
        Masked { range, quoted: None }
    }

    /// The same in a text that has so many bytes before it.
    pub(super) fn behind(self, count: usize) -> Self {
        Masked { range: self.range.start + count..self.range.end + count, ..self }
    }
}
