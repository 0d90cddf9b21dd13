//! Brings a version: prepares it beside what runs, switches services to it, sees that it is what runs, and takes it back where
//! it does not work.

use std::time::{Duration, Instant};

use super::plan::{self, MIGRATION, OldBackup, Preparation, Stage};
use super::record::{self, How, Migration, Record};
use super::survey::{self, SKEW, Source, Survey, ask};
use super::{Version, Wanted, short};
use crate::action::audit;
use crate::action::consent::Consent;
use crate::action::lock::Lock;
use crate::action::plan::{Plan, Step};
use crate::action::run::{self, Done, End};
use crate::context::Context;
use crate::error::Error;
use crate::exec::{Exit as Ended, Output, Runner};
use crate::exit::Exit;
use crate::logs;
use crate::probe::{self, PATIENCE, Trouble, failure};
use crate::redact::Redactor;
use crate::registry::{Deployment, Release, Schema, Service, Switch};
use crate::report::logs::Said;
use crate::tools::{Argv, Input, git, images, last_lines};

/// How many lines of what a failed command said are kept.
const SAYS: usize = 15;

/// What is to be done, and all that was found out about it.
pub struct Job<'a> {
    /// Where.
    pub deployment: &'static Deployment,
    /// How versions come there.
    pub release: &'static Release,
    /// The services that are switched.
    pub services: &'a [&'static Service],
    /// What was asked for.
    pub wanted: &'a Wanted,
    /// What was seen.
    pub survey: &'a Survey,
    /// What is done before the switch.
    pub preparation: &'a Preparation,
    /// How long services must stay well.
    pub settle: Duration,
    /// What is done with a version that does not work.
    pub bad: Bad,
    /// Whether migrations may be applied although the newest backup is old.
    pub old_backup: OldBackup,
    /// Plans the switch of services, from how things are then.
    pub switch: &'a dyn Fn(&[&'static Service]) -> Result<Plan, Error>,
    /// Finds what a service that is not well wrote last.
    pub words: &'a dyn Fn(&Done) -> Vec<Said>,
}

/// What came of a service, and what it wrote last where it is not well.
pub type Told = (Done, Vec<Said>);

/// What is done with a version that does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// It is taken back.
    TakenBack,
    /// It stays, for somebody to look at.
    Left,
}

/// A command that was run, and what came of it.
#[derive(Debug)]
pub struct Ran {
    /// The step.
    pub step: Step,
    /// How long it took.
    pub took: Duration,
    /// Why it failed; `None` when it did not.
    pub failed: Option<String>,
    /// What it said last, where it failed.
    pub says: Vec<String>,
}

/// Everything that came of it.
#[derive(Debug)]
pub struct Released {
    /// Commands before the switch, and on the way back.
    pub ran: Vec<Ran>,
    /// Services, as they were switched.
    pub done: Vec<Told>,
    /// What runs now.
    pub now: Version,
    /// How it ended.
    pub ending: Ending,
    /// All of it.
    pub took: Duration,
}

/// How it ended.
#[derive(Debug)]
pub enum Ending {
    /// The version that was wanted was seen to work.
    Live,
    /// It failed before anything that serves was touched; and whether what was prepared could be put back.
    Unswitched {
        /// What failed.
        reason: String,
        /// Why things are not as they were; `None` when they are.
        left: Option<String>,
    },
    /// It does not work, and stays.
    Bad(String),
    /// It does not work; the one before was put back and was seen to work. With what came of each service on the way back.
    RolledBack(String, Vec<Told>),
    /// It does not work, and neither does the one before.
    Stuck {
        /// Why the new one does not work.
        reason: String,
        /// Why the one before does not.
        back: String,
        /// What came of each service on the way back.
        done: Vec<Told>,
    },
}

impl Ending {
    /// The exit code.
    pub const fn exit(&self) -> Exit {
        match self {
            Ending::Live => Exit::Success,
            Ending::Unswitched { .. } | Ending::Bad(_) | Ending::Stuck { .. } => Exit::Failure,
            Ending::RolledBack(..) => Exit::RolledBack,
        }
    }

    /// In a line.
    pub fn summary(&self) -> String {
        match self {
            Ending::Live => "done".to_owned(),
            Ending::Unswitched { reason, left: None } => format!("{reason}; what serves was not touched"),
            Ending::Unswitched { reason, left: Some(left) } => {
                format!("{reason}; what serves was not touched, but its files are not as they were: {left}")
            }
            Ending::Bad(reason) => format!("{reason}; left as it is"),
            Ending::RolledBack(reason, _) => format!("{reason}; the version before was put back"),
            Ending::Stuck { reason, back, .. } => format!("{reason}; the version before does not work either: {back}"),
        }
    }
}

/// Does it, under the lock, with a line in the audit trail before it and one after it.
///
/// # Errors
/// When it cannot be recorded: then nothing was changed.
pub fn run(
    context: &Context<'_>,
    job: &Job<'_>,
    first: &Plan,
    _: &Consent,
    lock: &mut Lock,
) -> Result<Released, Error> {
    let begun = Instant::now();
    let stages = &job.preparation.stages;
    let commands = stages.iter().map(|stage| stage.step().argv.to_string()).chain(first.commands()).collect();
    let targets = job.services.iter().map(|service| service.name.to_owned()).collect();
    let mut entry = run::entry(context, job.deployment, job.wanted.verb(), targets, commands);
    audit::write(context.system, &entry)?;
    remember(context, job);
    let mut way = Way::new(context, job, lock, stages.len());
    let (done, ending) = way.go();
    let ran = std::mem::take(&mut way.ran);
    let now = way.version();
    if matches!(ending, Ending::Live) {
        let how = if matches!(job.wanted, Wanted::New(_)) { How::Redeployed } else { How::RolledBack };
        keep(context, job, how, &now);
    }
    run::conclude(context, &mut entry, ending.summary(), ending.exit(), begun.elapsed());
    Ok(Released { ran, done, now, ending, took: begun.elapsed() })
}

/// Records what runs before anything is changed, where it is seen to work and is not recorded yet.
fn remember(context: &Context<'_>, job: &Job<'_>) {
    let from = &job.preparation.from;
    let newest = job.survey.records.as_ref().ok().and_then(|records| records.releases.last());
    if !from.is_unknown()
        && job.survey.doubt(job.release).is_none()
        && newest.is_none_or(|record| !record.version.is(from))
    {
        keep(context, job, How::Found, from);
    }
}

fn keep(context: &Context<'_>, job: &Job<'_>, how: How, version: &Version) {
    if version.is_unknown() {
        return;
    }
    let by = audit::who(context.system);
    let record = Record { time: context.system.now(), by, how, version: version.clone() };
    if let Err(error) = record::keep(context.system, job.deployment, record) {
        context.ui.note(&format!("{} works, but cannot be recorded for a rollback: {error}", version.id()));
    }
}

/// A migration that is to be applied.
struct New {
    name: String,
    blob: String,
}

struct Way<'a> {
    context: &'a Context<'a>,
    job: &'a Job<'a>,
    lock: &'a mut Lock,
    redactor: Redactor,
    ran: Vec<Ran>,
    migrations: Vec<New>,
    total: usize,
}

impl<'a> Way<'a> {
    fn new(context: &'a Context<'a>, job: &'a Job<'a>, lock: &'a mut Lock, total: usize) -> Self {
        let redactor = logs::redactor(context.system, job.deployment.services);
        Way { context, job, lock, redactor, ran: Vec::new(), migrations: Vec::new(), total }
    }

    fn go(&mut self) -> (Vec<Told>, Ending) {
        let job = self.job;
        let mut changed = false;
        for stage in &job.preparation.stages {
            changed |= matches!(stage, Stage::Make(_) | Stage::Migrate(_));
            if let Err(reason) = self.stage(stage) {
                let left = if changed { self.undo().err() } else { None };
                return (Vec::new(), Ending::Unswitched { reason, left });
            }
            changed |= matches!(stage, Stage::Move(..));
        }
        let plan = match (job.switch)(job.services) {
            Ok(plan) => plan,
            Err(error) => {
                let left = if changed { self.undo().err() } else { None };
                return (Vec::new(), Ending::Unswitched { reason: error.message, left });
            }
        };
        let (done, reason) = self.switch(&plan);
        let Some(reason) = reason else { return (done, Ending::Live) };
        let back = match (job.bad, job.wanted) {
            (Bad::TakenBack, Wanted::New(_)) => self.before(),
            _ => None,
        };
        let Some(back) = back else { return (done, Ending::Bad(reason)) };
        self.context.ui.note(&format!("{reason}; going back to {}", back.id()));
        let ending = match self.go_back(&back, &touched(job, &done)) {
            Ok(restored) => Ending::RolledBack(reason, restored),
            Err((back, restored)) => Ending::Stuck { reason, back, done: restored },
        };
        (done, ending)
    }

    /// The version to go back to when the new one does not work; `None` when there is none, or it is the same.
    fn before(&self) -> Option<Version> {
        let from = &self.job.preparation.from;
        let now = self.version();
        if !from.is_unknown() && !from.is(&now) {
            return Some(from.clone());
        }
        let records = self.job.survey.records.as_ref().ok()?;
        // One that worked before works no better after going back to what it replaced.
        let worked = records.releases.iter().any(|record| record.version.is(&now));
        records.before(&now).filter(|_| !worked).map(|record| record.version.clone())
    }

    /// Puts the version before back: its files, then its services; what came of these.
    fn go_back(&mut self, to: &Version, touched: &[&'static Service]) -> Result<Vec<Told>, (String, Vec<Told>)> {
        self.files_of(to).map_err(|reason| (reason, Vec::new()))?;
        let plan = (self.job.switch)(touched).map_err(|error| (error.message, Vec::new()))?;
        match self.switch(&plan) {
            (done, None) => {
                keep(self.context, self.job, How::RolledBack, &self.version());
                Ok(done)
            }
            (done, Some(reason)) => Err((reason, done)),
        }
    }

    /// Puts the files and names back that the version before was made of.
    fn undo(&mut self) -> Result<(), String> {
        let from = self.job.preparation.from.clone();
        self.files_of(&from)
    }

    fn files_of(&mut self, version: &Version) -> Result<(), String> {
        let stages = plan::towards(self.job.release, self.job.survey, version);
        self.total += stages.len();
        stages.iter().try_for_each(|stage| self.stage(stage))
    }

    fn stage(&mut self, stage: &Stage) -> Result<(), String> {
        match stage {
            Stage::Aside(step) | Stage::Make(step) => self.step(step).map(drop),
            Stage::Move(step, wanted) => {
                self.step(step)?;
                let (path, owner) = self.source()?;
                let argv = git::describe(path, owner, "HEAD");
                match ask(&self.context.processes(), &argv, PATIENCE, git::parse_commit) {
                    Ok(commit) if commit.revision == *wanted => Ok(()),
                    Ok(commit) => Err(format!(
                        "{path} is at {}, not at {}: it has commits that its origin has not",
                        short(&commit.revision),
                        short(wanted)
                    )),
                    Err(trouble) => Err(format!("where {path} is cannot be seen: {trouble}")),
                }
            }
            Stage::Review(step) => self.review(step),
            Stage::Migrate(_) => self.migrate(),
        }
    }

    /// Runs a command; what it printed.
    fn step(&mut self, step: &Step) -> Result<Output, String> {
        let title = &step.title;
        self.lock.step(title);
        self.context.ui.progress(&format!("[{}/{}] {title}", self.ran.len() + 1, self.total.max(self.ran.len() + 1)));
        let begun = Instant::now();
        let limit = step.deadline.min(self.context.time_left().unwrap_or(step.deadline));
        let (trouble, says, output) = match self.context.processes().run(&step.argv, limit) {
            Err(error) => (Some(Trouble::from(error)), Vec::new(), None),
            Ok(output) => {
                let trouble = match output.exit {
                    Ended::Code(0) => None,
                    Ended::TimedOut(after) => Some(Trouble::TimedOut(after)),
                    Ended::Code(_) | Ended::Signal(_) | Ended::TooMuchOutput => Some(failure(&output)),
                };
                let says = if trouble.is_some() { self.says(&output) } else { Vec::new() };
                (trouble, says, Some(output))
            }
        };
        let failed = trouble.map(|trouble| self.redactor.clean(&trouble.to_string()).into_owned());
        let took = begun.elapsed();
        if failed.is_none() && took > Duration::from_secs(1) {
            self.context.ui.progress(&format!("      took {:.1} s", took.as_secs_f32()));
        }
        self.ran.push(Ran { step: step.clone(), took, failed: failed.clone(), says });
        match (failed, output) {
            (None, Some(output)) => Ok(output),
            (reason, _) => Err(format!("{title}: {}", reason.unwrap_or_default())),
        }
    }

    /// The end of what a command said, without secrets.
    fn says(&self, output: &Output) -> Vec<String> {
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy).join("\n");
        last_lines(&text, SAYS).map(|line| self.redactor.clean(line).into_owned()).collect()
    }

    /// Finds the migrations that the new commit adds, and whether they may be applied.
    fn review(&mut self, step: &Step) -> Result<(), String> {
        let output = self.step(step)?;
        let parse = |text: &[u8]| git::parse_files(&String::from_utf8_lossy(text)).map_err(|error| error.to_string());
        let wanted = parse(&output.stdout)?;
        let job = self.job;
        let Some(Schema::Migrations { directory, except, .. }) = &job.release.schema else { return Ok(()) };
        let records = record::read(self.context.system, job.deployment).map_err(|error| error.to_string())?;
        let mut known = records.migrations;
        if known.is_empty() {
            // What was there before opsctl first looked was applied by somebody else.
            let (path, owner) = self.source()?;
            let revision = job.preparation.from.revision.as_deref().unwrap_or("HEAD");
            let argv = git::files(path, owner, revision, directory);
            let found =
                ask(&self.context.processes(), &argv, PATIENCE, git::parse_files).map_err(|error| error.to_string())?;
            for (name, blob) in found {
                let migration = Migration { time: self.context.system.now(), name, blob };
                record::applied(self.context.system, job.deployment, migration.clone())
                    .map_err(|error| format!("which migrations are there already cannot be recorded: {error}"))?;
                known.push(migration);
            }
        }
        let is_known = |name: &String| known.iter().any(|migration| migration.name == *name);
        for migration in &known {
            if wanted.get(&migration.name).is_some_and(|blob| *blob != migration.blob) {
                self.context.ui.note(&format!("{} has changed since; it is not applied again", migration.name));
            }
        }
        self.migrations = wanted
            .into_iter()
            .filter(|(name, _)| is_sql(name) && !name.contains(except) && !is_known(name))
            .map(|(name, blob)| New { name, blob })
            .collect();
        let names: Vec<String> = self.migrations.iter().map(|new| new.name.clone()).collect();
        plan::objection(job.release, job.survey, &names, job.old_backup).map_or(Ok(()), Err)
    }

    fn migrate(&mut self) -> Result<(), String> {
        let Some(Schema::Migrations { directory, container, .. }) = &self.job.release.schema else { return Ok(()) };
        if self.migrations.is_empty() {
            return Ok(());
        }
        let (path, owner) = self.source()?;
        let argv = images::variables(container, &["POSTGRES_USER", "POSTGRES_DB"]);
        let values = ask(&self.context.processes(), &argv, PATIENCE, |text| Ok(text.to_owned()));
        let values = values.map_err(|trouble| format!("role and database of {container}: {trouble}"))?;
        let mut values = values.lines();
        let (Some(user), Some(database)) = (values.next(), values.next()) else {
            return Err(format!("{container} does not say which role and database it has"));
        };
        for new in std::mem::take(&mut self.migrations) {
            let argv = git::content(path, owner, &new.blob);
            let bytes = self.bytes(&argv)?;
            let input = Input { name: format!("{directory}/{}", new.name), bytes };
            let step = Step {
                title: format!("apply {}", new.name),
                argv: images::apply(container, user, database, input),
                deadline: MIGRATION,
                risk: crate::action::Risk::Disruptive,
                optional: false,
            };
            self.step(&step)?;
            let migration = Migration { time: self.context.system.now(), name: new.name.clone(), blob: new.blob };
            record::applied(self.context.system, self.job.deployment, migration)
                .map_err(|error| format!("{} was applied, but cannot be recorded: {error}", new.name))?;
        }
        Ok(())
    }

    /// What a command prints, as it is.
    fn bytes(&self, argv: &Argv) -> Result<Vec<u8>, String> {
        match self.context.processes().run(argv, PATIENCE) {
            Ok(output) if output.exit == Ended::Code(0) => Ok(output.stdout),
            Ok(output) => Err(failure(&output).to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn source(&self) -> Result<(&'static str, Option<&'a crate::tools::Account>), String> {
        match &self.job.survey.source {
            Some(Ok(Source { path, owner, .. })) => Ok((path, owner.as_ref())),
            Some(Err(error)) => Err(error.clone()),
            None => Err("there is no working copy".to_owned()),
        }
    }

    /// Switches the services; what came of each, and why the version does not work, if so.
    fn switch(&mut self, plan: &Plan) -> (Vec<Told>, Option<String>) {
        let begun = self.context.system.now();
        let result = run::perform(self.context, self.job.deployment, plan, self.lock, self.job.settle);
        let wrong = result.done.iter().find(|done| !matches!(done.end, End::Well(_)));
        let wrong = wrong.map(|wrong| format!("{}: {}", wrong.service.name, wrong.end.summary()));
        // Now, before anything else writes to the same log.
        let done: Vec<Told> =
            result.done.into_iter().map(|done| ((self.job.words)(&done), done)).map(swapped).collect();
        if let Some(reason) = wrong {
            return (done, Some(reason));
        }
        self.lock.step("see which version runs");
        let older = done.iter().find_map(|(done, _)| match &done.end {
            // Where services run images, these tell.
            End::Well(health) if self.job.release.images.is_empty() => {
                let since = health.since?;
                (since + SKEW < begun)
                    .then(|| format!("{} still runs since {since:.0}, before the switch", health.name))
            }
            _ => None,
        });
        let reason = older.or_else(|| self.wrong_image());
        (done, reason)
    }

    /// Which service runs another image than its tag names, if any.
    fn wrong_image(&self) -> Option<String> {
        let release = self.job.release;
        if release.images.is_empty() {
            return None;
        }
        let processes = self.context.processes();
        let named = match ask(&processes, &images::list(), PATIENCE, images::parse_list) {
            Ok(images) => images.named,
            Err(trouble) => return Some(format!("which image runs cannot be seen: {trouble}")),
        };
        let evidence =
            probe::gather(self.context.system, &processes, self.job.deployment, self.job.services, false, PATIENCE);
        let running = survey::containers(release, &evidence);
        let chosen =
            release.images.iter().filter(|image| self.job.services.iter().any(|s| s.name == image.service.name));
        chosen.map(|image| (image, running.get(image.service.name), named.get(image.tag))).find_map(
            |(image, container, tag)| match (container, tag) {
                (Some(container), Some(tag)) if container.image_id == *tag => None,
                (Some(container), Some(tag)) => Some(format!(
                    "{} runs image {}, not {} that {} names",
                    image.service.name,
                    short(&container.image_id),
                    short(tag),
                    image.tag
                )),
                (_, None) => Some(format!("there is no image {}", image.tag)),
                (None, _) => Some(format!("which image {} runs cannot be seen", image.service.name)),
            },
        )
    }

    /// What is on the host now.
    fn version(&self) -> Version {
        let job = self.job;
        let seen =
            survey::survey(self.context, job.deployment, job.release, job.services, &Wanted::Earlier(None), PATIENCE);
        seen.version(job.release)
    }
}

fn swapped((words, done): (Vec<Said>, Done)) -> Told {
    (done, words)
}

/// The services that were switched, well or not. Compose switches all of them at once.
fn touched(job: &Job<'_>, done: &[Told]) -> Vec<&'static Service> {
    match job.release.switch {
        Switch::Compose { .. } => job.services.to_vec(),
        Switch::Restart | Switch::Reload => {
            let tried = done.iter().filter(|(done, _)| !matches!(done.end, End::NotTried));
            tried.map(|(done, _)| done.service).collect()
        }
    }
}

fn is_sql(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}
