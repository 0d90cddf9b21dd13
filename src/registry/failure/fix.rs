//! What to do about a cause, what may come of that, and findings that are accepted for a while.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::service::Service;

/// What may come of a step.
///
/// ```
/// # use opsctl::registry::*;
/// let look = Fix::new("see who is connected", Risk::ReadOnly, Remedy::Command(&["ss", "-tnp"]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Risk::ReadOnly => "read-only",
            Risk::Safe => "safe",
            Risk::Disruptive => "disruptive",
            Risk::Destructive => "destructive",
        }
    }
}

/// What to do about a cause.
///
/// ```
/// # use opsctl::registry::*;
/// static EMPTY: Fix = Fix::new("empty the cache", Risk::Safe, Remedy::Command(&["rm", "-rf", "/srv/shop/cache"]))
///     .frees(&["/srv/shop/cache"]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Fix {
    /// In a few words, an imperative.
    pub title: &'static str,
    /// What else it may do.
    pub risk: Risk,
    /// How.
    pub remedy: Remedy,
    /// On a full file system: what it frees lies at these paths. Empty where it may be anywhere.
    pub frees: &'static [&'static str],
    /// Of a port that is taken: it is proposed where the holder is this. `None`: whoever it is.
    pub against: Option<Holding>,
}

impl Fix {
    /// A fix that is called this, in a few words, an imperative: `free the port`. `risk` is the worst that may come of it;
    /// consent is asked for accordingly.
    pub const fn new(title: &'static str, risk: Risk, remedy: Remedy) -> Self {
        Fix { title, risk, remedy, frees: &[], against: None }
    }

    /// What it frees lies at these absolute paths: it is proposed only where a file system that holds one of them is full.
    pub const fn frees(mut self, paths: &'static [&'static str]) -> Self {
        self.frees = paths;
        self
    }

    /// It is proposed only where this holds the port of the service. Of a cause whose proof has [`Clue::PortTaken`](super::Clue::PortTaken).
    pub const fn against(mut self, holding: Holding) -> Self {
        self.against = Some(holding);
        self
    }
}

impl Remedy {
    /// Whether its text holds this: `{unit}`.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        match self {
            Remedy::Command(words) => words.iter().any(|word| word.contains(text)),
            Remedy::Manual(words) => words.contains(text),
            Remedy::Restart | Remedy::Start | Remedy::Reload | Remedy::RestartOf(_) | Remedy::ReloadOf(_) => false,
        }
    }
}

/// What holds the port of a service in its place.
///
/// ```
/// # use opsctl::registry::*;
/// let stop_it = Fix::new("stop the holder", Risk::Disruptive, Remedy::Manual("systemctl stop …")).against(Holding::Unit);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holding {
    /// Another service of the deployment.
    Service,
    /// A unit of systemd that is none.
    Unit,
    /// A container that is none.
    Container,
    /// A process that somebody started by hand, in a session.
    Session,
    /// Something that says nothing of itself.
    Unknown,
}

/// How a fix is made.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// let reload = Remedy::ReloadOf(&SHOP);
/// let by_hand = Remedy::Manual("ask the hoster for a larger disk");
/// ```
#[derive(Debug)]
#[non_exhaustive]
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
    /// A command, without a shell: program and arguments, which may hold the subject's `{unit}` and so on. Not opsctl itself,
    /// unless it only reads; nothing that removes volumes.
    Command(&'static [&'static str]),
    /// What only a person can do, in words; commands in it are for pasting.
    Manual(&'static str),
}

/// A finding that is known, and left out until a day. What is left out is counted; once the day is over it is reported again.
///
/// ```
/// # use opsctl::registry::*;
/// let known = Ignore::new("DISK-FILLING", date(2027, 3, 1)).subject("disk /srv").why("a larger disk is ordered");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Ignore {
    /// Code of the cause, without the deployment.
    pub code: &'static str,
    /// With this subject only; `None`: with any.
    pub subject: Option<&'static str>,
    /// The last day on which it is left out, in UTC: [`date`](super::super::date).
    pub until: Date,
    /// Why it may wait, and for what.
    pub why: &'static str,
}

impl Ignore {
    /// Findings of this code, written without the deployment, are left out until the end of this day in UTC:
    /// `Ignore::new("LOAD-HIGH", date(2026, 11, 21))`. [`why`](Self::why) must follow.
    pub const fn new(code: &'static str, until: Date) -> Self {
        Ignore { code, subject: None, until, why: "" }
    }

    /// With this subject only: the name of a service, or what else the report names; without it, with any.
    pub const fn subject(mut self, name: &'static str) -> Self {
        self.subject = Some(name);
        self
    }

    /// Why it may wait, and for what. Required.
    pub const fn why(mut self, text: &'static str) -> Self {
        self.why = text;
        self
    }
}
