//! An invalid registry does not compile, and the compiler's message names the culprit.

use assert_cmd::Command;

/// The recorded messages are in this compiler's words; another frames the same culprit in others.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn the_compiler_names_the_culprit() {
    let version = Command::new("rustc").arg("--version").output().unwrap().stdout;
    // With another compiler there is nothing to compare with; `check` still runs at every build.
    if !version.starts_with(COMPILER.as_bytes()) {
        return;
    }
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/it/invalid_registry/*.rs");
}
