//! The command line: clap and nothing else. What needs the chosen deployment is looked up in [`crate::context`].

use std::sync::OnceLock;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, ToSpan};

use crate::action::release::record;
use crate::commands::{
    backup, completion, diagnose, explain, get, history, lock, logs, maintenance, man, operate, redeploy, restore,
    rollback, run, schema, status, verify,
};
use crate::error::Error;
use crate::registry::{Deployment, LOCALHOST};
use crate::system::System;
use crate::ui::{Color, Format, escape};

/// The variable by which a shell's completion script asks for candidates.
pub const COMPLETE_VAR: &str = "OPSCTL_COMPLETE";

static DEPLOYMENTS: OnceLock<Vec<&'static Deployment>> = OnceLock::new();

/// Makes these deployments, and `localhost`, the ones that names on the command line mean.
pub(crate) fn set_deployments(deployments: &[&'static Deployment]) {
    // Set once, by the first call: a process has one registry.
    let _ = DEPLOYMENTS.set(deployments.to_vec());
}

/// All deployments, `localhost` last.
pub(crate) fn deployments() -> impl Iterator<Item = &'static Deployment> {
    DEPLOYMENTS.get().into_iter().flatten().copied().chain([&LOCALHOST])
}

/// The incident runbook of a server as a program.
///
/// Shows what is wrong with a deployment, worst first, from one place: services of systemd, docker, compose and pm2, each
/// probed on its own port, and the host under them.
#[derive(Debug, Parser)]
#[command(name = "opsctl", version, max_term_width = 100, after_long_help = EXIT_CODES)]
pub struct Cli {
    /// Global flags.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

const EXIT_CODES: &str = "Exit codes:
  0    done, or healthy (warnings allowed)   5    refused, nothing changed
  1    tried and failed                      6    locked by another run, nothing changed
  2    the command line makes no sense       7    timed out
  3    checked and unhealthy                 8    partly done
  4    could not be determined               9    failed, and what was before is back
                                             129, 130, 143  hang-up, interrupt, terminate";

/// Flags of every verb.
#[derive(Debug, Args)]
pub struct Global {
    /// Deployment to look at; found out from the host when not given.
    #[arg(short, long, global = true, env = "OPSCTL_DEPLOYMENT", value_name = "NAME", value_parser = deployment,
          add = ArgValueCandidates::new(complete_deployments))]
    pub deployment: Option<&'static Deployment>,
    /// Form of the output.
    #[arg(short, long, global = true, value_enum, default_value = "text", value_name = "FORMAT")]
    pub output: Format,
    /// Leave column headers out.
    #[arg(long, global = true)]
    pub no_headers: bool,
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: Color,
    /// Nothing on stderr but errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print each wrapped command on stderr as it runs.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Deadline of the whole command, such as 10s or 2m.
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show what is wrong, worst first, then every service and the host.
    Status(status::Args),
    /// Say which failure it is, what proves it, and what to do about it.
    Diagnose(diagnose::Args),
    /// Show what services wrote, from the journal, containers, pm2 and files, as one stream.
    Logs(logs::Args),
    /// Stop and start services, and see that they stay up.
    Restart(operate::Args),
    /// Let services read their configuration again, after it was checked.
    Reload(operate::Args),
    /// Start services, and see that they stay up.
    Start(operate::Args),
    /// Stop services, those that need others first.
    Stop(operate::Args),
    /// Bring a new version, see that it works, and take it back where it does not.
    Redeploy(redeploy::Args),
    /// Go back to a version that was seen to work.
    Rollback(rollback::Args),
    /// Take the deployment out of service on purpose, or put it back, or say how it stands.
    Maintenance(maintenance::Args),
    /// Copy databases to their remote, prove that the copies can be restored, and let old ones go.
    Backup(backup::Args),
    /// Put a proven copy in the place of live data, and the old data back where it does not work.
    Restore(restore::Args),
    /// List what the registry holds.
    Get(get::Args),
    /// Tell all that the registry knows of a service, failure, code or deployment.
    Explain(explain::Args),
    /// Run a procedure of the runbook.
    Run(run::Args),
    /// Show what was changed, when, by whom, and how it ended.
    History(history::Args),
    /// Keep others from changing this deployment, or say who does.
    Lock(lock::Args),
    /// Compare the registry with this host.
    Verify(verify::Args),
    /// Print the JSON Schema of a document.
    Schema(schema::Args),
    /// Print the completion script of a shell.
    Completion(completion::Args),
    /// Print the manual page.
    Man(man::Args),
}

fn deployment(name: &str) -> Result<&'static Deployment, String> {
    deployments().find(|deployment| deployment.name == name).ok_or_else(|| {
        let error = Error::no_such("unknown_deployment", "deployment", name, deployments().map(|d| d.name));
        format!("{}; {}", error.message, error.hint.unwrap_or_default())
    })
}

/// No time span is longer: what is added to a time then stays one that can be counted with.
const LONGEST_SPAN: Duration = Duration::from_secs(36_500 * 86_400);

/// Parses `10s`, `2m`, `1h 30m`, `2d`; days have 24 hours.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time span with its unit, such as 10s, 2m or 1h30m".to_owned();
    let span: Span = text.parse().map_err(|_| wrong())?;
    let span: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    let span = Duration::try_from(span).ok().filter(|span| !span.is_zero()).ok_or_else(wrong)?;
    match span <= LONGEST_SPAN {
        true => Ok(span),
        false => Err("expected a time span of at most a hundred years".to_owned()),
    }
}

/// A moment on the command line.
#[derive(Debug, Clone)]
pub(crate) enum Moment {
    /// So long ago.
    Ago(Duration),
    /// Exactly then.
    Then(Timestamp),
    /// By the host's clock on the wall.
    Local(DateTime),
    /// Midnight, so many days ago.
    Midnight(i64),
}

impl Moment {
    /// When that is. `None` beyond the end of time.
    pub fn at(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Moment::Ago(span) => now.checked_sub(SignedDuration::try_from(*span).ok()?).ok(),
            Moment::Then(time) => Some(*time),
            Moment::Local(time) => zone.to_timestamp(*time).ok(),
            Moment::Midnight(days) => {
                let day = zone.to_datetime(now).date().checked_sub(days.days()).ok()?;
                zone.to_timestamp(day.at(0, 0, 0, 0)).ok()
            }
        }
    }
}

/// Parses `10m`, `2h ago`, `today`, `yesterday`, `now`, a date, a date and time of the host's clock, RFC 3339.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    let ago = text.strip_suffix("ago").unwrap_or(text).trim().trim_start_matches('-');
    match text {
        "now" => return Ok(Moment::Ago(Duration::ZERO)),
        "today" => return Ok(Moment::Midnight(0)),
        "yesterday" => return Ok(Moment::Midnight(1)),
        _ => {}
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Moment::Then(time));
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return Ok(Moment::Local(time));
    }
    duration(ago).map(Moment::Ago).map_err(|_| {
        "expected a time such as 10m, 2h, yesterday, 2026-02-26, '2026-02-26 02:11' or 2026-02-26T02:11:07Z".to_owned()
    })
}

/// Refuses words that are no text, far too long, or would drive the terminal when an error repeats them.
pub(crate) fn screen(args: impl Iterator<Item = std::ffi::OsString>) -> Result<Vec<String>, Error> {
    const LONGEST: usize = 4096;
    args.map(|arg| {
        let Ok(text) = arg.into_string() else {
            return Err(Error::usage("bad_argument", "an argument is not valid UTF-8"));
        };
        if text.len() > LONGEST {
            let problem = format!("an argument is {} bytes long, more than {LONGEST}", text.len());
            return Err(Error::usage("bad_argument", problem));
        }
        match text.chars().any(escape::is_hostile) {
            true => {
                let shown: String = escape::line(&text).chars().take(80).collect();
                Err(Error::usage("bad_argument", format!("an argument contains control characters: {shown}")))
            }
            false => Ok(text),
        }
    })
    .collect()
}

/// The format that these words ask for, found without parsing them, for errors about the words themselves.
pub(crate) fn wanted_format(args: &[std::ffi::OsString]) -> Format {
    let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let value = |index: usize, word: &str| -> Option<String> {
        let attached = match word.strip_prefix("--") {
            Some(long) => long.strip_prefix("output")?,
            // Flags without a value may stand before it: `-qojson`.
            None => word.strip_prefix('-')?.trim_start_matches(['q', 'v']).strip_prefix('o')?,
        };
        match attached.strip_prefix('=').unwrap_or(attached) {
            "" => words.get(index + 1).map(ToString::to_string),
            value => Some(value.to_owned()),
        }
    };
    let json = words.iter().enumerate().any(|(index, word)| value(index, word).as_deref() == Some("json"));
    if json { Format::Json } else { Format::Text }
}

fn complete_deployments() -> Vec<CompletionCandidate> {
    deployments().map(|deployment| candidate(deployment.name, deployment.summary)).collect()
}

/// The deployment that the line names with `-d`, else the one on this host; `None` when there are several.
fn meant(system: &System) -> Option<&'static Deployment> {
    named_on_line().or_else(|| match crate::context::detect(system).as_slice() {
        [] => Some(&LOCALHOST),
        [one] => Some(*one),
        _ => None,
    })
}

/// The deployment that is meant, else all.
fn possible() -> impl Iterator<Item = &'static Deployment> {
    let chosen = meant(&System::real());
    deployments().filter(move |d| chosen.is_none_or(|chosen| std::ptr::eq(*d, chosen)))
}

/// Services of the deployment that is meant, else of all.
pub(crate) fn complete_services() -> Vec<CompletionCandidate> {
    possible().flat_map(|d| d.services).map(|service| candidate(service.name, service.summary)).collect()
}

/// Failures of the deployment that is meant, under all their names, and its services.
pub(crate) fn complete_failures() -> Vec<CompletionCandidate> {
    let mut names: Vec<CompletionCandidate> = possible()
        .flat_map(|d| d.failures)
        .flat_map(|failure| {
            let words = std::iter::once(failure.slug).chain(failure.aliases.iter().copied());
            words.map(|word| candidate(word, failure.summary))
        })
        .collect();
    names.extend(complete_services());
    names
}

/// Backup sets of the deployment that is meant, else of all.
pub(crate) fn complete_sets() -> Vec<CompletionCandidate> {
    let chosen = meant(&System::real());
    let sets = deployments().filter(|d| chosen.is_none_or(|chosen| std::ptr::eq(*d, chosen)));
    sets.flat_map(|d| d.backups).map(|set| candidate(set.name, set.what)).collect()
}

/// Versions that are recorded of the deployment that is meant, newest first; none for who may not read the record.
pub(crate) fn complete_versions() -> Vec<CompletionCandidate> {
    let system = System::real();
    let records = meant(&system).and_then(|deployment| record::read(&system, deployment).ok()).unwrap_or_default();
    let mut found: Vec<CompletionCandidate> = Vec::new();
    for (release, id) in records.releases.iter().zip(record::ids(&records.releases)).rev() {
        let help =
            format!("{} {}", release.time.strftime("%Y-%m-%d %H:%M"), release.version.subject.as_deref().unwrap_or(""));
        if !id.is_empty() && found.iter().all(|other| other.get_value() != id.as_str()) {
            found.push(candidate(&id, escape::line(help.trim()).as_ref()));
        }
    }
    found
}

/// Kinds of log sources.
pub(crate) fn complete_sources() -> Vec<CompletionCandidate> {
    let kinds = [
        ("journal", "journald's entries of units"),
        ("container", "output of containers"),
        ("pm2", "output of pm2 applications"),
        ("file", "log files"),
    ];
    kinds.into_iter().map(|(kind, help)| candidate(kind, help)).collect()
}

/// Failures and services, and deployments after them.
pub(crate) fn complete_names() -> Vec<CompletionCandidate> {
    let mut names = complete_failures();
    names.extend(complete_deployments());
    names
}

fn named_on_line() -> Option<&'static Deployment> {
    let mut words = std::env::args().skip_while(|word| word != "--");
    while let Some(word) = words.next() {
        let name = match word.as_str() {
            "-d" | "--deployment" => words.next()?,
            word => match word.strip_prefix("--deployment=").or_else(|| word.strip_prefix("-d")) {
                Some(name) => name.to_owned(),
                None => continue,
            },
        };
        return deployment(&name).ok();
    }
    deployment(&std::env::var("OPSCTL_DEPLOYMENT").ok()?).ok()
}

fn candidate(name: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(name).help(Some(help.to_owned().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("2d"), Ok(Duration::from_secs(172_800)));
        assert_eq!(duration("36500d"), Ok(LONGEST_SPAN));
        for wrong in ["10", "", "-5s", "0s", "soon", "1y", "36501d", "9223372036854775807s", "99999999999999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-22T05:14:42Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let at = |text: &str| moment(text).unwrap().at(now, &zone).unwrap().to_string();
        assert_eq!(at("10m"), "2026-11-22T05:04:42Z");
        assert_eq!(at("-2h"), "2026-11-22T03:14:42Z");
        assert_eq!(at("1h30m ago"), "2026-11-22T03:44:42Z");
        assert_eq!(at("now"), "2026-11-22T05:14:42Z");
        assert_eq!(at("today"), "2026-11-21T23:00:00Z");
        assert_eq!(at("yesterday"), "2026-11-20T23:00:00Z");
        assert_eq!(at("2026-02-26"), "2026-02-25T23:00:00Z");
        assert_eq!(at("2026-02-26 02:11"), "2026-02-26T01:11:00Z");
        assert_eq!(at("2026-02-26T02:11:07Z"), "2026-02-26T02:11:07Z");
        for wrong in ["", "10", "soon", "2026-13-01", "yesterdays", "1y"] {
            assert!(moment(wrong).is_err(), "{wrong:?}");
        }
    }
}
