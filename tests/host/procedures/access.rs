//! prim: its internal key is rotated, and wallets are let in and out. Wallet is a stand-in that checks the key which it read at its start.

use super::{planned, run, says};
use crate::machine::Machine;

const OLD: &str = "dummy-secret-prim-internal-key";
const PAID: &str = "201 200 201 200 ";
const FILES: &str = "stat -c '%a %U:%G %n' /etc/prim/*.env; cd /etc/prim; grep -v PRIM_INTERNAL_KEY *.env";

/// Reads the arguments of every process while a procedure runs, and the environment of opsctl and of what it runs.
const WATCH: &str = r"
import glob, os
open('/run/watch.pid', 'w').write(str(os.getpid()))
seen = open('/run/watched', 'wb', 0)
known = set()
while True:
    for pid in glob.glob('/proc/[0-9]*'):
        try:
            words = open(pid + '/cmdline', 'rb').read()
            name = os.path.basename(words.split(b'\0')[0])
            if name in (b'opsctl', b'curl', b'grep', b'systemctl'): words += open(pid + '/environ', 'rb').read()
        except OSError: continue
        if words not in known: known.add(words); seen.write(words + b'\n')
";

struct Watch<'a>(&'a Machine);

impl<'a> Watch<'a> {
    fn over(machine: &'a Machine) -> Self {
        machine.put(&write("watch", WATCH), "/root/watch");
        machine.sh(
            "setsid python3 /root/watch </dev/null >/dev/null 2>&1 & until [ -s /run/watched ]; do sleep 0.05; done",
        );
        Watch(machine)
    }

    /// None of these was seen anywhere, or is kept.
    fn end(self, secrets: &[&str]) {
        self.0.sh("kill $(cat /run/watch.pid); grep -qa 'curl.*--config' /run/watched");
        self.0.put(&write("secrets", &secrets.join("\n")), "/root/secrets");
        let found = self.0.run(&[
            "sh",
            "-c",
            "journalctl --no-pager -o cat >/run/journal; grep -rlaF -f /root/secrets /run/watched /run/journal /var/log \
             /var/lib/opsctl /run/opsctl; rm -f /root/secrets",
        ]);
        assert_eq!(found.stdout, "", "a secret was seen");
    }
}

fn write(name: &str, text: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("opsctl-{}-{name}", std::process::id()));
    std::fs::write(&path, format!("{text}\n")).unwrap();
    path
}

/// What wallet answers to whoever has this key.
fn status(machine: &Machine, key: &str) -> String {
    machine.put(&write("key", &format!("header = \"x-internal-key: {key}\"")), "/root/key");
    machine.sh(
        "curl -s -o /dev/null -w '%{http_code}' -K /root/key 'http://127.0.0.1:3001/internal/allowlist/check?address=0x1'",
    )
}

/// What services that ask wallet answer to a wallet that may pay.
fn paid(machine: &Machine) -> String {
    machine.sh(
        "payment=$(printf '{\"payload\":{\"authorization\":{\"from\":\"0x1111111111111111111111111111111111111111\"}}}' | base64 -w0)
         for route in 3002/v1/buckets 3005/v1/search 3008/v1/collections 3010/v1/track; do
         curl -s -o /dev/null -w '%{http_code} ' -X POST -H \"payment-signature: $payment\" http://127.0.0.1:$route; done",
    )
}

fn keys(machine: &Machine) -> Vec<String> {
    let lines = machine.sh("sed -n 's/^PRIM_INTERNAL_KEY=//p' /etc/prim/*.env");
    lines.lines().map(str::to_owned).collect()
}

#[test]
fn the_internal_key_of_prim() {
    let machine = &Machine::boot_as("prim", "it-prim-key");
    let before = machine.sh(FILES);
    assert_eq!((status(machine, OLD), paid(machine)), ("200".to_owned(), PAID.to_owned()));
    planned(machine, "rotate-internal-key", "cat /etc/prim/*.env; systemctl show -P MainPID prim-wallet prim-track");

    // Track does not start again.
    let watch = Watch::over(machine);
    machine.sh("mv /opt/prim/packages/track/src/index.ts /root/");
    says(machine, "rotate-internal-key -y --settle 500ms", 8, &["track"]);
    let failed = keys(machine)[0].clone();
    assert_eq!((failed.len(), status(machine, OLD), status(machine, &failed)), (48, "401".into(), "200".into()));
    machine.sh("mv /root/index.ts /opt/prim/packages/track/src/");
    run(machine, "rotate-internal-key --undo -y --settle 500ms", 0);
    assert_eq!((status(machine, OLD), status(machine, &failed)), ("200".to_owned(), "401".to_owned()));
    assert_eq!((machine.sh(FILES), paid(machine)), (before.clone(), PAID.to_owned()));
    assert!(keys(machine).iter().all(|key| key == OLD));
    run(machine, "health-all", 0);

    // Wallet runs with another key than its file has: nothing is begun.
    machine.sh("sed -i.old s/^PRIM_INTERNAL_KEY=.*/PRIM_INTERNAL_KEY=another/ /etc/prim/wallet.env");
    says(machine, "rotate-internal-key -y", 5, &["wallet does not accept the key of its env file"]);
    machine.sh("mv /etc/prim/wallet.env.old /etc/prim/wallet.env");

    let done = run(machine, "rotate-internal-key -y --settle 500ms --answer worker=current", 0);
    let keys = keys(machine);
    assert!(keys.len() == 10 && keys.iter().all(|key| key == &keys[0] && key.len() == 48), "{}", keys.len());
    assert_eq!((status(machine, OLD), status(machine, &keys[0])), ("401".to_owned(), "200".to_owned()));
    assert_eq!((status(machine, &failed), paid(machine)), ("401".to_owned(), PAID.to_owned()));
    assert_eq!(machine.sh(FILES), before);
    assert!(!done.contains(&keys[0]) && !done.contains(OLD), "{done}");
    watch.end(&[OLD, &failed, &keys[0]]);
    assert_eq!(machine.sh("ls /var/lib/opsctl | grep secrets || true"), "");
    run(machine, "health-all", 0);
}

#[test]
fn the_allowlist_of_prim() {
    let machine = &Machine::boot_as("prim", "it-prim-allowlist");
    let wallet = "0xAbCdEf0123456789aBcDeF0123456789abcdef01";
    let listed = || machine.sh("sqlite3 /var/lib/prim/allowlist.db 'SELECT address FROM allowlist ORDER BY 1'");
    let before = listed();
    let with = format!("{before}{}\n", wallet.to_lowercase());
    planned(machine, &format!("allowlist-add {wallet}"), "sqlite3 /var/lib/prim/allowlist.db .dump");
    let watch = Watch::over(machine);
    says(machine, &format!("allowlist {wallet}"), 3, &["is not on the allowlist"]);
    run(machine, &format!("allowlist-add {wallet} -y"), 0);
    assert_eq!(listed(), with);
    run(machine, &format!("allowlist-check {wallet}"), 0);
    says(machine, &format!("allowlist-add {wallet} -y"), 0, &["is on the allowlist"]);
    run(machine, &format!("allowlist-remove {wallet} -y"), 0);
    assert_eq!(listed(), before);
    run(machine, "allowlist-remove 0x12 -y", 2);
    // Wallet cannot write: its list is as it was, and nothing is left to undo.
    machine.sh("chmod 400 /var/lib/prim/allowlist.db; systemctl restart prim-wallet; sleep 1");
    let locked = "sqlite3 /var/lib/prim/allowlist.db";
    let ran = machine.run(&["opsctl", "run", "allowlist-add", wallet, "-y"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert_eq!(machine.sh(&format!("{locked} 'SELECT count(*) FROM allowlist'")), "1\n");
    machine.sh("chmod 644 /var/lib/prim/allowlist.db; systemctl restart prim-wallet; sleep 1");
    run(machine, "allowlist-add --undo -y", 0);
    assert_eq!(listed(), before);
    // Wallet takes another key: whether somebody is on the list is then unknown.
    machine.sh("sed -i.old s/^PRIM_INTERNAL_KEY=.*/PRIM_INTERNAL_KEY=another/ /etc/prim/wallet.env");
    says(machine, &format!("allowlist {wallet}"), 4, &["401"]);
    assert_eq!(machine.run_as("nobody", &["opsctl", "run", "allowlist", wallet]).code, 4);
    watch.end(&[OLD]);
}
