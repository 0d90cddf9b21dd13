//! Applications of pm2.

use jiff::{SignedDuration, Timestamp};

use super::pace::{self, LOOP_RESTARTS, Pace, Runs};
use super::{About, Check, ManagerView, State};
use crate::host::tools::history::{History, RunEnd};
use crate::host::tools::pm2::Process;
use crate::observe::probe::{Answer, PmDaemon};
use crate::program;
use crate::registry::{App, Verdict};
use crate::units::age;

const SOURCE: &str = "pm2";
/// How long one that had ended too soon must have run to count as stable. It is pm2's own bound: it gives up on one that ends
/// fifteen times within a second of its start each, and keeps the count of that also when it is restarted by hand.
const UNSTABLE: SignedDuration = SignedDuration::from_secs(15);
/// pm2's word for one that ended and whose `restart_delay` is not over.
const WAITING: &str = "waiting restart";

pub(super) fn judge(wanted: &App, answer: &Answer<Option<PmDaemon>>, now: Timestamp) -> ManagerView {
    let daemon = match &answer.result {
        Ok(Some(daemon)) => daemon,
        Ok(None) => {
            let summary = format!("the pm2 daemon of {} is not running", wanted.user);
            return ManagerView::new(State::Stopped, Check::new(SOURCE, answer, Verdict::Fail, summary));
        }
        Err(trouble) => return ManagerView::unasked(SOURCE, About::Other, answer, trouble),
    };
    let own: Vec<&Process> = daemon.processes.iter().filter(|process| process.name == wanted.name).collect();
    if own.is_empty() {
        let summary = format!("pm2 has no application {}", wanted.name);
        return ManagerView::new(State::NotFound, Check::new(SOURCE, answer, Verdict::Fail, summary));
    }
    let (state, verdict, summary) = reading(&own, now);
    let about = match state {
        State::Running if verdict != Verdict::Pass => About::Restarts,
        _ => About::Other,
    };
    let memory: Vec<u64> = own.iter().filter_map(|process| process.memory_bytes).collect();
    ManagerView {
        unit: Some(wanted.name.to_owned()),
        since: own.iter().filter_map(|process| process.started).min(),
        restarts: Some(restarts(&own)),
        pid: if let [one] = own.as_slice() { one.pid } else { None },
        memory_bytes: (!memory.is_empty()).then(|| memory.iter().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes))),
        ..ManagerView::new(state, Check::new(SOURCE, answer, verdict, summary).about(about))
    }
}

/// Of all together: each says of itself what it likes.
fn restarts(own: &[&Process]) -> u32 {
    own.iter().fold(0, |sum: u32, process| sum.saturating_add(process.restarts))
}

fn runs<'a>(own: &[&'a Process], known: &History, history: Option<&'a Result<History, String>>) -> Runs<'a> {
    Runs {
        count: u32::try_from(known.restarts.len()).unwrap_or(u32::MAX),
        began: own.iter().filter(|process| process.status == "online").filter_map(|process| process.started).max(),
        first: None,
        history,
        has_ended: false,
    }
}

/// What pm2's own numbers leave open where its log cannot be read.
fn unrecorded(own: &[&Process], why: &str, now: Timestamp) -> Pace {
    const LATELY: SignedDuration = SignedDuration::from_mins(10);
    let young = |process: &&&Process| process.started.is_some_and(|since| now.duration_since(since) < LATELY);
    match own.iter().find(|process| process.restarts >= LOOP_RESTARTS && young(process)) {
        Some(process) => {
            let last = process.started.map_or_else(String::new, |since| age(since, now));
            let count = process.restarts;
            Pace::Open(format!("{count} restarts, the last {last} ago; whether automatic is unknown: {why}"))
        }
        None => Pace::Steady,
    }
}

fn reading(own: &[&Process], now: Timestamp) -> (State, Verdict, String) {
    let all = own.len();
    let online = own.iter().filter(|process| process.status == "online").count();
    let restarts = restarts(own);
    // pm2 counts restarts on purpose as well; its log tells them apart.
    let history = own.iter().find_map(|process| process.history.as_ref());
    let pace = match history {
        Some(Ok(known)) => pace::judge(&runs(own, known, history), now),
        Some(Err(why)) => unrecorded(own, why, now),
        None => Pace::Steady,
    };
    let last = || match pace::last(history) {
        Some(RunEnd::Exit(code)) => format!("exit {code}"),
        Some(RunEnd::Signal(signal) | RunEnd::Dump(signal)) => format!("killed by signal {signal}"),
        Some(RunEnd::Result(result)) => result.clone(),
        None => "unknown".to_owned(),
    };
    let looping = |process: &&&Process| {
        let young = process.started.is_some_and(|since| now.duration_since(since) < UNSTABLE);
        let counts = process.unstable.max(process.restarts) >= LOOP_RESTARTS && process.unstable > 0;
        young && counts && !matches!(history, Some(Ok(_)))
    };
    let alive = |process: &&Process| matches!(process.status.as_str(), "online" | "launching" | WAITING);
    let waiting = own.iter().find(|process| process.status == WAITING);
    let errored = own.iter().find(|process| process.status == "errored");
    if let Pace::Loop(count) = &pace
        && own.iter().any(alive)
    {
        (State::CrashLoop, Verdict::Fail, format!("crash loop: {count}, last: {}", last()))
    } else if let Some(process) = own.iter().find(looping) {
        let code = process.exit_code.map_or_else(String::new, |code| format!(", last: exit {code}"));
        (State::CrashLoop, Verdict::Fail, format!("crash loop: {restarts} restarts{code}"))
    } else if let Some(process) = waiting {
        let code = process.exit_code.map_or_else(String::new, |code| format!(": exit {code}"));
        (
            State::Restarting,
            Verdict::Fail,
            format!("ended, pm2 waits to start it again{code}, {restarts} restarts so far"),
        )
    } else if online == all {
        let summary = if all == 1 { "online".to_owned() } else { format!("{online} of {all} online") };
        match pace {
            Pace::Slow(count) if pace::is_clean(history) => {
                (State::Running, Verdict::Pass, format!("{summary}, {count}, each after exit 0"))
            }
            Pace::Slow(count) => {
                (State::Running, Verdict::Warn, format!("keeps restarting: {count}, last: {}", last()))
            }
            Pace::Open(why) => (State::Running, Verdict::Unknown, why),
            Pace::Lately if !pace::is_clean(history) => {
                (State::Running, Verdict::Warn, format!("restarted by itself, before that: {}", last()))
            }
            Pace::Steady | Pace::Lately | Pace::Loop(_) => (State::Running, Verdict::Pass, summary),
        }
    } else if online > 0 {
        (State::Partial, Verdict::Warn, format!("only {online} of {all} online"))
    } else if let Some(process) = errored {
        let code = process.exit_code.map_or_else(String::new, |code| format!(", exit {code}"));
        (State::Failed, Verdict::Fail, format!("errored after {restarts} restarts{code}: pm2 has given up on it"))
    } else if own.iter().any(|process| process.status == "launching") {
        (State::Starting, Verdict::Warn, "launching".to_owned())
    } else {
        let status = own.first().map_or("stopped", |process| process.status.as_str());
        match status {
            "stopped" | "stopping" => (State::Stopped, Verdict::Fail, status.to_owned()),
            other => (State::Unknown, Verdict::Unknown, format!("in a state unknown to {}: {other}", program::name())),
        }
    }
}
