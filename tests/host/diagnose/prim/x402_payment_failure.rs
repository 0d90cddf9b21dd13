//! Payments that fail.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
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
];
