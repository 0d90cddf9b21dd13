//! A release must be run by services of its own deployment.

use opsctl::registry::{Deployment, HostChecks, Level, Manager, Release, Service, Unit, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").response_seconds(0).action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
static OTHER: Service = Service::new("other", &DOWN).summary("another").severity_reason("nobody needs it");
static RELEASE: Release = Release::new(&[&OTHER]).source(&["/srv/shop"]).branch("main").stays("the database");
static MINE: Deployment =
    Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server").release(&RELEASE);
const _: () = check::deployment(&MINE);

fn main() {}
