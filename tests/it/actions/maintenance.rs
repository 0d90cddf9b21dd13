//! `maintenance`, transcribed, for every deployment. Ring 3 asks a real nginx and stops real containers.

use super::*;
use crate::machine::needs_root;

const FILE: &str = "/etc/nginx/conf.d/00-opsctl-maintenance.conf";

/// A plugspace host whose edge shows the page when our file is in its place, as nginx does after a reload. Every change
/// needs root.
fn edge() -> Machine {
    needs_root();
    let machine = plugspace::healthy();
    machine.able(&["nginx.service"]);
    machine.stop(443);
    let file = machine.path(FILE);
    machine.serve(
        443,
        servers::https(&plugspace::HOSTS, move |host, path| match fs::read_to_string(&file) {
            Ok(_) if path == "/health" && host.ends_with("plugspace.io") => (200, String::new(), "OK\n".to_owned()),
            Ok(text) => {
                let page = text.split("return 503 '").nth(1).and_then(|rest| rest.split("';\n").next());
                (503, "Retry-After: 600\r\nX-Maintenance: on\r\n".to_owned(), page.unwrap_or_default().to_owned())
            }
            Err(_) => (200, String::new(), "<html>".to_owned()),
        }),
    );
    machine.file("/etc/nginx/nginx.conf", "");
    machine.dir("/etc/nginx/conf.d");
    machine.dir("/var/log");
    machine.dir("/var/lib");
    machine.answer("nginx--T", &sample("plugspace/nginx-T.txt"));
    machine.answer("nginx--t", "");
    machine.answer(&act("reload"), "");
    machine
}

/// The files of nginx on a machine, hidden ones too.
fn files(machine: &Machine) -> Vec<String> {
    let names = |dir: &str| {
        let entries = fs::read_dir(machine.path(dir)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.map(|name| format!("{dir}/{name}")).collect::<Vec<_>>()
    };
    let mut all = [names("/etc/nginx"), names("/etc/nginx/conf.d")].concat();
    all.sort();
    all
}

#[test]
#[ignore = "needs root"]
fn the_page_is_planned_shown_and_taken_away() {
    let machine = edge();
    let before = files(&machine);
    let quick = |words: &str| {
        let mut words: Vec<&str> = words.split(' ').collect();
        words.extend(["--settle", "100ms"]);
        machine.run(words)
    };
    let plans = [
        machine.run(["maintenance"]),
        machine.run(["maintenance", "off"]),
        machine.run(["maintenance", "on", "--dry-run", "-m", "Back at <6>."]),
        machine.run(["maintenance", "on"]),
    ];
    assert!(plans.iter().all(|run| changes(run).is_empty()));
    assert_eq!((traces(&machine), files(&machine)), ((false, false), before.clone()));
    compare("maintenance_page_planned", &plans.map(told));

    let runs = [
        quick("maintenance on -y -m Later"),
        machine.run(["maintenance", "status"]),
        machine.run(["maintenance", "status", "-o", "json"]),
        machine.run(["maintenance", "status", "-o", "name"]),
        machine.run(["status", "nginx"]),
        quick("maintenance on -y"),
        quick("maintenance on -y -m Tomorrow -o json -q"),
        quick("maintenance off --dry-run"),
        quick("maintenance off"),
        machine.run(["history"]),
    ];
    assert_eq!(files(&machine), before);
    compare("maintenance_page", &runs.map(told));
}

#[test]
#[ignore = "needs root"]
fn what_keeps_the_page_from_being_shown_is_said_and_nothing_is_changed() {
    let machine = edge();
    let before = files(&machine);
    let mut runs = Vec::new();
    let on = ["maintenance", "on", "-y"];
    let said = "nginx: [emerg] unknown directive \"nonsense\" in /etc/nginx/sites-enabled/plugspace:68\n\
                nginx: configuration file /etc/nginx/nginx.conf test failed\n";
    machine.answer_with("nginx--T", "", said, 1);
    runs.push(machine.run(on));
    let dump = sample("plugspace/nginx-T.txt");
    machine.answer("nginx--T", &dump.replace("include /etc/nginx/conf.d/*.conf;", ""));
    runs.push(machine.run(on));
    machine.answer("nginx--T", &dump.replace("conf.d/*.conf;", "sites-enabled/*;\ninclude /etc/nginx/conf.d/*.conf;"));
    runs.push(machine.run(on));
    machine.answer("nginx--T", &dump.replace("plugspace.io", "elsewhere.io"));
    runs.push(machine.run(on));
    machine.answer("nginx--T", &dump[..dump.len() - 10]);
    runs.push(machine.run(on));
    machine.answer("nginx--T", "");
    runs.push(machine.run(["maintenance", "on", "-y", "-o", "json"]));
    machine.hang("nginx--T");
    runs.push(machine.run(on));
    machine.uninstall("nginx");
    runs.push(machine.run(on));
    machine.answer("nginx--T", &dump);
    let stopped = [("ActiveState", "inactive"), ("SubState", "dead"), ("MainPID", "0")];
    machine.change_unit("nginx.service", &stopped);
    runs.push(machine.run(on));
    machine.stop(443);
    runs.push(machine.run(on));
    assert_eq!(files(&machine), before);
    machine.file(FILE, "server { listen 80; }\n");
    runs.push(machine.run(on));
    runs.push(machine.run(["maintenance"]));
    assert!(runs.iter().all(|run| changes(run).is_empty() && [4, 5].contains(&run.code)), "{runs:#?}");
    assert_eq!(traces(&machine), (false, false));
    compare("maintenance_page_refused", &runs.into_iter().map(told).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs root"]
fn what_fails_is_put_back() {
    let machine = edge();
    let before = files(&machine);
    let on = ["maintenance", "on", "-y", "--settle", "100ms"];
    let mut runs = Vec::new();
    machine.answer_with("nginx--t", "", "nginx: [emerg] no\n", 1);
    runs.push(machine.run(on));
    machine.answer("nginx--t", "");
    machine.answer_with(&act("reload"), "", "Job for nginx.service failed.\n", 1);
    runs.push(machine.run(on));
    assert_eq!(files(&machine), before);
    // Nobody could tell afterwards who it was.
    machine.answer(&act("reload"), "");
    machine.remove("/var/lib/opsctl");
    machine.file("/var/lib/opsctl", "");
    runs.push(machine.run(on));
    machine.remove("/var/lib/opsctl");
    assert_eq!(files(&machine), before);
    assert_eq!(machine.run(on).code, 0);
    let shown = files(&machine);
    machine.answer_with("nginx--t", "", "nginx: [emerg] no\n", 1);
    runs.push(machine.run(["maintenance", "off"]));
    assert_eq!(files(&machine), shown);
    runs.push(machine.run(["maintenance"]));
    compare("maintenance_page_put_back", &runs.into_iter().map(told).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs root"]
fn j8_what_was_begun_is_named_and_can_be_finished_or_undone() {
    let machine = edge();
    let text = r#"{"what":"maintenance on","who":"alice","since":"2026-11-22T05:29:00Z","pid":4242,"pid_started":77,"step":"nginx: reload nginx.service","by_hand":false}"#;
    machine.file("/run/opsctl/plugspace.lock", text);
    fs::set_permissions(machine.path("/run/opsctl"), fs::Permissions::from_mode(0o700)).unwrap();
    machine.stop(443);
    // In its place, and not read yet.
    machine.serve(443, servers::https(&plugspace::HOSTS, |_, _| (200, String::new(), String::new())));
    let page = "# Made by opsctl: x\nserver {\nlisten 443 ssl;\nserver_name plugspace.io studio.plugspace.io;\n}\n";
    machine.file(FILE, page);
    let mut runs = vec![
        machine.run(["maintenance", "status"]),
        machine.run(["status", "nginx"]),
        machine.run(["maintenance", "off", "--settle", "100ms"]),
        machine.run(["maintenance", "status", "-o", "name"]),
    ];
    // Taken away, and still shown.
    machine.stop(443);
    let still = || (503, "Retry-After: 600\r\nX-Maintenance: on\r\n".to_owned(), String::new());
    machine.serve(443, servers::https(&plugspace::HOSTS, move |_, _| still()));
    runs.push(machine.run(["maintenance", "status"]));
    runs.push(machine.run(["maintenance", "off", "--dry-run"]));
    compare("maintenance_page_unfinished", &runs.into_iter().map(told).collect::<Vec<_>>());
}

/// A container of ai-fsm, in this state.
fn container(service: &str, running: bool) -> String {
    let line = sample("prim/docker-inspect-stalwart.json")
        .replace(r#""name":"/stalwart""#, &format!(r#""name":"/ai-fsm-{service}""#))
        .replace(r#""project":"email","service":"stalwart""#, &format!(r#""project":"infra","service":"{service}""#));
    if running { line } else { line.replace(r#""status":"running""#, r#""status":"exited""#) }
}

#[test]
#[ignore = "needs root"]
fn services_are_stopped_and_started_again() {
    needs_root();
    let machine = Machine::new();
    machine.dir("/home/pi/ai-fsm");
    machine.dir("/var/log");
    machine.dir("/var/lib");
    for service in ["web", "worker"] {
        machine.container(&format!("ai-fsm-{service}"), &container(service, true));
    }
    machine.rows("ai-fsm-worker", "2026-11-22T05:29:50.000000000Z {\"msg\":\"automation poll\"}\n");
    machine.serve(3000, servers::always(200, r#"{"status":"ok","checks":{"db":"ok"}}"#));
    for (verb, running) in [("stop", false), ("start", true)] {
        let key = format!("docker-{verb}");
        machine.answer(&key, "");
        for service in ["web", "worker"] {
            machine.changes_container(&key, &format!("ai-fsm-{service}"), &container(service, running));
        }
    }
    let quick = |words: &str| {
        let mut words: Vec<&str> = words.split(' ').collect();
        words.extend(["--settle", "100ms"]);
        machine.run(words)
    };
    let plans = [
        machine.run(["maintenance"]),
        machine.run(["maintenance", "on", "--dry-run"]),
        machine.run(["maintenance", "on", "--dry-run", "-o", "json"]),
        machine.run(["maintenance", "on"]),
        machine.run(["maintenance", "off"]),
    ];
    assert!(plans.iter().all(|run| changes(run).is_empty()));
    assert_eq!((traces(&machine), machine.path("/var/lib/opsctl").exists()), ((false, false), false));
    compare("maintenance_stop_planned", &plans.map(told));
    let mut runs = vec![
        quick("maintenance on -y -m migration"),
        machine.run(["maintenance"]),
        machine.run(["status", "web"]),
        quick("maintenance on -y"),
    ];
    machine.container("ai-fsm-worker", &container("worker", true));
    runs.push(machine.run(["maintenance"]));
    machine.hang("docker-inspect");
    runs.push(machine.run(["maintenance"]));
    runs.push(machine.run(["maintenance", "off", "-y"]));
    machine.uninstall("docker");
    machine.link("docker");
    fs::remove_dir_all(machine.tools().join("../answers/docker-inspect")).unwrap();
    runs.push(quick("maintenance off -o json"));
    machine.container("ai-fsm-web", &container("web", false));
    runs.push(machine.run(["maintenance"]));
    runs.push(machine.run(["history", "-o", "wide"]));
    compare("maintenance_stop", &runs.into_iter().map(told).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs root"]
fn a_queue_says_what_is_at_stake() {
    needs_root();
    let machine = prim::two();
    machine.remove("/opt/prim");
    machine.dir("/srv/fondation");
    let wallet = sample("prim/systemctl-show.txt");
    let wallet = wallet.split("\n\n").find(|block| block.contains("Id=prim-wallet.service")).unwrap();
    machine.unit("fondation-worker.service", &wallet.replace("prim-wallet", "fondation-worker"));
    machine.able(&[]);
    let listed = r#"{"id":"666b","name":"/fondation-worker-1","state":"running","status":"Up 2 hours","project":"fondation","service":"worker","swarm":""}"#;
    machine.answer("docker-ps", &format!("{listed}\n"));
    let container = sample("prim/docker-inspect-stalwart.json")
        .replace(r#""project":"email","service":"stalwart""#, r#""project":"fondation","service":"worker""#);
    machine.container("666b", &container);
    machine.serve(8080, servers::http(|_| (200, r#"{"status":"healthy","activeJobs":2}"#.to_owned())));
    let runs = [machine.run(["maintenance", "on", "--dry-run"]), machine.run(["maintenance"])];
    assert_eq!(traces(&machine), (false, false));
    compare("maintenance_queue", &runs.map(told));
}

#[test]
fn a_runbook_without_maintenance_says_so() {
    let machine = prim::two();
    let mut runs = Vec::new();
    for deployment in ["prim", "v-edfinance", "localhost"] {
        for words in [&["status"] as &[&str], &["on", "-y"], &["off", "--dry-run"]] {
            runs.push(machine.run(["-d", deployment, "maintenance"].iter().chain(words)));
        }
    }
    runs.push(machine.run(["maintenance", "-o", "json"]));
    runs.push(machine.run(["maintenance", "on", "-o", "json"]));
    for message in ["", " ", "a\u{1b}[31mb", &"x".repeat(201)] {
        runs.push(machine.run(["-d", "plugspace", "maintenance", "on", "-m", message]));
    }
    runs.push(machine.run(["maintenance", "pause"]));
    assert!(runs.iter().all(|run| run.ran.is_empty()), "{runs:#?}");
    compare("maintenance_none", &runs);
}
