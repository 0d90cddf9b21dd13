//! prim: its user owns the databases that are copied and a compose file; Caddy's owns the access logs.

use super::*;

const ATTEMPTS: &[Attempt] = &[
    Attempt {
        attacker: APP,
        user: "caddy",
        tried: "access logs (as the proxy's user) are links to /etc/shadow, to the environment of PID 1 and to the host's ssh key",
        plant: "cd /var/log/caddy; for name in wallet store search; do mv $name-access.log $name.kept 2>/dev/null || true; done
                ln -s /etc/shadow wallet-access.log; ln -s /proc/1/environ store-access.log
                ln -s /etc/ssh/ssh_host_ed25519_key search-access.log",
        verbs: &[
            "logs caddy --source wallet-access -n 50",
            "logs caddy --source store-access -n 50",
            "logs caddy --all -n 50",
            "diagnose --bundle -",
            "diagnose",
        ],
        says: "is a symbolic link in a directory that users other than root can change",
        heal: "cd /var/log/caddy; rm *-access.log; for name in wallet store search; do mv $name.kept $name-access.log 2>/dev/null || true; done",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "a database is a FIFO",
        plant: "cd /opt/prim; mv faucet.db kept; mkfifo faucet.db",
        verbs: &["status", "verify", "diagnose", "backup faucet", "backup --dry-run", "diagnose --bundle -"],
        says: "is a FIFO",
        heal: "cd /opt/prim; mv kept faucet.db",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "the journals beside a database are FIFOs",
        plant: "cd /opt/prim; mkdir -p kept; mv faucet.db-* kept/ 2>/dev/null || true; mkfifo faucet.db-journal faucet.db-wal faucet.db-shm",
        verbs: &["status", "backup faucet", "restore faucet --dry-run"],
        says: "",
        heal: "cd /opt/prim; rm -f faucet.db-journal faucet.db-wal faucet.db-shm; mv kept/* . 2>/dev/null || true; rmdir kept",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "a database, and the log of one, are links to a database of root's",
        plant: "cd /opt/prim; mv faucet.db kept; ln -s /root/keep/file faucet.db; mv spawn.db kept2; cp kept2 spawn.db; rm -f spawn.db-*
                ln -s /root/keep/file spawn.db-wal",
        verbs: &["status", "verify", "backup faucet", "backup spawn", "restore faucet --dry-run"],
        says: "symbolic link",
        heal: "cd /opt/prim; rm -f faucet.db spawn.db spawn.db-*; mv kept faucet.db; mv kept2 spawn.db",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "a compose file takes files of root's for its variables",
        plant: "cd /opt/prim/deploy/email; cp -a docker-compose.yml kept
                printf 'services:\\n  stalwart:\\n    image: x\\n    env_file: /root/keep/.env\\ninclude:\\n  - /root/canary\\n' > docker-compose.yml",
        verbs: &["verify", "verify -o json", "status", "diagnose --bundle -"],
        says: "",
        heal: "cd /opt/prim/deploy/email; mv kept docker-compose.yml",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "the directory of a compose file is a link to one of root's",
        plant: "cd /opt/prim/deploy; mv email kept; ln -s /root/keep email",
        verbs: &["verify", "status", "diagnose", "backup --dry-run"],
        says: "is a symbolic link",
        heal: "cd /opt/prim/deploy; rm email; mv kept email",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "what a restore lays beside a database is there already, as links to a file of root's",
        plant: "cd /opt/prim; for end in old new; do ln -s /root/canary .wallet.db.opsctl-20260101T000000Z-1-00000001-$end; done",
        verbs: &["status", "backup wallet", "restore wallet --dry-run"],
        says: "",
        heal: "rm -f /opt/prim/.wallet.db.opsctl-*",
        ..NONE
    },
];

/// Copies that were truly made, mail's too.
const COPIES: &str = "
    install -d -m 700 /etc/opsctl; test -e /etc/opsctl/backup.key || age-keygen -o /etc/opsctl/backup.key 2>/dev/null
    opsctl backup wallet faucet spawn stalwart -y >/dev/null";

pub fn attempts() -> Vec<Row> {
    let machine = Machine::boot_as("prim", "it-security-prim");
    machine.sh(crate::backup::DATABASES);
    arm(&machine, "prim");
    machine.sh(COPIES);
    // First, while nothing is to be found on the host.
    let mut rows = try_all(&machine, shortages::PRIM);
    rows.extend(try_all(&machine, ATTEMPTS));
    rows.extend(try_all(&machine, links::PRIM));
    rows.extend(try_all(&machine, databases::PRIM));
    rows.extend(try_all(&machine, containers::PRIM));
    rows.extend(try_all(&machine, logs::PRIM));
    rows.extend(try_all(&machine, logs::LOGIN));
    rows.extend(try_all(&machine, races::PRIM));
    rows.extend(bucket::attempts(&machine));
    rows.extend(try_all(&machine, servers::PRIM));
    rows.extend(anybody::engine(&machine));
    rows
}
