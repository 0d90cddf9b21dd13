//! Procedures of fondation, besides those that every host has.
//!
//! Copies are written under another name first, proven, and renamed; a copy that is there is never written again.

use super::checklists::{INCIDENT_REPORT, MONITORING_IMPROVEMENTS, QUICK_REFERENCE};
use super::services::*;
use super::{P1, P2, P3};
use crate::registry::*;
use Assertion::{All, Answers, Any, Command, Exists, Healthy, Not};

mod login;
mod second;

pub(super) static PROCEDURES: &[&Procedure] = &[
    &EMERGENCY_STOP,
    &CLEAR_TEMP,
    &DATA_CORRUPTION,
    &COMPLETE_FAILURE,
    &SECURITY_BREACH,
    &RECLAIM_LEASES,
    &login::RESTORE_BACKUP,
    &login::ROTATE_CREDENTIALS,
    &second::FAILOVER,
    &second::ZERO_DOWNTIME_UPDATE,
    &PLANNED_MAINTENANCE,
    &DEBUG_RUN,
    &QUICK_REFERENCE,
    &ON_CALL,
    &POST_INCIDENT,
    &MONITORING_IMPROVEMENTS,
    &INCIDENT_REPORT,
];

const LABEL: &[Parameter] =
    &[Parameter::new("label", ParameterKind::Word).help("name of the incident, part of a path")];

const IDLE: Assertion = Answers(8080, "/health", r#""activeJobs":\s*0\b"#);

/// A container of the worker runs, whatever its name.
const RUNS: Assertion = Command(
    Invocation::new(&[
        "docker",
        "ps",
        "--quiet",
        "--filter=label=com.docker.compose.project=fondation",
        "--filter=label=com.docker.compose.service=worker",
    ])
    .expects("(?m)^[0-9a-f]+$")
    .means("a container of the worker runs", "no container of the worker runs"),
);

const JOBS_NOW: Invocation =
    Invocation::new(&["curl", "--silent", "--max-time", "5", "http://127.0.0.1:8080/health"]).no(7);
const LAST_LINES: Invocation = Invocation::new(&[
    "journalctl",
    "--no-pager",
    "--output=short-iso",
    "--unit=fondation-worker.service",
    "--all",
    "--lines=20",
]);

/// Kills the worker at once.
static EMERGENCY_STOP: Procedure = Procedure::new(
    "emergency-stop",
    &[
        Step::show("jobs", "show the jobs that are at work", JOBS_NOW),
        Step::show("log", "show the last lines of the worker", LAST_LINES),
        Step::command(
            "kill",
            "kill the worker's container",
            Invocation::new(&["docker", "compose", "--project-name=fondation", "kill", "worker"]),
            Risk::Disruptive,
        )
        .only_if(RUNS)
        .proof(Not(&RUNS))
        .loses("the work of active jobs; each is stuck until its lease ends and somebody reclaims it")
        .undo(Undo::Never("start it again: opsctl start worker, then opsctl run reclaim-leases")),
        Step::stop("stop", &[&WORKER]).title("keep its unit from starting it again"),
    ],
)
.aliases(&["kill-worker"])
.summary("kill the worker at once, without waiting for its jobs")
.section("Quick Reference, emergency stop")
.when("the worker does harm, such as deleting or publishing what it must not")
.not_when("it may finish its jobs: opsctl run planned-maintenance")
.severity(&P1)
.done(&[Not(&RUNS), Assertion::Stopped(&WORKER)])
.note(
    "the runbook kills a container fondation-worker, which does not exist: it is found by its labels; the unit ends \
     with its container, and removes it with its log, but the journal keeps the lines",
);

/// In the container; on the host it is another directory.
const SCRATCH_SPACE: &str = "/tmp/fondation";
const EMPTY: Assertion = Command(
    Invocation::new(&[
        "docker",
        "compose",
        "--project-name=fondation",
        "exec",
        "-T",
        "worker",
        "ls",
        "-A",
        SCRATCH_SPACE,
    ])
    .expects(r"\A\s*\z")
    .means("the scratch directory is empty", "the scratch directory is not empty"),
);

/// Removes what jobs left behind.
static CLEAR_TEMP: Procedure = Procedure::new(
    "clear-temp",
    &[
        Step::check(
            "idle",
            "check that no job is at work",
            IDLE,
            "a job needs its clone: wait until it ends, or stop the worker",
        ),
        Step::show(
            "left",
            "list what is there, in KiB",
            Invocation::new(&[
                "docker",
                "compose",
                "--project-name=fondation",
                "exec",
                "-T",
                "worker",
                "du",
                "-k",
                "-d",
                "1",
                SCRATCH_SPACE,
            ]),
        ),
        Step::command(
            "clear",
            "remove everything in /tmp/fondation of the container",
            Invocation::new(&[
                "docker",
                "compose",
                "--project-name=fondation",
                "exec",
                "-T",
                "worker",
                "find",
                SCRATCH_SPACE,
                "-mindepth",
                "1",
                "-delete",
            ])
            .seconds(300),
            Risk::Disruptive,
        )
        .only_if(Any(&[EMPTY, IDLE]))
        .proof(EMPTY)
        .loses("clones that jobs left behind")
        .undo(Undo::Never("a job makes its clone again")),
    ],
)
.aliases(&["clear-scratch"])
.summary("remove the clones that jobs left behind")
.section("3. High Memory Usage, and clear temp in the quick reference")
.when("jobs that were killed have left clones, and the disk gets full")
.severity(&P2)
.done(&[EMPTY])
.note(
    "the runbook's rm with a star does nothing: the star is replaced on the host, where /tmp/fondation is another \
     directory; a job that begins at that very moment fails, and is tried again",
);

const VOLUME: Assertion = Command(
    Invocation::new(&["docker", "volume", "ls", "--quiet", "--filter=name=fondation_worker-tmp"])
        .expects("(?m)^fondation_worker-tmp$")
        .means("the volume fondation_worker-tmp exists", "the volume fondation_worker-tmp does not exist"),
);

/// Only root comes here, and what is in it is not followed.
const IN_VOLUME: &str = "/var/lib/docker/volumes/fondation_worker-tmp/_data";
const VOLUME_EMPTY: Assertion = Any(&[
    Not(&VOLUME),
    Command(
        Invocation::new(&["find", IN_VOLUME, "-mindepth", "1", "-print", "-quit"])
            .expects(r"\A\s*\z")
            .means("the scratch volume is empty", "the scratch volume is not empty"),
    ),
]);
const UNUSED: Assertion = Command(
    Invocation::new(&["docker", "ps", "--quiet", "--filter=volume=fondation_worker-tmp"])
        .expects(r"\A\s*\z")
        .means("no container uses the volume", "a container uses the volume"),
);

const DIRECTORY: &str = "/var/backups/fondation-{label}";

/// The directory of the copies.
const fn directory() -> Step {
    Step::command(
        "directory",
        "make a directory that only root reads",
        Invocation::new(&["install", "--directory", "--mode=700", DIRECTORY]),
        Risk::Safe,
    )
    .proof(Exists(DIRECTORY))
    .undo(Undo::Never("it is kept, with the copies in it"))
}

/// A proven copy gets its name.
const fn named(name: &'static str, part: &'static str, whole: &'static str, words: &'static [&'static str]) -> Step {
    Step::command(name, "give the proven copy its name", Invocation::new(words), Risk::Safe)
        .only_if(Exists(part))
        .proof(Exists(whole))
        .undo(Undo::Never("a proven copy is kept"))
}

const SCRATCH: &str = "/var/backups/fondation-{label}/scratch.tar";
const SCRATCH_PART: &str = "/var/backups/fondation-{label}/scratch.tar.part";
const VOLUMES: &str = "--directory=/var/lib/docker/volumes";

/// Starts the worker on empty scratch space.
static DATA_CORRUPTION: Procedure = Procedure::new(
    "data-corruption",
    &[
        Step::check(
            "place",
            "check where the volume is",
            Any(&[
                Not(&VOLUME),
                Command(
                    Invocation::new(&[
                        "docker",
                        "volume",
                        "inspect",
                        "--format={{.Mountpoint}}",
                        "fondation_worker-tmp",
                    ])
                    .expects("(?m)^/var/lib/docker/volumes/fondation_worker-tmp/_data$")
                    .means("it is below /var/lib/docker", "it is not below /var/lib/docker"),
                ),
            ]),
            "copy it by hand, then remove it",
        ),
        Step::show("jobs", "show the jobs that are at work", JOBS_NOW),
        Step::stop("stop", &[&WORKER]),
        directory(),
        Step::command(
            "copy",
            "copy the scratch volume",
            Invocation::new(&["tar", "--create", "--file", SCRATCH_PART, VOLUMES, "fondation_worker-tmp"])
                .seconds(1800),
            Risk::Safe,
        )
        .only_if(All(&[Not(&VOLUME_EMPTY), Not(&Exists(SCRATCH))]))
        .proof(All(&[
            Exists(SCRATCH_PART),
            Command(
                Invocation::new(&["tar", "--compare", "--file", SCRATCH_PART, VOLUMES])
                    .seconds(1800)
                    .no(1)
                    .means("the copy is as the volume is", "the copy is not as the volume is"),
            ),
        ]))
        .undo(Undo::Never("the copy is kept"))
        .keeps_a_copy(),
        named("name", SCRATCH_PART, SCRATCH, &["mv", "--no-clobber", "--no-target-directory", SCRATCH_PART, SCRATCH]),
        Step::check(
            "same",
            "check that the copy is as the volume is",
            Any(&[
                VOLUME_EMPTY,
                All(&[
                    Exists(SCRATCH),
                    Command(
                        Invocation::new(&["tar", "--compare", "--file", SCRATCH, VOLUMES])
                            .seconds(1800)
                            .no(1)
                            .means("the copy is as the volume is", "the copy is not as the volume is"),
                    ),
                ]),
            ]),
            "it is the copy of another incident: undo this run, and choose another label",
        ),
        Step::check("unused", "check that no container uses the volume", UNUSED, "stop it first"),
        Step::command(
            "empty",
            "empty the scratch volume",
            Invocation::new(&["find", IN_VOLUME, "-mindepth", "1", "-delete"]).seconds(600),
            Risk::Destructive,
        )
        .proof(VOLUME_EMPTY)
        .loses("clones of repositories; the copy has them")
        .undo(Undo::Never("jobs make their clones again")),
        Step::ask(
            "jobs-back",
            "of each job in claimed, cloning, analyzing, gathering or running: set status to pending and runAt to \
             now, and clear lockedBy and leaseUntil",
            "the Convex dashboard, table jobs",
            "pending",
        ),
        Step::start("start", &[&WORKER]),
    ],
)
.aliases(&["reset-scratch"])
.summary("start the worker on empty scratch space")
.section("Data Corruption")
.when("clones in the scratch volume are broken, and jobs fail because of them")
.not_when("the queue itself is wrong: its data is at Convex, who keep backups of it")
.severity(&P1)
.parameters(LABEL)
.done(&[Healthy(&WORKER)])
.note(
    "the scratch volume has clones only, and is emptied, not removed; the runbook also removes /tmp/fondation of the host, which is another \
     directory; a status alone does not put a job back: its lock remains",
);

const SRV: &str = "/var/backups/fondation-{label}/srv.tar.gz";
const SRV_PART: &str = "/var/backups/fondation-{label}/srv.tar.gz.part";

const SRV_SAME: Assertion = All(&[
    Exists(SRV_PART),
    Command(
        Invocation::new(&["tar", "--compare", "--gzip", "--file", SRV_PART, "--directory=/srv"])
            .seconds(300)
            .no(1)
            .means("the copy is as the directories are", "the copy is not as the directories are"),
    ),
]);

/// Compose file, env file and login, as they are.
const fn copy_of_srv() -> Step {
    Step::command(
        "copy",
        "copy /srv/fondation and /srv/claude-creds",
        Invocation::new(&[
            "tar",
            "--create",
            "--gzip",
            "--file",
            SRV_PART,
            "--directory=/srv",
            "fondation",
            "claude-creds",
        ])
        .seconds(300),
        Risk::Safe,
    )
    .only_if(Not(&Exists(SRV)))
    .proof(SRV_SAME)
    .undo(Undo::Never("the copy is kept"))
    .keeps_a_copy()
}

const fn name_of_srv() -> Step {
    named("name", SRV_PART, SRV, &["mv", "--no-clobber", "--no-target-directory", SRV_PART, SRV])
}

/// What there is of this label was made in the last day, so by this run or one that it continues.
const NEW_LABEL: Assertion = Any(&[
    Not(&Exists(SRV)),
    Command(
        Invocation::new(&["find", DIRECTORY, "-name", "srv.tar.gz", "-mmin", "-1440"])
            .expects("(?m)^/var/backups/")
            .means("the copy is of the last day", "the copy of this label is older than a day"),
    ),
]);

const IMAGE: Assertion = Command(
    Invocation::new(&["docker", "image", "ls", "--quiet", "fondation-worker:latest"])
        .expects("(?m)^[0-9a-f]+$")
        .means("the image fondation-worker:latest is here", "the image fondation-worker:latest is not here"),
);
const IMAGES: &str = "/var/backups/fondation-{label}/images.tar";
const IMAGES_PART: &str = "/var/backups/fondation-{label}/images.tar.part";
const LOGIN: Assertion = Exists("/srv/claude-creds/.credentials.json");

/// Sets the worker up again, and loses nothing by it.
static COMPLETE_FAILURE: Procedure = Procedure::new(
    "complete-failure",
    &[
        Step::check("label", "check that the label is new", NEW_LABEL, "choose another label"),
        Step::show(
            "disk",
            "show how full the disk is",
            Invocation::new(&["df", "--human-readable", "/", "/var/lib/docker"]),
        ),
        Step::show(
            "unit",
            "show the state of the worker's unit",
            Invocation::new(&["systemctl", "status", "--no-pager", "--lines=20", "fondation-worker.service"]).no(3),
        ),
        Step::stop("stop", &[&WORKER]),
        directory(),
        copy_of_srv(),
        name_of_srv(),
        Step::command(
            "images",
            "save the worker's images, which are in no registry",
            Invocation::new(&["docker", "save", "--output", IMAGES_PART, "fondation-worker"]).seconds(1800),
            Risk::Safe,
        )
        .only_if(All(&[Not(&Exists(IMAGES)), Healthy(&DOCKER), IMAGE]))
        .proof(All(&[
            Exists(IMAGES_PART),
            Command(
                Invocation::new(&["tar", "--extract", "--to-stdout", "--file", IMAGES_PART, "manifest.json"])
                    .seconds(600)
                    .expects("\"fondation-worker:latest\"")
                    .no(2)
                    .means(
                        "the archive has fondation-worker:latest",
                        "the archive does not have fondation-worker:latest",
                    ),
            ),
        ]))
        .undo(Undo::Never("the copy is kept"))
        .keeps_a_copy(),
        named(
            "name-images",
            IMAGES_PART,
            IMAGES,
            &["mv", "--no-clobber", "--no-target-directory", IMAGES_PART, IMAGES],
        ),
        Step::restart("docker", &[&DOCKER]),
        Step::ask(
            "image",
            "load the worker's image: docker load --input FILE, or pull it from the registry and tag it \
             fondation-worker:latest",
            "this host, with the image from where it is built",
            "loaded",
        )
        .only_if(Not(&IMAGE)),
        Step::check("image-here", "check that the worker's image is here", IMAGE, "the unit cannot start without it"),
        Step::check(
            "env",
            "check that the env file has CONVEX_URL",
            login::ENV_HAS_URL,
            "restore it: opsctl restore config",
        ),
        Step::ask(
            "login",
            "log in to Claude again: ./auth-claude.sh, as the owner of /srv/fondation",
            "this host, in /srv/fondation",
            "logged-in",
        )
        .only_if(Not(&LOGIN)),
        Step::check("login-here", "check that there is a login", LOGIN, "every job fails without it"),
        Step::start("start", &[&WORKER]),
    ],
)
.aliases(&["rebuild"])
.summary("set the worker up again, after copies of all that is only here")
.section("Complete System Failure")
.when("neither the worker nor docker works, and a restart has not helped")
.not_when("only the worker fails: opsctl diagnose worker-not-processing")
.severity(&P1)
.parameters(LABEL)
.done(&[Healthy(&DOCKER), Healthy(&WORKER)])
.note(
    "the runbook prunes all images and volumes first, and then pulls an image that no registry has: nothing is pruned \
     here; for space: opsctl run make-room; its archive lacks the login; where docker does not answer, the images are \
     not saved, and remain where they are",
);

const JOURNAL: &str = "/var/backups/fondation-{label}/journal.log";
const MARK: &str = "evidence of {label} is complete up to here";

/// Keeps the evidence of the intruder, stops the worker, and has every credential replaced.
static SECURITY_BREACH: Procedure = Procedure::new(
    "security-breach",
    &[
        Step::check("label", "check that the label is new", NEW_LABEL, "choose another label"),
        Step::show("sessions", "list who is logged in", Invocation::new(&["loginctl", "list-sessions", "--no-legend"])),
        Step::show(
            "connections",
            "list open connections and their programs",
            Invocation::new(&["ss", "--no-header", "--tcp", "--numeric", "--processes", "state", "established"]),
        ),
        Step::show(
            "processes",
            "list processes, the youngest last",
            Invocation::new(&["ps", "-eo", "lstart,user,pid,ppid,comm", "--sort=start_time"]),
        ),
        directory(),
        Step::command(
            "mark",
            "mark the journal",
            Invocation::new(&["logger", "--tag=opsctl-evidence", MARK]),
            Risk::Safe,
        )
        .proof(Command(
            Invocation::new(&[
                "journalctl",
                "--no-pager",
                "--quiet",
                "--identifier=opsctl-evidence",
                "--since=-1d",
                "--output=cat",
            ])
            .expects("(?m)^evidence of {label} is complete up to here$")
            .no(1)
            .means("the journal is marked", "the journal is not marked"),
        ))
        .undo(Undo::Never("a line of the journal is kept")),
        Step::command(
            "journal",
            "save the host's journal of the last 14 days, container log included",
            Invocation::new(&[
                "systemd-run",
                "--quiet",
                "--wait",
                "--collect",
                "--property=UMask=0077",
                "--property=RuntimeMaxSec=1800",
                "--property=StandardOutput=truncate:/var/backups/fondation-{label}/journal.log",
                "--",
                "journalctl",
                "--no-pager",
                "--quiet",
                "--since=-14d",
                "--output=short-iso-precise",
                "--all",
            ])
            .seconds(1800),
            Risk::Safe,
        )
        .proof(Command(
            Invocation::new(&["grep", "--count", "--no-messages", MARK, JOURNAL])
                .no(1)
                .means("the copy has all lines up to the mark", "the copy does not have all lines up to the mark"),
        ))
        .undo(Undo::Never("evidence is kept"))
        .keeps_a_copy(),
        copy_of_srv(),
        name_of_srv(),
        Step::stop("stop", &[&WORKER]),
        Step::ask(
            "claude",
            "end every session of the Claude account",
            "the settings of the account at Anthropic",
            "revoked",
        ),
        Step::ask(
            "github",
            "revoke the users' GitHub tokens",
            "the Convex dashboard, table users, and GitHub",
            "revoked",
        ),
        Step::ask("convex", "replace the deploy key", "the Convex dashboard, settings of the deployment", "replaced"),
        Step::ask(
            "access",
            "remove keys and accounts that should not be there, and replace passwords of sudo users",
            "this host: opsctl run audit-logins, ~/.ssh/authorized_keys of each user",
            "closed",
        ),
        Step::ask(
            "image",
            "deploy an image that was built again from a clean checkout: opsctl redeploy --load FILE, without starting it",
            "this host",
            "loaded",
        ),
        Step::ask(
            "login",
            "log in to Claude again: ./auth-claude.sh, as the owner of /srv/fondation",
            "this host, in /srv/fondation",
            "logged-in",
        ),
        Step::check(
            "new-login",
            "check that the login was written again",
            All(&[
                LOGIN,
                Not(&Command(
                    Invocation::new(&["tar", "--compare", "--gzip", "--file", SRV, "--directory=/srv", "claude-creds"])
                        .no(1)
                        .means("the login is still the one of the incident", "the login was written again"),
                )),
            ]),
            "log in again before the worker starts",
        ),
        Step::start("start", &[&WORKER]),
    ],
)
.aliases(&["breach"])
.summary("keep the evidence, stop the worker, and replace every credential")
.section("Security Breach")
.when("somebody has the host, the login or a key who should not")
.not_when("the intruder does harm at this moment: opsctl run emergency-stop first")
.severity(&P1)
.parameters(LABEL)
.done(&[Exists(JOURNAL), Exists(SRV), Healthy(&WORKER)])
.note(
    "the runbook stops first, which removes the container and its log, and deletes the login: here the evidence is \
     kept first; copy /var/backups/fondation-LABEL off the host, because whoever has root can change it; the only sure \
     host is a new one",
);

/// Has expired leases taken back.
static RECLAIM_LEASES: Procedure = Procedure::new(
    "reclaim-leases",
    &[
        Step::check(
            "worker",
            "check that the worker can claim jobs",
            All(&[Healthy(&CONVEX), Healthy(&WORKER)]),
            "start it first (opsctl start worker): reclaimed jobs would wait",
        ),
        Step::show("jobs", "show the jobs that are at work here", JOBS_NOW),
        Step::ask(
            "reclaim",
            "release the jobs whose lease has expired: npx convex run queue:reclaimExpired",
            "a checkout of the repository in packages/web with the deploy key, or the functions page of the Convex \
             dashboard",
            "reclaimed",
        ),
        Step::ask(
            "poison",
            "set jobs with more than 5 attempts to dead: they would be tried for ever",
            "the Convex dashboard, table jobs",
            "checked",
        ),
        Step::show("log", "show the last lines of the worker", LAST_LINES),
    ],
)
.aliases(&["reclaim-jobs"])
.summary("put jobs back whose lease has expired")
.section("2. Jobs Stuck in Running State")
.when("jobs remain in claimed or running although no worker works on them, as after each kill of a worker")
.severity(&P1)
.note(
    "no schedule does this; the runbook's address cannot work: the function is internal, and only the Convex CLI and \
     the dashboard call it; it ignores maxAttempts",
);

/// Stops the worker when it is idle, and starts it after the work.
static PLANNED_MAINTENANCE: Procedure = Procedure::new(
    "planned-maintenance",
    &[
        Step::check(
            "login",
            "check that there is a login to start with",
            All(&[LOGIN, IMAGE]),
            "the worker could not start again",
        ),
        Step::wait("idle", "wait until no job is at work", Any(&[IDLE, Not(&RUNS)]), 3600),
        Step::stop("stop", &[&WORKER]),
        Step::ask("work", "do the work", "this host", "finished"),
        Step::start("start", &[&WORKER]),
    ],
)
.aliases(&["maintenance"])
.summary("stop the worker when it is idle, and start it after the work")
.section("planned maintenance of OPERATIONS.md")
.when("the host or docker must be worked on")
.not_when("only a new version is wanted: opsctl redeploy")
.done(&[Healthy(&WORKER)])
.note(
    "a worker that is stopped while it works has 30 s for its jobs, but docker kills it after 10: so it is stopped \
     when it is idle; the queue fills meanwhile, and users get no message",
);

const DEBUG_RUNS: Assertion = Command(
    Invocation::new(&["docker", "ps", "--quiet", "--filter=ancestor=fondation-worker:latest"])
        .expects("(?m)^[0-9a-f]+$")
        .means("a container of the image runs", "no container of the image runs"),
);

/// Has a person run the worker in the foreground, with nothing else beside it.
static DEBUG_RUN: Procedure = Procedure::new(
    "debug-run",
    &[
        Step::check("image", "check that the worker's image is here", IMAGE, "there is nothing to run"),
        Step::wait("idle", "wait until no job is at work", Any(&[IDLE, Not(&RUNS)]), 600),
        Step::stop("stop", &[&WORKER]),
        Step::check("alone", "check that no other container of the image runs", Not(&DEBUG_RUNS), "two workers of one WORKER_ID claim the same jobs"),
        Step::ask(
            "debug",
            "run docker run --rm -it --env-file /srv/fondation/.env -e DEBUG=* -v \
             /srv/claude-creds:/home/worker/.claude:ro fondation-worker:latest, and end it with Ctrl-C between two jobs",
            "another terminal of this host",
            "ended",
        ),
        Step::wait("ended", "wait until that container has ended", Not(&DEBUG_RUNS), 60),
        Step::start("start", &[&WORKER]),
    ],
)
.summary("run the worker in the foreground, to see what it does")
.section("1. Worker Not Processing Jobs, debug mode")
.when("the worker fails, and its log does not show why")
.not_when("jobs must not be touched: it claims jobs of the queue as any worker does")
.severity(&P1)
.done(&[Healthy(&WORKER)])
.note("the runbook's command lacks the env file, so that the worker ends at once, and leaves its container behind");

/// What somebody who was paged reads first.
static ON_CALL: Procedure = Procedure::new(
    "on-call",
    &[
        Step::ask("acknowledge", "acknowledge the page, within 5 minutes", "PagerDuty", "acknowledged"),
        Step::show("unit", "show the state of the worker's unit", Invocation::new(&["systemctl", "status", "--no-pager", "--lines=0", "fondation-worker.service"]).no(3)),
        Step::show("containers", "list the containers", Invocation::new(&["docker", "ps", "--all", "--format={{.Names}}  {{.Image}}  {{.Status}}"])),
        Step::show("health", "show the worker's own report", JOBS_NOW),
        Step::show("log", "show the last lines of the worker", LAST_LINES),
        Step::show(
            "errors",
            "list the errors of the last hour",
            Invocation::new(&[
                "journalctl",
                "--no-pager",
                "--output=short-iso",
                "--unit=fondation-worker.service",
                "--since=-1h",
                "--all",
                "--lines=20",
                "--grep=(?i)error|❌",
            ])
            .no(1),
        ),
        Step::show("disk", "show how full the disk is", Invocation::new(&["df", "--human-readable", "/", "/var/lib/docker"])),
        Step::show("memory", "show the memory", Invocation::new(&["free", "--human"])),
        Step::show("deployments", "list the images of the worker and their age", Invocation::new(&["docker", "image", "ls", "--format={{.Tag}}  {{.ID}}  {{.CreatedSince}}", "fondation-worker"])),
    ],
)
.aliases(&["paged"])
.summary("go through what somebody who was paged reads first")
.section("On-Call Checklist")
.when("PagerDuty has paged you")
.severity(&P1)
.note("monitor.sh of the runbook reports even a healthy worker as not responding, because jq is not installed; then: opsctl diagnose");

/// What the team confirms after an incident.
static POST_INCIDENT: Procedure = Procedure::new(
    "post-incident",
    &[
        Step::check(
            "healthy",
            "check that the worker is healthy",
            Healthy(&WORKER),
            "the incident is not over: opsctl diagnose",
        ),
        Step::ask(
            "report",
            "write the report: date, start and end, jobs affected, severity, timeline, root cause, resolution, \
             lessons, action items",
            "where the team keeps its reports",
            "written",
        ),
        Step::ask(
            "runbook",
            "add the failure to the runbook, if it is new",
            "docs/RUNBOOK.md of the repository",
            "updated",
        ),
        Step::ask("monitoring", "find what should have been noticed earlier", "the monitoring of the team", "reviewed"),
        Step::ask("alerts", "change the alert rules accordingly", "PagerDuty", "updated"),
        Step::ask("post-mortem", "book the post-mortem", "the calendar of the team", "booked"),
        Step::ask("prevention", "do what prevents it from happening again", "the action items of the report", "done"),
        Step::ask(
            "recovery",
            "test the restore once more",
            "this host: opsctl backup, then opsctl backup drill",
            "tested",
        ),
        Step::ask("documents", "bring the documents up to date", "docs of the repository", "updated"),
    ],
)
.summary("go through the checklist after an incident")
.section("Post-Incident Checklist")
.when("an incident is over");
