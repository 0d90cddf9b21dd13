//! Takes a check into what is known of those before, and sends what a person has to know.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::subjects::{Circumstances, complete, forecast_observation, observations};
use super::tell;
use crate::action::{audit, lock};
use crate::alert::channel::{self, alertmanager};
use crate::alert::deliver::{self, Active};
use crate::alert::forecast::{self, Forecast, Sample};
use crate::alert::settings::{Settings, Unusable};
use crate::alert::silences::{self, Silence};
use crate::alert::state::Checked;
use crate::alert::store::{self, Drift, Record, Turn};
use crate::alert::{Class, Event, EventKind, Moment, status_files};
use crate::commands::verify;
use crate::context::Context;
use crate::host::http::{self, Request};
use crate::host::system::System;
use crate::observe::probe::tcp_listeners;
use crate::program;
use crate::registry::{Address, Channel, ChannelKind, Deployment, Failure, Manager, Verdict};
use crate::report::check::{self, Notifications, SubjectFacts};
use crate::report::checked;
use crate::report::status::Status;
use crate::ui::Ui;

/// How often registry and host are compared, seconds: it takes as long as a check.
const COMPARED_EVERY: u64 = 3600;
/// How long an Alertmanager may take to list its silences.
const SILENCES: Duration = Duration::from_secs(1);
/// How much later than the next check an alert ends that is not sent again, in checks.
const LASTS: u64 = 4;

/// Why a check is not recorded beside another one: that one notifies.
pub const UNDER_WAY: &str = "another check is under way";

/// What recording a check came to.
#[derive(Debug, Default)]
pub struct Recorded {
    /// What is known of each subject; empty where nothing is recorded.
    pub subjects: Vec<SubjectFacts>,
    /// What was sent.
    pub notifications: Notifications,
    /// When file systems will be full.
    pub forecasts: Vec<Forecast>,
    /// What differs between registry and host: subject and summary.
    pub mismatches: Vec<(String, String)>,
}

impl Recorded {
    /// Nothing, for this reason.
    pub fn not(why: impl Into<String>) -> Self {
        let notifications = Notifications { not_recorded: Some(why.into()), ..Notifications::default() };
        Recorded { notifications, ..Recorded::default() }
    }
}

/// Takes a check into what is known of those before, and sends what a person has to know.
pub fn record(
    context: &Context<'_>,
    deployment: &'static Deployment,
    status: &Status,
    is_whole: bool,
    settings: Result<&Settings, &Unusable>,
) -> Recorded {
    let system = context.system;
    if !system.is_root() {
        return Recorded::not(format!("only root records checks: {}", program::again_as_root("check")));
    }
    let turn = match Turn::take(system, deployment) {
        Ok(Some(turn)) => turn,
        Ok(None) => return Recorded::not(UNDER_WAY),
        Err(error) => return Recorded::not(error.to_string()),
    };
    let taken = take(context, deployment, status, is_whole, settings);
    drop(turn);
    taken.unwrap_or_else(Recorded::not)
}

fn take(
    context: &Context<'_>,
    deployment: &'static Deployment,
    status: &Status,
    is_whole: bool,
    settings: Result<&Settings, &Unusable>,
) -> Result<Recorded, String> {
    let system = context.system;
    let mut known = store::read(system, deployment).map_err(|error| error.to_string())?;
    let now = Moment::now(system);
    let forecasts = forecasts(&mut known, status, &now);
    if is_whole {
        compare(context, deployment, &mut known, &now);
    }
    let is_quiet = status.problems.is_empty() && forecasts.is_empty();
    let silences = match settings {
        Ok(settings) if !is_quiet => silences(context, deployment, settings),
        Ok(_) | Err(_) => Vec::new(),
    };
    let host = system.host_name();
    let silenced = |subject: &str, class: Class, severity: &str| {
        silenced(
            deployment,
            &silences,
            class,
            [("instance", &host), (alertmanager::label(class), subject), ("severity", severity)],
        )
    };
    let circumstances = Circumstances {
        today: system.now().to_zoned(TimeZone::UTC).date(),
        backing_up: lock::is_backing_up(system, deployment),
        silenced: &silenced,
    };
    let mut observations = observations(deployment, status, circumstances);
    for forecast in &forecasts {
        forecast_observation(deployment, &mut observations, forecast);
    }
    // What cannot be sent now is sent when it can be.
    let held = match settings {
        Err(unusable) => Some(unusable.why.clone()),
        Ok(_) => (status.lock.state == "held").then(|| status.lock.words()),
    };
    let channels = settings.map_or(0, |settings| in_use(deployment, settings, &known));
    let classes = if is_whole { complete(status) } else { Vec::new() };
    let events = known.state.take(Checked {
        deployment: deployment.name,
        now: &now,
        observations,
        complete: &classes,
        held: held.as_deref(),
        is_sent: channels > 0,
    });
    known.note_check(&now, by_hand());
    let mut notifications = if let Ok(settings) = settings {
        send(context, deployment, settings, &mut known, &events, &now)?
    } else {
        store::write(system, deployment, &mut known).map_err(|error| error.to_string())?;
        Notifications::default()
    };
    if let Some(files) = deployment.status_files.as_ref().filter(|_| is_whole) {
        let hosts = status_files::contents(&status.services, deployment);
        for problem in status_files::write(system, files, &hosts, system.now()) {
            context.ui.note(&problem);
        }
    }
    notifications.channels = channels;
    let subjects = check::facts(&known.state);
    let held = subjects.iter().filter_map(|subject| subject.held.clone());
    notifications.held_because = held.collect();
    notifications.held = notifications.held_because.len();
    notifications.held_because.sort_unstable();
    notifications.held_because.dedup();
    let mismatches = known.drift.map(|drift| drift.mismatches).unwrap_or_default();
    Ok(Recorded { subjects, notifications, forecasts, mismatches })
}

/// Whether a person makes this check: a timer and cron have no terminal, and come over no SSH connection.
fn by_hand() -> bool {
    Ui::is_terminal() || audit::from().is_some()
}

/// How many channels are in use. One at a port of this host, which the registry only claims, is where it has answered before.
fn in_use(deployment: &Deployment, settings: &Settings, known: &Record) -> usize {
    let has_answered = |name: &str| known.queues.get(name).is_some_and(|queue| queue.accepted.is_some());
    let is_certain = |channel: &Channel| channel.key().is_some() || matches!(channel.kind, ChannelKind::Command(_));
    let channels = deployment.channels().filter(|channel| settings.has(channel));
    channels.filter(|channel| is_certain(channel) || has_answered(channel.name)).count()
}

/// Writes the record, and sends what changed and what waits from before. Events are in the record before anything is sent.
fn send(
    context: &Context<'_>,
    deployment: &'static Deployment,
    settings: &Settings,
    known: &mut Record,
    events: &[Event],
    now: &Moment,
) -> Result<Notifications, String> {
    let system = context.system;
    let runner = context.processes();
    let sender = tell::sender(context, deployment);
    let door = deliver::Door { system, runner: &runner, settings, sender: &sender };
    let is_over = |event: &&Event| {
        event.kind == EventKind::Recovered || (event.kind == EventKind::Stable && event.verdict == Verdict::Pass)
    };
    let recovered: Vec<Event> = events.iter().filter(is_over).cloned().collect();
    let open = known.state.open(deployment.name, now);
    let every = known.interval_seconds().unwrap_or_default().saturating_mul(LASTS);
    let every = jiff::SignedDuration::from_secs(i64::try_from(every).unwrap_or_default());
    let active = Active { open: &open, recovered: &recovered, lasts: every.max(deliver::LASTS) };
    let channels: Vec<_> = deployment.channels().collect();
    let about = tell::about(deployment);
    let mut queues = std::mem::take(&mut known.queues);
    let mut save = |queues: &_| {
        known.queues = Clone::clone(queues);
        store::write(system, deployment, known).map_err(|error| error.to_string())
    };
    let before = queues.clone();
    let sent = deliver::notify(&door, &channels, &mut queues, (events, active), now, &about, &mut save)?;
    known.queues = queues;
    // Where nothing was sent, all of it is written already.
    if known.queues != before || sent.accepted > 0 {
        store::write(system, deployment, known).map_err(|error| error.to_string())?;
    }
    let pending = known.queues.values().map(|queue| queue.pending.len()).sum();
    Ok(Notifications { sent: sent.accepted, pending, failing: checked::failing(known), ..Notifications::default() })
}

/// When file systems will be full, from this check and those before.
fn forecasts(known: &mut Record, status: &Status, now: &Moment) -> Vec<Forecast> {
    let Some(disks) = status.host_resources.as_ref().and_then(|host| host.disks.as_ref()) else { return Vec::new() };
    known.disks.retain(|mount, _| disks.iter().any(|disk| disk.mounted_on == *mount));
    let mut found = Vec::new();
    for disk in disks {
        let samples = known.disks.entry(disk.mounted_on.clone()).or_default();
        forecast::note(samples, Sample::of(now.clone(), disk));
        found.extend(forecast::forecast(&disk.mounted_on, samples));
    }
    found
}

/// Compares registry and host where that was not done for long.
fn compare(context: &Context<'_>, deployment: &'static Deployment, known: &mut Record, now: &Moment) {
    let is_due = |drift: &Drift| now.seconds_since(&drift.at) >= COMPARED_EVERY;
    if !known.drift.as_ref().is_none_or(is_due) {
        return;
    }
    // What could not be compared is compared by the next check.
    let Ok(compared) = verify::compare(context, deployment, deployment.services, false) else { return };
    let hard = compared.comparisons.into_iter().filter(|comparison| comparison.verdict == Verdict::Fail);
    let mismatch = |comparison: crate::judge::drift::Comparison| {
        let subject = comparison.service.unwrap_or_else(|| "host".to_owned());
        let found = comparison.found.unwrap_or_else(|| "nothing".to_owned());
        let summary = format!("{}: the registry has {}, the host {found}", comparison.what, comparison.expected);
        (subject, summary)
    };
    known.drift = Some(Drift { at: now.clone(), mismatches: hard.map(mismatch).collect() });
}

/// The silences of the Alertmanagers that are in use.
fn silences(context: &Context<'_>, deployment: &'static Deployment, settings: &Settings) -> Vec<Silence> {
    let mut found = Vec::new();
    for channel in deployment.channels().filter(|channel| settings.has(channel)) {
        let ChannelKind::Alertmanager(at) = channel.kind else { continue };
        if let Address::Local(port) = at
            && let Some(user) = impostor(context.system, deployment, port)
        {
            context
                .ui
                .note(&format!("silences of port {port} are not used: user {user} listens there, not Alertmanager"));
            continue;
        }
        let Ok(url) = channel::url(at, settings, &|port| context.system.local(port)) else { continue };
        let url = channel::below(&url, silences::PATH);
        let request = Request { method: "GET", url: &url, headers: &[], body: "", most: silences::MOST };
        if let Ok(answer) = http::exchange(&request, Instant::now() + context.within(SILENCES)) {
            found.extend(silences::parse(&answer.body));
        }
    }
    found
}

/// The user of another service who listens on a port: what runs as that user could silence its own failure.
fn impostor(system: &System, deployment: &Deployment, port: u16) -> Option<&'static str> {
    let user = |manager: &'static Manager| match manager {
        Manager::Systemd(unit) => unit.user,
        Manager::Pm2(app) => Some(app.user),
        Manager::Compose(_) | Manager::Docker(_) => None,
    };
    let others = deployment.services.iter().filter(|service| !service.ports.contains(&port));
    let listeners = tcp_listeners(system).unwrap_or_default();
    let is_theirs = |name: &str| {
        let account = system.account(|account| account.name == name);
        let uid = account.map(|account| account.uid).filter(|uid| *uid != 0);
        uid.is_some_and(|uid| listeners.iter().any(|listener| listener.port() == port && listener.uid == uid))
    };
    others.flat_map(|service| service.managers).filter_map(user).find(|name| is_theirs(name))
}

/// Why a subject with the labels of its alert is silenced: by the name of that alert, or of a failure that the runbook knows of it.
fn silenced(
    deployment: &'static Deployment,
    silences: &[Silence],
    class: Class,
    [instance, subject, severity]: [(&str, &str); 3],
) -> Option<String> {
    if silences.is_empty() {
        return None;
    }
    let mut names = vec![alertmanager::alert_name(class).to_owned()];
    if let Some(service) = deployment.service(subject.1).filter(|_| class == Class::Service) {
        let about = |failure: &Failure| failure.services.iter().any(|other| other.name == service.name);
        for failure in deployment.failures.iter().filter(|failure| about(failure)) {
            names.push(failure.slug.to_owned());
            names.extend(failure.aliases.iter().map(|alias| (*alias).to_owned()));
        }
    }
    let labels = BTreeMap::from([("deployment", deployment.name), instance, subject, severity]);
    silences.iter().find(|silence| silence.covers(&names, &labels)).map(Silence::words)
}
