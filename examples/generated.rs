//! A registry of as many units as one likes, for measuring how opsctl grows: `COUNT=100 generated status`.

use std::process::ExitCode;

use opsctl::registry::{Deployment, HostChecks, Level, Manager, Service, Unit};

static ANY: Level = Level::new("any").criterion("anything").response("now").action("look");

/// A registry is static data; one that is made at run time has to be given to the rest of the process.
fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn service(number: usize) -> &'static Service {
    let name: &'static str = format!("load-{number}").leak();
    let unit: &'static str = format!("load@{number}.service").leak();
    let managers: &'static [Manager] = leak([Manager::Systemd(Unit::new(unit))]);
    leak(Service::new(name, &ANY).summary("a unit that does nothing").severity_reason("none").managers(managers))
}

fn main() -> ExitCode {
    let count = std::env::var("COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(10);
    let services: &'static [&'static Service] = (1..=count).map(service).collect::<Vec<_>>().leak();
    let made = leak(
        Deployment::new("generated", leak([&ANY]), services, HostChecks::new(&ANY))
            .summary("made at run time")
            .detect(&["/"]),
    );
    opsctl::main(&[made])
}
