//! A probe of a port that the service does not have would judge another service.

use opsctl::registry::{Deployment, HostChecks, Http, Level, Probe, Rule, Service, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").response_seconds(0).action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .ports(&[8000])
    .probes(&[Probe::Http(Http::get(8001, "/health", &[Rule::ok(200)]))]);
static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
const _: () = check::deployment(&MINE);

fn main() {}
