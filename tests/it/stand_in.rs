//! The command line of opsctl on a machine that a test made up. The stock binary looks at no variable for where its tools
//! lie, so this one is a binary of its own, and an example, because examples are never installed. How full its file systems are is
//! what the test laid out as an answer of `df`.

#![allow(clippy::disallowed_methods)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io, thread};

use opsctl::System;
use rustix::fs::StatVfs;

fn main() -> ExitCode {
    let Some(system) = system() else { return ExitCode::from(125) };
    opsctl::run(opsctl::registry::DEPLOYMENTS, &system)
}

fn system() -> Option<System> {
    Some(System {
        tool_path: env::split_paths(&env::var_os("OPSCTL_TEST_TOOLS")?).collect(),
        root: PathBuf::from(env::var_os("OPSCTL_TEST_ROOT")?),
        loopback: env::var("OPSCTL_TEST_LOOPBACK").ok()?.parse().ok()?,
        time: Some(env::var("OPSCTL_TEST_TIME").ok()?.parse().ok()?),
        statvfs: Some(statvfs),
        program: Some(PathBuf::from("/usr/local/bin/opsctl")),
        ..System::real()
    })
}

/// A row of the table, in units of bytes.
fn statvfs(root: &Path, mount: &Path) -> io::Result<StatVfs> {
    let answer = root.parent().unwrap_or(root).join("answers/df");
    if answer.join("hang").exists() {
        thread::sleep(Duration::from_secs(50));
    }
    if fs::read_to_string(answer.join("code"))?.trim() != "0" {
        return Err(io::Error::other("the test laid out that it fails"));
    }
    let table = fs::read_to_string(answer.join("out"))?;
    let row = table.lines().find(|row| row.split_whitespace().last().map(Path::new) == Some(mount));
    let numbers = |row: &str| row.split_whitespace().skip(1).take(5).map(|word| word.parse().unwrap_or(0)).collect();
    let numbers: Vec<u64> = row.map(numbers).ok_or(io::ErrorKind::InvalidData)?;
    let &[size, used, available, inodes, taken] = numbers.as_slice() else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    Ok(StatVfs {
        f_bsize: 1,
        f_frsize: 1,
        f_blocks: size,
        f_bfree: size - used,
        f_bavail: available,
        f_files: inodes,
        f_ffree: inodes - taken,
        f_favail: inodes - taken,
        f_fsid: 0,
        f_flag: rustix::fs::StatVfsMountFlags::empty(),
        f_namemax: 255,
    })
}
