//! `caddy adapt`: where a Caddyfile sends each host.

pub mod sites;

use serde_json::Value;

use super::{Argv, Malformed, Upstream};

/// The Caddyfile as the JSON that Caddy runs with.
pub fn adapt(config: &str) -> Argv {
    Argv::new("caddy", ["adapt", "--adapter=caddyfile", "--config", config])
}

/// Says whether Caddy would take a Caddyfile.
pub fn validate(config: &str) -> Argv {
    Argv::new("caddy", ["validate", "--adapter=caddyfile", "--config", config])
}

/// Parses the output of [`adapt`].
///
/// # Errors
/// When it is not a Caddy configuration with an HTTP server.
pub fn parse(text: &str) -> Result<Vec<Upstream>, Malformed> {
    let config: Value =
        serde_json::from_str(text).map_err(|_| Malformed::new("a configuration from `caddy adapt`", text))?;
    let Some(servers) = config["apps"]["http"]["servers"].as_object() else {
        return Err(Malformed::new("HTTP servers in `caddy adapt`", text));
    };
    let mut found = Vec::new();
    for server in servers.values() {
        // Without a host it takes all.
        walk(&server["routes"], &[String::new()], "/", &mut found);
    }
    Ok(found)
}

/// Follows nested routes; a matcher further in narrows the one around it.
fn walk(routes: &Value, hosts: &[String], path: &str, found: &mut Vec<Upstream>) {
    for route in routes.as_array().into_iter().flatten() {
        let strings = |key: &str| -> Vec<String> {
            let matchers = route["match"].as_array().into_iter().flatten();
            let values = matchers.flat_map(|matcher| matcher[key].as_array().into_iter().flatten());
            values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
        };
        let own = strings("host");
        let hosts = if own.is_empty() { hosts } else { &own[..] };
        let narrowed = strings("path").first().map(|path| path.trim_end_matches('*').to_owned());
        let path = narrowed.as_deref().unwrap_or(path);
        for handler in route["handle"].as_array().into_iter().flatten() {
            walk(&handler["routes"], hosts, path, found);
            for upstream in handler["upstreams"].as_array().into_iter().flatten() {
                let address = upstream["dial"].as_str().unwrap_or_default();
                found.extend(hosts.iter().map(|host| Upstream {
                    host: host.clone(),
                    path: path.to_owned(),
                    address: address.to_owned(),
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_followed_into_subroutes() {
        let text = r#"{"apps":{"http":{"servers":{"srv0":{"listen":[":443"],"routes":[
            {"match":[{"host":["wallet.prim.sh"]}],"handle":[{"handler":"subroute","routes":[
                {"handle":[{"handler":"reverse_proxy","upstreams":[{"dial":"localhost:3001"}]}]}]}]},
            {"match":[{"host":["x.y"]}],"handle":[{"handler":"subroute","routes":[
                {"match":[{"path":["/api/*"]}],"handle":[{"handler":"reverse_proxy","upstreams":[{"dial":"127.0.0.1:1"}]}]}]}]}
        ]}}}}}"#;
        let found = parse(text).unwrap();
        assert_eq!(
            found,
            [
                Upstream { host: "wallet.prim.sh".into(), path: "/".into(), address: "localhost:3001".into() },
                Upstream { host: "x.y".into(), path: "/api/".into(), address: "127.0.0.1:1".into() },
            ]
        );
        assert_eq!(found[0].port(), Some(3001));
    }

    #[test]
    fn a_site_without_a_host_may_lead_to_a_socket() {
        let text = r#"{"apps":{"http":{"servers":{"srv0":{"listen":[":80"],"routes":[
            {"handle":[{"handler":"reverse_proxy","upstreams":[{"dial":"unix//run/app.sock"}]}]}]}}}}}"#;
        let found = parse(text).unwrap();
        assert_eq!((found[0].host.as_str(), found[0].socket(), found.len()), ("", Some("/run/app.sock"), 1));
    }

    #[test]
    fn nonsense_is_an_error() {
        assert!(parse("").is_err());
        assert!(parse("{}").is_err());
    }
}
