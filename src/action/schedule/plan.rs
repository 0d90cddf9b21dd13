//! PURE. What installing or removing a job takes on a host as it was found, and the blockers.

use super::Installed;
use crate::action::Risk;
use crate::host::tools::timer_file::{self, Timed};
use crate::host::tools::{Argv, systemctl, timer};
use crate::program;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It is to run by itself.
    Install,
    /// It is not to run by itself any more.
    Uninstall,
}

impl Direction {
    /// Its flag.
    pub const fn flag(self) -> &'static str {
        match self {
            Direction::Install => "--install",
            Direction::Uninstall => "--uninstall",
        }
    }
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A file is written.
    Write {
        /// Its path.
        path: String,
        /// What is in it then.
        text: String,
    },
    /// A file is removed.
    Remove(String),
    /// A command is run. The rest is done although an `optional` one fails.
    Run {
        /// What for.
        title: String,
        /// The command.
        argv: Argv,
        /// What may come of it.
        risk: Risk,
        /// Whether the rest is done although it failed.
        optional: bool,
    },
}

impl Act {
    /// What it does.
    pub fn title(&self) -> String {
        match self {
            Act::Write { path, .. } => format!("write {path}"),
            Act::Remove(path) => format!("remove {path}"),
            Act::Run { title, .. } => title.clone(),
        }
    }

    /// The command that does the same; `None` of a file that is written.
    pub fn argv(&self) -> Option<Argv> {
        match self {
            Act::Write { .. } => None,
            Act::Remove(path) => Some(Argv::new("rm", ["-f", "--", path])),
            Act::Run { argv, .. } => Some(argv.clone()),
        }
    }

    /// The same as it can be pasted, else what it does.
    pub fn command(&self) -> String {
        self.argv().map_or_else(|| self.title(), |argv| argv.to_string())
    }

    /// Whether something begins or ceases to run by itself.
    pub fn risk(&self) -> Risk {
        match self {
            Act::Write { .. } | Act::Remove(_) => Risk::Disruptive,
            Act::Run { risk, .. } => *risk,
        }
    }
}

/// Why a job is not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Blockers: failed preconditions.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}

/// Plans it; without steps nothing is to be done.
///
/// # Errors
/// Blockers: failed preconditions.
pub fn make(direction: Direction, timed: &Timed, found: &Installed) -> Result<Vec<Act>, Objection> {
    if let Some(foreign) = found.files.iter().find(|file| file.is_foreign()) {
        let reason = format!("{} exists and opsctl did not write it", foreign.path);
        return Err(Objection { reason, hint: format!("cat {}", foreign.path) });
    }
    match (direction, found.by_systemd) {
        (Direction::Install, true) => install(timed, found),
        (Direction::Install, false) => table(timed, found),
        (Direction::Uninstall, _) => Ok(uninstall(timed, found)),
    }
}

fn run(title: &str, argv: Argv, risk: Risk) -> Act {
    Act::Run { title: title.to_owned(), argv, risk, optional: false }
}

fn install(timed: &Timed, found: &Installed) -> Result<Vec<Act>, Objection> {
    let [service, timer_file, table] = &found.files;
    let units = found.units.as_ref();
    if let Some((timer, _)) = units.filter(|(timer, _)| timer.file_state.starts_with("masked")) {
        let hint = format!("systemctl unmask {}", timer.id);
        return Err(Objection { reason: format!("{} is masked", timer.id), hint });
    }
    let mut acts = Vec::new();
    for (file, text) in [(service, timed.service_text()), (timer_file, timed.timer_text())] {
        if file.text.as_ref() != Some(&text) {
            acts.push(Act::Write { path: file.path.clone(), text });
        }
    }
    // What cron would run beside it.
    acts.extend(table.is_ours().then(|| Act::Remove(table.path.clone())));
    let wrote_units = acts.iter().any(|act| matches!(act, Act::Write { .. }));
    let is_stale = units.is_some_and(|(timer, service)| timer.reload_needed || service.reload_needed);
    if wrote_units || is_stale {
        acts.push(run("reload unit files", systemctl::daemon_reload(), Risk::Safe));
    }
    if !units.is_some_and(|(timer, _)| timer.active == "active" && timer.file_state == "enabled") {
        acts.push(run(&format!("enable and start {}", timed.timer()), timer::enable(&timed.timer()), Risk::Disruptive));
    }
    Ok(acts)
}

fn table(timed: &Timed, found: &Installed) -> Result<Vec<Act>, Objection> {
    let [service, timer, table] = &found.files;
    let text = timed
        .table_text(found.ahead)
        .map_err(|reason| Objection { reason, hint: program::command(format_args!("{} --every 5m", timed.by)) })?;
    let mut acts = Vec::new();
    if table.text.as_ref() != Some(&text) {
        acts.push(Act::Write { path: table.path.clone(), text });
    }
    // What systemd would run beside it after the next boot.
    acts.extend([timer, service].into_iter().filter(|file| file.is_ours()).map(|file| Act::Remove(file.path.clone())));
    Ok(acts)
}

fn uninstall(timed: &Timed, found: &Installed) -> Vec<Act> {
    let [service, timer_file, table] = &found.files;
    let (timer_state, service_state) = found.units.clone().unzip();
    let mut acts = Vec::new();
    if timer_file.is_ours() && found.by_systemd {
        acts.push(run(
            &format!("stop and disable {}", timed.timer()),
            timer::disable(&timed.timer()),
            Risk::Disruptive,
        ));
    } else if timer_state.as_ref().is_some_and(|timer| timer.active == "active") {
        acts.push(run(&format!("stop {}", timed.timer()), systemctl::act("stop", &timed.timer()), Risk::Disruptive));
    }
    let ours = [timer_file, service, table].into_iter().filter(|file| file.is_ours());
    acts.extend(ours.map(|file| Act::Remove(file.path.clone())));
    let is_stale = timer_state.iter().chain(&service_state).any(|state| state.reload_needed);
    if found.by_systemd && (timer_file.is_ours() || service.is_ours() || is_stale) {
        acts.push(run("reload unit files", systemctl::daemon_reload(), Risk::Safe));
    }
    if service_state.is_some_and(|service| service.active == "failed") {
        let (title, argv) = ("forget its last failure".to_owned(), systemctl::reset_failed(&timed.service()));
        acts.push(Act::Run { title, argv, risk: Risk::Safe, optional: true });
    }
    acts
}

/// Whether a file of the job is there that this program wrote.
pub fn is_installed(found: &Installed) -> bool {
    found.files.iter().any(super::Found::is_ours)
}

/// Whether what the plan leads to has been reached: its files have the planned text, and what starts them has read them.
///
/// # Errors
/// What is lacking.
pub fn proven(direction: Direction, timed: &Timed, found: &Installed) -> Result<(), String> {
    let left = make(direction, timed, found).map_err(|objection| objection.reason)?;
    if let Some(act) = left.first() {
        return Err(format!("still to do: {}", act.title()));
    }
    match (direction, &found.units) {
        (Direction::Install, Some((timer, _))) if !timer.is_armed() => {
            Err(format!("{} is {}, and systemd knows no next run", timer.id, timer.label()))
        }
        (Direction::Install, None) if !found.cron_runs => Err("no process of cron runs".to_owned()),
        (Direction::Install | Direction::Uninstall, _) => Ok(()),
    }
}

/// The program's path, where units and cron can name it.
///
/// # Errors
/// When it holds what they would read as something else.
pub fn startable(path: &str) -> Result<&str, Objection> {
    match path.starts_with('/') && timer_file::is_plain(path) {
        true => Ok(path),
        false => Err(Objection {
            reason: format!("the path {path} has characters that unit files read otherwise"),
            hint: "install -m 0755 opsctl /usr/local/bin/opsctl".to_owned(),
        }),
    }
}
