//! ai-fsm's failures, each at least once, with a real PostgreSQL.

/// SQL as the application's role.
macro_rules! sql {
    ($statements:literal) => {
        concat!(
            "docker exec ai-fsm-postgres psql -qX -v ON_ERROR_STOP=1 --username=ai_fsm --dbname=ai_fsm -c \"",
            $statements,
            "\""
        )
    };
}

/// SQL that goes on in the background.
macro_rules! sql_on {
    ($statements:literal) => {
        concat!("docker exec -d ai-fsm-postgres psql -qX --username=ai_fsm --dbname=ai_fsm -c \"", $statements, "\"")
    };
}

/// .env changed, and the containers made anew with it.
macro_rules! env {
    ($edit:literal, $services:literal) => {
        concat!(
            "cd /home/pi/ai-fsm; cp -p .env /root/env; sed -i '",
            $edit,
            "' .env; docker compose --progress quiet -f infra/compose.pi.yml up -d --no-deps ",
            $services,
            "; sleep 3"
        )
    };
}

const ENV_BACK: &str = "cd /home/pi/ai-fsm; cp -p /root/env .env; docker compose --progress quiet -f infra/compose.pi.yml up -d \
                        --no-deps web worker; sleep 2";
const WEB_ANEW: &str = "cd /home/pi/ai-fsm; docker rm -f ai-fsm-web >/dev/null; docker compose --progress quiet -f \
                        infra/compose.pi.yml up -d --no-deps web; sleep 2";
const POSTGRES_ANEW: &str = "docker restart -t 5 ai-fsm-postgres; \
                             until docker exec ai-fsm-postgres pg_isready -q -U ai_fsm; do sleep 0.2; done; sleep 1";

mod app_down;
mod automation_failures;
mod database;
mod resources;

use super::drive;
use crate::machine::Machine;

const NOT_HERE: &[(&str, &str)] = &[
    (
        "a lock-out by six wrong logins",
        "web does not say so anywhere, and a try of one's own would prolong it: not seen",
    ),
    ("POOL-EXHAUSTED", "the stand-in opens a connection for each question; driven by log lines in ring 1"),
    ("POLL-HIDDEN", "the stand-in writes its line at any LOG_LEVEL"),
    ("DATABASE-STARTING", "over within a second here"),
    ("OOM-KILLS, NO-SWAP, MEMORY-LOW, CLOCK-ADRIFT", "memory, kernel log and clock are the machine's"),
];

#[test]
fn ai_fsm_failures_are_told_apart() {
    let machine = Machine::boot_as("ai-fsm", "it-ai-fsm-diagnose");
    drive(
        &machine,
        "ai-fsm",
        &[app_down::INJECTIONS, database::INJECTIONS, resources::INJECTIONS, automation_failures::INJECTIONS],
        NOT_HERE,
    );
}
