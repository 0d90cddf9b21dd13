//! `opsctl diagnose --fix`: looked at again, consented to, mended, and looked at once more.

use std::thread;
use std::time::{Duration, Instant};

use super::scene::{Candidate, Seen};
use crate::action::consent::{self, Consent};
use crate::action::lock::Lock;
use crate::action::plan::Operation;
use crate::action::{Risk, mend, run};
use crate::args::duration;
use crate::commands::change::{self, Change, SETTLE};
use crate::commands::operate::{self, Extent};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::host::tools::Argv;
use crate::registry::{Deployment, Remedy, Verdict};
use crate::report::diagnosis::{Attempt, Diagnosis, Finding, FixOutcome};

/// How long what a command starts may take to come up.
const COMING_UP: Duration = Duration::from_secs(20);
/// How often it is looked at meanwhile.
const POLL_FIX: Duration = Duration::from_millis(500);

/// Mends what was found, a finding after the other, as far as that is safe or consented to. What is there in the end, and
/// everything that was tried.
pub(super) fn mend(
    context: &Context<'_>,
    deployment: &'static Deployment,
    change: &Change,
    look: &dyn Fn() -> Result<Seen, Error>,
) -> Result<Diagnosis, Error> {
    let mut seen = look()?;
    let mut attempts: Vec<Attempt> = Vec::new();
    while let Some(index) = next(&seen, &attempts) {
        let finding = &seen.document.findings[index];
        let fix = seen.remedies[index].as_ref().map(|candidate| &candidate.facts);
        let mut attempt = Attempt::new(&finding.code, &finding.subject, fix);
        let Some(candidate) = &seen.remedies[index] else {
            attempts.push(attempt);
            continue;
        };
        attempt.outcome = match (candidate.fix.risk, &candidate.fix.remedy) {
            (_, Remedy::Manual(_)) => FixOutcome::Manual,
            (Risk::Destructive, _) => FixOutcome::TooGrave,
            (_, _) if change.dry_run => FixOutcome::Planned,
            (_, _) => FixOutcome::Failed,
        };
        if attempt.outcome != FixOutcome::Failed {
            attempts.push(attempt);
            continue;
        }
        let same = |other: &Attempt| {
            other.outcome == FixOutcome::Unchanged && other.subject == attempt.subject && other.title == attempt.title
        };
        if attempts.iter().any(same) {
            attempt.refuse("the same has not helped before; nothing was changed");
            attempts.push(attempt);
            continue;
        }
        let begun = Instant::now();
        let candidate = candidate.clone();
        seen = try_one(context, deployment, change, look, &candidate, seen, &mut attempt)?;
        attempt.seconds = begun.elapsed().as_secs_f64();
        let stop = attempt.outcome == FixOutcome::Worse;
        attempts.push(attempt);
        if stop {
            break;
        }
    }
    let mut document = seen.document;
    document.head.exit_code = exit(&document, &attempts);
    document.attempts = attempts;
    Ok(document)
}

/// The first finding that was not tried yet.
fn next(seen: &Seen, attempts: &[Attempt]) -> Option<usize> {
    let tried = |code: &str, subject: &str| attempts.iter().any(|a| a.code == code && a.subject == subject);
    seen.document.findings.iter().position(|finding| !tried(&finding.code, &finding.subject))
}

fn place(seen: &Seen, attempt: &Attempt) -> Option<usize> {
    let same = |finding: &Finding| finding.code == attempt.code && finding.subject == attempt.subject;
    seen.document.findings.iter().position(same)
}

/// What came of a fix that was about to be applied.
enum Done {
    /// It was; why it failed, where it did.
    Applied(Option<String>),
    /// What it was for is not there any more.
    Gone,
    /// What it was for is not borne out by a second source; why.
    Unconfirmed(String),
}

/// What fails now and did not before, also not as what followed from something else: code and subject.
fn new_fails(before: &Seen, after: &Seen) -> Vec<(String, String)> {
    let known = |subject: &str, code: &str| {
        before.document.findings.iter().any(|finding| {
            (finding.verdict == Verdict::Fail && finding.subject == subject && finding.code == code)
                || finding.explains.iter().any(|consequence| consequence.subject == subject)
        })
    };
    let failing = after.document.findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
    let new = failing.filter(|finding| !known(&finding.subject, &finding.code));
    new.map(|finding| (finding.code.clone(), finding.subject.clone())).collect()
}

/// Looks again, mends, and looks once more.
fn try_one(
    context: &Context<'_>,
    deployment: &'static Deployment,
    flags: &Change,
    look: &dyn Fn() -> Result<Seen, Error>,
    candidate: &Candidate,
    before: Seen,
    attempt: &mut Attempt,
) -> Result<Seen, Error> {
    if !context.system.is_root() {
        attempt.refuse("needs root; nothing was changed");
        return Ok(before);
    }
    let name = format!("{} (diagnose --fix)", attempt.title);
    let consent = match consent::obtain(context.deadline(), &attempt.title, candidate.fix.risk, flags.yes, &[]) {
        Ok(consent) => consent,
        Err(error) => {
            attempt.refuse(&error.message);
            return Ok(before);
        }
    };
    let ((again, done), _) = change::held(context, deployment, &name, flags, |lock| {
        // It may have gone away by itself while it was waited for an answer, or for the lock.
        let again = look()?;
        let Some(index) = place(&again, attempt) else { return Ok((again, Done::Gone)) };
        let now = again.remedies[index].as_ref();
        if let Some(why) = now.and_then(|candidate| candidate.unconfirmed.clone()) {
            return Ok((again, Done::Unconfirmed(why)));
        }
        // By now it may be known that this changes nothing.
        if now.is_none_or(|now| !std::ptr::eq(now.fix, candidate.fix)) {
            let why = again.document.findings[index].no_restart.clone();
            let why = why.unwrap_or_else(|| "it is not what helps here, as the second look shows".to_owned());
            return Ok((again, Done::Unconfirmed(why)));
        }
        if candidate.fix.risk >= Risk::Disruptive
            && let Err(error) = mend::keep_evidence(context.system, &again.document)
        {
            context.ui.note(&format!("what was seen could not be kept in {}: {error}", mend::EVIDENCE));
        }
        context.ui.progress(&format!("{}: {}", attempt.subject, attempt.title));
        let trouble = apply(context, deployment, candidate, attempt, &consent, lock)?;
        Ok((again, Done::Applied(trouble)))
    })?;
    let trouble = match done {
        Done::Applied(trouble) => trouble,
        Done::Gone => {
            attempt.outcome = FixOutcome::Gone;
            return Ok(again);
        }
        Done::Unconfirmed(why) => {
            let starts = matches!(candidate.fix.remedy, Remedy::Start | Remedy::Command(_));
            let not_done = if starts { "not done" } else { "not restarted" };
            attempt.refuse(&format!("{not_done}: {why}; nothing was changed"));
            return Ok(again);
        }
    };
    let mut after = look()?;
    // What a command starts may take a moment to come up; services were watched by the verb itself.
    let until = Instant::now() + context.within(COMING_UP);
    while matches!(candidate.fix.remedy, Remedy::Command(_))
        && !new_fails(&again, &after).is_empty()
        && Instant::now() < until
    {
        thread::sleep(POLL_FIX);
        after = look()?;
    }
    let new = new_fails(&again, &after);
    // What is wrong with the same subject in another way is the old trouble in another dress.
    let elsewhere = new.iter().any(|(_, subject)| *subject != attempt.subject);
    let gone = place(&after, attempt).is_none() && new.iter().all(|(_, subject)| *subject != attempt.subject);
    attempt.outcome = match (gone, elsewhere) {
        (_, true) => FixOutcome::Worse,
        (false, false) => FixOutcome::Unchanged,
        (true, false) if after.document.undetermined.len() > again.document.undetermined.len() => FixOutcome::Unclear,
        (true, false) => FixOutcome::Fixed,
    };
    let new: Vec<String> = new.into_iter().map(|(code, subject)| format!("{code} at {subject}")).collect();
    attempt.summary = match (trouble, new.as_slice()) {
        (Some(trouble), _) => Some(trouble),
        (None, []) if attempt.outcome == FixOutcome::Unchanged => ruled_out(&candidate.fix.remedy),
        (None, []) => None,
        (None, new) => Some(format!("new: {}", new.join(", "))),
    };
    Ok(after)
}

/// What it rules out that a fix did not help.
fn ruled_out(remedy: &Remedy) -> Option<String> {
    let words = match remedy {
        Remedy::Restart | Remedy::RestartOf(_) => {
            "a fresh process fares no better: neither a hang nor a leak of the old one is the cause, but its \
             configuration, its data, or what it needs"
        }
        Remedy::Start => "it was started and did not stay up: that it was stopped is not the cause",
        Remedy::Reload | Remedy::ReloadOf(_) => {
            "it reads its configuration anew and fares no better: old settings are not the cause"
        }
        Remedy::Command(_) | Remedy::Manual(_) => return None,
    };
    Some(words.to_owned())
}

/// Does it; why it failed, where it did.
fn apply(
    context: &Context<'_>,
    deployment: &'static Deployment,
    candidate: &Candidate,
    attempt: &Attempt,
    consent: &Consent,
    lock: &mut Lock,
) -> Result<Option<String>, Error> {
    let (operation, service) = match (&candidate.fix.remedy, candidate.service) {
        (Remedy::Restart, Some(service)) => (Operation::Restart, service),
        (Remedy::Start, Some(service)) => (Operation::Start, service),
        (Remedy::Reload, Some(service)) => (Operation::Reload, service),
        (Remedy::RestartOf(service), _) => (Operation::Restart, *service),
        (Remedy::ReloadOf(service), _) => (Operation::Reload, *service),
        (Remedy::Command(words), _) => {
            let Some(program) = words.first() else { return Ok(Some("has no command".to_owned())) };
            let argv = Argv::new(program, attempt.argv.iter().skip(1).cloned());
            return mend::command(context, deployment, &argv, &attempt.subject, consent, lock);
        }
        (Remedy::Restart | Remedy::Start | Remedy::Reload, None) => return Ok(Some("is about no service".to_owned())),
        (Remedy::Manual(_), _) => return Ok(Some("is for a person".to_owned())),
    };
    let plan = match operate::make(operation, Extent::Named, context, deployment, &[service]) {
        Ok(plan) => plan,
        Err(refused) => return Ok(Some(refused.message)),
    };
    // Its settle time is that of the verb itself.
    let settle = duration(SETTLE).unwrap_or_default();
    let result = run::run(context, deployment, &plan, consent, lock, settle)?;
    let wrong = result.done.iter().find(|done| !matches!(done.end, run::ChangeEnd::Well(_)));
    Ok(wrong.map(|done| format!("{}: {}", done.service.name, done.end.summary())))
}

fn exit(document: &Diagnosis, attempts: &[Attempt]) -> Exit {
    let any = |wanted: &[FixOutcome]| attempts.iter().any(|attempt| wanted.contains(&attempt.outcome));
    let found = match (document.findings.is_empty(), document.undetermined.is_empty()) {
        (false, _) => Exit::Unhealthy,
        (true, false) => Exit::Unknown,
        (true, true) => Exit::Success,
    };
    match () {
        () if any(&[FixOutcome::Worse, FixOutcome::Unchanged, FixOutcome::Failed]) => {
            if any(&[FixOutcome::Fixed]) {
                Exit::Partial
            } else {
                Exit::Failure
            }
        }
        () if found == Exit::Unhealthy && any(&[FixOutcome::Fixed]) => Exit::Partial,
        () if found == Exit::Unhealthy && any(&[FixOutcome::Refused]) => Exit::Refused,
        () => found,
    }
}
