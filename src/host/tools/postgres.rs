//! `pg_dump`, `pg_restore` and `psql` in the server's own container, so that they are of the server's own version.

use super::{Argv, Input};

/// How long a dump waits for a table that another has locked, milliseconds.
const LOCK_WAIT: &str = "--lock-wait-timeout=60000";

fn inside(container: &str, program: &str, user: &str, database: &str) -> Argv {
    Argv::new("docker", ["exec", "--interactive", container, program, "--no-password"])
        .with([format!("--username={user}"), format!("--dbname={database}")])
}

/// Prints a dump of a database in PostgreSQL's own form, compressed.
pub fn dump(container: &str, user: &str, database: &str) -> Argv {
    inside(container, "pg_dump", user, database).with(["--format=custom", LOCK_WAIT])
}

/// Brings a dump into an empty database: all of it, or nothing.
pub fn restore(container: &str, user: &str, database: &str, dump: Input) -> Argv {
    let argv = inside(container, "pg_restore", user, database).with(["--exit-on-error", "--single-transaction"]);
    Argv { input: Some(dump), ..argv }
}

/// Has statements run, each by itself, up to the first that fails; a row a line, its values between bars.
pub fn sql(container: &str, user: &str, database: &str, statements: Input) -> Argv {
    let argv = inside(container, "psql", user, database).with([
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
    use super::*;

    #[test]
    fn commands() {
        assert_eq!(
            dump("db", "app", "shop").to_string(),
            "docker exec --interactive db pg_dump --no-password --username=app --dbname=shop --format=custom \
             --lock-wait-timeout=60000"
        );
        let file = Input::file(std::path::Path::new("/x/a.dump"));
        assert_eq!(
            restore("db", "app", "scratch", file).to_string(),
            "docker exec --interactive db pg_restore --no-password --username=app --dbname=scratch --exit-on-error \
             --single-transaction < /x/a.dump"
        );
        assert_eq!(
            sql("db", "app", "postgres", Input::bytes("statements", "SELECT 1;")).to_string(),
            "docker exec --interactive db psql --no-password --username=app --dbname=postgres --no-psqlrc --quiet \
             --tuples-only --no-align --set=ON_ERROR_STOP=1 --file=- < statements"
        );
    }

    #[test]
    fn l1_names_and_texts_stay_what_they_are() {
        assert_eq!(name(r#"a"; DROP DATABASE "b"#), r#""a""; DROP DATABASE ""b""#);
        assert_eq!(text("it's"), "'it''s'");
    }
}
