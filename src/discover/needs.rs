//! Which services cannot work without which, and an order in which each stands below what it needs.

use std::collections::{BTreeMap, BTreeSet};

use super::listeners::Listeners;
use super::{FoundManager, FoundService, Role};

/// Programs that look at others, and need none of them.
const WATCHERS: [&str; 8] =
    ["prometheus", "blackbox", "uptime-kuma", "netdata", "telegraf", "beszel", "grafana", "exporter"];

/// A service and what its needs are read from.
pub(super) struct Candidate {
    pub(super) service: FoundService,
    /// Processes that are its own.
    pub(super) pids: BTreeSet<u32>,
    /// Ports by which others reach it.
    pub(super) ports: BTreeSet<u16>,
    /// Units that it states to need, and by which setting.
    pub(super) units: Vec<(String, &'static str)>,
    /// Services of its compose project that it starts after.
    pub(super) depends_on: Vec<String>,
    /// Ports of this host that its environment names.
    pub(super) named_ports: BTreeSet<u16>,
    /// Paths of sockets that its environment names.
    pub(super) named_paths: BTreeSet<String>,
}

/// In an order in which each stands below what it needs: databases and edges, services, then what runs by a timer.
pub(super) fn ordered(listeners: &Listeners, mut all: Vec<Candidate>) -> Vec<FoundService> {
    const RANK: [Role; 4] = [Role::Database, Role::Service, Role::Edge, Role::Job];
    let rank = |role: Role| RANK.iter().position(|one| *one == role);
    all.sort_by(|a, b| (rank(a.service.role), &a.service.name).cmp(&(rank(b.service.role), &b.service.name)));
    let mut reasons: BTreeMap<(usize, usize), String> = BTreeMap::new();
    // Where several are at one port, an application of a user comes after what root starts.
    let mut by_port: BTreeMap<u16, usize> = BTreeMap::new();
    let mut by_path: BTreeMap<String, usize> = BTreeMap::new();
    let is_app = |one: &Candidate| matches!(one.service.manager, FoundManager::App { .. });
    for wanted in [false, true] {
        for (index, one) in all.iter().enumerate().filter(|(_, one)| is_app(one) == wanted) {
            for port in &one.ports {
                by_port.entry(*port).or_insert(index);
            }
            for path in &one.service.paths {
                by_path.entry(path.clone()).or_insert(index);
            }
        }
    }
    let at_port = |port: u16| by_port.get(&port).copied().filter(|other| all[*other].service.role != Role::Edge);
    let mut by_unit: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, one) in all.iter().enumerate() {
        if let FoundManager::Unit(name) = &one.service.manager {
            by_unit.extend(one.service.unit.aliases.iter().chain([name]).map(|name| (name.as_str(), index)));
        }
    }
    let mut members: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (index, one) in all.iter().enumerate() {
        if let FoundManager::Compose { project, service, .. } = &one.service.manager {
            members.entry((project.clone(), service.clone())).or_insert(index);
        }
    }
    for (index, one) in all.iter().enumerate() {
        for (unit, key) in &one.units {
            let Some(other) = by_unit.get(unit.as_str()).copied() else { continue };
            // To be started after another is less than to need it, but for what keeps data.
            if *key != "After" || all[other].service.role == Role::Database {
                reasons.entry((index, other)).or_insert_with(|| match &one.service.manager {
                    FoundManager::Unit(_) => format!("{key}={unit}"),
                    _ => "runs in its engine".to_owned(),
                });
            }
        }
        for name in &one.depends_on {
            let FoundManager::Compose { project, .. } = &one.service.manager else { continue };
            if let Some(other) = members.get(&(project.clone(), name.clone())) {
                reasons.entry((index, *other)).or_insert_with(|| "depends_on in its compose file".to_owned());
            }
        }
        for port in &one.named_ports {
            let Some(other) = at_port(*port) else { continue };
            reasons.entry((index, other)).or_insert_with(|| format!("its environment names port {port}"));
        }
        for path in &one.named_paths {
            let Some(other) = by_path.get(path) else { continue };
            reasons.entry((index, *other)).or_insert_with(|| format!("its environment names {path}"));
        }
        for (other, _) in all.iter().enumerate().filter(|(other, _)| *other != index) {
            if let Some(reason) = by_name(&one.service, &all[other].service) {
                reasons.entry((index, other)).or_insert(reason);
            }
        }
        let watches = WATCHERS.iter().any(|name| one.service.name.contains(name));
        if one.service.role == Role::Edge || watches {
            continue;
        }
        let opened = one.pids.iter().flat_map(|pid| listeners.connections.range((*pid, 0)..=(*pid, u16::MAX)));
        for (_, port) in opened {
            let Some(other) = at_port(*port) else { continue };
            reasons.entry((index, other)).or_insert_with(|| format!("is connected to port {port}"));
        }
    }
    let mut needs: Vec<Vec<usize>> = all.iter().map(|_| Vec::new()).collect();
    for (one, other) in reasons.keys().filter(|(one, other)| one != other) {
        needs[*one].push(*other);
    }
    let (order, _) = order(&mut needs);
    let names: Vec<String> = all.iter().map(|one| one.service.name.clone()).collect();
    let mut services: Vec<Option<FoundService>> = all.into_iter().map(|one| Some(one.service)).collect();
    let finished = order.into_iter().filter_map(|index| {
        let mut service = services[index].take()?;
        let reason = |other: &usize| Some((names[*other].clone(), reasons.get(&(index, *other))?.clone()));
        service.needs = needs[index].iter().filter_map(reason).collect();
        Some(service)
    });
    finished.collect()
}

/// Orders things so that each follows those that it needs. What would close a circle is left out of `needs`, and returned.
pub(super) fn order(needs: &mut [Vec<usize>]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let mut broken = Vec::new();
    let mut done: Vec<usize> = Vec::new();
    // 1: on the way to it, 2: done.
    let mut state: BTreeMap<usize, u8> = BTreeMap::new();
    for start in 0..needs.len() {
        // What is still to be looked at of each on the way.
        let mut way: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((one, at)) = way.pop() {
            if at == 0 {
                if state.contains_key(&one) {
                    continue;
                }
                state.insert(one, 1);
            }
            match needs[one].get(at).copied() {
                None => {
                    state.insert(one, 2);
                    done.push(one);
                }
                Some(other) if state.get(&other) == Some(&1) => {
                    needs[one].remove(at);
                    broken.push((one, other));
                    way.push((one, at));
                    if at == 0 {
                        state.remove(&one);
                    }
                }
                Some(other) => {
                    way.push((one, at + 1));
                    way.push((other, 0));
                }
            }
        }
    }
    (done, broken)
}

/// Why one's need of the other follows from their names.
fn by_name(one: &FoundService, other: &FoundService) -> Option<String> {
    // `redis-exporter` reports on `redis`.
    if matches!(other.role, Role::Database | Role::Edge) && one.name.strip_suffix("-exporter") == Some(&other.name) {
        return Some(format!("it is named after {}", other.name));
    }
    // `shop-postgres` beside `shop`: plain containers, of which no file says more.
    let are_containers = [one, other].iter().all(|it| matches!(it.manager, FoundManager::Container(_)));
    let is_named_after = other.name.strip_prefix(one.name.as_str()).is_some_and(|rest| rest.starts_with('-'));
    (other.role == Role::Database && are_containers && is_named_after)
        .then(|| format!("{} is named after it", other.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_follows_what_it_needs_and_circles_are_broken() {
        let run = |needs: &[&[usize]]| {
            let mut needs: Vec<Vec<usize>> = needs.iter().map(|needs| needs.to_vec()).collect();
            let (order, broken) = order(&mut needs);
            (order, broken, needs)
        };
        assert_eq!(run(&[&[1], &[2], &[]]).0, [2, 1, 0]);
        assert_eq!(run(&[&[], &[0], &[0, 1]]).0, [0, 1, 2]);
        let (order, broken, needs) = run(&[&[1], &[2], &[0]]);
        assert_eq!((order, broken), (vec![2, 1, 0], vec![(2, 0)]));
        assert_eq!(needs, [vec![1], vec![2], vec![]]);
        // One that needs itself does not.
        assert_eq!(run(&[&[0]]), (vec![0], vec![(0, 0)], vec![vec![]]));
        let (order, _, needs) = run(&[&[1, 2], &[0, 2], &[0, 1, 3], &[]]);
        for (at, one) in order.iter().enumerate() {
            assert!(needs[*one].iter().all(|need| order[..at].contains(need)), "{order:?} {needs:?}");
        }
    }
}
