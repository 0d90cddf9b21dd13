//! `--install` and `--uninstall`, transcribed. Ring 3 has a real systemd run what is written.

use super::*;
use crate::machine::needs_root;

const UNIT: &str = "/etc/systemd/system/opsctl-check-prim";
const PROGRAM: &str = "/usr/local/bin/opsctl";

/// What systemd knows of the timer and its service, when `active` and `file_state` are these.
fn timer(machine: &Machine, name: &str, active: &str, file_state: &str, next: &str) -> String {
    let load = if file_state.is_empty() { "not-found" } else { "loaded" };
    let sub = if active == "active" { "waiting" } else { "dead" };
    let block = format!(
        "Id={name}.timer\nLoadState={load}\nActiveState={active}\nSubState={sub}\nUnitFileState={file_state}\n\
         NeedDaemonReload=no\nNextElapseUSecRealtime=\nNextElapseUSecMonotonic={next}\n"
    );
    fs::write(machine.home().join("units").join(format!("{name}.timer")), &block).unwrap();
    let service =
        format!("Id={name}.service\nLoadState={load}\nActiveState=inactive\nSubState=dead\nUnitFileState=static\n");
    fs::write(machine.home().join("units").join(format!("{name}.service")), service).unwrap();
    block
}

/// A prim host on which a timer runs once it is enabled, and no longer once it is disabled.
fn host() -> Machine {
    needs_root();
    let machine = super::host();
    machine.file("/etc/localtime", "");
    machine.dir("/etc/systemd/system");
    machine.file(PROGRAM, "");
    fs::set_permissions(machine.path(PROGRAM), fs::Permissions::from_mode(0o755)).unwrap();
    let name = "opsctl-check-prim";
    for (verb, active, file, next) in
        [("enable", "active", "enabled", "2w 1min"), ("disable", "inactive", "", "infinity")]
    {
        machine.answer(&act(verb), "");
        let block = timer(&machine, name, active, file, next);
        let units = machine.home().join("answers").join(act(verb)).join("units");
        fs::create_dir_all(&units).unwrap();
        fs::write(units.join(format!("{name}.timer")), block).unwrap();
    }
    timer(&machine, name, "inactive", "", "infinity");
    machine
}

fn names(machine: &Machine) -> Vec<String> {
    let mut all: Vec<String> = ["/etc/systemd/system", "/etc/cron.d"]
        .iter()
        .filter_map(|directory| fs::read_dir(machine.path(directory)).ok())
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("opsctl"))
        .collect();
    all.sort();
    all
}

#[test]
#[ignore = "needs root"]
fn a_timer_is_planned_installed_compared_and_removed() {
    let machine = host();
    let runs = [machine.run(["check", "--install", "--dry-run"]), machine.run(["check", "--install"])];
    assert!(runs.iter().all(|run| changes(run).is_empty()));
    assert_eq!((traces(&machine), names(&machine)), ((false, false), Vec::new()));
    compare("schedule_planned", &runs.map(told));

    let install = |words: &str| told(machine.run(words.split(' ')));
    let runs = [
        install("check --install -y"),
        install("check --install -y"),
        install("check --install -y --every 5m -o json"),
        install("check --uninstall --dry-run"),
        install("check --uninstall"),
        install("history"),
    ];
    let mode = fs::metadata(machine.path(&format!("{UNIT}.service"))).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o644);
    assert_eq!(names(&machine), ["opsctl-check-prim.service", "opsctl-check-prim.timer"]);
    let text = fs::read_to_string(machine.path(&format!("{UNIT}.timer"))).unwrap();
    assert!(text.contains("OnUnitActiveSec=300s"), "{text}");
    let rows = |machine: &Machine| -> Vec<String> {
        let document = machine.run(["verify", "-o", "json"]).json();
        let rows = document["comparisons"].as_array().unwrap().iter();
        let own = rows.filter(|row| row["service"].is_null()).map(|row| format!("{} {}", row["what"], row["verdict"]));
        own.map(|row| row.replace('"', "")).collect()
    };
    let mut seen = rows(&machine);
    seen.sort();
    assert_eq!(
        seen,
        [
            &format!("{UNIT}.service pass"),
            &format!("{UNIT}.timer pass"),
            "opsctl-check-prim.timer pass",
            "program of opsctl-check-prim pass"
        ]
    );
    machine.remove(PROGRAM);
    assert!(rows(&machine).contains(&"program of opsctl-check-prim fail".to_owned()));
    compare("schedule_installed", &runs);

    let runs = [install("check --uninstall -y"), install("check --uninstall -y")];
    assert_eq!(names(&machine), Vec::<String>::new());
    assert_eq!(rows(&machine), Vec::<String>::new());
    compare("schedule_removed", &runs);
}

#[test]
#[ignore = "needs root"]
fn what_cannot_be_installed_is_refused_before_anything_is_written() {
    let machine = host();
    let lines = [
        "check --yes",
        "check --every 5m",
        "check --install --uninstall",
        "check --install -y --every 1s",
        "backup wallet --install -y",
        "backup drill --uninstall --every 1h",
    ];
    let mut runs: Vec<Run> = lines.iter().map(|line| machine.run(line.split(' '))).collect();
    machine.file(&format!("{UNIT}.timer"), "[Timer]\nOnCalendar=daily\n");
    runs.push(machine.run(["check", "--install", "-y"]));
    machine.remove(&format!("{UNIT}.timer"));
    fs::set_permissions(machine.path(PROGRAM), fs::Permissions::from_mode(0o777)).unwrap();
    runs.push(machine.run(["check", "--install", "-y"]));
    machine.remove(PROGRAM);
    runs.push(machine.run(["check", "--install", "-y"]));
    machine.file(PROGRAM, "");
    machine.hang("systemctl-show");
    runs.push(machine.run(["check", "--install", "-y", "--timeout", "1s"]));
    assert!(runs.iter().all(|run| changes(run).is_empty()));
    assert_eq!((traces(&machine), names(&machine)), ((false, false), Vec::new()));
    compare("schedule_refused", &runs);
}

/// What a failure, or the end of opsctl, left half done the next run completes.
#[test]
#[ignore = "needs root"]
fn an_installation_that_did_not_end_is_completed() {
    let machine = host();
    machine.answer_with(&act("daemon-reload"), "", "Failed to reload daemon: Access denied\n", 1);
    let failed = told(machine.run(["check", "--install", "-y"]));
    machine.answer(&act("daemon-reload"), "");
    fs::write(machine.path("/etc/systemd/system/.opsctl-check-prim.timer.opsctl-new"), "half").unwrap();
    let completed = told(machine.run(["check", "--install", "-y"]));
    let note = r#"{"what":"check --install","who":"alice","since":"2026-11-22T05:29:00Z","pid":4242,"pid_started":77,"step":"x","by_hand":false}"#;
    machine.file("/run/opsctl/prim.lock", note);
    let ended = told(machine.run(["check", "--install"]));
    assert_eq!(fs::read_to_string(machine.path("/run/opsctl/prim.lock")).unwrap(), "");
    // The timer is enabled, and systemd does not say when it runs.
    timer(&machine, "opsctl-check-prim", "active", "enabled", "infinity");
    machine.remove(&format!("{UNIT}.service"));
    let unseen = told(machine.run(["check", "--install", "-y"]));
    compare("schedule_completed", &[failed, completed, ended, unseen]);
}

#[test]
#[ignore = "needs root"]
fn without_systemd_cron_runs_it() {
    let machine = host();
    machine.remove("/run/systemd/system");
    machine.dir("/etc/cron.d");
    let idle = told(machine.run(["check", "--install", "-y", "--every", "5m"]));
    let again = told(machine.run(["check", "--install", "--every", "5m"]));
    machine.file("/proc/77/comm", "cron\n");
    let runs = [
        idle,
        again,
        told(machine.run(["check", "--install", "-y", "--every", "5m"])),
        told(machine.run(["check", "--install", "-y", "--every", "30s"])),
        told(machine.run(["check", "--uninstall", "-y", "--dry-run"])),
        told(machine.run(["backup", "--install", "-y", "-o", "json"])),
        told(machine.run(["backup", "drill", "--install", "--dry-run"])),
    ];
    assert_eq!(names(&machine), ["opsctl-backup-prim", "opsctl-check-prim"]);
    let text = |name: &str| fs::read_to_string(machine.path(&format!("/etc/cron.d/{name}"))).unwrap();
    assert!(text("opsctl-check-prim").ends_with("\n*/5 * * * * root /usr/local/bin/opsctl check -d prim >/dev/null\n"));
    compare("schedule_cron", &runs);
}
