//! Clues in files, ports, processes, the firewall, the proxy and the output of commands.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use super::case::{Case, asked, told};
use super::outcome::{Conclusion, Fact, Why};
use crate::host::tools::command::Command;
use crate::host::tools::login_file::Login;
use crate::host::trouble::Trouble;
use crate::observe::logs::stamp::{self, Clock};
use crate::observe::probe::{Answer, Reply};
use crate::program;
use crate::registry::{FileClue, Http, LineShare, Listening, Query, Question, RedisQuestion, Share, Shows};
use crate::units;
use crate::units::{age, bytes, stamp};

pub(super) fn file(case: &Case<'_>, path: &'static str, clue: &FileClue) -> Conclusion {
    if let FileClue::Contains(pattern) = clue {
        let (command, text) = match asked(case.clues.tails.get(path)) {
            Ok(found) => found,
            Err(unknown) => return unknown,
        };
        let Ok(pattern) = Regex::new(pattern) else { return Conclusion::unknown("its pattern is invalid") };
        let line = text.iter().flat_map(|text| text.lines()).rfind(|line| pattern.is_match(line));
        return match line {
            Some(line) => Conclusion::Proven(vec![Fact::new(command, crate::host::tools::excerpt(line))]),
            None if text.is_none() => Conclusion::RuledOut(vec![Fact::new(command, format!("{path} does not exist"))]),
            None => Conclusion::RuledOut(vec![Fact::new(command, format!("{path} does not contain it"))]),
        };
    }
    if let FileClue::Expired(..) = clue {
        return expired(case, path);
    }
    let (command, found) = match asked(case.clues.files.get(path)) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let Some(found) = found else {
        let holds = matches!(clue, FileClue::Missing | FileClue::NotExecutable);
        return Conclusion::when(holds, vec![Fact::new(command, format!("{path} does not exist"))]);
    };
    let old = found.changed.map(|changed| case.evidence.time.duration_since(changed));
    let (holds, says) = match clue {
        FileClue::Missing => (false, format!("{path} exists")),
        FileClue::Exists => (true, format!("{path} exists")),
        FileClue::Older(seconds) => match (old, found.changed) {
            (Some(old), Some(changed)) => {
                let says = format!("{path} was changed {} ago", age(changed, case.evidence.time));
                (old > SignedDuration::from_secs(i64::from(*seconds)), says)
            }
            (_, _) => return Conclusion::unknown(format!("{path}: its change time is unknown")),
        },
        FileClue::NotExecutable => {
            (found.is_dir || found.mode & 0o111 == 0, format!("{path} has mode {:o}", found.mode))
        }
        FileClue::Looser(mode) => (found.mode & !mode != 0, format!("{path} has mode {:o}", found.mode)),
        FileClue::OwnedByOther(user) => (found.owner != *user, format!("{path} belongs to {}", found.owner)),
        FileClue::ClosedTo(number) => {
            let wanted = if found.is_dir { 0o5 } else { 0o4 };
            let bits = match () {
                () if found.uid == *number => found.mode >> 6,
                () if found.gid == *number => found.mode >> 3,
                () => found.mode,
            };
            let says = format!("{path} belongs to {}:{}, mode {:o}", found.uid, found.gid, found.mode);
            (*number != 0 && bits & wanted != wanted, says)
        }
        FileClue::Larger(size) => (found.size > *size, format!("{path} has {}", bytes(found.size))),
        FileClue::Empty => (found.size == 0 && !found.is_dir, format!("{path} has {}", bytes(found.size))),
        FileClue::Directory => {
            (found.is_dir, format!("{path} is a {}", if found.is_dir { "directory" } else { "file" }))
        }
        FileClue::Contains(_) | FileClue::Expired(..) => return Conclusion::unknown("it was not checked"),
    };
    Conclusion::when(holds, vec![Fact::new(command, says)])
}

fn expired(case: &Case<'_>, path: &'static str) -> Conclusion {
    let (command, login) = match asked(case.clues.logins.get(path)) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let fact = |says: String| vec![Fact::new(command, says)];
    match login {
        Some(Login { until: Some(until), renewable }) if *until < case.evidence.time => {
            let ago = age(*until, case.evidence.time);
            let renewal = if *renewable { "and can be renewed" } else { "and nothing in the file renews it" };
            Conclusion::when(
                !renewable,
                fact(format!("the login in {path} expired {ago} ago, at {}, {renewal}", stamp(*until))),
            )
        }
        Some(Login { until: Some(until), .. }) => {
            Conclusion::RuledOut(fact(format!("it is valid until {}", stamp(*until))))
        }
        Some(Login { until: None, .. }) | None => Conclusion::RuledOut(fact(format!("{path} states no time"))),
    }
}

pub(super) fn leftovers(
    case: &Case<'_>,
    dir: &'static str,
    prefix: &str,
    suffix: &str,
    older_seconds: u32,
) -> Conclusion {
    let (command, entries) = match asked(case.clues.dirs.get(dir)) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let bound = units::earlier(case.evidence.time, SignedDuration::from_secs(i64::from(older_seconds)));
    let old: Vec<&str> = entries
        .iter()
        .filter(|(name, changed)| name.starts_with(prefix) && name.ends_with(suffix) && *changed < bound)
        .map(|(name, _)| name.as_str())
        .collect();
    match old.is_empty() {
        true => Conclusion::RuledOut(vec![Fact::new(command, format!("no old {prefix}*{suffix} in {dir}"))]),
        false => Conclusion::Proven(vec![Fact::new(command, format!("{dir}: {}", old.join(", ")))]),
    }
}

pub(super) fn port(case: &Case<'_>, port: u16, listening: &Listening) -> Conclusion {
    let (_, all) = match asked(case.clues.listeners.as_ref()) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let own: Vec<_> = all.iter().filter(|(other, _)| *other == port).map(|(_, owner)| owner).collect();
    let command = Command::new(["ss", "-Hltnp", &format!("sport = :{port}")]);
    let Some(first) = own.first() else {
        let holds = matches!(listening, Listening::Nobody);
        return Conclusion::when(holds, vec![Fact::new(command, format!("nothing listens on port {port}"))]);
    };
    let names = match listening {
        Listening::Nobody => return Conclusion::RuledOut(vec![Fact::new(command, format!("port {port} is open"))]),
        Listening::By(names) | Listening::NotBy(names) => names,
    };
    let Some((pid, name)) = own.iter().find_map(|owner| owner.as_ref()).or(first.as_ref()) else {
        return Conclusion::unknown(Why {
            says: format!("the process on port {port} cannot be determined (needs root)"),
            needs_root: true,
        });
    };
    let among = names.contains(&name.as_str());
    let holds = among == matches!(listening, Listening::By(_));
    Conclusion::when(holds, vec![Fact::new(command, format!("port {port} is held by {name} (pid {pid})"))])
}

pub(super) fn running(case: &Case<'_>, word: &str) -> Conclusion {
    let (_, processes) = match asked(case.clues.processes.as_ref()) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    if processes.is_empty() {
        return Conclusion::unknown("no process is visible");
    }
    let is = |argument: &String| argument == word || argument.rsplit('/').next() == Some(word);
    let command = Command::new(["pgrep", "-af", word]);
    match processes.iter().find(|(_, words)| words.iter().any(is)) {
        Some((pid, _)) => Conclusion::Proven(vec![Fact::new(command, format!("{word} runs (pid {pid})"))]),
        None => Conclusion::RuledOut(vec![Fact::new(command, format!("no {word} runs"))]),
    }
}

pub(super) fn firewall(case: &Case<'_>, port: u16) -> Conclusion {
    match asked(case.clues.firewall.as_ref()) {
        Err(unknown) => unknown,
        Ok((command, None)) => Conclusion::RuledOut(vec![Fact::new(command, "ufw is off, or allows everything")]),
        Ok((command, Some(ports))) => {
            let open = ports.contains(&port);
            let says = if open { "is allowed" } else { "is allowed by no rule" };
            Conclusion::when(!open, vec![Fact::new(command, format!("{port}/tcp {says}"))])
        }
    }
}

pub(super) fn proxy(case: &Case<'_>) -> Conclusion {
    let Some(answer) = &case.clues.routes else {
        return Conclusion::unknown("the proxy's configuration was not checked");
    };
    match &answer.result {
        Ok(_) => Conclusion::RuledOut(vec![Fact::new(&answer.command, "its configuration is valid")]),
        // What it says of a file that it does not take, and of nothing else.
        Err(Trouble::Failed(said))
            if ["adapting config", "Caddyfile:", "test failed"].iter().any(|w| said.contains(w)) =>
        {
            Conclusion::Proven(vec![Fact::new(&answer.command, said.clone())])
        }
        Err(trouble) => Conclusion::unknown(told(&answer.command, trouble)),
    }
}

pub(super) fn long_ago(case: &Case<'_>, get: &'static Http, path: &str, seconds: u32) -> Conclusion {
    let answer = case.clues.gets.iter().find(|(other, _)| std::ptr::eq(*other, get));
    let (command, reply) = match asked(answer.map(|(_, answer)| answer)) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let Reply::Http { body, .. } = reply else {
        return Conclusion::RuledOut(vec![Fact::new(command, "no HTTP answer")]);
    };
    let json: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let value = json.as_ref().and_then(|json| path.split('.').try_fold(json, |value, key| value.get(key)));
    let time = value.and_then(serde_json::Value::as_i64).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let Some(time) = time else {
        return Conclusion::unknown(format!("{command}: its answer has no time {path}"));
    };
    let old = case.evidence.time.duration_since(time) > SignedDuration::from_secs(i64::from(seconds));
    Conclusion::when(old, vec![Fact::new(command, format!("{path} was {} ago", age(time, case.evidence.time)))])
}

pub(super) fn query(case: &Case<'_>, query: &'static Query, shows: &Shows) -> Conclusion {
    let answer = case.clues.queries.iter().find(|(other, _)| std::ptr::eq(*other, query));
    shown(answer.map(|(_, answer)| answer), shows)
}

pub(super) fn output(case: &Case<'_>, question: &'static Question, shows: &Shows) -> Conclusion {
    let answer = case.clues.outputs.iter().find(|(other, _)| std::ptr::eq(*other, question));
    shown(answer.map(|(_, answer)| answer), shows)
}

pub(super) fn redis(case: &Case<'_>, question: &'static RedisQuestion, shows: &Shows) -> Conclusion {
    let answer = case.clues.redis.iter().find(|(other, _)| std::ptr::eq(*other, question));
    shown(answer.map(|(_, answer)| answer), shows)
}

/// Whether a text shows it.
fn shown(answer: Option<&Answer<String>>, shows: &Shows) -> Conclusion {
    let (command, text) = match asked(answer) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let number = || {
        let word = text.split_whitespace().find_map(|word| word.trim_matches(',').parse::<f64>().ok());
        word.ok_or_else(|| Conclusion::unknown(format!("{command}: no number in its output")))
    };
    let matching = |pattern: &str| -> Result<Option<&str>, Conclusion> {
        let pattern = Regex::new(pattern).map_err(|error| Conclusion::unknown(error.to_string()))?;
        Ok(text.lines().find(|line| pattern.is_match(line)))
    };
    let after = |word: &str| -> Result<f64, Conclusion> {
        let rest = text.lines().find_map(|line| line.strip_prefix(word));
        let number = rest.and_then(|rest| rest.trim().parse::<f64>().ok());
        number.ok_or_else(|| Conclusion::unknown(format!("{command}: no number after {word}")))
    };
    let judged = || -> Result<(bool, String), Conclusion> {
        Ok(match shows {
            Shows::Line(pattern) => match matching(pattern)? {
                Some(line) => (true, crate::host::tools::excerpt(line)),
                None => (false, "no such line".to_owned()),
            },
            Shows::NoLine(pattern) => match matching(pattern)? {
                Some(line) => (false, crate::host::tools::excerpt(line)),
                None => (true, "no such line".to_owned()),
            },
            Shows::Above(bound) => (number()? > *bound, crate::host::tools::excerpt(text.trim())),
            Shows::Below(bound) => (number()? < *bound, crate::host::tools::excerpt(text.trim())),
            Shows::Part(share) => {
                let Share { part, whole, .. } = share;
                let (used, all) = (after(part)?, after(whole)?);
                (share.is_exceeded(used, all), format!("{part}{used}, {whole}{all}"))
            }
        })
    };
    match judged() {
        Ok((holds, says)) => Conclusion::when(holds, vec![Fact::new(command, says)]),
        Err(unknown) => unknown,
    }
}

pub(super) fn lines(case: &Case<'_>, lines: &LineShare) -> Conclusion {
    let (command, text) = match asked(case.clues.tails.get(lines.file)) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let Some(text) = text else {
        return Conclusion::unknown(format!("{} does not exist", lines.file));
    };
    let Some((hits, all)) = weigh(text, lines, case.evidence.time, &case.health.in_maintenance) else {
        return Conclusion::unknown("its pattern is invalid");
    };
    let enough = hits >= lines.least && lines.share.is_exceeded(f64::from(hits), f64::from(all));
    let says = format!("{hits} of {all} lines of the last {} s", lines.seconds);
    Conclusion::when(enough, vec![Fact::new(command, says)])
}

/// How many lines are of the kind, and of how many: without opsctl's own requests, and those that a maintenance page answered.
fn weigh(
    text: &str,
    lines: &LineShare,
    now: Timestamp,
    in_maintenance: &[(Timestamp, Option<Timestamp>)],
) -> Option<(u32, u32)> {
    let (among, which) = (Regex::new(lines.share.whole).ok()?, Regex::new(lines.share.part).ok()?);
    let clock = Clock { zone: TimeZone::UTC, now };
    let since = units::earlier(now, SignedDuration::from_secs(i64::from(lines.seconds))).as_microsecond();
    // A line that was cut, or that has no time, is of no known age.
    // Such a log knows no parts of a second.
    let second = |time: Timestamp| time.as_second() * 1_000_000;
    let excused = |time: i64| {
        in_maintenance.iter().any(|(from, to)| time >= second(*from) && to.is_none_or(|to| time <= second(to)))
    };
    let counts = |time: i64| time >= since && !excused(time);
    let new = |line: &&str| {
        !program::is_own_request(line) && stamp::leading(line, &clock).is_some_and(|(time, _)| counts(time))
    };
    let counted = text.lines().filter(new).filter(|line| among.is_match(line));
    Some(counted.fold((0, 0), |(hits, all), line| (hits + u32::from(which.is_match(line)), all + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Shows;

    fn says(text: &str) -> Answer<String> {
        Answer { command: "ask".into(), result: Ok(text.to_owned()) }
    }

    #[test]
    fn a_part_is_weighed_against_the_whole_and_what_is_missing_is_unknown() {
        let memory = Shows::Part(Share::above(90).part("used:").whole("max:"));
        assert!(shown(Some(&says("used:95\nmax:100\n")), &memory).is_proven());
        assert!(shown(Some(&says("# x\nmax: 100\nused: 89\n")), &memory).is_ruled_out());
        // No bound at all.
        assert!(shown(Some(&says("used:95\nmax:0\n")), &memory).is_ruled_out());
        for unclear in ["", "used:95\n", "used:x\nmax:100\n"] {
            assert!(matches!(shown(Some(&says(unclear)), &memory), Conclusion::Unknown(_)), "{unclear:?}");
        }
        let failed = Answer { command: "ask".into(), result: Err(Trouble::Missing("psql")) };
        assert!(matches!(shown(Some(&failed), &Shows::NoLine("x")), Conclusion::Unknown(_)));
        assert!(matches!(shown(None, &Shows::NoLine("x")), Conclusion::Unknown(_)));
    }

    #[test]
    fn only_new_lines_of_the_kind_are_counted() {
        let share = Share::above(5).part(r#"" 5\d\d \d+ ""#).whole(r#"" [1-5]\d\d \d+ ""#);
        let lines = LineShare::new("/f", share).seconds(300).least(1);
        let line = |time: &str, status: u16| {
            format!("203.0.113.9 - - [22/Nov/2026:{time} +0000] \"GET / HTTP/1.1\" {status} 12 \"-\" \"curl\" rt=0.1\n")
        };
        let text = ["HTTP/1.1\" 500 12 \"-\"\n".to_owned()]
            .into_iter()
            .chain([line("04:00:00", 500), line("05:29:00", 502), line("05:29:01", 200), line("05:29:02", 404)])
            .chain([line("05:29:03", 503).replace("curl", "opsctl/9.1.0")])
            .collect::<String>();
        let now = "2026-11-22T05:30:00Z".parse().unwrap_or_default();
        assert_eq!(weigh(&text, &lines, now, &[]), Some((1, 3)));
        assert_eq!(weigh("", &lines, Timestamp::UNIX_EPOCH, &[]), Some((0, 0)));
        // What opsctl asked itself is no visitor, and what the maintenance page answered no error.
        assert_eq!(weigh(&text.replace("\"-\"", "\"opsctl/0.1.0\""), &lines, now, &[]), Some((0, 0)));
        assert_eq!(weigh(&text, &lines, now, &[(Timestamp::UNIX_EPOCH, None)]), Some((0, 0)));
        assert_eq!(weigh(&text, &lines, now, &[(Timestamp::UNIX_EPOCH, Some(Timestamp::UNIX_EPOCH))]), Some((1, 3)));
    }
}
