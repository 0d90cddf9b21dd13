//! The Rust that `discover -o rust` prints: it compiles without a warning, and the program sees the host as opsctl does.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::machine::Machine;

fn status(machine: &Machine, program: &[&str]) -> (i32, Value) {
    let ran = machine.run(&[program, &["status", "-o", "json"]].concat());
    let document = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    (ran.code, document)
}

/// Names of services in the order of the report, and how each is.
fn services(document: &Value) -> Vec<(&str, &str)> {
    let rows = document["services"].as_array().unwrap();
    rows.iter().map(|row| (row["name"].as_str().unwrap(), row["verdict"].as_str().unwrap())).collect()
}

/// Makes a crate on the host, builds it here and puts the program there. It uses what is built of this library already.
pub(super) fn compiled(machine: &Machine, name: &str) {
    let made = machine.run(&["sh", "-ec", &format!("cd /root && rm -rf {name} && opsctl -d localhost new {name}")]);
    assert_eq!(made.code, 0, "{made:#?}");
    // Over an existing one nothing is written.
    let again = machine.run(&["sh", "-c", &format!("cd /root && opsctl -d localhost new {name}")]);
    assert_eq!(again.code, 5, "{again:#?}");
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (here, there) = (own.join("target/discover").join(name), machine.root().join("root").join(name));
    let _ = fs::remove_dir_all(&here);
    fs::create_dir_all(here.join("src")).unwrap();
    let manifest = fs::read_to_string(there.join("Cargo.toml")).unwrap();
    let version = format!("version = \"{}\" }}", env!("CARGO_PKG_VERSION"));
    let with_path = manifest.replace(&version, &format!("path = {own:?} }}"));
    assert_ne!(manifest, with_path);
    fs::write(here.join("Cargo.toml"), format!("{with_path}\n[profile.dev]\ndebug = \"line-tables-only\"\n")).unwrap();
    fs::copy(own.join("Cargo.lock"), here.join("Cargo.lock")).unwrap();
    let printed = machine.run(&["opsctl", "-d", "localhost", "discover", "-o", "rust"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    let written = fs::read_to_string(there.join("src/main.rs")).unwrap();
    // The one names the deployment after the host, the other after the crate.
    let body = |text: &str| text[text.find("static ").unwrap()..text.rfind("Deployment::new(").unwrap()].to_owned();
    assert_eq!(body(&printed.stdout), body(&written));
    fs::write(here.join("src/main.rs"), written).unwrap();
    let cargo = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command.args(words).args(["--quiet", "--offline", "--target-dir"]).arg(own.join("target")).current_dir(&here);
        command.env_remove("RUSTFLAGS");
        command
    };
    // Flags for this crate alone, so that the library is not built anew.
    let built = cargo(&["rustc"]).args(["--", "-D", "warnings"]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    machine.put(&own.join("target/debug").join(name), "/usr/local/bin/own");
}

/// The program has the services that discovery finds, and all pass.
pub(super) fn holds(machine: &Machine) {
    let (code, own) = status(machine, &["own"]);
    assert!([0, 1].contains(&code), "{own:#}");
    let (_, found) = status(machine, &["opsctl", "-d", "localhost"]);
    let sorted = |document: &Value| {
        let mut names: Vec<String> = services(document).iter().map(|(name, _)| (*name).to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(sorted(&own), sorted(&found));
    for (name, verdict) in services(&own) {
        // Nothing of the host says what password Redis wants.
        let is_known = ["redis", "warn"] == [name, verdict] && own.to_string().contains("requires a password");
        assert!(verdict == "pass" || is_known, "{name} is {verdict}: {own:#}");
    }
}

/// After these lines the program fails with this service first.
pub(super) fn fails_first(machine: &Machine, victim: &str, stop: &str) {
    machine.sh(stop);
    let (code, own) = status(machine, &["own"]);
    assert_eq!(code, 3, "{own:#}");
    assert_eq!(own["worst"]["subject"], victim, "{own:#}");
}

/// All of it on a deployment.
fn holds_of(deployment: &str, victim: &str, stop: &str) {
    let machine = Machine::boot_as(deployment, &format!("it-program-{deployment}"));
    compiled(&machine, &format!("own-{deployment}"));
    holds(&machine);
    fails_first(&machine, victim, stop);
}

#[test]
fn the_program_of_prim_compiles() {
    holds_of("prim", "prim-wallet", "systemctl stop prim-wallet");
}

#[test]
fn the_program_of_plugspace_compiles() {
    holds_of("plugspace", "mongodb", "systemctl stop mongod");
}

#[test]
fn the_program_of_fondation_compiles() {
    holds_of("fondation", "standin-convex", "systemctl stop standin-convex");
}

#[test]
fn the_program_of_ai_fsm_compiles() {
    holds_of("ai-fsm", "web", "docker stop --time 1 ai-fsm-web");
}

#[test]
fn the_program_of_v_edfinance_compiles() {
    holds_of("v-edfinance", "glances", "docker stop v-edfinance-glances");
}
