//! plugspace: alerts, load, an incident, a new server, backups. Alertmanager and Prometheus are stand-ins that answer as Debian's do;
//! MongoDB and its tools are stand-ins, because no registry has the server.

mod rotations;

use serde_json::Value;

use super::{run, says};
use crate::actions::{snapshot, unchanged};
use crate::backup::plugspace::TOOLS;
use crate::backup::remote;
use crate::machine::Machine;

#[test]
fn procedures_of_plugspace() {
    let machine = &Machine::boot_as("plugspace", "it-plugspace-procedures");
    dry(machine);
    alerts(machine);
    scale(machine);
    incident(machine);
    rebuild(machine);
    backups(machine);
}

fn dry(machine: &Machine) {
    let before = snapshot(machine);
    for words in ["alert-status", "silence-alert HighCPUUsage", "scale 3", "security-incident a1", "server-rebuild"] {
        says(machine, &format!("{words} --dry-run"), 0, &["nothing was changed"]);
    }
    for words in ["backup-verify", "backup-checklist"] {
        says(machine, &format!("{words} --dry-run"), 0, &["opsctl backup create mongodb redis app config ssl"]);
    }
    // Nothing is done without consent.
    for words in ["scale 3", "security-incident a1"] {
        run(machine, words, 5);
    }
    unchanged(machine, &before);
    assert_eq!(silences(machine), Vec::<Value>::new());
}

/// As Alertmanager lists them.
fn silences(machine: &Machine) -> Vec<Value> {
    serde_json::from_str(&machine.sh("curl -fsS http://127.0.0.1:9093/api/v2/silences")).unwrap()
}

fn alerts(machine: &Machine) {
    machine.sh(
        r#"echo '[{"labels":{"alertname":"HighCPUUsage","severity":"warning"},"state":"firing"}]' >/etc/test-host/alerts.json"#,
    );
    let firing = r#"ALERTS{alertname="HighCPUUsage",alertstate="firing",severity="warning"}"#;
    says(machine, "alert-status", 0, &[firing, r#"up{job="redis""#]);
    // A silence of one host of the alert, or of another alert, is none of the alert.
    let other = |matchers: &str| {
        machine.sh(&format!(
            "curl -fsS -H 'Content-Type: application/json' http://127.0.0.1:9093/api/v2/silences -d '{{\"matchers\":[{matchers}],\
             \"startsAt\":\"2020-01-01T00:00:00Z\",\"endsAt\":\"2099-01-01T00:00:00Z\",\"createdBy\":\"o\",\"comment\":\"c\"}}'"
        ))
    };
    let matcher = |name: &str, value: &str| format!(r#"{{"name":"{name}","value":"{value}","isRegex":false}}"#);
    other(&matcher("alertname", "HighCPUUsageToo"));
    other(&format!("{},{}", matcher("alertname", "HighCPUUsage"), matcher("instance", "one")));
    says(
        machine,
        "silence-alert HighCPUUsage 30m --reason deploy -y",
        0,
        &[firing, "Alertmanager silences HighCPUUsage"],
    );
    let made: Vec<Value> = silences(machine).into_iter().filter(|one| one["createdBy"] == "opsctl").collect();
    let [silence] = &made[..] else { panic!("{made:#?}") };
    assert_eq!((&silence["comment"], &silence["status"]["state"]), (&"deploy".into(), &"active".into()), "{silence:#}");
    assert_eq!(silence["matchers"].as_array().unwrap().len(), 1, "{silence:#}");
    let seconds = |field: &str| {
        let command = format!("date -d {} +%s", silence[field].as_str().unwrap());
        machine.sh(&command).trim().parse::<i64>().unwrap()
    };
    assert!((1799..=1801).contains(&(seconds("endsAt") - seconds("startsAt"))), "{silence:#}");
    // Once is enough.
    says(machine, "silence-alert HighCPUUsage 4h -y", 0, &["already 3."]);
    assert_eq!(silences(machine).len(), 3);

    says(machine, "unsilence-alert nope -y", 5, &["Alertmanager has no silence nope"]);
    let id = silence["id"].as_str().unwrap();
    says(machine, "alert-status", 0, &[id]);
    says(machine, &format!("unsilence-alert {id} -y"), 0, &["has ended"]);
    let states: Vec<bool> = silences(machine).iter().map(|one| one["status"]["state"] == "expired").collect();
    assert_eq!(states, [false, false, true]);
    // What has ended silences nothing.
    run(machine, "silence-alert HighCPUUsage -y", 0);
    assert_eq!(silences(machine).len(), 4);
    // Without Alertmanager nothing can be silenced, and without Prometheus it can.
    machine.sh("systemctl stop prometheus");
    run(machine, "silence-alert DiskLow -y", 0);
    run(machine, "alert-status", 4);
    machine.sh("systemctl start prometheus; systemctl stop alertmanager");
    says(machine, "silence-alert Other -y", 5, &["nothing listens on port 9093"]);
    machine.sh("systemctl start alertmanager; rm /etc/test-host/alerts.json");
}

/// Processes of the API that are online.
fn instances(machine: &Machine) -> usize {
    let list =
        machine.run_as("plugspace", &["env", "PM2_HOME=/home/plugspace/.pm2", "PM2_SILENT=true", "pm2", "jlist"]);
    let list: Vec<Value> = serde_json::from_str(&list.stdout).unwrap();
    let online = |app: &&Value| app["name"] == "plugspace-api" && app["pm2_env"]["status"] == "online";
    list.iter().filter(online).count()
}

fn scale(machine: &Machine) {
    assert_eq!(instances(machine), 2);
    for words in ["scale 0 -y", "scale 17 -y", "scale +2 -y", "scale"] {
        run(machine, words, 2);
    }
    for wanted in [3, 1, 2] {
        says(machine, &format!("scale {wanted} -y"), 0, &[&format!("{wanted} instances of plugspace-api run")]);
        assert_eq!(instances(machine), wanted);
        machine.sh("curl -fsS http://localhost:4000/health");
    }
    says(machine, "scale 2 -y", 0, &["already 4."]);
    // What pm2 reports is not believed: the processes are counted.
    let lies = "#!/bin/sh\ncase $1 in scale) exit 0 ;; esac\nexec /usr/local/bin/pm2 \"$@\"\n";
    machine.sh(&format!("printf '%s' '{lies}' >/usr/local/sbin/pm2; chmod 755 /usr/local/sbin/pm2"));
    says(machine, "scale 3 -y", 1, &["there are not 3 running instances of plugspace-api"]);
    machine.sh("rm /usr/local/sbin/pm2");
    run(machine, "scale --resume -y", 0);
    assert_eq!(instances(machine), 3);
    // No daemon of root's, and none beside that of plugspace.
    let daemons = "pgrep -fc '^PM2 v.*God Daemon' || true";
    assert_eq!(machine.sh(daemons), "1\n");
    machine.sh("systemctl stop pm2-plugspace; pkill -9 -u plugspace || true");
    says(machine, "scale 3 -y", 5, &["the pm2 daemon of plugspace does not run"]);
    assert_eq!(machine.sh(daemons), "0\n");
    machine.sh("systemctl start pm2-plugspace; for i in $(seq 100); do curl -fsS http://localhost:4000/health && break; sleep 0.2; done");
}

fn incident(machine: &Machine) {
    machine.sh("mv /usr/bin/rsync /root/");
    says(machine, "security-incident a1 -y", 5, &["rsync is not installed"]);
    machine.sh("mv /root/rsync /usr/bin/");
    says(machine, "security-incident a1 --space 900T -y", 5, &["of 900.0 TiB wanted"]);
    machine.sh("test ! -e /root/incident-a1; echo trace >/var/log/plugspace/deploy.log; chown plugspace: /var/log/plugspace/deploy.log");
    let processes = "pgrep -u plugspace node | sort | paste -sd ' '";
    let before = machine.sh(processes);
    // Evidence first; a person has done nothing yet, so nothing was restarted.
    let asked = "hPanel of Hostinger: VPS, Snapshots & Backups";
    says(machine, "security-incident a1 -y", 8, &[asked, "every log file is in /root/incident-a1"]);
    assert_eq!(machine.sh(processes), before);
    assert_eq!(
        machine.sh("stat -c '%a %U' /root/incident-a1; cat /root/incident-a1/log/plugspace/deploy.log"),
        "700 root\ntrace\n"
    );
    machine.sh("test ! -e /root/incident-a1/log/opsctl; rm /var/log/plugspace/deploy.log");
    says(machine, "security-incident a1 -y", 5, &["did not end"]);
    // The command that it prints continues it; with other values it is another run.
    let next = "opsctl run security-incident a1 -y --resume --answer snapshot=taken";
    says(
        machine,
        "security-incident --resume -y",
        8,
        &["afterwards: opsctl run security-incident --resume -y --answer snapshot=taken"],
    );
    says(
        machine,
        next.strip_prefix("opsctl run ").unwrap(),
        8,
        &[&format!("afterwards: {next} --answer contain=blocked")],
    );
    says(machine, "security-incident a2 --resume -y", 2, &["was begun with case a1"]);
    let answers = "--answer snapshot=taken --answer contain=blocked --answer access=removed";
    // One that is left out, or is another word, ends it there.
    says(machine, &format!("security-incident --resume -y {answers}"), 8, &["JWT_SECRET"]);
    says(
        machine,
        &format!("security-incident --resume -y {answers} --answer credentials=yes"),
        8,
        &["is changed, not yes"],
    );
    assert_eq!(machine.sh(processes), before);
    let rest = "--answer credentials=changed --answer report=reported --settle 500ms";
    says(machine, &format!("security-incident --resume -y {answers} {rest}"), 0, &["plugspace-api is running"]);
    let after = machine.sh(processes);
    assert!(!after.split_whitespace().any(|pid| before.split_whitespace().any(|old| old == pid)), "{before}{after}");
    assert_eq!(machine.sh("cat /root/incident-a1/log/plugspace/deploy.log"), "trace\n");
}

fn rebuild(machine: &Machine) {
    machine.sh("systemctl stop nginx
         cd / && setpriv --reuid=plugspace --regid=plugspace --init-groups env -i PATH=/usr/local/bin:/usr/bin:/bin \
             HOME=/home/plugspace PM2_HOME=/home/plugspace/.pm2 pm2 --silent stop all
         systemctl stop mongod redis-server");
    let begun = "--answer host=ordered --answer setup=installed";
    machine.sh("mv /usr/sbin/ufw /root/");
    says(machine, &format!("server-rebuild -y {begun}"), 5, &["ufw is not installed"]);
    machine.sh("mv /root/ufw /usr/sbin/; echo nonsense >/etc/nginx/conf.d/broken.conf");
    says(machine, &format!("server-rebuild -y --resume {begun}"), 5, &["nginx rejects its configuration"]);
    machine.sh("rm /etc/nginx/conf.d/broken.conf");
    says(machine, &format!("server-rebuild -y --resume {begun}"), 5, &["opsctl restore SET"]);
    assert_eq!(machine.sh("systemctl is-active nginx mongod redis-server || true"), "inactive\n".repeat(3));
    let rest = format!("server-rebuild -y --resume --settle 500ms {begun} --answer restore=restored");
    says(machine, &rest, 8, &["the DNS of plugspace.io"]);
    run(machine, &format!("{rest} --answer dns=pointed"), 0);
    machine.sh("curl -fsS http://localhost:4000/ready; curl -fsS https://plugspace.io/; curl -fsS https://studio.plugspace.io/");
}

fn backups(machine: &Machine) {
    remote(machine, "remote", "plugspace-backups");
    machine.sh("install -d -m 700 /etc/opsctl; age-keygen -o /etc/opsctl/backup.key 2>/dev/null");
    machine.sh("for d in /etc/nginx /etc/redis /etc/letsencrypt; do cp -a $d $d.own; rm -r $d; mv $d.own $d; done");
    let copies = "rclone lsf -R --files-only remote:plugspace-backups/backups/opsctl 2>/dev/null | cut -d / -f 1 | sort -u | paste -sd ' '";
    // One set that fails is enough: nobody is asked to go on.
    says(
        machine,
        "backup-verify -y --answer drill=drilled",
        8,
        &["mongodump is not installed", "- 4. restore the newest"],
    );
    machine.sh(TOOLS);
    says(machine, "backup-verify -y", 8, &["opsctl backup drill"]);
    assert_eq!(machine.sh(copies), "app config mongodb redis ssl\n");
    assert_eq!(machine.run(&["opsctl", "backup", "drill"]).code, 0);
    says(machine, "backup-verify -y --resume --answer drill=drilled", 0, &["has a copy of mongodb of the last hour"]);
    says(machine, "backup-checklist -y --answer drill=drilled", 8, &["staging.plugspace.io"]);
    let answers =
        "--answer drill=drilled --answer staging=restored --answer collections=compared --answer application=works";
    run(machine, &format!("backup-checklist -y --resume {answers} --answer notes=written"), 0);
    machine.sh("! grep -r dummy-secret /var/log/opsctl /var/lib/opsctl /run/opsctl");
}

/// The rule before all others also covers the sites and SSH; nothing in nginx is needed.
#[test]
fn a_blocked_address_reaches_neither_the_sites_nor_ssh() {
    let machine = &Machine::boot_as("plugspace", "it-plugspace-block-ip");
    machine.sh(
        "ip netns add net; ip link add out type veth peer name in netns net; ip addr add 192.0.2.1/24 dev out; ip link set out up
         ip -n net addr add 192.0.2.2/24 dev in; ip -n net addr add 192.0.2.3/24 dev in; ip -n net link set in up",
    );
    let reaches = |from: &str| {
        ["80", "443", "2222"].map(|port| {
            let words = ["ip", "netns", "exec", "net", "timeout", "2", "nc", "-z", "-s", from, "192.0.2.1", port];
            machine.run(&words).code == 0
        })
    };
    assert_eq!((reaches("192.0.2.2"), reaches("192.0.2.3")), ([true; 3], [true; 3]));
    let rules = machine.sh("ufw show added; iptables -S");
    says(machine, "block-ip 192.0.2.2 -y", 0, &["ufw drops 192.0.2.2 before all other rules"]);
    assert_eq!((reaches("192.0.2.2"), reaches("192.0.2.3")), ([false; 3], [true; 3]));
    run(machine, "unblock-ip 192.0.2.2 -y", 0);
    assert_eq!((reaches("192.0.2.2"), machine.sh("ufw show added; iptables -S")), ([true; 3], rules));
}
