//! Applies the migrations that a new version brings: once each, whatever ends opsctl on the way.
//!
//! opsctl writes down that it begins one, and that it was applied; killed in between, it would not know. So the transaction of a
//! migration makes an empty large object of a number that follows from its content, which is there afterwards if, and only if,
//! the migration is. A second run at the same time waits for the first, because both want that number. Once the migration is
//! written down as applied the object is removed.

use std::collections::BTreeMap;

use super::checks;
use super::job::Stop;
use super::plan::MIGRATION;
use super::record::{self, Baseline, Migration};
use super::run::Way;
use super::survey::ask;
use crate::action::Risk;
use crate::action::plan::Step;
use crate::host::tools::{Input, git, images};
use crate::observe::probe::PATIENCE;
use crate::registry::Schema;

/// The role and the database of a container.
struct Login {
    user: String,
    database: String,
}

impl Way<'_> {
    /// Finds the migrations that the new commit adds, and whether they may be applied.
    pub(super) fn review(&mut self, step: &Step) -> Result<(), Stop> {
        let output = self.step(step)?;
        let wanted = git::parse_files(&String::from_utf8_lossy(&output.stdout)).map_err(|error| error.to_string())?;
        let job = self.job;
        let Some(Schema::Migrations { except, container, .. }) = &job.release.schema else { return Ok(()) };
        let records = record::read(self.context.system, job.deployment).map_err(|error| error.to_string())?;
        let mut known = match records.migrations {
            Some(known) => known,
            None => self.baseline()?,
        };
        for begun in records.begun {
            let is_it = |migration: &Migration| migration.name == begun.name;
            if wanted.get(&begun.name) == Some(&begun.blob) && !known.iter().any(is_it) {
                let login = self.login(container)?;
                if self.query(container, &login, &marked(&begun.blob))? != "0" {
                    self.applied(container, &login, &begun)?;
                    known.push(begun);
                }
            }
        }
        for migration in &known {
            if wanted.get(&migration.name).is_some_and(|blob| *blob != migration.blob) {
                self.context
                    .ui
                    .note(&format!("{} has changed since it was applied; it is not applied again", migration.name));
            }
        }
        let time = self.context.system.now();
        self.migrations = unknown(wanted, &known, except).map(|(name, blob)| Migration { time, name, blob }).collect();
        let names: Vec<String> = self.migrations.iter().map(|new| new.name.clone()).collect();
        checks::objection(job.release, job.survey, &names, job.old_backup).map_or(Ok(()), |why| Err(Stop::Refused(why)))
    }

    /// What was there before opsctl first looked was applied by somebody else.
    fn baseline(&self) -> Result<Vec<Migration>, String> {
        let job = self.job;
        let Some(Schema::Migrations { directory, .. }) = &job.release.schema else { return Ok(Vec::new()) };
        let (path, owner) = self.source()?;
        let revision = job.preparation.from.revision.as_deref().unwrap_or("HEAD");
        let argv = git::files(path, owner, revision, directory);
        let files =
            ask(&self.context.processes(), &argv, PATIENCE, git::parse_files).map_err(|error| error.to_string())?;
        let time = self.context.system.now();
        record::baseline(self.context.system, job.deployment, Baseline { time, files: files.clone() })
            .map_err(|error| format!("the applied migrations cannot be recorded: {error}"))?;
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        if !names.is_empty() {
            self.context
                .ui
                .note(&format!("assumed applied, because the running version has them: {}", names.join(", ")));
        }
        Ok(files.into_iter().map(|(name, blob)| Migration { time, name, blob }).collect())
    }

    /// Applies what was found, in the order of the names.
    pub(super) fn migrate(&mut self) -> Result<(), String> {
        let Some(Schema::Migrations { directory, container, .. }) = &self.job.release.schema else { return Ok(()) };
        if self.migrations.is_empty() {
            return Ok(());
        }
        let (path, owner) = self.source()?;
        let login = self.login(container)?;
        for new in std::mem::take(&mut self.migrations) {
            let mut bytes = mark(&new.blob).into_bytes();
            bytes.extend(self.bytes(&git::content(path, owner, &new.blob))?);
            let input = Input::bytes(format!("{directory}/{}", new.name), bytes);
            let step = Step {
                title: format!("apply {}", new.name),
                argv: images::apply(container, &login.user, &login.database, input),
                deadline: MIGRATION,
                risk: Risk::Disruptive,
                optional: false,
                again: false,
            };
            record::begun(self.context.system, self.job.deployment, new.clone())
                .map_err(|error| format!("{} cannot be recorded, so it was not applied: {error}", new.name))?;
            self.step(&step)?;
            self.applied(container, &login, &new)?;
        }
        Ok(())
    }

    /// Writes down that a migration was applied.
    fn applied(&self, container: &str, login: &Login, migration: &Migration) -> Result<(), String> {
        let migration = Migration { time: self.context.system.now(), ..migration.clone() };
        let (name, unmark) = (migration.name.clone(), unmark(&migration.blob));
        record::applied(self.context.system, self.job.deployment, migration)
            .map_err(|error| format!("{name} was applied, but cannot be recorded: {error}"))?;
        if let Err(reason) = self.query(container, login, &unmark) {
            self.context.ui.note(&format!("the marker of {name} was not removed from the database: {reason}"));
        }
        Ok(())
    }

    /// The role and the database that a container was made with.
    fn login(&self, container: &str) -> Result<Login, String> {
        let argv = images::variables(container, &["POSTGRES_USER", "POSTGRES_DB"]);
        let values = ask(&self.context.processes(), &argv, PATIENCE, |text| Ok(text.to_owned()));
        let values = values.map_err(|trouble| format!("role and database of {container}: {trouble}"))?;
        let mut values = values.lines().map(str::to_owned);
        match (values.next(), values.next()) {
            (Some(user), Some(database)) => Ok(Login { user, database }),
            _ => Err(format!("the environment of {container} has no role or database")),
        }
    }

    fn query(&self, container: &str, login: &Login, query: &str) -> Result<String, String> {
        let argv = images::ask(container, &login.user, &login.database, query);
        let answer = ask(&self.context.processes(), &argv, PATIENCE, |text| Ok(text.trim().to_owned()));
        answer.map_err(|trouble| format!("the database of {container}: {trouble}"))
    }
}

/// The SQL files that are not known yet, by name.
fn unknown<'a>(
    wanted: BTreeMap<String, String>,
    known: &'a [Migration],
    except: &'a str,
) -> impl Iterator<Item = (String, String)> + 'a {
    let is_known = |name: &String| known.iter().any(|migration| migration.name == *name);
    wanted.into_iter().filter(move |(name, _)| is_sql(name) && !name.contains(except) && !is_known(name))
}

fn is_sql(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

/// The number of a content: above those that PostgreSQL gives by itself to what comes first.
fn number(blob: &str) -> u32 {
    u32::from_str_radix(blob.get(..8).unwrap_or_default(), 16).unwrap_or_default() | 1 << 31
}

/// Makes the object, in words that print nothing.
fn mark(blob: &str) -> String {
    format!("DO $$BEGIN PERFORM lo_create({}); END$$;\n", number(blob))
}

/// Whether it is there: 1 or 0.
fn marked(blob: &str) -> String {
    format!("SELECT count(*) FROM pg_largeobject_metadata WHERE oid = {}", number(blob))
}

fn unmark(blob: &str) -> String {
    format!("SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE oid = {}", number(blob))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sql_that_is_new_and_no_seed_is_applied_in_the_order_of_names() {
        let wanted = ["010_b.sql", "009_a.SQL", "001_old.sql", "002_seed_dev.sql", "README.md", "011"];
        let wanted = wanted.map(|name| (name.to_owned(), "aa".to_owned())).into();
        let old = Migration { time: jiff::Timestamp::UNIX_EPOCH, name: "001_old.sql".into(), blob: "bb".into() };
        let names: Vec<String> = unknown(wanted, &[old], "seed").map(|(name, _)| name).collect();
        assert_eq!(names, ["009_a.SQL", "010_b.sql"]);
    }

    #[test]
    fn a_content_has_one_number() {
        let blob = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(number(blob), 0x8123_4567);
        assert_eq!(mark(blob), "DO $$BEGIN PERFORM lo_create(2166572391); END$$;\n");
        assert_eq!(marked(blob), "SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 2166572391");
    }
}
