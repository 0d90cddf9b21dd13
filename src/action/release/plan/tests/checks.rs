//! What is looked at before anything is done.

use super::*;

#[test]
fn j1_the_state_of_the_working_copy() {
    let with = |source: Result<Source, String>| Survey { source: Some(source), ..fsm() };
    let git = |change: fn(&mut Git)| {
        let mut source = copy(ONE, Some(NEW));
        source.git.as_mut().into_iter().for_each(change);
        with(Ok(source))
    };
    let refuse: &[(Survey, &str, Verdict, &str)] = &[
        (fsm(), "source", Verdict::Pass, "/srv/copy is at 111111111111 (Change)"),
        (fsm(), "origin", Verdict::Pass, "origin's main is at 333333333333"),
        (with(Ok(copy(NEW, Some(NEW)))), "origin", Verdict::Pass, "origin's main is at the same commit"),
        (with(Err("none of these exists: /a".into())), "source", Verdict::Fail, "none of these exists: /a"),
        (
            git(|git| git.status.as_mut().unwrap().branch = Some("hotfix".into())),
            "source",
            Verdict::Fail,
            "/srv/copy is on branch hotfix, not main",
        ),
        (
            git(|git| git.status.as_mut().unwrap().branch = None),
            "source",
            Verdict::Fail,
            "/srv/copy is on no branch, not on main",
        ),
        (
            git(|git| git.status.as_mut().unwrap().changed = ["a", "b", "c", "d", "e", "f"].map(String::from).into()),
            "tree",
            Verdict::Fail,
            "changed by hand: a, b, c, d, e and 1 more",
        ),
        (
            git(|git| git.status.as_mut().unwrap().unclear = vec!["big.bin".into()]),
            "tree",
            Verdict::Warn,
            "perhaps changed by hand (the check runs no filters of the repository): big.bin",
        ),
        (
            git(|git| git.status = Err(Trouble::Failed("exit 128".into()))),
            "source",
            Verdict::Unknown,
            "git in /srv/copy: exit 128",
        ),
        (
            git(|git| git.remote = Some(Err(Trouble::Failed("exit 128".into())))),
            "origin",
            Verdict::Unknown,
            "origin cannot be reached: exit 128",
        ),
    ];
    for (survey, what, verdict, summary) in refuse {
        only(survey, "ai-fsm", &new(), (what, *verdict, summary));
    }
}

#[test]
fn d12_what_was_delivered_without_git_can_only_go_back_by_its_images() {
    let bare = || Some(Ok(Source { git: None, ..copy(ONE, None) }));
    let said = "/srv/copy has no .git, so its revision is unknown";
    let back = Wanted::Earlier(None);
    only(&Survey { source: bare(), ..nothing() }, "prim", &new(), ("source", Verdict::Warn, said));
    only(&Survey { source: bare(), ..nothing() }, "prim", &back, ("source", Verdict::Fail, said));
    only(&Survey { source: bare(), ..fsm() }, "ai-fsm", &back, ("source", Verdict::Warn, said));
}

#[test]
fn images_must_be_there_or_come_and_be_ours() {
    let fondation = |named: &[(&str, &str)], swarm: &str| Survey {
        images: images(named, &[]),
        containers: Ok([("worker", container("worker", "sha256:aaaa", "fondation", swarm))].into()),
        ..nothing()
    };
    let check = |survey: &Survey, wanted: &Wanted, verdict, summary: &str| {
        only(survey, "fondation", wanted, ("images", verdict, summary));
    };
    let latest = "fondation-worker:latest";
    let same = fondation(&[(latest, "sha256:aaaa")], "");
    check(&same, &new(), Verdict::Warn, "fondation-worker:latest already runs");
    check(&fondation(&[(latest, "sha256:bbbb")], ""), &new(), Verdict::Pass, "fondation-worker:latest is bbbb");
    check(&fondation(&[], ""), &new(), Verdict::Fail, "there is no image fondation-worker:latest");
    assert_eq!(verdicts(&plan("fondation", &fondation(&[], ""), &Wanted::New(Delivery::Pull)), "images"), []);
    let hangs = Survey { images: Some(Err(Trouble::Failed("exit 1".into()))), ..nothing() };
    check(&hangs, &new(), Verdict::Unknown, "docker: exit 1");
    let unseen = Survey { containers: Err("no answer in 4.0 s".into()), ..same };
    let pulled = Wanted::New(Delivery::Pull);
    check(&unseen, &pulled, Verdict::Unknown, "containers cannot be listed: no answer in 4.0 s");
    let swarm = "container of worker: Docker Swarm runs it, most likely for Dokploy";
    let theirs = fondation(&[(latest, "sha256:aaaa")], "shop_worker");
    check(&theirs, &pulled, Verdict::Fail, swarm);
    let other = Survey { containers: Ok([("web", container("web", "sha256:aaaa", "", ""))].into()), ..fsm() };
    only(
        &other,
        "ai-fsm",
        &new(),
        ("images", Verdict::Fail, "container of web: it does not belong to the compose project infra"),
    );
    assert_eq!(verdicts(&plan("ai-fsm", &fsm(), &new()), "images"), []);
}

#[test]
fn a_backup_of_the_last_day_is_asked_for_where_the_schema_changes() {
    let hours = |hours: i64| {
        let survey = fsm();
        Survey { backup: Some(survey.time - SignedDuration::from_hours(hours)), ..survey }
    };
    let check = |survey: &Survey, name, old, verdict, summary: &str| {
        let found = verdicts(&prepare(release(name), survey, &new(), old), "backup");
        assert_eq!(found, [(verdict, summary.to_owned())]);
    };
    let place = "/home/pi/backups or /home/nick/backups";
    let fresh = format!("the newest in {place} is 23 h old");
    check(&hours(23), "ai-fsm", OldBackup::Refused, Verdict::Pass, &fresh);
    let old = format!("the newest in {place} is 24 h old");
    check(&hours(24), "ai-fsm", OldBackup::Accepted, Verdict::Warn, &old);
    let later = format!("{old}: a version with migrations will be refused");
    check(&hours(24), "ai-fsm", OldBackup::Refused, Verdict::Warn, &later);
    let none = "there is none in /home/plugspace/backups, and the schema may change";
    check(&nothing(), "plugspace", OldBackup::Refused, Verdict::Fail, none);
    assert_eq!(verdicts(&plan("prim", &nothing(), &new()), "backup"), []);

    let object = |survey: &Survey, new: &[&str], old| {
        let new: Vec<String> = new.iter().map(|name| (*name).to_owned()).collect();
        objection(release("ai-fsm"), survey, &new, old).is_some()
    };
    assert!(object(&hours(24), &["7.sql"], OldBackup::Refused) && object(&fsm(), &["7.sql"], OldBackup::Refused));
    assert!(!object(&hours(24), &["7.sql"], OldBackup::Accepted) && !object(&hours(24), &[], OldBackup::Refused));
    assert!(!object(&hours(23), &["7.sql"], OldBackup::Refused));
}

#[test]
fn room_and_settings() {
    let free = |free| Survey { free: vec![("/var/lib/docker".to_owned(), free)], ..fsm() };
    let check =
        |survey: &Survey, what, verdict, summary: &str| only(survey, "ai-fsm", &new(), (what, verdict, summary));
    check(&free(Ok(2 << 30)), "disk", Verdict::Pass, "2.0 GiB free at /var/lib/docker");
    check(&free(Ok((2 << 30) - 1)), "disk", Verdict::Fail, "2.0 GiB free at /var/lib/docker, less than 2.0");
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    check(&free(Err(denied)), "disk", Verdict::Unknown, "/var/lib/docker: permission denied");
    let keys = |keys| Survey { keys: vec![("web", keys)], ..fsm() };
    check(&keys(Ok(("/x/.env", vec!["A", "B"]))), "env", Verdict::Fail, "web needs A, B in /x/.env");
    check(
        &keys(Err("/x/.env cannot be read: permission denied".into())),
        "env",
        Verdict::Unknown,
        "web: /x/.env cannot be read: permission denied",
    );
    assert_eq!(verdicts(&plan("ai-fsm", &keys(Ok(("/x/.env", Vec::new()))), &new()), "env"), []);
}
