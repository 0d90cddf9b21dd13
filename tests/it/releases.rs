//! `redeploy` and `rollback`, transcribed: out of a git checkout (prim), and with an image that is loaded (fondation). Ring 3
//! shows the same with real git, images and managers.

use crate::actions::{act, told};
use crate::machine::{Machine, Run, needs_root};
use crate::transcript::compare;
use crate::{prim, servers};

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";
const OLD: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NEW: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// Without what differs with the machine: free space, and lines that only a slow run prints.
fn masked(run: Run) -> Run {
    let mut run = told(run);
    let slow = regex::Regex::new(r"(?m)^ +took [\d.]+ s\n").unwrap();
    run.stderr = slow.replace_all(&run.stderr, "").into_owned();
    let room = regex::Regex::new(r"[\d.]+ GiB free").unwrap();
    run.stdout = room.replace_all(&run.stdout, "[N] GiB free").into_owned();
    run
}

fn commit(revision: &str, subject: &str) -> String {
    format!("{revision}\0Ada Deploy\x002026-11-22T05:00:00Z\0{subject}\n")
}

/// A prim host at its first version, whose origin has a second. Needs root.
pub fn checkout() -> Machine {
    needs_root();
    let machine = prim::two();
    prim::files(&machine);
    machine.able(&[]);
    machine.dir("/var/log");
    machine.dir("/var/lib");
    machine.old_file("/opt/prim/.git/logs/HEAD", "2026-11-22T01:00:00Z", "");
    let status = format!("# branch.oid {ONE}\n# branch.head main\n");
    machine.answer("git-status", &status);
    machine.answer("git-ls-remote", &format!("{TWO}\trefs/heads/main\n"));
    machine.answer("git-cat-file", &format!("{ONE}\n{TWO}\n"));
    for verb in ["fetch", "merge", "reset"] {
        machine.answer(&format!("git-{verb}"), "");
    }
    machine.answer("git-log", &commit(TWO, "Track: second version"));
    machine.only_after("git-merge", "git-log");
    machine.answer("git-log", &commit(ONE, "Release"));
    machine.only_after("git-reset", "git-log");
    machine.answer("git-log", &commit(ONE, "Release"));
    machine.answer("pnpm", "");
    machine.answer(&act("reset-failed"), "");
    restarts(&machine);
    machine
}

/// A restart gives each unit another run.
fn restarts(machine: &Machine) {
    machine.answer(&act("restart"), "");
    for unit in ["prim-wallet.service", "prim-store.service"] {
        machine.changes_unit(&act("restart"), unit, &[("ActiveEnterTimestamp", "@1795325400")]);
    }
}

const BOTH: [&str; 5] = ["wallet", "store", "-y", "--settle", "100ms"];

fn redeploy(machine: &Machine, more: &[&str]) -> Run {
    machine.run(["redeploy"].iter().chain(&BOTH).chain(more))
}

#[test]
#[ignore = "needs root"]
fn a_version_out_of_git_is_shown_brought_listed_and_taken_back() {
    let machine = checkout();
    let plan = machine.run(["redeploy", "wallet", "store", "--dry-run"]);
    assert!(!machine.path("/var/lib/opsctl").exists() && !machine.path("/run/opsctl").exists());
    let runs = [
        plan,
        machine.run(["redeploy", "wallet", "store"]),
        redeploy(&machine, &[]),
        machine.run(["rollback", "--list"]),
        machine.run(["rollback", "--list", "-o", "json"]),
        machine.run(["rollback", "wallet", "store", "--dry-run"]),
        machine.run(["rollback"].iter().chain(&BOTH).chain(&["-o", "json"])),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [0, 5, 0, 0, 0, 0, 0]);
    compare("release_git", &runs.map(masked));
}

#[test]
#[ignore = "needs root"]
fn j1_j4_what_stands_against_a_version_is_said_before_anything_is_done() {
    let machine = checkout();
    let mut runs = vec![machine.run(["rollback", "-y"]), machine.run(["rollback", "-y", "--to", "-x"])];
    machine.answer(
        "git-status",
        &format!(
            "# branch.oid {ONE}\n# branch.head hotfix\n1 .M N... 100644 100644 100644 {ONE} {ONE} site/serve.ts\n"
        ),
    );
    runs.push(redeploy(&machine, &[]));
    runs.push(redeploy(&machine, &["-o", "json"]));
    machine.answer("git-status", &format!("# branch.oid {ONE}\n# branch.head main\n"));
    machine.answer_with("git-ls-remote", "", "fatal: could not read Username\n", 128);
    runs.push(redeploy(&machine, &[]));
    machine.uninstall("git");
    runs.push(redeploy(&machine, &[]));
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [5, 2, 5, 5, 4, 4]);
    assert!(!machine.path("/var/lib/opsctl").exists() && !machine.path("/run/opsctl").exists());
    compare("release_refused", &runs.into_iter().map(masked).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs root"]
fn j2_a_version_that_does_not_build_never_serves() {
    let machine = checkout();
    // What was built before builds again.
    machine.only_after("git-reset", "pnpm");
    machine.answer_with("pnpm", "Lockfile is up to date\n", " ERR_PNPM_NO_MATCHING_VERSION  No matching version\n", 1);
    let run = redeploy(&machine, &[]);
    assert_eq!(run.code, 1);
    compare("release_unbuilt", &[masked(run)]);
}

#[test]
#[ignore = "needs root"]
fn j3_a_version_that_does_not_run_is_taken_back() {
    let machine = checkout();
    machine.only_after("git-reset", &act("restart"));
    machine.answer(&act("restart"), "");
    machine.changes_unit(&act("restart"), "prim-wallet.service", &prim::CRASH_LOOP);
    machine.journal(
        "2026-11-22T05:30:00Z",
        "prim-wallet.service",
        &[("MESSAGE", b"no such table: quotas"), ("PRIORITY", b"3"), ("_PID", b"90")],
    );
    let run = redeploy(&machine, &[]);
    assert_eq!(run.code, 9);
    compare("release_taken_back", &[masked(run)]);
}

fn container(image: &str) -> String {
    format!(
        r#"{{"id":"abc","name":"/fondation-worker-1","image":"fondation-worker:latest","image_id":"{image}","restarts":0,"status":"running","exit_code":0,"oom_killed":false,"error":"","pid":42,"started":"2026-11-22T02:00:00Z","finished":"0001-01-01T00:00:00Z","health":"healthy","project":"fondation","service":"worker","swarm":null}}"#
    )
}

fn images(named: &[(&str, &str)]) -> String {
    named.iter().fold(String::new(), |rows, (tag, id)| rows + id + " fondation-worker:" + tag + "\n")
}

/// A fondation host with an archive of a second version. Needs root.
fn image() -> Machine {
    needs_root();
    let machine = Machine::new();
    for dir in ["/srv/fondation", "/var/log", "/var/lib/docker"] {
        machine.dir(dir);
    }
    machine.file("/srv/fondation/.env", "CONVEX_URL=https://happy-otter-123.convex.cloud\n");
    machine.file("/root/two.tar", "an archive");
    let unit = "Id=fondation-worker.service\nNames=fondation-worker.service\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=41\nNRestarts=0\nResult=success\nUnitFileState=enabled\nNeedDaemonReload=no\nConditionResult=yes\nActiveEnterTimestamp=@1795316946\nWorkingDirectory=/srv/fondation\nRestart=always\n";
    machine.unit("fondation-worker.service", unit);
    machine.able(&[]);
    machine.answer(
        "docker-ps",
        r#"{"id":"abc","name":"fondation-worker-1","project":"fondation","service":"worker","swarm":"","state":"running","status":"Up 2 hours (healthy)"}"#,
    );
    machine.container("abc", &container(OLD));
    machine.container("fondation-worker-1", &container(OLD));
    let answer = |path: &str| match path {
        "/health" => (200, r#"{"status":"healthy","activeJobs":0,"memory":{"percentUsed":40}}"#.to_owned()),
        _ => (200, r#"{"jobs_total":7}"#.to_owned()),
    };
    machine.serve(8080, servers::http(answer));
    machine.answer("docker-image-load", "Loaded image: fondation-worker:latest\n");
    machine.answer("docker-image-tag", "");
    machine.answer("docker-image-ls", &images(&[("latest", NEW), ("previous", OLD)]));
    machine.only_after("docker-image-load", "docker-image-ls");
    machine.answer("docker-image-ls", &images(&[("latest", OLD), ("previous", OLD)]));
    machine.only_after("docker-image-tag", "docker-image-ls");
    machine.answer("docker-image-ls", &images(&[("latest", OLD)]));
    machine.answer(&act("reset-failed"), "");
    machine.answer(&act("restart"), "");
    for name in ["abc", "fondation-worker-1"] {
        machine.changes_container(&act("restart"), name, &container(NEW));
    }
    machine
}

fn load(machine: &Machine, more: &[&str]) -> Run {
    let file = machine.path("/root/two.tar");
    let words = ["redeploy", "--load", file.to_str().unwrap()];
    let mut run = machine.run(words.iter().chain(more));
    run.args[2] = "/root/two.tar".into();
    run
}

#[test]
#[ignore = "needs root"]
fn an_image_is_kept_loaded_and_seen_to_run() {
    let machine = image();
    let runs = [
        machine.run(["rollback", "--list"]),
        machine.run(["rollback", "-y"]),
        load(&machine, &["--dry-run"]),
        load(&machine, &["-y", "--settle", "100ms", "-o", "json"]),
        machine.run(["rollback", "--list"]),
        machine.run(["rollback", "--list", "-o", "name"]),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [0, 5, 0, 0, 0, 0]);
    machine.answer("docker-image-ls", &images(&[("latest", NEW)]));
    let gone = [machine.run(["rollback", "-y"]), machine.run(["rollback", "--list"])];
    assert_eq!(gone.each_ref().map(|run| run.code), [5, 0]);
    compare("release_image", &runs.into_iter().chain(gone).map(masked).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs root"]
fn c7_an_image_that_cannot_be_had_leaves_what_runs_alone() {
    let machine = image();
    machine.answer("docker-image-load", "Loaded image: shop:latest\n");
    machine.answer_with("docker-image-pull", "", "dial tcp: lookup registry-1.docker.io: connection refused\n", 1);
    let runs = [
        load(&machine, &["-y"]),
        machine.run(["redeploy", "--pull", "-y"]),
        machine.run(["redeploy", "--pull=-x", "-y"]),
        machine.run(["redeploy", "--pull=r.example/w:3", "--load", "/etc/hostname", "-y"]),
    ];
    assert_eq!(runs.each_ref().map(|run| run.code), [1, 1, 2, 2]);
    compare("release_image_not_had", &runs.map(masked));
}
