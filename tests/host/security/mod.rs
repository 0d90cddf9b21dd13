//! Nobody on a host gets more through root's opsctl than they have. Each attempt is planted as the user who could plant it; then
//! root runs verbs over it. Whatever is tried: no word of root's files is printed, sent or packed, no file of root's changes,
//! nothing runs as root, root's terminal stays root's, the call ends in time with an exit code of the contract and its lock is
//! free. `docs/security.md` holds what was tried and what came of it.

mod ai_fsm;
mod anybody;
mod bucket;
mod page;
mod plugspace;
mod prim;
mod terminal;

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::machine::{Machine, Ran};

/// What root's files hold and nobody else may read.
const CANARY: &str = "dummy-canary-of-root-4711";
/// No call takes as long; far more than any deadline of opsctl's, because the machine is shared.
const HUNG: Duration = Duration::from_secs(90);

/// Something that somebody tries.
struct Attempt {
    /// Who, in the words of the page.
    attacker: &'static str,
    /// As which user of the host it is planted.
    user: &'static str,
    /// What, in the words of the page.
    tried: &'static str,
    /// Shell lines that plant it, as that user.
    plant: &'static str,
    /// What root then calls.
    verbs: &'static [&'static str],
    /// What one of these calls says, so that it is known to have met what was planted; empty where silence is right.
    says: &'static str,
    /// Shell lines of root's that put everything back.
    heal: &'static str,
}

/// A line of the page.
struct Row {
    attacker: &'static str,
    verb: String,
    tried: String,
    outcome: String,
}

/// Lays out what root has to lose.
const LAY_OUT: &str = r#"
    mkdir -p /root/keep /marks; chmod 700 /root; chmod 1777 /marks
    printf 'dummy-canary-of-root-4711\n' > /root/canary; chmod 600 /root/canary
    printf 'KEY=dummy-canary-of-root-4711\ndummy-canary-of-root-4711\n' > /root/keep/.env; chmod 600 /root/keep/.env
    printf 'dummy-canary-of-root-4711\n' > /root/keep/file; chmod 600 /root/keep/file
    sed -i 's|^root:[^:]*:|root:dummy-canary-of-root-4711:|' /etc/shadow
"#;

/// What root has, as it is.
fn roots_files(machine: &Machine) -> String {
    machine.sh(
        "cd /root; find . -path ./.pm2 -prune -o -path ./.cache -prune -o -path ./.config -prune -o -path ./.npm -prune \
             -o -printf '%p %u %m %l\\n' | sort
         sha256sum /root/canary /root/keep/.env /root/keep/file /etc/shadow /etc/passwd; find /marks -uid 0 ! -path /marks",
    )
}

/// Tries one after the other; a line of the page for each.
fn try_all(machine: &Machine, attempts: &[Attempt]) -> Vec<Row> {
    machine.sh(LAY_OUT);
    let before = roots_files(machine);
    attempts.iter().map(|attempt| tried(machine, attempt, &before)).collect()
}

fn tried(machine: &Machine, attempt: &Attempt, before: &str) -> Row {
    let what = format!("{}: {}", attempt.attacker, attempt.tried);
    let planted = machine.run(&["runuser", "-u", attempt.user, "--", "sh", "-ec", attempt.plant]);
    assert_eq!(planted.code, 0, "{what}: {planted:#?}");
    let mut codes = Vec::new();
    let mut said = String::new();
    for verb in attempt.verbs {
        let ran = call(machine, verb, &what);
        let _ = write!(said, "{}\n{}\n", ran.stdout, ran.stderr);
        codes.push(ran.code.to_string());
    }
    assert!(said.contains(attempt.says), "{what}: nothing says {:?}: {said}", attempt.says);
    machine.sh(attempt.heal);
    assert_eq!(roots_files(machine), before, "{what}: root's files changed");
    let words: Vec<&str> = attempt.verbs.iter().filter_map(|verb| verb.split(" -").next()).collect();
    let outcome = match attempt.says {
        "" => "no breach".to_owned(),
        says => format!("no breach; \"{says}\""),
    };
    Row { attacker: attempt.attacker, verb: words.join(", "), tried: attempt.tried.to_owned(), outcome }
}

/// One call of root's, which must end, give nothing away and leave no lock.
fn call(machine: &Machine, verb: &str, what: &str) -> Ran {
    let begun = Instant::now();
    let line =
        format!("export CANARY_ENV={CANARY}; exec timeout --signal=KILL {} opsctl {verb} </dev/null", HUNG.as_secs());
    // What is packed counts as well as what is printed.
    let line = match verb.contains("--bundle") {
        true => format!("({line}) | tar -xOf - 2>&1"),
        false => line,
    };
    let ran = machine.run(&["sh", "-c", &line]);
    let what = format!("{what}: opsctl {verb}");
    assert!(begun.elapsed() < HUNG && ran.code != 137, "{what}: it hung");
    let all = format!("{}{}", ran.stdout, ran.stderr);
    // What opsctl is started with is its own; `export` is not printed.
    assert!(!all.contains(CANARY), "{what}: root's secret is given away: {all}");
    assert!(!all.contains('\x1b') && !all.contains('\u{9b}'), "{what}: raw control characters: {all:?}");
    assert!(!all.contains("opsctl itself"), "{what}: {all}");
    let known = [0, 1, 2, 3, 4, 5, 7, 8, 9];
    assert!(known.contains(&ran.code), "{what}: exit {}: {all}", ran.code);
    let lock = machine.run(&["opsctl", "lock", "status"]);
    assert!(!lock.stdout.contains("held"), "{what}: its lock is held: {lock:#?}");
    ran
}

/// Every attempt on every host, side by side; the page holds what came of them.
#[test]
fn nobody_gets_more() {
    let hosts: [fn() -> Vec<Row>; 3] = [plugspace::attempts, prim::attempts, ai_fsm::attempts];
    let rows: Vec<Row> = std::thread::scope(|scope| {
        let threads: Vec<_> = hosts.iter().map(|host| scope.spawn(host)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    page::compare(&rows);
}
