//! prim's failures, each at least once.

/// A unit that the runbook's own restart brings back.
macro_rules! again {
    ($name:literal) => {
        concat!(
            "systemctl stop prim-",
            $name,
            "; systemctl reset-failed prim-",
            $name,
            // Times of units are whole seconds: what it said before must not be of the same.
            " || true; sleep 1; systemctl start prim-",
            $name
        )
    };
}

mod bun_missing;
mod data;
mod degraded;
mod edge;
mod mail;
mod service_crash_loop;
mod wallet_down;
mod x402_payment_failure;

use super::drive;
use crate::machine::Machine;

const NOT_HERE: &[(&str, &str)] = &[
    ("ACME-RATE-LIMIT, ACME-FAILS", "there is no ACME server; driven by log lines in the transcripts"),
    ("FACILITATOR-DOWN, ALLOWLIST-UNREACHABLE", "nobody pays here; driven by log lines in the transcripts"),
    ("OOM-KILLS, CLOCK-ADRIFT", "kernel log and clock are the machine's; driven in the transcripts"),
    ("TLS-SILENT", "without TLS something else is found first; driven in the transcripts"),
];

#[test]
fn prim_failures_are_told_apart() {
    let machine = Machine::boot_as("prim", "it-prim-diagnose");
    drive(
        &machine,
        "prim",
        &[
            wallet_down::INJECTIONS,
            service_crash_loop::INJECTIONS,
            bun_missing::INJECTIONS,
            edge::INJECTIONS,
            degraded::INJECTIONS,
            mail::INJECTIONS,
            data::INJECTIONS,
            x402_payment_failure::INJECTIONS,
        ],
        NOT_HERE,
    );
}
