//! Registry and host, compared. Pure: what was found in, comparisons out.

use schemars::JsonSchema;
use serde::Serialize;

use crate::host::tools::command::Command;
use crate::host::tools::systemctl::UnitState;
use crate::host::trouble::Trouble;
use crate::judge::health::{About, Check, Health, NO_DETAILS, State};
use crate::observe::logs::destinations::Stated;
use crate::observe::probe::{Answer, Evidence, Holder, Survey};
use crate::registry::{EnvFile, EnvReader, Instances, Manager, Presence, Service, Unit, Verdict};

/// One thing that the registry states and the host shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The service; `null` for the host as a whole.
    pub service: Option<String>,
    /// What was compared.
    pub what: String,
    /// What the registry states.
    pub expected: String,
    /// What the host shows; `null` when it could not be read.
    pub found: Option<String>,
    /// `pass` when they agree, `warn` or `fail` when not, `unknown` when it could not be read.
    pub verdict: Verdict,
    /// Why it could not be read, or what follows from the disagreement.
    pub reason: Option<String>,
    /// The command that shows it.
    pub command: Command,
}

/// Compares all that the registry states of these services with what was found.
pub fn compare(
    services: &[&'static Service],
    evidence: &Evidence,
    health: &Health,
    survey: &Survey,
) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (service, holder) in services.iter().zip(&evidence.holders) {
        if health.absent.iter().any(|(absent, _)| absent.name == service.name) {
            continue;
        }
        let mut of = Of { service, all: &mut all };
        for manager in service.managers {
            match manager {
                Manager::Systemd(unit) => of.unit(unit, evidence, survey),
                Manager::Compose(_) | Manager::Docker(_) => of.container(manager, health, survey),
                Manager::Pm2(_) => of.app(manager, evidence),
            }
        }
        if let Some(env) = &service.env {
            of.env_file(env, survey);
        }
        of.port(holder, health);
        of.routes(survey);
        of.data(survey);
    }
    all.sort_by_key(|comparison| std::cmp::Reverse(comparison.verdict));
    all
}

/// Compares where the registry says that services write with what their managers say.
pub fn logs(stated: Vec<Stated>) -> Vec<Comparison> {
    let one = |stated: Stated| {
        let (found, verdict, reason) = match stated.manager {
            Ok(found) if stated.agree => (Some(found), Verdict::Pass, None),
            Ok(found) => {
                let reason = match found.as_str() {
                    "nowhere" => "nothing records its output",
                    _ => "its log is not at the runbook's path; logs reads the path of its manager",
                };
                (Some(found), Verdict::Fail, Some(reason.to_owned()))
            }
            Err(trouble) => (None, Verdict::Unknown, Some(trouble.to_string())),
        };
        Comparison {
            service: Some(stated.service.to_owned()),
            what: stated.what,
            expected: stated.registry,
            found,
            verdict,
            reason,
            command: stated.command,
        }
    };
    let mut all: Vec<Comparison> = Vec::new();
    for comparison in stated.into_iter().map(one) {
        // A unit that has several names is one unit.
        if !all.contains(&comparison) {
            all.push(comparison);
        }
    }
    all
}

/// The comparisons of one service under construction.
struct Of<'a> {
    service: &'static Service,
    all: &'a mut Vec<Comparison>,
}

impl Of<'_> {
    fn push(
        &mut self,
        what: &str,
        expected: impl Into<String>,
        found: Option<String>,
        verdict: Verdict,
        command: &Command,
    ) {
        self.all.push(Comparison {
            service: Some(self.service.name.to_owned()),
            what: what.to_owned(),
            expected: expected.into(),
            found,
            verdict,
            reason: None,
            command: command.clone(),
        });
    }

    fn because(&mut self, reason: impl Into<String>) {
        if let Some(last) = self.all.last_mut()
            && last.verdict != Verdict::Pass
        {
            last.reason = Some(reason.into());
        }
    }

    /// Two words that must be equal.
    fn equal(&mut self, what: &str, expected: &str, found: &str, command: &Command, consequence: &str) {
        let verdict = if expected == found { Verdict::Pass } else { Verdict::Fail };
        let shown = if found.is_empty() { "nothing" } else { found };
        self.push(what, expected, Some(shown.to_owned()), verdict, command);
        self.because(consequence);
    }

    fn unknown<T>(&mut self, what: &str, expected: impl Into<String>, answer: &Answer<T>, trouble: &Trouble) {
        self.push(what, expected, None, Verdict::Unknown, &answer.command);
        self.because(trouble.to_string());
    }

    fn unit(&mut self, wanted: &Unit, evidence: &Evidence, survey: &Survey) {
        let Some(answer) = &evidence.managers.units else { return };
        let units = match &answer.result {
            Ok(units) => units,
            Err(trouble) => return self.unknown("unit", wanted.name, answer, trouble),
        };
        let names = || std::iter::once(&wanted.name).chain(wanted.aliases);
        let found = names().find_map(|name| units.iter().find(|unit| unit.is(name) && unit.exists()));
        let command = Command::new(["systemctl", "cat", wanted.name]);
        if found.is_some_and(|unit| unit.brief) {
            self.push("unit", wanted.name, None, Verdict::Unknown, &command);
            return self.because(NO_DETAILS);
        }
        let Some(unit) = found else {
            self.push("unit", wanted.name, Some("not found".to_owned()), Verdict::Fail, &command);
            return self.because("nothing starts this service");
        };
        self.equal("unit", "loaded", &unit.load, &command, "systemd cannot load its unit file");
        if wanted.enabled {
            let enabled = ["enabled", "enabled-runtime", "static", "alias", "generated", "indirect"];
            let state = if enabled.contains(&unit.file_state.as_str()) { "enabled" } else { unit.file_state.as_str() };
            self.equal("start at boot", "enabled", state, &command, "it does not start after a reboot");
        }
        let settings = [
            ("User=", wanted.user, &unit.user, "it has other permissions than the runbook assumes"),
            ("WorkingDirectory=", wanted.working_directory, &unit.working_directory, "relative paths lead elsewhere"),
            ("Restart=", wanted.restart, &unit.restart, "it is not restarted after a failure as the runbook assumes"),
        ];
        for (what, expected, found, consequence) in settings {
            if let Some(expected) = expected {
                self.equal(what, expected, found, &command, consequence);
            }
        }
        if unit.reload_needed {
            self.push("unit file", "as loaded", Some("changed on disk".to_owned()), Verdict::Fail, &command);
            self.because("systemd still uses the old one: systemctl daemon-reload");
        }
        self.unit_env(unit, &command);
        self.complaints(unit, survey);
    }

    fn unit_env(&mut self, unit: &UnitState, command: &Command) {
        let Some(env) = self.service.env.as_ref().filter(|_| self.service.managers.len() == 1) else { return };
        let found = unit.environment_files.join(", ");
        // What the application reads by itself stands in no unit file.
        if self.service.env_reader() != EnvReader::Systemd {
            return;
        }
        let fits = env.paths.iter().any(|path| unit.environment_files.iter().any(|file| file == path));
        let home = format!("{}/.env", unit.working_directory.trim_end_matches('/'));
        let is_at_home = env.paths.iter().any(|path| path.starts_with(&home));
        let (verdict, consequence) = match found.is_empty() {
            _ if fits => (Verdict::Pass, ""),
            true if is_at_home => (
                Verdict::Warn,
                "it is in the working directory: if the application reads it, state read_by(EnvReader::Dotenv) in the registry",
            ),
            _ => (Verdict::Fail, "it reads other settings than the runbook assumes"),
        };
        let shown = if found.is_empty() { "nothing".to_owned() } else { found };
        self.push("EnvironmentFile=", env.paths.join(" or "), Some(shown), verdict, command);
        self.because(consequence);
    }

    fn complaints(&mut self, unit: &UnitState, survey: &Survey) {
        let Some(answer) = &survey.complaints else { return };
        match &answer.result {
            Err(trouble) => self.unknown("settings", "valid", answer, trouble),
            Ok(complaints) => {
                let own: Vec<_> = complaints.iter().filter(|c| c.file == unit.fragment).collect();
                if own.is_empty() {
                    self.push("settings", "valid", Some("valid".to_owned()), Verdict::Pass, &answer.command);
                }
                for complaint in own {
                    let verdict = if complaint.is_heeded() { Verdict::Warn } else { Verdict::Fail };
                    let does = if complaint.is_heeded() { "warns of" } else { "ignores" };
                    self.push("settings", "valid", Some(complaint.message.clone()), verdict, &answer.command);
                    self.because(format!("systemd {does} this setting of {}", unit.fragment));
                }
            }
        }
    }

    fn container(&mut self, manager: &Manager, health: &Health, survey: &Survey) {
        if let Manager::Compose(compose) = manager
            && let Some(answer) = survey.projects.get(compose.files)
        {
            match &answer.result {
                Err(trouble) => self.unknown("compose file", compose.service, answer, trouble),
                Ok(project) => {
                    self.equal(
                        "compose project",
                        compose.project,
                        &project.name,
                        &answer.command,
                        "containers are labelled otherwise",
                    );
                    match project.services.get(compose.service) {
                        None => {
                            let names: Vec<&str> = project.services.keys().map(String::as_str).collect();
                            let verdict = Verdict::Fail;
                            self.push(
                                "compose service",
                                compose.service,
                                Some(names.join(", ")),
                                verdict,
                                &answer.command,
                            );
                            self.because("commands of the runbook do not find it");
                        }
                        Some(service) => {
                            self.equal("compose service", compose.service, compose.service, &answer.command, "");
                            let expected = compose.container.unwrap_or("by compose");
                            let found = service.container_name.as_deref().unwrap_or("by compose");
                            self.equal(
                                "container name",
                                expected,
                                found,
                                &answer.command,
                                "commands of the runbook do not find it",
                            );
                        }
                    }
                }
            }
        }
        let judged = health.services.iter().find(|judged| judged.name == self.service.name);
        let of_container = |check: &&Check| matches!(check.about, About::Container | About::NoContainer);
        if let Some(check) = judged.and_then(|judged| judged.checks.iter().find(of_container)) {
            let exists = check.about == About::Container;
            let verdict = match check.verdict {
                Verdict::Unknown => Verdict::Unknown,
                _ if exists => Verdict::Pass,
                _ => Verdict::Fail,
            };
            let found = (verdict != Verdict::Unknown).then(|| if exists { "exists" } else { "not found" }.to_owned());
            let (summary, command) = (check.summary.clone(), check.command.clone());
            self.push("container", manager.unit(), found, verdict, &command);
            self.because(summary);
        }
    }

    fn app(&mut self, manager: &Manager, evidence: &Evidence) {
        let Manager::Pm2(wanted) = manager else { return };
        let Some(answer) = evidence.managers.apps.get(wanted.home) else { return };
        match &answer.result {
            Err(trouble) => self.unknown("pm2 application", wanted.name, answer, trouble),
            Ok(None) => {
                self.push("pm2 application", wanted.name, Some("no daemon".to_owned()), Verdict::Fail, &answer.command);
                self.because(format!("the pm2 daemon of {} is not running", wanted.user));
            }
            Ok(Some(daemon)) => {
                let own: Vec<_> = daemon.processes.iter().filter(|process| process.name == wanted.name).collect();
                let found = if own.is_empty() { "not found" } else { wanted.name };
                self.equal("pm2 application", wanted.name, found, &answer.command, "pm2 does not know it");
                let Some(first) = own.first() else { return };
                let (mode, count) = match wanted.instances {
                    Instances::Fork => (false, Some(1)),
                    Instances::Cluster(count) => (true, Some(usize::from(count))),
                    Instances::ClusterMax => (true, None),
                };
                let word = |cluster| if cluster { "cluster" } else { "fork" };
                self.equal("pm2 mode", word(mode), word(first.cluster), &answer.command, "a reload interrupts it");
                if let Some(count) = count {
                    let verdict = if count == own.len() { Verdict::Pass } else { Verdict::Warn };
                    let found = Some(own.len().to_string());
                    self.push("pm2 instances", count.to_string(), found, verdict, &answer.command);
                    self.because("it has another capacity than planned");
                }
            }
        }
    }

    fn env_file(&mut self, env: &EnvFile, survey: &Survey) {
        let Some(answer) = survey.env_files.get(self.service.name) else { return };
        let facts = match &answer.result {
            Ok(facts) => facts,
            Err(Trouble::Unavailable(missing)) => {
                let verdict = match self.service.presence {
                    Presence::Required => Verdict::Fail,
                    Presence::IfFound(_) | Presence::Elsewhere(_) => Verdict::Warn,
                };
                self.push("env file", env.paths.join(" or "), Some("not found".to_owned()), verdict, &answer.command);
                return self.because(missing.clone());
            }
            Err(trouble) => return self.unknown("env file", env.paths.join(" or "), answer, trouble),
        };
        if let Some(owner) = env.owner {
            self.equal(
                "env file owner",
                owner,
                &facts.owner,
                &answer.command,
                "others can change or cannot read its secrets",
            );
        }
        let verdict = if facts.mode & !env.mode == 0 { Verdict::Pass } else { Verdict::Fail };
        let found = Some(format!("{:o}", facts.mode));
        self.push("env file mode", format!("{:o} or stricter", env.mode), found, verdict, &answer.command);
        self.because(format!("secrets in {} are open to others", facts.path));
        if env.required.is_empty() {
            return;
        }
        let all = format!("{} keys", env.required.len());
        match &facts.reading {
            None => self.unknown("env keys", all, answer, &Trouble::NeedsRoot("to read key names")),
            Some(reading) => {
                let (missing, unknown) = (reading.lacking(env.required), reading.unknown_among(env.required));
                let (verdict, found) = match (missing.is_empty(), unknown) {
                    (true, None) => (Verdict::Pass, Some("all set".to_owned())),
                    (true, Some(_)) => (Verdict::Unknown, None),
                    (false, _) => (Verdict::Fail, Some(format!("missing {}", missing.join(", ")))),
                };
                // Key names only: a value never leaves the file.
                self.push("env keys", all, found, verdict, &Command::new(["cut", "-d=", "-f1", facts.path]));
                let because = unknown.map(|(key, why)| format!("{key}: {why}")).filter(|_| missing.is_empty());
                let reasons = reading.why_lacking(&missing);
                self.because(because.unwrap_or_else(|| match reasons.is_empty() {
                    true => "the service does not start or does not work without them".to_owned(),
                    false => format!("the service does not start or does not work without them: {reasons}"),
                }));
            }
        }
    }

    fn port(&mut self, holder: &Holder, health: &Health) {
        let (Some(port), Some(manager)) = (self.service.ports.first(), self.service.managers.first()) else { return };
        let command = Command::new(["ss", "-Hltnp", &format!("sport = :{port}")]);
        let expected = manager.unit();
        let what = format!("port {port}");
        let judged = health.services.iter().find(|judged| judged.name == self.service.name);
        if judged.is_some_and(|judged| judged.state == State::Unknown) && *holder != Holder::Own {
            self.push(&what, expected, None, Verdict::Unknown, &command);
            return self.because("its manager did not report its processes");
        }
        match holder {
            Holder::Own => self.push(&what, expected, Some("its own process".to_owned()), Verdict::Pass, &command),
            Holder::Other { pid, name } => {
                self.push(&what, expected, Some(format!("{name} (pid {pid})")), Verdict::Fail, &command);
                self.because("the service cannot listen, or another program answers for it");
            }
            Holder::Elsewhere { at, .. } => {
                let found = at.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                self.push(&what, expected, Some(format!("listens on {found}")), Verdict::Fail, &command);
                self.because("clients of this port do not reach the service");
            }
            // A container's port may be forwarded by the kernel, where nobody listens.
            Holder::Nobody | Holder::Hidden if !matches!(manager, Manager::Systemd(_) | Manager::Pm2(_)) => {}
            Holder::Nobody | Holder::Hidden => {
                self.push(&what, expected, Some("nobody".to_owned()), Verdict::Fail, &command);
                self.because("the service does not listen");
            }
            Holder::Unseen | Holder::Unasked => {
                self.push(&what, expected, None, Verdict::Unknown, &command);
                self.because("needs root to see which process listens");
            }
        }
    }

    fn routes(&mut self, survey: &Survey) {
        let Some(answer) = &survey.routes else { return };
        for route in self.service.routes {
            let what = format!("route {}", route.endpoint());
            let expected = format!("port {}", route.port);
            let found = match &answer.result {
                Ok(found) => found,
                Err(trouble) => return self.unknown(&what, expected, answer, trouble),
            };
            let path = route.path.trim_end_matches('/');
            let own = found.iter().find(|upstream| {
                let theirs = upstream.path.trim_start_matches('^').trim_end_matches('/');
                upstream.host == route.host && theirs == path
            });
            match own {
                Some(upstream) if upstream.port() == Some(route.port) => {
                    self.push(&what, expected, Some(upstream.address.clone()), Verdict::Pass, &answer.command);
                }
                Some(upstream) => {
                    self.push(&what, expected, Some(upstream.address.clone()), Verdict::Fail, &answer.command);
                    self.because("the proxy has another upstream for this host");
                }
                None => {
                    self.push(&what, expected, Some("no such route".to_owned()), Verdict::Warn, &answer.command);
                    self.because("it cannot be reached from outside under this name");
                }
            }
        }
    }

    fn data(&mut self, survey: &Survey) {
        for data in self.service.data {
            let Some(answer) = survey.data.get(data.path) else { continue };
            let what = format!("data {}", data.path);
            match &answer.result {
                Err(trouble) => self.unknown(&what, "exists", answer, trouble),
                Ok(true) => self.push(&what, "exists", Some("exists".to_owned()), Verdict::Pass, &answer.command),
                Ok(false) => {
                    let found = Some("missing, empty or of another type".to_owned());
                    self.push(&what, "exists", found, Verdict::Fail, &answer.command);
                    self.because(data.what);
                }
            }
        }
    }
}
