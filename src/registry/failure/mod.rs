//! Failures: what can go wrong, as data. A [`Failure`] is what an operator sees, its [`Cause`]s are what may be behind it,
//! each with a [`Clue`] that proves it and the [`Fix`]es for it. What `opsctl diagnose` and `opsctl explain` read.
//!
//! # How to write the failures of a deployment
//! A `static` each, in a file `failures.rs`, and a table of references to them for
//! [`Deployment::failures`](super::Deployment::failures):
//!
//! - A failure is named by its slug. Its causes come in groups, so that those that every deployment has
//!   ([`usual`](super::usual)) are listed once and shared.
//! - A cause is looked for with each of its subjects ([`About`]); a clue that speaks of "the service" means that subject.
//!   Codes are written without the deployment (`NETWORK-UNKNOWN`) and reported with it (`PRIM-NETWORK-UNKNOWN`).
//! - A clue is proven, ruled out, or unknown. `All` is ruled out by one that is ruled out and `Any` proven by one that is
//!   proven, whatever is unknown beside it; otherwise one unknown makes the whole unknown. Put what `status` knows
//!   (state, probes, resources) into an `All` with what has to be asked for (logs, files, env files, requests): where the
//!   former rules it out, the latter is never asked.
//! - A [`Depth::Root`] says why; a [`Depth::Effect`] only says what, and is reported where no root of the same subject is
//!   proven. Of several effects of one subject the first counts.
//! - Order counts: a cause that several failures have is reported as the first one's, and of several effects the first counts.
//!   Put what is particular (one service's failure) before what is general.
//! - Texts may hold `{service}`, `{unit}`, `{port}` (its main one) and `{env}` (its env file) of the subject, `{mount}` where a
//!   cause is about a file system, and `{thing}` where the proof names what is at fault: a path, `HOST:PORT`, a role. It is quoted
//!   from the host, so that only a command that reads may hold it.
//! - Every clue only reads. A [`Question`] must be a command that changes nothing, spawns nothing that stays and uses up
//!   nothing (no login attempts).
//!
//! ```
//! use opsctl::registry::{
//!     About, Cause, Clue, EnvClue, Failure, Fix, Level, Manager, Remedy, Risk, Service, Unit, Window, usual,
//! };
//! # static DOWN: Level = Level::new("P1").criterion("c").response("r").action("a");
//! # static SHOP: Service = Service::new("shop", &DOWN).managers(&[Manager::Systemd(Unit::new("shop.service"))]);
//!
//! static SHOP_DOWN: Failure = Failure::new("shop-down", &[&[&DATABASE_REFUSES], usual::SERVICE])
//!     .summary("the shop does not answer")
//!     .section("3. The shop is down")
//!     .aliases(&["502"])
//!     .services(&[&SHOP])
//!     .symptoms(&["customers see 502"]);
//!
//! static DATABASE_REFUSES: Cause = Cause::new(
//!     "DATABASE-REFUSES",
//!     Clue::All(&[
//!         Clue::Unhealthy,
//!         Clue::Any(&[
//!             Clue::Env(EnvClue::key("DATABASE_URL").unlike("postgres://.+")),
//!             Clue::Said("password authentication failed", Window::Run),
//!         ]),
//!     ]),
//! )
//! .summary("{service} cannot log in to its database")
//! .explanation("DATABASE_URL of its env file is wrong, or the role was changed")
//! .about(About::These(&[&SHOP]))
//! .fixes(&[&Fix::new(
//!     "correct the URL",
//!     Risk::Disruptive,
//!     Remedy::Manual("set DATABASE_URL in {env}; then opsctl restart {service}"),
//! )]);
//! ```

mod clue;
mod data;
mod drift;
mod family;
mod fix;
mod footing;
mod question;
mod surroundings;
mod unattended;
mod unmanaged;
mod values;

pub use clue::*;
pub use data::*;
pub use drift::*;
pub use family::Family;
pub use fix::*;
pub use footing::*;
pub use question::*;
pub use surroundings::*;
pub use unattended::*;
pub use unmanaged::*;
pub use values::*;

use super::service::Service;
use super::severity::Level;
use super::verdict::Verdict;

/// Something that goes wrong, under the name that the runbook gives it.
///
/// ```
/// # use opsctl::registry::*;
/// static SLOW: Failure = Failure::new("slow", &[usual::SERVICE]).summary("the shop is slow").section("3. Slow");
/// assert!(SLOW.causes().count() > 0);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Failure {
    /// Name on the command line: `service-crash-loop`.
    pub slug: &'static str,
    /// Other words that an operator would type: `502`, `oom`.
    pub aliases: &'static [&'static str],
    /// One line: what it is.
    pub summary: &'static str,
    /// How bad it is. `None`: as bad as its subject, a service by its own severity, the host by its bounds'.
    pub severity: Option<&'static Level>,
    /// What is seen from outside.
    pub symptoms: &'static [&'static str],
    /// Heading of the runbook, or where else it is described.
    pub section: &'static str,
    /// Services that it is about; all when empty. Causes about services are only looked for with these.
    pub services: &'static [&'static Service],
    /// What may be behind it, in groups; within a failure the more telling come first.
    pub causes: &'static [&'static [&'static Cause]],
    /// Where runbook and reality differ, and what an operator must know.
    pub note: Option<&'static str>,
}

impl Failure {
    /// A failure of this name on the command line: lower-case letters, digits, dashes and underscores, unique in the
    /// deployment and no name of a service. `causes` are what may be behind it, in groups, at least one; the more telling come
    /// first. It is as bad as its subject. [`summary`](Self::summary) and [`section`](Self::section) must follow.
    pub const fn new(slug: &'static str, causes: &'static [&'static [&'static Cause]]) -> Self {
        Failure {
            slug,
            aliases: &[],
            summary: "",
            severity: None,
            symptoms: &[],
            section: "",
            services: &[],
            causes,
            note: None,
        }
    }

    /// What it is, one line: `the shop does not answer`. Required.
    pub const fn summary(mut self, text: &'static str) -> Self {
        self.summary = text;
        self
    }

    /// Heading of the runbook, or where else it is described. Required.
    pub const fn section(mut self, text: &'static str) -> Self {
        self.section = text;
        self
    }

    /// Other words that an operator would type, written like the slug and as unique: `502`, `oom`.
    pub const fn aliases(mut self, words: &'static [&'static str]) -> Self {
        self.aliases = words;
        self
    }

    /// How bad it is, one of the deployment's levels. Without it, it is as bad as its subject: a service by its own severity,
    /// the host by that of its [`HostChecks`](super::HostChecks).
    pub const fn severity(mut self, level: &'static Level) -> Self {
        self.severity = Some(level);
        self
    }

    /// What is seen from outside, one line each.
    pub const fn symptoms(mut self, lines: &'static [&'static str]) -> Self {
        self.symptoms = lines;
        self
    }

    /// Services that it is about; without it, all. Causes of [`About::Each`] are only looked for with these.
    pub const fn services(mut self, services: &'static [&'static Service]) -> Self {
        self.services = services;
        self
    }

    /// Where runbook and reality differ, and what an operator must know.
    pub const fn note(mut self, text: &'static str) -> Self {
        self.note = Some(text);
        self
    }

    /// All its causes in order.
    pub fn causes(&self) -> impl Iterator<Item = &'static Cause> {
        self.causes.iter().copied().flatten().copied()
    }

    /// Whether that word means it.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.slug.eq_ignore_ascii_case(word) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(word))
    }
}

/// Why something goes wrong, how that is proven, and what to do.
///
/// ```
/// # use opsctl::registry::*;
/// static RESTART: Fix = Fix::new("restart it", Risk::Disruptive, Remedy::Restart);
/// static STUCK: Cause = Cause::new("QUEUE-STUCK", Clue::Said("queue is full", Window::Run))
///     .summary("the queue of {service} is full")
///     .explanation("its workers ended, and nothing starts them again")
///     .fixes(&[&RESTART]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Cause {
    /// Upper-case words and dashes, unique in the deployment; reported with the deployment's name in front.
    pub code: &'static str,
    /// What is wrong, one line; said of the subject.
    pub summary: &'static str,
    /// Why, and what follows from it: what the operator should know before acting.
    pub explanation: &'static str,
    /// With whom it is looked for.
    pub about: About,
    /// What proves it.
    pub proof: Clue,
    /// Whether it explains or only states.
    pub depth: Depth,
    /// [`Verdict::Fail`], or [`Verdict::Warn`] for what has time.
    pub verdict: Verdict,
    /// How bad it is, where that differs from its failure.
    pub severity: Option<&'static Level>,
    /// Causes that follow from this one, with the same subject or others; their findings are folded under it.
    pub explains: &'static [&'static Cause],
    /// What to do, the best first.
    pub fixes: &'static [&'static Fix],
}

impl Cause {
    /// A cause of this code: upper-case words, digits and dashes, unique in the deployment and without its name. `proof` is
    /// what proves it. It is a failure and the root of it, and is looked for with each service. [`summary`](Self::summary),
    /// [`explanation`](Self::explanation) and [`fixes`](Self::fixes) must follow.
    pub const fn new(code: &'static str, proof: Clue) -> Self {
        Cause {
            code,
            summary: "",
            explanation: "",
            about: About::Each,
            proof,
            depth: Depth::Root,
            verdict: Verdict::Fail,
            severity: None,
            explains: &[],
            fixes: &[],
        }
    }

    /// What is wrong, one line, said of the subject: `{service} cannot log in to its database`. Required.
    pub const fn summary(mut self, text: &'static str) -> Self {
        self.summary = text;
        self
    }

    /// Why, and what follows from it: what the operator should know before acting. Required.
    pub const fn explanation(mut self, text: &'static str) -> Self {
        self.explanation = text;
        self
    }

    /// What it is looked for with; without it, with each service.
    pub const fn about(mut self, subjects: About) -> Self {
        self.about = subjects;
        self
    }

    /// Whether it explains or only states; without it, it explains.
    pub const fn depth(mut self, depth: Depth) -> Self {
        self.depth = depth;
        self
    }

    /// [`Verdict::Warn`] for what has time; without it, it is a failure. Nothing else is accepted.
    pub const fn verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = verdict;
        self
    }

    /// How bad it is, where that differs from its failure; one of the deployment's levels.
    pub const fn severity(mut self, level: &'static Level) -> Self {
        self.severity = Some(level);
        self
    }

    /// Causes that follow from this one, with the same subject or others. Their findings are folded under it.
    pub const fn explains(mut self, causes: &'static [&'static Cause]) -> Self {
        self.explains = causes;
        self
    }

    /// What to do, the best first; at least one. Required.
    pub const fn fixes(mut self, fixes: &'static [&'static Fix]) -> Self {
        self.fixes = fixes;
        self
    }
}

/// What a cause is looked for with: its subjects.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// static OF_SHOP: Cause = Cause::new("STUCK", Clue::Unhealthy).about(About::These(&[&SHOP]));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum About {
    /// The host; clues about "the service" make no sense in its proof, but within [`Clue::Of`].
    Host,
    /// Each service of the deployment (of the failure, where that names some) that is on this host.
    Each,
    /// Each of these services that is on this host.
    These(&'static [&'static Service]),
}

/// Whether a cause explains.
///
/// ```
/// # use opsctl::registry::*;
/// let seen = Cause::new("NO-ANSWER", Clue::Unhealthy).depth(Depth::Effect);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Depth {
    /// It says why.
    Root,
    /// It only says what: reported where no root of its subject is proven, and folded under a failed service that it needs.
    Effect,
}
