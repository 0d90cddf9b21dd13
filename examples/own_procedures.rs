//! A shop with procedures of its own: its key is rotated, its orders are restored, and a standby takes over.
//! `cargo run --example own_procedures -- run rotate-key --dry-run`

use std::process::ExitCode;

use opsctl::registry::{
    Assertion, BackupSet, Condition, Deployment, EnvFile, EnvReader, Host, HostChecks, Http, Invocation, KeyEdit,
    KeyFormat, Level, Manager, Probe, Procedure, Remote, Retention, Rule, Schedule, Secret, SecretValue, Service,
    Source, Step, Undo, Unit, check,
};

static DOWN: Level = Level::new("P1")
    .criterion("nobody can order")
    .response("now")
    .response_seconds(0)
    .action("restart the shop, then read its log");

const ENV: &str = "/etc/shop/shop.env";
const FORMAT: KeyFormat = KeyFormat::Env(EnvReader::Systemd);

static SHOP: Service = Service::new("shop", &DOWN)
    .summary("the web shop")
    .severity_reason("it is all that customers see")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))])
    .ports(&[8010])
    .probes(&[Probe::Http(Http::get(8010, "/", &[Rule::ok(200).when(&[Condition::at("status").is("ok")])]))])
    .env(EnvFile::new(&[ENV]).mode(0o640).required(&["SHOP_KEY", "WORKER_ID"]));

static OFFSITE: Remote =
    Remote::new("r2").config("/root/.config/rclone/rclone.conf").bucket("shop-backups").prefix("opsctl");

static BACKUPS: &[BackupSet] =
    &[BackupSet::new("orders", Source::sqlite("/srv/shop/orders.db"), Schedule::daily(3, 0), &OFFSITE)
        .what("orders")
        .owners(&[&SHOP])
        .retention(Retention::daily(7))];

/// What the shop answers at /orders with a key: curl reads it on its standard input.
const fn asked_with(input: &'static str) -> Invocation {
    Invocation::new(&["curl", "-sS", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "-K", "-"]).input(input)
}

const NEW_KEY_WORKS: Assertion = Assertion::Command(
    asked_with("url = \"http://127.0.0.1:8010/orders\"\nheader = \"X-Key: {new}\"\n")
        .expects("^200$")
        .means("the shop accepts the new key", "the shop does not accept the new key"),
);
const OLD_KEY_IS_DEAD: Assertion = Assertion::Command(
    asked_with("url = \"http://127.0.0.1:8010/orders\"\nheader = \"X-Key: {old}\"\n")
        .expects("^401$")
        .means("the shop refuses the old key", "the shop still accepts the old key"),
);

static ROTATE_KEY: Procedure = Procedure::new(
    "rotate-key",
    &[
        Step::check("healthy", "check that the shop is healthy", Assertion::Healthy(&SHOP), "diagnose names the cause"),
        Step::set_keys("set", "set the new key", const { &[KeyEdit::new(&[ENV], FORMAT, "SHOP_KEY", "{new}")] }),
        Step::restart("restart", &[&SHOP]).undo(Undo::Again),
        Step::check(
            "new",
            "check that the new key works",
            NEW_KEY_WORKS,
            "run rotate-key --undo sets the old one again",
        ),
        Step::check("old", "check that the old key is dead", OLD_KEY_IS_DEAD, "somebody runs a second shop"),
    ],
)
.summary("replace the key of the shop's interface")
.section("5. Keys")
.when("the key has leaked, and every 90 days")
.secrets(&[SecretValue::stored("old", Secret::in_file(ENV).key("SHOP_KEY")), SecretValue::generated("new")])
.done(&[Assertion::Healthy(&SHOP), NEW_KEY_WORKS, OLD_KEY_IS_DEAD]);

static RESTORE_ORDERS: Procedure = Procedure::new("restore-orders", &[Step::restore("restore", "orders")])
    .summary("put the last good orders in place")
    .section("6. Restore")
    .when("orders are lost or damaged")
    .done(&[Assertion::Healthy(&SHOP)]);

static TAKE_OVER: Procedure = Procedure::new(
    "take-over",
    &[
        Step::check(
            "stopped",
            "check that this shop does not run",
            Assertion::Stopped(&SHOP),
            "it serves already; two shops with one name take the same orders",
        ),
        Step::set_keys(
            "worker",
            "take the name of the standby",
            const { &[KeyEdit::new(&[ENV], FORMAT, "WORKER_ID", "standby")] },
        ),
        Step::start("start", &[&SHOP]),
    ],
)
.summary("serve in the place of the other host")
.section("7. Failover")
.when("the other host is dead")
.done(&[Assertion::Healthy(&SHOP), Assertion::Answers(8010, "/", "standby")]);

static MINE: Deployment = Deployment::new("shop", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN))
    .summary("a web shop on one server")
    .host(Host::running("Debian 13").address("192.0.2.7").ssh("ssh root@192.0.2.7"))
    .detect(&["/srv/shop"])
    .backups(BACKUPS)
    .procedures(&[&ROTATE_KEY, &RESTORE_ORDERS, &TAKE_OVER]);

// An invalid registry does not compile.
const _: () = check::deployment(&MINE);

fn main() -> ExitCode {
    opsctl::main(&[&MINE])
}
