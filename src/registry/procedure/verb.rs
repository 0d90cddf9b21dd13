//! A procedure of a runbook that a verb of this program does already.

use super::super::failure::Risk;

/// What the runbook has an operator do, and a verb of `opsctl` does: it is listed and explained, and names the command.
///
/// ```
/// # use opsctl::registry::*;
/// static ROLLBACK: VerbProcedure = VerbProcedure::new("rollback", &["rollback"], Risk::Disruptive)
///     .summary("return to the version before")
///     .section("6. Rollback")
///     .when("the new version of the shop fails");
/// assert_eq!(ROLLBACK.command, ["rollback"]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct VerbProcedure {
    /// Name in the runbook: `backup-now`.
    pub slug: &'static str,
    /// Other words that an operator would type.
    pub aliases: &'static [&'static str],
    /// One line: what it does.
    pub summary: &'static str,
    /// The case that calls for it.
    pub when: &'static str,
    /// Heading of the runbook, or where else it is described.
    pub section: &'static str,
    /// What may come of it.
    pub risk: Risk,
    /// Words after `opsctl -d NAME`; what must be filled in is in capital letters.
    pub command: &'static [&'static str],
    /// Where runbook and verb differ, and what an operator must know.
    pub note: Option<&'static str>,
}

impl VerbProcedure {
    /// A procedure of this name: lower-case letters, digits and dashes, unique among those of the deployment. The command has at least
    /// the verb. [`summary`](Self::summary), [`section`](Self::section) and [`when`](Self::when) must follow.
    pub const fn new(slug: &'static str, command: &'static [&'static str], risk: Risk) -> Self {
        VerbProcedure { slug, aliases: &[], summary: "", when: "", section: "", risk, command, note: None }
    }

    /// Other words that an operator would type, written like the slug and as unique.
    pub const fn aliases(mut self, words: &'static [&'static str]) -> Self {
        self.aliases = words;
        self
    }

    /// What it does, one line, an imperative. Required.
    pub const fn summary(mut self, text: &'static str) -> Self {
        self.summary = text;
        self
    }

    /// The case that calls for it. Required.
    pub const fn when(mut self, text: &'static str) -> Self {
        self.when = text;
        self
    }

    /// Heading of the runbook, or where else it is described. Required.
    pub const fn section(mut self, text: &'static str) -> Self {
        self.section = text;
        self
    }

    /// Where runbook and verb differ, and what an operator must know.
    pub const fn note(mut self, text: &'static str) -> Self {
        self.note = Some(text);
        self
    }

    /// Whether that word means it.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.slug.eq_ignore_ascii_case(word) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(word))
    }
}
