//! What runs against what is configured, and who answers where a service should.

/// A difference between what runs and what is configured.
///
/// ```
/// # use opsctl::registry::*;
/// let moved = Clue::Drift(Drift::PortMoved);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Drift {
    /// Its unit or an env file of it sets the port on which its own processes listen instead of its main port.
    Port,
    /// It is judged where it is found, and a drop-in that is new moved it there from its main port, where nobody listens.
    PortMoved,
    /// A setting of its unit keeps its processes off the network of the host.
    Network,
    /// A setting of its unit takes away a path that it needs: its program, its directory, its data.
    Paths,
    /// Its unit states another user or directory than the registry.
    Identity,
    /// It has reached a bound that its unit files state: memory, processor, tasks, open files.
    Bound,
    /// systemd has waited for a step of its start for longer than starts take.
    Hangs,
    /// Its process was started with other values than its env files have now.
    Environment,
    /// It was written to its configuration files since it last read them.
    Configuration,
    /// Its files have a newer certificate for a name than the one that is served.
    Certificate,
    /// A private key that its files name does not belong to the certificate beside it.
    Key,
    /// Its container was made with other values than its compose files have now.
    Container,
    /// The tag of its container's image names another image by now.
    Image,
    /// pm2 starts it from a file that does not exist.
    Script,
}

/// Who answers where a service should.
///
/// ```
/// # use opsctl::registry::*;
/// let dead = Clue::Route(Passage::Dead);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Passage {
    /// Another service of the deployment listens on its main port.
    Swapped,
    /// pm2 runs it with the port of another application, and that one with its own.
    SwappedApps,
    /// What answers on its main port names itself as another service does.
    Impostor,
    /// The edge answers visitors of one of its routes with 502, 503 or 504, and itself it answers otherwise.
    Broken,
    /// The edge answers visitors of one of its routes as another service does.
    Elsewhere,
    /// The edge sends visitors of one of its routes to another port of this host than the registry has.
    Differs,
    /// It is the edge, and answers visitors of a site with 502, 503 or 504, because nobody listens where it sends them.
    Dead,
}
