//! What must hold of how new versions come to a deployment.

use super::super::release::{Release, Schema, Switch, Task};
use super::{argument, culprit, paths, text};
use crate::registry::{Deployment, Service};

/// Refuses an invalid release.
pub(super) const fn release(r: &Release, d: &Deployment) {
    let owner = d.name;
    if r.services.is_empty() {
        culprit(owner, "has a release without services");
    }
    let mut i = 0;
    while i < r.services.len() {
        if !is_among(r.services[i], d.services) {
            culprit(r.services[i].name, "runs a release of another deployment");
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
            argument(container, owner, "has a release whose migrations have an invalid container name");
        }
    }
    if let Switch::Compose { env_file, file, project, services } = &r.switch {
        below(file, owner, "has a release whose compose file is not below its source");
        if let Some(file) = env_file {
            below(file, owner, "has a release whose compose env file is not below its source");
        }
        argument(project, owner, "has a release whose compose project has an invalid name");
        if services.len() != r.services.len() {
            culprit(owner, "has a release with more or fewer names in the compose file than services");
        }
        let mut i = 0;
        while i < services.len() {
            argument(services[i], owner, "has a release with an invalid name of a compose service");
            i += 1;
        }
    }
    if r.free_bytes == 0 {
        culprit(owner, "has a release with a space requirement of 0");
    }
    text(r.stays, owner, "has a release without a list of what a rollback keeps");
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
        culprit(owner, "has a release that builds from a source, but names none");
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
            culprit(owner, "has an image whose kept name is its running name");
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
    argument(task.program, owner, "has a task of a release with an invalid program");
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

    static DOWN: Level = Level::new("down").criterion("c").response("now").response_seconds(0).action("a");
    static SHOP: Service = Service::new("shop", &DOWN)
        .summary("the shop")
        .severity_reason("it is all there is")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static OTHER: Service = Service::new("other", &DOWN).summary("another").severity_reason("nobody needs it");
    const BUILD: Task = Task::new("build").program("make").deadline_seconds(60);
    const IMAGE: Image = Image::new("shop:live", &SHOP).previous("shop:previous");
    const MIGRATIONS: Schema = Schema::migrations("db").except("seed").container("shop-db");

    fn list<T, const N: usize>(items: [T; N]) -> &'static [T] {
        Vec::from(items).leak()
    }

    fn plain() -> Release {
        Release::new(list([&SHOP])).source(&["/srv/shop"]).branch("main").stays("the database")
    }

    fn composed(services: &'static [&'static str], file: &'static str) -> Switch {
        Switch::compose("shop").file(file).services(services)
    }

    fn message(release: Release) -> Option<String> {
        let release: &'static Release = Box::leak(Box::new(release));
        let found = catch_unwind(|| {
            let checks = HostChecks::new(&DOWN);
            deployment(
                &Deployment::new("mine", list([&DOWN]), list([&SHOP]), checks).summary("my own").release(release),
            );
        });
        found.err().and_then(|panic| panic.downcast_ref::<String>().cloned())
    }

    #[test]
    fn a_release_that_holds_together_is_accepted() {
        assert_eq!(message(plain()), None);
        assert_eq!(message(plain().source(&[]).branch("").images(list([IMAGE]))), None);
        let whole = plain()
            .images(list([IMAGE]))
            .build(&[BUILD])
            .schema(MIGRATIONS)
            .backups(&["/srv/backups"])
            .switch(composed(&["shop"], "compose.yml"));
        assert_eq!(message(whole), None);
    }

    #[test]
    fn a_release_that_does_not_hold_together_is_refused_by_name() {
        let cases = [
            (Release { services: &[], ..plain() }, "mine: has a release without services"),
            (Release { services: list([&OTHER]), ..plain() }, "other: runs a release of another deployment"),
            (plain().source(&["srv"]), "mine: has a release whose source is not absolute"),
            (plain().branch(""), "mine: has a release out of a source without a branch"),
            (plain().source(&[]), "mine: has a release with neither a source nor images"),
            (
                plain().source(&[]).images(list([IMAGE])).build(&[BUILD]),
                "mine: has a release that builds from a source, but names none",
            ),
            (
                plain().images(list([Image { service: &OTHER, ..IMAGE }])),
                "other: has an image in a release that it does not run",
            ),
            (
                plain().images(list([Image { tag: "", ..IMAGE }])),
                "mine: has an image whose name is not of the form name:tag",
            ),
            (
                plain().images(list([IMAGE.previous("shop:")])),
                "mine: has an image whose name is not of the form name:tag",
            ),
            (
                plain().images(list([IMAGE.previous("shop:live")])),
                "mine: has an image whose kept name is its running name",
            ),
            (
                plain().switch(composed(&["shop", "web"], "compose.yml")),
                "mine: has a release with more or fewer names in the compose file than services",
            ),
            (
                plain().switch(composed(&["-f"], "compose.yml")),
                "mine: has a release with an invalid name of a compose service",
            ),
            (
                plain().switch(composed(&["shop"], "/etc/compose.yml")),
                "mine: has a release whose compose file is not below its source",
            ),
            (plain().schema(MIGRATIONS), "mine: has a release that changes a schema, but no directory of backups"),
            (plain().backups(&["backups"]), "mine: has a release whose directory of backups is not absolute"),
            (plain().build(list([BUILD.deadline_seconds(0)])), "mine: has a task of a release without a deadline"),
            (plain().free_bytes(0), "mine: has a release with a space requirement of 0"),
            (plain().stays(""), "mine: has a release without a list of what a rollback keeps"),
        ];
        for (release, wanted) in cases {
            assert_eq!(message(release).as_deref(), Some(wanted));
        }
    }
}
