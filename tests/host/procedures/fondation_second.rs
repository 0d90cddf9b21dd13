//! Procedures of fondation with a second worker: on another booted host, behind a cable, that takes over; and beside the first while that
//! is updated.

use std::process::Command;

use super::fondation_login::{nothing_leaked, watch};
use super::*;

const ENV: &str = "stat -c '%n %U:%G %a' /srv/fondation/.env; cat /srv/fondation/.env";
const LOGIN: &str =
    "stat -c '%u:%g %a' /srv/claude-creds /srv/claude-creds/.credentials.json; cat /srv/claude-creds/.credentials.json";
const JOBS: &str = "/etc/test-host/jobs.json";
const STOPPED: &str = "[ \"$(systemctl is-active fondation-worker)\" != active ]; [ -z \"$(docker ps -q)\" ]";
const CABLE: [&str; 2] = ["fondrot0", "fondrot1"];
const PRIMARY: &str = "10.91.0.1";

fn leader(machine: &Machine) -> String {
    machine.root().to_str().unwrap().split('/').nth(2).unwrap().to_owned()
}

fn outside(line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let ran = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(ran.status.success(), "{line}: {ran:?}");
}

/// A cable between both, and root of the secondary may log in to the primary, whose key it knows.
fn connect(primary: &Machine, secondary: &Machine) {
    outside(&format!("ip link add {} type veth peer name {}", CABLE[0], CABLE[1]));
    for (machine, link, address) in [(primary, CABLE[0], PRIMARY), (secondary, CABLE[1], "10.91.0.2")] {
        outside(&format!("ip link set {link} netns {}", leader(machine)));
        machine.sh(&format!("ip addr add {address}/24 dev {link}; ip link set {link} up; systemctl start ssh"));
    }
    let key = secondary.sh("install -d -m 700 /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519; cat /root/.ssh/id_ed25519.pub");
    primary.sh(&format!("install -d -m 700 /root/.ssh; echo '{}' >/root/.ssh/authorized_keys", key.trim()));
    let host = primary.sh("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
    secondary.sh(&format!(
        "echo '{PRIMARY} {}' >/root/.ssh/known_hosts; ssh -o BatchMode=yes root@{PRIMARY} true",
        host.trim()
    ));
}

#[test]
fn the_secondary_of_fondation_takes_over() {
    let primary = Machine::boot_as("fondation", "fondrot-primary");
    let machine = Machine::boot_as("fondation", "fondrot-secondary");
    connect(&primary, &machine);
    primary.sh("sed -i s/access-token/of-the-primary/ /srv/claude-creds/.credentials.json");
    // The secondary was set up like the primary, WORKER_ID included, and waits.
    machine.sh("systemctl stop fondation-worker");
    let (env, login) = (machine.sh(ENV), machine.sh(LOGIN));
    assert!(env.contains("WORKER_ID=scaleway-worker-1\n"), "{env}");
    let as_before = |machine: &Machine| {
        machine.sh(STOPPED);
        assert_eq!((machine.sh(ENV), machine.sh(LOGIN)), (env.clone(), login.clone()));
    };
    planned(&machine, &format!("failover {PRIMARY}"), "ls -A /var/backups; docker ps -q");
    watch(&machine);

    // The primary is alive: a person must decide, whatever was agreed to.
    let refused = opsctl(&machine, &format!("run failover {PRIMARY} -y --settle 1s"), 5);
    contains(&refused, &["ActiveState=active", "the worker of 10.91.0.1 is alive", "--answer alive=both-run"]);
    as_before(&machine);
    opsctl(&machine, "run failover --discard -y", 0);
    // Nor does it take over with the same WORKER_ID.
    let same = opsctl(
        &machine,
        &format!("run failover {PRIMARY} --worker-id scaleway-worker-1 -y --answer alive=both-run"),
        5,
    );
    contains(&same, &["two workers with one WORKER_ID claim the same jobs"]);
    as_before(&machine);

    // It was decided, but the worker does not start: everything is as before once that is undone.
    machine.sh("mv /srv/fondation/docker-compose.prod.yml /root/; echo 'services: {worker: {image: none}}' >/srv/fondation/docker-compose.prod.yml");
    let failed = opsctl(&machine, &format!("run failover {PRIMARY} broken -y --settle 1s --answer alive=both-run"), 8);
    contains(&failed, &["STOPPED", "--undo"]);
    assert!(machine.sh(ENV).contains("WORKER_ID=scaleway-worker-backup\n"));
    opsctl(&machine, "run failover --undo -y --settle 1s", 8);
    machine.sh("mv /root/docker-compose.prod.yml /srv/fondation/");
    as_before(&machine);

    // Both run, each as itself, with the login of the primary; and it is undone.
    let both = opsctl(&machine, &format!("run failover {PRIMARY} both -y --settle 1s --answer alive=both-run"), 8);
    contains(&both, &["the Claude CLI answers a prompt", "a person must do this: once the worker of 10.91.0.1 is off"]);
    let copied = machine.sh(LOGIN);
    assert!(copied.starts_with("1001:1001 700\n1001:1001 600\n") && copied.contains("of-the-primary"), "{copied}");
    machine.sh("curl -sf localhost:8080/metrics | grep '\"worker_id\": \"scaleway-worker-backup\"'; stat -c %a:%u /var/backups/fondation-both | grep -x 700:0");
    primary.sh("curl -sf localhost:8080/metrics | grep '\"worker_id\": \"scaleway-worker-1\"'");
    opsctl(&machine, "run failover --undo -y --settle 1s", 8);
    as_before(&machine);

    // The machine of the primary is killed in the middle of a job; there is no login here but in the backup.
    crate::backup::remote(&machine, "offsite", "fondation-backups");
    machine.sh("install -d -m 700 /etc/opsctl; age-keygen -o /etc/opsctl/backup.key 2>/dev/null; opsctl backup credentials -q; rm /srv/claude-creds/.credentials.json");
    outside(&format!("kill -KILL {}", leader(&primary)));
    let asked = opsctl(&machine, &format!("run failover {PRIMARY} dead -y --settle 1s"), 8);
    contains(&asked, &["no answer does not prove that it is dead", "once the worker of 10.91.0.1 is off"]);
    assert!(!asked.contains("both-run"), "{asked}");
    assert_eq!(machine.sh(LOGIN), login);
    assert_eq!(machine.sh(ENV), env.replace("scaleway-worker-1", "scaleway-worker-backup"));
    // What a person does in the dashboard: the job of the dead one is pending again.
    machine.sh(&format!("echo '[{{\"_id\":\"j1\",\"status\":\"pending\",\"millis\":3000}}]' >{JOBS}; for i in $(seq 150); do grep -q '\"lockedBy\": \"scaleway-worker-backup\"' {JOBS} && exit 0; sleep 0.1; done; exit 1"));
    let done = opsctl(&machine, "run failover --resume -y --settle 1s --answer reclaim=reclaimed", 0);
    machine.sh(&format!("for i in $(seq 150); do grep -q '\"completed\"' {JOBS} && exit 0; sleep 0.1; done; exit 1"));
    nothing_leaked(&machine, &[refused, same, failed, both, asked, done].concat());
}

/// The version of the first worker, and which workers there are.
const VERSION: &str =
    "curl -sf localhost:8080/health | grep -o '\"version\": .*'; docker ps --format '{{.Names}}' | sort";

#[test]
fn fondation_is_updated_without_downtime() {
    let machine = Machine::boot_as("fondation", "fondrot-update");
    machine.sh(
        "docker build -q --build-arg VERSION=2.0.0 -t new:good /usr/local/lib/test-host/layout/worker >/dev/null 2>&1
        printf 'FROM fondation-worker:latest\\nCMD [\"false\"]\\n' | docker build -q -t new:bad - >/dev/null 2>&1
        docker image inspect new:good new:bad >/dev/null",
    );
    let one = "\"version\": \"1.0.0\"\nfondation-worker-1\n";
    planned(&machine, "zero-downtime-update one", VERSION);
    // The first is at work, and another job waits: the second takes it at once.
    machine.sh(&format!("echo '[{{\"_id\":\"j1\",\"status\":\"pending\",\"millis\":6000}}]' >{JOBS}; for i in $(seq 150); do grep -q scaleway-worker-1 {JOBS} && break; sleep 0.1; done
        sed -i 's/^\\]/,{{\"_id\":\"j2\",\"status\":\"pending\",\"millis\":1000}}]/' {JOBS}"));
    let asked = opsctl(&machine, "run zero-downtime-update one -y --settle 1s", 8);
    contains(&asked, &["a person must do this: load the new image"]);
    let jobs: serde_json::Value = serde_json::from_str(&machine.sh(&format!("cat {JOBS}"))).unwrap();
    assert!(jobs.as_array().unwrap().iter().all(|job| job["status"] == "completed"), "{jobs:#}");
    machine.sh("docker logs fondation-second 2>&1 | grep 'Job j2 completed'");
    assert_eq!(machine.sh("docker ps --format '{{.Names}}'"), "fondation-second\n");
    let lied = opsctl(&machine, "run zero-downtime-update --resume -y --settle 1s --answer image=loaded", 8);
    contains(&lied, &["it is still the old one"]);
    // The new image does not start: the old one runs again.
    machine.sh("docker tag new:bad fondation-worker:latest");
    let failed = opsctl(&machine, "run zero-downtime-update --resume -y --settle 1s --answer image=loaded", 8);
    contains(&failed, &["--undo"]);
    assert_eq!(machine.sh("docker ps --format '{{.Names}}'"), "fondation-second\n");
    opsctl(&machine, "run zero-downtime-update --undo -y --settle 1s", 8);
    assert_eq!(machine.sh(VERSION), one);
    // The label is that of an image now.
    machine.sh("docker tag new:good fondation-worker:latest");
    contains(&opsctl(&machine, "run zero-downtime-update one -y --settle 1s", 5), &["choose another label"]);
    machine.sh("docker tag fondation-worker:before-one fondation-worker:latest");
    // The new image starts.
    opsctl(&machine, "run zero-downtime-update two -y --settle 1s", 8);
    machine.sh("docker tag new:good fondation-worker:latest");
    opsctl(&machine, "run zero-downtime-update --resume -y --settle 1s --answer image=loaded", 0);
    assert_eq!(machine.sh(VERSION), "\"version\": \"2.0.0\"\nfondation-worker-1\n");
    assert_eq!(machine.sh("docker ps --all --quiet | wc -l"), "1\n");
}

#[test]
fn a_killed_failover_of_fondation_is_resumed_or_undone() {
    let machine = Machine::boot_as("fondation", "fondrot-killed");
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/procedures/killed/failover");
    machine.put(&script, "/root/failover");
    let count = if crate::backup::killed::is_whole() { "400" } else { "6" };
    let said = machine.sh(&format!("bash /root/failover {count}"));
    let (states, points) = said.split_once('\n').unwrap();
    assert_eq!(states, "scaleway-worker-1-down scaleway-worker-backup-up");
    let (old, new) = states.split_once(' ').unwrap();
    eprintln!("{points}");
    let is_right = |line: &&str| {
        let [_, first, next, code, second, left, lock] = line.split(' ').collect::<Vec<_>>()[..] else { return false };
        let wanted = if ["undo", "none"].contains(&next) { old } else { new };
        // Copies and the answer of a person are not undone.
        let codes: &[&str] = if next == "undo" { &["0", "8"] } else { &["0"] };
        first != "TORN"
            && second == wanted
            && codes.contains(&code)
            && left == "0"
            && (lock == "free" || next == "none" || next == "ended")
    };
    let wrong: Vec<&str> = points.lines().filter(|line| !is_right(line)).collect();
    assert!(wrong.is_empty() && points.lines().count() >= 10, "{wrong:#?} of\n{points}");
}
