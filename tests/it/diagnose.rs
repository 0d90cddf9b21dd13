//! `diagnose`, transcribed: nothing, one thing, two in causal order, what could not be determined, and what is done about it.

use std::os::unix::fs::PermissionsExt;

use crate::machine::{Machine, Run, needs_root, sample};
use crate::prim::{self, CRASH_LOOP};
use crate::servers;
use crate::transcript::compare;

/// A healthy prim host with all files that diagnosis looks at.
pub fn prim() -> Machine {
    let machine = prim::healthy();
    prim::files(&machine);
    // Those of wallet are left out, so that it can end.
    machine.process(71, "caddy", &[80, 443]);
    machine.process(800, "docker-proxy", &[25, 465, 587, 993, 8080]);
    let row = r#"{"id":"666b","name":"stalwart","project":"email","service":"stalwart","swarm":"","state":"running","status":""}"#;
    machine.answer("docker-ps", &format!("{row}\n"));
    machine.container("666b", &sample("prim/docker-inspect-stalwart.json"));
    machine.rows("666b", "2026-11-22T03:09:12.123456789Z 2026-11-22T03:09:12Z INFO Listening on 25\n");
    machine.remove("/var/lib/caddy");
    machine.file("/home/prim/.bun/bin/bun", "");
    std::fs::set_permissions(machine.path("/home/prim/.bun/bin/bun"), std::fs::Permissions::from_mode(0o755)).unwrap();
    for file in std::fs::read_dir(machine.path("/etc/prim")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("PRIM_PAY_TO=0x5f", "PRIM_PAY_TO=0x5fb1d6a9d7c0f0f3b0a1d2c3e4f5061728394a5b");
        let text = text.replace("WALLET_INTERNAL_URL", "PRIM_INTERNAL_KEY=canary-env-wallet\nWALLET_INTERNAL_URL");
        std::fs::write(path, text).unwrap();
    }
    for (name, port) in prim::NAMED {
        if ["wallet", "store", "faucet", "spawn", "search", "email"].contains(&name) {
            let body = format!(r#"{{"service":"{name}.sh","status":"ok","latency_ms":{{"p50":3,"p99":20}}}}"#);
            machine.stop(port);
            machine.serve(port, servers::always(200, &body));
        }
    }
    machine
}

/// How long a command took differs from run to run.
fn without_durations(mut run: Run) -> Run {
    let milliseconds = regex::Regex::new(r#""duration_ms": [0-9]+"#).unwrap();
    run.stdout = milliseconds.replace_all(&run.stdout, r#""duration_ms": [n]"#).into_owned();
    run
}

#[test]
#[ignore = "needs root"]
fn m2_a_healthy_host_has_no_findings() {
    needs_root();
    let machine = prim();
    compare("diagnose_healthy", &[machine.run(["diagnose"]), machine.run(["diagnose", "-o", "name"])]);
    compare("diagnose_one_question", &[machine.run(["diagnose", "502", "store"]), machine.run(["diagnose", "tls"])]);
}

#[test]
#[ignore = "needs root"]
fn b3_what_a_service_says_proves_its_cause() {
    needs_root();
    let machine = prim();
    crash(&machine);
    compare("diagnose_wallet", &[machine.run(["diagnose"]), machine.run(["diagnose", "-o", "name"])]);
    let json = without_durations(machine.run(["diagnose", "wallet-down", "-o", "json"]));
    compare("diagnose_wallet_json", &[json]);
    compare(
        "diagnose_ignored",
        &[
            machine.run(["diagnose", "--ignore", "PRIM-NETWORK-UNKNOWN:wallet"]),
            machine.run(["diagnose", "--ignore", "network-unknown", "-o", "name"]),
            machine.run(["diagnose", "--ignore", "PRIM-NONSENSE"]),
        ],
    );
}

const WRONG: &str = "PORT=3001\nPRIM_PAY_TO=0x5fb1d6a9d7c0f0f3b0a1d2c3e4f5061728394a5b\nPRIM_NETWORK=eip155:1\n\
    PRIM_INTERNAL_KEY=canary-env-wallet\n";

/// The wallet ends again and again, and says why.
pub fn crash(machine: &Machine) {
    machine.change_unit("prim-wallet.service", &CRASH_LOOP);
    machine.change_unit("prim-wallet.service", &[("ActiveEnterTimestamp", "@1795325397")]);
    machine.stop(3001);
    machine.old_file("/etc/prim/wallet.env", "2026-11-22T04:20:00Z", WRONG);
    for (time, count) in [("05:29:41", 1), ("05:29:47", 2), ("05:29:53", 3)] {
        let says = format!("prim-wallet.service: Scheduled restart job, restart counter is at {count}.");
        let fields: [(&str, &[u8]); 2] = [("MESSAGE", says.as_bytes()), ("_PID", b"1")];
        machine.journal(&format!("2026-11-22T{time}Z"), "prim-wallet.service", &fields);
    }
    let says = "error: Unknown network: eip155:1. Supported: eip155:8453, eip155:84532";
    machine.journal("2026-11-22T05:29:58Z", "prim-wallet.service", &[("MESSAGE", says.as_bytes())]);
}

#[test]
#[ignore = "needs root"]
fn m1_two_at_once_in_causal_order() {
    needs_root();
    let machine = prim();
    crash(&machine);
    machine.answer("df", "Type 1B-blocks Used Avail Inodes IUsed Mounted on\next4 1000000 999000 1000 1000 96 /\n");
    machine.answer("journalctl---disk-usage", "Archived and active journals take up 1.5G in the file system.\n");
    machine.answer(
        "docker-system-df",
        "Images=3.1GB (80%)\nContainers=0B\nLocal Volumes=9.9GB (100%)\nBuild Cache=2.5GB\n",
    );
    machine.answer("docker-image-ls", "sha256:aa <none>:<none> 512MB\nsha256:bb stalwartlabs/stalwart:latest 180MB\n");
    machine.dir("/var/cache/apt/archives");
    machine.answer("du", "120000000\t/var/cache/apt/archives\n");
    compare("diagnose_two", &[machine.run(["diagnose"])]);
    // What cannot be learnt is said, and nothing else is lost.
    machine.answer_with("docker-system-df", "", "Cannot connect to the Docker daemon\n", 1);
    machine.hang("du");
    compare("diagnose_room_unknown", &[machine.run(["diagnose", "disk-full"])]);
}

#[test]
#[ignore = "needs root"]
fn m6_what_cannot_be_seen_is_no_finding() {
    needs_root();
    let machine = prim();
    machine.answer_with("systemctl-show", "", "Failed to connect to bus: Connection refused\n", 1);
    let unseen = machine.run(["diagnose"]);
    let json = without_durations(machine.run(["diagnose", "wallet-down", "-o", "json"]));
    compare("diagnose_unknown", &[unseen, json]);
}

#[test]
fn any_linux_machine_is_diagnosed() {
    let machine = Machine::new();
    machine.unit(
        "fstrim.service",
        "Id=fstrim.service\nNames=fstrim.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\n\
         Result=exit-code\nExecMainCode=1\nExecMainStatus=32\nConditionResult=yes\n",
    );
    machine.answer("timedatectl", "NTPSynchronized=no\n");
    machine
        .answer("df", "Type  1B-blocks  Used Avail Inodes IUsed Mounted on\next4 1000000 870000 130000 1000 960 /\n");
    machine.file("/proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable: 20000 kB\n");
    machine.file("/proc/loadavg", "9.50 8.25 7.00 3/120 4242\n");
    machine.file("/proc/vmstat", "oom_kill 2\n");
    machine.answer(
        "journalctl",
        concat!(
            r#"{"__REALTIME_TIMESTAMP":"1795322400000000","MESSAGE":"Out of memory: Killed process 12 (node) total-vm:1kB"}"#,
            "\n"
        ),
    );
    compare("diagnose_localhost", &[machine.run(["diagnose"])]);
}

#[test]
fn failures_are_listed_and_explained() {
    let machine = Machine::new();
    compare(
        "diagnose_list",
        &[
            machine.run(["diagnose", "--list"]),
            machine.run(["get", "failures", "-d", "prim"]),
            machine.run(["get", "failures", "-d", "prim", "-o", "name"]),
            machine.run(["diagnose", "--list", "tls"]),
            machine.run(["diagnose", "nonsense"]),
            machine.run(["diagnose", "bun-missing"]),
            machine.run(["diagnose", "--yes"]),
        ],
    );
    compare(
        "explain_failure",
        &[
            machine.run(["explain", "x402"]),
            machine.run(["explain", "PRIM-NETWORK-UNKNOWN"]),
            machine.run(["explain", "network-unknown", "-o", "json"]),
        ],
    );
}

#[test]
#[ignore = "needs root"]
fn l4_no_secret_is_shown() {
    needs_root();
    let machine = prim();
    crash(&machine);
    machine.file(
        "/etc/prim/store.env",
        "PORT=3002\nPRIM_NETWORK=canary-network\nPRIM_PAY_TO=canary-address\nPRIM_INTERNAL_KEY=canary-key\n",
    );
    machine.journal(
        "2026-11-22T05:29:59Z",
        "prim-wallet.service",
        &[("MESSAGE", b"error: Unknown network: password=canary-in-a-line eip155:1")],
    );
    for format in ["text", "wide", "json"] {
        let run = machine.run(["diagnose", "-v", "-o", format]);
        assert_eq!(run.code, 3);
        assert!(!run.everything().contains("canary"), "{}", run.everything());
    }
}

/// A machine on which changes can be tried.
#[test]
fn what_is_safe_is_mended_and_looked_at() {
    let machine = prim::two();
    machine.able(&[]);
    machine.change_unit("prim-store.service", &[("ActiveState", "inactive"), ("SubState", "dead"), ("MainPID", "0")]);
    machine.stop(3002);
    compare("diagnose_fix_dry_run", &[machine.run(["diagnose", "service-crash-loop", "store", "--fix", "--dry-run"])]);
}

/// What only servers far away bring about: told by the log lines that they leave.
#[test]
#[ignore = "needs root"]
fn what_others_refuse_is_found_in_what_services_say_of_it() {
    needs_root();
    let machine = prim();
    machine.stop(443);
    let lines: [(&str, &str); 4] = [
        (
            "caddy.service",
            "could not get certificate from issuer: HTTP 429 urn:ietf:params:acme:error:rateLimited - too many certificates",
        ),
        (
            "caddy.service",
            "challenge failed: urn:ietf:params:acme:error:dns - no valid A records found for track.prim.sh",
        ),
        ("prim-store.service", r#"{"level":"error","msg":"facilitator verify failed: timeout after 5000 ms"}"#),
        (
            "prim-spawn.service",
            r#"{"level":"warn","msg":"wallet.sh allowlist check failed: The operation timed out."}"#,
        ),
    ];
    for (unit, line) in lines {
        machine.journal("2026-11-22T05:29:30Z", unit, &[("MESSAGE", line.as_bytes())]);
    }
    let run = machine.run(["diagnose"]);
    for code in ["ACME-RATE-LIMIT", "ACME-FAILS", "FACILITATOR-DOWN", "ALLOWLIST-UNREACHABLE", "TLS-SILENT"] {
        assert!(run.stdout.contains(&format!("PRIM-{code}")), "{code}: {}", run.everything());
    }
    compare("diagnose_said", &[run]);
}
