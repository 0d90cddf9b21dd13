//! v-edfinance's failures, each at least once: with all scenarios of its runbooks.

use super::{Fix, Injection, drive};
use crate::machine::Machine;

const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "service-down",
        what: "api stopped",
        inject: "docker stop -t 1 vedfinance-api >/dev/null",
        heal: "docker start vedfinance-api >/dev/null",
        code: "STOPPED",
        subject: "api",
        decisive: "exited|stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "service-down",
        what: "web stopped",
        inject: "docker stop -t 1 v-edfinance-web-staging >/dev/null",
        heal: "docker start v-edfinance-web-staging >/dev/null",
        code: "STOPPED",
        subject: "web",
        decisive: "exited|stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "service-down",
        what: "redis stopped",
        inject: "docker stop -t 1 vedfinance-redis >/dev/null",
        heal: "docker start vedfinance-redis >/dev/null",
        code: "STOPPED",
        subject: "redis",
        decisive: "exited|stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "service-down",
        what: "nginx stopped",
        inject: "docker stop -t 1 v-edfinance-nginx-staging >/dev/null",
        heal: "docker start v-edfinance-nginx-staging >/dev/null",
        code: "STOPPED",
        subject: "nginx",
        decisive: "exited|stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "service-down",
        what: "dokploy killed",
        inject: "docker stop -t 1 dokploy >/dev/null",
        heal: "docker start dokploy >/dev/null",
        code: "FAILED",
        subject: "dokploy",
        decisive: "exit 137",
        fix: Fix::Restart,
    },
    Injection {
        failure: "service-down",
        what: "dokploy-postgres killed",
        inject: "docker stop -t 1 dokploy-postgres >/dev/null",
        heal: "docker start dokploy-postgres >/dev/null",
        code: "FAILED",
        subject: "dokploy-postgres",
        decisive: "exit 137",
        fix: Fix::Restart,
    },
    Injection {
        failure: "service-down",
        what: "api paused",
        inject: "docker pause vedfinance-api >/dev/null",
        heal: "docker unpause vedfinance-api >/dev/null || true",
        code: "PAUSED",
        subject: "api",
        decisive: "paused",
        fix: Fix::Safe,
    },
    Injection {
        failure: "service-down",
        what: "web's container under another name",
        inject: "docker rename v-edfinance-web-staging elsewhere",
        heal: "docker rename elsewhere v-edfinance-web-staging",
        code: "NOT-FOUND",
        subject: "web",
        decisive: "no container|not found|nothing",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-down",
        what: "another program on the API's port, the API stopped",
        inject: "docker stop -t 1 vedfinance-api >/dev/null; systemd-run --quiet --unit=intruder busybox httpd -f -p \
                 3001 -h /usr/share",
        heal: "systemctl stop intruder; docker start vedfinance-api >/dev/null",
        code: "PORT-TAKEN",
        subject: "api",
        decisive: "port 3001 is held by busybox",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-down",
        what: "an address in use, as Grafana says it (scenario B)",
        inject: "docker rm -f v-edfinance-grafana >/dev/null; docker run -d --restart unless-stopped --name \
                 v-edfinance-grafana grafana/grafana:latest /bin/sh -c 'echo \"Error: listen EADDRINUSE: address \
                 already in use :::3000\"; exit 1' >/dev/null; sleep 4",
        heal: "docker rm -f v-edfinance-grafana >/dev/null; cd /root/v-edfinance && docker compose --progress quiet \
               -f docker-compose.monitoring.yml up -d grafana",
        code: "ADDRESS-IN-USE",
        subject: "grafana",
        decisive: "EADDRINUSE",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-down",
        what: "a service that cannot write, as its log says (scenario C)",
        inject: "docker rm -f v-edfinance-grafana >/dev/null; docker run -d --restart unless-stopped --name \
                 v-edfinance-grafana grafana/grafana:latest /bin/sh -c 'echo \"Error: ENOSPC: no space left on \
                 device, write\"; exit 1' >/dev/null; sleep 4",
        heal: "docker rm -f v-edfinance-grafana >/dev/null; cd /root/v-edfinance && docker compose --progress quiet \
               -f docker-compose.monitoring.yml up -d grafana",
        code: "NO-SPACE",
        subject: "grafana",
        decisive: "ENOSPC",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-down",
        what: "a service that ends with exit 7, over and over, for no reason that is known",
        inject: "docker rm -f v-edfinance-grafana >/dev/null; docker run -d --restart unless-stopped --name \
                 v-edfinance-grafana grafana/grafana:latest /bin/sh -c 'exit 7' >/dev/null; sleep 4",
        heal: "docker rm -f v-edfinance-grafana >/dev/null; cd /root/v-edfinance && docker compose --progress quiet \
               -f docker-compose.monitoring.yml up -d grafana",
        code: "CRASH-LOOP",
        subject: "grafana",
        decisive: "exit 7",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-down",
        what: "a release of the API without a module that it wants (scenario D)",
        inject: "echo 'require(\"./gone\")' > /root/index.js; docker cp -q /root/index.js \
                 vedfinance-api:/app/index.js; docker restart -t 1 vedfinance-api >/dev/null; sleep 4",
        heal: "cd /root/v-edfinance && docker compose --progress quiet up -d --force-recreate -t 1 api",
        code: "RELEASE-BROKEN",
        subject: "api",
        decisive: "Cannot find module",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-down",
        what: "the file system of /root/backups full (scenario C)",
        inject: "mount -t tmpfs -o size=2m tmpfs /root/backups; head -c 2m /dev/zero > /root/backups/fill \
                 2>/dev/null || true",
        heal: "umount /root/backups",
        code: "DISK-FULL",
        subject: "disk /root/backups",
        decisive: "/root/backups: 100% of",
        fix: Fix::Look,
    },
    Injection {
        failure: "service-down",
        what: "the file system of /root/backups at 85 %",
        inject: "mount -t tmpfs -o size=2m tmpfs /root/backups; head -c 1740k /dev/zero > /root/backups/fill",
        heal: "umount /root/backups",
        code: "DISK-FILLING",
        subject: "disk /root/backups",
        decisive: "/root/backups: 8[0-9]% of",
        fix: Fix::Look,
    },
    Injection {
        failure: "service-down",
        what: "no inodes left in /root/backups",
        inject: "mount -t tmpfs -o size=2m,nr_inodes=20 tmpfs /root/backups; for i in $(seq 19); do touch \
                 /root/backups/$i || true; done",
        heal: "umount /root/backups",
        code: "INODES-FULL",
        subject: "disk /root/backups",
        decisive: "100% of inodes",
        fix: Fix::Look,
    },
    Injection {
        failure: "service-down",
        what: "the docker engine stopped",
        inject: "systemctl stop docker.socket docker",
        heal: "systemctl start docker.socket docker",
        code: "ENGINE-DOWN",
        subject: "host",
        decisive: "docker",
        fix: Fix::Safe,
    },
    Injection {
        failure: "service-down",
        what: "a unit that nobody knows has failed",
        inject: "systemd-run --quiet --unit=stranger false; sleep 1",
        heal: "systemctl reset-failed stranger",
        code: "UNIT-FAILED",
        subject: "stranger.service",
        decisive: "stranger",
        fix: Fix::Look,
    },
    Injection {
        failure: "service-down",
        what: "a unit that nobody knows ends again and again",
        inject: "systemd-run --quiet --unit=looper -p Restart=always -p RestartSec=30 false; sleep 1",
        heal: "systemctl stop looper; systemctl reset-failed looper || true",
        code: "UNIT-LOOPING",
        subject: "looper.service",
        decisive: "looper",
        fix: Fix::Look,
    },
    Injection {
        failure: "service-down",
        what: "a container that nobody knows ends again and again",
        inject: "docker run -d --restart always --name stranger grafana/grafana:latest /bin/sh -c 'exit 3' \
                 >/dev/null; sleep 4",
        heal: "docker rm -f stranger >/dev/null",
        code: "CONTAINERS-UNWELL",
        subject: "docker",
        decisive: "stranger",
        fix: Fix::Look,
    },
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
    Injection {
        failure: "service-down",
        what: "another host in DATABASE_URL (scenario A)",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; sed -i 's/@postgres:/@postgres-old:/' \
                 /root/v-edfinance/apps/api/.env; cd /root/v-edfinance && docker compose --progress quiet up -d \
                 --force-recreate -t 1 api",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env; cd /root/v-edfinance && docker compose --progress \
               quiet up -d --force-recreate -t 1 api",
        code: "DATABASE-UNREACHABLE",
        subject: "api",
        decisive: "could not translate host name",
        fix: Fix::Person,
    },
    Injection {
        failure: "memory-leak",
        what: "the API killed by the limit of its container",
        inject: "docker stop -t 1 vedfinance-api >/dev/null; docker update --restart no --memory 10m \
                 --memory-swap 10m vedfinance-api >/dev/null; docker start vedfinance-api >/dev/null || true; sleep 4",
        heal: "docker stop -t 1 vedfinance-api >/dev/null || true; docker update --restart unless-stopped \
               --memory 2g --memory-swap 4g vedfinance-api >/dev/null; docker start vedfinance-api >/dev/null",
        code: "OUT-OF-MEMORY",
        subject: "api",
        decisive: "OOMKilled=true",
        fix: Fix::Restart,
    },
    Injection {
        failure: "memory-leak",
        what: "a full heap, in Node's words",
        inject: "docker exec vedfinance-api sh -c 'echo \"FATAL ERROR: Reached heap limit Allocation failed - \
                 JavaScript heap out of memory\" >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "HEAP-EXHAUSTED",
        subject: "api",
        decisive: "heap out of memory",
        fix: Fix::Restart,
    },
    Injection {
        failure: "memory-leak",
        what: "listeners without end, in Node's words (pattern B)",
        inject: "docker exec vedfinance-api sh -c 'echo \"(node:1) MaxListenersExceededWarning: Possible \
                 EventEmitter memory leak detected. 11 message listeners added\" >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "LISTENERS-LEAK",
        subject: "api",
        decisive: "11 message listeners",
        fix: Fix::Person,
    },
    Injection {
        failure: "memory-leak",
        what: "the API ended, and refused uploads before and after (pattern D)",
        inject: "docker exec vedfinance-api sh -c 'kill 1'; sleep 3; docker exec vedfinance-api sh -c 'echo \
                 \"MulterError: File too large LIMIT_FILE_SIZE\" >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "UPLOADS-IN-MEMORY",
        subject: "api",
        decisive: "LIMIT_FILE_SIZE",
        fix: Fix::Person,
    },
    Injection {
        failure: "memory-leak",
        what: "hardly any memory left (as /proc/meminfo says)",
        inject: "printf 'MemTotal: 1000000 kB\\nMemAvailable: 20000 kB\\nSwapTotal: 0 kB\\nSwapFree: 0 kB\\n' > \
                 /run/meminfo; mount --bind /run/meminfo /proc/meminfo",
        heal: "umount /proc/meminfo",
        code: "MEMORY-LOW",
        subject: "host",
        decisive: "98% of",
        fix: Fix::Look,
    },
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
    Injection {
        failure: "payment-failure",
        what: "a public key for STRIPE_SECRET_KEY (scenario A)",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; sed -i \
                 's/^STRIPE_SECRET_KEY=.*/STRIPE_SECRET_KEY=pk_live_dummydummy/' /root/v-edfinance/apps/api/.env",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env",
        code: "STRIPE-KEY-FORM",
        subject: "api",
        decisive: "does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "a refused key, in Stripe's words (scenario A)",
        inject: "docker exec vedfinance-api sh -c 'echo \"ERROR [PaymentService] Invalid API Key provided\" \
                 >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "STRIPE-KEY-REFUSED",
        subject: "api",
        decisive: "Invalid API Key",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "the test key in production (scenario E)",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; echo NODE_ENV=production >> \
                 /root/v-edfinance/apps/api/.env",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env",
        code: "STRIPE-TEST-KEY",
        subject: "api",
        decisive: "has the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "webhooks checked against a parsed body, in Stripe's words (scenario B)",
        inject: "docker exec vedfinance-api sh -c 'for i in $(seq 3); do echo \"ERROR [PaymentController] Webhook \
                 payload must be provided as a string or a Buffer\"; done >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "WEBHOOK-RAW-BODY",
        subject: "api",
        decisive: "string or a Buffer",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "a STRIPE_WEBHOOK_SECRET that is none (scenario B)",
        inject: "cp -a /root/v-edfinance/apps/api/.env /root/e; sed -i \
                 's/^STRIPE_WEBHOOK_SECRET=.*/STRIPE_WEBHOOK_SECRET=dummy/' /root/v-edfinance/apps/api/.env",
        heal: "cp -a /root/e /root/v-edfinance/apps/api/.env",
        code: "WEBHOOK-SECRET-FORM",
        subject: "api",
        decisive: "does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "three webhooks refused, in Stripe's words (scenario B)",
        inject: "docker exec vedfinance-api sh -c 'for i in $(seq 3); do echo \"ERROR [PaymentController] No \
                 signatures found matching the expected signature for payload\"; done >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "WEBHOOK-SIGNATURE",
        subject: "api",
        decisive: "3 similar lines",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "a payment that the database refused, in Prisma's words (scenario C)",
        inject: "docker exec vedfinance-api sh -c 'echo \"ERROR [PaymentService] Transaction API error: Foreign key \
                 constraint failed P2003\" >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "PAYMENT-NOT-STORED",
        subject: "api",
        decisive: "P2003",
        fix: Fix::Look,
    },
    Injection {
        failure: "payment-failure",
        what: "too many requests to Stripe, in its words (scenario D)",
        inject: "docker exec vedfinance-api sh -c 'echo \"ERROR [PaymentService] StripeRateLimitError: Request rate \
                 limit exceeded\" >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "STRIPE-RATE-LIMIT",
        subject: "api",
        decisive: "StripeRateLimitError",
        fix: Fix::Person,
    },
    Injection {
        failure: "payment-failure",
        what: "Stripe not reached, in its client's words",
        inject: "docker exec vedfinance-api sh -c 'echo \"ERROR [PaymentService] StripeConnectionError: An error \
                 occurred with our connection to Stripe\" >/proc/1/fd/1'",
        heal: "docker restart -t 1 vedfinance-api >/dev/null",
        code: "STRIPE-UNREACHABLE",
        subject: "api",
        decisive: "StripeConnectionError",
        fix: Fix::Look,
    },
    Injection {
        failure: "payment-failure",
        what: "eleven payments of the last hour pending",
        inject: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
                 \"INSERT INTO \\\"Transaction\\\" (id, \\\"userId\\\", amount) SELECT 'p' || n, 'u1', 1 FROM \
                 generate_series(1, 11) AS n\"",
        heal: "docker exec vedfinance-postgres psql -qX -v ON_ERROR_STOP=1 -U postgres vedfinance_staging -c \
               \"DELETE FROM \\\"Transaction\\\" WHERE amount = 1\"",
        code: "PAYMENTS-PENDING",
        subject: "api",
        decisive: "pending payments of the last hour: 1",
        fix: Fix::Look,
    },
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
    Injection {
        failure: "service-down",
        what: "two at once: postgres stopped, and the file system of /root/backups full",
        inject: "docker stop -t 5 vedfinance-postgres >/dev/null; mount -t tmpfs -o size=2m tmpfs /root/backups; \
                 head -c 2m /dev/zero > /root/backups/fill 2>/dev/null || true",
        heal: "umount /root/backups; docker start vedfinance-postgres >/dev/null",
        code: "DISK-FULL",
        subject: "disk /root/backups",
        decisive: "/root/backups: 100% of",
        fix: Fix::Look,
    },
    backups!(overdue, "v-edfinance", "database"),
    backups!(failed, "v-edfinance", "database"),
];

const NOT_HERE: &[(&str, &str)] = &[
    ("memory-leak, pattern A (SESSIONS-LEFT-OPEN)", "takes sessions that were idle for five minutes; driven in ring 1"),
    ("memory-leak, pattern C (a cache without bound)", "leaves no trace on a host: said in the note of the failure"),
    ("MEMORY-HIGH", "takes 1.8 GB; shared by all deployments, driven in ring 1"),
    ("Stripe's dashboard, and its answers", "outside the host; the words of its client are written to the API's log"),
    ("OOM-KILLS, CLOCK-ADRIFT", "kernel log and clock are the machine's; driven in ring 2"),
    ("a task of Swarm, Uptime Kuma", "not in this layout"),
];

#[test]
fn v_edfinance_failures_are_told_apart() {
    let machine = Machine::boot_as("v-edfinance", "it-v-edfinance-diagnose");
    drive(&machine, "v-edfinance", INJECTIONS, NOT_HERE);
}
