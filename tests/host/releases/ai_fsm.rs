//! ai-fsm: images built on the host out of a checkout, and migrations of its database.

use super::*;

const COPY: &str = "/home/pi/ai-fsm";
const WEB: &str = "http://localhost:3000/";
const TAGS: [&str; 4] = ["ai-fsm-web:local", "ai-fsm-web:previous", "ai-fsm-worker:local", "ai-fsm-worker:previous"];

#[test]
fn releases_of_ai_fsm() {
    let machine = Machine::boot_as("ai-fsm", "it-ai-fsm-releases");
    let first = head(&machine, COPY);
    let second = good(&machine, &first);
    migrations(&machine);
    bad_migration(&machine);
    bad_build(&machine);
    bad_start(&machine);
    gone(&machine, &second);
    without_container(&machine);
    swept(&machine);
}

fn push_fsm(machine: &Machine, edit: &str, subject: &str) -> String {
    push(machine, "ai-fsm", edit, subject)
}

/// An edit that makes the page say this.
fn titled(title: &str) -> String {
    format!("sed -i 's|<title>[^<]*</title>|<title>{title}</title>|' apps/web/index.js")
}

fn sql(machine: &Machine, query: &str) -> String {
    machine.sh(&format!("docker exec ai-fsm-postgres psql -XAt -U ai_fsm ai_fsm -c \"{query}\"")).trim().to_owned()
}

fn images(machine: &Machine) -> [String; 4] {
    TAGS.map(|tag| tagged(machine, tag))
}

/// The images of a document's version.
fn of_version(document: &Value, field: &str) -> [String; 2] {
    ["ai-fsm-web:local", "ai-fsm-worker:local"]
        .map(|tag| document[field]["images"][tag].as_str().unwrap_or_default().to_owned())
}

fn backup(machine: &Machine, age: &str) {
    machine.sh(&format!("echo dump > /home/pi/backups/ai_fsm_1.dump; touch -d '{age}' /home/pi/backups/ai_fsm_1.dump"));
}

/// A plan changes nothing; a new version runs, is seen to, and the one before keeps its name.
fn good(machine: &Machine, first: &str) -> String {
    let before = images(machine);
    assert_eq!(before.clone().map(|id| id.is_empty()), [false, true, false, true]);
    let second = push_fsm(machine, &titled("AI-FSM two"), "Web: second version");
    assert!(refused(machine, "redeploy", 5).contains("there is no terminal to ask"));
    let plan = planned(machine, "redeploy");
    assert_eq!((&plan["from"]["revision"], &plan["to"]["revision"]), (&first.into(), &second.as_str().into()));
    assert!(refused(machine, "rollback -y", 5).contains("no earlier version is recorded"));

    // No backup is needed for a version without migrations.
    let (done, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(done, came(0, "done", "web done, worker done", ""), "{document:#}");
    let users: Vec<_> = document["steps"].as_array().unwrap().iter().map(|step| step["user"].as_str()).collect();
    let (root, pi) = (None, Some("pi"));
    assert_eq!(users, [root, root, pi, pi, pi, pi], "{document:#}");
    assert!(page(machine, WEB).contains("AI-FSM two"));
    assert_eq!(head(machine, COPY), second);
    let now = images(machine);
    // The worker's sources are as they were, so its image is too.
    assert_eq!((&now[1], &now[2], &now[3]), (&before[0], &before[2], &before[2]));
    assert_eq!(of_version(&document, "to"), [now[0].clone(), now[2].clone()]);
    assert_eq!([runs(machine, "ai-fsm-web"), runs(machine, "ai-fsm-worker")], of_version(&document, "to"));
    assert_eq!(of_version(&document, "from"), [before[0].clone(), before[2].clone()]);
    second
}

/// New files are applied once each, as the container's own role; seeds never, and what has changed since is only told.
fn migrations(machine: &Machine) {
    let note = "CREATE TABLE note (n int); INSERT INTO note VALUES (1);";
    let edit = format!(
        "echo '{note}' > db/migrations/007_note.sql; echo 'DROP TABLE users;' > db/migrations/008_seed_more.sql
         echo 'not SQL' > db/migrations/README.md; {}",
        titled("AI-FSM three")
    );
    push_fsm(machine, &edit, "Notes");
    backup(machine, "25 hours ago");
    let (before, containers) = (images(machine), runs(machine, "ai-fsm-web"));
    let at = head(machine, COPY);
    let (failed, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(failed, came(5, "refused", "", ""), "{document:#}");
    let reason = document["reason"].as_str().unwrap();
    assert!(reason.starts_with("the new version has migrations (007_note.sql) and "), "{reason}");
    assert_eq!((head(machine, COPY), images(machine), runs(machine, "ai-fsm-web")), (at, before, containers));
    assert_eq!(sql(machine, "SELECT to_regclass('note')"), "");
    // One from the future is no backup of the last day.
    backup(machine, "tomorrow");
    assert_eq!(release(machine, "redeploy -y --settle 500ms").0.code, 5);

    backup(machine, "1 hour ago");
    let (done, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(done.code, 0, "{document:#}");
    assert!(titles(&document).contains(&"apply 007_note.sql"), "{document:#}");
    let query = "SELECT tableowner, (SELECT sum(n) FROM note), (SELECT count(*) FROM users) FROM pg_tables WHERE tablename = 'note'";
    assert_eq!(sql(machine, query), "ai_fsm|1|2");
    assert!(page(machine, WEB).contains("AI-FSM three"));

    // The same again, and with an old file changed.
    let (done, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!((done.code, sql(machine, query).as_str()), (0, "ai_fsm|1|2"));
    assert!(!titles(&document).iter().any(|title| title.starts_with("apply")), "{document:#}");
    push_fsm(machine, "echo 'INSERT INTO note VALUES (5);' >> db/migrations/007_note.sql", "Changed afterwards");
    let ran = machine.run(&["opsctl", "redeploy", "-y", "--settle", "500ms"]);
    assert_eq!((ran.code, sql(machine, query).as_str()), (0, "ai_fsm|1|2"), "{ran:#?}");
    assert!(ran.stderr.contains("007_note.sql has changed since it was applied; it is not applied again"), "{ran:#?}");

    // Without a backup of the last day, where the operator says so.
    backup(machine, "3 days ago");
    push_fsm(machine, "echo 'INSERT INTO note VALUES (10);' > db/migrations/009_more.sql", "More");
    assert_eq!(release(machine, "redeploy -y --settle 500ms").0.code, 5);
    let (done, document) = release(machine, "redeploy -y --settle 500ms --old-backup");
    assert_eq!((done.code, sql(machine, query).as_str()), (0, "ai_fsm|11|2"), "{document:#}");
    assert_eq!(sql(machine, "SELECT count(*) FROM pg_largeobject_metadata"), "0");
}

/// A migration that fails stops all of it before the switch, with the database, the tags and the files as they were.
fn bad_migration(machine: &Machine) {
    backup(machine, "1 hour ago");
    let before = (images(machine), runs(machine, "ai-fsm-web"), head(machine, COPY));
    let edit = format!(
        "echo 'CREATE TABLE half (n int); SELECT 1 / 0;' > db/migrations/010_half.sql; {}",
        titled("AI-FSM half")
    );
    push_fsm(machine, &edit, "Half");
    let (failed, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(failed, came(1, "unswitched", "", ""), "{document:#}");
    let reason = document["reason"].as_str().unwrap();
    assert!(reason.starts_with("apply 010_half.sql: "), "{reason}");
    assert!(reason.contains("division by zero") && reason.ends_with("the running version was not changed"), "{reason}");
    assert_eq!(sql(machine, "SELECT to_regclass('half')"), "");
    assert_eq!((images(machine), runs(machine, "ai-fsm-web"), head(machine, COPY)), before);
    assert!(page(machine, WEB).contains("AI-FSM three"));
    push_fsm(machine, "git rm -q db/migrations/010_half.sql", "Without it");
    let (done, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(done.code, 0, "{document:#}");
    assert!(page(machine, WEB).contains("AI-FSM half"));
}

/// J2: what does not build leaves everything as it was, the names of images too.
fn bad_build(machine: &Machine) {
    let before = (images(machine), runs(machine, "ai-fsm-web"), head(machine, COPY));
    push_fsm(machine, "echo 'COPY nothing /app/' >> apps/web/Dockerfile", "Does not build");
    let (failed, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(failed, came(1, "unswitched", "", ""), "{document:#}");
    let reason = document["reason"].as_str().unwrap();
    assert!(reason.starts_with("build the images of web and worker: exit "), "{reason}");
    assert_eq!((images(machine), runs(machine, "ai-fsm-web"), head(machine, COPY)), before);
    push_fsm(machine, "git revert -n HEAD", "Builds again");
}

/// J3: what does not run is taken back by itself; left as it is where that is wanted, until it is rolled back.
fn bad_start(machine: &Machine) {
    let (done, _) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(done.code, 0);
    let before = (images(machine), runs(machine, "ai-fsm-web"), head(machine, COPY));
    let edit = "sed -i '1i console.error(\"[startup] no quota\"); process.exit(3);' apps/web/index.js";
    let broken = push_fsm(machine, edit, "Does not start");
    let (failed, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!((failed.code, failed.outcome.as_str()), (9, "rolled_back"), "{document:#}");
    assert!(failed.targets.starts_with("web failed") && failed.restored.starts_with("web done"), "{failed:?}");
    assert!(document["targets"][0]["log"].to_string().contains("[startup] no quota"), "{document:#}");
    assert_eq!((images(machine), runs(machine, "ai-fsm-web"), head(machine, COPY)), before);
    assert!(page(machine, WEB).contains("AI-FSM half"));
    machine.sh("opsctl status");

    let (failed, _) = release(machine, "redeploy -y --settle 500ms --no-rollback");
    assert_eq!((failed.code, failed.outcome.as_str(), failed.restored.as_str()), (1, "bad", ""));
    assert_eq!(head(machine, COPY), broken);
    assert_ne!(runs(machine, "ai-fsm-web"), before.1);
    let (done, document) = release(machine, "rollback -y --settle 500ms");
    assert_eq!(done, came(0, "done", "web done, worker done", ""), "{document:#}");
    assert_eq!((runs(machine, "ai-fsm-web"), head(machine, COPY)), (before.1, before.2));
    push_fsm(machine, "git revert -n HEAD", "Starts again");
}

/// J4: what was swept away is refused before anything stops, and listed as gone.
fn gone(machine: &Machine, second: &str) {
    push_fsm(machine, &titled("AI-FSM four"), "Web: fourth version");
    let (done, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(done.code, 0, "{document:#}");
    let words = format!("rollback -y --settle 500ms --to {}", &second[..10]);
    machine.sh("docker image prune -f >/dev/null");
    let before = state(machine);
    let said = refused(machine, &words, 5);
    assert!(said.contains("of ai-fsm-web:local no longer exists; it was probably pruned"), "{said}");
    assert_eq!(state(machine), before);
    let listed = machine.sh("opsctl rollback --list");
    let row = listed.lines().find(|line| line.contains("Web: second version")).unwrap();
    assert!(row.contains("missing"), "{listed}");
    // The one before has its name, so it was not swept away.
    let (done, document) = release(machine, "rollback -y --settle 500ms");
    assert_eq!(done.code, 0, "{document:#}");
    assert!(page(machine, WEB).contains("AI-FSM half"));
}

/// A container that was removed by hand is made again.
fn without_container(machine: &Machine) {
    machine.sh("docker rm -f ai-fsm-web >/dev/null");
    let (done, document) = release(machine, "redeploy web -y --settle 500ms");
    assert_eq!(done, came(0, "done", "web done", ""), "{document:#}");
    assert!(page(machine, WEB).contains("AI-FSM four"));
}

/// J8: a signal at every step boundary. The services are up on the old or the new version, the next status tells, the same
/// again finishes it, and each migration was applied once.
fn swept(machine: &Machine) {
    backup(machine, "1 minute ago");
    sql(machine, "CREATE TABLE strike (n int)");
    let (mut points, mut number) = (0, 100);
    for signal in ["KILL", "HUP", "INT", "TERM"] {
        for n in 1.. {
            number += 1;
            let before = page(machine, WEB);
            let edit = format!(
                "echo 'INSERT INTO strike VALUES ({number});' > db/migrations/{number}_strike.sql; {}",
                titled(&format!("AI-FSM {number}"))
            );
            let wanted = push_fsm(machine, &edit, "Next");
            let hit = struck(machine, "redeploy -y --settle 200ms", signal, n);
            let served = page(machine, WEB);
            let new = served.contains(&format!("AI-FSM {number}<"));
            assert!(new || served == before, "{signal} at {n}: {served}");
            if !hit {
                assert!(new, "{}", machine.sh("cat /run/said"));
                break;
            }
            points += 1;
            let said = machine.sh("opsctl status web worker; opsctl lock status || true");
            let unfinished = said.contains("redeploy of ai-fsm (root) did not finish") || said.contains("redeploy of");
            // The last boundary is the release of the lock itself.
            assert!(unfinished || said.ends_with("free\n"), "{signal} at {n}: {said}");
            let (done, document) = release(machine, "redeploy -y --settle 200ms");
            assert_eq!((done.code, head(machine, COPY)), (0, wanted), "{signal} at {n}: {document:#}");
            assert!(page(machine, WEB).contains(&format!("AI-FSM {number}<")), "{signal} at {n}");
            assert_eq!(
                sql(machine, &format!("SELECT count(*) FROM strike WHERE n = {number}")),
                "1",
                "{signal} at {n}"
            );
            assert_eq!(machine.sh("opsctl lock status"), "free\n", "{signal} at {n}");
        }
    }
    assert_eq!(sql(machine, "SELECT count(*) = count(DISTINCT n) FROM strike"), "t");
    eprintln!("redeploy of ai-fsm: a signal at {points} step boundaries, each finished by the next run");
    assert!(points >= 4 * 9, "{points}");
}
