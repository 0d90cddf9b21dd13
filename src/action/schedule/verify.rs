//! What is installed, compared with what this version would install.

use std::time::Duration;

use super::{Installed, JOBS, Job, look, plan};
use crate::host::exec::Runner;
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::tools::timer_file::{Made, Timed};
use crate::judge::drift::Comparison;
use crate::program;
use crate::registry::{Deployment, Verdict};

/// Compares each job that is installed; of the others nothing.
pub fn compare(system: &System, runner: &dyn Runner, deployment: &Deployment, limit: Duration) -> Vec<Comparison> {
    JOBS.iter().flat_map(|job| of_job(system, runner, deployment, *job, limit)).collect()
}

fn of_job(system: &System, runner: &dyn Runner, deployment: &Deployment, job: Job, limit: Duration) -> Vec<Comparison> {
    let usual = job.timed(deployment, "", &[], None);
    // systemd is asked only where there is something to ask about.
    let paths = [usual.service_path(), usual.timer_path(), usual.table_path()];
    if !paths.iter().any(|path| system.symlink_metadata(path).is_ok()) {
        return Vec::new();
    }
    match look(system, runner, &usual, limit) {
        Err(trouble) => {
            let command = Command::new(["systemctl", "cat", &usual.timer()]);
            let row = row(&usual.timer(), "enabled and active", None, Verdict::Unknown, command);
            vec![Comparison { reason: Some(trouble.to_string()), ..row }]
        }
        Ok(found) if !plan::is_installed(&found) => Vec::new(),
        Ok(found) => {
            let mut all = judge(deployment, job, &found);
            all.push(program_of(system, &made(&found), &usual));
            all
        }
    }
}

fn row(what: &str, expected: &str, found: Option<String>, verdict: Verdict, command: Command) -> Comparison {
    Comparison {
        service: None,
        what: what.to_owned(),
        expected: expected.to_owned(),
        found,
        verdict,
        reason: None,
        command,
    }
}

fn made(found: &Installed) -> Made {
    let [service, timer, table] = found.files.each_ref().map(|file| file.text.as_deref());
    match (found.by_systemd || table.is_none(), service, timer, table) {
        (false, _, _, Some(table)) => Made::of_table(table),
        (_, service, timer, _) => Made::of_units(service.unwrap_or_default(), timer.unwrap_or_default()),
    }
}

/// PURE. The files and the state of what is installed.
pub(super) fn judge(deployment: &Deployment, job: Job, found: &Installed) -> Vec<Comparison> {
    const WRITTEN: &str = "as this version writes it";
    let made = made(found);
    let more = job.more(deployment, &made.words).unwrap_or_default();
    let timed = job.timed(deployment, made.program.as_deref().unwrap_or_default(), more, made.every);
    let rewrite = format!("{} writes it again", program::command(&timed.by));
    let [service, timer, table] = &found.files;
    let wanted = match found.by_systemd {
        true => vec![(service, Some(timed.service_text())), (timer, Some(timed.timer_text())), (table, None)],
        false => vec![(service, None), (timer, None), (table, timed.table_text(found.ahead).ok())],
    };
    let mut all = Vec::new();
    for (file, text) in wanted {
        let command = Command::new(["cat", &file.path]);
        let (expected, shown, verdict, reason) = match (&file.text, &text) {
            (None, None) => continue,
            (Some(_), None) => {
                let runner = if found.by_systemd { "cron" } else { "systemd" };
                ("not there", "there", Verdict::Warn, format!("{runner} runs it beside the other; {rewrite}"))
            }
            (None, Some(_)) => (WRITTEN, "missing", Verdict::Fail, format!("it does not run by itself; {rewrite}")),
            (Some(found), Some(text)) if found == text => (WRITTEN, WRITTEN, Verdict::Pass, String::new()),
            (Some(_), Some(_)) => (WRITTEN, "different", Verdict::Warn, rewrite.clone()),
        };
        let row = row(&file.path, expected, Some(shown.to_owned()), verdict, command);
        all.push(Comparison { reason: Some(reason).filter(|reason| !reason.is_empty()), ..row });
    }
    if let Some((timer, _)) = &found.units {
        let label = match timer.is_armed() || timer.active != "active" || timer.file_state != "enabled" {
            true => timer.label(),
            false => format!("{}, without a next run", timer.label()),
        };
        let verdict = if timer.is_armed() { Verdict::Pass } else { Verdict::Fail };
        let row = row(
            &timer.id,
            "active and enabled",
            Some(label),
            verdict,
            Command::new(["systemctl", "status", &timer.id]),
        );
        let reason = (verdict == Verdict::Fail).then(|| format!("it does not run by itself; {rewrite}"));
        all.push(Comparison { reason, ..row });
    } else {
        let (shown, verdict) = if found.cron_runs { ("runs", Verdict::Pass) } else { ("does not run", Verdict::Fail) };
        let row = row("cron", "runs", Some(shown.to_owned()), verdict, Command::new(["pgrep", "-x", "cron|crond"]));
        let reason = (verdict == Verdict::Fail).then(|| format!("nothing runs {}", table.path));
        all.push(Comparison { reason, ..row });
    }
    all
}

/// Whether what is started exists, and nobody but root could exchange it.
fn program_of(system: &System, made: &Made, timed: &Timed) -> Comparison {
    let path = made.program.as_deref().unwrap_or_default();
    let what = format!("program of {}", timed.name);
    let (found, verdict, reason) = match (system.metadata(path), system.changeable_part(&system.path(path), None)) {
        (Err(error), _) => (format!("{path}: {error}"), Verdict::Fail, Some("nothing is started".to_owned())),
        (Ok(_), Ok(Some(part))) => {
            let reason = format!("users other than root can change {}", part.display());
            (path.to_owned(), Verdict::Fail, Some(reason))
        }
        (Ok(_), Ok(None)) => (path.to_owned(), Verdict::Pass, None),
        (Ok(_), Err(error)) => (path.to_owned(), Verdict::Unknown, Some(error.to_string())),
    };
    Comparison { reason, ..row(&what, "root's alone", Some(found), verdict, Command::new(["ls", "-l", path])) }
}
