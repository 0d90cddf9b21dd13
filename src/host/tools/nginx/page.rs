//! A page in place of a site: which servers of nginx's configuration are the site's, whether a file of ours is read before
//! them, and what must stand in it so that nginx answers with the page instead.
//!
//! Of several servers with the same name at the same address nginx takes the one that it reads first. So our file holds a
//! twin of each server of the site: the same addresses, names and certificates, and nothing behind them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};

use glob::{MatchOptions, Pattern};

use super::{Directive, Malformed, Token, tokens, tree};
use crate::program;

/// How our file begins; one of the same name that does not is somebody else's.
pub const MARK: &str = "# Made by opsctl:";
/// The header of an answer that is the page, by which it is told from a 503 of the site's own.
pub const HEADER: &str = "X-Maintenance";
/// What nginx prints before each file of its configuration.
const FILE_HEAD: &str = "# configuration file ";
/// How deep files may include files.
const DEPTH: usize = 8;
/// What of `listen` says how connections are spoken. The rest sets up the socket, which may be done once only.
const SPOKEN: [&str; 4] = ["ssl", "http2", "quic", "proxy_protocol"];

/// The site, as nginx's configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// One for each server that visitors reach.
    pub twins: Vec<Twin>,
    /// The main file.
    pub main: String,
    /// What the main file is with one more `include`, where servers begin; for trying our file before it is in its place.
    before_include: String,
    after_include: String,
}

/// What stands in for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// Arguments of each `listen`.
    listens: Vec<String>,
    /// Names of the site.
    pub names: Vec<String>,
    /// Directives for TLS.
    tls: Vec<String>,
    /// Arguments of `return` where the server answers the health path by itself.
    health: Option<String>,
}

/// A way to ask for a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Host name; one made up where a name stands for many.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Where it listens; `None`: everywhere.
    pub address: Option<IpAddr>,
    /// Whether the health path is answered to requests from this host.
    pub health: bool,
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// The configuration cannot be understood.
    Malformed(Malformed),
    /// No server has one of the site's names.
    NoServer,
    /// Nothing in the configuration includes our file.
    NotRead,
    /// A server of the site, in that file, is read before ours.
    Behind(String, String),
}

/// Finds the site of these hosts in the output of [`super::dump`], for a page in `file`.
///
/// # Errors
/// Why a page in that file would not be shown.
pub fn site(dump: &str, hosts: &[&str], file: &str, health: &str) -> Result<Site, Objection> {
    let (main, texts) = files(dump).ok_or_else(|| Malformed::new("the files of `nginx -T`", dump))?;
    let mut parsed = BTreeMap::new();
    for (path, text) in &texts {
        parsed.insert(*path, tree(text).ok_or_else(|| Malformed::new("a file of `nginx -T`", text))?);
    }
    let files = Files { prefix: main.rsplit_once('/').map_or("", |(prefix, _)| prefix), parsed: &parsed, ours: file };
    let http = parsed.get(main).into_iter().flatten().find(|directive| directive.name() == "http");
    let text = texts.get(main).copied().unwrap_or_default();
    let (Some(http), Some(begin)) = (http, inside_http(text)) else {
        return Err(Malformed::new("an http block in nginx's main file", text).into());
    };
    let mut items = Vec::new();
    files.flatten(main, &http.inner, 0, &mut items);
    let spot = items.iter().position(|item| matches!(item, Item::Ours)).ok_or(Objection::NotRead)?;
    let mut twins = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Item::Directive(path, server) = item else { continue };
        if server.name() != "server" || server.inner.is_empty() {
            continue;
        }
        let mut inside = Vec::new();
        files.flatten(path, &server.inner, 0, &mut inside);
        let inside: Vec<&Directive<'_>> = inside.iter().filter_map(Item::directive).collect();
        let Some(twin) = twin(&inside, hosts, health) else { continue };
        if index < spot {
            return Err(Objection::Behind(twin.names.join(" "), (*path).to_owned()));
        }
        twins.push(twin);
    }
    if twins.is_empty() {
        return Err(Objection::NoServer);
    }
    Ok(Site {
        twins,
        main: main.to_owned(),
        before_include: text[..begin].to_owned(),
        after_include: text[begin..].to_owned(),
    })
}

impl From<Malformed> for Objection {
    fn from(malformed: Malformed) -> Self {
        Objection::Malformed(malformed)
    }
}

impl Site {
    /// The main file with this one included before all servers.
    pub fn main_with(&self, path: &str) -> String {
        format!("{}\ninclude {};{}", self.before_include, quoted(path), self.after_include)
    }

    /// Our file. `message` is text, not HTML.
    pub fn page(&self, health: &str, message: &str, retry_after_seconds: u32) -> String {
        let mut text = format!(
            "{MARK} the site answers 503 until `{}` takes this file away.\n\
             # Of servers with one name at one address nginx takes the first, so it must be read before the site.\n\
             geo $opsctl_elsewhere {{ default 1; 127.0.0.0/8 0; ::1 0; }}\n",
            program::command("maintenance off")
        );
        for twin in &self.twins {
            twin.write(&mut text, health, message, retry_after_seconds);
        }
        text
    }

    /// Every way to ask for the site.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        endpoints(&self.twins)
    }
}

/// Every way to ask for a site whose page is in this file of ours; `None` when it is not ours.
pub fn endpoints_of_page(text: &str) -> Option<Vec<Endpoint>> {
    let tree = tree(text.starts_with(MARK).then_some(text)?)?;
    let twins = tree.iter().filter(|directive| directive.name() == "server").map(|server| Twin {
        listens: listens(&server.inner.iter().collect::<Vec<_>>()),
        names: super::words(&server.inner, "server_name").map(str::to_owned).collect(),
        tls: Vec::new(),
        health: server.inner.iter().any(|d| d.name() == "location" && d.words.len() == 3).then(String::new),
    });
    Some(endpoints(&twins.collect::<Vec<_>>()))
}

fn endpoints(twins: &[Twin]) -> Vec<Endpoint> {
    let mut found: Vec<Endpoint> = Vec::new();
    for twin in twins {
        for name in &twin.names {
            let host = match name.strip_prefix("*.") {
                Some(rest) => format!("opsctl-asks.{rest}"),
                None => name.trim_start_matches('.').to_owned(),
            };
            for (port, tls, address) in twin.listens.iter().filter_map(|listen| reachable(listen)) {
                let health = twin.health.is_some();
                // The same port of the other protocol family, or of another address, leads to the same server.
                if !found.iter().any(|other| other.host == host && other.port == port) {
                    found.push(Endpoint { host: host.clone(), port, tls, address, health });
                }
            }
        }
    }
    found.sort_unstable();
    found
}

/// Port, TLS and address of a `listen` that can be asked over TCP in plain HTTP or HTTPS.
fn reachable(listen: &str) -> Option<(u16, bool, Option<IpAddr>)> {
    let mut words = listen.split(' ');
    let at = words.next()?;
    let spoken: Vec<&str> = words.collect();
    if at.starts_with("unix:") || spoken.contains(&"quic") || spoken.contains(&"proxy_protocol") {
        return None;
    }
    let (address, port) = match at.strip_prefix('[') {
        Some(six) => {
            let (address, rest) = six.split_once(']')?;
            (address, rest.strip_prefix(':').unwrap_or("80"))
        }
        None if at.bytes().all(|byte| byte.is_ascii_digit()) => ("*", at),
        None => at.split_once(':').unwrap_or((at, "80")),
    };
    let address = match address {
        "*" | "0.0.0.0" | "localhost" => None,
        "::" => Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        address => Some(address.parse().ok()?),
    };
    Some((port.parse().ok()?, spoken.contains(&"ssl"), address))
}

impl Twin {
    fn write(&self, text: &mut String, health: &str, message: &str, retry_after_seconds: u32) {
        let mut line = |words: &str| {
            text.push_str(words);
            text.push('\n');
        };
        line("server {");
        for listen in &self.listens {
            line(&format!("    listen {listen};"));
        }
        line(&format!("    server_name {};", joined(&self.names)));
        for directive in &self.tls {
            line(&format!("    {directive};"));
        }
        if let Some(answer) = &self.health {
            line(&format!("    location = {health} {{"));
            line("        if ($opsctl_elsewhere) { rewrite ^ /opsctl-maintenance last; }");
            line("        types { }");
            line("        default_type text/plain;");
            line(&format!("        return {answer};"));
            line("    }");
        }
        line("    location / {");
        // Whatever is asked for, the answer is a page.
        line("        types { }");
        line("        default_type \"text/html; charset=utf-8\";");
        line(&format!("        add_header Retry-After {retry_after_seconds} always;"));
        line(&format!("        add_header {HEADER} on always;"));
        line("        add_header Cache-Control no-store always;");
        line(&format!("        return 503 '{}';", html(message)));
        line("    }");
        line("}");
    }
}

/// The page. nginx takes no word of more than 4,096 bytes, reads `$` as the beginning of a variable and `'` as the end:
/// everything but the plainest characters is written as a number, which is also what keeps it text in HTML.
pub fn html(message: &str) -> String {
    let mut text = String::new();
    for c in message.chars() {
        let plain = c.is_ascii_alphanumeric() || " .,:!?()-".contains(c);
        // Writing to a string cannot fail.
        let _ = if plain { write!(text, "{c}") } else { write!(text, "&#{};", u32::from(c)) };
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta name=\"viewport\" content=\"width=device-width\"><title>Maintenance</title>\
         <body style=\"font:1.2em/1.5 sans-serif;max-width:40em;margin:15vh auto;padding:0 1em\"><h1>Maintenance</h1>\
         <p>{text}</p></body></html>"
    )
}

/// The twin of a server; `None` when it is none of the site's, or one that only sends visitors on to another.
fn twin(server: &[&Directive<'_>], hosts: &[&str], health: &str) -> Option<Twin> {
    let named = server.iter().filter(|d| d.name() == "server_name").flat_map(|d| d.words.iter().skip(1));
    let names: Vec<String> = named.filter(|name| is_of_site(name, hosts)).map(|name| (*name).to_owned()).collect();
    if names.is_empty() || only_redirects(server) {
        return None;
    }
    let tls = server.iter().filter(|d| d.name().starts_with("ssl_") || d.name() == "http2");
    let answers = server.iter().filter(|d| d.name() == "location" && d.words.last() == Some(&health));
    let answer = answers.flat_map(|d| &d.inner).find(|d| d.name() == "return" && d.words.get(1) == Some(&"200"));
    Some(Twin {
        listens: listens(server),
        names,
        tls: tls.map(|d| joined(&d.words)).collect(),
        health: answer.map(|d| joined(&d.words[1..])),
    })
}

fn listens(server: &[&Directive<'_>]) -> Vec<String> {
    let all = server.iter().filter(|d| d.name() == "listen" && d.words.len() > 1).map(|d| {
        let spoken = d.words[2..].iter().filter(|word| SPOKEN.contains(word));
        joined(&std::iter::once(&d.words[1]).chain(spoken).copied().collect::<Vec<_>>())
    });
    let all: Vec<String> = all.collect();
    // What nginx, started by root, takes where nothing is said.
    if all.is_empty() { vec!["80".to_owned()] } else { all }
}

/// One of the site's hosts, or a name below it. Names that are regular expressions are left alone.
fn is_of_site(name: &str, hosts: &[&str]) -> bool {
    let name = name.strip_prefix('*').unwrap_or(name);
    let name = name.strip_prefix('.').unwrap_or(name);
    hosts.iter().any(|host| name == *host || name.strip_suffix(host).is_some_and(|below| below.ends_with('.')))
}

/// Whether a server only sends visitors to another one, where they meet the page: it is left as it is, so that what it
/// answers beside, the challenges of a certificate authority, goes on.
fn only_redirects(server: &[&Directive<'_>]) -> bool {
    fn passes(directive: &Directive<'_>) -> bool {
        directive.name().ends_with("_pass") || directive.name() == "try_files" || directive.inner.iter().any(passes)
    }
    let moves = |d: &&Directive<'_>| {
        d.name() == "return" && matches!(d.words.get(1).copied(), Some("301" | "302" | "303" | "307" | "308"))
    };
    let everywhere = |d: &&Directive<'_>| d.name() == "if" || d.name() == "location" && d.words.last() == Some(&"/");
    !server.iter().any(|d| passes(d))
        && (server.iter().any(moves)
            || server.iter().filter(|d| everywhere(d)).any(|d| d.inner.iter().any(|d| moves(&d))))
}

fn joined(words: &[impl AsRef<str>]) -> String {
    words.iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// A word as it was read: backslashes in it are still as they were written.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:*[]$@,+=^".contains(c);
    match word {
        _ if !word.is_empty() && word.chars().all(plain) => word.to_owned(),
        _ if word.contains('"') => format!("'{word}'"),
        _ => format!("\"{word}\""),
    }
}

/// The main file and the text of every file, by path.
fn files(dump: &str) -> Option<(&str, BTreeMap<&str, &str>)> {
    let mut heads = Vec::new();
    let mut at = 0;
    for line in dump.split_inclusive('\n') {
        let path = line.trim_end().strip_prefix(FILE_HEAD).and_then(|rest| rest.strip_suffix(':'));
        if let Some(path) = path.filter(|path| path.starts_with('/')) {
            heads.push((path, at, at + line.len()));
        }
        at += line.len();
    }
    let ends = heads.iter().skip(1).map(|(_, begin, _)| *begin).chain([dump.len()]);
    let texts = heads.iter().zip(ends).map(|((path, _, begin), end)| (*path, &dump[*begin..end])).collect();
    Some((heads.first()?.0, texts))
}

/// Where the inside of the http block begins.
fn inside_http(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut opens = false;
    for (token, end) in tokens(text) {
        match token {
            Token::Open if opens => return Some(end),
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::End | Token::Word(_) => {}
        }
        opens = depth == 0 && token == Token::Word("http");
    }
    None
}

/// What is read in turn: a directive and the file it stands in, or our file's turn.
enum Item<'t, 'a> {
    Directive(&'a str, &'t Directive<'a>),
    Ours,
}

impl<'t, 'a> Item<'t, 'a> {
    fn directive(&self) -> Option<&'t Directive<'a>> {
        match self {
            Item::Directive(_, directive) => Some(directive),
            Item::Ours => None,
        }
    }
}

/// Neither `*` nor `?` stands for `/`, nor for a dot at the beginning of a name: glob(3).
const LIKE_NGINX: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Whether an `include` of this pattern reads the file at this path.
fn is_included(pattern: &str, path: &str) -> bool {
    // To the crate two stars are every directory below, and half a bracket is an error.
    let parsed = Pattern::new(&pattern.replace("**", "*")).or_else(|_| Pattern::new(&Pattern::escape(pattern)));
    // To the crate a star that stands for nothing leaves the dot after it to begin a name.
    let is_hidden = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    parsed.is_ok_and(|parsed| parsed.matches_with(path, LIKE_NGINX)) && (is_hidden(pattern) || !is_hidden(path))
}

struct Files<'t, 'a> {
    prefix: &'t str,
    parsed: &'t BTreeMap<&'a str, Vec<Directive<'a>>>,
    ours: &'t str,
}

impl<'t, 'a> Files<'t, 'a> {
    /// The directives of a block in the order in which nginx reads them, those of included files in their place.
    fn flatten(&self, path: &'a str, block: &'t [Directive<'a>], depth: usize, items: &mut Vec<Item<'t, 'a>>) {
        for directive in block {
            let Some(pattern) = directive.words.get(1).filter(|_| directive.name() == "include" && depth < DEPTH)
            else {
                items.push(Item::Directive(path, directive));
                continue;
            };
            let pattern =
                if pattern.starts_with('/') { (*pattern).to_owned() } else { format!("{}/{pattern}", self.prefix) };
            let is_meant = |path: &str| is_included(&pattern, path);
            // In the order of their names, as nginx takes them.
            let mut ours = is_meant(self.ours);
            for (included, inner) in self.parsed.iter().filter(|(included, _)| is_meant(included)) {
                if ours && self.ours <= *included {
                    ours = false;
                    items.push(Item::Ours);
                }
                if *included != self.ours {
                    self.flatten(included, inner, depth + 1, items);
                }
            }
            if ours {
                items.push(Item::Ours);
            }
        }
    }
}

#[cfg(test)]
mod tests;
