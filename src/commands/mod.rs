//! The command line and its verbs, one a file: arguments and what is done with them.

pub mod backup;
pub mod bare;
mod change;
pub mod check;
mod checked;
pub mod completion;
pub mod demo;
pub mod describe;
pub mod diagnose;
pub mod discover;
mod examine;
pub mod explain;
pub mod get;
mod help;
pub mod history;
pub mod local;
pub mod lock;
pub mod logs;
pub mod maintenance;
pub mod man;
pub mod new;
pub mod operate;
mod purpose;
pub mod redeploy;
pub mod restore;
pub mod rollback;
pub mod run;
pub mod schedule;
pub mod schema;
pub mod status;
pub mod usage;
pub mod verify;
mod version;

use std::time::Duration;

use clap::{Args, Command, CommandFactory, Parser, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use crate::action::plan::Operation;
use crate::args::{complete_deployments, deployment, duration};
use crate::context::{Context, Settings};
use crate::exit::Exit;
use crate::program;
use crate::registry::Deployment;
use crate::ui::{Color, Format, Ui};

/// The variable by which a shell's completion script asks for candidates.
pub const COMPLETE_VAR: &str = "OPSCTL_COMPLETE";

/// Run the incident runbook of a server
///
/// Shows what is wrong with a deployment, worst first: services of systemd, docker, compose and pm2, each probed on its own
/// port, and the host.
#[derive(Debug, Parser)]
#[command(version, disable_version_flag = true, max_term_width = 100, after_long_help = EXIT_CODES)]
pub struct Cli {
    /// Global flags.
    #[command(flatten)]
    pub global: Global,
    /// Print version, commit, date and target
    ///
    /// The same as the verb `version`.
    #[arg(short = 'V', long, action = clap::ArgAction::Version, hide_short_help = true)]
    version: Option<bool>,
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

const EXIT_CODES: &str = "Exit codes:
  0    done, or healthy (warnings allowed)   5    refused, nothing changed
  1    tried and failed                      6    lock held by another run, nothing changed
  2    usage error                           7    timed out
  3    checked and unhealthy                 8    partial: some targets done, some not
  4    could not determine                   9    failed and rolled back
                                             129, 130, 143  hang-up, interrupt, terminate";

/// Flags of every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global flags")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Global {
    /// Deployment to act on [default: detected]
    ///
    /// The variable OPSCTL_DEPLOYMENT sets it as well. Without either it is the one deployment whose files are on this host;
    /// none means `localhost`, several are an error that lists them.
    #[arg(short, long, global = true, env = "OPSCTL_DEPLOYMENT", hide_env = true, value_name = "NAME",
          value_parser = deployment, add = ArgValueCandidates::new(complete_deployments))]
    pub deployment: Option<&'static Deployment>,
    /// Print as text, wide, json or name [default: text]
    ///
    /// `wide` has every column, `json` is one document (see `schema`), `name` prints one name a line.
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub output: Format,
    /// Print one JSON document, like -o json
    #[arg(long, global = true, conflicts_with = "output")]
    pub json: bool,
    /// Print times in UTC [default: local time on a terminal]
    ///
    /// JSON is always in UTC.
    #[arg(long, global = true, hide_short_help = true)]
    pub utc: bool,
    /// Leave out column headers
    ///
    /// For scripts that read columns.
    #[arg(long, global = true, hide_short_help = true)]
    pub no_headers: bool,
    /// Use color auto, always or never [default: auto]
    ///
    /// `auto` colors terminals only, and honors NO_COLOR, CLICOLOR_FORCE and TERM=dumb.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        hide_default_value = true,
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub color: Color,
    /// Print nothing but errors on stderr
    ///
    /// Notes and progress are left out; the result and the exit code are the same.
    #[arg(short, long, global = true, hide_short_help = true)]
    pub quiet: bool,
    /// Print each wrapped command on stderr
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Stop after this time [default: none]
    ///
    /// The deadline of the whole command, such as 10s or 2m. What is still pending is reported, with exit code 7.
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration, hide_short_help = true)]
    pub timeout: Option<Duration>,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show what is wrong, then every service and the host
    ///
    /// Worst first. Health is what the manager reports and what a probe of the service's own port returns. One named service
    /// is shown with its checks and last log lines.
    Status(status::Args),
    /// Check once, in one line; notify a person
    ///
    /// The verdict of `status` in at most 200 characters. Run by root, it records what each subject was and sends a
    /// notification when a person has to know; `-o nagios` and `-o prom` are for monitoring systems.
    Check(check::Args),
    /// Describe one service: state, facts, last log lines
    Describe(describe::Args),
    /// Find which failure it is, its cause and fix
    Diagnose(diagnose::Args),
    /// Show log lines of services as one stream
    ///
    /// From the journal, containers, pm2 and files, ordered by time. Secrets are masked.
    Logs(logs::Args),
    /// Restart services and verify that they stay up
    Restart(operate::Args),
    /// Check the configuration of services, then reload it
    Reload(operate::Args),
    /// Start services and verify that they stay up
    Start(operate::Args),
    /// Stop services, dependents first
    Stop(operate::Args),
    /// Deploy a new version, verify it, roll back on failure
    Redeploy(redeploy::Args),
    /// Return to an earlier version that worked
    Rollback(rollback::Args),
    /// Show or switch maintenance mode
    Maintenance(maintenance::Args),
    /// Create, list, verify or prune backups
    ///
    /// Each copy is read back from the remote and restored in scratch before it counts.
    Backup(backup::Args),
    /// Restore live data from a verified copy
    ///
    /// The live data is kept until the restored data is verified; what does not work is rolled back.
    Restore(restore::Args),
    /// List services, backups, failures, procedures or deployments
    Get(get::Args),
    /// Explain a service, failure, procedure, code or deployment
    ///
    /// Needs no root and no running system.
    Explain(explain::Args),
    /// Run a procedure of the runbook, step by step
    ///
    /// The plan is shown first. A run that did not end can be resumed or undone; `get procedures` lists what there is.
    Run(run::Args),
    /// Show past changes: when, by whom, their outcome
    History(history::Args),
    /// Show, acquire or release the deployment's lock
    Lock(lock::Args),
    /// Compare the registry with this host
    Verify(verify::Args),
    /// Find the services of this host
    ///
    /// By unit files, containers, pm2 and listening sockets, with the reason for each. Starts no service, sends at
    /// most one request to each port, and works as any user; what is hidden is reported as unknown. `-o rust` prints a program with these services.
    Discover(discover::Args),
    /// Write a program with the services of this host
    ///
    /// A crate that compiles: `Cargo.toml`, `src/main.rs`, `README.md`, and a test of the registry. Writes over nothing.
    New(new::Args),
    /// Show a made-up host with a broken service
    ///
    /// Its evidence is compiled in and goes through the code of real hosts: no process is started, no file read, and root is
    /// not needed. Views: `opsctl demo`, `opsctl demo diagnose`, `opsctl demo logs wallet`.
    Demo(demo::Args),
    /// Print the JSON Schema of a document
    Schema(schema::Args),
    /// Print or install shell completion
    Completion(completion::Args),
    /// Print a manual page
    Man(man::Args),
    /// Print version, commit, date and target
    Version,
}

/// The command line's definition, under the name that this program has.
pub fn command() -> Command {
    command_for(None)
}

/// The same, with these names in its examples.
pub fn command_for(names: Option<&local::Names>) -> Command {
    let command = Cli::command().name(program::name()).bin_name(program::name());
    help::complete(command, names).version(program::build())
}

impl Cli {
    /// Whether times are in the zone of whoever reads them: text on a terminal, and no file for others.
    pub fn is_local(&self) -> bool {
        let is_text = matches!(self.global.format(), Format::Text | Format::Wide);
        let is_for_others = matches!(&self.verb, Some(Verb::Diagnose(args)) if args.is_bundled());
        is_text && !is_for_others && !self.global.utc && Ui::is_terminal()
    }
}

impl Global {
    /// The form of the output.
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output }
    }

    /// What these flags ask for.
    pub fn settings(&self) -> Settings {
        Settings {
            ui: Ui { format: self.format(), headers: !self.no_headers, color: self.color, quiet: self.quiet },
            deployment: self.deployment,
            verbose: self.verbose,
            timeout: self.timeout,
        }
    }
}

/// Does what was asked.
///
/// # Errors
/// What stopped it; printed by the caller.
pub fn run(verb: &Verb, context: &Context<'_>) -> anyhow::Result<Exit> {
    match verb {
        Verb::Status(args) => status::run(args, context),
        Verb::Check(args) => check::run(args, context),
        Verb::Describe(args) => describe::run(args, context),
        Verb::Diagnose(args) => diagnose::run(args, context),
        Verb::Get(args) => get::run(args, context),
        Verb::Explain(args) => explain::run(args, context),
        Verb::Verify(args) => verify::run(args, context),
        Verb::Discover(args) => discover::run(args, context),
        Verb::New(args) => new::run(args, context),
        Verb::Demo(args) => demo::run(args, context),
        Verb::Schema(args) => schema::run(args),
        Verb::Completion(args) => completion::run(args, context),
        Verb::Logs(args) => logs::run(args, context),
        Verb::Restart(args) => operate::run(Operation::Restart, args, context),
        Verb::Reload(args) => operate::run(Operation::Reload, args, context),
        Verb::Start(args) => operate::run(Operation::Start, args, context),
        Verb::Stop(args) => operate::run(Operation::Stop, args, context),
        Verb::Redeploy(args) => redeploy::run(args, context),
        Verb::Rollback(args) => rollback::run(args, context),
        Verb::Maintenance(args) => maintenance::run(args, context),
        Verb::Backup(args) => backup::run(args, context),
        Verb::Restore(args) => restore::run(args, context),
        Verb::Run(args) => run::run(args, context),
        Verb::History(args) => history::run(args, context),
        Verb::Lock(args) => lock::run(args, context),
        Verb::Man(args) => man::run(args),
        Verb::Version => version::run(context),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn procedures_that_a_verb_does_name_commands_that_are_accepted() {
        let mut tried = 0;
        for deployment in crate::registry::DEPLOYMENTS {
            for verb in deployment.verbs {
                let words = std::iter::once("opsctl").chain(verb.command.iter().copied());
                let parsed = Cli::try_parse_from(words);
                assert!(parsed.is_ok(), "{}/{}: {:?}", deployment.name, verb.slug, parsed.err());
                tried += 1;
            }
        }
        assert!(tried > 20, "{tried}");
    }

    #[test]
    fn the_definitions_are_consistent() {
        command().debug_assert();
    }
}
