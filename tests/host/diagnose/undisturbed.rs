//! Every layout, healthy and after what people do on purpose: nothing is found, and `--fix` changes nothing.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::diagnose;
use crate::machine::Machine;

/// Something that is done on purpose and breaks nothing.
struct Deed {
    what: &'static str,
    /// Shell lines.
    doing: &'static str,
    /// Shell lines that take it back, where that is needed.
    undoing: &'static str,
}

const fn deed(what: &'static str, doing: &'static str, undoing: &'static str) -> Deed {
    Deed { what, doing, undoing }
}

const ANYWHERE: &[Deed] = &[
    deed("units are read again", "systemctl daemon-reload", ""),
    deed(
        "a drop-in that changes nothing of weight",
        "install -d /etc/systemd/system/cron.service.d; printf '[Service]\\nNice=1\\nOOMScoreAdjust=10\\n' > /etc/systemd/system/cron.service.d/n.conf; \
         systemctl daemon-reload; systemctl restart cron",
        "rm -r /etc/systemd/system/cron.service.d; systemctl daemon-reload; systemctl restart cron",
    ),
    deed("ssh is restarted and reloaded", "systemctl restart ssh; systemctl reload ssh", ""),
    deed("a job that somebody ran", "systemd-run --quiet --wait --unit=tidy /bin/true", ""),
    deed(
        "a unit of somebody's that was stopped",
        "systemd-run --quiet --unit=visitor sleep 600; systemctl stop visitor",
        "",
    ),
    deed(
        "a crontab with variables and comments",
        "printf 'MAILTO=\"\"\\n# m h dom mon dow\\n0 4 * * * root /bin/true\\n' > /etc/cron.d/visitor",
        "rm /etc/cron.d/visitor",
    ),
    deed(
        "files of the host's configuration that were touched",
        "touch /etc/hosts /etc/passwd /etc/environment /etc/profile /etc/fstab",
        "",
    ),
    deed(
        "a small file system of somebody's, mounted and not full",
        "mkdir -p /mnt/visitor; mount -t tmpfs -o size=1m tmpfs /mnt/visitor; echo hello > /mnt/visitor/hello",
        "umount /mnt/visitor",
    ),
];

const PRIM: &[Deed] = &[
    deed("a service restarted by opsctl", "opsctl restart -q --yes wallet", ""),
    deed("a service restarted by hand", "systemctl restart prim-store; sleep 3", ""),
    deed("the proxy reloaded", "systemctl reload caddy", ""),
    deed(
        "an env file with comments, quotes and spaces",
        "cp -p /etc/prim/faucet.env /root/faucet.env; printf '\\n# a comment = 1\\n\\nVISITOR=\"a b # c\"\\n' >> /etc/prim/faucet.env; \
         systemctl restart prim-faucet; sleep 3",
        "cat /root/faucet.env > /etc/prim/faucet.env; systemctl restart prim-faucet; sleep 3",
    ),
    deed(
        "a container of somebody's that ended well",
        "docker run --rm --network none qdrant/qdrant:v1.12.4 true || true",
        "",
    ),
];

const PLUGSPACE: &[Deed] = &[
    deed("the site in maintenance", "opsctl maintenance on -q --yes", ""),
    deed("and out of it again", "opsctl maintenance off -q --yes", ""),
    deed("the proxy reloaded", "systemctl reload nginx", ""),
];

const BARE: &[Deed] = &[
    deed(
        "one proxy beside an idle other",
        "printf ':80 {\\n respond hello\\n}\\n' > /etc/caddy/Caddyfile; systemctl enable -q --now caddy; sleep 1",
        "systemctl disable -q --now caddy",
    ),
    deed(
        "a server of keys and one of rows",
        "systemctl enable -q --now redis-server postgresql; sleep 3",
        "systemctl disable -q --now redis-server postgresql",
    ),
];

/// How often each host is looked at: `OPSCTL_QUIET` in a full run.
fn rounds() -> usize {
    std::env::var("OPSCTL_QUIET").map_or(8, |text| text.parse().unwrap())
}

fn quiet(machine: &Machine, what: &str, args: &[&str]) -> Option<String> {
    let silent = |document: &Value| {
        let open = document["undetermined"].as_array().unwrap();
        !open.is_empty() && open.iter().all(|open| open["because"].as_str().unwrap().contains("no answer in"))
    };
    let begun = Instant::now();
    let (code, document): (i32, Value) = loop {
        let (code, document) = diagnose(machine, args);
        // What a busy machine does not answer in time is unknown, and no finding.
        if code != 4 || !silent(&document) || begun.elapsed() > Duration::from_secs(60) {
            break (code, document);
        }
        std::thread::sleep(Duration::from_secs(1));
    };
    let found: Vec<String> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| format!("{} {}: {}", finding["code"], finding["subject"], finding["summary"]))
        .collect();
    let open: Vec<String> =
        document["undetermined"].as_array().unwrap().iter().map(|open| format!("{}", open["because"])).collect();
    (code != 0 || !found.is_empty() || !open.is_empty()).then(|| format!("{what}: exit {code}: {found:?} {open:?}"))
}

fn undisturbed(layout: &str, deeds: &[&[Deed]]) {
    let machine = Machine::boot_as(layout, &format!("it-{layout}-calm"));
    let begun = Instant::now();
    while diagnose(&machine, &[]).0 != 0 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(500));
    }
    let mut wrong: Vec<String> = (0..rounds()).filter_map(|_| quiet(&machine, "left alone", &[])).collect();
    for deed in deeds.iter().copied().flatten() {
        machine.sh(deed.doing);
        let units = "systemctl list-units --all --plain --no-legend '*.service' | awk '{print $1, $3}' | sort; docker ps -aq 2>/dev/null || true";
        let before = machine.sh(units);
        // What a look does not see the next may.
        wrong.extend((0..3).filter_map(|_| quiet(&machine, deed.what, &[])));
        wrong.extend(quiet(&machine, &format!("{}, with --fix", deed.what), &["--fix"]));
        let after = machine.sh(units);
        let changed = before.lines().filter(|line| !after.lines().any(|other| other == *line));
        wrong.extend(changed.map(|line| format!("{}: --fix changed {line}", deed.what)));
        if !deed.undoing.is_empty() {
            machine.sh(deed.undoing);
        }
    }
    assert!(wrong.is_empty(), "{layout}:\n{}", wrong.join("\n"));
}

#[test]
fn nothing_is_found_on_a_bare_host() {
    undisturbed("bare", &[ANYWHERE, BARE]);
}

#[test]
fn nothing_is_found_on_a_healthy_prim() {
    undisturbed("prim", &[ANYWHERE, PRIM]);
}

#[test]
fn nothing_is_found_on_a_healthy_plugspace() {
    undisturbed("plugspace", &[ANYWHERE, PLUGSPACE]);
}

#[test]
fn nothing_is_found_on_a_healthy_ai_fsm() {
    undisturbed("ai-fsm", &[ANYWHERE]);
}

#[test]
fn nothing_is_found_on_a_healthy_fondation() {
    undisturbed("fondation", &[ANYWHERE]);
}

#[test]
fn nothing_is_found_on_a_healthy_v_edfinance() {
    undisturbed("v-edfinance", &[ANYWHERE]);
}
