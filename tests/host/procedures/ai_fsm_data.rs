//! The data of ai-fsm: a snapshot, the way back from corrupt data, and a migration, with a real PostgreSQL in a container.

use super::{contains, opsctl, planned};
use crate::backup::remote;
use crate::machine::Machine;

const STATE: &str = "ls -l --time-style=full-iso /home/pi/backups; docker ps --format '{{.Names}} {{.Status}}' | cut -d' ' -f1,2 | sort";
const RUNNING: &str = "docker ps --format '{{.Names}}' | sort | tr '\\n' ' '";

fn sql(machine: &Machine, query: &str) -> String {
    machine
        .sh(&format!("echo \"{query}\" | docker exec -i ai-fsm-postgres psql -XAt -U ai_fsm -d ai_fsm"))
        .trim()
        .to_owned()
}

#[test]
fn data_of_ai_fsm() {
    let machine = &Machine::boot_as("ai-fsm", "it-ai-fsm-data");
    remote(machine, "remote", "ai-fsm-backups");
    snapshot(machine);
    corruption(machine);
    migration(machine);
    machine.sh("! grep -rE 'dummy-secret|owner@example' /var/log/opsctl /var/lib/opsctl --include=*.json*");
}

fn snapshot(machine: &Machine) {
    planned(machine, "emergency-snapshot 20260219_1405", STATE);
    contains(&opsctl(machine, "run emergency-snapshot A --directory /nowhere -y", 5), &["/nowhere does not exist"]);
    // No room: what was cut off never counts, and goes when that is undone.
    machine.sh("mkdir /srv/small; mount -t tmpfs -o size=8k small /srv/small");
    contains(&opsctl(machine, "run emergency-snapshot A --directory /srv/small -y", 8), &["dump"]);
    machine.sh("! test -e /srv/small/incident_A.dump");
    opsctl(machine, "run emergency-snapshot --undo -y", 0);
    machine.sh("[ -z \"$(ls -A /srv/small)\" ]; umount /srv/small");
    opsctl(machine, "run emergency-snapshot 20260219_1405 -y", 0);
    let dump = "/home/pi/backups/incident_20260219_1405.dump";
    assert_eq!(
        machine.sh(&format!("stat -c '%a %U' {dump}; ls /home/pi/backups")),
        "600 root\nincident_20260219_1405.dump\n"
    );
    // As somebody without opsctl reads it.
    let restored = format!("docker exec -i ai-fsm-postgres pg_restore --data-only --table=payments --file=- <{dump}");
    assert_eq!(machine.sh(&format!("{restored} | grep -c 60000")), "2\n");
    contains(&opsctl(machine, "run emergency-snapshot 20260219_1405 -y", 5), &["incident_20260219_1405.dump exists"]);
}

fn corruption(machine: &Machine) {
    opsctl(machine, "backup create database", 0);
    let before = machine.sh(RUNNING);
    sql(machine, "DELETE FROM payments");
    planned(machine, "recover-data B", STATE);
    // Before it is decided that data is restored, nothing is lost, and all is undone.
    let stopped = opsctl(machine, "run recover-data B -y", 8);
    contains(&stopped, &["a person must do this", "payment ", "payments  |     0"]);
    assert_eq!(machine.sh(RUNNING), "ai-fsm-postgres ai-fsm-redis ");
    contains(&opsctl(machine, "run recover-data --undo -y", 8), &["the snapshot is kept"]);
    assert_eq!((machine.sh(RUNNING), sql(machine, "SELECT count(*) FROM payments")), (before.clone(), "0".to_owned()));
    opsctl(machine, "run recover-data C -y", 8);
    let answers = "--answer decide=restore --answer login=works --answer record=written --answer inform=informed";
    let done = opsctl(machine, &format!("run recover-data -y --resume --settle 500ms {answers}"), 0);
    contains(&done, &["14 of 14 steps"]);
    assert_eq!((machine.sh(RUNNING), sql(machine, "SELECT count(*) FROM payments")), (before, "2".to_owned()));
    machine.sh("curl -fsS localhost:3000/api/health | grep -q '\"db\":\"ok\"'");
    // What was damaged is kept.
    machine.sh("for n in B C; do docker exec -i ai-fsm-postgres pg_restore --data-only --table=payments --file=- </home/pi/backups/incident_$n.dump | grep -c 60000 | grep -x 0; done");
}

fn migration(machine: &Machine) {
    let shape = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'";
    let (before, file) = (sql(machine, shape), "/home/pi/ai-fsm/db/migrations/007_priority.sql");
    machine.sh(&format!(
        "echo 'ALTER TABLE jobs ADD COLUMN priority integer; CREATE INDEX jobs_by_priority ON jobz (priority);' >{file}"
    ));
    planned(machine, &format!("migrate {file} jobs.priority"), STATE);
    // Its second statement fails: nothing of it remains.
    opsctl(machine, &format!("run migrate {file} jobs.priority -y"), 8);
    assert_eq!(sql(machine, shape), before);
    machine.sh("journalctl --no-pager -u opsctl-migration | grep -q 'relation \"jobz\" does not exist'");
    machine.sh(&format!("sed -i s/jobz/jobs/ {file}"));
    contains(&opsctl(machine, "run migrate -y --resume", 8), &["a person must do this: record"]);
    assert_eq!(sql(machine, "SELECT count(*) FROM pg_indexes WHERE indexname = 'jobs_by_priority'"), "1");
    opsctl(machine, "run migrate -y --resume --answer record=recorded", 0);
    contains(&opsctl(machine, &format!("run migrate {file} jobs.priority -y"), 5), &["must not be applied twice"]);
    let seed = "/home/pi/ai-fsm/db/migrations/002_seed_dev.sql";
    contains(&opsctl(machine, &format!("run migrate {seed} x -y"), 5), &["never for production"]);
}
