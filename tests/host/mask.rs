//! What differs from run to run is replaced by a word, so that whole documents can be compared.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

type Patterns = LazyLock<Vec<(Regex, &'static str)>>;

static WORDS: Patterns = LazyLock::new(|| {
    compiled(&[
        (r"\d+% of [\d.]+ [KMGT]?i?B used, [\d.]+ [KMGT]?i?B available", "[usage]"),
        (r"^[\d.]+ [\d.]+ [\d.]+ on \d+ processors$", "[load]"),
        (r"no answer in [\d.]+ s\b", "no answer in [n] s"),
        (r"\d+ restarts( in (\d+d)?(\d+h)?(\d+m)?(\d+s)?)?", "[n] restarts"),
        (r"\(pid \d+\)", "(pid [pid])"),
        (r"\b(\d+d)?(\d+h)?(\d+m)?(\d+s)? (left|ago)\b", "[span] $5"),
        // Certificates are made within the same seconds.
        (r"the first to end is \S+:", "the first to end is [name]:"),
        (r"\b[0-9a-f]{64}\b", "[id]"),
        // The kernel's counter is the whole machine's: where it is not nought, the journal is asked as well.
        (r"^(cat /proc/vmstat|journalctl --dmesg --since=-24h .*)$", "[memory kills]"),
        (
            r"none (in the \S+ since boot|recorded in this container, \d+ on the whole machine since boot)",
            "none in 24 h",
        ),
    ])
});

static TEXT: Patterns = LazyLock::new(|| {
    compiled(&[
        (r"\d+% of [\d.]+ [KMGT]?i?B used, [\d.]+ [KMGT]?i?B available", "[usage]"),
        (r"[\d.]+ [\d.]+ [\d.]+ on \d+ processors", "[load]"),
        (r"no answer in [\d.]+ s\b", "no answer in [n] s"),
        (r"\b\d+ restarts( in (\d+d)?(\d+h)?(\d+m)?(\d+s)?)?", "[n] restarts"),
        (r"\b(\d+d)?(\d+h)?(\d+m)?(\d+s)? (left|ago)\b", "[span] $5"),
        // Certificates are made within the same seconds.
        (r"the first to end is \S+:", "the first to end is [name]:"),
        // As above; and the journal is not for everybody to read.
        (
            r"none (in the \S+ since boot|recorded in this container, \d+ on the whole machine since boot)",
            "none in 24 h",
        ),
        (r"(?m)^ +also +memory kills unknown \(P3\)\n", ""),
        (
            r"memory kills +(pass +none in 24 h|unknown +needs root to read the kernel's journal)",
            "memory kills [memory kills]",
        ),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "[time]"),
        (r"[\d.]+ [KMGT]iB", "[size]"),
        (r"\b(\d+d)?(\d+h)?(\d+m)?\d+[smh]\b", "[span]"),
        (r"(running|partial|starting|completed)( +)(pass|warn|fail|unknown|-)( +)\[span\]( +)\d+", "$1 $3 [span] [n]"),
        (r" +", " "),
    ])
});

fn compiled(patterns: &[(&str, &'static str)]) -> Vec<(Regex, &'static str)> {
    patterns.iter().map(|(pattern, word)| (Regex::new(pattern).unwrap(), *word)).collect()
}

fn replaced(patterns: &Patterns, text: &str) -> String {
    patterns.iter().fold(text.to_owned(), |text, (pattern, word)| pattern.replace_all(&text, *word).into_owned())
}

/// Masks a document of opsctl.
pub fn document(text: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    mask("", &mut value);
    value
}

fn mask(key: &str, value: &mut Value) {
    if key == "log" {
        // What a service wrote is as long as it is; the suite of logs compares it.
        *value = Value::from("[log]");
        return;
    }
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| mask(key, value)),
        Value::Array(items) => items.iter_mut().for_each(|item| mask(key, item)),
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) => {
            if !matches!(key, "port" | "exit_code" | "processors") {
                *value = Value::from(format!("[{key}]"));
            }
        }
        Value::String(text) => *value = Value::from(words(key, text)),
    }
    // Whether these are known depends on the kernel's control groups, not on opsctl.
    if matches!(key, "memory_bytes" | "swap_total_bytes") {
        *value = Value::from(format!("[{key}]"));
    }
    // A process that is starting has none yet.
    if key == "pid" {
        *value = Value::from("[pid]");
    }
}

fn words(key: &str, text: &str) -> String {
    if matches!(key, "time" | "since" | "not_after") {
        return format!("[{key}]");
    }
    replaced(&WORDS, text)
}

/// Masks the text view.
pub fn text(text: &str) -> String {
    replaced(&TEXT, text)
}
