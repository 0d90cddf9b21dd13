//! Deployments: a host (or a few alike) and all that its runbook knows, plus the checks of the host itself.
//!
//! # How to write a deployment
//! A `static` that starts from [`Deployment::new`] and goes on with what the runbook has: each method is one of its chapters.
//! [The module registry](super) says in which order to write the parts, each in a file of its own.
//!
//! - [`Deployment::detect`] names paths that only this deployment's hosts have; without it `-d` must name the deployment.
//! - [`HostChecks`] are the bounds of the host: disk, memory, load, certificates. Say in [`HostChecks::source`] where they come
//!   from.
//! - [`Deployment::jobs`] are what cron or timers start; `diagnose` says which of them does not run, and what goes wrong then.
//! - Without [`Deployment::failures`] a deployment has those that any host has, [`usual::FAILURES`].
//! - Put [`check::deployment`](super::check::deployment) beside the `static`: an invalid one does not compile.
//!
//! ```
//! use opsctl::registry::{Certificates, Deployment, Host, HostChecks, Level, Manager, Service, Unit, Usage, check};
//!
//! static DOWN: Level = Level::new("P1").criterion("nobody can order").response("now").action("restart the shop");
//!
//! static SHOP: Service = Service::new("shop", &DOWN)
//!     .summary("the web shop")
//!     .severity_reason("it is all that customers see")
//!     .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
//!
//! static MINE: Deployment = Deployment::new(
//!     "shop",
//!     &[&DOWN],
//!     &[&SHOP],
//!     HostChecks::new(&DOWN).disk(Usage::warn_at(80).fail_at(90)).certificates(Certificates::new(443, &DOWN)),
//! )
//! .summary("a web shop on one server")
//! .host(Host::running("Debian 13").address("192.0.2.7").ssh("ssh root@192.0.2.7"))
//! .detect(&["/srv/shop"]);
//!
//! const _: () = check::deployment(&MINE);
//! ```

mod host;
mod job;

pub use host::*;
pub use job::*;

use super::backup::BackupSet;
use super::failure::{Cause, Failure, Ignore};
use super::maintenance::Maintenance;
use super::notify::{CHANNELS, Channel, StatusFiles};
use super::procedure::{Procedure, VerbProcedure};
use super::release::Release;
use super::service::{Log, Service};
use super::severity::Level;
use super::usual;

/// A deployment: one host (or a few alike) and all that its runbook knows.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN))
///     .summary("a web shop on one server")
///     .detect(&["/srv/shop"]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Deployment {
    /// Name on the command line, e.g. `prim`.
    pub name: &'static str,
    /// One line: what this is.
    pub summary: &'static str,
    /// Where it runs and how to get there.
    pub host: Host,
    /// Absolute paths, any of which proves that a machine runs this deployment. Empty: never detected.
    pub detect: &'static [&'static str],
    /// Severity levels, worst first.
    pub severities: &'static [&'static Level],
    /// Services in the order in which the operator thinks of them; a service comes after all that it needs.
    pub services: &'static [&'static Service],
    /// What is watched on the host itself.
    pub checks: HostChecks,
    /// The reverse proxy at the edge, whose routes must agree with the services' [`Service::routes`].
    pub proxy: Option<Proxy>,
    /// How a new version goes live; `None` where the runbook does not say.
    pub release: Option<&'static Release>,
    /// What is backed up of its data; names are unique.
    pub backups: &'static [BackupSet],
    /// How it is taken out of service on purpose.
    pub maintenance: Maintenance,
    /// Log sources that belong to the host or to jobs, not to one service.
    pub logs: &'static [Log],
    /// Who is asked, and after how long.
    pub escalation: &'static [Escalation],
    /// Addresses of people and vendors.
    pub contacts: &'static [Contact],
    /// Facts an operator must know that belong to no single service.
    pub notes: &'static [&'static str],
    /// What runs by itself at certain times.
    pub jobs: &'static [&'static Job],
    /// What can go wrong, in the runbook's order. A cause that several failures have is reported as the first one's.
    pub failures: &'static [&'static Failure],
    /// What the runbook has an operator do, step by step.
    pub procedures: &'static [&'static Procedure],
    /// What the runbook has an operator do, and a verb of opsctl does.
    pub verbs: &'static [VerbProcedure],
    /// Findings that are known, and left out until a day.
    pub ignores: &'static [Ignore],
    /// Where changes of state are sent, beside the [`CHANNELS`] of every deployment.
    pub notify: &'static [Channel],
    /// Files that its own health check wrote.
    pub status_files: Option<StatusFiles>,
}

impl Deployment {
    /// A deployment of this name on the command line: lower-case letters, digits and dashes. `severities` are all its levels,
    /// worst first. `services` stand in the order in which an operator thinks of them, each below all that it needs; there is
    /// at least one of both. [`summary`](Self::summary) must follow.
    ///
    /// Without more it is on a Linux host, is never detected, has the failures that any host has ([`usual::FAILURES`]), and
    /// no backups, release or maintenance mode.
    pub const fn new(
        name: &'static str,
        severities: &'static [&'static Level],
        services: &'static [&'static Service],
        checks: HostChecks,
    ) -> Self {
        Deployment {
            name,
            summary: "",
            host: Host::running("Linux"),
            detect: &[],
            severities,
            services,
            checks,
            proxy: None,
            release: None,
            backups: &[],
            maintenance: Maintenance::None("stop the services that users must not reach: opsctl stop SERVICE"),
            logs: &[],
            escalation: &[],
            contacts: &[],
            notes: &[],
            jobs: &[],
            failures: usual::FAILURES,
            procedures: &[],
            verbs: &[],
            ignores: &[],
            notify: &[],
            status_files: None,
        }
    }

    /// What this is, one line: `a web shop on one server`. Required.
    pub const fn summary(mut self, text: &'static str) -> Self {
        self.summary = text;
        self
    }

    /// Where it runs and how to get there.
    pub const fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// Absolute paths, any of which proves that a machine runs this deployment: a directory that no other deployment has.
    pub const fn detect(mut self, paths: &'static [&'static str]) -> Self {
        self.detect = paths;
        self
    }

    /// The reverse proxy at the edge. `verify` compares its configuration with the services' [`Service::routes`].
    pub const fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// How a new version goes live.
    pub const fn release(mut self, release: &'static Release) -> Self {
        self.release = Some(release);
        self
    }

    /// What is backed up of its data; names are unique, and all are kept on the same remote.
    pub const fn backups(mut self, sets: &'static [BackupSet]) -> Self {
        self.backups = sets;
        self
    }

    /// How it is taken out of service on purpose.
    pub const fn maintenance(mut self, maintenance: Maintenance) -> Self {
        self.maintenance = maintenance;
        self
    }

    /// Log sources that belong to the host or to jobs, not to one service: journals and files.
    pub const fn logs(mut self, sources: &'static [Log]) -> Self {
        self.logs = sources;
        self
    }

    /// Who is asked, and after how long, in that order.
    pub const fn escalation(mut self, steps: &'static [Escalation]) -> Self {
        self.escalation = steps;
        self
    }

    /// Addresses of people and vendors.
    pub const fn contacts(mut self, contacts: &'static [Contact]) -> Self {
        self.contacts = contacts;
        self
    }

    /// Facts an operator must know that belong to no single service, a sentence each.
    pub const fn notes(mut self, notes: &'static [&'static str]) -> Self {
        self.notes = notes;
        self
    }

    /// What runs by itself at certain times, and what goes wrong when it does not.
    pub const fn jobs(mut self, jobs: &'static [&'static Job]) -> Self {
        self.jobs = jobs;
        self
    }

    /// What can go wrong, in the runbook's order, in place of [`usual::FAILURES`]. A cause that several failures have is
    /// reported as the first one's, so what is particular stands above what is general.
    pub const fn failures(mut self, failures: &'static [&'static Failure]) -> Self {
        self.failures = failures;
        self
    }

    /// What the runbook has an operator do, step by step, beside what every deployment has ([`usual::PROCEDURES`]).
    pub const fn procedures(mut self, procedures: &'static [&'static Procedure]) -> Self {
        self.procedures = procedures;
        self
    }

    /// What the runbook has an operator do, and a verb of opsctl does: it is listed among the procedures, with the command.
    pub const fn verbs(mut self, verbs: &'static [VerbProcedure]) -> Self {
        self.verbs = verbs;
        self
    }

    /// Findings that are known, and left out until a day.
    pub const fn ignores(mut self, ignores: &'static [Ignore]) -> Self {
        self.ignores = ignores;
        self
    }

    /// Where changes of state are sent, beside the [`CHANNELS`] of every deployment.
    pub const fn notify(mut self, channels: &'static [Channel]) -> Self {
        self.notify = channels;
        self
    }

    /// Files that its own health check wrote, and that others read: `check` keeps them up.
    pub const fn status_files(mut self, files: StatusFiles) -> Self {
        self.status_files = Some(files);
        self
    }

    /// Its own channels, and of [`CHANNELS`] those whose name or key it does not use itself.
    pub fn channels(&self) -> impl Iterator<Item = &'static Channel> + use<> {
        let own = self.notify;
        let is_free = move |usual: &&'static Channel| {
            !own.iter().any(|one| one.name == usual.name || (one.key().is_some() && one.key() == usual.key()))
        };
        own.iter().chain(CHANNELS.iter().filter(is_free))
    }

    /// The service of that exact name.
    pub fn service(&self, name: &str) -> Option<&'static Service> {
        self.services.iter().find(|s| s.name == name).copied()
    }

    /// The backup set of that exact name.
    pub fn backup(&self, name: &str) -> Option<&'static BackupSet> {
        self.backups.iter().find(|set| set.name == name)
    }

    /// Its own failures, and after them those that every deployment has ([`usual::EVERYWHERE`]).
    pub fn all_failures(&self) -> impl Iterator<Item = &'static Failure> + use<> {
        self.failures.iter().chain(usual::EVERYWHERE).copied()
    }

    /// The failure that this word means: its slug or one of its other names, in any case of letters.
    pub fn failure(&self, word: &str) -> Option<&'static Failure> {
        let by_slug = self.all_failures().find(|failure| failure.slug.eq_ignore_ascii_case(word));
        by_slug.or_else(|| self.all_failures().find(|failure| failure.is(word)))
    }

    /// Its own procedures, and after them those that every deployment has ([`usual::PROCEDURES`]) and that it has none of its own for.
    pub fn all_procedures(&self) -> impl Iterator<Item = &'static Procedure> + use<> {
        let own = self.procedures;
        let is_free = move |usual: &&'static Procedure| !own.iter().any(|one| one.slug == usual.slug);
        own.iter().copied().chain(usual::PROCEDURES.iter().copied().filter(is_free))
    }

    /// The procedure that this word means: its slug or one of its other names, in any case of letters.
    pub fn procedure(&self, word: &str) -> Option<&'static Procedure> {
        let by_slug = self.all_procedures().find(|procedure| procedure.slug.eq_ignore_ascii_case(word));
        by_slug.or_else(|| self.all_procedures().find(|procedure| procedure.is(word)))
    }

    /// The procedure that this word means and a verb does: its slug or one of its other names, in any case of letters.
    pub fn verb(&self, word: &str) -> Option<&'static VerbProcedure> {
        self.verbs.iter().find(|verb| verb.is(word))
    }

    /// A cause's code as it is printed: `PRIM-DISK-FULL`.
    pub fn code(&self, cause: &Cause) -> String {
        format!("{}-{}", self.name.to_uppercase(), cause.code)
    }

    /// The failure and cause of a code, with or without the deployment's name, in any case of letters.
    pub fn cause(&self, code: &str) -> Option<(&'static Failure, &'static Cause)> {
        let is = |cause: &Cause| cause.code.eq_ignore_ascii_case(code) || self.code(cause).eq_ignore_ascii_case(code);
        self.all_failures().find_map(|failure| Some((failure, failure.causes().find(|cause| is(cause))?)))
    }

    /// All failures that this cause belongs to; those about every service first.
    pub fn failures_of(&self, cause: &'static Cause) -> Vec<&'static Failure> {
        let has = |failure: &&'static Failure| failure.causes().any(|other| std::ptr::eq(other, cause));
        let mut found: Vec<&'static Failure> = self.all_failures().filter(has).collect();
        found.sort_by_key(|failure| !failure.services.is_empty());
        found
    }

    /// Services that ask `service` for something, directly.
    pub fn dependants(&self, service: &Service) -> impl Iterator<Item = &'static Service> {
        let name = service.name;
        self.services.iter().copied().filter(move |s| s.needs.iter().any(|n| n.name == name))
    }
}

/// The machine.
///
/// ```
/// # use opsctl::registry::*;
/// let host = Host::running("Debian 13").address("192.0.2.7").ssh("ssh root@192.0.2.7");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Host {
    /// Address as the runbook states it; `None` where no document does.
    pub address: Option<&'static str>,
    /// The command that opens a shell there.
    pub ssh: Option<&'static str>,
    /// Operating system and size, as documented.
    pub system: &'static str,
}

impl Host {
    /// A machine with this operating system and of this size, as documented: `Debian 13, 2 vCPU, 4 GB`.
    pub const fn running(system: &'static str) -> Self {
        Host { address: None, ssh: None, system }
    }

    /// Address or host name, as the runbook states it.
    pub const fn address(mut self, address: &'static str) -> Self {
        self.address = Some(address);
        self
    }

    /// The command that opens a shell there: `ssh root@192.0.2.7`. It is shown, never run.
    pub const fn ssh(mut self, command: &'static str) -> Self {
        self.ssh = Some(command);
        self
    }
}

/// A step of the escalation.
///
/// ```
/// # use opsctl::registry::*;
/// let second = Escalation::to("the on-call engineer").after_minutes(15).via("+49 30 5550100");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Escalation {
    /// Minutes since the start of the incident; `None` where the runbook states no time.
    pub after_minutes: Option<u32>,
    /// Who is asked.
    pub who: &'static str,
    /// Where they are found.
    pub via: &'static str,
}

impl Escalation {
    /// This person, role or vendor is asked: `on-call`. [`via`](Self::via) must follow.
    pub const fn to(who: &'static str) -> Self {
        Escalation { after_minutes: None, who, via: "" }
    }

    /// Minutes since the start of the incident, where the runbook states a time.
    pub const fn after_minutes(mut self, minutes: u32) -> Self {
        self.after_minutes = Some(minutes);
        self
    }

    /// Where they are found: a page, a channel, an address. Required.
    pub const fn via(mut self, text: &'static str) -> Self {
        self.via = text;
        self
    }
}

/// A person, role or vendor and an address.
///
/// ```
/// # use opsctl::registry::*;
/// let hoster = Contact::new("hoster").at("https://status.example.net");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Contact {
    /// Role, not a name, where the runbook gives one.
    pub who: &'static str,
    /// Mail address, channel or page.
    pub at: &'static str,
}

impl Contact {
    /// A role, not a name, where the runbook gives one: `security team`. [`at`](Self::at) must follow.
    pub const fn new(who: &'static str) -> Self {
        Contact { who, at: "" }
    }

    /// Mail address, channel or page. Required.
    pub const fn at(mut self, address: &'static str) -> Self {
        self.at = address;
        self
    }
}
