//! The host itself: disks, memory, load, clock, failed units, processes killed for want of memory, certificates.

use std::collections::BTreeSet;
use std::thread;

use rustix::fs::StatVfs;

use super::{Answer, Door, Served, text, tls};
use crate::host::exec::ProcessEnd;
use crate::host::files::Entry;
use crate::host::shortage::Shortage;
use crate::host::threads::{join, task};
use crate::host::tools::command::Command;
use crate::host::tools::journalctl::{self, OomKill};
use crate::host::tools::mountinfo::{self, FileSystem, Mount};
use crate::host::tools::procfs::{self, Memory};
use crate::host::tools::timedatectl;
use crate::host::trouble::{Trouble, failure};
use crate::registry::{Deployment, Service};

/// What was asked of the host, and what came back.
#[derive(Debug)]
pub struct HostEvidence {
    /// File systems that matter: those that hold what the registry names, and all others that can fill up.
    pub disks: Answer<Vec<FileSystem>>,
    /// Mount points of those that did not answer.
    pub silent_disks: Vec<(String, Silence)>,
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

/// A mount that did not answer, and the command by which anybody can ask it again.
#[derive(Debug, Clone)]
pub struct Silence {
    /// The command.
    pub command: Command,
    /// Why there is no answer.
    pub trouble: Trouble,
}

pub(super) fn ask(door: Door<'_>, deployment: &Deployment, services: &[&'static Service]) -> HostEvidence {
    thread::scope(|scope| {
        let disks = task(scope, || ask_disks(door, deployment));
        let clock =
            (!door.system.is_container()).then(|| task(scope, || door.ask(&timedatectl::show(), timedatectl::parse)));
        let oom_kills = task(scope, || ask_oom_kills(door));
        let certificates = ask_certificates(door, deployment, services);
        let (disks, silent_disks) = join(disks);
        HostEvidence {
            memory: door.read("/proc/meminfo", procfs::meminfo),
            load: door.read("/proc/loadavg", procfs::loadavg),
            processors: door.read("/proc/stat", procfs::processors),
            uptime_seconds: door.read("/proc/uptime", procfs::uptime_seconds),
            disks,
            silent_disks,
            clock: clock.map(join),
            oom_kills: join(oom_kills),
            certificates,
        }
    })
}

/// Each mount is asked for itself, so that one that is dead or hangs costs the others nothing.
fn ask_disks(door: Door<'_>, deployment: &Deployment) -> (Answer<Vec<FileSystem>>, Vec<(String, Silence)>) {
    let table = door.read("/proc/self/mountinfo", mountinfo::parse);
    let mounts = match table.result {
        Ok(mounts) => mounts,
        Err(trouble) => return (Answer { command: table.command, result: Err(trouble) }, Vec::new()),
    };
    let own = rustix::process::geteuid().as_raw();
    let watched = mountinfo::watched(&mounts, deployment.checks.disk_paths, own);
    let answers = door.system.space(watched.iter().map(|mount| mount.point.as_str()));
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    for (mount, answer) in watched.into_iter().zip(answers) {
        match answer {
            Ok(stat) => found.push(file_system(mount, &stat)),
            // Unmounted meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                // As it is, it would hang whoever pastes it.
                let command = Command::new(["timeout", "3", "df", "-h", &mount.point]);
                silent.push((mount.point.clone(), Silence { command, trouble: of_mount(&mount.kind, &error) }));
            }
        }
    }
    (Answer { command: table.command, result: Ok(found) }, silent)
}

fn file_system(mount: &Mount, stat: &StatVfs) -> FileSystem {
    let unit = if stat.f_frsize == 0 { stat.f_bsize } else { stat.f_frsize };
    FileSystem {
        kind: mount.kind.clone(),
        size: stat.f_blocks.saturating_mul(unit),
        used: stat.f_blocks.saturating_sub(stat.f_bfree).saturating_mul(unit),
        available: stat.f_bavail.saturating_mul(unit),
        inodes: (stat.f_files > 0).then(|| (stat.f_files, stat.f_files.saturating_sub(stat.f_ffree))),
        mounted_on: mount.point.clone(),
    }
}

/// Why a file system of this kind says nothing.
fn of_mount(kind: &str, error: &std::io::Error) -> Trouble {
    match Trouble::from_io(error) {
        Trouble::Failed(why) => Trouble::Failed(format!("{why} ({kind})")),
        other => other,
    }
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
