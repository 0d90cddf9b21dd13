//! What a constructor cannot ask for is refused by name where it is missing. One crate for all, because each is compiled by itself.

use opsctl::registry::*;

static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
static LEVELS: &[&Level] = &[&DOWN];
static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
static R2: Remote = Remote::new("r2").config("/root/rclone.conf").bucket("mine").prefix("opsctl");

/// A deployment of these services, in which nothing is missing.
const fn mine(services: &'static [&'static Service]) -> Deployment {
    Deployment::new("mine", LEVELS, services, HostChecks::new(&DOWN)).summary("my own server")
}

/// A backup set says what is in it.
static BACKUP_WITHOUT_WHAT: Deployment = mine(&[&SHOP]).backups(BACKUPS);
static BACKUPS: &[BackupSet] =
    &[BackupSet::new("orders", Source::sqlite("/srv/shop/orders.db"), Schedule::daily(3, 0), &R2)];
const _: () = check::deployment(&BACKUP_WITHOUT_WHAT);

/// A cause says what to do.
static CAUSE_WITHOUT_FIX: Deployment = mine(&[&SHOP]).failures(&[&OVERLOADED]);
static OVERLOADED: Failure = Failure::new("slow", &[&[&OVERLOAD]]).summary("the shop is slow").section("3. Slow");
static OVERLOAD: Cause =
    Cause::new("OVERLOAD", Clue::Load).summary("the host is overloaded").explanation("too many visitors");
const _: () = check::deployment(&CAUSE_WITHOUT_FIX);

/// A contact says where they are found.
static CONTACT_WITHOUT_ADDRESS: Deployment = mine(&[&SHOP]).contacts(&[Contact::new("operator")]);
const _: () = check::deployment(&CONTACT_WITHOUT_ADDRESS);

/// A failure says where it is described.
static FAILURE_WITHOUT_SECTION: Deployment = mine(&[&SHOP]).failures(&[&SLOW]);
static SLOW: Failure = Failure::new("slow", &[usual::SERVICE]).summary("the shop is slow");
const _: () = check::deployment(&FAILURE_WITHOUT_SECTION);

/// A severity level says when it applies.
static LEVEL_WITHOUT_CRITERION: Deployment =
    Deployment::new("mine", &[&P1], &[&GRAVE], HostChecks::new(&P1)).summary("my own server");
static P1: Level = Level::new("P1").response("now").action("a");
static GRAVE: Service = Service::new("shop", &P1)
    .summary("the shop")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
const _: () = check::deployment(&LEVEL_WITHOUT_CRITERION);

/// A maintenance mode says what it means for users.
static MAINTENANCE_WITHOUT_EFFECT: Deployment = mine(&[&SHOP]).maintenance(Maintenance::Stop(Stop::new(&[&SHOP])));
const _: () = check::deployment(&MAINTENANCE_WITHOUT_EFFECT);

/// A release says what a rollback does not undo.
static RELEASE_WITHOUT_STAYS: Deployment = mine(&[&SHOP]).release(&RELEASE);
static RELEASE: Release = Release::new(&[&SHOP]).source(&["/srv/shop"]).branch("main");
const _: () = check::deployment(&RELEASE_WITHOUT_STAYS);

/// A rule of an HTTP probe that is no pass says what it means.
static RULE_WITHOUT_MEANING: Deployment = mine(&[&PROBED]);
static PROBED: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .ports(&[8000])
    .probes(&[Probe::Http(Http::get(8000, "/health", &[Rule::ok(200), Rule::fail(503)]))]);
const _: () = check::deployment(&RULE_WITHOUT_MEANING);

/// A secret is a key of a file, not the file.
static SECRET_WITHOUT_KEY: Deployment = mine(&[&CACHE]);
static CACHE: Service = Service::new("shop", &DOWN)
    .summary("the shop")
    .severity_reason("it is all there is")
    .ports(&[6379])
    .probes(&[Probe::redis(6379).password(Secret::in_file("/srv/shop/.env"))]);
const _: () = check::deployment(&SECRET_WITHOUT_KEY);

/// A service says why it has its severity.
static SERVICE_WITHOUT_REASON: Deployment = mine(&[&UNEXPLAINED]);
static UNEXPLAINED: Service =
    Service::new("shop", &DOWN).summary("the shop").managers(&[Manager::Systemd(Unit::new("shop.service"))]);
const _: () = check::deployment(&SERVICE_WITHOUT_REASON);

fn main() {}
