//! Checks that are killed at each system call that changes a file of theirs or speaks to a receiver. Whatever the point, the checks after
//! it notify of the failure once and of the recovery once, or say that they repeat themselves; the record can be read, no lock and no
//! other file stays.

use std::path::Path;

use serde_json::Value;

use super::{CHANNELS, boot};
use crate::backup::killed::is_whole;
use crate::machine::Machine;

/// What the killed check is: the first that finds the failure, the one that notifies, the same where the service is started before the
/// next one, and the one that notifies of the recovery. How many of its points a plain run takes.
const SITUATIONS: [(&str, usize); 4] = [("first", 6), ("notifies", 12), ("over", 10), ("recovery", 10)];
const RECEIVERS: [&str; 3] = ["/slack", "/webhook", "/pagerduty"];

/// What is wrong with what came of a point.
fn judge(situation: &str, found: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |is_right: bool, what: &str| {
        if !is_right {
            wrong.push(what.to_owned());
        }
    };
    expect(found["readable"] == true, "the record");
    expect(found["free"] == true, "the lock");
    expect(found["left"].as_array().is_some_and(Vec::is_empty), "what is left over");
    let codes = match situation {
        "first" | "notifies" => serde_json::json!([3, 3, 0, 0]),
        _ => serde_json::json!([0, 0]),
    };
    expect(found["codes"] == codes, "the exit codes");
    for receiver in RECEIVERS {
        let count = |kind: &str| {
            let both = &found[kind][receiver];
            (both[0].as_u64().unwrap_or(0), both[1].as_u64().unwrap_or(0))
        };
        let is_once = |(count, repeated): (u64, u64)| (1..=2).contains(&count) && count - repeated <= 1;
        let (failed, recovered) = (count("failed"), count("recovered"));
        let is_right = match situation {
            // It is over: one message is about both, none where no record has it, and none again.
            "over" if found["open"] == false => failed.0 == 0 && recovered.0 == 0,
            // PagerDuty has nothing to resolve.
            "over" if failed.0 == 0 && receiver == "/pagerduty" => true,
            "over" => (failed.0 == 0 || is_once(failed)) && is_once(recovered),
            _ => is_once(failed) && is_once(recovered),
        };
        expect(is_right, &format!("{receiver}: {failed:?} {recovered:?}"));
    }
    wrong
}

/// Kills checks at some of their points, or at all; how many there were.
fn sweep(machine: &Machine, situation: &str, some: usize, wrong: &mut Vec<String>) -> usize {
    let count = if is_whole() { "all".to_owned() } else { some.to_string() };
    let said = machine.sh(&format!("python3 /root/sweep {situation} {count}"));
    let mut lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let points = lines.next().unwrap()["points"].as_array().unwrap().len();
    let (mut all, mut killed) = (0, 0);
    for found in lines {
        all += 1;
        killed += usize::from(found["killed"] == true);
        let what = judge(situation, &found);
        if !what.is_empty() {
            wrong.push(format!("{situation}: {}: {found}", what.join(", ")));
            eprintln!("{}", wrong.last().unwrap());
        }
    }
    // A run has a call more or less than another.
    assert!(killed > 0 && all - killed <= 1 + all / 10, "{situation}: {killed} of {all} were killed");
    eprintln!("{situation}: {killed} of {points} points");
    killed
}

#[test]
fn a_check_that_is_killed_loses_no_message_and_sends_none_twice() {
    let machine = boot("bare", "it-killed-checks", CHANNELS);
    machine.put(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/check/killed/sweep"), "/root/sweep");
    machine.sh(
        "printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/shop.service
        systemctl daemon-reload; systemctl enable -q --now shop",
    );
    let mut wrong = Vec::new();
    let all: usize = SITUATIONS.iter().map(|(situation, some)| sweep(&machine, situation, *some, &mut wrong)).sum();
    assert!(wrong.is_empty(), "{} of {all} points are wrong: {wrong:#?}", wrong.len());
    assert!(!is_whole() || all >= 200, "{all} points");
}
