//! Timers that a real systemd runs: within their sandbox nothing is unknown that is known without it, and nothing can be written but
//! what the verb writes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::backup;
use crate::machine::{Machine, Ran};

const UNIT: &str = "/etc/systemd/system/opsctl-check-";
/// How long the timer's runs are waited for.
const LONGEST: Duration = Duration::from_secs(50);

fn opsctl(machine: &Machine, words: &str, code: i32) -> Ran {
    let line: Vec<&str> = std::iter::once("opsctl").chain(words.split(' ')).collect();
    let ran = machine.run(&line);
    assert_eq!(ran.code, code, "{words}: {ran:#?}");
    ran
}

/// What is unknown in a document: its place in it, its names and its reason.
fn unknown(document: &Value, place: &str, found: &mut BTreeSet<String>) {
    match document {
        Value::Object(members) => {
            if members.get("verdict").is_some_and(|verdict| verdict == "unknown") {
                let keys = ["name", "service", "source", "code", "subject", "what", "summary", "reason"];
                let names = keys.iter().filter_map(|key| members.get(*key)?.as_str());
                found.insert(format!("{place}: {}", names.collect::<Vec<_>>().join(", ")));
            }
            members.iter().for_each(|(key, value)| unknown(value, &format!("{place}.{key}"), found));
        }
        Value::Array(all) => all.iter().for_each(|value| unknown(value, place, found)),
        _ => {}
    }
}

/// The service with another command, which prints into a file; what it printed.
fn within(machine: &Machine, unit: &str, command: &str) -> String {
    machine.sh(&format!(
        "mkdir -p /run/systemd/system/{unit}.service.d
         printf '[Service]\\nExecStart=\\nExecStart={command}\\nStandardOutput=truncate:/run/tried\\n' \
             >/run/systemd/system/{unit}.service.d/try.conf
         systemctl daemon-reload; systemctl start {unit}.service; systemctl is-failed {unit}.service && exit 1
         rm -r /run/systemd/system/{unit}.service.d; systemctl daemon-reload"
    ));
    machine.sh("cat /run/tried")
}

/// Each verb that only reads says the same within the sandbox.
fn same(machine: &Machine, deployment: &str) {
    for verb in ["status", "verify", "diagnose"] {
        let words = format!("{verb} -d {deployment} -o json");
        let line: Vec<&str> = std::iter::once("opsctl").chain(words.split(' ')).collect();
        let plain: Value = serde_json::from_str(&machine.run(&line).stdout).unwrap();
        let text = within(machine, &format!("opsctl-check-{deployment}"), &format!("/usr/local/bin/opsctl {words}"));
        let sandboxed: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
        unknown(&plain, verb, &mut before);
        unknown(&sandboxed, verb, &mut after);
        let new: Vec<&String> = after.difference(&before).collect();
        assert!(new.is_empty(), "unknown only within the sandbox: {new:#?}");
        assert_eq!(sandboxed["verdict"], plain["verdict"], "{verb}: {sandboxed:#}");
        let of = |document: &Value| {
            let findings = document["findings"].as_array().into_iter().flatten();
            let codes = findings.map(|finding| format!("{} {}", finding["code"], finding["verdict"]));
            let checks = document["host_resources"]["checks"].as_array().into_iter().flatten();
            codes
                .chain(checks.map(|check| format!("{} {}", check["source"], check["verdict"])))
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(of(&sandboxed), of(&plain), "{verb}");
    }
}

/// Where the service can write.
fn writable(machine: &Machine, unit: &str, paths: &str) -> String {
    let script = "/usr/local/lib/try-to-write";
    machine.sh(&format!(
        "printf '#!/bin/sh\\nfor p in {paths}; do (: >$p/opsctl-try) 2>/dev/null && rm $p/opsctl-try && echo $p; done; true\\n' \
             >{script}; chmod 755 {script}"
    ));
    within(machine, unit, script).lines().collect::<Vec<_>>().join(" ")
}

fn installed(machine: &Machine, deployment: &str) {
    // As early after a boot as it can be: none of the directories is there.
    machine.sh("rm -rf /run/opsctl /var/lib/opsctl /var/log/opsctl");
    opsctl(machine, &format!("-d {deployment} check --install -y --every 10s"), 0);
    let again = opsctl(machine, &format!("-d {deployment} check --install -y --every 10s"), 0);
    assert!(again.stdout.starts_with("already "), "{again:#?}");
    let complaints = machine.run(&[
        "systemd-analyze",
        "verify",
        "--man=no",
        "--recursive-errors=no",
        &format!("{UNIT}{deployment}.service"),
        &format!("{UNIT}{deployment}.timer"),
    ]);
    assert_eq!((complaints.code, complaints.stderr.as_str()), (0, ""), "{complaints:#?}");
    let rows = opsctl_rows(machine, deployment);
    assert!(rows.len() == 4 && rows.iter().all(|row| row.ends_with("pass")), "{rows:#?}");
}

/// The rows of `verify` that are about the host.
fn opsctl_rows(machine: &Machine, deployment: &str) -> Vec<String> {
    let ran = machine.run(&["opsctl", "-d", deployment, "verify", "-o", "json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let rows = document["comparisons"].as_array().unwrap().iter().filter(|row| row["service"].is_null());
    rows.map(|row| format!("{} {}", row["what"], row["verdict"]).replace('"', "")).collect()
}

/// A timer runs again and again, is changed, and is gone.
#[test]
fn a_timer_runs_on_a_bare_host() {
    let machine = Machine::boot_as("bare", "it-install-bare");
    let nobody = machine.run_as("nobody", &["opsctl", "check", "--install", "-y"]);
    assert!(nobody.code == 5 && nobody.stderr.contains("sudo opsctl check --install -y"), "{nobody:#?}");
    let unasked = machine.run(&["opsctl", "check", "--install"]);
    assert_eq!(unasked.code, 5, "{unasked:#?}");
    machine.sh("! ls /etc/systemd/system | grep opsctl; ! ls /etc/cron.d | grep opsctl");
    installed(&machine, "localhost");
    let unit = "opsctl-check-localhost";
    machine.sh(&format!(
        "mkdir -p /run/systemd/system/{unit}.service.d
         printf '[Service]\\nExecStart=\\nExecStart=/usr/local/bin/opsctl status -d localhost -o name\\n' \
             >/run/systemd/system/{unit}.service.d/try.conf
         systemctl daemon-reload
         # The first run is a minute after the boot.
         systemctl start {unit}.service"
    ));
    let until = Instant::now() + LONGEST;
    let runs = || {
        machine
            .sh(&format!(
                "journalctl -u {unit} -o json --output-fields=_SYSTEMD_INVOCATION_ID | \
        jq -r '._SYSTEMD_INVOCATION_ID // empty' | sort -u | wc -l"
            ))
            .trim()
            .parse::<u32>()
            .unwrap()
    };
    while runs() < 3 {
        assert!(
            Instant::now() < until,
            "{}",
            machine.sh(&format!("systemctl status {unit}.timer {unit}.service || true"))
        );
        std::thread::sleep(Duration::from_secs(1));
    }
    machine.sh(&format!("rm -r /run/systemd/system/{unit}.service.d; systemctl daemon-reload"));
    let modes = machine.sh("stat -c '%a %U' /run/opsctl /var/lib/opsctl /var/log/opsctl | sort -u");
    assert_eq!(modes, "700 root\n");
    same(&machine, "localhost");
    let all = "/etc /usr /home /root /tmp /var/lib /run /opt /var/lib/opsctl /var/log/opsctl /run/opsctl";
    assert_eq!(writable(&machine, unit, all), "/run /var/lib/opsctl /var/log/opsctl /run/opsctl");

    let changed = opsctl(&machine, "-d localhost check --install -y --every 1h", 0);
    assert!(changed.stdout.contains("every 1h by systemd, next at"), "{changed:#?}");
    let timers = machine.sh(&format!("systemctl show -P TimersMonotonic {unit}.timer"));
    assert!(timers.contains("OnUnitActiveUSec=1h ") && !timers.contains("OnUnitActiveUSec=10s"), "{timers}");
    machine.sh(&format!("systemctl stop {unit}.timer"));
    assert!(opsctl_rows(&machine, "localhost").contains(&format!("{unit}.timer fail")));
    machine.sh(&format!("echo PrivateNetwork=yes >>{UNIT}localhost.service"));
    assert!(opsctl_rows(&machine, "localhost").contains(&format!("{UNIT}localhost.service warn")));
    opsctl(&machine, "-d localhost check --uninstall -y", 0);
    let gone = opsctl(&machine, "-d localhost check --uninstall -y", 0);
    assert!(gone.stdout.starts_with("already "), "{gone:#?}");
    machine.sh("! find /etc/systemd /etc/cron.d | grep opsctl; ! systemctl list-units --all --plain | grep opsctl");
}

/// pm2 of another user, MongoDB, Redis.
#[test]
fn a_check_within_its_sandbox_on_plugspace() {
    let machine = Machine::boot_as("plugspace", "it-install-plugspace");
    installed(&machine, "plugspace");
    same(&machine, "plugspace");
}

/// Docker's socket, units; copies of databases that are written to, by the timer of backups.
#[test]
fn a_check_and_a_backup_within_their_sandboxes_on_prim() {
    let machine = Machine::boot_as("prim", "it-install-prim");
    machine.sh(backup::DATABASES);
    installed(&machine, "prim");
    same(&machine, "prim");
    opsctl(&machine, "-d prim backup --install -y", 0);
    opsctl(&machine, "-d prim backup drill --install -y", 0);
    for unit in ["opsctl-backup-prim", "opsctl-drill-prim"] {
        let ran = machine.run(&["systemctl", "start", &format!("{unit}.service")]);
        assert_eq!(ran.code, 0, "{}", machine.sh(&format!("journalctl -u {unit} --no-pager -o cat")));
    }
    assert_eq!(writable(&machine, "opsctl-backup-prim", "/etc /usr /opt/prim"), "/opt/prim");
    let sets = opsctl(&machine, "-d prim backup list -o name", 0);
    assert!(sets.stdout.lines().count() >= 4, "{sets:#?}");
}
