//! `discover`: the services of a host, and the evidence for each.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use crate::discover::{self, Found, FoundManager, FoundService, Protocol};
use crate::host::trouble::Trouble;
use crate::program;
use crate::registry::{Deployment, Verdict};
use crate::ui::{Cell, Column, Report, Text};

/// What was found on this host.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Discovery {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// Services, each below those that it needs.
    pub services: Vec<Row>,
    /// Services that the registry of this host's deployment states, and that were not found.
    pub missing: Vec<String>,
    /// Programs that listen and belong to no service.
    pub unmanaged: Vec<Listener>,
    /// How many running units are the distribution's own, and left out.
    pub left_out: usize,
    /// What could not be looked at: there may be more.
    pub unknown: Vec<Unknown>,
    /// Only differences from the registry are listed.
    #[serde(skip)]
    pub is_diff: bool,
}

/// A service.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row {
    /// Its name on the command line.
    pub name: String,
    /// What it is, in its own words.
    pub summary: String,
    /// Who starts and stops it: `systemd`, `compose`, `docker`, `pm2`; `podman`, which no verb acts on.
    pub manager: &'static str,
    /// The manager's own name for it.
    pub unit: String,
    /// Addresses at which it listens.
    pub listens: Vec<String>,
    /// Paths of the sockets at which it listens.
    pub paths: Vec<String>,
    /// What speaks at its main port: `http`, `postgres`, `redis`, `mongodb`, `mysql`, `ssh`, `smtp`, `other`; `null` where that is not
    /// known.
    pub protocol: Option<&'static str>,
    /// Public names, with their paths, that the proxy sends to it.
    pub endpoints: Vec<String>,
    /// Its env files.
    pub env: Vec<String>,
    /// SQLite files that it has open.
    pub data: Vec<String>,
    /// Services that it cannot work without.
    pub needs: Vec<Need>,
    /// Why it is thought to be a service.
    pub why: Vec<String>,
    /// Whether a runbook that is compiled in states it.
    pub stated: bool,
}

/// A service that another cannot work without.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Need {
    /// Its name.
    pub name: String,
    /// Why that is thought so.
    pub why: String,
}

/// A program that listens and belongs to no service.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Listener {
    /// Where.
    pub address: String,
    /// Its name; `null` where it is hidden from this user.
    pub program: Option<String>,
    /// Its process; `null` where it is hidden from this user.
    pub pid: Option<u32>,
}

/// What could not be looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Unknown {
    /// What may be there.
    pub what: &'static str,
    /// Why it is not known.
    pub why: String,
}

impl Row {
    fn new(stated: bool, one: FoundService) -> Self {
        Row {
            stated,
            manager: one.manager.kind(),
            unit: match &one.manager {
                FoundManager::Compose { project, service, .. } => format!("{project}/{service}"),
                manager => manager.unit().to_owned(),
            },
            listens: one.listens.iter().map(ToString::to_string).collect(),
            paths: one.paths,
            needs: one.needs.into_iter().map(|(name, why)| Need { name, why }).collect(),
            endpoints: one
                .routes
                .iter()
                .map(|(host, path, _)| format!("{host}{}", path.trim_end_matches('/')))
                .collect(),
            protocol: one.protocol.map(Protocol::name),
            name: one.name,
            summary: one.summary,
            env: one.env,
            data: one.data,
            why: one.why,
        }
    }
}

/// What runs beside a deployment and is in no registry.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Unstated {
    /// Services.
    pub services: Vec<Row>,
    /// What could not be looked at: there may be more.
    pub unknown: Vec<Unknown>,
}

impl Unstated {
    /// Of what was found beside this deployment.
    pub fn new(deployment: &Deployment, mut found: Found) -> Self {
        discover::keep_unstated(deployment, &mut found);
        // Who may not see ports sees services all the same.
        found.unknown.retain(|(what, _)| *what != discover::PORTS);
        Unstated {
            services: found.services.into_iter().map(|one| Row::new(false, one)).collect(),
            unknown: unknown(found.unknown),
        }
    }

    /// Both in one line, for people; `None` where there is neither.
    pub(super) fn line(&self) -> Option<String> {
        let names = self.services.iter().map(|one| one.name.clone()).collect::<Vec<_>>().join(", ");
        let because =
            self.unknown.iter().map(|one| format!("{}: {}", one.what, one.why)).collect::<Vec<_>>().join("; ");
        match (names.is_empty(), because.is_empty()) {
            (true, true) => None,
            (true, false) => Some(format!("in no registry: not known ({because})")),
            (false, true) => Some(format!("in no registry: {names}")),
            (false, false) => Some(format!("in no registry: {names}; there may be more ({because})")),
        }
    }

    /// All of it as a table.
    pub(super) fn table(&self, page: &mut Text) {
        if let Some(line) = self.line() {
            page.gap();
            page.line(&[Cell::plain(line)]);
        }
        table(page, &self.services);
    }
}

/// For a document.
pub fn unknown(unknown: Vec<(&'static str, Trouble)>) -> Vec<Unknown> {
    unknown.into_iter().map(|(what, why)| Unknown { what, why: why.to_string() }).collect()
}

impl Discovery {
    /// What was found, and what is missing; `is_stated` says which of it a runbook states.
    pub fn new(
        head: Head,
        found: Found,
        missing: Vec<String>,
        is_stated: impl Fn(&FoundService) -> bool,
        is_diff: bool,
    ) -> Self {
        let row = |one: FoundService| Row::new(is_stated(&one), one);
        let listener = |one: crate::discover::Unmanaged| Listener {
            address: one.address.to_string(),
            program: Some(one.program).filter(|name| !name.is_empty()),
            pid: one.pid,
        };
        Discovery {
            head,
            services: found.services.into_iter().map(row).collect(),
            unmanaged: found.unmanaged.into_iter().map(listener).collect(),
            missing,
            is_diff,
            left_out: found.left_out,
            unknown: unknown(found.unknown),
        }
    }
}

/// How many things of one kind are shown of a service; JSON has all.
const SHOWN: usize = 8;

/// Those that are shown, and how many more there are.
fn shown(words: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = words.len().saturating_sub(SHOWN);
    words.take(SHOWN).chain((more > 0).then(|| format!("{more} more"))).collect()
}

/// Addresses for people: a port that everybody finds stands for all addresses.
fn short(listens: &[String]) -> Vec<String> {
    let every = |address: &str| {
        address.strip_prefix("0.0.0.0:").or(address.strip_prefix("[::]:")).map(|port| format!(":{port}"))
    };
    let mut seen = BTreeSet::new();
    let all = listens.iter().map(|address| every(address).unwrap_or_else(|| address.clone()));
    let all: Vec<String> = all.filter(|address| seen.insert(address.clone())).collect();
    shown(all.into_iter())
}

/// Each service, and why it is thought to be one.
fn table(page: &mut Text, rows: &[Row]) {
    let columns = [
        Column::key("NAME"),
        Column::key("MANAGER").rank(3),
        Column::key("UNIT").rank(4),
        Column::prose("LISTENS"),
        Column::prose("NEEDS").rank(2),
        Column::prose("WHY"),
    ];
    let list = |words: Vec<String>| Cell::or_dash((!words.is_empty()).then(|| words.join(", ")));
    let row = |row: &Row| {
        let mut why = row.why.join("; ");
        for path in [&row.endpoints, &row.env, &row.data].into_iter().flat_map(|all| shown(all.iter().cloned())) {
            why.push_str("; ");
            why.push_str(&path);
        }
        vec![
            Cell::plain(&row.name),
            Cell::plain(row.manager),
            Cell::plain(&row.unit),
            list(short(&row.listens).into_iter().chain(shown(row.paths.iter().cloned())).collect()),
            list(shown(row.needs.iter().map(|need| need.name.clone()))),
            Cell::plain(why),
        ]
    };
    if !rows.is_empty() {
        page.table(&columns, rows.iter().map(row).collect());
    }
}

impl Report for Discovery {
    fn text(&self, page: &mut Text) {
        let services = match self.services.len() {
            1 => "1 service".to_owned(),
            count => format!("{count} services"),
        };
        let head = match self.is_diff {
            true => format!(
                "{services} of {} in no registry, {} of the registry not found",
                self.head.host,
                self.missing.len()
            ),
            false => format!("{services} on {}; {} of the distribution left out", self.head.host, self.left_out),
        };
        page.line(&[Cell::plain(head)]);
        for name in &self.missing {
            page.outcome(
                Verdict::Fail,
                "missing",
                &[Cell::plain(format!("{name}: in the registry, not found on this host"))],
            );
        }
        for one in &self.unknown {
            page.outcome(Verdict::Unknown, "unknown", &[Cell::plain(format!("{}: {}", one.what, one.why))]);
        }
        page.gap();
        table(page, &self.services);
        if !self.unmanaged.is_empty() && !self.is_diff {
            page.gap();
            let mut programs: Vec<(&Listener, Vec<String>)> = Vec::new();
            let mut known: BTreeMap<u32, usize> = BTreeMap::new();
            for one in &self.unmanaged {
                let at = one.pid.map_or(programs.len(), |pid| *known.entry(pid).or_insert(programs.len()));
                match programs.get_mut(at) {
                    Some((_, listens)) => listens.push(one.address.clone()),
                    None => programs.push((one, vec![one.address.clone()])),
                }
            }
            for (one, listens) in programs {
                let who = one.program.as_deref().unwrap_or("a program that is hidden from this user");
                let listens = shown(listens.into_iter()).join(", ");
                page.line(&[Cell::plain(format!("no service: {who} listens on {listens}"))]);
            }
        }
        page.gap();
        page.labeled("next", &[Cell::command(program::command("discover -o rust"))]);
    }

    fn names(&self) -> Vec<String> {
        self.services.iter().map(|row| row.name.clone()).collect()
    }
}
