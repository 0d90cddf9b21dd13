//! prim: ten Bun services, Caddy, Stalwart's stand-in.

use std::time::{Duration, Instant};

use crate::faults::{Fault, compare, drive, status};
use crate::machine::Machine;
use crate::mask;

const FAULTS: &[Fault] = &[
    Fault {
        name: "b3-wallet-crash-loop",
        inject: "sed -i 's/^PRIM_NETWORK=.*/PRIM_NETWORK=eip155:1/' /etc/prim/wallet.env; \
                 systemctl restart prim-wallet; sleep 22",
        heal: "sed -i 's/^PRIM_NETWORK=.*/PRIM_NETWORK=eip155:8453/' /etc/prim/wallet.env; \
               systemctl stop prim-wallet; systemctl reset-failed prim-wallet || true; systemctl start prim-wallet",
    },
    Fault {
        name: "route-to-a-port-where-nobody-listens",
        inject: "sed -i s/localhost:3001/localhost:3099/ /etc/caddy/Caddyfile; systemctl reload caddy",
        heal: "sed -i s/localhost:3099/localhost:3001/ /etc/caddy/Caddyfile; systemctl reload caddy",
    },
    Fault {
        name: "route-to-another-program",
        inject: "systemd-run --quiet --unit=other python3 -m http.server 3099; sleep 2; \
                 sed -i s/localhost:3001/localhost:3099/ /etc/caddy/Caddyfile; systemctl reload caddy",
        heal: "sed -i s/localhost:3099/localhost:3001/ /etc/caddy/Caddyfile; systemctl reload caddy; systemctl stop other",
    },
    Fault { name: "store-stopped", inject: "systemctl stop prim-store", heal: "systemctl start prim-store" },
    Fault {
        name: "search-active-but-not-answering",
        inject: "kill -STOP $(systemctl show -P MainPID prim-search)",
        heal: "kill -CONT $(systemctl show -P MainPID prim-search)",
    },
    Fault {
        name: "b1-unit-missing",
        inject: "systemctl stop prim-track; mv /etc/systemd/system/prim-track.service /root/; systemctl daemon-reload",
        heal: "mv /root/prim-track.service /etc/systemd/system/; systemctl daemon-reload; systemctl start prim-track",
    },
    Fault {
        name: "b2-unit-masked",
        inject: "systemctl stop prim-faucet; mv /etc/systemd/system/prim-faucet.service /root/; \
                 systemctl mask prim-faucet",
        heal: "systemctl unmask prim-faucet; mv /root/prim-faucet.service /etc/systemd/system/; \
               systemctl daemon-reload; systemctl enable --now prim-faucet",
    },
    Fault {
        name: "b7-env-file-missing",
        inject: "mv /etc/prim/spawn.env /root/; systemctl restart prim-spawn || true; sleep 22",
        heal: "mv /root/spawn.env /etc/prim/; systemctl stop prim-spawn; systemctl reset-failed prim-spawn || true; \
               systemctl start prim-spawn",
    },
    Fault {
        name: "b8-bun-missing",
        inject: "mv /home/prim/.bun/bin/bun /root/bun; systemctl restart prim-token; sleep 22",
        heal: "mv /root/bun /home/prim/.bun/bin/bun; systemctl stop prim-token; systemctl reset-failed prim-token || true; \
               systemctl start prim-token",
    },
    Fault {
        name: "b11-unit-changed-on-disk",
        inject: "sleep 1; echo '# changed' >> /etc/systemd/system/prim-mem.service",
        heal: "sed -i '/^# changed$/d' /etc/systemd/system/prim-mem.service; systemctl daemon-reload",
    },
    Fault {
        name: "b16-port-held-by-another",
        inject: "systemctl stop prim-domain; systemd-run --quiet --unit=intruder \
                 busybox httpd -f -p 127.0.0.1:3009 -h /usr/share; systemctl start prim-domain; sleep 22",
        heal: "systemctl stop intruder prim-domain; systemctl reset-failed prim-domain || true; \
               systemctl start prim-domain",
    },
    Fault { name: "c4-stalwart-stopped", inject: "docker stop -t 1 stalwart", heal: "docker start stalwart" },
    Fault { name: "c4-stalwart-paused", inject: "docker pause stalwart", heal: "docker unpause stalwart" },
    Fault { name: "a3-docker-hangs", inject: "kill -STOP $(pidof dockerd)", heal: "kill -CONT $(pidof dockerd)" },
    Fault {
        name: "c2-docker-down",
        inject: "systemctl stop docker.socket docker",
        heal: "systemctl start docker.socket docker; docker start stalwart",
    },
    Fault {
        name: "a7-docker-engine-says-nonsense",
        inject: "mv /run/docker.sock /run/real.sock; printf 'HTTP/1.0 200 OK\\r\\n\\r\\n{\"Id\":' > /run/nonsense; \
                 systemd-run --quiet --unit=liar sh -c \
                 'while :; do nc -N -U -l /run/docker.sock < /run/nonsense > /dev/null; rm -f /run/docker.sock; done'; sleep 1",
        heal: "systemctl stop liar; rm -f /run/docker.sock; mv /run/real.sock /run/docker.sock",
    },
    Fault {
        name: "m1-edge-down-and-wallet-stopped",
        inject: "systemctl stop caddy prim-wallet",
        heal: "systemctl start caddy prim-wallet",
    },
    Fault {
        name: "log-disk-full",
        inject: "mount -t tmpfs -o size=1m tmpfs /var/log; head -c 2m /dev/zero > /var/log/fill || true",
        heal: "umount -l /var/log",
    },
    Fault {
        name: "inodes-used-up",
        inject: "mount -t tmpfs -o nr_inodes=20 tmpfs /var/log; for i in $(seq 30); do touch /var/log/$i || true; done",
        heal: "umount -l /var/log",
    },
    Fault {
        name: "another-unit-failed",
        inject: "systemd-run --quiet --unit=boom /bin/false || true; sleep 1",
        heal: "systemctl reset-failed boom",
    },
];

#[test]
fn prim() {
    let machine = Machine::boot("prim");
    drive(&machine, "prim", FAULTS);

    // A crash loop is called one with its count, and everything is answered within three seconds when a tool hangs.
    machine.sh("kill -STOP $(pidof dockerd)");
    let begun = Instant::now();
    assert_eq!(status(&machine)["exit_code"], 4);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    machine.sh("kill -CONT $(pidof dockerd)");

    surroundings(&machine);
}

/// The same answer whoever asks and however: what cannot be seen is unknown, and said so.
fn surroundings(machine: &Machine) {
    let root = mask::text(&machine.run(&["opsctl", "status"]).stdout);
    let ssh = "ssh -o StrictHostKeyChecking=no -o BatchMode=yes -i /root/.ssh/it root@localhost opsctl status";
    machine.sh(
        "systemctl start ssh; mkdir -p /root/.ssh; rm -f /root/.ssh/it*; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/it; \
         cat /root/.ssh/it.pub >> /root/.ssh/authorized_keys; chmod 600 /root/.ssh/authorized_keys",
    );
    for (how, command) in [
        ("cron's environment", "env -i PATH=/usr/bin:/bin /usr/local/bin/opsctl status"),
        ("no environment at all", "env -i /usr/local/bin/opsctl status"),
        (
            "a hostile environment",
            "env PATH=/nowhere DOCKER_HOST=tcp://127.0.0.1:1 PM2_HOME=/ LC_ALL=de_DE.UTF-8 \
          SYSTEMD_PAGER=less HOME=/nowhere http_proxy=http://127.0.0.1:1 /usr/local/bin/opsctl status",
        ),
        ("ssh without a terminal", ssh),
    ] {
        let ran = machine.run(&["sh", "-c", command]);
        assert_eq!((ran.code, mask::text(&ran.stdout)), (0, root.clone()), "{how}: {}", ran.stderr);
    }
    machine.sh("systemctl stop ssh ssh.socket || true");
    let user = machine.run_as("nobody", &["opsctl", "status"]);
    compare("prim", "as-nobody", &format!("exit {}\n{}{}", user.code, user.stderr, mask::text(&user.stdout)));
    let user = machine.run_as("nobody", &["opsctl", "verify"]);
    compare("prim", "verify-as-nobody", &format!("exit {}\n{}{}", user.code, user.stderr, mask::text(&user.stdout)));
    let user = machine.run_as("nobody", &["opsctl", "diagnose"]);
    assert_eq!((user.code, user.stderr.as_str()), (4, ""));
    let open = ["cannot determine without root: ", "bun-missing, "];
    assert!(open.iter().all(|words| user.stdout.contains(words)), "{}", user.stdout);
    assert!(user.stdout.lines().count() < 8, "{}", user.stdout);
    // A reader that has seen enough is no error.
    let head = machine.run(&["sh", "-c", "opsctl status -o json | head -n 1; opsctl get services | head -n 1"]);
    assert_eq!((head.code, head.stdout.lines().count(), head.stderr.as_str()), (0, 2, ""));
    let jq = machine.sh("opsctl status -o json | jq -r '.services[] | select(.verdict != \"pass\") | .name'");
    assert_eq!(jq, "");
    let watch = machine.sh("timeout 4 opsctl status --watch=1s | jq -c .verdict || true");
    assert!(watch.lines().count() >= 2 && watch.lines().all(|line| line == "\"pass\""), "{watch}");
    // A terminal that does not know its size, such as a serial line, is no small one.
    let redrawn = machine.sh("TERM=xterm timeout 4 script -qec 'opsctl status --watch=1s' /dev/null || true");
    assert!(redrawn.contains("\u{1b}[H") && redrawn.contains("wallet"), "{redrawn:?}");
}
