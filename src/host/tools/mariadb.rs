//! `mariadb` and `mysql`: whether a server on this host takes writes and connections, as root over its socket.

use super::{Argv, Malformed};

const SELECT: &str = "SELECT 'read_only', @@global.read_only UNION ALL SELECT 'max_connections', @@global.max_connections \
                      UNION ALL SELECT 'connections', COUNT(*) FROM information_schema.processlist WHERE id <> \
                      CONNECTION_ID() AND user NOT IN ('system user', 'event_scheduler')";

/// Asks the server over its socket, as root, whom it knows by who asks (`unix_socket`, `auth_socket`). `program` is `mariadb` or
/// `mysql`. Reads no option file, which could name a password or another server.
pub fn state(program: &'static str) -> Argv {
    Argv::new(
        program,
        [
            "--no-defaults",
            "--protocol=socket",
            "--connect-timeout=2",
            "--skip-column-names",
            "--batch",
            "--execute",
            SELECT,
        ],
    )
}

/// What a server says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State {
    /// It takes no writes but those of administrators.
    pub read_only: bool,
    /// `max_connections`.
    pub most: u64,
    /// Connections now, ours left out.
    pub used: u64,
}

/// Parses what [`state`] prints.
///
/// # Errors
/// When a row is missing or no number.
pub fn parse(text: &str) -> Result<State, Malformed> {
    let malformed = || Malformed::new("the state of a MySQL server", text);
    let number = |name: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
        // A mode of MariaDB 12 is a word.
        match found.map(str::trim) {
            Some("OFF") => Some(0),
            Some("ON" | "NO_LOCK" | "NO_LOCK_NO_ADMIN") => Some(1),
            other => other.and_then(|number| number.parse::<u64>().ok()),
        }
        .ok_or_else(malformed)
    };
    Ok(State { read_only: number("read_only")? > 0, most: number("max_connections")?, used: number("connections")? })
}

/// Whether a client's complaint is that no connection is left: error 1040.
pub fn is_full(complaint: &str) -> bool {
    complaint.contains("ERROR 1040") || complaint.contains("Too many connections")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        let told = "read_only\t0\nmax_connections\t151\nconnections\t4\n";
        assert_eq!(parse(told).unwrap(), State { read_only: false, most: 151, used: 4 });
        assert!(parse(&told.replace("read_only\t0", "read_only\t1")).unwrap().read_only);
        assert!(parse(&told.replace("read_only\t0", "read_only\tNO_LOCK")).unwrap().read_only);
        for bad in ["", "read_only\t0\nmax_connections\t151\n", "read_only\tx\nmax_connections\t1\nconnections\t1\n"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        assert!(is_full("ERROR 1040 (HY000): Too many connections"));
        assert!(!is_full("ERROR 1045 (28000): Access denied for user 'root'@'localhost'"));
    }
}
