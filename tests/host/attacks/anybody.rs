//! Whoever has a login and nothing else, and a Docker engine or a server that means ill.

use super::*;

/// Verbs that change something, as a user without rights.
const CHANGES: [&str; 9] = [
    "restart plugspace-api -y",
    "stop nginx -y",
    "start nginx -y",
    "redeploy -y",
    "rollback -y",
    "maintenance on -y",
    "backup",
    "restore config -y",
    "lock acquire -m x",
];

pub fn attempts(machine: &Machine) -> Vec<Row> {
    let before = roots_files(machine);
    let pids = || machine.sh("systemctl show -P MainPID nginx redis-server; cat /home/plugspace/.pm2/pids/*.pid");
    let running = pids();
    let mut breaches = Vec::new();
    let mut ask = |verb: &str, codes: &[i32]| {
        let line: Vec<&str> = std::iter::once("opsctl").chain(verb.split(' ')).collect();
        let ran = machine.run_as("nobody", &line);
        if !codes.contains(&ran.code) || format!("{ran:?}").contains(super::CANARY) {
            eprintln!("BREACH: {verb} as nobody: {ran:#?}");
            breaches.push(format!("{verb}: exit {}, not {codes:?}", ran.code));
        }
    };
    for verb in CHANGES {
        ask(verb, &[5]);
    }
    for verb in
        ["status", "diagnose", "verify", "logs nginx -n 3", "history", "backup list", "get services", "explain nginx"]
    {
        ask(verb, &[0, 3, 4, 5]);
    }
    if (roots_files(machine), pids()) != (before, running) {
        breaches.push("something changed".to_owned());
    }
    let came = |held: &str| match breaches.as_slice() {
        [] => held.to_owned(),
        breaches => format!("BREACH: {}", breaches.join("; ")),
    };
    let row = |verb: &str, tried: &str, outcome: &str| Row {
        attacker: LOGIN,
        verb: verb.to_owned(),
        tried: tried.to_owned(),
        outcome: outcome.to_owned(),
    };
    vec![
        row(
            "restart, stop, start, redeploy, rollback, maintenance, backup, restore, lock",
            "each with --yes",
            &came("no breach; refused, exit 5"),
        ),
        row(
            "status, diagnose, verify, logs, history, backup list",
            "each",
            "no breach; what needs root is called unknown",
        ),
    ]
}

/// In place of the engine: a program of its name, on its socket, that does this to whoever connects.
macro_rules! engine {
    ($accept:literal) => {
        concat!(
            "systemctl stop docker.socket docker.service 2>/dev/null; cat > /run/engine.pl <<'END'\n",
            "use IO::Socket::UNIX; use Fcntl; $0 = 'dockerd'; $SIG{PIPE} = 'IGNORE'; $| = 1;\n",
            "unlink '/run/docker.sock'; my $s = IO::Socket::UNIX->new(Local => '/run/docker.sock', Listen => 1) or die;\n",
            "open my $p, '>', '/run/docker.pid'; print $p $$; close $p;\n",
            $accept,
            "\nEND\nsystemd-run --quiet --unit=evil-engine perl /run/engine.pl\n",
            "for i in $(seq 50); do test -S /run/docker.sock && break; sleep 0.1; done; sleep 0.3"
        )
    };
}

const ENGINE_BACK: &str = "systemctl stop evil-engine; rm -f /run/engine.pl /run/docker.pid /run/docker.sock
    systemctl start docker.socket docker.service
    for i in $(seq 300); do docker ps -q >/dev/null 2>&1 && break; sleep 0.1; done; docker start stalwart >/dev/null 2>&1 || true";

const VERBS: &[&str] = &[
    "status",
    "diagnose",
    "verify",
    "logs stalwart -n 5",
    "restart stalwart --dry-run --timeout 10s",
    "status --timeout 2s",
];

const ENGINES: &[Attempt] = &[
    Attempt {
        attacker: SERVER,
        user: "root",
        tried: "the Docker engine: its queue of connections is full and it accepts none",
        plant: engine!(
            "my @c; while (1) { my $c = IO::Socket::UNIX->new(Type => SOCK_STREAM) or last; $c->blocking(0); \
             my $a = pack_sockaddr_un('/run/docker.sock'); connect($c, $a) or last; push @c, $c } sleep 600;"
        ),
        verbs: VERBS,
        says: "no answer",
        heal: ENGINE_BACK,
        ..NONE
    },
    Attempt {
        attacker: SERVER,
        user: "root",
        tried: "the Docker engine answers a byte at a time, for ever",
        plant: engine!(
            "while (my $c = $s->accept) { next if fork; print $c \"HTTP/1.0 200 OK\\r\\nX: \"; while (1) { select undef, undef, undef, 0.3; print $c 'a' or exit } }"
        ),
        verbs: VERBS,
        says: "no answer",
        heal: ENGINE_BACK,
        long: true,
        ..NONE
    },
    Attempt {
        attacker: SERVER,
        user: "root",
        tried: "the Docker engine never stops answering",
        plant: engine!(
            "while (my $c = $s->accept) { next if fork; print $c \"HTTP/1.0 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\n[\"; my $b = '{\"Id\":\"x\"},' x 10000; while (1) { print $c $b or exit } }"
        ),
        verbs: VERBS,
        says: "",
        heal: ENGINE_BACK,
        long: true,
        ..NONE
    },
    Attempt {
        attacker: SERVER,
        user: "root",
        tried: "a service answers its health check a byte at a time, for ever",
        plant: "systemctl stop prim-track; cat > /run/drip.pl <<'END'\n\
use IO::Socket::INET; $SIG{PIPE} = 'IGNORE'; $| = 1; my $s = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => 3010, Listen => 9, ReuseAddr => 1) or die;\n\
while (my $c = $s->accept) { next if fork; $c->autoflush(1); print $c \"HTTP/1.1 200 OK\\r\\nX: \"; while (1) { select undef, undef, undef, 0.3; print $c 'a' or exit } }\n\
END\nsystemd-run --quiet --unit=evil-drip perl /run/drip.pl; sleep 0.5",
        verbs: &["status", "diagnose", "restart track -y --timeout 8s"],
        says: "track",
        heal: "systemctl stop evil-drip; rm /run/drip.pl; systemctl reset-failed prim-track 2>/dev/null || true; systemctl restart prim-track
               until curl -sf -o /dev/null localhost:3010; do sleep 0.1; done",
        long: true,
        ..NONE
    },
];

/// Servers that do not behave.
pub fn engine(machine: &Machine) -> Vec<Row> {
    let rows = try_all(machine, ENGINES);
    call(machine, "", "status").unwrap();
    rows
}
