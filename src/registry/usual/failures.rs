//! Failures that any host may have, for a deployment that states none of its own.

use super::super::*;
use super::*;

const HERE: &str = "no runbook: what any Linux host shows";

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

/// No space is left.
pub static DISK_FULL_FAILURE: Failure = Failure {
    aliases: &["disk", "no-space", "enospc"],
    symptoms: &["writes fail with \"No space left on device\"", "the journal ends early", "databases refuse to write"],
    ..Failure::new("disk-full", "a file system is full or fills up", HERE, &[&[&DISK_FULL, &DISK_FILLING]])
};

/// No inodes are left.
pub static INODES_FULL_FAILURE: Failure = Failure {
    aliases: &["inodes", "too-many-files"],
    symptoms: &["\"No space left on device\" although df shows space"],
    ..Failure::new(
        "inodes-full",
        "a file system has no room for another file",
        HERE,
        &[&[&INODES_FULL, &INODES_FILLING]],
    )
};

/// No memory is left, or was.
pub static MEMORY_LOW_FAILURE: Failure = Failure {
    aliases: &["memory", "oom", "out-of-memory"],
    symptoms: &["processes vanish with signal 9", "everything is slow and the disk is busy"],
    ..Failure::new("memory-low", "the host runs out of memory, or did", HERE, &[MEMORY])
};

/// A service does not do its work.
pub static SERVICE_DOWN: Failure = Failure {
    aliases: &["down", "crash-loop", "service-crash-loop", "unit-failed", "port-conflict", "502"],
    symptoms: &["a service does not answer", "systemctl --failed lists units", "a service is restarted over and over"],
    ..Failure::new(
        "service-down",
        "a service or another unit is not well",
        HERE,
        &[SERVICE, &[&ENGINE_DOWN, &PM_DOWN], UNITS],
    )
};

/// A certificate is not as it should be.
pub static TLS_FAILURE: Failure = Failure {
    aliases: &["tls", "certificate", "https"],
    symptoms: &["browsers warn of the certificate", "clients say \"certificate has expired\""],
    ..Failure::new("tls-failure", "a certificate is not valid, or ends soon", HERE, &[CERTIFICATES])
};

/// The clock is off.
pub static CLOCK_DRIFT: Failure = Failure {
    aliases: &["clock", "time", "ntp"],
    symptoms: &["tokens and signatures are refused", "log lines have the wrong time"],
    ..Failure::new("clock-drift", "the clock is not kept in step", HERE, &[&[&CLOCK_ADRIFT]])
};

/// There is no copy that is recent enough. For a deployment that has backups.
pub static BACKUP_FAILURE: Failure = Failure {
    aliases: &["backup", "backups", "backup-failed", "rpo"],
    symptoms: &["cron mails what opsctl backup said", "status says how old the newest verified copy is"],
    note: Some(
        "only of sets that opsctl has backed up on this host, and by what it recorded here; opsctl backup list asks the remote",
    ),
    ..Failure::new(
        "backup-overdue",
        "more would be lost than may be: a backup failed, or none was made",
        "each deployment's own: opsctl get backups",
        &[BACKUPS],
    )
};

/// There is too much to do.
pub static OVERLOAD: Failure = Failure {
    aliases: &["load", "slow", "cpu"],
    symptoms: &["everything answers late"],
    ..Failure::new("overload", "the host has more to do than it can", HERE, &[&[&LOAD_HIGH]])
};
