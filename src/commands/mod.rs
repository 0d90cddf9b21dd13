//! The command line and its verbs, one a file: arguments and what is done with them.

pub mod backup;
pub mod bare;
mod change;
pub mod completion;
pub mod describe;
pub mod diagnose;
mod examine;
pub mod explain;
pub mod get;
pub mod history;
pub mod lock;
pub mod logs;
pub mod maintenance;
pub mod man;
pub mod operate;
mod purpose;
pub mod redeploy;
pub mod restore;
pub mod rollback;
pub mod run;
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

/// The incident runbook of a server as a program.
///
/// Shows what is wrong with a deployment, worst first, from one place: services of systemd, docker, compose and pm2, each
/// probed on its own port, and the host under them.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_long_help = EXIT_CODES)]
pub struct Cli {
    /// Global flags.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
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
    /// Print one JSON document, as -o json does.
    #[arg(long, global = true, conflicts_with = "output")]
    pub json: bool,
    /// Print times in UTC [default: local on terminals].
    #[arg(long, global = true)]
    pub utc: bool,
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
    /// Describe one service: state, facts and last log lines.
    Describe(describe::Args),
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
    /// Print version, commit, date and target.
    Version,
}

/// The command line's definition, under the name that this program has.
pub fn command() -> Command {
    Cli::command().name(program::name()).bin_name(program::name()).version(program::version())
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
            utc: self.utc,
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
        Verb::Describe(args) => describe::run(args, context),
        Verb::Diagnose(args) => diagnose::run(args, context),
        Verb::Get(args) => get::run(args, context),
        Verb::Explain(args) => explain::run(args, context),
        Verb::Verify(args) => verify::run(args, context),
        Verb::Schema(args) => schema::run(args),
        Verb::Completion(args) => completion::run(args),
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
    fn the_definitions_are_consistent() {
        command().debug_assert();
    }
}
