//! What `diagnose` is on a host where nothing is wrong: silent fifty times in a row, without a trace, and quick; within its time
//! also where every tool hangs; and its bundle where nothing can be written.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::diagnose;
use crate::machine::Machine;

/// What must be the same before and after: files with mode, owner, size and time of change, units with state and restarts,
/// containers, processes. What the host's own programs write all the time is left out.
const FOOTPRINT: &str = "{ find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /tmp -o -path /var/log \
    -o -path /usr/share -o -path /usr/lib -o -path /usr/include \
    -o -path /var/lib/docker -o -path /var/lib/containerd -o -path /var/lib/systemd -o -path /var/lib/prim -o -path /var/tmp \
    -o -path /var/lib/r2-standin -o -path /var/lib/caddy \\) -prune -o -printf '%p %m %U %G %s %T@\\n'; \
    systemctl show '*.service' '*.socket' '*.mount' -p Id,ActiveState,SubState,NRestarts,MainPID,NeedDaemonReload; \
    docker ps -aq --no-trunc; ls /run/systemd/system /run/systemd/generator; } | sort";

/// The tools that `diagnose` may ask on this host.
const TOOLS: &str = "systemctl journalctl docker caddy df timedatectl pm2 nginx ps systemd-analyze";

#[test]
fn a_healthy_host_is_left_as_it_was_and_nothing_is_found_in_it() {
    let machine = Machine::boot_as("prim", "it-prim-quiet");
    // What is on its way up has settled by then.
    let begun = Instant::now();
    while diagnose(&machine, &[]).0 != 0 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(500));
    }
    let before = machine.sh(FOOTPRINT);
    let mut took: Vec<Duration> = Vec::new();
    for round in 0..50 {
        let begun = Instant::now();
        let (code, document) = diagnose(&machine, &[]);
        took.push(begun.elapsed());
        let open = document["undetermined"].as_array().unwrap().len();
        let found = document["findings"].as_array().unwrap().len();
        assert_eq!((code, found, open), (0, 0, 0), "round {round}: {document:#}");
    }
    took.sort();
    eprintln!("diagnose of a healthy prim host, 50 times: median {:.2?}, longest {:.2?}", took[25], took[49]);
    let after = machine.sh(FOOTPRINT);
    let known: HashSet<&str> = before.lines().collect();
    let changed: Vec<&str> = after.lines().filter(|line| !known.contains(line)).take(20).collect();
    assert_eq!(changed, Vec::<&str>::new());
    assert_eq!(before.lines().count(), after.lines().count());
    assert!(took[49] < Duration::from_secs(15), "{took:?}");

    gone_by_itself(&machine);
    full_disk(&machine);
    hanging(&machine);
}

/// What was found is gone before it could be mended: nothing is done about it.
fn gone_by_itself(machine: &Machine) {
    machine.sh("systemctl stop prim-store; opsctl lock acquire -q -m 'somebody is at it'");
    let started = machine.start(&[
        "opsctl",
        "diagnose",
        "service-crash-loop",
        "store",
        "--fix",
        "--lock-wait=40s",
        "-q",
        "-o",
        "json",
    ]);
    std::thread::sleep(Duration::from_secs(4));
    let again =
        machine.sh("systemctl start prim-store; sleep 4; systemctl show -P MainPID prim-store; opsctl lock release -q");
    let output = started.wait_with_output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &document["attempts"][0]["outcome"]), (Some(0), &"gone".into()), "{document:#}");
    assert_eq!(machine.sh("systemctl show -P MainPID prim-store").lines().next(), again.lines().next());
    assert!(!machine.sh("opsctl history -o json").contains("diagnose --fix"), "something was recorded");
}

/// A bundle that has no room leaves nothing behind, and one that is streamed needs none.
fn full_disk(machine: &Machine) {
    machine.sh("mkdir -p /mnt/full; mount -t tmpfs -o size=16k tmpfs /mnt/full");
    let ran = machine.run(&["opsctl", "diagnose", "-q", "--bundle", "/mnt/full/bundle.tar"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.stderr.contains("cannot be written: No space left on device"), "{ran:#?}");
    assert_eq!(machine.sh("ls /mnt/full"), "");
    machine.sh("umount /mnt/full");
    // No file is made but that of the shell.
    let names =
        machine.sh("opsctl diagnose -q --bundle - > /run/bundle.tar; tar -tf /run/bundle.tar | sed 's|.*/||' | sort");
    for name in ["commands.json", "config.json", "diagnosis.json", "manifest.json", "status.json", "wallet.txt"] {
        assert!(names.lines().any(|line| line == name), "{name}: {names}");
    }
    // Every secret of a host under test begins with this word.
    machine.sh("! tar -xOf /run/bundle.tar | grep -a dummy");
}

/// Every tool hangs, and the engine of docker with them: what they would have told is unknown, and nothing is found.
fn hanging(machine: &Machine) {
    machine.sh(&format!(
        "for tool in {TOOLS}; do printf '#!/bin/sh\\nexec sleep 600\\n' > /usr/local/sbin/$tool; chmod 755 /usr/local/sbin/$tool; \
         done; kill -STOP $(pidof dockerd)"
    ));
    let begun = Instant::now();
    let (code, document) = diagnose(machine, &[]);
    let took = begun.elapsed();
    machine.sh(&format!("kill -CONT $(pidof dockerd); cd /usr/local/sbin; rm -f {TOOLS}"));
    eprintln!("diagnose where every tool hangs: {took:.2?}");
    assert_eq!((code, document["findings"].as_array().unwrap().len()), (4, 0), "{document:#}");
    assert!(!document["undetermined"].as_array().unwrap().is_empty());
    assert!(took < Duration::from_secs(15), "{took:.2?}");
    let left = machine.sh("pgrep -fc '^sleep 600' || true");
    assert_eq!(left.trim(), "0", "tools are left behind");
}
