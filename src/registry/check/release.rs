//! What must hold of how new versions come to a deployment.

use super::super::release::{Release, Schema, Switch, Task};
use super::{argument, culprit, paths, text};
use crate::registry::{Deployment, Service};

/// Refuses an invalid release.
pub(super) const fn release(r: &Release, d: &Deployment) {
    let owner = d.name;
    if r.services.is_empty() {
        culprit(owner, "has a release that no service runs");
    }
    let mut i = 0;
    while i < r.services.len() {
        if !is_among(r.services[i], d.services) {
            culprit(r.services[i].name, "runs a release of a deployment that it is not of");
        }
        i += 1;
    }
    source(r, owner);
    images(r, owner);
    tasks(r.build, owner);
    paths(r.backups, owner, "has a release whose directory of backups is not absolute");
    if r.schema.is_some() && r.backups.is_empty() {
        culprit(owner, "has a release that changes a schema, but no directory of backups");
    }
    match &r.schema {
        None => {}
        Some(Schema::Push(task)) => one(task, owner),
        Some(Schema::Migrations { directory, except, container }) => {
            below(directory, owner, "has a release whose migrations are not below its source");
            text(except, owner, "has a release whose migrations are all excepted");
            argument(container, owner, "has a release whose migrations have no proper container");
        }
    }
    if let Switch::Compose { env_file, file, project, services } = &r.switch {
        below(file, owner, "has a release whose compose file is not below its source");
        if let Some(file) = env_file {
            below(file, owner, "has a release whose compose env file is not below its source");
        }
        argument(project, owner, "has a release whose compose project has no proper name");
        if services.len() != r.services.len() {
            culprit(owner, "has a release with more or fewer names in the compose file than services");
        }
        let mut i = 0;
        while i < services.len() {
            argument(services[i], owner, "has a release with an improper name of a compose service");
            i += 1;
        }
    }
    if r.free_bytes == 0 {
        culprit(owner, "has a release that needs no space");
    }
    text(r.stays, owner, "has a release that does not say what stays after a rollback");
}

const fn source(r: &Release, owner: &str) {
    paths(r.source, owner, "has a release whose source is not absolute");
    if !r.source.is_empty() {
        return argument(r.branch, owner, "has a release out of a source without a branch");
    }
    if r.images.is_empty() {
        culprit(owner, "has a release with neither a source nor images");
    }
    if !r.build.is_empty() || r.schema.is_some() || matches!(r.switch, Switch::Compose { .. }) {
        culprit(owner, "has a release that is made out of a source, but none is named");
    }
}

const fn images(r: &Release, owner: &str) {
    let mut i = 0;
    while i < r.images.len() {
        let image = &r.images[i];
        if !is_among(image.service, r.services) {
            culprit(image.service.name, "has an image in a release that it does not run");
        }
        tag(image.tag, owner);
        tag(image.previous, owner);
        if is(image.tag, image.previous) {
            culprit(owner, "has an image that is kept under the name that it runs by");
        }
        i += 1;
    }
}

/// `name:tag`, which no tool takes for a flag.
const fn tag(value: &str, owner: &str) {
    let bytes = value.as_bytes();
    let mut colons = 0;
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b':' {
            colons += 1;
        }
        i += 1;
    }
    if colons != 1 || !bytes[0].is_ascii_alphanumeric() || bytes[bytes.len() - 1] == b':' {
        culprit(owner, "has an image whose name is not of the form name:tag");
    }
}

const fn tasks(all: &[Task], owner: &str) {
    let mut i = 0;
    while i < all.len() {
        one(&all[i], owner);
        i += 1;
    }
}

const fn one(task: &Task, owner: &str) {
    text(task.title, owner, "has a task of a release without a title");
    argument(task.program, owner, "has a task of a release without a proper program");
    if task.deadline_seconds == 0 {
        culprit(owner, "has a task of a release without a deadline");
    }
}

const fn below(path: &str, owner: &str, problem: &str) {
    if path.is_empty() || path.as_bytes()[0] == b'/' {
        culprit(owner, problem);
    }
}

pub(super) const fn is_among(service: &Service, all: &[&Service]) -> bool {
    let mut i = 0;
    while i < all.len() {
        if is(all[i].name, service.name) {
            return true;
        }
        i += 1;
    }
    false
}

pub(super) const fn is(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut i = 0;
    while i < one.len() {
        if one[i] != other[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::super::deployment;
    use super::*;
    use crate::registry::{HostChecks, Image, Level, Manager, Unit};

    static DOWN: Level =
        Level { id: "down", criterion: "c", response: "now", response_seconds: Some(0), action: "a", mttr: None };
    static SHOP: Service = Service {
        managers: &[Manager::Systemd(Unit::new("shop.service"))],
        ..Service::new("shop", "the shop", &DOWN, "it is all there is")
    };
    static OTHER: Service = Service::new("other", "another", &DOWN, "nobody needs it");
    const BUILD: Task = Task { title: "build", program: "make", args: &[], deadline_seconds: 60 };
    const IMAGE: Image = Image { service: &SHOP, tag: "shop:live", previous: "shop:previous" };
    const MIGRATIONS: Schema = Schema::Migrations { directory: "db", except: "seed", container: "shop-db" };

    fn list<T, const N: usize>(items: [T; N]) -> &'static [T] {
        Vec::from(items).leak()
    }

    fn plain() -> Release {
        Release::new(&["/srv/shop"], "main", list([&SHOP]), "the database")
    }

    fn composed(services: &'static [&'static str], file: &'static str) -> Switch {
        Switch::Compose { env_file: None, file, project: "shop", services }
    }

    fn message(release: Release) -> Option<String> {
        let release: &'static Release = Box::leak(Box::new(release));
        let found = catch_unwind(|| {
            let checks = HostChecks::new(&DOWN);
            deployment(&Deployment {
                release: Some(release),
                ..Deployment::new("mine", "my own", list([&DOWN]), list([&SHOP]), checks)
            });
        });
        found.err().and_then(|panic| panic.downcast_ref::<String>().cloned())
    }

    #[test]
    fn a_release_that_holds_together_is_accepted() {
        assert_eq!(message(plain()), None);
        assert_eq!(message(Release { source: &[], branch: "", images: list([IMAGE]), ..plain() }), None);
        let whole = Release {
            images: list([IMAGE]),
            build: &[BUILD],
            schema: Some(MIGRATIONS),
            backups: &["/srv/backups"],
            switch: composed(&["shop"], "compose.yml"),
            ..plain()
        };
        assert_eq!(message(whole), None);
    }

    #[test]
    fn a_release_that_does_not_hold_together_is_refused_by_name() {
        let cases = [
            (Release { services: &[], ..plain() }, "mine: has a release that no service runs"),
            (
                Release { services: list([&OTHER]), ..plain() },
                "other: runs a release of a deployment that it is not of",
            ),
            (Release { source: &["srv"], ..plain() }, "mine: has a release whose source is not absolute"),
            (Release { branch: "", ..plain() }, "mine: has a release out of a source without a branch"),
            (Release { source: &[], ..plain() }, "mine: has a release with neither a source nor images"),
            (
                Release { source: &[], images: list([IMAGE]), build: &[BUILD], ..plain() },
                "mine: has a release that is made out of a source, but none is named",
            ),
            (
                Release { images: list([Image { service: &OTHER, ..IMAGE }]), ..plain() },
                "other: has an image in a release that it does not run",
            ),
            (
                Release { images: list([Image { tag: "", ..IMAGE }]), ..plain() },
                "mine: has an image whose name is not of the form name:tag",
            ),
            (
                Release { images: list([Image { previous: "shop:", ..IMAGE }]), ..plain() },
                "mine: has an image whose name is not of the form name:tag",
            ),
            (
                Release { images: list([Image { previous: "shop:live", ..IMAGE }]), ..plain() },
                "mine: has an image that is kept under the name that it runs by",
            ),
            (
                Release { switch: composed(&["shop", "web"], "compose.yml"), ..plain() },
                "mine: has a release with more or fewer names in the compose file than services",
            ),
            (
                Release { switch: composed(&["-f"], "compose.yml"), ..plain() },
                "mine: has a release with an improper name of a compose service",
            ),
            (
                Release { switch: composed(&["shop"], "/etc/compose.yml"), ..plain() },
                "mine: has a release whose compose file is not below its source",
            ),
            (
                Release { schema: Some(MIGRATIONS), ..plain() },
                "mine: has a release that changes a schema, but no directory of backups",
            ),
            (
                Release { backups: &["backups"], ..plain() },
                "mine: has a release whose directory of backups is not absolute",
            ),
            (
                Release { build: &[Task { deadline_seconds: 0, ..BUILD }], ..plain() },
                "mine: has a task of a release without a deadline",
            ),
            (Release { free_bytes: 0, ..plain() }, "mine: has a release that needs no space"),
            (Release { stays: "", ..plain() }, "mine: has a release that does not say what stays after a rollback"),
        ];
        for (release, wanted) in cases {
            assert_eq!(message(release).as_deref(), Some(wanted));
        }
    }
}
