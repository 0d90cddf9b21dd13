//! A restart that is killed, hung up on, interrupted or terminated at each of its boundaries: strace sends the signal when
//! opsctl enters its first, second, third … system call of a kind, so that every point is met in every run.

use super::*;

/// The system calls of opsctl's main thread at which something begins or ends: the lock is taken, its note and the trail are
/// written and made durable, a command is started, waited for and reaped, a look begins, its next one is waited for.
const CALLS: [&str; 12] = [
    "mkdir",
    "flock",
    "write",
    "pwrite64",
    "ftruncate",
    "fdatasync",
    "clone3",
    "pidfd_open",
    "ppoll",
    "wait4",
    "poll",
    "clock_nanosleep",
];

/// No more points of one kind than this: what follows is one look after the other.
const MOST: usize = 10;

const SIGNALS: [(&str, i32); 4] = [("KILL", 137), ("HUP", 129), ("INT", 130), ("TERM", 143)];

/// How often each call is made: `CALL NUMBER` a line.
const COUNT: &str = "strace -qq -o /run/calls opsctl -q restart track -y --settle 100ms >/dev/null 2>&1
    cut -d'(' -f1 /run/calls | sort | uniq -c | while read -r number call; do echo $call $number; done";

/// Restarts `track`, sends the signal, and tells what is left: exit code, unit, commands that still run, lock, whether the
/// lock file can be locked, problems of `status` about a change, whether another run of the service has begun, the phases
/// that the trail got, then exit code and remark of another restart and what is left of that.
const POINT: &str = r#"
    trail=/var/log/opsctl/audit.jsonl
    run() { systemctl show -P InvocationID prim-track; }
    before=$(run) lines=$(cat $trail | wc -l) code=0
    strace -qq -o /dev/null -e trace=$2 -e inject=$2:signal=$1:when=$3 opsctl -q restart track -y --settle 100ms >/run/said 2>&1 || code=$?
    for i in $(seq 100); do pgrep -f '^/usr/bin/systemctl --no-ask' >/dev/null || break; sleep 0.02; done
    left=$(pgrep -fc '^/usr/bin/systemctl --no-ask')
    for i in $(seq 250); do curl -sf -o /dev/null localhost:3010 && break; sleep 0.02; done
    unit=$(systemctl is-active prim-track)
    touched=$([ "$before" = "$(run)" ] && echo no || echo yes)
    lock=$(opsctl lock status -o name)
    free=$(flock -n /run/opsctl/prim.lock true && echo free || echo locked)
    named=$(opsctl status track -o json | jq '[.problems[] | select(.subject == "change" and (.summary | startswith("restart track of ")))] | length')
    phases=$(tail -n +$((lines + 1)) $trail | jq -r .phase | tr '\n' '+')
    again=0; opsctl restart track -y --settle 50ms >/run/again 2>&1 || again=$?
    told=$(grep -c 'restart track of .* did not finish' /run/again)
    echo $code $unit $left $lock $free $named $touched ${phases:-none} $again $told $(opsctl lock status -o name) $(systemctl is-active prim-track)
"#;

/// K2, K5, J8
#[test]
fn signals_at_each_boundary() {
    let machine = Machine::boot_as("prim", "it-prim-killed");
    machine.sh("touch /var/log/before; opsctl -q restart track -y --settle 50ms");
    machine.sh(&format!("cat > /root/point <<'END'\n{POINT}END"));
    let counted = machine.sh(COUNT);
    let number = |call: &str| {
        let line = counted.lines().find_map(|line| line.strip_prefix(call)?.strip_prefix(' '));
        line.map_or(0, |number| number.parse::<usize>().unwrap()).min(MOST)
    };
    let (mut points, mut unfinished, mut failures) = (0, 0, Vec::new());
    for (signal, code) in SIGNALS {
        for call in CALLS {
            for when in 1..=number(call) {
                let ran = machine.run(&["bash", "/root/point", signal, call, &when.to_string()]);
                points += 1;
                match ran.stdout.split_whitespace().collect::<Vec<_>>()[..] {
                    // Nothing had begun.
                    [ended, "active", "0", "free", "free", "0", "no", "none", "0", "0", "free", "active"]
                        if ended == code.to_string() => {}
                    // All was over: the signal came too late, or not at all in this run.
                    [ended, "active", "0", "free", "free", "0", "yes", "begin+end+", "0", "0", "free", "active"]
                        if ended == code.to_string() || ended == "0" => {}
                    // It had begun, and whoever looks is told so.
                    [
                        ended,
                        "active",
                        "0",
                        "unfinished",
                        "free",
                        "1",
                        _,
                        "none" | "begin+" | "begin+end+",
                        "0",
                        "1",
                        "free",
                        "active",
                    ] if ended == code.to_string() => {
                        unfinished += 1;
                    }
                    _ => failures.push(format!("{signal} at {call} {when}: {} {}", ran.stdout.trim_end(), ran.stderr)),
                }
            }
        }
    }
    eprintln!("{points} points, at {unfinished} of them the restart was left unfinished");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(points > 100 && unfinished > points / 3, "{points} points, {unfinished} unfinished: {counted}");
    assert_eq!(must(&machine, "lock status", 0), "free\n");
}
