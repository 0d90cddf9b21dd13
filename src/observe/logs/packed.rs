//! How far a packed log is read. It was written by whoever may write there, and a megabyte can become a terabyte.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::World;
use super::merge::Board;
use super::open::{open, size, trouble};
use crate::host::exec::{Stream, Streams};
use crate::host::tools::lines::Lines;
use crate::host::tools::unpack::{self, Packing};
use crate::host::tools::{Content, Input};
use crate::host::trouble::Trouble;

/// Logs shrink to a tenth or a fiftieth; what shrinks further than this says nothing.
const RATIO: u64 = 250;
/// So much is unpacked in any case, bytes.
const LEAST: u64 = 64 << 20;
/// And no more, bytes.
const MOST: u64 = 4 << 30;

/// How a file is packed, by its content; `None` where it is text.
///
/// # Errors
/// Where it is neither text nor packed in a way that is known, or cannot be read.
pub(super) fn packing(path: &Path, file: &File) -> Result<Option<Packing>, Trouble> {
    let mut head = [0; unpack::HEAD];
    let count = file.read_at(&mut head, 0).map_err(|error| trouble(&error))?;
    let packing = unpack::packing(&head[..count]);
    let named = path.to_str().is_some_and(|path| unpack::EXTENSIONS.iter().any(|end| path.ends_with(end)));
    match packing {
        _ if unpack::is_archive(&head[..count]) => {
            Err(Trouble::Failed("is an archive, not a log: unpack it to read it".to_owned()))
        }
        None if named => Err(Trouble::Failed("is not compressed as its name indicates".to_owned())),
        packing => Ok(packing),
    }
}

/// Where the last `count` lines of a packed file begin, bytes as they are unpacked, and how many there are. What cannot be unpacked is told
/// when it is read.
pub(super) fn lines_packed(world: &World, path: &Path, count: u64) -> Result<(u64, u64), Trouble> {
    let Ok(stream) = unpack(world, path) else { return Ok((0, 0)) };
    let mut lines = Lines::new(stream);
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let mut begins = VecDeque::from([0]);
    loop {
        match lines.next() {
            Ok(Some(_)) => {}
            Err(error) if error.kind() == ErrorKind::QuotaExceeded => return Err(trouble(&error)),
            Ok(None) | Err(_) => break,
        }
        begins.push_back(lines.position());
        // One more than is wanted, because nothing may follow the last line break.
        if begins.len() > limit.saturating_add(1) {
            begins.pop_front();
        }
    }
    // What follows the last line break is a line only if there is something.
    if lines.rest().is_none() {
        begins.pop_back();
    } else if begins.len() > limit {
        begins.pop_front();
    }
    Ok((begins.front().copied().unwrap_or_default(), begins.len() as u64))
}

/// Unpacks a file, as far as its bounds allow.
///
/// # Errors
/// Why it cannot be.
pub(super) fn unpack(world: &World, path: &Path) -> Result<Unpacked, Trouble> {
    // Neither a pipe nor anything else that would never end.
    let file = open(world, path).map_err(|error| trouble(&error))?;
    let file = file.ok_or_else(|| Trouble::Unavailable("does not exist".to_owned()))?;
    let packed = size(&file).map_err(|error| trouble(&error))?;
    let replaced = || Trouble::Failed("was replaced while it was read".to_owned());
    let packing = packing(path, &file)?.ok_or_else(replaced)?;
    // Handed over open: by its path it could be another file by then.
    let content = Content::File(world.system.path(&path.to_string_lossy()));
    let input = Input { name: path.display().to_string(), content };
    let argv = unpack::unpack(packing, input);
    let stream = world.processes().stream(&argv, Streams::Apart, world.silence)?;
    Ok(Unpacked { stream, board: Arc::clone(&world.board), bounds: Bounds::of(packed, world.silence) })
}

/// What is unpacked, as far as its bounds allow.
pub(super) struct Unpacked {
    pub(super) stream: Stream,
    /// Nothing is read when nobody wants more.
    pub(super) board: Arc<Board>,
    pub(super) bounds: Bounds,
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.board.closed() {
            return Err(ErrorKind::BrokenPipe.into());
        }
        self.bounds.read(&mut self.stream, buffer)
    }
}

/// How many bytes, and for how long. Only time in which it is waited for data counts, not that of whoever reads them.
#[derive(Debug)]
pub(super) struct Bounds {
    bytes: u64,
    read: u64,
    time: Duration,
    waited: Duration,
}

impl Bounds {
    /// Of a file of so many bytes.
    pub(super) fn of(packed: u64, time: Duration) -> Self {
        Bounds { bytes: packed.saturating_mul(RATIO).clamp(LEAST, MOST), read: 0, time, waited: Duration::ZERO }
    }

    fn read(&mut self, reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
        let stop = |why: String| io::Error::new(ErrorKind::QuotaExceeded, why);
        if self.read >= self.bytes {
            return Err(stop(format!("only its first {} bytes were unpacked: it is too large", self.read)));
        }
        if self.waited >= self.time {
            let seconds = self.time.as_secs_f32();
            return Err(stop(format!("only its first {} bytes were unpacked in {seconds:.1} s", self.read)));
        }
        let begun = Instant::now();
        let room = usize::try_from(self.bytes - self.read).unwrap_or(usize::MAX).min(buffer.len());
        let count = reader.read(&mut buffer[..room])?;
        self.waited += begun.elapsed();
        self.read += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a9_what_unpacks_without_end_is_read_to_a_bound() {
        let mut bounds = Bounds::of(60 << 10, Duration::from_mins(10));
        let mut buffer = vec![0; 1 << 20];
        let mut read = 0_u64;
        let error = loop {
            match bounds.read(&mut io::repeat(0), &mut buffer) {
                Ok(count) => read += count as u64,
                Err(error) => break error,
            }
        };
        assert_eq!((read, error.kind()), (LEAST, ErrorKind::QuotaExceeded));
        assert_eq!(Bounds::of(1 << 20, Duration::ZERO).bytes, 250 << 20);
        assert_eq!(Bounds::of(u64::MAX, Duration::ZERO).bytes, MOST);
    }

    #[test]
    fn a3_what_comes_in_drops_is_read_for_a_time() {
        struct Slow;
        impl Read for Slow {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                std::thread::sleep(Duration::from_millis(5));
                buffer[0] = b'x';
                Ok(1)
            }
        }
        let mut bounds = Bounds::of(0, Duration::from_millis(50));
        let mut count = 0;
        while bounds.read(&mut Slow, &mut [0; 8]).is_ok() {
            count += 1;
        }
        assert!((1..=10).contains(&count), "{count}");
    }
}
