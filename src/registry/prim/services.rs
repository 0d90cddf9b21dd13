//! Services of prim. All `prim-*` units are alike; what differs is in the records.

use super::{P0, P1, P2, P3};
use crate::registry::*;

/// A `prim-*` unit: Bun as user `prim` in `/opt/prim`, restarted five seconds after each failure and so never reaching
/// systemd's start limit.
const fn unit(name: &'static str) -> Manager {
    Manager::Systemd(Unit::new(name).user("prim").working_directory("/opt/prim").restart("on-failure"))
}

/// An env file in `/etc/prim`, which setup.sh makes `root:prim` 640.
const fn env(paths: &'static [&'static str], required: &'static [&'static str]) -> EnvFile {
    EnvFile::new(paths).owner("root:prim").mode(0o640).required(required).settings(SETTINGS)
}

/// Of all services: wallet, Stalwart and Qdrant are asked on this host, at the ports of their units; what asks the network goes out.
static SETTINGS: &[Setting] = &[
    Setting::new("PRIM_NETWORK", Form::Word(&["eip155:8453", "eip155:84532"])).otherwise("payments fail"),
    Setting::new("WALLET_INTERNAL_URL", Form::Url(UrlForm::with_scheme(WEB).port(3001)))
        .otherwise("wallet's allowlist is not reached, and every payer gets 403"),
    Setting::new("STALWART_URL", Form::Url(UrlForm::with_scheme(WEB).port(8080)))
        .otherwise("the mail server is not reached"),
    Setting::new("QDRANT_URL", Form::Url(UrlForm::with_scheme(WEB).port(6333)))
        .otherwise("collections are not reached"),
    Setting::new("BASE_RPC_URL", Form::Url(UrlForm::with_scheme(&["https", "http", "wss", "ws"])))
        .otherwise("the chain is not reached, and no token is deployed"),
    Setting::new("FACILITATOR_URL", Form::Url(UrlForm::with_scheme(WEB))).otherwise("no payment is verified"),
];
const WEB: &[&str] = &["http", "https"];

/// Health of a service that names itself: `{"service":"wallet.sh","status":"ok"}`.
const fn named(port: u16, rules: &'static [Rule]) -> Probe {
    Probe::Http(Http::get(port, "/", rules).show(&["service", "status"]))
}

const PAID: &str = "one service of ten; the others keep working";

pub static WALLET: Service = Service::new("wallet", &P1)
    .summary("payments, and the allowlist that every paid service checks")
    .severity_reason("every paid service checks wallet's allowlist and answers 403 without it")
    .managers(&[unit("prim-wallet.service")])
    .ports(&[3001])
    .routes(&[Route::new("wallet.prim.sh", 3001)])
    .probes(&[named(
        3001,
        &[Rule::ok(200).when(&[Condition::at("service").is("wallet.sh"), Condition::at("status").is("ok")])],
    )])
    .env(env(&["/etc/prim/wallet.env"], &["PORT", "PRIM_PAY_TO", "PRIM_NETWORK", "PRIM_INTERNAL_KEY"]))
    .data(&[
        Data::new(DataKind::Sqlite, "/opt/prim/wallet.db").what("wallets and spending policy"),
        Data::new(DataKind::Sqlite, "/var/lib/prim/allowlist.db")
            .what("who may use the product; the runbook does not back it up"),
    ])
    .logs(&[Log::Journal("prim-wallet.service")])
    .note("the runbook's backup omits allowlist.db; prim must own /var/lib/prim or wallet cannot start");

pub static STORE: Service = Service::new("store", &P2)
    .summary("object storage on Cloudflare R2")
    .severity_reason(PAID)
    .managers(&[unit("prim-store.service")])
    .ports(&[3002])
    .routes(&[Route::new("store.prim.sh", 3002)])
    .probes(&[named(
        3002,
        &[Rule::ok(200).when(&[Condition::at("service").is("store.sh"), Condition::at("status").is("ok")])],
    )])
    .needs(&[&WALLET])
    .env(env(
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
    ))
    .data(&[Data::new(DataKind::Sqlite, "/opt/prim/store.db").what("buckets")])
    .logs(&[Log::Journal("prim-store.service")])
    .note("its env file also holds the backup credentials");

pub static FAUCET: Service = Service::new("faucet", &P2)
    .summary("test-net tokens")
    .severity_reason(PAID)
    .managers(&[unit("prim-faucet.service")])
    .ports(&[3003])
    .routes(&[Route::new("faucet.prim.sh", 3003)])
    .probes(&[named(
        3003,
        &[Rule::ok(200).when(&[Condition::at("service").is("faucet.sh"), Condition::at("status").is("ok")])],
    )])
    .env(env(&["/etc/prim/faucet.env"], &["PORT", "PRIM_NETWORK", "CIRCLE_API_KEY"]))
    .data(&[Data::new(DataKind::Sqlite, "/opt/prim/faucet.db").what("rate limits")])
    .logs(&[Log::Journal("prim-faucet.service")])
    .note("answers 403 to anything but GET on mainnet; an unknown PRIM_NETWORK fails per request, not at start");

pub static SPAWN: Service = Service::new("spawn", &P2)
    .summary("virtual servers on DigitalOcean")
    .severity_reason(PAID)
    .managers(&[unit("prim-spawn.service")])
    .ports(&[3004])
    .routes(&[Route::new("spawn.prim.sh", 3004)])
    .probes(&[named(
        3004,
        &[Rule::ok(200).when(&[Condition::at("service").is("spawn.sh"), Condition::at("status").is("ok")])],
    )])
    .needs(&[&WALLET])
    .env(env(&["/etc/prim/spawn.env"], &["PORT", "PRIM_PAY_TO", "PRIM_NETWORK", "DO_API_TOKEN", "WALLET_INTERNAL_URL"]))
    .data(&[
        Data::new(DataKind::Sqlite, "/opt/prim/spawn.db").what("servers and SSH keys; its loss orphans paid droplets")
    ])
    .logs(&[Log::Journal("prim-spawn.service")]);

pub static SEARCH: Service = Service::new("search", &P2)
    .summary("web search through Tavily")
    .severity_reason(PAID)
    .managers(&[unit("prim-search.service")])
    .ports(&[3005])
    .routes(&[Route::new("search.prim.sh", 3005)])
    .probes(&[named(
        3005,
        &[Rule::ok(200).when(&[Condition::at("service").is("search.sh"), Condition::at("status").is("ok")])],
    )])
    .needs(&[&WALLET])
    .env(env(
        &["/etc/prim/search.env"],
        &["PORT", "PRIM_PAY_TO", "PRIM_NETWORK", "WALLET_INTERNAL_URL", "TAVILY_API_KEY"],
    ))
    .logs(&[Log::Journal("prim-search.service")]);

pub static STALWART: Service = Service::new("stalwart", &P2)
    .summary("the mail server")
    .severity_reason("mail only; no other service needs it but email")
    .managers(&[Manager::Compose(
        Compose::new("stalwart")
            .project("email")
            .container("stalwart")
            .files(&["/opt/prim/deploy/email/docker-compose.yml"]),
    )])
    .ports(&[25, 465, 587, 993, 8080])
    .routes(&[Route::new("mail.prim.sh", 8080)])
    .probes(&[
        Probe::banner(25, "220"),
        Probe::Http(Http::get(8080, "/", &[Rule::any_status(Verdict::Pass).meaning("HTTP interface answers")])),
    ])
    .env(EnvFile::new(&["/opt/prim/deploy/email/.env"]).mode(0o640))
    .data(&[Data::new(DataKind::Directory, "/opt/prim/deploy/email/stalwart-data")
        .what("all mail (RocksDB); never remove it")])
    .logs(&[Log::Container])
    .restart_loses("mail is refused for the time of the restart; senders try again")
    .note(
        "docker's port proxy accepts connections for a dead server, so opsctl reads the 220 banner; its compose file \
         also publishes 443, which Caddy uses",
    );

pub static EMAIL: Service = Service::new("email", &P2)
    .summary("HTTP wrapper around Stalwart")
    .severity_reason(PAID)
    .managers(&[unit("prim-email.service")])
    .ports(&[3006])
    .routes(&[Route::new("email.prim.sh", 3006)])
    .probes(&[named(
        3006,
        &[Rule::ok(200).when(&[Condition::at("service").is("email.sh"), Condition::at("status").is("ok")])],
    )])
    .needs(&[&WALLET, &STALWART])
    .env(env(
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
    ))
    .data(&[Data::new(DataKind::Sqlite, "/opt/prim/email.db").what("mailboxes, domains, webhooks")])
    .logs(&[Log::Journal("prim-email.service")])
    .note("the HTTP wrapper only; the runbook lists no database for it, but the repository has one");

pub static TOKEN: Service = Service::new("token", &P2)
    .summary("token deployments on Base")
    .severity_reason(PAID)
    .managers(&[unit("prim-token.service")])
    .ports(&[3007])
    .routes(&[Route::new("token.prim.sh", 3007)])
    .probes(&[named(
        3007,
        &[Rule::ok(200).when(&[Condition::at("service").is("token.sh"), Condition::at("status").is("ok")])],
    )])
    .needs(&[&WALLET])
    .env(env(
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
    ))
    .data(&[Data::new(DataKind::Sqlite, "/opt/prim/token.db").what("deployments and pools")])
    .logs(&[Log::Journal("prim-token.service")])
    .note("TOKEN_MASTER_KEY must never be lost or rotated by schedule; deploy.sh does not restart this unit");

pub static QDRANT: Service = Service::new("qdrant", &P2)
    .summary("vector database behind mem")
    .severity_reason("only mem needs it")
    .ports(&[6333])
    .probes(&[Probe::Http(Http::get(6333, "/healthz", &[Rule::ok(200)]))])
    .note("the repository does not document what starts it; it needs 1.10 or later");

pub static MEM: Service = Service::new("mem", &P2)
    .summary("vector memory")
    .severity_reason(PAID)
    .managers(&[unit("prim-mem.service")])
    .ports(&[3008])
    .routes(&[Route::new("mem.prim.sh", 3008)])
    .probes(&[Probe::Http(Http::get(3008, "/", &[Rule::ok(200)]))])
    .needs(&[&WALLET, &QDRANT])
    .env(env(
        &["/etc/prim/mem.env"],
        &["PORT", "PRIM_PAY_TO", "PRIM_NETWORK", "WALLET_INTERNAL_URL", "QDRANT_URL", "GOOGLE_API_KEY"],
    ))
    .data(&[Data::new(DataKind::Sqlite, "/opt/prim/mem.db").what("collections and cache")])
    .logs(&[Log::Journal("prim-mem.service")])
    .note("GET / answers plain text, not JSON; deploy.sh does not restart this unit");

pub static DOMAIN: Service = Service::new("domain", &P2)
    .summary("domain registration and DNS")
    .severity_reason(PAID)
    .managers(&[unit("prim-domain.service")])
    .ports(&[3009])
    .routes(&[Route::new("domain.prim.sh", 3009)])
    .probes(&[named(
        3009,
        &[Rule::ok(200).when(&[Condition::at("service").is("domain.sh"), Condition::at("status").is("ok")])],
    )])
    .needs(&[&WALLET])
    .env(env(
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
    ))
    .data(&[Data::new(DataKind::Sqlite, "/opt/prim/domain.db")
        .what("zones, records, registrations and the recovery tokens of domains")])
    .logs(&[Log::Journal("prim-domain.service")])
    .note("an unknown PRIM_NETWORK fails per request, not at start; deploy.sh does not restart this unit");

pub static TRACK: Service = Service::new("track", &P2)
    .summary("parcel tracking")
    .severity_reason(PAID)
    .managers(&[unit("prim-track.service")])
    .ports(&[3010])
    .routes(&[Route::new("track.prim.sh", 3010)])
    .probes(&[named(
        3010,
        &[Rule::ok(200).when(&[Condition::at("service").is("track.sh"), Condition::at("status").is("ok")])],
    )])
    .needs(&[&WALLET])
    .env(env(
        &["/etc/prim/track.env"],
        &["PORT", "PRIM_PAY_TO", "PRIM_NETWORK", "WALLET_INTERNAL_URL", "TRACKINGMORE_API_KEY"],
    ))
    .logs(&[Log::Journal("prim-track.service")])
    .note("deploy.sh does not restart this unit");

pub static SITE: Service = Service::new("site", &P3)
    .summary("the marketing page")
    .severity_reason("marketing only")
    .managers(&[unit("prim-site.service")])
    .ports(&[3000])
    .probes(&[Probe::Http(Http::get(3000, "/", &[Rule::ok(200)]))])
    .presence(Presence::IfFound("moved to Cloudflare Pages on 2026-02-26, when its unit was deleted"))
    .logs(&[Log::Journal("prim-site.service")])
    .note("any prim unit without PORT also listens on port 3000");

pub static INFER: Service = Service::new("infer", &P2)
    .summary("model inference")
    .severity_reason(PAID)
    .managers(&[unit("prim-infer.service")])
    .ports(&[3012])
    .routes(&[Route::new("infer.prim.sh", 3012)])
    .probes(&[named(
        3012,
        &[Rule::ok(200).when(&[Condition::at("service").is("infer.sh"), Condition::at("status").is("ok")])],
    )])
    .presence(Presence::IfFound("added on 2026-02-27, after the runbook was written"))
    .needs(&[&WALLET])
    .env(env(&["/etc/prim/infer.env"], &["PORT"]))
    .logs(&[Log::Journal("prim-infer.service")])
    .note("as of 2026-02-28 the Caddyfile has no block for it");

pub static CADDY: Service = Service::new("caddy", &P0)
    .summary("the edge: TLS and routing for every host")
    .severity_reason("nothing is reachable from outside without it")
    .managers(&[Manager::Systemd(Unit::new("caddy.service").user("caddy"))])
    .ports(&[80, 443])
    .probes(&[Probe::Http(
        Http::get(80, "/", &[Rule::ok(308).meaning("redirects to HTTPS"), Rule::ok(301).meaning("redirects to HTTPS")])
            .host("wallet.prim.sh"),
    )])
    .data(&[Data::new(DataKind::Directory, "/var/lib/caddy").what("certificates and ACME account")])
    .logs(&[
        Log::Journal("caddy.service"),
        Log::file("/var/log/caddy/wallet-access.log").what("JSON access log, since March 2026"),
        Log::file("/var/log/caddy/store-access.log").what("JSON access log, since March 2026"),
        Log::file("/var/log/caddy/search-access.log").what("JSON access log, since March 2026"),
    ])
    .restart_loses("every open connection of every host; a reload drops none")
    .note("reload after a change of the Caddyfile; a restart does not force a renewal of certificates");
