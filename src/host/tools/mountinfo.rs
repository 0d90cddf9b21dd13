//! `/proc/self/mountinfo`: what is mounted where, and which of it can fill up (proc_pid_mountinfo(5)).

use std::collections::HashMap;

use super::Malformed;

/// Kinds that hold no data, or none that fills up. What is left, and has no size, is passed over where it is asked.
const WITHOUT_DATA: &[&str] = &[
    "autofs",
    "bdev",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nfsd",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smackfs",
    "sysfs",
    "tracefs",
];
/// Images, which are full by nature.
const IMAGES: &[&str] = &["cramfs", "erofs", "iso9660", "romfs", "squashfs", "udf"];
/// Where engines keep the file systems of containers: theirs to clean up, and as many as there are containers. Not volumes.
const OF_CONTAINERS: &[&str] = &[
    "/snap",
    "/var/lib/containerd",
    "/var/lib/containers/storage/overlay",
    "/var/lib/containers/storage/overlay-containers",
    "/var/lib/docker/containers",
    "/var/lib/docker/overlay2",
    "/var/lib/docker/rootfs",
    "/var/snap",
];
/// Single files that an engine binds into a container.
const BOUND_FILES: &[&str] = &["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];
/// Below these a tmpfs is small and somebody's own: credentials of a unit, locks, a user's session, secrets of a pod. /run and
/// /dev/shm themselves stop services when they are full, and so do /tmp and any other.
const SMALL: &[&str] = &["/dev", "/proc", "/run", "/sys", "/var/lib/kubelet/pods"];

/// Something that is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    id: u32,
    parent: u32,
    /// Major and minor number of the file system, which all of its mounts share.
    pub device: String,
    /// Which part of the file system is mounted; `/` for all of it.
    root: String,
    /// Where.
    pub point: String,
    /// Such as `ext4`; of FUSE with what serves it, such as `fuse.sshfs`.
    pub kind: String,
    /// What is mounted: a block device, a server's directory.
    source: String,
    /// Whether it can be written to, by its own options and those of the file system.
    is_writable: bool,
    options: String,
}

impl Mount {
    /// Whether it can be written to, by its own options and those of the file system.
    pub fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Whether what was mounted there is gone: removed or replaced since.
    pub fn is_gone(&self) -> bool {
        self.root.ends_with("//deleted")
    }
}

/// A mounted file system, bytes and counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    pub kind: String,
    pub size: u64,
    pub used: u64,
    /// What an ordinary user may still write.
    pub available: u64,
    /// Total and used inodes; `None` where the file system has no such number.
    pub inodes: Option<(u64, u64)>,
    pub mounted_on: String,
}

/// Parses `/proc/self/mountinfo`.
///
/// # Errors
/// When it is empty or a line is no mount.
pub fn parse(text: &str) -> Result<Vec<Mount>, Malformed> {
    const EXPECTED: &str = "a table of mounts";
    let mounts: Result<Vec<Mount>, Malformed> =
        text.lines().map(|line| mount(line).ok_or_else(|| Malformed::new(EXPECTED, line))).collect();
    match mounts {
        Ok(mounts) if mounts.is_empty() => Err(Malformed::new(EXPECTED, text)),
        other => other,
    }
}

fn mount(line: &str) -> Option<Mount> {
    let (own, shared) = line.split_once(" - ")?;
    let mut own = own.split(' ');
    let (id, parent) = (own.next()?.parse().ok()?, own.next()?.parse().ok()?);
    let device = own.next().filter(|device| device.contains(':'))?.to_owned();
    let (root, point, flags) = (unescaped(own.next()?), unescaped(own.next()?), own.next()?);
    let mut shared = shared.split(' ');
    let (kind, source, options) = (shared.next()?.to_owned(), unescaped(shared.next()?), shared.next()?.to_owned());
    let is = |options: &str| options.split(',').any(|option| option == "rw");
    let is_writable = is(flags) && is(&options);
    point.starts_with('/').then_some(Mount { id, parent, device, root, point, kind, source, is_writable, options })
}

/// A name without the octal escapes of the kernel, which writes blanks and backslashes so.
pub(super) fn unescaped(word: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = word.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let byte = match (first, tail) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                rest = after;
                (a - b'0') * 64 + (b - b'0') * 8 + (c - b'0')
            }
            _ => *first,
        };
        bytes.push(byte);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The mounts of which it matters how full they are: all that can be written to and hold data, and those that hold one of the
/// `named` paths, images excepted; each file system once. Those that hold a named path come first, in the order of the paths.
/// `uid` is who asks: what FUSE lets nobody but another user see is that user's alone, root included.
pub fn watched<'m>(mounts: &'m [Mount], named: &[&str], uid: u32) -> Vec<&'m Mount> {
    let visible = visible(mounts);
    let holds = |path: &str| visible.iter().filter(|mount| is_below(path, &mount.point)).max_by_key(|m| m.point.len());
    let holding = named.iter().filter_map(|path| holds(path)).filter(|mount| !IMAGES.contains(&mount.kind.as_str()));
    let mut found: Vec<&Mount> = Vec::new();
    let mut keep = |mount: &'m Mount| {
        if found.iter().all(|other| other.device != mount.device) {
            found.push(mount);
        }
    };
    holding.filter(|mount| !WITHOUT_DATA.contains(&mount.kind.as_str())).for_each(|mount| keep(mount));
    let mut others: Vec<&Mount> = visible.iter().copied().filter(|mount| mount.matters(uid)).collect();
    // Of several mounts of a file system the one by which people know it: all of it, not below /run, the shortest.
    others.sort_by_key(|m| (m.root != "/", is_below(&m.point, "/run"), m.point.len()));
    let mut first: Vec<&Mount> = Vec::new();
    for mount in others {
        if first.iter().all(|other| other.device != mount.device) {
            first.push(mount);
        }
    }
    first.sort_by(|a, b| a.point.cmp(&b.point));
    first.into_iter().for_each(keep);
    found
}

impl Mount {
    fn matters(&self, uid: u32) -> bool {
        let (kind, point) = (self.kind.as_str(), self.point.as_str());
        let below = |dirs: &[&str]| dirs.iter().any(|dir| is_below(point, dir) && point != *dir);
        let holds_data = self.is_writable && !WITHOUT_DATA.contains(&kind) && !IMAGES.contains(&kind);
        let is_an_engines = below(OF_CONTAINERS) || BOUND_FILES.contains(&point) || self.is_of_a_container();
        if !holds_data || is_an_engines || self.root.ends_with("//deleted") || self.is_private_to_another(uid) {
            return false;
        }
        match kind {
            "tmpfs" => point == "/run" || point == "/dev/shm" || !SMALL.iter().any(|dir| is_below(point, dir)),
            _ => !below(&["/dev", "/proc", "/run", "/sys"]) || self.source.starts_with("/dev/"),
        }
    }

    /// Whether it is the root of a container: its engine keeps its upper layer beside it, or below /run.
    fn is_of_a_container(&self) -> bool {
        let beside = |dir: &str| {
            let home = |path: &str| path.rsplit_once('/').map(|(parent, _)| parent.to_owned());
            self.point != "/" && home(dir) == home(&self.point)
        };
        let upper = self.options.split(',').find_map(|option| option.strip_prefix("upperdir="));
        self.kind == "overlay" && upper.is_some_and(beside)
    }

    /// Whether FUSE answers nobody but another user.
    fn is_private_to_another(&self, uid: u32) -> bool {
        let mut options = self.options.split(',');
        let owner = options.clone().find_map(|option| option.strip_prefix("user_id="));
        self.kind.starts_with("fuse")
            && owner.is_some_and(|owner| owner.parse() != Ok(uid))
            && options.all(|option| option != "allow_other")
    }
}

/// The mounts that a path leads to: not those over which, or over a directory above which, something else is mounted.
fn visible(mounts: &[Mount]) -> Vec<&Mount> {
    let by_id: HashMap<u32, &Mount> = mounts.iter().map(|mount| (mount.id, mount)).collect();
    let stands_on = |mount: &Mount, other: &Mount| {
        let mut at = mount;
        // Where the table has a circle it is no table of the kernel's.
        for _ in 0..mounts.len() {
            if at.id == other.id {
                return true;
            }
            match by_id.get(&at.parent) {
                Some(parent) if parent.id != at.id => at = parent,
                _ => return false,
            }
        }
        false
    };
    let covers = |other: &Mount, mount: &Mount| is_below(&mount.point, &other.point) && !stands_on(mount, other);
    mounts.iter().filter(|mount| !mounts.iter().any(|other| covers(other, mount))).collect()
}

/// Whether a path is a directory or in it.
fn is_below(path: &str, dir: &str) -> bool {
    let rest = path.strip_prefix(dir.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
