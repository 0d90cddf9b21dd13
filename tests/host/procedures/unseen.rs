//! Whether a secret was anywhere where it must not be, while a procedure ran and afterwards.

use crate::machine::Machine;

/// Arguments of every process, ten times a second.
pub struct Sampler<'m>(&'m Machine);

impl<'m> Sampler<'m> {
    pub fn start(machine: &'m Machine) -> Self {
        machine.sh(
            "rm -f /run/arguments; (while :; do ps -ww -eo args; sleep 0.1; done) >/run/arguments 2>/dev/null </dev/null & echo $! >/run/sampler
             until [ -s /run/arguments ]; do sleep 0.1; done",
        );
        Sampler(machine)
    }

    /// None of these secrets is in the output of the run, in the arguments of a process without that word, in the journal, or in what
    /// opsctl keeps.
    pub fn saw_nothing(self, output: &str, secrets: &[&str], but: &str) {
        let machine = self.0;
        machine.sh("kill $(cat /run/sampler)");
        for secret in secrets {
            assert!(secret.len() >= 16, "{secret}");
            assert!(!output.contains(secret), "{output}");
            machine.sh(&format!(
                "! grep -v '{but}' /run/arguments | grep -qF '{secret}' || exit 1
                 ! grep -rlF '{secret}' /var/log/opsctl /var/lib/opsctl /run/opsctl || exit 1
                 ! journalctl -q --no-pager | grep -qF '{secret}'"
            ));
        }
    }
}
