//! Releases: how a new version is built on the host, goes live, and is rolled back. What `opsctl redeploy` and `opsctl
//! rollback` do.
//!
//! # How to write the release of a deployment
//! One `static`, in a file `release.rs`, from what the runbook does by hand when it deploys:
//!
//! - [`Release::new`] names the services that run the version; [`Release::stays`] must say what a rollback does not undo.
//! - The version comes out of a working copy ([`Release::source`] and [`Release::branch`]), as images alone
//!   ([`Release::images`]), or both.
//! - [`Release::build`] runs before anything that serves is touched, [`Release::schema`] before the services are switched,
//!   [`Release::switch`] says how they are.
//!
//! ```
//! use opsctl::registry::{Level, Manager, Release, Service, Switch, Task, Unit};
//! # static DOWN: Level = Level::new("P1").criterion("c").response("r").action("a");
//! # static SHOP: Service = Service::new("shop", &DOWN).managers(&[Manager::Systemd(Unit::new("shop.service"))]);
//!
//! static RELEASE: Release = Release::new(&[&SHOP])
//!     .source(&["/srv/shop"])
//!     .branch("main")
//!     .build(&[Task::new("install dependencies")
//!         .program("npm")
//!         .args(&["ci", "--prefix", "{source}"])
//!         .deadline_seconds(600)])
//!     .switch(Switch::Reload)
//!     .stays("the database: there are no down migrations");
//! ```

use super::service::Service;

/// How a new version is built on the host, goes live, and is rolled back.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// static RELEASE: Release = Release::new(&[&SHOP]).source(&["/srv/shop"]).branch("main").stays("the database");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Release {
    /// Absolute paths at which the working copy may lie that the version is built of; the first that exists is taken. Empty
    /// where the version comes as images alone.
    pub source: &'static [&'static str],
    /// Branch of the working copy that is live; empty only without a source.
    pub branch: &'static str,
    /// Local image tags that the services run; the images that they name are kept under another tag before a change.
    pub images: &'static [Image],
    /// What builds the new version out of the source before anything that serves is touched, as the owner of the source.
    pub build: &'static [Task],
    /// What changes the database's schema before the switch.
    pub schema: Option<Schema>,
    /// Services that run the version, in the order in which they are switched to it.
    pub services: &'static [&'static Service],
    /// How they are switched.
    pub switch: Switch,
    /// Space that must be free where the version is built, bytes.
    pub free_bytes: u64,
    /// Directories of backups, whose newest file must not be older than a day before the schema changes.
    pub backups: &'static [&'static str],
    /// What a rollback to an earlier version does not undo.
    pub stays: &'static str,
    /// What an operator must know.
    pub note: Option<&'static str>,
}

impl Release {
    /// A release that these services run, in the order in which they are switched to it; at least one, each one of the
    /// deployment's. Without more they are restarted, and 1 GiB must be free. [`stays`](Self::stays) must follow, and
    /// [`source`](Self::source) or [`images`](Self::images).
    pub const fn new(services: &'static [&'static Service]) -> Self {
        Release {
            source: &[],
            branch: "",
            images: &[],
            build: &[],
            schema: None,
            services,
            switch: Switch::Restart,
            free_bytes: 1 << 30,
            backups: &[],
            stays: "",
            note: None,
        }
    }

    /// Absolute paths at which the git working copy may lie that the version is built of; the first that exists is taken.
    /// [`branch`](Self::branch) must follow.
    pub const fn source(mut self, paths: &'static [&'static str]) -> Self {
        self.source = paths;
        self
    }

    /// Branch of the working copy that is live. Required with a source.
    pub const fn branch(mut self, name: &'static str) -> Self {
        self.branch = name;
        self
    }

    /// Local image tags that the services run. The image that a tag names is kept under its second tag before a change, so
    /// that a rollback does not depend on a registry.
    pub const fn images(mut self, images: &'static [Image]) -> Self {
        self.images = images;
        self
    }

    /// Commands that build the new version out of the source, in this order, before anything that serves is touched. They run
    /// as the owner of the source. Needs a source.
    pub const fn build(mut self, tasks: &'static [Task]) -> Self {
        self.build = tasks;
        self
    }

    /// What changes the database's schema before the switch. Needs a source and [`backups`](Self::backups).
    pub const fn schema(mut self, schema: Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// How the services are switched to the version; without it each is restarted.
    pub const fn switch(mut self, switch: Switch) -> Self {
        self.switch = switch;
        self
    }

    /// Space that must be free where the version is built, bytes, above 0; 1 GiB without it.
    pub const fn free_bytes(mut self, bytes: u64) -> Self {
        self.free_bytes = bytes;
        self
    }

    /// Absolute paths of directories of backups. Their newest file must not be older than a day before the schema changes.
    pub const fn backups(mut self, directories: &'static [&'static str]) -> Self {
        self.backups = directories;
        self
    }

    /// What a rollback to an earlier version does not undo: `the database`. Required.
    pub const fn stays(mut self, text: &'static str) -> Self {
        self.stays = text;
        self
    }

    /// What an operator must know.
    pub const fn note(mut self, text: &'static str) -> Self {
        self.note = Some(text);
        self
    }
}

/// A local image tag, and the tag that the image before is kept under.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// let image = Image::new("shop:live", &SHOP).previous("shop:previous");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Image {
    /// The service whose container runs it.
    pub service: &'static Service,
    /// The tag that its container runs, such as `shop:latest`.
    pub tag: &'static str,
    /// The tag of the one before, such as `shop:previous`.
    pub previous: &'static str,
}

impl Image {
    /// The tag that the container of `service` runs, of the form `name:tag`. [`previous`](Self::previous) must follow.
    pub const fn new(tag: &'static str, service: &'static Service) -> Self {
        Image { service, tag, previous: "" }
    }

    /// The tag that the image before is kept under, of the form `name:tag` and another one: `shop:previous`. Required.
    pub const fn previous(mut self, tag: &'static str) -> Self {
        self.previous = tag;
        self
    }
}

/// A command of a runbook. It is run without a shell.
///
/// ```
/// # use opsctl::registry::*;
/// let build = Task::new("build the pages").program("npm").args(&["run", "build"]).deadline_seconds(600);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Task {
    /// What it does, in a few words.
    pub title: &'static str,
    /// Name of the program.
    pub program: &'static str,
    /// Its arguments; `{source}` stands for the working copy.
    pub args: &'static [&'static str],
    /// How long it may take, seconds.
    pub deadline_seconds: u32,
}

impl Task {
    /// A command that does this, in a few words, an imperative: `install dependencies`. [`program`](Self::program) and
    /// [`deadline_seconds`](Self::deadline_seconds) must follow.
    pub const fn new(title: &'static str) -> Self {
        Task { title, program: "", args: &[], deadline_seconds: 0 }
    }

    /// Name of the program, looked for in the standard directories. Required.
    pub const fn program(mut self, name: &'static str) -> Self {
        self.program = name;
        self
    }

    /// Its arguments, without secrets; `{source}` in them stands for the path of the working copy.
    pub const fn args(mut self, args: &'static [&'static str]) -> Self {
        self.args = args;
        self
    }

    /// How long it may take, seconds, above 0; then it is ended, and the release fails. Required.
    pub const fn deadline_seconds(mut self, seconds: u32) -> Self {
        self.deadline_seconds = seconds;
        self
    }
}

/// How a database's schema follows the version.
///
/// ```
/// # use opsctl::registry::*;
/// let schema = Schema::migrations("db/migrations").except("seed").container("shop-db");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Schema {
    /// SQL files that the new revision adds are applied once each, in the order of their names, each in one transaction. Made
    /// by [`Schema::migrations`].
    #[non_exhaustive]
    Migrations {
        /// Directory of the files, below the source.
        directory: &'static str,
        /// Files with this in their name are never applied.
        except: &'static str,
        /// Container whose `psql` applies them, as the role and to the database that its own `POSTGRES_USER` and `POSTGRES_DB`
        /// name.
        container: &'static str,
    },
    /// A command of the project compares and changes it.
    Push(Task),
}

impl Schema {
    /// SQL files in this directory, a path below the source. Those that the new revision adds are applied once each, in the
    /// order of their names, each in one transaction. [`except`](Self::except) and [`container`](Self::container) must follow.
    pub const fn migrations(directory: &'static str) -> Self {
        Schema::Migrations { directory, except: "", container: "" }
    }

    /// Files with this in their name are never applied: `seed`. Required.
    ///
    /// # Panics
    /// On anything but migrations; in a `static` that is a compile error.
    pub const fn except(mut self, part: &'static str) -> Self {
        match &mut self {
            Schema::Migrations { except, .. } => *except = part,
            Schema::Push(_) => panic!("Schema::except is for migrations only"),
        }
        self
    }

    /// Name of the container whose `psql` applies them, as the role and to the database that its own `POSTGRES_USER` and
    /// `POSTGRES_DB` name. Required.
    ///
    /// # Panics
    /// On anything but migrations; in a `static` that is a compile error.
    pub const fn container(mut self, name: &'static str) -> Self {
        match &mut self {
            Schema::Migrations { container, .. } => *container = name,
            Schema::Push(_) => panic!("Schema::container is for migrations only"),
        }
        self
    }
}

/// How services are switched to a new version.
///
/// ```
/// # use opsctl::registry::*;
/// let switch = Switch::compose("shop").file("compose.yml").services(&["web", "worker"]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Switch {
    /// Each is restarted by its manager.
    Restart,
    /// Each is reloaded by its manager, instance by instance.
    Reload,
    /// Compose recreates those containers whose image or configuration has changed. Made by [`Switch::compose`].
    #[non_exhaustive]
    Compose {
        /// File of `KEY=value` lines for compose itself, below the source; `None` where its own is enough.
        env_file: Option<&'static str>,
        /// Compose file, below the source.
        file: &'static str,
        /// Project name.
        project: &'static str,
        /// Their names in the file, in the order of [`Release::services`].
        services: &'static [&'static str],
    },
}

impl Switch {
    /// Compose recreates the containers of this project whose image or configuration has changed. [`file`](Self::file) and
    /// [`services`](Self::services) must follow.
    pub const fn compose(project: &'static str) -> Self {
        Switch::Compose { env_file: None, file: "", project, services: &[] }
    }

    /// Compose file, a path below the source. Required.
    ///
    /// # Panics
    /// On anything but compose; in a `static` that is a compile error.
    pub const fn file(mut self, path: &'static str) -> Self {
        match &mut self {
            Switch::Compose { file, .. } => *file = path,
            Switch::Restart | Switch::Reload => panic!("Switch::file is for compose only"),
        }
        self
    }

    /// File of `KEY=value` lines for compose itself (`--env-file`), a path below the source; without it compose reads its own.
    ///
    /// # Panics
    /// On anything but compose; in a `static` that is a compile error.
    pub const fn env_file(mut self, path: &'static str) -> Self {
        match &mut self {
            Switch::Compose { env_file, .. } => *env_file = Some(path),
            Switch::Restart | Switch::Reload => panic!("Switch::env_file is for compose only"),
        }
        self
    }

    /// Names of the services in the compose file, as many as [`Release::services`] and in their order. Required.
    ///
    /// # Panics
    /// On anything but compose; in a `static` that is a compile error.
    pub const fn services(mut self, names: &'static [&'static str]) -> Self {
        match &mut self {
            Switch::Compose { services, .. } => *services = names,
            Switch::Restart | Switch::Reload => panic!("Switch::services is for compose only"),
        }
        self
    }
}
