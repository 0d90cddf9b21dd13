//! The full cycle of fondation: a login and a configuration, sealed; its data is at Convex.

use super::*;

#[test]
fn a_cycle_on_fondation() {
    let machine = Machine::boot_as("fondation", "it-fondation-backup");
    remote(&machine, "offsite", "fondation-backups");
    machine.sh("install -d -m 700 /etc/opsctl; age-keygen -o /etc/opsctl/backup.key 2>/dev/null");
    cycle(&machine, &["credentials", "config"]);
    machine.sh("! grep -rlE 'dummy-secret|accessToken' /srv/s3");
    let before = machine.sh(
        "stat -c '%n %U:%G %a %s' /srv/fondation/.env /srv/claude-creds/.credentials.json; cat /srv/fondation/.env",
    );
    // F6: what is no file is never opened; the copy is a partial one, and says so.
    machine.sh("mkfifo /srv/claude-creds/pipe");
    let partial = document(&machine, "backup credentials", 8);
    assert!(
        partial["sets"][0]["warning"].as_str().unwrap().contains("not copied: /srv/claude-creds/pipe"),
        "{partial:#}"
    );
    machine.sh("rm /srv/claude-creds/pipe");
    opsctl(&machine, "backup", 0);
    machine.sh("rm /srv/fondation/.env; rm -r /srv/claude-creds");
    restored(&machine, "config");
    restored(&machine, "credentials");
    let after = machine.sh(
        "stat -c '%n %U:%G %a %s' /srv/fondation/.env /srv/claude-creds/.credentials.json; cat /srv/fondation/.env",
    );
    assert_eq!(after, before);
    opsctl(&machine, "restore --forget-old -y", 0);
    opsctl(&machine, "status", 0);
    machine.sh("! grep -rE 'dummy-secret' /var/log/opsctl /var/lib/opsctl /run/opsctl");
}
