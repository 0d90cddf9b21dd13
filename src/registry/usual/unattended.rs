//! What should happen by itself and does not: jobs, timers, and what comes back after a reboot.

use super::super::*;

/// What runs at certain times.
pub static AUTOMATION: &[&Cause] = &[&JOB_MISSING, &JOB_PROGRAM, &CRONTAB_IGNORED, &TIMER_OFF, &CRON_STOPPED];

/// What the next boot does not bring back.
pub static NOT_AFTER_BOOT: &[&Cause] = &[&NOT_AT_BOOT, &PM_NOT_AT_BOOT, &NOT_SAVED, &ENGINE_NOT_AT_BOOT];

const fn host(code: &'static str, what: Unattended) -> Cause {
    Cause::new(code, Clue::Unattended(what)).about(About::Host).verdict(Verdict::Warn)
}

/// Nothing that crontabs say happens.
pub static CRON_STOPPED: Cause = host("CRON-STOPPED", Unattended::CronStopped)
    .summary("cron does not run: no job of any crontab starts")
    .explanation("backups, renewals and checks in crontabs do not run from now on, without any message")
    .fixes(&[&Fix::new(
        "start cron, and enable it at boot",
        Risk::Safe,
        Remedy::Manual(
            "check whether it was stopped on purpose (systemctl status cron); then systemctl enable --now cron",
        ),
    )]);

/// Owner, mode, name or syntax.
pub static CRONTAB_IGNORED: Cause = host("CRONTAB-IGNORED", Unattended::CrontabIgnored)
    .summary("cron ignores {thing}: none of its jobs runs")
    .explanation(
        "at its next read cron skips the whole file because of its owner, mode, name or one bad line; it logs that \
         only once",
    )
    .fixes(&[&Fix::new(
        "read the file, and correct the fault in the evidence",
        Risk::ReadOnly,
        Remedy::Command(&["ls", "-l", "{thing}"]),
    )]);

/// A job of the runbook is not scheduled.
pub static JOB_MISSING: Cause = host("JOB-MISSING", Unattended::JobMissing)
    .summary("nothing starts the job \"{thing}\"")
    .explanation("its line was removed or commented out, or its timer is off; nothing else reports this")
    .fixes(&[&Fix::new(
        "schedule it again, unless another job replaces it",
        Risk::Safe,
        Remedy::Manual("add its line again (crontab -e) or enable its timer (systemctl enable --now)"),
    )]);

/// What a crontab runs is gone.
pub static JOB_PROGRAM: Cause = host("JOB-PROGRAM", Unattended::JobProgram)
    .summary("a crontab runs {thing}, which cannot be executed")
    .explanation("each run fails with 127 (no such file) or 126 (permission denied), and only a mail reports it")
    .fixes(&[&Fix::new(
        "reinstall the program or make it executable; otherwise remove the line",
        Risk::ReadOnly,
        Remedy::Command(&["ls", "-l", "{thing}"]),
    )]);

/// A timer that this host relies on.
pub static TIMER_OFF: Cause = host("TIMER-OFF", Unattended::TimerOff)
    .summary("{thing} does not run, nor does the service that it starts")
    .explanation("the timer was stopped, disabled or masked; nothing else starts its service")
    .fixes(&[&Fix::new(
        "see when and why it was stopped, then enable and start it",
        Risk::ReadOnly,
        Remedy::Command(&["systemctl", "status", "{thing}"]),
    )]);

/// It runs, and nothing starts it at boot.
pub static NOT_AT_BOOT: Cause = Cause::new("NOT-AT-BOOT", Clue::Unattended(Unattended::NotAtBoot))
    .summary("{service} does not start after a reboot: {unit} is not enabled")
    .explanation("it was started by hand, or disabled since; it runs only until the next boot")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "enable it at boot",
        Risk::Safe,
        Remedy::Manual("systemctl enable {unit}; this does not restart it"),
    )]);

/// Applications of pm2 end with the next boot.
pub static PM_NOT_AT_BOOT: Cause = host("PM2-NOT-AT-BOOT", Unattended::PmNotAtBoot)
    .summary("the applications of pm2 in {thing} do not start after a reboot")
    .explanation("pm2 needs a unit that starts it (pm2 startup) and a saved list of applications (pm2 save)")
    .fixes(&[&Fix::new(
        "save the list and enable pm2 at boot",
        Risk::Safe,
        Remedy::Manual("as the user of pm2: pm2 save; then run the command that pm2 startup prints"),
    )]);

/// Some applications of pm2 end with the next boot.
pub static NOT_SAVED: Cause = host("PM2-NOT-SAVED", Unattended::PmNotSaved)
    .summary("pm2's saved list lacks running applications: {thing}")
    .explanation("at the next boot or restart of the daemon, pm2 resurrect does not start the missing ones")
    .fixes(&[&Fix::new(
        "save the list, once all needed applications run",
        Risk::Safe,
        Remedy::Manual("as the user of the daemon: pm2 list, then pm2 save"),
    )]);

/// Containers end with the next boot.
pub static ENGINE_NOT_AT_BOOT: Cause = host("ENGINE-NOT-AT-BOOT", Unattended::EngineNotAtBoot)
    .summary("no container starts after a reboot: docker.service is not enabled")
    .explanation("the engine applies restart policies, and nothing starts the engine at boot")
    .fixes(&[&Fix::new(
        "enable the engine at boot",
        Risk::Safe,
        Remedy::Manual("systemctl enable docker.service; this does not restart anything"),
    )]);
