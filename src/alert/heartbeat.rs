//! A URL that is sent each check, so that somebody else notices when none is made: `URL/start` before, `URL` after one that found
//! nothing, `URL/fail` after any other. <https://healthchecks.io/docs/http_api/>

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use super::channel::below;
use super::deliver;
use super::queue::End;
use super::settings::Settings;
use crate::host::http::{self, Request};
use crate::host::threads;
use crate::host::tools::Hidden;
use crate::registry::HEARTBEAT;

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(3);

/// A check whose start is being sent.
pub struct Heartbeat {
    url: Hidden,
    /// What came of it; nothing where it could not be sent.
    started: Option<Receiver<End>>,
    until: Instant,
}

impl Heartbeat {
    /// Sends, beside the check, that it begins; `None` where no URL is set.
    pub fn start(settings: &Settings) -> Option<Heartbeat> {
        let url = Hidden::new(settings.value(HEARTBEAT)?.to_owned());
        let until = Instant::now() + LIMIT;
        let (answer, started) = sync_channel(1);
        let at = Hidden::new(below(url.expose(), "/start"));
        // Where no thread can be had, the end alone is sent.
        let thread = threads::start(move || {
            // Nobody waits any more where the check took no time.
            let _ = answer.send(get(&at, until));
        });
        Some(Heartbeat { url, started: thread.ok().map(|()| started), until })
    }

    /// Sends how the check ended; why that, or the start, was not accepted. The start comes first, however short the check was.
    pub fn end(self, succeeded: bool) -> Option<String> {
        let left = self.until.saturating_duration_since(Instant::now());
        let start = self.started.and_then(|started| started.recv_timeout(left).ok());
        let at = if succeeded { self.url } else { Hidden::new(below(self.url.expose(), "/fail")) };
        let ends = [("start", start), ("end", Some(get(&at, Instant::now() + LIMIT)))];
        let failed =
            ends.iter().filter_map(|(what, end)| end.as_ref().filter(|end| !end.is_accepted()).map(|end| (what, end)));
        let words: Vec<String> = failed.map(|(what, end)| format!("{what}: {}", end.words())).collect();
        (!words.is_empty()).then(|| format!("{HEARTBEAT}: {}", words.join("; ")))
    }
}

fn get(url: &Hidden, until: Instant) -> End {
    let request = Request { method: "GET", url: url.expose(), headers: &[], body: "", most: 1 << 10 };
    deliver::answer(http::exchange(&request, until))
}

#[cfg(test)]
mod tests;
