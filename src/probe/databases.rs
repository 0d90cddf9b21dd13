//! Questions to databases beyond whether they answer: SQL through psql in the server's own container, and commands to Redis.

use super::{Answer, Door, ManagerEvidence, Reply, Trouble, failure, is_container_of, network, text};
use crate::exec::Exit;
use crate::protocol::redis;
use crate::registry::{Probe, RedisQuestion, Service, Sql};
use crate::tools::docker::ContainerState;
use crate::tools::{Argv, Input, procfs};

/// What makes psql's session one that only reads, and never for long.
const READ_ONLY: &str = "PGOPTIONS=-c default_transaction_read_only=on -c timezone=UTC -c statement_timeout=2s";

pub(super) fn sql(door: Door<'_>, managers: &ManagerEvidence, sql: &'static Sql) -> Answer<String> {
    let container = match container(managers, sql) {
        Ok(container) => container,
        Err(trouble) => return Answer { command: format!("psql < {}", sql.name), result: Err(trouble) },
    };
    let user = sql.server.probes.iter().find_map(|probe| match probe {
        Probe::Postgres { user, .. } => Some(*user),
        Probe::Http(_) | Probe::Banner { .. } | Probe::Redis { .. } | Probe::Mongo { .. } => None,
        Probe::DockerEngine | Probe::LogLine { .. } => None,
    });
    let options =
        ["exec", "-i", "-e", READ_ONLY, "--", &container.identity.name, "psql", "-XqAt", "-v", "ON_ERROR_STOP=1"];
    let mut argv = Argv::new("docker", options).with(["-U", user.unwrap_or("postgres"), "-d", "postgres"]);
    if let Some((service, key)) = sql.url {
        match database(door, service, key) {
            Err(trouble) => return Answer { command: argv.to_string(), result: Err(trouble) },
            Ok(name) => argv = argv.with(["-v", &format!("database={name}")]),
        }
    }
    argv.input = Some(Input { name: sql.name.to_owned(), bytes: sql.script.as_bytes().to_vec() });
    door.ask_with(&argv, |output| match output.exit {
        Exit::Code(0) => Ok(text(&output.stdout)),
        _ => Err(failure(output)),
    })
}

/// The running container of the server.
fn container<'e>(managers: &'e ManagerEvidence, sql: &Sql) -> Result<&'e ContainerState, Trouble> {
    let unknown = || Trouble::Unavailable("the containers were not asked for".to_owned());
    let all = managers.containers.as_ref().ok_or_else(unknown)?.result.as_ref().map_err(Clone::clone)?;
    let own = |container: &&ContainerState| sql.server.managers.iter().any(|m| is_container_of(m, &container.identity));
    let mut running = all.iter().filter(own).filter(|container| container.status == "running");
    running.next().ok_or_else(|| Trouble::Unavailable(format!("{} does not run", sql.server.name)))
}

/// The name of the application's database, from its URL. Nothing else of the URL is kept.
fn database(door: Door<'_>, service: &Service, key: &str) -> Result<String, Trouble> {
    let unnamed = || Trouble::Unavailable(format!("no env file of {} names its database in {key}", service.name));
    for path in service.env.iter().flat_map(|env| env.paths) {
        let text = match door.system.read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(Trouble::NeedsRoot("to learn which database it is"));
            }
            Err(_) => continue,
        };
        let url = procfs::env_entries(&text).find(|(name, _)| *name == key).map(|(_, url)| url.to_owned());
        return url.and_then(|url| name_in(&url)).ok_or_else(unnamed);
    }
    Err(unnamed())
}

/// The database that a URL names, when that is a plain name.
fn name_in(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.rsplit_once('@').map_or(rest, |(_, host)| host).split_once('/')?;
    let name = path.split(['?', '#', '/']).next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then(|| name.to_owned())
}

pub(super) fn redis(door: Door<'_>, question: &'static RedisQuestion) -> Answer<String> {
    let probe = question.server.probes.iter().find_map(|probe| match probe {
        Probe::Redis { port, password } => Some((*port, password.as_ref())),
        Probe::Http(_) | Probe::Banner { .. } | Probe::Postgres { .. } | Probe::Mongo { .. } => None,
        Probe::DockerEngine | Probe::LogLine { .. } => None,
    });
    let first = question.commands.first().copied().unwrap_or_default().join(" ");
    let Some((port, password)) = probe else {
        let trouble = Trouble::Unavailable(format!("{} is no Redis server", question.server.name));
        return Answer { command: format!("redis-cli {first}"), result: Err(trouble) };
    };
    let login = password.map(|secret| format!("REDISCLI_AUTH=<{} in {}> ", secret.key, secret.file));
    let command = format!("{}redis-cli -p {port} {first}", login.unwrap_or_default());
    let ask = || -> Result<String, Trouble> {
        let setting = password.map(|secret| super::secret(door.system, secret)).transpose()?;
        let password = setting.as_deref().map(redis::password);
        let reply = network::converse(door, port, &redis::request(password, question.commands), |received| {
            redis::answers(received, password.is_some(), question.commands).map(|answer| answer.map(Reply::Line))
        });
        match reply {
            Reply::Line(text) => Ok(text),
            Reply::Silent(why) => Err(Trouble::Failed(why)),
            Reply::Http { .. } | Reply::Postgres(_) | Reply::Mongo(_) | Reply::Engine(_) | Reply::LogLine(_) => {
                Err(Trouble::Failed("an answer to another question".to_owned()))
            }
        }
    };
    Answer { command, result: ask() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_by_its_url_and_nothing_else_is_taken() {
        let name = |url: &str| name_in(url);
        assert_eq!(name("postgresql://postgres:p@ss/w@postgres:5432/shop?schema=public").as_deref(), Some("shop"));
        assert_eq!(name("postgresql://localhost/shop").as_deref(), Some("shop"));
        for none in
            ["shop", "postgresql://postgres:pw@postgres:5432", "postgresql://h/", "postgresql://h/a;b", "x://h/a b"]
        {
            assert_eq!(name(none), None, "{none}");
        }
    }
}
