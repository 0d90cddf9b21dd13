//! Procedures of ai-fsm, with a real PostgreSQL in a container and real swap of the kernel.

use super::*;

const ASK: &str = "docker exec -i ai-fsm-postgres psql -XAt -U ai_fsm -d ai_fsm";

/// What only a person can do, all done.
const CHECKLIST: &str = "run post-incident --answer cause=found --answer record=written --answer monitoring=closed --answer backup=proven \
     --answer bypass=undone --answer stakeholders=informed --answer crons=confirmed";

const ANSWERS: &str = "for i in $(seq 300); do curl -sf localhost:3000/api/health && [ \"$(docker inspect -f '{{.State.Health.Status}}' ai-fsm-postgres)\" = healthy ] && exit 0; sleep 0.2; done; exit 1";

#[test]
fn procedures_of_ai_fsm() {
    let machine = Machine::boot_as("ai-fsm", "it-ai-fsm-procedures");
    one_session_blocks_others(&machine);
    rotation(&machine);
    swap(&machine);
    let stopped = opsctl(&machine, "run post-incident", 5);
    contains(&stopped, &["a person must do this: find the root cause"]);
    contains(&opsctl(&machine, &format!("{CHECKLIST} --resume"), 0), &["8 of 8 steps"]);
    machine.sh("docker stop ai-fsm-web >/dev/null");
    contains(&opsctl(&machine, CHECKLIST, 5), &["the incident is not over"]);
    machine.sh("! grep -rE 'dummy-secret' /var/log/opsctl /var/lib/opsctl");
}

/// A session holds a lock for which another waits.
fn one_session_blocks_others(machine: &Machine) {
    machine.sh(&format!(
        "{{ echo \"BEGIN; LOCK TABLE users; SELECT pg_sleep(600), 'secret of a user';\" | {ASK}; }} >/dev/null 2>&1 &
         until [ \"$(echo \"SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'users'::regclass\" | {ASK})\" = 1 ]; do sleep 0.1; done
         {{ echo 'SELECT count(*) FROM users' | {ASK}; }} >/tmp/waited 2>&1 &
         until [ \"$(echo 'SELECT count(*) FROM pg_locks WHERE NOT granted' | {ASK})\" = 1 ]; do sleep 0.1; done"
    ));
    let pid = |sql: &str| machine.sh(&format!("echo \"{sql}\" | {ASK}")).trim().to_owned();
    let blocker =
        pid("SELECT pid FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'users'::regclass");
    let waiter = pid("SELECT pid FROM pg_locks WHERE NOT granted");
    let activity = opsctl(machine, "run db-activity", 0);
    contains(&activity, &[&blocker, &waiter, "SELECT pg_sleep(600), '…'"]);
    assert!(!activity.contains("secret of a user"), "{activity}");
    let locks = opsctl(machine, "run db-locks", 0);
    let pair = locks.lines().find(|line| line.contains(&waiter)).unwrap_or_default();
    contains(pair, &[&blocker, "users"]);
    // Not a client's, and nobody's.
    let checkpointer = pid("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
    for other in [checkpointer.as_str(), "4194304"] {
        contains(&opsctl(machine, &format!("run kill-query {other} -y"), 5), &["is no session of a client"]);
    }
    let all = format!(
        "echo 'SELECT pid FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid() AND query LIKE $$%users%$$ ORDER BY 1' | {ASK}"
    );
    planned(machine, &format!("kill-query {blocker}"), &all);
    let ended = opsctl(machine, &format!("run kill-query {blocker} -y"), 0);
    contains(&ended, &["4 of 4 steps", "pg_sleep", &waiter]);
    // The lock is gone, and who waited for it got its answer.
    machine.sh("for i in $(seq 50); do [ -s /tmp/waited ] && break; sleep 0.1; done; [ \"$(cat /tmp/waited)\" = 2 ]");
    assert_eq!(pid(&format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {blocker}")), "0");
}

fn rotation(machine: &Machine) {
    contains(&opsctl(machine, "run log-rotation-check", 0), &["/ai-fsm-redis json-file 20m 2"]);
    machine.sh("cd /home/pi/ai-fsm; sed -i 's/max-size: 50m/max-size: 500m/' infra/compose.pi.yml
         docker compose --progress quiet -f infra/compose.pi.yml up -d 2>&1");
    machine.sh(ANSWERS);
    contains(&opsctl(machine, "run log-rotation-check", 3), &["not rotated as in the compose file", "500m"]);
}

/// Swap of the kernel itself, 16 MiB of it; the host's root is an overlay, on which no swap can be.
fn swap(machine: &Machine) {
    machine.sh("install -d -m 700 /var/lib/docker/swap /swap; mount --bind /var/lib/docker/swap /swap; cp /etc/fstab /tmp/fstab");
    planned(machine, "swap-grow --swap 16M", "ls -A /swap; cat /proc/swaps /etc/fstab");
    contains(&opsctl(machine, "run swap-grow --swap 900000G -y", 5), &["free space first"]);
    // The kernel takes it no more, halfway.
    machine.sh("mount --bind /usr/bin/false /usr/sbin/mkswap");
    opsctl(machine, "run swap-grow --swap 16M -y", 8);
    machine.sh("umount /usr/sbin/mkswap; cmp /etc/fstab /tmp/fstab");
    opsctl(machine, "run swap-grow --undo -y", 0);
    machine.sh("[ -z \"$(ls -A /swap)\" ]; cmp /etc/fstab /tmp/fstab; ! grep -q /swap/ /proc/swaps");
    let done = opsctl(machine, "run swap-grow --swap 16M -y", 0);
    let seen = machine.sh("stat -c '%s %a %U' /swap/added; grep -c ^/swap/added /etc/fstab; sort /etc/fstab /tmp/fstab | uniq -u; awk '/added/ {print $2, $3}' /proc/swaps; swapoff /swap/added");
    assert!(seen.starts_with("16777216 600 root\n1\n/swap/added none swap sw,nofail 0 0\n"), "{seen}\n{done}");
    assert!(seen.ends_with("file 16380\n"), "{seen}");
}
