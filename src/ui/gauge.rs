//! PURE. A bar that fills up.

/// How many characters a bar is long.
const LENGTH: u8 = 20;

/// A bar of so many hundredths, and a space.
pub fn bar(percent: u8) -> String {
    let full = usize::from(percent.min(100)) * usize::from(LENGTH) / 100;
    format!("[{:<1$}] ", "#".repeat(full), usize::from(LENGTH))
}

/// The part of a line that fits, so that it can be written over.
pub fn cut(line: &str, columns: usize) -> &str {
    // The last column is left free: some terminals go on to the next line when it is written.
    let end = line.char_indices().nth(columns.saturating_sub(1)).map_or(line.len(), |(end, _)| end);
    &line[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_when_all_is_done_and_never_longer() {
        assert_eq!(bar(0), "[                    ] ");
        assert_eq!(bar(53), "[##########          ] ");
        assert_eq!(bar(100), "[####################] ");
        assert_eq!(bar(255), bar(100));
    }

    #[test]
    fn what_does_not_fit_is_cut_at_a_character() {
        assert_eq!((cut("abc", 80), cut("abc", 3), cut("\u{e4}bc", 2), cut("abc", 0)), ("abc", "ab", "\u{e4}", ""));
    }
}
