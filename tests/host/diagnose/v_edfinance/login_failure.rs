//! Logins that fail.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "login-failure",
        what: "JWT_SECRET removed, the API made anew (scenario A)",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; sed -i '/^JWT_SECRET=/d' \
                 /root/v-edfinance/apps/api/.env; cd /root/v-edfinance && docker compose --progress quiet up -d \
                 --force-recreate -t 1 api; sleep 3",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env; cd /root/v-edfinance && docker compose --progress \
               quiet up -d --force-recreate -t 1 api",
        code: "JWT-SECRET-MISSING",
        subject: "api",
        decisive: "lacks JWT_SECRET",
        fix: Fix::Person,
    },
    Injection {
        failure: "login-failure",
        what: "a JWT_SECRET of ten characters (scenario A)",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; sed -i 's/^JWT_SECRET=.*/JWT_SECRET=dummy-1234/' \
                 /root/v-edfinance/apps/api/.env",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env",
        code: "JWT-SECRET-SHORT",
        subject: "api",
        decisive: "does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "login-failure",
        what: "no table User (scenario B)",
        inject: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
                 'ALTER TABLE \"User\" RENAME TO away'",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'ALTER \
               TABLE away RENAME TO \"User\"'",
        code: "USERS-MISSING",
        subject: "api",
        decisive: "no table User",
        fix: Fix::Person,
    },
    Injection {
        failure: "login-failure",
        what: "an empty table User (scenario B)",
        inject: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
                 'ALTER TABLE \"User\" RENAME TO away; CREATE TABLE \"User\" (LIKE away)'",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'DROP \
               TABLE \"User\"; ALTER TABLE away RENAME TO \"User\"'",
        code: "USERS-EMPTY",
        subject: "api",
        decisive: "users: 0",
        fix: Fix::Person,
    },
    Injection {
        failure: "login-failure",
        what: "the API does not reach Redis, in its client's words (scenario C)",
        inject: "docker exec vedfinance-api sh -c 'echo \"[ioredis] Unhandled error event: Error: connect \
                 ECONNREFUSED 172.18.0.9:6379\" >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "REDIS-UNREACHABLE",
        subject: "api",
        decisive: "ECONNREFUSED",
        fix: Fix::Person,
    },
    Injection {
        failure: "login-failure",
        what: "a password stored that is no hash of bcrypt (scenario D)",
        inject: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
                 \"CREATE TABLE kept AS SELECT id, \\\"passwordHash\\\" AS h FROM \\\"User\\\"; UPDATE \\\"User\\\" \
                 SET \\\"passwordHash\\\" = 'argon2id-x' WHERE id = 'u1'\"",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'UPDATE \
               \"User\" SET \"passwordHash\" = h FROM kept WHERE kept.id = \"User\".id; DROP TABLE kept'",
        code: "HASH-CHANGED",
        subject: "api",
        decisive: "other hashes: 1 of 2",
        fix: Fix::Person,
    },
    Injection {
        failure: "login-failure",
        what: "ALLOWED_ORIGINS with a slash at its end (scenario E)",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; sed -i \
                 's|^ALLOWED_ORIGINS=.*|ALLOWED_ORIGINS=https://edfinance.example/|' /root/v-edfinance/apps/api/.env",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env",
        code: "ORIGINS",
        subject: "api",
        decisive: "does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "login-failure",
        what: "an account locked after five wrong passwords (scenario F)",
        inject: "for i in 1 2 3 4 5; do curl -s -o /dev/null -X POST -d \
                 '{\"email\":\"learner@example.org\",\"password\":\"wrong\"}' http://localhost:3001/auth/login; done",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c 'UPDATE \
               \"User\" SET \"failedLoginAttempts\" = 0, \"lockedUntil\" = NULL'",
        code: "ACCOUNTS-LOCKED",
        subject: "api",
        decisive: "locked users: 1",
        fix: Fix::Person,
    },
    Injection {
        failure: "login-failure",
        what: "110 refused logins in a minute",
        inject: "seq 110 | xargs -P8 -I@ curl -s -o /dev/null -X POST -d \
                 '{\"email\":\"x@@example.org\",\"password\":\"wrong\"}' http://localhost:3001/auth/login",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "LOGINS-REFUSED",
        subject: "api",
        decisive: "login failed",
        fix: Fix::Look,
    },
];
