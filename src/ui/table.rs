//! PURE. How rows and columns are laid out on so many columns of a terminal: as a table where that fits, else as records, a
//! cell below the other. No column is ever so narrow that its words fall apart, and no text is left out.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use super::cell::Cell;

/// The least columns that text is wrapped to: below that a terminal's own wrapping is no worse.
const NARROWEST: usize = 20;
/// The least width of a column that wraps.
const LAST: usize = 24;
/// What stands between two columns.
const GAP: usize = 2;

/// Lines of a table whose cells are escaped already. `columns` is what the terminal has, `None` where there is no terminal
/// or it does not know.
pub(super) fn lines(
    headers: &[Cell],
    rows: &[Vec<Cell>],
    columns: Option<usize>,
    paint: impl Fn(&Cell) -> String,
) -> Vec<String> {
    match columns {
        Some(columns) if !fits(headers, rows, columns) => records(headers, rows, columns, paint),
        _ => grid(headers, rows, columns, paint),
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Whether every column but the last is as wide as its widest cell, and the last wide enough to be read.
fn fits(headers: &[Cell], rows: &[Vec<Cell>], columns: usize) -> bool {
    let all = || std::iter::once(headers).chain(rows.iter().map(Vec::as_slice));
    let count = all().map(<[Cell]>::len).max().unwrap_or_default();
    let widest = |index: usize| all().filter_map(|row| row.get(index)).map(|Cell(_, text)| width(text)).max();
    let mut widths = (0..count).map(|index| widest(index).unwrap_or_default());
    let last = widths.next_back().unwrap_or_default();
    // The last column has its gap as well.
    widths.map(|width| width + GAP).sum::<usize>() + last.min(LAST) + GAP <= columns
}

fn grid(headers: &[Cell], rows: &[Vec<Cell>], columns: Option<usize>, paint: impl Fn(&Cell) -> String) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match columns.and_then(|columns| u16::try_from(columns).ok()) {
        Some(columns) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    if !headers.is_empty() {
        table.set_header(headers.iter().map(&paint));
    }
    for row in rows {
        table.add_row(row.iter().map(&paint));
    }
    let last = rows.iter().map(Vec::len).max().unwrap_or_default().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index != last {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The first cell of a row on a line of its own, then each other below it behind its header.
fn records(headers: &[Cell], rows: &[Vec<Cell>], columns: usize, paint: impl Fn(&Cell) -> String) -> Vec<String> {
    let mut lines = Vec::new();
    for row in rows {
        for (index, Cell(tone, text)) in row.iter().enumerate() {
            let header = headers.get(index).filter(|Cell(_, header)| index > 0 && !header.is_empty());
            let head = header.map_or_else(String::new, |Cell(_, header)| format!("{header}: "));
            let indent = if index == 0 { "" } else { "  " };
            for (line, words) in wrapped(text, columns, indent.len() + width(&head)).into_iter().enumerate() {
                let words = paint(&Cell(*tone, words));
                let line = match (line, header) {
                    (0, Some(Cell(tone, _))) => format!("{indent}{}{words}", paint(&Cell(*tone, head.clone()))),
                    (0, None) => format!("{indent}{words}"),
                    _ => format!("    {words}"),
                };
                lines.push(line.trim_end().to_owned());
            }
        }
    }
    lines
}

/// Text in lines of at most so many columns, the first of which has `used` of them taken, the others an indent of four. A
/// word that is longer than a line is left whole: it may be a path or a command that is copied.
fn wrapped(text: &str, columns: usize, used: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    if columns < NARROWEST {
        return vec![text.to_owned()];
    }
    let mut at = used;
    for word in text.split(' ') {
        // Behind a header there may be no room for the first word either.
        let fits = |line: &str| match line.is_empty() {
            true => at + width(word) <= columns || at <= 4,
            false => at + 1 + width(word) <= columns,
        };
        let line = lines.last_mut().filter(|line| fits(line));
        if let Some(line) = line {
            if !line.is_empty() {
                line.push(' ');
                at += 1;
            }
            line.push_str(word);
            at += width(word);
        } else {
            lines.push(word.to_owned());
            at = 4 + width(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(texts: &[&str]) -> Vec<Cell> {
        texts.iter().map(|text| Cell::plain(*text)).collect()
    }

    fn laid_out(headers: &[&str], rows: &[Vec<&str>], columns: Option<usize>) -> Vec<String> {
        let rows: Vec<_> = rows.iter().map(|row| cells(row)).collect();
        lines(&cells(headers), &rows, columns, |Cell(_, text)| text.clone())
    }

    const HEADERS: [&str; 5] = ["SERVICE", "STATE", "UNIT", "SINCE", "WHAT IS KNOWN OF IT"];

    fn rows() -> Vec<Vec<&'static str>> {
        let long = "the unit is active and the service answers on its port with the status that is wanted of it";
        vec![
            vec!["wallet", "pass", "prim-wallet.service", "2h", long],
            vec!["store", "fail", "prim-store.service", "3m", "does not answer"],
        ]
    }

    #[test]
    fn k12_every_word_is_whole_and_there_at_every_width() {
        let rows = rows();
        let all: Vec<&str> = rows.iter().flatten().flat_map(|cell| cell.split(' ')).collect();
        for columns in std::iter::once(None).chain((1..=200).map(Some)) {
            let lines = laid_out(&HEADERS, &rows, columns);
            let text = lines.join("\n");
            let words: Vec<&str> = text.split_whitespace().collect();
            let count = |list: &[&str], word: &str| list.iter().filter(|other| **other == word).count();
            for word in &all {
                assert!(count(&words, word) >= count(&all, word), "{word} at {columns:?}:\n{text}");
            }
            // A column of single characters would be as many lines as characters.
            assert!(lines.len() <= 40, "{} lines at {columns:?}:\n{text}", lines.len());
        }
    }

    #[test]
    fn k12_what_does_not_fit_becomes_a_record() {
        let lines = laid_out(&HEADERS, &rows()[1..], Some(40));
        let wanted = ["store", "  STATE: fail", "  UNIT: prim-store.service", "  SINCE: 3m"];
        assert_eq!(lines[..4], wanted);
        assert_eq!(lines[4..], ["  WHAT IS KNOWN OF IT: does not answer"]);
        assert_eq!(laid_out(&[], &rows()[1..], Some(40))[1], "  fail");
        let lines = laid_out(&HEADERS, &rows()[..1], Some(24));
        assert!(lines[4..].iter().all(|line| line.len() <= 24), "{lines:?}");
        // Where nobody knows how wide it is, nothing is wrapped.
        assert_eq!(laid_out(&HEADERS, &rows(), None).len(), 3);
    }

    proptest! {
        #[test]
        fn k12_no_text_is_lost(texts in proptest::collection::vec("[a-z]{1,12}( [a-z]{1,40}){0,12}", 4), columns in 1_usize..=120) {
            let row: Vec<&str> = texts.iter().map(String::as_str).collect();
            let text = laid_out(&["A", "B", "C", "D"], std::slice::from_ref(&row), Some(columns)).concat();
            let letters = |text: &str| {
                let mut letters: Vec<char> = text.chars().filter(char::is_ascii_lowercase).collect();
                letters.sort_unstable();
                letters
            };
            prop_assert_eq!(letters(&text), letters(&row.concat()));
        }
    }
}
