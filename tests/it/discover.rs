//! `discover` and `new`, transcribed.

use std::os::unix::fs::symlink;

use crate::machine::{Machine, needs_root};
use crate::servers;
use crate::transcript::compare;

/// A host with a shop of its own, a worker that is an instance, and a unit of the distribution.
fn shop() -> Machine {
    let machine = Machine::new();
    machine.dir("/run/systemd/system");
    machine.dir("/etc/systemd/system/multi-user.target.wants");
    let unit = |name: &str, more: &str| {
        let text = format!("[Unit]\nDescription=the {name}\n{more}[Install]\nWantedBy=multi-user.target\n");
        machine.file(&format!("/etc/systemd/system/{name}.service"), &text);
    };
    unit("shop", "[Service]\nExecStart=/srv/shop/run\nUser=shop\nEnvironmentFile=/etc/shop.env\nRestart=always\n");
    unit("worker@", "Requires=shop.service\n[Service]\nExecStart=/srv/shop/work\n");
    machine.file("/usr/lib/systemd/system/getty@.service", "[Service]\nExecStart=/sbin/agetty\n");
    machine.file("/etc/shop.env", "SECRET=canary\n");
    let wants = "/etc/systemd/system/multi-user.target.wants";
    for (name, target) in [("shop", "shop"), ("worker@1", "worker@")] {
        let link = machine.path(&format!("{wants}/{name}.service"));
        symlink(format!("/etc/systemd/system/{target}.service"), link).unwrap();
    }
    machine.dir("/run/systemd/units");
    for name in ["shop.service", "worker@1.service", "getty@tty1.service"] {
        symlink("0", machine.path(&format!("/run/systemd/units/invocation:{name}"))).unwrap();
    }
    machine.process(300, "shopd", &[8123]);
    machine.file("/proc/300/cgroup", "0::/system.slice/shop.service\n");
    machine.file("/proc/300/stat", "300 (shopd) S 1 300 300 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n");
    machine.serve(8123, servers::always(200, r#"{"status":"ok"}"#));
    machine
}

#[test]
#[ignore = "needs root"]
fn services_of_a_host_that_nobody_described() {
    needs_root();
    let machine = shop();
    let lines: [&[&str]; 4] =
        [&["discover"], &["discover", "-o", "name"], &["discover", "-o", "json"], &["discover", "--diff"]];
    let runs: Vec<_> = lines.iter().map(|line| machine.run(*line)).collect();
    assert!(runs.iter().all(|run| !run.everything().contains("canary")));
    compare("discover", &runs);
    compare("discover_rust", &[machine.run(["discover", "-o", "rust"])]);
    compare(
        "discover_new",
        &[
            machine.run(["new", "shop", "--dry-run"]),
            machine.run_in(&machine.home(), ["new", "shop"]),
            machine.run_in(&machine.home(), ["new", "shop"]),
            machine.run(["new", "My Shop"]),
            machine.run(["new"]),
        ],
    );
}
