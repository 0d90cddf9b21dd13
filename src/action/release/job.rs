//! What is to be done to bring a version, and what can come of it.

use std::time::Duration;

use super::Version;
use super::Wanted;
use super::checks::OldBackup;
use super::plan::Preparation;
use super::survey::Survey;
use crate::action::plan::{Plan, Step};
use crate::action::run::Done;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::observe::logs::line::Said;
use crate::registry::{Deployment, Release, Service};

/// What is to be done, and all that was found out about it.
pub struct Job<'a> {
    /// Where.
    pub deployment: &'static Deployment,
    /// How versions come there.
    pub release: &'static Release,
    /// The services that are switched.
    pub services: &'a [&'static Service],
    /// What was asked for.
    pub wanted: &'a Wanted,
    /// What was seen.
    pub survey: &'a Survey,
    /// What is done before the switch.
    pub preparation: &'a Preparation,
    /// How long services must stay well.
    pub settle: Duration,
    /// What is done with a version that does not work.
    pub bad: Bad,
    /// Whether migrations may be applied although the newest backup is old.
    pub old_backup: OldBackup,
    /// Plans the switch of services, from how things are then.
    pub switch: &'a Switching<'a>,
    /// Finds what a service that is not well wrote last.
    pub words: &'a dyn Fn(&Done) -> Vec<Said>,
}

/// Plans how services go over to what lies ready.
pub type Switching<'a> = dyn Fn(&Context<'_>, &[&'static Service]) -> Result<Plan, Error> + 'a;

/// What came of a service, and what it wrote last where it is not well.
pub type Told = (Done, Vec<Said>);

/// What is done with a version that does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// It is taken back.
    TakenBack,
    /// It stays, for somebody to look at.
    Left,
}

/// A command that was run, and what came of it.
#[derive(Debug)]
pub struct Ran {
    /// The step.
    pub step: Step,
    /// How long it took.
    pub took: Duration,
    /// Why it failed; `None` when it did not.
    pub failed: Option<String>,
    /// What it said last, where it failed.
    pub says: Vec<String>,
}

/// Everything that came of it.
#[derive(Debug)]
pub struct Released {
    /// Commands before the switch, and on the way back.
    pub ran: Vec<Ran>,
    /// Services, as they were switched.
    pub done: Vec<Told>,
    /// What runs now.
    pub now: Version,
    /// How it ended.
    pub ending: Ending,
    /// All of it.
    pub took: Duration,
}

/// How it ended.
#[derive(Debug)]
pub enum Ending {
    /// The version that was wanted was seen to work.
    Live,
    /// Something that was found on the way speaks against it; what serves was not touched, and all is as it was.
    Refused(String),
    /// It failed before anything that serves was touched; and whether what was prepared could be put back.
    Unswitched {
        /// What failed.
        reason: String,
        /// Why things are not as they were; `None` when they are.
        left: Option<String>,
    },
    /// It does not work, and stays.
    Bad(String),
    /// It does not work; the one before was put back and was seen to work. With what came of each service on the way back.
    RolledBack(String, Vec<Told>),
    /// It does not work, and neither does the one before.
    Stuck {
        /// Why the new one does not work.
        reason: String,
        /// Why the one before does not.
        back: String,
        /// What came of each service on the way back.
        done: Vec<Told>,
    },
}

impl Ending {
    /// The exit code.
    pub const fn exit(&self) -> Exit {
        match self {
            Ending::Live => Exit::Success,
            Ending::Refused(_) => Exit::Refused,
            Ending::Unswitched { .. } | Ending::Bad(_) | Ending::Stuck { .. } => Exit::Failure,
            Ending::RolledBack(..) => Exit::RolledBack,
        }
    }

    /// In a line.
    pub fn summary(&self) -> String {
        match self {
            Ending::Live => "done".to_owned(),
            Ending::Refused(reason) | Ending::Unswitched { reason, left: None } => {
                format!("{reason}; the running version was not changed")
            }
            Ending::Unswitched { reason, left: Some(left) } => {
                format!("{reason}; the running version was not changed, but its files differ from before: {left}")
            }
            Ending::Bad(reason) => format!("{reason}; not rolled back"),
            Ending::RolledBack(reason, _) => format!("{reason}; rolled back to the previous version"),
            Ending::Stuck { reason, back, .. } => format!(
                "{reason}; the previous version does not work either: \
             {back}"
            ),
        }
    }
}

/// Why a stage did not come to its end.
pub(super) enum Stop {
    /// It failed.
    Failed(String),
    /// What it found speaks against going on.
    Refused(String),
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Stop::Failed(reason)
    }
}

impl Stop {
    /// Why.
    pub(super) fn reason(self) -> String {
        match self {
            Stop::Failed(reason) | Stop::Refused(reason) => reason,
        }
    }
}
