//! A machine that is made up: a root below a temporary directory, an address of its own for its services, and a directory
//! of tools in which one script stands in for all.

mod ground;
mod run;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::servers::Server;
pub use ground::example;
use ground::{ground, stand_in, stand_in_tool};
pub use run::{Ran, Run};

/// The time on every machine: two hours and some after the samples were captured.
pub const NOW: &str = "2026-11-22T05:30:00Z";

/// When every machine was booted, as far as its journal knows.
pub const BOOTED: &str = "2026-11-22T03:00:00Z";

/// A file of `tests/it/samples/`: output of a real tool, unless its name says otherwise.
pub fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/samples").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether the tests run as root, who alone is refused untrusted tools and may become another user.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Of a test that needs root: it is ignored unless it is asked for, so that nothing passes without having run.
///
/// # Panics
/// Where it was asked for and is not run by root.
pub fn needs_root() {
    assert!(is_root(), "needs root: run `cargo test -- --include-ignored` as root");
}

/// A machine. Deleted when dropped, unless its test fails.
pub struct Machine {
    dir: PathBuf,
    address: Ipv4Addr,
    servers: RefCell<Vec<Server>>,
    /// Ports in `/proc/net/tcp`, and the process that holds each.
    sockets: RefCell<BTreeMap<u16, u32>>,
}

impl Machine {
    /// A Linux machine with systemd and nothing on it.
    pub fn new() -> Self {
        static COUNT: AtomicU8 = AtomicU8::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let pid = std::process::id();
        // All of 127.0.0.0/8 is this machine. Three digits each, so that texts are as long on every machine.
        let [high, low] = [128 + pid % (128 * 156) / 156, 100 + pid % 156].map(|octet| u8::try_from(octet).unwrap());
        let address = Ipv4Addr::new(127, high, low, 100 + count % 156);
        let dir = ground().join(format!("machine-{pid}-{count}"));
        let machine =
            Machine { dir, address, servers: RefCell::new(Vec::new()), sockets: RefCell::new(BTreeMap::new()) };
        machine.lay_out();
        machine
    }

    fn lay_out(&self) {
        // What an earlier process of this id left behind.
        let _ = fs::remove_dir_all(&self.dir);
        for dir in ["root", "tools", "log", "answers", "units", "containers", "rows", "journal"] {
            fs::create_dir_all(self.dir.join(dir)).unwrap();
        }
        fs::set_permissions(self.dir.join("tools"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(self.dir.join("unknown-unit"), sample("unknown-unit.txt")).unwrap();
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        // Whoever runs the tests is root here, and the group of all files is prim's, as on a prim host.
        self.file("/etc/passwd", &format!("root:x:{uid}:{gid}:root:/root:/bin/sh\n"));
        self.file("/etc/group", &format!("prim:x:{gid}:\n"));
        self.file("/proc/sys/kernel/hostname", "vps1\n");
        self.file("/proc/meminfo", "MemTotal: 2013820 kB\nMemAvailable: 1107601 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
        self.file("/proc/loadavg", "0.42 0.31 0.25 1/120 4242\n");
        self.file("/proc/stat", "cpu  1 2 3\ncpu0 1 2 3\nintr 5\n");
        self.file("/proc/uptime", "1209600.25 1000000.00\n");
        self.file("/proc/vmstat", "nr_free_pages 100\noom_kill 0\n");
        self.file("/etc/ssl/certs/ca-certificates.crt", &crate::servers::authorities());
        self.dir("/run/systemd/system");
        // An old one, so that nothing is watched there.
        self.file("/var/log/journal/0123456789abcdef0123456789abcdef/system@1.journal", "");
        self.link("systemctl");
        self.link("journalctl");
        // What everybody reads.
        for path in ["/etc/passwd", "/etc/group", "/etc/ssl/certs/ca-certificates.crt"] {
            fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o644)).unwrap();
        }
        self.answer("df", &sample("prim/df.txt"));
        self.answer("timedatectl", "NTPSynchronized=yes\n");
        self.unit(
            "init.scope",
            "Id=init.scope\nNames=init.scope\nLoadState=loaded\nActiveState=active\nSubState=running\nConditionResult=yes\n",
        );
    }

    /// A path below the machine's root.
    pub fn path(&self, absolute: &str) -> PathBuf {
        self.dir.join("root").join(absolute.trim_start_matches('/'))
    }

    /// The directory of all that the machine is made of.
    pub fn home(&self) -> PathBuf {
        self.dir.clone()
    }

    /// The directory of the tools.
    pub fn tools(&self) -> PathBuf {
        self.dir.join("tools")
    }

    /// Writes a file, mode 640.
    pub fn file(&self, absolute: &str, text: &(impl AsRef<[u8]> + ?Sized)) {
        let path = self.path(absolute);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    }

    /// Writes a file that was changed last at this time.
    pub fn old_file(&self, absolute: &str, time: &str, text: &str) {
        self.file(absolute, text);
        let time: std::time::SystemTime = time.parse::<jiff::Timestamp>().unwrap().into();
        fs::File::open(self.path(absolute)).unwrap().set_modified(time).unwrap();
    }

    /// Makes a directory.
    pub fn dir(&self, absolute: &str) {
        fs::create_dir_all(self.path(absolute)).unwrap();
    }

    /// Where the stand-in of journalctl has its entries, a file each.
    pub fn journal_dir(&self) -> PathBuf {
        self.dir.join("journal")
    }

    /// Removes a file or directory.
    pub fn remove(&self, absolute: &str) {
        let path = self.path(absolute);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }

    /// Installs a tool.
    pub fn link(&self, tool: &str) {
        // Already there is as good.
        let _ = symlink(stand_in_tool(), self.tools().join(tool));
    }

    /// Takes a tool away.
    pub fn uninstall(&self, tool: &str) {
        fs::remove_file(self.tools().join(tool)).unwrap();
    }

    /// What a tool prints, by its name or `NAME-FIRST_ARGUMENT`, before it ends with success.
    pub fn answer(&self, key: &str, out: &(impl AsRef<[u8]> + ?Sized)) {
        self.answer_with(key, out, "", 0);
    }

    /// What a tool prints on both streams, and how it ends.
    pub fn answer_with(&self, key: &str, out: &(impl AsRef<[u8]> + ?Sized), err: &str, code: u8) {
        let tool =
            key.split_once('-').map_or(key, |(tool, _)| if tool == "systemd" { "systemd-analyze" } else { tool });
        self.link(tool);
        let dir = self.dir.join("answers").join(key);
        // With how it ended before.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("out"), out).unwrap();
        fs::write(dir.join("err"), err).unwrap();
        fs::write(dir.join("code"), format!("{code}\n")).unwrap();
        if key == "df" {
            self.mount(&String::from_utf8_lossy(out.as_ref()));
        }
    }

    /// Mounts what a table of `df` has. How full it is is read there, by the stand-in of the kernel.
    fn mount(&self, table: &str) {
        let mut mounts = String::new();
        let mut points: Vec<&str> = Vec::new();
        for row in table.lines().skip(1) {
            let words: Vec<&str> = row.split_whitespace().collect();
            if let [kind, .., point] = words[..]
                && point.starts_with('/')
                && !points.contains(&point)
            {
                // All others are mounted below the root.
                let number = points.len() + 2;
                let (id, parent) = if point == "/" { (1, 0) } else { (number, 1) };
                writeln!(mounts, "{id} {parent} 8:{number} / {point} rw - {kind} /dev/sda{number} rw").unwrap();
                points.push(point);
            }
        }
        self.file("/proc/self/mountinfo", &mounts);
    }

    /// Makes a tool never answer.
    pub fn hang(&self, key: &str) {
        self.answer_and(key, "", "hang");
    }

    /// What a tool prints before it does as this says: `hang`, or `kill` itself.
    pub fn answer_and(&self, key: &str, out: &str, ending: &str) {
        self.answer(key, out);
        fs::write(self.dir.join("answers").join(key).join(ending), "").unwrap();
    }

    /// Lets a tool answer again as it did before anything was laid out for it.
    pub fn take_back(&self, key: &str) {
        fs::remove_dir_all(self.dir.join("answers").join(key)).unwrap();
    }

    /// What systemd says of a unit.
    pub fn unit(&self, name: &str, block: &str) {
        fs::write(self.dir.join("units").join(name), format!("{}\n", block.trim_end())).unwrap();
        if !block.contains("LoadState=not-found") {
            self.file(&format!("/etc/systemd/system/{name}"), "");
        }
    }

    /// What systemd says of units, as one capture.
    pub fn units(&self, capture: &str) {
        for block in capture.split("\n\n") {
            let names = block.lines().find_map(|line| line.strip_prefix("Names=")).unwrap();
            for name in names.split_whitespace() {
                self.unit(name, block);
            }
        }
    }

    /// Changes properties of a unit.
    pub fn change_unit(&self, name: &str, changes: &[(&str, &str)]) {
        let before = fs::read_to_string(self.dir.join("units").join(name)).unwrap();
        let changed = |line: &str| {
            let (key, _) = line.split_once('=').unwrap();
            let change = changes.iter().find(|(changed, _)| *changed == key);
            change.map_or_else(|| line.to_owned(), |(key, value)| format!("{key}={value}"))
        };
        let lines: Vec<String> = before.lines().map(changed).collect();
        self.unit(name, &lines.join("\n"));
    }

    /// Every unit may be started, stopped and, where this says so, reloaded.
    pub fn able(&self, reloadable: &[&str]) {
        for entry in fs::read_dir(self.dir.join("units")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let reload = if reloadable.contains(&name) { "yes" } else { "no" };
            let mut block = fs::read_to_string(&path).unwrap().trim_end().to_owned();
            write!(block, "\nCanStart=yes\nCanStop=yes\nCanReload={reload}\nRefuseManualStart=no\nRefuseManualStop=no")
                .unwrap();
            block.push_str("\nTimeoutStartUSec=1min 30s\nTimeoutStopUSec=1min 30s\n");
            fs::write(&path, block).unwrap();
        }
    }

    /// How a unit is once the tool with this answer has run.
    pub fn changes_unit(&self, key: &str, name: &str, changes: &[(&str, &str)]) {
        let (units, after) = (self.dir.join("units"), self.dir.join("answers").join(key).join("units"));
        let before = fs::read_to_string(units.join(name)).unwrap();
        self.change_unit(name, changes);
        fs::create_dir_all(&after).unwrap();
        fs::rename(units.join(name), after.join(name)).unwrap();
        fs::write(units.join(name), before).unwrap();
    }

    /// The answer `later` is given only once the tool with the answer `first` has run; another may be laid out for before.
    pub fn only_after(&self, first: &str, later: &str) {
        let answers = self.dir.join("answers");
        let after = answers.join(first).join("answers");
        fs::create_dir_all(&after).unwrap();
        fs::rename(answers.join(later), after.join(later)).unwrap();
    }

    /// What docker says of a container once the tool with this answer has run.
    pub fn changes_container(&self, key: &str, name: &str, line: &str) {
        let after = self.dir.join("answers").join(key).join("containers");
        fs::create_dir_all(&after).unwrap();
        fs::write(after.join(name), line).unwrap();
    }

    /// What docker says of a container.
    pub fn container(&self, name: &str, line: &str) {
        self.link("docker");
        fs::write(self.dir.join("containers").join(name), line).unwrap();
    }

    /// Rows of a container's log, each beginning with its time.
    pub fn rows(&self, name: &str, rows: &(impl AsRef<[u8]> + ?Sized)) {
        self.link("docker");
        fs::write(self.dir.join("rows").join(name), rows).unwrap();
    }

    /// What the journal has of a unit: from itself, or from systemd where `_PID` is 1. Before [`BOOTED`] it was another boot.
    pub fn journal(&self, time: &str, unit: &str, fields: &[(&str, &[u8])]) {
        let dir = self.dir.join("journal");
        let number = 100_000 + fs::read_dir(&dir).unwrap().count();
        let parse = |time: &str| time.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let (micros, boot) = (parse(time), if parse(time) < parse(BOOTED) { "-1" } else { "0" });
        let find = |end: &str| {
            let field = fields.iter().find(|(name, _)| name.ends_with(end));
            field.map_or("-", |(_, value)| std::str::from_utf8(value).unwrap())
        };
        let (run, pid) = (find("INVOCATION_ID"), find("_PID"));
        let mut entry = format!("__CURSOR=s=stand-in;i={number}\n__REALTIME_TIMESTAMP={micros}\n").into_bytes();
        let of: &[(&str, &[u8])] = match pid {
            "1" => &[("_SYSTEMD_UNIT", b"init.scope"), ("UNIT", unit.as_bytes())],
            _ => &[("_SYSTEMD_UNIT", unit.as_bytes())],
        };
        for (name, value) in fields.iter().chain(of) {
            entry.extend_from_slice(name.as_bytes());
            // As journalctl decides it: what is not one line of plain text is bytes, with their number before them.
            if std::str::from_utf8(value).is_ok_and(|text| text.chars().all(|c| c == '\t' || !c.is_control())) {
                entry.push(b'=');
            } else {
                entry.push(b'\n');
                entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
            }
            entry.extend_from_slice(value);
            entry.push(b'\n');
        }
        entry.push(b'\n');
        // Whole at once, for somebody may be reading.
        fs::write(self.dir.join("entry"), entry).unwrap();
        fs::rename(self.dir.join("entry"), dir.join(format!("{micros}~{number}~{boot}~{run}~{pid}~{unit}"))).unwrap();
    }

    /// A process that listens on these ports.
    pub fn process(&self, pid: u32, name: &str, ports: &[u16]) {
        self.file(&format!("/proc/{pid}/comm"), &format!("{name}\n"));
        self.dir(&format!("/proc/{pid}/fd"));
        for (fd, port) in ports.iter().enumerate() {
            let link = self.path(&format!("/proc/{pid}/fd/{}", fd + 3));
            symlink(format!("socket:[{}]", inode(*port)), link).unwrap();
            self.sockets.borrow_mut().insert(*port, pid);
        }
        let mut table =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n".to_owned();
        for (index, port) in self.sockets.borrow().keys().enumerate() {
            let rest = "00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0";
            writeln!(table, "{index:4}: 00000000:{port:04X} {rest} {} 1 0 100 0 0 10 0", inode(*port)).unwrap();
        }
        self.file("/proc/net/tcp", &table);
    }

    /// Starts a service on the machine's address.
    pub fn serve(&self, port: u16, answer: impl Fn(&mut std::net::TcpStream) + Send + 'static) {
        self.servers.borrow_mut().push(Server::start((self.address, port).into(), answer));
    }

    /// Stops the service on a port.
    pub fn stop(&self, port: u16) {
        self.servers.borrow_mut().retain(|server| server.port() != port);
    }

    /// The machine's address.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// opsctl on this machine, not started yet.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> std::process::Command {
        let mut command = std::process::Command::new(stand_in());
        command
            .args(args)
            .env_clear()
            .env("OPSCTL_TEST_TOOLS", self.tools())
            .env("OPSCTL_TEST_ROOT", self.dir.join("root"))
            .env("OPSCTL_TEST_LOOPBACK", self.address.to_string())
            .env("OPSCTL_TEST_TIME", NOW)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

fn inode(port: u16) -> u32 {
    100_000 + u32::from(port)
}
