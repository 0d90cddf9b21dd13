//! A systemd that takes its time for each unit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;
use crate::host::exec::{Output, ProcessEnd, Runner, StartError};
use crate::host::system::System;

/// Takes so long for the details of a unit; of those whose number is odd it says that they have failed.
struct Systemd {
    units: usize,
    each: Duration,
    asked: AtomicUsize,
}

impl Systemd {
    fn state(&self, name: &str) -> Option<&'static str> {
        let number: usize = name.strip_prefix('u')?.strip_suffix(".service")?.parse().ok()?;
        (number < self.units).then_some(if number % 2 == 1 { "failed failed" } else { "active running" })
    }

    fn names(&self) -> Vec<String> {
        (0..self.units).map(|number| format!("u{number}.service")).collect()
    }

    fn block(&self, name: &str) -> String {
        let (load, state) = self.state(name).map_or(("not-found", "inactive dead"), |state| ("loaded", state));
        let (active, sub) = state.split_once(' ').unwrap();
        format!(
            "Id={name}\nNames={name}\nLoadState={load}\nActiveState={active}\nSubState={sub}\nNRestarts=7\nConditionResult=yes\n"
        )
    }
}

impl Runner for Systemd {
    fn run(&self, argv: &Argv, deadline: Duration) -> Result<Output, StartError> {
        let output = |text: String| Output { exit: ProcessEnd::Code(0), stdout: text.into_bytes(), stderr: Vec::new() };
        if argv.args[0] == "list-units" {
            let line = |name: &String| format!("{name} loaded {} a unit\n", self.state(name).unwrap());
            return Ok(output(self.names().iter().map(line).collect()));
        }
        let at = argv.args.iter().position(|arg| arg == "--").unwrap();
        let mut wanted: Vec<String> = argv.args[at + 1..].iter().filter(|name| *name != "*").cloned().collect();
        if argv.args.iter().any(|arg| arg == "*") {
            wanted.extend(self.names().into_iter().filter(|name| self.state(name) == Some("failed failed")));
        }
        self.asked.fetch_add(wanted.len(), Ordering::Relaxed);
        let takes = self.each * u32::try_from(wanted.len()).unwrap();
        thread::sleep(takes.min(deadline));
        match takes > deadline {
            true => Ok(Output { exit: ProcessEnd::TimedOut(deadline), stdout: Vec::new(), stderr: Vec::new() }),
            false => Ok(output(wanted.iter().map(|name| self.block(name)).collect::<Vec<_>>().join("\n"))),
        }
    }
}

/// Asks a systemd of so many units, of which so many are named, within a second; which are brief, and how many it was asked for.
fn asked(units: usize, named: usize, each: Duration, and_failed: bool) -> (Vec<UnitState>, usize) {
    let root = std::env::temp_dir().join(format!("opsctl-units-{}-{units}-{named}", std::process::id()));
    std::fs::create_dir_all(root.join("run/systemd/system")).unwrap();
    let system = System { root: root.clone(), ..System::real() };
    let systemd = Systemd { units, each, asked: AtomicUsize::new(0) };
    let names: Vec<String> = (0..named).map(|number| format!("u{number}.service")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let begun = Instant::now();
    let answer = ask(Door::new(&system, &systemd, Duration::from_secs(1)), &names, and_failed);
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    std::fs::remove_dir_all(root).unwrap();
    let found = answer.result.unwrap();
    for name in names {
        assert!(found.iter().any(|unit| unit.is(name)), "nothing of {name}");
    }
    // Whatever was left out, no state is made up.
    for unit in found.iter().filter(|unit| !unit.active.is_empty()) {
        assert_eq!(systemd.state(&unit.id), Some(format!("{} {}", unit.active, unit.sub).as_str()), "{unit:?}");
        assert_eq!(unit.restarts, if unit.brief { 0 } else { 7 });
    }
    (found, systemd.asked.load(Ordering::Relaxed))
}

#[test]
fn b21_a_few_units_are_one_call() {
    let (found, asked) = asked(40, 11, Duration::from_micros(100), true);
    assert_eq!((asked, found.iter().filter(|unit| unit.brief).count()), (11 + 20, 0));
}

#[test]
fn b21_a_thousand_failed_units_are_all_known() {
    let (found, _) = asked(2000, 3, Duration::from_millis(3), true);
    assert_eq!(found.iter().filter(|unit| unit.active == "failed").count(), 1000);
    assert!(found.iter().take(3).all(|unit| !unit.brief) && found.iter().any(|unit| unit.brief));
}

#[test]
fn b21_a_thousand_named_units_are_detailed_as_far_as_there_is_time() {
    let (quick, _) = asked(1000, 1000, Duration::from_micros(50), false);
    assert!(quick.len() == 1000 && quick.iter().all(|unit| !unit.brief));
    let (slow, asked) = asked(1000, 1000, Duration::from_millis(3), false);
    let brief = slow.iter().filter(|unit| unit.brief).count();
    assert!(slow.len() == 1000 && brief > 0 && asked < 1000, "{brief} brief, asked for {asked}");
    // Those that have failed come first.
    let detailed = |state: &str| slow.iter().filter(|unit| unit.active == state && !unit.brief).count();
    assert!(detailed("failed") > 0 && detailed("failed") >= detailed("active"));
}

#[test]
fn an_instance_that_does_not_run_is_missed_where_its_unit_only_starts_it_or_where_it_is_enabled() {
    let unit = |id: &str, kind: &str, active: &str, file_state: &str| UnitState {
        id: id.to_owned(),
        load: "loaded".to_owned(),
        kind: kind.to_owned(),
        active: active.to_owned(),
        file_state: file_state.to_owned(),
        ..UnitState::default()
    };
    let wanted = Unit::new("mta.service").instances("mta@*.service");
    let stands = |kind: &str, instance: &str| {
        let units =
            [unit("mta.service", kind, "active", "enabled"), unit("mta@-.service", "forking", "inactive", instance)];
        units_of(&wanted, &units).iter().map(|unit| unit.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(stands("forking", "disabled"), ["mta.service"]);
    assert_eq!(stands("oneshot", "disabled"), ["mta@-.service"]);
    assert_eq!(stands("forking", "enabled"), ["mta@-.service", "mta.service"]);
}
