//! What goes wrong on fondation: the runbook's seven failures, those of the worker's image, and the classes that only its
//! severity table has. "Fn" is the number in the runbook's own order.

use super::super::*;
use super::services::*;
use super::{P1, P2, P3};
use Clue::{All, Any, Not, Of};

pub(super) static FAILURES: &[&Failure] = &[
    &WORKER_NOT_PROCESSING,
    &CONVEX_UNREACHABLE,
    &DISK_FULL_FAILURE,
    &CLAUDE_AUTH_FAILED,
    &JOBS_STUCK,
    &HIGH_MEMORY,
    &CLONE_FAILED,
    &IMAGE_TOOL_MISSING,
    &IMAGE_ESM_IMPORTS,
    &IMAGE_MODULE_RESOLUTION,
    &IMAGE_NO_ARTIFACTS,
    &JOB_HANGS,
    &SILENT_SUCCESS,
    &HIGH_ERROR_RATE,
    &SLOW_PROCESSING,
    &usual::BACKUP_FAILURE,
];

// F1
static WORKER_NOT_PROCESSING: Failure = Failure::new(
    "worker-not-processing",
    &[
        &[
            &DOCKER_DOWN,
            &COMPOSE_MISSING,
            &IMAGE_GONE,
            &PULL_FAILED,
            &CONTAINER_PAUSED,
            &HEAP_FULL,
            &OVERLOADED,
            &CONTAINER_LOOPS,
            &CONTAINER_DOWN,
        ],
        usual::SERVICE,
        &[&NOT_RESTARTED, &FAILED_UNITS, &LOOPING_UNITS],
    ],
)
.summary("the worker or its container engine is down")
.section("1. Worker Not Processing Jobs")
.severity(&P1)
.aliases(&["worker-down", "down", "not-processing", "crash-loop", "docker-down", "203"])
.services(&[&DOCKER, &WORKER])
.symptoms(&["the queue grows and nothing leaves pending", "/health does not answer, or reports unhealthy"])
.note("206 with no active job only means that it is idle; only Convex's dashboard shows the length of the queue");

// F6
static CONVEX_UNREACHABLE: Failure = Failure::new(
    "convex-unreachable",
    &[&[
        &URL_IS_EXAMPLE,
        &URL_MALFORMED,
        &OUTBOUND_CLOSED,
        &CONVEX_NAME,
        &CONVEX_SILENT,
        &CONVEX_ERRORS,
        &CLAIM_FAILS,
        &usual::CLOCK_ADRIFT,
    ]],
)
.summary("the queue at Convex cannot be reached")
.section("6. Convex Connection Lost")
.severity(&P1)
.aliases(&["convex-down", "queue-down", "no-jobs-claimed"])
.services(&[&CONVEX, &WORKER])
.symptoms(&[
    "\"Failed to connect to Convex\", \"Error claiming job\"",
    "nothing is claimed; degraded after ten minutes",
])
.note("/health does not check Convex: the worker reports healthy while it claims nothing");

// F7
static DISK_FULL_FAILURE: Failure = Failure::new(
    "disk-full",
    &[&[&DISK_FULL, &INODES_FULL, &JOBS_WITHOUT_SPACE, &SCRATCH_LEFT, &usual::DISK_FILLING, &usual::INODES_FILLING]],
)
.summary("a file system is full or fills up")
.section("7. Disk Full")
.severity(&P2)
.aliases(&["disk", "no-space", "enospc", "inodes"])
.symptoms(&["write errors", "jobs fail at random"])
.note(
    "do not run the runbook's docker system prune -a --volumes: with the worker stopped it deletes the only copies \
     of its images. Its `ls | tail | xargs rm` over /srv/backups deletes the newest archives where there are few",
);

// F4
static CLAUDE_AUTH_FAILED: Failure = Failure::new(
    "claude-auth-failed",
    &[&[&LOGIN_MISSING, &LOGIN_EMPTY, &LOGIN_DIRECTORY, &LOGIN_EXPIRED, &LOGIN_UNREADABLE, &LOGIN_REFUSED]],
)
.summary("the Claude CLI has no valid login")
.section("4. Claude CLI Authentication Failed")
.severity(&P1)
.aliases(&["claude", "auth", "login", "401", "unauthorized"])
.services(&[&WORKER])
.symptoms(&["\"Unauthorized\", \"Invalid API key\" or 401 in the log", "jobs fail within 100 ms"])
.note(
    "the runbook's table has it as P3, but no job succeeds without the login, so it is P1 here. `claude --version` \
             proves nothing, and opsctl sends no real prompt because a prompt costs money",
);

// F2
static JOBS_STUCK: Failure =
    Failure::new("jobs-stuck", &[&[&NO_HEARTBEAT, &LEASE_LOST, &KILLED_AT_WORK, &HEARTBEAT_FAILS, &JOB_LONG]])
        .summary("jobs remain in progress, and no worker processes them")
        .section("2. Jobs Stuck in Running State")
        .severity(&P1)
        .aliases(&["stuck", "queue-stuck", "lease", "heartbeat"])
        .services(&[&WORKER])
        .symptoms(&[
            "a job is running for more than 30 minutes",
            "leases end and nothing changes, while the worker reports healthy",
        ])
        .note(
            "only Convex's dashboard shows leases (leaseUntil in the past). No schedule reclaims them, and the \
             runbook's curl cannot: queue:reclaimExpired is internal. It counts an attempt and ignores maxAttempts",
        );

// F3
static HIGH_MEMORY: Failure = Failure::new(
    "high-memory",
    &[&[&usual::OUT_OF_MEMORY, &usual::MEMORY_HIGH, &HEAP_FULL, &HEAP_HIGH], usual::MEMORY, &[&SCRATCH_LEFT]],
)
.summary("the worker or the host runs out of memory, or did")
.section("3. High Memory Usage")
.severity(&P2)
.aliases(&["memory", "oom", "heap", "leak"])
.services(&[&WORKER])
.symptoms(&["more than 1.5 GB in use", "OOM kills", "slow answers"])
.note(
    "the runbook's `docker exec … rm -rf /tmp/fondation/*` does nothing, because the host's shell expands the star. \
     MAX_CONCURRENT_JOBS=1 is already the default",
);

// F5
static CLONE_FAILED: Failure =
    Failure::new("clone-failed", &[&[&CLONE_NETWORK, &CLONE_REFUSED, &CLONE_BRANCH, &JOBS_WITHOUT_SPACE]])
        .summary("repositories cannot be cloned")
        .section("5. Repository Clone Failures")
        .severity(&P2)
        .aliases(&["clone", "git", "github", "repository-not-found"])
        .services(&[&WORKER])
        .symptoms(&["jobs fail at cloning", "\"Repository not found\"", "timeouts"])
        .note(
            "the worker clones https://github.com/NAME.git without any token: private repositories always fail, and a \
             new token in Convex changes nothing; ping proves nothing about HTTPS",
        );

const IMAGE_RUNBOOK: &str = "docs/docker-troubleshooting-runbook.md";

// F8, all of it
static IMAGE_TOOL_MISSING: Failure = Failure::new("image-tool-missing", &[&[&TOOL_MISSING]])
    .summary("a program is missing in the worker's image")
    .section(IMAGE_RUNBOOK)
    .severity(&P2)
    .aliases(&["command-not-found"])
    .services(&[&WORKER])
    .symptoms(&["\"command not found\" for rg, jq or bash", "jobs fail within 100 ms"]);

static IMAGE_ESM_IMPORTS: Failure = Failure::new("image-esm-imports", &[&[&IMPORTS_UNPATCHED]])
    .summary("the imports of the worker's image were not patched")
    .section(IMAGE_RUNBOOK)
    .severity(&P2)
    .aliases(&["esm"])
    .services(&[&WORKER])
    .symptoms(&["cannot find module './config'"]);

static IMAGE_MODULE_RESOLUTION: Failure = Failure::new("image-module-resolution", &[&[&MODULE_UNRESOLVED]])
    .summary("the worker's image does not find its modules")
    .section(IMAGE_RUNBOOK)
    .severity(&P2)
    .aliases(&["node-path"])
    .services(&[&WORKER])
    .symptoms(&["cannot find '@anthropic-ai/claude-code'"]);

static IMAGE_NO_ARTIFACTS: Failure = Failure::new("image-no-artifacts", &[&[&NO_ARTIFACTS]])
    .summary("runs succeed and produce nothing")
    .section(IMAGE_RUNBOOK)
    .severity(&P2)
    .aliases(&["no-artifacts", "no-docs"])
    .services(&[&WORKER])
    .symptoms(&["a run succeeds and leaves no .claude-tutorial-output", "docsCount is 0"]);

static JOB_HANGS: Failure = Failure::new("job-hangs-at-step-0", &[&[&DOCKER_IN_DOCKER, &NO_PROGRESS]])
    .summary("a job is running and makes no progress")
    .section(IMAGE_RUNBOOK)
    .severity(&P2)
    .aliases(&["step-0", "hangs", "no-progress"])
    .services(&[&WORKER])
    .symptoms(&["the front end remains at step 0 of 7"])
    .note("documents disagree on when a job hangs (2, 5, 10 or 30 minutes); opsctl uses 5 minutes without progress");

static SILENT_SUCCESS: Failure = Failure::new("silent-success", &[&[&SUCCEEDS_AT_ONCE]])
    .summary("jobs succeed without any work")
    .section(IMAGE_RUNBOOK)
    .severity(&P2)
    .aliases(&["too-fast"])
    .services(&[&WORKER])
    .symptoms(&["jobs finish in less than 100 ms"]);

// Only in the severity table
static HIGH_ERROR_RATE: Failure = Failure::new("high-error-rate", &[&[&JOBS_FAIL]])
    .summary("many jobs fail")
    .section("Severity Levels, P2")
    .severity(&P2)
    .aliases(&["errors", "jobs-fail"])
    .services(&[&WORKER])
    .symptoms(&["jobs_failure_rate is high"])
    .note("no document defines high; opsctl uses more than half of at least ten jobs since the worker's start");

static SLOW_PROCESSING: Failure = Failure::new("slow-processing", &[&[&usual::LOAD_HIGH, &JOBS_SLOW]])
    .summary("jobs take long")
    .section("Severity Levels, P3")
    .severity(&P3)
    .aliases(&["slow", "load", "latency"])
    .services(&[&WORKER])
    .symptoms(&["jobs_duration_average_ms is high"])
    .note("no document defines slow; opsctl uses ten minutes, the limit of the image's runbook");

static HEALTH: Http = Http::get(8080, "/health", &[]);
static METRICS: Http = Http::get(8080, "/metrics", &[]);

static RESTART: Fix = Fix::new("restart {service}", Risk::Disruptive, Remedy::Restart);
static READ_ERRORS: Fix =
    Fix::new("read its log", Risk::ReadOnly, Remedy::Command(&["opsctl", "logs", "worker", "-n", "100"]));
static CORRECT_URL: Fix = Fix::new(
    "correct CONVEX_URL and restart",
    Risk::Disruptive,
    Remedy::Manual("set CONVEX_URL in {env} as the dashboard shows it, then opsctl restart worker"),
);
static REBUILD: Fix = Fix::new(
    "deploy an image that works",
    Risk::Disruptive,
    Remedy::Manual(
        "rebuild it on the development machine, then opsctl redeploy --load FILE (or --pull=IMAGE); until then opsctl \
         rollback",
    ),
);
static RECLAIM: Fix = Fix::new(
    "return expired leases to the queue",
    Risk::Disruptive,
    Remedy::Manual(
        "opsctl run reclaim-leases; its command, from packages/web with the deploy key: npx convex run \
         queue:reclaimExpired (or in the dashboard); one job by hand: status pending, runAt now, lockedBy and leaseUntil \
         cleared",
    ),
);

static DOCKER_DOWN: Cause = Cause::new(
    "DOCKER-DOWN",
    All(&[Clue::Unhealthy, Clue::State(&[State::Stopped, State::Failed, State::CrashLoop, State::Restarting])]),
)
.summary("the docker engine does not run")
.explanation(
    "the worker's unit requires docker and stopped with it; the unit does not start again by itself with the engine",
)
.about(About::These(&[&DOCKER]))
.explains(&[
    &usual::STOPPED,
    &usual::FAILED,
    &usual::START_LIMIT,
    &usual::CRASH_LOOP,
    &usual::NO_ANSWER,
    &usual::BAD_ANSWER,
    &CONTAINER_DOWN,
])
.fixes(&[
    &Fix::new("start the worker, whose unit starts the engine", Risk::Disruptive, Remedy::RestartOf(&WORKER)),
    &Fix::new(
        "find why the engine does not start",
        Risk::ReadOnly,
        Remedy::Command(&["opsctl", "logs", "docker", "-n", "100"]),
    ),
]);

static COMPOSE_MISSING: Cause = Cause::new(
    "COMPOSE-MISSING",
    All(&[
        Clue::Unhealthy,
        Clue::Ended(Ending::Exit(&[203])),
        Clue::File("/usr/bin/docker-compose", FileClue::NotExecutable),
    ]),
)
.summary("the unit of {service} calls docker-compose, which is not installed")
.explanation(
    "the setup installs only compose v2 (`docker compose`), and the shipped unit calls /usr/bin/docker-compose",
)
.about(About::These(&[&WORKER]))
.explains(&[&usual::PROGRAM_MISSING])
.fixes(&[&Fix::new(
    "make the unit call compose v2",
    Risk::Disruptive,
    Remedy::Manual(
        "in /etc/systemd/system/{unit} write `/usr/bin/docker compose` for docker-compose, drop the ExecStartPre= \
         pull, set Restart=always; systemctl daemon-reload; opsctl start worker",
    ),
)]);

static WORKER_IMAGES: Question =
    Question::new("docker").args(&["image", "ls", "--format={{.Repository}}:{{.Tag}}", "fondation-worker"]);

static IMAGE_GONE: Cause = Cause::new(
    "IMAGE-GONE",
    All(&[
        Clue::Unhealthy,
        Not(&Of(&DOCKER, &Clue::Unhealthy)),
        Clue::Output(&WORKER_IMAGES, Shows::NoLine("^fondation-worker:latest$")),
    ]),
)
.summary("the image fondation-worker:latest is not on this host")
.explanation(
    "it is built elsewhere and is in no registry, so a pull cannot restore it. docker system prune -a with the \
     worker stopped removes it",
)
.about(About::These(&[&WORKER]))
.explains(&[&PULL_FAILED])
.fixes(&[&Fix::new(
    "load the image again",
    Risk::Disruptive,
    Remedy::Manual(
        "opsctl rollback --list shows the images that are left; otherwise docker save on the development machine, \
         then opsctl redeploy --load FILE here",
    ),
)]);

static PULL_FAILED: Cause = Cause::new(
    "PULL-FAILED",
    All(&[
        Clue::Unhealthy,
        Clue::Said(
            concat!(
                r"(?i)pull access denied|manifest unknown|repository does not exist",
                r"|registry-1\.docker\.io.*(lookup|dial|timeout)"
            ),
            Window::Run,
        ),
    ]),
)
.summary("{service} does not start because its image cannot be pulled")
.explanation(
    "the name fondation-worker:latest is in no registry; the unit's ExecStartPre= pull fails although the image is \
     here",
)
.about(About::These(&[&WORKER]))
.fixes(&[&Fix::new(
    "remove the pull from the unit",
    Risk::Disruptive,
    Remedy::Manual("drop ExecStartPre= from /etc/systemd/system/{unit}; systemctl daemon-reload; opsctl start worker"),
)]);

static CONTAINER_PAUSED: Cause = Cause::new("CONTAINER-PAUSED", Clue::Container(&["paused"]))
    .summary("the container of {service} is paused")
    .explanation("its processes are frozen; connections hang rather than fail, and leases expire")
    .about(About::These(&[&WORKER]))
    .fixes(&[&Fix::new("unpause it", Risk::Safe, Remedy::Command(&["docker", "unpause", "fondation-worker-1"]))]);

static CONTAINER_LOOPS: Cause = Cause::new("CONTAINER-LOOPS", Clue::Container(&["restarting"]))
    .summary("the container of {service} is in a crash loop")
    .explanation("the unit remains active meanwhile; the last log lines show why the container ends")
    .about(About::These(&[&WORKER]))
    .depth(Depth::Effect)
    .fixes(&[&READ_ERRORS]);

static CONTAINER_DOWN: Cause =
    Cause::new("CONTAINER-DOWN", All(&[Clue::Unhealthy, Clue::Container(&["exited", "dead", "created"])]))
        .summary("the container of {service} does not run")
        .explanation(
            "docker does not restart a container that was stopped or killed by hand, and compose ends with \
         it",
        )
        .about(About::These(&[&WORKER]))
        .depth(Depth::Effect)
        .fixes(&[&RESTART, &READ_ERRORS]);

static RESTART_SETTING: Question =
    Question::new("systemctl").args(&["show", "--no-pager", "--property=Restart", "--", "fondation-worker.service"]);

static NOT_RESTARTED: Cause = Cause::new(
    "NOT-RESTARTED",
    All(&[Clue::State(&[State::Failed]), Clue::Output(&RESTART_SETTING, Shows::Line("^Restart=no$"))]),
)
.summary("systemd does not restart {service} after a failure")
.explanation(
    "Restart=unless-stopped is a Docker value: systemd ignores it, and the unit remains down after any failure",
)
.about(About::These(&[&WORKER]))
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "set a value that systemd knows",
    Risk::Safe,
    Remedy::Manual("Restart=always in /etc/systemd/system/{unit}, then systemctl daemon-reload"),
)]);

static FAILED_UNITS: Cause = usual::unit_failed().verdict(Verdict::Warn);
static LOOPING_UNITS: Cause = usual::unit_looping().verdict(Verdict::Warn);

static HEAP_FULL: Cause = Cause::new(
    "HEAP-FULL",
    All(&[Clue::Reply(Heard::Status(&[503])), Clue::Get(&HEALTH, Heard::Above("memory.percentUsed", 90))]),
)
.summary("{service} reports unhealthy: its heap is more than 90 % full")
.explanation("used against reserved heap is a poor measure, but above this the worker itself answers 503")
.about(About::These(&[&WORKER]))
.fixes(&[&RESTART]);

static OVERLOADED: Cause = Cause::new(
    "OVERLOADED",
    All(&[
        Clue::Reply(Heard::Status(&[503])),
        Clue::Get(&HEALTH, Heard::Body(Condition::at("memory.percentUsed").at_most(90))),
    ]),
)
.summary("{service} reports unhealthy: the load is above twice its processors")
.explanation("its heap is not full, and load is the only other cause of its 503")
.about(About::These(&[&WORKER]))
.fixes(&[
    &Fix::new(
        "see which processes are busy",
        Risk::ReadOnly,
        Remedy::Command(&["ps", "-eo", "pcpu,pid,user,stat,comm", "--sort=-pcpu"]),
    ),
    &RESTART,
]);

static HEAP_HIGH: Cause = Cause::new(
    "HEAP-HIGH",
    All(&[Clue::Reply(Heard::Status(&[206])), Clue::Get(&HEALTH, Heard::Above("memory.percentUsed", 75))]),
)
.summary("{service} reports degraded: its heap is more than 75 % full")
.explanation("used against reserved heap is a poor measure: also check the memory of the container")
.about(About::These(&[&WORKER]))
.verdict(Verdict::Warn)
.fixes(&[
    &Fix::new("see how much its container uses", Risk::ReadOnly, Remedy::Command(&["docker", "stats", "--no-stream"])),
    &RESTART,
]);

static URL_IS_EXAMPLE: Cause =
    Cause::new("URL-IS-EXAMPLE", Clue::Env(EnvClue::key("CONVEX_URL").like("https?://your-deployment.*")))
        .summary("CONVEX_URL is still that of the example file")
        .explanation(".env was copied from .env.example and not filled in")
        .about(About::These(&[&WORKER]))
        .explains(&[&CONVEX_NAME, &CONVEX_SILENT, &CLAIM_FAILS])
        .fixes(&[&CORRECT_URL]);

static URL_MALFORMED: Cause =
    Cause::new("URL-MALFORMED", Clue::Env(EnvClue::key("CONVEX_URL").unlike(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?/?")))
        .summary("CONVEX_URL is not a plain URL of a host")
        .explanation("it should be https://NAME.convex.cloud, without quotes, a path or a password in it")
        .about(About::These(&[&WORKER]))
        .explains(&[&CONVEX_NAME, &CONVEX_SILENT, &CLAIM_FAILS])
        .fixes(&[&CORRECT_URL]);

static OUTBOUND_CLOSED: Cause = Cause::new(
    "OUTBOUND-CLOSED",
    All(&[
        Of(&CONVEX, &Clue::Unhealthy),
        Clue::File("/etc/ufw/ufw.conf", FileClue::Contains("^ENABLED=yes")),
        Clue::File("/etc/default/ufw", FileClue::Contains("^DEFAULT_OUTPUT_POLICY=\"?(DROP|REJECT)")),
    ]),
)
.summary("the firewall blocks outgoing traffic, and Convex cannot be reached")
.explanation("ufw is active, and its default denies outgoing traffic")
.about(About::Host)
.explains(&[&CONVEX_NAME, &CONVEX_SILENT, &CLAIM_FAILS, &CLONE_NETWORK])
.fixes(&[&Fix::new(
    "allow outgoing traffic",
    Risk::Safe,
    Remedy::Manual("ufw default allow outgoing (or ufw allow out 443/tcp and 53), then opsctl diagnose"),
)]);

static CONVEX_NAME: Cause = Cause::new("CONVEX-NAME", All(&[Clue::Unhealthy, Clue::Reply(Heard::Text(UNRESOLVED))]))
    .summary("the host name in CONVEX_URL cannot be resolved: {thing}")
    .explanation("the name is wrong, the deployment was removed, or this host has no working name server")
    .about(About::These(&[&CONVEX]))
    .explains(&[&CONVEX_SILENT, &CLAIM_FAILS])
    .fixes(&[
        &Fix::new(
            "check whether other names resolve",
            Risk::ReadOnly,
            Remedy::Command(&["getent", "hosts", "github.com"]),
        ),
        &CORRECT_NAME,
    ]);

const UNRESOLVED: &str =
    r"(?i)(?P<thing>[a-z0-9._-]*\.[a-z0-9._-]+) cannot be resolved|cannot be resolved|lookup|name or service not known";

static CORRECT_NAME: Fix = Fix::new(
    "correct CONVEX_URL, or the name server",
    Risk::Disruptive,
    Remedy::Manual(
        "compare CONVEX_URL in /srv/fondation/.env with the dashboard, and /etc/resolv.conf with the provider's; \
         then opsctl restart worker",
    ),
);

static CONVEX_SILENT: Cause = Cause::new("CONVEX-SILENT", All(&[Clue::Unhealthy, Clue::Reply(Heard::Silence)]))
    .summary("Convex does not answer this host")
    .explanation(
        "the worker claims nothing meanwhile, and leases of active jobs expire; it resumes by itself when Convex \
         answers again",
    )
    .about(About::These(&[&CONVEX]))
    .explains(&[&CLAIM_FAILS, &HEARTBEAT_FAILS])
    .fixes(&[
        &Fix::new(
            "check whether Convex or this host is at fault",
            Risk::ReadOnly,
            Remedy::Command(&["curl", "-sS", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "https://github.com"]),
        ),
        &ASK_CONVEX,
    ]);

static CONVEX_ERRORS: Cause =
    Cause::new("CONVEX-ERRORS", All(&[Clue::Unhealthy, Clue::Reply(Heard::Status(&[502, 503, 504]))]))
        .summary("Convex answers that it cannot serve")
        .explanation(
            "its gateway answers 502, 503 or 504: only the vendor can fix that, and the worker resumes by itself \
             afterwards",
        )
        .about(About::These(&[&CONVEX]))
        .explains(&[&CLAIM_FAILS, &HEARTBEAT_FAILS])
        .fixes(&[&ASK_CONVEX]);

static ASK_CONVEX: Fix = Fix::new(
    "ask the vendor",
    Risk::ReadOnly,
    Remedy::Manual("https://status.convex.dev, then support@convex.dev; nothing here needs a restart"),
);

static CLAIM_FAILS: Cause = Cause::new(
    "CLAIM-FAILS",
    All(&[
        Not(&Clue::Unhealthy),
        Clue::Said(r"(?i)error claiming job|failed to connect to convex", Window::Seconds(30)),
    ]),
)
.summary("{service} could not claim jobs in the last 30 seconds")
.explanation(
    "if there is no finding about Convex itself, this host reaches it and the container does not: check the \
     container's name resolution and network, then what Convex answers",
)
.about(About::These(&[&WORKER]))
.depth(Depth::Effect)
.fixes(&[&READ_ERRORS, &RESTART]);

const CREDENTIALS: &str = "/srv/claude-creds/.credentials.json";

static LOG_IN: Fix = Fix::new(
    "log in again, let the container's user read the file, restart",
    Risk::Disruptive,
    Remedy::Manual(
        "copy the present state first (cp -a /srv/claude-creds /srv/claude-creds.before); as the owner of \
         /srv/fondation: ./auth-claude.sh; then chown -R 1001:1001 /srv/claude-creds, because the script gives it to \
         the host's user; opsctl restart worker",
    ),
);
static RESTORE_LOGIN: Fix = Fix::new(
    "or unpack the newest archive that has a login",
    Risk::Destructive,
    Remedy::Manual(
        "tar -tzf each of /srv/backups/claude-creds-*.tar.gz, newest first, until one lists \
         claude-creds/.credentials.json; mv /srv/claude-creds /srv/claude-creds.before; tar -xzf it with -C /srv; \
         opsctl restart worker. There is no archive called LATEST",
    ),
);

const NO_OTHER_LOGIN: Clue = All(&[
    Clue::Env(EnvClue::KeysMissing(&["CLAUDE_TOKEN"])),
    Clue::Env(EnvClue::KeysMissing(&["ANTHROPIC_API_KEY"])),
    Clue::Env(EnvClue::KeysMissing(&["CLAUDE_CODE_OAUTH_TOKEN"])),
]);

static LOGIN_MISSING: Cause = Cause::new(
    "LOGIN-MISSING",
    All(&[Clue::File(CREDENTIALS, FileClue::Missing), NO_OTHER_LOGIN]),
)
.summary("the Claude login of {service} is missing")
.explanation(
    "/srv/claude-creds holds no credentials file, and the env file names no other way to log in: every job fails",
)
.about(About::These(&[&WORKER]))
.explains(&[&LOGIN_REFUSED, &JOBS_FAIL])
.fixes(&[&LOG_IN, &RESTORE_LOGIN]);

static LOGIN_EMPTY: Cause = Cause::new("LOGIN-EMPTY", All(&[Clue::File(CREDENTIALS, FileClue::Empty), NO_OTHER_LOGIN]))
    .summary("{service} has no Claude login: /srv/claude-creds/.credentials.json is empty")
    .explanation("the file exists and holds no login, and the env file names no other way to log in: every job fails")
    .about(About::These(&[&WORKER]))
    .explains(&[&LOGIN_REFUSED, &JOBS_FAIL])
    .fixes(&[&LOG_IN, &RESTORE_LOGIN]);

static LOGIN_DIRECTORY: Cause = Cause::new(
    "LOGIN-DIRECTORY",
    All(&[Clue::File(CREDENTIALS, FileClue::Directory), NO_OTHER_LOGIN]),
)
.summary("{service} has no Claude login: /srv/claude-creds/.credentials.json is a directory")
.explanation(
    "a restore or a mount created a directory under the name of the file, and the env file names no other way to log \
     in: every job fails",
)
.about(About::These(&[&WORKER]))
.explains(&[&LOGIN_REFUSED, &JOBS_FAIL])
.fixes(&[
    &Fix::new("see what is in it, then rename it", Risk::ReadOnly, Remedy::Command(&["ls", "-la", CREDENTIALS])),
    &LOG_IN,
    &RESTORE_LOGIN,
]);

static LOGIN_EXPIRED: Cause = Cause::new(
    "LOGIN-EXPIRED",
    All(&[
        Clue::File(CREDENTIALS, FileClue::Expired("claudeAiOauth.expiresAt", "claudeAiOauth.refreshToken")),
        NO_OTHER_LOGIN,
    ]),
)
.summary("the Claude login of {service} in /srv/claude-creds/.credentials.json has expired")
.explanation("it expired and the file holds no token that renews it: every job fails until somebody logs in again")
.about(About::These(&[&WORKER]))
.explains(&[&LOGIN_REFUSED, &JOBS_FAIL])
.fixes(&[&LOG_IN, &RESTORE_LOGIN]);

static LOGIN_UNREADABLE: Cause = Cause::new(
    "LOGIN-UNREADABLE",
    Any(&[
        Clue::File("/srv/claude-creds", FileClue::ClosedTo(1001)),
        Clue::File(CREDENTIALS, FileClue::ClosedTo(1001)),
    ]),
)
.summary("{service} cannot read its Claude login: permission denied")
.explanation("the container runs as uid 1001, and auth-claude.sh gives the files to the host's user: every job fails")
.about(About::These(&[&WORKER]))
.explains(&[&LOGIN_REFUSED, &JOBS_FAIL])
.fixes(&[&Fix::new(
    "give it to the container's user",
    Risk::Safe,
    Remedy::Command(&["chown", "-R", "1001:1001", "/srv/claude-creds"]),
)]);

static LOGIN_REFUSED: Cause = Cause::new(
    "LOGIN-REFUSED",
    Clue::Said(
        concat!(
            r"(?i)invalid api key|please run /login|oauth token (has )?(expired|been revoked)|authentication_error",
            r"|(claude|anthropic|api error).*\b401\b|\b401\b.*(claude|anthropic)|\bunauthorized\b"
        ),
        Window::Seconds(3600),
    ),
)
.summary("Anthropic rejected the login of {service} in the last hour")
.explanation("it expired or was revoked; the mount is read-only, so a refreshed token is lost")
.about(About::These(&[&WORKER]))
.explains(&[&JOBS_FAIL])
.fixes(&[&LOG_IN, &RESTORE_LOGIN]);

static NO_HEARTBEAT: Cause = Cause::new(
    "NO-HEARTBEAT",
    All(&[
        Not(&Clue::Unhealthy),
        Clue::Get(&HEALTH, Heard::Above("activeJobs", 0)),
        Clue::LongAgo(&HEALTH, "lastJobTime", 180),
        Not(&Clue::Said("Heartbeat for job", Window::Seconds(180))),
    ]),
)
.summary("{service} has an active job and has sent no heartbeat for three minutes")
.explanation(
    "a heartbeat is due every 60 s, and the lease ends after 5 min: then no worker owns the job, and nothing \
     requeues it",
)
.about(About::These(&[&WORKER]))
.fixes(&[&RESTART, &RECLAIM]);

static LEASE_LOST: Cause = Cause::new(
    "LEASE-LOST",
    Clue::Said(r"(?i)unhandled ?(promise ?)?rejection|uncaughtexception.*frompromise", Window::Seconds(3600)),
)
.summary("{service} ended in the last hour because of an uncaught error")
.explanation(
    "usually it tried to fail a job whose lease it had lost; docker restarted it, and its job remains in progress",
)
.about(About::These(&[&WORKER]))
.verdict(Verdict::Warn)
.fixes(&[&RECLAIM, &READ_ERRORS]);

/// The engine says whom it had to kill; compose says "code 0" of those.
static ENDINGS: Question = Question::new("journalctl").args(&[
    "--no-pager",
    "--quiet",
    "--output=cat",
    "--since=-1h",
    "--unit=docker.service",
    "--unit=fondation-worker.service",
]);

static KILLED_AT_WORK: Cause = Cause::new(
    "KILLED-AT-WORK",
    Clue::Output(&ENDINGS, Shows::Line(r"failed to exit within \d+s of signal|exited with code 137")),
)
.summary("{service} was killed in the last hour, and may have left jobs in progress")
.explanation(
    "it waits up to 30 s for active jobs, but docker kills it after 10; such jobs remain in progress until somebody \
     reclaims them",
)
.about(About::These(&[&WORKER]))
.verdict(Verdict::Warn)
.fixes(&[
    &RECLAIM,
    &Fix::new(
        "give it more time to stop",
        Risk::Safe,
        Remedy::Manual("stop_grace_period: 40s in docker-compose.prod.yml"),
    ),
]);

static HEARTBEAT_FAILS: Cause = Cause::new("HEARTBEAT-FAILS", Clue::Said("(?i)heartbeat failed", Window::Seconds(180)))
    .summary("heartbeats of {service} failed in the last three minutes")
    .explanation("the lease of its job ends 5 min after the last that arrived")
    .about(About::These(&[&WORKER]))
    .depth(Depth::Effect)
    .fixes(&[&READ_ERRORS, &RECLAIM]);

static JOB_LONG: Cause = Cause::new(
    "JOB-LONG",
    All(&[
        Not(&Clue::Unhealthy),
        Clue::Get(&HEALTH, Heard::Above("activeJobs", 0)),
        Clue::LongAgo(&HEALTH, "lastJobTime", 1800),
    ]),
)
.summary("{service} has run a job for more than 30 minutes")
.explanation("the runbook calls this stuck; the worker itself ends a run after 60 min")
.about(About::These(&[&WORKER]))
.verdict(Verdict::Warn)
.fixes(&[&READ_ERRORS, &RESTART]);

static DISK_FULL: Cause = usual::disk_full(
    &[&usual::NO_SPACE, &JOBS_WITHOUT_SPACE],
    &[
        &usual::WHERE_SPACE_WENT,
        &usual::FREE_SPACE,
        &Fix::new(
            "shrink the journal to 500 MB (old log lines are lost)",
            Risk::Destructive,
            Remedy::Command(&["journalctl", "--vacuum-size=500M"]),
        )
        .frees(&["/var/log/journal"]),
        &Fix::new(
            "remove dangling images, never others: the worker's are in no registry",
            Risk::Destructive,
            Remedy::Command(&["docker", "image", "prune", "--force"]),
        )
        .frees(&["/var/lib/docker"]),
        &Fix::new(
            "remove old archives by their full paths, never the newest five of each type",
            Risk::Destructive,
            Remedy::Manual("ls -lt /srv/backups, then rm each one that is meant; or grow the disk at the provider"),
        )
        .frees(&["/srv/backups"]),
    ],
);

static INODES_FULL: Cause = usual::inodes_full(&[&usual::NO_SPACE, &JOBS_WITHOUT_SPACE]);

static SEE_SPACE: Fix = Fix::new(
    "find what uses the space",
    Risk::ReadOnly,
    Remedy::Command(&["du", "-xahd1", "/var/lib/docker", "/srv", "/var/log"]),
);

static CLEAR_TEMP: Fix = Fix::new(
    "remove the clones that jobs left behind",
    Risk::Disruptive,
    Remedy::Manual("opsctl run clear-temp, when no job is at work"),
);

static JOBS_WITHOUT_SPACE: Cause = Cause::new(
    "JOBS-WITHOUT-SPACE",
    All(&[
        Not(&Clue::Unhealthy),
        Clue::Said(r"(?i)ENOSPC|no space left on device|disk quota exceeded", Window::Seconds(3600)),
    ]),
)
.summary("jobs of {service} found no space to write in the last hour")
.explanation("its log reports it; clones are written to the volume fondation_worker-tmp on the host's disk")
.about(About::These(&[&WORKER]))
.fixes(&[&SEE_SPACE, &CLEAR_TEMP]);

const SCRATCH: &str = "/var/lib/docker/volumes/fondation_worker-tmp/_data";

static SCRATCH_LEFT: Cause = Cause::new(
    "SCRATCH-LEFT",
    All(&[
        Clue::Leftovers(Leftovers::in_dir(SCRATCH).prefix("job-").older_seconds(7200)),
        Clue::Get(&HEALTH, Heard::Body(Condition::at("activeJobs").is("0"))),
    ]),
)
.summary("clones of ended jobs were not removed")
.explanation(
    "a job lasts at most 60 min, these are older than two hours, and the worker has no active job. The runbook \
     removes /tmp/fondation on the host, but the clones are in the container",
)
.about(About::Host)
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "remove those that are older than two hours",
    Risk::Safe,
    Remedy::Command(&[
        "find",
        SCRATCH,
        "-mindepth",
        "1",
        "-maxdepth",
        "1",
        "-name",
        "job-*",
        "-mmin",
        "+120",
        "-exec",
        "rm",
        "-rf",
        "--",
        "{}",
        "+",
    ]),
)]);

static GITHUB_STATUS: Fix = Fix::new(
    "check GitHub's status",
    Risk::ReadOnly,
    Remedy::Command(&["curl", "-sS", "-m", "5", "https://www.githubstatus.com/api/v2/status.json"]),
);

static CLONE_NETWORK: Cause = Cause::new(
    "CLONE-NETWORK",
    Clue::Said(
        concat!(
            r"(?i)could not resolve host:? '?github\.com|unable to access 'https://github\.com",
            r"|failed to connect to github\.com|rpc failed|early eof|git clone.*timed? ?out|clon(e|ing).*timed? ?out"
        ),
        Window::Seconds(3600),
    ),
)
.summary("{service} could not reach github.com in the last hour")
.explanation("git uses HTTPS: a name that does not resolve, an outage of GitHub, or a connection that breaks off")
.about(About::These(&[&WORKER]))
.fixes(&[&GITHUB_STATUS, &READ_ERRORS]);

static CLONE_REFUSED: Cause = Cause::new(
    "CLONE-REFUSED",
    Clue::Said(
        concat!(
            r"(?i)repository not found|could not read username for 'https://github\.com",
            r"|authentication failed for 'https://github\.com"
        ),
        Window::Seconds(3600),
    ),
)
.summary("GitHub refused a repository to {service} in the last hour")
.explanation("it is private, was renamed or removed; the worker uses no token, so private repositories always fail")
.about(About::These(&[&WORKER]))
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "contact its owner; a retry fails while it is private",
    Risk::ReadOnly,
    Remedy::Command(&[
        "opsctl",
        "logs",
        "worker",
        "-g",
        "(?i)repository not found|username|authentication",
        "-n",
        "20",
    ]),
)]);

static CLONE_BRANCH: Cause = Cause::new(
    "CLONE-BRANCH",
    Clue::Said(r"(?i)remote branch .* not found|couldn't find remote ref", Window::Seconds(3600)),
)
.summary("a branch that {service} should clone does not exist")
.explanation("Convex has another default branch for the repository than GitHub")
.about(About::These(&[&WORKER]))
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "correct the branch in Convex's table repositories, then set the job to pending",
    Risk::Disruptive,
    Remedy::Manual(
        "in the dashboard: repositories.defaultBranch; the job: status pending, runAt now, lockedBy and leaseUntil \
         cleared",
    ),
)]);

static TOOL_MISSING: Cause = Cause::new(
    "TOOL-MISSING",
    Clue::Said(
        concat!(
            r"(?i)\b(rg|ripgrep|jq|bash|git|curl|claude): (command )?not found",
            r"|spawn (rg|jq|bash|git|curl|claude) ENOENT|env: .?(bash|node).?: no such file"
        ),
        Window::Seconds(3600),
    ),
)
.summary("a program that jobs need is missing in the image of {service}")
.explanation("the runtime stage of the Dockerfile lacks the package: rg, jq, bash, git or curl")
.about(About::These(&[&WORKER]))
.explains(&[&JOBS_FAIL])
.fixes(&[&REBUILD]);

static IMPORTS_UNPATCHED: Cause = Cause::new(
    "IMPORTS-UNPATCHED",
    Clue::Said(
        r"(?i)cannot find module .{0,200}/config\b|ERR_UNSUPPORTED_DIR_IMPORT|did you mean to import .*config",
        Window::Seconds(3600),
    ),
)
.summary("{service} cannot find a module of its own: ./config")
.explanation("the build step patch-esm-imports did not run, so imports lack their file extensions")
.about(About::These(&[&WORKER]))
.explains(&[&JOBS_FAIL])
.fixes(&[&REBUILD]);

static MODULE_UNRESOLVED: Cause = Cause::new(
    "MODULE-UNRESOLVED",
    Clue::Said(r"(?i)cannot find (module|package) '@anthropic-ai/claude-code", Window::Seconds(3600)),
)
.summary("{service} does not find @anthropic-ai/claude-code")
.explanation("NODE_PATH of the CLI is not /app/node_modules")
.about(About::These(&[&WORKER]))
.explains(&[&JOBS_FAIL])
.fixes(&[
    &Fix::new(
        "set NODE_PATH and recreate the container",
        Risk::Disruptive,
        Remedy::Manual("NODE_PATH=/app/node_modules in {env}, then opsctl restart worker"),
    ),
    &REBUILD,
]);

static NO_ARTIFACTS: Cause = Cause::new(
    "NO-ARTIFACTS",
    Clue::Said(
        concat!(
            r"(?i)(no|missing|without|ENOENT).{0,80}(\.claude-tutorial-output|cli/prompts)",
            r"|(\.claude-tutorial-output|cli/prompts).{0,80}(not found|missing|does not exist|no such)",
            r"|docsCount\W{1,4}0\b"
        ),
        Window::Seconds(3600),
    ),
)
.summary("a run of {service} succeeded and left no output in the last hour")
.explanation("the directory /app/packages/cli/prompts is missing in the image")
.about(About::These(&[&WORKER]))
.fixes(&[&REBUILD]);

static DOCKER_IN_DOCKER: Cause = Cause::new(
    "DOCKER-IN-DOCKER",
    Clue::Said(
        r"(?i)docker: (command )?not found|spawn docker ENOENT|cannot connect to the docker daemon",
        Window::Seconds(3600),
    ),
)
.summary("{service} tries to start docker inside its container")
.explanation("it did not detect that it runs in a container (DOCKER_CONTAINER), and the container has no engine")
.about(About::These(&[&WORKER]))
.explains(&[&NO_PROGRESS])
.fixes(&[
    &Fix::new(
        "set DOCKER_CONTAINER and recreate the container",
        Risk::Disruptive,
        Remedy::Manual("DOCKER_CONTAINER=true in {env}, then opsctl restart worker"),
    ),
    &REBUILD,
]);

static NO_PROGRESS: Cause = Cause::new(
    "NO-PROGRESS",
    All(&[
        Not(&Clue::Unhealthy),
        Clue::Get(&HEALTH, Heard::Above("activeJobs", 0)),
        Clue::LongAgo(&HEALTH, "lastJobTime", 300),
        Clue::Said("Heartbeat for job", Window::Seconds(180)),
        Not(&Clue::Said(r"(?i)\bstep [1-7]\b|\b[1-7]/7\b|progress|analyzing|gathering", Window::Seconds(300))),
    ]),
)
.summary("{service} has an active job that made no progress in the last five minutes")
.explanation(
    "heartbeats arrive, steps do not: a wrong command in the container, a wrong docker path, or unreadable progress",
)
.about(About::These(&[&WORKER]))
.fixes(&[&READ_ERRORS, &RESTART]);

static SUCCEEDS_AT_ONCE: Cause = Cause::new(
    "SUCCEEDS-AT-ONCE",
    All(&[
        Not(&Clue::Unhealthy),
        Clue::Get(&METRICS, Heard::Above("jobs_succeeded_total", 0)),
        Clue::Get(&METRICS, Heard::Body(Condition::at("jobs_failed_total").is("0"))),
        Clue::Get(&METRICS, Heard::Body(Condition::at("jobs_duration_average_ms").at_most(100))),
    ]),
)
.summary("all jobs of {service} succeeded, in less than 100 ms on average")
.explanation("the worker started the bundled CLI, which does nothing, instead of packages/cli/dist")
.about(About::These(&[&WORKER]))
.fixes(&[&REBUILD]);

static JOBS_FAIL: Cause = Cause::new(
    "JOBS-FAIL",
    All(&[
        Not(&Clue::Unhealthy),
        Clue::Get(&METRICS, Heard::Above("jobs_total", 9)),
        Clue::Get(&METRICS, Heard::Part(Share::above(50).part("jobs_failed_total").whole("jobs_total"))),
    ]),
)
.summary("more than half of the jobs of {service} failed since its start")
.explanation("opsctl found no known cause; its log shows why each job failed")
.about(About::These(&[&WORKER]))
.depth(Depth::Effect)
.fixes(&[&Fix::new(
    "read the errors in its log",
    Risk::ReadOnly,
    Remedy::Command(&["opsctl", "logs", "worker", "-g", "ERROR|❌", "-n", "50"]),
)]);

static JOBS_SLOW: Cause = Cause::new(
    "JOBS-SLOW",
    All(&[Not(&Clue::Unhealthy), Clue::Get(&METRICS, Heard::Above("jobs_duration_average_ms", 600_000))]),
)
.summary("jobs of {service} take more than ten minutes on average since its start")
.explanation("large repositories, a slow Anthropic, or too few processors")
.about(About::These(&[&WORKER]))
.verdict(Verdict::Warn)
.fixes(&[&Fix::new("check load and memory, then the log", Risk::ReadOnly, Remedy::Command(&["opsctl", "status"]))]);
