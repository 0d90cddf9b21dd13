//! `opsctl logs` where lines are really written: by journald, docker, pm2 and programs that write files.
//!
//! A test a deployment reads every source that it has. The others boot a bare host and make units, containers and files of
//! the names that prim and plugspace have, because there nothing else writes: so whole outputs can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::machine::{Machine, Ran};

/// How long anything that must come may take: machines are shared.
const PATIENCE: Duration = Duration::from_secs(15);

/// The lines of an output in JSON, each with exactly the keys that a line has.
fn lines(stdout: &str) -> Vec<Value> {
    let keys: BTreeSet<&str> =
        ["time", "service", "source", "level", "message", "fields", "truncated"].into_iter().collect();
    let line = |text: &str| {
        let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let found: BTreeSet<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, keys, "{text}");
        value
    };
    stdout.lines().map(line).collect()
}

/// Runs `opsctl logs … -o json`, which must succeed and say nothing beside its lines.
fn read(machine: &Machine, args: &str) -> Vec<Value> {
    let ran = opsctl(machine, &format!("{args} -o json"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{args}");
    lines(&ran.stdout)
}

/// Runs `opsctl logs` with these words; one that does not end is ended with 124.
fn opsctl(machine: &Machine, args: &str) -> Ran {
    machine.run(&["sh", "-c", &format!("exec timeout 60 opsctl logs {args}")])
}

fn text<'v>(line: &'v Value, key: &str) -> &'v str {
    line[key].as_str().unwrap_or("-")
}

fn messages(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| text(line, "message")).collect()
}

/// Every service and source that wrote something, as `service source`; `-` for the host.
fn seen(lines: &[Value]) -> Vec<String> {
    let seen: BTreeSet<String> =
        lines.iter().map(|line| format!("{} {}", text(line, "service"), text(line, "source"))).collect();
    seen.into_iter().collect()
}

/// Times that are known must never go back.
fn sorted(lines: &[Value]) {
    let times: Vec<&str> = lines.iter().filter_map(|line| line["time"].as_str()).collect();
    for pair in times.windows(2) {
        assert!(pair[0] <= pair[1], "{} is printed before {}", pair[0], pair[1]);
    }
}

/// All lines of a whole host, for which every source must be understood.
fn all(machine: &Machine, sources: &[&str]) -> Vec<Value> {
    let lines = read(machine, "--all -n all");
    assert_eq!(seen(&lines), sources);
    sorted(&lines);
    lines
}

/// Level, message and fields of the first line of that source that says this. Times within the fields are masked.
fn understood(lines: &[Value], source: &str, message: &str) -> Value {
    let found = lines.iter().find(|line| text(line, "source") == source && text(line, "message").contains(message));
    let Some(line) = found else { panic!("{source} does not say {message}") };
    let mut fields = line["fields"].clone();
    for time in ["ts", "t", "time"] {
        if let Some(value) = fields.get_mut(time) {
            *value = "[time]".into();
        }
    }
    assert_ne!(line["time"], Value::Null, "{line}");
    json!([line["level"], line["message"], fields])
}

// --- the deployments' own sources ---------------------------------------------------------------------------------------

#[test]
fn logs_prim() {
    let machine = Machine::boot_as("prim", "logs-prim");
    let sources = [
        "- journal:fail2ban.service",
        "caddy journal:caddy.service",
        "domain journal:prim-domain.service",
        "email journal:prim-email.service",
        "faucet journal:prim-faucet.service",
        "mem journal:prim-mem.service",
        "search journal:prim-search.service",
        "site journal:prim-site.service",
        "spawn journal:prim-spawn.service",
        "stalwart container:stalwart",
        "store journal:prim-store.service",
        "token journal:prim-token.service",
        "track journal:prim-track.service",
        "wallet journal:prim-wallet.service",
    ];
    let found = all(&machine, &sources);
    let fields = json!({"port": "3001", "request_id": null, "service": "wallet.sh", "ts": "[time]"});
    assert_eq!(
        understood(&found, "journal:prim-wallet.service", "wallet.sh started"),
        json!(["info", "wallet.sh started", fields])
    );
    let caddy = understood(&found, "journal:caddy.service", "serving initial configuration");
    assert_eq!(caddy[0], "info", "{caddy}");
    let stalwart = understood(&found, "container:stalwart", "Listener started");
    assert_eq!((&stalwart[0], &stalwart[2]), (&json!("info"), &Value::Null), "{stalwart}");

    // Real compose makes the container anew: the first lines of the new one come while following, each once.
    let followed = Followed::begin(&machine, "stalwart -n 0 -f");
    thread::sleep(Duration::from_millis(500));
    machine.sh("cd /opt/prim/deploy/email; docker compose --progress quiet up -d --force-recreate -t 1");
    let last = "\"8080\"";
    let mut new = followed
        .until(|line| text(line, "message").contains("Listener started") && text(line, "message").contains(last));
    let begun = new.iter().position(|line| text(line, "message").contains("Starting Stalwart")).unwrap();
    new.drain(..begun);
    let count = machine.sh("docker logs stalwart 2>&1").lines().take_while(|line| !line.contains(last)).count() + 1;
    assert_eq!(new.len(), count, "{new:#?}");
    assert_eq!(followed.end("INT"), 130);

    // The earlier container is gone, and what it wrote with it.
    let ran = opsctl(&machine, "stalwart -p");
    let why = "opsctl: container:stalwart: no run before the present one is known\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (4, "", why));

    // What is in the env files is kept out, wherever a program writes it.
    machine.sh("mkdir -p /run/systemd/system/prim-email.service.d; \
         printf '[Service]\\nExecStartPre=/bin/echo the key dummy-secret-stalwart-api-key is wrong\\n' \
         > /run/systemd/system/prim-email.service.d/leak.conf; systemctl daemon-reload; systemctl restart prim-email");
    for args in ["email -n 20", "email -n 20 -o json"] {
        let ran = opsctl(&machine, args);
        assert!(ran.stdout.contains("the key ") && !ran.stdout.contains("dummy-secret"), "{}", ran.stdout);
    }
}

#[test]
fn logs_plugspace() {
    let machine = Machine::boot_as("plugspace", "logs-plugspace");
    // nginx writes its error log only when something is wrong, as for a file that nobody may read.
    machine.sh(
        "systemctl stop mongod; curl -sk https://plugspace.io/health > /dev/null; systemctl start mongod; \
         printf '2026/02/26 02:11:07 [error] 12#12: *3 connect() failed (111: Connection refused) while connecting to upstream\\n' \
         >> /var/log/nginx/error.log; \
         printf '{\"t\":{\"$date\":\"2026-02-26T02:11:08.000+00:00\"},\"s\":\"E\",\"c\":\"STORAGE\",\"id\":1,\"ctx\":\"main\",\
\"msg\":\"disk is full\",\"attr\":{\"free\":0}}\\n' >> /var/log/mongodb/mongod.log; \
         echo '2026-02-26T02:11:09: TypeError: x is not a function' >> /var/log/pm2/api-error.log",
    );
    let sources = [
        "- journal:fail2ban.service",
        "mongodb file:/var/log/mongodb/mongod.log",
        "mongodb journal:mongod.service",
        "nginx file:/var/log/nginx/access.log",
        "nginx file:/var/log/nginx/error.log",
        "nginx journal:nginx.service",
        "nginx-exporter journal:nginx_exporter.service",
        "node-exporter journal:node_exporter.service",
        "plugspace-admin pm2:plugspace-admin/out",
        "plugspace-api pm2:plugspace-api/error",
        "plugspace-api pm2:plugspace-api/out",
        "plugspace-frontend pm2:plugspace-frontend/out",
        "plugspace-studio pm2:plugspace-studio/out",
        "plugspace-voice pm2:plugspace-voice/out",
        "plugspace-worker pm2:plugspace-worker/out",
        "redis file:/var/log/redis/redis-server.log",
        "redis journal:redis.service",
        "redis-exporter journal:redis_exporter.service",
    ];
    let found = read(&machine, "--all -n all");
    assert_eq!(seen(&found), sources);
    let mongodb = understood(&found, "file:/var/log/mongodb/mongod.log", "Waiting for connections");
    let fields = json!({"attr": {"port": 27017}, "c": "NETWORK", "ctx": "main", "id": 0, "t": "[time]"});
    assert_eq!(mongodb, json!(["info", "Waiting for connections", fields]));
    let api = understood(&found, "pm2:plugspace-api/out", "API server listening");
    assert_eq!((&api[0], &api[2]), (&Value::Null, &Value::Null), "{api}");
    for (source, message, level) in [
        ("file:/var/log/nginx/access.log", "GET /health", json!("info")),
        ("file:/var/log/nginx/error.log", "connect() failed", json!("error")),
        ("file:/var/log/redis/redis-server.log", "Ready to accept connections", json!("info")),
        ("file:/var/log/redis/redis-server.log", "WARNING Memory overcommit", json!("warn")),
        ("pm2:plugspace-api/error", "TypeError", json!("error")),
    ] {
        let line = understood(&found, source, message);
        assert_eq!((&line[0], &line[2]), (&level, &Value::Null), "{line}");
    }
    // Only these are errors, in any of the forms.
    let errors = read(&machine, "mongodb redis nginx plugspace-api -e -n all");
    let errors: BTreeSet<(&str, &str)> =
        errors.iter().map(|line| (text(line, "service"), text(line, "level"))).collect();
    assert_eq!(errors, BTreeSet::from([("mongodb", "error"), ("nginx", "error"), ("plugspace-api", "error")]));
    // `redis` is Debian's `redis-server`: systemd's words about it are found under both names.
    assert!(understood(&found, "journal:redis.service", "Started redis-server.service").is_array());
}

#[test]
fn logs_ai_fsm() {
    let machine = Machine::boot_as("ai-fsm", "logs-ai-fsm");
    // A client that nobody knows: PostgreSQL says FATAL, and no more than that is an error.
    machine.sh("docker exec ai-fsm-postgres psql -U nobody-knows -d ai_fsm -c 'select 1' || true");
    let sources = [
        "postgres container:ai-fsm-postgres",
        "redis container:ai-fsm-redis",
        "web container:ai-fsm-web",
        "worker container:ai-fsm-worker",
    ];
    let found = all(&machine, &sources);
    let web = json!(["info", "web ready", {"port": 3000, "service": "web", "ts": "[time]"}]);
    assert_eq!(understood(&found, "container:ai-fsm-web", "web ready"), web);
    let worker = json!(["info", "automation poll", {"due": 0, "service": "worker", "ts": "[time]"}]);
    assert_eq!(understood(&found, "container:ai-fsm-worker", "automation poll"), worker);
    let ready = understood(&found, "container:ai-fsm-postgres", "ready to accept connections");
    assert_eq!((&ready[0], &ready[2]), (&json!("info"), &Value::Null), "{ready}");
    let errors = read(&machine, "--all -e -n all");
    let errors: BTreeSet<(&str, &str)> =
        errors.iter().map(|line| (text(line, "service"), text(line, "level"))).collect();
    assert_eq!(errors, BTreeSet::from([("postgres", "fatal")]));
    let why = read(&machine, "postgres -e -n 1");
    assert!(text(&why[0], "message").contains("role \"nobody-knows\" does not exist"), "{why:?}");

    // A restarted container keeps what it wrote before: the run before is told from the present one.
    machine.sh("docker restart -t 1 ai-fsm-web");
    let before = read(&machine, "web -p -n all");
    let ready = before.iter().filter(|line| text(line, "message") == "web ready").count();
    assert_eq!(ready, 1, "{before:#?}");
    let own: Vec<&Value> = found.iter().filter(|line| text(line, "service") == "web").collect();
    assert_eq!(before.iter().take(own.len()).collect::<Vec<_>>(), own);
}

#[test]
fn logs_fondation() {
    let machine = Machine::boot_as("fondation", "logs-fondation");
    let found = all(&machine, &["docker journal:docker.service", "worker journal:fondation-worker.service"]);
    let poll = "Polling for jobs...";
    assert!(understood(&found, "journal:fondation-worker.service", poll).is_array());
    // What compose passes on to the journal is in the container's own log once more: read only when it is asked for.
    let copy = read(&machine, "worker --source container -n all");
    assert_eq!(seen(&copy), ["worker container:worker"]);
    assert!(text(&copy[0], "time") > "2", "{copy:?}");
    assert!(messages(&copy).contains(&"🔍 Polling for jobs..."), "{copy:#?}");
    // Convex is at its vendor, so nothing of it can be read here.
    let ran = opsctl(&machine, "convex");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.starts_with("opsctl: convex writes no log on this host"), "{}", ran.stderr);
}

#[test]
fn logs_v_edfinance() {
    let machine = Machine::boot_as("v-edfinance", "logs-v-edfinance");
    let sources = [
        "api container:vedfinance-api",
        "docker journal:docker.service",
        "nginx container:v-edfinance-nginx",
        "postgres container:vedfinance-postgres",
        "redis container:vedfinance-redis",
        "web container:v-edfinance-web-staging",
    ];
    let found = all(&machine, &sources);
    for (source, message, level) in [
        ("container:vedfinance-api", "successfully started", json!("info")),
        ("container:v-edfinance-nginx", "GET /health", json!("info")),
        ("container:vedfinance-postgres", "ready to accept connections", json!("info")),
        ("container:vedfinance-redis", "Ready to accept connections", json!("info")),
        ("journal:docker.service", "Daemon has completed initialization", json!("info")),
    ] {
        assert_eq!(understood(&found, source, message)[0], level, "{source}");
    }
    // The one container of a service that need not be here: not missed among all, but by name.
    let ran = opsctl(&machine, "uptime-kuma");
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""));
    assert_eq!(ran.stderr, "opsctl: container:v-edfinance-uptime-kuma: it has no container here\n");
}

// --- made up on a bare host ------------------------------------------------------------------------------------------------

/// Makes a unit that runs a Python program or shell lines.
fn unit(machine: &Machine, name: &str, exec: &str, more: &str) {
    machine.sh(&format!(
        "cat > /run/systemd/system/{name}.service <<'END'\n[Unit]\nDescription={name}\nStartLimitIntervalSec=0\n\
         [Service]\n{more}\nExecStart={exec}\nEND\nsystemctl daemon-reload"
    ));
}

/// Puts a Python program on the host.
fn program(machine: &Machine, name: &str, code: &str) {
    machine.sh(&format!("cat > /root/{name} <<'END'\n{code}\nEND"));
}

/// Shell lines that pass on what is written to a pipe of that name. It is held open, so that no writer ends it.
fn passing_on(name: &str) -> String {
    format!("/bin/sh -c 'exec 3<>/run/pipes/{name}; exec cat <&3'")
}

/// Starts docker, with an image of busybox.
fn docker(machine: &Machine) {
    machine.sh("systemctl start docker; /usr/local/lib/test-host/import-image busybox test:1");
}

/// Writes into a file or pipe of the host from outside, which takes no time.
fn write(root: &std::path::Path, path: &str, line: &str) -> Instant {
    let mut file = OpenOptions::new().append(true).open(root.join(path.trim_start_matches('/'))).unwrap();
    let now = Instant::now();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
    now
}

/// `opsctl logs … -o json` that is left running.
struct Followed<'m> {
    machine: &'m Machine,
    child: Child,
    pid: PathBuf,
    heard: Receiver<(Instant, Value)>,
}

impl<'m> Followed<'m> {
    fn begin(machine: &'m Machine, args: &str) -> Self {
        let pid = PathBuf::from(format!("/run/followed-{:x}", args.bytes().map(u64::from).sum::<u64>()));
        let script = format!("rm -f {0}; echo $$ > {0}; exec opsctl logs {args} -o json", pid.display());
        let mut child = machine.start(&["sh", "-c", &script]);
        let (say, heard) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines() {
                let line = line.unwrap();
                let now = Instant::now();
                let value = lines(&line).remove(0);
                if say.send((now, value)).is_err() {
                    return;
                }
            }
        });
        Followed { machine, child, pid, heard }
    }

    fn next(&self) -> (Instant, Value) {
        self.heard.recv_timeout(PATIENCE).expect("a line in time")
    }

    /// All lines up to the first that is wanted.
    fn until(&self, is_wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut found = Vec::new();
        loop {
            let (_, line) = self.next();
            let done = is_wanted(&line);
            found.push(line);
            if done {
                return found;
            }
        }
    }

    /// Sends it a signal; what it exits with. It must have nothing to say.
    fn end(self, signal: &str) -> i32 {
        let (code, stderr) = self.end_with(signal);
        assert_eq!(stderr, "");
        code
    }

    /// Sends it a signal; what it exits with and what it has said.
    fn end_with(mut self, signal: &str) -> (i32, String) {
        self.machine.sh(&format!("kill -{signal} $(cat {})", self.pid.display()));
        let code = self.child.wait().unwrap().code().unwrap();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (code, stderr)
    }
}

/// What runs on the host, but for what asks.
fn processes(machine: &Machine) -> String {
    machine.sh("ps -e -o comm= | grep -vE '^(ps|sh|grep|sort|cron|kworker)' | sort")
}

/// Numbers that each source counted, taken out of lines such as `n 17`.
fn counted<'v>(lines: impl IntoIterator<Item = &'v Value>) -> BTreeMap<String, Vec<u32>> {
    let mut counted: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for line in lines {
        let number = line["fields"]["n"].as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.or_else(|| text(line, "message").strip_prefix("n ")?.parse().ok());
        if let Some(number) = number {
            counted.entry(text(line, "source").to_owned()).or_default().push(number);
        }
    }
    counted
}

/// Ten services, a container and a file write at once: one stream, in order, nothing lost or doubled.
#[test]
fn logs_order() {
    const UNITS: [&str; 10] =
        ["wallet", "store", "faucet", "spawn", "search", "email", "token", "mem", "domain", "track"];
    const COUNT: u32 = 2000;
    let machine = Machine::boot_as("bare", "logs-order");
    docker(&machine);
    program(
        &machine,
        "count",
        "import time\nfor n in range(2000):\n    print('n', n, flush=True)\n    time.sleep(0.0005)",
    );
    program(
        &machine,
        "access",
        "import time, json\nwith open('/var/log/caddy/wallet-access.log', 'w') as log:\n    for n in range(2000):\n        \
         print(json.dumps({'level': 'info', 'ts': time.time(), 'msg': 'handled request', 'n': n}), file=log, flush=True)\n        \
         time.sleep(0.0005)",
    );
    for name in UNITS {
        unit(&machine, &format!("prim-{name}"), "/usr/bin/python3 /root/count", "");
    }
    let units = UNITS.map(|name| format!("prim-{name}")).join(" ");
    machine.sh("docker create --name stalwart test:1 sh -c 'for n in $(seq 0 1999); do echo n $n; usleep 500; done'");
    let followed = Followed::begin(&machine, "-d prim --all -f -n all");
    machine.sh(&format!(
        "mkdir -p /var/log/caddy; rm -f /run/systemd/system/prim-infer.service; python3 /root/access & \
         docker start stalwart > /dev/null & systemctl start {units}; wait; \
         while systemctl -q is-active {units}; do sleep 0.2; done; docker wait stalwart > /dev/null"
    ));
    let numbers: Vec<u32> = (0..COUNT).collect();
    let mut wanted: BTreeMap<String, Vec<u32>> =
        UNITS.iter().map(|name| (format!("journal:prim-{name}.service"), numbers.clone())).collect();
    wanted.insert("container:stalwart".to_owned(), numbers.clone());
    wanted.insert("file:/var/log/caddy/wallet-access.log".to_owned(), numbers.clone());

    // Each on its own way: all units asked at once, and each service for its newest lines.
    let services = format!("{} stalwart caddy", UNITS.join(" "));
    for args in [format!("-d prim {services} -n all"), format!("-d prim {services} -n 2500")] {
        let found = read(&machine, &args);
        sorted(&found);
        assert!(counted(&found) == wanted, "{args}: numbers are missing, doubled or out of order");
    }
    // The same as text: times first, then whose line it is.
    let ran = opsctl(&machine, &format!("-d prim {services} --timestamps --since 1h"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let times: Vec<&str> = ran.stdout.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(times.is_sorted() && times.iter().all(|time| time.len() == 24 && time.ends_with('Z')));
    let mut texts: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for line in ran.stdout.lines() {
        let (head, text) = line[25..].split_once(" | ").unwrap();
        let number = text.strip_prefix("n ").and_then(|number| number.parse().ok());
        let number = number.or_else(|| text.rsplit_once(" n=")?.1.parse().ok());
        if let Some(number) = number {
            texts.entry(head.trim_end().to_owned()).or_default().push(number);
        }
    }
    let mut heads: BTreeMap<String, Vec<u32>> =
        UNITS.iter().map(|name| ((*name).to_owned(), numbers.clone())).collect();
    heads.insert("stalwart".to_owned(), numbers.clone());
    heads.insert("caddy/wallet-access".to_owned(), numbers);
    assert!(texts == heads, "{:?}", texts.iter().map(|(head, numbers)| (head, numbers.len())).collect::<Vec<_>>());

    // Whoever followed meanwhile saw the same, in order within each source; across sources as far as the hold-back reaches.
    let mut followed_lines = Vec::new();
    let begun = Instant::now();
    while counted(&followed_lines) != wanted && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
        followed_lines.extend(followed.heard.try_iter().map(|(_, line)| line));
    }
    let seen = counted(&followed_lines);
    for (source, numbers) in &wanted {
        let seen = seen.get(source).cloned().unwrap_or_default();
        let wrong = seen.iter().zip(numbers).position(|(seen, wanted)| seen != wanted);
        assert!(seen == *numbers, "{source}: {} lines, the first wrong one is {wrong:?}", seen.len());
    }
    let times: Vec<&str> = followed_lines.iter().map(|line| text(line, "time")).collect();
    let back = times.windows(2).filter(|pair| pair[0] > pair[1]).count();
    eprintln!("followed: {} lines of {} went back in time", back, times.len());
    assert_eq!(followed.end("INT"), 130);
}

/// K4: following a unit, a container and a file through all that befalls them; each line once, soon, and no child left.
#[test]
fn logs_follow() {
    let machine = Machine::boot_as("bare", "logs-follow");
    let root = machine.root();
    docker(&machine);
    machine.sh("mkdir -p /run/pipes /var/log/caddy; mkfifo -m 666 /run/pipes/wallet /run/pipes/stalwart; \
                touch /var/log/caddy/wallet-access.log");
    unit(&machine, "prim-wallet", &passing_on("wallet"), "");
    let container = format!(
        "docker run -d --name stalwart -v /run/pipes:/run/pipes test:1 {} > /dev/null",
        passing_on("stalwart").trim_start_matches("/bin/")
    );
    machine.sh(&format!("systemctl start prim-wallet; {container}"));
    let before = processes(&machine);
    let followed = Followed::begin(&machine, "-d prim wallet stalwart caddy -f");

    let places = [
        ("journal:prim-wallet.service", "/run/pipes/wallet"),
        ("container:stalwart", "/run/pipes/stalwart"),
        ("file:/var/log/caddy/wallet-access.log", "/var/log/caddy/wallet-access.log"),
    ];
    let mut wanted: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let mut found: Vec<Value> = Vec::new();
    let mut number = 0;
    // Writes a line to a place and waits until it is printed; how long that took.
    let mut say = |place: usize, found: &mut Vec<Value>, wanted: &mut BTreeMap<String, Vec<u32>>| {
        let (source, path) = places[place];
        number += 1;
        wanted.entry(source.to_owned()).or_default().push(number);
        let written = write(&root, path, &format!("n {number}"));
        loop {
            let (heard, line) = followed.next();
            let is_it = text(&line, "source") == source && text(&line, "message") == format!("n {number}");
            found.push(line);
            if is_it {
                return heard - written;
            }
        }
    };
    for (place, (name, _)) in places.iter().enumerate() {
        // The first may come before following has begun.
        say(place, &mut found, &mut wanted);
        let mut took: Vec<Duration> = (0..20).map(|_| say(place, &mut found, &mut wanted)).collect();
        took.sort_unstable();
        eprintln!("{name}: a followed line takes {:?}, at most {:?}", took[10], took[19]);
        assert!(took[10] < Duration::from_secs(1), "{name}: {took:?}");
    }

    machine.sh("systemctl restart prim-wallet");
    say(0, &mut found, &mut wanted);
    machine.sh("systemctl stop prim-wallet; sleep 0.5; systemctl start prim-wallet");
    say(0, &mut found, &mut wanted);
    machine.sh("journalctl --rotate");
    say(0, &mut found, &mut wanted);
    machine.sh("systemctl restart systemd-journald");
    say(0, &mut found, &mut wanted);

    machine.sh("docker restart -t 0 stalwart");
    say(1, &mut found, &mut wanted);
    machine.sh(&format!("docker rm -f stalwart; {container}"));
    say(1, &mut found, &mut wanted);
    machine.sh(&format!("docker rename stalwart old; docker stop -t 0 old; {container}"));
    say(1, &mut found, &mut wanted);

    // B15 for files. By rename, with a line more in the old one, as a program does that has not opened the new one yet.
    machine.sh("cd /var/log/caddy; mv wallet-access.log wallet-access.log.1; echo 'n 9001' >> wallet-access.log.1");
    machine.sh("cd /var/log/caddy; touch wallet-access.log");
    wanted.entry(places[2].0.to_owned()).or_default().push(9001);
    say(2, &mut found, &mut wanted);
    // By copying and emptying.
    machine
        .sh("cd /var/log/caddy; cp wallet-access.log wallet-access.log.2; truncate -s 0 wallet-access.log; sleep 0.1");
    say(2, &mut found, &mut wanted);
    say(2, &mut found, &mut wanted);
    // Removed and made anew.
    machine.sh("cd /var/log/caddy; rm wallet-access.log; sleep 0.1; touch wallet-access.log");
    say(2, &mut found, &mut wanted);
    // Half a line is none until it is whole.
    machine.sh(
        "printf 'n 90' >> /var/log/caddy/wallet-access.log; sleep 0.2; echo 02 >> /var/log/caddy/wallet-access.log",
    );
    wanted.entry(places[2].0.to_owned()).or_default().push(9002);
    say(2, &mut found, &mut wanted);
    // One that was not there before.
    machine.sh("echo 'n 9003' > /var/log/caddy/store-access.log");
    wanted.insert("file:/var/log/caddy/store-access.log".to_owned(), vec![9003]);
    found.extend(followed.until(|line| text(line, "message") == "n 9003"));
    say(0, &mut found, &mut wanted);

    assert_eq!(counted(&found), wanted);
    let of_systemd = ["Started prim-wallet.service - prim-wallet.", "Stopped prim-wallet.service - prim-wallet."];
    let count = |words| messages(&found).iter().filter(|message| **message == words).count();
    assert_eq!(of_systemd.map(count), [3, 2]);
    assert_eq!(followed.end("INT"), 130);
    assert_eq!(processes(&machine), before);

    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let followed = Followed::begin(&machine, "-d prim wallet stalwart caddy -f -n 1");
        followed.next();
        assert_eq!(followed.end(signal), code);
    }
    let begun = Instant::now();
    let ran = opsctl(&machine, "-d prim -f wallet --timeout 1s");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!((Duration::from_secs(1)..Duration::from_secs(4)).contains(&begun.elapsed()), "{:?}", begun.elapsed());

    // A reader that has seen enough: nothing is said, although no further line comes.
    machine.sh("seq 5000000 > /var/log/caddy/wallet-access.log");
    for args in
        ["wallet -f", "stalwart -f", "caddy -f -n 1", "wallet stalwart caddy -f", "caddy -n all", "--all -n all"]
    {
        let begun = Instant::now();
        let ran = machine.run(&["bash", "-c", &format!("set -o pipefail; opsctl -d prim logs {args} | head -n 1")]);
        assert_eq!((ran.code, ran.stdout.lines().count(), ran.stderr.as_str()), (0, 1, ""), "{args}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{args}: {:?}", begun.elapsed());
    }
    for args in ["caddy -n all", "wallet -f"] {
        let ran = machine.run(&["sh", "-c", &format!("exec timeout 10 opsctl -d prim logs {args} > /dev/full")]);
        assert!(ran.code == 1 && ran.stderr.contains("No space left on device"), "{args}: {ran:?}");
    }
    assert_eq!(processes(&machine), before);
}

/// Rotated files, earlier runs, boots, and what narrows the stream.
#[test]
fn logs_ranges() {
    let machine = Machine::boot_as("bare", "logs-ranges");
    rotated(&machine);
    runs_of_units(&machine);
    runs_of_containers(&machine);
    filters(&machine);
    boots(&machine);
}

fn rotated(machine: &Machine) {
    program(
        machine,
        "rotated",
        r#"
import gzip, os, time
now = time.time()
def line(n, ago):
    at = time.strftime('%d/%b/%Y:%H:%M:%S +0000', time.gmtime(now - ago))
    return f'127.0.0.1 - - [{at}] "GET /{n} HTTP/1.1" 200 3 "-" "curl"\n'
log = '/var/log/nginx/access.log'
os.makedirs('/var/log/nginx', exist_ok=True)
# An hour between two lines: 20 of them two and three days ago, then 10 of yesterday, then 2.
for path, numbers, opened in [(log + '.2.gz', range(0, 20), gzip.open), (log + '.1', range(20, 30), open), (log, range(30, 32), open)]:
    with opened(path, 'wt') as file:
        for n in numbers:
            file.write(line(n, (31 - n) * 3600 + 60))
    last = now - (31 - numbers[-1]) * 3600 - 60
    os.utime(path, (last, last))
"#,
    );
    machine.sh("python3 /root/rotated");
    let paths = |args: &str| -> Vec<u32> {
        let found = read(machine, &format!("-d plugspace nginx --source access.log {args}"));
        sorted(&found);
        let number = |line: &Value| text(line, "message").split("GET /").nth(1)?.split(' ').next()?.parse().ok();
        found.iter().filter_map(number).collect()
    };
    let from = |first: u32| (first..32).collect::<Vec<u32>>();
    assert_eq!(paths("-n all"), from(0));
    assert_eq!(paths("--since 90m"), from(30));
    assert_eq!(paths("--since 5h"), from(27));
    assert_eq!(paths("--since 20h30m"), from(11));
    assert_eq!(paths("--since 20h30m --until 10h30m"), (11..21).collect::<Vec<u32>>());
    // Right after a rotation the newest lines are in the file that was.
    assert_eq!(paths("-n 5"), from(27));
    assert_eq!(paths("-n 12"), from(20));
    // Packed ones too, where the others have too few.
    assert_eq!(paths("-n 25"), from(7));
    assert_eq!(paths("-n 100"), from(0));
    assert_eq!(paths("-n 3 -g 'GET /[0-9] '"), [7, 8, 9]);
    assert_eq!(paths("-n 3 -g 'GET /2'"), [27, 28, 29]);
    machine.sh("cd /var/log/nginx; mv access.log.2.gz access.log.3.gz; mv access.log.1 access.log.2; mv access.log access.log.1; touch access.log");
    assert_eq!(paths("-n 5"), from(27));
}

fn runs_of_units(machine: &Machine) {
    program(
        machine,
        "run",
        "import os, sys, time\nnumber = int(open('/root/number').read()) + 1\nos.system(f'echo {number} > /root/new; mv /root/new /root/number')\n\
         for n in range(3):\n    print('run', number, 'line', n, flush=True)\n\
         if len(sys.argv) > 1:\n    time.sleep(float(sys.argv[1]))\n    sys.exit(3)\ntime.sleep(1000)",
    );
    machine.sh("echo 0 > /root/number");
    unit(machine, "prim-store", "/usr/bin/python3 /root/run", "");
    machine.sh("systemctl start prim-store; sleep 0.5");
    // A first run has none before it.
    let ran = opsctl(machine, "-d prim store -p");
    let why = "opsctl: journal:prim-store.service: no run before the present one is known\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (4, "", why));
    machine.sh("systemctl restart prim-store; sleep 0.5; systemctl restart prim-store; sleep 0.5");
    let whole = |run: u32, before: &[&str], after: &[&str]| -> Vec<String> {
        let own = (0..3).map(|n| format!("run {run} line {n}"));
        before.iter().map(ToString::to_string).chain(own).chain(after.iter().map(ToString::to_string)).collect()
    };
    let stopped = [
        "Stopping prim-store.service - prim-store...",
        "prim-store.service: Deactivated successfully.",
        "Stopped prim-store.service - prim-store.",
    ];
    let previous = |args: &str| -> Vec<String> {
        let found = read(machine, &format!("-d prim store -p {args}"));
        messages(&found).iter().map(ToString::to_string).collect()
    };
    assert_eq!(previous("-n all"), whole(2, &["Started prim-store.service - prim-store."], &stopped));
    assert_eq!(previous(""), whole(2, &["Started prim-store.service - prim-store."], &stopped));
    assert_eq!(previous("-g 'run '"), whole(2, &[], &[]));
    assert_eq!(previous("-n 1"), [stopped[2]]);

    // Failed: the newest run is the one that failed.
    unit(machine, "prim-store", "/usr/bin/python3 /root/run 0.1", "");
    machine.sh("systemctl restart prim-store; sleep 0.6; systemctl restart prim-store; sleep 0.6; systemctl is-failed prim-store");
    assert_eq!(previous("-g 'run '"), whole(4, &[], &[]));
    // Crashing again and again: the run before the one that runs or is waited for.
    unit(machine, "prim-store", "/usr/bin/python3 /root/run 0.1", "Restart=always\nRestartSec=1");
    machine.sh("systemctl restart prim-store; while [ $(cat /root/number) -lt 8 ]; do sleep 0.05; done; sleep 0.05");
    let found = previous("-g 'run '");
    assert!(found == whole(7, &[], &[]) || found == whole(8, &[], &[]), "{found:?}");
    machine.sh("systemctl stop prim-store");
    // By what systemd says only: a program that could not even be started.
    unit(machine, "prim-track", "/nonexistent", "");
    machine.sh("systemctl start prim-track; sleep 0.3; systemctl start prim-track; sleep 0.3");
    let found = read(machine, "-d prim track -p");
    assert!(messages(&found).iter().any(|message| message.contains("Failed with result")), "{found:#?}");
}

fn runs_of_containers(machine: &Machine) {
    docker(machine);
    machine.sh(
        "echo 0 > /root/runs; chmod 666 /root/runs; docker run -d --name stalwart -v /root/runs:/runs test:1 sh -c \
         'n=$(($(cat /runs) + 1)); echo $n > /runs; echo run $n a; echo run $n b; exec sleep 1000' > /dev/null; sleep 0.5",
    );
    let ran = opsctl(machine, "-d prim stalwart -p");
    let why = "opsctl: container:stalwart: no run before the present one is known\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (4, "", why));
    machine.sh("docker restart -t 0 stalwart; sleep 0.5");
    let found = read(machine, "-d prim stalwart -p");
    assert_eq!(messages(&found), ["run 1 a", "run 1 b"]);
    machine.sh("docker restart -t 0 stalwart; sleep 0.5");
    let found = read(machine, "-d prim stalwart -p");
    // The engine remembers only the last start: all that was before it counts.
    assert_eq!(messages(&found), ["run 1 a", "run 1 b", "run 2 a", "run 2 b"]);
    machine.sh("docker rm -f stalwart");
}

fn filters(machine: &Machine) {
    program(
        machine,
        "levels",
        r"
import json
say = lambda **fields: print(json.dumps(fields), flush=True)
say(level='info', msg='all is well', request_id='a1')
say(level='error', msg='prim fails', request_id='a2')
say(level=30, msg='pino is well')
say(level=50, msg='pino fails')
say(level=60, msg='pino dies')
print('<3>priority says error', flush=True)
print('<4>priority says warning', flush=True)
print('plain words with an error in them', flush=True)
print('2026-02-26 02:11:07.000 UTC [39] FATAL:  the database is gone', flush=True)
",
    );
    unit(machine, "prim-faucet", "/usr/bin/python3 /root/levels", "Type=oneshot");
    machine.sh("systemctl start prim-faucet");
    let of = |args: &str| -> Vec<String> {
        let found = read(machine, &format!("-d prim faucet -g 'well|fails|dies|says|plain|gone' {args}"));
        found.iter().map(|line| format!("{} {}", text(line, "level"), text(line, "message"))).collect()
    };
    let errors = ["error prim fails", "error pino fails", "fatal pino dies", "error priority says error"];
    let found = of("-e");
    assert_eq!(found[..4], errors);
    assert!(
        found.len() == 5 && found[4].starts_with("fatal ") && found[4].contains("the database is gone"),
        "{found:?}"
    );
    assert_eq!(of("--level fatal").len(), 2);
    assert_eq!(of("--level warn").len(), 6);
    assert_eq!(of("-e -n 2").len(), 2);
    assert_eq!(messages(&read(machine, "-d prim faucet -g a2")), ["prim fails"], "a field is searched too");
    // Text is filtered as JSON is.
    let ran = opsctl(machine, "-d prim faucet --level error -g '^.{0,20}fails'");
    assert_eq!(ran.code, 0);

    // The newest errors are far back behind what no filter wants.
    program(
        machine,
        "flood",
        "import json\nfor n in range(3):\n    print(json.dumps({'level': 'error', 'msg': f'bad {n}'}), flush=True)\n\
         for n in range(30000):\n    print(json.dumps({'level': 'info', 'msg': f'good {n}'}))",
    );
    unit(machine, "prim-search", "/usr/bin/python3 /root/flood", "Type=oneshot\nLogRateLimitIntervalSec=0");
    machine.sh("systemctl start prim-search");
    assert_eq!(messages(&read(machine, "-d prim search -n 3 -e")), ["bad 0", "bad 1", "bad 2"]);
    assert_eq!(messages(&read(machine, "-d prim search -n 2 -e")), ["bad 1", "bad 2"]);
    assert_eq!(messages(&read(machine, "-d prim search -n 2 -g good")), ["good 29998", "good 29999"]);
    assert_eq!(read(machine, "-d prim search").len(), 100);
    assert_eq!(read(machine, "-d prim search --since 1h -g good").len(), 30_000);
    assert_eq!(messages(&read(machine, "-d prim search --since 1h -n 1 -g good")), ["good 29999"]);

    // So many of a service, from whichever of its sources they are.
    machine.sh("mkdir -p /var/log/caddy");
    unit(machine, "caddy", "/bin/sh -c 'for n in 1 2 3; do echo j$$n; sleep 0.1; done'", "Type=oneshot");
    program(
        machine,
        "interleaved",
        "import json, time\nlog = open('/var/log/caddy/store-access.log', 'w')\nlog2 = open('/var/log/caddy/wallet-access.log', 'w')\n\
         for n in range(20):\n    print(json.dumps({'ts': time.time(), 'msg': f'f{n}'}), file=log if n % 2 else log2, flush=True)\n    \
         time.sleep(0.02)",
    );
    machine.sh("python3 /root/interleaved; systemctl start caddy");
    let newest = read(machine, "-d prim caddy -n 10 -g '^j|\"f'");
    assert_eq!(messages(&newest), ["f13", "f14", "f15", "f16", "f17", "f18", "f19", "j1", "j2", "j3"]);
    sorted(&newest);
    assert_eq!(messages(&read(machine, "-d prim caddy -n 2 --source access")), ["f18", "f19"]);
    // Between two moments, to the microsecond.
    let all = read(machine, "-d prim caddy -n all -g '^j|\"f'");
    let (first, last) = (text(&all[5], "time"), text(&all[21], "time"));
    let between = read(machine, &format!("-d prim caddy --since {first} --until {last} -g '^j|\"f'"));
    assert_eq!(between, all[5..=21]);
}

/// After a reboot: what was written before it is told from what was written since.
fn boots(machine: &Machine) {
    machine.run(&["systemctl", "--no-block", "reboot"]);
    let begun = Instant::now();
    while machine
        .run(&["sh", "-c", "test ! -e /run/systemd/system/prim-search.service && systemctl is-system-running"])
        .stdout
        != "running\n"
    {
        assert!(begun.elapsed() < 4 * PATIENCE);
        thread::sleep(Duration::from_millis(200));
    }
    unit(machine, "prim-search", "/bin/echo after", "Type=oneshot");
    machine.sh("systemctl start prim-search");
    let of = |args: &str| -> Vec<String> {
        let found = read(machine, &format!("-d prim search -g 'good|after' {args}"));
        messages(&found).iter().map(ToString::to_string).collect()
    };
    assert_eq!(of("-b"), ["after"]);
    assert_eq!(of("-b=0 -n 5"), ["after"]);
    assert_eq!(of("-b=-1 -n 2"), ["good 29998", "good 29999"]);
    assert_eq!(of("-b=-1 -n all").len(), 30_000);
    assert_eq!(of("-n 2"), ["good 29999", "after"]);
    let ran = opsctl(machine, "-d prim search -b=-7");
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{ran:?}");
    assert!(ran.stderr.starts_with("opsctl: boot -7 is not known"), "{}", ran.stderr);
}

/// B13, L2, L3, A9: whatever a service writes, it drives no terminal, forges no prefix and fills no memory.
#[test]
fn logs_hostile() {
    let machine = Machine::boot_as("bare", "logs-hostile");
    program(
        &machine,
        "hostile",
        r"
import fcntl, os, socket, struct, sys, time, array
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.connect('/run/systemd/journal/socket')
def field(name, value):
    return name.encode() + b'\n' + struct.pack('<Q', len(value)) + value + b'\n'
def send(*messages):
    body = field('N', b'1')
    for message in messages:
        body += field('MESSAGE', message)
    journal.send(body)
    time.sleep(0.002)
if sys.argv[1] == 'words':
    send(b'\x1b]52;c;aGk=\x07clipboard')
    send(b'\x1b[2J\x1b[1;1Hscreen \x1b[31mred\x1b[0m')
    send(b'\xc2\x9b31m8-bit \xc2\x9d52;c;aGk=\xc2\x9c')
    send('bidi \u202efdp.exe\u202c \u200b\u2066'.encode())
    send(b'store | overwritten\rwallet | x')
    send(b'nul \x00 byte')
    send(b'first\nstore  | second\n\nfourth')
    send(b'store  | fake')
    send()
    send(b'one', b'two')
    send(b'bad \xff\xfe utf-8 \xc3')
    send(b'raw c1 \x9b31m')
    send(b'')
    send('tab\t\u00e9\u2713'.encode())
else:
    size = 100 << 20
    memory = os.memfd_create('m', os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(memory), 'wb') as file:
        file.write(b'MESSAGE\n' + struct.pack('<Q', size))
        for _ in range(size >> 20):
            file.write(b'x' * (1 << 20))
        file.write(b'\n')
    fcntl.fcntl(memory, 1033, 1 | 2 | 4 | 8)
    journal.sendmsg([b''], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [memory]))])
    time.sleep(3)
    send(b'after')
time.sleep(1)
",
    );
    unit(&machine, "prim-wallet", "/usr/bin/python3 /root/hostile words", "Type=oneshot");
    unit(&machine, "prim-store", "/bin/echo harmless", "Type=oneshot");
    machine.sh("systemctl start prim-wallet prim-store");
    let strings = [
        Some("\u{1b}]52;c;aGk=\u{7}clipboard"),
        Some("\u{1b}[2J\u{1b}[1;1Hscreen \u{1b}[31mred\u{1b}[0m"),
        Some("\u{9b}31m8-bit \u{9d}52;c;aGk=\u{9c}"),
        Some("bidi \u{202e}fdp.exe\u{202c} \u{200b}\u{2066}"),
        Some("store | overwritten\rwallet | x"),
        Some("nul \0 byte"),
        Some("first\nstore  | second\n\nfourth"),
        Some("store  | fake"),
        None,
        Some("one\ntwo"),
        Some("bad \\xff\\xfe utf-8 \\xc3"),
        Some("raw c1 \\x9b31m"),
        Some(""),
        Some("tab\té✓"),
    ];
    let is_systemd = |line: &Value| text(line, "message").contains("prim-");
    let found: Vec<Value> = read(&machine, "-d prim wallet").into_iter().filter(|line| !is_systemd(line)).collect();
    let kept: Vec<Option<&str>> = found.iter().map(|line| line["message"].as_str()).collect();
    assert_eq!(kept, strings);
    assert!(found.iter().all(|line| line["truncated"] == false && line["fields"] == Value::Null));

    let ran = opsctl(&machine, "-d prim wallet store");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    harmless(&ran.stdout);
    let shown: Vec<&str> = ran.stdout.lines().filter(|line| !line.contains("prim-")).collect();
    let wanted = [
        r"wallet | \x1b]52;c;aGk=\x07clipboard",
        r"wallet | \x1b[2J\x1b[1;1Hscreen red",
        r"wallet | \x9b31m8-bit \x9d52;c;aGk=\x9c",
        r"wallet | bidi \u{202e}fdp.exe\u{202c} \u{200b}\u{2066}",
        r"wallet | store | overwritten\rwallet | x",
        r"wallet | nul \x00 byte",
        "wallet | first",
        "wallet | store  | second",
        "wallet | ",
        "wallet | fourth",
        "wallet | store  | fake",
        "wallet | (an entry without a message)",
        "wallet | one",
        "wallet | two",
        r"wallet | bad \xff\xfe utf-8 \xc3",
        r"wallet | raw c1 \x9b31m",
        "wallet | ",
        "wallet | tab\té✓",
    ];
    let (harmless_line, own): (Vec<&str>, Vec<&str>) = shown.into_iter().partition(|line| line.starts_with("store "));
    assert_eq!(own, wanted);
    assert_eq!(harmless_line, ["store  | harmless"]);
    for line in ran.stdout.lines() {
        assert!(line.starts_with("wallet | ") || line.starts_with("store  | "), "{line:?}");
    }
    // With colour there are sequences of our own and no others.
    let ran = opsctl(&machine, "-d prim wallet store --color always");
    let mut plain = ran.stdout.clone();
    while let Some(at) = plain.find("\x1b[") {
        let end = plain[at..].find('m').unwrap();
        assert!(plain[at + 2..at + end].chars().all(|c| c.is_ascii_digit() || c == ';'), "{plain:?}");
        plain.replace_range(at..=at + end, "");
    }
    harmless(&plain);

    huge(&machine);
    secrets(&machine);
}

/// No character of this may reach a terminal.
fn harmless(text: &str) {
    let is_hostile = |c: char| {
        (c < ' ' && c != '\n' && c != '\t')
            || ('\u{7f}'..='\u{9f}').contains(&c)
            || ('\u{200b}'..='\u{200f}').contains(&c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
            || c == '\u{fffd}'
    };
    assert_eq!(text.chars().find(|c| is_hostile(*c)), None, "{text:?}");
}

/// A9: a line of 100 MiB, in the journal and in a file, costs no more memory than any other.
fn huge(machine: &Machine) {
    program(
        machine,
        "peak",
        "import subprocess, sys\nchild = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)\npeak = 0\n\
         while child.poll() is None:\n    for line in open(f'/proc/{child.pid}/status'):\n        \
         if line.startswith('VmHWM'): peak = int(line.split()[1])\nprint(peak, child.returncode)",
    );
    unit(machine, "caddy", "/usr/bin/python3 /root/hostile huge", "Type=oneshot");
    machine.sh("mkdir -p /var/log/caddy; systemctl start caddy; \
         python3 -c \"print('y' * (100 << 20)); print('after')\" > /var/log/caddy/store-access.log");
    // journalctl unpacks such an entry for a second before it prints the first byte of it: on a busy machine that is told of.
    let is_late =
        |code: i32, stderr: &str| code == 0 && stderr.contains(": no line for ") && stderr.lines().count() == 1;
    let ran = opsctl(machine, "-d prim caddy -g '^(xxx|yyy|after)' -o json");
    assert!(is_late(ran.code, &ran.stderr) || (ran.code, ran.stderr.as_str()) == (0, ""), "{}", ran.stderr);
    let found = lines(&ran.stdout);
    // The first 64 KiB, from which the name of the journal's field is taken off.
    let mut told: Vec<(&str, usize, bool)> = found
        .iter()
        .map(|line| (text(line, "source"), text(line, "message").len().next_multiple_of(16), line["truncated"] == true))
        .collect();
    told.sort_unstable();
    let (file, journal) = ("file:/var/log/caddy/store-access.log", "journal:caddy.service");
    assert_eq!(told, [(file, 16, false), (file, 65536, true), (journal, 16, false), (journal, 65536, true)]);
    for args in ["caddy -n all", "caddy -n all -o json", "caddy -n 5", "caddy -e", "caddy --since 1h -g nowhere"] {
        let told = machine.sh(&format!("python3 /root/peak opsctl -d prim logs {args}"));
        let (peak, code) = told.trim_end().split_once(' ').unwrap();
        let peak: u32 = peak.parse().unwrap();
        eprintln!("{args}: {peak} KiB at most with a line of 100 MiB");
        assert!(matches!(code, "0" | "4") && peak < 32 << 10, "{args}: {told}");
    }
}

/// What must be nobody's to read, wherever it is written.
fn secrets(machine: &Machine) {
    machine.sh(
        "mkdir -p /etc/prim; printf 'PRIM_INTERNAL_KEY=canary-of-the-env-file\\nPORT=3002\\n' > /etc/prim/store.env",
    );
    program(
        machine,
        "secrets",
        r"
import json
print('the key canary-of-the-env-file is wrong', flush=True)
print('login failed password=canary-password', flush=True)
print('cannot reach postgresql://app:canary-userinfo@db:5432/x', flush=True)
print('sent Authorization: Bearer canary.bearer.token', flush=True)
print(json.dumps({'level': 'error', 'msg': 'denied', 'password': 'canary-field', 'headers': {'authorization': 'Bearer canary-header'},
    'key': 'canary-of-the-env-file'}), flush=True)
print('the port is 3002', flush=True)
",
    );
    unit(machine, "prim-store", "/usr/bin/python3 /root/secrets", "Type=oneshot");
    machine.sh("systemctl start prim-store");
    for args in ["-d prim store", "-d prim store -o json", "-d prim store -g 'key|password|db|sent|denied' -o json"] {
        let ran = opsctl(machine, args);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert!(ran.stdout.contains("denied") && !ran.stdout.contains("canary"), "{args}: {}", ran.stdout);
    }
    assert_eq!(messages(&read(machine, "-d prim store -g 'port is'")), ["the port is 3002"]);
    // A filter finds nothing that is not shown, or it would tell secrets by asking.
    assert_eq!(opsctl(machine, "-d prim store -g canary").stdout, "");
}

/// B14, B15, C2, A3: what cannot be read is said, counts as unknown, and hides nothing else.
#[test]
fn logs_troubles() {
    let machine = Machine::boot_as("bare", "logs-troubles");
    // A host that no runbook names has its usual services.
    let found = read(&machine, "--all -n all");
    assert_eq!(seen(&found), ["cron journal:cron.service", "ssh journal:ssh.service"]);
    docker(&machine);
    unit(&machine, "prim-wallet", "/bin/echo of the journal", "Type=oneshot");
    unit(&machine, "caddy", "/bin/echo of the journal", "Type=oneshot");
    machine.sh(
        "systemctl start prim-wallet caddy; docker run -d --name stalwart test:1 echo of the container > /dev/null; \
         mkdir -p /var/log/caddy; echo of the file > /var/log/caddy/wallet-access.log",
    );
    let own = "-g '^of the'";
    let whole = |args: &str| opsctl(&machine, &format!("-d prim {own} {args}"));
    let said = |code: i32, stdout: &str, stderr: &str| Ran { code, stdout: stdout.into(), stderr: stderr.into() };
    let both = "wallet   | of the journal\nstalwart | of the container\n";
    assert_eq!(whole("wallet stalwart"), said(0, both, ""));

    // B14: not permitted is not empty.
    let ran = machine.run_as("nobody", &["opsctl", "-d", "prim", "logs", "wallet"]);
    let why = "opsctl: the journal: needs root or membership of the group systemd-journal, to read the journal\n";
    assert_eq!(ran, said(4, "", why));
    let ran = machine.run_as("nobody", &["opsctl", "-d", "prim", "logs", "stalwart"]);
    let why = "opsctl: container:stalwart: needs root or membership of the group docker, to ask the docker engine\n";
    assert_eq!(ran, said(4, "", why));
    assert_eq!(whole("store"), said(0, "", "opsctl: no lines\n"));

    // C2, A3: an engine that hangs, then one that is down.
    machine.sh("kill -STOP $(pidof dockerd)");
    let begun = Instant::now();
    let ran = whole("wallet stalwart");
    machine.sh("kill -CONT $(pidof dockerd)");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_eq!((ran.code, ran.stdout.as_str()), (4, "wallet   | of the journal\n"), "{ran:?}");
    assert!(
        ran.stderr.lines().all(|line| line.starts_with("opsctl: container:stalwart: no ")) && !ran.stderr.is_empty(),
        "{ran:?}"
    );
    // Following, the one that dies is told of and the other goes on.
    machine.sh("docker start stalwart");
    let followed = Followed::begin(&machine, "-d prim wallet stalwart -f -n 1");
    followed.until(|line| text(line, "source") == "container:stalwart");
    machine.sh("systemctl stop docker.socket docker; systemctl start prim-wallet");
    followed.until(|line| text(line, "message") == "of the journal");
    machine.sh("systemctl start prim-wallet");
    followed.until(|line| text(line, "message") == "of the journal");
    let (code, stderr) = followed.end_with("INT");
    assert_eq!(code, 130);
    assert!(stderr.starts_with("opsctl: container:stalwart: ") && stderr.lines().count() == 1, "{stderr}");
    let down = "opsctl: container:stalwart: the docker engine is not running\n";
    assert_eq!(whole("wallet stalwart -n 1"), said(4, "wallet   | of the journal\n", down));
    assert_eq!(whole("stalwart"), said(4, "", down));

    broken_journalctl(&machine);
    usage(&machine);
    suppressed(&machine);
    // B15: a journal that is cut short is said to be, and what can be read of it is shown.
    machine.sh(
        "journalctl --rotate; cd /var/log/journal/*/; for file in system@*.journal; do truncate -s $(($(stat -c %s $file) * 7 / 10)) $file; done; \
         systemctl start prim-wallet",
    );
    let ran = whole("wallet --since 1h");
    assert!(ran.stdout.ends_with("of the journal\n"), "{ran:?}");
}

/// The tool itself fails in every way; a file of the same service is shown all the same.
fn broken_journalctl(machine: &Machine) {
    for (script, why) in [
        ("echo 'Failed to open the journal' >&2; exit 1", "Failed to open the journal"),
        ("exec sleep 60", "no "),
        ("echo garbage; exec seq 100000", "entries in the export format"),
        ("kill -9 $$", "signal 9"),
        ("exec yes", "entries in the export format"),
    ] {
        machine.sh(&format!(
            "printf '#!/bin/sh\\n%s\\n' \"$(cat <<'END'\n{script}\nEND\n)\" > /root/fault; \
             chmod 755 /root/fault; mount --bind /root/fault /usr/bin/journalctl"
        ));
        let begun = Instant::now();
        let ran = opsctl(machine, "-d prim -g '^of the' caddy --since 1h");
        machine.sh("umount /usr/bin/journalctl");
        assert_eq!((ran.code, ran.stdout.as_str()), (4, "caddy/wallet-access | of the file\n"), "{script}: {ran:?}");
        assert!(ran.stderr.starts_with("opsctl: ") && ran.stderr.contains(why), "{script}: {}", ran.stderr);
        assert!(begun.elapsed() < PATIENCE, "{script}: {:?}", begun.elapsed());
    }
    machine.sh("mv /usr/bin/journalctl /root/");
    let ran = opsctl(machine, "-d prim -g '^of the' caddy");
    machine.sh("mv /root/journalctl /usr/bin/");
    let why = "opsctl: the journal: journalctl is not installed\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (4, "caddy/wallet-access | of the file\n", why));
}

/// Whole sentences for what was typed wrongly; nothing is read.
fn usage(machine: &Machine) {
    let all = [
        "-d fondation convex",
        "-d prim",
        "-d prim wallet -g '('",
        "-d prim wallet --since soon",
        "-d prim wallet --since 1h --until 2h",
        "-d prim wallet --source pm2",
        "-d prim walet",
        "-d prim wallet -n few",
        "-d prim wallet -f --until 1h",
        "-d prim wallet -f -p",
        "-d prim wallet -b=1",
        "-d prim wallet --all",
        "-d prim wallet --level loud",
    ];
    let mut told = String::new();
    for args in all {
        let ran = opsctl(machine, args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args}: {ran:?}");
        told += &["$ opsctl logs ", args, "\n", &ran.stderr, "\n"].concat();
    }
    crate::faults::compare("prim", "logs-usage", &told);
    let ran = opsctl(machine, "-d prim wallet -g '(' -o json");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &document["error"]["code"]), (2, &json!("bad_regex")));
}

/// B15: lines that journald did not keep are told of.
fn suppressed(machine: &Machine) {
    unit(
        machine,
        "prim-token",
        "/usr/bin/python3 -c 'import time\\nfor n in range(100): print(n, flush=True)\\ntime.sleep(1.5)\\nprint(\"last\", flush=True)'",
        "Type=oneshot\nLogRateLimitIntervalSec=1s\nLogRateLimitBurst=10",
    );
    program(
        machine,
        "chatty",
        "import time\nfor n in range(100): print(n, flush=True)\ntime.sleep(1.5)\nprint('last', flush=True)",
    );
    machine.sh(
        "sed -i 's|^ExecStart=.*|ExecStart=/usr/bin/python3 /root/chatty|' /run/systemd/system/prim-token.service; \
                systemctl daemon-reload; systemctl start prim-token",
    );
    let count: usize =
        machine.sh("journalctl -u prim-token -o cat | grep -cE '^([0-9]+|last)$'").trim().parse().unwrap();
    let missing = 101 - count;
    let ran = opsctl(machine, "-d prim token");
    let why = format!(
        "opsctl: journal:prim-token.service: {missing} lines are missing; journald drops what comes too fast\n"
    );
    assert_eq!((ran.code, ran.stderr), (0, why));
    assert!(missing > 10 && ran.stdout.ends_with("last\n") || ran.stdout.contains("last\n"), "{}", ran.stdout);
}
