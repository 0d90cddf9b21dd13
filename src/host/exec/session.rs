//! What a child must not get from us: our session, whose terminal it could write to and type on, and descriptors that our
//! caller left open.

use std::fs;
use std::io;
use std::ops::Range;
use std::process::Command;

use process_wrap::std::{CommandWrap, CommandWrapper, ProcessSession};
use rustix::fs::OFlags;

/// Descriptors that are looked at where `/proc` does not tell which are open.
const GUESSED: Range<i32> = 3..65_536;

/// Makes the child call `setsid` before it becomes the program: it has no controlling terminal, `/dev/tty` answers ENXIO, and
/// it leads a process group of the same number.
///
/// # Errors
/// None today; the signature is that of the wrapper.
pub(super) fn give(command: &mut Command) -> io::Result<()> {
    ProcessSession.pre_spawn(command, &CommandWrap::with_new("", |_| {}))
}

/// Closes what this process inherited beside its three streams, so that no child inherits it in turn. What is marked
/// close-on-exec is left alone: nobody can have inherited it, so it belongs to the program that calls us.
///
/// Where there is no `/proc`, every number below 65,536 is closed.
#[expect(clippy::disallowed_methods, reason = "before anything else, and of this process alone")]
pub fn close_inherited() {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        GUESSED.for_each(close);
        return;
    };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // All are known before one is closed: the listing itself needs a descriptor, which is gone by then.
    let numbers: Vec<i32> = numbers.filter(|number| *number >= GUESSED.start).collect();
    numbers.into_iter().filter(|number| is_inherited(*number)).for_each(close);
}

#[expect(clippy::disallowed_methods, reason = "as above")]
fn is_inherited(number: i32) -> bool {
    let info = match fs::read_to_string(format!("/proc/self/fdinfo/{number}")) {
        Ok(info) => info,
        Err(error) => return error.kind() != io::ErrorKind::NotFound,
    };
    let flags = info.lines().find_map(|line| u32::from_str_radix(line.strip_prefix("flags:")?.trim(), 8).ok());
    flags.is_none_or(|flags| flags & OFlags::CLOEXEC.bits() == 0)
}

fn close(number: i32) {
    // One that is not open is what is wanted.
    let _ = nix::unistd::close(number);
}
