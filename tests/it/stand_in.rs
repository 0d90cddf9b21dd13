//! The command line of opsctl on a machine that a test made up. The stock binary looks at no variable for where its tools
//! lie, so this one is a binary of its own, and an example, because examples are never installed.

#![allow(clippy::disallowed_methods)]

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use opsctl::System;

fn main() -> ExitCode {
    let Some(system) = system() else { return ExitCode::from(125) };
    opsctl::run(opsctl::registry::DEPLOYMENTS, &system)
}

fn system() -> Option<System> {
    Some(System {
        tool_path: env::split_paths(&env::var_os("OPSCTL_TEST_TOOLS")?).collect(),
        root: PathBuf::from(env::var_os("OPSCTL_TEST_ROOT")?),
        loopback: env::var("OPSCTL_TEST_LOOPBACK").ok()?.parse().ok()?,
        time: Some(env::var("OPSCTL_TEST_TIME").ok()?.parse().ok()?),
        ..System::real()
    })
}
