//! What services answer, held against what was wanted of them.

use std::borrow::Cow;

use regex::Regex;
use serde_json::Value;

use super::case::{Case, Subject, told};
use super::outcome::{Conclusion, Fact, Why};
use super::second;
use crate::host::protocol::postgres::Greeting;
use crate::host::tools::command::Command;
use crate::judge::health;
use crate::observe::probe::{Answer, Reply};
use crate::registry::{Condition, Heard, Share, Verdict};
use crate::units::stamp;

/// What a service answered.
pub(super) fn reply(case: &Case<'_>, subject: Subject<'_>, wanted: &Heard) -> Conclusion {
    let replies = &case.evidence.replies[subject.index];
    if subject.service.probes.is_empty() {
        let command = Command::own(["explain", subject.service.name]);
        return Conclusion::RuledOut(vec![Fact::new(command, "it has no probe")]);
    }
    let judged = health::judge_replies(subject.service, subject.index, case.evidence);
    let outcomes = judged.into_iter().zip(replies).map(|(check, answer)| {
        if matches!(wanted, Heard::Bad) {
            let silent = matches!(answer.result, Ok(Reply::Silent(_)));
            let fact = Fact::new(&check.command, format!("{}: {}", check.source, check.summary));
            return match check.verdict {
                Verdict::Unknown => Conclusion::unknown(Why::of(&check)),
                verdict => Conclusion::when(verdict == Verdict::Fail && !silent, vec![fact]),
            };
        }
        heard(answer, wanted)
    });
    match Conclusion::any(outcomes) {
        // What its processes are short of goes with that.
        Conclusion::Proven(mut facts) if matches!(wanted, Heard::Silence) => {
            facts.extend(second::strained(case, subject));
            Conclusion::Proven(facts)
        }
        other => other,
    }
}

/// Whether an answer is what a clue wants to hear.
pub(super) fn heard(answer: &Answer<Reply>, wanted: &Heard) -> Conclusion {
    let reply = match &answer.result {
        Ok(reply) => reply,
        Err(trouble) => return Conclusion::unknown(told(&answer.command, trouble)),
    };
    let (holds, says) = match (wanted, reply) {
        (Heard::Silence, Reply::Silent(why)) => (true, why.clone()),
        (Heard::Status(codes), Reply::Http { status, .. }) => (codes.contains(status), shown(reply)),
        (Heard::Body(condition), Reply::Http { body, .. }) => {
            let json: Option<Value> = serde_json::from_str(body).ok();
            let holds = json.as_ref().is_some_and(|json| condition_holds(json, condition));
            (holds, shown(reply))
        }
        (Heard::Above(path, bound), Reply::Http { body, .. }) => {
            let json: Option<Value> = serde_json::from_str(body).ok();
            let keys: Vec<&str> = path.split('.').collect();
            let highest = json.as_ref().and_then(|json| highest(json, &keys));
            match highest {
                Some(number) => (number > f64::from(*bound), format!("{path} is {number}")),
                None => return Conclusion::unknown(format!("{}: its answer has no number {path}", answer.command)),
            }
        }
        (Heard::Part(share), Reply::Http { body, .. }) => {
            let Share { part, whole, .. } = share;
            let json: Option<Value> = serde_json::from_str(body).ok();
            let at = |path: &str| highest(json.as_ref()?, &path.split('.').collect::<Vec<_>>());
            match (at(part), at(whole)) {
                (Some(some), Some(all)) => {
                    (share.is_exceeded(some, all), format!("{part} is {some}, {whole} is {all}"))
                }
                (_, _) => {
                    return Conclusion::unknown(format!("{}: its answer has no {part} and {whole}", answer.command));
                }
            }
        }
        (Heard::Text(pattern), other) => match (Regex::new(pattern), text_of(other)) {
            (Ok(pattern), Some(text)) => (pattern.is_match(&text), crate::host::tools::excerpt(&text)),
            (_, _) => (false, shown(other)),
        },
        (
            Heard::Silence | Heard::Status(_) | Heard::Body(_) | Heard::Above(..) | Heard::Part(_) | Heard::Bad,
            other,
        ) => (false, shown(other)),
    };
    // What the expression calls `thing` is at fault.
    let thing = match (wanted, text_of(reply)) {
        (Heard::Text(pattern), Some(text)) if holds => Regex::new(pattern).ok().and_then(|pattern| {
            let found = pattern.captures(&text)?.name("thing")?;
            Some(crate::host::tools::excerpt(found.as_str()))
        }),
        (_, _) => None,
    };
    let fact = Fact::new(&answer.command, says);
    Conclusion::when(holds, vec![Fact { thing, ..fact }])
}

fn condition_holds(json: &Value, condition: &Condition) -> bool {
    let at = |path: &str| path.split('.').try_fold(json, |value, key| value.get(key));
    let printed = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match condition {
        Condition::Is(path, wanted) => at(path).is_some_and(|value| printed(value) == *wanted),
        Condition::Exists(path) => at(path).is_some(),
        Condition::AtMost(path, bound) => at(path).and_then(Value::as_f64).is_some_and(|n| n <= f64::from(*bound)),
    }
}

fn highest(json: &Value, keys: &[&str]) -> Option<f64> {
    let Some((first, rest)) = keys.split_first() else { return json.as_f64() };
    let highest = |values: &mut dyn Iterator<Item = &Value>| {
        values
            .filter_map(|value| self::highest(value, rest))
            .fold(None, |best: Option<f64>, n| Some(best.map_or(n, |b| b.max(n))))
    };
    match (first, json) {
        (&"*", Value::Object(map)) => highest(&mut map.values()),
        (&"*", Value::Array(list)) => highest(&mut list.iter()),
        (key, json) => self::highest(json.get(key)?, rest),
    }
}

fn text_of(reply: &Reply) -> Option<Cow<'_, str>> {
    match reply {
        Reply::Http { body, .. } => Some(body.into()),
        Reply::Line(line) => Some(line.into()),
        Reply::Postgres(Greeting::Refusing { code, message }) => Some(format!("{code} {message}").into()),
        Reply::Silent(why) => Some(why.into()),
        Reply::Mongo(_) | Reply::Connection(_) => Some(shown(reply).into()),
        Reply::Postgres(Greeting::Authenticating) | Reply::Engine(_) | Reply::LogLine(_) => None,
    }
}

fn shown(reply: &Reply) -> String {
    match reply {
        Reply::Silent(why) => why.clone(),
        Reply::Http { status, body } => {
            let body = crate::host::tools::excerpt(body.lines().next().unwrap_or_default());
            if body.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {body}") }
        }
        Reply::Line(line) => crate::host::tools::excerpt(line),
        Reply::Postgres(Greeting::Authenticating) => "accepting connections".to_owned(),
        Reply::Postgres(Greeting::Refusing { message, .. }) => crate::host::tools::excerpt(message),
        Reply::Mongo(hello) => match (hello.ok, hello.writable_primary) {
            (true, true) => "primary".to_owned(),
            (true, false) => "no primary".to_owned(),
            (false, _) => "answers hello with an error".to_owned(),
        },
        Reply::Connection(did) => did.to_string(),
        Reply::Engine(_) => "answers".to_owned(),
        Reply::LogLine(Some(time)) => format!("last written {}", stamp(*time)),
        Reply::LogLine(None) => "not written recently".to_owned(),
    }
}
