//! Questions to databases beyond whether they answer: SQL through psql in the server's own container, and commands to Redis.

use super::{Answer, Door, ManagerEvidence, Reply, is_container_of, network, settings, text};
use crate::envfile::Value;
use crate::host::exec::ProcessEnd;
use crate::host::protocol::redis;
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::tools::docker::ContainerState;
use crate::host::tools::{Argv, Input, images};
use crate::host::trouble::{Trouble, failure};
use crate::registry::{Database, Probe, Query, RedisQuestion, Secret, Service};

pub fn query(door: Door<'_>, managers: &ManagerEvidence, query: &'static Query) -> Answer<String> {
    let named = query.name.unwrap_or("query");
    let container = match container(managers, query) {
        Ok(container) => &container.identity.name,
        Err(trouble) => return Answer { command: Command::shell(format!("psql < {named}")), result: Err(trouble) },
    };
    let user = query.server.probes.iter().find_map(|probe| match probe {
        Probe::Postgres { user, .. } => Some(*user),
        Probe::Http(_)
        | Probe::Banner { .. }
        | Probe::Redis { .. }
        | Probe::Mongo { .. }
        | Probe::Any { .. }
        | Probe::DockerEngine
        | Probe::LogLine { .. } => None,
    });
    let (mut user, mut database) = (user.unwrap_or("postgres").to_owned(), "postgres".to_owned());
    let input = Input::bytes(named, query.sql);
    let ask = |argv: &Argv| {
        door.ask_with(argv, |output| match output.exit {
            ProcessEnd::Code(0) => Ok(text(&output.stdout)),
            _ => Err(failure(output)),
        })
    };
    let mut known = None;
    match query.database {
        Database::Postgres => {}
        Database::Named(name) => name.clone_into(&mut database),
        Database::Own => {
            let own = ask(&images::variables(container, &["POSTGRES_USER", "POSTGRES_DB"]));
            let Answer { result: Ok(own), .. } = own else { return own };
            let mut lines = own.lines().map(str::to_owned);
            let (Some(own_user), Some(own_database)) = (lines.next(), lines.next()) else {
                let trouble = "POSTGRES_USER or POSTGRES_DB is not set in the container".to_owned();
                let command = images::psql(container, "", "", query.sql);
                return Answer { command, result: Err(Trouble::Failed(trouble)) };
            };
            (user, database) = (own_user, own_database);
        }
        Database::InUrl(service, key) => match named_in(door.system, service, key) {
            Err(trouble) => {
                let command = images::question(container, &user, &database, input).into();
                return Answer { command, result: Err(trouble) };
            }
            Ok(name) => known = Some(format!("--set=database={name}")),
        },
    }
    let argv = images::question(container, &user, &database, input).with(known);
    let answer = ask(&argv);
    // What is worth pasting of a single question is the plain call.
    let command = match query.name {
        Some(_) => answer.command,
        None => images::psql(container, &user, &database, query.sql),
    };
    Answer { command, result: answer.result }
}

/// The running container of the server.
fn container<'e>(managers: &'e ManagerEvidence, query: &Query) -> Result<&'e ContainerState, Trouble> {
    let unknown = || Trouble::Unavailable("the containers were not checked".to_owned());
    let all = managers.containers.as_ref().ok_or_else(unknown)?.result.as_ref().map_err(Clone::clone)?;
    let own =
        |container: &&ContainerState| query.server.managers.iter().any(|m| is_container_of(m, &container.identity));
    let mut running = all.iter().filter(own).filter(|container| container.status == "running");
    running.next().ok_or_else(|| Trouble::Unavailable(format!("{} does not run", query.server.name)))
}

/// The name of the application's database, from its URL. Nothing else of the URL is kept.
pub(crate) fn named_in(system: &System, service: &Service, key: &str) -> Result<String, Trouble> {
    let unnamed = || Trouble::Unavailable(format!("no env file of {} names its database in {key}", service.name));
    for path in service.env.iter().flat_map(|env| env.paths) {
        let reading = match settings::of_service(system, service, path) {
            Ok(reading) => reading,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(Trouble::NeedsRoot("to find its database"));
            }
            Err(_) => continue,
        };
        return match reading.get(key) {
            Some(Value::Known(url)) => name_in(url).ok_or_else(unnamed),
            Some(Value::Unknown(why)) => Err(Trouble::Unavailable(format!("{key} in {path}: {why}"))),
            None => Err(Trouble::Unavailable(settings::not_set(&reading, key, path))),
        };
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

pub fn redis(door: Door<'_>, question: &RedisQuestion) -> Answer<String> {
    let first = question.commands.first().copied().unwrap_or_default();
    let (login, port) = match address(question.server) {
        Some((port, password)) => (password, Some(port.to_string())),
        None => (None, None),
    };
    let words: Vec<&str> = port.iter().flat_map(|port| ["-p", port]).chain(first.iter().copied()).collect();
    let command = network::redis_cli(login, &words);
    Answer { command, result: say_to_redis(door, question.server, question.commands) }
}

/// Says these commands to a server, and by which command anybody can say the first of them.
pub(crate) fn say_and_show(
    door: Door<'_>,
    server: &Service,
    commands: &[&[&str]],
) -> (Command, Result<String, Trouble>) {
    let (port, login) = address(server).map_or((String::new(), None), |(port, login)| (port.to_string(), login));
    let first = commands.first().copied().unwrap_or_default();
    let words: Vec<&str> = ["-p", &port].into_iter().chain(first.iter().copied()).collect();
    (network::redis_cli(login, &words), say_to_redis(door, server, commands))
}

fn address(server: &Service) -> Option<(u16, Option<&Secret>)> {
    server.probes.iter().find_map(|probe| match probe {
        Probe::Redis { port, password } => Some((*port, password.as_ref())),
        Probe::Http(_)
        | Probe::Banner { .. }
        | Probe::Postgres { .. }
        | Probe::Mongo { .. }
        | Probe::Any { .. }
        | Probe::DockerEngine
        | Probe::LogLine { .. } => None,
    })
}

/// Says these commands to a server, and tells what it answers, as [`redis::answers`] puts it.
pub(super) fn say_to_redis(door: Door<'_>, server: &Service, commands: &[&[&str]]) -> Result<String, Trouble> {
    let Some((port, password)) = address(server) else {
        return Err(Trouble::Unavailable(format!("{} is not a Redis server", server.name)));
    };
    let setting = password.map(|secret| super::secret(door.system, secret)).transpose()?;
    let password = setting.as_deref().map(redis::password);
    let at = door.at(port);
    let reply = network::converse(door, &at, &redis::request(password, commands), |received| {
        redis::answers(received, password.is_some(), commands).map(|answer| answer.map(Reply::Line))
    });
    match reply? {
        Reply::Line(text) => Ok(text),
        Reply::Silent(why) => Err(Trouble::Failed(why)),
        Reply::Http { .. }
        | Reply::Postgres(_)
        | Reply::Mongo(_)
        | Reply::Connection(_)
        | Reply::Engine(_)
        | Reply::LogLine(_) => Err(Trouble::Failed("an answer to another question".to_owned())),
    }
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
