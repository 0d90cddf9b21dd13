//! What each deployment's sources hold, and how it is understood.

use super::*;

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
    let why = "opsctl: container:stalwart: no earlier run is known\n";
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
