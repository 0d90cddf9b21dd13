//! What opsctl itself lacks is its own trouble: never a service that is called failed, never a change left half done.

use super::*;

const LOOKS: &[&str] =
    &["status --timeout 20s", "diagnose --timeout 20s", "verify --timeout 20s", "logs wallet -n 5 --timeout 20s"];
/// A host on which all is healthy: nothing may be found, whatever opsctl lacks.
const NOT_FAILED: &[i32] = &[0, 1, 4, 5, 7];

macro_rules! limit {
    ($tried:literal, $with:literal, $verbs:expr) => {
        Attempt { attacker: SHORTAGE, tried: $tried, with: $with, verbs: $verbs, codes: NOT_FAILED, ..NONE }
    };
}

const CHANGES: &[&str] =
    &["restart faucet -y --settle 300ms --timeout 30s", "backup faucet --timeout 40s", "lock status"];

pub const PRIM: &[Attempt] = &[
    limit!("ten open files", "prlimit --nofile=10 --", LOOKS),
    limit!("twenty-five open files", "prlimit --nofile=25 --", LOOKS),
    limit!("no file may grow", "prlimit --fsize=0 --", LOOKS),
    limit!("no file may grow while something is changed", "prlimit --fsize=1000 --", CHANGES),
    limit!("a hundred megabytes of addresses", "prlimit --as=100000000 --", LOOKS),
    limit!("a stack of 64 KiB", "prlimit --stack=65536 --", LOOKS),
    limit!("no memory may be locked, no core, no message queue", "prlimit --memlock=0 --core=0 --msgqueue=0 --", LOOKS),
    Attempt {
        attacker: SHORTAGE,
        tried: "the disk with opsctl's own files is full, then has no inodes, then is read-only",
        plant: "mkdir -p /var/lib/opsctl /var/log/opsctl; chmod 700 /var/lib/opsctl /var/log/opsctl
                mount -t tmpfs -o size=4k,mode=700 tmpfs /var/lib/opsctl; mount -t tmpfs -o size=4k,mode=700 tmpfs /var/log/opsctl
                head -c 8k /dev/zero > /var/lib/opsctl/fill 2>/dev/null || true; head -c 8k /dev/zero > /var/log/opsctl/fill 2>/dev/null || true",
        verbs: &["status", "restart faucet -y --settle 300ms --timeout 30s", "backup faucet --timeout 40s", "history", "diagnose", "lock status"],
        holds: "for dir in /var/lib/opsctl /var/log/opsctl; do umount $dir; mount -t tmpfs -o nr_inodes=1,mode=700 tmpfs $dir; done
                /usr/local/lib/attack/ask 60 wallet status; /usr/local/lib/attack/ask 60 faucet restart faucet -y --settle 300ms --timeout 30s
                /usr/local/lib/attack/ask 60 '' backup faucet --timeout 40s; /usr/local/lib/attack/ask 60 '' history
                for dir in /var/lib/opsctl /var/log/opsctl; do umount $dir; mount -t tmpfs -o ro,mode=700 tmpfs $dir; done
                /usr/local/lib/attack/ask 60 wallet status; /usr/local/lib/attack/ask 60 faucet restart faucet -y --settle 300ms --timeout 30s
                /usr/local/lib/attack/ask 60 '' backup faucet --timeout 40s; /usr/local/lib/attack/ask 60 '' history; curl -sf -o /dev/null localhost:3003",
        heal: "for dir in /var/lib/opsctl /var/log/opsctl; do umount $dir 2>/dev/null || true; done; systemctl reset-failed prim-faucet || true; systemctl restart prim-faucet",
        ..NONE
    },
    Attempt {
        attacker: SHORTAGE,
        tried: "journald is stopped and its queue full while the trail cannot be written",
        plant: "mkdir -p /var/log/opsctl; mount -t tmpfs -o ro,mode=700 tmpfs /var/log/opsctl; kill -STOP $(pidof systemd-journald)
                timeout 20 python3 -c \"
import socket
# Each socket may hold so much back itself; journald's queue is full when none takes more.
keep = []
while len(keep) < 200:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.setblocking(False); keep.append(s); sent = 0
    try:
        while True: s.sendto(b'MESSAGE=x', '/run/systemd/journal/socket'); sent += 1
    except BlockingIOError:
        if sent == 0: break
\"",
        verbs: &["restart faucet -y --settle 300ms --timeout 10s", "backup faucet --timeout 20s", "lock status", "status --timeout 10s", "history --timeout 10s"],
        heal: "kill -CONT $(pidof systemd-journald); umount /var/log/opsctl; sleep 0.5; systemctl reset-failed prim-faucet || true; systemctl restart prim-faucet",
        ..NONE
    },
];
