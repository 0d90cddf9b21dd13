//! What services say of why they failed, on evidence made by hand: which line decides, what is quoted, and what is told once.

use super::*;
use crate::judge::diagnosis::reasons::family_of;
use crate::observe::clues::FileFound;
use crate::registry::Family;

/// The failures that every deployment has beside its own.
fn with_usual(made: Made) -> Diagnosis {
    made.with(|case| diagnose(case, &PLACE.all_failures().collect::<Vec<_>>(), None))
}

fn saying(texts: &[&str]) -> Made {
    let mut made = Made::loops();
    let said: Vec<Said> = texts.iter().map(|text| line(text)).collect();
    made.clues.said.insert("keeper", ok("opsctl logs keeper", said));
    made
}

fn summary(diagnosis: &Diagnosis) -> Vec<String> {
    let one = |finding: &Finding| format!("{} {}", finding.cause.code, finding.thing().unwrap_or("-"));
    diagnosis.findings.iter().map(one).collect()
}

#[test]
fn each_family_but_one_has_a_cause_in_its_words() {
    for family in Family::all() {
        let of = |cause: &&&Cause| family_of(&cause.proof) == Some(family);
        let causes: Vec<_> = usual::REASONS.iter().filter(of).collect();
        // `NO-SPACE` is older than families.
        assert_eq!(causes.len(), usize::from(family != Family::NoSpace), "{family:?}");
        for cause in causes {
            assert_eq!(cause.summary, format!("{{service}} {}", family.phrase()));
            assert!(!cause.fixes.iter().any(|fix| matches!(fix.remedy, Remedy::Restart | Remedy::Start)));
        }
    }
}

#[test]
fn the_last_fatal_reason_is_the_cause_and_its_thing_is_named() {
    let found = with_usual(saying(&[
        "connect ECONNREFUSED 127.0.0.1:5432, retrying",
        "Error: EACCES: permission denied, open '/srv/key.pem'",
        "    at Object.openSync (node:fs:573:18)",
        "keeper.service: Main process exited, code=exited, status=1/FAILURE",
    ]));
    assert_eq!(summary(&found), ["PERMISSION-DENIED /srv/key.pem"]);
    assert_eq!(found.findings[0].folded.len(), 1, "the shop needs it");
}

#[test]
fn what_was_looked_up_of_the_thing_is_told_with_it() {
    let mut made = saying(&["Error: EACCES: permission denied, open '/srv/key.pem'"]);
    let file =
        FileFound { mode: 0o600, owner: "root".to_owned(), uid: 0, gid: 0, size: 1, changed: None, is_dir: false };
    made.clues.named.insert("/srv/key.pem".to_owned(), ok("ls", Some(file)));
    let wanted = saying(&["Error: EACCES: permission denied, open '/srv/key.pem'"])
        .with(|case| named(case, &PLACE.all_failures().collect::<Vec<_>>()));
    assert_eq!(wanted.paths.into_iter().collect::<Vec<_>>(), ["/srv", "/srv/key.pem"]);
    let found = with_usual(made);
    let says: Vec<&str> = found.findings[0].facts.iter().map(|fact| fact.says.as_str()).collect();
    assert!(says.contains(&"/srv/key.pem: file of root, mode 0600"), "{says:?}");
}

#[test]
fn a_better_cause_with_the_same_line_or_of_the_same_kind_is_told_alone() {
    let found = with_usual(saying(&["Error: Cannot find module 'boom'"]));
    assert_eq!(told(&found), ["BOOM keeper (BAD-ANSWER shop)"]);
    let mut made = saying(&["Error: listen EADDRINUSE: address already in use :::1000"]);
    made.holders[0] = Holder::Other { pid: 7, name: "nc".to_owned() };
    assert_eq!(told(&with_usual(made)), ["PORT-TAKEN keeper (BAD-ANSWER shop)"]);
    // Another thing is another cause.
    let mut made = saying(&["Error: Cannot find module 'hono'"]);
    made.holders[0] = Holder::Other { pid: 7, name: "nc".to_owned() };
    assert_eq!(with_usual(made).findings.len(), 2);
}

#[test]
fn one_that_cannot_connect_to_a_failed_service_is_told_below_it() {
    let mut made = saying(&["Error: Cannot find module 'hono'"]);
    made.replies = [silent(), silent()];
    made.units = Ok(vec![
        unit("keeper.service", "failed", "failed"),
        UnitState { restarts: 9, ..unit("shop.service", "failed", "failed") },
    ]);
    made.clues.said.insert("shop", ok("opsctl logs shop", vec![line("Error: connect ECONNREFUSED 127.0.0.1:1000")]));
    made.holders = [Holder::Nobody, Holder::Nobody];
    assert_eq!(told(&with_usual(made)), ["MODULE-NOT-FOUND keeper (CONNECT-REFUSED shop)"]);
}

#[test]
fn what_was_stopped_or_went_on_says_nothing_of_why() {
    let fatal = [line("Error: Cannot find module 'hono'")];
    let mut made = Made::well();
    made.units = Ok(vec![unit("keeper.service", "inactive", "dead"), unit("shop.service", "active", "running")]);
    made.replies[0] = silent();
    made.clues.said.insert("keeper", ok("opsctl logs keeper", fatal.to_vec()));
    assert_eq!(told(&with_usual(made)), ["STOPPED keeper"]);
    // It runs, and said so long ago.
    let mut made = Made::well();
    made.replies[0] = silent();
    let old = Said { time: Some(now() - jiff::SignedDuration::from_mins(40)), ..line("Error: Cannot find module 'x'") };
    made.clues.said.insert("keeper", ok("opsctl logs keeper", vec![old]));
    assert_eq!(told(&with_usual(made)), ["NO-ANSWER keeper"]);
}

#[test]
fn an_effect_without_a_cause_quotes_the_last_lines() {
    let found = with_usual(saying(&["one", "two", "three", "four", "five", "six"]));
    assert_eq!(found.findings[0].cause.code, "CRASH-LOOP");
    let says: Vec<&str> = found.findings[0].facts.iter().map(|fact| fact.says.as_str()).collect();
    let last: Vec<&&str> = says.iter().filter(|says| says.starts_with("02:00:00 ")).collect();
    assert_eq!(last.len(), 5, "{says:?}");
    assert_eq!(says.last(), Some(&"02:00:00 six"));
}

static OTHER_PORT: Cause = Cause::new("OTHER-PORT", Clue::Env(EnvClue::key("KEY").not_its_port()))
    .summary("{service} is configured for another port")
    .explanation("e")
    .about(About::These(&[&KEEPER]))
    .fixes(&[&FIX]);
static PORTS: Failure = Failure::new("ports", &[&[&OTHER_PORT]]).summary("s").section("s");

#[test]
fn a_port_that_is_taken_follows_from_the_file_that_sets_another_services() {
    let mut made = saying(&["Error: listen EADDRINUSE: address already in use :::2000"]);
    let found = EnvFound {
        path: Some("/etc/keeper.env".into()),
        settings: Reading::of([("KEY", "2000"), ("OTHER", "b")]),
        ..EnvFound::default()
    };
    made.clues.env.insert("keeper", ok("ls", found));
    let failures: Vec<&'static Failure> = std::iter::once(&PORTS).chain(PLACE.all_failures()).collect();
    let found = made.with(|case| diagnose(case, &failures, None));
    assert!(told(&found).iter().any(|text| text.starts_with("OTHER-PORT keeper (")), "{:?}", told(&found));
    assert!(!told(&found).iter().any(|text| text.starts_with("ADDRESS-TAKEN")), "{:?}", told(&found));
}
