//! A service that must be there, with nobody who could say whether it is.

use opsctl::registry::{Deployment, HostChecks, Level, Service, check};

static DOWN: Level =
    Level { id: "down", criterion: "c", response: "now", response_seconds: Some(0), action: "a", mttr: None };
static SHOP: Service = Service::new("shop", "the shop", &DOWN, "it is all there is");
static MINE: Deployment = Deployment::new("mine", "my own server", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN));
const _: () = check::deployment(&MINE);

fn main() {}
