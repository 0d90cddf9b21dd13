//! What answers late, and what it is short of.

use super::super::*;
use super::READ_LOG;
use Clue::All;

/// It runs, takes requests and is late.
pub static SLOW: Failure = Failure::new("slow-answer", &[&[&EXHAUSTED, &SLOW_ANSWER]])
    .summary("a service answers too late, or has reached a limit")
    .section("no runbook: general checks of Linux hosts")
    .aliases(&["late-answer", "too-many-open-files"])
    .symptoms(&["clients time out", "a proxy answers 504"]);

const RUNS: Clue = Clue::State(&[State::Running, State::Starting, State::Partial, State::Unmanaged, State::Completed]);

static WHO_IS_BUSY: Fix = Fix::new(
    "see which processes are busy or wait for a disk",
    Risk::ReadOnly,
    Remedy::Command(&["ps", "-eo", "pcpu,stat,pid,user,comm", "--sort=-pcpu"]),
);

/// An answer comes, after more time than `status` gives it.
pub static SLOW_ANSWER: Cause =
    Cause::new("SLOW-ANSWER", All(&[Clue::Unhealthy, RUNS, Clue::Reply(Heard::Silence), Clue::Slow]))
        .summary("{service} is slow: it answers after {thing}")
        .explanation(
            "it works, but its clients may time out first: its database, disk or another server is slow, or it is \
         overloaded. A restart aborts the running requests and fixes neither",
        )
        .fixes(&[&READ_LOG, &WHO_IS_BUSY]);

/// No descriptor or no task is left for another request.
pub static EXHAUSTED: Cause =
    Cause::new("EXHAUSTED", All(&[Clue::Unhealthy, RUNS, Clue::Reply(Heard::Silence), Clue::Exhausted]))
        .summary("{service} cannot take another request: {thing}")
        .explanation(
            "it accepts no connection and starts no thread above its limit: it leaks them, or has more clients than \
             configured. A restart frees them until it happens again",
        )
        .explains(&[&SLOW_ANSWER])
        .fixes(&[&READ_LOG, &RESTART_TO_FREE]);

static RESTART_TO_FREE: Fix =
    Fix::new("restart {service}, which closes leaked connections", Risk::Disruptive, Remedy::Restart);
