//! Services of plugspace: systemd keeps the databases and nginx, pm2 the applications; monitoring is optional.

use super::{CRITICAL, HIGH, LOW, MEDIUM};
use crate::registry::*;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// An application of user plugspace's pm2.
const fn app(name: &'static str, instances: Instances, memory_restart_bytes: u64) -> Manager {
    Manager::Pm2(App { name, user: "plugspace", home: "/home/plugspace/.pm2", instances, memory_restart_bytes })
}

const fn unit(name: &'static str) -> Manager {
    Manager::Systemd(Unit::new(name))
}

const ANSWERS: &[Rule] = &[Rule::ok(200)];

const MONITORING: Presence = Presence::IfFound("started with compose's profile monitoring, or on the host by hand");
const NO_SCRIPT: Presence = Presence::IfFound("Prometheus asks for it, but no script installs it");

const WATCHES: &str = "it only watches; users notice nothing";
const MEASURES: &str = "one set of metrics";

pub static MONGODB: Service = Service {
    managers: &[unit("mongod.service")],
    ports: &[27017],
    probes: &[Probe::Mongo { port: 27017 }],
    data: &[
        Data { path: "/var/lib/mongodb", kind: DataKind::Directory, what: "database plugspace: all that users made" },
        Data {
            path: "/root/.plugspace/mongodb-credentials.txt",
            kind: DataKind::File,
            what: "passwords and URIs of admin and application, mode 600; its URIs hold an unquoted &, so it must be \
                   parsed, never sourced (D2); the backup needs it, though setup says to delete it (D8)",
        },
    ],
    logs: &[
        Log::Journal("mongod.service"),
        Log::File { path: "/var/log/mongodb/mongod.log", what: "JSON lines; operations slower than 100 ms" },
    ],
    restart_loses: Some("the API answers 503 until it is back"),
    note: Some(
        "MongoDB 7, replica set plugspace-rs of the one member localhost:27017, cache 2 GB; plugspace_app is defined \
         in database plugspace, admin in admin; the shipped mongod.conf is refused at start: an option of before 6.1, \
         and login with a replica set but no keyFile (D9); rs.status and currentOp need a login; rs.initiate only on \
         an empty node, with that name and address (D10)",
    ),
    ..Service::new("mongodb", "the database", &CRITICAL, "API and workers can do nothing without it")
};

pub static REDIS: Service = Service {
    managers: &[Manager::Systemd(Unit { aliases: &["redis-server.service"], ..Unit::new("redis.service") })],
    ports: &[6379],
    probes: &[Probe::Redis {
        port: 6379,
        password: Some(Secret { file: "/root/.plugspace/redis-credentials.txt", key: "REDIS_PASSWORD" }),
    }],
    data: &[
        Data {
            path: "/var/lib/redis",
            kind: DataKind::Directory,
            what: "sessions and queues: appendonlydir, synced every second, and dump.rdb (900/1 300/10 60/10000), \
                   which is ignored at start while append-only is on (D7)",
        },
        Data {
            path: "/root/.plugspace/redis-credentials.txt",
            kind: DataKind::File,
            what: "password and URL, mode 600",
        },
    ],
    logs: &[Log::Journal("redis.service"), Log::File { path: "/var/log/redis/redis-server.log", what: "server log" }],
    memory: Some(Memory {
        alarm_bytes: Some(GIB * 9 / 10),
        limit_bytes: None,
        source: "alert redis-memory: 90 % of maxmemory 1gb, which Redis itself keeps",
    }),
    restart_loses: Some("sessions, queues and cache stop until it is back"),
    note: Some(
        "evicts by allkeys-lru, which may drop queued jobs; noeviction is right for BullMQ (D12); CONFIG, FLUSHALL, \
         FLUSHDB and DEBUG are removed (D11); SHUTDOWN is renamed, so the unit's ExecStop fails and SIGTERM stops it \
         (D41); its password belongs in REDISCLI_AUTH, never in argv (D6)",
    ),
    ..Service::new("redis", "sessions, queues and cache", &CRITICAL, "sessions fail and jobs stop without it")
};

pub static API: Service = Service {
    managers: &[app("plugspace-api", Instances::Cluster(4), 2 * GIB)],
    ports: &[4000],
    routes: &[
        Route { host: "plugspace.io", path: "/api/", port: 4000 },
        Route { host: "plugspace.io", path: "/trpc/", port: 4000 },
        Route::new("api.plugspace.io", 4000),
    ],
    probes: &[
        Probe::Http(Http {
            show: &["status", "services.database", "services.redis"],
            ..Http::get(
                4000,
                "/health",
                &[
                    Rule {
                        status: Some(200),
                        when: &[Condition::Is("status", "healthy")],
                        verdict: Verdict::Pass,
                        meaning: "healthy, database and Redis up",
                    },
                    Rule { status: Some(503), when: &[], verdict: Verdict::Fail, meaning: "degraded" },
                ],
            )
        }),
        Probe::Http(Http::get(
            4000,
            "/ready",
            &[
                Rule { status: Some(200), when: &[], verdict: Verdict::Pass, meaning: "ready" },
                Rule { status: Some(503), when: &[], verdict: Verdict::Fail, meaning: "not ready" },
            ],
        )),
    ],
    needs: &[&MONGODB, &REDIS],
    env: Some(EnvFile {
        paths: &["/home/plugspace/plugspace/.env"],
        owner: None,
        mode: 0o640,
        required: &["DATABASE_URL", "REDIS_URL"],
    }),
    logs: &[Log::Pm2 { out: "/var/log/pm2/api-out.log", error: "/var/log/pm2/api-error.log" }],
    restart_loses: Some("requests that take longer than 10 s to end"),
    note: Some(
        "its port comes from API_PORT, not PORT; /api/health does not exist, though every check of the runbook asks it \
         (D1); of the two nginx designs one sends /api/ and /trpc/ here, the other api.plugspace.io (D31), and /api/ \
         also takes the /api/trpc that the front end rewrites itself (D32); no /api/metrics, so Prometheus always \
         calls it down (D29)",
    ),
    ..Service::new("plugspace-api", "the API (Express, tRPC)", &CRITICAL, "all three sites ask it for everything")
};

pub static VOICE: Service = Service {
    managers: &[app("plugspace-voice", Instances::Cluster(2), GIB)],
    ports: &[4001],
    routes: &[Route { host: "plugspace.io", path: "/voice", port: 4001 }],
    probes: &[Probe::Http(Http {
        show: &["status", "connections"],
        ..Http::get(4001, "/health", &[Rule::json(200, &[Condition::Is("status", "healthy")])])
    })],
    needs: &[&REDIS],
    logs: &[Log::Pm2 { out: "/var/log/pm2/voice-out.log", error: "/var/log/pm2/voice-error.log" }],
    restart_loses: Some("calls: they have 30 s to end"),
    note: Some(
        "calls itself healthy even without Redis; it also needs Google's Gemini; an upgrade on /voice that works gives \
         101, or a close with 4001 to 4003 when not logged in; nginx.conf of infrastructure has no route to it (D32)",
    ),
    ..Service::new("plugspace-voice", "the voice server (WebSocket)", &CRITICAL, "all voice features end without it")
};

pub static WORKER: Service = Service {
    managers: &[app("plugspace-worker", Instances::Cluster(4), 2 * GIB)],
    needs: &[&MONGODB, &REDIS],
    logs: &[Log::Pm2 { out: "/var/log/pm2/worker-out.log", error: "/var/log/pm2/worker-error.log" }],
    restart_loses: Some("jobs that take longer than 60 s to end are cut off"),
    note: Some(
        "expect it errored: its script is never built, and would only export a class (D14); no port: what it does \
         shows in the depth of the queues",
    ),
    ..Service::new("plugspace-worker", "the queue workers (BullMQ)", &HIGH, "jobs pile up in Redis; the sites go on")
};

pub static FRONTEND: Service = Service {
    managers: &[app("plugspace-frontend", Instances::ClusterMax, GIB)],
    ports: &[3000],
    routes: &[Route::new("plugspace.io", 3000), Route::new("www.plugspace.io", 3000)],
    probes: &[Probe::Http(Http::get(3000, "/", ANSWERS))],
    needs: &[&API],
    logs: &[Log::Pm2 { out: "/var/log/pm2/frontend-out.log", error: "/var/log/pm2/frontend-error.log" }],
    ..Service::new(
        "plugspace-frontend",
        "the public site (Next.js)",
        &HIGH,
        "visitors see nothing; API and voice go on",
    )
};

pub static STUDIO: Service = Service {
    managers: &[app("plugspace-studio", Instances::ClusterMax, GIB)],
    ports: &[3001],
    routes: &[Route::new("studio.plugspace.io", 3001)],
    probes: &[Probe::Http(Http::get(3001, "/", ANSWERS))],
    needs: &[&API],
    logs: &[Log::Pm2 { out: "/var/log/pm2/studio-out.log", error: "/var/log/pm2/studio-error.log" }],
    note: Some("nginx-setup.sh has no host for it (D32)"),
    ..Service::new("plugspace-studio", "the users' workshop (Next.js)", &HIGH, "users cannot work; API and voice go on")
};

pub static ADMIN: Service = Service {
    managers: &[app("plugspace-admin", Instances::Fork, 512 * MIB)],
    ports: &[3002],
    routes: &[Route::new("admin.plugspace.io", 3002)],
    probes: &[Probe::Http(Http::get(3002, "/", ANSWERS))],
    needs: &[&API],
    logs: &[Log::Pm2 { out: "/var/log/pm2/admin-out.log", error: "/var/log/pm2/admin-error.log" }],
    ..Service::new("plugspace-admin", "administration (Next.js)", &MEDIUM, "staff only")
};

pub static NGINX: Service = Service {
    managers: &[unit("nginx.service")],
    ports: &[80, 443, 8080],
    probes: &[Probe::Http(Http {
        host: Some("plugspace.io"),
        ..Http::get(
            80,
            "/health",
            &[
                Rule::ok(200),
                Rule { status: Some(301), when: &[], verdict: Verdict::Pass, meaning: "redirects to HTTPS" },
                Rule { status: Some(308), when: &[], verdict: Verdict::Pass, meaning: "redirects to HTTPS" },
            ],
        )
    })],
    data: &[Data { path: "/etc/letsencrypt", kind: DataKind::Directory, what: "certificates and ACME account" }],
    logs: &[
        Log::Journal("nginx.service"),
        Log::File { path: "/var/log/nginx/access.log", what: "requests, with rt, uct, uht and urt in seconds" },
        Log::File { path: "/var/log/nginx/error.log", what: "errors" },
    ],
    restart_loses: Some("every open connection of every host; a reload loses none"),
    note: Some(
        "its /health is a fixed OK and says nothing of the applications (D1); the certificate names plugspace.io and \
         www only, so studio, api, admin and *.projects fail by name (D33); 8080 is its own status page, local only",
    ),
    ..Service::new("nginx", "the edge: TLS and routing for every host", &CRITICAL, "nothing is reachable without it")
};

pub static PROMETHEUS: Service = Service {
    managers: &[Manager::Docker(Container { names: &["plugspace-prometheus"] })],
    ports: &[9090],
    probes: &[Probe::Http(Http::get(9090, "/-/healthy", ANSWERS))],
    presence: MONITORING,
    logs: &[Log::Container],
    note: Some(
        "no witness: its ServiceDown always fires and mutes every other alert (D29); in a container its localhost \
         targets are the container itself, and its rules lie where it does not look (D30)",
    ),
    ..Service::new("prometheus", "metrics and alert rules", &MEDIUM, WATCHES)
};

pub static ALERTMANAGER: Service = Service {
    managers: &[Manager::Docker(Container { names: &["plugspace-alertmanager"] })],
    ports: &[9093],
    probes: &[Probe::Http(Http::get(9093, "/-/healthy", ANSWERS))],
    presence: MONITORING,
    logs: &[Log::Container],
    note: Some(
        "does not start with the shipped file: it fills in no ${VARIABLES} (D30); groups for 30 s, then every 5 min, \
         repeats every 4 h; critical: 10 s and 1 h; a silence must be sent as JSON (D18)",
    ),
    ..Service::new("alertmanager", "sends alerts to people", &MEDIUM, WATCHES)
};

pub static GRAFANA: Service = Service {
    managers: &[Manager::Docker(Container { names: &["plugspace-grafana"] })],
    ports: &[3030],
    probes: &[Probe::Http(Http::get(3030, "/api/health", ANSWERS))],
    presence: MONITORING,
    needs: &[&PROMETHEUS],
    logs: &[Log::Container],
    ..Service::new("grafana", "dashboards", &MEDIUM, WATCHES)
};

pub static NODE_EXPORTER: Service = Service {
    managers: &[unit("node_exporter.service")],
    ports: &[9100],
    probes: &[Probe::Http(Http::get(9100, "/metrics", ANSWERS))],
    presence: Presence::IfFound("set up by vps-hardening.sh"),
    logs: &[Log::Journal("node_exporter.service")],
    ..Service::new("node-exporter", "metrics of the host", &LOW, MEASURES)
};

pub static NGINX_EXPORTER: Service = Service {
    managers: &[unit("nginx_exporter.service")],
    ports: &[9113],
    probes: &[Probe::Http(Http::get(9113, "/metrics", ANSWERS))],
    presence: Presence::IfFound("set up by nginx-setup.sh"),
    needs: &[&NGINX],
    logs: &[Log::Journal("nginx_exporter.service")],
    ..Service::new("nginx-exporter", "metrics of nginx", &LOW, MEASURES)
};

pub static REDIS_EXPORTER: Service = Service {
    managers: &[unit("redis_exporter.service")],
    ports: &[9121],
    probes: &[Probe::Http(Http::get(9121, "/metrics", ANSWERS))],
    presence: Presence::IfFound("set up by redis-setup.sh"),
    needs: &[&REDIS],
    logs: &[Log::Journal("redis_exporter.service")],
    note: Some("its unit holds the password of Redis in argv, for every user to read (D6)"),
    ..Service::new("redis-exporter", "metrics of Redis", &LOW, MEASURES)
};

pub static MONGODB_EXPORTER: Service = Service {
    ports: &[9216],
    probes: &[Probe::Http(Http::get(9216, "/metrics", ANSWERS))],
    presence: NO_SCRIPT,
    needs: &[&MONGODB],
    ..Service::new("mongodb-exporter", "metrics of MongoDB", &LOW, MEASURES)
};

pub static BLACKBOX_EXPORTER: Service = Service {
    ports: &[9115],
    probes: &[Probe::Http(Http::get(9115, "/metrics", ANSWERS))],
    presence: NO_SCRIPT,
    ..Service::new("blackbox-exporter", "asks the public addresses", &LOW, MEASURES)
};

pub static PM2_EXPORTER: Service = Service {
    ports: &[9209],
    probes: &[Probe::Http(Http::get(9209, "/metrics", ANSWERS))],
    presence: NO_SCRIPT,
    ..Service::new("pm2-exporter", "metrics of pm2", &LOW, MEASURES)
};
