//! `logs`, transcribed: what services wrote, wherever they wrote it.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::{Machine, Run, is_root, sample};
use crate::streams::{closed_pipe, full, into};
use crate::transcript::compare;
use crate::{plugspace, prim};

/// An entry of the journal of 22 November. `by` is `TIME UNIT RUN PID PRIORITY`; PID 1 is systemd, which speaks of the unit.
fn said(machine: &Machine, by: &str, message: &(impl AsRef<[u8]> + ?Sized)) {
    let [time, unit, run, pid, priority] = by.split(' ').collect::<Vec<_>>()[..] else { panic!("{by}") };
    let invocation = if pid == "1" { "INVOCATION_ID" } else { "_SYSTEMD_INVOCATION_ID" };
    let fields = [("PRIORITY", priority), (invocation, run), ("_PID", pid)].map(|(name, text)| (name, text.as_bytes()));
    let fields = [&fields[..], &[("MESSAGE", message.as_ref())]].concat();
    machine.journal(&format!("2026-11-22T{time}Z"), &format!("{unit}.service"), &fields);
}

/// A prim host without a log.
fn silent() -> Machine {
    let machine = Machine::new();
    machine.dir("/opt/prim/packages");
    machine
}

/// A prim host on which the wallet was started, failed and was started again, the store beside it.
fn busy() -> Machine {
    let machine = silent();
    for line in BUSY.trim().lines() {
        let (at, _) = line.match_indices(' ').nth(4).unwrap();
        said(&machine, &line[..at], &line[at + 1..]);
    }
    machine
}

const BUSY: &str = r#"
02:59:00 prim-store 0f 83 6 closing
03:10:00 prim-store c3 1 6 Started prim-store.service - prim store.
03:10:01 prim-store c3 84 6 {"level":"info","msg":"listening","port":3002}
05:10:00 prim-wallet a1 1 6 Started prim-wallet.service - prim wallet.
05:10:00.500 prim-wallet a1 90 6 {"level":"info","msg":"listening","port":3001}
05:12:07.123456 prim-wallet a1 90 6 {"level":"info","msg":"payment settled","traceId":"t-41","ms":18}
05:12:07.123457 prim-store c3 84 6 {"level":"info","msg":"PUT /v1/buckets","traceId":"t-41","status":200}
05:19:59.900 prim-store c3 84 6 {"level":"error","msg":"database is locked","traceId":"t-77"}
05:20:00 prim-wallet a1 90 6 {"level":"error","msg":"payment failed","traceId":"t-77","err":{"stack":"Error: store answered 500\n    at pay (pay.ts:41)"}}
05:20:00.100 prim-wallet a1 90 6 panic: unreachable state
05:20:00.200 prim-wallet a1 1 5 prim-wallet.service: Main process exited, code=exited, status=1/FAILURE
05:20:00.300 prim-wallet a1 1 4 prim-wallet.service: Failed with result 'exit-code'.
05:20:05 prim-wallet b2 1 6 Started prim-wallet.service - prim wallet.
05:20:05.400 prim-wallet b2 91 6 {"level":"info","msg":"listening","port":3001}
05:25:00 prim-wallet b2 91 6 {"level":"warn","msg":"slow query","ms":1204}
05:29:00 prim-store c3 84 6 a line that is not JSON
"#;

fn runs<const N: usize>(machine: &Machine, lines: [&[&str]; N]) -> Vec<Run> {
    lines.iter().map(|line| machine.run(std::iter::once(&"logs").chain(*line))).collect()
}

#[test]
fn units() {
    let machine = busy();
    let lines: [&[&str]; 10] = [
        &["wallet"],
        &["wallet", "store"],
        &["wallet", "store", "-n", "3", "-o", "json"],
        &["wallet", "store", "-n", "2", "-o", "wide"],
        &["wallet", "-n", "2", "--timestamps"],
        &["wallet", "-n", "1", "--prefix"],
        &["wallet", "store", "-n", "1", "--prefix=false"],
        &["wallet", "-n", "0"],
        &["wallet", "caddy", "-o", "name"],
        &["search"],
    ];
    compare("logs_units", &runs(&machine, lines));
}

#[test]
fn a_hundred_lines_of_each_service_unless_more_are_asked_for() {
    let machine = silent();
    for line in 0..120 {
        let by = format!("05:{:02}:{:02} prim-wallet 0f 90 6", line / 60, line % 60);
        said(&machine, &by, &format!("line {line}"));
    }
    let count = |args: &[&str]| machine.run(["logs", "wallet"].iter().chain(args)).stdout.lines().count();
    let counts =
        [&[] as &[&str], &["-n", "all"], &["-n", "110"], &["--since", "1h"], &["--since=1h", "-n5"]].map(count);
    assert_eq!(counts, [100, 120, 110, 120, 5]);
}

#[test]
fn filters_apply_to_every_form_and_the_last_lines_are_those_that_match() {
    let machine = busy();
    let lines: [&[&str]; 8] = [
        // Which lines are the last two is looked for first; they are read second, from where they begin.
        &["wallet", "-g", "listening|slow", "-n", "2"],
        &["wallet", "store", "-e"],
        &["wallet", "store", "-e", "-o", "json"],
        &["wallet", "store", "--level", "warn", "--since", "1h", "--timestamps"],
        &["wallet", "store", "-g", "t-77", "--prefix=false"],
        &["wallet", "-g", "(?i)PANIC"],
        &["wallet", "-g", "nothing of the kind"],
        &["wallet", "-g", "nothing of the kind", "-q"],
    ];
    compare("logs_filters", &runs(&machine, lines));
}

#[test]
fn colour_is_for_those_who_ask_and_carries_no_meaning() {
    let machine = busy();
    let lines: [&[&str]; 2] = [&["wallet", "store"], &["wallet", "store", "--color", "always"]];
    let [plain, colored] = &runs(&machine, lines)[..] else { unreachable!() };
    let escapes = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    assert_eq!((escapes.is_match(&plain.stdout), escapes.is_match(&colored.stdout)), (false, true));
    assert_eq!(escapes.replace_all(&colored.stdout, ""), plain.stdout);
}

#[test]
fn times_boots_and_runs() {
    let machine = busy();
    let lines: [&[&str]; 10] = [
        // One question for all units.
        &["wallet", "store", "--since", "10m"],
        &["wallet", "--since", "2026-11-22T05:20:00Z", "--until", "2026-11-22 05:20:01", "--timestamps"],
        &["wallet", "store", "--since", "today", "-n", "1"],
        &["store", "-b"],
        &["store", "-b=-1"],
        &["store", "-b=-2"],
        &["wallet", "-p"],
        &["wallet", "-p", "-n", "2", "-e"],
        &["store", "-p", "--since", "2h"],
        &["wallet", "--since", "1s"],
    ];
    compare("logs_times", &runs(&machine, lines));
}

#[test]
fn b13_entries_without_message_with_bytes_and_with_two() {
    let machine = silent();
    let entries: [&[(&str, &[u8])]; 6] = [
        &[("PRIORITY", b"6")],
        &[("PRIORITY", b"6"), ("MESSAGE", b"")],
        &[("MESSAGE", b"no priority")],
        &[("MESSAGE", b"bytes \xff\xfe\0 and \xe2\x82\xac"), ("PRIORITY", b"3")],
        &[("MESSAGE", b"one"), ("MESSAGE", b"two"), ("PRIORITY", b"9")],
        &[("MESSAGE", b"two lines\nof text\n"), ("PRIORITY", b"4")],
    ];
    for (second, entry) in entries.iter().enumerate() {
        machine.journal(&format!("2026-11-22T05:00:0{second}Z"), "prim-wallet.service", entry);
    }
    compare("logs_odd_entries", &runs(&machine, [&["wallet"], &["wallet", "-o", "json"], &["wallet", "-e"]]));
}

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

/// Lines of a cron job, the days of its rotated files, and an access log.
fn files(machine: &Machine) {
    machine.link("gzip");
    machine.file("/var/log/prim-health.log", "all services answer\nwallet does not answer\nall services answer");
    let backup = "/var/log/prim-backup.log";
    for (file, day) in [(".2.gz", 19), (".1", 20), ("", 21)] {
        let lines = format!(
            "[2026-11-{day}T03:00:01Z] backup begins\nwallet.db: 12 pages\r\n[2026-11-{day}T03:00:09Z] ERROR: store.db is locked\n"
        );
        let plain = format!("{backup}{}", file.trim_end_matches(".gz"));
        machine.old_file(&plain, &format!("2026-11-{day}T03:00:10Z"), &lines);
        if file == ".2.gz" {
            assert!(Command::new("gzip").arg(machine.path(&plain)).status().unwrap().success());
        }
    }
    let request = |time: &str, level: &str, status: u16, uri: &str| {
        format!(
            r#"{{"level":"{level}","ts":{time},"logger":"http.log.access.log0","msg":"handled request","request":{{"remote_ip":"203.0.113.9","method":"GET","host":"wallet.prim.sh","uri":"{uri}"}},"duration":0.004,"size":12,"status":{status}}}
"#
        )
    };
    let lines =
        [request("1795325000.5", "info", 200, "/v1/wallets"), request("1795325001.25", "error", 502, "/v1/pay")];
    machine.file("/var/log/caddy/wallet-access.log", &lines.concat());
    let refused =
        r#"{"level":"error","ts":1795325000.6,"logger":"http.log.error","msg":"dial tcp 127.0.0.1:3001: refused"}"#;
    said(machine, "05:23:20.600 caddy 0f 71 6", refused);
}

#[test]
fn files_with_and_without_times() {
    let machine = silent();
    files(&machine);
    let lines: [&[&str]; 8] = [
        &["--source", "prim-backup.log"],
        &["--source", "prim-backup.log", "-o", "json", "-n", "2"],
        &["--source", "prim-health.log", "--timestamps"],
        &["--source", "prim-health.log", "-o", "json", "-n", "1"],
        // Lines without a time belong to the one before them.
        &["--source", "prim-backup.log", "--since", "2026-11-21T03:00:01Z", "--until", "2026-11-21T03:00:08Z"],
        &["caddy"],
        &["caddy", "-e"],
        &["caddy", "--source", "wallet-access", "-o", "json", "-n", "1"],
    ];
    compare("logs_files", &runs(&machine, lines));
}

#[test]
fn b15_what_a_file_was_before_it_was_rotated_is_read_where_it_is_wanted() {
    let machine = silent();
    files(&machine);
    let lines: [&[&str]; 5] = [
        &["--source", "prim-backup.log", "-n", "4"],
        &["--source", "prim-backup.log", "--since", "2026-11-19", "--timestamps"],
        &["--source", "prim-backup.log", "--since", "2026-11-20"],
        &["--source", "prim-backup.log", "-n", "all", "-e"],
        &["--source", "prim-backup.log", "-n", "3", "-e", "--timestamps"],
    ];
    let mut read = runs(&machine, lines);
    // What cannot be unpacked is told, and hides nothing of what can be read.
    let all = || machine.run(["logs", "--source", "prim-backup.log", "-n", "all"]);
    machine.old_file("/var/log/prim-backup.log.2.gz", "2026-11-19T03:00:10Z", "not packed at all");
    read.push(all());
    machine.uninstall("gzip");
    read.push(all());
    compare("logs_rotated", &read);
    for run in &read[5..] {
        let told = run.code == 4 && run.stderr.contains("prim-backup.log");
        assert!(told && run.stdout.contains("[2026-11-21T"), "{}", run.everything());
    }
}

#[test]
fn pm2_applications_complain_in_a_file_of_their_own() {
    let machine = Machine::new();
    machine.dir("/home/plugspace/plugspace");
    plugspace::user(&machine, rustix::process::geteuid().as_raw());
    machine
        .file("/var/log/pm2/api-out.log", "2026-11-22T05:29:00: {\"level\":30,\"msg\":\"GET /v1/spaces\",\"ms\":3}\n");
    machine
        .file("/var/log/pm2/api-error.log", "2026-11-22T05:29:01: MongoServerSelectionError: connect ECONNREFUSED\n");
    let lines: [&[&str]; 4] = [
        &["plugspace-api"],
        &["plugspace-api", "-e"],
        &["plugspace-api", "--source", "error"],
        &["plugspace-api", "-p"],
    ];
    compare("logs_pm2", &runs(&machine, lines));
}

/// A row of `docker ps`.
fn listed(id: &str, name: &str, state: &str) -> String {
    format!(
        "{}\n",
        serde_json::json!({ "id": id, "name": name, "project": "email", "service": "stalwart", "swarm": "", "state": state, "status": "" })
    )
}

fn mail() -> Machine {
    let machine = silent();
    machine.answer("docker-ps", &listed("666b", "stalwart", "running"));
    machine.container("666b", &sample("prim/docker-inspect-stalwart.json"));
    machine.rows(
        "666b",
        "2026-11-22T03:08:00.000000001Z 2026-11-22T03:08:00Z INFO Shutting down\n\
         2026-11-22T03:09:12.123456789Z 2026-11-22T03:09:12Z INFO Listening on 25\n\
         2026-11-22T05:29:30.000000000Z 2026-11-22T05:29:30Z ERROR \u{1b}[31mstore\u{1b}[0m: disk I/O\r\n\
         2026-11-22T05:29:31.000000000Z \n",
    );
    machine
}

#[test]
fn containers() {
    let machine = mail();
    let lines: [&[&str]; 6] = [
        &["stalwart"],
        &["stalwart", "-o", "json", "-n", "2"],
        &["stalwart", "-e", "-n", "1"],
        &["stalwart", "--since", "1m", "--until", "2026-11-22T05:29:30Z"],
        // The same container before it was started last, which is all that there is of that run.
        &["stalwart", "-p"],
        &["stalwart", "email", "-n", "1"],
    ];
    let mut read = runs(&machine, lines);
    machine
        .answer("docker-ps", &[listed("777c", "stalwart", "running"), listed("666b", "stalwart", "exited")].concat());
    machine.rows("777c", "2026-11-22T05:29:59.000000000Z INFO Listening on 25\n");
    read.extend(runs(&machine, [&["stalwart"], &["stalwart", "-p", "-n", "1"]]));
    compare("logs_containers", &read);
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

/// A docker engine on the machine's socket, which answers by the path that it is asked for.
fn engine(machine: &Machine, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) {
    machine.process(500, "dockerd", &[]);
    let socket = UnixListener::bind(machine.path("/run/docker.sock")).unwrap();
    std::thread::spawn(move || {
        for mut client in socket.incoming().flatten() {
            let mut request = String::new();
            let mut reader = BufReader::new(client.try_clone().unwrap());
            while reader.read_line(&mut request).is_ok_and(|count| count > 2) {}
            // That the client has gone is the client's affair.
            let _ = client.write_all(&answer(request.split(' ').nth(1).unwrap_or_default()));
        }
    });
}

/// A piece of a container's log as the engine sends it: 1 is standard output, 2 standard error.
fn frame(stream: u8, row: &str) -> Vec<u8> {
    let size = u32::try_from(row.len()).unwrap().to_be_bytes();
    [&[stream, 0, 0, 0], &size[..], row.as_bytes()].concat()
}

#[test]
fn the_engine_itself_is_asked_where_it_can_be() {
    let machine = silent();
    let frames = [
        frame(1, "2026-11-22T05:29:28.000000000Z INFO out\n"),
        frame(2, "2026-11-22T05:29:29.000000000Z ERROR err\n"),
        // Docker cuts long lines; the pieces of two streams may lie between each other.
        frame(1, "2026-11-22T05:29:30.000000000Z INFO a long "),
        frame(2, "2026-11-22T05:29:30.000000001Z another\n"),
        frame(1, "2026-11-22T05:29:30.000000000Z line\n"),
    ]
    .concat();
    let list = r#"[{"Id":"666b","Names":["/stalwart"],"State":"running","Status":"Up","Labels":{}}]"#;
    let ok = |body: &[u8]| [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", body].concat();
    let cut = frames.len() - 8;
    engine(&machine, move |path| match path {
        "/containers/json?all=1" => ok(list.as_bytes()),
        path if path.contains("tail=2") => ok(&frames[..cut]),
        path if path.contains("tail=3") => ok(b"\x01\0\0\0\0\0\0\x02a\nrubbish that is no frame"),
        path if path.contains("tail=4") => {
            let body = r#"{"message":"configured logging driver does not support reading"}"#;
            format!("HTTP/1.1 501 Not Implemented\r\n\r\n{body}").into_bytes()
        }
        path if path.contains("tail=5") => b"rubbish\r\n\r\n".to_vec(),
        path if path.contains("/logs?") => ok(&frames),
        _ => b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec(),
    });
    let lines: [&[&str]; 6] = [
        &["stalwart", "--timestamps"],
        &["stalwart", "-n", "2"],
        &["stalwart", "-n", "3"],
        &["stalwart", "-n", "4"],
        &["stalwart", "-n", "5"],
        &["stalwart", "-p"],
    ];
    let read = runs(&machine, lines);
    assert!(read.iter().all(|run| run.ran.is_empty()), "the client is not asked");
    compare("logs_engine", &read);
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
        &["wallet", "-b", "-1"],
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

/// What services write to bend what is read: escapes, a clipboard, colours, bidi, line breaks with the prefix of another.
const HOSTILE: &[u8] = b"\x1b]52;c;aGk=\x07\x1b[2J\x1b[31mred\x1b[0m\xc2\x9b31m\xe2\x80\xaeevil\xe2\x80\x8b\xef\xbb\xbf\0\xff\xc0\rover\r\n\
    2026-11-22T05:00:00.000Z store  | forged\xe2\x80\xa8store | forged too\n\tend";

#[test]
fn a10_l2_l3_what_services_write_drives_no_terminal_and_forges_no_prefix() {
    let machine = mail();
    said(&machine, "05:00:00 prim-wallet 0f 90 6", HOSTILE);
    let text = String::from_utf8_lossy(HOSTILE);
    let json = serde_json::json!({ "msg": text, "\u{1b}[2J\nstore  | key": "\u{202e}\u{7}" });
    said(&machine, "05:00:01 prim-wallet 0f 90 6", &json.to_string());
    let row = HOSTILE.split(|byte| *byte == b'\n').collect::<Vec<_>>().concat();
    machine.rows("666b", &[b"2026-11-22T05:00:02.000000000Z ", &row[..], b"\n"].concat());
    machine.file("/var/log/caddy/wallet-access.log", &[b"2026-11-22T05:00:03Z ", HOSTILE, b"\n"].concat());
    let read = runs(
        &machine,
        [
            &["wallet", "stalwart", "caddy"],
            &["wallet", "stalwart", "caddy", "-o", "wide"],
            &["wallet", "stalwart", "caddy", "-o", "json"],
            &["wallet"],
        ],
    );
    for run in &read {
        // A tab is the one that log lines keep.
        let run = Run { stdout: run.stdout.replace('\t', " "), ..run.clone() };
        assert_eq!(run.hostile(), None, "{}", run.stdout);
    }
    // Every line has a head of its own, so that none can take another's.
    let heads = ["wallet", "stalwart", "caddy/"];
    for line in read[0].stdout.lines() {
        assert!(heads.iter().any(|head| line.starts_with(head)), "{line}");
    }
    assert_eq!(read[2].json_lines().len(), read[2].stdout.lines().count());
    compare("logs_hostile_text", &read);
}

#[test]
fn a9_a_line_of_a_mebibyte_is_cut_and_says_so() {
    let machine = mail();
    let long = "x".repeat(1 << 20);
    said(&machine, "05:00:00 prim-wallet 0f 90 6", &long);
    machine.rows("666b", &format!("2026-11-22T05:00:01.000000000Z {long}\n2026-11-22T05:00:02.000000000Z after\n"));
    machine.file("/var/log/prim-backup.log", &format!("{long}\nafter\n"));
    let limit = 64 << 10;
    for (args, lines) in [(&["wallet"] as &[&str], 1), (&["stalwart"], 2), (&["--source", "prim-backup.log"], 2)] {
        let run = machine.run(["logs"].iter().chain(args));
        assert_eq!((run.code, run.stderr.as_str(), run.stdout.lines().count()), (0, "", lines), "{args:?}");
        let first = run.stdout.lines().next().unwrap();
        assert!(first.ends_with("x… (cut)") && (limit - 100..limit + 100).contains(&first.len()), "{}", first.len());
        let documents = machine.run(["logs", "-o", "json"].iter().chain(args)).json_lines();
        let cut: Vec<bool> = documents.iter().map(|line| line["truncated"].as_bool().unwrap()).collect();
        assert_eq!(cut, [&[true] as &[bool], &[true, false]][lines - 1]);
        assert!(documents[0]["message"].as_str().unwrap().len() <= limit);
    }
}

#[test]
fn k4_lines_that_nobody_reads_or_that_find_no_room() {
    let machine = busy();
    for args in [
        &["logs", "wallet"] as &[&str],
        &["logs", "wallet", "store", "--since", "3h"],
        &["logs", "wallet", "-o", "json"],
    ] {
        assert_eq!(into(&machine, args, closed_pipe()), (Some(0), String::new()), "{args:?}");
        let words = "opsctl: No space left on device (os error 28)\n".to_owned();
        assert_eq!(into(&machine, args, full()), (Some(1), words), "{args:?}");
    }
    // Nor is anything left behind that was still to be read.
    machine.answer_and("journalctl", "", "hang");
    let begun = Instant::now();
    assert_eq!(into(&machine, &["logs", "wallet"], closed_pipe()), (Some(0), String::new()));
    assert!(begun.elapsed() < Duration::from_secs(5), "took {:?}", begun.elapsed());
}

/// Follows, lets `write` write what `next` hands over, and interrupts.
fn followed(machine: &Machine, args: &[&str], write: impl FnOnce(&mut dyn FnMut() -> String)) {
    let args = ["logs", "-f", "--timeout", "30s"].iter().chain(args);
    let mut child = machine.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    write(&mut || lines.next().unwrap().unwrap());
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(130), String::new()));
}

#[test]
fn a_followed_file_is_read_on_when_it_is_renamed_and_made_anew() {
    let machine = silent();
    let log = "/var/log/prim-backup.log";
    machine.file(log, "[2026-11-22T05:00:00Z] one\n");
    let append = |text: &[u8]| {
        fs::OpenOptions::new().append(true).open(machine.path(log)).unwrap().write_all(text).unwrap();
    };
    followed(&machine, &["--source", "prim-backup.log"], |next| {
        assert_eq!(next(), "[2026-11-22T05:00:00Z] one");
        append(b"[2026-11-22T05:01:00Z] tw");
        append(b"o\n");
        assert_eq!(next(), "[2026-11-22T05:01:00Z] two");
        append(b"without an end");
        fs::rename(machine.path(log), machine.path("/var/log/prim-backup.log.1")).unwrap();
        machine.file(log, "[2026-11-22T05:02:00Z] three\n");
        assert_eq!(next(), "without an end");
        assert_eq!(next(), "[2026-11-22T05:02:00Z] three");
    });
}

#[test]
fn followed_units_are_one_stream_from_the_last_lines_on() {
    let machine = busy();
    followed(&machine, &["wallet", "store", "-n", "1", "-g", "line|slow|again"], |next| {
        assert_eq!(next(), "wallet | warn slow query ms=1204");
        assert_eq!(next(), "store  | a line that is not JSON");
        said(&machine, "05:30:00.100 prim-wallet d4 92 6", "again");
        assert_eq!(next(), "wallet | again");
        said(&machine, "05:30:00.200 prim-store d4 92 6", "unwanted");
        said(&machine, "05:30:00.300 prim-store d4 92 6", "again");
        assert_eq!(next(), "store  | again");
    });
}

#[test]
fn what_a_failed_service_said_last_stands_beside_its_failure() {
    let machine = prim::two();
    machine.change_unit("prim-wallet.service", &prim::CRASH_LOOP);
    machine.stop(3001);
    let refused =
        r#"{"level":"error","msg":"key refused","token":"canary","err":{"stack":"Error: key refused\n    at x"}}"#;
    for (by, message) in [
        ("05:28:58 prim-wallet a1 90 6", r#"{"level":"info","msg":"listening"}"#),
        ("05:28:59 prim-wallet a1 90 6", refused),
        ("05:29:00 prim-wallet a1 90 3", "\u{1b}[2J\u{202e}PASS\nprim on vps1: all well"),
        (
            "05:29:01 prim-wallet a1 1 5",
            "prim-wallet.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED",
        ),
        ("05:29:02 prim-wallet a1 1 4", "prim-wallet.service: Failed with result 'exit-code'."),
    ] {
        said(&machine, by, message);
    }
    let mut read: Vec<Run> =
        ["text", "json"].iter().map(|form| machine.run(["status", "wallet", "store", "-o", form])).collect();
    assert!(read.iter().all(|run| run.hostile().is_none() && !run.everything().contains("canary")));
    // Nor does the roll-up wait for a journal that says nothing.
    machine.hang("journalctl");
    let begun = Instant::now();
    read.push(machine.run(["status", "wallet", "store"]));
    assert!(begun.elapsed() < Duration::from_secs(6), "took {:?}", begun.elapsed());
    let left = machine.left_behind();
    compare("status_prim_last_words", &read);
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn l4_secrets_are_in_no_line() {
    let machine = prim::two();
    prim::files(&machine);
    machine.change_unit("prim-wallet.service", &prim::CRASH_LOOP);
    machine.stop(3001);
    let secrets = [
        "key is canary-env-wallet here",
        "connect postgres://app:canary-url@127.0.0.1/db failed",
        "login password=canary-plain for app",
        "Authorization: Bearer canary-bearer",
        r#"{"level":"error","msg":"refused","password":"canary-json","headers":{"authorization":"Basic canary-basic","cookie":"sid=canary-cookie"}}"#,
        r#"{"level":"error","msg":"url https://x/?token=canary-query","PRIM_INTERNAL_KEY":"canary-env-wallet"}"#,
        // The value from the env file in base64.
        "Y2FuYXJ5LWVudi13YWxsZXQ=",
    ];
    for (second, secret) in secrets.iter().enumerate() {
        said(&machine, &format!("05:00:0{second} prim-wallet 0f 90 3"), secret);
    }
    machine.file("/var/log/prim-backup.log", &secrets.join("\n"));
    let mut everything = String::new();
    for form in ["text", "wide", "json"] {
        for args in [
            &["logs", "wallet", "-v"] as &[&str],
            &["logs", "wallet", "store", "--since", "1h"],
            &["logs", "wallet", "-e"],
            &["logs", "--source", "prim-backup"],
            &["status", "wallet"],
        ] {
            let args: Vec<OsString> = args.iter().chain(&["-o", form]).map(OsString::from).collect();
            everything.push_str(&machine.run(args).everything());
        }
    }
    assert!(everything.contains("refused") && everything.contains("says"), "{everything}");
    let found: Vec<&str> = everything.lines().filter(|l| l.contains("canary") || l.contains("Y2FuYXJ5")).collect();
    assert_eq!(found, Vec::<&str>::new());
    compare("logs_secrets", &runs(&machine, [&["wallet"]]));
}
