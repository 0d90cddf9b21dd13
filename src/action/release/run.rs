//! Brings a version: prepares it beside what runs, switches services to it, sees that it is what runs, and takes it back where
//! it does not work.

use std::time::{Duration, Instant};

use super::job::{Bad, Ending, Job, Ran, Released, Stop, Told};
use super::plan::{self, Stage};
use super::record::{self, How, Migration, Record};
use super::survey::{self, SKEW, Source, ask};
use super::{Version, Wanted, short};
use crate::action::audit;
use crate::action::consent::Consent;
use crate::action::lock::Lock;
use crate::action::plan::{Plan, Step};
use crate::action::run::{self, ChangeEnd, Done};
use crate::context::Context;
use crate::error::Error;
use crate::host::exec::{Output, ProcessEnd, Runner};
use crate::host::tools::{Argv, git, images, last_lines};
use crate::host::trouble::{Trouble, failure};
use crate::observe::logs::line::Said;
use crate::observe::probe::{self, PATIENCE};
use crate::registry::{Service, Switch};
use crate::units::stamp;

/// How many lines of what a failed command said are kept.
const SAYS: usize = 15;

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
    let act = audit::begin(context, job.deployment, job.wanted.verb(), targets, commands)?;
    remember(context, job);
    let mut way = Way::new(context.clone(), job, lock, stages.len());
    let (done, ending) = way.go();
    let ran = std::mem::take(&mut way.ran);
    let now = way.version();
    if matches!(ending, Ending::Live) {
        let how = if matches!(job.wanted, Wanted::New(_)) { How::Redeployed } else { How::RolledBack };
        keep(context, job, how, &now);
    }
    act.end(context, ending.summary(), ending.exit());
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

pub(super) struct Way<'a> {
    pub(super) context: Context<'a>,
    pub(super) job: &'a Job<'a>,
    lock: &'a mut Lock,
    ran: Vec<Ran>,
    pub(super) migrations: Vec<Migration>,
    total: usize,
    /// Whether something was made, named or moved that would have to be put back.
    made: bool,
}

impl<'a> Way<'a> {
    fn new(context: Context<'a>, job: &'a Job<'a>, lock: &'a mut Lock, total: usize) -> Self {
        Way { context, job, lock, ran: Vec::new(), migrations: Vec::new(), total, made: false }
    }

    fn go(&mut self) -> (Vec<Told>, Ending) {
        let job = self.job;
        for stage in &job.preparation.stages {
            if let Err(stop) = self.stage(stage) {
                return (Vec::new(), self.unswitched(stop));
            }
        }
        let plan = match (job.switch)(&self.context, job.services) {
            Ok(plan) => plan,
            Err(error) => return (Vec::new(), self.unswitched(Stop::Failed(error.message))),
        };
        let (done, reason) = self.switch(&plan);
        let Some(reason) = reason else {
            self.same();
            return (done, Ending::Live);
        };
        let back = match (job.bad, job.wanted) {
            (Bad::TakenBack, Wanted::New(_)) => self.before(),
            _ => None,
        };
        let Some(back) = back else { return (done, Ending::Bad(reason)) };
        self.context.ui.note(&format!("{reason}; rolling back to {}", back.id()));
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
        let plan = (self.job.switch)(&self.context, touched).map_err(|error| (error.message, Vec::new()))?;
        match self.switch(&plan) {
            (done, None) => {
                keep(&self.context, self.job, How::RolledBack, &self.version());
                Ok(done)
            }
            (done, Some(reason)) => Err((reason, done)),
        }
    }

    /// Ends before anything was switched: what was prepared is put back.
    fn unswitched(&mut self, stop: Stop) -> Ending {
        // Looking and fetching leave nothing that would have to be.
        let left = match self.made {
            true => self.files_of(&self.job.preparation.from.clone()).err(),
            false => None,
        };
        match stop {
            Stop::Refused(reason) if left.is_none() => Ending::Refused(reason),
            Stop::Refused(reason) | Stop::Failed(reason) => Ending::Unswitched { reason, left },
        }
    }

    /// The same version again has not become the one before: that one gets its names back.
    fn same(&mut self) {
        let job = self.job;
        let kept = plan::kept(job.release, job.survey);
        let again =
            matches!(job.wanted, Wanted::New(_)) && !kept.is_empty() && self.version().is(&job.preparation.from);
        if again && let Err(reason) = self.others(kept) {
            self.context.ui.note(&format!("the previous version has lost its tag: {reason}"));
        }
    }

    /// Puts the files and names back that a version was made of, those that are others by now.
    fn files_of(&mut self, version: &Version) -> Result<(), String> {
        let job = self.job;
        let mut stages = plan::towards(job.release, job.survey, version);
        if matches!(job.wanted, Wanted::New(_)) {
            stages.extend(plan::kept(job.release, job.survey));
        }
        self.others(stages)
    }

    /// Runs these stages, without giving images names that they have.
    fn others(&mut self, mut stages: Vec<Stage>) -> Result<(), String> {
        // Whatever time the whole was given: things are put in order.
        self.context = self.context.unhurried();
        if stages.iter().any(|stage| matches!(stage, Stage::Name(..))) {
            let now = ask(&self.context.processes(), &images::list(), PATIENCE, images::parse_list);
            let is_so = |tag: &String, id: &String| now.as_ref().is_ok_and(|images| images.named.get(tag) == Some(id));
            stages.retain(|stage| !matches!(stage, Stage::Name(_, tag, id) if is_so(tag, id)));
        }
        self.total += stages.len();
        stages.iter().try_for_each(|stage| self.stage(stage).map_err(Stop::reason))
    }

    fn stage(&mut self, stage: &Stage) -> Result<(), Stop> {
        match stage {
            Stage::Aside(step) => self.step(step).map(drop)?,
            Stage::Review(step) => return self.review(step),
            Stage::Name(step, ..) | Stage::Make(step) => {
                self.made = true;
                self.step(step)?;
            }
            Stage::Load(step) => {
                self.made = true;
                let output = self.step(step)?;
                let names = images::parse_loaded(&String::from_utf8_lossy(&output.stdout));
                let tags: Vec<&str> = self.job.release.images.iter().map(|image| image.tag).collect();
                if !names.iter().any(|name| tags.contains(&name.as_str())) {
                    let found = if names.is_empty() { "no image with a name".to_owned() } else { names.join(", ") };
                    return Err(Stop::Failed(format!("the archive holds {found}, not {}", tags.join(" or "))));
                }
            }
            Stage::Move(step, wanted) => {
                self.step(step)?;
                self.made = true;
                let (path, owner) = self.source()?;
                let argv = git::describe(path, owner, "HEAD");
                match ask(&self.context.processes(), &argv, PATIENCE, git::parse_commit) {
                    Ok(commit) if commit.revision == *wanted => {}
                    Ok(commit) => {
                        return Err(Stop::Failed(format!(
                            "{path} is at {}, not at {}: it has commits that are not in its origin",
                            short(&commit.revision),
                            short(wanted)
                        )));
                    }
                    Err(trouble) => {
                        return Err(Stop::Failed(format!("the commit of {path} cannot be read: {trouble}")));
                    }
                }
            }
            Stage::Migrate(_) => self.migrate()?,
        }
        Ok(())
    }

    /// Runs a command; what it printed.
    pub(super) fn step(&mut self, step: &Step) -> Result<Output, String> {
        let title = &step.title;
        self.lock.step(title);
        self.context.ui.progress(&format!("[{}/{}] {title}", self.ran.len() + 1, self.total.max(self.ran.len() + 1)));
        let begun = Instant::now();
        let limit = step.deadline.min(self.context.time_left().unwrap_or(step.deadline));
        let (trouble, says, output) = match self.context.processes().run(&step.argv, limit) {
            Err(error) => (Some(Trouble::from(error)), Vec::new(), None),
            Ok(output) => {
                let trouble = match output.exit {
                    ProcessEnd::Code(0) => None,
                    ProcessEnd::TimedOut(after) => Some(Trouble::TimedOut(after)),
                    ProcessEnd::Code(_) | ProcessEnd::Signal(_) | ProcessEnd::TooMuchOutput => Some(failure(&output)),
                };
                let says = if trouble.is_some() { Self::says(&output) } else { Vec::new() };
                (trouble, says, Some(output))
            }
        };
        let failed = trouble.map(|trouble| trouble.to_string());
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
    fn says(output: &Output) -> Vec<String> {
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy).join("\n");
        last_lines(&text, SAYS).collect()
    }

    /// What a command prints, as it is.
    pub(super) fn bytes(&self, argv: &Argv) -> Result<Vec<u8>, String> {
        match self.context.processes().run(argv, PATIENCE) {
            Ok(output) if output.exit == ProcessEnd::Code(0) => Ok(output.stdout),
            Ok(output) => Err(failure(&output).to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(super) fn source(&self) -> Result<(&'static str, Option<&'a crate::host::tools::Account>), String> {
        match &self.job.survey.source {
            Some(Ok(Source { path, owner, .. })) => Ok((path, owner.as_ref())),
            Some(Err(error)) => Err(error.clone()),
            None => Err("there is no working copy".to_owned()),
        }
    }

    /// Switches the services; what came of each, and why the version does not work, if so.
    fn switch(&mut self, plan: &Plan) -> (Vec<Told>, Option<String>) {
        let begun = self.context.system.now();
        let result = run::perform(&self.context, self.job.deployment, plan, self.lock, self.job.settle);
        let wrong = result.done.iter().find(|done| !matches!(done.end, ChangeEnd::Well(_)));
        let wrong = wrong.map(|wrong| format!("{}: {}", wrong.service.name, wrong.end.summary()));
        // Now, before anything else writes to the same log.
        let done: Vec<Told> =
            result.done.into_iter().map(|done| ((self.job.words)(&done), done)).map(swapped).collect();
        if let Some(reason) = wrong {
            return (done, Some(reason));
        }
        self.lock.step("check which version runs");
        let older = done.iter().find_map(|(done, _)| match &done.end {
            // Where services run images, these tell.
            ChangeEnd::Well(health) if self.job.release.images.is_empty() => {
                let since = health.since?;
                (crate::units::later(since, SKEW) < begun)
                    .then(|| format!("{} has run since {}, before the switch", health.name, stamp(since)))
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
            Err(trouble) => return Some(format!("the running image cannot be read: {trouble}")),
        };
        let evidence =
            probe::gather(self.context.system, &processes, self.job.deployment, self.job.services, false, PATIENCE);
        let running = match survey::containers(release, &evidence) {
            Ok(running) => running,
            Err(trouble) => return Some(format!("the running image cannot be read: {trouble}")),
        };
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
                (None, _) => Some(format!("the image of {} cannot be read", image.service.name)),
            },
        )
    }

    /// What is on the host now.
    fn version(&self) -> Version {
        let job = self.job;
        let seen =
            survey::survey(&self.context, job.deployment, job.release, job.services, &Wanted::Earlier(None), PATIENCE);
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
            let tried = done.iter().filter(|(done, _)| !matches!(done.end, ChangeEnd::NotTried));
            tried.map(|(done, _)| done.service).collect()
        }
    }
}
