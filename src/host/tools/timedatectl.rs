//! `timedatectl`: whether the kernel's clock is kept in step, whichever daemon does it.

use super::{Argv, Malformed};

/// Whether the clock is synchronized.
pub fn show() -> Argv {
    Argv::new("timedatectl", ["show", "--property=NTPSynchronized"])
}

/// Parses the output of [`show`].
///
/// # Errors
/// When it is neither yes nor no.
pub fn parse(text: &str) -> Result<bool, Malformed> {
    match text.trim() {
        "NTPSynchronized=yes" => Ok(true),
        "NTPSynchronized=no" => Ok(false),
        other => Err(Malformed::new("NTPSynchronized from `timedatectl`", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_no_and_nothing_else() {
        assert_eq!(parse("NTPSynchronized=yes\n"), Ok(true));
        assert_eq!(parse("NTPSynchronized=no\n"), Ok(false));
        assert!(parse("").is_err());
        assert!(parse("NTPSynchronized=").is_err());
    }
}
