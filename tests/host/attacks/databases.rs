//! What an application can write into a database that root opens, and database servers that mean ill.

use super::*;

/// prim's databases are its user's.
pub const PRIM: &[Attempt] = &[
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "a database whose schema has terminal sequences, quotes and newlines for names, views without end, and triggers",
        plant: "cd /opt/prim; cp faucet.db faucet.kept; python3 - <<'END'
import sqlite3
db = sqlite3.connect('/opt/prim/faucet.db')
for name in ['\\x1b]0;evil\\x07', 'a\\nb', 'q\"\"; ATTACH \"\"/root/x.db\"\" AS y; --', '\\u202eevil', 'sqlite_evil'[3:], ' ', '*', 'a' * 50000]:
    db.execute(f'CREATE TABLE IF NOT EXISTS \"{name}\" (a)'); db.execute(f'INSERT INTO \"{name}\" VALUES (1)')
db.execute('CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n')
db.execute('CREATE VIEW w AS SELECT * FROM w2'); db.execute('CREATE VIEW w2 AS SELECT * FROM w')
db.execute('CREATE VIEW x AS SELECT load_extension(\"/home/prim/evil.so\"), writefile(\"/root/x\", 1), readfile(\"/root/canary\")')
db.execute('CREATE VIRTUAL TABLE f USING fts5(a)'); db.execute('CREATE VIRTUAL TABLE r USING rtree(id, a, b)')
db.commit()
END",
        verbs: &["backup faucet --timeout 60s", "backup verify faucet --timeout 60s", "backup drill faucet --timeout 60s", "backup list faucet",
            "restore faucet --to /srv/out.db --timeout 60s", "restore faucet -y --settle 300ms --timeout 60s", "diagnose", "status"],
        heal: "cd /opt/prim; systemctl stop prim-faucet; rm -f faucet.db* /srv/out.db*; mv faucet.kept faucet.db; opsctl restore --forget-old -y >/dev/null 2>&1 || true
               systemctl start prim-faucet",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "databases whose pages point at themselves, whose schema is rewritten and whose sizes are absurd",
        plant: "cd /opt/prim; cp faucet.db faucet.kept; cp token.db token.kept; python3 - <<'END'
import random, sqlite3
db = sqlite3.connect('/opt/prim/faucet.db')
db.execute('CREATE TABLE IF NOT EXISTS t (a, b)'); db.executemany('INSERT INTO t VALUES (?, ?)', [(i, 'x' * 200) for i in range(2000)])
db.execute('CREATE INDEX IF NOT EXISTS ti ON t (b)'); db.commit()
db.execute('PRAGMA writable_schema=ON')
db.execute(\"UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a, b, CHECK (a IN (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n)))' WHERE name = 't'\")
db.commit(); db.execute('PRAGMA wal_checkpoint(TRUNCATE)'); db.close()
with open('/opt/prim/token.db', 'r+b') as file:
    file.write(b'SQLite format 3\\0\\x02\\x00\\x01\\x01\\xff@  ' + b'\\xff' * 70)
    random.seed(4)
    for _ in range(300):
        file.seek(random.randrange(512, 20000)); file.write(bytes([random.randrange(256)]))
END",
        verbs: &["backup faucet token --timeout 60s", "backup list", "diagnose", "status"],
        heal: "cd /opt/prim; systemctl stop prim-faucet prim-token; rm -f faucet.db* token.db*; mv faucet.kept faucet.db; mv token.kept token.db; systemctl start prim-faucet prim-token",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "a database is held locked, for ever, by its own service",
        plant: "(exec python3 -c 'import sqlite3, time; db = sqlite3.connect(\"/opt/prim/faucet.db\"); db.execute(\"PRAGMA locking_mode=EXCLUSIVE\"); \
                db.execute(\"BEGIN EXCLUSIVE\"); open(\"/marks/held\", \"w\"); time.sleep(600)') >/dev/null 2>&1 & \
                for i in $(seq 50); do test -e /marks/held && break; sleep 0.1; done",
        verbs: &["status", "backup faucet --timeout 20s", "diagnose"],
        heal: "pkill -u prim -f '[B]EGIN EXCLUSIVE' || true",
        ..NONE
    },
];

macro_rules! server {
    ($attempt:literal, $unit:literal, $port:literal, $modes:literal, $answer:literal) => {
        Attempt {
            attacker: SERVER,
            tried: $attempt,
            plant: concat!(
                "systemctl stop ",
                $unit,
                "; systemd-run --quiet --unit=evil --property=Restart=always /usr/local/lib/attack/server ",
                $port,
                " mute; sleep 0.5"
            ),
            verbs: &["status", "diagnose", "verify"],
            all_say: "",
            holds: concat!(
                "for mode in ",
                $modes,
                "; do systemctl stop evil; systemctl reset-failed evil 2>/dev/null || true
                    systemd-run --quiet --unit=evil /usr/local/lib/attack/server ",
                $port,
                " $mode; sleep 0.4
                    for verb in 'status --timeout 10s' 'diagnose --timeout 20s'; do /usr/local/lib/attack/ask 50 ",
                $answer,
                " $verb; done
                done"
            ),
            heal: concat!(
                "systemctl stop evil; systemctl reset-failed evil 2>/dev/null || true; systemctl start ",
                $unit,
                "; sleep 1"
            ),
            ..NONE
        }
    };
}

/// plugspace asks Redis and MongoDB.
pub const PLUGSPACE: &[Attempt] = &[
    server!(
        "Redis says nothing, noise, absurd and negative lengths, nests without end, says terminal sequences",
        "redis-server",
        "6379",
        "full noise redis-length redis-negative redis-deep redis-words",
        "redis"
    ),
    server!(
        "MongoDB says nothing, noise, absurd and negative lengths, a document that is longer than its message",
        "mongod",
        "27017",
        "full noise mongo-length mongo-negative mongo-document",
        "mongodb"
    ),
];
