//! Clues about units that no service is, on evidence made by hand.

use super::*;
use crate::host::tools::cgroup::Home;
use crate::host::tools::unit_file;
use crate::host::tools::unit_output::UnitOutput;
use crate::observe::clues::drift::Older;
use crate::observe::clues::drift::units::UnitFiles;
use crate::observe::clues::unmanaged::{OpenFiles, Unmanaged as Seen};
use crate::registry::Unmanaged;

const UNIT: &str = "lamp.service";
const FILE: &str = "/etc/systemd/system/lamp.service";

fn answer<T>(value: T) -> Answer<T> {
    Answer { command: "look".into(), result: Ok(value) }
}

fn seen() -> Seen {
    Seen { open_files: Some(answer(Vec::new())), ..Seen::default() }
}

fn lamp(active: &str, sub: &str) -> UnitState {
    let output = UnitOutput { files: vec![FILE.to_owned()], ..UnitOutput::default() };
    UnitState { fragment: FILE.to_owned(), output: Some(output), ..unit(UNIT, active, sub) }
}

/// What is found, with the unit that it is about and what is blamed.
fn says(seen: Seen, clue: Unmanaged, change: impl Fn(&mut Made, &mut Vec<UnitState>)) -> String {
    let mut made = Made::well();
    made.clues.unmanaged = Some(seen);
    let mut restless = Vec::new();
    change(&mut made, &mut restless);
    let outcome = made.with_restless(restless, |case| case.outcome(&Clue::Unmanaged(clue), None));
    match outcome {
        Proven(facts) => {
            let name = facts[0].names.join(",");
            format!("{name}: {} | {}", facts[0].thing.as_deref().unwrap_or("-"), facts[0].says)
        }
        RuledOut(_) => "out".to_owned(),
        Unknown(_) => "open".to_owned(),
    }
}

fn of_units(units: Vec<UnitState>, clue: Unmanaged) -> String {
    says(Seen { units: Some(answer(units)), ..seen() }, clue, |_, _| ())
}

#[test]
fn a_host_in_order_has_no_finding() {
    for clue in [
        Unmanaged::FileChanged,
        Unmanaged::FileRejected,
        Unmanaged::Environment,
        Unmanaged::StartHangs,
        Unmanaged::OpenFiles,
    ] {
        assert_eq!(says(seen(), clue, |_, _| ()), "out", "{clue:?}");
    }
}

#[test]
fn a_unit_that_systemd_has_not_read_again_is_stale_while_it_runs() {
    let of = |active, reload_needed, load: &str| {
        of_units(
            vec![UnitState { reload_needed, load: load.to_owned(), ..lamp(active, "running") }],
            Unmanaged::FileChanged,
        )
    };
    assert_eq!(
        of("active", true, "loaded"),
        "lamp.service: lamp.service | NeedDaemonReload=yes: /etc/systemd/system/lamp.service changed on disk"
    );
    // Nobody waits for what does not run; what systemd refuses is another finding; what was reloaded is none.
    for (active, needed, load) in
        [("inactive", true, "loaded"), ("active", true, "bad-setting"), ("active", false, "loaded")]
    {
        assert_eq!(of(active, needed, load), "out", "{active} {needed} {load}");
    }
    let silent = Answer { command: "systemctl show".into(), result: Err(Trouble::Failed("no".into())) };
    let seen = Seen { units: Some(silent), ..seen() };
    assert_eq!(says(seen, Unmanaged::FileChanged, |_, _| ()), "open");
}

#[test]
fn a_refused_unit_file_is_told_with_the_line_that_systemd_complains_of() {
    let of = |lines: &[&str]| {
        let lines: Vec<Said> = lines.iter().map(|text| line(text)).collect();
        let units = vec![UnitState { load: "bad-setting".into(), ..lamp("active", "running") }];
        says(Seen { units: Some(answer(units)), ..seen() }, Unmanaged::FileRejected, |made, _| {
            made.clues.others.insert(UNIT.to_owned(), answer(lines.clone()));
        })
    };
    let end = "/etc/systemd/system/lamp.service: LoadState=bad-setting, active; it still runs";
    let ignored = "/etc/systemd/system/lamp.service:4: Unknown key 'ExecStrat' in section [Service], ignoring.";
    let refusing = "lamp.service: Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing.";
    assert_eq!(of(&["Started lamp.", ignored, refusing]), format!("lamp.service: {ignored} | {end}"));
    assert_eq!(of(&["a line", refusing]), format!("lamp.service: {refusing} | {end}"));
    assert_eq!(of(&["a line of the lamp"]), format!("lamp.service: {FILE} | {end}"));
}

#[test]
fn older_values_are_told_by_the_names_of_their_keys() {
    let older = |answer| {
        let environments = [(UNIT.to_owned(), answer)].into();
        says(Seen { environments, ..seen() }, Unmanaged::Environment, |_, _| ())
    };
    let found = Older { file: "/etc/lamp.env".to_owned(), written: now(), since: now(), differs: "PORT".to_owned() };
    assert_eq!(
        older(answer(Some(found))),
        "lamp.service: PORT (/etc/lamp.env) | /etc/lamp.env was written at 2026-02-26 02:00:00 UTC: the process has other values of PORT"
    );
    assert_eq!(older(answer(None)), "out");
    assert_eq!(older(Answer { command: "ls".into(), result: Err(Trouble::NeedsRoot("to see")) }), "open");
}

#[test]
fn a_start_hangs_after_ten_seconds_in_one_step_and_is_no_loop() {
    let of = |sub: &str, seconds: i64, restarts: u32| {
        let text = "[Service]\nExecStartPre=/srv/wait-for-db --password hunter2\nExecStart=/bin/lamp\n";
        let files = UnitFiles {
            settings: unit_file::settings(FILE, text),
            processes: vec![(7, "wait-for-db".to_owned())],
            ..UnitFiles::default()
        };
        let changed = Some(now() - jiff::SignedDuration::from_secs(seconds));
        let unit = UnitState { changed, restarts, kind: "simple".into(), ..lamp("activating", sub) };
        let seen = Seen { starting: [(UNIT.to_owned(), answer(files))].into(), ..seen() };
        says(seen, Unmanaged::StartHangs, |_, restless| restless.push(unit.clone()))
    };
    let found = of("start-pre", 11, 0);
    // One that hangs since the boot is in the answer about all units only.
    let of_all = |sub: &str| {
        let unit = UnitState { changed: Some(now() - jiff::SignedDuration::from_secs(11)), ..lamp("activating", sub) };
        let seen = Seen { starting: [(UNIT.to_owned(), answer(UnitFiles::default()))].into(), ..seen() };
        says(seen, Unmanaged::StartHangs, |made, _| made.units.as_mut().unwrap().push(unit.clone()))
    };
    assert!(of_all("start-pre").starts_with("lamp.service: ExecStartPre="), "{}", of_all("start-pre"));
    assert_eq!(of_all("start"), "out");
    // Its program, and none of its arguments.
    let step = "ExecStartPre=/srv/wait-for-db (wait-for-db, pid 7)";
    assert_eq!(found, format!("lamp.service: {step} | activating (start-pre) for more than 10 s: {step}"));
    for (sub, seconds, restarts) in
        [("start-pre", 9, 0), ("auto-restart", 30, 0), ("start-pre", 30, 2), ("start", 30, 0)]
    {
        assert_eq!(of(sub, seconds, restarts), "out", "{sub} {seconds} {restarts}");
    }
    // It has not ended once, so that it is in no loop; nor is a job that takes its time.
    let hanging =
        UnitState { changed: Some(now() - jiff::SignedDuration::from_secs(30)), ..lamp("activating", "start-pre") };
    let looping = |unit: UnitState| {
        let made = Made::well();
        made.with_restless(vec![unit], |case| case.outcome(&Clue::LoopingUnits, None).is_proven())
    };
    assert!(!looping(hanging.clone()));
    assert!(looping(UnitState { restarts: 4, sub: "auto-restart".into(), ..hanging }));
}

#[test]
fn a_process_near_its_bound_of_files_is_told_with_the_unit_that_it_is_of() {
    let of = |home: Home| {
        let one = OpenFiles { pid: 9, process: "python3".to_owned(), home, open: 98, most: 100 };
        says(Seen { open_files: Some(answer(vec![one])), ..seen() }, Unmanaged::OpenFiles, |_, _| ())
    };
    let thing = "98 of 100 descriptors (open files) are in use by python3 (pid 9)";
    assert_eq!(of(Home::Unit("harvest.service".into())), format!("harvest.service: {thing} | {thing}"));
    assert_eq!(of(Home::Container("0123456789abcdef".into())), format!("0123456789ab: {thing} | {thing}"));
    assert_eq!(of(Home::Session("3".into())), format!("python3: {thing} | {thing}"));
    let denied = Answer { command: "grep".into(), result: Err(Trouble::NeedsRoot("to see")) };
    assert_eq!(says(Seen { open_files: Some(denied), ..seen() }, Unmanaged::OpenFiles, |_, _| ()), "open");
}
