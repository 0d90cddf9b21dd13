//! A binary of one's own: the runbook of a shop on one server, compiled in. `cargo run --example own_deployment -- status`

use std::process::ExitCode;

use opsctl::registry::{
    Deployment, Host, HostChecks, Http, Level, Manager, Presence, Probe, Rule, Service, Unit, check,
};

static DOWN: Level = Level::new("P1")
    .criterion("nobody can order")
    .response("now")
    .response_seconds(0)
    .action("restart the shop, then read its log");

static DATABASE: Service = Service::new("database", &DOWN)
    .summary("orders and inventory")
    .severity_reason("the shop answers 500 without it")
    .managers(&[Manager::Systemd(Unit::new("postgresql.service"))])
    .ports(&[5432])
    .probes(&[Probe::postgres(5432).user("shop")])
    .presence(Presence::IfFound("this example runs anywhere"));

static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the web shop")
    .severity_reason("it is all that customers see")
    .managers(&[Manager::Systemd(Unit::new("shop.service").user("shop"))])
    .ports(&[8000])
    .probes(&[Probe::Http(Http::get(8000, "/health", &[Rule::ok(200)]))])
    .needs(&[&DATABASE])
    .presence(Presence::IfFound("this example runs anywhere"));

static MINE: Deployment = Deployment::new("shop", &[&DOWN], &[&DATABASE, &SHOP], HostChecks::new(&DOWN))
    .summary("a web shop on one server")
    .host(Host::running("Debian 13").address("192.0.2.7").ssh("ssh root@192.0.2.7"))
    .detect(&["/srv/shop"]);

// An invalid registry does not compile.
const _: () = check::deployment(&MINE);

fn main() -> ExitCode {
    opsctl::main(&[&MINE])
}
