//! Queries that are slow.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "slow-queries",
        what: "a session that waits for another's lock (scenario D)",
        inject: "docker exec -d vedfinance-postgres psql -qX -U postgres vedfinance_staging -c 'BEGIN; UPDATE \
                 \"User\" SET name = name; SELECT pg_sleep(900)'; sleep 1; docker exec -d vedfinance-postgres psql \
                 -qX -U postgres vedfinance_staging -c 'UPDATE \"User\" SET name = name'; sleep 7",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres -c \"SELECT \
               pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'psql' AND pid <> \
               pg_backend_pid()\" >/dev/null",
        code: "BLOCKED",
        subject: "postgres",
        decisive: "blocked: pid",
        fix: Fix::Person,
    },
    Injection {
        failure: "slow-queries",
        what: "an exhausted pool, in Prisma's words (scenario E)",
        inject: "docker exec vedfinance-api sh -c 'echo \"ERROR [PrismaService] P2024 Timed out fetching a new \
                 connection from the connection pool\" >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "POOL-EXHAUSTED",
        subject: "api",
        decisive: "P2024",
        fix: Fix::Person,
    },
    Injection {
        failure: "slow-queries",
        what: "85 of 100 connections in use (scenario E)",
        inject: "docker exec -d vedfinance-postgres sh -c 'for i in $(seq 85); do sleep 900 | psql -U postgres -q & \
                 done; wait'; sleep 6",
        heal: "docker restart -t 5 vedfinance-postgres >/dev/null",
        code: "CONNECTIONS-SHORT",
        subject: "postgres",
        decisive: "connections: 8",
        fix: Fix::Restart,
    },
    Injection {
        failure: "slow-queries",
        what: "an index that was left invalid",
        inject: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
                 \"CREATE INDEX broken ON \\\"BehaviorLog\\\" (\\\"userId\\\"); UPDATE pg_index SET indisvalid = \
                 false WHERE indexrelid = 'broken'::regclass\"",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'DROP \
               INDEX broken'",
        code: "INDEX-INVALID",
        subject: "postgres",
        decisive: "invalid index: broken",
        fix: Fix::Person,
    },
    Injection {
        failure: "slow-queries",
        what: "a big table read as a whole 120 times (scenario A)",
        inject: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
                 'CREATE TABLE big AS SELECT generate_series(1, 20000) AS n; ANALYZE big' -c 'DO $$ BEGIN FOR i IN \
                 1..120 LOOP PERFORM count(*) FROM big; END LOOP; END $$'; sleep 1",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'DROP \
               TABLE big'",
        code: "INDEX-MISSING",
        subject: "postgres",
        decisive: "read as a whole: big",
        fix: Fix::Person,
    },
    Injection {
        failure: "slow-queries",
        what: "one SELECT 2,000 times a minute (scenario B)",
        inject: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
                 'SELECT pg_stat_statements_reset()' >/dev/null; docker exec vedfinance-postgres sh -c \"yes 'SELECT \
                 count(*) FROM \\\"Course\\\";' | head -2500 | psql -qAtU postgres vedfinance_staging >/dev/null\"",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'SELECT \
               pg_stat_statements_reset()' >/dev/null",
        code: "CALLED-TOO-OFTEN",
        subject: "postgres",
        decisive: "times a minute",
        fix: Fix::Person,
    },
    Injection {
        failure: "slow-queries",
        what: "a table that changed and was never analyzed (scenario C)",
        inject: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
                 'CREATE TABLE stale (n int) WITH (autovacuum_enabled = false); INSERT INTO stale SELECT \
                 generate_series(1, 20000)'; sleep 1",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'DROP \
               TABLE stale'",
        code: "STATISTICS-STALE",
        subject: "postgres",
        decisive: "statistics: stale",
        fix: Fix::Person,
    },
    Injection {
        failure: "slow-queries",
        what: "a session idle in a transaction",
        inject: "docker exec -d vedfinance-postgres sh -c '(echo \"BEGIN; SELECT 1;\"; sleep 900) | psql -qU \
                 postgres vedfinance_staging'; sleep 63",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres -c \"SELECT \
               pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'psql' AND pid <> \
               pg_backend_pid()\" >/dev/null",
        code: "IDLE-IN-TRANSACTION",
        subject: "postgres",
        decisive: "idle in transaction: pid",
        fix: Fix::Person,
    },
    Injection {
        failure: "slow-queries",
        what: "a statement that takes more than a second each time",
        inject: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
                 'SELECT pg_stat_statements_reset()' >/dev/null; for i in 1 2 3 4 5; do docker exec \
                 vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'SELECT \
                 pg_sleep(1.2)' >/dev/null; done",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'SELECT \
               pg_stat_statements_reset()' >/dev/null",
        code: "STATEMENT-SLOW",
        subject: "postgres",
        decisive: "slow statement: .* takes 1",
        fix: Fix::Look,
    },
    Injection {
        failure: "slow-queries",
        what: "a query that runs for more than five seconds",
        inject: "docker exec -d vedfinance-postgres psql -qX -U postgres vedfinance_staging -c 'SELECT \
                 pg_sleep(900)'; sleep 6",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres -c \"SELECT \
               pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'psql' AND pid <> \
               pg_backend_pid()\" >/dev/null",
        code: "RUNS-LONG",
        subject: "postgres",
        decisive: "runs long: pid",
        fix: Fix::Person,
    },
    Injection {
        failure: "slow-queries",
        what: "more load than processors (as /proc/loadavg says)",
        inject: "echo '40.10 40.20 40.30 1/100 4242' > /run/loadavg",
        heal: "echo '0.10 0.20 0.30 1/100 4242' > /run/loadavg",
        code: "LOAD-HIGH",
        subject: "host",
        decisive: "40.10",
        fix: Fix::Look,
    },
];
