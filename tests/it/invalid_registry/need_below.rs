//! What a service needs must stand above it.

use opsctl::registry::{Deployment, HostChecks, Level, Manager, Service, Unit, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").response_seconds(0).action("a");
static DATABASE: Service = Service::new("database", &DOWN)
    .summary("the database")
    .severity_reason("the shop needs it")
    .managers(&[Manager::Systemd(Unit::new("postgresql.service"))]);
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))])
    .needs(&[&DATABASE]);
static MINE: Deployment =
    Deployment::new("mine", &[&DOWN], &[&SHOP, &DATABASE], HostChecks::new(&DOWN)).summary("my own server");
const _: () = check::deployment(&MINE);

fn main() {}
