//! `status --watch`: the status again and again, on a screen of its own where there is one.

use std::thread;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::report::status::Status;
use crate::ui::screen::{Event, Screen};
use crate::ui::{Format, Ui};
use crate::units::{stamp, time_of_day};

/// How many changes are remembered.
const REMEMBERED: usize = 3;

/// Checks until somebody leaves or the time of the command is over.
pub(super) fn run(
    context: &Context<'_>,
    interval: Duration,
    check: impl Fn() -> Result<Status, Error>,
) -> anyhow::Result<Exit> {
    let on_terminal = Ui::is_terminal() && context.ui.format != Format::Json;
    // The commands that are told as they run would stand across a screen.
    let mut screen = if on_terminal && context.trace().is_none() { Screen::open()? } else { None };
    let mut before: Option<Status> = None;
    let mut changes: Vec<String> = Vec::new();
    loop {
        let begun = Instant::now();
        let mut status = match check() {
            Ok(status) => status,
            // The time that was given is over: that is the end of watching, not a failure.
            Err(error) if error.exit == Exit::TimedOut => return Ok(Exit::Success),
            Err(error) => return Err(error.into()),
        };
        if let Some(before) = &before {
            let time = time_of_day(status.head.time);
            let new: Vec<String> =
                status.compare(before).into_iter().map(|change| format!("{time} {change}")).collect();
            changes.splice(0..0, new);
            changes.truncate(REMEMBERED);
        }
        status.remember(&changes);
        let next = Instant::now() + context.within(interval.saturating_sub(begun.elapsed()));
        if let Some(screen) = &mut screen {
            let head = head(&status, interval);
            loop {
                context.ui.draw(screen, &head, &status)?;
                match screen.wait(next) {
                    Event::Resized => {}
                    Event::Due => break,
                    Event::Quit | Event::Lost => return Ok(Exit::Success),
                }
            }
        } else {
            match on_terminal {
                true => context.ui.block(&status)?,
                false => Ui::json_line(&status)?,
            }
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        before = Some(status);
    }
}

/// `prim on vps1: 2026-02-26 03:11:07 +01:00, every 2s, q quits`.
fn head(status: &Status, interval: Duration) -> String {
    let deployment = status.head.deployment.as_deref().unwrap_or_default();
    let time = stamp(status.head.time);
    format!("{deployment} on {}: {time}, every {interval:?}, q quits", status.head.host)
}
