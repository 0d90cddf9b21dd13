//! Lines out of files: the one that is written to and, where they are wanted, those that it was before it was rotated. Only
//! regular files are read. A followed file survives being renamed, emptied and made anew.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::open::{open, size, trouble};
use super::packed::{lines_packed, packing, unpack};
use super::parse;
use super::rotated::is_copy;
use super::source::Kind;
use super::{At, LogPlace, Range, Raw, World};
use crate::host::exec::{Output, ProcessEnd};
use crate::host::tools::lines::Lines;
use crate::host::trouble::{Trouble, failure};

/// Lines before the wanted ones that are read for the time that they state.
const BEFORE: u64 = 20;
/// How often a followed file is looked at.
const POLL_FILE: Duration = Duration::from_millis(20);
/// How much is read at once when looking backwards.
const BLOCK: usize = 64 << 10;
/// Lines at a place in a file of which one should have a time.
const SAMPLE: usize = 200;

/// Where reading a file has come to.
#[derive(Debug)]
pub struct Reached {
    lines: Lines<File>,
    inode: u64,
}

/// Where lines are read from.
#[derive(Debug, Clone, Copy)]
struct Beginning {
    inode: u64,
    /// Where reading begins.
    begin: u64,
    /// Where what is wanted begins.
    wanted: u64,
}

impl Beginning {
    /// All of a file from where it was read to: its places do not matter any more.
    fn of(inode: u64) -> Self {
        Beginning { inode, begin: 0, wanted: 0 }
    }
}

/// Reads the lines of a file, oldest first, as long as `each` wants more. What it comes to is where [`follow`] goes on; none
/// when the file does not exist.
pub fn read(
    world: &World,
    source: usize,
    range: &Range,
    each: &mut dyn FnMut(&Raw<'_>) -> bool,
) -> Result<Option<Reached>, Trouble> {
    let path = path(world, source);
    let current = open(world, &path).map_err(|error| trouble(&error))?;
    let Some(current) = current else {
        // Where there are others, one that is not there is no surprise; where it is followed, it may yet come.
        return match world.has_others(source) || world.wanted.follow {
            true => Ok(None),
            false => Err(Trouble::Unavailable("does not exist".to_owned())),
        };
    };
    let mut parts = rotated(world, &path, range);
    parts.push(path.clone());
    let mut start = 0;
    let mut first = parts.len() - 1;
    if let Some(LogPlace::Offset(inode, offset)) = range.from {
        first =
            parts.iter().position(|part| world.system.metadata(part).is_ok_and(|m| m.ino() == inode)).unwrap_or(first);
        start = offset;
    } else if let Some(last) = range.last {
        let mut missing = last;
        loop {
            let (place, lines) = match plain(world, &parts[first]) {
                Some(file) => {
                    size(&file).and_then(|end| lines_back(&file, end, missing)).map_err(|error| trouble(&error))?
                }
                None => match lines_packed(world, &parts[first], missing) {
                    Ok(found) => found,
                    // Its last lines are not known, so what is before them is not wanted either.
                    Err(trouble) => {
                        world.board.trouble(&format!("file:{}", parts[first].display()), trouble);
                        first += 1;
                        start = 0;
                        break;
                    }
                },
            };
            start = place;
            missing -= lines;
            if missing == 0 || first == 0 {
                break;
            }
            first -= 1;
        }
    } else if let Some(since) = range.since {
        first = 0;
        if let Some(file) = plain(world, &parts[0]) {
            start = offset_of(world, &file, since).map_err(|error| trouble(&error))?;
        }
    } else {
        first = 0;
    }
    for (index, part) in parts[first..parts.len() - 1].iter().enumerate() {
        let offset = if index == 0 { start } else { 0 };
        // What cannot be read of the past hides nothing of the present.
        match earlier(world, source, part, offset, each) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(trouble) => world.board.trouble(&format!("file:{}", part.display()), trouble),
        }
    }
    let offset = if first == parts.len() - 1 { start } else { 0 };
    if packing(&path, &current)?.is_some() {
        // What is written is packed as well: there is nothing to be followed.
        return earlier(world, source, &path, offset, each).map(|_| None);
    }
    let inode = current.metadata().map(|meta| meta.ino()).unwrap_or_default();
    let (lines, _) = pass_on(world, source, current, offset, each).map_err(|error| trouble(&error))?;
    Ok(Some(Reached { lines, inode }))
}

/// The end of the file as it is now, from which it is followed where nothing of it is read; `None` where there is no such file.
pub fn at_end(world: &World, source: usize) -> Option<Reached> {
    let mut file = open(world, &path(world, source)).ok()??;
    file.seek(SeekFrom::End(0)).ok()?;
    let inode = file.metadata().ok()?.ino();
    Some(Reached { lines: Lines::new(file), inode })
}

fn path(world: &World, source: usize) -> PathBuf {
    match &world.sources[source].kind {
        Kind::File { path, .. } => PathBuf::from(path),
        Kind::Journal { .. } | Kind::Container => PathBuf::new(),
    }
}

/// The file, where it is not packed.
fn plain(world: &World, path: &Path) -> Option<File> {
    open(world, path).ok().flatten().filter(|file| packing(path, file) == Ok(None))
}

/// What the file was before, oldest first; of that, what may hold wanted lines.
fn rotated(world: &World, path: &Path, range: &Range) -> Vec<PathBuf> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let Some(dir) = path.parent() else { return Vec::new() };
    let siblings = world.system.list(dir).unwrap_or_default().into_iter();
    let mut found: Vec<(i64, PathBuf)> = siblings
        .filter(|sibling| sibling.is_file() && sibling.name.to_str().is_some_and(|other| is_copy(name, other)))
        .map(|sibling| (sibling.modified(), dir.join(&sibling.name)))
        .filter(|(changed, _)| range.since.is_none_or(|since| *changed >= since))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, path)| path).collect()
}

/// Where the last `count` lines before `size` begin, and how many there are if there are fewer.
fn lines_back(file: &File, size: u64, count: u64) -> io::Result<(u64, u64)> {
    if count == 0 {
        return Ok((size, 0));
    }
    let mut block = vec![0; BLOCK];
    let mut found = 0;
    let mut end = size;
    while end > 0 {
        let begin = end.saturating_sub(BLOCK as u64);
        let piece = &mut block[..usize::try_from(end - begin).unwrap_or_default()];
        file.read_exact_at(piece, begin)?;
        for at in memchr::memrchr_iter(b'\n', piece) {
            let after = begin + at as u64 + 1;
            // The last line's own end does not begin another.
            if after == size {
                continue;
            }
            found += 1;
            if found == count {
                return Ok((after, count));
            }
        }
        end = begin;
    }
    Ok((0, if size == 0 { 0 } else { found + 1 }))
}

/// A place before which no line is as late as `since`, found backwards in growing steps.
fn offset_of(world: &World, file: &File, since: i64) -> io::Result<u64> {
    let size = file.metadata()?.len();
    let mut window = 1 << 20;
    while window < size {
        let begin = size - window;
        let mut lines = Lines::new(At64(file, begin));
        // The first line of the window has most likely lost its beginning.
        let whole = lines.next()?.map(|line| begin + line.length + 1);
        if let (Some(whole), Some(time)) = (whole, first_time(world, &mut lines)?)
            && time < since
        {
            return Ok(whole);
        }
        window *= 8;
    }
    Ok(0)
}

/// A file from a place on, without moving the file's own place.
struct At64<'a>(&'a File, u64);

impl Read for At64<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read_at(buffer, self.1)?;
        self.1 += count as u64;
        Ok(count)
    }
}

/// The first time that a line states.
fn first_time<R: Read>(world: &World, lines: &mut Lines<R>) -> io::Result<Option<i64>> {
    for _ in 0..SAMPLE {
        let Some(line) = lines.next()? else { return Ok(None) };
        let text = String::from_utf8_lossy(line.bytes);
        if let Some(time) = parse::understand(&text, None, &world.clock).time {
            return Ok(Some(time));
        }
    }
    Ok(None)
}

/// Reads what the file was before, from `start` bytes on; whether more is wanted.
fn earlier(
    world: &World,
    source: usize,
    path: &Path,
    start: u64,
    each: &mut dyn FnMut(&Raw<'_>) -> bool,
) -> Result<bool, Trouble> {
    let Some(file) = open(world, path).map_err(|error| trouble(&error))? else { return Ok(true) };
    if packing(path, &file)?.is_none() {
        let inode = file.metadata().map(|meta| meta.ino()).unwrap_or_default();
        let (lines, more) = pass_on(world, source, file, start, each).map_err(|error| trouble(&error))?;
        // Nobody writes there any more, so that its last line is whole.
        return Ok(more && unfinished(world, source, &mut Reached { lines, inode }, each));
    }
    let meta = world.system.metadata(path).map_err(|error| trouble(&error))?;
    let mut lines = Lines::new(unpack(world, path)?);
    lines.take(start).map_err(|error| trouble(&error))?;
    let more = drain(
        source,
        &mut lines,
        Beginning { inode: meta.ino(), begin: start, wanted: start },
        meta.mtime().saturating_mul(1_000_000),
        true,
        each,
    );
    if !more.map_err(|error| trouble(&error))? {
        return Ok(false);
    }
    match lines.into_reader().stream.finish() {
        (ProcessEnd::Code(0), _) => Ok(true),
        (exit, said) => Err(failure(&Output { exit, stdout: Vec::new(), stderr: said.into_bytes() })),
    }
}

/// Reads a file from `offset` to its present end; whether more is wanted.
fn pass_on(
    world: &World,
    source: usize,
    mut file: File,
    offset: u64,
    each: &mut dyn FnMut(&Raw<'_>) -> bool,
) -> io::Result<(Lines<File>, bool)> {
    let meta = file.metadata()?;
    // A line that states no time is as old as the one before it, which may be before what is wanted.
    let (begin, _) = if offset == 0 { (0, 0) } else { lines_back(&file, offset, BEFORE)? };
    // Lines before the first that states a time belong with it; where none does, they are as old as the file's last change.
    let first = first_time(world, &mut Lines::new(At64(&file, begin)))?;
    let fallback = first.unwrap_or(changed(&meta));
    file.seek(SeekFrom::Start(begin))?;
    let mut lines = Lines::new(file);
    let place = Beginning { inode: meta.ino(), begin, wanted: offset };
    let more = drain(source, &mut lines, place, fallback, false, each)?;
    Ok((lines, more))
}

/// Hands over all lines that there are now, the last one only if it is whole or `ended`; whether more is wanted.
fn drain<R: Read>(
    source: usize,
    lines: &mut Lines<R>,
    place: Beginning,
    fallback: i64,
    ended: bool,
    each: &mut dyn FnMut(&Raw<'_>) -> bool,
) -> io::Result<bool> {
    loop {
        let offset = place.begin + lines.position();
        let (at, before) = (At::Offset(place.inode, offset), offset < place.wanted);
        let line = match lines.next()? {
            Some(line) => line,
            None if ended => match lines.rest() {
                Some(line) => line,
                None => return Ok(true),
            },
            None => return Ok(true),
        };
        let text = line.bytes.strip_suffix(b"\r").unwrap_or(line.bytes);
        let length = line.length - (line.bytes.len() - text.len()) as u64;
        if !each(&Raw { source, time: None, text: Some(text), length, priority: None, before, fallback, at }) {
            return Ok(false);
        }
    }
}

/// Hands over the last line of a file although nothing ends it: nothing is written there any more, or it is not waited for.
pub fn unfinished(world: &World, source: usize, reached: &mut Reached, each: &mut dyn FnMut(&Raw<'_>) -> bool) -> bool {
    let fallback = world.now();
    drain(source, &mut reached.lines, Beginning::of(reached.inode), fallback, true, each).unwrap_or(true)
}

/// Follows a file by its name from where it was read to; from its beginning when it did not exist.
pub fn follow(
    world: &World,
    source: usize,
    mut reached: Option<Reached>,
    each: &mut dyn FnMut(&Raw<'_>) -> bool,
) -> Result<(), Trouble> {
    let path = path(world, source);
    let fail = |error: io::Error| trouble(&error);
    while !world.board.closed() {
        if let Some(known) = &mut reached {
            let (inode, now) = (known.inode, world.now());
            if !drain(source, &mut known.lines, Beginning::of(inode), now, false, each).map_err(fail)? {
                return Ok(());
            }
            let there = world.system.metadata(&path).ok();
            match there {
                Some(meta) if meta.ino() == inode => {
                    let file = known.lines.reader();
                    if meta.len() < file.stream_position().map_err(fail)? {
                        // Emptied: what is written from now on is at its beginning again.
                        file.rewind().map_err(fail)?;
                        let file = file.try_clone().map_err(fail)?;
                        known.lines = Lines::new(file);
                        continue;
                    }
                }
                Some(_) => {
                    // Renamed, and another is in its place.
                    if !unfinished(world, source, known, each) {
                        return Ok(());
                    }
                    reached = None;
                    continue;
                }
                // Renamed, and nothing is in its place yet: whoever has it open may write on.
                None => {}
            }
        } else if let Some(file) = open(world, &path).map_err(fail)? {
            let inode = file.metadata().map_err(fail)?.ino();
            reached = Some(Reached { lines: Lines::new(file), inode });
            continue;
        }
        thread::sleep(POLL_FILE);
    }
    Ok(())
}

/// When a file was changed last, microseconds since 1970; its owner sets that to whatever can be written.
fn changed(meta: &std::fs::Metadata) -> i64 {
    meta.mtime().saturating_mul(1_000_000).saturating_add(meta.mtime_nsec() / 1000)
}
