//! What signals do. Every one that would end this process ends first what it started, so that no change is left without a word:
//! 129 after a hang-up, 130 after an interrupt, 143 after any other, and 7 where the limit on processor time has passed. A file
//! that would become larger than the limit is an error of its write, as on a full disk.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;

use rustix::process::{Resource, getrlimit};
use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals;

use crate::exit::Exit;
use crate::host::exec;
use crate::host::system::System;
use crate::host::threads;
use crate::program;
use crate::ui::{Ui, screen};

/// Whoever ignores them on our behalf (`nohup`, a shell that starts us in the background) wants us to live on.
const UNLESS_IGNORED: [i32; 9] = [SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGXCPU];
/// Those that have no meaning; any of them ends a process as well.
const WITHOUT_MEANING: std::ops::RangeInclusive<i32> = 34..=64;

/// Begins to handle them.
///
/// # Errors
/// When no thread can be had for it; all signals do then what they did before.
pub fn handle() -> io::Result<()> {
    let (give, given) = mpsc::channel::<Signals>();
    threads::start(move || {
        if let Ok(mut signals) = given.recv()
            && let Some(signal) = signals.forever().next()
        {
            end(signal);
        }
    })?;
    let ignored = ignored();
    let is_ignored = |signal: i32| ignored.checked_shr(signal.unsigned_abs().saturating_sub(1)).unwrap_or(0) & 1 != 0;
    let wanted = UNLESS_IGNORED.into_iter().chain(WITHOUT_MEANING).filter(|signal| !is_ignored(*signal));
    let signals = Signals::new([SIGINT, SIGTERM].into_iter().chain(wanted))?;
    // The thread lives as long as the process.
    let _ = give.send(signals);
    // A handler and not "ignore", which what we start would inherit.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}

/// The signals that were ignored when this process was started, a bit each.
fn ignored() -> u64 {
    let status = System::real().read("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.unwrap_or_default()
}

/// Ends what was started, then this process.
fn end(signal: i32) {
    if signal == SIGXCPU {
        let limit = getrlimit(Resource::Cpu).current.unwrap_or_default();
        Ui::warn(&format!(
            "timed out after {limit} s of processor time (ulimit -t); {} shows the interrupted operation",
            program::command("lock status")
        ));
    }
    if exec::must_finish() {
        // Apart, because stderr may be held by one who hangs in writing to it; without a thread it is not said.
        let _ = threads::start(|| {
            Ui::warn("asked to end: waiting for the running command, which must not be interrupted");
        });
    }
    exec::kill_all();
    screen::close();
    // At once: what is done at a usual end waits for output that nobody may read.
    signal_hook::low_level::exit(code(signal));
}

fn code(signal: i32) -> i32 {
    match signal {
        SIGHUP | SIGINT => 128 + signal,
        SIGXCPU => i32::from(Exit::TimedOut.code()),
        _ => 128 + SIGTERM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_ends_with_a_code_of_the_contract() {
        assert_eq!([SIGHUP, SIGINT, SIGTERM, SIGXCPU].map(code), [129, 130, 143, 7]);
        assert_eq!([SIGQUIT, SIGUSR1, SIGALRM, 34, 64].map(code), [143; 5]);
    }
}
