//! Clues: conditions on the evidence.

use super::data::DataClue;
use super::drift::{Drift, Passage};
use super::family::Family;
use super::footing::Footing;
use super::question::{LineShare, Query, Question, RedisQuestion, Share, Shows};
use super::surroundings::Surroundings;
use super::unattended::Unattended;
use super::unmanaged::Unmanaged;
use super::values::Values;
use crate::registry::service::{Condition, Http, Service};
use crate::registry::state::State;
use crate::registry::verdict::Verdict;

/// A read-only condition on the evidence.
///
/// ```
/// # use opsctl::registry::*;
/// static OVERLOADED: Clue = Clue::All(&[Clue::Unhealthy, Clue::Any(&[Clue::Load, Clue::Memory(Verdict::Fail)])]);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Clue {
    /// All of these.
    All(&'static [Clue]),
    /// One of these.
    Any(&'static [Clue]),
    /// Not this.
    Not(&'static Clue),
    /// This, with another service as the subject.
    Of(&'static Service, &'static Clue),

    /// The service does not do its work: its own probes fail, or where it has none its manager says that it is down.
    Unhealthy,
    /// Its manager reports one of these states.
    State(&'static [State]),
    /// One of its probes got this answer.
    Reply(Heard),
    /// Its process ended like this the last time (systemd's main process, a container, an application of pm2).
    Ended(Ending),
    /// It was restarted by its manager at least so often.
    Restarts(u32),
    /// The health check of its container fails, as docker reports.
    HealthCheckFails,
    /// Its container, also one that a unit manages, has one of these states, as docker calls them: `exited`, `paused`.
    Container(&'static [&'static str]),
    /// Its unit file changed on disk, and systemd still has the old one.
    ReloadNeeded,
    /// Another process than its own holds its main port.
    PortTaken,
    /// Nobody listens on its main port.
    PortClosed,
    /// Its own processes listen, and not on its main port.
    ListensElsewhere,
    /// Its manager is docker compose, the engine has no container of it, and its compose file is there.
    ContainerRemoved,
    /// A probe that got no answer in time gets one where it is waited for longer.
    Slow,
    /// A probe got no answer in time, and its processes use all descriptors or tasks that they may have, or nearly.
    Exhausted,
    /// It uses more memory than its alarm bound.
    MemoryHigh,
    /// The proxy sends its public host somewhere else than to the port of its [`Route`](crate::registry::Route).
    RouteElsewhere,
    /// Its env file meets this condition.
    Env(EnvClue),
    /// One of its log lines of that window matches this regular expression. Lines are one line each, without secrets and cut at 200
    /// bytes; of structured ones the level, the message and `key=value`.
    Said(&'static str, Window),
    /// At least so many of its log lines of that window match this regular expression.
    SaidTimes(u32, &'static str, Window),
    /// The log of its last run, or its manager, gives a reason of this family as the one that decides. What it names is the thing
    /// at fault, `{thing}`.
    Reports(Family),

    /// A file system at the bound of that verdict: at or above it, and for a warning not yet at that of a failure.
    Disk(Verdict),
    /// The same for inodes.
    Inodes(Verdict),
    /// The same for memory.
    Memory(Verdict),
    /// Swap in use, per cent, at least.
    Swap(u8),
    /// Load at or above the bound of the deployment's checks.
    Load,
    /// The clock is not synchronised. Never true in a container, whose clock is another machine's.
    ClockAdrift,
    /// The kernel killed a process out of memory in the last 24 hours.
    OomKills,
    /// Units outside of the registry have failed.
    FailedUnits,
    /// Units outside of the registry are in a crash loop.
    LoopingUnits,
    /// A certificate that the edge shows has this flaw.
    Certificate(Flaw),
    /// Containers that belong to no service keep failing: restarted again and again, or unhealthy.
    UnmanagedContainers,
    /// The docker engine does not run, although something here is one of its containers.
    EngineDown,
    /// The pm2 daemon of an application does not run.
    PmDown,
    /// The pm2 daemon of an application runs and has no application at all.
    PmEmpty,
    /// A backup set of the deployment, of which this host has made a copy before, is in this state.
    Backup(Lapse),
    /// A file or directory at this absolute path meets this condition.
    File(&'static str, FileClue),
    /// Files that something left behind.
    Leftovers(Leftovers),
    /// This listens on this TCP port.
    Port(u16, Listening),
    /// A process runs that has this word among its arguments, as a whole path or its last part: `backup.sh`.
    Running(&'static str),
    /// The firewall (ufw, by its rule files) is on and closes this TCP port.
    FirewallCloses(u16),
    /// The proxy rejects its own configuration file.
    ProxyRejects,
    /// A request of its own, GET and to this host only, gets this answer. The request is a `static` without rules: `static
    /// HEALTH: Http = Http::get(8000, "/health", &[]);`
    Get(&'static Http, Heard),
    /// The JSON answer of such a request has a time (milliseconds since 1970, at this path of keys joined by dots) that is more
    /// than so many seconds ago.
    LongAgo(&'static Http, &'static str, u32),
    /// The output of a read-only command shows this.
    Output(&'static Question, Shows),
    /// What a PostgreSQL server in a container answers shows this.
    Query(&'static Query, Shows),
    /// What a Redis server answers to read-only commands shows this.
    Redis(&'static RedisQuestion, Shows),
    /// So many of the newest lines of a file are of that kind.
    Lines(&'static LineShare),

    /// What runs differs from what is configured, in this way.
    Drift(Drift),
    /// Another answers where the service should, in this way.
    Route(Passage),
    /// Something that should happen by itself does not.
    Unattended(Unattended),
    /// What the host stands on gives way.
    Footing(Footing),
    /// Something is wrong with units that no service of the registry is.
    Unmanaged(Unmanaged),
    /// The state inside a data server, or of a service's data files.
    Data(DataClue),
    /// What surrounds its container.
    Surroundings(Surroundings),
    /// The values that it runs with, and that its next start takes.
    Values(Values),
}

/// The answer to a probe or a request.
///
/// ```
/// # use opsctl::registry::*;
/// let refused = Clue::Reply(Heard::Status(&[502, 503]));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Heard {
    /// Nothing: refused, or no answer in time.
    Silence,
    /// An HTTP answer with one of these status codes.
    Status(&'static [u16]),
    /// An HTTP answer whose JSON body meets this condition.
    Body(Condition),
    /// An HTTP answer whose JSON body has a number above this at this path (keys joined by dots; `*` is any key).
    Above(&'static str, u32),
    /// An HTTP answer whose JSON body has these two numbers (paths as above), of which one is too great a part of the other.
    Part(Share),
    /// An HTTP body, a banner, a reply of Redis, a refusal of PostgreSQL, or what MongoDB makes of itself (`primary`, `no
    /// primary`) that matches this regular expression. What its group `thing` matches is the thing at fault, `{thing}`.
    Text(&'static str),
    /// An answer that the probe's own rules judge as a failure. Not for requests of a clue's own, which have no rules.
    Bad,
}

/// How a process ended.
///
/// ```
/// # use opsctl::registry::*;
/// let killed = Clue::Ended(Ending::Signal(&[9]));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Ending {
    /// With one of these exit codes.
    Exit(&'static [u32]),
    /// By one of these signals.
    Signal(&'static [u32]),
    /// With this `Result=` of systemd: `start-limit-hit`, `timeout`, `watchdog`, `resources`.
    Result(&'static str),
    /// Killed out of memory, as systemd or docker reports.
    OutOfMemory,
}

/// A condition on the env file of a service. Only names of keys are ever shown.
///
/// ```
/// # use opsctl::registry::*;
/// let wrong = Clue::Env(EnvClue::key("PORT").not_its_port());
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum EnvClue {
    /// No such file.
    FileMissing,
    /// One of these keys is missing or empty; of [`crate::registry::EnvFile::required`] when none is listed.
    KeysMissing(&'static [&'static str]),
    /// This key is set, and differs from the same key of that service. Made by [`EnvClue::key`], like all below.
    #[non_exhaustive]
    Differs(&'static str, &'static Service),
    /// This key is set, and is not the service's main port.
    #[non_exhaustive]
    NotItsPort(&'static str),
    /// This key is set, and matches this regular expression as a whole.
    #[non_exhaustive]
    Like(&'static str, &'static str),
    /// This key is set, and does not match this regular expression as a whole.
    #[non_exhaustive]
    Unlike(&'static str, &'static str),
}

impl EnvClue {
    /// A condition on the value of this key, which must be set: of a key that is not, nothing is proven.
    pub const fn key(name: &'static str) -> EnvKey {
        EnvKey { name }
    }
}

/// A key of an env file, for [`EnvClue::key`].
///
/// ```
/// # use opsctl::registry::*;
/// let test_key = EnvClue::key("STRIPE_KEY").like("sk_test_.*");
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct EnvKey {
    name: &'static str,
}

impl EnvKey {
    /// Its value differs from that of the same key in the env file of this service.
    pub const fn differs_from(self, service: &'static Service) -> EnvClue {
        EnvClue::Differs(self.name, service)
    }

    /// Its value is not the service's main port.
    pub const fn not_its_port(self) -> EnvClue {
        EnvClue::NotItsPort(self.name)
    }

    /// Its value matches this regular expression as a whole.
    pub const fn like(self, pattern: &'static str) -> EnvClue {
        EnvClue::Like(self.name, pattern)
    }

    /// Its value does not match this regular expression as a whole.
    pub const fn unlike(self, pattern: &'static str) -> EnvClue {
        EnvClue::Unlike(self.name, pattern)
    }
}

/// Which log lines count.
///
/// ```
/// # use opsctl::registry::*;
/// let lately = Clue::Said("too many connections", Window::Seconds(600));
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Window {
    /// Those since its last start; of one that is started again and again, since the start before.
    Run,
    /// Those of the last so many seconds, and not before the present run.
    Seconds(u32),
}

/// What is wrong with a certificate.
///
/// ```
/// # use opsctl::registry::*;
/// let expired = Clue::Certificate(Flaw::Expired);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// Anything that counts as a failure.
    Any,
    /// It has ended.
    Expired,
    /// It ends soon: below the bound that is a warning or a failure.
    Ending,
    /// It is not valid yet.
    Early,
    /// It is for another name.
    OtherName,
    /// None is shown: nobody listens, or no TLS is spoken.
    None,
}

/// What is wrong with the backups of a set.
///
/// ```
/// # use opsctl::registry::*;
/// let overdue = Clue::Backup(Lapse::Overdue);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lapse {
    /// Its newest verified copy is older than what may be lost, or there is none.
    Overdue,
    /// Its last run failed or did not end, and the newest verified copy is recent enough all the same.
    Failed,
}

/// What is found at a path.
///
/// ```
/// # use opsctl::registry::*;
/// let readable = Clue::File("/etc/shop.env", FileClue::Looser(0o600));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum FileClue {
    /// Nothing.
    Missing,
    /// Something.
    Exists,
    /// Something that was not changed for so many seconds. What is missing is not old.
    Older(u32),
    /// Nothing, or a file that nobody may execute.
    NotExecutable,
    /// Something that users beyond these permission bits may reach.
    Looser(u32),
    /// Something that belongs to another user than this one.
    OwnedByOther(&'static str),
    /// Something that the user of this number, who is in no group but one of the same number, may not read; of a directory,
    /// not enter. For users of containers, whom the host does not know.
    ClosedTo(u32),
    /// A file of more than so many bytes.
    Larger(u64),
    /// A file of no bytes.
    Empty,
    /// A directory.
    Directory,
    /// A JSON file whose first of these (paths of keys joined by dots) is a time in the past, milliseconds since 1970, and whose
    /// second, with which that could be renewed, is missing or empty. What else it holds is not kept.
    Expired(&'static str, &'static str),
    /// A file in whose last 64 KiB this regular expression matches a line.
    Contains(&'static str),
}

/// Files that something left behind: names in a directory that begin and end like this, last changed too long ago.
///
/// ```
/// # use opsctl::registry::*;
/// let stale = Clue::Leftovers(Leftovers::in_dir("/srv/shop/tmp").prefix("job-").older_seconds(3600));
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Leftovers {
    /// Absolute path of the directory.
    pub dir: &'static str,
    /// How their names begin.
    pub prefix: &'static str,
    /// How their names end.
    pub suffix: &'static str,
    /// Since their last change, seconds.
    pub older_seconds: u32,
}

impl Leftovers {
    /// Files in the directory at this absolute path, of any name and any age where nothing more is stated.
    pub const fn in_dir(path: &'static str) -> Self {
        Leftovers { dir: path, prefix: "", suffix: "", older_seconds: 0 }
    }

    /// How their names begin: `job-`.
    pub const fn prefix(mut self, text: &'static str) -> Self {
        self.prefix = text;
        self
    }

    /// How their names end: `.db`.
    pub const fn suffix(mut self, text: &'static str) -> Self {
        self.suffix = text;
        self
    }

    /// Last changed more than so many seconds ago.
    pub const fn older_seconds(mut self, seconds: u32) -> Self {
        self.older_seconds = seconds;
        self
    }
}

/// Who listens on a port.
///
/// ```
/// # use opsctl::registry::*;
/// let taken = Clue::Port(8000, Listening::NotBy(&["shop"]));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Listening {
    /// Nobody.
    Nobody,
    /// A process of one of these names.
    By(&'static [&'static str]),
    /// Somebody, and none of these.
    NotBy(&'static [&'static str]),
}
