//! Procedures of fondation that replace its login and its configuration: restored from a bucket, and rotated.

use super::*;
use crate::backup::remote;

const LOGIN: &str = "/srv/claude-creds/.credentials.json";
const KEPT: &str = "stat -c '%n %U:%G %a' /srv/fondation/.env /srv/fondation/docker-compose.prod.yml; cat /srv/fondation/.env; cat /srv/claude-creds/.credentials.json; \
     stat -c '%n %u:%g %a' /srv/claude-creds /srv/claude-creds/.credentials.json";
const OLD: &str = "dummy-secret-claude-access-token";
const NEW: &str = "dummy-secret-claude-of-the-rotation";
/// An answer needs a login that the container's user can read.
const ANSWERS: &str = "systemctl is-active fondation-worker; [ \"$(docker exec fondation-worker-1 claude -p 'auth ok?' --output-format text)\" = ok ]";

/// Command lines of all processes, until the file is removed.
pub(super) fn watch(machine: &Machine) {
    machine.sh("touch /run/watch; systemd-run --quiet --unit=watch sh -c 'while [ -e /run/watch ]; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr \"\\0\" \" \" >>/run/cmdlines; \
         echo >>/run/cmdlines; sleep 0.05; done'");
}

/// No secret was on a command line, in a record, in the audit trail or in the journal.
pub(super) fn nothing_leaked(machine: &Machine, said: &str) {
    assert!(!said.contains("dummy-secret"), "{said}");
    machine.sh("rm /run/watch; systemctl stop watch 2>/dev/null || true; [ -s /run/cmdlines ]; ! grep -a dummy-secret-[c]laude /run/cmdlines");
    machine.sh("! grep -ra dummy-secret-[c]laude /var/log/opsctl /var/lib/opsctl");
    machine.sh("! journalctl --no-pager --all --output=cat | grep dummy-secret-[c]laude");
}

/// What auth-claude.sh does: the login is the host's user's afterwards, so that the container cannot read it.
fn log_in(machine: &Machine, token: &str) {
    // Not on a command line that is watched.
    let token = token.replace("secret", "se''cret");
    machine.sh(&format!(
        "printf '{{\"claudeAiOauth\":{{\"accessToken\":\"%s\"}}}}' {token} >{LOGIN}; chown -R ubuntu /srv/claude-creds; \
         ! docker exec fondation-worker-1 claude -p x"
    ));
}

#[test]
fn fondation_is_restored_from_its_backups() {
    let machine = Machine::boot_as("fondation", "fondrot-restore");
    remote(&machine, "offsite", "fondation-backups");
    machine.sh("install -d -m 700 /etc/opsctl; age-keygen -o /etc/opsctl/backup.key 2>/dev/null");
    opsctl(&machine, "backup", 0);
    let kept = machine.sh(KEPT);
    planned(&machine, "restore-backup", KEPT);
    // The configuration lacks its URL, and the login is gone: the worker does not start.
    machine.sh("sed -i s/^CONVEX_URL=.*// /srv/fondation/.env; rm /srv/claude-creds/.credentials.json; systemctl stop fondation-worker");
    watch(&machine);
    let done = opsctl(&machine, "run restore-backup -y --settle 1s", 0);
    contains(&done, &["9 of 9 steps", "the env file has CONVEX_URL", "the Claude CLI answers a prompt"]);
    assert_eq!(machine.sh(KEPT), kept);
    machine.sh(ANSWERS);
    opsctl(&machine, "restore --forget-old -y", 0);
    // A copy whose login the container's user cannot read: it is given to that user.
    machine.sh("chown -R ubuntu /srv/claude-creds");
    opsctl(&machine, "backup credentials", 0);
    let copies: serde_json::Value =
        serde_json::from_str(&opsctl(&machine, "backup list credentials -o json", 0)).unwrap();
    let first = copies.to_string();
    opsctl(&machine, "run restore-backup -y --settle 1s", 0);
    assert_eq!(machine.sh(KEPT), kept, "{first}");
    opsctl(&machine, "restore --forget-old -y", 0);
    // The bucket does not answer: nothing is restored, and the worker is started again.
    machine.sh("systemctl stop standin-s3");
    let failed = opsctl(&machine, "run restore-backup -y --settle 1s", 8);
    contains(&failed, &["--undo"]);
    machine.sh("! systemctl is-active fondation-worker");
    opsctl(&machine, "run restore-backup --undo -y --settle 1s", 0);
    assert_eq!(machine.sh(KEPT), kept);
    machine.sh(ANSWERS);
    nothing_leaked(&machine, &(done + &failed));
}

#[test]
fn the_login_of_fondation_is_rotated() {
    let machine = Machine::boot_as("fondation", "fondrot-rotate");
    planned(&machine, "rotate-credentials one", KEPT);
    watch(&machine);
    let asked = opsctl(&machine, "run rotate-credentials one -y --settle 1s", 8);
    contains(&asked, &["a person must do this: log in to Claude again"]);
    let copy = "stat -c '%a %u' /var/backups/fondation-one; cat /var/backups/fondation-one/login-before.json";
    let before = machine.sh(copy);
    assert!(before.starts_with("700 0\n") && before.contains(OLD), "{before}");
    // It was said to be done, and was not.
    let lied = opsctl(&machine, "run rotate-credentials --resume -y --answer login=logged-in", 8);
    contains(&lied, &["it is still the old one"]);
    machine.sh(ANSWERS);
    // The new one is none: the old one comes back, and the worker has it.
    machine.sh(&format!("echo '{{}}' >{LOGIN}"));
    let failed = opsctl(&machine, "run rotate-credentials --resume -y --settle 1s --answer login=logged-in", 8);
    contains(&failed, &["the Claude CLI does not answer a prompt"]);
    opsctl(&machine, "run rotate-credentials --undo -y", 8);
    assert!(machine.sh(KEPT).contains(OLD));
    machine.sh(ANSWERS);
    // The new one is proven before the old session is ended.
    opsctl(&machine, "run rotate-credentials two -y --settle 1s", 8);
    log_in(&machine, NEW);
    let proven = opsctl(&machine, "run rotate-credentials --resume -y --settle 1s --answer login=logged-in", 8);
    contains(&proven, &["the container's user can read the login", "a person must do this: end every session"]);
    let done = opsctl(
        &machine,
        "run rotate-credentials --resume -y --settle 1s --answer login=logged-in --answer revoke=revoked",
        0,
    );
    let now = machine.sh(KEPT);
    assert!(
        now.contains(NEW) && now.ends_with(&format!("/srv/claude-creds 1001:1001 700\n{LOGIN} 1001:1001 600\n")),
        "{now}"
    );
    machine.sh(ANSWERS);
    nothing_leaked(&machine, &[asked, lied, failed, proven, done].concat());
}
