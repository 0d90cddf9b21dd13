//! ai-fsm's failures, each at least once, with a real PostgreSQL.

use super::{Fix, Injection, drive};
use crate::machine::Machine;

/// SQL as the application's role.
macro_rules! sql {
    ($statements:literal) => {
        concat!(
            "docker exec ai-fsm-postgres psql -qX -v ON_ERROR_STOP=1 --username=ai_fsm --dbname=ai_fsm -c \"",
            $statements,
            "\""
        )
    };
}

/// SQL that goes on in the background.
macro_rules! sql_on {
    ($statements:literal) => {
        concat!("docker exec -d ai-fsm-postgres psql -qX --username=ai_fsm --dbname=ai_fsm -c \"", $statements, "\"")
    };
}

/// .env changed, and the containers made anew with it.
macro_rules! env {
    ($edit:literal, $services:literal) => {
        concat!(
            "cd /home/pi/ai-fsm; cp -p .env /root/env; sed -i '",
            $edit,
            "' .env; docker compose --progress quiet -f infra/compose.pi.yml up -d --no-deps ",
            $services,
            "; sleep 3"
        )
    };
}

const ENV_BACK: &str = "cd /home/pi/ai-fsm; cp -p /root/env .env; docker compose --progress quiet -f infra/compose.pi.yml up -d \
                        --no-deps web worker; sleep 2";
const WEB_ANEW: &str = "cd /home/pi/ai-fsm; docker rm -f ai-fsm-web >/dev/null; docker compose --progress quiet -f \
                        infra/compose.pi.yml up -d --no-deps web; sleep 2";
const POSTGRES_ANEW: &str = "docker restart -t 5 ai-fsm-postgres; \
                             until docker exec ai-fsm-postgres pg_isready -q -U ai_fsm; do sleep 0.2; done; sleep 1";

const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "app-down",
        what: "web stopped",
        inject: "docker stop -t 1 ai-fsm-web",
        heal: "docker start ai-fsm-web",
        code: "STOPPED",
        subject: "web",
        decisive: "stopped \\(exit 0\\)",
        fix: Fix::Safe,
    },
    Injection {
        failure: "app-down",
        what: "web killed, and not started again",
        inject: "docker update --restart=no ai-fsm-web; docker kill ai-fsm-web",
        heal: "docker update --restart=unless-stopped ai-fsm-web; docker start ai-fsm-web",
        code: "FAILED",
        subject: "web",
        decisive: "failed: exit 137",
        fix: Fix::Disruptive,
    },
    Injection {
        failure: "app-down",
        what: "web paused",
        inject: "docker pause ai-fsm-web",
        heal: "docker unpause ai-fsm-web || true",
        code: "PAUSED",
        subject: "web",
        decisive: "docker: paused",
        fix: Fix::Safe,
    },
    Injection {
        failure: "app-down",
        what: "web hangs, and no health check sees it",
        inject: "kill -STOP $(docker inspect -f '{{.State.Pid}}' ai-fsm-web)",
        heal: "kill -CONT $(docker inspect -f '{{.State.Pid}}' ai-fsm-web)",
        code: "NO-ANSWER",
        subject: "web",
        decisive: "no answer in",
        fix: Fix::Restart,
    },
    Injection {
        failure: "app-down",
        what: "AUTH_SECRET of eight characters, web made anew",
        inject: env!("s/^AUTH_SECRET=.*/AUTH_SECRET=hunter22/", "web"),
        heal: ENV_BACK,
        code: "SECRET-SHORT",
        subject: "web",
        decisive: "AUTH_SECRET must be at least 32 characters|AUTH_SECRET in .* does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "app-down",
        what: "AUTH_SECRET put right in .env, and web only restarted",
        inject: concat!(
            env!("s/^AUTH_SECRET=.*/AUTH_SECRET=hunter22/", "web"),
            "; cp -p /root/env .env; docker restart -t 1 ai-fsm-web; sleep 2"
        ),
        heal: ENV_BACK,
        code: "START-REFUSED",
        subject: "web",
        decisive: "AUTH_SECRET must be at least 32 characters",
        fix: Fix::Person,
    },
    Injection {
        failure: "app-down",
        what: "REDIS_URL removed from .env, web made anew",
        inject: env!("/^REDIS_URL=/d", "web"),
        heal: ENV_BACK,
        code: "ENV-KEY-MISSING",
        subject: "web",
        decisive: "lacks REDIS_URL",
        fix: Fix::Person,
    },
    Injection {
        failure: "app-down",
        what: "web's container and image pruned",
        inject: "docker rm -f ai-fsm-web; docker tag ai-fsm-web:local kept:1; docker rmi ai-fsm-web:local",
        heal: "docker tag kept:1 ai-fsm-web:local; docker rmi kept:1; cd /home/pi/ai-fsm; docker compose --progress quiet -f \
               infra/compose.pi.yml up -d --no-deps web; sleep 2",
        code: "IMAGE-GONE",
        subject: "web",
        decisive: "no such line",
        fix: Fix::Person,
    },
    Injection {
        failure: "app-down",
        what: "the docker engine and its socket stopped",
        inject: "systemctl stop docker.socket docker",
        heal: "systemctl start docker.socket docker; sleep 3; docker start ai-fsm-postgres ai-fsm-redis ai-fsm-web ai-fsm-worker",
        code: "ENGINE-DOWN",
        subject: "host",
        decisive: "the docker engine is not running",
        fix: Fix::Safe,
    },
    Injection {
        failure: "app-down",
        what: "postgres stopped: web and worker are down with it",
        inject: "docker stop -t 5 ai-fsm-postgres",
        heal: "docker start ai-fsm-postgres; sleep 2; docker restart -t 1 ai-fsm-web ai-fsm-worker",
        code: "STOPPED",
        subject: "postgres",
        decisive: "stopped \\(exit 0\\)",
        fix: Fix::Safe,
    },
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
    Injection {
        failure: "disk-full",
        what: "the file system of /home/pi/backups full",
        inject: "mount -t tmpfs -o size=2m tmpfs /home/pi/backups; head -c 3m /dev/zero >/home/pi/backups/fill 2>/dev/null || true",
        heal: "umount -l /home/pi/backups",
        code: "DISK-FULL",
        subject: "disk /home/pi/backups",
        decisive: "/home/pi/backups: 100% of",
        fix: Fix::Person,
    },
    Injection {
        failure: "disk-full",
        what: "a file system is nearly full, and redis writes its log without a bound",
        inject: "mount -t tmpfs -o size=10m tmpfs /home/pi/backups; head -c 9100k /dev/zero >/home/pi/backups/fill; \
                 docker rename ai-fsm-redis kept; docker stop -t 1 kept; \
                 docker run -d --name ai-fsm-redis --label com.docker.compose.project=infra --label \
                 com.docker.compose.service=redis -v /usr:/usr:ro redis:7",
        heal: "docker rm -f ai-fsm-redis; docker rename kept ai-fsm-redis; docker start ai-fsm-redis; umount -l /home/pi/backups",
        code: "LOGS-UNBOUNDED",
        subject: "disk /home/pi/backups",
        decisive: "/ai-fsm-redis .*\"Config\":\\{\\}",
        fix: Fix::Person,
    },
    Injection {
        failure: "oom",
        what: "web within 12 MB, killed and not started again",
        inject: "docker stop -t 1 ai-fsm-web; docker update --restart=no --memory=12m --memory-swap=12m ai-fsm-web; \
                 docker start ai-fsm-web; sleep 3",
        heal: WEB_ANEW,
        code: "OUT-OF-MEMORY",
        subject: "web",
        decisive: "OOMKilled=true",
        fix: Fix::Restart,
    },
    Injection {
        failure: "oom",
        what: "the same, and NODE_OPTIONS does not bound the heap",
        inject: "cp -p /home/pi/ai-fsm/.env /root/env; sed -i '/^NODE_OPTIONS=/d' /home/pi/ai-fsm/.env; docker stop -t 1 ai-fsm-web; \
                 docker update --restart=no --memory=12m --memory-swap=12m ai-fsm-web; docker start ai-fsm-web; sleep 3",
        heal: "cd /home/pi/ai-fsm; cp -p /root/env .env; docker rm -f ai-fsm-web >/dev/null; docker compose --progress quiet -f \
               infra/compose.pi.yml up -d --no-deps web; sleep 2",
        code: "HEAP-UNBOUNDED",
        subject: "web",
        decisive: "lacks NODE_OPTIONS",
        fix: Fix::Person,
    },
    Injection {
        failure: "oom",
        what: "a heap of 2 MB: Node ends web, over and over",
        inject: env!("s/^NODE_OPTIONS=.*/NODE_OPTIONS=--max-old-space-size=2/", "web"),
        heal: ENV_BACK,
        code: "HEAP-EXHAUSTED",
        subject: "web",
        decisive: "heap limit|heap out of memory",
        fix: Fix::Look,
    },
    Injection {
        failure: "automation-failures",
        what: "a visit reminder cannot be recorded",
        inject: concat!(
            sql!(
                "ALTER TABLE audit_log ADD CONSTRAINT x CHECK (entity_type <> 'visit_reminder') NOT VALID; UPDATE automations SET next_run_at = now() WHERE type = 'visit_reminder'"
            ),
            "; docker restart -t 1 ai-fsm-worker; sleep 2"
        ),
        heal: concat!(
            sql!(
                "ALTER TABLE audit_log DROP CONSTRAINT x; UPDATE automations SET next_run_at = now() + interval '1 hour'"
            ),
            "; docker restart -t 1 ai-fsm-worker"
        ),
        code: "REMINDER-FAILS",
        subject: "worker",
        decisive: "visit-reminder: failed to emit",
        fix: Fix::Look,
    },
    Injection {
        failure: "automation-failures",
        what: "an invoice follow-up cannot be recorded",
        inject: concat!(
            sql!(
                "ALTER TABLE audit_log ADD CONSTRAINT x CHECK (entity_type <> 'invoice_followup') NOT VALID; UPDATE automations SET next_run_at = now() WHERE type = 'invoice_followup'"
            ),
            "; docker restart -t 1 ai-fsm-worker; sleep 2"
        ),
        heal: concat!(
            sql!(
                "ALTER TABLE audit_log DROP CONSTRAINT x; UPDATE automations SET next_run_at = now() + interval '1 hour'"
            ),
            "; docker restart -t 1 ai-fsm-worker"
        ),
        code: "FOLLOW-UP-FAILS",
        subject: "worker",
        decisive: "invoice-followup: failed to process",
        fix: Fix::Look,
    },
    Injection {
        failure: "automation-failures",
        what: "the worker may not read automations",
        inject: concat!(
            sql!("ALTER TABLE automations RENAME COLUMN enabled TO elsewhere"),
            "; docker restart -t 1 ai-fsm-worker; sleep 2"
        ),
        heal: concat!(
            sql!("ALTER TABLE automations RENAME COLUMN elsewhere TO enabled"),
            "; docker restart -t 1 ai-fsm-worker"
        ),
        code: "POLL-FAILS",
        subject: "worker",
        decisive: "worker poll failed",
        fix: Fix::Look,
    },
    Injection {
        failure: "automation-failures",
        what: "an automation is due for ten minutes, and the worker hangs",
        inject: concat!(
            "kill -STOP $(docker inspect -f '{{.State.Pid}}' ai-fsm-worker); ",
            sql!("UPDATE automations SET next_run_at = now() - interval '10 minutes' WHERE type = 'visit_reminder'")
        ),
        heal: concat!(
            sql!("UPDATE automations SET next_run_at = now() + interval '1 hour'"),
            "; kill -CONT $(docker inspect -f '{{.State.Pid}}' ai-fsm-worker); docker restart -t 1 ai-fsm-worker"
        ),
        code: "AUTOMATIONS-OVERDUE",
        subject: "worker",
        decisive: "^visit_reminder 1 due for 1[0-9] min$",
        fix: Fix::Restart,
    },
    Injection {
        failure: "automation-failures",
        what: "every automation switched off",
        inject: sql!("UPDATE automations SET enabled = false"),
        heal: sql!("UPDATE automations SET enabled = true"),
        code: "AUTOMATIONS-OFF",
        subject: "worker",
        decisive: "^all 2 are switched off$",
        fix: Fix::Person,
    },
    Injection {
        failure: "automation-failures",
        what: "WORKER_POLL_MS of ten minutes, seen after two",
        inject: concat!(env!("s/^WORKER_POLL_MS=.*/WORKER_POLL_MS=600000/", "worker"), "; sleep 120"),
        heal: ENV_BACK,
        code: "POLL-SLOW",
        subject: "worker",
        decisive: "WORKER_POLL_MS in /home/pi/ai-fsm/.env does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "login-rate-limited",
        what: "a line that says whom web turned away, which a proxy or a later version writes",
        inject: "docker exec ai-fsm-web sh -c \
                 'echo \"{\\\"level\\\":\\\"warn\\\",\\\"msg\\\":\\\"login RATE_LIMITED\\\"}\" >/proc/1/fd/1'; sleep 1",
        heal: "docker restart -t 1 ai-fsm-web",
        code: "RATE-LIMITED",
        subject: "web",
        decisive: "RATE_LIMITED",
        fix: Fix::Disruptive,
    },
    Injection {
        failure: "disk-full",
        what: "two at once: the file system of /home/pi/backups full, and AUTH_SECRET too short",
        inject: concat!(
            "mount -t tmpfs -o size=2m tmpfs /home/pi/backups; head -c 3m /dev/zero >/home/pi/backups/fill 2>/dev/null || true; ",
            env!("s/^AUTH_SECRET=.*/AUTH_SECRET=hunter22/", "web")
        ),
        heal: "umount -l /home/pi/backups; cd /home/pi/ai-fsm; cp -p /root/env .env; docker compose --progress quiet -f \
               infra/compose.pi.yml up -d --no-deps web; sleep 2",
        code: "DISK-FULL",
        subject: "disk /home/pi/backups",
        decisive: "/home/pi/backups: 100% of",
        fix: Fix::Person,
    },
    backups!(overdue, "ai-fsm", "database"),
    backups!(failed, "ai-fsm", "database"),
];

const NOT_HERE: &[(&str, &str)] = &[
    (
        "a lock-out by six wrong logins",
        "web does not say so anywhere, and a try of one's own would prolong it: not seen",
    ),
    ("POOL-EXHAUSTED", "the stand-in opens a connection for each question; driven by log lines in ring 1"),
    ("POLL-HIDDEN", "the stand-in writes its line at any LOG_LEVEL"),
    ("DATABASE-STARTING", "over within a second here"),
    ("OOM-KILLS, NO-SWAP, MEMORY-LOW, CLOCK-ADRIFT", "memory, kernel log and clock are the machine's"),
];

#[test]
fn ai_fsm_failures_are_told_apart() {
    let machine = Machine::boot_as("ai-fsm", "it-ai-fsm-diagnose");
    drive(&machine, "ai-fsm", INJECTIONS, NOT_HERE);
}
