//! A fault is injected, and `status` must show it: what its document then has otherwise than the healthy one is compared as a
//! whole. The fault is healed, and `status` must be as before.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use snapbox::prelude::*;
use snapbox::{Data, assert_data_eq};

use crate::difference::difference;
use crate::machine::Machine;
use crate::mask;

/// Something that goes wrong on a host.
pub struct Fault {
    /// Names the document; catalogue ids first.
    pub name: &'static str,
    /// Shell lines that make it so.
    pub inject: &'static str,
    /// Shell lines that put everything back.
    pub heal: &'static str,
}

/// How long a host may take to come to rest.
const REST: Duration = Duration::from_secs(60);

pub fn golden(deployment: &str, name: &str, ending: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/host/golden/{deployment}/{name}.{ending}"))
}

fn overwriting() -> bool {
    std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite")
}

/// `status` as a masked document; its exit code must be the process's, and stderr empty.
pub fn status(machine: &Machine) -> Value {
    let ran = machine.run(&["opsctl", "status", "-o", "json"]);
    assert_eq!(ran.stderr, "");
    let document = mask::document(&ran.stdout);
    assert_eq!(document["exit_code"], ran.code, "{}", ran.stdout);
    document
}

/// What the host is expected to come to rest at.
enum Rest<'a> {
    /// The recorded document of this name; when rewriting, whatever stays the same.
    Recorded(&'a str),
    /// What differs from this document is what is recorded under that name; when rewriting, whatever differs and stays so.
    Differing(&'a str, &'a Value),
    /// This document.
    Known(&'a Value),
}

impl Rest<'_> {
    /// Where that is recorded, if it is.
    fn path(&self, deployment: &str) -> Option<PathBuf> {
        match self {
            Rest::Recorded(name) | Rest::Differing(name, _) => Some(golden(deployment, name, "json")),
            Rest::Known(_) => None,
        }
    }

    /// What is compared of a document.
    fn part(&self, document: &Value) -> Value {
        match self {
            Rest::Differing(_, base) => difference(base, document),
            Rest::Recorded(_) | Rest::Known(_) => document.clone(),
        }
    }
}

/// Waits until `status` is what is expected, and compares it as a whole.
fn settle(machine: &Machine, deployment: &str, rest: &Rest<'_>) -> Value {
    let path = rest.path(deployment);
    let expected = match (rest, &path) {
        (Rest::Known(document), _) => Some((*document).clone()),
        (_, Some(path)) if !overwriting() => {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            Some(serde_json::from_str(&text).unwrap_or_default())
        }
        _ => None,
    };
    let begun = Instant::now();
    let mut stable = 0;
    let mut last = status(machine);
    while begun.elapsed() < REST {
        let done = match (&expected, rest) {
            (Some(expected), _) => *expected == rest.part(&last),
            (None, Rest::Differing(_, base)) => stable >= 3 && **base != last,
            (None, _) => stable >= 3,
        };
        if done {
            break;
        }
        std::thread::sleep(Duration::from_millis(300));
        let now = status(machine);
        stable = if now == last { stable + 1 } else { 0 };
        last = now;
    }
    let actual = format!("{:#}\n", rest.part(&last));
    match (rest, path) {
        (Rest::Known(document), _) => assert_data_eq!(actual.raw(), format!("{document:#}\n").raw()),
        (_, path) => assert_data_eq!(actual.raw(), Data::read_from(&path.unwrap(), None).raw()),
    }
    last
}

/// Compares a text as a whole.
pub fn compare(deployment: &str, name: &str, actual: &str) {
    let path = golden(deployment, name, "txt");
    assert_data_eq!(actual.to_owned().raw(), Data::read_from(&path, None).raw());
}

/// The healthy document and its text, then each fault, and the healthy document again after each.
pub fn drive(machine: &Machine, deployment: &str, faults: &[Fault]) {
    let healthy = settle(machine, deployment, &Rest::Recorded("healthy"));
    let text = machine.run(&["opsctl", "status"]);
    compare(deployment, "healthy", &mask::text(&text.stdout));
    let drift = machine.run(&["opsctl", "verify", "-o", "wide"]);
    compare(deployment, "verify", &format!("exit {}\n{}", drift.code, mask::text(&drift.stdout)));
    for fault in faults {
        let begun = Instant::now();
        machine.sh(fault.inject);
        let broken = settle(machine, deployment, &Rest::Differing(fault.name, &healthy));
        assert_ne!(broken, healthy, "{deployment}: {} went unnoticed", fault.name);
        machine.sh(fault.heal);
        settle(machine, deployment, &Rest::Known(&healthy));
        eprintln!("{deployment}: {} seen and healed in {} s", fault.name, begun.elapsed().as_secs());
    }
}
