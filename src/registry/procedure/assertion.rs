//! What must hold before a step, after it, or when a procedure is done.

use super::super::service::Service;
use super::invocation::Invocation;

/// What can be checked on the host. It holds, does not hold, or is unknown; what is unknown never counts as holding.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// static OPEN: Assertion = Assertion::All(&[
///     Assertion::Healthy(&SHOP),
///     Assertion::Not(&Assertion::Exists("/srv/shop/closed")),
///     Assertion::Command(
///         Invocation::new(&["ufw", "status"]).expects("(?m)^Status: active").means("ufw is active", "ufw is not active"),
///     ),
/// ]);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Assertion {
    /// The service runs and its own probes pass; where it has none, its manager reports that it runs.
    Healthy(&'static Service),
    /// The service does not run.
    Stopped(&'static Service),
    /// Something is at this absolute path.
    Exists(&'static str),
    /// A program of this name is installed where commands are looked for.
    Installed(&'static str),
    /// The command succeeds, and prints what it is expected to. It must only read, and say what it [means](Invocation::means).
    Command(Invocation),
    /// An address that may be blocked: none of this host, of the loopback, of the caller or of anybody who is connected over SSH. The
    /// name of the parameter.
    Foreign(&'static str),
    /// An address of IPv6. The name of the parameter.
    IsIpv6(&'static str),
    /// A service of this host answers at this port and path over HTTP with success, and its body matches this regular expression.
    Answers(u16, &'static str, &'static str),
    /// So many bytes are free on the file system that holds this absolute path. The name of the parameter.
    Free(&'static str, &'static str),
    /// This does not hold.
    Not(&'static Assertion),
    /// All of these hold.
    All(&'static [Assertion]),
    /// At least one of these holds.
    Any(&'static [Assertion]),
}
