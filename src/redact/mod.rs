//! Secrets never leave: what looks like one, and what is known to be one, is taken out of every text that is shown.
//! One regular expression finds where a secret may be; how far it reaches is decided by hand, because that depends on
//! quotes and on how often they are escaped. Rather too much is taken out than too little.

mod known;
mod suspect;
mod value;

use std::borrow::Cow;
use std::fmt::Write;

use regex::Regex;
use serde::de::IgnoredAny;

use known::{push_base64, push_plain, secret_part};
use suspect::{SUSPECT, clean_suspects};
use value::{is_long_number, is_number, nested_end};

/// What stands in the place of a secret.
const MARK: &str = "**redacted**";

/// Shorter values are too common: `true`, `5432`, `admin`.
const SHORTEST: usize = 6;

/// Takes secrets out of texts.
pub struct Redactor {
    /// None when the pattern of [`suspect`] should not compile, and then nothing is let through.
    suspect: Option<Regex>,
    known: Known,
}

/// The values that are known to be secret.
enum Known {
    None,
    Some(Regex),
    /// They make no pattern (too many, too long), so that nothing can be let through.
    Unknowable,
}

impl Redactor {
    /// `secrets`: values known to be secret, of which those shorter than six bytes are ignored. They are also found in
    /// base64, URL-encoded and escaped as JSON does. Of a URL with a password only the password is a secret.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut values: Vec<&str> = secrets
            .into_iter()
            .filter_map(|secret| secret_part(secret.trim()))
            // What the mark itself contains would be found again and again.
            .filter(|secret| secret.len() >= SHORTEST && !MARK.contains(secret))
            .collect();
        // Of two that begin alike the longer one goes first, or its rest would be left.
        values.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        values.dedup();
        let known = if values.is_empty() {
            Known::None
        } else {
            let mut pattern = String::from("(?-u)");
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    pattern.push('|');
                }
                push_plain(&mut pattern, value);
                push_base64(&mut pattern, value.as_bytes());
            }
            let built = regex::RegexBuilder::new(&pattern).size_limit(64 << 20).build();
            built.map_or(Known::Unknowable, Known::Some)
        };
        Redactor { suspect: Regex::new(SUSPECT).ok(), known }
    }

    /// The text without secrets; borrowed when there are none. What was valid JSON still is.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let cleaned = self.clean_text(text);
        if let Cow::Owned(cleaned) = &cleaned
            && let Some(start) = json_start(text)
            && !cleaned.get(start..).is_some_and(is_json)
        {
            return self.clean_json(text, start).into();
        }
        cleaned
    }

    /// The text without secrets, which may no longer be JSON: a known value may be a number, or end in the middle of an
    /// escape.
    fn clean_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let (Some(suspect), false) = (&self.suspect, matches!(self.known, Known::Unknowable)) else {
            return MARK.to_owned().into();
        };
        let text = match &self.known {
            Known::Some(known) => known.replace_all(text, regex::NoExpand(MARK)),
            _ => text.into(),
        };
        match clean_suspects(suspect, &text) {
            Some(cleaned) => cleaned.into(),
            None => text,
        }
    }

    /// Cleans every string and number of a JSON text by itself.
    fn clean_json(&self, text: &str, start: usize) -> String {
        let mut cleaned = self.clean_text(&text[..start]).into_owned();
        let prefix = cleaned.len();
        let mut rest = &text[start..];
        let mut secret_key = false;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '"' => string_length(rest),
                '[' | '{' if secret_key => nested_end(rest, 0),
                c if c.is_whitespace() || is_punctuation(c) => 1,
                _ => rest.find(|c: char| c.is_whitespace() || is_punctuation(c)).unwrap_or(rest.len()),
            };
            let (word, after) = rest.split_at(length);
            rest = after;
            if first == '"' {
                let inside: String = serde_json::from_str(word).unwrap_or_else(|_| MARK.to_owned());
                let is_key = rest.trim_start().starts_with(':');
                let shown = if secret_key && !inside.is_empty() { MARK.into() } else { self.clean_text(&inside) };
                if shown == inside {
                    cleaned.push_str(word);
                } else {
                    cleaned.push_str(&serde_json::Value::from(&*shown).to_string());
                }
                secret_key = is_key && self.is_secret_key(&inside);
            } else if length == 1 || (!secret_key && self.clean_text(word) == word) {
                cleaned.push_str(word);
                secret_key &= matches!(first, ':' | ' ' | '\t' | '\r' | '\n');
            } else {
                let kept = length <= 2 || matches!(word, "null" | "true" | "false");
                if kept || (is_number(word) && !is_long_number(word)) {
                    cleaned.push_str(word);
                } else {
                    let _ = write!(cleaned, "\"{MARK}\"");
                }
                secret_key = false;
            }
        }
        // A value that reaches from one string into another cannot be taken out.
        if matches!(&self.known, Known::Some(known) if known.is_match(&cleaned)) {
            cleaned.truncate(prefix);
            let _ = write!(cleaned, "\"{MARK}\"");
        }
        cleaned
    }

    /// Whether a JSON key names a secret.
    fn is_secret_key(&self, key: &str) -> bool {
        let probe = format!("\"{}\":\"x\"", key.replace(['"', '\\'], ""));
        self.suspect.as_ref().is_some_and(|suspect| clean_suspects(suspect, &probe).is_some())
    }
}

fn is_punctuation(c: char) -> bool {
    matches!(c, '[' | ']' | '{' | '}' | ',' | ':')
}

/// Whether the value of a variable of this name is a secret.
pub fn is_secret_name(name: &str) -> bool {
    const PARTS: &[&str] = &[
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "SECRET",
        "TOKEN",
        "API_KEY",
        "APIKEY",
        "PRIVATE_KEY",
        "INTERNAL_KEY",
        "CREDENTIAL",
        "DSN",
    ];
    // Addresses that usually hold a user and a password.
    const STORES: &[&str] = &[
        "DATABASE",
        "DB",
        "POSTGRES",
        "POSTGRESQL",
        "PG",
        "MYSQL",
        "MARIADB",
        "MONGO",
        "MONGODB",
        "REDIS",
        "VALKEY",
        "AMQP",
        "RABBITMQ",
        "BROKER",
        "CACHE",
        "QUEUE",
        "SMTP",
        "MAILER",
        "CLICKHOUSE",
        "ELASTICSEARCH",
    ];
    let name = name.to_ascii_uppercase();
    // The name of a file is no secret.
    if name.ends_with("_FILE") || name.ends_with("_PATH") {
        return false;
    }
    let address = ["_URL", "_URI"].iter().find_map(|end| name.strip_suffix(end));
    let store = address.is_some_and(|address| address.split('_').any(|word| STORES.contains(&word)));
    let key = (name.ends_with("_KEY") || name == "KEY") && !name.contains("PUBLIC") && !name.contains("PUBLISHABLE");
    let pass = ["_PASS", "_PWD", "_SALT"].iter().any(|end| name.ends_with(end)) || name == "PASS";
    store || key || pass || PARTS.iter().any(|part| name.contains(part))
}

/// Where in a text JSON begins that reaches to its end.
fn json_start(text: &str) -> Option<usize> {
    let whole = Some(text.len() - text.trim_start().len()).filter(|start| text[*start..].starts_with(['[', '"']));
    [whole, text.find('{')].into_iter().flatten().find(|start| is_json(&text[*start..]))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// How long the JSON string is that a text begins with.
fn string_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests;
