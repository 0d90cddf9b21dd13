//! What runs against what is configured, and who answers, on evidence made by hand.

mod routes;

use std::net::{Ipv4Addr, SocketAddr};

use super::*;
use crate::host::tools::unit_output::UnitOutput;
use crate::host::tools::{pm2, unit_file};
use crate::observe::clues::drift::owners::Owner;
use crate::observe::clues::drift::routes::Passages;
use crate::observe::clues::drift::units::UnitFiles;
use crate::observe::clues::drift::{Older, Seen};
use crate::observe::probe::PmDaemon;
use crate::registry::{App, Condition, Data, DataKind, Drift, Instances, Passage, Proxy, Route};

const FILE: &str = "/etc/systemd/system/mill.service.d/x.conf";

static MILL: Service = Service::new("mill", &URGENT)
    .summary("grinds")
    .severity_reason("r")
    .managers(&[Manager::Systemd(Unit::new("mill.service").user("miller").working_directory("/srv/mill"))])
    .ports(&[1000])
    .routes(&[Route::new("mill.test", 1000)])
    .data(&[Data::new(DataKind::Sqlite, "/srv/mill/flour.db").what("flour")])
    .probes(&[Probe::Http(Http::get(1000, "/", &[Rule::ok(200).when(&[Condition::at("service").is("mill.sh")])]))]);
static BAKER: Service = Service::new("baker", &LATER)
    .summary("bakes")
    .severity_reason("r")
    .managers(&[Manager::Systemd(Unit::new("baker.service"))])
    .ports(&[2000])
    .probes(&[Probe::Http(Http::get(2000, "/", &[Rule::ok(200).when(&[Condition::at("service").is("baker.sh")])]))]);
static CADDY: Service = Service::new("caddy", &URGENT)
    .summary("shows")
    .severity_reason("r")
    .managers(&[Manager::Systemd(Unit::new("caddy.service"))])
    .ports(&[80])
    .probes(&[Probe::Http(Http::get(80, "/", &[Rule::any_status(Verdict::Pass)]))]);
static VILLAGE: Deployment =
    Deployment::new("village", &[&URGENT, &LATER], &[&MILL, &BAKER, &CADDY], HostChecks::new(&LATER))
        .summary("s")
        .failures(&[&WRONG])
        .proxy(Proxy::caddy("/etc/caddy/Caddyfile"));
static WRONG: Failure = Failure::new("wrong", &[usual::SERVICE]).summary("s").section("s");

fn named(name: &str) -> Reply {
    Reply::Http { status: 200, body: format!(r#"{{"service":"{name}"}}"#) }
}

struct World {
    mill: UnitState,
    replies: [Reply; 3],
    holders: [Holder; 3],
    seen: Seen,
    passages: Option<Passages>,
}

impl World {
    fn well() -> Self {
        let mut mill = unit("mill.service", "active", "running");
        mill.user = "miller".to_owned();
        mill.working_directory = "/srv/mill".to_owned();
        mill.main_pid = Some(10);
        mill.fragment = "/etc/systemd/system/mill.service".to_owned();
        mill.output = Some(UnitOutput::default());
        World {
            mill,
            replies: [named("mill.sh"), named("baker.sh"), answers()],
            holders: [Holder::Own, Holder::Own, Holder::Own],
            seen: Seen::default(),
            passages: None,
        }
    }

    /// Down, with these settings in a drop-in.
    fn down(settings: &str) -> Self {
        let mut world = World::well();
        world.replies[0] = silent();
        world.holders[0] = Holder::Nobody;
        let files = UnitFiles {
            settings: unit_file::settings(FILE, &format!("[Service]\n{settings}\n")),
            ..UnitFiles::default()
        };
        world.seen.units.insert("mill", ok("systemctl cat mill.service", files));
        world
    }

    fn with<T>(self, ask: impl FnOnce(&Case<'_>) -> T) -> T {
        let mut baker = unit("baker.service", "active", "running");
        baker.main_pid = Some(20);
        let mut caddy = unit("caddy.service", "active", "running");
        caddy.main_pid = Some(30);
        let services = VILLAGE.services.to_vec();
        let units = ok("systemctl show", vec![self.mill, baker, caddy]);
        let evidence = Evidence {
            time: now(),
            managers: ManagerEvidence { units: Some(units), ..ManagerEvidence::default() },
            replies: self.replies.map(|reply| vec![ok("curl", reply)]).into(),
            holders: self.holders.into(),
            host: None,
        };
        let health = health::judge(&VILLAGE, &services, &evidence);
        let clues = Clues { drift: self.seen, passages: self.passages, ..Clues::default() };
        ask(&Case {
            deployment: &VILLAGE,
            services: &services,
            evidence: &evidence,
            health: &health,
            clues: &clues,
            backups: None,
        })
    }

    fn drift(self, kind: Drift) -> Conclusion {
        self.with(|case| case.outcome(&Clue::Drift(kind), Some(&MILL)))
    }

    fn route(self, kind: Passage, of: &'static Service) -> Conclusion {
        self.with(|case| case.outcome(&Clue::Route(kind), Some(of)))
    }
}

fn thing(conclusion: &Conclusion) -> &str {
    match conclusion {
        Proven(facts) => facts.first().and_then(|fact| fact.thing.as_deref()).unwrap_or("nothing"),
        RuledOut(_) => "ruled out",
        Unknown(_) => "unknown",
    }
}

fn at(port: u16) -> ListenAddress {
    ListenAddress::Tcp(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
}

fn elsewhere(port: u16, instead: Option<(u32, &str)>) -> Holder {
    Holder::Elsewhere { at: vec![at(port)], answers: None, instead: instead.map(|(pid, name)| (pid, name.to_owned())) }
}

#[test]
fn nothing_is_decided_of_unit_files_that_were_not_read() {
    for kind in [Drift::Port, Drift::Network, Drift::Paths, Drift::Identity, Drift::Bound, Drift::Hangs] {
        assert_eq!(thing(&World::well().drift(kind)), "unknown", "{kind:?}");
        let mut denied = World::down("");
        let trouble = Err(Trouble::NeedsRoot("to read its unit files"));
        denied.seen.units.insert("mill", Answer { command: "systemctl cat".into(), result: trouble });
        assert_eq!(thing(&denied.drift(kind)), "unknown", "{kind:?}");
    }
}

#[test]
fn settings_that_break_a_unit_are_named_with_their_file() {
    let cases: &[(&str, Drift, &str)] = &[
        ("", Drift::Network, "ruled out"),
        ("PrivateNetwork=yes", Drift::Network, "PrivateNetwork=yes in FILE"),
        ("ReadOnlyPaths=/srv", Drift::Paths, "/srv/mill/flour.db is read-only by ReadOnlyPaths=/srv in FILE"),
        ("ReadOnlyPaths=/srv/other", Drift::Paths, "ruled out"),
        ("InaccessiblePaths=/srv", Drift::Paths, "/srv/mill is hidden by InaccessiblePaths=/srv in FILE"),
        (
            "ExecStart=/home/m/mill -x\nProtectHome=yes",
            Drift::Paths,
            "/home/m/mill is hidden by ProtectHome=yes in FILE",
        ),
        ("ExecStart=+/home/m/mill\nProtectHome=yes", Drift::Paths, "ruled out"),
        ("RootDirectory=/x\nInaccessiblePaths=/srv", Drift::Paths, "ruled out"),
        ("MemoryMax=1M", Drift::Bound, "ruled out"),
        ("User=miller", Drift::Identity, "ruled out"),
    ];
    for (settings, kind, wanted) in cases {
        let found = World::down(settings).drift(*kind);
        assert_eq!(thing(&found), wanted.replace("FILE", FILE), "{settings}");
    }
}

#[test]
fn bounds_count_where_they_were_reached() {
    let bound = |settings: &str, change: &dyn Fn(&mut UnitFiles), result: &str| {
        let mut world = World::down(settings);
        world.mill.result = result.to_owned();
        let answer = world.seen.units.get_mut("mill").unwrap();
        change(answer.result.as_mut().unwrap());
        thing(&world.drift(Drift::Bound)).to_owned()
    };
    assert_eq!(bound("MemoryMax=1M", &|_| (), "oom-kill"), format!("MemoryMax=1M in {FILE}"));
    // Killed for want of memory of the host.
    assert_eq!(bound("", &|_| (), "oom-kill"), "ruled out");
    let files = |open| move |files: &mut UnitFiles| files.open_files = Some((open, 64));
    assert_eq!(
        bound("LimitNOFILE=64", &files(63), ""),
        format!("63 of 64 descriptors are in use: LimitNOFILE=64 in {FILE}")
    );
    assert_eq!(bound("LimitNOFILE=64", &files(20), ""), "ruled out");
    // Set by somebody while it runs.
    assert_eq!(bound("", &files(62), ""), "62 of 64 descriptors are in use: its limit of open files");
    let held = |held| move |files: &mut UnitFiles| files.throttled = Some((100, held));
    assert!(bound("CPUQuota=2%", &held(80), "").starts_with("throttled in 80 of 100 periods"));
    assert_eq!(bound("CPUQuota=200%", &held(3), ""), "ruled out");
}

#[test]
fn another_user_is_told_with_the_file_that_sets_it() {
    let mut world = World::down("User=nobody");
    world.mill.user = "nobody".to_owned();
    assert_eq!(thing(&world.drift(Drift::Identity)), format!("User=nobody in {FILE}, where the registry has miller"));
    let mut world = World::down("");
    world.mill.user = String::new();
    assert!(thing(&world.drift(Drift::Identity)).starts_with("User=root in /etc/systemd/system/mill.service"));
}

#[test]
fn the_port_is_looked_for_where_it_is_set() {
    let port = |settings: &str, holder: Holder, files: &[(&str, &str)]| {
        let mut world = World::down(settings);
        world.holders[0] = holder;
        let answer = world.seen.units.get_mut("mill").unwrap();
        let reading =
            |(path, value): &(&str, &str)| ((*path).to_owned(), Reading::of([("PORT", *value), ("A", "4000")]));
        answer.result.as_mut().unwrap().env_files = files.iter().map(reading).collect();
        thing(&world.drift(Drift::Port)).to_owned()
    };
    let moved = || elsewhere(4000, None);
    assert_eq!(port("Environment=\"PORT=4000\" X=1", moved(), &[]), format!("Environment=PORT=4000 in {FILE}"));
    assert_eq!(port("ExecStart=/x --listen=:4000", moved(), &[]), format!("ExecStart= names port 4000 in {FILE}"));
    // What is read later counts.
    assert_eq!(port("Environment=PORT=4000", moved(), &[("/a", "4000"), ("/b", "4000")]), "PORT=4000 in /b");
    assert_eq!(port("Environment=A=4000", moved(), &[("/a", "3000")]), "ruled out");
    assert_eq!(port("Environment=PORT=4000", Holder::Nobody, &[]), "ruled out");
    assert_eq!(port("Environment=PORT=4000", Holder::Unseen, &[]), "unknown");
}

#[test]
fn a_start_hangs_only_after_a_while() {
    let hangs_with = |settings: &str, process: &str, sub: &str, seconds: i64| {
        let mut world = World::down(settings);
        (world.mill.active, world.mill.sub) = ("activating".to_owned(), sub.to_owned());
        world.mill.changed = Some(now() - jiff::SignedDuration::from_secs(seconds));
        let answer = world.seen.units.get_mut("mill").unwrap();
        answer.result.as_mut().unwrap().processes = vec![(44, process.to_owned())];
        thing(&world.drift(Drift::Hangs)).to_owned()
    };
    let hangs = |sub: &str, seconds: i64| hangs_with("", "sleep", sub, seconds);
    // Its program is named, and not its arguments.
    let one = "ExecStartPre=-/usr/local/bin/wait-for-registrar --token s3cret";
    let named = "ExecStartPre=/usr/local/bin/wait-for-registrar (wait-for-regist, pid 44)";
    assert_eq!(hangs_with(one, "wait-for-regist", "start-pre", 30), named);
    let two = format!("ExecStartPre=/bin/mkdir -p /x\n{one}");
    assert_eq!(hangs_with(&two, "wait-for-regist", "start-pre", 30), named);
    assert_eq!(hangs_with(&two, "sleep", "start-pre", 30), "ExecStartPre= (sleep, pid 44)");
    assert_eq!(hangs("start-pre", 30), "ExecStartPre= (sleep, pid 44)");
    assert_eq!(hangs("start-pre", 3), "ruled out");
    assert_eq!(hangs("auto-restart", 30), "ruled out");
}

#[test]
fn older_configuration_is_told_by_what_was_compared() {
    let older = |answer: Answer<Option<Older>>, of: &'static Service| {
        let mut world = World::well();
        world.mill.environment_files = vec!["/etc/mill.env".to_owned()];
        match of.name {
            "mill" => drop(world.seen.environments.insert("mill", answer)),
            _ => drop(world.seen.daemons.insert("caddy", answer)),
        }
        let kind = if of.name == "mill" { Drift::Environment } else { Drift::Configuration };
        world.with(|case| thing(&case.outcome(&Clue::Drift(kind), Some(of))).to_owned())
    };
    let file = |file: &str, differs: &str| {
        let (written, since) = (now(), now() - jiff::SignedDuration::from_hours(1));
        ok("ls -l", Some(Older { file: file.to_owned(), written, since, differs: differs.to_owned() }))
    };
    assert_eq!(older(file("/etc/mill.env", "PORT, KEY"), &MILL), "PORT, KEY (/etc/mill.env)");
    assert_eq!(older(ok("ls -l", None), &MILL), "ruled out");
    assert_eq!(older(file("/etc/caddy/Caddyfile", "it differs"), &CADDY), "/etc/caddy/Caddyfile");
    let denied = Answer { command: "ls -l".into(), result: Err(Trouble::NeedsRoot("to look")) };
    assert_eq!(older(denied, &CADDY), "unknown");
    // Nothing had to be asked of what is no such daemon, or reads no such file.
    assert_eq!(thing(&World::well().drift(Drift::Configuration)), "ruled out");
    assert_eq!(thing(&World::well().drift(Drift::Environment)), "ruled out");
    for kind in [Drift::Container, Drift::Image, Drift::Script, Drift::Key, Drift::Certificate] {
        assert_eq!(thing(&World::well().drift(kind)), "ruled out", "{kind:?}");
    }
}

#[test]
fn ports_that_are_swapped_are_one_finding() {
    let mut world = World::well();
    world.replies = [named("mill.sh"), named("baker.sh"), answers()];
    world.holders[0] = elsewhere(2000, Some((20, "baker")));
    world.holders[1] = elsewhere(1000, Some((10, "mill")));
    let found = world.with(|case| {
        let failures: Vec<&'static Failure> =
            VILLAGE.failures.iter().chain(&[&usual::WRONG_UPSTREAM]).copied().collect();
        told(&diagnose(case, &failures, None))
    });
    assert_eq!(found, ["PORT-OF-ANOTHER mill (LISTENS-ELSEWHERE baker)"]);
}

#[test]
fn a_port_in_the_hands_of_another_service_is_not_unmanaged() {
    let held = |pid: u32, owner: Owner| {
        let mut world = World::down("");
        world.holders[0] = Holder::Other { pid, name: "x".to_owned() };
        world.seen.owners.insert(pid, owner);
        thing(&world.route(Passage::Swapped, &MILL)).to_owned()
    };
    let owner = |group: &str, line: &[u32]| Owner { groups: vec![group.to_owned()], line: line.to_vec() };
    assert_eq!(held(20, Owner::default()), "baker");
    assert_eq!(held(21, owner("baker.service", &[21])), "baker");
    assert_eq!(held(22, owner("session.scope", &[22, 20])), "baker");
    assert_eq!(held(23, owner("session.scope", &[23])), "ruled out");
}

const fn app(name: &'static str) -> Manager {
    Manager::Pm2(App::new(name, Instances::Fork).user("u").home("/home/u/.pm2").memory_restart_bytes(1))
}

static LEFT: Service = Service::new("left", &LATER).managers(&[app("left")]).ports(&[3001]);
static RIGHT: Service = Service::new("right", &LATER).managers(&[app("right")]).ports(&[3002]);

#[test]
fn applications_that_pm2_runs_with_each_others_port_are_told_once() {
    let listed = |left: &str, right: &str| {
        let row = |name: &str, port: &str| {
            format!(r#"{{"pid":1,"name":"{name}","pm2_env":{{"status":"online","PORT":{port}}},"pm_id":0}}"#)
        };
        let processes = pm2::parse_jlist(&format!("[{},{}]", row("left", left), row("right", right))).unwrap();
        let daemon = Some(PmDaemon { pid: 9, processes });
        let apps = [("/home/u/.pm2", Answer { command: "pm2 jlist".into(), result: Ok(daemon) })].into();
        let services: Vec<&'static Service> = vec![&LEFT, &RIGHT];
        let evidence = Evidence {
            time: now(),
            managers: ManagerEvidence { apps, ..ManagerEvidence::default() },
            replies: vec![Vec::new(), Vec::new()],
            holders: vec![Holder::Unasked, Holder::Unasked],
            host: None,
        };
        let health = health::judge(&VILLAGE, &services, &evidence);
        let clues = Clues::default();
        let case = Case {
            deployment: &VILLAGE,
            services: &services,
            evidence: &evidence,
            health: &health,
            clues: &clues,
            backups: None,
        };
        let of = |service| case.outcome(&Clue::Route(Passage::SwappedApps), Some(service)).is_proven();
        (of(&LEFT), of(&RIGHT))
    };
    assert_eq!(listed("3002", "\"3001\""), (true, false));
    for (left, right) in [("3001", "3002"), ("3002", "3002"), ("3009", "3001"), ("null", "3001"), ("\"x\"", "{}")] {
        assert_eq!(listed(left, right), (false, false), "{left} {right}");
    }
}

#[test]
fn who_names_itself_as_another_is_told() {
    let heard = |reply: Reply| {
        let mut world = World::well();
        world.replies[0] = reply;
        thing(&world.route(Passage::Impostor, &MILL)).to_owned()
    };
    assert_eq!(heard(named("baker.sh")), "baker");
    // A name that no service here has proves nothing, and neither does another page.
    assert_eq!(heard(named("mill.sh/v2")), "ruled out");
    assert_eq!(heard(answers()), "ruled out");
}

/// One that is judged where it is found: only what a new drop-in moved is told, and nothing of what listens at its port.
#[test]
fn a_port_is_left_by_a_drop_in_that_is_new() {
    let moved = |settings: &str, file: &str, days: i64, holder: Holder| {
        let mut world = World::down("");
        world.holders[0] = holder;
        let files = UnitFiles {
            settings: unit_file::settings(file, &format!("[Service]\n{settings}\n")),
            written: vec![(file.to_owned(), now() - jiff::SignedDuration::from_hours(24 * days))],
            ..UnitFiles::default()
        };
        world.seen.units.insert("mill", ok("systemctl cat mill.service", files));
        thing(&world.drift(Drift::PortMoved)).to_owned()
    };
    let start = "ExecStart=\nExecStart=/bin/mill --port 1001";
    let there = || elsewhere(1001, None);
    assert_eq!(moved(start, FILE, 1, there()), format!("ExecStart= names port 1001 in {FILE}"));
    assert_eq!(moved("Environment=PORT=1001", FILE, 1, there()), format!("Environment=PORT=1001 in {FILE}"));
    for (settings, file, days, holder) in [
        (start, FILE, 8, there()),
        // The whole unit file is how it was installed.
        (start, "/etc/systemd/system/mill.service", 1, there()),
        ("ExecStart=/bin/mill", FILE, 1, there()),
        (start, FILE, 1, Holder::Own),
        (start, FILE, 1, Holder::Unasked),
    ] {
        assert_eq!(moved(settings, file, days, holder), "ruled out", "{settings} {file} {days}");
    }
}
