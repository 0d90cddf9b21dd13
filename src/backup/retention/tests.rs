use jiff::ToSpan;
use proptest::prelude::*;

use super::*;

fn now() -> Timestamp {
    "2026-11-22T05:30:00Z".parse().unwrap()
}

/// A run, `hours` before now.
fn id(sequence: u64, hours: i64) -> Id {
    Id::new(now() - SignedDuration::from_hours(hours), sequence, u32::try_from(sequence).unwrap())
}

fn known(id: Id, worth: Worth) -> Known {
    Known { id, worth }
}

/// One verified copy a day, the newest an hour old.
fn daily(count: u64) -> Vec<Known> {
    (0..count).map(|n| known(id(count - n, 1 + 24 * i64::try_from(n).unwrap()), Worth::Verified)).collect()
}

fn well(all: &[Known]) -> LastRun {
    LastRun::Well(all.iter().map(|known| known.id).max().unwrap())
}

fn sequences(ids: &[Id]) -> Vec<u64> {
    ids.iter().map(|id| id.sequence).collect()
}

#[test]
fn days_keep_what_is_younger() {
    let all = daily(40);
    let decision = decide(Retention::Days(30), &all, &well(&all), now(), None).unwrap();
    assert_eq!(sequences(&decision.outlived), (1..=10).collect::<Vec<_>>());
    assert_eq!(decision.kept.len(), 30);
}

#[test]
fn h2_a_copy_that_was_made_by_a_wrong_clock_does_not_vouch_for_it() {
    let mut all = daily(40);
    for known in all.iter_mut().filter(|known| known.id.sequence < 40) {
        known.id.time -= SignedDuration::from_hours(72);
    }
    let refused = decide(Retention::Days(40), &all, &well(&all), now(), None).unwrap_err();
    assert_eq!(refused, Refusal::Apart(3, all[0].id, all[1].id));
    assert!(decide(Retention::Days(40), &all, &well(&all), now(), Some(3)).is_ok());
}

#[test]
fn tiers_keep_the_newest_of_each_day_week_and_month() {
    let mut all = daily(70);
    // A second one on the last day, which is older.
    all.push(known(id(71, 3), Worth::Verified));
    let policy = Retention::daily(7).weekly(4).monthly(3);
    let decision = decide(policy, &all, &well(&all), now(), Some(58)).unwrap();
    let kept: Vec<String> =
        decision.kept.iter().map(|(id, why)| format!("{} {why}", id.time.strftime("%m-%d %H"))).collect();
    assert_eq!(
        kept,
        [
            "11-22 02 one of the three newest verified",
            "11-22 04 one of the three newest verified",
            "11-21 04 one of the three newest verified",
            "11-20 04 the newest of its day",
            "11-19 04 the newest of its day",
            "11-18 04 the newest of its day",
            "11-17 04 the newest of its day",
            "11-16 04 the newest of its day",
            "11-15 04 the newest of its week",
            "11-08 04 the newest of its week",
            "11-01 04 the newest of its week",
            "10-31 04 the newest of its month",
            "09-30 04 the newest of its month",
        ]
    );
}

#[test]
fn h1_nothing_goes_after_a_run_that_failed_or_was_never_seen_to_end() {
    let all = daily(40);
    let failed = LastRun::Failed("wallet: the database is missing".to_owned());
    let told = decide(Retention::Days(30), &all, &failed, now(), None).unwrap_err();
    assert_eq!(told.words(), "the last run failed: wallet: the database is missing");
    assert!(matches!(decide(Retention::Days(30), &all, &LastRun::None, now(), None), Err(Refusal::FailedRun(_))));
}

#[test]
fn h2_a_clock_that_jumped_stops_everything() {
    let all = daily(40);
    for days in [-60_i64, -3, 3, 60, 365] {
        let there = now() + (24 * days).hours();
        let told = decide(Retention::Days(30), &all, &well(&all), there, Some(40)).unwrap_err();
        assert!(matches!(told, Refusal::Clock(_)), "{days}: {told:?}");
    }
    for hours in [0, 20, 46] {
        assert!(decide(Retention::Days(30), &all, &well(&all), now() + hours.hours(), Some(11)).is_ok() || hours == 0);
    }
}

#[test]
fn h3_a_copy_of_the_future_is_neither_the_newest_nor_ever_deleted() {
    let mut all = daily(40);
    let future = id(41, -24 * 30);
    all.push(known(future, Worth::Verified));
    let last = LastRun::Well(id(40, 1));
    let decision = decide(Retention::Days(30), &all, &last, now(), None).unwrap();
    assert_eq!(decision.outlived.len(), 10);
    assert_eq!(decision.kept[0], (future, "its time is in the future"));
    // With nothing but copies of the future it is the clock that is wrong.
    let told = decide(Retention::Days(30), &[known(future, Worth::Verified)], &LastRun::Well(future), now(), None);
    assert_eq!(told, Err(Refusal::Clock(future)));
}

#[test]
fn h4_many_at_once_need_their_exact_number() {
    let all = daily(60);
    let told = decide(Retention::Days(30), &all, &well(&all), now(), None).unwrap_err();
    assert_eq!(told.words(), "30 of 60 copies would be deleted at once");
    for wrong in [1, 29, 31, 60] {
        assert_eq!(decide(Retention::Days(30), &all, &well(&all), now(), Some(wrong)), Err(told.clone()));
    }
    assert_eq!(decide(Retention::Days(30), &all, &well(&all), now(), Some(30)).unwrap().going(), 30);
    assert_eq!(decide(Retention::Days(0), &all, &well(&all), now(), Some(60)), Err(Refusal::Policy));
}

#[test]
fn h5_the_three_newest_verified_stay_however_old_and_whatever_came_after() {
    let mut all: Vec<Known> =
        (0..5).map(|n| known(id(5 - n, 24 * 100 + 24 * i64::try_from(n).unwrap()), Worth::Verified)).collect();
    all.push(known(id(9, 1), Worth::Verified));
    for newer in 10..20 {
        all.push(known(id(newer, 1), Worth::Bad));
        all.push(known(id(newer + 100, 1), Worth::Unfinished));
    }
    let decision = decide(Retention::Days(1), &all, &LastRun::Well(id(9, 1)), now(), Some(3)).unwrap();
    assert_eq!(sequences(&decision.outlived), [1, 2, 3]);
    assert_eq!(decision.leftovers, []);
}

#[test]
fn g7_what_an_unfinished_run_left_goes_after_a_day() {
    let mut all = daily(5);
    all.extend([
        known(id(6, 23), Worth::Unfinished),
        known(id(7, 25), Worth::Unfinished),
        known(id(8, -30), Worth::Unfinished),
    ]);
    let decision = decide(Retention::Days(30), &all, &LastRun::Well(id(5, 1)), now(), None).unwrap();
    assert_eq!((decision.outlived.len(), sequences(&decision.leftovers)), (0, vec![7]));
}

#[test]
fn g9_g10_a_listing_without_what_was_just_proven_is_no_listing() {
    let all = daily(40);
    let unseen = LastRun::Well(id(41, 0));
    assert_eq!(decide(Retention::Days(30), &all, &unseen, now(), None), Err(Refusal::Incomplete(id(41, 0))));
    assert_eq!(decide(Retention::Days(30), &[], &unseen, now(), None), Err(Refusal::NothingVerified));
}

/// What happens on a host.
#[derive(Debug, Clone)]
enum Event {
    /// A run whose copy is proven, so many hours later.
    Good(u8),
    /// A run that fails after it uploaded something.
    Failed(u8),
    /// The clock jumps by so many days, for one prune.
    Jumps(i16),
    /// Somebody finds that a copy is bad.
    Rots(u8),
    /// Old copies are pruned, without or with consent to any number.
    Prune(bool),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (1_u8..72).prop_map(Event::Good),
        2 => (1_u8..48).prop_map(Event::Failed),
        1 => (-400_i16..400).prop_map(Event::Jumps),
        1 => any::<u8>().prop_map(Event::Rots),
        4 => any::<bool>().prop_map(Event::Prune),
    ]
}

fn policy() -> impl Strategy<Value = Retention> {
    prop_oneof![
        (0_u16..40).prop_map(Retention::Days),
        (0_u16..8, 0_u16..5, 0_u16..4)
            .prop_map(|(daily, weekly, monthly)| Retention::daily(daily).weekly(weekly).monthly(monthly)),
    ]
}

/// Which verified copies a policy wants, told in another way than the one that is tested: a copy is wanted when no newer one
/// of its span is there and fewer than so many newer spans have one.
fn wanted(policy: Retention, verified: &[Id], now: Timestamp, id: Id) -> bool {
    let day = |id: &Id| id.time.to_zoned(TimeZone::UTC).date();
    let newer: Vec<&Id> = verified.iter().filter(|other| (other.time, **other) > (id.time, id)).collect();
    let tier = |count: u16, span: &dyn Fn(Date) -> String| {
        let spans: BTreeSet<String> = newer.iter().map(|other| span(day(other))).collect();
        !spans.contains(&span(day(&id))) && spans.len() < usize::from(count)
    };
    match policy {
        Retention::Days(days) => now.as_second() - id.time.as_second() <= i64::from(days) * 86_400,
        Retention::Tiers { daily, weekly, monthly } => {
            tier(daily, &|date| date.to_string())
                || tier(weekly, &|date| format!("{:?}", date.iso_week_date().first_of_week()))
                || tier(monthly, &|date| date.strftime("%Y-%m").to_string())
        }
    }
}

fn id_of(last: &LastRun) -> Id {
    match last {
        LastRun::Well(id) => *id,
        LastRun::Failed(_) | LastRun::None => unreachable!("nothing is pruned then"),
    }
}

/// Histories that are tried; more where somebody asks for them.
fn histories() -> u32 {
    std::env::var("OPSCTL_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(histories()))]
    #[test]
    fn h1_to_h7_no_history_loses_what_must_stay(policy in policy(), events in prop::collection::vec(event(), 1..120)) {
        let mut clock = now();
        let mut all: Vec<Known> = Vec::new();
        let mut last = LastRun::None;
        let mut sequence = 0;
        for event in events {
            let at = match event {
                Event::Jumps(days) => clock + (24 * i64::from(days)).hours(),
                _ => clock,
            };
            match event {
                Event::Good(hours) | Event::Failed(hours) => {
                    clock += i64::from(hours).hours();
                    sequence += 1;
                    let id = Id::new(clock, sequence, 7);
                    let good = matches!(event, Event::Good(_));
                    all.push(known(id, if good { Worth::Verified } else { Worth::Unfinished }));
                    last = if good { LastRun::Well(id) } else { LastRun::Failed("it".to_owned()) };
                }
                Event::Rots(which) if !all.is_empty() => {
                    let which = usize::from(which) % all.len();
                    if all[which].worth == Worth::Verified {
                        all[which].worth = Worth::Bad;
                    }
                }
                Event::Rots(_) => {}
                Event::Jumps(_) | Event::Prune(_) => {
                    let any = matches!(event, Event::Prune(true));
                    let count = match decide(policy, &all, &last, at, None) {
                        Err(Refusal::TooMany(count, _) | Refusal::Apart(count, ..)) if any => Some(count),
                        _ => None,
                    };
                    let Ok(decision) = decide(policy, &all, &last, at, count) else { continue };
                    prop_assert!(matches!(last, LastRun::Well(_)), "after a failed run");
                    let mut verified: Vec<Id> = all.iter().filter(|k| k.worth == Worth::Verified).map(|k| k.id).collect();
                    verified.sort();
                    let newest: Vec<Id> = verified.iter().rev().take(3).copied().collect();
                    prop_assert!((at.as_second() - id_of(&last).time.as_second()).abs() <= 48 * 3600, "by a wrong clock");
                    let seen: Vec<Id> = verified.iter().copied().filter(|id| id.time <= at + 5.minutes()).collect();
                    let gap = seen.windows(2).rev().take(2)
                        .any(|two| (two[1].time.as_second() - two[0].time.as_second()).abs() > 48 * 3600);
                    prop_assert!(!gap || count.is_some() || decision.outlived.is_empty(), "over a gap");
                    let mut expected: Vec<Id> = seen.iter().copied()
                        .filter(|id| !newest.contains(id) && !wanted(policy, &seen, at, *id)).collect();
                    let mut by_time = seen.clone();
                    by_time.sort_by_key(|id| id.time);
                    expected.retain(|id| !by_time.iter().rev().take(3).any(|other| other == id));
                    prop_assert_eq!(&decision.outlived, &expected);
                    for leftover in &decision.leftovers {
                        prop_assert!(all.contains(&known(*leftover, Worth::Unfinished)));
                        prop_assert!(at.as_second() - leftover.time.as_second() > 24 * 3600);
                    }
                    let copies = all.iter().filter(|k| k.worth != Worth::Unfinished).count();
                    prop_assert!(count.is_some() || decision.outlived.len() * 4 <= copies);
                    all.retain(|k| !decision.outlived.contains(&k.id) && !decision.leftovers.contains(&k.id));
                }
            }
        }
    }
}
