//! Services of fondation: the worker, what it cannot work without, and the front end that runs elsewhere.

use super::{P1, P4};
use crate::registry::*;

/// The one configuration file, which also tells where Convex is.
const ENV: &str = "/srv/fondation/.env";

/// What the worker's configuration allows (config.ts, OPERATIONS.md): it polls every 5 s and holds a lease for 5 min, 10 for long
/// jobs, which a heartbeat renews; no job lasts longer than an hour.
static SETTINGS: &[Setting] = &[
    Setting::new("CONVEX_URL", Form::Url(UrlForm::with_scheme(&["https", "http"])))
        .otherwise("nothing is claimed from the queue"),
    Setting::new("POLL_INTERVAL", Form::Milliseconds(100, 300_000))
        .otherwise("a queued job waits this long before it is claimed; the default is 5000"),
    Setting::new("LEASE_TIME", Form::Milliseconds(10_000, 3_600_000))
        .otherwise("a job is claimed twice, or stuck for this long; the default is 300000"),
    Setting::new("HEARTBEAT_INTERVAL", Form::MillisecondsBelow("LEASE_TIME", 300_000))
        .otherwise("a lease ends before it is renewed, and another worker claims the same job"),
    Setting::new("MAX_CONCURRENT_JOBS", Form::Count(1, 64))
        .otherwise("with 0 no job is claimed, with many the memory limit kills them; the default is 1"),
];

const GIB: u64 = 1 << 30;

pub static DOCKER: Service = Service::new("docker", &P1)
    .summary("container engine")
    .severity_reason("the worker is a container")
    .managers(&[Manager::Systemd(Unit::new("docker.service"))])
    .probes(&[Probe::DockerEngine])
    .data(&[Data::new(DataKind::Directory, "/var/lib/docker")
        .what("images, scratch volume, container logs; the worker's images are in no registry and in no backup")])
    .logs(&[Log::Journal("docker.service")])
    .restart_loses("the worker: its unit requires docker and stops with it, which leaves active jobs stuck")
    .note(
        "never prune images while the worker is stopped: its images then count as unused and cannot be pulled again; \
         logrotate truncates the container logs that docker already rotates at 5 x 10 MB",
    );

pub static CONVEX: Service = Service::new("convex", &P1)
    .summary("database and job queue, at the vendor: users, repositories, jobs, docs, jobLogs")
    .severity_reason("it is the queue: no job is claimed without it")
    .probes(&[Probe::Http(Http::get_from(
        Secret::in_file(ENV).key("CONVEX_URL").read_by(EnvReader::Compose),
        &[
            Rule::fail(502).meaning("its gateway gets an invalid answer"),
            Rule::fail(503).meaning("reports that it is unavailable"),
            Rule::fail(504).meaning("its gateway times out"),
            Rule::any_status(Verdict::Pass).meaning("any HTTP answer"),
        ],
    ))])
    .note(
        "only the vendor can restart it; its dashboard edits jobs and is the only source of queue depth and job \
         logs; CONVEX_URL is only in the env file; only the internal mutation queue:reclaimExpired requeues expired \
         leases, no schedule or plain HTTP calls it, and it ignores maxAttempts; its queue mutations need no login",
    );

pub static WORKER: Service = Service::new("worker", &P1)
    .summary("claims jobs from the queue, clones the repository and runs the Claude CLI on it")
    .severity_reason("it is the only worker: no job runs without it")
    .managers(&[
        Manager::Systemd(Unit::new("fondation-worker.service").working_directory("/srv/fondation").restart("always")),
        Manager::Compose(
            Compose::new("worker").project("fondation").files(&["/srv/fondation/docker-compose.prod.yml"]),
        ),
    ])
    .ports(&[8080])
    .probes(&[
        Probe::Http(
            Http::get(
                8080,
                "/health",
                &[
                    Rule::ok(200).meaning("healthy"),
                    Rule::ok(206)
                        .when(&[Condition::at("activeJobs").is("0"), Condition::at("memory.percentUsed").at_most(75)])
                        .meaning("idle: no job claimed for 10 min"),
                    Rule::warn(206).meaning("degraded"),
                    Rule::fail(503).meaning("unhealthy"),
                ],
            )
            .show(&["status", "activeJobs", "memory.percentUsed"]),
        ),
        Probe::Http(Http::get(
            8080,
            "/metrics",
            &[
                Rule::ok(200).when(&[Condition::at("jobs_total").exists()]).meaning("reports job counters"),
                Rule::any_status(Verdict::Warn).meaning("no job counters"),
            ],
        )),
    ])
    .needs(&[&DOCKER, &CONVEX])
    .env(EnvFile::new(&[ENV]).mode(0o640).required(&["CONVEX_URL"]).settings(SETTINGS))
    .data(&[
        Data::new(DataKind::Directory, "/srv/fondation")
            .what("compose file, env file and the scripts update-worker, monitor, auth-claude and backup-creds"),
        Data::new(DataKind::Directory, "/srv/claude-creds").what(
            "the Claude login: uid 1001 of the container must be able to read it; its mount is read-only, so a \
             refreshed token is lost; documents describe two other ways to log in",
        ),
        Data::new(DataKind::Volume, "fondation_worker-tmp")
            .what("scratch: clones, one directory per job; /tmp/fondation in the container, not on the host"),
    ])
    // Compose runs in the foreground of the unit, so the journal has every line of the container, and keeps it.
    .logs(&[Log::Journal("fondation-worker.service"), Log::Copy(&Log::Container)])
    .memory(
        Memory::stated_in("alarm: runbook, 1.5 GB; limit: compose file, 2 GB; both read as GiB")
            .alarm_bytes(3 * GIB / 2)
            .limit_bytes(2 * GIB),
    )
    .at_stake(AtStake::at("activeJobs").what("active jobs"))
    .restart_loses(
        "active jobs are stuck until their lease ends (up to 5 min) and somebody reclaims them; the container's own \
         log is deleted with the container, the journal keeps its lines",
    )
    .note(
        "the shipped unit is broken: systemd ignores Restart=unless-stopped, /usr/bin/docker-compose is not \
         installed, and its pull fails for an image that exists only here; compose sets no container name, so no \
         container is called fondation-worker; docker kills it 10 s after the stop signal, but it drains jobs for \
         30; a job that fails after losing its lease ends the process; /health checks neither Convex nor the Claude \
         login nor the disk; /metrics is JSON, not Prometheus text, and lacks the queue depth; branch and repository \
         names reach a shell unquoted; github.com and Anthropic must answer too",
    );

pub static WEB: Service = Service::new("web", &P4)
    .summary("the front end (Next.js)")
    .severity_reason("the runbook gives it no severity; queued jobs run without it")
    .presence(Presence::Elsewhere("runs on Vercel, with its settings there; not observable from this host"))
    .needs(&[&CONVEX]);
