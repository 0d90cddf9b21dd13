//! A host that nobody means well with: thousands of units and sockets, hundreds of containers, servers that never answer or never
//! end, names that are none. `hostile.py` makes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::machine::Machine;

const SCRIPT: &str = "/usr/local/lib/hostile.py";
/// Where the output of a measured command is.
const OUTPUT: &str = "/run/hostile-out";
/// As much memory as a command may take, KiB.
const MEMORY: u64 = 64 << 10;
/// Longer takes only what hangs; how long it takes is printed, and judged by people.
const HANGS_SECONDS: f64 = 30.0;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What a command printed, and its exit code, within the bounds.
fn measured(machine: &Machine, words: &[&str]) -> (String, i64) {
    let ran = machine.run(&[&["python3", SCRIPT, "measure", "opsctl"], words].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{words:?}");
    let took = json(&ran.stdout);
    println!("hostile host: {words:?}: {}", ran.stdout.trim_end());
    // Of a build that is not optimized the code alone is half of that.
    let bound = if took["program_kib"].as_u64().unwrap() > 32 << 10 { 2 * MEMORY } else { MEMORY };
    assert!(took["kib"].as_u64().is_some_and(|kib| (1..=bound).contains(&kib)), "{words:?}: {took}");
    assert!(took["seconds"].as_f64().is_some_and(|seconds| seconds < HANGS_SECONDS), "{words:?}: {took}");
    assert_eq!(took["left"], serde_json::json!([]), "{words:?} left processes");
    (machine.sh(&format!("cat {OUTPUT}")), took["code"].as_i64().unwrap())
}

/// How often each server was connected to, by its name and port.
fn connections(machine: &Machine) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for line in machine.sh("cd /run/hostile && grep -H . * || true").lines() {
        let (role, rest) = line.split_once(':').unwrap();
        let port = rest.split(' ').next().unwrap();
        *counts.entry((role.to_owned(), port.to_owned())).or_default() += 1;
    }
    counts
}

/// How the engines' units are, which a connection to their sockets would start.
fn engines(machine: &Machine) -> String {
    let units = "docker.socket docker.service podman.socket podman.service";
    machine.sh(&format!("systemctl show --property=Id,ActiveState,NRestarts {units}"))
}

/// A found service of this name.
fn service<'d>(document: &'d Value, name: &str) -> &'d Value {
    let all = document["services"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name} is not found"))
}

/// What a discovery could not see.
fn unknown(document: &Value) -> Vec<String> {
    let line = |it: &Value| format!("{}: {}", it["what"].as_str().unwrap(), it["why"].as_str().unwrap());
    document["unknown"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn a_hostile_host_is_read_in_time_and_left_as_it_is() {
    let machine = Machine::boot_as("bare", "it-discover-hostile");
    machine.put(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/discover/hostile.py"), SCRIPT);
    machine.sh(&format!("python3 {SCRIPT} lay"));
    let before = engines(&machine);
    assert!(!before.contains("ActiveState=active"), "{before}");

    let odd = |what: &str, count: usize| format!("{what}: {count} have a name that no command takes");
    let odd = [odd("units", 1), odd("containers", 3), odd("applications of pm2", 8)];
    // While other hosts boot beside it, something can be late, which is reported too.
    let mut tries = (0..4).map(|_| {
        machine.sh("rm -f /run/hostile/*");
        let (text, code) = measured(&machine, &["discover", "-o", "json"]);
        (json(&text), code)
    });
    let (document, code) = tries.find(|(document, _)| unknown(document) == odd).expect("all but odd names is known");
    // One request a port, of which each group of sockets is one; none where a connection counts, or where nobody takes it.
    let counts = connections(&machine);
    assert!(counts.iter().all(|((role, _), count)| role == "engine" || *count == 1), "{counts:?}");
    let asked: BTreeSet<&str> = counts.keys().map(|(role, _)| role.as_str()).collect();
    assert_eq!(asked, BTreeSet::from(["crowd", "engine", "forking", "four", "group", "silent", "stream"]));
    assert_eq!(counts[&("engine".to_owned(), "0".to_owned())], 1, "{counts:?}");

    let names: BTreeSet<String> =
        document["services"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    let listed = |name: fn(usize) -> String, count: usize| (0..count).map(name);
    let mut wanted: BTreeSet<String> = listed(|number| format!("load-{number:04}"), 2000).collect();
    wanted.extend(listed(|number| format!("box-{number:03}"), 300));
    wanted.extend(listed(|number| format!("job-{number:02}"), 42));
    let others = "api cron crowd deaf engine forking four group login quo-x22te silent six srv-my-x2dshop ssh stream-body \
                  stream-head test-host-cgroups web-a-x0ab";
    wanted.extend(others.split_whitespace().map(str::to_owned));
    assert_eq!(names, wanted);
    // What has a name that no command takes is not found, so the answer is not the whole.
    assert_eq!((code, &document["exit_code"]), (4, &4.into()));
    let listens = |name: &str| service(&document, name)["listens"].as_array().unwrap().clone();
    assert_eq!(listens("crowd").len(), 5000);
    assert_eq!((listens("group"), listens("forking")), (vec!["0.0.0.0:7100".into()], vec!["0.0.0.0:7300".into()]));
    assert_eq!((listens("four"), listens("six")), (vec!["0.0.0.0:7200".into()], vec!["[::]:7200".into()]));
    assert_eq!(service(&document, "login")["protocol"], "ssh");
    assert_eq!(service(&document, "silent")["protocol"], Value::Null);
    assert_eq!(service(&document, "load-0000")["needs"][0]["name"], "group", "by the port in its drop-in");

    // For people a row stays a row.
    let (text, code) = measured(&machine, &["discover"]);
    assert!(code == 4 && text.len() < 2 << 20, "{} bytes", text.len());
    assert!(text.contains(":20000, :20001, ") && text.contains("4992 more"));
    assert!(!text.contains('\u{1b}'));

    let (text, code) = measured(&machine, &["discover", "-o", "rust"]);
    assert!(code == 4 && text.contains("// DECIDE: there may be more units: 1 have a name"), "{code}");
    let parsed = syn::parse_file(&text).unwrap();
    let statics = parsed.items.iter().filter(|item| matches!(item, syn::Item::Static(_))).count();
    assert_eq!(statics, names.len() + 3, "each service, a level, the list and the deployment");

    let (text, code) = measured(&machine, &["status", "-o", "json"]);
    let status = json(&text);
    // Units that are enabled are down. On a machine that does other things besides, systemd may not tell of thousands in time.
    assert!([3, 4].contains(&code) && status["exit_code"] == code, "{code}");
    for (name, is_asked) in [("crowd", true), ("group", true), ("four", true), ("six", false)] {
        let row = service(&status, name);
        let checks = row["checks"].as_array().unwrap();
        let is_of_port = |check: &&Value| check["source"].as_str().is_some_and(|source| source.contains(" :"));
        let asked: Vec<&Value> = checks.iter().filter(is_of_port).collect();
        assert!(asked.len() <= usize::from(is_asked), "{row:#}");
        assert!(asked.iter().all(|check| check["verdict"] == "pass") && row["verdict"] != "fail", "{row:#}");
    }
    assert_eq!(engines(&machine), before);
    let logged = machine.sh("journalctl --quiet --no-pager --unit=ssh.service --grep='[Cc]onnection' || true");
    assert_eq!(logged, "");
}
