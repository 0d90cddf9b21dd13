//! `status`, transcribed.

use crate::machine::{Machine, Run, needs_root, sample};
use crate::prim::CRASH_LOOP;
use crate::servers;
use crate::transcript::compare;
use crate::{plugspace, prim};

#[test]
#[ignore = "needs root"]
fn a_healthy_prim() {
    needs_root();
    let machine = prim::healthy();
    compare("status_prim_healthy", &[machine.run(["status"])]);
    compare("status_prim_healthy_wide", &[machine.run(["status", "-o", "wide"])]);
    compare("status_prim_healthy_json", &[machine.run(["status", "-o", "json"])]);
    compare(
        "status_prim_healthy_name",
        &[machine.run(["status", "-o", "name"]), machine.run(["status", "--no-headers", "wallet"])],
    );
}

#[test]
#[ignore = "needs root"]
fn wallet_in_a_crash_loop_while_another_holds_its_port() {
    needs_root();
    let machine = prim::healthy();
    prim::processes(&machine);
    machine.change_unit("prim-wallet.service", &CRASH_LOOP);
    for (name, port) in prim::NAMED {
        machine.stop(port);
        match name {
            // Not the wallet: somebody's test server.
            "wallet" => machine.serve(port, servers::always(404, "Not Found")),
            // It does not ask the wallet.
            "faucet" => machine.serve(port, prim::named("faucet")),
            _ => machine.serve(port, servers::always(403, r#"{"error":"forbidden"}"#)),
        }
    }
    machine.remove("/proc/90");
    machine.process(4711, "nc", &[3001]);
    compare("status_prim_wallet_crash_loop", &[machine.run(["status"])]);
    compare("status_prim_wallet_crash_loop_json", &[machine.run(["status", "wallet", "store", "-o", "json"])]);
}

#[test]
fn two_services_and_no_host() {
    let machine = prim::two();
    machine.stop(3002);
    compare(
        "status_prim_two_services",
        &[machine.run(["status", "store", "wallet", "store"]), machine.run(["status", "wallet"])],
    );
}

#[test]
#[ignore = "needs root"]
fn a3_docker_hangs() {
    needs_root();
    let machine = prim::healthy();
    machine.hang("docker");
    compare("status_prim_docker_hangs", &[machine.run(["status", "--timeout", "2s"])]);
}

#[test]
fn a1_a6_a7_systemctl_says_nothing_that_can_be_used() {
    let machine = prim::two();
    let whole = sample("prim/systemctl-show.txt");
    let status = || machine.run(["status", "wallet"]);
    let answered = |out: &str, err: &str, code: u8| -> Run {
        machine.answer_with("systemctl-show", out, err, code);
        status()
    };
    // Cut inside of the wallet's own block, before its ActiveState.
    let cut = &whole[..whole.find("ActiveState=").unwrap()];
    let runs = [
        answered("\u{1b}[31mSegmentation fault\u{7}\n", "", 0),
        answered(cut, "", 0),
        answered("", "", 0),
        answered(&whole, "Failed to connect to bus: Connection refused\n", 1),
        {
            machine.uninstall("systemctl");
            status()
        },
    ];
    compare("status_prim_systemctl_unusable", &runs);
}

#[test]
fn b12_a_machine_without_systemd() {
    let machine = prim::two();
    machine.remove("/run/systemd");
    compare("status_prim_without_systemd", &[machine.run(["status", "wallet"])]);
}

#[test]
#[ignore = "needs root"]
fn d3_pm2_talks_around_its_answer() {
    needs_root();
    let machine = plugspace::healthy();
    let noise = sample("pm2/first-run-noise.txt");
    let after = "[PM2][WARN] Current process list is not synchronized with saved list\n";
    let applications = sample("plugspace/pm2-jlist.json").trim_end().replace(
        r#""name":"plugspace-worker","pm2_env":{"env":{"NODE_ENV":"production""#,
        r#""name":"plugspace-worker","pm2_env":{"env":{"NODE_ENV":"production","REDIS_PASSWORD":"canary-pm2-jlist""#,
    );
    assert!(applications.contains("canary-pm2-jlist"));
    machine.answer("pm2-jlist", &format!("{noise}{applications}\n{after}"));
    let run = machine.run(["status"]);
    assert!(!run.everything().contains("canary"), "{}", run.everything());
    compare("status_plugspace_pm2_noise", &[run]);
}

#[test]
#[ignore = "needs root"]
fn d1_without_its_daemon_pm2_is_not_called() {
    needs_root();
    let machine = plugspace::healthy();
    machine.remove("/home/plugspace/.pm2");
    for port in [3000, 3001, 3002, 4000, 4001] {
        machine.stop(port);
    }
    let run = machine.run(["status"]);
    assert!(run.ran.iter().all(|ran| !ran.argv.iter().any(|word| word.contains("pm2"))), "{:?}", run.ran);
    compare("status_plugspace_no_daemon", &[run]);
}

#[test]
fn d2_an_empty_list_of_applications_is_no_answer() {
    let machine = Machine::new();
    plugspace::user(&machine, rustix::process::geteuid().as_raw());
    plugspace::daemon(&machine);
    machine.answer("pm2-jlist", "[]\n");
    compare(
        "status_plugspace_empty_list",
        &[machine.run(["-d", "plugspace", "status", "plugspace-worker", "-v"]), {
            machine.answer_with("pm2-jlist", "", "Error: connect EACCES /home/plugspace/.pm2/rpc.sock\n", 1);
            machine.run(["-d", "plugspace", "status", "plugspace-worker"])
        }],
    );
}

#[test]
fn any_linux_machine() {
    let machine = Machine::new();
    machine.unit(
        "cron.service",
        "Id=cron.service\nNames=cron.service\nLoadState=loaded\nActiveState=active\nSubState=running\nConditionResult=yes\nMainPID=77\n\
         UnitFileState=enabled\nNRestarts=0\nActiveEnterTimestamp=@1795316946\nMemoryCurrent=4194304\n",
    );
    machine.unit(
        "redis-server.service",
        "Id=redis-server.service\nNames=redis-server.service redis.service\nLoadState=loaded\nConditionResult=yes\nActiveState=active\n\
         SubState=running\nMainPID=78\nUnitFileState=enabled\nNRestarts=0\nActiveEnterTimestamp=@1795316946\n",
    );
    machine.serve(6379, servers::redis("unknown to opsctl"));
    let well = machine.run(["status"]);
    machine.unit(
        "fstrim.service",
        "Id=fstrim.service\nNames=fstrim.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nConditionResult=yes\n",
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
    compare("status_localhost", &[well, machine.run(["status"])]);
}

#[test]
fn warnings_fail_where_that_is_asked_for() {
    let machine = prim::two();
    machine.change_unit("prim-wallet.service", &[("NeedDaemonReload", "yes")]);
    compare(
        "status_fail_on",
        &[
            machine.run(["status", "wallet"]),
            machine.run(["status", "wallet", "--fail-on", "warn"]),
            machine.run(["status", "wallet", "--fail-on=fail"]),
            machine.run(["status", "store", "--fail-on", "warn"]),
        ],
    );
}

#[test]
fn colour_is_for_those_who_ask_and_carries_no_meaning() {
    let machine = prim::two();
    machine.change_unit("prim-wallet.service", &[("NeedDaemonReload", "yes")]);
    let plain = machine.run(["status", "wallet"]);
    assert_eq!(machine.run_with(["status", "wallet"], &[("NO_COLOR", "1"), ("TERM", "xterm")]).stdout, plain.stdout);
    let forced = machine.run_with(["status", "wallet"], &[("CLICOLOR_FORCE", "1")]).stdout;
    let colored = machine.run(["status", "wallet", "--color", "always"]).stdout;
    assert_eq!(forced, colored);
    let escapes = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    assert!(escapes.is_match(&colored));
    assert_eq!(escapes.replace_all(&colored, ""), plain.stdout);
    let never = machine.run_with(["status", "wallet", "--color", "never"], &[("CLICOLOR_FORCE", "1")]);
    assert_eq!(never.stdout, plain.stdout);
}

#[test]
fn a_look_repeated_is_a_document_a_line_until_its_time_is_over() {
    let machine = prim::two();
    let run = machine.run(["status", "wallet", "--watch=200ms", "--timeout", "3s"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.lines().count() >= 2, "{}", run.stdout);
    for line in run.stdout.lines() {
        let document: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(document["schema"], "opsctl/status/v1");
    }
}

/// Every command that is ever run, in full. The other transcripts shorten them.
#[test]
fn the_tools_are_called_like_this() {
    let machine = prim::two();
    prim::files(&machine);
    plugspace::user(&machine, rustix::process::geteuid().as_raw());
    plugspace::daemon(&machine);
    machine.answer("pm2-jlist", &sample("plugspace/pm2-jlist.json"));
    machine.answer("docker-ps", "");
    machine
        .container("ai-fsm-worker", &sample("prim/docker-inspect-stalwart.json").replace("stalwart", "ai-fsm-worker"));
    machine.answer("docker-logs", "");
    machine.answer("journalctl", "");
    machine.file("/proc/vmstat", "oom_kill 1\n");
    machine.file("/home/pi/ai-fsm/infra/compose.pi.yml", "services: {}\n");
    let mut commands = std::collections::BTreeSet::new();
    for deployment in ["prim", "fondation", "ai-fsm", "v-edfinance", "plugspace", "localhost"] {
        for verb in ["status", "verify"] {
            let ran = machine.run(["-d", deployment, verb]).ran;
            // Only root may ask nginx.
            commands.extend(ran.iter().filter(|ran| ran.tool() != "nginx").map(crate::transcript::command));
        }
    }
    let text = commands.into_iter().collect::<Vec<_>>().join("\n") + "\n";
    crate::transcript::same_as_file(&text, "tests/it/transcripts/tools.txt".as_ref());
}
