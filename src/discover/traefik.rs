//! PURE. Public names that Traefik sends to a container, as its labels state them
//! (<https://doc.traefik.io/traefik/reference/routing-configuration/http/routing/rules-and-priority/>).

use std::collections::BTreeMap;

use super::routes::is_host_name;

/// How many routes of a container are kept, alternatives of a rule included.
const MOST: usize = 64;
/// How long a rule may be, bytes.
const LONGEST: usize = 4096;
/// How deep its parentheses may be.
const DEEPEST: usize = 8;

/// What a request must match: a host and a path, where they are stated.
type Match = (Option<String>, Option<String>);

/// A public name, its path, and the port in the container, where that is stated.
pub(super) type Labelled = (String, String, Option<u16>);

/// The routes that the labels of a container state.
pub(super) fn routes(labels: &BTreeMap<String, String>) -> Vec<Labelled> {
    if labels.get("traefik.enable").is_some_and(|value| value.trim().eq_ignore_ascii_case("false")) {
        return Vec::new();
    }
    let named = |kind: &str, ending: &str| -> Vec<(&str, &str)> {
        let all = labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        all.filter_map(|(key, value)| Some((key.strip_prefix(kind)?.strip_suffix(ending)?, value)))
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
            .collect()
    };
    let ports = named("traefik.http.services.", ".loadbalancer.server.port");
    let services = named("traefik.http.routers.", ".service");
    let mut found: Vec<Labelled> = Vec::new();
    for (router, rule) in named("traefik.http.routers.", ".rule") {
        let service = services.iter().find(|(name, _)| *name == router).map(|(_, service)| *service);
        // Without one it takes the only one.
        let port = match (service, &ports[..]) {
            (Some(service), ports) => ports.iter().find(|(name, _)| *name == service).map(|(_, port)| *port),
            (None, [(_, port)]) => Some(*port),
            (None, _) => None,
        };
        let port = port.and_then(|port| port.trim().parse().ok());
        for (host, path) in matches(rule) {
            let route = host.map(|host| (host, path.unwrap_or_else(|| "/".to_owned()), port));
            found.extend(route.filter(|route| found.len() < MOST && !found.contains(route)));
        }
    }
    found
}

/// The alternatives of a rule; none where it is no rule.
fn matches(rule: &str) -> Vec<Match> {
    let mut rest = rule;
    let found = if rule.len() <= LONGEST { either(&mut rest, 0) } else { None };
    found.filter(|_| rest.trim().is_empty()).unwrap_or_default()
}

/// `A || B`
fn either(rest: &mut &str, depth: usize) -> Option<Vec<Match>> {
    let mut found = both(rest, depth)?;
    while let Some(after) = rest.trim_start().strip_prefix("||") {
        *rest = after;
        found.extend(both(rest, depth)?);
    }
    found.truncate(MOST);
    Some(found)
}

/// `A && B`
fn both(rest: &mut &str, depth: usize) -> Option<Vec<Match>> {
    let mut found = one(rest, depth)?;
    while let Some(after) = rest.trim_start().strip_prefix("&&") {
        *rest = after;
        let other = one(rest, depth)?;
        let join = |a: &Match, b: &Match| (a.0.clone().or(b.0.clone()), a.1.clone().or(b.1.clone()));
        found = found.iter().flat_map(|a| other.iter().map(move |b| join(a, b))).take(MOST).collect();
    }
    Some(found)
}

/// `(A)`, `!A` or `Name(…)`. What is neither of a host nor of a path says nothing here.
fn one(rest: &mut &str, depth: usize) -> Option<Vec<Match>> {
    let text = rest.trim_start();
    if depth > DEEPEST {
        return None;
    }
    if let Some(after) = text.strip_prefix('!') {
        *rest = after;
        one(rest, depth + 1)?;
        return Some(vec![(None, None)]);
    }
    if let Some(after) = text.strip_prefix('(') {
        *rest = after;
        let found = either(rest, depth + 1)?;
        *rest = rest.trim_start().strip_prefix(')')?;
        return Some(found);
    }
    let (name, after) = text.split_once('(')?;
    let name = name.trim();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    *rest = after;
    let mut values = Vec::new();
    loop {
        let text = rest.trim_start();
        let quote = text.chars().next().filter(|c| "`\"'".contains(*c))?;
        let (value, after) = text[1..].split_once(quote)?;
        values.push(value.to_owned());
        let after = after.trim_start();
        match (after.strip_prefix(','), after.strip_prefix(')')) {
            (Some(more), _) => *rest = more,
            (None, done) => {
                *rest = done?;
                break;
            }
        }
    }
    let is_path = |path: &String| path.starts_with('/') && path.chars().all(|c| c.is_ascii_graphic());
    values.truncate(MOST);
    let found: Vec<Match> = match name {
        "Host" => values.into_iter().filter(|host| is_host_name(host)).map(|host| (Some(host), None)).collect(),
        "PathPrefix" | "Path" => values.into_iter().filter(is_path).map(|path| (None, Some(path))).collect(),
        _ => vec![(None, None)],
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rule: &str) -> Vec<String> {
        let labels = BTreeMap::from([("traefik.http.routers.x.rule".to_owned(), rule.to_owned())]);
        routes(&labels).into_iter().map(|(host, path, _)| format!("{host}{path}")).collect()
    }

    #[test]
    fn rules_state_names_and_paths() {
        let cases: [(&str, &[&str]); 12] = [
            ("Host(`a.example`)", &["a.example/"]),
            ("Host(`a.example`) && PathPrefix(`/api`)", &["a.example/api"]),
            ("Host(`a.example`) || Host(`b.example`)", &["a.example/", "b.example/"]),
            ("Host(`a.example`, \"b.example\") && Path('/x')", &["a.example/x", "b.example/x"]),
            (
                "(Host(`a.example`)||Host(`b.example`))&&(PathPrefix(`/api`) || PathPrefix(`/rpc`))",
                &["a.example/api", "a.example/rpc", "b.example/api", "b.example/rpc"],
            ),
            ("Host(`a.example`) && !PathPrefix(`/x`) && Headers(`X-A`, `b`)", &["a.example/"]),
            ("PathPrefix(`/`)", &[]),
            ("HostRegexp(`.+`)", &[]),
            // Names and paths of others.
            ("Host(`a.example\n`) || Host(`-rf`) || Host(`*.example`) || Host(`ok.example`)", &["ok.example/"]),
            ("Host(`a.example`) && PathPrefix(`x`)", &[]),
            ("Host(`a.example`) && (", &[]),
            ("Host(`a.example`", &[]),
        ];
        for (rule, wanted) in cases {
            assert_eq!(of(rule), wanted, "{rule}");
        }
    }

    #[test]
    fn whatever_a_rule_says_it_ends_and_is_bounded() {
        assert_eq!(of(&"(".repeat(LONGEST)), Vec::<String>::new());
        assert_eq!(of(&"!".repeat(LONGEST)), Vec::<String>::new());
        let names: Vec<String> = (0..60).map(|at| format!("Host(`h{at}.x`)")).collect();
        let names = names.join("||");
        let paths: Vec<String> = (0..60).map(|at| format!("Path(`/{at}`)")).collect();
        assert_eq!(of(&format!("({names}) && ({})", paths.join("||"))).len(), MOST);
        let whole = "(Host(`a.example`) || !Host(`é.example`)) && PathPrefix(`/api`)";
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            of(&whole[..end]);
        }
    }

    #[test]
    fn the_port_is_that_of_the_routers_service() {
        let of = |labels: &[(&str, &str)]| {
            let labels = labels.iter().map(|(key, value)| (format!("traefik.{key}"), (*value).to_owned())).collect();
            routes(&labels).into_iter().map(|(host, _, port)| (host, port)).collect::<Vec<_>>()
        };
        let rule = ("http.routers.web.rule", "Host(`a.example`)");
        let (web, api) = (
            ("http.services.web.loadbalancer.server.port", "80"),
            ("http.services.api.loadbalancer.server.port", "81"),
        );
        let route = |port: Option<u16>| vec![("a.example".to_owned(), port)];
        assert_eq!(of(&[rule]), route(None));
        assert_eq!(of(&[rule, web]), route(Some(80)));
        assert_eq!(of(&[rule, web, api]), route(None));
        assert_eq!(of(&[rule, web, api, ("http.routers.web.service", "api")]), route(Some(81)));
        assert_eq!(of(&[rule, ("http.services.web.loadbalancer.server.port", "x")]), route(None));
        assert_eq!(of(&[rule, ("enable", "False")]), []);
        assert_eq!(of(&[("http.routers..rule", "Host(`a.example`)"), ("http.routers.rule", "Host(`b.example`)")]), []);
    }
}
