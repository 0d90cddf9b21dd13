//! Maintenance: how a deployment is taken out of service on purpose. What `opsctl maintenance` does.
//!
//! # How to write the maintenance mode of a deployment
//! [`Deployment::maintenance`](super::Deployment::maintenance) takes one of three forms:
//!
//! - [`Maintenance::Page`]: nginx answers every visitor with 503 and a message.
//! - [`Maintenance::Stop`]: services that users reach are stopped, and started again when it is over.
//! - [`Maintenance::None`]: the runbook has no such mode; the text says what comes nearest.
//!
//! ```
//! use opsctl::registry::{Level, Maintenance, Manager, Page, Service, Unit};
//! # static DOWN: Level = Level::new("P1").criterion("c").response("r").action("a");
//! static NGINX: Service = Service::new("nginx", &DOWN)
//!     .summary("reverse proxy")
//!     .severity_reason("all sites are reached through it")
//!     .managers(&[Manager::Systemd(Unit::new("nginx.service"))])
//!     .ports(&[443]);
//!
//! const MAINTENANCE: Maintenance = Maintenance::Page(
//!     Page::new("/etc/nginx/conf.d/00-opsctl-maintenance.conf", &NGINX, 443)
//!         .health("/health")
//!         .message("The shop is being repaired. Please try again in a while.")
//!         .retry_after_seconds(600)
//!         .effect("every visitor gets 503 and the message"),
//! );
//! ```

use super::service::Service;

/// The maintenance mode of a deployment.
///
/// ```
/// # use opsctl::registry::*;
/// let none = Maintenance::None("the shop has no visitors at night");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Maintenance {
    /// The runbook has none. The text, not empty, says what to do instead: `stop what must rest: opsctl stop SERVICE`.
    None(&'static str),
    /// The reverse proxy answers every visitor with 503 and a message.
    Page(Page),
    /// Services are stopped, and started again when it is over.
    Stop(Stop),
}

/// A page that nginx shows in place of the site.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// let page = Page::new("/etc/nginx/maintenance.conf", &SHOP, 443)
///     .health("/health")
///     .message("back at 14:00")
///     .effect("visitors see a page");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Page {
    /// nginx itself.
    pub proxy: &'static Service,
    /// The file that makes nginx show the page, absolute; opsctl writes and removes it.
    pub file: &'static str,
    /// Port at which visitors reach the site over TLS.
    pub port: u16,
    /// Path that nginx itself answers for the whole host, and goes on answering for requests from this host.
    pub health: &'static str,
    /// What visitors read when the operator gives no other message.
    pub message: &'static str,
    /// `Retry-After`, seconds.
    pub retry_after_seconds: u32,
    /// What it means for users.
    pub effect: &'static str,
}

impl Page {
    /// A page of `proxy`, an nginx, for the site that visitors reach over TLS at `port`, one of the ports of `proxy`. opsctl
    /// writes `file` to show it and removes it afterwards: an absolute path, of no existing file, in a directory that nginx's
    /// configuration includes before the site. Everything else must follow.
    pub const fn new(file: &'static str, proxy: &'static Service, port: u16) -> Self {
        Page { proxy, file, port, health: "", message: "", retry_after_seconds: 0, effect: "" }
    }

    /// Path, beginning with `/`, that nginx itself answers for the whole host. Requests from this host are answered there
    /// during maintenance as well. Required.
    pub const fn health(mut self, path: &'static str) -> Self {
        self.health = path;
        self
    }

    /// What visitors read when the operator gives no other message. Required.
    pub const fn message(mut self, text: &'static str) -> Self {
        self.message = text;
        self
    }

    /// `Retry-After` of the answer, seconds, above 0. Required.
    pub const fn retry_after_seconds(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = seconds;
        self
    }

    /// What it means for users, shown before the operator consents. Required.
    pub const fn effect(mut self, text: &'static str) -> Self {
        self.effect = text;
        self
    }
}

/// Services that are stopped.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// static STOP: Maintenance = Maintenance::Stop(Stop::new(&[&SHOP]).effect("nobody can order"));
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Stop {
    /// Which.
    pub services: &'static [&'static Service],
    /// What it means for users.
    pub effect: &'static str,
}

impl Stop {
    /// These services of the deployment, at least one, are stopped. [`effect`](Self::effect) must follow.
    pub const fn new(services: &'static [&'static Service]) -> Self {
        Stop { services, effect: "" }
    }

    /// What it means for users, shown before the operator consents. Required.
    pub const fn effect(mut self, text: &'static str) -> Self {
        self.effect = text;
        self
    }
}
