//! `opsctl logs`: what services wrote, wherever they write it, as one stream.

use std::cell::RefCell;
use std::io::{self, BufWriter};
use std::sync::Arc;

use clap_complete::engine::ArgValueCandidates;
use jiff::Timestamp;
use regex::Regex;

use crate::args::{Moment, complete_services, complete_sources, moment};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::trouble::Trouble;
use crate::observe::logs::level::LogLevel;
use crate::observe::logs::merge::{Watch, merge};
use crate::observe::logs::source::{self, Source};
use crate::observe::logs::{self, Finish, Notes, Wanted, World};
use crate::observe::probe::PATIENCE;
use crate::program;
use crate::registry::{Deployment, Presence, Service};
use crate::select::{or_all, services};
use crate::ui::{Format, Stream, Ui};

/// Lines of each service that are shown when nothing else is asked for.
const TAIL: u64 = 100;

/// Arguments of `logs`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Services to read [default: none; see --all]
    ///
    /// A unit, container, pm2 application, pattern such as 'prim-*', or several with commas between them.
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(complete_services))]
    services: Vec<String>,
    /// Read every service and the host's logs
    #[arg(long, conflicts_with = "services")]
    all: bool,
    /// Read only sources with this in their name
    ///
    /// Such as journal or access.log; `get services -o wide` lists them.
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete_sources))]
    source: Vec<String>,
    /// Print new lines until interrupted
    #[arg(short, long, conflicts_with_all = ["until", "previous"])]
    follow: bool,
    /// Print this many of the newest lines [default: 100]
    ///
    /// Of each service; `all` for every line, which is the default where a time is given.
    #[arg(short = 'n', long, alias = "lines", value_name = "LINES", value_parser = tail)]
    tail: Option<Tail>,
    /// Print lines from this time on
    ///
    /// 10m, -2h, 12:00 (the last one), yesterday, 'yesterday 12:00', 2026-02-26, '2026-02-26 02:11', 2026-02-26T02:11:07Z, @SECONDS.
    #[arg(long, short_alias = 'S', value_name = "TIME", value_parser = moment, allow_hyphen_values = true)]
    since: Option<Moment>,
    /// Print lines up to this time
    ///
    /// The forms of --since.
    #[arg(long, short_alias = 'U', value_name = "TIME", value_parser = moment, allow_hyphen_values = true)]
    until: Option<Moment>,
    /// Print lines of one boot [default: 0, the running one]
    ///
    /// -1 is the one before. The times of the boot are those of `journalctl --list-boots`, for every kind of source.
    #[arg(short, long, value_name = "BOOT", num_args = 0..=1, require_equals = true, default_missing_value = "0",
          value_parser = boot,
          conflicts_with_all = ["since", "until", "previous"])]
    boot: Option<i32>,
    /// Print lines of the run before the restart
    #[arg(short, long)]
    previous: bool,
    /// Print only lines that match this expression
    #[arg(short, long, value_name = "REGEX")]
    grep: Option<String>,
    /// Print only errors and worse
    #[arg(short, long, conflicts_with = "level")]
    errors: bool,
    /// Print only this level and worse
    #[arg(long, value_enum, value_name = "LEVEL")]
    level: Option<LogLevel>,
    /// Begin each line with its time
    #[arg(long)]
    timestamps: bool,
    /// Begin each line with its service [default: several sources]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    prefix: Option<bool>,
}

/// How many lines.
#[derive(Debug, Clone, Copy)]
enum Tail {
    All,
    Lines(u64),
}

fn tail(text: &str) -> Result<Tail, String> {
    match text {
        "all" => Ok(Tail::All),
        _ => text.parse().map(Tail::Lines).map_err(|_| "expected a number of lines, or all".to_owned()),
    }
}

fn boot(text: &str) -> Result<i32, String> {
    text.parse()
        .ok()
        .filter(|boot| *boot <= 0)
        .ok_or_else(|| "expected 0 for the running boot, -1 for the one before".to_owned())
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let sources = sources(args, context, deployment)?;
    if context.ui.format == Format::Name {
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        Ui::raw(format!("{}\n", names.join("\n")).as_bytes())?;
        return Ok(Exit::Success);
    }
    let wanted = wanted(args, context)?;
    let patience = context.patience()?;
    let follow = wanted.follow;
    let is_named_later = source::narrow(sources.clone(), &args.source).is_empty();
    let mut found =
        logs::destinations::find(context.system, &context.processes(), sources, None, PATIENCE.min(patience));
    if is_named_later {
        let names: Vec<String> = found.sources.iter().map(|source| source.name.clone()).collect();
        found.sources = source::narrow(found.sources, &args.source);
        if found.sources.is_empty() {
            return Err(no_source(args, &names).into());
        }
    }
    for (service, trouble) in &found.doubts {
        context
            .ui
            .note(&format!("{service}: its log destination is unknown: {trouble}; reading the paths of the registry"));
    }
    let doubtful = !found.doubts.is_empty();
    let (world, notes) = World::new(context.system, context.trace(), deployment, found, wanted, patience);

    let labels: Vec<&str> = world.sources.iter().map(|source| source.label.as_str()).collect();
    let prefix = args.prefix.unwrap_or(labels.len() > 1);
    let timestamps = args.timestamps || context.ui.format == Format::Wide;
    let stream = Stream::new(context.ui, timestamps, prefix.then_some(&labels));
    let finish: Finish = Arc::new(move |source, line, out| stream.line(source, line, out));
    logs::start(&world, &finish);

    let watch = Console { context, world: &world, notes, all: args.all, troubles: RefCell::default() };
    let ending = merge(&world.board, &mut BufWriter::new(io::stdout().lock()), &watch, context.deadline())?;
    watch.pass_on();
    match () {
        () if ending.timed_out && !follow => Err(Error::timed_out("timed out before all lines were printed")
            .hint("allow more with --timeout, or print fewer lines with --since or -n")
            .into()),
        () if ending.troubles > 0 => match context.ui.format {
            // Whoever reads JSON is told in JSON.
            Format::Json => Err(Error::unknown(Code::Incomplete, watch.troubles.take().join("; ")).into()),
            Format::Text | Format::Wide | Format::Name => Ok(Exit::Unknown),
        },
        () => {
            if !ending.any && !follow {
                context.ui.note("no lines");
                // What is not recorded, or elsewhere, is not nothing.
                if doubtful || world.begins_late() {
                    return match context.ui.format {
                        Format::Json => {
                            Err(Error::unknown(Code::Incomplete, "no lines in the sources that could be read").into())
                        }
                        Format::Text | Format::Wide | Format::Name => Ok(Exit::Unknown),
                    };
                }
            }
            Ok(Exit::Success)
        }
    }
}

/// What is read.
fn sources(args: &Args, context: &Context<'_>, deployment: &'static Deployment) -> Result<Vec<Source>, Error> {
    let everything = args.all || (args.services.is_empty() && !args.source.is_empty());
    if args.services.is_empty() && !everything {
        let names: Vec<&str> = deployment.services.iter().map(|service| service.name).collect();
        return Err(Error::usage(Code::NoService, "no service was named: name services, or --all").hint(format!(
            "{} has: {}",
            deployment.name,
            names.join(", ")
        )));
    }
    let chosen = services(context.system, deployment, &args.services).map_err(|error| or_all(error, &args.services))?;
    let mut found = source::of_services(&chosen);
    if everything {
        found.extend(source::of_host(deployment));
    } else {
        for service in chosen.iter().filter(|service| service.log_sources().is_empty()) {
            let error = without_logs(service);
            if chosen.len() == 1 {
                return Err(error);
            }
            context.ui.note(&error.message);
        }
    }
    let names: Vec<String> = found.iter().map(|source| source.name.clone()).collect();
    let kept = source::narrow(found.clone(), &args.source);
    // A name may be that of a file that a pattern of the registry stands for.
    let stands_for_several = names.iter().any(|name| name.contains('*')) && context.ui.format != Format::Name;
    match kept.is_empty() {
        true if stands_for_several => Ok(found),
        true => Err(no_source(args, &names)),
        false => Ok(kept),
    }
}

fn no_source(args: &Args, names: &[String]) -> Error {
    Error::usage(Code::NoSource, format!("no log source is called {}", args.source.join(" or ")))
        .hint(format!("known: {}", names.join(", ")))
}

fn without_logs(service: &Service) -> Error {
    let why = match service.presence {
        Presence::Elsewhere(why) => format!(": {why}"),
        Presence::Required | Presence::IfFound(_) => String::new(),
    };
    Error::usage(Code::NoLogs, format!("{} writes no log on this host{why}", service.name))
        .hint(program::command(format_args!("explain {}", service.name)))
}

fn wanted(args: &Args, context: &Context<'_>) -> anyhow::Result<Wanted> {
    let (now, zone) = (context.system.now(), context.system.zone());
    let micros = |moment: &Moment| moment.at(now, &zone).map(Timestamp::as_microsecond);
    let mut since = args.since.as_ref().and_then(micros);
    let begin = args.since.as_ref().and_then(|moment| moment.at(now, &zone));
    let ending = |moment: &Moment| moment.ending(begin, now, &zone).map(Timestamp::as_microsecond);
    let mut until = args.until.as_ref().and_then(ending);
    if let (Some(since), Some(until)) = (since, until)
        && since > until
    {
        return Err(Error::usage(Code::BadTime, "--since is later than --until").into());
    }
    if let Some(boot) = args.boot {
        let (first, last) = logs::boot(&context.processes(), boot, PATIENCE).map_err(|trouble| {
            Error::unknown(Code::NoBoot, format!("boot {boot} is not known: {trouble}"))
                .hint_if((!matches!(trouble, Trouble::NeedsRoot(_))).then(|| "journalctl --list-boots".to_owned()))
        })?;
        since = Some(first);
        until = last;
    }
    let grep = match &args.grep {
        Some(pattern) => Some(Regex::new(pattern).map_err(|error| {
            // The parser draws the pattern above its reason.
            let error = error.to_string();
            let why = error.lines().last().unwrap_or_default();
            let why = why.strip_prefix("error: ").unwrap_or(why);
            Error::usage(Code::BadRegex, format!("{pattern} is not a regular expression: {why}"))
                .hint("escape a literal character with a backslash: \\(")
        })?),
        None => None,
    };
    let tail = match args.tail {
        Some(Tail::All) => None,
        Some(Tail::Lines(count)) => Some(count),
        None => (since.is_none() && until.is_none()).then_some(TAIL),
    };
    Ok(Wanted {
        since,
        until,
        tail,
        previous: args.previous,
        follow: args.follow,
        level: if args.errors { Some(LogLevel::Error) } else { args.level },
        grep,
        brief: false,
    })
}

/// What is said on stderr while lines are printed.
struct Console<'a> {
    context: &'a Context<'a>,
    world: &'a World,
    notes: Notes,
    all: bool,
    /// What was said of sources that could not be read.
    troubles: RefCell<Vec<String>>,
}

impl Console<'_> {
    fn pass_on(&self) {
        for note in self.notes.try_iter() {
            self.context.ui.note(&note);
        }
    }
}

impl Watch for Console<'_> {
    fn abandoned(&self) -> bool {
        self.pass_on();
        Ui::is_abandoned()
    }

    fn now(&self) -> i64 {
        self.context.system.now().as_microsecond()
    }

    fn late(&self, name: &str) {
        Ui::warn(&format!("{name}: no line for {:.1} s; continuing without it", logs::merge::LAG.as_secs_f32()));
    }

    fn trouble(&self, name: &str, trouble: &Trouble) -> bool {
        // What need not be on every host is not missed where everything is asked for.
        let optional = |source: &Source| source.name == name && source.service.is_none_or(is_optional);
        if self.all && matches!(trouble, Trouble::Unavailable(_)) && self.world.sources.iter().any(optional) {
            return false;
        }
        let words = format!("{name}: {trouble}");
        Ui::warn(&words);
        self.troubles.borrow_mut().push(words);
        true
    }
}

fn is_optional(service: &'static Service) -> bool {
    service.presence != Presence::Required
}
