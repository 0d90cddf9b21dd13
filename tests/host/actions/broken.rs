//! Units that systemd starts and that do not run.

use super::*;

/// Something wrong with the unit of prim's `track`.
struct Broken {
    name: &'static str,
    /// A drop-in.
    unit: &'static str,
    settle: &'static str,
    /// What is said of it.
    says: &'static str,
}

const SERVICE: &str = "/home/prim/.bun/bin/bun run packages/track/src/index.ts";

const BROKEN: &[Broken] = &[
    Broken {
        name: "B3: ends at once, again and again",
        unit: "[Service]\nExecStart=\nExecStart=/bin/sh -c 'echo it is broken; exit 3'\nRestartSec=100ms\n",
        settle: "1s",
        says: "it is broken",
    },
    Broken {
        name: "B3: ends at once, every five seconds",
        unit: "[Service]\nExecStart=\nExecStart=/bin/sh -c 'exit 3'\nRestartSec=5\n",
        settle: "1s",
        says: "ended, will be restarted: exit 3",
    },
    Broken {
        name: "B4: dies after a second",
        unit: "[Service]\nExecStart=\nExecStart=/bin/sh -c '@SERVICE@ & sleep 1; kill $!; exit 4'\n",
        settle: "",
        says: "exit 4",
    },
    Broken {
        name: "B4: dies after four seconds",
        unit: "[Service]\nExecStart=\nExecStart=/bin/sh -c '@SERVICE@ & sleep 4; kill $!; exit 4'\n",
        settle: "",
        says: "exit 4",
    },
    Broken {
        name: "B6: its condition does not hold",
        unit: "[Unit]\nConditionPathExists=/nonexistent\n",
        settle: "1s",
        says: "a condition or assertion of its unit is not met",
    },
    Broken {
        name: "B6: its assertion does not hold",
        unit: "[Unit]\nAssertPathExists=/nonexistent\n",
        settle: "1s",
        says: "Assertion failed",
    },
    Broken {
        name: "B7: its environment file is missing",
        unit: "[Service]\nEnvironmentFile=/nonexistent.env\n",
        settle: "1s",
        says: "its EnvironmentFile /nonexistent.env does not exist",
    },
    Broken {
        name: "B8: its program is missing",
        unit: "[Service]\nExecStart=\nExecStart=/nonexistent/program\n",
        settle: "1s",
        says: "exit 203: its program cannot be executed",
    },
    Broken {
        name: "B8: its user does not exist",
        unit: "[Service]\nUser=nosuchuser\n",
        settle: "1s",
        says: "exit 217: its user does not exist",
    },
    Broken {
        name: "B8: its directory is missing",
        unit: "[Service]\nWorkingDirectory=/nonexistent\n",
        settle: "1s",
        says: "exit 200: its working directory is missing",
    },
    Broken {
        name: "B4: ends at once and calls that success",
        unit: "[Service]\nExecStart=\nExecStart=/bin/true\n",
        settle: "1s",
        says: "stopped; connection refused",
    },
    Broken {
        name: "B10: never says that it is ready",
        unit: "[Service]\nType=notify\nTimeoutStartSec=2\n",
        settle: "1s",
        says: "a timeout was exceeded",
    },
    Broken {
        name: "B16: does not listen",
        unit: "[Service]\nEnvironment=PORT=3999\nExecStart=\nExecStart=/bin/sleep 1000\n",
        settle: "500ms --timeout 3s",
        says: "connection refused",
    },
];

const HEAL: &str = "rm -rf /etc/systemd/system/prim-track.service.d; systemctl daemon-reload; systemctl stop prim-track; \
    systemctl reset-failed prim-track 2>/dev/null || true; systemctl start prim-track; \
    until curl -sf -o /dev/null localhost:3010; do sleep 0.05; done";

#[test]
fn broken_units() {
    let machine = Machine::boot_as("prim", "it-prim-broken");
    for broken in BROKEN {
        // Those that take their time are waited for once.
        let verbs: &[&str] = if broken.settle.is_empty() { &["restart"] } else { &["restart", "start"] };
        for verb in verbs {
            if *verb == "start" {
                machine.sh("systemctl stop prim-track");
            }
            let unit = broken.unit.replace("@SERVICE@", SERVICE);
            machine.sh(&format!(
                "mkdir -p /etc/systemd/system/prim-track.service.d
                 cat > /etc/systemd/system/prim-track.service.d/broken.conf <<'END'\n{unit}END\nsystemctl daemon-reload"
            ));
            let settle = if broken.settle.is_empty() { String::new() } else { format!(" --settle {}", broken.settle) };
            let ran = ops(&machine, &format!("{verb} track -y{settle}"));
            assert!([1, 7].contains(&ran.code), "{verb}: {}: {ran:#?}", broken.name);
            assert!(ran.stdout.contains(broken.says), "{verb}: {}: {ran:#?}", broken.name);
            assert_eq!(must(&machine, "lock status", 0), "free\n", "{}", broken.name);
            machine.sh(HEAL);
        }
    }
    units(&machine);
    proxy(&machine);
}

/// What is said of a unit before anything stops.
fn units(machine: &Machine) {
    let track = pid(machine, "prim-track");
    machine.sh("mv /etc/systemd/system/prim-track.service /root/; systemctl mask prim-track");
    for verb in ["restart", "start", "reload"] {
        says(machine, &format!("{verb} track -y"), 5, &["prim-track.service is masked"]);
    }
    machine.sh("systemctl unmask prim-track");
    says(machine, "restart track -y", 5, &["there is no such unit"]);
    machine.sh(
        "mv /root/prim-track.service /etc/systemd/system/; systemctl daemon-reload; systemctl enable -q prim-track",
    );
    assert_eq!(pid(machine, "prim-track"), track, "B1, B2");

    // B11: the new unit is the one that runs.
    machine.sh(
        "sleep 1; sed -i 's/^\\[Service\\]/[Service]\\nEnvironment=NEW_UNIT=1/' /etc/systemd/system/prim-track.service",
    );
    says(machine, "restart track -y --dry-run", 0, &["systemctl --no-ask-password daemon-reload"]);
    must(machine, "restart track -y --settle 300ms", 0);
    machine.sh("grep -qz NEW_UNIT=1 /proc/$(systemctl show -P MainPID prim-track)/environ");

    // B9: systemd's own limit ends a stop that hangs.
    machine.sh(
        "mkdir /etc/systemd/system/prim-track.service.d
         printf '[Service]\\nTimeoutStopSec=3\\nExecStart=\\nExecStart=/bin/sh -c \"trap : TERM; /home/prim/.bun/bin/bun run packages/track/src/index.ts & while :; do sleep 1; done\"\\n' > /etc/systemd/system/prim-track.service.d/x.conf
         systemctl daemon-reload; systemctl restart prim-track; sleep 1",
    );
    says(machine, "restart track -y --settle 500ms --timeout 2s", 7, &["may still run"]);
    machine.sh("sleep 4; systemctl is-active prim-track");
    must(machine, "restart track -y --settle 500ms", 0);
    says(machine, "stop track -y --settle 500ms", 0, &["did not start or stop before its timeout"]);
    machine.sh(HEAL);

    // B16
    machine.sh(
        "systemctl stop prim-track; systemd-run --quiet --unit=intruder busybox httpd -f -p 127.0.0.1:3010 -h /usr/share; sleep 0.5",
    );
    says(machine, "start track --settle 1s", 1, &["Is port 3010 in use?"]);
    machine.sh("systemctl stop intruder");
    machine.sh(HEAL);
}

/// A proxy keeps serving whatever is wrong with its new configuration.
fn proxy(machine: &Machine) {
    let caddy = pid(machine, "caddy");
    machine.sh("cp /etc/caddy/Caddyfile /root/; echo 'garbage {{{' >> /etc/caddy/Caddyfile");
    for verb in ["restart", "reload"] {
        let ran = ops(machine, &format!("{verb} caddy -y --settle 500ms"));
        assert!([1, 5].contains(&ran.code), "{ran:#?}");
        assert!((ran.stdout + &ran.stderr).contains("Error: adapting config using caddyfile"));
    }
    assert_eq!(pid(machine, "caddy"), caddy);
    must(machine, "status caddy", 0);
    machine.sh("cp /root/Caddyfile /etc/caddy/Caddyfile");
    must(machine, "reload caddy --settle 500ms", 0);
    assert_eq!(pid(machine, "caddy"), caddy);
}
