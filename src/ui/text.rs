//! Text for people: lines and tables of toned cells. Everything is escaped on its way in; a tone is a colour and never the
//! only carrier of a meaning.

use owo_colors::{OwoColorize, Style};

use super::cell::{Cell, Tone};
use super::{escape, table};
use crate::registry::Verdict;

/// A page of text under construction.
#[derive(Debug)]
pub struct Text {
    color: bool,
    headers: bool,
    /// Every column is wanted.
    pub wide: bool,
    /// Columns of the terminal, where there is one that knows.
    columns: Option<usize>,
    page: String,
}

impl Text {
    pub(super) fn new(color: bool, headers: bool, wide: bool, columns: Option<usize>) -> Self {
        Text { color, headers, wide, columns, page: String::new() }
    }

    pub(super) fn finish(self) -> String {
        self.page
    }

    /// A line made of these pieces.
    pub fn line(&mut self, cells: &[Cell]) {
        let mut line = String::new();
        for cell in cells {
            line.push_str(&self.paint(cell));
        }
        self.page.push_str(line.trim_end());
        self.page.push('\n');
    }

    /// An empty line, unless the page begins here.
    pub fn gap(&mut self) {
        if !self.page.is_empty() {
            self.page.push('\n');
        }
    }

    /// A table. Columns are as wide as their widest cell; on a terminal the last one wraps, and on a narrow one the cells of
    /// a row stand below each other.
    pub fn table(&mut self, headers: &[&str], rows: Vec<Vec<Cell>>) {
        if rows.is_empty() {
            return;
        }
        // Escaped before they are measured.
        let escaped = |Cell(tone, text): Cell| Cell(tone, escape::line(&text).into_owned());
        let rows: Vec<Vec<Cell>> = rows.into_iter().map(|row| row.into_iter().map(escaped).collect()).collect();
        let shown = if self.headers { headers } else { &[] };
        let headers: Vec<Cell> = shown.iter().map(|header| Cell(Tone::Dim, (*header).to_owned())).collect();
        for line in table::lines(&headers, &rows, self.columns, |cell| self.paint(cell)) {
            self.page.push_str(&line);
            self.page.push('\n');
        }
    }

    fn paint(&self, Cell(tone, text): &Cell) -> String {
        let text = escape::line(text);
        if !self.color || *tone == Tone::Plain {
            return text.into_owned();
        }
        let style = match tone {
            Tone::Plain => Style::new(),
            Tone::Dim => Style::new().dimmed(),
            Tone::Strong => Style::new().bold(),
            Tone::Of(Verdict::Pass) => Style::new().green(),
            Tone::Of(Verdict::Warn) => Style::new().yellow(),
            Tone::Of(Verdict::Unknown) => Style::new().magenta(),
            Tone::Of(Verdict::Fail) => Style::new().red().bold(),
        };
        text.style(style).to_string()
    }
}
