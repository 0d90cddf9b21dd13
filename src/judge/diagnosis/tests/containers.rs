//! Clues about containers, their databases and their files, on evidence made by hand.

use super::*;
use crate::host::tools::docker::{ContainerState, Identity};
use crate::observe::clues::FileFound;
use crate::registry::{Compose, Database, Ending, FileClue, Query, Share, Shows};

/// A unit around a compose project.
static WRAPPED: Service = Service::new("wrapped", &LATER).summary("works").severity_reason("r").managers(&[
    Manager::Systemd(Unit::new("wrapped.service")),
    Manager::Compose(Compose::new("app").project("place")),
]);
static PROBE: Http = Http::get(1000, "/health", &[]);
static ASKED: Query = Query::new(&WRAPPED, Database::Own, "SELECT 1");
static YARD: Deployment =
    Deployment::new("yard", &[&URGENT, &LATER], &[&WRAPPED], HostChecks::new(&LATER)).summary("s").failures(&[]);

fn app(status: &str, exit_code: i64, oom_killed: bool) -> ContainerState {
    ContainerState {
        id: "0a1b".to_owned(),
        identity: Identity {
            name: "place-app-1".to_owned(),
            project: "place".to_owned(),
            service: "app".to_owned(),
            swarm: String::new(),
        },
        image: "app:1".to_owned(),
        image_id: "sha256:00".to_owned(),
        restarts: 0,
        status: status.to_owned(),
        exit_code,
        oom_killed,
        error: String::new(),
        pid: 0,
        started: None,
        finished: None,
        health: Some("unhealthy".to_owned()),
        created: None,
        policy: String::new(),
        memory_bytes: None,
        surroundings: None,
        bounds: None,
        history: None,
    }
}

fn with(containers: Result<Vec<ContainerState>, Trouble>, clues: &Clues, clue: &Clue) -> Conclusion {
    let services = YARD.services.to_vec();
    let units = ok("systemctl show", vec![unit("wrapped.service", "active", "running")]);
    let containers = Answer { command: "docker inspect".into(), result: containers };
    let managers = ManagerEvidence { units: Some(units), containers: Some(containers), ..ManagerEvidence::default() };
    let evidence =
        Evidence { time: now(), managers, replies: vec![Vec::new()], holders: vec![Holder::Own], host: None };
    let health = health::judge(&YARD, &services, &evidence);
    let case =
        Case { deployment: &YARD, services: &services, evidence: &evidence, health: &health, clues, backups: None };
    case.outcome(clue, Some(&WRAPPED))
}

#[test]
fn a_container_beneath_a_unit_ends_for_both() {
    let clues = Clues::default();
    let ask = |container: ContainerState, clue: &Clue| with(Ok(vec![container]), &clues, clue);
    assert!(ask(app("exited", 137, true), &Clue::Ended(Ending::OutOfMemory)).is_proven());
    assert!(ask(app("exited", 1, false), &Clue::Ended(Ending::OutOfMemory)).is_ruled_out());
    assert!(ask(app("exited", 1, false), &Clue::Ended(Ending::Exit(&[1]))).is_proven());
    assert!(ask(app("running", 0, false), &Clue::HealthCheckFails).is_proven());
    assert_eq!(
        ask(app("restarting", 1, false), &Clue::Container(&["restarting"])),
        Proven(vec![Fact::new("docker inspect place-app-1", "restarting, exit 1").ran(&"docker inspect".into())])
    );
    assert!(ask(app("running", 0, false), &Clue::Container(&["paused", "exited"])).is_ruled_out());
    let hung = with(Err(Trouble::TimedOut(Duration::from_secs(2))), &clues, &Clue::Ended(Ending::OutOfMemory));
    assert!(matches!(hung, Unknown(_)));
    // Where no engine runs, the unit alone says how it ended.
    let gone = with(Err(Trouble::Unavailable("no engine".into())), &clues, &Clue::Ended(Ending::Exit(&[203])));
    assert!(gone.is_ruled_out());
}

#[test]
fn what_a_user_of_a_container_may_not_read() {
    let found = |uid: u32, gid: u32, mode: u32, is_dir: bool| {
        let found = FileFound { mode, owner: uid.to_string(), uid, gid, size: 1, changed: None, is_dir };
        let clues = Clues { files: [("/x", ok("ls -ld /x", Some(found)))].into(), ..Clues::default() };
        with(Ok(Vec::new()), &clues, &Clue::File("/x", FileClue::ClosedTo(1001))).is_proven()
    };
    assert!(!found(1001, 0, 0o600, false));
    assert!(found(1000, 1000, 0o600, false));
    assert!(!found(1000, 1001, 0o640, false));
    assert!(!found(1000, 1000, 0o644, false));
    // A directory must be entered as well.
    assert!(found(1000, 1000, 0o744, true) && !found(1000, 1000, 0o755, true) && !found(1001, 0, 0o700, true));
    let none = Clues { files: [("/x", ok("ls -ld /x", None))].into(), ..Clues::default() };
    assert!(with(Ok(Vec::new()), &none, &Clue::File("/x", FileClue::ClosedTo(1001))).is_ruled_out());
}

#[test]
fn times_and_shares_in_answers() {
    let http = |body: &str| ok("curl", Reply::Http { status: 200, body: body.to_owned() });
    let since = |body: &str| {
        let clues = Clues { gets: vec![(&PROBE, http(body))], ..Clues::default() };
        with(Ok(Vec::new()), &clues, &Clue::LongAgo(&PROBE, "last.job", 600))
    };
    let ago = |seconds: i64| format!(r#"{{"last":{{"job":{}}}}}"#, (now().as_second() - seconds) * 1000);
    assert_eq!(since(&ago(601)), Proven(vec![Fact::new("curl", "last.job was 10m1s ago")]));
    assert!(since(&ago(600)).is_ruled_out());
    assert!(matches!(since("{}"), Unknown(_)));
    let share = |body: &str| replies::heard(&http(body), &Heard::Part(Share::above(50).part("failed").whole("all")));
    assert!(share(r#"{"failed":3,"all":5}"#).is_proven());
    assert!(share(r#"{"failed":0,"all":0}"#).is_ruled_out());
    assert!(matches!(share(r#"{"failed":3}"#), Unknown(_)));
}

#[test]
fn a_database_that_cannot_be_asked_is_unknown() {
    let asked = |result: Result<String, Trouble>| {
        let answer = Answer { command: "docker exec db psql".into(), result };
        let clues = Clues { queries: vec![(&ASKED, answer)], ..Clues::default() };
        with(Ok(Vec::new()), &clues, &Clue::Query(&ASKED, Shows::Above(0.0)))
    };
    assert!(asked(Ok("3\n".to_owned())).is_proven());
    assert!(asked(Ok("0\n".to_owned())).is_ruled_out());
    assert!(matches!(asked(Ok(String::new())), Unknown(_)));
    assert!(matches!(asked(Err(Trouble::Failed("exit 2".into()))), Unknown(_)));
}
