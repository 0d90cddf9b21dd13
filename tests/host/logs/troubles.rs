//! What cannot be read is said, and hides nothing else.

use super::*;

/// B14, B15, C2, A3: what cannot be read is said, counts as unknown, and hides nothing else.
#[test]
fn logs_troubles() {
    let machine = Machine::boot_as("bare", "logs-troubles");
    // A host that no runbook names has its usual services.
    let found = read(&machine, "--all -n all");
    let own = "test-host-cgroups journal:test-host-cgroups.service";
    assert_eq!(seen(&found), ["cron journal:cron.service", "ssh journal:ssh.service", own]);
    docker(&machine);
    unit(&machine, "prim-wallet", "/bin/echo of the journal", "Type=oneshot");
    unit(&machine, "caddy", "/bin/echo of the journal", "Type=oneshot");
    machine.sh(
        "systemctl start prim-wallet caddy; docker run -d --name stalwart test:1 echo of the container > /dev/null; \
         mkdir -p /var/log/caddy; echo of the file > /var/log/caddy/wallet-access.log",
    );
    let own = "-g '^of the'";
    let whole = |args: &str| opsctl(&machine, &format!("-d prim {own} {args}"));
    let said = |code: i32, stdout: &str, stderr: &str| Ran { code, stdout: stdout.into(), stderr: stderr.into() };
    let both = "wallet   | of the journal\nstalwart | of the container\n";
    assert_eq!(whole("wallet stalwart"), said(0, both, ""));

    // B14: not permitted is not empty.
    let ran = machine.run_as("nobody", &["opsctl", "-d", "prim", "logs", "wallet"]);
    let why = "opsctl: the journal: needs root or membership of the group systemd-journal, to read the journal\n";
    assert_eq!(ran, said(4, "", why));
    let ran = machine.run_as("nobody", &["opsctl", "-d", "prim", "logs", "stalwart"]);
    let why = "opsctl: container:stalwart: needs root or membership of the group docker, to ask the docker engine\n";
    assert_eq!(ran, said(4, "", why));
    assert_eq!(whole("store"), said(0, "", "opsctl: no lines\n"));

    // C2, A3: an engine that hangs, then one that is down.
    machine.sh("kill -STOP $(pidof dockerd)");
    let begun = Instant::now();
    let ran = whole("wallet stalwart");
    machine.sh("kill -CONT $(pidof dockerd)");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_eq!((ran.code, ran.stdout.as_str()), (4, "wallet   | of the journal\n"), "{ran:?}");
    assert!(
        ran.stderr.lines().all(|line| line.starts_with("opsctl: container:stalwart: no ")) && !ran.stderr.is_empty(),
        "{ran:?}"
    );
    // Following, the one that dies is told of and the other goes on.
    machine.sh("docker start stalwart");
    let followed = Followed::begin(&machine, "-d prim wallet stalwart -f -n 1");
    followed.until(|line| text(line, "source") == "container:stalwart");
    machine.sh("systemctl stop docker.socket docker; systemctl start prim-wallet");
    followed.until(|line| text(line, "message") == "of the journal");
    machine.sh("systemctl start prim-wallet");
    followed.until(|line| text(line, "message") == "of the journal");
    let told = followed.told();
    assert!(told.starts_with("opsctl: container:stalwart: "), "{told}");
    assert_eq!(followed.end("INT"), 130);
    let down = "opsctl: container:stalwart: the docker engine is not running\n";
    assert_eq!(whole("wallet stalwart -n 1"), said(4, "wallet   | of the journal\n", down));
    assert_eq!(whole("stalwart"), said(4, "", down));

    broken_journalctl(&machine);
    usage(&machine);
    suppressed(&machine);
    // B15: a journal that is cut short is said to be, and what can be read of it is shown.
    machine.sh(
        "journalctl --rotate; cd /var/log/journal/*/; for file in system@*.journal; do truncate -s $(($(stat -c %s $file) * 7 / 10)) $file; done; \
         systemctl start prim-wallet",
    );
    let ran = whole("wallet --since 1h");
    assert!(ran.stdout.ends_with("of the journal\n"), "{ran:?}");
}

/// The tool itself fails in every way; a file of the same service is shown all the same.
fn broken_journalctl(machine: &Machine) {
    for (script, why) in [
        ("echo 'Failed to open the journal' >&2; exit 1", "Failed to open the journal"),
        ("exec sleep 60", "no "),
        ("echo garbage; exec seq 100000", "entries in the export format"),
        ("kill -9 $$", "signal 9"),
        ("exec yes", "entries in the export format"),
    ] {
        machine.sh(&format!(
            "printf '#!/bin/sh\\n%s\\n' \"$(cat <<'END'\n{script}\nEND\n)\" > /root/fault; \
             chmod 755 /root/fault; mount --bind /root/fault /usr/bin/journalctl"
        ));
        let begun = Instant::now();
        let ran = opsctl(machine, "-d prim -g '^of the' caddy --since 1h");
        machine.sh("umount /usr/bin/journalctl");
        assert_eq!((ran.code, ran.stdout.as_str()), (4, "caddy/wallet-access | of the file\n"), "{script}: {ran:?}");
        assert!(ran.stderr.starts_with("opsctl: ") && ran.stderr.contains(why), "{script}: {}", ran.stderr);
        assert!(begun.elapsed() < PATIENCE, "{script}: {:?}", begun.elapsed());
    }
    machine.sh("mv /usr/bin/journalctl /root/");
    let ran = opsctl(machine, "-d prim -g '^of the' caddy");
    machine.sh("mv /root/journalctl /usr/bin/");
    let why = "opsctl: the journal: journalctl is not installed\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (4, "caddy/wallet-access | of the file\n", why));
}

/// Whole sentences for what was typed wrongly; nothing is read.
fn usage(machine: &Machine) {
    let all = [
        "-d fondation convex",
        "-d prim",
        "-d prim wallet -g '('",
        "-d prim wallet --since soon",
        "-d prim wallet --since 1h --until 2h",
        "-d prim wallet --source pm2",
        "-d prim walet",
        "-d prim wallet -n few",
        "-d prim wallet -f --until 1h",
        "-d prim wallet -f -p",
        "-d prim wallet -b=1",
        "-d prim wallet --all",
        "-d prim wallet --level loud",
    ];
    let mut told = String::new();
    for args in all {
        let ran = opsctl(machine, args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args}: {ran:?}");
        told += &["$ opsctl logs ", args, "\n", &ran.stderr, "\n"].concat();
    }
    crate::faults::compare("prim", "logs-usage", &told);
    let ran = opsctl(machine, "-d prim wallet -g '(' -o json");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &document["error"]["code"]), (2, &json!("bad_regex")));
}

/// B15: lines that journald did not keep are told of.
fn suppressed(machine: &Machine) {
    unit(
        machine,
        "prim-token",
        "/usr/bin/python3 -c 'import time\\nfor n in range(100): print(n, flush=True)\\ntime.sleep(1.5)\\nprint(\"last\", flush=True)'",
        "Type=oneshot\nLogRateLimitIntervalSec=1s\nLogRateLimitBurst=10",
    );
    program(
        machine,
        "chatty",
        "import time\nfor n in range(100): print(n, flush=True)\ntime.sleep(1.5)\nprint('last', flush=True)",
    );
    machine.sh(
        "sed -i 's|^ExecStart=.*|ExecStart=/usr/bin/python3 /root/chatty|' /run/systemd/system/prim-token.service; \
                systemctl daemon-reload; systemctl start prim-token",
    );
    let count: usize =
        machine.sh("journalctl -u prim-token -o cat | grep -cE '^([0-9]+|last)$'").trim().parse().unwrap();
    let missing = 101 - count;
    let ran = opsctl(machine, "-d prim token");
    let why = format!(
        "opsctl: journal:prim-token.service: {missing} lines are missing; journald drops lines above its rate limit\n"
    );
    assert_eq!((ran.code, ran.stderr), (0, why));
    assert!(missing > 10 && ran.stdout.ends_with("last\n") || ran.stdout.contains("last\n"), "{}", ran.stdout);
}
