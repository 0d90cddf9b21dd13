//! Each refusal of the compiler names the record and its field. Backups and releases have cases of their own beside them.

use std::collections::BTreeSet;
use std::panic::catch_unwind;

use super::deployment;
use crate::registry::*;

const DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
static LEVEL: Level = DOWN;
const UNIT: &[Manager] = &[Manager::Systemd(Unit::new("shop.service"))];
const SHOP: Service =
    Service::new("shop", &LEVEL).summary("the shop").severity_reason("all there is").ports(&[80]).managers(UNIT);
static DATABASE: Service = Service { name: "database", ..SHOP };
const SECRET: Secret = Secret::in_file("/srv/.env").key("PASSWORD");
const FIX: Fix = Fix::new("restart it", Risk::Safe, Remedy::Restart);
const CAUSE: Cause = Cause::new("SLOW", Clue::Load).summary("it is slow").explanation("too many visitors");
const PAGE: Page =
    Page::new("/etc/nginx/page", &DATABASE, 80).health("/up").retry_after_seconds(60).message("m").effect("e");

fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn mine() -> Deployment {
    let services = kept([kept(SHOP)]);
    Deployment::new("mine", kept([&LEVEL]), services, HostChecks::new(&LEVEL)).summary("my own")
}

fn with(service: Service) -> Deployment {
    Deployment { services: kept([kept(service)]), ..mine() }
}

fn probed(probe: Probe) -> Deployment {
    with(SHOP.probes(kept([probe])))
}

fn managed(manager: Manager) -> Deployment {
    with(SHOP.managers(kept([manager])))
}

fn set(form: Form) -> Deployment {
    with(SHOP.env(EnvFile::new(&["/e"]).settings(kept([Setting::new("KEY", form).otherwise("x")]))))
}

fn noted(channel: Channel) -> Deployment {
    mine().notify(kept([channel]))
}

fn caused(cause: Cause) -> Deployment {
    let causes: &'static [&'static Cause] = kept([kept(cause)]);
    let failure = Failure::new("slow", kept([causes])).summary("it is slow").section("3. Slow");
    mine().failures(kept([kept(failure)]))
}

fn proven(proof: Clue) -> Deployment {
    caused(Cause { proof, ..CAUSE.fixes(kept([kept(FIX)])) })
}

fn leveled(level: Level) -> Deployment {
    let level: &'static Level = kept(level);
    Deployment { severities: kept([level]), ..mine() }
}

fn share() -> Share {
    Share::above(5).part("a").whole("b")
}

fn message(of: Deployment) -> Option<String> {
    let found = catch_unwind(std::panic::AssertUnwindSafe(|| deployment(kept(of))));
    found.err().and_then(|panic| panic.downcast_ref::<String>().cloned())
}

#[rustfmt::skip]
fn cases() -> Vec<(Deployment, &'static str)> {
    let pm2 = || App::new("api", Instances::Fork).user("shop").home("/home/shop/.pm2").memory_restart_bytes(1);
    vec![
        (Deployment { name: "My own", ..mine() }, "deployment My own: name: must be lower-case letters, digits and dashes, a letter first"),
        (mine().summary(""), "deployment mine: summary: is empty"),
        (Deployment { services: &[], ..mine() }, "deployment mine: services: there is none"),
        (mine().detect(&["srv"]), "deployment mine: detect: srv does not begin with /"),
        (Deployment { checks: HostChecks::new(&LEVEL).disk_paths(&[""]), ..mine() }, "deployment mine: checks.disk_paths: is empty"),
        (Deployment { checks: HostChecks::new(&LEVEL).disk(Usage::warn_at(90).fail_at(80)), ..mine() }, "deployment mine: checks.disk: bounds are not 0 < warn < fail <= 100"),
        (Deployment { checks: HostChecks::new(&LEVEL).memory(Usage::warn_at(0)), ..mine() }, "deployment mine: checks.memory: bounds are not 0 < warn < fail <= 100"),
        (Deployment { checks: HostChecks::new(&LEVEL).certificates(Certificates::new(443, &LEVEL).warn_days(3)), ..mine() }, "deployment mine: checks.certificates: bounds are not fail < warn"),
        (Deployment { checks: HostChecks::new(&LEVEL).certificates(Certificates::new(0, &LEVEL)), ..mine() }, "deployment mine: checks.certificates: port is 0"),
        (mine().ignores(kept([Ignore::new("SLOW", date(2026, 1, 1))])), "ignore of SLOW: why: is empty"),
        (Deployment { severities: &[], ..mine() }, "deployment mine: severities: there is none"),
        (leveled(Level { id: "", ..DOWN }), "severity \"\": id: is empty"),
        (leveled(DOWN.criterion("")), "severity down: criterion: is empty"),
        (leveled(DOWN.response("")), "severity down: response: is empty"),
        (leveled(DOWN.action("")), "severity down: action: is empty"),
        (leveled(DOWN.mttr(Mttr::total_seconds(0))), "severity down: mttr: a repair target is 0 seconds"),
        (mine().escalation(kept([Escalation::to("")])), "deployment mine: escalation.who: is empty"),
        (mine().escalation(kept([Escalation::to("Ada")])), "escalation Ada: via: is empty"),
        (mine().contacts(kept([Contact::new("")])), "deployment mine: contacts.who: is empty"),
        (mine().contacts(kept([Contact::new("Ada")])), "contact Ada: at: is empty"),
        (mine().maintenance(Maintenance::None("")), "deployment mine: maintenance: has no mode and names no alternative"),
        (mine().maintenance(Maintenance::Page(Page { file: "page", ..PAGE })), "deployment mine: maintenance.file: page does not begin with /"),
        (mine().maintenance(Maintenance::Page(PAGE.health("up"))), "deployment mine: maintenance.health: up does not begin with /"),
        (mine().maintenance(Maintenance::Page(PAGE.message(""))), "deployment mine: maintenance.message: is empty"),
        (mine().maintenance(Maintenance::Page(PAGE.effect(""))), "deployment mine: maintenance.effect: is empty"),
        (mine().maintenance(Maintenance::Page(PAGE.retry_after_seconds(0))), "deployment mine: maintenance.retry_after_seconds: is 0"),
        (mine().maintenance(Maintenance::Page(Page { port: 81, ..PAGE })), "deployment mine: maintenance.port: port 81 is not one of the ports of database"),
        (mine().maintenance(Maintenance::Stop(Stop::new(&[]))), "deployment mine: maintenance.services: there is none to stop"),
        (mine().maintenance(Maintenance::Stop(Stop::new(kept([&DATABASE])))), "deployment mine: maintenance.effect: is empty"),
        (mine().logs(kept([Log::Journal("-u")])), "deployment mine: logs.unit: -u is not a word of letters, digits and -_.@"),
        // Notifications.
        (noted(Channel::slack("My chat", Address::Key("URL"))), "channel My chat: name: must be lower-case letters, digits and dashes, a letter first"),
        (mine().notify(kept([Channel::mail("a", "TO"), Channel::mail("b", "TO"), Channel::mail("a", "X")])), "channel a: name: another channel has it"),
        (noted(Channel::webhook("a", Address::Key(""))), "channel a: key: is empty"),
        (noted(Channel::webhook("a", Address::Key("url"))), "channel a: key: is not upper-case letters, digits and _, a letter first"),
        (noted(Channel::discord("a", Address::Key("_URL"))), "channel a: key: is not upper-case letters, digits and _, a letter first"),
        (noted(Channel::alertmanager("a", Address::Local(0))), "channel a: port: is 0"),
        (noted(Channel::ntfy("a", Address::Local(0))), "channel a: port: is 0"),
        (noted(Channel::ntfy("a", Address::Local(1)).token("a token")), "channel a: token: is not upper-case letters, digits and _, a letter first"),
        (noted(Channel::pagerduty("a", "key")), "channel a: key: is not upper-case letters, digits and _, a letter first"),
        (noted(Channel::pagerduty("a", "KEY").url("")), "channel a: url: is empty"),
        (noted(Channel::mail("a", "1TO")), "channel a: key: is not upper-case letters, digits and _, a letter first"),
        (noted(Channel::command("a", &[])), "channel a: command: is empty"),
        (noted(Channel::command("a", &["notify"])), "channel a: command: notify does not begin with /"),
        (mine().status_files(StatusFiles::new("x", "/y")), "deployment mine: status_files.directory: x does not begin with /"),
        (mine().status_files(StatusFiles::new("/x", "")), "deployment mine: status_files.log: is empty"),
        (with(SHOP.thresholds(Thresholds::fail_after(0))), "service shop: thresholds.fail: is 0"),
        (with(SHOP.thresholds(Thresholds::fail_after(1).recover_after(0))), "service shop: thresholds.recover: is 0"),
        // Services.
        (with(Service { name: "", ..SHOP }), "service \"\": name: must be lower-case letters, digits and dashes, a letter first"),
        (Deployment { services: kept([kept(SHOP), kept(SHOP)]), ..mine() }, "service shop: name: another service has it"),
        (with(SHOP.summary("")), "service shop: summary: is empty"),
        (with(SHOP.severity_reason("")), "service shop: severity_reason: is empty"),
        (with(SHOP.managers(&[])), "service shop: managers: is required but has neither a manager nor a probe, so opsctl could not check it"),
        (with(SHOP.ports(&[80, 0])), "service shop: ports: one is 0"),
        (with(SHOP.ports(&[80, 8000, 80])), "service shop: ports: 80 is stated twice"),
        (with(SHOP.routes(kept([Route::new("", 80)]))), "service shop: routes.host: is empty"),
        (with(SHOP.routes(kept([Route::new("a.b", 80).path("x")]))), "service shop: routes.path: x does not begin with /"),
        (with(SHOP.routes(kept([Route::new("a.b", 65535)]))), "service shop: routes: port 65535 is not one of the ports of shop"),
        (with(SHOP.needs(kept([&DATABASE]))), "service shop: needs: database does not stand above it in the table"),
        (with(SHOP.env(EnvFile::new(&[]))), "service shop: env: has no path"),
        (with(SHOP.env(EnvFile::new(&[".env"]))), "service shop: env: .env does not begin with /"),
        (with(SHOP.env(EnvFile::new(&["/e"]).mode(0o644))), "service shop: env: others may read the file"),
        (with(SHOP.env(EnvFile::new(&["/e"]).settings(kept([Setting::new("", Form::Boolean)])))), "service shop: env.settings.key: is empty"),
        (with(SHOP.env(EnvFile::new(&["/e"]).settings(kept([Setting::new("KEY", Form::Boolean)])))), "service shop: env.settings.otherwise: is empty"),
        (set(Form::Count(2, 1)), "service shop: env.settings.form: its range ends before it begins"),
        (set(Form::Word(&[])), "service shop: env.settings.form: nothing satisfies it"),
        (set(Form::Url(UrlForm::with_scheme(&[]))), "service shop: env.settings.form: its URL has no scheme"),
        (with(SHOP.data(kept([Data::new(DataKind::File, "")]))), "service shop: data.path: is empty"),
        (with(SHOP.data(kept([Data::new(DataKind::File, "x")]))), "service shop: data.path: x does not begin with /"),
        (with(SHOP.data(kept([Data::new(DataKind::Volume, "x")]))), "service shop: data.what: is empty"),
        (with(SHOP.logs(kept([Log::file("x")]))), "service shop: logs.path: x does not begin with /"),
        (with(SHOP.logs(kept([Log::file("/x")]))), "service shop: logs.what: is empty"),
        (with(SHOP.logs(kept([Log::pm2()]))), "service shop: logs.out: is empty"),
        (with(SHOP.logs(kept([Log::pm2().out("/x")]))), "service shop: logs.error: is empty"),
        (with(SHOP.memory(Memory::stated_in("x"))), "service shop: memory: has no bound: Memory::alarm_bytes or Memory::limit_bytes"),
        (with(SHOP.memory(Memory::stated_in("x").alarm_bytes(2).limit_bytes(1))), "service shop: memory: its alarm is above its limit"),
        (with(SHOP.at_stake(AtStake::at("").what("x"))), "service shop: at_stake.path: is empty"),
        (with(SHOP.at_stake(AtStake::at("x"))), "service shop: at_stake.what: is empty"),
        (managed(Manager::Systemd(Unit::new("shop"))), "service shop: managers.unit: shop lacks its suffix (.service)"),
        (managed(Manager::Systemd(Unit::new("--now.service"))), "service shop: managers.unit: --now.service is not a unit's name"),
        (managed(Manager::Systemd(Unit::new("shop.service").aliases(&["shop"]))), "service shop: managers.aliases: shop lacks its suffix (.service)"),
        (managed(Manager::Compose(Compose::new("web").project("my shop"))), "service shop: managers.project: my shop is not a word of letters, digits and -_.@"),
        (managed(Manager::Compose(Compose::new("").project("x"))), "service shop: managers.service: is empty"),
        (managed(Manager::Compose(Compose::new("web").project("x").files(&["x.yml"]))), "service shop: managers.files: x.yml does not begin with /"),
        (managed(Manager::Docker(Container::new(&[]))), "service shop: managers.container: has no name"),
        (managed(Manager::Docker(Container::new(&["--rm"]))), "service shop: managers.container: --rm is not a word of letters, digits and -_.@"),
        (managed(Manager::Pm2(App { name: "-", ..pm2() })), "service shop: managers.app: - is not a word of letters, digits and -_.@"),
        (managed(Manager::Pm2(pm2().user(""))), "service shop: managers.user: is empty"),
        (managed(Manager::Pm2(pm2().home(".pm2"))), "service shop: managers.home: .pm2 does not begin with /"),
        (managed(Manager::Pm2(pm2().memory_restart_bytes(0))), "service shop: managers.memory_restart_bytes: is 0"),
        (probed(Probe::Http(Http::get(80, "/", &[]))), "service shop: probes.rules: there is none"),
        (probed(Probe::Http(Http::get(8001, "/", kept([Rule::ok(200)])))), "service shop: probes: port 8001 is not one of the ports of shop"),
        (probed(Probe::Http(Http::get(80, "up", kept([Rule::ok(200)])))), "service shop: probes.path: up does not begin with /"),
        (probed(Probe::Http(Http::get_from(Secret::in_file(".env"), kept([Rule::ok(200)])))), "service shop: probes.url: file of the secret: .env does not begin with /"),
        (probed(Probe::Http(Http::get(80, "/", kept([Rule::fail(503)])))), "service shop: probes.rules.meaning: is empty"),
        (probed(Probe::banner(80, "")), "service shop: probes.prefix: is empty, which accepts anything"),
        (probed(Probe::redis(80).password(Secret { key: "", ..SECRET })), "service shop: probes.password: the secret has no key: Secret::key"),
        (probed(Probe::postgres(80).user("")), "service shop: probes.user: is empty"),
        (probed(Probe::log_line("")), "service shop: probes.contains: is empty, which accepts anything"),
        (probed(Probe::log_line("x").within_seconds(0)), "service shop: probes.within_seconds: is 0, which nothing can satisfy"),
        // Failures.
        (mine().failures(kept([kept(Failure::new("", &[]))])), "failure \"\": slug: is empty"),
        (mine().failures(kept([kept(Failure::new("slow", &[]))])), "failure slow: summary: is empty"),
        (mine().failures(kept([kept(Failure::new("slow", &[]).summary("x"))])), "failure slow: section: is empty"),
        (caused(Cause { code: "", ..CAUSE }), "failure slow: causes.code: is empty"),
        (caused(CAUSE.summary("")), "cause SLOW: summary: is empty"),
        (caused(CAUSE.explanation("")), "cause SLOW: explanation: is empty"),
        (caused(CAUSE), "cause SLOW: fixes: there is none"),
        (caused(CAUSE.fixes(kept([kept(FIX)])).verdict(Verdict::Pass)), "cause SLOW: verdict: is neither a failure nor a warning"),
        (caused(CAUSE.fixes(kept([kept(Fix { title: "", ..FIX })]))), "cause SLOW: fixes.title: is empty"),
        (proven(Clue::All(&[])), "cause SLOW: proof: has a condition without parts"),
        (proven(Clue::Leftovers(Leftovers::in_dir("x"))), "cause SLOW: proof.dir: x does not begin with /"),
        (proven(Clue::Lines(kept(LineShare::new("x", share())))), "cause SLOW: proof.file: x does not begin with /"),
        (proven(Clue::Lines(kept(LineShare::new("/x", share()).seconds(0)))), "cause SLOW: proof.seconds: is 0"),
        (proven(Clue::Reply(Heard::Part(Share::above(5)))), "cause SLOW: proof.part: is empty"),
        (proven(Clue::Reply(Heard::Part(Share::above(5).part("x")))), "cause SLOW: proof.whole: is empty"),
    ]
}

#[test]
fn every_refusal_names_its_record_and_field() {
    assert_eq!(message(mine()), None);
    for (of, wanted) in cases() {
        assert_eq!(message(of).as_deref(), Some(wanted));
    }
}

/// Fields that these sources refuse.
fn fields(source: &str) -> BTreeSet<&str> {
    let calls = regex::Regex::new(
        r#"(?:(?:text|paths?|word|unit|below|refuse)\(\s*|(?:of|own_port|usage|known|tag|secret)\([^;"]*?)"([a-z_.]+)","#,
    )
    .unwrap();
    calls.captures_iter(source).map(|found| found.get(1).unwrap().as_str()).collect()
}

#[test]
fn every_field_that_is_checked_has_a_case() {
    let messages: BTreeSet<String> = cases().iter().map(|(_, message)| (*message).to_owned()).collect();
    let all = [include_str!("../check.rs"), include_str!("service.rs"), include_str!("causes.rs")];
    let all: BTreeSet<&str> = all.iter().flat_map(|source| fields(source)).collect();
    assert!(all.len() > 60, "{all:?}");
    let missing: Vec<&&str> =
        all.iter().filter(|field| !messages.iter().any(|message| message.contains(&format!(": {field}: ")))).collect();
    assert!(missing.is_empty(), "no case refuses {missing:?}");
}
