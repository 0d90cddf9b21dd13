//! A shop on one server whose database is a PostgreSQL of the host itself, with a backup of it: `cargo run --example own_backup -- backup create`

use std::process::ExitCode;

use opsctl::registry::{
    BackupSet, Database, Deployment, Host, HostChecks, Level, Manager, Probe, Remote, Retention, Schedule, Service,
    Source, Unit, check,
};

static DOWN: Level = Level::new("P1")
    .criterion("nobody can order")
    .response("now")
    .response_seconds(0)
    .action("restart the database, then read its log");

static DATABASE: Service = Service::new("database", &DOWN)
    .summary("orders and inventory")
    .severity_reason("the shop answers 500 without it")
    .managers(&[Manager::Systemd(Unit::new("postgresql.service"))])
    .ports(&[5432])
    .probes(&[Probe::postgres(5432).user("postgres")]);

static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the web shop")
    .severity_reason("it is all that customers see")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))])
    .needs(&[&DATABASE]);

static OFFSITE: Remote =
    Remote::new("r2").config("/root/.config/rclone/rclone.conf").bucket("shop-backups").prefix("opsctl");

static BACKUPS: &[BackupSet] =
    &[BackupSet::new("orders", Source::postgres(&DATABASE, Database::Named("shop")), Schedule::daily(3, 0), &OFFSITE)
        .what("orders and inventory")
        .owners(&[&SHOP])
        .retention(Retention::daily(7).weekly(4).monthly(12))];

static MINE: Deployment = Deployment::new("shop", &[&DOWN], &[&DATABASE, &SHOP], HostChecks::new(&DOWN))
    .summary("a web shop with its database on one server")
    .host(Host::running("Debian 13").address("192.0.2.7").ssh("ssh root@192.0.2.7"))
    .detect(&["/srv/shop"])
    .backups(BACKUPS);

// An invalid registry does not compile.
const _: () = check::deployment(&MINE);

fn main() -> ExitCode {
    opsctl::main(&[&MINE])
}
