//! What was not seen is not said: each of these began as something that opsctl claimed on a real host and that was not so.

use std::time::{Duration, Instant};

use crate::machine::{Machine, needs_root, sample};
use crate::{plugspace, prim, servers};

/// Services by name, as `state verdict`.
fn seen(run: &crate::machine::Run) -> Vec<(String, String)> {
    let document = run.json();
    let services = document["services"].as_array().unwrap();
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    services.iter().map(|s| (word(&s["name"]), format!("{} {}", word(&s["state"]), word(&s["verdict"])))).collect()
}

#[test]
#[ignore = "needs root"]
fn a3_a_hung_systemctl_makes_nothing_fail() {
    needs_root();
    let machine = prim::healthy();
    prim::processes(&machine);
    machine.hang("systemctl");
    let run = machine.run(["status", "-o", "json", "--timeout", "2s"]);
    // Every service answers; only who manages it is not known, and so nobody can say whose processes hold the ports.
    let failed: Vec<_> = seen(&run).into_iter().filter(|(_, verdict)| verdict.ends_with("fail")).collect();
    assert_eq!(failed, []);
    assert_eq!(run.code, 4, "{}", run.stdout);
}

#[test]
fn a3_a_hung_systemctl_makes_nothing_differ() {
    let machine = prim::two();
    prim::processes(&machine);
    prim::files(&machine);
    machine.hang("systemctl");
    machine.answer("systemd-analyze-verify", "");
    let run = machine.run(["verify", "wallet", "store", "-o", "json", "--timeout", "4s"]);
    let document = run.json();
    let comparisons = document["comparisons"].as_array().unwrap();
    let failed: Vec<&serde_json::Value> = comparisons.iter().filter(|c| c["verdict"] == "fail").collect();
    assert_eq!(failed, Vec::<&serde_json::Value>::new());
    assert_eq!(run.code, 4);
}

#[test]
#[ignore = "needs root"]
fn c2_a_hung_docker_makes_nothing_fail() {
    needs_root();
    let machine = plugspace::healthy();
    machine.hang("docker-ps");
    // The monitoring that plugspace may have is not set up; docker cannot say so.
    let run = machine.run(["status", "-o", "json", "--timeout", "2s"]);
    let failed: Vec<_> = seen(&run).into_iter().filter(|(_, verdict)| verdict.ends_with("fail")).collect();
    assert_eq!(failed, []);
    assert_eq!(run.code, 4);
}

#[test]
fn b6_a_unit_that_was_never_started_was_not_skipped() {
    let machine = prim::two();
    // As systemd 257 shows a unit since whose loading no start was tried: no condition was ever looked at.
    machine.change_unit(
        "prim-store.service",
        &[
            ("ActiveState", "inactive"),
            ("SubState", "dead"),
            ("MainPID", "0"),
            ("ControlGroup", ""),
            ("StateChangeTimestamp", ""),
            ("ActiveEnterTimestamp", ""),
            ("ConditionResult", "no"),
            ("ConditionTimestamp", ""),
        ],
    );
    assert_eq!(seen(&machine.run(["status", "store", "-o", "json"])), [("store".into(), "stopped fail".into())]);
}

#[test]
#[ignore = "needs root"]
fn b6_a_unit_that_waits_for_its_first_client_was_not_skipped() {
    let machine = Machine::new();
    // As systemd 257 shows a socket and its service before the first connection: ConditionResult=no, without a time.
    let never = sample("unknown-unit.txt").replace("@UNIT@", "ssh.service").replace("not-found", "loaded");
    let triggered = [("TriggeredBy", "ssh.socket"), ("UnitFileState", "enabled"), ("FragmentPath", "/x/ssh.service")];
    machine.unit("ssh.service", &never);
    machine.change_unit("ssh.service", &triggered);
    let socket = "Id=ssh.socket\nNames=ssh.socket\nLoadState=loaded\nActiveState=active\nSubState=listening\nConditionResult=yes\n";
    machine.unit("ssh.socket", &format!("{socket}ConditionResult=yes\n"));
    needs_root();
    machine.serve(22, servers::greets("SSH-2.0-OpenSSH_10.0"));
    assert_eq!(seen(&machine.run(["status", "ssh", "-o", "json"])), [("ssh".into(), "waiting pass".into())]);
}

#[test]
fn d1_a_stale_pid_file_wakes_no_daemon() {
    let machine = Machine::new();
    plugspace::user(&machine, rustix::process::geteuid().as_raw());
    plugspace::daemon(&machine);
    machine.answer("pm2-jlist", "[]\n");
    // After a reboot the file is still there, and its process id is another program's.
    machine.file(&format!("/proc/{}/comm", plugspace::DAEMON), "cron\n");
    let run = machine.run(["-d", "plugspace", "status", "plugspace-worker", "-o", "json"]);
    assert!(run.ran.iter().all(|ran| ran.tool() != "pm2"), "{:?}", run.ran);
    assert_eq!(seen(&run), [("plugspace-worker".into(), "stopped fail".into())]);
}

#[test]
fn a_socket_that_waits_for_docker_starts_no_engine() {
    let machine = prim::quiet();
    machine.file("/run/docker.sock", "");
    let run = machine.run(["status", "stalwart"]);
    assert!(run.ran.iter().all(|ran| ran.tool() != "docker"), "{:?}", run.ran);
    machine.process(500, "dockerd", &[]);
    let runs = [run, machine.run(["status", "stalwart"])];
    crate::transcript::compare("status_prim_docker_asleep", &runs);
}

#[test]
fn b16_a_table_of_sockets_that_cannot_be_read_says_nothing_of_ports() {
    let machine = prim::two();
    prim::processes(&machine);
    prim::files(&machine);
    for table in [None, Some("header\nrubbish\n")] {
        match table {
            None => machine.remove("/proc/net/tcp"),
            Some(text) => machine.file("/proc/net/tcp", text),
        }
        let document = machine.run(["verify", "wallet", "-o", "json"]).json();
        let comparisons = document["comparisons"].as_array().unwrap();
        let port = comparisons.iter().find(|comparison| comparison["what"] == "port 3001").unwrap();
        assert_eq!((&port["verdict"], &port["found"]), (&"unknown".into(), &serde_json::Value::Null));
    }
}

#[test]
fn m2_a_healthy_host_without_units_of_its_own() {
    let machine = Machine::new();
    machine.dir("/home/pi/ai-fsm");
    let container = |name: &str, service: &str| {
        let line = serde_json::json!({
            "id": "0a", "name": format!("/{name}"), "image": "x", "image_id": "sha256:0", "restarts": 0,
            "status": "running", "exit_code": 0, "oom_killed": false, "error": "", "pid": 0,
            "started": "2026-11-22T03:00:00Z", "finished": "0001-01-01T00:00:00Z", "health": "healthy",
            "project": "infra", "service": service, "swarm": null,
        });
        machine.container(name, &format!("{line}\n"));
    };
    for service in ["postgres", "redis", "web", "worker"] {
        container(&format!("ai-fsm-{service}"), service);
    }
    machine.answer("docker-logs", "2026-11-22T05:29:40.000000000Z {\"msg\":\"automation poll\"}\n");
    machine.serve(5432, servers::replies(b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0".to_vec()));
    machine.serve(3000, servers::always(200, r#"{"status":"ok","checks":{"db":"ok"}}"#));
    let run = machine.run(["status"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    crate::transcript::compare("status_ai_fsm_healthy", &[run]);
}

#[test]
#[ignore = "needs root"]
fn g1_an_edge_that_drips_its_handshake_is_not_waited_for() {
    let machine = prim::two();
    needs_root();
    // The head of a large record, then a byte every 100 ms: always something, never enough.
    machine.serve(443, |stream| {
        servers::say(stream, b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc");
        for _ in 0..120 {
            std::thread::sleep(Duration::from_millis(100));
            if std::io::Write::write_all(stream, b"\0").is_err() {
                return;
            }
        }
    });
    let begun = Instant::now();
    let run = machine.run(["status", "--timeout", "2s"]);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(8), "took {took:?}\n{}", run.stdout);
}

#[test]
fn j7_a_service_that_drips_its_answer_is_not_waited_for() {
    let machine = prim::quiet();
    machine.serve(3001, |stream| {
        servers::say(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        for _ in 0..120 {
            std::thread::sleep(Duration::from_millis(100));
            if std::io::Write::write_all(stream, b" ").is_err() {
                return;
            }
        }
    });
    // Redirects are not followed, and a body without end is not read to its end.
    machine.serve(3002, servers::http(|_| (302, String::new())));
    machine.serve(3003, |stream| {
        servers::say(stream, b"HTTP/1.1 200 OK\r\n\r\n");
        let endless = vec![b'x'; 65536];
        while std::io::Write::write_all(stream, &endless).is_ok() {}
    });
    let begun = Instant::now();
    let run = machine.run(["status", "wallet", "store", "faucet", "--timeout", "6s"]);
    assert!(begun.elapsed() < Duration::from_secs(10), "{}", run.stdout);
    crate::transcript::compare("status_prim_odd_answers", &[run]);
}

#[test]
fn a9_a10_a11_a12_odd_tools() {
    // Not UTF-8, NUL, CR LF and colour around a good answer, and far too much of it.
    let machine = prim::two();
    let endless = "x".repeat(9 << 20);
    machine.answer("systemctl-show", &endless);
    let run = machine.run(["status", "wallet"]);
    crate::transcript::compare("status_prim_endless_systemctl", &[run]);
}

/// A service that was asked for by name and is not here is not well; nothing is known of it.
#[test]
fn a_named_service_that_is_not_here_is_unknown() {
    let machine = Machine::new();
    for args in [["-d", "localhost", "status", "nginx"], ["-d", "fondation", "status", "web"]] {
        let run = machine.run(args);
        assert_eq!(run.code, 4, "{}", run.stdout);
        assert!(run.stdout.starts_with("UNKNOWN "), "{}", run.stdout);
    }
    let run = machine.run(["-d", "localhost", "verify", "nginx"]);
    assert_eq!((run.code, run.stdout.as_str()), (4, "UNKNOWN  localhost on vps1: nothing to compare on this host\n"));
}
