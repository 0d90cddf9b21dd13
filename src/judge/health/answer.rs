//! What a service said of itself, against what the registry expects it to say.

use jiff::Timestamp;
use serde_json::Value;

use super::{Check, ailment};
use crate::host::protocol::postgres::Greeting;
use crate::host::tools::excerpt;
use crate::observe::probe::{Answer, Connection, ListenAddress, Reply, UnmanagedContainer};
use crate::registry::{Condition, Http, Probe, Rule, Url, Verdict};
use crate::units::age;

/// `at` is where it was asked instead of where its probe says. What is `forwarded` passes the engine of its container.
pub(super) fn judge(
    probe: &Probe,
    at: Option<&ListenAddress>,
    answer: &Answer<Reply>,
    forwarded: bool,
    now: Timestamp,
) -> Check {
    let source = source(probe, at, answer.result.as_ref().ok());
    let reply = match &answer.result {
        Ok(reply) => reply,
        Err(trouble) => return Check::unknown(source, answer, trouble),
    };
    let (verdict, summary) = match (probe, reply) {
        (_, Reply::Silent(reason)) => (Verdict::Fail, reason.clone()),
        (Probe::Http(http), Reply::Http { status, body }) => rules(http, *status, body),
        (Probe::Banner { prefix, .. }, Reply::Line(line)) => match line.starts_with(prefix) {
            true => (Verdict::Pass, "greets".to_owned()),
            false => (Verdict::Fail, format!("greets with {:?} instead of {prefix}", excerpt(line))),
        },
        (Probe::Redis { password, .. }, Reply::Line(line)) => match line.as_str() {
            "+PONG" => (Verdict::Pass, "PONG".to_owned()),
            // That it asks for one shows that it runs, and nothing of whether it takes a write.
            other if password.is_none() && other.starts_with("-NOAUTH") => (
                Verdict::Warn,
                "requires a password that the registry does not name; it runs, and no more was checked".to_owned(),
            ),
            other => (Verdict::Fail, format!("answers PING with {}", excerpt(other))),
        },
        (Probe::Postgres { .. }, Reply::Postgres(greeting)) => postgres(greeting),
        (Probe::Mongo { .. }, Reply::Mongo(hello)) => match (hello.ok, hello.writable_primary) {
            (true, true) => (Verdict::Pass, "primary".to_owned()),
            (true, false) => (Verdict::Fail, "no primary: it accepts no writes".to_owned()),
            (false, _) => (Verdict::Fail, "answers hello with an error".to_owned()),
        },
        (Probe::Any { .. }, Reply::Http { status, .. }) => of_web_server(*status),
        // The forwarder of an engine ends a connection that nobody takes in the container.
        (Probe::Any { .. }, Reply::Connection(Connection::Closed)) if forwarded => (
            Verdict::Unknown,
            "the engine takes connections and ends them: not known whether a program is behind".to_owned(),
        ),
        (Probe::Any { .. }, Reply::Connection(Connection::Read)) if forwarded => {
            (Verdict::Pass, "takes connections, answers nothing by itself".to_owned())
        }
        (Probe::Any { .. }, Reply::Connection(did)) => (Verdict::Pass, did.to_string()),
        (Probe::DockerEngine, Reply::Engine(unmanaged_containers)) => {
            let told =
                |other: &UnmanagedContainer| Some(format!("{} ({})", other.listed.identity.name, ailment(other, now)?));
            let unwell: Vec<String> = unmanaged_containers.iter().filter_map(told).collect();
            match unwell.as_slice() {
                [] => (Verdict::Pass, "answers".to_owned()),
                unwell => (Verdict::Warn, format!("unhealthy containers: {}", unwell.join(", "))),
            }
        }
        (Probe::LogLine { contains, .. }, Reply::LogLine(Some(time))) => {
            (Verdict::Pass, format!("wrote \"{contains}\" {} ago", age(*time, now)))
        }
        (Probe::LogLine { contains, within_seconds }, Reply::LogLine(None)) => {
            (Verdict::Fail, format!("has not written \"{contains}\" for {within_seconds} s"))
        }
        (_, _) => (Verdict::Unknown, "an answer to another question".to_owned()),
    };
    Check::new(source, answer, verdict, summary)
}

fn source(probe: &Probe, at: Option<&ListenAddress>, reply: Option<&Reply>) -> String {
    let at = |port: u16| at.map_or_else(|| format!(":{port}"), ToString::to_string);
    match probe {
        Probe::Http(http) => match &http.url {
            Url::Local { port, path } => format!("http {}{path}", at(*port)),
            Url::FromEnv(secret) => format!("http {}", secret.key),
        },
        Probe::Banner { port, .. } => format!("banner {}", at(*port)),
        Probe::Redis { port, .. } => format!("redis {}", at(*port)),
        Probe::Postgres { port, .. } => format!("postgres {}", at(*port)),
        Probe::Mongo { port } => format!("mongodb {}", at(*port)),
        Probe::Any { port } if matches!(reply, Some(Reply::Http { .. })) => format!("http {}/", at(*port)),
        Probe::Any { port } => format!("port {}", at(*port)),
        Probe::DockerEngine => "docker engine".to_owned(),
        Probe::LogLine { .. } => "log".to_owned(),
    }
}

/// What an answer at `/` means of which nothing was expected.
fn of_web_server(status: u16) -> (Verdict, String) {
    match Rule::OF_WEB_SERVER.iter().find(|rule| rule.status == Some(status)) {
        Some(rule) => (rule.verdict, format!("HTTP {status}: {}", rule.meaning)),
        None if status < 500 => (Verdict::Pass, format!("answers {status}")),
        None => (Verdict::Warn, format!("answers {status}")),
    }
}

fn postgres(greeting: &Greeting) -> (Verdict, String) {
    match greeting {
        Greeting::Authenticating => (Verdict::Pass, "accepting connections".to_owned()),
        Greeting::Refusing { code, message } => match code.as_str() {
            // Starting up or shutting down; out of connections, resources or disk.
            "57P03" | "57P01" | "57P02" => (Verdict::Fail, excerpt(message)),
            code if code.starts_with("53") || code.starts_with("58") || code.starts_with("XX") => {
                (Verdict::Fail, excerpt(message))
            }
            // It looked at who is asking, so it works.
            _ => (Verdict::Pass, "accepting connections".to_owned()),
        },
    }
}

fn rules(http: &Http, status: u16, body: &str) -> (Verdict, String) {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let fits =
        |rule: &&Rule| rule.status.is_none_or(|wanted| wanted == status) && misfit(rule, json.as_ref()).is_none();
    let (verdict, mut summary) = match http.rules.iter().find(fits) {
        Some(rule) if rule.verdict == Verdict::Pass => return (Verdict::Pass, rule.meaning.to_owned()),
        Some(rule) => (rule.verdict, format!("HTTP {status}: {}", rule.meaning)),
        None => {
            let near = http.rules.iter().filter(|rule| rule.status == Some(status));
            let reason = near.into_iter().find_map(|rule| misfit(rule, json.as_ref()));
            (Verdict::Fail, reason.map_or_else(|| format!("HTTP {status}"), |why| format!("HTTP {status}, but {why}")))
        }
    };
    let shown: Vec<String> = http
        .show
        .iter()
        .filter_map(|path| Some(format!("{path}={}", excerpt(&printed(at(json.as_ref()?, path)?)))))
        .filter(|shown| !summary.contains(shown.as_str()))
        .collect();
    if !shown.is_empty() {
        summary = format!("{summary} ({})", shown.join(", "));
    }
    (verdict, summary)
}

/// Why the body does not fit the rule, if it does not.
fn misfit(rule: &Rule, json: Option<&Value>) -> Option<String> {
    if rule.when.is_empty() {
        return None;
    }
    let Some(json) = json else { return Some("its body is not JSON".to_owned()) };
    rule.when.iter().find_map(|condition| match condition {
        Condition::Exists(path) => at(json, path).is_none().then(|| format!("{path} is missing")),
        Condition::Is(path, wanted) => match at(json, path).map(printed) {
            Some(found) if found == *wanted => None,
            Some(found) => Some(format!("{path} is {}, not {wanted}", excerpt(&found))),
            None => Some(format!("{path} is missing")),
        },
        Condition::AtMost(path, bound) => match at(json, path).and_then(Value::as_f64) {
            Some(found) if found <= f64::from(*bound) => None,
            Some(found) => Some(format!("{path} is {found}, above {bound}")),
            None => Some(format!("{path} is not a number")),
        },
    })
}

fn at<'v>(json: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(json, |value, key| value.get(key))
}

fn printed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
