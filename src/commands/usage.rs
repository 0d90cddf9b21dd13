//! What the parser refuses, in the form of every other error: one line, and a hint that can be typed.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{command, local};
use crate::args;
use crate::error::{Code, Error, LIKELY, nearest};
use crate::host::system::System;
use crate::host::tools::quote;
use crate::program;
use crate::registry::loaded::deployments;

/// Verbs that other tools have, and what does the same here.
const MEANT: &[(&str, &str)] = &[
    ("audit", "history"),
    ("backups", "backup list"),
    ("deploy", "redeploy"),
    ("deployments", "get deployments"),
    ("doctor", "diagnose"),
    ("down", "stop"),
    ("failures", "get failures"),
    ("fix", "diagnose --fix"),
    ("health", "status"),
    ("info", "describe"),
    ("inspect", "describe"),
    ("journal", "logs"),
    ("kill", "stop"),
    ("list", "get services"),
    ("ls", "get services"),
    ("ps", "status"),
    ("reboot", "run reboot"),
    ("repair", "diagnose --fix"),
    ("revert", "rollback"),
    ("services", "get services"),
    ("show", "describe"),
    ("tail", "logs"),
    ("top", "status --watch"),
    ("undo", "rollback"),
    ("unlock", "lock release"),
    ("up", "start"),
    ("update", "redeploy"),
    ("upgrade", "redeploy"),
    ("watch", "status --watch"),
    ("why", "diagnose"),
];

/// How many services a hint names.
const FEW: usize = 6;

/// The parser's error as one of ours; `words` are what was typed after the name.
pub fn refused(error: &clap::Error, words: &[String], system: &System) -> Error {
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        _ => String::new(),
    };
    // Of a value that is refused the parser does not name the verb.
    let help = match usage.is_empty() {
        true => program::command([&path(words).0[..], &["--help"]].concat().join(" ")),
        false => help(&usage),
    };
    if matches!(error.kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand) {
        return Error::usage(Code::Usage, "a verb is missing").hint(help);
    }
    let message = message(&error.render().to_string());
    // A value that one of our own lists has not comes with what is nearest to it.
    let (message, own) = match message.rsplit_once("; did you mean: ") {
        Some((message, meant)) => (message.to_owned(), typed(error).map(|typed| instead(typed, meant))),
        None => (message, None),
    };
    let hint = own.or_else(|| unnamed(error, words, system)).or_else(|| suggestion(error, words));
    Error::usage(Code::Usage, message).hint(hint.unwrap_or(help))
}

/// What to type where the service is missing, and which services this host has.
fn unnamed(error: &clap::Error, words: &[String], system: &System) -> Option<String> {
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else { return None };
    let is_missing = error.kind() == ErrorKind::MissingRequiredArgument;
    missing.iter().find(|argument| is_missing && argument.starts_with("<SERVICE>"))?;
    let typed: Vec<String> = words.iter().map(|word| quote(word).into_owned()).collect();
    let call = |word: &str| program::command(format_args!("{} {word}", typed.join(" ")));
    let (_, verb) = path(words);
    let mut hint = call("SERVICE");
    if verb.get_arguments().any(|argument| argument.get_id() == "all") {
        hint = format!("{hint}, or {}", call("--all"));
    }
    let here = args::meant_by(words, system).map(|deployment| local::services(deployment, system)).unwrap_or_default();
    let names: Vec<&str> = here.iter().take(FEW).map(|service| service.name).collect();
    Some(match (names.is_empty(), here.len() > FEW) {
        (true, _) => format!("{hint}; {} lists them", program::command("get services")),
        (false, true) => format!("{hint}; services: {}, …", names.join(", ")),
        (false, false) => format!("{hint}; services: {}", names.join(", ")),
    })
}

/// The parser's paragraph before its hints, as one line.
fn message(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let own = text.lines().take_while(|line| !line.is_empty());
    let lines: Vec<&str> = own.map(str::trim).collect();
    let message = match lines.split_first() {
        Some((first, rest)) if first.ends_with(':') => format!("{first} {}", rest.join(", ")),
        _ => lines.join(" "),
    };
    // What it lists of values stands in the hint where it is long.
    message.replace("the following required arguments were not provided:", "missing:")
}

/// What was meant, where that can be seen.
fn suggestion(error: &clap::Error, words: &[String]) -> Option<String> {
    if error.kind() == ErrorKind::InvalidSubcommand {
        let typed = typed(error)?;
        return verb(typed, words).map(|meant| instead(typed, &meant));
    }
    let kinds = [ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let words = kinds.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(word) => Some(word.clone()),
        // The likeliest is the last.
        ContextValue::Strings(words) => words.last().cloned(),
        _ => None,
    })?;
    Some(typed(error).map_or_else(|| format!("did you mean: {words}"), |typed| instead(typed, &words)))
}

/// The verb that somebody means by this word: what it means elsewhere, or a slip of the finger. What looks a little like it is
/// none: `health` is not `help`. A service is asked for by `status`.
pub(super) fn verb(typed: &str, words: &[String]) -> Option<String> {
    let (path, above) = path(words);
    let known: Vec<&str> = above.get_subcommands().map(clap::Command::get_name).collect();
    let likely = nearest(typed, &known, LIKELY).map(str::to_owned);
    // Below a verb the words of other tools mean nothing.
    if !path.is_empty() {
        return likely;
    }
    let meant = MEANT.iter().find(|(word, _)| word.eq_ignore_ascii_case(typed)).map(|(_, meant)| (*meant).to_owned());
    let is_service = deployments().flat_map(|d| d.services).any(|service| service.name == typed);
    meant.or(likely).or_else(|| is_service.then(|| format!("status {typed}")))
}

/// The verbs that these words begin with, without flags, and the command that they lead to.
fn path(words: &[String]) -> (Vec<&str>, clap::Command) {
    let mut at = command();
    let mut path = Vec::new();
    for word in words.iter().filter(|word| !word.starts_with('-')) {
        match at.find_subcommand(word).cloned() {
            Some(next) => {
                path.push(word.as_str());
                at = next;
            }
            // The value of a flag may stand before the verb.
            None if path.is_empty() => {}
            None => break,
        }
    }
    (path, at)
}

/// The word that the parser does not know.
fn typed(error: &clap::Error) -> Option<&str> {
    let kinds = [ContextKind::InvalidSubcommand, ContextKind::InvalidValue, ContextKind::InvalidArg];
    kinds.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(word) => Some(word.as_str()),
        _ => None,
    })
}

fn instead(typed: &str, meant: &str) -> String {
    format!("did you mean: {}", program::instead(typed, meant))
}

/// The help of the verb whose usage this is: `Usage: opsctl backup list [OPTIONS]`.
fn help(usage: &str) -> String {
    let words = usage.split_whitespace().skip_while(|word| *word == "Usage:" || *word == program::name());
    let is_verb = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let verbs: Vec<&str> = words.take_while(is_verb).collect();
    program::command([&verbs[..], &["--help"]].concat().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(line: &str) -> Error {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let all = std::iter::once("opsctl".to_owned()).chain(words.clone());
        let system = System { root: std::path::PathBuf::from("/nonexistent"), ..System::real() };
        refused(&command().try_get_matches_from(all).unwrap_err(), &words, &system)
    }

    #[test]
    fn the_parsers_errors_are_one_line_and_a_command() {
        for (line, message, hint) in [
            ("status --foo", "unexpected argument '--foo' found", "opsctl status --help"),
            ("stattus", "unrecognized subcommand 'stattus'", "did you mean: status"),
            ("backup list --foo", "unexpected argument '--foo' found", "opsctl backup list --help"),
            (
                "restart",
                "missing: <SERVICE>...",
                "opsctl restart SERVICE, or opsctl restart --all; opsctl get services lists them",
            ),
            ("describe", "missing: <SERVICE>", "opsctl describe SERVICE; opsctl get services lists them"),
            (
                "status -o jsn",
                "invalid value 'jsn' for '--output <FORMAT>' [possible values: text, wide, json, name]",
                "did you mean: json",
            ),
            ("status --timeuot 1s", "unexpected argument '--timeuot' found", "did you mean: --timeout"),
            ("explain", "missing: <NAME>", "opsctl explain --help"),
        ] {
            let error = error(line);
            assert_eq!((error.message.as_str(), error.hint.as_deref()), (message, Some(hint)), "{line}");
        }
    }

    #[test]
    fn a_refused_value_leads_to_the_help_of_its_verb() {
        for (line, help) in [
            ("logs wallet --since 25:00", "opsctl logs --help"),
            ("-o wide restart wallet --settle 5", "opsctl restart --help"),
            ("get nonsense", "opsctl get --help"),
            ("--timeout 10 lock status", "opsctl lock status --help"),
        ] {
            assert_eq!(error(line).hint.as_deref(), Some(help), "{line}");
        }
    }

    #[test]
    fn words_of_other_tools_are_understood_and_likeness_is_no_meaning() {
        for (line, meant) in [
            ("health", "did you mean: status"),
            ("services", "did you mean: get services"),
            ("list", "did you mean: get services"),
            ("fix", "did you mean: diagnose --fix"),
            ("kill wallet", "did you mean: stop"),
            ("log store", "did you mean: logs"),
            ("help restrt", "did you mean: restart"),
            ("lock aquire", "did you mean: acquire"),
            ("bogus", "opsctl --help"),
        ] {
            assert_eq!(error(line).hint.as_deref(), Some(meant), "{line}");
        }
    }

    #[test]
    fn a_word_behind_backup_may_be_a_verb_below_it() {
        for (typed, meant) in
            [("lst", Some("list")), ("verfy", Some("verify")), ("creat", Some("create")), ("wallet", None)]
        {
            assert_eq!(verb(typed, &["backup".to_owned()]).as_deref(), meant, "{typed}");
        }
    }

    #[test]
    fn what_a_word_means_is_a_verb_that_exists() {
        for (word, meant) in MEANT {
            assert!(command().find_subcommand(word).is_none(), "{word} is a verb of its own");
            let words: Vec<String> = meant.split(' ').map(str::to_owned).collect();
            assert!(!path(&words).0.is_empty(), "{word}: {meant}");
        }
    }
}
