//! Whether the kernel itself would run a file. The C library's `execvp` gives what the kernel does not know to a shell, and so
//! do setpriv and others: a tool of another architecture, or one that was cut short, would be read as a script.

use std::io::{self, Read};
use std::path::Path;

use rustix::io::Errno;

use crate::host::system::System;

/// How much of a file the kernel looks at (`BINPRM_BUF_SIZE`).
const HEAD: u64 = 256;
/// How many interpreters may stand behind each other.
const DEPTH: usize = 4;
/// Length of the header of an ELF file.
const ELF_HEADER: usize = if cfg!(target_pointer_width = "64") { 64 } else { 52 };

/// Accepts programs of this architecture, and scripts whose interpreter is one.
///
/// # Errors
/// As `execve` would, ENOEXEC above all; when the file, or the interpreter, cannot be read.
pub(super) fn check(path: &Path) -> io::Result<()> {
    let mut path = path.to_owned();
    for _ in 0..=DEPTH {
        let mut head = Vec::new();
        System::real().open(&path)?.take(HEAD).read_to_end(&mut head)?;
        match interpreter(&head) {
            Some(interpreter) => path = interpreter.into(),
            None if is_program(&head) => return Ok(()),
            None => return Err(Errno::NOEXEC.into()),
        }
    }
    Err(Errno::LOOP.into())
}

/// The program that a script names in its first line.
fn interpreter(head: &[u8]) -> Option<&str> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let name = std::str::from_utf8(line).ok()?.split([' ', '\t']).find(|word| !word.is_empty())?;
    // A name that reaches the end of what is looked at may have been cut.
    (head.contains(&b'\n') || !head.ends_with(name.as_bytes()) || head.len() < 256).then_some(name)
}

/// Whether this is the beginning of an ELF program for this machine.
fn is_program(head: &[u8]) -> bool {
    let class = if cfg!(target_pointer_width = "64") { 2 } else { 1 };
    let order = if cfg!(target_endian = "little") { 1 } else { 2 };
    let half = |at: usize| head.get(at..at + 2).and_then(|two| two.try_into().ok()).map(u16::from_ne_bytes);
    let (executable, shared) = (Some(2), Some(3));
    head.len() >= ELF_HEADER
        && head.starts_with(&[0x7f, b'E', b'L', b'F', class, order])
        && (half(16) == executable || half(16) == shared)
        && (machine().is_none() || half(18) == machine())
        // Entries of the program header, behind the header's own length.
        && half(ELF_HEADER - 8).is_some_and(|count| count > 0)
}

/// This architecture as ELF numbers it; `None` where that is not known here.
fn machine() -> Option<u16> {
    match std::env::consts::ARCH {
        "x86" => Some(3),
        "powerpc64" => Some(21),
        "s390x" => Some(22),
        "arm" => Some(40),
        "x86_64" => Some(62),
        "aarch64" => Some(183),
        "riscv64" => Some(243),
        "loongarch64" => Some(258),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn own() -> Vec<u8> {
        let mut head = Vec::new();
        File::open("/proc/self/exe").unwrap().take(HEAD).read_to_end(&mut head).unwrap();
        head
    }

    #[test]
    fn a1_programs_of_this_machine_are_known() {
        assert!(is_program(&own()));
        let changed = |at: usize, to: u8| {
            let mut head = own();
            head[at] = to;
            head
        };
        // Magic, class, byte order, kind, machine, entries.
        for (at, to) in [(0, 0), (1, b'X'), (4, 9), (5, 9), (16, 1), (18, 99), (ELF_HEADER - 8, 0)] {
            assert!(!is_program(&changed(at, to)), "{at}");
        }
        for end in 0..ELF_HEADER {
            assert!(!is_program(&own()[..end]), "cut at {end}");
        }
    }

    #[test]
    fn a1_scripts_need_an_interpreter_that_is_a_program() {
        let dir = std::env::temp_dir().join(format!("opsctl-format-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = |name: &str, bytes: &[u8]| {
            std::fs::write(dir.join(name), bytes).unwrap();
            check(&dir.join(name)).map_err(|error| Errno::from_io_error(&error))
        };
        for (text, wanted) in [
            ("#!/bin/sh\n", Ok(())),
            ("#! /usr/bin/env node\nx", Ok(())),
            ("#!/bin/sh", Ok(())),
            ("echo hello\n", Err(Some(Errno::NOEXEC))),
            ("", Err(Some(Errno::NOEXEC))),
            ("#!\n", Err(Some(Errno::NOEXEC))),
            ("#!/no/such/program\n", Err(Some(Errno::NOENT))),
            ("\x7fELF", Err(Some(Errno::NOEXEC))),
            (&format!("#!/{}", "a".repeat(300)), Err(Some(Errno::NOEXEC))),
            (&format!("#!{}\n", dir.join("loop").display()), Err(Some(Errno::LOOP))),
        ] {
            std::fs::write(dir.join("loop"), format!("#!{}\n", dir.join("loop").display())).unwrap();
            assert_eq!(file("script", text.as_bytes()), wanted, "{text}");
        }
        assert_eq!(file("plain", b"echo"), Err(Some(Errno::NOEXEC)));
        let behind = format!("#!{}\n", dir.join("plain").display());
        assert_eq!(file("script", behind.as_bytes()), Err(Some(Errno::NOEXEC)));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
