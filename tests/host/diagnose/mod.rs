//! `diagnose` on real hosts: a failure is injected, the right cause must come first with the evidence that decides it, its fix
//! must mend it or be for a person, and afterwards nothing must be found. What comes of it is a page of `docs/accuracy`.

/// Backups of a set on a host that has made them, and makes none any more: `overdue`, the newest is sixty days old; `failed`, one
/// is an hour old and the next cannot be made, for want of the remote.
macro_rules! backups {
    (overdue, $deployment:literal, $set:literal) => {
        Injection {
            failure: "backup-overdue",
            what: concat!("the newest proven copy of ", $set, " is sixty days old"),
            inject: proven!($deployment, $set, "-60 days"),
            heal: concat!("rm /var/lib/opsctl/", $deployment, ".backups.jsonl /var/lib/opsctl/manifest.key"),
            code: "BACKUP-OVERDUE",
            subject: concat!("backup ", $set),
            decisive: concat!("^", $set, ": the newest verified copy is 60d0h old"),
            fix: Fix::Person,
        }
    };
    (failed, $deployment:literal, $set:literal) => {
        Injection {
            failure: "backup-overdue",
            what: concat!("opsctl backup ", $set, " without its remote, an hour after one that went well"),
            inject: concat!(
                proven!($deployment, $set, "-1 hour"),
                "; c=/root/.config/rclone/rclone.conf; [ ! -e $c ] || mv $c /root/remote; ! opsctl backup -q ",
                $set,
                " 2>/dev/null; [ ! -e /root/remote ] || mv /root/remote $c"
            ),
            heal: concat!("rm /var/lib/opsctl/", $deployment, ".backups.jsonl /var/lib/opsctl/manifest.key"),
            code: "BACKUP-FAILED",
            subject: concat!("backup ", $set),
            decisive: concat!("^", $set, ": the last run failed: "),
            fix: Fix::Person,
        }
    };
}

/// Shell lines that leave the record of one run behind, as if it had been made then, and its manifest signed with the key of
/// this host: one of thirty-two bytes 7, whose mark (the first 16 digits of its HMAC of `opsctl key 1\0`) is in the record.
macro_rules! proven {
    ($deployment:literal, $set:literal, $when:literal) => {
        concat!(
            "install -d -m 700 /var/lib/opsctl; \
             (umask 077; printf 'opsctl-manifest-key-1:%s\n' $(printf '07%.0s' $(seq 32)) >/var/lib/opsctl/manifest.key); t=$(date -u -d '",
            $when,
            "' +%Y-%m-%dT%H:%M:%SZ); i=$(date -u -d $t +%Y%m%dT%H%M%SZ)-7-0000000a; \
             printf '{\"kind\":\"begun\",\"id\":\"%s\",\"time\":\"%s\",\"sets\":[\"",
            $set,
            "\"]}\n{\"kind\":\"ended\",\"id\":\"%s\",\"time\":\"%s\",\"set\":\"",
            $set,
            "\",\"came\":\"proven\",\"bytes\":8192,\"rows\":{},\"signed_by\":\"1ad7c1ae604d3e52\"}\n' $i $t $i $t >/var/lib/opsctl/",
            $deployment,
            ".backups.jsonl"
        )
    };
}

mod ai_fsm;
mod fondation;
mod foreign;
mod localhost;
mod plugspace;
mod prim;
mod quiet;
mod undisturbed;
mod v_edfinance;

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::Value;
use snapbox::prelude::*;
use snapbox::{Data, assert_data_eq};

use crate::machine::Machine;

/// A way in which something goes wrong.
pub struct Injection {
    /// The failure of the registry that it is.
    pub failure: &'static str,
    /// What is done to the host, in words.
    pub what: &'static str,
    /// Shell lines that do it.
    pub inject: &'static str,
    /// Shell lines that put everything back; run after the fix as well.
    pub heal: &'static str,
    /// Code of the finding that must come first, without the deployment.
    pub code: &'static str,
    /// Its subject.
    pub subject: &'static str,
    /// What one piece of its evidence must say; a regular expression.
    pub decisive: &'static str,
    /// What `--fix` must make of it.
    pub fix: Fix,
}

/// What `--fix` makes of a finding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fix {
    /// It mends it, without consent.
    Safe,
    /// It mends it, with `--yes`, and refuses without.
    Disruptive,
    /// It says what a person must do, and does nothing.
    Person,
    /// It prints the command, and does nothing.
    Grave,
    /// It would restart it with `--yes`, as the runbook says, which does not take the reason away.
    Restart,
    /// It would try what may help and hurts nobody.
    Offer,
    /// There is nothing to do but to look.
    Look,
}

/// Said of an injection that was not found, proven or mended as it should.
const WRONG: &str = "**wrong in the last run**";
/// How long a failure may take to show, and a host to come to rest.
const REST: Duration = Duration::from_secs(45);

fn diagnose(machine: &Machine, args: &[&str]) -> (i32, Value) {
    let mut command = vec!["opsctl", "diagnose", "-q", "-o", "json"];
    command.extend(args);
    let ran = machine.run(&command);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    assert_eq!(document["exit_code"], ran.code, "{}", ran.stdout);
    (ran.code, document)
}

fn first(document: &Value) -> String {
    let told =
        |finding: &Value| format!("{} {}", finding["code"].as_str().unwrap(), finding["subject"].as_str().unwrap());
    document["findings"].get(0).map_or_else(|| "nothing".to_owned(), told)
}

/// Waits until nothing is found, and says what still is when that takes too long.
fn rest(machine: &Machine) -> Option<String> {
    let begun = Instant::now();
    loop {
        let (code, document) = diagnose(machine, &[]);
        if code == 0 {
            return None;
        }
        if begun.elapsed() > REST {
            return Some(format!("exit {code}: {}", first(&document)));
        }
        std::thread::sleep(Duration::from_millis(400));
    }
}

/// What came of one injection; the words of the page, and what went wrong.
fn one(machine: &Machine, prefix: &str, injection: &Injection) -> (String, Option<String>) {
    machine.sh(injection.inject);
    let wanted = format!("{prefix}-{} {}", injection.code, injection.subject);
    let begun = Instant::now();
    let mut in_a_row = 0;
    let document = loop {
        let (_, document) = diagnose(machine, &[]);
        in_a_row = if first(&document) == wanted { in_a_row + 1 } else { 0 };
        // Twice, because what is on its way down may look like something else for a moment.
        if in_a_row == 2 || begun.elapsed() > REST {
            break document;
        }
        std::thread::sleep(Duration::from_millis(400));
    };
    let found = first(&document);
    let mut wrong = (found != wanted).then(|| format!("expected {wanted}, found {found}"));
    let decisive = Regex::new(injection.decisive).unwrap();
    let evidence = document["findings"][0]["evidence"].as_array().cloned().unwrap_or_default();
    let decides = evidence.iter().any(|item| decisive.is_match(item["excerpt"].as_str().unwrap()));
    if wrong.is_none() && !decides {
        wrong = Some(format!("nothing says {:?}: {evidence:#?}", injection.decisive));
    }
    if wrong.is_none() {
        let (code, asked) = diagnose(machine, &[injection.failure]);
        let codes = asked["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap());
        if code != 3 || !codes.into_iter().any(|code| wanted.starts_with(code)) {
            wrong = Some(format!("diagnose {} does not find it: exit {code}", injection.failure));
        }
    }
    if wrong.is_none() {
        wrong = fix(machine, injection, &document);
    }
    machine.sh(injection.heal);
    if let Some(left) = rest(machine) {
        wrong = Some(format!("{}not healed: {left}", wrong.map(|wrong| format!("{wrong}; ")).unwrap_or_default()));
    }
    let mended = match injection.fix {
        Fix::Safe => "mended by --fix",
        Fix::Disruptive => "mended by --fix --yes",
        Fix::Person => "says what to do",
        Fix::Grave => "prints the command",
        Fix::Restart => "offers the restart",
        Fix::Offer => "offers what may help",
        Fix::Look => "says where to look",
    };
    let mended = if wrong.is_some() { WRONG } else { mended };
    let line = format!("| `{}` | {} | `{wanted}` | {mended} |", injection.failure, injection.what);
    (line, wrong)
}

fn fix(machine: &Machine, injection: &Injection, document: &Value) -> Option<String> {
    let outcome = |attempts: &Value| -> String {
        let code = &document["findings"][0]["code"];
        let own = attempts["attempts"].as_array().unwrap().iter().find(|attempt| attempt["code"] == *code);
        own.map_or_else(
            || "none".to_owned(),
            |attempt| format!("{} {}", attempt["outcome"].as_str().unwrap(), attempt["summary"]),
        )
    };
    let expect = |args: &[&str], wanted: &str| {
        let (_, attempts) = diagnose(machine, args);
        let found = outcome(&attempts);
        if found.starts_with("fixed") {
            let seconds = attempts["attempts"][0]["seconds"].as_f64().unwrap_or_default();
            eprintln!("  one command and {seconds:.1} s to a verified recovery from {}", injection.code);
        }
        (!found.starts_with(wanted)).then(|| format!("{args:?}: {found} instead of {wanted}"))
    };
    match injection.fix {
        Fix::Safe => expect(&[injection.failure, "--fix"], "fixed"),
        Fix::Disruptive => expect(&[injection.failure, "--fix"], "refused")
            .or_else(|| expect(&[injection.failure, "--fix", "--yes"], "fixed")),
        Fix::Person => expect(&["--fix", "--dry-run"], "manual"),
        Fix::Grave => expect(&["--fix", "--dry-run"], "too_grave"),
        Fix::Restart | Fix::Offer => expect(&["--fix", "--dry-run"], "planned"),
        Fix::Look => expect(&["--fix", "--dry-run"], "no_fix"),
    }
}

/// Drives a host through the injections that `OPSCTL_INJECTION` (a regular expression of what is done) names, or through the
/// first of each failure where it is not set, and compares the page. Lines of those that are left out stay as they are.
pub fn drive(machine: &Machine, deployment: &str, tables: &[&[Injection]], not_here: &[(&str, &str)]) {
    let injections = || tables.iter().copied().flatten();
    let prefix = deployment.to_uppercase();
    // While several hosts boot at once a tool can be late, which is said to be open; a finding is one at once.
    let look = || diagnose(machine, &[]);
    let mut before = look();
    for _ in 0..5 {
        if before.0 != 4 {
            break;
        }
        before = look();
    }
    assert_eq!(before.0, 0, "a healthy host: {:#}", before.1);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/accuracy/{deployment}.md"));
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let pattern = std::env::var("OPSCTL_INJECTION").ok().map(|text| Regex::new(&text).unwrap());
    let is_first = |injection: &Injection| {
        let of_it = injections().find(|other| other.failure == injection.failure);
        of_it.is_some_and(|other| other.what == injection.what)
    };
    let wanted = |injection: &Injection| match &pattern {
        Some(pattern) => pattern.is_match(injection.what),
        None => is_first(injection),
    };
    let mut lines = Vec::new();
    let mut wrongs = Vec::new();
    for injection in injections() {
        if !wanted(injection) {
            let own = format!("| `{}` | {} |", injection.failure, injection.what);
            lines.extend(known.lines().find(|line| line.starts_with(&own)).map(str::to_owned));
            continue;
        }
        let begun = Instant::now();
        let (line, wrong) = one(machine, &prefix, injection);
        let seconds = begun.elapsed().as_secs_f32();
        let told = wrong.as_deref().unwrap_or("right");
        eprintln!("{deployment}: {} ({}): {told} in {seconds:.1} s", injection.code, injection.what);
        lines.push(line);
        wrongs.extend(wrong.map(|wrong| format!("{} ({}): {wrong}", injection.code, injection.what)));
    }
    assert_data_eq!(
        page(deployment, &lines, not_here).raw(),
        Data::read_from(&path, Some(snapbox::data::DataFormat::Text)).raw()
    );
    assert!(wrongs.is_empty(), "{} wrong:\n{}", wrongs.len(), wrongs.join("\n"));
}

fn page(deployment: &str, lines: &[String], not_here: &[(&str, &str)]) -> String {
    let mut page = format!(
        "# {deployment}: what `diagnose` makes of injected failures\n\n\
         Written by the suite of real hosts (`tests/host/diagnose`): each line was injected on a booted Debian, found first among \
         all findings with the evidence that decides it, and mended or left to a person as the last column says.\n\n\
         | Failure | Injected | Found | Fix |\n|---|---|---|---|\n"
    );
    for line in lines {
        writeln!(page, "{line}").unwrap();
    }
    let right = lines.iter().filter(|line| !line.contains(WRONG)).count();
    writeln!(page, "\n{right} of {} injections: the right cause first, with its evidence and its fix.", lines.len())
        .unwrap();
    if !not_here.is_empty() {
        page.push_str("\nNot provoked on this host:\n\n");
        for (what, why) in not_here {
            writeln!(page, "- {what}: {why}").unwrap();
        }
    }
    page
}
