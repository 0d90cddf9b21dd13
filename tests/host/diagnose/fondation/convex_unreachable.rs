//! Convex is not reached.

use super::ENV_BACK;
use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "convex-unreachable",
        what: "Convex does not answer",
        inject: "systemctl stop caddy",
        heal: "systemctl start caddy",
        code: "CONVEX-SILENT",
        subject: "convex",
        decisive: "connection refused",
        fix: Fix::Look,
    },
    Injection {
        failure: "convex-unreachable",
        what: "Convex's gateway answers 502",
        inject: "systemctl stop standin-convex",
        heal: "systemctl start standin-convex",
        code: "CONVEX-ERRORS",
        subject: "convex",
        decisive: "HTTP 502",
        fix: Fix::Look,
    },
    Injection {
        failure: "convex-unreachable",
        what: "CONVEX_URL names a deployment that does not exist",
        inject: url!("https://calm-fox-456.convex.cloud"),
        heal: ENV_BACK,
        code: "CONVEX-NAME",
        subject: "convex",
        decisive: "cannot be resolved|lookup",
        fix: Fix::Person,
    },
    Injection {
        failure: "convex-unreachable",
        what: "CONVEX_URL is that of the example file",
        inject: url!("https://your-deployment.convex.cloud"),
        heal: ENV_BACK,
        code: "URL-IS-EXAMPLE",
        subject: "worker",
        decisive: "CONVEX_URL in /srv/fondation/.env has the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "convex-unreachable",
        what: "CONVEX_URL with a password in it",
        inject: url!("https://user:hunter2@169.254.169.254/"),
        heal: ENV_BACK,
        code: "URL-MALFORMED",
        subject: "worker",
        decisive: "CONVEX_URL in /srv/fondation/.env does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "convex-unreachable",
        what: "ufw denies what goes out, by its files, and Convex is not reached",
        inject: "cp -a /etc/ufw/ufw.conf /root/uc; cp -a /etc/default/ufw /root/ud; \
                 sed -i 's/^ENABLED=.*/ENABLED=yes/' /etc/ufw/ufw.conf; \
                 sed -i 's/^DEFAULT_OUTPUT_POLICY=.*/DEFAULT_OUTPUT_POLICY=\"DROP\"/' /etc/default/ufw; systemctl stop caddy",
        heal: "cp -a /root/uc /etc/ufw/ufw.conf; cp -a /root/ud /etc/default/ufw; systemctl start caddy",
        code: "OUTBOUND-CLOSED",
        subject: "host",
        decisive: "DEFAULT_OUTPUT_POLICY=\"DROP\"",
        fix: Fix::Person,
    },
    Injection {
        failure: "convex-unreachable",
        what: "the host reaches Convex, the container does not",
        inject: "iptables -I INPUT -i br-+ -p tcp --dport 443 -j REJECT; sleep 6",
        heal: "iptables -D INPUT -i br-+ -p tcp --dport 443 -j REJECT",
        code: "CLAIM-FAILS",
        subject: "worker",
        decisive: "Error claiming job",
        fix: Fix::Restart,
    },
];
