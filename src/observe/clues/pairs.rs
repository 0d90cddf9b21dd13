//! Certificates and keys that lie beside each other below directories of a service: those of one that reports that it cannot use
//! its certificate, and does not name the files.

use std::collections::BTreeMap;

use crate::host::system::System;
use crate::observe::probe::{PairFacts, pair};

/// How deep below a directory, how many directories in all, and how many files in each.
const DEPTH: usize = 4;
const DIRECTORIES: usize = 60;
const FILES: usize = 100;
/// A certificate with its chain, or a key, has some kilobytes.
const PEM_LIMIT: u64 = 256 << 10;

/// A certificate and a key of one name in one directory, or the only ones there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// Path of the certificate.
    pub certificate: String,
    /// Path of the key.
    pub key: String,
    /// What is in them.
    pub facts: PairFacts,
}

/// Those below these directories. What cannot be read is left out: it proves nothing.
pub(super) fn below(system: &System, directories: &[String]) -> Vec<Beside> {
    let mut found = Vec::new();
    let mut open: Vec<(String, usize)> = directories.iter().map(|directory| (directory.clone(), 0)).collect();
    let mut seen = 0;
    while let Some((directory, depth)) = open.pop() {
        seen += 1;
        let names = system.names(&directory).unwrap_or_default();
        if seen > DIRECTORIES || names.len() > FILES {
            continue;
        }
        let mut files = Vec::new();
        for name in names.into_iter().filter_map(|name| name.into_string().ok()) {
            let path = format!("{}/{name}", directory.trim_end_matches('/'));
            match system.metadata(&path) {
                Ok(meta) if meta.is_dir() && depth < DEPTH => open.push((path, depth + 1)),
                Ok(meta) if meta.is_file() && meta.len() < PEM_LIMIT => files.push(name),
                Ok(_) | Err(_) => {}
            }
        }
        found.extend(pairs(&files).into_iter().filter_map(|(certificate, key)| {
            let path = |name: &str| format!("{}/{name}", directory.trim_end_matches('/'));
            let bytes = |name: &str| system.read_bytes(path(name), PEM_LIMIT).ok();
            let facts = pair(&bytes(certificate)?, &bytes(key)?)?;
            Some(Beside { certificate: path(certificate), key: path(key), facts })
        }));
    }
    found
}

/// Which of these names are a certificate and its key: `a.crt` and `a.key`, `fullchain.pem` and `privkey.pem`, or one of each.
fn pairs(names: &[String]) -> Vec<(&str, &str)> {
    let stem = |name: &str| {
        let (stem, end) = name.rsplit_once('.')?;
        Some((stem.to_owned(), end.to_ascii_lowercase()))
    };
    let is_key = |name: &str| {
        stem(name)
            .is_some_and(|(stem, end)| end == "key" || (end == "pem" && stem.to_ascii_lowercase().contains("key")))
    };
    let is_certificate =
        |name: &str| !is_key(name) && stem(name).is_some_and(|(_, end)| matches!(end.as_str(), "crt" | "cer" | "pem"));
    let mut keys: BTreeMap<String, &str> = BTreeMap::new();
    for name in names.iter().filter(|name| is_key(name)) {
        keys.extend(stem(name).map(|(stem, _)| (stem, name.as_str())));
    }
    let certificates: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_certificate(name)).collect();
    let own = |certificate: &&str| stem(certificate).and_then(|(stem, _)| keys.get(&stem).copied());
    let named: Vec<(&str, &str)> = certificates.iter().filter_map(|name| Some((*name, own(name)?))).collect();
    let chain = certificates.iter().find(|name| **name == "fullchain.pem").or(certificates.first());
    // Let's Encrypt's clients keep the certificate alone, its chain, and both.
    let is_certain = certificates.len() == 1 || chain == Some(&"fullchain.pem");
    match chain {
        Some(chain) if named.is_empty() && keys.len() == 1 && is_certain => {
            keys.values().map(|key| (*chain, *key)).collect()
        }
        Some(_) | None => named,
    }
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn what_belongs_together_by_its_names() {
        for (names, wanted) in [
            (&["mail.crt", "mail.key"][..], &[("mail.crt", "mail.key")][..]),
            (&["a.pem", "a.key", "b.crt", "b.key"], &[("a.pem", "a.key"), ("b.crt", "b.key")]),
            (&["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"], &[("fullchain.pem", "privkey.pem")]),
            (&["server.crt", "private.key"], &[("server.crt", "private.key")]),
            // Which of them is meant is not certain.
            (&["one.crt", "two.crt", "x.key"], &[]),
            (&["ca.crt"], &[]),
            (&["x.key"], &[]),
            (&["readme", "a.txt"], &[]),
        ] {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(pairs(&names), wanted, "{names:?}");
        }
    }
}
