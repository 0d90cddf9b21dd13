//! `nginx -T`: where nginx sends each host.

pub mod page;
pub mod sites;

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

/// The same of another main file, which stands beside the usual one so that it finds the same files.
pub fn validate_other(main: &str) -> Argv {
    Argv::new("nginx", ["-t", "-q", "-c", main])
}

/// Parses the output of [`dump`].
///
/// # Errors
/// When braces do not match or there is no `server` block.
pub fn parse(text: &str) -> Result<Vec<Upstream>, Malformed> {
    let tree = tree(text).ok_or_else(|| Malformed::new("a configuration from `nginx -T`", text))?;
    let mut groups = BTreeMap::new();
    let mut servers = Vec::new();
    collect(&tree, &mut groups, &mut servers);
    if servers.is_empty() {
        return Err(Malformed::new("server blocks in `nginx -T`", text));
    }
    let mut found = Vec::new();
    for server in servers {
        let mut names: Vec<&str> = words(server, "server_name").collect();
        // Without a name it takes what has none.
        if names.is_empty() {
            names.push("");
        }
        for (location, authorities) in locations(server) {
            let path = location.last().copied().unwrap_or("/");
            for authority in authorities {
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

/// Files of certificates that a piece of a configuration names; none where it cannot be understood.
pub fn certificates(text: &str) -> Vec<String> {
    fn look(block: &[Directive<'_>], found: &mut Vec<String>) {
        for directive in block {
            match directive.words.as_slice() {
                ["ssl_certificate", path] if path.starts_with('/') && !path.contains('$') => {
                    found.push((*path).to_owned());
                }
                _ => look(&directive.inner, found),
            }
        }
    }
    let mut found = Vec::new();
    look(&tree(text).unwrap_or_default(), &mut found);
    found
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

/// Directives that send a request on.
const PASSES: [&str; 5] = ["proxy_pass", "grpc_pass", "uwsgi_pass", "fastcgi_pass", "scgi_pass"];

/// The locations of a server that send requests on: their words, and the authorities that they name, directly or by the named
/// locations that they fall back to. What the server itself falls back to is its location `/`, where it has no other.
fn locations<'a>(server: &[Directive<'a>]) -> Vec<(Vec<&'a str>, Vec<&'a str>)> {
    fn own<'a>(block: &[Directive<'a>], server: &[Directive<'a>], depth: usize, found: &mut Vec<&'a str>) {
        for directive in block.iter().filter(|_| depth < 4) {
            let name = directive.name();
            if PASSES.contains(&name) {
                let target = directive.words.get(1).copied().unwrap_or_default();
                let authority = target.split_once("://").map_or(target, |(_, rest)| rest);
                found.push(if authority.starts_with("unix:") { authority } else { until_path(authority) });
            } else if matches!(name, "try_files" | "error_page") {
                let named = directive.words.last().copied().filter(|word| word.starts_with('@'));
                let is_it = |other: &&Directive<'a>| other.name() == "location" && other.words.last().copied() == named;
                for location in server.iter().filter(|_| named.is_some()).filter(is_it) {
                    own(&location.inner, server, depth + 1, found);
                }
            }
        }
    }
    let mut all = Vec::new();
    let mut has_root = false;
    for location in server.iter().filter(|directive| directive.name() == "location") {
        if location.words.last().is_some_and(|word| word.starts_with('@')) {
            continue;
        }
        has_root |= location.words.as_slice() == ["location", "/"];
        let mut found = Vec::new();
        own(&location.inner, server, 0, &mut found);
        all.push((location.words.clone(), found));
    }
    if !has_root {
        let mut found = Vec::new();
        own(server, server, 0, &mut found);
        all.push((vec!["location", "/"], found));
    }
    all.retain(|(_, found)| !found.is_empty());
    all
}

fn until_path(authority: &str) -> &str {
    authority.split('/').next().unwrap_or(authority)
}

/// A piece of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    /// A word, without the quotes that may have been around it: one in quotes is never anything else.
    Word(&'a str),
    /// `;`
    End,
    /// `{`
    Open,
    /// `}`
    Close,
}

/// The pieces, each with where it ends; comments left out.
fn tokens(text: &str) -> Vec<(Token<'_>, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, length) = match first {
            '#' => (None, rest.find('\n').unwrap_or(rest.len())),
            ';' => (Some(Token::End), 1),
            '{' => (Some(Token::Open), 1),
            '}' => (Some(Token::Close), 1),
            '"' | '\'' => {
                let end = 1 + word(&rest[1..], |c, _| c == first);
                (Some(Token::Word(&rest[1..end])), rest.len().min(end + 1))
            }
            _ if first.is_whitespace() => (None, first.len_utf8()),
            _ => {
                // A brace inside a word (`${name}`) belongs to it, any other opens a block.
                let end = word(rest, |c, before| c.is_whitespace() || c == ';' || c == '{' && before != '$');
                (Some(Token::Word(&rest[..end])), end)
            }
        };
        at += length;
        found.extend(token.map(|token| (token, at)));
    }
    found
}

/// How long a word is that ends before such a character, given what stands before it, unless a backslash does.
fn word(text: &str, ends: impl Fn(char, char) -> bool) -> usize {
    let mut before = ' ';
    for (index, c) in text.char_indices() {
        if before != '\\' && ends(c, before) {
            return index;
        }
        // A backslash that is itself escaped escapes nothing.
        before = if before == '\\' { ' ' } else { c };
    }
    text.len()
}

fn block<'a>(tokens: &[(Token<'a>, usize)], at: &mut usize, depth: usize) -> Option<Vec<Directive<'a>>> {
    let mut found = Vec::new();
    let mut words = Vec::new();
    while let Some((token, _)) = tokens.get(*at) {
        *at += 1;
        match token {
            Token::End => found.push(Directive { words: std::mem::take(&mut words), inner: Vec::new() }),
            Token::Open if depth < 16 => {
                let inner = block(tokens, at, depth + 1)?;
                found.push(Directive { words: std::mem::take(&mut words), inner });
            }
            Token::Open => return None,
            Token::Close => return (depth > 0 && words.is_empty()).then_some(found),
            Token::Word(word) => words.push(*word),
        }
    }
    (depth == 0 && words.is_empty()).then_some(found)
}

/// All directives of a text; `None` when braces do not match or a directive has no end.
fn tree(text: &str) -> Option<Vec<Directive<'_>>> {
    let tokens = tokens(text);
    let mut at = 0;
    block(&tokens, &mut at, 0).filter(|_| at == tokens.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_certificates_are_found_in_whatever_block_they_stand() {
        let text = "server { listen 443 ssl; ssl_certificate /etc/ssl/a.pem; ssl_certificate_key /etc/ssl/a.key; \
                    ssl_certificate $dynamic; }\nssl_certificate '/etc/ssl/b.pem';";
        assert_eq!(certificates(text), ["/etc/ssl/a.pem", "/etc/ssl/b.pem"]);
        assert_eq!(certificates("server {"), Vec::<String>::new());
    }

    #[test]
    fn a_location_sends_on_what_its_named_locations_do() {
        // As Mastodon's nginx.conf has it.
        let text = "upstream backend { server 127.0.0.1:3000; } upstream streaming { server 127.0.0.1:4000; }
            server { server_name m.test; location / { try_files $uri @proxy; } location = /sw.js { try_files $uri =404; }
                location ^~ /api/v1/streaming { proxy_pass http://streaming; } location @proxy { proxy_pass http://backend; }
                error_page 500 501 502 503 504 /500.html; }
            server { server_name a.test; try_files $uri @app; location @app { error_page 502 = @other; uwsgi_pass a:1; }
                location @other { grpc_pass grpc://b:2; } location @round { error_page 500 @round; } }
            server { server_name p.test; location / { fastcgi_pass unix:/run/php/fpm.sock; } }";
        let found = parse(text).unwrap();
        let told: Vec<_> = found.iter().map(|up| format!("{}{} {}", up.host, up.path, up.address)).collect();
        assert_eq!(
            told,
            [
                "m.test/ 127.0.0.1:3000",
                "m.test/api/v1/streaming 127.0.0.1:4000",
                "a.test/ b:2",
                "a.test/ a:1",
                "p.test/ unix:/run/php/fpm.sock"
            ]
        );
        let sites: Vec<_> = sites::sites(&[text.to_owned()]).into_iter().map(|site| site.upstreams.len()).collect();
        assert_eq!(sites, [2, 2, 1]);
        assert!(
            parse("server { server_name r.test; try_files @r; location @r { try_files @r; } }").unwrap().is_empty()
        );
    }

    #[test]
    fn braces_in_quotes_are_text() {
        // As deploy/nginx-setup.sh of plugspace has it.
        let text = r#"http {
            log_format json escape=json '{'
                '"status": "$status",' # a comment with }
            '}';
            add_header X "say \"{\" $" always;
            server { server_name x; location / { proxy_pass http://127.0.0.1:3000; } } }"#;
        let found = parse(text).unwrap();
        assert_eq!(found.iter().map(|u| format!("{} {}", u.host, u.address)).collect::<Vec<_>>(), ["x 127.0.0.1:3000"]);
    }

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
