//! PURE. What is looked at before a version is brought, and what of it stands against that.

use jiff::SignedDuration;

use super::survey::{Source, Survey, brings_images};
use super::{Delivery, Version, Wanted, short};
use crate::program;
use crate::registry::{Release, Schema, Switch, Verdict};

/// How old the newest backup may be when the schema changes.
const BACKUP_AGE: SignedDuration = SignedDuration::from_hours(24);
/// A thing that was looked at before anything is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What.
    pub what: &'static str,
    /// What follows: a failure and what is not known stand against it.
    pub verdict: Verdict,
    /// What was seen.
    pub summary: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Checked {
    pub(super) fn new(what: &'static str, verdict: Verdict, summary: impl Into<String>) -> Self {
        Checked { what, verdict, summary: summary.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Checked { hint: Some(hint.into()), ..self }
    }
}

/// Whether a schema may be changed although the newest backup is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldBackup {
    /// No.
    Refused,
    /// The operator says so.
    Accepted,
}

pub(super) fn working_copy(release: &Release, survey: &Survey, wanted: &Wanted, checks: &mut Vec<Checked>) {
    let source = match &survey.source {
        None => return,
        Some(Err(error)) => {
            let hint = program::command("verify");
            return checks.push(Checked::new("source", Verdict::Fail, error.clone()).hint(hint));
        }
        Some(Ok(source)) => source,
    };
    let path = source.path;
    let Some(git) = &source.git else {
        let summary = format!("{path} has no .git, so its revision is unknown");
        let check = match wanted {
            Wanted::Earlier(_) if release.images.is_empty() => Checked::new("source", Verdict::Fail, summary)
                .hint(format!("deliver the earlier version again, then: {}", program::command("redeploy"))),
            Wanted::New(_) | Wanted::Earlier(_) => Checked::new("source", Verdict::Warn, summary),
        };
        return checks.push(check);
    };
    match (&git.status, &git.commit) {
        (Err(trouble), _) | (_, Err(trouble)) => {
            checks.push(Checked::new("source", Verdict::Unknown, format!("git in {path}: {trouble}")));
        }
        (Ok(status), Ok(commit)) => {
            let at = format!("{path} is at {} ({})", short(&commit.revision), commit.subject);
            let check = match status.branch.as_deref() {
                Some(branch) if branch == release.branch => Checked::new("source", Verdict::Pass, at),
                Some(branch) => Checked::new(
                    "source",
                    Verdict::Fail,
                    format!("{path} is on branch {branch}, not {}", release.branch),
                ),
                None => {
                    Checked::new("source", Verdict::Fail, format!("{path} is on no branch, not on {}", release.branch))
                }
            };
            checks.push(match check.verdict {
                Verdict::Pass => check,
                _ => check.hint(format!("git -C {path} checkout {}", release.branch)),
            });
            if !status.changed.is_empty() {
                checks.push(
                    Checked::new("tree", Verdict::Fail, format!("changed by hand: {}", listed(&status.changed))).hint(
                        format!(
                            "git -C {path} diff shows the changes; git -C {path} stash saves and removes \
                         them"
                        ),
                    ),
                );
            }
            if !status.unclear.is_empty() {
                let shown: Vec<&str> = status.unclear.iter().take(5).map(String::as_str).collect();
                let more = status.unclear.len().saturating_sub(shown.len());
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                let files = format!("{}{more}", shown.join(", "));
                let summary = format!("perhaps changed by hand (the check runs no filters of the repository): {files}");
                checks.push(Checked::new("tree", Verdict::Warn, summary).hint(format!("git -C {path} status")));
            }
        }
    }
    match &git.remote {
        None => {}
        Some(Ok(revision)) => checks.push(Checked::new(
            "origin",
            Verdict::Pass,
            match git.commit.as_ref().is_ok_and(|commit| commit.revision == *revision) {
                true => format!("origin's {} is at the same commit", release.branch),
                false => format!("origin's {} is at {}", release.branch, short(revision)),
            },
        )),
        Some(Err(trouble)) => {
            checks.push(Checked::new("origin", Verdict::Unknown, format!("origin cannot be reached: {trouble}")));
        }
    }
}

/// The first five of these files, and how many more there are.
fn listed(files: &[String]) -> String {
    let shown: Vec<&str> = files.iter().take(5).map(String::as_str).collect();
    match files.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Whether the containers are for opsctl to make anew.
pub(super) fn foreign(release: &Release, survey: &Survey, checks: &mut Vec<Checked>) {
    if let Err(trouble) = &survey.containers {
        checks.push(Checked::new("images", Verdict::Unknown, format!("containers cannot be listed: {trouble}")));
    }
    for image in release.images {
        let Some(container) = survey.container(image.service) else { continue };
        let foreign = match &release.switch {
            _ if !container.identity.swarm.is_empty() => "Docker Swarm runs it, most likely for Dokploy".to_owned(),
            Switch::Compose { project, .. } if container.identity.project != *project => {
                format!("it does not belong to the compose project {project}")
            }
            Switch::Compose { .. } | Switch::Restart | Switch::Reload => continue,
        };
        let summary = format!("container of {}: {foreign}", image.service.name);
        checks.push(Checked::new("images", Verdict::Fail, summary).hint("change it where it was deployed"));
    }
}

/// Whether the new images can be had.
pub(super) fn deliverable(release: &Release, survey: &Survey, delivery: &Delivery, checks: &mut Vec<Checked>) {
    if release.images.is_empty() {
        return;
    }
    let images = match &survey.images {
        Some(Ok(images)) => images,
        Some(Err(trouble)) => {
            return checks.push(Checked::new("images", Verdict::Unknown, format!("docker: {trouble}")));
        }
        None => return,
    };
    let comes = brings_images(delivery) || !release.build.is_empty();
    for image in release.images {
        let container = survey.container(image.service);
        match (images.named.get(image.tag), container) {
            (None, _) if !comes => checks.push(
                Checked::new("images", Verdict::Fail, format!("there is no image {}", image.tag)).hint(format!(
                    "{}, or {}",
                    program::again("--load FILE"),
                    program::again("--pull")
                )),
            ),
            (Some(id), Some(container)) if !comes && *id == container.image_id => {
                checks.push(Checked::new("images", Verdict::Warn, format!("{} already runs", image.tag)));
            }
            (Some(id), _) if !comes => {
                checks.push(Checked::new("images", Verdict::Pass, format!("{} is {}", image.tag, short(id))));
            }
            _ => {}
        }
    }
}

pub(super) fn backup(release: &Release, survey: &Survey, old: OldBackup, checks: &mut Vec<Checked>) {
    let Some(schema) = &release.schema else { return };
    let where_ = release.backups.join(" or ");
    let (fresh, summary) = match survey.backup {
        None => (false, format!("there is none in {where_}")),
        Some(time) => {
            let age = survey.time.duration_since(time);
            (age < BACKUP_AGE, format!("the newest in {where_} is {} h old", age.as_hours()))
        }
    };
    let check = match (fresh, schema, old) {
        (true, _, _) => Checked::new("backup", Verdict::Pass, summary),
        (false, _, OldBackup::Accepted) => Checked::new("backup", Verdict::Warn, summary),
        (false, Schema::Migrations { .. }, OldBackup::Refused) => {
            Checked::new("backup", Verdict::Warn, format!("{summary}: a version with migrations will be refused"))
        }
        (false, Schema::Push(_), OldBackup::Refused) => {
            Checked::new("backup", Verdict::Fail, format!("{summary}, and the schema may change"))
                .hint(format!("{}, without a backup; or make one first", program::again("--old-backup")))
        }
    };
    checks.push(check);
}

/// What stands against applying these migrations now.
pub fn objection(release: &Release, survey: &Survey, new: &[String], old: OldBackup) -> Option<String> {
    let fresh = survey.backup.is_some_and(|time| survey.time.duration_since(time) < BACKUP_AGE);
    (!new.is_empty() && !fresh && old == OldBackup::Refused).then(|| {
        format!(
            "the new version has migrations ({}) and {} has no backup of the last 24 h: make one first, or continue \
             without one: --old-backup",
            new.join(", "),
            release.backups.join(" or ")
        )
    })
}

/// Whether the services have the settings that they need.
pub(super) fn env(survey: &Survey, checks: &mut Vec<Checked>) {
    for (service, keys) in &survey.keys {
        match keys {
            Ok((_, missing)) if missing.is_empty() => {}
            Ok((file, missing)) => checks.push(
                Checked::new("env", Verdict::Fail, format!("{service} needs {} in {file}", missing.join(", ")))
                    .hint(program::command("verify")),
            ),
            Err(error) => checks.push(
                Checked::new("env", Verdict::Unknown, format!("{service}: {error}")).hint(program::command("verify")),
            ),
        }
    }
}

/// Whether there is room for it.
pub(super) fn room(release: &Release, survey: &Survey, checks: &mut Vec<Checked>) {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    for (path, free) in &survey.free {
        checks.push(match free {
            Err(error) => Checked::new("disk", Verdict::Unknown, format!("{path}: {error}")),
            Ok(free) if *free < release.free_bytes => Checked::new(
                "disk",
                Verdict::Fail,
                format!("{:.1} GiB free at {path}, less than {:.1}", gib(*free), gib(release.free_bytes)),
            )
            .hint(
                "free disk space first: docker image prune removes unnamed images, journalctl --vacuum-size=500M \
             old logs",
            ),
            Ok(free) => Checked::new("disk", Verdict::Pass, format!("{:.1} GiB free at {path}", gib(*free))),
        });
    }
}

/// Whether what a rollback goes to is still there.
pub(super) fn existing(survey: &Survey, to: &Version, checks: &mut Vec<Checked>) {
    let known = |version: &Version| {
        survey.records.as_ref().is_ok_and(|records| records.releases.iter().any(|record| record.version.is(version)))
    };
    if let Some(Ok(Source { git: Some(_), .. })) = &survey.source
        && let Some(revision) = &to.revision
    {
        let named = matches!(&survey.named, Some(Ok(commit)) if commit.revision == *revision);
        if !named && !survey.commits.contains(revision) {
            let summary = format!("commit {} is no longer in the repository", short(revision));
            checks.push(Checked::new("target", Verdict::Fail, summary));
        }
    }
    match &survey.images {
        Some(Err(trouble)) => checks.push(Checked::new("images", Verdict::Unknown, format!("docker: {trouble}"))),
        Some(Ok(images)) => {
            for (tag, id) in to.images.iter().filter(|(_, id)| !images.ids.contains(*id)) {
                let summary = format!("image {} of {tag} no longer exists; it was probably pruned", short(id));
                checks.push(Checked::new("target", Verdict::Fail, summary).hint(program::command("rollback --list")));
            }
        }
        None => {}
    }
    let summary =
        format!("{}{}", to.id(), to.subject.as_ref().map(|subject| format!(" ({subject})")).unwrap_or_default());
    checks.push(match known(to) {
        true => Checked::new("target", Verdict::Pass, summary),
        false => {
            Checked::new("target", Verdict::Warn, format!("{summary}, which {} never saw healthy", program::name()))
        }
    });
}
