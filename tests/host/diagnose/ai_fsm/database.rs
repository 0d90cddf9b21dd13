//! The database and its data, and backups.

use super::{ENV_BACK, POSTGRES_ANEW};
use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "db-inaccessible",
        what: "DATABASE_URL names localhost, as the example file does, web made anew",
        inject: env!("s/@postgres:/@localhost:/", "web"),
        heal: ENV_BACK,
        code: "DATABASE-URL-HOST",
        subject: "web",
        decisive: "DATABASE_URL in /home/pi/ai-fsm/.env does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "db-inaccessible",
        what: "the role has another password than DATABASE_URL",
        inject: sql!("ALTER ROLE ai_fsm PASSWORD 'hunter2'"),
        heal: concat!(
            sql!("ALTER ROLE ai_fsm PASSWORD 'dummy-secret-postgres-password'"),
            "; docker restart -t 1 ai-fsm-worker"
        ),
        code: "DATABASE-REFUSES",
        subject: "postgres",
        decisive: "password authentication failed for user",
        fix: Fix::Person,
    },
    Injection {
        failure: "db-inaccessible",
        what: "all of its twelve connections taken",
        inject: concat!(
            sql!("ALTER SYSTEM SET max_connections = 12"),
            "; docker restart -t 5 ai-fsm-postgres; until docker exec ai-fsm-postgres pg_isready -q -U ai_fsm; do sleep 0.2; done; \
             for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do ",
            sql_on!("SELECT pg_sleep(300)"),
            "; done; sleep 3"
        ),
        heal: "docker restart -t 5 ai-fsm-postgres; until docker exec ai-fsm-postgres pg_isready -q -U ai_fsm; do sleep 0.2; done; \
               docker exec ai-fsm-postgres psql -qX --username=ai_fsm --dbname=ai_fsm -c 'ALTER SYSTEM RESET max_connections'; \
               docker restart -t 5 ai-fsm-postgres; until docker exec ai-fsm-postgres pg_isready -q -U ai_fsm; do sleep 0.2; done; \
               docker restart -t 1 ai-fsm-worker",
        code: "CONNECTIONS-FULL",
        subject: "postgres",
        decisive: "53300",
        fix: Fix::Look,
    },
    Injection {
        failure: "db-inaccessible",
        what: "a session with a lock on jobs, and another that waits for it",
        inject: concat!(
            sql_on!("BEGIN; LOCK TABLE jobs; SELECT pg_sleep(300)"),
            "; sleep 1; ",
            sql_on!("SELECT count(*) FROM jobs"),
            "; sleep 10"
        ),
        heal: sql!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid()"
        ),
        code: "LOCK-CHAIN",
        subject: "postgres",
        decisive: "^pid [0-9]+ \\(role \\S+, psql, active, for [0-9]+ s\\) blocks 1 sessions by its lock on jobs$",
        fix: Fix::Person,
    },
    Injection {
        failure: "db-inaccessible",
        what: "a write of PostgreSQL finds no space",
        inject: sql!("DO \\$\\$ BEGIN RAISE LOG 'could not extend file: No space left on device'; END \\$\\$"),
        heal: POSTGRES_ANEW,
        code: "DATABASE-WITHOUT-SPACE",
        subject: "postgres",
        decisive: "No space left on device",
        fix: Fix::Look,
    },
    Injection {
        failure: "data-corruption",
        what: "a page of the table payments overwritten",
        inject: concat!(
            "f=/var/lib/docker/volumes/infra_pgdata_pi/_data/$(docker exec ai-fsm-postgres psql -qXAt --username=ai_fsm \
             --dbname=ai_fsm -c \"SELECT pg_relation_filepath('payments')\"); docker stop -t 10 ai-fsm-postgres; \
             cp -a $f /root/page; echo $f >/root/where; head -c 8192 /dev/urandom | dd of=$f conv=notrunc status=none; \
             docker start ai-fsm-postgres; until docker exec ai-fsm-postgres pg_isready -q -U ai_fsm; do sleep 0.2; done; ",
            sql!("SELECT count(*) FROM payments"),
            " || true; sleep 1"
        ),
        heal: "docker stop -t 10 ai-fsm-postgres; cp -a /root/page $(cat /root/where); docker start ai-fsm-postgres; sleep 3; \
               docker restart -t 1 ai-fsm-worker",
        code: "DATABASE-DAMAGED",
        subject: "postgres",
        decisive: "invalid page in block 0|page verification failed",
        fix: Fix::Person,
    },
    Injection {
        failure: "data-corruption",
        what: "the table payments is not there",
        inject: sql!("ALTER TABLE payments RENAME TO elsewhere"),
        heal: sql!("ALTER TABLE elsewhere RENAME TO payments"),
        code: "TABLE-MISSING",
        subject: "postgres",
        decisive: "^missing: payments$",
        fix: Fix::Person,
    },
    Injection {
        failure: "data-corruption",
        what: "the table users is empty",
        inject: sql!("ALTER TABLE users RENAME TO elsewhere; CREATE TABLE users (LIKE elsewhere)"),
        heal: sql!("DROP TABLE users; ALTER TABLE elsewhere RENAME TO users"),
        code: "NOBODY-LEFT",
        subject: "postgres",
        decisive: "the table users is empty",
        fix: Fix::Person,
    },
    Injection {
        failure: "data-corruption",
        what: "sixty rows deleted, says audit_log",
        inject: sql!(
            "INSERT INTO audit_log (account_id, entity_type, entity_id, action) SELECT 1, 'job', 1000 + n, 'delete' FROM generate_series(1, 60) AS n"
        ),
        heal: sql!("DELETE FROM audit_log WHERE action = 'delete'"),
        code: "MANY-DELETED",
        subject: "postgres",
        decisive: "^60 rows deleted in the last hour$",
        fix: Fix::Person,
    },
    backups!(overdue, "ai-fsm", "database"),
    backups!(failed, "ai-fsm", "database"),
];
