//! Services of fondation: the worker, what it cannot work without, and the front end that runs elsewhere.

use super::{P1, P4};
use crate::registry::*;

/// The one configuration file, which also tells where Convex is.
const ENV: &str = "/srv/fondation/.env";

const GIB: u64 = 1 << 30;

pub static DOCKER: Service = Service {
    managers: &[Manager::Systemd(Unit::new("docker.service"))],
    probes: &[Probe::DockerEngine],
    data: &[Data {
        path: "/var/lib/docker",
        kind: DataKind::Directory,
        what: "images, scratch volume, container logs; the worker's images are in no registry and in no backup",
    }],
    logs: &[Log::Journal("docker.service")],
    restart_loses: Some("the worker: its unit requires docker and stops with it, which strands active jobs"),
    note: Some(
        "never prune images while the worker is stopped: its own then count as unused and are gone for good (D4, D30); \
         logrotate truncates the container logs that docker already rotates at 5 x 10 MB (D29)",
    ),
    ..Service::new("docker", "container engine", &P1, "the worker is a container")
};

pub static CONVEX: Service = Service {
    probes: &[Probe::Http(Http {
        url: Url::FromEnv(Secret { file: ENV, key: "CONVEX_URL" }),
        host: None,
        rules: &[
            Rule { status: Some(502), when: &[], verdict: Verdict::Fail, meaning: "its gateway gets no proper answer" },
            Rule { status: Some(503), when: &[], verdict: Verdict::Fail, meaning: "says it is unavailable" },
            Rule { status: Some(504), when: &[], verdict: Verdict::Fail, meaning: "its gateway waits in vain" },
            Rule { status: None, when: &[], verdict: Verdict::Pass, meaning: "any HTTP answer" },
        ],
        show: &[],
    })],
    note: Some(
        "only the vendor can restart it; jobs are edited in its dashboard; no shell has CONVEX_URL, only the env file \
         (D19); expired leases come back only through the internal mutation queue:reclaimExpired, which no schedule \
         calls and plain HTTP cannot (D7, D10) and which ignores maxAttempts (D9); queue depth and job logs are \
         nowhere else; anybody may call its queue mutations (D27)",
    ),
    ..Service::new(
        "convex",
        "database and job queue, at the vendor: users, repositories, jobs, docs, jobLogs",
        &P1,
        "it is the queue: nothing is claimed without it",
    )
};

pub static WORKER: Service = Service {
    managers: &[
        Manager::Systemd(Unit {
            working_directory: Some("/srv/fondation"),
            restart: Some("always"),
            ..Unit::new("fondation-worker.service")
        }),
        Manager::Compose(Compose {
            project: "fondation",
            service: "worker",
            container: None,
            files: &["/srv/fondation/docker-compose.prod.yml"],
        }),
    ],
    ports: &[8080],
    probes: &[
        Probe::Http(Http {
            show: &["status", "activeJobs", "memory.percentUsed"],
            ..Http::get(
                8080,
                "/health",
                &[
                    Rule { status: Some(200), when: &[], verdict: Verdict::Pass, meaning: "healthy" },
                    Rule {
                        status: Some(206),
                        when: &[Condition::Is("activeJobs", "0"), Condition::AtMost("memory.percentUsed", 75)],
                        verdict: Verdict::Pass,
                        meaning: "idle: no job claimed for 10 min",
                    },
                    Rule { status: Some(206), when: &[], verdict: Verdict::Warn, meaning: "degraded" },
                    Rule { status: Some(503), when: &[], verdict: Verdict::Fail, meaning: "unhealthy" },
                ],
            )
        }),
        Probe::Http(Http::get(
            8080,
            "/metrics",
            &[
                Rule {
                    status: Some(200),
                    when: &[Condition::Exists("jobs_total")],
                    verdict: Verdict::Pass,
                    meaning: "counts its jobs",
                },
                Rule { status: None, when: &[], verdict: Verdict::Warn, meaning: "no job counters" },
            ],
        )),
    ],
    needs: &[&DOCKER, &CONVEX],
    env: Some(EnvFile { paths: &[ENV], owner: None, mode: 0o640, required: &["CONVEX_URL"] }),
    data: &[
        Data {
            path: "/srv/fondation",
            kind: DataKind::Directory,
            what: "compose file, env file and the scripts update-worker, monitor, auth-claude and backup-creds",
        },
        Data {
            path: "/srv/claude-creds",
            kind: DataKind::Directory,
            what: "the Claude login: uid 1001 of the container must be able to read it; its mount is read-only, so a \
                   refreshed token is lost (D22); documents know two other ways to log in (D23)",
        },
        Data {
            path: "fondation_worker-tmp",
            kind: DataKind::Volume,
            what: "scratch: clones, one directory a job; /tmp/fondation in the container, not on the host (D6)",
        },
    ],
    // Compose runs in the foreground of the unit, so the journal has every line of the container, and keeps it.
    logs: &[Log::Journal("fondation-worker.service"), Log::Copy(&Log::Container)],
    memory: Some(Memory {
        alarm_bytes: Some(3 * GIB / 2),
        limit_bytes: Some(2 * GIB),
        source: "alarm: runbook, 1.5 GB; limit: compose file, 2 GB; both read as GiB",
    }),
    at_stake: Some(AtStake { path: "activeJobs", what: "active jobs" }),
    restart_loses: Some(
        "active jobs are stranded until their lease ends (up to 5 min) and somebody reclaims them; the container's own \
         log goes with the container, the journal keeps its lines",
    ),
    note: Some(
        "the shipped unit cannot hold: Restart=unless-stopped is no word of systemd and is ignored (D1), \
         /usr/bin/docker-compose is not installed (D2), its pull fails for an image that exists only here (D3); \
         compose sets no container name, so the runbook's fondation-worker finds nothing (D5); it is killed 10 s after \
         the stop signal but drains jobs for 30 (D10); a job that fails after losing its lease ends the process (D20); \
         /health tests neither Convex nor the Claude login nor the disk (D11); /metrics is JSON, not Prometheus text \
         (D24), and lacks the queue depth (D31); branch and repository names reach a shell unquoted (D21); github.com \
         and Anthropic must answer too",
    ),
    ..Service::new(
        "worker",
        "claims jobs from the queue, clones the repository and runs the Claude CLI on it",
        &P1,
        "it is the only worker: no job moves without it",
    )
};

pub static WEB: Service = Service {
    presence: Presence::Elsewhere("runs on Vercel, with its settings there; not observable from this host"),
    needs: &[&CONVEX],
    ..Service::new("web", "the front end (Next.js)", &P4, "the runbook gives it no level; queued jobs run without it")
};
