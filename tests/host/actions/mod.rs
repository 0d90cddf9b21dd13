//! `restart`, `reload`, `start`, `stop`, `history` and `lock` on real managers: healthy services end healthy, broken ones are
//! never called a success, and where something is refused nothing has changed.

mod broken;
mod containers;
mod killed;
mod maintenance;
mod order;
mod trail;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::machine::{Machine, Ran};

/// All that a change could leave behind: trees, units' runs, containers, processes. pm2's client touches a file of its own
/// whenever it is asked something.
const SNAPSHOT: &str = "
    for tree in /etc /var/log/opsctl /run/opsctl /run/systemd/system /root /home /opt; do
        find $tree -xdev -printf '%p %m %U %G %s %T@ %l\\n' 2>/dev/null | grep -v '/.pm2/touch ' | sort
    done
    find /etc /var/log/opsctl -xdev -type f -exec sha1sum {} + 2>/dev/null | sort
    docker ps -aq --no-trunc --format '{{.ID}} {{.State}}' 2>/dev/null | sort
    for unit in $(systemctl list-units --no-legend --plain --type=service --state=active | cut -d' ' -f1); do
        echo $unit $(systemctl show -P InvocationID -P MainPID $unit)
    done | grep -v '^user'
    pgrep -a -x 'bun|caddy|dockerd|pm2|node' || true
";

pub fn snapshot(machine: &Machine) -> String {
    machine.sh(SNAPSHOT)
}

/// Nothing differs from what was before.
pub fn unchanged(machine: &Machine, before: &str) {
    let now = snapshot(machine);
    let gone: Vec<&str> = before.lines().filter(|line| !now.lines().any(|other| other == *line)).collect();
    let new: Vec<&str> = now.lines().filter(|line| !before.lines().any(|other| other == *line)).collect();
    assert_eq!(gone, new);
}

/// opsctl with these words.
fn ops(machine: &Machine, words: &str) -> Ran {
    let mut command = vec!["opsctl"];
    command.extend(words.split(' '));
    machine.run(&command)
}

/// opsctl with these words must end with this code.
fn must(machine: &Machine, words: &str, code: i32) -> String {
    let ran = ops(machine, words);
    assert_eq!(ran.code, code, "opsctl {words}\n{ran:#?}");
    ran.stdout + &ran.stderr
}

/// The same, and what it says must have this in it, however columns are aligned.
fn says(machine: &Machine, words: &str, code: i32, wanted: &[&str]) {
    let said = must(machine, words, code);
    let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in wanted {
        assert!(folded(&said).contains(&folded(word)), "opsctl {words}: no {word:?} in\n{said}");
    }
}

/// The outcomes of an action by service.
fn outcomes(ran: &Ran) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    assert_eq!(document["exit_code"], ran.code, "{ran:#?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let targets = document["targets"].as_array().unwrap();
    targets.iter().map(|target| (text(&target["service"]), text(&target["outcome"]))).collect()
}

fn pid(machine: &Machine, unit: &str) -> String {
    machine.sh(&format!("systemctl show -P MainPID {unit}"))
}
