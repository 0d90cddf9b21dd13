//! The full cycle of plugspace: Redis with its log, and archives of files that are sealed. No MongoDB server can be had here:
//! its tools are stand-ins, which show what is asked of them and what becomes of what they say.

use super::*;

const REDIS: &str = "REDISCLI_AUTH=dummy-secret-redis-password redis-cli";

fn keys(machine: &Machine) -> String {
    machine.sh(&format!("{REDIS} --scan | sort | paste -sd ' '")).trim().to_owned()
}

/// MongoDB's tools, as they are asked and as they answer: the login comes from a file or from standard input.
pub const TOOLS: &str = r#"
    cat >/usr/bin/mongodump <<'END'
#!/bin/bash
for word in "$@"; do case $word in --config=*) config=${word#*=} ;; --archive=*) archive=${word#*=} ;; esac; done
test "$(stat -c %a "$config")" = 600 && grep -q 'dummy-secret-mongodb-admin@localhost:27017/?' "$config" || exit 1
gzip <<<'users 3' >"$archive"
END
    cat >/usr/bin/mongorestore <<'END'
#!/bin/bash
for word in "$@"; do case $word in --archive=*) archive=${word#*=} ;; --nsTo=*) to=${word#*=} ;; esac; done
read -r name count < <(gzip -dc "$archive") || exit 1
printf '2026-11-22T05:30:00.000+0000	finished restoring %s.%s (%s documents, 0 failures)
' "${to%.*}" "$name" "$count" >&2
printf '2026-11-22T05:30:00.000+0000	%s document(s) restored successfully. 0 document(s) failed to restore.
' "$count" >&2
END
    printf '#!/bin/sh
cat >/run/mongosh.said
' >/usr/bin/mongosh
    chmod 755 /usr/bin/mongo*
"#;

/// A tree in a line: names, owners, modes, sizes and contents.
fn tree(machine: &Machine, path: &str) -> String {
    machine.sh(&format!(
        "cd {path} && (find . -printf '%p %U:%G %m %y %l\\n' | sort; find . -type f -print0 | sort -z | xargs -0 cat) | sha256sum"
    ))
}

#[test]
fn a_cycle_on_plugspace() {
    let machine = Machine::boot_as("plugspace", "it-plugspace-backup");
    remote(&machine, "remote", "plugspace-backups");
    // What lies on a layer below cannot be moved on an overlay, as which the host's root is mounted here and nowhere else.
    machine.sh("for d in /etc/nginx /etc/redis /etc/letsencrypt; do cp -a $d $d.own; rm -r $d; mv $d.own $d; done");
    machine.sh(&format!("{REDIS} SET session:1 one; {REDIS} RPUSH queue a b c; mkdir -p /home/plugspace/plugspace/node_modules/x; \
                         echo built >/home/plugspace/plugspace/node_modules/x/y; chown -R plugspace: /home/plugspace/plugspace/node_modules"));
    sealed_or_not_at_all(&machine);
    let without = document(&machine, "backup mongodb", 1);
    assert_eq!(without["sets"][0]["summary"], "mongodump is not installed", "{without:#}");
    machine.sh(TOOLS);
    cycle(&machine, &["mongodb", "redis", "app", "config", "ssl"]);
    machine.sh("grep -q 'getSiblingDB(\"opsctl_trial_' /run/mongosh.said");
    opsctl(&machine, "restore mongodb -y", 5);
    opsctl(&machine, "restore mongodb --to /root/mongodb.archive", 0);
    machine.sh("gzip -t /root/mongodb.archive");
    assert_eq!(keys(&machine), "queue session:1");
    for loss in ["DEL session:1", "SET session:1 two", "SET other x"] {
        machine.sh(&format!("{REDIS} {loss}"));
    }
    restored(&machine, "redis");
    assert_eq!(keys(&machine), "queue session:1");
    assert_eq!(
        machine.sh(&format!("{REDIS} GET session:1; systemctl restart redis-server; sleep 0.5; {REDIS} GET session:1")),
        "one\none\n"
    );
    opsctl(&machine, "restore --forget-old -y", 0);
    // The snapshot and the log are both lost.
    machine.sh("systemctl stop redis-server; rm -r /var/lib/redis/*");
    restored(&machine, "redis");
    assert_eq!(keys(&machine), "queue session:1");
    opsctl(&machine, "restore --forget-old -y", 0);
    trees(&machine);
    let redis = halfway::Halfway {
        set: "redis",
        spoil: "REDISCLI_AUTH=dummy-secret-redis-password redis-cli SET session:1 two >/dev/null",
        look: "REDISCLI_AUTH=dummy-secret-redis-password redis-cli GET session:1 | grep -E 'one|two'",
    };
    let app = halfway::Halfway {
        set: "app",
        spoil: "echo X=1 >>/home/plugspace/plugspace/.env",
        look: "cd /home/plugspace/plugspace && tail -n 1 .env | sha256sum | cut -c1-8; ls -d node_modules/x",
    };
    halfway::tell("plugspace", &(halfway::killed(&machine, &redis) + &halfway::killed(&machine, &app)));
    machine.sh("! grep -rE 'dummy-secret' /var/log/opsctl /var/lib/opsctl /run/opsctl");
}

/// F7: credentials leave the host sealed with a key that is there, or not at all.
fn sealed_or_not_at_all(machine: &Machine) {
    let made = document(machine, "backup config", 1);
    assert!(made["sets"][0]["summary"].as_str().unwrap().starts_with("no key to encrypt with"), "{made:#}");
    machine.sh("install -d -m 700 /etc/opsctl; age-keygen -o /etc/opsctl/backup.key 2>/dev/null");
    document(machine, "backup config", 0);
    machine.sh("! grep -rlE 'dummy-secret|requirepass' /srv/s3");
    machine.sh("mv /etc/opsctl/backup.key /root/first.key; age-keygen -o /etc/opsctl/backup.key 2>/dev/null");
    let other = document(machine, "backup verify config", 3);
    assert!(other["proofs"][0]["summary"].as_str().unwrap().contains("encrypted with another key"), "{other:#}");
    machine.sh("mv /root/first.key /etc/opsctl/backup.key");
    document(machine, "backup verify config", 0);
}

/// What is deleted, changed or added comes back as it was; what is in no copy is there afterwards as well.
fn trees(machine: &Machine) {
    let app = tree(machine, "/home/plugspace/plugspace");
    machine.sh("cd /home/plugspace/plugspace; rm -f package.json; echo 'X=1' >>.env; touch added");
    restored(machine, "app");
    assert_eq!(tree(machine, "/home/plugspace/plugspace"), app);
    opsctl(machine, "restore --forget-old -y", 0);
    let nginx = tree(machine, "/etc/nginx");
    machine.sh("rm -r /etc/nginx/sites-enabled /etc/nginx/nginx.conf; chmod 777 /etc/mongod.conf");
    restored(machine, "config");
    assert_eq!(tree(machine, "/etc/nginx"), nginx);
    assert_eq!(machine.sh("stat -c %a /etc/mongod.conf; nginx -t 2>&1 | grep -c successful"), "644\n1\n");
    opsctl(machine, "restore --forget-old -y", 0);
    let certificates = tree(machine, "/etc/letsencrypt");
    machine.sh("rm -r /etc/letsencrypt");
    restored(machine, "ssl");
    assert_eq!(tree(machine, "/etc/letsencrypt"), certificates);
    opsctl(machine, "restore --to /root/config config", 0);
    machine.sh("test -f /root/config/etc/nginx/nginx.conf");
    machine.sh("test -z \"$(find /etc /home/plugspace /var/lib/redis -name '*opsctl-*')\"");
}
