//! What diagnosis asks beyond what `status` asks: log lines, files, env files, listeners, requests of its own and the output
//! of read-only commands. Only what a cause still needs is asked, each once, all at the same time.

pub mod ahead;
pub mod changes;
mod checkers;
pub mod containers;
pub mod data;
pub mod drift;
pub mod footing;
mod host;
mod lines;
mod lookups;
pub mod pairs;
pub mod reclaim;
pub mod second;
pub mod starts;
pub mod unattended;
pub mod unmanaged;
pub mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use ahead::Ahead;

use crate::envfile::Reading;
use crate::host::exec::ProcessEnd;
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::host::tools::cgroup::{self, Home};
use crate::host::tools::docker::Listed;
use crate::host::tools::login_file::Login;
use crate::host::tools::{Argv, Upstream};
use crate::host::trouble::{Trouble, failure};
use crate::observe::logs::line::Said;
use crate::observe::probe::{
    Answer, Door, ManagerEvidence, Reply, Visit, databases, http, list_containers, settings, text,
};
use crate::registry::{Deployment, Http, Query, Question, RedisQuestion, Service};
pub use host::unit;
use host::{env, file, firewall, list, listeners, processes, resident, tail};
pub use lookups::{Lookups, look_up};
use second::SecondLook;

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
    /// Files with a login, and where in them stands until when it is valid, and what renews it.
    pub logins: BTreeSet<(&'static str, &'static str, &'static str)>,
    /// Directories to list.
    pub dirs: BTreeSet<&'static str>,
    /// Processes whose memory is wanted.
    pub memory: BTreeSet<u32>,
    /// Services to be looked at a second time, and which of their probes were late.
    pub second: BTreeMap<&'static str, (&'static Service, Vec<usize>)>,
    /// All containers of the engine.
    pub containers: bool,
    /// How long these are waited for.
    pub patience: Duration,
    /// Processes of which is wanted what they belong to.
    pub homes: BTreeSet<u32>,
    /// Who listens on which port.
    pub listeners: bool,
    /// Which processes run.
    pub processes: bool,
    /// What the firewall lets in.
    pub firewall: bool,
    /// Where the proxy sends whom.
    pub routes: bool,
    /// What visitors of public routes get.
    pub passages: bool,
    /// How recent backups are.
    pub backups: bool,
    /// What should happen by itself.
    pub unattended: bool,
    /// What the host stands on.
    pub footing: bool,
    /// Units that no service is.
    pub unmanaged: bool,
    /// Deleted files that processes hold.
    pub deleted: bool,
    /// Requests.
    pub gets: Vec<&'static Http>,
    /// Commands.
    pub outputs: Vec<&'static Question>,
    /// Statements for databases in containers.
    pub queries: Vec<&'static Query>,
    /// Commands to Redis.
    pub redis: Vec<&'static RedisQuestion>,
    /// What runs against what is configured.
    pub drift: drift::Wanted,
    /// Services whose data is looked at: their process, and whether they are servers that can be asked.
    pub data: BTreeMap<&'static str, (&'static Service, Option<u32>, bool)>,
    /// Services that run, of which is wanted whether they could be started again.
    pub starts: BTreeMap<&'static str, &'static Service>,
    /// Services of which is wanted what they run with.
    pub values: BTreeMap<&'static str, &'static Service>,
    /// Services whose containers' surroundings are looked at, and the container's id.
    pub surroundings: BTreeMap<&'static str, (&'static Service, Option<String>)>,
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
    /// Services of which not all lines that are wanted could be read: since when they were, if at all, and why.
    pub partial: BTreeMap<&'static str, (Option<Timestamp>, String)>,
    /// Env files of services.
    pub env: BTreeMap<&'static str, Answer<EnvFound>>,
    /// Paths; `None` for what does not exist.
    pub files: BTreeMap<&'static str, Answer<Option<FileFound>>>,
    /// Ends of files; `None` for what does not exist.
    pub tails: BTreeMap<&'static str, Answer<Option<String>>>,
    /// Logins in files; `None` for what is none.
    pub logins: BTreeMap<&'static str, Answer<Option<Login>>>,
    /// Names in directories and when they were changed last; none in one that does not exist.
    pub dirs: BTreeMap<&'static str, Answer<Vec<(String, Timestamp)>>>,
    /// Resident memory of processes, bytes.
    pub memory: BTreeMap<u32, Option<u64>>,
    /// All containers of the engine.
    pub containers: Option<Answer<Vec<Listed>>>,
    /// Second looks at services.
    pub second: BTreeMap<&'static str, SecondLook>,
    /// What processes belong to; those missing that are gone.
    pub homes: BTreeMap<u32, Home>,
    /// Listeners: port, and who, where that can be seen.
    pub listeners: Option<Answer<Vec<Listening>>>,
    /// Processes and their arguments.
    pub processes: Option<Answer<Vec<Process>>>,
    /// The firewall; `None` inside when it is off or not installed.
    pub firewall: Option<Answer<Option<Vec<u16>>>>,
    /// Routes of the proxy.
    pub routes: Option<Answer<Vec<Upstream>>>,
    /// Public routes as visitors find them.
    pub passages: Option<drift::routes::Passages>,
    /// What should happen by itself.
    pub unattended: Option<unattended::Unattended>,
    /// What the host stands on.
    pub footing: Option<footing::Footing>,
    /// Units that no service is.
    pub unmanaged: Option<unmanaged::Unmanaged>,
    /// Deleted files that processes hold.
    pub deleted: Option<Answer<Vec<footing::Held>>>,
    /// Answers to requests.
    pub gets: Vec<(&'static Http, Answer<Reply>)>,
    /// Outputs of commands.
    pub outputs: Vec<(&'static Question, Answer<String>)>,
    /// Answers of databases in containers.
    pub queries: Vec<(&'static Query, Answer<String>)>,
    /// Answers of Redis.
    pub redis: Vec<(&'static RedisQuestion, Answer<String>)>,
    /// What runs against what is configured.
    pub drift: drift::Seen,
    /// The state of data.
    pub data: BTreeMap<&'static str, data::DataFound>,
    /// What would keep services from starting again.
    pub starts: BTreeMap<&'static str, Answer<Vec<starts::Obstacle>>>,
    /// What services run with.
    pub values: BTreeMap<&'static str, Answer<values::ValuesFound>>,
    /// What surrounds containers.
    pub surroundings: BTreeMap<&'static str, containers::ContainerFound>,
    /// Last lines of units and containers that no service is, oldest first, by their names.
    pub others: BTreeMap<String, Answer<Vec<Said>>>,
    /// Certificates and keys of services that cannot use theirs.
    pub pairs: BTreeMap<&'static str, Vec<pairs::Beside>>,
    /// Paths that log lines name; `None` for what does not exist.
    pub named: BTreeMap<String, Answer<Option<FileFound>>>,
}

/// An env file as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvFound {
    /// Where it lies; `None` where there is none.
    pub path: Option<String>,
    /// Files that the unit names and that do not exist.
    pub missing: Vec<String>,
    /// Its settings, whose values are compared and never shown.
    pub settings: Reading,
    /// Files that are read together, in that order, and the keys that each sets.
    pub places: Vec<(String, Vec<String>)>,
}

impl EnvFound {
    /// The file whose value of this key counts.
    pub fn place(&self, key: &str) -> Option<&str> {
        let sets = |(_, keys): &&(String, Vec<String>)| keys.iter().any(|own| own == key);
        self.places.iter().rev().find(sets).map(|(path, _)| path.as_str()).or(self.path.as_deref())
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

/// Asks all that is wanted and was not asked `ahead`. `managers` says which env files units name; `visits` are to public names.
pub fn gather(
    door: Door<'_>,
    deployment: &'static Deployment,
    managers: &ManagerEvidence,
    visits: &[Visit],
    wants: &Wants,
    ahead: Ahead,
) -> Clues {
    let found = OnceLock::new();
    let reader = lines::LogReader { door, deployment, managers, wants, found: &found };
    thread::scope(|scope| {
        let run = (!wants.run.is_empty()).then(|| task(scope, || reader.run_lines()));
        let lately = (!wants.lately.is_empty()).then(|| task(scope, || reader.late_lines()));
        let left = ahead::Wanted {
            routes: wants.routes && ahead.routes.is_none(),
            targets: wants.passages && ahead.targets.is_none(),
            unattended: wants.unattended && ahead.unattended.is_none(),
            footing: wants.footing && ahead.footing.is_none(),
            deleted: wants.deleted && ahead.deleted.is_none(),
        };
        let late = (left != ahead::Wanted::default()).then(|| task(scope, move || ahead::ask(door, deployment, left)));
        let Ahead { routes, targets, unattended, footing, deleted } = ahead;
        let by_itself = unattended.map(|seen| task(scope, move || unattended::add(door, deployment, managers, seen)));
        let second: Vec<_> = wants
            .second
            .iter()
            .filter(|_| !wants.patience.is_zero())
            .map(|(name, (service, late))| {
                (*name, task(scope, move || second::look(door, service, late, managers, wants.patience)))
            })
            .collect();
        let unmanaged = wants.unmanaged.then(|| task(scope, move || unmanaged::look(door, deployment, managers)));
        let containers = wants.containers.then(|| task(scope, move || list_containers(door)));
        let gets: Vec<_> = wants.gets.iter().map(|get| (*get, task(scope, move || get_in_turn(door, get)))).collect();
        let outputs: Vec<_> =
            wants.outputs.iter().map(|question| (*question, task(scope, move || ask(door, question)))).collect();
        let queries: Vec<_> = wants
            .queries
            .iter()
            .map(|query| (*query, task(scope, move || databases::query(door, managers, query))))
            .collect();
        let redis: Vec<_> = wants
            .redis
            .iter()
            .map(|question| (*question, task(scope, move || databases::redis(door, question))))
            .collect();
        let drifted = task(scope, || drift::gather(door, deployment, managers, &wants.drift));
        let data: Vec<_> = wants
            .data
            .iter()
            .map(|(name, (service, pid, server))| {
                (*name, task(scope, move || data::ask(door, managers, service, *pid, *server)))
            })
            .collect();
        let system = door.system;
        let mut clues = Clues {
            env: wants.env.iter().map(|(name, service)| (*name, env(system, service, managers))).collect(),
            files: wants.files.iter().map(|path| (*path, file(system, path))).collect(),
            tails: wants.tails.iter().map(|path| (*path, tail(system, path))).collect(),
            logins: wants.logins.iter().map(|wanted| (wanted.0, host::login(system, *wanted))).collect(),
            dirs: wants.dirs.iter().map(|dir| (*dir, list(system, dir))).collect(),
            memory: wants.memory.iter().map(|pid| (*pid, resident(system, *pid))).collect(),
            homes: wants.homes.iter().filter_map(|pid| Some((*pid, home_of(system, *pid)?))).collect(),
            listeners: wants.listeners.then(|| listeners(system)),
            processes: wants.processes.then(|| processes(system)),
            firewall: wants.firewall.then(|| firewall(door)),
            surroundings: containers::of_all(system, managers, wants),
            ..Clues::default()
        };
        for heard in run.map(join).into_iter().chain(lately.map(join)).flatten() {
            lines::add(&mut clues, heard);
        }
        clues.drift = join(drifted);
        let late = late.map(join).unwrap_or_default();
        clues.routes = routes.or(late.routes);
        let targets = targets.or(late.targets).filter(|_| wants.passages);
        clues.passages = targets.map(|targets| drift::routes::follow_up(door, deployment, visits, targets));
        clues.footing = footing.or(late.footing);
        clues.deleted = deleted.or(late.deleted);
        let add = |seen| unattended::add(door, deployment, managers, seen);
        clues.unattended = by_itself.map(join).or_else(|| late.unattended.map(add));
        clues.containers = containers.map(join);
        clues.second = second.into_iter().map(|(name, thread)| (name, join(thread))).collect();
        clues.unmanaged = unmanaged.map(join);
        clues.gets = gets.into_iter().map(|(get, thread)| (get, join(thread))).collect();
        clues.outputs = outputs.into_iter().map(|(question, thread)| (question, join(thread))).collect();
        clues.queries = queries.into_iter().map(|(query, thread)| (query, join(thread))).collect();
        clues.redis = redis.into_iter().map(|(question, thread)| (question, join(thread))).collect();
        clues.data = data.into_iter().map(|(name, thread)| (name, join(thread))).collect();
        clues.starts = starts::look_at_all(system, managers, wants).collect();
        values::look_at_all(door, managers, wants, &mut clues);
        data::look_elsewhere(door, managers, wants, &mut clues);
        clues
    })
}

/// An env file as systemd reads it.
fn environment(system: &System, path: &str) -> std::io::Result<Reading> {
    settings::of_systemd(system, path)
}

/// What a process belongs to.
fn home_of(system: &System, pid: u32) -> Option<Home> {
    system.read(format!("/proc/{pid}/cgroup")).ok().map(|text| cgroup::home(&text))
}

fn ask(door: Door<'_>, question: &'static Question) -> Answer<String> {
    let mut argv = Argv::new(question.program, question.args.iter().copied());
    if let Some(user) = question.user {
        let Some(account) = door.system.account(|account| account.name == user) else {
            let result = Err(Trouble::Unavailable(format!("there is no user {user} on this host")));
            return Answer { command: argv.into(), result };
        };
        argv.account = Some(account);
    }
    door.ask_with(&argv, |output| match output.exit {
        ProcessEnd::Code(0) => Ok(text(&output.stdout)),
        _ => Err(failure(output)),
    })
}

fn get_in_turn(door: Door<'_>, get: &Http) -> Answer<Reply> {
    let (door, turn) = door.now();
    turn.judge(http::get(door, get))
}
