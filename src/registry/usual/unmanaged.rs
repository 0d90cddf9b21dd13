//! Units that no service of the registry is: what runs against their files, and what keeps them from starting.

use super::super::*;

/// Units of this host that no service is.
pub static UNMANAGED_UNITS: Failure = Failure::new(
    "unmanaged-units",
    &[&[&UNIT_FILE_REJECTED, &UNIT_START_HANGS, &UNIT_RELOAD_NEEDED, &UNIT_ENVIRONMENT_OLD, &OPEN_FILES_NEAR]],
)
.summary("a unit outside of the registry differs from its files, or does not start")
.section("no runbook: general checks of Linux hosts")
.aliases(&["daemon-reload", "bad-unit-file", "start-hangs", "open-files"])
.symptoms(&[
    "a change of a unit file or env file has no effect",
    "systemctl start does not return",
    "\"Too many open files\" in a log",
]);

const fn unit(code: &'static str, what: Unmanaged) -> Cause {
    Cause::new(code, Clue::Unmanaged(what)).about(About::Host)
}

static SEE_UNIT: Fix =
    Fix::new("see the unit with all its drop-ins", Risk::ReadOnly, Remedy::Command(&["systemctl", "cat", "{unit}"]));

/// What would not start again.
pub static UNIT_FILE_REJECTED: Cause = unit("UNIT-FILE-REJECTED", Unmanaged::FileRejected)
    .summary("systemd cannot load {unit}: {thing}")
    .explanation("its running process continues until it ends; systemd refuses the next start, also at boot")
    .fixes(&[
        &Fix::new(
            "see which line systemd refuses",
            Risk::ReadOnly,
            Remedy::Command(&["systemd-analyze", "verify", "{unit}"]),
        ),
        &Fix::new(
            "correct the unit file",
            Risk::Disruptive,
            Remedy::Manual(
                "correct the line in the unit file (systemctl edit --full {unit}); then systemctl daemon-reload",
            ),
        ),
    ]);

/// It neither runs nor fails.
pub static UNIT_START_HANGS: Cause = unit("UNIT-START-HANGS", Unmanaged::StartHangs)
    .summary("the start of {unit} hangs in {thing}")
    .explanation("systemd waits for that step; until it ends or times out, the unit does not work")
    .fixes(&[
        &Fix::new(
            "see what it waits for",
            Risk::ReadOnly,
            Remedy::Command(&["systemctl", "status", "--no-pager", "{unit}"]),
        ),
        &SEE_UNIT,
    ]);

/// The next restart runs the old file.
pub static UNIT_RELOAD_NEEDED: Cause = unit("UNIT-RELOAD-NEEDED", Unmanaged::FileChanged)
    .summary("the unit file of {unit} changed on disk, and systemd still has the old one")
    .explanation("systemd reads unit files only at daemon-reload: until then a restart uses the old file")
    .verdict(Verdict::Warn)
    .fixes(&[
        &SEE_UNIT,
        &Fix::new(
            "make systemd reload it, then restart the unit at a suitable time",
            Risk::Disruptive,
            Remedy::Manual(
                "check the file with systemd-analyze verify, then systemctl daemon-reload; the unit's next restart \
                 applies it",
            ),
        ),
    ]);

/// The process has what the file had.
pub static UNIT_ENVIRONMENT_OLD: Cause = unit("UNIT-ENVIRONMENT-OLD", Unmanaged::Environment)
    .summary("{unit} runs with older values than its env file: {thing}")
    .explanation("the file was written after the start of its process; the next restart applies its values")
    .verdict(Verdict::Warn)
    .fixes(&[
        &SEE_UNIT,
        &Fix::new(
            "check the new values, then restart the unit at a suitable time",
            Risk::Disruptive,
            Remedy::Manual("compare the file with its last backup; the unit's next restart reads it"),
        ),
    ]);

/// A few more, and it fails.
pub static OPEN_FILES_NEAR: Cause = unit("OPEN-FILES-NEAR", Unmanaged::OpenFiles)
    .summary("{unit} is near its limit of open files: {thing}")
    .explanation("at the limit it accepts no connection and opens no file (EMFILE, \"Too many open files\")")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "see the limit; raise LimitNOFILE= in a drop-in if it needs that many, otherwise find the leak",
        Risk::ReadOnly,
        Remedy::Command(&["systemctl", "show", "-p", "LimitNOFILE,LimitNOFILESoft,MainPID", "{unit}"]),
    )]);
