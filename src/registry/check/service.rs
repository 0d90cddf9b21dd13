//! What must hold of services.

use super::record::{Message, Record};
use super::release::is_among;
use super::{contains, own_port};
use crate::registry::*;

/// Of how many things it is checked that none is there twice: the compiler's patience with more ends, and [`problems`](super::problems)
/// reports them among any number of services.
const MOST: usize = 256;

/// Refuses an invalid service.
pub(super) const fn service(s: &Service) {
    let me = Record::new("service", s.name);
    me.name();
    me.text("summary", s.summary);
    me.text("severity_reason", s.severity_reason);
    if matches!(s.presence, Presence::Required) && s.managers.is_empty() && s.probes.is_empty() {
        me.refuse("managers", "is required but has neither a manager nor a probe, so opsctl could not check it");
    }
    let mut i = 0;
    while i < s.ports.len() {
        if s.ports[i] == 0 {
            me.refuse("ports", "one is 0");
        }
        if i < MOST && contains(s.ports.split_at(i).0, s.ports[i]) {
            Message::of(me, "ports").number(s.ports[i]).add(" is stated twice").refuse();
        }
        i += 1;
    }
    let mut i = 0;
    while i < s.routes.len() {
        let route = &s.routes[i];
        me.text("routes.host", route.host);
        me.path("routes.path", route.path);
        own_port(me, "routes", route.port, s);
        i += 1;
    }
    let mut i = 0;
    while i < s.managers.len() {
        manager(&s.managers[i], me);
        i += 1;
    }
    let mut i = 0;
    while i < s.probes.len() {
        probe(&s.probes[i], s, me);
        i += 1;
    }
    if let Some(env) = &s.env {
        if env.paths.is_empty() {
            me.refuse("env", "has no path");
        }
        me.paths("env", env.paths);
        if env.mode & 0o007 != 0 {
            me.refuse("env", "others may read the file");
        }
        let mut i = 0;
        while i < env.settings.len() {
            setting(&env.settings[i], me);
            i += 1;
        }
    }
    let mut i = 0;
    while i < s.data.len() {
        me.text("data.path", s.data[i].path);
        if !matches!(s.data[i].kind, DataKind::Volume) {
            me.path("data.path", s.data[i].path);
        }
        me.text("data.what", s.data[i].what);
        i += 1;
    }
    logs(s.logs, me);
    super::notify::thresholds(s.thresholds, me);
    if let Some(memory) = &s.memory {
        bounds(memory, me);
    }
    if let Some(at_stake) = &s.at_stake {
        me.text("at_stake.path", at_stake.path);
        me.text("at_stake.what", at_stake.what);
    }
}

const fn setting(rule: &Setting, me: Record<'_>) {
    me.word("env.settings.key", rule.key);
    me.text("env.settings.otherwise", rule.otherwise);
    match rule.form {
        Form::Milliseconds(least, most) | Form::Seconds(least, most) | Form::Count(least, most) => {
            if least > most {
                me.refuse("env.settings.form", "its range ends before it begins");
            }
        }
        Form::Word(list) | Form::Host(list) => {
            if list.is_empty() {
                me.refuse("env.settings.form", "nothing satisfies it");
            }
        }
        Form::Url(url) => {
            if url.schemes.is_empty() {
                me.refuse("env.settings.form", "its URL has no scheme");
            }
        }
        Form::MillisecondsBelow(..) | Form::Port(_) | Form::Boolean | Form::Length(_) => {}
    }
}

const fn bounds(memory: &Memory, me: Record<'_>) {
    match (memory.alarm_bytes, memory.limit_bytes) {
        (None, None) => me.refuse("memory", "has no bound: Memory::alarm_bytes or Memory::limit_bytes"),
        (Some(alarm), Some(limit)) if alarm > limit => me.refuse("memory", "its alarm is above its limit"),
        _ => {}
    }
}

/// Sources of log lines, of a service or of a deployment.
pub(super) const fn logs(all: &[Log], me: Record<'_>) {
    let mut i = 0;
    while i < all.len() {
        match &all[i] {
            Log::Journal(unit) => me.word("logs.unit", unit),
            Log::File { path, what } => {
                me.path("logs.path", path);
                me.text("logs.what", what);
            }
            Log::Pm2 { out, error } => {
                me.path("logs.out", out);
                me.path("logs.error", error);
            }
            Log::Container | Log::Copy(_) => {}
        }
        i += 1;
    }
}

/// A value in a file that the registry names.
pub(super) const fn secret(secret: &Secret, me: Record<'_>, field: &str) {
    if secret.file.is_empty() || secret.file.as_bytes()[0] != b'/' {
        Message::of(me, field).add("file of the secret: ").add(secret.file).add(" does not begin with /").refuse();
    }
    if secret.key.is_empty() {
        me.refuse(field, "the secret has no key: Secret::key");
    }
}

/// No two services have one name.
pub(super) const fn unique(services: &[&Service], at: usize) {
    if at < MOST && is_among(services[at], services.split_at(at).0) {
        Record::new("service", services[at].name).refuse("name", "another service has it");
    }
}

/// What a service needs stands above it, which rules out circles as well.
pub(super) const fn needs(services: &[&Service], at: usize) {
    let (above, _) = services.split_at(at);
    let service = services[at];
    let me = Record::new("service", service.name);
    let mut i = 0;
    while i < service.needs.len() {
        if !is_among(service.needs[i], above) {
            let need = service.needs[i].name;
            Message::of(me, "needs").add(need).add(" does not stand above it in the table").refuse();
        }
        i += 1;
    }
}

const fn manager(m: &Manager, me: Record<'_>) {
    match m {
        Manager::Systemd(unit) => {
            me.unit("managers.unit", unit.name);
            let mut i = 0;
            while i < unit.aliases.len() {
                me.unit("managers.aliases", unit.aliases[i]);
                i += 1;
            }
        }
        Manager::Compose(compose) => {
            me.word("managers.project", compose.project);
            me.word("managers.service", compose.service);
            me.paths("managers.files", compose.files);
        }
        Manager::Docker(container) => {
            if container.names.is_empty() {
                me.refuse("managers.container", "has no name");
            }
            let mut i = 0;
            while i < container.names.len() {
                me.word("managers.container", container.names[i]);
                i += 1;
            }
        }
        Manager::Pm2(app) => {
            me.word("managers.app", app.name);
            me.word("managers.user", app.user);
            me.path("managers.home", app.home);
            if app.memory_restart_bytes == 0 {
                me.refuse("managers.memory_restart_bytes", "is 0");
            }
        }
    }
}

const fn probe(p: &Probe, s: &Service, me: Record<'_>) {
    match p {
        Probe::Http(http) => {
            if http.rules.is_empty() {
                me.refuse("probes.rules", "there is none");
            }
            match &http.url {
                Url::Local { port, path } => {
                    own_port(me, "probes", *port, s);
                    me.path("probes.path", path);
                }
                Url::FromEnv(url) => secret(url, me, "probes.url"),
            }
            let mut i = 0;
            while i < http.rules.len() {
                me.text("probes.rules.meaning", http.rules[i].meaning);
                i += 1;
            }
        }
        Probe::Banner { port, prefix } => {
            own_port(me, "probes", *port, s);
            if prefix.is_empty() {
                me.refuse("probes.prefix", "is empty, which accepts anything");
            }
        }
        Probe::Redis { port, password } => {
            own_port(me, "probes", *port, s);
            if let Some(password) = password {
                secret(password, me, "probes.password");
            }
        }
        Probe::Postgres { port, user } => {
            own_port(me, "probes", *port, s);
            me.text("probes.user", user);
        }
        Probe::Mongo { port } | Probe::Any { port } => own_port(me, "probes", *port, s),
        Probe::LogLine { contains, within_seconds } => {
            if contains.is_empty() {
                me.refuse("probes.contains", "is empty, which accepts anything");
            }
            if *within_seconds == 0 {
                me.refuse("probes.within_seconds", "is 0, which nothing can satisfy");
            }
        }
        Probe::DockerEngine => {}
    }
}
