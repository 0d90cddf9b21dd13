//! `redeploy` and `rollback` with real git origins, pnpm, npm, images and pm2: good versions, versions that do not build, do not
//! start or were swept away, and an opsctl that is told to end, or killed, between any two steps.

mod prim;

use serde_json::Value;

use crate::machine::{Machine, Ran};

/// opsctl with these words and `-o json`.
fn ops(machine: &Machine, words: &str) -> Ran {
    let mut command = vec!["opsctl", "-o", "json"];
    command.extend(words.split(' '));
    machine.run(&command)
}

/// What a change came to: exit code, outcome, and the services that were switched and switched back, each with its outcome.
#[derive(Debug, PartialEq, Eq)]
struct Came {
    code: i32,
    outcome: String,
    targets: String,
    restored: String,
}

fn came(code: i32, outcome: &str, targets: &str, restored: &str) -> Came {
    let [outcome, targets, restored] = [outcome, targets, restored].map(str::to_owned);
    Came { code, outcome, targets, restored }
}

fn document(ran: &Ran) -> Value {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    assert_eq!(document["exit_code"], ran.code, "{ran:#?}");
    document
}

/// Runs opsctl and tells what it came to, and the whole document.
fn release(machine: &Machine, words: &str) -> (Came, Value) {
    let document = document(&ops(machine, words));
    let targets = |field: &str| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let targets = document[field].as_array().into_iter().flatten();
        let words: Vec<String> =
            targets.map(|target| format!("{} {}", text(&target["service"]), text(&target["outcome"]))).collect();
        words.join(", ")
    };
    let came = Came {
        code: i32::try_from(document["exit_code"].as_i64().unwrap()).unwrap(),
        outcome: document["outcome"].as_str().unwrap_or_default().to_owned(),
        targets: targets("targets"),
        restored: targets("restored"),
    };
    (came, document)
}

/// The message of a refusal, which must have this code.
fn refused(machine: &Machine, words: &str, code: i32) -> String {
    let ran = ops(machine, words);
    assert_eq!(ran.code, code, "opsctl {words}\n{ran:#?}");
    document(&ran)["error"]["message"].as_str().unwrap().to_owned()
}

/// Titles of the steps of a document.
fn titles(document: &Value) -> Vec<&str> {
    document["steps"].as_array().unwrap().iter().map(|step| step["title"].as_str().unwrap()).collect()
}

/// A commit on the origin by somebody else: `edit` is run in a clone of it. Returns its hash.
fn push(machine: &Machine, origin: &str, edit: &str, subject: &str) -> String {
    let owner = machine.sh(&format!("stat -c %U /srv/origin/{origin}.git/HEAD"));
    let lines = format!(
        "rm -rf /tmp/clone; git clone -q /srv/origin/{origin}.git /tmp/clone; cd /tmp/clone
         git config user.name 'Ada Deploy'; git config user.email ada@example.org
         {{ {edit}; }} >&2; git add -A; git commit -qm '{subject}'; git push -q --force origin HEAD:main; git rev-parse HEAD"
    );
    let ran = machine.run_as(owner.trim(), &["sh", "-ec", &lines]);
    assert_eq!(ran.code, 0, "{lines}\n{ran:#?}");
    ran.stdout.trim().to_owned()
}

/// The commit that a working copy is at.
fn head(machine: &Machine, path: &str) -> String {
    machine.sh(&format!("git -c safe.directory='*' -C {path} rev-parse HEAD")).trim().to_owned()
}

/// opsctl with these words, sent a signal just before it notes its n-th step; false when it had fewer.
fn struck(machine: &Machine, words: &str, signal: &str, n: u32) -> bool {
    let lines = format!(
        "strace -qq -o /run/struck -e trace=ftruncate -e inject=ftruncate:signal={signal}:when={n} opsctl -q {words} \
         >/run/said 2>&1; grep -c ^ftruncate /run/struck"
    );
    let count: u32 = machine.run(&["sh", "-c", &lines]).stdout.trim().parse().unwrap();
    count >= n
}
