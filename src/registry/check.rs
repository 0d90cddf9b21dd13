//! What must hold of a deployment before it may exist.
//!
//! [`deployment`] runs in a `const _: () = …;` beside each table, so that an invalid registry does not compile and the
//! compiler's message names the culprit. It is linear in the size of the table. What needs to walk the graph or compare
//! every pair is in [`problems`], for a test to call.

mod backup;
mod failures;
mod release;

use crate::registry::*;

/// Refuses an invalid deployment at compile time.
///
/// # Panics
/// With the name of the record and what is wrong with it. In a `const` that is a compile error.
pub const fn deployment(d: &Deployment) {
    name(d.name, "deployment name must be lower-case letters, digits and dashes");
    text(d.summary, d.name, "summary is empty");
    if d.severities.is_empty() {
        culprit(d.name, "has no severity levels");
    }
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
        service(d.services[i]);
        needs(d.services, i);
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
}

const fn maintenance(m: &Maintenance, owner: &str) {
    match m {
        Maintenance::None(instead) => {
            text(instead, owner, "has no maintenance mode and does not say what to do instead");
        }
        Maintenance::Page(page) => {
            absolute(page.file, owner, "has a maintenance page at a path that is not absolute");
            absolute(page.health, owner, "has a maintenance page whose health path does not begin with /");
            text(page.message, owner, "has a maintenance page without a message");
            if page.retry_after_seconds == 0 {
                culprit(owner, "has a maintenance page without a Retry-After");
            }
            own_port(page.port, page.proxy);
        }
        Maintenance::Stop(stop) => {
            if stop.services.is_empty() {
                culprit(owner, "has a maintenance mode that stops nothing");
            }
        }
    }
}

const fn service(s: &Service) {
    name(s.name, "service name must be lower-case letters, digits and dashes");
    text(s.summary, s.name, "summary is empty");
    text(s.severity_reason, s.name, "has a severity without a reason");
    if matches!(s.presence, Presence::Required) && s.managers.is_empty() && s.probes.is_empty() {
        culprit(s.name, "is required but has neither a manager nor a probe, so nothing could be said of it");
    }
    let mut i = 0;
    while i < s.ports.len() {
        if s.ports[i] == 0 {
            culprit(s.name, "has port 0");
        }
        i += 1;
    }
    let mut i = 0;
    while i < s.routes.len() {
        let route = &s.routes[i];
        text(route.host, s.name, "has a route without a host");
        absolute(route.path, s.name, "has a route whose path does not begin with /");
        if !contains(s.ports, route.port) {
            culprit(s.name, "has a route to a port that is not one of its own");
        }
        i += 1;
    }
    let mut i = 0;
    while i < s.managers.len() {
        manager(&s.managers[i], s.name);
        i += 1;
    }
    let mut i = 0;
    while i < s.probes.len() {
        probe(&s.probes[i], s);
        i += 1;
    }
    if let Some(env) = &s.env {
        if env.paths.is_empty() {
            culprit(s.name, "has an env file without a path");
        }
        paths(env.paths, s.name, "env file path is not absolute");
        if env.mode & 0o007 != 0 {
            culprit(s.name, "has an env file that others may read");
        }
    }
    let mut i = 0;
    while i < s.data.len() {
        if !matches!(s.data[i].kind, DataKind::Volume) {
            absolute(s.data[i].path, s.name, "has data at a path that is not absolute");
        }
        i += 1;
    }
    let mut i = 0;
    while i < s.logs.len() {
        match &s.logs[i] {
            Log::Journal(unit) => argument(unit, s.name, "has a journal without a unit name"),
            Log::File { path, .. } => absolute(path, s.name, "has a log file at a path that is not absolute"),
            Log::Pm2 { out, error } => {
                absolute(out, s.name, "has a log file at a path that is not absolute");
                absolute(error, s.name, "has a log file at a path that is not absolute");
            }
            Log::Container | Log::Copy(_) => {}
        }
        i += 1;
    }
    if let Some(Memory { alarm_bytes: Some(alarm), limit_bytes: Some(limit), .. }) = &s.memory
        && *alarm > *limit
    {
        culprit(s.name, "has a memory alarm above its limit");
    }
}

/// What a service needs stands above it, which rules out circles as well.
const fn needs(services: &[&Service], at: usize) {
    let (above, _) = services.split_at(at);
    let service = services[at];
    let mut i = 0;
    while i < service.needs.len() {
        if !release::is_among(service.needs[i], above) {
            culprit(service.name, "needs a service that does not stand above it in the table");
        }
        i += 1;
    }
}

const fn manager(m: &Manager, owner: &str) {
    match m {
        Manager::Systemd(unit) => {
            argument(unit.name, owner, "has a unit without a proper name");
            if !has_dot(unit.name) {
                culprit(owner, "has a unit name without its suffix (.service)");
            }
            let mut i = 0;
            while i < unit.aliases.len() {
                if !has_dot(unit.aliases[i]) {
                    culprit(owner, "has a unit alias without its suffix (.service)");
                }
                i += 1;
            }
        }
        Manager::Compose(compose) => {
            argument(compose.project, owner, "has a compose project without a proper name");
            argument(compose.service, owner, "has a compose service without a proper name");
            paths(compose.files, owner, "compose file path is not absolute");
        }
        Manager::Docker(container) => {
            if container.names.is_empty() {
                culprit(owner, "has a container without a name");
            }
            let mut i = 0;
            while i < container.names.len() {
                argument(container.names[i], owner, "has a container without a proper name");
                i += 1;
            }
        }
        Manager::Pm2(app) => {
            argument(app.name, owner, "has a pm2 application without a proper name");
            argument(app.user, owner, "has a pm2 application without a user");
            absolute(app.home, owner, "has a PM2_HOME that is not absolute");
        }
    }
}

const fn probe(p: &Probe, s: &Service) {
    match p {
        Probe::Http(http) => {
            if http.rules.is_empty() {
                culprit(s.name, "has an HTTP probe without rules");
            }
            if let Url::Local { port, path } = &http.url {
                own_port(*port, s);
                absolute(path, s.name, "has an HTTP probe whose path does not begin with /");
            }
        }
        Probe::Banner { port, prefix } => {
            own_port(*port, s);
            text(prefix, s.name, "has a banner probe that accepts anything");
        }
        Probe::Redis { port, .. } | Probe::Postgres { port, .. } | Probe::Mongo { port } => own_port(*port, s),
        Probe::LogLine { contains, within_seconds } => {
            text(contains, s.name, "has a log probe that accepts anything");
            if *within_seconds == 0 {
                culprit(s.name, "has a log probe that nothing can satisfy");
            }
        }
        Probe::DockerEngine => {}
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

const fn has_dot(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'.' {
            return true;
        }
        i += 1;
    }
    false
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

/// Everything wrong with these deployments that only a walk over the whole can find, one sentence each. Empty when all is
/// well. Call it in a test.
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
            // One call lists, uploads or reads back all.
            if set.remote.place() != d.backups[0].remote.place() {
                found.push(format!("{place}: is not kept where the others of its deployment are"));
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
