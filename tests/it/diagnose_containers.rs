//! `diagnose` of deployments in containers, transcribed: fondation's worker beneath its unit, and ai-fsm with its database.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::machine::{Machine, Run};
use crate::servers;
use crate::transcript::compare;

const UNIT: &str = "Type=simple\nRestart=no\nMainPID=700\nResult=success\nNRestarts=0\nExecMainCode=0\nExecMainStatus=0\n\
    MemoryCurrent=[not set]\nEnvironmentFiles=\nWorkingDirectory=/srv/fondation\nUser=\nTriggeredBy=\nLoadState=loaded\n\
    ActiveState=active\nSubState=running\nUnitFileState=enabled\nStateChangeTimestamp=@1795316946\n\
    ActiveEnterTimestamp=@1795316946\nNeedDaemonReload=no\nConditionResult=yes\n";

/// A container that runs since three in the morning.
fn container(id: &str, name: &str, project: &str, service: &str) -> serde_json::Value {
    json!({
        "id": id, "name": format!("/{name}"), "image": "x", "image_id": "sha256:0", "restarts": 0, "status": "running",
        "exit_code": 0, "oom_killed": false, "error": "", "pid": 0, "started": "2026-11-22T03:09:06Z",
        "finished": "0001-01-01T00:00:00Z", "health": null, "project": project, "service": service, "swarm": null,
    })
}

/// A fondation host in order: the worker polls and is idle.
fn fondation() -> Machine {
    let machine = Machine::new();
    for name in ["docker", "fondation-worker"] {
        let unit = format!("{name}.service");
        machine.unit(&unit, &format!("Id={unit}\nNames={unit}\nFragmentPath=/etc/systemd/system/{unit}\n{UNIT}"));
    }
    let row = json!({"id": "0f", "name": "fondation-worker-1", "project": "fondation", "service": "worker", "swarm": "",
        "state": "running", "status": "Up 2 hours"});
    machine.answer("docker-ps", &format!("{row}\n"));
    machine.container("0f", &format!("{}\n", container("0f", "fondation-worker-1", "fondation", "worker")));
    machine.answer("docker-image", "fondation-worker:latest\n");
    machine.serve(3999, servers::always(200, "This Convex deployment is running.\n"));
    machine.file("/srv/fondation/.env", &format!("CONVEX_URL=http://{}:3999\n", machine.address()));
    machine.file("/srv/claude-creds/.credentials.json", "{\"accessToken\":\"canary-claude\"}\n");
    for path in ["/srv/claude-creds", "/srv/claude-creds/.credentials.json"] {
        std::fs::set_permissions(machine.path(path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let answer = |path: &str| match path {
        "/health" => (
            200,
            r#"{"status":"healthy","lastJobTime":1795325100000,"activeJobs":0,"memory":{"percentUsed":40}}"#.to_owned(),
        ),
        _ => (
            200,
            r#"{"jobs_total":3,"jobs_succeeded_total":3,"jobs_failed_total":0,"jobs_duration_average_ms":95000}"#
                .to_owned(),
        ),
    };
    machine.serve(8080, servers::http(answer));
    machine.process(700, "docker", &[]);
    machine.process(600, "sshd", &[22]);
    machine.file("/proc/700/status", "VmRSS:\t   40960 kB\n");
    said(&machine, "2026-11-22T05:29:55Z", "worker-1  | 🔍 Polling for jobs...");
    machine
}

fn said(machine: &Machine, time: &str, line: &str) {
    let line = line.as_bytes();
    machine.journal(time, "fondation-worker.service", &[("MESSAGE", line), ("_PID", b"700"), ("PRIORITY", b"6")]);
}

/// Whoever runs the tests owns the files.
fn owned(run: Run) -> Run {
    let owner = format!("{}:{}, mode", rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    Run { stdout: run.stdout.replace(&owner, "[owner], mode"), ..run }
}

#[test]
fn m2_an_idle_worker_is_no_finding() {
    let machine = fondation();
    compare("diagnose_fondation_healthy", &[machine.run(["diagnose"]), owned(machine.run(["diagnose", "claude"]))]);
}

#[test]
fn a_login_that_the_container_may_not_read_is_why_jobs_fail() {
    let machine = fondation();
    let file = machine.path("/srv/claude-creds/.credentials.json");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    said(&machine, "2026-11-22T05:20:00Z", "worker-1  | ❌ ERROR Job 7 failed: API Error: 401 Invalid API key");
    let run = owned(machine.run(["diagnose"]));
    assert!(!run.everything().contains("canary"));
    compare("diagnose_fondation_login", &[run]);
}

#[test]
fn the_engine_is_down_and_the_worker_with_it() {
    let machine = fondation();
    let stopped = [("ActiveState", "inactive"), ("SubState", "dead"), ("MainPID", "0")];
    machine.change_unit("docker.service", &stopped);
    machine.change_unit("fondation-worker.service", &stopped);
    machine.answer_with("docker-ps", "", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n", 1);
    machine.stop(8080);
    compare("diagnose_fondation_engine", &[machine.run(["diagnose"])]);
}

#[test]
fn the_failures_of_fondation_are_listed_and_explained() {
    let machine = fondation();
    compare(
        "get_failures_fondation",
        &[
            machine.run(["get", "failures", "-d", "fondation"]),
            machine.run(["explain", "FONDATION-LOGIN-UNREADABLE"]),
            machine.run(["explain", "disk-full", "-d", "fondation"]),
        ],
    );
}

/// An ai-fsm host in order, whose database answers every question with this line.
fn ai_fsm(answer: &str) -> Machine {
    let machine = Machine::new();
    machine.file(
        "/home/pi/ai-fsm/.env",
        "POSTGRES_DB=ai_fsm\nPOSTGRES_USER=fsm_user\nPOSTGRES_PASSWORD=canary-postgres\nREDIS_URL=redis://redis:6379\n\
         DATABASE_URL=postgresql://fsm_user:canary-postgres@postgres:5432/ai_fsm\nNODE_OPTIONS=--max-old-space-size=256\n\
         AUTH_SECRET=canary-of-more-than-32-characters-xxxx\nLOG_LEVEL=info\n",
    );
    for (id, service) in [("0a", "postgres"), ("0b", "redis"), ("0c", "web"), ("0d", "worker")] {
        let name = format!("ai-fsm-{service}");
        machine.container(&name, &format!("{}\n", container(id, &name, "infra", service)));
        for known in [id, &name] {
            machine.rows(known, "2026-11-22T05:29:40.000000000Z {\"level\":\"info\",\"msg\":\"automation poll\"}\n");
        }
    }
    machine.answer("docker-logs---since=120s", "2026-11-22T05:29:40.000000000Z {\"msg\":\"automation poll\"}\n");
    let rows = [("0a", "postgres"), ("0b", "redis"), ("0c", "web"), ("0d", "worker")].map(|(id, service)| {
        let row = json!({"id": id, "name": format!("ai-fsm-{service}"), "project": "infra", "service": service, "swarm": "",
            "state": "running", "status": "Up 2 hours"});
        format!("{row}\n")
    });
    machine.answer("docker-ps", &rows.concat());
    machine.process(600, "sshd", &[22]);
    // Its own role, whatever the seed says (D2).
    machine.answer("docker-exec-ai-fsm-postgres", "fsm_user\nai_fsm\n");
    machine.answer(PSQL, answer);
    machine.serve(5432, servers::replies(b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0".to_vec()));
    machine.serve(3000, servers::always(200, r#"{"status":"ok","checks":{"db":"ok"}}"#));
    machine
}

const PSQL: &str = "docker-exec---interactive";

#[test]
fn m2_a_database_without_anything_odd_is_no_finding() {
    let machine = ai_fsm("");
    compare("diagnose_ai_fsm_healthy", &[machine.run(["diagnose"])]);
}

#[test]
fn a_lock_chain_and_a_database_that_cannot_be_asked() {
    let machine = ai_fsm("pid 42 (idle in transaction, for 95 s) blocks 3 sessions\n");
    let locked = machine.run(["diagnose", "-q"]);
    machine.answer_with(PSQL, "", "psql: error: FATAL:  the database system is shutting down\n", 2);
    let unknown = machine.run(["diagnose", "db"]);
    assert!(!locked.everything().contains("canary") && !unknown.everything().contains("canary"));
    compare("diagnose_ai_fsm_locks", &[locked, unknown]);
}

#[test]
fn web_refuses_to_start_with_a_short_secret() {
    let machine = ai_fsm("");
    let env = std::fs::read_to_string(machine.path("/home/pi/ai-fsm/.env")).unwrap();
    let env = env.replace("canary-of-more-than-32-characters-xxxx", "canary-short");
    machine.file("/home/pi/ai-fsm/.env", &env);
    let mut web = container("0c", "ai-fsm-web", "infra", "web");
    web["status"] = "restarting".into();
    web["exit_code"] = 1.into();
    web["restarts"] = 9.into();
    web["started"] = "2026-11-22T05:29:30Z".into();
    machine.container("ai-fsm-web", &format!("{web}\n"));
    for known in ["0c", "ai-fsm-web"] {
        let line = "2026-11-22T05:29:31.000000000Z [startup] AUTH_SECRET must be at least 32 characters\n";
        machine.rows(known, line);
    }
    machine.stop(3000);
    let run = machine.run(["diagnose"]);
    assert!(!run.everything().contains("canary"));
    compare("diagnose_ai_fsm_web", &[run]);
}

#[test]
fn the_failures_of_ai_fsm_are_listed_and_explained() {
    let machine = ai_fsm("");
    compare(
        "get_failures_ai_fsm",
        &[
            machine.run(["get", "failures", "-d", "ai-fsm"]),
            machine.run(["explain", "AI-FSM-LOCK-CHAIN"]),
            machine.run(["explain", "429", "-d", "ai-fsm"]),
        ],
    );
}
