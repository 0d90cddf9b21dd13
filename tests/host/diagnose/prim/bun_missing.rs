//! The runtime is missing.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "bun-missing",
        what: "Bun gone, nothing restarted yet",
        inject: "mv /home/prim/.bun/bin/bun /home/prim/bun",
        heal: "mv /home/prim/bun /home/prim/.bun/bin/bun",
        code: "BUN-MISSING",
        subject: "host",
        decisive: "/home/prim/.bun/bin/bun does not exist",
        fix: Fix::Person,
    },
    Injection {
        failure: "bun-missing",
        what: "Bun gone, token and store restarted",
        inject: "mv /home/prim/.bun/bin/bun /home/prim/bun; systemctl restart prim-token prim-store || true; sleep 3",
        heal: concat!("mv /home/prim/bun /home/prim/.bun/bin/bun; ", again!("token"), "; ", again!("store")),
        code: "BUN-MISSING",
        subject: "host",
        decisive: "/home/prim/.bun/bin/bun does not exist",
        fix: Fix::Person,
    },
];
