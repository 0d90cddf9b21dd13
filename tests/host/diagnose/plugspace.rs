//! plugspace's failures: those of its databases, its edge and its host.

use super::{Fix, Injection, drive};
use crate::machine::Machine;

const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "service-down",
        what: "an exporter stopped",
        inject: "systemctl stop node_exporter",
        heal: "systemctl start node_exporter",
        code: "STOPPED",
        subject: "node-exporter",
        decisive: "stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "mongodb-down",
        what: "mongod stopped",
        inject: "systemctl stop mongod",
        heal: "systemctl start mongod",
        code: "STOPPED",
        subject: "mongodb",
        decisive: "stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "mongodb-down",
        what: "a configuration that MongoDB 7 refuses, in its words",
        inject: "mkdir -p /run/systemd/system/mongod.service.d; printf '[Service]\\nExecStart=\\nExecStart=/bin/sh \
                 -c \"echo Unrecognized option: storage.journal.enabled; exit 2\"\\n' > \
                 /run/systemd/system/mongod.service.d/x.conf; systemctl daemon-reload; systemctl restart mongod; \
                 sleep 2",
        heal: "rm -r /run/systemd/system/mongod.service.d; systemctl daemon-reload; systemctl reset-failed mongod || \
               true; systemctl start mongod",
        code: "MONGODB-CONFIG",
        subject: "mongodb",
        decisive: "Unrecognized option",
        fix: Fix::Person,
    },
    Injection {
        failure: "mongodb-down",
        what: "damaged files, in its words",
        inject: "mkdir -p /run/systemd/system/mongod.service.d; printf '[Service]\\nExecStart=\\nExecStart=/bin/sh \
                 -c \"echo WiredTiger error WT_PANIC: WiredTiger library panic; exit 14\"\\n' > \
                 /run/systemd/system/mongod.service.d/x.conf; systemctl daemon-reload; systemctl restart mongod; \
                 sleep 2",
        heal: "rm -r /run/systemd/system/mongod.service.d; systemctl daemon-reload; systemctl reset-failed mongod || \
               true; systemctl start mongod",
        code: "MONGODB-DAMAGED",
        subject: "mongodb",
        decisive: "WT_PANIC",
        fix: Fix::Person,
    },
    Injection {
        failure: "mongodb-down",
        what: "another mongod on its files, in its words",
        inject: "mkdir -p /run/systemd/system/mongod.service.d; printf '[Service]\\nExecStart=\\nExecStart=/bin/sh \
                 -c \"echo DBPathInUse: Unable to lock the lock file: /var/lib/mongodb/mongod.lock; exit 100\"\\n' > \
                 /run/systemd/system/mongod.service.d/x.conf; systemctl daemon-reload; systemctl restart mongod; \
                 sleep 2",
        heal: "rm -r /run/systemd/system/mongod.service.d; systemctl daemon-reload; systemctl reset-failed mongod || \
               true; systemctl start mongod",
        code: "MONGODB-LOCKED",
        subject: "mongodb",
        decisive: "lock file",
        fix: Fix::Person,
    },
    Injection {
        failure: "mongodb-down",
        what: "a socket of root in /tmp, mongod stopped",
        inject: "systemctl stop mongod; touch /tmp/mongodb-27017.sock",
        heal: "rm -f /tmp/mongodb-27017.sock; systemctl start mongod",
        code: "MONGODB-SOCKET",
        subject: "mongodb",
        decisive: "mongodb-27017.sock belongs to root",
        fix: Fix::Person,
    },
    Injection {
        failure: "mongodb-down",
        what: "its data directory given to root, mongod restarted",
        inject: "chown root:root /var/lib/mongodb; chmod 755 /var/lib/mongodb; systemctl restart mongod; sleep 2",
        heal: "chown mongodb:mongodb /var/lib/mongodb; systemctl reset-failed mongod || true; systemctl restart \
               mongod",
        code: "MONGODB-DATA-OWNER",
        subject: "mongodb",
        decisive: "/var/lib/mongodb belongs to root",
        fix: Fix::Person,
    },
    Injection {
        failure: "mongodb-down",
        what: "no primary, in MongoDB's protocol",
        inject: "touch /etc/test-host/no-primary",
        heal: "rm /etc/test-host/no-primary",
        code: "NO-PRIMARY",
        subject: "mongodb",
        decisive: "no primary",
        fix: Fix::Restart,
    },
    Injection {
        failure: "mongodb-connections",
        what: "too many connections, in its words",
        inject: "cp -a /var/log/mongodb/mongod.log /root/l; for i in $(seq 1); do echo \
                 \"{\\\"t\\\":{\\\"\\$date\\\":\\\"$(date -u \
                 +%Y-%m-%dT%H:%M:%S.000+00:00)\\\"},\\\"s\\\":\\\"I\\\",\\\"c\\\":\\\"NETWORK\\\",\\\"id\\\":22942,\\\"ctx\\\":\\\"listener\\\",\\\"msg\\\":\\\"Connection \
                 refused because there are too many open connections\\\"}\" >> /var/log/mongodb/mongod.log; done",
        heal: "cat /root/l > /var/log/mongodb/mongod.log",
        code: "CONNECTIONS-REFUSED",
        subject: "mongodb",
        decisive: "too many open connections",
        fix: Fix::Restart,
    },
    Injection {
        failure: "high-latency",
        what: "60 slow operations, in its words",
        inject: "cp -a /var/log/mongodb/mongod.log /root/l; for i in $(seq 60); do echo \
                 \"{\\\"t\\\":{\\\"\\$date\\\":\\\"$(date -u \
                 +%Y-%m-%dT%H:%M:%S.000+00:00)\\\"},\\\"s\\\":\\\"I\\\",\\\"c\\\":\\\"NETWORK\\\",\\\"id\\\":22942,\\\"ctx\\\":\\\"listener\\\",\\\"msg\\\":\\\"Slow \
                 query\\\"}\" >> /var/log/mongodb/mongod.log; done",
        heal: "cat /root/l > /var/log/mongodb/mongod.log",
        code: "SLOW-OPERATIONS",
        subject: "mongodb",
        decisive: "60 similar lines",
        fix: Fix::Look,
    },
    Injection {
        failure: "redis-down",
        what: "Redis stopped",
        inject: "systemctl stop redis-server",
        heal: "systemctl start redis-server",
        code: "STOPPED",
        subject: "redis",
        decisive: "stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "redis-down",
        what: "a damaged append-only file",
        inject: "REDISCLI_AUTH=dummy-secret-redis-password redis-cli SET a b >/dev/null; systemctl stop \
                 redis-server; cp -a /var/lib/redis/appendonlydir /root/aof; f=$(ls \
                 /var/lib/redis/appendonlydir/*.incr.aof | tail -1); printf 'nonsense and more nonsense' >> $f; \
                 systemctl start redis-server || true; sleep 2",
        heal: "systemctl stop redis-server || true; rm -r /var/lib/redis/appendonlydir; mv /root/aof \
               /var/lib/redis/appendonlydir; systemctl reset-failed redis-server || true; systemctl start \
               redis-server",
        code: "AOF-DAMAGED",
        subject: "redis",
        decisive: "(?i)bad file format",
        fix: Fix::Person,
    },
    Injection {
        failure: "redis-down",
        what: "its append-only directory given to root",
        inject: "chown root:root /var/lib/redis/appendonlydir",
        heal: "chown redis:redis /var/lib/redis/appendonlydir",
        code: "REDIS-DATA-OWNER",
        subject: "redis",
        decisive: "belongs to root",
        fix: Fix::Person,
    },
    Injection {
        failure: "redis-down",
        what: "another password in its credentials file",
        inject: "cp -a /root/.plugspace/redis-credentials.txt /root/r; sed -i \
                 's/dummy-secret-redis-password/dummy-other/' /root/.plugspace/redis-credentials.txt",
        heal: "cp -a /root/r /root/.plugspace/redis-credentials.txt",
        code: "PASSWORD-REFUSED",
        subject: "redis",
        decisive: "WRONGPASS",
        fix: Fix::Person,
    },
    Injection {
        failure: "redis-down",
        what: "its directory closed for writing, then a snapshot",
        inject: "chmod 555 /var/lib/redis; REDISCLI_AUTH=dummy-secret-redis-password redis-cli BGSAVE >/dev/null; \
                 sleep 2",
        heal: "chmod 750 /var/lib/redis; REDISCLI_AUTH=dummy-secret-redis-password redis-cli BGSAVE >/dev/null; \
               sleep 2",
        code: "SAVE-FAILS",
        subject: "redis",
        decisive: "MISCONF",
        fix: Fix::Person,
    },
    Injection {
        failure: "redis-memory",
        what: "8 MB of memory and 12 MB of keys, evicted",
        inject: "cp -a /etc/redis/plugspace.conf /root/r.conf; sed -i 's/^maxmemory .*/maxmemory 8mb/' \
                 /etc/redis/plugspace.conf; systemctl restart redis-server; head -c 200000 /dev/zero | tr '\\0' x > \
                 /root/v; for i in $(seq 60); do REDISCLI_AUTH=dummy-secret-redis-password redis-cli -x SET fill:$i \
                 < /root/v >/dev/null || true; done",
        heal: "for i in $(seq 60); do REDISCLI_AUTH=dummy-secret-redis-password redis-cli DEL fill:$i >/dev/null; \
               done; cp -a /root/r.conf /etc/redis/plugspace.conf; systemctl restart redis-server",
        code: "EVICTING",
        subject: "redis",
        decisive: "evicted_keys:[1-9]",
        fix: Fix::Person,
    },
    Injection {
        failure: "redis-memory",
        what: "8 MB of memory, full, nothing evicted",
        inject: "cp -a /etc/redis/plugspace.conf /root/r.conf; sed -i 's/^maxmemory .*/maxmemory 8mb/; \
                 s/allkeys-lru/noeviction/' /etc/redis/plugspace.conf; systemctl restart redis-server; head -c \
                 200000 /dev/zero | tr '\\0' x > /root/v; for i in $(seq 60); do \
                 REDISCLI_AUTH=dummy-secret-redis-password redis-cli -x SET fill:$i < /root/v >/dev/null || true; \
                 done",
        heal: "for i in $(seq 60); do REDISCLI_AUTH=dummy-secret-redis-password redis-cli DEL fill:$i >/dev/null; \
               done; cp -a /root/r.conf /etc/redis/plugspace.conf; systemctl restart redis-server",
        code: "REDIS-FULL",
        subject: "redis",
        decisive: "noeviction|maxmemory",
        fix: Fix::Person,
    },
    Injection {
        failure: "queue-backlog",
        what: "150 jobs in the queue of the code agent",
        inject: "seq 150 | xargs env REDISCLI_AUTH=dummy-secret-redis-password redis-cli RPUSH \
                 bull:plugspace:code:wait >/dev/null",
        heal: "REDISCLI_AUTH=dummy-secret-redis-password redis-cli DEL bull:plugspace:code:wait >/dev/null",
        code: "BACKLOG",
        subject: "plugspace-worker",
        decisive: "code:wait: 150",
        fix: Fix::Restart,
    },
    Injection {
        failure: "nginx-down",
        what: "nginx stopped",
        inject: "systemctl stop nginx",
        heal: "systemctl start nginx",
        code: "STOPPED",
        subject: "nginx",
        decisive: "stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "nginx-down",
        what: "a line in its configuration that it does not know",
        inject: "echo 'nonsense;' > /etc/nginx/conf.d/x.conf",
        heal: "rm /etc/nginx/conf.d/x.conf",
        code: "NGINX-CONFIG",
        subject: "nginx",
        decisive: "nonsense",
        fix: Fix::Person,
    },
    Injection {
        failure: "nginx-down",
        what: "another program on port 443, nginx stopped",
        inject: "systemctl stop nginx; systemd-run --quiet --unit=intruder busybox httpd -f -p 443 -h /usr/share; \
                 sleep 1",
        heal: "systemctl stop intruder; systemctl start nginx",
        code: "HTTPS-PORT-TAKEN",
        subject: "host",
        decisive: "port 443 is held by busybox",
        fix: Fix::Person,
    },
    Injection {
        failure: "nginx-connections",
        what: "6,000 connections, as its status page says",
        inject: "sed -i 's|stub_status;|return 200 \"Active connections: 6000\";|' \
                 /etc/nginx/sites-available/plugspace; systemctl reload nginx; sleep 1",
        heal: "sed -i 's|return 200 \"Active connections.*|stub_status; }|' /etc/nginx/sites-available/plugspace; \
               systemctl reload nginx; sleep 1",
        code: "CONNECTIONS-MANY",
        subject: "nginx",
        decisive: "Active connections: 6000",
        fix: Fix::Look,
    },
    Injection {
        failure: "certificate-expiring",
        what: "a certificate that ended in October",
        inject: "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=plugspace.io \
                 -not_before 20260901000000Z -not_after 20261001000000Z -addext \
                 subjectAltName=DNS:plugspace.io,DNS:www.plugspace.io,DNS:studio.plugspace.io,DNS:admin.plugspace.io,DNS:api.plugspace.io \
                 -keyout /root/k.pem -out /root/c.pem 2>/dev/null; sed -i \
                 's|/etc/letsencrypt/live/plugspace.io/fullchain.pem|/root/c.pem|; \
                 s|/etc/letsencrypt/live/plugspace.io/privkey.pem|/root/k.pem|' \
                 /etc/nginx/sites-available/plugspace; systemctl reload nginx",
        heal: "sed -i 's|/root/c.pem|/etc/letsencrypt/live/plugspace.io/fullchain.pem|; \
               s|/root/k.pem|/etc/letsencrypt/live/plugspace.io/privkey.pem|' /etc/nginx/sites-available/plugspace; \
               systemctl reload nginx",
        code: "CERTIFICATE-EXPIRED",
        subject: "certificate admin.plugspace.io and 4 more",
        decisive: "expired",
        fix: Fix::Look,
    },
    Injection {
        failure: "certificate-expiring",
        what: "a certificate for plugspace.io and www only",
        inject: "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=plugspace.io -days \
                 90 -addext subjectAltName=DNS:plugspace.io,DNS:www.plugspace.io -keyout /root/k.pem -out \
                 /root/c.pem 2>/dev/null; sed -i 's|/etc/letsencrypt/live/plugspace.io/fullchain.pem|/root/c.pem|; \
                 s|/etc/letsencrypt/live/plugspace.io/privkey.pem|/root/k.pem|' \
                 /etc/nginx/sites-available/plugspace; systemctl reload nginx",
        heal: "sed -i 's|/root/c.pem|/etc/letsencrypt/live/plugspace.io/fullchain.pem|; \
               s|/root/k.pem|/etc/letsencrypt/live/plugspace.io/privkey.pem|' /etc/nginx/sites-available/plugspace; \
               systemctl reload nginx",
        code: "CERTIFICATE-NAME",
        subject: "certificate admin.plugspace.io and 2 more",
        decisive: "not for|covers|is for|name",
        fix: Fix::Look,
    },
    Injection {
        failure: "certificate-expiring",
        what: "the firewall closed for port 80",
        inject: "ufw delete allow 80/tcp >/dev/null",
        heal: "ufw allow 80/tcp >/dev/null",
        code: "HTTP-CLOSED",
        subject: "host",
        decisive: "80/tcp is allowed by no rule",
        fix: Fix::Person,
    },
    Injection {
        failure: "disk-low",
        what: "the file system of the backups full",
        inject: "mount -t tmpfs -o size=2m tmpfs /home/plugspace/backups; head -c 2m /dev/zero > \
                 /home/plugspace/backups/fill 2>/dev/null || true",
        heal: "umount /home/plugspace/backups",
        code: "DISK-FULL",
        subject: "disk /home/plugspace/backups",
        decisive: "100% of",
        fix: Fix::Person,
    },
    Injection {
        failure: "disk-low",
        what: "the same, and a backup of last year",
        inject: "mount -t tmpfs -o size=2m tmpfs /home/plugspace/backups; head -c 1850k /dev/zero > \
                 /home/plugspace/backups/fill; mkdir /home/plugspace/backups/20250101_020000; touch -d 2025-01-01 \
                 /home/plugspace/backups/20250101_020000",
        heal: "umount /home/plugspace/backups",
        code: "BACKUPS-OLD",
        subject: "disk /home/plugspace/backups",
        decisive: "20250101_020000",
        fix: Fix::Person,
    },
    Injection {
        failure: "high-cpu",
        what: "more load than processors (as /proc/loadavg says)",
        inject: "echo '40.10 40.20 40.30 1/100 4242' > /run/loadavg",
        heal: "echo '0.10 0.20 0.30 1/100 4242' > /run/loadavg",
        code: "LOAD-HIGH",
        subject: "host",
        decisive: "40.10",
        fix: Fix::Look,
    },
    Injection {
        failure: "high-latency",
        what: "20 of 100 answers take more than a second",
        inject: "cp -a /var/log/nginx/access.log /root/l; : > /var/log/nginx/access.log; for i in $(seq 80); do echo \"203.0.113.9 - - [$(date -u \
                 +%d/%b/%Y:%H:%M:%S) +0000] \\\"GET /api/projects HTTP/1.1\\\" 200 512 \\\"-\\\" \\\"curl/8\\\" \
                 rt=0.050 uct=\\\"0.001\\\" uht=\\\"0.2\\\" urt=\\\"0.2\\\"\" >> /var/log/nginx/access.log; done; \
                 for i in $(seq 20); do echo \"203.0.113.9 - - [$(date -u +%d/%b/%Y:%H:%M:%S) +0000] \\\"GET \
                 /api/projects HTTP/1.1\\\" 200 512 \\\"-\\\" \\\"curl/8\\\" rt=2.500 uct=\\\"0.001\\\" \
                 uht=\\\"0.2\\\" urt=\\\"0.2\\\"\" >> /var/log/nginx/access.log; done",
        heal: "cat /root/l > /var/log/nginx/access.log",
        code: "ANSWERS-SLOW",
        subject: "host",
        decisive: "^20 of",
        fix: Fix::Look,
    },
    Injection {
        failure: "error-rate",
        what: "30 of 100 answers are 502",
        inject: "cp -a /var/log/nginx/access.log /root/l; : > /var/log/nginx/access.log; for i in $(seq 70); do echo \"203.0.113.9 - - [$(date -u \
                 +%d/%b/%Y:%H:%M:%S) +0000] \\\"GET /api/projects HTTP/1.1\\\" 200 512 \\\"-\\\" \\\"curl/8\\\" \
                 rt=0.050 uct=\\\"0.001\\\" uht=\\\"0.2\\\" urt=\\\"0.2\\\"\" >> /var/log/nginx/access.log; done; \
                 for i in $(seq 30); do echo \"203.0.113.9 - - [$(date -u +%d/%b/%Y:%H:%M:%S) +0000] \\\"GET \
                 /api/projects HTTP/1.1\\\" 502 512 \\\"-\\\" \\\"curl/8\\\" rt=0.001 uct=\\\"0.001\\\" \
                 uht=\\\"0.2\\\" urt=\\\"0.2\\\"\" >> /var/log/nginx/access.log; done",
        heal: "cat /root/l > /var/log/nginx/access.log",
        code: "ERRORS-MANY",
        subject: "host",
        decisive: "^30 of",
        fix: Fix::Look,
    },
    backups!(overdue, "plugspace", "redis"),
    backups!(failed, "plugspace", "redis"),
];

const NOT_HERE: &[(&str, &str)] = &[
    ("MongoDB's own answers", "a stand-in speaks its protocol; what mongod says at start is written in its words"),
    ("mongodb-replication-lag", "one member cannot lag; that it is no primary is provoked"),
    ("REDIS-CONFIG", "Debian's unit does not keep what Redis says of it"),
    ("REDIS-LOADING", "is over before it can be seen"),
    ("TLS-SILENT", "nginx without TLS is found as HTTPS-PORT-TAKEN or STOPPED first; driven in ring 1"),
    ("OOM-KILLS, CLOCK-ADRIFT", "kernel log and clock are the machine's; driven in ring 2"),
    ("voice calls to Gemini", "outside the host; the words of its client are written to the voice server's log"),
];

#[test]
fn plugspace_failures_are_told_apart() {
    let machine = Machine::boot_as("plugspace", "it-plugspace-diagnose");
    drive(&machine, "plugspace", &[INJECTIONS], NOT_HERE);
}
