//! PURE. How rows and columns are laid out on so many columns of a terminal: as a table where that fits, without its least
//! important columns where it does not, and as records, a cell below the other, where even the rest is too wide.

use comfy_table::{ContentArrangement, Table, presets};

use super::cell::{Cell, Column, Tone};
use super::wrap::{self, width};

/// The least width of a column that wraps.
const PROSE: usize = 20;
/// The same as long as there is a column that can be left out.
const COMFORTABLE: usize = 32;
/// What stands between two columns.
const GAP: usize = 2;

/// How a table is laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Headers are shown.
    pub(super) headers: bool,
    /// Every column is wanted.
    pub(super) wide: bool,
    /// What the terminal has; `None` where there is none.
    pub(super) columns: Option<usize>,
}

/// Lines of a table whose cells are escaped already.
pub(super) fn lines(
    columns: &[Column],
    rows: &[Vec<Cell>],
    layout: Layout,
    paint: impl Fn(&Cell) -> String,
) -> Vec<String> {
    let Some(available) = layout.columns else {
        let all: Vec<(usize, usize)> = (0..columns.len()).map(|index| (index, usize::MAX)).collect();
        return grid(columns, rows, &all, layout.headers, paint);
    };
    match widths(columns, rows, layout, available) {
        Some(widths) => grid(columns, rows, &widths, layout.headers, paint),
        None => records(columns, rows, available, layout.headers, paint),
    }
}

/// The columns that are shown on so many, and how wide each is; `None` where the most important do not fit.
fn widths(columns: &[Column], rows: &[Vec<Cell>], layout: Layout, available: usize) -> Option<Vec<(usize, usize)>> {
    let cells = |index: usize| rows.iter().filter_map(move |row| row.get(index));
    let natural = |index: usize, column: &Column| {
        let header = if layout.headers { width(column.header) } else { 0 };
        cells(index).map(|Cell(_, text)| width(text)).chain([header]).max().unwrap_or_default()
    };
    let is_empty = |index: usize| cells(index).all(|Cell(_, text)| matches!(text.as_str(), "" | "-"));
    // Index, and what it would be if it had all that it wants.
    let mut shown: Vec<(usize, usize)> =
        columns.iter().enumerate().map(|(index, column)| (index, natural(index, column))).collect();
    let taken = |shown: &[(usize, usize)], prose: usize| {
        let floors = shown.iter().map(|at| floor(columns, rows, layout, *at, prose));
        floors.sum::<usize>() + GAP * shown.len().saturating_sub(1)
    };
    if !layout.wide && taken(&shown, usize::MAX) > available {
        shown.retain(|(index, _)| columns[*index].rank == 0 || !is_empty(*index));
    }
    while taken(&shown, COMFORTABLE) > available {
        let optional = shown.iter().enumerate().filter(|(_, (index, _))| columns[*index].rank > 0 && !layout.wide);
        match optional.max_by_key(|(_, (index, _))| columns[*index].rank) {
            Some((at, _)) => drop(shown.remove(at)),
            None if taken(&shown, PROSE) > available => return None,
            None => break,
        }
    }
    let mut shown: Vec<(usize, usize, usize)> =
        shown.into_iter().map(|at| (at.0, floor(columns, rows, layout, at, PROSE), at.1)).collect();
    // What is left goes to those that want more, in equal parts.
    let taken = shown.iter().map(|(_, floor, _)| floor).sum::<usize>() + GAP * shown.len().saturating_sub(1);
    let mut left = available.saturating_sub(taken);
    let mut wanting: Vec<usize> = (0..shown.len()).filter(|at| shown[*at].1 < shown[*at].2).collect();
    wanting.sort_by_key(|at| shown[*at].2 - shown[*at].1);
    for (done, at) in wanting.iter().enumerate() {
        let (_, width, natural) = &mut shown[*at];
        let more = (left / (wanting.len() - done)).min(*natural - *width);
        *width += more;
        left -= more;
    }
    Some(shown.into_iter().map(|(index, width, _)| (index, width)).collect())
}

/// The least width of a column that wants so many: all of it, or `prose` and its longest word where it wraps.
fn floor(
    columns: &[Column],
    rows: &[Vec<Cell>],
    layout: Layout,
    (index, natural): (usize, usize),
    prose: usize,
) -> usize {
    let column = &columns[index];
    if !column.wraps {
        return natural;
    }
    let words = rows.iter().filter_map(|row| row.get(index)).map(wrap::longest);
    let header = if layout.headers { width(column.header) } else { 0 };
    words.chain([header, prose]).max().unwrap_or_default().min(natural)
}

/// A table of these columns, each as wide.
fn grid(
    columns: &[Column],
    rows: &[Vec<Cell>],
    widths: &[(usize, usize)],
    headers: bool,
    paint: impl Fn(&Cell) -> String,
) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    if headers {
        table.set_header(widths.iter().map(|(index, _)| paint(&header(&columns[*index]))));
    }
    for row in rows {
        let shown = widths.iter().filter_map(|(index, width)| Some((&columns[*index], row.get(*index)?, *width)));
        table.add_row(shown.map(|(column, cell, width)| match column.wraps {
            true => wrapped(std::slice::from_ref(cell), width, 0, &paint).join("\n"),
            false => paint(cell),
        }));
    }
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn header(column: &Column) -> Cell {
    Cell(Tone::Dim, column.header.to_owned())
}

/// Cells in painted lines.
pub(super) fn wrapped(cells: &[Cell], columns: usize, hang: usize, paint: impl Fn(&Cell) -> String) -> Vec<String> {
    let painted = |line: Vec<Cell>| line.iter().map(&paint).collect::<String>();
    wrap::lines(cells, columns, hang).into_iter().map(painted).collect()
}

/// The first cell of a row on a line of its own, then each other below it behind its header.
fn records(
    columns: &[Column],
    rows: &[Vec<Cell>],
    available: usize,
    headers: bool,
    paint: impl Fn(&Cell) -> String,
) -> Vec<String> {
    let mut lines = Vec::new();
    for row in rows {
        for (index, (column, cell)) in columns.iter().zip(row).enumerate() {
            // What a row has nothing of is not told in a record.
            if matches!(cell.1.as_str(), "" | "-") {
                continue;
            }
            let mut cells = Vec::new();
            if index > 0 {
                cells.push(Cell::plain("  "));
                if headers && !column.header.is_empty() {
                    cells.push(Cell(Tone::Dim, format!("{}: ", column.header)));
                }
            }
            cells.push(cell.clone());
            lines.extend(wrapped(&cells, available, 4, &paint));
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: [Column; 5] = [
        Column::key("SERVICE"),
        Column::key("STATE"),
        Column::key("UNIT").rank(1),
        Column::key("SINCE").rank(2),
        Column::prose("DETAIL"),
    ];

    fn cells(texts: &[&str]) -> Vec<Cell> {
        texts.iter().map(|text| Cell::plain(*text)).collect()
    }

    fn rows() -> Vec<Vec<Cell>> {
        let long = "the unit is active and the service answers on its port with the status that the registry wants";
        vec![
            cells(&["wallet", "pass", "prim-wallet.service", "2h", long]),
            cells(&["store", "fail", "prim-store.service", "3m", "does not answer"]),
        ]
    }

    fn laid_out(rows: &[Vec<Cell>], columns: Option<usize>, wide: bool) -> Vec<String> {
        lines(&COLUMNS, rows, Layout { headers: true, wide, columns }, |Cell(_, text)| text.clone())
    }

    #[test]
    fn a_narrow_terminal_drops_columns_by_rank_then_folds() {
        let head = |columns| laid_out(&rows(), Some(columns), false)[0].clone();
        assert!(head(80).starts_with("SERVICE  STATE  UNIT                 SINCE  DETAIL"), "{}", head(80));
        assert!(head(70).starts_with("SERVICE  STATE  UNIT                 DETAIL"), "{}", head(70));
        assert!(head(42).starts_with("SERVICE  STATE  DETAIL"), "{}", head(42));
        let folded = laid_out(&rows()[1..], Some(30), false);
        let wanted =
            ["store", "  STATE: fail", "  UNIT: prim-store.service", "  SINCE: 3m", "  DETAIL: does not answer"];
        assert_eq!(folded, wanted);
        // Where every column is wanted, none is left out.
        assert_eq!(laid_out(&rows(), Some(58), true)[..2], ["wallet", "  STATE: pass"]);
        // Nothing wraps where there is no terminal.
        assert_eq!(laid_out(&rows(), None, false).len(), 3);
    }

    #[test]
    fn a_command_is_never_broken() {
        let command = "docker exec -it prim-wallet sqlite3 /opt/prim/wallet.db 'pragma integrity_check'";
        let columns = [Column::key("STEP"), Column::key("COMMAND")];
        let row = [vec![Cell::plain("look"), Cell::command(command)]];
        for available in 20..=200 {
            let layout = Layout { headers: true, wide: false, columns: Some(available) };
            let text = lines(&columns, &row, layout, |Cell(_, text)| text.clone());
            assert!(text.iter().any(|line| line.contains(command)), "{available}: {text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_width_is_whole_and_legible(
            texts in proptest::collection::vec("[a-z]{1,12}( [a-z]{1,40}){0,12}", 10),
            columns in 20_usize..=200,
            wide: bool,
        ) {
            let rows: Vec<Vec<Cell>> =
                texts.chunks(5).map(|row| row.iter().map(|text| Cell::plain(text.as_str())).collect()).collect();
            let layout = Layout { headers: true, wide, columns: Some(columns) };
            let shown = widths(&COLUMNS, &rows, layout, columns);
            let text = laid_out(&rows, Some(columns), wide);
            let letters = |text: &str| {
                let mut letters: Vec<char> = text.chars().filter(char::is_ascii_lowercase).collect();
                letters.sort_unstable();
                letters
            };
            let kept: Vec<usize> = shown.iter().flatten().map(|(index, _)| *index).collect();
            let is_told = |at: usize| shown.is_none() || kept.contains(&(at % 5));
            let all: String = texts.iter().enumerate().filter(|(at, _)| is_told(*at)).map(|(_, text)| text.as_str()).collect();
            prop_assert_eq!(letters(&text.concat()), letters(&all));
            for line in &text {
                // Only a word that does not fit behind the indent may be longer.
                let last = line.rsplit(' ').next().unwrap_or_default();
                prop_assert!(width(line) <= columns || width(last) + 4 > columns, "{line:?} on {columns}");
            }
            for (index, width) in shown.into_iter().flatten() {
                let widest = rows.iter().map(|row| row[index].1.len()).max().unwrap_or_default();
                prop_assert!(!COLUMNS[index].wraps || width >= widest.min(20), "column {index} has {width}");
            }
        }
    }
}
