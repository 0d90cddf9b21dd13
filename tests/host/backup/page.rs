//! `docs/backup.md`: what the suite of real hosts has measured. Each part is written by the test that it is of.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// How far a part is the same each time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// To the letter: it is compared.
    Same,
    /// It has measured numbers in it: it is only written anew, by a whole run.
    Measured,
}

/// Tests run at once, and the page is one file.
static ONE: Mutex<()> = Mutex::new(());

/// Puts a part in its place with `SNAPSHOTS=overwrite`, else compares it where it can be.
pub fn part(name: &str, text: &str, kept: Kept) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/backup.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
    let from = page.find(&begin).map_or_else(|| panic!("no part {name}"), |at| at + begin.len());
    let to = from + page[from..].find(&end).unwrap_or_else(|| panic!("no end of {name}"));
    if std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
        std::fs::write(&path, format!("{}{text}{}", &page[..from], &page[to..])).unwrap();
    } else if kept == Kept::Same {
        assert_eq!(&page[from..to], text, "docs/backup.md: {name}; SNAPSHOTS=overwrite writes it anew");
    }
}
