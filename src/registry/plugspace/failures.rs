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
static API_DOWN: Failure = Failure::new(
    "api-down",
    &[
        &[&usual::PM_DOWN, &ROOTS_PM2, &OTHER_STACK, &ENV_FILE_MISSING, &DATABASE_REFUSED, &REDIS_REFUSED],
        APPLICATION,
        USUAL,
    ],
)
.summary("the API does not answer, or reports degraded")
.section("API Down")
.aliases(&["api", "502", "503", "servicedown"])
.services(&[&API])
.symptoms(&["the API answers 502 or 503", "pm2 shows plugspace-api errored or stopped", "alert ServiceDown"])
.note(
    "the runbook verifies with https://plugspace.io/api/health, which does not exist, and /health at the edge is a \
     fixed text: use localhost:4000/health. After ten restarts pm2 gives up and waits for a manual start. Never run \
     pm2 as root: it starts a second daemon and all applications twice. The alert ServiceDown always fires",
);

// F2
static VOICE_DOWN: Failure = Failure::new("voice-down", &[&[&GEMINI_KEY_MISSING, &GEMINI_FAILS], APPLICATION, USUAL])
    .summary("the voice server accepts no calls")
    .section("Voice Server Down")
    .aliases(&["voice", "websocket", "voiceserverdown"])
    .services(&[&VOICE])
    .symptoms(&["WebSocket connections fail", "calls end"])
    .note(
        "its /health reports healthy even without Redis; an upgrade on /voice must get 101, or a close with 4001 to \
         4003, not 502. A restart ends all calls after 30 s",
    );

// F3
static MONGODB_DOWN: Failure = Failure::new(
    "mongodb-down",
    &[&[&MONGODB_CONFIG, &MONGODB_DAMAGED, &MONGODB_LOCKED, &MONGODB_SOCKET, &MONGODB_DATA_OWNER, &NO_PRIMARY], USUAL],
)
.summary("MongoDB does not answer, or accepts no writes")
.section("MongoDB Down")
.aliases(&["mongo", "mongod", "database", "mongodbdown"])
.services(&[&MONGODB])
.symptoms(&["\"connection refused\" on 27017 in the API's log", "nothing is saved", "alert MongoDBDown"])
.note(
    "user plugspace cannot sudo systemctl for it, and root cannot log in over SSH: use the provider's console. \
     rs.status needs a login, which the runbook omits; opsctl uses hello, which needs none. Run rs.initiate only on \
     a node that was never initiated, with _id plugspace-rs and localhost:27017: anything else destroys the set",
);

// F4
static REDIS_DOWN: Failure = Failure::new(
    "redis-down",
    &[&[&REDIS_CONFIG, &AOF_DAMAGED, &REDIS_DATA_OWNER, &PASSWORD_REFUSED, &REDIS_LOADING, &SAVE_FAILS], USUAL],
)
.summary("Redis does not answer, or does not save")
.section("Redis Down")
.aliases(&["sessions", "aof", "redisdown"])
.services(&[&REDIS])
.symptoms(&["sessions fail", "queues stop", "alert RedisDown"])
.note(
    "CONFIG, FLUSHALL, FLUSHDB and DEBUG are removed on this server: change redis.conf and restart. Pass its \
     password in REDISCLI_AUTH, never in the arguments. While appendonly is on, the server ignores a new dump.rdb at \
     start",
);

// F9
static DISK_LOW: Failure = Failure::new("disk-low", &[&[&LOGS_BIG, &BACKUPS_OLD], usual::DISK])
    .summary("a file system is full or nearly full")
    .section("Disk Space Low")
    .aliases(&["disk", "disk-full", "no-space", "enospc", "inodes"])
    .symptoms(&["less than 15 % of the disk is free", "MongoDB or Redis cannot write"])
    .note(
        "the runbook deletes backups older than 7 days, although the policy keeps 30, and its find may match the \
         directory itself: never remove the newest three verified ones. docker system prune -a and pm2 flush destroy \
         evidence: use them last",
    );

// F8
static CERTIFICATE_EXPIRING: Failure = Failure::new(
    "certificate-expiring",
    &[&[&RENEWAL_OFF, &RENEWAL_FAILS, &HTTP_CLOSED], usual::CERTIFICATES, &[&TLS_SILENT]],
)
.summary("a certificate is not valid, or expires soon")
.section("SSL Certificate Expiring")
.aliases(&["certificate", "tls", "ssl", "https", "certbot"])
.symptoms(&["browsers warn of the certificate", "alert SSLCertificateExpiring"])
.note(
    "the certificate of ssl-setup.sh names only plugspace.io and www, but nginx uses it for studio, api, admin and \
     *.projects; a wildcard needs a DNS challenge. Use --force-renewal only when a renewal is due: the limit is five \
     equal certificates per week",
);

// F10
static NGINX_DOWN: Failure = Failure::new("nginx-down", &[&[&NGINX_CONFIG, &HTTPS_PORT_TAKEN], USUAL])
    .summary("nginx, and with it every public host, is down")
    .section("alerts.yml: NginxDown")
    .aliases(&["edge", "nginxdown"])
    .services(&[&NGINX])
    .symptoms(&["no host name answers"]);

/// Only the alert of this name has what the runbook does not: the sites, the workers and what watches them.
static SERVICE_DOWN: Failure = Failure::new(
    "service-down",
    &[APPLICATION, USUAL, &[&usual::ENGINE_DOWN, &FAILED_UNITS, &LOOPING_UNITS, &usual::CLOCK_ADRIFT]],
)
.summary("a site, the workers or the monitoring is not working")
.section("alerts.yml: ServiceDown")
.aliases(&["down", "frontend-down", "worker-down", "crash-loop", "errored", "pm2"])
.services(OTHERS)
.symptoms(&["a site answers 502", "pm2 shows an application errored"])
.note(
    "the repository's own build leaves plugspace-worker errored: its script is never built, and would only export a \
     class",
);

// F6
static HIGH_MEMORY: Failure = Failure::new("high-memory", &[&[&HEAP_EXHAUSTED], usual::MEMORY])
    .summary("the host or an application runs out of memory")
    .section("High Memory Usage")
    .severity(&HIGH)
    .aliases(&["memory", "oom", "heap"])
    .symptoms(&["more than 85 % of the memory is used", "\"JavaScript heap out of memory\""])
    .note(
        "pm2's limits add up to 26.5 GB on a host of 8 GB: they do not protect it. MongoDB's cache is 2 GB \
         (cacheSizeGB in /etc/mongod.conf)",
    );

// F5
static HIGH_CPU: Failure = Failure::new("high-cpu", &[&[&usual::LOAD_HIGH]])
    .summary("the host is overloaded: more work than its processors can do")
    .section("High CPU Usage")
    .severity(&HIGH)
    .aliases(&["cpu", "load"])
    .symptoms(&["alert HighCPUUsage", "everything answers late"])
    .note(
        "the runbook's pm2 scale plugspace-api +2 increases the load: there are already more instances than the four \
         processors. The next reload of the ecosystem file undoes it",
    );

// F7
static HIGH_LATENCY: Failure = Failure::new("high-latency", &[&[&SLOW_OPERATIONS, &ANSWERS_SLOW]])
    .summary("answers are slow")
    .section("High Response Time")
    .severity(&MEDIUM)
    .aliases(&["slow", "latency", "highresponsetime"])
    .symptoms(&["answers take more than 1 s", "alert HighResponseTime"])
    .note(
        "currentOp and the slow log of Redis need a login; the runbook shows currentOp without one. The alert's 95th \
         percentile means that more than 5 % of the answers take over a second",
    );

static ERROR_RATE: Failure = Failure::new("error-rate", &[&[&ERRORS_MANY, &ERRORS_SOME]])
    .summary("many answers are server errors")
    .section("alerts.yml: HighErrorRate")
    .aliases(&["errors", "5xx", "500", "higherrorrate"])
    .symptoms(&["alert HighErrorRate or CriticalErrorRate"])
    .note("counted in nginx's access log, because the API has no metrics");

static QUEUE_BACKLOG: Failure = Failure::new("queue-backlog", &[&[&BACKLOG]])
    .summary("jobs wait in a queue")
    .section("alerts.yml: QueueBacklog")
    .severity(&MEDIUM)
    .aliases(&["queue", "backlog", "jobs", "queuebacklog"])
    .services(&[&WORKER])
    .symptoms(&["jobs wait", "alert QueueBacklog"])
    .note(
        "the six queues are plugspace:architect, design, code, analyze, deploy and export; jobs with a priority wait \
         in a separate set (prioritized), which the alert does not count. The alert needs five minutes, opsctl \
         checks once",
    );

static QUEUE_FAILED: Failure = Failure::new("queue-failed", &[&[&JOBS_FAIL]])
    .summary("jobs fail")
    .section("alerts.yml: QueueFailedJobs")
    .severity(&MEDIUM)
    .aliases(&["failed-jobs", "queuefailedjobs"])
    .services(&[&WORKER])
    .symptoms(&["alert QueueFailedJobs"]);

static REDIS_MEMORY: Failure =
    Failure::new("redis-memory", &[&[&EVICTING, &MAXMEMORY, &usual::REDIS_FULL, &usual::REDIS_NEARLY_FULL]])
        .summary("Redis is nearly out of memory")
        .section("alerts.yml: RedisHighMemory")
        .severity(&MEDIUM)
        .aliases(&["maxmemory", "eviction", "redishighmemory"])
        .services(&[&REDIS])
        .symptoms(&["alert RedisHighMemory", "jobs disappear"])
        .note("opsctl reads maxmemory from INFO, because the runbook's CONFIG GET is removed on this server");

static MONGODB_CONNECTIONS: Failure = Failure::new("mongodb-connections", &[&[&CONNECTIONS_REFUSED]])
    .summary("MongoDB runs out of connections")
    .section("alerts.yml: MongoDBHighConnections")
    .severity(&MEDIUM)
    .aliases(&["mongodbhighconnections"])
    .services(&[&MONGODB])
    .symptoms(&["alert MongoDBHighConnections"])
    .note(
        "only serverStatus has the number of connections, and it needs a login; opsctl detects that mongod rejects \
         clients",
    );

static MONGODB_REPLICATION_LAG: Failure = Failure::new("mongodb-replication-lag", &[&[&NO_PRIMARY]])
    .summary("the replica set has no primary, or a member lags")
    .section("alerts.yml: MongoDBReplicationLag")
    .aliases(&["replication", "lag", "mongodbreplicationlag"])
    .services(&[&MONGODB])
    .symptoms(&["alert MongoDBReplicationLag"])
    .note("the set has one member, which cannot lag; it can only be without a primary");

static NGINX_CONNECTIONS: Failure = Failure::new("nginx-connections", &[&[&MANY_CONNECTIONS]])
    .summary("nginx has very many connections")
    .section("alerts.yml: HighNginxConnections")
    .severity(&MEDIUM)
    .aliases(&["highnginxconnections"])
    .services(&[&NGINX])
    .symptoms(&["alert HighNginxConnections"]);

static VOICE_LATENCY: Failure = Failure::new("voice-latency", &[&[&CALLS_SLOW]])
    .summary("replies in calls are late")
    .section("alerts.yml: HighVoiceLatency")
    .severity(&MEDIUM)
    .aliases(&["highvoicelatency"])
    .services(&[&VOICE])
    .symptoms(&["alert HighVoiceLatency", "replies in calls are late"])
    .note("/metrics of the voice server is JSON, which Prometheus cannot read; its average covers the day");

static VOICE_ERRORS: Failure = Failure::new("voice-errors", &[&[&GEMINI_KEY_MISSING, &CALLS_FAIL]])
    .summary("calls are cut off")
    .section("alerts.yml: VoiceSessionErrors")
    .severity(&MEDIUM)
    .aliases(&["voicesessionerrors"])
    .services(&[&VOICE])
    .symptoms(&["alert VoiceSessionErrors", "calls are cut off"]);

static RESTART: Fix = Fix::new("restart {service}", Risk::Disruptive, Remedy::Restart);
static RESTART_API: Fix = Fix::new("restart plugspace-api", Risk::Disruptive, Remedy::RestartOf(&API));
static READ_LOG: Fix =
    Fix::new("read its log", Risk::ReadOnly, Remedy::Command(&["opsctl", "logs", "{service}", "-n", "100"]));
static CORRECT_ENV: Fix = Fix::new(
    "correct the env file, then restart what reads it",
    Risk::Disruptive,
    Remedy::Manual(
        "edit /home/plugspace/plugspace/.env as plugspace, then opsctl restart plugspace-api plugspace-worker; the \
         application reads the file itself, so a restart is enough",
    ),
);

// --- applications

static ROOTS_PM2: Cause = Cause::new("PM2-OF-ROOT", Clue::Output(&PROCESSES, Shows::Line(r"God Daemon \(/root/")))
    .summary("root runs a second pm2 daemon")
    .explanation(
        "somebody ran pm2 as root, as restore.sh does: the daemon holds ports and runs applications a second time, \
         as root",
    )
    .about(About::Host)
    .explains(&[&usual::PORT_TAKEN])
    .fixes(&[&Fix::new(
        "see what it runs, and delete the second copies from it",
        Risk::Disruptive,
        Remedy::Manual(
            "as root: PM2_HOME=/root/.pm2 pm2 list. Delete by name, one at a time, each application that also runs \
             under plugspace's daemon; after each, opsctl restart that service. The public may use applications that \
             run only under root",
        ),
    )]);

/// pm2 writes into its own title where its home is.
static PROCESSES: Question = Question::new("ps").args(&["-eo", "args"]);

static OTHER_STACK: Cause = Cause::new(
    "DOCKER-STACK",
    Any(&[
        Clue::Port(4000, Listening::By(&["docker-proxy"])),
        Clue::Port(4001, Listening::By(&["docker-proxy"])),
        Clue::Port(3000, Listening::By(&["docker-proxy"])),
        Clue::Port(3001, Listening::By(&["docker-proxy"])),
        Clue::Port(3002, Listening::By(&["docker-proxy"])),
        Clue::Port(27017, Listening::By(&["docker-proxy"])),
        Clue::Port(6379, Listening::By(&["docker-proxy"])),
    ]),
)
.summary("docker uses ports of the applications")
.explanation(
    "infrastructure/docker is a second complete stack on the same ports; it also exposes MongoDB and Redis past the \
     firewall, with a public password",
)
.about(About::Host)
.explains(&[&usual::PORT_TAKEN])
.fixes(&[&Fix::new(
    "stop that stack, and keep its volumes",
    Risk::Disruptive,
    Remedy::Manual(
        "docker compose stop in infrastructure/docker of the checkout, then opsctl restart the services that did not \
         get their port",
    ),
)]);

static ENV_FILE_MISSING: Cause = Cause::new("ENV-FILE-MISSING", Clue::Env(EnvClue::FileMissing))
    .summary("the env file of {service} is missing")
    .explanation(
        "API and workers read it at start: running processes continue, restarted ones reach neither database nor \
         Redis",
    )
    .about(About::These(&[&API]))
    .fixes(&[&Fix::new(
        "recreate the env file",
        Risk::Safe,
        Remedy::Manual(
            "copy {env} from the last backup (config_STAMP.tar.gz), owner plugspace, mode 600; opsctl never invents \
             an env file",
        ),
    )]);

static DATABASE_REFUSED: Cause = Cause::new(
    "DATABASE-REFUSED",
    All(&[
        Clue::Unhealthy,
        Not(&Of(&MONGODB, &Clue::Unhealthy)),
        Any(&[
            Clue::Reply(Heard::Body(Condition::at("services.database").is("down"))),
            Clue::Said(
                concat!(
                    r"(?i)(authentication failed|SCRAM failure|bad auth|AuthenticationFailed",
                    r"|failed to start server.*(database|mongo))"
                ),
                Window::Run,
            ),
        ]),
    ]),
)
.summary("{service} cannot use MongoDB, although MongoDB answers")
.explanation(
    "DATABASE_URL has another password, host or database than the server; in a rotation the runbook's command with \
     the literal OLD_PASSWORD changes nothing. plugspace_app is defined in database plugspace, not in admin",
)
.about(About::These(&[&API]))
.fixes(&[&CORRECT_ENV]);

static REDIS_REFUSED: Cause = Cause::new(
    "REDIS-REFUSED",
    All(&[
        Clue::Unhealthy,
        Not(&Of(&REDIS, &Clue::Unhealthy)),
        Any(&[
            Clue::Reply(Heard::Body(Condition::at("services.redis").is("down"))),
            Clue::Said(r"(?i)WRONGPASS|NOAUTH|failed to start server.*redis", Window::Run),
        ]),
    ]),
)
.summary("{service} cannot use Redis, although Redis answers")
.explanation("REDIS_URL has another password or port than the server; sessions and queues stop")
.about(About::These(&[&API]))
.fixes(&[&CORRECT_ENV]);

static MODULE_MISSING: Cause = Cause::new(
    "MODULE-MISSING",
    All(&[
        Clue::Unhealthy,
        Clue::Said(
            r"(?i)cannot find (module|package)|ERR_MODULE_NOT_FOUND|MODULE_NOT_FOUND|script not found",
            Window::Run,
        ),
    ]),
)
.summary("{service} cannot find a module or its own script")
.explanation(
    "npm ci was interrupted, or the build does not create it: npm ci in the live directory removes modules of \
     running processes, and the workers' script is never built",
)
.about(About::These(APPS))
.fixes(&[&Fix::new(
    "build again in another directory, and switch",
    Risk::Disruptive,
    Remedy::Manual("opsctl redeploy {service}, or opsctl rollback {service} to the previous version"),
)]);

static BUILD_MISSING: Cause = Cause::new(
    "BUILD-MISSING",
    All(&[
        Clue::Unhealthy,
        Clue::Said(
            r"(?i)could not find a (valid|production) build|BUILD_ID|\.next.*(not found|no such file)",
            Window::Run,
        ),
    ]),
)
.summary("{service} has no production build")
.explanation(".next was removed or overwritten by a build that failed")
.about(About::These(&[&FRONTEND, &STUDIO, &ADMIN]))
.fixes(&[&Fix::new(
    "build again in another directory, and switch",
    Risk::Disruptive,
    Remedy::Manual("opsctl redeploy {service}, or opsctl rollback {service}"),
)]);

static ROUTE_ELSEWHERE: Cause = Cause::new("ROUTE-ELSEWHERE", Clue::RouteElsewhere)
    .summary("nginx sends visitors of {service} to {thing} instead of port {port}")
    .explanation("the other of the two nginx designs was installed, or an upstream was changed")
    .about(About::These(APPS))
    .fixes(&[&Fix::new(
        "correct the upstream and reload",
        Risk::Safe,
        Remedy::Manual("correct it in /etc/nginx/sites-available, nginx -t, then opsctl reload nginx"),
    )]);

static INSTANCES_MISSING: Cause = Cause::new("INSTANCES-MISSING", Clue::State(&[State::Partial]))
    .summary("only some instances of {service} run")
    .explanation("the others were stopped, or pm2 gave up on them; the remaining instances do all the work")
    .about(About::These(APPS))
    .verdict(Verdict::Warn)
    .depth(Depth::Effect)
    .fixes(&[&RESTART, &READ_LOG]);

static HEAP_EXHAUSTED: Cause = Cause::new(
    "HEAP-EXHAUSTED",
    Clue::Said(r"JavaScript heap out of memory|Reached heap limit|Ineffective mark-compacts", Window::Seconds(3600)),
)
.summary("{service} ended because its JavaScript heap was full")
.explanation("it leaks memory or handles too large an object; Node's limit is below pm2's")
.about(About::These(APPS))
.fixes(&[&RESTART, &READ_LOG]);

static GEMINI_KEY_MISSING: Cause = Cause::new(
    "GEMINI-KEY-MISSING",
    All(&[
        Of(&API, &Clue::Env(EnvClue::KeysMissing(&["GOOGLE_AI_API_KEY"]))),
        Of(&API, &Clue::Env(EnvClue::KeysMissing(&["GEMINI_API_KEY"]))),
    ]),
)
.summary("{service} has no key for Google's Gemini")
.explanation(
    "calls connect, and get no replies; the env file that it shares with the API sets neither GOOGLE_AI_API_KEY, \
     which the code reads, nor GEMINI_API_KEY",
)
.about(About::These(&[&VOICE]))
.fixes(&[&Fix::new(
    "set it, then restart the voice server",
    Risk::Disruptive,
    Remedy::Manual("GOOGLE_AI_API_KEY in /home/plugspace/plugspace/.env, then opsctl restart plugspace-voice"),
)]);

static GEMINI_FAILS: Cause = Cause::new(
    "GEMINI-FAILS",
    Clue::Said(
        concat!(
            r"(?i)failed to initialize gemini session|gemini session error|error processing text",
            r"|GoogleGenerativeAI.*error|API key not valid"
        ),
        Window::Seconds(600),
    ),
)
.summary("Google's Gemini failed {service} in the last ten minutes")
.explanation("the key is refused, the quota is used up, or Google does not answer; its message shows which")
.about(About::These(&[&VOICE]))
.verdict(Verdict::Warn)
.fixes(&[&READ_LOG]);

// --- databases

static MONGODB_CONFIG: Cause = Cause::new(
    "MONGODB-CONFIG",
    All(&[
        Clue::Unhealthy,
        Any(&[
            Clue::Said(
                concat!(
                    r"Unrecognized option|keyFile is required|security\.keyFile is required|Error parsing (YAML|INI)",
                    r"|BadValue.*(option|config)"
                ),
                Window::Run,
            ),
            All(&[
                Clue::Ended(Ending::Exit(&[2])),
                Clue::File("/etc/mongod.conf", FileClue::Contains(r"^\s+journal:")),
            ]),
        ]),
    ]),
)
.summary("MongoDB refuses its configuration")
.explanation(
    " MongoDB 6.1 removed storage.journal.enabled, and login with a replica set needs a keyFile; the shipped \
     mongod.conf has the first and lacks the second",
)
.fixes(&[&Fix::new(
    "correct /etc/mongod.conf, then start it",
    Risk::Safe,
    Remedy::Manual(
        "remove storage.journal; security.keyFile: a file with openssl rand -base64 756, owner mongodb, mode 400; \
         then opsctl start mongodb",
    ),
)]);

static MONGODB_DAMAGED: Cause = Cause::new(
    "MONGODB-DAMAGED",
    All(&[
        Clue::Unhealthy,
        Clue::Said(
            r"WT_PANIC|WT_TRY_SALVAGE|WiredTiger.*(corrupt|checksum)|Fatal assertion.*(28595|50853|28558)",
            Window::Run,
        ),
    ]),
)
.summary("MongoDB reports damaged files")
.explanation("WiredTiger cannot read them; a restart does not repair them, and a repair may discard data")
.fixes(&[&Fix::new(
    "copy the directory, then restore the newest verified backup",
    Risk::Destructive,
    Remedy::Manual(
        "opsctl stop mongodb; cp -a /var/lib/mongodb /var/lib/mongodb.before; restore into an empty directory; keep \
         the old one",
    ),
)]);

static MONGODB_LOCKED: Cause = Cause::new(
    "MONGODB-LOCKED",
    All(&[
        Clue::Unhealthy,
        Clue::Said(r"DBPathInUse|Unable to lock the lock file|Another mongod instance is already running", Window::Run),
    ]),
)
.summary("another mongod uses the data directory")
.explanation("a second mongod was started by hand or in a container, and holds mongod.lock")
.fixes(&[&Fix::new(
    "find which of the two serves; never remove the lock while one runs",
    Risk::Disruptive,
    Remedy::Manual(
        "pgrep -a mongod; docker ps. The applications may be connected to it (ss -tnp 'sport = :27017'): shut it down \
         where it was started, then opsctl start mongodb",
    ),
)]);

static MONGODB_SOCKET: Cause = Cause::new(
    "MONGODB-SOCKET",
    All(&[
        Clue::Unhealthy,
        Any(&[
            Clue::Said("Failed to unlink socket file", Window::Run),
            Clue::File("/tmp/mongodb-27017.sock", FileClue::OwnedByOther("mongodb")),
        ]),
    ]),
)
.summary("MongoDB cannot replace its socket in /tmp: it belongs to another user")
.explanation("somebody started mongod as root by hand, and left its socket")
.fixes(&[&Fix::new(
    "remove the socket, then start it",
    Risk::Safe,
    Remedy::Manual("rm /tmp/mongodb-27017.sock, while no mongod runs; then opsctl start mongodb"),
)]);

static MONGODB_DATA_OWNER: Cause = Cause::new(
    "MONGODB-DATA-OWNER",
    All(&[
        Clue::Unhealthy,
        Any(&[
            Clue::File("/var/lib/mongodb", FileClue::Missing),
            Clue::File("/var/lib/mongodb", FileClue::OwnedByOther("mongodb")),
        ]),
    ]),
)
.summary("MongoDB cannot use its data directory")
.explanation("mongodb must own /var/lib/mongodb; a restore or mongod run as root left files of root there")
.fixes(&[&Fix::new(
    "make mongodb its owner, then start it",
    Risk::Safe,
    Remedy::Manual(
        "chown -R mongodb:mongodb /var/lib/mongodb, then opsctl start mongodb; if it is missing, opsctl backup list",
    ),
)]);

static NO_PRIMARY: Cause =
    Cause::new("NO-PRIMARY", All(&[Clue::State(&[State::Running]), Clue::Reply(Heard::Text("^no primary$"))]))
        .summary("MongoDB answers, but is not primary: it accepts no writes")
        .explanation(
            "the only member stepped down, is recovering, or cannot resolve its configured name (localhost:27017); \
             or the set was never initiated",
        )
        .severity(&CRITICAL)
        .fixes(&[
            &Fix::new(
                "see its replica set status, with a login",
                Risk::ReadOnly,
                Remedy::Manual("mongosh with the admin URI given on standard input: rs.status(), rs.conf()"),
            ),
            &RESTART,
        ]);

static CONNECTIONS_REFUSED: Cause = Cause::new(
    "CONNECTIONS-REFUSED",
    Clue::Said("(?i)too many open connections|too many open files", Window::Seconds(600)),
)
.summary("MongoDB rejects clients: too many connections")
.explanation("it reached its limit of open files; an application opens clients and does not close them")
.about(About::These(&[&MONGODB]))
.fixes(&[&RESTART_API, &READ_LOG]);

static SLOW_OPERATIONS: Cause = Cause::new("SLOW-OPERATIONS", Clue::SaidTimes(50, "Slow query", Window::Seconds(300)))
    .summary("MongoDB logged 50 or more slow operations in the last five minutes")
    .explanation("each took more than 100 ms; usually an index is missing")
    .about(About::These(&[&MONGODB]))
    .verdict(Verdict::Warn)
    .severity(&MEDIUM)
    .explains(&[&ANSWERS_SLOW])
    .fixes(&[&Fix::new(
        "see which operations, then add an index or end one operation",
        Risk::ReadOnly,
        Remedy::Command(&["opsctl", "logs", "mongodb", "-g", "Slow query", "-n", "20"]),
    )]);

static REDIS_CONFIG: Cause = Cause::new(
    "REDIS-CONFIG",
    All(&[
        Clue::Unhealthy,
        Clue::Said(r"FATAL CONFIG FILE ERROR|Bad directive or wrong number|can't open config file", Window::Run),
    ]),
)
.summary("Redis refuses its configuration")
.explanation("a line of redis.conf or of a file that it includes is wrong; the message names it")
.fixes(&[&Fix::new(
    "correct the line, then start it",
    Risk::Safe,
    Remedy::Manual("the log names file and line; then opsctl start redis"),
)]);

static AOF_DAMAGED: Cause = Cause::new(
    "AOF-DAMAGED",
    All(&[
        Clue::Unhealthy,
        Clue::Said(
            concat!(
                r"(?i)bad file format reading the append only file",
                r"|unexpected end of file reading the append only file|error reading the RDB",
                r"|short read or OOM loading DB|wrong signature trying to load DB"
            ),
            Window::Run,
        ),
    ]),
)
.summary("Redis cannot read its append-only file")
.explanation("its end is cut or damaged, for example after a full disk or a power failure")
.fixes(&[&Fix::new(
    "copy appendonlydir, then truncate the damaged end",
    Risk::Destructive,
    Remedy::Manual(
        "cp -a /var/lib/redis/appendonlydir /var/lib/redis/appendonlydir.before; redis-check-aof --fix on the file \
         that the log names; then opsctl start redis",
    ),
)]);

static REDIS_DATA_OWNER: Cause = Cause::new(
    "REDIS-DATA-OWNER",
    Any(&[
        All(&[Clue::Unhealthy, Clue::File("/var/lib/redis", FileClue::Missing)]),
        Clue::File("/var/lib/redis", FileClue::OwnedByOther("redis")),
        Clue::File("/var/lib/redis/appendonlydir", FileClue::OwnedByOther("redis")),
    ]),
)
.summary("Redis cannot use its data directory")
.explanation("redis must own /var/lib/redis; a restore as root changed the owner")
.fixes(&[&Fix::new(
    "make redis its owner",
    Risk::Safe,
    Remedy::Manual(
        "chown -R redis:redis /var/lib/redis; if it is missing, opsctl backup list; then opsctl restart redis",
    ),
)]);

static PASSWORD_REFUSED: Cause =
    Cause::new("PASSWORD-REFUSED", Clue::Reply(Heard::Text("^-(WRONGPASS|NOAUTH|ERR AUTH|ERR invalid password)")))
        .summary("Redis refuses the password in its credentials file")
        .explanation(
            "requirepass was changed, and /root/.plugspace/redis-credentials.txt was not: backups and opsctl use \
             that file, the applications use REDIS_URL",
        )
        .explains(&[&usual::REDIS_PASSWORD])
        .fixes(&[&Fix::new(
            "write the right password into it",
            Risk::Safe,
            Remedy::Manual(
                "edit /root/.plugspace/redis-credentials.txt, mode 600; compare with requirepass of redis.conf",
            ),
        )]);

/// Redis can be asked.
const ASKABLE: Clue = Not(&Of(&REDIS, &Clue::Unhealthy));

static INFO: RedisQuestion = RedisQuestion::new(&REDIS, &[&["INFO"]]);

static REDIS_LOADING: Cause =
    Cause::new("REDIS-LOADING", All(&[ASKABLE, Clue::Redis(&INFO, Shows::Line("^loading:1$"))]))
        .summary("Redis is still loading its data")
        .explanation("it answers data commands only after loading")
        .explains(&[&usual::REDIS_STILL_LOADING])
        .verdict(Verdict::Warn)
        .about(About::These(&[&REDIS]))
        .fixes(&[&READ_LOG]);

static SAVE_FAILS: Cause = Cause::new(
    "SAVE-FAILS",
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
)
.summary("Redis cannot write its data to the disk")
.explanation(
    "its last snapshot, or its last write to the append-only file, failed: the disk is full, or redis does not own \
     the directory. Once snapshots fail it accepts no writes and refuses even PING (MISCONF), and the next restart \
     loses all data that is only in memory",
)
.explains(&[&usual::REDIS_UNSAVED])
.fixes(&[&Fix::new(
    "free disk space or correct the owner of the directory, then save",
    Risk::Safe,
    Remedy::Manual("df /var/lib/redis; ls -ld /var/lib/redis; then BGSAVE, and check INFO persistence"),
)]);

static EVICTING: Cause =
    Cause::new("EVICTING", All(&[ASKABLE, Clue::Redis(&INFO, Shows::Line("^evicted_keys:[1-9]"))]))
        .summary("Redis evicts keys because its memory is full")
        .explanation(
            " its policy is allkeys-lru, which evicts queued jobs and sessions; BullMQ needs noeviction. Counted \
             since its start",
        )
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "give it more memory, and maxmemory-policy noeviction",
            Risk::Disruptive,
            Remedy::Manual("edit maxmemory and maxmemory-policy in redis.conf, then opsctl restart redis"),
        )]);

const MEMORY_USED: Share = Share::above(90).part("used_memory:").whole("maxmemory:");

static MAXMEMORY: Cause = Cause::new("MAXMEMORY", All(&[ASKABLE, Clue::Redis(&INFO, Shows::Part(MEMORY_USED))]))
    .summary("Redis uses more than nine tenths of its memory")
    .explanation("at the limit it evicts keys")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "find what grows, or raise maxmemory",
        Risk::Disruptive,
        Remedy::Manual("redis-cli --bigkeys with REDISCLI_AUTH; maxmemory in redis.conf, then opsctl restart redis"),
    )]);

// --- queues

/// BullMQ keeps what waits in a list, and what waits with a priority in a sorted set.
static QUEUES: RedisQuestion = RedisQuestion::new(
    &REDIS,
    &[
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
);

static BACKLOG: Cause = Cause::new(
    "BACKLOG",
    All(&[ASKABLE, Clue::Redis(&QUEUES, Shows::Line(r"^(LLEN|ZCARD) \S+: (10[1-9]|1[1-9]\d|[2-9]\d\d|\d{4,})$"))]),
)
.summary("more than 100 jobs wait in a queue")
.explanation("the workers are down, too slow, or wait for Gemini or the database")
.verdict(Verdict::Warn)
.fixes(&[&READ_LOG, &RESTART]);

static JOBS_FAIL: Cause =
    Cause::new("JOBS-FAIL", Clue::SaidTimes(11, "(?i)worker job failed|task failed", Window::Seconds(300)))
        .summary("more than ten jobs failed in the last five minutes")
        .explanation("the log shows the reason of each")
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "read the errors in its log",
            Risk::ReadOnly,
            Remedy::Command(&["opsctl", "logs", "plugspace-worker", "-g", "(?i)failed", "-n", "20"]),
        )]);

// --- the edge

static NGINX_CONFIG: Cause = Cause::new("NGINX-CONFIG", Clue::ProxyRejects)
    .summary("nginx rejects its configuration")
    .explanation("it serves with the old one until it is restarted; then every public host is down")
    .fixes(&[&Fix::new(
        "correct it; nginx -t must pass before anything is restarted",
        Risk::Safe,
        Remedy::Manual("nginx -t names file and line; then opsctl reload nginx, or opsctl start nginx"),
    )]);

static HTTPS_PORT_TAKEN: Cause = Cause::new("HTTPS-PORT-TAKEN", Clue::Port(443, Listening::NotBy(&["nginx"])))
    .summary("another program than nginx listens on port 443")
    .explanation("the docker stack has its own edge; the first to start at boot gets the port")
    .severity(&CRITICAL)
    .about(About::Host)
    .explains(&[&TLS_SILENT, &usual::CERTIFICATE_NAME, &usual::STOPPED, &usual::FAILED])
    .fixes(&[&Fix::new(
        "decide which of the two is the edge",
        Risk::Disruptive,
        Remedy::Manual(
            "ss -Hltnp 'sport = :443' and docker ps show which process listens. It may serve the public: remove 443 \
             from its configuration, or leave nginx off; then opsctl restart nginx",
        ),
    )]);

static MANY_CONNECTIONS: Cause = Cause::new(
    "CONNECTIONS-MANY",
    All(&[
        Clue::State(&[State::Running]),
        Clue::Get(&NGINX_STATUS, Heard::Text(r"Active connections: ([5-9]\d{3}|\d{5,})\b")),
    ]),
)
.summary("nginx has more than 5,000 connections")
.explanation("an attack, a client that does not close, or calls; worker_connections is the limit")
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "see where they come from",
    Risk::ReadOnly,
    Remedy::Manual(
        "ss -Htn state established '( sport = :443 )', counted by address; opsctl run block-ip ADDRESS blocks one",
    ),
)]);

static NGINX_STATUS: Http = Http::get(8080, "/nginx_status", &[]);

const REQUESTS: &str = r#""[A-Z]+ /([^v]|v[^o]).*" [1-5]\d\d "#;

static SLOW: LineShare = requests(Share::above(5).part(r"\brt=[1-9]").whole(REQUESTS));

static ANSWERS_SLOW: Cause = Cause::new("ANSWERS-SLOW", Clue::Lines(&SLOW))
    .summary("more than one answer in twenty took longer than a second")
    .explanation(
        "counted over the last five minutes in nginx's access log, without calls; applications, database or \
         processors are slow",
    )
    .about(About::Host)
    .verdict(Verdict::Warn)
    .depth(Depth::Effect)
    .fixes(&[&Fix::new(
        "see which requests",
        Risk::ReadOnly,
        Remedy::Command(&["opsctl", "logs", "nginx", "-g", "rt=[1-9]", "-n", "20"]),
    )]);

/// A part of what was answered in the last five minutes, ten answers at least.
const fn requests(share: Share) -> LineShare {
    LineShare::new("/var/log/nginx/access.log", share).seconds(300).least(10)
}

const fn errors(percent: u8) -> LineShare {
    requests(Share::above(percent).part(r#"" 5\d\d \d+ ""#).whole(r#"" [1-5]\d\d \d+ ""#))
}
static TENTH: LineShare = errors(10);
static TWENTIETH: LineShare = errors(5);

static READ_ERRORS: Fix = Fix::new(
    "see which requests",
    Risk::ReadOnly,
    Remedy::Command(&["opsctl", "logs", "nginx", "-g", "\" 5[0-9][0-9] ", "-n", "20"]),
);

static ERRORS_MANY: Cause = Cause::new("ERRORS-MANY", Clue::Lines(&TENTH))
    .summary("more than one answer in ten is an error of the server")
    .explanation(
        "counted over the last five minutes in nginx's access log; 502 and 504: the application behind is down or slow",
    )
    .about(About::Host)
    .depth(Depth::Effect)
    .severity(&CRITICAL)
    .fixes(&[&READ_ERRORS]);

static ERRORS_SOME: Cause = Cause::new("ERRORS-SOME", All(&[Clue::Lines(&TWENTIETH), Not(&Clue::Lines(&TENTH))]))
    .summary("more than one answer in twenty is an error of the server")
    .explanation("counted over the last five minutes in nginx's access log")
    .about(About::Host)
    .depth(Depth::Effect)
    .verdict(Verdict::Warn)
    .severity(&HIGH)
    .fixes(&[&READ_ERRORS]);

/// Some certificate is not as it should be; else nothing hangs on what was said of renewals.
const A_CERTIFICATE_TROUBLES: Clue =
    Any(&[Clue::Certificate(Flaw::Any), Clue::Certificate(Flaw::Ending), Clue::Certificate(Flaw::None)]);

static CERTBOT: Question =
    Question::new("systemctl").args(&["show", "--no-pager", "--property=LoadState,ActiveState", "--", "certbot.timer"]);

static RENEWAL_OFF: Cause = Cause::new(
    "RENEWAL-OFF",
    All(&[A_CERTIFICATE_TROUBLES, Clue::Output(&CERTBOT, Shows::NoLine("^ActiveState=active$"))]),
)
.summary("nothing renews certificates: certbot.timer is off")
.explanation("it runs twice a day and renews certificates with less than 30 days left")
.about(About::Host)
.explains(&[&usual::CERTIFICATE_ENDING, &usual::CERTIFICATE_EXPIRED])
.fixes(&[&Fix::new(
    "enable it; it runs within half a day",
    Risk::Safe,
    Remedy::Command(&["systemctl", "enable", "--now", "certbot.timer"]),
)]);

static RENEWAL_FAILS: Cause = Cause::new(
    "RENEWAL-FAILS",
    All(&[
        A_CERTIFICATE_TROUBLES,
        Clue::File(
            "/var/log/letsencrypt/letsencrypt.log",
            FileClue::Contains(
                r"urn:ietf:params:acme:error:\w+|(?i)challenges? (has )?failed|too many certificates|Failed to renew",
            ),
        ),
    ]),
)
.summary("certbot could not renew a certificate")
.explanation(
    "its last messages show why: the name points elsewhere, port 80 is closed, or a rate limit, which further \
     attempts extend",
)
.about(About::Host)
.explains(&[&usual::CERTIFICATE_ENDING, &usual::CERTIFICATE_EXPIRED])
.fixes(&[&Fix::new(
    "fix that, then start with a dry run",
    Risk::ReadOnly,
    Remedy::Manual("certbot renew --dry-run; then certbot renew, and opsctl reload nginx"),
)]);

static HTTP_CLOSED: Cause = Cause::new("HTTP-CLOSED", Any(&[Clue::FirewallCloses(80), Clue::FirewallCloses(443)]))
    .summary("the firewall blocks port 80 or 443")
    .explanation("Let's Encrypt must reach port 80 to renew, and visitors must reach 443")
    .about(About::Host)
    .fixes(&[&Fix::new("allow ports 80 and 443", Risk::Safe, Remedy::Manual("ufw allow 80/tcp; ufw allow 443/tcp"))]);

static TLS_SILENT: Cause = usual::tls_silent(All(&[Clue::Certificate(Flaw::None), Not(&Of(&NGINX, &Clue::Unhealthy))]));

// --- the host

static LOGS_BIG: Cause = Cause::new(
    "LOGS-BIG",
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
)
.summary("a log of the applications has more than 100 MB while the disk is nearly full")
.explanation("logrotate and pm2-logrotate both rotate /var/log/pm2, and neither makes pm2 reopen its files")
.about(About::Host)
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "rotate the logs now",
    Risk::Safe,
    Remedy::Manual(
        "logrotate --force /etc/logrotate.conf; pm2 flush deletes their content, so use it only if that is not enough",
    ),
)]);

static BACKUPS_OLD: Cause = Cause::new(
    "BACKUPS-OLD",
    All(&[
        Clue::Disk(Verdict::Warn),
        Clue::Leftovers(Leftovers::in_dir("/home/plugspace/backups").prefix("20").older_seconds(30 * 86_400)),
    ]),
)
.summary("backups older than 30 days are on the disk while it is nearly full")
.explanation("the script's own cleanup counts after it has deleted and may match the directory itself")
.about(About::Host)
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "remove the oldest, directory by directory; keep three that were verified",
    Risk::Destructive,
    Remedy::Manual("ls -t /home/plugspace/backups; verify the newest three first, then remove the oldest by name"),
)]);

static FAILED_UNITS: Cause = usual::unit_failed().verdict(Verdict::Warn).severity(&LOW);
static LOOPING_UNITS: Cause = usual::unit_looping().severity(&MEDIUM);

static CALLS_SLOW: Cause = Cause::new(
    "CALLS-SLOW",
    All(&[
        Not(&Clue::Unhealthy),
        Clue::Get(&VOICE_METRICS, Heard::Status(&[200])),
        Clue::Get(&VOICE_METRICS, Heard::Above("avgLatency", 500)),
    ]),
)
.summary("calls have an average delay of more than half a second today")
.explanation("Gemini is slow, or the processors are busy")
.about(About::These(&[&VOICE]))
.verdict(Verdict::Warn)
.fixes(&[&READ_LOG]);

static VOICE_METRICS: Http = Http::get(4001, "/metrics", &[]);

static CALLS_FAIL: Cause = Cause::new(
    "CALLS-FAIL",
    Clue::SaidTimes(
        30,
        concat!(
            r"(?i)gemini session error|message processing error|websocket error|connection setup error",
            r"|error processing text"
        ),
        Window::Seconds(300),
    ),
)
.summary("{service} had an error every ten seconds in the last five minutes")
.explanation("the alert's threshold of 0.1 per second; the log shows the reason of each")
.about(About::These(&[&VOICE]))
.verdict(Verdict::Warn)
.fixes(&[&READ_LOG]);
