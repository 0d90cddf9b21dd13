//! What the parser refuses, in the form of every other error: one line, and a hint that can be typed.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::{Code, Error};
use crate::program;

/// The parser's error as one of ours.
pub fn refused(error: &clap::Error) -> Error {
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        _ => String::new(),
    };
    let help = help(&usage);
    if matches!(error.kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand) {
        return Error::usage(Code::Usage, "a verb is missing").hint(help);
    }
    let message = message(&error.render().to_string());
    // A value that one of our own lists has not comes with what is nearest to it.
    let (message, own) = match message.rsplit_once("; did you mean: ") {
        Some((message, meant)) => (message.to_owned(), typed(error).map(|typed| instead(typed, meant))),
        None => (message, None),
    };
    Error::usage(Code::Usage, message).hint(own.or_else(|| suggestion(error)).unwrap_or(help))
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

/// What was meant, where the parser sees that.
fn suggestion(error: &clap::Error) -> Option<String> {
    let kinds = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let words = kinds.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(word) => Some(word.clone()),
        // The likeliest is the last.
        ContextValue::Strings(words) => words.last().cloned(),
        _ => None,
    })?;
    Some(typed(error).map_or_else(|| format!("did you mean: {words}"), |typed| instead(typed, &words)))
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
    use crate::commands::command;

    #[test]
    fn the_parsers_errors_are_one_line_and_a_command() {
        for (line, message, hint) in [
            ("status --foo", "unexpected argument '--foo' found", "opsctl status --help"),
            ("stattus", "unrecognized subcommand 'stattus'", "did you mean: status"),
            ("backup list --foo", "unexpected argument '--foo' found", "opsctl backup list --help"),
            ("restart", "missing: <SERVICE>...", "opsctl restart --help"),
            (
                "status -o jsn",
                "invalid value 'jsn' for '--output <FORMAT>' [possible values: text, wide, json, name]",
                "did you mean: json",
            ),
            ("status --timeuot 1s", "unexpected argument '--timeuot' found", "did you mean: --timeout"),
            ("explain", "missing: <NAME>", "opsctl explain --help"),
        ] {
            let words = std::iter::once("opsctl").chain(line.split(' '));
            let error = refused(&command().try_get_matches_from(words).unwrap_err());
            assert_eq!((error.message.as_str(), error.hint.as_deref()), (message, Some(hint)), "{line}");
        }
    }
}
