//! Public names that the proxy sends to ports of services, and what follows from them.

use super::{Found, FoundManager, FoundProxy, FoundService, needs, paths};
use crate::host::system::System;
use crate::host::tools::Upstream;
use crate::observe::probe::{Door, survey};
use crate::registry::Proxy;

/// Adds to each service the public names that the proxy sends to its ports. The proxy's own program reads its configuration.
pub fn add_routes(door: Door<'_>, found: &mut Found) {
    const CADDYFILE: &str = "/etc/caddy/Caddyfile";
    let is = |unit: &str| found.services.iter().any(|one| one.manager == FoundManager::Unit(unit.to_owned()));
    let (unit, proxy, made) = match () {
        () if is("caddy.service") && door.system.exists(CADDYFILE) => {
            ("caddy.service", Proxy::caddy(CADDYFILE), FoundProxy::Caddy(CADDYFILE.to_owned()))
        }
        () if is("nginx.service") => ("nginx.service", Proxy::Nginx, FoundProxy::Nginx),
        () => {
            let apis = apis(&found.services);
            return add_needs(found, apis);
        }
    };
    match survey::ask_proxy(door, &proxy).result {
        Ok(upstreams) => add(found, unit, made, upstreams, |path| followed(door.system, path)),
        Err(trouble) => found.unknown.push(("routes", trouble)),
    }
}

/// Where the links of a path lead, as Debian has them: `/run/php/php-fpm.sock`.
fn followed(system: &System, path: &str) -> String {
    const MOST: usize = 4;
    let mut path = path.to_owned();
    for _ in 0..MOST {
        let target = system.link_target(&path).ok().and_then(|target| Some(target.to_str()?.to_owned()));
        match (target, path.rsplit_once('/')) {
            (Some(target), _) if target.starts_with('/') => path = target,
            (Some(target), Some((directory, _))) => path = format!("{directory}/{target}"),
            _ => break,
        }
    }
    path
}

/// The same of what the proxy, which is this unit, has answered. `followed` says where the links of a path lead.
pub(super) fn add(
    found: &mut Found,
    unit: &str,
    proxy: FoundProxy,
    upstreams: Vec<Upstream>,
    followed: impl Fn(&str) -> String,
) {
    let manager = found.services.iter().position(|one| one.manager == FoundManager::Unit(unit.to_owned()));
    let mut needed: Vec<(usize, usize, String)> = Vec::new();
    for upstream in upstreams {
        if let Some(path) = upstream.socket().and_then(|path| paths::plain(&followed(path))) {
            let other = found.services.iter().position(|one| one.paths.contains(&path));
            needed
                .extend(manager.zip(other).map(|(one, other)| (one, other, format!("its configuration names {path}"))));
            continue;
        }
        let Some(port) = upstream.port() else { continue };
        let is_local = upstream.is_local();
        let listens = |one: &&mut FoundService| one.listens.iter().any(|address| address.port() == port);
        if let Some(one) = found
            .services
            .iter_mut()
            .find(listens)
            .filter(|_| is_local && is_host_name(&upstream.host) && upstream.path.starts_with('/'))
        {
            let route = (upstream.host, upstream.path, port);
            if !one.routes.contains(&route) {
                one.routes.push(route);
            }
        }
    }
    found.proxy = Some(proxy);
    needed.extend(apis(&found.services));
    add_needs(found, needed);
}

/// A page needs the API to which the proxy sends a path of the page's own public name: its scripts ask there.
fn apis(services: &[FoundService]) -> Vec<(usize, usize, String)> {
    const APIS: [&str; 4] = ["/api", "/trpc", "/graphql", "/rpc"];
    let routes = |one: &FoundService, wanted: &[&str]| -> Vec<String> {
        let is = |path: &str| wanted.contains(&path.trim_end_matches(['/', '*']));
        one.routes.iter().filter(|(_, path, _)| is(path)).map(|(host, _, _)| host.clone()).collect()
    };
    let mut found = Vec::new();
    for (page, host) in
        services.iter().enumerate().flat_map(|(at, one)| routes(one, &[""]).into_iter().map(move |it| (at, it)))
    {
        for (api, _) in services.iter().enumerate().filter(|(_, one)| routes(one, &APIS).contains(&host)) {
            found.push((page, api, format!("the proxy sends the API of {host} there")));
        }
    }
    found
}

/// Adds needs that the configuration of a proxy shows, and orders services anew.
fn add_needs(found: &mut Found, added: Vec<(usize, usize, String)>) {
    let services = std::mem::take(&mut found.services);
    let at = |name: &str| services.iter().position(|one| one.name == name);
    let mut needs: Vec<Vec<usize>> =
        services.iter().map(|one| one.needs.iter().filter_map(|(name, _)| at(name)).collect()).collect();
    let mut new: Vec<(usize, usize, String)> = Vec::new();
    for (one, other, why) in added {
        if one != other && !needs[one].contains(&other) {
            needs[one].push(other);
            new.push((one, other, why));
        }
    }
    let (order, broken) = needs::order(&mut needs);
    let names: Vec<String> = services.iter().map(|one| one.name.clone()).collect();
    let mut services: Vec<Option<FoundService>> = services.into_iter().map(Some).collect();
    for (one, other, why) in new.into_iter().filter(|(one, other, _)| !broken.contains(&(*one, *other))) {
        if let Some(one) = &mut services[one] {
            one.needs.push((names[other].clone(), why));
        }
    }
    // A circle is broken where it closes, which may be at a need that was known before.
    for (one, other) in broken {
        if let Some(one) = &mut services[one] {
            one.needs.retain(|(name, _)| *name != names[other]);
        }
    }
    found.services = order.into_iter().filter_map(|at| services[at].take()).collect();
}

/// Whether this is a whole name that visitors type.
pub(super) fn is_host_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    name.contains('.') && !name.starts_with(['.', '-']) && name.len() <= 253 && name.chars().all(fits)
}
