//! What goes wrong on prim: the runbook's eleven failures and what the repository shows besides. "Fn" is the number in the
//! runbook's own order.

use super::super::*;
use super::services::*;
use super::{P0, P1, P2, P3};
use Clue::{All, Any, Not, Of};

pub(super) static FAILURES: &[&Failure] = &[
    &HOST_UNREACHABLE,
    &DISK_FULL,
    &BUN_MISSING,
    &WALLET_DOWN,
    &MAIL_INBOUND_DOWN,
    &SERVICE_CRASH_LOOP,
    &TLS_FAILURE,
    &SQLITE_LOCKED,
    &X402_PAYMENT_FAILURE,
    &BAD_GATEWAY,
    &MAIL_OUTBOUND_REJECTED,
    &DEGRADED,
    &usual::BACKUP_FAILURE,
];

/// The ten that are alike: Bun under systemd.
static UNITS: &[&Service] =
    &[&WALLET, &STORE, &FAUCET, &SPAWN, &SEARCH, &EMAIL, &TOKEN, &MEM, &DOMAIN, &TRACK, &SITE, &INFER];

/// Those that take payments, and ask the wallet who may.
static PAID: &[&Service] = &[&STORE, &SPAWN, &SEARCH, &EMAIL, &TOKEN, &MEM, &DOMAIN, &TRACK];

/// Those that compare PRIM_NETWORK at start; faucet and domain do so at each request.
static NETWORKED: &[&Service] = &[&WALLET, &STORE, &FAUCET, &SPAWN, &SEARCH, &EMAIL, &TOKEN, &MEM, &DOMAIN, &TRACK];

/// The causes of a unit that does not stay up, those that only these programs have first.
static CRASHES: &[&Cause] = &[&NETWORK_UNKNOWN, &PORT_MISSING, &PORT_DIFFERS, &MODULE_MISSING, &STATE_NOT_WRITABLE];

// F10
static HOST_UNREACHABLE: Failure = Failure::new("host-unreachable", &[&[&CADDYFILE_INVALID], usual::SERVICE])
    .summary("Caddy, and with it every public host, is down")
    .section("9. Severity, P0")
    .aliases(&["edge-down", "caddy-down", "down"])
    .services(&[&CADDY])
    .symptoms(&["no host name answers", "SSH or the provider's console is the only way in"])
    .note("only another host can see that this host is unreachable; opsctl checks Caddy here");

// F6
static DISK_FULL: Failure = Failure::new("disk-full", &[usual::DISK, &[&STALE_COPIES]])
    .summary("a file system is full or nearly full")
    .section("7. Failure: disk full")
    .aliases(&["disk", "no-space", "enospc", "inodes"])
    .symptoms(&["writes fail with \"No space left on device\"", "journald stops"])
    .note("never run docker system prune: it removes a stopped stalwart container, with --volumes also Qdrant's data");

// F7
static BUN_MISSING: Failure = Failure::new("bun-missing", &[&[&BUN_GONE]])
    .summary("Bun, which every unit runs, is missing")
    .section("7. Failure: Bun missing after reboot")
    .severity(&P0)
    .aliases(&["bun", "203"])
    .symptoms(&["units fail with 203/EXEC", "\"bun: not found\""])
    .note("running services keep working until they are restarted: do not reboot before this is fixed");

// F9
static WALLET_DOWN: Failure = Failure::new("wallet-down", &[CRASHES, usual::SERVICE])
    .summary("wallet does not answer; every paid service fails closed")
    .section("9. Severity, P1")
    .severity(&P1)
    .services(&[&WALLET])
    .symptoms(&["every paid service answers 403 wallet_not_allowed", "https://wallet.prim.sh answers 502"]);

// F1
static SERVICE_CRASH_LOOP: Failure = Failure::new(
    "service-crash-loop",
    &[CRASHES, usual::SERVICE, &[&usual::ENGINE_DOWN, &FAILED_UNITS, &LOOPING_UNITS]],
)
.summary("a service is in a crash loop or does not answer")
.section("7. Failure: service crash loop")
.aliases(&["crash-loop", "service-down", "unit-failed"])
.symptoms(&["the unit is activating (auto-restart) or failed"])
.note("RestartSec=5 never reaches the start limit, so a broken unit restarts forever");

// F3
static TLS_FAILURE: Failure = Failure::new(
    "tls-failure",
    &[
        &[&HTTPS_PORT_TAKEN, &HTTP_CLOSED, &ACME_RATE_LIMIT, &ACME_FAILS, &STORE_NOT_WRITABLE],
        usual::CERTIFICATES,
        &[&TLS_SILENT],
    ],
)
.summary("a certificate is not valid, or expires soon")
.section("7. Failure: TLS certificate")
.aliases(&["tls", "certificate", "https", "acme"])
.symptoms(&["clients report that a certificate has expired or is for another name"])
.note("restarting Caddy drops every host and forces no renewal: reload it, and read the ACME errors");

// F4
static MAIL_INBOUND_DOWN: Failure =
    Failure::new("mail-inbound-down", &[&[&MAIL_STORE_DAMAGED, &MAIL_SILENT], usual::SERVICE, &[&usual::ENGINE_DOWN]])
        .summary("Stalwart accepts no mail")
        .section("7. Failure: inbound mail")
        .aliases(&["mail", "smtp"])
        .services(&[&STALWART])
        .symptoms(&["senders get no 220 banner on port 25"])
        .note(
            "never remove stalwart-data: it holds all mail. Port 25 accepts connections through docker's proxy even \
             when the server is down",
        );

// F5
static SQLITE_LOCKED: Failure = Failure::new("sqlite-locked", &[&[&LOCKED_BY_BACKUP, &LOCKED, &usual::SQLITE_LOCKED]])
    .summary("a service cannot write its database because another process locks it")
    .section("7. Failure: SQLite locked")
    .aliases(&["locked", "sqlite", "busy", "sqlite_busy"])
    .symptoms(&["SQLITE_BUSY or \"database is locked\" in the journal"])
    .note(
        "the databases use a rollback journal and no busy timeout: a reader, such as the backup at 03:00, blocks a \
         commit at once",
    );

// F8
static X402_PAYMENT_FAILURE: Failure = Failure::new(
    "x402-payment-failure",
    &[
        &[
            &NETWORK_DIFFERS,
            &PAY_TO_DIFFERS,
            &PAY_TO_INVALID,
            &INTERNAL_KEY_MISSING,
            &INTERNAL_KEY_DIFFERS,
            &ALLOWLIST_REFUSED,
            &ALLOWLIST_UNREACHABLE,
            &FACILITATOR_DOWN,
        ],
        CRASHES,
    ],
)
.summary("paid routes accept no payment, or reject permitted payers")
.section("7. Failure: x402 payments")
.severity(&P1)
.aliases(&["x402", "402", "403", "payment"])
.symptoms(&["paid routes answer 402 again after payment", "paid routes answer 403 wallet_not_allowed"])
.note(
    "an unpaid POST to a paid route must answer 402, and its payment-required header must name the network and address \
     of wallet's env file",
);

// F2
static BAD_GATEWAY: Failure = Failure::new("bad-gateway", &[&[&ROUTE_ELSEWHERE], CRASHES, usual::SERVICE])
    .summary("a public host answers 502")
    .section("7. Failure: 502")
    .aliases(&["502", "upstream"])
    .services(&[&WALLET, &STORE, &FAUCET, &SPAWN, &SEARCH, &STALWART, &EMAIL, &TOKEN, &MEM, &DOMAIN, &TRACK, &INFER])
    .symptoms(&["an HTTPS host answers 502: Caddy is healthy, its upstream does not listen"]);

static MAIL_OUTBOUND_REJECTED: Failure =
    Failure::new("mail-outbound-rejected", &[&[&SIGNER_UNKNOWN, &REFUSED_BY_RECEIVERS]])
        .summary("outgoing mail is refused")
        .section("docs/ops, 2026-02-27")
        .severity(&P2)
        .aliases(&["mail-out", "dkim", "spf"])
        .services(&[&STALWART])
        .symptoms(&["receivers refuse or junk what Stalwart sends"])
        .note(
            "opsctl does not check PTR, SPF and MX in public DNS: use dig +short -x ADDRESS and dig TXT prim.sh. \
             Stalwart has its own certificate for ports 465 and 993",
        );

// F11
static DEGRADED: Failure = Failure::new(
    "degraded",
    &[&[&usual::LOAD_HIGH, &SLOW_ANSWERS], usual::MEMORY, &[&usual::CLOCK_ADRIFT, &usual::RELOAD_NEEDED]],
)
.summary("answers are slow or fail now and then")
.section("9. Severity, P3")
.severity(&P3)
.aliases(&["slow", "memory", "oom", "load", "latency"])
.symptoms(&["answers are slow", "errors are intermittent"]);

static CORRECT_ENV: Fix = Fix::new(
    "correct its env file and restart it",
    Risk::Disruptive,
    Remedy::Manual("edit {env} (root:prim, mode 640), then opsctl restart {service}"),
);
static REDEPLOY: Fix = Fix::new(
    "install what is missing and restart",
    Risk::Disruptive,
    Remedy::Manual(
        "bash /opt/prim/deploy/prim/deploy.sh, then opsctl restart token mem domain track (the script does not \
         restart these)",
    ),
);
static RESTART: Fix = Fix::new("restart {service}", Risk::Disruptive, Remedy::Restart);
static RELOAD_CADDY: Fix =
    Fix::new("reload Caddy, which asks for the certificate again", Risk::Safe, Remedy::ReloadOf(&CADDY));

static NETWORK_UNKNOWN: Cause = Cause::new(
    "NETWORK-UNKNOWN",
    Any(&[
        All(&[Clue::Unhealthy, Clue::Said("Unknown network", Window::Run)]),
        Clue::Env(EnvClue::key("PRIM_NETWORK").unlike(NETWORKS)),
    ]),
)
.summary("PRIM_NETWORK of {service} is not a known network")
.explanation(
    "valid are eip155:8453 (Base, also when it is not set) and eip155:84532 (Base Sepolia); most services end at \
     start, faucet and domain fail at each request",
)
.about(About::These(NETWORKED))
.explains(&[&NETWORK_DIFFERS])
.fixes(&[&CORRECT_ENV]);
const NETWORKS: &str = "eip155:(8453|84532)";

static PORT_MISSING: Cause = Cause::new("PORT-MISSING", Clue::Env(EnvClue::KeysMissing(&["PORT"])))
    .summary("PORT is not set for {service}")
    .explanation(
        "Bun then listens on port 3000: Caddy does not send requests there, and a second such service \
     cannot listen there",
    )
    .about(About::These(NETWORKED))
    .fixes(&[&CORRECT_ENV]);

static PORT_DIFFERS: Cause = Cause::new("PORT-DIFFERS", Clue::Env(EnvClue::key("PORT").not_its_port()))
    .summary("{service} is configured for another port than {port}")
    .explanation("Caddy and its clients connect to port {port}")
    .about(About::These(NETWORKED))
    .fixes(&[&CORRECT_ENV]);

static MODULE_MISSING: Cause = Cause::new(
    "MODULE-MISSING",
    All(&[
        Clue::Unhealthy,
        Clue::Said(r"(?i)cannot find (module|package)|module not found|could not resolve", Window::Run),
    ]),
)
.summary("{service} cannot find a module that it imports")
.explanation("pnpm install was not run, or the build of @primsh/x402-middleware is missing")
.about(About::These(UNITS))
.fixes(&[&REDEPLOY]);

static STATE_NOT_WRITABLE: Cause = Cause::new(
    "STATE-NOT-WRITABLE",
    All(&[
        Clue::Unhealthy,
        Any(&[
            Clue::File("/var/lib/prim", FileClue::OwnedByOther("prim")),
            Clue::File("/var/lib/prim/allowlist.db", FileClue::OwnedByOther("prim")),
        ]),
        Clue::Said(
            concat!(
                r"(?i)SQLITE_CANTOPEN|unable to open database|SQLITE_READONLY|readonly database|EACCES",
                r"|permission denied"
            ),
            Window::Run,
        ),
    ]),
)
.summary("wallet cannot open its databases: prim does not own /var/lib/prim")
.explanation(
    "root's health cron creates the directory as root if it is missing; wallet runs as prim and must create \
     allowlist.db there",
)
.about(About::These(&[&WALLET]))
.fixes(&[&Fix::new(
    "make prim the owner of the directory, then restart wallet",
    Risk::Disruptive,
    Remedy::Manual("chown -R prim:prim /var/lib/prim, then opsctl restart wallet"),
)]);

static FAILED_UNITS: Cause = usual::unit_failed().verdict(Verdict::Warn);
static LOOPING_UNITS: Cause = usual::unit_looping();

static CADDYFILE_INVALID: Cause = Cause::new("CADDYFILE-INVALID", Clue::ProxyRejects)
    .summary("Caddy rejects its Caddyfile")
    .explanation("it serves with the old one until it is restarted; then every public host is down")
    .about(About::These(&[&CADDY]))
    .fixes(&[&Fix::new(
        "see its errors",
        Risk::ReadOnly,
        Remedy::Command(&["caddy", "adapt", "--config", "/etc/caddy/Caddyfile"]),
    )]);

static ROUTE_ELSEWHERE: Cause = Cause::new("ROUTE-ELSEWHERE", Clue::RouteElsewhere)
    .summary("Caddy sends visitors of {service} to {thing} instead of port {port}")
    .explanation("the Caddyfile and the service's PORT disagree")
    .fixes(&[&Fix::new(
        "correct the upstream and reload",
        Risk::Safe,
        Remedy::Manual("correct the port in /etc/caddy/Caddyfile, then opsctl reload caddy"),
    )]);

static STALE_COPIES: Cause = Cause::new(
    "STALE-COPIES",
    All(&[
        Clue::Leftovers(Leftovers::in_dir("/tmp").prefix("prim-").suffix(".db").older_seconds(3600)),
        Not(&Clue::Running("backup.sh")),
    ]),
)
.summary("a finished backup left copies of databases in /tmp")
.explanation("backup.sh removes its copies only on success; they use space, and other users can read them (mode 644)")
.about(About::Host)
.verdict(Verdict::Warn)
.severity(&P3)
.fixes(&[&Fix::new(
    "remove them, while no backup runs",
    Risk::Safe,
    Remedy::Command(&["find", "/tmp", "-maxdepth", "1", "-name", "prim-*.db", "-mmin", "+60", "-delete"]),
)]);

static BUN_GONE: Cause = Cause::new("BUN-MISSING", Clue::File("/home/prim/.bun/bin/bun", FileClue::NotExecutable))
    .summary("Bun is missing or cannot be executed")
    .explanation("every prim unit runs /home/prim/.bun/bin/bun; a unit that is restarted now does not start again")
    .about(About::Host)
    .explains(&[&usual::PROGRAM_MISSING, &usual::CRASH_LOOP, &usual::FAILED])
    .fixes(&[&Fix::new(
        "reinstall the same version of Bun as prim, then restart all units, wallet first",
        Risk::Disruptive,
        Remedy::Manual(
            "as prim: curl -fsSL https://bun.sh/install | bash -s bun-vVERSION; then opsctl restart wallet, and the \
             others after it",
        ),
    )]);

static HTTPS_PORT_TAKEN: Cause = Cause::new("HTTPS-PORT-TAKEN", Clue::Port(443, Listening::NotBy(&["caddy"])))
    .summary("another program than Caddy listens on port 443")
    .explanation("the compose file of Stalwart also publishes 443: the first to start at boot gets the port")
    .about(About::Host)
    .severity(&P0)
    .explains(&[&TLS_SILENT, &usual::CERTIFICATE_NAME, &usual::CRASH_LOOP, &usual::FAILED, &usual::NO_ANSWER])
    .fixes(&[&Fix::new(
        "remove 443 from the compose file, recreate the container, start Caddy",
        Risk::Disruptive,
        Remedy::Manual(
            "remove 443:443 from /opt/prim/deploy/email/docker-compose.yml, docker compose up -d there, then opsctl \
             restart caddy",
        ),
    )]);

static HTTP_CLOSED: Cause = Cause::new("HTTP-CLOSED", Any(&[Clue::FirewallCloses(80), Clue::FirewallCloses(443)]))
    .summary("the firewall blocks port 80 or 443")
    .explanation("Let's Encrypt must reach port 80 (or 443) to renew, and visitors must reach 443")
    .about(About::Host)
    .fixes(&[&Fix::new(
        "allow ports 80 and 443",
        Risk::Safe,
        Remedy::Manual("ufw allow 80/tcp; ufw allow 443/tcp; then opsctl reload caddy"),
    )]);

/// Some certificate is not as it should be; else nothing hangs on what was said of renewals.
const A_CERTIFICATE_TROUBLES: Clue =
    Any(&[Clue::Certificate(Flaw::Any), Clue::Certificate(Flaw::Ending), Clue::Certificate(Flaw::None)]);

static ACME_RATE_LIMIT: Cause = Cause::new(
    "ACME-RATE-LIMIT",
    All(&[
        A_CERTIFICATE_TROUBLES,
        Clue::Said(
            concat!(
                r"(?i)urn:ietf:params:acme:error:rateLimited",
                r"|too many (certificates|failed authorizations|currently pending)"
            ),
            Window::Seconds(86_400),
        ),
    ]),
)
.summary("Let's Encrypt refuses new certificates for now: a rate limit")
.explanation("further attempts extend the limit; wait until the time in its message")
.about(About::These(&[&CADDY]))
.severity(&P2)
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "read the end time, and wait",
    Risk::ReadOnly,
    Remedy::Command(&["opsctl", "logs", "caddy", "-g", "rateLimited|too many", "-n", "20"]),
)]);

static ACME_FAILS: Cause = Cause::new(
    "ACME-FAILS",
    All(&[
        A_CERTIFICATE_TROUBLES,
        Clue::Said(
            concat!(
                r"(?i)could not get certificate from issuer|urn:ietf:params:acme:error:(dns|connection|unauthorized)",
                r"|challenge failed"
            ),
            Window::Seconds(86_400),
        ),
    ]),
)
.summary("Caddy cannot get a certificate")
.explanation("the name points elsewhere, or Let's Encrypt cannot reach this host; its message shows which")
.about(About::These(&[&CADDY]))
.severity(&P2)
.verdict(Verdict::Warn)
.fixes(&[&RELOAD_CADDY]);

static STORE_NOT_WRITABLE: Cause =
    Cause::new("CADDY-STORE", Clue::File("/var/lib/caddy", FileClue::OwnedByOther("caddy")))
        .summary("Caddy cannot write its certificate directory")
        .explanation("caddy must own /var/lib/caddy; renewed certificates are lost at the next restart")
        .about(About::Host)
        .severity(&P2)
        .fixes(&[&Fix::new(
            "make caddy its owner, then reload",
            Risk::Safe,
            Remedy::Manual("chown -R caddy:caddy /var/lib/caddy, then opsctl reload caddy"),
        )]);

static TLS_SILENT: Cause = usual::tls_silent(All(&[Clue::Certificate(Flaw::None), Not(&Of(&CADDY, &Clue::Unhealthy))]));

static MAIL_STORE_DAMAGED: Cause = Cause::new(
    "MAIL-STORE-DAMAGED",
    All(&[Clue::Unhealthy, Clue::Said(r"(?i)rocksdb.*(corrupt|checksum)|corruption:|checksum mismatch", Window::Run)]),
)
.summary("Stalwart cannot read its store")
.explanation("RocksDB reports damaged files; a restart does not repair them")
.about(About::These(&[&STALWART]))
.fixes(&[&Fix::new(
    "restore stalwart-data from its newest archive, and keep the old directory",
    Risk::Destructive,
    Remedy::Manual(
        "opsctl restore stalwart, of the newest verified copy; of the runbook's own archive: docker compose stop in \
         /opt/prim/deploy/email; mv stalwart-data stalwart-data.before (never remove it); unpack the archive; docker compose \
         start",
    ),
)]);

static MAIL_SILENT: Cause = Cause::new(
    "MAIL-SILENT",
    All(&[
        Clue::Unhealthy,
        Clue::State(&[State::Running, State::Starting]),
        Any(&[Clue::Reply(Heard::Silence), Clue::Reply(Heard::Bad)]),
    ]),
)
.summary("the mail port sends no banner")
.explanation("the container runs, and docker's proxy accepts connections for it, but no 220 banner arrives")
.about(About::These(&[&STALWART]))
.depth(Depth::Effect)
.fixes(&[&RESTART]);

static LOCKED_BY_BACKUP: Cause =
    Cause::new("LOCKED-BY-BACKUP", All(&[Clue::Said(LOCK_LINES, Window::Seconds(600)), Clue::Running("backup.sh")]))
        .summary("the backup locks the database of {service}")
        .explanation("the backup reads the file while the service tries to write; the lock ends with the backup")
        .explains(&[&usual::SQLITE_LOCKED])
        .about(About::These(UNITS))
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "wait until the backup ends",
            Risk::ReadOnly,
            Remedy::Command(&["pgrep", "-af", "backup.sh"]),
        )]);

static LOCKED: Cause = Cause::new(
    "SQLITE-LOCKED",
    All(&[
        Clue::Said(LOCK_LINES, Window::Seconds(600)),
        Not(&Clue::Running("backup.sh")),
        Not(&Clue::Data(DataClue::SqliteLocked)),
    ]),
)
.summary("{service} could not write its database in the last ten minutes: it was locked")
.explanation("no backup runs and no process locks it now; a second copy of the service or an sqlite3 shell locked it")
.about(About::These(UNITS))
.fixes(&[
    &Fix::new(
        "see which processes have the databases open",
        Risk::ReadOnly,
        Remedy::Manual("fuser -v /opt/prim/*.db /var/lib/prim/*.db"),
    ),
    &RESTART,
]);

const LOCK_LINES: &str = r"(?i)SQLITE_BUSY|database (table )?is locked";

static NETWORK_DIFFERS: Cause =
    Cause::new("NETWORK-DIFFERS", Clue::Env(EnvClue::key("PRIM_NETWORK").differs_from(&WALLET)))
        .summary("{service} is paid on another network than wallet")
        .explanation("a payment on one network does not count on the other: 402 every time")
        .about(About::These(PAID))
        .fixes(&[&CORRECT_ENV]);

static PAY_TO_DIFFERS: Cause =
    Cause::new("PAY-TO-DIFFERS", Clue::Env(EnvClue::key("PRIM_PAY_TO").differs_from(&WALLET)))
        .summary("{service} is paid to another address than wallet")
        .explanation("payments go to an unintended account")
        .about(About::These(PAID))
        .fixes(&[&CORRECT_ENV]);

static PAY_TO_INVALID: Cause = Cause::new(
    "PAY-TO-INVALID",
    Any(&[
        Clue::Env(EnvClue::KeysMissing(&["PRIM_PAY_TO"])),
        Clue::Env(EnvClue::key("PRIM_PAY_TO").unlike("0x[0-9a-fA-F]{40}")),
        Clue::Env(EnvClue::key("PRIM_PAY_TO").like("0x0{40}")),
    ]),
)
.summary("PRIM_PAY_TO of {service} is unset, zero, or not an address")
.explanation("the code then uses the zero address: payments are lost")
.about(About::These(&[&WALLET, &STORE, &SPAWN, &SEARCH, &EMAIL, &TOKEN, &MEM, &DOMAIN, &TRACK]))
.fixes(&[&CORRECT_ENV]);

static INTERNAL_KEY_MISSING: Cause = Cause::new(
    "INTERNAL-KEY-MISSING",
    All(&[
        Not(&Of(&WALLET, &Clue::Env(EnvClue::KeysMissing(&["PRIM_INTERNAL_KEY"])))),
        Clue::Env(EnvClue::KeysMissing(&["PRIM_INTERNAL_KEY"])),
    ]),
)
.summary("{service} has no key for wallet's allowlist")
.explanation("wallet answers 401 without it, and every payer gets 403; the templates contain the key only for wallet")
.about(About::These(PAID))
.fixes(&[&CORRECT_ENV]);

static INTERNAL_KEY_DIFFERS: Cause =
    Cause::new("INTERNAL-KEY-DIFFERS", Clue::Env(EnvClue::key("PRIM_INTERNAL_KEY").differs_from(&WALLET)))
        .summary("{service} has another key for the allowlist than wallet")
        .explanation("wallet answers 401, and every payer gets 403; a key rotation must change all env files")
        .about(About::These(PAID))
        .fixes(&[&CORRECT_ENV]);

static ALLOWLIST_REFUSED: Cause =
    Cause::new("ALLOWLIST-REFUSED", Clue::Said(r"wallet\.sh allowlist check answered [45]\d\d", Window::Seconds(600)))
        .summary("wallet rejected the allowlist request of {service}")
        .explanation("401: the keys differ; 501: wallet itself has no key. Payers get 403 meanwhile")
        .about(About::These(PAID))
        .depth(Depth::Effect)
        .fixes(&[&CORRECT_ENV]);

static ALLOWLIST_UNREACHABLE: Cause =
    Cause::new("ALLOWLIST-UNREACHABLE", Clue::Said(r"wallet\.sh allowlist check failed", Window::Seconds(600)))
        .summary("{service} could not ask wallet for the allowlist in the last ten minutes")
        .explanation("it rejects every payer with 403 while wallet does not answer within two seconds")
        .about(About::These(PAID))
        .depth(Depth::Effect)
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new("check wallet", Risk::ReadOnly, Remedy::Command(&["opsctl", "diagnose", "wallet-down"]))]);

static FACILITATOR_DOWN: Cause = Cause::new(
    "FACILITATOR-DOWN",
    Clue::Said(
        concat!(
            r"(?i)facilitator.*(fail|error|timeout|timed out|unreachable|refused|[^0-9]50[0-9])",
            r"|(fail|error|cannot|could not).*facilitator"
        ),
        Window::Seconds(600),
    ),
)
.summary("{service} could not reach the x402 facilitator in the last ten minutes")
.explanation("no payment settles while https://facilitator.payai.network (or FACILITATOR_URL) does not answer")
.about(About::These(PAID))
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "call the facilitator from this host",
    Risk::ReadOnly,
    Remedy::Command(&["curl", "-sS", "-m", "5", "https://facilitator.payai.network/supported"]),
)]);

static SIGNER_UNKNOWN: Cause = Cause::new(
    "DKIM-SIGNER",
    Clue::Said(
        r"(?i)dkim.*(signer|key|signature).*(not found|unknown|missing)|signer.not.found",
        Window::Seconds(3600),
    ),
)
.summary("Stalwart does not find its DKIM signing key")
.explanation(
    "report.domain sets the ids of its DKIM signers; after it changed, Stalwart still uses the old ids (2026-02-27)",
)
.about(About::These(&[&STALWART]))
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "correct the signer ids",
    Risk::Safe,
    Remedy::Manual("correct the signer ids in Stalwart's settings (auth.dkim.sign), then opsctl restart stalwart"),
)]);

static REFUSED_BY_RECEIVERS: Cause = Cause::new(
    "MAIL-REFUSED",
    Clue::Said(
        r"(?i)\b55[0-9][ -].*(spf|dkim|dmarc|ptr|reverse|authenticat|policy|spam|block)|5\.7\.\d+",
        Window::Seconds(3600),
    ),
)
.summary("receivers refused mail in the last hour")
.explanation("SPF names another host, PTR is missing, or the DKIM signature fails; their answers show which")
.about(About::These(&[&STALWART]))
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "read their answers",
    Risk::ReadOnly,
    Remedy::Command(&["opsctl", "logs", "stalwart", "-g", "55[0-9]|5\\.7\\.", "-n", "20"]),
)]);

static SLOW_ANSWERS: Cause = Cause::new(
    "SLOW-ANSWERS",
    Any(&[
        All(&[Not(&Of(&WALLET, &Clue::Unhealthy)), Clue::Get(&WALLET_METRICS, Heard::Above("latency_ms.p99", 500))]),
        All(&[Not(&Of(&STORE, &Clue::Unhealthy)), Clue::Get(&STORE_METRICS, Heard::Above("latency_ms.p99", 500))]),
        All(&[Not(&Of(&FAUCET, &Clue::Unhealthy)), Clue::Get(&FAUCET_METRICS, Heard::Above("latency_ms.p99", 500))]),
        All(&[Not(&Of(&SPAWN, &Clue::Unhealthy)), Clue::Get(&SPAWN_METRICS, Heard::Above("latency_ms.p99", 500))]),
        All(&[Not(&Of(&SEARCH, &Clue::Unhealthy)), Clue::Get(&SEARCH_METRICS, Heard::Above("latency_ms.p99", 500))]),
        All(&[Not(&Of(&EMAIL, &Clue::Unhealthy)), Clue::Get(&EMAIL_METRICS, Heard::Above("latency_ms.p99", 500))]),
    ]),
)
.summary("a service answers slower than 500 ms at its 99th percentile")
.explanation("this is the hard limit of the load tests; each restart of a service resets its counters")
.about(About::Host)
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "check load, memory and disk, then the log of the slow service",
    Risk::ReadOnly,
    Remedy::Command(&["opsctl", "status"]),
)]);

static WALLET_METRICS: Http = Http::get(3001, "/v1/metrics", &[]);
static STORE_METRICS: Http = Http::get(3002, "/v1/metrics", &[]);
static FAUCET_METRICS: Http = Http::get(3003, "/v1/metrics", &[]);
static SPAWN_METRICS: Http = Http::get(3004, "/v1/metrics", &[]);
static SEARCH_METRICS: Http = Http::get(3005, "/v1/metrics", &[]);
static EMAIL_METRICS: Http = Http::get(3006, "/v1/metrics", &[]);
