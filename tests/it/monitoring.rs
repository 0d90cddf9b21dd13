//! The examples for monitoring systems name metrics, flags and files that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn found(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The families that `check -o prom` writes, by its source.
fn families() -> BTreeSet<String> {
    let families = found(r#"\(\s*"(opsctl_\w+)",\s*"(?:gauge|counter)""#, &read("src/report/check_prom.rs"));
    assert!(families.len() > 15, "{families:?}");
    families
}

fn named(text: &str) -> BTreeSet<String> {
    found(r"\b(opsctl_[a-z_]+)\b", text)
}

/// Every string in a document.
fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| strings(one, into)),
        Value::Object(all) => all.values().for_each(|one| strings(one, into)),
        _ => {}
    }
}

#[test]
fn alerts_and_the_dashboard_name_metrics_that_are_written() {
    let families = families();
    for file in ["prometheus-rules.yml", "prometheus-rules-test.yml", "grafana-dashboard.json"] {
        let named = named(&read(&format!("examples/monitoring/{file}")));
        assert!(named.len() > 3, "{file}: {named:?}");
        assert!(named.is_subset(&families), "{file}: {:?}", named.difference(&families));
    }
    // What is written and alerts on nothing and shows nothing has no use.
    let used = named(
        &(read("examples/monitoring/prometheus-rules.yml") + &read("examples/monitoring/grafana-dashboard.json")),
    );
    assert_eq!(families.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn the_page_has_each_metric_and_each_key() {
    let page = read("docs/monitoring.md");
    let rows = found(r"(?m)^\| `(opsctl_\w+)` \|", &page);
    assert_eq!(rows, families());
    let keys = found(r#""([A-Z]+_[A-Z_]+)""#, &read("src/registry/notify.rs").replace("ALERT_WEBHOOK_URL", ""));
    assert!(keys.contains("HEARTBEAT_URL"), "{keys:?}");
    for key in keys {
        assert!(page.contains(&format!("`{key}`")), "{key}");
    }
}

#[test]
fn the_dashboard_can_be_imported() {
    let dashboard: Value = serde_json::from_str(&read("examples/monitoring/grafana-dashboard.json")).unwrap();
    assert!(dashboard["schemaVersion"].as_u64() >= Some(36), "{}", dashboard["schemaVersion"]);
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let variables: BTreeSet<&str> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    let mut all = Vec::new();
    strings(&dashboard["panels"], &mut all);
    let used = found(r"\$\{?(\w+)", &all.join("\n"));
    assert!(used.iter().all(|name| variables.contains(name.as_str())), "{used:?} {variables:?}");
    for panel in panels {
        // A panel with the uid of somebody's own data source shows nothing elsewhere.
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{}", panel["title"]);
    }
}

#[test]
fn each_alert_leads_on_and_is_tried() {
    let rules = read("examples/monitoring/prometheus-rules.yml");
    let alerts = found(r"- alert: (\w+)", &rules);
    let blocks: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert_eq!(blocks.len(), alerts.len());
    for block in blocks {
        let name = block.lines().next().unwrap();
        for part in ["expr: ", "summary: ", "next: "] {
            assert!(block.contains(part), "{name}: {part}");
        }
    }
    let tried = found(r"alertname: (\w+)", &read("examples/monitoring/prometheus-rules-test.yml"));
    assert!(tried.len() > 3 && tried.is_subset(&alerts), "{tried:?}");
}

#[test]
fn the_plugin_s_command_and_its_sudoers_line_are_the_same() {
    let example = read("examples/monitoring/nagios.cfg");
    let commands = found(r"(/usr/local/bin/opsctl check .*)", &example);
    assert_eq!(commands.len(), 1, "{commands:?}");
    let command = commands.first().unwrap();
    assert_eq!(example.matches(command.as_str()).count(), 2);
    assert!(command.contains("-o nagios"), "{command}");
}
