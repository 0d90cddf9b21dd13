//! Settings that are well-formed and ruinous, and env files that an application cannot read: of any service whose registry states
//! what its values must be.

use super::super::*;
use super::*;

/// A setting keeps a service from its work, now or from its next start on.
pub static RUINOUS_SETTING: Failure = Failure::new(
    "ruinous-setting",
    &[&[&ENV_FILE_UNREADABLE, &SETTING_RUINOUS, &SETTING_AT_NEXT_START, &CANNOT_START_AGAIN]],
)
.summary("a setting or file stops a service from working, now or after its next start")
.section("each deployment's own: the registry's rules for the settings of its services")
.aliases(&["setting", "settings", "env-value", "misconfiguration"])
.symptoms(&["a service is healthy and does no work", "a service that ran for weeks does not start again"])
.note("opsctl checks only required keys and keys with a rule; it shows only numbers, lengths and the hosts of URLs");

static CORRECT: Fix = Fix::new(
    "correct the value, then restart {service}",
    Risk::Disruptive,
    Remedy::Manual(
        "set it in {env}; then opsctl restart {service} (a container keeps its environment until it is recreated: \
         docker compose up -d)",
    ),
);

/// It runs with such a value.
pub static SETTING_RUINOUS: Cause = Cause::new("SETTING-RUINOUS", Clue::Values(Values::InUse))
    .summary("{service} has a harmful setting: {thing}")
    .explanation(
        "the value has a valid format, so nothing reports it, but the service does not work with it as the runbook \
         assumes. A restart alone does not help",
    )
    .fixes(&[&CORRECT]);

/// It will.
pub static SETTING_AT_NEXT_START: Cause = Cause::new("SETTING-AT-NEXT-START", Clue::Values(Values::AtNextStart))
    .summary("{service} still runs on its old environment, and its next start applies a harmful setting: {thing}")
    .explanation("the env file was written after the start of the service; a restart, a crash or a reboot applies it")
    .verdict(Verdict::Warn)
    .explains(&[&ENVIRONMENT_OLD, &CONTAINER_OLD])
    .fixes(&[&Fix::new(
        "correct the value before any restart of {service}",
        Risk::Safe,
        Remedy::Manual("set it in {env} as it was; this needs no restart"),
    )]);

/// It runs from what is no longer there.
pub static CANNOT_START_AGAIN: Cause = Cause::new("CANNOT-START-AGAIN", Clue::Values(Values::Unstartable))
    .summary("{service} runs, and cannot start again: {thing}")
    .explanation(
        "the running process does not need it any more; its next start fails, after a restart, a crash or a reboot",
    )
    .verdict(Verdict::Warn)
    .fixes(&[
        &Fix::new(
            "see which program its unit starts",
            Risk::ReadOnly,
            Remedy::Command(&["systemctl", "cat", "{unit}"]),
        ),
        &Fix::new(
            "recreate it before any restart of {service}",
            Risk::Disruptive,
            Remedy::Manual("deploy it again, or copy it with its owner and mode; this needs no restart"),
        ),
    ]);

/// The application may not read it.
pub static ENV_FILE_UNREADABLE: Cause = Cause::new("ENV-FILE-UNREADABLE", Clue::Values(Values::Unreadable))
    .summary("{service} cannot read {thing}: permission denied")
    .explanation(
        "the application reads that file itself at start, as its own user, and then runs without any of its \
         settings. A running process is unaffected until its next start",
    )
    .explains(&[&ENV_FILE_MISSING, &ENV_KEY_MISSING])
    .fixes(&[
        &Fix::new("see its owner", Risk::ReadOnly, Remedy::Command(&["ls", "-ld", "{env}"])),
        &Fix::new(
            "make the user of {service} its owner",
            Risk::Disruptive,
            Remedy::Manual("chown {env} to the user that runs {service}, mode 600; then opsctl restart {service}"),
        ),
    ]);
