//! `check`, transcribed: the line, what is recorded between checks, and the forms of monitoring systems.

use regex::{Captures, Regex};

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
    // How long a check takes differs from run to run.
    let span = Regex::new(r"time=[0-9.]+s|(check_duration_seconds\{[^}]*\}) [0-9.]+").unwrap();
    let lines: [&[&str]; 4] = [
        &["check", "wallet", "store"],
        &["check", "wallet", "store", "-o", "nagios"],
        &["check", "wallet", "store", "-o", "prom"],
        &["check", "nobody", "-o", "nagios"],
    ];
    let mut runs = lines.map(|line| machine.run(line));
    for run in &mut runs {
        let fixed =
            |found: &Captures<'_>| found.get(1).map_or("time=0.2s".to_owned(), |name| format!("{} 0.2", name.as_str()));
        run.stdout = span.replace_all(&run.stdout, fixed).into_owned();
    }
    assert_eq!(runs.each_ref().map(|run| run.code), [3, 2, 3, 3]);
    compare("check_forms", &runs);
}
