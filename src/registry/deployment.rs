//! A deployment: plain `static` data that everything else reads.
//!
//! Records refer to each other by handle (`&'static Service`, `&'static Level`), never by name, so a dangling reference
//! is the compiler's error. Every record has a `new` that takes what cannot be defaulted; the rest is filled in by record
//! update (`..Service::new(…)`), so that a small deployment stays small and a new field breaks nobody.
//!
//! Failures and procedures are further `static` tables of a deployment: each gets its own file beside
//! `services.rs`, its type in a file of this folder, and a field on [`Deployment`].

use super::backup::BackupSet;
use super::failure::{Cause, Failure, Ignore};
use super::maintenance::Maintenance;
use super::release::Release;
use super::service::{Log, Service};
use super::severity::Level;
use super::usual;
use super::verdict::Verdict;

/// A deployment: one host (or a few alike) and all that its runbook knows.
#[derive(Debug)]
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
    /// How a new version goes live; `None` where the runbook knows of no such thing.
    pub release: Option<&'static Release>,
    /// What is kept of its data; names are unique.
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
    /// What can go wrong, in the runbook's order; the usual where a deployment states nothing. A cause that several failures have is told as the first one's.
    pub failures: &'static [&'static Failure],
    /// Findings that are known, and not told until a day.
    pub ignores: &'static [Ignore],
}

impl Deployment {
    /// A deployment with nothing but a host and its services.
    pub const fn new(
        name: &'static str,
        summary: &'static str,
        severities: &'static [&'static Level],
        services: &'static [&'static Service],
        checks: HostChecks,
    ) -> Self {
        Deployment {
            name,
            summary,
            host: Host { address: None, ssh: None, system: "Linux" },
            detect: &[],
            severities,
            services,
            checks,
            proxy: None,
            release: None,
            backups: &[],
            maintenance: Maintenance::None("stop what users must not reach: opsctl stop SERVICE"),
            logs: &[],
            escalation: &[],
            contacts: &[],
            notes: &[],
            failures: usual::FAILURES,
            ignores: &[],
        }
    }

    /// The service of that exact name.
    pub fn service(&self, name: &str) -> Option<&'static Service> {
        self.services.iter().find(|s| s.name == name).copied()
    }

    /// The backup set of that exact name.
    pub fn backup(&self, name: &str) -> Option<&'static BackupSet> {
        self.backups.iter().find(|set| set.name == name)
    }

    /// The failure that this word means: its slug or one of its other names, in any case of letters.
    pub fn failure(&self, word: &str) -> Option<&'static Failure> {
        let by_slug = self.failures.iter().find(|failure| failure.slug.eq_ignore_ascii_case(word));
        by_slug.or_else(|| self.failures.iter().find(|failure| failure.is(word))).copied()
    }

    /// A cause's code as it is told: `PRIM-DISK-FULL`.
    pub fn code(&self, cause: &Cause) -> String {
        format!("{}-{}", self.name.to_uppercase(), cause.code)
    }

    /// The failure and cause of a code, told with or without the deployment's name, in any case of letters.
    pub fn cause(&self, code: &str) -> Option<(&'static Failure, &'static Cause)> {
        let is = |cause: &Cause| cause.code.eq_ignore_ascii_case(code) || self.code(cause).eq_ignore_ascii_case(code);
        self.failures.iter().find_map(|failure| Some((*failure, failure.causes().find(|cause| is(cause))?)))
    }

    /// Services that ask `service` for something, directly.
    pub fn dependants(&self, service: &Service) -> impl Iterator<Item = &'static Service> {
        let name = service.name;
        self.services.iter().copied().filter(move |s| s.needs.iter().any(|n| n.name == name))
    }
}

/// The machine.
#[derive(Debug)]
pub struct Host {
    /// Address as the runbook states it; `None` where no document does.
    pub address: Option<&'static str>,
    /// The command that opens a shell there.
    pub ssh: Option<&'static str>,
    /// Operating system and size, as documented.
    pub system: &'static str,
}

/// One step of the way upwards.
#[derive(Debug)]
pub struct Escalation {
    /// Minutes since the start of the incident; `None` where the runbook states no time.
    pub after_minutes: Option<u32>,
    /// Who is asked.
    pub who: &'static str,
    /// Where they are found.
    pub via: &'static str,
}

/// A person, role or vendor and an address.
#[derive(Debug)]
pub struct Contact {
    /// Role, not a name, where the runbook gives one.
    pub who: &'static str,
    /// Mail address, channel or page.
    pub at: &'static str,
}

/// What is watched on the host itself.
#[derive(Debug)]
pub struct HostChecks {
    /// Space and inodes of the file systems that hold these paths.
    pub disk: Usage,
    /// Paths for [`HostChecks::disk`]; those that do not exist are passed over.
    pub disk_paths: &'static [&'static str],
    /// Memory in use: total less available.
    pub memory: Usage,
    /// Load of the last five minutes for each processor, above which it is worth a warning.
    pub load_per_cpu: f32,
    /// Certificates of every route's host, as the edge on this machine serves them.
    pub certificates: Option<Certificates>,
    /// How a failed unit outside the registry counts.
    pub failed_units: Verdict,
    /// Severity of a failure that no service explains.
    pub severity: &'static Level,
    /// Severity of a full disk.
    pub disk_severity: &'static Level,
    /// Where the figures come from.
    pub source: &'static str,
}

impl HostChecks {
    /// Usual bounds: disk 85/95 %, memory 90/97 %, load 2 a processor, failed units warn.
    pub const fn new(severity: &'static Level) -> Self {
        HostChecks {
            disk: Usage { warn_percent: 85, fail_percent: 95 },
            disk_paths: &["/", "/var", "/home"],
            memory: Usage { warn_percent: 90, fail_percent: 97 },
            load_per_cpu: 2.0,
            certificates: None,
            failed_units: Verdict::Warn,
            severity,
            disk_severity: severity,
            source: "opsctl's own defaults; the runbook states none",
        }
    }
}

/// Bounds in per cent of use; at or above `warn_percent` is a warning, at or above `fail_percent` a failure.
#[derive(Debug)]
pub struct Usage {
    /// Warning bound.
    pub warn_percent: u8,
    /// Failure bound.
    pub fail_percent: u8,
}

/// Bounds for certificates that are valid for 90 days; those of shorter life are judged by the same fraction of it.
#[derive(Debug)]
pub struct Certificates {
    /// Port of the edge on the loopback interface.
    pub port: u16,
    /// Fewer days left than this is a warning.
    pub warn_days: u16,
    /// Fewer days left than this is a failure.
    pub fail_days: u16,
    /// Severity of a failure.
    pub severity: &'static Level,
}

/// The reverse proxy whose configuration must agree with the routes.
#[derive(Debug)]
pub enum Proxy {
    /// Caddy, with this Caddyfile.
    Caddy {
        /// Absolute path.
        config: &'static str,
    },
    /// nginx, with whatever `nginx -T` prints.
    Nginx,
}
