//! A service is killed, and within two checks each receiver has exactly one message that a person can act on; it is started again, and
//! has one recovery; a night of checks with restarts and a backup notifies nobody.

use super::{CHANNELS, boot, check, counts, each, forget, received};
use crate::machine::Machine;

/// How many checks a night has.
const NIGHT: u32 = 200;

/// Kills and starts a service, and what is sent meanwhile.
fn killed_and_started(machine: &Machine, (service, port): (&str, u16), kill: &str, start: &str) {
    assert_eq!(
        (0..2).map(|_| check(machine).code).collect::<Vec<_>>(),
        [0, 0],
        "{:#?}",
        machine.run(&["opsctl", "status"])
    );
    assert_eq!(counts(machine), each(0));
    machine.sh(kill);
    let first = check(machine);
    assert_eq!((first.code, counts(machine)), (3, each(0)), "{first:#?}");
    let second = check(machine);
    assert_eq!((second.code, counts(machine)), (3, each(1)), "{second:#?}");
    let line = second.stdout.trim_end();
    assert!(line.chars().count() <= 200 && line.starts_with("FAIL ") && line.contains(service), "{line}");
    for path in ["/slack", "/webhook", "/discord", "/ntfy", "/pagerduty"] {
        let sent = received(machine, path).remove(0).to_string();
        assert!(sent.contains(service) && sent.contains("opsctl diagnose"), "{path}: {sent}");
        assert!(!sent.contains("canary") || ["/ntfy", "/pagerduty"].contains(&path), "{path}: {sent}");
    }
    // It goes on, and nobody is notified again.
    (0..3).for_each(|_| assert_eq!(check(machine).code, 3));
    assert_eq!(counts(machine), each(1));
    let known = machine.sh("opsctl get checks; opsctl history; opsctl status || true");
    assert!(known.contains("1 incident open") && known.contains(&format!("{service}: fail, was pass")), "{known}");
    forget(machine);
    machine.sh(start);
    answers(machine, port);
    let third = check(machine);
    assert_eq!((third.code, counts(machine)), (0, each(0)), "{third:#?}");
    assert_eq!((check(machine).code, counts(machine)), (0, each(1)));
    for path in ["/slack", "/webhook", "/discord", "/ntfy", "/pagerduty"] {
        let sent = received(machine, path).remove(0).to_string().to_lowercase();
        assert!(sent.contains(service) && (sent.contains("recovered") || sent.contains("resolve")), "{path}: {sent}");
    }
    // Each check was reported to the heartbeat: its beginning and its end.
    let beats: Vec<String> =
        received(machine, "/beat").iter().map(|beat| beat["path"].as_str().unwrap().to_owned()).collect();
    assert_eq!(beats, ["/beat/start", "/beat", "/beat/start", "/beat"]);
    forget(machine);
}

/// Waits until something answers on a port.
fn answers(machine: &Machine, port: u16) {
    machine.sh(&format!("until curl -s -o /dev/null -m 2 http://127.0.0.1:{port}/; do sleep 0.1; done; sleep 0.5"));
}

/// How much is kept of checks, how many files, and how many processes of opsctl there are.
fn kept(machine: &Machine) -> String {
    machine.sh("find /var/lib/opsctl/check /run/opsctl -type f -printf '%p %s\\n' | sort | grep -v '\\.lock '; pgrep -c opsctl || true")
}

#[test]
fn a_night_on_prim() {
    let machine = boot("prim", "it-prim-check", CHANNELS);
    killed_and_started(&machine, ("store", 3002), "systemctl stop prim-store", "systemctl start prim-store");
    let before = kept(&machine);
    // Another process changes services by opsctl and makes copies meanwhile, as timers of a night do.
    let night = machine.start(&[
        "bash",
        "-c",
        "while ! test -e /run/morning; do opsctl -q restart token -y; sleep 9; opsctl -q backup store -y; sleep 5; done",
    ]);
    for nth in 0..NIGHT {
        // Where checks are a minute apart, a restart is over before the next one.
        let is_restarted = nth % 20 == 7;
        if is_restarted {
            machine.sh("systemctl restart prim-track");
        }
        let ran = check(&machine);
        assert!([0, 3].contains(&ran.code), "{nth}: {ran:#?}");
        if is_restarted {
            answers(&machine, 3010);
        }
    }
    machine.sh("touch /run/morning");
    night.wait_with_output().unwrap();
    assert_eq!(counts(&machine), each(0), "{}", machine.sh("grep -v /beat /root/received; opsctl get checks"));
    assert_eq!(kept(&machine), before);
    // What prim's own health check wrote is kept up.
    let files = machine.sh("cat /var/lib/prim/health/*.status | sort | uniq -c; ls /var/lib/prim/health");
    assert!(files.contains(" up") && files.contains(".status"), "{files}");
    let canaries = machine.sh("opsctl check -v 2>&1; opsctl get checks -o json; opsctl history -o json; journalctl -q --no-pager | grep -v recorder");
    assert!(!canaries.contains("canary"), "a key of notify.env is shown");
}

#[test]
fn a_night_on_plugspace() {
    let machine = boot("plugspace", "it-plugspace-check", CHANNELS);
    let pm2 =
        |verb: &str| format!("sudo -u plugspace env HOME=/home/plugspace PM2_SILENT=true pm2 {verb} plugspace-studio");
    killed_and_started(&machine, ("plugspace-studio", 3001), &pm2("stop"), &pm2("start"));
}
