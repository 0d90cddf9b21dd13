//! Databases and disks, and backups.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
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
        fix: Fix::Person,
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
        fix: Fix::Person,
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
        fix: Fix::Person,
    },
    backups!(overdue, "prim", "wallet"),
    backups!(failed, "prim", "wallet"),
];
