//! Checks where something is in the way: another check, a lock, a full disk, no network, a clock that jumps, files that somebody planted.
//! Each has a defined answer, and none sends a message twice or loses one.

use super::{CHANNELS, boot, check, counts, each, forget};
use crate::machine::{Machine, Ran};

/// A host with a service that is healthy, and two checks that found it so.
struct Shop {
    machine: Machine,
}

impl Shop {
    fn boot(name: &str) -> Shop {
        let machine = boot("bare", name, CHANNELS);
        machine.sh(
            "printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/shop.service
            systemctl daemon-reload; systemctl enable -q shop",
        );
        Shop { machine }
    }

    /// Nothing is recorded, nothing was sent, everything is healthy.
    fn begin(&self) {
        self.sh("rm -rf /var/lib/opsctl /run/opsctl /root/answer");
        self.start();
        forget(&self.machine);
    }

    fn sh(&self, lines: &str) -> String {
        self.machine.sh(lines)
    }

    fn fail(&self) {
        self.sh("systemctl kill -s KILL shop; until systemctl -q is-failed shop; do sleep 0.05; done");
    }

    fn start(&self) {
        self.sh("systemctl reset-failed; systemctl restart shop");
    }

    fn check(&self) -> Ran {
        check(&self.machine)
    }

    /// Checks that end so, and how many messages each channel has then.
    #[track_caller]
    fn checks(&self, count: usize, code: i32, messages: usize) {
        for _ in 0..count {
            let ran = self.check();
            assert_eq!((ran.code, ran.stderr.as_str()), (code, ""), "{ran:#?}");
        }
        self.has(messages);
    }

    #[track_caller]
    fn has(&self, messages: usize) {
        let found = counts(&self.machine);
        assert_eq!(found, each(messages), "{}", self.sh("grep -v /beat /root/received; opsctl get checks"));
    }

    /// A check that is not recorded for this reason, and notifies nobody.
    #[track_caller]
    fn not_recorded(&self, code: i32, why: &str) {
        let ran = self.check();
        let wanted = format!("opsctl: this check is not recorded and notifies nobody: {why}");
        assert_eq!((ran.code, ran.stderr.trim_end()), (code, wanted.as_str()), "{ran:#?}");
        assert_eq!(ran.stdout.lines().count(), 1, "{ran:#?}");
    }

    /// What the heartbeat had last.
    fn last_beat(&self) -> String {
        self.sh("grep -o '\"/beat[a-z/]*\"' /root/received | tail -n 1").trim().trim_matches('"').to_owned()
    }
}

#[test]
fn others_are_at_work() {
    let shop = Shop::boot("it-killed-troubles");
    shop.begin();
    shop.checks(1, 0, 0);
    shop.fail();
    shop.checks(1, 3, 0);

    // Two at once: the first waits for a receiver, the second one says so, and nothing is sent twice.
    shop.sh("echo /slack=hang ok >/root/answer");
    let first = shop.machine.start(&["opsctl", "check"]);
    shop.sh("until grep -q '\"/slack\"' /root/received; do sleep 0.05; done");
    shop.not_recorded(3, "another check is under way");
    // That is no reason to be called.
    assert_eq!(shop.last_beat(), "/beat/fail");
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(3));
    shop.has(1);

    // What is held back is counted, and sent when nothing holds it back any more.
    shop.begin();
    shop.checks(1, 0, 0);
    shop.fail();
    shop.sh("opsctl lock acquire -m moving");
    shop.checks(2, 3, 0);
    let held = shop.check();
    assert!(held.stdout.contains("; 1 held back (held: moving (root) since "), "{held:#?}");
    shop.sh("opsctl lock release");
    shop.checks(2, 3, 1);
    shop.start();
    shop.checks(2, 0, 2);

    // Nobody: what can be seen without root, and no file is changed.
    let files = "find /var/lib/opsctl /run/opsctl -printf '%p %s %T@ %u %m\\n' | sort";
    let before = shop.sh(files);
    let nobody = shop.machine.run_as("nobody", &["opsctl", "check"]);
    assert!([0, 3, 4].contains(&nobody.code) && nobody.stdout.lines().count() == 1, "{nobody:#?}");
    assert_eq!(nobody.stderr, "");
    assert_eq!(shop.sh(files), before);
    shop.has(2);
    let list = shop.machine.run_as("nobody", &["opsctl", "get", "checks"]);
    assert!(list.code == 4 && list.stderr.contains("/var/lib/opsctl/check/localhost/state."), "{list:#?}");

    // A clock that jumps: nothing is due, nothing is over, and nothing is sent again.
    for jump in ["+60d", "-60d"] {
        shop.begin();
        shop.checks(1, 0, 0);
        shop.fail();
        shop.checks(2, 3, 1);
        let jumped = || {
            for _ in 0..2 {
                shop.machine.run(&["faketime", "-f", jump, "opsctl", "check"]);
            }
        };
        jumped();
        shop.checks(2, 3, 1);
        shop.start();
        jumped();
        shop.checks(2, 0, 2);
    }
}

#[test]
fn nothing_can_be_written_or_sent() {
    let shop = Shop::boot("it-killed-disk");
    // A full disk, at the first check there ever was, and with a record from before. That the disk is full is a message too.
    for before in [false, true] {
        shop.begin();
        shop.sh("mkdir -m 700 /var/lib/opsctl; mount -t tmpfs -o size=512k,mode=700 full /var/lib/opsctl");
        if before {
            shop.checks(2, 0, 0);
        }
        shop.sh("head -c 1m /dev/zero >/var/lib/opsctl/big 2>/dev/null || true");
        shop.checks(2, 3, 1);
        shop.fail();
        shop.checks(1, 3, 1);
        shop.checks(6, 3, 2);
        if !before {
            shop.sh("test -s /run/opsctl/localhost.check.0 -a -s /run/opsctl/localhost.check.1");
        }
        shop.start();
        shop.checks(3, 3, 3);
        // With room again the record goes on.
        shop.sh("rm /var/lib/opsctl/big");
        shop.checks(2, 0, 4);
        shop.checks(3, 0, 4);
        shop.sh("umount /var/lib/opsctl");
    }

    // Nothing takes a record: it says so, also to the heartbeat, and sends nothing again and again.
    shop.begin();
    shop.checks(1, 0, 0);
    shop.fail();
    shop.checks(1, 3, 0);
    shop.sh("for d in /var/lib/opsctl /run/opsctl; do mount --bind $d $d; mount -o remount,bind,ro $d; done");
    for _ in 0..3 {
        shop.not_recorded(3, "/run/opsctl: Read-only file system (os error 30)");
    }
    shop.has(0);
    shop.start();
    shop.not_recorded(0, "/run/opsctl: Read-only file system (os error 30)");
    assert_eq!(shop.last_beat(), "/beat/fail");
    shop.fail();
    shop.sh("umount /run/opsctl /var/lib/opsctl");
    shop.checks(2, 3, 1);

    // Receivers that hang, refuse and are not reached: bounded in time, kept, and sent once when it is time to try again.
    for way in ["hang", "500", "unreached"] {
        shop.begin();
        shop.checks(1, 0, 0);
        shop.fail();
        shop.checks(1, 3, 0);
        let (cut, join) = match way {
            "unreached" => ("iptables -I OUTPUT -o lo -p tcp --dport 9999 -j DROP".to_owned(), "iptables -F OUTPUT"),
            _ => (format!("echo {way} >/root/answer"), "rm /root/answer"),
        };
        shop.sh(&cut);
        let ran = shop.machine.run(&["timeout", "20", "opsctl", "check"]);
        assert!(ran.code == 3 && ran.stdout.contains("5 channels fail"), "{way}: {ran:#?}");
        let attempts = usize::from(way != "unreached");
        shop.has(attempts);
        shop.sh(join);
        // It is not time yet.
        shop.checks(2, 3, attempts);
        shop.sh("awk '{ print $1 + 90, $2 }' /proc/uptime >/run/uptime; mount --bind /run/uptime /proc/uptime");
        shop.checks(3, 3, attempts + 1);
        shop.sh("umount /proc/uptime");
    }
}

#[test]
fn files_are_missing_or_planted() {
    let shop = Shop::boot("it-killed-planted");
    let env = "/etc/opsctl/notify.env";
    shop.begin();
    shop.checks(1, 0, 0);
    shop.sh("cp -p /etc/opsctl/notify.env /root/notify.env; rm -r /etc/opsctl");
    shop.checks(1, 0, 0);
    let planted = [
        (
            "install -m 644 /root/notify.env $E",
            "others can read or change it (mode 0644); run: chmod 600 /etc/opsctl/notify.env",
        ),
        ("mkfifo -m 600 $E", "is not a regular file"),
        (
            "install -d -o nobody /srv/theirs; cp -p /root/notify.env /srv/theirs/; ln -s /srv/theirs/notify.env $E",
            "is not a regular file",
        ),
        (
            "cp -p /root/notify.env $E; chown nobody $E",
            "it belongs to user 65534; run: chown root: /etc/opsctl/notify.env && chmod 600 /etc/opsctl/notify.env",
        ),
        (
            "cp -p /root/notify.env $E; chown nobody /etc/opsctl",
            "users other than root can change /etc/opsctl; run: chown root: /etc/opsctl && chmod go-w /etc/opsctl",
        ),
    ];
    for (plant, why) in planted {
        shop.sh(&format!("rm -rf /etc/opsctl; mkdir -m 755 /etc/opsctl; E={env}; {plant}"));
        let ran = shop.check();
        assert_eq!(
            (ran.code, ran.stderr.trim_end()),
            (0, format!("opsctl: {env} is not used: {why}").as_str()),
            "{plant}"
        );
        assert!(ran.stdout.starts_with("PASS "), "{ran:#?}");
    }
    shop.sh("rm -rf /etc/opsctl; mkdir -m 755 /etc/opsctl; cp -p /root/notify.env /etc/opsctl/");

    // Links are not followed; the record is kept in memory then, and nothing is sent twice.
    for plant in [
        "ln -s /srv/other /var/lib/opsctl",
        "mkdir -m 700 -p /var/lib/opsctl/check; ln -s /srv/other /var/lib/opsctl/check/localhost",
        "mkdir -m 700 -p /var/lib/opsctl /var/lib/opsctl/check /var/lib/opsctl/check/localhost; for slot in 0 1; do ln -s /srv/other/$slot /var/lib/opsctl/check/localhost/state.$slot; done",
    ] {
        shop.begin();
        shop.sh(&format!("rm -rf /srv/other; mkdir /srv/other; {plant}"));
        shop.checks(1, 0, 0);
        shop.fail();
        shop.checks(3, 3, 1);
        shop.start();
        shop.checks(3, 0, 2);
        assert_eq!(shop.sh("ls -A /srv/other"), "", "{plant}");
    }
    for (plant, path) in [
        ("ln -s /srv/other /run/opsctl", "/run/opsctl"),
        ("mkdir /run/opsctl; chown nobody /run/opsctl", "/run/opsctl"),
        ("mkdir /run/opsctl; chmod 777 /run/opsctl", "/run/opsctl"),
    ] {
        shop.begin();
        shop.sh(plant);
        shop.not_recorded(0, &format!("{path} is not a directory that only this user can write to"));
        shop.sh("rm -rf /run/opsctl");
    }

    // What cannot be read could hold open incidents: nothing is sent as if there were none.
    shop.begin();
    shop.sh("mkdir -m 700 -p /var/lib/opsctl /var/lib/opsctl/check /var/lib/opsctl/check/localhost; mkfifo /var/lib/opsctl/check/localhost/state.1");
    shop.not_recorded(0, "/var/lib/opsctl/check/localhost/state.1: is a FIFO, not a regular file");

    // Both slots are garbage: a failure that lasts is notified once more, as nothing is known of it.
    shop.begin();
    shop.checks(1, 0, 0);
    shop.fail();
    shop.checks(2, 3, 1);
    shop.sh("for slot in 0 1; do head -c 65536 /dev/urandom >/var/lib/opsctl/check/localhost/state.$slot; done");
    shop.checks(4, 3, 2);
    shop.start();
    shop.checks(4, 0, 3);
}
