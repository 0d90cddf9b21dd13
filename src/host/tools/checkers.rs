//! Programs that say whether they would take their own configuration: `sshd -t`, `visudo -c`. What they print is theirs.

use super::Argv;

/// Says whether sshd would take its configuration and host keys. Needs root.
pub fn sshd() -> Argv {
    Argv::new("sshd", ["-t"])
}

/// Says whether sudo would take its files. Needs root.
pub fn visudo() -> Argv {
    Argv::new("visudo", ["-c"])
}
