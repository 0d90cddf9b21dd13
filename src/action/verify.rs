//! Whether what was done has come to what was wanted: by looking, again and again, until it has stayed so for a while.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::plan::Operation;
use crate::context::Context;
use crate::judge::health::{self, About, ServiceHealth, State};
use crate::observe::probe::{self, PATIENCE};
use crate::registry::{Deployment, Manager, Service, Verdict};
use crate::ui::Ui;

/// How often it is looked.
const POLL_SERVICE: Duration = Duration::from_millis(100);
/// The same in the first second, in which most services are up, where only managers can be asked.
const QUICK: Duration = Duration::from_millis(15);
/// How often one that does not answer yet is asked again in the first second. Unlike a look this costs next to nothing.
const KNOCK: Duration = Duration::from_millis(5);
/// The same later.
const LATER: Duration = Duration::from_millis(50);
/// How often an application of pm2 may end after it was started before it is given up.
const ENDINGS: u32 = 3;
/// How long the first moments are.
const EARLY: Duration = Duration::from_secs(1);

/// What came of one service.
#[derive(Debug, Clone, PartialEq)]
pub enum SettleOutcome {
    /// What was wanted, and it stayed so.
    Done(ServiceHealth),
    /// Something else, for good.
    Failed(ServiceHealth),
    /// Neither, when the time was over.
    Pending(ServiceHealth),
    /// It could not be seen.
    Unknown(String),
}

/// Looks at these services until each is as `operation` wants it and has stayed so for `settle`, or one cannot become so
/// any more, or `limit` is over. Those that are all as wanted by then are given the rest of their settle time.
pub fn watch(
    context: &Context<'_>,
    deployment: &'static Deployment,
    services: &[&'static Service],
    operation: Operation,
    settle: Duration,
    limit: Duration,
) -> Vec<(&'static Service, SettleOutcome)> {
    const MOMENT: Duration = Duration::from_millis(100);
    let first = Instant::now();
    let until = first + limit;
    // The time of the whole command, which `limit` was cut to a moment ago.
    let is_cut = context.deadline().is_some_and(|deadline| deadline <= until + MOMENT);
    let processes = context.processes();
    let mut good: Vec<Option<(Settling, Instant)>> = services.iter().map(|_| None).collect();
    let mut countdown = Countdown { ui: context.ui, told: String::new() };
    // How often each had been restarted by itself when it was seen first.
    let mut before: Vec<Option<u32>> = vec![None; services.len()];
    if !limit.is_zero() && operation != Operation::Stop {
        // What was just begun is worth a look as soon as it answers.
        await_answers(context, services, KNOCK);
    }
    loop {
        let begun = Instant::now();
        let mut evidence = probe::gather(context.system, &processes, deployment, services, false, PATIENCE);
        let mut judged = health::judge_changed(deployment, services, &evidence).services;
        // One that listens elsewhere than the registry says never answers where it is asked.
        let failing = judged.iter().filter(|health| health.health == Some(Verdict::Fail));
        let silent: Vec<String> = failing.map(|health| health.name.clone()).collect();
        if first.elapsed() > EARLY && operation != Operation::Stop && !silent.is_empty() {
            let is_silent = |service: &Service| silent.iter().any(|name| name == service.name);
            probe::look_for_listeners(context.system, &processes, services, &mut evidence, PATIENCE, is_silent);
            judged = health::judge_changed(deployment, services, &evidence).services;
        }
        let now = Instant::now();
        let readings: Vec<(Reading, Option<&ServiceHealth>)> = services
            .iter()
            .zip(&mut before)
            .map(|(service, before)| {
                let health = judged.iter().find(|health| health.name == service.name);
                let restarts = health.and_then(|health| health.restarts);
                let ended = restarts.map(|now| now.saturating_sub(*before.get_or_insert(now)));
                let read = |health| reading(operation, service, health, ended.unwrap_or_default());
                (health.map_or(Reading::Unseen, read), health)
            })
            .collect();
        for (index, (reading, health)) in readings.iter().enumerate() {
            good[index] = match (reading, health) {
                (Reading::Good, Some(health)) => {
                    let run = Settling::of(health);
                    // Another run than before is another service to get to know.
                    Some(good[index].take().filter(|(known, _)| *known == run).unwrap_or((run, begun)))
                }
                _ => None,
            };
        }
        let settled =
            |good: &Option<(Settling, Instant)>| good.as_ref().is_some_and(|(_, since)| now - *since >= settle);
        let hopeless = readings.iter().any(|(reading, _)| *reading == Reading::Bad);
        // What became good in time may finish its settle time; only the deadline of the whole command is harder.
        let settling = good.iter().all(|good| good.as_ref().is_some_and(|(_, since)| *since <= until));
        let is_late = context.deadline().is_some_and(|deadline| now >= deadline) || is_cut && now >= until;
        let over = now >= until && !settling || context.deadline().is_some_and(|deadline| now >= deadline);
        if good.iter().all(settled) || hopeless || over {
            context.ui.end_gauge();
            let found = services.iter().zip(&good).zip(readings);
            return found
                .map(|((service, good), (reading, health))| {
                    (*service, outcome(reading, settled(good), health, is_late))
                })
                .collect();
        }
        countdown.tell(&wait(services, &good, settle, until));
        // The last look should end when the time is over, not begin then.
        let took = now - begun;
        let left = good.iter().flatten().map(|(_, since)| settle.saturating_sub(since.elapsed() + took)).max();
        let (quick, pace) = if first.elapsed() < EARLY { (QUICK, KNOCK) } else { (POLL_SERVICE, LATER) };
        let silent: Vec<&'static Service> = services
            .iter()
            .zip(&readings)
            .filter(|(_, (_, health))| health.is_some_and(|health| health.health == Some(Verdict::Fail)))
            .map(|(service, _)| *service)
            .collect();
        let waits = operation != Operation::Stop && !silent.is_empty();
        // Also where what was silent in the look answers already: one that wavers is not looked at without a pause.
        thread::sleep(if waits { pace } else { Duration::ZERO });
        if !waits || await_answers(context, &silent, pace) == Answers::Mute {
            thread::sleep(left.map_or(quick, |left| left.min(POLL_SERVICE)));
        }
    }
}

/// A line on a terminal that says what is waited for. It is written only when it changes.
struct Countdown {
    ui: Ui,
    told: String,
}

impl Countdown {
    fn tell(&mut self, words: &str) {
        if self.told != words {
            self.ui.gauge(None, words);
            words.clone_into(&mut self.told);
        }
    }
}

/// What is waited for and for how long: until all have settled, or at most until then.
fn wait(
    services: &[&'static Service],
    good: &[Option<(Settling, Instant)>],
    settle: Duration,
    until: Instant,
) -> String {
    // Whole seconds, the last of which ends at zero: while it is waited, some of one is left.
    let seconds = |left: Duration| left.as_millis().div_ceil(1000).max(1);
    let silent = services.iter().zip(good).filter(|(_, good)| good.is_none());
    let silent: Vec<&str> = silent.map(|(service, _)| service.name).collect();
    if !silent.is_empty() {
        let left = seconds(until.saturating_duration_since(Instant::now()));
        return format!("waiting, at most {left} s left: {}", silent.join(", "));
    }
    let left = good.iter().flatten().map(|(_, since)| settle.saturating_sub(since.elapsed())).max();
    let names: Vec<&str> = services.iter().map(|service| service.name).collect();
    format!("settling, {} s left: {}", seconds(left.unwrap_or_default()), names.join(", "))
}

/// What came of waiting for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// They are well by what they say, or it was waited for long enough: it is time for a look.
    Waited,
    /// One of them can only be seen through its manager.
    Mute,
}

/// Asks these themselves, until all are well or the next look is due. It costs next to nothing, and proves nothing.
fn await_answers(context: &Context<'_>, services: &[&'static Service], pace: Duration) -> Answers {
    let processes = context.processes();
    let until = Instant::now() + POLL_SERVICE;
    for service in services {
        loop {
            match probe::knock(context.system, &processes, service, POLL_SERVICE) {
                None => return Answers::Mute,
                Some(replies) if health::answers_well(service, &replies, context.system.now()) => break,
                Some(_) if Instant::now() + pace >= until => return Answers::Waited,
                Some(_) => thread::sleep(pace),
            }
        }
    }
    Answers::Waited
}

/// What tells one run of a service from the next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settling {
    pid: Option<u32>,
    since: Option<Timestamp>,
    restarts: Option<u32>,
}

impl Settling {
    fn of(health: &ServiceHealth) -> Self {
        Settling { pid: health.pid, since: health.since, restarts: health.restarts }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// As wanted.
    Good,
    /// Not yet.
    NotYet,
    /// Never.
    Bad,
    /// Not to be seen.
    Unseen,
}

/// `ended` is how often it was restarted by itself while it was watched.
fn reading(operation: Operation, service: &Service, health: &ServiceHealth, ended: u32) -> Reading {
    if operation == Operation::Stop {
        return match health.state {
            State::Stopped | State::Completed | State::NotFound | State::Masked | State::Skipped | State::Failed => {
                Reading::Good
            }
            State::Unknown => Reading::Unseen,
            _ => Reading::NotYet,
        };
    }
    match health.state {
        State::Running | State::Completed | State::Waiting | State::Unmanaged => match health.health {
            // What its managers have a doubt about, such as a container's own health check, is not as wanted yet. Restarts
            // from before are none of that: those from now on are counted.
            None | Some(Verdict::Pass | Verdict::Warn)
                if health
                    .checks
                    .iter()
                    .take(service.managers.len())
                    .any(|check| check.verdict != Verdict::Pass && check.about != About::Restarts) =>
            {
                Reading::NotYet
            }
            None | Some(Verdict::Pass | Verdict::Warn) => Reading::Good,
            Some(Verdict::Fail) => Reading::NotYet,
            Some(Verdict::Unknown) => Reading::Unseen,
        },
        State::Starting | State::Stopping | State::Partial => Reading::NotYet,
        // pm2 says the same of one that it has stopped itself a moment ago, or that found its port still taken: what has
        // ended once may come to stay.
        State::Restarting | State::CrashLoop
            if ended < ENDINGS && matches!(service.managers.first(), Some(Manager::Pm2(_))) =>
        {
            Reading::NotYet
        }
        // One that ended by itself after it was started is not what was wanted, whether or not it is started again.
        State::Restarting
        | State::CrashLoop
        | State::Failed
        | State::Stopped
        | State::Skipped
        | State::Masked
        | State::NotFound
        | State::Paused => Reading::Bad,
        State::Unknown => Reading::Unseen,
    }
}

/// `is_late`: the time of the whole command is over, so that what is not known was not waited for.
fn outcome(reading: Reading, settled: bool, health: Option<&ServiceHealth>, is_late: bool) -> SettleOutcome {
    match (reading, health) {
        (Reading::Good, Some(health)) if settled => SettleOutcome::Done(health.clone()),
        (Reading::Bad, Some(health)) => SettleOutcome::Failed(health.clone()),
        (Reading::Good | Reading::NotYet, Some(health)) => SettleOutcome::Pending(health.clone()),
        (_, Some(health)) if is_late => SettleOutcome::Pending(health.clone()),
        (_, Some(health)) => SettleOutcome::Unknown(health.summary.clone()),
        (_, None) => SettleOutcome::Unknown("it was not found on this host".to_owned()),
    }
}
