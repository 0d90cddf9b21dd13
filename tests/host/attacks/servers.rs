//! Servers that do not behave: what a service answers to its health check, the edge, the mail server, the Docker engine.

use super::*;

/// Each mode of `tools/server` in turn on the port of one service; what it is asked must be answered for all the others.
macro_rules! http {
    ($attempt:literal, $modes:literal) => {
        Attempt {
            attacker: SERVER,
            tried: $attempt,
            plant: "systemctl stop prim-track",
            verbs: &["verify"],
            holds: concat!(
                "for mode in ", $modes, "; do
                    systemd-run --quiet --unit=evil /usr/local/lib/attack/server 3010 $mode; sleep 0.4
                    /usr/local/lib/attack/ask 40 wallet status --timeout 10s
                    /usr/local/lib/attack/ask 50 '' diagnose --timeout 20s
                    systemctl stop evil; systemctl reset-failed evil 2>/dev/null || true
                done"
            ),
            heal: "systemctl stop evil 2>/dev/null || true; systemctl reset-failed evil prim-track 2>/dev/null || true; systemctl restart prim-track",
            ..NONE
        }
    };
}

macro_rules! engine {
    ($attempt:literal, $modes:literal, $long:literal) => {
        Attempt {
            attacker: SERVER,
            tried: $attempt,
            plant: "systemctl stop docker.socket docker.service; cp /usr/local/lib/attack/server /run/dockerd; printf 1 > /run/docker.pid",
            verbs: &["verify"],
            holds: concat!(
                "for mode in ", $modes, "; do
                    systemd-run --quiet --unit=evil python3 -c \"import ctypes, sys; ctypes.CDLL(None).prctl(15, b'dockerd'); \
                        sys.argv = ['server', '/run/docker.sock', '$mode']; exec(compile(open('/run/dockerd').read(), 'server', 'exec'))\"
                    for i in $(seq 50); do test -S /run/docker.sock && break; sleep 0.1; done; sleep 0.3
                    systemctl show -P MainPID evil > /run/docker.pid
                    /usr/local/lib/attack/ask 40 wallet status --timeout 10s
                    /usr/local/lib/attack/ask 50 '' diagnose --timeout 20s
                    /usr/local/lib/attack/ask 40 '' logs stalwart wallet -n 5 --timeout 10s
                    /usr/local/lib/attack/ask 50 '' restart stalwart -y --settle 300ms --timeout 10s
                    systemctl stop evil; systemctl reset-failed evil 2>/dev/null || true; rm -f /run/docker.sock
                done"
            ),
            heal: "systemctl stop evil 2>/dev/null || true; rm -f /run/docker.pid /run/docker.sock /run/dockerd
                systemctl start docker.socket docker.service
                for i in $(seq 300); do docker ps -q >/dev/null 2>&1 && break; sleep 0.1; done; docker start stalwart qdrant >/dev/null 2>&1 || true",
            long: $long,
            ..NONE
        }
    };
}

pub const PRIM: &[Attempt] = &[
    http!(
        "a service answers a byte at a time, with a head, a line, a body or interim answers without end",
        "mute head-without-end line-without-end continue-without-end body-without-end"
    ),
    http!(
        "a service lies about its length, packs 200 MB, nests five million levels, sends elsewhere, says terminal sequences",
        "length-too-large length-twice length-negative chunk-too-large packed deep deep-object away file words status-line full"
    ),
    Attempt {
        attacker: SERVER,
        tried: "the edge takes connections for TLS and never shakes hands, talks noise, or speaks as another",
        plant: "systemctl stop caddy",
        verbs: &["verify --timeout 20s"],
        holds: "for mode in mute noise drip words banner-without-end full; do
                    systemd-run --quiet --unit=evil /usr/local/lib/attack/server 443 $mode; sleep 0.4
                    /usr/local/lib/attack/ask 40 wallet status --timeout 10s
                    /usr/local/lib/attack/ask 50 '' diagnose --timeout 20s
                    systemctl stop evil; systemctl reset-failed evil 2>/dev/null || true
                done",
        heal: "systemctl stop evil 2>/dev/null || true; systemctl reset-failed evil 2>/dev/null || true; systemctl start caddy",
        ..NONE
    },
    Attempt {
        attacker: SERVER,
        tried: "the edge's certificates have terminal sequences for names, a thousand names, and end in the year 9999",
        plant: "systemctl stop caddy; mkdir -p /run/evil; cd /run/evil; command -v openssl >/dev/null || exit 0
                names=$(seq -f 'DNS:a%g.example' -s, 1000)
                openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -subj \"/CN=$(printf 'x\\033]0;evil\\007\\nPASS')\" -not_before 19700101000000Z \
                    -not_after 99991231235959Z -addext \"subjectAltName=DNS:wallet.prim.sh,$names\" 2>/dev/null || \
                openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -subj '/CN=evil' -days 2900000 2>/dev/null
                systemd-run --quiet --unit=evil openssl s_server -accept 443 -cert /run/evil/cert -key /run/evil/key -quiet; sleep 0.5",
        verbs: &["status", "diagnose", "verify", "status -o json"],
        heal: "systemctl stop evil 2>/dev/null || true; systemctl reset-failed evil 2>/dev/null || true; rm -rf /run/evil; systemctl start caddy",
        ..NONE
    },
    Attempt {
        attacker: SERVER,
        tried: "the mail server greets without end, a byte at a time, and with terminal sequences",
        plant: "docker stop -t 1 stalwart >/dev/null",
        verbs: &["verify --timeout 20s"],
        holds: "for mode in banner-without-end banner-words drip mute full; do
                    systemd-run --quiet --unit=evil /usr/local/lib/attack/server 25 $mode; sleep 0.4
                    /usr/local/lib/attack/ask 40 wallet status --timeout 10s
                    systemctl stop evil; systemctl reset-failed evil 2>/dev/null || true
                done",
        heal: "systemctl stop evil 2>/dev/null || true; docker start stalwart >/dev/null",
        ..NONE
    },
    engine!(
        "the Docker engine says nothing, lies about lengths, names a thousand containers, nests without end",
        "full mute length-too-large many numbers deep",
        false
    ),
    engine!(
        "the Docker engine sends chunks, frames, heads and lines without end, elsewhere, noise and terminal sequences",
        "chunk-too-large frame-too-large head-without-end line-without-end continue-without-end body-without-end away noise words status-line length-negative",
        true
    ),
];
