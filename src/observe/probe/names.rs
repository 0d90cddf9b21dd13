//! Which certificates this host keeps, by what stands in them: the name of a directory is whatever certbot made of it.

use std::io::ErrorKind;

use jiff::Timestamp;

use super::Door;
use super::tls;
use crate::host::files::Entry;
use crate::host::tools::nginx;
use crate::host::trouble::Trouble;

/// Where certbot keeps a directory for each certificate.
const CERTBOT: &str = "/etc/letsencrypt/live";
/// Where Caddy keeps a directory for each issuer, and in it one for each certificate.
const CADDY: &str = "/var/lib/caddy/.local/share/caddy/certificates";
/// Where nginx is told of sites.
const NGINX: [&str; 2] = ["/etc/nginx/sites-enabled", "/etc/nginx/conf.d"];
/// A certificate with its chain has some kilobytes.
const PEM_LIMIT: u64 = 256 << 10;
/// How many files are read.
const MOST: usize = 200;

/// A certificate on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDisk {
    /// Where it is.
    pub path: String,
    /// DNS names it is for.
    pub names: Vec<String>,
    /// End of its validity; `None` where only its directory's name is known.
    pub not_after: Option<Timestamp>,
}

/// The certificates that this host keeps where servers look for them, and why that may not be all.
pub(super) fn on_disk(door: Door<'_>) -> (Vec<OnDisk>, Option<Trouble>) {
    let mut trouble = None;
    let mut dirs = |path: &str| -> Vec<String> {
        match door.system.list(path) {
            Ok(entries) => {
                let name = |entry: Entry| entry.is_dir().then(|| entry.name.into_string().ok()).flatten();
                let mut names: Vec<String> =
                    entries.into_iter().filter_map(name).map(|name| format!("{path}/{name}")).collect();
                names.sort();
                names
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Vec::new(),
            Err(error) => {
                trouble = Some(match error.kind() {
                    ErrorKind::PermissionDenied => Trouble::NeedsRoot("to see which certificates this host keeps"),
                    _ => crate::host::trouble::of_file(path, &error),
                });
                Vec::new()
            }
        }
    };
    let mut files: Vec<String> = dirs(CERTBOT).into_iter().map(|dir| format!("{dir}/cert.pem")).collect();
    for issuer in dirs(CADDY) {
        let name = |dir: &String| dir.rsplit('/').next().map(|name| format!("{dir}/{name}.crt"));
        files.extend(dirs(&issuer).iter().filter_map(name));
    }
    files.extend(named_by_nginx(door));
    files.sort();
    files.dedup();
    let mut found: Vec<OnDisk> = Vec::new();
    for path in files.into_iter().take(MOST) {
        match door.system.read_bytes(&path, PEM_LIMIT) {
            Ok(pem) => {
                if let Some((names, not_after)) = tls::first_of(&pem) {
                    found.push(OnDisk { path, names, not_after: Some(not_after) });
                }
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                trouble = Some(Trouble::NeedsRoot("to read the certificates of this host"));
            }
            // The directory of one that is not there may still tell where to look.
            Err(_) => {
                let name = path.strip_prefix(CERTBOT).and_then(|rest| rest.split('/').nth(1));
                if let Some(name) = name.filter(|name| name.contains('.')) {
                    found.push(OnDisk { path: path.clone(), names: vec![name.to_owned()], not_after: None });
                }
            }
        }
    }
    (found, trouble)
}

/// Files of certificates that nginx's configuration names. What it has loaded may differ: what is served decides.
fn named_by_nginx(door: Door<'_>) -> Vec<String> {
    let texts = NGINX.iter().flat_map(|dir| {
        let names =
            door.system.list(dir).unwrap_or_default().into_iter().filter_map(|entry| entry.name.into_string().ok());
        names.map(move |name| format!("{dir}/{name}"))
    });
    let texts = texts.chain(["/etc/nginx/nginx.conf".to_owned()]).filter_map(|path| door.system.read(path).ok());
    texts.flat_map(|text| nginx::certificates(&text)).collect()
}
