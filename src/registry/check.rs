//! Checks of a deployment: what must hold before it may exist.
//!
//! - [`deployment()`] is evaluated in a `const _: () = check::deployment(&MINE);` beside the deployment, so that an invalid one
//!   does not compile; the compiler's message names the record and what is wrong with it. It takes time linear in the size of
//!   the deployment.
//! - [`problems`] is called in a test of one's own, for what needs a walk over the whole: names that are used twice, references
//!   to another deployment's records, regular expressions.
//!
//! ```
//! use opsctl::registry::{DEPLOYMENTS, check};
//!
//! assert_eq!(check::problems(DEPLOYMENTS), Vec::<String>::new());
//! ```

mod backup;
mod causes;
mod failures;
mod notify;
mod procedure;
mod record;
mod release;
mod service;
mod verb;

use self::record::{Message, Record};
use crate::registry::*;

/// Refuses a deployment that lacks something or does not hold together.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN));
/// let refused = std::panic::catch_unwind(|| check::deployment(&MINE)).unwrap_err();
/// assert_eq!(*refused.downcast_ref::<String>().unwrap(), "deployment mine: summary: is empty");
/// ```
///
/// # Panics
/// With the record, the field and what is wrong with it: `service shop: probes: port 8001 is not one of its ports`. In a `const` that
/// is a compile error.
pub const fn deployment(d: &Deployment) {
    let me = Record::new("deployment", d.name);
    me.name();
    me.text("summary", d.summary);
    severities(d, me);
    if d.services.is_empty() {
        me.refuse("services", "there is none");
    }
    me.paths("detect", d.detect);
    me.paths("checks.disk_paths", d.checks.disk_paths);
    usage(&d.checks.disk, me, "checks.disk");
    usage(&d.checks.memory, me, "checks.memory");
    if let Some(c) = &d.checks.certificates {
        if c.fail_days >= c.warn_days {
            me.refuse("checks.certificates", "bounds are not fail < warn");
        }
        if c.port == 0 {
            me.refuse("checks.certificates", "port is 0");
        }
    }
    maintenance(&d.maintenance, me);
    let mut i = 0;
    while i < d.services.len() {
        service::service(d.services[i]);
        service::unique(d.services, i);
        service::needs(d.services, i);
        i += 1;
    }
    let mut i = 0;
    while i < d.backups.len() {
        backup::set(&d.backups[i], d);
        i += 1;
    }
    if let Some(r) = d.release {
        release::release(r, d);
    }
    service::logs(d.logs, me);
    people(d, me);
    notify::channels(d.notify);
    if let Some(files) = &d.status_files {
        notify::status_files(files, me);
    }
    let mut i = 0;
    while i < d.failures.len() {
        causes::failure(d.failures[i]);
        i += 1;
    }
    let mut i = 0;
    while i < usual::EVERYWHERE.len() {
        causes::failure(usual::EVERYWHERE[i]);
        i += 1;
    }
    procedure::procedures(d.procedures, d);
    procedure::procedures(usual::PROCEDURES, d);
    verb::verbs(d);
    let mut i = 0;
    while i < d.ignores.len() {
        Record::new("ignore of", d.ignores[i].code).text("why", d.ignores[i].why);
        i += 1;
    }
}

const fn severities(d: &Deployment, me: Record<'_>) {
    if d.severities.is_empty() {
        me.refuse("severities", "there is none");
    }
    let mut i = 0;
    while i < d.severities.len() {
        let level = d.severities[i];
        let me = Record::new("severity", level.id);
        me.text("id", level.id);
        me.text("criterion", level.criterion);
        me.text("response", level.response);
        me.text("action", level.action);
        if let Some(m) = &level.mttr
            && (m.detect_seconds == 0 || m.mitigate_seconds == 0 || m.recover_seconds == 0 || m.total_seconds == 0)
        {
            me.refuse("mttr", "a repair target is 0 seconds");
        }
        i += 1;
    }
}

const fn people(d: &Deployment, me: Record<'_>) {
    let mut i = 0;
    while i < d.escalation.len() {
        me.text("escalation.who", d.escalation[i].who);
        Record::new("escalation", d.escalation[i].who).text("via", d.escalation[i].via);
        i += 1;
    }
    let mut i = 0;
    while i < d.contacts.len() {
        me.text("contacts.who", d.contacts[i].who);
        Record::new("contact", d.contacts[i].who).text("at", d.contacts[i].at);
        i += 1;
    }
}

const fn maintenance(m: &Maintenance, me: Record<'_>) {
    match m {
        Maintenance::None(instead) => {
            if instead.is_empty() {
                me.refuse("maintenance", "has no mode and names no alternative");
            }
        }
        Maintenance::Page(page) => {
            me.path("maintenance.file", page.file);
            me.path("maintenance.health", page.health);
            me.text("maintenance.message", page.message);
            me.text("maintenance.effect", page.effect);
            if page.retry_after_seconds == 0 {
                me.refuse("maintenance.retry_after_seconds", "is 0");
            }
            own_port(me, "maintenance.port", page.port, page.proxy);
        }
        Maintenance::Stop(stop) => {
            if stop.services.is_empty() {
                me.refuse("maintenance.services", "there is none to stop");
            }
            me.text("maintenance.effect", stop.effect);
        }
    }
}

/// A port that is asked must be one of the service that answers there.
const fn own_port(me: Record<'_>, field: &str, port: u16, s: &Service) {
    if !contains(s.ports, port) {
        Message::of(me, field).add("port ").number(port).add(" is not one of the ports of ").add(s.name).refuse();
    }
}

const fn contains(ports: &[u16], port: u16) -> bool {
    let mut i = 0;
    while i < ports.len() {
        if ports[i] == port {
            return true;
        }
        i += 1;
    }
    false
}

const fn usage(u: &Usage, me: Record<'_>, field: &str) {
    if u.warn_percent == 0 || u.warn_percent >= u.fail_percent || u.fail_percent > 100 {
        me.refuse(field, "bounds are not 0 < warn < fail <= 100");
    }
}

/// A secret in the env file of a service is what that service's reader sees.
fn one_reader(d: &Deployment, place: &str, secret: &Secret, found: &mut Vec<String>) {
    let reads = |s: &&Service| s.env.as_ref().is_some_and(|env| env.paths.contains(&secret.file));
    for s in d.services.iter().copied().filter(reads).filter(|s| s.env_reader() != secret.reader) {
        found.push(format!("{place}: {} is read by {:?} for {}: Secret::read_by", secret.file, s.env_reader(), s.name));
    }
}

/// Everything wrong with these deployments that only a walk over the whole can find, a sentence each; none where they are
/// valid. Call it in a test.
///
/// ```
/// # use opsctl::registry::*;
/// assert_eq!(check::problems(&[&LOCALHOST]), Vec::<String>::new());
/// ```
pub fn problems(deployments: &[&Deployment]) -> Vec<String> {
    let mut found = Vec::new();
    for (i, d) in deployments.iter().enumerate() {
        if deployments[..i].iter().any(|other| other.name == d.name) {
            found.push(format!("two deployments are called {}", d.name));
        }
        for (i, s) in d.services.iter().enumerate() {
            let place = format!("{}/{}", d.name, s.name);
            if d.services[..i].iter().any(|other| other.name == s.name) {
                found.push(format!("{place}: name is used twice"));
            }
            for need in s.needs {
                // Needing only what stands above also rules out cycles.
                if !d.services[..i].iter().any(|other| std::ptr::eq(*other, *need)) {
                    found.push(format!("{place}: needs {}, which is not listed above it", need.name));
                }
            }
            if !d.severities.iter().any(|level| std::ptr::eq(*level, s.severity)) {
                found.push(format!("{place}: severity {} is not one of the deployment's", s.severity.id));
            }
            for secret in s.probes.iter().filter_map(Probe::secret) {
                one_reader(d, &place, secret, &mut found);
            }
            for probe in s.probes {
                if matches!(probe, Probe::LogLine { .. })
                    && !s.managers.iter().any(|m| matches!(m, Manager::Compose(_) | Manager::Docker(_)))
                {
                    found.push(format!("{place}: has a log probe but no container"));
                }
            }
        }
        for (i, set) in d.backups.iter().enumerate() {
            let place = format!("{}/{}", d.name, set.name);
            if d.backups[..i].iter().any(|other| other.name == set.name) {
                found.push(format!("{place}: two backup sets have that name"));
            }
            for credential in set.remote.credentials {
                one_reader(d, &place, &credential.secret, &mut found);
            }
            // One call lists, uploads or reads back all.
            if set.remote.place() != d.backups[0].remote.place() {
                found.push(format!("{place}: has another remote than the other sets of its deployment"));
            }
        }
        failures::problems(d, &mut found);
        procedure::problems(d, &mut found);
        verb::problems(d, &mut found);
        let in_maintenance: Vec<&Service> = match &d.maintenance {
            Maintenance::None(_) => Vec::new(),
            Maintenance::Page(page) => vec![page.proxy],
            Maintenance::Stop(stop) => stop.services.to_vec(),
        };
        for s in in_maintenance {
            if !d.services.iter().any(|own| std::ptr::eq(*own, s)) {
                found
                    .push(format!("{}: its maintenance is about {}, which is not one of its services", d.name, s.name));
            }
        }
        let levels = [d.checks.severity, d.checks.disk_severity];
        for level in levels.into_iter().chain(d.checks.certificates.as_ref().map(|c| c.severity)) {
            if !d.severities.iter().any(|known| std::ptr::eq(*known, level)) {
                found.push(format!("{}: host severity {} is not one of the deployment's", d.name, level.id));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
