//! PURE. Events as messages, a file a kind of receiver. A message is made for a phone: the title says what is wrong where, then for
//! each event since when, how urgent it is and the first command to type. Text from outside is without secrets and control characters
//! before a receiver's file sees it; that file escapes what its receiver would take for markup.

pub mod alertmanager;
mod command;
mod discord;
mod mail;
mod ntfy;
mod pagerduty;
mod slack;
pub mod webhook;

use std::net::SocketAddr;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::settings::Settings;
use super::{Event, EventKind, Sender};
use crate::host::http;
use crate::host::tools::{Argv, Hidden};
use crate::redact::{Redactor, is_hostile};
use crate::registry::{Address, Channel, ChannelKind, Verdict};
use crate::units;

/// Events in one message; more are counted.
pub const MOST: usize = 20;
/// Characters of a summary.
const SUMMARY: usize = 200;
/// Characters of a name.
const NAME: usize = 60;
/// Characters of a command; a longer one is left out, because a part of a command is none.
const COMMAND: usize = 200;
/// Services that are named as affected; more are counted.
const AFFECTED: usize = 5;

/// An event as it waits for a channel, and as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// What changed.
    #[serde(flatten)]
    pub event: Event,
    /// Whether it recovered before the channel had accepted that it failed.
    pub missed: bool,
}

/// All that a channel is sent at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    sender: Sender,
    /// Worst first, at most [`MOST`].
    notices: Vec<Notice>,
    /// How many more there are.
    more: usize,
    /// How many older ones were dropped.
    dropped: u64,
    /// Whether an attempt was interrupted, so that the receiver may have all this already.
    repeated: bool,
    /// The same when the same is sent again.
    id: String,
}

/// A request, or a program and what it reads.
#[derive(Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// `POST`.
    Http(Post),
    /// A program; it succeeds with exit code 0.
    Program(Argv),
}

/// An HTTP `POST`. It is never shown: address, headers and body can hold keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Post {
    /// Where.
    pub url: Hidden,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: String,
}

/// One of the requests that a message takes, and the places of the notices that are delivered once it is accepted.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// Places in [`Message::notices`].
    pub notices: Vec<usize>,
    /// The request.
    pub outgoing: Outgoing,
}

/// Why nothing can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// `notify.env` lacks this key.
    NotInUse(&'static str),
    /// What it has cannot be used; why, without quoting it.
    Malformed(String),
}

/// The requests that a message to a channel takes, in their order. `local` is the address of a port of this host.
///
/// # Errors
/// When the channel is not in use, or its settings are none.
pub fn compose(
    channel: &Channel,
    settings: &Settings,
    local: &dyn Fn(u16) -> SocketAddr,
    message: &Message,
) -> Result<Vec<Part>, Unfit> {
    let at = |address: Address| url(address, settings, local);
    let whole = |outgoing| vec![Part { notices: (0..message.count()).collect(), outgoing }];
    let post = |post: Post| whole(Outgoing::Http(post));
    match channel.kind {
        ChannelKind::Webhook(address) => Ok(post(webhook::post(at(address)?, message))),
        ChannelKind::Slack(address) => {
            let url = at(address)?;
            let is_discord = discord::is_its(&url);
            Ok(post(if is_discord { discord::post(url, message) } else { slack::post(url, message) }))
        }
        ChannelKind::Discord(address) => Ok(post(discord::post(at(address)?, message))),
        ChannelKind::Ntfy { topic, token } => {
            ntfy::post(&at(topic)?, token.and_then(|key| settings.value(key)), message).map(post)
        }
        ChannelKind::PagerDuty { routing, url } => {
            let routing = settings.value(routing).ok_or(Unfit::NotInUse(routing))?;
            let other = url.and_then(|key| settings.value(key)).map(checked).transpose()?;
            Ok(pagerduty::parts(routing, other, message))
        }
        ChannelKind::Mail(to) => {
            let addresses = settings.value(to).ok_or(Unfit::NotInUse(to))?;
            mail::argv(addresses, message).map(|argv| whole(Outgoing::Program(argv)))
        }
        // What it is sent at each check is in its own file; here is what a test of the channel sends.
        ChannelKind::Alertmanager(address) => {
            let events: Vec<Event> = message.notices.iter().map(|notice| notice.event.clone()).collect();
            let lasts = SignedDuration::from_mins(1);
            Ok(post(alertmanager::post(&at(address)?, &message.sender, &events, &[], lasts)))
        }
        ChannelKind::Command(argv) => command::argv(argv, message).map(|argv| whole(Outgoing::Program(argv))),
    }
}

/// The URL of an address.
///
/// # Errors
/// When its key is not set, or is set to something else.
pub fn url(address: Address, settings: &Settings, local: &dyn Fn(u16) -> SocketAddr) -> Result<String, Unfit> {
    match address {
        Address::Key(key) => checked(settings.value(key).ok_or(Unfit::NotInUse(key))?),
        Address::Local(port) => Ok(format!("http://{}/", local(port))),
    }
}

fn checked(url: &str) -> Result<String, Unfit> {
    let unfit = || Unfit::Malformed("its address is not an http or https URL".to_owned());
    http::address(url).map(|_| url.to_owned()).ok_or_else(unfit)
}

impl Message {
    /// What there is to send, without what `redactor` knows and with nothing that drives a terminal. Everything is sent, and said to be
    /// repeated where an earlier attempt was interrupted.
    pub fn new(sender: &Sender, notices: &[Notice], dropped: u64, repeated: bool, redactor: &Redactor) -> Message {
        let id = id(sender, notices);
        let clean = |text: &str, most| clean(redactor, text, most);
        let sender = Sender {
            deployment: clean(&sender.deployment, NAME),
            host: clean(&sender.host, NAME),
            time: sender.time,
            ssh: sender.ssh.as_deref().map(|ssh| command(redactor, ssh)).filter(|ssh| !ssh.is_empty()),
        };
        let shown = notices.iter().take(MOST).map(|Notice { event, missed }| Notice {
            event: Event {
                incident: clean(&event.incident, SUMMARY),
                subject: clean(&event.subject, NAME),
                summary: clean(&event.summary, SUMMARY),
                severity: clean(&event.severity, NAME / 2),
                respond: clean(&event.respond, NAME),
                affects: event.affects.iter().take(MOST).map(|name| clean(name, NAME / 2)).collect(),
                next: command(redactor, &event.next),
                ..event.clone()
            },
            missed: *missed,
        });
        let more = notices.len().saturating_sub(MOST);
        Message { notices: shown.collect(), sender, more, dropped, repeated, id }
    }

    /// How many events it delivers: those beyond [`MOST`] count as delivered with the last that is shown.
    fn count(&self) -> usize {
        self.notices.len() + self.more
    }

    /// What a phone shows first: `FAIL prim on vps1: wallet and 2 others`.
    pub fn title(&self) -> String {
        let Sender { deployment, host, .. } = &self.sender;
        let Some(Notice { event, .. }) = self.notices.first() else { return format!("{deployment} on {host}") };
        let others = match self.count() - 1 {
            0 => String::new(),
            1 => " and 1 other".to_owned(),
            others => format!(" and {others} others"),
        };
        format!("{} {deployment} on {host}: {}{others}", word(event), event.subject)
    }

    /// The text below the title, at most so many bytes; the first event is always there.
    fn text(&self, most: usize, style: &Style) -> String {
        /// What the lines around the events take at most.
        const AROUND: usize = 260;
        let mut text = String::new();
        if self.repeated {
            text.push_str("repeated: an earlier attempt was interrupted\n\n");
        }
        let mut shown = 0;
        let ssh = self.sender.ssh.as_ref().filter(|_| self.notices.iter().any(|notice| is_open(&notice.event)));
        let end = ssh.map_or(String::new(), |ssh| format!("\nlog in: {}\n", (style.command)(ssh)));
        let around = AROUND + end.len();
        for notice in &self.notices {
            let paragraph = paragraph(notice, style);
            if shown > 0 && text.len() + paragraph.len() + around > most {
                break;
            }
            text.push_str(if shown > 0 { "\n" } else { "" });
            text.push_str(&paragraph);
            shown += 1;
        }
        match self.count() - shown {
            0 => {}
            1 => text.push_str("\nand 1 more event\n"),
            more => text.extend(["\nand ", &more.to_string(), " more events\n"]),
        }
        if self.dropped > 0 {
            let why = " older events were dropped: the channel did not accept them\n";
            text.extend(["\n", &self.dropped.to_string(), why]);
        }
        text.push_str(&end);
        text.trim_end().to_owned()
    }

    /// The worst event.
    fn worst(&self) -> Option<&Event> {
        self.notices.first().map(|notice| &notice.event)
    }
}

/// How a receiver shows text and commands.
struct Style {
    /// Text from outside that it takes for nothing but text.
    escape: fn(&str) -> String,
    /// A command, so that it can be copied.
    command: fn(&str) -> String,
}

/// As it is.
const PLAIN: Style = Style { escape: str::to_owned, command: str::to_owned };

fn paragraph(notice: &Notice, style: &Style) -> String {
    let Notice { event, missed } = notice;
    let escape = style.escape;
    let mut lines = vec![format!("{} {}: {}", word(event), escape(&event.subject), escape(&event.summary))];
    let since = units::stamp(event.since);
    let seconds = i64::try_from(event.lasted_seconds).unwrap_or(i64::MAX);
    let lasted = units::duration(SignedDuration::from_secs(seconds));
    let until = units::stamp(units::later(event.since, SignedDuration::from_secs(seconds)));
    lines.push(match event.kind {
        EventKind::Test => "this is a test of the channel; nothing failed".to_owned(),
        EventKind::Recovered if *missed => {
            format!("not reported before: it was failing from {since} to {until} ({lasted})")
        }
        EventKind::Recovered => format!("it was failing for {lasted}, since {since}"),
        EventKind::Flapping => format!("flapping since {since}; no more messages until it is stable"),
        EventKind::Stable => format!("stable again after {lasted} of flapping"),
        EventKind::Failed | EventKind::Worse | EventKind::Reminder | EventKind::Unknown => match event.lasted_seconds {
            0 => format!("since {since}"),
            _ => format!("since {since} ({lasted})"),
        },
    });
    if is_open(event) {
        if !event.severity.is_empty() {
            let response =
                if event.respond.is_empty() { String::new() } else { format!(" (response: {})", event.respond) };
            lines.push(escape(&format!("severity {}{response}", event.severity)));
        }
        if !event.affects.is_empty() {
            let more = event.affects.len().saturating_sub(AFFECTED);
            let names = event.affects[..event.affects.len() - more].join(", ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            lines.push(escape(&format!("affects: {names}{more}")));
        }
        if !event.next.is_empty() {
            lines.push(format!("next: {}", (style.command)(&event.next)));
        }
    }
    lines.join("\n") + "\n"
}

/// What happened, in capitals.
fn word(event: &Event) -> &'static str {
    match (event.kind, event.verdict) {
        (EventKind::Test, _) => "TEST",
        (EventKind::Recovered, _) => "RECOVERED",
        (EventKind::Flapping, _) => "FLAPPING",
        (EventKind::Stable, Verdict::Fail) => "STABLE, FAIL",
        (EventKind::Stable, Verdict::Warn) => "STABLE, WARN",
        (EventKind::Stable, _) => "STABLE",
        (EventKind::Reminder, Verdict::Warn) => "STILL WARN",
        (EventKind::Reminder, Verdict::Unknown) => "STILL UNKNOWN",
        (EventKind::Reminder, _) => "STILL FAIL",
        (EventKind::Unknown, _) | (_, Verdict::Unknown) => "UNKNOWN",
        (EventKind::Failed | EventKind::Worse, Verdict::Warn) => "WARN",
        (EventKind::Failed | EventKind::Worse, _) => "FAIL",
    }
}

/// Whether somebody has to do something about it.
fn is_open(event: &Event) -> bool {
    match event.kind {
        EventKind::Recovered | EventKind::Test => false,
        EventKind::Stable => event.verdict != Verdict::Pass,
        EventKind::Failed | EventKind::Worse | EventKind::Reminder | EventKind::Flapping | EventKind::Unknown => true,
    }
}

/// How urgent: 4 for the worst, 0 for what needs nobody.
fn urgency(event: &Event) -> u8 {
    match (is_open(event), event.verdict) {
        (false, _) => 0,
        (true, Verdict::Fail) => 4_u8.saturating_sub(event.rank).max(1),
        (true, _) => 3_u8.saturating_sub(event.rank).max(1),
    }
}

/// Puts the worst first: what fails before what recovered, the most urgent severity before others, the oldest before what came later.
pub fn sort(notices: &mut [Notice]) {
    let verdict = |event: &Event| std::cmp::Reverse(event.verdict);
    notices.sort_by_key(|Notice { event, .. }| (!is_open(event), verdict(event), event.rank, event.since));
}

/// The same for the same events of the same host.
fn id(sender: &Sender, notices: &[Notice]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{}\0{}\0", sender.deployment, sender.host));
    for Notice { event, missed } in notices {
        let state = (event.kind, event.verdict, event.lasted_seconds, missed);
        hash.update(format!("{}\0{}\0{state:?}\0{}\0", event.incident, event.subject, event.summary));
    }
    hash.finalize().iter().take(16).fold(String::new(), |id, byte| format!("{id}{byte:02x}"))
}

/// A line without secrets, without what drives a terminal, at most so many characters.
fn clean(redactor: &Redactor, text: &str, most: usize) -> String {
    /// What is looked through, bytes: far behind every cut, so that no half secret stands at one.
    const NEAR: usize = 4096;
    let text = redactor.clean(&text[..text.floor_char_boundary(NEAR)]);
    let shown = |c: char| match c {
        c if c.is_whitespace() => ' ',
        c if is_hostile(c) => '\u{fffd}',
        c => c,
    };
    let line = text.chars().map(shown).collect::<String>();
    cut(line.trim(), most)
}

/// A command without known secrets; nothing where it is too long, or has what no command has.
fn command(redactor: &Redactor, text: &str) -> String {
    let text = redactor.clean_known(text);
    match text.chars().any(is_hostile) || text.chars().count() > COMMAND {
        true => String::new(),
        false => text.trim().to_owned(),
    }
}

/// The beginning of a text, with a mark where it was cut.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['\u{2026}']).collect(),
    }
}

fn json(url: impl Into<String>, body: &impl Serialize) -> Post {
    let headers = vec![("content-type", "application/json".to_owned())];
    // What consists of texts and numbers can always be written.
    Post { url: Hidden::new(url.into()), headers, body: serde_json::to_string(body).unwrap_or_default() }
}

/// A URL with this behind its path, before its query.
pub fn below(url: &str, path: &str) -> String {
    let (url, query) = url.split_once('?').map_or((url, None), |(url, query)| (url, Some(query)));
    let base = url.split('#').next().unwrap_or_default().trim_end_matches('/');
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    if base.ends_with(path) { format!("{base}{query}") } else { format!("{base}{path}{query}") }
}

#[cfg(test)]
mod tests;
