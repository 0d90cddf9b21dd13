//! `docs/backup.md`: what the suite of real hosts has measured. Each part is written by the test that it is of.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Tests run at once, and the page is one file.
static ONE: Mutex<()> = Mutex::new(());

/// Puts a part in its place with `SNAPSHOTS=overwrite`. There are measured numbers in each, so none is compared: what must hold is
/// asserted by its test.
pub fn part(name: &str, text: &str) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/backup.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
    let from = page.find(&begin).map_or_else(|| panic!("no part {name}"), |at| at + begin.len());
    let to = from + page[from..].find(&end).unwrap_or_else(|| panic!("no end of {name}"));
    if std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
        std::fs::write(&path, format!("{}{text}{}", &page[..from], &page[to..])).unwrap();
    }
}
