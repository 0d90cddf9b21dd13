//! What should happen by itself: scheduled jobs, timers, and what comes back after a reboot.

/// What of it does not.
///
/// ```
/// # use opsctl::registry::*;
/// let missing = Clue::Unattended(Unattended::JobMissing);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unattended {
    /// Crontabs have lines, and no cron runs.
    CronStopped,
    /// Cron passes over a crontab, or run-parts over a script: by its owner, its mode, its name, or what is in it.
    CrontabIgnored,
    /// A [`Job`](crate::registry::Job) of the deployment is in no crontab and no unit, or only in a comment, or its timer is off.
    JobMissing,
    /// A crontab names a program that does not exist or that nobody may execute.
    JobProgram,
    /// A timer that is enabled does not run, or one that this host relies on is not enabled.
    TimerOff,
    /// The unit of the service runs, and nothing starts it at boot.
    NotAtBoot,
    /// A pm2 daemon runs applications, and nothing starts them at boot.
    PmNotAtBoot,
    /// The list that pm2 starts at boot lacks applications of the deployment that run.
    PmNotSaved,
    /// The engine runs services' containers, and nothing starts it at boot.
    EngineNotAtBoot,
}
