//! Commands of a procedure: words of the registry with what was given put into them, run as the user and in the container that are
//! meant.

use std::time::Duration;

use super::secrets::Secrets;
use super::values::Values;
use crate::context::Context;
use crate::host::exec::{Output, ProcessEnd, Runner};
use crate::host::system::System;
use crate::host::tools::{Account, Argv, Input};
use crate::host::trouble::{Trouble, failure};
use crate::judge::health;
use crate::observe::probe::{self, PATIENCE};
use crate::registry::{Deployment, Invocation, Manager, Service};

/// How what a command reads is shown.
const INPUT: &str = "text of the runbook";

/// What a procedure is run on: the machine, the deployment, and what was given.
pub struct Scene<'a> {
    /// The machine, and how to report.
    pub context: &'a Context<'a>,
    /// The deployment.
    pub deployment: &'static Deployment,
    /// What was given.
    pub values: &'a Values,
    /// What is never shown.
    pub secrets: &'a Secrets,
    /// Whether every prompt was answered beforehand.
    pub yes: bool,
}

impl Scene<'_> {
    /// The command of an invocation.
    ///
    /// # Errors
    /// Why there is none: no such user, no such container.
    pub fn argv(&self, invocation: &Invocation) -> Result<Argv, String> {
        let argv = bare(self.context.system, invocation, self.values, self.secrets)?;
        match invocation.inside {
            Some(service) => Ok(within(argv, &self.container(service)?)),
            None => Ok(argv),
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// Why it could not be started, or how it ended.
    pub fn run(&self, invocation: &Invocation) -> Result<Output, Trouble> {
        let argv = self.argv(invocation).map_err(Trouble::Unavailable)?;
        let limit = self.context.within(Duration::from_secs(invocation.seconds.into()));
        let output = self.context.processes().run(&argv, limit)?;
        // What a program quotes of its input.
        Ok(Output { stdout: self.secrets.clean(output.stdout), stderr: self.secrets.clean(output.stderr), ..output })
    }

    /// The name that the container of a service has on this host.
    fn container(&self, service: &'static Service) -> Result<String, String> {
        let (system, limit) = (self.context.system, self.context.within(PATIENCE));
        let evidence = probe::gather(system, &self.context.processes(), self.deployment, &[service], false, limit);
        let judged = health::judge(self.deployment, &[service], &evidence).services;
        let is_container = |judged: &&health::ServiceHealth| {
            judged.manager.as_deref().is_some_and(|manager| matches!(manager, "docker" | "compose"))
        };
        let name = judged.iter().find(is_container).and_then(|judged| judged.unit.clone());
        name.ok_or_else(|| format!("the container of {} was not found", service.name))
    }
}

/// A command without the container around it.
fn bare(system: &System, invocation: &Invocation, values: &Values, secrets: &Secrets) -> Result<Argv, String> {
    let Some((program, args)) = invocation.words.split_first() else { return Err("there is no program".to_owned()) };
    let mut argv = Argv::new(program, args.iter().map(|word| values.fill(word)));
    match invocation.user {
        // It is a user of the container's.
        Some(user) if invocation.inside.is_some() => argv.account = Some(named(user)),
        Some(user) => {
            let account = system.account(|account| account.name == user);
            argv = argv.by(Some(&account.ok_or_else(|| format!("there is no user {user} on this host"))?));
        }
        None => {}
    }
    argv.input = invocation.input.map(|text| Input::bytes(INPUT, secrets.fill(&values.fill(text))));
    Ok(argv)
}

/// The same command in a container.
fn within(argv: Argv, container: &str) -> Argv {
    let user = argv.account.map(|account| format!("--user={}", account.name));
    let open = argv.input.is_some().then(|| "--interactive".to_owned());
    let words = std::iter::once("exec".to_owned()).chain(open).chain(user);
    let command = [container.to_owned(), argv.program.to_owned()];
    let mut outer = Argv::new("docker", words.chain(command).chain(argv.args));
    outer.input = argv.input;
    outer
}

/// A user of whom no more is known.
fn named(name: &str) -> Account {
    Account { name: name.to_owned(), uid: 0, gid: 0, home: String::new() }
}

/// The command as it is shown before it is known what the host has.
pub fn shown(invocation: &Invocation, values: &Values) -> Argv {
    let (program, args) = invocation.words.split_first().unwrap_or((&"", &[]));
    let mut argv = Argv::new(program, args.iter().map(|word| values.fill(word)));
    argv.account = invocation.user.map(named);
    argv.input = invocation.input.map(|text| Input::bytes(INPUT, values.fill(text)));
    match invocation.inside {
        Some(service) => within(argv, service.managers.first().map_or(service.name, Manager::unit)),
        None => argv,
    }
}

/// Why a command failed; `None` where it ended with 0.
pub fn trouble(output: &Output) -> Option<Trouble> {
    (output.exit != ProcessEnd::Code(0)).then(|| failure(output))
}
