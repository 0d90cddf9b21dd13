//! prim: health of all, mail, Caddy, secrets, alerts. Stalwart is a stand-in, because no registry has the server.

use super::{planned, run, says};
use crate::actions::{snapshot, unchanged};
use crate::machine::Machine;

#[test]
fn procedures_of_prim() {
    let machine = &Machine::boot_as("prim", "it-prim-procedures");
    let before = snapshot(machine);
    for words in ["mail-restart", "caddy-reload", "backup-mail", "alert-setup"] {
        says(machine, &format!("{words} --dry-run"), 0, &["nothing was changed"]);
    }
    for words in ["mail-restart", "backup-mail"] {
        run(machine, words, 5);
    }
    // What only reads leaves nothing.
    for words in ["quick-card", "health-all", "secrets-audit"] {
        run(machine, words, 0);
    }
    unchanged(machine, &before);
    health(machine);
    mail(machine);
    caddy(machine);
    secrets(machine);
    rotations(machine);
    alerts(machine);
}

fn health(machine: &Machine) {
    machine.sh("systemctl stop prim-track prim-mem");
    let down = ["000 0", "502 0", "mem: stopped"];
    says(machine, "health-all", 3, &down);
    says(
        machine,
        "quick-card",
        0,
        &["prim-track.service loaded inactive dead", "http://127.0.0.1:3001/", "stalwart Up"],
    );
    machine.sh("systemctl start prim-track prim-mem; docker pause stalwart");
    says(machine, "health-all", 3, &["stalwart"]);
    machine.sh("docker unpause stalwart; systemctl stop caddy");
    says(machine, "health-all", 3, &["caddy"]);
    machine.sh("systemctl start caddy");
    run(machine, "health-all", 0);
    // Whoever may not see all of it is not told that all is well.
    let user = machine.run_as("nobody", &["opsctl", "run", "secrets-audit"]);
    assert_eq!(user.code, 4, "{user:#?}");
}

const BANNER: &str = "timeout 3 nc -N localhost 25 </dev/null | head -c 3";

fn mail(machine: &Machine) {
    // It hangs: port 25 is open, and nobody greets.
    machine.sh("docker kill --signal STOP stalwart");
    assert_eq!(machine.sh(&format!("{BANNER} || true")), "");
    let begun = machine.sh("docker inspect -f '{{.State.StartedAt}}' stalwart");
    run(machine, "mail-restart -y --settle 500ms", 0);
    assert_eq!(machine.sh(BANNER), "220");
    assert_ne!(machine.sh("docker inspect -f '{{.State.StartedAt}}' stalwart"), begun);

    // Mail is not sealed without a key: it stays up, and there is no copy.
    let there = "rclone lsf -R --files-only r2backup:prim-backups/opsctl/stalwart 2>/dev/null | wc -l";
    says(machine, "backup-mail -y", 1, &["no key to encrypt with"]);
    assert_eq!((machine.sh(BANNER), machine.sh(there)), ("220".to_owned(), "0\n".to_owned()));
    machine.sh("install -d -m 700 /etc/opsctl; age-keygen -o /etc/opsctl/backup.key 2>/dev/null");
    run(machine, "backup-mail -y", 0);
    assert_eq!((machine.sh(BANNER), machine.sh(there)), ("220".to_owned(), "2\n".to_owned()));
    // The copy holds the mail, as somebody without opsctl reads it.
    let copy = "rclone cat $(rclone lsf -R --files-only r2backup:prim-backups/opsctl/stalwart | grep age$ | \
                sed 's,^,r2backup:prim-backups/opsctl/stalwart/,') | age -d -i /etc/opsctl/backup.key | zstd -dc | tar -xO --wildcards '*data/CURRENT'";
    assert_eq!(machine.sh(copy), "a store of the stand-in, to be backed up and restored\n");
    // The store is damaged, and restored; what it was is kept beside it.
    let (data, there) = ("/opt/prim/deploy/email/stalwart-data", "stat -c '%a %U:%G %n' $(find stalwart-data)");
    let there = format!("cd {data}/..; {there}");
    let before = machine.sh(&there);
    machine.sh(&format!("echo damaged >{data}/data/CURRENT"));
    planned(
        machine,
        "restore-mail",
        &format!("cat {data}/data/CURRENT; docker inspect -f '{{{{.State.StartedAt}}}}' stalwart"),
    );
    says(machine, "restore-mail --copy 2020-01-01 -y", 2, &["2020-01-01"]);
    assert_eq!(
        (machine.sh(BANNER), machine.sh(&format!("cat {data}/data/CURRENT"))),
        ("220".to_owned(), "damaged\n".to_owned())
    );
    run(machine, "restore-mail -y --settle 500ms", 0);
    assert_eq!((machine.sh(BANNER), machine.sh(&there)), ("220".to_owned(), before));
    assert_eq!(
        machine.sh(&format!("cat {data}/data/CURRENT")),
        "a store of the stand-in, to be backed up and restored\n"
    );
    assert_ne!(machine.sh("grep -rlx damaged /opt/prim/deploy/email"), "");
    machine.sh("mv /opt/prim/deploy/email/stalwart-data /root/");
    says(machine, "backup-mail -y", 5, &["this host serves no mail"]);
    machine.sh("mv /root/stalwart-data /opt/prim/deploy/email/");
}

fn caddy(machine: &Machine) {
    let pid = "systemctl show -P MainPID caddy";
    let before = machine.sh(pid);
    machine.sh("cp /etc/caddy/Caddyfile /root/; echo 'nonsense {' >>/etc/caddy/Caddyfile");
    says(machine, "caddy-reload -y", 5, &["Caddy rejects its Caddyfile"]);
    machine.sh(
        "cp /root/Caddyfile /etc/caddy/; printf 'http://card.prim.sh {\\nrespond ok\\n}\\n' >>/etc/caddy/Caddyfile",
    );
    run(machine, "caddy-reload -y --settle 500ms", 0);
    assert_eq!(machine.sh("curl -fsS -H 'Host: card.prim.sh' http://127.0.0.1/"), "ok");
    assert_eq!(machine.sh(pid), before);
}

fn secrets(machine: &Machine) {
    for (open, shut, said) in [
        ("chmod 644 /etc/prim/mem.env", "chmod 640 /etc/prim/mem.env", "644 root:prim /etc/prim/mem.env"),
        ("chmod 755 /etc/prim", "chmod 750 /etc/prim", "755 root:prim /etc/prim"),
        ("touch /tmp/prim-wallet-2026.db", "rm /tmp/prim-wallet-2026.db", "/tmp has a copy of a database"),
        (
            "cd /opt/prim; setpriv --reuid=prim --regid=prim --clear-groups sh -ec 'export HOME=/home/prim; git init -q; \
             echo SECRET=dummy-secret >x.env; git add -f x.env; git -c user.name=o -c user.email=o@o commit -qm first'",
            "rm -r /opt/prim/.git /opt/prim/x.env",
            "git tracks an env file",
        ),
    ] {
        machine.sh(open);
        says(machine, "secrets-audit", 3, &[said]);
        assert!(!run(machine, "secrets-audit", 3).contains("dummy-secret"));
        machine.sh(shut);
        run(machine, "secrets-audit", 0);
    }
}

/// Only what reads a file that was changed is restarted.
fn rotations(machine: &Machine) {
    machine.sh("touch -d '3 days ago' /etc/prim/*.env; touch /etc/prim/spawn.env");
    let pids = "systemctl show -p MainPID --value prim-email prim-domain prim-store prim-faucet prim-search prim-mem prim-wallet";
    let (others, spawn) = (machine.sh(pids), machine.sh("systemctl show -p MainPID --value prim-spawn"));
    let asked = ["stalwart", "relay", "internal-key", "digitalocean", "cloudflare", "circle", "tavily", "google"];
    let current: String = asked.iter().map(|step| format!(" --answer {step}=current")).collect();
    says(machine, &format!("rotate-secrets -y --settle 100ms{current}"), 8, &["use each new credential once"]);
    assert_eq!(machine.sh(pids), others);
    assert_ne!(machine.sh("systemctl show -p MainPID --value prim-spawn"), spawn);
    let all = format!("{current} --answer use=works --answer revoke=revoked");
    run(machine, &format!("rotate-secrets -y --settle 100ms --resume{all}"), 0);
    assert_eq!(machine.sh(pids), others);
}

fn alerts(machine: &Machine) {
    machine.sh("systemctl stop cron");
    says(machine, "alert-setup -y", 5, &["cron does not run"]);
    machine.sh("systemctl start cron");
    // The command that it prints continues it.
    let next = "alert-setup -y --resume --answer create=created";
    says(machine, "alert-setup -y", 5, &[&format!("afterwards: opsctl run {next}")]);
    says(machine, next, 5, &[&format!("afterwards: opsctl run {next} --answer enter=entered")]);
    let done = "--answer create=created --answer enter=entered";
    says(machine, &format!("alert-setup -y --resume {done}"), 5, &["no ALERT_WEBHOOK_URL before the health check"]);
    // cron gives a setting to the lines after it only.
    let line = "ALERT_WEBHOOK_URL=https://hooks.slack.com/services/dummy-secret-webhook";
    machine.sh(&format!("(crontab -l; echo {line}) | crontab -"));
    says(machine, &format!("alert-setup -y --resume {done}"), 5, &["no ALERT_WEBHOOK_URL before the health check"]);
    machine.sh(&format!("(echo {line}; crontab -l | grep -v ALERT) | crontab -; systemctl stop prim-faucet"));
    says(machine, "alert-setup -y --resume", 5, &["skipped 3.", "stop the faucet for six minutes"]);
    says(machine, "alert-setup -y --resume --answer test=arrived", 5, &["faucet: stopped"]);
    machine.sh("systemctl start prim-faucet");
    run(machine, "alert-setup -y --resume --answer test=arrived --answer outside=watched", 0);
    machine.sh("! grep -r dummy-secret /var/log/opsctl /var/lib/opsctl /run/opsctl");
}
