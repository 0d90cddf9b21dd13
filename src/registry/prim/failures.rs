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
static HOST_UNREACHABLE: Failure = Failure {
    aliases: &["edge-down", "caddy-down", "down"],
    services: &[&CADDY],
    symptoms: &["no host name answers", "SSH or the provider's console is the only way in"],
    note: Some("that the host itself cannot be reached is only seen from elsewhere; here Caddy is looked at"),
    ..Failure::new(
        "host-unreachable",
        "Caddy, and with it every public host, is down",
        "9. Severity, P0",
        &[&[&CADDYFILE_INVALID], usual::SERVICE],
    )
};

// F6
static DISK_FULL: Failure = Failure {
    aliases: &["disk", "no-space", "enospc", "inodes"],
    symptoms: &["writes fail with \"No space left on device\"", "journald stops"],
    note: Some("docker system prune removes a stopped stalwart container; with --volumes also Qdrant's data: never"),
    ..Failure::new(
        "disk-full",
        "a file system is full or fills up",
        "7. Failure: disk full",
        &[usual::DISK, &[&STALE_COPIES]],
    )
};

// F7
static BUN_MISSING: Failure = Failure {
    severity: Some(&P0),
    aliases: &["bun", "203"],
    symptoms: &["units fail with 203/EXEC", "\"bun: not found\""],
    note: Some("running services keep working until they are restarted: do not reboot before this is fixed"),
    ..Failure::new(
        "bun-missing",
        "Bun, which every unit runs, is gone",
        "7. Failure: Bun missing after reboot",
        &[&[&BUN_GONE]],
    )
};

// F9
static WALLET_DOWN: Failure = Failure {
    severity: Some(&P1),
    services: &[&WALLET],
    symptoms: &["every paid service answers 403 wallet_not_allowed", "https://wallet.prim.sh answers 502"],
    ..Failure::new(
        "wallet-down",
        "wallet does not answer; every paid service fails closed",
        "9. Severity, P1",
        &[CRASHES, usual::SERVICE],
    )
};

// F1
static SERVICE_CRASH_LOOP: Failure = Failure {
    aliases: &["crash-loop", "service-down", "unit-failed"],
    symptoms: &["the unit is activating (auto-restart) or failed"],
    note: Some("RestartSec=5 never reaches the start limit, so that a broken unit loops for ever"),
    ..Failure::new(
        "service-crash-loop",
        "a service does not stay up, or does not answer",
        "7. Failure: service crash loop",
        &[CRASHES, usual::SERVICE, &[&usual::ENGINE_DOWN, &FAILED_UNITS, &LOOPING_UNITS]],
    )
};

// F3
static TLS_FAILURE: Failure = Failure {
    aliases: &["tls", "certificate", "https", "acme"],
    symptoms: &["clients say that a certificate has expired or is not theirs"],
    note: Some("restarting Caddy drops every host and forces no renewal: reload it, and read the ACME errors"),
    ..Failure::new(
        "tls-failure",
        "a certificate is not valid, or ends soon",
        "7. Failure: TLS certificate",
        &[
            &[&HTTPS_PORT_TAKEN, &HTTP_CLOSED, &ACME_RATE_LIMIT, &ACME_FAILS, &STORE_NOT_WRITABLE],
            usual::CERTIFICATES,
            &[&TLS_SILENT],
        ],
    )
};

// F4
static MAIL_INBOUND_DOWN: Failure = Failure {
    aliases: &["mail", "smtp"],
    services: &[&STALWART],
    symptoms: &["senders get no 220 banner on port 25"],
    note: Some(
        "never remove stalwart-data: it is all mail. Port 25 accepts connections through docker's proxy even when the server is dead",
    ),
    ..Failure::new(
        "mail-inbound-down",
        "Stalwart takes no mail",
        "7. Failure: inbound mail",
        &[&[&MAIL_STORE_DAMAGED, &MAIL_SILENT], usual::SERVICE, &[&usual::ENGINE_DOWN]],
    )
};

// F5
static SQLITE_LOCKED: Failure = Failure {
    aliases: &["locked", "sqlite", "busy", "sqlite_busy"],
    symptoms: &["SQLITE_BUSY or \"database is locked\" in the journal"],
    note: Some(
        "rollback journal and no busy timeout: any reader that holds the file, such as the backup at 03:00, blocks a commit at once",
    ),
    ..Failure::new(
        "sqlite-locked",
        "a service cannot write its database because somebody else holds it",
        "7. Failure: SQLite locked",
        &[&[&LOCKED_BY_BACKUP, &LOCKED]],
    )
};

// F8
static X402_PAYMENT_FAILURE: Failure = Failure {
    severity: Some(&P1),
    aliases: &["x402", "402", "403", "payment"],
    symptoms: &["paid routes answer 402 again after payment", "paid routes answer 403 wallet_not_allowed"],
    note: Some(
        "an unpaid POST to a paid route must answer 402, and its payment-required header must name the network and address of wallet's env file",
    ),
    ..Failure::new(
        "x402-payment-failure",
        "paid routes take no payment, or turn those away who may pay",
        "7. Failure: x402 payments",
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
};

// F2
static BAD_GATEWAY: Failure = Failure {
    aliases: &["502", "upstream"],
    services: &[&WALLET, &STORE, &FAUCET, &SPAWN, &SEARCH, &STALWART, &EMAIL, &TOKEN, &MEM, &DOMAIN, &TRACK, &INFER],
    symptoms: &["an HTTPS host answers 502: Caddy is well, its upstream does not listen"],
    ..Failure::new(
        "bad-gateway",
        "a public host answers 502",
        "7. Failure: 502",
        &[&[&ROUTE_ELSEWHERE], CRASHES, usual::SERVICE],
    )
};

static MAIL_OUTBOUND_REJECTED: Failure = Failure {
    severity: Some(&P2),
    aliases: &["mail-out", "dkim", "spf"],
    services: &[&STALWART],
    symptoms: &["receivers refuse or junk what Stalwart sends"],
    note: Some(
        "PTR, SPF and MX are in the world's DNS and are not looked at from here: dig +short -x ADDRESS, dig TXT prim.sh; the \
         certificate of ports 465 and 993 is Stalwart's own",
    ),
    ..Failure::new(
        "mail-outbound-rejected",
        "mail that goes out is refused",
        "docs/ops, 2026-02-27",
        &[&[&SIGNER_UNKNOWN, &REFUSED_BY_RECEIVERS]],
    )
};

// F11
static DEGRADED: Failure = Failure {
    severity: Some(&P3),
    aliases: &["slow", "memory", "oom", "load", "latency"],
    symptoms: &["answers take long", "errors come and go"],
    ..Failure::new(
        "degraded",
        "answers are slow or fail now and then",
        "9. Severity, P3",
        &[&[&usual::LOAD_HIGH, &SLOW_ANSWERS], usual::MEMORY, &[&usual::CLOCK_ADRIFT, &usual::RELOAD_NEEDED]],
    )
};

static CORRECT_ENV: Fix = Fix {
    title: "correct its env file and restart it",
    risk: Risk::Disruptive,
    remedy: Remedy::Manual("edit {env} (root:prim, mode 640), then opsctl restart {service}"),
};
static REDEPLOY: Fix = Fix {
    title: "install what is missing and restart",
    risk: Risk::Disruptive,
    remedy: Remedy::Manual(
        "bash /opt/prim/deploy/prim/deploy.sh, then opsctl restart token mem domain track (the script forgets these)",
    ),
};
static RESTART: Fix = Fix { title: "restart {service}", risk: Risk::Disruptive, remedy: Remedy::Restart };
static RELOAD_CADDY: Fix = Fix {
    title: "reload Caddy, which asks for the certificate again",
    risk: Risk::Safe,
    remedy: Remedy::ReloadOf(&CADDY),
};

static NETWORK_UNKNOWN: Cause = Cause {
    explains: &[&NETWORK_DIFFERS],
    about: About::These(NETWORKED),
    ..Cause::new(
        "NETWORK-UNKNOWN",
        "PRIM_NETWORK of {service} is none that it knows",
        "valid are eip155:8453 (Base, also when it is not set) and eip155:84532 (Base Sepolia); most services end at start, \
         faucet and domain fail at each request",
        Any(&[
            All(&[Clue::Unwell, Clue::Said("Unknown network", Window::Run)]),
            Clue::Env(EnvClue::Unlike("PRIM_NETWORK", NETWORKS)),
        ]),
        &[&CORRECT_ENV],
    )
};
const NETWORKS: &str = "eip155:(8453|84532)";

static PORT_MISSING: Cause = Cause {
    about: About::These(NETWORKED),
    ..Cause::new(
        "PORT-MISSING",
        "PORT is not set for {service}",
        "Bun then takes port 3000, where Caddy does not look, and where a second such service cannot listen",
        Clue::Env(EnvClue::KeysMissing(&["PORT"])),
        &[&CORRECT_ENV],
    )
};

static PORT_DIFFERS: Cause = Cause {
    about: About::These(NETWORKED),
    ..Cause::new(
        "PORT-DIFFERS",
        "PORT of {service} is not {port}",
        "Caddy sends its host to {port}, and everybody who needs it asks there",
        Clue::Env(EnvClue::NotItsPort("PORT")),
        &[&CORRECT_ENV],
    )
};

static MODULE_MISSING: Cause = Cause {
    about: About::These(UNITS),
    ..Cause::new(
        "MODULE-MISSING",
        "{service} cannot find a module that it imports",
        "pnpm install was not run, or the build of @primsh/x402-middleware is missing",
        All(&[
            Clue::Unwell,
            Clue::Said(r"(?i)cannot find (module|package)|module not found|could not resolve", Window::Run),
        ]),
        &[&REDEPLOY],
    )
};

static STATE_NOT_WRITABLE: Cause = Cause {
    about: About::These(&[&WALLET]),
    ..Cause::new(
        "STATE-NOT-WRITABLE",
        "wallet cannot open its databases: /var/lib/prim does not belong to prim",
        "root's health cron makes the directory as root where it is missing; wallet, as prim, must create allowlist.db there (D10)",
        All(&[
            Clue::Unwell,
            Any(&[
                Clue::File("/var/lib/prim", FileClue::OwnedByOther("prim")),
                Clue::File("/var/lib/prim/allowlist.db", FileClue::OwnedByOther("prim")),
            ]),
            Clue::Said(
                r"(?i)SQLITE_CANTOPEN|unable to open database|SQLITE_READONLY|readonly database|EACCES|permission denied",
                Window::Run,
            ),
        ]),
        &[&Fix {
            title: "give the directory back to prim, then restart wallet",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual("chown -R prim:prim /var/lib/prim, then opsctl restart wallet"),
        }],
    )
};

static FAILED_UNITS: Cause = Cause { verdict: Verdict::Warn, ..usual::unit_failed() };
static LOOPING_UNITS: Cause = usual::unit_looping();

static CADDYFILE_INVALID: Cause = Cause {
    about: About::These(&[&CADDY]),
    ..Cause::new(
        "CADDYFILE-INVALID",
        "Caddy does not take its Caddyfile",
        "it runs on with the old one until it is restarted; then every public host is down",
        Clue::ProxyRejects,
        &[&Fix {
            title: "see what is wrong with it",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["caddy", "adapt", "--config", "/etc/caddy/Caddyfile"]),
        }],
    )
};

static ROUTE_ELSEWHERE: Cause = Cause::new(
    "ROUTE-ELSEWHERE",
    "Caddy sends the public host of {service} to another port than {port}",
    "the Caddyfile and the service's PORT disagree",
    Clue::RouteElsewhere,
    &[&Fix {
        title: "correct the upstream and reload",
        risk: Risk::Safe,
        remedy: Remedy::Manual("correct the port in /etc/caddy/Caddyfile, then opsctl reload caddy"),
    }],
);

static STALE_COPIES: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    severity: Some(&P3),
    ..Cause::new(
        "STALE-COPIES",
        "an ended backup left copies of databases in /tmp",
        "backup.sh removes its copies only when all goes well; they take space and are readable by others (mode 644)",
        All(&[
            Clue::Leftovers { dir: "/tmp", prefix: "prim-", suffix: ".db", older_seconds: 3600 },
            Not(&Clue::Running("backup.sh")),
        ]),
        &[&Fix {
            title: "remove them, while no backup runs",
            risk: Risk::Safe,
            remedy: Remedy::Command(&[
                "find",
                "/tmp",
                "-maxdepth",
                "1",
                "-name",
                "prim-*.db",
                "-mmin",
                "+60",
                "-delete",
            ]),
        }],
    )
};

static BUN_GONE: Cause = Cause {
    about: About::Host,
    explains: &[&usual::PROGRAM_MISSING, &usual::CRASH_LOOP, &usual::FAILED],
    ..Cause::new(
        "BUN-MISSING",
        "Bun is missing or cannot be executed",
        "every prim unit runs /home/prim/.bun/bin/bun; whatever is restarted now stays down",
        Clue::File("/home/prim/.bun/bin/bun", FileClue::NotExecutable),
        &[&Fix {
            title: "install Bun again as prim, in the version that was in use, then restart all units, wallet first",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "as prim: curl -fsSL https://bun.sh/install | bash -s bun-vVERSION; then opsctl restart wallet, and the others after it",
            ),
        }],
    )
};

static HTTPS_PORT_TAKEN: Cause = Cause {
    about: About::Host,
    explains: &[&TLS_SILENT, &usual::CERTIFICATE_NAME, &usual::CRASH_LOOP, &usual::FAILED, &usual::NO_ANSWER],
    severity: Some(&P0),
    ..Cause::new(
        "HTTPS-PORT-TAKEN",
        "another program than Caddy holds port 443",
        "the compose file of Stalwart publishes 443 as well: whoever starts first at boot has it (D23)",
        Clue::Port(443, Listening::NotBy(&["caddy"])),
        &[&Fix {
            title: "take 443 out of the compose file, recreate the container, start Caddy",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "remove 443:443 from /opt/prim/deploy/email/docker-compose.yml, docker compose up -d there, then opsctl restart caddy",
            ),
        }],
    )
};

static HTTP_CLOSED: Cause = Cause {
    about: About::Host,
    ..Cause::new(
        "HTTP-CLOSED",
        "the firewall lets nobody in to port 80 or 443",
        "Let's Encrypt must reach port 80 (or 443) to renew, and visitors must reach 443",
        Any(&[Clue::FirewallCloses(80), Clue::FirewallCloses(443)]),
        &[&Fix {
            title: "let everybody in to 80 and 443",
            risk: Risk::Safe,
            remedy: Remedy::Manual("ufw allow 80/tcp; ufw allow 443/tcp; then opsctl reload caddy"),
        }],
    )
};

/// Some certificate is not as it should be; else nothing hangs on what was said of renewals.
const A_CERTIFICATE_TROUBLES: Clue =
    Any(&[Clue::Certificate(Flaw::Any), Clue::Certificate(Flaw::Ending), Clue::Certificate(Flaw::None)]);

static ACME_RATE_LIMIT: Cause = Cause {
    about: About::These(&[&CADDY]),
    severity: Some(&P2),
    verdict: Verdict::Warn,
    ..Cause::new(
        "ACME-RATE-LIMIT",
        "Let's Encrypt refuses new certificates for now: a rate limit",
        "more tries make it last longer; wait until the time that its message states",
        All(&[
            A_CERTIFICATE_TROUBLES,
            Clue::Said(
                r"(?i)urn:ietf:params:acme:error:rateLimited|too many (certificates|failed authorizations|currently pending)",
                Window::Seconds(86_400),
            ),
        ]),
        &[&Fix {
            title: "read until when, and wait",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["opsctl", "logs", "caddy", "-g", "rateLimited|too many", "-n", "20"]),
        }],
    )
};

static ACME_FAILS: Cause = Cause {
    about: About::These(&[&CADDY]),
    severity: Some(&P2),
    verdict: Verdict::Warn,
    ..Cause::new(
        "ACME-FAILS",
        "Caddy cannot get a certificate",
        "the name points elsewhere, or Let's Encrypt cannot reach this host; its message says which",
        All(&[
            A_CERTIFICATE_TROUBLES,
            Clue::Said(
                r"(?i)could not get certificate from issuer|urn:ietf:params:acme:error:(dns|connection|unauthorized)|challenge failed",
                Window::Seconds(86_400),
            ),
        ]),
        &[&RELOAD_CADDY],
    )
};

static STORE_NOT_WRITABLE: Cause = Cause {
    about: About::Host,
    severity: Some(&P2),
    ..Cause::new(
        "CADDY-STORE",
        "Caddy cannot write where it keeps its certificates",
        "/var/lib/caddy must belong to caddy; what it renews is lost at the next restart",
        Clue::File("/var/lib/caddy", FileClue::OwnedByOther("caddy")),
        &[&Fix {
            title: "give it back to caddy, then reload",
            risk: Risk::Safe,
            remedy: Remedy::Manual("chown -R caddy:caddy /var/lib/caddy, then opsctl reload caddy"),
        }],
    )
};

static TLS_SILENT: Cause = usual::tls_silent(All(&[Clue::Certificate(Flaw::None), Not(&Of(&CADDY, &Clue::Unwell))]));

static MAIL_STORE_DAMAGED: Cause = Cause {
    about: About::These(&[&STALWART]),
    ..Cause::new(
        "MAIL-STORE-DAMAGED",
        "Stalwart cannot read its store",
        "RocksDB says that its files are damaged; a restart does not mend that",
        All(&[Clue::Unwell, Clue::Said(r"(?i)rocksdb.*(corrupt|checksum)|corruption:|checksum mismatch", Window::Run)]),
        &[&Fix {
            title: "restore stalwart-data from its newest archive, with the old one kept aside",
            risk: Risk::Destructive,
            remedy: Remedy::Manual(
                "docker compose stop in /opt/prim/deploy/email, move stalwart-data aside (never remove it), unpack the archive, docker compose start",
            ),
        }],
    )
};

static MAIL_SILENT: Cause = Cause {
    about: About::These(&[&STALWART]),
    depth: Depth::Effect,
    ..Cause::new(
        "MAIL-SILENT",
        "nothing greets on the mail port",
        "the container runs, and docker's proxy takes connections for it, but no 220 banner comes",
        All(&[
            Clue::Unwell,
            Clue::State(&[State::Running, State::Starting]),
            Any(&[Clue::Reply(Heard::Silence), Clue::Reply(Heard::Bad)]),
        ]),
        &[&RESTART],
    )
};

static LOCKED_BY_BACKUP: Cause = Cause {
    about: About::These(UNITS),
    verdict: Verdict::Warn,
    ..Cause::new(
        "LOCKED-BY-BACKUP",
        "the backup holds the database of {service}",
        "it reads the file while the service wants to write; that is over when the backup is",
        All(&[Clue::Said(LOCK_LINES, Window::Seconds(600)), Clue::Running("backup.sh")]),
        &[&Fix {
            title: "wait until the backup has ended",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["pgrep", "-af", "backup.sh"]),
        }],
    )
};

static LOCKED: Cause = Cause {
    about: About::These(UNITS),
    ..Cause::new(
        "SQLITE-LOCKED",
        "{service} could not write its database in the last ten minutes: it was locked",
        "no backup runs now; a second copy of the service, or somebody with a shell on the file, holds it",
        All(&[Clue::Said(LOCK_LINES, Window::Seconds(600)), Not(&Clue::Running("backup.sh"))]),
        &[
            &Fix {
                title: "see who holds the databases",
                risk: Risk::ReadOnly,
                remedy: Remedy::Manual("fuser -v /opt/prim/*.db /var/lib/prim/*.db"),
            },
            &RESTART,
        ],
    )
};

const LOCK_LINES: &str = r"(?i)SQLITE_BUSY|database (table )?is locked";

static NETWORK_DIFFERS: Cause = Cause {
    about: About::These(PAID),
    ..Cause::new(
        "NETWORK-DIFFERS",
        "{service} is paid on another network than wallet",
        "whoever pays on one is asked to pay again on the other: 402 for ever",
        Clue::Env(EnvClue::Differs("PRIM_NETWORK", &WALLET)),
        &[&CORRECT_ENV],
    )
};

static PAY_TO_DIFFERS: Cause = Cause {
    about: About::These(PAID),
    ..Cause::new(
        "PAY-TO-DIFFERS",
        "{service} is paid to another address than wallet",
        "payments go where nobody looks for them, or to somebody else",
        Clue::Env(EnvClue::Differs("PRIM_PAY_TO", &WALLET)),
        &[&CORRECT_ENV],
    )
};

static PAY_TO_INVALID: Cause = Cause {
    about: About::These(&[&WALLET, &STORE, &SPAWN, &SEARCH, &EMAIL, &TOKEN, &MEM, &DOMAIN, &TRACK]),
    ..Cause::new(
        "PAY-TO-INVALID",
        "PRIM_PAY_TO of {service} is not set, zero, or no address",
        "without it the code falls back to the zero address: what is paid is lost (D20)",
        Any(&[
            Clue::Env(EnvClue::KeysMissing(&["PRIM_PAY_TO"])),
            Clue::Env(EnvClue::Unlike("PRIM_PAY_TO", "0x[0-9a-fA-F]{40}")),
            Clue::Env(EnvClue::Like("PRIM_PAY_TO", "0x0{40}")),
        ]),
        &[&CORRECT_ENV],
    )
};

static INTERNAL_KEY_MISSING: Cause = Cause {
    about: About::These(PAID),
    ..Cause::new(
        "INTERNAL-KEY-MISSING",
        "{service} has no key for wallet's allowlist",
        "wallet answers 401 without it, and every payer gets 403; the templates give the key to wallet only (D18)",
        All(&[
            Not(&Of(&WALLET, &Clue::Env(EnvClue::KeysMissing(&["PRIM_INTERNAL_KEY"])))),
            Clue::Env(EnvClue::KeysMissing(&["PRIM_INTERNAL_KEY"])),
        ]),
        &[&CORRECT_ENV],
    )
};

static INTERNAL_KEY_DIFFERS: Cause = Cause {
    about: About::These(PAID),
    ..Cause::new(
        "INTERNAL-KEY-DIFFERS",
        "{service} has another key for the allowlist than wallet",
        "wallet answers 401, and every payer gets 403; all env files change together when the key is rotated",
        Clue::Env(EnvClue::Differs("PRIM_INTERNAL_KEY", &WALLET)),
        &[&CORRECT_ENV],
    )
};

static ALLOWLIST_REFUSED: Cause = Cause {
    about: About::These(PAID),
    depth: Depth::Effect,
    ..Cause::new(
        "ALLOWLIST-REFUSED",
        "wallet turned the question of {service} for the allowlist away",
        "401: the key is another one; 501: wallet has none itself. Payers get 403 meanwhile",
        Clue::Said(r"wallet\.sh allowlist check answered [45]\d\d", Window::Seconds(600)),
        &[&CORRECT_ENV],
    )
};

static ALLOWLIST_UNREACHABLE: Cause = Cause {
    about: About::These(PAID),
    depth: Depth::Effect,
    verdict: Verdict::Warn,
    ..Cause::new(
        "ALLOWLIST-UNREACHABLE",
        "{service} could not ask wallet for the allowlist in the last ten minutes",
        "it turns every payer away with 403 while wallet does not answer within two seconds",
        Clue::Said(r"wallet\.sh allowlist check failed", Window::Seconds(600)),
        &[&Fix {
            title: "see how wallet is",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["opsctl", "diagnose", "wallet-down"]),
        }],
    )
};

static FACILITATOR_DOWN: Cause = Cause {
    about: About::These(PAID),
    verdict: Verdict::Warn,
    ..Cause::new(
        "FACILITATOR-DOWN",
        "{service} could not reach the x402 facilitator in the last ten minutes",
        "payments cannot be settled while https://facilitator.payai.network (or FACILITATOR_URL) does not answer",
        Clue::Said(
            r"(?i)facilitator.*(fail|error|timeout|timed out|unreachable|refused|[^0-9]50[0-9])|(fail|error|cannot|could not).*facilitator",
            Window::Seconds(600),
        ),
        &[&Fix {
            title: "ask the facilitator from here",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["curl", "-sS", "-m", "5", "https://facilitator.payai.network/supported"]),
        }],
    )
};

static SIGNER_UNKNOWN: Cause = Cause {
    about: About::These(&[&STALWART]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "DKIM-SIGNER",
        "Stalwart does not find the key that it should sign mail with",
        "the ids of its DKIM signers come from report.domain; after that was changed the old ids are asked for (2026-02-27)",
        Clue::Said(
            r"(?i)dkim.*(signer|key|signature).*(not found|unknown|missing)|signer.not.found",
            Window::Seconds(3600),
        ),
        &[&Fix {
            title: "name the signers again",
            risk: Risk::Safe,
            remedy: Remedy::Manual(
                "correct the signer ids in Stalwart's settings (auth.dkim.sign), then opsctl restart stalwart",
            ),
        }],
    )
};

static REFUSED_BY_RECEIVERS: Cause = Cause {
    about: About::These(&[&STALWART]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "MAIL-REFUSED",
        "receivers refused mail in the last hour",
        "SPF names another host, there is no PTR, or the DKIM signature fails; their answers say which",
        Clue::Said(
            r"(?i)\b55[0-9][ -].*(spf|dkim|dmarc|ptr|reverse|authenticat|policy|spam|block)|5\.7\.\d+",
            Window::Seconds(3600),
        ),
        &[&Fix {
            title: "read what they said",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["opsctl", "logs", "stalwart", "-g", "55[0-9]|5\\.7\\.", "-n", "20"]),
        }],
    )
};

static SLOW_ANSWERS: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "SLOW-ANSWERS",
        "a service answers slower than 500 ms at its 99th percentile",
        "the hard limit of the load tests; the counters begin anew at each restart of a service",
        Any(&[
            All(&[Not(&Of(&WALLET, &Clue::Unwell)), Clue::Get(&WALLET_METRICS, Heard::Above("latency_ms.p99", 500))]),
            All(&[Not(&Of(&STORE, &Clue::Unwell)), Clue::Get(&STORE_METRICS, Heard::Above("latency_ms.p99", 500))]),
            All(&[Not(&Of(&FAUCET, &Clue::Unwell)), Clue::Get(&FAUCET_METRICS, Heard::Above("latency_ms.p99", 500))]),
            All(&[Not(&Of(&SPAWN, &Clue::Unwell)), Clue::Get(&SPAWN_METRICS, Heard::Above("latency_ms.p99", 500))]),
            All(&[Not(&Of(&SEARCH, &Clue::Unwell)), Clue::Get(&SEARCH_METRICS, Heard::Above("latency_ms.p99", 500))]),
            All(&[Not(&Of(&EMAIL, &Clue::Unwell)), Clue::Get(&EMAIL_METRICS, Heard::Above("latency_ms.p99", 500))]),
        ]),
        &[&Fix {
            title: "look at load, memory and disk, then at the log of the slow one",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["opsctl", "status"]),
        }],
    )
};

static WALLET_METRICS: Http = Http::get(3001, "/v1/metrics", &[]);
static STORE_METRICS: Http = Http::get(3002, "/v1/metrics", &[]);
static FAUCET_METRICS: Http = Http::get(3003, "/v1/metrics", &[]);
static SPAWN_METRICS: Http = Http::get(3004, "/v1/metrics", &[]);
static SEARCH_METRICS: Http = Http::get(3005, "/v1/metrics", &[]);
static EMAIL_METRICS: Http = Http::get(3006, "/v1/metrics", &[]);
