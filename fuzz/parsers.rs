//! One program for all targets, so that opsctl is built for them once: `OPSCTL_FUZZ` names the target.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("OPSCTL_FUZZ").expect("OPSCTL_FUZZ names a target of src/fuzzing.rs");
    let found = opsctl::fuzzing::TARGETS.iter().find(|(name, _)| *name == wanted);
    found.expect("OPSCTL_FUZZ names a target of src/fuzzing.rs").1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));
