//! Nothing is lost, nothing waits for ever, and others learn of a channel that fails.

use proptest::prelude::*;

use super::*;

fn moment(seconds: u64) -> Moment {
    let time = Timestamp::from_second(1_795_000_000 + i64::try_from(seconds).unwrap()).unwrap();
    Moment { time, boot: "b1".into(), uptime_seconds: 1000 + seconds }
}

fn event(subject: &str, incident: u32, kind: EventKind) -> Event {
    Event {
        incident: format!("prim/{subject}/{incident}"),
        kind,
        subject: subject.into(),
        class: Class::Service,
        verdict: if kind == EventKind::Recovered { Verdict::Pass } else { Verdict::Fail },
        summary: "no answer".into(),
        severity: "P1".into(),
        respond: "now".into(),
        rank: 0,
        since: moment(u64::from(incident)).time,
        lasted_seconds: 60,
        affects: Vec::new(),
        next: "opsctl status".into(),
    }
}

fn queue(events: &[Event]) -> Queue {
    let mut queue = Queue::default();
    for event in events {
        queue.enqueue(event);
    }
    queue
}

fn accepted(queue: &Queue) -> Outcome {
    Outcome { accepted: (0..queue.pending.len()).collect(), end: End::Accepted("HTTP 200".into()) }
}

fn failed(asked: Option<u64>) -> Outcome {
    let end = End::TryAgain("HTTP 500".into(), asked.map(Duration::from_secs));
    Outcome { accepted: Vec::new(), end }
}

fn kinds(queue: &Queue) -> Vec<(EventKind, bool)> {
    queue.pending.iter().map(|notice| (notice.event.kind, notice.missed)).collect()
}

#[test]
fn what_was_never_accepted_is_replaced_by_what_came_of_it() {
    use EventKind::*;
    let after =
        |events: &[EventKind]| kinds(&queue(&events.iter().map(|kind| event("a", 1, *kind)).collect::<Vec<_>>()));
    assert_eq!(after(&[Failed, Worse, Reminder]), [(Failed, false)]);
    assert_eq!(after(&[Failed, Recovered]), [(Recovered, true)]);
    assert_eq!(after(&[Failed, Reminder, Recovered]), [(Recovered, true)]);
    assert_eq!(after(&[Unknown, Recovered]), [(Recovered, true)]);
    // The failure itself was accepted before.
    assert_eq!(after(&[Reminder, Recovered]), [(Recovered, false)]);
    assert_eq!(after(&[Worse, Reminder]), [(Reminder, false)]);
    assert_eq!(after(&[Recovered]), [(Recovered, false)]);
    // Another incident of the same subject takes nothing from the one before.
    let two = queue(&[event("a", 1, Failed), event("a", 1, Recovered), event("a", 2, Failed)]);
    assert_eq!(kinds(&two), [(Failed, false), (Recovered, true)]);
}

#[test]
fn at_most_a_hundred_wait_and_the_rest_is_counted() {
    let events: Vec<Event> = (0..130).map(|number| event(&format!("s{number}"), number, EventKind::Failed)).collect();
    let mut queue = queue(&events);
    assert_eq!((queue.pending.len(), queue.dropped), (100, 30));
    assert!(queue.pending.iter().all(|notice| notice.event.subject != "s29"));
    queue.settle(&accepted(&queue.clone()), &moment(0));
    assert_eq!((queue.pending.len(), queue.dropped), (0, 0));
}

#[test]
fn attempts_are_further_and_further_apart() {
    let mut queue = queue(&[event("a", 1, EventKind::Failed)]);
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..9 {
        assert!(queue.due(&moment(now)));
        queue.begin();
        queue.settle(&failed(None), &moment(now));
        waits.push(queue.wait_seconds / 60);
        assert!(!queue.due(&moment(now + queue.wait_seconds - SLACK - 1)));
        now += queue.wait_seconds;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!((queue.attempts, queue.failing_since), (9, Some(moment(0).time)));
    assert_eq!(queue.error.as_deref(), Some("HTTP 500"));
    // Another boot, whatever its clock says.
    assert!(queue.due(&Moment { boot: "b2".into(), uptime_seconds: 5, time: Timestamp::UNIX_EPOCH }));
    queue.settle(&accepted(&queue.clone()), &moment(now));
    assert_eq!(queue, Queue { accepted: Some(moment(now).time), ..Queue::default() });
}

#[test]
fn who_asks_for_a_longer_pause_gets_it_up_to_an_hour() {
    for (asked, wait) in [(Some(10), 60), (Some(600), 600), (Some(86_400), 3600), (None, 60)] {
        let mut queue = queue(&[event("a", 1, EventKind::Failed)]);
        queue.settle(&failed(asked), &moment(0));
        assert_eq!(queue.wait_seconds, wait, "{asked:?}");
    }
    let mut queue = queue(&[event("a", 1, EventKind::Failed)]);
    queue.settle(&Outcome { accepted: Vec::new(), end: End::Rejected("HTTP 404".into()) }, &moment(0));
    assert_eq!((queue.wait_seconds, queue.pending.len()), (3600, 1));
}

#[test]
fn an_attempt_whose_outcome_was_not_recorded_is_known_to_the_next() {
    let mut queue = queue(&[event("a", 1, EventKind::Failed)]);
    queue.begin();
    assert!(queue.attempting && !queue.interrupted);
    // The record as it was written, after a crash.
    let mut queue: Queue = serde_json::from_str(&serde_json::to_string(&queue).unwrap()).unwrap();
    assert!(queue.due(&moment(1)));
    queue.begin();
    assert!(queue.interrupted);
    queue.settle(&failed(None), &moment(1));
    assert!(queue.interrupted && !queue.attempting);
    queue.begin();
    queue.settle(&accepted(&queue.clone()), &moment(100));
    assert!(!queue.interrupted && !queue.attempting);
}

fn about() -> About {
    About {
        deployment: "prim".into(),
        severity: "P3".into(),
        rank: 2,
        next: "opsctl check --test-notify".into(),
        ..About::default()
    }
}

#[test]
fn the_others_are_sent_that_a_channel_fails_and_that_it_works_again() {
    let mut queues = Queues::from([
        ("a".to_owned(), queue(&[event("x", 1, EventKind::Failed)])),
        ("b".to_owned(), Queue::default()),
    ]);
    let attempt = |queues: &mut Queues, outcome: &Outcome, optional: &[&str], now| {
        settle(queues, &[("a", outcome.clone())], optional, &moment(now), &about())
    };
    for now in [0, 60] {
        assert!(attempt(&mut queues, &failed(None), &[], now).is_empty());
    }
    let events = attempt(&mut queues, &failed(None), &[], 180);
    assert_eq!(
        (events[0].kind, events[0].subject.as_str(), events[0].class),
        (EventKind::Failed, "channel a", Class::Channel)
    );
    assert_eq!(events[0].summary, "messages are not accepted: HTTP 500");
    assert_eq!((queues["a"].pending.len(), queues["b"].pending.len()), (1, 1));
    assert_eq!(failing(&queues, &about(), &moment(200)).len(), 1);
    assert!(attempt(&mut queues, &failed(None), &[], 420).is_empty());
    queues.get_mut("b").unwrap().pending.clear();
    let everything = accepted(&queues["a"]);
    let events = attempt(&mut queues, &everything, &[], 900);
    assert_eq!((events[0].kind, events[0].lasted_seconds), (EventKind::Recovered, 900));
    assert_eq!(kinds(&queues["b"]), [(EventKind::Recovered, false)]);
    assert!(queues["a"].pending.is_empty());
    // What may not be there at all is nobody's failure before it once worked.
    let mut queues = Queues::from([("a".to_owned(), Queue::default()), ("b".to_owned(), Queue::default())]);
    for now in 0..5 {
        assert!(attempt(&mut queues, &failed(None), &["a"], now * 4000).is_empty());
    }
    assert!(queues["b"].pending.is_empty());
}

#[test]
fn a_channel_that_is_no_longer_in_use_fails_no_more() {
    let reported =
        Queue { reported: true, failing_since: Some(moment(0).time), ..queue(&[event("x", 1, EventKind::Failed)]) };
    let mut queues = Queues::from([
        ("a".to_owned(), reported),
        ("b".to_owned(), Queue::default()),
        ("c".to_owned(), Queue::default()),
    ]);
    let events = forget(&mut queues, &["b"], &about(), &moment(60));
    assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::Recovered]);
    assert_eq!(queues.keys().collect::<Vec<_>>(), ["b"]);
}

proptest! {
    /// Over any outage: what the receiver has at the end is the last of every subject, and no failure passes without a word.
    #[test]
    fn no_incident_is_lost_and_none_is_sent_twice(steps in proptest::collection::vec((0_u32..3, any::<bool>(), 0_u8..3), 1..60)) {
        let mut queue = Queue::default();
        let mut open = [None; 3];
        let mut sent: Vec<(String, EventKind, bool)> = Vec::new();
        let mut expected = std::collections::BTreeMap::new();
        for (number, (subject, changes, outcome)) in steps.into_iter().enumerate() {
            let number = u32::try_from(number).unwrap();
            if changes {
                let at = usize::try_from(subject).unwrap();
                let (incident, kind) = match open[at] {
                    None => (number, EventKind::Failed),
                    Some(incident) => (incident, EventKind::Recovered),
                };
                open[at] = if kind == EventKind::Failed { Some(incident) } else { None };
                let event = event(&format!("s{subject}"), incident, kind);
                expected.insert(event.incident.clone(), kind);
                queue.enqueue(&event);
            }
            queue.begin();
            let outcome = match outcome {
                0 => accepted(&queue),
                1 if !queue.pending.is_empty() => Outcome { accepted: vec![0], ..failed(None) },
                _ => failed(None),
            };
            for at in &outcome.accepted {
                let notice = &queue.pending[*at];
                sent.push((notice.event.incident.clone(), notice.event.kind, notice.missed));
            }
            queue.settle(&outcome, &moment(u64::from(number)));
        }
        let last = accepted(&queue);
        for at in &last.accepted {
            let notice = &queue.pending[*at];
            sent.push((notice.event.incident.clone(), notice.event.kind, notice.missed));
        }
        for (incident, kind) in expected {
            let of: Vec<(EventKind, bool)> = sent.iter().filter(|(other, ..)| *other == incident).map(|(_, kind, missed)| (*kind, *missed)).collect();
            match kind {
                EventKind::Failed => prop_assert_eq!(of, [(EventKind::Failed, false)]),
                _ => prop_assert!(
                    of == [(EventKind::Recovered, true)] || of == [(EventKind::Failed, false), (EventKind::Recovered, false)],
                    "{:?}", of
                ),
            }
        }
    }
}
