//! Where a restart can change something. What ends for the same reason after each start ends for it once more, and meanwhile the
//! restart costs a minute and the requests under way.

use jiff::{SignedDuration, Timestamp};

use super::Finding;
use super::case::{Case, Subject};
use super::service::{Record, record};
use crate::host::tools::history::RunEnd;
use crate::host::tools::systemctl::UnitState;
use crate::judge::health;
use crate::registry::{Cause, Depth, Fix, Remedy, State, Verdict};
use crate::units;

/// How long a run must have lasted for what ended it to be no part of its start.
const LONG: SignedDuration = SignedDuration::from_secs(60);

/// How the last run of a service ended, as far as its manager says.
enum LastRun {
    /// From outside, or for a reason that another start need not meet: a signal, the memory, a deadline.
    Cut,
    /// By itself: how, and how long after its start, where that is known.
    Own(String, Option<SignedDuration>),
    Unknown,
}

impl Finding {
    /// Whether a fix starts its subject, or starts it again.
    pub(super) fn restarts(&self, fix: &Fix) -> bool {
        match &fix.remedy {
            Remedy::Restart | Remedy::Start => true,
            Remedy::RestartOf(service) => self.service.is_some_and(|own| own.name == service.name),
            Remedy::Reload | Remedy::ReloadOf(_) | Remedy::Command(_) | Remedy::Manual(_) => false,
        }
    }

    fn may_be_restarted(&self) -> bool {
        self.cause.fixes.iter().any(|fix| self.restarts(fix))
    }
}

/// Withdraws restarts that would change nothing, and says why.
pub(super) fn withhold(case: &Case<'_>, findings: &mut [Finding]) {
    let roots: Vec<(&str, &'static Cause)> = findings
        .iter()
        .filter(|other| other.cause.depth == Depth::Root && other.cause.verdict == Verdict::Fail)
        .filter(|other| !other.may_be_restarted())
        .filter_map(|other| Some((other.service?.name, other.cause)))
        .collect();
    for finding in findings.iter_mut().filter(|finding| finding.may_be_restarted()) {
        let Some(service) = finding.service else { continue };
        let stands = roots.iter().find(|(name, cause)| *name == service.name && !std::ptr::eq(*cause, finding.cause));
        finding.futile = match stands {
            Some((_, cause)) => Some(format!("{} remains, which a restart does not fix", case.deployment.code(cause))),
            None if finding.cause.depth == Depth::Effect => case.subject(service).and_then(|s| futile(case, s)),
            None => None,
        };
    }
}

/// Why another start of what ended would end as the last one did.
fn futile(case: &Case<'_>, subject: Subject<'_>) -> Option<String> {
    let again = match subject.health.state {
        State::CrashLoop | State::Restarting => true,
        State::Failed => false,
        _ => return None,
    };
    match last_run(case, subject) {
        LastRun::Own(how, _) if again => Some(format!("its manager restarts it, and it ends each time: {how}")),
        LastRun::Own(how, Some(lasted)) if lasted < LONG => {
            let lasted = units::duration(lasted.max(SignedDuration::from_secs(0)));
            Some(format!("it ended {lasted} after its last start: {how}"))
        }
        LastRun::Own(..) | LastRun::Cut | LastRun::Unknown => None,
    }
}

fn last_run(case: &Case<'_>, subject: Subject<'_>) -> LastRun {
    let found = subject.service.managers.first().map(|manager| record(case, manager));
    match found {
        Some(Ok(Some((Record::Unit(unit), _)))) => of_unit(unit),
        Some(Ok(Some((Record::Container(container), _)))) => {
            let lasted = span(container.started, container.finished);
            match container.exit_code {
                _ if container.oom_killed => LastRun::Cut,
                // 128 and the number of a signal, as a shell tells it; 255 is a program's own.
                129..=192 => LastRun::Cut,
                code if container.status == "running" => {
                    ended(container.history.as_ref(), || LastRun::Own(format!("exit {code}"), None))
                }
                code => LastRun::Own(format!("exit {code}"), lasted),
            }
        }
        Some(Ok(Some((Record::Processes(own), _)))) => {
            let history = own.iter().find_map(|process| process.history.as_ref());
            let code = own.iter().find_map(|process| process.exit_code);
            ended(history, || match code {
                // pm2 gives up on what ends sixteen times within a second of its start.
                Some(code) => LastRun::Own(format!("exit {code}"), Some(SignedDuration::from_secs(1))),
                None => LastRun::Unknown,
            })
        }
        Some(Ok(None) | Err(_)) | None => LastRun::Unknown,
    }
}

/// How the last of the recorded runs ended, else as `otherwise` has it.
fn ended(
    history: Option<&Result<crate::host::tools::history::History, String>>,
    otherwise: impl FnOnce() -> LastRun,
) -> LastRun {
    match history.and_then(|history| history.as_ref().ok()?.last()) {
        Some(RunEnd::Signal(_) | RunEnd::Dump(_)) => LastRun::Cut,
        Some(RunEnd::Result(result)) if is_cut(result) => LastRun::Cut,
        Some(RunEnd::Exit(code)) => LastRun::Own(format!("exit {code}"), Some(SignedDuration::from_secs(1))),
        Some(RunEnd::Result(_)) | None => otherwise(),
    }
}

/// Results of systemd that say what ended it from outside.
fn is_cut(result: &str) -> bool {
    matches!(result, "oom-kill" | "timeout" | "watchdog" | "signal" | "core-dump")
}

fn of_unit(unit: &UnitState) -> LastRun {
    if unit.brief {
        return LastRun::Unknown;
    }
    // What it was given up for leaves the last exit as it was.
    let killed = matches!(unit.exit_kind, 2 | 3);
    if is_cut(&unit.result) || killed {
        return LastRun::Cut;
    }
    let how = health::ending(unit);
    match unit.active.as_str() {
        "failed" => LastRun::Own(how, span(unit.active_since, unit.changed)),
        _ => ended(unit.history.as_ref(), || LastRun::Own(how, None)),
    }
}

fn span(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<SignedDuration> {
    // The engine's word for never is the year 1.
    let known = |time: &Timestamp| time.as_second() > 0;
    Some(to.filter(known)?.duration_since(from.filter(known)?))
}
