//! Services that listen elsewhere than the registry states: asked there.

use std::net::{Ipv6Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use super::ports::holders;
use super::{Answer, Door, Evidence, Holder, ListenAddress, Reply, any, http, network};
use crate::host::exec::Runner;
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::registry::{Probe, Service};

/// How long one address is waited for: what answers does so at once.
const BRIEF: Duration = Duration::from_millis(400);

/// Where a service answers, and the answers to its probes there, by their place among them.
type Found = (ListenAddress, Vec<(usize, Answer<Reply>)>);

/// Looks who holds the main port of each `wanted` service, and asks those that listen elsewhere there.
pub fn look_for_listeners(
    system: &System,
    runner: &dyn Runner,
    services: &[&'static Service],
    evidence: &mut Evidence,
    limit: Duration,
    wanted: impl Fn(&Service) -> bool,
) {
    evidence.holders = holders(system, services, &evidence.managers, wanted);
    let door = Door::new(system, runner, limit.min(BRIEF));
    let found: Vec<Option<Found>> = thread::scope(|scope| {
        let ask = |((service, holder), replies): ((&&'static Service, &Holder), &Vec<Answer<Reply>>)| {
            let service = *service;
            let at = match holder {
                Holder::Elsewhere { at, .. } => at.clone(),
                // Its own port, which may be open to IPv6 alone: `listen [::]:80` of nginx.
                Holder::Own if replies.iter().any(is_silent) => {
                    vec![ListenAddress::Tcp(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), *service.ports.first()?))]
                }
                _ => return None,
            };
            Some(task(scope, move || ask_at(door, service, &at)))
        };
        let holders = services.iter().zip(&evidence.holders);
        let asked: Vec<_> = holders.zip(&evidence.replies).map(ask).collect();
        asked.into_iter().map(|thread| thread.and_then(join)).collect()
    });
    for (index, found) in found.into_iter().enumerate() {
        let Some((address, replies)) = found else { continue };
        match &mut evidence.holders[index] {
            Holder::Elsewhere { answers, .. } => *answers = Some(address),
            holder => {
                *holder = Holder::Elsewhere { at: vec![address.clone()], answers: Some(address), instead: None };
            }
        }
        for (probe, reply) in replies {
            evidence.replies[index][probe] = reply;
        }
    }
}

/// The first of these addresses at which a service answers what it is asked at its main port, and all that it answers there.
fn ask_at(door: Door<'_>, service: &'static Service, at: &[ListenAddress]) -> Option<Found> {
    let main = service.ports.first().copied();
    let moved =
        || service.probes.iter().enumerate().filter(|(_, probe)| probe.port().is_some() && probe.port() == main);
    let (_, first) = moved().next()?;
    let spoken = |answer: &Answer<Reply>| answer.result.is_ok() && !is_silent(answer);
    let address = at.iter().find(|address| reply_at(door, first, address).as_ref().is_some_and(spoken))?;
    let replies = moved().filter_map(|(index, probe)| Some((index, reply_at(door, probe, address)?))).collect();
    Some((address.clone(), replies))
}

/// Whether nothing came back.
pub fn is_silent(answer: &Answer<Reply>) -> bool {
    matches!(answer.result, Ok(Reply::Silent(_)))
}

/// Asks a service at another address than the one that its probe states. `None` for what is not spoken there.
pub(super) fn reply_at(door: Door<'_>, probe: &Probe, at: &ListenAddress) -> Option<Answer<Reply>> {
    let is_unix = matches!(at, ListenAddress::Unix(_));
    match (probe, at) {
        (Probe::Http(probe), ListenAddress::Tcp(address)) => Some(http::get_at(door, probe, Some(*address))),
        (Probe::Banner { .. }, ListenAddress::Tcp(_)) => Some(network::banner(door, at)),
        (Probe::Redis { password, .. }, _) => Some(network::redis(door, at, password.as_ref())),
        (Probe::Postgres { user, .. }, ListenAddress::Unix(path)) if path.contains("/.s.PGSQL.") => {
            Some(network::postgres(door, at, user))
        }
        (Probe::Postgres { user, .. }, _) if !is_unix => Some(network::postgres(door, at, user)),
        (Probe::Mongo { .. }, _) => Some(network::mongo(door, at)),
        (Probe::Any { .. }, ListenAddress::Tcp(address)) => Some(any::ask(door, *address)),
        (_, _) => None,
    }
}
