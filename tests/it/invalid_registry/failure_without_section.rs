//! A failure says where it is described.

use opsctl::registry::{Deployment, Failure, HostChecks, Level, Manager, Service, Unit, check, usual};

static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
static SLOW: Failure = Failure::new("slow", &[usual::SERVICE]).summary("the shop is slow");
static MINE: Deployment =
    Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server").failures(&[&SLOW]);
const _: () = check::deployment(&MINE);

fn main() {}
