//! Log lines on their way out: text with a head that no line can forge, or JSON Lines.

use std::io::Write;

use jiff::Timestamp;
use owo_colors::{OwoColorize, Style};

use super::{Format, Ui, escape, json};
use crate::observe::logs::level::LogLevel;
use crate::observe::logs::line::Line;
use crate::units;

/// How lines are printed.
#[derive(Debug, Clone)]
pub struct Stream {
    json: bool,
    color: bool,
    timestamps: bool,
    /// What stands before the lines of each source, padded; none where nothing does.
    heads: Option<Vec<String>>,
}

impl Stream {
    /// `labels`, one a source, where lines are to say whose they are.
    pub fn new(ui: Ui, timestamps: bool, labels: Option<&[&str]>) -> Self {
        let width = labels.into_iter().flatten().map(|label| label.chars().count()).max().unwrap_or_default();
        Stream {
            json: ui.format == Format::Json,
            color: ui.colored(),
            timestamps,
            heads: labels.map(|labels| labels.iter().map(|label| format!("{label:<width$} | ")).collect()),
        }
    }

    /// Writes a line of the source of this index. Each line of a text of several has its head.
    pub fn line(&self, source: usize, line: &Line<'_>, out: &mut Vec<u8>) {
        if self.json {
            // Neither writing to memory nor serializing these types can fail.
            let _ = json::append(out, line);
            return;
        }
        let words = line.words();
        for text in words.split('\n') {
            self.head(source, line.time, out);
            let text = without_color(text.strip_suffix('\r').unwrap_or(text));
            let text = escape::lines(&text);
            match line.level.filter(|_| self.color).map(style) {
                Some(Some(style)) => drop(write!(out, "{}", text.style(style))),
                _ => out.extend_from_slice(text.as_bytes()),
            }
            out.push(b'\n');
        }
    }

    fn head(&self, source: usize, time: Option<Timestamp>, out: &mut Vec<u8>) {
        if self.timestamps {
            // Writing to memory cannot fail.
            let _ = match time {
                Some(time) => write!(out, "{} ", units::log_stamp(time)),
                None => write!(out, "{:<24} ", "-"),
            };
        }
        if let Some(head) = self.heads.as_ref().and_then(|heads| heads.get(source)) {
            match self.color {
                true => drop(write!(out, "{}", head.style(PALETTE[source % PALETTE.len()]))),
                false => out.extend_from_slice(head.as_bytes()),
            }
        }
    }
}

const PALETTE: [Style; 6] = [
    Style::new().cyan(),
    Style::new().green(),
    Style::new().magenta(),
    Style::new().blue(),
    Style::new().bright_cyan(),
    Style::new().bright_magenta(),
];

fn style(level: LogLevel) -> Option<Style> {
    match level {
        LogLevel::Fatal | LogLevel::Error => Some(Style::new().red()),
        LogLevel::Warn => Some(Style::new().yellow()),
        LogLevel::Info => None,
        LogLevel::Debug | LogLevel::Trace => Some(Style::new().dimmed()),
    }
}

/// The text without the colours and erased lines (`ESC [ … m`, `ESC [ … K`) of a program that took the log for a terminal;
/// escaped they would say nothing.
fn without_color(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('\x1b') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        let after = &rest[at + 2..];
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';');
        if let Some(end) = end.filter(|end| after[*end..].starts_with(['m', 'K'])) {
            plain.push_str(&rest[..at]);
            rest = &after[end + 1..];
        } else {
            plain.push_str(&rest[..at + 2]);
            rest = after;
        }
    }
    plain.push_str(rest);
    plain.into()
}
