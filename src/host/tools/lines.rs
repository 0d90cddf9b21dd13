//! Lines out of a stream of bytes, of which no more than a bound is ever held: a line of 100 MiB costs as little memory
//! as one of 100 bytes.

use std::io::{self, ErrorKind, Read};

use memchr::memchr;

/// How much of one line is shown, bytes; what is longer is cut and said to be.
pub const LINE_LIMIT: usize = 64 << 10;
/// How much more of it is kept, bytes: whoever takes secrets out must see those whole that stand where the line is cut.
pub const MARGIN: usize = 8 << 10;
/// How much of one line is kept, bytes.
pub const KEPT: usize = LINE_LIMIT + MARGIN;
/// How much is read at once, bytes.
const CHUNK: usize = 64 << 10;

/// A line, or as much of it as is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLine<'a> {
    /// Its first [`KEPT`] bytes, without the line break.
    pub bytes: &'a [u8],
    /// How long it truly was, bytes.
    pub length: u64,
}

/// Splits what a reader gives.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    chunk: Box<[u8]>,
    start: usize,
    end: usize,
    /// The beginning of a line whose end has not come yet.
    kept: Vec<u8>,
    /// How long that line is so far.
    length: u64,
    /// Whether `kept` is a line that was given out and is to be forgotten.
    given: bool,
    /// Where in the stream the next line begins, bytes from where reading began.
    position: u64,
}

impl<R: Read> Lines<R> {
    /// Of this reader.
    pub fn new(reader: R) -> Self {
        let chunk = vec![0; CHUNK].into_boxed_slice();
        Lines { reader, chunk, start: 0, end: 0, kept: Vec::new(), length: 0, given: false, position: 0 }
    }

    /// The next whole line. `None` at the end of what there is now: of a file that grows, more may come later.
    ///
    /// # Errors
    /// As the reader's.
    pub fn next(&mut self) -> io::Result<Option<OutputLine<'_>>> {
        self.forget();
        loop {
            let chunk = self.start..self.end;
            let Some(at) = memchr(b'\n', &self.chunk[chunk.clone()]) else {
                self.keep(chunk);
                if !self.fill()? {
                    return Ok(None);
                }
                continue;
            };
            let piece = chunk.start..chunk.start + at;
            self.start = piece.end + 1;
            self.position += self.length + at as u64 + 1;
            if self.length == 0 {
                return Ok(Some(OutputLine { bytes: &self.chunk[piece.clone()], length: piece.len() as u64 }));
            }
            self.keep(piece);
            self.given = true;
            return Ok(Some(OutputLine { bytes: &self.kept, length: self.length }));
        }
    }

    /// The last line where it has no line break.
    pub fn rest(&mut self) -> Option<OutputLine<'_>> {
        self.forget();
        self.position += self.length;
        self.given = true;
        (self.length > 0).then_some(OutputLine { bytes: &self.kept, length: self.length })
    }

    /// The next `count` bytes, whatever they are. `None` when there are fewer.
    ///
    /// # Errors
    /// As the reader's.
    pub fn take(&mut self, count: u64) -> io::Result<Option<OutputLine<'_>>> {
        self.forget();
        while self.length < count {
            let wanted = usize::try_from(count - self.length).unwrap_or(usize::MAX).min(self.end - self.start);
            let piece = self.start..self.start + wanted;
            self.start = piece.end;
            self.keep(piece);
            if self.length < count && !self.fill()? {
                return Ok(None);
            }
        }
        self.position = self.position.saturating_add(count);
        self.given = true;
        Ok(Some(OutputLine { bytes: &self.kept, length: self.length }))
    }

    /// Where the next line begins, bytes from where reading began.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The reader.
    pub fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The reader, and what was read of it is lost.
    pub fn into_reader(self) -> R {
        self.reader
    }

    fn forget(&mut self) {
        if std::mem::take(&mut self.given) {
            self.kept.clear();
            self.length = 0;
        }
    }

    fn keep(&mut self, piece: std::ops::Range<usize>) {
        let room = (KEPT - self.kept.len()).min(piece.len());
        self.kept.extend_from_slice(&self.chunk[piece.start..piece.start + room]);
        self.length += piece.len() as u64;
    }

    /// Reads more; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.start = 0;
        self.end = 0;
        loop {
            match self.reader.read(&mut self.chunk) {
                Ok(count) => {
                    self.end = count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives one byte at a time, and nothing now and then.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(reader: impl Read) -> Vec<(Vec<u8>, u64)> {
        let mut lines = Lines::new(reader);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.bytes.to_vec(), line.length));
        }
        found.extend(lines.rest().map(|line| (line.bytes.to_vec(), line.length)));
        found
    }

    #[test]
    fn lines_come_whole_however_they_arrive() {
        let text = b"one\n\nthree\r\nlast";
        let wanted = vec![(b"one".to_vec(), 3), (b"".to_vec(), 0), (b"three\r".to_vec(), 6), (b"last".to_vec(), 4)];
        assert_eq!(all(&text[..]), wanted);
        assert_eq!(all(Drip(text)), wanted);
        assert_eq!(all(&b""[..]), vec![]);
    }

    #[test]
    fn a9_a_line_of_100_mib_is_cut_and_its_length_told() {
        let long = io::repeat(b'x').take(100 << 20).chain(&b"\nshort\n"[..]);
        let found = all(long);
        assert_eq!((found[0].0.len(), found[0].1), (KEPT, 100 << 20));
        assert_eq!(found[1], (b"short".to_vec(), 5));
    }

    #[test]
    fn a_line_that_grows_is_given_when_it_ends() {
        struct Growing(Vec<&'static [u8]>);
        impl Read for Growing {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if self.0.is_empty() {
                    return Ok(0);
                }
                let part = self.0.remove(0);
                buffer[..part.len()].copy_from_slice(part);
                Ok(part.len())
            }
        }
        let mut lines = Lines::new(Growing(vec![b"be", b"", b"gun\nx", b""]));
        assert_eq!(lines.next().unwrap(), None);
        assert_eq!(lines.next().unwrap().unwrap().bytes, b"begun");
        assert_eq!(lines.position(), 6);
        assert_eq!(lines.next().unwrap(), None);
        assert_eq!(lines.rest().unwrap().bytes, b"x");
    }

    #[test]
    fn bytes_are_taken_by_number() {
        let mut lines = Lines::new(Drip(b"ab\ncd\nrest"));
        assert_eq!(lines.take(4).unwrap().unwrap().bytes, b"ab\nc");
        assert_eq!(lines.next().unwrap().unwrap().bytes, b"d");
        assert_eq!(lines.take(9).unwrap(), None);
    }
}
