//! A maintenance mode says what it means for users.

use opsctl::registry::{Deployment, HostChecks, Level, Maintenance, Manager, Service, Stop, Unit, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN))
    .summary("my own server")
    .maintenance(Maintenance::Stop(Stop::new(&[&SHOP])));
const _: () = check::deployment(&MINE);

fn main() {}
