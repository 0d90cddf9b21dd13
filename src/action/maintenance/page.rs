//! A page in place of the site: what is to be done to nginx for it. Whenever that is cut off, nginx's configuration on disk
//! is one that nginx takes: what is new is tried beside its place first.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use super::hosts;
use crate::action::Risk;
use crate::action::plan;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::host::exec::{ProcessEnd, Runner};
use crate::host::files::own;
use crate::host::system::System;
use crate::host::tools::Argv;
use crate::host::tools::nginx;
use crate::host::tools::nginx::page::{self as pages, Endpoint, Objection, Site};
use crate::host::trouble::{Trouble, failure};
use crate::program;
use crate::registry::{Deployment, Page};

/// How long nginx may take until all its new processes answer.
pub(super) const READY: Duration = Duration::from_secs(10);
/// How long a check of the configuration may take.
const CHECK: Duration = Duration::from_secs(30);

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Out of service.
    On,
    /// Back into service.
    Off,
}

impl Direction {
    /// As it is asked for.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::On => "maintenance on",
            Direction::Off => "maintenance off",
        }
    }

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Direction::On => "on",
            Direction::Off => "off",
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Runs a command.
    Run(Argv),
    /// Writes a file.
    Write(String, String),
    /// Moves a file within its directory. What stood there before is given, so that it can be put back.
    Move(String, String, Option<String>),
    /// Removes a file.
    Remove(String),
    /// Looks at what every host answers.
    Look,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageStep {
    /// What it does, in a few words.
    pub title: String,
    /// The same, exactly.
    pub act: Act,
    /// How long it may take.
    pub deadline: Duration,
    /// What may come of it.
    pub risk: Risk,
}

/// All that would be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which way.
    pub direction: Direction,
    /// The page.
    pub page: &'static Page,
    /// What visitors are to read.
    pub body: String,
    /// Every way to ask for the site.
    pub endpoints: Vec<Endpoint>,
    /// Steps, in order.
    pub steps: Vec<PageStep>,
}

impl Plan {
    /// The gravest risk of its steps.
    pub fn risk(&self) -> Risk {
        self.steps.iter().map(|step| step.risk).max().unwrap_or(Risk::ReadOnly)
    }

    /// Its commands, as they can be pasted; files are named.
    pub fn commands(&self) -> Vec<String> {
        let commands = self.steps.iter().filter_map(|step| match &step.act {
            Act::Run(argv) => Some(argv.to_string()),
            Act::Move(from, to, _) => Some(Argv::new("mv", ["--", from, to]).to_string()),
            Act::Write(..) | Act::Remove(_) | Act::Look => None,
        });
        commands.collect()
    }
}

/// A file beside its place, which no pattern of an `include` means: its name begins with a dot.
fn beside(path: &str, ending: &str) -> String {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    format!("{directory}/.{name}.{ending}")
}

/// Removes what was written beside its place.
pub(super) fn tidy(system: &System, page: &Page) -> io::Result<()> {
    // The main file is where it usually is, above the directory that it includes.
    let directory = page.file.rsplit_once('/').and_then(|(directory, _)| directory.rsplit_once('/'));
    let main = directory.map(|(directory, _)| beside(&format!("{directory}/nginx.conf"), "opsctl"));
    let temp = [beside(page.file, "new"), beside(page.file, "off")];
    temp.iter().chain(&main).try_for_each(|path| own::remove(system, path))
}

/// What nginx's configuration says of the site.
///
/// # Errors
/// When nginx does not take its configuration as it is, or would not show a page that is put there.
pub fn site(context: &Context<'_>, deployment: &'static Deployment, page: &Page) -> Result<Site, Error> {
    let argv = nginx::dump();
    let refused = |message: String, hint: String| {
        Error::refused(Code::Refused, format!("{message}; nothing was changed")).hint(hint)
    };
    let unknown =
        |trouble: &dyn fmt::Display| Error::unknown(Code::Unknown, format!("{argv}: {trouble}; nothing was changed"));
    let output = match context.processes().run(&argv, context.patience()?) {
        Ok(output) if output.exit == ProcessEnd::Code(0) => output,
        Ok(output) => {
            let trouble = failure(&output);
            return Err(match output.exit {
                ProcessEnd::Code(_) => refused(
                    format!("nginx rejects its present configuration: {trouble}"),
                    "nginx -t shows the error; correct it first".to_owned(),
                ),
                _ => unknown(&trouble),
            });
        }
        Err(error) => return Err(unknown(&Trouble::from(error))),
    };
    let dump = String::from_utf8_lossy(&output.stdout);
    let hosts: Vec<&str> = hosts(deployment).into_iter().collect();
    let directory = page.file.rsplit_once('/').map_or("/", |(directory, _)| directory);
    let site = pages::site(&dump, &hosts, page.file, page.health).map_err(|objection| match objection {
        Objection::Malformed(malformed) => unknown(&malformed),
        Objection::NoServer => {
            refused(format!("nginx has no server for any of {}", hosts.join(", ")), program::command("verify"))
        }
        Objection::NotRead => refused(
            format!("nginx does not read {}: its configuration does not include it", page.file),
            format!("as the first line of http in nginx.conf: include {directory}/*.conf;"),
        ),
        Objection::Behind(names, path) => refused(
            format!("nginx would still serve {names}, which it reads in {path} before {}", page.file),
            format!("include {directory}/*.conf in nginx's configuration before it"),
        ),
    })?;
    for directory in [directory, site.main.rsplit_once('/').map_or("/", |(directory, _)| directory)] {
        only_ours(context.system, directory)
            .map_err(|error| refused(format!("{directory}: {error}"), format!("ls -ld {directory}")))?;
    }
    Ok(site)
}

/// Nobody else may be able to put something in our files' places.
fn only_ours(system: &System, directory: &str) -> io::Result<()> {
    let meta = system.metadata(directory)?;
    let own = rustix::process::geteuid().as_raw();
    if !meta.is_dir() || meta.uid() != own || meta.mode() & 0o022 != 0 {
        return Err(io::Error::other("it is not a directory that only this user can write to"));
    }
    Ok(())
}

/// Plans it. `reload` is how nginx is checked and told to read its configuration again, `unwell` whether
/// something behind the page is not well.
pub fn plan(
    system: &System,
    direction: Direction,
    page: &'static Page,
    site: &Site,
    message: &str,
    reload: &plan::Plan,
    unwell: bool,
) -> Plan {
    let step = |title: &str, act: Act, risk: Risk| PageStep { title: title.to_owned(), act, deadline: CHECK, risk };
    let (temp, taken) = (beside(page.file, "new"), beside(page.file, "off"));
    let endpoints = site.endpoints();
    let before = system.read(page.file).ok();
    let mut steps = Vec::new();
    let grave = match direction {
        Direction::On => {
            let other = beside(&site.main, "opsctl");
            let content = site.page(page.health, message, page.retry_after_seconds);
            if before.as_ref() != Some(&content) {
                steps.push(step("write the page to a temp file", Act::Write(temp.clone(), content), Risk::Safe));
                let title = "write a temporary main file that includes it";
                steps.push(step(title, Act::Write(other.clone(), site.main_with(&temp)), Risk::Safe));
                let argv = nginx::validate_other(&other);
                steps.push(step("check nginx's configuration with the page", Act::Run(argv), Risk::ReadOnly));
                steps.push(step("remove the temporary main file", Act::Remove(other), Risk::Safe));
                steps.push(step("install the page", Act::Move(temp, page.file.to_owned(), before), Risk::Safe));
            }
            Risk::Disruptive
        }
        Direction::Off => {
            if before.is_some() {
                let act = Act::Move(page.file.to_owned(), taken.clone(), None);
                steps.push(step("uninstall the page", act, Risk::Safe));
            }
            // Visitors who would meet errors are better off with the page.
            if unwell { Risk::Disruptive } else { Risk::Safe }
        }
    };
    steps.extend(reload.parts.iter().flat_map(|part| &part.steps).map(|step| PageStep {
        title: step.title.clone(),
        act: Act::Run(step.argv.clone()),
        deadline: step.deadline,
        risk: if step.risk == Risk::ReadOnly { Risk::ReadOnly } else { grave },
    }));
    let look = match direction {
        Direction::On => "check that every host answers 503 with the page",
        Direction::Off => "check that every host answers without the page",
    };
    steps.push(PageStep { deadline: READY, ..step(look, Act::Look, Risk::ReadOnly) });
    if direction == Direction::Off {
        steps.push(step("remove the page", Act::Remove(taken), Risk::Safe));
    }
    Plan { direction, page, body: pages::html(message), endpoints, steps }
}
