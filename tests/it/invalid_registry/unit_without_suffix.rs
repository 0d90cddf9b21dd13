//! `systemctl` takes a unit without its suffix, a unit file and the journal do not.

use opsctl::registry::{Deployment, HostChecks, Level, Manager, Service, Unit, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").response_seconds(0).action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop"))]);
static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
const _: () = check::deployment(&MINE);

fn main() {}
