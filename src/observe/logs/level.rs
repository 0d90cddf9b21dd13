//! How grave a line is.

use schemars::JsonSchema;
use serde::Serialize;

/// How grave a line is, from mild to grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Every step
    Trace,
    /// For developers
    Debug,
    /// As it should be
    Info,
    /// Odd, but it went on
    Warn,
    /// Something failed
    Error,
    /// The program cannot go on
    Fatal,
}

impl LogLevel {
    /// As it is written in documents and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Trace => "trace",
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
            LogLevel::Fatal => "fatal",
        }
    }

    /// The level of a priority of syslog: 0 is an emergency, 7 is for debugging.
    pub fn from_priority(priority: u8) -> Self {
        match priority {
            0..=2 => LogLevel::Fatal,
            3 => LogLevel::Error,
            4 => LogLevel::Warn,
            5 | 6 => LogLevel::Info,
            _ => LogLevel::Debug,
        }
    }

    /// The level that a word names, in any case.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        let mut lower = [0; 12];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        Some(match &*lower {
            b"trace" | b"silly" | b"finest" => LogLevel::Trace,
            b"debug" | b"verbose" | b"fine" => LogLevel::Debug,
            b"info" | b"information" | b"notice" | b"log" => LogLevel::Info,
            b"warn" | b"warning" => LogLevel::Warn,
            b"error" | b"err" | b"severe" => LogLevel::Error,
            b"fatal" | b"critical" | b"crit" | b"panic" | b"alert" | b"emerg" | b"emergency" => LogLevel::Fatal,
            _ => return None,
        })
    }

    /// The level that an upper-case word in running text marks: fewer words than after `level=`, because FINE and SILLY
    /// are also said.
    pub(super) fn of_mark(word: &str) -> Option<Self> {
        let first = word.bytes().next()?;
        if !matches!(first, b'A' | b'C'..=b'F' | b'I' | b'L' | b'N' | b'P' | b'S'..=b'T' | b'V' | b'W')
            || !word.bytes().all(|byte| byte.is_ascii_uppercase())
            || matches!(word, "FINE" | "FINEST" | "SILLY" | "INFORMATION")
        {
            return None;
        }
        LogLevel::of_word(word)
    }

    /// The level that pino and bunyan write as 10, 20 … 60, with room between for levels of one's own.
    pub(super) fn of_number(number: &str) -> Option<Self> {
        Some(match number.parse::<u8>().ok()? {
            10..20 => LogLevel::Trace,
            20..30 => LogLevel::Debug,
            30..40 => LogLevel::Info,
            40..50 => LogLevel::Warn,
            50..60 => LogLevel::Error,
            60..70 => LogLevel::Fatal,
            _ => return None,
        })
    }
}
