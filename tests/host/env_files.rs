//! Env files: what opsctl takes for set is what the process has in its environment. The files are made up (`corpus`); what systemd
//! and compose make of them is asked of these programs and recorded, and `src/envfile` is held against the record.

#[path = "../../src/envfile/tests/corpus.rs"]
mod corpus;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::machine::Machine;

/// Variables that no file sets.
const OWN: &[&str] = &[
    "PATH",
    "LANG",
    "LANGUAGE",
    "HOME",
    "HOSTNAME",
    "USER",
    "LOGNAME",
    "SHELL",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "SYSTEMD_EXEC_PID",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "APP_VERSION",
    "NODE_EXTRA_CA_CERTS",
    "NODE_PATH",
];

/// What a process has in its environment, or `None` where the file is refused.
type Environment = Option<BTreeMap<String, String>>;

fn environment(dump: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(dump).into_owned();
    let pairs = text.split_terminator('\0').filter_map(|pair| pair.split_once('='));
    let mut set: BTreeMap<String, String> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    set.retain(|key, _| !OWN.contains(&key.as_str()));
    set
}

/// Compares with what is recorded, which `SNAPSHOTS=overwrite` writes: a line a file.
fn recorded(name: &str, found: &[Environment]) {
    let mut text = String::new();
    for (number, environment) in found.iter().enumerate() {
        let comma = if number + 1 < found.len() { "," } else { "" };
        let _ = writeln!(text, "{}{comma}", serde_json::to_string(environment).unwrap());
    }
    let text = format!("[\n{text}]\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/envfile/tests/{name}.json"));
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        fs::write(&path, &text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap();
    for (number, (known, found)) in known.lines().zip(text.lines()).enumerate() {
        assert_eq!(found, known, "{name}, file {number}");
    }
    assert_eq!(text.lines().count(), known.lines().count());
}

/// Puts the files under /srv/env-files, named by their numbers.
fn put(root: &Path) -> Vec<Vec<u8>> {
    let files = corpus::files();
    let dir = root.join("srv/env-files");
    fs::create_dir_all(&dir).unwrap();
    for (number, content) in files.iter().enumerate() {
        fs::write(dir.join(format!("{number}.env")), content).unwrap();
    }
    let lines: usize = files.iter().map(|file| file.iter().filter(|byte| **byte == b'\n').count()).sum();
    assert!(lines >= 2000, "{lines}");
    files
}

/// What processes of units have.
fn of_units(machine: &Machine, count: usize) -> Vec<Environment> {
    machine.sh("mkdir -p /run/env-files
        cat >/run/systemd/system/env-file@.service <<'END'
[Service]
Type=oneshot
EnvironmentFile=/srv/env-files/%i.env
ExecStart=/usr/bin/cp /proc/self/environ /run/env-files/%i
END
        systemctl daemon-reload");
    let units: Vec<String> = (0..count).map(|number| format!("env-file@{number}")).collect();
    let mut start = vec!["systemctl", "start"];
    start.extend(units.iter().map(String::as_str));
    // Those whose file is refused fail.
    machine.run(&start);
    machine
        .sh("systemctl reset-failed 'env-file@*'; rm /run/systemd/system/env-file@.service; systemctl daemon-reload");
    let root = machine.root();
    (0..count)
        .map(|number| fs::read(root.join(format!("run/env-files/{number}"))).ok())
        .map(|dump| dump.as_deref().map(environment))
        .collect()
}

/// What compose gives to containers, as it says itself.
fn of_compose(machine: &Machine, count: usize) -> Vec<Environment> {
    machine.sh(&format!(
        "mkdir -p /srv/env-compose; cd /srv/env-compose
        cat >one <<'END'
printf 'services:\\n  s:\\n    image: fondation-worker:latest\\n    env_file: /srv/env-files/%s.env\\n' $1 >$1.yml
env -i PATH=\"$PATH\" docker compose -p env -f $1.yml config --format json >$1.json 2>$1.err || echo null >$1.json
END
        seq 0 {} | xargs -n 1 -P 4 sh one",
        count - 1
    ));
    let root = machine.root();
    let one = |number: usize| {
        let text = fs::read_to_string(root.join(format!("srv/env-compose/{number}.json"))).unwrap();
        let said: serde_json::Value = serde_json::from_str(&text).unwrap();
        let environment = said.get("services")?["s"]["environment"].as_object().cloned().unwrap_or_default();
        // A dollar is written as two, so that the answer may be read again.
        let value = |value: &serde_json::Value| value.as_str().map(|value| value.replace("$$", "$"));
        Some(environment.iter().filter_map(|(key, text)| Some((key.clone(), value(text)?))).collect())
    };
    (0..count).map(one).collect()
}

/// What docker's client gives to containers.
fn of_docker(machine: &Machine, count: usize) -> Vec<Environment> {
    machine.sh(&format!(
        "mkdir -p /srv/env-docker; cd /srv/env-docker
        for n in $(seq 0 {}); do
            if docker create --name env-$n --env-file /srv/env-files/$n.env test-host/usr:latest cat >/dev/null 2>$n.err
            then docker inspect -f '{{{{json .Config.Env}}}}' env-$n >$n.json; docker rm env-$n >/dev/null
            else echo null >$n.json
            fi
        done",
        count - 1
    ));
    let root = machine.root();
    let one = |number: usize| -> Environment {
        let text = fs::read_to_string(root.join(format!("srv/env-docker/{number}.json"))).unwrap();
        let said: Option<Vec<String>> = serde_json::from_str(&text).unwrap();
        Some(environment(said?.join("\0").as_bytes()))
    };
    (0..count).map(one).collect()
}

/// What a container has that reads all of these files.
fn in_a_container(machine: &Machine, numbers: &[usize]) -> BTreeMap<String, String> {
    let list: String = numbers.iter().map(|number| format!("      - /srv/env-files/{number}.env\n")).collect();
    machine.sh(&format!(
        "cat >/srv/env-compose/all.yml <<'END'
services:
  s:
    image: fondation-worker:latest
    entrypoint: [cat, /proc/self/environ]
    volumes: ['/usr:/usr:ro']
    env_file:
{list}END
        cd /srv/env-compose; env -i PATH=\"$PATH\" docker compose -p env -f all.yml run --rm -T s >/srv/env-compose/all"
    ));
    environment(&fs::read(machine.root().join("srv/env-compose/all")).unwrap())
}

#[test]
fn l13_env_files_are_what_processes_have() {
    let machine = Machine::boot_as("fondation", "it-env-files");
    let files = put(&machine.root());
    recorded("systemd", &of_units(&machine, files.len()));
    let compose = of_compose(&machine, files.len());
    recorded("compose", &compose);
    // What compose says is what a container gets.
    let long: Vec<usize> =
        (0..files.len()).filter(|number| files[*number].len() > 1000 && compose[*number].is_some()).collect();
    let mut said = BTreeMap::new();
    long.iter().filter_map(|number| compose[*number].clone()).for_each(|environment| said.extend(environment));
    assert!(said.len() > 1000, "{}", said.len());
    let has = in_a_container(&machine, &long);
    let differing: Vec<_> = has.keys().chain(said.keys()).filter(|key| has.get(*key) != said.get(*key)).collect();
    assert_eq!(differing, Vec::<&String>::new());
    recorded("docker", &of_docker(&machine, corpus::FIRST.len()));
}
