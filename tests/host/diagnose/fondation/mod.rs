//! fondation's failures, each at least once. Lines that only a real job writes are made by the real program where there is
//! one (git, Node, a shell, docker) and written to the worker's own output.

/// The container made anew, with what it said before left behind it.
const AGAIN: &str = "systemctl restart fondation-worker; sleep 2";

/// Shell lines in the worker's container whose output is the worker's.
macro_rules! says {
    ($line:literal) => {
        concat!("docker exec fondation-worker-1 sh -c '(", $line, ") >/proc/1/fd/1 2>&1 || true'; sleep 1")
    };
}

/// What is laid over the answer of /health.
macro_rules! health {
    ($json:literal) => {
        concat!("docker exec fondation-worker-1 sh -c 'echo \"", $json, "\" >/tmp/health.json'")
    };
}

/// The unit with another setting, started.
macro_rules! unit {
    ($lines:literal) => {
        concat!(
            "mkdir -p /run/systemd/system/fondation-worker.service.d; printf '[Service]\\n",
            $lines,
            "\\n' >/run/systemd/system/fondation-worker.service.d/x.conf; systemctl daemon-reload; \
             systemctl restart fondation-worker || true; sleep 3"
        )
    };
}

const UNIT_AGAIN: &str = "rm -r /run/systemd/system/fondation-worker.service.d; systemctl daemon-reload; \
                          systemctl reset-failed fondation-worker || true; systemctl restart fondation-worker; sleep 2";

/// .env with another CONVEX_URL, which the running worker does not see.
macro_rules! url {
    ($url:literal) => {
        concat!(
            "cp -p /srv/fondation/.env /root/env; sed -i 's#^CONVEX_URL=.*#CONVEX_URL=",
            $url,
            "#' /srv/fondation/.env"
        )
    };
}

const ENV_BACK: &str = "cp -p /root/env /srv/fondation/.env";

mod access;
mod convex_unreachable;
mod image;
mod jobs;
mod resources;
mod worker_not_processing;

use super::drive;
use crate::machine::Machine;

const NOT_HERE: &[(&str, &str)] = &[
    ("leases and the length of the queue", "only Convex knows them; what the worker says of its jobs stands for them"),
    (
        "CONTAINER-PAUSED mended",
        "docker's own check takes up to 30 s more to say healthy again, and so the fix says unchanged",
    ),
    ("a login that Anthropic refuses", "the stand-in for its CLI says what the real one does"),
    (
        "OUT-OF-MEMORY, OOM-KILLS, CLOCK-ADRIFT",
        "docker starts it again at once; kernel log and clock are the machine's; driven in ring 1",
    ),
    ("CONTAINER-LOOPS, CONTAINER-DOWN", "what ends here ends for a reason that comes first; driven in ring 1"),
];

#[test]
fn fondation_failures_are_told_apart() {
    let machine = Machine::boot_as("fondation", "it-fondation-diagnose");
    drive(
        &machine,
        "fondation",
        &[
            worker_not_processing::INJECTIONS,
            convex_unreachable::INJECTIONS,
            resources::INJECTIONS,
            access::INJECTIONS,
            image::INJECTIONS,
            jobs::INJECTIONS,
        ],
        NOT_HERE,
    );
}
