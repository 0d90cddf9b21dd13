//! `get`, `explain` and `verify`, transcribed, and the registry itself.

use opsctl::registry::{DEPLOYMENTS, Deployment, LOCALHOST, check};

use crate::machine::{Machine, example, needs_root, sample};
use crate::prim;
use crate::transcript::compare;

/// All that the binary knows, `localhost` last.
pub fn deployments() -> Vec<&'static Deployment> {
    DEPLOYMENTS.iter().copied().chain([&LOCALHOST]).collect()
}

#[test]
fn nothing_is_wrong_with_the_registry() {
    assert_eq!(check::problems(&deployments()), Vec::<String>::new());
}

#[test]
fn lists() {
    let machine = prim::quiet();
    compare(
        "get_services",
        &[
            machine.run(["get", "services"]),
            machine.run(["get", "services", "-o", "wide", "-d", "fondation"]),
            machine.run(["get", "services", "-o", "name", "--no-headers"]),
        ],
    );
    compare(
        "get_backups",
        &[
            machine.run(["get", "backups"]),
            machine.run(["get", "backups", "-o", "wide", "-d", "plugspace"]),
            machine.run(["get", "backups", "-o", "name"]),
            machine.run(["get", "backups", "-o", "json", "-d", "v-edfinance"]),
        ],
    );
    compare("get_services_json", &[machine.run(["get", "services", "-o", "json", "-d", "fondation"])]);
    compare(
        "get_deployments",
        &[
            machine.run(["get", "deployments"]),
            machine.run(["get", "deployments", "--no-headers", "-o", "wide"]),
            machine.run(["get", "deployments", "-o", "name"]),
            machine.run(["get", "deployments", "-o", "json"]),
        ],
    );
}

#[test]
fn explanations() {
    let machine = Machine::new();
    compare(
        "explain",
        &[
            machine.run(["explain", "wallet"]),
            machine.run(["explain", "worker", "-d", "fondation"]),
            machine.run(["explain", "prim"]),
            machine.run(["explain", "wallet", "-o", "name"]),
        ],
    );
    compare(
        "explain_json",
        &[machine.run(["explain", "wallet", "-o", "json"]), machine.run(["explain", "fondation", "-o", "json"])],
    );
    compare(
        "explain_unknown",
        &[
            machine.run(["explain", "walet"]),
            machine.run(["explain", "redis-server", "-d", "plugspace"]),
            machine.run(["explain", "worker"]),
            machine.run(["explain", "worker", "-o", "json"]),
            machine.run(["explain", "zzz", "-d", "ai-fsm"]),
        ],
    );
}

#[test]
fn every_service_and_every_deployment_explains_itself() {
    let machine = Machine::new();
    for deployment in deployments() {
        let run = machine.run(["explain", deployment.name]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", deployment.name);
        assert!(run.stdout.starts_with(&format!("{}: {}\n", deployment.name, deployment.summary)), "{}", run.stdout);
        for service in deployment.services {
            let run = machine.run(["-d", deployment.name, "explain", service.name]);
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}/{}", deployment.name, service.name);
            let title = format!("{} ({}): {}\n", service.name, deployment.name, service.summary);
            assert!(run.stdout.starts_with(&title), "{}", run.stdout);
            assert_eq!(run.ran, [], "{}/{}", deployment.name, service.name);
        }
    }
}

#[test]
#[ignore = "needs root"]
fn the_registry_and_the_host_agree() {
    needs_root();
    let machine = prim::healthy();
    prim::processes(&machine);
    prim::files(&machine);
    compare("verify_prim", &[machine.run(["verify"]), machine.run(["verify", "-o", "name"])]);
}

#[test]
fn the_registry_and_the_host_disagree() {
    let machine = prim::two();
    prim::processes(&machine);
    prim::files(&machine);
    machine.change_unit(
        "prim-wallet.service",
        &[
            ("User", "root"),
            ("WorkingDirectory", "/srv/prim"),
            ("Restart", "no"),
            ("UnitFileState", "disabled"),
            ("NeedDaemonReload", "yes"),
            ("EnvironmentFiles", "/etc/prim/other.env (ignore_errors=no)"),
        ],
    );
    machine.answer_with(
        "systemd-analyze-verify",
        "",
        "/etc/systemd/system/prim-wallet.service:9: Unknown key 'Restrat' in section [Service], ignoring.\n",
        1,
    );
    machine.file("/etc/prim/wallet.env", "PORT=3001\nPRIM_PAY_TO=\nPRIM_INTERNAL_KEY=canary-env-wallet\n");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(machine.path("/etc/prim/wallet.env"), open).unwrap();
    machine.file("/opt/prim/wallet.db", "");
    machine.remove("/var/lib/prim/allowlist.db");
    machine.answer("caddy-adapt", &sample("prim/caddy-adapt.json").replace("localhost:3001", "localhost:3999"));
    machine.remove("/proc/90");
    machine.process(4711, "nc", &[3001]);
    let runs = [
        machine.run(["verify", "wallet"]),
        machine.run(["verify", "wallet", "store", "-o", "json"]),
        machine.run(["verify", "wallet", "store", "-o", "name"]),
    ];
    for run in &runs {
        assert!(!run.everything().contains("canary"), "{}", run.everything());
    }
    compare("verify_prim_drift", &runs);
}

#[test]
fn what_cannot_be_compared_is_unknown() {
    let machine = prim::two();
    prim::processes(&machine);
    prim::files(&machine);
    machine.answer("caddy-adapt", "{\"apps\":{\"ht");
    machine.answer_with("docker-compose", "", "docker: 'compose' is not a docker command.\n", 1);
    machine.uninstall("systemd-analyze");
    compare(
        "verify_prim_unknown",
        &[machine.run(["verify", "store"]), machine.run(["verify", "stalwart", "-o", "wide"])],
    );
}

/// A program of somebody's own was compiled for a deployment; that this host has none of it is said.
#[test]
fn an_own_program_says_that_its_deployment_was_not_detected() {
    let run = |args: &[&str]| {
        let output = std::process::Command::new(example("own_deployment")).args(args).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let says = "own_deployment: no deployment of this program (shop) was detected; this was about localhost, name one: \
                own_deployment get services -o ";
    for format in ["name", "json"] {
        let (out, note) = run(&["get", "services", "-o", format]);
        assert_eq!(note, format!("{says}{format} -d shop\n"));
        assert!(out.contains("docker") && !out.contains("shop"), "{out}");
    }
    // Nothing is left to say where it is named, or only errors are wanted.
    for args in [&["-d", "localhost"][..], &["-d", "shop"], &["-q"]] {
        assert_eq!(run(&[&["get", "services"], args].concat()).1, "", "{args:?}");
    }
    // The stock program is for any host.
    assert_eq!(Machine::new().run(["get", "services"]).stderr, "");
}
