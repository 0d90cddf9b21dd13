//! What every target does with the bytes that it is given.

use std::hint::black_box;

/// Keeps the compiler from leaving out what nobody uses.
pub(super) fn seen<T>(parsed: T) {
    drop(black_box(parsed));
}

pub(super) fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
