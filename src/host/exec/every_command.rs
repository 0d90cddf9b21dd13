//! No command line that this program can build reaches its caller's terminal, or what its caller left open.

#![allow(clippy::disallowed_methods, reason = "starts itself below a terminal, and what must be caught")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use regex::Regex;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::host::tools::{
    Account, Hidden, Input, age, boot, caddy, checkers, compose, docker, docker_engine, docker_logs, git, images,
    journalctl, mariadb, mongodump, nginx, pm2, postgres, postgres_state, rclone, redis_check_rdb, redis_cli, sendmail,
    systemctl, systemd_analyze, timedatectl, timer, unit_output, unpack,
};

const ITSELF: &str = "host::exec::every_command::no_command_line_reaches_the_callers_terminal";
const BELOW: &str = "OPSCTL_TEST_BELOW_A_TERMINAL";
const LIMIT: Duration = Duration::from_secs(20);

/// Tries to reach the terminal, and reports what it was given.
const SPY: &str = r#"#!/bin/sh
set -- $(sed 's/.*) //' "/proc/$$/stat")
echo "pid=$$" "session=$4" "terminal=$5"
for way in '<' '>'; do
    error=$(eval "(: $way/dev/tty)" 2>&1) && echo "tty$way opened" || echo "tty$way $error"
done
ls -l "/proc/$$/fd"
"#;

/// Every public builder of `tools/`, with and without what it may be given.
fn builders() -> Vec<(&'static str, Argv)> {
    let app = Account { name: "nobody".into(), uid: 65_534, gid: 65_534, home: "/home/nobody".into() };
    let inside = postgres::Access::Container("c".to_owned());
    let by_socket = postgres::Access::Socket { owner: app.clone(), port: 5432 };
    let owner = Some(&app);
    let remote = |tells| rclone::Door {
        config: "/r".into(),
        place: "r:b/p".into(),
        secrets: vec![("RCLONE_CONFIG_R_SECRET", Hidden::new("s".into()))],
        tells,
    };
    let (paths, file) = (["a".to_owned()], Input::file(Path::new("/etc/passwd")));
    let bytes = || Input::bytes("SQL", "SELECT 1");
    let settings = git::parse_settings("filter.lfs.clean\ngit-lfs\0credential.helper\nstore\0").unwrap();
    let follow = docker_logs::Query { follow: true, last: Some(1), ..docker_logs::Query::default() };
    let units =
        journalctl::Query { units: vec!["a".into(), "b".into()], last: Some(1), ..journalctl::Query::default() };
    vec![
        ("age::decrypt", age::decrypt("/i", "/f", "/t")),
        ("age::encrypt", age::encrypt("/i", "/f", "/t")),
        ("boot::timers", boot::timers()),
        ("boot::wanted", boot::wanted(["a.service"])),
        ("checkers::sshd", checkers::sshd()),
        ("checkers::visudo", checkers::visudo()),
        ("caddy::adapt", caddy::adapt("/c")),
        ("caddy::validate", caddy::validate("/c")),
        ("compose::config", compose::config("/f")),
        (
            "compose::resolved",
            compose::resolved(&compose::Labels { files: vec!["/f".into()], ..compose::Labels::default() }),
        ),
        ("docker::act", docker::act("restart", "c")),
        ("docker_engine::events", docker_engine::events(jiff::Timestamp::UNIX_EPOCH)),
        ("docker::inspect", docker::inspect(["c"])),
        ("docker::logs_since", docker::logs_since("c", 60)),
        ("docker::ps", docker::ps()),
        ("docker_logs::logs", docker_logs::logs("c", follow)),
        ("docker_logs::logs", docker_logs::logs("c", docker_logs::Query::default())),
        ("git::content", git::content("/d", owner, "b")),
        ("git::describe", git::describe("/d", owner, "HEAD")),
        ("git::describe", git::describe("/d", None, "HEAD")),
        ("git::fetch", git::fetch("/d", owner, &settings, "main")),
        ("git::files", git::files("/d", owner, "HEAD", "db")),
        ("git::filters", git::filters("/d", owner, &paths)),
        ("git::forward", git::forward("/d", owner, &settings, "HEAD")),
        ("git::ls_remote", git::ls_remote("/d", owner, &settings, "main")),
        ("git::reset", git::reset("/d", owner, &settings, "HEAD")),
        ("git::resolve", git::resolve("/d", owner, "HEAD")),
        ("git::settings", git::settings("/d", owner)),
        ("git::status", git::status("/d", owner, &settings)),
        ("git::which_exist", git::which_exist("/d", owner, ["HEAD"])),
        ("images::apply", images::apply("c", "u", "d", bytes())),
        ("images::ask", images::ask("c", "u", "d", "SELECT 1")),
        ("images::list", images::list()),
        ("images::load", images::load("/f")),
        ("images::pull", images::pull("i")),
        ("images::question", images::question("c", "u", "d", bytes())),
        ("images::sizes", images::sizes()),
        ("images::tag", images::tag("i", "n")),
        ("images::up", images::up(owner, "/f", Some("/e"), "p", &["s"])),
        ("images::up", images::up(None, "/f", None, "p", &["s"])),
        ("images::usage", images::usage()),
        ("images::variables", images::variables("c", &["A"])),
        ("journalctl::boot_first", journalctl::boot_first(0)),
        ("journalctl::boot_last", journalctl::boot_last(0)),
        ("journalctl::disk_usage", journalctl::disk_usage()),
        ("journalctl::day_old", journalctl::day_old()),
        ("journalctl::entries", journalctl::entries(&units)),
        ("journalctl::first", journalctl::first(&units)),
        ("journalctl::histories_of", journalctl::histories_of(["u"])),
        ("journalctl::oom_kills", journalctl::oom_kills()),
        ("journalctl::oom_kills_of_all_boots", journalctl::oom_kills_of_all_boots()),
        ("journalctl::own_words", journalctl::own_words("u")),
        ("journalctl::restarted_lately", journalctl::restarted_lately()),
        ("journalctl::hangups", journalctl::hangups("u", jiff::Timestamp::UNIX_EPOCH)),
        ("journalctl::restarts", journalctl::restarts("u")),
        ("journalctl::said_by_root", journalctl::said_by_root("i", 1)),
        ("journalctl::suppressed", journalctl::suppressed(0)),
        ("mongodump::dump", mongodump::dump("/c", "d", "/a")),
        ("mongodump::restore", mongodump::restore("/c", "/a", "f", "t")),
        ("mongodump::shell", mongodump::shell(bytes())),
        ("nginx::dump", nginx::dump()),
        ("nginx::validate", nginx::validate()),
        ("nginx::validate_other", nginx::validate_other("/m")),
        ("pm2::act", pm2::act("restart", "a", app.clone(), "/p")),
        ("pm2::jlist", pm2::jlist(app.clone(), "/p")),
        ("mariadb::state", mariadb::state("mariadb")),
        ("postgres_state::of_container", postgres_state::of_container("c", "u", "d")),
        ("postgres_state::of_host", postgres_state::of_host(&app, "/run/postgresql", 5432)),
        ("postgres::contents", postgres::contents(&by_socket, "u", "d", file.clone())),
        ("postgres::dump", postgres::dump(&by_socket, "u", "d")),
        ("postgres::restore", postgres::restore(&inside, "u", "d", file)),
        ("postgres::sql", postgres::sql(&inside, "u", "d", bytes())),
        ("rclone::delete", rclone::delete(&remote(false), &paths)),
        ("rclone::fetch", rclone::fetch(&remote(true), &paths, "/d")),
        ("rclone::list", rclone::list(&remote(false))),
        ("rclone::upload", rclone::upload(&remote(true), "/d")),
        ("rclone::version", rclone::version()),
        ("redis_check_rdb::check", redis_check_rdb::check("/f")),
        ("redis_cli::info", redis_cli::info("c")),
        ("sendmail::send", sendmail::send("Subject: x\n\nx\n")),
        ("systemctl::act", systemctl::act("restart", "u")),
        ("systemctl::daemon_reload", systemctl::daemon_reload()),
        ("systemctl::instances", systemctl::instances(["u@*.service"])),
        ("systemctl::list", systemctl::list()),
        ("systemctl::looping_or", systemctl::looping_or(["u"])),
        ("systemctl::reboot", systemctl::reboot()),
        ("systemctl::reset_failed", systemctl::reset_failed("u")),
        ("systemctl::show", systemctl::show(["u"], true)),
        ("systemd_analyze::verify", systemd_analyze::verify(["u"])),
        ("timedatectl::show", timedatectl::show()),
        ("timer::disable", timer::disable("a.timer")),
        ("timer::enable", timer::enable("a.timer")),
        ("timer::show", timer::show(["a.timer"])),
        ("unit_output::show", unit_output::show(["u"])),
        ("unpack::unpack", unpack::unpack(unpack::Packing::Gzip, bytes())),
        ("unpack::unpack", unpack::unpack(unpack::Packing::Xz, bytes())),
        ("unpack::unpack", unpack::unpack(unpack::Packing::Zstd, bytes())),
        ("unpack::unpack", unpack::unpack(unpack::Packing::Bzip2, bytes())),
        ("unpack::unpack", unpack::unpack(unpack::Packing::Lz4, bytes())),
    ]
}

/// Sources below a directory, by path.
fn sources(dir: &str) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)];
    while let Some(dir) = open.pop() {
        for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.insert(path.clone(), fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn every_builder_is_covered() {
    let builder = Regex::new(r"pub(?:\([a-z]+\))? fn ([a-z0-9_]+)[^{;]*-> Argv\b").unwrap();
    let mut there = BTreeSet::new();
    for (path, text) in sources("src/host/tools") {
        let module = path.file_stem().unwrap().to_str().unwrap();
        there.extend(builder.captures_iter(&text).map(|found| format!("{module}::{}", &found[1])));
    }
    let covered: BTreeSet<String> = builders().iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, covered);
}

#[test]
fn no_command_line_is_a_shell_s_or_removes_what_cannot_be_made_again() {
    let shells = ["sh", "bash", "dash", "env", "eval", "xargs"];
    let removes = Regex::new(r"^(--volumes|volume|down|-v|rm|--rmi)$").unwrap();
    for (name, argv) in builders() {
        assert!(!shells.contains(&argv.program), "{name}");
        let docker = argv.program == "docker";
        assert!(!docker || !argv.args.iter().any(|word| removes.is_match(word)), "{name}: {argv}");
        assert!(!docker || !argv.args.starts_with(&["system".to_owned(), "prune".to_owned()]), "{name}: {argv}");
    }
    // And those that the registry states.
    let stated = Regex::new(r#""docker",\s*"([a-z]+)",\s*"(prune|rm|down)""#).unwrap();
    let texts: Vec<String> = sources("src").into_values().collect();
    let found: BTreeSet<&str> =
        texts.iter().flat_map(|text| stated.captures_iter(text)).map(|found| found.get(1).unwrap().as_str()).collect();
    assert_eq!(found, BTreeSet::from(["builder", "image"]));
}

#[test]
fn there_is_one_door_to_programs_and_one_to_files() {
    let opened = Regex::new(r"(?:expect|allow)\(clippy::disallowed_methods").unwrap();
    let doors: BTreeSet<PathBuf> =
        sources("src").into_iter().filter(|(_, text)| opened.is_match(text)).map(|(path, _)| path).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let listed = [
        "host/exec.rs",
        "host/exec/every_command.rs",
        "host/exec/session.rs",
        "host/files/accounts.rs",
        "host/files/deadline.rs",
        "host/files/private.rs",
        "host/files/program.rs",
        "host/files/walk.rs",
        "lib.rs",
        "host/net.rs",
        "host/threads.rs",
    ];
    assert_eq!(doors, listed.map(|path| root.join(path)).into());
}

/// Programs that are named outside of `tools/`, in the registry and beside it.
fn other_programs() -> Vec<&'static str> {
    let named = Regex::new(r#"(?:Argv::new|Question::new|\.program)\(\s*"([a-z0-9-]+)""#).unwrap();
    let texts: Vec<String> = sources("src").into_values().collect();
    let found: BTreeSet<String> =
        texts.iter().flat_map(|text| named.captures_iter(text)).map(|found| found[1].to_owned()).collect();
    assert!(found.contains("pnpm") && found.contains("ps"), "{found:?}");
    found.into_iter().map(|name| &*name.leak()).collect()
}

#[test]
fn no_command_line_reaches_the_callers_terminal() {
    if env::var_os(BELOW).is_some() {
        return below_a_terminal();
    }
    let terminal = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&terminal).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let name = rustix::pty::ptsname(&terminal, Vec::new()).unwrap();
    let slave: OwnedFd =
        rustix::fs::open(name, rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY, rustix::fs::Mode::empty())
            .unwrap();
    let child = Command::new("setsid")
        .args(["--ctty", "--wait", "sh", "-c", "exec 7</etc/passwd 9>&1; exec \"$@\"", "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", ITSELF, "--nocapture"])
        .env(BELOW, "1")
        .stdin(slave)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    assert!(said.contains("command lines were tried"), "it did not run: {said}");
}

/// What a spy must report: a session of its own without a terminal, nothing on stdin but what was given, three streams.
fn problems(report: &str, input: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            problems.push(what.to_owned());
        }
    };
    let first: Vec<&str> = report.lines().next().unwrap_or_default().split(' ').collect();
    let value = |key: &str| first.iter().find_map(|word| word.strip_prefix(key)).unwrap_or("none");
    expect(value("session=") == value("pid=") && value("pid=") != "none", "the session is not its own");
    expect(value("terminal=") == "0", "it has a controlling terminal");
    for way in ["tty<", "tty>"] {
        let said = report.lines().find(|line| line.starts_with(way)).unwrap_or_default();
        expect(said.contains("No such device or address"), &format!("opening the terminal is no ENXIO: {said}"));
    }
    let fds: Vec<(&str, &str)> = report
        .lines()
        .filter_map(|line| line.split_once(" -> "))
        .filter_map(|(about, to)| Some((about.rsplit(' ').next()?, to)))
        .collect();
    // The shell that runs the spy keeps it open.
    let left: Vec<_> = fds.iter().filter(|(fd, to)| !["0", "1", "2"].contains(fd) && !to.ends_with("/spy")).collect();
    expect(left.is_empty() && fds.len() >= 3, &format!("descriptors beside the three: {fds:?}"));
    let stdin = fds.iter().find(|(fd, _)| *fd == "0").map_or("", |(_, to)| to);
    let given = stdin.starts_with("/memfd:") || stdin == "/etc/passwd";
    expect(if input { given } else { stdin == "/dev/null" }, &format!("stdin is {stdin}"));
    problems
}

/// The other half of the test: this process has a controlling terminal, and descriptors 7 and 9 from its caller.
fn below_a_terminal() {
    fs::File::open("/dev/tty").expect("a controlling terminal");
    let root = rustix::process::geteuid().is_root();
    let base =
        if root { "/var/cache/opsctl-tests".into() } else { env::current_exe().unwrap().with_file_name("spies") };
    let dir = base.join(format!("machine-{}-spies", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let spy = dir.join("spy");
    fs::write(&spy, SPY).unwrap();
    fs::set_permissions(&spy, fs::Permissions::from_mode(0o755)).unwrap();

    // What is to be caught is caught: in a process group of its own alone, as children once were.
    let mut plain = Command::new(&spy);
    plain.stdin(Stdio::inherit());
    std::os::unix::process::CommandExt::process_group(&mut plain, 0);
    let caught = problems(&String::from_utf8(plain.output().unwrap().stdout).unwrap(), false).join("\n");
    for what in
        ["session", "controlling terminal", "tty< opened", "tty> opened", "(\"7\"", "(\"9\"", "stdin is /dev/pts/"]
    {
        assert!(caught.contains(what), "{what} was not seen: {caught}");
    }

    close_inherited();
    let others = other_programs().into_iter().map(|program| ("outside of tools/", Argv::new(program, ["x"])));
    let all: Vec<(&str, Argv)> = builders().into_iter().chain(others).collect();
    for program in all.iter().map(|(_, argv)| argv.program).collect::<BTreeSet<_>>() {
        symlink(&spy, dir.join(program)).unwrap();
    }
    let system = System { tool_path: vec![dir.clone(), "/usr/bin".into()], ..System::real() };
    let processes = Processes::new(&system, None);
    let nobody = Account { name: "nobody".into(), uid: 65_534, gid: 65_534, home: "/nonexistent".into() };
    let mut tried = 0;
    for (name, argv) in all {
        let as_another = argv.clone().by(Some(&nobody));
        let ways = if root { vec![argv, as_another] } else { vec![Argv { account: None, ..argv }] };
        for argv in ways {
            let input = argv.input.is_some();
            let output = processes.run(&argv, LIMIT).unwrap_or_else(|error| panic!("{name}: {error}"));
            let collected = String::from_utf8(output.stdout).unwrap();
            let mut streamed = String::new();
            processes.stream(&argv, Streams::Together, LIMIT).unwrap().read_to_string(&mut streamed).unwrap();
            for report in [collected, streamed] {
                assert_eq!(problems(&report, input), Vec::<String>::new(), "{name}: {argv}\n{report}");
                tried += 1;
            }
        }
    }
    fs::remove_dir_all(&dir).unwrap();
    tell(tried);
}

#[expect(clippy::print_stdout, reason = "tells the other half of the test that it ran")]
fn tell(tried: u32) {
    println!("{tried} command lines were tried");
}
