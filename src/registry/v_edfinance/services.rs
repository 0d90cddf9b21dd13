//! Services of v-edfinance. All are containers, known by exact name only: Dokploy, compose and `docker run` have each
//! made them at some time, and a search by image or by part of a name finds nothing or the wrong one.

use super::{P0, P1, P3};
use crate::registry::*;

const MIB: u64 = 1 << 20;

/// What the API reads. A token of less than a minute logs everybody out at once; the runbook has an hour.
static SETTINGS: &[Setting] = &[
    Setting::new("DATABASE_URL", Form::Url(UrlForm::with_scheme(&["postgresql", "postgres"])))
        .otherwise("the database is not reached"),
    Setting::new("JWT_EXPIRATION_SECONDS", Form::Seconds(60, 2_592_000))
        .otherwise("users are logged out at once, or almost never; the default is 3600"),
    Setting::new("REDIS_PORT", Form::Count(1, 65_535)).otherwise("Redis is not reached"),
    Setting::new("PORT", Form::Count(1, 65_535)).otherwise("it does not listen"),
];

const fn container(names: &'static [&'static str]) -> Manager {
    Manager::Docker(Container::new(names))
}

const MONITORING: Presence = Presence::IfFound("the monitoring stack is installed separately from the application");
const DOKPLOY_FOUND: Presence = Presence::IfFound("no Dokploy on 2026-01-07, three Swarm services on 2026-01-08");
const WATCHES: &str = "it only monitors; users are not affected";

pub static DOCKER: Service = Service::new("docker", &P0)
    .summary("container engine")
    .severity_reason("every service here is a container")
    .managers(&[Manager::Systemd(Unit::new("docker.service"))])
    .probes(&[Probe::DockerEngine])
    .logs(&[Log::Journal("docker.service")])
    .restart_loses("every container without live-restore stops and starts again")
    .note("`docker events` without --until never ends");

pub static POSTGRES: Service = Service::new("postgres", &P0)
    .summary("the database")
    .severity_reason("the API does not work without it")
    .managers(&[container(&["vedfinance-postgres", "v-edfinance-postgres"])])
    .ports(&[5432])
    .probes(&[Probe::postgres(5432)])
    .needs(&[&DOCKER])
    .env(EnvFile::new(&["/root/.env"]).read_by(EnvReader::Compose).mode(0o640).required(&["POSTGRES_PASSWORD"]))
    .data(&[Data::new(DataKind::Volume, "postgres_data")
        .what("users, transactions, learning behaviour; compose prefixes it with the project's name")])
    .logs(&[Log::Container])
    .memory(
        Memory::stated_in("dokploy.yaml; compose has 768M, and the runbook gives it 2g after an OOM kill")
            .limit_bytes(1024 * MIB),
    )
    .restart_loses("every open session; restart api once it accepts connections")
    .note(
        "dokploy-postgres is another server, of the control plane: do not confuse the two; a Swarm task and an older \
         container of the two names have run in parallel; only DATABASE_URL has the name of the live database, the \
         documents have five; image 15, 16, 17 or pgvector; compose of 2026-02-01 publishes 5433; pg_stat_statements \
         must be preloaded, which takes a restart",
    );

pub static REDIS: Service = Service::new("redis", &P1)
    .summary("cache")
    .severity_reason("features that cache fail or slow down; data and logins are kept")
    .managers(&[container(&["vedfinance-redis"])])
    .ports(&[6380])
    .probes(&[Probe::redis(6380)])
    .needs(&[&DOCKER])
    .logs(&[Log::Container])
    .memory(Memory::stated_in("compose and dokploy.yaml").limit_bytes(256 * MIB))
    .restart_loses("the whole cache: it has no volume")
    .note("6379 inside its network; logins are in the database: do not flush Redis for them");

pub static API: Service = Service::new("api", &P0)
    .summary("the API (NestJS): logins, courses, payments")
    .severity_reason("nothing works without it")
    .managers(&[container(&["vedfinance-api", "v-edfinance-api-staging"])])
    .ports(&[3001])
    .probes(&[Probe::Http(
        Http::get(
            3001,
            "/health",
            &[
                Rule::ok(200).when(&[Condition::at("checks.database.status").is("up")]).meaning("database up"),
                Rule::fail(200)
                    .when(&[Condition::at("checks.database.status").exists()])
                    .meaning("its database is down"),
                Rule::ok(200).when(&[Condition::at("database").is("connected")]).meaning("database connected"),
                Rule::fail(200).when(&[Condition::at("database").exists()]).meaning("its database is down"),
                Rule::ok(200)
                    .when(&[Condition::at("status").is("ok")])
                    .meaning("answers, without the state of its database"),
                Rule::ok(200)
                    .when(&[Condition::at("status").is("healthy")])
                    .meaning("answers, without the state of its database"),
                Rule::warn(503)
                    .when(&[Condition::at("checks.database.status").is("up")])
                    .meaning("degraded, but its database is up (also reported when its heap is three quarters full)"),
                Rule::fail(503).meaning("unhealthy"),
                Rule::fail(404)
                    .meaning("no such route: a build without the health module, or another program on its port"),
            ],
        )
        .show(&["status", "checks.database.status", "checks.memory.status", "database"]),
    )])
    .needs(&[&DOCKER, &POSTGRES, &REDIS])
    .env(
        EnvFile::new(&["/root/v-edfinance/apps/api/.env", "/root/v-edfinance/.env.production"])
            .read_by(EnvReader::Compose)
            .mode(0o640)
            .required(&[
                "DATABASE_URL",
                "JWT_SECRET",
                "JWT_REFRESH_SECRET",
                "ALLOWED_ORIGINS",
                "REDIS_HOST",
                "REDIS_PORT",
                "STRIPE_SECRET_KEY",
                "STRIPE_WEBHOOK_SECRET",
            ])
            .settings(SETTINGS),
    )
    .logs(&[Log::Container])
    .memory(
        Memory::stated_in(
            "runbook: 1.8 of 2 GB, read as GiB, below 500 MB is normal; compose has 512M, dokploy.yaml 768m (staging) \
             and 1536m (production)",
        )
        .alarm_bytes(18 * 1024 * MIB / 10)
        .limit_bytes(2048 * MIB),
    )
    .note(
        "/health has another format in each version, so opsctl tries the known formats in turn; the longer one also \
         answers 503 for a full heap; compose of 2026-01-04 publishes 3000, the port of Dokploy; routes have no /api \
         prefix; without JWT_SECRET it does not start; `docker exec API node` measures itself, not the server; all \
         of Stripe's webhooks get 400 because the raw body is missing",
    );

pub static WEB: Service = Service::new("web", &P0)
    .summary("the front end (Next.js)")
    .severity_reason("users see no pages; the documents have P0 and P1, the higher severity is used")
    .managers(&[container(&["v-edfinance-web-staging", "vedfinance-web"])])
    .ports(&[3002])
    .probes(&[Probe::Http(Http::get(
        3002,
        "/",
        &[Rule::ok(200), Rule::fail(302).meaning("redirects, as Uptime Kuma does on the same port")],
    ))])
    .needs(&[&DOCKER, &API])
    .logs(&[Log::Container])
    .memory(Memory::stated_in("dokploy.yaml, production; the least documented is 512M").limit_bytes(1024 * MIB))
    .note("3000 in its container; one `docker run` publishes 3100; Cloudflare Pages also serves the front end");

pub static NGINX: Service = Service::new("nginx", &P0)
    .summary("the edge")
    .severity_reason("nothing is reachable from outside without it")
    .managers(&[container(&[
        "v-edfinance-nginx",
        "v-edfinance-nginx-staging",
        "vedfinance-nginx",
        "v-edfinance-nginx-1",
    ])])
    .ports(&[80])
    .probes(&[Probe::Http(Http::get(80, "/health", &[Rule::ok(200)]))])
    .needs(&[&DOCKER, &API, &WEB])
    .logs(&[Log::Container])
    .note(
        "its /health is a fixed text and does not show the state of api or web; the image must be on the host, \
         because compose never pulls it; no file names its container, so opsctl uses the names of the documents and \
         of compose",
    );

pub static DOKPLOY_POSTGRES: Service = Service::new("dokploy-postgres", &P1)
    .summary("database of Dokploy, not of the product")
    .severity_reason("Dokploy does not work without it")
    .managers(&[container(&["dokploy-postgres"])])
    .presence(DOKPLOY_FOUND)
    .needs(&[&DOCKER])
    .logs(&[Log::Container]);

pub static DOKPLOY_REDIS: Service = Service::new("dokploy-redis", &P1)
    .summary("queue of Dokploy, not of the product")
    .severity_reason("Dokploy does not work without it")
    .managers(&[container(&["dokploy-redis"])])
    .presence(DOKPLOY_FOUND)
    .needs(&[&DOCKER])
    .logs(&[Log::Container]);

pub static DOKPLOY: Service = Service::new("dokploy", &P1)
    .summary("control plane: deploys and rolls back")
    .severity_reason("the product keeps running, but Dokploy cannot roll it back")
    .managers(&[container(&["dokploy"])])
    .ports(&[3000])
    .probes(&[Probe::Http(
        Http::get(3000, "/api/health", &[Rule::ok(200).when(&[Condition::at("ok").is("true")])]).show(&["ok"]),
    )])
    .presence(DOKPLOY_FOUND)
    .needs(&[&DOCKER, &DOKPLOY_POSTGRES, &DOKPLOY_REDIS])
    .logs(&[Log::Container])
    .note("on 2026-01-08 it had postgres, but no api, web or nginx: it cannot roll those back");

pub static PROMETHEUS: Service = Service::new("prometheus", &P3)
    .summary("metrics")
    .severity_reason(WATCHES)
    .managers(&[container(&["v-edfinance-prometheus"])])
    .ports(&[9090])
    .probes(&[Probe::Http(Http::get(9090, "/-/healthy", &[Rule::ok(200)]))])
    .presence(MONITORING)
    .needs(&[&DOCKER])
    .data(&[Data::new(DataKind::Volume, "prometheus-data").what("metrics of 30 days")])
    .logs(&[Log::Container])
    .note(
        "its alerts cannot fire: no exporters, one invented metric, Dokploy and bare PostgreSQL as targets, no \
         Alertmanager",
    );

pub static GRAFANA: Service = Service::new("grafana", &P3)
    .summary("dashboards")
    .severity_reason(WATCHES)
    .managers(&[container(&["v-edfinance-grafana"])])
    .ports(&[3003])
    .probes(&[Probe::Http(Http::get(
        3003,
        "/",
        &[Rule::ok(200), Rule::ok(302).meaning("sends visitors to its login")],
    ))])
    .presence(MONITORING)
    .needs(&[&DOCKER, &PROMETHEUS])
    .data(&[Data::new(DataKind::Volume, "grafana-data").what("dashboards and users")])
    .logs(&[Log::Container])
    .note("compose publishes it on 3001, the port of the API; 3003 is in use");

pub static UPTIME_KUMA: Service = Service::new("uptime-kuma", &P3)
    .summary("watches the public addresses")
    .severity_reason(WATCHES)
    .managers(&[container(&["v-edfinance-uptime-kuma"])])
    .ports(&[3002])
    .probes(&[Probe::Http(Http::get(3002, "/", &[Rule::ok(302).meaning("sends visitors to its dashboard")]))])
    .presence(MONITORING)
    .needs(&[&DOCKER])
    .data(&[Data::new(DataKind::Volume, "uptime-kuma-data").what("monitors and their history")])
    .logs(&[Log::Container])
    .note("3002 is also the port of web: only one of them can have it");

pub static NETDATA: Service = Service::new("netdata", &P3)
    .summary("metrics of the host")
    .severity_reason(WATCHES)
    .managers(&[container(&["v-edfinance-netdata"])])
    .ports(&[19999])
    .probes(&[Probe::Http(Http::get(19999, "/", &[Rule::ok(200)]))])
    .presence(MONITORING)
    .needs(&[&DOCKER])
    .data(&[
        Data::new(DataKind::Volume, "netdataconfig").what("configuration"),
        Data::new(DataKind::Volume, "netdatalib").what("metrics"),
        Data::new(DataKind::Volume, "netdatacache").what("cache"),
    ])
    .logs(&[Log::Container]);

pub static GLANCES: Service = Service::new("glances", &P3)
    .summary("processes of the host")
    .severity_reason(WATCHES)
    .managers(&[container(&["v-edfinance-glances"])])
    .ports(&[61208])
    .probes(&[Probe::Http(Http::get(
        61208,
        "/",
        &[Rule::ok(200), Rule::warn(404).meaning("answers, but has no such page")],
    ))])
    .presence(MONITORING)
    .needs(&[&DOCKER])
    .logs(&[Log::Container])
    .note("a 404 was seen here, on a path of its API");

pub static BESZEL: Service = Service::new("beszel", &P3)
    .summary("metrics of the host and its containers")
    .severity_reason(WATCHES)
    .managers(&[container(&["v-edfinance-beszel"])])
    .ports(&[8090])
    .probes(&[Probe::Http(Http::get(8090, "/", &[Rule::any_status(Verdict::Pass).meaning("HTTP interface answers")]))])
    .presence(MONITORING)
    .needs(&[&DOCKER])
    .data(&[Data::new(DataKind::Volume, "beszel-data").what("metrics and users")])
    .logs(&[Log::Container]);

pub static BESZEL_AGENT: Service = Service::new("beszel-agent", &P3)
    .summary("collects metrics for beszel")
    .severity_reason(WATCHES)
    .managers(&[container(&["v-edfinance-beszel-agent"])])
    .presence(MONITORING)
    .needs(&[&DOCKER, &BESZEL])
    .logs(&[Log::Container])
    .note("the documents show it in an endless crash loop");
