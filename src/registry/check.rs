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
mod release;
mod service;

use crate::registry::*;

/// Refuses a deployment that lacks something or does not hold together.
///
/// # Panics
/// With the name of the record and what is wrong with it: `shop: is probed on a port that is not one of its own`. In a `const`
/// that is a compile error.
pub const fn deployment(d: &Deployment) {
    name(d.name, "deployment name must be lower-case letters, digits and dashes");
    text(d.summary, d.name, "summary is empty");
    severities(d);
    if d.services.is_empty() {
        culprit(d.name, "has no services");
    }
    paths(d.detect, d.name, "detect path is not absolute");
    paths(d.checks.disk_paths, d.name, "disk path is not absolute");
    usage(&d.checks.disk, d.name, "disk bounds are not 0 < warn < fail <= 100");
    usage(&d.checks.memory, d.name, "memory bounds are not 0 < warn < fail <= 100");
    if let Some(c) = &d.checks.certificates
        && (c.fail_days >= c.warn_days || c.port == 0)
    {
        culprit(d.name, "certificate bounds are not fail < warn, or the port is 0");
    }
    maintenance(&d.maintenance, d.name);
    let mut i = 0;
    while i < d.services.len() {
        service::service(d.services[i]);
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
    service::logs(d.logs, d.name);
    people(d);
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
    let mut i = 0;
    while i < d.ignores.len() {
        text(d.ignores[i].why, d.ignores[i].code, "is ignored without a reason: Ignore::why");
        i += 1;
    }
}

const fn severities(d: &Deployment) {
    if d.severities.is_empty() {
        culprit(d.name, "has no severities");
    }
    let mut i = 0;
    while i < d.severities.len() {
        let level = d.severities[i];
        text(level.id, d.name, "has a severity without an id");
        text(level.criterion, level.id, "is a severity without a criterion: Level::criterion");
        text(level.response, level.id, "is a severity without a response time: Level::response");
        text(level.action, level.id, "is a severity without a first action: Level::action");
        if let Some(m) = &level.mttr
            && (m.detect_seconds == 0 || m.mitigate_seconds == 0 || m.recover_seconds == 0 || m.total_seconds == 0)
        {
            culprit(level.id, "is a severity with a repair target of 0 seconds");
        }
        i += 1;
    }
}

const fn people(d: &Deployment) {
    let mut i = 0;
    while i < d.escalation.len() {
        text(d.escalation[i].who, d.name, "has an escalation without a recipient");
        text(
            d.escalation[i].via,
            d.escalation[i].who,
            "has an escalation without a way to reach them: Escalation::via",
        );
        i += 1;
    }
    let mut i = 0;
    while i < d.contacts.len() {
        text(d.contacts[i].who, d.name, "has a contact without a name");
        text(d.contacts[i].at, d.contacts[i].who, "is a contact without an address: Contact::at");
        i += 1;
    }
}

const fn maintenance(m: &Maintenance, owner: &str) {
    match m {
        Maintenance::None(instead) => {
            text(instead, owner, "has no maintenance mode and names no alternative");
        }
        Maintenance::Page(page) => {
            absolute(page.file, owner, "has a maintenance page at a path that is not absolute");
            absolute(page.health, owner, "has a maintenance page whose health path does not begin with /");
            text(page.message, owner, "has a maintenance page without a message");
            text(page.effect, owner, "has a maintenance page without its effect on users: Page::effect");
            if page.retry_after_seconds == 0 {
                culprit(owner, "has a maintenance page without a Retry-After");
            }
            own_port(page.port, page.proxy);
        }
        Maintenance::Stop(stop) => {
            if stop.services.is_empty() {
                culprit(owner, "has a maintenance mode that stops nothing");
            }
            text(stop.effect, owner, "has a maintenance mode without its effect on users: Stop::effect");
        }
    }
}

const fn own_port(port: u16, s: &Service) {
    if !contains(s.ports, port) {
        culprit(s.name, "is probed on a port that is not one of its own");
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

const fn usage(u: &Usage, owner: &str, problem: &str) {
    if u.warn_percent == 0 || u.warn_percent >= u.fail_percent || u.fail_percent > 100 {
        culprit(owner, problem);
    }
}

const fn paths(all: &[&str], owner: &str, problem: &str) {
    let mut i = 0;
    while i < all.len() {
        absolute(all[i], owner, problem);
        i += 1;
    }
}

const fn absolute(path: &str, owner: &str, problem: &str) {
    if path.is_empty() || path.as_bytes()[0] != b'/' {
        culprit(owner, problem);
    }
}

const fn text(value: &str, owner: &str, problem: &str) {
    if value.is_empty() {
        culprit(owner, problem);
    }
}

/// A word that is handed to a tool: it must not look like an option or an expression.
const fn argument(value: &str, owner: &str, problem: &str) {
    let bytes = value.as_bytes();
    if bytes.is_empty() || !bytes[0].is_ascii_alphanumeric() {
        culprit(owner, problem);
    }
    let mut i = 0;
    while i < bytes.len() {
        let b = bytes[i];
        if !(b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.' || b == b'@') {
            culprit(owner, problem);
        }
        i += 1;
    }
}

const fn name(value: &str, problem: &str) {
    let bytes = value.as_bytes();
    if bytes.is_empty() || !bytes[0].is_ascii_lowercase() {
        culprit(value, problem);
    }
    let mut i = 0;
    while i < bytes.len() {
        let b = bytes[i];
        if !(b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            culprit(value, problem);
        }
        i += 1;
    }
}

/// `panic!` in a `const` takes one string, so `who: what` is put together by hand.
const fn culprit(who: &str, what: &str) -> ! {
    let mut message = [b' '; 256];
    let mut end = 0;
    let parts = [who.as_bytes(), b": ", what.as_bytes()];
    let mut part = 0;
    while part < parts.len() {
        let mut i = 0;
        while i < parts[part].len() && end < message.len() {
            message[end] = parts[part][i];
            end += 1;
            i += 1;
        }
        part += 1;
    }
    match std::str::from_utf8(message.split_at(end).0) {
        Ok(message) => panic!("{}", message),
        Err(_) => panic!("invalid registry"),
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
