//! A release must be run by services of its own deployment.

use opsctl::registry::{Deployment, HostChecks, Level, Manager, Release, Service, Unit, check};

static DOWN: Level =
    Level { id: "down", criterion: "c", response: "now", response_seconds: Some(0), action: "a", mttr: None };
static SHOP: Service = Service {
    managers: &[Manager::Systemd(Unit::new("shop.service"))],
    ..Service::new("shop", "the shop", &DOWN, "it is all there is")
};
static OTHER: Service = Service::new("other", "another", &DOWN, "nobody needs it");
static RELEASE: Release = Release::new(&["/srv/shop"], "main", &[&OTHER], "the database");
static MINE: Deployment = Deployment {
    release: Some(&RELEASE),
    ..Deployment::new("mine", "my own server", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN))
};
const _: () = check::deployment(&MINE);

fn main() {}
