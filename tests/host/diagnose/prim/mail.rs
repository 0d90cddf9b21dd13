//! Mail that does not arrive, or is rejected.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
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
];
