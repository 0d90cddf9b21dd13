//! What is watched on the host itself, and the proxy at its edge.

use crate::registry::severity::Level;
use crate::registry::verdict::Verdict;

/// What is watched on the host itself.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// let checks = HostChecks::new(&DOWN).disk(Usage::warn_at(80).fail_at(90)).disk_paths(&["/", "/srv"]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct HostChecks {
    /// Space and inodes of all file systems that can fill up.
    pub disk: Usage,
    /// Paths whose file systems are shown first, and also where they cannot be written to. All others that can fill up count as
    /// well.
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
    /// Usual bounds: disk 85 and 95 %, `/`, `/var` and `/home` first, memory 90 and 97 %, load 2 for each processor; a failed unit
    /// outside the registry is a warning, and certificates are not looked at. `severity` is that of a failure on the host,
    /// of a full disk as well; it is one of the deployment's levels.
    pub const fn new(severity: &'static Level) -> Self {
        HostChecks {
            disk: Usage::warn_at(85).fail_at(95),
            disk_paths: &["/", "/var", "/home"],
            memory: Usage::warn_at(90).fail_at(97),
            load_per_cpu: 2.0,
            certificates: None,
            failed_units: Verdict::Warn,
            severity,
            disk_severity: severity,
            source: "opsctl's defaults; the runbook states none",
        }
    }

    /// Bounds of space and inodes in use, of each file system that can fill up.
    pub const fn disk(mut self, bounds: Usage) -> Self {
        self.disk = bounds;
        self
    }

    /// Absolute paths whose file systems are shown first, and also where they cannot be written to. All others that can fill up
    /// are watched as well.
    pub const fn disk_paths(mut self, paths: &'static [&'static str]) -> Self {
        self.disk_paths = paths;
        self
    }

    /// Bounds of memory in use: total less available.
    pub const fn memory(mut self, bounds: Usage) -> Self {
        self.memory = bounds;
        self
    }

    /// Load of the last five minutes, divided by the number of processors, above which there is a warning.
    pub const fn load_per_cpu(mut self, load: f32) -> Self {
        self.load_per_cpu = load;
        self
    }

    /// Certificates of the hosts of all [`Route`](crate::registry::Route)s, as the edge on this machine serves them.
    pub const fn certificates(mut self, certificates: Certificates) -> Self {
        self.certificates = Some(certificates);
        self
    }

    /// How a failed systemd unit outside the registry counts: [`Verdict::Warn`] or [`Verdict::Fail`].
    pub const fn failed_units(mut self, verdict: Verdict) -> Self {
        self.failed_units = verdict;
        self
    }

    /// Severity of a full disk, where it differs; one of the deployment's levels.
    pub const fn disk_severity(mut self, severity: &'static Level) -> Self {
        self.disk_severity = severity;
        self
    }

    /// Where the figures come from: which document states them, and which are opsctl's own defaults.
    pub const fn source(mut self, text: &'static str) -> Self {
        self.source = text;
        self
    }
}

/// Bounds in per cent of use; at or above `warn_percent` is a warning, at or above `fail_percent` a failure.
///
/// ```
/// # use opsctl::registry::*;
/// let bounds = Usage::warn_at(80).fail_at(90);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Usage {
    /// Warning bound.
    pub warn_percent: u8,
    /// Failure bound.
    pub fail_percent: u8,
}

impl Usage {
    /// So many per cent in use, or more, are a warning; above 0. [`fail_at`](Self::fail_at) must follow.
    pub const fn warn_at(percent: u8) -> Self {
        Usage { warn_percent: percent, fail_percent: 0 }
    }

    /// So many per cent in use, or more, are a failure: above the bound of the warning, at most 100. Required.
    pub const fn fail_at(mut self, percent: u8) -> Self {
        self.fail_percent = percent;
        self
    }
}

/// Bounds for certificates that are valid for 90 days; those of shorter life are judged by the same fraction of it.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// let edge = Certificates::new(443, &DOWN).warn_days(14);
/// assert_eq!((edge.warn_days, edge.fail_days), (14, 7));
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
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

impl Certificates {
    /// What the edge serves at this port of the loopback interface, usually 443; under 21 days left are a warning, under 7 a
    /// failure of this severity, one of the deployment's levels.
    pub const fn new(port: u16, severity: &'static Level) -> Self {
        Certificates { port, warn_days: 21, fail_days: 7, severity }
    }

    /// Fewer days left than this are a warning; more than [`fail_days`](Self::fail_days).
    pub const fn warn_days(mut self, days: u16) -> Self {
        self.warn_days = days;
        self
    }

    /// Fewer days left than this are a failure.
    pub const fn fail_days(mut self, days: u16) -> Self {
        self.fail_days = days;
        self
    }
}

/// The reverse proxy whose configuration must agree with the routes.
///
/// ```
/// # use opsctl::registry::*;
/// let caddy = Proxy::caddy("/etc/caddy/Caddyfile");
/// let nginx = Proxy::Nginx;
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Proxy {
    /// Caddy, with this Caddyfile. Made by [`Proxy::caddy`].
    #[non_exhaustive]
    Caddy {
        /// Absolute path.
        config: &'static str,
    },
    /// nginx, with whatever `nginx -T` prints.
    Nginx,
}

impl Proxy {
    /// Caddy, with the Caddyfile at this absolute path.
    pub const fn caddy(config: &'static str) -> Self {
        Proxy::Caddy { config }
    }
}
