//! `status`: what is wrong first, then every service, then the host.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::checked::CheckedFacts;
use super::discover::Unstated;
use super::lock::LockState;
use super::maintenance::StandingFacts;
use super::problem::{
    Noticed, Problem, absent_problem, backup_problem, checked_problems, noticed_problems, problems, run_problem,
    unfinished_problem,
};
use crate::action::lock::{Holder, Note};
use crate::judge::freshness::Freshness;
use crate::judge::health::{About, Check, Health, HostHealth, SKIPPED, ServiceHealth, State};
use crate::observe::logs::line::Said;
use crate::procedure::journal::Journal;
use crate::program;
use crate::registry::{Deployment, Origin, Service, Verdict};
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};
use crate::units::{age, bytes, stamp};

/// The roll-up of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Status {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// The worst problem; `null` when there is none.
    pub worst: Option<Problem>,
    /// How recent the newest verified copy of each backup set is, as this host recorded it; empty where it never made any.
    pub backups: Vec<Freshness>,
    /// How often `check` runs, and what it could not send; `null` where no check was recorded, or the record is root's alone.
    pub checks: Option<CheckedFacts>,
    /// Maintenance state; `null` when it is off. Services that it stopped are no problem.
    pub maintenance: Option<StandingFacts>,
    /// Every problem that no other explains, worst first, [`Status::worst`] included.
    pub problems: Vec<Problem>,
    /// Services on this host: worst first, those that another's failure explains directly after it.
    pub services: Vec<ServiceHealth>,
    /// Services of the deployment that are not on this host, and why that is no failure.
    pub absent: Vec<Absent>,
    /// What runs here and is in no registry; `null` on `localhost`, whose services are what runs there, and when only some were asked
    /// for.
    pub unstated: Option<Unstated>,
    /// Lock: whether a change is under way or unfinished.
    pub lock: LockState,
    /// The host; `null` when only some services were asked for.
    pub host_resources: Option<HostHealth>,
    /// What a screen shows of earlier checks.
    #[serde(skip)]
    pub watched: Watched,
}

/// What differs from earlier checks.
#[derive(Debug, Default)]
pub struct Watched {
    /// Names of services and host checks that differ from the check before.
    differs: Vec<String>,
    /// Changes, newest first.
    changes: Vec<String>,
}

/// A service that is not on this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Absent {
    /// Its name.
    pub name: String,
    /// Why that is no failure.
    pub reason: String,
}

/// What is reported beside the health of services and of the host.
#[derive(Debug)]
pub struct Beside {
    /// Who has the lock.
    pub holder: Holder,
    /// Runs of procedures that did not come to their end.
    pub runs: Vec<Journal>,
    /// How recent backups are.
    pub backups: Vec<Freshness>,
    /// What goes wrong later.
    pub noticed: Noticed,
    /// How often `check` runs; `None` where that is not known.
    pub checked: Option<CheckedFacts>,
}

impl Status {
    /// Puts the document together. `head` carries everything but the verdict's consequences.
    /// A service that was `named` and is not on this host is a problem.
    /// A change that did not finish is a problem; one that is under way is reported.
    pub fn new(
        deployment: &Deployment,
        health: Health,
        named: bool,
        beside: Beside,
        head: impl FnOnce(Verdict) -> Head,
    ) -> Self {
        let Beside { holder, runs, backups, noticed, checked } = beside;
        let mut problems = problems(deployment, &health);
        let is_of = |note: &Note, run: &Journal| {
            let mut words = note.what.split(' ');
            words.next() == Some("run") && words.next() == Some(&run.procedure)
        };
        let is_under_way = |run: &&Journal| matches!(&holder, Holder::Held(note) if is_of(note, run));
        problems.extend(runs.iter().filter(|run| !is_under_way(run)).map(|run| run_problem(deployment, run)));
        // Of a procedure its own record says more.
        if let Holder::Unfinished(note) = &holder
            && !runs.iter().any(|run| is_of(note, run))
        {
            problems.push(unfinished_problem(deployment, note));
        }
        problems.extend(
            backups
                .iter()
                .filter(|fresh| fresh.verdict != Verdict::Pass)
                .map(|fresh| backup_problem(deployment, fresh)),
        );
        problems.extend(checked.iter().flat_map(|checked| checked_problems(deployment, checked)));
        problems.extend(noticed_problems(deployment, &health, noticed));
        if named {
            problems.extend(health.absent.iter().map(|(service, reason)| absent_problem(service, reason)));
        }
        let verdict = problems.iter().map(|problem| problem.verdict).max().unwrap_or(Verdict::Pass);
        problems.sort_by_key(|problem| problem.rank(deployment));
        for problem in &mut problems {
            problem.look.clone_from(&problem.next);
        }
        let absent = health.absent.into_iter();
        Status {
            head: head(verdict),
            worst: problems.first().cloned(),
            backups,
            checks: checked,
            maintenance: None,
            problems,
            services: health.services,
            absent: absent.map(|(service, reason)| Absent { name: service.name.to_owned(), reason }).collect(),
            unstated: None,
            lock: holder.into(),
            host_resources: health.host,
            watched: Watched::default(),
        }
    }
}

impl Status {
    /// Marks what differs from an earlier check: `wallet: fail, was pass`.
    pub fn compare(&mut self, earlier: &Status) -> Vec<String> {
        let of = |status: &Status| {
            let services = status.services.iter();
            let services = services.map(|s| (s.name.clone(), s.verdict, s.state.label(), s.restarts));
            let checks = status.host_resources.iter().flat_map(|host| &host.checks);
            let checks = checks.map(|check| (check.source.clone(), check.verdict, "", None));
            services.chain(checks).collect::<Vec<_>>()
        };
        let before = of(earlier);
        let mut changes = Vec::new();
        for (name, verdict, state, restarts) in of(self) {
            let Some((_, was, was_state, was_restarts)) = before.iter().find(|(other, ..)| *other == name) else {
                continue;
            };
            let change = if verdict != *was {
                format!("{name}: {}, was {}", label(verdict), label(*was))
            } else if state != *was_state {
                format!("{name}: {state}, was {was_state}")
            } else if restarts > *was_restarts {
                format!("{name}: restarted by its manager")
            } else {
                continue;
            };
            self.watched.differs.push(name);
            changes.push(change);
        }
        changes
    }

    /// Shows these changes as well, newest first.
    pub fn remember(&mut self, changes: &[String]) {
        self.watched.changes = changes.to_vec();
    }

    /// The name with a mark where it differs from the check before.
    fn marked(&self, name: &str) -> String {
        if self.watched.differs.iter().any(|other| other == name) { format!("* {name}") } else { name.to_owned() }
    }

    /// The worst failed service, whose last log lines are worth reading.
    pub fn failed(&self, deployment: &Deployment) -> Option<&'static Service> {
        let worst = self.worst.as_ref().filter(|worst| worst.verdict == Verdict::Fail)?;
        deployment.service(&worst.subject)
    }

    /// Names the deployment in commands that would otherwise be about another.
    pub fn name_deployment(&mut self, name: &str) {
        for problem in self.worst.iter_mut().chain(&mut self.problems) {
            if let Some(rest) = problem.next.strip_prefix(&program::command("")) {
                problem.next = program::command(format_args!("-d {name} {rest}"));
                problem.look.clone_from(&problem.next);
            }
        }
    }

    /// Adds the last log lines of that service.
    pub fn add_last_words(&mut self, said: &[Said]) {
        for problem in self.worst.iter_mut().chain(self.problems.first_mut()) {
            problem.log = said.to_vec();
        }
    }
}

impl Report for Status {
    fn text(&self, page: &mut Text) {
        self.text_above(page, &[]);
    }

    fn names(&self) -> Vec<String> {
        self.services.iter().map(|service| service.name.clone()).collect()
    }
}

impl Status {
    /// The text without those log lines that follow below it.
    pub(super) fn text_above(&self, page: &mut Text, below: &[Said]) {
        self.headline(page, below);
        self.lock(page);
        if let Some(maintenance) = &self.maintenance {
            let told = format!("maintenance is {}: {}", maintenance.told(), maintenance.summary);
            page.labeled("note", &[Cell(Tone::Strong, told)]);
        }
        let well = self.backups.iter().filter(|fresh| fresh.verdict == Verdict::Pass).count();
        if well > 0 && well == self.backups.len() {
            let oldest = self.backups.iter().filter_map(|fresh| fresh.age_seconds).max().unwrap_or_default();
            let oldest = crate::units::duration(jiff::SignedDuration::from_secs(oldest));
            let told = match well {
                1 => format!("1 verified, {oldest} ago"),
                _ => format!("{well} verified, the oldest {oldest} ago"),
            };
            page.labeled("backups", &[Cell::plain(told)]);
        }
        if let Some(checked) = self.checks.as_ref().filter(|checked| !checked.stopped) {
            page.labeled("checked", &[Cell::plain(checked.words())]);
        }
        for change in &self.watched.changes {
            page.labeled("changed", &[Cell::plain(change.clone())]);
        }
        self.services(page);
        let found = self.services.iter().filter(|service| service.origin == Origin::Found);
        let found: Vec<&str> = found.map(|service| service.name.as_str()).collect();
        if !found.is_empty() {
            page.line(&[Cell(Tone::Dim, format!("found on this host: {}", found.join(", ")))]);
        }
        let (skipped, absent): (Vec<&Absent>, Vec<&Absent>) = self.absent.iter().partition(|it| it.reason == SKIPPED);
        for (what, absent) in [("not started, its condition is not met", skipped), ("not on this host", absent)] {
            let names: Vec<&str> = absent.iter().map(|absent| absent.name.as_str()).collect();
            if !names.is_empty() {
                page.line(&[Cell(Tone::Dim, format!("{what}: {}", names.join(", ")))]);
            }
        }
        if let Some(line) = self.unstated.as_ref().and_then(Unstated::line) {
            page.line(&[Cell(Tone::Dim, line)]);
        }
        if let Some(host) = &self.host_resources {
            self.host(host, page);
        }
    }

    /// A change under way: what is unhealthy may be part of it.
    fn lock(&self, page: &mut Text) {
        if self.lock.state == "held" {
            let words = self.lock.words();
            page.labeled("lock", &[Cell::plain(words)]);
        }
    }

    fn headline(&self, page: &mut Text, below: &[Said]) {
        let verdict = self.head.verdict;
        let place = format!("{} on {}: ", self.head.deployment.as_deref().unwrap_or("?"), self.head.host);
        let word = label(verdict).to_uppercase();
        let Some(worst) = &self.worst else {
            let count = self.services.len();
            let host = if self.host_resources.is_some() { ", host resources within bounds" } else { "" };
            let services = match count {
                0 => format!("no service known to {}", program::name()),
                1 => "1 service healthy".to_owned(),
                _ => format!("{count} services healthy"),
            };
            let healthy = services + host;
            page.outcome(verdict, &word, &[Cell::plain(place + &healthy)]);
            return;
        };
        let summary = format!("{place}{}: {}", worst.subject, worst.summary);
        page.outcome(verdict, &word, &[Cell(Tone::Strong, summary)]);
        let labeled = |page: &mut Text, key: &str, text: String| {
            page.labeled(key, &[Cell::plain(text)]);
        };
        // A warning has time; its severity is in the JSON.
        if verdict != Verdict::Warn {
            labeled(page, "respond", format!("{} ({}: {})", worst.respond, worst.severity, worst.reason));
        }
        if !worst.affects.is_empty() {
            labeled(page, "affects", worst.affects.join(", "));
        }
        for line in worst.log.iter().filter(|line| !below.contains(line)) {
            super::logs::said(page, line);
        }
        if !worst.next.is_empty() {
            page.labeled("next", &[Cell::command(worst.next.clone())]);
        }
        if let Some(others) = self.problems.get(1..).filter(|others| !others.is_empty()) {
            let named =
                |problem: &Problem| format!("{} {} ({})", problem.subject, label(problem.verdict), problem.severity);
            // The row of a service that answers itself does not show what its visitors get.
            let is_hidden = |problem: &&Problem| {
                let is_row =
                    |service: &ServiceHealth| service.name == problem.subject && service.verdict == Verdict::Pass;
                self.services.iter().any(is_row)
            };
            let (hidden, shown): (Vec<&Problem>, Vec<&Problem>) = others.iter().partition(is_hidden);
            if !shown.is_empty() {
                labeled(page, "also", shown.into_iter().map(named).collect::<Vec<_>>().join(", "));
            }
            for problem in hidden {
                labeled(page, "also", format!("{}: {}", named(problem), problem.summary));
            }
        }
    }

    fn services(&self, page: &mut Text) {
        let mut columns = vec![
            Column::key("SERVICE"),
            Column::key("STATE"),
            Column::key("HEALTH"),
            Column::key("UP").rank(1),
            Column::key("RESTARTS").rank(2),
            Column::key("MEMORY").rank(3),
        ];
        if page.wide {
            columns.extend(["SEVERITY", "MANAGER", "UNIT", "PID", "PORT", "ENDPOINT"].map(Column::key));
        }
        columns.push(Column::prose("DETAIL"));
        let rows = self.services.iter().map(|service| {
            let indent = if service.cause.is_some() { "  " } else { "" };
            let up = match service.state {
                State::Running | State::Completed | State::Partial | State::Starting => service.since,
                _ => None,
            };
            let mut row = vec![
                Cell(tone(service.verdict), format!("{indent}{}", self.marked(&service.name))),
                Cell::plain(service.state.label()),
                service.health.map_or_else(
                    || Cell(Tone::Dim, "-".to_owned()),
                    |health| Cell(Tone::Of(health), label(health).to_owned()),
                ),
                Cell::or_dash(up.map(|since| age(since, self.head.time))),
                Cell::or_dash(service.restarts),
                Cell::or_dash(service.memory_bytes.map(bytes)),
            ];
            if page.wide {
                row.extend([
                    Cell::plain(service.severity.clone()),
                    Cell::or_dash(service.manager.clone()),
                    Cell::or_dash(service.unit.clone()),
                    Cell::or_dash(service.pid),
                    Cell::or_dash(service.port),
                    Cell::or_dash(service.endpoint.clone()),
                ]);
            }
            row.push(detail(service, page.wide));
            row
        });
        let rows: Vec<_> = rows.collect();
        page.gap();
        page.table(&columns, rows);
    }

    fn host(&self, host: &HostHealth, page: &mut Text) {
        let mut rows = Vec::new();
        let (certificates, others): (Vec<&Check>, Vec<&Check>) =
            host.checks.iter().partition(|check| check.about == About::Certificate);
        let (bad, good): (Vec<&Check>, Vec<&Check>) =
            certificates.into_iter().partition(|check| check.verdict != Verdict::Pass);
        for check in others.into_iter().chain(bad) {
            rows.push(vec![
                Cell(tone(check.verdict), self.marked(&check.source)),
                Cell(Tone::Of(check.verdict), label(check.verdict).to_owned()),
                Cell::plain(check.summary.clone()),
            ]);
        }
        let soonest = host.certificates.iter().filter(|c| c.verdict == Verdict::Pass).min_by_key(|c| c.not_after);
        if let Some(soonest) = soonest {
            rows.push(vec![
                Cell::plain("certificates"),
                Cell(Tone::Of(Verdict::Pass), label(Verdict::Pass).to_owned()),
                Cell::plain(format!("{} valid, the first to end is {}: {}", good.len(), soonest.host, soonest.summary)),
            ]);
        }
        if let Some(uptime) = host.uptime_seconds.and_then(|seconds| i64::try_from(seconds).ok()) {
            let up = crate::units::duration(jiff::SignedDuration::from_secs(uptime));
            rows.push(vec![Cell::plain("uptime"), Cell(Tone::Dim, "-".to_owned()), Cell::plain(up)]);
        }
        let time = stamp(self.head.time);
        rows.push(vec![Cell::plain("time"), Cell(Tone::Dim, "-".to_owned()), Cell::plain(time)]);
        page.gap();
        page.table(&[Column::key("HOST"), Column::key("STATE"), Column::prose("DETAIL")], rows);
    }
}

/// Failed checks with their source; of a healthy service the answer of its probe.
fn detail(service: &ServiceHealth, wide: bool) -> Cell {
    let told = |check: &Check| format!("{}: {}", check.source, check.summary);
    let wrong: Vec<String> = service.checks.iter().filter(|c| c.verdict != Verdict::Pass).map(told).collect();
    // When a probe has answered, the manager's state is in the columns already.
    let managed = usize::from(!wide && service.manager.is_some() && service.health.is_some());
    let mut text = if wrong.is_empty() {
        service.checks.iter().skip(managed).map(told).collect::<Vec<_>>().join("; ")
    } else {
        wrong.join("; ")
    };
    if let Some(cause) = &service.cause {
        text = format!("because of {cause}: {text}");
    }
    Cell(if wrong.is_empty() { Tone::Dim } else { Tone::Plain }, text)
}

/// The word for an outcome.
pub(super) const fn label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Unknown => "unknown",
        Verdict::Fail => "fail",
    }
}

const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Pass => Tone::Plain,
        other => Tone::Of(other),
    }
}
