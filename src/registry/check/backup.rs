//! What must hold of how a deployment's data is kept.

use super::super::backup::{BackupSet, Remote, Retention, Schedule, Source};
use super::super::failure::Database;
use super::release::{is, is_among};
use super::service::secret;
use super::{absolute, argument, culprit, name, paths, text};
use crate::registry::{Deployment, Manager, Probe, Service};

/// Words of `backup` itself, which no set may be called.
const VERBS: [&str; 6] = ["create", "list", "verify", "drill", "prune", "help"];

/// Refuses an invalid backup set.
pub(super) const fn set(s: &BackupSet, d: &Deployment) {
    name(s.name, "backup set's name must be lower-case letters, digits and dashes");
    let mut i = 0;
    while i < VERBS.len() {
        if is(s.name, VERBS[i]) {
            culprit(s.name, "is a backup set with the name of a subcommand of backup");
        }
        i += 1;
    }
    text(s.what, s.name, "is a backup set without a description of its content");
    if s.rpo_seconds == 0 {
        culprit(s.name, "is a backup set with a maximum loss of 0, which no copy can promise");
    }
    let mut i = 0;
    while i < s.owners.len() {
        if !is_among(s.owners[i], d.services) {
            culprit(s.name, "is a backup set of a service of another deployment");
        }
        i += 1;
    }
    source(&s.source, s.name, d);
    if let Some(why) = s.optional {
        text(why, s.name, "is a backup set that may be missing without a reason");
    }
    match s.schedule {
        Schedule::Daily { hour, minute } => {
            if hour > 23 || minute > 59 {
                culprit(s.name, "is a backup set with an invalid time of day");
            }
        }
        Schedule::ByHand(why) => text(why, s.name, "is a manual backup set without a reason"),
    }
    match s.retention {
        Retention::Days(days) => {
            if days == 0 {
                culprit(s.name, "is a backup set with a retention of 0");
            }
        }
        Retention::Tiers { daily, weekly, monthly } => {
            if daily == 0 && weekly == 0 && monthly == 0 {
                culprit(s.name, "is a backup set with a retention of 0");
            }
        }
    }
    remote(s.remote, s.name);
}

const fn source(s: &Source, owner: &str, d: &Deployment) {
    match s {
        Source::Sqlite { path } => absolute(path, owner, "is a backup set at a path that is not absolute"),
        Source::Redis { path, service, config } => {
            absolute(path, owner, "is a backup set at a path that is not absolute");
            absolute(config, owner, "is a backup set of a Redis whose configuration is not at an absolute path");
            known(service, owner, d);
            if !speaks_redis(service) {
                culprit(owner, "is a backup set of a Redis without a probe that has its port");
            }
        }
        Source::Postgres { service, database } => {
            if let Database::InUrl(service, key) = database {
                argument(key, owner, "is a backup set of a database with an invalid key for its name");
                known(service, owner, d);
            }
            known(service, owner, d);
            if let Database::Named(name) = database {
                argument(name, owner, "is a backup set of a database without a proper name");
            }
            match service.managers {
                [Manager::Compose(_) | Manager::Docker(_), ..] => {}
                [Manager::Systemd(_), ..] => {
                    if matches!(database, Database::Own) {
                        culprit(owner, "is a backup set of a PostgreSQL on the host whose database is not named");
                    }
                }
                _ => culprit(owner, "is a backup set of a PostgreSQL that neither systemd nor an engine runs"),
            }
        }
        Source::Mongo { service, database, uri } => {
            known(service, owner, d);
            argument(database, owner, "is a backup set with an invalid database name");
            secret(uri, owner);
        }
        Source::Files { paths: all, .. } => {
            if all.is_empty() {
                culprit(owner, "is a backup set without files");
            }
            paths(all, owner, "is a backup set at a path that is not absolute");
        }
    }
}

const fn known(service: &Service, owner: &str, d: &Deployment) {
    if !is_among(service, d.services) {
        culprit(owner, "is a backup set of a service of another deployment");
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
const fn remote(r: &Remote, owner: &str) {
    argument(r.name, owner, "has a remote with an invalid name");
    argument(r.bucket, owner, "has a bucket with an invalid name");
    absolute(r.config, owner, "has a remote whose configuration path is not absolute");
    let bytes = r.prefix.as_bytes();
    let mut i = 0;
    if bytes.is_empty() {
        culprit(owner, "has no prefix, so it shares the bucket's root with other objects");
    }
    while i < bytes.len() {
        let b = bytes[i];
        let inner = b == b'/' && i > 0 && i + 1 < bytes.len() && bytes[i - 1] != b'/';
        if !(b.is_ascii_alphanumeric() || b == b'_' || (b == b'-' && i > 0) || inner) {
            culprit(owner, "has a prefix that is not a plain path");
        }
        i += 1;
    }
    let mut i = 0;
    while i < r.credentials.len() {
        argument(r.credentials[i].variable, owner, "has a credential that rclone does not read");
        secret(&r.credentials[i].secret, owner);
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
                "Shop: backup set's name must be lower-case letters, digits and dashes",
            ),
            (BackupSet { name: "prune", ..plain() }, "prune: is a backup set with the name of a subcommand of backup"),
            (plain().retention(Retention::Days(0)), "shop: is a backup set with a retention of 0"),
            (plain().retention(Retention::daily(0)), "shop: is a backup set with a retention of 0"),
            (plain().owners(list([&OTHER])), "shop: is a backup set of a service of another deployment"),
            (
                BackupSet { source: Source::sqlite("shop.db"), ..plain() },
                "shop: is a backup set at a path that is not absolute",
            ),
            (
                BackupSet { source: Source::postgres(&SHOP, Database::Own), ..plain() },
                "shop: is a backup set of a PostgreSQL on the host whose database is not named",
            ),
            (
                BackupSet { schedule: Schedule::daily(24, 0), ..plain() },
                "shop: is a backup set with an invalid time of day",
            ),
            (on(Remote { name: ":s3,env_auth", ..good() }), "shop: has a remote with an invalid name"),
            (on(Remote { name: "-r2", ..good() }), "shop: has a remote with an invalid name"),
            (on(good().bucket("../x")), "shop: has a bucket with an invalid name"),
            (on(good().prefix("")), "shop: has no prefix, so it shares the bucket's root with other objects"),
            (on(good().prefix("a/../b")), "shop: has a prefix that is not a plain path"),
            (on(good().prefix("/a")), "shop: has a prefix that is not a plain path"),
            (on(good().prefix("a/")), "shop: has a prefix that is not a plain path"),
            (on(good().prefix("-a")), "shop: has a prefix that is not a plain path"),
        ];
        for (set, wanted) in cases {
            assert_eq!(message(set).as_deref(), Some(wanted));
        }
    }
}
