//! A backup set says what is in it.

use opsctl::registry::{
    BackupSet, Deployment, HostChecks, Level, Manager, Remote, Schedule, Service, Source, Unit, check,
};

static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
static R2: Remote = Remote::new("r2").config("/root/rclone.conf").bucket("mine").prefix("opsctl");
static BACKUPS: &[BackupSet] =
    &[BackupSet::new("orders", Source::sqlite("/srv/shop/orders.db"), Schedule::daily(3, 0), &R2)];
static MINE: Deployment =
    Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server").backups(BACKUPS);
const _: () = check::deployment(&MINE);

fn main() {}
