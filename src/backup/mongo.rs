//! MongoDB: a dump by its own tools, and a trial in a database of its own on the same server.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::manifest::Rows;
use super::name::Id;
use crate::context::Context;
use crate::host::exec::{Output, ProcessEnd, Runner};
use crate::host::files::private;
use crate::host::tools::{Argv, Input, mongodump};
use crate::host::trouble::failure;
use crate::observe::probe::{self};
use crate::redact::Redactor;
use crate::registry::Secret;

/// How long a dump or a trial may take.
const DUMP: Duration = Duration::from_mins(30);
/// How long a statement may take.
const STATEMENT: Duration = Duration::from_mins(1);

/// A server, and who logs in.
pub struct Server<'a> {
    context: &'a Context<'a>,
    uri: String,
    redactor: Redactor,
    database: &'static str,
}

impl<'a> Server<'a> {
    /// The server that a URI leads to, and the database of it that is meant.
    ///
    /// # Errors
    /// When the URI is not where it should be, or is none.
    pub fn find(context: &'a Context<'a>, uri: &Secret, database: &'static str) -> Result<Self, String> {
        let told = probe::secret(context.system, uri).map_err(|trouble| format!("its login: {trouble}"))?;
        let uri = without_database(&told).ok_or_else(|| format!("{} in {} is not a URI", uri.key, uri.file))?;
        Ok(Server { context, redactor: Redactor::new([told.as_str(), uri.as_str()]), uri, database })
    }

    fn run(&self, argv: &Argv, limit: Duration) -> Result<Output, String> {
        let limit = self.context.time_left().map_or(limit, |left| left.min(limit));
        let told = match self.context.processes().run(argv, limit) {
            Ok(output) if output.exit == ProcessEnd::Code(0) => return Ok(output),
            Ok(output) => format!("{}: {}", argv.program, failure(&output)),
            Err(error) => error.to_string(),
        };
        Err(self.redactor.clean(&told).into_owned())
    }

    /// Does something with a file that says how to log in, and that nobody else can read.
    fn logged_in<T>(&self, scratch: &Path, work: impl FnOnce(&str) -> Result<T, String>) -> Result<T, String> {
        let path = scratch.join("mongo.yaml");
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        let file = private::create_new(&path);
        let uri = serde_json::to_string(&self.uri).map_err(|error| error.to_string())?;
        let written = file.and_then(|mut file| writeln!(file, "uri: {uri}")).map_err(told);
        let done = written.and_then(|()| work(&path.to_string_lossy()));
        // What cannot be removed now goes with the directory that it is in.
        let _ = private::remove_file(&path);
        done
    }

    /// Dumps the database to a new file.
    ///
    /// # Errors
    /// Why there is no dump.
    pub fn dump(&self, to: &Path, scratch: &Path) -> Result<(), String> {
        let dump = |config: &str| mongodump::dump(config, self.database, &to.to_string_lossy());
        self.logged_in(scratch, |config| self.run(&dump(config), DUMP))?;
        let made = private::open(to).and_then(|file| file.set_permissions(PermissionsExt::from_mode(0o600)));
        made.map_err(|error| format!("mongodump created no archive: {error}"))
    }

    /// Brings a dump into a database of its own, counts, and drops it.
    ///
    /// # Errors
    /// Why it is not whole.
    pub fn try_out(&self, dump: &Path, id: Id) -> Result<Rows, String> {
        let scratch = dump.parent().map_or_else(PathBuf::new, Path::to_owned);
        let trial = format!("opsctl_trial_{:08x}", id.chance);
        let archive = dump.to_string_lossy();
        let restored = self.logged_in(&scratch, |config| {
            let output = self.run(&mongodump::restore(config, &archive, self.database, &trial), DUMP)?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let rows = mongodump::parse_restored(&said, &trial).map_err(|malformed| malformed.to_string())?;
            Ok(Rows::from_iter(rows))
        });
        let dropped = self.drop(&trial);
        match restored {
            Ok(rows) if rows.is_empty() => Err("it has no collection".to_owned()),
            Ok(rows) => dropped.map(|()| rows),
            Err(trouble) => Err(format!("it cannot be restored: {trouble}")),
        }
    }

    fn drop(&self, trial: &str) -> Result<(), String> {
        let uri = serde_json::to_string(&self.uri).map_err(|error| error.to_string())?;
        let statements = format!("connect({uri}).getSiblingDB(\"{trial}\").dropDatabase();\n");
        let done = self.run(&mongodump::shell(Input::bytes("statements", statements)), STATEMENT);
        done.map(drop).map_err(|trouble| format!("the test database {trial} was not removed: {trouble}"))
    }
}

/// A URI that names no database: that is told apart.
fn without_database(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    let (path, query) = rest.split_once('?').map_or((rest, ""), |(path, query)| (path, query));
    let host = path.rsplit_once('/').map_or(path, |(host, _)| host);
    let mark = if query.is_empty() { "" } else { "?" };
    Some(format!("{scheme}://{host}/{mark}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_loses_its_database_and_nothing_else() {
        let without = |uri: &str| without_database(uri);
        assert_eq!(
            without("mongodb://admin:p%2Fw@localhost:27017/admin?replicaSet=rs&authSource=admin").as_deref(),
            Some("mongodb://admin:p%2Fw@localhost:27017/?replicaSet=rs&authSource=admin")
        );
        assert_eq!(without("mongodb://localhost").as_deref(), Some("mongodb://localhost/"));
        assert_eq!(without("localhost"), None);
    }
}
