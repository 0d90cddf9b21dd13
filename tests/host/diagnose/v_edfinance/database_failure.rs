//! The database, and its backups.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "database-failure",
        what: "postgres stopped (scenario A)",
        inject: "docker stop -t 5 vedfinance-postgres >/dev/null",
        heal: "docker start vedfinance-postgres >/dev/null",
        code: "STOPPED",
        subject: "postgres",
        decisive: "exited|stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "database-failure",
        what: "an empty lock file in its data directory, postgres started (scenario B)",
        inject: "docker stop -t 5 vedfinance-postgres >/dev/null; : > \
                 /var/lib/docker/volumes/v-edfinance_postgres_data/_data/postmaster.pid; docker start \
                 vedfinance-postgres >/dev/null; sleep 3",
        heal: "docker stop -t 1 vedfinance-postgres >/dev/null; rm -f \
               /var/lib/docker/volumes/v-edfinance_postgres_data/_data/postmaster.pid; docker start \
               vedfinance-postgres >/dev/null",
        code: "STALE-LOCK",
        subject: "postgres",
        decisive: "postmaster.pid",
        fix: Fix::Person,
    },
    Injection {
        failure: "database-failure",
        what: "files of another version",
        inject: "docker stop -t 5 vedfinance-postgres >/dev/null; echo 16 > \
                 /var/lib/docker/volumes/v-edfinance_postgres_data/_data/PG_VERSION; docker start \
                 vedfinance-postgres >/dev/null; sleep 3",
        heal: "docker stop -t 1 vedfinance-postgres >/dev/null; echo 17 > \
               /var/lib/docker/volumes/v-edfinance_postgres_data/_data/PG_VERSION; docker start vedfinance-postgres \
               >/dev/null",
        code: "OTHER-VERSION",
        subject: "postgres",
        decisive: "incompatible with server|initialized by",
        fix: Fix::Person,
    },
    Injection {
        failure: "database-failure",
        what: "its data directory open to others",
        inject: "docker stop -t 5 vedfinance-postgres >/dev/null; chmod 755 \
                 /var/lib/docker/volumes/v-edfinance_postgres_data/_data; docker start vedfinance-postgres \
                 >/dev/null; sleep 3",
        heal: "docker stop -t 1 vedfinance-postgres >/dev/null; chmod 700 \
               /var/lib/docker/volumes/v-edfinance_postgres_data/_data; docker start vedfinance-postgres >/dev/null",
        code: "DATA-NOT-OWNED",
        subject: "postgres",
        decisive: "invalid permissions",
        fix: Fix::Person,
    },
    Injection {
        failure: "database-failure",
        what: "a table whose file was overwritten (scenario C)",
        inject: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
                 'CREATE TABLE damaged AS SELECT generate_series(1, 1000) AS n; CHECKPOINT'; file=$(docker exec \
                 vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -Atc \"SELECT \
                 pg_relation_filepath('damaged')\"); docker stop -t 5 vedfinance-postgres >/dev/null; dd \
                 if=/dev/urandom of=/var/lib/docker/volumes/v-edfinance_postgres_data/_data/$file bs=8k count=1 \
                 conv=notrunc status=none; docker start vedfinance-postgres >/dev/null; sleep 3; docker exec \
                 vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'SELECT count(*) \
                 FROM damaged' || true",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'DROP \
               TABLE damaged'; docker restart -t 5 vedfinance-postgres >/dev/null",
        code: "CORRUPTION",
        subject: "postgres",
        decisive: "invalid page in block",
        fix: Fix::Person,
    },
    Injection {
        failure: "database-failure",
        what: "more sessions than it takes (scenario E)",
        inject: "docker exec -d vedfinance-postgres sh -c 'for i in $(seq 102); do psql -U postgres -qc \"SELECT \
                 pg_sleep(900)\" & done; wait'; sleep 8",
        heal: "docker restart -t 5 vedfinance-postgres >/dev/null",
        code: "TOO-MANY-CLIENTS",
        subject: "postgres",
        decisive: "too many clients",
        fix: Fix::Restart,
    },
    Injection {
        failure: "database-failure",
        what: "a database that does not exist in DATABASE_URL",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; sed -i 's/vedfinance_staging/vedfinance_prod/' \
                 /root/v-edfinance/apps/api/.env; cd /root/v-edfinance && docker compose --progress quiet up -d \
                 --force-recreate -t 1 api",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env; cd /root/v-edfinance && docker compose --progress \
               quiet up -d --force-recreate -t 1 api",
        code: "DATABASE-MISSING",
        subject: "postgres",
        decisive: "no database of that name",
        fix: Fix::Person,
    },
    Injection {
        failure: "database-failure",
        what: "another password in DATABASE_URL than the database's",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; sed -i \
                 's/dummy-secret-postgres-password/dummy-secret-other/' /root/v-edfinance/apps/api/.env; cd \
                 /root/v-edfinance && docker compose --progress quiet up -d --force-recreate -t 1 api",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env; cd /root/v-edfinance && docker compose --progress \
               quiet up -d --force-recreate -t 1 api",
        code: "DATABASE-LOGIN",
        subject: "postgres",
        decisive: "password authentication failed",
        fix: Fix::Person,
    },
    backups!(overdue, "v-edfinance", "database"),
    backups!(failed, "v-edfinance", "database"),
];
