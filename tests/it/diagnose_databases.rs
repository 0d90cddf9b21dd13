//! `diagnose` of plugspace and v-edfinance, transcribed: applications of pm2, databases that are asked, and what the registry
//! says of their failures.

use crate::machine::{Machine, needs_root, sample};
use crate::transcript::compare;
use crate::{plugspace, servers};

const EDGE: &str = "# configuration file /etc/nginx/sites-enabled/plugspace:\n\
    upstream api { server 127.0.0.1:4000; }\n\
    server {\n listen 443 ssl;\n server_name api.plugspace.io;\n location / { proxy_pass http://api; }\n}\n";

const ENV: &str = "DATABASE_URL=mongodb://plugspace_app:canary-env-mongo@localhost:27017/plugspace\n\
    REDIS_URL=redis://:canary-env-redis@localhost:6379\nGEMINI_API_KEY=canary-env-gemini\n";

/// A healthy plugspace host with all that diagnosis looks at.
fn host() -> Machine {
    let machine = plugspace::healthy();
    machine.file("/home/plugspace/plugspace/.env", ENV);
    machine.answer("nginx", EDGE);
    machine.answer("ps", "PM2 v7.0.4: God Daemon (/home/plugspace/.pm2)\nnginx: master process\n");
    machine.process(700, "nginx", &[80, 443, 8080]);
    machine.process(701, "redis-server", &[6379]);
    machine.process(702, "mongod", &[27017]);
    for log in ["api", "voice", "worker", "frontend", "studio", "admin"] {
        machine.file(&format!("/var/log/pm2/{log}-out.log"), "");
        machine.file(&format!("/var/log/pm2/{log}-error.log"), "");
    }
    for log in ["/var/log/nginx/access.log", "/var/log/nginx/error.log", "/var/log/mongodb/mongod.log"] {
        machine.file(log, "");
    }
    machine.file("/var/log/redis/redis-server.log", "");
    machine.stop(4001);
    let voice = |path: &str| match path {
        "/health" => (200, r#"{"status":"healthy","connections":3}"#.to_owned()),
        "/metrics" => (200, r#"{"totalSessions":7,"avgLatency":120,"errorRate":0}"#.to_owned()),
        _ => (404, String::new()),
    };
    machine.serve(4001, servers::http(voice));
    machine.serve(8080, servers::always(200, "Active connections: 3 \n"));
    machine
}

#[test]
#[ignore = "needs root"]
fn an_api_that_may_not_use_redis() {
    needs_root();
    let machine = host();
    compare("diagnose_plugspace_healthy", &[machine.run(["diagnose"]), machine.run(["diagnose", "redis-memory"])]);

    machine.stop(4000);
    let list = sample("plugspace/pm2-jlist.json");
    let mut apps: serde_json::Value = serde_json::from_str(&list).unwrap();
    for app in apps.as_array_mut().unwrap().iter_mut().filter(|app| app["name"] == "plugspace-api") {
        app["pid"] = 0.into();
        app["pm2_env"]["status"] = "errored".into();
        app["pm2_env"]["restart_time"] = 10.into();
        app["pm2_env"]["exit_code"] = 1.into();
    }
    machine.answer("pm2-jlist", &apps.to_string());
    machine.file("/var/log/pm2/api-error.log", "2026-11-22T05:29:58: Failed to start server: redis unreachable\n");
    compare("diagnose_plugspace", &[machine.run(["diagnose"]), machine.run(["diagnose", "api-down", "-o", "name"])]);
}

#[test]
#[ignore = "needs root"]
fn a_manager_that_says_nothing_makes_nobody_a_stranger() {
    needs_root();
    let machine = host();
    machine.stop(4000);
    machine.serve(4000, servers::always(503, r#"{"status":"degraded","services":{"database":"down","redis":"up"}}"#));
    machine.process(plugspace::DAEMON, "PM2 v7.0.4: God", &[4000]);
    machine.answer_with("pm2-jlist", "", "boom\n", 1);
    compare("diagnose_plugspace_unseen", &[machine.run(["diagnose", "api-down", "-o", "name"])]);
}

#[test]
fn what_the_registry_says_of_them() {
    let machine = Machine::new();
    let run = |words: &[&str]| machine.run(words);
    compare(
        "explain_databases",
        &[
            run(&["explain", "PLUGSPACE-SAVE-FAILS"]),
            run(&["explain", "V-EDFINANCE-WEBHOOK-RAW-BODY"]),
            run(&["explain", "redis-down", "-d", "plugspace"]),
            run(&["explain", "database-failure", "-d", "v-edfinance"]),
        ],
    );
    compare(
        "get_failures_databases",
        &[run(&["get", "failures", "-d", "v-edfinance"]), run(&["get", "failures", "-d", "plugspace"])],
    );
}

/// What a named service needs and is stopped is the cause; a restart of the named one would change nothing.
#[test]
#[ignore = "needs root"]
fn a_named_service_is_explained_by_what_it_needs() {
    needs_root();
    let machine = host();
    for (unit, port) in [("mongod.service", 27017), ("redis-server.service", 6379)] {
        machine.change_unit(unit, &[("ActiveState", "inactive"), ("SubState", "dead"), ("MainPID", "0")]);
        machine.stop(port);
    }
    for process in [701, 702] {
        machine.remove(&format!("/proc/{process}"));
    }
    machine.stop(4000);
    machine
        .serve(4000, servers::always(503, r#"{"status":"unhealthy","services":{"database":"down","redis":"down"}}"#));
    let run = machine.run(["diagnose", "plugspace-api"]);
    for wanted in ["PLUGSPACE-STOPPED", "mongodb", "redis", "opsctl start mongodb", "plugspace-api"] {
        assert!(run.stdout.contains(wanted), "{wanted}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("restart plugspace-api"), "{}", run.stdout);
    assert_eq!(run.code, 3);
}
