//! Sends what waits for the channels, all at once, each within its deadline. The record is written before (an attempt was begun) and
//! after (what came of it), so that a crash between the two can only send a message twice, which the second one says.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::channel::{self, Message, Notice, Outgoing, Part, Post, Unfit, alertmanager};
use super::queue::{About, End, Outcome, Queues, failing, forget, settle};
use super::settings::Settings;
use super::{Class, Event, EventKind, Moment, Sender};
use crate::host::exec::{ProcessEnd, Runner};
use crate::host::http::{self, Request, Silence};
use crate::host::system::System;
use crate::host::threads;
use crate::host::tools::{Argv, excerpt};
use crate::host::trouble;
use crate::redact::{self, is_hostile};
use crate::registry::{Address, Channel, ChannelKind, Verdict};

/// How long one channel may take.
pub const EACH: Duration = Duration::from_secs(5);
/// How long all of them may take together.
pub const ALL: Duration = Duration::from_secs(8);
/// How much of an answer is read, bytes.
const BODY: u64 = 4 << 10;
/// How long an alert of Alertmanager lasts after the last check that sent it, at least.
pub const LASTS: SignedDuration = SignedDuration::from_mins(15);

/// What channels are sent from.
pub struct Door<'a> {
    /// The machine.
    pub system: &'a System,
    /// The way to other programs.
    pub runner: &'a dyn Runner,
    /// Addresses and keys.
    pub settings: &'a Settings,
    /// Who sends.
    pub sender: &'a Sender,
}

/// What is sent to Alertmanagers at each check.
#[derive(Debug, Clone, Copy)]
pub struct Active<'a> {
    /// Every incident that is open.
    pub open: &'a [Event],
    /// Those that recovered in this check.
    pub recovered: &'a [Event],
    /// How long an alert lasts when no check follows.
    pub lasts: SignedDuration,
}

/// Sends what changed, and what waits from before, to every channel in use. The caller has the lock of the record, and its time.
///
/// What waits for a channel that is not in use is dropped, so where the settings could not be read this is not called.
///
/// ```ignore
/// let door = Door { system, runner: &context.processes(), settings: &Settings::read(system)?, sender: &sender };
/// let channels: Vec<_> = deployment.channels().collect();
/// let changed = (&events[..], Active { open: &open, recovered: &recovered, lasts: LASTS });
/// let sent = notify(&door, &channels, &mut record.queues, changed, &now, &about, &mut |queues| store.write_with(queues))?;
/// store.write(&record)?; // what came of it
/// ```
///
/// # Errors
/// When `save` cannot write that attempts are begun: nothing is sent then, because it could be sent again at every check. The events are
/// in the queues.
pub fn notify<E>(
    door: &Door<'_>,
    channels: &[&'static Channel],
    queues: &mut Queues,
    (events, active): (&[Event], Active<'_>),
    now: &Moment,
    about: &About,
    save: &mut dyn FnMut(&Queues) -> Result<(), E>,
) -> Result<Sent, E> {
    let in_use: Vec<&'static Channel> = channels.iter().copied().filter(|channel| door.settings.has(channel)).collect();
    let names: Vec<&str> = in_use.iter().map(|channel| channel.name).collect();
    let mut events = events.to_vec();
    events.extend(forget(queues, &names, about, now));
    for channel in &in_use {
        let queue = queues.entry(channel.name.to_owned()).or_default();
        events.iter().filter(|event| waits(channel, event)).for_each(|event| queue.enqueue(event));
    }
    let open: Vec<Event> = active.open.iter().cloned().chain(failing(queues, about, now)).collect();
    let active = Active { open: &open, ..active };
    let is_empty = open.is_empty() && active.recovered.is_empty();
    let mut tried = Vec::new();
    for channel in &in_use {
        let Some(queue) = queues.get_mut(channel.name) else { continue };
        let is_due = match is_alertmanager(channel) {
            // With nothing to send it is still tried whether it works again.
            true => queue.may_try(now) && (!is_empty || queue.attempts > 0),
            false => queue.due(now),
        };
        if is_due {
            queue.begin();
            tried.push(*channel);
        }
    }
    save(queues)?;
    let outcomes = deliver(door, &tried, queues, active);
    let optional: Vec<&str> = tried.iter().filter(|channel| is_optional(channel)).map(|channel| channel.name).collect();
    settle(queues, &outcomes, &optional, now, about);
    for channel in in_use.iter().filter(|channel| is_alertmanager(channel)) {
        // It is sent what is active, not what changed.
        queues.entry(channel.name.to_owned()).or_default().pending.clear();
    }
    let has_answered = |name: &str| queues.get(name).is_some_and(|queue| queue.accepted.is_some());
    let failed = outcomes
        .iter()
        .filter(|(name, outcome)| !outcome.end.is_accepted() && (!optional.contains(name) || has_answered(name)));
    Ok(Sent {
        accepted: outcomes.iter().map(|(_, outcome)| outcome.accepted.len()).sum(),
        failing: failed.map(|(name, outcome)| format!("{name}: {}", outcome.end.words())).collect(),
    })
}

fn is_alertmanager(channel: &Channel) -> bool {
    matches!(channel.kind, ChannelKind::Alertmanager(_))
}

/// What came of all attempts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// How many events were accepted, counted for each channel.
    pub accepted: usize,
    /// Channels that did not accept everything, and why.
    pub failing: Vec<String>,
}

/// Whether a channel is sent an event by itself. Alertmanager is sent all that is active; of itself no channel is sent anything.
fn waits(channel: &Channel, event: &Event) -> bool {
    let is_itself = event.class == Class::Channel && event.subject == format!("channel {}", channel.name);
    !is_itself && !is_alertmanager(channel)
}

/// Whether nothing may be there at all: at a port of this host, which a registry only claims.
fn is_optional(channel: &Channel) -> bool {
    match channel.kind {
        ChannelKind::Webhook(at)
        | ChannelKind::Slack(at)
        | ChannelKind::Discord(at)
        | ChannelKind::Alertmanager(at) => {
            matches!(at, Address::Local(_))
        }
        ChannelKind::Ntfy { topic, .. } => matches!(topic, Address::Local(_)),
        ChannelKind::PagerDuty { .. } | ChannelKind::Mail(_) | ChannelKind::Command(_) => false,
    }
}

/// Sends to these channels, all at once.
fn deliver(
    door: &Door<'_>,
    channels: &[&'static Channel],
    queues: &Queues,
    active: Active<'_>,
) -> Vec<(&'static str, Outcome)> {
    let begun = Instant::now();
    let one = |channel: &'static Channel| {
        // Where no thread can be had they are sent in turn.
        let until = (Instant::now() + EACH).min(begun + ALL);
        let queue = queues.get(channel.name).cloned().unwrap_or_default();
        if let ChannelKind::Alertmanager(at) = channel.kind {
            return (channel.name, keep_alive(door, at, active, until));
        }
        let house = redact::house();
        let message = Message::new(door.sender, &queue.pending, queue.dropped, queue.interrupted, house);
        (channel.name, send(door, channel, &message, until))
    };
    std::thread::scope(|scope| {
        let tasks: Vec<_> = channels.iter().map(|channel| threads::task(scope, || one(channel))).collect();
        tasks.into_iter().map(threads::join).collect()
    })
}

fn keep_alive(door: &Door<'_>, at: Address, active: Active<'_>, until: Instant) -> Outcome {
    let end = match channel::url(at, door.settings, &|port| door.system.local(port)) {
        Ok(url) => {
            let events = (active.open, active.recovered);
            post(&alertmanager::alerts(&url, door.sender, events, active.lasts, redact::house()), until)
        }
        Err(unfit) => unsent(unfit),
    };
    Outcome { accepted: Vec::new(), end }
}

/// Sends a message, and says what came of it.
fn send(door: &Door<'_>, channel: &Channel, message: &Message, until: Instant) -> Outcome {
    let local = |port: u16| -> SocketAddr { door.system.local(port) };
    let parts = match channel::compose(channel, door.settings, &local, message) {
        Ok(parts) => parts,
        Err(unfit) => return Outcome { accepted: Vec::new(), end: unsent(unfit) },
    };
    let mut outcome = Outcome { accepted: Vec::new(), end: End::Accepted("accepted".to_owned()) };
    let mut refused = None;
    for Part { notices, outgoing } in parts {
        let end = match &outgoing {
            Outgoing::Http(request) => post(request, until),
            Outgoing::Program(argv) => run(door.runner, argv, until),
        };
        match end {
            End::Accepted(_) => outcome.accepted.extend(notices),
            // One event that is refused keeps no other from being sent.
            End::Rejected(_) => refused = Some(end.clone()),
            End::TryAgain(..) => return Outcome { end, ..outcome },
        }
        outcome.end = refused.clone().unwrap_or(end);
    }
    outcome
}

fn unsent(unfit: Unfit) -> End {
    match unfit {
        Unfit::NotInUse(key) => End::Rejected(format!("{key} is not set")),
        Unfit::Malformed(why) => End::Rejected(why),
    }
}

fn post(post: &Post, until: Instant) -> End {
    let headers: Vec<(&str, &str)> = post.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let request = Request { method: "POST", url: post.url.expose(), headers: &headers, body: &post.body, most: BODY };
    answer(http::exchange(&request, until))
}

/// What an answer means. The status decides.
pub(super) fn answer(answer: Result<http::Answer, Silence>) -> End {
    let answer = match answer {
        Ok(answer) => answer,
        Err(silence) => return End::TryAgain(line(&trouble::Trouble::from(silence).to_string()), None),
    };
    let status = answer.status;
    let body = excerpt(&answer.body);
    let words = line(&if body.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {body}") });
    match status {
        200..300 => End::Accepted(words),
        300..400 => End::TryAgain(line(&format!("HTTP {status}: redirects are not followed")), None),
        408 | 429 => End::TryAgain(words, answer.retry_after.as_deref().and_then(retry_after)),
        400..500 => End::Rejected(words),
        _ => End::TryAgain(words, answer.retry_after.as_deref().and_then(retry_after)),
    }
}

/// How long to wait: seconds, or until a time (RFC 9110, 10.2.3).
fn retry_after(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let time = rfc2822::parse(&text.replace("GMT", "+0000")).ok()?.timestamp();
    time.duration_since(Timestamp::now()).try_into().ok()
}

fn run(runner: &dyn Runner, argv: &Argv, until: Instant) -> End {
    let limit = until.saturating_duration_since(Instant::now());
    match runner.run(argv, limit) {
        Ok(output) if output.exit == ProcessEnd::Code(0) => End::Accepted(format!("{} exited with 0", argv.program)),
        Ok(output) => End::TryAgain(line(&format!("{}: {}", argv.program, trouble::failure(&output))), None),
        Err(error) => End::TryAgain(line(&error.to_string()), None),
    }
}

/// At most 200 characters, on one line, with nothing that drives a terminal.
fn line(text: &str) -> String {
    let shown = |c: char| {
        if c.is_whitespace() {
            ' '
        } else if is_hostile(c) {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(shown).take(200).collect()
}

/// What came of the test of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tried {
    /// The channel.
    pub channel: String,
    /// Whether it is in use.
    pub in_use: bool,
    /// The key that `/etc/opsctl/notify.env` must have for that; `null` where it needs none.
    pub key: Option<String>,
    /// Whether it accepted the test; `false` of one that is not in use.
    pub accepted: bool,
    /// What came back; `null` of one that is not in use.
    pub answer: Option<String>,
}

/// Sends one message to each channel that is in use, and records nothing.
pub fn test(door: &Door<'_>, channels: &[&'static Channel], severity: &str) -> Vec<Tried> {
    let time = door.sender.time;
    let event = Event {
        incident: format!("{}/test/{}", door.sender.deployment, time.as_second()),
        kind: EventKind::Test,
        subject: "test".to_owned(),
        class: Class::Channel,
        verdict: Verdict::Pass,
        summary: "a test of this channel".to_owned(),
        severity: severity.to_owned(),
        respond: String::new(),
        rank: u8::MAX,
        since: time,
        lasted_seconds: 0,
        affects: Vec::new(),
        next: String::new(),
    };
    let message = Message::new(door.sender, &[Notice { event, missed: false }], 0, false, redact::house());
    let begun = Instant::now();
    let one = |channel: &'static Channel| {
        let until = (Instant::now() + EACH).min(begun + ALL);
        let in_use = door.settings.has(channel);
        let end = in_use.then(|| send(door, channel, &message, until).end);
        Tried {
            channel: channel.name.to_owned(),
            in_use,
            key: channel.key().map(str::to_owned),
            accepted: end.as_ref().is_some_and(End::is_accepted),
            answer: end.map(|end| end.words().to_owned()),
        }
    };
    std::thread::scope(|scope| {
        let tasks: Vec<_> = channels.iter().map(|channel| threads::task(scope, || one(channel))).collect();
        tasks.into_iter().map(threads::join).collect()
    })
}

#[cfg(test)]
mod tests;
