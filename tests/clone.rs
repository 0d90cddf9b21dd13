//! The README in a fresh clone of what is committed: its two commands, and the commands of its incident that need no server.
//! Builds the release binary there, so it runs only where it is asked for: `cargo test --test clone`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Exit code and what was printed, prose first.
fn run(command: &mut Command) -> (i32, String) {
    let command = command.env_remove("CARGO_TARGET_DIR").env_remove("OPSCTL_DEPLOYMENT");
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = [output.stderr, output.stdout].map(|text| String::from_utf8(text).unwrap());
    (output.status.code().unwrap(), told.concat())
}

/// Blocks of a language, without their fences.
fn blocks<'t>(page: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).map(|part| part.split("```").next().unwrap()).collect()
}

#[test]
fn the_readme_holds() {
    let clone = std::env::temp_dir().join(format!("opsctl-clone-{}", std::process::id()));
    let from = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cloned = run(Command::new("git").args(["clone", "--quiet", "--no-hardlinks"]).arg(from).arg(&clone));
    assert_eq!(cloned, (0, String::new()));
    let readme = fs::read_to_string(clone.join("README.md")).unwrap();
    let install: Vec<&str> = blocks(&readme, "sh")[0].lines().collect();
    assert_eq!(install.len(), 2, "two commands");
    for line in install {
        let words = shlex::split(line.split(" #").next().unwrap()).unwrap();
        // The first word is a path there, or a tool's name.
        let program = if words[0].contains('/') { clone.join(&words[0]) } else { PathBuf::from(&words[0]) };
        let (code, told) = run(Command::new(program).args(&words[1..]).current_dir(&clone));
        assert_eq!(code, if line.contains("demo") { 3 } else { 0 }, "{line}: {told}");
    }
    let opsctl = clone.join("target/release/opsctl");
    let mut count = 0;
    for block in blocks(&readme, "console").iter().filter(|block| block.starts_with("$ opsctl demo")) {
        let (line, shown) = block.split_once('\n').unwrap();
        let words = line.strip_prefix("$ opsctl ").unwrap().split(' ');
        let (_, told) = run(Command::new(&opsctl).args(words).env_clear().current_dir("/"));
        let begin = shown.strip_suffix("…\n");
        assert!(told.starts_with(begin.unwrap_or(shown)) && (begin.is_some() || told == shown), "{line}: {told}");
        count += 1;
    }
    assert_eq!(count, 3, "status, diagnose, logs");
    fs::remove_dir_all(&clone).unwrap();
}
