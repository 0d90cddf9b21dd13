//! Which fixes are offered: a restart only where it can change something, and nothing for what is kept down on purpose.

use super::*;
use crate::judge::health::purpose::{self, Intent, OnPurpose, Recorded};
use crate::observe::clues::second::{SecondLook, Strain};

/// The first finding about the keeper: its code, the fixes that are offered, and why no restart is.
fn offered(made: Made) -> (String, Vec<&'static str>, Option<String>) {
    made.with(|case| {
        let diagnosis = diagnose(case, PLACE.failures, None);
        let finding = diagnosis.findings.into_iter().find(|finding| finding.subject == "keeper").unwrap();
        let titles = finding.fixes(&[]).map(|fix| fix.title).collect();
        (finding.cause.code.to_owned(), titles, finding.futile)
    })
}

fn keeper(change: impl FnOnce(&mut UnitState)) -> Made {
    let mut made = Made::loops();
    let mut unit = unit("keeper.service", "failed", "failed");
    (unit.exit_kind, unit.exit_status) = (1, 1);
    change(&mut unit);
    made.units = Ok(vec![unit, super::unit("shop.service", "active", "running")]);
    made
}

type Change = fn(&mut UnitState);

const LOOK: &str = "find the cause in its log";
const RESTART: &str = "restart {service}";
const MEND: &str = "fix what its log names, then start it";

#[test]
fn a_restart_is_offered_only_where_it_can_change_something() {
    let ago = |seconds: i64| Some(now() - jiff::SignedDuration::from_secs(seconds));
    let ran = |lasted: i64| keeper(|unit| (unit.active_since, unit.changed) = (ago(lasted + 5), ago(5)));
    let with = |why: &str| Some(why.to_owned());
    assert_eq!(offered(ran(3)), ("FAILED".into(), vec![LOOK, MEND], with("it ended 3s after its last start: exit 1")));
    assert_eq!(offered(ran(59)).1, [LOOK, MEND]);
    assert_eq!(offered(ran(60)), ("FAILED".into(), vec![LOOK, RESTART, MEND], None));
    // What systemd starts again by itself is not helped by one start more.
    let again = with("its manager restarts it, and it ends each time: exit 1");
    assert_eq!(offered(Made::loops()), ("CRASH-LOOP".into(), vec![LOOK, MEND], again));
    // What came from outside need not come again.
    let cut: [Change; 5] = [
        |unit| (unit.exit_kind, unit.exit_status) = (2, 9),
        |unit| (unit.exit_kind, unit.exit_status) = (3, 11),
        |unit| unit.result = "watchdog".into(),
        |unit| unit.result = "timeout".into(),
        |unit| unit.brief = true,
    ];
    for (index, change) in cut.into_iter().enumerate() {
        let made = keeper(|unit| {
            (unit.active_since, unit.changed) = (ago(8), ago(5));
            change(unit);
        });
        let (code, titles, why) = offered(made);
        assert!(titles.contains(&RESTART), "{index}: {code} {titles:?} {why:?}");
    }
}

static BY_HAND: Cause =
    Cause::new("BY-HAND", Clue::All(&[Clue::Unhealthy, Clue::Env(EnvClue::KeysMissing(&["GONE"]))]))
        .summary("{service} lacks a key")
        .explanation("e")
        .fixes(&[&FIX]);
static LEAKS: Cause = Cause::new("LEAKS", Clue::Unhealthy)
    .summary("{service} leaks")
    .explanation("e")
    .fixes(&[&Fix::new(RESTART, Risk::Disruptive, Remedy::Restart)]);
static BOTH: Failure = Failure::new("both", &[&[&LEAKS, &BY_HAND]]).summary("s").section("s");

#[test]
fn no_restart_while_a_cause_of_the_same_service_stands_that_it_does_not_mend() {
    let told = |made: Made| {
        made.with(|case| {
            let found = diagnose(case, &[&BOTH], None).findings;
            let of = |finding: &Finding| (finding.cause.code, finding.fixes(&[]).count(), finding.futile.clone());
            found.iter().filter(|finding| finding.subject == "keeper").map(of).collect::<Vec<_>>()
        })
    };
    let stands = Some("PLACE-BY-HAND remains, which a restart does not fix".to_owned());
    assert_eq!(told(Made::loops()), [("LEAKS", 0, stands), ("BY-HAND", 1, None)]);
    let mut set = Made::loops();
    let settings = Reading::of([("KEY", "a"), ("OTHER", "b"), ("GONE", "c")]);
    let found = EnvFound { path: Some("/etc/keeper.env".into()), settings, ..EnvFound::default() };
    set.clues.env.insert("keeper", ok("ls", found));
    assert_eq!(told(set), [("LEAKS", 1, None)]);
}

/// The keeper is down, and the shop fails without it.
fn kept(intent: Intent) -> Recorded {
    let purpose = OnPurpose { intent, since: now(), by: "ada".into(), operation: "stop keeper".into() };
    Recorded { service: "keeper", purpose, ended: (intent == Intent::Stopped).then(now) }
}

#[test]
fn what_is_kept_down_on_purpose_is_no_finding_and_nothing_starts_it() {
    static START_KEEPER: Fix = Fix::new("restart keeper", Risk::Disruptive, Remedy::RestartOf(&KEEPER));
    static UNIT: Fix = Fix::new("start it", Risk::Safe, Remedy::Command(&["systemctl", "start", "keeper.service"]));
    for intent in [Intent::Maintenance, Intent::Stopped, Intent::Change] {
        let mut made = keeper(|unit| {
            (unit.active, unit.sub, unit.changed) = ("inactive".into(), "dead".into(), Some(now()));
        });
        made.clues.env.insert("keeper", ok("ls", EnvFound::default()));
        let services = PLACE.services.to_vec();
        made.with(|case| {
            let mut health = health::judge(&PLACE, &services, case.evidence);
            purpose::excuse(&PLACE, &mut health, &[kept(intent)]);
            let case = Case { health: &health, ..*case };
            assert_eq!(told(&diagnose(&case, PLACE.failures, None)), Vec::<String>::new(), "{intent:?}");
            let verdicts: Vec<Verdict> = health.services.iter().map(|judged| judged.verdict).collect();
            assert_eq!((health.services[0].name.as_str(), verdicts[0]), ("keeper", Verdict::Warn));
            assert_eq!(health.services[1].cause.as_deref(), Some("keeper"));
            // Who needs it does not find it well.
            assert!(case.outcome(&Clue::Of(&KEEPER, &Clue::Unhealthy), None).is_proven());
            assert!(case.kept_down(&START_KEEPER, &[]).is_some());
            let argv = ["systemctl", "start", "keeper.service"].map(str::to_owned);
            assert!(case.kept_down(&UNIT, &argv).unwrap().starts_with("keeper is "));
            assert_eq!(case.kept_down(&UNIT, &argv[..2]), None);
        });
    }
}

/// What a second look at the keeper came to, which gave no answer in time.
fn late(change: impl FnOnce(&mut SecondLook)) -> Made {
    let mut made = Made::well();
    made.replies[0] = Reply::Silent("no answer in 2.4 s".to_owned());
    let strain = Strain {
        pid: 7,
        name: "node".to_owned(),
        files: Some((20, 1024)),
        tasks: Some((11, 4096)),
        busy: Some(0.1),
        state: 'S',
        waiting: Some((0, 128)),
    };
    let mut second = SecondLook { answer: None, waited: Duration::from_secs(10), strain: vec![strain] };
    change(&mut second);
    made.clues.second.insert("keeper", second);
    made
}

#[test]
fn what_answers_late_is_slow_and_what_is_short_of_something_says_of_what() {
    static LATE: Failure =
        Failure::new("late", &[&[&usual::EXHAUSTED, &usual::SLOW_ANSWER, &usual::NO_ANSWER]]).summary("s").section("s");
    let found = |made: Made| {
        made.with(|case| {
            let found = diagnose(case, &[&LATE], None).findings;
            let of = |finding: &Finding| {
                let facts = finding.facts.iter().map(|fact| fact.says.clone()).collect::<Vec<_>>();
                let restarts = finding.fixes(&[]).any(|fix| matches!(fix.remedy, Remedy::Restart));
                (finding.cause.code, finding.thing().map(str::to_owned), restarts, facts)
            };
            found.iter().map(of).collect::<Vec<_>>()
        })
    };
    let answered =
        |second: &mut SecondLook| second.answer = Some((0, Duration::from_millis(6200), ok("curl -m 3 x", answers())));
    let all = found(late(answered));
    let [(code, thing, restarts, facts)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((*code, thing.as_deref(), *restarts), ("SLOW-ANSWER", Some("6.2 s"), false));
    assert!(facts.contains(&"answers after 6.2 s".to_owned()), "{facts:?}");
    // Silent in the second look as well: it hangs, and what is remarkable is said.
    let all = found(late(|second| (second.strain[0].state, second.strain[0].busy) = ('T', Some(0.99))));
    let [(code, _, restarts, facts)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((*code, *restarts), ("NO-ANSWER", true));
    for wanted in ["node (pid 7) is halted by a signal (state T)", "node (pid 7) uses 99 % of a processor"] {
        assert!(facts.contains(&wanted.to_owned()), "{facts:?}");
    }
    let table = [((1024, 1024), true), ((973, 1024), true), ((972, 1024), false)];
    for (files, wanted) in table {
        let all = found(late(|second| second.strain[0].files = Some(files)));
        let codes: Vec<&str> = all.iter().map(|(code, ..)| *code).collect();
        assert_eq!(codes, [if wanted { "EXHAUSTED" } else { "NO-ANSWER" }], "{files:?}");
    }
    let full = found(late(|second| {
        second.strain[0].tasks = Some((4096, 4096));
        answered(second);
    }));
    assert_eq!(
        (full.len(), full[0].0, full[0].1.as_deref()),
        (1, "EXHAUSTED", Some("4096 of 4096 processes and threads run"))
    );
    // Who refused the connection is not asked again.
    let mut refused = Made::well();
    refused.replies[0] = silent();
    assert_eq!(found(refused)[0].0, "NO-ANSWER");
}
