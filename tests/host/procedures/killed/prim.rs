//! The internal key of prim: killed at any point of its rotation, the services hold together or it can be seen that they do not.

use std::path::Path;

use super::{Case, sweep};
use crate::machine::Machine;

/// The files (old, mixed, new, or one that was being written is left), the key that wallet accepts, and whether the last service to be
/// restarted reaches wallet.
const ROTATION: Case = Case {
    name: "rotate-internal-key",
    prepare: "true",
    line: "rotate-internal-key",
    is_undone: true,
    between: &["moP", "noP", "nnX", "LEFToP"],
};

#[test]
fn the_internal_key_is_resumed_or_undone_from_each_boundary() {
    let machine = Machine::boot_as("prim", "it-prim-killed");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/procedures/killed");
    machine.put(&scripts, "/root/killed");
    machine.put(&scripts.join("prim-key"), "/root/killed/common");
    machine.sh(&format!(
        "{}; mv /usr/local/bin/opsctl /usr/bin/opsctl; install -m 755 /root/killed/prim-opsctl /usr/local/bin/opsctl",
        ROTATION.prepare
    ));
    machine.sh("mkdir /root/start; cp -p /etc/prim/*.env /root/start");
    let mut wrong = Vec::new();
    let count = sweep(&machine, &ROTATION, &mut wrong);
    assert!(wrong.is_empty(), "{} of {count} points are wrong: {wrong:#?}", wrong.len());
}
