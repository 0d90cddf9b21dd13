//! Command lines that make no sense, and those that ask how to make sense, transcribed.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;

use regex::Regex;

use crate::machine::{Machine, Run};
use crate::prim;
use crate::transcript::compare;

fn lines_that_make_no_sense() -> Vec<Vec<OsString>> {
    let mut lines: Vec<Vec<OsString>> = [
        &["status", "walet"] as &[&str],
        &["status", "wallet", "nothing-like-it"],
        // Another deployment has it.
        &["status", "plugspace-api"],
        &["stattus"],
        &["get"],
        &["get", "services", "walet"],
        &["restart", "all"],
        &["logs", "all"],
        &["status", "all"],
        &["describe", "prim-*"],
        &["status", "nothing-*"],
        &["diagnose", "wallet,store"],
        &["backup", "--nonsense"],
        &["backup", "create", "wallet,stor"],
        &["backup", "list", "z*"],
        &["backup", "drill", ","],
        &["backup", "verify", "all"],
        &["restore", "wallet,s*"],
        &["status", "--timeuot", "1s"],
        &["restart"],
        &["completion"],
        &["man", "backup", "craete"],
        &["explain"],
        &["status", "-o", "nonsense"],
        // Forms that another verb has.
        &["status", "-o", "prom"],
        &["-onagios", "status"],
        &["status", "--nonsense"],
        &["-d", "prin", "status"],
        &["-d", "", "status"],
        &["status", "--timeout", "10"],
        &["status", "--timeout=-1s"],
        &["status", "--watch", "soon"],
        &["status", "--fail-on", "pass"],
        &["completion", "tcsh"],
        &["man", "statu"],
        &["schema", "statuses"],
        // L1: nothing but names is ever understood as a name.
        &["status", "../wallet"],
        &["status", "--", "-h"],
        &["status", "wallet;reboot"],
        &["status", "$(id)"],
        &["status", ""],
        &["status", "wаllet"],
        &["status", "wallet\n"],
        &["status", "wallet\u{1b}]52;c;aGk=\u{7}"],
        &["status", "wal\u{202e}tel"],
    ]
    .iter()
    .map(|line| line.iter().map(OsString::from).collect())
    .collect();
    lines.push(vec!["status".into(), "x".repeat(100 << 10).into()]);
    lines.push(vec!["status".into(), OsString::from_vec(b"wall\xff\xfet".to_vec())]);
    lines
}

/// A monitoring system reads stdout and exit codes of its own, also where the command line makes no sense.
#[test]
fn what_a_plugin_cannot_do_is_unknown_to_its_caller() {
    let machine = Machine::new();
    for words in [&["check", "-o", "nagios", "--nonsense"] as &[&str], &["-d", "nonsense", "check", "-onagios"]] {
        let run = machine.run(words);
        assert_eq!((run.code, run.stderr.as_str()), (3, ""), "{words:?}");
        assert!(run.stdout.starts_with("OPSCTL UNKNOWN - "), "{}", run.stdout);
        assert!(run.stdout.contains("\nhint: "), "{}", run.stdout);
    }
    let run = machine.run(["-d", "nonsense", "status"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
}

#[test]
fn usage_errors_in_words() {
    let machine = prim::quiet();
    let runs: Vec<Run> = lines_that_make_no_sense().into_iter().map(|line| machine.run(line)).collect();
    for run in &runs {
        assert_eq!((run.code, run.stdout.as_str(), run.ran.len()), (2, "", 0), "{:?}", run.args);
    }
    compare("usage_errors", &runs);
}

#[test]
fn usage_errors_as_documents() {
    let machine = prim::quiet();
    let json = |mut line: Vec<OsString>| {
        line.splice(0..0, ["-o".into(), "json".into()]);
        machine.run(line)
    };
    // Two forms at once are a mistake of their own.
    let lines = lines_that_make_no_sense().into_iter().filter(|line| !line.contains(&"-o".into()));
    let runs: Vec<Run> = lines.map(json).collect();
    for run in &runs {
        assert_eq!((run.code, run.stderr.as_str(), run.ran.len()), (2, "", 0), "{:?}", run.args);
        assert_eq!(run.json()["verdict"], "unknown");
        // Nothing in it drives a terminal, and nothing in it is endless.
        assert!(run.stdout.chars().all(|c| !c.is_control() || c == '\n'), "{:?}", run.args);
        assert!(run.stdout.len() < 8192, "{:?}", run.args);
    }
    compare("usage_errors_json", &runs);
}

#[test]
fn the_form_of_errors_is_found_however_it_is_asked_for() {
    let machine = Machine::new();
    for form in [
        &["-ojson"] as &[&str],
        &["-o=json"],
        &["-o", "json"],
        &["--output=json"],
        &["--output", "json"],
        &["-qojson"],
        &["-q", "-v", "-o", "json"],
    ] {
        let run = machine.run(form.iter().chain(&["stattus"]));
        assert_eq!(run.code, 2);
        assert_eq!(run.json()["error"]["code"], "usage", "{form:?}");
        let run = machine.run(["stattus"].iter().chain(form));
        assert_eq!(run.json()["error"]["code"], "usage", "{form:?} after the verb");
    }
}

#[test]
fn two_deployments_on_one_host() {
    let machine = prim::quiet();
    machine.dir("/srv/fondation");
    compare(
        "several_deployments",
        &[
            machine.run(["status"]),
            machine.run(["get", "services", "-o", "json"]),
            machine.run(["get", "deployments"]),
            machine.run(["explain", "wallet", "-o", "name"]),
            machine.run(["-d", "fondation", "get", "services", "-o", "name"]),
            machine.run_with(["get", "services", "-o", "name"], &[("OPSCTL_DEPLOYMENT", "fondation")]),
            // What is said on the line goes before what is said in the environment.
            machine.run_with(["-d", "ai-fsm", "get", "services", "-o", "name"], &[("OPSCTL_DEPLOYMENT", "fondation")]),
            machine.run_with(["get", "services"], &[("OPSCTL_DEPLOYMENT", "fondatoin")]),
        ],
    );
}

#[test]
fn help() {
    let machine = Machine::new();
    compare(
        "help",
        &[
            machine.run(["--help"]),
            machine.run(["-h"]),
            machine.run(["status", "--help"]),
            machine.run(["help", "get"]),
            machine.run(["schema"]),
        ],
    );
    let form = Regex::new(r"^opsctl [0-9.]+ \(\w+ [\w@-]+, [\w-]+\)\n$").unwrap();
    let version = machine.run(["--version"]);
    assert!(version.code == 0 && form.is_match(&version.stdout), "{version:?}");
    assert_eq!(machine.run(["version"]).stdout, version.stdout);
    let document = machine.run(["version", "--json"]).json();
    assert_eq!(document["schema"], "opsctl/version/v1");
    assert!(version.stdout.contains(document["commit"].as_str().unwrap()), "{document}");
}

#[test]
fn the_program_alone_shows_short_help_and_the_state() {
    let machine = prim::quiet();
    let run = machine.run::<&str>([]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(run.stdout.starts_with("Run the incident runbook of a server\n"), "{}", run.stdout);
    let last: Vec<&str> = run.stdout.lines().rev().take(2).collect();
    assert!(last[0].starts_with("next: opsctl ") && last[1].contains(" prim on "), "{last:?}");
    machine.dir("/srv/fondation");
    let run = machine.run::<&str>([]);
    assert!(run.code == 0 && run.stderr.contains("several deployments"), "{run:?}");
}

#[test]
fn services_have_the_names_that_people_type() {
    let machine = prim::quiet();
    let names = |words: &[&str]| {
        let run = machine.run(["get", "svc", "-o", "name"].iter().chain(words));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{words:?}");
        run.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    for words in [&["wallet"] as &[&str], &["prim-wallet"], &["prim-wallet.service"], &["wallet,prim-wallet"]] {
        assert_eq!(names(words), ["wallet"], "{words:?}");
    }
    assert_eq!(names(&["store,wallet"]), ["store", "wallet"]);
    assert_eq!(names(&["*"]), names(&[]));
    assert!(names(&["prim-*"]).len() < names(&[]).len());
    let run = machine.run(["explain", "prim-wallet.service", "-o", "name"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "wallet\n"));
    for line in [&["status", "prim-wallet", "--json"] as &[&str], &["describe", "prim-wallet", "--json"]] {
        let document = machine.run(line).json();
        let status = if document["status"].is_null() { &document } else { &document["status"] };
        assert_eq!(status["services"][0]["name"], "wallet", "{line:?}");
    }
}

/// Somebody who is not root is told the whole call, with the deployment of the variable that sudo drops.
#[test]
#[ignore = "needs root"]
fn a_hint_repeats_the_call_as_it_was_typed() {
    crate::machine::needs_root();
    for (line, code) in [
        (&["backup", "list", "wallet"] as &[&str], 4),
        (&["lock", "acquire", "-m", "new disk"], 5),
        (&["lock", "release"], 5),
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_opsctl"));
        let output = command.args(line).env("OPSCTL_DEPLOYMENT", "prim").uid(65_534).gid(65_534).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let again = format!("sudo opsctl -d prim {}", line.join(" ").replace("new disk", "'new disk'"));
        assert!(output.status.code() == Some(code) && stderr.contains(&again), "{stderr}");
    }
}

/// A variable that somebody has set for whatever reason makes nothing else of a command.
#[test]
fn l5_only_the_script_of_a_shell_asks_for_completions() {
    let machine = prim::quiet();
    let lines: [&[&str]; 6] = [
        &["restart", "wallet", "-y"],
        &["status", "walet"],
        &[],
        &["--"],
        &["schema", "status"],
        &["restart", "--", "x"],
    ];
    for line in lines {
        let plain = machine.run(line);
        for value in ["bash", "zsh", "fish", "1", "", "elvish"] {
            let variables = [("OPSCTL_COMPLETE", value), ("_CLAP_COMPLETE_INDEX", "1"), ("COMPLETE", value)];
            let run = machine.run_with(line, &variables);
            assert_eq!((run.code, &run.stderr), (plain.code, &plain.stderr), "{value} {line:?}");
            assert_eq!(run.stdout, plain.stdout, "{value} {line:?}");
        }
    }
    for shell in ["bash", "zsh", "fish"] {
        let asked = [("OPSCTL_COMPLETE", shell), ("_CLAP_COMPLETE_INDEX", "1"), ("_CLAP_IFS", "\n")];
        let run = machine.run_with(["--", "opsctl", "rest"], &asked);
        assert!(run.code == 0 && run.stdout.contains("restart") && run.stdout.contains("restore"), "{run:?}");
    }
}

/// Somebody's own binary advises what can be typed there: its own name, wherever the stock one would say `opsctl`.
#[test]
fn a_binary_of_ones_own_speaks_of_itself_by_its_name() {
    // What keeps that name under any: paths, documents and their first members, the version of the library, the journal's.
    let kept = Regex::new(
        r#"[\w.\-:]*/[\w./\-]*opsctl[\w./\-]*|"opsctl": ?"|"?opsctl/[a-z-]+/v1"?|\(opsctl [0-9.]+\)|opsctl-audit|OPSCTL_\w+"#,
    )
    .unwrap();
    let machine = prim::quiet();
    machine.answer("systemctl-show", "");
    let verbs = [
        "status",
        "diagnose",
        "logs",
        "restart",
        "redeploy",
        "maintenance",
        "backup",
        "restore",
        "get",
        "explain",
        "run",
    ];
    let helps = verbs.iter().map(|verb| vec![*verb, "--help"]);
    let lines = [
        "",
        "--help",
        "--version",
        "nothing",
        "status",
        "status -o wide",
        "diagnose",
        "diagnose nothing",
        "verify",
        "logs",
        "logs nothing",
        "logs wallet -n 1",
        "restart wallet",
        "restart nothing",
        "restart --all --dry-run",
        "stop site -y",
        "redeploy --dry-run",
        "redeploy -y",
        "rollback --list",
        "rollback -y nothing",
        "maintenance on -y",
        "maintenance status",
        "backup",
        "backup list",
        "backup verify",
        "backup prune",
        "restore wallet -y",
        "restore wallet -y --at nothing",
        "history",
        "lock status",
        "lock acquire -m x",
        "lock release",
        "run reboot --dry-run",
        "explain wallet",
        "explain disk-full",
        "explain nothing",
        "explain PRIM-DISK-FULL",
        "explain prim",
        "get services",
        "get failures",
        "get backups",
        "get deployments",
        "completion bash",
        "completion zsh",
        "completion fish",
        "man",
        "man restart",
        "man nothing",
        "schema nothing",
        "-d plugspace explain redis-down",
        "-d v-edfinance get failures -o wide",
        "-d nothing status",
    ];
    let lines = lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let (mut said, mut wrong) = (0, Vec::new());
    for line in helps.chain(lines) {
        let mut command = machine.command(&line);
        let output = command.arg0("/usr/local/bin/shop-ctl").output().unwrap();
        let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        said += all.matches("shop-ctl").count();
        wrong.extend(
            all.lines()
                .filter(|line| kept.replace_all(line, "").contains("opsctl"))
                .map(|text| format!("{line:?}: {text}")),
        );
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(said >= 100, "{said}");
    let version = machine.command(["--version"]).arg0("shop-ctl").output().unwrap();
    let version = String::from_utf8_lossy(&version.stdout);
    assert!(version.starts_with(concat!("shop-ctl (opsctl ", env!("CARGO_PKG_VERSION"), ") (")), "{version}");
}
