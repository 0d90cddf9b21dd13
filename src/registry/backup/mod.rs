//! Backups: what of a deployment's data is copied, how, where to, how often and for how long. What `opsctl backup` and
//! `opsctl restore` do.
//!
//! # How to write the backups of a deployment
//! One table of [`BackupSet`]s, in a file `backup.rs`. A set is what is backed up and restored by itself: a database, a
//! directory, the env files. All sets of a deployment share one [`Remote`].
//!
//! - [`BackupSet::new`] takes name, [`Source`], [`Schedule`] and remote; [`BackupSet::what`] must follow.
//! - [`BackupSet::owners`] are the services that must not run while the data is replaced by a restore.
//! - [`BackupSet::rpo_seconds`] and [`BackupSet::retention`] come from what the runbook promises; without them a day's work
//!   may be lost, and copies are kept for thirty days.
//! - Credentials are never written into the registry: [`Secret`] names file and key.
//!
//! ```
//! use opsctl::registry::{BackupSet, Level, Manager, Remote, Retention, Schedule, Service, Source, Unit};
//! # static DOWN: Level = Level::new("P1").criterion("c").response("r").action("a");
//! # static SHOP: Service = Service::new("shop", &DOWN).managers(&[Manager::Systemd(Unit::new("shop.service"))]);
//!
//! static OFFSITE: Remote =
//!     Remote::new("r2").config("/root/.config/rclone/rclone.conf").bucket("shop-backups").prefix("opsctl");
//!
//! static BACKUPS: &[BackupSet] =
//!     &[BackupSet::new("orders", Source::sqlite("/srv/shop/orders.db"), Schedule::daily(3, 0), &OFFSITE)
//!         .what("orders and customers")
//!         .owners(&[&SHOP])
//!         .retention(Retention::daily(7).weekly(4).monthly(12))];
//! ```

mod source;

pub use source::*;

use super::service::{Secret, Service};

/// What is backed up and restored by itself.
///
/// ```
/// # use opsctl::registry::*;
/// # static R2: Remote = Remote::new("r2");
/// let nightly = Schedule::daily(3, 30);
/// let orders = BackupSet::new("orders", Source::sqlite("/srv/shop/orders.db"), nightly, &R2).what("orders");
/// assert_eq!(orders.name, "orders");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct BackupSet {
    /// Name on the command line, unique in its deployment; also the directory of its copies on the remote.
    pub name: &'static str,
    /// What is in it.
    pub what: &'static str,
    /// What is copied, and how.
    pub source: Source,
    /// Why it may be missing on a host; `None` where that is a failure.
    pub optional: Option<&'static str>,
    /// Services that must not run while it is replaced.
    pub owners: &'static [&'static Service],
    /// When a copy is made.
    pub schedule: Schedule,
    /// How long copies are kept.
    pub retention: Retention,
    /// Where copies are kept.
    pub remote: &'static Remote,
    /// How much work may be lost, seconds: a newer verified copy than this must exist.
    pub rpo_seconds: u32,
    /// What an operator must know.
    pub note: Option<&'static str>,
}

impl BackupSet {
    /// A set of this name: lower-case letters, digits and dashes, unique in its deployment, and none of the words `create`,
    /// `list`, `verify`, `drill`, `prune`, `help`. Its source must exist on every host, a day's work may be lost, and copies
    /// are kept for thirty days. [`what`](Self::what) must follow.
    pub const fn new(name: &'static str, source: Source, schedule: Schedule, remote: &'static Remote) -> Self {
        BackupSet {
            name,
            what: "",
            source,
            optional: None,
            owners: &[],
            schedule,
            retention: Retention::Days(30),
            remote,
            rpo_seconds: DAY_SECONDS,
            note: None,
        }
    }

    /// What is in it, in a few words: `orders and customers`. Required.
    pub const fn what(mut self, text: &'static str) -> Self {
        self.what = text;
        self
    }

    /// It may be missing on a host, for this reason; otherwise a missing source is a failure.
    pub const fn optional(mut self, reason: &'static str) -> Self {
        self.optional = Some(reason);
        self
    }

    /// Services of the deployment that must not run while it is replaced by a restore.
    pub const fn owners(mut self, services: &'static [&'static Service]) -> Self {
        self.owners = services;
        self
    }

    /// How long copies are kept; thirty days without it.
    pub const fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// How much work may be lost (the recovery point objective), seconds, above 0: where no verified copy is newer, the backup
    /// is overdue. A day without it.
    pub const fn rpo_seconds(mut self, seconds: u32) -> Self {
        self.rpo_seconds = seconds;
        self
    }

    /// What an operator must know.
    pub const fn note(mut self, text: &'static str) -> Self {
        self.note = Some(text);
        self
    }
}

/// Seconds of a day.
///
/// ```
/// # use opsctl::registry::*;
/// # static R2: Remote = Remote::new("r2");
/// # let set = BackupSet::new("orders", Source::sqlite("/x.db"), Schedule::daily(3, 0), &R2);
/// let hourly = set.rpo_seconds(backup::DAY_SECONDS / 24);
/// assert_eq!(hourly.rpo_seconds, 3600);
/// ```
pub const DAY_SECONDS: u32 = 86_400;

/// When a copy is made, UTC. The schedule itself is cron's.
///
/// ```
/// # use opsctl::registry::*;
/// let nightly = Schedule::daily(3, 30);
/// let never = Schedule::ByHand("the data can be computed anew");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Schedule {
    /// Every day at this time. Made by [`Schedule::daily`].
    #[non_exhaustive]
    Daily {
        /// Hour, 0 to 23.
        hour: u8,
        /// Minute, 0 to 59.
        minute: u8,
    },
    /// Only when it is named on the command line; the text says why.
    ByHand(&'static str),
}

impl Schedule {
    /// Every day at this hour (0 to 23) and minute (0 to 59), UTC, as the host's crontab says.
    pub const fn daily(hour: u8, minute: u8) -> Self {
        Schedule::Daily { hour, minute }
    }
}

/// How long copies are kept. The three newest verified ones always are.
///
/// ```
/// # use opsctl::registry::*;
/// let kept = Retention::daily(7).weekly(4).monthly(12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Retention {
    /// All copies of so many days, above 0.
    Days(u16),
    /// The newest of each of so many days, weeks and months. Made by [`Retention::daily`].
    #[non_exhaustive]
    Tiers {
        /// Days.
        daily: u16,
        /// Weeks, which begin on Monday.
        weekly: u16,
        /// Months.
        monthly: u16,
    },
}

impl Retention {
    /// The newest copy of each of so many days. [`weekly`](Self::weekly) and [`monthly`](Self::monthly) may follow; not all
    /// three may be 0.
    pub const fn daily(days: u16) -> Self {
        Retention::Tiers { daily: days, weekly: 0, monthly: 0 }
    }

    /// And the newest copy of each of so many weeks, which begin on Monday.
    ///
    /// # Panics
    /// On [`Retention::Days`]; in a `static` that is a compile error.
    pub const fn weekly(mut self, weeks: u16) -> Self {
        match &mut self {
            Retention::Tiers { weekly, .. } => *weekly = weeks,
            Retention::Days(_) => panic!("Retention::weekly follows Retention::daily only"),
        }
        self
    }

    /// And the newest copy of each of so many months.
    ///
    /// # Panics
    /// On [`Retention::Days`]; in a `static` that is a compile error.
    pub const fn monthly(mut self, months: u16) -> Self {
        match &mut self {
            Retention::Tiers { monthly, .. } => *monthly = months,
            Retention::Days(_) => panic!("Retention::monthly follows Retention::daily only"),
        }
        self
    }
}

/// A remote of rclone. All sets of a deployment are kept on the same.
///
/// ```
/// # use opsctl::registry::*;
/// static R2: Remote = Remote::new("r2").config("/root/rclone.conf").bucket("backups").prefix("opsctl/shop");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Remote {
    /// Name in rclone's configuration.
    pub name: &'static str,
    /// rclone's configuration, absolute; nobody but root may read it.
    pub config: &'static str,
    /// Bucket, or first directory.
    pub bucket: &'static str,
    /// Path in it below which opsctl keeps its copies and touches nothing that it did not name itself.
    pub prefix: &'static str,
    /// Options of the remote whose values are elsewhere. They are handed to rclone in its environment.
    pub credentials: &'static [Credential],
}

impl Remote {
    /// The remote of this name in rclone's configuration. [`config`](Self::config), [`bucket`](Self::bucket) and
    /// [`prefix`](Self::prefix) must follow.
    pub const fn new(name: &'static str) -> Self {
        Remote { name, config: "", bucket: "", prefix: "", credentials: &[] }
    }

    /// Absolute path of rclone's configuration, which nobody but root may read. Required.
    pub const fn config(mut self, file: &'static str) -> Self {
        self.config = file;
        self
    }

    /// Name of the bucket, or of the first directory. Required.
    pub const fn bucket(mut self, name: &'static str) -> Self {
        self.bucket = name;
        self
    }

    /// Path in the bucket below which opsctl keeps its copies, and touches nothing that it did not name itself: letters,
    /// digits, `_`, `-`, and `/` between them. Required.
    pub const fn prefix(mut self, path: &'static str) -> Self {
        self.prefix = path;
        self
    }

    /// Options of the remote whose values stand in other files than rclone's configuration. They are handed to rclone in its
    /// environment.
    pub const fn credentials(mut self, credentials: &'static [Credential]) -> Self {
        self.credentials = credentials;
        self
    }

    /// `name:bucket/prefix`, as rclone takes it.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}/{}", self.name, self.bucket, self.prefix)
    }
}

/// An option of a remote, and where its value is.
///
/// ```
/// # use opsctl::registry::*;
/// let key = Credential::new("RCLONE_CONFIG_R2_ACCESS_KEY_ID", Secret::in_file("/etc/shop.env").key("R2_KEY"));
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Credential {
    /// The variable that rclone reads it from, such as `RCLONE_CONFIG_R2BACKUP_ACCESS_KEY_ID`.
    pub variable: &'static str,
    /// Where the value is.
    pub secret: Secret,
}

impl Credential {
    /// The environment variable that rclone reads the option from (`RCLONE_CONFIG_` REMOTE `_` OPTION, in upper case), and
    /// where its value is.
    pub const fn new(variable: &'static str, secret: Secret) -> Self {
        Credential { variable, secret }
    }
}
