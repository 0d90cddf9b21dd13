//! Services of v-edfinance. All are containers, known by exact name only: Dokploy, compose and `docker run` have each
//! made them at some time, and a search by image or by part of a name finds nothing or the wrong one (D3, D4, D6).

use super::{P0, P1, P3};
use crate::registry::*;

const MIB: u64 = 1 << 20;

const fn container(names: &'static [&'static str]) -> Manager {
    Manager::Docker(Container { names })
}

const MONITORING: Presence = Presence::IfFound("the monitoring stack is set up apart from the application");
const DOKPLOY_FOUND: Presence = Presence::IfFound("no Dokploy on 2026-01-07, three Swarm services on 2026-01-08 (D2)");
const WATCHES: &str = "it only watches; users notice nothing";

pub static DOCKER: Service = Service {
    managers: &[Manager::Systemd(Unit::new("docker.service"))],
    probes: &[Probe::DockerEngine],
    logs: &[Log::Journal("docker.service")],
    restart_loses: Some("every container without live-restore stops and starts again"),
    note: Some("`docker events` without --until never ends (D38)"),
    ..Service::new("docker", "container engine", &P0, "every service here is a container")
};

pub static POSTGRES: Service = Service {
    managers: &[container(&["vedfinance-postgres", "v-edfinance-postgres"])],
    ports: &[5432],
    probes: &[Probe::Postgres { port: 5432, user: "postgres" }],
    needs: &[&DOCKER],
    env: Some(EnvFile { paths: &["/root/.env"], owner: None, mode: 0o640, required: &["POSTGRES_PASSWORD"] }),
    data: &[Data {
        path: "postgres_data",
        kind: DataKind::Volume,
        what: "users, transactions, learning behaviour; compose puts the project's name before it",
    }],
    logs: &[Log::Container],
    memory: Some(Memory {
        alarm_bytes: None,
        limit_bytes: Some(1024 * MIB),
        source: "dokploy.yaml; compose has 768M, and the runbook gives it 2g after it was killed for memory",
    }),
    restart_loses: Some("every open session; restart api once it accepts connections"),
    note: Some(
        "dokploy-postgres is another server, the control plane's: never take it for this one (D4); a Swarm task and an \
         older container of the two names have run side by side; which database is live only DATABASE_URL tells: five \
         names are documented (D8); image 15, 16, 17 or pgvector (D3); compose of 2026-02-01 publishes 5433; \
         pg_stat_statements must be preloaded, which takes a restart",
    ),
    ..Service::new("postgres", "the database", &P0, "the API can do nothing without it")
};

pub static REDIS: Service = Service {
    managers: &[container(&["vedfinance-redis"])],
    ports: &[6380],
    probes: &[Probe::Redis { port: 6380, password: None }],
    needs: &[&DOCKER],
    logs: &[Log::Container],
    memory: Some(Memory { alarm_bytes: None, limit_bytes: Some(256 * MIB), source: "compose and dokploy.yaml" }),
    restart_loses: Some("the whole cache: it has no volume"),
    note: Some(
        "6379 inside its network; it holds no logins, those are in the database: do not flush it for them (D32)",
    ),
    ..Service::new("redis", "cache", &P1, "features that cache fail or slow down; data and logins stay")
};

pub static API: Service = Service {
    managers: &[container(&["vedfinance-api", "v-edfinance-api-staging"])],
    ports: &[3001],
    probes: &[Probe::Http(Http {
        show: &["status", "checks.database.status", "checks.memory.status", "database"],
        ..Http::get(
            3001,
            "/health",
            &[
                Rule {
                    status: Some(200),
                    when: &[Condition::Is("checks.database.status", "up")],
                    verdict: Verdict::Pass,
                    meaning: "database up",
                },
                Rule {
                    status: Some(200),
                    when: &[Condition::Exists("checks.database.status")],
                    verdict: Verdict::Fail,
                    meaning: "its database is down",
                },
                Rule {
                    status: Some(200),
                    when: &[Condition::Is("database", "connected")],
                    verdict: Verdict::Pass,
                    meaning: "database connected",
                },
                Rule {
                    status: Some(200),
                    when: &[Condition::Exists("database")],
                    verdict: Verdict::Fail,
                    meaning: "its database is down",
                },
                Rule {
                    status: Some(200),
                    when: &[Condition::Is("status", "ok")],
                    verdict: Verdict::Pass,
                    meaning: "answers; says nothing of its database",
                },
                Rule {
                    status: Some(200),
                    when: &[Condition::Is("status", "healthy")],
                    verdict: Verdict::Pass,
                    meaning: "answers; says nothing of its database",
                },
                Rule {
                    status: Some(503),
                    when: &[Condition::Is("checks.database.status", "up")],
                    verdict: Verdict::Warn,
                    meaning: "degraded, but its database is up (also said when its heap is three quarters full)",
                },
                Rule { status: Some(503), when: &[], verdict: Verdict::Fail, meaning: "unhealthy" },
                Rule {
                    status: Some(404),
                    when: &[],
                    verdict: Verdict::Fail,
                    meaning: "no such route: a build without the health module, or another program on its port",
                },
            ],
        )
    })],
    needs: &[&DOCKER, &POSTGRES, &REDIS],
    env: Some(EnvFile {
        paths: &["/root/v-edfinance/apps/api/.env", "/root/v-edfinance/.env.production"],
        owner: None,
        mode: 0o640,
        required: &[
            "DATABASE_URL",
            "JWT_SECRET",
            "JWT_REFRESH_SECRET",
            "ALLOWED_ORIGINS",
            "REDIS_HOST",
            "REDIS_PORT",
            "STRIPE_SECRET_KEY",
            "STRIPE_WEBHOOK_SECRET",
        ],
    }),
    logs: &[Log::Container],
    memory: Some(Memory {
        alarm_bytes: Some(18 * 1024 * MIB / 10),
        limit_bytes: Some(2048 * MIB),
        source: "runbook: 1.8 of 2 GB, read as GiB, below 500 MB is normal; compose has 512M, dokploy.yaml 768m \
                 (staging) and 1536m (production)",
    }),
    note: Some(
        "/health speaks differently in each version, so known answers are tried in turn; the fuller one turns 503 also \
         for its heap (D5); compose of 2026-01-04 publishes 3000, which is Dokploy's (D7); \
         routes have no /api before them (D11); without JWT_SECRET it does not start; `docker exec API node` measures \
         itself, not the server (D12); Stripe's webhooks all end in 400 for want of the raw body (D39)",
    ),
    ..Service::new("api", "the API (NestJS): logins, courses, payments", &P0, "nothing works without it")
};

pub static WEB: Service = Service {
    managers: &[container(&["v-edfinance-web-staging", "vedfinance-web"])],
    ports: &[3002],
    probes: &[Probe::Http(Http::get(
        3002,
        "/",
        &[
            Rule::ok(200),
            Rule {
                status: Some(302),
                when: &[],
                verdict: Verdict::Fail,
                meaning: "redirects, as Uptime Kuma does on the same port",
            },
        ],
    ))],
    needs: &[&DOCKER, &API],
    logs: &[Log::Container],
    memory: Some(Memory {
        alarm_bytes: None,
        limit_bytes: Some(1024 * MIB),
        source: "dokploy.yaml, production; the least documented is 512M",
    }),
    note: Some("3000 in its container; one `docker run` publishes 3100; Cloudflare Pages serves the front end as well"),
    ..Service::new(
        "web",
        "the front end (Next.js)",
        &P0,
        "users see nothing; documents leave P0 or P1 open, the worse is taken",
    )
};

pub static NGINX: Service = Service {
    managers: &[container(&[
        "v-edfinance-nginx",
        "v-edfinance-nginx-staging",
        "vedfinance-nginx",
        "v-edfinance-nginx-1",
    ])],
    ports: &[80],
    probes: &[Probe::Http(Http::get(80, "/health", &[Rule::ok(200)]))],
    needs: &[&DOCKER, &API, &WEB],
    logs: &[Log::Container],
    note: Some(
        "its /health is a fixed text and says nothing of api or web; the image must lie on the host, compose never \
         pulls it; no file names its container, so documents and compose's own naming are followed",
    ),
    ..Service::new("nginx", "the edge", &P0, "nothing is reachable from outside without it")
};

pub static DOKPLOY_POSTGRES: Service = Service {
    managers: &[container(&["dokploy-postgres"])],
    presence: DOKPLOY_FOUND,
    needs: &[&DOCKER],
    logs: &[Log::Container],
    ..Service::new(
        "dokploy-postgres",
        "database of Dokploy, not of the product",
        &P1,
        "Dokploy does not work without it",
    )
};

pub static DOKPLOY_REDIS: Service = Service {
    managers: &[container(&["dokploy-redis"])],
    presence: DOKPLOY_FOUND,
    needs: &[&DOCKER],
    logs: &[Log::Container],
    ..Service::new("dokploy-redis", "queue of Dokploy, not of the product", &P1, "Dokploy does not work without it")
};

pub static DOKPLOY: Service = Service {
    managers: &[container(&["dokploy"])],
    ports: &[3000],
    probes: &[Probe::Http(Http {
        show: &["ok"],
        ..Http::get(3000, "/api/health", &[Rule::json(200, &[Condition::Is("ok", "true")])])
    })],
    presence: DOKPLOY_FOUND,
    needs: &[&DOCKER, &DOKPLOY_POSTGRES, &DOKPLOY_REDIS],
    logs: &[Log::Container],
    note: Some("on 2026-01-08 it had postgres, but no api, web or nginx: without them it can roll nothing back (D2)"),
    ..Service::new(
        "dokploy",
        "control plane: deploys and rolls back",
        &P1,
        "the product runs on, but cannot be rolled back",
    )
};

pub static PROMETHEUS: Service = Service {
    managers: &[container(&["v-edfinance-prometheus"])],
    ports: &[9090],
    probes: &[Probe::Http(Http::get(9090, "/-/healthy", &[Rule::ok(200)]))],
    presence: MONITORING,
    needs: &[&DOCKER],
    data: &[Data { path: "prometheus-data", kind: DataKind::Volume, what: "metrics of 30 days" }],
    logs: &[Log::Container],
    note: Some(
        "its alerts cannot fire: no exporters, one invented metric, Dokploy and bare PostgreSQL as targets, no \
         Alertmanager (D25)",
    ),
    ..Service::new("prometheus", "metrics", &P3, WATCHES)
};

pub static GRAFANA: Service = Service {
    managers: &[container(&["v-edfinance-grafana"])],
    ports: &[3003],
    probes: &[Probe::Http(Http::get(
        3003,
        "/",
        &[
            Rule::ok(200),
            Rule { status: Some(302), when: &[], verdict: Verdict::Pass, meaning: "sends visitors to its login" },
        ],
    ))],
    presence: MONITORING,
    needs: &[&DOCKER, &PROMETHEUS],
    data: &[Data { path: "grafana-data", kind: DataKind::Volume, what: "dashboards and users" }],
    logs: &[Log::Container],
    note: Some("compose publishes it on 3001, which is the API's; 3003 is in use (D7)"),
    ..Service::new("grafana", "dashboards", &P3, WATCHES)
};

pub static UPTIME_KUMA: Service = Service {
    managers: &[container(&["v-edfinance-uptime-kuma"])],
    ports: &[3002],
    probes: &[Probe::Http(Http::get(
        3002,
        "/",
        &[Rule { status: Some(302), when: &[], verdict: Verdict::Pass, meaning: "sends visitors to its dashboard" }],
    ))],
    presence: MONITORING,
    needs: &[&DOCKER],
    data: &[Data { path: "uptime-kuma-data", kind: DataKind::Volume, what: "monitors and their history" }],
    logs: &[Log::Container],
    note: Some("3002 is also the port of web: only one of them can have it (D7)"),
    ..Service::new("uptime-kuma", "watches the public addresses", &P3, WATCHES)
};

pub static NETDATA: Service = Service {
    managers: &[container(&["v-edfinance-netdata"])],
    ports: &[19999],
    probes: &[Probe::Http(Http::get(19999, "/", &[Rule::ok(200)]))],
    presence: MONITORING,
    needs: &[&DOCKER],
    data: &[
        Data { path: "netdataconfig", kind: DataKind::Volume, what: "configuration" },
        Data { path: "netdatalib", kind: DataKind::Volume, what: "metrics" },
        Data { path: "netdatacache", kind: DataKind::Volume, what: "cache" },
    ],
    logs: &[Log::Container],
    ..Service::new("netdata", "metrics of the host", &P3, WATCHES)
};

pub static GLANCES: Service = Service {
    managers: &[container(&["v-edfinance-glances"])],
    ports: &[61208],
    probes: &[Probe::Http(Http::get(
        61208,
        "/",
        &[
            Rule::ok(200),
            Rule { status: Some(404), when: &[], verdict: Verdict::Warn, meaning: "answers, but has no such page" },
        ],
    ))],
    presence: MONITORING,
    needs: &[&DOCKER],
    logs: &[Log::Container],
    note: Some("a 404 was seen here, on a path of its API"),
    ..Service::new("glances", "processes of the host", &P3, WATCHES)
};

pub static BESZEL: Service = Service {
    managers: &[container(&["v-edfinance-beszel"])],
    ports: &[8090],
    probes: &[Probe::Http(Http::get(
        8090,
        "/",
        &[Rule { status: None, when: &[], verdict: Verdict::Pass, meaning: "HTTP interface answers" }],
    ))],
    presence: MONITORING,
    needs: &[&DOCKER],
    data: &[Data { path: "beszel-data", kind: DataKind::Volume, what: "metrics and users" }],
    logs: &[Log::Container],
    ..Service::new("beszel", "metrics of the host and its containers", &P3, WATCHES)
};

pub static BESZEL_AGENT: Service = Service {
    managers: &[container(&["v-edfinance-beszel-agent"])],
    presence: MONITORING,
    needs: &[&DOCKER, &BESZEL],
    logs: &[Log::Container],
    note: Some("seen restarting without end"),
    ..Service::new("beszel-agent", "gathers for beszel", &P3, WATCHES)
};
