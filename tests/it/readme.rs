//! README.md and docs/: every line of output in them is that of a transcript, and what is not run is listed here.
//!
//! A block of a session stands below `<!-- transcript: NAME -->` and holds commands of `transcripts/NAME.txt` with what they
//! printed, stderr first; a line `…` at the end of an output leaves the rest of it out. `SNAPSHOTS=overwrite` writes the outputs
//! anew, from the transcripts that are there: a run after the one that wrote those.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::transcript::same_as_file;

/// First words of blocks that are shell commands and not run by this test, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("cargo build --release", "builds for minutes: tests/clone.rs runs the README's, ssh needs a server"),
    ("opsctl completion bash", "writes below /usr; tests/it/generated.rs compares what it writes"),
    ("*/5 * * * * root", "a crontab"),
    ("* * * * *  root", "crontabs"),
    ("install -m 600 /dev/null /etc/opsctl/notify.env", "writes below /etc, and sends"),
    ("install -d -m 700 /etc/opsctl", "makes a key; tests/host/backup does it"),
    ("opsctl check --install --dry-run", "writes units; tests/host/check runs them"),
    ("opsctl status wallet -o json | jq", "needs jq; the documents are compared in tests/it/documents.rs"),
    ("[dependencies]", "a manifest; tests/products builds one"),
];

/// Pages that other tests write.
const OTHERS: &[&str] = &["faults.md", "glossary.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|own| own == extension)
}

fn pages() -> Vec<PathBuf> {
    let docs =
        fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let docs = docs.filter(|name| has_extension(name, "md") && !OTHERS.contains(&name.as_str()));
    let mut pages: Vec<PathBuf> = docs.map(|name| Path::new("docs").join(name)).collect();
    pages.extend(["README.md", "CHANGELOG.md", "SECURITY.md"].map(PathBuf::from));
    pages.sort();
    pages
}

/// What stands in transcripts for what differs from run to run, and how it looks. Durations behind a sentence are left out.
const LOOKS: &[(&str, &str)] = &[
    (" ([N] s)", ""),
    ("  [N]  ", "  1.2  "),
    ("[VERSION]", env!("CARGO_PKG_VERSION")),
    ("[TIME]-", "20261122T053000Z-"),
    ("[CHANCE]", "63aa3b2f"),
];

/// What that command printed, by the transcript.
fn output(transcript: &str, command: &str) -> String {
    let path = root().join("tests/it/transcripts").join(format!("{transcript}.txt"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{transcript}: {error}"));
    let mut runs = text.split("\n$ opsctl").map(|run| run.strip_prefix("$ opsctl").unwrap_or(run));
    let run = runs.find(|run| run.lines().next().unwrap().trim() == command);
    let run = run.unwrap_or_else(|| panic!("{transcript} has no run of {command}"));
    let part = |name: &str| {
        let mut lines = run.lines().skip_while(|line| *line != format!("[{name}]")).skip(1);
        let part: Vec<&str> =
            lines.by_ref().take_while(|line| !["[stdout]", "[stderr]", "[ran]"].contains(line)).collect();
        part.join("\n").trim_end().to_owned()
    };
    let parts = [part("stderr"), part("stdout")];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    LOOKS.iter().fold(parts.join("\n"), |text, (stands, looks)| text.replace(stands, looks))
}

/// A block with outputs as they are now.
fn renewed(transcript: &str, block: &str) -> String {
    let mut made = String::new();
    for session in block.split("$ opsctl").skip(1) {
        let (command, shown) = session.split_once('\n').unwrap_or((session, ""));
        writeln!(made, "$ opsctl{command}").unwrap();
        let all = output(transcript, command.trim());
        let shown: Vec<&str> = shown.trim_end().lines().collect();
        match shown.last() {
            Some(&"…") => {
                let kept: Vec<&str> = all.lines().take(shown.len() - 1).collect();
                writeln!(made, "{}\n…", kept.join("\n")).unwrap();
            }
            _ if all.is_empty() => {}
            _ => writeln!(made, "{all}").unwrap(),
        }
    }
    made
}

#[test]
fn every_output_in_the_documentation_is_that_of_a_run() {
    let session = Regex::new(r"(?s)(<!-- transcript: (\w+) -->\n```console\n)(.*?)```\n").unwrap();
    let mut count = 0;
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        let new = session.replace_all(&text, |found: &regex::Captures<'_>| {
            count += 1;
            format!("{}{}```\n", &found[1], renewed(&found[2], &found[3]))
        });
        same_as_file(&new, &page);
        let sessions = text.matches("```console\n").count();
        assert_eq!(sessions, session.find_iter(&text).count(), "{}: a session without a transcript", page.display());
    }
    assert!(count > 5, "{count} sessions");
}

#[test]
fn what_is_not_run_is_listed() {
    let block = Regex::new(r"(?ms)^```(\w*)\n(.*?)^```$").unwrap();
    let mut seen = BTreeSet::new();
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for found in block.captures_iter(&text) {
            match &found[1] {
                "console" => {}
                "sh" | "crontab" | "toml" | "json" => {
                    let first = found[2].lines().next().unwrap_or_default();
                    let known = NOT_RUN.iter().find(|(begin, _)| first.starts_with(begin));
                    seen.insert(known.unwrap_or_else(|| panic!("{}: not listed: {first}", page.display())).0);
                }
                "rust" => {
                    let has = |name| fs::read_to_string(root().join(name)).unwrap().contains(&found[2]);
                    let is_there = has("examples/own_deployment.rs") || has("examples/own_backup.rs");
                    assert!(is_there, "{}: in no example: {}", page.display(), &found[2]);
                }
                other => panic!("{}: a block of {other:?}", page.display()),
            }
        }
    }
    assert_eq!(seen, NOT_RUN.iter().map(|(begin, _)| *begin).collect(), "listed, and not there");
}

#[test]
fn the_readme_is_short_and_every_link_leads_somewhere() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 150, "README.md has {} lines", readme.lines().count());
    let link = Regex::new(r#"(?:\]\(|src="|srcset=")([^)"\s]+)"#).unwrap();
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for target in link.captures_iter(&text).map(|found| found[1].to_owned()) {
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file =
                if path.is_empty() { root().join(&page) } else { root().join(page.parent().unwrap()).join(path) };
            assert!(file.exists(), "{}: {target}", page.display());
            if !anchor.is_empty() {
                let text = fs::read_to_string(&file).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#')).map(slug);
                assert!(headings.into_iter().any(|slug| slug == anchor), "{}: {target}", page.display());
            }
        }
    }
}

/// The anchor that a heading gets.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Every page of docs/ is in its index.
#[test]
fn the_index_has_every_page() {
    let index = fs::read_to_string(root().join("docs/README.md")).unwrap();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || has_extension(&name, "svg") || index.contains(&format!("({name}")), "{name}");
    }
}
