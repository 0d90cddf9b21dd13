//! Memory that grows.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "memory-leak",
        what: "the API killed by the limit of its container",
        inject: "docker stop -t 1 vedfinance-api >/dev/null; docker update --restart no --memory 10m \
                 --memory-swap 10m vedfinance-api >/dev/null; docker start vedfinance-api >/dev/null || true; \
                 for i in $(seq 100); do docker inspect -f '{{.State.Status}}' vedfinance-api | grep -q exited && break; sleep 0.3; done",
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
];
