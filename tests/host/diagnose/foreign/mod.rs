//! Faults of other people's servers: written from the list of the kinds of faults and the layout of a host, never from the code
//! that finds them. `NAME.faults` is what development looks at; `kept_NAME.faults` is kept out of it and run once, at its end.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regex::{Regex, RegexBuilder};
use serde_json::Value;
use snapbox::prelude::*;
use snapbox::{Data, assert_data_eq};

use super::{diagnose, rest};
use crate::machine::Machine;

/// One way in which a server breaks, or one in which it does not.
///
/// A file holds any number, each begun by `== WHAT`. Lines at the margin are a keyword and its value; the indented lines after
/// `inject` and `heal` are run by `sh -ec` as root, and the last of `inject` proves that the host is broken.
#[derive(Debug, Default)]
struct Fault {
    what: String,
    /// Kind of fault, 1 to 10, and its family.
    kind: String,
    inject: String,
    heal: String,
    /// What the first finding must be about. None: nothing may be found.
    subject: Option<Regex>,
    /// What its summary, cause and evidence must say, each of them.
    words: Vec<Regex>,
    /// What another finding must say, its subject counted in: there are two causes.
    also: Vec<Regex>,
    /// What no fix of any finding may say.
    never: Vec<Regex>,
    /// Driven by a plain run.
    sampled: bool,
}

/// How long a fault may take to be found; `OPSCTL_FOREIGN_SECONDS` sets another time.
const FOUND: u64 = 20;
const PAUSE: Duration = Duration::from_millis(400);
/// A restart offered as the fix; advice to restart once the cause is gone begins with what takes it away.
const RESTARTS: &str = r"(?m)^\S*(opsctl|systemctl|docker|pm2)( -\S+)* (restart|start)\b";
const KILLS: &str = r"\bp?kill\b|\b(end|stop) (it|the (other )?(process|program))\b";
const RIGHT: &str = "right";
const KEPT: &str = "## First run of the faults kept out of development";
const TITLE: &str = "# What `diagnose` makes of the faults of other people's servers\n\n\
    Written by the suite of real hosts (`tests/host/diagnose/foreign`). Whoever wrote these faults knew the kinds of faults and the \
    hosts, not the code that finds them. *right*: the first finding is about the right thing and names the root cause. *found \
    later*: another finding does. *vague*: the first is about the right thing and does not name the cause. *half*: of two causes \
    only one is found. *harmful*: a fix is offered that cannot help or hurts. *wrong*: the first finding is about something else. \
    *nothing*: nothing was found. *open*: what would tell did not answer. Of a *quiet* case, right means that nothing was found and \
    `--fix` did nothing.\n";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/diagnose/foreign")
}

fn pattern(text: &str) -> Regex {
    RegexBuilder::new(text).case_insensitive(true).build().unwrap()
}

fn read(file: &Path) -> Vec<Fault> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut faults: Vec<Fault> = Vec::new();
    let mut heals = false;
    for (number, line) in text.lines().enumerate() {
        let place = format!("{}:{}", file.display(), number + 1);
        if let Some(what) = line.strip_prefix("== ") {
            faults.push(Fault { what: what.to_owned(), ..Fault::default() });
            continue;
        }
        let Some(fault) = faults.last_mut() else { continue };
        if let Some(shell) = line.strip_prefix("    ") {
            let lines = if heals { &mut fault.heal } else { &mut fault.inject };
            writeln!(lines, "{shell}").unwrap();
            continue;
        }
        match line.split_once(' ').unwrap_or((line, "")) {
            ("", "") => {}
            ("kind", kind) => kind.clone_into(&mut fault.kind),
            ("subject", subject) => fault.subject = Some(pattern(subject)),
            ("word", word) => fault.words.push(pattern(word)),
            ("also", also) => fault.also.push(pattern(also)),
            ("never", "restart") => fault.never.push(pattern(RESTARTS)),
            ("never", "kill") => fault.never.push(pattern(KILLS)),
            ("never", never) => fault.never.push(pattern(never)),
            ("sampled", "") => fault.sampled = true,
            ("inject", "") => heals = false,
            ("heal", "") => heals = true,
            _ => panic!("{place}: {line}"),
        }
    }
    for fault in &faults {
        let whole = !fault.kind.is_empty() && !fault.inject.is_empty() && !fault.heal.is_empty();
        assert!(whole && fault.subject.is_some() != fault.words.is_empty(), "{fault:#?}");
        let same = faults.iter().filter(|other| other.what == fault.what).count();
        assert_eq!(same, 1, "{}", fault.what);
    }
    faults
}

/// Strings of a part of a finding, whatever its shape.
fn strings(value: &Value, into: &mut String) {
    match value {
        Value::String(text) => {
            into.push_str(text);
            into.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, into)),
        Value::Object(members) => members.values().for_each(|item| strings(item, into)),
        _ => {}
    }
}

/// What a finding says of its cause.
fn said(finding: &Value) -> String {
    let mut text = String::new();
    for part in ["summary", "cause"] {
        strings(&finding[part], &mut text);
    }
    for item in finding["evidence"].as_array().into_iter().flatten() {
        strings(&item["excerpt"], &mut text);
    }
    text
}

impl Fault {
    /// Whether this finding is about the right thing, and whether it says all that it must.
    fn matches(&self, finding: &Value) -> (bool, bool) {
        let about = self.subject.as_ref().is_some_and(|subject| subject.is_match(finding["subject"].as_str().unwrap()));
        let text = said(finding);
        (about, self.words.iter().all(|word| word.is_match(&text)))
    }

    /// Whether the other cause is found too.
    fn others(&self, findings: &[Value]) -> bool {
        let texts: Vec<String> = findings
            .iter()
            .map(|finding| format!("{}\n{}", finding["subject"].as_str().unwrap(), said(finding)))
            .collect();
        self.also.iter().all(|also| texts.iter().any(|text| also.is_match(text)))
    }

    /// Whether something is offered that never may be: commands word by word, else what a person is to do.
    fn harm(&self, findings: &[Value]) -> bool {
        let mut text = String::new();
        for fix in findings.iter().flat_map(|finding| finding["fixes"].as_array().unwrap()) {
            match fix["argv"].as_array() {
                Some(argv) if !argv.is_empty() => {
                    let words: Vec<&str> = argv.iter().filter_map(Value::as_str).collect();
                    writeln!(text, "{}", words.join(" ")).unwrap();
                }
                _ => ["title", "manual"].iter().for_each(|part| strings(&fix[part], &mut text)),
            }
        }
        self.never.iter().any(|never| never.is_match(&text))
    }

    fn outcome(&self, code: i32, document: &Value) -> &'static str {
        let findings = document["findings"].as_array().unwrap();
        if self.subject.is_none() {
            return match (findings.is_empty(), code) {
                (true, 0) => RIGHT,
                // A tool that did not answer in time; another look may be answered.
                (true, _) => "open",
                (false, _) => "wrong",
            };
        }
        let Some(first) = findings.first() else { return "nothing" };
        if self.harm(findings) {
            return "harmful";
        }
        match self.matches(first) {
            (true, true) if self.others(findings) => RIGHT,
            (true, true) => "half",
            _ if findings.iter().any(|finding| self.matches(finding) == (true, true)) => "found later",
            (true, false) => "vague",
            (false, _) => "wrong",
        }
    }
}

/// Code and summary of the first finding, fit for a table.
fn found(code: i32, document: &Value) -> String {
    let open = document["undetermined"].as_array().map_or(0, Vec::len);
    let Some(first) = document["findings"].get(0) else {
        return if open == 0 { format!("exit {code}") } else { format!("exit {code}, {open} open") };
    };
    let summary = first["summary"].as_str().unwrap().replace('|', "\\|").replace('\n', " ");
    format!("`{}` {}: {summary}", first["code"].as_str().unwrap(), first["subject"].as_str().unwrap())
}

/// Whether `--fix` does anything, which it may not where nothing is wrong or all was meant.
fn tries(machine: &Machine) -> bool {
    let (_, document) = diagnose(machine, &["--fix"]);
    let attempts = document["attempts"].as_array().unwrap();
    attempts.iter().any(|attempt| ["fixed", "unchanged", "worse"].contains(&attempt["outcome"].as_str().unwrap()))
}

/// Drives a host through one fault: its line of the page without what it is, how it came out, and what stands in the way of the next.
fn one(machine: &Machine, fault: &Fault) -> (String, &'static str, Option<String>) {
    let patience = std::env::var("OPSCTL_FOREIGN_SECONDS").map_or(FOUND, |text| text.parse().unwrap());
    let prelude = std::fs::read_to_string(directory().join("prelude.sh")).unwrap();
    let shell = |lines: &str| machine.run(&["sh", "-ec", &format!("{prelude}\n{lines}")]);
    let injected = shell(&fault.inject);
    let mut trouble = (injected.code != 0).then(|| format!("not injected: {injected:#?}"));
    let begun = Instant::now();
    let mut rights = 0;
    // What is on its way up or down may look right, or like nothing, for a moment. Of a quiet case every finding counts.
    let (outcome, first) = loop {
        let (code, document) = diagnose(machine, &[]);
        let outcome = fault.outcome(code, &document);
        let right = outcome == RIGHT;
        rights = if right { rights + 1 } else { 0 };
        let enough = match fault.subject {
            Some(_) => rights == 2 || begun.elapsed() > Duration::from_secs(patience),
            None => rights == 5 || outcome == "wrong" || begun.elapsed() > Duration::from_secs(patience),
        };
        if enough {
            if !right && std::env::var_os("OPSCTL_FOREIGN_VERBOSE").is_some() {
                eprintln!("{:#}", document["findings"]);
            }
            break (outcome, found(code, &document));
        }
        std::thread::sleep(PAUSE);
    };
    let outcome = match fault.subject {
        None if tries(machine) => "harmful",
        _ => outcome,
    };
    let healed = shell(&fault.heal);
    if healed.code != 0 {
        trouble = Some(format!("heal ended with an error: {healed:#?}"));
    }
    if let Some(left) = rest(machine) {
        trouble = Some(format!("{}not healed: {left}", trouble.map(|told| format!("{told}; ")).unwrap_or_default()));
    }
    (format!("{outcome} | {first} |"), outcome, trouble)
}

/// The lines of a table of the page that the run before wrote, by their first two cells.
fn known(section: &str, host: &str) -> Vec<String> {
    let heading = format!("### {host}\n");
    let after = section.split_once(&heading).map_or("", |(_, after)| after);
    let table = after.split("\n#").next().unwrap_or_default();
    table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Fault ")).map(str::to_owned).collect()
}

fn table(host: &str, lines: &[String]) -> String {
    let mut table = format!("### {host}\n\n| Fault | Kind | Outcome | First finding |\n|---|---|---|---|\n");
    for line in lines {
        writeln!(table, "{line}").unwrap();
    }
    let right = lines.iter().filter(|line| line.contains(" | right | ")).count();
    writeln!(table, "\n{right} of {} right.", lines.len()).unwrap();
    table
}

/// Drives a host through its faults, and compares or rewrites its tables in the page.
///
/// `OPSCTL_FOREIGN` is a regular expression of what is done; without it those marked as sampled are driven. `OPSCTL_KEPT=1` drives
/// the kept ones instead. Lines of those that are left out stay as they are.
fn drive(layout: &str, host: &str) {
    let kept = std::env::var("OPSCTL_KEPT").is_ok_and(|text| text == "1");
    let name = host.replace('-', "_");
    let faults = read(&directory().join(if kept { format!("kept_{name}.faults") } else { format!("{name}.faults") }));
    let named = std::env::var("OPSCTL_FOREIGN").ok().map(|text| pattern(&text));
    let wanted = |fault: &Fault| match &named {
        Some(named) => named.is_match(&fault.what),
        None => kept || fault.sampled,
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/accuracy/foreign.md");
    let page = || std::fs::read_to_string(&path).unwrap_or_else(|_| format!("{TITLE}\n{KEPT}\n"));
    let known_page = page();
    let (open_part, kept_part) = known_page.split_once(KEPT).unwrap_or((&known_page, ""));
    let before = known(if kept { kept_part } else { open_part }, host);

    let machine = Machine::boot_as(layout, &format!("it-{layout}-foreign"));
    assert_eq!(rest(&machine), None, "a healthy host");
    let (mut lines, mut troubles) = (Vec::new(), Vec::new());
    for fault in &faults {
        let own = format!("| {} | {} | ", fault.what.replace('|', "\\|"), fault.kind);
        let was = before.iter().find(|line| line.starts_with(&own));
        if !wanted(fault) {
            lines.extend(was.cloned());
            continue;
        }
        let begun = Instant::now();
        let (line, outcome, trouble) = one(&machine, fault);
        eprintln!("{host}: {outcome} in {:.1} s: {}: {line}", begun.elapsed().as_secs_f32(), fault.what);
        if let Some(trouble) = trouble {
            eprintln!("{host}: TROUBLE: {}: {trouble}", fault.what);
            troubles.push(format!("{}: {trouble}", fault.what));
        }
        if outcome != RIGHT && was.is_some_and(|line| line.contains(" | right | ")) {
            troubles.push(format!("{}: was right, is {line}", fault.what));
        }
        // What a kept fault came to at first stays.
        lines.push(was.filter(|_| kept).cloned().unwrap_or(own + &line));
    }
    if std::env::var("SNAPSHOTS").is_ok_and(|text| text == "overwrite") {
        // Read again, since the run of another host may have written its table meanwhile.
        std::fs::write(&path, put(&page(), kept, &table(host, &lines), host)).unwrap();
    } else if named.is_some() || kept {
        let now = table(host, &lines);
        assert_data_eq!(now.raw(), Data::text(table(host, &before)).raw());
    }
    assert!(troubles.is_empty(), "{} in trouble:\n{}", troubles.len(), troubles.join("\n"));
}

/// The page with this table in place of the host's own, or at the end of its section.
fn put(page: &str, kept: bool, table: &str, host: &str) -> String {
    let (open_part, kept_part) = page.split_once(KEPT).unwrap_or((page, ""));
    let section = if kept { kept_part } else { open_part };
    let mut tables: Vec<String> = Vec::new();
    let mut pieces = section.split("\n### ");
    let head = pieces.next().unwrap_or_default().trim_end().to_owned();
    tables.extend(pieces.map(|piece| format!("### {}\n", piece.trim_end())));
    let own = format!("### {host}\n");
    match tables.iter_mut().find(|other| other.starts_with(&own)) {
        Some(place) => table.clone_into(place),
        None => tables.push(table.to_owned()),
    }
    tables.sort();
    let section = format!("{head}\n\n{}", tables.join("\n"));
    let (open_part, kept_part) = if kept { (open_part, section.as_str()) } else { (section.as_str(), kept_part) };
    format!("{}\n\n{KEPT}\n\n{}\n", open_part.trim_end(), kept_part.trim()).trim_end().to_owned() + "\n"
}

#[test]
fn foreign_faults_of_localhost() {
    drive("bare", "localhost");
}

#[test]
fn foreign_faults_of_prim() {
    drive("prim", "prim");
}

#[test]
fn foreign_faults_of_plugspace() {
    drive("plugspace", "plugspace");
}

#[test]
fn foreign_faults_of_ai_fsm() {
    drive("ai-fsm", "ai-fsm");
}

#[test]
fn foreign_faults_of_fondation() {
    drive("fondation", "fondation");
}

#[test]
fn foreign_faults_of_v_edfinance() {
    drive("v-edfinance", "v-edfinance");
}
