//! Where what is restored lives: files and directories, or a database of a server. All parts of it are exchanged one after the
//! other while nobody uses them; each of them is the old or the new at every moment, and a mark tells which.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use super::database::Database;
use super::journal::{Mark, Part};
use super::spot::{Form, Spot, users};
use crate::backup::archive::{self, Lay};
use crate::backup::manifest::Owner;
use crate::backup::name::Id;
use crate::backup::{look::Proof, postgres, redis, source, staging};
use crate::context::Context;
use crate::program;
use crate::registry::{BackupSet, Source};

/// The place of a set.
pub enum RestoreTarget<'a> {
    /// Files and directories.
    Files(Vec<Spot>),
    /// A database.
    Database(Box<Database<'a>>),
}

impl<'a> RestoreTarget<'a> {
    /// The place of a set, for the restore of this name. `parts`: the paths that are exchanged.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(context: &'a Context<'a>, set: &BackupSet, id: Id, parts: &[String]) -> Result<Self, String> {
        let spots = |form: Form| {
            let open = |path: &String| {
                Spot::open(context.system, path, id, form)
                    .map_err(|error| format!("the directory of {path} cannot be used: {error}"))
            };
            parts.iter().map(open).collect::<Result<Vec<Spot>, String>>().map(RestoreTarget::Files)
        };
        match &set.source {
            Source::Sqlite { .. } => spots(Form::Sqlite),
            Source::Redis { .. } | Source::Files { .. } => spots(Form::Tree),
            Source::Postgres { service, database } => {
                let server =
                    postgres::Server::find(context, service, database).map_err(|trouble| trouble.to_string())?;
                Ok(RestoreTarget::Database(Box::new(Database::new(server, id))))
            }
            Source::Mongo { .. } => Err(format!(
                "this {1} does not replace {0}: {1} restore {0} --to FILE writes the verified archive, and \
                 mongorestore --gzip --archive=FILE --drop loads it",
                set.name,
                program::name()
            )),
        }
    }

    /// What is exchanged, as it is now.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn parts(&self) -> io::Result<Vec<Part>> {
        let part = |what: String, old: Option<Mark>| Part { what, new: None, old };
        match self {
            RestoreTarget::Files(spots) => {
                spots.iter().map(|spot| Ok(part(spot.absolute.clone(), spot.live()?.map(|live| live.mark)))).collect()
            }
            RestoreTarget::Database(database) => Ok(vec![part(database.live().to_owned(), database.live_mark()?)]),
        }
    }

    /// Makes sure that the new data, so many bytes, can lie beside the old, and that the old has no name that would stay.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, context: &Context<'_>, bytes: u64) -> Result<(), String> {
        let spots = match self {
            RestoreTarget::Database(database) => return staging::room(context.system, &database.directory()?, bytes),
            RestoreTarget::Files(spots) => spots,
        };
        for spot in spots {
            let live = spot.live().map_err(|error| format!("{}: {error}", spot.absolute))?;
            if let Some(live) = live.filter(|live| live.names != 1) {
                let (path, names) = (&spot.absolute, live.names);
                return Err(format!("{path} has {names} hard links, so another would keep the old data"));
            }
            staging::room(context.system, Path::new(&spot.absolute).parent().unwrap_or(Path::new("/")), bytes)?;
        }
        Ok(())
    }

    /// Lays a proven copy beside what is live, durably, with the owner that it has or had.
    ///
    /// # Errors
    /// When it cannot be laid.
    pub fn lay(&self, context: &Context<'_>, set: &BackupSet, proof: &Proof) -> io::Result<Vec<Mark>> {
        let spots = match self {
            RestoreTarget::Database(database) => return Ok(vec![database.lay(&proof.copy, &proof.manifest.rows)?]),
            RestoreTarget::Files(spots) => spots,
        };
        let owner_of = |spot: &Spot| {
            let live = spot.live()?.map(|live| live.owner);
            // Without either, nobody but root may read it.
            // What a manifest says of the mode gives nobody more than access: set-user-id is not restored.
            let said = proof.manifest.owner.map(|owner| Owner { mode: owner.mode & 0o777, ..owner });
            Ok::<_, io::Error>(live.or(said).unwrap_or(Owner { uid: 0, gid: 0, mode: 0o600 }))
        };
        match &set.source {
            Source::Files { paths, without, secrecy, .. } => {
                let all = source::with_archive(context, *secrecy, &proof.copy, |archive| {
                    spots.iter().try_for_each(|spot| {
                        let lay = Lay::Beside { root: &spot.absolute, at: &spot.laid_path() };
                        let found = archive::unpack(archive, paths, lay)?;
                        if found != proof.manifest.rows {
                            return Err("its files differ from the verified copy".to_owned());
                        }
                        archive::adopt(&spot.live_path(), &spot.laid_path(), without).map_err(|error| error.to_string())
                    })
                });
                all.map_err(io::Error::other)?;
            }
            Source::Sqlite { .. } | Source::Redis { .. } | Source::Postgres { .. } | Source::Mongo { .. } => {
                for (index, spot) in spots.iter().enumerate() {
                    match index {
                        0 => spot.lay(&proof.copy, owner_of(spot)?, &proof.manifest.sha256)?,
                        // Beside a snapshot of Redis, the log that it reads instead.
                        _ => redis::lay_log(&proof.copy, spot.directory(), &spot.laid(), owner_of(&spots[0])?)?,
                    }
                }
            }
        }
        spots.iter().map(Spot::laid_mark).collect()
    }

    /// Who still uses what is live.
    ///
    /// # Errors
    /// When that cannot be known.
    pub fn users(&self, context: &Context<'_>) -> io::Result<Vec<String>> {
        match self {
            RestoreTarget::Files(spots) => {
                let mut marks = HashSet::new();
                for spot in spots {
                    spot.marks(&mut marks);
                }
                let users = users(context.system, &marks);
                Ok(users.into_iter().map(|(pid, name)| format!("{name} (process {pid})")).collect())
            }
            RestoreTarget::Database(database) => database.users(),
        }
    }

    /// Puts what was laid in the place of what is live; what went wrong with what only concerns the old data.
    ///
    /// # Errors
    /// When it cannot be done; some parts may be exchanged and others not.
    pub fn swap(&self, parts: &[Part]) -> io::Result<Option<String>> {
        match self {
            RestoreTarget::Database(database) => each(parts, |_, part| database.swap(part)).map(|()| None),
            RestoreTarget::Files(spots) => {
                let mut trouble = None;
                each(parts, |index, part| {
                    if spots[index].live()?.map(|live| live.mark) == part.old {
                        trouble = spots[index].settle()?.or(trouble.take());
                    }
                    spots[index].swap(part)
                })?;
                Ok(trouble)
            }
        }
    }

    /// Puts all old data back.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn swap_back(&self, parts: &[Part]) -> io::Result<()> {
        each(parts, |index, part| match (self, part.old) {
            (RestoreTarget::Database(database), _) => database.swap_back(part),
            (RestoreTarget::Files(spots), Some(_)) => spots[index].swap_back(part),
            (RestoreTarget::Files(spots), None) => spots[index].undo(part),
        })
    }

    /// Takes back what was done: all that is live is the old, and stays.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn undo(&self, parts: &[Part]) -> io::Result<()> {
        each(parts, |index, part| match self {
            RestoreTarget::Database(database) => database.undo(part),
            RestoreTarget::Files(spots) => spots[index].undo(part),
        })
    }

    /// Whether all that is live is the new.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn is_new(&self, parts: &[Part]) -> io::Result<bool> {
        let now = self.parts()?;
        Ok(!parts.is_empty() && now.iter().zip(parts).all(|(now, part)| now.old.is_some() && now.old == part.new))
    }

    /// Whether all that is live is the old.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn is_old(&self, parts: &[Part]) -> io::Result<bool> {
        Ok(self.parts()?.iter().zip(parts).all(|(now, part)| now.old == part.old))
    }

    /// Deletes the old data, if it is what was kept.
    ///
    /// # Errors
    /// When it is not, or cannot be deleted.
    pub fn forget(&self, parts: &[Part]) -> io::Result<()> {
        each(parts, |index, part| match self {
            RestoreTarget::Database(database) => database.forget(part),
            RestoreTarget::Files(spots) => spots[index].forget(part),
        })
    }

    /// Where the old data is kept; `None` where there was none.
    pub fn kept(&self, parts: &[Part]) -> Option<String> {
        let of = |(index, part): (usize, &Part)| {
            part.old?;
            Some(match self {
                RestoreTarget::Database(database) => format!("database {}", database.old()),
                RestoreTarget::Files(spots) => spots[index].old_path().display().to_string(),
            })
        };
        let all: Vec<String> = parts.iter().enumerate().filter_map(of).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

fn each(parts: &[Part], mut what: impl FnMut(usize, &Part) -> io::Result<()>) -> io::Result<()> {
    parts.iter().enumerate().try_for_each(|(index, part)| what(index, part))
}
