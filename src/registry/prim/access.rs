//! Who may use prim: the key with which its services ask wallet, and wallet's allowlist.

use super::P1;
use super::services::*;
use crate::registry::*;
use Assertion::{All, Any, Command, Exists, Healthy, Not};

const STORED: Secret = Secret::in_file("/etc/prim/wallet.env").key("PRIM_INTERNAL_KEY");

/// A request to wallet is read by curl from its standard input, so that the key is in no argument.
const CURL: &[&str] = &["curl", "--disable", "--config", "-"];
/// The same, of whose answer only the status counts.
const CURL_STATUS: &[&str] = &[
    "curl",
    "--disable",
    "--silent",
    "--show-error",
    "--output",
    "/dev/null",
    "--write-out",
    "%{http_code}",
    "--config",
    "-",
];

/// An address that nobody has: wallet answers to it all the same.
const NEW_ACCEPTED: Assertion = Command(
    Invocation::new(CURL_STATUS)
        .input(
            "max-time = 10\nheader = \"x-internal-key: {new}\"\nurl = \
             \"http://127.0.0.1:3001/internal/allowlist/check?address=0x0000000000000000000000000000000000000000\"\n",
        )
        .expects(r"\A200\z")
        .means("wallet accepts the new key", "wallet does not accept the new key"),
);
const OLD_ACCEPTED: Assertion = Command(
    Invocation::new(CURL_STATUS)
        .input(OLD_REQUEST)
        .expects(r"\A200\z")
        .means("wallet accepts the key of its env file", "wallet does not accept the key of its env file"),
);
const OLD_REFUSED: Assertion = Command(
    Invocation::new(CURL_STATUS)
        .input(OLD_REQUEST)
        .expects(r"\A401\z")
        .means("wallet refuses the old key with 401", "wallet does not refuse the old key with 401"),
);
const OLD_REQUEST: &str = "max-time = 10\nheader = \"x-internal-key: {old}\"\nurl = \
     \"http://127.0.0.1:3001/internal/allowlist/check?address=0x0000000000000000000000000000000000000000\"\n";

/// A run that is resumed has gone too far for what must hold before it.
const IS_BEGUN: Assertion = Command(
    Invocation::new(&["grep", "--fixed-strings", "--quiet", "--file=-", "/etc/prim/wallet.env"])
        .input("PRIM_INTERNAL_KEY={new}\n")
        .no(1)
        .means("the env file of wallet has the new key", "the env file of wallet has the old key"),
);

const ALL_HEALTHY: Assertion = All(&[
    Healthy(&WALLET),
    Healthy(&STORE),
    Healthy(&FAUCET),
    Healthy(&SPAWN),
    Healthy(&SEARCH),
    Healthy(&EMAIL),
    Healthy(&TOKEN),
    Healthy(&MEM),
    Healthy(&DOMAIN),
    Healthy(&TRACK),
]);

/// The key in the env file of a service.
const fn key(file: &'static [&'static str]) -> KeyEdit {
    KeyEdit::new(file, KeyFormat::Env(EnvReader::Systemd), "PRIM_INTERNAL_KEY", "{new}")
}

pub(super) static ROTATE_INTERNAL_KEY: Procedure = Procedure::new(
    "rotate-internal-key",
    &[
        Step::check(
            "services",
            "check that all ten services answer",
            Any(&[IS_BEGUN, ALL_HEALTHY]),
            "one that does not start now does not start with the new key: opsctl diagnose",
        ),
        Step::check(
            "old",
            "check that wallet accepts the key of its env file",
            Any(&[IS_BEGUN, OLD_ACCEPTED]),
            "wallet runs with another key than its env file has: opsctl restart wallet, then find the cause",
        ),
        Step::set_keys(
            "files",
            "set the new key in the env files of all services",
            &[
                key(&["/etc/prim/wallet.env"]),
                key(&["/etc/prim/store.env"]).optional(),
                key(&["/etc/prim/faucet.env"]).optional(),
                key(&["/etc/prim/spawn.env"]).optional(),
                key(&["/etc/prim/search.env"]).optional(),
                key(&["/etc/prim/email.env"]).optional(),
                key(&["/etc/prim/token.env"]).optional(),
                key(&["/etc/prim/mem.env"]).optional(),
                key(&["/etc/prim/domain.env"]).optional(),
                key(&["/etc/prim/track.env"]).optional(),
                key(&["/etc/prim/infer.env"]).optional(),
            ],
        ),
        Step::restart("wallet", &[&WALLET]).undo(Undo::Again),
        Step::wait("new", "wait until wallet accepts the new key", NEW_ACCEPTED, 20),
        Step::check(
            "dead",
            "check that wallet refuses the old key",
            OLD_REFUSED,
            "wallet does not check the key, or runs twice; opsctl status wallet",
        ),
        Step::restart("rest", &[&STORE, &FAUCET, &SPAWN, &SEARCH, &EMAIL, &TOKEN, &MEM, &DOMAIN, &TRACK])
            .undo(Undo::Again),
        Step::restart("infer", &[&INFER])
            .undo(Undo::Again)
            .only_if(Exists("/etc/systemd/system/prim-infer.service")),
        Step::ask(
            "worker",
            "give the new key to the Cloudflare Worker of access.prim.sh, if it is deployed: wrangler secret put \
             PRIM_INTERNAL_KEY",
            "a checkout of the repository; the key is in /etc/prim/wallet.env",
            "current",
        ),
    ],
)
.aliases(&["rotate-key"])
.summary("replace the key with which the services ask wallet")
.section("docs/ops/secrets-audit.md: rotation")
.severity(&P1)
.when("the key is 90 days old, or somebody may have read an env file")
.not_when("the allowlist must not fail now: until all are restarted, paid routes answer 403 for some seconds")
.secrets(&[SecretValue::stored("old", STORED), SecretValue::generated("new")])
.done(&[ALL_HEALTHY, NEW_ACCEPTED, OLD_REFUSED])
.note(
    "wallet holds one key, read at its start, so there is no time in which both count. It answers 401 to a wrong key and 501 \
     without one; the services turn both into 403 wallet_not_allowed. The templates give the key to wallet only: here it is \
     added wherever it is missing. The old files are kept beside the new ones as NAME.env.opsctl-old",
);

const ALLOWED: Assertion = Command(
    Invocation::new(CURL)
        .input(
            "silent\nshow-error\nfail\nmax-time = 10\nheader = \"x-internal-key: {key}\"\nurl = \
             \"http://127.0.0.1:3001/internal/allowlist/check?address={wallet}\"\n",
        )
        .expects(r#""allowed"\s*:\s*true"#)
        .means("{wallet} is on the allowlist", "{wallet} is not on the allowlist"),
);
const ADD: Invocation = Invocation::new(CURL).input(
    "silent\nshow-error\nfail\nmax-time = 10\nheader = \"x-internal-key: {key}\"\nheader = \"content-type: \
     application/json\"\ndata = \"{\\\"address\\\":\\\"{wallet}\\\",\\\"added_by\\\":\\\"opsctl\\\"}\"\nurl = \
     \"http://127.0.0.1:3001/internal/allowlist/add\"\n",
);
const REMOVE: Invocation = Invocation::new(CURL).input(
    "silent\nshow-error\nfail\nmax-time = 10\nrequest = \"DELETE\"\nheader = \"x-internal-key: {key}\"\nurl = \
     \"http://127.0.0.1:3001/internal/allowlist/{wallet}\"\n",
);

const ADDRESS: &[Parameter] =
    &[Parameter::new("wallet", ParameterKind::Wallet).help("address of the wallet, 0x and 40 hexadecimal digits")];
const KEY: &[SecretValue] = &[SecretValue::stored("key", STORED)];

pub(super) static ALLOWLIST_CHECK: Procedure = Procedure::new(
    "allowlist-check",
    &[Step::check(
        "allowed",
        "ask wallet whether {wallet} may pay",
        ALLOWED,
        "its payments are refused with 403; opsctl run allowlist-add {wallet} adds it",
    )],
)
.aliases(&["allowlist"])
.summary("ask whether a wallet may pay")
.section("packages/wallet: internal routes")
.when("a paid route answers 403 wallet_not_allowed")
.parameters(ADDRESS)
.secrets(KEY)
.note("an address in PRIM_ALLOWLIST of a service may pay there without being on the list");

pub(super) static ALLOWLIST_ADD: Procedure = Procedure::new(
    "allowlist-add",
    &[Step::command("add", "put {wallet} on the allowlist", ADD, Risk::Safe).proof(ALLOWED).undo(Undo::Command(REMOVE))],
)
.summary("let a wallet pay")
.section("packages/wallet: internal routes")
.when("a customer is let in")
.not_when("the answer is 402: that is no matter of the allowlist")
.parameters(ADDRESS)
.secrets(KEY)
.done(&[ALLOWED])
.note("it counts at once and for all services; wallet stores addresses in small letters, and asks nobody whether they exist");

pub(super) static ALLOWLIST_REMOVE: Procedure = Procedure::new(
    "allowlist-remove",
    &[Step::command("remove", "take {wallet} off the allowlist", REMOVE, Risk::Disruptive)
        .proof(Not(&ALLOWED))
        .loses("who added it, when, and the note")
        .undo(Undo::Command(ADD))],
)
.summary("let a wallet pay no longer")
.section("packages/wallet: internal routes")
.when("a customer leaves, or a wallet is misused")
.parameters(ADDRESS)
.secrets(KEY)
.done(&[Not(&ALLOWED)])
.note(
    "it counts at once, but not for an address in PRIM_ALLOWLIST of a service: those are removed from the env files by hand. \
     opsctl backup create allowlist keeps the list as it is",
);
