//! Whether an address may be blocked: one that this host has, or from which somebody is connected, would lock the operator out.

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use serde::Deserialize;

use super::invocation::{Scene, trouble};
use super::truth::Truth;
use crate::action::audit;
use crate::host::exec::Runner;
use crate::host::tools::{Argv, sockets};

/// How long iproute2 may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Whether an address is neither of this host nor of anybody who is connected over SSH; a private one only where that was agreed to.
pub fn foreign(scene: &Scene<'_>, address: IpAddr) -> Truth {
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() || is_broadcast(address) {
        return Truth::Fails(format!("{address} is no address of another host"));
    }
    if audit::from().and_then(|from| from.parse::<IpAddr>().ok()).map(|from| from.to_canonical()) == Some(address) {
        return Truth::Fails(format!("{address} is where you are connected from"));
    }
    match own(scene) {
        Ok(own) if own.contains(&address) => return Truth::Fails(format!("{address} is an address of this host")),
        Ok(_) => {}
        Err(why) => return Truth::Unknown(format!("the addresses of this host: {why}")),
    }
    match connected(scene) {
        Ok(peers) if peers.contains(&address) => {
            return Truth::Fails(format!("{address} is connected to this host over SSH now"));
        }
        Ok(_) => {}
        Err(why) => return Truth::Unknown(format!("who is connected over SSH: {why}")),
    }
    if is_private(address) && !scene.yes {
        return Truth::Fails(format!("{address} is a private address, perhaps of your own network; --yes blocks it"));
    }
    Truth::Holds(format!("{address} is neither this host nor connected to it over SSH"))
}

fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_broadcast())
}

/// RFC 1918, RFC 4193, link-local and shared address space.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            address.is_private() || address.is_link_local() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[derive(Deserialize)]
struct Interface {
    #[serde(default)]
    addr_info: Vec<Info>,
}

#[derive(Deserialize)]
struct Info {
    local: Option<IpAddr>,
    broadcast: Option<IpAddr>,
    prefixlen: Option<u32>,
}

impl Info {
    /// The first and the last address of the network, which are no hosts of it.
    fn ends(&self) -> Option<[IpAddr; 2]> {
        let (IpAddr::V4(local), prefix) = (self.local?, self.prefixlen?) else { return None };
        let hosts = u32::MAX.checked_shr(prefix).unwrap_or_default();
        let network = local.to_bits() & !hosts;
        Some([network, network | hosts].map(|bits| IpAddr::V4(bits.into())))
    }
}

/// Addresses of this host's interfaces, out of `ip -j address`.
fn addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let interfaces: Vec<Interface> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let all = interfaces.into_iter().flat_map(|interface| interface.addr_info);
    let of = |info: Info| {
        let ends = info.ends();
        [info.local, info.broadcast].into_iter().flatten().chain(ends.into_iter().flatten())
    };
    let mut found: Vec<IpAddr> = all.flat_map(of).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn own(scene: &Scene<'_>) -> Result<Vec<IpAddr>, String> {
    let argv = Argv::new("ip", ["-j", "address"]);
    let limit = scene.context.within(LIMIT);
    let output = scene.context.processes().run(&argv, limit).map_err(|error| error.to_string())?;
    match trouble(&output) {
        Some(trouble) => Err(format!("{argv}: {trouble}")),
        None => addresses(&String::from_utf8_lossy(&output.stdout)),
    }
}

/// From where somebody is logged in over SSH. Whoever asks may do so through sudo or tmux, which keep no trace of it; a connection that
/// has not logged in may be the one that is to be blocked, so it does not count.
fn connected(scene: &Scene<'_>) -> Result<Vec<IpAddr>, String> {
    let system = scene.context.system;
    let names = system.process_names();
    let is_sshd = |pid: u32| {
        let by_root = system.metadata(format!("/proc/{pid}")).is_ok_and(|it| it.uid() == 0);
        by_root && names.get(&pid).is_some_and(|name| name.starts_with("sshd"))
    };
    let is_session = |(pid, words): &(u32, Vec<String>)| {
        words.first().is_some_and(|title| logs_in(title)) && system.parent_of(*pid).is_some_and(is_sshd)
    };
    let sessions: Vec<u32> = system.command_lines().into_iter().filter(is_session).map(|(pid, _)| pid).collect();
    let inodes: Vec<u64> = sessions.iter().filter_map(|pid| system.sockets_of(*pid)).flatten().collect();
    let mut peers = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        match system.read(table) {
            Ok(text) => peers.extend(sockets::peers(&text)),
            // A kernel without IPv6 has no such table.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{table}: {error}")),
        }
    }
    let of_ssh = |peer: &&sockets::Peer| inodes.contains(&peer.inode);
    Ok(peers.iter().filter(of_ssh).map(|peer| peer.remote.ip().to_canonical()).collect())
}

/// Whether sshd calls a process so that serves somebody who has logged in: `sshd-session: alice@pts/0`, and not `sshd: alice [net]`.
fn logs_in(title: &str) -> bool {
    let user = title.strip_prefix("sshd: ").or_else(|| title.strip_prefix("sshd-session: "));
    user.is_some_and(|user| user.contains('@') && !user.contains('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_those_of_ones_own_network() {
        for private in ["10.0.0.1", "172.31.255.1", "192.168.1.1", "169.254.1.1", "100.64.0.1", "fd00::1", "fe80::1"] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in ["9.9.9.9", "172.32.0.1", "100.128.0.1", "2001:db8::1", "11.0.0.1"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn only_who_has_logged_in_counts() {
        for title in ["sshd: root@pts/0", "sshd-session: alice@notty", "sshd: bob@pts/1,pts/2"] {
            assert!(logs_in(title), "{title}");
        }
        for title in ["sshd: alice [priv]", "sshd-session: unknown [net]", "sshd: [accepted]", "/usr/sbin/sshd -D", ""]
        {
            assert!(!logs_in(title), "{title}");
        }
    }

    #[test]
    fn addresses_of_interfaces_are_read_as_iproute2_prints_them() {
        let text = r#"[{"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":32}]},{},
            {"ifname":"eth0","addr_info":[{"local":"192.0.2.7","prefixlen":24},{"local":"2001:db8::7"},{}]}]"#;
        let found: Vec<String> = addresses(text).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(found, ["127.0.0.1", "192.0.2.0", "192.0.2.7", "192.0.2.255", "2001:db8::7"]);
        for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            assert!(addresses(&text[..cut]).is_err(), "{cut}");
        }
    }
}
