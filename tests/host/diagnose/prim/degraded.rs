//! Services that report a degraded state.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
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
];
