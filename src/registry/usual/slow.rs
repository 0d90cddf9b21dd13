//! What answers late, and what it is short of.

use super::super::*;
use super::READ_LOG;
use Clue::All;

/// It runs, takes requests and is late.
pub static SLOW: Failure = Failure::new("slow-answer", &[&[&EXHAUSTED, &SLOW_ANSWER]])
    .summary("a service answers too late, or has no room to answer")
    .section("no runbook: what any Linux host shows")
    .aliases(&["late-answer", "too-many-open-files"])
    .symptoms(&["clients time out", "a proxy answers 504"]);

const RUNS: Clue = Clue::State(&[State::Running, State::Starting, State::Partial, State::Unmanaged, State::Completed]);

static WHO_IS_BUSY: Fix = Fix::new(
    "see who is busy, or waits for a disk",
    Risk::ReadOnly,
    Remedy::Command(&["ps", "-eo", "pcpu,stat,pid,user,comm", "--sort=-pcpu"]),
);

/// An answer comes, after more time than `status` gives it.
pub static SLOW_ANSWER: Cause = Cause::new(
    "SLOW-ANSWER",
    All(&[Clue::Unwell, RUNS, Clue::Reply(Heard::Silence), Clue::Slow]),
)
.summary("{service} is slow: it answers after {thing}")
.explanation(
    "it works, and its clients may have given up by then: what it waits for (a database, a disk, another server) is \
         late, or it has too much to do. A restart ends the requests under way and changes neither",
)
.fixes(&[&READ_LOG, &WHO_IS_BUSY]);

/// No descriptor or no task is left for another request.
pub static EXHAUSTED: Cause = Cause::new(
    "EXHAUSTED",
    All(&[Clue::Unwell, RUNS, Clue::Reply(Heard::Silence), Clue::Exhausted]),
)
.summary("{service} has no room for another request: {thing}")
.explanation(
    "it takes no connection and starts no thread above its bound: it leaks them, or has more clients than it was \
             set up for. A restart frees them, until it happens again",
)
.explains(&[&SLOW_ANSWER])
.fixes(&[&READ_LOG, &RESTART_TO_FREE]);

static RESTART_TO_FREE: Fix =
    Fix::new("restart {service}, which closes what it left open", Risk::Disruptive, Remedy::Restart);
