//! Backups and restores of prim on a real host: real services that write to their databases, a real rclone, a real S3 server.

mod ai_fsm;
mod faults;
mod fondation;
mod halfway;
pub mod killed;
mod own;
mod page;
pub mod plugspace;
mod soak;
mod v_edfinance;

use serde_json::Value;

use crate::machine::{Machine, Ran};

/// What the layout lacks: the services of the stand-in keep nothing, so each database gets a table with rows in it.
pub const DATABASES: &str = r#"
    systemctl stop prim-backup.timer 2>/dev/null || true
    # Its jobs stay, and never run.
    sed -i -E 's/^([0-9*]\S* +)(\S+ +){4}/0 0 31 2 * /' /var/spool/cron/crontabs/root
    for name in wallet store spawn faucet; do
        sqlite3 /opt/prim/$name.db "PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS kept (a INTEGER, b TEXT);
            CREATE INDEX IF NOT EXISTS kept_b ON kept (b); DELETE FROM kept;
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            INSERT INTO kept SELECT i, i || hex(randomblob(100)) FROM n;" >/dev/null
        chown prim:prim /opt/prim/$name.db*
    done
"#;

fn opsctl(machine: &Machine, words: &str, code: i32) -> String {
    let mut line = vec!["opsctl"];
    line.extend(words.split_whitespace());
    let ran = machine.run(&line);
    assert_eq!(ran.code, code, "{words}: {ran:#?}");
    ran.stdout
}

fn document(machine: &Machine, words: &str, code: i32) -> Value {
    serde_json::from_str(&opsctl(machine, &format!("{words} -o json"), code)).unwrap()
}

/// A remote of this name with an S3 server of its own behind it, where the layout has none.
pub fn remote(machine: &Machine, name: &str, bucket: &str) {
    machine.sh(&format!(
        "mkdir -p /srv/s3/{bucket} /root/.config/rclone
         printf '[{name}]\ntype = s3\nprovider = Other\naccess_key_id = dummykey\nsecret_access_key = dummy-secret-of-the-remote\n\
endpoint = http://127.0.0.1:9123\n' >/root/.config/rclone/rclone.conf
         chmod 600 /root/.config/rclone/rclone.conf
         systemd-run --quiet --unit=standin-s3 /opt/rclone/bin/rclone serve s3 --config /dev/null --addr 127.0.0.1:9123 \
             --auth-key dummykey,dummy-secret-of-the-remote --force-path-style=true /srv/s3
         for i in $(seq 100); do rclone lsf {name}:{bucket} >/dev/null 2>&1 && break; sleep 0.1; done"
    ));
}

/// Makes copies, lists, verifies and drills them, and lets none go; these sets must be proven.
fn cycle(machine: &Machine, wanted: &[&str]) {
    let made = document(machine, "backup", 0);
    let sets = made["sets"].as_array().unwrap();
    let proven: Vec<&str> =
        sets.iter().filter(|set| set["outcome"] == "proven").map(|set| set["set"].as_str().unwrap()).collect();
    assert_eq!(proven, wanted, "{made:#}");
    for line in ["backup list", "backup verify", "backup drill", "backup prune"] {
        opsctl(machine, line, 0);
    }
    let quiet = machine.run(&["env", "-i", "PATH=/usr/bin:/bin", "/usr/local/bin/opsctl", "backup", "-q"]);
    assert_eq!((quiet.code, quiet.stdout.as_str()), (0, ""), "{quiet:#?}");
}

/// Restores a set; it must be live afterwards.
fn restored(machine: &Machine, set: &str) -> Value {
    let done = document(machine, &format!("restore {set} -y --settle 500ms"), 0);
    assert_eq!(done["outcome"], "live", "{done:#}");
    done
}

fn rows(machine: &Machine, path: &str) -> u32 {
    machine.sh(&format!("sqlite3 {path} 'SELECT count(*) FROM kept'")).trim().parse().unwrap()
}

/// A full cycle: backup, list, verify, drill, prune, disaster, restore.
#[test]
fn a_cycle_on_prim() {
    let machine = Machine::boot_as("prim", "it-prim-backup");
    machine.sh(DATABASES);
    let made = document(&machine, "backup", 0);
    let proven = |document: &Value| {
        let sets = document["sets"].as_array().unwrap();
        sets.iter().filter(|set| set["outcome"] == "proven").count()
    };
    assert!(proven(&made) >= 5, "{made:#}");
    let wallet = made["sets"].as_array().unwrap().iter().find(|set| set["set"] == "wallet").unwrap();
    assert_eq!(wallet["rows"]["kept"], 1000);
    // As an operator without opsctl would look at it.
    let there = machine.sh("rclone lsf -R --files-only r2backup:prim-backups/opsctl/wallet | sort");
    assert_eq!(there.lines().count(), 2, "{there}");
    for line in ["backup list", "backup verify", "backup drill", "backup prune"] {
        opsctl(&machine, line, 0);
    }
    assert_eq!(machine.run(&["env", "-i", "PATH=/usr/bin:/bin", "/usr/local/bin/opsctl", "backup", "-q"]).stdout, "");
    on_a_terminal(&machine);
    under_way(&machine);
    writers(&machine);
    disasters(&machine);
    refused(&machine);
    rests(&machine);
    machine.sh("! grep -rE 'dummy-secret|dummyr2' /var/log/opsctl /var/lib/opsctl /run/opsctl");
}

/// Somebody who looks on sees how far it is; a pipe, a dumb terminal and whoever wants no prose see nothing of that.
fn on_a_terminal(machine: &Machine) {
    let shown = |terminal: &str, words: &str| {
        machine.sh(&format!("TERM={terminal} script -qec 'opsctl backup faucet {words}' /dev/null"))
    };
    // What is sent in less than a quarter of a second is not told of.
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150) SELECT randomblob(1000000) FROM n";
    machine.sh(&format!("sqlite3 /opt/prim/faucet.db 'CREATE TABLE large AS {rows}'"));
    let bars = shown("xterm", "");
    machine.sh("sqlite3 /opt/prim/faucet.db 'DROP TABLE large; VACUUM'");
    for way in ["copy", "send ", "read "] {
        let (_, after) = bars.split_once(way).unwrap();
        let (own, _) = after.split_once("\r\x1b[K").unwrap();
        let is_bar = way == "copy" || own.contains("\r  [") && own.contains("%, ");
        assert!(is_bar && own.contains("B/s"), "{way}: {bars:?}");
    }
    assert!(!bars.contains("NOTICE"), "{bars:?}");
    let plain = shown("dumb", "");
    assert!(plain.contains("send ") && !plain.contains(['[', '\x1b']), "{plain:?}");
    assert_eq!(shown("xterm", "-q"), "");
}

/// A run that is under way has not failed; one that was killed has.
fn under_way(machine: &Machine) {
    let told = machine.sh(
        "cp -L /usr/bin/rclone /root/rclone; touch /root/hold
         printf '#!/bin/sh\nwhile [ $1 = copy -a -e /root/hold ]; do sleep 0.05; done\nexec /root/rclone \"$@\"\n' >/root/slow
         chmod 755 /root/slow; mount --bind /root/slow /usr/bin/rclone
         look() { code=0; opsctl diagnose backup-overdue -o name || code=$?; echo $code; }
         opsctl backup -q wallet & until pgrep -f '[r]clone copy' >/dev/null; do sleep 0.05; done
         look; rm /root/hold; wait; look; touch /root/hold
         opsctl backup -q wallet & until pgrep -f '[r]clone copy' >/dev/null; do sleep 0.05; done
         kill -9 $!; wait || true; pkill -f '[r]clone copy'; look; rm /root/hold
         opsctl backup -q wallet; look; umount /usr/bin/rclone",
    );
    assert_eq!(told.lines().collect::<Vec<_>>(), ["0", "0", "PRIM-BACKUP-FAILED:backup wallet", "3", "0"], "{told}");
}

/// The mail server rests while its data is copied, which needs consent, and is there again afterwards.
fn rests(machine: &Machine) {
    machine.sh("install -d -m 700 /etc/opsctl; age-keygen -o /etc/opsctl/backup.key 2>/dev/null");
    opsctl(machine, "backup stalwart", 5);
    opsctl(machine, "backup stalwart -y", 0);
    opsctl(machine, "status stalwart", 0);
    machine.sh("rm -r /opt/prim/deploy/email/stalwart-data/data");
    restored(machine, "stalwart");
    machine.sh("test -s /opt/prim/deploy/email/stalwart-data/data/CURRENT");
    opsctl(machine, "status stalwart", 0);
    opsctl(machine, "restore --forget-old -y", 0);
}

/// E1: rows are added all the time; every copy has all that were there when it began, and is whole.
fn writers(machine: &Machine) {
    machine.sh(
        "systemd-run --quiet --unit=writer bash -c 'for i in $(seq 100000); do echo \"INSERT INTO kept VALUES ($i, hex(randomblob(50)));\"; \
         sleep 0.005; done | sqlite3 -cmd \".timeout 5000\" /opt/prim/store.db'",
    );
    let mut last = 0;
    for turn in 0..5 {
        let before = rows(machine, "/opt/prim/store.db");
        let made = document(machine, "backup store", 0);
        let copied = u32::try_from(made["sets"][0]["rows"]["kept"].as_u64().unwrap()).unwrap();
        assert!(copied >= before && copied > last, "{turn}: {before} {copied}");
        last = copied;
        opsctl(machine, &format!("restore store --to /root/store-{turn}.db"), 0);
        assert_eq!(rows(machine, &format!("/root/store-{turn}.db")), copied);
    }
    machine.sh("systemctl stop writer; rm /root/store-*");
}

/// The live data is damaged, lost, or merely wrong: it comes back, with owner and mode, and its service is well.
fn disasters(machine: &Machine) {
    let whose = "stat -c '%U:%G %a' /opt/prim/wallet.db";
    let before = machine.sh(whose);
    for disaster in [
        "sqlite3 /opt/prim/wallet.db 'DELETE FROM kept WHERE a > 10'",
        "systemctl stop prim-wallet; rm -f /opt/prim/wallet.db*",
        "systemctl stop prim-wallet; echo no database >/opt/prim/wallet.db; echo no log >/opt/prim/wallet.db-wal; \
         chown prim:prim /opt/prim/wallet.db*",
    ] {
        machine.sh(disaster);
        let done = document(machine, "restore wallet -y --settle 500ms", 0);
        assert_eq!(done["outcome"], "live", "{disaster}: {done:#}");
        assert_eq!((rows(machine, "/opt/prim/wallet.db"), machine.sh(whose)), (1000, before.clone()), "{disaster}");
        machine.sh("curl -sf localhost:3001 >/dev/null");
        opsctl(machine, "restore --forget-old -y", 0);
        assert_eq!(machine.sh("ls -A /opt/prim | grep -c opsctl || true").trim(), "0", "{disaster}");
    }
}

/// I6, I1: where the service does not come up, and where a file is still open, the old data is as it was.
fn refused(machine: &Machine) {
    machine.sh("sqlite3 /opt/prim/wallet.db 'DELETE FROM kept WHERE a > 500'");
    // A service that starts only with what it has now, as one does after a change of its schema.
    machine.sh(
        "mkdir -p /run/systemd/system/prim-wallet.service.d; printf '[Service]\\nExecStartPre=/bin/sh -c \"test $(sqlite3 \
         /opt/prim/wallet.db \\\\\"SELECT count(*) FROM kept\\\\\") = 500\"\\n' >/run/systemd/system/prim-wallet.service.d/check.conf; \
         systemctl daemon-reload; systemctl restart prim-wallet",
    );
    let back = document(machine, "restore wallet -y --settle 500ms", 9);
    assert_eq!(back["outcome"], "put_back", "{back:#}");
    assert_eq!(rows(machine, "/opt/prim/wallet.db"), 500);
    machine
        .sh("rm -r /run/systemd/system/prim-wallet.service.d; systemctl daemon-reload; systemctl restart prim-wallet");
    machine.sh("systemd-run --quiet --unit=reader bash -c 'exec 7</opt/prim/wallet.db; exec sleep 1000'; sleep 0.5");
    let open = document(machine, "restore wallet -y --settle 500ms", 9);
    assert_eq!(open["outcome"], "untouched", "{open:#}");
    assert!(open["summary"].as_str().unwrap().contains("it is still open in sleep"), "{open:#}");
    machine.sh("systemctl stop reader; systemctl is-active prim-wallet; curl -sf --retry 5 --retry-connrefused localhost:3001 >/dev/null");
    assert_eq!(rows(machine, "/opt/prim/wallet.db"), 500);
}
