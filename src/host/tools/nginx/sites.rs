//! What stands in nginx's own files: which others they include, which sites there are, and where each sends its visitors. Read
//! file by file, because `nginx -T` opens every key and log on the way.

use super::{Directive, locations, tree, words};

/// Patterns of files that a piece of the configuration includes, as they are written.
pub fn includes(text: &str) -> Vec<String> {
    fn look(block: &[Directive<'_>], found: &mut Vec<String>) {
        for directive in block {
            match directive.words.as_slice() {
                ["include", pattern] => found.push((*pattern).to_owned()),
                _ => look(&directive.inner, found),
            }
        }
    }
    let mut found = Vec::new();
    look(&tree(text).unwrap_or_default(), &mut found);
    found
}

/// A `server` block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Site {
    /// Its names that are plain host names.
    pub hosts: Vec<String>,
    /// Certificate and key, its own or those that stand outside of servers.
    pub pair: Option<(String, String)>,
    /// Path of a location and all addresses that it may send visitors to; locations by regular expression are left out.
    pub upstreams: Vec<(String, Vec<String>)>,
}

/// The sites of these files together: an `upstream` may stand in another file than who uses it.
pub fn sites(texts: &[String]) -> Vec<Site> {
    let trees: Vec<Vec<Directive<'_>>> = texts.iter().filter_map(|text| tree(text)).collect();
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut servers: Vec<&[Directive<'_>]> = Vec::new();
    for tree in &trees {
        collect(tree, &mut groups, &mut servers);
    }
    let shared = trees.iter().filter_map(|tree| shared_pair(tree)).next_back();
    servers.into_iter().map(|server| site(server, &groups, shared.as_ref())).collect()
}

/// Certificate and key that stand outside of servers, for all that have none of their own.
fn shared_pair(block: &[Directive<'_>]) -> Option<(String, String)> {
    let inner = block.iter().filter(|directive| directive.name() == "http");
    inner.filter_map(|http| own_pair(&http.inner)).next_back().or_else(|| own_pair(block))
}

fn own_pair(block: &[Directive<'_>]) -> Option<(String, String)> {
    let path = |key| words(block, key).next().filter(|path| path.starts_with('/') && !path.contains('$'));
    path("ssl_certificate").zip(path("ssl_certificate_key")).map(|(one, two)| (one.to_owned(), two.to_owned()))
}

fn collect<'t, 'a>(
    block: &'t [Directive<'a>],
    groups: &mut Vec<(&'a str, Vec<&'a str>)>,
    servers: &mut Vec<&'t [Directive<'a>]>,
) {
    for directive in block {
        match directive.name() {
            "upstream" => {
                let first = |server: &Directive<'a>| server.words.get(1).copied();
                let own = directive.inner.iter().filter(|inner| inner.name() == "server").filter_map(first);
                groups.extend(directive.words.get(1).map(|name| (*name, own.collect())));
            }
            "server" if !directive.inner.is_empty() => servers.push(&directive.inner),
            _ => collect(&directive.inner, groups, servers),
        }
    }
}

fn site(server: &[Directive<'_>], groups: &[(&str, Vec<&str>)], shared: Option<&(String, String)>) -> Site {
    let plain = |name: &&str| name.contains('.') && !name.starts_with(['~', '.', '*']) && !name.contains('$');
    let speaks_tls = words(server, "listen").any(|word| word == "ssl");
    let shared = shared.filter(|_| speaks_tls).cloned();
    let mut upstreams = Vec::new();
    for (location, authorities) in locations(server) {
        let path = match location.as_slice() {
            ["location", path] | ["location", "=" | "^~", path] if path.starts_with('/') => *path,
            _ => continue,
        };
        for authority in authorities {
            let group = groups.iter().find(|(name, _)| *name == authority);
            let addresses = group.map_or_else(|| vec![authority], |(_, servers)| servers.clone());
            upstreams.push((path.to_owned(), addresses.into_iter().map(str::to_owned).collect()));
        }
    }
    Site {
        hosts: words(server, "server_name").filter(plain).map(str::to_owned).collect(),
        pair: own_pair(server).or(shared),
        upstreams,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "http { include mime.types; include /etc/nginx/sites-enabled/*; }\ninclude 'modules/*.conf';";
    const SITE: &str = r"upstream api { server 127.0.0.1:4000; server 127.0.0.1:4001 backup; }
        server { listen 443 ssl; server_name a.test *.a.test ~^x; ssl_certificate /a.pem; ssl_certificate_key /a.key;
            location /api/ { proxy_pass http://api/v1; } location ~ ^/x { proxy_pass http://127.0.0.1:1; }
            location = /one { proxy_pass http://localhost:5000; } location / { root /var/www; } }
        server { server_name _; ssl_certificate $x; }";

    #[test]
    fn files_sites_and_upstreams_are_found() {
        assert_eq!(includes(MAIN), ["mime.types", "/etc/nginx/sites-enabled/*", "modules/*.conf"]);
        let found = sites(&[SITE.to_owned()]);
        assert_eq!(found.len(), 2);
        let address = |text: &str| text.to_owned();
        assert_eq!(
            found[0],
            Site {
                hosts: vec!["a.test".into()],
                pair: Some(("/a.pem".into(), "/a.key".into())),
                upstreams: vec![
                    ("/api/".into(), vec![address("127.0.0.1:4000"), address("127.0.0.1:4001")]),
                    ("/one".into(), vec![address("localhost:5000")]),
                ],
            }
        );
        assert_eq!(found[1], Site::default());
        let shared = "ssl_certificate /s.pem; ssl_certificate_key /s.key;\nserver { listen 443 ssl; server_name b.test; }\n\
                      server { listen 80; server_name c.test; }";
        let pairs: Vec<_> = sites(&[shared.to_owned()]).into_iter().map(|site| site.pair).collect();
        assert_eq!(pairs, [Some(("/s.pem".to_owned(), "/s.key".to_owned())), None]);
        for end in 0..SITE.len() {
            let _ = (sites(&[SITE[..end].to_owned()]), includes(&SITE[..end]));
        }
    }
}
