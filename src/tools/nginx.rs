//! `nginx -T`: where nginx sends each host.

use std::collections::BTreeMap;

use super::{Argv, Malformed, Upstream};

/// The whole configuration, includes resolved; nginx tests it on the way. Needs root.
pub fn dump() -> Argv {
    Argv::new("nginx", ["-T", "-q"])
}

/// Says whether nginx would take its configuration.
pub fn validate() -> Argv {
    Argv::new("nginx", ["-t", "-q"])
}

/// Parses the output of [`dump`].
///
/// # Errors
/// When braces do not match or there is no `server` block.
pub fn parse(text: &str) -> Result<Vec<Upstream>, Malformed> {
    let tokens = tokens(text);
    let mut at = 0;
    let tree = block(&tokens, &mut at, 0).filter(|_| at == tokens.len());
    let tree = tree.ok_or_else(|| Malformed::new("a configuration from `nginx -T`", text))?;
    let mut groups = BTreeMap::new();
    let mut servers = Vec::new();
    collect(&tree, &mut groups, &mut servers);
    if servers.is_empty() {
        return Err(Malformed::new("server blocks in `nginx -T`", text));
    }
    let mut found = Vec::new();
    for server in servers {
        let names: Vec<&str> = words(server, "server_name").collect();
        for location in server.iter().filter(|d| d.name() == "location") {
            let path = location.words.last().copied().unwrap_or("/");
            for target in words(&location.inner, "proxy_pass") {
                let authority = target.split_once("://").map_or(target, |(_, rest)| rest);
                let authority = authority.split('/').next().unwrap_or(authority);
                let address = groups.get(authority).copied().unwrap_or(authority);
                found.extend(names.iter().map(|host| Upstream {
                    host: (*host).to_owned(),
                    path: path.to_owned(),
                    address: address.to_owned(),
                }));
            }
        }
    }
    Ok(found)
}

struct Directive<'a> {
    words: Vec<&'a str>,
    inner: Vec<Directive<'a>>,
}

impl Directive<'_> {
    fn name(&self) -> &str {
        self.words.first().copied().unwrap_or_default()
    }
}

fn words<'t, 'a>(block: &'t [Directive<'a>], name: &'t str) -> impl Iterator<Item = &'a str> + 't {
    block.iter().filter(move |d| d.name() == name).flat_map(|d| d.words.iter().skip(1).copied())
}

fn collect<'t, 'a>(
    block: &'t [Directive<'a>],
    groups: &mut BTreeMap<&'a str, &'a str>,
    servers: &mut Vec<&'t [Directive<'a>]>,
) {
    for directive in block {
        match directive.name() {
            "upstream" => {
                let first = words(&directive.inner, "server").next();
                if let (Some(name), Some(server)) = (directive.words.get(1).copied(), first) {
                    groups.insert(name, server);
                }
            }
            "server" if !directive.inner.is_empty() => servers.push(&directive.inner),
            _ => collect(&directive.inner, groups, servers),
        }
    }
}

/// Words, quoted words (quotes taken off), `;`, `{` and `}`; comments left out.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let end = match first {
                '#' => break,
                ';' | '{' | '}' => 1,
                '"' | '\'' => rest[1..].find(first).map_or(rest.len(), |close| close + 2),
                // A brace inside a word (`${name}`) belongs to it, one at its end opens a block.
                _ => {
                    let word = rest.split(|c: char| c.is_whitespace() || c == ';').next().unwrap_or(rest);
                    word.strip_suffix('{').unwrap_or(word).len()
                }
            };
            found.push(rest[..end].trim_matches(['"', '\'']));
            rest = rest[end..].trim_start();
        }
    }
    found
}

fn block<'a>(tokens: &[&'a str], at: &mut usize, depth: usize) -> Option<Vec<Directive<'a>>> {
    let mut found = Vec::new();
    let mut words = Vec::new();
    while let Some(token) = tokens.get(*at).copied() {
        *at += 1;
        match token {
            ";" => found.push(Directive { words: std::mem::take(&mut words), inner: Vec::new() }),
            "{" if depth < 16 => {
                let inner = block(tokens, at, depth + 1)?;
                found.push(Directive { words: std::mem::take(&mut words), inner });
            }
            "}" => return (depth > 0 && words.is_empty()).then_some(found),
            word => words.push(word),
        }
    }
    (depth == 0 && words.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
        # configuration file /etc/nginx/nginx.conf:
        events { worker_connections 10; }
        http{
            log_format main '$remote_addr "$request" {x}';
            upstream api { server 127.0.0.1:4000; keepalive 8; }
            server {
                listen 443 ssl; # comment { with a brace
                server_name plugspace.io www.plugspace.io;
                location /api/ { proxy_pass http://api/; }
                location ~ ^/voice { proxy_pass http://localhost:4001; }
                location = /health { return 200 "ok;"; }
            }
        }"#;

    #[test]
    fn locations_are_resolved_through_upstreams() {
        let all: Vec<String> =
            parse(CONFIG).unwrap().iter().map(|u| format!("{}{} {}", u.host, u.path, u.address)).collect();
        assert_eq!(
            all,
            [
                "plugspace.io/api/ 127.0.0.1:4000",
                "www.plugspace.io/api/ 127.0.0.1:4000",
                "plugspace.io^/voice localhost:4001",
                "www.plugspace.io^/voice localhost:4001",
            ]
        );
    }

    #[test]
    fn cut_anywhere_it_is_an_error_or_has_no_more_routes() {
        for end in 0..CONFIG.len() {
            if let Ok(routes) = parse(&CONFIG[..end]) {
                assert!(routes.len() <= 4, "cut at {end}");
            }
        }
        assert!(parse("").is_err());
        assert!(parse("server { server_name x; ").is_err());
    }
}
