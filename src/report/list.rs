//! `get`: the registry as lists.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use crate::observe::logs::source;
use crate::registry::{self, Presence, Service};
use crate::ui::Report;
use crate::ui::{Cell, Column, Text};

/// The services of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Services {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// In the registry's order.
    pub services: Vec<ServiceRow>,
}

/// A service, in short.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ServiceRow {
    /// Name.
    pub name: &'static str,
    /// `stated` by a runbook, or `found` on this host.
    pub origin: registry::Origin,
    /// What it does.
    pub summary: &'static str,
    /// Severity level if it is down.
    pub severity: &'static str,
    /// Who manages it; `null` when nothing on the host does.
    pub manager: Option<&'static str>,
    /// The manager's name for it.
    pub unit: Option<&'static str>,
    /// TCP ports, the main one first.
    pub ports: Vec<u16>,
    /// Public host names.
    pub endpoints: Vec<String>,
    /// Services it needs.
    pub needs: Vec<&'static str>,
    /// Where its log lines are.
    pub logs: Vec<String>,
    /// Whether every host of the deployment must have it.
    pub required: bool,
}

impl ServiceRow {
    /// The row of a service.
    pub fn new(service: &'static Service) -> Self {
        let manager = service.managers.first();
        ServiceRow {
            name: service.name,
            origin: service.origin,
            summary: service.summary,
            severity: service.severity.id,
            manager: manager.map(registry::Manager::kind),
            unit: manager.map(registry::Manager::unit),
            ports: service.ports.to_vec(),
            endpoints: service.routes.iter().map(registry::Route::endpoint).collect(),
            needs: service.needs.iter().map(|need| need.name).collect(),
            logs: service.log_sources().iter().map(|log| source::name(Some(service), log)).collect(),
            required: service.presence == Presence::Required,
        }
    }
}

impl Report for Services {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        let mut columns = vec![
            Column::key("NAME"),
            Column::key("SEVERITY"),
            Column::key("MANAGER").rank(3),
            Column::key("UNIT").rank(2),
            Column::key("PORT"),
            Column::prose("ENDPOINT").rank(1),
        ];
        if page.wide {
            columns.extend([Column::prose("NEEDS"), Column::prose("LOGS")]);
        }
        columns.push(Column::prose("SUMMARY"));
        let rows = self.services.iter().map(|row| {
            let mut cells = vec![
                Cell::plain(row.name),
                Cell::plain(row.severity),
                Cell::or_dash(row.manager),
                Cell::or_dash(row.unit),
                Cell::or_dash(row.ports.first()),
                Cell::or_dash(row.endpoints.first()),
            ];
            if page.wide {
                let list = |words: Vec<String>| Cell::or_dash((!words.is_empty()).then(|| words.join(",")));
                cells.push(list(row.needs.iter().map(|need| (*need).to_owned()).collect()));
                cells.push(list(row.logs.clone()));
            }
            cells.push(Cell::plain(row.summary));
            cells
        });
        let rows = rows.collect();
        page.table(&columns, rows);
    }

    fn names(&self) -> Vec<String> {
        self.services.iter().map(|row| row.name.to_owned()).collect()
    }
}

/// The deployments compiled into this binary.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Deployments {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// In the registry's order, `localhost` last.
    pub deployments: Vec<DeploymentRow>,
}

/// A deployment, in short.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeploymentRow {
    /// Name.
    pub name: &'static str,
    /// What it is.
    pub summary: &'static str,
    /// Number of services.
    pub services: usize,
    /// How to get there.
    pub ssh: Option<&'static str>,
    /// Whether this host has it.
    pub here: bool,
}

impl Report for Deployments {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        let rows = self.deployments.iter().map(|row| {
            vec![
                Cell::plain(row.name),
                Cell::plain(if row.here { "yes" } else { "no" }),
                Cell::plain(row.services.to_string()),
                Cell::or_dash(row.ssh),
                Cell::plain(row.summary),
            ]
        });
        let columns = [
            Column::key("NAME"),
            Column::key("HERE"),
            Column::key("SERVICES").rank(2),
            Column::prose("SSH").rank(1),
            Column::prose("SUMMARY"),
        ];
        page.table(&columns, rows.collect());
    }

    fn names(&self) -> Vec<String> {
        self.deployments.iter().map(|row| row.name.to_owned()).collect()
    }
}
