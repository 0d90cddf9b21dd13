//! What diagnosis asks beyond what `status` asks: log lines, files, env files, listeners, requests of its own and the output
//! of read-only commands. Only what a cause still needs is asked, each once, all at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::aside::{aside, join};
use super::{Answer, Door, ManagerEvidence, Reply, Trouble, databases, failure, http, survey, text};
use crate::exec::{Exit, Runner};
use crate::logs::{self, Wanted};
use crate::registry::{Deployment, EnvFile, Http, Manager, Query, Question, RedisQuestion, Service};
use crate::report::logs::Said;
use crate::system::System;
use crate::tools::procfs;
use crate::tools::systemctl::{self, UnitState};
use crate::tools::{Argv, Upstream, ufw};

/// How many of the newest lines of a service that is not well are read.
const NEWEST: u64 = 60;
/// Windows up to so many seconds are read whole.
const SHORT: u32 = 900;
/// How many lines of a longer window are read at most, the newest.
const MOST: u64 = 2000;
/// How much of the end of a file is looked through.
const TAIL: u64 = 64 << 10;

/// What is to be asked. Names and paths are the registry's; records are told apart by their address.
#[expect(clippy::struct_excessive_bools, reason = "each says whether one thing is asked")]
#[derive(Debug, Default)]
pub struct Wants {
    /// Services whose newest lines are wanted.
    pub run: Vec<&'static Service>,
    /// Services whose lines of the last so many seconds are wanted.
    pub lately: BTreeMap<&'static str, (&'static Service, u32)>,
    /// Services whose env files are wanted.
    pub env: BTreeMap<&'static str, &'static Service>,
    /// Paths to look at.
    pub files: BTreeSet<&'static str>,
    /// Files whose ends are wanted.
    pub tails: BTreeSet<&'static str>,
    /// Directories to list.
    pub dirs: BTreeSet<&'static str>,
    /// Processes whose memory is wanted.
    pub memory: BTreeSet<u32>,
    /// Who listens on which port.
    pub listeners: bool,
    /// Which processes run.
    pub processes: bool,
    /// What the firewall lets in.
    pub firewall: bool,
    /// Where the proxy sends whom.
    pub routes: bool,
    /// Units that are about to be started again.
    pub looping: bool,
    /// Requests.
    pub gets: Vec<&'static Http>,
    /// Commands.
    pub outputs: Vec<&'static Question>,
    /// Statements for databases in containers.
    pub queries: Vec<&'static Query>,
    /// Commands to Redis.
    pub redis: Vec<&'static RedisQuestion>,
}

/// A port that is listened on, and the process that does, where that can be seen.
pub type Listening = (u16, Option<(u32, String)>);

/// A process and its arguments.
pub type Process = (u32, Vec<String>);

/// What came back. What was not asked is missing.
#[derive(Debug, Default)]
pub struct Clues {
    /// Lines of services, oldest first.
    pub said: BTreeMap<&'static str, Answer<Vec<Said>>>,
    /// Env files of services.
    pub env: BTreeMap<&'static str, Answer<EnvFound>>,
    /// Paths; `None` for what does not exist.
    pub files: BTreeMap<&'static str, Answer<Option<FileFound>>>,
    /// Ends of files; `None` for what does not exist.
    pub tails: BTreeMap<&'static str, Answer<Option<String>>>,
    /// Names in directories and when they were changed last; none in one that does not exist.
    pub dirs: BTreeMap<&'static str, Answer<Vec<(String, Timestamp)>>>,
    /// Resident memory of processes, bytes.
    pub memory: BTreeMap<u32, Option<u64>>,
    /// Listeners: port, and who, where that can be seen.
    pub listeners: Option<Answer<Vec<Listening>>>,
    /// Processes and their arguments.
    pub processes: Option<Answer<Vec<Process>>>,
    /// The firewall; `None` inside when it is off or not installed.
    pub firewall: Option<Answer<Option<Vec<u16>>>>,
    /// Routes of the proxy.
    pub routes: Option<Answer<Vec<Upstream>>>,
    /// Units that are about to be started again.
    pub looping: Option<Answer<Vec<UnitState>>>,
    /// Answers to requests.
    pub gets: Vec<(&'static Http, Answer<Reply>)>,
    /// Outputs of commands.
    pub outputs: Vec<(&'static Question, Answer<String>)>,
    /// Answers of databases in containers.
    pub queries: Vec<(&'static Query, Answer<String>)>,
    /// Answers of Redis.
    pub redis: Vec<(&'static RedisQuestion, Answer<String>)>,
}

/// An env file as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvFound {
    /// Where it lies; `None` where there is none.
    pub path: Option<String>,
    /// Files that the unit names and that do not exist.
    pub missing: Vec<String>,
    /// Its settings.
    pub values: EnvValues,
}

/// Settings whose values are compared and never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct EnvValues(pub BTreeMap<String, String>);

impl fmt::Debug for EnvValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Something in the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFound {
    /// Permission bits.
    pub mode: u32,
    /// User that it belongs to.
    pub owner: String,
    /// The same by number.
    pub uid: u32,
    /// Group that it belongs to, by number.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// When it was changed last.
    pub changed: Option<Timestamp>,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// The outside, for [`gather`].
pub struct Outside<'a> {
    /// The machine.
    pub system: &'a System,
    /// What runs commands.
    pub runner: &'a dyn Runner,
    /// What is told of each command that reads logs.
    pub trace: Option<fn(&Argv)>,
    /// How long any one source may take.
    pub limit: Duration,
}

/// Asks all that is wanted. `managers` says which env files units name.
pub fn gather(
    outside: &Outside<'_>,
    deployment: &'static Deployment,
    managers: &ManagerEvidence,
    wants: &Wants,
) -> Clues {
    let door = Door { system: outside.system, runner: outside.runner, limit: outside.limit };
    thread::scope(|scope| {
        let run = (!wants.run.is_empty()).then(|| aside(scope, || run_lines(outside, deployment, &wants.run)));
        let lately =
            (!wants.lately.is_empty()).then(|| aside(scope, || late_lines(outside, deployment, &wants.lately)));
        let routes = deployment.proxy.as_ref().filter(|_| wants.routes);
        let routes = routes.map(|proxy| aside(scope, move || survey::ask_proxy(door, proxy)));
        let looping = wants.looping.then(|| aside(scope, || ask_looping(door)));
        let gets: Vec<_> = wants.gets.iter().map(|get| (*get, aside(scope, move || http::get(door, get)))).collect();
        let outputs: Vec<_> =
            wants.outputs.iter().map(|question| (*question, aside(scope, move || ask(door, question)))).collect();
        let queries: Vec<_> = wants
            .queries
            .iter()
            .map(|query| (*query, aside(scope, move || databases::query(door, managers, query))))
            .collect();
        let redis: Vec<_> = wants
            .redis
            .iter()
            .map(|question| (*question, aside(scope, move || databases::redis(door, question))))
            .collect();
        let system = outside.system;
        let mut clues = Clues {
            env: wants.env.iter().map(|(name, service)| (*name, env(system, service, managers))).collect(),
            files: wants.files.iter().map(|path| (*path, file(system, path))).collect(),
            tails: wants.tails.iter().map(|path| (*path, tail(system, path))).collect(),
            dirs: wants.dirs.iter().map(|dir| (*dir, list(system, dir))).collect(),
            memory: wants.memory.iter().map(|pid| (*pid, resident(system, *pid))).collect(),
            listeners: wants.listeners.then(|| listeners(system)),
            processes: wants.processes.then(|| processes(system)),
            firewall: wants.firewall.then(|| firewall(door)),
            ..Clues::default()
        };
        for (name, answer) in run.map(join).into_iter().chain(lately.map(join)).flatten() {
            match clues.said.entry(name) {
                std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(answer)),
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    match (&mut entry.get_mut().result, answer.result) {
                        (Ok(lines), Ok(more)) => {
                            let new: Vec<Said> = more.into_iter().filter(|line| !lines.contains(line)).collect();
                            lines.extend(new);
                            lines.sort_by_key(|line| line.time);
                        }
                        (result @ Ok(_), Err(trouble)) => *result = Err(trouble),
                        (Err(_), _) => {}
                    }
                }
            }
        }
        clues.routes = routes.map(join);
        clues.looping = looping.map(join);
        clues.gets = gets.into_iter().map(|(get, thread)| (get, join(thread))).collect();
        clues.outputs = outputs.into_iter().map(|(question, thread)| (question, join(thread))).collect();
        clues.queries = queries.into_iter().map(|(query, thread)| (query, join(thread))).collect();
        clues.redis = redis.into_iter().map(|(question, thread)| (question, join(thread))).collect();
        clues
    })
}

type Lines = Vec<(&'static str, Answer<Vec<Said>>)>;

fn run_lines(outside: &Outside<'_>, deployment: &'static Deployment, services: &[&'static Service]) -> Lines {
    let wanted = Wanted { tail: Some(NEWEST), brief: true, ..Wanted::default() };
    hear(outside, deployment, services, wanted, |service| format!("opsctl logs {} -n {NEWEST}", service.name))
}

/// A reading for each window, because a long one of one service must not become that of all.
fn late_lines(
    outside: &Outside<'_>,
    deployment: &'static Deployment,
    wanted: &BTreeMap<&'static str, (&'static Service, u32)>,
) -> Lines {
    let mut windows: BTreeMap<u32, Vec<&'static Service>> = BTreeMap::new();
    for (service, seconds) in wanted.values() {
        windows.entry(*seconds).or_default().push(service);
    }
    let one = |seconds: u32, services: &[&'static Service]| {
        let since = outside.system.now() - SignedDuration::from_secs(i64::from(seconds));
        let since = Some(since.as_microsecond());
        // Short windows are read whole, all units in one call; of long ones the newest lines do.
        let tail = (seconds > SHORT).then_some(MOST);
        let wanted = Wanted { since, tail, brief: true, ..Wanted::default() };
        let last = tail.map_or_else(|| "all".to_owned(), |count| count.to_string());
        hear(outside, deployment, services, wanted, |service| {
            format!("opsctl logs {} --since {seconds}s -n {last}", service.name)
        })
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            windows.iter().map(|(seconds, services)| aside(scope, move || one(*seconds, services))).collect();
        threads.into_iter().flat_map(join).collect()
    })
}

fn hear(
    outside: &Outside<'_>,
    deployment: &'static Deployment,
    services: &[&'static Service],
    wanted: Wanted,
    command: impl Fn(&Service) -> String,
) -> Lines {
    let mut heard = logs::hear(outside.system, outside.trace, deployment, services, wanted, outside.limit);
    let mut answers = Lines::new();
    for service in services {
        let trouble = heard.troubles.iter().find(|(name, _)| *name == service.name);
        let (own, others) = std::mem::take(&mut heard.lines).into_iter().partition(|(name, _)| *name == service.name);
        heard.lines = others;
        let own: Vec<(&str, Said)> = own;
        let result = match trouble {
            Some((_, trouble)) => Err(trouble.clone()),
            None => Ok(own.into_iter().map(|(_, said)| said).collect()),
        };
        answers.push((service.name, Answer { command: command(service), result }));
    }
    answers
}

fn ask(door: Door<'_>, question: &'static Question) -> Answer<String> {
    let mut argv = Argv::new(question.program, question.args.iter().copied());
    if let Some(user) = question.user {
        let Some(account) = door.system.account(|account| account.name == user) else {
            let result = Err(Trouble::Unavailable(format!("there is no user {user} on this host")));
            return Answer { command: argv.to_string(), result };
        };
        argv.account = Some(account);
    }
    door.ask_with(&argv, |output| match output.exit {
        Exit::Code(0) => Ok(text(&output.stdout)),
        _ => Err(failure(output)),
    })
}

fn ask_looping(door: Door<'_>) -> Answer<Vec<UnitState>> {
    let argv = systemctl::looping();
    if !door.system.booted_with_systemd() {
        let reason = "this machine was not booted with systemd".to_owned();
        return Answer { command: argv.to_string(), result: Err(Trouble::Unavailable(reason)) };
    }
    door.ask(&argv, systemctl::parse_show)
}

/// What a look at a path came to: nothing there is an answer.
fn looked<T>(result: std::io::Result<T>) -> Result<Option<T>, Trouble> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Trouble::NeedsRoot("to look at it")),
        Err(error) => Err(Trouble::Failed(error.to_string())),
    }
}

fn ls(path: &str) -> String {
    Argv::new("ls", ["-ld", path]).to_string()
}

fn file(system: &System, path: &str) -> Answer<Option<FileFound>> {
    let found = looked(system.metadata(path)).map(|meta| {
        meta.map(|meta| {
            let owner = system.account(|account| account.uid == meta.uid()).map(|account| account.name);
            FileFound {
                mode: meta.mode() & 0o7777,
                owner: owner.unwrap_or_else(|| meta.uid().to_string()),
                uid: meta.uid(),
                gid: meta.gid(),
                size: meta.len(),
                changed: meta.modified().ok().and_then(|time| Timestamp::try_from(time).ok()),
                is_dir: meta.is_dir(),
            }
        })
    });
    Answer { command: ls(path), result: found }
}

fn tail(system: &System, path: &str) -> Answer<Option<String>> {
    let read = || -> std::io::Result<String> {
        let mut file = fs::File::open(system.path(path))?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(text(&bytes))
    };
    Answer { command: Argv::new("tail", ["-c", "65536", path]).to_string(), result: looked(read()) }
}

fn list(system: &System, dir: &str) -> Answer<Vec<(String, Timestamp)>> {
    let read = || -> std::io::Result<Vec<(String, Timestamp)>> {
        let entries = fs::read_dir(system.path(dir))?.flatten();
        let one = |entry: fs::DirEntry| {
            let changed = entry.metadata().ok()?.modified().ok()?;
            Some((entry.file_name().into_string().ok()?, Timestamp::try_from(changed).ok()?))
        };
        Ok(entries.filter_map(one).collect())
    };
    let result = looked(read()).map(Option::unwrap_or_default);
    Answer { command: Argv::new("ls", ["-la", dir]).to_string(), result }
}

fn env(system: &System, service: &'static Service, managers: &ManagerEvidence) -> Answer<EnvFound> {
    let registered: &[&str] = service.env.as_ref().map_or(&[], |env: &EnvFile| env.paths);
    let named: Vec<&str> = unit(service, managers)
        .filter(|unit| unit.result == "resources")
        .map(|unit| unit.environment_files.iter().map(String::as_str).collect())
        .unwrap_or_default();
    let command = Argv::new("ls", ["-l"]).with(registered.iter().chain(&named).copied()).to_string();
    let look = || -> Result<EnvFound, Trouble> {
        let mut found = EnvFound::default();
        for path in named.iter().filter(|path| path.starts_with('/')) {
            if looked(system.metadata(path))?.is_none() {
                found.missing.push((*path).to_owned());
            }
        }
        for path in registered {
            let Some(text) = looked(system.read(path))? else { continue };
            found.path = Some((*path).to_owned());
            let entries = procfs::env_entries(&text).filter(|(_, value)| !value.is_empty());
            found.values = EnvValues(entries.map(|(key, value)| (key.to_owned(), value.to_owned())).collect());
            break;
        }
        Ok(found)
    };
    Answer { command, result: look() }
}

/// What systemd says of a service's unit, where it has one.
pub fn unit<'e>(service: &Service, managers: &'e ManagerEvidence) -> Option<&'e UnitState> {
    let units = managers.units.as_ref()?.result.as_ref().ok()?;
    service.managers.iter().find_map(|manager| match manager {
        Manager::Systemd(wanted) => {
            let mut names = std::iter::once(&wanted.name).chain(wanted.aliases);
            names.find_map(|name| units.iter().find(|unit| unit.is(name) && unit.exists()))
        }
        Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
    })
}

/// Memory of a process alone, where its control group does not count.
fn resident(system: &System, pid: u32) -> Option<u64> {
    let status = system.read(&format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

fn listeners(system: &System) -> Answer<Vec<Listening>> {
    let look = || -> Result<Vec<Listening>, Trouble> {
        let table = |file: &str| -> Result<Vec<procfs::Listener>, Trouble> {
            let text = system.read(file).map_err(|error| Trouble::Failed(format!("{file}: {error}")))?;
            Ok(procfs::listeners(&text)?)
        };
        let mut found = table("/proc/net/tcp")?;
        // A kernel without IPv6 has no such table.
        found.extend(table("/proc/net/tcp6").unwrap_or_default());
        let mut owners: BTreeMap<u64, (u32, String)> = BTreeMap::new();
        for pid in system.processes() {
            for inode in system.sockets_of(pid).unwrap_or_default() {
                if found.iter().any(|listener| listener.inode == inode) {
                    owners.entry(inode).or_insert_with(|| (pid, system.process_name(pid).unwrap_or_default()));
                }
            }
        }
        Ok(found.into_iter().map(|listener| (listener.port, owners.get(&listener.inode).cloned())).collect())
    };
    Answer { command: "ss -Hltnp".to_owned(), result: look() }
}

fn processes(system: &System) -> Answer<Vec<Process>> {
    let words = |pid: u32| {
        let line = system.read(&format!("/proc/{pid}/cmdline")).ok()?;
        Some((pid, line.split_terminator('\0').map(str::to_owned).collect()))
    };
    let found: Vec<Process> = system.processes().into_iter().filter_map(words).collect();
    let result = match found.is_empty() {
        true => Err(Trouble::Failed("/proc shows no processes".to_owned())),
        false => Ok(found),
    };
    Answer { command: "ps -eo pid,args".to_owned(), result }
}

fn firewall(door: Door<'_>) -> Answer<Option<Vec<u16>>> {
    let read = |path: &str| looked(door.system.read(path));
    let look = || -> Result<Option<Vec<u16>>, Trouble> {
        let closed = |defaults: String| ufw::is_closed(&defaults);
        match read("/etc/ufw/ufw.conf")?.is_some_and(|conf| ufw::is_enabled(&conf))
            && read("/etc/default/ufw")?.is_none_or(closed)
        {
            false => Ok(None),
            true => Ok(Some(ufw::allowed(&read("/etc/ufw/user.rules")?.unwrap_or_default()))),
        }
    };
    Answer { command: "ufw status".to_owned(), result: look() }
}
