//! The way out: the only place that prints. A report is rendered to text or JSON here; stdout is data, stderr is prose.

mod cell;
mod document;
pub mod escape;
mod fit;
mod gauge;
mod json;
pub mod screen;
mod stream;
mod table;
mod text;
mod wrap;

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use clap::ValueEnum;

pub use cell::{Cell, Column, Tone};
pub use document::Report;
pub use stream::Stream;
pub use text::Text;

use crate::error::Error;
use crate::host::tools::Argv;
use crate::program;
use crate::redact;

/// What to print a report as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For people with a wide terminal: every column
    Wide,
    /// For programs: one JSON document
    Json,
    /// Names only, one a line
    Name,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, as NO_COLOR and CLICOLOR_FORCE say
    Auto,
    /// Even into a pipe
    Always,
    /// Not at all
    Never,
}

/// How to print.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    /// Form of reports.
    pub format: Format,
    /// Column headers.
    pub headers: bool,
    /// Colour on stdout.
    pub color: Color,
    /// No prose beside errors.
    pub quiet: bool,
}

impl Ui {
    /// Prints a report to stdout.
    ///
    /// # Errors
    /// When stdout cannot be written; a closed pipe is one of these.
    pub fn report(self, report: &impl Report) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => json::pretty(&mut out, report, report.quotes_host())?,
            Format::Name => {
                for name in report.names() {
                    writeln!(out, "{}", escape::line(&name))?;
                }
            }
            Format::Text | Format::Wide => out.write_all(self.text(report).as_bytes())?,
        }
        out.flush()
    }

    /// Prints a report as one line of JSON.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn json_line(report: &impl Report) -> io::Result<()> {
        let mut out = io::stdout().lock();
        json::compact(&mut out, report)?;
        out.flush()
    }

    /// Prints a report as a block of its own, for a terminal that shows one below the other.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn block(self, report: &impl Report) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all((self.text(report) + "\n").as_bytes())?;
        out.flush()
    }

    /// Draws a report on a screen, below a line that says what it is.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn draw(self, screen: &mut screen::Screen, head: &str, report: &impl Report) -> io::Result<()> {
        let width = columns(&io::stdout()).unwrap_or(usize::MAX);
        let head: String = escape::line(head).chars().take(width).collect();
        screen.draw(&format!("{head}\n{}", self.text(report)))
    }

    /// Prints text that opsctl made itself: completion scripts, manual pages, schemas, help.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn raw(text: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text)?;
        out.flush()
    }

    /// Text with what others wrote in it, for [`raw`](Self::raw) or a file: without secrets.
    pub fn clean(text: String) -> String {
        redact::house().clean_document(text)
    }

    /// A document as it would be printed, for a file.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn document(document: &impl serde::Serialize) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        json::pretty(&mut out, document, true)?;
        Ok(out)
    }

    fn text(self, report: &impl Report) -> String {
        let wide = self.format == Format::Wide;
        let mut text = Text::new(text::Rendering {
            layout: table::Layout { headers: self.headers, wide, columns: columns(&io::stdout()) },
            color: self.colored(),
            quotes_host: report.quotes_host(),
        });
        report.text(&mut text);
        match report.quotes_host() {
            true => redact::house().clean_document(text.finish()),
            false => text.finish(),
        }
    }

    fn colored(self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => Ui::is_colored(),
        }
    }

    /// Whether stdout takes colour, where no flag says so.
    pub fn is_colored() -> bool {
        anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
    }

    /// Whether somebody looks at stdout.
    pub fn is_terminal() -> bool {
        io::stdout().is_terminal()
    }

    /// Whether stdout is a terminal on which prose beside a margin cannot be read.
    pub fn is_narrow() -> bool {
        const NARROW: usize = 60;
        columns(&io::stdout()).is_some_and(|columns| columns < NARROW)
    }

    /// Whether whoever read stdout has gone.
    pub fn is_abandoned() -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let stdout = io::stdout();
        let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
        let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        poll(&mut fds, Some(&Timespec::default())).is_ok() && fds[0].revents().intersects(gone)
    }

    /// Whether there is somebody at a terminal to be asked.
    pub fn can_ask() -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a question whose answer is no unless it is plainly yes; `None` when none came until `until`.
    pub fn ask(question: &str, before: &[String], until: Option<Instant>) -> Option<bool> {
        let answer = Ui::prompt(&format!("{} [y/N] ", escape::line(question)), before, until)?;
        Some(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for a word; `None` when none came until `until`.
    pub fn answer(question: &str, before: &[String], until: Option<Instant>) -> Option<String> {
        Ui::prompt(&format!("{}: ", escape::line(question)), before, until)
    }

    /// A line that is typed after this; empty when it cannot be read.
    fn prompt(question: &str, before: &[String], until: Option<Instant>) -> Option<String> {
        for line in before {
            folded(&escape::line(line));
        }
        // That the question cannot be written shows in the answer.
        let _ = write!(io::stderr().lock(), "{question}");
        if !until.is_none_or(can_read) {
            let _ = writeln!(io::stderr().lock());
            return None;
        }
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        Some(if read.is_ok() { answer.trim().to_owned() } else { String::new() })
    }

    /// Tells how work is getting on, on stderr.
    pub fn progress(self, words: &str) {
        if !self.quiet {
            prose(&escape::line(words));
        }
    }

    /// Whether somebody looks at stderr, on a terminal where a line can be written over.
    pub fn has_gauge(self) -> bool {
        let can = std::env::var_os("TERM").is_some_and(|terminal| !terminal.is_empty() && terminal != "dumb");
        !self.quiet && can && io::stderr().is_terminal()
    }

    /// Tells how a transfer is getting on, on stderr, over what it told last.
    pub fn gauge(self, percent: Option<u8>, words: &str) {
        if self.has_gauge() {
            let bar = percent.map(gauge::bar).unwrap_or_default();
            let columns = columns(&io::stderr()).unwrap_or(80);
            let line = format!("  {bar}{}", escape::line(words));
            let line = gauge::cut(&line, columns);
            let _ = write!(io::stderr().lock(), "\r{line}\x1b[K");
        }
    }

    /// Takes the last of these lines away.
    pub fn end_gauge(self) {
        if self.has_gauge() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }

    /// Says what is wrong with the data, on stderr, also when only errors are wanted.
    pub fn warn(words: &str) {
        folded(&format!("{}: {}", program::name(), escape::line(words)));
    }

    /// Says something beside the data, on stderr.
    pub fn note(self, words: &str) {
        if !self.quiet {
            folded(&format!("{}: {}", program::name(), escape::line(words)));
        }
    }

    /// Prints an error: on stdout as a JSON document when that is the format, on stderr in words otherwise.
    pub fn error(format: Format, one_line: bool, error: &Error, document: &impl Report) {
        if format == Format::Json {
            let mut out = io::stdout().lock();
            let written =
                if one_line { json::compact(&mut out, document) } else { json::pretty(&mut out, document, true) };
            match written {
                Err(failed) if failed.kind() != io::ErrorKind::BrokenPipe => {}
                _ => return,
            }
            // Where the document cannot be written, words are better than nothing.
        }
        folded(&format!("{}: {}", program::name(), escape::lines(&error.message)));
        if let Some(hint) = &error.hint {
            let line = format!("  {}", escape::lines(hint));
            // A list is read, a command is pasted.
            if hint.contains(", ") { folded(&line) } else { prose(&line) }
        }
    }
}

/// Waits for a line on stdin, which a terminal hands over whole; false when none came until then.
fn can_read(until: Instant) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = io::stdin();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).unwrap_or_default();
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) if !left.is_zero() => {}
            Ok(0) | Err(_) => return false,
            Ok(_) => return true,
        }
    }
}

/// Rows of a terminal that knows them.
fn rows(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    size(stream).0
}

/// Columns of a terminal, `None` where there is none. One that does not know them, such as a serial line, says 0.
fn columns(stream: &(impl std::os::fd::AsFd + IsTerminal)) -> Option<usize> {
    const USUAL: usize = 80;
    stream.is_terminal().then(|| size(stream).1.unwrap_or(USUAL))
}

fn size(stream: &impl std::os::fd::AsFd) -> (Option<usize>, Option<usize>) {
    let known = |count: u16| (count > 0).then_some(usize::from(count));
    rustix::termios::tcgetwinsize(stream).map_or((None, None), |size| (known(size.ws_row), known(size.ws_col)))
}

/// Prints a wrapped command as it runs.
pub fn trace(argv: &Argv) {
    prose(&format!("+ {}", escape::line(&argv.to_string())));
}

/// Text on stderr, on a terminal in lines that end between words.
fn folded(text: &str) {
    match columns(&io::stderr()) {
        Some(columns) => text.lines().for_each(|line| fold(line, columns).iter().for_each(|line| prose(line))),
        None => prose(text),
    }
}

/// A line of text in lines of so many columns, those after the first two columns further in.
fn fold(line: &str, columns: usize) -> Vec<String> {
    let hang = line.len() - line.trim_start_matches(' ').len() + 2;
    let lines = wrap::lines(&[Cell::plain(line)], columns, hang);
    lines.into_iter().map(|cells| cells.into_iter().map(|Cell(_, text)| text).collect()).collect()
}

/// A line on stderr. That it cannot be written is no reason to stop.
fn prose(line: &str) {
    let line = redact::house().clean_known(line);
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_not_cut_within_a_word() {
        let text = "opsctl: restart refused, nothing was changed: track: prim-track.service is masked";
        assert_eq!(
            fold(text, 80),
            ["opsctl: restart refused, nothing was changed: track: prim-track.service is", "  masked"]
        );
        assert_eq!(fold("  known: wallet, store, faucet", 24), ["  known: wallet, store,", "    faucet"]);
    }
}
