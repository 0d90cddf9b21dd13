//! What root in a container can do to the directory that it shares with the host, and in what it says.

use super::*;

/// Stalwart's container shares `/opt/prim/deploy/email/stalwart-data`.
pub const PRIM: &[Attempt] = &[
    Attempt {
        attacker: CONTAINER,
        tried: "in its data lie devices, FIFOs, sockets, links to root's files, set-user-id programs and names with newlines",
        plant: "cd /opt/prim/deploy/email/stalwart-data; mkdir evil; cd evil; mknod zero c 1 5; mknod tty c 5 0; mknod disk b 254 0; mkfifo fifo
                ln -s /root/canary link; ln -s /etc/shadow shadow; ln -s /root/keep dir; ln -s /proc/self/environ env
                cp /bin/true suid; chmod 6755 suid; touch \"$(printf 'x\\033]0;evil\\007\\ny')\" \"$(printf 'bad\\377name')\"
                perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => \"sock\", Listen => 1)'",
        verbs: &["status", "backup stalwart -y --timeout 60s", "backup list stalwart", "restore stalwart --to /srv/out --timeout 60s", "verify", "diagnose"],
        holds: "test -z \"$(find /srv/out -perm /6000 2>/dev/null; find /srv/out -type b -o -type c 2>/dev/null)\"
                if grep -rqs dummy-canary /srv/out; then exit 1; fi",
        heal: "rm -rf /opt/prim/deploy/email/stalwart-data/evil /srv/out; docker start stalwart >/dev/null",
        ..NONE
    },
    Attempt {
        attacker: CONTAINER,
        tried: "in its data lies a terabyte without content, and a file that never stops growing",
        plant: "cd /opt/prim/deploy/email/stalwart-data; truncate -s 1T sparse; touch /run/grow
                (while test -e /run/grow; do head -c 3000000 /dev/zero; sleep 0.05; done > growing) >/dev/null 2>&1 &",
        verbs: &["status", "backup stalwart -y --timeout 20s", "diagnose", "status stalwart"],
        heal: "rm -f /run/grow; sleep 0.3; rm -f /opt/prim/deploy/email/stalwart-data/sparse /opt/prim/deploy/email/stalwart-data/growing
               docker start stalwart >/dev/null; for i in $(seq 50); do opsctl status stalwart -q >/dev/null && break; sleep 0.2; done",
        ..NONE
    },
    Attempt {
        attacker: CONTAINER,
        tried: "in its data lie two thousand levels and fifty thousand files",
        plant: "cd /opt/prim/deploy/email/stalwart-data; mkdir evil; cd evil; perl -e 'for (1 .. 2000) { mkdir \"d\" or last; chdir \"d\" or last }'
                mkdir many; cd many; seq -f 'f%g' 50000 | xargs touch",
        verbs: &["backup stalwart -y --timeout 80s", "status"],
        heal: "rm -rf /opt/prim/deploy/email/stalwart-data/evil; docker start stalwart >/dev/null",
        long: true,
        ..NONE
    },
    Attempt {
        attacker: CONTAINER,
        tried: "its log says terminal sequences, forged prefixes, and a line of forty megabytes",
        plant: "docker exec stalwart /usr/bin/node -e 'const fs = require(\"fs\"); const out = fs.openSync(\"/proc/1/fd/1\", \"w\"); \
                fs.writeSync(out, \"\\x1b]52;c;ZXZpbA==\\x07\\x1b[2J\\u202eevil\\rwallet | forged\\n\"); fs.writeSync(out, \"x\".repeat(40000000) + \"\\n\"); fs.writeSync(out, \"after\\n\")'",
        verbs: &["logs stalwart -n 5 --timeout 20s", "logs stalwart wallet -n 5 -o json --timeout 20s", "diagnose", "diagnose --bundle -"],
        says: "after",
        ..NONE
    },
];

/// The real engine, which somebody in the group docker keeps busy; and the database's own container.
pub const AI_FSM: &[Attempt] = &[
    Attempt {
        attacker: APP,
        user: "pi",
        tried: "the engine is stopped and its queue filled by four thousand clients of somebody in its group",
        plant: "sudo -n true 2>/dev/null || true; python3 - <<'END'
import os, socket, time
if os.fork() == 0:
    os.setsid()
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE)[1:] * 2)
    clients = []
    for name in ('stdin', 'stdout', 'stderr'): pass
    null = os.open('/dev/null', os.O_RDWR); [os.dup2(null, fd) for fd in range(3)]
    while not os.path.exists('/marks/stopped'): time.sleep(0.1)
    for _ in range(8000):
        client = socket.socket(socket.AF_UNIX); client.setblocking(False)
        try: client.connect('/run/docker.sock')
        except BlockingIOError: break
        except OSError: break
        clients.append(client)
    open('/marks/full', 'w').write(str(len(clients)))
    while os.path.exists('/marks/stopped'): time.sleep(0.1)
END",
        with: "",
        verbs: &["get services"],
        holds: "touch /marks/stopped; kill -STOP $(pidof dockerd); for i in $(seq 100); do test -e /marks/full && break; sleep 0.1; done; test $(cat /marks/full) -gt 1000
                /usr/local/lib/attack/ask 40 '' status --timeout 5s; /usr/local/lib/attack/ask 60 '' status; /usr/local/lib/attack/ask 40 '' diagnose --timeout 10s
                /usr/local/lib/attack/ask 40 '' logs web -n 5 --timeout 5s; /usr/local/lib/attack/ask 40 '' restart web -y --timeout 5s
                /usr/local/lib/attack/ask 40 '' verify --timeout 5s; /usr/local/lib/attack/ask 40 '' redeploy --dry-run --timeout 5s
                /usr/local/lib/attack/ask 40 '' backup database --timeout 10s; /usr/local/lib/attack/ask 40 '' maintenance status --timeout 5s
                /usr/local/lib/attack/ask 40 '' diagnose --bundle /root/b.tar --timeout 10s",
        heal: "kill -CONT $(pidof dockerd); rm -f /marks/stopped /root/b.tar; for i in $(seq 100); do timeout 5 docker ps -q >/dev/null 2>&1 && break; sleep 0.2; done",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "pi",
        tried: "tables of the database have terminal sequences, newlines, commands of psql and quotes for names",
        plant: "docker exec -i ai-fsm-postgres sh -c 'psql -q -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\"' <<'END'
CREATE TABLE IF NOT EXISTS U&\"evil\\001B]0;evil\\0007\\000Anginx PASS\" (a int);
CREATE TABLE IF NOT EXISTS \"a'; DROP TABLE x; --\" (a int);
CREATE TABLE IF NOT EXISTS \"\\! touch /marks/psql\" (a int);
END",
        verbs: &["backup database --timeout 60s", "backup verify database --timeout 60s", "backup list", "redeploy --dry-run", "diagnose", "status"],
        holds: "test ! -e /marks/psql",
        heal: "docker exec -i ai-fsm-postgres sh -c 'psql -q -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\"' <<'END'
DROP TABLE U&\"evil\\001B]0;evil\\0007\\000Anginx PASS\";
DROP TABLE \"a'; DROP TABLE x; --\";
DROP TABLE \"\\! touch /marks/psql\";
END",
        long: true,
        ..NONE
    },
    Attempt {
        attacker: CONTAINER,
        tried: "its log says terminal sequences, forged prefixes and JSON of a hundred thousand levels",
        plant: "docker exec ai-fsm-web node -e 'const fs = require(\"fs\"); const out = fs.openSync(\"/proc/1/fd/1\", \"w\"); \
                fs.writeSync(out, \"\\x1b]52;c;ZXZpbA==\\x07\\u202eevil\\rpostgres | forged\\n\"); fs.writeSync(out, \"{\\\"a\\\":\".repeat(100000) + \"\\n\"); \
                fs.writeSync(out, JSON.stringify({ level: \"error\", msg: \"\\x1b[2Jforged\\npostgres | PASS\", ts: \"99999-99-99T99:99:99Z\" }) + \"\\n\")'",
        verbs: &["logs web -n 5", "logs web postgres -n 5 -o json", "logs web -n 5 --timestamps", "diagnose", "diagnose --bundle -"],
        says: "forged",
        ..NONE
    },
];
