//! plugspace: built by npm in the working copy, its schema pushed, six applications reloaded by pm2.

use super::*;

const COPY: &str = "/home/plugspace/plugspace";
const PAGE: &str = "http://localhost:3000/";
const ALL: [&str; 6] = ["api", "voice", "worker", "frontend", "studio", "admin"];

#[test]
fn releases_of_plugspace() {
    let machine = Machine::boot_as("plugspace", "it-plugspace-releases");
    let first = head(&machine, COPY);
    guarded(&machine);
    let second = good(&machine, &first);
    bad_build(&machine);
    bad_start(&machine);
    back(&machine, &first, &second);
    assert_eq!(instances(&machine).len(), 11);
}

/// Waits until pm2 answers as fast as on a host that does nothing else: other tests may keep this machine busy.
fn quiet(machine: &Machine) {
    let ask =
        "runuser -u plugspace -- env -i HOME=/home/plugspace PATH=/usr/local/bin:/usr/bin:/bin timeout 1 pm2 jlist";
    machine.sh(&format!("for n in $(seq 200); do ! {ask} >/dev/null || break; sleep 1; done"));
}

fn release(machine: &Machine, words: &str) -> (Came, Value) {
    quiet(machine);
    super::release(machine, words)
}

fn planned(machine: &Machine, words: &str) -> Value {
    quiet(machine);
    super::planned(machine, words)
}

fn each(outcome: &str) -> String {
    ALL.map(|name| format!("plugspace-{name} {outcome}")).join(", ")
}

fn push_it(machine: &Machine, edit: &str, subject: &str) -> String {
    push(machine, "plugspace", edit, subject)
}

fn titled(title: &str) -> String {
    format!("sed -i 's/(\"[^\"]*\");$/(\"{title}\");/' apps/landing/server.js")
}

/// Name and process of each instance that is online.
fn instances(machine: &Machine) -> Vec<String> {
    let list = "runuser -u plugspace -- env -i HOME=/home/plugspace PATH=/usr/local/bin:/usr/bin:/bin PM2_SILENT=true pm2 jlist";
    let query = "jq -r '.[] | select(.pm2_env.status == \"online\") | \"\\(.name) \\(.pid)\"'";
    machine.sh(&format!("{list} | {query} | sort")).lines().map(str::to_owned).collect()
}

/// The schema may change, so there must be a backup of the last day, or a word that there need not be.
fn guarded(machine: &Machine) {
    let before = state(machine);
    for words in ["redeploy -y", "redeploy --dry-run"] {
        let said = refused(machine, words, 5);
        assert!(said.contains("backup: there is none in /home/plugspace/backups, and the schema may change"), "{said}");
    }
    machine
        .sh("echo dump > /home/plugspace/backups/mongo.gz; touch -d '30 hours ago' /home/plugspace/backups/mongo.gz");
    let said = refused(machine, "redeploy -y", 5);
    assert!(said.contains("the newest in /home/plugspace/backups is 30 h old, and the schema may change"), "{said}");
    planned(machine, "redeploy --old-backup");
    machine.sh("touch -d '1 hour ago' /home/plugspace/backups/mongo.gz");
    planned(machine, "redeploy");
    assert_eq!(state(machine), before);
}

/// Everything of the repository runs as its owner, and every instance is a new one.
fn good(machine: &Machine, first: &str) -> String {
    let before = instances(machine);
    let edit = format!(
        "sed -i 's|\"build\": \".*\"|\"build\": \"id -un >> /tmp/built\"|; s|\"db:push\": \".*\"|\"db:push\": \"id -un >> /tmp/pushed\"|' package.json; {}",
        titled("Plugspace two")
    );
    let second = push_it(machine, &edit, "Landing: second version");
    let plan = planned(machine, "redeploy");
    assert_eq!((&plan["from"]["revision"], &plan["to"]["revision"]), (&first.into(), &second.as_str().into()));
    let (done, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(done, came(0, "done", &each("done"), ""), "{document:#}");
    let move_ = format!("check out {}", &second[..12]);
    let wanted = ["fetch the new version", &move_, "install dependencies", "build", "push the schema to MongoDB"];
    assert_eq!(titles(&document), wanted);
    assert!(document["steps"].as_array().unwrap().iter().all(|step| step["user"] == "plugspace"), "{document:#}");
    assert_eq!(machine.sh("cat /tmp/built /tmp/pushed"), "plugspace\nplugspace\n");
    assert!(page(machine, PAGE).contains("Plugspace two"));
    assert_eq!((head(machine, COPY), &document["to"]["revision"]), (second.clone(), &second.as_str().into()));
    let now = instances(machine);
    assert_eq!(now.len(), before.len());
    assert!(now.iter().all(|instance| !before.contains(instance)), "{before:?}\n{now:?}");
    second
}

/// J2: what does not install, build or fit the schema never serves; the files go back.
fn bad_build(machine: &Machine) {
    let before = (instances(machine), head(machine, COPY));
    for (edit, wanted) in [
        (
            "sed -i 's|\"private\"|\"dependencies\": {\"left-pad\": \"1.3.0\"}, \"private\"|' package.json",
            "install dependencies: exit 1",
        ),
        ("sed -i 's|\"build\": \"|\"build\": \"exit 7; |' package.json", "build: exit 7"),
        ("sed -i 's|\"db:push\": \"|\"db:push\": \"exit 9; |' package.json", "push the schema to MongoDB: exit 9"),
    ] {
        push_it(machine, edit, "Bad");
        let (failed, document) = release(machine, "redeploy -y --settle 500ms");
        assert_eq!(failed, came(1, "unswitched", "", ""), "{document:#}");
        let reason = document["reason"].as_str().unwrap();
        assert!(reason.starts_with(wanted) && reason.ends_with("the running version was not changed"), "{reason}");
        assert_eq!((instances(machine), head(machine, COPY)), before, "{reason}");
        push_it(machine, "git revert -n HEAD", "Mended");
    }
}

/// J3: what does not run is taken back, with its last words kept; left where that is wanted.
fn bad_start(machine: &Machine) {
    push_it(machine, &titled("Plugspace three"), "Landing: third version");
    let (done, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(done.code, 0, "{document:#}");
    let third = head(machine, COPY);
    // What is written right before the end of a clustered process is lost by pm2 itself.
    let edit = "sed -i '1i console.error(\"no such queue\"); setTimeout(() => process.exit(3), 100);' apps/server/dist/index.js";
    let broken = push_it(machine, edit, "Does not start");
    let (failed, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!((failed.code, failed.outcome.as_str()), (9, "rolled_back"), "{document:#}");
    let targets =
        each("not_tried").replace("api not_tried, plugspace-voice not_tried", "api done, plugspace-voice failed");
    assert_eq!(
        (failed.targets, failed.restored.as_str()),
        (targets.clone(), "plugspace-api done, plugspace-voice done"),
        "{document:#}"
    );
    assert!(document["targets"][1]["log"].to_string().contains("no such queue"), "{document:#}");
    assert_eq!(head(machine, COPY), third);
    machine.sh("curl -sf localhost:4001/health; curl -sf localhost:4000/health");

    let (failed, document) = release(machine, "redeploy -y --settle 500ms --no-rollback");
    assert_eq!(failed, came(1, "bad", &targets, ""), "{document:#}");
    assert_eq!(head(machine, COPY), broken);
    let (done, document) = release(machine, "rollback -y --settle 500ms");
    assert_eq!(done, came(0, "done", &each("done"), ""), "{document:#}");
    assert_eq!((head(machine, COPY), &document["to"]["revision"]), (third.clone(), &third.as_str().into()));
    machine.sh("curl -sf localhost:4001/health; curl -sf localhost:4000/health");
}

/// Back to a version of before; J4: one that is gone is refused before anything is touched.
fn back(machine: &Machine, first: &str, second: &str) {
    let (done, document) =
        release(machine, &format!("rollback plugspace-frontend -y --settle 500ms --to {}", &second[..9]));
    assert_eq!(done, came(0, "done", "plugspace-frontend done", ""), "{document:#}");
    assert!(page(machine, PAGE).contains("Plugspace two"));
    let record = "/var/lib/opsctl/plugspace.releases.jsonl";
    machine.sh(&format!("sed -i s/{first}/{}/g {record}", "f".repeat(40)));
    let before = state(machine);
    let said = refused(machine, "rollback -y --to ffffffff", 5);
    assert!(said.contains("commit ffffffffffff is no longer in the repository"), "{said}");
    assert_eq!(state(machine), before);
    let listed = machine.sh("opsctl rollback --list");
    assert!(listed.lines().any(|line| line.starts_with("ffffffffffff") && line.contains("missing")), "{listed}");
}
