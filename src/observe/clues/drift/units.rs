//! The files of a unit, its env files, and how near its processes are to the bounds of their control group.

use jiff::Timestamp;

use crate::envfile::Reading;
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::tools::systemctl::UnitState;
use crate::host::tools::unit_file::{self, Setting};
use crate::host::trouble::{Trouble, of_file};
use crate::observe::probe::{Answer, members, settings};
use crate::registry::Service;

/// What the files of a unit set, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitFiles {
    /// All settings of its section `[Service]`, those that count more later.
    pub settings: Vec<Setting>,
    /// When each of its files was written.
    pub written: Vec<(String, Timestamp)>,
    /// Its env files that are there, in the order in which they are read.
    pub env_files: Vec<(String, Reading)>,
    /// Of how many periods its processes were held back in how many, where the kernel counts.
    pub throttled: Option<(u64, u64)>,
    /// How often it was refused another task.
    pub tasks_refused: Option<u64>,
    /// How many files its main process has open, and how many it may.
    pub open_files: Option<(u64, u64)>,
    /// The processes of its control group: id and short name.
    pub processes: Vec<(u32, String)>,
    /// Since when it is in its present state.
    pub changed: Option<Timestamp>,
}

/// Reads them.
pub fn look(system: &System, service: &Service, unit: &UnitState) -> Answer<UnitFiles> {
    read(system, unit, |path| settings::of_service(system, service, path))
}

/// The same of any unit; `parse` reads an env file.
pub fn read(system: &System, unit: &UnitState, parse: impl Fn(&str) -> std::io::Result<Reading>) -> Answer<UnitFiles> {
    let read = || -> Result<UnitFiles, Trouble> {
        let mut found = UnitFiles { changed: unit.changed, ..UnitFiles::default() };
        // A masked unit is a link to /dev/null, which sets nothing.
        let files = unit.output.iter().filter(|_| unit.load != "masked").flat_map(|output| &output.files);
        for path in files {
            let text = system.read_once(path).map_err(|error| match error.kind() {
                std::io::ErrorKind::PermissionDenied => Trouble::denied("to read its unit files"),
                _ => of_file(path, &error),
            })?;
            found.settings.extend(unit_file::settings(path, &text));
            found.written.extend(super::written(system, path).ok().flatten().map(|time| (path.clone(), time)));
        }
        for path in unit.environment_files.iter().filter(|path| path.starts_with('/')) {
            // One that may not be read, or is not there, is another cause's matter.
            let reading = parse(path);
            found.env_files.extend(reading.ok().map(|reading| (path.clone(), reading)));
        }
        let group = unit.control_group.as_str();
        if !group.is_empty() {
            let pids = members(system, group);
            let named = |pid: u32| Some((pid, system.process_name(pid)?));
            found.processes = pids.into_iter().filter_map(named).collect();
            let stat = counters(system, group, "cpu", "cpu.stat");
            let count = |key: &str| stat.as_deref().and_then(|text| counter(text, key));
            found.throttled = count("nr_periods").zip(count("nr_throttled"));
            let events = counters(system, group, "pids", "pids.events");
            found.tasks_refused = events.as_deref().and_then(|text| counter(text, "max"));
        }
        found.open_files = unit.main_pid.and_then(|pid| {
            let limits = system.read(format!("/proc/{pid}/limits")).ok()?;
            let open = system.names(format!("/proc/{pid}/fd")).ok()?.len();
            Some((u64::try_from(open).ok()?, soft_limit(&limits)?))
        });
        Ok(found)
    };
    Answer { command: Command::new(["systemctl", "cat", &unit.id]), result: read() }
}

/// A file of a control group, in either layout of the hierarchy.
fn counters(system: &System, group: &str, controller: &str, file: &str) -> Option<String> {
    let roots = [format!("/sys/fs/cgroup{group}"), format!("/sys/fs/cgroup/{controller}{group}")];
    roots.iter().find_map(|root| system.read(format!("{root}/{file}")).ok())
}

fn counter(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// How many files a process may have open, out of `/proc/PID/limits`.
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_limits_are_read() {
        let stat = "usage_usec 5\nnr_periods 100\nnr_throttled 60\nthrottled_usec 7\n";
        assert_eq!(
            (counter(stat, "nr_periods"), counter(stat, "nr_throttled"), counter(stat, "nr")),
            (Some(100), Some(60), None)
        );
        assert_eq!(
            soft_limit(
                "Limit  Soft  Hard\nMax open files            64                   64                   files\n"
            ),
            Some(64)
        );
        assert_eq!(soft_limit("Max open files  unlimited unlimited files"), None);
    }
}
