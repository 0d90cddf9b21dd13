//! Parameters of procedures on the command line: a flag for each name that a procedure of any deployment has, and words in order.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches};
use clap_complete::engine::ArgValueCandidates;

use crate::args::complete_services;
use crate::registry::loaded::deployments;
use crate::registry::{Deployment, LOCALHOST, Parameter, ParameterKind};

/// What was given.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// By flag.
    pub(super) flags: Vec<(String, String)>,
}

/// Every parameter that a procedure has, once, by its name.
fn all() -> BTreeMap<&'static str, &'static Parameter> {
    let known = deployments().chain(std::iter::once(&LOCALHOST));
    let parameters = known.flat_map(Deployment::all_procedures).flat_map(|one| one.parameters);
    parameters.map(|parameter| (parameter.name, parameter)).collect()
}

/// The identity of a parameter's argument; no other argument has such a one.
fn id(name: &str) -> String {
    format!("parameter-{name}")
}

/// As help of other flags begins.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl clap::Args for Given {
    fn augment_args(command: Command) -> Command {
        all().into_iter().fold(command, |command, (name, parameter)| {
            let argument = Arg::new(id(name))
                .long(name)
                .value_name(name.to_uppercase())
                .help(capitalized(parameter.help))
                .help_heading("Values of procedures")
                .action(ArgAction::Set)
                .hide_short_help(true);
            command.arg(match parameter.kind {
                ParameterKind::Service => argument.add(ArgValueCandidates::new(complete_services)),
                _ => argument,
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = |name: &&str| Some(((*name).to_owned(), matches.get_one::<String>(&id(name))?.clone()));
        Ok(Given { flags: all().keys().filter_map(given).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Given::from_arg_matches(matches)?;
        Ok(())
    }
}
