//! What a second look tells: that a service is slow and not dead, and what its processes are short of.

use std::time::Duration;

use super::case::{Case, Subject, told};
use super::outcome::{Conclusion, Fact, Why};
use crate::host::tools::command::Command;
use crate::host::tools::procfs;
use crate::observe::clues::second::{SecondLook, Strain};
use crate::observe::probe::is_late;

/// From which part of a processor on a process keeps it to itself.
const BUSY: f64 = 0.9;

/// The places of the probes that gave no answer in time.
pub(super) fn late(case: &Case<'_>, subject: Subject<'_>) -> Vec<usize> {
    let replies = case.evidence.replies[subject.index].iter().enumerate();
    replies.filter(|(_, answer)| is_late(answer)).map(|(index, _)| index).collect()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f32())
}

fn found<'a>(case: &'a Case<'_>, subject: Subject<'_>) -> Result<&'a SecondLook, Conclusion> {
    if late(case, subject).is_empty() {
        let replies = case.evidence.replies[subject.index].iter();
        let unasked = replies.filter_map(|answer| Some(told(&answer.command, answer.result.as_ref().err()?)));
        let unasked: Vec<Why> = unasked.collect();
        return Err(if unasked.is_empty() { Conclusion::RuledOut(Vec::new()) } else { Conclusion::Unknown(unasked) });
    }
    let found = case.clues.second.get(subject.service.name);
    found.ok_or_else(|| Conclusion::unknown("the time for the second check was over"))
}

/// Whether it answers where it is waited for longer.
pub(super) fn slow(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let second = match found(case, subject) {
        Ok(second) => second,
        Err(other) => return other,
    };
    let Some((_, after, answer)) = &second.answer else {
        let command = case.evidence.replies[subject.index].first().map(|answer| answer.command.clone());
        let says = format!("no answer in {} either", seconds(second.waited));
        return Conclusion::RuledOut(vec![Fact::new(command.unwrap_or_default(), says)]);
    };
    let took = seconds(*after);
    let mut facts = vec![Fact::new(patient(&answer.command), format!("answers after {took}")).blaming(took)];
    facts.extend(strained(case, subject));
    Conclusion::Proven(facts)
}

/// The same command with the time that it takes: three seconds are too short for it.
fn patient(command: &Command) -> Command {
    let words = command.words();
    let longer = |(index, word): (usize, &String)| match index.checked_sub(1).and_then(|at| words.get(at)) {
        Some(before) if before == "-m" => "15".to_owned(),
        _ => word.clone(),
    };
    let longer: Vec<String> = words.iter().enumerate().map(longer).collect();
    if longer == words { command.clone() } else { Command::new(longer.iter().map(String::as_str)) }
}

/// Whether its processes have no descriptor or task left, or hardly any.
pub(super) fn exhausted(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let second = match found(case, subject) {
        Ok(second) => second,
        Err(other) => return other,
    };
    let short = second.strain.iter().flat_map(|strain| bounds(strain).into_iter().filter(|(near, ..)| *near));
    let facts: Vec<Fact> = short.map(|(_, fact, thing)| fact.blaming(thing)).collect();
    Conclusion::when(!facts.is_empty(), facts)
}

/// Bounds of a process, whether it is near them, and in words.
fn bounds(strain: &Strain) -> Vec<(bool, Fact, String)> {
    let Strain { pid, name, files, tasks, .. } = strain;
    let near = |(used, most): (u64, u64)| procfs::is_near(used, most);
    let mut all = Vec::new();
    if let Some((used, most)) = *files {
        let thing = format!("{used} of {most} descriptors are open");
        let command = Command::new(["grep", "open files", &format!("/proc/{pid}/limits")]);
        all.push((near((used, most)), Fact::new(command, format!("{name} (pid {pid}): {thing}")), thing));
    }
    if let Some((used, most)) = *tasks {
        let thing = format!("{used} of {most} processes and threads run");
        let command = Command::new(["ps", "-o", "nlwp,pid,comm", "-p", &pid.to_string()]);
        all.push((near((used, most)), Fact::new(command, format!("{name} (pid {pid}): {thing}")), thing));
    }
    all
}

/// What is remarkable of the processes of a service that does not answer in time.
pub(super) fn strained(case: &Case<'_>, subject: Subject<'_>) -> Vec<Fact> {
    let Some(second) = case.clues.second.get(subject.service.name) else { return Vec::new() };
    let mut facts = Vec::new();
    for strain in &second.strain {
        let Strain { pid, name, busy, state, waiting, .. } = strain;
        facts.extend(bounds(strain).into_iter().filter(|(near, ..)| *near).map(|(_, fact, _)| fact));
        let of = |says: String| {
            let number = pid.to_string();
            Fact::new(
                Command::new(["ps", "-o", "pid,stat,pcpu,comm", "-p", &number]),
                format!("{name} (pid {pid}) {says}"),
            )
        };
        if let Some(busy) = busy.filter(|busy| *busy >= BUSY) {
            facts.push(of(format!("uses {:.0} % of a processor", busy * 100.0)));
        }
        match state {
            'T' => facts.push(of("is halted by a signal (state T)".to_owned())),
            'D' => facts.push(of("waits for a disk or another device (state D)".to_owned())),
            _ => {}
        }
        if let (Some((waits, most)), Some(port)) = (waiting, subject.service.ports.first())
            && waits >= most
            && *most > 0
        {
            let filter = format!("sport = :{port}");
            let says = format!("{waits} connections wait for accept on port {port}, the limit is {most}");
            let fact = Fact::new(Command::new(["ss", "-Hltn", &filter]), says);
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        }
    }
    facts
}
