//! `pg_dump`, `pg_restore` and `psql` where the server is, so that they are of the server's own version.

use super::{Account, Argv, Input};

/// How long a dump waits for a table that another has locked, milliseconds.
const LOCK_WAIT: &str = "--lock-wait-timeout=60000";

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// In its running container, by name or id.
    Container(String),
    /// On this host, by its socket, as its owner, whom it trusts (`peer` in pg_hba.conf).
    Socket {
        /// The user of this host that the server runs as.
        owner: Account,
        /// Its port, which names the socket.
        port: u16,
    },
}

fn tool(access: &Access, program: &'static str, user: &str, database: &str) -> Argv {
    let names = [format!("--username={user}"), format!("--dbname={database}")];
    match access {
        Access::Container(container) => {
            Argv::new("docker", ["exec", "--interactive", container, program, "--no-password"]).with(names)
        }
        Access::Socket { owner, port } => {
            Argv::new(program, ["--no-password"]).with(names).with([format!("--port={port}")]).by(Some(owner))
        }
    }
}

/// Prints a dump of a database in PostgreSQL's own form, compressed.
pub fn dump(access: &Access, user: &str, database: &str) -> Argv {
    tool(access, "pg_dump", user, database).with(["--format=custom", LOCK_WAIT])
}

/// Brings a dump into an empty database: all of it, or nothing.
pub fn restore(access: &Access, user: &str, database: &str, dump: Input) -> Argv {
    let argv = tool(access, "pg_restore", user, database).with(["--exit-on-error", "--single-transaction"]);
    Argv { input: Some(dump), ..argv }
}

/// Lists what is in a dump, the properties of its database included.
pub fn contents(access: &Access, user: &str, database: &str, dump: Input) -> Argv {
    Argv { input: Some(dump), ..tool(access, "pg_restore", user, database).with(["--create", "--list"]) }
}

/// The owner of the dumped database of this name, as [`contents`] lists it.
pub fn owner<'a>(contents: &'a str, database: &str) -> Option<&'a str> {
    let entry = format!(" DATABASE - {database} ");
    let entries = contents.lines().filter(|line| !line.starts_with(';'));
    entries.filter_map(|line| line.split_once(&entry)).map(|(_, owner)| owner).find(|owner| !owner.is_empty())
}

/// Has statements run, each by itself, up to the first that fails; a row a line, its values between bars.
pub fn sql(access: &Access, user: &str, database: &str, statements: Input) -> Argv {
    let argv = tool(access, "psql", user, database).with([
        "--no-psqlrc",
        "--quiet",
        "--tuples-only",
        "--no-align",
        "--set=ON_ERROR_STOP=1",
        "--file=-",
    ]);
    Argv { input: Some(statements), ..argv }
}

/// A name as it stands in a statement.
pub fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as it stands in a statement, with `standard_conforming_strings` as it is by default.
pub fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::super::procfs;
    use super::*;

    #[test]
    fn commands() {
        let inside = Access::Container("db".to_owned());
        let owner = procfs::account("postgres:x:112:117::/var/lib/postgresql:/bin/bash\n", |_| true).unwrap();
        let on_host = dump(&Access::Socket { owner, port: 5433 }, "postgres", "shop");
        assert_eq!(on_host.account.as_ref().map(|account| account.uid), Some(112));
        assert!(
            on_host.to_string().ends_with(
                "pg_dump --no-password --username=postgres --dbname=shop --port=5433 --format=custom \
                 --lock-wait-timeout=60000"
            ),
            "{on_host}"
        );
        assert_eq!(
            dump(&inside, "app", "shop").to_string(),
            "docker exec --interactive db pg_dump --no-password --username=app --dbname=shop --format=custom \
             --lock-wait-timeout=60000"
        );
        let file = Input::file(std::path::Path::new("/x/a.dump"));
        assert_eq!(
            restore(&inside, "app", "scratch", file).to_string(),
            "docker exec --interactive db pg_restore --no-password --username=app --dbname=scratch --exit-on-error \
             --single-transaction < /x/a.dump"
        );
        assert_eq!(
            sql(&inside, "app", "postgres", Input::bytes("statements", "SELECT 1;")).to_string(),
            "docker exec --interactive db psql --no-password --username=app --dbname=postgres --no-psqlrc --quiet \
             --tuples-only --no-align --set=ON_ERROR_STOP=1 --file=- < statements"
        );
    }

    #[test]
    fn the_owner_of_a_dumped_database_is_the_one_of_its_entry() {
        // pg_restore 17.
        let list = ";\n; Archive created at 2026-11-27 04:07:41 UTC\n;     dbname: shop\n;     TOC Entries: 8\n;\n\
                    3443; 1262 16386 DATABASE - shop the shop\n6; 2615 16387 SCHEMA - s shop\n\
                    218; 1259 16388 TABLE s orders shop\n";
        assert_eq!(owner(list, "shop"), Some("the shop"));
        assert_eq!(owner(list, "sho"), None);
        for end in 0..list.len() {
            assert!(owner(&list[..end], "shop").is_none_or(|owner| "the shop".starts_with(owner)), "{end}");
        }
    }

    #[test]
    fn l1_names_and_texts_stay_what_they_are() {
        assert_eq!(name(r#"a"; DROP DATABASE "b"#), r#""a""; DROP DATABASE ""b""#);
        assert_eq!(text("it's"), "'it''s'");
    }
}
