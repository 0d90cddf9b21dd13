//! What goes wrong on plugspace: the runbook's nine failures, and those that only its alert rules know. "D…" are defects of
//! the runbook and its scripts.

use super::super::*;
use super::services::*;
use super::{CRITICAL, HIGH, LOW, MEDIUM};
use Clue::{All, Any, Not, Of};

pub(super) static FAILURES: &[&Failure] = &[
    &DISK_LOW,
    &MONGODB_DOWN,
    &REDIS_DOWN,
    &API_DOWN,
    &VOICE_DOWN,
    &NGINX_DOWN,
    &CERTIFICATE_EXPIRING,
    &SERVICE_DOWN,
    &HIGH_MEMORY,
    &HIGH_CPU,
    &HIGH_LATENCY,
    &ERROR_RATE,
    &QUEUE_BACKLOG,
    &QUEUE_FAILED,
    &REDIS_MEMORY,
    &MONGODB_CONNECTIONS,
    &MONGODB_REPLICATION_LAG,
    &NGINX_CONNECTIONS,
    &VOICE_LATENCY,
    &VOICE_ERRORS,
    &usual::BACKUP_FAILURE,
];

/// Applications of pm2.
static APPS: &[&Service] = &[&API, &VOICE, &WORKER, &FRONTEND, &STUDIO, &ADMIN];

/// Those without a failure of their own.
static OTHERS: &[&Service] = &[
    &FRONTEND,
    &STUDIO,
    &ADMIN,
    &WORKER,
    &PROMETHEUS,
    &ALERTMANAGER,
    &GRAFANA,
    &NODE_EXPORTER,
    &NGINX_EXPORTER,
    &REDIS_EXPORTER,
    &MONGODB_EXPORTER,
    &BLACKBOX_EXPORTER,
    &PM2_EXPORTER,
];

/// What any service may have. The env file is read by the API itself, so that one has a cause of its own.
static USUAL: &[&Cause] = &[
    &usual::ENV_KEY_MISSING,
    &usual::PROGRAM_MISSING,
    &usual::USER_MISSING,
    &usual::DIRECTORY_MISSING,
    &usual::PORT_TAKEN,
    &usual::OUT_OF_MEMORY,
    &usual::NO_SPACE,
    &usual::MASKED,
    &usual::CONDITION,
    &usual::NOT_FOUND,
    &usual::PAUSED,
    &usual::STOPPED,
    &usual::RELOAD_NEEDED,
    &usual::START_LIMIT,
    &usual::CRASH_LOOP,
    &usual::START_TIMEOUT,
    &usual::FAILED,
    &usual::UNHEALTHY,
    &usual::NO_ANSWER,
    &usual::BAD_ANSWER,
];

/// What an application of pm2 may have.
static APPLICATION: &[&Cause] = &[&MODULE_MISSING, &BUILD_MISSING, &ROUTE_ELSEWHERE, &INSTANCES_MISSING];

// F1
static API_DOWN: Failure = Failure {
    aliases: &["api", "502", "503", "servicedown"],
    services: &[&API],
    symptoms: &["the API answers 502 or 503", "pm2 shows plugspace-api errored or stopped", "alert ServiceDown"],
    note: Some(
        "the runbook verifies with https://plugspace.io/api/health, which the API does not have, and /health at the edge is a \
         fixed text (D1): ask localhost:4000/health. After ten restarts pm2 gives up and waits for a start by hand. Never call \
         pm2 as root: that starts a second daemon and all applications twice (D24). ServiceDown always fires, whatever is up \
         (D29)",
    ),
    ..Failure::new(
        "api-down",
        "the API does not answer, or calls itself degraded",
        "API Down",
        &[
            &[&usual::PM_DOWN, &ROOTS_PM2, &OTHER_STACK, &ENV_FILE_MISSING, &DATABASE_REFUSED, &REDIS_REFUSED],
            APPLICATION,
            USUAL,
        ],
    )
};

// F2
static VOICE_DOWN: Failure = Failure {
    aliases: &["voice", "websocket", "voiceserverdown"],
    services: &[&VOICE],
    symptoms: &["WebSocket connections fail", "calls end"],
    note: Some(
        "its /health says healthy even without Redis; an upgrade on /voice must give 101, or a close with 4001 to 4003, and \
         not 502. A restart ends all calls after 30 s",
    ),
    ..Failure::new(
        "voice-down",
        "the voice server does not take calls",
        "Voice Server Down",
        &[&[&GEMINI_KEY_MISSING, &GEMINI_FAILS], APPLICATION, USUAL],
    )
};

// F3
static MONGODB_DOWN: Failure = Failure {
    aliases: &["mongo", "mongod", "database", "mongodbdown"],
    services: &[&MONGODB],
    symptoms: &["\"connection refused\" on 27017 in the API's log", "nothing is saved", "alert MongoDBDown"],
    note: Some(
        "plugspace may not sudo systemctl for it, and root cannot log in over SSH: use the provider's console (D25). rs.status \
         needs a login, which the runbook leaves out (D10); opsctl asks hello, which needs none. rs.initiate only on a node \
         that was never initiated, with _id plugspace-rs and localhost:27017: anything else destroys the set",
    ),
    ..Failure::new(
        "mongodb-down",
        "MongoDB does not answer, or takes no writes",
        "MongoDB Down",
        &[
            &[&MONGODB_CONFIG, &MONGODB_DAMAGED, &MONGODB_LOCKED, &MONGODB_SOCKET, &MONGODB_DATA_OWNER, &NO_PRIMARY],
            USUAL,
        ],
    )
};

// F4
static REDIS_DOWN: Failure = Failure {
    aliases: &["sessions", "aof", "redisdown"],
    services: &[&REDIS],
    symptoms: &["sessions fail", "queues stop", "alert RedisDown"],
    note: Some(
        "CONFIG, FLUSHALL, FLUSHDB and DEBUG are removed on this server (D11): change redis.conf and restart. Its password \
         belongs in REDISCLI_AUTH, never in the arguments (D6). While appendonly is on, a dump.rdb that is put in place is \
         ignored at the start (D7)",
    ),
    ..Failure::new(
        "redis-down",
        "Redis does not answer, or does not save",
        "Redis Down",
        &[&[&REDIS_CONFIG, &AOF_DAMAGED, &REDIS_DATA_OWNER, &PASSWORD_REFUSED, &REDIS_LOADING, &SAVE_FAILS], USUAL],
    )
};

// F9
static DISK_LOW: Failure = Failure {
    aliases: &["disk", "disk-full", "no-space", "enospc", "inodes"],
    symptoms: &["less than 15 % of the disk is free", "MongoDB or Redis cannot write"],
    note: Some(
        "the runbook deletes backups older than 7 days, although 30 are to be kept, and its find may match the directory itself \
         (D21, D22): never remove the newest three that were verified. docker system prune -a and pm2 flush lose evidence: \
         they come last",
    ),
    ..Failure::new(
        "disk-low",
        "a file system is full or fills up",
        "Disk Space Low",
        &[&[&LOGS_BIG, &BACKUPS_OLD], usual::DISK],
    )
};

// F8
static CERTIFICATE_EXPIRING: Failure = Failure {
    aliases: &["certificate", "tls", "ssl", "https", "certbot"],
    symptoms: &["browsers warn of the certificate", "alert SSLCertificateExpiring"],
    note: Some(
        "the certificate of ssl-setup.sh names plugspace.io and www only, but is used for studio, api, admin and *.projects \
         (D33); a wildcard needs a DNS challenge. --force-renewal only when it is due: five equal certificates a week are \
         all there are",
    ),
    ..Failure::new(
        "certificate-expiring",
        "a certificate is not valid, or ends soon",
        "SSL Certificate Expiring",
        &[&[&RENEWAL_OFF, &RENEWAL_FAILS, &HTTP_CLOSED], usual::CERTIFICATES, &[&TLS_SILENT]],
    )
};

// F10
static NGINX_DOWN: Failure = Failure {
    aliases: &["edge", "nginxdown"],
    services: &[&NGINX],
    symptoms: &["no host name answers"],
    ..Failure::new(
        "nginx-down",
        "nginx, and with it every public host, is down",
        "alerts.yml: NginxDown",
        &[&[&NGINX_CONFIG, &HTTPS_PORT_TAKEN], USUAL],
    )
};

/// Only the alert of this name has what the runbook does not: the sites, the workers and what watches them.
static SERVICE_DOWN: Failure = Failure {
    aliases: &["down", "frontend-down", "worker-down", "crash-loop", "errored", "pm2"],
    services: OTHERS,
    symptoms: &["a site answers 502", "pm2 shows an application errored"],
    note: Some(
        "expect plugspace-worker errored where the repository's own build was used: its script is never built, and would \
         only export a class (D14)",
    ),
    ..Failure::new(
        "service-down",
        "a site, the workers or something that watches does not do its work",
        "alerts.yml: ServiceDown",
        &[APPLICATION, USUAL, &[&usual::ENGINE_DOWN, &FAILED_UNITS, &LOOPING_UNITS, &usual::CLOCK_ADRIFT]],
    )
};

// F6
static HIGH_MEMORY: Failure = Failure {
    severity: Some(&HIGH),
    aliases: &["memory", "oom", "heap"],
    symptoms: &["more than 85 % of the memory is used", "\"JavaScript heap out of memory\""],
    note: Some(
        "pm2's limits add up to 26.5 GB on a host of 8 GB (D37): they never protect it. MongoDB's cache is 2 GB \
         (cacheSizeGB in /etc/mongod.conf)",
    ),
    ..Failure::new(
        "high-memory",
        "the host or an application runs out of memory",
        "High Memory Usage",
        &[&[&HEAP_EXHAUSTED], usual::MEMORY],
    )
};

// F5
static HIGH_CPU: Failure = Failure {
    severity: Some(&HIGH),
    aliases: &["cpu", "load"],
    symptoms: &["alert HighCPUUsage", "everything answers late"],
    note: Some(
        "pm2 scale plugspace-api +2, as the runbook has it, makes it worse: the instances are more than the four processors \
         already. The next reload of the ecosystem file undoes it",
    ),
    ..Failure::new(
        "high-cpu",
        "the host has more to do than its processors can take",
        "High CPU Usage",
        &[&[&usual::LOAD_HIGH]],
    )
};

// F7
static HIGH_LATENCY: Failure = Failure {
    severity: Some(&MEDIUM),
    aliases: &["slow", "latency", "highresponsetime"],
    symptoms: &["answers take more than 1 s", "alert HighResponseTime"],
    note: Some(
        "currentOp and the slow log of Redis need a login, and the former is shown without one in the runbook (D10). More than \
         5 % of the answers over a second is what the alert means by its 95th percentile",
    ),
    ..Failure::new("high-latency", "answers are slow", "High Response Time", &[&[&SLOW_OPERATIONS, &ANSWERS_SLOW]])
};

static ERROR_RATE: Failure = Failure {
    aliases: &["errors", "5xx", "500", "higherrorrate"],
    symptoms: &["alert HighErrorRate or CriticalErrorRate"],
    note: Some("counted in the access log of nginx: the API has no metrics of its own (D29)"),
    ..Failure::new(
        "error-rate",
        "many answers are errors of the server",
        "alerts.yml: HighErrorRate",
        &[&[&ERRORS_MANY, &ERRORS_SOME]],
    )
};

static QUEUE_BACKLOG: Failure = Failure {
    severity: Some(&MEDIUM),
    aliases: &["queue", "backlog", "jobs", "queuebacklog"],
    services: &[&WORKER],
    symptoms: &["jobs wait", "alert QueueBacklog"],
    note: Some(
        "the six queues are plugspace:architect, design, code, analyze, deploy and export; jobs with a priority wait in a set \
         of their own (prioritized), which the alert does not count. It wants five minutes of it, opsctl looks once",
    ),
    ..Failure::new("queue-backlog", "jobs wait in a queue", "alerts.yml: QueueBacklog", &[&[&BACKLOG]])
};

static QUEUE_FAILED: Failure = Failure {
    severity: Some(&MEDIUM),
    aliases: &["failed-jobs", "queuefailedjobs"],
    services: &[&WORKER],
    symptoms: &["alert QueueFailedJobs"],
    ..Failure::new("queue-failed", "jobs fail", "alerts.yml: QueueFailedJobs", &[&[&JOBS_FAIL]])
};

static REDIS_MEMORY: Failure = Failure {
    severity: Some(&MEDIUM),
    aliases: &["maxmemory", "eviction", "redishighmemory"],
    services: &[&REDIS],
    symptoms: &["alert RedisHighMemory", "jobs vanish"],
    note: Some("maxmemory is read from INFO: CONFIG GET, as the runbook has it, is removed on this server (D11)"),
    ..Failure::new(
        "redis-memory",
        "Redis is near the end of its memory",
        "alerts.yml: RedisHighMemory",
        &[&[&EVICTING, &MAXMEMORY]],
    )
};

static MONGODB_CONNECTIONS: Failure = Failure {
    severity: Some(&MEDIUM),
    aliases: &["mongodbhighconnections"],
    services: &[&MONGODB],
    symptoms: &["alert MongoDBHighConnections"],
    note: Some(
        "how many are open, only serverStatus tells, which needs a login; what is seen here is that mongod turns clients away",
    ),
    ..Failure::new(
        "mongodb-connections",
        "MongoDB runs out of connections",
        "alerts.yml: MongoDBHighConnections",
        &[&[&CONNECTIONS_REFUSED]],
    )
};

static MONGODB_REPLICATION_LAG: Failure = Failure {
    aliases: &["replication", "lag", "mongodbreplicationlag"],
    services: &[&MONGODB],
    symptoms: &["alert MongoDBReplicationLag"],
    note: Some("the set has one member, which cannot lag behind itself: what can be is that it is no primary"),
    ..Failure::new(
        "mongodb-replication-lag",
        "the replica set has no primary, or a member lags",
        "alerts.yml: MongoDBReplicationLag",
        &[&[&NO_PRIMARY]],
    )
};

static NGINX_CONNECTIONS: Failure = Failure {
    severity: Some(&MEDIUM),
    aliases: &["highnginxconnections"],
    services: &[&NGINX],
    symptoms: &["alert HighNginxConnections"],
    ..Failure::new(
        "nginx-connections",
        "nginx has very many connections",
        "alerts.yml: HighNginxConnections",
        &[&[&MANY_CONNECTIONS]],
    )
};

static VOICE_LATENCY: Failure = Failure {
    severity: Some(&MEDIUM),
    aliases: &["highvoicelatency"],
    services: &[&VOICE],
    symptoms: &["alert HighVoiceLatency", "replies come late in calls"],
    note: Some(
        "/metrics of the voice server is JSON, which Prometheus cannot read (D29); its average is that of the day",
    ),
    ..Failure::new("voice-latency", "replies come late in calls", "alerts.yml: HighVoiceLatency", &[&[&CALLS_SLOW]])
};

static VOICE_ERRORS: Failure = Failure {
    severity: Some(&MEDIUM),
    aliases: &["voicesessionerrors"],
    services: &[&VOICE],
    symptoms: &["alert VoiceSessionErrors", "calls break off"],
    ..Failure::new(
        "voice-errors",
        "calls break off",
        "alerts.yml: VoiceSessionErrors",
        &[&[&GEMINI_KEY_MISSING, &CALLS_FAIL]],
    )
};

static RESTART: Fix = Fix { title: "restart {service}", risk: Risk::Disruptive, remedy: Remedy::Restart };
static RESTART_API: Fix =
    Fix { title: "restart plugspace-api", risk: Risk::Disruptive, remedy: Remedy::RestartOf(&API) };
static READ_LOG: Fix = Fix {
    title: "read its log",
    risk: Risk::ReadOnly,
    remedy: Remedy::Command(&["opsctl", "logs", "{service}", "-n", "100"]),
};
static CORRECT_ENV: Fix = Fix {
    title: "correct the env file, then restart what reads it",
    risk: Risk::Disruptive,
    remedy: Remedy::Manual(
        "edit /home/plugspace/plugspace/.env as plugspace, then opsctl restart plugspace-api plugspace-worker; the application \
         reads the file itself, so that a restart is enough",
    ),
};

// --- applications

static ROOTS_PM2: Cause = Cause {
    about: About::Host,
    explains: &[&usual::PORT_TAKEN],
    ..Cause::new(
        "PM2-OF-ROOT",
        "root has a pm2 daemon of its own",
        "somebody called pm2 as root, as restore.sh does (D24): it holds ports and runs applications a second time, as root",
        Clue::Output(&PROCESSES, Shows::Line(r"God Daemon \(/root/")),
        &[&Fix {
            title: "see what it runs, then end it",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "as root: PM2_HOME=/root/.pm2 pm2 list, then PM2_HOME=/root/.pm2 pm2 kill; then opsctl restart what did not get \
                 its port",
            ),
        }],
    )
};

/// pm2 writes into its own title where its home is.
static PROCESSES: Question = Question { program: "ps", args: &["-eo", "args"], user: None };

static OTHER_STACK: Cause = Cause {
    about: About::Host,
    explains: &[&usual::PORT_TAKEN],
    ..Cause::new(
        "DOCKER-STACK",
        "docker holds ports of the applications",
        "infrastructure/docker is a second whole stack for the same ports; it also opens MongoDB and Redis past the firewall, \
         with a password that everybody knows (D39)",
        Any(&[
            Clue::Port(4000, Listening::By(&["docker-proxy"])),
            Clue::Port(4001, Listening::By(&["docker-proxy"])),
            Clue::Port(3000, Listening::By(&["docker-proxy"])),
            Clue::Port(3001, Listening::By(&["docker-proxy"])),
            Clue::Port(3002, Listening::By(&["docker-proxy"])),
            Clue::Port(27017, Listening::By(&["docker-proxy"])),
            Clue::Port(6379, Listening::By(&["docker-proxy"])),
        ]),
        &[&Fix {
            title: "stop that stack, and keep its volumes",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "docker compose stop in infrastructure/docker of the checkout, then opsctl restart what did not get its port",
            ),
        }],
    )
};

static ENV_FILE_MISSING: Cause = Cause {
    about: About::These(&[&API]),
    ..Cause::new(
        "ENV-FILE-MISSING",
        "the env file of {service} is missing",
        "API and workers read it themselves at start: what runs goes on, what is restarted finds neither database nor Redis",
        Clue::Env(EnvClue::FileMissing),
        &[&Fix {
            title: "put the env file back",
            risk: Risk::Safe,
            remedy: Remedy::Manual(
                "bring {env} back from the last backup (config_STAMP.tar.gz), owner plugspace, mode 600; opsctl never makes one up",
            ),
        }],
    )
};

static DATABASE_REFUSED: Cause = Cause {
    about: About::These(&[&API]),
    ..Cause::new(
        "DATABASE-REFUSED",
        "{service} cannot use MongoDB, although that answers",
        "DATABASE_URL has another password, host or database than the server: after a rotation the literal OLD_PASSWORD of the \
         runbook's command changes nothing (D16). plugspace_app is defined in database plugspace, not in admin",
        All(&[
            Clue::Unwell,
            Not(&Of(&MONGODB, &Clue::Unwell)),
            Any(&[
                Clue::Reply(Heard::Body(Condition::Is("services.database", "down"))),
                Clue::Said(
                    r"(?i)(authentication failed|SCRAM failure|bad auth|AuthenticationFailed|failed to start server.*(database|mongo))",
                    Window::Run,
                ),
            ]),
        ]),
        &[&CORRECT_ENV],
    )
};

static REDIS_REFUSED: Cause = Cause {
    about: About::These(&[&API]),
    ..Cause::new(
        "REDIS-REFUSED",
        "{service} cannot use Redis, although that answers",
        "REDIS_URL has another password or port than the server; sessions and queues stop",
        All(&[
            Clue::Unwell,
            Not(&Of(&REDIS, &Clue::Unwell)),
            Any(&[
                Clue::Reply(Heard::Body(Condition::Is("services.redis", "down"))),
                Clue::Said(r"(?i)WRONGPASS|NOAUTH|failed to start server.*redis", Window::Run),
            ]),
        ]),
        &[&CORRECT_ENV],
    )
};

static MODULE_MISSING: Cause = Cause {
    about: About::These(APPS),
    ..Cause::new(
        "MODULE-MISSING",
        "{service} cannot find a module or its own script",
        "npm ci was broken off, or the build does not make it: npm ci in the live directory takes modules away under running \
         processes (D34), and the workers' script is never built (D14)",
        All(&[
            Clue::Unwell,
            Clue::Said(
                r"(?i)cannot find (module|package)|ERR_MODULE_NOT_FOUND|MODULE_NOT_FOUND|script not found",
                Window::Run,
            ),
        ]),
        &[&Fix {
            title: "build again, aside, and switch",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual("opsctl redeploy {service}, or opsctl rollback {service} to the version before"),
        }],
    )
};

static BUILD_MISSING: Cause = Cause {
    about: About::These(&[&FRONTEND, &STUDIO, &ADMIN]),
    ..Cause::new(
        "BUILD-MISSING",
        "{service} has no production build",
        ".next was removed or overwritten by a build that failed (D34)",
        All(&[
            Clue::Unwell,
            Clue::Said(
                r"(?i)could not find a (valid|production) build|BUILD_ID|\.next.*(not found|no such file)",
                Window::Run,
            ),
        ]),
        &[&Fix {
            title: "build again, aside, and switch",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual("opsctl redeploy {service}, or opsctl rollback {service}"),
        }],
    )
};

static ROUTE_ELSEWHERE: Cause = Cause {
    about: About::These(APPS),
    ..Cause::new(
        "ROUTE-ELSEWHERE",
        "nginx sends the public host of {service} to another port than {port}",
        "of the two nginx designs one or the other was put in place, or an upstream was changed (D31, D32)",
        Clue::RouteElsewhere,
        &[&Fix {
            title: "correct the upstream and reload",
            risk: Risk::Safe,
            remedy: Remedy::Manual("correct it in /etc/nginx/sites-available, nginx -t, then opsctl reload nginx"),
        }],
    )
};

static INSTANCES_MISSING: Cause = Cause {
    about: About::These(APPS),
    verdict: Verdict::Warn,
    depth: Depth::Effect,
    ..Cause::new(
        "INSTANCES-MISSING",
        "only some instances of {service} run",
        "the others were stopped, or pm2 has given up on them; those that are left take all the work",
        Clue::State(&[State::Partial]),
        &[&RESTART, &READ_LOG],
    )
};

static HEAP_EXHAUSTED: Cause = Cause {
    about: About::These(APPS),
    ..Cause::new(
        "HEAP-EXHAUSTED",
        "{service} ended because its JavaScript heap was full",
        "it leaks, or handles something too big; Node's own limit is below pm2's",
        Clue::Said(
            r"JavaScript heap out of memory|Reached heap limit|Ineffective mark-compacts",
            Window::Seconds(3600),
        ),
        &[&RESTART, &READ_LOG],
    )
};

static GEMINI_KEY_MISSING: Cause = Cause {
    about: About::These(&[&VOICE]),
    ..Cause::new(
        "GEMINI-KEY-MISSING",
        "{service} has no key for Google's Gemini",
        "calls connect, and nobody replies; neither GOOGLE_AI_API_KEY, which the code reads, nor GEMINI_API_KEY is set in the \
         env file that it shares with the API",
        All(&[
            Of(&API, &Clue::Env(EnvClue::KeysMissing(&["GOOGLE_AI_API_KEY"]))),
            Of(&API, &Clue::Env(EnvClue::KeysMissing(&["GEMINI_API_KEY"]))),
        ]),
        &[&Fix {
            title: "set it, then restart the voice server",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "GOOGLE_AI_API_KEY in /home/plugspace/plugspace/.env, then opsctl restart plugspace-voice",
            ),
        }],
    )
};

static GEMINI_FAILS: Cause = Cause {
    about: About::These(&[&VOICE]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "GEMINI-FAILS",
        "Google's Gemini failed {service} in the last ten minutes",
        "the key is refused, the quota is used up, or Google does not answer; its message says which",
        Clue::Said(
            r"(?i)failed to initialize gemini session|gemini session error|error processing text|GoogleGenerativeAI.*error|API key not valid",
            Window::Seconds(600),
        ),
        &[&READ_LOG],
    )
};

// --- databases

static MONGODB_CONFIG: Cause = Cause::new(
    "MONGODB-CONFIG",
    "MongoDB refuses its configuration",
    "D9: storage.journal.enabled is gone since 6.1, and login with a replica set needs a keyFile; the shipped mongod.conf has \
     the one and lacks the other",
    All(&[
        Clue::Unwell,
        Any(&[
            Clue::Said(
                r"Unrecognized option|keyFile is required|security\.keyFile is required|Error parsing (YAML|INI)|BadValue.*(option|config)",
                Window::Run,
            ),
            All(&[
                Clue::Ended(Ending::Exit(&[2])),
                Clue::File("/etc/mongod.conf", FileClue::Contains(r"^\s+journal:")),
            ]),
        ]),
    ]),
    &[&Fix {
        title: "correct /etc/mongod.conf, then start it",
        risk: Risk::Safe,
        remedy: Remedy::Manual(
            "take storage.journal out; security.keyFile: a file with openssl rand -base64 756, owner mongodb, mode 400; then \
             opsctl start mongodb",
        ),
    }],
);

static MONGODB_DAMAGED: Cause = Cause::new(
    "MONGODB-DAMAGED",
    "MongoDB finds its files damaged",
    "WiredTiger cannot read them; a restart does not mend that, and repair may throw data away",
    All(&[
        Clue::Unwell,
        Clue::Said(
            r"WT_PANIC|WT_TRY_SALVAGE|WiredTiger.*(corrupt|checksum)|Fatal assertion.*(28595|50853|28558)",
            Window::Run,
        ),
    ]),
    &[&Fix {
        title: "copy the directory aside, then restore the newest verified backup",
        risk: Risk::Destructive,
        remedy: Remedy::Manual(
            "opsctl stop mongodb; cp -a /var/lib/mongodb aside; restore into an empty directory; keep the old one",
        ),
    }],
);

static MONGODB_LOCKED: Cause = Cause::new(
    "MONGODB-LOCKED",
    "another mongod uses the data directory",
    "a second one was started by hand or in a container, and holds mongod.lock",
    All(&[
        Clue::Unwell,
        Clue::Said(r"DBPathInUse|Unable to lock the lock file|Another mongod instance is already running", Window::Run),
    ]),
    &[&Fix {
        title: "find it and stop it; never remove the lock while it runs",
        risk: Risk::Disruptive,
        remedy: Remedy::Manual("pgrep -a mongod; docker ps; stop that one, then opsctl start mongodb"),
    }],
);

static MONGODB_SOCKET: Cause = Cause::new(
    "MONGODB-SOCKET",
    "MongoDB cannot replace its socket in /tmp: it belongs to another user",
    "somebody started mongod as root by hand; its socket stayed",
    All(&[
        Clue::Unwell,
        Any(&[
            Clue::Said("Failed to unlink socket file", Window::Run),
            Clue::File("/tmp/mongodb-27017.sock", FileClue::OwnedByOther("mongodb")),
        ]),
    ]),
    &[&Fix {
        title: "remove the socket, then start it",
        risk: Risk::Safe,
        remedy: Remedy::Manual("rm /tmp/mongodb-27017.sock, while no mongod runs; then opsctl start mongodb"),
    }],
);

static MONGODB_DATA_OWNER: Cause = Cause::new(
    "MONGODB-DATA-OWNER",
    "MongoDB cannot use its data directory",
    "/var/lib/mongodb must belong to mongodb; a restore or mongod run as root left files of root there",
    All(&[
        Clue::Unwell,
        Any(&[
            Clue::File("/var/lib/mongodb", FileClue::Missing),
            Clue::File("/var/lib/mongodb", FileClue::OwnedByOther("mongodb")),
        ]),
    ]),
    &[&Fix {
        title: "give it back to mongodb, then start it",
        risk: Risk::Safe,
        remedy: Remedy::Manual(
            "chown -R mongodb:mongodb /var/lib/mongodb, then opsctl start mongodb; where it is gone, restore",
        ),
    }],
);

static NO_PRIMARY: Cause = Cause {
    severity: Some(&CRITICAL),
    ..Cause::new(
        "NO-PRIMARY",
        "MongoDB answers, but is no primary: it takes no writes",
        "the one member stepped down, is recovering, or does not find itself under the name of its configuration \
         (localhost:27017); or the set was never initiated",
        All(&[Clue::State(&[State::Running]), Clue::Reply(Heard::Text("^no primary$"))]),
        &[
            &Fix {
                title: "ask it why, with a login",
                risk: Risk::ReadOnly,
                remedy: Remedy::Manual("mongosh with the admin URI given on standard input: rs.status(), rs.conf()"),
            },
            &RESTART,
        ],
    )
};

static CONNECTIONS_REFUSED: Cause = Cause {
    about: About::These(&[&MONGODB]),
    ..Cause::new(
        "CONNECTIONS-REFUSED",
        "MongoDB turns clients away: too many connections",
        "all that the limit of open files allows are in use; an application opens new clients and does not close them",
        Clue::Said("(?i)too many open connections|too many open files", Window::Seconds(600)),
        &[&RESTART_API, &READ_LOG],
    )
};

static SLOW_OPERATIONS: Cause = Cause {
    about: About::These(&[&MONGODB]),
    verdict: Verdict::Warn,
    severity: Some(&MEDIUM),
    explains: &[&ANSWERS_SLOW],
    ..Cause::new(
        "SLOW-OPERATIONS",
        "MongoDB called 50 operations or more slow in the last five minutes",
        "slower than 100 ms each; most often an index is missing",
        Clue::SaidTimes(50, "Slow query", Window::Seconds(300)),
        &[&Fix {
            title: "see which, then add an index or end one",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["opsctl", "logs", "mongodb", "-g", "Slow query", "-n", "20"]),
        }],
    )
};

static REDIS_CONFIG: Cause = Cause::new(
    "REDIS-CONFIG",
    "Redis refuses its configuration",
    "a line of redis.conf or of a file that it includes is wrong; the message names it",
    All(&[
        Clue::Unwell,
        Clue::Said(r"FATAL CONFIG FILE ERROR|Bad directive or wrong number|can't open config file", Window::Run),
    ]),
    &[&Fix {
        title: "correct the line, then start it",
        risk: Risk::Safe,
        remedy: Remedy::Manual("the log names file and line; then opsctl start redis"),
    }],
);

static AOF_DAMAGED: Cause = Cause::new(
    "AOF-DAMAGED",
    "Redis cannot read its append-only file",
    "the end of it is cut or damaged, as after a full disk or a power failure",
    All(&[
        Clue::Unwell,
        Clue::Said(
            r"(?i)bad file format reading the append only file|unexpected end of file reading the append only file|error reading the RDB|short read or OOM loading DB|wrong signature trying to load DB",
            Window::Run,
        ),
    ]),
    &[&Fix {
        title: "copy appendonlydir aside, then cut off the damaged end",
        risk: Risk::Destructive,
        remedy: Remedy::Manual(
            "cp -a /var/lib/redis/appendonlydir aside; redis-check-aof --fix on the file that the log names; then opsctl start \
             redis",
        ),
    }],
);

static REDIS_DATA_OWNER: Cause = Cause::new(
    "REDIS-DATA-OWNER",
    "Redis cannot use its data directory",
    "/var/lib/redis must belong to redis; a restore as root left it otherwise",
    Any(&[
        All(&[Clue::Unwell, Clue::File("/var/lib/redis", FileClue::Missing)]),
        Clue::File("/var/lib/redis", FileClue::OwnedByOther("redis")),
        Clue::File("/var/lib/redis/appendonlydir", FileClue::OwnedByOther("redis")),
    ]),
    &[&Fix {
        title: "give it back to redis",
        risk: Risk::Safe,
        remedy: Remedy::Manual(
            "chown -R redis:redis /var/lib/redis; where it is gone, restore; then opsctl restart redis",
        ),
    }],
);

static PASSWORD_REFUSED: Cause = Cause::new(
    "PASSWORD-REFUSED",
    "Redis refuses the password in its credentials file",
    "requirepass was changed, and /root/.plugspace/redis-credentials.txt was not: backups and opsctl use that one, the \
     applications REDIS_URL",
    Clue::Reply(Heard::Text("^-(WRONGPASS|NOAUTH|ERR AUTH|ERR invalid password)")),
    &[&Fix {
        title: "write the right password into it",
        risk: Risk::Safe,
        remedy: Remedy::Manual(
            "edit /root/.plugspace/redis-credentials.txt, mode 600; compare with requirepass of redis.conf",
        ),
    }],
);

/// Redis can be asked.
const ASKABLE: Clue = Not(&Of(&REDIS, &Clue::Unwell));

static INFO: RedisQuestion = RedisQuestion { server: &REDIS, commands: &[&["INFO"]] };

static REDIS_LOADING: Cause = Cause {
    verdict: Verdict::Warn,
    about: About::These(&[&REDIS]),
    ..Cause::new(
        "REDIS-LOADING",
        "Redis is still loading its data",
        "it answers questions about data only when that is over",
        All(&[ASKABLE, Clue::Redis(&INFO, Shows::Line("^loading:1$"))]),
        &[&READ_LOG],
    )
};

static SAVE_FAILS: Cause = Cause::new(
    "SAVE-FAILS",
    "Redis cannot write its data to the disk",
    "its last snapshot, or its last write to the append-only file, failed: a full disk, or a directory that is not its own. \
     Once snapshots fail it takes no writes and refuses even PING (MISCONF), and what is in memory only is lost with the next restart",
    Any(&[
        Clue::Reply(Heard::Text("^-MISCONF")),
        All(&[
            ASKABLE,
            Clue::Redis(
                &INFO,
                Shows::Line("^(rdb_last_bgsave_status|aof_last_write_status|aof_last_bgrewrite_status):err"),
            ),
        ]),
    ]),
    &[&Fix {
        title: "make room or give the directory back, then let it save",
        risk: Risk::Safe,
        remedy: Remedy::Manual("df /var/lib/redis; ls -ld /var/lib/redis; then BGSAVE, and look at INFO persistence"),
    }],
);

static EVICTING: Cause = Cause {
    verdict: Verdict::Warn,
    ..Cause::new(
        "EVICTING",
        "Redis throws keys away to make room",
        "D12: its policy is allkeys-lru, which takes queued jobs as well as sessions; BullMQ needs noeviction. Counted since \
         its start",
        All(&[ASKABLE, Clue::Redis(&INFO, Shows::Line("^evicted_keys:[1-9]"))]),
        &[&Fix {
            title: "give it more memory, and maxmemory-policy noeviction",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual("edit maxmemory and maxmemory-policy in redis.conf, then opsctl restart redis"),
        }],
    )
};

const MEMORY_USED: Share = Share { part: "used_memory:", whole: "maxmemory:", percent: 90 };

static MAXMEMORY: Cause = Cause {
    verdict: Verdict::Warn,
    ..Cause::new(
        "MAXMEMORY",
        "Redis uses more than nine tenths of its memory",
        "what comes then throws other keys away",
        All(&[ASKABLE, Clue::Redis(&INFO, Shows::Part(MEMORY_USED))]),
        &[&Fix {
            title: "find what grows, or give it more",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "redis-cli --bigkeys with REDISCLI_AUTH; maxmemory in redis.conf, then opsctl restart redis",
            ),
        }],
    )
};

// --- queues

/// BullMQ keeps what waits in a list, and what waits with a priority in a sorted set.
static QUEUES: RedisQuestion = RedisQuestion {
    server: &REDIS,
    commands: &[
        &["LLEN", "bull:plugspace:architect:wait"],
        &["LLEN", "bull:plugspace:design:wait"],
        &["LLEN", "bull:plugspace:code:wait"],
        &["LLEN", "bull:plugspace:analyze:wait"],
        &["LLEN", "bull:plugspace:deploy:wait"],
        &["LLEN", "bull:plugspace:export:wait"],
        &["ZCARD", "bull:plugspace:architect:prioritized"],
        &["ZCARD", "bull:plugspace:design:prioritized"],
        &["ZCARD", "bull:plugspace:code:prioritized"],
        &["ZCARD", "bull:plugspace:analyze:prioritized"],
        &["ZCARD", "bull:plugspace:deploy:prioritized"],
        &["ZCARD", "bull:plugspace:export:prioritized"],
    ],
};

static BACKLOG: Cause = Cause {
    verdict: Verdict::Warn,
    ..Cause::new(
        "BACKLOG",
        "more than 100 jobs wait in a queue",
        "the workers are down, too slow, or wait for Gemini or the database",
        All(&[ASKABLE, Clue::Redis(&QUEUES, Shows::Line(r"^(LLEN|ZCARD) \S+: (10[1-9]|1[1-9]\d|[2-9]\d\d|\d{4,})$"))]),
        &[&READ_LOG, &RESTART],
    )
};

static JOBS_FAIL: Cause = Cause {
    verdict: Verdict::Warn,
    ..Cause::new(
        "JOBS-FAIL",
        "more than ten jobs failed in the last five minutes",
        "the log says of each why",
        Clue::SaidTimes(11, "(?i)worker job failed|task failed", Window::Seconds(300)),
        &[&Fix {
            title: "read why",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["opsctl", "logs", "plugspace-worker", "-g", "(?i)failed", "-n", "20"]),
        }],
    )
};

// --- the edge

static NGINX_CONFIG: Cause = Cause::new(
    "NGINX-CONFIG",
    "nginx does not take its configuration",
    "it runs on with the old one until it is restarted; then every public host is down",
    Clue::ProxyRejects,
    &[&Fix {
        title: "correct it; nginx -t must pass before anything is restarted",
        risk: Risk::Safe,
        remedy: Remedy::Manual("nginx -t names file and line; then opsctl reload nginx, or opsctl start nginx"),
    }],
);

static HTTPS_PORT_TAKEN: Cause = Cause {
    severity: Some(&CRITICAL),
    explains: &[&TLS_SILENT, &usual::CERTIFICATE_NAME, &usual::STOPPED, &usual::FAILED],
    about: About::Host,
    ..Cause::new(
        "HTTPS-PORT-TAKEN",
        "another program than nginx holds port 443",
        "the docker stack has an edge of its own; whoever starts first at boot has the port",
        Clue::Port(443, Listening::NotBy(&["nginx"])),
        &[&Fix {
            title: "stop that program, then restart nginx",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual("ss -Hltnp 'sport = :443' says whose it is; stop it, then opsctl restart nginx"),
        }],
    )
};

static MANY_CONNECTIONS: Cause = Cause {
    verdict: Verdict::Warn,
    ..Cause::new(
        "CONNECTIONS-MANY",
        "nginx has more than 5,000 connections",
        "an attack, a client that does not close, or calls; worker_connections is the end of it",
        All(&[
            Clue::State(&[State::Running]),
            Clue::Get(&NGINX_STATUS, Heard::Text(r"Active connections: ([5-9]\d{3}|\d{5,})\b")),
        ]),
        &[&Fix {
            title: "see from where",
            risk: Risk::ReadOnly,
            remedy: Remedy::Manual(
                "ss -Htn state established '( sport = :443 )', counted by address; block one with ufw insert 1 (D17)",
            ),
        }],
    )
};

static NGINX_STATUS: Http = Http::get(8080, "/nginx_status", &[]);

const REQUESTS: &str = r#""[A-Z]+ /([^v]|v[^o]).*" [1-5]\d\d "#;

static SLOW: LineShare = requests(Share { part: r"\brt=[1-9]", whole: REQUESTS, percent: 5 });

static ANSWERS_SLOW: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    depth: Depth::Effect,
    ..Cause::new(
        "ANSWERS-SLOW",
        "more than one answer in twenty took longer than a second",
        "counted over the last five minutes in nginx's access log, calls left out; applications, database or processors are \
         slow",
        Clue::Lines(&SLOW),
        &[&Fix {
            title: "see which requests",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["opsctl", "logs", "nginx", "-g", "rt=[1-9]", "-n", "20"]),
        }],
    )
};

/// A part of what was answered in the last five minutes, ten answers at least.
const fn requests(share: Share) -> LineShare {
    LineShare { file: "/var/log/nginx/access.log", seconds: 300, share, least: 10 }
}

const fn errors(percent: u8) -> LineShare {
    requests(Share { part: r#"" 5\d\d \d+ ""#, whole: r#"" [1-5]\d\d \d+ ""#, percent })
}
static TENTH: LineShare = errors(10);
static TWENTIETH: LineShare = errors(5);

static READ_ERRORS: Fix = Fix {
    title: "see which requests",
    risk: Risk::ReadOnly,
    remedy: Remedy::Command(&["opsctl", "logs", "nginx", "-g", "\" 5[0-9][0-9] ", "-n", "20"]),
};

static ERRORS_MANY: Cause = Cause {
    about: About::Host,
    depth: Depth::Effect,
    severity: Some(&CRITICAL),
    ..Cause::new(
        "ERRORS-MANY",
        "more than one answer in ten is an error of the server",
        "counted over the last five minutes in nginx's access log; 502 and 504: the application behind is down or slow",
        Clue::Lines(&TENTH),
        &[&READ_ERRORS],
    )
};

static ERRORS_SOME: Cause = Cause {
    about: About::Host,
    depth: Depth::Effect,
    verdict: Verdict::Warn,
    severity: Some(&HIGH),
    ..Cause::new(
        "ERRORS-SOME",
        "more than one answer in twenty is an error of the server",
        "counted over the last five minutes in nginx's access log",
        All(&[Clue::Lines(&TWENTIETH), Not(&Clue::Lines(&TENTH))]),
        &[&READ_ERRORS],
    )
};

/// Some certificate is not as it should be; else nothing hangs on what was said of renewals.
const A_CERTIFICATE_TROUBLES: Clue =
    Any(&[Clue::Certificate(Flaw::Any), Clue::Certificate(Flaw::Ending), Clue::Certificate(Flaw::None)]);

static CERTBOT: Question = Question {
    program: "systemctl",
    args: &["show", "--no-pager", "--property=LoadState,ActiveState", "--", "certbot.timer"],
    user: None,
};

static RENEWAL_OFF: Cause = Cause {
    about: About::Host,
    explains: &[&usual::CERTIFICATE_ENDING, &usual::CERTIFICATE_EXPIRED],
    ..Cause::new(
        "RENEWAL-OFF",
        "nothing renews certificates: certbot.timer is off",
        "it looks twice a day and renews what has less than 30 days",
        All(&[A_CERTIFICATE_TROUBLES, Clue::Output(&CERTBOT, Shows::NoLine("^ActiveState=active$"))]),
        &[&Fix {
            title: "switch it on; it looks within half a day",
            risk: Risk::Safe,
            remedy: Remedy::Command(&["systemctl", "enable", "--now", "certbot.timer"]),
        }],
    )
};

static RENEWAL_FAILS: Cause = Cause {
    about: About::Host,
    explains: &[&usual::CERTIFICATE_ENDING, &usual::CERTIFICATE_EXPIRED],
    ..Cause::new(
        "RENEWAL-FAILS",
        "certbot could not renew a certificate",
        "its last words say why: the name points elsewhere, port 80 is closed, or a rate limit, which more tries make longer",
        All(&[
            A_CERTIFICATE_TROUBLES,
            Clue::File(
                "/var/log/letsencrypt/letsencrypt.log",
                FileClue::Contains(
                    r"urn:ietf:params:acme:error:\w+|(?i)challenges? (has )?failed|too many certificates|Failed to renew",
                ),
            ),
        ]),
        &[&Fix {
            title: "put that right, then try without effect first",
            risk: Risk::ReadOnly,
            remedy: Remedy::Manual("certbot renew --dry-run; then certbot renew, and opsctl reload nginx"),
        }],
    )
};

static HTTP_CLOSED: Cause = Cause {
    about: About::Host,
    ..Cause::new(
        "HTTP-CLOSED",
        "the firewall lets nobody in to port 80 or 443",
        "Let's Encrypt must reach port 80 to renew, and visitors must reach 443",
        Any(&[Clue::FirewallCloses(80), Clue::FirewallCloses(443)]),
        &[&Fix {
            title: "let everybody in to 80 and 443",
            risk: Risk::Safe,
            remedy: Remedy::Manual("ufw allow 80/tcp; ufw allow 443/tcp"),
        }],
    )
};

static TLS_SILENT: Cause = usual::tls_silent(All(&[Clue::Certificate(Flaw::None), Not(&Of(&NGINX, &Clue::Unwell))]));

// --- the host

static LOGS_BIG: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "LOGS-BIG",
        "a log of the applications has more than 100 MB while the disk fills up",
        "logrotate and pm2-logrotate both turn /var/log/pm2 over, and neither tells pm2 to open its files again (D38)",
        All(&[
            Clue::Disk(Verdict::Warn),
            Any(&[
                Clue::File("/var/log/pm2/api-out.log", FileClue::Larger(100 << 20)),
                Clue::File("/var/log/pm2/api-error.log", FileClue::Larger(100 << 20)),
                Clue::File("/var/log/pm2/voice-out.log", FileClue::Larger(100 << 20)),
                Clue::File("/var/log/pm2/worker-out.log", FileClue::Larger(100 << 20)),
                Clue::File("/var/log/pm2/worker-error.log", FileClue::Larger(100 << 20)),
                Clue::File("/var/log/pm2/frontend-out.log", FileClue::Larger(100 << 20)),
                Clue::File("/var/log/mongodb/mongod.log", FileClue::Larger(100 << 20)),
                Clue::File("/var/log/nginx/access.log", FileClue::Larger(100 << 20)),
            ]),
        ]),
        &[&Fix {
            title: "turn the logs over now",
            risk: Risk::Safe,
            remedy: Remedy::Manual(
                "logrotate --force /etc/logrotate.conf; pm2 flush loses what is in them, so only if that is not enough",
            ),
        }],
    )
};

static BACKUPS_OLD: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "BACKUPS-OLD",
        "backups older than 30 days lie on the disk while it fills up",
        "the script's own clean-up counts after it has deleted and may match the directory itself (D22)",
        All(&[
            Clue::Disk(Verdict::Warn),
            Clue::Leftovers { dir: "/home/plugspace/backups", prefix: "20", suffix: "", older_seconds: 30 * 86_400 },
        ]),
        &[&Fix {
            title: "remove the oldest, directory by directory; keep three that were verified",
            risk: Risk::Destructive,
            remedy: Remedy::Manual(
                "ls -t /home/plugspace/backups; verify the newest three first, then remove the oldest by name",
            ),
        }],
    )
};

static FAILED_UNITS: Cause = Cause { verdict: Verdict::Warn, severity: Some(&LOW), ..usual::unit_failed() };
static LOOPING_UNITS: Cause = Cause { severity: Some(&MEDIUM), ..usual::unit_looping() };

static CALLS_SLOW: Cause = Cause {
    about: About::These(&[&VOICE]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "CALLS-SLOW",
        "calls have more than half a second of delay on average today",
        "Gemini is slow, or the processors are busy",
        All(&[
            Not(&Clue::Unwell),
            Clue::Get(&VOICE_METRICS, Heard::Status(&[200])),
            Clue::Get(&VOICE_METRICS, Heard::Above("avgLatency", 500)),
        ]),
        &[&READ_LOG],
    )
};

static VOICE_METRICS: Http = Http::get(4001, "/metrics", &[]);

static CALLS_FAIL: Cause = Cause {
    about: About::These(&[&VOICE]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "CALLS-FAIL",
        "{service} had an error every ten seconds in the last five minutes",
        "what the alert means by 0.1 a second; the log says of each why",
        Clue::SaidTimes(
            30,
            r"(?i)gemini session error|message processing error|websocket error|connection setup error|error processing text",
            Window::Seconds(300),
        ),
        &[&READ_LOG],
    )
};
