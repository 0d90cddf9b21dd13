//! The host itself: disks, memory, load, clock, failed units, processes killed for want of memory, certificates.

use std::collections::BTreeSet;
use std::thread;

use jiff::{SignedDuration, Timestamp};

use super::{Answer, Door, Served, text, tls};
use crate::host::exec::ProcessEnd;
use crate::host::files::Entry;
use crate::host::shortage::Shortage;
use crate::host::threads::{join, task};
use crate::host::tools::command::Command;
use crate::host::tools::df::{self, FileSystem};
use crate::host::tools::journalctl::{self, OomKill};
use crate::host::tools::procfs::{self, Memory};
use crate::host::tools::timedatectl;
use crate::host::trouble::{Trouble, failure};
use crate::registry::{Deployment, Service};
use crate::units::earlier;

/// What was asked of the host, and what came back.
#[derive(Debug)]
pub struct HostEvidence {
    /// File systems that matter.
    pub disks: Answer<Vec<FileSystem>>,
    /// Memory.
    pub memory: Answer<Memory>,
    /// Load averages of 1, 5 and 15 minutes.
    pub load: Answer<[f64; 3]>,
    /// Processors.
    pub processors: Answer<u32>,
    /// Seconds since boot.
    pub uptime_seconds: Answer<u64>,
    /// Whether the clock is kept in step; not asked in a container, whose clock is another machine's.
    pub clock: Option<Answer<bool>>,
    /// Processes killed for want of memory in the last day.
    pub oom_kills: Answer<Vec<OomKill>>,
    /// Certificates by host name, as the edge on this machine serves them.
    pub certificates: Vec<(String, Answer<Result<Served, String>>)>,
}

impl HostEvidence {
    /// When the host started, where that is known.
    pub fn booted(&self, now: Timestamp) -> Option<Timestamp> {
        let up = *self.uptime_seconds.result.as_ref().ok()?;
        Some(earlier(now, SignedDuration::from_secs(i64::try_from(up).unwrap_or(i64::MAX))))
    }
}

pub(super) fn ask(door: Door<'_>, deployment: &Deployment, services: &[&'static Service]) -> HostEvidence {
    thread::scope(|scope| {
        let disks = task(scope, || ask_disks(door, deployment));
        let clock =
            (!door.system.is_container()).then(|| task(scope, || door.ask(&timedatectl::show(), timedatectl::parse)));
        let oom_kills = task(scope, || ask_oom_kills(door));
        let certificates = ask_certificates(door, deployment, services);
        HostEvidence {
            memory: door.read("/proc/meminfo", procfs::meminfo),
            load: door.read("/proc/loadavg", procfs::loadavg),
            processors: door.read("/proc/stat", procfs::processors),
            uptime_seconds: door.read("/proc/uptime", procfs::uptime_seconds),
            disks: join(disks),
            clock: clock.map(join),
            oom_kills: join(oom_kills),
            certificates,
        }
    })
}

fn ask_disks(door: Door<'_>, deployment: &Deployment) -> Answer<Vec<FileSystem>> {
    let argv = df::df(deployment.checks.disk_paths.iter().copied());
    door.ask_with(&argv, |output| {
        let complaints = text(&output.stderr);
        let absent = |line: &str| line.ends_with("No such file or directory");
        match output.exit {
            ProcessEnd::Code(0) => Ok(df::parse(&text(&output.stdout))?),
            ProcessEnd::Code(1) if complaints.lines().all(absent) => Ok(df::parse(&text(&output.stdout))?),
            _ => Err(failure(output)),
        }
    })
}

/// The kernel counts since boot; the journal, which knows when, is only asked when there is something to know.
fn ask_oom_kills(door: Door<'_>) -> Answer<Vec<OomKill>> {
    let counted = door.read("/proc/vmstat", procfs::oom_kills);
    if counted.result == Ok(0) {
        return Answer { command: counted.command, result: Ok(Vec::new()) };
    }
    door.ask_with(&journalctl::oom_kills(), |output| match output.exit {
        _ if journalctl::denied(&text(&output.stderr)) => Err(Trouble::NeedsRoot("to read the kernel's journal")),
        // 1 without a complaint: nothing matched.
        ProcessEnd::Code(0 | 1) if output.stderr.is_empty() => Ok(journalctl::parse_oom_kills(&text(&output.stdout))?),
        _ => Err(failure(output)),
    })
}

fn ask_certificates(
    door: Door<'_>,
    deployment: &Deployment,
    services: &[&'static Service],
) -> Vec<(String, Answer<Result<Served, String>>)> {
    let Some(certificates) = &deployment.checks.certificates else { return Vec::new() };
    let mut hosts: BTreeSet<String> =
        services.iter().flat_map(|service| service.routes).map(|route| route.host.to_owned()).collect();
    if hosts.is_empty() {
        // No routes are known: ask for the names that this host keeps certificates for.
        let entries = door.system.list("/etc/letsencrypt/live").unwrap_or_default().into_iter();
        hosts = entries.filter(Entry::is_dir).filter_map(|entry| entry.name.into_string().ok()).collect();
    }
    let hosts: Vec<String> = hosts.into_iter().collect();
    let authorities = match hosts.is_empty() {
        true => return Vec::new(),
        false => tls::Authorities::installed(door.system),
    };
    let address = door.system.local(certificates.port);
    let (door, turn) = door.now();
    let served = tls::certificates(address, &hosts, door.limit, &authorities, door.system.now());
    let command = |host: &str| {
        let client = format!("openssl s_client -connect 127.0.0.1:{} -servername {host}", certificates.port);
        Command::shell(format!("{client} </dev/null | openssl x509 -noout -dates"))
    };
    hosts
        .into_iter()
        .zip(served)
        .map(|(host, served)| {
            let served = match served {
                Ok(Err(_)) if turn.was_too_short() => Err(Trouble::Shortage(Shortage::Turns)),
                served => served,
            };
            let answer = Answer { command: command(&host), result: served };
            (host, answer)
        })
        .collect()
}
