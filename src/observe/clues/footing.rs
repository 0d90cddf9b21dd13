//! What the host stands on, as files and the kernel say it: mounts, names, paths, locks and limits.

use std::os::unix::fs::{FileTypeExt, MetadataExt};

use jiff::Timestamp;

use super::checkers::{self, Checked};
use super::host::looked;
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::tools::mountinfo::{self, Mount};
use crate::host::tools::{fstab, resolver, ufw};
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, Door, tcp_listeners};
use crate::registry::{DataKind, Deployment};

/// What was seen.
#[derive(Debug)]
pub struct Footing {
    /// Configurations that changed since their programs read them, and what the programs say of them.
    pub checked: Vec<Checked>,
    /// What is mounted.
    pub mounts: Result<Vec<Mount>, Trouble>,
    /// What is to be mounted; none without such a file.
    pub fstab: Result<Vec<Planned>, Trouble>,
    /// Paths that must be writable and exist.
    pub written: Vec<String>,
    /// How names become addresses.
    pub names: Result<Names, Trouble>,
    /// Paths of which every program expects something, and what is wrong with them.
    pub paths: Vec<(&'static str, String)>,
    /// What refuses logins, and since when.
    pub refusal: Option<(&'static str, Option<Timestamp>)>,
    /// Locks of the files of accounts that nobody holds any more.
    pub locks: Vec<&'static str>,
    /// What the kernel has only so many of: what, how many are used, how many there are, and where that stands.
    pub limits: Vec<(&'static str, u64, u64, &'static str)>,
    /// Why sshd ignores root's keys.
    pub keys: Result<Option<String>, Trouble>,
    /// The port on which sshd listens and that the firewall closes to all.
    pub closed: Option<u16>,
}

/// An entry of fstab.
#[derive(Debug)]
pub struct Planned {
    /// The entry.
    pub entry: fstab::Entry,
    /// Whether its device does not exist.
    pub is_missing: bool,
    /// Whether its mount point holds files of the file system below.
    pub is_covering: bool,
}

/// How names become addresses.
#[derive(Debug, Default)]
pub struct Names {
    /// What `/etc/resolv.conf` is.
    pub conf: Conf,
    /// Where names are looked up; `None` where nothing is said.
    pub sources: Option<Vec<String>>,
    /// Whether anything is bound to the port of name servers here.
    pub is_served: bool,
    /// Addresses of `localhost` by `/etc/hosts`; `None` where that need not name it.
    pub localhost: Option<Vec<std::net::IpAddr>>,
    /// Ports of services and whether they listen at addresses of IPv4 and IPv6; only where `localhost` has but one family.
    pub ports: Vec<(&'static str, u16, bool, bool)>,
}

/// What `/etc/resolv.conf` is.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Conf {
    /// Nothing is known, or it does not matter.
    #[default]
    Unasked,
    /// There is none.
    Missing,
    /// A link to nothing.
    Dangling,
    /// It names these servers.
    Names(Vec<String>),
}

/// What a path must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Directory,
    File,
    Device,
}

/// Paths, what they must be, and permission bits that users need there.
const PATHS: &[(&str, Sort, u32)] = &[
    ("/", Sort::Directory, 0o001),
    ("/dev", Sort::Directory, 0o001),
    ("/etc", Sort::Directory, 0o001),
    ("/run", Sort::Directory, 0o001),
    ("/usr", Sort::Directory, 0o001),
    ("/usr/bin", Sort::Directory, 0o001),
    ("/usr/lib", Sort::Directory, 0o001),
    ("/var", Sort::Directory, 0o001),
    ("/var/lib", Sort::Directory, 0o001),
    ("/tmp", Sort::Directory, 0o1003),
    ("/var/tmp", Sort::Directory, 0o1003),
    ("/dev/shm", Sort::Directory, 0o1003),
    ("/dev/null", Sort::Device, 0o006),
    ("/dev/urandom", Sort::Device, 0o004),
    ("/etc/passwd", Sort::File, 0o004),
    ("/etc/group", Sort::File, 0o004),
    ("/etc/hosts", Sort::File, 0o004),
    ("/etc/nsswitch.conf", Sort::File, 0o004),
    ("/etc/resolv.conf", Sort::File, 0o004),
    ("/etc/ssl/certs", Sort::Directory, 0o001),
    ("/etc/ssl/certs/ca-certificates.crt", Sort::File, 0o004),
];

/// Of one service on most hosts: it must be possible to write there.
const WRITTEN: &[&str] = &["/var/log", "/var/lib", "/var/tmp", "/tmp", "/run"];
/// Port of name servers.
const DOMAIN: u16 = 53;
/// A lock or a refusal of logins that is younger than this may be meant.
const MEANT_SECONDS: i64 = 900;

/// Looks at all of it.
pub(super) fn look(door: Door<'_>, deployment: &'static Deployment) -> Footing {
    let system = door.system;
    let data = deployment.services.iter().flat_map(|service| service.data);
    let data = data.filter(|data| data.kind != DataKind::Volume).map(|data| data.path);
    let written = WRITTEN.iter().copied().chain(data).filter(|path| system.exists(path)).map(str::to_owned);
    Footing {
        checked: checkers::look(door, deployment),
        mounts: system
            .read_once(system.mount_table())
            .map_err(Trouble::from)
            .and_then(|text| Ok(mountinfo::parse(&text)?)),
        fstab: fstab(system),
        written: written.collect(),
        names: names(system, deployment),
        paths: PATHS.iter().filter_map(|(path, sort, bits)| Some((*path, flaw(system, path, *sort, *bits)?))).collect(),
        refusal: refusal(system),
        locks: locks(system),
        limits: limits(system),
        keys: keys(system),
        closed: closed(system),
    }
}

fn fstab(system: &System) -> Result<Vec<Planned>, Trouble> {
    let entries = fstab::parse(&looked(system.read("/etc/fstab"))?.unwrap_or_default());
    let is_container = system.is_container();
    let needed = |entry: &fstab::Entry| {
        // A container is given what it stands on, whatever its image's file says of it.
        let given = is_container && (entry.point == "/" || entry.point.starts_with("/boot"));
        entry.is_automatic() && !given
    };
    let planned = |entry: fstab::Entry| {
        let is_missing = entry.device_place().is_some_and(|(directory, name)| is_gone(system, directory, &name));
        let is_covering = system.list(&entry.point).is_ok_and(|entries| !entries.is_empty());
        // What is mounted at is known by the path behind links.
        let is_aside = entry.point.starts_with("/var/run/") || entry.point.starts_with("/var/lock/");
        let is_link = is_aside || system.symlink_metadata(&entry.point).is_ok_and(|meta| meta.is_symlink());
        (!is_link).then_some(Planned { entry, is_missing, is_covering })
    };
    Ok(entries.into_iter().filter(needed).filter_map(planned).collect())
}

/// Whether nothing has that name, in any case of letters, as udev and mkfs differ there.
fn is_gone(system: &System, directory: &str, name: &str) -> bool {
    match name.split_once('/') {
        Some(_) => system.is_missing(format!("{directory}/{name}")),
        None => match looked(system.list(directory)) {
            Ok(entries) => !entries
                .unwrap_or_default()
                .iter()
                .any(|e| e.name.to_str().is_some_and(|own| own.eq_ignore_ascii_case(name))),
            Err(_) => false,
        },
    }
}

fn names(system: &System, deployment: &'static Deployment) -> Result<Names, Trouble> {
    const PATH: &str = "/etc/resolv.conf";
    let Some(switch) = looked(system.read("/etc/nsswitch.conf"))? else { return Ok(Names::default()) };
    let sources = resolver::sources(&switch).map(|words| words.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let uses = |word: &str| sources.as_ref().is_some_and(|sources| sources.iter().any(|own| own == word));
    let conf = match looked(system.read(PATH)) {
        // libnss-resolve asks systemd-resolved itself.
        _ if uses("resolve") && system.exists("/run/systemd/resolve/io.systemd.Resolve") => Conf::Unasked,
        Ok(Some(text)) => Conf::Names(resolver::nameservers(&text).into_iter().map(str::to_owned).collect()),
        Ok(None) if system.symlink_metadata(PATH).is_ok() => Conf::Dangling,
        Ok(None) => Conf::Missing,
        Err(Trouble::NeedsRoot(_)) => Conf::Unasked,
        Err(trouble) => return Err(trouble),
    };
    let bound = |table: &str| system.read(table).is_ok_and(|text| resolver::is_bound(&text, DOMAIN));
    let is_served = ["/proc/net/udp", "/proc/net/udp6"].into_iter().any(bound) || system.is_missing("/proc/net/udp");
    // Both know it by themselves.
    let is_known = uses("myhostname") || uses("resolve");
    let localhost = match is_known {
        true => None,
        false => Some(resolver::addresses(&looked(system.read("/etc/hosts"))?.unwrap_or_default(), "localhost")),
    };
    let one_family = |found: &Vec<std::net::IpAddr>| {
        found.iter().all(std::net::IpAddr::is_ipv4) || found.iter().all(std::net::IpAddr::is_ipv6)
    };
    let ports = match &localhost {
        Some(found) if !found.is_empty() && one_family(found) => ports(system, deployment),
        _ => Vec::new(),
    };
    Ok(Names { conf, sources, is_served, localhost, ports })
}

/// In which families the ports of services are listened on.
fn ports(system: &System, deployment: &'static Deployment) -> Vec<(&'static str, u16, bool, bool)> {
    let all = tcp_listeners(system).unwrap_or_default();
    let of = |service: &'static crate::registry::Service| {
        service
            .ports
            .iter()
            .filter_map(|port| {
                let own: Vec<_> =
                    all.iter().filter(|listener| listener.port() == *port).map(|l| l.address.ip()).collect();
                let any = own.iter().any(|ip| ip.is_ipv6() && ip.is_unspecified());
                let four = any || own.iter().any(|ip| ip.to_canonical().is_ipv4());
                let six = own.iter().any(|ip| ip.to_canonical().is_ipv6());
                (!own.is_empty()).then_some((service.name, *port, four, six))
            })
            .collect::<Vec<_>>()
    };
    deployment.services.iter().flat_map(|service| of(service)).collect()
}

fn flaw(system: &System, path: &str, sort: Sort, bits: u32) -> Option<String> {
    let meta = system.metadata(path).ok()?;
    let (is_that, what) = match sort {
        Sort::Directory => (meta.is_dir(), "a directory"),
        Sort::File => (meta.is_file(), "a file"),
        Sort::Device => (meta.file_type().is_char_device(), "a device"),
    };
    let mode = meta.mode() & 0o7777;
    match (is_that, mode & bits == bits) {
        (false, _) => Some(format!("it is not {what}")),
        (true, false) if bits & 0o1000 != 0 => Some(format!("its mode is {mode:o}, and must be 1777")),
        (true, false) if sort == Sort::Directory => Some(format!("its mode is {mode:o}: users cannot enter it")),
        (true, false) => Some(format!("its mode is {mode:o}: users cannot use it")),
        (true, true) => None,
    }
}

fn modified(system: &System, path: &str) -> Option<Timestamp> {
    system.metadata(path).ok()?.modified().ok().and_then(|time| Timestamp::try_from(time).ok())
}

/// Whether a file is there for longer than what only takes a moment.
fn is_old(system: &System, path: &str) -> bool {
    modified(system, path).is_some_and(|time| system.now().duration_since(time).as_secs() > MEANT_SECONDS)
}

fn refusal(system: &System) -> Option<(&'static str, Option<Timestamp>)> {
    const OWN: &str = "/etc/nologin";
    // At boot, and before it goes down, systemd has one here for a while.
    const PASSING: &str = "/run/nologin";
    let path = if system.exists(OWN) { OWN } else { Some(PASSING).filter(|path| is_old(system, path))? };
    Some((path, modified(system, path)))
}

fn locks(system: &System) -> Vec<&'static str> {
    let paths = ["/etc/passwd.lock", "/etc/shadow.lock", "/etc/group.lock", "/etc/gshadow.lock"];
    let is_left = |path: &&str| {
        let Some(text) = looked(system.read(path)).ok().flatten().filter(|_| is_old(system, path)) else {
            return false;
        };
        let pid = text.trim_matches(['\0', '\n', ' ']).parse::<u32>();
        pid.map_or(true, |pid| system.is_missing(format!("/proc/{pid}")))
    };
    paths.into_iter().filter(is_left).collect()
}

fn limits(system: &System) -> Vec<(&'static str, u64, u64, &'static str)> {
    let number = |path: &str| -> Option<u64> { system.read(path).ok()?.trim().parse().ok() };
    let files = || {
        let text = system.read("/proc/sys/fs/file-nr").ok()?;
        let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        match numbers.as_slice() {
            [open, free, most] => Some(("open files", open.saturating_sub(*free), *most, "/proc/sys/fs/file-nr")),
            _ => None,
        }
    };
    let connections = || {
        let used = number("/proc/sys/net/netfilter/nf_conntrack_count")?;
        let most = number("/proc/sys/net/netfilter/nf_conntrack_max")?;
        Some(("tracked connections", used, most, "/proc/sys/net/netfilter/nf_conntrack_count"))
    };
    let threads = || {
        let load = system.read("/proc/loadavg").ok()?;
        let used = load.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()?;
        let most = number("/proc/sys/kernel/pid_max")?.min(number("/proc/sys/kernel/threads-max")?);
        Some(("processes and threads", used, most, "/proc/loadavg"))
    };
    [files(), connections(), threads()].into_iter().flatten().filter(|(_, _, most, _)| *most > 0).collect()
}

fn keys(system: &System) -> Result<Option<String>, Trouble> {
    const KEYS: &str = "/root/.ssh/authorized_keys";
    const PARTS: &str = "/etc/ssh/sshd_config.d";
    if !system.exists("/usr/sbin/sshd") {
        return Ok(None);
    }
    let mut config = looked(system.read("/etc/ssh/sshd_config"))?.unwrap_or_default();
    for part in looked(system.list(PARTS))?.unwrap_or_default() {
        let text = part.name.to_str().map(|name| system.read(format!("{PARTS}/{name}")));
        config.push_str(&text.and_then(Result::ok).unwrap_or_default());
        config.push('\n');
    }
    let config = config.to_ascii_lowercase();
    let says = |key: &str, value: &str| config.lines().any(|line| line.split_whitespace().take(2).eq([key, value]));
    // Keys may lie elsewhere, or count for nobody.
    let elsewhere = config.lines().any(|line| line.trim_start().starts_with("authorizedkeysfile"));
    if elsewhere || says("strictmodes", "no") || says("permitrootlogin", "no") || says("pubkeyauthentication", "no") {
        return Ok(None);
    }
    let Some(_) = looked(system.metadata(KEYS))?.filter(|meta| meta.len() > 0) else { return Ok(None) };
    for path in ["/root", "/root/.ssh", KEYS] {
        let Some(meta) = looked(system.metadata(path))? else { continue };
        if meta.uid() != 0 {
            return Ok(Some(format!("{path} belongs to user {}", meta.uid())));
        }
        if meta.mode() & 0o022 != 0 {
            return Ok(Some(format!("{path} has mode {:o}: others than root can write to it", meta.mode() & 0o7777)));
        }
    }
    Ok(None)
}

fn closed(system: &System) -> Option<u16> {
    let read = |path: &str| system.read(path).ok();
    read("/etc/ufw/ufw.conf").filter(|conf| ufw::is_enabled(conf))?;
    if !ufw::is_closed(&read("/etc/default/ufw")?) {
        return None;
    }
    let pid: u32 = read("/run/sshd.pid")?.trim().parse().ok()?;
    let inodes = system.sockets_of(pid).filter(|_| system.process_name(pid).as_deref() == Some("sshd"))?;
    let listeners = tcp_listeners(system).unwrap_or_default();
    let own: Vec<_> = listeners.iter().filter(|one| inodes.contains(&one.inode)).collect();
    let rules = read("/etc/ufw/user.rules")?;
    let others =
        ["/etc/ufw/before.rules", "/etc/ufw/after.rules"].iter().filter_map(|file| read(file)).collect::<String>();
    let admits = |port: u16| ufw::admits(&rules, port) || others.contains(&format!("--dport {port}"));
    let reached = own.iter().filter(|one| !one.address.ip().to_canonical().is_loopback()).map(|one| one.address.port());
    let ports: Vec<u16> = reached.collect();
    ports.iter().all(|port| !admits(*port)).then(|| ports.first().copied()).flatten()
}

/// A deleted file that a process still holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which process.
    pub pid: u32,
    /// Its name.
    pub process: String,
    /// Major and minor number of its file system.
    pub device: String,
    /// Which file.
    pub inode: u64,
    /// Bytes that it takes.
    pub bytes: u64,
}

/// All that processes hold of what is deleted.
pub(super) fn deleted(system: &System) -> Answer<Vec<Held>> {
    let command = Command::new(["lsof", "+L1"]);
    if !system.is_root() {
        return Answer { command, result: Err(Trouble::NeedsRoot("to see which files processes hold")) };
    }
    let mut found: Vec<Held> = Vec::new();
    for (pid, files) in system.deleted_files(&system.processes()) {
        for file in files {
            let device = format!("{}:{}", rustix::fs::major(file.device), rustix::fs::minor(file.device));
            if found.iter().all(|held| (held.device.as_str(), held.inode) != (device.as_str(), file.inode)) {
                let process = system.process_name(pid).unwrap_or_default();
                found.push(Held { pid, process, device, inode: file.inode, bytes: file.bytes });
            }
        }
    }
    Answer { command, result: Ok(found) }
}
