//! Clues about what should happen by itself, on evidence made by hand.

use super::*;
use crate::host::tools::boot::Wanted;
use crate::host::tools::crontab::{self, Kind};
use crate::observe::clues::unattended::{Cron, Crontab, Daemon, Reliance, Runnable, Unattended as Seen};
use crate::registry::{Job, Unattended};

static BACKUP: Job = Job::cron("backup", &["backup.sh"]).otherwise("no copy is made at 03:00").expected();
static REPORT: Job = Job::cron("report", &["report.sh"]).otherwise("nobody is told");
static YARD: Deployment = Deployment::new("yard", &[&URGENT, &LATER], &[&KEEPER, &SHOP], HostChecks::new(&LATER))
    .summary("s")
    .jobs(&[&BACKUP, &REPORT])
    .failures(&[]);

fn tab(text: &str) -> Crontab {
    Crontab { path: "/var/spool/cron/crontabs/root".into(), tab: crontab::parse(text, Kind::User), flaw: None }
}

/// A host on which all runs.
fn seen(text: &str) -> Seen {
    Seen {
        tabs: ok("ls", vec![tab(text)]),
        programs: [("/opt/backup.sh".to_owned(), Runnable::Found)].into(),
        cron: Ok(Cron::Runs),
        elsewhere: std::collections::BTreeSet::default(),
        timers: vec![("a.timer".to_owned(), Reliance::Enabled)],
        loaded: Some(ok("systemctl list-units", vec![unit("a.timer", "active", "waiting")])),
        units: None,
        daemons: Vec::new(),
    }
}

const LINE: &str = "0 3 * * * /opt/backup.sh >>/var/log/b.log\n";

fn outcome(seen: Seen, clue: Unattended, units: Vec<UnitState>) -> Conclusion {
    let services = YARD.services.to_vec();
    let units = Some(ok("systemctl show", units));
    let evidence = Evidence {
        time: now(),
        managers: ManagerEvidence { units, ..ManagerEvidence::default() },
        replies: vec![vec![ok("curl", answers())], vec![ok("curl", answers())]],
        holders: vec![Holder::Own, Holder::Own],
        host: None,
    };
    let health = health::judge(&YARD, &services, &evidence);
    let clues = Clues { unattended: Some(seen), ..Clues::default() };
    let case = Case {
        deployment: &YARD,
        services: &services,
        evidence: &evidence,
        health: &health,
        clues: &clues,
        backups: None,
    };
    case.outcome(&Clue::Unattended(clue), Some(&KEEPER))
}

fn says(outcome: &Conclusion) -> String {
    match outcome {
        Proven(facts) => facts.iter().map(|fact| fact.says.as_str()).collect::<Vec<_>>().join(" | "),
        RuledOut(_) => "out".to_owned(),
        Unknown(_) => "open".to_owned(),
    }
}

fn running() -> Vec<UnitState> {
    vec![unit("keeper.service", "active", "running")]
}

#[test]
fn a_host_on_which_all_runs_has_no_finding() {
    let clues = [
        Unattended::CronStopped,
        Unattended::CrontabIgnored,
        Unattended::JobMissing,
        Unattended::JobProgram,
        Unattended::TimerOff,
        Unattended::NotAtBoot,
        Unattended::PmNotAtBoot,
        Unattended::EngineNotAtBoot,
    ];
    for clue in clues {
        assert!(outcome(seen(LINE), clue, running()).is_ruled_out(), "{clue:?}");
    }
}

#[test]
fn a_cron_that_does_not_run_is_said_with_what_waits_for_it() {
    let with = |cron, text| says(&outcome(Seen { cron, ..seen(text) }, Unattended::CronStopped, running()));
    let stopped = || Ok(Cron::Stopped("cron.service is inactive and enabled".to_owned()));
    assert_eq!(
        with(stopped(), LINE),
        "cron.service is inactive and enabled | /var/spool/cron/crontabs/root: 1 line does not run | backup: no copy is made at 03:00"
    );
    assert_eq!(with(Ok(Cron::Missing), LINE).split(" | ").next(), Some("no cron is installed"));
    assert_eq!(with(Ok(Cron::Missing), "# nothing\n"), "out");
    assert_eq!(with(Err(Trouble::NeedsRoot("to see it")), LINE), "open");
}

#[test]
fn a_job_is_missing_where_no_line_and_nothing_else_starts_it() {
    let of = |text: &str, elsewhere: &[&'static str]| {
        let seen = Seen { elsewhere: elsewhere.iter().copied().collect(), ..seen(text) };
        says(&outcome(seen, Unattended::JobMissing, running()))
    };
    assert_eq!(of("", &[]), "no crontab, unit or script names backup.sh; no copy is made at 03:00");
    assert_eq!(
        of("#0 3 * * * /opt/backup.sh\n", &[]),
        "/var/spool/cron/crontabs/root: the line of \"0 3 * * *\" is a comment; no copy is made at 03:00"
    );
    assert_eq!(of("# backup.sh runs elsewhere\n", &["backup"]), "out");
    // Not every host has it; one that had shows it.
    assert!(of(&format!("{LINE}#0 * * * * /opt/report.sh\n"), &[]).ends_with("is a comment; nobody is told"));
    assert_eq!(of(LINE, &[]), "out");
    // Where no crontab is, none is missed.
    let none = Seen { tabs: ok("ls", Vec::new()), ..seen("") };
    assert_eq!(says(&outcome(none, Unattended::JobMissing, running())), "out");
    let hidden =
        Seen { tabs: Answer { command: "ls".into(), result: Err(Trouble::NeedsRoot("to list it")) }, ..seen("") };
    assert_eq!(says(&outcome(hidden, Unattended::JobMissing, running())), "open");
}

#[test]
fn crontabs_that_cron_passes_over_are_named_but_for_those_put_aside() {
    let of = |path: &str, flaw: Option<&str>| {
        let tab = Crontab { path: path.to_owned(), flaw: flaw.map(str::to_owned), ..tab(LINE) };
        says(&outcome(Seen { tabs: ok("ls", vec![tab]), ..seen(LINE) }, Unattended::CrontabIgnored, running()))
    };
    assert_eq!(of("/etc/cron.d/x", Some("line 1: bad minute")), "/etc/cron.d/x: line 1: bad minute");
    assert_eq!(of("/etc/cron.d/x", None), "out");
    assert_eq!(of("/etc/cron.d/x.dpkg-old", Some("its name")), "out");
    assert_eq!(of("/etc/cron.d/x.disabled", Some("its name")), "out");
}

#[test]
fn a_program_of_a_crontab_that_cannot_be_run_is_named_with_its_line() {
    let of = |found| {
        let programs = [("/opt/backup.sh".to_owned(), found)].into();
        says(&outcome(Seen { programs, ..seen(LINE) }, Unattended::JobProgram, running()))
    };
    let line = "\"0 3 * * *\" of /var/spool/cron/crontabs/root fails each time";
    assert_eq!(of(Runnable::Missing), format!("/opt/backup.sh does not exist: {line}"));
    assert_eq!(of(Runnable::NotExecutable), format!("/opt/backup.sh is not executable: {line}"));
    assert_eq!(of(Runnable::Found), "out");
}

fn wanted(id: &str, active: &str, file_state: &str) -> Wanted {
    Wanted {
        id: id.into(),
        load: "loaded".into(),
        active: active.into(),
        file_state: file_state.into(),
        ..Wanted::default()
    }
}

#[test]
fn a_timer_is_off_where_systemd_says_so() {
    let of = |unit: Option<Wanted>, reliance| {
        let seen = Seen {
            timers: vec![("a.timer".to_owned(), reliance)],
            loaded: Some(ok("systemctl list-units", Vec::new())),
            units: Some(ok("systemctl show", unit.into_iter().collect())),
            ..seen(LINE)
        };
        says(&outcome(seen, Unattended::TimerOff, running()))
    };
    let stopped = || Wanted { condition: true, ..wanted("a.timer", "inactive", "enabled") };
    assert_eq!(
        of(Some(stopped()), Reliance::Enabled),
        "a.timer is inactive and enabled: its service does not run until the next boot"
    );
    // A condition kept it from starting.
    assert_eq!(of(Some(wanted("a.timer", "inactive", "enabled")), Reliance::Enabled), "out");
    assert_eq!(of(Some(wanted("a.timer", "active", "enabled")), Reliance::Enabled), "out");
    assert_eq!(
        of(Some(wanted("a.timer", "inactive", "disabled")), Reliance::Needed("logs grow")),
        "a.timer is inactive and disabled: logs grow"
    );
    assert_eq!(of(None, Reliance::Enabled), "out");
}

#[test]
fn a_unit_that_nothing_starts_at_boot_does_not_come_back() {
    let of = |file_state: &str, known: Wanted| {
        let own = UnitState { file_state: file_state.into(), ..unit("keeper.service", "active", "running") };
        let seen = Seen { units: Some(ok("systemctl show", vec![known])), ..seen(LINE) };
        says(&outcome(seen, Unattended::NotAtBoot, vec![own]))
    };
    let known = |file_state: &str| wanted("keeper.service", "active", file_state);
    assert_eq!(of("disabled", known("disabled")), "keeper.service runs, is disabled, and no unit wants it");
    assert_eq!(
        of("enabled-runtime", Wanted { by: vec!["multi-user.target".into()], ..known("enabled-runtime") }),
        "keeper.service runs, is enabled-runtime, and no unit wants it"
    );
    for state in ["enabled", "static", "indirect", "alias", "generated", "transient", ""] {
        assert_eq!(of(state, known(state)), "out", "{state}");
    }
    assert_eq!(of("disabled", Wanted { by: vec!["shop.service".into()], ..known("disabled") }), "out");
    assert_eq!(of("disabled", Wanted { triggered_by: vec!["keeper.socket".into()], ..known("disabled") }), "out");
    // Stopped as well: that is another finding.
    let off = UnitState { file_state: "disabled".into(), ..unit("keeper.service", "inactive", "dead") };
    assert!(outcome(seen(LINE), Unattended::NotAtBoot, vec![off]).is_ruled_out());
    // What was not asked is open.
    let own = UnitState { file_state: "disabled".into(), ..unit("keeper.service", "active", "running") };
    assert_eq!(says(&outcome(seen(LINE), Unattended::NotAtBoot, vec![own])), "open");
    // What a generator links is enabled until the next boot, which links it again: nothing is asked of it.
    let own = UnitState { file_state: "enabled-runtime".into(), ..unit("keeper.service", "active", "running") };
    assert_eq!(says(&outcome(seen(LINE), Unattended::NotAtBoot, vec![own])), "out");
}

#[test]
fn an_engine_that_only_its_socket_starts_brings_no_container_back() {
    let of = |unit: Wanted| {
        let seen = Seen { units: Some(ok("systemctl show", vec![unit])), ..seen(LINE) };
        says(&outcome(seen, Unattended::EngineNotAtBoot, running()))
    };
    let socket =
        || Wanted { triggered_by: vec!["docker.socket".into()], ..wanted("docker.service", "active", "disabled") };
    assert_eq!(of(socket()), "docker.service runs, is disabled, and no unit wants it");
    assert_eq!(of(Wanted { by: vec!["multi-user.target".into()], ..socket() }), "out");
    assert_eq!(of(wanted("other.service", "active", "disabled")), "out");
}

#[test]
fn pm2_comes_back_by_a_unit_and_a_list() {
    let of = |starts, is_saved| {
        let daemon = Daemon { home: "/home/app/.pm2", applications: 3, starts, unit: None, is_saved };
        says(&outcome(Seen { daemons: vec![daemon], ..seen(LINE) }, Unattended::PmNotAtBoot, running()))
    };
    assert_eq!(of(true, Some(true)), "out");
    assert_eq!(of(true, None), "out");
    assert_eq!(
        of(true, Some(false)),
        "/home/app/.pm2/dump.pm2 is missing or empty: none of its 3 processes starts at boot"
    );
    assert_eq!(of(false, Some(true)), "no unit that is enabled and no crontab starts pm2 at boot for its 3 processes");
}
