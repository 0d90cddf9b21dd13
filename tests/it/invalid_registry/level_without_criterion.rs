//! A severity level says when it applies.

use opsctl::registry::{Deployment, HostChecks, Level, Manager, Service, Unit, check};

static DOWN: Level = Level::new("P1").response("now").action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
const _: () = check::deployment(&MINE);

fn main() {}
