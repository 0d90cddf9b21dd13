//! Backup, prune and restore that are killed, hung up on, interrupted or terminated at each of their boundaries: strace sends the
//! signal when opsctl enters its first, second, third … system call of a kind. Whatever the point, the live data is whole, it is
//! the old or the new, nothing lies beside it that belongs to another, and the next call brings all to an end.

use super::*;

/// The system calls by which files are made, changed, moved, made durable and removed, and by which commands are begun.
const CALLS: [&str; 17] = [
    "mkdir",
    "mkdirat",
    "openat",
    "flock",
    "write",
    "pwrite64",
    "ftruncate",
    "fchmod",
    "fchown",
    "fsync",
    "fdatasync",
    "linkat",
    "rename",
    "renameat",
    "unlink",
    "unlinkat",
    "clone3",
];

/// No more points of one kind than this; of many, those are taken that are spread over all of them.
const MOST: usize = 14;

/// What is done, and what it takes to be able to do it again.
const DEEDS: [(&str, &str); 3] = [
    ("restore wallet -y --settle 100ms", "true"),
    ("backup wallet", "true"),
    ("backup prune wallet --yes", "opsctl -q backup wallet"),
];

/// Does it with the signal, and tells what is left: exit code, rows of the live file, whether it is whole, files beside it that
/// are not its own; then what the next call says, and the same again.
const POINT: &str = r#"
    rows() { sqlite3 "file:/opt/prim/wallet.db?mode=ro" 'PRAGMA integrity_check; SELECT count(*) FROM kept' 2>&1 | paste -sd/; }
    signal=$1 call=$2 when=$3; shift 3
    code=0
    strace -qq -o /dev/null -e trace=$call -e inject=$call:signal=$signal:when=$when opsctl -q "$@" >/run/said 2>&1 || code=$?
    for i in $(seq 100); do pgrep -x rclone >/dev/null || break; sleep 0.02; done
    first=$(rows)
    again=0; opsctl -q restore --recover -y --settle 100ms >/run/again 2>&1 || again=$?
    second=$(rows)
    next=0; opsctl -q backup wallet >/run/next 2>&1 || next=$?
    opsctl -q restore --forget-old -y >/dev/null 2>&1
    for i in $(seq 100); do curl -sf -o /dev/null localhost:3001 && break; sleep 0.02; done
    echo $code $first $again $second $next $(ls -A /opt/prim | grep -c opsctl) $(systemctl is-active prim-wallet) \
        $(ls -A /var/lib/opsctl/backup/prim | wc -l)
"#;

#[test]
fn signals_at_each_boundary() {
    let machine = Machine::boot_as("prim", "it-prim-backup-killed");
    machine.sh(DATABASES);
    machine.sh(&format!("cat > /root/point <<'END'\n{POINT}END"));
    opsctl(&machine, "-q backup wallet", 0);
    let (mut points, mut failures) = (0, Vec::new());
    for (deed, before) in DEEDS {
        let counted = machine.sh(&format!(
            "{before}; strace -qq -o /run/calls opsctl -q {deed} >/dev/null 2>&1; opsctl -q restore --forget-old -y >/dev/null 2>&1
             cut -d'(' -f1 /run/calls | sort | uniq -c | while read -r number call; do echo $call $number; done"
        ));
        let number = |call: &str| -> usize {
            let line = counted.lines().find_map(|line| line.strip_prefix(call)?.strip_prefix(' '));
            line.map_or(0, |number| number.parse().unwrap())
        };
        for signal in ["KILL", "TERM"] {
            let calls: &[&str] = if signal == "KILL" { &CALLS } else { &["clone3"] };
            for call in calls {
                let all = number(call);
                for turn in 0..all.min(MOST) {
                    let when = 1 + turn * all / all.min(MOST);
                    machine.sh(before);
                    let mut line = vec!["bash", "/root/point", signal, call];
                    let when = when.to_string();
                    line.push(&when);
                    line.extend(deed.split_whitespace());
                    let ran = machine.run(&line);
                    points += 1;
                    match ran.stdout.split_whitespace().collect::<Vec<_>>()[..] {
                        [_, first, "0", second, "0", "0", "active", "0"]
                            if first == "ok/1000" && second == "ok/1000" => {}
                        _ => failures.push(format!(
                            "{deed}: {signal} at {call} {when}: {} {}",
                            ran.stdout.trim_end(),
                            ran.stderr
                        )),
                    }
                }
            }
        }
    }
    eprintln!("{points} points");
    assert!(failures.is_empty(), "{points} points\n{}", failures.join("\n"));
    assert!(points >= 300, "{points} points");
}
