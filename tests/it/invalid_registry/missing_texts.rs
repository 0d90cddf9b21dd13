//! What a constructor cannot ask for is refused by name where it is missing. One crate for all, because each is compiled by itself.

/// A backup set says what is in it.
mod backup_without_what {
    use opsctl::registry::{
        BackupSet, Deployment, HostChecks, Level, Manager, Remote, Schedule, Service, Source, Unit, check,
    };

    static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
    static SHOP: Service = Service::new("shop", &DOWN)
        .summary("the shop")
        .severity_reason("it is all there is")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static R2: Remote = Remote::new("r2").config("/root/rclone.conf").bucket("mine").prefix("opsctl");
    static BACKUPS: &[BackupSet] =
        &[BackupSet::new("orders", Source::sqlite("/srv/shop/orders.db"), Schedule::daily(3, 0), &R2)];
    static MINE: Deployment =
        Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server").backups(BACKUPS);
    const _: () = check::deployment(&MINE);
}

/// A cause says what to do.
mod cause_without_fix {
    use opsctl::registry::{Cause, Clue, Deployment, Failure, HostChecks, Level, Manager, Service, Unit, check};

    static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
    static SHOP: Service = Service::new("shop", &DOWN)
        .summary("the shop")
        .severity_reason("it is all there is")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static SLOW: Failure = Failure::new("slow", &[&[&OVERLOAD]]).summary("the shop is slow").section("3. Slow");
    static OVERLOAD: Cause =
        Cause::new("OVERLOAD", Clue::Load).summary("the host is overloaded").explanation("too many visitors");
    static MINE: Deployment =
        Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server").failures(&[&SLOW]);
    const _: () = check::deployment(&MINE);
}

/// A contact says where they are found.
mod contact_without_address {
    use opsctl::registry::{Contact, Deployment, HostChecks, Level, Manager, Service, Unit, check};

    static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
    static SHOP: Service = Service::new("shop", &DOWN)
        .summary("the shop")
        .severity_reason("it is all there is")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN))
        .summary("my own server")
        .contacts(&[Contact::new("operator")]);
    const _: () = check::deployment(&MINE);
}

/// A failure says where it is described.
mod failure_without_section {
    use opsctl::registry::{Deployment, Failure, HostChecks, Level, Manager, Service, Unit, check, usual};

    static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
    static SHOP: Service = Service::new("shop", &DOWN)
        .summary("the shop")
        .severity_reason("it is all there is")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static SLOW: Failure = Failure::new("slow", &[usual::SERVICE]).summary("the shop is slow");
    static MINE: Deployment =
        Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server").failures(&[&SLOW]);
    const _: () = check::deployment(&MINE);
}

/// A severity level says when it applies.
mod level_without_criterion {
    use opsctl::registry::{Deployment, HostChecks, Level, Manager, Service, Unit, check};

    static DOWN: Level = Level::new("P1").response("now").action("a");
    static SHOP: Service = Service::new("shop", &DOWN)
        .summary("the shop")
        .severity_reason("it is all there is")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static MINE: Deployment =
        Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
    const _: () = check::deployment(&MINE);
}

/// A maintenance mode says what it means for users.
mod maintenance_without_effect {
    use opsctl::registry::{Deployment, HostChecks, Level, Maintenance, Manager, Service, Stop, Unit, check};

    static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
    static SHOP: Service = Service::new("shop", &DOWN)
        .summary("the shop")
        .severity_reason("it is all there is")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN))
        .summary("my own server")
        .maintenance(Maintenance::Stop(Stop::new(&[&SHOP])));
    const _: () = check::deployment(&MINE);
}

/// A release says what a rollback does not undo.
mod release_without_stays {
    use opsctl::registry::{Deployment, HostChecks, Level, Manager, Release, Service, Unit, check};

    static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
    static SHOP: Service = Service::new("shop", &DOWN)
        .summary("the shop")
        .severity_reason("it is all there is")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static RELEASE: Release = Release::new(&[&SHOP]).source(&["/srv/shop"]).branch("main");
    static MINE: Deployment =
        Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server").release(&RELEASE);
    const _: () = check::deployment(&MINE);
}

/// A rule of an HTTP probe that is no pass says what it means.
mod rule_without_meaning {
    use opsctl::registry::{Deployment, HostChecks, Http, Level, Probe, Rule, Service, check};

    static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
    static SHOP: Service = Service::new("shop", &DOWN)
        .summary("the shop")
        .severity_reason("it is all there is")
        .ports(&[8000])
        .probes(&[Probe::Http(Http::get(8000, "/health", &[Rule::ok(200), Rule::fail(503)]))]);
    static MINE: Deployment =
        Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
    const _: () = check::deployment(&MINE);
}

/// A secret is a key of a file, not the file.
mod secret_without_key {
    use opsctl::registry::{Deployment, HostChecks, Level, Probe, Secret, Service, check};

    static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
    static SHOP: Service = Service::new("shop", &DOWN)
        .summary("the shop")
        .severity_reason("it is all there is")
        .ports(&[6379])
        .probes(&[Probe::redis(6379).password(Secret::in_file("/srv/shop/.env"))]);
    static MINE: Deployment =
        Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
    const _: () = check::deployment(&MINE);
}

/// A service says why it has its severity.
mod service_without_reason {
    use opsctl::registry::{Deployment, HostChecks, Level, Manager, Service, Unit, check};

    static DOWN: Level = Level::new("down").criterion("c").response("now").action("a");
    static SHOP: Service =
        Service::new("shop", &DOWN).summary("the shop").managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static MINE: Deployment =
        Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
    const _: () = check::deployment(&MINE);
}

fn main() {}
