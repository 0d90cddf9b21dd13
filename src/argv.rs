//! The words of the command line before they are parsed.

use std::ffi::OsString;

use crate::error::{Code, Error};
use crate::ui::{Format, escape};

/// Refuses words that are no text, far too long, or would drive the terminal when an error repeats them.
pub fn screen(args: impl Iterator<Item = OsString>) -> Result<Vec<String>, Error> {
    const LONGEST: usize = 4096;
    args.map(|arg| {
        let Ok(text) = arg.into_string() else {
            return Err(Error::usage(Code::BadArgument, "an argument is not valid UTF-8"));
        };
        if text.len() > LONGEST {
            let problem = format!("an argument is {} bytes long, more than {LONGEST}", text.len());
            return Err(Error::usage(Code::BadArgument, problem));
        }
        match text.chars().any(escape::is_hostile) {
            true => {
                let shown: String = escape::line(&text).chars().take(80).collect();
                Err(Error::usage(Code::BadArgument, format!("an argument contains control characters: {shown}")))
            }
            false => Ok(text),
        }
    })
    .collect()
}

/// The words as the parser takes them.
pub fn joined(words: Vec<String>) -> Vec<String> {
    match () {
        () if words.iter().any(|word| word == "logs") => with_boot(words),
        () if words.iter().any(|word| word == "discover") => with_rust(words),
        () => words,
    }
}

/// `logs -b -1`, as journalctl's users type it, is `logs -b=-1`.
fn with_boot(words: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    let mut is_over = false;
    for word in words {
        is_over |= word == "--";
        match joined.last_mut() {
            Some(flag) if !is_over && matches!(flag.as_str(), "-b" | "--boot") && word.parse::<i32>().is_ok() => {
                flag.push('=');
                flag.push_str(&word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

/// `-o rust` is a form that `discover` alone has.
fn with_rust(words: Vec<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let is_value = word == "rust" && found.last().is_some_and(|flag| matches!(flag.as_str(), "-o" | "--output"));
        if is_value {
            found.pop();
        }
        let is_whole = matches!(word.as_str(), "-orust" | "-o=rust" | "--output=rust");
        found.push(if is_value || is_whole { "--rust".to_owned() } else { word });
    }
    found
}

/// The format that these words ask for, found without parsing them, for errors about the words themselves.
pub fn wanted_format(args: &[OsString]) -> Format {
    let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let value = |index: usize, word: &str| -> Option<String> {
        let attached = match word.strip_prefix("--") {
            Some(long) => long.strip_prefix("output")?,
            // Flags without a value may stand before it: `-qojson`.
            None => word.strip_prefix('-')?.trim_start_matches(['q', 'v']).strip_prefix('o')?,
        };
        match attached.strip_prefix('=').unwrap_or(attached) {
            "" => words.get(index + 1).map(ToString::to_string),
            value => Some(value.to_owned()),
        }
    };
    let json = words.iter().any(|word| word == "--json")
        || words.iter().enumerate().any(|(index, word)| value(index, word).as_deref() == Some("json"));
    if json { Format::Json } else { Format::Text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_joined_to_its_flag() {
        let line = |text: &str| joined(text.split(' ').map(str::to_owned).collect()).join(" ");
        assert_eq!(line("opsctl logs -b -1 wallet"), "opsctl logs -b=-1 wallet");
        assert_eq!(line("opsctl logs --boot 0"), "opsctl logs --boot=0");
        assert_eq!(line("opsctl logs -b wallet"), "opsctl logs -b wallet");
        assert_eq!(line("opsctl logs -- -b -1"), "opsctl logs -- -b -1");
        assert_eq!(line("opsctl status -b -1"), "opsctl status -b -1");
    }

    #[test]
    fn rust_is_a_form_of_discover() {
        let line = |text: &str| joined(text.split(' ').map(str::to_owned).collect()).join(" ");
        for words in ["-o rust", "--output rust", "-orust", "-o=rust", "--output=rust"] {
            assert_eq!(line(&format!("opsctl discover {words}")), "opsctl discover --rust", "{words}");
        }
        assert_eq!(line("opsctl status -o rust"), "opsctl status -o rust");
        assert_eq!(line("opsctl discover -o json"), "opsctl discover -o json");
    }
}
