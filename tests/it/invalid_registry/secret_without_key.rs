//! A secret is a key of a file, not the file.

use opsctl::registry::{Deployment, HostChecks, Level, Probe, Secret, Service, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .ports(&[6379])
    .probes(&[Probe::redis(6379).password(Secret::in_file("/srv/shop/.env"))]);
static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
const _: () = check::deployment(&MINE);

fn main() {}
