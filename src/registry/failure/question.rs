//! What commands, databases and files are asked for evidence.

use crate::registry::service::Service;

/// A command that only reads, for what nothing else can ask.
///
/// ```
/// # use opsctl::registry::*;
/// static QUEUE: Question = Question::new("mailq").user("postfix");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Question {
    /// Program, looked for in the standard directories.
    pub program: &'static str,
    /// Arguments, without secrets.
    pub args: &'static [&'static str],
    /// User to run it as; `None`: as the caller.
    pub user: Option<&'static str>,
}

impl Question {
    /// This program, looked for in the standard directories. It changes nothing, leaves nothing running and uses up nothing,
    /// such as tries to log in.
    pub const fn new(program: &'static str) -> Self {
        Question { program, args: &[], user: None }
    }

    /// Its arguments, without secrets. No shell reads them.
    pub const fn args(mut self, args: &'static [&'static str]) -> Self {
        self.args = args;
        self
    }

    /// User to run it as; without it, the caller.
    pub const fn user(mut self, name: &'static str) -> Self {
        self.user = Some(name);
        self
    }
}

/// What only reads, for the psql in the container of a PostgreSQL server. It is run in one session that can change nothing and
/// in which no statement lasts longer than two seconds. What it answers, a row a line, is shown: no data of people.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// static USERS: Query = Query::new(&SHOP, Database::Named("shop"), "SELECT count(*) FROM users").name("users");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
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

impl Query {
    /// One `SELECT` without a semicolon, or with a [`name`](Self::name) a script of psql, for this server, which is in a
    /// container and has a [`Probe::postgres`](crate::registry::Probe::postgres).
    pub const fn new(server: &'static Service, database: Database, sql: &'static str) -> Self {
        Query { server, database, name: None, sql }
    }

    /// It is a script of psql that is called this where it is shown.
    pub const fn name(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }
}

/// Which database of a server is asked, and as whom.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// let own = Query::new(&SHOP, Database::InUrl(&SHOP, "DATABASE_URL"), "SELECT 1");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Database {
    /// What `POSTGRES_DB` names in the container, as its `POSTGRES_USER`: what an env file says now need not be what the
    /// container was made with.
    Own,
    /// The one of this name, as the user of the server's probe; in a backup, of a server on the host, as its owner.
    Named(&'static str),
    /// `postgres`, which every server has, as the user of the server's probe.
    Postgres,
    /// The same; and the script has as `:database` what the URL under this key of the env file of this service names. Where
    /// there is no such file or key, nothing is asked, and all that depends on it is unknown.
    InUrl(&'static Service, &'static str),
}

/// Commands to a Redis server, all read-only, over one connection with the port and password of the service's probe. A number
/// is reported as `COMMAND: NUMBER`, anything else line by line.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// static LENGTH: RedisQuestion = RedisQuestion::new(&SHOP, &[&["LLEN", "jobs"]]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct RedisQuestion {
    /// The server.
    pub server: &'static Service,
    /// Commands and their arguments.
    pub commands: &'static [&'static [&'static str]],
}

impl RedisQuestion {
    /// These commands, each with its arguments, to this server, which has a
    /// [`Probe::redis`](crate::registry::Probe::redis): `&[&["INFO", "memory"]]`.
    pub const fn new(server: &'static Service, commands: &'static [&'static [&'static str]]) -> Self {
        RedisQuestion { server, commands }
    }
}

/// A part that is too great: more than so many per cent of the whole.
///
/// ```
/// # use opsctl::registry::*;
/// let errors = Share::above(5).part("failed").whole("requests");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Share {
    /// Where the part is found: a path, a word before it, or a regular expression of lines.
    pub part: &'static str,
    /// Where the whole is found.
    pub whole: &'static str,
    /// Per cent.
    pub percent: u8,
}

impl Share {
    /// More than so many per cent. [`part`](Self::part) and [`whole`](Self::whole) must follow. Both are of one form, by where
    /// the share is used: paths of a JSON body ([`Heard::Part`](crate::registry::Heard::Part)), words that stand right before
    /// the number ([`Shows::Part`]), or regular expressions of lines ([`LineShare`]).
    pub const fn above(percent: u8) -> Self {
        Share { part: "", whole: "", percent }
    }

    /// Where the part is found. Required.
    pub const fn part(mut self, place: &'static str) -> Self {
        self.part = place;
        self
    }

    /// Where the whole is found. Required.
    pub const fn whole(mut self, place: &'static str) -> Self {
        self.whole = place;
        self
    }

    /// Whether the part is more than that. Of nothing, as an unlimited server says, none is.
    pub(crate) fn is_exceeded(&self, part: f64, whole: f64) -> bool {
        whole > 0.0 && part * 100.0 > whole * f64::from(self.percent)
    }
}

/// How many of the newest lines of a file are of a kind: of those in its last 64 KiB that were written in the last
/// `seconds` and match the whole, too many match the part, and at least `least`. The lines are not shown.
///
/// ```
/// # use opsctl::registry::*;
/// static ERRORS: LineShare =
///     LineShare::new("/var/log/nginx/access.log", Share::above(5).part(" 50[0-9] ").whole(".")).seconds(300);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
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

impl LineShare {
    /// Lines of the file at this absolute path, which begin with their time or are in the common log format. Of those that
    /// match the regular expression of the whole, too many match that of the part. [`seconds`](Self::seconds) must follow.
    pub const fn new(file: &'static str, share: Share) -> Self {
        LineShare { file, seconds: 0, share, least: 1 }
    }

    /// Only lines of the last so many seconds count, above 0. Required.
    pub const fn seconds(mut self, seconds: u32) -> Self {
        self.seconds = seconds;
        self
    }

    /// How many lines must match the part in any case, so that little traffic proves nothing; one without it.
    pub const fn least(mut self, lines: u32) -> Self {
        self.least = lines;
        self
    }
}

/// What the output of a command shows. A command that fails shows nothing: that is unknown.
///
/// ```
/// # use opsctl::registry::*;
/// # static DISK: Question = Question::new("df");
/// let full = Clue::Output(&DISK, Shows::Line("100%"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
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
