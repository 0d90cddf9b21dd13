//! Disks and memory, and backups.

use super::AGAIN;
use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "disk-full",
        what: "the file system of /srv full",
        inject: "cp -a /srv /root/srv; mount -t tmpfs -o size=2m tmpfs /srv; cp -a /root/srv/. /srv/; \
                 head -c 3m /dev/zero >/srv/fill 2>/dev/null || true",
        heal: "umount -l /srv; rm -r /root/srv",
        code: "DISK-FULL",
        subject: "disk /srv",
        decisive: "/srv: 100% of",
        fix: Fix::Person,
    },
    Injection {
        failure: "disk-full",
        what: "a clone of three hours ago in the scratch volume",
        inject: "d=/var/lib/docker/volumes/fondation_worker-tmp/_data/job-old; mkdir $d; echo x >$d/file; touch -d '3 hours ago' $d",
        heal: "rm -rf /var/lib/docker/volumes/fondation_worker-tmp/_data/job-old",
        code: "SCRATCH-LEFT",
        subject: "host",
        decisive: "job-old",
        fix: Fix::Safe,
    },
    Injection {
        failure: "disk-full",
        what: "a job finds no space",
        inject: says!("cat /dev/zero >/dev/full"),
        heal: AGAIN,
        code: "JOBS-WITHOUT-SPACE",
        subject: "worker",
        decisive: "No space left on device",
        fix: Fix::Person,
    },
    Injection {
        failure: "disk-full",
        what: "two at once: the file system of /srv full, and Convex does not answer",
        inject: "cp -a /srv /root/srv; mount -t tmpfs -o size=2m tmpfs /srv; cp -a /root/srv/. /srv/; \
                 head -c 3m /dev/zero >/srv/fill 2>/dev/null || true; systemctl stop caddy",
        heal: "umount -l /srv; rm -r /root/srv; systemctl start caddy",
        code: "DISK-FULL",
        subject: "disk /srv",
        decisive: "/srv: 100% of",
        fix: Fix::Person,
    },
    Injection {
        failure: "high-memory",
        what: "/health says degraded with a heap of 80 %",
        inject: health!("{\\\"status\\\":\\\"degraded\\\",\\\"memory\\\":{\\\"percentUsed\\\":80}}"),
        heal: AGAIN,
        code: "HEAP-HIGH",
        subject: "worker",
        decisive: "memory.percentUsed is 80",
        fix: Fix::Restart,
    },
    Injection {
        failure: "high-memory",
        what: "1.7 GB in use in the container",
        inject: "docker exec -d fondation-worker-1 node -e 'b=Buffer.alloc(1700e6,1);setTimeout(()=>{},90000)'; sleep 3",
        heal: AGAIN,
        code: "MEMORY-HIGH",
        subject: "worker",
        decisive: "the alarm is at 1.5 GiB",
        fix: Fix::Disruptive,
    },
    backups!(overdue, "fondation", "credentials"),
    backups!(failed, "fondation", "credentials"),
];
