//! Certificates and keys that nginx's files name: what it would serve after a reload.

use super::daemons::nginx_files;
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::tools::nginx::sites;
use crate::host::trouble::{Trouble, of_file};
use crate::observe::probe::{Answer, PairFacts, pair};

/// A certificate with its chain, or a key, has some kilobytes.
const PEM_LIMIT: u64 = 256 << 10;

/// A certificate and a key beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Host names of the sites that use them.
    pub hosts: Vec<String>,
    /// Path of the certificate.
    pub certificate: String,
    /// Path of the key.
    pub key: String,
    /// What is in them.
    pub facts: PairFacts,
}

/// Reads all of them. What is missing or no certificate is another cause's matter.
pub fn look(system: &System) -> Answer<Vec<Pair>> {
    let read = || -> Result<Vec<Pair>, Trouble> {
        let texts: Vec<String> = nginx_files(system)?.into_iter().map(|file| file.text).collect();
        let mut found: Vec<Pair> = Vec::new();
        for site in sites::sites(&texts) {
            let Some((certificate, key)) = site.pair else { continue };
            if let Some(known) = found.iter_mut().find(|pair| pair.certificate == certificate && pair.key == key) {
                known.hosts.extend(site.hosts);
                continue;
            }
            let bytes = |path: &str| match system.read_bytes(path, PEM_LIMIT) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    Err(Trouble::denied("to read its certificates and keys"))
                }
                Err(error) => Err(of_file(path, &error)),
            };
            if let (Some(chain), Some(secret)) = (bytes(&certificate)?, bytes(&key)?)
                && let Some(facts) = pair(&chain, &secret)
            {
                found.push(Pair { hosts: site.hosts, certificate, key, facts });
            }
        }
        Ok(found)
    };
    Answer { command: Command::new(["nginx", "-T", "-q"]), result: read() }
}
