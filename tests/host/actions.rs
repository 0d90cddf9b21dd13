//! `restart`, `reload`, `start`, `stop`, `history` and `lock` on real managers: healthy services end healthy, broken ones are
//! never called a success, and where something is refused nothing has changed.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::machine::{Machine, Ran};

/// All that a change could leave behind: trees, units' runs, containers, processes. pm2's client touches a file of its own
/// whenever it is asked something.
const SNAPSHOT: &str = "
    for tree in /etc /var/log/opsctl /run/opsctl /run/systemd/system /root /home /opt; do
        find $tree -xdev -printf '%p %m %U %G %s %T@ %l\\n' 2>/dev/null | grep -v '/.pm2/touch ' | sort
    done
    find /etc /var/log/opsctl -xdev -type f -exec sha1sum {} + 2>/dev/null | sort
    docker ps -aq --no-trunc --format '{{.ID}} {{.State}}' 2>/dev/null | sort
    for unit in $(systemctl list-units --no-legend --plain --type=service --state=active | cut -d' ' -f1); do
        echo $unit $(systemctl show -P InvocationID -P MainPID $unit)
    done | grep -v '^user'
    pgrep -a -x 'bun|caddy|dockerd|pm2|node' || true
";

fn snapshot(machine: &Machine) -> String {
    machine.sh(SNAPSHOT)
}

/// Nothing differs from what was before.
fn unchanged(machine: &Machine, before: &str) {
    let now = snapshot(machine);
    let gone: Vec<&str> = before.lines().filter(|line| !now.lines().any(|other| other == *line)).collect();
    let new: Vec<&str> = now.lines().filter(|line| !before.lines().any(|other| other == *line)).collect();
    assert_eq!(gone, new);
}

/// opsctl with these words.
fn ops(machine: &Machine, words: &str) -> Ran {
    let mut command = vec!["opsctl"];
    command.extend(words.split(' '));
    machine.run(&command)
}

/// opsctl with these words must end with this code.
fn must(machine: &Machine, words: &str, code: i32) -> String {
    let ran = ops(machine, words);
    assert_eq!(ran.code, code, "opsctl {words}\n{ran:#?}");
    ran.stdout + &ran.stderr
}

/// The same, and what it says must have this in it.
fn says(machine: &Machine, words: &str, code: i32, wanted: &[&str]) {
    let said = must(machine, words, code);
    for word in wanted {
        assert!(said.contains(word), "opsctl {words}: no {word:?} in\n{said}");
    }
}

/// The outcomes of an action by service.
fn outcomes(ran: &Ran) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    assert_eq!(document["exit_code"], ran.code, "{ran:#?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let targets = document["targets"].as_array().unwrap();
    targets.iter().map(|target| (text(&target["service"]), text(&target["outcome"]))).collect()
}

fn pid(machine: &Machine, unit: &str) -> String {
    machine.sh(&format!("systemctl show -P MainPID {unit}"))
}

/// Restarts that must all end well, counted by their exit codes.
fn restarts(machine: &Machine, times: u32, services: &str) {
    let lines = format!(
        "for i in $(seq {times}); do for s in {services}; do opsctl -q restart $s -y --settle 100ms >/run/said 2>&1 ||
         {{ echo $s $?; cat /run/said; }}; done; done; for s in {services}; do systemctl is-active -q prim-$s || echo $s is down; done"
    );
    assert_eq!(machine.sh(&lines), "");
}

#[test]
fn changes_in_order() {
    let machine = Machine::boot_as("prim", "it-prim-actions");
    refused_without_a_trace(&machine);
    consent_on_a_terminal(&machine);
    several(&machine);

    // B5: more restarts than systemd allows, on a service that may be started once a minute as well.
    restarts(&machine, 20, "wallet store faucet spawn search");
    restarts(&machine, 10, "track");
    machine.sh(
        "mkdir /etc/systemd/system/prim-track.service.d
         printf '[Unit]\\nStartLimitBurst=1\\nStartLimitIntervalSec=60\\n' > /etc/systemd/system/prim-track.service.d/once.conf
         systemctl daemon-reload",
    );
    restarts(&machine, 5, "track");
    machine.sh("rm -r /etc/systemd/system/prim-track.service.d; systemctl daemon-reload");

    surroundings(&machine);
    locked(&machine);
    interrupted(&machine);
    trail(&machine);
    planted(&machine);
    overhead(&machine);
}

/// Nothing is changed by whoever may not, does not consent, or only asks what would be done.
fn refused_without_a_trace(machine: &Machine) {
    let before = snapshot(machine);
    for words in ["restart wallet store", "stop --all", "restart caddy -o json"] {
        must(machine, words, 5);
    }
    for words in ["restart", "start", "stop"] {
        for target in ["--all", "wallet", "caddy", "stalwart", "track wallet store"] {
            must(machine, &format!("{words} {target} --dry-run"), 0);
        }
        for target in ["qdrant", "infer"] {
            must(machine, &format!("{words} {target} -y"), 5);
        }
    }
    must(machine, "reload caddy --dry-run", 0);
    for target in ["track", "stalwart", "--all"] {
        must(machine, &format!("reload {target}"), 5);
    }
    for words in [
        "restart wallet -y",
        "stop wallet caddy -y",
        "start wallet",
        "reload caddy",
        "lock acquire -m x",
        "lock release",
    ] {
        let words: Vec<&str> = std::iter::once("opsctl").chain(words.split(' ')).collect();
        let ran = machine.run_as("nobody", &words);
        assert_eq!(ran.code, 5, "{words:?} {ran:#?}");
    }
    unchanged(machine, &before);
    assert_eq!(machine.sh("ls -d /run/opsctl /var/log/opsctl 2>&1 || true").matches("No such file").count(), 2);
}

/// A terminal, and somebody who types an answer at it.
const TERMINAL: &str = r#"
import os, pty, sys
answer = sys.argv[1].encode().decode("unicode_escape").encode()
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
said, asked = b"", False
while True:
    try:
        more = os.read(fd, 4096)
    except OSError:
        break
    if not more:
        break
    said += more
    if not asked and b"[y/N] " in said:
        asked = True
        if answer == b"hang up":
            break
        os.write(fd, answer)
os.close(fd)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.write(said.decode().replace("\r\n", "\n"))
sys.exit(status)
"#;

fn consent_on_a_terminal(machine: &Machine) {
    let answer = |answer: &str, words: &str| {
        let mut command = vec!["python3", "-c", TERMINAL, answer, "opsctl"];
        command.extend(words.split(' '));
        machine.run(&command)
    };
    let caddy = pid(machine, "caddy");
    // Whether a terminal that goes away is first a hang-up or the end of what is typed is not for opsctl to say.
    let refusals: [(&str, &[i32]); 6] =
        [("n\\n", &[5]), ("\\n", &[5]), ("yep\\n", &[5]), ("\\x04", &[5]), ("\\x03", &[130]), ("hang up", &[5, 129])];
    for (typed, codes) in refusals {
        let ran = answer(typed, "restart caddy --settle 300ms");
        assert!(codes.contains(&ran.code), "{typed:?} {ran:#?}");
        let asked = "caddy loses: every open connection of every host; a reload loses none\nrestart caddy? [y/N] ";
        assert!(ran.stdout.starts_with(asked), "{ran:#?}");
    }
    assert_eq!(pid(machine, "caddy"), caddy);
    let ran = answer("n\\n", "stop wallet");
    let asked = "needed by: domain, email, infer, mem, search, spawn, store, token, track\nstop wallet? [y/N] ";
    assert!(ran.stdout.starts_with(asked), "{ran:#?}");
    assert_eq!(answer("y\\n", "restart caddy --settle 300ms").code, 0);
    assert_ne!(pid(machine, "caddy"), caddy);
    // What disturbs nobody asks nobody.
    assert_eq!(answer("n\\n", "reload caddy --settle 300ms").code, 0);
}

/// What others need comes first, and is stopped last; one that fails leaves those after it alone.
fn several(machine: &Machine) {
    let done = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "done".to_owned())).collect::<Vec<_>>();
    let ran = ops(machine, "restart store track wallet -y --settle 500ms -o json");
    assert_eq!(outcomes(&ran), done(&["wallet", "store", "track"]));
    let ran = ops(machine, "stop wallet store -y --settle 500ms -o json");
    assert_eq!(outcomes(&ran), done(&["store", "wallet"]));
    assert_eq!(machine.sh("systemctl is-active prim-store prim-wallet || true"), "inactive\ninactive\n");
    let ran = ops(machine, "start store wallet --settle 500ms -o json");
    assert_eq!(outcomes(&ran), done(&["wallet", "store"]));

    machine.sh(
        "mkdir /etc/systemd/system/prim-store.service.d
         printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c \"exit 3\"\\n' > /etc/systemd/system/prim-store.service.d/x.conf
         systemctl daemon-reload",
    );
    let track = pid(machine, "prim-track");
    let ran = ops(machine, "restart track store wallet -y --settle 500ms -o json");
    let wanted =
        [("wallet", "done"), ("store", "failed"), ("track", "not_tried")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!((ran.code, outcomes(&ran)), (8, wanted.to_vec()));
    assert_eq!(pid(machine, "prim-track"), track);
    machine.sh("rm -r /etc/systemd/system/prim-store.service.d; systemctl daemon-reload");
    assert_eq!(outcomes(&ops(machine, "start store --settle 500ms -o json")), done(&["store"]));

    let ran = ops(machine, "restart --all -y --settle 500ms -o json");
    assert_eq!((ran.code, outcomes(&ran).len()), (0, 13), "{ran:#?}");
    must(machine, "status", 0);
}

/// Without an environment, as cron, over ssh: the same. (K6)
fn surroundings(machine: &Machine) {
    machine.sh(
        "systemctl start ssh; mkdir -p /root/.ssh; rm -f /root/.ssh/it*; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/it; \
         cat /root/.ssh/it.pub >> /root/.ssh/authorized_keys; chmod 600 /root/.ssh/authorized_keys",
    );
    for (how, code) in [
        ("env -i /usr/local/bin/opsctl restart track -y --settle 200ms", 0),
        ("umask 000; env -i PATH=/usr/bin:/bin /usr/local/bin/opsctl restart track -y --settle 200ms", 0),
        (
            "umask 777; env PATH=/nowhere SYSTEMD_PAGER=less LC_ALL=de_DE.UTF-8 HOME=/nowhere /usr/local/bin/opsctl restart track -y --settle 200ms",
            0,
        ),
        ("ssh -o StrictHostKeyChecking=no -o BatchMode=yes -i /root/.ssh/it root@localhost opsctl restart track", 5),
        ("ssh -o BatchMode=yes -i /root/.ssh/it root@localhost opsctl restart track -y --settle 200ms", 0),
    ] {
        let ran = machine.run(&["sh", "-c", how]);
        assert_eq!(ran.code, code, "{how}: {ran:#?}");
    }
    assert_eq!(
        machine.sh("stat -c '%a' /run/opsctl /run/opsctl/prim.lock /var/log/opsctl /var/log/opsctl/audit.jsonl"),
        "700\n600\n700\n600\n"
    );
    let newest = machine.sh("opsctl history -n 1 -o json | jq -c '.changes[0] | [.user, .from, .outcome]'");
    assert_eq!(newest, "[\"root\",\"::1\",\"done\"]\n");
    machine.sh("systemctl stop ssh ssh.socket || true");
}

/// K1, K2: one change at a time, and nothing to clean up after the dead.
fn locked(machine: &Machine) {
    let run = "for i in $(seq 20); do (s=$(date +%s%N); c=0; opsctl restart wallet -y --settle 2s >/run/said.$i 2>&1 || c=$?;
               echo $c $(( ($(date +%s%N) - s) / 1000000 )) $(grep -c 'is being changed by restart wallet (root) since' /run/said.$i || true)) & done; wait";
    let said = machine.sh(run);
    let mut won = 0;
    for line in said.lines() {
        let words: Vec<u64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        match words[..] {
            [0, _, 0] => won += 1,
            [6, millis, 1] => assert!(millis < 1000, "{said}"),
            _ => panic!("{said}"),
        }
    }
    assert_eq!((won, said.lines().count()), (1, 20), "{said}");
    let run = "for i in $(seq 8); do (opsctl -q restart track -y --settle 100ms --lock-wait >/dev/null 2>&1; echo $?) & done; wait";
    assert_eq!(machine.sh(run), "0\n".repeat(8));

    must(machine, "lock acquire -m moving", 0);
    says(machine, "restart wallet -y", 6, &["is being changed by moving (root) since", "opsctl lock release"]);
    must(machine, "lock release", 0);

    let killed = "opsctl restart track -y --settle 30s >/dev/null 2>&1 & p=$!; sleep 1; opsctl lock status; kill -9 $p; wait $p || true;
                  opsctl lock status; systemctl is-active prim-track";
    let said = machine.sh(killed);
    let said: Vec<&str> = said.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(said, ["held:", "unfinished:", "active"]);
    says(machine, "status track", 0, &["restart track of", "(root) did not finish, at: track: watch it"]);
    says(
        machine,
        "restart track -y --settle 200ms",
        0,
        &["did not finish, at: track: watch it", "done    restart track"],
    );
    assert_eq!(must(machine, "lock status", 0), "free\n");
    assert_eq!(machine.sh("opsctl history -n 2 -o json | jq -c '[.changes[].outcome]'"), "[\"done\",\"unfinished\"]\n");
}

/// K5, J8: at whatever moment the signal comes, the service comes up and no child is left.
fn interrupted(machine: &Machine) {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for after in ["0.02", "0.05", "0.08", "0.12", "0.4"] {
            let run = format!(
                "opsctl restart track -y --settle 20s >/run/said 2>&1 & p=$!; sleep {after}; kill -{signal} $p; kill -{signal} $p 2>/dev/null || true
                 c=0; wait $p || c=$?; sleep 0.5; echo $c $(systemctl is-active prim-track) $(pgrep -fc '^/usr/bin/systemctl --no-ask')"
            );
            // bash, because the shell that dash is ignores SIGINT in what it starts in the background.
            let ran = machine.run(&["bash", "-mc", &run]);
            assert_eq!(ran.stdout, format!("{code} active 0\n"), "{signal} after {after}: {ran:#?}");
        }
    }
    says(machine, "restart track -y --settle 200ms", 0, &["done    restart track"]);
    assert_eq!(must(machine, "lock status", 0), "free\n");
}

/// Two lines a change in a file that only root can read, else in the journal, else nothing is done.
fn trail(machine: &Machine) {
    let lines = || -> usize { machine.sh("wc -l < /var/log/opsctl/audit.jsonl").trim().parse().unwrap() };
    let before = lines();
    must(machine, "restart track -y --settle 200ms", 0);
    must(machine, "restart wallet track", 5);
    must(machine, "restart nosuch -y", 2);
    assert_eq!(lines(), before + 2);
    let pairs =
        "tail -n 2 /var/log/opsctl/audit.jsonl | jq -c '[.phase, .operation, .targets[0], .exit_code, .outcome]'";
    assert_eq!(
        machine.sh(pairs),
        "[\"begin\",\"restart\",\"track\",null,null]\n[\"end\",\"restart\",\"track\",0,\"done\"]\n"
    );
    assert_eq!(machine.sh("grep -c dummy /var/log/opsctl/audit.jsonl || true"), "0\n");

    machine.sh("mount --bind /var/log/opsctl /var/log/opsctl; mount -o remount,ro,bind /var/log/opsctl");
    must(machine, "restart track -y --settle 200ms", 0);
    let journal = "journalctl -t opsctl-audit -o cat --no-pager -n 2 | jq -r .phase";
    assert_eq!(machine.sh(journal), "begin\nend\n");
    let track = pid(machine, "prim-track");
    machine.sh("mv /run/systemd/journal/socket /run/systemd/journal/socket.away");
    says(machine, "restart track -y --settle 200ms", 5, &["nothing is changed that cannot be recorded"]);
    machine.sh("mv /run/systemd/journal/socket.away /run/systemd/journal/socket; umount /var/log/opsctl");
    assert_eq!(pid(machine, "prim-track"), track);
}

/// K3, L7: what somebody put in the way is neither followed nor written to.
fn planted(machine: &Machine) {
    machine.sh("mkdir /root/theirs; echo theirs > /root/theirs/file");
    let theirs = "find /root/theirs -printf '%p %s %T@\\n'; cat /root/theirs/file";
    let before = machine.sh(theirs);
    let track = pid(machine, "prim-track");
    for (inject, heal) in [
        ("mv /run/opsctl /run/away; ln -s /root/theirs /run/opsctl", "rm /run/opsctl; mv /run/away /run/opsctl"),
        ("ln -sf /root/theirs/file /run/opsctl/prim.lock", "rm /run/opsctl/prim.lock"),
        ("rm -f /run/opsctl/prim.lock; mkfifo /run/opsctl/prim.lock", "rm /run/opsctl/prim.lock"),
        ("mkdir /run/opsctl/prim.lock", "rmdir /run/opsctl/prim.lock"),
        ("chown nobody /run/opsctl", "chown root /run/opsctl"),
        ("chmod 777 /run/opsctl", "chmod 700 /run/opsctl"),
    ] {
        machine.sh(inject);
        let begun = Instant::now();
        must(machine, "restart track -y --settle 200ms", 5);
        must(machine, "lock acquire -m x", 5);
        assert!(begun.elapsed() < Duration::from_secs(5), "{inject}: {:?}", begun.elapsed());
        machine.sh(heal);
    }
    assert_eq!((machine.sh(theirs), pid(machine, "prim-track")), (before.clone(), track));
    // The trail goes to the journal instead.
    for (inject, heal) in [
        (
            "mv /var/log/opsctl /var/log/away; ln -s /root/theirs /var/log/opsctl",
            "rm /var/log/opsctl; mv /var/log/away /var/log/opsctl",
        ),
        (
            "mv /var/log/opsctl/audit.jsonl /root/audit; ln -s /root/theirs/file /var/log/opsctl/audit.jsonl",
            "mv /root/audit /var/log/opsctl/audit.jsonl",
        ),
    ] {
        machine.sh(inject);
        must(machine, "restart track -y --settle 200ms", 0);
        machine.sh(heal);
        assert_eq!(machine.sh(theirs), before);
    }
}

/// Printed, not judged: what a restart costs beyond its service's own time and the settle time.
fn overhead(machine: &Machine) {
    let measure = "for i in 1 2 3 4 5; do
            s=$(date +%s%N); systemctl restart prim-wallet; m=$(date +%s%N)
            until curl -sf -o /dev/null localhost:3001; do :; done; e=$(date +%s%N)
            opsctl restart wallet -y --settle 1s >/dev/null 2>&1; d=$(date +%s%N)
            echo systemctl $(( (m - s) / 1000000 )) ms, ready after $(( (e - s) / 1000000 )) ms, opsctl without settle time $(( (d - e) / 1000000 - 1000 )) ms
        done";
    eprintln!("{}", machine.sh(measure));
}

/// Something wrong with the unit of prim's `track`.
struct Broken {
    name: &'static str,
    /// A drop-in.
    unit: &'static str,
    settle: &'static str,
    /// What is said of it.
    says: &'static str,
}

const SERVICE: &str = "/home/prim/.bun/bin/bun run packages/track/src/index.ts";

const BROKEN: &[Broken] = &[
    Broken {
        name: "B3: ends at once, again and again",
        unit: "[Service]\nExecStart=\nExecStart=/bin/sh -c 'echo it is broken; exit 3'\nRestartSec=100ms\n",
        settle: "1s",
        says: "it is broken",
    },
    Broken {
        name: "B3: ends at once, every five seconds",
        unit: "[Service]\nExecStart=\nExecStart=/bin/sh -c 'exit 3'\nRestartSec=5\n",
        settle: "1s",
        says: "ended, will be started again: exit 3",
    },
    Broken {
        name: "B4: dies after a second",
        unit: "[Service]\nExecStart=\nExecStart=/bin/sh -c '@SERVICE@ & sleep 1; kill $!; exit 4'\n",
        settle: "",
        says: "exit 4",
    },
    Broken {
        name: "B4: dies after four seconds",
        unit: "[Service]\nExecStart=\nExecStart=/bin/sh -c '@SERVICE@ & sleep 4; kill $!; exit 4'\n",
        settle: "",
        says: "exit 4",
    },
    Broken {
        name: "B6: its condition does not hold",
        unit: "[Unit]\nConditionPathExists=/nonexistent\n",
        settle: "1s",
        says: "a condition or assertion of its unit does not hold",
    },
    Broken {
        name: "B6: its assertion does not hold",
        unit: "[Unit]\nAssertPathExists=/nonexistent\n",
        settle: "1s",
        says: "Assertion failed",
    },
    Broken {
        name: "B7: its environment file is missing",
        unit: "[Service]\nEnvironmentFile=/nonexistent.env\n",
        settle: "1s",
        says: "Failed to load environment files",
    },
    Broken {
        name: "B8: its program is missing",
        unit: "[Service]\nExecStart=\nExecStart=/nonexistent/program\n",
        settle: "1s",
        says: "exit 203: its program cannot be executed",
    },
    Broken {
        name: "B8: its user does not exist",
        unit: "[Service]\nUser=nosuchuser\n",
        settle: "1s",
        says: "exit 217: its user does not exist",
    },
    Broken {
        name: "B8: its directory is missing",
        unit: "[Service]\nWorkingDirectory=/nonexistent\n",
        settle: "1s",
        says: "exit 200: its working directory is missing",
    },
    Broken {
        name: "B4: ends at once and calls that success",
        unit: "[Service]\nExecStart=\nExecStart=/bin/true\n",
        settle: "1s",
        says: "stopped; connection refused",
    },
    Broken {
        name: "B10: never says that it is ready",
        unit: "[Service]\nType=notify\nTimeoutStartSec=2\n",
        settle: "1s",
        says: "a timeout was exceeded",
    },
    Broken {
        name: "B16: does not listen",
        unit: "[Service]\nEnvironment=PORT=3999\nExecStart=\nExecStart=/bin/sleep 1000\n",
        settle: "500ms --timeout 3s",
        says: "connection refused",
    },
];

const HEAL: &str = "rm -rf /etc/systemd/system/prim-track.service.d; systemctl daemon-reload; systemctl stop prim-track; \
    systemctl reset-failed prim-track 2>/dev/null || true; systemctl start prim-track; \
    until curl -sf -o /dev/null localhost:3010; do sleep 0.05; done";

#[test]
fn broken_units() {
    let machine = Machine::boot_as("prim", "it-prim-broken");
    for broken in BROKEN {
        // Those that take their time are waited for once.
        let verbs: &[&str] = if broken.settle.is_empty() { &["restart"] } else { &["restart", "start"] };
        for verb in verbs {
            if *verb == "start" {
                machine.sh("systemctl stop prim-track");
            }
            let unit = broken.unit.replace("@SERVICE@", SERVICE);
            machine.sh(&format!(
                "mkdir -p /etc/systemd/system/prim-track.service.d
                 cat > /etc/systemd/system/prim-track.service.d/broken.conf <<'END'\n{unit}END\nsystemctl daemon-reload"
            ));
            let settle = if broken.settle.is_empty() { String::new() } else { format!(" --settle {}", broken.settle) };
            let ran = ops(&machine, &format!("{verb} track -y{settle}"));
            assert!([1, 7].contains(&ran.code), "{verb}: {}: {ran:#?}", broken.name);
            assert!(ran.stdout.contains(broken.says), "{verb}: {}: {ran:#?}", broken.name);
            assert_eq!(must(&machine, "lock status", 0), "free\n", "{}", broken.name);
            machine.sh(HEAL);
        }
    }
    units(&machine);
    proxy(&machine);
}

/// What is said of a unit before anything stops.
fn units(machine: &Machine) {
    let track = pid(machine, "prim-track");
    machine.sh("mv /etc/systemd/system/prim-track.service /root/; systemctl mask prim-track");
    for verb in ["restart", "start", "reload"] {
        says(machine, &format!("{verb} track -y"), 5, &["its unit is masked"]);
    }
    machine.sh("systemctl unmask prim-track");
    says(machine, "restart track -y", 5, &["there is no such unit"]);
    machine.sh(
        "mv /root/prim-track.service /etc/systemd/system/; systemctl daemon-reload; systemctl enable -q prim-track",
    );
    assert_eq!(pid(machine, "prim-track"), track, "B1, B2");

    // B11: the new unit is the one that runs.
    machine.sh(
        "sleep 1; sed -i 's/^\\[Service\\]/[Service]\\nEnvironment=NEW_UNIT=1/' /etc/systemd/system/prim-track.service",
    );
    says(machine, "restart track -y --dry-run", 0, &["systemctl --no-ask-password daemon-reload"]);
    must(machine, "restart track -y --settle 300ms", 0);
    machine.sh("grep -qz NEW_UNIT=1 /proc/$(systemctl show -P MainPID prim-track)/environ");

    // B9: systemd's own limit ends a stop that hangs.
    machine.sh(
        "mkdir /etc/systemd/system/prim-track.service.d
         printf '[Service]\\nTimeoutStopSec=3\\nExecStart=\\nExecStart=/bin/sh -c \"trap : TERM; /home/prim/.bun/bin/bun run packages/track/src/index.ts & while :; do sleep 1; done\"\\n' > /etc/systemd/system/prim-track.service.d/x.conf
         systemctl daemon-reload; systemctl restart prim-track; sleep 1",
    );
    says(machine, "restart track -y --settle 500ms --timeout 2s", 7, &["may still be under way"]);
    machine.sh("sleep 4; systemctl is-active prim-track");
    must(machine, "restart track -y --settle 500ms", 0);
    says(machine, "stop track -y --settle 500ms", 0, &["did not start or stop in time"]);
    machine.sh(HEAL);

    // B16
    machine.sh(
        "systemctl stop prim-track; systemd-run --quiet --unit=intruder busybox httpd -f -p 127.0.0.1:3010 -h /usr/share; sleep 0.5",
    );
    says(machine, "start track --settle 1s", 1, &["Is port 3010 in use?"]);
    machine.sh("systemctl stop intruder");
    machine.sh(HEAL);
}

/// A proxy keeps serving whatever is wrong with its new configuration.
fn proxy(machine: &Machine) {
    let caddy = pid(machine, "caddy");
    machine.sh("cp /etc/caddy/Caddyfile /root/; echo 'garbage {{{' >> /etc/caddy/Caddyfile");
    for verb in ["restart", "reload"] {
        let ran = ops(machine, &format!("{verb} caddy -y --settle 500ms"));
        assert!([1, 5].contains(&ran.code), "{ran:#?}");
        assert!((ran.stdout + &ran.stderr).contains("Error: adapting config using caddyfile"));
    }
    assert_eq!(pid(machine, "caddy"), caddy);
    must(machine, "status caddy", 0);
    machine.sh("cp /root/Caddyfile /etc/caddy/Caddyfile");
    must(machine, "reload caddy --settle 500ms", 0);
    assert_eq!(pid(machine, "caddy"), caddy);
}

#[test]
fn containers_of_ai_fsm() {
    let machine = Machine::boot_as("ai-fsm", "it-ai-fsm-actions");
    says(
        &machine,
        "restart web --dry-run",
        0,
        &["web loses: the rate limits, which it keeps in memory", "docker restart -- ai-fsm-web"],
    );
    must(&machine, "restart web", 5);
    for words in ["restart web", "stop web", "start web", "restart postgres", "restart --all"] {
        must(&machine, &format!("{words} -y --settle 500ms"), 0);
    }
    must(&machine, "status", 0);
    must(&machine, "reload web", 5);

    // C4: a container in its place that ends at once, is unhealthy, or cannot be started.
    let replace = |create: &str| {
        machine.sh(&format!(
            "docker rm -f ai-fsm-web >/dev/null 2>&1 || true
             label() {{ docker inspect web-orig --format \"{{{{index .Config.Labels \\\"com.docker.compose.$1\\\"}}}}\"; }}
             docker {create} >/dev/null; sleep 1"
        ));
    };
    machine.sh("docker stop -t 1 ai-fsm-web; docker rename ai-fsm-web web-orig");
    let named = "--name ai-fsm-web --stop-timeout 1 --network host --label com.docker.compose.project=$(label project) \
                 --label com.docker.compose.service=web -v /usr:/usr:ro --entrypoint";
    let image = "$(docker inspect web-orig --format '{{.Config.Image}}')";
    for (create, code, wanted) in [
        (
            format!(
                "run -d --restart=unless-stopped {named} node {image} -e 'console.log(\"it is broken\"); process.exit(3)'"
            ),
            1,
            "exit 3",
        ),
        (format!("run -d {named} node {image} -e 'process.exit(3)'"), 1, "exit 3"),
        (format!("create {named} /nonexistent {image}"), 1, "failed to create task"),
        (
            format!(
                "run -d --health-cmd 'exit 1' --health-interval 500ms --health-retries 1 {named} node {image} -e \
                 'require(\"http\").createServer((q, s) => {{ s.statusCode = 503; s.end(); }}).listen(3000)'"
            ),
            7,
            "health check fails",
        ),
    ] {
        for verb in ["restart", "start"] {
            replace(&create);
            says(&machine, &format!("{verb} web -y --settle 500ms --timeout 6s"), code, &[wanted]);
        }
    }
    machine.sh("docker rm -f ai-fsm-web; docker rename web-orig ai-fsm-web");
    must(&machine, "start web --settle 500ms", 0);

    // At whatever moment the signal comes, the container comes up.
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for after in ["0.05", "0.3"] {
            let run = format!(
                "opsctl restart web -y --settle 20s >/run/said 2>&1 & p=$!; sleep {after}; kill -{signal} $p; c=0; wait $p || c=$?; sleep 1.5
                 echo $c $(docker inspect ai-fsm-web --format '{{{{.State.Status}}}}') $(pgrep -fc '^/usr/bin/docker restart')"
            );
            let ran = machine.run(&["bash", "-mc", &run]);
            assert_eq!(ran.stdout, format!("{code} running 0\n"), "{signal} after {after}: {ran:#?}");
        }
    }
    must(&machine, "restart web -y --settle 500ms", 0);

    machine.sh("docker pause ai-fsm-redis");
    says(&machine, "restart redis -y", 5, &["it is paused"]);
    machine.sh("docker unpause ai-fsm-redis; docker rename ai-fsm-redis elsewhere");
    says(&machine, "restart redis -y", 5, &["container ai-fsm-redis not found"]);
    machine.sh("docker rename elsewhere ai-fsm-redis; kill -STOP $(pidof dockerd)");
    let begun = Instant::now();
    says(&machine, "restart web -y", 4, &["nothing was changed", "no answer in"]);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    machine.sh("kill -CONT $(pidof dockerd); systemctl stop docker.socket docker");
    says(&machine, "restart web -y", 4, &["nothing was changed", "the docker engine is not running"]);
    must(&machine, "restart web --dry-run", 4);
    assert_eq!(machine.sh("systemctl is-active docker || true"), "inactive\n");
}

#[test]
fn containers_of_v_edfinance() {
    let machine = Machine::boot_as("v-edfinance", "it-v-edfinance-actions");
    let before = snapshot(&machine);
    must(&machine, "restart --all --dry-run", 0);
    must(&machine, "restart redis", 5);
    unchanged(&machine, &before);
    says(&machine, "restart redis --dry-run", 0, &["redis loses: the whole cache: it has no volume"]);
    must(&machine, "restart redis api -y --settle 500ms", 0);
    must(&machine, "stop web -y --settle 500ms", 0);
    must(&machine, "start web --settle 500ms", 0);
}

/// pm2 as the user who owns the daemon, its applications' names, states and numbers of restarts.
const PM2: &str = "cd /; pm2() { setpriv --reuid=plugspace --regid=plugspace --init-groups env -i PATH=/usr/local/bin:/usr/bin:/bin \
    HOME=/home/plugspace PM2_HOME=/home/plugspace/.pm2 pm2 --silent \"$@\"; }\n\
    list() { pm2 jlist | jq -c '[.[] | select(.name == \"'$1'\") | [.pm2_env.status, .pm2_env.restart_time]]'; }\n";

#[test]
fn pm2_of_plugspace() {
    let machine = Machine::boot_as("plugspace", "it-plugspace-actions");
    let list = |name: &str| machine.sh(&format!("{PM2} list {name}"));
    let before = snapshot(&machine);
    says(&machine, "restart --all --dry-run", 0, &["sudo -u plugspace pm2 restart plugspace-api"]);
    must(&machine, "restart plugspace-api", 5);
    unchanged(&machine, &before);

    assert_eq!(list("plugspace-api"), "[[\"online\",0],[\"online\",0]]\n");
    must(&machine, "restart plugspace-api -y --settle 500ms", 0);
    assert_eq!(list("plugspace-api"), "[[\"online\",1],[\"online\",1]]\n");
    must(&machine, "reload plugspace-api --settle 500ms", 0);
    assert_eq!(list("plugspace-api"), "[[\"online\",2],[\"online\",2]]\n");
    must(&machine, "stop plugspace-api -y --settle 500ms", 0);
    assert_eq!(list("plugspace-api"), "[[\"stopped\",2],[\"stopped\",2]]\n");
    must(&machine, "start plugspace-api --settle 500ms", 0);
    assert_eq!(list("plugspace-api"), "[[\"online\",2],[\"online\",2]]\n");
    // What is run belongs to its owner, and nothing of the caller's environment reaches it.
    machine.sh("SECRET=canary-environment opsctl -q restart plugspace-voice -y --settle 500ms >/dev/null");
    assert_eq!(machine.sh("ps -C node -o user= | sort -u; grep -lz canary-environment /proc/[0-9]*/environ 2>/dev/null | grep -v -e self -e $$ || true").lines().filter(|line| line.contains("/proc")).count(), 0);
    assert_eq!(machine.sh("pgrep -u root -f '[G]od Daemon' || true"), "");
    assert_eq!(machine.run_as("plugspace", &["opsctl", "restart", "plugspace-voice", "-y"]).code, 5);

    // D4
    machine.sh("cp /home/plugspace/plugspace/apps/admin/server.js /root/; echo 'process.exit(3)' > /home/plugspace/plugspace/apps/admin/server.js");
    for verb in ["restart", "reload", "start"] {
        must(&machine, &format!("{verb} plugspace-admin -y --settle 2s"), 1);
    }
    machine.sh(&format!(
        "cp /root/server.js /home/plugspace/plugspace/apps/admin/server.js; {PM2} pm2 stop plugspace-admin"
    ));
    must(&machine, "start plugspace-admin --settle 500ms", 0);

    // nginx keeps serving.
    let nginx = pid(&machine, "nginx");
    machine.sh("echo garbage >> /etc/nginx/nginx.conf");
    for verb in ["restart", "reload"] {
        let ran = ops(&machine, &format!("{verb} nginx -y --settle 500ms"));
        assert!([1, 5].contains(&ran.code) && (ran.stdout + &ran.stderr).contains("/etc/nginx/nginx.conf:"));
    }
    assert_eq!(pid(&machine, "nginx"), nginx);
    machine.sh("sed -i '$d' /etc/nginx/nginx.conf");
    must(&machine, "reload nginx --settle 500ms", 0);

    // D1: refused, and no daemon is started by asking.
    machine
        .sh(&format!("systemctl stop pm2-plugspace || true; {PM2} pm2 kill; pkill -9 -u plugspace || true; sleep 0.5"));
    for verb in ["restart", "reload", "start", "stop"] {
        says(&machine, &format!("{verb} plugspace-api -y"), 5, &["no pm2 daemon runs that knows it"]);
        must(&machine, &format!("{verb} plugspace-api --dry-run"), 5);
    }
    assert_eq!(machine.sh("pgrep -u plugspace || pgrep -f '[G]od Daemon' || true"), "");
}
