//! What is mostly done by people: rotation of secrets, and another address for the health check.

use super::services::*;
use crate::registry::*;
use Assertion::{Command, Exists, Healthy};

const HEALTHCHECK: &str = "/opt/prim/deploy/prim/healthcheck.sh";

const UP: Assertion = Command(
    Invocation::new(&["grep", "-Esx", "up", "/var/lib/prim/health/{endpoint}.status"])
        .no(1)
        .means("the health check has {endpoint} as up", "the health check does not have {endpoint} as up"),
);

pub(super) static ADD_HEALTH_ENDPOINT: Procedure = Procedure::new(
    "add-health-endpoint",
    &[
        Step::check(
            "script",
            "check that the health check is on this host",
            Exists(HEALTHCHECK),
            "deploy it first: opsctl redeploy",
        ),
        Step::show(
            "endpoints",
            "list the addresses that it asks now",
            Invocation::new(&["grep", "-nE", "prim\\.sh|ENDPOINTS", HEALTHCHECK]).no(1),
        ),
        Step::check(
            "job",
            "check that the health check is scheduled",
            Command(
                Invocation::new(&["crontab", "-u", "root", "-l"])
                    .no(1)
                    .expects(r"(?m)^[^#\n]*healthcheck\.sh")
                    .means("root's crontab has the health check", "root's crontab has no health check"),
            ),
            "set it up first: opsctl run alert-setup",
        ),
        Step::ask(
            "add",
            "add the host to ENDPOINTS, between the markers BEGIN and END",
            "/opt/prim/deploy/prim/healthcheck.sh, and the same file of the repository: the next deploy replaces it",
            "added",
        ),
        Step::wait(
            "asked",
            "wait until the health check has asked {endpoint}",
            Exists("/var/lib/prim/health/{endpoint}.status"),
            660,
        ),
        Step::check("up", "check that it has {endpoint} as up", UP, "ask the host itself: opsctl run health-all"),
    ],
)
.aliases(&["health-endpoint"])
.summary("have the health check ask one more host")
.section("deploy/prim/monitoring.md: add an endpoint")
.when("a service got a public host, or the check leaves one out: it asks six of ten")
.parameters(&[Parameter::new("endpoint", ParameterKind::Word).help("public host with dashes, as track-prim-sh")])
.done(&[UP])
.note("the check runs every five minutes on the host that it watches, and asks no mail");

/// What was not written since so many days.
macro_rules! older {
    ($name:literal, $title:literal, $days:literal) => {
        Step::show(
            $name,
            $title,
            Invocation::new(&[
                "find",
                "/etc/prim",
                "/opt/prim/deploy/email/.env",
                "-type",
                "f",
                "-name",
                "*.env",
                "-mtime",
                $days,
                "-printf",
                "%TY-%Tm-%Td %p\\n",
            ])
            .no(1),
        )
    };
}

/// Restarted where its env file was written within a day, which is after its new credential was entered.
macro_rules! restarted {
    ($name:literal, $service:ident) => {
        Step::restart(concat!("restart-", $name), &[&$service]).only_if(Command(
            Invocation::new(&["find", concat!("/etc/prim/", $name, ".env"), "-mmin", "-1440"])
                .no(1)
                .expects(concat!("(?m)^/etc/prim/", $name, "\\.env$"))
                .means(
                    concat!("the env file of ", $name, " was changed within a day"),
                    concat!("the env file of ", $name, " was not changed within a day"),
                ),
        ))
    };
}

/// A credential of a vendor: the new one is entered here, the old one is revoked at the end.
macro_rules! vendor {
    ($name:literal, $what:literal, $location:literal) => {
        Step::ask($name, concat!("180 days: unless it is younger, make a new ", $what), $location, "current")
    };
}

pub(super) static ROTATE_SECRETS: Procedure = Procedure::new(
    "rotate-secrets",
    &[
        Step::show(
            "files",
            "list the env files, and when each was changed last",
            Invocation::new(&[
                "find",
                "/etc/prim",
                "/opt/prim/deploy/email/.env",
                "-type",
                "f",
                "-name",
                "*.env",
                "-printf",
                "%TY-%Tm-%Td %p\\n",
            ])
            .no(1),
        ),
        older!("quarter", "list those that did not change for 90 days", "+90"),
        older!("half-year", "list those that did not change for 180 days", "+180"),
        Step::ask(
            "stalwart",
            "90 days: unless it is younger, change the password of Stalwart's administrator",
            "the web administration of Stalwart, through ssh -L 8080:127.0.0.1:8080; ADMIN of deploy/email/.env",
            "current",
        ),
        Step::ask(
            "relay",
            "90 days: unless it is younger, make a new API key for prim-email, and keep the old one",
            "the web administration of Stalwart; STALWART_API_KEY of /etc/prim/email.env",
            "current",
        ),
        Step::ask(
            "internal-key",
            "90 days: confirm that PRIM_INTERNAL_KEY is younger",
            "a procedure of its own, before or after this one: opsctl run rotate-internal-key",
            "current",
        ),
        vendor!("digitalocean", "token of DigitalOcean", "cloud.digitalocean.com, API; DO_API_TOKEN of /etc/prim/spawn.env"),
        vendor!(
            "cloudflare",
            "token of Cloudflare, and new keys of R2",
            "dash.cloudflare.com; /etc/prim/domain.env, /etc/prim/store.env, and rclone.conf of root, which backup.sh uses"
        ),
        vendor!("circle", "key of Circle", "console.circle.com; CIRCLE_API_KEY of /etc/prim/faucet.env"),
        vendor!("tavily", "key of Tavily", "app.tavily.com; TAVILY_API_KEY of /etc/prim/search.env"),
        vendor!("google", "key of Google", "console.cloud.google.com, Credentials; GOOGLE_API_KEY of /etc/prim/mem.env"),
        restarted!("email", EMAIL),
        restarted!("spawn", SPAWN),
        restarted!("domain", DOMAIN),
        restarted!("store", STORE),
        restarted!("faucet", FAUCET),
        restarted!("search", SEARCH),
        restarted!("mem", MEM),
        Step::ask(
            "use",
            "use each new credential once: send a mail, list buckets, search, and the like",
            "the services themselves; their health does not prove a credential",
            "works",
        ),
        Step::ask(
            "revoke",
            "revoke the old credentials, which nothing uses any longer",
            "where each was made",
            "revoked",
        ),
    ],
)
.aliases(&["rotations"])
.summary("go through the secrets by their age, and replace the old ones")
.section("docs/ops/secrets-audit.md: rotation")
.when("once a quarter; a person left; a secret was seen where it must not be")
.not_when("PRIM_INTERNAL_KEY alone: opsctl run rotate-internal-key")
.done(&[
    Healthy(&EMAIL),
    Healthy(&SPAWN),
    Healthy(&DOMAIN),
    Healthy(&STORE),
    Healthy(&FAUCET),
    Healthy(&SEARCH),
    Healthy(&MEM),
])
.note(
    "TOKEN_MASTER_KEY and TOKEN_DEPLOYER_ENCRYPTED_KEY are never replaced by schedule: what they encrypt is lost with them. \
     The dates are those of whole files. After new keys of R2 a backup is the proof: opsctl backup",
);
