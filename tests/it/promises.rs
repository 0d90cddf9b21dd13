//! `SECURITY.md` names the tests that hold each promise: they are there.

use std::fs;
use std::path::Path;

use regex::Regex;

#[test]
fn each_promise_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let promises = page.split("## Promises").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<&str> = promises.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| # ")).collect();
    assert_eq!(rows.len(), 15);
    let named = Regex::new(r"`((?:src|tests)/[a-z0-9_/]+\.rs)`((?:,? `[a-z0-9_]+`)*)").unwrap();
    let test = Regex::new(r"`([a-z0-9_]+)`").unwrap();
    for row in rows {
        let mut tests = 0;
        for found in named.captures_iter(row) {
            let text =
                fs::read_to_string(root.join(&found[1])).unwrap_or_else(|error| panic!("{}: {error}", &found[1]));
            for name in test.captures_iter(&found[2]) {
                assert!(text.contains(&format!("fn {}(", &name[1])), "{} has no test {}", &found[1], &name[1]);
                tests += 1;
            }
        }
        assert!(tests > 0, "no test is named: {row}");
    }
}
