//! What must hold of services.

use super::release::is_among;
use super::{absolute, argument, contains, culprit, name, own_port, paths, text};
use crate::registry::*;

/// Refuses an invalid service.
pub(super) const fn service(s: &Service) {
    name(s.name, "service name must be lower-case letters, digits and dashes");
    text(s.summary, s.name, "summary is empty");
    text(s.severity_reason, s.name, "has a severity without a reason");
    if matches!(s.presence, Presence::Required) && s.managers.is_empty() && s.probes.is_empty() {
        culprit(s.name, "is required but has neither a manager nor a probe, so opsctl could not check it");
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
        let mut i = 0;
        while i < env.settings.len() {
            setting(&env.settings[i], s.name);
            i += 1;
        }
    }
    let mut i = 0;
    while i < s.data.len() {
        text(s.data[i].path, s.name, "has data without a path");
        if !matches!(s.data[i].kind, DataKind::Volume) {
            absolute(s.data[i].path, s.name, "has data at a path that is not absolute");
        }
        text(s.data[i].what, s.name, "has data without a description: Data::what");
        i += 1;
    }
    logs(s.logs, s.name);
    if let Some(memory) = &s.memory {
        bounds(memory, s.name);
    }
    if let Some(at_stake) = &s.at_stake {
        text(at_stake.path, s.name, "has a number at stake without a path");
        text(at_stake.what, s.name, "has a number at stake without a description: AtStake::what");
    }
}

const fn setting(rule: &Setting, owner: &str) {
    argument(rule.key, owner, "has a rule for a setting without its key");
    text(rule.otherwise, owner, "has a rule for a setting without its effect: Setting::otherwise");
    match rule.form {
        Form::Milliseconds(least, most) | Form::Seconds(least, most) | Form::Count(least, most) => {
            if least > most {
                culprit(owner, "has a rule for a setting whose range ends before it begins");
            }
        }
        Form::Word(list) | Form::Host(list) => {
            if list.is_empty() {
                culprit(owner, "has a rule for a setting that nothing satisfies");
            }
        }
        Form::Url(url) => {
            if url.schemes.is_empty() {
                culprit(owner, "has a rule for a URL without a scheme");
            }
        }
        Form::MillisecondsBelow(..) | Form::Port(_) | Form::Boolean | Form::Length(_) => {}
    }
}

const fn bounds(memory: &Memory, owner: &str) {
    match (memory.alarm_bytes, memory.limit_bytes) {
        (None, None) => culprit(owner, "has memory bounds without a bound: Memory::alarm_bytes or Memory::limit_bytes"),
        (Some(alarm), Some(limit)) if alarm > limit => culprit(owner, "has a memory alarm above its limit"),
        _ => {}
    }
}

/// Sources of log lines, of a service or of a deployment.
pub(super) const fn logs(all: &[Log], owner: &str) {
    let mut i = 0;
    while i < all.len() {
        match &all[i] {
            Log::Journal(unit) => argument(unit, owner, "has a journal without a unit name"),
            Log::File { path, what } => {
                absolute(path, owner, "has a log file at a path that is not absolute");
                text(what, owner, "has a log file without a description: Log::what");
            }
            Log::Pm2 { out, error } => {
                absolute(out, owner, "has a log file at a path that is not absolute");
                absolute(error, owner, "has a log file at a path that is not absolute");
            }
            Log::Container | Log::Copy(_) => {}
        }
        i += 1;
    }
}

/// A value in a file that the registry names.
pub(super) const fn secret(secret: &Secret, owner: &str) {
    absolute(secret.file, owner, "has a secret in a file that is not at an absolute path");
    text(secret.key, owner, "has a secret without its key: Secret::key");
}

/// What a service needs stands above it, which rules out circles as well.
pub(super) const fn needs(services: &[&Service], at: usize) {
    let (above, _) = services.split_at(at);
    let service = services[at];
    let mut i = 0;
    while i < service.needs.len() {
        if !is_among(service.needs[i], above) {
            culprit(service.name, "needs a service that is not above it in the table");
        }
        i += 1;
    }
}

const fn manager(m: &Manager, owner: &str) {
    match m {
        Manager::Systemd(unit) => {
            unit_name(unit.name, owner);
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
            argument(compose.project, owner, "has a compose project with an invalid name");
            argument(compose.service, owner, "has a compose service with an invalid name");
            paths(compose.files, owner, "compose file path is not absolute");
        }
        Manager::Docker(container) => {
            if container.names.is_empty() {
                culprit(owner, "has a container without a name");
            }
            let mut i = 0;
            while i < container.names.len() {
                argument(container.names[i], owner, "has a container with an invalid name");
                i += 1;
            }
        }
        Manager::Pm2(app) => {
            argument(app.name, owner, "has a pm2 application with an invalid name");
            argument(app.user, owner, "has a pm2 application without a user");
            absolute(app.home, owner, "has a PM2_HOME that is not absolute");
            if app.memory_restart_bytes == 0 {
                culprit(owner, "has a pm2 application without App::memory_restart_bytes");
            }
        }
    }
}

const fn probe(p: &Probe, s: &Service) {
    match p {
        Probe::Http(http) => {
            if http.rules.is_empty() {
                culprit(s.name, "has an HTTP probe without rules");
            }
            match &http.url {
                Url::Local { port, path } => {
                    own_port(*port, s);
                    absolute(path, s.name, "has an HTTP probe whose path does not begin with /");
                }
                Url::FromEnv(url) => secret(url, s.name),
            }
            let mut i = 0;
            while i < http.rules.len() {
                text(http.rules[i].meaning, s.name, "has an HTTP rule without a meaning: Rule::meaning");
                i += 1;
            }
        }
        Probe::Banner { port, prefix } => {
            own_port(*port, s);
            text(prefix, s.name, "has a banner probe that accepts anything");
        }
        Probe::Redis { port, password } => {
            own_port(*port, s);
            if let Some(password) = password {
                secret(password, s.name);
            }
        }
        Probe::Postgres { port, user } => {
            own_port(*port, s);
            text(user, s.name, "has a PostgreSQL probe without a user");
        }
        Probe::Mongo { port } | Probe::Any { port } => own_port(*port, s),
        Probe::LogLine { contains, within_seconds } => {
            text(contains, s.name, "has a log probe that accepts anything");
            if *within_seconds == 0 {
                culprit(s.name, "has a log probe that nothing can satisfy");
            }
        }
        Probe::DockerEngine => {}
    }
}

/// A unit's name is handed to tools as well; systemd has escapes in it: `srv-my\x2dshop.service`.
const fn unit_name(value: &str, owner: &str) {
    let bytes = value.as_bytes();
    if bytes.is_empty() || !bytes[0].is_ascii_alphanumeric() {
        culprit(owner, "has a unit with an invalid name");
    }
    let mut i = 0;
    while i < bytes.len() {
        if !bytes[i].is_ascii_alphanumeric() && !matches!(bytes[i], b'-' | b'_' | b'.' | b'@' | b':' | b'+' | b'\\') {
            culprit(owner, "has a unit with an invalid name");
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
