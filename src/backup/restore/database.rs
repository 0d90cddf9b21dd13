//! A database of PostgreSQL whose place another takes: both change their names in one transaction.

use std::io;
use std::path::PathBuf;

use super::journal::{Mark, Part};
use crate::backup::manifest::Rows;
use crate::backup::name::Id;
use crate::backup::postgres::Server;
use crate::host::tools::postgres::{name, text};

/// The place of a live database.
pub struct Database<'a> {
    server: Server<'a>,
    id: Id,
}

impl<'a> Database<'a> {
    /// The place of the server's database, for the restore of this name.
    pub fn new(server: Server<'a>, id: Id) -> Self {
        Database { server, id }
    }

    /// The live database.
    pub fn live(&self) -> &str {
        &self.server.database
    }

    /// Where a new one beside it lies.
    ///
    /// # Errors
    /// What the server says.
    pub fn directory(&self) -> Result<PathBuf, String> {
        self.server.data_directory()
    }

    fn laid(&self) -> String {
        self.called("new")
    }

    /// What the old data is kept as.
    pub fn old(&self) -> String {
        self.called("old")
    }

    /// In letters that need no quotes, so that they are typed as they are shown.
    fn called(&self, what: &str) -> String {
        format!("opsctl_{what}_{}", self.id.to_string().to_lowercase().replace('-', "_"))
    }

    fn ask(&self, statements: &str) -> io::Result<String> {
        self.server.ask(statements).map_err(io::Error::other)
    }

    fn mark(&self, database: &str) -> io::Result<Option<Mark>> {
        let oid = self.ask(&format!("SELECT oid FROM pg_database WHERE datname = {};", text(database)))?;
        Ok(oid.trim().parse().ok().map(|oid| Mark { device: 0, inode: oid }))
    }

    /// What is live.
    ///
    /// # Errors
    /// What the server says.
    pub fn live_mark(&self) -> io::Result<Option<Mark>> {
        self.mark(self.live())
    }

    /// Brings a dump into a new database beside the live one, and makes sure that it has these rows.
    ///
    /// # Errors
    /// When it has not.
    pub fn lay(&self, dump: &std::path::Path, rows: &Rows) -> io::Result<Mark> {
        let laid = self.server.fill(&self.laid(), dump).map_err(io::Error::other)?;
        if laid != *rows {
            return Err(io::Error::other("its rows differ from the verified copy"));
        }
        self.mark(&self.laid())?.ok_or_else(|| io::Error::other("its staged copy is gone"))
    }

    /// Who uses the live database.
    ///
    /// # Errors
    /// What the server says.
    pub fn users(&self) -> io::Result<Vec<String>> {
        let told = self.ask(&format!(
            "SELECT coalesce(nullif(application_name, ''), usename, 'somebody') || ' (session ' || pid || ')' FROM \
             pg_stat_activity WHERE datname = {} AND backend_type = 'client backend';",
            text(self.live())
        ))?;
        Ok(told.lines().map(str::to_owned).collect())
    }

    /// Gives the live database another name, and the new one its name. Called again, it finds that done.
    ///
    /// # Errors
    /// What the server says; then neither name has changed.
    pub fn swap(&self, part: &Part) -> io::Result<()> {
        match self.live_mark()? {
            live if live.is_some() && live == part.new => Ok(()),
            Some(_) => self.rename(&[(self.live(), &self.old()), (&self.laid(), self.live())]),
            None => self.rename(&[(&self.laid(), self.live())]),
        }
    }

    fn rename(&self, names: &[(&str, &str)]) -> io::Result<()> {
        let each = names.iter().map(|(from, to)| format!("ALTER DATABASE {} RENAME TO {};\n", name(from), name(to)));
        self.ask(&format!("BEGIN;\n{}COMMIT;", each.collect::<String>())).map(drop)
    }

    /// Gives both their names again, and drops the new one.
    ///
    /// # Errors
    /// What the server says.
    pub fn swap_back(&self, part: &Part) -> io::Result<()> {
        if part.old.is_none() {
            return Err(io::Error::other("there was no earlier data"));
        }
        if self.live_mark()? != part.old {
            self.rename(&[(self.live(), &self.laid()), (&self.old(), self.live())])?;
        }
        self.server.drop(&self.laid()).map_err(io::Error::other)
    }

    /// Takes back what was done: the live database is the old, and stays.
    ///
    /// # Errors
    /// What the server says.
    pub fn undo(&self, part: &Part) -> io::Result<()> {
        let live = self.live_mark()?;
        match (live.is_some() && live == part.new, part.old) {
            (true, Some(_)) => self.swap_back(part),
            (true, None) => self.rename(&[(self.live(), &self.laid())]).and_then(|()| self.undo(part)),
            (false, _) => self.server.drop(&self.laid()).map_err(io::Error::other),
        }
    }

    /// Drops the old database, if it is the one that was kept.
    ///
    /// # Errors
    /// When it is another, or cannot be dropped.
    pub fn forget(&self, part: &Part) -> io::Result<()> {
        match self.mark(&self.old())? {
            None => Ok(()),
            found if found == part.old => self.server.drop(&self.old()).map_err(io::Error::other),
            Some(_) => Err(io::Error::other(format!("{} is another database", self.old()))),
        }
    }
}
