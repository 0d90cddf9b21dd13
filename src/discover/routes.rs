//! Public names that the proxy sends to ports of services, and what follows from them.

use super::{Found, FoundManager, FoundProxy, FoundService, needs};
use crate::observe::probe::{Door, survey};
use crate::registry::Proxy;

/// Adds to each service the public names that the proxy sends to its ports. The proxy's own program reads its configuration.
pub fn add_routes(door: Door<'_>, found: &mut Found) {
    const CADDYFILE: &str = "/etc/caddy/Caddyfile";
    let is = |unit: &str| found.services.iter().any(|one| one.manager == FoundManager::Unit(unit.to_owned()));
    let (proxy, made) = match () {
        () if is("caddy.service") && door.system.exists(CADDYFILE) => {
            (Proxy::caddy(CADDYFILE), FoundProxy::Caddy(CADDYFILE.to_owned()))
        }
        () if is("nginx.service") => (Proxy::Nginx, FoundProxy::Nginx),
        () => return,
    };
    let upstreams = match survey::ask_proxy(door, &proxy).result {
        Ok(upstreams) => upstreams,
        Err(trouble) => return found.unknown.push(("routes", trouble)),
    };
    for upstream in upstreams {
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
    found.proxy = Some(made);
    add_apis(found);
}

/// A page needs the API to which the proxy sends a path of the page's own public name: its scripts ask there.
fn add_apis(found: &mut Found) {
    const APIS: [&str; 4] = ["/api", "/trpc", "/graphql", "/rpc"];
    let routes = |one: &FoundService, wanted: &[&str]| -> Vec<String> {
        let is = |path: &str| wanted.contains(&path.trim_end_matches(['/', '*']));
        one.routes.iter().filter(|(_, path, _)| is(path)).map(|(host, _, _)| host.clone()).collect()
    };
    let services = std::mem::take(&mut found.services);
    let at = |name: &str| services.iter().position(|one| one.name == name);
    let mut needs: Vec<Vec<usize>> =
        services.iter().map(|one| one.needs.iter().filter_map(|(name, _)| at(name)).collect()).collect();
    let mut apis: Vec<(usize, usize, String)> = Vec::new();
    for (page, host) in
        services.iter().enumerate().flat_map(|(at, one)| routes(one, &[""]).into_iter().map(move |it| (at, it)))
    {
        for (api, _) in services.iter().enumerate().filter(|(_, one)| routes(one, &APIS).contains(&host)) {
            if api != page && !needs[page].contains(&api) {
                needs[page].push(api);
                apis.push((page, api, format!("the proxy sends the API of {host} there")));
            }
        }
    }
    let (order, broken) = needs::order(&mut needs);
    let names: Vec<String> = services.iter().map(|one| one.name.clone()).collect();
    let mut services: Vec<Option<FoundService>> = services.into_iter().map(Some).collect();
    for (page, api, why) in apis.into_iter().filter(|(page, api, _)| !broken.contains(&(*page, *api))) {
        if let Some(one) = &mut services[page] {
            one.needs.push((names[api].clone(), why));
        }
    }
    // A circle through an API is broken where it closes, which may be at a need that was known before.
    for (one, other) in broken {
        if let Some(one) = &mut services[one] {
            one.needs.retain(|(name, _)| *name != names[other]);
        }
    }
    found.services = order.into_iter().filter_map(|at| services[at].take()).collect();
}

/// Whether this is a whole name that visitors type.
fn is_host_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    name.contains('.') && !name.starts_with('.') && name.chars().all(fits)
}
