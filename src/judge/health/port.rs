//! A service's main port, and who holds it.

use super::{About, Check, PortOwner};
use crate::host::tools::command::Command;
use crate::observe::probe::{Answer, Holder, ListenAddress, Reply};
use crate::registry::{Manager, Presence, Service, State, Verdict};

/// Whether what answers on the port of a service that is not in use is not the service. Before it was looked whose it is, it is
/// taken for the service's own.
pub(super) fn another_answers(service: &Service, holder: &Holder) -> bool {
    match holder {
        Holder::Other { name, .. } => {
            // What nothing manages is whatever answers on its port.
            let Some(manager) = service.managers.first() else { return false };
            name != service.name && Some(name.as_str()) != manager.unit().split('.').next()
        }
        Holder::Unseen | Holder::Hidden => !service.managers.is_empty(),
        Holder::Unasked | Holder::Nobody | Holder::Own | Holder::Elsewhere { .. } => false,
    }
}

/// The port of a service that is judged where it is found is only where to ask first: that nobody answers there says nothing of
/// one that listens elsewhere, or may do so.
pub(super) fn doubt_default(
    service: &Service,
    state: State,
    replies: &[Answer<Reply>],
    holder: &Holder,
    probes: &mut [Check],
) {
    let runs = matches!(state, State::Running | State::Completed | State::Starting);
    let (Presence::IfFound(_), Some(port), true) = (service.presence, service.ports.first(), runs) else { return };
    let (why, needs_root) = match holder {
        Holder::Elsewhere { answers: None, .. } => {
            (format!("{}, and its answer there is not understood", listens(holder, *port)), false)
        }
        Holder::Hidden => (format!("nothing listens on :{port}; finding its other ports needs root"), true),
        Holder::Unseen => (format!("no answer on :{port}; finding the process on it needs root"), true),
        Holder::Elsewhere { answers: Some(_), .. }
        | Holder::Unasked
        | Holder::Nobody
        | Holder::Own
        | Holder::Other { .. } => return,
    };
    let asked = service.probes.iter().zip(replies).zip(probes);
    let silent =
        asked.filter(|((probe, reply), _)| probe.port() == Some(*port) && matches!(reply.result, Ok(Reply::Silent(_))));
    for (_, check) in silent {
        *check = Check { verdict: Verdict::Unknown, summary: why.clone(), needs_root, ..check.clone() };
    }
}

/// Where a service listens instead of its port.
pub(crate) fn listens(holder: &Holder, port: u16) -> String {
    let Holder::Elsewhere { at, instead, .. } = holder else { return String::new() };
    let is_port = |address: &&ListenAddress| matches!(address, ListenAddress::Tcp(_));
    // Beside a port, sockets are for clients that know no ports.
    let ports: Vec<String> = at.iter().filter(is_port).map(ToString::to_string).collect();
    let at = if ports.is_empty() { at.iter().map(ToString::to_string).collect() } else { ports };
    let whose = instead.as_ref().map(|(pid, name)| format!(", which {name} (pid {pid}) has"));
    format!("listens on {} and not on :{port}{}", at.join(", "), whose.unwrap_or_default())
}

/// Who holds its main port instead of it; what follows from the holder is added to the checks.
pub(super) fn owner(service: &Service, state: State, holder: &Holder, checks: &mut Vec<Check>) -> Option<PortOwner> {
    let port = *service.ports.first()?;
    let check = |verdict, summary| Check {
        source: format!("port :{port}"),
        about: About::Other,
        verdict,
        summary,
        command: Command::new(["ss", "-Hltnp", &format!("sport = :{port}")]),
        needs_root: false,
    };
    match holder {
        // A unit that only starts others owns no port itself, and of one that cannot be asked nobody knows what it owns.
        Holder::Other { .. } | Holder::Elsewhere { .. }
            if matches!(state, State::Completed | State::Unmanaged | State::Unknown) =>
        {
            None
        }
        Holder::Other { pid, name } => {
            checks.push(check(Verdict::Fail, format!("port {port} is held by {name} (pid {pid})")));
            Some(PortOwner { pid: *pid, name: name.clone() })
        }
        // A container's port may be forwarded by the kernel, where nobody listens.
        Holder::Nobody
            if service.probes.is_empty()
                && state == State::Running
                && !service.managers.iter().any(|m| matches!(m, Manager::Compose(_) | Manager::Docker(_))) =>
        {
            checks.push(check(Verdict::Fail, format!("nothing listens on port {port}")));
            None
        }
        Holder::Elsewhere { instead, .. } => {
            // What its runbook states is where others look for it.
            let verdict = match service.presence {
                Presence::IfFound(_) => Verdict::Pass,
                Presence::Required | Presence::Elsewhere(_) => Verdict::Fail,
            };
            checks.push(check(verdict, listens(holder, port)));
            instead.as_ref().map(|(pid, name)| PortOwner { pid: *pid, name: name.clone() })
        }
        Holder::Nobody | Holder::Own | Holder::Unseen | Holder::Unasked | Holder::Hidden => None,
    }
}
