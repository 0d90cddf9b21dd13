//! How names become addresses: `/etc/resolv.conf` (resolv.conf(5)), `/etc/nsswitch.conf` (nsswitch.conf(5)), `/etc/hosts`
//! (hosts(5)), and who listens for such questions.

use std::net::IpAddr;

/// Name servers that are named.
pub fn nameservers(conf: &str) -> Vec<&str> {
    let servers = conf.lines().filter_map(|line| line.trim_start().strip_prefix("nameserver"));
    servers.filter(|rest| rest.starts_with([' ', '\t'])).filter_map(|rest| rest.split_whitespace().next()).collect()
}

/// Where names of hosts are looked up, in order; `None` where nothing is said.
pub fn sources(nsswitch: &str) -> Option<Vec<&str>> {
    let line = nsswitch.lines().find_map(|line| line.trim_start().strip_prefix("hosts:"))?;
    let line = line.split('#').next().unwrap_or_default();
    Some(line.split_whitespace().filter(|word| !word.starts_with('[') && !word.ends_with(']')).collect())
}

/// Addresses of a name in a hosts file.
pub fn addresses(hosts: &str, name: &str) -> Vec<IpAddr> {
    let one = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    };
    hosts.lines().filter_map(one).collect()
}

/// Whether `/proc/net/udp` or `udp6` shows a socket at this port.
pub fn is_bound(table: &str, port: u16) -> bool {
    let wanted = format!(":{port:04X}");
    table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).any(|local| local.ends_with(&wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_rest_on_is_read() {
        assert_eq!(
            nameservers("# nameserver 1.1.1.1\nnameserver 127.0.0.53\nsearch x\n nameserver  ::1 \n"),
            ["127.0.0.53", "::1"]
        );
        assert!(nameservers("").is_empty());
        let switch = "passwd: files\nhosts:  files resolve [!UNAVAIL=return] dns # x\n";
        assert_eq!(sources(switch), Some(vec!["files", "resolve", "dns"]));
        assert_eq!(sources("passwd: files\n"), None);
        let hosts =
            "127.0.0.1 localhost a # localhost\n::1 ip6-localhost LOCALHOST\nx localhost\n# 10.0.0.1 localhost\n";
        let found: Vec<String> = addresses(hosts, "localhost").iter().map(ToString::to_string).collect();
        assert_eq!(found, ["127.0.0.1", "::1"]);
        let table = "  sl  local_address rem\n 10: 3500007F:0035 00000000:0000 07\n";
        assert!(is_bound(table, 53) && !is_bound(table, 54) && !is_bound("", 53));
    }
}
