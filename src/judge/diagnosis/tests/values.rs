//! Values of settings: what runs with which, and what the next start takes.

mod every_rule;

use std::collections::BTreeSet;

use super::*;
use crate::judge::diagnosis::values::absorbed;
use crate::observe::clues::FileFound;
use crate::observe::clues::values::{Barred, Running, ValuesFound};
use crate::registry::{App, DEPLOYMENTS, EnvReader, Form, Instances, Setting, UrlForm, Values};
use crate::units;

const FILE: &str = "/etc/mill/env";
static RULES: &[Setting] = &[
    Setting::new("POLL", Form::Milliseconds(100, 60_000)).otherwise("it waits"),
    Setting::new("WORKERS", Form::Count(1, 8)).otherwise("nothing is done"),
    Setting::new("DATABASE_URL", Form::Url(UrlForm::with_scheme(&["postgres"]).at(&["db"]))).otherwise("no data"),
];
static MILL: Service = Service::new("mill", &URGENT)
    .summary("grinds")
    .severity_reason("r")
    .managers(&[Manager::Systemd(Unit::new("mill.service"))])
    .ports(&[1000])
    .probes(&[Probe::Http(Http::get(1000, "/", &[Rule::ok(200)]))])
    .env(EnvFile::new(&[FILE]).required(&["TOKEN", "DATABASE_URL"]).settings(RULES));
static APP: Service = Service::new("app", &URGENT)
    .summary("shows")
    .severity_reason("r")
    .managers(&[Manager::Pm2(
        App::new("app", Instances::Fork).user("app").home("/home/app/.pm2").memory_restart_bytes(1 << 30),
    )])
    .ports(&[2000])
    .probes(&[Probe::Http(Http::get(2000, "/", &[Rule::ok(200)]))])
    .env(EnvFile::new(&[FILE]).required(&["TOKEN"]).settings(RULES));
static VILLAGE: Deployment =
    Deployment::new("village", &[&URGENT], &[&MILL, &APP], HostChecks::new(&URGENT)).summary("s").failures(&[&WRONG]);
static WRONG: Failure = Failure::new("wrong", &[usual::SERVICE, &[&POLL_ODD]]).summary("s").section("s");
static POLL_ODD: Cause = Cause::new("POLL-ODD", Clue::Env(EnvClue::key("POLL").unlike("[0-9]{1,5}")))
    .summary("POLL of {service} is odd")
    .about(About::These(&[&MILL]));

const SOUND: [(&str, &str); 4] =
    [("TOKEN", "hunter2"), ("POLL", "5000"), ("WORKERS", "1"), ("DATABASE_URL", "postgres://u:hunter2@db/x")];

/// The sound values with these instead.
fn with<'a>(others: &[(&'a str, &'a str)]) -> Reading {
    let kept = SOUND.iter().copied().filter(|(key, _)| others.iter().all(|(other, _)| other != key));
    Reading::of(kept.chain(others.iter().copied()))
}

/// What was seen of a service.
struct World {
    service: &'static Service,
    state: &'static str,
    file: Reading,
    runs: Option<Reading>,
    /// Whether the file was written after the start.
    newer: bool,
    elsewhere: BTreeSet<&'static str>,
    barred: Option<Barred>,
}

impl World {
    fn of(service: &'static Service, runs: Reading, file: Reading, newer: bool) -> Self {
        World { service, state: "active", file, runs: Some(runs), newer, elsewhere: BTreeSet::new(), barred: None }
    }

    fn with<T>(self, deployment: &'static Deployment, ask: impl FnOnce(&Case<'_>) -> T) -> T {
        let services = vec![self.service];
        let unit = match self.service.managers.first() {
            Some(Manager::Systemd(wanted)) => unit(wanted.name, self.state, "running"),
            _ => unit("other.service", self.state, "running"),
        };
        let evidence = Evidence {
            time: now(),
            managers: ManagerEvidence { units: Some(ok("systemctl show", vec![unit])), ..ManagerEvidence::default() },
            replies: vec![self.service.probes.iter().map(|_| ok("curl", answers())).collect()],
            holders: vec![Holder::Own],
            host: None,
        };
        let health = health::judge(deployment, &services, &evidence);
        let since = now();
        let written = if self.newer { units::later(since, jiff::SignedDuration::from_secs(60)) } else { since };
        let running = self.runs.map(|environment| Running {
            of: "process 10".to_owned(),
            command: "ps".into(),
            since: Some(since),
            is_exact: false,
            environment,
            elsewhere: self.elsewhere,
        });
        let mut clues = Clues::default();
        let found = ValuesFound { running, written: Some(written), barred: self.barred };
        clues.values.insert(self.service.name, ok("ls", found));
        let path = self.service.env.as_ref().and_then(|env| env.paths.first()).map(|path| (*path).to_owned());
        clues.env.insert(self.service.name, ok("ls", EnvFound { path, settings: self.file, ..EnvFound::default() }));
        ask(&Case {
            deployment,
            services: &services,
            evidence: &evidence,
            health: &health,
            clues: &clues,
            backups: None,
        })
    }

    /// What is at fault now, and what would be at the next start.
    fn faults(self) -> (Vec<String>, Vec<String>) {
        let service = self.service;
        self.with(&VILLAGE, |case| {
            let of = |clue| match case.outcome(&Clue::Values(clue), Some(service)) {
                Proven(facts) => facts.into_iter().filter_map(|fact| fact.thing).collect(),
                RuledOut(_) => Vec::new(),
                Unknown(whys) => panic!("{whys:?}"),
            };
            (of(Values::InUse), of(Values::AtNextStart))
        })
    }
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn sound_values_are_quiet_whatever_else_the_file_has() {
    let odd = with(&[("POLL", " 60000 "), ("NOTE", "a = b # c"), ("WORKERS", "8")]);
    for (runs, file, newer) in
        [(with(&[]), with(&[]), false), (with(&[]), odd.clone(), true), (odd, with(&[("NOTE", "")]), true)]
    {
        assert_eq!(World::of(&MILL, runs, file, newer).faults(), (vec![], vec![]));
    }
    // Nothing runs, and nothing is known to be down: what the file has is no matter of now.
    let idle = World { runs: None, ..World::of(&MILL, with(&[]), with(&[("POLL", "0")]), true) };
    assert_eq!(idle.faults(), (vec![], vec![]));
}

#[test]
fn what_runs_is_told_from_what_the_next_start_takes() {
    let hour = with(&[("POLL", "3600000")]);
    let now = "POLL is 3600000 ms (1h0m), more than 60000 ms (1m0s)";
    assert_eq!(World::of(&MILL, hour.clone(), hour.clone(), false).faults(), (texts(&[now]), vec![]));
    // The file was corrected, and nobody has restarted it.
    assert_eq!(World::of(&MILL, hour.clone(), with(&[]), true).faults(), (texts(&[now]), vec![]));
    let next = format!("{now} ({FILE})");
    assert_eq!(World::of(&MILL, with(&[]), hour.clone(), true).faults(), (vec![], vec![next]));
    // A file that is older than the process did not decide.
    assert_eq!(World::of(&MILL, with(&[]), hour.clone(), false).faults(), (vec![], vec![]));
    // Of one that is down, the file says with what it is started.
    let down = World { state: "failed", runs: None, ..World::of(&MILL, with(&[]), hour, true) };
    assert_eq!(down.faults(), (texts(&[now]), vec![]));
}

#[test]
fn an_empty_key_and_a_missing_one_are_told_apart_and_what_is_set_elsewhere_is_none() {
    let empty = with(&[("TOKEN", "")]);
    let missing = Reading::of(SOUND.into_iter().filter(|(key, _)| *key != "TOKEN"));
    let faults = |file: &Reading| World::of(&MILL, with(&[]), file.clone(), true).faults().1;
    assert_eq!(faults(&empty), [format!("TOKEN is empty, and is required ({FILE})")]);
    assert_eq!(faults(&missing), [format!("TOKEN is not set, and is required ({FILE})")]);
    // Its unit sets it: a file that says nothing of it decides nothing, one that empties it does.
    let elsewhere =
        |file: Reading| World { elsewhere: BTreeSet::from(["TOKEN"]), ..World::of(&MILL, with(&[]), file, true) };
    assert_eq!(elsewhere(missing.clone()).faults().1, Vec::<String>::new());
    assert_eq!(elsewhere(empty.clone()).faults().1, [format!("TOKEN is empty, and is required ({FILE})")]);
    // What already runs without it.
    assert_eq!(World::of(&MILL, missing.clone(), missing, false).faults().0, ["TOKEN is not set, and is required"]);
    // A secret in a file of its own is one.
    let in_file = Reading::of(SOUND.map(|(key, value)| (if key == "TOKEN" { "TOKEN_FILE" } else { key }, value)));
    assert_eq!(World::of(&MILL, in_file, with(&[]), false).faults(), (vec![], vec![]));
}

#[test]
fn of_a_key_that_is_set_twice_the_last_counts_and_both_lines_are_named() {
    let text = "TOKEN=x\nDATABASE_URL=postgres://db/x\nPOLL=5000\nWORKERS=1\nPOLL=0\n";
    let file = crate::envfile::read(EnvReader::Systemd, text.as_bytes(), crate::envfile::NOWHERE);
    let world = World::of(&MILL, with(&[]), file, true);
    let says = world.with(&VILLAGE, |case| match case.outcome(&Clue::Values(Values::AtNextStart), Some(&MILL)) {
        Proven(facts) => facts.into_iter().map(|fact| fact.says).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    });
    let wanted =
        "POLL is 0 ms, less than 100 ms, in /etc/mill/env (lines 3 and 5 set it; the last counts): it waits".to_owned();
    assert_eq!(says, [wanted]);
}

#[test]
fn an_application_that_reads_its_file_itself_takes_what_is_older_than_its_start() {
    let hour = with(&[("POLL", "3600000")]);
    let fault = "POLL is 3600000 ms (1h0m), more than 60000 ms (1m0s)";
    let bare = || Reading::of([("PATH", "/bin")]);
    assert_eq!(World::of(&APP, bare(), hour.clone(), false).faults(), (texts(&[fault]), vec![]));
    assert_eq!(World::of(&APP, bare(), hour.clone(), true).faults(), (vec![], vec![format!("{fault} ({FILE})")]));
    // dotenv leaves alone what is set already.
    let set = Reading::of([("POLL", "5000")]);
    assert_eq!(World::of(&APP, set, hour, true).faults(), (vec![], vec![]));
}

#[test]
fn who_may_not_read_the_file_is_told_once_and_leaves_nothing_open() {
    let found =
        FileFound { mode: 0o600, owner: "root".to_owned(), uid: 0, gid: 0, size: 10, changed: None, is_dir: false };
    let barred = Barred { path: FILE.to_owned(), user: "app".to_owned(), bar: FILE.to_owned(), found: Some(found) };
    let world = World { barred: Some(barred), ..World::of(&APP, with(&[]), Reading::default(), true) };
    world.with(&VILLAGE, |case| {
        let outcome = case.outcome(&Clue::Values(Values::Unreadable), Some(&APP));
        let Proven(facts) = outcome else { panic!("{outcome:?}") };
        assert_eq!(facts[0].thing.as_deref(), Some(FILE));
        assert_eq!(facts[0].says, "/etc/mill/env belongs to root, mode 0600: app has no permission (EACCES)");
        assert!(case.outcome(&Clue::Values(Values::InUse), Some(&APP)).is_ruled_out());
    });
    // systemd reads the file as root.
    let other = World::of(&MILL, with(&[]), with(&[]), true);
    assert!(other.with(&VILLAGE, |case| case.outcome(&Clue::Values(Values::Unreadable), Some(&MILL)).is_ruled_out()));
}

#[test]
fn a_cause_of_the_runbook_about_the_same_key_takes_in_what_the_rules_show() {
    let hour = with(&[("POLL", "3600000"), ("WORKERS", "0")]);
    let told = World::of(&MILL, hour.clone(), hour, false).with(&VILLAGE, |case| {
        let failures: Vec<&'static Failure> = vec![&WRONG, &usual::RUINOUS_SETTING];
        let found = diagnose(case, &failures, None).findings;
        found.iter().map(|finding| (finding.cause.code, finding.facts.len())).collect::<Vec<_>>()
    });
    assert_eq!(told, [("POLL-ODD", 2), ("SETTING-RUINOUS", 1)]);
}

#[test]
fn no_value_is_ever_shown() {
    let leaky = with(&[("POLL", "hunter2"), ("WORKERS", "hunter2"), ("DATABASE_URL", "postgres://u:hunter2@x/y")]);
    for newer in [false, true] {
        let (runs, file) = (if newer { with(&[]) } else { leaky.clone() }, leaky.clone());
        let world = World::of(&MILL, runs, file, newer);
        let told = world.with(&VILLAGE, |case| {
            let failures: Vec<&'static Failure> = vec![&usual::RUINOUS_SETTING];
            format!("{:?}", diagnose(case, &failures, None))
        });
        assert!(told.contains("POLL is not a number") && told.contains("names host x, not db"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_login_has_expired_only_where_nothing_in_it_renews_it() {
    use crate::host::tools::login_file::Login;
    use crate::registry::FileClue;

    static EXPIRED: Clue = Clue::File("/login", FileClue::Expired("until", "renewal"));
    let judge = |login: Answer<Option<Login>>| {
        let world = World::of(&MILL, with(&[]), with(&[]), false);
        world.with(&VILLAGE, |case| {
            let mut clues = Clues::default();
            clues.logins.insert("/login", login);
            Case { clues: &clues, ..*case }.outcome(&EXPIRED, Some(&MILL))
        })
    };
    let at = |seconds: i64| Some(units::later(now(), jiff::SignedDuration::from_secs(seconds)));
    let login = |until, renewable| judge(ok("ls", Some(Login { until, renewable })));
    let Proven(facts) = login(at(-60), false) else { panic!("it has expired") };
    assert!(facts[0].says.contains("the login in /login expired 1m0s ago"), "{facts:?}");
    for sound in [login(at(60), false), login(at(-60), true), login(None, false), judge(ok("ls", None))] {
        assert!(sound.is_ruled_out(), "{sound:?}");
    }
    let denied = judge(Answer { command: "ls".into(), result: Err(Trouble::NeedsRoot("to read it")) });
    assert!(matches!(denied, Unknown(_)));
}

#[test]
fn what_only_says_that_a_value_changed_goes_under_what_is_wrong_with_it() {
    let finding = |cause: &'static Cause, facts: Vec<Fact>| Finding {
        failure: &WRONG,
        cause,
        service: Some(&MILL),
        subject: "mill".to_owned(),
        summary: None,
        severity: &URGENT,
        facts,
        since: None,
        futile: None,
        folded: Vec::new(),
    };
    let old =
        |keys: &str| finding(&usual::ENVIRONMENT_OLD, vec![Fact::new("ls", "x").blaming(format!("{keys} ({FILE})"))]);
    let odd = || finding(&POLL_ODD, vec![Fact::new("cut", "POLL in /etc/mill/env has not the form x")]);
    let codes = |found: Vec<Finding>| found.iter().map(|f| (f.cause.code, f.folded.len())).collect::<Vec<_>>();
    assert_eq!(codes(absorbed(vec![odd(), old("POLL")])), [("POLL-ODD", 1)]);
    // Another key changed as well: that stands by itself.
    let both = codes(absorbed(vec![odd(), old("POLL, PORT")]));
    assert_eq!(both, [("POLL-ODD", 0), ("ENVIRONMENT-OLD", 0)]);
}

#[test]
fn the_line_about_a_database_file_stands_with_what_is_wrong_with_the_file() {
    let finding = |cause: &'static Cause, says: &str| Finding {
        failure: &WRONG,
        cause,
        service: Some(&MILL),
        subject: "mill".to_owned(),
        summary: None,
        severity: &URGENT,
        facts: vec![Fact::new("look", says).blaming("thing")],
        since: None,
        futile: None,
        folded: Vec::new(),
    };
    let crash = || usual::REASONS.iter().find(|cause| cause.code == "CRASHED").copied().unwrap();
    let file = || finding(&usual::SQLITE_READ_ONLY, "/x.db belongs to root, mode 600; it runs as mill");
    let joined = sqlite::joined(vec![finding(crash(), "SQLiteError: unable to open database file"), file()]);
    assert_eq!(joined.len(), 1);
    assert_eq!((joined[0].cause.code, joined[0].facts.len()), ("SQLITE-READ-ONLY", 2));
    assert_eq!(joined[0].thing(), Some("thing"));
    assert_eq!(sqlite::joined(vec![finding(crash(), "TypeError: x is undefined"), file()]).len(), 2);
    assert_eq!(sqlite::joined(vec![finding(crash(), "SQLiteError: x")]).len(), 1);
}

#[test]
fn what_runs_and_could_not_be_started_again_is_told_and_what_fails_already_is_not() {
    use crate::observe::clues::starts::Obstacle;

    let gone = || Obstacle { path: "/srv/x.js".into(), what: "does not exist".into(), command: "ls".into() };
    let judge = |state, pid, found: Option<Answer<Vec<Obstacle>>>| {
        let units =
            Some(ok("systemctl show", vec![UnitState { main_pid: pid, ..unit("mill.service", state, "running") }]));
        let world = World { state, ..World::of(&MILL, with(&[]), with(&[]), false) };
        world.with(&VILLAGE, |case| {
            let evidence = Evidence {
                time: now(),
                managers: ManagerEvidence { units, ..ManagerEvidence::default() },
                replies: vec![vec![ok("curl", answers())]],
                holders: vec![Holder::Own],
                host: None,
            };
            let clues = Clues { starts: found.into_iter().map(|found| ("mill", found)).collect(), ..Clues::default() };
            let case = Case { evidence: &evidence, clues: &clues, ..*case };
            case.outcome(&Clue::Values(Values::Unstartable), Some(&MILL))
        })
    };
    let Proven(facts) = judge("active", Some(1), Some(ok("x", vec![gone()]))) else { panic!("it could not") };
    assert_eq!(facts[0].thing.as_deref(), Some("/srv/x.js does not exist"));
    assert!(judge("active", Some(1), Some(ok("x", vec![]))).is_ruled_out());
    assert!(judge("failed", None, Some(ok("x", vec![gone()]))).is_ruled_out());
    assert!(matches!(judge("active", Some(1), None), Unknown(_)));
    let denied = Answer { command: "x".into(), result: Err(Trouble::NeedsRoot("to read it")) };
    assert!(matches!(judge("active", Some(1), Some(denied)), Unknown(_)));
}

#[test]
fn what_several_services_miss_is_told_once() {
    let finding = |cause: &'static Cause, service: Option<&'static Service>, says: &str| Finding {
        failure: &WRONG,
        cause,
        service,
        subject: "x".to_owned(),
        summary: None,
        severity: &URGENT,
        facts: vec![Fact::new("look", says).blaming(says)],
        since: None,
        futile: None,
        folded: Vec::new(),
    };
    let start = |service, says| finding(&usual::CANNOT_START_AGAIN, Some(service), says);
    let gone = "/bin/bun does not exist";
    let codes = |found: Vec<Finding>| found.iter().map(|f| (f.cause.code, f.folded.len())).collect::<Vec<_>>();
    let both = absorbed(vec![start(&MILL, gone), start(&APP, gone)]);
    assert_eq!(codes(both), [("CANNOT-START-AGAIN", 1)]);
    let wide = finding(&POLL_ODD, None, "/bin/bun has mode 644");
    assert_eq!(codes(absorbed(vec![start(&MILL, gone), wide])), [("POLL-ODD", 1)]);
    let other = absorbed(vec![start(&MILL, gone), start(&APP, "/srv/x.js is empty")]);
    assert_eq!(codes(other), [("CANNOT-START-AGAIN", 0), ("CANNOT-START-AGAIN", 0)]);
}
