//! The machine as opsctl sees it: where tools are looked for, under which root files are read, which address stands for
//! the loopback interface. Tests put another machine in its place; the stock binary always uses [`System::real`].

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::fs::StatVfs;

use crate::host::tools::{Account, procfs};

/// How long one answer of a file system is waited for, unless the whole command has less time. Local ones answer in
/// microseconds, and within seconds on a disk that is overloaded.
const FILE_LIMIT: Duration = Duration::from_secs(2);

/// Rules of a time zone are a few kilobytes.
const ZONE_LIMIT: u64 = 1 << 20;

/// Texts by the path that they were read from; nothing of a file that could not be read.
pub type Texts = BTreeMap<String, Arc<OnceLock<Option<Arc<str>>>>>;

/// Where to look.
#[derive(Debug, Clone)]
pub struct System {
    /// Directories of the wrapped tools, first match wins. The caller's `PATH` is never consulted.
    pub tool_path: Vec<PathBuf>,
    /// What absolute paths are relative to; `/` on a real machine.
    pub root: PathBuf,
    /// The address at which local services are probed.
    pub loopback: IpAddr,
    /// A fixed time instead of the clock's.
    pub time: Option<Timestamp>,
    /// How long one answer of a file system is waited for.
    pub file_limit: Duration,
    /// Until when all of them together are.
    pub files_until: Option<Instant>,
    /// Texts that several ask for, each read once for as long as one look takes.
    pub once: Option<Arc<Mutex<Texts>>>,
    /// What answers how full the file system is that is mounted at a path below a root, instead of the kernel.
    pub statvfs: Option<fn(&Path, &Path) -> io::Result<StatVfs>>,
    /// Where this program lies, instead of where the kernel has it from.
    pub program: Option<PathBuf>,
}

impl System {
    /// This machine.
    pub fn real() -> Self {
        let standard = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        System {
            tool_path: standard.into_iter().map(PathBuf::from).collect(),
            root: PathBuf::from("/"),
            loopback: IpAddr::V4(Ipv4Addr::LOCALHOST),
            time: None,
            file_limit: FILE_LIMIT,
            files_until: None,
            once: None,
            statvfs: None,
            program: None,
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.time.unwrap_or_else(Timestamp::now)
    }

    /// The time zone of this host, which is not that of the caller; UTC where none is set.
    pub fn zone(&self) -> TimeZone {
        let rules = self.read_bytes("/etc/localtime", ZONE_LIMIT);
        rules.ok().and_then(|rules| TimeZone::tzif("localtime", &rules).ok()).unwrap_or(TimeZone::UTC)
    }

    /// A local service's address.
    pub fn local(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.loopback, port)
    }

    /// The address by which this host reaches who listens at `address`: at all addresses is at the loopback one.
    pub fn nearest(&self, address: SocketAddr) -> SocketAddr {
        match address.ip().to_canonical() {
            ip if ip.is_unspecified() => self.local(address.port()),
            ip => SocketAddr::new(ip, address.port()),
        }
    }

    /// Whether the caller is root.
    pub fn is_root(&self) -> bool {
        rustix::process::geteuid().is_root()
    }

    /// An absolute path below [`System::root`].
    pub fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// The first of these paths that exists. An unreadable parent directory is an error, not an absence.
    ///
    /// # Errors
    /// When none exists and one could not be looked at.
    pub fn first_existing<'a>(&self, paths: &[&'a str]) -> io::Result<Option<&'a str>> {
        let mut trouble = None;
        for path in paths {
            match self.metadata(path) {
                Ok(_) => return Ok(Some(path)),
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(error) => trouble = Some(error),
            }
        }
        trouble.map_or(Ok(None), Err)
    }

    /// The host's name.
    pub fn host_name(&self) -> String {
        let name = self.read("/proc/sys/kernel/hostname").unwrap_or_default();
        if name.trim().is_empty() { "unknown".to_owned() } else { name.trim().to_owned() }
    }

    /// Whether systemd is the init system, by the test that `sd_booted(3)` documents.
    pub fn booted_with_systemd(&self) -> bool {
        match self.metadata("/run/systemd/system") {
            Ok(meta) => meta.is_dir(),
            // What could not be looked at may be there: systemd is asked, and says so where it does not run.
            Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
        }
    }

    /// Whether this is a container, whose clock and kernel belong to another machine.
    pub fn is_container(&self) -> bool {
        let marks = ["/run/systemd/container", "/.dockerenv", "/run/.containerenv"];
        marks.iter().any(|mark| self.exists(mark))
    }

    /// The text of a file that several ask for, or that costs time: read once for as long as one look takes.
    ///
    /// # Errors
    /// As [`System::read`].
    pub fn read_once(&self, path: &str) -> io::Result<Arc<str>> {
        let Some(once) = &self.once else { return self.read(path).map(Arc::from) };
        let text = {
            let mut known = once.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(path.to_owned()).or_default())
        };
        let mut trouble = None;
        let read = || self.read(path).map(Arc::from).map_err(|error| trouble = Some(error)).ok();
        match text.get_or_init(read) {
            Some(text) => Ok(Arc::clone(text)),
            // Whoever comes later learns why from the file itself.
            None => trouble.map_or_else(|| self.read(path).map(Arc::from), Err),
        }
    }

    /// A user of this host.
    pub fn account(&self, wanted: impl Fn(&Account) -> bool) -> Option<Account> {
        procfs::account(&self.read_once("/etc/passwd").ok()?, wanted)
    }

    /// The socket inodes that a process holds open. `None` when it is gone or may not be looked at.
    pub fn sockets_of(&self, pid: u32) -> Option<Vec<u64>> {
        Some(self.open_of(pid)?.sockets)
    }

    /// What a process holds open. `None` when it is gone or may not be looked at.
    pub fn open_of(&self, pid: u32) -> Option<Open> {
        self.open_of_each(&[pid]).pop()?.ok()
    }

    /// The same of many. `TimedOut` of those for which there was no time.
    pub fn open_of_each(&self, pids: &[u32]) -> Vec<io::Result<Open>> {
        let opened = |targets: Vec<PathBuf>| {
            let mut open = Open::default();
            for target in &targets {
                match (socket(target), target.to_str()) {
                    (Some(inode), _) => open.sockets.push(inode),
                    (None, Some(path)) if path.starts_with('/') => open.files.push(path.to_owned()),
                    (None, _) => {}
                }
            }
            open
        };
        self.descriptors_of(pids).into_iter().map(|targets| targets.map(opened)).collect()
    }

    /// Memory charged to the control group of a process, bytes, in either layout of the hierarchy.
    pub fn memory_of(&self, pid: u32) -> Option<u64> {
        let groups = self.read(format!("/proc/{pid}/cgroup")).ok()?;
        groups.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, group) = (fields.next()?, fields.next()?);
            let file = match controllers {
                "" => format!("/sys/fs/cgroup{group}/memory.current"),
                "memory" => format!("/sys/fs/cgroup/memory{group}/memory.usage_in_bytes"),
                _ => return None,
            };
            self.read(&file).ok()?.trim().parse().ok()
        })
    }

    /// How the bounds of the control group of a process are used, in either layout of the hierarchy.
    pub fn bounds_of(&self, pid: u32) -> Option<procfs::Bounds> {
        let groups = self.read(format!("/proc/{pid}/cgroup")).ok()?;
        let group = |wanted: &str| {
            let fields = |line: &str| {
                let mut fields = line.splitn(3, ':').skip(1);
                Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
            };
            let mut all = groups.lines().filter_map(fields);
            all.find(|(controllers, _)| controllers.split(',').any(|controller| controller == wanted))
        };
        let file = |controller: &str, new: &str, old: &str| {
            let path = match (group(controller), group("")) {
                (Some((controllers, group)), _) => format!("/sys/fs/cgroup/{controllers}{group}/{old}"),
                (None, Some((_, group))) => format!("/sys/fs/cgroup{group}/{new}"),
                (None, None) => return String::new(),
            };
            self.read(path).unwrap_or_default()
        };
        Some(procfs::bounds(
            &file("memory", "memory.stat", "memory.stat"),
            &file("memory", "memory.events", "memory.oom_control"),
            &file("cpu", "cpu.stat", "cpu.stat"),
        ))
    }

    /// Ids of all processes.
    pub fn processes(&self) -> Vec<u32> {
        let entries = self.names("/proc").unwrap_or_default();
        entries.iter().filter_map(|name| name.to_str()?.parse().ok()).collect()
    }

    /// When a process was started, clock ticks since the boot: with its number this tells it from any other.
    pub fn process_started(&self, pid: u32) -> Option<u64> {
        procfs::start_time(&self.read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The parent of a process.
    pub fn parent_of(&self, pid: u32) -> Option<u32> {
        procfs::parent(&self.read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The short name of a process.
    pub fn process_name(&self, pid: u32) -> Option<String> {
        self.read(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned())
    }
}

/// What a process holds open.
#[derive(Debug, Default)]
pub struct Open {
    /// Inodes of sockets.
    pub sockets: Vec<u64>,
    /// Files and directories.
    pub files: Vec<String>,
}

fn socket(target: &Path) -> Option<u64> {
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}
