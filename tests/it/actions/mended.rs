//! What opsctl once did wrong.

use super::*;

#[test]
#[ignore = "needs root"]
fn b5_a_unit_that_has_nothing_to_forget_is_started_all_the_same() {
    let machine = host();
    let stopped = [("ActiveState", "inactive"), ("SubState", "dead"), ("MainPID", "0"), ("UnitFileState", "disabled")];
    machine.changes_unit(&act("start"), "prim-wallet.service", &[]);
    machine.change_unit("prim-wallet.service", &stopped);
    // As systemd 257 says it.
    let said = "Failed to reset failed state of unit prim-wallet.service: Unit prim-wallet.service not loaded.\n";
    machine.answer_with(&act("reset-failed"), "", said, 1);
    let run = machine.run(["start", "wallet", "--settle", "200ms"]);
    assert_eq!(run.code, 0, "{run:#?}");
}

#[test]
#[ignore = "needs root"]
fn c4_an_unhealthy_container_is_no_success() {
    let machine = host();
    let container = sample("prim/docker-inspect-stalwart.json").replace(r#""health":null"#, r#""health":"unhealthy""#);
    machine.container("stalwart", &container);
    machine.serve(25, servers::greets("220 mail.prim.sh Stalwart ESMTP at your service"));
    machine.serve(8080, servers::always(200, "<!doctype html><title>Stalwart</title>"));
    machine.answer("docker-restart", "");
    let run = machine.run(["restart", "stalwart", "-y", "--settle", "200ms", "--timeout", "3s"]);
    assert_ne!(run.code, 0, "{run:#?}");
}

#[test]
#[ignore = "needs root"]
fn k4_a_failure_stays_one_when_nobody_reads_it() {
    let machine = host();
    machine.changes_unit(&act("restart"), "prim-wallet.service", &prim::CRASH_LOOP);
    let args = ["restart", "wallet", "-y", "--settle", "200ms", "-q"];
    let status = machine.command(args).stdout(closed_pipe()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
#[ignore = "needs root"]
fn b11_what_changed_while_the_lock_was_waited_for_is_seen() {
    let machine = host();
    note(&machine, false);
    alive(&machine);
    let held = File::open(machine.path("/run/opsctl/prim.lock")).unwrap();
    held.lock().unwrap();
    let mut command = machine.command(["restart", "wallet", "-y", "--settle", "200ms", "--lock-wait", "-v"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    machine.change_unit("prim-wallet.service", &[("NeedDaemonReload", "yes")]);
    drop(held);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    // Either the new unit file is read first, or nothing is done.
    assert!(said.contains("daemon-reload") || output.status.code() == Some(5), "{:?} {said}", output.status.code());
}

#[test]
#[ignore = "needs root"]
fn k10_a_torn_line_takes_no_other_with_it() {
    let machine = host();
    machine.file("/var/log/opsctl/audit.jsonl", "{\"time\":\"2026-11");
    assert_eq!(machine.run(["restart", "wallet", "-y", "--settle", "200ms"]).code, 0);
    assert_eq!(machine.run(["history", "-o", "name"]).stdout, "restart\n");
}

#[test]
#[ignore = "needs root"]
fn a_long_trail_is_not_a_damaged_one() {
    let machine = host();
    let one = entries("1-1", ("2026-11-21T01:00:00Z", "wallet"), Some(("done", 0)));
    let count = (9 << 20) / one.len();
    let trail: String =
        (0..count).map(|n| entries(&format!("{n}-1"), ("2026-11-21T01:00:00Z", "wallet"), Some(("done", 0)))).collect();
    machine.file("/var/log/opsctl/audit.jsonl", &trail);
    assert_eq!(machine.run(["history", "-o", "name", "-n", "1"]).stderr, "");
}

#[test]
#[ignore = "needs root"]
fn m6_a_lock_that_cannot_be_read_is_not_free() {
    let machine = host();
    machine.dir("/run/opsctl/prim.lock");
    let run = machine.run(["lock", "status"]);
    assert_eq!((run.code, run.stdout.as_str()), (4, ""));
}

#[test]
#[ignore = "needs root"]
fn a_lock_held_by_hand_is_waited_for_too() {
    let machine = host();
    assert_eq!(machine.run(["lock", "acquire", "-m", "moving the disk"]).code, 0);
    let mut command = machine.command(["restart", "wallet", "-y", "--settle", "200ms", "--lock-wait=20s"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(machine.run(["lock", "release"]).code, 0);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
}

#[test]
#[ignore = "needs root"]
fn the_deadline_of_the_whole_command_is_kept() {
    let machine = host();
    machine.stop(3001);
    let begun = Instant::now();
    let run = machine.run(["restart", "wallet", "-y", "--settle", "4s", "--timeout", "2s"]);
    assert_eq!(run.code, 7, "{run:#?}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
#[ignore = "needs root"]
fn b3_only_what_was_written_since_is_shown_as_the_cause() {
    let machine = host();
    machine.journal(
        "2026-11-22T04:30:00Z",
        "prim-wallet.service",
        &[("MESSAGE", b"the disk is full"), ("PRIORITY", b"3"), ("_PID", b"89")],
    );
    machine.changes_unit(&act("restart"), "prim-wallet.service", &prim::CRASH_LOOP);
    let run = machine.run(["restart", "wallet", "-y", "--settle", "200ms"]);
    assert_eq!((run.code, run.stdout.contains("the disk is full")), (1, false), "{}", run.stdout);
}

#[test]
#[ignore = "needs root"]
fn a_wrong_configuration_is_refused_and_its_line_is_named() {
    let machine = host();
    let noise = r#"{"level":"info","ts":1795329619.6213522,"msg":"using provided configuration","config_file":"/etc/caddy/Caddyfile","config_adapter":"caddyfile"}"#;
    let cause = "Error: adapting config using caddyfile: /etc/caddy/Caddyfile:99: unrecognized directive: garbage";
    machine.answer_with("caddy-validate", "", &format!("{noise}\n{cause}\n"), 1);
    let run = machine.run(["reload", "caddy", "--settle", "200ms"]);
    assert!(changes(&run).is_empty());
    assert!(run.everything().contains("Caddyfile:99: unrecognized directive: garbage"), "{}", run.everything());
}

#[test]
#[ignore = "needs root"]
fn what_runs_already_is_not_started_again() {
    needs_root();
    let machine = plugspace::healthy();
    machine.able(&[]);
    machine.dir("/var/log");
    machine.answer("pm2-start", "");
    let run = machine.run(["start", "plugspace-voice", "--settle", "200ms"]);
    assert_eq!(changes(&run), Vec::<String>::new(), "{run:#?}");
}

#[test]
#[ignore = "needs root"]
fn a_hang_up_that_is_ignored_stays_ignored() {
    let machine = host();
    let command = machine.command(["restart", "wallet", "-y", "--settle", "3s"]);
    let mut nohup = std::process::Command::new("/usr/bin/nohup");
    nohup.arg(command.get_program()).args(command.get_args()).env_clear().stdin(Stdio::null());
    nohup.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let mut child = nohup.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
#[ignore = "needs root"]
fn b4_what_was_started_just_now_is_given_time_to_answer() {
    let machine = host();
    machine.stop(3001);
    // A second before the time on every machine.
    machine.change_unit("prim-wallet.service", &[("ActiveEnterTimestamp", "@1795325399")]);
    let mut command = machine.command(["start", "wallet", "--settle", "300ms"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    machine.serve(3001, prim::named("wallet"));
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    // One that has run for long and does not answer is not waited for.
    machine.stop(3001);
    machine.change_unit("prim-wallet.service", &[("ActiveEnterTimestamp", "@1795320000")]);
    let begun = Instant::now();
    assert_eq!(machine.run(["start", "wallet", "--settle", "300ms"]).code, 7);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
#[ignore = "needs root"]
fn b4_what_is_well_before_the_time_is_over_may_finish_its_settle_time() {
    let machine = host();
    machine.stop(3001);
    let mut command = machine.command(["start", "wallet", "--settle", "2s"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    machine.serve(3001, prim::named("wallet"));
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
}

#[test]
#[ignore = "needs root"]
fn b7_an_environment_file_that_is_missing_is_named() {
    let machine = host();
    let failed = [
        ("ActiveState", "failed"),
        ("SubState", "failed"),
        ("Result", "resources"),
        ("MainPID", "0"),
        ("NRestarts", "0"),
    ];
    // As systemd 257 says it.
    let said = "Job for prim-wallet.service failed because of unavailable resources or another system error.\n\
                See \"systemctl status prim-wallet.service\" and \"journalctl -xeu prim-wallet.service\" for details.\n";
    machine.answer_with(&act("restart"), "", said, 1);
    machine.changes_unit(&act("restart"), "prim-wallet.service", &failed);
    machine.file("/etc/prim/store.env", "PORT=3002\n");
    machine.stop(3001);
    let runs = [machine.run(["restart", "wallet", "-y", "--settle", "200ms"]), machine.run(["status", "wallet"])];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [1, 3]);
    compare("action_without_environment", &runs.map(told));
}

/// What pm2 says of voice: one that waits to be started again, or both online, after this many restarts.
fn voice(machine: &Machine, status: &str, restarts: u32) {
    let mut list: serde_json::Value = serde_json::from_str(&sample("plugspace/pm2-jlist.json")).unwrap();
    let app = list.as_array_mut().unwrap().iter_mut().find(|app| app["name"] == "plugspace-voice").unwrap();
    app["pm2_env"]["status"] = status.into();
    app["pm2_env"]["restart_time"] = restarts.into();
    machine.answer("pm2-jlist", &list.to_string());
}

#[test]
#[ignore = "needs root"]
fn d4_an_application_that_waits_for_its_restart_is_judged_by_how_often_it_ends() {
    needs_root();
    let machine = plugspace::healthy();
    machine.dir("/var/log");
    machine.answer("pm2-restart", "");
    // Answers change every half second, the last one stays.
    let restart = |answers: &mut dyn Iterator<Item = (&str, u32)>| {
        voice(&machine, "online", 4);
        let mut command = machine.command(["restart", "plugspace-voice", "-y", "--settle", "300ms"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        while child.try_wait().unwrap().is_none() {
            if let Some((status, restarts)) = answers.next() {
                voice(&machine, status, restarts);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = restart(&mut [("waiting restart", 4), ("waiting restart", 4), ("online", 5)].into_iter());
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = restart(&mut (4..100).map(|restarts| ("waiting restart", restarts)));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("ended, pm2 waits to start it again"), "{said}");
}

/// pm2 turns away, now and then, what it is about to start itself: a restart is tried twice, and no more.
#[test]
#[ignore = "needs root"]
fn a_restart_that_pm2_turns_away_is_tried_once_more() {
    needs_root();
    let machine = plugspace::healthy();
    machine.dir("/var/log");
    voice(&machine, "online", 4);
    machine.answer_with("pm2-restart", "", "[PM2][ERROR] Process 3 not found", 1);
    let run = machine.run(["restart", "plugspace-voice", "-y", "--settle", "200ms"]);
    assert_eq!(run.code, 1, "{}", run.everything());
    let tries = run.ran.iter().filter(|ran| ran.tool() == "pm2" && ran.argv.iter().any(|word| word == "restart"));
    assert_eq!(tries.count(), 2, "{:?}", run.ran);
}
