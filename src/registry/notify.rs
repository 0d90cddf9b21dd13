//! Notifications: where a change of state is sent, and from how many checks on it counts as one.
//!
//! # How to write the notifications of a deployment
//! Every deployment has the channels of [`CHANNELS`]: one is in use where its key is in `/etc/opsctl/notify.env`, so most
//! deployments state nothing. State a channel where the runbook has a key of its own, or where an Alertmanager runs on the host.
//! Addresses and tokens are secrets: the registry names their keys only.
//!
//! ```
//! use opsctl::registry::{Address, Channel, Level, Service, Thresholds};
//!
//! static PAGES: &[Channel] = &[
//!     Channel::slack("chat", Address::Key("ALERT_WEBHOOK_URL")),
//!     Channel::alertmanager("alertmanager", Address::Local(9093)),
//! ];
//! # static DOWN: Level = Level::new("P1");
//! static SHOP: Service = Service::new("shop", &DOWN).thresholds(Thresholds::fail_after(3).recover_after(2));
//! ```

/// Where the address of a channel is.
///
/// ```
/// # use opsctl::registry::*;
/// let beside = Channel::alertmanager("alertmanager", Address::Local(9093));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// The value of this key in `/etc/opsctl/notify.env`, which root alone can read.
    Key(&'static str),
    /// A port on the loopback interface.
    Local(u16),
}

/// How a message is worded and sent.
///
/// ```
/// # use opsctl::registry::*;
/// let mail = Channel::mail("mail", "MAIL_TO");
/// assert_eq!(mail.kind, ChannelKind::Mail("MAIL_TO"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelKind {
    /// An HTTP `POST` of a JSON document of this program, `opsctl/notification/v1`.
    Webhook(Address),
    /// Slack's incoming webhook, and those that take its `text`: Mattermost, Rocket.Chat.
    Slack(Address),
    /// Discord's webhook: `content`.
    Discord(Address),
    /// A topic of ntfy (<https://docs.ntfy.sh/publish/>), and the key of its access token where it needs one.
    Ntfy {
        /// URL of the topic.
        topic: Address,
        /// Key of the access token in `notify.env`.
        token: Option<&'static str>,
    },
    /// PagerDuty's Events API v2.
    PagerDuty {
        /// Key of the routing key in `notify.env`.
        routing: &'static str,
        /// Key of another address than PagerDuty's own.
        url: Option<&'static str>,
    },
    /// E-mail through the host's `sendmail`, to the addresses of this key.
    Mail(&'static str),
    /// Alertmanager's API v2, which keeps an alert as long as it is sent.
    Alertmanager(Address),
    /// A program that reads the JSON document on its standard input; it is run as root, without arguments from outside.
    Command(&'static [&'static str]),
}

/// A channel that notifications are sent to.
///
/// ```
/// # use opsctl::registry::*;
/// let phone = Channel::ntfy("phone", Address::Key("NTFY_URL")).token("NTFY_TOKEN");
/// assert_eq!(phone.key(), Some("NTFY_URL"));
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Channel {
    /// Name in output, unique in its deployment.
    pub name: &'static str,
    /// How a message is worded and sent.
    pub kind: ChannelKind,
}

impl Channel {
    const fn new(name: &'static str, kind: ChannelKind) -> Self {
        Channel { name, kind }
    }

    /// JSON documents of this program.
    pub const fn webhook(name: &'static str, at: Address) -> Self {
        Channel::new(name, ChannelKind::Webhook(at))
    }

    /// Slack, or what takes its `text`.
    pub const fn slack(name: &'static str, at: Address) -> Self {
        Channel::new(name, ChannelKind::Slack(at))
    }

    /// Discord.
    pub const fn discord(name: &'static str, at: Address) -> Self {
        Channel::new(name, ChannelKind::Discord(at))
    }

    /// A topic of ntfy.
    pub const fn ntfy(name: &'static str, topic: Address) -> Self {
        Channel::new(name, ChannelKind::Ntfy { topic, token: None })
    }

    /// PagerDuty, with the key under which `notify.env` has the routing key.
    pub const fn pagerduty(name: &'static str, routing: &'static str) -> Self {
        Channel::new(name, ChannelKind::PagerDuty { routing, url: None })
    }

    /// E-mail through the host's `sendmail`, to the addresses of this key.
    pub const fn mail(name: &'static str, to: &'static str) -> Self {
        Channel::new(name, ChannelKind::Mail(to))
    }

    /// Alertmanager.
    pub const fn alertmanager(name: &'static str, at: Address) -> Self {
        Channel::new(name, ChannelKind::Alertmanager(at))
    }

    /// A program with its arguments, by absolute path; it reads the JSON document on its standard input.
    pub const fn command(name: &'static str, argv: &'static [&'static str]) -> Self {
        Channel::new(name, ChannelKind::Command(argv))
    }

    /// The key of an access token, of a topic of ntfy.
    ///
    /// # Panics
    /// On a channel of another kind; in a `static` that does not compile.
    pub const fn token(mut self, key: &'static str) -> Self {
        match &mut self.kind {
            ChannelKind::Ntfy { token, .. } => *token = Some(key),
            _ => panic!("only a topic of ntfy has an access token"),
        }
        self
    }

    /// The key of another address, of PagerDuty.
    ///
    /// # Panics
    /// On a channel of another kind; in a `static` that does not compile.
    pub const fn url(mut self, key: &'static str) -> Self {
        match &mut self.kind {
            ChannelKind::PagerDuty { url, .. } => *url = Some(key),
            _ => panic!("only PagerDuty has an address that can be exchanged"),
        }
        self
    }

    /// The key in `notify.env` without which the channel is not in use; `None` where it needs none.
    pub fn key(&self) -> Option<&'static str> {
        match self.kind {
            ChannelKind::Webhook(at)
            | ChannelKind::Slack(at)
            | ChannelKind::Discord(at)
            | ChannelKind::Ntfy { topic: at, .. }
            | ChannelKind::Alertmanager(at) => match at {
                Address::Key(key) => Some(key),
                Address::Local(_) => None,
            },
            ChannelKind::PagerDuty { routing, .. } => Some(routing),
            ChannelKind::Mail(to) => Some(to),
            ChannelKind::Command(_) => None,
        }
    }
}

/// The channels that every deployment has; each is in use where its key is in `/etc/opsctl/notify.env`.
///
/// ```
/// # use opsctl::registry::*;
/// assert!(CHANNELS.iter().any(|channel| channel.key() == Some("NTFY_URL")));
/// ```
pub static CHANNELS: &[Channel] = &[
    Channel::ntfy("ntfy", Address::Key("NTFY_URL")).token("NTFY_TOKEN"),
    Channel::slack("slack", Address::Key("SLACK_WEBHOOK_URL")),
    Channel::discord("discord", Address::Key("DISCORD_WEBHOOK_URL")),
    Channel::pagerduty("pagerduty", "PAGERDUTY_ROUTING_KEY").url("PAGERDUTY_URL"),
    Channel::mail("mail", "MAIL_TO"),
    Channel::webhook("webhook", Address::Key("WEBHOOK_URL")),
    Channel::alertmanager("alertmanager", Address::Key("ALERTMANAGER_URL")),
];

/// The file that has addresses and tokens, a `KEY=value` a line; root's alone.
///
/// ```
/// # use opsctl::registry::*;
/// assert!(NOTIFY_ENV.starts_with("/etc/"));
/// ```
pub const NOTIFY_ENV: &str = "/etc/opsctl/notify.env";

/// The key of the URL that is requested at each check, so that silence is noticed elsewhere.
///
/// ```
/// # use opsctl::registry::*;
/// assert_eq!(HEARTBEAT, "HEARTBEAT_URL");
/// ```
pub const HEARTBEAT: &str = "HEARTBEAT_URL";

/// How many checks in a row make a change of state.
///
/// ```
/// # use opsctl::registry::*;
/// let slow_to_start = Thresholds::fail_after(5).recover_after(2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Thresholds {
    /// Failed checks in a row until the service counts as failed; at least 1.
    pub fail: u16,
    /// Healthy checks in a row until it counts as recovered; at least 1.
    pub recover: u16,
}

impl Thresholds {
    /// So many failed checks in a row, and two healthy ones.
    pub const fn fail_after(checks: u16) -> Self {
        Thresholds { fail: checks, recover: 2 }
    }

    /// So many healthy checks in a row.
    pub const fn recover_after(mut self, checks: u16) -> Self {
        self.recover = checks;
        self
    }
}

/// Files that a runbook's own health check wrote, kept up for who reads them: a file a public host with `up` or `down`, and a log.
///
/// ```
/// # use opsctl::registry::*;
/// let files = StatusFiles::new("/var/lib/prim/health", "/var/log/prim-health.log");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct StatusFiles {
    /// Directory of the files `HOST-WITH-DASHES.status`.
    pub directory: &'static str,
    /// The log, a line a change.
    pub log: &'static str,
}

impl StatusFiles {
    /// In this directory, with this log.
    pub const fn new(directory: &'static str, log: &'static str) -> Self {
        StatusFiles { directory, log }
    }
}
