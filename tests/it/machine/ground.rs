//! What all machines stand on: where they are laid out, the program that is tested, and the script that stands in for tools.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::is_root;

/// The program of `stand_in.rs`, as `opsctl`. `cargo test` builds it, `cargo test --test it` does not.
pub(super) fn stand_in() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        // It gives advice under the name by which it is called.
        let named = example("stand_in").with_file_name("opsctl");
        if let Err(error) = symlink("stand_in", &named) {
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        }
        named
    })
}

/// An example, built where that was not done yet.
pub fn example(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let profile = here.ancestors().nth(2).unwrap();
    let program = profile.join("examples").join(name);
    if !is_fresh(&program) {
        let mut cargo = std::process::Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--example", name]).current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "cannot build the example {name}");
    }
    program
}

/// Whether the program is there and younger than all that it was made from.
fn is_fresh(program: &Path) -> bool {
    let age = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified());
    let (Ok(built), Ok(made_from)) = (age(program), fs::read(program.with_extension("d"))) else { return false };
    let mut sources = made_from.split(|byte| *byte == b' ' || *byte == b'\n').filter(|word| word.ends_with(b".rs"));
    sources.all(|source| age(Path::new(OsStr::from_bytes(source))).is_ok_and(|changed| changed <= built))
}

/// Where machines are laid out. As root opsctl runs no tool below a directory that others can write, which a checkout in
/// `/tmp` is, so there another place is taken.
pub(super) fn ground() -> &'static Path {
    static GROUND: OnceLock<PathBuf> = OnceLock::new();
    GROUND.get_or_init(|| {
        let usual = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let open = |dir: &Path| fs::metadata(dir).is_ok_and(|meta| meta.uid() != 0 || meta.mode() & 0o022 != 0);
        if !is_root() || !usual.ancestors().any(open) {
            return usual.to_owned();
        }
        let other = PathBuf::from("/var/cache/opsctl-tests");
        fs::create_dir_all(&other).unwrap();
        other
    })
}

/// The script that stands in for all tools.
pub(super) fn stand_in_tool() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        clear_away();
        let script = include_str!("../tools/stand-in");
        let path = ground().join(format!("stand-in-{}", std::process::id()));
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    })
}

/// Removes what failed tests of processes that are gone have left to be looked at.
fn clear_away() {
    for path in fs::read_dir(ground()).unwrap().flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let own = name.strip_prefix("machine-").or_else(|| name.strip_prefix("stand-in-"));
        let pid = own.map(|rest| rest.split('-').next().unwrap_or_default());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            // Another process may be at it as well.
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}
