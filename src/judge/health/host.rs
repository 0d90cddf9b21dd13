//! The host's resources against the bounds of the registry.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::certificate::{self, Certificate};
use super::{About, Check, restarting};
use crate::host::tools::command::Command;
use crate::host::tools::mountinfo::FileSystem;
use crate::host::tools::systemctl::UnitState;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, Evidence, HostEvidence, OomRecord};
use crate::registry::{Deployment, HostChecks, Service, Usage, Verdict};
use crate::units::{age, bytes, duration};

/// The host, judged. A part that could not be read is `null`, and the check of its name has the reason.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HostHealth {
    /// The worst of its checks.
    pub verdict: Verdict,
    /// Seconds since boot.
    pub uptime_seconds: Option<u64>,
    /// File systems that matter.
    pub disks: Option<Vec<Disk>>,
    /// Memory.
    pub memory: Option<MemoryUse>,
    /// Load averages.
    pub load: Option<Load>,
    /// The clock; `null` in a container, whose clock is another machine's.
    pub clock: Option<Clock>,
    /// Failed units that no service accounts for.
    pub failed_units: Option<Vec<String>>,
    /// Processes that the kernel killed for want of memory in the last 24 hours.
    pub oom_kills: Option<Vec<String>>,
    /// Certificates that the edge on this host serves.
    pub certificates: Vec<Certificate>,
    /// All that was looked at.
    pub checks: Vec<Check>,
}

/// A file system.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Disk {
    /// Mount point.
    pub mounted_on: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// What an ordinary user may still write, bytes.
    pub available_bytes: u64,
    /// Share in use of what an ordinary user may use, 0 to 100.
    pub used_percent: u8,
    /// Share of inodes in use, 0 to 100; `null` where the file system does not count them.
    pub inodes_used_percent: Option<u8>,
}

/// Memory of the host.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MemoryUse {
    /// All of it, bytes.
    pub total_bytes: u64,
    /// What programs can still get, bytes.
    pub available_bytes: u64,
    /// Share in use, 0 to 100.
    pub used_percent: u8,
    /// Swap space, bytes.
    pub swap_total_bytes: u64,
    /// Swap space in use, bytes.
    pub swap_used_bytes: u64,
}

/// Load averages.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Load {
    /// Of one minute.
    pub one: f64,
    /// Of five minutes.
    pub five: f64,
    /// Of fifteen minutes.
    pub fifteen: f64,
    /// Processors that share it.
    pub processors: Option<u32>,
}

/// The clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Clock {
    /// Whether it is kept in step with others.
    pub synchronized: bool,
}

pub(super) fn judge(
    deployment: &Deployment,
    services: &[&'static Service],
    absent: &[&str],
    judged: &[String],
    evidence: &HostEvidence,
    all: &Evidence,
) -> HostHealth {
    let now = all.time;
    let bounds = &deployment.checks;
    let mut checks = Vec::new();
    let disks = part(("disk", About::Disk), &evidence.disks, &mut checks, |file_systems, checks| {
        let disks: Vec<Disk> = file_systems.iter().filter(|fs| !always_full(fs)).map(disk).collect();
        checks.extend(disks.iter().map(|disk| judge_disk(disk, &bounds.disk)));
        disks
    });
    let silent = evidence.silent_disks.iter();
    checks.extend(silent.map(|(mount, silence)| Check {
        source: format!("disk {mount}"),
        verdict: Verdict::Unknown,
        summary: silence.trouble.to_string(),
        command: silence.command.clone(),
        about: About::Disk,
        needs_root: silence.trouble.needs_root(),
    }));
    let memory = part(("memory", About::Other), &evidence.memory, &mut checks, |memory, checks| {
        let used_percent = percent(memory.total.saturating_sub(memory.available), memory.total);
        let summary = format!("{used_percent}% of {} used, {} available", bytes(memory.total), bytes(memory.available));
        checks.push(Check::new("memory", &evidence.memory, grade(used_percent, &bounds.memory), summary));
        MemoryUse {
            total_bytes: memory.total,
            available_bytes: memory.available,
            used_percent,
            swap_total_bytes: memory.swap_total,
            swap_used_bytes: memory.swap_total.saturating_sub(memory.swap_free),
        }
    });
    let load = part(("load", About::Other), &evidence.load, &mut checks, |averages, checks| {
        let processors = evidence.processors.result.as_ref().ok().copied();
        checks.push(judge_load(*averages, processors, bounds, &evidence.load));
        Load { one: averages[0], five: averages[1], fifteen: averages[2], processors }
    });
    let clock = evidence.clock.as_ref().and_then(|clock| {
        part(("clock", About::Other), clock, &mut checks, |synchronized, checks| {
            let (verdict, summary) = match synchronized {
                true => (Verdict::Pass, "synchronized"),
                false => (Verdict::Warn, "not synchronized with any time server"),
            };
            checks.push(Check::new("clock", clock, verdict, summary));
            Clock { synchronized: *synchronized }
        })
    });
    // Where systemd does not run there are no units, which is no failure to read them.
    let units = all.managers.units.as_ref().filter(|units| !matches!(units.result, Err(Trouble::Unavailable(_))));
    let failed_units = units.and_then(|answer| {
        let answer = &Answer { command: Command::new(["systemctl", "--failed"]), result: answer.result.clone() };
        part(("failed units", About::Other), answer, &mut checks, |units, checks| {
            let failed = units.iter().filter(|unit| unit.active == "failed");
            // Only what was judged as a service's is told with it.
            let unaccounted = |unit: &&UnitState| !judged.contains(&unit.id);
            let others: Vec<String> = failed.filter(unaccounted).map(|unit| unit.id.clone()).collect();
            checks.push(match others.is_empty() {
                true => Check::new("failed units", answer, Verdict::Pass, "none"),
                false => Check::new("failed units", answer, bounds.failed_units, list(&others)),
            });
            others
        })
    });
    judge_restless(evidence, all, judged, bounds.failed_units, &mut checks);
    let oom_kills = part(("memory kills", About::Other), &evidence.oom_kills, &mut checks, |record, checks| {
        let (verdict, summary) = judge_kills(record, evidence, now);
        checks.push(Check::new("memory kills", &evidence.oom_kills, verdict, summary));
        record.kills.iter().map(|kill| kill.process.clone()).collect()
    });
    let certificates = certificate::judge(bounds.certificates.as_ref(), services, absent, evidence, now, &mut checks);
    HostHealth {
        verdict: checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Unknown),
        uptime_seconds: evidence.uptime_seconds.result.as_ref().ok().copied(),
        disks,
        memory,
        load,
        clock,
        failed_units,
        oom_kills,
        certificates,
        checks,
    }
}

/// What is not recorded is not none: how far back the record reaches is said.
fn judge_kills(record: &OomRecord, evidence: &HostEvidence, now: Timestamp) -> (Verdict, String) {
    let uptime = evidence.uptime_seconds.result.as_ref().ok();
    let up = uptime.map(|seconds| SignedDuration::from_secs(i64::try_from(*seconds).unwrap_or(i64::MAX)));
    let count = record.counted;
    match (record.kills.iter().max_by_key(|kill| kill.time), record.reaches) {
        (Some(last), _) => (
            Verdict::Warn,
            format!("{} in 24 h, the last {} ago: {}", record.kills.len(), age(last.time, now), last.process),
        ),
        (None, None) => (Verdict::Pass, "none in 24 h".to_owned()),
        (None, Some(_)) if record.is_shared && count > 0 => {
            (Verdict::Pass, format!("none recorded in this container, {count} on the whole machine since boot"))
        }
        (None, Some(reaches)) if count == 0 && reaches.is_zero() => {
            (Verdict::Unknown, "the kernel does not count them, and the journal covers less than 24 h".to_owned())
        }
        (None, Some(reaches)) if count == 0 => (Verdict::Pass, format!("none in the {} since boot", duration(reaches))),
        (None, Some(_)) if up.is_some_and(|up| up < SignedDuration::from_hours(24)) => {
            (Verdict::Warn, format!("{count} since boot; the journal does not show which"))
        }
        (None, Some(_)) => {
            (Verdict::Unknown, format!("{count} since boot at unknown times: the journal covers less than 24 h"))
        }
    }
}

const RESTARTING: &str = "restarting units";

/// Units that no service names and that end again and again: a check only where there are any, or it is not known.
fn judge_restless(
    evidence: &HostEvidence,
    all: &Evidence,
    judged: &[String],
    verdict: Verdict,
    checks: &mut Vec<Check>,
) {
    let managers = &all.managers;
    let boot = evidence.booted(all.time);
    let mut restarts = BTreeMap::new();
    for unit in managers.all_units().filter(|unit| !judged.contains(&unit.id)) {
        if let Some(summary) = restarting(unit, boot, all.time) {
            restarts.insert(unit.id.as_str(), format!("{}: {summary}", unit.id));
        }
    }
    if !restarts.is_empty() {
        let command = Command::new(["systemctl", "status"].into_iter().chain(restarts.keys().copied()));
        let summary = restarts.into_values().collect::<Vec<_>>().join("; ");
        checks.push(Check::new(RESTARTING, &Answer { command, result: Ok(()) }, verdict, summary));
    } else if let Some(answer @ Answer { result: Err(trouble), .. }) = &managers.restless
        // Where systemd gave no answer at all, the check of failed units says so.
        && managers.units.as_ref().is_some_and(|units| units.result.is_ok())
    {
        checks.push(Check::unknown(RESTARTING, answer, trouble));
    }
}

/// What could be read, or an unknown check in its place.
fn part<T, R>(
    (source, about): (&str, About),
    answer: &Answer<T>,
    checks: &mut Vec<Check>,
    read: impl FnOnce(&T, &mut Vec<Check>) -> R,
) -> Option<R> {
    match &answer.result {
        Ok(value) => Some(read(value, checks)),
        Err(trouble) => {
            checks.push(Check::unknown(source, answer, trouble).about(about));
            None
        }
    }
}

/// Whole per cent, rounded up as `df` does: 95.1 is more than 95.
fn percent(part: u64, whole: u64) -> u8 {
    let part = u128::from(part).saturating_mul(100);
    u8::try_from(part.div_ceil(u128::from(whole.max(1)))).unwrap_or(u8::MAX)
}

fn grade(percent: u8, bounds: &Usage) -> Verdict {
    match percent {
        used if used >= bounds.fail_percent => Verdict::Fail,
        used if used >= bounds.warn_percent => Verdict::Warn,
        _ => Verdict::Pass,
    }
}

/// Images that are mounted read-only are full by nature.
fn always_full(fs: &FileSystem) -> bool {
    matches!(fs.kind.as_str(), "squashfs" | "iso9660" | "erofs") || fs.size == 0
}

fn disk(fs: &FileSystem) -> Disk {
    Disk {
        mounted_on: fs.mounted_on.clone(),
        size_bytes: fs.size,
        available_bytes: fs.available,
        used_percent: percent(fs.used, fs.used.saturating_add(fs.available)),
        inodes_used_percent: fs.inodes.map(|(total, used)| percent(used, total)),
    }
}

fn judge_disk(disk: &Disk, bounds: &Usage) -> Check {
    let inodes = disk.inodes_used_percent.unwrap_or(0);
    let mut summary =
        format!("{}% of {} used, {} available", disk.used_percent, bytes(disk.size_bytes), bytes(disk.available_bytes));
    let verdict = grade(disk.used_percent, bounds).max(grade(inodes, bounds));
    if grade(inodes, bounds) != Verdict::Pass {
        summary = format!("{inodes}% of inodes used; {summary}");
    }
    Check {
        source: format!("disk {}", disk.mounted_on),
        verdict,
        summary,
        command: Command::new(["df", "-h", &disk.mounted_on]),
        about: About::Disk,
        needs_root: false,
    }
}

fn judge_load(averages: [f64; 3], processors: Option<u32>, bounds: &HostChecks, answer: &Answer<[f64; 3]>) -> Check {
    let [one, five, fifteen] = averages;
    let summary = format!("{one:.2} {five:.2} {fifteen:.2}");
    match processors {
        Some(count) => {
            let high = five > f64::from(bounds.load_per_cpu) * f64::from(count);
            let verdict = if high { Verdict::Warn } else { Verdict::Pass };
            Check::new(
                "load",
                answer,
                verdict,
                format!("{summary} on {count} processor{}", if count == 1 { "" } else { "s" }),
            )
        }
        None => Check::new("load", answer, Verdict::Unknown, format!("{summary} on an unknown number of processors")),
    }
}

/// Up to four of them, and how many more.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
