//! Text for people: lines and tables of toned cells. Everything is escaped on its way in; a tone is a colour and never the
//! only carrier of a meaning.

use owo_colors::{OwoColorize, Style};

use super::cell::{Cell, Column, Tone};
use super::table::{self, Layout};
use super::{escape, wrap};
use crate::redact;
use crate::registry::Verdict;

/// Columns of the outcome or label before a line, with the space behind it.
const LABEL: usize = 9;

/// How a page is made.
#[derive(Debug)]
pub(super) struct Rendering {
    pub(super) layout: Layout,
    pub(super) color: bool,
    /// Secrets are looked for.
    pub(super) quotes_host: bool,
}

/// A page of text under construction.
#[derive(Debug)]
pub struct Text {
    /// Every column is wanted.
    pub wide: bool,
    rendering: Rendering,
    page: String,
}

impl Text {
    pub(super) fn new(rendering: Rendering) -> Self {
        Text { wide: rendering.layout.wide, rendering, page: String::new() }
    }

    pub(super) fn finish(self) -> String {
        self.page
    }

    /// A line that begins with an outcome in a word.
    pub fn outcome(&mut self, verdict: Verdict, word: &str, cells: &[Cell]) {
        self.headed(Cell(Tone::Of(verdict), format!("{word:<width$} ", width = LABEL - 1)), cells);
    }

    /// A line beneath, behind its label.
    pub fn labeled(&mut self, label: &str, cells: &[Cell]) {
        self.headed(Cell(Tone::Dim, format!("{label:>width$} ", width = LABEL - 1)), cells);
    }

    /// A line behind a head in whose width the lines that follow are indented.
    pub fn headed(&mut self, head: Cell, cells: &[Cell]) {
        let hang = wrap::width(&head.1);
        let all: Vec<Cell> = std::iter::once(head).chain(cells.iter().cloned()).collect();
        self.hanging(&all, hang);
    }

    /// A line made of these pieces. One that is too long goes on two columns further in.
    pub fn line(&mut self, cells: &[Cell]) {
        let text: String = cells.iter().map(|Cell(_, text)| text.as_str()).collect();
        self.hanging(cells, text.len() - text.trim_start_matches(' ').len() + 2);
    }

    fn hanging(&mut self, cells: &[Cell], hang: usize) {
        let cells: Vec<Cell> = cells.iter().map(|cell| self.ready(cell)).collect();
        let lines = match self.rendering.layout.columns {
            Some(columns) => table::wrapped(&cells, columns, hang, |cell| self.paint(cell)),
            None => vec![cells.iter().map(|cell| self.paint(cell)).collect()],
        };
        for line in lines {
            self.page.push_str(line.trim_end());
            self.page.push('\n');
        }
    }

    /// An empty line, unless the page begins here.
    pub fn gap(&mut self) {
        if !self.page.is_empty() {
            self.page.push('\n');
        }
    }

    /// A table. Columns are as wide as their widest cell; on a terminal prose wraps, and on a narrow one columns are left out
    /// by their rank, or the cells of a row stand below each other.
    pub fn table(&mut self, columns: &[Column], rows: Vec<Vec<Cell>>) {
        if rows.is_empty() {
            return;
        }
        let rows: Vec<Vec<Cell>> =
            rows.into_iter().map(|row| row.iter().map(|cell| self.ready(cell)).collect()).collect();
        for line in table::lines(columns, &rows, self.rendering.layout, |cell| self.paint(cell)) {
            self.page.push_str(&line);
            self.page.push('\n');
        }
    }

    /// The cell without what may not be shown, before it is measured and its text comes apart.
    fn ready(&self, Cell(tone, text): &Cell) -> Cell {
        let clean = if self.rendering.quotes_host && self.rendering.layout.columns.is_some() {
            redact::house().clean_known(text)
        } else {
            text.into()
        };
        Cell(*tone, escape::line(&clean).into_owned())
    }

    fn paint(&self, Cell(tone, text): &Cell) -> String {
        if !self.rendering.color || matches!(tone, Tone::Plain | Tone::Command) || text.is_empty() {
            return text.clone();
        }
        let style = match tone {
            Tone::Plain | Tone::Command => Style::new(),
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
