//! The Claude login: restored, replaced, and proven by a prompt that is answered.

use super::*;

pub(super) const LIVE: &str = "/srv/claude-creds/.credentials.json";
pub(super) const BEFORE: &str = "/var/backups/fondation-{label}/login-before.json";
const BEFORE_PART: &str = "/var/backups/fondation-{label}/login-before.part";

/// The user of the container can read it.
pub(super) const READABLE: Assertion = Command(
    Invocation::new(&["setpriv", "--reuid=1001", "--regid=1001", "--clear-groups", "test", "-r", LIVE])
        .no(1)
        .means("the container's user can read the login", "the container's user cannot read the login"),
);

/// Only an answer proves a login: the version is printed without one.
pub(super) const PROMPT: Assertion = Command(
    Invocation::new(&[
        "docker",
        "compose",
        "--project-name=fondation",
        "exec",
        "-T",
        "worker",
        "claude",
        "-p",
        "auth ok?",
        "--output-format",
        "text",
    ])
    .seconds(120)
    .expects(r"\S")
    .no(1)
    .means("the Claude CLI answers a prompt", "the Claude CLI does not answer a prompt"),
);

/// What is in the directory was made in the last day, so by this run or one that it continues.
pub(super) const NEW_DIRECTORY: Assertion = Any(&[
    Not(&Exists(DIRECTORY)),
    Command(
        Invocation::new(&["find", DIRECTORY, "-maxdepth", "0", "-mmin", "-1440"])
            .expects("(?m)^/var/backups/")
            .means("the directory is of the last day", "the directory of this label is older than a day"),
    ),
]);

pub(super) const ENV_HAS_URL: Assertion = Command(
    // Nothing of it is followed or shown: its directory is another user's.
    Invocation::new(&["tar", "--create", "--file=-", "--directory=/srv", "fondation/.env"])
        .expects(r"[\x00\n]CONVEX_URL=.")
        .no(2)
        .means("the env file has CONVEX_URL", "the env file does not have CONVEX_URL"),
);

/// The user of the container gets the login, where auth-claude.sh gave it to another.
pub(super) const fn owner() -> Step {
    Step::command(
        "owner",
        "give the login to uid 1001, the user of the container",
        Invocation::new(&["chown", "--recursive", "--no-dereference", "1001:1001", "/srv/claude-creds"]),
        Risk::Safe,
    )
    .only_if(All(&[LOGIN, Not(&READABLE)]))
    .proof(READABLE)
    .undo(Undo::Never("the container must read it"))
}

pub(super) const fn prompt() -> Step {
    Step::check("prompt", "check that the Claude CLI answers a prompt", PROMPT, "each job would fail: log in again")
}

/// Puts the copies of login and configuration back.
pub(super) static RESTORE_BACKUP: Procedure = Procedure::new(
    "restore-backup",
    &[
        Step::show("jobs", "show the jobs that are at work", JOBS_NOW),
        Step::stop("stop", &[&WORKER]),
        Step::restore_at("config", "config", "config-copy"),
        Step::restore_at("credentials", "credentials", "login-copy"),
        Step::check("env", "check that the env file has CONVEX_URL", ENV_HAS_URL, "restore an older copy: --config-copy"),
        owner(),
        Step::check("login", "check that the container's user can read the login", All(&[LOGIN, READABLE]), "log in"),
        Step::start("start", &[&WORKER]),
        prompt(),
    ],
)
.aliases(&["restore-all"])
.summary("restore configuration and login from their backups, and start the worker")
.section("Restore from Backup")
.when("env file, compose file or login are lost or wrong")
.not_when("only one of them is: opsctl restore config, or opsctl restore credentials")
.severity(&P1)
.parameters(&[
    Parameter::new("config-copy", ParameterKind::Word).help("copy of the configuration, an id or newest").default("newest"),
    Parameter::new("login-copy", ParameterKind::Word).help("copy of the login, an id or newest").default("newest"),
])
.done(&[Healthy(&WORKER), READABLE, PROMPT])
.note(
    "the runbook unpacks archives over what is live, and names archives that no script makes; here each copy is proven \
     first, and the old files are kept beside; a login that was revoked after its copy was made restores, but answers no prompt",
);

/// Has a person log in anew; the old login is kept until the new one is proven.
pub(super) static ROTATE_CREDENTIALS: Procedure = Procedure::new(
    "rotate-credentials",
    &[
        Step::check("label", "check that the label is new", NEW_DIRECTORY, "choose another label"),
        Step::check("there", "check that there is a login", LOGIN, "there is none to replace: ./auth-claude.sh"),
        Step::show("jobs", "show the jobs that are at work", JOBS_NOW),
        directory(),
        Step::command("copy", "copy the login", Invocation::new(&["cp", "--archive", LIVE, BEFORE_PART]), Risk::Safe)
            .only_if(Not(&Exists(BEFORE)))
            .proof(All(&[Exists(BEFORE_PART), same(&["cmp", "--silent", BEFORE_PART, LIVE])]))
            .undo(Undo::Never("the copy is kept"))
            .keeps_a_copy(),
        named("name", BEFORE_PART, BEFORE, &["mv", "--no-clobber", "--no-target-directory", BEFORE_PART, BEFORE]),
        Step::ask(
            "login",
            "log in to Claude again, and end no session yet: ./auth-claude.sh, as the owner of /srv/fondation",
            "this host, in /srv/fondation",
            "logged-in",
        )
        .proof(Exists(BEFORE))
        .undo(Undo::Command(Invocation::new(&["mv", "--no-target-directory", BEFORE, LIVE]))),
        Step::check(
            "new-login",
            "check that the login was written again",
            All(&[LOGIN, Not(&same(&["cmp", "--silent", BEFORE, LIVE]))]),
            "it is still the old one: log in again, then resume",
        ),
        owner(),
        Step::check("readable", "check that the container's user can read the login", READABLE, "give it to uid 1001"),
        Step::wait("idle", "wait until no job is at work", Any(&[IDLE, Not(&RUNS)]), 3600),
        Step::restart("restart", &[&WORKER]).undo(Undo::Again),
        prompt(),
        Step::ask(
            "revoke",
            "end every session of the Claude account but the new one",
            "the settings of the account at Anthropic",
            "revoked",
        ),
        Step::check(
            "still",
            "check that the new login is not among those that were ended",
            PROMPT,
            "log in again: ./auth-claude.sh",
        ),
        Step::backup("backup", &["credentials"]).only_if(Exists("/root/.config/rclone/rclone.conf")),
    ],
)
.aliases(&["rotate-login"])
.summary("replace the Claude login, and keep the old one until the new one is proven")
.section("Emergency Contacts, credential rotation of OPERATIONS.md")
.when("the login is old, or somebody who had it leaves")
.not_when("somebody has it who should not: opsctl run security-breach")
.severity(&P3)
.parameters(LABEL)
.done(&[Healthy(&WORKER), READABLE, PROMPT])
.note(
    "backup-creds.sh makes an archive that anybody on the host can read: the copy here is root's; auth-claude.sh gives \
     the login to the host's user, so that the container cannot read it; only Anthropic knows whether the old session \
     is over",
);

/// The two files are the same.
pub(super) const fn same(words: &'static [&'static str]) -> Assertion {
    Command(Invocation::new(words).no(1).means("the two logins are the same", "the two logins are not the same"))
}
