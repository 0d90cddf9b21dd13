//! `opsctl diagnose --fix`: looked at again, consented to, mended, and looked at once more.

use std::thread;
use std::time::{Duration, Instant};

use super::scene::{Candidate, Seen};
use crate::action::consent::{self, Consent};
use crate::action::lock::{self, Lock};
use crate::action::plan::Operation;
use crate::action::{Risk, mend, run};
use crate::args::duration;
use crate::commands::change::{self, Change, SETTLE};
use crate::commands::operate::{self, Extent};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::host::tools::Argv;
use crate::registry::{Deployment, Remedy, Service, Verdict};
use crate::report::diagnosis::{Attempt, Diagnosis, Finding, FixOutcome};

/// How long what a command starts may take to come up.
const COMING_UP: Duration = Duration::from_secs(20);
/// How often it is looked at meanwhile.
const POLL_FIX: Duration = Duration::from_millis(500);

/// A fix that is about to be applied.
struct Try {
    attempt: Attempt,
    candidate: Candidate,
}

/// What a fix does to which service, where it is an operation of a verb.
fn operation(candidate: &Candidate) -> Option<(Operation, &'static Service)> {
    match (&candidate.fix.remedy, candidate.service) {
        (Remedy::Restart, Some(service)) => Some((Operation::Restart, service)),
        (Remedy::Start, Some(service)) => Some((Operation::Start, service)),
        (Remedy::Reload, Some(service)) => Some((Operation::Reload, service)),
        (Remedy::RestartOf(service), _) => Some((Operation::Restart, service)),
        (Remedy::ReloadOf(service), _) => Some((Operation::Reload, service)),
        (Remedy::Restart | Remedy::Start | Remedy::Reload, None) | (Remedy::Command(_) | Remedy::Manual(_), _) => None,
    }
}

/// Fixes what was found, as far as that is safe or consented to: a finding after the other, and the same operation on services that
/// do not need each other in one plan, which settles once. What is there in the end, and everything that was tried.
pub(super) fn mend(
    context: &Context<'_>,
    deployment: &'static Deployment,
    change: &Change,
    look: &dyn Fn() -> Result<Seen, Error>,
) -> Result<Diagnosis, Error> {
    let mut seen = look()?;
    let mut attempts: Vec<Attempt> = Vec::new();
    while let Some(index) = next(&seen, &attempts) {
        let first = match prepare(&seen, index, &attempts, change) {
            Ok(first) => first,
            Err(attempt) => {
                attempts.push(*attempt);
                continue;
            }
        };
        let tries = with_similar(&seen, first, &attempts, change);
        let begun = Instant::now();
        let (after, tried) = try_together(context, deployment, change, look, tries, seen)?;
        seen = after;
        let stop = tried.iter().any(|attempt| attempt.outcome == FixOutcome::Worse);
        let seconds = begun.elapsed().as_secs_f64();
        attempts.extend(tried.into_iter().map(|attempt| Attempt { seconds, ..attempt }));
        if stop {
            break;
        }
    }
    let mut document = seen.document;
    document.head.exit_code = exit(&document, &attempts);
    document.attempts = attempts;
    // The last look was taken under the lock of this very run.
    document.lock = lock::holder(context.system, deployment).into();
    Ok(document)
}

/// The fix of a finding that is to be applied; else what came of it without.
fn prepare(seen: &Seen, index: usize, attempts: &[Attempt], change: &Change) -> Result<Try, Box<Attempt>> {
    let finding = &seen.document.findings[index];
    let candidate = seen.remedies[index].as_ref();
    let mut attempt = Attempt::new(&finding.code, &finding.subject, candidate.map(|candidate| &candidate.facts));
    let Some(candidate) = candidate else { return Err(Box::new(attempt)) };
    let left = match (candidate.fix.risk, &candidate.fix.remedy) {
        (_, Remedy::Manual(_)) => Some(FixOutcome::Manual),
        (Risk::Destructive, _) => Some(FixOutcome::TooGrave),
        (_, _) if change.dry_run => Some(FixOutcome::Planned),
        (_, _) => None,
    };
    if let Some(outcome) = left {
        return Err(Box::new(Attempt { outcome, ..attempt }));
    }
    let same = |other: &Attempt| {
        other.outcome == FixOutcome::Unchanged && other.subject == attempt.subject && other.title == attempt.title
    };
    if attempts.iter().any(same) {
        attempt.refuse("the same has not helped before; nothing was changed");
        return Err(Box::new(attempt));
    }
    attempt.outcome = FixOutcome::Failed;
    Ok(Try { attempt, candidate: candidate.clone() })
}

/// Whether a service needs another, directly or through others.
fn needs(one: &Service, other: &Service) -> bool {
    one.needs.iter().any(|needed| needed.name == other.name || needs(needed, other))
}

/// This one, and the same operation on other services that were not tried yet. A service that needs another one of them is left out:
/// it may be healthy when that one is.
fn with_similar(seen: &Seen, first: Try, attempts: &[Attempt], change: &Change) -> Vec<Try> {
    let mut tries = vec![first];
    let Some((kind, service)) = operation(&tries[0].candidate) else { return tries };
    let mut services = vec![service];
    for index in untried(seen, attempts).skip(1) {
        let Ok(other) = prepare(seen, index, attempts, change) else { continue };
        let Some((_, service)) = operation(&other.candidate).filter(|(other, _)| *other == kind) else { continue };
        let is_apart =
            |known: &&Service| known.name != service.name && !needs(known, service) && !needs(service, known);
        if services.iter().all(is_apart) {
            services.push(service);
            tries.push(other);
        }
    }
    tries
}

/// The first finding that was not tried yet.
fn next(seen: &Seen, attempts: &[Attempt]) -> Option<usize> {
    untried(seen, attempts).next()
}

/// Findings that were not tried yet.
fn untried(seen: &Seen, attempts: &[Attempt]) -> impl Iterator<Item = usize> {
    let tried = |code: &str, subject: &str| attempts.iter().any(|a| a.code == code && a.subject == subject);
    let findings = seen.document.findings.iter().enumerate();
    findings.filter(move |(_, finding)| !tried(&finding.code, &finding.subject)).map(|(index, _)| index)
}

fn place(seen: &Seen, attempt: &Attempt) -> Option<usize> {
    let same = |finding: &Finding| finding.code == attempt.code && finding.subject == attempt.subject;
    seen.document.findings.iter().position(same)
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

/// Checks again, applies these fixes, and checks once more. What was not come to is in no attempt.
fn try_together(
    context: &Context<'_>,
    deployment: &'static Deployment,
    flags: &Change,
    look: &dyn Fn() -> Result<Seen, Error>,
    tries: Vec<Try>,
    before: Seen,
) -> Result<(Seen, Vec<Attempt>), Error> {
    let mut ended: Vec<Attempt> = Vec::new();
    let mut wanted: Vec<(Try, Consent)> = Vec::new();
    for Try { mut attempt, candidate } in tries {
        if !context.system.is_root() {
            attempt.refuse("needs root; nothing was changed");
            ended.push(attempt);
            continue;
        }
        let one = Try { attempt, candidate };
        // Nobody is asked for what is refused anyway.
        if !flags.yes
            && let Err(Some(why)) = unconfirmed(&before, &one)
        {
            attempt = one.attempt;
            attempt.refuse(&why);
            ended.push(attempt);
            continue;
        }
        let Try { mut attempt, candidate } = one;
        let why = place(&before, &attempt).map(|index| before.document.findings[index].reasons(&candidate.facts));
        let why = why.unwrap_or_default();
        match consent::obtain(context.deadline(), &attempt.title, candidate.fix.risk, flags.yes, &why) {
            Ok(consent) => wanted.push((Try { attempt, candidate }, consent)),
            Err(error) => {
                attempt.refuse(&error.message);
                ended.push(attempt);
            }
        }
    }
    if wanted.is_empty() {
        return Ok((before, ended));
    }
    let titles: Vec<&str> = wanted.iter().map(|(one, _)| one.attempt.title.as_str()).collect();
    let name = format!("{} (diagnose --fix)", titles.join("; "));
    let ((again, applied), _) = change::held(context, deployment, &name, flags, |lock| {
        // It may have gone away by itself while it was waited for an answer, or for the lock.
        let again = look()?;
        let mut confirmed = Vec::new();
        for (mut one, consent) in wanted {
            match unconfirmed(&again, &one) {
                Ok(()) => confirmed.push((one, consent)),
                Err(None) => ended.push(Attempt { outcome: FixOutcome::Gone, ..one.attempt }),
                Err(Some(why)) => {
                    one.attempt.refuse(&why);
                    ended.push(one.attempt);
                }
            }
        }
        if confirmed.iter().any(|(one, _)| one.candidate.fix.risk >= Risk::Disruptive)
            && let Err(error) = mend::keep_evidence(context.system, &again.document)
        {
            context.ui.note(&format!("the evidence could not be kept in {}: {error}", mend::EVIDENCE));
        }
        for (one, _) in &confirmed {
            context.ui.progress(&format!("{}: {}", one.attempt.subject, one.attempt.title));
        }
        let applied = apply(context, deployment, confirmed, lock)?;
        Ok((again, applied))
    })?;
    if applied.is_empty() {
        return Ok((again, ended));
    }
    let mut after = look()?;
    // What a command starts may take a moment to come up; services were watched by the verb itself.
    let until = Instant::now() + context.within(COMING_UP);
    while applied.iter().any(|(one, _)| matches!(one.candidate.fix.remedy, Remedy::Command(_)))
        && !new_fails(&again, &after).is_empty()
        && Instant::now() < until
    {
        thread::sleep(POLL_FIX);
        after = look()?;
    }
    let new = new_fails(&again, &after);
    // What is wrong with the same subject in another way is the old trouble in another dress.
    let subjects: Vec<String> = applied.iter().map(|(one, _)| one.attempt.subject.clone()).collect();
    let elsewhere = new.iter().any(|(_, subject)| !subjects.contains(subject));
    let is_unclear = after.document.undetermined.len() > again.document.undetermined.len();
    for (Try { mut attempt, candidate }, trouble) in applied {
        let own = |(_, subject): &&(String, String)| *subject == attempt.subject;
        let gone = place(&after, &attempt).is_none() && !new.iter().any(|new| own(&new));
        attempt.outcome = match (gone, elsewhere) {
            (_, true) => FixOutcome::Worse,
            (false, false) => FixOutcome::Unchanged,
            (true, false) if is_unclear => FixOutcome::Unclear,
            (true, false) => FixOutcome::Fixed,
        };
        let told: Vec<String> = new
            .iter()
            .filter(|new| elsewhere || own(new))
            .map(|(code, subject)| format!("{code} at {subject}"))
            .collect();
        attempt.summary = match (trouble, told.as_slice()) {
            (Some(trouble), _) => Some(trouble),
            (None, []) if attempt.outcome == FixOutcome::Unchanged => ruled_out(&candidate.fix.remedy),
            (None, []) => None,
            (None, told) => Some(format!("new: {}", told.join(", "))),
        };
        ended.push(attempt);
    }
    Ok((after, ended))
}

/// Whether a fix is still what helps, by what is seen now.
///
/// # Errors
/// Why nothing is to be changed; `None` when the finding is gone.
fn unconfirmed(again: &Seen, one: &Try) -> Result<(), Option<String>> {
    let Some(index) = place(again, &one.attempt) else { return Err(None) };
    let now = again.remedies[index].as_ref();
    let other = now.is_none_or(|now| !std::ptr::eq(now.fix, one.candidate.fix));
    let why = match now.and_then(|candidate| candidate.unconfirmed.clone()) {
        Some(why) => why,
        // By now it may be known that this changes nothing.
        None if other => {
            let why = again.document.findings[index].no_restart.clone();
            why.unwrap_or_else(|| "it is not what helps here, as the second check shows".to_owned())
        }
        None => return Ok(()),
    };
    let starts = matches!(one.candidate.fix.remedy, Remedy::Start | Remedy::Command(_));
    let not_done = if starts { "not done" } else { "not restarted" };
    Err(Some(format!("{not_done}: {why}; nothing was changed")))
}

/// What it rules out that a fix did not help.
fn ruled_out(remedy: &Remedy) -> Option<String> {
    let words = match remedy {
        Remedy::Restart | Remedy::RestartOf(_) => {
            "the new process fails too: the cause is its configuration, its data or a service that it needs, not a \
             hang or a leak of the old process"
        }
        Remedy::Start => "it was started and did not stay up: the stop was not the cause",
        Remedy::Reload | Remedy::ReloadOf(_) => {
            "it reloaded its configuration and still fails: old settings are not the cause"
        }
        Remedy::Command(_) | Remedy::Manual(_) => return None,
    };
    Some(words.to_owned())
}

/// Applies these fixes. Each that was begun, and why it failed, where it did.
fn apply(
    context: &Context<'_>,
    deployment: &'static Deployment,
    fixes: Vec<(Try, Consent)>,
    lock: &mut Lock,
) -> Result<Vec<(Try, Option<String>)>, Error> {
    let mut fixes = fixes;
    let Some((first, consent)) = fixes.first() else { return Ok(Vec::new()) };
    let Some((kind, _)) = operation(&first.candidate) else {
        let trouble = match &first.candidate.fix.remedy {
            Remedy::Command(words) => match words.first() {
                Some(program) => {
                    let argv = Argv::new(program, first.attempt.argv.iter().skip(1).cloned());
                    mend::command(context, deployment, &argv, &first.attempt.subject, consent, lock)?
                }
                None => Some("has no command".to_owned()),
            },
            Remedy::Manual(_) => Some("is for a person".to_owned()),
            _ => Some("is about no service".to_owned()),
        };
        return Ok(fixes.into_iter().take(1).map(|(one, _)| (one, trouble.clone())).collect());
    };
    let services = |fixes: &[(Try, Consent)]| -> Vec<&'static Service> {
        fixes.iter().filter_map(|(one, _)| Some(operation(&one.candidate)?.1)).collect()
    };
    let make = |services: &[&'static Service]| operate::make(kind, Extent::Named, context, deployment, services);
    let mut plan = make(&services(&fixes));
    // What is refused of one of them is refused of that one.
    if plan.is_err() && fixes.len() > 1 {
        fixes.truncate(1);
        plan = make(&services(&fixes));
    }
    let (plan, consent) = match (plan, fixes.first()) {
        (Ok(plan), Some((_, consent))) => (plan, consent),
        (Err(refused), _) => {
            return Ok(fixes.into_iter().map(|(one, _)| (one, Some(refused.message.clone()))).collect());
        }
        (Ok(_), None) => return Ok(Vec::new()),
    };
    // Its settle time is that of the verb itself.
    let settle = duration(SETTLE).unwrap_or_default();
    let result = run::run(context, deployment, &plan, consent, lock, settle)?;
    let told = |(one, _): (Try, Consent)| {
        let service = operation(&one.candidate)?.1;
        let done = result.done.iter().find(|done| done.service.name == service.name);
        match done.map(|done| &done.end) {
            None | Some(run::ChangeEnd::Well(_)) => Some((one, None)),
            // It is tried by itself later.
            Some(run::ChangeEnd::NotTried) => None,
            Some(end) => Some((one, Some(format!("{}: {}", service.name, end.summary())))),
        }
    };
    Ok(fixes.into_iter().filter_map(told).collect())
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
