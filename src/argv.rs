//! The words of the command line before they are parsed.

use std::ffi::OsString;

use crate::error::{Code, Error, LIKELY, nearest};
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

/// Forms of output that one verb alone has: the verb, the word behind `-o`, and the flag that it is to the parser.
const FORMS: &[(&str, &str, &str)] =
    &[("discover", "rust", "--rust"), ("check", "nagios", "--nagios"), ("check", "prom", "--prom")];

/// The words as the parser takes them.
pub fn joined(words: Vec<String>) -> Vec<String> {
    match () {
        () if words.iter().any(|word| word == "logs") => with_boot(words),
        () if words.iter().any(|word| FORMS.iter().any(|(verb, ..)| word == verb)) => with_forms(words),
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

/// `check -o prom` is `check --prom`: a form that this verb alone has is a flag of it.
fn with_forms(words: Vec<String>) -> Vec<String> {
    let own: Vec<_> = FORMS.iter().filter(|(verb, ..)| words.iter().any(|word| word == verb)).collect();
    let mut found: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let is_value = found.last().is_some_and(|flag| matches!(flag.as_str(), "-o" | "--output"));
        let form = own.iter().find(|(_, form, _)| if is_value { word == *form } else { attached(&word) == Some(form) });
        if form.is_some() && is_value {
            found.pop();
        }
        found.push(form.map_or(word, |(.., flag)| (*flag).to_owned()));
    }
    found
}

/// The value of `-oVALUE`, `-o=VALUE` or `--output=VALUE`.
fn attached(word: &str) -> Option<&str> {
    let value = word.strip_prefix("--output=").or_else(|| word.strip_prefix("-o"))?;
    Some(value.strip_prefix('=').unwrap_or(value))
}

/// What to type instead where the form that is asked for is that of another verb, or nearly one of this verb's own: `check -o prom`.
pub fn form_meant(words: &[String]) -> Option<String> {
    let pairs = words.iter().zip(words.iter().skip(1));
    let apart = pairs.filter(|(flag, _)| matches!(flag.as_str(), "-o" | "--output")).map(|(_, value)| value.as_str());
    let asked: Vec<&str> = words.iter().filter_map(|word| attached(word)).chain(apart).collect();
    let own = FORMS.iter().filter(|(verb, ..)| words.iter().any(|word| word == verb));
    let own: Vec<&str> = own.map(|(_, form, _)| *form).collect();
    let likely = || asked.iter().find_map(|asked| nearest(asked, &own, LIKELY));
    let form = FORMS.iter().map(|(_, form, _)| *form).find(|form| asked.contains(form)).or_else(likely)?;
    FORMS.iter().find(|(_, known, _)| *known == form).map(|(verb, form, _)| format!("{verb} -o {form}"))
}

/// Whether a monitoring system runs this as a plugin, `check -o nagios`: it reads any failure from stdout and from its own exit codes.
pub fn is_plugin(args: &[OsString]) -> bool {
    let words = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    joined(words).iter().any(|word| word == "--nagios")
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
    fn some_forms_are_those_of_one_verb() {
        let line = |text: &str| joined(text.split(' ').map(str::to_owned).collect()).join(" ");
        for (verb, form) in [("discover", "rust"), ("check", "nagios"), ("check", "prom")] {
            for flag in ["-o ", "--output ", "-o", "-o=", "--output="] {
                let typed = format!("opsctl -d prim {verb} {flag}{form} wallet");
                assert_eq!(line(&typed), format!("opsctl -d prim {verb} --{form} wallet"), "{typed}");
            }
        }
        for other in ["status -o rust", "check -o rust", "discover -o prom", "discover -o json", "check nagios -o text"]
        {
            let typed = format!("opsctl {other}");
            assert_eq!(line(&typed), typed);
        }
    }

    #[test]
    fn a_form_leads_to_its_verb() {
        let meant = |text: &str| form_meant(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for (typed, expected) in [
            ("status -o prom", Some("check -o prom")),
            ("-o=nagios status", Some("check -o nagios")),
            ("check -orust", Some("discover -o rust")),
            ("status --output=prom wallet", Some("check -o prom")),
            ("status -o jsn", None),
            ("check -o nagois", Some("check -o nagios")),
            ("check -o=prm", Some("check -o prom")),
            ("check -o jsn", None),
            ("restart prom", None),
        ] {
            assert_eq!(meant(typed).as_deref(), expected, "{typed}");
        }
    }

    #[test]
    fn a_plugin_is_known_before_its_words_are_parsed() {
        let plugin = |text: &str| is_plugin(&text.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(plugin("opsctl check -o nagios --nonsense"));
        assert!(plugin("opsctl -onagios -d prim check"));
        assert!(!plugin("opsctl check -o prom"));
        assert!(!plugin("opsctl status -o nagios"));
    }
}
