//! The file is whole or as it was, and every refusal leads on.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

struct Tree(System, PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("opsctl-textfile-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("metrics")).unwrap();
        for closed in [dir.clone(), dir.join("metrics")] {
            fs::set_permissions(closed, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Tree(System { root: dir.clone(), ..System::real() }, dir)
    }

    fn refused(&self, path: &str) -> (String, String) {
        let error = write(&self.0, path, "new\n").unwrap_err();
        (error.message, error.hint.unwrap())
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.1.join("metrics"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.1);
    }
}

#[test]
fn it_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
    let tree = Tree::new("whole");
    let file = tree.1.join("metrics/opsctl.prom");
    // What a run that was killed left there is longer than the new text.
    fs::write(tree.1.join("metrics/opsctl.prom.opsctl-new"), "opsctl_up 1\n".repeat(100)).unwrap();
    for round in 0..3 {
        let text = format!("opsctl_up {round}\n");
        write(&tree.0, "/metrics/opsctl.prom", &text).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o644);
        assert_eq!(tree.names(), ["opsctl.prom"]);
    }
}

#[test]
fn whoever_reads_meanwhile_sees_one_text_or_another() {
    let tree = Tree::new("race");
    let texts: Vec<String> = (0..4).map(|writer| format!("{writer}").repeat(50_000)).collect();
    std::thread::scope(|scope| {
        let writers: Vec<_> = texts
            .iter()
            .map(|text| {
                scope.spawn(|| {
                    // One may find that another writes all the time; that is an answer too.
                    let written = (0..20).filter(|_| write(&tree.0, "/metrics/opsctl.prom", text).is_ok()).count();
                    assert!(written > 0);
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            if let Ok(read) = fs::read_to_string(tree.1.join("metrics/opsctl.prom")) {
                assert!(texts.contains(&read), "{} bytes", read.len());
            }
        }
    });
    assert_eq!(tree.names(), ["opsctl.prom"]);
}

#[test]
fn what_is_no_path_of_a_file_is_an_error_with_an_example() {
    let tree = Tree::new("paths");
    for path in ["opsctl.prom", "", "/metrics/", "/metrics/../opsctl.prom"] {
        let error = write(&tree.0, path, "new\n").unwrap_err();
        assert_eq!(error.exit, crate::exit::Exit::Usage, "{path}");
        assert!(error.hint.unwrap().starts_with("opsctl check -o prom --textfile /"), "{path}");
    }
    fs::create_dir(tree.1.join("metrics/made.prom")).unwrap();
    fs::write(tree.1.join("secret"), "old\n").unwrap();
    symlink("../secret", tree.1.join("metrics/link.prom")).unwrap();
    assert_eq!(tree.refused("/metrics/made.prom").0, "/metrics/made.prom was not written: it is a directory");
    let link = "/metrics/link.prom was not written: /metrics/link.prom is a symbolic link";
    assert_eq!(tree.refused("/metrics/link.prom").0, link);
    assert_eq!(fs::read_to_string(tree.1.join("secret")).unwrap(), "old\n");
    assert_eq!(
        tree.refused("/none/opsctl.prom"),
        ("/none/opsctl.prom was not written: /none does not exist".to_owned(), "install -d -m 755 /none".to_owned())
    );
    assert_eq!(tree.names(), ["link.prom", "made.prom"]);
}

#[test]
fn a_directory_that_others_can_change_is_refused() {
    let tree = Tree::new("open");
    fs::set_permissions(tree.1.join("metrics"), fs::Permissions::from_mode(0o777)).unwrap();
    let (message, hint) = tree.refused("/metrics/opsctl.prom");
    assert_eq!(message, "/metrics/opsctl.prom was not written: several users can change its directory");
    assert_eq!(hint, "chown root: /metrics && chmod 755 /metrics");
    assert!(tree.names().is_empty());
}
