//! What somebody reads who sees this for the first time: the text of an error, a finding or a help names the thing, what is wrong
//! with it and, of a change, what was or was not changed; and it has a command that works when it is pasted.

use crate::machine::{Machine, Run, needs_root};
use crate::prim;

/// A situation: the call, and what its text must hold.
struct Situation {
    args: &'static [&'static str],
    /// The thing, what is wrong with it, and where a change was asked for, what was changed.
    names: &'static [&'static str],
    /// The command, as it can be pasted; of a help, of an error or of a finding.
    command: &'static str,
}

const fn of(args: &'static [&'static str], names: &'static [&'static str], command: &'static str) -> Situation {
    Situation { args, names, command }
}

const NOTHING: &str = "nothing was changed";

const ERRORS: [Situation; 10] = [
    of(&["status", "walet"], &["walet", "no service of prim"], "opsctl status wallet"),
    of(&["stattus"], &["stattus", "unrecognized"], "opsctl status"),
    of(&["status", "--timeuot", "1s"], &["--timeuot", "unexpected"], "opsctl status --timeout 1s"),
    of(&["logs", "all"], &["all", "no service of prim"], "opsctl logs --all"),
    of(&["get"], &["<WHAT>", "missing"], "opsctl get --help"),
    of(&["describe", "prim-*"], &["prim-*", "several services"], "opsctl describe wallet"),
    of(&["-d", "prin", "status"], &["prin", "no deployment"], "opsctl -d prim status"),
    of(&["restart", "wallet"], &["restart wallet", "no terminal", NOTHING], "opsctl restart wallet --yes"),
    of(
        &["restart", "track", "-y"],
        &["track", "prim-track.service is masked", NOTHING],
        "systemctl unmask prim-track.service",
    ),
    of(&["reload", "domain", "-y"], &["domain", "cannot be reloaded", NOTHING], "opsctl restart domain"),
];

const FINDINGS: [Situation; 5] = [
    of(&["status", "wallet", "store"], &["wallet", "crash loop", "store"], "opsctl diagnose wallet"),
    of(&["status", "wallet"], &["wallet", "crash loop", "exit 3"], "opsctl diagnose wallet"),
    of(
        &["diagnose", "wallet"],
        &["PRIM_NETWORK", "not a known network", "/etc/prim/wallet.env"],
        "opsctl restart wallet",
    ),
    of(
        &["diagnose", "store"],
        &["PRIM_NETWORK", "another network than wallet", "/etc/prim/wallet.env"],
        "opsctl restart store",
    ),
    of(&["explain", "PRIM-NETWORK-UNKNOWN"], &["PRIM_NETWORK", "eip155:8453"], "opsctl diagnose wallet-down"),
];

const HELPS: [Situation; 5] = [
    of(&["-h"], &["status", "diagnose", "restart", "backup"], "opsctl restart wallet --dry-run"),
    of(&["restart", "--help"], &["Restart services", "--dry-run", "--yes"], "opsctl restart wallet"),
    of(&["logs", "--help"], &["log lines", "--since", "--follow"], "opsctl logs wallet"),
    of(&["backup", "create", "--help"], &["backup", "--dry-run"], "opsctl backup create --dry-run"),
    of(&["demo", "--help"], &["made-up host", "broken service"], "opsctl demo diagnose"),
];

/// A host with a wallet in a crash loop, a store that was stopped, and units that cannot be changed.
fn host() -> Machine {
    let machine = prim::two();
    prim::files(&machine);
    machine.change_unit("prim-wallet.service", &prim::CRASH_LOOP);
    machine.stop(3001);
    machine.stop(3002);
    machine.able(&["caddy.service"]);
    machine.change_unit("prim-store.service", &[("ActiveState", "inactive"), ("SubState", "dead"), ("MainPID", "0")]);
    machine.change_unit(
        "prim-track.service",
        &[("LoadState", "masked"), ("ActiveState", "inactive"), ("SubState", "dead")],
    );
    machine.file(
        "/etc/prim/wallet.env",
        "PORT=3001\nPRIM_PAY_TO=0x5f\nPRIM_NETWORK=eip155:1\nPRIM_INTERNAL_KEY=key-of-wallet\n",
    );
    machine
}

/// What is printed, each line folded into one text.
fn text(run: &Run) -> String {
    let lines = run.stdout.lines().chain(run.stderr.lines()).map(str::trim);
    lines.collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "needs root"]
fn twenty_situations_name_the_thing_and_a_command_that_works() {
    needs_root();
    let machine = host();
    let mut wrong = Vec::new();
    for Situation { args, names, command } in ERRORS.iter().chain(&FINDINGS).chain(&HELPS) {
        let run = machine.run(*args);
        let text = text(&run);
        let missing: Vec<&&str> = names.iter().chain([command]).filter(|name| !text.contains(**name)).collect();
        if !missing.is_empty() {
            wrong.push(format!("opsctl {}: without {missing:?}:\n{}{}", args.join(" "), run.stdout, run.stderr));
        }
        // The command is understood: it ends with anything but a usage error. What would change something is only planned.
        let Some(words) = command.strip_prefix("opsctl ") else { continue };
        let mut words: Vec<&str> = words.split(' ').collect();
        if matches!(words[0], "restart" | "start" | "stop" | "reload") && !words.contains(&"--dry-run") {
            words.push("--dry-run");
        }
        let pasted = machine.run(&words);
        if pasted.code == 2 {
            wrong.push(format!("opsctl {}: {command}: {}", args.join(" "), pasted.stderr));
        }
    }
    assert!(wrong.is_empty(), "{} of 20:\n{}", wrong.len(), wrong.join("\n"));
}

/// Of what several failures share, and of what is meant by a word.
#[test]
#[ignore = "needs root"]
fn hints_lead_to_what_was_meant() {
    needs_root();
    let machine = host();
    for (args, has, has_not) in [
        // One code of many failures: no service of one of them in its fix.
        (&["explain", "PRIM-MASKED"][..], "systemctl unmask UNIT", "caddy.service"),
        (&["explain", "PRIM-NETWRK-UNKNOWN"], "opsctl explain PRIM-NETWORK-UNKNOWN", "explain prim"),
        (&["diagnose", "--ignore", "PRIM-MASKD"], "opsctl diagnose --ignore PRIM-MASKED", "get failures"),
        (&["restart", "postgres"], "known: wallet", "did you mean"),
        (&["wallet"], "opsctl status wallet", "--help"),
        (&["-d", "localhost", "rollback"], "opsctl get deployments", "restart --all"),
        (&["logs", "wallet", "-g", "("], "( is not a regular expression: unclosed group", "parse error"),
        // Examples name what the deployment has.
        (&["-d", "plugspace", "-h"], "opsctl logs mongodb --since 10m", "wallet"),
        (&["-d", "plugspace", "restart", "--help"], "opsctl restart mongodb", "wallet"),
        (&["-d", "plugspace", "backup", "create", "--help"], "opsctl backup create", "wallet"),
        (&["restart", "-h"], "opsctl restart wallet", "mongodb"),
        // What to name, and what there is.
        (&["restart"], "opsctl restart SERVICE, or opsctl restart --all; services: wallet, store, ", "--help"),
        (&["describe"], "opsctl describe SERVICE; services: wallet, store, ", "--all"),
        (
            &["stop", "--dry-run"],
            "opsctl stop --dry-run SERVICE, or opsctl stop --dry-run --all; services: wallet",
            "--help",
        ),
        (&["-d", "plugspace", "reload"], "opsctl -d plugspace reload SERVICE, or ", "wallet"),
        (&["backup", "lst"], "did you mean: opsctl backup list", "known:"),
        (&["backup", "verfy", "wallet"], "did you mean: opsctl backup verify wallet", "known:"),
        (&["-d", "localhost", "backup", "lst"], "did you mean: opsctl -d localhost backup list", "get deployments"),
        // Every refusal leads on.
        (&["-d", "plugspace", "redeploy", "--dry-run"], "redeploy --dry-run --old-backup", "one: --old-backup"),
        (&["rollback", "--dry-run"], "opsctl rollback --to COMMIT", "no hint"),
        (&["backup", "list"], "rclone config", "get backups"),
        (&["restart", "qdrant", "-y"], "opsctl explain qdrant", "no hint"),
        // The finding is not pushed off the screen by what is ruled out.
        (&["diagnose", "wallet"], "all of them: opsctl diagnose wallet -o wide", "ruled out PRIM-"),
        (&["diagnose", "wallet", "-o", "wide"], "ruled out PRIM-", "all of them"),
    ] {
        let text = text(&machine.run(args));
        assert!(text.contains(has) && !text.contains(has_not), "opsctl {}: {text}", args.join(" "));
    }
}

#[test]
#[ignore = "needs root"]
fn log_lines_are_printed_once() {
    needs_root();
    let machine = host();
    for (time, line) in [("05:29:50", "listening"), ("05:29:58", "error: Unknown network")] {
        let fields: [(&str, &[u8]); 2] = [("PRIORITY", b"3"), ("MESSAGE", line.as_bytes())];
        machine.journal(&format!("2026-11-22T{time}Z"), "prim-wallet.service", &fields);
    }
    for verb in ["status", "describe"] {
        let text = machine.run([verb, "wallet"]).stdout;
        assert_eq!(text.matches("error: Unknown network").count(), 1, "{verb}: {text}");
    }
}

/// A masked unit is a link to /dev/null, which sets nothing.
#[test]
#[ignore = "needs root"]
fn the_log_of_a_masked_unit_is_read_as_it_is() {
    needs_root();
    let machine = host();
    machine.unit(
        "prim-track.service",
        "Id=prim-track.service\nNames=prim-track.service\nLoadState=masked\nActiveState=inactive\nSubState=dead\n\
         FragmentPath=/etc/systemd/system/prim-track.service\nStandardInput=null\nStandardOutput=inherit\n\
         StandardError=inherit\n",
    );
    machine.journal("2026-11-22T05:29:58Z", "prim-track.service", &[("MESSAGE", b"the last line")]);
    let run = machine.run(["logs", "track"]);
    assert!(run.stdout.contains("the last line") && run.code == 0, "{}: {}{}", run.code, run.stdout, run.stderr);
    assert!(!run.everything().contains("discarded"), "{}", run.everything());
}
