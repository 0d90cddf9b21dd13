//! How a deployment is taken out of service on purpose, as its runbook says it: by a page in place of the site, or by
//! stopping what users reach.

use super::service::Service;

/// The maintenance mode of a deployment.
#[derive(Debug)]
pub enum Maintenance {
    /// The runbook has none; the text says what comes nearest.
    None(&'static str),
    /// The reverse proxy answers every visitor with 503 and a message.
    Page(Page),
    /// Services are stopped, and started again when it is over.
    Stop(Stop),
}

/// A page that nginx shows in place of the site.
#[derive(Debug)]
pub struct Page {
    /// nginx itself.
    pub proxy: &'static Service,
    /// The file of our own that makes nginx show it, absolute; in a directory that nginx's configuration includes.
    pub file: &'static str,
    /// Port at which visitors reach the site over TLS.
    pub port: u16,
    /// Path that nginx itself answers for the whole host, and goes on answering for requests from this host.
    pub health: &'static str,
    /// What visitors read when the operator says nothing else.
    pub message: &'static str,
    /// `Retry-After`, seconds.
    pub retry_after_seconds: u32,
    /// What it means for users.
    pub effect: &'static str,
}

/// Services that are stopped.
#[derive(Debug)]
pub struct Stop {
    /// Which.
    pub services: &'static [&'static Service],
    /// What it means for users.
    pub effect: &'static str,
}
