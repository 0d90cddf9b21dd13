//! Wallet is down.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "wallet-down",
        what: "an unknown PRIM_NETWORK in wallet.env, wallet restarted",
        inject: "cp -a /etc/prim/wallet.env /root/w; sed -i 's/^PRIM_NETWORK=.*/PRIM_NETWORK=eip155:1/' /etc/prim/wallet.env; \
                 systemctl restart prim-wallet; sleep 3",
        heal: concat!("cp -a /root/w /etc/prim/wallet.env; ", again!("wallet")),
        code: "NETWORK-UNKNOWN",
        subject: "wallet",
        decisive: "Unknown network: eip155:1",
        fix: Fix::Person,
    },
    Injection {
        failure: "wallet-down",
        what: "wallet stopped",
        inject: "systemctl stop prim-wallet",
        heal: "systemctl start prim-wallet",
        code: "STOPPED",
        subject: "wallet",
        decisive: "systemd: stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "wallet-down",
        what: "/var/lib/prim given to root, its database gone, wallet restarted",
        inject: "mv /var/lib/prim/allowlist.db /root/; chown root:root /var/lib/prim; systemctl restart prim-wallet; sleep 3",
        heal: concat!("mv /root/allowlist.db /var/lib/prim/; chown prim:prim /var/lib/prim; ", again!("wallet")),
        code: "STATE-NOT-WRITABLE",
        subject: "wallet",
        decisive: "/var/lib/prim belongs to root",
        fix: Fix::Person,
    },
];
