//! A release says what a rollback does not undo.

use opsctl::registry::{Deployment, HostChecks, Level, Manager, Release, Service, Unit, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
static RELEASE: Release = Release::new(&[&SHOP]).source(&["/srv/shop"]).branch("main");
static MINE: Deployment =
    Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server").release(&RELEASE);
const _: () = check::deployment(&MINE);

fn main() {}
