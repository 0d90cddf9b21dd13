//! `journalctl`: what the kernel says of processes killed for want of memory.

use jiff::Timestamp;

use super::{Argv, Malformed};

/// Kernel messages of the last day about processes that were killed.
pub fn oom_kills() -> Argv {
    Argv::new(
        "journalctl",
        ["--dmesg", "--since=-24h", "--grep=Killed process", "--lines=20", "--output=json", "--no-pager", "--quiet"],
    )
}

/// A process that the kernel killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OomKill {
    pub time: Timestamp,
    /// Name of the process.
    pub process: String,
}

/// Parses the output of [`oom_kills`]. No lines is no kills: `--quiet` leaves nothing else on stdout.
///
/// # Errors
/// When a line is not a journal entry.
pub fn parse_oom_kills(text: &str) -> Result<Vec<OomKill>, Malformed> {
    let entries: Vec<serde_json::Value> = super::json_lines(text, "journal entries from `journalctl`")?;
    Ok(entries.iter().filter_map(kill).collect())
}

fn kill(entry: &serde_json::Value) -> Option<OomKill> {
    let micros: i64 = entry["__REALTIME_TIMESTAMP"].as_str()?.parse().ok()?;
    // "Out of memory: Killed process 1234 (node) total-vm:…"
    let (_, rest) = entry["MESSAGE"].as_str()?.split_once("Killed process ")?;
    let process = rest.split_once('(')?.1.split_once(')')?.0.to_owned();
    Some(OomKill { time: Timestamp::from_microsecond(micros).ok()?, process })
}

/// Whether the complaint is about permission, which an empty journal never is.
pub fn denied(stderr: &str) -> bool {
    let text = stderr.to_ascii_lowercase();
    text.contains("permission") || text.contains("not seeing messages from other users")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_lines_name_the_process() {
        let text = r#"{"__REALTIME_TIMESTAMP":"1764000000000000","MESSAGE":"Out of memory: Killed process 12 (node) total-vm:1kB"}
{"__REALTIME_TIMESTAMP":"1764000001000000","MESSAGE":null}"#;
        assert_eq!(
            parse_oom_kills(text),
            Ok(vec![OomKill { time: Timestamp::from_second(1_764_000_000).unwrap(), process: "node".into() }])
        );
        assert_eq!(parse_oom_kills(""), Ok(vec![]));
        assert!(parse_oom_kills("-- No entries --").is_err());
    }
}
