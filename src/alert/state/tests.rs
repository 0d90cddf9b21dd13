//! Random histories against a reference model, which keeps the whole history and works everything out from it anew at each check.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::alert::observation::Facts;
use crate::alert::subject::{GONE, SETTLED};
use crate::registry::{Thresholds, Verdict};

const REMIND: u64 = 3600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Grade(Grade),
    Unknown,
    Excused,
}

/// One check of a history, and what happened before it.
#[derive(Debug, Clone, Copy)]
struct Step {
    seen: Seen,
    /// Seconds since the check before, by the clock of the boot.
    gap: u64,
    /// By how much the wall clock was set meanwhile, seconds.
    jump: i64,
    held: bool,
    /// Whether this process is killed before it has kept what it found: the check is lost.
    killed: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let seen = prop_oneof![
        6 => Just(Seen::Grade(Grade::Healthy)),
        1 => Just(Seen::Grade(Grade::Warning)),
        5 => Just(Seen::Grade(Grade::Failure)),
        2 => Just(Seen::Unknown),
        1 => Just(Seen::Excused),
    ];
    let gap = prop_oneof![20 => Just(60_u64), 2 => Just(1_u64), 1 => Just(7200_u64), 1 => Just(86_400 * 3)];
    let jump = prop_oneof![30 => Just(0_i64), 1 => Just(86_400 * 60), 1 => Just(-86_400 * 60)];
    let phase = (seen, 1..12_usize, gap, jump, prop::bool::weighted(0.1), prop::bool::weighted(0.05));
    let phases = prop::collection::vec(phase, 1..14);
    phases.prop_map(|phases| {
        let mut steps = Vec::new();
        for (seen, count, gap, jump, held, killed) in phases {
            for nth in 0..count {
                steps.push(Step { seen, gap, jump: if nth == 0 { jump } else { 0 }, held, killed: killed && nth == 0 });
            }
        }
        steps
    })
}

fn moment(uptime: u64, set: i64) -> Moment {
    let time = Timestamp::from_second(1_795_000_000 + i64::try_from(uptime).unwrap() + set).unwrap();
    Moment { time, boot: "a".to_owned(), uptime_seconds: uptime }
}

fn observation(seen: Seen) -> Observation {
    Observation {
        subject: "wallet".to_owned(),
        class: Class::Service,
        grade: match seen {
            Seen::Grade(grade) => Some(grade),
            Seen::Unknown => None,
            Seen::Excused => Some(Grade::Failure),
        },
        explained: false,
        excused: (seen == Seen::Excused).then(|| "maintenance".to_owned()),
        thresholds: Thresholds::fail_after(2),
        gone: false,
        facts: Facts { remind_seconds: REMIND, ..Facts::default() },
    }
}

/// The reference: what the last checks were, oldest first, and what was notified.
#[derive(Default)]
struct Model {
    history: Vec<Seen>,
    grade: Option<Grade>,
    reported: Option<&'static str>,
    at: u64,
    /// The history from here on is searched for changes.
    calm_from: usize,
    flapping: bool,
}

impl Model {
    fn grades(&self) -> impl DoubleEndedIterator<Item = Grade> + '_ {
        self.history.iter().filter_map(|seen| match seen {
            Seen::Grade(grade) => Some(*grade),
            Seen::Unknown | Seen::Excused => None,
        })
    }

    /// How many of the last checks were such, not counting those that found nothing out.
    fn run(&self, is: impl Fn(Grade) -> bool, excuse_ends: bool) -> usize {
        let mut run = 0;
        for seen in self.history.iter().rev() {
            match seen {
                Seen::Grade(grade) if is(*grade) => run += 1,
                Seen::Grade(_) => break,
                Seen::Excused if excuse_ends => break,
                Seen::Excused | Seen::Unknown => {}
            }
        }
        run
    }

    fn check(&mut self, step: Step, uptime: u64) -> Option<&'static str> {
        self.history.push(step.seen);
        if step.seen == Seen::Excused {
            return None;
        }
        let before = self.grade.unwrap_or(Grade::Healthy);
        if step.seen != Seen::Unknown {
            let failed = self.run(|grade| grade == Grade::Failure, true) >= 2;
            let bad = self.run(|grade| grade != Grade::Healthy, true) >= 2;
            let not_failed = self.run(|grade| grade != Grade::Failure, false) >= 2;
            let healthy = self.run(|grade| grade == Grade::Healthy, false) >= 2;
            self.grade = Some(match before {
                Grade::Healthy | Grade::Warning if failed => Grade::Failure,
                Grade::Healthy if bad => Grade::Warning,
                Grade::Warning | Grade::Failure if healthy => Grade::Healthy,
                Grade::Failure if not_failed => Grade::Warning,
                grade => grade,
            });
        }
        let is = match self.grade.unwrap_or(Grade::Healthy) {
            Grade::Healthy => None,
            Grade::Warning => Some("warning"),
            Grade::Failure => Some("failure"),
        };
        let healthy: Vec<bool> = self.grades().map(|grade| grade == Grade::Healthy).collect();
        let changed: Vec<bool> = healthy.windows(2).map(|pair| pair[0] != pair[1]).collect();
        let steady = changed.iter().rev().take_while(|changed| !**changed).count();
        if step.seen != Seen::Unknown {
            let from = changed.len().saturating_sub(20).max(self.calm_from);
            if !self.flapping && changed[from.min(changed.len())..].iter().filter(|c| **c).count() >= 6 {
                self.flapping = true;
            } else if self.flapping && self.reported != Some("flapping") && steady >= 10 {
                (self.flapping, self.calm_from) = (false, changed.len());
            }
        }
        let due: Option<(&str, Option<&str>)> = if self.flapping {
            match self.reported {
                Some("flapping") if steady >= 10 && step.seen != Seen::Unknown => Some(("stable", is)),
                Some("flapping") => None,
                _ => Some(("flapping", Some("flapping"))),
            }
        } else {
            let mut last = self.history.iter().rev();
            let unknown = last.by_ref().take_while(|seen| **seen == Seen::Unknown).count();
            match (self.reported, is) {
                (None, None) => (unknown >= 5).then_some(("unknown", Some("unknown"))),
                (Some(_), None) => {
                    let is_known = step.seen != Seen::Unknown && self.run(|grade| grade == Grade::Healthy, false) >= 2;
                    is_known.then_some(("recovered", None))
                }
                (None | Some("unknown"), Some(is)) => Some(("failed", Some(is))),
                (Some("warning"), Some("failure")) => Some(("worse", is)),
                (Some(before), Some(_)) => {
                    let is_due = uptime - self.at >= REMIND && step.seen != Seen::Grade(Grade::Healthy);
                    is_due.then_some(("reminder", Some(before)))
                }
            }
        };
        let (kind, reported) = due.filter(|_| !step.held)?;
        (self.reported, self.at) = (reported, uptime);
        if kind == "stable" {
            (self.flapping, self.calm_from) = (false, changed.len());
        }
        Some(kind)
    }
}

fn word(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Failed => "failed",
        EventKind::Worse => "worse",
        EventKind::Reminder => "reminder",
        EventKind::Recovered => "recovered",
        EventKind::Flapping => "flapping",
        EventKind::Stable => "stable",
        EventKind::Unknown => "unknown",
        EventKind::Test => "test",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn histories_are_notified_as_the_reference_says(steps in steps()) {
        let (mut state, mut model) = (State::default(), Model::default());
        let (mut uptime, mut set) = (0, 0);
        let mut sent: Vec<(&str, Verdict)> = Vec::new();
        let mut kept: Vec<Step> = Vec::new();
        for step in steps {
            uptime += step.gap;
            set += step.jump;
            if step.killed {
                // What it found went with it: the next check goes on from what was kept before.
                continue;
            }
            kept.push(step);
            if kept.len().is_multiple_of(8) {
                let text = serde_json::to_string(&state).unwrap();
                state = serde_json::from_str(&text).unwrap();
            }
            let now = moment(uptime, set);
            let events = state.take(Checked {
                deployment: "prim",
                now: &now,
                observations: vec![observation(step.seen)],
                complete: &[],
                held: step.held.then_some("redeploy"),
                is_sent: true,
            });
            let found: Vec<&str> = events.iter().map(|event| word(event.kind)).collect();
            let wanted: Vec<&str> = model.check(step, uptime).into_iter().collect();
            prop_assert_eq!(&found, &wanted, "check {}", kept.len());
            sent.extend(events.iter().map(|event| (word(event.kind), event.verdict)));
            // By themselves, whatever the reference says.
            let known = &state.subjects["wallet"];
            let last = |count: usize| kept.iter().rev().take(count).map(|step| step.seen);
            let free = kept.iter().rev().take(2).all(|step| !step.held);
            if kept.len() >= 2 && free && last(2).all(|seen| seen == Seen::Grade(Grade::Failure)) {
                prop_assert!(known.is_open(), "a failure of two checks is not notified");
            }
            if kept.len() >= 10 && kept.iter().rev().take(11).all(|step| !step.held && step.seen == Seen::Grade(Grade::Healthy)) {
                prop_assert!(!known.is_open(), "a recovery is not notified");
            }
            if step.seen == Seen::Unknown {
                prop_assert!(events.iter().all(|event| event.kind != EventKind::Recovered), "unknown is no recovery");
            }
            prop_assert!(events.iter().all(|event| event.lasted_seconds <= uptime), "{events:?}");
        }
        // Nothing is notified twice: between two failures there is an end, and each end has a beginning.
        let mut open = false;
        for (kind, verdict) in sent {
            open = match kind {
                "failed" | "flapping" => true,
                "unknown" if !open => true,
                "recovered" if open => false,
                "worse" | "reminder" if open => true,
                "stable" if open => verdict != Verdict::Pass,
                other => return Err(TestCaseError::fail(format!("{other} while open is {open}"))),
            };
        }
    }
}

/// What is notified of a service that was seen like this, a minute apart.
fn notified(seen: &str) -> Vec<String> {
    let mut state = State::default();
    let mut found = Vec::new();
    for (nth, letter) in seen.chars().enumerate() {
        let seen = match letter {
            '.' => Seen::Grade(Grade::Healthy),
            'w' => Seen::Grade(Grade::Warning),
            'F' => Seen::Grade(Grade::Failure),
            '?' => Seen::Unknown,
            'm' => Seen::Excused,
            other => panic!("{other}"),
        };
        let now = moment(60 * u64::try_from(nth).unwrap(), 0);
        let observations = vec![observation(seen)];
        let checked = Checked { deployment: "prim", now: &now, observations, complete: &[], held: None, is_sent: true };
        let events = state.take(checked);
        found.extend(events.iter().map(|event| format!("{nth} {} {}", word(event.kind), event.lasted_seconds)));
    }
    found
}

#[test]
fn what_a_person_has_to_know_is_notified_once() {
    assert_eq!(notified("..F..F.."), [""; 0]);
    assert_eq!(notified("..FFFF.FF..."), ["3 failed 60", "10 recovered 420"]);
    assert_eq!(notified("F?F"), ["2 failed 120"]);
    assert_eq!(notified("FF????..."), ["1 failed 60", "7 recovered 360"]);
    assert_eq!(notified("......"), [""; 0]);
    assert_eq!(notified(".?????????.."), ["5 unknown 240", "10 recovered 540"]);
    assert_eq!(notified(".FmFmFmF."), [""; 0]);
    assert_eq!(notified("FFmmmm.."), ["1 failed 60", "7 recovered 360"]);
    let flapping = ".F.F.F.F.F.F.F.".to_owned() + &"F".repeat(12);
    assert_eq!(notified(&flapping), ["6 flapping 0", "25 stable 1140"]);
    let hour = "F".repeat(62);
    assert_eq!(notified(&hour), ["1 failed 60", "61 reminder 3660"]);
}

#[test]
fn a_service_that_was_there_for_long_and_is_gone_is_notified_and_what_was_there_for_a_moment_is_forgotten() {
    let run = |age: u64| {
        let mut state = State::default();
        let mut kinds = Vec::new();
        let mut uptime = 0;
        let mut check = |state: &mut State, seen: Option<Seen>, after: u64| {
            uptime += after;
            let now = moment(uptime, 0);
            let observations = seen.map(observation).into_iter().collect();
            let complete = &[Class::Service];
            let checked =
                Checked { deployment: "localhost", now: &now, observations, complete, held: None, is_sent: true };
            kinds.extend(state.take(checked).iter().map(|event| word(event.kind)));
        };
        check(&mut state, Some(Seen::Grade(Grade::Healthy)), 0);
        check(&mut state, Some(Seen::Grade(Grade::Healthy)), age);
        (0..8).for_each(|_| check(&mut state, None, 60));
        let kept = state.subjects.len();
        check(&mut state, None, GONE);
        check(&mut state, None, 60);
        (kinds, kept, state.subjects.len())
    };
    assert_eq!(run(60), (vec![], 0, 0));
    assert_eq!(run(SETTLED), (vec!["unknown"], 1, 0));
}

#[test]
fn an_incident_that_no_channel_could_take_is_notified_when_there_is_one() {
    use Grade::{Failure, Healthy};
    let run = |channels: &[bool], seen: &[Grade]| -> Vec<&'static str> {
        let mut state = State::default();
        let mut found = Vec::new();
        for (nth, (is_sent, grade)) in channels.iter().zip(seen).enumerate() {
            let now = moment(60 * u64::try_from(nth).unwrap(), 0);
            let observations = vec![observation(Seen::Grade(*grade))];
            let is_sent = *is_sent;
            let checked = Checked { deployment: "prim", now: &now, observations, complete: &[], held: None, is_sent };
            found.extend(state.take(checked).iter().map(|event| word(event.kind)));
            let known = &state.subjects["wallet"];
            assert_eq!(known.is_open(), known.grade == Grade::Failure);
            assert!(known.notified_at().is_none() || (known.is_open() && is_sent));
        }
        found
    };
    let (no, yes) = (false, true);
    assert_eq!(run(&[no; 5], &[Failure, Failure, Failure, Healthy, Healthy]), [""; 0]);
    assert_eq!(run(&[no, no, no, yes, yes], &[Failure; 5]), ["failed"]);
    assert_eq!(run(&[no, no, no, yes, yes], &[Failure, Failure, Failure, Healthy, Healthy]), [""; 0]);
    assert_eq!(run(&[yes; 5], &[Failure, Failure, Failure, Healthy, Healthy]), ["failed", "recovered"]);
}
