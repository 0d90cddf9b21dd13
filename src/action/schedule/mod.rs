//! Verbs that run by themselves: a timer of systemd or a table of cron for each, as this version would write it, and as it is on
//! the host.

pub mod plan;
pub mod run;
pub mod verify;

use std::io::ErrorKind;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::host::exec::{ProcessEnd, Runner};
use crate::host::system::System;
use crate::host::tools::procfs;
use crate::host::tools::timer::{self, Next, TimerState};
use crate::host::tools::timer_file::{self, Sandbox, Timed, When};
use crate::host::trouble::{Trouble, failure, of_file};
use crate::registry::{Deployment, Manager, Schedule};

/// A verb that can run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// `check`.
    Check,
    /// `backup`.
    Backup,
    /// `backup drill`.
    Drill,
}

/// All of them.
pub const JOBS: [Job; 3] = [Job::Check, Job::Backup, Job::Drill];

/// When a drill runs: on a day that every month has in every time zone.
const DRILL_DAY: u8 = 2;
/// How long after a backup, so that it does not wait for its lock.
const DRILL_HOURS: u8 = 6;
/// When there is no scheduled set.
const NIGHT: (u8, u8) = (3, 0);

impl Job {
    /// Its verb.
    pub const fn verb(self) -> &'static str {
        match self {
            Job::Check => "check",
            Job::Backup => "backup",
            Job::Drill => "backup drill",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Job::Check => "check",
            Job::Backup => "backup",
            Job::Drill => "drill",
        }
    }

    /// How often it may run at most.
    pub const fn shortest(self) -> Duration {
        match self {
            Job::Check => Duration::from_secs(10),
            Job::Backup => Duration::from_mins(15),
            Job::Drill => Duration::from_hours(1),
        }
    }

    /// Its arguments when nobody is there.
    fn words(self, deployment: &Deployment) -> Vec<String> {
        let flags: &[&str] = match self {
            Job::Check => &[],
            Job::Backup => &["--yes", "--quiet", "--lock-wait=1h"],
            Job::Drill => &["--quiet"],
        };
        let words = self.verb().split(' ').chain(["-d", deployment.name]).chain(flags.iter().copied());
        words.map(str::to_owned).collect()
    }

    /// When it runs unless `every` says otherwise: a check each minute, a backup by the schedule of its sets, a drill once a month.
    pub fn when(self, deployment: &Deployment, every: Option<Duration>) -> When {
        let mut times: Vec<(u8, u8)> = deployment
            .backups
            .iter()
            .filter_map(|set| match set.schedule {
                Schedule::Daily { hour, minute } => Some((hour, minute)),
                Schedule::ByHand(_) => None,
            })
            .collect();
        times.sort_unstable();
        times.dedup();
        let (hour, minute) = times.first().copied().unwrap_or(NIGHT);
        match (every, self) {
            (Some(span), _) => When::Every(span),
            (None, Job::Check) => When::Every(Duration::from_mins(1)),
            (None, Job::Backup) if times.is_empty() => When::Daily(vec![NIGHT]),
            (None, Job::Backup) => When::Daily(times),
            (None, Job::Drill) => When::Monthly(DRILL_DAY, ((hour + DRILL_HOURS) % 24, minute)),
        }
    }

    /// As this version writes it: with further arguments, run by this program.
    pub fn timed(self, deployment: &Deployment, program: &str, more: &[String], every: Option<Duration>) -> Timed {
        let mut words = self.words(deployment);
        words.extend(more.iter().cloned());
        let sandbox = match self {
            Job::Check => Sandbox::Reads(writes(deployment, more)),
            Job::Backup | Job::Drill => Sandbox::Copies,
        };
        Timed {
            name: format!("opsctl-{}-{}", self.word(), deployment.name),
            what: format!("opsctl {} of {}", self.verb(), deployment.name),
            by: format!("{} -d {} --install", self.verb(), deployment.name),
            program: program.to_owned(),
            words,
            when: self.when(deployment, every),
            sandbox,
        }
    }

    /// The arguments of an installed one beyond those that it always has.
    fn more<'w>(self, deployment: &Deployment, words: &'w [String]) -> Option<&'w [String]> {
        words.strip_prefix(self.words(deployment).as_slice())
    }
}

/// What a check writes beyond its own records: files of pm2's client, and the directory of a file that it is to write.
fn writes(deployment: &Deployment, more: &[String]) -> Vec<String> {
    let managers = deployment.services.iter().flat_map(|service| service.managers);
    let homes = managers.filter_map(|manager| match manager {
        Manager::Pm2(app) => Some(app.home.to_owned()),
        Manager::Systemd(_) | Manager::Compose(_) | Manager::Docker(_) => None,
    });
    let file = more.windows(2).filter(|pair| pair[0] == "--textfile").map(|pair| pair[1].as_str());
    let directory = file.filter_map(|file| file.rsplit_once('/')).map(|(directory, _)| directory.to_owned());
    // Whoever reads these files may have removed them: they are made again.
    let files = deployment.status_files.iter().flat_map(|files| [files.directory, files.log]);
    let above = files.filter_map(|path| path.rsplit_once('/')).map(|(above, _)| above.to_owned());
    let mut all: Vec<String> = homes.chain(directory).chain(above).filter(|path| timer_file::is_plain(path)).collect();
    all.sort();
    all.dedup();
    all
}

/// A file of a job, as it is on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its path.
    pub path: String,
    /// What is in it; `None` where it is not there.
    pub text: Option<String>,
}

impl Found {
    /// Whether this program wrote it.
    pub fn is_ours(&self) -> bool {
        self.text.as_deref().is_some_and(timer_file::is_ours)
    }

    /// Whether somebody else wrote it.
    pub fn is_foreign(&self) -> bool {
        self.text.as_deref().is_some_and(|text| !timer_file::is_ours(text))
    }
}

/// How a job is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Whether systemd runs it, or cron.
    pub by_systemd: bool,
    /// Its service, its timer, its table of cron.
    pub files: [Found; 3],
    /// Its timer and its service, where systemd was asked.
    pub units: Option<(TimerState, TimerState)>,
    /// How many minutes the host's zone is ahead of UTC in winter.
    pub ahead: i32,
    /// Whether a process of cron runs.
    pub cron_runs: bool,
}

impl Installed {
    /// When it runs next; `None` where that is not known, and where cron runs it.
    pub fn next(&self, system: &System) -> Option<Timestamp> {
        match self.units.as_ref()?.0.next? {
            Next::At(time) => Some(time),
            Next::AfterBoot(span) => {
                let up = procfs::uptime_millis(&system.read("/proc/uptime").ok()?).ok()?;
                let boot = system.now().checked_sub(SignedDuration::from_millis(up)).ok()?;
                let next = boot.checked_add(SignedDuration::try_from(span).ok()?).ok()?;
                Timestamp::from_second(next.as_second()).ok()
            }
        }
    }
}

/// How a job is installed on this host.
///
/// # Errors
/// What could not be read, or what systemd did not answer.
pub fn look(system: &System, runner: &dyn Runner, timed: &Timed, limit: Duration) -> Result<Installed, Trouble> {
    let read = |path: String| match system.read(&path) {
        Ok(text) => Ok(Found { path, text: Some(text) }),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Found { path, text: None })
        }
        Err(error) => Err(of_file(&path, &error)),
    };
    let files = [read(timed.service_path())?, read(timed.timer_path())?, read(timed.table_path())?];
    let by_systemd = system.booted_with_systemd();
    let units = if by_systemd { Some(ask(runner, timed, limit)?) } else { None };
    let is_cron = |pid: &u32| matches!(system.process_name(*pid).as_deref(), Some("cron" | "crond"));
    Ok(Installed {
        by_systemd,
        files,
        units,
        ahead: ahead(system),
        cron_runs: !by_systemd && system.processes().iter().any(is_cron),
    })
}

fn ask(runner: &dyn Runner, timed: &Timed, limit: Duration) -> Result<(TimerState, TimerState), Trouble> {
    let (timer, service) = (timed.timer(), timed.service());
    let output = runner.run(&timer::show([timer.as_str(), service.as_str()]), limit)?;
    if output.exit != ProcessEnd::Code(0) {
        return Err(failure(&output));
    }
    let units = timer::parse(&String::from_utf8_lossy(&output.stdout))?;
    let find = |name: &str| units.iter().find(|unit| unit.id == name).cloned();
    find(&timer).zip(find(&service)).ok_or_else(|| Trouble::Failed(format!("systemctl did not report {timer}")))
}

/// How many minutes the host's zone is ahead of UTC in January, so that its table of cron is the same all year.
fn ahead(system: &System) -> i32 {
    let year = i64::from(system.now().to_zoned(jiff::tz::TimeZone::UTC).year());
    let winter = jiff::civil::date(i16::try_from(year).unwrap_or(2026), 1, 15).at(12, 0, 0, 0);
    let winter = winter.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp());
    winter.map_or(0, |winter| system.zone().to_offset(winter).seconds() / 60)
}

#[cfg(test)]
mod tests;
