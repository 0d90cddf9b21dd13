//! Whoever holds the key of the bucket, as the application does: what lies in it may be anything.

use super::*;

const ATTEMPTS: &[Attempt] = &[
    Attempt {
        attacker: KEY,
        user: "root",
        tried: "objects whose numbers are the greatest there are",
        plant: "cd /var/lib/r2-standin/prim-backups/opsctl/faucet
                for n in 18446744073709551615 18446744073709551614 9223372036854775807 4294967295 999999999 -1; do
                    printf x > 20991231T235959Z-$n-ffffffff.db; printf x > 20991231T235959Z-$n-ffffffff.json; done
                for n in 18446744073709551615 18446744073709551614 9223372036854775807; do printf x > 20260101T000000Z-$n-ffffffff.db; done",
        verbs: &["backup list faucet", "restore faucet --dry-run", "backup verify faucet", "backup faucet", "backup prune faucet --dry-run", "restore faucet --dry-run"],
        holds: "made=$(opsctl backup faucet -o json | jq -r .id); test -n \"$made\"; test \"$(opsctl restore faucet --dry-run -o json | jq -r .copy)\" = \"$made\"
                made=$(opsctl backup faucet -o json | jq -r .id); test \"$(opsctl restore faucet --dry-run -o json | jq -r .copy)\" = \"$made\"",
        heal: "cd /var/lib/r2-standin/prim-backups/opsctl/faucet; rm -f 2099* 20260101T000000Z-*",
        ..NONE
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
        ..NONE
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
        ..NONE
    },
    Attempt {
        attacker: KEY,
        tried: "manifests that are a gigabyte, nest a million levels, are directories, or not text",
        plant: "cd /var/lib/r2-standin/prim-backups/opsctl/faucet; id=20991231T235958Z-77778-ffffffff
                printf x > $id.db; python3 -c 'print(\"[\" * 1000000)' > $id.json; printf x > 20991231T235957Z-77779-ffffffff.db
                truncate -s 1G 20991231T235957Z-77779-ffffffff.json; head -c 1000 /dev/urandom > 20991231T235956Z-77780-ffffffff.json
                mkdir -p 20991231T235955Z-77781-ffffffff.json; printf x > 20991231T235955Z-77781-ffffffff.json/x",
        verbs: &["backup list faucet --timeout 40s", "backup faucet --timeout 60s", "backup verify faucet --timeout 60s", "backup prune faucet --dry-run", "restore faucet --dry-run", "status"],
        heal: "rm -rf /var/lib/r2-standin/prim-backups/opsctl/faucet/2099*",
        long: true,
        ..NONE
    },
    Attempt {
        attacker: KEY,
        tried: "the newest true copy of one set is cut short, that of another has a byte changed",
        plant: "cd /var/lib/r2-standin/prim-backups/opsctl; mkdir -p /run/kept; cp -a faucet /run/kept/; opsctl backup faucet >/dev/null
                db=$(ls faucet/*.db* | grep -v json | tail -n 1); truncate -s -100 $db; cd spawn; db=$(ls | grep -v json | tail -n 1); mkdir -p /run/kept/spawn; cp -a . /run/kept/spawn/
                printf '\\377' | dd of=$db bs=1 seek=100 conv=notrunc 2>/dev/null",
        verbs: &["backup list", "backup verify faucet", "backup verify spawn", "backup drill faucet", "restore spawn --to /srv/out.db", "restore spawn -y --settle 300ms", "backup prune faucet --dry-run"],
        says: "its content differs when read back",
        holds: "test $(sqlite3 /srv/out.db 'SELECT count(*) FROM kept') = 1000",
        heal: "cd /var/lib/r2-standin/prim-backups/opsctl; rm -rf faucet spawn; mv /run/kept/* .; rmdir /run/kept; rm -f /srv/out.db",
        ..NONE
    },
    Attempt {
        attacker: KEY,
        tried: "everything is deleted",
        plant: "cd /var/lib/r2-standin/prim-backups; mv opsctl /run/opsctl.kept; mkdir opsctl",
        verbs: &["backup list", "backup verify faucet", "restore faucet --dry-run", "backup prune faucet -y", "diagnose backup-overdue"],
        holds: "if opsctl restore faucet --dry-run >/dev/null 2>&1; then exit 1; fi; code=0; opsctl backup verify faucet >/dev/null 2>&1 || code=$?; test $code != 0",
        heal: "cd /var/lib/r2-standin/prim-backups; rm -rf opsctl; mv /run/opsctl.kept opsctl",
        ..NONE
    },
    Attempt {
        attacker: KEY,
        tried: "a true copy and its manifest are given again under another number, another time and another set",
        plant: "cd /var/lib/r2-standin/prim-backups/opsctl; for file in spawn/*; do name=$(basename $file); cp $file faucet/$name; \
                cp $file spawn/$(echo $name | sed -E 's/^[0-9]{8}T/20991231T/'); cp $file spawn/$(echo $name | sed -E 's/-0*([0-9]+)-/-9\\1-/'); done",
        verbs: &["backup list", "restore faucet --to /srv/out.db", "backup verify spawn", "backup prune spawn --dry-run", "backup spawn", "restore spawn --dry-run"],
        heal: "cd /var/lib/r2-standin/prim-backups/opsctl; rm -f spawn/20991231T* spawn/*-9[0-9]*-*; cd spawn; for name in *; do rm -f ../faucet/$name; done; rm -f /srv/out.db",
        ..NONE
    },
];

/// The server sees at once what is laid beside its objects; by itself it remembers a listing for minutes.
const FRESH: &str = "mkdir -p /run/systemd/system/standin-r2.service.d
    printf '[Service]\\nEnvironment=RCLONE_DIR_CACHE_TIME=1ms RCLONE_VFS_CACHE_MODE=off\\n' > /run/systemd/system/standin-r2.service.d/fresh.conf
    systemctl daemon-reload; systemctl restart standin-r2
    for i in $(seq 100); do rclone lsf r2backup:prim-backups/opsctl/faucet >/dev/null 2>&1 && break; sleep 0.1; done
    touch /var/lib/r2-standin/prim-backups/opsctl/faucet/seen; sleep 0.1; rclone lsf r2backup:prim-backups/opsctl/faucet | grep -q seen
    rm /var/lib/r2-standin/prim-backups/opsctl/faucet/seen";

pub fn attempts(machine: &Machine) -> Vec<Row> {
    call(machine, "", "backup faucet spawn").unwrap();
    machine.sh(FRESH);
    let mut rows = try_all(machine, ATTEMPTS);
    // Whatever was tried, what was truly made last is what comes back.
    let document = |words: &[&str]| -> serde_json::Value {
        let ran = machine.run(&[&["opsctl", "-o", "json"], words].concat());
        serde_json::from_str(&ran.stdout).unwrap_or_default()
    };
    let made = document(&["backup", "faucet"]);
    let plan = document(&["restore", "faucet", "--dry-run"]);
    let is_newest = made["id"].is_string() && plan["copy"] == made["id"];
    rows.push(Row {
        attacker: KEY,
        verb: "backup create, restore".to_owned(),
        tried: "after all of that, which copy comes back".to_owned(),
        outcome: match is_newest {
            true => format!("{HELD}; the one that was truly made last"),
            false => format!("BREACH: made {}, restored would be {}", made["id"], plan["copy"]),
        },
    });
    rows
}
