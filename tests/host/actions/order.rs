//! Consent, order, locks, interruptions and the trail, on a healthy host.

use super::*;

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
    trail::written(&machine);
    trail::torn(&machine);
    planted(&machine);
    trail::keep(&machine);
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
    assert_eq!(must(machine, "restart store track wallet --dry-run -o name", 0), "wallet\nstore\ntrack\n");
    for target in ["track", "stalwart", "--all"] {
        must(machine, &format!("reload {target}"), 5);
    }
    for words in [
        "restart wallet -y",
        "restart --all -y",
        "restart --all",
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
        let asked = "caddy loses: every open connection of every host; a reload drops none\nrestart caddy? [y/N] ";
        assert!(ran.stdout.starts_with(asked), "{ran:#?}");
    }
    assert_eq!(pid(machine, "caddy"), caddy);
    let ran = answer("n\\n", "stop wallet");
    let asked = "needed by: domain, email, mem, search, spawn, store, token, track\nstop wallet? [y/N] ";
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
    must(machine, "restart store -y --settle 500ms", 1);
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
               echo $c $(( ($(date +%s%N) - s) / 1000000 )) $(grep -c 'is locked by restart wallet (root) since' /run/said.$i || true)) & done; wait";
    let said = machine.sh(run);
    let (mut won, mut lost) = (Vec::new(), Vec::new());
    for line in said.lines() {
        let words: Vec<u64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        match words[..] {
            [0, millis, 0] => won.push(millis),
            [6, millis, 1] => lost.push(millis),
            _ => panic!("{said}"),
        }
    }
    assert_eq!((won.len(), lost.len()), (1, 19), "{said}");
    // They are told at once, and do not wait for the winner, who is busy for two seconds.
    assert!(lost.iter().all(|millis| millis + 1000 < won[0]), "{said}");
    let run = "for i in $(seq 8); do (opsctl -q restart track -y --settle 100ms --lock-wait >/dev/null 2>&1; echo $?) & done; wait";
    assert_eq!(machine.sh(run), "0\n".repeat(8));

    must(machine, "lock acquire -m moving", 0);
    says(machine, "restart wallet -y", 6, &["is locked by moving (root) since", "opsctl lock release"]);
    says(machine, "status wallet", 0, &["lock held: moving (root) since"]);
    must(machine, "lock release", 0);
    must(machine, "lock release", 0);
    let told = "opsctl history -n 2 -o json | jq -c '[.changes[] | [.operation, .commands[0], .outcome]]'";
    assert_eq!(
        machine.sh(told),
        "[[\"lock release\",\"opsctl lock release\",\"done: ended moving (root)\"],[\"lock acquire\",\"opsctl lock acquire -m moving\",\"done\"]]\n"
    );

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
        &["did not finish, at: track: watch it", "done     restart track"],
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
    says(machine, "restart track -y --settle 200ms", 0, &["done     restart track"]);
    assert_eq!(must(machine, "lock status", 0), "free\n");
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

/// What a restart costs beyond its service's own time and the settle time, side by side, and judged where nothing else keeps
/// this machine busy.
fn overhead(machine: &Machine) {
    let measure = "for i in $(seq 15); do
            s=$(date +%s%N); systemctl restart prim-wallet; m=$(date +%s%N)
            until curl -sf -o /dev/null localhost:3001; do :; done; e=$(date +%s%N)
            opsctl restart wallet -y --settle 1s >/dev/null 2>&1; d=$(date +%s%N)
            echo $(( (m - s) / 1000000 )) $(( (e - s) / 1000000 )) $(( (d - e) / 1000000 - 1000 ))
        done";
    let (mut ready, mut own) = (Vec::new(), Vec::new());
    for line in machine.sh(measure).lines() {
        let millis: Vec<i64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        let [systemctl, up, opsctl] = millis[..] else { panic!("{line}") };
        eprintln!("systemctl {systemctl} ms, ready after {up} ms, opsctl without settle time {opsctl} ms");
        ready.push(up);
        own.push(opsctl);
    }
    ready.sort_unstable();
    own.sort_unstable();
    let (ready, own) = (ready[ready.len() / 2], own[own.len() / 2]);
    eprintln!("half of them: ready after {ready} ms, opsctl without settle time {own} ms, more by {} ms", own - ready);
    let load: f64 = std::fs::read_to_string("/proc/loadavg").unwrap().split(' ').next().unwrap().parse().unwrap();
    let idle = std::thread::available_parallelism().is_ok_and(|cores| load < cores.get() as f64);
    assert!(!idle || own - ready <= 50, "{own} ms beside {ready} ms");
}

/// Restarts that must all end well, counted by their exit codes.
fn restarts(machine: &Machine, times: u32, services: &str) {
    let lines = format!(
        "for i in $(seq {times}); do for s in {services}; do opsctl -q restart $s -y --settle 100ms >/run/said 2>&1 ||
         {{ echo $s $?; cat /run/said; }}; done; done; for s in {services}; do systemctl is-active -q prim-$s || echo $s is down; done"
    );
    assert_eq!(machine.sh(&lines), "");
}
