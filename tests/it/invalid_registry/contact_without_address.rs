//! A contact says where they are found.

use opsctl::registry::{Contact, Deployment, HostChecks, Level, Manager, Service, Unit, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN))
    .summary("my own server")
    .contacts(&[Contact::new("operator")]);
const _: () = check::deployment(&MINE);

fn main() {}
