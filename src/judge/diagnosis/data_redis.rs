//! The state inside a Redis server, and whether it takes the password at hand.

use super::case::{Case, Subject};
use super::outcome::{Conclusion, Fact};
use crate::host::protocol::redis_info::Info;
use crate::host::tools::excerpt;
use crate::observe::probe::{Answer, Reply};
use crate::registry::{DataClue, Probe};
use crate::units::bytes;

/// Per cent of its bound at which a Redis that has refused writes still does, and at which one that has not will soon.
const REFUSES: u64 = 80;
const NEAR: u64 = 95;

fn ruled_out() -> Conclusion {
    Conclusion::RuledOut(Vec::new())
}

fn any(fact: Option<Fact>) -> Conclusion {
    fact.map_or_else(ruled_out, |fact| Conclusion::Proven(vec![fact]))
}

/// Its probes, and what came of them.
fn replies<'a>(
    case: &Case<'a>,
    subject: Subject<'_>,
) -> impl Iterator<Item = (&'static Probe, &'a Answer<Reply>)> + use<'a> {
    subject.service.probes.iter().zip(&case.evidence.replies[subject.index])
}

pub(super) fn state(case: &Case<'_>, subject: Subject<'_>, clue: DataClue) -> Conclusion {
    let said = replies(case, subject).find_map(|(probe, answer)| match (probe, &answer.result) {
        (Probe::Redis { .. }, Ok(Reply::Line(line))) if line.starts_with('-') => {
            let is_this = match clue {
                DataClue::RedisLoading => line.starts_with("-LOADING"),
                DataClue::RedisUnsaved => line.starts_with("-MISCONF"),
                DataClue::RedisReplica => line.starts_with("-MASTERDOWN") || line.starts_with("-READONLY"),
                DataClue::RedisFull => line.starts_with("-OOM"),
                _ => false,
            };
            is_this.then(|| Fact::new(answer.command.clone(), excerpt(line)))
        }
        _ => None,
    });
    if let Some(fact) = said {
        return Conclusion::Proven(vec![fact]);
    }
    let Some(answer) = case.clues.data.get(subject.service.name).and_then(|found| found.redis.as_ref()) else {
        return ruled_out();
    };
    let Ok(Some(info)) = &answer.result else { return ruled_out() };
    let needed = case.deployment.dependants(subject.service).next().is_some();
    any(of_info(info, clue, needed).map(|says| Fact::new(answer.command.clone(), says)))
}

/// How much of its bound is used, per cent; 0 without a bound.
fn percent(info: &Info) -> u64 {
    info.used.saturating_mul(100).checked_div(info.most).unwrap_or(0)
}

fn in_memory(info: &Info) -> String {
    format!("used_memory is {}, maxmemory {} with noeviction", bytes(info.used), bytes(info.most))
}

fn of_info(info: &Info, clue: DataClue, needed: bool) -> Option<String> {
    match clue {
        DataClue::RedisFull => {
            // A write that would pass the bound is refused before that is reached: what a client sends counts meanwhile.
            let refuses = info.refused > 0 && percent(info) >= REFUSES;
            let full = info.policy == "noeviction" && (percent(info) >= 100 || refuses);
            full.then(|| match info.refused {
                0 => in_memory(info),
                refused => format!("{}, {refused} commands refused (OOM)", in_memory(info)),
            })
        }
        DataClue::RedisNearlyFull => {
            let refuses = info.refused > 0 && percent(info) >= REFUSES;
            let near = info.policy == "noeviction" && (NEAR..100).contains(&percent(info)) && !refuses;
            near.then(|| in_memory(info))
        }
        DataClue::RedisReplica => {
            let link = if info.link_down { "down" } else { "up" };
            (info.replica && (needed || info.link_down))
                .then(|| format!("role:slave of {}, link {link}", excerpt(&info.master)))
        }
        DataClue::RedisLoading => info.loading.then(|| "loading:1".to_owned()),
        DataClue::RedisUnsaved => match (info.snapshot_failed, info.append_failed) {
            (true, _) => Some("rdb_last_bgsave_status:err".to_owned()),
            (false, true) => Some("aof_last_write_status:err".to_owned()),
            (false, false) => None,
        },
        _ => None,
    }
}

pub(super) fn password(case: &Case<'_>, subject: Subject<'_>, clue: DataClue) -> Conclusion {
    any(replies(case, subject).find_map(|(probe, answer)| {
        let (Probe::Redis { password, .. }, Ok(Reply::Line(line))) = (probe, &answer.result) else { return None };
        let refused = ["-NOAUTH", "-WRONGPASS", "-ERR invalid password"].iter().any(|word| line.starts_with(word));
        let fact = |says: String| Fact::new(answer.command.clone(), says);
        match (clue, password) {
            (DataClue::RedisPassword, Some(secret)) if refused => {
                let says = format!("{} with {} of {}", excerpt(line), secret.key, secret.file);
                Some(fact(says).blaming(secret.file))
            }
            (DataClue::RedisPassword, Some(secret)) if line.starts_with("-ERR AUTH") => {
                let says = format!("it has no password, {} has one", secret.file);
                Some(fact(says).blaming(secret.file))
            }
            (DataClue::RedisLocked, None)
                if refused && case.deployment.dependants(subject.service).next().is_some() =>
            {
                Some(fact(excerpt(line)))
            }
            (_, _) => None,
        }
    }))
}
