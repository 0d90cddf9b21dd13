//! Units, files, pm2 applications and containers.

use super::*;

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
    machine.uninstall("gzip");
    read.push(all());
    machine.old_file("/var/log/prim-backup.log.2.gz", "2026-11-19T03:00:10Z", "not packed at all");
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
