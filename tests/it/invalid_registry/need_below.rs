//! What a service needs must stand above it.

use opsctl::registry::{Deployment, HostChecks, Level, Manager, Service, Unit, check};

static DOWN: Level =
    Level { id: "down", criterion: "c", response: "now", response_seconds: Some(0), action: "a", mttr: None };
static DATABASE: Service = Service {
    managers: &[Manager::Systemd(Unit::new("postgresql.service"))],
    ..Service::new("database", "the database", &DOWN, "the shop needs it")
};
static SHOP: Service = Service {
    managers: &[Manager::Systemd(Unit::new("shop.service"))],
    needs: &[&DATABASE],
    ..Service::new("shop", "the shop", &DOWN, "it is all there is")
};
static MINE: Deployment =
    Deployment::new("mine", "my own server", &[&DOWN], &[&SHOP, &DATABASE], HostChecks::new(&DOWN));
const _: () = check::deployment(&MINE);

fn main() {}
