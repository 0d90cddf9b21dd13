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
    .note("that the host itself cannot be reached is only seen from elsewhere; here Caddy is looked at");

// F6
static DISK_FULL: Failure = Failure::new("disk-full", &[usual::DISK, &[&STALE_COPIES]])
    .summary("a file system is full or fills up")
    .section("7. Failure: disk full")
    .aliases(&["disk", "no-space", "enospc", "inodes"])
    .symptoms(&["writes fail with \"No space left on device\"", "journald stops"])
    .note("docker system prune removes a stopped stalwart container; with --volumes also Qdrant's data: never");

// F7
static BUN_MISSING: Failure = Failure::new("bun-missing", &[&[&BUN_GONE]])
    .summary("Bun, which every unit runs, is gone")
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
.summary("a service does not stay up, or does not answer")
.section("7. Failure: service crash loop")
.aliases(&["crash-loop", "service-down", "unit-failed"])
.symptoms(&["the unit is activating (auto-restart) or failed"])
.note("RestartSec=5 never reaches the start limit, so that a broken unit loops for ever");

// F3
static TLS_FAILURE: Failure = Failure::new(
    "tls-failure",
    &[
        &[&HTTPS_PORT_TAKEN, &HTTP_CLOSED, &ACME_RATE_LIMIT, &ACME_FAILS, &STORE_NOT_WRITABLE],
        usual::CERTIFICATES,
        &[&TLS_SILENT],
    ],
)
.summary("a certificate is not valid, or ends soon")
.section("7. Failure: TLS certificate")
.aliases(&["tls", "certificate", "https", "acme"])
.symptoms(&["clients say that a certificate has expired or is not theirs"])
.note("restarting Caddy drops every host and forces no renewal: reload it, and read the ACME errors");

// F4
static MAIL_INBOUND_DOWN: Failure =
    Failure::new("mail-inbound-down", &[&[&MAIL_STORE_DAMAGED, &MAIL_SILENT], usual::SERVICE, &[&usual::ENGINE_DOWN]])
        .summary("Stalwart takes no mail")
        .section("7. Failure: inbound mail")
        .aliases(&["mail", "smtp"])
        .services(&[&STALWART])
        .symptoms(&["senders get no 220 banner on port 25"])
        .note(
            "never remove stalwart-data: it is all mail. Port 25 accepts connections through docker's proxy even when \
             the server is dead",
        );

// F5
static SQLITE_LOCKED: Failure = Failure::new("sqlite-locked", &[&[&LOCKED_BY_BACKUP, &LOCKED, &usual::SQLITE_LOCKED]])
    .summary("a service cannot write its database because somebody else holds it")
    .section("7. Failure: SQLite locked")
    .aliases(&["locked", "sqlite", "busy", "sqlite_busy"])
    .symptoms(&["SQLITE_BUSY or \"database is locked\" in the journal"])
    .note(
        "rollback journal and no busy timeout: any reader that holds the file, such as the backup at 03:00, blocks a \
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
.summary("paid routes take no payment, or turn those away who may pay")
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
    .symptoms(&["an HTTPS host answers 502: Caddy is well, its upstream does not listen"]);

static MAIL_OUTBOUND_REJECTED: Failure =
    Failure::new("mail-outbound-rejected", &[&[&SIGNER_UNKNOWN, &REFUSED_BY_RECEIVERS]])
        .summary("mail that goes out is refused")
        .section("docs/ops, 2026-02-27")
        .severity(&P2)
        .aliases(&["mail-out", "dkim", "spf"])
        .services(&[&STALWART])
        .symptoms(&["receivers refuse or junk what Stalwart sends"])
        .note(
            "PTR, SPF and MX are in the world's DNS and are not looked at from here: dig +short -x ADDRESS, dig TXT \
             prim.sh; the certificate of ports 465 and 993 is Stalwart's own",
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
.symptoms(&["answers take long", "errors come and go"]);

static CORRECT_ENV: Fix = Fix::new(
    "correct its env file and restart it",
    Risk::Disruptive,
    Remedy::Manual("edit {env} (root:prim, mode 640), then opsctl restart {service}"),
);
static REDEPLOY: Fix = Fix::new(
    "install what is missing and restart",
    Risk::Disruptive,
    Remedy::Manual(
        "bash /opt/prim/deploy/prim/deploy.sh, then opsctl restart token mem domain track (the script forgets these)",
    ),
);
static RESTART: Fix = Fix::new("restart {service}", Risk::Disruptive, Remedy::Restart);
static RELOAD_CADDY: Fix =
    Fix::new("reload Caddy, which asks for the certificate again", Risk::Safe, Remedy::ReloadOf(&CADDY));

static NETWORK_UNKNOWN: Cause = Cause::new(
    "NETWORK-UNKNOWN",
    Any(&[
        All(&[Clue::Unwell, Clue::Said("Unknown network", Window::Run)]),
        Clue::Env(EnvClue::key("PRIM_NETWORK").unlike(NETWORKS)),
    ]),
)
.summary("PRIM_NETWORK of {service} is none that it knows")
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
    .explanation("Bun then takes port 3000, where Caddy does not look, and where a second such service cannot listen")
    .about(About::These(NETWORKED))
    .fixes(&[&CORRECT_ENV]);

static PORT_DIFFERS: Cause = Cause::new("PORT-DIFFERS", Clue::Env(EnvClue::key("PORT").not_its_port()))
    .summary("{service} is configured for another port than {port}")
    .explanation("Caddy sends its host to {port}, and everybody who needs it asks there")
    .about(About::These(NETWORKED))
    .fixes(&[&CORRECT_ENV]);

static MODULE_MISSING: Cause = Cause::new(
    "MODULE-MISSING",
    All(&[
        Clue::Unwell,
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
        Clue::Unwell,
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
.summary("wallet cannot open its databases: /var/lib/prim does not belong to prim")
.explanation(
    "root's health cron makes the directory as root where it is missing; wallet, as prim, must create allowlist.db \
     there (D10)",
)
.about(About::These(&[&WALLET]))
.fixes(&[&Fix::new(
    "give the directory back to prim, then restart wallet",
    Risk::Disruptive,
    Remedy::Manual("chown -R prim:prim /var/lib/prim, then opsctl restart wallet"),
)]);

static FAILED_UNITS: Cause = usual::unit_failed().verdict(Verdict::Warn);
static LOOPING_UNITS: Cause = usual::unit_looping();

static CADDYFILE_INVALID: Cause = Cause::new("CADDYFILE-INVALID", Clue::ProxyRejects)
    .summary("Caddy does not take its Caddyfile")
    .explanation("it runs on with the old one until it is restarted; then every public host is down")
    .about(About::These(&[&CADDY]))
    .fixes(&[&Fix::new(
        "see what is wrong with it",
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
.summary("an ended backup left copies of databases in /tmp")
.explanation(
    "backup.sh removes its copies only when all goes well; they take space and are readable by others (mode 644)",
)
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
    .explanation("every prim unit runs /home/prim/.bun/bin/bun; whatever is restarted now stays down")
    .about(About::Host)
    .explains(&[&usual::PROGRAM_MISSING, &usual::CRASH_LOOP, &usual::FAILED])
    .fixes(&[&Fix::new(
        "install Bun again as prim, in the version that was in use, then restart all units, wallet first",
        Risk::Disruptive,
        Remedy::Manual(
            "as prim: curl -fsSL https://bun.sh/install | bash -s bun-vVERSION; then opsctl restart wallet, and the \
             others after it",
        ),
    )]);

static HTTPS_PORT_TAKEN: Cause = Cause::new("HTTPS-PORT-TAKEN", Clue::Port(443, Listening::NotBy(&["caddy"])))
    .summary("another program than Caddy holds port 443")
    .explanation("the compose file of Stalwart publishes 443 as well: whoever starts first at boot has it (D23)")
    .about(About::Host)
    .severity(&P0)
    .explains(&[&TLS_SILENT, &usual::CERTIFICATE_NAME, &usual::CRASH_LOOP, &usual::FAILED, &usual::NO_ANSWER])
    .fixes(&[&Fix::new(
        "take 443 out of the compose file, recreate the container, start Caddy",
        Risk::Disruptive,
        Remedy::Manual(
            "remove 443:443 from /opt/prim/deploy/email/docker-compose.yml, docker compose up -d there, then opsctl \
             restart caddy",
        ),
    )]);

static HTTP_CLOSED: Cause = Cause::new("HTTP-CLOSED", Any(&[Clue::FirewallCloses(80), Clue::FirewallCloses(443)]))
    .summary("the firewall lets nobody in to port 80 or 443")
    .explanation("Let's Encrypt must reach port 80 (or 443) to renew, and visitors must reach 443")
    .about(About::Host)
    .fixes(&[&Fix::new(
        "let everybody in to 80 and 443",
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
.explanation("more tries make it last longer; wait until the time that its message states")
.about(About::These(&[&CADDY]))
.severity(&P2)
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "read until when, and wait",
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
.explanation("the name points elsewhere, or Let's Encrypt cannot reach this host; its message says which")
.about(About::These(&[&CADDY]))
.severity(&P2)
.verdict(Verdict::Warn)
.fixes(&[&RELOAD_CADDY]);

static STORE_NOT_WRITABLE: Cause =
    Cause::new("CADDY-STORE", Clue::File("/var/lib/caddy", FileClue::OwnedByOther("caddy")))
        .summary("Caddy cannot write where it keeps its certificates")
        .explanation("/var/lib/caddy must belong to caddy; what it renews is lost at the next restart")
        .about(About::Host)
        .severity(&P2)
        .fixes(&[&Fix::new(
            "give it back to caddy, then reload",
            Risk::Safe,
            Remedy::Manual("chown -R caddy:caddy /var/lib/caddy, then opsctl reload caddy"),
        )]);

static TLS_SILENT: Cause = usual::tls_silent(All(&[Clue::Certificate(Flaw::None), Not(&Of(&CADDY, &Clue::Unwell))]));

static MAIL_STORE_DAMAGED: Cause = Cause::new(
    "MAIL-STORE-DAMAGED",
    All(&[Clue::Unwell, Clue::Said(r"(?i)rocksdb.*(corrupt|checksum)|corruption:|checksum mismatch", Window::Run)]),
)
.summary("Stalwart cannot read its store")
.explanation("RocksDB says that its files are damaged; a restart does not mend that")
.about(About::These(&[&STALWART]))
.fixes(&[&Fix::new(
    "restore stalwart-data from its newest archive, with the old one kept aside",
    Risk::Destructive,
    Remedy::Manual(
        "docker compose stop in /opt/prim/deploy/email, move stalwart-data aside (never remove it), unpack the \
         archive, docker compose start",
    ),
)]);

static MAIL_SILENT: Cause = Cause::new(
    "MAIL-SILENT",
    All(&[
        Clue::Unwell,
        Clue::State(&[State::Running, State::Starting]),
        Any(&[Clue::Reply(Heard::Silence), Clue::Reply(Heard::Bad)]),
    ]),
)
.summary("nothing greets on the mail port")
.explanation("the container runs, and docker's proxy takes connections for it, but no 220 banner comes")
.about(About::These(&[&STALWART]))
.depth(Depth::Effect)
.fixes(&[&RESTART]);

static LOCKED_BY_BACKUP: Cause =
    Cause::new("LOCKED-BY-BACKUP", All(&[Clue::Said(LOCK_LINES, Window::Seconds(600)), Clue::Running("backup.sh")]))
        .summary("the backup holds the database of {service}")
        .explanation("it reads the file while the service wants to write; that is over when the backup is")
        .explains(&[&usual::SQLITE_LOCKED])
        .about(About::These(UNITS))
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "wait until the backup has ended",
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
.explanation(
    "no backup runs and nobody holds it now; a second copy of the service, or somebody with a shell on the file, \
             held it",
)
.about(About::These(UNITS))
.fixes(&[
    &Fix::new(
        "see who holds the databases",
        Risk::ReadOnly,
        Remedy::Manual("fuser -v /opt/prim/*.db /var/lib/prim/*.db"),
    ),
    &RESTART,
]);

const LOCK_LINES: &str = r"(?i)SQLITE_BUSY|database (table )?is locked";

static NETWORK_DIFFERS: Cause =
    Cause::new("NETWORK-DIFFERS", Clue::Env(EnvClue::key("PRIM_NETWORK").differs_from(&WALLET)))
        .summary("{service} is paid on another network than wallet")
        .explanation("whoever pays on one is asked to pay again on the other: 402 for ever")
        .about(About::These(PAID))
        .fixes(&[&CORRECT_ENV]);

static PAY_TO_DIFFERS: Cause =
    Cause::new("PAY-TO-DIFFERS", Clue::Env(EnvClue::key("PRIM_PAY_TO").differs_from(&WALLET)))
        .summary("{service} is paid to another address than wallet")
        .explanation("payments go where nobody looks for them, or to somebody else")
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
.summary("PRIM_PAY_TO of {service} is not set, zero, or no address")
.explanation("without it the code falls back to the zero address: what is paid is lost (D20)")
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
.explanation("wallet answers 401 without it, and every payer gets 403; the templates give the key to wallet only (D18)")
.about(About::These(PAID))
.fixes(&[&CORRECT_ENV]);

static INTERNAL_KEY_DIFFERS: Cause =
    Cause::new("INTERNAL-KEY-DIFFERS", Clue::Env(EnvClue::key("PRIM_INTERNAL_KEY").differs_from(&WALLET)))
        .summary("{service} has another key for the allowlist than wallet")
        .explanation(
            "wallet answers 401, and every payer gets 403; all env files change together when the key is rotated",
        )
        .about(About::These(PAID))
        .fixes(&[&CORRECT_ENV]);

static ALLOWLIST_REFUSED: Cause =
    Cause::new("ALLOWLIST-REFUSED", Clue::Said(r"wallet\.sh allowlist check answered [45]\d\d", Window::Seconds(600)))
        .summary("wallet turned the question of {service} for the allowlist away")
        .explanation("401: the key is another one; 501: wallet has none itself. Payers get 403 meanwhile")
        .about(About::These(PAID))
        .depth(Depth::Effect)
        .fixes(&[&CORRECT_ENV]);

static ALLOWLIST_UNREACHABLE: Cause =
    Cause::new("ALLOWLIST-UNREACHABLE", Clue::Said(r"wallet\.sh allowlist check failed", Window::Seconds(600)))
        .summary("{service} could not ask wallet for the allowlist in the last ten minutes")
        .explanation("it turns every payer away with 403 while wallet does not answer within two seconds")
        .about(About::These(PAID))
        .depth(Depth::Effect)
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "see how wallet is",
            Risk::ReadOnly,
            Remedy::Command(&["opsctl", "diagnose", "wallet-down"]),
        )]);

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
.explanation("payments cannot be settled while https://facilitator.payai.network (or FACILITATOR_URL) does not answer")
.about(About::These(PAID))
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "ask the facilitator from here",
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
.summary("Stalwart does not find the key that it should sign mail with")
.explanation(
    "the ids of its DKIM signers come from report.domain; after that was changed the old ids are asked for \
     (2026-02-27)",
)
.about(About::These(&[&STALWART]))
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "name the signers again",
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
.explanation("SPF names another host, there is no PTR, or the DKIM signature fails; their answers say which")
.about(About::These(&[&STALWART]))
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "read what they said",
    Risk::ReadOnly,
    Remedy::Command(&["opsctl", "logs", "stalwart", "-g", "55[0-9]|5\\.7\\.", "-n", "20"]),
)]);

static SLOW_ANSWERS: Cause = Cause::new(
    "SLOW-ANSWERS",
    Any(&[
        All(&[Not(&Of(&WALLET, &Clue::Unwell)), Clue::Get(&WALLET_METRICS, Heard::Above("latency_ms.p99", 500))]),
        All(&[Not(&Of(&STORE, &Clue::Unwell)), Clue::Get(&STORE_METRICS, Heard::Above("latency_ms.p99", 500))]),
        All(&[Not(&Of(&FAUCET, &Clue::Unwell)), Clue::Get(&FAUCET_METRICS, Heard::Above("latency_ms.p99", 500))]),
        All(&[Not(&Of(&SPAWN, &Clue::Unwell)), Clue::Get(&SPAWN_METRICS, Heard::Above("latency_ms.p99", 500))]),
        All(&[Not(&Of(&SEARCH, &Clue::Unwell)), Clue::Get(&SEARCH_METRICS, Heard::Above("latency_ms.p99", 500))]),
        All(&[Not(&Of(&EMAIL, &Clue::Unwell)), Clue::Get(&EMAIL_METRICS, Heard::Above("latency_ms.p99", 500))]),
    ]),
)
.summary("a service answers slower than 500 ms at its 99th percentile")
.explanation("the hard limit of the load tests; the counters begin anew at each restart of a service")
.about(About::Host)
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "look at load, memory and disk, then at the log of the slow one",
    Risk::ReadOnly,
    Remedy::Command(&["opsctl", "status"]),
)]);

static WALLET_METRICS: Http = Http::get(3001, "/v1/metrics", &[]);
static STORE_METRICS: Http = Http::get(3002, "/v1/metrics", &[]);
static FAUCET_METRICS: Http = Http::get(3003, "/v1/metrics", &[]);
static SPAWN_METRICS: Http = Http::get(3004, "/v1/metrics", &[]);
static SEARCH_METRICS: Http = Http::get(3005, "/v1/metrics", &[]);
static EMAIL_METRICS: Http = Http::get(3006, "/v1/metrics", &[]);
