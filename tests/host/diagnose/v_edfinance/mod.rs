//! v-edfinance's failures, each at least once: with all scenarios of its runbooks.

mod database_failure;
mod login_failure;
mod memory_leak;
mod payment_failure;
mod service_down;
mod slow_queries;

use super::drive;
use crate::machine::Machine;

const NOT_HERE: &[(&str, &str)] = &[
    ("memory-leak, pattern A (SESSIONS-LEFT-OPEN)", "takes sessions that were idle for five minutes; driven in ring 1"),
    ("memory-leak, pattern C (a cache without bound)", "leaves no trace on a host: said in the note of the failure"),
    ("MEMORY-HIGH", "takes 1.8 GB; shared by all deployments, driven in ring 1"),
    ("Stripe's dashboard, and its answers", "outside the host; the words of its client are written to the API's log"),
    ("OOM-KILLS, CLOCK-ADRIFT", "kernel log and clock are the machine's; driven in ring 2"),
    ("a task of Swarm, Uptime Kuma", "not in this layout"),
];

#[test]
fn v_edfinance_failures_are_told_apart() {
    let machine = Machine::boot_as("v-edfinance", "it-v-edfinance-diagnose");
    drive(
        &machine,
        "v-edfinance",
        &[
            service_down::INJECTIONS,
            database_failure::INJECTIONS,
            memory_leak::INJECTIONS,
            login_failure::INJECTIONS,
            payment_failure::INJECTIONS,
            slow_queries::INJECTIONS,
        ],
        NOT_HERE,
    );
}
