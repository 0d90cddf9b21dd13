//! `check`, transcribed: the line, what is recorded between checks, and the forms of monitoring systems.

use crate::machine::needs_root;
use crate::prim;
use crate::transcript::compare;

#[test]
#[ignore = "needs root"]
fn two_services_of_which_one_stops_and_is_recorded() {
    needs_root();
    let machine = prim::two();
    let mut runs = vec![machine.run(["check", "wallet", "store"])];
    machine.stop(3002);
    runs.push(machine.run(["check", "wallet", "store"]));
    runs.push(machine.run(["check", "wallet", "store", "-v", "--quiet"]));
    runs.push(machine.run(["get", "checks"]));
    runs.push(machine.run(["get", "checks", "-o", "name"]));
    runs.push(machine.run(["history"]));
    runs.push(machine.run(["check", "store", "--fail-on", "warn", "--no-record"]));
    runs.push(machine.run(["check", "--test-notify"]));
    runs.push(machine.run(["check", "nobody"]));
    runs.push(machine.run(["check", "wallet", "--textfile", "metrics.prom"]));
    compare("check_two_services", &runs);
    // Times and durations differ from run to run.
    let nagios = machine.run(["check", "wallet", "store", "-o", "nagios"]);
    assert_eq!((nagios.code, nagios.stderr.as_str()), (2, ""));
    assert!(nagios.stdout.starts_with("OPSCTL CRITICAL - prim on "), "{}", nagios.stdout);
    let metrics = machine.run(["check", "wallet", "store", "-o", "prom"]);
    assert_eq!(metrics.code, 3);
    assert!(
        metrics.stdout.contains("opsctl_service_healthy{deployment=\"prim\",service=\"store\""),
        "{}",
        metrics.stdout
    );
    let unknown = machine.run(["check", "nobody", "-o", "nagios"]);
    assert_eq!((unknown.code, unknown.stderr.as_str()), (3, ""));
}
