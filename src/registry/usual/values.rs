//! Settings that are well-formed and ruinous, and env files that an application cannot read: of any service whose registry states
//! what its values must be.

use super::super::*;
use super::*;

/// A setting keeps a service from its work, now or from its next start on.
pub static RUINOUS_SETTING: Failure = Failure::new(
    "ruinous-setting",
    &[&[&ENV_FILE_UNREADABLE, &SETTING_RUINOUS, &SETTING_AT_NEXT_START, &CANNOT_START_AGAIN]],
)
.summary("a setting or file keeps a service from its work, or will from its next start on")
.section("each deployment's own: what the registry states of the settings of its services")
.aliases(&["setting", "settings", "env-value", "misconfiguration"])
.symptoms(&["a service is healthy and does nothing", "a service that ran for weeks does not start again"])
.note(
    "only keys with a rule or that are required are judged; of values only numbers, lengths and the hosts of \
             URLs are shown",
);

static CORRECT: Fix = Fix::new(
    "correct the value, then restart {service}",
    Risk::Disruptive,
    Remedy::Manual(
        "set it in {env}; then opsctl restart {service} (a container keeps its environment until it is made anew: \
         docker compose up -d)",
    ),
);

/// It runs with such a value.
pub static SETTING_RUINOUS: Cause = Cause::new("SETTING-RUINOUS", Clue::Values(Values::InUse))
    .summary("{service} has a ruinous setting: {thing}")
    .explanation(
        "the value is well-formed, so that nothing complains; with it the service does not do its work as the runbook \
         assumes. A restart alone changes nothing",
    )
    .fixes(&[&CORRECT]);

/// It will.
pub static SETTING_AT_NEXT_START: Cause = Cause::new("SETTING-AT-NEXT-START", Clue::Values(Values::AtNextStart))
    .summary("{service} still runs on its old environment, and its next start takes a ruinous setting: {thing}")
    .explanation(
        "the env file was written after the service was started; a restart, a crash or a reboot makes it count",
    )
    .verdict(Verdict::Warn)
    .explains(&[&ENVIRONMENT_OLD, &CONTAINER_OLD])
    .fixes(&[&Fix::new(
        "correct the value before anything restarts {service}",
        Risk::Safe,
        Remedy::Manual("set it in {env} as it was; nothing has to be restarted for that"),
    )]);

/// It runs from what is no longer there.
pub static CANNOT_START_AGAIN: Cause = Cause::new("CANNOT-START-AGAIN", Clue::Values(Values::Unstartable))
    .summary("{service} runs, and cannot start again: {thing}")
    .explanation(
        "the process still has what it was started from; its next start fails, by a restart, a crash or a reboot",
    )
    .verdict(Verdict::Warn)
    .fixes(&[
        &Fix::new("see what its unit starts", Risk::ReadOnly, Remedy::Command(&["systemctl", "cat", "{unit}"])),
        &Fix::new(
            "bring it back before anything restarts {service}",
            Risk::Disruptive,
            Remedy::Manual(
                "deploy it again, or copy it back with its owner and mode; nothing has to be restarted for that",
            ),
        ),
    ]);

/// The application may not read it.
pub static ENV_FILE_UNREADABLE: Cause = Cause::new("ENV-FILE-UNREADABLE", Clue::Values(Values::Unreadable))
    .summary("{service} cannot read {thing}: permission denied")
    .explanation(
        "the application reads that file itself when it starts, as its own user; it then runs without any of its \
         settings. What was started before goes on until its next start",
    )
    .explains(&[&ENV_FILE_MISSING, &ENV_KEY_MISSING])
    .fixes(&[
        &Fix::new("see whose it is", Risk::ReadOnly, Remedy::Command(&["ls", "-ld", "{env}"])),
        &Fix::new(
            "give it back to the user of {service}",
            Risk::Disruptive,
            Remedy::Manual("chown {env} to the user that runs {service}, mode 600; then opsctl restart {service}"),
        ),
    ]);
