//! The incident runbook of a server, compiled into one binary.
//!
//! The library is what an operator needs to compile a deployment of their own: the [`registry`], whose first page says in which
//! order to write one, and [`main`].
//!
//! ```no_run
//! use opsctl::registry::{Deployment, HostChecks, Http, Level, Manager, Probe, Rule, Service, Unit, check};
//!
//! static DOWN: Level = Level::new("down")
//!     .criterion("nobody can order")
//!     .response("now")
//!     .response_seconds(0)
//!     .action("restart the shop, then read its log");
//!
//! static SHOP: Service = Service::new("shop", &DOWN)
//!     .summary("the web shop")
//!     .severity_reason("it is all that customers see")
//!     .managers(&[Manager::Systemd(Unit::new("shop.service"))])
//!     .ports(&[8000])
//!     .probes(&[Probe::Http(Http::get(8000, "/health", &[Rule::ok(200)]))]);
//!
//! static MINE: Deployment =
//!     Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN)).summary("my own server");
//!
//! // An invalid registry does not compile.
//! const _: () = check::deployment(&MINE);
//!
//! fn main() -> std::process::ExitCode {
//!     opsctl::main(&[&MINE])
//! }
//! ```
//!
//! Without `summary`, say, the compiler stops at the `const` with the message `deployment mine: summary: is empty`:
//!
//! ```compile_fail
//! # use opsctl::registry::{Deployment, HostChecks, Level, Manager, Service, Unit, check};
//! # static DOWN: Level = Level::new("down").criterion("c").response("r").action("a");
//! # static SHOP: Service = Service::new("shop", &DOWN)
//! #     .summary("the web shop")
//! #     .severity_reason("r")
//! #     .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
//! static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP], HostChecks::new(&DOWN));
//! const _: () = check::deployment(&MINE);
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests lay out what is to be found"))]

mod action;
mod alert;
mod args;
mod argv;
mod backup;
mod commands;
mod context;
mod defect;
mod demo;
mod discover;
mod envfile;
mod error;
mod exit;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod judge;
mod limits;
mod observe;
mod procedure;
mod program;
mod reasons;
mod redact;
pub mod registry;
mod report;
mod select;
mod signals;
mod ui;
mod units;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::parser::ValueSource;

// For tests and for what is generated; no part of the library's interface.
#[doc(hidden)]
pub use commands::completion::{Shell, script as completion_script};
#[doc(hidden)]
pub use commands::man::pages as man_pages;
#[doc(hidden)]
pub use host::system::System;

use crate::commands::Cli;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::{Exit, Plugin};
use crate::host::shortage::Shortage;
use crate::host::tools::quote;
use crate::registry::Deployment;
use crate::report::Head;
use crate::report::error::Failure;
use crate::ui::{Format, Ui};

/// Runs the command line of this process against these deployments and [`registry::LOCALHOST`], prints what comes of it, and
/// returns the exit code of the process (`docs/exit-codes.md`). Closes the descriptors that this process inherited beside its
/// three streams. The first call decides on the deployments; call it once, first thing in `main`. What it advises names the
/// program as it was called, by the first word of the command line. Build with `overflow-checks = true`, as the stock binary is.
///
/// ```no_run
/// // What the stock binary is.
/// let exit = opsctl::main(opsctl::registry::DEPLOYMENTS);
/// ```
pub fn main(deployments: &[&'static Deployment]) -> ExitCode {
    run(deployments, &System::real())
}

/// The same on another machine than this one, for tests.
#[doc(hidden)]
pub fn run(deployments: &[&'static Deployment], system: &System) -> ExitCode {
    host::exec::close_inherited();
    registry::loaded::set_deployments(deployments);
    let args: Vec<OsString> = std::env::args_os().collect();
    program::set_name(args.first().map(OsString::as_os_str));
    let (format, audience) = (argv::wanted_format(&args), Audience::of(&args));
    let exit = defect::guarded(|| Ok(work(system, args, format, audience)))
        .unwrap_or_else(|error| fail(system, None, format, audience, error));
    host::exec::kill_all();
    ExitCode::from(exit.code())
}

/// Who reads an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// Whoever reads one document.
    Page,
    /// Whoever reads line by line.
    Lines,
    /// A monitoring system that runs a plugin.
    Plugin,
}

impl Audience {
    /// Of a command line that is not understood yet.
    fn of(args: &[OsString]) -> Self {
        match argv::is_plugin(args) {
            true => Audience::Plugin,
            false if args.iter().any(|word| word == "logs") => Audience::Lines,
            false => Audience::Page,
        }
    }

    /// Of what are no lines after all.
    fn unless_lines(self) -> Self {
        if self == Audience::Lines { Audience::Page } else { self }
    }
}

fn work(system: &System, args: Vec<OsString>, format: Format, audience: Audience) -> Exit {
    if let Err(error) = limits::settle() {
        return fail(system, None, format, audience, error.into());
    }
    if commands::completion::is_asked(&args, |name| std::env::var_os(name)) {
        clap_complete::CompleteEnv::with_factory(commands::command).var(commands::COMPLETE_VAR).complete();
    }
    match parse(args.into_iter(), system) {
        Ok(cli) => {
            if cli.is_local() {
                units::set_local();
            }
            // No file system is waited for longer than the whole command has.
            let system = &cli.global.timeout.map_or_else(|| system.clone(), |limit| system.with_file_limit(limit));
            let context = Context::new(system, cli.global.settings());
            let audience = match &cli.verb {
                Some(commands::Verb::Logs(_)) => Audience::Lines,
                _ => audience.unless_lines(),
            };
            let exit = prepare()
                .and_then(|()| {
                    defect::guarded(|| match &cli.verb {
                        Some(verb) => commands::run(verb, &context),
                        None => commands::bare::run(&context),
                    })
                })
                .unwrap_or_else(|error| fail(system, context.known_deployment(), cli.global.format(), audience, error));
            if let Some(doubt) = context.doubt() {
                context.ui.note(doubt);
            }
            exit
        }
        Err(Stop::Told(text)) => match Ui::raw(text.as_bytes()) {
            Ok(()) => Exit::Success,
            Err(error) => fail(system, None, format, Audience::Page, error.into()),
        },
        Err(Stop::Wrong(error)) => fail(system, None, format, audience.unless_lines(), error.into()),
    }
}

/// The two threads without which nothing is begun: one ends what was started when a signal comes, the other reads files.
fn prepare() -> anyhow::Result<()> {
    let ready = host::files::ready().and_then(|()| signals::handle());
    ready.map_err(|error| {
        let why = Shortage::of_start(&error).map_or_else(|| error.to_string(), |shortage| shortage.to_string());
        limits::short(format!("{why}; nothing was changed")).into()
    })
}

/// Why no command is run.
enum Stop {
    /// Help or version was asked for.
    Told(String),
    /// The command line makes no sense.
    Wrong(Error),
}

fn parse(args: impl Iterator<Item = OsString>, system: &System) -> Result<Cli, Stop> {
    let words = argv::joined(argv::screen(args).map_err(Stop::Wrong)?);
    let mut command = commands::command();
    // On a terminal so narrow, text beside its flag would be a column of words.
    if ui::Ui::is_narrow() {
        command = command.term_width(0);
    }
    let typed = || words.iter().skip(1).map(|word| quote(word).into_owned());
    let parsed = command.try_get_matches_from(&words).and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        // sudo does not hand the variable on.
        let from_variable = matches.value_source("deployment") == Some(ValueSource::EnvVariable);
        let deployment = cli.global.deployment.filter(|_| from_variable).map(|known| format!("-d {}", known.name));
        program::set_call(deployment.into_iter().chain(typed()).collect::<Vec<_>>().join(" "));
        Ok(cli)
    });
    parsed.map_err(|error| match error.kind() {
        clap::error::ErrorKind::DisplayHelp => Stop::Told(rendered(&help(&words, system).unwrap_or(error))),
        clap::error::ErrorKind::DisplayVersion => Stop::Told(rendered(&error)),
        _ => {
            program::set_call(typed().collect::<Vec<_>>().join(" "));
            let words: Vec<String> = words.iter().skip(1).cloned().collect();
            let refused = commands::usage::refused(&error, &words, system);
            Stop::Wrong(match argv::form_meant(&words) {
                Some(meant) => refused.hint(program::command(meant)),
                None => refused,
            })
        }
    })
}

/// The help that these words ask for, with examples that name what this host has.
fn help(words: &[String], system: &System) -> Option<clap::Error> {
    let names = args::meant_by(words, system).map(|deployment| commands::local::Names::of(deployment, system));
    let mut command = commands::command_for(names.as_ref());
    if Ui::is_narrow() {
        command = command.term_width(0);
    }
    command.try_get_matches_from(words).err()
}

fn rendered(text: &clap::Error) -> String {
    let text = text.render();
    if Ui::is_colored() { text.ansi().to_string() } else { text.to_string() }
}

/// Prints an error, once, and says with which code to exit. Among lines of JSON it is one of them.
fn fail(
    system: &System,
    deployment: Option<&Deployment>,
    format: Format,
    audience: Audience,
    error: anyhow::Error,
) -> Exit {
    let error = match error.downcast::<Error>() {
        Ok(error) => error,
        Err(other) => match other.downcast_ref::<std::io::Error>() {
            // Whoever read the output has seen enough.
            Some(error) if error.kind() == ErrorKind::BrokenPipe => return Exit::Success,
            _ => Error::failed(Code::Failed, format!("{other:#}")),
        },
    };
    if audience == Audience::Plugin {
        // It is past help where stdout is closed.
        let _ = Ui::raw(Ui::clean(report::check_nagios::failed(&error)).as_bytes());
        return Exit::Plugin(Plugin::Unknown);
    }
    Ui::error(
        format,
        audience == Audience::Lines,
        &error,
        &Failure { head: Head::of_error(system, deployment, &error) },
    );
    error.exit
}
