//! Two causes at once: both are found, and none takes the other's evidence.

use super::*;

fn both(change: impl FnOnce(&mut Made)) -> Vec<String> {
    let mut made = Made::well();
    made.replies[0] = silent();
    made.holders[0] = Holder::Nobody;
    change(&mut made);
    told(&made.diagnose())
}

fn keeper(made: &mut Made, active: &str, sub: &str, change: impl FnOnce(&mut UnitState)) {
    let mut unit = unit("keeper.service", active, sub);
    (unit.exit_kind, unit.exit_status) = (1, 1);
    change(&mut unit);
    made.units = Ok(vec![unit, super::unit("shop.service", "active", "running")]);
}

fn lacks_a_key(made: &mut Made) {
    let settings = Reading::of([("KEY", "a")]);
    let found = EnvFound { path: Some("/etc/keeper.env".into()), settings, ..EnvFound::default() };
    made.clues.env.insert("keeper", ok("ls", found));
}

fn no_env_file(made: &mut Made) {
    made.clues.env.insert("keeper", ok("ls", EnvFound::default()));
}

fn taken(made: &mut Made) {
    made.holders[0] = Holder::Other { pid: 7, name: "nc".to_owned() };
}

fn says(made: &mut Made, text: &str) {
    made.clues.said.insert("keeper", ok("opsctl logs keeper", vec![line(text)]));
}

#[test]
fn two_causes_of_one_service_are_both_found() {
    let found = both(|made| {
        keeper(made, "failed", "failed", |_| {});
        lacks_a_key(made);
        taken(made);
    });
    assert_eq!(found, ["ENV-KEY-MISSING keeper", "PORT-TAKEN keeper"]);
    let found = both(|made| {
        keeper(made, "failed", "failed", |unit| unit.result = "oom-kill".into());
        lacks_a_key(made);
    });
    assert_eq!(found, ["ENV-KEY-MISSING keeper", "OUT-OF-MEMORY keeper"]);
    let found = both(|made| {
        keeper(made, "failed", "failed", |_| {});
        taken(made);
        says(made, "write /var/lib/keeper/x: no space left on device");
    });
    assert_eq!(found, ["PORT-TAKEN keeper", "NO-SPACE keeper"]);
    let found = both(|made| {
        keeper(made, "failed", "failed", |_| {});
        no_env_file(made);
        says(made, "boom");
    });
    assert_eq!(found, ["BOOM keeper", "ENV-FILE-MISSING keeper"]);
    // A masked unit has no environment file that systemd would miss, and lacks it all the same.
    let found = both(|made| {
        keeper(made, "inactive", "dead", |unit| unit.load = "masked".into());
        no_env_file(made);
    });
    assert_eq!(found, ["ENV-FILE-MISSING keeper", "MASKED keeper"]);
}

/// The shop needs the keeper. What only says that it fails goes under the keeper's cause; a cause of its own does not.
#[test]
fn a_cause_of_its_own_is_not_taken_for_what_follows_from_another() {
    let found = both(|made| {
        keeper(made, "failed", "failed", |_| {});
        lacks_a_key(made);
        made.replies[1] = Reply::Http { status: 503, body: String::new() };
    });
    assert_eq!(found, ["ENV-KEY-MISSING keeper (BAD-ANSWER shop)"]);
    let found = both(|made| {
        keeper(made, "failed", "failed", |_| {});
        lacks_a_key(made);
        made.replies[1] = silent();
        made.holders[1] = Holder::Other { pid: 8, name: "nc".to_owned() };
    });
    assert_eq!(found, ["PORT-TAKEN shop", "ENV-KEY-MISSING keeper"]);
}

/// A taken port explains that its own service is stopped, and not that another is.
#[test]
fn what_one_service_has_does_not_explain_another_that_does_not_need_it() {
    let found = both(|made| {
        keeper(made, "inactive", "dead", |unit| (unit.exit_kind, unit.exit_status) = (0, 0));
        made.replies[1] = silent();
        made.holders[1] = Holder::Other { pid: 8, name: "nc".to_owned() };
    });
    assert_eq!(found, ["PORT-TAKEN shop", "STOPPED keeper"]);
}

/// Its log cannot be read: what it says is open, what is seen without it is found.
#[test]
fn what_hides_evidence_leaves_open_what_it_hides() {
    let mut made = Made::loops();
    lacks_a_key(&mut made);
    let unread = Answer { command: "opsctl logs keeper".into(), result: Err(Trouble::Unavailable("no engine".into())) };
    made.clues.said.insert("keeper", unread);
    let diagnosis = made.diagnose();
    assert!(told(&diagnosis)[0].starts_with("ENV-KEY-MISSING keeper"), "{:?}", told(&diagnosis));
    let open: Vec<&str> = diagnosis.doubts.iter().flat_map(|doubt| doubt.codes.iter().copied()).collect();
    assert!(open.contains(&"BOOM") && open.contains(&"NO-SPACE"), "{open:?}");
}
