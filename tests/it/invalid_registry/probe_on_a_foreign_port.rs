//! A probe of a port that the service does not have would judge another service.

use opsctl::registry::{Deployment, HostChecks, Http, Level, Probe, Rule, Service, check};

static DOWN: Level =
    Level { id: "down", criterion: "c", response: "now", response_seconds: Some(0), action: "a", mttr: None };
static SHOP: Service = Service {
    ports: &[8000],
    probes: &[Probe::Http(Http::get(8001, "/health", &[Rule::ok(200)]))],
    ..Service::new("shop", "the shop", &DOWN, "it is all there is")
};
static MINE: Deployment = Deployment::new("mine", "my own server", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN));
const _: () = check::deployment(&MINE);

fn main() {}
