//! Services of plugspace: systemd keeps the databases and nginx, pm2 the applications; monitoring is optional.

use super::{CRITICAL, HIGH, LOW, MEDIUM};
use crate::registry::*;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What the API reads with dotenv: its servers are on this host, at the ports of their units.
static SETTINGS: &[Setting] = &[
    Setting::new("DATABASE_URL", Form::Url(UrlForm::with_scheme(&["mongodb", "mongodb+srv"]).port(27017)))
        .otherwise("the database is not reached"),
    Setting::new("REDIS_URL", Form::Url(UrlForm::with_scheme(&["redis", "rediss"]).port(6379)))
        .otherwise("sessions and queues are not reached"),
    Setting::new("API_PORT", Form::Port(4000)).otherwise("nginx and Prometheus connect to port 4000"),
];

/// An application of user plugspace's pm2.
const fn app(name: &'static str, instances: Instances, memory_restart_bytes: u64) -> Manager {
    Manager::Pm2(
        App::new(name, instances)
            .user("plugspace")
            .home("/home/plugspace/.pm2")
            .memory_restart_bytes(memory_restart_bytes),
    )
}

const fn unit(name: &'static str) -> Manager {
    Manager::Systemd(Unit::new(name))
}

const ANSWERS: &[Rule] = &[Rule::ok(200)];

const MONITORING: Presence = Presence::IfFound("started with compose's profile monitoring, or on the host by hand");
const NO_SCRIPT: Presence = Presence::IfFound("Prometheus scrapes it, but no script installs it");

const WATCHES: &str = "it only monitors; users are not affected";
const MEASURES: &str = "one set of metrics";

pub static MONGODB: Service = Service::new("mongodb", &CRITICAL)
    .summary("the database")
    .severity_reason("API and workers do not work without it")
    .managers(&[unit("mongod.service")])
    .ports(&[27017])
    .probes(&[Probe::mongo(27017)])
    .data(&[
        Data::new(DataKind::Directory, "/var/lib/mongodb").what("database plugspace: all user data"),
        Data::new(DataKind::File, "/root/.plugspace/mongodb-credentials.txt").what(
            "passwords and URIs of admin and application, mode 600; its URIs have an unquoted &, so parse it and \
             never source it; the backup needs it, although the setup asks to delete it",
        ),
    ])
    .logs(&[
        Log::Journal("mongod.service"),
        Log::file("/var/log/mongodb/mongod.log").what("JSON lines; operations slower than 100 ms"),
    ])
    .restart_loses("the API answers 503 until it runs again")
    .note(
        "MongoDB 7, replica set plugspace-rs of the one member localhost:27017, cache 2 GB; plugspace_app is defined \
         in database plugspace, admin in admin; mongod refuses the shipped mongod.conf: it has an option from before \
         6.1, and login with a replica set but no keyFile; rs.status and currentOp need a login; run rs.initiate \
         only on an empty node, with that name and address",
    );

pub static REDIS: Service = Service::new("redis", &CRITICAL)
    .summary("sessions, queues and cache")
    .severity_reason("sessions fail and jobs stop without it")
    .managers(&[Manager::Systemd(Unit::new("redis.service").aliases(&["redis-server.service"]))])
    .ports(&[6379])
    .probes(&[
        Probe::redis(6379).password(Secret::in_file("/root/.plugspace/redis-credentials.txt").key("REDIS_PASSWORD"))
    ])
    .data(&[
        Data::new(DataKind::Directory, "/var/lib/redis").what(
            "sessions and queues: appendonlydir, synced every second, and dump.rdb (900/1 300/10 60/10000), which is \
             ignored at start while appendonly is on",
        ),
        Data::new(DataKind::File, "/root/.plugspace/redis-credentials.txt").what("password and URL, mode 600"),
    ])
    .logs(&[Log::Journal("redis.service"), Log::file("/var/log/redis/redis-server.log").what("server log")])
    .memory(
        Memory::stated_in("alert redis-memory: 90 % of maxmemory 1gb, which Redis itself keeps")
            .alarm_bytes(GIB * 9 / 10),
    )
    .restart_loses("sessions, queues and cache stop until it runs again")
    .note(
        "evicts by allkeys-lru, which may drop queued jobs; noeviction is right for BullMQ; CONFIG, FLUSHALL, \
         FLUSHDB and DEBUG are removed; SHUTDOWN is renamed, so the unit's ExecStop fails and SIGTERM stops it; pass \
         its password in REDISCLI_AUTH, never in argv",
    );

pub static API: Service = Service::new("plugspace-api", &CRITICAL)
    .summary("the API (Express, tRPC)")
    .severity_reason("all three sites depend on it")
    .managers(&[app("plugspace-api", Instances::Cluster(4), 2 * GIB)])
    .ports(&[4000])
    .routes(&[
        Route::new("plugspace.io", 4000).path("/api/"),
        Route::new("plugspace.io", 4000).path("/trpc/"),
        Route::new("api.plugspace.io", 4000),
    ])
    .probes(&[
        Probe::Http(
            Http::get(
                4000,
                "/health",
                &[
                    Rule::ok(200)
                        .when(&[Condition::at("status").is("healthy")])
                        .meaning("healthy, database and Redis up"),
                    Rule::fail(503).meaning("degraded"),
                ],
            )
            .show(&["status", "services.database", "services.redis"]),
        ),
        Probe::Http(Http::get(4000, "/ready", &[Rule::ok(200).meaning("ready"), Rule::fail(503).meaning("not ready")])),
    ])
    .needs(&[&MONGODB, &REDIS])
    .env(
        EnvFile::new(&["/home/plugspace/plugspace/.env"])
            .mode(0o640)
            .required(&["DATABASE_URL", "REDIS_URL"])
            .settings(SETTINGS),
    )
    .logs(&[Log::pm2().out("/var/log/pm2/api-out.log").error("/var/log/pm2/api-error.log")])
    .restart_loses("requests that take longer than 10 s to end")
    .note(
        "its port is API_PORT, not PORT; /api/health does not exist, although every check of the runbook uses it; \
         one nginx design sends /api/ and /trpc/ here, the other api.plugspace.io, and /api/ also includes the \
         /api/trpc that the front end rewrites itself; it has no /api/metrics, so Prometheus always reports it down",
    );

pub static VOICE: Service = Service::new("plugspace-voice", &CRITICAL)
    .summary("the voice server (WebSocket)")
    .severity_reason("all voice features fail without it")
    .managers(&[app("plugspace-voice", Instances::Cluster(2), GIB)])
    .ports(&[4001])
    .routes(&[Route::new("plugspace.io", 4001).path("/voice")])
    .probes(&[Probe::Http(
        Http::get(4001, "/health", &[Rule::ok(200).when(&[Condition::at("status").is("healthy")])])
            .show(&["status", "connections"]),
    )])
    .needs(&[&REDIS])
    .logs(&[Log::pm2().out("/var/log/pm2/voice-out.log").error("/var/log/pm2/voice-error.log")])
    .restart_loses("calls: they have 30 s to end")
    .note(
        "it reports healthy even without Redis; it also needs Google's Gemini; a working upgrade on /voice gets 101, \
         or a close with 4001 to 4003 when not logged in; nginx.conf of infrastructure has no route to it",
    );

pub static WORKER: Service = Service::new("plugspace-worker", &HIGH)
    .summary("the queue workers (BullMQ)")
    .severity_reason("jobs queue up in Redis; the sites keep running")
    .managers(&[app("plugspace-worker", Instances::Cluster(4), 2 * GIB)])
    .needs(&[&MONGODB, &REDIS])
    .logs(&[Log::pm2().out("/var/log/pm2/worker-out.log").error("/var/log/pm2/worker-error.log")])
    .restart_loses("jobs that take longer than 60 s to end are cut off")
    .note(
        "it is usually errored: its script is never built, and would only export a class; it has no port: the length \
         of the queues shows its work",
    );

pub static FRONTEND: Service = Service::new("plugspace-frontend", &HIGH)
    .summary("the public site (Next.js)")
    .severity_reason("visitors see no pages; API and voice keep running")
    .managers(&[app("plugspace-frontend", Instances::ClusterMax, GIB)])
    .ports(&[3000])
    .routes(&[Route::new("plugspace.io", 3000), Route::new("www.plugspace.io", 3000)])
    .probes(&[Probe::Http(Http::get(3000, "/", ANSWERS))])
    .needs(&[&API])
    .logs(&[Log::pm2().out("/var/log/pm2/frontend-out.log").error("/var/log/pm2/frontend-error.log")]);

pub static STUDIO: Service = Service::new("plugspace-studio", &HIGH)
    .summary("the users' workspace (Next.js)")
    .severity_reason("users cannot work; API and voice keep running")
    .managers(&[app("plugspace-studio", Instances::ClusterMax, GIB)])
    .ports(&[3001])
    .routes(&[Route::new("studio.plugspace.io", 3001)])
    .probes(&[Probe::Http(Http::get(3001, "/", ANSWERS))])
    .needs(&[&API])
    .logs(&[Log::pm2().out("/var/log/pm2/studio-out.log").error("/var/log/pm2/studio-error.log")])
    .note("nginx-setup.sh has no host for it");

pub static ADMIN: Service = Service::new("plugspace-admin", &MEDIUM)
    .summary("administration (Next.js)")
    .severity_reason("staff only")
    .managers(&[app("plugspace-admin", Instances::Fork, 512 * MIB)])
    .ports(&[3002])
    .routes(&[Route::new("admin.plugspace.io", 3002)])
    .probes(&[Probe::Http(Http::get(3002, "/", ANSWERS))])
    .needs(&[&API])
    .logs(&[Log::pm2().out("/var/log/pm2/admin-out.log").error("/var/log/pm2/admin-error.log")]);

pub static NGINX: Service = Service::new("nginx", &CRITICAL)
    .summary("the edge: TLS and routing for every host")
    .severity_reason("nothing is reachable without it")
    .managers(&[unit("nginx.service")])
    .ports(&[80, 443, 8080])
    .probes(&[Probe::Http(
        Http::get(
            80,
            "/health",
            &[Rule::ok(200), Rule::ok(301).meaning("redirects to HTTPS"), Rule::ok(308).meaning("redirects to HTTPS")],
        )
        .host("plugspace.io"),
    )])
    .data(&[Data::new(DataKind::Directory, "/etc/letsencrypt").what("certificates and ACME account")])
    .logs(&[
        Log::Journal("nginx.service"),
        Log::file("/var/log/nginx/access.log").what("requests, with rt, uct, uht and urt in seconds"),
        Log::file("/var/log/nginx/error.log").what("errors"),
    ])
    .restart_loses("every open connection of every host; a reload drops none")
    .note(
        "its /health is a fixed OK and does not show the state of the applications; the certificate names only \
         plugspace.io and www, so studio, api, admin and *.projects fail by name; 8080 is its own status page, local \
         only",
    );

pub static PROMETHEUS: Service = Service::new("prometheus", &MEDIUM)
    .summary("metrics and alert rules")
    .severity_reason(WATCHES)
    .managers(&[Manager::Docker(Container::new(&["plugspace-prometheus"]))])
    .ports(&[9090])
    .probes(&[Probe::Http(Http::get(9090, "/-/healthy", ANSWERS))])
    .presence(MONITORING)
    .logs(&[Log::Container])
    .note(
        "it is not reliable: its ServiceDown always fires and mutes every other alert; in a container its localhost \
         targets are the container itself, and its rules are in a directory that it does not read",
    );

pub static ALERTMANAGER: Service = Service::new("alertmanager", &MEDIUM)
    .summary("sends alerts to people")
    .severity_reason(WATCHES)
    .managers(&[Manager::Docker(Container::new(&["plugspace-alertmanager"]))])
    .ports(&[9093])
    .probes(&[Probe::Http(Http::get(9093, "/-/healthy", ANSWERS))])
    .presence(MONITORING)
    .logs(&[Log::Container])
    .note(
        "it does not start with the shipped file, because it does not fill in ${VARIABLES}; it groups for 30 s, then \
         every 5 min, and repeats every 4 h (critical: 10 s and 1 h); send a silence as JSON",
    );

pub static GRAFANA: Service = Service::new("grafana", &MEDIUM)
    .summary("dashboards")
    .severity_reason(WATCHES)
    .managers(&[Manager::Docker(Container::new(&["plugspace-grafana"]))])
    .ports(&[3030])
    .probes(&[Probe::Http(Http::get(3030, "/api/health", ANSWERS))])
    .presence(MONITORING)
    .needs(&[&PROMETHEUS])
    .logs(&[Log::Container]);

pub static NODE_EXPORTER: Service = Service::new("node-exporter", &LOW)
    .summary("metrics of the host")
    .severity_reason(MEASURES)
    .managers(&[unit("node_exporter.service")])
    .ports(&[9100])
    .probes(&[Probe::Http(Http::get(9100, "/metrics", ANSWERS))])
    .presence(Presence::IfFound("set up by vps-hardening.sh"))
    .logs(&[Log::Journal("node_exporter.service")]);

pub static NGINX_EXPORTER: Service = Service::new("nginx-exporter", &LOW)
    .summary("metrics of nginx")
    .severity_reason(MEASURES)
    .managers(&[unit("nginx_exporter.service")])
    .ports(&[9113])
    .probes(&[Probe::Http(Http::get(9113, "/metrics", ANSWERS))])
    .presence(Presence::IfFound("set up by nginx-setup.sh"))
    .needs(&[&NGINX])
    .logs(&[Log::Journal("nginx_exporter.service")]);

pub static REDIS_EXPORTER: Service = Service::new("redis-exporter", &LOW)
    .summary("metrics of Redis")
    .severity_reason(MEASURES)
    .managers(&[unit("redis_exporter.service")])
    .ports(&[9121])
    .probes(&[Probe::Http(Http::get(9121, "/metrics", ANSWERS))])
    .presence(Presence::IfFound("set up by redis-setup.sh"))
    .needs(&[&REDIS])
    .logs(&[Log::Journal("redis_exporter.service")])
    .note("its unit has the password of Redis in argv, which every user can read");

pub static MONGODB_EXPORTER: Service = Service::new("mongodb-exporter", &LOW)
    .summary("metrics of MongoDB")
    .severity_reason(MEASURES)
    .ports(&[9216])
    .probes(&[Probe::Http(Http::get(9216, "/metrics", ANSWERS))])
    .presence(NO_SCRIPT)
    .needs(&[&MONGODB]);

pub static BLACKBOX_EXPORTER: Service = Service::new("blackbox-exporter", &LOW)
    .summary("probes the public addresses")
    .severity_reason(MEASURES)
    .ports(&[9115])
    .probes(&[Probe::Http(Http::get(9115, "/metrics", ANSWERS))])
    .presence(NO_SCRIPT);

pub static PM2_EXPORTER: Service = Service::new("pm2-exporter", &LOW)
    .summary("metrics of pm2")
    .severity_reason(MEASURES)
    .ports(&[9209])
    .probes(&[Probe::Http(Http::get(9209, "/metrics", ANSWERS))])
    .presence(NO_SCRIPT);
