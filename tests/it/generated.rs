//! Files that are made from the definitions of the command line: what is committed is what would be made now.

use std::path::Path;

use opsctl::Shell;

use crate::transcript::same_as_file;

#[test]
fn completion_scripts() {
    for (shell, file) in [(Shell::Bash, "opsctl.bash"), (Shell::Zsh, "_opsctl"), (Shell::Fish, "opsctl.fish")] {
        let script = String::from_utf8(opsctl::completion_script(shell).unwrap()).unwrap();
        same_as_file(&script, &Path::new("completions").join(file));
    }
}

#[test]
fn manual_pages() {
    let pages = opsctl::man_pages().unwrap();
    for (name, page) in &pages {
        let page = String::from_utf8(page.clone()).unwrap();
        same_as_file(&page, &Path::new("man").join(format!("{name}.1")));
    }
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("man")).unwrap();
    let mut files: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let mut names: Vec<String> = pages.iter().map(|(name, _)| format!("{name}.1")).collect();
    names.sort();
    assert_eq!(files, names, "pages of verbs that are gone");
}
