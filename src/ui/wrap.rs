//! PURE. Text in lines of a width. Lines end between words, and after a comma where a word has no other end; a word that is
//! longer than a line stays whole, because it may be a path or a command that is pasted.

use super::cell::{Cell, Tone};

/// The least width that text is wrapped to: below that a terminal's own wrapping is no worse.
pub(super) const NARROWEST: usize = 20;

/// What stands together on a line.
#[derive(Debug, Default)]
struct Word {
    /// Spaces before it, where it does not begin a line.
    spaces: usize,
    pieces: Vec<Cell>,
    width: usize,
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// The cells, one behind the other, in lines of at most `columns`; every line but the first is indented by `hang`.
pub(super) fn lines(cells: &[Cell], columns: usize, hang: usize) -> Vec<Vec<Cell>> {
    if columns < NARROWEST {
        return vec![cells.to_vec()];
    }
    let hang = if hang * 2 > columns { 4 } else { hang };
    let mut lines: Vec<Vec<Cell>> = vec![Vec::new()];
    let mut at = 0;
    for (index, word) in words(cells).into_iter().enumerate() {
        // A line that ends gives the word more room, or it does not end.
        if index > 0 && at + word.spaces > hang && at + word.spaces + word.width > columns {
            lines.push(vec![Cell::plain(" ".repeat(hang))]);
            at = hang + word.width;
        } else {
            lines.last_mut().into_iter().for_each(|line| line.push(Cell::plain(" ".repeat(word.spaces))));
            at += word.spaces + word.width;
        }
        lines.last_mut().into_iter().for_each(|line| line.extend(word.pieces.iter().cloned()));
    }
    lines
}

/// The width of the longest word.
pub(super) fn longest(cell: &Cell) -> usize {
    words(std::slice::from_ref(cell)).iter().map(|word| word.width).max().unwrap_or_default()
}

fn words(cells: &[Cell]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    // What follows belongs to the last word.
    let mut goes_on = false;
    let mut spaces = 0;
    let mut add = |goes_on: bool, spaces: usize, piece: Cell| {
        if !goes_on || words.is_empty() {
            words.push(Word { spaces, ..Word::default() });
        }
        if let Some(word) = words.last_mut() {
            word.width += width(&piece.1);
            word.pieces.push(piece);
        }
    };
    for Cell(tone, text) in cells {
        if *tone == Tone::Command {
            if !text.is_empty() {
                add(goes_on, spaces, Cell(*tone, text.clone()));
                (goes_on, spaces) = (true, 0);
            }
            continue;
        }
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let gap = rest.len() - rest.trim_start_matches(' ').len();
            if gap > 0 {
                (goes_on, spaces) = (false, spaces + gap);
                rest = &rest[gap..];
                continue;
            }
            let end = rest.find(' ').unwrap_or(rest.len());
            let comma = rest[..end].find(',').map(|comma| comma + 1).filter(|comma| *comma < end);
            let (piece, after) = rest.split_at(comma.unwrap_or(end));
            add(goes_on, spaces, Cell(*tone, piece.to_owned()));
            (goes_on, spaces) = (comma.is_none(), 0);
            rest = after;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(cells: &[Cell], columns: usize, hang: usize) -> Vec<String> {
        let text = |line: Vec<Cell>| line.into_iter().map(|Cell(_, text)| text).collect::<String>();
        lines(cells, columns, hang).into_iter().map(text).collect()
    }

    #[test]
    fn lines_end_between_words_and_hang() {
        let cells = [Cell::plain("    why "), Cell::plain("the unit is masked, so nothing starts it")];
        let wanted = ["    why the unit is", "        masked, so", "        nothing", "        starts it"];
        assert_eq!(plain(&cells, 20, 8), wanted);
        assert_eq!(plain(&cells, 80, 8), ["    why the unit is masked, so nothing starts it"]);
    }

    #[test]
    fn a_command_is_whole_on_a_line_of_its_own() {
        let command = "systemctl restart prim-wallet.service";
        let cells = [Cell::plain("    fix restart it: "), Cell::command(command), Cell::plain(" (disruptive)")];
        let wanted = ["    fix restart it:", &format!("        {command}"), "        (disruptive)"];
        assert_eq!(plain(&cells, 45, 8), wanted);
        // Longer than the line as well.
        assert_eq!(plain(&cells, 24, 8), wanted);
    }

    #[test]
    fn a_list_breaks_after_commas_and_reads_as_before_where_it_fits() {
        let cells = [Cell::plain("worker-down,crash-loop,docker-down")];
        assert_eq!(plain(&cells, 40, 0), ["worker-down,crash-loop,docker-down"]);
        assert_eq!(plain(&cells, 23, 0), ["worker-down,crash-loop,", "docker-down"]);
    }

    proptest! {
        #[test]
        fn no_text_is_lost_and_no_line_is_too_long(text in "[a-z]{1,30}( {1,3}[a-z,]{1,30}){0,20}", columns in 20_usize..=200, hang in 0_usize..30) {
            let lines = plain(&[Cell::plain(text.clone())], columns, hang);
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
            for line in lines {
                let last = line.rsplit([' ', ',']).find(|word| !word.is_empty()).unwrap_or_default();
                prop_assert!(width(&line) <= columns || width(last) + hang + 1 > columns, "{line:?}");
            }
        }
    }
}
