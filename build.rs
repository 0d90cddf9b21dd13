//! Tells the program from which commit it was built, where that is known: no network, and no failure outside of a repository.
#![allow(clippy::disallowed_methods, reason = "a build runs on the machine of who builds")]

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["OPSCTL_COMMIT", "SOURCE_DATE_EPOCH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    // A repository above this one's directory is somebody else's.
    let is_repository = Path::new(&root).join(".git").exists();
    let git = |words: &[&str]| {
        let output = Command::new("git").arg("-C").arg(&root).args(words).output().ok();
        let output = output.filter(|output| is_repository && output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
    };
    // The commit moves with HEAD, or with the branch that it names.
    let branch = git(&["symbolic-ref", "-q", "HEAD"]);
    for name in [Some("HEAD".to_owned()), branch, Some("packed-refs".to_owned())].into_iter().flatten() {
        let path = git(&["rev-parse", "--git-path", &name]).map(|path| Path::new(&root).join(path));
        if let Some(path) = path.filter(|path| path.exists()) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    let commit = git(&["rev-parse", "--short=10", "HEAD"]).or_else(|| env::var("OPSCTL_COMMIT").ok());
    let date =
        git(&["log", "-1", "--format=%cs"]).or_else(|| env::var("SOURCE_DATE_EPOCH").ok().map(|at| format!("@{at}")));
    let plain = |text: Option<String>| text.filter(|text| !text.contains(char::is_whitespace));
    println!("cargo::rustc-env=OPSCTL_BUILD_COMMIT={}", plain(commit).as_deref().unwrap_or("unknown"));
    println!("cargo::rustc-env=OPSCTL_BUILD_DATE={}", plain(date).as_deref().unwrap_or("unknown"));
    println!("cargo::rustc-env=OPSCTL_BUILD_TARGET={}", env::var("TARGET").as_deref().unwrap_or("unknown"));
}
