//! `redeploy` and `rollback` with real git origins, pnpm, npm, images and pm2: good versions, versions that do not build, do not
//! start or were swept away, and an opsctl that is told to end, or killed, between any two steps.

mod ai_fsm;
mod fondation;
mod plugspace;
mod prim;
mod v_edfinance;

use serde_json::Value;

use crate::machine::{Machine, Ran};

/// opsctl with these words and `-o json`, before others on a machine that other tests keep busy.
fn ops(machine: &Machine, words: &str) -> Ran {
    let mut command = vec!["nice", "-n", "-19", "opsctl", "-o", "json"];
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

/// All that a plan or a refusal must leave alone: images and their tags, containers, units' runs, pm2's processes, working
/// copies, and what opsctl writes.
const STATE: &str = "
    docker image ls --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' 2>/dev/null | sort
    docker ps -aq --no-trunc --format '{{.Names}} {{.ID}} {{.State}}' 2>/dev/null | sort
    for copy in /home/pi/ai-fsm /root/v-edfinance /home/plugspace/plugspace; do
        test ! -d $copy || git -c safe.directory='*' -C $copy rev-parse HEAD
    done
    pgrep -x -a 'node|PM2.*' || true
    systemctl show -P MainPID -P InvocationID docker fondation-worker 2>/dev/null || true
    find /var/lib/opsctl /var/log/opsctl -type f -exec sha1sum {} + 2>/dev/null | sort || true
";

fn state(machine: &Machine) -> String {
    machine.sh(STATE)
}

/// With `--dry-run` this is planned, and nothing differs afterwards; the document.
fn planned(machine: &Machine, words: &str) -> Value {
    let before = state(machine);
    let (came, document) = release(machine, &format!("{words} --dry-run"));
    assert_eq!((came.code, came.outcome.as_str()), (0, ""), "{document:#}");
    assert_eq!(state(machine), before, "opsctl {words} --dry-run");
    document
}

/// The id of the image that a container runs.
fn runs(machine: &Machine, container: &str) -> String {
    machine.sh(&format!("docker inspect -f '{{{{.Image}}}}' {container}")).trim().to_owned()
}

/// The id of the image with this tag; empty when there is none.
fn tagged(machine: &Machine, tag: &str) -> String {
    machine.sh(&format!("docker image inspect -f '{{{{.Id}}}}' {tag} 2>/dev/null || true")).trim().to_owned()
}

/// A page that must be served, within some seconds.
fn page(machine: &Machine, url: &str) -> String {
    machine.sh(&format!("curl -sf --retry 40 --retry-all-errors --retry-delay 0 --retry-max-time 20 {url}"))
}

/// An archive of `docker save` with a new image of this tag, built elsewhere: out of this directory after `edit` was run in it.
/// The host has only the archive afterwards.
fn archive(machine: &Machine, tag: &str, directory: &str, edit: &str, file: &str) {
    machine.sh(&format!(
        "rm -rf /tmp/elsewhere; cp -r {directory} /tmp/elsewhere; cd /tmp/elsewhere; {edit}
         old=$(docker image inspect -f '{{{{.Id}}}}' {tag}); docker build -q -t {tag} . >/dev/null 2>&1
         new=$(docker image inspect -f '{{{{.Id}}}}' {tag}); test $old != $new
         docker save -o {file} {tag}; docker tag $old {tag}; docker rmi $new >/dev/null"
    ));
}
