//! Text for people: lines and tables of toned cells. Everything is escaped on its way in; a tone is a colour and never the
//! only carrier of a meaning.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use owo_colors::{OwoColorize, Style};

use super::escape;
use crate::registry::Verdict;

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// Of lesser weight.
    Dim,
    /// Of greater weight.
    Strong,
    /// As an outcome.
    Of(Verdict),
}

/// A piece of text and its tone.
#[derive(Debug, Clone)]
pub struct Cell(pub Tone, pub String);

impl Cell {
    /// Text as it is.
    pub fn plain(text: impl Into<String>) -> Self {
        Cell(Tone::Plain, text.into())
    }

    /// Text, or a dash when there is none.
    pub fn or_dash(text: Option<impl ToString>) -> Self {
        text.map_or_else(|| Cell(Tone::Dim, "-".to_owned()), |text| Cell::plain(text.to_string()))
    }
}

/// A page of text under construction.
#[derive(Debug)]
pub struct Text {
    color: bool,
    headers: bool,
    /// Every column is wanted.
    pub wide: bool,
    page: String,
}

impl Text {
    pub(super) fn new(color: bool, headers: bool, wide: bool) -> Self {
        Text { color, headers, wide, page: String::new() }
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

    /// A table. Columns are as wide as their widest cell; on a terminal the last one wraps.
    pub fn table(&mut self, headers: &[&str], rows: Vec<Vec<Cell>>) {
        if rows.is_empty() {
            return;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        if self.headers {
            table.set_header(headers.iter().map(|header| self.paint(&Cell(Tone::Dim, (*header).to_owned()))));
        }
        for row in rows {
            table.add_row(row.iter().map(|cell| self.paint(cell)));
        }
        let last = headers.len().saturating_sub(1);
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if index != last {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for line in table.lines() {
            self.page.push_str(line.trim_end());
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
