//! Nobody on a host gets more through root's opsctl than they have. Each attempt is planted as the user who could plant it; then
//! root runs verbs over it. Whatever is tried: no word of root's files is printed, sent or packed, no file of root's changes,
//! nothing runs as root, root's terminal stays root's, the call ends in time with an exit code of the contract, its lock is free
//! and nothing of it still runs; and the answer is there all the same. `docs/security.md` holds what was tried and what came of it.
//!
//! A plain run leaves out what takes long; `OPSCTL_ATTACKS=all` takes all, any other value those whose description has it, or
//! one of several with `|` between them, in it. A part is compared with no page, and with
//! `SNAPSHOTS=overwrite` replaces its own lines.

mod ai_fsm;
mod anybody;
mod bucket;
mod containers;
mod databases;
mod links;
mod login;
mod logs;
mod page;
mod plugspace;
mod prim;
mod races;
mod repository;
mod servers;
mod shortages;
mod terminal;

use std::fmt::Write;
use std::path::Path;

use crate::machine::{Machine, Ran};

const APP: &str = "application user";
const CONTAINER: &str = "container root";
const KEY: &str = "holder of the bucket's key";
const SERVER: &str = "remote server";
const WRITER: &str = "log writer";
const LOGIN: &str = "unprivileged login";
/// Nobody's doing: what opsctl itself lacks must not be told of a service, nor leave anything half done.
const SHORTAGE: &str = "(a host short of something)";

/// What root's files hold and nobody else may read.
const CANARY: &str = "dummy-canary-of-root-4711";
/// What is a secret by its form alone: nothing on the host says so.
const KEY_CANARY: &str = "PemBodyCanary4711";
/// Seconds that no call takes; far more than any deadline of opsctl's, because the machine is shared.
const HUNG: u64 = 90;
/// What a call that says how long it may take gets beside that, on a shared machine.
const GRACE: u64 = 20;
/// MiB that neither opsctl nor any tool that it starts may need: whatever is planted is bounded or not read.
const MEMORY: u64 = 600;

/// Something that somebody tries.
#[derive(Clone, Copy)]
struct Attempt {
    /// Who, in the words of the page.
    attacker: &'static str,
    /// As which user of the host it is planted.
    user: &'static str,
    /// What, in the words of the page.
    tried: &'static str,
    /// Shell lines that plant it, as that user.
    plant: &'static str,
    /// Put before opsctl in each call, such as a limit.
    with: &'static str,
    /// What root then calls.
    verbs: &'static [&'static str],
    /// With which codes it may end; empty for all that mean that opsctl ended by itself.
    codes: &'static [i32],
    /// What one of these calls says, so that it is known to have met what was planted; empty where silence is right.
    says: &'static str,
    /// What every one of these calls says: the rest of the answer, which is there all the same.
    all_say: &'static str,
    /// Shell lines of root's that must succeed before all is put back.
    holds: &'static str,
    /// Shell lines of root's that put everything back.
    heal: &'static str,
    /// Takes long, and is left out of a plain run.
    long: bool,
}

const NONE: Attempt = Attempt {
    attacker: "",
    user: "root",
    tried: "",
    plant: ":",
    with: "",
    verbs: &[],
    codes: &[],
    says: "",
    all_say: "",
    holds: ":",
    heal: ":",
    long: false,
};

/// A line of the page.
struct Row {
    attacker: &'static str,
    /// Verbs, with commas between them.
    verb: String,
    tried: String,
    outcome: String,
}

/// How every outcome begins that is none of an attacker's liking.
const HELD: &str = "no breach";
/// How one begins that was left out of this run.
const LEFT_OUT: &str = "left out";

/// Lays out what root has to lose.
const LAY_OUT: &str = r#"
    mkdir -p /root/keep/sub /root/.step /marks; chmod 700 /root; chmod 1777 /marks; chmod 755 /usr/local/lib/attack
    printf 'dummy-canary-of-root-4711\n' > /root/canary; chmod 600 /root/canary
    printf 'KEY=dummy-canary-of-root-4711\ndummy-canary-of-root-4711\n' > /root/keep/.env; chmod 600 /root/keep/.env
    for file in file sub/file CURRENT ecosystem.config.js package.json docker-compose.yml; do
        printf 'dummy-canary-of-root-4711\n' > /root/keep/$file; chmod 600 /root/keep/$file; done
    sqlite3 /root/keep/root.db 'CREATE TABLE kept (a, b); INSERT INTO kept VALUES (1, "dummy-canary-of-root-4711")'
    sed -i 's|^root:[^:]*:|root:dummy-canary-of-root-4711:|' /etc/shadow
"#;

/// What root has, as it is.
fn roots_files(machine: &Machine) -> String {
    machine.sh(
        "cd /root; find . -path ./.pm2 -prune -o -path ./.cache -prune -o -path ./.config -prune -o -path ./.npm -prune \
             -o -path ./.docker -prune -o -printf '%p %u %m %l\\n' | sort
         find /root/canary /root/keep -type f -exec sha256sum {} + | sort
         sha256sum /etc/shadow /etc/passwd /etc/group /etc/ssh/ssh_host_*
         find /etc/systemd/system /etc/cron* /usr/local/bin /usr/local/sbin /root/.ssh -printf '%p %U %m %s %l %T@\\n' 2>/dev/null | sort | sha256sum
         find /marks -uid 0 ! -path /marks; ! test -e /marks/ran || grep -E 'uid=0|OPENED|TERMINAL|LEAKED|SECRET' /marks/ran || true",
    )
}

/// The tools of the attackers, below `/usr/local/lib/attack`. Which deployment it is is said in each call: what is planted may
/// be just what it is found out by.
fn arm(machine: &Machine, deployment: &str) {
    machine.put(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/attacks/tools"), "/usr/local/lib/attack");
    machine.sh(&format!("printf {deployment} > /usr/local/lib/attack/deployment"));
    machine.sh(LAY_OUT);
}

/// Whether this run takes it.
fn is_wanted(tried: &str, long: bool) -> bool {
    match std::env::var("OPSCTL_ATTACKS") {
        Ok(all) if all == "all" => true,
        Ok(parts) if !parts.is_empty() => parts.split('|').any(|part| tried.contains(part)),
        _ => !long,
    }
}

/// Tries one after the other; a line of the page for each.
fn try_all(machine: &Machine, attempts: &[Attempt]) -> Vec<Row> {
    let before = roots_files(machine);
    attempts.iter().map(|attempt| tried(machine, attempt, &before)).collect()
}

fn tried(machine: &Machine, attempt: &Attempt, before: &str) -> Row {
    let row = |outcome: String| {
        let words: Vec<&str> = attempt.verbs.iter().filter_map(|verb| verb.split(" -").next()).collect();
        let words = words.iter().enumerate().filter(|(at, word)| !words[..*at].contains(word)).map(|(_, word)| *word);
        let verb = words.collect::<Vec<_>>().join(", ");
        Row { attacker: attempt.attacker, verb, tried: attempt.tried.to_owned(), outcome }
    };
    if !is_wanted(attempt.tried, attempt.long) {
        return row(LEFT_OUT.to_owned());
    }
    let begun = std::time::Instant::now();
    let outcome = breach(machine, attempt, before);
    let healed = machine.run(&["sh", "-ec", attempt.heal]);
    assert_eq!(healed.code, 0, "{}: cannot be put back: {healed:#?}", attempt.tried);
    machine.sh("rm -rf /marks/*");
    let outcome = match outcome {
        Err(breach) => {
            eprintln!("BREACH: {}: {}: {breach}", attempt.attacker, attempt.tried);
            format!("BREACH: {}", breach.lines().next().unwrap_or_default())
        }
        Ok(()) if attempt.says.is_empty() => HELD.to_owned(),
        Ok(()) => format!("{HELD}; \"{}\"", attempt.says),
    };
    // A plain run says only what went wrong: it is what is read of a long log.
    if std::env::var_os("OPSCTL_ATTACKS").is_some() {
        eprintln!("{:3} s: {}: {}: {outcome}", begun.elapsed().as_secs(), attempt.attacker, attempt.tried);
    }
    row(outcome)
}

/// What came of it that must not.
fn breach(machine: &Machine, attempt: &Attempt, before: &str) -> Result<(), String> {
    let planted = machine.run(&["runuser", "-u", attempt.user, "--", "sh", "-ec", attempt.plant]);
    assert_eq!(planted.code, 0, "{}: cannot be planted: {planted:#?}", attempt.tried);
    let mut said = String::new();
    for verb in attempt.verbs {
        let ran = call(machine, attempt.with, verb)?;
        let all = format!("{}\n{}\n", ran.stdout, ran.stderr);
        if !attempt.codes.is_empty() && !attempt.codes.contains(&ran.code) {
            return Err(format!("opsctl {verb}: exit {}, not {:?}: {all}", ran.code, attempt.codes));
        }
        if !all.contains(attempt.all_say) {
            return Err(format!("opsctl {verb}: the rest of the answer is missing ({:?}): {all}", attempt.all_say));
        }
        said.push_str(&all);
    }
    if !said.contains(attempt.says) {
        return Err(format!("nothing says {:?}: {said}", attempt.says));
    }
    let now = roots_files(machine);
    if now != before {
        let new: Vec<&str> = now.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
        let gone: Vec<&str> = before.lines().filter(|line| !now.lines().any(|new| new == *line)).collect();
        return Err(format!("what is root's changed: {new:?}, before {gone:?}"));
    }
    let held = machine.run(&["sh", "-ec", attempt.holds]);
    if held.code != 0 { Err(format!("what must hold does not: {held:#?}")) } else { Ok(()) }
}

/// One call of root's, which must end in time, give nothing away, and leave neither a lock nor a process.
fn call(machine: &Machine, with: &str, verb: &str) -> Result<Ran, String> {
    let stated = verb.split_once("--timeout ").and_then(|(_, rest)| rest.split('s').next()?.parse::<u64>().ok());
    let limit = stated.map_or(HUNG, |seconds| seconds + GRACE);
    let line = format!("/usr/local/lib/attack/call {limit} {with} opsctl {verb}");
    // What is packed counts as well as what is printed.
    let line = match verb.contains("--bundle") {
        true => format!("({line}) | tar -xOf - 2>/dev/null"),
        false => line,
    };
    let mut ran = machine.run(&["sh", "-c", &line]);
    let what = format!("opsctl {verb}");
    let (stderr, watched) = ran.stderr.rsplit_once("\n@ ").ok_or_else(|| format!("{what}: not watched: {ran:#?}"))?;
    let [code, took, peak, left] = watched.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err(format!("{what}: not watched: {watched}"));
    };
    let all = format!("{}{stderr}", ran.stdout);
    let excerpt = || all.chars().take(3000).collect::<String>();
    let problem = if code == "hung" {
        format!("it did not end within {limit} s")
    } else if all.contains(CANARY) || all.contains(KEY_CANARY) {
        "root's secret is given away".to_owned()
    } else if let Some(c) = all.chars().find(|c| drives_a_terminal(*c)) {
        format!("{c:?} reaches the terminal")
    } else if all.contains("opsctl has a bug") || all.contains("panicked at") {
        "it panics".to_owned()
    } else if left != "-" {
        format!("it leaves {left}")
    } else if peak.parse::<u64>().is_ok_and(|kib| kib > MEMORY << 10) {
        format!("it needs {peak} KiB")
    } else if code.parse::<i32>().is_ok_and(|code| ![0, 1, 2, 3, 4, 5, 7, 8, 9].contains(&code)) {
        format!("it ends with {code}")
    } else {
        ran.code = code.parse().unwrap_or(-1);
        ran.stderr = stderr.to_owned();
        return Ok(ran);
    };
    Err(format!("{what}: {problem} (after {took} ms)\n{}", excerpt()))
}

/// No such character of somebody else's may be printed.
fn drives_a_terminal(c: char) -> bool {
    (c < ' ' && c != '\n' && c != '\t')
        || ('\u{7f}'..='\u{9f}').contains(&c)
        || ('\u{200b}'..='\u{200f}').contains(&c)
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
        || c == '\u{feff}'
}

/// Every attempt on every host, side by side; the page holds what came of them.
#[test]
fn nobody_gets_more() {
    let hosts: [fn() -> Vec<Row>; 3] = [plugspace::attempts, prim::attempts, ai_fsm::attempts];
    let rows: Vec<Row> = std::thread::scope(|scope| {
        let threads: Vec<_> = hosts.iter().map(|host| scope.spawn(host)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut text = String::new();
    for row in rows.iter().filter(|row| row.outcome.starts_with("BREACH")) {
        let _ = writeln!(text, "{} | {} | {} | {}", row.attacker, row.verb, row.tried, row.outcome);
    }
    assert!(text.is_empty(), "breaches:\n{text}");
    let is_part = std::env::var("OPSCTL_ATTACKS").is_ok_and(|part| !part.is_empty() && part != "all");
    if !is_part || std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
        page::compare(&rows);
    }
}
