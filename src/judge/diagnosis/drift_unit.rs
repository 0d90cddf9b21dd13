//! The settings of a unit against the registry and against what its processes do.

use jiff::SignedDuration;

use super::case::{Case, Subject};
use super::mentions;
use super::outcome::{Conclusion, Fact};
use crate::host::tools::command::Command;
use crate::host::tools::procfs;
use crate::host::tools::systemctl::UnitState;
use crate::host::tools::unit_file::{Access, Setting, access, cut_off, last, list, words};
use crate::observe::clues::drift::units::UnitFiles;
use crate::observe::probe::{Holder, ListenAddress};
use crate::registry::{Clue, DataKind, Drift, EnvClue, Failure, Manager};
use crate::units;

/// How long a step of a start may take before it hangs, seconds. Units wait for ninety.
pub(super) const LONG: i64 = 10;
/// How many hours a change is new.
const LATELY: i64 = 7 * 24;
/// How many periods of the processor bound must have passed, and how many per cent of them it must have held back.
const THROTTLED: (u64, u64) = (50, 50);

/// What comes of one of these with the files of its unit.
pub(super) fn outcome(
    case: &Case<'_>,
    drift: Drift,
    subject: Subject<'_>,
    unit: &UnitState,
    files: &UnitFiles,
    command: &Command,
) -> Conclusion {
    let shown = |thing: Option<String>| match thing {
        Some(thing) => Conclusion::Proven(vec![Fact::new(command, thing.clone()).blaming(thing)]),
        None => Conclusion::RuledOut(Vec::new()),
    };
    let settings = &files.settings;
    match drift {
        Drift::Port => port(case, subject, files, &shown),
        Drift::PortMoved => match port(case, subject, files, &shown) {
            Conclusion::Proven(facts) => {
                let recent = units::earlier(case.evidence.time, SignedDuration::from_hours(LATELY));
                // What was moved long ago was meant.
                let is_new = |fact: &Fact| {
                    let thing = fact.thing.as_deref().unwrap_or_default();
                    let by =
                        files.written.iter().find(|(path, _)| thing.ends_with(path.as_str()) && path.contains(".d/"));
                    by.is_some_and(|(_, written)| *written >= recent)
                };
                Conclusion::when(facts.iter().any(is_new), facts)
            }
            other => other,
        },
        Drift::Network => {
            let activated = unit.triggered_by.contains(".socket") || subject.service.ports.is_empty();
            shown(cut_off(settings).filter(|_| !activated).map(told))
        }
        Drift::Paths => shown(denied(subject, unit, settings)),
        Drift::Identity => shown(identity(subject, unit, settings)),
        Drift::Bound => shown(bound(unit, files)),
        Drift::Hangs => {
            let since = unit.changed.or(files.changed);
            let long =
                since.is_some_and(|since| since <= units::earlier(case.evidence.time, SignedDuration::from_secs(LONG)));
            match step(unit, files).filter(|_| long) {
                None => Conclusion::RuledOut(Vec::new()),
                Some(step) => {
                    let status = Command::new(["systemctl", "status", &unit.id]);
                    let says = format!("activating ({}) for more than {LONG} s: {step}", unit.sub);
                    Conclusion::Proven(vec![Fact::new(status, says).at(since).blaming(step)])
                }
            }
        }
        Drift::Environment
        | Drift::Configuration
        | Drift::Certificate
        | Drift::Key
        | Drift::Container
        | Drift::Image
        | Drift::Script => Conclusion::unknown("its unit is not the cause"),
    }
}

/// Whether its own processes listen, and nobody on its main port.
pub(super) fn is_elsewhere(case: &Case<'_>, subject: Subject<'_>) -> bool {
    matches!(case.evidence.holders[subject.index], Holder::Elsewhere { .. })
}

/// A setting whose value is no secret, and where it stands.
fn told(setting: &Setting) -> String {
    format!("{}={} in {}", setting.key, setting.value, setting.file)
}

fn port(
    case: &Case<'_>,
    subject: Subject<'_>,
    files: &UnitFiles,
    shown: &dyn Fn(Option<String>) -> Conclusion,
) -> Conclusion {
    let at = match &case.evidence.holders[subject.index] {
        Holder::Elsewhere { at, .. } => at,
        Holder::Unasked | Holder::Unseen | Holder::Hidden => {
            return Conclusion::unknown("the ports of its processes cannot be determined");
        }
        Holder::Nobody | Holder::Own | Holder::Other { .. } => return Conclusion::RuledOut(Vec::new()),
    };
    let ports = at.iter().filter_map(|address| match address {
        ListenAddress::Tcp(address) => Some(address.port()),
        ListenAddress::Unix(_) => None,
    });
    // Where a cause of the deployment looks at its env file itself, that says more.
    let known = |key: &str| {
        let looks = |clue: &Clue| matches!(clue, Clue::Env(EnvClue::NotItsPort(other)) if *other == key);
        case.deployment.all_failures().flat_map(Failure::causes).any(|cause| mentions(&cause.proof, &looks))
    };
    let registered = subject.service.env.as_ref().map_or(&[][..], |env| env.paths);
    let excluded = |file: &str, key: &str| registered.contains(&file) && known(key);
    shown(ports.into_iter().find_map(|port| sets(files, port, &excluded)))
}

/// Where a port is set: an env file counts more than the unit, and a later one more than one before.
fn sets(files: &UnitFiles, port: u16, excluded: &dyn Fn(&str, &str) -> bool) -> Option<String> {
    let number = port.to_string();
    let is_port = |value: &str| {
        let last = value.trim_end_matches('/').rsplit([':', '=']).next().unwrap_or_default();
        last == number
    };
    let is_address = |key: &str| {
        let key = key.to_ascii_uppercase();
        ["PORT", "LISTEN", "ADDR", "BIND"].iter().any(|word| key.contains(word))
    };
    for (file, reading) in files.env_files.iter().rev() {
        let keys = reading.keys().into_iter().filter(|key| is_address(key));
        for key in keys {
            if reading.get(key).and_then(|value| value.known()).is_some_and(is_port) {
                return (!excluded(file, key)).then(|| format!("{key}={port} in {file}"));
            }
        }
    }
    for setting in list(&files.settings, "Environment").iter().rev() {
        for (key, value) in words(&setting.value).iter().filter_map(|word| word.split_once('=')) {
            if is_address(key) && is_port(value) {
                return Some(format!("Environment={key}={port} in {}", setting.file));
            }
        }
    }
    let command = list(&files.settings, "ExecStart");
    let named = command.iter().find(|setting| words(&setting.value).iter().skip(1).any(|word| is_port(word)));
    named.map(|setting| format!("ExecStart= names port {port} in {}", setting.file))
}

/// A path that it needs and its sandbox takes away.
fn denied(subject: Subject<'_>, unit: &UnitState, settings: &[Setting]) -> Option<String> {
    // Below another root paths are others.
    if ["RootDirectory", "RootImage"].iter().any(|key| last(settings, key).is_some()) {
        return None;
    }
    let plain = |path: &str| path.starts_with('/') && !path.contains('%');
    let program = list(settings, "ExecStart").last().and_then(|setting| {
        let word = words(&setting.value).into_iter().next()?;
        // One that is started with `+` or `!` is outside of it.
        let is_outside = word.starts_with(['+', '!']);
        let path = word.trim_start_matches(['@', '-', ':', '|']).to_owned();
        (!is_outside && plain(&path)).then_some(path)
    });
    let directory = Some(unit.working_directory.clone()).filter(|path| plain(path));
    for path in program.into_iter().chain(directory) {
        if let Access::None(setting) = access(settings, &path) {
            return Some(format!("{path} is hidden by {}", told(setting)));
        }
    }
    let data = subject.service.own_data().filter(|data| data.kind != DataKind::Volume && plain(data.path));
    data.into_iter().find_map(|data| match access(settings, data.path) {
        Access::Whole => None,
        Access::ReadOnly(setting) => Some(format!("{} is read-only by {}", data.path, told(setting))),
        Access::None(setting) => Some(format!("{} is hidden by {}", data.path, told(setting))),
    })
}

/// Another user or directory than the registry states.
fn identity(subject: Subject<'_>, unit: &UnitState, settings: &[Setting]) -> Option<String> {
    let wanted = subject.service.managers.iter().find_map(|manager| match manager {
        Manager::Systemd(wanted) => Some(wanted),
        Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
    })?;
    let place = |key: &str| last(settings, key).map_or_else(|| unit.fragment.clone(), |setting| setting.file.clone());
    let user = if unit.user.is_empty() { "root" } else { unit.user.as_str() };
    if let Some(wanted) = wanted.user.filter(|wanted| *wanted != user) {
        return Some(format!("User={user} in {}, where the registry has {wanted}", place("User")));
    }
    let own = unit.working_directory.trim_end_matches('/');
    let wanted = wanted.working_directory.filter(|wanted| wanted.trim_end_matches('/') != own && !own.is_empty());
    wanted.map(|wanted| {
        format!("WorkingDirectory={own} in {}, where the registry has {wanted}", place("WorkingDirectory"))
    })
}

/// With so few descriptors left the next request can fail.
const FEW: u64 = 2;

/// A bound that it has reached.
fn bound(unit: &UnitState, files: &UnitFiles) -> Option<String> {
    let settings = &files.settings;
    if unit.result == "oom-kill"
        && let Some(setting) = last(settings, "MemoryMax").or_else(|| last(settings, "MemoryLimit"))
    {
        return Some(told(setting));
    }
    if let Some((open, most)) = files.open_files
        && (procfs::is_near(open, most) || most.saturating_sub(open) <= FEW)
    {
        let by = last(settings, "LimitNOFILE").map_or_else(|| "its limit of open files".to_owned(), told);
        return Some(format!("{open} of {most} descriptors are in use: {by}"));
    }
    if files.tasks_refused.is_some_and(|count| count > 0)
        && let Some(setting) = last(settings, "TasksMax")
    {
        return Some(told(setting));
    }
    let (least, percent) = THROTTLED;
    let (periods, held) = files.throttled?;
    let setting = last(settings, "CPUQuota")?;
    let is_held = periods >= least && held.saturating_mul(100) >= periods.saturating_mul(percent);
    is_held.then(|| format!("throttled in {held} of {periods} periods: {}", told(setting)))
}

/// The step of its start at which it is.
pub(super) fn step(unit: &UnitState, files: &UnitFiles) -> Option<String> {
    let by = match files.processes.first() {
        Some((pid, name)) => format!(" ({name}, pid {pid})"),
        None => String::new(),
    };
    let named = |key: &str| format!("{key}={}{by}", command(files, key).unwrap_or_default());
    match unit.sub.as_str() {
        "condition" => Some(named("ExecCondition")),
        "start-pre" => Some(named("ExecStartPre")),
        "start-post" => Some(named("ExecStartPost")),
        "start" if unit.kind.starts_with("notify") => {
            Some(format!("Type={}: it never reports that it is ready{by}", unit.kind))
        }
        "start" if unit.kind == "forking" => Some(format!("Type=forking: its first process never ends{by}")),
        _ => None,
    }
}

/// The program of this step, without its arguments, which may hold secrets: the one that runs, or the only one.
fn command(files: &UnitFiles, key: &str) -> Option<String> {
    let program = |setting: &Setting| {
        let word = words(&setting.value).into_iter().next()?;
        Some(word.trim_start_matches(['@', '-', ':', '+', '!', '|']).to_owned())
    };
    let all: Vec<String> = list(&files.settings, key).into_iter().filter_map(program).collect();
    // The kernel keeps fifteen bytes of a name.
    let short = |path: &String| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name[..name.floor_char_boundary(15)].to_owned()
    };
    let runs = all.iter().find(|path| files.processes.iter().any(|(_, name)| *name == short(path)));
    runs.or_else(|| all.first().filter(|_| all.len() == 1)).cloned()
}
