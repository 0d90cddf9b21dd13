//! `check` on booted hosts, with a receiver that records what it is sent.

mod install;
mod killed;
mod night;
mod receivers;
mod troubles;

use std::path::Path;

use serde_json::Value;

use crate::machine::{Machine, Ran};

/// Every kind of channel that is a request, at the recorder.
const CHANNELS: &str = "WEBHOOK_URL=http://127.0.0.1:9999/webhook
SLACK_WEBHOOK_URL=http://127.0.0.1:9999/slack
DISCORD_WEBHOOK_URL=http://127.0.0.1:9999/discord
NTFY_URL=http://127.0.0.1:9999/ntfy/topic
NTFY_TOKEN=tk_canary7391
PAGERDUTY_ROUTING_KEY=canaryrouting55
PAGERDUTY_URL=http://127.0.0.1:9999/pagerduty
HEARTBEAT_URL=http://127.0.0.1:9999/beat
";

/// A host with a recorder, and these channels.
fn boot(deployment: &str, name: &str, channels: &str) -> Machine {
    let machine = Machine::boot_as(deployment, name);
    let recorder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/check/recorder");
    machine.put(&recorder, "/root/recorder");
    machine.sh(
        "systemd-run -q --unit=recorder python3 /root/recorder 9999; until ss -ltn | grep -q :9999; do sleep 0.1; done",
    );
    let write =
        format!("install -d -m 0755 /etc/opsctl; umask 077; cat > /etc/opsctl/notify.env <<'END'\n{channels}END");
    machine.sh(&write);
    machine
}

/// One check.
fn check(machine: &Machine) -> Ran {
    machine.run(&["opsctl", "check"])
}

/// What the recorder was sent at a path that begins so, since this was asked last; it is forgotten then.
fn received(machine: &Machine, path: &str) -> Vec<Value> {
    let text = machine.sh("cat /root/received");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["path"].as_str().unwrap().starts_with(path)).collect()
}

fn forget(machine: &Machine) {
    machine.sh(": > /root/received");
}

/// How many messages there were for each channel but the heartbeat.
fn counts(machine: &Machine) -> Vec<(&'static str, usize)> {
    let paths = ["/webhook", "/slack", "/discord", "/ntfy", "/pagerduty"];
    paths.into_iter().map(|path| (path, received(machine, path).len())).collect()
}

fn each(count: usize) -> Vec<(&'static str, usize)> {
    ["/webhook", "/slack", "/discord", "/ntfy", "/pagerduty"].into_iter().map(|path| (path, count)).collect()
}
