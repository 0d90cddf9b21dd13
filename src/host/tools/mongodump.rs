//! MongoDB's `mongodump`, `mongorestore` and `mongosh`. Who logs in, and with what, they read from a file or from standard
//! input, never from their arguments (<https://www.mongodb.com/docs/database-tools/>).

use super::{Argv, Input, Malformed};

/// Dumps a database into an archive.
pub fn dump(config: &str, database: &str, archive: &str) -> Argv {
    let words = [format!("--config={config}"), format!("--db={database}"), format!("--archive={archive}")];
    Argv::new("mongodump", words).with(["--gzip"])
}

/// Brings the archive of one database into another.
pub fn restore(config: &str, archive: &str, from: &str, to: &str) -> Argv {
    Argv::new("mongorestore", [format!("--config={config}"), format!("--archive={archive}")])
        .with(["--gzip", "--stopOnError"])
        .with([format!("--nsInclude={from}.*"), format!("--nsFrom={from}.*"), format!("--nsTo={to}.*")])
}

/// Has statements run that connect by themselves.
pub fn shell(statements: Input) -> Argv {
    Argv { input: Some(statements), ..Argv::new("mongosh", ["--quiet", "--nodb", "--norc", "--file", "/dev/stdin"]) }
}

/// Parses what [`restore`] says: documents by collection.
///
/// # Errors
/// When it does not say that all of them came back.
pub fn parse_restored(said: &str, database: &str) -> Result<Vec<(String, u64)>, Malformed> {
    let malformed = || Malformed::new("the documents of each collection, and that none failed", said);
    let sum = said.lines().rev().find_map(|line| line.split_once(" document(s) restored successfully. "));
    let (_, failed) = sum.ok_or_else(malformed)?;
    if !failed.starts_with("0 document(s) failed") {
        return Err(malformed());
    }
    let ended = |line: &str| {
        let (_, rest) = line.split_once("finished restoring ")?;
        let (name, rest) = rest.split_once(" (")?;
        let collection = name.strip_prefix(database)?.strip_prefix('.')?;
        Some((collection.to_owned(), rest.split(' ').next()?.parse().ok()?))
    };
    Ok(said.lines().filter_map(ended).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "2026-11-22T05:30:00.000+0000\tpreparing collections to restore from\n\
                        2026-11-22T05:30:00.100+0000\tfinished restoring opsctl_trial_1.users (3 documents, 0 failures)\n\
                        2026-11-22T05:30:00.100+0000\tfinished restoring opsctl_trial_1.jobs (0 documents, 0 failures)\n\
                        2026-11-22T05:30:00.200+0000\t3 document(s) restored successfully. 0 document(s) failed to restore.\n";

    #[test]
    fn commands() {
        assert_eq!(
            dump("/c.yaml", "shop", "/x.archive").to_string(),
            "mongodump --config=/c.yaml --db=shop --archive=/x.archive --gzip"
        );
        assert_eq!(
            restore("/c.yaml", "/x.archive", "shop", "scratch").to_string(),
            "mongorestore --config=/c.yaml --archive=/x.archive --gzip --stopOnError '--nsInclude=shop.*' \
             '--nsFrom=shop.*' '--nsTo=scratch.*'"
        );
        assert_eq!(
            shell(Input::bytes("statements", "1")).to_string(),
            "mongosh --quiet --nodb --norc --file /dev/stdin < statements"
        );
    }

    #[test]
    fn f1_all_documents_came_back_or_it_is_no_copy() {
        let whole = vec![("users".to_owned(), 3), ("jobs".to_owned(), 0)];
        assert_eq!(parse_restored(SAID, "opsctl_trial_1"), Ok(whole));
        assert!(
            parse_restored(&SAID.replace("0 document(s) failed", "2 document(s) failed"), "opsctl_trial_1").is_err()
        );
        assert!(parse_restored(SAID.rsplit_once("\t3 doc").unwrap().0, "opsctl_trial_1").is_err());
        assert!(parse_restored("", "opsctl_trial_1").is_err());
    }
}
