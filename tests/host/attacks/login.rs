//! Whoever has a login: reads what others start, takes locks, plants names where programs put temporary files.

use super::*;

pub const PLUGSPACE: &[Attempt] = &[
    Attempt {
        attacker: super::LOGIN,
        user: "nobody",
        tried: "command lines and environments of all that root's opsctl starts are read, all the time",
        plant: "(exec /usr/local/lib/attack/sampler /marks/seen) >/dev/null 2>&1 & for i in $(seq 50); do test -s /marks/seen && break; sleep 0.1; done",
        verbs: &["status", "backup config redis --timeout 60s", "restore config --dry-run", "redeploy --dry-run", "diagnose", "backup list", "verify"],
        holds: "pkill -u nobody -f 'attack/[s]ampler'; test -s /marks/seen; grep -q opsctl /marks/seen
                # The remote's own server is no program of opsctl's; and these lines are seen as well, so they do not hold the words.
                if grep -a -v 'serve.*s3' /marks/seen | grep -aE 'dummy-[c]anary|dummy-[s]ecret'; then exit 1; fi",
        heal: "pkill -u nobody -f 'attack/[s]ampler' || true",
        ..NONE
    },
    Attempt {
        attacker: super::LOGIN,
        user: "nobody",
        tried: "names below /tmp, /var/tmp and /dev/shm that opsctl and its tools might use are links to root's, and a FIFO",
        plant: "for dir in /tmp /var/tmp /dev/shm; do for name in opsctl opsctl.lock opsctl-0 .opsctl rclone pm2 npm npm-cache node-compile-cache; do
                ln -s /root/keep $dir/$name 2>/dev/null || true; done; mkfifo $dir/opsctl.tmp; done",
        verbs: &["status", "diagnose", "backup config --timeout 60s", "diagnose --bundle -", "verify", "redeploy --dry-run"],
        holds: "test -z \"$(find /tmp /var/tmp /dev/shm -uid 0 -name '*opsctl*')\"",
        heal: "for dir in /tmp /var/tmp /dev/shm; do for name in opsctl opsctl.lock opsctl-0 .opsctl rclone pm2 npm npm-cache node-compile-cache opsctl.tmp; do rm -f $dir/$name; done; done",
        ..NONE
    },
    Attempt {
        attacker: super::LOGIN,
        user: "nobody",
        tried: "the locks are opened and held, the trail and the records read, opsctl stopped and killed by signals",
        plant: "(flock -n /run/opsctl/plugspace.lock sleep 60; flock -n /run/opsctl/plugspace.backup.lock sleep 60) >/dev/null 2>&1 &
                for path in /run/opsctl /run/opsctl/* /var/lib/opsctl /var/lib/opsctl/* /var/log/opsctl /var/log/opsctl/audit.jsonl; do
                    if head -c 1 $path >/dev/null 2>&1 || ls $path/ >/dev/null 2>&1; then touch /marks/readable; fi; done
                (while :; do pkill -STOP -x opsctl; pkill -KILL -x opsctl; test -e /marks || exit; sleep 0.01; done) >/dev/null 2>&1 &",
        verbs: &["restart nginx -y --settle 300ms", "lock status", "history", "backup config --timeout 60s", "status"],
        // Not that another holds the lock (6). Where so much is started and stopped something may take too long to be asked.
        codes: &[0, 3, 4, 7],
        holds: "test ! -e /marks/readable; test -z \"$(find / -xdev -name '*opsctl*' -perm /6000 2>/dev/null)\"",
        heal: "pkill -u nobody || true",
        ..NONE
    },
];
