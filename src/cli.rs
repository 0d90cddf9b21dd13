//! The command line: clap and nothing else. What needs the chosen deployment is looked up in [`crate::context`].

use std::sync::OnceLock;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use jiff::{SignedDuration, Span, SpanRelativeTo};

use crate::commands::{completion, explain, get, man, schema, status, verify};
use crate::error::Error;
use crate::registry::{Deployment, LOCALHOST};
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
  0    done, or healthy (warnings allowed)   4    could not be determined
  1    tried and failed                      5    refused, nothing changed
  2    the command line makes no sense       7    timed out
  3    checked and unhealthy                 129, 130, 143  hang-up, interrupt, terminate";

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
    /// List what the registry holds.
    Get(get::Args),
    /// Tell all that the registry knows of a service or deployment.
    Explain(explain::Args),
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

/// Parses `10s`, `2m`, `1h 30m`, `2d`; days have 24 hours.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time span with its unit, such as 10s, 2m or 1h30m".to_owned();
    let span: Span = text.parse().map_err(|_| wrong())?;
    let span: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    Duration::try_from(span).ok().filter(|span| !span.is_zero()).ok_or_else(wrong)
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

/// Services of the deployment that the line names with `-d`, else of the one on this host, else of all.
pub(crate) fn complete_services() -> Vec<CompletionCandidate> {
    let chosen = named_on_line().or_else(|| {
        let system = crate::system::System::real();
        match crate::context::detect(&system).as_slice() {
            [] => Some(&LOCALHOST),
            [one] => Some(*one),
            _ => None,
        }
    });
    let services = deployments().filter(|d| chosen.is_none_or(|chosen| std::ptr::eq(*d, chosen)));
    services.flat_map(|d| d.services).map(|service| candidate(service.name, service.summary)).collect()
}

/// Services, and deployments after them.
pub(crate) fn complete_names() -> Vec<CompletionCandidate> {
    let mut names = complete_services();
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
        for wrong in ["10", "", "-5s", "0s", "soon", "1y"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }
}
