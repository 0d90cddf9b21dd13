use super::plan::{Act, Direction, make, proven};
use super::*;
use crate::registry::DEPLOYMENTS;

fn prim() -> &'static Deployment {
    DEPLOYMENTS.iter().find(|deployment| deployment.name == "prim").unwrap()
}

fn check(every: Option<u64>) -> Timed {
    Job::Check.timed(prim(), "/usr/local/bin/opsctl", &[], every.map(Duration::from_secs))
}

fn unit(id: &str, words: &str) -> TimerState {
    let [load, active, file_state] = words.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let word = |word: &str| if word == "-" { String::new() } else { word.to_owned() };
    let next = (active == "active").then_some(Next::AfterBoot(Duration::from_hours(1)));
    let (load, active, file_state) = (word(load), word(active), word(file_state));
    TimerState { id: id.to_owned(), load, active, file_state, next, ..TimerState::default() }
}

/// A host with these files, whose timer systemd knows so.
fn host(timed: &Timed, texts: [Option<String>; 3], timer: Option<&str>) -> Installed {
    let paths = [timed.service_path(), timed.timer_path(), timed.table_path()];
    let mut texts = texts.into_iter();
    let files = paths.map(|path| Found { path, text: texts.next().flatten() });
    let units = timer.map(|words| (unit(&timed.timer(), words), unit(&timed.service(), "loaded inactive static")));
    Installed { by_systemd: timer.is_some(), files, units, ahead: 0, cron_runs: true }
}

fn installed(timed: &Timed) -> Installed {
    let texts = [Some(timed.service_text()), Some(timed.timer_text()), None];
    host(timed, texts, Some("loaded active enabled"))
}

const NOTHING: &str = "not-found inactive -";

fn titles(direction: Direction, timed: &Timed, found: &Installed) -> Vec<String> {
    make(direction, timed, found).map_or_else(
        |objection| vec![format!("{} ({})", objection.reason, objection.hint)],
        |acts| acts.iter().map(Act::title).collect(),
    )
}

#[test]
fn a_timer_is_written_loaded_and_enabled_and_a_second_time_left_alone() {
    let timed = check(None);
    let empty = host(&timed, [None, None, None], Some(NOTHING));
    let steps = titles(Direction::Install, &timed, &empty);
    assert_eq!(
        steps,
        [
            "write /etc/systemd/system/opsctl-check-prim.service",
            "write /etc/systemd/system/opsctl-check-prim.timer",
            "reload unit files",
            "enable and start opsctl-check-prim.timer"
        ]
    );
    let done = installed(&timed);
    assert_eq!(titles(Direction::Install, &timed, &done), [""; 0]);
    assert_eq!(proven(Direction::Install, &timed, &done), Ok(()));
    assert!(proven(Direction::Install, &timed, &empty).is_err());
    let other = check(Some(300));
    let steps = titles(Direction::Install, &other, &done);
    assert_eq!(steps, ["write /etc/systemd/system/opsctl-check-prim.timer", "reload unit files"]);
}

/// Every state that a kill between two steps leaves is completed by the next run, in both directions.
#[test]
fn what_a_kill_left_is_completed() {
    let timed = check(None);
    let (service, timer) = (Some(timed.service_text()), Some(timed.timer_text()));
    let half = host(&timed, [service.clone(), None, None], Some(NOTHING));
    assert_eq!(titles(Direction::Install, &timed, &half).len(), 3);
    let unloaded = host(&timed, [service.clone(), timer.clone(), None], Some("loaded inactive disabled"));
    assert_eq!(titles(Direction::Install, &timed, &unloaded), ["enable and start opsctl-check-prim.timer"]);
    let mut stale = installed(&timed);
    stale.units.as_mut().unwrap().0.reload_needed = true;
    assert_eq!(titles(Direction::Install, &timed, &stale), ["reload unit files"]);
    assert!(proven(Direction::Install, &timed, &stale).is_err());

    assert_eq!(
        titles(Direction::Uninstall, &timed, &installed(&timed)),
        [
            "stop and disable opsctl-check-prim.timer",
            "remove /etc/systemd/system/opsctl-check-prim.timer",
            "remove /etc/systemd/system/opsctl-check-prim.service",
            "reload unit files"
        ]
    );
    assert_eq!(
        titles(Direction::Uninstall, &timed, &half),
        ["remove /etc/systemd/system/opsctl-check-prim.service", "reload unit files"]
    );
    let orphan = host(&timed, [None, None, None], Some("loaded active -"));
    assert_eq!(titles(Direction::Uninstall, &timed, &orphan), ["stop opsctl-check-prim.timer"]);
    let none = host(&timed, [None, None, None], Some(NOTHING));
    assert_eq!(titles(Direction::Uninstall, &timed, &none), [""; 0]);
    assert_eq!(proven(Direction::Uninstall, &timed, &none), Ok(()));
    let mut failed = none.clone();
    failed.units.as_mut().unwrap().1.active = "failed".to_owned();
    let acts = make(Direction::Uninstall, &timed, &failed).unwrap();
    assert!(matches!(&acts[..], [Act::Run { optional: true, .. }]), "{acts:?}");
}

#[test]
fn what_somebody_else_wrote_is_left_alone() {
    let timed = check(None);
    let foreign = host(&timed, [Some("[Service]\nExecStart=/x\n".to_owned()), None, None], Some(NOTHING));
    for direction in [Direction::Install, Direction::Uninstall] {
        assert_eq!(
            titles(direction, &timed, &foreign),
            ["/etc/systemd/system/opsctl-check-prim.service exists and opsctl did not write it \
              (cat /etc/systemd/system/opsctl-check-prim.service)"]
        );
    }
    let masked = host(&timed, [None, None, None], Some("masked inactive masked"));
    let refusal = "opsctl-check-prim.timer is masked (systemctl unmask opsctl-check-prim.timer)";
    assert_eq!(titles(Direction::Install, &timed, &masked), [refusal]);
}

#[test]
fn without_systemd_a_table_of_cron_is_written_and_what_is_of_the_other_kind_removed() {
    let timed = check(None);
    let texts = || [Some(timed.service_text()), Some(timed.timer_text()), None];
    let steps = titles(Direction::Install, &timed, &host(&timed, texts(), None));
    assert_eq!(
        steps,
        [
            "write /etc/cron.d/opsctl-check-prim",
            "remove /etc/systemd/system/opsctl-check-prim.timer",
            "remove /etc/systemd/system/opsctl-check-prim.service"
        ]
    );
    let table = timed.table_text(0).unwrap();
    let done = host(&timed, [None, None, Some(table.clone())], None);
    assert_eq!(proven(Direction::Install, &timed, &done), Ok(()));
    let idle = Installed { cron_runs: false, ..done.clone() };
    assert_eq!(proven(Direction::Install, &timed, &idle), Err("no process of cron runs".to_owned()));
    assert_eq!(titles(Direction::Uninstall, &timed, &done), ["remove /etc/cron.d/opsctl-check-prim"]);
    let both = host(&timed, [None, None, Some(table)], Some(NOTHING));
    assert_eq!(titles(Direction::Install, &timed, &both)[2], "remove /etc/cron.d/opsctl-check-prim");
    let odd = check(Some(90));
    let refusal = titles(Direction::Install, &odd, &host(&odd, [None, None, None], None));
    assert!(refusal[0].starts_with("cron runs nothing every 90s"), "{refusal:?}");
}

#[test]
fn jobs_run_when_the_registry_says() {
    let when = |job: Job, every: Option<u64>| job.when(prim(), every.map(Duration::from_secs)).label();
    assert_eq!(when(Job::Check, None), "every 1m");
    assert_eq!(when(Job::Check, Some(30)), "every 30s");
    assert_eq!(when(Job::Backup, None), "daily at 03:00 UTC");
    assert_eq!(when(Job::Backup, Some(21_600)), "every 6h");
    assert_eq!(when(Job::Drill, None), "monthly on day 2 at 09:00 UTC");
    for deployment in DEPLOYMENTS {
        for job in JOBS {
            let timed = job.timed(deployment, "/usr/local/bin/opsctl", &[], None);
            let all = std::iter::once(&timed.name).chain(&timed.words);
            assert!(all.into_iter().all(|word| timer_file::is_plain(word)), "{timed:?}");
            assert!(timed.table_text(0).is_ok(), "{timed:?}");
        }
    }
    let more = ["--textfile", "/var/lib/node/opsctl.prom"].map(str::to_owned);
    let timed = Job::Check.timed(prim(), "/usr/local/bin/opsctl", &more, None);
    // The last two are where prim's own health check wrote.
    let writes = ["/var/lib/node", "/var/lib/prim", "/var/log"].map(str::to_owned);
    assert_eq!(timed.sandbox, Sandbox::Reads(writes.to_vec()));
    assert_eq!(timed.words, ["check", "-d", "prim", "--textfile", "/var/lib/node/opsctl.prom"]);
}

#[test]
fn verify_names_what_is_other_than_this_version_writes_it() {
    let rows = |found: &Installed| -> Vec<String> {
        let all = verify::judge(prim(), Job::Check, found);
        let row = |row: &crate::judge::drift::Comparison| {
            let what = row.what.rsplit('/').next().unwrap_or_default();
            format!("{what} {:?}: {}", row.verdict, row.found.as_deref().unwrap_or("?"))
        };
        all.iter().filter(|row| row.verdict != crate::registry::Verdict::Pass).map(row).collect()
    };
    let more = ["--textfile", "/var/lib/node/opsctl.prom"].map(str::to_owned);
    let odd = Job::Check.timed(prim(), "/opt/opsctl", &more, Some(Duration::from_secs(45)));
    for timed in [check(None), check(Some(300)), odd] {
        assert_eq!(rows(&installed(&timed)), [""; 0], "{timed:?}");
    }
    let timed = check(None);
    let (service, timer) = (Some(timed.service_text()), Some(timed.timer_text()));
    let older = service.as_ref().map(|text| text.replace("ProtectSystem=strict", "ProtectSystem=full"));
    let of = |texts, state| rows(&host(&timed, texts, state));
    let ready = Some("loaded active enabled");
    assert_eq!(of([older, timer.clone(), None], ready), ["opsctl-check-prim.service Warn: different"]);
    assert_eq!(
        of([service.clone(), None, None], Some(NOTHING)),
        ["opsctl-check-prim.timer Fail: missing", "opsctl-check-prim.timer Fail: inactive and without a unit file"]
    );
    assert_eq!(
        of([service.clone(), timer.clone(), None], Some("loaded inactive enabled")),
        ["opsctl-check-prim.timer Fail: inactive and enabled"]
    );
    let table = timed.table_text(0).ok();
    assert_eq!(of([service, timer, table.clone()], ready), ["opsctl-check-prim Warn: there"]);
    assert_eq!(of([None, None, table], None), [""; 0]);
}
