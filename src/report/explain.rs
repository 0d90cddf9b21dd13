//! `explain`: everything the registry knows of one thing. Needs no root and no running system.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::backups::SetFacts;
use super::explain_release::ReleaseWay;
use super::list::ServiceRow;
use crate::observe::logs::source;
use crate::program;
use crate::registry::{self, Condition, DataKind, Deployment, Http, Instances, Manager, Presence, Probe, Service, Url};
use crate::ui::Report;
use crate::ui::{Cell, Text, Tone};
use crate::units::bytes;

/// A service, in full.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ServiceFacts {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// The service.
    pub service: ServiceRow,
    /// Why it has its severity.
    pub severity_reason: &'static str,
    /// How soon that severity requires a response.
    pub respond: &'static str,
    /// What is done first.
    pub action: &'static str,
    /// Who starts and stops it, and the settings that must hold.
    pub managers: Vec<String>,
    /// How its health is asked, and what must come back.
    pub probes: Vec<String>,
    /// Services that need it.
    pub dependants: Vec<&'static str>,
    /// Its env file: path, owner and mode.
    pub env_file: Option<String>,
    /// Keys that must be set in it. Values are never shown.
    pub env_keys: Vec<&'static str>,
    /// What it keeps on disk.
    pub data: Vec<String>,
    /// Memory bounds.
    pub memory: Option<String>,
    /// What a restart loses.
    pub restart_loses: Option<&'static str>,
    /// When it is not on a host, why that is no failure.
    pub presence: Option<&'static str>,
    /// Further notes.
    pub note: Option<&'static str>,
}

impl ServiceFacts {
    /// All about a service.
    pub fn new(head: Head, deployment: &Deployment, service: &'static Service) -> Self {
        ServiceFacts {
            head,
            service: ServiceRow::new(service),
            severity_reason: service.severity_reason,
            respond: service.severity.response,
            action: service.severity.action,
            managers: service.managers.iter().map(manager).collect(),
            probes: service.probes.iter().map(probe).collect(),
            dependants: deployment.dependants(service).map(|dependant| dependant.name).collect(),
            env_file: service.env.as_ref().map(|env| {
                let owner = env.owner.map_or_else(String::new, |owner| format!(", {owner}"));
                format!("{}{owner}, mode {:o} or stricter", env.paths.join(" or "), env.mode)
            }),
            env_keys: service.env.as_ref().map(|env| env.required.to_vec()).unwrap_or_default(),
            data: service.data.iter().map(data).collect(),
            memory: service.memory.as_ref().map(memory),
            restart_loses: service.restart_loses,
            presence: match service.presence {
                Presence::Required => None,
                Presence::IfFound(why) | Presence::Elsewhere(why) => Some(why),
            },
            note: service.note,
        }
    }
}

fn manager(manager: &Manager) -> String {
    let mut words = vec![format!("{} {}", manager.kind(), manager.unit())];
    match manager {
        Manager::Systemd(unit) => {
            words.extend(unit.user.map(|user| format!("User={user}")));
            words.extend(unit.working_directory.map(|dir| format!("WorkingDirectory={dir}")));
            words.extend(unit.restart.map(|restart| format!("Restart={restart}")));
            words.push(if unit.enabled { "enabled" } else { "not enabled" }.to_owned());
            if !unit.aliases.is_empty() {
                words.push(format!("elsewhere {}", unit.aliases.join(" or ")));
            }
        }
        Manager::Compose(compose) => {
            words.push(format!("project {}", compose.project));
            words.extend(compose.container.map(|name| format!("container {name}")));
            words.push(format!("file {}", compose.files.join(" or ")));
        }
        Manager::Docker(container) => {
            if let [_, others @ ..] = container.names
                && !others.is_empty()
            {
                words.push(format!("or {}", others.join(" or ")));
            }
        }
        Manager::Pm2(app) => {
            words.push(format!("user {}", app.user));
            words.push(match app.instances {
                Instances::Fork => "one process".to_owned(),
                Instances::Cluster(count) => format!("{count} instances"),
                Instances::ClusterMax => "an instance for each processor".to_owned(),
            });
            words.push(format!("restarted above {}", bytes(app.memory_restart_bytes)));
        }
    }
    words.join(", ")
}

fn probe(probe: &Probe) -> String {
    match probe {
        Probe::Http(http) => http_probe(http),
        Probe::Banner { port, prefix } => format!("port {port} must greet with {prefix}"),
        Probe::Redis { port, password } => {
            let login = password.as_ref().map(|secret| format!(", password {} in {}", secret.key, secret.file));
            format!("redis on port {port} must answer PING with PONG{}", login.unwrap_or_default())
        }
        Probe::Postgres { port, .. } => format!("postgres on port {port} must accept connections"),
        Probe::Mongo { port } => format!("mongodb on port {port} must be a writable primary"),
        Probe::Any { port } => format!("port {port} must take connections"),
        Probe::DockerEngine => "the docker engine must answer its client".to_owned(),
        Probe::LogLine { contains, within_seconds } => {
            format!("its log must have \"{contains}\" within the last {within_seconds} s")
        }
    }
}

fn http_probe(http: &Http) -> String {
    let url = match &http.url {
        Url::Local { port, path } => format!("http://127.0.0.1:{port}{path}"),
        Url::FromEnv(secret) => format!("the URL {} in {}", secret.key, secret.file),
    };
    let host = http.host.map_or_else(String::new, |host| format!(" (Host: {host})"));
    let rules: Vec<String> = http
        .rules
        .iter()
        .map(|rule| {
            let status = rule.status.map_or_else(|| "any status".to_owned(), |status| status.to_string());
            let when: Vec<String> = rule.when.iter().map(condition).collect();
            let when = if when.is_empty() { String::new() } else { format!(" with {}", when.join(" and ")) };
            format!("{status}{when} is {}", super::status::label(rule.verdict))
        })
        .collect();
    format!("GET {url}{host}: {}", rules.join("; "))
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Is(path, wanted) => format!("{path} = {wanted}"),
        Condition::Exists(path) => format!("{path} present"),
        Condition::AtMost(path, bound) => format!("{path} <= {bound}"),
    }
}

fn data(data: &registry::Data) -> String {
    let kind = match data.kind {
        DataKind::Sqlite => "SQLite",
        DataKind::Directory => "directory",
        DataKind::Volume => "volume",
        DataKind::File => "file",
    };
    format!("{kind} {}: {}", data.path, data.what)
}

fn memory(memory: &registry::Memory) -> String {
    let bound = |what: &str, bound: Option<u64>| bound.map(|count| format!("{what} {}", bytes(count)));
    let bounds: Vec<String> =
        [bound("alarm at", memory.alarm_bytes), bound("limit", memory.limit_bytes)].into_iter().flatten().collect();
    format!("{} ({})", bounds.join(", "), memory.source)
}

/// A line for each of these, the key on the first.
fn facts<'a>(page: &mut Text, key: &str, values: impl IntoIterator<Item = &'a str>) {
    for (index, value) in values.into_iter().enumerate() {
        let key = if index == 0 { key } else { "" };
        page.headed(Cell(Tone::Dim, format!("{key:<14}")), &[Cell::plain(value)]);
    }
}

impl Report for ServiceFacts {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        let service = &self.service;
        let title = format!("{} ({})", service.name, self.head.deployment.as_deref().unwrap_or_default());
        page.line(&[Cell(Tone::Strong, title), Cell::plain(format!(": {}", service.summary))]);
        let severity = format!("{}, respond {}: {}", service.severity, self.respond, self.severity_reason);
        facts(page, "severity", [severity.as_str()]);
        facts(page, "first step", [self.action]);
        facts(page, "manager", self.managers.iter().map(String::as_str));
        facts(page, "ports", list(service.ports.iter().map(ToString::to_string)).as_deref());
        facts(page, "endpoints", service.endpoints.iter().map(String::as_str));
        facts(page, "probes", self.probes.iter().map(String::as_str));
        facts(page, "needs", list(service.needs.iter().map(ToString::to_string)).as_deref());
        facts(page, "needed by", list(self.dependants.iter().map(ToString::to_string)).as_deref());
        facts(page, "env file", self.env_file.as_deref());
        facts(page, "env keys", list(self.env_keys.iter().map(ToString::to_string)).as_deref());
        facts(page, "data", self.data.iter().map(String::as_str));
        facts(page, "logs", service.logs.iter().map(String::as_str));
        facts(page, "memory", self.memory.as_deref());
        facts(page, "restart loses", self.restart_loses);
        facts(page, "may be absent", self.presence);
        facts(page, "note", self.note);
    }

    fn names(&self) -> Vec<String> {
        vec![self.service.name.to_owned()]
    }
}

fn list(words: impl Iterator<Item = String>) -> Option<String> {
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// A deployment, in full.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeploymentFacts {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// Name.
    pub name: &'static str,
    /// What it is.
    pub summary: &'static str,
    /// Address of its host.
    pub address: Option<&'static str>,
    /// How to get there.
    pub ssh: Option<&'static str>,
    /// Operating system and size.
    pub system: &'static str,
    /// Paths that prove that a host has it.
    pub detected_by: Vec<&'static str>,
    /// Severity levels, worst first.
    pub severities: Vec<SeverityFacts>,
    /// Services, the most important first.
    pub services: Vec<&'static str>,
    /// Bounds of the host's resources.
    pub bounds: String,
    /// How new versions come; `null` where the registry does not say.
    pub release: Option<ReleaseWay>,
    /// Backups of its data.
    pub backups: Vec<SetFacts>,
    /// How it is taken out of service on purpose.
    pub maintenance: String,
    /// Log sources that belong to no service.
    pub logs: Vec<String>,
    /// Who is asked, and when.
    pub escalation: Vec<String>,
    /// Addresses.
    pub contacts: Vec<String>,
    /// Further notes.
    pub notes: Vec<&'static str>,
}

/// A severity level.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SeverityFacts {
    /// Its name.
    pub id: &'static str,
    /// When it applies.
    pub criterion: &'static str,
    /// How soon it requires a response.
    pub respond: &'static str,
    /// The same in seconds; `null` where it is no fixed time.
    pub respond_seconds: Option<u32>,
    /// What is done first.
    pub action: &'static str,
    /// Target for the whole repair, seconds.
    pub mttr_total_seconds: Option<u32>,
}

impl DeploymentFacts {
    /// All about a deployment.
    pub fn new(head: Head, deployment: &'static Deployment) -> Self {
        let checks = &deployment.checks;
        let certificates = checks
            .certificates
            .as_ref()
            .map(|c| format!("; certificates warn {} days, fail {} days before their end", c.warn_days, c.fail_days));
        DeploymentFacts {
            head,
            name: deployment.name,
            summary: deployment.summary,
            address: deployment.host.address,
            ssh: deployment.host.ssh,
            system: deployment.host.system,
            detected_by: deployment.detect.to_vec(),
            severities: deployment.severities.iter().map(|level| severity(level)).collect(),
            services: deployment.services.iter().map(|service| service.name).collect(),
            bounds: format!(
                "disk warn {}%, fail {}%; memory warn {}%, fail {}%; load warn {} a processor{} ({})",
                checks.disk.warn_percent,
                checks.disk.fail_percent,
                checks.memory.warn_percent,
                checks.memory.fail_percent,
                checks.load_per_cpu,
                certificates.unwrap_or_default(),
                checks.source
            ),
            release: deployment.release.map(ReleaseWay::new),
            backups: deployment.backups.iter().map(SetFacts::new).collect(),
            maintenance: maintenance(&deployment.maintenance),
            logs: deployment
                .logs
                .iter()
                .map(|log| match log {
                    registry::Log::File { path, what } => format!("file:{path} ({what})"),
                    log => source::name(None, log),
                })
                .collect(),
            escalation: deployment.escalation.iter().map(escalation).collect(),
            contacts: deployment.contacts.iter().map(|contact| format!("{}: {}", contact.who, contact.at)).collect(),
            notes: deployment.notes.to_vec(),
        }
    }
}

fn maintenance(maintenance: &registry::Maintenance) -> String {
    match maintenance {
        registry::Maintenance::None(instead) => format!("none; {}", program::called(instead)),
        registry::Maintenance::Page(page) => format!("a page of {}, {}: {}", page.proxy.name, page.file, page.effect),
        registry::Maintenance::Stop(stop) => {
            let names: Vec<&str> = stop.services.iter().map(|service| service.name).collect();
            format!("stops {}: {}", names.join(", "), stop.effect)
        }
    }
}

fn severity(level: &registry::Level) -> SeverityFacts {
    SeverityFacts {
        id: level.id,
        criterion: level.criterion,
        respond: level.response,
        respond_seconds: level.response_seconds,
        action: level.action,
        mttr_total_seconds: level.mttr.as_ref().map(|mttr| mttr.total_seconds),
    }
}

fn escalation(step: &registry::Escalation) -> String {
    match step.after_minutes {
        None => format!("{}: {}", step.who, step.via),
        Some(0) => format!("at once: {}, {}", step.who, step.via),
        Some(minutes) => format!("after {minutes} min: {}, {}", step.who, step.via),
    }
}

impl Report for DeploymentFacts {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        page.line(&[Cell(Tone::Strong, self.name.to_owned()), Cell::plain(format!(": {}", self.summary))]);
        facts(page, "host", [self.system]);
        facts(page, "address", self.address);
        facts(page, "ssh", self.ssh);
        facts(page, "detected by", list(self.detected_by.iter().map(ToString::to_string)).as_deref());
        facts(page, "services", list(self.services.iter().map(ToString::to_string)).as_deref());
        let severities: Vec<String> = self
            .severities
            .iter()
            .map(|level| {
                let target = level.mttr_total_seconds.map(|total| format!(", repaired within {} min", total / 60));
                format!("{}: {}; respond {}{}", level.id, level.criterion, level.respond, target.unwrap_or_default())
            })
            .collect();
        facts(page, "severities", severities.iter().map(String::as_str));
        facts(page, "bounds", [self.bounds.as_str()]);
        let release = self.release.as_ref().map(ReleaseWay::lines).unwrap_or_default();
        facts(page, "releases", release.iter().map(String::as_str));
        let backups: Vec<String> = self.backups.iter().map(SetFacts::line).collect();
        facts(page, "backups", backups.iter().map(String::as_str));
        facts(page, "maintenance", [self.maintenance.as_str()]);
        facts(page, "logs", self.logs.iter().map(String::as_str));
        facts(page, "escalation", self.escalation.iter().map(String::as_str));
        facts(page, "contacts", self.contacts.iter().map(String::as_str));
        facts(page, "notes", self.notes.iter().copied());
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.to_owned()]
    }
}
