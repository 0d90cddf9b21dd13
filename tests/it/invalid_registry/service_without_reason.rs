//! A service says why it has its severity.

use opsctl::registry::{Deployment, HostChecks, Level, Manager, Service, Unit, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
static SHOP: Service =
    Service::new("shop", &DOWN).summary("the shop").managers(&[Manager::Systemd(Unit::new("shop.service"))]);
static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
const _: () = check::deployment(&MINE);

fn main() {}
