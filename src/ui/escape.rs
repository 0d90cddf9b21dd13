//! Text from outside on its way to a terminal: nothing in it may move the cursor, change the title, hide or turn round
//! what is read.

use std::borrow::Cow;
use std::fmt::Write;

pub use crate::redact::is_hostile;

/// The text on one line: line breaks and tabs are escaped like all else.
pub fn line(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// The text with its own line breaks and tabs.
pub fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\n' || c == '\t')
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let shown = |c: char| !is_hostile(c) || keep(c);
    if text.chars().all(shown) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        // Writing to a string cannot fail.
        let _ = match c {
            c if shown(c) => escaped.write_char(c),
            '\n' => escaped.write_str("\\n"),
            '\r' => escaped.write_str("\\r"),
            '\t' => escaped.write_str("\\t"),
            c if u32::from(c) < 0x100 => write!(escaped, "\\x{:02x}", u32::from(c)),
            c => write!(escaped, "\\u{{{:x}}}", u32::from(c)),
        };
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn l2_nothing_reaches_the_terminal_as_a_command() {
        assert_eq!(line("\x1b]52;c;aGk=\x07"), "\\x1b]52;c;aGk=\\x07");
        assert_eq!(line("a\u{202e}b\u{9b}31m\r\n"), "a\\u{202e}b\\x9b31m\\r\\n");
        assert_eq!(lines("a\n\tb\r"), "a\n\tb\\r");
        assert_eq!(line("plain – text ✓"), "plain – text ✓");
    }

    proptest! {
        #[test]
        fn no_hostile_character_survives(text in "\\PC*|.*") {
            prop_assert!(!line(&text).chars().any(is_hostile));
        }
    }
}
