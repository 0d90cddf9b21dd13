//! A rule of an HTTP probe that is no pass says what it means.

use opsctl::registry::{Deployment, HostChecks, Http, Level, Probe, Rule, Service, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .ports(&[8000])
    .probes(&[Probe::Http(Http::get(8000, "/health", &[Rule::ok(200), Rule::fail(503)]))]);
static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
const _: () = check::deployment(&MINE);

fn main() {}
