//! Failures of a machine that no runbook knows.

use super::{Fix, Injection, drive};
use crate::machine::Machine;

const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "unit-failed",
        what: "cron stopped",
        inject: "systemctl stop cron",
        heal: "systemctl start cron",
        code: "STOPPED",
        subject: "cron",
        decisive: "systemd: stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "unit-failed",
        what: "the program of cron is not there",
        inject: "mkdir -p /run/systemd/system/cron.service.d; \
                 printf '[Service]\\nExecStart=\\nExecStart=/opt/none\\n' > /run/systemd/system/cron.service.d/x.conf; \
                 systemctl daemon-reload; systemctl restart cron || true; sleep 1",
        heal: "rm -r /run/systemd/system/cron.service.d; systemctl daemon-reload; systemctl reset-failed cron || true; \
               systemctl restart cron",
        code: "PROGRAM-MISSING",
        subject: "cron",
        decisive: "exit 203",
        fix: Fix::Look,
    },
    Injection {
        failure: "unit-failed",
        what: "cron crashes over and over",
        inject: "mkdir -p /run/systemd/system/cron.service.d; \
                 printf '[Unit]\\nStartLimitIntervalSec=0\\n[Service]\\nExecStart=\\nExecStart=/bin/false\\nRestart=always\\nRestartSec=1\\n' \
                 > /run/systemd/system/cron.service.d/x.conf; systemctl daemon-reload; systemctl restart cron; sleep 6",
        heal: "rm -r /run/systemd/system/cron.service.d; systemctl daemon-reload; systemctl stop cron; \
               systemctl reset-failed cron || true; systemctl start cron",
        code: "CRASH-LOOP",
        subject: "cron",
        decisive: "crash loop: [0-9]+ restarts( in [0-9a-z]+)?, last: exit 1",
        fix: Fix::Person,
    },
    Injection {
        failure: "unit-failed",
        what: "cron started too often, so that systemd has given up on it",
        inject: "mkdir -p /run/systemd/system/cron.service.d; \
                 printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\nRestart=always\\nRestartSec=100ms\\n' \
                 > /run/systemd/system/cron.service.d/x.conf; systemctl daemon-reload; systemctl restart cron || true; sleep 3",
        heal: "rm -r /run/systemd/system/cron.service.d; systemctl daemon-reload; systemctl reset-failed cron || true; \
               systemctl start cron",
        code: "START-LIMIT",
        subject: "cron",
        decisive: "repeated too quickly|start-limit-hit",
        fix: Fix::Person,
    },
    Injection {
        failure: "unit-failed",
        what: "a job outside of the registry failed",
        inject: "systemd-run --quiet --unit=nightly /bin/false || true; sleep 1",
        heal: "systemctl reset-failed nightly",
        code: "UNIT-FAILED",
        subject: "nightly.service",
        decisive: "nightly.service: exit 1",
        fix: Fix::Look,
    },
    Injection {
        failure: "unit-failed",
        what: "a unit outside of the registry ends over and over",
        inject: "systemd-run --quiet --unit=looper -p Restart=always -p RestartSec=2 -p StartLimitIntervalSec=0 /bin/false || true; sleep 5",
        heal: "systemctl stop looper; systemctl reset-failed looper || true",
        code: "UNIT-LOOPING",
        subject: "looper.service",
        decisive: "looper.service: (crash loop: )?[0-9]+ restarts( in [0-9a-z]+)?, last: exit 1",
        fix: Fix::Look,
    },
    Injection {
        failure: "port-conflict",
        what: "nginx started where Caddy has port 80",
        inject: "systemctl start caddy; systemctl start nginx || true",
        heal: "systemctl stop caddy nginx; systemctl reset-failed nginx || true",
        code: "PORT-TAKEN",
        subject: "nginx",
        decisive: "port 80 is held by caddy",
        fix: Fix::Person,
    },
    Injection {
        failure: "disk-full",
        what: "the file system of /srv full",
        inject: "mount -t tmpfs -o size=2m tmpfs /srv; head -c 2m /dev/zero > /srv/fill 2>/dev/null || true",
        heal: "umount -l /srv",
        code: "DISK-FULL",
        subject: "disk /srv",
        decisive: "/srv: 100% of",
        fix: Fix::Person,
    },
    Injection {
        failure: "disk-full",
        what: "the file system of the journal full",
        inject: "mount -t tmpfs -o size=2m tmpfs /var/log; head -c 2m /dev/zero > /var/log/fill 2>/dev/null || true",
        heal: "umount -l /var/log",
        code: "DISK-FULL",
        subject: "disk /var/log",
        decisive: "/var/log: 100% of",
        fix: Fix::Grave,
    },
    Injection {
        failure: "inodes-full",
        what: "no inodes left on the file system of /srv",
        inject: "mount -t tmpfs -o nr_inodes=30 tmpfs /srv; for i in $(seq 50); do touch /srv/f$i 2>/dev/null || true; done",
        heal: "umount -l /srv",
        code: "INODES-FULL",
        subject: "disk /srv",
        decisive: "100% of inodes used",
        fix: Fix::Look,
    },
    Injection {
        failure: "memory-low",
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
        failure: "overload",
        what: "load of the host far above its processors",
        inject: "echo '90.10 90.20 90.30 1/100 4242' > /run/loadavg",
        heal: "echo '0.10 0.20 0.30 1/100 4242' > /run/loadavg",
        code: "LOAD-HIGH",
        subject: "host",
        decisive: "90.10 90.20 90.30",
        fix: Fix::Look,
    },
    Injection {
        failure: "tls-failure",
        what: "an expired certificate at a TLS port, of a name under /etc/letsencrypt/live",
        inject: "mkdir -p /etc/letsencrypt/live/shop.example; cd /etc/letsencrypt/live/shop.example; \
                 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -subj /CN=shop.example \
                 -addext subjectAltName=DNS:shop.example -not_before 20200101000000Z -not_after 20200301000000Z 2>&1; \
                 systemd-run --quiet --unit=edge openssl s_server -accept 443 -cert $PWD/c -key $PWD/k -www; sleep 1",
        heal: "systemctl stop edge; rm -r /etc/letsencrypt/live/shop.example",
        code: "CERTIFICATE-EXPIRED",
        subject: "certificate shop.example",
        decisive: "shop.example: expired",
        fix: Fix::Look,
    },
    Injection {
        failure: "unit-failed",
        what: "a container that is restarted over and over",
        inject: "systemctl start docker; mkdir -p /run/image; cp /bin/busybox /run/image/busybox; \
                 tar -C /run/image -c . | docker import - loop:1 >/dev/null; \
                 docker run -d --name looper --restart always loop:1 /busybox false >/dev/null; sleep 4",
        heal: "docker rm -f looper >/dev/null; docker rmi loop:1 >/dev/null; systemctl stop docker.socket docker.service",
        // It is a service that was found.
        code: "CRASH-LOOP",
        subject: "looper",
        decisive: "crash loop: [0-9]+ restarts( in [0-9a-z]+)?, last: exit 1",
        fix: Fix::Person,
    },
    Injection {
        failure: "journal-trouble",
        what: "a service writes more than journald accepts",
        inject: "mkdir -p /run/systemd/journald.conf.d; \
                 printf '[Journal]\\nRateLimitIntervalSec=5s\\nRateLimitBurst=50\\n' > /run/systemd/journald.conf.d/x.conf; \
                 systemctl restart systemd-journald; \
                 systemd-run --quiet --unit=flood sh -c 'yes flood | head -3000; sleep 7; echo once more'; sleep 9",
        heal: "rm -r /run/systemd/journald.conf.d; systemctl restart systemd-journald; journalctl --rotate --quiet; \
               journalctl --vacuum-time=1s --quiet",
        code: "JOURNAL-DROPS",
        subject: "host",
        decisive: "Suppressed [0-9]+ messages",
        fix: Fix::Look,
    },
];

const NOT_HERE: &[(&str, &str)] = &[
    ("CLOCK-ADRIFT, OOM-KILLS", "clock and kernel log of the host are the machine's; driven in the transcripts"),
    ("CONTAINERS-UNWELL", "a container that keeps failing is a service that is found here; judged in unit tests"),
    ("JOURNAL-DOWN", "systemd starts journald again before it is seen to be down"),
];

#[test]
fn localhost_failures_are_told_apart() {
    let machine = Machine::boot_as("bare", "it-bare-diagnose");
    drive(&machine, "localhost", &[INJECTIONS], NOT_HERE);
}
