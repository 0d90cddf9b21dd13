//! Sockets that wait for connections, out of `/proc/net/tcp`, `tcp6` and `unix`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Malformed;

/// A TCP socket that waits for connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    pub address: SocketAddr,
    /// The user who opened it.
    pub uid: u32,
    /// Inode of the socket, which `/proc/PID/fd` names.
    pub inode: u64,
}

impl Listener {
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Whether who connects to the port at `address` of this host comes to it.
    pub fn takes(&self, address: IpAddr) -> bool {
        let own = self.address.ip().to_canonical();
        // An unspecified address of IPv6 takes those of IPv4 as well, unless the program asked for something else.
        own.is_unspecified() || own == address
    }
}

/// Parses `/proc/net/tcp` or `tcp6` to its listeners.
///
/// # Errors
/// When a line is not a socket.
pub fn listeners(text: &str) -> Result<Vec<Listener>, Malformed> {
    const LISTEN: &str = "0A";
    let mut found = Vec::new();
    for line in text.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let parsed = (|| {
            Some((address(words.get(1)?)?, *words.get(3)?, words.get(7)?.parse().ok()?, words.get(9)?.parse().ok()?))
        })();
        match parsed {
            Some((address, LISTEN, uid, inode)) => found.push(Listener { address, uid, inode }),
            Some(_) => {}
            None => return Err(Malformed::new("sockets in /proc/net/tcp", line)),
        }
    }
    Ok(found)
}

/// One side of a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its own address.
    pub local: SocketAddr,
    /// That of the other side.
    pub remote: SocketAddr,
    /// Inode of the socket.
    pub inode: u64,
}

/// Established connections out of `/proc/net/tcp` or `tcp6`; lines of another form are passed over.
pub fn peers(text: &str) -> Vec<Peer> {
    const ESTABLISHED: &str = "01";
    let one = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (local, remote) = (address(words.get(1)?)?, address(words.get(2)?)?);
        (*words.get(3)? == ESTABLISHED).then_some(Peer { local, remote, inode: words.get(9)?.parse().ok()? })
    };
    text.lines().skip(1).filter_map(one).collect()
}

/// How many connections wait to be taken on this port, and how many may, out of `/proc/net/tcp` or `tcp6`: of a listener the
/// queues are counts of connections. The fullest, where several listen.
pub fn backlog(text: &str, port: u16) -> Option<(u64, u64)> {
    let one = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (at, _, state, queues) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let (most, waiting) = queues.split_once(':')?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        (state == "0A" && address(at)?.port() == port).then_some((number(waiting)?, number(most)?))
    };
    text.lines().skip(1).filter_map(one).max()
}

/// The server's end of a connection within this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerEnd {
    /// Whether a program has taken it: until then no descriptor, and so no inode, belongs to it.
    pub is_accepted: bool,
    /// How many bytes have come that no program has read.
    pub unread: u64,
}

/// The server's end of the connection from `client` to `server`, out of `/proc/net/tcp` or `tcp6`. `None` where the table does not
/// have it: the server is in another network namespace, or the address was rewritten on the way.
pub fn server_end(text: &str, client: SocketAddr, server: SocketAddr) -> Option<ServerEnd> {
    const OPEN: [&str; 2] = ["01", "03"];
    let same = |text: &str, wanted: SocketAddr| {
        let found = address(text)?;
        Some(found.port() == wanted.port() && found.ip().to_canonical() == wanted.ip().to_canonical())
    };
    let one = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (own, other, state, queues) = (words.next()?, words.next()?, words.next()?, words.next()?);
        if !OPEN.contains(&state) || !same(own, server)? || !same(other, client)? {
            return None;
        }
        let (_, received) = queues.split_once(':')?;
        let inode: u64 = words.nth(4)?.parse().ok()?;
        Some(ServerEnd { is_accepted: inode != 0, unread: u64::from_str_radix(received, 16).ok()? })
    };
    text.lines().skip(1).find_map(one)
}

/// `0100007F:0BB9`: each 32 bits of an address in the byte order of the machine, the port as a number.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(ip.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let mut bytes = [0; 16];
            bytes.iter_mut().zip(words.iter().flatten()).for_each(|(byte, part)| *byte = *part);
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// Parses `/proc/net/unix` to the stream sockets that wait for connections and have a path: inode and path. Lines of another
/// form, and names that are no paths, are passed over.
pub fn unix_listeners(text: &str) -> Vec<(u64, String)> {
    const ACCEPTS: u32 = 1 << 16;
    let one = |line: &str| {
        // Num RefCount Protocol Flags Type St Inode Path
        let mut rest = line;
        let mut word = || {
            let (word, tail) = rest.trim_start().split_once(' ')?;
            rest = tail;
            Some(word)
        };
        let (_, _, _) = (word()?, word()?, word()?);
        let flags = u32::from_str_radix(word()?, 16).ok()?;
        let (kind, _, inode) = (word()?, word()?, word()?.parse().ok()?);
        let path = rest.trim_start();
        (flags & ACCEPTS != 0 && kind == "0001" && path.starts_with('/')).then(|| (inode, path.to_owned()))
    };
    text.lines().skip(1).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listeners_are_told() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:0BB9 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0\n\
            1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1 0 20 4 30 10 -1\n\
            2: 00000000000000000000000001000000:18EB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 7 1\n";
        let told: Vec<_> = listeners(text).unwrap().iter().map(|l| (l.address.to_string(), l.inode)).collect();
        assert_eq!(told, [("127.0.0.1:3001".to_owned(), 4242), ("[::1]:6379".to_owned(), 7)]);
        assert_eq!(listeners(""), Ok(vec![]));
        for text in [
            "header\nrubbish\n",
            "header\n0: 01:0BB9 0 0A 0 0 0 0 0 1\n",
            "header\n0: 0100007é:0BB9 0 0A 0 0 0 0 0 1\n",
        ] {
            assert!(listeners(text).is_err(), "{text}");
        }
    }

    #[test]
    fn how_many_wait_at_a_listener() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:0BB9 00000000:0000 0A 00000080:00000081 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0\n\
            1: 0100007F:0BB9 0100007F:9C40 01 0000FFFF:0000FFFF 00:00000000 00000000  1000        0 4243 1 0 20 4 30 10 -1\n";
        assert_eq!(backlog(text, 3001), Some((129, 128)));
        assert_eq!((backlog(text, 3002), backlog("", 1), backlog("x\ny z", 1)), (None, None, None));
    }

    #[test]
    fn the_servers_end_of_a_connection() {
        let four = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000001 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0\n\
            1: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1 0 20 4 30 10 -1\n\
            2: 0100007F:1F90 0100007F:9C40 01 00000000:0000005A 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1\n\
            3: 0100007F:1F90 0100007F:9C41 01 00000000:00000000 00:00000000 00000000  1000        0 4244 1 0 20 4 30 10 -1\n\
            4: 0100007F:1F90 0100007F:9C42 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0\n\
            5: 0100007F:1F90 0100007F:9C43 03 00000000:00000000 01:00000000 00000000     0        0 0 1 0\n\
            6: 0100007F:1F90 0100007F:9C44 01 0000";
        let six = "header\n\
            0: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:9C40 01 00000000:00000010 00:00000000 00000000 0 0 77 1\n";
        let end = |text: &str, client: u16, server: u16| {
            let local = |port: u16| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
            server_end(text, local(client), local(server)).map(|end| (end.is_accepted, end.unread))
        };
        assert_eq!(end(four, 40_000, 8080), Some((false, 90)));
        assert_eq!(end(four, 40_001, 8080), Some((true, 0)));
        // Not yet in the queue of those who wait to be accepted: that is full.
        assert_eq!(end(four, 40_003, 8080), Some((false, 0)));
        // A server that listens at all addresses of IPv6 has those of IPv4 in their mapped form.
        assert_eq!(end(six, 40_000, 8080), Some((true, 16)));
        // Closed; cut off; a connection to another port; no table.
        for (text, client, server) in
            [(four, 40_002, 8080), (four, 40_004, 8080), (four, 40_000, 80), ("", 40_000, 8080)]
        {
            assert_eq!(end(text, client, server), None, "{client} {server}");
        }
    }

    #[test]
    fn what_comes_to_a_listener() {
        let takes = |own: &str, asked: &str| {
            Listener { address: own.parse().unwrap(), uid: 0, inode: 1 }.takes(asked.parse().unwrap())
        };
        for own in ["0.0.0.0:80", "[::]:80", "127.0.0.1:80", "[::ffff:127.0.0.1]:80"] {
            assert!(takes(own, "127.0.0.1"), "{own}");
        }
        for own in ["[::1]:80", "10.0.0.5:80", "127.0.0.2:80"] {
            assert!(!takes(own, "127.0.0.1"), "{own}");
        }
    }

    #[test]
    fn streams_with_a_path_that_wait_for_connections() {
        let text = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 20599691 /var/run/postgresql/.s.PGSQL.5433\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 20599692 /run/with a blank/s\n\
            0000000000000000: 00000003 00000000 00000000 0001 03 20599693 /run/connected\n\
            0000000000000000: 00000002 00000000 00010000 0005 01 20599694 /run/packets\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 20599695 @abstract\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 20599696\n\
            rubbish\n";
        let wanted = [(20_599_691, "/var/run/postgresql/.s.PGSQL.5433"), (20_599_692, "/run/with a blank/s")];
        assert_eq!(unix_listeners(text), wanted.map(|(inode, path)| (inode, path.to_owned())));
        assert_eq!(unix_listeners(""), []);
    }
}
