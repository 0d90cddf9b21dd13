//! Links, other kinds of files and absurd sizes at every path below a directory that somebody else owns, where it is read,
//! written, renamed, listed or deleted.

use super::*;

/// plugspace owns its home, its checkout, pm2's directory and `/var/log/pm2`.
pub const PLUGSPACE: &[Attempt] = &[
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "its logs are a socket, a directory, and links to a terminal, to /dev/zero and to a descriptor of opsctl's",
        plant: "cd /var/log/pm2; for name in api-out api-error voice-out voice-error worker-out; do mv $name.log $name.kept; done
                perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => \"api-out.log\", Listen => 1)'; mkdir api-error.log
                ln -s /dev/tty voice-out.log; ln -s /dev/zero voice-error.log; ln -s /proc/self/fd/0 worker-out.log",
        verbs: &[
            "logs plugspace-api plugspace-voice plugspace-worker -n 50",
            "logs --all -n 5",
            "status",
            "diagnose",
            "diagnose --bundle -",
            "verify",
        ],
        heal: "cd /var/log/pm2; rm -f api-out.log voice-out.log voice-error.log worker-out.log; rmdir api-error.log
               for name in api-out api-error voice-out voice-error worker-out; do mv $name.kept $name.log; done",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "its log grows without end, and faster than anybody reads",
        plant: "(while :; do head -c 4000000 /dev/zero | tr '\\0' x; echo; test -e /marks/grow || exit; done >>/var/log/pm2/api-out.log) \
                    >/dev/null 2>&1 & touch /marks/grow",
        verbs: &["logs plugspace-api -n 5 --timeout 10s", "logs --all -n 5 --timeout 10s", "status --timeout 10s"],
        heal: "rm -f /marks/grow; sleep 0.5; : > /var/log/pm2/api-out.log",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "five thousand rotated logs, with newlines, dots and terminal sequences in their names",
        plant: "cd /var/log/pm2; for i in $(seq 5000); do : > api-out__2026-01-01_00-00-$i.log; done
                for name in 'a\\033]0;evil\\007' 'b\\nc' '..' '-rf'; do : > \"$(printf \"api-out.log.%b\" \"$name\")\"; done",
        verbs: &["logs plugspace-api -n 5", "logs plugspace-api --since 1h", "diagnose --bundle -", "verify"],
        heal: "cd /var/log/pm2; find . -name 'api-out__*' -delete; find . -name 'api-out.log.*' -delete",
        long: true,
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "a packed log that unpacks to gigabytes",
        plant: "cd /var/log/pm2; head -c 2000000000 /dev/zero | gzip -1 > api-out.log.2.gz; cp api-out.log.2.gz api-out.log.1.gz",
        verbs: &["logs plugspace-api -n all --timeout 10s", "logs --all --since 3000d -n 5 --timeout 10s"],
        heal: "rm -f /var/log/pm2/api-out.log.*",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "pm2's pid file names other processes: 0, 1, -1, a number of two million digits, nothing, two, a path",
        plant: "cd; cp .pm2/pm2.pid pid.kept; printf '1' > .pm2/pm2.pid",
        verbs: &["status", "verify", "restart plugspace-worker --dry-run"],
        holds: "for word in 0 -1 99999999999999999999999 4294967296 \"$(head -c 2000000 /dev/zero | tr '\\0' 1)\" '' '1 2' ../1 1/../2; do
                    printf '%s' \"$word\" > /home/plugspace/.pm2/pm2.pid
                    /usr/local/lib/attack/ask 60 nginx status; done",
        heal: "cd /home/plugspace; mv pid.kept .pm2/pm2.pid",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "pm2's pid file is a link to /etc/shadow, and its files are FIFOs",
        plant: "cd ~/.pm2; mv pm2.pid ../pid.kept; ln -s /etc/shadow pm2.pid
                for name in dump.pm2 module_conf.json pm2.log touch; do mv $name ../$name.kept; mkfifo $name; done",
        verbs: &["status", "verify", "diagnose", "restart plugspace-worker --dry-run", "diagnose --bundle -"],
        heal: "cd /home/plugspace; for name in dump.pm2 module_conf.json pm2.log touch; do mv $name.kept .pm2/$name; done; mv pid.kept .pm2/pm2.pid",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "on pm2's socket a server of its own never answers, or accepts nobody",
        plant: "cd ~/.pm2; mv rpc.sock ../rpc.kept; (/usr/local/lib/attack/server /home/plugspace/.pm2/rpc.sock mute) >/dev/null 2>&1 &
                sleep 1",
        verbs: &["status", "diagnose", "verify", "logs plugspace-api -n 5", "restart plugspace-worker -y --timeout 10s"],
        all_say: "",
        holds: "pkill -u plugspace -f 'attack/[s]erver'; rm -f /home/plugspace/.pm2/rpc.sock
                runuser -u plugspace -- sh -c '/usr/local/lib/attack/server /home/plugspace/.pm2/rpc.sock full >/dev/null 2>&1 &'; sleep 1
                /usr/local/lib/attack/ask 60 nginx status",
        heal: "pkill -u plugspace -f 'attack/[s]erver' || true; sleep 0.3; cd /home/plugspace; mv rpc.kept .pm2/rpc.sock
               pkill -f '[p]m2 jlist' || true",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "the program of its processes is called like opsctl's own words and terminal sequences",
        plant: "cd; printf 'process.title = \"\\\\x1b]0;evil\\\\x07\\\\u202e nginx | PASS\\\\n\\\\nall healthy\"; setTimeout(() => {}, 600000)' > evil.js
                PM2_HOME=$HOME/.pm2 HOME=$HOME pm2 -s start evil.js --name \"$(printf 'x\\033]0;evil\\007\\nnginx PASS')\" >/dev/null
                PM2_HOME=$HOME/.pm2 HOME=$HOME pm2 -s start evil.js --name '--help;$(id)' >/dev/null || true",
        verbs: &["status", "diagnose", "verify", "verify -o json", "logs --all -n 5", "restart plugspace-worker -y --settle 300ms"],
        heal: "runuser -u plugspace -- env HOME=/home/plugspace PM2_HOME=/home/plugspace/.pm2 sh -c 'for id in $(pm2 -s jlist | jq -r \".[] | \
               select(.pm2_env.pm_exec_path | endswith(\\\"evil.js\\\")) | .pm_id\"); do pm2 -s delete $id; done' >/dev/null; rm /home/plugspace/evil.js",
        long: true,
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "its ecosystem file, package file and lock are a FIFO, a link to root's and a terabyte of nothing",
        plant: "cd ~/plugspace; for name in ecosystem.config.js package.json package-lock.json; do cp -a $name ../$name.kept; rm $name; done
                mkfifo ecosystem.config.js; ln -s /root/keep/package.json package.json; truncate -s 1T package-lock.json",
        verbs: &["verify", "status", "redeploy --dry-run", "diagnose", "restart plugspace-worker --dry-run", "diagnose --bundle -"],
        heal: "cd /home/plugspace/plugspace; for name in ecosystem.config.js package.json package-lock.json; do rm -f $name; mv ../$name.kept $name; done",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "its directory of dumps is a link to a directory of root's",
        plant: "cd; mv backups backups.kept; ln -s /root/keep backups",
        verbs: &["redeploy --dry-run", "status", "diagnose", "verify"],
        heal: "cd /home/plugspace; rm backups; mv backups.kept backups",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "between a backup and its restore its checkout becomes a link to a directory of root's",
        plant: "cd; mv plugspace plugspace.kept; ln -s /root/keep plugspace",
        verbs: &["restore config -y --settle 300ms", "restore app -y --settle 300ms", "restore --forget-old -y", "backup config", "backup app"],
        heal: "cd /home/plugspace; rm -f plugspace; mv plugspace.kept plugspace; opsctl restore --forget-old -y >/dev/null 2>&1 || true",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "what a restore writes to is a link to root's and a directory already, with links under names that it might use",
        plant: "cd ~/plugspace; for name in .env ecosystem.config.js; do cp -a $name ../$name.kept; rm $name; done
                ln -s /root/keep/.env .env; mkdir ecosystem.config.js; for end in old new part tmp; do ln -s /root/canary .env.opsctl-$end
                ln -s /root/canary .opsctl-$end; ln -s /root/canary ..env.opsctl-$end; done",
        verbs: &["restore config -y --settle 300ms", "restore config --to /srv/out", "restore --forget-old -y"],
        heal: "cd /home/plugspace/plugspace; for name in .env ecosystem.config.js; do rm -rf $name; mv ../$name.kept $name; done
               find . -maxdepth 1 -name '*opsctl-*' -delete; opsctl restore --forget-old -y >/dev/null 2>&1 || true; rm -rf /srv/out",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "in its tree that is copied lie links to root's files, FIFOs, a socket, a loop and a thousand levels",
        plant: "cd ~/plugspace; mkdir evil; cd evil; ln -s /root/canary a; ln -s /root/keep b; ln -s /etc/shadow c; ln -s . loop; mkfifo d
                perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => \"s\", Listen => 1)'; ln -s /proc/self/environ e
                touch \"$(printf 'x\\033]0;evil\\007\\ny')\" -- '-rf' '../x' 2>/dev/null || true
                perl -e 'for (1 .. 1000) { mkdir \"d\"  or last; chdir \"d\" }' 2>/dev/null",
        verbs: &["backup app --timeout 60s", "backup list app", "restore app --to /srv/out --timeout 60s", "diagnose", "verify"],
        holds: "if grep -rqs dummy-canary /srv/out; then exit 1; fi",
        heal: "rm -rf /home/plugspace/plugspace/evil /srv/out",
        ..NONE
    },
];

/// prim owns `/opt/prim` and its home; Caddy's user owns `/var/log/caddy`.
pub const PRIM: &[Attempt] = &[
    Attempt {
        attacker: APP,
        user: "caddy",
        tried: "the directory of the access logs is full of links, FIFOs and devices' links under rotated names",
        plant: "cd /var/log/caddy; for name in store-access-2026-01-01T00-00-00.000 store-access-2026-01-02T00-00-00.000; do
                ln -s /root/canary $name.log; ln -s /etc/shadow $name.log.gz; done; mkfifo store-access.log; ln -s /dev/zero wallet-access.log",
        verbs: &["logs caddy -n 50", "logs caddy --source store-access -n all", "logs caddy --source wallet-access -n all --timeout 10s", "diagnose --bundle -"],
        heal: "rm -f /var/log/caddy/*",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "before a restore its database becomes a link to a database of root's",
        plant: "cd /opt/prim; systemctl() { :; }; mv faucet.db faucet.kept; rm -f faucet.db-*; ln -s /root/keep/root.db faucet.db",
        verbs: &["restore faucet -y --settle 300ms", "restore --forget-old -y", "backup faucet", "restore faucet --dry-run"],
        heal: "cd /opt/prim; rm -f faucet.db faucet.db-*; mv faucet.kept faucet.db; opsctl restore --forget-old -y >/dev/null 2>&1 || true
               systemctl restart prim-faucet",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "links under twelve names that a restore or a copy might use lie beside the database",
        plant: "cd /opt/prim; for name in faucet.db-wal faucet.db-shm faucet.db-journal faucet.db.new faucet.db.old faucet.db.opsctl .faucet.db.opsctl \
                .faucet.db.opsctl-old .faucet.db.opsctl-new faucet.db.opsctl-old faucet.db~ faucet.db.tmp; do rm -f $name; ln -s /root/keep/root.db $name; done",
        verbs: &["backup faucet", "restore faucet -y --settle 300ms", "restore --forget-old -y", "status", "verify"],
        heal: "cd /opt/prim; find . -maxdepth 1 -type l -delete; opsctl restore --forget-old -y >/dev/null 2>&1 || true; systemctl restart prim-faucet",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "a database's hot journal names root's files as the super-journal that is deleted after it",
        plant: "cd /opt/prim; cp faucet.db faucet.kept; python3 - <<'END'
import struct
page, pages = 4096, 1
name = b'/root/keep/file'
with open('/opt/prim/faucet.db', 'rb') as db:
    first = db.read(page)
journal = bytes.fromhex('d9d505f920a163d7') + struct.pack('>IIIII', 1, 12345, pages, 512, page)
journal = journal.ljust(512, b'\\0') + struct.pack('>I', 1) + first + struct.pack('>I', (12345 + sum(first[page - 200 * i] for i in range(1, 21))) & 0xffffffff)
journal += struct.pack('>I', 0x7fffffff // page) + name + struct.pack('>II', len(name), sum(name)) + bytes.fromhex('d9d505f920a163d7')
open('/opt/prim/faucet.db-journal', 'wb').write(journal)
END",
        verbs: &["backup faucet", "status", "diagnose", "restore faucet -y --settle 300ms", "verify"],
        heal: "cd /opt/prim; systemctl stop prim-faucet; rm -f faucet.db faucet.db-*; mv faucet.kept faucet.db; opsctl restore --forget-old -y >/dev/null 2>&1 || true
               systemctl start prim-faucet",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "a database is a directory, a socket, a terabyte without content, and a link to /dev/zero",
        plant: "cd /opt/prim; for name in faucet token mem domain; do mv $name.db $name.kept; rm -f $name.db-*; done; mkdir faucet.db
                perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => \"token.db\", Listen => 1)'
                truncate -s 1T mem.db; printf 'SQLite format 3\\0\\020\\0\\002\\002\\0@  ' | dd of=mem.db conv=notrunc 2>/dev/null; ln -s /dev/zero domain.db",
        verbs: &["backup faucet token mem domain --timeout 30s", "status", "verify", "diagnose", "backup list"],
        heal: "cd /opt/prim; rm -rf faucet.db token.db mem.db domain.db; for name in faucet token mem domain; do mv $name.kept $name.db; done
               systemctl restart prim-faucet prim-token prim-mem prim-domain",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "root",
        tried: "what is opsctl's own was laid there by somebody else before: directories of another's, links to root's, FIFOs",
        plant: "for dir in /var/lib/opsctl /run/opsctl /var/log/opsctl; do test ! -e $dir || mv $dir $dir.kept; done
                install -d -o prim -m 777 /var/lib/opsctl; install -d -o prim -m 777 /run/opsctl; ln -s /root/keep /var/log/opsctl
                mkfifo /run/opsctl/prim.lock /run/opsctl/prim.backup.lock; chown -h prim /run/opsctl/*
                for name in backups.jsonl releases.jsonl prim.jsonl; do mkfifo /var/lib/opsctl/$name; done; ln -s /root/canary /var/lib/opsctl/key",
        verbs: &["status", "restart faucet -y --settle 300ms", "history", "lock status", "backup faucet --timeout 30s", "diagnose", "rollback --list", "backup list"],
        heal: "for dir in /var/lib/opsctl /run/opsctl /var/log/opsctl; do rm -rf $dir; test ! -e $dir.kept || mv $dir.kept $dir; done
               systemctl reset-failed prim-faucet || true; systemctl restart prim-faucet",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "root",
        tried: "opsctl's own files became FIFOs, a terabyte and half a line",
        plant: "mkdir -p /var/lib/opsctl /var/log/opsctl; cd /var/lib/opsctl; mkdir -p /run/own; cp -a /var/lib/opsctl /var/log/opsctl /run/own/
                for file in $(find /var/lib/opsctl -type f -name '*.jsonl'); do rm $file; mkfifo $file; done
                rm -f /var/log/opsctl/audit.jsonl; truncate -s 1T /var/log/opsctl/audit.jsonl",
        verbs: &["status", "history --timeout 20s", "backup faucet --timeout 30s", "restart faucet -y --settle 300ms", "diagnose"],
        heal: "rm -rf /var/lib/opsctl /var/log/opsctl; mv /run/own/* /var/lib/ ; rmdir /run/own; mkdir -p /var/log/opsctl; chmod 700 /var/log/opsctl
               rm -rf /var/lib/opsctl/opsctl; systemctl reset-failed prim-faucet || true; systemctl restart prim-faucet",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "prim",
        tried: "the directory above its mail's is exchanged for a link to root's before mail is restored",
        plant: "cd /opt/prim/deploy; mv email email.kept; mkdir email; ln -s /root/keep email/stalwart-data; cp email.kept/docker-compose.yml email/",
        verbs: &["restore stalwart -y --settle 300ms --timeout 60s", "backup stalwart -y --timeout 60s", "restore --forget-old -y", "verify", "status"],
        heal: "cd /opt/prim/deploy; rm -rf email; mv email.kept email; opsctl restore --forget-old -y >/dev/null 2>&1 || true; docker start stalwart >/dev/null",
        ..NONE
    },
];

/// pi owns its home, the checkout, the compose file and the logs of its jobs.
pub const AI_FSM: &[Attempt] = &[
    Attempt {
        attacker: APP,
        user: "pi",
        tried: "its compose file is a FIFO, then a link to root's, then names root's files as variables, secrets and configs",
        plant: "cd ~/ai-fsm/infra; cp -a compose.pi.yml ../../compose.kept; rm compose.pi.yml; mkfifo compose.pi.yml",
        verbs: &["status", "verify", "diagnose", "redeploy --dry-run --timeout 30s", "rollback --list"],
        holds: "cd /home/pi/ai-fsm/infra; rm compose.pi.yml; ln -s /root/keep/docker-compose.yml compose.pi.yml
                for verb in status verify 'redeploy --dry-run' 'redeploy -y --timeout 30s'; do
                    /usr/local/lib/attack/ask 80 '' $verb; done
                rm compose.pi.yml; { cat ../../compose.kept; printf 'secrets:\\n  s:\\n    file: /root/canary\\nconfigs:\\n  c:\\n    file: /etc/shadow\\n'; } > compose.pi.yml
                sed -i 's|^  web:|  web:\\n    env_file: [/root/keep/.env]|' compose.pi.yml; chown pi compose.pi.yml
                for verb in status verify 'redeploy --dry-run' 'diagnose --bundle -'; do
                    /usr/local/lib/attack/ask 80 '' $verb; done",
        heal: "cd /home/pi/ai-fsm/infra; rm -f compose.pi.yml; mv ../../compose.kept compose.pi.yml",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "pi",
        tried: "the directory of migrations is a link to a directory of root's",
        plant: "cd ~/ai-fsm/db; mv migrations ../../migrations.kept; ln -s /root/keep migrations",
        verbs: &["redeploy --dry-run", "status", "verify", "diagnose", "rollback --list"],
        heal: "cd /home/pi/ai-fsm/db; rm -rf migrations; mv ../../migrations.kept migrations",
        long: true,
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "pi",
        tried: "its env file is a terabyte, then holds shell code, then ten million lines",
        plant: "cd ~/ai-fsm; cp -a .env ../env.kept; truncate -s 1T .env",
        verbs: &["status --timeout 20s", "verify --timeout 20s", "backup env --timeout 30s", "redeploy --dry-run --timeout 20s"],
        holds: "cd /home/pi/ai-fsm; cp -a ../env.kept .env; printf 'A=$(touch /marks/by-env)\\nB=`touch /marks/by-env`\\nPATH=/tmp\\nLD_PRELOAD=/tmp/x.so\\n' >> .env
                /usr/local/lib/attack/ask 80 '' verify; test ! -e /marks/by-env
                yes A=b | head -n 10000000 > .env; /usr/local/lib/attack/ask 60 '' verify --timeout 20s",
        heal: "cd /home/pi/ai-fsm; rm -f .env; mv ../env.kept .env",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "pi",
        tried: "the client of docker has a plugin and settings in its home that run a program",
        plant: "mkdir -p ~/.docker/cli-plugins; cp -a ~/.docker ~/docker.kept; cp /usr/local/lib/attack/payload ~/.docker/cli-plugins/docker-compose
                cp /usr/local/lib/attack/payload ~/.docker/cli-plugins/docker-buildx; printf '{\"credsStore\":\"evil\",\"currentContext\":\"evil\"}' > ~/.docker/config.json",
        verbs: &["status", "verify", "diagnose", "redeploy --dry-run", "restart web -y --settle 300ms", "maintenance status"],
        heal: "cd /home/pi; rm -rf .docker; mv docker.kept .docker",
        ..NONE
    },
];
