//! A service that must be there, with nobody who could say whether it is.

use opsctl::registry::{Deployment, HostChecks, Level, Service, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").response_seconds(0).action("a");
static SHOP: Service = Service::new("shop", &DOWN).summary("the shop").severity_reason("it is all there is");
static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
const _: () = check::deployment(&MINE);

fn main() {}
