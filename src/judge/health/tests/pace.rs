//! What ends again and again, looked at when it happens to run: over timelines that are made up, at moments that are drawn.

use super::*;
use crate::host::tools::docker::Listed;
use crate::host::tools::history::{History, Restart, RunEnd};
use crate::judge::health::ailment;
use crate::observe::probe::UnmanagedContainer;

static UNIT: Service = Service::new("lone", &URGENT)
    .summary("alone")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("lone.service"))]);
static BOX: Service = Service::new("box", &URGENT)
    .summary("alone")
    .severity_reason("it is all there is")
    .managers(&[Manager::Docker(Container::new(&["box"]))]);

/// Numbers that look drawn, the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

/// Something that lives so long and waits so long before it is started again, milliseconds; `at` after its first start.
struct Timeline {
    life: i64,
    delay: i64,
    at: i64,
}

impl Timeline {
    fn period(&self) -> i64 {
        self.life + self.delay
    }

    fn deaths(&self) -> i64 {
        (self.at + self.delay) / self.period()
    }

    /// When it was started again, before `at`.
    fn restarts(&self, after: i64) -> Vec<Restart> {
        let starts = (1..).map(|count| count * self.period() - self.delay + after);
        let before = starts.take_while(|time| *time <= self.at);
        let time = |at: i64| now() - SignedDuration::from_millis(self.at - at);
        before.map(|at| Restart { time: time(at), end: Some(RunEnd::Exit(1)) }).collect()
    }

    fn is_running(&self) -> bool {
        self.at % self.period() < self.life
    }

    fn began(&self) -> Timestamp {
        now() - SignedDuration::from_millis(self.at % self.period())
    }
}

fn count(restarts: &[Restart]) -> u32 {
    u32::try_from(restarts.len()).unwrap()
}

fn of_unit(line: &Timeline, known: bool) -> ServiceHealth {
    let restarts = line.restarts(line.delay);
    let mut unit = running_unit("lone.service");
    unit.restarts = count(&restarts);
    unit.active_since = Some(line.began());
    if !line.is_running() {
        unit.active = "activating".to_owned();
        unit.sub = "auto-restart".to_owned();
        (unit.exit_kind, unit.exit_status, unit.main_pid) = (1, 1, None);
    }
    unit.history = known.then_some(Ok(History { restarts, is_whole: true }));
    let mut evidence = all_well(&[&UNIT]);
    *evidence.units() = vec![unit];
    judge(&SHOP, &[&UNIT], &evidence).services.remove(0)
}

fn container(line: &Timeline) -> ContainerState {
    // The engine counts when a run ends.
    let restarts = line.restarts(0);
    let mut container = running_container("box");
    container.restarts = count(&restarts);
    container.started = Some(line.began());
    container.created = Some(now() - SignedDuration::from_millis(line.at));
    if !line.is_running() {
        container.status = "restarting".to_owned();
        (container.exit_code, container.pid) = (1, 0);
    }
    container.history = Some(Ok(History { restarts, is_whole: true }));
    container
}

fn of_container(container: ContainerState) -> ServiceHealth {
    let mut evidence = all_well(&[&BOX]);
    *evidence.containers() = vec![container];
    judge(&SHOP, &[&BOX], &evidence).services.remove(0)
}

fn of_app(line: &Timeline) -> ServiceHealth {
    let restarts = line.restarts(0);
    let status = if line.is_running() { "online" } else { "waiting restart" };
    let one = Process {
        status: status.to_owned(),
        restarts: count(&restarts),
        started: Some(line.began()),
        exit_code: Some(1),
        history: Some(Ok(History { restarts, is_whole: true })),
        ..online("worker")
    };
    let mut evidence = all_well(&[&WORKER]);
    *evidence.processes() = vec![one];
    judge(&SHOP, &[&WORKER], &evidence).services.remove(0)
}

/// Lives of 1 to 65 s as they were named, and others; 20 moments each, the first right after the third end.
fn timelines() -> Vec<Timeline> {
    let mut draw = Draw(13);
    let mut all = Vec::new();
    for life in [1, 3, 12, 30, 65, 7, 120, 300] {
        for delay in [100, 5_000] {
            let period = life * 1000 + delay;
            let third = 3 * period - delay;
            all.extend((0..20).map(|_| Timeline { life: life * 1000, delay, at: third + draw.below(40 * period) }));
            all.push(Timeline { life: life * 1000, delay, at: third });
        }
    }
    all
}

#[test]
fn b22_c11_d14_told_in_every_look_after_the_third_end() {
    for line in timelines() {
        assert!(line.deaths() >= 3);
        let say = |what: &str, health: &ServiceHealth| {
            let context = format!("{what} of {} ms at {}: {}", line.life, line.at, health.summary);
            assert_eq!((health.state, health.verdict), (State::CrashLoop, Verdict::Fail), "{context}");
            let (head, last) = health.summary.rsplit_once(", last: ").unwrap();
            assert!(head.contains(" restarts in ") && last == "exit 1", "{context}");
        };
        say("unit", &of_unit(&line, true));
        say("container", &of_container(container(&line)));
        say("application", &of_app(&line));
    }
}

/// Without the times, what is counted is told as soon as it can be: never as good while it may be a loop.
#[test]
fn b22_c11_without_times_it_is_never_taken_for_good() {
    for line in timelines() {
        let unit = of_unit(&line, false);
        assert_ne!(unit.verdict, Verdict::Pass, "{} ms at {}: {}", line.life, line.at, unit.summary);
        // A container says when it was made, so that the pace is known all the same.
        let unread = Some(Err("the docker engine answers 500".to_owned()));
        let found = of_container(ContainerState { history: unread, ..container(&line) });
        assert_eq!(found.verdict, Verdict::Fail, "{} ms at {}: {}", line.life, line.at, found.summary);
    }
}

#[test]
fn b22_what_stays_up_three_times_as_long_as_before_has_settled() {
    let mut draw = Draw(7);
    for gap in [1, 3, 12, 30, 65, 300] {
        for _ in 0..20 {
            let life = SignedDuration::from_secs((3 * gap).max(600) + draw.below(3600));
            let times = (0..5).map(|index| now() - life - SignedDuration::from_secs(index * gap));
            let mut restarts: Vec<Restart> = times.map(|time| Restart { time, end: Some(RunEnd::Exit(1)) }).collect();
            restarts.reverse();
            let mut unit = running_unit("lone.service");
            unit.restarts = 5;
            unit.active_since = Some(now() - life);
            unit.history = Some(Ok(History { restarts, is_whole: true }));
            let mut evidence = all_well(&[&UNIT]);
            *evidence.units() = vec![unit];
            let health = judge(&SHOP, &[&UNIT], &evidence).services.remove(0);
            assert_eq!((health.state, health.verdict), (State::Running, Verdict::Pass), "{gap} {life}");
        }
    }
}

fn unit_with(restarts: u32, life: SignedDuration, history: Option<Result<History, String>>) -> String {
    let mut unit = running_unit("lone.service");
    (unit.restarts, unit.history) = (restarts, history);
    unit.active_since = Some(now() - life);
    let mut evidence = all_well(&[&UNIT]);
    *evidence.units() = vec![unit];
    let health = judge(&SHOP, &[&UNIT], &evidence).services.remove(0);
    format!("{}: {}", word(health.verdict), health.checks[0].summary)
}

fn every(gap: SignedDuration, count: i32, last: SignedDuration, end: &RunEnd) -> History {
    let time = |index: i32| now() - last - gap * index;
    let restarts = (0..count).rev().map(|index| Restart { time: time(index), end: Some(end.clone()) }).collect();
    History { restarts, is_whole: false }
}

#[test]
fn b22_the_rate_decides_and_not_the_number() {
    let (minutes, hours) = (SignedDuration::from_mins, SignedDuration::from_hours);
    let failed = RunEnd::Exit(1);
    // It lives two hours each time, and has ended five hundred times.
    assert_eq!(
        unit_with(500, hours(1), Some(Ok(every(hours(2), 11, hours(1), &failed)))),
        "warn: keeps restarting: 11 restarts in 21h0m, last: exit 1"
    );
    assert_eq!(
        unit_with(500, hours(2), None),
        "warn: keeps restarting: 500 restarts, the last 2h0m ago, last: unknown"
    );
    // Some end on purpose, and have themselves started again.
    assert_eq!(
        unit_with(500, hours(1), Some(Ok(every(hours(2), 11, hours(1), &RunEnd::Exit(0))))),
        "pass: active (running), 11 restarts in 21h0m, each after exit 0"
    );
    // The third restart was a month ago.
    assert_eq!(unit_with(3, hours(24 * 30), None), "pass: active (running)");
    assert_eq!(
        unit_with(3, minutes(3), Some(Err("needs root to read the journal".to_owned()))),
        "unknown: 3 restarts, the last 3m0s ago; times of the others unknown: needs root to read the journal"
    );
    assert_eq!(
        unit_with(2, minutes(1), Some(Ok(every(minutes(1), 2, minutes(1), &RunEnd::Signal(9))))),
        "warn: restarted by itself, before that: killed by signal 9"
    );
    assert_eq!(
        unit_with(
            3,
            minutes(1),
            Some(Ok(every(SignedDuration::from_secs(65), 3, minutes(1), &RunEnd::Result("timeout".into()))))
        ),
        "fail: crash loop: 3 restarts in 3m10s, last: did not start or stop before its timeout"
    );
    // Short bursts with an hour between them are told between them too.
    let mut bursts: Vec<Restart> = Vec::new();
    for hour in [3, 2, 1] {
        let burst = (0..4).map(|second| now() - hours(hour) - minutes(5) + SignedDuration::from_secs(second));
        bursts.extend(burst.map(|time| Restart { time, end: Some(failed.clone()) }));
    }
    assert_eq!(
        unit_with(12, minutes(65), Some(Ok(History { restarts: bursts, is_whole: true }))),
        "warn: keeps restarting: 12 restarts in 3h5m, last: exit 1"
    );
}

#[test]
fn c11_containers_of_nobody() {
    let told = |change: &dyn Fn(&mut ContainerState)| {
        let mut detail = running_container("box");
        detail.policy = "always".to_owned();
        change(&mut detail);
        let listed = Listed {
            id: detail.id.clone(),
            identity: detail.identity.clone(),
            state: detail.status.clone(),
            status: "Up 5 seconds".to_owned(),
            ports: Vec::new(),
        };
        ailment(&UnmanagedContainer { listed, detail: Some(detail) }, now())
    };
    assert_eq!(told(&|_| {}), None);
    let line = Timeline { life: 12_000, delay: 100, at: 50_000 };
    assert_eq!(
        told(&|detail| *detail = container(&line)).as_deref(),
        Some("crash loop: 4 restarts in 38s, last: exit 1")
    );
    let created = |detail: &mut ContainerState| detail.status = "created".to_owned();
    assert_eq!(told(&created).as_deref(), Some("created but never started"));
    let refused = |detail: &mut ContainerState| {
        created(detail);
        detail.error = "port is already allocated".to_owned();
    };
    assert_eq!(told(&refused).as_deref(), Some("created but never started: port is already allocated"));
    let of_nothing = |detail: &mut ContainerState| {
        created(detail);
        detail.policy = "no".to_owned();
    };
    assert_eq!(told(&of_nothing), None);
    let gave_up = |detail: &mut ContainerState| {
        (detail.status, detail.policy) = ("exited".to_owned(), "on-failure".to_owned());
        (detail.exit_code, detail.restarts) = (7, 5);
    };
    assert_eq!(told(&gave_up).as_deref(), Some("not restarted any more after 5 restarts, exit 7"));
    // Somebody stopped it.
    let stopped = |detail: &mut ContainerState| (detail.status, detail.exit_code) = ("exited".to_owned(), 137);
    assert_eq!(told(&stopped), None);
}

#[test]
fn d14_restarts_on_purpose_are_none() {
    let with = |history, restarts, life: i64| {
        let one = Process { restarts, started: Some(ago(life)), history, ..online("worker") };
        let mut evidence = all_well(&[&WORKER]);
        *evidence.processes() = vec![one];
        let health = judge(&SHOP, &[&WORKER], &evidence).services.remove(0);
        format!("{}: {}", word(health.verdict), health.checks[0].summary)
    };
    assert_eq!(with(Some(Ok(History { restarts: Vec::new(), is_whole: true })), 50, 5), "pass: online");
    assert_eq!(
        with(Some(Err("needs root to read it".to_owned())), 50, 90),
        "unknown: 50 restarts, the last 1m30s ago; whether automatic is unknown: needs root to read it"
    );
}
