//! What changed on the host lately: the boot, starts of what is not well, files that decide how it runs, packages, and what
//! opsctl itself did. Read after something was found, and only for that.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use crate::host::exec::ProcessEnd;
use crate::host::system::System;
use crate::host::tools::{dpkg, journalctl};
use crate::host::trouble::failure;
use crate::observe::probe::{Door, ManagerEvidence};
use crate::registry::{Deployment, Manager, Proxy, Service};

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub time: Timestamp,
    /// What, in words.
    pub what: String,
    /// The service that it is about; `None` for the host.
    pub service: Option<&'static str>,
}

/// How much of the end of dpkg's log is read.
const LOG_TAIL: u64 = 64 << 10;

/// What changed since `since` on the host and with these services.
pub fn changes(
    system: &System,
    deployment: &Deployment,
    services: &[&'static Service],
    managers: &ManagerEvidence,
    since: Timestamp,
) -> Vec<Change> {
    let mut found = Vec::new();
    let host = |time: Timestamp, what: String| Change { time, what, service: None };
    let uptime =
        system.read("/proc/uptime").ok().and_then(|text| crate::host::tools::procfs::uptime_seconds(&text).ok());
    if let Some(seconds) = uptime.and_then(|seconds| i64::try_from(seconds).ok()) {
        let booted = system.now().checked_sub(SignedDuration::from_secs(seconds));
        found.extend(booted.ok().map(|time| host(time, "the host was booted".to_owned())));
    }
    let proxy = match &deployment.proxy {
        Some(Proxy::Caddy { config }) => Some(*config),
        Some(Proxy::Nginx) => Some("/etc/nginx/nginx.conf"),
        None => None,
    };
    found.extend(proxy.and_then(|path| Some(host(written(system, path)?, format!("{path} was written")))));
    for service in services {
        let mut paths: Vec<String> = Vec::new();
        paths.extend(service.env.iter().flat_map(|env| env.paths).map(|path| (*path).to_owned()));
        paths.extend(super::unit(service, managers).map(|unit| unit.fragment.clone()));
        for manager in service.managers {
            match manager {
                Manager::Compose(compose) => paths.extend(compose.files.iter().map(|path| (*path).to_owned())),
                Manager::Systemd(_) | Manager::Docker(_) | Manager::Pm2(_) => {}
            }
        }
        let own = |path: String| {
            let what = format!("{path} was written");
            Some(Change { time: written(system, &path)?, what, service: Some(service.name) })
        };
        found.extend(paths.into_iter().filter(|path| !path.is_empty()).filter_map(own));
    }
    found.extend(packages(system, since).into_iter().map(|(time, what)| host(time, what)));
    found.retain(|change| change.time >= since);
    found
}

/// When a file was written last. A change of its owner or mode alone does not count.
fn written(system: &System, path: &str) -> Option<Timestamp> {
    system.metadata(path).ok()?.modified().ok().and_then(|time| Timestamp::try_from(time).ok())
}

/// What dpkg did, by its log, whose times are those of the host's clock on the wall.
fn packages(system: &System, since: Timestamp) -> Vec<(Timestamp, String)> {
    let Ok((log, _)) = system.tail("/var/log/dpkg.log", LOG_TAIL) else { return Vec::new() };
    let log = String::from_utf8_lossy(&log);
    let zone = system.zone();
    let at = |time: &str| -> Option<Timestamp> { zone.to_timestamp(time.parse::<DateTime>().ok()?).ok() };
    let runs = dpkg::runs(&log).into_iter();
    runs.filter_map(|run| Some((at(&run.time)?, run.words()))).filter(|(time, _)| *time >= since).collect()
}

/// How far apart two starts of one crash loop are at most, microseconds. systemd waits for `RestartSec=`, rarely for minutes.
const GAP: i64 = 600 * 1_000_000;

/// Since when systemd starts the unit of this service again and again; `None` where its journal does not tell, and for what
/// another manager runs, none of which keeps that.
pub fn looping_since(door: Door<'_>, service: &Service, managers: &ManagerEvidence) -> Option<Timestamp> {
    let unit = super::unit(service, managers)?;
    let now = door.system.now().as_microsecond();
    let answer = door.ask_with(&journalctl::restarts(&unit.id), |output| match output.exit {
        ProcessEnd::Code(0) => Ok(journalctl::series(&output.stdout, now, GAP)?),
        _ => Err(failure(output)),
    });
    answer.result.ok().flatten().and_then(|time| Timestamp::from_microsecond(time).ok())
}
