//! Programs as the kernel starts them: what the first bytes of a file and the words of a command line say.

/// What the first bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// An ELF program for this machine, by its number in `e_machine` (elf(5)).
    Elf(u16),
    /// A script with this interpreter.
    Script(String),
    /// No bytes at all.
    Empty,
    /// Anything else.
    Other,
}

/// How many bytes are enough for [`head`].
pub const ENOUGH: u64 = 256;

/// Reads the first bytes.
pub fn head(bytes: &[u8]) -> Head {
    match bytes {
        [] => Head::Empty,
        [0x7f, b'E', b'L', b'F', _, order, ..] => match bytes.get(18..20) {
            Some(&[one, other]) if *order == 2 => Head::Elf(u16::from_be_bytes([one, other])),
            Some(&[one, other]) => Head::Elf(u16::from_le_bytes([one, other])),
            _ => Head::Other,
        },
        [b'#', b'!', rest @ ..] => {
            let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let line = String::from_utf8_lossy(line);
            match line.split_whitespace().next().filter(|word| word.starts_with('/')) {
                Some(interpreter) => Head::Script(interpreter.to_owned()),
                None => Head::Other,
            }
        }
        _ => Head::Other,
    }
}

/// What a machine is called that does not run on one of this architecture (as Rust calls it); `None` where it does, or that is not
/// known. A kernel of 64 bits may run programs of 32.
pub fn foreign(machine: u16, architecture: &str) -> Option<&'static str> {
    let known = [
        (3, "i386"),
        (62, "x86-64"),
        (40, "32-bit ARM"),
        (183, "ARM64"),
        (243, "RISC-V"),
        (21, "PowerPC64"),
        (22, "S/390"),
    ];
    let runs: &[u16] = match architecture {
        "x86_64" => &[62, 3],
        "aarch64" => &[183, 40],
        "x86" => &[3],
        "arm" => &[40],
        "riscv64" => &[243],
        _ => return None,
    };
    known.iter().find(|(number, _)| *number == machine && !runs.contains(number)).map(|(_, name)| *name)
}

/// The program of an `ExecStart=` and the script that it runs, where both are certain: without quotes, specifiers and variables.
pub fn command(exec: &str) -> Option<(&str, Option<&str>)> {
    let plain = exec.trim_start_matches(['-', '@', ':', '+', '!', '|']);
    if exec.contains(['"', '\'', '%', '$', '\\', ';', '*']) || exec.starts_with('@') || plain.is_empty() {
        return None;
    }
    let mut words = plain.split_whitespace();
    let program = words.next().filter(|word| word.starts_with('/'))?;
    let name = program.rsplit('/').next().unwrap_or_default();
    let interpreters = ["node", "nodejs", "bun", "deno", "python", "python3", "ruby", "perl", "php", "java"];
    let ends = [".js", ".ts", ".mjs", ".cjs", ".py", ".rb", ".pl", ".php", ".jar"];
    let script = words.find(|word| ends.iter().any(|end| word.ends_with(end)) && !word.contains(['=', ':']));
    let is_known = interpreters.contains(&name) || name.starts_with("python3.");
    Some((program, script.filter(|_| is_known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_programs_are_told_apart() {
        let elf = |order: u8, machine: [u8; 2]| {
            let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, order, 1, 0];
            bytes.resize(18, 0);
            bytes.extend(machine);
            bytes
        };
        assert_eq!(head(&elf(1, [183, 0])), Head::Elf(183));
        assert_eq!(head(&elf(2, [0, 22])), Head::Elf(22));
        assert_eq!(head(&elf(1, [62, 0])[..19]), Head::Other);
        assert_eq!(head(b"#!/usr/bin/env node\nx"), Head::Script("/usr/bin/env".to_owned()));
        assert_eq!(head(b"#! /bin/sh -e"), Head::Script("/bin/sh".to_owned()));
        assert_eq!(
            (head(b""), head(b"#!"), head(b"#! sh"), head(b"MZ")),
            (Head::Empty, Head::Other, Head::Other, Head::Other)
        );
        assert_eq!((foreign(183, "x86_64"), foreign(62, "aarch64")), (Some("ARM64"), Some("x86-64")));
        for (machine, architecture) in
            [(62, "x86_64"), (3, "x86_64"), (40, "aarch64"), (999, "x86_64"), (62, "sparc64")]
        {
            assert_eq!(foreign(machine, architecture), None, "{machine} on {architecture}");
        }
    }

    #[test]
    fn a_command_is_taken_apart_only_where_it_is_certain() {
        let certain: [(&str, &str, Option<&str>); 6] = [
            (
                "/home/prim/.bun/bin/bun run packages/a/src/index.ts",
                "/home/prim/.bun/bin/bun",
                Some("packages/a/src/index.ts"),
            ),
            ("-/usr/bin/node --max-old-space-size=256 dist/index.js", "/usr/bin/node", Some("dist/index.js")),
            ("/usr/bin/python3.12 -m http.server", "/usr/bin/python3.12", None),
            ("/usr/bin/java -jar /srv/a.jar --x", "/usr/bin/java", Some("/srv/a.jar")),
            // What another program does with a file is its own matter.
            ("/usr/bin/mongod --config x.js", "/usr/bin/mongod", None),
            ("/usr/sbin/nginx", "/usr/sbin/nginx", None),
        ];
        for (exec, program, script) in certain {
            assert_eq!(command(exec), Some((program, script)), "{exec}");
        }
        for open in ["", "-", "node x.js", "/bin/sh -c 'x'", "/usr/bin/node $FILE", "/usr/bin/%p", "@/bin/x y"] {
            assert_eq!(command(open), None, "{open}");
        }
    }
}
