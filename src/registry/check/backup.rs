//! What must hold of how a deployment's data is kept.

use super::super::backup::{BackupSet, Remote, Retention, Schedule, Source};
use super::super::failure::Database;
use super::record::{Message, Record};
use super::release::{is, is_among};
use super::service::secret;
use crate::registry::{Deployment, Manager, Probe, Service};

/// Words of `backup` itself, which no set may be called.
const VERBS: [&str; 6] = ["create", "list", "verify", "drill", "prune", "help"];

/// Refuses an invalid backup set.
pub(super) const fn set(s: &BackupSet, d: &Deployment) {
    let me = Record::new("backup", s.name);
    me.name();
    let mut i = 0;
    while i < VERBS.len() {
        if is(s.name, VERBS[i]) {
            me.refuse("name", "is a subcommand of backup");
        }
        i += 1;
    }
    me.text("what", s.what);
    if s.rpo_seconds == 0 {
        me.refuse("rpo_seconds", "is 0, which no copy can promise");
    }
    let mut i = 0;
    while i < s.owners.len() {
        known(s.owners[i], me, "owners", d);
        i += 1;
    }
    source(&s.source, me, d);
    if let Some(why) = s.optional {
        me.text("optional", why);
    }
    match s.schedule {
        Schedule::Daily { hour, minute } => {
            if hour > 23 || minute > 59 {
                me.refuse("schedule", "is no time of day");
            }
        }
        Schedule::ByHand(why) => me.text("schedule", why),
    }
    match s.retention {
        Retention::Days(days) => {
            if days == 0 {
                me.refuse("retention", "is 0");
            }
        }
        Retention::Tiers { daily, weekly, monthly } => {
            if daily == 0 && weekly == 0 && monthly == 0 {
                me.refuse("retention", "is 0");
            }
        }
    }
    remote(s.remote, me);
}

const fn source(s: &Source, me: Record<'_>, d: &Deployment) {
    match s {
        Source::Sqlite { path } => me.path("source.path", path),
        Source::Redis { path, service, config } => {
            me.path("source.path", path);
            me.path("source.config", config);
            known(service, me, "source.service", d);
            if !speaks_redis(service) {
                me.refuse("source.service", "has no Redis probe, which has its port");
            }
        }
        Source::Postgres { service, database } => {
            if let Database::InUrl(service, key) = database {
                me.word("source.database", key);
                known(service, me, "source.service", d);
            }
            known(service, me, "source.service", d);
            if let Database::Named(name) = database {
                me.word("source.database", name);
            }
            match service.managers {
                [Manager::Compose(_) | Manager::Docker(_), ..] => {}
                [Manager::Systemd(_), ..] => {
                    if matches!(database, Database::Own) {
                        me.refuse("source.database", "is not named, and its PostgreSQL is one of the host");
                    }
                }
                _ => me.refuse("source.service", "is a PostgreSQL that neither systemd nor an engine runs"),
            }
        }
        Source::Mongo { service, database, uri } => {
            known(service, me, "source.service", d);
            me.word("source.database", database);
            secret(uri, me, "source.uri");
        }
        Source::Files { paths: all, .. } => {
            if all.is_empty() {
                me.refuse("source.paths", "there is none");
            }
            me.paths("source.paths", all);
        }
    }
}

const fn known(service: &Service, me: Record<'_>, field: &str, d: &Deployment) {
    if !is_among(service, d.services) {
        Message::of(me, field).add(service.name).add(" is not a service of this deployment").refuse();
    }
}

const fn speaks_redis(service: &Service) -> bool {
    let mut i = 0;
    while i < service.probes.len() {
        if matches!(service.probes[i], Probe::Redis { .. }) {
            return true;
        }
        i += 1;
    }
    false
}

/// What is handed to rclone must be no option, no connection string and no local path.
const fn remote(r: &Remote, me: Record<'_>) {
    me.word("remote.name", r.name);
    me.word("remote.bucket", r.bucket);
    me.path("remote.config", r.config);
    let bytes = r.prefix.as_bytes();
    let mut i = 0;
    if bytes.is_empty() {
        me.refuse("remote.prefix", "is empty, so it shares the bucket's root with other objects");
    }
    while i < bytes.len() {
        let b = bytes[i];
        let inner = b == b'/' && i > 0 && i + 1 < bytes.len() && bytes[i - 1] != b'/';
        if !(b.is_ascii_alphanumeric() || b == b'_' || (b == b'-' && i > 0) || inner) {
            Message::of(me, "remote.prefix").add(r.prefix).add(" is not a plain path").refuse();
        }
        i += 1;
    }
    let mut i = 0;
    while i < r.credentials.len() {
        me.word("remote.credentials", r.credentials[i].variable);
        secret(&r.credentials[i].secret, me, "remote.credentials");
        i += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::super::deployment;

    use crate::registry::*;

    static DOWN: Level = Level::new("d").criterion("c").response("r").action("a");
    static SHOP: Service = Service::new("shop", &DOWN)
        .summary("the shop")
        .severity_reason("all")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static OTHER: Service = Service::new("other", &DOWN).summary("another's").severity_reason("none");
    static GOOD: Remote = Remote::new("r2").config("/root/rclone.conf").bucket("mine").prefix("opsctl/db");

    fn list<const N: usize>(services: [&'static Service; N]) -> &'static [&'static Service] {
        Box::leak(Box::new(services))
    }

    fn plain() -> BackupSet {
        let source = Source::sqlite("/srv/shop.db");
        let at = Schedule::daily(3, 0);
        BackupSet::new("shop", source, at, &GOOD).what("orders").owners(list([&SHOP]))
    }

    fn message(set: BackupSet) -> Option<String> {
        let sets: &'static [BackupSet] = Box::leak(Box::new([set]));
        let services = list([&SHOP]);
        let levels: &'static [&'static Level] = Box::leak(Box::new([&DOWN]));
        let checks = HostChecks::new(&DOWN);
        let found = catch_unwind(|| {
            deployment(&Deployment::new("mine", levels, services, checks).summary("my own").backups(sets));
        });
        found.err().and_then(|panic| panic.downcast_ref::<String>().cloned())
    }

    fn on(remote: Remote) -> BackupSet {
        BackupSet { remote: Box::leak(Box::new(remote)), ..plain() }
    }

    const fn good() -> Remote {
        Remote::new("r2").config("/root/rclone.conf").bucket("mine").prefix("db")
    }

    #[test]
    fn a_set_that_holds_together_is_accepted() {
        assert_eq!(message(plain()), None);
        assert_eq!(message(plain().retention(Retention::daily(0).weekly(4))), None);
    }

    #[test]
    fn g8_h4_a_set_that_does_not_hold_together_is_refused_by_name() {
        let cases = [
            (
                BackupSet { name: "Shop", ..plain() },
                "backup Shop: name: must be lower-case letters, digits and dashes, a letter first",
            ),
            (BackupSet { name: "prune", ..plain() }, "backup prune: name: is a subcommand of backup"),
            (plain().retention(Retention::Days(0)), "backup shop: retention: is 0"),
            (plain().retention(Retention::daily(0)), "backup shop: retention: is 0"),
            (plain().owners(list([&OTHER])), "backup shop: owners: other is not a service of this deployment"),
            (
                BackupSet { source: Source::sqlite("shop.db"), ..plain() },
                "backup shop: source.path: shop.db does not begin with /",
            ),
            (
                BackupSet { source: Source::postgres(&SHOP, Database::Own), ..plain() },
                "backup shop: source.database: is not named, and its PostgreSQL is one of the host",
            ),
            (BackupSet { schedule: Schedule::daily(24, 0), ..plain() }, "backup shop: schedule: is no time of day"),
            (
                on(Remote { name: ":s3,env_auth", ..good() }),
                "backup shop: remote.name: :s3,env_auth is not a word of letters, digits and -_.@",
            ),
            (
                on(Remote { name: "-r2", ..good() }),
                "backup shop: remote.name: -r2 is not a word of letters, digits and -_.@",
            ),
            (on(good().bucket("../x")), "backup shop: remote.bucket: ../x is not a word of letters, digits and -_.@"),
            (
                on(good().prefix("")),
                "backup shop: remote.prefix: is empty, so it shares the bucket's root with other objects",
            ),
            (on(good().prefix("a/../b")), "backup shop: remote.prefix: a/../b is not a plain path"),
            (on(good().prefix("/a")), "backup shop: remote.prefix: /a is not a plain path"),
            (on(good().prefix("a/")), "backup shop: remote.prefix: a/ is not a plain path"),
            (on(good().prefix("-a")), "backup shop: remote.prefix: -a is not a plain path"),
        ];
        for (set, wanted) in cases {
            assert_eq!(message(set).as_deref(), Some(wanted));
        }
    }
}
