//! What a procedure was given: each value in the form of its parameter, checked before anything is planned.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::error::{Code, Error};
use crate::program;
use crate::registry::{Deployment, Parameter, ParameterKind, Procedure};
use crate::units::{bytes, duration, span};

/// The values of a procedure's parameters, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// In the form in which they are handed on.
    exact: BTreeMap<String, String>,
    /// As people read them: `5.0 GiB`.
    shown: BTreeMap<String, String>,
}

impl Values {
    /// Of what was given: values by flag, and words in the order of the parameters.
    ///
    /// # Errors
    /// When one is missing, is given twice, has another form, or is not a parameter.
    pub fn of(
        procedure: &Procedure,
        deployment: &Deployment,
        flags: &[(String, String)],
        words: &[String],
    ) -> Result<Self, Error> {
        let usage = |message: String| {
            Error::usage(Code::Usage, message).hint(program::command(format_args!("explain {}", procedure.slug)))
        };
        for (name, _) in flags {
            if !procedure.parameters.iter().any(|parameter| parameter.name == name) {
                return Err(usage(format!("{} takes no --{name}", procedure.slug)));
            }
        }
        let mut words = words.iter();
        let mut values = BTreeMap::new();
        for parameter in procedure.parameters {
            let flag = flags.iter().find(|(name, _)| name == parameter.name).map(|(_, value)| value.as_str());
            let given = match flag {
                Some(value) => Some(value),
                None => words.next().map(String::as_str).or(parameter.default),
            };
            let Some(given) = given else {
                return Err(usage(format!("{} needs {}: {}", procedure.slug, parameter.name, parameter.help)));
            };
            let value = parse(parameter, deployment, given)
                .map_err(|problem| usage(format!("{}: {given:?} is not {problem}", parameter.name)))?;
            values.insert(parameter.name.to_owned(), value);
        }
        match words.next() {
            Some(word) => Err(usage(format!("{} takes no further value: {word:?}", procedure.slug))),
            None => Ok(Values::kept(procedure, &values)),
        }
    }

    /// As a run before kept them.
    pub fn kept(procedure: &Procedure, values: &BTreeMap<String, String>) -> Self {
        let kind = |name: &str| procedure.parameters.iter().find(|one| one.name == name).map(|one| one.kind);
        let shown = |(name, value): (&String, &String)| {
            let number = value.parse::<u64>().ok();
            let text = match (kind(name), number) {
                (Some(ParameterKind::Size), Some(number)) => bytes(number),
                (Some(ParameterKind::Duration), Some(number)) => {
                    duration(SignedDuration::from_secs(i64::try_from(number).unwrap_or(i64::MAX)))
                }
                _ => value.clone(),
            };
            (name.clone(), text)
        };
        Values { exact: values.clone(), shown: values.iter().map(shown).collect() }
    }

    /// All of them, in the form in which they are handed on.
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.exact
    }

    /// That of a parameter; empty for what is none, which does not compile.
    pub fn get(&self, name: &str) -> &str {
        self.exact.get(name).map_or("", String::as_str)
    }

    /// An address.
    pub fn address(&self, name: &str) -> Option<IpAddr> {
        self.get(name).parse().ok()
    }

    /// The text with each parameter in braces replaced.
    pub fn fill(&self, text: &str) -> String {
        replaced(text, &self.exact, str::to_owned)
    }

    /// The same in a text for people.
    pub fn fill_text(&self, text: &str) -> String {
        replaced(text, &self.shown, str::to_owned)
    }

    /// The same in a regular expression, where values stand for themselves.
    pub fn fill_pattern(&self, pattern: &str) -> String {
        replaced(pattern, &self.exact, regex::escape)
    }

    /// The same in a JSON document, where values are parts of strings. `{NAME.end}` is when a span of time that begins now is over.
    pub fn fill_json(&self, text: &str, now: Timestamp) -> String {
        let end = |(name, value): (&String, &String)| {
            let span = value.parse().ok().map(SignedDuration::from_secs)?;
            Some((format!("{name}.end"), now.checked_add(span).ok()?.to_string()))
        };
        let ends: BTreeMap<String, String> = self.exact.iter().filter_map(end).collect();
        let dated = replaced(text, &ends, str::to_owned);
        replaced(&dated, &self.exact, |value| {
            let quoted = serde_json::Value::from(value).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        })
    }
}

fn replaced(text: &str, values: &BTreeMap<String, String>, form: impl Fn(&str) -> String) -> String {
    let mut made = text.to_owned();
    for (name, value) in values {
        made = made.replace(&format!("{{{name}}}"), &form(value));
    }
    made
}

/// A value in the form of its parameter, or what it should have been.
fn parse(parameter: &Parameter, deployment: &Deployment, given: &str) -> Result<String, String> {
    match parameter.kind {
        ParameterKind::Address => match given.parse::<IpAddr>() {
            Ok(address) => Ok(address.to_canonical().to_string()),
            Err(_) => Err("an IPv4 or IPv6 address".to_owned()),
        },
        ParameterKind::Duration => match span(given) {
            Ok(span) if span.as_secs() > 0 => Ok(span.as_secs().to_string()),
            _ => Err("a span of time, such as 30m or 2h".to_owned()),
        },
        ParameterKind::Size => size(given).map(|bytes| bytes.to_string()),
        ParameterKind::Number { least, most } => match given.parse::<u64>() {
            // A sign would be read as more or less than there is.
            Ok(number) if (least..=most).contains(&number) && !given.starts_with('+') => Ok(number.to_string()),
            _ => Err(format!("a number from {least} to {most}")),
        },
        ParameterKind::Word => {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
            let begins = given.starts_with(|c: char| c.is_ascii_alphanumeric());
            match begins && given.chars().all(is_plain) && given.len() <= 100 {
                true => Ok(given.to_owned()),
                false => Err("a word of letters, digits and -_.:".to_owned()),
            }
        }
        ParameterKind::Path => {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.@+/".contains(c);
            let climbs = given.split('/').any(|part| part == "..");
            match given.starts_with('/') && given.chars().all(is_plain) && !climbs && given.len() <= 1000 {
                true => Ok(given.to_owned()),
                false => Err("an absolute path of letters, digits and -_.@+/".to_owned()),
            }
        }
        ParameterKind::Wallet => match given.strip_prefix("0x") {
            Some(digits) if digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(given.to_owned()),
            _ => Err("0x and 40 hexadecimal digits".to_owned()),
        },
        ParameterKind::Service => match deployment.service(given) {
            Some(service) => Ok(service.name.to_owned()),
            None => Err(format!("a service of {}", deployment.name)),
        },
    }
}

/// `5G`, `500M`, `1.5GiB`: powers of 1024, as `df -h` and `du -h` print them.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "a size, such as 500M or 5G".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let power = match unit.trim_end_matches("iB").trim_end_matches('B') {
        "" => 0,
        "K" | "k" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err(wrong()),
    };
    number.checked_mul(1024_u64.pow(power)).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{LOCALHOST, Step};

    static ALL: Procedure = Procedure::new("all", &[Step::reboot("reboot")]).parameters(&[
        Parameter::new("ip", ParameterKind::Address).help("address"),
        Parameter::new("for", ParameterKind::Duration).help("how long").default("2h"),
        Parameter::new("free", ParameterKind::Size).help("space").default("5G"),
        Parameter::new("pid", ParameterKind::Number { least: 2, most: 4_194_304 }).help("process").default("7"),
        Parameter::new("alert", ParameterKind::Word).help("alert").default("A"),
        Parameter::new("on", ParameterKind::Path).help("path").default("/"),
        Parameter::new("who", ParameterKind::Wallet).help("w").default("0x00000000000000000000000000000000000000Aa"),
        Parameter::new("service", ParameterKind::Service).help("service").default("ssh"),
    ]);

    fn of(flags: &[(&str, &str)], words: &[&str]) -> Result<Values, String> {
        let flags: Vec<_> = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        Values::of(&ALL, &LOCALHOST, &flags, &words).map_err(|error| error.message)
    }

    #[test]
    fn values_have_one_form_each() {
        let values = of(&[("free", "500M")], &["::ffff:203.0.113.7", "90m"]).unwrap();
        assert_eq!(values.get("ip"), "203.0.113.7");
        assert_eq!(values.get("for"), "5400");
        assert_eq!(values.get("free"), (500_u64 << 20).to_string());
        assert_eq!(values.fill("{ip} {ip}, {other}"), "203.0.113.7 203.0.113.7, {other}");
        assert_eq!(values.fill_pattern("^{ip}$"), r"^203\.0\.113\.7$");
        let now = "2026-11-22T05:30:00Z".parse().unwrap();
        assert_eq!(values.fill_json(r#"{"a":"{ip}"}"#, now), r#"{"a":"203.0.113.7"}"#);
        assert_eq!(values.fill_json("{for.end} {ip.end}", now), "2026-11-22T07:00:00Z {ip.end}");
        assert_eq!(of(&[], &["2001:DB8:0:0::1"]).unwrap().get("ip"), "2001:db8::1");
    }

    #[test]
    fn other_values_are_refused_with_what_they_should_have_been() {
        let wrong: &[(&str, &[&str])] = &[
            ("ip", &["", "1.2.3", "1.2.3.4/8", "1.2.3.4; id", "$(id)", "fe80::1%eth0", "-1", "٣.1.1.1"]),
            ("for", &["", "0s", "2", "two", "-2h", "9999999999999999999h", "1ms"]),
            ("free", &["", "0", "G", "5X", "-5G", "5 G", "99999999999999T"]),
            ("pid", &["", "1", "0", "-7", "+7", "7.0", "4194305", "99999999999999999999"]),
            ("alert", &["", "-h", "a b", "a\nb", "../x", "a;b", "é"]),
            ("on", &["", "relative", "/a/../b", "/a b", "/a\n", "/$(id)", "/*"]),
            (
                "who",
                &[
                    "",
                    "0x12",
                    "0X00000000000000000000000000000000000000Aa",
                    "0x00000000000000000000000000000000000000Ag",
                ],
            ),
            ("service", &["", "nobody", "ssh.service", "SSH"]),
        ];
        for (name, values) in wrong {
            for value in *values {
                let flags = if *name == "ip" { vec![("ip", *value)] } else { vec![("ip", "1.2.3.4"), (*name, *value)] };
                assert!(of(&flags, &[]).is_err(), "{name}: {value:?}");
            }
        }
        assert_eq!(of(&[], &[]).unwrap_err(), "all needs ip: address");
        assert_eq!(of(&[("nope", "1")], &["1.2.3.4"]).unwrap_err(), "all takes no --nope");
        let nine = ["1.2.3.4", "2h", "5G", "7", "A", "/", "0x00000000000000000000000000000000000000Aa", "ssh", "x"];
        assert_eq!(of(&[], &nine).unwrap_err(), "all takes no further value: \"x\"");
    }
}
