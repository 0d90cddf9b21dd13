//! Procedures: what the runbook has an operator do, step by step. What `opsctl run`, `get procedures` and `explain` read.
//!
//! # How to write the procedures of a deployment
//! A `static` each, in a file `procedures.rs`, and a table of references to them for
//! [`Deployment::procedures`](super::Deployment::procedures):
//!
//! - A procedure is named by its slug, and says when it is meant and when it is not. Its [`Step`]s are done in order; the first that
//!   fails ends the run, which can be resumed or undone.
//! - A step that changes something has a proof: an [`Assertion`] that holds once it is done. It is checked after the step, and again
//!   when a run is resumed; a step whose proof holds beforehand is not done again. Services are proven by probing them.
//! - A step says how it is undone ([`Undo`]). What cannot be undone says why; what destroys something needs a backup, or a step marked
//!   [`Step::keeps_a_copy`], before it.
//! - What only a person can do is a [`Step::ask`]: what, where, and the word to type back.
//! - A [`SecretValue`] is made, or read from a file of the host. Commands get it on their standard input, files by [`Step::set_keys`]; its
//!   braces anywhere else do not compile.
//! - Texts and words of commands may hold parameters of the procedure in braces: `{ip}`. Each word is one argument; nothing goes
//!   through a shell.
//! - What a verb of opsctl does already is a [`VerbProcedure`] in a table of its own,
//!   [`Deployment::verbs`](super::Deployment::verbs): it names the command.
//!
//! ```
//! use opsctl::registry::{
//!     Assertion, Invocation, Level, Manager, Parameter, ParameterKind, Procedure, Risk, Service, Step, Undo, Unit,
//! };
//! # static DOWN: Level = Level::new("P1").criterion("c").response("r").action("a");
//! # static SHOP: Service = Service::new("shop", &DOWN).managers(&[Manager::Systemd(Unit::new("shop.service"))]);
//!
//! static CLOSE: Procedure = Procedure::new(
//!     "close-shop",
//!     &[
//!         Step::ask("announce", "announce in #shop that it closes", "the channel of the shop", "announced"),
//!         Step::stop("stop", &[&SHOP]),
//!         Step::command(
//!             "mark",
//!             "mark it closed because of {reason}",
//!             Invocation::new(&["touch", "/srv/shop/closed-{reason}"]),
//!             Risk::Safe,
//!         )
//!         .proof(Assertion::Exists("/srv/shop/closed-{reason}"))
//!         .undo(Undo::Command(Invocation::new(&["rm", "-f", "/srv/shop/closed-{reason}"]))),
//!     ],
//! )
//! .summary("close the shop")
//! .section("7. Closing")
//! .when("nobody may order until further notice")
//! .parameters(&[Parameter::new("reason", ParameterKind::Word).help("reason, one word")])
//! .done(&[Assertion::Stopped(&SHOP)]);
//! ```

mod assertion;
mod invocation;
mod parameter;
mod secret;
mod step;
mod verb;

pub use assertion::*;
pub use invocation::*;
pub use parameter::*;
pub use secret::*;
pub use step::*;
pub use verb::*;

use super::failure::Risk;
use super::severity::Level;

/// What an operator does in a certain case, step by step.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// static REST: Procedure = Procedure::new("rest", &[Step::restart("restart", &[&SHOP])])
///     .summary("restart the shop")
///     .section("4. Restart")
///     .when("the shop hangs")
///     .done(&[Assertion::Healthy(&SHOP)]);
/// assert_eq!(REST.risk(), Risk::Disruptive);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Procedure {
    /// Name on the command line: `block-ip`.
    pub slug: &'static str,
    /// Other words that an operator would type.
    pub aliases: &'static [&'static str],
    /// One line: what it does.
    pub summary: &'static str,
    /// The case that calls for it.
    pub when: &'static str,
    /// When it is the wrong thing to do.
    pub not_when: Option<&'static str>,
    /// Heading of the runbook, or where else it is described.
    pub section: &'static str,
    /// How urgent the case is; `None` where it is not an incident.
    pub severity: Option<&'static Level>,
    /// What it must be given.
    pub parameters: &'static [Parameter],
    /// Secrets that it uses or replaces.
    pub secrets: &'static [SecretValue],
    /// What is done, in order.
    pub steps: &'static [Step],
    /// What holds when it is done.
    pub done: &'static [Assertion],
    /// Where runbook and reality differ, and what an operator must know.
    pub note: Option<&'static str>,
}

impl Procedure {
    /// A procedure of this name on the command line: lower-case letters, digits and dashes, unique in the deployment. There is at least
    /// one step. [`summary`](Self::summary), [`section`](Self::section) and [`when`](Self::when) must follow.
    pub const fn new(slug: &'static str, steps: &'static [Step]) -> Self {
        Procedure {
            slug,
            aliases: &[],
            summary: "",
            when: "",
            not_when: None,
            section: "",
            severity: None,
            parameters: &[],
            secrets: &[],
            steps,
            done: &[],
            note: None,
        }
    }

    /// Other words that an operator would type, written like the slug and as unique.
    pub const fn aliases(mut self, words: &'static [&'static str]) -> Self {
        self.aliases = words;
        self
    }

    /// What it does, one line, an imperative: `block an address in the firewall`. Required.
    pub const fn summary(mut self, text: &'static str) -> Self {
        self.summary = text;
        self
    }

    /// The case that calls for it. Required.
    pub const fn when(mut self, text: &'static str) -> Self {
        self.when = text;
        self
    }

    /// When it is the wrong thing to do, and what is done instead.
    pub const fn not_when(mut self, text: &'static str) -> Self {
        self.not_when = Some(text);
        self
    }

    /// Heading of the runbook, or where else it is described. Required.
    pub const fn section(mut self, text: &'static str) -> Self {
        self.section = text;
        self
    }

    /// How urgent the case is, one of the deployment's levels.
    pub const fn severity(mut self, level: &'static Level) -> Self {
        self.severity = Some(level);
        self
    }

    /// What it must be given, in the order in which values without a flag are taken.
    pub const fn parameters(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Secrets that it uses or replaces.
    pub const fn secrets(mut self, secrets: &'static [SecretValue]) -> Self {
        self.secrets = secrets;
        self
    }

    /// What holds when it is done; checked after the last step. Required where a step changes something.
    pub const fn done(mut self, assertions: &'static [Assertion]) -> Self {
        self.done = assertions;
        self
    }

    /// Where runbook and reality differ, and what an operator must know.
    pub const fn note(mut self, text: &'static str) -> Self {
        self.note = Some(text);
        self
    }

    /// The highest risk of its steps.
    pub const fn risk(&self) -> Risk {
        let mut highest = Risk::ReadOnly;
        let mut i = 0;
        while i < self.steps.len() {
            if self.steps[i].risk as u8 > highest as u8 {
                highest = self.steps[i].risk;
            }
            i += 1;
        }
        highest
    }

    /// The step of that exact name.
    pub fn step(&self, name: &str) -> Option<&'static Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// Whether that word means it.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.slug.eq_ignore_ascii_case(word) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(word))
    }
}
