//! `SECURITY.md` names the tests that hold each promise: they are there.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The text of all sources below a directory.
pub fn sources(dir: PathBuf) -> String {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => sources(path),
        Some(extension) if extension == "rs" => fs::read_to_string(path).unwrap(),
        _ => String::new(),
    };
    entries.map(text).collect()
}

#[test]
fn each_promise_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = sources(root.join("src")) + &sources(root.join("tests"));
    let page = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let row = Regex::new(r"(?m)^\| (\d+) \|[^|]*\|(.*)\|$").unwrap();
    let test = Regex::new("`([a-z0-9_]+)`").unwrap();
    let mut promises = Vec::new();
    for found in row.captures_iter(&page) {
        promises.push(found[1].parse::<usize>().unwrap());
        let names: Vec<&str> = test.captures_iter(&found[2]).map(|name| name.get(1).unwrap().as_str()).collect();
        assert!(!names.is_empty(), "promise {} names no test", &found[1]);
        for name in names {
            assert!(all.contains(&format!("fn {name}(")), "promise {}: there is no test {name}", &found[1]);
        }
    }
    assert!(promises.len() >= 15 && promises.iter().copied().eq(1..=promises.len()), "{promises:?}");
}
