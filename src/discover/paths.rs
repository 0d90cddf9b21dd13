//! Sockets that have a path instead of a port: where programs listen, and which of it a text names.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::system::System;
use crate::host::tools::sockets;

/// How many are read at most.
const MOST: usize = 5000;

/// PostgreSQL's name of a socket begins so; clients are given its directory.
const POSTGRES: &str = "/.s.PGSQL.";

/// Paths at which somebody listens, by the inode of the socket.
pub(super) fn listening(system: &System) -> BTreeMap<u64, String> {
    system.read("/proc/net/unix").map(|text| parsed(&text)).unwrap_or_default()
}

fn parsed(text: &str) -> BTreeMap<u64, String> {
    let mut found: BTreeMap<u64, Option<String>> = BTreeMap::new();
    for (inode, path) in sockets::unix_listeners(text).into_iter().take(MOST) {
        // A name with a line break can forge a line: what two lines claim is nobody's.
        found.entry(inode).and_modify(|path| *path = None).or_insert_with(|| plain(&path));
    }
    found.into_iter().filter_map(|(inode, path)| Some((inode, path?))).collect()
}

/// A path as all write it: `/var/run` is `/run`. None where a terminal or tool could take it for more than a path.
pub(super) fn plain(path: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_graphic() && !"\"'\\`$%".contains(c);
    let is_plain = path.starts_with('/') && path.chars().all(fits) && path.split('/').all(|part| part != "..");
    is_plain.then(|| match path.strip_prefix("/var/run/") {
        Some(rest) => format!("/run/{rest}"),
        None => path.to_owned(),
    })
}

/// Which of these sockets an environment names: `redis:///run/redis.sock`, `postgres:///shop?host=/var/run/postgresql`. Nothing of
/// it is kept but paths at which somebody listens.
pub(super) fn named(text: &str, listening: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if listening.is_empty() || !text.contains(['/', '%']) {
        return found;
    }
    for part in text.split(|c: char| c.is_whitespace() || "\"',;?&=@:|<>()".contains(c)) {
        // As the host part of an address it is escaped.
        let host = part.trim_start_matches('/');
        let part = match host.get(..3) {
            Some("%2F" | "%2f") => host.split('/').next().unwrap_or(host).replace("%2F", "/").replace("%2f", "/"),
            _ if part.starts_with('/') => part.to_owned(),
            _ => continue,
        };
        let Some(path) = plain(&format!("/{}", part.trim_matches('/'))) else { continue };
        let below = format!("{path}{POSTGRES}");
        let of_directory = listening.range(below.as_str()..).take_while(|path| path.starts_with(&below));
        found.extend(listening.get(path.as_str()).into_iter().chain(of_directory).map(|path| (*path).to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Num       RefCount Protocol Flags    Type St Inode Path\n";

    fn line(inode: u64, path: &str) -> String {
        format!("0000000000000000: 00000002 00000000 00010000 0001 01 {inode} {path}\n")
    }

    #[test]
    fn only_plain_paths_with_one_line_are_taken() {
        let table = [
            (1, "/var/run/postgresql/.s.PGSQL.5432"),
            (2, "@/abstract"),
            (3, "/run/with a blank"),
            (4, "/run/\u{1b}[2J"),
            (5, "/run/../etc/x"),
            (6, "/run/app.sock"),
            // Another's inode, after the line break of a name.
            (7, "/tmp/x\n0: 2 0 00010000 0001 01 6 /run/docker.sock"),
            (8, "/run/\u{fffd}"),
        ];
        let text: String = table.iter().map(|(inode, path)| line(*inode, path)).collect();
        let found = parsed(&format!("{HEAD}{text}"));
        let wanted = [(1, "/run/postgresql/.s.PGSQL.5432"), (7, "/tmp/x")];
        assert_eq!(found, wanted.map(|(inode, path)| (inode, path.to_owned())).into());
        let many: String = (0..6000).map(|inode| line(inode, &format!("/run/{inode}"))).collect();
        assert_eq!(parsed(&format!("{HEAD}{many}")).len(), MOST);
    }

    #[test]
    fn an_environment_names_sockets_in_many_forms() {
        let listening = BTreeSet::from(["/run/app.sock", "/run/postgresql/.s.PGSQL.5432", "/run/redis/redis.sock"]);
        let of = |text: &str| named(text, &listening).into_iter().collect::<Vec<_>>();
        let postgres = ["/run/postgresql/.s.PGSQL.5432"];
        for text in [
            "DATABASE_URL=postgres:///shop?host=/var/run/postgresql",
            "DATABASE_URL=\"postgresql://shop@%2Fvar%2Frun%2Fpostgresql/shop\" X=1",
            "DATABASE_URL=postgresql://%2frun%2Fpostgresql",
            "PGHOST=/var/run/postgresql/",
            "DSN='host=/run/postgresql user=shop'",
        ] {
            assert_eq!(of(text), postgres, "{text}");
        }
        for text in
            ["A=redis:///run/redis/redis.sock?db=1", "A=unix:/run/redis/redis.sock", "A=/var/run/redis/redis.sock"]
        {
            assert_eq!(of(text), ["/run/redis/redis.sock"], "{text}");
        }
        assert_eq!(of("A=http://unix:/run/app.sock:/v1 B=unix:///run/app.sock"), ["/run/app.sock"]);
        for text in
            ["A=/run/app.sock.bak", "A=/run", "A=/srv/run/app.sock", "SECRET=x/run/app.sock", "A=/run/redis", ""]
        {
            assert_eq!(of(text), Vec::<String>::new(), "{text}");
        }
    }
}
