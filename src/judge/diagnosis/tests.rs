//! The engine on evidence made by hand: logic, subjects, order, folding, and that no trouble ever becomes a finding.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod backups;
mod containers;
mod data;
mod drift;
mod empty;
mod env;
mod footing;
mod holder;
mod logic;
mod pairs;
mod reasons;
mod remedies;
mod second;
mod surroundings;
mod unattended;
mod unmanaged;
mod unmanaged_containers;
mod values;

use std::time::Duration;

use super::*;
use crate::envfile::Reading;
use crate::host::tools::Malformed;
use crate::host::tools::command::Command;
use crate::host::tools::systemctl::UnitState;
use crate::host::trouble::Trouble;
use crate::judge::health::{self, Health};
use crate::observe::clues::{Clues, EnvFound};
use crate::observe::logs::line::Said;
use crate::observe::probe::{Answer, Evidence, Holder, ListenAddress, ManagerEvidence, Reply};
use crate::registry::{
    Clue, EnvClue, EnvFile, Fix, Heard, HostChecks, Http, Lapse, Manager, Probe, Remedy, Risk, Rule, State, Unit,
    Window, usual,
};
use outcome::Conclusion::{Proven, RuledOut, Unknown};

static URGENT: Level = level("urgent");
static LATER: Level = level("later");

const fn level(id: &'static str) -> Level {
    Level::new(id).criterion("c").response("now").response_seconds(0).action("a")
}

static KEEPER: Service = Service::new("keeper", &LATER)
    .summary("keeps")
    .severity_reason("r")
    .managers(&[Manager::Systemd(Unit::new("keeper.service"))])
    .ports(&[1000])
    .probes(&[Probe::Http(Http::get(1000, "/", &[Rule::ok(200)]))])
    .env(EnvFile::new(&["/etc/keeper.env"]).mode(0o640).required(&["KEY", "OTHER"]))
    .logs(&[crate::registry::Log::Journal("keeper.service")]);
static SHOP: Service = Service::new("shop", &URGENT)
    .summary("sells")
    .severity_reason("r")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))])
    .ports(&[2000])
    .probes(&[Probe::Http(Http::get(2000, "/", &[Rule::ok(200)]))])
    .needs(&[&KEEPER]);
static FIX: Fix = Fix::new("do", Risk::ReadOnly, Remedy::Manual("it"));
static SAYS_BOOM: Cause = Cause::new("BOOM", Clue::All(&[Clue::Unhealthy, Clue::Said("boom", Window::Run)]))
    .summary("{service} says boom")
    .explanation("e")
    .fixes(&[&FIX]);
static DOWN: Failure = Failure::new("down", &[&[&SAYS_BOOM], usual::SERVICE]).summary("s").section("s");
static PLACE: Deployment = Deployment::new("place", &[&URGENT, &LATER], &[&KEEPER, &SHOP], HostChecks::new(&LATER))
    .summary("s")
    .failures(&[&DOWN]);
const _: () = crate::registry::check::deployment(&PLACE);

#[test]
fn the_records_of_these_tests_are_sound() {
    assert_eq!(crate::registry::check::problems(&[&PLACE]), Vec::<String>::new());
}

fn now() -> Timestamp {
    "2026-02-26T02:00:00Z".parse().unwrap()
}

fn unit(name: &str, active: &str, sub: &str) -> UnitState {
    UnitState {
        id: name.to_owned(),
        names: vec![name.to_owned()],
        load: "loaded".into(),
        active: active.into(),
        sub: sub.into(),
        file_state: "enabled".into(),
        active_since: Some(now() - jiff::SignedDuration::from_hours(1)),
        ..UnitState::default()
    }
}

/// Evidence that a test changes before it asks.
struct Made {
    units: Result<Vec<UnitState>, Trouble>,
    replies: [Reply; 2],
    holders: [Holder; 2],
    clues: Clues,
}

fn answers() -> Reply {
    Reply::Http { status: 200, body: String::new() }
}

fn silent() -> Reply {
    Reply::Silent("connection refused".to_owned())
}

fn ok<T>(command: &str, value: T) -> Answer<T> {
    Answer { command: command.into(), result: Ok(value) }
}

impl Made {
    fn well() -> Self {
        let env = |path: &str| EnvFound {
            path: Some(path.to_owned()),
            settings: Reading::of([("KEY", "a"), ("OTHER", "b")]),
            ..EnvFound::default()
        };
        let mut clues = Clues::default();
        clues.env.insert("keeper", ok("ls -l /etc/keeper.env", env("/etc/keeper.env")));
        clues.env.insert("shop", ok("ls -l", EnvFound::default()));
        clues.said.insert("keeper", ok("opsctl logs keeper", Vec::new()));
        Made {
            units: Ok(vec![unit("keeper.service", "active", "running"), unit("shop.service", "active", "running")]),
            replies: [answers(), answers()],
            holders: [Holder::Own, Holder::Own],
            clues,
        }
    }

    /// The keeper ends again and again, and the shop cannot do without it.
    fn loops() -> Self {
        let mut made = Made::well();
        let mut keeper = unit("keeper.service", "activating", "auto-restart");
        (keeper.restarts, keeper.exit_kind, keeper.exit_status) = (7, 1, 1);
        made.units = Ok(vec![keeper, unit("shop.service", "active", "running")]);
        made.replies = [silent(), Reply::Http { status: 503, body: String::new() }];
        made.holders = [Holder::Nobody, Holder::Own];
        made
    }

    fn diagnose(self) -> Diagnosis {
        self.with(|case| diagnose(case, PLACE.failures, None))
    }

    fn with<T>(self, ask: impl FnOnce(&Case<'_>) -> T) -> T {
        self.with_restless(Vec::new(), ask)
    }

    /// The same, with units that no service is and that were started lately.
    fn with_restless<T>(self, restless: Vec<UnitState>, ask: impl FnOnce(&Case<'_>) -> T) -> T {
        let restless = (!restless.is_empty()).then(|| ok("systemctl show", restless));
        let services = PLACE.services.to_vec();
        let units = Answer { command: "systemctl show".into(), result: self.units };
        let evidence = Evidence {
            time: now(),
            managers: ManagerEvidence { units: Some(units), restless, ..ManagerEvidence::default() },
            replies: self.replies.map(|reply| vec![ok("curl", reply)]).into(),
            holders: self.holders.into(),
            host: None,
        };
        let health: Health = health::judge(&PLACE, &services, &evidence);
        ask(&Case {
            deployment: &PLACE,
            services: &services,
            evidence: &evidence,
            health: &health,
            clues: &self.clues,
            backups: None,
        })
    }
}

fn line(text: &str) -> Said {
    Said { time: Some(now()), source: "journal:keeper.service".into(), level: None, text: text.into() }
}

/// Each finding as `CODE subject`, those under it in brackets.
fn told(diagnosis: &Diagnosis) -> Vec<String> {
    let one = |finding: &Finding| format!("{} {}", finding.cause.code, finding.subject);
    let all = diagnosis.findings.iter().map(|finding| {
        let folded: Vec<String> = finding.folded.iter().map(one).collect();
        if folded.is_empty() { one(finding) } else { format!("{} ({})", one(finding), folded.join(", ")) }
    });
    all.collect()
}

#[test]
fn where_all_is_well_nothing_is_found_and_nothing_is_open() {
    let diagnosis = Made::well().diagnose();
    assert_eq!((told(&diagnosis), &diagnosis.doubts), (Vec::new(), &Vec::new()));
    assert_eq!(diagnosis.examined, 2 * (usual::SERVICE.len() + 1));
}

#[test]
fn an_effect_is_told_where_no_cause_is_proven_and_what_needs_it_is_folded() {
    assert_eq!(told(&Made::loops().diagnose()), ["CRASH-LOOP keeper (BAD-ANSWER shop)"]);
}

#[test]
fn a_cause_takes_the_place_of_effects() {
    let mut made = Made::loops();
    made.clues.said.insert("keeper", ok("opsctl logs keeper", vec![line("it went boom")]));
    let diagnosis = made.diagnose();
    assert_eq!(told(&diagnosis), ["BOOM keeper (BAD-ANSWER shop)"]);
    let says: Vec<&str> = diagnosis.findings[0].facts.iter().map(|fact| fact.says.as_str()).collect();
    assert_eq!(
        says,
        ["systemd: crash loop: 7 restarts, last: exit 1", "http :1000/: connection refused", "02:00:00 it went boom"]
    );
}

#[test]
fn two_causes_are_both_told() {
    let mut made = Made::loops();
    made.clues.said.insert("keeper", ok("opsctl logs keeper", vec![line("it went boom")]));
    made.clues.env.insert("keeper", ok("ls -l /etc/keeper.env", EnvFound::default()));
    assert_eq!(told(&made.diagnose()), ["BOOM keeper (BAD-ANSWER shop)", "ENV-FILE-MISSING keeper"]);
}

#[test]
fn a_line_of_an_earlier_run_proves_nothing() {
    let mut made = Made::well();
    made.replies[0] = silent();
    let old = Said { time: Some(now() - jiff::SignedDuration::from_hours(2)), ..line("boom") };
    made.clues.said.insert("keeper", ok("opsctl logs keeper", vec![old]));
    assert_eq!(told(&made.diagnose()), ["NO-ANSWER keeper"]);
}

#[test]
fn b19_lines_that_were_not_read_rule_nothing_out_and_those_that_were_prove() {
    let said = |lines: Vec<Said>, since: Option<jiff::Timestamp>| {
        let mut made = Made::loops();
        made.clues.said.insert("keeper", ok("opsctl logs keeper", lines));
        made.clues.partial.insert("keeper", (since, "its newest 10 lines reach back only to 02:00".to_owned()));
        let diagnosis = made.diagnose();
        let open = diagnosis.doubts.iter().any(|doubt| format!("{doubt:?}").contains("newest 10 lines"));
        (told(&diagnosis), open)
    };
    let effect = vec!["CRASH-LOOP keeper (BAD-ANSWER shop)".to_owned()];
    assert_eq!(said(vec![line("fine")], None), (effect.clone(), true));
    assert_eq!(said(vec![line("fine")], Some(now())), (effect.clone(), true));
    // As far back as it matters.
    let long_ago = now() - jiff::SignedDuration::from_hours(48);
    assert_eq!(said(vec![line("fine")], Some(long_ago)), (effect, false));
    assert_eq!(said(vec![line("it went boom")], None).0, ["BOOM keeper (BAD-ANSWER shop)"]);
}

#[test]
fn one_service_is_asked_about_with_what_it_needs_and_what_fails() {
    let diagnosis = Made::loops().with(|case| diagnose(case, PLACE.failures, Some(&SHOP)));
    assert_eq!(told(&diagnosis), ["CRASH-LOOP keeper (BAD-ANSWER shop)"]);
    assert!(diagnosis.ruled_out.iter().all(|not| not.subjects == ["shop"]));
    // Not with what needs it, and not with what is healthy.
    let keeper = Made::loops().with(|case| diagnose(case, PLACE.failures, Some(&KEEPER)));
    assert_eq!(told(&keeper), ["CRASH-LOOP keeper"]);
    let alone = Made::well().with(|case| diagnose(case, PLACE.failures, Some(&SHOP)));
    assert_eq!(alone.examined, usual::SERVICE.len() + 1);
}

#[test]
fn no_trouble_of_any_source_becomes_a_finding_or_hides_one() {
    let troubles = [
        Trouble::Missing("tool"),
        Trouble::TimedOut(Duration::from_secs(2)),
        Trouble::NeedsRoot("to read it"),
        Trouble::Failed("exit 1: boom".to_owned()),
        Trouble::Malformed(Malformed::new("a table", "boom")),
        Trouble::Shortage(crate::host::shortage::Shortage::Ports),
    ];
    for trouble in troubles {
        let mut made = Made::well();
        made.units = Err(trouble.clone());
        let diagnosis = made.diagnose();
        assert_eq!(told(&diagnosis), Vec::<String>::new(), "{trouble}");
        assert!(!diagnosis.doubts.is_empty(), "{trouble}");

        let mut made = Made::loops();
        made.clues.said.insert("keeper", Answer { command: "opsctl logs keeper".into(), result: Err(trouble.clone()) });
        let diagnosis = made.diagnose();
        assert_eq!(told(&diagnosis), ["CRASH-LOOP keeper (BAD-ANSWER shop)"], "{trouble}");
        assert!(diagnosis.doubts.iter().any(|doubt| doubt.codes.contains(&"BOOM")), "{trouble}");
    }
}

#[test]
fn only_what_may_still_decide_is_asked_for() {
    let all = |made: Made| made.with(|case| wants(case, PLACE.failures, None));
    let well = all(Made { clues: Clues::default(), ..Made::well() });
    assert!(well.run.is_empty());
    // That an env file is gone shows only at the next start.
    assert_eq!(well.env.keys().copied().collect::<Vec<_>>(), ["keeper", "shop"]);
    let loops = all(Made { clues: Clues::default(), ..Made::loops() });
    // The shop states no log: what it prints is in the journal of its unit.
    assert_eq!(loops.run.iter().map(|service| service.name).collect::<Vec<_>>(), ["keeper", "shop"]);
}

#[test]
fn numbers_are_found_in_answers() {
    let answer = ok("curl", Reply::Http { status: 200, body: r#"{"a":{"x":{"p99":3},"y":{"p99":700}},"b":1}"#.into() });
    assert!(replies::heard(&answer, &Heard::Above("a.*.p99", 500)).is_proven());
    assert!(replies::heard(&answer, &Heard::Above("a.x.p99", 500)).is_ruled_out());
    assert!(matches!(replies::heard(&answer, &Heard::Above("a.z.p99", 500)), Unknown(_)));
    assert!(replies::heard(&answer, &Heard::Status(&[200, 204])).is_proven());
    assert!(replies::heard(&ok("curl", silent()), &Heard::Status(&[502])).is_ruled_out());
    assert!(replies::heard(&ok("curl", silent()), &Heard::Silence).is_proven());
}

#[test]
fn states_of_a_service_that_is_not_here_are_no_findings() {
    let mut made = Made::well();
    made.units = Ok(vec![unit("keeper.service", "active", "running"), unit("shop.service", "active", "running")]);
    let outcome = made.with(|case| case.outcome(&Clue::State(&[State::Running]), None));
    assert!(matches!(outcome, Unknown(_)));
}

#[test]
fn of_changes_those_that_came_before_are_told_newest_first() {
    use crate::observe::clues::changes::Change;
    let at = |hours: i64| now() - jiff::SignedDuration::from_hours(hours);
    let change = |hours, what: &str, service| Change { time: at(hours), what: what.to_owned(), service };
    let changes = [
        change(30, "long ago", None),
        change(5, "the host was booted", None),
        change(4, "/etc/keeper.env was written", Some("keeper")),
        change(4, "/etc/shop.env was written", Some("shop")),
        change(2, "after it", None),
    ];
    let mut made = Made::well();
    let mut keeper = unit("keeper.service", "inactive", "dead");
    keeper.changed = Some(at(3));
    made.units = Ok(vec![keeper, unit("shop.service", "active", "running")]);
    made.replies[0] = silent();
    let diagnosis = made.diagnose();
    let finding = &diagnosis.findings[0];
    assert_eq!((finding.cause.code, finding.since), ("STOPPED", Some(at(3))));
    let told: Vec<&str> = before(finding, &changes, now()).into_iter().map(|change| change.what.as_str()).collect();
    assert_eq!(told, ["/etc/keeper.env was written", "the host was booted"]);
}

#[test]
fn a_cause_that_another_explains_is_folded_under_it() {
    let mut made = Made::well();
    let mut keeper = unit("keeper.service", "inactive", "dead");
    keeper.changed = Some(now());
    made.units = Ok(vec![keeper, unit("shop.service", "active", "running")]);
    made.replies[0] = silent();
    made.holders[0] = Holder::Other { pid: 7, name: "nc".to_owned() };
    assert_eq!(told(&made.diagnose()), ["PORT-TAKEN keeper (STOPPED keeper)"]);
}
