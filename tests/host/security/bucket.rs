//! Whoever holds the key of the bucket, as the application does: what lies in it may be anything.

use super::{Attempt, Row, call, try_all};
use crate::machine::Machine;

const KEY: &str = "holder of the bucket's key";

const ATTEMPTS: &[Attempt] = &[
    Attempt {
        attacker: KEY,
        user: "root",
        tried: "objects whose numbers are the greatest there are",
        plant: "cd /var/lib/r2-standin/prim-backups/opsctl/faucet
                for n in 18446744073709551615 18446744073709551614 9223372036854775807 4294967295 999999999 -1; do
                    printf x > 20991231T235959Z-$n-ffffffff.db; printf x > 20991231T235959Z-$n-ffffffff.json; done",
        verbs: &["backup list faucet", "restore faucet --dry-run", "backup verify faucet", "backup faucet", "backup prune faucet --dry-run", "restore faucet --dry-run"],
        says: "",
        heal: "cd /var/lib/r2-standin/prim-backups/opsctl/faucet; rm -f 2099*",
    },
    Attempt {
        attacker: KEY,
        user: "root",
        tried: "copies of true objects under greater numbers and other sets, with their manifests altered to match",
        plant: "cd /var/lib/r2-standin/prim-backups/opsctl
                db=$(ls faucet/*.db | tail -n 1); id=$(basename $db .db); forged=$(echo $id | sed -E 's/-[0-9]+-/-77777-/')
                cp $db faucet/$forged.db; for manifest in faucet/$id*.json; do sed \"s/$id/$forged/g\" $manifest > faucet/$(basename $manifest | sed \"s/$id/$forged/\"); done
                mkdir -p spawn; cp $db spawn/$forged.db; for manifest in faucet/$id*.json; do sed \"s/$id/$forged/g; s/faucet/spawn/g\" $manifest > spawn/$(basename $manifest | sed \"s/$id/$forged/\"); done",
        verbs: &["backup list faucet", "backup list spawn", "restore faucet --dry-run", "backup verify faucet", "backup faucet", "backup prune faucet --dry-run"],
        says: "unsigned",
        heal: "rm -f /var/lib/r2-standin/prim-backups/opsctl/*/*-77777-*",
    },
    Attempt {
        attacker: KEY,
        user: "root",
        tried: "two thousand objects of others, among them names with spaces, quotes and terminal sequences",
        plant: "cd /var/lib/r2-standin/prim-backups/opsctl/faucet; for i in $(seq 2000); do : > other-$i.db; done
                : > 'a b.db'; : > \"q'uote.db\"; : > \"$(printf 'x\\033[31m.db')\"",
        verbs: &["backup list faucet", "backup faucet", "backup prune faucet --dry-run", "restore faucet --dry-run"],
        says: "",
        heal: "cd /var/lib/r2-standin/prim-backups/opsctl/faucet; find . -name 'other-*' -delete; rm -f 'a b.db' \"q'uote.db\" x*.db",
    },
];

pub fn attempts(machine: &Machine) -> Vec<Row> {
    call(machine, "backup faucet spawn", "a true copy");
    let rows = try_all(machine, ATTEMPTS);
    // Whatever was tried, what was truly made last is what comes back.
    let listed = machine.run(&["opsctl", "backup", "list", "faucet", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    let newest = document["backups"][0]["id"].as_str().unwrap().to_owned();
    let plan = machine.run(&["opsctl", "restore", "faucet", "--dry-run", "-o", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["copy"], newest, "{plan:#}");
    rows
}
