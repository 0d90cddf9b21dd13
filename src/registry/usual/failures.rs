//! Failures that any host may have, for a deployment that states none of its own.

use super::super::*;
use super::*;

const HERE: &str = "no runbook: general checks of Linux hosts";

/// What every deployment has that does not say otherwise.
pub static FAILURES: &[&Failure] = &[
    &DISK_FULL_FAILURE,
    &INODES_FULL_FAILURE,
    &MEMORY_LOW_FAILURE,
    &SERVICE_DOWN,
    &TLS_FAILURE,
    &CLOCK_DRIFT,
    &OVERLOAD,
];

/// What every deployment has, whatever failures it states: how any server breaks, as any server shows it.
pub static EVERYWHERE: &[&Failure] = &[
    &STARTUP_ERROR,
    &SLOW,
    &REMOVED,
    &DATABASE_STATE,
    &CONTAINER_ENVIRONMENT,
    &CONFIGURATION_DRIFT,
    &RUINOUS_SETTING,
    &WRONG_UPSTREAM,
    &AUTOMATION_STOPPED,
    &NEXT_BOOT,
    &CONFIGURATION_REJECTED,
    &NAME_RESOLUTION,
    &HOST_FOOTING,
    &UNMANAGED_UNITS,
];

/// What `status` checks as well, because nothing else shows it before it is needed.
pub static NOTICED: &[&Failure] = &[&NOT_BY_ITSELF, &PUBLIC_ROUTES];

/// What visitors of a healthy service get instead of it.
pub static PUBLIC_ROUTES: Failure =
    Failure::new("public-routes", &[&[&ROUTE_BROKEN, &ROUTE_TO_ANOTHER, &ROUTE_DIFFERS, &UPSTREAM_DEAD]])
        .summary("visitors reach another program than they should, or none")
        .section(HERE);

/// What is left out of what should happen by itself, now or after the next boot.
pub static NOT_BY_ITSELF: Failure =
    Failure::new("automation", &[AUTOMATION, NOT_AFTER_BOOT]).summary("an automatic job does not run").section(HERE);

/// A service says itself why it fails.
pub static STARTUP_ERROR: Failure = Failure::new("startup-error", &[REASONS])
    .summary("a service fails, and its last log lines show why")
    .section(HERE)
    .aliases(&["startup", "error", "exception"])
    .symptoms(&["a service ends right after its start", "its log ends with an error", "a restart changes nothing"]);

/// No space is left.
pub static DISK_FULL_FAILURE: Failure = Failure::new("disk-full", &[&[&DISK_FULL, &DISK_FILLING]])
    .summary("a file system is full or nearly full")
    .section(HERE)
    .aliases(&["disk", "no-space", "enospc"])
    .symptoms(&["writes fail with \"No space left on device\"", "the journal stops", "databases refuse to write"]);

/// No inodes are left.
pub static INODES_FULL_FAILURE: Failure = Failure::new("inodes-full", &[&[&INODES_FULL, &INODES_FILLING]])
    .summary("a file system has no inodes left")
    .section(HERE)
    .aliases(&["inodes", "too-many-files"])
    .symptoms(&["\"No space left on device\" although df shows space"]);

/// No memory is left, or was.
pub static MEMORY_LOW_FAILURE: Failure = Failure::new("memory-low", &[MEMORY])
    .summary("the host runs out of memory")
    .section(HERE)
    .aliases(&["memory", "oom", "out-of-memory"])
    .symptoms(&["processes end with signal 9", "everything is slow and the disk is busy"]);

/// A service does not do its work.
pub static SERVICE_DOWN: Failure = Failure::new("service-down", &[SERVICE, &[&ENGINE_DOWN, &PM_DOWN], UNITS])
    .summary("a service or another unit is unhealthy")
    .section(HERE)
    .aliases(&["down", "crash-loop", "service-crash-loop", "unit-failed", "port-conflict", "502"])
    .symptoms(&["a service does not answer", "systemctl --failed lists units", "a service restarts repeatedly"]);

/// A certificate is not as it should be.
pub static TLS_FAILURE: Failure = Failure::new("tls-failure", &[CERTIFICATES])
    .summary("a certificate is not valid, or expires soon")
    .section(HERE)
    .aliases(&["tls", "certificate", "https"])
    .symptoms(&["browsers warn of the certificate", "clients report \"certificate has expired\""]);

/// The clock is off.
pub static CLOCK_DRIFT: Failure = Failure::new("clock-drift", &[&[&CLOCK_ADRIFT]])
    .summary("the clock is not synchronized")
    .section(HERE)
    .aliases(&["clock", "time", "ntp"])
    .symptoms(&["tokens and signatures are refused", "log lines have the wrong time"]);

/// There is no copy that is recent enough. For a deployment that has backups.
pub static BACKUP_FAILURE: Failure = Failure::new("backup-overdue", &[BACKUPS])
    .summary("backups are too old or missing: a loss would exceed the allowed one")
    .section("each deployment's own: opsctl get backups")
    .aliases(&["backup", "backups", "backup-failed", "rpo"])
    .symptoms(&["cron mails errors of opsctl backup", "status shows the age of the newest verified copy"])
    .note(
        "this covers only sets that opsctl has backed up on this host, by its local records; opsctl backup list \
         reads the remote",
    );

/// There is too much to do.
pub static OVERLOAD: Failure = Failure::new("overload", &[&[&LOAD_HIGH]])
    .summary("the host is overloaded")
    .section(HERE)
    .aliases(&["load", "slow", "cpu"])
    .symptoms(&["everything answers late"]);

/// Jobs that do not run.
pub static AUTOMATION_STOPPED: Failure = Failure::new("automation-stopped", &[AUTOMATION])
    .summary("a scheduled job does not run")
    .section(HERE)
    .aliases(&["crontab", "timer", "timers", "scheduled-jobs"])
    .symptoms(&[
        "no new backup, log or report appears",
        "logs grow without being rotated",
        "a certificate is not renewed",
    ]);

/// What the next boot does not bring back, or does not get past.
pub static NEXT_BOOT: Failure = Failure::new("next-boot", &[NOT_AFTER_BOOT, MOUNTS])
    .summary("after the next boot services are down, or the boot stops in emergency mode")
    .section(HERE)
    .aliases(&["after-reboot", "fstab", "not-enabled"])
    .symptoms(&["services are down after a reboot", "the console asks for root's password for maintenance"]);

/// What the next reload or restart does not take.
pub static CONFIGURATION_REJECTED: Failure = Failure::new("configuration-rejected", &[REJECTED])
    .summary("a changed configuration will be rejected at the next reload, restart or call")
    .section(HERE)
    .aliases(&["next-reload", "config-test", "sshd-config", "sudoers"])
    .symptoms(&["a reload fails and the old configuration remains in use", "sudo refuses all users"]);

/// Names have no addresses.
pub static NAME_RESOLUTION: Failure = Failure::new("name-resolution", &[NAMES])
    .summary("this host cannot resolve host names")
    .section(HERE)
    .aliases(&["resolver", "resolv-conf", "dns-lookup"])
    .symptoms(&[
        "\"Temporary failure in name resolution\", EAI_AGAIN, ENOTFOUND",
        "calls to other hosts fail by name and work by address",
    ]);

/// What everything stands on.
pub static HOST_FOOTING: Failure = Failure::new("host-footing", &[FOOTING])
    .summary("a basic file system, path, lock or limit of the host is wrong")
    .section(HERE)
    .aliases(&["footing", "read-only-disk", "deleted-files", "kernel-limits"])
    .symptoms(&[
        "\"Read-only file system\"",
        "du shows less than df",
        "\"Too many open files in system\"",
        "logins are refused",
    ]);
