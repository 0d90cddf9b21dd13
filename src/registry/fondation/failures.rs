//! What goes wrong on fondation: the runbook's seven failures, those of the worker's image, and the classes that only its
//! severity table has. "Fn" and "Dn" are numbers of the sheet.

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
static WORKER_NOT_PROCESSING: Failure = Failure {
    severity: Some(&P1),
    aliases: &["worker-down", "down", "not-processing", "crash-loop", "docker-down", "203"],
    services: &[&DOCKER, &WORKER],
    symptoms: &["the queue grows and nothing leaves pending", "/health does not answer, or says unhealthy"],
    note: Some(
        "206 with no active job only means that it is idle; how long the queue is stands in Convex's dashboard and cannot be \
         seen from here",
    ),
    ..Failure::new(
        "worker-not-processing",
        "the worker, or the engine beneath it, is down",
        "1. Worker Not Processing Jobs",
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
};

// F6
static CONVEX_UNREACHABLE: Failure = Failure {
    severity: Some(&P1),
    aliases: &["convex-down", "queue-down", "no-jobs-claimed"],
    services: &[&CONVEX, &WORKER],
    symptoms: &[
        "\"Failed to connect to Convex\", \"Error claiming job\"",
        "nothing is claimed; degraded after ten minutes",
    ],
    note: Some("/health asks nothing of Convex (D11): the worker says healthy while it claims nothing"),
    ..Failure::new(
        "convex-unreachable",
        "the queue at Convex cannot be reached",
        "6. Convex Connection Lost",
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
};

// F7
static DISK_FULL_FAILURE: Failure = Failure {
    severity: Some(&P2),
    aliases: &["disk", "no-space", "enospc", "inodes"],
    symptoms: &["write errors", "jobs fail at random"],
    note: Some(
        "the runbook prescribes docker system prune -a --volumes: with the worker stopped that deletes the only copies of its \
         images (D4); its `ls | tail | xargs rm` over /srv/backups takes the newest archives where there are few (D14)",
    ),
    ..Failure::new(
        "disk-full",
        "a file system is full or fills up",
        "7. Disk Full",
        &[&[
            &DISK_FULL,
            &INODES_FULL,
            &JOBS_WITHOUT_SPACE,
            &SCRATCH_LEFT,
            &usual::DISK_FILLING,
            &usual::INODES_FILLING,
        ]],
    )
};

// F4
static CLAUDE_AUTH_FAILED: Failure = Failure {
    severity: Some(&P1),
    aliases: &["claude", "auth", "login", "401", "unauthorized"],
    services: &[&WORKER],
    symptoms: &["\"Unauthorized\", \"Invalid API key\" or 401 in the log", "jobs fail within 100 ms"],
    note: Some(
        "the runbook's table has it as P3, but no job succeeds without the login: P1; `claude --version` proves nothing, and a \
         real prompt costs, so that none is made here",
    ),
    ..Failure::new(
        "claude-auth-failed",
        "the Claude CLI has no valid login",
        "4. Claude CLI Authentication Failed",
        &[&[&LOGIN_MISSING, &LOGIN_UNREADABLE, &LOGIN_REFUSED]],
    )
};

// F2
static JOBS_STUCK: Failure = Failure {
    severity: Some(&P1),
    aliases: &["stuck", "queue-stuck", "lease", "heartbeat"],
    services: &[&WORKER],
    symptoms: &[
        "a job is running for more than 30 minutes",
        "leases end and nothing changes, while the worker looks healthy",
    ],
    note: Some(
        "leases are only seen in Convex's dashboard (leaseUntil in the past); no schedule reclaims them (D10), and the runbook's \
         curl cannot: queue:reclaimExpired is internal (D7). It counts an attempt and ignores maxAttempts (D9)",
    ),
    ..Failure::new(
        "jobs-stuck",
        "jobs stay in progress, and nobody works on them",
        "2. Jobs Stuck in Running State",
        &[&[&NO_HEARTBEAT, &LEASE_LOST, &KILLED_AT_WORK, &HEARTBEAT_FAILS, &JOB_LONG]],
    )
};

// F3
static HIGH_MEMORY: Failure = Failure {
    severity: Some(&P2),
    aliases: &["memory", "oom", "heap", "leak"],
    services: &[&WORKER],
    symptoms: &["more than 1.5 GB in use", "kills for want of memory", "slow answers"],
    note: Some(
        "the runbook's `docker exec … rm -rf /tmp/fondation/*` does nothing: the host expands the star (D6); \
         MAX_CONCURRENT_JOBS=1 is the default already",
    ),
    ..Failure::new(
        "high-memory",
        "the worker or the host runs out of memory, or did",
        "3. High Memory Usage",
        &[&[&usual::OUT_OF_MEMORY, &usual::MEMORY_HIGH, &HEAP_FULL, &HEAP_HIGH], usual::MEMORY, &[&SCRATCH_LEFT]],
    )
};

// F5
static CLONE_FAILED: Failure = Failure {
    severity: Some(&P2),
    aliases: &["clone", "git", "github", "repository-not-found"],
    services: &[&WORKER],
    symptoms: &["jobs fail at cloning", "\"Repository not found\"", "timeouts"],
    note: Some(
        "the worker clones https://github.com/NAME.git without any token: private repositories always fail, and a new token in \
         Convex changes nothing; ping proves nothing about HTTPS",
    ),
    ..Failure::new(
        "clone-failed",
        "repositories cannot be cloned",
        "5. Repository Clone Failures",
        &[&[&CLONE_NETWORK, &CLONE_REFUSED, &CLONE_BRANCH, &JOBS_WITHOUT_SPACE]],
    )
};

const IMAGE_RUNBOOK: &str = "docs/docker-troubleshooting-runbook.md";

// F8, all of it
static IMAGE_TOOL_MISSING: Failure = Failure {
    severity: Some(&P2),
    aliases: &["command-not-found"],
    services: &[&WORKER],
    symptoms: &["\"command not found\" for rg, jq or bash", "jobs fail within 100 ms"],
    ..Failure::new(
        "image-tool-missing",
        "a program is missing in the worker's image",
        IMAGE_RUNBOOK,
        &[&[&TOOL_MISSING]],
    )
};

static IMAGE_ESM_IMPORTS: Failure = Failure {
    severity: Some(&P2),
    aliases: &["esm"],
    services: &[&WORKER],
    symptoms: &["cannot find module './config'"],
    ..Failure::new(
        "image-esm-imports",
        "the imports of the worker's image were not patched",
        IMAGE_RUNBOOK,
        &[&[&IMPORTS_UNPATCHED]],
    )
};

static IMAGE_MODULE_RESOLUTION: Failure = Failure {
    severity: Some(&P2),
    aliases: &["node-path"],
    services: &[&WORKER],
    symptoms: &["cannot find '@anthropic-ai/claude-code'"],
    ..Failure::new(
        "image-module-resolution",
        "the worker's image does not find its modules",
        IMAGE_RUNBOOK,
        &[&[&MODULE_UNRESOLVED]],
    )
};

static IMAGE_NO_ARTIFACTS: Failure = Failure {
    severity: Some(&P2),
    aliases: &["no-artifacts", "no-docs"],
    services: &[&WORKER],
    symptoms: &["a run ends well and leaves no .claude-tutorial-output", "docsCount is 0"],
    ..Failure::new("image-no-artifacts", "runs succeed and produce nothing", IMAGE_RUNBOOK, &[&[&NO_ARTIFACTS]])
};

static JOB_HANGS: Failure = Failure {
    severity: Some(&P2),
    aliases: &["step-0", "hangs", "no-progress"],
    services: &[&WORKER],
    symptoms: &["the front end stays at step 0 of 7"],
    note: Some("documents disagree on when a job hangs: 2, 5, 10 and 30 minutes (D25); here it is 5 without progress"),
    ..Failure::new(
        "job-hangs-at-step-0",
        "a job is worked on and makes no progress",
        IMAGE_RUNBOOK,
        &[&[&DOCKER_IN_DOCKER, &NO_PROGRESS]],
    )
};

static SILENT_SUCCESS: Failure = Failure {
    severity: Some(&P2),
    aliases: &["too-fast"],
    services: &[&WORKER],
    symptoms: &["jobs finish in less than 100 ms"],
    ..Failure::new("silent-success", "jobs succeed without any work", IMAGE_RUNBOOK, &[&[&SUCCEEDS_AT_ONCE]])
};

// Only in the severity table
static HIGH_ERROR_RATE: Failure = Failure {
    severity: Some(&P2),
    aliases: &["errors", "jobs-fail"],
    services: &[&WORKER],
    symptoms: &["jobs_failure_rate is high"],
    note: Some(
        "no document says what is high: more than half of at least ten jobs since the worker's start counts here",
    ),
    ..Failure::new("high-error-rate", "many jobs fail", "Severity Levels, P2", &[&[&JOBS_FAIL]])
};

static SLOW_PROCESSING: Failure = Failure {
    severity: Some(&P3),
    aliases: &["slow", "load", "latency"],
    services: &[&WORKER],
    symptoms: &["jobs_duration_average_ms is high"],
    note: Some("no document says what is slow: ten minutes, the limit of the image's runbook, counts here"),
    ..Failure::new("slow-processing", "jobs take long", "Severity Levels, P3", &[&[&usual::LOAD_HIGH, &JOBS_SLOW]])
};

static HEALTH: Http = Http::get(8080, "/health", &[]);
static METRICS: Http = Http::get(8080, "/metrics", &[]);

static RESTART: Fix = Fix { title: "restart {service}", risk: Risk::Disruptive, remedy: Remedy::Restart };
static READ_ERRORS: Fix = Fix {
    title: "read what it says",
    risk: Risk::ReadOnly,
    remedy: Remedy::Command(&["opsctl", "logs", "worker", "-n", "100"]),
};
static CORRECT_URL: Fix = Fix {
    title: "correct CONVEX_URL and restart",
    risk: Risk::Disruptive,
    remedy: Remedy::Manual("set CONVEX_URL in {env} as the dashboard shows it, then opsctl restart worker"),
};
static REBUILD: Fix = Fix {
    title: "bring a sound image",
    risk: Risk::Disruptive,
    remedy: Remedy::Manual(
        "rebuild it on the development machine, then opsctl redeploy --load FILE (or --pull=IMAGE); until then opsctl rollback",
    ),
};
static RECLAIM: Fix = Fix {
    title: "give expired leases back to the queue",
    risk: Risk::Disruptive,
    remedy: Remedy::Manual(
        "from packages/web with the deploy key: npx convex run queue:reclaimExpired (or in the dashboard); one job by hand: \
         status pending, runAt now, lockedBy and leaseUntil cleared",
    ),
};

static DOCKER_DOWN: Cause = Cause {
    about: About::These(&[&DOCKER]),
    explains: &[
        &usual::STOPPED,
        &usual::FAILED,
        &usual::START_LIMIT,
        &usual::CRASH_LOOP,
        &usual::NO_ANSWER,
        &usual::BAD_ANSWER,
        &CONTAINER_DOWN,
    ],
    ..Cause::new(
        "DOCKER-DOWN",
        "the docker engine does not run",
        "the worker's unit requires it and stopped with it; the unit does not come back by itself when the engine does",
        All(&[Clue::Unwell, Clue::State(&[State::Stopped, State::Failed, State::CrashLoop, State::Restarting])]),
        &[
            &Fix {
                title: "start the worker, whose unit starts the engine",
                risk: Risk::Disruptive,
                remedy: Remedy::RestartOf(&WORKER),
            },
            &Fix {
                title: "find out why the engine does not start",
                risk: Risk::ReadOnly,
                remedy: Remedy::Command(&["opsctl", "logs", "docker", "-n", "100"]),
            },
        ],
    )
};

static COMPOSE_MISSING: Cause = Cause {
    about: About::These(&[&WORKER]),
    explains: &[&usual::PROGRAM_MISSING],
    ..Cause::new(
        "COMPOSE-MISSING",
        "the unit of {service} calls docker-compose, which is not installed",
        "the setup installs compose v2 only (`docker compose`), and the shipped unit calls /usr/bin/docker-compose (D2)",
        All(&[
            Clue::Unwell,
            Clue::Ended(Ending::Exit(&[203])),
            Clue::File("/usr/bin/docker-compose", FileClue::NotExecutable),
        ]),
        &[&Fix {
            title: "let the unit call compose v2",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "in /etc/systemd/system/{unit} write `/usr/bin/docker compose` for docker-compose, drop the ExecStartPre= pull \
                 (D3), set Restart=always (D1); systemctl daemon-reload; opsctl start worker",
            ),
        }],
    )
};

static WORKER_IMAGES: Question = Question {
    program: "docker",
    args: &["image", "ls", "--format={{.Repository}}:{{.Tag}}", "fondation-worker"],
    user: None,
};

static IMAGE_GONE: Cause = Cause {
    about: About::These(&[&WORKER]),
    explains: &[&PULL_FAILED],
    ..Cause::new(
        "IMAGE-GONE",
        "the image fondation-worker:latest is not on this host",
        "it is built elsewhere and in no registry: what pruned it (docker system prune -a, with the worker stopped) cannot be \
         undone by a pull (D4)",
        All(&[
            Clue::Unwell,
            Not(&Of(&DOCKER, &Clue::Unwell)),
            Clue::Output(&WORKER_IMAGES, Shows::NoLine("^fondation-worker:latest$")),
        ]),
        &[&Fix {
            title: "bring the image back",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "opsctl rollback --list shows what is left; else on the development machine docker save, here opsctl redeploy \
                 --load FILE",
            ),
        }],
    )
};

static PULL_FAILED: Cause = Cause {
    about: About::These(&[&WORKER]),
    ..Cause::new(
        "PULL-FAILED",
        "{service} does not start because its image cannot be pulled",
        "the name fondation-worker:latest is in no registry; the unit's ExecStartPre= pull fails although the image is here (D3)",
        All(&[
            Clue::Unwell,
            Clue::Said(
                r"(?i)pull access denied|manifest unknown|repository does not exist|registry-1\.docker\.io.*(lookup|dial|timeout)",
                Window::Run,
            ),
        ]),
        &[&Fix {
            title: "take the pull out of the unit",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "drop ExecStartPre= from /etc/systemd/system/{unit}; systemctl daemon-reload; opsctl start worker",
            ),
        }],
    )
};

static CONTAINER_PAUSED: Cause = Cause {
    about: About::These(&[&WORKER]),
    ..Cause::new(
        "CONTAINER-PAUSED",
        "the container of {service} is paused",
        "its processes are halted in memory; connections hang rather than fail, and leases end meanwhile",
        Clue::Container(&["paused"]),
        &[&Fix {
            title: "let it go on",
            risk: Risk::Safe,
            remedy: Remedy::Command(&["docker", "unpause", "fondation-worker-1"]),
        }],
    )
};

static CONTAINER_LOOPS: Cause = Cause {
    about: About::These(&[&WORKER]),
    depth: Depth::Effect,
    ..Cause::new(
        "CONTAINER-LOOPS",
        "the container of {service} ends and is started again, over and over",
        "the unit is active all the while; the last log lines say why it ends",
        Clue::Container(&["restarting"]),
        &[&READ_ERRORS],
    )
};

static CONTAINER_DOWN: Cause = Cause {
    about: About::These(&[&WORKER]),
    depth: Depth::Effect,
    ..Cause::new(
        "CONTAINER-DOWN",
        "the container of {service} does not run",
        "docker starts none again that was stopped or killed by hand, and compose ends with it",
        All(&[Clue::Unwell, Clue::Container(&["exited", "dead", "created"])]),
        &[&RESTART, &READ_ERRORS],
    )
};

static RESTART_SETTING: Question = Question {
    program: "systemctl",
    args: &["show", "--no-pager", "--property=Restart", "--", "fondation-worker.service"],
    user: None,
};

static NOT_RESTARTED: Cause = Cause {
    about: About::These(&[&WORKER]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "NOT-RESTARTED",
        "systemd does not start {service} again by itself",
        "Restart=unless-stopped is a word of Docker: systemd ignores it, and the unit stays down after any failure (D1)",
        All(&[Clue::State(&[State::Failed]), Clue::Output(&RESTART_SETTING, Shows::Line("^Restart=no$"))]),
        &[&Fix {
            title: "set a word that systemd knows",
            risk: Risk::Safe,
            remedy: Remedy::Manual("Restart=always in /etc/systemd/system/{unit}, then systemctl daemon-reload"),
        }],
    )
};

static FAILED_UNITS: Cause = Cause { verdict: Verdict::Warn, ..usual::unit_failed() };
static LOOPING_UNITS: Cause = Cause { verdict: Verdict::Warn, ..usual::unit_looping() };

static HEAP_FULL: Cause = Cause {
    about: About::These(&[&WORKER]),
    ..Cause::new(
        "HEAP-FULL",
        "{service} says that it is unhealthy: its heap is more than 90 % full",
        "heap in use against heap reserved is a poor measure (D11), but above this the worker says 503 itself",
        All(&[Clue::Reply(Heard::Status(&[503])), Clue::Get(&HEALTH, Heard::Above("memory.percentUsed", 90))]),
        &[&RESTART],
    )
};

static OVERLOADED: Cause = Cause {
    about: About::These(&[&WORKER]),
    ..Cause::new(
        "OVERLOADED",
        "{service} says that it is unhealthy: the load is above twice its processors",
        "its heap is not full, and the load is the only other thing that makes it say 503",
        All(&[
            Clue::Reply(Heard::Status(&[503])),
            Clue::Get(&HEALTH, Heard::Body(Condition::AtMost("memory.percentUsed", 90))),
        ]),
        &[
            &Fix {
                title: "see who is busy",
                risk: Risk::ReadOnly,
                remedy: Remedy::Command(&["ps", "-eo", "pcpu,pid,user,stat,comm", "--sort=-pcpu"]),
            },
            &RESTART,
        ],
    )
};

static HEAP_HIGH: Cause = Cause {
    about: About::These(&[&WORKER]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "HEAP-HIGH",
        "{service} says that it is degraded: its heap is more than 75 % full",
        "heap in use against heap reserved is a poor measure (D11): look at the memory of the container as well",
        All(&[Clue::Reply(Heard::Status(&[206])), Clue::Get(&HEALTH, Heard::Above("memory.percentUsed", 75))]),
        &[
            &Fix {
                title: "see how much its container uses",
                risk: Risk::ReadOnly,
                remedy: Remedy::Command(&["docker", "stats", "--no-stream"]),
            },
            &RESTART,
        ],
    )
};

static URL_IS_EXAMPLE: Cause = Cause {
    about: About::These(&[&WORKER]),
    explains: &[&CONVEX_NAME, &CONVEX_SILENT, &CLAIM_FAILS],
    ..Cause::new(
        "URL-IS-EXAMPLE",
        "CONVEX_URL is still that of the example file",
        ".env was copied from .env.example and not filled in",
        Clue::Env(EnvClue::Like("CONVEX_URL", "https?://your-deployment.*")),
        &[&CORRECT_URL],
    )
};

static URL_MALFORMED: Cause = Cause {
    about: About::These(&[&WORKER]),
    explains: &[&CONVEX_NAME, &CONVEX_SILENT, &CLAIM_FAILS],
    ..Cause::new(
        "URL-MALFORMED",
        "CONVEX_URL is no plain URL of a host",
        "it should be https://NAME.convex.cloud, without quotes, a path or a password in it",
        Clue::Env(EnvClue::Unlike("CONVEX_URL", r"https?://[A-Za-z0-9.-]+(:[0-9]+)?/?")),
        &[&CORRECT_URL],
    )
};

static OUTBOUND_CLOSED: Cause = Cause {
    about: About::Host,
    explains: &[&CONVEX_NAME, &CONVEX_SILENT, &CLAIM_FAILS, &CLONE_NETWORK],
    ..Cause::new(
        "OUTBOUND-CLOSED",
        "the firewall lets nothing out, and Convex cannot be reached",
        "ufw is on and its default for outgoing traffic is to deny it",
        All(&[
            Of(&CONVEX, &Clue::Unwell),
            Clue::File("/etc/ufw/ufw.conf", FileClue::Contains("^ENABLED=yes")),
            Clue::File("/etc/default/ufw", FileClue::Contains("^DEFAULT_OUTPUT_POLICY=\"?(DROP|REJECT)")),
        ]),
        &[&Fix {
            title: "let outgoing traffic pass",
            risk: Risk::Safe,
            remedy: Remedy::Manual(
                "ufw default allow outgoing (or ufw allow out 443/tcp and 53), then opsctl diagnose",
            ),
        }],
    )
};

static CONVEX_NAME: Cause = Cause {
    about: About::These(&[&CONVEX]),
    explains: &[&CONVEX_SILENT, &CLAIM_FAILS],
    ..Cause::new(
        "CONVEX-NAME",
        "the host name in CONVEX_URL cannot be resolved",
        "the name is wrong, the deployment was removed, or this host has no working name server",
        All(&[Clue::Unwell, Clue::Reply(Heard::Text("(?i)cannot be resolved|lookup|name or service not known"))]),
        &[
            &Fix {
                title: "see whether other names resolve",
                risk: Risk::ReadOnly,
                remedy: Remedy::Command(&["getent", "hosts", "github.com"]),
            },
            &CORRECT_NAME,
        ],
    )
};

static CORRECT_NAME: Fix = Fix {
    title: "correct CONVEX_URL, or the name server",
    risk: Risk::Disruptive,
    remedy: Remedy::Manual(
        "compare CONVEX_URL in /srv/fondation/.env with the dashboard, /etc/resolv.conf with the provider's; then opsctl restart \
         worker",
    ),
};

static CONVEX_SILENT: Cause = Cause {
    about: About::These(&[&CONVEX]),
    explains: &[&CLAIM_FAILS, &HEARTBEAT_FAILS],
    ..Cause::new(
        "CONVEX-SILENT",
        "Convex does not answer this host",
        "the worker claims nothing meanwhile, and leases of active jobs end; it goes on by itself when Convex is back",
        All(&[Clue::Unwell, Clue::Reply(Heard::Silence)]),
        &[
            &Fix {
                title: "see whether it is Convex or this host",
                risk: Risk::ReadOnly,
                remedy: Remedy::Command(&[
                    "curl",
                    "-sS",
                    "-m",
                    "5",
                    "-o",
                    "/dev/null",
                    "-w",
                    "%{http_code}",
                    "https://github.com",
                ]),
            },
            &ASK_CONVEX,
        ],
    )
};

static CONVEX_ERRORS: Cause = Cause {
    about: About::These(&[&CONVEX]),
    explains: &[&CLAIM_FAILS, &HEARTBEAT_FAILS],
    ..Cause::new(
        "CONVEX-ERRORS",
        "Convex answers that it cannot serve",
        "its own gateway says 502, 503 or 504: only the vendor can mend that, and the worker goes on by itself afterwards",
        All(&[Clue::Unwell, Clue::Reply(Heard::Status(&[502, 503, 504]))]),
        &[&ASK_CONVEX],
    )
};

static ASK_CONVEX: Fix = Fix {
    title: "ask the vendor",
    risk: Risk::ReadOnly,
    remedy: Remedy::Manual("https://status.convex.dev, then support@convex.dev; nothing here needs a restart"),
};

static CLAIM_FAILS: Cause = Cause {
    about: About::These(&[&WORKER]),
    depth: Depth::Effect,
    ..Cause::new(
        "CLAIM-FAILS",
        "{service} could not claim jobs in the last 30 seconds",
        "where nothing is found of Convex itself, this host reaches it and the container does not: look at the container's own \
         names and network, then at what Convex answers",
        All(&[
            Not(&Clue::Unwell),
            Clue::Said(r"(?i)error claiming job|failed to connect to convex", Window::Seconds(30)),
        ]),
        &[&READ_ERRORS, &RESTART],
    )
};

const CREDENTIALS: &str = "/srv/claude-creds/.credentials.json";

static LOG_IN: Fix = Fix {
    title: "log in again, let the container's user read it, restart",
    risk: Risk::Disruptive,
    remedy: Remedy::Manual(
        "keep the present state first (cp -a /srv/claude-creds /srv/claude-creds.before); as the owner of /srv/fondation: \
         ./auth-claude.sh; then chown -R 1001:1001 /srv/claude-creds (the script gives it to the host's user, D22); opsctl \
         restart worker",
    ),
};
static RESTORE_LOGIN: Fix = Fix {
    title: "or put back the newest archive that has a login",
    risk: Risk::Destructive,
    remedy: Remedy::Manual(
        "tar -tzf each of /srv/backups/claude-creds-*.tar.gz, newest first, until one lists claude-creds/.credentials.json; move \
         /srv/claude-creds aside; tar -xzf it with -C /srv; opsctl restart worker. There is no archive called LATEST (D15)",
    ),
};

static LOGIN_MISSING: Cause = Cause {
    about: About::These(&[&WORKER]),
    explains: &[&LOGIN_REFUSED, &JOBS_FAIL],
    ..Cause::new(
        "LOGIN-MISSING",
        "the Claude login of {service} is not there",
        "/srv/claude-creds holds no credentials file, and the env file names no other way to log in: every job fails",
        All(&[
            Clue::File(CREDENTIALS, FileClue::Missing),
            Clue::Env(EnvClue::KeysMissing(&["CLAUDE_TOKEN"])),
            Clue::Env(EnvClue::KeysMissing(&["ANTHROPIC_API_KEY"])),
            Clue::Env(EnvClue::KeysMissing(&["CLAUDE_CODE_OAUTH_TOKEN"])),
        ]),
        &[&LOG_IN, &RESTORE_LOGIN],
    )
};

static LOGIN_UNREADABLE: Cause = Cause {
    about: About::These(&[&WORKER]),
    explains: &[&LOGIN_REFUSED, &JOBS_FAIL],
    ..Cause::new(
        "LOGIN-UNREADABLE",
        "{service} may not read its Claude login",
        "the container's user has number 1001, and auth-claude.sh gives the files to the host's user (D22): every job fails",
        Any(&[
            Clue::File("/srv/claude-creds", FileClue::ClosedTo(1001)),
            Clue::File(CREDENTIALS, FileClue::ClosedTo(1001)),
        ]),
        &[&Fix {
            title: "give it to the container's user",
            risk: Risk::Safe,
            remedy: Remedy::Command(&["chown", "-R", "1001:1001", "/srv/claude-creds"]),
        }],
    )
};

static LOGIN_REFUSED: Cause = Cause {
    about: About::These(&[&WORKER]),
    explains: &[&JOBS_FAIL],
    ..Cause::new(
        "LOGIN-REFUSED",
        "Anthropic turned the login of {service} away in the last hour",
        "it has expired or was revoked: the mount is read-only, so that a refreshed token is never kept (D22)",
        Clue::Said(
            r"(?i)invalid api key|please run /login|oauth token (has )?(expired|been revoked)|authentication_error|(claude|anthropic|api error).*\b401\b|\b401\b.*(claude|anthropic)|\bunauthorized\b",
            Window::Seconds(3600),
        ),
        &[&LOG_IN, &RESTORE_LOGIN],
    )
};

static NO_HEARTBEAT: Cause = Cause {
    about: About::These(&[&WORKER]),
    ..Cause::new(
        "NO-HEARTBEAT",
        "{service} has an active job and has sent no heartbeat for three minutes",
        "a heartbeat is due every 60 s, and the lease ends after 5 min: then the job belongs to nobody, and nothing takes it back",
        All(&[
            Not(&Clue::Unwell),
            Clue::Get(&HEALTH, Heard::Above("activeJobs", 0)),
            Clue::LongAgo(&HEALTH, "lastJobTime", 180),
            Not(&Clue::Said("Heartbeat for job", Window::Seconds(180))),
        ]),
        &[&RESTART, &RECLAIM],
    )
};

static LEASE_LOST: Cause = Cause {
    about: About::These(&[&WORKER]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "LEASE-LOST",
        "{service} ended in the last hour because of an error that nobody caught",
        "most often it tried to fail a job whose lease it had lost (D20); docker started it again, its job stays in progress",
        Clue::Said(r"(?i)unhandled ?(promise ?)?rejection|uncaughtexception.*frompromise", Window::Seconds(3600)),
        &[&RECLAIM, &READ_ERRORS],
    )
};

/// The engine says whom it had to kill; compose says "code 0" of those.
static ENDINGS: Question = Question {
    program: "journalctl",
    args: &[
        "--no-pager",
        "--quiet",
        "--output=cat",
        "--since=-1h",
        "--unit=docker.service",
        "--unit=fondation-worker.service",
    ],
    user: None,
};

static KILLED_AT_WORK: Cause = Cause {
    about: About::These(&[&WORKER]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "KILLED-AT-WORK",
        "{service} was killed in the last hour, and may have left jobs behind",
        "it waits up to 30 s for active jobs, docker kills it after 10 (D10); such jobs stay in progress until somebody reclaims \
         them",
        Clue::Output(&ENDINGS, Shows::Line(r"failed to exit within \d+s of signal|exited with code 137")),
        &[
            &RECLAIM,
            &Fix {
                title: "give it time to end",
                risk: Risk::Safe,
                remedy: Remedy::Manual("stop_grace_period: 40s in docker-compose.prod.yml"),
            },
        ],
    )
};

static HEARTBEAT_FAILS: Cause = Cause {
    about: About::These(&[&WORKER]),
    depth: Depth::Effect,
    ..Cause::new(
        "HEARTBEAT-FAILS",
        "heartbeats of {service} failed in the last three minutes",
        "the lease of its job ends 5 min after the last that arrived",
        Clue::Said("(?i)heartbeat failed", Window::Seconds(180)),
        &[&READ_ERRORS, &RECLAIM],
    )
};

static JOB_LONG: Cause = Cause {
    about: About::These(&[&WORKER]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "JOB-LONG",
        "{service} has worked on a job for more than 30 minutes",
        "the runbook calls that stuck; the worker itself ends a run after 60 min (D25)",
        All(&[
            Not(&Clue::Unwell),
            Clue::Get(&HEALTH, Heard::Above("activeJobs", 0)),
            Clue::LongAgo(&HEALTH, "lastJobTime", 1800),
        ]),
        &[&READ_ERRORS, &RESTART],
    )
};

static DISK_FULL: Cause = usual::disk_full(
    &[&usual::NO_SPACE, &JOBS_WITHOUT_SPACE],
    &[
        &SEE_SPACE,
        &Fix {
            title: "shrink the journal to 500 MB (old log lines are lost)",
            risk: Risk::Destructive,
            remedy: Remedy::Command(&["journalctl", "--vacuum-size=500M"]),
        },
        &Fix {
            title: "remove dangling images, never others: the worker's are in no registry",
            risk: Risk::Destructive,
            remedy: Remedy::Command(&["docker", "image", "prune", "--force"]),
        },
        &Fix {
            title: "remove old archives by their full paths, never the newest five of a kind",
            risk: Risk::Destructive,
            remedy: Remedy::Manual(
                "ls -lt /srv/backups, then rm each one that is meant; or grow the disk at the provider",
            ),
        },
    ],
);

static INODES_FULL: Cause = usual::inodes_full(&[&usual::NO_SPACE, &JOBS_WITHOUT_SPACE]);

static SEE_SPACE: Fix = Fix {
    title: "find out what takes the space",
    risk: Risk::ReadOnly,
    remedy: Remedy::Command(&["du", "-xhd1", "/var/lib/docker", "/srv", "/var/log"]),
};

static JOBS_WITHOUT_SPACE: Cause = Cause {
    about: About::These(&[&WORKER]),
    ..Cause::new(
        "JOBS-WITHOUT-SPACE",
        "jobs of {service} found no space to write in the last hour",
        "its log says so; clones go to the volume fondation_worker-tmp on the host's disk",
        All(&[
            Not(&Clue::Unwell),
            Clue::Said(r"(?i)ENOSPC|no space left on device|disk quota exceeded", Window::Seconds(3600)),
        ]),
        &[&SEE_SPACE],
    )
};

const SCRATCH: &str = "/var/lib/docker/volumes/fondation_worker-tmp/_data";

static SCRATCH_LEFT: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "SCRATCH-LEFT",
        "clones of ended jobs were left behind",
        "a job lasts 60 min at most, these are older than two hours, and the worker has no active job; the runbook removes \
         /tmp/fondation on the host, where they are not (D6)",
        All(&[
            Clue::Leftovers { dir: SCRATCH, prefix: "job-", suffix: "", older_seconds: 7200 },
            Clue::Get(&HEALTH, Heard::Body(Condition::Is("activeJobs", "0"))),
        ]),
        &[&Fix {
            title: "remove those that are older than two hours",
            risk: Risk::Safe,
            remedy: Remedy::Command(&[
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
        }],
    )
};

static GITHUB_STATUS: Fix = Fix {
    title: "ask GitHub how it is",
    risk: Risk::ReadOnly,
    remedy: Remedy::Command(&["curl", "-sS", "-m", "5", "https://www.githubstatus.com/api/v2/status.json"]),
};

static CLONE_NETWORK: Cause = Cause {
    about: About::These(&[&WORKER]),
    ..Cause::new(
        "CLONE-NETWORK",
        "{service} could not reach github.com in the last hour",
        "git uses HTTPS: a name that does not resolve, an outage of GitHub, or a connection that breaks off",
        Clue::Said(
            r"(?i)could not resolve host:? '?github\.com|unable to access 'https://github\.com|failed to connect to github\.com|rpc failed|early eof|git clone.*timed? ?out|clon(e|ing).*timed? ?out",
            Window::Seconds(3600),
        ),
        &[&GITHUB_STATUS, &READ_ERRORS],
    )
};

static CLONE_REFUSED: Cause = Cause {
    about: About::These(&[&WORKER]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "CLONE-REFUSED",
        "GitHub refused a repository to {service} in the last hour",
        "it is private, was renamed or removed; the worker asks without a token, so that private ones always fail",
        Clue::Said(
            r"(?i)repository not found|could not read username for 'https://github\.com|authentication failed for 'https://github\.com",
            Window::Seconds(3600),
        ),
        &[&Fix {
            title: "tell its owner; a retry changes nothing while it is private",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&[
                "opsctl",
                "logs",
                "worker",
                "-g",
                "(?i)repository not found|username|authentication",
                "-n",
                "20",
            ]),
        }],
    )
};

static CLONE_BRANCH: Cause = Cause {
    about: About::These(&[&WORKER]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "CLONE-BRANCH",
        "a branch that {service} should clone does not exist",
        "the default branch that Convex has for the repository is another one than GitHub's",
        Clue::Said(r"(?i)remote branch .* not found|couldn't find remote ref", Window::Seconds(3600)),
        &[&Fix {
            title: "correct the branch in Convex's table repositories, then set the job to pending",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "in the dashboard: repositories.defaultBranch; the job: status pending, runAt now, lockedBy and leaseUntil cleared",
            ),
        }],
    )
};

static TOOL_MISSING: Cause = Cause {
    about: About::These(&[&WORKER]),
    explains: &[&JOBS_FAIL],
    ..Cause::new(
        "TOOL-MISSING",
        "a program that jobs need is missing in the image of {service}",
        "the runtime stage of the Dockerfile lacks the package: rg, jq, bash, git or curl",
        Clue::Said(
            r"(?i)\b(rg|ripgrep|jq|bash|git|curl|claude): (command )?not found|spawn (rg|jq|bash|git|curl|claude) ENOENT|env: .?(bash|node).?: no such file",
            Window::Seconds(3600),
        ),
        &[&REBUILD],
    )
};

static IMPORTS_UNPATCHED: Cause = Cause {
    about: About::These(&[&WORKER]),
    explains: &[&JOBS_FAIL],
    ..Cause::new(
        "IMPORTS-UNPATCHED",
        "{service} cannot find a module of its own: ./config",
        "the build step patch-esm-imports did not run, so that imports lack their endings",
        Clue::Said(
            r"(?i)cannot find module .{0,200}/config\b|ERR_UNSUPPORTED_DIR_IMPORT|did you mean to import .*config",
            Window::Seconds(3600),
        ),
        &[&REBUILD],
    )
};

static MODULE_UNRESOLVED: Cause = Cause {
    about: About::These(&[&WORKER]),
    explains: &[&JOBS_FAIL],
    ..Cause::new(
        "MODULE-UNRESOLVED",
        "{service} does not find @anthropic-ai/claude-code",
        "NODE_PATH is not /app/node_modules where the CLI is started",
        Clue::Said(r"(?i)cannot find (module|package) '@anthropic-ai/claude-code", Window::Seconds(3600)),
        &[
            &Fix {
                title: "set NODE_PATH and make the container anew",
                risk: Risk::Disruptive,
                remedy: Remedy::Manual("NODE_PATH=/app/node_modules in {env}, then opsctl restart worker"),
            },
            &REBUILD,
        ],
    )
};

static NO_ARTIFACTS: Cause = Cause {
    about: About::These(&[&WORKER]),
    ..Cause::new(
        "NO-ARTIFACTS",
        "a run of {service} ended well and left nothing in the last hour",
        "the directory /app/packages/cli/prompts is missing in the image",
        Clue::Said(
            r"(?i)(no|missing|without|ENOENT).{0,80}(\.claude-tutorial-output|cli/prompts)|(\.claude-tutorial-output|cli/prompts).{0,80}(not found|missing|does not exist|no such)|docsCount\W{1,4}0\b",
            Window::Seconds(3600),
        ),
        &[&REBUILD],
    )
};

static DOCKER_IN_DOCKER: Cause = Cause {
    about: About::These(&[&WORKER]),
    explains: &[&NO_PROGRESS],
    ..Cause::new(
        "DOCKER-IN-DOCKER",
        "{service} tries to start docker inside of its container",
        "it did not see that it is in one already (DOCKER_CONTAINER), and there is no engine in it",
        Clue::Said(
            r"(?i)docker: (command )?not found|spawn docker ENOENT|cannot connect to the docker daemon",
            Window::Seconds(3600),
        ),
        &[
            &Fix {
                title: "tell it where it runs and make the container anew",
                risk: Risk::Disruptive,
                remedy: Remedy::Manual("DOCKER_CONTAINER=true in {env}, then opsctl restart worker"),
            },
            &REBUILD,
        ],
    )
};

static NO_PROGRESS: Cause = Cause {
    about: About::These(&[&WORKER]),
    ..Cause::new(
        "NO-PROGRESS",
        "{service} has an active job that made no progress in the last five minutes",
        "heartbeats come, steps do not: a wrong command in the container, the docker path, or progress that is not understood",
        All(&[
            Not(&Clue::Unwell),
            Clue::Get(&HEALTH, Heard::Above("activeJobs", 0)),
            Clue::LongAgo(&HEALTH, "lastJobTime", 300),
            Clue::Said("Heartbeat for job", Window::Seconds(180)),
            Not(&Clue::Said(r"(?i)\bstep [1-7]\b|\b[1-7]/7\b|progress|analyzing|gathering", Window::Seconds(300))),
        ]),
        &[&READ_ERRORS, &RESTART],
    )
};

static SUCCEEDS_AT_ONCE: Cause = Cause {
    about: About::These(&[&WORKER]),
    ..Cause::new(
        "SUCCEEDS-AT-ONCE",
        "all jobs of {service} succeeded, in less than 100 ms on average",
        "the bundled CLI was started, which does nothing, instead of packages/cli/dist",
        All(&[
            Not(&Clue::Unwell),
            Clue::Get(&METRICS, Heard::Above("jobs_succeeded_total", 0)),
            Clue::Get(&METRICS, Heard::Body(Condition::Is("jobs_failed_total", "0"))),
            Clue::Get(&METRICS, Heard::Body(Condition::AtMost("jobs_duration_average_ms", 100))),
        ]),
        &[&REBUILD],
    )
};

static JOBS_FAIL: Cause = Cause {
    about: About::These(&[&WORKER]),
    depth: Depth::Effect,
    ..Cause::new(
        "JOBS-FAIL",
        "more than half of the jobs of {service} failed since its start",
        "no cause that opsctl knows is proven; its log says what each failed of",
        All(&[
            Not(&Clue::Unwell),
            Clue::Get(&METRICS, Heard::Above("jobs_total", 9)),
            Clue::Get(&METRICS, Heard::Part(Share { part: "jobs_failed_total", whole: "jobs_total", percent: 50 })),
        ]),
        &[&Fix {
            title: "read why",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["opsctl", "logs", "worker", "-g", "ERROR|❌", "-n", "50"]),
        }],
    )
};

static JOBS_SLOW: Cause = Cause {
    about: About::These(&[&WORKER]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "JOBS-SLOW",
        "jobs of {service} take more than ten minutes on average since its start",
        "large repositories, a slow Anthropic, or too few processors",
        All(&[Not(&Clue::Unwell), Clue::Get(&METRICS, Heard::Above("jobs_duration_average_ms", 600_000))]),
        &[&Fix {
            title: "see load and memory, then the log",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["opsctl", "status"]),
        }],
    )
};
