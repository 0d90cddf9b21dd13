//! What `docker logs --timestamps` and the engine's own log answer look like: rows that begin with their time, and around
//! them, where output and error were kept apart, frames.

use std::io::{self, ErrorKind, Read};

use jiff::Timestamp;

use super::Argv;
use super::lines::{KEPT, Lines, OutputLine};

/// Which rows of a container's log are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query {
    /// At or after.
    pub since: Option<Timestamp>,
    /// At or before.
    pub until: Option<Timestamp>,
    /// Only so many of the newest.
    pub last: Option<u64>,
    /// And all that come from now on.
    pub follow: bool,
}

/// The client's command.
pub fn logs(container: &str, query: Query) -> Argv {
    let mut args = vec!["logs".to_owned(), "--timestamps".to_owned()];
    args.extend(query.since.map(|time| format!("--since={}", moment(time))));
    args.extend(query.until.map(|time| format!("--until={}", moment(time))));
    args.extend(query.last.map(|count| format!("--tail={count}")));
    args.extend(query.follow.then(|| "--follow".to_owned()));
    Argv::new("docker", args).with(["--", container])
}

/// The same asked of the engine itself (<https://docs.docker.com/reference/api/engine/>).
pub fn api_logs(container: &str, query: Query) -> String {
    let mut path = format!("/containers/{container}/logs?stdout=1&stderr=1&timestamps=1");
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            path.extend(["&", key, "=", &value]);
        }
    };
    add("since", query.since.map(moment));
    add("until", query.until.map(moment));
    add("tail", query.last.map(|count| count.to_string()));
    add("follow", query.follow.then(|| "1".to_owned()));
    path
}

fn moment(time: Timestamp) -> String {
    format!("{}.{:09}", time.as_second(), time.subsec_nanosecond())
}

/// A row of a container's log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerLine {
    /// When the engine received it; `None` for what is no row of a log, such as the client's complaints.
    pub time: Option<Timestamp>,
    /// What it says, cut at [`KEPT`].
    pub text: Vec<u8>,
    /// How long it truly is, bytes.
    pub length: u64,
}

impl ContainerLine {
    fn of(line: OutputLine<'_>) -> Self {
        let (time, text) = match memchr::memchr(b' ', line.bytes) {
            Some(at) => (stamp(&line.bytes[..at]), &line.bytes[at + 1..]),
            None => (stamp(line.bytes), &line.bytes[line.bytes.len()..]),
        };
        match time {
            Some(_) => ContainerLine {
                time,
                text: text.to_vec(),
                length: line.length - (line.bytes.len() - text.len()) as u64,
            },
            None => ContainerLine { time, text: line.bytes.to_vec(), length: line.length },
        }
    }

    /// Takes out the times of the pieces that the client put together: it prints one before each.
    fn without_seams(mut self) -> Self {
        const PIECE: usize = 16 << 10;
        let mut seam = PIECE;
        while self.time.is_some() && self.text.len() > seam {
            let rest = &self.text[seam..];
            let end = rest.iter().take(40).position(|byte| *byte == b' ').filter(|end| stamp(&rest[..*end]).is_some());
            let Some(end) = end else { break };
            self.text.drain(seam..=seam + end);
            self.length -= end as u64 + 1;
            seam += PIECE;
        }
        self
    }

    /// Adds what belongs to the same line: docker cuts lines at 16 KiB.
    fn extend(&mut self, more: &ContainerLine) {
        let room = KEPT.saturating_sub(self.text.len()).min(more.text.len());
        self.text.extend_from_slice(&more.text[..room]);
        self.length += more.length;
    }
}

fn stamp(bytes: &[u8]) -> Option<Timestamp> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// Reads rows.
#[derive(Debug)]
pub struct Rows<R> {
    lines: Lines<R>,
    form: Form,
    /// Lines of each stream whose end has not come yet.
    begun: [Option<ContainerLine>; 3],
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Not known before the first bytes; these begin the first line if there turn out to be no frames.
    Unknown,
    /// Frames: the stream's number, three zeros, the size, then a row or a part of one.
    Framed,
    /// Plain rows.
    Plain,
}

impl<R: Read> Rows<R> {
    /// Of the engine's answer, in frames unless the container has a terminal.
    pub fn framed(reader: R) -> Self {
        Rows { lines: Lines::new(reader), form: Form::Unknown, begun: [const { None }; 3] }
    }

    /// Of the client's output.
    pub fn plain(reader: R) -> Self {
        Rows { form: Form::Plain, ..Self::framed(reader) }
    }

    /// The next row.
    ///
    /// # Errors
    /// As the reader's; [`ErrorKind::InvalidData`] where a frame should be and is not.
    pub fn next(&mut self) -> io::Result<Option<ContainerLine>> {
        loop {
            if self.form == Form::Plain {
                return Ok(match self.lines.next()? {
                    Some(line) => Some(ContainerLine::of(trimmed(line)).without_seams()),
                    None => self.lines.rest().map(|line| ContainerLine::of(trimmed(line)).without_seams()),
                });
            }
            let Some(head) = self.lines.take(8)? else {
                if let Some(row) = self.begun.iter_mut().find_map(Option::take) {
                    return Ok(Some(row));
                }
                let cut = self.lines.rest().is_some();
                return if cut { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(None) };
            };
            let head: [u8; 8] = head.bytes.try_into().map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
            let is_frame = head[0] < 3 && head[1..4] == [0; 3];
            match (is_frame, &self.form) {
                (true, _) => self.form = Form::Framed,
                (false, Form::Framed) => return Err(ErrorKind::InvalidData.into()),
                (false, _) => {
                    self.form = Form::Plain;
                    // Every row begins with its time, which is longer than what was taken.
                    let rest = self.lines.next()?;
                    let rest = rest.map_or((Vec::new(), 0), |line| (line.bytes.to_vec(), line.length));
                    let bytes = [&head[..], &rest.0].concat();
                    let row = ContainerLine::of(trimmed(OutputLine { bytes: &bytes, length: rest.1 + 8 }));
                    return Ok(Some(row.without_seams()));
                }
            }
            let stream = usize::from(head[0]);
            let size = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
            let payload = self.lines.take(u64::from(size))?.ok_or_else(|| io::Error::from(ErrorKind::UnexpectedEof))?;
            let whole = payload.bytes.ends_with(b"\n") || payload.length > payload.bytes.len() as u64;
            let part = ContainerLine::of(trimmed(payload));
            let row = match self.begun[stream].take() {
                Some(mut row) => {
                    row.extend(&part);
                    row
                }
                None => part,
            };
            match whole {
                true => return Ok(Some(row)),
                false => self.begun[stream] = Some(row),
            }
        }
    }
}

/// Without its line break, of either kind.
fn trimmed(line: OutputLine<'_>) -> OutputLine<'_> {
    let bytes = line.bytes.strip_suffix(b"\n").unwrap_or(line.bytes);
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    OutputLine { bytes, length: line.length - (line.bytes.len() - bytes.len()) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, text: &str) -> Vec<u8> {
        let size = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0], &size[..], text.as_bytes()].concat()
    }

    fn read(mut rows: Rows<&[u8]>) -> io::Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let time = row.time.map(|time| time.to_string()).unwrap_or_default();
            assert_eq!(row.length, row.text.len() as u64);
            found.push((time, String::from_utf8(row.text).unwrap()));
        }
        Ok(found)
    }

    fn row(time: &str, text: &str) -> (String, String) {
        (time.to_owned(), text.to_owned())
    }

    #[test]
    fn frames_become_rows_and_parts_become_lines() {
        let bytes = [
            frame(1, "2026-11-22T05:14:42.100000000Z one\n"),
            frame(1, "2026-11-22T05:14:42.200000000Z begin,"),
            frame(2, "2026-11-22T05:14:42.300000000Z other\r\n"),
            frame(1, "2026-11-22T05:14:42.200000000Z end\n"),
            frame(1, "2026-11-22T05:14:42.400000000Z \n"),
        ]
        .concat();
        let wanted = [
            row("2026-11-22T05:14:42.1Z", "one"),
            row("2026-11-22T05:14:42.3Z", "other"),
            row("2026-11-22T05:14:42.2Z", "begin,end"),
            row("2026-11-22T05:14:42.4Z", ""),
        ];
        assert_eq!(read(Rows::framed(&bytes)).unwrap(), wanted);
        for end in 0..bytes.len() {
            // Cut anywhere: an error, or rows of which only the last may be shorter than it was.
            let Ok(found) = read(Rows::framed(&bytes[..end])) else { continue };
            assert!(found.len() <= wanted.len(), "cut at {end}");
        }
    }

    #[test]
    fn a_terminals_rows_and_the_clients_come_without_frames() {
        let text = b"2026-11-22T05:14:42.1Z one\r\n2026-11-22T05:14:43Z two\nError: No such container: x";
        let wanted = [
            row("2026-11-22T05:14:42.1Z", "one"),
            row("2026-11-22T05:14:43Z", "two"),
            row("", "Error: No such container: x"),
        ];
        assert_eq!(read(Rows::framed(text)).unwrap(), wanted);
        assert_eq!(read(Rows::plain(text)).unwrap(), wanted);
        assert_eq!(read(Rows::plain(b"")).unwrap(), []);
    }

    #[test]
    fn a_query_is_asked_alike_of_client_and_engine() {
        let query = Query {
            since: Some("2026-11-22T05:14:42.000000001Z".parse().unwrap()),
            until: None,
            last: Some(100),
            follow: true,
        };
        assert_eq!(
            logs("web", query).to_string(),
            "docker logs --timestamps --since=1795324482.000000001 --tail=100 --follow -- web"
        );
        assert_eq!(
            api_logs("web", query),
            "/containers/web/logs?stdout=1&stderr=1&timestamps=1&since=1795324482.000000001&tail=100&follow=1"
        );
    }
}
