//! `redis-check-rdb`: reads a snapshot as a server would, with its checksum.

use super::{Argv, Malformed};

/// Reads all of a snapshot.
pub fn check(path: &str) -> Argv {
    Argv::new("redis-check-rdb", [path])
}

/// Parses [`check`]: how many keys there are. That it came to the end of the file is a line of its own.
///
/// # Errors
/// When it does not say that the snapshot is good.
pub fn parse(text: &str) -> Result<u64, Malformed> {
    let after = |mark: &str| text.lines().find_map(|line| Some(line.split_once(mark)?.0.to_owned()));
    let keys = after(" keys read").and_then(|head| head.rsplit(' ').next()?.parse().ok());
    match (keys, after("RDB looks OK!")) {
        (Some(keys), Some(_)) => Ok(keys),
        _ => Err(Malformed::new("the count of keys of a good snapshot", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[offset 0] Checking RDB file /x/dump.rdb\n[offset 26] AUX FIELD redis-ver = '8.0.2'\n\
                        [offset 112] Checksum OK\n[offset 112] \\o/ RDB looks OK! \\o/\n[info] 3 keys read\n[info] 1 expires\n\
                        [info] 0 already expired\n";

    #[test]
    fn a_snapshot_is_good_when_all_of_it_was_read() {
        assert_eq!(check("/x/dump.rdb").to_string(), "redis-check-rdb /x/dump.rdb");
        assert_eq!(parse(GOOD), Ok(3));
        assert!(parse(&GOOD.replace("RDB looks OK!", "")).is_err());
        assert!(parse("--- RDB ERROR DETECTED ---\n[offset 9] Unexpected EOF\n[info] 0 keys read\n").is_err());
        assert!(parse("").is_err());
    }
}
