//! What goes wrong on any host: causes that all deployments share, as groups for [`Failure::new`](super::Failure::new).
//!
//! [`SERVICE`] is looked for with every service, whatever manages it, so that a crash loop of any service is named; the other
//! groups are about the host. They are written once and reported under each deployment's own name (`PRIM-CRASH-LOOP`).
//! [`FAILURES`] are those of a deployment that states none of its own.

mod containers;
mod data;
mod drift;
mod failures;
mod footing;
mod reasons;
mod removed;
mod slow;
mod unattended;
mod unmanaged;
mod values;

pub use containers::*;
pub use data::*;
pub use drift::*;
pub use failures::*;
pub use footing::*;
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
    "mend what its log names, then start it",
    Risk::Disruptive,
    Remedy::Manual("opsctl logs {service} -n 100 shows why it ends; mend that first, then opsctl restart {service}"),
);
static READ_LOG: Fix = Fix::new(
    "find out why, in its log",
    Risk::ReadOnly,
    Remedy::Command(&["opsctl", "logs", "{service}", "-n", "100"]),
);

/// The unit's or container's env file does not exist.
pub static ENV_FILE_MISSING: Cause = Cause::new("ENV-FILE-MISSING", Clue::Env(EnvClue::FileMissing))
    .summary("the env file of {service} is missing")
    .explanation(
        "without it systemd refuses the start (Result=resources), and what runs still will not come back after a \
         restart",
    )
    .explains(&[&STOPPED])
    .fixes(&[&Fix::new(
        "put the env file back",
        Risk::Safe,
        Remedy::Manual(
            "bring {env} back from the last backup or its template, with its owner and mode; then opsctl restart \
             {service}. opsctl never makes one up",
        ),
    )]);

/// A key without which the service does not work is not set.
pub static ENV_KEY_MISSING: Cause =
    Cause::new("ENV-KEY-MISSING", All(&[Clue::Unwell, Clue::Env(EnvClue::KeysMissing(&[]))]))
        .summary("a required key is not set in the env file of {service}")
        .explanation("the service is down, and its env file lacks keys that it does not work without")
        .fixes(&[&Fix::new(
            "set the missing keys",
            Risk::Safe,
            Remedy::Manual("set them in {env}; then opsctl restart {service}"),
        )]);

/// systemd could not execute `ExecStart=` (systemd.exec(5): 203).
pub static PROGRAM_MISSING: Cause =
    Cause::new("PROGRAM-MISSING", All(&[Clue::Unwell, Clue::Ended(Ending::Exit(&[203]))]))
        .summary("the program of {service} cannot be executed")
        .explanation(
            "systemd ended with 203/EXEC: the file that ExecStart= names is missing, not executable, or made for \
             another machine",
        )
        .fixes(&[&Fix::new(
            "see which program is meant, and bring it back",
            Risk::ReadOnly,
            Remedy::Command(&["systemctl", "cat", "{unit}"]),
        )]);

/// `User=` or `Group=` does not exist (systemd.exec(5): 216, 217).
pub static USER_MISSING: Cause =
    Cause::new("USER-MISSING", All(&[Clue::Unwell, Clue::Ended(Ending::Exit(&[216, 217]))]))
        .summary("the user or group that {service} runs as does not exist")
        .explanation("systemd ended with 216/GROUP or 217/USER before the program was started")
        .explains(&[&RUNS_AS_ANOTHER])
        .fixes(&[&Fix::new(
            "see which user is meant, and add it",
            Risk::ReadOnly,
            Remedy::Command(&["systemctl", "cat", "{unit}"]),
        )]);

/// `WorkingDirectory=` does not exist (systemd.exec(5): 200).
pub static DIRECTORY_MISSING: Cause =
    Cause::new("DIRECTORY-MISSING", All(&[Clue::Unwell, Clue::Ended(Ending::Exit(&[200]))]))
        .summary("the working directory of {service} is missing")
        .explanation("systemd ended with 200/CHDIR before the program was started")
        .explains(&[&RUNS_AS_ANOTHER])
        .fixes(&[&Fix::new(
            "see which directory is meant, and bring it back",
            Risk::ReadOnly,
            Remedy::Command(&["systemctl", "cat", "{unit}"]),
        )]);

/// Another process listens where the service should.
pub static PORT_TAKEN: Cause = Cause::new("PORT-TAKEN", All(&[Clue::Unwell, Clue::PortTaken]))
    .summary("{service} cannot listen: port {port} is in use by {thing}")
    .explanation(
        "another program answers in its place. Whoever holds the port may serve the public: it is for its owner to \
         move or stop",
    )
    .explains(&[&STOPPED])
    .fixes(PORT_TAKEN_BY);

/// What to do about each holder of a port. None of it ends the holder: who that is decides who may.
const PORT_TAKEN_BY: &[&Fix] = &[
    &Fix::new(
        "another service here holds it: compare the ports of both",
        Risk::Disruptive,
        Remedy::Manual(
            "one of the two has the other's port: compare the port in {env} and in the unit or compose file of both, \
             correct the one that differs from opsctl get services -o wide, then opsctl restart that one",
        ),
    )
    .against(Holding::Service),
    &Fix::new(
        "another unit holds it: decide which of the two is in use",
        Risk::Disruptive,
        Remedy::Manual(
            "systemctl status of that unit shows what it serves. If it serves the public in place of {service}, let \
             {service} stay off (systemctl disable {unit}); if not, give it another port in its own configuration",
        ),
    )
    .against(Holding::Unit),
    &Fix::new(
        "a container publishes it: publish another port there",
        Risk::Disruptive,
        Remedy::Manual(
            "docker ps --filter publish={port} names the container; correct ports: in its compose file and make it \
             anew there; then opsctl restart {service}",
        ),
    )
    .against(Holding::Container),
    &Fix::new(
        "somebody started it by hand: have it ended in its session",
        Risk::Disruptive,
        Remedy::Manual(
            "loginctl session-status shows whose session it is; a second copy of {service} is ended there with \
             Ctrl-C; then opsctl restart {service}",
        ),
    )
    .against(Holding::Session),
    &Fix::new(
        "nothing says who started it: ask its owner to move it",
        Risk::Disruptive,
        Remedy::Manual(
            "ss -Hltnp 'sport = :{port}' and ps -o user,lstart,args show whose it is and since when; once its owner has \
             moved it, opsctl restart {service}",
        ),
    )
    .against(Holding::Unknown),
    &Fix::new("see whose it is", Risk::ReadOnly, Remedy::Command(&["ss", "-Hltnp", "sport = :{port}"])),
];

/// The kernel, or the memory limit of its unit or container, ended it.
pub static OUT_OF_MEMORY: Cause = Cause::new("OUT-OF-MEMORY", All(&[Clue::Unwell, Clue::Ended(Ending::OutOfMemory)]))
    .summary("{service} was killed for want of memory")
    .explanation("it ran into the memory limit of its unit or container, or the host had none left")
    .fixes(&[&RESTART, &READ_LOG]);

/// The service says itself that it cannot write.
pub static NO_SPACE: Cause = Cause::new(
    "NO-SPACE",
    All(&[
        Clue::Unwell,
        Clue::Said(r"(?i)ENOSPC|no space left on device|disk quota exceeded|database or disk is full", Window::Run),
    ]),
)
.summary("{service} cannot write: no space is left for it")
.explanation("its own log says so; a full file system, all inodes used, or a quota")
.fixes(&[&Fix::new(
    "make room, then restart {service}",
    Risk::Disruptive,
    Remedy::Manual("see where the space went (opsctl diagnose disk-full), make room, then opsctl restart {service}"),
)]);

/// The unit is masked.
pub static MASKED: Cause = Cause::new("MASKED", Clue::State(&[State::Masked]))
    .summary("{service} is masked: it cannot be started")
    .explanation("somebody made sure that it does not start (systemctl mask); that may have been on purpose")
    .fixes(&[&Fix::new(
        "unmask and start it, if it is wanted",
        Risk::Safe,
        Remedy::Manual(
            "systemctl unmask {unit} (with --runtime where it is masked until the next boot); then opsctl start {service}",
        ),
    )]);

/// A `Condition…=` or `Assert…=` of the unit does not hold.
pub static CONDITION: Cause = Cause::new("CONDITION", Clue::State(&[State::Skipped]))
    .summary("{service} was not started: a condition of its unit does not hold")
    .explanation("systemd skips such a start and calls it a success")
    .fixes(&[&Fix::new(
        "see which condition it was",
        Risk::ReadOnly,
        Remedy::Command(&["systemctl", "status", "{unit}"]),
    )]);

/// Its manager knows no such unit, container or application.
pub static NOT_FOUND: Cause = Cause::new("NOT-FOUND", Clue::State(&[State::NotFound]))
    .summary("{service} is not there: its manager knows no {unit}")
    .explanation("the unit file, container or application was removed, or never installed")
    .fixes(&[&Fix::new(
        "install it again",
        Risk::Disruptive,
        Remedy::Manual("bring back its unit file, or create its container or application from the deployment's files"),
    )]);

/// A container that is halted in memory.
pub static PAUSED: Cause = Cause::new("PAUSED", Clue::State(&[State::Paused]))
    .summary("{service} is paused")
    .explanation("its processes are halted in memory; connections hang rather than fail")
    .fixes(&[&Fix::new("let it go on", Risk::Safe, Remedy::Command(&["docker", "unpause", "{unit}"]))]);

/// It was stopped, or ended by itself without an error.
pub static STOPPED: Cause = Cause::new("STOPPED", Clue::State(&[State::Stopped]))
    .summary("{service} is stopped")
    .explanation(
        "it does not run and nothing says that it failed: it was stopped on purpose, ended by itself, or was not \
         started at boot",
    )
    .fixes(&[&START]);

/// systemd runs another unit file than the one on disk.
pub static RELOAD_NEEDED: Cause = Cause::new("RELOAD-NEEDED", Clue::ReloadNeeded)
    .summary("the unit file of {service} changed on disk, and systemd still has the old one")
    .explanation("a restart now would run the old one")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "let systemd read its unit files again",
        Risk::Safe,
        Remedy::Command(&["systemctl", "daemon-reload"]),
    )]);

/// More memory than the runbook wants to see.
pub static MEMORY_HIGH: Cause = Cause::new("MEMORY-HIGH", Clue::MemoryHigh)
    .summary("{service} uses more memory than its alarm bound")
    .explanation("it leaks, or has more to do than it was sized for; the manager ends it at its limit")
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
.summary("{service} was started too often, and systemd has given up on it")
.explanation("it stays down until somebody starts it; why it ended each time stands in its log")
.depth(Depth::Effect)
.fixes(&[&READ_LOG, &RESTART, &MEND_FIRST]);

/// It ends again and again, and nothing better is known.
pub static CRASH_LOOP: Cause = Cause::new("CRASH-LOOP", Clue::State(&[State::CrashLoop, State::Restarting]))
    .summary("{service} ends and is started again, over and over")
    .explanation("no cause that opsctl knows is proven; its last log lines say why it ends")
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
.explanation(
    "systemd killed it when the time of its unit was over (Result=timeout), or it did not report to its watchdog",
)
.depth(Depth::Effect)
.fixes(&[&READ_LOG, &RESTART]);

/// It ended with an error and stays down.
pub static FAILED: Cause = Cause::new("FAILED", Clue::State(&[State::Failed]))
    .summary("{service} ended with an error and stays down")
    .explanation("no cause that opsctl knows is proven; its last log lines say why it ended")
    .depth(Depth::Effect)
    .fixes(&[&READ_LOG, &RESTART, &MEND_FIRST]);

/// The container's own health check fails, and no probe says more.
pub static UNHEALTHY: Cause =
    Cause::new("UNHEALTHY", All(&[Clue::Unwell, Clue::State(&[State::Running, State::Starting]), Clue::Unhealthy]))
        .summary("the health check of {service}'s container fails")
        .explanation("the container runs, and what it is asked by docker fails")
        .depth(Depth::Effect)
        .fixes(&[&READ_LOG, &RESTART]);

/// It runs and listens, and not where the registry says.
pub static LISTENS_ELSEWHERE: Cause = Cause::new("LISTENS-ELSEWHERE", All(&[Clue::Unwell, Clue::ListensElsewhere]))
    .summary("{service} does not listen on port {port}, but elsewhere")
    .explanation(
        "its own processes listen at another port, address or socket: its configuration differs from the registry, and \
         a restart would not change that",
    )
    .depth(Depth::Effect)
    .fixes(&[
        &Fix::new("see where it listens", Risk::ReadOnly, Remedy::Command(&["ss", "-Hlntxp"])),
        &Fix::new(
            "let configuration and registry agree",
            Risk::Disruptive,
            Remedy::Manual(
                "give it back port {port} in its own configuration and restart it, or, where the move is wanted, change \
                 the port in the registry and in what connects to it",
            ),
        ),
    ]);

/// It runs and says nothing.
pub static NO_ANSWER: Cause = Cause::new(
    "NO-ANSWER",
    All(&[
        Clue::Unwell,
        Clue::State(&[State::Running, State::Starting, State::Partial, State::Unmanaged, State::Completed]),
        Clue::Reply(Heard::Silence),
    ]),
)
.summary("{service} runs, but does not answer")
.explanation("its process is there and nothing comes back from its port: it hangs, or is still starting")
.depth(Depth::Effect)
.fixes(&[&RESTART, &READ_LOG]);

/// It answers, and not as it should.
pub static BAD_ANSWER: Cause = Cause::new("BAD-ANSWER", All(&[Clue::Unwell, Clue::Reply(Heard::Bad)]))
    .summary("{service} runs, but does not answer as it should")
    .explanation("something answers on its port, and what it says means that it does not do its work")
    .depth(Depth::Effect)
    .fixes(&[&READ_LOG, &RESTART]);

/// Where the space of a full file system went.
pub static WHERE_SPACE_WENT: Fix =
    Fix::new("find out what takes the space", Risk::ReadOnly, Remedy::Command(&["du", "-xhd1", "{mount}"]));

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
        &WHERE_SPACE_WENT,
    ],
);

/// The same, with what follows from it and what to do about it in one deployment.
pub const fn disk_full(explains: &'static [&'static Cause], fixes: &'static [&'static Fix]) -> Cause {
    Cause::new("DISK-FULL", Clue::Disk(Verdict::Fail))
        .summary("a file system is full")
        .explanation("what writes to it fails; never remove volumes, databases or backups to make room")
        .about(About::Host)
        .explains(explains)
        .fixes(fixes)
}

/// A file system at its warning bound.
pub static DISK_FILLING: Cause = Cause::new("DISK-FILLING", Clue::Disk(Verdict::Warn))
    .summary("a file system fills up")
    .explanation("above the bound at which the runbook wants somebody to look")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&WHERE_SPACE_WENT]);

/// All inodes of a file system are used.
pub static INODES_FULL: Cause = inodes_full(&[&NO_SPACE]);

/// The same, with what follows from it in one deployment.
pub const fn inodes_full(explains: &'static [&'static Cause]) -> Cause {
    Cause::new("INODES-FULL", Clue::Inodes(Verdict::Fail))
        .summary("a file system has no inodes left")
        .explanation("nothing new can be made on it although there is space: very many small files are somewhere")
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
    .summary("the inodes of a file system run out")
    .explanation("above the bound at which the runbook wants somebody to look")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "find the directory with so many files",
        Risk::ReadOnly,
        Remedy::Command(&["du", "-x", "--inodes", "-d2", "{mount}"]),
    )]);

static WHO_HAS_MEMORY: Fix =
    Fix::new("see who uses it", Risk::ReadOnly, Remedy::Command(&["ps", "-eo", "rss,pid,user,comm", "--sort=-rss"]));

/// Memory at its failure bound.
pub static MEMORY_LOW: Cause = Cause::new("MEMORY-LOW", Clue::Memory(Verdict::Fail))
    .summary("the host has hardly any memory left")
    .explanation("the kernel will soon end processes, not always those that use most")
    .about(About::Host)
    .explains(&[&OUT_OF_MEMORY])
    .fixes(&[&WHO_HAS_MEMORY]);

/// Memory at its warning bound.
pub static MEMORY_FILLING: Cause = Cause::new("MEMORY-FILLING", Clue::Memory(Verdict::Warn))
    .summary("the memory of the host runs short")
    .explanation("above the bound at which somebody should look")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&WHO_HAS_MEMORY]);

/// The kernel ended processes for want of memory.
pub static OOM_KILLS: Cause = Cause::new("OOM-KILLS", Clue::OomKills)
    .summary("the kernel killed processes for want of memory in the last 24 hours")
    .explanation(
        "the host, or a container or unit with a limit, had none left; what was killed is restarted by its manager or \
         is down",
    )
    .about(About::Host)
    .verdict(Verdict::Warn)
    .explains(&[&OUT_OF_MEMORY])
    .fixes(&[&WHO_HAS_MEMORY]);

/// More to do than processors.
pub static LOAD_HIGH: Cause = Cause::new("LOAD-HIGH", Clue::Load)
    .summary("the host has more to do than its processors can take")
    .explanation("everything answers late; processes that wait for a slow disk count as well")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "see who is busy",
        Risk::ReadOnly,
        Remedy::Command(&["ps", "-eo", "pcpu,pid,user,stat,comm", "--sort=-pcpu"]),
    )]);

/// The clock is not kept in step.
pub static CLOCK_ADRIFT: Cause = Cause::new("CLOCK-ADRIFT", Clue::ClockAdrift)
    .summary("the clock is not kept in step with any time server")
    .explanation("certificates, tokens and signatures are refused when it is off; names and ages of backups go wrong")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "see what keeps the time, and switch it on",
        Risk::Safe,
        Remedy::Command(&["timedatectl", "set-ntp", "true"]),
    )]);

/// Units that no service of the registry is have failed. How grave that is, each deployment decides.
pub static UNIT_FAILED: Cause = unit_failed();

/// The same, for a deployment that changes something of it: `usual::unit_failed().severity(&P3)`.
pub const fn unit_failed() -> Cause {
    Cause::new("UNIT-FAILED", Clue::FailedUnits)
        .summary("units outside of the registry have failed")
        .explanation(
            "something that the runbook does not know was started and ended with an error: a job, a timer, a mount",
        )
        .about(About::Host)
        .fixes(LIST_FAILED)
}

const LIST_FAILED: &[&Fix] = &[
    &Fix::new("see why", Risk::ReadOnly, Remedy::Command(&["systemctl", "status", "--no-pager", "--", "{unit}"])),
    &UNIT_LINES,
    &Fix::new("see all that failed", Risk::ReadOnly, Remedy::Command(&["systemctl", "--failed"])),
];

static UNIT_LINES: Fix = Fix::new(
    "read its last lines",
    Risk::ReadOnly,
    Remedy::Command(&["journalctl", "--no-pager", "-u", "{unit}", "-n", "50"]),
);

/// Units that no service of the registry is end again and again.
pub static UNIT_LOOPING: Cause = unit_looping();

/// The same, for a deployment that changes something of it: `usual::unit_looping().severity(&P3)`.
pub const fn unit_looping() -> Cause {
    Cause::new("UNIT-LOOPING", Clue::LoopingUnits)
        .summary("units outside of the registry end and are started again, over and over")
        .explanation("systemd counts such a unit as active or starting, so that it stands in no list of failed ones")
        .about(About::Host)
        .fixes(LIST_LOOPING)
}

const LIST_LOOPING: &[&Fix] = &[
    &UNIT_LINES,
    &Fix::new(
        "see how often it was started again",
        Risk::ReadOnly,
        Remedy::Command(&["systemctl", "show", "-p", "NRestarts,Result,ExecMainStatus", "{unit}"]),
    ),
    &Fix::new(
        "see which were started again, and why",
        Risk::ReadOnly,
        Remedy::Command(&["journalctl", "--since=-1h", "_PID=1", "--grep=restart counter is at"]),
    ),
];

/// The docker engine does not run, although containers belong to the deployment.
pub static ENGINE_DOWN: Cause = Cause::new("ENGINE-DOWN", Clue::EngineDown)
    .summary("the docker engine does not run")
    .explanation("every container of the deployment is down with it, or runs unwatched (live-restore)")
    .about(About::Host)
    .explains(&[&NO_ANSWER, &BAD_ANSWER, &STOPPED])
    .fixes(&[&Fix::new("start it", Risk::Safe, Remedy::Command(&["systemctl", "start", "docker.service"]))]);

/// The pm2 daemon of an application does not run.
pub static PM_DOWN: Cause = Cause::new("PM2-DOWN", Clue::PmDown)
    .summary("the pm2 daemon does not run")
    .explanation(
        "every application under it is down; after a reboot that means that pm2 startup and pm2 save were not done",
    )
    .about(About::Host)
    .explains(&[&STOPPED, &NO_ANSWER, &NOT_FOUND])
    .fixes(&[&Fix::new(
        "bring it back with what it ran before",
        Risk::Safe,
        Remedy::Manual("as the user of the daemon: pm2 resurrect; once it is well: pm2 save, and pm2 startup as root"),
    )]);

/// The newest verified copy of a set is older than what may be lost.
pub static BACKUP_OVERDUE: Cause = Cause::new("BACKUP-OVERDUE", Clue::Backup(Lapse::Overdue))
    .summary("a backup is older than may be, or there is none")
    .explanation(
        "if the live data is lost now, more is lost with it than was agreed; no run since has come to a verified copy",
    )
    .about(About::Host)
    .fixes(&[&BACK_UP]);

/// The last run of a set failed.
pub static BACKUP_FAILED: Cause = Cause::new("BACKUP-FAILED", Clue::Backup(Lapse::Failed))
    .summary("the last backup failed")
    .explanation(
        "the verified copy before it is still recent enough; the next run has to succeed, and nothing is pruned until \
         one does",
    )
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&BACK_UP]);

static BACK_UP: Fix = Fix::new(
    "make one now, and mend what it says",
    Risk::Safe,
    Remedy::Manual(
        "opsctl backup, with the sets that are named, and what it says comes first; where it succeeds, see why cron \
         did not run it, or where its mail went",
    ),
);

/// A certificate has ended.
pub static CERTIFICATE_EXPIRED: Cause = Cause::new("CERTIFICATE-EXPIRED", Clue::Certificate(Flaw::Expired))
    .summary("a certificate has expired")
    .explanation("clients refuse the host; the renewal that should have come before has failed")
    .about(About::Host)
    .fixes(&[&RENEWAL]);

/// A certificate is not valid yet.
pub static CERTIFICATE_EARLY: Cause = Cause::new("CERTIFICATE-EARLY", Clue::Certificate(Flaw::Early))
    .summary("a certificate is not valid yet")
    .explanation("the clock of this host or of the issuer is wrong, or a certificate was put in place too soon")
    .about(About::Host)
    .fixes(&[&Fix::new(
        "compare the clock with a time server",
        Risk::ReadOnly,
        Remedy::Command(&["timedatectl", "status"]),
    )]);

/// A certificate is for another host.
pub static CERTIFICATE_NAME: Cause = Cause::new("CERTIFICATE-NAME", Clue::Certificate(Flaw::OtherName))
    .summary("a certificate is for another name than its host")
    .explanation("the edge has none for this host and shows one that it has")
    .about(About::Host)
    .fixes(&[&RENEWAL]);

/// A certificate ends soon.
pub static CERTIFICATE_ENDING: Cause = Cause::new("CERTIFICATE-ENDING", Clue::Certificate(Flaw::Ending))
    .summary("a certificate ends soon")
    .explanation("it should have been renewed by itself by now")
    .about(About::Host)
    .verdict(Verdict::Warn)
    .fixes(&[&RENEWAL]);

static RENEWAL: Fix = Fix::new(
    "find out why it was not renewed",
    Risk::ReadOnly,
    Remedy::Manual(
        "read what the edge or certbot says of the renewal (opsctl logs of the edge; certbot certificates): port 80 \
         closed, the name pointing elsewhere, a rate limit, or no right to write; then reload the edge",
    ),
);

/// The edge shows no certificate at all, although it runs. `proof` is what proves that, and that the edge runs.
pub const fn tls_silent(proof: Clue) -> Cause {
    Cause::new("TLS-SILENT", proof)
        .summary("no certificate is shown")
        .explanation("nobody listens on the TLS port, or what listens there speaks no TLS")
        .about(About::Host)
        .depth(Depth::Effect)
        .fixes(LIST_LISTENERS)
}

const LIST_LISTENERS: &[&Fix] =
    &[&Fix::new("see who listens there", Risk::ReadOnly, Remedy::Command(&["ss", "-Hltnp", "sport = :443"]))];
