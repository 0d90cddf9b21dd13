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
    .summary("cron does not run: no crontab's jobs are started")
    .explanation("backups, renewals and checks that stand in crontabs are left out from now on, and nobody is told")
    .fixes(&[&Fix::new(
        "start cron, and let it start at boot",
        Risk::Safe,
        Remedy::Manual(
            "see whether it was stopped on purpose (systemctl status cron); then systemctl enable --now cron",
        ),
    )]);

/// Owner, mode, name or syntax.
pub static CRONTAB_IGNORED: Cause = host("CRONTAB-IGNORED", Unattended::CrontabIgnored)
    .summary("cron ignores {thing}: none of its jobs runs")
    .explanation(
        "cron passes over the whole file, from its next reading on, for its owner, its mode, its name or one bad line; it logs \
         that once and nothing else shows it",
    )
    .fixes(&[&Fix::new(
        "see the file, and set right what the evidence names",
        Risk::ReadOnly,
        Remedy::Command(&["ls", "-l", "{thing}"]),
    )]);

/// A job of the runbook is not scheduled.
pub static JOB_MISSING: Cause = host("JOB-MISSING", Unattended::JobMissing)
    .summary("nothing starts the job \"{thing}\"")
    .explanation("its line was removed or made a comment, or its timer is off; that it does not run shows nowhere else")
    .fixes(&[&Fix::new(
        "schedule it again, unless something else does its work",
        Risk::Safe,
        Remedy::Manual("put its line back (crontab -e) or enable its timer (systemctl enable --now)"),
    )]);

/// What a crontab runs is gone.
pub static JOB_PROGRAM: Cause = host("JOB-PROGRAM", Unattended::JobProgram)
    .summary("a crontab runs {thing}, which cannot be run")
    .explanation("the job fails at each of its times with 127 (no such file) or 126 (permission denied), and only a mail says so")
    .fixes(&[&Fix::new(
        "bring the program back or make it executable, else remove the line",
        Risk::ReadOnly,
        Remedy::Command(&["ls", "-l", "{thing}"]),
    )]);

/// A timer that this host relies on.
pub static TIMER_OFF: Cause = host("TIMER-OFF", Unattended::TimerOff)
    .summary("{thing} does not run: what it starts is left out")
    .explanation("the timer was stopped, disabled or masked; its service is started by nothing else")
    .fixes(&[&Fix::new(
        "see when and why it was stopped, then enable and start it",
        Risk::ReadOnly,
        Remedy::Command(&["systemctl", "status", "{thing}"]),
    )]);

/// It runs, and nothing starts it at boot.
pub static NOT_AT_BOOT: Cause = Cause::new("NOT-AT-BOOT", Clue::Unattended(Unattended::NotAtBoot))
    .summary("{service} does not come back after a reboot: {unit} is not enabled")
    .explanation("it was started by hand, or disabled since; it runs until the next boot and stays down after it")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "let it start at boot",
        Risk::Safe,
        Remedy::Manual("systemctl enable {unit}; what runs now is not touched"),
    )]);

/// Applications of pm2 end with the next boot.
pub static PM_NOT_AT_BOOT: Cause = host("PM2-NOT-AT-BOOT", Unattended::PmNotAtBoot)
    .summary("the applications of pm2 in {thing} do not come back after a reboot")
    .explanation("pm2 needs a unit that starts it (pm2 startup) and a list of what to start (pm2 save)")
    .fixes(&[&Fix::new(
        "save the list and let pm2 start at boot",
        Risk::Safe,
        Remedy::Manual("as the user of pm2: pm2 save; then run what pm2 startup prints"),
    )]);

/// Some applications of pm2 end with the next boot.
pub static NOT_SAVED: Cause = host("PM2-NOT-SAVED", Unattended::PmNotSaved)
    .summary("the list that pm2 saved lacks applications that run: {thing}")
    .explanation(
        "at the next boot, or after a restart of the daemon, pm2 resurrect does not start those that are missing",
    )
    .fixes(&[&Fix::new(
        "save the list, once all that should run does",
        Risk::Safe,
        Remedy::Manual("as the user of the daemon: pm2 list, then pm2 save"),
    )]);

/// Containers end with the next boot.
pub static ENGINE_NOT_AT_BOOT: Cause = host("ENGINE-NOT-AT-BOOT", Unattended::EngineNotAtBoot)
    .summary("no container comes back after a reboot: docker.service is not enabled")
    .explanation("restart policies are the engine's, and nothing starts the engine at boot")
    .fixes(&[&Fix::new(
        "let the engine start at boot",
        Risk::Safe,
        Remedy::Manual("systemctl enable docker.service; what runs now is not touched"),
    )]);
