//! A text as characters that know which bytes they stand for.

/// A character, and the bytes of the text that it stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) c: char,
    pub(super) from: u32,
    pub(super) to: u32,
}
