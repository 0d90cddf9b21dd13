//! What can go wrong, as data: a [`Failure`] is what an operator sees, its [`Cause`]s are what may be behind it, each with
//! a [`Clue`] that proves it and the [`Fix`]es for it.
//!
//! # How to write the failures of a deployment
//! - A failure is named by its slug. Its causes come in groups, so that those that every deployment has
//!   ([`super::usual`]) are listed once and shared.
//! - A cause is looked for with each of its subjects ([`About`]); a clue that speaks of "the service" means that subject.
//!   Codes are written without the deployment (`NETWORK-UNKNOWN`) and told with it (`PRIM-NETWORK-UNKNOWN`).
//! - A clue is proven, ruled out, or unknown. `All` is ruled out by one that is ruled out and `Any` proven by one that is
//!   proven, whatever is unknown beside it; otherwise one unknown makes the whole unknown. Put what `status` knows
//!   (state, probes, resources) into an `All` with what has to be asked for (logs, files, env files, requests): where the
//!   former rules it out, the latter is never asked.
//! - A [`Depth::Root`] says why; a [`Depth::Effect`] only says what, and is told where no root of the same subject is
//!   proven. Of several effects of one subject the first counts.
//! - Order counts: a cause that several failures have is told as the first one's, and of several effects the first counts. Put
//!   what is particular (one service's failure) before what is general.
//! - Texts may hold `{service}`, `{unit}`, `{port}` (its main one) and `{env}` (its env file) of the subject.
//! - Every clue only looks. A [`Question`] must be a command that changes nothing, spawns nothing that stays and uses up
//!   nothing (no login attempts).

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Condition, Http, Level, Service, State, Verdict};

/// What may come of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Changes nothing.
    ReadOnly,
    /// Changes nothing that anybody would miss, and can be undone.
    Safe,
    /// Somebody may notice: requests fail for a moment, work in progress is lost.
    Disruptive,
    /// Data, logs or images are lost.
    Destructive,
}

impl Risk {
    /// The word for it.
    pub const fn label(self) -> &'static str {
        match self {
            Risk::ReadOnly => "read-only",
            Risk::Safe => "safe",
            Risk::Disruptive => "disruptive",
            Risk::Destructive => "destructive",
        }
    }
}

/// Something that goes wrong, under the name that the runbook gives it.
#[derive(Debug)]
pub struct Failure {
    /// Name on the command line: `service-crash-loop`.
    pub slug: &'static str,
    /// Other words that an operator would type: `502`, `oom`.
    pub aliases: &'static [&'static str],
    /// One line: what it is.
    pub summary: &'static str,
    /// How bad it is. `None`: as bad as its subject, a service by its own severity, the host by its bounds'.
    pub severity: Option<&'static Level>,
    /// What is seen from outside.
    pub symptoms: &'static [&'static str],
    /// Heading of the runbook, or where else it is described.
    pub section: &'static str,
    /// Services that it is about; all when empty. Causes about services are only looked for with these.
    pub services: &'static [&'static Service],
    /// What may be behind it, in groups; within a failure the more telling come first.
    pub causes: &'static [&'static [&'static Cause]],
    /// Where runbook and reality differ, and what an operator must know.
    pub note: Option<&'static str>,
}

impl Failure {
    /// A failure with a name and causes, as bad as its subject.
    pub const fn new(
        slug: &'static str,
        summary: &'static str,
        section: &'static str,
        causes: &'static [&'static [&'static Cause]],
    ) -> Self {
        Failure {
            slug,
            aliases: &[],
            summary,
            severity: None,
            symptoms: &[],
            section,
            services: &[],
            causes,
            note: None,
        }
    }

    /// All its causes in order.
    pub fn causes(&self) -> impl Iterator<Item = &'static Cause> {
        self.causes.iter().copied().flatten().copied()
    }

    /// Whether that word means it.
    pub fn is(&self, word: &str) -> bool {
        self.slug.eq_ignore_ascii_case(word) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(word))
    }
}

/// Why something goes wrong, how that is proven, and what to do.
#[derive(Debug)]
pub struct Cause {
    /// Upper-case words and dashes, unique in the deployment; told with the deployment's name in front.
    pub code: &'static str,
    /// What is wrong, one line; said of the subject.
    pub summary: &'static str,
    /// Why, and what follows from it: what the operator should know before acting.
    pub explanation: &'static str,
    /// With whom it is looked for.
    pub about: About,
    /// What proves it.
    pub proof: Clue,
    /// Whether it explains or only states.
    pub depth: Depth,
    /// [`Verdict::Fail`], or [`Verdict::Warn`] for what has time.
    pub verdict: Verdict,
    /// How bad it is, where that differs from its failure.
    pub severity: Option<&'static Level>,
    /// Causes that follow from this one, with the same subject or others; their findings are folded under it.
    pub explains: &'static [&'static Cause],
    /// What to do, the best first.
    pub fixes: &'static [&'static Fix],
}

impl Cause {
    /// A root cause that fails, of every service.
    pub const fn new(
        code: &'static str,
        summary: &'static str,
        explanation: &'static str,
        proof: Clue,
        fixes: &'static [&'static Fix],
    ) -> Self {
        Cause {
            code,
            summary,
            explanation,
            about: About::Each,
            proof,
            depth: Depth::Root,
            verdict: Verdict::Fail,
            severity: None,
            explains: &[],
            fixes,
        }
    }
}

/// With whom a cause is looked for.
#[derive(Debug)]
pub enum About {
    /// The host; clues about "the service" make no sense in its proof, but within [`Clue::Of`].
    Host,
    /// Each service of the deployment (of the failure, where that names some) that is on this host.
    Each,
    /// Each of these services that is on this host.
    These(&'static [&'static Service]),
}

/// Whether a cause explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// It says why.
    Root,
    /// It only says what: told where no root of its subject is proven, and folded under a failed service that it needs.
    Effect,
}

/// A read-only condition on the evidence.
#[derive(Debug)]
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
    Unwell,
    /// Its manager says one of these of it.
    State(&'static [State]),
    /// One of its probes heard this.
    Reply(Heard),
    /// Its process ended like this the last time (systemd's main process, a container, an application of pm2).
    Ended(Ending),
    /// It was started again by itself at least so often.
    Restarts(u32),
    /// The health check of its container fails, as docker says.
    Unhealthy,
    /// Its container, be it beneath a unit, has one of these states, as docker words them: `exited`, `paused`.
    Container(&'static [&'static str]),
    /// Its unit file changed on disk, and systemd still has the old one.
    ReloadNeeded,
    /// Another process than its own holds its main port.
    PortTaken,
    /// Nobody listens on its main port.
    PortClosed,
    /// It uses more memory than its alarm bound.
    MemoryHigh,
    /// The proxy sends its public host somewhere else than to the port of its [`super::Route`].
    RouteElsewhere,
    /// Its env file.
    Env(EnvClue),
    /// One of its log lines matches this regular expression. Lines are one line each, without secrets and cut at 200
    /// bytes; of structured ones the level, the message and `key=value`.
    Said(&'static str, Window),
    /// At least so many of its log lines match this regular expression.
    SaidTimes(u32, &'static str, Window),

    /// A file system at the bound of that verdict: at or above it, and for a warning not yet at that of a failure.
    Disk(Verdict),
    /// The same for inodes.
    Inodes(Verdict),
    /// The same for memory.
    Memory(Verdict),
    /// Swap in use, per cent, at least.
    Swap(u8),
    /// Load at or above its bound.
    Load,
    /// The clock is not kept in step. Never true in a container, whose clock is another machine's.
    ClockAdrift,
    /// The kernel killed a process for want of memory in the last 24 hours.
    OomKills,
    /// Units outside of the registry have failed.
    FailedUnits,
    /// Units outside of the registry end and are started again and again.
    LoopingUnits,
    /// A certificate that the edge shows is like this.
    Certificate(Flaw),
    /// Containers that belong to no service keep failing: restarted again and again, or unhealthy.
    Strangers,
    /// The docker engine does not run, although something here is one of its containers.
    EngineDown,
    /// The pm2 daemon of an application does not run.
    PmDown,
    /// A set of the deployment's backups, of which this host has made one before, is like this.
    Backup(Lapse),
    /// A file or directory at this absolute path.
    File(&'static str, FileClue),
    /// Files in this directory whose names begin and end like this, older than so many seconds.
    Leftovers {
        /// Absolute path of the directory.
        dir: &'static str,
        /// How their names begin.
        prefix: &'static str,
        /// How their names end.
        suffix: &'static str,
        /// Since their last change, seconds.
        older_seconds: u32,
    },
    /// Who listens on this TCP port.
    Port(u16, Listening),
    /// A process runs that has this word among its arguments, as a whole path or its last part: `backup.sh`.
    Running(&'static str),
    /// The firewall (ufw, by its rule files) is on and lets nobody in to this TCP port.
    FirewallCloses(u16),
    /// The proxy does not take its own configuration file.
    ProxyRejects,
    /// A request of its own, GET and to this host only, hears this.
    Get(&'static Http, Heard),
    /// Such a request hears a time (milliseconds since 1970, at this path of keys joined by dots) that is more than so many
    /// seconds ago.
    LongAgo(&'static Http, &'static str, u32),
    /// The output of a read-only command shows this.
    Output(&'static Question, Shows),
    /// What a PostgreSQL server in a container answers shows this.
    Query(&'static Query, Shows),
    /// What a Redis server says to read-only commands shows this.
    Redis(&'static RedisQuestion, Shows),
    /// So many of the newest lines of a file are of that kind.
    Lines(&'static LineShare),
}

/// What a probe hears.
#[derive(Debug)]
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
    /// primary`) that matches this regular expression.
    Text(&'static str),
    /// An answer that the probe's own rules judge as a failure. Not for requests of a clue's own, which have no rules.
    Bad,
}

/// How a process ended.
#[derive(Debug)]
pub enum Ending {
    /// With one of these exit codes.
    Exit(&'static [u32]),
    /// By one of these signals.
    Signal(&'static [u32]),
    /// With this `Result=` of systemd: `start-limit-hit`, `timeout`, `watchdog`, `resources`.
    Result(&'static str),
    /// Killed for want of memory, as systemd or docker says.
    OutOfMemory,
}

/// A condition on the env file of a service. Only names of keys are ever shown.
#[derive(Debug)]
pub enum EnvClue {
    /// No such file.
    FileMissing,
    /// One of these keys is missing or empty; of [`super::EnvFile::required`] when none is listed.
    KeysMissing(&'static [&'static str]),
    /// This key is set, and differs from the same key of that service.
    Differs(&'static str, &'static Service),
    /// This key is set, and is not the service's main port.
    NotItsPort(&'static str),
    /// This key is set, and matches this regular expression as a whole.
    Like(&'static str, &'static str),
    /// This key is set, and does not match this regular expression as a whole.
    Unlike(&'static str, &'static str),
}

/// Which log lines count.
#[derive(Debug, Clone, Copy)]
pub enum Window {
    /// Those since its last start; of one that is started again and again, since the start before.
    Run,
    /// Those of the last so many seconds, and not before the present run.
    Seconds(u32),
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// Its newest verified copy is older than what may be lost, or there is none.
    Overdue,
    /// Its last run failed or did not end, and the newest verified copy is recent enough all the same.
    Failed,
}

/// What is found at a path.
#[derive(Debug)]
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
    /// A file in whose last 64 KiB this regular expression matches a line.
    Contains(&'static str),
}

/// Who listens on a port.
#[derive(Debug)]
pub enum Listening {
    /// Nobody.
    Nobody,
    /// A process of one of these names.
    By(&'static [&'static str]),
    /// Somebody, and none of these.
    NotBy(&'static [&'static str]),
}

/// A command that only reads, for what nothing else here can ask.
#[derive(Debug)]
pub struct Question {
    /// Program, looked for in the standard directories.
    pub program: &'static str,
    /// Arguments, without secrets.
    pub args: &'static [&'static str],
    /// User to run it as; `None`: as the caller.
    pub user: Option<&'static str>,
}

/// What only reads, for the psql in the container of a PostgreSQL server. It is run in one session that can change nothing and
/// in which no statement lasts longer than two seconds. What it answers, a row a line, is shown: no data of people.
#[derive(Debug)]
pub struct Query {
    /// The server, which is in a container.
    pub server: &'static Service,
    /// Which of its databases.
    pub database: Database,
    /// What a script of psql is called where it is shown. `None`: it is one `SELECT`, and shown as a whole.
    pub name: Option<&'static str>,
    /// What psql reads.
    pub sql: &'static str,
}

/// Which database of a server is asked, and as whom.
#[derive(Debug)]
pub enum Database {
    /// What `POSTGRES_DB` names in the container, as its `POSTGRES_USER`: what an env file says now need not be what the
    /// container was made with.
    Own,
    /// `postgres`, which every server has, as the user of the server's probe.
    Postgres,
    /// The same; and the script knows as `:database` what the URL under this key of the env file of this service names. Where
    /// there is no such file or key, nothing is asked, and all that hangs on it is unknown.
    InUrl(&'static Service, &'static str),
}

/// Commands to a Redis server, all read-only, over one connection with the port and password of the service's probe. A number
/// is told as `COMMAND: NUMBER`, anything else line by line.
#[derive(Debug)]
pub struct RedisQuestion {
    /// The server.
    pub server: &'static Service,
    /// Commands and their arguments.
    pub commands: &'static [&'static [&'static str]],
}

/// A part that is too great: more than so many per cent of the whole.
#[derive(Debug)]
pub struct Share {
    /// Where the part is found: a path, a word before it, or a regular expression of lines.
    pub part: &'static str,
    /// Where the whole is found.
    pub whole: &'static str,
    /// Per cent.
    pub percent: u8,
}

impl Share {
    /// Whether the part is more than that. Of nothing, as an unlimited server says, none is.
    pub fn is_exceeded(&self, part: f64, whole: f64) -> bool {
        whole > 0.0 && part * 100.0 > whole * f64::from(self.percent)
    }
}

/// How many of the newest lines of a file are of a kind: of those in its last 64 KiB that were written in the last
/// `seconds` and match the whole, too many match the part, and at least `least`. The lines are not shown.
#[derive(Debug)]
pub struct LineShare {
    /// Absolute path of the file. Its lines begin with their time, or are in the common log format.
    pub file: &'static str,
    /// Since when lines count.
    pub seconds: u32,
    /// Regular expressions.
    pub share: Share,
    /// How many it must be in any case, so that little traffic proves nothing.
    pub least: u32,
}

/// What the output of a command shows. A command that fails shows nothing: that is unknown.
#[derive(Debug)]
pub enum Shows {
    /// A line that matches this regular expression.
    Line(&'static str),
    /// No line that matches it.
    NoLine(&'static str),
    /// A first number above this.
    Above(f64),
    /// A first number below this.
    Below(f64),
    /// The number right after the one word is too great a part of the number right after the other.
    Part(Share),
}

/// What to do about a cause.
#[derive(Debug)]
pub struct Fix {
    /// In a few words, an imperative.
    pub title: &'static str,
    /// What may come of it.
    pub risk: Risk,
    /// How.
    pub remedy: Remedy,
}

/// How a fix is made.
#[derive(Debug)]
pub enum Remedy {
    /// `opsctl restart` of the subject.
    Restart,
    /// `opsctl start` of the subject.
    Start,
    /// `opsctl reload` of the subject.
    Reload,
    /// `opsctl restart` of this service.
    RestartOf(&'static Service),
    /// `opsctl reload` of this service.
    ReloadOf(&'static Service),
    /// A command, without a shell; words may hold the subject's `{unit}` and so on.
    Command(&'static [&'static str]),
    /// What only a person can do, in words; commands in it are for pasting.
    Manual(&'static str),
}

/// A finding that is known, and not told until a day. What is left out so is counted; once the day is over it is told again.
#[derive(Debug)]
pub struct Ignore {
    /// Code of the cause, without the deployment.
    pub code: &'static str,
    /// With this subject only; `None`: with any.
    pub subject: Option<&'static str>,
    /// The last day on which it is left out, in UTC: [`jiff::civil::date`].
    pub until: Date,
    /// Why it may wait, and for what.
    pub why: &'static str,
}
