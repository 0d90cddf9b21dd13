//! A binary of one's own: the runbook of a shop on one server, compiled in. `cargo run --example own_deployment -- status`

use std::process::ExitCode;

use opsctl::registry::{
    Deployment, Host, HostChecks, Http, Level, Manager, Presence, Probe, Rule, Service, Unit, check,
};

static DOWN: Level = Level {
    id: "P1",
    criterion: "nobody can order",
    response: "now",
    response_seconds: Some(0),
    action: "restart the shop, then read its log",
    mttr: None,
};

static DATABASE: Service = Service {
    managers: &[Manager::Systemd(Unit::new("postgresql.service"))],
    ports: &[5432],
    probes: &[Probe::Postgres { port: 5432, user: "shop" }],
    presence: Presence::IfFound("this example runs anywhere"),
    ..Service::new("database", "orders and stock", &DOWN, "the shop answers 500 without it")
};

static SHOP: Service = Service {
    managers: &[Manager::Systemd(Unit { user: Some("shop"), ..Unit::new("shop.service") })],
    ports: &[8000],
    probes: &[Probe::Http(Http::get(8000, "/health", &[Rule::ok(200)]))],
    needs: &[&DATABASE],
    presence: Presence::IfFound("this example runs anywhere"),
    ..Service::new("shop", "the web shop", &DOWN, "it is all that customers see")
};

static MINE: Deployment = Deployment {
    host: Host { address: Some("192.0.2.7"), ssh: Some("ssh root@192.0.2.7"), system: "Debian 13" },
    detect: &["/srv/shop"],
    ..Deployment::new("shop", "a web shop on one server", &[&DOWN], &[&DATABASE, &SHOP], HostChecks::new(&DOWN))
};

// An invalid registry does not compile.
const _: () = check::deployment(&MINE);

fn main() -> ExitCode {
    opsctl::main(&[&MINE])
}
