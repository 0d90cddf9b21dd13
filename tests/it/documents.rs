//! JSON: one document, its head, its schema.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::machine::{Machine, Run};
use crate::prim;

/// The JSON Schema of a document, as the command line prints it.
pub fn schema(machine: &Machine, name: &str) -> Value {
    let run = machine.run(["schema", name]);
    assert_eq!(run.code, 0, "{name}");
    serde_json::from_str(&run.stdout).unwrap()
}

/// Where the value does not fit the schema: types, required keys, keys that are not in it.
pub fn misfits(value: &Value, schema: &Value, root: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return misfits(value, &root["$defs"][name], root, path, found);
    }
    for either in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[either].as_array() {
            let fits = |choice: &Value| {
                let mut wrong = Vec::new();
                misfits(value, choice, root, path, &mut wrong);
                wrong.is_empty()
            };
            if !choices.iter().any(fits) {
                found.push(format!("{path}: fits no choice of {either}"));
            }
        }
    }
    if let Some(constant) = schema.get("const").filter(|constant| *constant != value) {
        found.push(format!("{path}: is not {constant}"));
    }
    if schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
        found.push(format!("{path}: {value} is not one of {}", schema["enum"]));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let fits = types.contains(&kind) || (kind == "integer" && types.contains(&"number"));
    if !types.is_empty() && !fits {
        found.push(format!("{path}: is {kind}, not {types:?}"));
    }
    if let (Some(properties), Some(object)) = (schema["properties"].as_object(), value.as_object()) {
        for (key, value) in object {
            match properties.get(key) {
                Some(property) => misfits(value, property, root, &format!("{path}.{key}"), found),
                None => found.push(format!("{path}.{key}: is not in the schema")),
            }
        }
        // Null rather than absent: every key is always there.
        for key in properties.keys().filter(|key| !object.contains_key(*key)) {
            found.push(format!("{path}.{key}: is missing"));
        }
    }
    if let (Some(items), Some(array)) = (schema.get("items"), value.as_array()) {
        for (index, value) in array.iter().enumerate() {
            misfits(value, items, root, &format!("{path}[{index}]"), found);
        }
    }
}

/// A document of each kind, in more than one state.
fn documents(machine: &Machine) -> Vec<Run> {
    let lines: [&[&str]; 37] = [
        &["status"],
        &["status", "wallet", "store"],
        &["status", "faucet"],
        &["-d", "localhost", "status"],
        &["-d", "ai-fsm", "status"],
        &["-d", "v-edfinance", "status", "--timeout", "3s"],
        &["diagnose"],
        &["diagnose", "wallet-down"],
        &["diagnose", "store", "--fix", "--dry-run"],
        &["get", "failures"],
        &["explain", "x402"],
        &["get", "services"],
        &["get", "deployments"],
        &["get", "backups"],
        &["explain", "wallet"],
        &["explain", "localhost"],
        &["explain", "block-ip"],
        &["explain", "restore-db"],
        &["get", "procedures"],
        &["run", "reboot", "--dry-run"],
        &["run", "--status"],
        &["verify", "wallet"],
        &["verify", "-d", "plugspace"],
        &["restart", "wallet", "--dry-run"],
        &["redeploy", "wallet", "store", "--dry-run"],
        &["rollback", "--list"],
        &["history"],
        &["lock", "status"],
        &["describe", "wallet"],
        &["discover"],
        &["new", "shop", "--dry-run"],
        &["version"],
        &["maintenance"],
        &["-d", "plugspace", "maintenance", "status"],
        &["-d", "ai-fsm", "maintenance", "status"],
        &["status", "nobody"],
        &["nothing"],
    ];
    lines.into_iter().map(|line| machine.run(line.iter().chain(&["-o", "json"]))).collect()
}

#[test]
fn every_document_has_its_head_and_fits_its_schema() {
    let machine = prim::two();
    prim::files(&machine);
    machine.able(&["prim-wallet.service"]);
    let mut seen = BTreeSet::new();
    for run in documents(&machine) {
        let document = run.json();
        assert_eq!(run.stderr, "", "{:?}", run.args);
        let name = document["schema"].as_str().unwrap();
        let name = name.strip_prefix("opsctl/").unwrap().strip_suffix("/v1").unwrap();
        let schema = schema(&machine, name);
        let mut found = Vec::new();
        misfits(&document, &schema, &schema, name, &mut found);
        assert_eq!(found, Vec::<String>::new(), "{:?}", run.args);
        seen.insert(name.to_owned());
    }
    // A line of a log is a document without a head.
    for message in [r#"{"level":"warn","msg":"slow","ms":12,"err":{"code":5}}"#, "plain", "{}"] {
        machine.journal("2026-11-22T05:00:00Z", "prim-wallet.service", &[("MESSAGE", message.as_bytes())]);
    }
    machine.journal("2026-11-22T05:00:01Z", "prim-wallet.service", &[]);
    let logs = schema(&machine, "logs");
    let mut found = Vec::new();
    for line in machine.run(["logs", "wallet", "-o", "json"]).json_lines() {
        misfits(&line, &logs, &logs, "logs", &mut found);
        seen.insert("logs".to_owned());
    }
    assert_eq!(found, Vec::<String>::new());
    let host = crate::backup::host();
    let lines: [&[&str]; 12] = [
        &["check"],
        &["get", "checks"],
        &["check", "--test-notify"],
        &["check", "--uninstall", "--dry-run"],
        &["backup", "--dry-run"],
        &["backup"],
        &["backup", "list"],
        &["backup", "verify"],
        &["backup", "drill", "wallet"],
        &["backup", "prune"],
        &["restore", "wallet", "--to", "/root/wallet.db"],
        &["status"],
    ];
    for run in lines.map(|line| host.run(line.iter().chain(&["-o", "json"]))) {
        let document = run.json();
        let name = document["schema"].as_str().unwrap();
        let name = name.strip_prefix("opsctl/").unwrap().strip_suffix("/v1").unwrap();
        let schema = schema(&host, name);
        let mut found = Vec::new();
        misfits(&document, &schema, &schema, name, &mut found);
        assert_eq!(found, Vec::<String>::new(), "{:?}", run.args);
        seen.insert(name.to_owned());
    }
    let known = machine.run(["schema"]).stdout;
    assert_eq!(seen, known.lines().map(str::to_owned).collect(), "every kind of document was looked at");
}

#[test]
fn the_exit_code_is_the_same_for_every_form() {
    let machine = prim::two();
    for line in [&["status", "wallet"] as &[&str], &["status"], &["verify", "wallet"], &["status", "nobody"]] {
        let codes = ["text", "wide", "json", "name"].map(|form| machine.run(line.iter().chain(&["-o", form])).code);
        assert_eq!(codes, [codes[0]; 4], "{line:?}");
    }
}

#[test]
fn times_are_utc_and_amounts_are_raw() {
    let machine = prim::two();
    machine.change_unit("prim-wallet.service", &[("MemoryCurrent", "52428800")]);
    let document = machine.run(["status", "wallet", "-o", "json"]).json();
    assert_eq!(document["time"], "2026-11-22T05:30:00Z");
    let wallet = &document["services"][0];
    assert_eq!(wallet["since"], "2026-11-22T03:09:06Z");
    assert_eq!(wallet["memory_bytes"], 52_428_800);
    assert_eq!(document["host_resources"], Value::Null);
}
