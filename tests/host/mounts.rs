//! Mounts that are full, dead or hang, tools that do not answer, more units than systemd tells of in time: each costs what it is
//! about and nothing else, and the whole is done within three seconds.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::machine::Machine;

/// What the whole takes at most.
const PROMISE: Duration = Duration::from_secs(3);
const FUSE: &str = "/usr/local/lib/test-host/fuse-mount";

/// The document, its exit code, and how long it took: the better of two, for others use the machine as well.
fn timed(machine: &Machine, args: &[&str], longest: Duration) -> (i32, Value) {
    let line = [&["opsctl", "-q", "-o", "json"], args].concat();
    let mut took = Duration::ZERO;
    for _ in 0..2 {
        let begun = Instant::now();
        let ran = machine.run(&line);
        took = begun.elapsed();
        let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
        assert_eq!(document["exit_code"], ran.code);
        if took < longest {
            return (ran.code, document);
        }
    }
    panic!("{args:?} took {took:?}");
}

/// The verdict of the host's check of this name.
fn check<'d>(document: &'d Value, source: &str) -> &'d str {
    let checks = document["host_resources"]["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["source"] == source);
    found.map_or("missing", |check| check["verdict"].as_str().unwrap())
}

/// `status` tells of a full file system there: first, with the exit code of a failure.
fn assert_full(machine: &Machine, mount: &str, what: &str) -> Value {
    let (code, document) = timed(machine, &["status"], PROMISE);
    assert_eq!((code, check(&document, &format!("disk {mount}"))), (3, "fail"), "{what}: {document:#}");
    document
}

/// A file system of each kind that can be made here, full, at paths that no list names.
const FULL: &[(&str, &str, &str)] = &[
    ("/data", "tmpfs", "mount -t tmpfs -o size=1m tmpfs /data; head -c 1m /dev/zero > /data/fill"),
    (
        "/mnt/vol",
        "ext2 on a loop device",
        "truncate -s 8m /root/image; busybox mke2fs -F -m 0 /root/image 8192 >/dev/null; [ -c /dev/loop-control ] || mknod \
         /dev/loop-control c 10 237; dev=$(losetup -f | cut -d' ' -f1); [ -b $dev ] || mknod $dev b 7 ${dev#/dev/loop}; \
         losetup $dev /root/image; mount $dev /mnt/vol; losetup -d $dev; cat /dev/zero > /mnt/vol/fill 2>/dev/null || true",
    ),
    (
        "/var/lib/postgresql",
        "bind",
        "mkdir -p /root/real; mount -t tmpfs -o size=1m tmpfs /root/real; mkdir /root/real/part; head -c 1m /dev/zero > \
         /root/real/part/fill || true; mount --bind /root/real/part /var/lib/postgresql; umount -l /root/real",
    ),
    (
        "/scratch",
        "overlay",
        "mkdir -p /root/low /root/high; mount -t tmpfs -o size=1m tmpfs /root/high; mkdir /root/high/up /root/high/work; mount -t \
         overlay -o lowerdir=/root/low,upperdir=/root/high/up,workdir=/root/high/work overlay /scratch; \
         cat /dev/zero > /scratch/fill 2>/dev/null || true",
    ),
    (
        "/a dir/with blanks",
        "a name with blanks",
        "mount -t tmpfs -o size=1m tmpfs '/a dir/with blanks'; head -c 1m /dev/zero > '/a dir/with blanks/fill'",
    ),
];

fn k14_any_mount_that_is_full_is_told(machine: &Machine) {
    for (mount, kind, fill) in FULL {
        machine.sh(&format!("mkdir -p '{mount}'; {fill}"));
        let document = assert_full(machine, mount, kind);
        // An overlay is as full as what its upper layer lies on, which is told too.
        assert!(document["worst"]["subject"].as_str().unwrap().starts_with("disk /"), "{document:#}");
        let ran = machine.run(&["opsctl", "diagnose", "disk-full", "-o", "json"]);
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        let finding = &found["findings"][0];
        assert_eq!(finding["code"], "LOCALHOST-DISK-FULL", "{kind}: {found:#}");
        // The journal lies elsewhere: shrinking it makes no space here.
        assert_eq!(finding["fixes"].as_array().unwrap().len(), 2, "{finding:#}");
        let du = finding["fixes"][1]["argv"].as_array().unwrap();
        assert!(*kind == "overlay" || du[2] == *mount, "{finding:#}");
        assert!(ran.stdout.contains(&format!("{mount}: ")), "{finding:#}");
        machine.sh(&format!("umount -l '{mount}'"));
    }
    machine.sh("umount -l /root/high; rm -rf /root/image");
    // Full, and no file system that can fill up: one that is read only, and a unit's credentials.
    machine.sh(
        "mkdir -p /data /run/credentials/x; mount -t tmpfs -o size=1m tmpfs /data; head -c 1m /dev/zero > /data/fill; \
         mount -o remount,ro /data; mount -t tmpfs -o size=16k tmpfs /run/credentials/x; \
         head -c 16k /dev/zero > /run/credentials/x/y",
    );
    let (code, document) = timed(machine, &["status"], PROMISE);
    assert_eq!((code, check(&document, "disk /data")), (0, "missing"), "{document:#}");
    machine.sh("umount /data /run/credentials/x");
}

fn k13_a_dead_and_a_hanging_mount_cost_only_themselves(machine: &Machine) {
    machine.sh("mount -t tmpfs -o size=1m tmpfs /opt; head -c 1m /dev/zero > /opt/fill");
    for how in ["dead", "hang"] {
        machine.sh(&format!("{FUSE} /srv {how}"));
        // Signs of deployments lie below it: none of them is here, and none is said to be.
        let document = assert_full(machine, "/opt", how);
        assert_eq!(document["deployment"], "localhost");
        let checks = document["host_resources"]["checks"].as_array().unwrap();
        let srv = checks.iter().find(|check| check["source"] == "disk /srv").unwrap();
        let why = srv["summary"].as_str().unwrap();
        assert_eq!(srv["verdict"], "unknown");
        assert!(why.contains(if how == "dead" { "is gone" } else { "no answer" }) && !why.contains("root"), "{why}");
        for verb in ["diagnose", "verify"] {
            let (code, document) = timed(machine, &[verb], PROMISE);
            assert_eq!(code, if verb == "diagnose" { 3 } else { 0 }, "{document:#}");
        }
        // A named deployment looks no further, and the time of the whole command is kept.
        timed(machine, &["-d", "localhost", "status", "--timeout", "1s"], Duration::from_millis(1500));
        let begun = Instant::now();
        timed(machine, &["-d", "localhost", "status", "--timeout", "4s"], Duration::from_secs(5));
        assert!(how == "dead" || begun.elapsed() > Duration::from_secs(3), "more time is taken where it is given");
        machine.sh("umount -l /srv");
    }
    machine.sh("umount /opt");
}

/// What hangs, how it is made so, and how it is put back.
const HANGS: &[(&str, &str, &str)] = &[
    ("systemctl", "tool systemctl 'trap \"\" TERM; sleep 60; sleep 60'", "untool systemctl"),
    ("systemctl, slow", "tool systemctl 'sleep 0.5; exec /root/systemctl \"$@\"'", "untool systemctl"),
    ("systemctl, failing", "tool systemctl 'echo broken >&2; exit 1'", "untool systemctl"),
    (
        "timedatectl",
        "tool timedatectl 'exec sleep 60'; mv /run/systemd/container /root/container",
        "untool timedatectl; mv /root/container /run/systemd/container",
    ),
    (
        "timedatectl, failing",
        "tool timedatectl 'exit 1'; mv /run/systemd/container /root/container",
        "untool timedatectl; mv /root/container /run/systemd/container",
    ),
    (
        "journalctl",
        "tool journalctl 'exec sleep 60'; echo 'oom_kill 3' > /run/vmstat; mount --bind /run/vmstat /proc/vmstat",
        "untool journalctl; umount /proc/vmstat",
    ),
    ("df", "tool df 'exec sleep 60'", "untool df"),
    (
        "docker's engine",
        "systemctl start docker; kill -STOP $(pidof dockerd)",
        "kill -CONT $(pidof dockerd); systemctl stop docker.socket docker",
    ),
    (
        "the edge",
        "mkdir -p /etc/letsencrypt/live/a.example; systemd-run -q --unit=hole nc -lk 127.0.0.1 443; sleep 0.3",
        "systemctl stop hole; rm -r /etc/letsencrypt/live",
    ),
    (
        // Not /etc/localtime: systemd itself reads that, and would hang.
        "FIFOs in the place of files",
        "mkdir -p /etc/letsencrypt; mkfifo /run/docker.pid /etc/letsencrypt/live /etc/ufw.fifo; mv /etc/ufw/ufw.conf /root/; \
         mv /etc/ufw.fifo /etc/ufw/ufw.conf",
        "rm /run/docker.pid /etc/letsencrypt/live; mv /root/ufw.conf /etc/ufw/ufw.conf",
    ),
    ("a mount", "/usr/local/lib/test-host/fuse-mount /srv hang", "umount -l /srv"),
];

fn a15_whatever_hangs_a_full_disk_is_told(machine: &Machine) {
    const TOOLS: &str = "tool() { mv /usr/bin/$1 /root/$1; printf '#!/bin/sh\n%s\n' \"$2\" > /usr/bin/$1; chmod 755 /usr/bin/$1; }\n\
                         untool() { mv /root/$1 /usr/bin/$1; }\n";
    machine.sh("mkdir -p /data; mount -t tmpfs -o size=1m tmpfs /data; head -c 1m /dev/zero > /data/fill");
    for (what, make, heal) in HANGS {
        machine.sh(&format!("{TOOLS}{make}"));
        let begun = Instant::now();
        assert_full(machine, "/data", what);
        eprintln!("{what}: {:.1?}", begun.elapsed());
        machine.sh(&format!("{TOOLS}{heal}"));
    }
    // A frozen engine costs the verbs that ask twice its time once.
    machine.sh("systemctl start docker; kill -STOP $(pidof dockerd)");
    for verb in ["diagnose", "verify"] {
        timed(machine, &[verb], PROMISE);
    }
    machine.sh("kill -CONT $(pidof dockerd); systemctl stop docker.socket docker; umount /data");
}

fn b21_a_thousand_failed_units_are_counted(machine: &Machine) {
    machine.sh(
        "cd /run/systemd/system; for i in $(seq 1000); do printf '[Service]\nType=oneshot\nExecStart=/nothing\n' > many$i.service; \
         done; systemctl daemon-reload; systemctl start --no-block $(seq -f 'many%.0f.service' 1000); \
         until [ $(systemctl --failed --plain --no-legend | wc -l) = 1000 ]; do sleep 0.5; done",
    );
    let (code, document) = timed(machine, &["status"], PROMISE);
    let host = &document["host_resources"];
    assert_eq!(host["failed_units"].as_array().map(Vec::len), Some(1000));
    assert_ne!((code, check(&document, "failed units")), (4, "unknown"));
    for service in document["services"].as_array().unwrap() {
        let is_up = ["running", "completed"].contains(&service["state"].as_str().unwrap());
        assert!(is_up && service["verdict"] == "pass", "{service:#}");
    }
    let (code, document) = timed(machine, &["diagnose"], PROMISE);
    let found: Vec<&str> =
        document["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert!(code == 3 && found.contains(&"LOCALHOST-UNIT-FAILED"), "{found:?}");
    machine.sh("rm /run/systemd/system/many*; systemctl reset-failed; systemctl daemon-reload");
}

#[test]
fn a15_b21_k13_k14_what_is_full_dead_or_hangs_costs_only_itself() {
    let machine = Machine::boot_as("bare", "it-mounts");
    for part in [
        k14_any_mount_that_is_full_is_told,
        k13_a_dead_and_a_hanging_mount_cost_only_themselves,
        a15_whatever_hangs_a_full_disk_is_told,
        b21_a_thousand_failed_units_are_counted,
    ] {
        let begun = Instant::now();
        part(&machine);
        eprintln!("{:.1?}", begun.elapsed());
    }
}
