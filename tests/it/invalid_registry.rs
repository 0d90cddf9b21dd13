//! An invalid registry does not compile, and the compiler's message names the culprit.

#[test]
fn the_compiler_names_the_culprit() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/it/invalid_registry/*.rs");
}
