//! A second worker: one on another host that takes over, and one on this host that works while the first is updated.

use super::login::*;
use super::*;

/// A command on the primary. 255 is ssh's own: the host is not reached, or its key or ours is not known there.
macro_rules! on_primary {
    ($($word:literal),+) => {
        Invocation::new(&[
            "ssh",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=5",
            "-o",
            "ServerAliveInterval=2",
            "-o",
            "StrictHostKeyChecking=yes",
            $($word),+
        ])
        .seconds(20)
        .no(255)
    };
}

const REACHED: Assertion = Command(
    on_primary!("root@{primary}", "true")
        .means("{primary} is reached over ssh", "{primary} is not reached over ssh, which does not prove it dead"),
);

/// Its unit runs, or something else listens where the worker does.
const ALIVE: Assertion = Any(&[
    Command(
        on_primary!("root@{primary}", "systemctl", "show", "--property=ActiveState", "fondation-worker.service")
            .expects("(?m)^ActiveState=(active|activating|reloading|deactivating)$")
            .means("the worker of {primary} is alive", "nothing reports the worker's unit of {primary} as alive"),
    ),
    Command(
        on_primary!("root@{primary}", "ss", "--no-header", "--listening", "--tcp", "--numeric")
            .expects(r"[:.]8080\s")
            .means("port 8080 of {primary} is taken", "nothing reports port 8080 of {primary} as taken"),
    ),
]);

const HAS_THIS_ID: Assertion = Command(
    on_primary!("root@{primary}", "sed", "-n", "/{worker-id}/p", "/srv/fondation/.env")
        .expects("{worker-id}")
        .means("{primary} has this WORKER_ID", "{primary} does not have this WORKER_ID, or is not reached"),
);

const FETCHED: &str = "/var/backups/fondation-{label}/login-primary.json";
const FETCHED_PART: &str = "/var/backups/fondation-{label}/login-primary.part";
const READY: &str = "/var/backups/fondation-{label}/login-ready.json";

/// A login from its first to its last brace.
const WHOLE: Assertion = Command(
    Invocation::new(&[
        "grep",
        "--null-data",
        "--quiet",
        "--extended-regexp",
        r#"^[{].*"accessToken": *"[^"]+".*[}][[:space:]]*$"#,
        FETCHED_PART,
    ])
    .no(1)
    .means("the copy is a whole login", "the copy is not a whole login"),
);

const IN_PLACE: Assertion = All(&[Exists(FETCHED), LOGIN, same(&["cmp", "--silent", FETCHED, LIVE])]);

const POLLS: Assertion = All(&[
    Command(
        LAST_OF_CONTAINER.expects("Polling for jobs").means("the worker polls for jobs", "the worker does not poll"),
    ),
    Not(&Command(
        LAST_OF_CONTAINER
            .expects("Error claiming job|Failed to connect")
            .means("the worker cannot claim", "the worker can claim"),
    )),
]);

/// The container is made anew at each start, and so is its log.
const LAST_OF_CONTAINER: Invocation =
    Invocation::new(&["docker", "compose", "--project-name=fondation", "logs", "--no-color", "--tail=4", "worker"]);

const HAS_TAKEN_OVER: Assertion = Answers(8080, "/metrics", r#""worker_id":\s*"{worker-id}""#);

/// The worker of this host takes over from the one of another.
pub(super) static FAILOVER: Procedure = Procedure::new(
    "failover",
    &[
        Step::show(
            "primary",
            "ask {primary} for its worker; no answer does not prove that it is dead",
            // What ssh itself has to say goes the same way.
            on_primary!(
                "-E",
                "/dev/stdout",
                "root@{primary}",
                "systemctl",
                "show",
                "--property=ActiveState,SubState",
                "fondation-worker.service"
            ),
        ),
        Step::check("label", "check that the label is new", NEW_DIRECTORY, "choose another label"),
        Step::check(
            "here",
            "check that a worker can run here",
            All(&[Healthy(&DOCKER), Healthy(&CONVEX), IMAGE, ENV_HAS_URL]),
            "set this host up first: docker, Convex, the image and the env file",
        ),
        Step::check(
            "id",
            "check that {primary} does not have the WORKER_ID {worker-id}",
            Not(&HAS_THIS_ID),
            "two workers with one WORKER_ID claim the same jobs: choose another with --worker-id",
        ),
        Step::ask(
            "alive",
            "the worker of {primary} is alive: stop it (there: opsctl stop worker), or decide that both claim jobs",
            "the primary host",
            "both-run",
        )
        .only_if(ALIVE),
        directory(),
        Step::stop("stop", &[&WORKER]),
        Step::command(
            "fetch",
            "copy the login of {primary}",
            Invocation::new(&[
                "scp",
                "-q",
                "-o",
                "BatchMode=yes",
                "-o",
                "ConnectTimeout=5",
                "-o",
                "StrictHostKeyChecking=yes",
                "root@{primary}:/srv/claude-creds/.credentials.json",
                FETCHED_PART,
            ]),
            Risk::Safe,
        )
        .only_if(All(&[Not(&Exists(FETCHED)), REACHED]))
        .proof(All(&[Exists(FETCHED_PART), WHOLE]))
        .undo(Undo::Never("the copy is kept")),
        named(
            "name",
            FETCHED_PART,
            FETCHED,
            &["mv", "--no-clobber", "--no-target-directory", FETCHED_PART, FETCHED],
        ),
        Step::command(
            "ready",
            "give a copy of it to uid 1001, the user of the container",
            Invocation::new(&["install", "--owner=1001", "--group=1001", "--mode=600", FETCHED, READY]),
            Risk::Safe,
        )
        .only_if(Exists(FETCHED))
        .proof(Any(&[IN_PLACE, All(&[Exists(READY), same(&["cmp", "--silent", FETCHED, READY])])]))
        .undo(Undo::Never("the copy is kept")),
        Step::command(
            "keep",
            "keep a copy of this host's login",
            Invocation::new(&["mv", "--no-clobber", "--no-target-directory", LIVE, BEFORE]),
            Risk::Disruptive,
        )
        .only_if(Any(&[Exists(BEFORE), All(&[Exists(FETCHED), LOGIN, Not(&IN_PLACE)])]))
        .proof(Exists(BEFORE))
        .loses("nothing: it is kept as login-before.json")
        .undo(Undo::Command(Invocation::new(&["mv", "--no-clobber", "--no-target-directory", BEFORE, LIVE]))),
        Step::command(
            "place",
            "take the login of {primary}",
            Invocation::new(&["mv", "--no-target-directory", READY, LIVE]),
            Risk::Safe,
        )
        .only_if(Exists(FETCHED))
        .proof(IN_PLACE)
        .undo(Undo::Command(Invocation::new(&["mv", "--no-target-directory", LIVE, READY]))),
        Step::restore("restore", "credentials")
            .only_if(Not(&LOGIN)),
        owner(),
        Step::check("login", "check that the container's user can read the login", All(&[LOGIN, READABLE]), "log in: ./auth-claude.sh"),
        Step::set_keys(
            "worker-id",
            "give this worker the WORKER_ID {worker-id}",
            &[KeyEdit::new(&["/srv/fondation/.env"], KeyFormat::Env(EnvReader::Compose), "WORKER_ID", "{worker-id}")],
        ),
        Step::start("start", &[&WORKER]),
        Step::wait("metrics", "wait until it reports as {worker-id}", HAS_TAKEN_OVER, 60),
        Step::wait("polls", "wait until it polls for jobs", POLLS, 60),
        prompt(),
        Step::ask(
            "reclaim",
            "once the worker of {primary} is off for 5 minutes, release its jobs: npx convex run queue:reclaimExpired",
            "a checkout of the repository in packages/web with the deploy key, or the functions page of the Convex \
             dashboard",
            "reclaimed",
        ),
        Step::show("jobs", "show the jobs that are at work here", JOBS_NOW),
    ],
)
.aliases(&["take-over"])
.summary("have the worker of this host take over from another host's")
.section("Failover of OPERATIONS.md")
.when("the primary host is dead, and this is the secondary")
.not_when("the primary host is healthy and only its worker is down: opsctl diagnose there")
.severity(&P1)
.parameters(&[
    Parameter::new("primary", ParameterKind::Word).help("host that is taken over from, as root's ssh knows it"),
    Parameter::new("label", ParameterKind::Word).help("name of the incident, part of a path").default("failover"),
    Parameter::new("worker-id", ParameterKind::Word).help("WORKER_ID of this host").default("scaleway-worker-backup"),
])
.done(&[Healthy(&WORKER), HAS_TAKEN_OVER, PROMPT])
.note(
    "ssh ends with 255 for a dead host as for an unknown key: neither proves the primary's worker dead; leases keep two \
     workers with two WORKER_IDs apart, but not two with one; a restore takes copies that this host made, so the \
     primary's login is only copied from it; what a dead worker held is stuck for 5 minutes, and until it is reclaimed",
);

const SECOND: Assertion = Command(
    Invocation::new(&[
        "docker",
        "exec",
        "fondation-second",
        "curl",
        "--silent",
        "--max-time",
        "5",
        "http://127.0.0.1:8080/metrics",
    ])
    .expects(r#""worker_id":\s*"scaleway-worker-second""#)
    .no(1)
    .means("the second worker answers", "the second worker does not answer"),
);

const SECOND_IDLE: Assertion = Command(
    Invocation::new(&[
        "docker",
        "exec",
        "fondation-second",
        "curl",
        "--silent",
        "--max-time",
        "5",
        "http://127.0.0.1:8080/health",
    ])
    .expects(r#""activeJobs":\s*0\b"#)
    .no(1)
    .means("the second worker has no job", "the second worker has a job"),
);

const SECOND_THERE: Assertion = Command(
    Invocation::new(&[
        "docker",
        "ps",
        "--all",
        "--quiet",
        "--filter=label=com.docker.compose.project=fondation-second",
    ])
    .expects("(?m)^[0-9a-f]+$")
    .means("there is a second worker", "there is no second worker"),
);

/// It is removed when it has stopped; `docker compose down` leaves it, as it is none of a service.
const SECOND_DOWN: Invocation = Invocation::new(&["docker", "stop", "--time=60", "fondation-second"]).seconds(90);

const OLD: &str = "fondation-worker:before-{label}";
const KEPT: Assertion = Command(
    Invocation::new(&["docker", "image", "ls", "--quiet", OLD])
        .expects("(?m)^[0-9a-f]+$")
        .means("the old image has a name of its own", "the old image has no name of its own"),
);
const STILL_OLD: Assertion = Command(
    Invocation::new(&["docker", "image", "inspect", "--format={{json .RepoTags}}", "fondation-worker:latest"])
        .expects(r#""fondation-worker:before-{label}""#)
        .no(1)
        .means("fondation-worker:latest is the old image", "fondation-worker:latest is not the old image"),
);

/// A second worker claims jobs while the first is updated.
pub(super) static ZERO_DOWNTIME_UPDATE: Procedure = Procedure::new(
    "zero-downtime-update",
    &[
        Step::check(
            "label",
            "check that the label is new",
            Any(&[Not(&KEPT), STILL_OLD, SECOND_THERE]),
            "choose another label: this one is that of an image",
        ),
        Step::check(
            "first",
            "check that the worker is healthy, and that there is a login",
            All(&[LOGIN, READABLE, IMAGE, Any(&[Healthy(&WORKER), SECOND])]),
            "repair it first: opsctl diagnose",
        ),
        Step::command(
            "second",
            "start a second worker, as scaleway-worker-second",
            Invocation::new(&[
                "docker",
                "compose",
                "--project-name=fondation-second",
                "--file=/srv/fondation/docker-compose.prod.yml",
                "run",
                "--rm",
                "--detach",
                "--no-deps",
                "--name=fondation-second",
                "--env=WORKER_ID=scaleway-worker-second",
                "worker",
            ])
            .seconds(120),
            Risk::Safe,
        )
        .proof(SECOND)
        .undo(Undo::Command(SECOND_DOWN)),
        Step::command(
            "keep",
            "give the image that runs a name of its own",
            Invocation::new(&["docker", "tag", "fondation-worker:latest", OLD]),
            Risk::Safe,
        )
        .proof(KEPT)
        .undo(Undo::Never("an image is kept"))
        .keeps_a_copy(),
        Step::wait("idle", "wait until no job is at work in the first", Any(&[IDLE, Not(&RUNS)]), 3600),
        Step::stop("stop", &[&WORKER]).title("stop the first"),
        Step::ask(
            "image",
            "load the new image: docker load --input FILE, or pull it and tag it fondation-worker:latest",
            "this host, with the image from where it is built",
            "loaded",
        )
        .proof(Not(&STILL_OLD))
        .undo(Undo::Command(Invocation::new(&["docker", "tag", OLD, "fondation-worker:latest"]))),
        Step::check(
            "new",
            "check that fondation-worker:latest is another image",
            All(&[IMAGE, Not(&STILL_OLD)]),
            "it is still the old one: load the new one, then resume",
        ),
        Step::start("start", &[&WORKER]).title("start the first"),
        Step::wait("polls", "wait until it polls for jobs", POLLS, 60),
        prompt(),
        Step::wait(
            "second-idle",
            "wait until no job is at work in the second",
            Any(&[Not(&SECOND_THERE), SECOND_IDLE]),
            3600,
        ),
        Step::command(
            "end-second",
            "end the second worker",
            SECOND_DOWN,
            Risk::Disruptive,
        )
        .proof(Not(&SECOND_THERE))
        .loses("nothing: it is idle, and has 60 s for a job that it claims at that moment")
        .undo(Undo::Never("the first claims jobs again")),
    ],
)
.aliases(&["update-without-downtime"])
.summary("update the worker while a second one claims jobs")
.section("zero-downtime update of OPERATIONS.md")
.when("a new version is to run, and the queue must not wait")
.not_when("the queue may wait for a minute: opsctl redeploy")
.parameters(LABEL)
.done(&[Healthy(&WORKER), PROMPT, Not(&SECOND_THERE)])
.note(
    "the second worker has its own WORKER_ID network and scratch volume, which are kept, the same env file and login, and no port of the host; \
     two workers need twice the memory; opsctl history does not know the image as a release",
);
