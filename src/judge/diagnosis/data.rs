//! The state inside data servers and of data files.

use super::case::{Case, Subject, told};
use super::data_redis;
use super::outcome::{Conclusion, Fact};
use crate::host::protocol::postgres::Greeting;
use crate::host::tools::command::Command;
use crate::host::tools::postgres_state::{Refusal, State, refusal};
use crate::host::tools::sqlite_file::Header;
use crate::host::tools::{excerpt, mariadb};
use crate::observe::clues::Wants;
use crate::observe::clues::data::{Mysql, Postgres, SqliteFound, unpublished_redis};
use crate::observe::probe::{Answer, Reply};
use crate::registry::{DataClue, DataKind, Manager, Probe, Verdict};

/// A time limit below this ends what people do, milliseconds.
const TINY: u64 = 1000;
/// PostgreSQL refuses new transaction numbers three million before two thousand million; from here it is urgent.
const OLD: u64 = 1_900_000_000;

/// What has to be asked: servers that answered, and the files of services that have some.
fn want_state(case: &Case<'_>, subject: Subject<'_>, wants: &mut Wants) {
    let service = subject.service;
    let has_files = service.data.iter().any(|data| data.kind == DataKind::Sqlite);
    let is_mysql = service.managers.iter().any(|manager| match manager {
        Manager::Systemd(unit) => matches!(unit.name, "mariadb.service" | "mysql.service"),
        Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_) => false,
    });
    let answers = replies(case, subject).any(|(_, answer)| match &answer.result {
        Ok(Reply::Postgres(Greeting::Authenticating)) => true,
        Ok(Reply::Postgres(Greeting::Refusing { code, message })) => refusal(code, message).is_none(),
        Ok(Reply::Line(line)) => line == "+PONG",
        _ => false,
    });
    let is_inside = unpublished_redis(&case.evidence.managers, service).is_some();
    if has_files || is_mysql || answers || is_inside {
        wants.data.insert(service.name, (service, subject.health.pid, answers));
    }
}

fn is_wanted(case: &Case<'_>, subject: Subject<'_>) -> bool {
    let mut wants = Wants::default();
    want_state(case, subject, &mut wants);
    !wants.data.is_empty()
}

/// What has to be looked at for this clue.
pub(super) fn want(case: &Case<'_>, subject: Subject<'_>, clue: DataClue, wants: &mut Wants) {
    if clue != DataClue::FileUnusable {
        return want_state(case, subject, wants);
    }
    // What is at a path is looked at once, whoever wants it.
    for path in paths(subject) {
        wants.files.insert(path);
    }
}

/// Its probes, and what came of them.
fn replies<'a>(
    case: &Case<'a>,
    subject: Subject<'_>,
) -> impl Iterator<Item = (&'static Probe, &'a Answer<Reply>)> + use<'a> {
    subject.service.probes.iter().zip(&case.evidence.replies[subject.index])
}

/// Paths at which a file is wanted.
fn paths(subject: Subject<'_>) -> impl Iterator<Item = &'static str> {
    let service = subject.service;
    let env = service.env.iter().flat_map(|env| env.paths.iter().copied());
    let data = service.data.iter().filter(|data| matches!(data.kind, DataKind::Sqlite | DataKind::File));
    let compose = service.managers.iter().flat_map(|manager| match manager {
        Manager::Compose(compose) => compose.files,
        Manager::Systemd(_) | Manager::Docker(_) | Manager::Pm2(_) => &[],
    });
    env.chain(data.map(|data| data.path)).chain(compose.copied())
}

pub(super) fn judge(case: &Case<'_>, subject: Subject<'_>, clue: DataClue) -> Conclusion {
    let found = case.clues.data.get(subject.service.name);
    if found.is_none() && clue != DataClue::FileUnusable && is_wanted(case, subject) {
        return Conclusion::unknown("it was not checked");
    }
    match clue {
        DataClue::Recovering
        | DataClue::ReadOnlyDefault
        | DataClue::ConnectionsUsed
        | DataClue::DatabaseClosed
        | DataClue::Wraparound
        | DataClue::LockWait
        | DataClue::TimeoutTiny
        | DataClue::RulesInvalid
        | DataClue::RoleExpired
        | DataClue::NotAccepting => postgres(case, subject, clue),
        DataClue::SearchPath => {
            let all = found.map(|found| found.elsewhere.as_slice()).unwrap_or_default();
            let path_is_set = found
                .and_then(state)
                .is_some_and(|state| state.settings.iter().any(|setting| setting.name == "search_path"));
            // One in the usual schema is found without any setting: another database is asked, or it was made meanwhile.
            let off = all.iter().filter(|(_, place, _)| path_is_set || !place.contains(": public."));
            any(off.map(|(name, place, command)| {
                let says = format!("a client does not find relation {name}, which is in {place}");
                Fact::new(command.clone(), says).blaming(name.clone())
            }))
        }
        DataClue::MysqlReadOnly | DataClue::MysqlConnectionsUsed => {
            let Some(answer) = found.and_then(|found| found.mysql.as_ref()) else { return ruled_out() };
            match &answer.result {
                Ok(Some(seen)) => any(mysql(seen, clue).map(|says| Fact::new(answer.command.clone(), says))),
                Ok(None) | Err(_) => ruled_out(),
            }
        }
        DataClue::RedisFull
        | DataClue::RedisNearlyFull
        | DataClue::RedisReplica
        | DataClue::RedisLoading
        | DataClue::RedisUnsaved => data_redis::state(case, subject, clue),
        DataClue::RedisPassword | DataClue::RedisLocked => data_redis::password(case, subject, clue),
        DataClue::MongoNoPrimary => any(replies(case, subject).find_map(|(_, answer)| match &answer.result {
            Ok(Reply::Mongo(hello)) if hello.ok && !hello.writable_primary => {
                Some(Fact::new(answer.command.clone(), "isWritablePrimary is false"))
            }
            _ => None,
        })),
        DataClue::SqliteMalformed | DataClue::SqliteReadOnly | DataClue::SqliteLocked => {
            let files = found.map(|found| found.sqlite.as_slice()).unwrap_or_default();
            // SQLite takes an empty file for a new database: a program that is healthy may not have written yet.
            let is_fault = |file: &&SqliteFound| {
                file.header != Some(Header::Empty)
                    || clue != DataClue::SqliteMalformed
                    || subject.health.verdict == Verdict::Fail
            };
            any(files.iter().filter(is_fault).filter_map(|file| sqlite(file, clue)))
        }
        DataClue::FileUnusable if paths(subject).any(|path| !case.clues.files.contains_key(path)) => {
            Conclusion::unknown("it was not checked")
        }
        DataClue::FileUnusable => any(paths(subject).filter_map(|path| {
            let answer = case.clues.files.get(path)?;
            let file = answer.result.as_ref().ok()?.as_ref()?;
            let is_compose = subject.service.managers.iter().any(|manager| match manager {
                Manager::Compose(compose) => compose.files.contains(&path),
                Manager::Systemd(_) | Manager::Docker(_) | Manager::Pm2(_) => false,
            });
            let needs = |env: &crate::registry::EnvFile| env.paths.contains(&path) && !env.required.is_empty();
            let filled = is_compose || subject.service.env.as_ref().is_some_and(needs);
            let says = match () {
                () if file.is_dir => format!("{path} is a directory"),
                () if file.size == 0 && filled => format!("{path} is empty"),
                () => return None,
            };
            Some(Fact::new(answer.command.clone(), says).blaming(path))
        })),
    }
}

fn ruled_out() -> Conclusion {
    Conclusion::RuledOut(Vec::new())
}

fn any(facts: impl IntoIterator<Item = Fact>) -> Conclusion {
    let facts: Vec<Fact> = facts.into_iter().collect();
    Conclusion::when(!facts.is_empty(), facts)
}

fn state(found: &crate::observe::clues::data::DataFound) -> Option<&State> {
    match &found.postgres.as_ref()?.result {
        Ok(Postgres::State(state)) => Some(state),
        Ok(Postgres::Refusal(..) | Postgres::NotAtHand) | Err(_) => None,
    }
}

fn postgres(case: &Case<'_>, subject: Subject<'_>, clue: DataClue) -> Conclusion {
    // What it says to everybody, before it knows who asks.
    let refuses = replies(case, subject).find_map(|(_, answer)| match &answer.result {
        Ok(Reply::Postgres(Greeting::Refusing { code, message })) => {
            Some((refusal(code, message)?, Fact::new(answer.command.clone(), excerpt(message))))
        }
        _ => None,
    });
    let answer = case.clues.data.get(subject.service.name).and_then(|found| found.postgres.as_ref());
    let refuses = refuses.or_else(|| match &answer?.result {
        Ok(Postgres::Refusal(refusal, line)) => Some((*refusal, Fact::new(answer?.command.clone(), line.clone()))),
        _ => None,
    });
    if let Some((refusal, fact)) = refuses {
        let is_this = matches!(
            (refusal, clue),
            (Refusal::Full, DataClue::ConnectionsUsed)
                | (Refusal::NotAccepting, DataClue::NotAccepting)
                | (Refusal::TimedOut, DataClue::TimeoutTiny)
        );
        let thing = if refusal == Refusal::Full { "the server" } else { "statement_timeout" };
        return Conclusion::when(is_this, vec![fact.blaming(thing)]);
    }
    match answer {
        Some(Answer { command, result: Err(trouble) }) => Conclusion::unknown(told(command, trouble)),
        Some(Answer { command, result: Ok(Postgres::State(state)) }) => {
            let needed = case.deployment.dependants(subject.service).next().is_some();
            any(of_state(state, clue, needed).into_iter().map(|(says, thing)| Fact::new(command, says).blaming(thing)))
        }
        Some(_) | None => ruled_out(),
    }
}

/// What of a state is that, and the thing at fault.
fn of_state(state: &State, clue: DataClue, needed: bool) -> Vec<(String, String)> {
    let server = || "the server".to_owned();
    match clue {
        DataClue::Recovering if state.recovering && state.streaming && needed => {
            vec![("pg_is_in_recovery() is true, and it receives from a primary".to_owned(), server())]
        }
        DataClue::Recovering if state.recovering && !state.streaming => {
            vec![("pg_is_in_recovery() is true, and no primary sends to it".to_owned(), server())]
        }
        DataClue::ReadOnlyDefault => {
            let on = |value: &str| matches!(value.to_ascii_lowercase().as_str(), "on" | "true" | "yes" | "1");
            // A role that owns nothing may be made to read alone.
            let set = state.settings.iter().filter(|setting| {
                setting.name == "default_transaction_read_only"
                    && on(&setting.value)
                    && (setting.role.is_empty() || setting.owner)
                    && !(setting.role.is_empty() && setting.database.is_empty())
            });
            let own = set.map(|setting| {
                (format!("default_transaction_read_only is on for {}", setting.place()), setting.place())
            });
            let all = state.read_only.then(|| ("default_transaction_read_only is on".to_owned(), server()));
            all.into_iter().chain(own).collect()
        }
        DataClue::ConnectionsUsed => connections(state),
        DataClue::DatabaseClosed => {
            let one = |database: &&crate::host::tools::postgres_state::Database| match (database.limit, database.open) {
                (-2, _) => Some(format!("a DROP DATABASE of {} was interrupted (datconnlimit -2)", database.name)),
                (0, _) => Some(format!("database {} allows no connection (datconnlimit 0)", database.name)),
                (_, false) => {
                    Some(format!("database {} accepts no connections (datallowconn is false)", database.name))
                }
                (_, true) => None,
            };
            state.databases.iter().filter_map(|d| Some((one(&d)?, d.name.clone()))).collect()
        }
        DataClue::Wraparound => {
            let old = state.databases.iter().filter(|database| database.age >= OLD);
            old.map(|d| (format!("the oldest transaction of {} is {} numbers old", d.name, d.age), d.name.clone()))
                .collect()
        }
        DataClue::LockWait => {
            let one = |wait: &crate::host::tools::postgres_state::Wait| {
                let of = |what: &str| if what.is_empty() { String::new() } else { format!(", {}", excerpt(what)) };
                let says = format!(
                    "process {} of database {} has waited for {} s for a lock of process {} ({}{}, {} for {} s)",
                    wait.pid,
                    wait.database,
                    wait.seconds,
                    wait.by,
                    wait.role,
                    of(&wait.client),
                    wait.state,
                    wait.by_seconds
                );
                let thing = format!("process {} ({}{}, {})", wait.by, wait.role, of(&wait.client), wait.state);
                (says, thing)
            };
            state.waits.iter().map(one).collect()
        }
        DataClue::TimeoutTiny => {
            let tiny = state.settings.iter().filter(|setting| {
                let limit = [
                    "statement_timeout",
                    "idle_in_transaction_session_timeout",
                    "idle_session_timeout",
                    "transaction_timeout",
                ];
                limit.contains(&setting.name.as_str())
                    && setting.milliseconds().is_some_and(|time| time > 0 && time < TINY)
            });
            tiny.map(|s| (format!("{} is {} for {}", s.name, s.value, s.place()), s.name.clone())).collect()
        }
        DataClue::RulesInvalid => state
            .bad_rules
            .iter()
            .map(|(line, why)| (format!("pg_hba.conf:{line}: {}", excerpt(why)), format!("line {line}")))
            .collect(),
        DataClue::RoleExpired => {
            let expired = state.roles.iter().filter(|role| role.expired);
            expired
                .map(|role| (format!("the password of {} is past its VALID UNTIL", role.name), role.name.clone()))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn connections(state: &State) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let open = state.most.saturating_sub(state.reserved);
    if state.most > 0 && state.used >= open {
        let says = format!(
            "{} connections of {open} for ordinary roles are in use (max_connections {}){}",
            state.used,
            state.most,
            holders(state)
        );
        found.push((says, "the server".to_owned()));
    }
    let full = |limit: i64, used: i64| limit > 0 && used >= limit;
    let databases = state.databases.iter().filter(|d| full(d.limit, d.used));
    found.extend(databases.map(|d| {
        (
            format!("database {} has {} connections, its limit is {}", d.name, d.used, d.limit),
            format!("database {}", d.name),
        )
    }));
    let roles = state.roles.iter().filter(|role| role.limit >= 0 && role.used >= role.limit);
    found.extend(roles.map(|role| {
        (
            format!("role {} has {} connections, its limit is {}", role.name, role.used, role.limit),
            format!("role {}", role.name),
        )
    }));
    found
}

/// Who has most of the connections, and what they do.
fn holders(state: &State) -> String {
    let one = |held: &crate::host::tools::postgres_state::Sessions| {
        let client = if held.client.is_empty() { String::new() } else { format!(" by {}", excerpt(&held.client)) };
        format!("{} {} of role {}{client}", held.count, held.state, held.role)
    };
    let all: Vec<String> = state.sessions.iter().map(one).collect();
    if all.is_empty() { String::new() } else { format!(": {}", all.join(", ")) }
}

fn mysql(seen: &Mysql, clue: DataClue) -> Option<String> {
    match (seen, clue) {
        (Mysql::State(mariadb::State { read_only: true, .. }), DataClue::MysqlReadOnly) => {
            Some("read_only is on".to_owned())
        }
        (Mysql::State(state), DataClue::MysqlConnectionsUsed) if state.most > 0 && state.used >= state.most => {
            Some(format!("{} connections, max_connections is {}", state.used, state.most))
        }
        (Mysql::Full(line), DataClue::MysqlConnectionsUsed) => Some(line.clone()),
        (_, _) => None,
    }
}

fn sqlite(file: &SqliteFound, clue: DataClue) -> Option<Fact> {
    let ls = || Command::new(["ls", "-ld", file.path]);
    let fact = match clue {
        DataClue::SqliteMalformed => match file.header {
            Some(Header::Empty) => Fact::new(ls(), format!("{} is empty", file.path)),
            Some(Header::Foreign) if file.damaged => Fact::new(
                Command::new(["head", "-c", "16", file.path]),
                format!("{} does not begin as an SQLite database", file.path),
            ),
            _ => return None,
        },
        DataClue::SqliteReadOnly => Fact::new(ls(), file.closed.clone()?),
        DataClue::SqliteLocked => {
            let (pid, name) = file.locked.as_ref()?;
            let says = format!("{} is locked by {name} (pid {pid})", file.path);
            return Some(Fact::new(Command::new(["cat", "/proc/locks"]), says.clone()).blaming(says));
        }
        _ => return None,
    };
    Some(fact.blaming(file.path))
}
