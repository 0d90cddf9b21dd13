//! What must hold of channels and of what is sent when.

use super::record::{Record, has};
use super::release::is;
use crate::registry::*;

/// Refuses invalid channels.
pub(super) const fn channels(all: &[Channel]) {
    let mut i = 0;
    while i < all.len() {
        let me = Record::new("channel", all[i].name);
        me.name();
        let mut j = 0;
        while j < i {
            if is(all[i].name, all[j].name) {
                me.refuse("name", "another channel has it");
            }
            j += 1;
        }
        match &all[i].kind {
            ChannelKind::Webhook(at)
            | ChannelKind::Slack(at)
            | ChannelKind::Discord(at)
            | ChannelKind::Alertmanager(at) => address(at, me),
            ChannelKind::Ntfy { topic, token } => {
                address(topic, me);
                if let Some(token) = token {
                    key("token", token, me);
                }
            }
            ChannelKind::PagerDuty { routing, url } => {
                key("key", routing, me);
                if let Some(url) = url {
                    key("url", url, me);
                }
            }
            ChannelKind::Mail(to) => key("key", to, me),
            ChannelKind::Command(argv) => {
                if argv.is_empty() {
                    me.refuse("command", "is empty");
                }
                me.path("command", argv[0]);
            }
        }
        i += 1;
    }
}

/// Refuses thresholds that nothing could reach.
pub(super) const fn thresholds(thresholds: Thresholds, me: Record<'_>) {
    if thresholds.fail == 0 {
        me.refuse("thresholds.fail", "is 0");
    }
    if thresholds.recover == 0 {
        me.refuse("thresholds.recover", "is 0");
    }
}

/// Refuses paths that are none.
pub(super) const fn status_files(files: &StatusFiles, me: Record<'_>) {
    me.path("status_files.directory", files.directory);
    me.path("status_files.log", files.log);
}

const fn address(at: &Address, me: Record<'_>) {
    match at {
        Address::Key(name) => key("key", name, me),
        Address::Local(0) => me.refuse("port", "is 0"),
        Address::Local(_) => {}
    }
}

const fn key(field: &str, name: &str, me: Record<'_>) {
    let bytes = name.as_bytes();
    me.text(field, name);
    let mut i = 0;
    while i < bytes.len() {
        let is_part = bytes[i].is_ascii_uppercase() || (i > 0 && (bytes[i].is_ascii_digit() || has(b"_", bytes[i])));
        if !is_part {
            me.refuse(field, "is not upper-case letters, digits and _, a letter first");
        }
        i += 1;
    }
}
