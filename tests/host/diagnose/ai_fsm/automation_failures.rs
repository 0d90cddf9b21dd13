//! The automation, and logins.

use super::ENV_BACK;
use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "automation-failures",
        what: "a visit reminder cannot be recorded",
        inject: concat!(
            sql!(
                "ALTER TABLE audit_log ADD CONSTRAINT x CHECK (entity_type <> 'visit_reminder') NOT VALID; UPDATE automations SET next_run_at = now() WHERE type = 'visit_reminder'"
            ),
            "; docker restart -t 1 ai-fsm-worker; sleep 2"
        ),
        heal: concat!(
            sql!(
                "ALTER TABLE audit_log DROP CONSTRAINT x; UPDATE automations SET next_run_at = now() + interval '1 hour'"
            ),
            "; docker restart -t 1 ai-fsm-worker"
        ),
        code: "REMINDER-FAILS",
        subject: "worker",
        decisive: "visit-reminder: failed to emit",
        fix: Fix::Look,
    },
    Injection {
        failure: "automation-failures",
        what: "an invoice follow-up cannot be recorded",
        inject: concat!(
            sql!(
                "ALTER TABLE audit_log ADD CONSTRAINT x CHECK (entity_type <> 'invoice_followup') NOT VALID; UPDATE automations SET next_run_at = now() WHERE type = 'invoice_followup'"
            ),
            "; docker restart -t 1 ai-fsm-worker; sleep 2"
        ),
        heal: concat!(
            sql!(
                "ALTER TABLE audit_log DROP CONSTRAINT x; UPDATE automations SET next_run_at = now() + interval '1 hour'"
            ),
            "; docker restart -t 1 ai-fsm-worker"
        ),
        code: "FOLLOW-UP-FAILS",
        subject: "worker",
        decisive: "invoice-followup: failed to process",
        fix: Fix::Look,
    },
    Injection {
        failure: "automation-failures",
        what: "the worker may not read automations",
        inject: concat!(
            sql!("ALTER TABLE automations RENAME COLUMN enabled TO elsewhere"),
            "; docker restart -t 1 ai-fsm-worker; sleep 2"
        ),
        heal: concat!(
            sql!("ALTER TABLE automations RENAME COLUMN elsewhere TO enabled"),
            "; docker restart -t 1 ai-fsm-worker"
        ),
        code: "POLL-FAILS",
        subject: "worker",
        decisive: "worker poll failed",
        fix: Fix::Look,
    },
    Injection {
        failure: "automation-failures",
        what: "an automation is due for ten minutes, and the worker hangs",
        inject: concat!(
            "kill -STOP $(docker inspect -f '{{.State.Pid}}' ai-fsm-worker); ",
            sql!("UPDATE automations SET next_run_at = now() - interval '10 minutes' WHERE type = 'visit_reminder'")
        ),
        heal: concat!(
            sql!("UPDATE automations SET next_run_at = now() + interval '1 hour'"),
            "; kill -CONT $(docker inspect -f '{{.State.Pid}}' ai-fsm-worker); docker restart -t 1 ai-fsm-worker"
        ),
        code: "AUTOMATIONS-OVERDUE",
        subject: "worker",
        decisive: "^visit_reminder 1 due for 1[0-9] min$",
        fix: Fix::Restart,
    },
    Injection {
        failure: "automation-failures",
        what: "every automation switched off",
        inject: sql!("UPDATE automations SET enabled = false"),
        heal: sql!("UPDATE automations SET enabled = true"),
        code: "AUTOMATIONS-OFF",
        subject: "worker",
        decisive: "^all 2 are switched off$",
        fix: Fix::Person,
    },
    Injection {
        failure: "automation-failures",
        what: "WORKER_POLL_MS of ten minutes, seen after two",
        inject: concat!(env!("s/^WORKER_POLL_MS=.*/WORKER_POLL_MS=600000/", "worker"), "; sleep 120"),
        heal: ENV_BACK,
        code: "POLL-SLOW",
        subject: "worker",
        decisive: "WORKER_POLL_MS in /home/pi/ai-fsm/.env does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "login-rate-limited",
        what: "a line that says whom web turned away, which a proxy or a later version writes",
        inject: "docker exec ai-fsm-web sh -c \
                 'echo \"{\\\"level\\\":\\\"warn\\\",\\\"msg\\\":\\\"login RATE_LIMITED\\\"}\" >/proc/1/fd/1'; sleep 1",
        heal: "docker restart -t 1 ai-fsm-web",
        code: "RATE-LIMITED",
        subject: "web",
        decisive: "RATE_LIMITED",
        fix: Fix::Disruptive,
    },
];
