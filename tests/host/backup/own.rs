//! The full cycle of somebody's own deployment (`examples/own_backup.rs`): a database of the host's own PostgreSQL, Debian's package,
//! whose unit only starts `postgresql@17-main.service`.

use super::*;

/// A shop that uses its database all the time, and has a thousand orders in it.
const SHOP: &str = r#"
    mkdir -p /srv/shop
    printf '[Service]\nUser=postgres\nExecStart=/bin/sh -c "while sleep 0.2; do psql -qAt -d shop -c \\"SELECT count(*) FROM s.orders\\"; done"\n[Install]\nWantedBy=multi-user.target\n' \
        >/etc/systemd/system/shop.service
    systemctl daemon-reload; systemctl enable -q --now postgresql
    sudo -u postgres psql -q -c 'CREATE ROLE shop LOGIN' -c 'CREATE DATABASE shop OWNER shop'
    sudo -u postgres psql -q -d shop -c 'SET ROLE shop' -c 'CREATE SCHEMA s' -c 'CREATE TABLE s.orders (id int PRIMARY KEY, what text)' \
        -c 'INSERT INTO s.orders SELECT i, md5(i::text) FROM generate_series(1, 1000) i'
    systemctl enable -q --now shop
"#;

fn shopctl(machine: &Machine, words: &str, code: i32) -> Ran {
    let mut line = vec!["shopctl"];
    line.extend(words.split_whitespace());
    let ran = machine.run(&line);
    assert_eq!(ran.code, code, "{words}: {ran:#?}");
    ran
}

fn document(machine: &Machine, words: &str, code: i32) -> Value {
    serde_json::from_str(&shopctl(machine, &format!("{words} -o json"), code).stdout).unwrap()
}

fn psql(machine: &Machine, database: &str, statement: &str) -> String {
    machine.sh(&format!("cd /; sudo -u postgres psql -qAt -d {database} -c \"{statement}\""))
}

/// How many orders there are, and whose they and the database are.
fn orders(machine: &Machine) -> String {
    let query = "SELECT count(*), (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'), (SELECT tableowner \
                 FROM pg_tables WHERE tablename = 'orders') FROM s.orders";
    psql(machine, "shop", query).trim().to_owned()
}

/// Databases of opsctl that are left.
fn left(machine: &Machine) -> String {
    psql(machine, "postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'opsctl%'")
}

#[test]
fn a_cycle_of_a_postgresql_of_the_host() {
    let machine = Machine::boot_as("bare", "it-own-backup");
    machine.put_example("own_backup", "/usr/local/bin/shopctl");
    machine.sh(SHOP);
    remote(&machine, "r2", "shop-backups");
    shopctl(&machine, "backup create --dry-run", 0);

    let made = shopctl(&machine, "backup create -v", 0);
    for wanted in ["sudo -u postgres", "pg_dump --no-password --username=postgres --dbname=shop --port=5432"] {
        assert!(made.stderr.contains(wanted), "{wanted}: {made:#?}");
    }
    let listed = document(&machine, "backup list o*", 0);
    assert_eq!((&listed["backups"][0]["rows"], &listed["backups"][0]["verified"]), (&1000.into(), &true.into()));
    for line in ["backup list", "backup verify", "backup drill", "backup prune"] {
        shopctl(&machine, line, 0);
    }
    assert_eq!(left(&machine), "");
    let status = document(&machine, "status", 0);
    // The load is the machine's, on which other hosts run.
    assert!(status["worst"].is_null() || status["worst"]["subject"] == "load", "{status:#}");

    disasters(&machine);
    nobody_answers(&machine);
    machine.sh("! grep -r dummy-secret /var/log/opsctl /var/lib/opsctl /run/opsctl");
    lines_of_the_instance(&machine);
}

/// Rows are lost, or the database; whoever else uses it keeps it as it is.
fn disasters(machine: &Machine) {
    for disaster in [
        "sudo -u postgres psql -q -d shop -c 'DELETE FROM s.orders WHERE id > 10'",
        "systemctl stop shop; sudo -u postgres psql -q -c 'DROP DATABASE shop'",
    ] {
        machine.sh(&format!("cd /; {disaster}"));
        let done = document(machine, "restore orders -y --settle 500ms", 0);
        assert_eq!(done["outcome"], "live", "{disaster}: {done:#}");
        assert_eq!(orders(machine), "1000|shop|shop", "{disaster}");
        machine.sh("systemctl is-active shop");
        shopctl(machine, "restore --forget-old -y", 0);
        assert_eq!(left(machine), "", "{disaster}");
    }
    psql(machine, "shop", "DELETE FROM s.orders WHERE id > 500");
    machine.sh("systemd-run --quiet --unit=reader --uid=postgres sh -c 'sleep 1000 | psql -d shop'; sleep 1");
    let open = document(machine, "restore orders -y --settle 500ms", 9);
    assert_eq!(open["outcome"], "untouched", "{open:#}");
    assert!(open["summary"].as_str().unwrap().contains("it is still open in psql"), "{open:#}");
    assert_eq!((orders(machine).as_str(), left(machine).as_str()), ("500|shop|shop", ""));
    machine.sh("systemctl stop reader; systemctl is-active shop");
    machine.sh("rm -f /root/orders.dump");
    shopctl(machine, "restore orders --to /root/orders.dump", 0);
    machine.sh("pg_restore --list /root/orders.dump | grep -q 'TABLE DATA s orders'");
}

/// A server that is down says nothing of a copy: it is not known to be bad, and can be restored as soon as the server is up.
fn nobody_answers(machine: &Machine) {
    machine.sh("systemctl stop shop postgresql; while test -e /run/postgresql/.s.PGSQL.5432; do sleep 0.1; done");
    let proofs = document(machine, "backup verify", 4);
    let told = proofs["proofs"][0]["summary"].as_str().unwrap();
    assert!(told.starts_with("its test restore could not run: ") && told.contains(".s.PGSQL.5432"), "{told}");
    let refused = shopctl(machine, "restore orders -y", 5).stderr;
    assert!(refused.contains("nothing was changed") && refused.contains("shopctl start database"), "{refused}");
    let listed = document(machine, "backup list", 0);
    assert_eq!(listed["backups"][0]["verified"], true, "{listed:#}");
    shopctl(machine, "start database -y", 0);
    let done = document(machine, "restore orders -y --settle 500ms", 0);
    assert_eq!((&done["outcome"], orders(machine).as_str()), (&"live".into(), "1000|shop|shop"));
    machine.sh("systemctl start shop");
    shopctl(machine, "backup create orders", 0);
}

/// What the unit starts is what fails, and its lines say why, though nobody stated that it has instances.
fn lines_of_the_instance(machine: &Machine) {
    let started = shopctl(machine, "logs database", 0).stdout;
    for wanted in ["Started postgresql@17-main.service", "Finished postgresql.service"] {
        assert!(started.contains(wanted), "{wanted}: {started}");
    }
    machine.sh("echo 'max_connections = many' >>/etc/postgresql/17/main/postgresql.conf
         systemctl restart postgresql@17-main 2>/dev/null || true");
    let why = "invalid value for parameter \"max_connections\"";
    let failed = shopctl(machine, "logs database --since -1m", 0).stdout;
    assert!(failed.contains(why) && failed.contains("Failed to start postgresql@17-main.service"), "{failed}");
    let status = shopctl(machine, "status database", 3).stdout;
    assert!(status.contains("postgresql@17-main.service") || status.contains("failed"), "{status}");
}
