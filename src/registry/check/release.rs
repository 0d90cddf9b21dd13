//! What must hold of how new versions come to a deployment.

use super::super::release::{Release, Schema, Switch, Task};
use super::record::{Message, Record};
use crate::registry::{Deployment, Service};

/// Refuses an invalid release.
pub(super) const fn release(r: &Release, d: &Deployment) {
    let me = Record::new("release of", d.name);
    if r.services.is_empty() {
        me.refuse("services", "there is none");
    }
    let mut i = 0;
    while i < r.services.len() {
        if !is_among(r.services[i], d.services) {
            Message::of(me, "services").add(r.services[i].name).add(" is not a service of this deployment").refuse();
        }
        i += 1;
    }
    source(r, me);
    images(r, me);
    tasks(r.build, me, "build");
    me.paths("backups", r.backups);
    if r.schema.is_some() && r.backups.is_empty() {
        me.refuse("backups", "there is no directory, and the schema changes");
    }
    match &r.schema {
        None => {}
        Some(Schema::Push(task)) => one(task, me, "schema"),
        Some(Schema::Migrations { directory, except, container }) => {
            me.below("schema.directory", directory);
            me.text("schema.except", except);
            me.word("schema.container", container);
        }
    }
    if let Switch::Compose { env_file, file, project, services } = &r.switch {
        me.below("switch.file", file);
        if let Some(file) = env_file {
            me.below("switch.env_file", file);
        }
        me.word("switch.project", project);
        if services.len() != r.services.len() {
            me.refuse("switch.services", "are more or fewer than services");
        }
        let mut i = 0;
        while i < services.len() {
            me.word("switch.services", services[i]);
            i += 1;
        }
    }
    if r.free_bytes == 0 {
        me.refuse("free_bytes", "is 0");
    }
    me.text("stays", r.stays);
}

const fn source(r: &Release, me: Record<'_>) {
    me.paths("source", r.source);
    if !r.source.is_empty() {
        return me.word("branch", r.branch);
    }
    if r.images.is_empty() {
        me.refuse("source", "there is neither a source nor an image");
    }
    if !r.build.is_empty() || r.schema.is_some() || matches!(r.switch, Switch::Compose { .. }) {
        me.refuse("source", "there is none to build from");
    }
}

const fn images(r: &Release, me: Record<'_>) {
    let mut i = 0;
    while i < r.images.len() {
        let image = &r.images[i];
        if !is_among(image.service, r.services) {
            Message::of(me, "images").add(image.service.name).add(" is not one of its services").refuse();
        }
        tag(image.tag, me, "images.tag");
        tag(image.previous, me, "images.previous");
        if is(image.tag, image.previous) {
            me.refuse("images.previous", "is the name of what runs");
        }
        i += 1;
    }
}

/// `name:tag`, which no tool takes for a flag.
const fn tag(value: &str, me: Record<'_>, field: &str) {
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
        Message::of(me, field).add(value).add(" is not of the form name:tag").refuse();
    }
}

const fn tasks(all: &[Task], me: Record<'_>, field: &str) {
    let mut i = 0;
    while i < all.len() {
        one(&all[i], me, field);
        i += 1;
    }
}

const fn one(task: &Task, me: Record<'_>, field: &str) {
    if task.title.is_empty() {
        me.refuse(field, "a task has no title");
    }
    Record::new("task", task.title).word("program", task.program);
    if task.deadline_seconds == 0 {
        Record::new("task", task.title).refuse("deadline_seconds", "is 0");
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
            (Release { services: &[], ..plain() }, "release of mine: services: there is none"),
            (
                Release { services: list([&OTHER]), ..plain() },
                "release of mine: services: other is not a service of this deployment",
            ),
            (plain().source(&["srv"]), "release of mine: source: srv does not begin with /"),
            (plain().branch(""), "release of mine: branch: is empty"),
            (plain().source(&[]), "release of mine: source: there is neither a source nor an image"),
            (
                plain().source(&[]).images(list([IMAGE])).build(&[BUILD]),
                "release of mine: source: there is none to build from",
            ),
            (
                plain().images(list([Image { service: &OTHER, ..IMAGE }])),
                "release of mine: images: other is not one of its services",
            ),
            (
                plain().images(list([Image { tag: "", ..IMAGE }])),
                "release of mine: images.tag:  is not of the form name:tag",
            ),
            (
                plain().images(list([IMAGE.previous("shop:")])),
                "release of mine: images.previous: shop: is not of the form name:tag",
            ),
            (
                plain().images(list([IMAGE.previous("shop:live")])),
                "release of mine: images.previous: is the name of what runs",
            ),
            (
                plain().switch(composed(&["shop", "web"], "compose.yml")),
                "release of mine: switch.services: are more or fewer than services",
            ),
            (
                plain().switch(composed(&["-f"], "compose.yml")),
                "release of mine: switch.services: -f is not a word of letters, digits and -_.@",
            ),
            (
                plain().switch(composed(&["shop"], "/etc/compose.yml")),
                "release of mine: switch.file: /etc/compose.yml is not below its source",
            ),
            (plain().schema(MIGRATIONS), "release of mine: backups: there is no directory, and the schema changes"),
            (plain().backups(&["backups"]), "release of mine: backups: backups does not begin with /"),
            (plain().build(list([BUILD.deadline_seconds(0)])), "task build: deadline_seconds: is 0"),
            (plain().free_bytes(0), "release of mine: free_bytes: is 0"),
            (plain().stays(""), "release of mine: stays: is empty"),
        ];
        for (release, wanted) in cases {
            assert_eq!(message(release).as_deref(), Some(wanted));
        }
    }
}
