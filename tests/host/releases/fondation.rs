//! fondation: an image that is made elsewhere, loaded or pulled, under a unit.

use super::*;

const TAG: &str = "fondation-worker:latest";
const PREVIOUS: &str = "fondation-worker:previous";
const CONTAINER: &str = "fondation-worker-1";
const WORKER: &str = "/usr/local/lib/test-host/layout/worker";

#[test]
fn releases_of_fondation() {
    let machine = Machine::boot_as("fondation", "it-fondation-releases");
    deliver(&machine, "2.0.0", "", "/root/two.tar");
    deliver(&machine, "3.0.0", "sed -i '1i console.error(\"no lease\"); process.exit(3);' index.js", "/root/three.tar");
    unrecorded(&machine);
    loaded(&machine);
    undeliverable(&machine);
    bad(&machine);
    gone(&machine);
    completed(&machine);
    without_container(&machine);
}

fn deliver(machine: &Machine, version: &str, edit: &str, file: &str) {
    let edit = format!("sed -i s/^ARG.VERSION=.*/ARG\\ VERSION={version}/ Dockerfile; {edit}");
    archive(machine, TAG, WORKER, &edit, file);
}

/// What the worker says of itself.
fn version(machine: &Machine) -> String {
    let health: Value = serde_json::from_str(&page(machine, "http://localhost:8080/health")).unwrap();
    health["system"]["version"].as_str().unwrap().to_owned()
}

fn of_version<'a>(document: &'a Value, field: &str) -> &'a str {
    document[field]["images"][TAG].as_str().unwrap_or_default()
}

/// D8: where nothing is recorded the runbook's own tag names the one before; without that tag there is none.
fn unrecorded(machine: &Machine) {
    let one = runs(machine, CONTAINER);
    assert!(refused(machine, "rollback -y", 5).contains("no image is tagged as the previous one"));
    machine.sh(&format!("docker build -q --build-arg VERSION=0.9.0 -t {PREVIOUS} {WORKER} >/dev/null 2>&1"));
    let zero = tagged(machine, PREVIOUS);
    planned(machine, "rollback");
    let (done, document) = release(machine, "rollback -y --settle 500ms");
    assert_eq!(done, came(0, "done", "worker done", ""), "{document:#}");
    assert_eq!((version(machine).as_str(), runs(machine, CONTAINER).as_str()), ("0.9.0", zero.as_str()));
    assert_eq!((of_version(&document, "from"), of_version(&document, "to")), (one.as_str(), zero.as_str()));
    let (done, _) = release(machine, "rollback -y --settle 500ms");
    assert_eq!((done.code, version(machine).as_str(), runs(machine, CONTAINER)), (0, "1.0.0", one));
}

/// An archive: what runs is kept as `previous`, the new one is seen to run.
fn loaded(machine: &Machine) {
    let one = runs(machine, CONTAINER);
    assert!(refused(machine, "redeploy --load /root/two.tar", 5).contains("there is no terminal to ask"));
    planned(machine, "redeploy --load /root/two.tar");
    let (done, document) = release(machine, "redeploy --load /root/two.tar -y --settle 500ms");
    assert_eq!(done, came(0, "done", "worker done", ""), "{document:#}");
    assert_eq!(titles(&document), ["tag the running image as fondation-worker:previous", "load the new images"]);
    assert_eq!((version(machine).as_str(), tagged(machine, PREVIOUS)), ("2.0.0", one));
    assert_eq!(of_version(&document, "to"), runs(machine, CONTAINER));
    // The same archive again changes nothing that could be taken for a version.
    let kept = tagged(machine, PREVIOUS);
    let (done, _) = release(machine, "redeploy --load /root/two.tar -y --settle 500ms");
    assert_eq!((done.code, version(machine).as_str(), tagged(machine, PREVIOUS)), (0, "2.0.0", kept));
}

/// C7, J2: what cannot be had, or is something else, leaves what runs and its names alone.
fn undeliverable(machine: &Machine) {
    machine.sh("head -c 20000 /root/two.tar > /root/cut.tar; docker save -o /root/other.tar test-host/usr:latest");
    let before = (runs(machine, CONTAINER), tagged(machine, TAG), tagged(machine, PREVIOUS));
    let started = machine.sh(&format!("docker inspect -f '{{{{.State.StartedAt}}}}' {CONTAINER}"));
    for (words, wanted) in [
        ("--load /root/cut.tar", "load the new images: exit 1"),
        ("--load /root/other.tar", "the archive holds test-host/usr:latest, not fondation-worker:latest"),
        ("--pull", "pull fondation-worker:latest: exit 1"),
        ("--pull=registry.example.org/worker:3", "pull registry.example.org/worker:3: exit 1"),
    ] {
        let (failed, document) = release(machine, &format!("redeploy {words} -y --settle 500ms"));
        assert_eq!(failed, came(1, "unswitched", "", ""), "{document:#}");
        let reason = document["reason"].as_str().unwrap();
        assert!(
            reason.starts_with(wanted) && reason.ends_with("the running version was not changed"),
            "{words}: {reason}"
        );
        assert_eq!((runs(machine, CONTAINER), tagged(machine, TAG), tagged(machine, PREVIOUS)), before, "{words}");
    }
    assert_eq!(machine.sh(&format!("docker inspect -f '{{{{.State.StartedAt}}}}' {CONTAINER}")), started);
}

/// J3: what does not run is taken back, or left where that is wanted.
fn bad(machine: &Machine) {
    let before = (runs(machine, CONTAINER), tagged(machine, TAG), tagged(machine, PREVIOUS));
    let (failed, document) = release(machine, "redeploy --load /root/three.tar -y --settle 500ms");
    // Whether its unit ends with the container, or the container is started again and again below it, is a matter of time.
    assert_eq!(
        (failed.code, failed.outcome.as_str(), failed.restored.as_str()),
        (9, "rolled_back", "worker done"),
        "{document:#}"
    );
    assert!(["worker failed", "worker pending"].contains(&failed.targets.as_str()), "{document:#}");
    assert!(!document["targets"][0]["log"].as_array().unwrap().is_empty(), "{document:#}");
    // The container is gone with its log; the unit's journal keeps the lines.
    assert!(machine.sh("opsctl logs worker --since 5m").contains("no lease"));
    assert_eq!((runs(machine, CONTAINER), tagged(machine, TAG), tagged(machine, PREVIOUS)), before);
    assert_eq!(version(machine), "2.0.0");

    let (failed, document) = release(machine, "redeploy --load /root/three.tar -y --settle 500ms --no-rollback");
    assert_eq!((failed.code, failed.outcome.as_str()), (1, "bad"), "{document:#}");
    assert_eq!(tagged(machine, PREVIOUS), before.0);
    let (done, document) = release(machine, "rollback -y --settle 500ms");
    assert_eq!(done, came(0, "done", "worker done", ""), "{document:#}");
    assert_eq!((runs(machine, CONTAINER), version(machine).as_str()), (before.0, "2.0.0"));
}

/// J4: an image that was removed is refused before anything stops, and listed as gone.
fn gone(machine: &Machine) {
    let listed = machine.sh("opsctl rollback --list -o name");
    let words = listed.lines().find(|id| !runs(machine, CONTAINER).contains(*id)).unwrap().to_owned();
    machine.sh(&format!("docker rmi -f $(docker image ls -q --no-trunc | grep {words} | sort -u) >/dev/null"));
    let before = state(machine);
    for words in ["rollback -y".to_owned(), format!("rollback -y --to {words}")] {
        let said = refused(machine, &words, 5);
        assert!(said.contains("of fondation-worker:latest no longer exists; it was probably pruned"), "{said}");
    }
    assert_eq!(state(machine), before);
    let listed = machine.sh("opsctl rollback --list");
    assert!(listed.lines().any(|line| line.starts_with(&words) && line.contains("missing")), "{listed}");
}

/// What can be gone back to is completed for root, and for nobody else.
fn completed(machine: &Machine) {
    let words = ["env", "OPSCTL_COMPLETE=fish", "opsctl", "--", "opsctl", "rollback", "--to", ""];
    let offered = |ran: Ran| -> Vec<String> {
        ran.stdout.lines().filter_map(|line| Some(line.split('\t').next()?.to_owned())).collect()
    };
    let listed = machine.sh("opsctl rollback --list -o name | awk '!seen[$0]++'");
    assert_eq!(offered(machine.run(&words)), listed.lines().collect::<Vec<_>>());
    assert_eq!(offered(machine.run_as("ubuntu", &words)), Vec::<String>::new());
}

/// A container that was removed by hand is made again.
fn without_container(machine: &Machine) {
    machine.sh(&format!("docker rm -f {CONTAINER} >/dev/null"));
    let (done, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(done, came(0, "done", "worker done", ""), "{document:#}");
    assert_eq!(version(machine), "2.0.0");
}
