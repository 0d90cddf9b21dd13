//! Redis: what `INFO` says of whether it takes writes (<https://redis.io/docs/latest/commands/info/>).

/// The sections that are wanted, as one command.
pub const SECTIONS: [&str; 1] = ["INFO"];

#[expect(clippy::struct_excessive_bools, reason = "each is an answer of its own")]
/// What a server says of itself. What it does not say is as if all were well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Info {
    /// It reads its data.
    pub loading: bool,
    /// Bytes in use.
    pub used: u64,
    /// Most bytes; 0 for no bound.
    pub most: u64,
    /// What it drops at the bound: `noeviction`.
    pub policy: String,
    /// Commands that it refused for want of memory since it was started; versions before 6.2 do not count them.
    pub refused: u64,
    /// It is a replica.
    pub replica: bool,
    /// It is a replica and has no link to its master.
    pub link_down: bool,
    /// Where its master is.
    pub master: String,
    /// Its last snapshot failed.
    pub snapshot_failed: bool,
    /// Its last write to the append-only file failed.
    pub append_failed: bool,
}

/// Parses the answer to [`SECTIONS`]; `None` where it is none.
pub fn parse(text: &str) -> Option<Info> {
    let field = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim).unwrap_or_default()
    };
    let role = Some(field("role")).filter(|role| !role.is_empty())?;
    let number = |name: &str| field(name).parse().unwrap_or(0);
    Some(Info {
        loading: field("loading") == "1",
        used: number("used_memory"),
        most: number("maxmemory"),
        policy: field("maxmemory_policy").to_owned(),
        refused: field("errorstat_OOM").strip_prefix("count=").and_then(|count| count.parse().ok()).unwrap_or(0),
        replica: role == "slave",
        link_down: field("master_link_status") == "down",
        master: format!("{}:{}", field("master_host"), field("master_port")),
        snapshot_failed: field("rdb_last_bgsave_status") == "err",
        append_failed: field("aof_last_write_status") == "err",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_and_a_replica() {
        let master = "# Memory\nused_memory:900\nused_memory_human:900B\nmaxmemory:1000\nmaxmemory_policy:noeviction\n\
                      # Errorstats\nerrorstat_OOM:count=7\n# Persistence\nloading:0\nrdb_last_bgsave_status:ok\naof_last_write_status:ok\n# Replication\nrole:master\n";
        let info = parse(master).unwrap();
        assert_eq!((info.used, info.most, info.policy.as_str(), info.replica), (900, 1000, "noeviction", false));
        assert_eq!(info.refused, 7);
        assert!(!info.loading && !info.snapshot_failed && !info.link_down);
        let replica = "role:slave\r\nmaster_host:10.0.0.5\r\nmaster_port:6379\r\nmaster_link_status:down\r\nloading:1\r\n\
                       rdb_last_bgsave_status:err\r\naof_last_write_status:err\r\n";
        let info = parse(replica).unwrap();
        assert!(info.replica && info.link_down && info.loading && info.snapshot_failed && info.append_failed);
        assert_eq!(info.master, "10.0.0.5:6379");
        for none in ["", "+OK", "-NOPERM this user has no permissions", "used_memory:5"] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
