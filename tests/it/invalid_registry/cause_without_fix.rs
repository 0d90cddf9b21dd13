//! A cause says what to do.

use opsctl::registry::{Cause, Clue, Deployment, Failure, HostChecks, Level, Manager, Service, Unit, check};

static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
static SLOW: Failure = Failure::new("slow", &[&[&OVERLOAD]]).summary("the shop is slow").section("3. Slow");
static OVERLOAD: Cause =
    Cause::new("OVERLOAD", Clue::Load).summary("the host is overloaded").explanation("too many visitors");
static MINE: Deployment =
    Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server").failures(&[&SLOW]);
const _: () = check::deployment(&MINE);

fn main() {}
