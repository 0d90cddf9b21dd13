//! PURE. `check -o nagios`: what a plugin prints for Nagios, Icinga, Naemon, Zabbix and NRPE
//! (<https://www.monitoring-plugins.org/doc/guidelines.html>).

use std::fmt::Write as _;

use super::check::Check;
use super::problem::Problem;
use crate::error::Error;
use crate::exit::Plugin;
use crate::judge::health::HostHealth;
use crate::registry::{Deployment, HostChecks, Usage, Verdict};
use crate::ui::escape;

/// The longest first line before its performance data, characters.
const FIRST: usize = 200;
/// The longest performance data, bytes; what does not fit is left out as a whole.
const DATA: usize = 2048;
/// The longest output, bytes: NRPE hands on no more.
const ALL: usize = 4096;
/// The longest further line, characters.
const LINE: usize = 300;

/// The state with which the plugin ends.
pub fn state(check: &Check) -> Plugin {
    Plugin::of(check.head.verdict)
}

/// What the plugin prints.
pub fn text(check: &Check, deployment: &Deployment) -> String {
    let label = state(check).label();
    let named = check.head.deployment.as_deref().unwrap_or(deployment.name);
    let head = format!("OPSCTL {label} - {named} on {}: ", check.head.host);
    let (worst, others) = match check.problems.split_first() {
        Some((worst, others)) => (problem(worst), others),
        None => (healthy(check), &[][..]),
    };
    let more = if others.is_empty() { String::new() } else { format!("; {} more", others.len()) };
    let used = head.chars().count() + more.chars().count();
    let mut text = format!("{head}{}{more}", cut(&worst, FIRST.saturating_sub(used)));
    text = cut(&plain(&text), FIRST);
    text.push_str(" |");
    let mut data = 0;
    for item in data_of(check, deployment) {
        if data + item.len() < DATA {
            data += item.len() + 1;
            let _ = write!(text, " {item}");
        }
    }
    text.push('\n');
    let lines = check.problems.iter().flat_map(lines_of).chain(notified(check));
    let (mut left_out, last) = (0, "further lines are left out: opsctl check --verbose\n".len() + 8);
    for line in lines {
        let line = cut(&plain(&line), LINE);
        match left_out == 0 && text.len() + line.len() + 1 + last <= ALL {
            true => {
                text.push_str(&line);
                text.push('\n');
            }
            false => left_out += 1,
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, "{left_out} further lines are left out: {}", crate::program::command("check --verbose"));
    }
    text
}

/// What the plugin prints where there was no check.
pub fn failed(error: &Error) -> String {
    let hint = error.hint.as_deref().map(|hint| format!("hint: {}\n", cut(&plain(hint), LINE))).unwrap_or_default();
    format!("{}\n{hint}", cut(&plain(&format!("OPSCTL UNKNOWN - {}", error.message)), FIRST))
}

fn problem(problem: &Problem) -> String {
    format!("{}: {} ({}, {})", problem.subject, problem.summary, problem.severity, problem.respond)
}

fn healthy(check: &Check) -> String {
    let disks = check.host_resources.iter().filter_map(|host| host.disks.as_ref()).flatten().count();
    let counted = [(check.services.len(), "service"), (disks, "disk"), (check.backups.len(), "backup")];
    let words = counted.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> =
        words.map(|(count, what)| format!("{count} {what}{}", if *count == 1 { "" } else { "s" })).collect();
    match words.is_empty() {
        true => "nothing is wrong".to_owned(),
        false => format!("{} healthy", words.join(", ")),
    }
}

/// A problem as long text: what is wrong, what it affects, what to type.
fn lines_of(one: &Problem) -> Vec<String> {
    let affects = if one.affects.is_empty() { String::new() } else { format!("; affects {}", one.affects.join(", ")) };
    let next = if one.next.is_empty() { String::new() } else { format!("; next: {}", one.next) };
    vec![format!("{} {}{affects}{next}", Plugin::of(one.verdict).label(), problem(one))]
}

/// What became of notifications, where something is to be known of them.
fn notified(check: &Check) -> Vec<String> {
    let sent = &check.notifications;
    let mut lines = Vec::new();
    if sent.held > 0 {
        lines.push(format!("{} held back: {}", sent.held, sent.held_because.join("; ")));
    }
    lines.extend(sent.failing.iter().map(|failing| format!("not notified: {failing}")));
    lines
}

/// Performance data, the most important first.
fn data_of(check: &Check, deployment: &Deployment) -> Vec<String> {
    let count = |verdict| check.services.iter().filter(|service| service.verdict == verdict).count();
    let (all, sick, open) = (check.services.len(), count(Verdict::Fail), count(Verdict::Unknown));
    let mut data = vec![format!("time={:.3}s;;;0", if check.seconds.is_finite() { check.seconds } else { 0.0 })];
    if all > 0 {
        data.push(format!("'services healthy'={};;;0;{all}", all - sick - open));
        data.push(format!("'services failed'={sick};;0;0;{all}"));
        data.push(format!("'services unknown'={open};;;0;{all}"));
    }
    if let Some(host) = &check.host_resources {
        host_data(host, &deployment.checks, &mut data);
    }
    for backup in &check.backups {
        if let Some(age) = backup.age_seconds {
            data.push(format!("{}={}s;;{};0", label("backup", &backup.set), age.max(0), backup.oldest_seconds()));
        }
    }
    for forecast in &check.forecasts {
        data.push(format!("{}={}s;;;0", label("full in", &forecast.mounted_on), forecast.full_in_seconds));
    }
    data.push(format!("'notifications pending'={};;;0", check.notifications.pending));
    data
}

fn host_data(host: &HostHealth, bounds: &HostChecks, data: &mut Vec<String>) {
    for disk in host.disks.iter().flatten() {
        let used = disk.size_bytes.saturating_sub(disk.available_bytes);
        data.push(format!("{}={}%;{}", label("disk", &disk.mounted_on), disk.used_percent, percent(&bounds.disk)));
        data.push(format!("{}={used}B;;;0;{}", label("disk used", &disk.mounted_on), disk.size_bytes));
    }
    if let Some(memory) = &host.memory {
        let used = memory.total_bytes.saturating_sub(memory.available_bytes);
        data.push(format!("memory={}%;{}", memory.used_percent, percent(&bounds.memory)));
        data.push(format!("'memory used'={used}B;;;0;{}", memory.total_bytes));
        data.push(format!("swap={}B;;;0;{}", memory.swap_used_bytes, memory.swap_total_bytes));
    }
    if let Some(load) = &host.load {
        let most = load.processors.map(|count| f64::from(bounds.load_per_cpu) * f64::from(count));
        let most = most.map(|most| format!("{most:.2}")).unwrap_or_default();
        for (name, value, warn) in [("load1", load.one, ""), ("load5", load.five, &most), ("load15", load.fifteen, "")]
        {
            if value.is_finite() {
                data.push(format!("{name}={value:.2};{warn};;0"));
            }
        }
    }
    for certificate in &host.certificates {
        let (Some(days), Some(bounds)) = (certificate.days_left, &bounds.certificates) else { continue };
        let (warn, fail) = (i64::from(bounds.warn_days), i64::from(bounds.fail_days));
        let judged = match days {
            _ if days < fail => Verdict::Fail,
            _ if days < warn => Verdict::Warn,
            _ => Verdict::Pass,
        };
        // One of a shorter life has other bounds.
        let bounds = if judged == certificate.verdict { format!(";{warn}:;{fail}:") } else { String::new() };
        data.push(format!("{}={days}{bounds}", label("certificate", &certificate.host)));
    }
}

/// Bounds of per cent: a plugin's bound is passed by what is above it, the registry's by what reaches it.
fn percent(bounds: &Usage) -> String {
    format!("{};{};0;100", bounds.warn_percent.saturating_sub(1), bounds.fail_percent.saturating_sub(1))
}

/// The label of performance data, in quotes.
fn label(kind: &str, name: &str) -> String {
    let safe = |c: char| if matches!(c, '\'' | '=' | '|') || escape::is_hostile(c) { '_' } else { c };
    format!("'{kind} {}'", cut(&name.chars().map(safe).collect::<String>(), 80))
}

/// Text on one line, without what begins performance data.
fn plain(text: &str) -> String {
    escape::line(&text.replace('\n', " ")).replace('|', "/")
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
pub(super) mod tests;
