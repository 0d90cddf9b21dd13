//! `systemctl` takes a unit without its suffix, a unit file and the journal do not.

use opsctl::registry::{Deployment, HostChecks, Level, Manager, Service, Unit, check};

static DOWN: Level =
    Level { id: "down", criterion: "c", response: "now", response_seconds: Some(0), action: "a", mttr: None };
static SHOP: Service = Service {
    managers: &[Manager::Systemd(Unit::new("shop"))],
    ..Service::new("shop", "the shop", &DOWN, "it is all there is")
};
static MINE: Deployment = Deployment::new("mine", "my own server", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN));
const _: () = check::deployment(&MINE);

fn main() {}
