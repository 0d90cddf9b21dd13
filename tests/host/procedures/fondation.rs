//! Procedures of fondation: a real unit around a real container; Convex and the jobs are a stand-in, whose queue is a file. What a
//! person would do in its dashboard, the test does in that file.

use super::*;

const JOBS: &str = "/etc/test-host/jobs.json";
const JOB: &str = "cat /etc/test-host/jobs.json 2>/dev/null || true";
const WORKS: &str = "for i in $(seq 150); do curl -s localhost:8080/health | grep -q '\"activeJobs\": 1' && exit 0; sleep 0.2; done; exit 1";
const LEFT: &str = "docker exec fondation-worker-1 ls -A /tmp/fondation";
const BREACH: &str = "run security-breach --resume -y --settle 1s --answer claude=revoked --answer github=revoked --answer convex=replaced \
     --answer access=closed --answer image=loaded --answer login=logged-in";

#[test]
fn procedures_of_fondation() {
    let machine = Machine::boot_as("fondation", "it-fondation-procedures");
    contains(&opsctl(&machine, "run on-call", 5), &["acknowledge the page"]);
    contains(
        &opsctl(&machine, "run on-call --resume --answer acknowledge=acknowledged", 0),
        &["fondation-worker-1", "Polling for jobs"],
    );
    a_job_is_killed(&machine);
    maintenance(&machine);
    scratch(&machine);
    everything_fails(&machine);
    breach(&machine);
    debug(&machine);
    let asked = [
        "report=written",
        "runbook=updated",
        "monitoring=reviewed",
        "alerts=updated",
        "post-mortem=booked",
        "prevention=done",
        "recovery=tested",
        "documents=updated",
    ];
    let answers: String = asked.iter().map(|answer| format!(" --answer {answer}")).collect();
    contains(&opsctl(&machine, &format!("run post-incident{answers}"), 0), &["9 of 9 steps"]);
    machine.sh("! grep -rE 'dummy-secret' /var/log/opsctl /var/lib/opsctl");
}

fn queue(machine: &Machine, millis: u32) {
    machine.sh(&format!("echo '[{{\"_id\":\"j1\",\"status\":\"pending\",\"millis\":{millis}}}]' >{JOBS}; {WORKS}"));
}

/// Emergency stop in the middle of a job, what it leaves behind, and how the job is put back.
fn a_job_is_killed(machine: &Machine) {
    queue(machine, 60_000);
    let refused = opsctl(machine, "run clear-temp -y", 5);
    contains(&refused, &["a job needs its clone"]);
    assert_eq!(machine.sh(LEFT), "job-j1\n");
    planned(machine, "emergency-stop", "docker ps --format '{{.ID}}'; systemctl is-active fondation-worker");
    let stopped = opsctl(machine, "run emergency-stop -y --settle 1s", 0);
    contains(&stopped, &["\"activeJobs\": 1", "no container of the worker runs"]);
    machine.sh("! systemctl is-active fondation-worker; [ -z \"$(docker ps -q)\" ]; grep -q '\"claimed\"' /etc/test-host/jobs.json");
    contains(
        &opsctl(machine, "run reclaim-leases --answer reclaim=reclaimed --answer poison=checked", 5),
        &["start it first"],
    );
    opsctl(machine, "start worker -y --settle 1s", 0);
    // What the killed job left behind, and a hidden file.
    machine.sh("docker exec fondation-worker-1 touch /tmp/fondation/.hidden");
    planned(machine, "clear-temp", LEFT);
    contains(&opsctl(machine, "run clear-temp -y", 0), &["/tmp/fondation/job-j1"]);
    assert_eq!(machine.sh(LEFT), "");
    machine.sh(&format!("sed -i 's/\"millis\": 60000/\"millis\": 4000/; s/\"claimed\"/\"pending\"/; s/\"lockedBy\": .*/\"lockedBy\": null,/' {JOBS}"));
    opsctl(machine, "run reclaim-leases --answer reclaim=reclaimed --answer poison=checked", 0);
    machine.sh(WORKS);
}

/// It waits for the job that is at work, and strands none.
fn maintenance(machine: &Machine) {
    let asked = opsctl(machine, "run planned-maintenance -y --settle 1s", 8);
    contains(&asked, &["a person must do this: do the work"]);
    contains(&machine.sh(JOB), &["\"completed\""]);
    machine.sh("! systemctl is-active fondation-worker");
    opsctl(machine, "run planned-maintenance --resume -y --settle 1s --answer work=finished", 0);
    machine.sh("systemctl is-active fondation-worker; curl -sf localhost:8080/health");
}

fn scratch(machine: &Machine) {
    machine.sh(
        "docker exec fondation-worker-1 sh -c 'mkdir -p /tmp/fondation/job-2; echo broken >/tmp/fondation/job-2/clone'",
    );
    planned(machine, "data-corruption first", LEFT);
    opsctl(machine, "run data-corruption first -y --settle 1s --answer jobs-back=pending", 0);
    assert_eq!(machine.sh(LEFT), "");
    let kept = "tar -xOf /var/backups/fondation-first/scratch.tar fondation_worker-tmp/_data/job-2/clone; stat -c %a /var/backups/fondation-first";
    assert_eq!(machine.sh(kept), "broken\n700\n");
    // Another incident of the same name: its scratch space has no copy, and stays.
    machine.sh("docker exec fondation-worker-1 touch /tmp/fondation/job-3");
    let refused = opsctl(machine, "run data-corruption first -y --settle 1s --answer jobs-back=pending", 8);
    contains(&refused, &["the copy is not as the volume is", "choose another label"]);
    opsctl(machine, "run data-corruption --undo -y --settle 1s", 0);
    assert_eq!(machine.sh(LEFT), "job-3\n");
    assert_eq!(machine.sh(kept), "broken\n700\n");
}

fn everything_fails(machine: &Machine) {
    let id = "docker image inspect --format '{{.Id}}' fondation-worker:latest";
    let image = machine.sh(id);
    planned(machine, "complete-failure one", "ls -A /var/backups; docker ps -q");
    // The env file is gone, too.
    machine.sh("mv /srv/fondation/.env /root/env; sed /CONVEX_URL/d /root/env >/srv/fondation/.env");
    let stopped = opsctl(machine, "run complete-failure one -y --settle 1s", 8);
    contains(&stopped, &["the env file does not have CONVEX_URL", "--resume"]);
    machine.sh("! systemctl is-active fondation-worker");
    machine.sh("cp -p /root/env /srv/fondation/.env");
    opsctl(machine, "run complete-failure --resume -y --settle 1s", 0);
    machine.sh("curl -sf localhost:8080/health; tar -tzf /var/backups/fondation-one/srv.tar.gz | grep -x claude-creds/.credentials.json");
    // The copy of the images is one.
    machine.sh("systemctl stop fondation-worker; docker image rm --force fondation-worker:latest >/dev/null; docker load --quiet --input /var/backups/fondation-one/images.tar");
    assert_eq!(machine.sh(id), image);
    // Docker itself is down, and the image and the login are lost: a person brings them.
    machine.sh("docker image rm --force fondation-worker:latest >/dev/null; systemctl stop docker.socket docker; mv /srv/claude-creds/.credentials.json /root/");
    let asked = opsctl(machine, "run complete-failure two -y --settle 1s", 8);
    contains(&asked, &["a person must do this: load the worker's image"]);
    machine.sh("[ ! -e /var/backups/fondation-two/images.tar ]; docker load --quiet --input /var/backups/fondation-one/images.tar");
    let lied = opsctl(
        machine,
        "run complete-failure --resume -y --settle 1s --answer image=loaded --answer login=logged-in",
        8,
    );
    contains(&lied, &["every job fails without it"]);
    machine.sh("! systemctl is-active fondation-worker; mv /root/.credentials.json /srv/claude-creds/");
    opsctl(machine, "run complete-failure --resume -y --settle 1s --answer image=loaded", 0);
    machine.sh("systemctl is-active docker fondation-worker; curl -sf localhost:8080/health");
}

fn breach(machine: &Machine) {
    planned(machine, "security-breach now", "ls -A /var/backups; docker ps -q");
    machine.sh("logger -t sshd 'Accepted publickey for intruder'");
    let asked = opsctl(machine, "run security-breach now -y --settle 1s", 8);
    contains(&asked, &["end every session of the Claude account"]);
    let evidence = "cd /var/backups/fondation-now; stat -c %a . journal.log; grep -c 'Accepted publickey for intruder' journal.log; grep -q 'Polling for jobs' journal.log; \
         tar -xOf srv.tar.gz claude-creds/.credentials.json | sha256sum";
    let kept = machine.sh(evidence);
    assert!(kept.starts_with("700\n600\n1\n"), "{kept}");
    machine.sh("! systemctl is-active fondation-worker");
    // It was said to be done, and was not.
    contains(&opsctl(machine, BREACH, 8), &["the login is still the one of the incident"]);
    machine.sh(
        "! systemctl is-active fondation-worker; sed -i s/access-token/new-token/ /srv/claude-creds/.credentials.json",
    );
    opsctl(machine, BREACH, 0);
    machine.sh("curl -sf localhost:8080/health");
    assert_eq!(machine.sh(evidence), kept);
}

fn debug(machine: &Machine) {
    machine.sh("docker run -d --name other -v /usr:/usr:ro fondation-worker:latest sleep 600 >/dev/null 2>&1 || docker run -d --name other -v /usr:/usr:ro --entrypoint sleep fondation-worker:latest 600 >/dev/null");
    contains(&opsctl(machine, "run debug-run -y --settle 1s", 8), &["two workers of one WORKER_ID"]);
    machine.sh("docker rm -f other >/dev/null");
    contains(
        &opsctl(machine, "run debug-run --resume -y --settle 1s", 8),
        &["a person must do this: run docker run --rm"],
    );
    opsctl(machine, "run debug-run --resume -y --settle 1s --answer debug=ended", 0);
    machine.sh("systemctl is-active fondation-worker; curl -sf localhost:8080/health");
}
