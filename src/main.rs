//! The stock binary: the five deployments of the registry, and `localhost`.

use std::process::ExitCode;

fn main() -> ExitCode {
    opsctl::main(opsctl::registry::DEPLOYMENTS)
}
