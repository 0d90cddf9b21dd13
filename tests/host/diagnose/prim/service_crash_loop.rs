//! Services that end again and again.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
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
];
