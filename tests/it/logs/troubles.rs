//! What cannot be read or makes no sense.

use super::*;

#[test]
fn b15_what_journald_dropped_and_what_is_corrupt_is_told() {
    let machine = busy();
    let message: &[u8] = b"Suppressed 4711 messages from prim-wallet.service";
    machine.journal("2026-11-22T05:26:00Z", "systemd-journald.service", &[("MESSAGE", message)]);
    let dropped = runs(&machine, [&["wallet", "-n", "1"], &["store", "-n", "1"], &["wallet", "-n", "1", "-q"]]);
    let entry = "__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1795325000000000\nMESSAGE=readable\n\n";
    let corrupt = "Journal file /var/log/journal/1/system.journal is truncated, ignoring file.\n";
    machine.answer_with("journalctl", entry, corrupt, 0);
    compare("logs_incomplete", &[dropped, runs(&machine, [&["wallet"]])].concat());
}

#[test]
fn a1_a6_a7_containers_that_cannot_be_read() {
    let machine = mail();
    let mut read = Vec::new();
    machine.answer("docker-ps", "");
    read.extend(runs(&machine, [&["stalwart"], &["--all", "-n", "1"]]));
    machine.answer("docker-ps", &listed("666b", "stalwart", "running"));
    machine.answer_with("docker-logs", "", "Error response from daemon: No such container: 666b\n", 1);
    read.extend(runs(&machine, [&["stalwart"]]));
    let rows = "2026-11-22T03:08:00.000000001Z one\nError response from daemon: configured logging driver does not support reading\n";
    machine.answer_with("docker-logs", rows, "", 1);
    read.extend(runs(&machine, [&["stalwart"]]));
    machine.answer("docker-ps", "{\"id\":");
    read.extend(runs(&machine, [&["stalwart"]]));
    machine.answer_with("docker-ps", "", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n", 1);
    read.extend(runs(&machine, [&["stalwart"]]));
    machine.uninstall("docker");
    read.extend(runs(&machine, [&["stalwart"], &["stalwart", "-p"]]));
    compare("logs_container_troubles", &read);
}

fn lines_that_make_no_sense() -> [&'static [&'static str]; 18] {
    [
        &[],
        &["walet"],
        &["wallet", "convex"],
        &["-d", "fondation", "convex"],
        &["wallet", "--source", "access"],
        &["--all", "wallet"],
        &["wallet", "-g", "(unclosed"],
        &["wallet", "--since", "soon"],
        &["wallet", "--since", "10m", "--until", "1h"],
        &["wallet", "-f", "--until", "1h"],
        &["wallet", "-f", "-p"],
        &["wallet", "-n", "x"],
        &["wallet", "-n", "-1"],
        &["wallet", "-b=1"],
        &["wallet", "-b", "1"],
        &["wallet", "-b", "--since", "1h"],
        &["wallet", "-e", "--level", "warn"],
        // L1: a name is a name.
        &["wallet", "--source", "../etc/passwd"],
    ]
}

#[test]
fn l1_usage_errors_run_nothing() {
    let machine = silent();
    let of = |json: bool| {
        let run = |line: &&[&str]| {
            machine.run(["logs"].iter().chain(*line).chain(&["-o", "json"][..if json { 2 } else { 0 }]))
        };
        lines_that_make_no_sense().iter().map(run).collect::<Vec<Run>>()
    };
    let (words, documents) = (of(false), of(true));
    for (words, document) in words.iter().zip(&documents) {
        assert_eq!((words.code, words.stdout.as_str(), words.ran.len()), (2, "", 0), "{:?}", words.args);
        assert_eq!((document.code, document.stderr.as_str(), document.ran.len()), (2, "", 0), "{:?}", document.args);
        assert_eq!(document.json()["schema"], "opsctl/error/v1");
    }
    compare("logs_usage_errors", &words);
    compare("logs_usage_errors_json", &documents);
}

#[test]
fn several_services_of_which_one_writes_no_log() {
    let machine = Machine::new();
    machine.dir("/srv/fondation");
    said(&machine, "05:29:00 docker 0f 50 6", "level=info msg=started");
    compare("logs_none_of_one", &runs(&machine, [&["convex", "docker"], &["convex", "docker", "-q"]]));
}

#[test]
fn a1_a5_a6_a7_b14_a_journal_that_cannot_be_read() {
    let machine = busy();
    let entry = "__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1795325000000000\nPRIORITY=6\nMESSAGE=whole\n\n";
    let denied = "Hint: You are currently not seeing messages from other users and the system.\n      \
                  Users in groups 'adm', 'systemd-journal' can see all messages.\n      \
                  Pass -q to turn off this notice.\n";
    let none = "No journal files were opened due to insufficient permissions.\n";
    let mut read = Vec::new();
    let answers: [(&[u8], String, u8); 7] = [
        (b"", format!("{denied}{none}"), 1),
        // Who sees only what is their own is told so, although journalctl is content.
        (entry.as_bytes(), denied.to_owned(), 0),
        (b"", String::new(), 0),
        (b"\x1b[31mSegmentation fault\x07\n", String::new(), 0),
        (&entry.as_bytes()[..entry.len() - 4], String::new(), 0),
        (entry.as_bytes(), "Failed to get data: \u{1b}]0;x\u{7}Bad message\n".to_owned(), 1),
        (b"__REALTIME_TIMESTAMP=1795325000000000\nMESSAGE\n\x09\x00\x00\x00\x00\x00\x00\x00cut", String::new(), 0),
    ];
    for (out, err, code) in answers {
        machine.answer_with("journalctl", out, &err, code);
        read.push(machine.run(["logs", "wallet"]));
    }
    machine.answer_and("journalctl", entry, "kill");
    read.extend(runs(&machine, [&["wallet"], &["wallet", "-o", "json"], &["wallet", "-p"], &["wallet", "-b"]]));
    machine.answer_with("journalctl", "", none, 1);
    read.extend(runs(
        &machine,
        [&["wallet", "store", "--since", "1h"], &["wallet", "-q"], &["wallet", "-b"], &["wallet", "-p"]],
    ));
    machine.uninstall("journalctl");
    read.extend(runs(&machine, [&["wallet"], &["wallet", "-o", "json"]]));
    assert!(read.iter().all(|run| run.hostile().is_none()));
    compare("logs_journal_troubles", &read);
    // Only what is whole and empty is no line at all.
    let content: Vec<usize> = (0..read.len()).filter(|index| read[*index].code == 0).collect();
    assert_eq!(content, [2], "an answer that was cut passes for an empty journal");
}

/// The beginning is shown all the same, and what else was asked for.
#[test]
fn a3_a_journal_that_hangs_is_given_up() {
    let machine = mail();
    let entry = "__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1795325000000000\nPRIORITY=6\nMESSAGE=before\n\n";
    machine.answer_and("journalctl", entry, "hang");
    let begun = Instant::now();
    let mut read = runs(&machine, [&["wallet", "--timeout", "2s"], &["wallet", "-o", "json", "--timeout", "2s"]]);
    assert!(begun.elapsed() < Duration::from_secs(10), "took {:?}", begun.elapsed());
    read.extend(runs(&machine, [&["wallet", "stalwart", "-n", "1"]]));
    compare("logs_journal_hangs", &read);
    assert_eq!(machine.left_behind(), Vec::<String>::new());
    assert!(read.iter().all(|run| run.stdout.contains("before")), "what was read before it hung is lost");
}

#[test]
fn a3_a_docker_that_hangs_is_given_up() {
    let machine = mail();
    machine.hang("docker-ps");
    let listing = runs(&machine, [&["stalwart", "--timeout", "9s"]]);
    machine.answer("docker-ps", &listed("666b", "stalwart", "running"));
    machine.answer_and("docker-logs", "2026-11-22T03:08:00.000000001Z before\n", "hang");
    compare("logs_docker_hangs", &[listing, runs(&machine, [&["stalwart"]])].concat());
}

#[test]
fn l7_only_regular_files_are_opened() {
    let machine = silent();
    machine.dir("/var/log");
    let backup = machine.path("/var/log/prim-backup.log");
    let mut read = runs(&machine, [&["--source", "prim-backup.log"]]);
    assert!(Command::new("mkfifo").arg(&backup).status().unwrap().success());
    read.extend(runs(&machine, [&["--source", "prim-backup.log"], &["--source", "prim-backup.log", "-f"]]));
    fs::remove_file(&backup).unwrap();
    fs::create_dir(&backup).unwrap();
    read.extend(runs(&machine, [&["--source", "prim-backup.log"]]));
    fs::remove_dir(&backup).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &backup).unwrap();
    read.extend(runs(&machine, [&["--source", "prim-backup.log"]]));
    compare("logs_odd_files", &read);
}

#[test]
fn b14_a_file_that_may_not_be_read_is_not_empty() {
    let machine = silent();
    machine.file("/var/log/prim-backup.log", "secret\n");
    let mut command = machine.command(["logs", "--source", "prim-backup.log"]);
    if is_root() {
        // As somebody else. Where not even the program may be read by others, there is nothing to see.
        command.uid(65_534).gid(65_534);
    } else {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(machine.path("/var/log/prim-backup.log"), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let Ok(output) = command.output() else { return };
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap()),
        (Some(4), String::new(), "opsctl: file:/var/log/prim-backup.log: needs root to read it\n".to_owned())
    );
}
