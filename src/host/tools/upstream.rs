//! Where a reverse proxy sends requests.

/// How an address of this host begins, up to its port.
pub const LOOPBACK: [&str; 3] = ["localhost:", "127.0.0.1:", "[::1]:"];

/// A host, a path and the upstream they are sent to, as a reverse proxy's configuration states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Host name.
    pub host: String,
    /// Path prefix; `/` for all.
    pub path: String,
    /// `address:port`.
    pub address: String,
}

impl Upstream {
    /// Whether it is on this host.
    pub fn is_local(&self) -> bool {
        LOOPBACK.iter().any(|name| self.address.starts_with(name))
    }

    /// The path of [`Upstream::address`], where that is a socket: nginx writes `unix:/run/app.sock:/uri`, Caddy `unix//run/app.sock`.
    pub fn socket(&self) -> Option<&str> {
        let (network, rest) = self.address.split_at_checked(self.address.find([':', '/'])?)?;
        let path = rest[1..].split([':', '|']).next().filter(|path| path.starts_with('/'));
        path.filter(|_| network == "unix" || network.starts_with("unix+"))
    }

    /// The port of [`Upstream::address`].
    pub fn port(&self) -> Option<u16> {
        self.address.rsplit_once(':')?.1.parse().ok()
    }
}
