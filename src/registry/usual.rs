//! What goes wrong on any host: causes that all deployments share, as groups for [`Failure::new`](super::Failure::new).
//!
//! [`SERVICE`] is looked for with every service, whatever manages it, so that a crash loop of any service is named; the other
//! groups are about the host. They are written once and reported under each deployment's own name (`PRIM-CRASH-LOOP`).
//! [`FAILURES`] are those of a deployment that states none of its own.
//!
//! ```
//! # use opsctl::registry::*;
//! static FULL: Failure = Failure::new("full", &[usual::DISK, &[&usual::MEMORY_LOW]])
//!     .summary("the host has no room")
//!     .section("4. Resources");
//! ```

mod checklists;
mod containers;
mod data;
mod drift;
mod failures;
mod footing;
mod procedures;
mod reasons;
mod removed;
mod slow;
mod unattended;
mod unmanaged;
mod values;

pub use checklists::*;
pub use containers::*;
pub use data::*;
pub use drift::*;
pub use failures::*;
pub use footing::*;
pub use procedures::*;
pub use reasons::*;
pub use removed::*;
pub use slow::*;
pub use unattended::*;
pub use unmanaged::*;
pub use values::*;

use super::{
    About, Cause, Clue, Depth, Ending, EnvClue, Fix, Flaw, Heard, Holding, Lapse, Remedy, Risk, State, Verdict, Window,
};
use Clue::{All, Any};

/// What may be wrong with a service, whatever it is: causes first, and last what only says what is seen.
pub static SERVICE: &[&Cause] = &[
    &ENV_FILE_MISSING,
    &ENV_KEY_MISSING,
    &PROGRAM_MISSING,
    &USER_MISSING,
    &DIRECTORY_MISSING,
    &PORT_TAKEN,
    &OUT_OF_MEMORY,
    &NO_SPACE,
    &MASKED,
    &CONDITION,
    &NOT_FOUND,
    &PAUSED,
    &STOPPED,
    &RELOAD_NEEDED,
    &MEMORY_HIGH,
    &START_LIMIT,
    &CRASH_LOOP,
    &START_TIMEOUT,
    &FAILED,
    &UNHEALTHY,
    &LISTENS_ELSEWHERE,
    &NO_ANSWER,
    &BAD_ANSWER,
];

/// Space and inodes of the host's file systems.
pub static DISK: &[&Cause] = &[&DISK_FULL, &INODES_FULL, &DISK_FILLING, &INODES_FILLING];

/// Memory of the host.
pub static MEMORY: &[&Cause] = &[&MEMORY_LOW, &OOM_KILLS, &MEMORY_FILLING];

/// Certificates as the edge shows them.
pub static CERTIFICATES: &[&Cause] =
    &[&CERTIFICATE_EXPIRED, &CERTIFICATE_EARLY, &CERTIFICATE_NAME, &CERTIFICATE_ENDING];

/// Copies that were not made, or not made well.
pub static BACKUPS: &[&Cause] = &[&BACKUP_OVERDUE, &BACKUP_FAILED];

/// Units that no service of the registry is.
pub static UNITS: &[&Cause] = &[&UNIT_FAILED, &UNIT_LOOPING];

static RESTART: Fix = Fix::new("restart {service}", Risk::Disruptive, Remedy::Restart);
static START: Fix = Fix::new("start {service}", Risk::Safe, Remedy::Start);
/// Beside a restart, and alone where a restart would end as the last one did.
static MEND_FIRST: Fix = Fix::new(
    "fix what its log names, then start it",
    Risk::Disruptive,
    Remedy::Manual("opsctl logs {service} -n 100 shows why it ends; fix that first, then opsctl restart {service}"),
);
static READ_LOG: Fix = Fix::new(
    "find the cause in its log",
    Risk::ReadOnly,
    Remedy::Command(&["opsctl", "logs", "{service}", "-n", "100"]),
);

/// The unit's or container's env file does not exist.
pub static ENV_FILE_MISSING: Cause = Cause::new("ENV-FILE-MISSING", Clue::Env(EnvClue::FileMissing))
    .summary("the env file of {service} is missing")
    .explanation(
        "systemd refuses the start without it (Result=resources); a process that still runs cannot start again",
    )
    .explains(&[&STOPPED])
    .fixes(&[&Fix::new(
        "recreate the env file",
        Risk::Safe,
        Remedy::Manual(
            "copy {env} from the last backup or its template, with its owner and mode; then opsctl restart \
             {service}. opsctl never invents an env file",
        ),
    )]);

/// A key without which the service does not work is not set.
pub static ENV_KEY_MISSING: Cause =
    Cause::new("ENV-KEY-MISSING", All(&[Clue::Unhealthy, Clue::Env(EnvClue::KeysMissing(&[]))]))
        .summary("a required key is not set in the env file of {service}")
        .explanation("the service is down, and its env file lacks required keys")
        .fixes(&[&Fix::new(
            "set the missing keys",
            Risk::Safe,
            Remedy::Manual("set them in {env}; then opsctl restart {service}"),
        )]);

/// systemd could not execute `ExecStart=` (systemd.exec(5): 203).
pub static PROGRAM_MISSING: Cause =
    Cause::new("PROGRAM-MISSING", All(&[Clue::Unhealthy, Clue::Ended(Ending::Exit(&[203]))]))
        .summary("the program of {service} cannot be executed")
        .explanation(
            "systemd ended with 203/EXEC: the file that ExecStart= names is missing, not executable, or made for \
             another machine",
        )
        .fixes(&[&Fix::new(
            "find which program ExecStart= names, and reinstall it",
            Risk::ReadOnly,
            Remedy::Command(&["systemctl", "cat", "{unit}"]),
        )]);

/// `User=` or `Group=` does not exist (systemd.exec(5): 216, 217).
pub static USER_MISSING: Cause =
    Cause::new("USER-MISSING", All(&[Clue::Unhealthy, Clue::Ended(Ending::Exit(&[216, 217]))]))
        .summary("the user or group that {service} runs as does not exist")
        .explanation("systemd ended with 216/GROUP or 217/USER before the program was started")
        .explains(&[&RUNS_AS_ANOTHER])
        .fixes(&[&Fix::new(
            "find which user the unit names, and add it",
            Risk::ReadOnly,
            Remedy::Command(&["systemctl", "cat", "{unit}"]),
        )]);

/// `WorkingDirectory=` does not exist (systemd.exec(5): 200).
pub static DIRECTORY_MISSING: Cause =
    Cause::new("DIRECTORY-MISSING", All(&[Clue::Unhealthy, Clue::Ended(Ending::Exit(&[200]))]))
        .summary("the working directory of {service} is missing")
        .explanation("systemd ended with 200/CHDIR before the program was started")
        .explains(&[&RUNS_AS_ANOTHER])
        .fixes(&[&Fix::new(
            "find which directory the unit names, and recreate it",
            Risk::ReadOnly,
            Remedy::Command(&["systemctl", "cat", "{unit}"]),
        )]);

/// Another process listens where the service should.
pub static PORT_TAKEN: Cause = Cause::new("PORT-TAKEN", All(&[Clue::Unhealthy, Clue::PortTaken]))
    .summary("{service} cannot listen: port {port} is in use by {thing}")
    .explanation("another program listens there and may serve the public: only its owner may move or stop it")
    .explains(&[&STOPPED])
    .fixes(PORT_TAKEN_BY);

/// What to do about each holder of a port. None of it ends the holder: who that is decides who may.
const PORT_TAKEN_BY: &[&Fix] = &[
    &Fix::new(
        "another service of this deployment holds the port: compare the ports of both",
        Risk::Disruptive,
        Remedy::Manual(
            "compare the port in {env} and in the unit or compose file of both services. Correct the one that \
             differs from opsctl get services -o wide, then opsctl restart that one",
        ),
    )
    .against(Holding::Service),
    &Fix::new(
        "another unit holds the port: decide which of the two is in use",
        Risk::Disruptive,
        Remedy::Manual(
            "systemctl status of that unit shows what it serves. If it serves the public instead of {service}, \
             disable {service} (systemctl disable {unit}); if not, give that unit another port in its own \
             configuration",
        ),
    )
    .against(Holding::Unit),
    &Fix::new(
        "a container publishes the port: publish another port there",
        Risk::Disruptive,
        Remedy::Manual(
            "docker ps --filter publish={port} names the container; correct ports: in its compose file and recreate \
             the container; then opsctl restart {service}",
        ),
    )
    .against(Holding::Container),
    &Fix::new(
        "a user started it by hand: ask that user to end it in their session",
        Risk::Disruptive,
        Remedy::Manual(
            "loginctl session-status shows whose session it is; a second copy of {service} is ended there with \
             Ctrl-C; then opsctl restart {service}",
        ),
    )
    .against(Holding::Session),
    &Fix::new(
        "nothing shows who started it: ask its owner to move it",
        Risk::Disruptive,
        Remedy::Manual(
            "ss -Hltnp 'sport = :{port}' and ps -o user,lstart,args show its owner and start time; once its owner \
             has moved it, opsctl restart {service}",
        ),
    )
    .against(Holding::Unknown),
    &Fix::new("see which process holds it", Risk::ReadOnly, Remedy::Command(&["ss", "-Hltnp", "sport = :{port}"])),
];

/// The kernel, or the memory limit of its unit or container, ended it.
pub static OUT_OF_MEMORY: Cause =
    Cause::new("OUT-OF-MEMORY", All(&[Clue::Unhealthy, Clue::Ended(Ending::OutOfMemory)]))
        .summary("{service} was OOM-killed")
        .explanation("it reached the memory limit of its unit or container, or the host ran out of memory")
        .fixes(&[&RESTART, &READ_LOG]);

/// The service says itself that it cannot write.
pub static NO_SPACE: Cause = Cause::new(
    "NO-SPACE",
    All(&[
        Clue::Unhealthy,
        Clue::Said(r"(?i)ENOSPC|no space left on device|disk quota exceeded|database or disk is full", Window::Run),
    ]),
)
.summary("{service} cannot write: no space left")
.explanation("its own log reports it: a full file system, all inodes used, or a quota")
.fixes(&[&Fix::new(
    "free disk space, then restart {service}",
    Risk::Disruptive,
    Remedy::Manual(
        "opsctl run make-room frees the safest first, opsctl diagnose disk-full shows what uses the space; then opsctl restart \
         {service}",
    ),
)]);

/// The unit is masked.
pub static MASKED: Cause = Cause::new("MASKED", Clue::State(&[State::Masked]))
    .summary("{service} is masked: it cannot be started")
    .explanation("somebody ran systemctl mask on its unit, perhaps on purpose")
    .fixes(&[&Fix::new(
        "unmask and start it, if it should run",
        Risk::Safe,
        Remedy::Manual(
            "systemctl unmask {unit} (with --runtime where it is masked until the next boot); then opsctl start {service}",
        ),
    )]);

/// A `Condition…=` or `Assert…=` of the unit does not hold.
pub static CONDITION: Cause = Cause::new("CONDITION", Clue::State(&[State::Skipped]))
    .summary("{service} was not started: a condition of its unit is not met")
    .explanation("systemd skips such a start and reports success")
    .fixes(&[&Fix::new(
        "see which condition failed",
        Risk::ReadOnly,
        Remedy::Command(&["systemctl", "status", "{unit}"]),
    )]);

/// Its manager knows no such unit, container or application.
pub static NOT_FOUND: Cause = Cause::new("NOT-FOUND", Clue::State(&[State::NotFound]))
    .summary("{service} does not exist: its manager knows no {unit}")
    .explanation("the unit file, container or application was removed, or never installed")
    .fixes(&[&Fix::new(
        "install it again",
        Risk::Disruptive,
        Remedy::Manual("reinstall its unit file, or create its container or application from the deployment's files"),
    )]);

/// A container that is halted in memory.
pub static PAUSED: Cause = Cause::new("PAUSED", Clue::State(&[State::Paused]))
    .summary("{service} is paused")
    .explanation("its processes are halted in memory; connections hang rather than fail")
    .fixes(&[&Fix::new("unpause it", Risk::Safe, Remedy::Command(&["docker", "unpause", "{unit}"]))]);

/// It was stopped, or ended by itself without an error.
pub static STOPPED: Cause = Cause::new("STOPPED", Clue::State(&[State::Stopped]))
    .summary("{service} is stopped")
    .explanation(
        "it does not run, and nothing reports a failure: it was stopped on purpose, ended by itself, or was not \
         started at boot",
    )
    .fixes(&[&START]);

/// systemd runs another unit file than the one on disk.
pub static RELOAD_NEEDED: Cause = Cause::new("RELOAD-NEEDED", Clue::ReloadNeeded)
    .summary("the unit file of {service} changed on disk, and systemd still has the old one")
    .explanation("a restart now would run the old one")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "make systemd reload its unit files",
        Risk::Safe,
        Remedy::Command(&["systemctl", "daemon-reload"]),
    )]);

/// More memory than the runbook wants to see.
pub static MEMORY_HIGH: Cause = Cause::new("MEMORY-HIGH", Clue::MemoryHigh)
    .summary("{service} uses more memory than its alarm bound")
    .explanation("it leaks memory, or its load exceeds its size; the manager kills it at its limit")
    .verdict(Verdict::Warn)
    .fixes(&[&READ_LOG, &RESTART]);

/// systemd has given up on it.
pub static START_LIMIT: Cause = Cause::new(
    "START-LIMIT",
    All(&[
        Clue::State(&[State::Failed]),
        Any(&[
            Clue::Ended(Ending::Result("start-limit-hit")),
            Clue::Said(r"Start request repeated too quickly", Window::Run),
        ]),
    ]),
)
.summary("systemd no longer starts {service}: too many starts in a short time")
.explanation("it is down until somebody starts it; its log shows why it ended each time")
.depth(Depth::Effect)
.fixes(&[&READ_LOG, &RESTART, &MEND_FIRST]);

/// It ends again and again, and nothing better is known.
pub static CRASH_LOOP: Cause = Cause::new("CRASH-LOOP", Clue::State(&[State::CrashLoop, State::Restarting]))
    .summary("{service} is in a crash loop")
    .explanation("opsctl found no known cause; its last log lines show why it ends")
    .depth(Depth::Effect)
    .fixes(&[&READ_LOG, &RESTART, &MEND_FIRST]);

/// It neither came up nor went down within the time of its unit.
pub static START_TIMEOUT: Cause = Cause::new(
    "TIMEOUT",
    All(&[
        Clue::State(&[State::Failed]),
        Any(&[Clue::Ended(Ending::Result("timeout")), Clue::Ended(Ending::Result("watchdog"))]),
    ]),
)
.summary("{service} did not start or stop in time")
.explanation("systemd killed it at the timeout of its unit (Result=timeout), or it missed its watchdog")
.depth(Depth::Effect)
.fixes(&[&READ_LOG, &RESTART]);

/// It ended with an error and is down.
pub static FAILED: Cause = Cause::new("FAILED", Clue::State(&[State::Failed]))
    .summary("{service} ended with an error and is down")
    .explanation("opsctl found no known cause; its last log lines show why it ended")
    .depth(Depth::Effect)
    .fixes(&[&READ_LOG, &RESTART, &MEND_FIRST]);

/// The container's own health check fails, and no probe says more.
pub static UNHEALTHY: Cause = Cause::new(
    "UNHEALTHY",
    All(&[Clue::Unhealthy, Clue::State(&[State::Running, State::Starting]), Clue::HealthCheckFails]),
)
.summary("the health check of {service}'s container fails")
.explanation("the container runs, and the check that docker runs in it fails")
.depth(Depth::Effect)
.fixes(&[&READ_LOG, &RESTART]);

/// It runs and listens, and not where the registry says.
pub static LISTENS_ELSEWHERE: Cause = Cause::new("LISTENS-ELSEWHERE", All(&[Clue::Unhealthy, Clue::ListensElsewhere]))
    .summary("{service} listens elsewhere than on port {port}")
    .explanation(
        "its processes listen on another port, address or socket: its configuration differs from the registry. A \
         restart does not change that",
    )
    .depth(Depth::Effect)
    .fixes(&[
        &Fix::new("see where it listens", Risk::ReadOnly, Remedy::Command(&["ss", "-Hlntxp"])),
        &Fix::new(
            "make configuration and registry match",
            Risk::Disruptive,
            Remedy::Manual(
                "set port {port} in its configuration and restart it. If the new port is intended, change it in the \
                 registry and in the clients",
            ),
        ),
    ]);

/// It runs and says nothing.
pub static NO_ANSWER: Cause = Cause::new(
    "NO-ANSWER",
    All(&[
        Clue::Unhealthy,
        Clue::State(&[State::Running, State::Starting, State::Partial, State::Unmanaged, State::Completed]),
        Clue::Reply(Heard::Silence),
    ]),
)
.summary("{service} does not answer")
.explanation("its port gives no answer: it hangs, is still starting, or nothing listens there")
.depth(Depth::Effect)
.fixes(&[&RESTART, &READ_LOG]);

/// It answers, and not as it should.
pub static BAD_ANSWER: Cause = Cause::new("BAD-ANSWER", All(&[Clue::Unhealthy, Clue::Reply(Heard::Bad)]))
    .summary("{service} runs, but its answer fails the probe")
    .explanation("something answers on its port, and the answer means that the service does not work")
    .depth(Depth::Effect)
    .fixes(&[&READ_LOG, &RESTART]);

/// Where the space of a full file system went.
pub static WHERE_SPACE_WENT: Fix =
    Fix::new("find what uses the space", Risk::ReadOnly, Remedy::Command(&["du", "-xahd1", "{mount}"]));

/// The procedure that frees what nobody misses.
pub static FREE_SPACE: Fix = Fix::new(
    "free reclaimable space, the safest first",
    Risk::Destructive,
    Remedy::Manual("opsctl run make-room --on {mount}; it never removes volumes, databases or backups"),
);

/// A file system at its failure bound.
pub static DISK_FULL: Cause = disk_full(
    &[&NO_SPACE],
    &[
        &Fix::new(
            "shrink the journal to 500 MB (old log lines are lost)",
            Risk::Destructive,
            Remedy::Command(&["journalctl", "--vacuum-size=500M"]),
        )
        .frees(&["/var/log/journal"]),
        &FREE_SPACE,
        &WHERE_SPACE_WENT,
    ],
);

/// The same, with what follows from it and what to do about it in one deployment.
///
/// ```
/// # use opsctl::registry::*;
/// static EMPTY: Fix = Fix::new("empty the cache", Risk::Safe, Remedy::Command(&["rm", "-rf", "/srv/shop/cache"]));
/// static DISK_FULL: Cause = usual::disk_full(&[], &[&EMPTY]);
/// ```
pub const fn disk_full(explains: &'static [&'static Cause], fixes: &'static [&'static Fix]) -> Cause {
    Cause::new("DISK-FULL", Clue::Disk(Verdict::Fail))
        .summary("a file system is full")
        .explanation("writes to it fail; never remove volumes, databases or backups to free space")
        .about(About::Host)
        .explains(explains)
        .fixes(fixes)
}

/// A file system at its warning bound.
pub static DISK_FILLING: Cause = Cause::new("DISK-FILLING", Clue::Disk(Verdict::Warn))
    .summary("a file system is nearly full")
    .explanation("usage is above the runbook's warning threshold")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&WHERE_SPACE_WENT, &FREE_SPACE]);

/// All inodes of a file system are used.
pub static INODES_FULL: Cause = inodes_full(&[&NO_SPACE]);

/// The same, with what follows from it in one deployment.
///
/// ```
/// # use opsctl::registry::*;
/// static INODES_FULL: Cause = usual::inodes_full(&[&usual::NO_SPACE]);
/// ```
pub const fn inodes_full(explains: &'static [&'static Cause]) -> Cause {
    Cause::new("INODES-FULL", Clue::Inodes(Verdict::Fail))
        .summary("a file system has no inodes left")
        .explanation("no file can be created although there is space: a directory holds very many small files")
        .about(About::Host)
        .explains(explains)
        .fixes(MANY_FILES)
}

const MANY_FILES: &[&Fix] = &[&Fix::new(
    "find the directory with so many files",
    Risk::ReadOnly,
    Remedy::Command(&["du", "-x", "--inodes", "-d2", "{mount}"]),
)];

/// Inodes at the warning bound.
pub static INODES_FILLING: Cause = Cause::new("INODES-FILLING", Clue::Inodes(Verdict::Warn))
    .summary("a file system is running out of inodes")
    .explanation("usage is above the runbook's warning threshold")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "find the directory with so many files",
        Risk::ReadOnly,
        Remedy::Command(&["du", "-x", "--inodes", "-d2", "{mount}"]),
    )]);

static WHO_HAS_MEMORY: Fix = Fix::new(
    "see which processes use it",
    Risk::ReadOnly,
    Remedy::Command(&["ps", "-eo", "rss,pid,user,comm", "--sort=-rss"]),
);

/// Memory at its failure bound.
pub static MEMORY_LOW: Cause = Cause::new("MEMORY-LOW", Clue::Memory(Verdict::Fail))
    .summary("the host is almost out of memory")
    .explanation("the kernel will soon kill processes, and not always those that use most")
    .about(About::Host)
    .explains(&[&OUT_OF_MEMORY])
    .fixes(&[&WHO_HAS_MEMORY]);

/// Memory at its warning bound.
pub static MEMORY_FILLING: Cause = Cause::new("MEMORY-FILLING", Clue::Memory(Verdict::Warn))
    .summary("the host is low on memory")
    .explanation("usage is above the warning threshold")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&WHO_HAS_MEMORY]);

/// The kernel ended processes for want of memory.
pub static OOM_KILLS: Cause = Cause::new("OOM-KILLS", Clue::OomKills)
    .summary("the kernel OOM-killed processes in the last 24 hours")
    .explanation(
        "the host, or a container or unit with a limit, ran out; the manager restarted what was killed, or it is down",
    )
    .about(About::Host)
    .verdict(Verdict::Warn)
    .explains(&[&OUT_OF_MEMORY])
    .fixes(&[&WHO_HAS_MEMORY]);

/// More to do than processors.
pub static LOAD_HIGH: Cause = Cause::new("LOAD-HIGH", Clue::Load)
    .summary("the host is overloaded: more work than its processors can do")
    .explanation("everything answers late; processes that wait for a slow disk also count")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "see which processes are busy",
        Risk::ReadOnly,
        Remedy::Command(&["ps", "-eo", "pcpu,pid,user,stat,comm", "--sort=-pcpu"]),
    )]);

/// The clock is not kept in step.
pub static CLOCK_ADRIFT: Cause = Cause::new("CLOCK-ADRIFT", Clue::ClockAdrift)
    .summary("the clock is not synchronized with any time server")
    .explanation("a wrong clock breaks certificates, tokens and signatures, and the names and ages of backups")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "find the time service, and enable it",
        Risk::Safe,
        Remedy::Command(&["timedatectl", "set-ntp", "true"]),
    )]);

/// Units that no service of the registry is have failed. How grave that is, each deployment decides.
pub static UNIT_FAILED: Cause = unit_failed();

/// The same, for a deployment that changes something of it: `usual::unit_failed().severity(&P3)`.
///
/// ```
/// # use opsctl::registry::*;
/// # static LATER: Level = Level::new("P3");
/// static UNIT_FAILED: Cause = usual::unit_failed().severity(&LATER);
/// ```
pub const fn unit_failed() -> Cause {
    Cause::new("UNIT-FAILED", Clue::FailedUnits)
        .summary("units outside of the registry have failed")
        .explanation("a job, timer or mount that the runbook does not list ended with an error")
        .about(About::Host)
        .fixes(LIST_FAILED)
}

const LIST_FAILED: &[&Fix] = &[
    &Fix::new("see why", Risk::ReadOnly, Remedy::Command(&["systemctl", "status", "--no-pager", "--", "{unit}"])),
    &UNIT_LINES,
    &Fix::new("list all failed units", Risk::ReadOnly, Remedy::Command(&["systemctl", "--failed"])),
];

static UNIT_LINES: Fix = Fix::new(
    "read its last lines",
    Risk::ReadOnly,
    Remedy::Command(&["journalctl", "--no-pager", "-u", "{unit}", "-n", "50"]),
);

/// Units that no service of the registry is end again and again.
pub static UNIT_LOOPING: Cause = unit_looping();

/// The same, for a deployment that changes something of it: `usual::unit_looping().severity(&P3)`.
///
/// ```
/// # use opsctl::registry::*;
/// # static LATER: Level = Level::new("P3");
/// static UNIT_LOOPING: Cause = usual::unit_looping().severity(&LATER);
/// ```
pub const fn unit_looping() -> Cause {
    Cause::new("UNIT-LOOPING", Clue::LoopingUnits)
        .summary("units outside of the registry are in a crash loop")
        .explanation("systemd reports such a unit as active or starting, so systemctl --failed does not list it")
        .about(About::Host)
        .fixes(LIST_LOOPING)
}

const LIST_LOOPING: &[&Fix] = &[
    &UNIT_LINES,
    &Fix::new(
        "see how often it was restarted",
        Risk::ReadOnly,
        Remedy::Command(&["systemctl", "show", "-p", "NRestarts,Result,ExecMainStatus", "{unit}"]),
    ),
    &Fix::new(
        "see which were restarted, and why",
        Risk::ReadOnly,
        Remedy::Command(&["journalctl", "--since=-1h", "_PID=1", "--grep=restart counter is at"]),
    ),
];

/// The docker engine does not run, although containers belong to the deployment.
pub static ENGINE_DOWN: Cause = Cause::new("ENGINE-DOWN", Clue::EngineDown)
    .summary("the docker engine does not run")
    .explanation("every container of the deployment is down with it, or runs unsupervised (live-restore)")
    .about(About::Host)
    .explains(&[&NO_ANSWER, &BAD_ANSWER, &STOPPED])
    .fixes(&[&Fix::new("start it", Risk::Safe, Remedy::Command(&["systemctl", "start", "docker.service"]))]);

/// The pm2 daemon of an application does not run.
pub static PM_DOWN: Cause = Cause::new("PM2-DOWN", Clue::PmDown)
    .summary("the pm2 daemon does not run")
    .explanation("all its applications are down; after a reboot, pm2 startup or pm2 save is missing")
    .about(About::Host)
    .explains(&[&STOPPED, &NO_ANSWER, &NOT_FOUND])
    .fixes(&[&Fix::new(
        "start it with its saved applications",
        Risk::Safe,
        Remedy::Manual(
            "as the user of the daemon: pm2 resurrect; once it is healthy: pm2 save, and pm2 startup as \
         root",
        ),
    )]);

/// The newest verified copy of a set is older than what may be lost.
pub static BACKUP_OVERDUE: Cause = Cause::new("BACKUP-OVERDUE", Clue::Backup(Lapse::Overdue))
    .summary("a backup is too old or missing")
    .explanation("losing the live data now would lose more than agreed; no later run made a verified copy")
    .about(About::Host)
    .fixes(&[&BACK_UP]);

/// The last run of a set failed.
pub static BACKUP_FAILED: Cause = Cause::new("BACKUP-FAILED", Clue::Backup(Lapse::Failed))
    .summary("the last backup failed")
    .explanation("the previous verified copy is still recent enough; opsctl prunes nothing until a run succeeds")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&BACK_UP]);

static BACK_UP: Fix = Fix::new(
    "make one now, and fix what it reports",
    Risk::Safe,
    Remedy::Manual(
        "opsctl backup with the named sets; fix what it reports. If it succeeds, find why cron did not run it, or \
         where its mail went",
    ),
);

/// A certificate has ended.
pub static CERTIFICATE_EXPIRED: Cause = Cause::new("CERTIFICATE-EXPIRED", Clue::Certificate(Flaw::Expired))
    .summary("a certificate has expired")
    .explanation("clients refuse the host; its renewal failed")
    .about(About::Host)
    .fixes(&[&RENEWAL]);

/// A certificate is not valid yet.
pub static CERTIFICATE_EARLY: Cause = Cause::new("CERTIFICATE-EARLY", Clue::Certificate(Flaw::Early))
    .summary("a certificate is not valid yet")
    .explanation("the clock of this host or of the issuer is wrong, or a certificate was installed too soon")
    .about(About::Host)
    .fixes(&[&Fix::new(
        "compare the clock with a time server",
        Risk::ReadOnly,
        Remedy::Command(&["timedatectl", "status"]),
    )]);

/// A certificate is for another host.
pub static CERTIFICATE_NAME: Cause = Cause::new("CERTIFICATE-NAME", Clue::Certificate(Flaw::OtherName))
    .summary("a certificate is for another name than its host")
    .explanation("the edge has none for this host and shows another one")
    .about(About::Host)
    .fixes(&[&RENEWAL]);

/// A certificate ends soon.
pub static CERTIFICATE_ENDING: Cause = Cause::new("CERTIFICATE-ENDING", Clue::Certificate(Flaw::Ending))
    .summary("a certificate expires soon")
    .explanation("its automatic renewal should have run by now")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&RENEWAL]);

static RENEWAL: Fix = Fix::new(
    "find why it was not renewed",
    Risk::ReadOnly,
    Remedy::Manual(
        "read the renewal messages (opsctl logs of the edge; certbot certificates): port 80 closed, the name \
         pointing elsewhere, a rate limit, or no permission to write; then reload the edge",
    ),
);

/// The edge shows no certificate at all, although it runs. `proof` is what proves that, and that the edge runs.
///
/// ```
/// # use opsctl::registry::*;
/// static TLS_SILENT: Cause = usual::tls_silent(Clue::Port(443, Listening::Nobody));
/// ```
pub const fn tls_silent(proof: Clue) -> Cause {
    Cause::new("TLS-SILENT", proof)
        .summary("no certificate is shown")
        .explanation("nothing listens on the TLS port, or the listener speaks no TLS")
        .about(About::Host)
        .depth(Depth::Effect)
        .fixes(LIST_LISTENERS)
}

const LIST_LISTENERS: &[&Fix] =
    &[&Fix::new("see which process listens there", Risk::ReadOnly, Remedy::Command(&["ss", "-Hltnp", "sport = :443"]))];
