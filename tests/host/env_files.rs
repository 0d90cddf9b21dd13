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
    // A comment behind a value is none of it.
    machine.sh("sed -i '/^CONVEX_URL=/s/$/ # the queue/' /srv/fondation/.env");
    let status = machine.run(&["opsctl", "status", "convex"]);
    assert_eq!(status.code, 0, "{status:#?}");
}

/// The env file of prim's search with these lines in the place of that of `key`, while `ask` looks.
fn with_lines(machine: &Machine, key: &str, lines: &str, ask: impl FnOnce(&str)) {
    let file = "/etc/prim/search.env";
    let kept = machine.sh(&format!("cp -p {file} /root/kept.env; sed -n 's/^{key}=//p' {file}"));
    let lines = lines.replace("VALUE", kept.trim_end());
    machine.sh(&format!(
        "grep -v '^{key}=' /root/kept.env >/root/new.env || true
        cat >>/root/new.env <<'END'
{lines}
END
        cat /root/new.env >{file}; systemctl reset-failed prim-search; systemctl restart prim-search"
    ));
    // Until it has executed the program, the process of a unit has the environment of systemd itself.
    ask(&machine.sh("for i in $(seq 100); do
            pid=$(systemctl show -P MainPID prim-search)
            case $(readlink /proc/$pid/exe) in '' | /usr/lib/systemd/*) sleep 0.05 ;; *) break ;; esac
        done
        tr '\\0' '\\n' </proc/$pid/environ 2>/dev/null || true"));
    machine
        .sh(&format!("cat /root/kept.env >{file}; systemctl reset-failed prim-search; systemctl restart prim-search"));
}

/// What `diagnose` says of search, without what has been changed lately.
fn diagnosed(machine: &Machine) -> (i32, String) {
    let ran = machine.run(&["opsctl", "diagnose", "service-crash-loop", "search"]);
    (ran.code, ran.stdout)
}

/// Until search answers: its log is not what is tried here.
fn settle(machine: &Machine) {
    machine.sh("for i in $(seq 100); do curl -fs -o /dev/null http://127.0.0.1:3005/ && break; sleep 0.1; done");
}

#[test]
fn l13_l15_env_files_of_prim() {
    let machine = Machine::boot_as("prim", "it-env-prim");
    with_lines(&machine, "PORT", "export PORT=VALUE", |_| {
        let (code, said) = diagnosed(&machine);
        assert_eq!(code, 3, "{said}");
        let why = "/etc/prim/search.env lacks PORT: systemd ignores `export PORT=…` in line ";
        assert!(said.contains("PRIM-PORT-MISSING") && said.contains(why), "{said}");
        let verify = machine.run(&["opsctl", "verify", "search"]);
        assert!(verify.stdout.contains("missing PORT") && verify.stdout.contains("systemd ignores"), "{verify:#?}");
    });
    // What systemd understands is no finding: a continued line, the last of two, quotes within, a comment's last character.
    for (key, lines) in [
        ("PORT", "PORT=30\\\n05"),
        ("PORT", "PORT=9999\nPORT=3005"),
        ("PRIM_NETWORK", "PRIM_NETWORK=wrong\nPRIM_NETWORK='VALUE'"),
        ("PRIM_PAY_TO", "PRIM_PAY_TO=\"VALUE\"  "),
    ] {
        with_lines(&machine, key, lines, |environment| {
            settle(&machine);
            assert!(
                environment.contains(&format!("\n{key}=")) || environment.starts_with(&format!("{key}=")),
                "{environment}"
            );
            let (code, said) = diagnosed(&machine);
            assert!(code == 0, "{lines}: {said}");
        });
    }
    // What the file itself hides from systemd: the key is part of another's value.
    with_lines(&machine, "PORT", "NOTE=\"of the\nPORT=VALUE\n\"", |_| {
        let (_, said) = diagnosed(&machine);
        assert!(said.contains("is part of the value of NOTE, which begins in line "), "{said}");
    });
    // The unit's own list of files counts: a later one sets what the first lacks.
    machine.sh("mkdir -p /run/systemd/system/prim-search.service.d
        printf '[Service]\\nEnvironmentFile=/etc/prim/more.env\\n' >/run/systemd/system/prim-search.service.d/more.conf
        grep '^PORT=' /etc/prim/search.env >/etc/prim/more.env; chmod 640 /etc/prim/more.env; systemctl daemon-reload");
    with_lines(&machine, "PORT", "# PORT is elsewhere", |_| {
        settle(&machine);
        let (code, said) = diagnosed(&machine);
        assert!(code == 0 && !said.contains("lacks PORT"), "{said}");
    });
    machine.sh("rm -r /run/systemd/system/prim-search.service.d; systemctl daemon-reload");

    // Of two equal keys the last is the remote's.
    machine.sh(
        "cp -p /etc/prim/store.env /root/store.env; sed -i '1i R2_SECRET_ACCESS_KEY=dummy-0ld-key' /etc/prim/store.env",
    );
    let list = machine.run(&["opsctl", "backup", "list"]);
    machine.sh("cp -p /root/store.env /etc/prim/store.env");
    assert!(list.code == 0 || !list.stderr.contains("403"), "{list:#?}");
    assert!(!list.stderr.contains("403") && !list.stdout.contains("403"), "{list:#?}");

    secrets(&machine);
}

/// Secrets of an env file, as whoever reads it may log them, are in nothing that is shown.
fn secrets(machine: &Machine) {
    let lines = r#"A_SECRET="dummy-pa\$\$word-77"
B_SECRET=abc1"def2"ghi3
C_SECRET=first-h4lf\
sec0nd-half
D_SECRET="l1ne-one
l1ne-two
"
E_SECRET=dummy-v4lue # c0mment-too
export F_SECRET=dummy-exp0rted
G_SECRET="qu0ted" t4il"#;
    let shown = [
        "dummy-pa$$word-77",
        r"dummy-pa\$\$word-77",
        "abc1\"def2\"ghi3",
        "abc1def2ghi3",
        "first-h4lfsec0nd-half",
        "first-h4lf",
        "sec0nd-half",
        "l1ne-one",
        "l1ne-two",
        "dummy-v4lue",
        "dummy-exp0rted",
        "qu0tedt4il",
    ];
    let said: String =
        shown.iter().map(|secret| format!("[2026-01-01T00:00:00Z] error: key {secret} refused\n")).collect();
    machine.sh(&format!(
        "cp -p /etc/prim/search.env /root/kept.env
        cat >>/etc/prim/search.env <<'END'
{lines}
END
        cat >>/var/log/prim-backup.log <<'END'
{said}END
        systemctl restart prim-search"
    ));
    let mut all = String::new();
    for args in [
        &["logs", "--source", "prim-backup", "-n", "all"] as &[&str],
        &["logs", "--source", "prim-backup", "-n", "all", "-o", "json"],
        &["logs", "search", "-n", "50", "-o", "json"],
        &["diagnose", "-o", "json"],
        &["status", "search", "-v"],
    ] {
        let ran = machine.run(&[&["opsctl"], args].concat());
        all.push_str(&ran.stdout);
        all.push_str(&ran.stderr);
    }
    machine.sh("opsctl diagnose --bundle - >/root/bundle.tar");
    all.push_str(&String::from_utf8_lossy(&fs::read(machine.root().join("root/bundle.tar")).unwrap()));
    machine.sh("cat /root/kept.env >/etc/prim/search.env; systemctl restart prim-search");
    assert!(all.matches("refused").count() >= 2 * shown.len(), "{all}");
    let leaks: Vec<&str> = shown.into_iter().filter(|secret| all.contains(secret)).collect();
    assert_eq!(leaks, Vec::<&str>::new());
}
