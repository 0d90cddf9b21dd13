//! The full cycle of ai-fsm: PostgreSQL in a container, and the env file that the runbook forgets.

use super::*;

const COUNT: &str = "docker exec ai-fsm-postgres psql -U ai_fsm -d ai_fsm -Atc 'SELECT count(*) FROM users'";

fn users(machine: &Machine) -> u32 {
    machine.sh(COUNT).trim().parse().unwrap()
}

#[test]
fn a_cycle_on_ai_fsm() {
    let machine = Machine::boot_as("ai-fsm", "it-ai-fsm-backup");
    remote(&machine, "remote", "ai-fsm-backups");
    machine.sh("install -d -m 700 /etc/opsctl; age-keygen -o /etc/opsctl/backup.key 2>/dev/null");
    let before = users(&machine);
    assert!(before > 0);
    cycle(&machine, &["database", "env"]);
    let env = "stat -c '%U:%G %a' /home/pi/ai-fsm/.env; sha256sum /home/pi/ai-fsm/.env";
    let as_it_was = machine.sh(env);
    machine.sh("rm /home/pi/ai-fsm/.env");
    restored(&machine, "env");
    assert_eq!(machine.sh(env), as_it_was);
    let drop = |what: &str| {
        machine.sh(&format!("docker exec ai-fsm-postgres psql -U ai_fsm -d ai_fsm -c '{what}' 2>&1"));
    };
    // Rows are lost, then a table, then the database itself.
    drop("DELETE FROM users");
    restored(&machine, "database");
    assert_eq!(users(&machine), before);
    opsctl(&machine, "restore --forget-old -y", 0);
    drop("DROP TABLE users CASCADE");
    restored(&machine, "database");
    assert_eq!(users(&machine), before);
    opsctl(&machine, "restore --forget-old -y", 0);
    machine.sh("docker exec ai-fsm-postgres dropdb -U ai_fsm --force --maintenance-db=postgres ai_fsm");
    restored(&machine, "database");
    assert_eq!(users(&machine), before);
    lies(&machine);
    let database = halfway::Halfway {
        set: "database",
        spoil: "docker exec ai-fsm-postgres psql -U ai_fsm -d ai_fsm -c 'DELETE FROM users' >/dev/null",
        look: COUNT,
    };
    halfway::tell("ai-fsm", &halfway::killed(&machine, &database));
    let left = machine.sh("docker exec ai-fsm-postgres psql -U ai_fsm -d postgres -Atc \"SELECT datname FROM pg_database WHERE datname LIKE 'opsctl%'\"");
    assert_eq!(left.trim(), "");
    machine.sh("! grep -rE 'dummy-secret' /var/log/opsctl /var/lib/opsctl /run/opsctl");
}

/// A server that says that it changed the names and did not: what is live is looked at, and nothing is called restored.
fn lies(machine: &Machine) {
    machine.sh(r#"mv /usr/bin/docker /usr/bin/docker.real; cat >/usr/bin/docker <<'END'
#!/bin/bash
case "$*" in
    *psql*) said=$(cat); [[ $said == *RENAME* ]] && exit 0; printf %s "$said" | docker.real "$@" ;;
    *) exec docker.real "$@" ;;
esac
END
        chmod 755 /usr/bin/docker"#);
    let done = document(machine, "restore database -y --settle 500ms", 9);
    assert_eq!(done["outcome"], "untouched", "{done:#}");
    machine.sh("mv /usr/bin/docker.real /usr/bin/docker");
}
