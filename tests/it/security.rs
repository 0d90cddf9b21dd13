//! The promises: what may never be passed on, run or shown.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

use crate::machine::{Machine, Ran, Run, is_root, needs_root, sample};
use crate::releases::checkout;
use crate::transcript::compare;
use crate::{plugspace, prim, servers};

/// Variables by which a caller could bend what the tools do.
const HOSTILE: [(&str, &str); 19] = [
    ("PATH", "/nonexistent/caller"),
    ("HOME", "/nonexistent/home"),
    ("LC_ALL", "de_DE.UTF-8"),
    ("LANG", "de_DE.UTF-8"),
    ("LD_LIBRARY_PATH", "/nonexistent/lib"),
    ("LD_BIND_NOW", "1"),
    ("IFS", "x"),
    ("ENV", "/nonexistent/profile"),
    ("BASH_ENV", "/nonexistent/profile"),
    ("DOCKER_HOST", "tcp://192.0.2.1:2375"),
    ("DOCKER_CONTEXT", "elsewhere"),
    ("COMPOSE_FILE", "/nonexistent/compose.yml"),
    ("PM2_HOME", "/nonexistent/pm2"),
    ("RCLONE_CONFIG", "/nonexistent/rclone.conf"),
    ("GIT_DIR", "/nonexistent/git"),
    ("SYSTEMD_PAGER", "/nonexistent/pager"),
    ("SYSTEMD_LOG_LEVEL", "debug"),
    ("http_proxy", "http://192.0.2.1:3128"),
    ("OPSCTL_SECRET", "canary-environment"),
];

fn names(ran: &Ran) -> Vec<&str> {
    let mut names: Vec<&str> = ran.environment.iter().map(|pair| pair.split_once('=').unwrap().0).collect();
    names.sort_unstable();
    names
}

/// The tool's environment is what opsctl makes, and nothing else.
fn assert_fixed(run: &Run) {
    const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for ran in &run.ran {
        let expected: &[&str] = match ran.argv.iter().any(|word| word.ends_with("pm2")) {
            true => &["HOME", "LC_ALL", "PATH", "PM2_HOME", "PM2_SILENT"],
            false => &["HOME", "LC_ALL", "PATH"],
        };
        assert_eq!(names(ran), expected, "{:?}", ran.argv);
        assert!(ran.environment.iter().any(|pair| pair == PATH), "{:?}", ran.environment);
        assert!(ran.environment.iter().any(|pair| pair == "LC_ALL=C.UTF-8"), "{:?}", ran.environment);
        // A daemon of another user is asked with a home that nobody can make, which is not the caller's.
        let callers = |pair: &String| pair.contains("nonexistent") && pair != "HOME=/nonexistent";
        assert!(!ran.environment.iter().any(callers), "{:?}", ran.environment);
    }
}

#[test]
fn l5_no_tool_sees_the_callers_environment() {
    let machine = prim::two();
    prim::files(&machine);
    plugspace::user(&machine, rustix::process::geteuid().as_raw());
    plugspace::daemon(&machine);
    machine.answer("pm2-jlist", &sample("plugspace/pm2-jlist.json"));
    machine.answer("docker-ps", "");
    machine.answer_with("nginx", "", "", 0);
    machine.answer("journalctl", "");
    machine.file("/proc/vmstat", "oom_kill 1\n");
    let lines: [&[&str]; 4] = [
        &["status", "-d", "prim"],
        &["verify", "-d", "prim"],
        &["status", "-d", "plugspace"],
        &["verify", "-d", "plugspace"],
    ];
    let mut tools: Vec<String> = Vec::new();
    for line in lines {
        let bent = machine.run_with(line, &HOSTILE);
        assert_fixed(&bent);
        // And what comes out is the same as without all that.
        let plain = machine.run(line);
        assert_eq!(
            (&bent.stdout, &bent.stderr, bent.code, &bent.ran),
            (&plain.stdout, &plain.stderr, plain.code, &plain.ran)
        );
        tools.extend(bent.ran.iter().map(|ran| ran.tool().to_owned()));
    }
    tools.sort();
    tools.dedup();
    let mut expected = vec!["caddy", "docker", "journalctl", "pm2", "systemctl", "systemd-analyze", "timedatectl"];
    if is_root() {
        expected.push("nginx");
    }
    expected.sort_unstable();
    assert_eq!(tools, expected, "every wrapped tool was looked at");
}

#[test]
#[ignore = "needs root"]
fn d2_d6_pm2_runs_as_its_owner_with_an_environment_of_its_own() {
    needs_root();
    let machine = Machine::new();
    plugspace::user(&machine, 54_321);
    plugspace::daemon(&machine);
    machine.link("setpriv");
    machine.answer("pm2-jlist", &sample("plugspace/pm2-jlist.json"));
    let run = machine.run_with(["-d", "plugspace", "status", "plugspace-worker"], &HOSTILE);
    assert_fixed(&run);
    let setpriv = run.ran.iter().find(|ran| ran.tool() == "setpriv").unwrap();
    assert!(setpriv.environment.contains(&"HOME=/nonexistent".to_owned()), "{:?}", setpriv.environment);
    assert!(setpriv.environment.contains(&"PM2_HOME=/home/plugspace/.pm2".to_owned()), "{:?}", setpriv.environment);
    compare("status_plugspace_as_root", &[run]);
}

#[test]
#[ignore = "needs root"]
fn l6_tools_that_others_could_swap_are_not_run_as_root() {
    needs_root();
    let machine = prim::two();
    fs::set_permissions(machine.tools(), fs::Permissions::from_mode(0o777)).unwrap();
    let run = machine.run(["status", "wallet"]);
    assert_eq!(run.ran, []);
    compare("status_untrusted_tools", &[run]);
}

#[test]
fn a1_tools_that_are_no_programs_are_missing() {
    let machine = prim::two();
    machine.uninstall("systemctl");
    fs::write(machine.tools().join("systemctl"), "not executable").unwrap();
    let unusable = machine.run(["status", "wallet"]);
    // Executable, but nothing that the kernel could run.
    fs::write(machine.tools().join("systemctl"), [0x7f, b'E', b'L', b'F', 0]).unwrap();
    fs::set_permissions(machine.tools().join("systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
    compare("status_unusable_tools", &[unusable, machine.run(["status", "wallet"])]);
}

/// All that any command says of this machine, in every form.
fn everything(machine: &Machine, deployment: &str) -> String {
    let mut all = String::new();
    for verb in ["status", "verify"] {
        for form in ["text", "wide", "json", "name"] {
            all.push_str(&machine.run(["-d", deployment, verb, "-v", "-o", form]).everything());
        }
    }
    all
}

fn assert_no_canary(all: &str) {
    let found: Vec<&str> = all.lines().filter(|line| line.contains("canary")).collect();
    assert_eq!(found, Vec::<&str>::new());
}

#[test]
#[ignore = "needs root"]
fn l4_secrets_of_prim_are_never_shown() {
    needs_root();
    let machine = prim::healthy();
    prim::processes(&machine);
    prim::files(&machine);
    // More than was asked for: environments, labels and arguments that hold secrets.
    machine.unit(
        "prim-wallet.service",
        &sample("prim/systemctl-show.txt").split("\n\n").next().unwrap().replace(
            "Id=",
            "Environment=KEY=canary-unit-environment\nExecStart={ argv[]=/bin/x --key=canary-unit-argv }\nId=",
        ),
    );
    let stalwart = sample("prim/docker-inspect-stalwart.json");
    machine.container(
        "stalwart",
        &stalwart.replacen(
            '{',
            r#"{"env":["KEY=canary-container-environment"],"labels":{"key":"canary-container-label"},"#,
            1,
        ),
    );
    let compose = sample("prim/docker-compose-config.json");
    let with_secret = compose.replace("\"hostname\"", "\"environment\":{\"KEY\":\"canary-compose\"},\"hostname\"");
    assert_ne!(compose, with_secret);
    machine.answer("docker-compose", &with_secret);
    assert_no_canary(&everything(&machine, "prim"));
    // Nor where the answers are cut in the middle of a secret.
    let cut = |text: &str| text[..text.find("canary").unwrap() + 10].to_owned();
    machine.answer("docker-compose", &cut(&with_secret));
    machine.file("/etc/prim/wallet.env", "PORT=3001\nPRIM_INTERNAL_KEY=canary-without-line-end");
    machine.file("/etc/prim/store.env", "export R2_SECRET_ACCESS_KEY='canary-quoted\nR2_ACCESS_KEY_ID=\"canary\"\r\n");
    assert_no_canary(&everything(&machine, "prim"));
}

#[test]
#[ignore = "needs root"]
fn l4_secrets_of_plugspace_are_never_shown() {
    needs_root();
    let machine = plugspace::healthy();
    machine.file(
        "/home/plugspace/plugspace/.env",
        "DATABASE_URL=mongodb://app:canary-env@127.0.0.1/plugspace\nREDIS_URL=redis://:canary-env@127.0.0.1:6379\n",
    );
    machine.answer("nginx", "server { server_name plugspace.io; location / { proxy_pass http://127.0.0.1:3000; } }\n");
    machine.answer_with("systemd-analyze-verify", "", "", 0);
    let secret = sample("plugspace/pm2-jlist.json").replace(
        "\"NODE_ENV\":\"production\"",
        r#""NODE_ENV":"production","DATABASE_URL":"mongodb://app:canary-pm2@127.0.0.1/plugspace""#,
    );
    for jlist in [
        secret.clone(),
        secret[..secret.find("canary").unwrap() + 10].to_owned(),
        secret[..secret.len() - 3].to_owned(),
        format!("[PM2][WARN] odd\n{}", &secret[..secret.len() - 3]),
    ] {
        machine.answer("pm2-jlist", &jlist);
        assert_no_canary(&everything(&machine, "plugspace"));
    }
    // A wrong password, and a Redis that repeats it.
    machine.file("/root/.plugspace/redis-credentials.txt", "REDIS_PASSWORD=canary-wrong-password\n");
    assert_no_canary(&everything(&machine, "plugspace"));
}

#[test]
fn l4_a_url_from_an_env_file_keeps_its_secrets() {
    let machine = Machine::new();
    machine.dir("/srv/fondation");
    machine.answer("docker-ps", "");
    machine.serve(3210, servers::always(404, ""));
    let address = machine.address();
    for url in [
        format!("http://{address}:3210"),
        format!("http://{address}:3210/?token=canary-query"),
        format!("http://{address}:3210/canary-path"),
        format!("http://user:canary-password@{address}:3210"),
        "ftp://canary-host/".to_owned(),
        "canary-not-even-a-url".to_owned(),
    ] {
        machine.file("/srv/fondation/.env", &format!("CONVEX_URL={url}\n"));
        for form in ["text", "wide", "json"] {
            let run = machine.run(["status", "convex", "-v", "-o", form]);
            let found: Vec<&str> =
                run.stdout.lines().chain(run.stderr.lines()).filter(|l| l.contains("canary")).collect();
            assert_eq!(found, Vec::<&str>::new(), "{url} as {form}");
        }
    }
}

#[test]
fn l2_l3_what_services_and_tools_say_drives_no_terminal() {
    let hostile = "\u{1b}]52;c;aGk=\u{7}\u{1b}[2J\u{9b}31m\u{202e}evil\u{200b}\r\nPASS    prim on vps1: all well";
    let machine = prim::quiet();
    machine.serve(3001, servers::always(200, &serde_json::json!({ "service": hostile, "status": "ok" }).to_string()));
    machine.answer_with("docker", "", hostile, 1);
    machine
        .change_unit("prim-store.service", &[("SubState", "\u{1b}[31mrunning\u{202e}"), ("ActiveState", "activating")]);
    for form in ["text", "wide", "json"] {
        let run = machine.run(["status", "wallet", "store", "stalwart", "-v", "-o", form]);
        assert_eq!(run.hostile(), None, "{form}");
        assert!(!run.everything().contains("\nPASS"), "{form}: {}", run.everything());
    }
    compare("status_hostile_text", &[machine.run(["status", "wallet", "store", "stalwart"])]);
}

#[test]
#[ignore = "needs root"]
fn l2_what_a_repository_says_drives_no_terminal() {
    let machine = checkout();
    let hostile = "\u{1b}]52;c;aGk=\u{7}\u{1b}[2J\u{9b}31m\u{202e}evil\u{200b}";
    let id = "1".repeat(40);
    let row = format!("1 .M N... 100644 100644 100644 {id} {id} {hostile}\n");
    machine.answer("git-config", &format!("filter.{hostile}.clean\nx\0credential.helper\n!{hostile}\0"));
    machine.answer("git-status", &format!("# branch.oid {id}\n# branch.head {hostile}\n{row}"));
    machine.answer("git-check-attr", &format!("{hostile}\0filter\0{hostile}\0"));
    machine.answer("git-log", &format!("{id}\0{hostile}\x002026-11-22T05:00:00Z\0{hostile}\n"));
    machine.answer_with("git-ls-remote", "", &format!("fatal: {hostile}\r\nPASS    all well\n"), 128);
    for form in ["text", "wide", "json"] {
        let run = machine.run(["redeploy", "wallet", "store", "-v", "-o", form]);
        assert_eq!(run.hostile(), None, "{form}: {}", run.everything());
        assert!(run.everything().contains("evil") && !run.everything().contains("\nPASS"), "{form}");
    }
    // What cannot be switched off is told in the same way.
    machine.answer("git-config", &format!("filter.{hostile}=.clean\nx\0"));
    let run = machine.run(["redeploy", "wallet", "store", "-v", "--dry-run"]);
    assert_eq!((run.hostile(), run.code), (None, 4), "{}", run.everything());
    assert!(run.everything().contains("names of filters that can be switched off"), "{}", run.everything());
}

/// The user of a checkout may put a link in its place; root is still shown that deployment, not a healthy localhost.
#[test]
#[ignore = "needs root"]
fn a_link_in_place_of_a_checkout_does_not_hide_its_deployment() {
    needs_root();
    let machine = Machine::new();
    machine.dir("/home/plugspace");
    machine.dir("/root/other");
    chown(machine.path("/home/plugspace"), Some(1000), Some(1000)).unwrap();
    for target in ["/root/other", "/nonexistent", "plugspace"] {
        let link = machine.path("/home/plugspace/plugspace");
        symlink(target, &link).unwrap();
        lchown(&link, Some(1000), Some(1000)).unwrap();
        let listed = |args: &[&str]| machine.run(["get", "services", "-o", "name"].iter().chain(args)).stdout;
        assert_eq!(listed(&[]), listed(&["-d", "plugspace"]), "{target}");
        fs::remove_file(link).unwrap();
    }
    assert_ne!(
        machine.run(["get", "services", "-o", "name"]).stdout,
        machine.run(["get", "services", "-d", "plugspace", "-o", "name"]).stdout
    );
}
