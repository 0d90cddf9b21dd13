//! The host itself: disks, memory, load, clock, failed units, processes killed for want of memory, certificates.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::thread;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use rustix::fs::StatVfs;

use super::names::{self, OnDisk};
use super::ports::tcp_listeners;
use super::tls::Chain;
use super::{Answer, Door, Served, Visit, restarts, text, tls, visits};
use crate::host::exec::ProcessEnd;
use crate::host::net;
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
    pub oom_kills: Answer<OomRecord>,
    /// Certificates by host name, as the edge on this machine serves them.
    pub certificates: Vec<(String, Answer<Result<Served, String>>)>,
    /// Where they were looked for.
    pub edge: Edge,
    /// Certificates on disk that the edge shows for none of their names.
    pub unserved: Vec<OnDisk>,
    /// Why this host may keep more of them than were found.
    pub names_trouble: Option<Trouble>,
    /// Public names as visitors find them.
    pub visits: Vec<Visit>,
}

/// Whether there is a server that shows certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edge {
    /// It was not looked for.
    Unasked,
    /// Nobody listens on its port.
    Nobody(u16),
    /// It was asked on this port.
    Asked(u16),
    /// It could not be asked for any name; why.
    Unknown(String),
}

/// What is known of processes that were killed for want of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OomRecord {
    /// Those of the last day whose time is known.
    pub kills: Vec<OomKill>,
    /// How many the kernel counts since the boot.
    pub counted: u64,
    /// How far back that reaches; `None`: a day.
    pub reaches: Option<SignedDuration>,
    /// Whether it was counted for a whole machine, of which this is a container, so that it need not have been here.
    pub is_shared: bool,
}

impl HostEvidence {
    /// When the host started, where that is known.
    pub fn booted(&self, now: Timestamp) -> Option<Timestamp> {
        let up = *self.uptime_seconds.result.as_ref().ok()?;
        Some(restarts::earlier(now, SignedDuration::from_secs(i64::try_from(up).unwrap_or(i64::MAX))))
    }
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
        let (visits, shown): (Vec<_>, Vec<_>) = visits::ask_all(door, deployment, services).into_iter().unzip();
        let shown = visits.iter().zip(shown).filter_map(|(visit, chain)| Some((visit.route.host, chain?)));
        let Certificates { served: certificates, edge, unserved, trouble: names_trouble } =
            ask_certificates(door, deployment, services, &shown.collect());
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
            edge,
            unserved,
            names_trouble,
            visits,
        }
    })
}

/// Each mount is asked for itself, so that one that is dead or hangs costs the others nothing.
fn ask_disks(door: Door<'_>, deployment: &Deployment) -> (Answer<Vec<FileSystem>>, Vec<(String, Silence)>) {
    let table = door.read(door.system.mount_table(), mountinfo::parse);
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

/// The kernel counts since boot; the journal, which knows when, is only asked when there is something to know: kills, or a
/// boot within the last day, before which there may have been some.
fn ask_oom_kills(door: Door<'_>) -> Answer<OomRecord> {
    let is_container = door.system.is_container();
    // The kernel's counter is that of the whole machine; a container has one of its own where control groups count.
    let own = is_container.then(|| door.read(OWN_EVENTS, procfs::oom_kills)).filter(|own| own.result.is_ok());
    let is_shared = is_container && own.is_none();
    let counted = own.unwrap_or_else(|| door.read("/proc/vmstat", procfs::oom_kills));
    let uptime = door.read("/proc/uptime", procfs::uptime_seconds).result.ok();
    let up = uptime.map(|seconds| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)));
    let short = up.filter(|up| *up < DAY);
    // What outlives a boot lies there.
    let persists = short.is_some() && !is_container && door.system.exists("/var/log/journal");
    let none = || OomRecord { kills: Vec::new(), counted: 0, reaches: short, is_shared };
    if counted.result == Ok(0) && !persists {
        return Answer { command: counted.command, result: Ok(none()) };
    }
    let argv = if persists { journalctl::oom_kills_of_all_boots() } else { journalctl::oom_kills() };
    let answer = door.ask_with(&argv, |output| match output.exit {
        _ if journalctl::denied(&text(&output.stderr)) => Err(Trouble::NeedsRoot("to read the kernel's journal")),
        // 1 without a complaint: nothing matched.
        ProcessEnd::Code(0 | 1) if output.stderr.is_empty() => Ok(journalctl::parse_oom_kills(&text(&output.stdout))?),
        _ => Err(failure(output)),
    });
    match (answer.result, &counted.result) {
        (Ok(kills), _) => {
            // The journal of a container has no word of the kernel's.
            let blind = || is_container || restarts::journal_reaches_a_day(door) != Ok(true);
            let reaches = match kills.is_empty() && blind() {
                // Since the boot the kernel itself counts.
                true => short.or(Some(SignedDuration::ZERO)),
                false => None,
            };
            let counted = counted.result.unwrap_or_default();
            Answer { command: answer.command, result: Ok(OomRecord { kills, counted, reaches, is_shared }) }
        }
        // The boots before are a courtesy.
        (Err(_), Ok(0)) => Answer { command: counted.command, result: Ok(none()) },
        (Err(trouble), _) => Answer { command: answer.command, result: Err(trouble) },
    }
}

/// What the control group of a whole container counts.
const OWN_EVENTS: &str = "/sys/fs/cgroup/memory.events";
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The port at which visitors are asked for their names' certificates.
const HTTPS: u16 = 443;
/// The other port at which servers commonly show certificates.
const OTHER_PORT: u16 = 8443;
/// How many names are asked for that no route states.
const MOST_NAMES: usize = 64;

type ByName = Vec<(String, Answer<Result<Served, String>>)>;

struct Certificates {
    served: ByName,
    edge: Edge,
    unserved: Vec<OnDisk>,
    trouble: Option<Trouble>,
}

/// `shown` is what visitors of a name were shown at the usual port.
fn ask_certificates(
    door: Door<'_>,
    deployment: &Deployment,
    services: &[&'static Service],
    shown: &BTreeMap<&'static str, Chain>,
) -> Certificates {
    let none = |edge| Certificates { served: Vec::new(), edge, unserved: Vec::new(), trouble: None };
    let Some(wanted) = &deployment.checks.certificates else { return none(Edge::Unasked) };
    let hosts: BTreeSet<&str> = services.iter().flat_map(|service| service.routes).map(|route| route.host).collect();
    if !hosts.is_empty() {
        let (authorities, now) = (tls::Authorities::installed(door.system), door.system.now());
        let seen = |host: &str| {
            let chain = shown.get(host).filter(|_| wanted.port == HTTPS)?;
            let answer = Answer { command: client(HTTPS, host), result: Ok(Ok(tls::parse(chain, &authorities, now)?)) };
            Some((host.to_owned(), answer))
        };
        let mut served: ByName = hosts.iter().filter_map(|host| seen(host)).collect();
        let unseen = |host: &&str| !served.iter().any(|(name, _)| name == host);
        let left = hosts.iter().copied().filter(unseen).map(str::to_owned).collect();
        served.extend(ask_names(door, wanted.port, left, &authorities));
        served.sort_by(|(one, _), (other, _)| one.cmp(other));
        return Certificates { served, ..none(Edge::Asked(wanted.port)) };
    }
    // No routes are known: ask for what the server shows to anybody, and for the names in the certificates on disk.
    let port = match listens(door, wanted.port) {
        Ok(true) => wanted.port,
        Ok(false) => match listens(door, OTHER_PORT) {
            Ok(true) => OTHER_PORT,
            Ok(false) | Err(_) => return none(Edge::Nobody(wanted.port)),
        },
        Err(why) => return none(Edge::Unknown(why)),
    };
    let (on_disk, mut trouble) = names::on_disk(door);
    let names: BTreeSet<String> = on_disk.iter().flat_map(|file| file.names.iter().cloned()).collect();
    if let more @ 1.. = (names.len() + 1).saturating_sub(MOST_NAMES) {
        trouble = trouble.or(Some(Trouble::Failed(format!("{more} more names were not checked"))));
    }
    let hosts: Vec<String> = std::iter::once(tls::UNNAMED.to_owned()).chain(names).take(MOST_NAMES).collect();
    let (begun, limit) = (Instant::now(), door.limit());
    let mut served = ask_names(door, port, hosts, &tls::Authorities::installed(door.system));
    // Then the last of them had no answer, or were not asked.
    if begun.elapsed() >= limit {
        trouble = trouble.or(Some(Trouble::TimedOut(limit)));
    }
    let first = (!served.is_empty()).then(|| served.remove(0));
    let is_shown = |(name, answer): &(String, Answer<Result<Served, String>>)| match &answer.result {
        Ok(Ok(served)) => served.names.iter().any(|own| own == name || covers(own, name)),
        Ok(Err(_)) => false,
        Err(_) => true,
    };
    // For the others it is no server's business.
    served.retain(is_shown);
    let shown = |file: &OnDisk| file.names.iter().any(|name| served.iter().any(|(host, _)| host == name));
    let unserved = on_disk.iter().filter(|file| !shown(file)).cloned().collect();
    let mut edge = Edge::Asked(port);
    match first {
        Some((_, answer)) => match &answer.result {
            Ok(Ok(own)) => {
                let known = served.iter().any(|(_, other)| other.result.as_ref().is_ok_and(|o| o.as_ref() == Ok(own)));
                let name = own.names.first().cloned().unwrap_or_else(|| format!(":{port}"));
                if !known && served.iter().all(|(host, _)| *host != name) {
                    served.insert(0, (name, answer));
                }
            }
            Ok(Err(why)) if served.is_empty() => {
                edge = Edge::Unknown(format!("port {port} serves none to a client without SNI: {why}"));
            }
            // Some servers show none without a name.
            Ok(Err(_)) => {}
            Err(_) => served.insert(0, (format!(":{port}"), answer)),
        },
        None => edge = Edge::Unknown("no name was checked".to_owned()),
    }
    Certificates { served, edge, unserved, trouble }
}

/// Whether anybody listens on a port of this host; why that is not known.
fn listens(door: Door<'_>, port: u16) -> Result<bool, String> {
    let (limited, _) = door.now();
    match net::tcp(door.system.local(port), limited.until()) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            let listeners = tcp_listeners(door.system).unwrap_or_default();
            match listeners.into_iter().any(|listener| listener.port() == port) {
                true => Err(format!("something listens on port {port}, but not at the loopback address")),
                false => Ok(false),
            }
        }
        Err(error) => Err(format!("port {port}: {error}")),
    }
}

fn ask_names(door: Door<'_>, port: u16, hosts: Vec<String>, authorities: &tls::Authorities) -> ByName {
    let (door, turn) = door.now();
    let served = tls::certificates(door.system.local(port), &hosts, door.limit, authorities, door.system.now());
    hosts
        .into_iter()
        .zip(served)
        .map(|(host, served)| {
            let served = match served {
                Ok(Err(_)) if turn.was_too_short() => Err(Trouble::Shortage(Shortage::Turns)),
                served => served,
            };
            let answer = Answer { command: client(port, &host), result: served };
            (host, answer)
        })
        .collect()
}

/// Asks for the same certificate.
fn client(port: u16, host: &str) -> Command {
    let name = if host == tls::UNNAMED { "-noservername".to_owned() } else { format!("-servername {host}") };
    let client = format!("openssl s_client -connect 127.0.0.1:{port} {name}");
    Command::shell(format!("{client} </dev/null | openssl x509 -noout -dates"))
}

/// Whether a name of a certificate, which may begin with `*.`, is that of a host.
fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
        None => name.eq_ignore_ascii_case(host),
    }
}
