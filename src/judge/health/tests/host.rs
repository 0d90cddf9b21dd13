//! The host's resources against bounds.

use super::*;
use crate::host::tools::command::Command;
use crate::host::tools::journalctl::OomKill;
use crate::host::tools::mountinfo::FileSystem;
use crate::host::tools::procfs::Memory;
use crate::judge::health::certificate::Certificate;
use crate::judge::health::host::{Clock, Disk, Load, MemoryUse};
use crate::observe::probe::{HostEvidence, OomRecord, Served, Silence, TlsEdge, Trust};
use crate::registry::{Certificates, Presence, Route, Usage};

const GIB: u64 = 1 << 30;

pub(super) static FRONT: Service = Service::new("front", &URGENT)
    .summary("the edge")
    .severity_reason("it is the way in")
    .managers(&[Manager::Systemd(Unit::new("front.service").aliases(&["front-other.service"]))])
    .ports(&[80])
    .routes(&[Route::new("shop.example", 80), Route::new("www.shop.example", 80)]);
pub(super) static EXTRA: Service = Service::new("extra", &LATER)
    .summary("optional")
    .severity_reason("nobody waits")
    .managers(&[Manager::Systemd(Unit::new("extra.service"))])
    .ports(&[81])
    .routes(&[Route::new("extra.shop.example", 81), Route::new("www.shop.example", 81)])
    .presence(Presence::IfFound("not everywhere"));
/// Bounds of 85 and 95 % for disks, 90 and 97 % for memory, 2 a processor for load.
static HOST: Deployment = Deployment::new(
    "host",
    &[&URGENT, &LATER],
    &[&FRONT, &EXTRA],
    HostChecks::new(&LATER).certificates(Certificates::new(443, &URGENT).warn_days(21).fail_days(7)),
)
.summary("a host");
const _: () = crate::registry::check::deployment(&HOST);

fn file_system(mounted_on: &str, used: u64) -> FileSystem {
    FileSystem {
        kind: "ext4".to_owned(),
        size: 110 * GIB,
        used: used * GIB,
        available: (100 - used) * GIB,
        inodes: Some((1000, 100)),
        mounted_on: mounted_on.to_owned(),
    }
}

pub(super) fn served(not_before: Timestamp, not_after: Timestamp, names: &[&str]) -> Served {
    Served {
        not_before,
        not_after,
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        is_endless: false,
        issuer: "Test CA".to_owned(),
        trust: Trust::Known,
    }
}

pub(super) fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

pub(super) fn days(count: i64) -> SignedDuration {
    hours(24 * count)
}

/// A certificate of 90 days for this name, with so much of them left.
pub(super) fn with_left(name: &str, left: SignedDuration) -> Served {
    served(now() + left - days(90), now() + left, &[name])
}

fn well() -> HostEvidence {
    HostEvidence {
        disks: said("cat", vec![file_system("/", 40)]),
        silent_disks: Vec::new(),
        memory: said(
            "cat /proc/meminfo",
            Memory { total: 8 * GIB, available: 4 * GIB, swap_total: GIB, swap_free: GIB / 2 },
        ),
        load: said("cat /proc/loadavg", [0.5, 1.0, 1.5]),
        processors: said("cat /proc/stat", 2),
        uptime_seconds: said("cat /proc/uptime", 86_400),
        clock: Some(said("timedatectl show", true)),
        oom_kills: said(
            "cat /proc/vmstat",
            OomRecord { kills: Vec::new(), counted: 0, reaches: None, is_shared: false },
        ),
        certificates: vec![("shop.example".to_owned(), said("openssl", Ok(with_left("shop.example", days(60)))))],
        edge: TlsEdge::Asked(443),
        unserved: Vec::new(),
        names_trouble: None,
        visits: Vec::new(),
    }
}

/// The host under these services, after a change of what is seen of it.
pub(super) fn health(
    services: &[&'static Service],
    change: impl FnOnce(&mut HostEvidence, &mut Evidence),
) -> HostHealth {
    let mut evidence = all_well(services);
    let mut host = well();
    change(&mut host, &mut evidence);
    evidence.host = Some(host);
    judge(&HOST, services, &evidence).host.unwrap()
}

pub(super) fn lines(health: &HostHealth) -> Vec<String> {
    health.checks.iter().map(line).collect()
}

/// The checks that are not as on a host that is well.
fn differs(change: impl FnOnce(&mut HostEvidence)) -> Vec<String> {
    let usual = lines(&health(&[&FRONT], |_, _| {}));
    let mut told = lines(&health(&[&FRONT], |host, _| change(host)));
    told.retain(|line| !usual.contains(line));
    told
}

#[test]
fn a_host_that_is_well_is_told_in_full() {
    assert_eq!(
        health(&[&FRONT], |_, _| {}),
        HostHealth {
            verdict: Verdict::Pass,
            uptime_seconds: Some(86_400),
            disks: Some(vec![Disk {
                mounted_on: "/".into(),
                size_bytes: 110 * GIB,
                available_bytes: 60 * GIB,
                used_percent: 40,
                inodes_used_percent: Some(10),
            }]),
            memory: Some(MemoryUse {
                total_bytes: 8 * GIB,
                available_bytes: 4 * GIB,
                used_percent: 50,
                swap_total_bytes: GIB,
                swap_used_bytes: GIB / 2,
            }),
            load: Some(Load { one: 0.5, five: 1.0, fifteen: 1.5, processors: Some(2) }),
            clock: Some(Clock { synchronized: true }),
            failed_units: Some(Vec::new()),
            oom_kills: Some(Vec::new()),
            certificates: vec![Certificate {
                host: "shop.example".into(),
                not_after: Some(now() + days(60)),
                days_left: Some(60),
                issuer: Some("Test CA".into()),
                verdict: Verdict::Pass,
                summary: "60d0h left".into(),
            }],
            checks: vec![
                passed("disk /", "40% of 110.0 GiB used, 60.0 GiB available", "df -h /"),
                passed("memory", "50% of 8.0 GiB used, 4.0 GiB available", "cat /proc/meminfo"),
                passed("load", "0.50 1.00 1.50 on 2 processors", "cat /proc/loadavg"),
                passed("clock", "synchronized", "timedatectl show"),
                passed("failed units", "none", "systemctl --failed"),
                passed("memory kills", "none in 24 h", "cat /proc/vmstat"),
                passed("certificate shop.example", "60d0h left", "openssl"),
            ],
        }
    );
}

#[test]
fn disks_at_their_bounds() {
    let at = |used: u64| differs(|host| host.disks = said("cat", vec![file_system("/", used)])).join("\n");
    assert_eq!(at(84), "disk /: pass: 84% of 110.0 GiB used, 16.0 GiB available [df -h /]");
    assert_eq!(at(85), "disk /: warn: 85% of 110.0 GiB used, 15.0 GiB available [df -h /]");
    assert_eq!(at(94), "disk /: warn: 94% of 110.0 GiB used, 6.0 GiB available [df -h /]");
    assert_eq!(at(95), "disk /: fail: 95% of 110.0 GiB used, 5.0 GiB available [df -h /]");
    assert_eq!(at(100), "disk /: fail: 100% of 110.0 GiB used, 0 B available [df -h /]");
}

#[test]
fn a_share_is_rounded_up_as_df_does() {
    let full = FileSystem { used: 94 * GIB + 1, available: 6 * GIB - 1, ..file_system("/", 0) };
    assert_eq!(
        differs(|host| host.disks = said("cat", vec![full])),
        ["disk /: fail: 95% of 110.0 GiB used, 6.0 GiB available [df -h /]"]
    );
}

#[test]
fn inodes_run_out_as_well() {
    let inodes = |used: u64| {
        let disk = FileSystem { inodes: Some((1000, used)), ..file_system("/srv", 10) };
        differs(|host| host.disks = said("cat", vec![disk])).join("\n")
    };
    assert_eq!(inodes(840), "disk /srv: pass: 10% of 110.0 GiB used, 90.0 GiB available [df -h /srv]");
    assert_eq!(
        inodes(850),
        "disk /srv: warn: 85% of inodes used; 10% of 110.0 GiB used, 90.0 GiB available [df -h /srv]"
    );
    assert_eq!(
        inodes(941),
        "disk /srv: fail: 95% of inodes used; 10% of 110.0 GiB used, 90.0 GiB available [df -h /srv]"
    );
    let uncounted = FileSystem { inodes: None, ..file_system("/mnt", 10) };
    let health = health(&[&FRONT], |host, _| host.disks = said("cat", vec![uncounted]));
    assert_eq!(health.disks.unwrap()[0].inodes_used_percent, None);
}

#[test]
fn what_is_full_by_nature_is_passed_over() {
    let full = |kind: &str| FileSystem { kind: kind.to_owned(), ..file_system("/snap", 100) };
    let empty = FileSystem { size: 0, used: 0, available: 0, ..file_system("/proc", 0) };
    let usual = file_system("/", 40);
    assert_eq!(
        differs(|host| host.disks = said("cat", vec![full("squashfs"), full("iso9660"), full("erofs"), empty, usual])),
        Vec::<String>::new()
    );
}

#[test]
fn several_disks_are_told_one_by_one() {
    let told = differs(|host| host.disks = said("cat", vec![file_system("/", 40), file_system("/var", 96)]));
    assert_eq!(told, ["disk /var: fail: 96% of 110.0 GiB used, 4.0 GiB available [df -h /var]"]);
}

#[test]
fn memory_at_its_bounds() {
    let at = |percent: u64| {
        let memory = Memory { total: 100 * GIB, available: (100 - percent) * GIB, swap_total: 0, swap_free: 0 };
        differs(|host| host.memory = said("cat /proc/meminfo", memory)).join("\n")
    };
    assert_eq!(at(89), "memory: pass: 89% of 100.0 GiB used, 11.0 GiB available [cat /proc/meminfo]");
    assert_eq!(at(90), "memory: warn: 90% of 100.0 GiB used, 10.0 GiB available [cat /proc/meminfo]");
    assert_eq!(at(97), "memory: fail: 97% of 100.0 GiB used, 3.0 GiB available [cat /proc/meminfo]");
}

#[test]
fn load_is_judged_by_its_five_minutes_and_the_processors() {
    let at = |averages: [f64; 3]| differs(|host| host.load = said("cat /proc/loadavg", averages)).join("\n");
    assert_eq!(at([9.0, 4.0, 9.0]), "load: pass: 9.00 4.00 9.00 on 2 processors [cat /proc/loadavg]");
    assert_eq!(at([0.0, 4.01, 0.0]), "load: warn: 0.00 4.01 0.00 on 2 processors [cat /proc/loadavg]");
    let health = health(&[&FRONT], |host, _| host.processors = silent("cat /proc/stat", &Trouble::Missing("it")));
    assert_eq!(
        lines(&health)[2],
        "load: unknown: 0.50 1.00 1.50 on an unknown number of processors [cat /proc/loadavg]"
    );
    assert_eq!(health.load, Some(Load { one: 0.5, five: 1.0, fifteen: 1.5, processors: None }));
}

#[test]
fn the_clock() {
    assert_eq!(
        differs(|host| host.clock = Some(said("timedatectl show", false))),
        ["clock: warn: not synchronized with any time server [timedatectl show]"]
    );
    // In a container it is not asked, and nothing is said.
    let health = health(&[&FRONT], |host, _| host.clock = None);
    assert_eq!((health.clock, health.checks.iter().any(|check| check.source == "clock")), (None, false));
}

#[test]
fn failed_units_other_than_those_of_services() {
    let with_failed = |names: &[&str]| {
        let failed = |name: &&str| UnitState { active: "failed".to_owned(), ..running_unit(name) };
        let health = health(&[&FRONT], |_, evidence| evidence.units().extend(names.iter().map(failed)));
        (lines(&health)[4].clone(), health.failed_units.unwrap())
    };
    let none = "failed units: pass: none [systemctl --failed]".to_owned();
    assert_eq!(with_failed(&[]), (none.clone(), vec![]));
    // The service's own check tells of its unit, and of that alone: another of its names is another unit here.
    assert_eq!(with_failed(&["front.service"]), (none, vec![]));
    assert_eq!(
        with_failed(&["front.service", "front-other.service"]),
        ("failed units: warn: front-other.service [systemctl --failed]".into(), vec!["front-other.service".into()])
    );
    assert_eq!(
        with_failed(&["a.service", "front.service", "b.mount"]),
        (
            "failed units: warn: a.service, b.mount [systemctl --failed]".into(),
            vec!["a.service".into(), "b.mount".into()]
        )
    );
    let many = with_failed(&["a.service", "b.service", "c.service", "d.service", "e.service", "f.service"]);
    assert_eq!(
        many.0,
        "failed units: warn: a.service, b.service, c.service, d.service and 2 more [systemctl --failed]"
    );
    assert_eq!(many.1.len(), 6);
}

#[test]
fn where_systemd_does_not_run_no_unit_has_failed_or_is_unknown() {
    let health = health(&[&EXTRA], |_, evidence| {
        evidence.managers.units = Some(silent("systemctl", &Trouble::Unavailable("not booted with it".into())));
    });
    assert_eq!(health.failed_units, None);
    assert!(health.checks.iter().all(|check| check.source != "failed units"));
}

#[test]
fn processes_killed_for_want_of_memory() {
    let kill = |seconds: i64, process: &str| OomKill { time: ago(seconds), process: process.to_owned() };
    let kills = vec![kill(7200, "node"), kill(300, "postgres"), kill(9000, "node")];
    let health = health(&[&FRONT], |host, _| {
        host.oom_kills = said("journalctl", OomRecord { counted: 2, kills, reaches: None, is_shared: false });
    });
    assert_eq!(lines(&health)[5], "memory kills: warn: 3 in 24 h, the last 5m0s ago: postgres [journalctl]");
    assert_eq!(health.oom_kills.unwrap(), ["node", "postgres", "node"]);
}

#[test]
fn bounds_are_the_deployments_own() {
    static STRICT: Deployment = Deployment::new(
        "strict",
        &[&URGENT],
        &[&FRONT],
        HostChecks::new(&URGENT).disk(Usage::warn_at(20).fail_at(30)).failed_units(Verdict::Fail).load_per_cpu(0.25),
    )
    .summary("a host with other bounds");
    let mut evidence = all_well(&[&FRONT]);
    evidence.units().push(UnitState { active: "failed".to_owned(), ..running_unit("a.service") });
    evidence.host = Some(well());
    let health = judge(&STRICT, &[&FRONT], &evidence).host.unwrap();
    assert_eq!(
        lines(&health),
        [
            "disk /: fail: 40% of 110.0 GiB used, 60.0 GiB available [df -h /]",
            "memory: pass: 50% of 8.0 GiB used, 4.0 GiB available [cat /proc/meminfo]",
            "load: warn: 0.50 1.00 1.50 on 2 processors [cat /proc/loadavg]",
            "clock: pass: synchronized [timedatectl show]",
            "failed units: fail: a.service [systemctl --failed]",
            "memory kills: pass: none in 24 h [cat /proc/vmstat]",
        ]
    );
    assert_eq!(health.verdict, Verdict::Fail);
}

#[test]
fn m6_a_part_that_cannot_be_read_is_unknown_and_the_others_are_not() {
    for trouble in troubles() {
        let one = |change: &dyn Fn(&mut HostEvidence)| differs(|host| change(host));
        assert_eq!(one(&|host| host.disks = silent("cat", &trouble)), [format!("disk: unknown: {trouble} [cat]")]);
        assert_eq!(one(&|host| host.memory = silent("cat", &trouble)), [format!("memory: unknown: {trouble} [cat]")]);
        assert_eq!(one(&|host| host.load = silent("cat", &trouble)), [format!("load: unknown: {trouble} [cat]")]);
        assert_eq!(
            one(&|host| host.clock = Some(silent("timedatectl", &trouble))),
            [format!("clock: unknown: {trouble} [timedatectl]")]
        );
        assert_eq!(
            one(&|host| host.oom_kills = silent("journalctl", &trouble)),
            [format!("memory kills: unknown: {trouble} [journalctl]")]
        );
        let whole = health(&[&FRONT], |host, _| {
            host.disks = silent("cat", &trouble);
            host.memory = silent("cat", &trouble);
            host.load = silent("cat", &trouble);
            host.uptime_seconds = silent("cat", &trouble);
            host.clock = Some(silent("timedatectl", &trouble));
            host.oom_kills = silent("journalctl", &trouble);
        });
        assert_eq!(
            (whole.verdict, whole.disks, whole.memory, whole.load, whole.uptime_seconds, whole.clock, whole.oom_kills),
            (Verdict::Unknown, None, None, None, None, None, None)
        );
    }
}

#[test]
fn k13_a_mount_that_does_not_answer_is_unknown_and_hides_no_other() {
    let silence = |trouble: Trouble| Silence { command: Command::new(["timeout", "3", "df", "-h", "/srv"]), trouble };
    for trouble in [Trouble::TimedOut(std::time::Duration::from_secs(2)), Trouble::Failed("gone (fuse)".to_owned())] {
        let told = differs(|host| {
            host.disks = said("cat", vec![file_system("/", 40), file_system("/opt", 100)]);
            host.silent_disks = vec![("/srv".to_owned(), silence(trouble.clone()))];
        });
        let unknown = format!("disk /srv: unknown: {trouble} [timeout 3 df -h /srv]");
        assert_eq!(told, ["disk /opt: fail: 100% of 110.0 GiB used, 0 B available [df -h /opt]", &unknown]);
    }
}
