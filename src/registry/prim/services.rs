//! Services of prim. All `prim-*` units are alike; what differs is in the records.

use super::{P0, P1, P2, P3};
use crate::registry::*;

/// A `prim-*` unit: Bun as user `prim` in `/opt/prim`, restarted five seconds after each failure and so never reaching
/// systemd's start limit.
const fn unit(name: &'static str) -> Manager {
    Manager::Systemd(Unit {
        user: Some("prim"),
        working_directory: Some("/opt/prim"),
        restart: Some("on-failure"),
        ..Unit::new(name)
    })
}

/// An env file in `/etc/prim`, which setup.sh makes `root:prim` 640.
const fn env(paths: &'static [&'static str], required: &'static [&'static str]) -> EnvFile {
    EnvFile { paths, owner: Some("root:prim"), mode: 0o640, required }
}

/// Health of a service that names itself: `{"service":"wallet.sh","status":"ok"}`.
const fn named(port: u16, rules: &'static [Rule]) -> Probe {
    Probe::Http(Http { show: &["service", "status"], ..Http::get(port, "/", rules) })
}

const PAID: &str = "one service of ten; the others keep working";

pub static WALLET: Service = Service {
    managers: &[unit("prim-wallet.service")],
    ports: &[3001],
    routes: &[Route::new("wallet.prim.sh", 3001)],
    probes: &[named(3001, &[Rule::json(200, &[Condition::Is("service", "wallet.sh"), Condition::Is("status", "ok")])])],
    env: Some(env(&["/etc/prim/wallet.env"], &["PORT", "PRIM_PAY_TO", "PRIM_NETWORK", "PRIM_INTERNAL_KEY"])),
    data: &[
        Data { path: "/opt/prim/wallet.db", kind: DataKind::Sqlite, what: "wallets and spending policy" },
        Data {
            path: "/var/lib/prim/allowlist.db",
            kind: DataKind::Sqlite,
            what: "who may use the product at all; in no backup of the runbook",
        },
    ],
    logs: &[Log::Journal("prim-wallet.service")],
    note: Some(
        "seed's backup leaves allowlist.db out; /var/lib/prim must belong to prim or wallet cannot start (D7, D10)",
    ),
    ..Service::new(
        "wallet",
        "keystone: payments and the allowlist that every paid service asks",
        &P1,
        "every paid service asks wallet for the allowlist and answers 403 without it",
    )
};

pub static STORE: Service = Service {
    managers: &[unit("prim-store.service")],
    ports: &[3002],
    routes: &[Route::new("store.prim.sh", 3002)],
    probes: &[named(3002, &[Rule::json(200, &[Condition::Is("service", "store.sh"), Condition::Is("status", "ok")])])],
    needs: &[&WALLET],
    env: Some(env(
        &["/etc/prim/store.env"],
        &[
            "PORT",
            "PRIM_PAY_TO",
            "PRIM_NETWORK",
            "CLOUDFLARE_ACCOUNT_ID",
            "R2_ACCESS_KEY_ID",
            "R2_SECRET_ACCESS_KEY",
            "WALLET_INTERNAL_URL",
        ],
    )),
    data: &[Data { path: "/opt/prim/store.db", kind: DataKind::Sqlite, what: "buckets" }],
    logs: &[Log::Journal("prim-store.service")],
    note: Some("its env file also holds the credentials of the backup (D6)"),
    ..Service::new("store", "object storage on Cloudflare R2", &P2, PAID)
};

pub static FAUCET: Service = Service {
    managers: &[unit("prim-faucet.service")],
    ports: &[3003],
    routes: &[Route::new("faucet.prim.sh", 3003)],
    probes: &[named(3003, &[Rule::json(200, &[Condition::Is("service", "faucet.sh"), Condition::Is("status", "ok")])])],
    env: Some(env(&["/etc/prim/faucet.env"], &["PORT", "PRIM_NETWORK", "CIRCLE_API_KEY"])),
    data: &[Data { path: "/opt/prim/faucet.db", kind: DataKind::Sqlite, what: "rate limits" }],
    logs: &[Log::Journal("prim-faucet.service")],
    note: Some("answers 403 to anything but GET on mainnet; an unknown PRIM_NETWORK fails per request, not at start"),
    ..Service::new("faucet", "test-net tokens", &P2, PAID)
};

pub static SPAWN: Service = Service {
    managers: &[unit("prim-spawn.service")],
    ports: &[3004],
    routes: &[Route::new("spawn.prim.sh", 3004)],
    probes: &[named(3004, &[Rule::json(200, &[Condition::Is("service", "spawn.sh"), Condition::Is("status", "ok")])])],
    needs: &[&WALLET],
    env: Some(env(
        &["/etc/prim/spawn.env"],
        &["PORT", "PRIM_PAY_TO", "PRIM_NETWORK", "DO_API_TOKEN", "WALLET_INTERNAL_URL"],
    )),
    data: &[Data {
        path: "/opt/prim/spawn.db",
        kind: DataKind::Sqlite,
        what: "servers and SSH keys; its loss orphans paid droplets",
    }],
    logs: &[Log::Journal("prim-spawn.service")],
    ..Service::new("spawn", "virtual servers on DigitalOcean", &P2, PAID)
};

pub static SEARCH: Service = Service {
    managers: &[unit("prim-search.service")],
    ports: &[3005],
    routes: &[Route::new("search.prim.sh", 3005)],
    probes: &[named(3005, &[Rule::json(200, &[Condition::Is("service", "search.sh"), Condition::Is("status", "ok")])])],
    needs: &[&WALLET],
    env: Some(env(
        &["/etc/prim/search.env"],
        &["PORT", "PRIM_PAY_TO", "PRIM_NETWORK", "WALLET_INTERNAL_URL", "TAVILY_API_KEY"],
    )),
    logs: &[Log::Journal("prim-search.service")],
    ..Service::new("search", "web search through Tavily", &P2, PAID)
};

pub static STALWART: Service = Service {
    managers: &[Manager::Compose(Compose {
        project: "email",
        service: "stalwart",
        container: Some("stalwart"),
        files: &["/opt/prim/deploy/email/docker-compose.yml"],
    })],
    ports: &[25, 465, 587, 993, 8080],
    routes: &[Route::new("mail.prim.sh", 8080)],
    probes: &[
        Probe::Banner { port: 25, prefix: "220" },
        Probe::Http(Http::get(
            8080,
            "/",
            &[Rule { status: None, when: &[], verdict: Verdict::Pass, meaning: "HTTP interface answers" }],
        )),
    ],
    env: Some(EnvFile { paths: &["/opt/prim/deploy/email/.env"], owner: None, mode: 0o640, required: &[] }),
    data: &[Data {
        path: "/opt/prim/deploy/email/stalwart-data",
        kind: DataKind::Directory,
        what: "all mail (RocksDB); never remove it",
    }],
    logs: &[Log::Container],
    restart_loses: Some("mail is refused for the time of the restart; senders try again"),
    note: Some(
        "docker's port proxy accepts connections for a dead server, so the 220 banner is read (D24); its compose file also \
         publishes 443, which Caddy holds (D23)",
    ),
    ..Service::new("stalwart", "the mail server", &P2, "mail only; no other service needs it but email")
};

pub static EMAIL: Service = Service {
    managers: &[unit("prim-email.service")],
    ports: &[3006],
    routes: &[Route::new("email.prim.sh", 3006)],
    probes: &[named(3006, &[Rule::json(200, &[Condition::Is("service", "email.sh"), Condition::Is("status", "ok")])])],
    needs: &[&WALLET, &STALWART],
    env: Some(env(
        &["/etc/prim/email.env"],
        &[
            "PORT",
            "PRIM_PAY_TO",
            "PRIM_NETWORK",
            "WALLET_INTERNAL_URL",
            "STALWART_URL",
            "STALWART_API_KEY",
            "EMAIL_DEFAULT_DOMAIN",
        ],
    )),
    data: &[Data { path: "/opt/prim/email.db", kind: DataKind::Sqlite, what: "mailboxes, domains, webhooks" }],
    logs: &[Log::Journal("prim-email.service")],
    note: Some("the HTTP wrapper only; the seed says it has no database, the repository has one (D1)"),
    ..Service::new("email", "HTTP wrapper around Stalwart", &P2, PAID)
};

pub static TOKEN: Service = Service {
    managers: &[unit("prim-token.service")],
    ports: &[3007],
    routes: &[Route::new("token.prim.sh", 3007)],
    probes: &[named(3007, &[Rule::json(200, &[Condition::Is("service", "token.sh"), Condition::Is("status", "ok")])])],
    needs: &[&WALLET],
    env: Some(env(
        &["/etc/prim/token.env"],
        &[
            "PORT",
            "PRIM_PAY_TO",
            "PRIM_NETWORK",
            "WALLET_INTERNAL_URL",
            "TOKEN_MASTER_KEY",
            "TOKEN_DEPLOYER_ENCRYPTED_KEY",
            "BASE_RPC_URL",
        ],
    )),
    data: &[Data { path: "/opt/prim/token.db", kind: DataKind::Sqlite, what: "deployments and pools" }],
    logs: &[Log::Journal("prim-token.service")],
    note: Some("TOKEN_MASTER_KEY must never be lost or rotated by schedule; deploy.sh forgets this unit (D11)"),
    ..Service::new("token", "token deployments on Base", &P2, PAID)
};

pub static QDRANT: Service = Service {
    ports: &[6333],
    probes: &[Probe::Http(Http::get(6333, "/healthz", &[Rule::ok(200)]))],
    note: Some("the repository does not say what starts it; needs 1.10 or later"),
    ..Service::new("qdrant", "vector database behind mem", &P2, "only mem needs it")
};

pub static MEM: Service = Service {
    managers: &[unit("prim-mem.service")],
    ports: &[3008],
    routes: &[Route::new("mem.prim.sh", 3008)],
    probes: &[Probe::Http(Http::get(3008, "/", &[Rule::ok(200)]))],
    needs: &[&WALLET, &QDRANT],
    env: Some(env(
        &["/etc/prim/mem.env"],
        &["PORT", "PRIM_PAY_TO", "PRIM_NETWORK", "WALLET_INTERNAL_URL", "QDRANT_URL", "GOOGLE_API_KEY"],
    )),
    data: &[Data { path: "/opt/prim/mem.db", kind: DataKind::Sqlite, what: "collections and cache" }],
    logs: &[Log::Journal("prim-mem.service")],
    note: Some("GET / answers plain text, not JSON; deploy.sh forgets this unit (D11)"),
    ..Service::new("mem", "vector memory", &P2, PAID)
};

pub static DOMAIN: Service = Service {
    managers: &[unit("prim-domain.service")],
    ports: &[3009],
    routes: &[Route::new("domain.prim.sh", 3009)],
    probes: &[named(3009, &[Rule::json(200, &[Condition::Is("service", "domain.sh"), Condition::Is("status", "ok")])])],
    needs: &[&WALLET],
    env: Some(env(
        &["/etc/prim/domain.env"],
        &[
            "PORT",
            "PRIM_PAY_TO",
            "PRIM_NETWORK",
            "WALLET_INTERNAL_URL",
            "CLOUDFLARE_API_TOKEN",
            "CLOUDFLARE_ZONE_ID",
            "NAMESILO_API_KEY",
        ],
    )),
    data: &[Data {
        path: "/opt/prim/domain.db",
        kind: DataKind::Sqlite,
        what: "zones, records, registrations and the recovery tokens of domains",
    }],
    logs: &[Log::Journal("prim-domain.service")],
    note: Some("an unknown PRIM_NETWORK fails per request, not at start; deploy.sh forgets this unit (D11)"),
    ..Service::new("domain", "domain registration and DNS", &P2, PAID)
};

pub static TRACK: Service = Service {
    managers: &[unit("prim-track.service")],
    ports: &[3010],
    routes: &[Route::new("track.prim.sh", 3010)],
    probes: &[named(3010, &[Rule::json(200, &[Condition::Is("service", "track.sh"), Condition::Is("status", "ok")])])],
    needs: &[&WALLET],
    env: Some(env(
        &["/etc/prim/track.env"],
        &["PORT", "PRIM_PAY_TO", "PRIM_NETWORK", "WALLET_INTERNAL_URL", "TRACKINGMORE_API_KEY"],
    )),
    logs: &[Log::Journal("prim-track.service")],
    note: Some("deploy.sh forgets this unit (D11)"),
    ..Service::new("track", "parcel tracking", &P2, PAID)
};

pub static SITE: Service = Service {
    managers: &[unit("prim-site.service")],
    ports: &[3000],
    probes: &[Probe::Http(Http::get(3000, "/", &[Rule::ok(200)]))],
    presence: Presence::IfFound("moved to Cloudflare Pages on 2026-02-26, when its unit was deleted (D15)"),
    logs: &[Log::Journal("prim-site.service")],
    note: Some("port 3000 is also where any prim unit without PORT ends up (D16)"),
    ..Service::new("site", "the marketing page", &P3, "marketing only")
};

pub static INFER: Service = Service {
    managers: &[unit("prim-infer.service")],
    ports: &[3012],
    routes: &[Route::new("infer.prim.sh", 3012)],
    probes: &[named(3012, &[Rule::json(200, &[Condition::Is("service", "infer.sh"), Condition::Is("status", "ok")])])],
    presence: Presence::IfFound("added on 2026-02-27, after the runbook was written"),
    needs: &[&WALLET],
    env: Some(env(&["/etc/prim/infer.env"], &["PORT"])),
    logs: &[Log::Journal("prim-infer.service")],
    note: Some("as of 2026-02-28 the Caddyfile has no block for it (D29)"),
    ..Service::new("infer", "model inference", &P2, PAID)
};

pub static CADDY: Service = Service {
    managers: &[Manager::Systemd(Unit { user: Some("caddy"), ..Unit::new("caddy.service") })],
    ports: &[80, 443],
    probes: &[Probe::Http(Http {
        host: Some("wallet.prim.sh"),
        ..Http::get(
            80,
            "/",
            &[
                Rule { status: Some(308), when: &[], verdict: Verdict::Pass, meaning: "redirects to HTTPS" },
                Rule { status: Some(301), when: &[], verdict: Verdict::Pass, meaning: "redirects to HTTPS" },
            ],
        )
    })],
    data: &[Data { path: "/var/lib/caddy", kind: DataKind::Directory, what: "certificates and ACME account" }],
    logs: &[
        Log::Journal("caddy.service"),
        Log::File { path: "/var/log/caddy/wallet-access.log", what: "JSON access log, since March 2026" },
        Log::File { path: "/var/log/caddy/store-access.log", what: "JSON access log, since March 2026" },
        Log::File { path: "/var/log/caddy/search-access.log", what: "JSON access log, since March 2026" },
    ],
    restart_loses: Some("every open connection of every host; a reload loses none"),
    note: Some("reload after a change of the Caddyfile; a restart does not force a renewal of certificates (D22)"),
    ..Service::new(
        "caddy",
        "the edge: TLS and routing for every host",
        &P0,
        "nothing is reachable from outside without it",
    )
};
