//! A Debian of which no registry knows anything, with and without one service of its own.

use serde_json::Value;

use crate::machine::{Machine, Ran};

const UNIT: &str = "[Unit]\\nDescription=the shop\\n[Service]\\nExecStart=/usr/bin/python3 -m http.server 8123\\n\
                    WorkingDirectory=/srv\\nRestart=on-failure\\n[Install]\\nWantedBy=multi-user.target\\n";

fn opsctl(machine: &Machine, words: &str) -> Ran {
    machine.run(&[&["opsctl"], words.split_whitespace().collect::<Vec<_>>().as_slice()].concat())
}

fn names(ran: &Ran) -> Vec<&str> {
    ran.stdout.lines().filter(|name| *name != super::HARNESS).collect()
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"))
}

/// The row of the service, and the exit code.
fn status(machine: &Machine) -> (Value, Value) {
    let ran = opsctl(machine, "status -o json");
    let document = json(&ran);
    let row = document["services"].as_array().unwrap().iter().find(|row| row["name"] == "myapp").unwrap();
    assert_eq!(document["exit_code"], ran.code);
    (document.clone(), row.clone())
}

#[test]
fn a_service_of_ones_own() {
    let machine = Machine::boot_as("bare", "it-discover-own");
    // Remote login and scheduled jobs are what a bare Debian serves.
    let bare = opsctl(&machine, "discover -o name");
    assert_eq!((bare.code, names(&bare)), (0, vec!["cron", "ssh"]), "{bare:#?}");

    machine.sh(&format!(
        "printf '{UNIT}' > /etc/systemd/system/myapp.service; systemctl daemon-reload; systemctl enable --now myapp; sleep 2"
    ));
    let (document, row) = status(&machine);
    // The load is the machine's, on which other hosts run.
    assert!(document["worst"].is_null() || document["worst"]["subject"] == "load", "{document:#}");
    assert_eq!(row["verdict"], "pass", "{document:#}");
    let checks = row["checks"].as_array().unwrap();
    assert!(checks.iter().any(|it| it["source"] == "http :8123/" && it["verdict"] == "pass"), "{row:#}");
    let text = opsctl(&machine, "status");
    assert!(text.stdout.contains("myapp") && text.stdout.contains("http :8123/: answers"), "{text:#?}");
    let every = [
        "status myapp",
        "logs myapp",
        "restart myapp -y",
        "explain myapp",
        "get services",
        "diagnose myapp",
        "verify",
        "status -o name",
        "discover -o name",
    ];
    for words in every {
        // While several hosts boot at once a tool of `diagnose` can be late, which is said to be open.
        let mut tries = (0..5).map(|_| opsctl(&machine, words));
        let ran = tries.find(|ran| ran.code != 4).unwrap();
        // The log holds the unit's description; `verify` names only what differs.
        let tells = if words.starts_with("logs") { "the shop" } else { "myapp" };
        assert!(ran.code == 0 && (words == "verify" || ran.stdout.contains(tells)), "{words}: {ran:#?}");
    }
    let discover = json(&opsctl(&machine, "discover -o json"));
    let found = discover["services"].as_array().unwrap().iter().find(|row| row["name"] == "myapp").unwrap();
    assert_eq!(found["listens"], serde_json::json!(["0.0.0.0:8123"]), "{found:#}");

    // As nobody it is there, and what is hidden is said.
    let nobody = |words: &[&str]| machine.run_as("nobody", &[&["opsctl"], words].concat());
    let ran = nobody(&["status"]);
    assert!([0, 4].contains(&ran.code) && ran.stdout.contains("myapp"), "{ran:#?}");
    assert!(ran.stdout.contains("needs root"), "{ran:#?}");
    let ran = nobody(&["discover"]);
    assert!(ran.code == 4 && ran.stdout.contains("needs root") && ran.stdout.contains("myapp"), "{ran:#?}");

    machine.sh("systemctl stop myapp");
    let (document, row) = status(&machine);
    assert_eq!((&document["exit_code"], &row["verdict"]), (&3.into(), &"fail".into()), "{document:#}");
    assert_eq!(document["worst"]["subject"], "myapp", "{document:#}");
    let ran = opsctl(&machine, "status -o name");
    assert_eq!((ran.code, names(&ran)), (3, vec!["myapp", "ssh", "cron"]));
    let ran = nobody(&["status", "-o", "name"]);
    assert!(ran.code == 3 && ran.stdout.starts_with("myapp\n"), "{ran:#?}");

    machine.sh("systemctl start myapp; sleep 1; kill -STOP $(systemctl show -P MainPID myapp)");
    let (document, row) = status(&machine);
    assert_eq!((&document["exit_code"], &row["verdict"]), (&3.into(), &"fail".into()), "{document:#}");
    machine.sh("kill -CONT $(systemctl show -P MainPID myapp)");
}
