//! `demo`, transcribed: a host that is made up, the same on any machine.

use std::os::unix::process::CommandExt;
use std::path::Path;

use crate::documents::{misfits, schema};
use crate::machine::{Machine, NOW, needs_root};
use crate::transcript::compare;

#[test]
fn every_view_says_that_it_is_a_demo() {
    let machine = Machine::new();
    compare("demo", &[machine.run(["demo"])]);
    compare("demo_diagnose", &[machine.run(["demo", "diagnose"]), machine.run(["demo", "diagnose", "wallet"])]);
    compare("demo_logs", &[machine.run(["demo", "logs"]), machine.run(["demo", "logs", "wallet"])]);
    compare("demo_status", &[machine.run(["demo", "status", "store", "wallet"])]);
    for view in [&["demo"] as &[&str], &["demo", "status"], &["demo", "diagnose"], &["demo", "logs"]] {
        for form in ["text", "wide", "json", "name"] {
            let run = machine.run(view.iter().chain(&["-o", form]));
            assert_eq!(run.ran, [], "{view:?}");
            let marked = match form {
                "json" => run.stdout.contains("\"demo\": true") || run.stdout.contains("\"demo\":true"),
                "name" => run.stderr.contains("DEMO"),
                _ => run.stdout.starts_with("DEMO"),
            };
            assert!(marked, "{view:?} {form}: {}", run.everything());
        }
    }
}

#[test]
fn its_documents_are_those_of_the_verbs_and_two_fields_more() {
    let machine = Machine::new();
    let runs = ["status", "diagnose"].map(|view| machine.run(["demo", view, "-o", "json"]));
    for run in &runs {
        let document = run.json();
        assert_eq!((&document["demo"], &document["host"]), (&true.into(), &"demo-host".into()));
        let mut found = Vec::new();
        let name = document["schema"].as_str().unwrap().split('/').nth(1).unwrap();
        let schema = schema(&machine, name);
        misfits(&document, &schema, &schema, name, &mut found);
        let [demo, plan] = ["demo", "plan"].map(|field| format!("{name}.{field}: is not in the schema"));
        assert_eq!(found, [demo, plan]);
    }
    let [status, diagnosis] = runs.map(|run| run.json());
    assert_eq!(status["worst"]["subject"], "wallet");
    assert_eq!(diagnosis["findings"][0]["code"], "PRIM-NETWORK-UNKNOWN");
    assert_eq!(diagnosis["undetermined"], serde_json::json!([]));
    assert_eq!(diagnosis["plan"]["steps"].as_array().unwrap().len(), 2);
    let lines = machine.run(["demo", "logs", "wallet", "-o", "json"]).json_lines();
    assert!(lines.len() > 5 && lines.iter().all(|line| line["demo"] == true && line["service"] == "wallet"));
}

#[test]
fn what_it_cannot_show_is_a_usage_error() {
    let machine = Machine::new();
    let lines: [&[&str]; 4] = [
        &["demo", "diagnose", "store"],
        &["demo", "status", "walet"],
        &["demo", "restart"],
        &["demo", "logs", "token"],
    ];
    compare("demo_usage", &lines.map(|line| machine.run(line)));
}

/// On a machine without tools, without files, and with an address that nothing answers.
#[test]
fn nothing_of_the_machine_is_used() {
    let machine = Machine::new();
    for view in ["status", "diagnose", "logs"] {
        let mut elsewhere = machine.command(["demo", view]);
        elsewhere.env("OPSCTL_TEST_TOOLS", "/nonexistent").env("OPSCTL_TEST_ROOT", "/nonexistent");
        elsewhere.env("OPSCTL_TEST_LOOPBACK", "192.0.2.1").env("OPSCTL_TEST_TIME", NOW.replace("2026", "2031"));
        let output = elsewhere.output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), machine.run(["demo", view]).stdout, "{view}");
        assert_eq!(output.stderr, b"", "{view}");
    }
}

#[test]
#[ignore = "needs root"]
fn nobody_sees_the_same_as_root() {
    needs_root();
    let machine = Machine::new();
    // Where it was built, nobody may have no way in.
    let program = Path::new("/tmp").join(format!("opsctl-demo-{}", std::process::id()));
    std::fs::copy(machine.command([""]).get_program(), &program).unwrap();
    let mut command = std::process::Command::new(&program);
    command.args(["demo", "status"]).env_clear().uid(65534).gid(65534).current_dir("/");
    for (name, value) in machine.command([""]).get_envs() {
        command.env(name, value.unwrap());
    }
    let output = command.output();
    std::fs::remove_file(&program).unwrap();
    let shown = String::from_utf8(output.unwrap().stdout).unwrap();
    assert_eq!(shown.replace(program.file_name().unwrap().to_str().unwrap(), "opsctl"), {
        let plain = machine.run(["demo", "status"]).stdout;
        plain.replace("stand_in", "opsctl")
    });
}
