//! Jobs that hang, fail or are slow.

use super::AGAIN;
use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "jobs-stuck",
        what: "an active job, claimed ten minutes ago, without a heartbeat",
        inject: "docker exec fondation-worker-1 sh -c \
                 'echo \"{\\\"activeJobs\\\":1,\\\"lastJobTime\\\":$(( ($(date +%s) - 200) * 1000 ))}\" >/tmp/health.json'",
        heal: AGAIN,
        code: "NO-HEARTBEAT",
        subject: "worker",
        decisive: "lastJobTime was 3m",
        fix: Fix::Restart,
    },
    Injection {
        failure: "jobs-stuck",
        what: "an active job, claimed forty minutes ago, that makes progress",
        inject: concat!(
            "docker exec fondation-worker-1 sh -c \
             'echo \"{\\\"activeJobs\\\":1,\\\"lastJobTime\\\":$(( ($(date +%s) - 2400) * 1000 ))}\" >/tmp/health.json'; ",
            says!("echo \"Heartbeat for job 7\"; echo \"Step 3 of 7: analyzing\"")
        ),
        heal: AGAIN,
        code: "JOB-LONG",
        subject: "worker",
        decisive: "lastJobTime was 40m",
        fix: Fix::Restart,
    },
    Injection {
        failure: "jobs-stuck",
        what: "heartbeats fail",
        inject: says!("echo \"Heartbeat failed: lease lost\""),
        heal: AGAIN,
        code: "HEARTBEAT-FAILS",
        subject: "worker",
        decisive: "Heartbeat failed",
        fix: Fix::Person,
    },
    Injection {
        failure: "jobs-stuck",
        what: "an error that nobody catches ends a program",
        inject: says!(
            "node -e \"process.on(\\\"unhandledRejection\\\", (why) => { console.error(\\\"Unhandled Rejection:\\\", why); \
             process.exit(1); }); Promise.reject(7)\""
        ),
        heal: AGAIN,
        code: "LEASE-LOST",
        subject: "worker",
        decisive: "Unhandled Rejection: 7",
        fix: Fix::Person,
    },
    Injection {
        failure: "jobs-stuck",
        what: "the worker restarted while it works on a job of a minute",
        inject: "echo '[{\"_id\":\"j1\",\"status\":\"pending\",\"millis\":60000}]' >/etc/test-host/jobs.json; sleep 7; \
                 systemctl restart fondation-worker; sleep 2",
        heal: "rm -f /etc/test-host/jobs.json; journalctl --quiet --rotate; journalctl --quiet --vacuum-time=1s",
        code: "KILLED-AT-WORK",
        subject: "worker",
        decisive: "failed to exit within 10s of signal 15",
        fix: Fix::Person,
    },
    Injection {
        failure: "job-hangs-at-step-0",
        what: "docker called in the container",
        inject: says!("docker ps"),
        heal: AGAIN,
        code: "DOCKER-IN-DOCKER",
        subject: "worker",
        decisive: "Cannot connect to the Docker daemon",
        fix: Fix::Person,
    },
    Injection {
        failure: "job-hangs-at-step-0",
        what: "an active job with heartbeats and no progress",
        inject: concat!(
            "docker exec fondation-worker-1 sh -c \
             'echo \"{\\\"activeJobs\\\":1,\\\"lastJobTime\\\":$(( ($(date +%s) - 400) * 1000 ))}\" >/tmp/health.json'; ",
            says!("echo \"Heartbeat for job 7\"")
        ),
        heal: AGAIN,
        code: "NO-PROGRESS",
        subject: "worker",
        decisive: "Heartbeat for job 7",
        fix: Fix::Restart,
    },
    Injection {
        failure: "silent-success",
        what: "three jobs succeeded in 12 ms on average, says /metrics",
        inject: "docker exec fondation-worker-1 sh -c \
                 'echo \"{\\\"jobs_total\\\":3,\\\"jobs_succeeded_total\\\":3,\\\"jobs_duration_average_ms\\\":12}\" \
                 >/tmp/metrics.json'",
        heal: AGAIN,
        code: "SUCCEEDS-AT-ONCE",
        subject: "worker",
        decisive: "jobs_succeeded_total is 3",
        fix: Fix::Person,
    },
    Injection {
        failure: "high-error-rate",
        what: "eight of twelve jobs failed",
        inject: "docker exec fondation-worker-1 sh -c \
                 'echo \"{\\\"jobs_total\\\":12,\\\"jobs_failed_total\\\":8,\\\"jobs_succeeded_total\\\":4}\" >/tmp/metrics.json'",
        heal: AGAIN,
        code: "JOBS-FAIL",
        subject: "worker",
        decisive: "jobs_failed_total is 8, jobs_total is 12",
        fix: Fix::Look,
    },
    Injection {
        failure: "slow-processing",
        what: "jobs of eleven minutes on average",
        inject: "docker exec fondation-worker-1 sh -c 'echo \"{\\\"jobs_duration_average_ms\\\":660000}\" >/tmp/metrics.json'",
        heal: AGAIN,
        code: "JOBS-SLOW",
        subject: "worker",
        decisive: "jobs_duration_average_ms is 660000",
        fix: Fix::Look,
    },
];
