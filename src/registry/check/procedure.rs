//! Procedures: what must hold of each before it may exist.

mod braces;

use super::record::{Message, Record};
use super::release::is;
use crate::registry::*;
use braces::{confidential, is_parameter, key_edit, known, secrets, texts};

/// Flags that `opsctl run` has by itself.
pub(crate) const FLAGS: &[&str] = &[
    "answer",
    "color",
    "deployment",
    "discard",
    "dry-run",
    "from",
    "help",
    "host",
    "json",
    "lock-wait",
    "no-headers",
    "output",
    "quiet",
    "resume",
    "settle",
    "status",
    "timeout",
    "undo",
    "undo-on-failure",
    "utc",
    "verbose",
    "version",
    "yes",
];

/// All procedures of a deployment.
pub(super) const fn procedures(all: &[&Procedure], d: &Deployment) {
    let mut i = 0;
    while i < all.len() {
        let mut j = 0;
        while j < i {
            if is(all[i].slug, all[j].slug) {
                Record::new("procedure", all[i].slug).refuse("slug", "is that of another procedure");
            }
            j += 1;
        }
        procedure(all[i], d);
        i += 1;
    }
}

const fn procedure(p: &Procedure, d: &Deployment) {
    let me = Record::new("procedure", p.slug);
    me.name();
    me.text("summary", p.summary);
    me.text("section", p.section);
    me.text("when", p.when);
    if p.steps.is_empty() {
        me.refuse("steps", "there is none");
    }
    let mut i = 0;
    while i < p.parameters.len() {
        let parameter = &p.parameters[i];
        Record::new("parameter", parameter.name).name();
        Record::new("parameter", parameter.name).text("help", parameter.help);
        let mut r = 0;
        while r < FLAGS.len() {
            if is(parameter.name, FLAGS[r]) {
                Record::new("parameter", parameter.name).refuse("name", "is a flag of opsctl run");
            }
            r += 1;
        }
        if parameter.default.is_none() && i > 0 && p.parameters[i - 1].default.is_some() {
            Record::new("parameter", parameter.name).refuse("default", "is missing behind one that has a default");
        }
        i += 1;
    }
    secrets(p);
    let (mut i, mut changes, mut has_copy) = (0, false, false);
    while i < p.steps.len() {
        let one = &p.steps[i];
        let mut j = 0;
        while j < i {
            if is(one.name, p.steps[j].name) {
                Record::new("step", one.name).refuse("name", "is that of another step");
            }
            j += 1;
        }
        step(one, p, d, has_copy);
        stopped_needs(p.steps, i);
        has_copy = has_copy || one.keeps_a_copy;
        changes = changes || one.is_change();
        i += 1;
    }
    let reboots = matches!(p.steps[p.steps.len() - 1].kind, StepKind::Reboot);
    if changes && p.done.is_empty() && !reboots {
        me.refuse("done", "is empty, but it changes something");
    }
    let mut i = 0;
    while i < p.done.len() {
        assertion(&p.done[i], p, me, "done");
        i += 1;
    }
}

const fn step(s: &Step, p: &Procedure, d: &Deployment, has_copy: bool) {
    let me = Record::new("step", s.name);
    me.name();
    me.text("title", s.title);
    texts(me, "title", s.title, p);
    let needs_proof = match &s.kind {
        StepKind::Check(check, otherwise) => {
            assertion(check, p, me, "check");
            me.text("otherwise", otherwise);
            texts(me, "otherwise", otherwise, p);
            false
        }
        StepKind::Show(i) => {
            invocation(i, p, me);
            false
        }
        StepKind::Command(i) => {
            invocation(i, p, me);
            true
        }
        StepKind::Services(_, services) => {
            if services.is_empty() {
                me.refuse("services", "there is none");
            }
            false
        }
        StepKind::Ask { place, answer } => {
            me.text("place", place);
            me.word("answer", answer);
            false
        }
        StepKind::Wait(wait, seconds) => {
            assertion(wait, p, me, "wait");
            if *seconds == 0 {
                me.refuse("seconds", "is 0");
            }
            false
        }
        StepKind::Backup(sets) => {
            if sets.is_empty() {
                me.refuse("sets", "there is none");
            }
            let mut i = 0;
            while i < sets.len() {
                if !is_set(d.backups, sets[i]) {
                    Message::of(me, "sets").add(sets[i]).add(" is no backup set of the deployment").refuse();
                }
                i += 1;
            }
            false
        }
        StepKind::Restore(set, parameter) => {
            if !is_set(d.backups, set) {
                Message::of(me, "set").add(set).add(" is no backup set of the deployment").refuse();
            }
            if let Some(parameter) = parameter {
                known(parameter, p, me, "parameter");
            }
            false
        }
        StepKind::Keys(edits) => {
            if edits.is_empty() {
                me.refuse("keys", "there is none");
            }
            let mut i = 0;
            while i < edits.len() {
                key_edit(&edits[i], p, me);
                i += 1;
            }
            false
        }
        StepKind::Request(request) => {
            me.path("path", request.path);
            texts(me, "path", request.path, p);
            texts(me, "body", request.body, p);
            if !is(request.method, "POST") && !is(request.method, "DELETE") {
                me.refuse("method", "is neither POST nor DELETE");
            }
            true
        }
        StepKind::Reclaim(name) => {
            if !is_parameter(p.parameters, name.as_bytes(), 0, name.len()) {
                me.refuse("parameter", "is none of the procedure");
            }
            true
        }
        StepKind::Reboot => false,
    };
    if needs_proof && s.proof.is_none() {
        me.refuse("proof", "is missing");
    }
    let undoes = matches!(s.kind, StepKind::Command(_) | StepKind::Request(_));
    if undoes && matches!(s.undo, Undo::Nothing) {
        me.refuse("undo", "is missing");
    }
    if s.risk as u8 == Risk::Destructive as u8
        && !has_copy
        && !matches!(s.kind, StepKind::Reclaim(_) | StepKind::Restore(..))
    {
        me.refuse("risk", "is destructive, and no step before it keeps a copy");
    }
    if s.risk as u8 == Risk::ReadOnly as u8 && s.is_change() {
        me.refuse("risk", "is read-only, but it changes something");
    }
    match &s.undo {
        Undo::Command(i) => invocation(i, p, me),
        Undo::Never(why) => me.text("undo", why),
        Undo::Again => match &s.kind {
            StepKind::Command(_) => {}
            StepKind::Services(change, _) if !matches!(change, ServiceChange::Stop) => {}
            _ => me.refuse("undo", "does again what starts nothing"),
        },
        Undo::Nothing | Undo::Automatic => {}
    }
    if let Some(only_if) = &s.only_if {
        assertion(only_if, p, me, "only_if");
    }
    if let Some(proof) = &s.proof {
        assertion(proof, p, me, "proof");
    }
}

/// What is started or restarted must not need what was stopped before and not started again.
const fn stopped_needs(steps: &[Step], at: usize) {
    let StepKind::Services(change, services) = &steps[at].kind else { return };
    if matches!(change, ServiceChange::Stop) {
        return;
    }
    let mut i = 0;
    while i < services.len() {
        let mut n = 0;
        while n < services[i].needs.len() {
            let need = services[i].needs[n].name;
            if !lists(services, need) && is_stopped(steps, at, need) {
                Message::of(Record::new("step", steps[at].name), "services")
                    .add(services[i].name)
                    .add(" needs ")
                    .add(need)
                    .add(", which a step before stopped")
                    .refuse();
            }
            n += 1;
        }
        i += 1;
    }
}

/// Whether the last step before that one which changes the service stops it.
const fn is_stopped(steps: &[Step], before: usize, name: &str) -> bool {
    let (mut i, mut stopped) = (0, false);
    while i < before {
        if let StepKind::Services(change, services) = &steps[i].kind
            && lists(services, name)
        {
            stopped = matches!(change, ServiceChange::Stop);
        }
        i += 1;
    }
    stopped
}

const fn lists(services: &[&Service], name: &str) -> bool {
    let mut i = 0;
    while i < services.len() {
        if is(services[i].name, name) {
            return true;
        }
        i += 1;
    }
    false
}

const fn is_set(sets: &[BackupSet], name: &str) -> bool {
    let mut i = 0;
    while i < sets.len() {
        if is(sets[i].name, name) {
            return true;
        }
        i += 1;
    }
    false
}

const fn invocation(v: &Invocation, p: &Procedure, me: Record<'_>) {
    if v.words.is_empty() {
        me.refuse("command", "is empty");
    }
    me.word("command", v.words[0]);
    if is(v.words[0], "sh") || is(v.words[0], "bash") || is(v.words[0], "opsctl") {
        me.refuse("command", "is a shell or opsctl itself");
    }
    if v.seconds == 0 {
        me.refuse("seconds", "is 0");
    }
    let mut i = 0;
    while i < v.words.len() {
        texts(me, "command", v.words[i], p);
        i += 1;
    }
    if let Some(input) = v.input {
        confidential(me, "input", input, p);
    }
}

const fn assertion(a: &Assertion, p: &Procedure, me: Record<'_>, field: &str) {
    match a {
        Assertion::Healthy(_) | Assertion::Stopped(_) => {}
        Assertion::Exists(path) => texts(me, field, path, p),
        Assertion::Installed(program) => me.word(field, program),
        Assertion::Command(i) => {
            invocation(i, p, me);
            match i.means {
                Some((holds, fails)) => {
                    me.text("means", holds);
                    me.text("means", fails);
                    texts(me, "means", holds, p);
                    texts(me, "means", fails, p);
                }
                None => me.refuse("means", "is missing"),
            }
        }
        Assertion::Foreign(name) | Assertion::IsIpv6(name) => known(name, p, me, field),
        Assertion::Free(path, name) => {
            texts(me, field, path, p);
            known(name, p, me, field);
        }
        Assertion::Answers(_, path, _) => {
            me.path(field, path);
            texts(me, field, path, p);
        }
        Assertion::Not(inner) => assertion(inner, p, me, field),
        Assertion::All(all) | Assertion::Any(all) => {
            if all.is_empty() {
                me.refuse(field, "is about nothing");
            }
            let mut i = 0;
            while i < all.len() {
                assertion(&all[i], p, me, field);
                i += 1;
            }
        }
    }
}

/// What only a walk over the whole finds: names that mean something else as well, and patterns that are none.
pub(super) fn problems(d: &Deployment, found: &mut Vec<String>) {
    let words = |p: &Procedure| std::iter::once(p.slug).chain(p.aliases.iter().copied()).collect::<Vec<_>>();
    let all: Vec<&Procedure> = d.all_procedures().collect();
    for (i, p) in all.iter().enumerate() {
        let place = format!("{}/{}", d.name, p.slug);
        for word in words(p) {
            if all[..i].iter().any(|other| words(other).contains(&word)) {
                found.push(format!("{place}: {word} means another procedure as well"));
            }
            if d.failure(word).is_some() || d.service(word).is_some() {
                found.push(format!("{place}: {word} is a failure or a service as well"));
            }
        }
        if p.severity.is_some_and(|own| !d.severities.iter().any(|level| std::ptr::eq(*level, own))) {
            found.push(format!("{place}: its severity is not one of the deployment's"));
        }
        for s in p.steps {
            if let StepKind::Services(_, services) = &s.kind
                && let Some(other) = services.iter().find(|s| !d.services.iter().any(|own| std::ptr::eq(*own, **s)))
            {
                found.push(format!("{place}: step {}: {} is no service of the deployment", s.name, other.name));
            }
            let mut patterns = Vec::new();
            let assertions = s.only_if.iter().chain(s.proof.iter()).chain(match &s.kind {
                StepKind::Check(one, _) | StepKind::Wait(one, _) => Some(one),
                _ => None,
            });
            assertions.for_each(|one| expected(one, &mut patterns));
            if let StepKind::Command(one) | StepKind::Show(one) = &s.kind {
                patterns.extend(one.expects);
            }
            let sample = |kind: ParameterKind| match kind {
                ParameterKind::Number { .. } | ParameterKind::Size | ParameterKind::Duration => "1",
                _ => "x",
            };
            let filled = |pattern: &str| {
                let fill = |text: String, one: &Parameter| text.replace(&format!("{{{}}}", one.name), sample(one.kind));
                p.parameters.iter().fold(pattern.to_owned(), fill)
            };
            let wrong = patterns.iter().filter_map(|pattern| regex::Regex::new(&filled(pattern)).err());
            found.extend(wrong.map(|error| format!("{place}: step {}: {error}", s.name)));
        }
    }
}

/// The regular expressions of an assertion. Parameters in them are replaced by words without a meaning of their own.
fn expected(a: &Assertion, into: &mut Vec<&'static str>) {
    match a {
        Assertion::Command(i) => into.extend(i.expects),
        Assertion::Answers(_, _, pattern) => into.push(pattern),
        Assertion::Not(inner) => expected(inner, into),
        Assertion::All(all) | Assertion::Any(all) => all.iter().for_each(|one| expected(one, into)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
