//! Disks and memory.

use super::{ENV_BACK, WEB_ANEW};
use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "disk-full",
        what: "the file system of /home/pi/backups full",
        inject: "mount -t tmpfs -o size=2m tmpfs /home/pi/backups; head -c 3m /dev/zero >/home/pi/backups/fill 2>/dev/null || true",
        heal: "umount -l /home/pi/backups",
        code: "DISK-FULL",
        subject: "disk /home/pi/backups",
        decisive: "/home/pi/backups: 100% of",
        fix: Fix::Person,
    },
    Injection {
        failure: "disk-full",
        what: "a file system is nearly full, and redis writes its log without a bound",
        inject: "mount -t tmpfs -o size=10m tmpfs /home/pi/backups; head -c 9100k /dev/zero >/home/pi/backups/fill; \
                 docker rename ai-fsm-redis kept; docker stop -t 1 kept; \
                 docker run -d --name ai-fsm-redis --label com.docker.compose.project=infra --label \
                 com.docker.compose.service=redis -v /usr:/usr:ro redis:7",
        heal: "docker rm -f ai-fsm-redis; docker rename kept ai-fsm-redis; docker start ai-fsm-redis; umount -l /home/pi/backups",
        code: "LOGS-UNBOUNDED",
        subject: "disk /home/pi/backups",
        decisive: "/ai-fsm-redis .*\"Config\":\\{\\}",
        fix: Fix::Person,
    },
    Injection {
        failure: "disk-full",
        what: "two at once: the file system of /home/pi/backups full, and AUTH_SECRET too short",
        inject: concat!(
            "mount -t tmpfs -o size=2m tmpfs /home/pi/backups; head -c 3m /dev/zero >/home/pi/backups/fill 2>/dev/null || true; ",
            env!("s/^AUTH_SECRET=.*/AUTH_SECRET=hunter22/", "web")
        ),
        heal: "umount -l /home/pi/backups; cd /home/pi/ai-fsm; cp -p /root/env .env; docker compose --progress quiet -f \
               infra/compose.pi.yml up -d --no-deps web; sleep 2",
        code: "DISK-FULL",
        subject: "disk /home/pi/backups",
        decisive: "/home/pi/backups: 100% of",
        fix: Fix::Person,
    },
    // runc itself has more than 12 MB now and then, and is then refused by the kernel.
    Injection {
        failure: "oom",
        what: "web within 12 MB, killed and not started again",
        inject: "docker stop -t 1 ai-fsm-web; docker update --restart=no --memory=12m --memory-swap=12m ai-fsm-web; \
                 for i in 1 2 3 4 5; do docker start ai-fsm-web && break; done; sleep 3",
        heal: WEB_ANEW,
        code: "OUT-OF-MEMORY",
        subject: "web",
        decisive: "OOMKilled=true",
        fix: Fix::Restart,
    },
    Injection {
        failure: "oom",
        what: "the same, and NODE_OPTIONS does not bound the heap",
        inject: "cp -p /home/pi/ai-fsm/.env /root/env; sed -i '/^NODE_OPTIONS=/d' /home/pi/ai-fsm/.env; docker stop -t 1 ai-fsm-web; \
                 docker update --restart=no --memory=12m --memory-swap=12m ai-fsm-web; \
                 for i in 1 2 3 4 5; do docker start ai-fsm-web && break; done; sleep 3",
        heal: "cd /home/pi/ai-fsm; cp -p /root/env .env; docker rm -f ai-fsm-web >/dev/null; docker compose --progress quiet -f \
               infra/compose.pi.yml up -d --no-deps web; sleep 2",
        code: "HEAP-UNBOUNDED",
        subject: "web",
        decisive: "lacks NODE_OPTIONS",
        fix: Fix::Person,
    },
    Injection {
        failure: "oom",
        what: "a heap of 2 MB: Node ends web, over and over",
        inject: env!("s/^NODE_OPTIONS=.*/NODE_OPTIONS=--max-old-space-size=2/", "web"),
        heal: ENV_BACK,
        code: "HEAP-EXHAUSTED",
        subject: "web",
        decisive: "heap limit|heap out of memory",
        fix: Fix::Look,
    },
];
