//! PURE. As many lines as fit on a screen.

/// The first of these lines on so many rows, and how many more there are. A line that is longer than the columns takes the rows
/// that it wraps to.
pub(super) fn rows<'t>(lines: impl Iterator<Item = &'t str>, rows: usize, columns: usize) -> Vec<String> {
    let lines: Vec<&str> = lines.collect();
    let taken = |line: &str| shown(line).div_ceil(columns.max(1)).max(1);
    if lines.iter().map(|line| taken(line)).sum::<usize>() <= rows {
        return lines.into_iter().map(str::to_owned).collect();
    }
    // One row is for how many are left out.
    let mut left = rows.saturating_sub(1);
    let mut fitting = Vec::new();
    for line in &lines {
        let Some(rest) = left.checked_sub(taken(line)) else { break };
        left = rest;
        fitting.push((*line).to_owned());
    }
    fitting.push(format!("… {} more lines", lines.len() - fitting.len()));
    fitting
}

/// Columns that a line takes without its colours.
fn shown(line: &str) -> usize {
    let mut count = 0;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => drop(chars.find(char::is_ascii_alphabetic)),
            _ => count += 1,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let text = "one\ntwo\nthree\nfour";
        assert_eq!(rows(text.lines(), 4, 80), ["one", "two", "three", "four"]);
        assert_eq!(rows(text.lines(), 3, 80), ["one", "two", "… 2 more lines"]);
        // A colour takes no column, and a line that wraps takes its rows.
        assert_eq!(rows("\x1b[31mred\x1b[0m\nlonger".lines(), 2, 3), ["\x1b[31mred\x1b[0m", "… 1 more lines"]);
    }

    proptest! {
        #[test]
        fn no_screen_overflows(lines in proptest::collection::vec("[a-z]{0,60}", 0..40), height in 1_usize..40, columns in 20_usize..100) {
            let shown = rows(lines.iter().map(String::as_str), height, columns);
            prop_assert!(shown.iter().map(|line| line.chars().count().div_ceil(columns).max(1)).sum::<usize>() <= height);
            prop_assert!(shown.is_empty() == lines.is_empty());
        }
    }
}
