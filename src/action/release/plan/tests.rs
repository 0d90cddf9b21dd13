//! Plans and checks, on surveys made by hand.

mod checks;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::action::release::checks::objection;
use crate::action::release::record::{How, Record, Records};
use crate::action::release::survey::Git;
use crate::host::tools::docker::{ContainerState, parse_inspect};
use crate::host::tools::git::{Commit, Settings, Status};
use crate::host::tools::images::Images;
use crate::host::trouble::Trouble;
use crate::registry::DEPLOYMENTS;

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";
const NEW: &str = "3333333333333333333333333333333333333333";
const WEB: &str = "ai-fsm-web:local";
const WORKER: &str = "ai-fsm-worker:local";

fn release(name: &str) -> &'static Release {
    deployment(name).release.unwrap()
}

fn deployment(name: &str) -> &'static Deployment {
    DEPLOYMENTS.iter().find(|deployment| deployment.name == name).unwrap()
}

fn commit(revision: &str) -> Commit {
    let (author, subject) = ("Ada".to_owned(), "Change".to_owned());
    Commit { revision: revision.to_owned(), author, time: None, subject }
}

/// Nothing is there.
fn nothing() -> Survey {
    Survey {
        time: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1000),
        source: None,
        images: None,
        containers: Ok([].into()),
        free: Vec::new(),
        backup: None,
        keys: Vec::new(),
        health: Vec::new(),
        records: Ok(Records::default()),
        commits: Vec::new(),
        named: None,
    }
}

/// A clean working copy at this commit, whose origin is at that one.
fn copy(at: &str, remote: Option<&str>) -> Source {
    let status = Status { revision: at.to_owned(), branch: Some("main".to_owned()), ..Status::default() };
    let remote = remote.map(|remote| Ok(remote.to_owned()));
    let git = Git { status: Ok(status), commit: Ok(commit(at)), remote, moved: None, settings: Settings::default() };
    Source { path: "/srv/copy", owner: None, git: Some(git) }
}

#[expect(clippy::unnecessary_wraps, reason = "as a survey has it")]
fn images(named: &[(&str, &str)], other: &[&str]) -> Option<Result<Images, Trouble>> {
    let named = named.iter().map(|(tag, id)| ((*tag).to_owned(), (*id).to_owned()));
    let named: std::collections::BTreeMap<String, String> = named.collect();
    let ids = named.values().cloned().chain(other.iter().map(|id| (*id).to_owned())).collect();
    Some(Ok(Images { named, ids }))
}

fn container(service: &str, image: &str, project: &str, swarm: &str) -> ContainerState {
    let row = format!(
        r#"{{"id":"abc","name":"/{service}","image":"x","image_id":"{image}","restarts":0,"status":"running","exit_code":0,"oom_killed":false,"error":"","pid":42,"started":"2026-11-22T02:00:00Z","finished":"0001-01-01T00:00:00Z","health":null,"project":"{project}","service":"{service}","swarm":"{swarm}"}}"#
    );
    parse_inspect(&row).unwrap().remove(0)
}

/// ai-fsm at its first version, with images a and x running.
fn fsm() -> Survey {
    Survey {
        source: Some(Ok(copy(ONE, Some(NEW)))),
        images: images(&[(WEB, "sha256:aaaa"), (WORKER, "sha256:xxxx")], &["sha256:old1"]),
        containers: Ok([
            ("web", container("web", "sha256:aaaa", "infra", "")),
            ("worker", container("worker", "sha256:xxxx", "infra", "")),
        ]
        .into()),
        ..nothing()
    }
}

fn version(revision: Option<&str>, images: &[(&str, &str)]) -> Version {
    let images = images.iter().map(|(tag, id)| ((*tag).to_owned(), (*id).to_owned())).collect();
    Version { revision: revision.map(str::to_owned), images, ..Version::default() }
}

#[expect(clippy::unnecessary_wraps, reason = "as a survey has it")]
fn records(versions: &[Version]) -> Result<Records, String> {
    let record = |version: &Version| Record {
        time: Timestamp::UNIX_EPOCH,
        by: "root".to_owned(),
        how: How::Found,
        version: version.clone(),
    };
    Ok(Records { releases: versions.iter().map(record).collect(), ..Records::default() })
}

fn new() -> Wanted {
    Wanted::New(Delivery::Here)
}

fn plan(name: &str, survey: &Survey, wanted: &Wanted) -> Preparation {
    prepare(release(name), survey, wanted, OldBackup::Refused)
}

fn titles(preparation: &Preparation) -> Vec<&str> {
    preparation.stages.iter().map(|stage| stage.step().title.as_str()).collect()
}

/// What was looked at, with its verdict.
fn verdicts(preparation: &Preparation, what: &str) -> Vec<(Verdict, String)> {
    let checks = preparation.checks.iter().filter(|check| check.what == what);
    checks.map(|check| (check.verdict, check.summary.clone())).collect()
}

/// The only check of this kind is of this verdict, and says this.
fn only(survey: &Survey, name: &str, wanted: &Wanted, check: (&str, Verdict, &str)) {
    let found = verdicts(&plan(name, survey, wanted), check.0);
    assert_eq!(found, [(check.1, check.2.to_owned())], "{}", check.0);
}

#[test]
fn a_new_version_is_kept_reviewed_and_made_before_the_database_is_touched() {
    let wanted = [
        "tag the running image as ai-fsm-web:previous",
        "tag the running image as ai-fsm-worker:previous",
        "fetch the new version",
        "list the migrations that it adds",
        "check out 333333333333",
        "build the images of web and worker",
        "apply each migration that it adds",
    ];
    let preparation = plan("ai-fsm", &fsm(), &new());
    assert_eq!(titles(&preparation), wanted);
    assert_eq!((preparation.from.revision.as_deref(), preparation.to.revision.as_deref()), (Some(ONE), Some(NEW)));
    // Where the working copy is there already nothing is fetched, and migrations are looked at all the same.
    let there = Survey { source: Some(Ok(copy(NEW, Some(NEW)))), ..fsm() };
    assert_eq!(titles(&plan("ai-fsm", &there, &new())), [wanted[0], wanted[1], wanted[3], wanted[5], wanted[6]]);
    let delivered = Survey { source: Some(Ok(Source { git: None, ..copy(ONE, None) })), ..fsm() };
    assert_eq!(titles(&plan("ai-fsm", &delivered, &new())), [wanted[0], wanted[1], wanted[5], wanted[6]]);
}

#[test]
fn a_schema_is_pushed_after_the_build() {
    let survey = Survey { source: Some(Ok(copy(ONE, Some(NEW)))), ..nothing() };
    let wanted = [
        "fetch the new version",
        "check out 333333333333",
        "install dependencies",
        "build",
        "push the schema to MongoDB",
    ];
    assert_eq!(titles(&plan("plugspace", &survey, &new())), wanted);
}

#[test]
fn images_come_as_they_are_asked_for() {
    let titles = |name, delivery| {
        let preparation = plan(name, &nothing(), &Wanted::New(delivery));
        preparation.stages.iter().map(|stage| stage.step().argv.to_string()).collect::<Vec<_>>()
    };
    let load = "docker image load --quiet --input=/root/x.tar";
    assert_eq!(titles("fondation", Delivery::Load("/root/x.tar".into())), [load]);
    assert_eq!(titles("fondation", Delivery::Pull), ["docker image pull --quiet -- fondation-worker:latest"]);
    let pull = ["docker image pull --quiet -- r.example/w:3", "docker image tag r.example/w:3 fondation-worker:latest"];
    assert_eq!(titles("fondation", Delivery::PullAs("r.example/w:3".into())), pull);
    assert_eq!(titles("fondation", Delivery::Here), Vec::<String>::new());
}

#[test]
fn going_back_moves_the_files_and_names_or_builds_again() {
    let earlier = version(Some(TWO), &[(WEB, "sha256:bbbb"), (WORKER, "sha256:xxxx")]);
    let stages = towards(release("ai-fsm"), &fsm(), &earlier);
    let titles: Vec<&str> = stages.iter().map(|stage| stage.step().title.as_str()).collect();
    let wanted = ["check out 222222222222 again", "tag bbbb as ai-fsm-web:local", "tag xxxx as ai-fsm-worker:local"];
    assert_eq!(titles, wanted);
    let survey = Survey { source: Some(Ok(copy(ONE, None))), ..nothing() };
    let stages = towards(release("plugspace"), &survey, &version(Some(TWO), &[]));
    let titles: Vec<&str> = stages.iter().map(|stage| stage.step().title.as_str()).collect();
    assert_eq!(titles, ["check out 222222222222 again", "install dependencies", "build"]);
}

#[test]
fn d8_the_image_that_runs_is_kept_unless_a_better_one_has_that_name() {
    let (good, bad) = ("sha256:good", "sha256:badd");
    let kept = |previous: Option<&str>, running: &str, recorded: &[&str]| {
        let mut named = vec![("app:latest", running)];
        named.extend(previous.map(|id| ("app:previous", id)));
        let recorded: Vec<Version> = recorded.iter().map(|id| version(None, &[("app:latest", id)])).collect();
        let survey = Survey { images: images(&named, &[]), records: records(&recorded), ..nothing() };
        is_to_be_kept(&survey, "app:latest", "app:previous", running)
    };
    assert!(kept(None, good, &[]));
    assert!(kept(Some("sha256:else"), good, &[]));
    assert!(kept(Some("sha256:else"), good, &["sha256:else", good]));
    // What runs was never seen to work, what has the name was.
    assert!(!kept(Some(good), bad, &[good]));
    assert!(kept(Some(bad), good, &[good]));
    // It has the name already.
    assert!(!kept(Some(good), good, &[good]));
    // What cannot be seen is no reason to forget what runs.
    assert!(is_to_be_kept(&nothing(), "app:latest", "app:previous", good));
}

#[test]
fn names_of_images_before_can_be_put_back() {
    let survey =
        Survey { images: images(&[(WEB, "sha256:aaaa"), ("ai-fsm-web:previous", "sha256:cccc")], &[]), ..nothing() };
    let back = kept(release("ai-fsm"), &survey);
    let commands: Vec<String> = back.iter().map(|stage| stage.step().argv.to_string()).collect();
    assert_eq!(commands, ["docker image tag sha256:cccc ai-fsm-web:previous"]);
    assert_eq!(kept(release("ai-fsm"), &nothing()), Vec::new());
}

#[test]
fn what_runs_is_told_by_the_commit_that_it_was_made_of() {
    let made = version(Some(TWO), &[(WEB, "sha256:aaaa"), (WORKER, "sha256:xxxx")]);
    let from = |versions: &[Version]| plan("ai-fsm", &Survey { records: records(versions), ..fsm() }, &new()).from;
    assert_eq!(from(std::slice::from_ref(&made)), made);
    assert_eq!(from(&[]).revision.as_deref(), Some(ONE));
    assert_eq!(from(&[version(Some(TWO), &[(WEB, "sha256:bbbb")])]).revision.as_deref(), Some(ONE));
}

#[test]
fn the_version_before_is_the_newest_that_was_seen_to_work_and_is_not_what_runs() {
    let (a, b) = (version(Some(ONE), &[(WEB, "sha256:aaaa")]), version(Some(TWO), &[(WEB, "sha256:bbbb")]));
    let survey = Survey { records: records(&[b.clone(), a.clone(), a.clone()]), ..nothing() };
    let found = |from: &Version, name: Option<&str>| {
        target(release("ai-fsm"), &survey, from, name).map_err(|check| (check.verdict, check.summary))
    };
    assert_eq!(found(&a, None), Ok(b.clone()));
    assert_eq!(found(&b, None), Ok(a.clone()));
    assert_eq!(found(&a, Some("2222")), Ok(b.clone()));
    assert_eq!(found(&a, Some("bbbb")), Ok(b));
    let none = |summary: &str| Err((Verdict::Fail, summary.to_owned()));
    assert_eq!(found(&a, Some("222")), none("no version 222 is recorded"));
    assert_eq!(found(&a, Some("9999")), none("no version 9999 is recorded"));
    let twins = version(Some("1111000000000000000000000000000000000000"), &[(WEB, "sha256:cccc")]);
    let survey = Survey { records: records(&[a.clone(), twins]), ..nothing() };
    let several = target(release("ai-fsm"), &survey, &a, Some("1111")).unwrap_err();
    assert_eq!(several.summary, "1111 is ambiguous: 111100000000, 111111111111");
    // The same commit with other images: as they are listed they are told apart.
    let again = version(Some(ONE), &[(WEB, "sha256:dddd")]);
    let survey = Survey { records: records(&[a.clone(), again.clone()]), ..nothing() };
    assert_eq!(target(release("ai-fsm"), &survey, &a, Some("dddd")), Ok(again));
    let several = target(release("ai-fsm"), &survey, &a, Some("11111")).unwrap_err();
    assert_eq!(several.summary, "11111 is ambiguous: dddd, aaaa");
    let survey = Survey { records: Err("permission denied".into()), ..nothing() };
    let unread = target(release("ai-fsm"), &survey, &a, None).unwrap_err();
    assert_eq!(unread.verdict, Verdict::Unknown);
}

#[test]
fn d8_without_a_record_the_tags_of_the_runbook_name_the_version_before_if_all_do() {
    let found = |previous: &[(&str, &str)]| {
        let mut named = vec![(WEB, "sha256:aaaa"), (WORKER, "sha256:xxxx")];
        named.extend(previous);
        let survey = Survey { images: images(&named, &[]), ..fsm() };
        let from = survey.version(release("ai-fsm"));
        target(release("ai-fsm"), &survey, &from, None).map_err(|check| check.summary)
    };
    let (web, worker) = ("ai-fsm-web:previous", "ai-fsm-worker:previous");
    let both = found(&[(web, "sha256:bbbb"), (worker, "sha256:xxxx")]);
    assert_eq!(both, Ok(version(None, &[(WEB, "sha256:bbbb"), (WORKER, "sha256:xxxx")])));
    let none = Err("no earlier version is recorded, and no image is tagged as the previous one".to_owned());
    assert_eq!(found(&[(web, "sha256:bbbb")]), none);
    assert_eq!(found(&[(web, "sha256:aaaa"), (worker, "sha256:xxxx")]), none);
}

#[test]
fn a_commit_that_was_never_seen_to_work_is_said_to_be_such() {
    let survey = Survey { source: Some(Ok(copy(ONE, None))), named: Some(Ok(commit(TWO))), ..nothing() };
    let wanted = Wanted::Earlier(Some("main~1".into()));
    only(
        &survey,
        "plugspace",
        &wanted,
        ("target", Verdict::Warn, "222222222222 (Change), which opsctl never saw healthy"),
    );
}

#[test]
fn j4_what_is_gone_is_no_target() {
    let (a, b) = (
        version(Some(ONE), &[(WEB, "sha256:aaaa"), (WORKER, "sha256:xxxx")]),
        version(Some(TWO), &[(WEB, "sha256:bbbb"), (WORKER, "sha256:xxxx")]),
    );
    let survey = |other: &[&str], commits: &[&str]| Survey {
        records: records(&[b.clone(), a.clone()]),
        images: images(&[(WEB, "sha256:aaaa"), (WORKER, "sha256:xxxx")], other),
        commits: commits.iter().map(|revision| (*revision).to_owned()).collect(),
        ..fsm()
    };
    let checks = |survey: &Survey| verdicts(&plan("ai-fsm", survey, &Wanted::Earlier(None)), "target");
    let there = (Verdict::Pass, "222222222222".to_owned());
    assert_eq!(checks(&survey(&["sha256:bbbb"], &[TWO])), std::slice::from_ref(&there));
    let pruned = "image bbbb of ai-fsm-web:local no longer exists; it was probably pruned".to_owned();
    assert_eq!(checks(&survey(&[], &[TWO])), [(Verdict::Fail, pruned), there.clone()]);
    let commit = "commit 222222222222 is no longer in the repository".to_owned();
    assert_eq!(checks(&survey(&["sha256:bbbb"], &[])), [(Verdict::Fail, commit), there]);
}

#[test]
fn compose_makes_what_is_chosen_also_where_there_is_no_container() {
    let ai_fsm = deployment("ai-fsm");
    let services =
        |names: &[&str]| -> Vec<&'static Service> { names.iter().filter_map(|name| ai_fsm.service(name)).collect() };
    let survey = Survey { containers: Ok([].into()), ..fsm() };
    let plan = compose(ai_fsm, release("ai-fsm"), &survey, &services(&["web", "worker"])).unwrap();
    let up = "docker compose --progress=quiet --env-file=/srv/copy/.env --project-name=infra \
              --file=/srv/copy/infra/compose.pi.yml up --detach --no-deps --no-build --pull=never";
    assert_eq!(plan.commands(), [format!("{up} web worker")]);
    assert_eq!(plan.parts.iter().map(|part| part.steps.len()).collect::<Vec<_>>(), [1, 0]);
    let plan = compose(ai_fsm, release("ai-fsm"), &survey, &services(&["worker"])).unwrap();
    assert_eq!(plan.commands(), [format!("{up} worker")]);
    assert!(compose(deployment("prim"), release("prim"), &survey, &[]).is_none());
}
