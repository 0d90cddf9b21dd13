//! What goes wrong anywhere: causes that every deployment shares, as groups to be listed by its failures.
//!
//! [`SERVICE`] is looked for with every service, whoever manages it, so that a crash loop of any service is named; the other
//! groups are about the host. Written once, told under each deployment's own name (`PRIM-CRASH-LOOP`).

mod failures;

pub use failures::*;

use super::{
    About, Cause, Clue, Depth, Ending, EnvClue, Fix, Flaw, Heard, Lapse, Remedy, Risk, State, Verdict, Window,
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

static RESTART: Fix = Fix { title: "restart {service}", risk: Risk::Disruptive, remedy: Remedy::Restart };
static START: Fix = Fix { title: "start {service}", risk: Risk::Safe, remedy: Remedy::Start };
static READ_LOG: Fix = Fix {
    title: "find out why, in its log",
    risk: Risk::ReadOnly,
    remedy: Remedy::Command(&["opsctl", "logs", "{service}", "-n", "100"]),
};

/// The unit's or container's env file does not exist.
pub static ENV_FILE_MISSING: Cause = Cause {
    explains: &[&STOPPED],
    ..Cause::new(
        "ENV-FILE-MISSING",
        "the env file of {service} is missing",
        "without it systemd refuses the start (Result=resources), and what runs still will not come back after a restart",
        Clue::Env(EnvClue::FileMissing),
        &[&Fix {
            title: "put the env file back",
            risk: Risk::Safe,
            remedy: Remedy::Manual(
                "bring {env} back from the last backup or its template, with its owner and mode; then opsctl restart {service}. \
             opsctl never makes one up",
            ),
        }],
    )
};

/// A key without which the service does not work is not set.
pub static ENV_KEY_MISSING: Cause = Cause::new(
    "ENV-KEY-MISSING",
    "a required key is not set in the env file of {service}",
    "the service is down, and its env file lacks keys that it does not work without",
    All(&[Clue::Unwell, Clue::Env(EnvClue::KeysMissing(&[]))]),
    &[&Fix {
        title: "set the missing keys",
        risk: Risk::Safe,
        remedy: Remedy::Manual("set them in {env}; then opsctl restart {service}"),
    }],
);

/// systemd could not execute `ExecStart=` (systemd.exec(5): 203).
pub static PROGRAM_MISSING: Cause = Cause::new(
    "PROGRAM-MISSING",
    "the program of {service} cannot be executed",
    "systemd ended with 203/EXEC: the file that ExecStart= names is missing, not executable, or made for another machine",
    All(&[Clue::Unwell, Clue::Ended(Ending::Exit(&[203]))]),
    &[&Fix {
        title: "see which program is meant, and bring it back",
        risk: Risk::ReadOnly,
        remedy: Remedy::Command(&["systemctl", "cat", "{unit}"]),
    }],
);

/// `User=` or `Group=` does not exist (systemd.exec(5): 216, 217).
pub static USER_MISSING: Cause = Cause::new(
    "USER-MISSING",
    "the user or group that {service} runs as does not exist",
    "systemd ended with 216/GROUP or 217/USER before the program was started",
    All(&[Clue::Unwell, Clue::Ended(Ending::Exit(&[216, 217]))]),
    &[&Fix {
        title: "see which user is meant, and add it",
        risk: Risk::ReadOnly,
        remedy: Remedy::Command(&["systemctl", "cat", "{unit}"]),
    }],
);

/// `WorkingDirectory=` does not exist (systemd.exec(5): 200).
pub static DIRECTORY_MISSING: Cause = Cause::new(
    "DIRECTORY-MISSING",
    "the working directory of {service} is missing",
    "systemd ended with 200/CHDIR before the program was started",
    All(&[Clue::Unwell, Clue::Ended(Ending::Exit(&[200]))]),
    &[&Fix {
        title: "see which directory is meant, and bring it back",
        risk: Risk::ReadOnly,
        remedy: Remedy::Command(&["systemctl", "cat", "{unit}"]),
    }],
);

/// Another process listens where the service should.
pub static PORT_TAKEN: Cause = Cause {
    explains: &[&STOPPED],
    ..Cause::new(
        "PORT-TAKEN",
        "another process holds port {port} of {service}",
        "the service cannot listen, or another program answers in its place; often a second copy that was started by hand",
        All(&[Clue::Unwell, Clue::PortTaken]),
        &[&Fix {
            title: "end the other process, then restart {service}",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "see whose it is (ss -Hltnp 'sport = :{port}'), end it by its process id, then opsctl restart {service}",
            ),
        }],
    )
};

/// The kernel, or the memory limit of its unit or container, ended it.
pub static OUT_OF_MEMORY: Cause = Cause::new(
    "OUT-OF-MEMORY",
    "{service} was killed for want of memory",
    "it ran into the memory limit of its unit or container, or the host had none left",
    All(&[Clue::Unwell, Clue::Ended(Ending::OutOfMemory)]),
    &[&RESTART, &READ_LOG],
);

/// The service says itself that it cannot write.
pub static NO_SPACE: Cause = Cause::new(
    "NO-SPACE",
    "{service} cannot write: no space is left for it",
    "its own log says so; a full file system, all inodes used, or a quota",
    All(&[
        Clue::Unwell,
        Clue::Said(r"(?i)ENOSPC|no space left on device|disk quota exceeded|database or disk is full", Window::Run),
    ]),
    &[&Fix {
        title: "make room, then restart {service}",
        risk: Risk::Disruptive,
        remedy: Remedy::Manual(
            "see where the space went (opsctl diagnose disk-full), make room, then opsctl restart {service}",
        ),
    }],
);

/// The unit is masked.
pub static MASKED: Cause = Cause::new(
    "MASKED",
    "{service} is masked: it cannot be started",
    "somebody made sure that it does not start (systemctl mask); that may have been on purpose",
    Clue::State(&[State::Masked]),
    &[&Fix {
        title: "unmask and start it, if it is wanted",
        risk: Risk::Safe,
        remedy: Remedy::Manual("systemctl unmask {unit}; opsctl start {service}"),
    }],
);

/// A `Condition…=` or `Assert…=` of the unit does not hold.
pub static CONDITION: Cause = Cause::new(
    "CONDITION",
    "{service} was not started: a condition of its unit does not hold",
    "systemd skips such a start and calls it a success",
    Clue::State(&[State::Skipped]),
    &[&Fix {
        title: "see which condition it was",
        risk: Risk::ReadOnly,
        remedy: Remedy::Command(&["systemctl", "status", "{unit}"]),
    }],
);

/// Its manager knows no such unit, container or application.
pub static NOT_FOUND: Cause = Cause::new(
    "NOT-FOUND",
    "{service} is not there: its manager knows no {unit}",
    "the unit file, container or application was removed, or never installed",
    Clue::State(&[State::NotFound]),
    &[&Fix {
        title: "install it again",
        risk: Risk::Disruptive,
        remedy: Remedy::Manual(
            "bring back its unit file, or create its container or application from the deployment's files",
        ),
    }],
);

/// A container that is halted in memory.
pub static PAUSED: Cause = Cause::new(
    "PAUSED",
    "{service} is paused",
    "its processes are halted in memory; connections hang rather than fail",
    Clue::State(&[State::Paused]),
    &[&Fix { title: "let it go on", risk: Risk::Safe, remedy: Remedy::Command(&["docker", "unpause", "{unit}"]) }],
);

/// It was stopped, or ended by itself without an error.
pub static STOPPED: Cause = Cause::new(
    "STOPPED",
    "{service} is stopped",
    "it does not run and nothing says that it failed: it was stopped on purpose, ended by itself, or was not started at boot",
    Clue::State(&[State::Stopped]),
    &[&START],
);

/// systemd runs another unit file than the one on disk.
pub static RELOAD_NEEDED: Cause = Cause {
    verdict: Verdict::Warn,
    ..Cause::new(
        "RELOAD-NEEDED",
        "the unit file of {service} changed on disk, and systemd still has the old one",
        "a restart now would run the old one",
        Clue::ReloadNeeded,
        &[&Fix {
            title: "let systemd read its unit files again",
            risk: Risk::Safe,
            remedy: Remedy::Command(&["systemctl", "daemon-reload"]),
        }],
    )
};

/// More memory than the runbook wants to see.
pub static MEMORY_HIGH: Cause = Cause {
    verdict: Verdict::Warn,
    ..Cause::new(
        "MEMORY-HIGH",
        "{service} uses more memory than its alarm bound",
        "it leaks, or has more to do than it was sized for; the manager ends it at its limit",
        Clue::MemoryHigh,
        &[&READ_LOG, &RESTART],
    )
};

/// systemd has given up on it.
pub static START_LIMIT: Cause = Cause {
    depth: Depth::Effect,
    ..Cause::new(
        "START-LIMIT",
        "{service} was started too often, and systemd has given up on it",
        "it stays down until somebody starts it; why it ended each time stands in its log",
        All(&[
            Clue::State(&[State::Failed]),
            Any(&[
                Clue::Ended(Ending::Result("start-limit-hit")),
                Clue::Said(r"Start request repeated too quickly", Window::Run),
            ]),
        ]),
        &[&READ_LOG, &RESTART],
    )
};

/// It ends again and again, and nothing better is known.
pub static CRASH_LOOP: Cause = Cause {
    depth: Depth::Effect,
    ..Cause::new(
        "CRASH-LOOP",
        "{service} ends and is started again, over and over",
        "no cause that opsctl knows is proven; its last log lines say why it ends",
        Clue::State(&[State::CrashLoop, State::Restarting]),
        &[&READ_LOG, &RESTART],
    )
};

/// It neither came up nor went down within the time of its unit.
pub static START_TIMEOUT: Cause = Cause {
    depth: Depth::Effect,
    ..Cause::new(
        "TIMEOUT",
        "{service} did not start or stop in time",
        "systemd killed it when the time of its unit was over (Result=timeout), or it did not report to its watchdog",
        All(&[
            Clue::State(&[State::Failed]),
            Any(&[Clue::Ended(Ending::Result("timeout")), Clue::Ended(Ending::Result("watchdog"))]),
        ]),
        &[&READ_LOG, &RESTART],
    )
};

/// It ended with an error and stays down.
pub static FAILED: Cause = Cause {
    depth: Depth::Effect,
    ..Cause::new(
        "FAILED",
        "{service} ended with an error and stays down",
        "no cause that opsctl knows is proven; its last log lines say why it ended",
        Clue::State(&[State::Failed]),
        &[&READ_LOG, &RESTART],
    )
};

/// The container's own health check fails, and no probe says more.
pub static UNHEALTHY: Cause = Cause {
    depth: Depth::Effect,
    ..Cause::new(
        "UNHEALTHY",
        "the health check of {service}'s container fails",
        "the container runs, and what it is asked by docker fails",
        All(&[Clue::Unwell, Clue::State(&[State::Running, State::Starting]), Clue::Unhealthy]),
        &[&READ_LOG, &RESTART],
    )
};

/// It runs and says nothing.
pub static NO_ANSWER: Cause = Cause {
    depth: Depth::Effect,
    ..Cause::new(
        "NO-ANSWER",
        "{service} runs, but does not answer",
        "its process is there and nothing comes back from its port: it hangs, is still starting, or listens elsewhere",
        All(&[
            Clue::Unwell,
            Clue::State(&[State::Running, State::Starting, State::Partial, State::Unmanaged, State::Completed]),
            Clue::Reply(Heard::Silence),
        ]),
        &[&RESTART, &READ_LOG],
    )
};

/// It answers, and not as it should.
pub static BAD_ANSWER: Cause = Cause {
    depth: Depth::Effect,
    ..Cause::new(
        "BAD-ANSWER",
        "{service} runs, but does not answer as it should",
        "something answers on its port, and what it says means that it does not do its work",
        All(&[Clue::Unwell, Clue::Reply(Heard::Bad)]),
        &[&READ_LOG, &RESTART],
    )
};

static WHERE_SPACE_WENT: Fix = Fix {
    title: "find out what takes the space",
    risk: Risk::ReadOnly,
    remedy: Remedy::Command(&["du", "-xhd1", "/var", "/opt", "/home"]),
};

/// A file system at its failure bound.
pub static DISK_FULL: Cause = disk_full(
    &[&NO_SPACE],
    &[
        &Fix {
            title: "shrink the journal to 500 MB (old log lines are lost)",
            risk: Risk::Destructive,
            remedy: Remedy::Command(&["journalctl", "--vacuum-size=500M"]),
        },
        &WHERE_SPACE_WENT,
    ],
);

/// The same, with what follows from it and what to do about it in one deployment.
pub const fn disk_full(explains: &'static [&'static Cause], fixes: &'static [&'static Fix]) -> Cause {
    Cause {
        about: About::Host,
        explains,
        ..Cause::new(
            "DISK-FULL",
            "a file system is full",
            "what writes to it fails, journald included; never remove volumes, databases or backups to make room",
            Clue::Disk(Verdict::Fail),
            fixes,
        )
    }
}

/// A file system at its warning bound.
pub static DISK_FILLING: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "DISK-FILLING",
        "a file system fills up",
        "above the bound at which the runbook wants somebody to look",
        Clue::Disk(Verdict::Warn),
        &[&WHERE_SPACE_WENT],
    )
};

/// All inodes of a file system are used.
pub static INODES_FULL: Cause = inodes_full(&[&NO_SPACE]);

/// The same, with what follows from it in one deployment.
pub const fn inodes_full(explains: &'static [&'static Cause]) -> Cause {
    Cause {
        about: About::Host,
        explains,
        ..Cause::new(
            "INODES-FULL",
            "a file system has no inodes left",
            "nothing new can be made on it although there is space: very many small files are somewhere",
            Clue::Inodes(Verdict::Fail),
            MANY_FILES,
        )
    }
}

const MANY_FILES: &[&Fix] = &[&Fix {
    title: "find the directory with so many files",
    risk: Risk::ReadOnly,
    remedy: Remedy::Command(&["du", "-x", "--inodes", "-d2", "/var", "/opt", "/home", "/tmp"]),
}];

/// Inodes at the warning bound.
pub static INODES_FILLING: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "INODES-FILLING",
        "the inodes of a file system run out",
        "above the bound at which the runbook wants somebody to look",
        Clue::Inodes(Verdict::Warn),
        &[&Fix {
            title: "find the directory with so many files",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["du", "-x", "--inodes", "-d2", "/var", "/opt", "/home", "/tmp"]),
        }],
    )
};

static WHO_HAS_MEMORY: Fix = Fix {
    title: "see who uses it",
    risk: Risk::ReadOnly,
    remedy: Remedy::Command(&["ps", "-eo", "rss,pid,user,comm", "--sort=-rss"]),
};

/// Memory at its failure bound.
pub static MEMORY_LOW: Cause = Cause {
    about: About::Host,
    explains: &[&OUT_OF_MEMORY],
    ..Cause::new(
        "MEMORY-LOW",
        "the host has hardly any memory left",
        "the kernel will soon end processes, not always those that use most",
        Clue::Memory(Verdict::Fail),
        &[&WHO_HAS_MEMORY],
    )
};

/// Memory at its warning bound.
pub static MEMORY_FILLING: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "MEMORY-FILLING",
        "the memory of the host runs short",
        "above the bound at which somebody should look",
        Clue::Memory(Verdict::Warn),
        &[&WHO_HAS_MEMORY],
    )
};

/// The kernel ended processes for want of memory.
pub static OOM_KILLS: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    explains: &[&OUT_OF_MEMORY],
    ..Cause::new(
        "OOM-KILLS",
        "the kernel killed processes for want of memory in the last 24 hours",
        "the host, or a container or unit with a limit, had none left; what was killed is restarted by its manager or is down",
        Clue::OomKills,
        &[&WHO_HAS_MEMORY],
    )
};

/// More to do than processors.
pub static LOAD_HIGH: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "LOAD-HIGH",
        "the host has more to do than its processors can take",
        "everything answers late; processes that wait for a slow disk count as well",
        Clue::Load,
        &[&Fix {
            title: "see who is busy",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["ps", "-eo", "pcpu,pid,user,stat,comm", "--sort=-pcpu"]),
        }],
    )
};

/// The clock is not kept in step.
pub static CLOCK_ADRIFT: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "CLOCK-ADRIFT",
        "the clock is not kept in step with any time server",
        "certificates, tokens and signatures are refused when it is off; names and ages of backups go wrong",
        Clue::ClockAdrift,
        &[&Fix {
            title: "see what keeps the time, and switch it on",
            risk: Risk::Safe,
            remedy: Remedy::Command(&["timedatectl", "set-ntp", "true"]),
        }],
    )
};

/// Units that no service of the registry is have failed. How grave that is, each deployment decides.
pub static UNIT_FAILED: Cause = unit_failed();

/// The same, to be changed by record update.
pub const fn unit_failed() -> Cause {
    Cause {
        about: About::Host,
        ..Cause::new(
            "UNIT-FAILED",
            "units outside of the registry have failed",
            "something that the runbook does not know was started and ended with an error: a job, a timer, a mount",
            Clue::FailedUnits,
            &[&Fix { title: "see why", risk: Risk::ReadOnly, remedy: Remedy::Command(&["systemctl", "--failed"]) }],
        )
    }
}

/// Units that no service of the registry is end again and again.
pub static UNIT_LOOPING: Cause = unit_looping();

/// The same, to be changed by record update.
pub const fn unit_looping() -> Cause {
    Cause {
        about: About::Host,
        ..Cause::new(
            "UNIT-LOOPING",
            "units outside of the registry end and are started again, over and over",
            "systemd counts such a unit as starting, so that it stands in no list of failed ones",
            Clue::LoopingUnits,
            &[&Fix {
                title: "see which, and why",
                risk: Risk::ReadOnly,
                remedy: Remedy::Command(&["systemctl", "list-units", "--state=auto-restart"]),
            }],
        )
    }
}

/// The docker engine does not run, although containers belong to the deployment.
pub static ENGINE_DOWN: Cause = Cause {
    about: About::Host,
    explains: &[&NO_ANSWER, &BAD_ANSWER, &STOPPED],
    ..Cause::new(
        "ENGINE-DOWN",
        "the docker engine does not run",
        "every container of the deployment is down with it, or runs unwatched (live-restore)",
        Clue::EngineDown,
        &[&Fix {
            title: "start it",
            risk: Risk::Safe,
            remedy: Remedy::Command(&["systemctl", "start", "docker.service"]),
        }],
    )
};

/// The pm2 daemon of an application does not run.
pub static PM_DOWN: Cause = Cause {
    about: About::Host,
    explains: &[&STOPPED, &NO_ANSWER, &NOT_FOUND],
    ..Cause::new(
        "PM2-DOWN",
        "the pm2 daemon does not run",
        "every application under it is down; after a reboot that means that pm2 startup and pm2 save were not done",
        Clue::PmDown,
        &[&Fix {
            title: "bring it back with what it ran before",
            risk: Risk::Safe,
            remedy: Remedy::Manual(
                "as the user of the daemon: pm2 resurrect; once it is well: pm2 save, and pm2 startup as root",
            ),
        }],
    )
};

/// The newest verified copy of a set is older than what may be lost.
pub static BACKUP_OVERDUE: Cause = Cause {
    about: About::Host,
    ..Cause::new(
        "BACKUP-OVERDUE",
        "a backup is older than may be, or there is none",
        "if the live data is lost now, more is lost with it than was agreed; no run since has come to a verified copy",
        Clue::Backup(Lapse::Overdue),
        &[&BACK_UP],
    )
};

/// The last run of a set failed.
pub static BACKUP_FAILED: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "BACKUP-FAILED",
        "the last backup failed",
        "the verified copy before it is still recent enough; the next run has to succeed, and nothing is pruned until one does",
        Clue::Backup(Lapse::Failed),
        &[&BACK_UP],
    )
};

static BACK_UP: Fix = Fix {
    title: "make one now, and mend what it says",
    risk: Risk::Safe,
    remedy: Remedy::Manual(
        "opsctl backup, with the sets that are named, and what it says comes first; where it succeeds, see why cron did not run \
         it, or where its mail went",
    ),
};

/// A certificate has ended.
pub static CERTIFICATE_EXPIRED: Cause = Cause {
    about: About::Host,
    ..Cause::new(
        "CERTIFICATE-EXPIRED",
        "a certificate has expired",
        "clients refuse the host; the renewal that should have come before has failed",
        Clue::Certificate(Flaw::Expired),
        &[&RENEWAL],
    )
};

/// A certificate is not valid yet.
pub static CERTIFICATE_EARLY: Cause = Cause {
    about: About::Host,
    ..Cause::new(
        "CERTIFICATE-EARLY",
        "a certificate is not valid yet",
        "the clock of this host or of the issuer is wrong, or a certificate was put in place too soon",
        Clue::Certificate(Flaw::Early),
        &[&Fix {
            title: "compare the clock with a time server",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["timedatectl", "status"]),
        }],
    )
};

/// A certificate is for another host.
pub static CERTIFICATE_NAME: Cause = Cause {
    about: About::Host,
    ..Cause::new(
        "CERTIFICATE-NAME",
        "a certificate is for another name than its host",
        "the edge has none for this host and shows one that it has",
        Clue::Certificate(Flaw::OtherName),
        &[&RENEWAL],
    )
};

/// A certificate ends soon.
pub static CERTIFICATE_ENDING: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "CERTIFICATE-ENDING",
        "a certificate ends soon",
        "it should have been renewed by itself by now",
        Clue::Certificate(Flaw::Ending),
        &[&RENEWAL],
    )
};

static RENEWAL: Fix = Fix {
    title: "find out why it was not renewed",
    risk: Risk::ReadOnly,
    remedy: Remedy::Manual(
        "read what the edge or certbot says of the renewal (opsctl logs of the edge; certbot certificates): port 80 closed, \
         the name pointing elsewhere, a rate limit, or no right to write; then reload the edge",
    ),
};

/// The edge shows no certificate at all, although it runs. `edge_down` is what proves that the edge itself is the matter.
pub const fn tls_silent(proof: Clue) -> Cause {
    Cause {
        about: About::Host,
        depth: Depth::Effect,
        ..Cause::new(
            "TLS-SILENT",
            "no certificate is shown",
            "nobody listens on the TLS port, or what listens there speaks no TLS",
            proof,
            &[&Fix {
                title: "see who listens there",
                risk: Risk::ReadOnly,
                remedy: Remedy::Command(&["ss", "-Hltnp", "sport = :443"]),
            }],
        )
    }
}
