//! The list of applications that pm2 saved, to start them at boot. It holds whole environments, of which nothing is kept.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use serde::Deserialize;

use crate::host::system::System;
use crate::host::tools::Malformed;
use crate::host::tools::command::Command;
use crate::host::trouble::Trouble;
use crate::observe::probe::Answer;

/// Names of the applications that the daemon of this home saved; `None` where it never did.
pub fn look(system: &System, home: &str) -> Answer<Option<BTreeSet<String>>> {
    let path = format!("{home}/dump.pm2");
    let result = match system.read(&path) {
        Ok(text) => names(&text).map(Some).map_err(Trouble::from),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Trouble::denied("to read pm2's saved list")),
        Err(error) => Err(error.into()),
    };
    Answer { command: Command::new(["cat", &path]), result }
}

fn names(text: &str) -> Result<BTreeSet<String>, Malformed> {
    #[derive(Deserialize)]
    struct Row {
        name: String,
    }
    let rows: Result<Vec<Row>, _> = serde_json::from_str(text);
    let rows = rows.map_err(|_| Malformed::new("pm2's saved list of applications", ""))?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_all_that_is_kept() {
        let text = r#"[{"name":"api","env":{"KEY":"hunter2"},"pm_id":0},{"name":"api"},{"name":"web"}]"#;
        assert_eq!(names(text).map(|names| names.len()), Ok(2));
        assert_eq!(names("[]").map(|names| names.len()), Ok(0));
        for end in 0..text.len() {
            let refused = names(&text[..end]).unwrap_err();
            assert!(!refused.to_string().contains("hunter2"));
        }
    }
}
