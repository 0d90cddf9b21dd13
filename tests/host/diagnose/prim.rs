//! prim's failures, each at least once.

use super::{Fix, Injection, drive};
use crate::machine::Machine;

/// A unit that the runbook's own restart brings back.
macro_rules! again {
    ($name:literal) => {
        concat!(
            "systemctl stop prim-",
            $name,
            "; systemctl reset-failed prim-",
            $name,
            // Times of units are whole seconds: what it said before must not be of the same.
            " || true; sleep 1; systemctl start prim-",
            $name
        )
    };
}

const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "wallet-down",
        what: "an unknown PRIM_NETWORK in wallet.env, wallet restarted",
        inject: "cp -a /etc/prim/wallet.env /root/w; sed -i 's/^PRIM_NETWORK=.*/PRIM_NETWORK=eip155:1/' /etc/prim/wallet.env; \
                 systemctl restart prim-wallet; sleep 3",
        heal: concat!("cp -a /root/w /etc/prim/wallet.env; ", again!("wallet")),
        code: "NETWORK-UNKNOWN",
        subject: "wallet",
        decisive: "Unknown network: eip155:1",
        fix: Fix::Person,
    },
    Injection {
        failure: "wallet-down",
        what: "wallet stopped",
        inject: "systemctl stop prim-wallet",
        heal: "systemctl start prim-wallet",
        code: "STOPPED",
        subject: "wallet",
        decisive: "systemd: stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "wallet-down",
        what: "/var/lib/prim given to root, its database gone, wallet restarted",
        inject: "mv /var/lib/prim/allowlist.db /root/; chown root:root /var/lib/prim; systemctl restart prim-wallet; sleep 3",
        heal: concat!("mv /root/allowlist.db /var/lib/prim/; chown prim:prim /var/lib/prim; ", again!("wallet")),
        code: "STATE-NOT-WRITABLE",
        subject: "wallet",
        decisive: "/var/lib/prim belongs to root",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-crash-loop",
        what: "env file of spawn gone, spawn restarted",
        inject: "mv /etc/prim/spawn.env /root/; systemctl restart prim-spawn || true; sleep 2",
        heal: concat!("mv /root/spawn.env /etc/prim/; ", again!("spawn")),
        code: "ENV-FILE-MISSING",
        subject: "spawn",
        decisive: "/etc/prim/spawn.env does not exist",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-crash-loop",
        what: "PORT removed from track.env, track restarted",
        inject: "cp -a /etc/prim/track.env /root/t; sed -i '/^PORT=/d' /etc/prim/track.env; systemctl restart prim-track; sleep 3",
        heal: concat!("cp -a /root/t /etc/prim/track.env; ", again!("track")),
        code: "PORT-MISSING",
        subject: "track",
        decisive: "lacks PORT",
        fix: Fix::Person,
    },
    Injection {
        failure: "bad-gateway",
        what: "another PORT in token.env than the one that Caddy sends to, token restarted",
        inject: "cp -a /etc/prim/token.env /root/t; sed -i 's/^PORT=.*/PORT=3999/' /etc/prim/token.env; \
                 systemctl restart prim-token; sleep 3",
        heal: concat!("cp -a /root/t /etc/prim/token.env; ", again!("token")),
        code: "PORT-DIFFERS",
        subject: "token",
        decisive: "PORT=3999 in /etc/prim/token.env",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-crash-loop",
        what: "another program on the port of domain, domain restarted",
        inject: "systemctl stop prim-domain; systemd-run --quiet --unit=intruder \
                 busybox httpd -f -p 127.0.0.1:3009 -h /usr/share; systemctl start prim-domain; sleep 3",
        heal: concat!("systemctl stop intruder; ", again!("domain")),
        code: "PORT-TAKEN",
        subject: "domain",
        decisive: "port 3009 is held by busybox",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-crash-loop",
        what: "a module that search imports is gone",
        inject: "cd /opt/prim/packages/search/src; cp -a index.ts /root/i; sed -i 's/x402-middleware/x402-gone/' index.ts; \
                 systemctl restart prim-search; sleep 3",
        heal: concat!("cp -a /root/i /opt/prim/packages/search/src/index.ts; ", again!("search")),
        code: "MODULE-MISSING",
        subject: "search",
        decisive: "(?i)cannot find module",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-crash-loop",
        what: "faucet ends by itself with exit 7, over and over, for no reason that is known",
        inject: "cd /opt/prim/packages/faucet/src; cp -a index.ts /root/i; echo 'process.exit(7)' > index.ts; \
                 systemctl restart prim-faucet; sleep 8",
        heal: concat!("cp -a /root/i /opt/prim/packages/faucet/src/index.ts; ", again!("faucet")),
        code: "CRASH-LOOP",
        subject: "faucet",
        decisive: "last: exit 7|will be started again: exit 7",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-crash-loop",
        what: "store stopped",
        inject: "systemctl stop prim-store",
        heal: "systemctl start prim-store",
        code: "STOPPED",
        subject: "store",
        decisive: "systemd: stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "service-crash-loop",
        what: "search halted (SIGSTOP): it runs and says nothing",
        inject: "kill -STOP $(systemctl show -P MainPID prim-search)",
        heal: "kill -CONT $(systemctl show -P MainPID prim-search)",
        code: "NO-ANSWER",
        subject: "search",
        decisive: "no answer in",
        fix: Fix::Disruptive,
    },
    Injection {
        failure: "service-crash-loop",
        what: "another program than email answers, in the unit of email",
        inject: "cd /opt/prim/packages/email/src; cp -a index.ts /root/i; \
                 echo 'export default { fetch: () => new Response(\"no\", { status: 500 }) }' > index.ts; \
                 systemctl restart prim-email; sleep 2",
        heal: concat!("cp -a /root/i /opt/prim/packages/email/src/index.ts; ", again!("email")),
        code: "BAD-ANSWER",
        subject: "email",
        decisive: "HTTP 500",
        fix: Fix::Restart,
    },
    Injection {
        failure: "service-crash-loop",
        what: "faucet masked",
        inject: "systemctl stop prim-faucet; mv /etc/systemd/system/prim-faucet.service /root/; systemctl mask prim-faucet",
        heal: "systemctl unmask prim-faucet; mv /root/prim-faucet.service /etc/systemd/system/; \
               systemctl daemon-reload; systemctl enable --now prim-faucet",
        code: "MASKED",
        subject: "faucet",
        decisive: "masked",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-crash-loop",
        what: "unit file of track gone",
        inject: "systemctl stop prim-track; mv /etc/systemd/system/prim-track.service /root/; systemctl daemon-reload",
        heal: "mv /root/prim-track.service /etc/systemd/system/; systemctl daemon-reload; systemctl start prim-track",
        code: "NOT-FOUND",
        subject: "track",
        decisive: "prim-track.service not found",
        fix: Fix::Person,
    },
    Injection {
        failure: "service-crash-loop",
        what: "ExecStart= of mem names a program that is not there",
        inject: "mkdir -p /run/systemd/system/prim-mem.service.d; \
                 printf '[Service]\\nExecStart=\\nExecStart=/opt/none\\n' > /run/systemd/system/prim-mem.service.d/x.conf; \
                 systemctl daemon-reload; systemctl restart prim-mem || true; sleep 2",
        heal: concat!("rm -r /run/systemd/system/prim-mem.service.d; systemctl daemon-reload; ", again!("mem")),
        code: "PROGRAM-MISSING",
        subject: "mem",
        decisive: "exit 203",
        fix: Fix::Look,
    },
    Injection {
        failure: "service-crash-loop",
        what: "User= of mem does not exist",
        inject: "mkdir -p /run/systemd/system/prim-mem.service.d; \
                 printf '[Service]\\nUser=nobody-here\\n' > /run/systemd/system/prim-mem.service.d/x.conf; \
                 systemctl daemon-reload; systemctl restart prim-mem || true; sleep 2",
        heal: concat!("rm -r /run/systemd/system/prim-mem.service.d; systemctl daemon-reload; ", again!("mem")),
        code: "USER-MISSING",
        subject: "mem",
        decisive: "exit 217",
        fix: Fix::Look,
    },
    Injection {
        failure: "service-crash-loop",
        what: "WorkingDirectory= of mem does not exist",
        inject: "mkdir -p /run/systemd/system/prim-mem.service.d; \
                 printf '[Service]\\nWorkingDirectory=/opt/none\\n' > /run/systemd/system/prim-mem.service.d/x.conf; \
                 systemctl daemon-reload; systemctl restart prim-mem || true; sleep 2",
        heal: concat!("rm -r /run/systemd/system/prim-mem.service.d; systemctl daemon-reload; ", again!("mem")),
        code: "DIRECTORY-MISSING",
        subject: "mem",
        decisive: "exit 200",
        fix: Fix::Look,
    },
    Injection {
        failure: "degraded",
        what: "unit file of mem changed on disk",
        inject: "sleep 1; echo '# changed' >> /etc/systemd/system/prim-mem.service",
        heal: "sed -i '/^# changed$/d' /etc/systemd/system/prim-mem.service; systemctl daemon-reload",
        code: "RELOAD-NEEDED",
        subject: "mem",
        decisive: "NeedDaemonReload=yes",
        fix: Fix::Safe,
    },
    Injection {
        failure: "bad-gateway",
        what: "Caddyfile sends mem.prim.sh to another port, Caddy reloaded",
        inject: "cp -a /etc/caddy/Caddyfile /root/c; sed -i 's/localhost:3008/localhost:3018/' /etc/caddy/Caddyfile; \
                 systemctl reload caddy",
        heal: "cp -a /root/c /etc/caddy/Caddyfile; systemctl reload caddy",
        code: "ROUTE-ELSEWHERE",
        subject: "mem",
        decisive: "the upstream of mem.prim.sh is localhost:3018",
        fix: Fix::Person,
    },
    Injection {
        failure: "host-unreachable",
        what: "Caddy stopped",
        inject: "systemctl stop caddy",
        heal: "systemctl start caddy",
        code: "STOPPED",
        subject: "caddy",
        decisive: "systemd: stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "host-unreachable",
        what: "a Caddyfile that Caddy does not take",
        inject: "cp -a /etc/caddy/Caddyfile /root/c; echo 'nonsense {{{' >> /etc/caddy/Caddyfile",
        heal: "cp -a /root/c /etc/caddy/Caddyfile",
        code: "CADDYFILE-INVALID",
        subject: "caddy",
        decisive: "(?i)caddyfile",
        fix: Fix::Look,
    },
    Injection {
        failure: "host-unreachable",
        what: "Caddy halted (SIGSTOP)",
        inject: "kill -STOP $(systemctl show -P MainPID caddy)",
        heal: "kill -CONT $(systemctl show -P MainPID caddy)",
        code: "NO-ANSWER",
        subject: "caddy",
        decisive: "no answer in",
        fix: Fix::Disruptive,
    },
    Injection {
        failure: "tls-failure",
        what: "another program holds port 443 while Caddy is started",
        inject: "systemctl stop caddy; systemd-run --quiet --unit=intruder busybox httpd -f -p 443 -h /usr/share; sleep 1; \
                 systemctl start caddy || true; sleep 2",
        heal: "systemctl stop intruder; systemctl stop caddy; systemctl reset-failed caddy || true; systemctl start caddy",
        code: "HTTPS-PORT-TAKEN",
        subject: "host",
        decisive: "port 443 is held by busybox",
        fix: Fix::Person,
    },
    Injection {
        failure: "tls-failure",
        what: "an expired certificate for track.prim.sh",
        inject: "cp -a /etc/caddy/Caddyfile /root/c; mkdir -p /etc/caddy/x; cd /etc/caddy/x; \
                 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -subj /CN=track.prim.sh \
                 -addext subjectAltName=DNS:track.prim.sh -not_before 20200101000000Z -not_after 20200301000000Z 2>&1; \
                 chown -R caddy /etc/caddy/x; sed -i 's|^track.prim.sh {|&\\n\\ttls /etc/caddy/x/c /etc/caddy/x/k|' /etc/caddy/Caddyfile; \
                 systemctl reload caddy",
        heal: "cp -a /root/c /etc/caddy/Caddyfile; systemctl reload caddy",
        code: "CERTIFICATE-EXPIRED",
        subject: "certificate track.prim.sh",
        decisive: "track.prim.sh: expired",
        fix: Fix::Look,
    },
    Injection {
        failure: "tls-failure",
        what: "a certificate of track.prim.sh for another name",
        inject: "cp -a /etc/caddy/Caddyfile /root/c; mkdir -p /etc/caddy/x; cd /etc/caddy/x; \
                 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -subj /CN=other.example \
                 -addext subjectAltName=DNS:other.example -days 90 2>&1; \
                 chown -R caddy /etc/caddy/x; sed -i 's|^track.prim.sh {|&\\n\\ttls /etc/caddy/x/c /etc/caddy/x/k|' /etc/caddy/Caddyfile; \
                 systemctl reload caddy",
        heal: "cp -a /root/c /etc/caddy/Caddyfile; systemctl reload caddy",
        code: "CERTIFICATE-NAME",
        subject: "certificate track.prim.sh",
        decisive: "is for other.example",
        fix: Fix::Look,
    },
    Injection {
        failure: "tls-failure",
        what: "a certificate of track.prim.sh that ends in ten days",
        inject: "cp -a /etc/caddy/Caddyfile /root/c; mkdir -p /etc/caddy/x; cd /etc/caddy/x; \
                 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -subj /CN=track.prim.sh \
                 -addext subjectAltName=DNS:track.prim.sh -not_before 20260901000000Z \
                 -not_after $(date -u -d '+10 days' +%Y%m%d%H%M%SZ) 2>&1; \
                 chown -R caddy /etc/caddy/x; sed -i 's|^track.prim.sh {|&\\n\\ttls /etc/caddy/x/c /etc/caddy/x/k|' /etc/caddy/Caddyfile; \
                 systemctl reload caddy",
        heal: "cp -a /root/c /etc/caddy/Caddyfile; systemctl reload caddy",
        code: "CERTIFICATE-ENDING",
        subject: "certificate track.prim.sh",
        decisive: "ends in 9d",
        fix: Fix::Look,
    },
    Injection {
        failure: "tls-failure",
        what: "the firewall closed for port 80",
        inject: "ufw delete allow 80/tcp >/dev/null",
        heal: "ufw allow 80/tcp >/dev/null",
        code: "HTTP-CLOSED",
        subject: "host",
        decisive: "80/tcp is allowed by no rule",
        fix: Fix::Person,
    },
    Injection {
        failure: "tls-failure",
        what: "the directory of Caddy's certificates given to root",
        inject: "chown root /var/lib/caddy",
        heal: "chown caddy /var/lib/caddy",
        code: "CADDY-STORE",
        subject: "host",
        decisive: "/var/lib/caddy belongs to root",
        fix: Fix::Person,
    },
    Injection {
        failure: "mail-inbound-down",
        what: "the container of Stalwart stopped",
        inject: "docker stop -t 1 stalwart >/dev/null",
        heal: "docker start stalwart >/dev/null",
        code: "STOPPED",
        subject: "stalwart",
        decisive: "docker: (stopped|failed)",
        fix: Fix::Safe,
    },
    Injection {
        failure: "mail-inbound-down",
        what: "the container of Stalwart paused",
        inject: "docker pause stalwart >/dev/null",
        heal: "docker unpause stalwart >/dev/null 2>&1 || true",
        code: "PAUSED",
        subject: "stalwart",
        decisive: "docker: paused",
        fix: Fix::Safe,
    },
    Injection {
        failure: "mail-inbound-down",
        what: "the process in the container of Stalwart halted (SIGSTOP): docker's proxy still takes connections",
        inject: "kill -STOP $(docker inspect -f '{{.State.Pid}}' stalwart)",
        heal: "kill -CONT $(docker inspect -f '{{.State.Pid}}' stalwart)",
        code: "MAIL-SILENT",
        subject: "stalwart",
        decisive: "banner :25: no answer in",
        fix: Fix::Disruptive,
    },
    Injection {
        failure: "mail-inbound-down",
        what: "Stalwart says that its store is damaged, and answers no more",
        inject: "pid=$(docker inspect -f '{{.State.Pid}}' stalwart); \
                 echo 'ERROR RocksDB error: Corruption: block checksum mismatch in 000123.sst' > /proc/$pid/fd/1; sleep 1; kill -STOP $pid",
        heal: "kill -CONT $(docker inspect -f '{{.State.Pid}}' stalwart); docker restart -t 1 stalwart >/dev/null",
        code: "MAIL-STORE-DAMAGED",
        subject: "stalwart",
        decisive: "Corruption: block checksum mismatch",
        fix: Fix::Person,
    },
    Injection {
        failure: "mail-inbound-down",
        what: "the docker engine stopped",
        inject: "systemctl stop docker.socket docker.service",
        heal: "systemctl start docker.service; docker start stalwart qdrant >/dev/null",
        code: "ENGINE-DOWN",
        subject: "host",
        decisive: "docker engine is not running",
        fix: Fix::Safe,
    },
    Injection {
        failure: "mail-outbound-rejected",
        what: "a receiver refuses mail for its SPF record (Stalwart's own log line, from its stand-in)",
        inject: "echo 'WARN smtp delivery failed: 550 5.7.23 SPF validation failed for mail.prim.sh' > \
                 /proc/$(docker inspect -f '{{.State.Pid}}' stalwart)/fd/1",
        heal: "sleep 1; docker restart -t 1 stalwart >/dev/null",
        code: "MAIL-REFUSED",
        subject: "stalwart",
        decisive: "5.7.23 SPF validation failed",
        fix: Fix::Look,
    },
    Injection {
        failure: "mail-outbound-rejected",
        what: "Stalwart does not find its DKIM signer (its own log line, from its stand-in)",
        inject: "echo 'WARN DKIM signer not found: rsa-report.old.example' > \
                 /proc/$(docker inspect -f '{{.State.Pid}}' stalwart)/fd/1",
        heal: "sleep 1; docker restart -t 1 stalwart >/dev/null",
        code: "DKIM-SIGNER",
        subject: "stalwart",
        decisive: "DKIM signer not found",
        fix: Fix::Person,
    },
    Injection {
        failure: "sqlite-locked",
        what: "somebody holds faucet.db while faucet wants to write",
        inject: "(echo 'BEGIN EXCLUSIVE;'; sleep 3) | sqlite3 /opt/prim/faucet.db & sleep 1; \
                 curl -s -X POST -d '{\"address\":\"0x2\"}' http://localhost:3003/v1/faucet/usdc >/dev/null; wait",
        heal: again!("faucet"),
        code: "SQLITE-LOCKED",
        subject: "faucet",
        decisive: "database is locked",
        fix: Fix::Disruptive,
    },
    Injection {
        failure: "sqlite-locked",
        what: "the backup holds faucet.db while faucet wants to write",
        inject: "printf '#!/bin/sh\\nsleep 300\\n' > /run/backup.sh; systemd-run --quiet --unit=backing sh /run/backup.sh; \
                 (echo 'BEGIN EXCLUSIVE;'; sleep 3) | sqlite3 /opt/prim/faucet.db & sleep 1; \
                 curl -s -X POST -d '{\"address\":\"0x2\"}' http://localhost:3003/v1/faucet/usdc >/dev/null; wait",
        heal: concat!("systemctl stop backing; rm /run/backup.sh; ", again!("faucet")),
        code: "LOCKED-BY-BACKUP",
        subject: "faucet",
        decisive: "backup.sh runs",
        fix: Fix::Look,
    },
    Injection {
        failure: "disk-full",
        what: "the file system of /var/lib/prim full",
        inject: "cp -a /var/lib/prim /root/v; mount -t tmpfs -o size=2m tmpfs /var/lib/prim; cp -a /root/v/. /var/lib/prim/; \
                 chown prim:prim /var/lib/prim; head -c 2m /dev/zero > /var/lib/prim/fill 2>/dev/null || true",
        heal: "umount -l /var/lib/prim; rm -r /root/v; systemctl restart prim-wallet",
        code: "DISK-FULL",
        subject: "disk /var/lib/prim",
        decisive: "/var/lib/prim: 100% of",
        fix: Fix::Look,
    },
    Injection {
        failure: "disk-full",
        what: "the file system of /var/lib/prim at 87 %",
        inject: "cp -a /var/lib/prim /root/v; mount -t tmpfs -o size=20m tmpfs /var/lib/prim; cp -a /root/v/. /var/lib/prim/; \
                 chown prim:prim /var/lib/prim; head -c 17600k /dev/zero > /var/lib/prim/fill",
        heal: "umount -l /var/lib/prim; rm -r /root/v; systemctl restart prim-wallet",
        code: "DISK-FILLING",
        subject: "disk /var/lib/prim",
        decisive: "/var/lib/prim: 8[5-9]% of",
        fix: Fix::Look,
    },
    Injection {
        failure: "disk-full",
        what: "no inodes left on the file system of /var/lib/prim",
        inject: "cp -a /var/lib/prim /root/v; mount -t tmpfs -o nr_inodes=40 tmpfs /var/lib/prim; cp -a /root/v/. /var/lib/prim/; \
                 chown prim:prim /var/lib/prim; for i in $(seq 50); do touch /var/lib/prim/f$i 2>/dev/null || true; done",
        heal: "umount -l /var/lib/prim; rm -r /root/v; systemctl restart prim-wallet",
        code: "INODES-FULL",
        subject: "disk /var/lib/prim",
        decisive: "100% of inodes used",
        fix: Fix::Look,
    },
    Injection {
        failure: "disk-full",
        what: "copies of databases that a backup left in /tmp two hours ago",
        inject: "touch -d '2 hours ago' /tmp/prim-wallet-2026-11-22.db",
        heal: "rm -f /tmp/prim-wallet-2026-11-22.db",
        code: "STALE-COPIES",
        subject: "host",
        decisive: "/tmp: prim-wallet-2026-11-22.db",
        fix: Fix::Safe,
    },
    Injection {
        failure: "bun-missing",
        what: "Bun gone, nothing restarted yet",
        inject: "mv /home/prim/.bun/bin/bun /home/prim/bun",
        heal: "mv /home/prim/bun /home/prim/.bun/bin/bun",
        code: "BUN-MISSING",
        subject: "host",
        decisive: "/home/prim/.bun/bin/bun does not exist",
        fix: Fix::Person,
    },
    Injection {
        failure: "bun-missing",
        what: "Bun gone, token and store restarted",
        inject: "mv /home/prim/.bun/bin/bun /home/prim/bun; systemctl restart prim-token prim-store || true; sleep 3",
        heal: concat!("mv /home/prim/bun /home/prim/.bun/bin/bun; ", again!("token"), "; ", again!("store")),
        code: "BUN-MISSING",
        subject: "host",
        decisive: "/home/prim/.bun/bin/bun does not exist",
        fix: Fix::Person,
    },
    Injection {
        failure: "x402-payment-failure",
        what: "store on another network than wallet",
        inject: "cp -a /etc/prim/store.env /root/s; sed -i 's/^PRIM_NETWORK=.*/PRIM_NETWORK=eip155:8453/' /etc/prim/store.env",
        heal: "cp -a /root/s /etc/prim/store.env",
        code: "NETWORK-DIFFERS",
        subject: "store",
        decisive: "PRIM_NETWORK in /etc/prim/store.env differs from that in /etc/prim/wallet.env",
        fix: Fix::Person,
    },
    Injection {
        failure: "x402-payment-failure",
        what: "another PRIM_PAY_TO in domain.env",
        inject: "cp -a /etc/prim/domain.env /root/s; \
                 sed -i 's/^PRIM_PAY_TO=.*/PRIM_PAY_TO=0x1111111111111111111111111111111111111111/' /etc/prim/domain.env",
        heal: "cp -a /root/s /etc/prim/domain.env",
        code: "PAY-TO-DIFFERS",
        subject: "domain",
        decisive: "PRIM_PAY_TO in /etc/prim/domain.env differs",
        fix: Fix::Person,
    },
    Injection {
        failure: "x402-payment-failure",
        what: "no PRIM_PAY_TO in track.env",
        inject: "cp -a /etc/prim/track.env /root/s; sed -i '/^PRIM_PAY_TO=/d' /etc/prim/track.env",
        heal: "cp -a /root/s /etc/prim/track.env",
        code: "PAY-TO-INVALID",
        subject: "track",
        decisive: "lacks PRIM_PAY_TO",
        fix: Fix::Person,
    },
    Injection {
        failure: "x402-payment-failure",
        what: "the zero address as wallet's PRIM_PAY_TO, and everybody's",
        inject: "cp -a /etc/prim /root/p; \
                 sed -i 's/^PRIM_PAY_TO=.*/PRIM_PAY_TO=0x0000000000000000000000000000000000000000/' /etc/prim/*.env",
        heal: "cp -a /root/p/. /etc/prim/; rm -r /root/p",
        code: "PAY-TO-INVALID",
        subject: "wallet",
        decisive: "PRIM_PAY_TO in /etc/prim/wallet.env has the form 0x0",
        fix: Fix::Person,
    },
    Injection {
        failure: "x402-payment-failure",
        what: "no PRIM_INTERNAL_KEY in spawn.env, as the templates have it",
        inject: "cp -a /etc/prim/spawn.env /root/s; sed -i '/^PRIM_INTERNAL_KEY=/d' /etc/prim/spawn.env",
        heal: "cp -a /root/s /etc/prim/spawn.env",
        code: "INTERNAL-KEY-MISSING",
        subject: "spawn",
        decisive: "lacks PRIM_INTERNAL_KEY",
        fix: Fix::Person,
    },
    Injection {
        failure: "x402-payment-failure",
        what: "another PRIM_INTERNAL_KEY in search.env",
        inject: "cp -a /etc/prim/search.env /root/s; \
                 sed -i 's/^PRIM_INTERNAL_KEY=.*/PRIM_INTERNAL_KEY=canary-other-internal-key/' /etc/prim/search.env",
        heal: "cp -a /root/s /etc/prim/search.env",
        code: "INTERNAL-KEY-DIFFERS",
        subject: "search",
        decisive: "PRIM_INTERNAL_KEY in /etc/prim/search.env differs",
        fix: Fix::Person,
    },
    Injection {
        failure: "x402-payment-failure",
        what: "email runs with an old key, its file is right again, a payer is turned away",
        inject: "cp -a /etc/prim/email.env /root/s; \
                 sed -i 's/^PRIM_INTERNAL_KEY=.*/PRIM_INTERNAL_KEY=canary-other-internal-key/' /etc/prim/email.env; \
                 systemctl restart prim-email; sleep 2; cp -a /root/s /etc/prim/email.env; \
                 pay=$(printf '{\"payload\":{\"authorization\":{\"from\":\"0x3333333333333333333333333333333333333333\"}}}' | base64 -w0); \
                 curl -s -X POST -H \"payment-signature: $pay\" -d '{}' http://localhost:3006/v1/mailboxes >/dev/null",
        heal: "systemctl restart prim-email",
        code: "ALLOWLIST-REFUSED",
        subject: "email",
        decisive: "allowlist check answered 401",
        fix: Fix::Person,
    },
    Injection {
        failure: "degraded",
        what: "load of the host far above its processors",
        inject: "cp /proc/loadavg /run/load.old; echo '90.10 90.20 90.30 1/100 4242' > /run/loadavg",
        heal: "echo '0.10 0.20 0.30 1/100 4242' > /run/loadavg",
        code: "LOAD-HIGH",
        subject: "host",
        decisive: "90.10 90.20 90.30",
        fix: Fix::Look,
    },
    Injection {
        failure: "degraded",
        what: "search takes 800 ms for an answer",
        inject: "cd /opt/prim/packages/search/src; cp -a index.ts /root/i; \
                 sed -i 's|  metrics: true,|&\\n  free: { \"GET /slow\": async () => { await Bun.sleep(800); return json({}); } },|' index.ts; \
                 systemctl restart prim-search; sleep 3; curl -fsS http://localhost:3005/slow",
        heal: concat!("cp -a /root/i /opt/prim/packages/search/src/index.ts; ", again!("search")),
        code: "SLOW-ANSWERS",
        subject: "host",
        decisive: r"latency_ms.p99 is",
        fix: Fix::Look,
    },
    Injection {
        failure: "degraded",
        what: "hardly any memory left (as /proc/meminfo says)",
        inject: "printf 'MemTotal: 1000000 kB\\nMemAvailable: 20000 kB\\nSwapTotal: 0 kB\\nSwapFree: 0 kB\\n' > /run/meminfo; \
                 mount --bind /run/meminfo /proc/meminfo",
        heal: "umount /proc/meminfo",
        code: "MEMORY-LOW",
        subject: "host",
        decisive: "98% of",
        fix: Fix::Look,
    },
    Injection {
        failure: "disk-full",
        what: "two at once: the file system of /var/lib/prim full, and wallet with an unknown PRIM_NETWORK",
        inject: "cp -a /var/lib/prim /root/v; mount -t tmpfs -o size=2m tmpfs /var/lib/prim; cp -a /root/v/. /var/lib/prim/; \
                 chown prim:prim /var/lib/prim; head -c 2m /dev/zero > /var/lib/prim/fill 2>/dev/null || true; \
                 cp -a /etc/prim/wallet.env /root/w; sed -i 's/^PRIM_NETWORK=.*/PRIM_NETWORK=eip155:1/' /etc/prim/wallet.env; \
                 systemctl restart prim-wallet; sleep 2",
        heal: concat!("cp -a /root/w /etc/prim/wallet.env; umount -l /var/lib/prim; rm -r /root/v; ", again!("wallet")),
        code: "DISK-FULL",
        subject: "disk /var/lib/prim",
        decisive: "/var/lib/prim: 100% of",
        fix: Fix::Look,
    },
    backups!(overdue, "prim", "wallet"),
    backups!(failed, "prim", "wallet"),
];

const NOT_HERE: &[(&str, &str)] = &[
    ("ACME-RATE-LIMIT, ACME-FAILS", "there is no ACME server; driven by log lines in the transcripts"),
    ("FACILITATOR-DOWN, ALLOWLIST-UNREACHABLE", "nobody pays here; driven by log lines in the transcripts"),
    ("OOM-KILLS, CLOCK-ADRIFT", "kernel log and clock are the machine's; driven in the transcripts"),
    ("TLS-SILENT", "without TLS something else is found first; driven in the transcripts"),
];

#[test]
fn prim_failures_are_told_apart() {
    let machine = Machine::boot_as("prim", "it-prim-diagnose");
    drive(&machine, "prim", INJECTIONS, NOT_HERE);
}
