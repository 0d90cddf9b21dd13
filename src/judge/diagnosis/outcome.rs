//! What comes of a clue: proven, ruled out, or unknown, and how these combine (Kleene's three-valued logic). What is unknown
//! never becomes either of the others by itself.

use jiff::Timestamp;

use crate::host::tools::command::Command;
use crate::judge::health::Check;
use crate::registry::Holding;

/// A thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The command that shows it.
    pub command: Command,
    /// The command that was run in truth, where that is another one.
    pub ran: Option<Command>,
    /// What it shows, in a line.
    pub says: String,
    /// What it is about, where that is narrower than the host: `disk /var`, a host name, a unit.
    pub names: Vec<String>,
    /// The thing that is at fault, where a cause leaves it open: a path, `HOST:PORT`, the name of a role. What stands for `{thing}`
    /// in the cause's texts.
    pub thing: Option<String>,
    /// What holds a port, where it is about that.
    pub holding: Option<Holding>,
    /// When that happened, where it is an event.
    pub time: Option<Timestamp>,
}

impl Fact {
    /// Something that a command shows.
    pub fn new(command: impl Into<Command>, says: impl Into<String>) -> Self {
        Fact {
            command: command.into(),
            ran: None,
            says: says.into(),
            names: Vec::new(),
            thing: None,
            holding: None,
            time: None,
        }
    }

    /// The same, seen by another command than the one to be pasted.
    #[must_use]
    pub fn ran(mut self, command: &Command) -> Self {
        self.ran = Some(command.clone());
        self
    }

    /// The same, about this.
    #[must_use]
    pub fn about(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// The same for a finding that is about something else.
    #[must_use]
    pub fn only_evidence(self) -> Self {
        Fact { thing: None, names: Vec::new(), ..self }
    }

    /// The same, with this at fault.
    #[must_use]
    pub fn blaming(mut self, thing: impl Into<String>) -> Self {
        self.thing = Some(thing.into());
        self
    }

    /// The same, at that time.
    #[must_use]
    pub fn at(mut self, time: Option<Timestamp>) -> Self {
        self.time = time;
        self
    }
}

/// Why something could not be determined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The reason.
    pub says: String,
    /// Root would be answered.
    pub needs_root: bool,
}

impl<T: Into<String>> From<T> for Why {
    fn from(says: T) -> Self {
        Why { says: says.into(), needs_root: false }
    }
}

impl Why {
    /// As a check says it that is unknown.
    pub fn of(check: &Check) -> Self {
        Why { says: format!("{}: {}", check.source, check.summary), needs_root: check.needs_root }
    }
}

/// What comes of a clue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// It holds; what shows it.
    Proven(Vec<Fact>),
    /// It does not hold; what shows that.
    RuledOut(Vec<Fact>),
    /// It could not be determined; why.
    Unknown(Vec<Why>),
}

use Conclusion::{Proven, RuledOut, Unknown};

impl Conclusion {
    /// Unknown for one reason.
    pub fn unknown(why: impl Into<Why>) -> Self {
        Unknown(vec![why.into()])
    }

    /// Proven or ruled out by what was seen.
    pub fn when(holds: bool, facts: Vec<Fact>) -> Self {
        if holds { Proven(facts) } else { RuledOut(facts) }
    }

    /// Proven by the facts for which it holds; where there are none, ruled out by the others. Where nothing was seen at all it is
    /// neither; `what` is what there was none of.
    pub fn any_of(what: &str, seen: impl IntoIterator<Item = (bool, Fact)>) -> Self {
        let (hits, misses): (Vec<_>, Vec<_>) = seen.into_iter().partition(|(holds, _)| *holds);
        let facts = |seen: Vec<(bool, Fact)>| seen.into_iter().map(|(_, fact)| fact).collect();
        match (hits.is_empty(), misses.is_empty()) {
            (false, _) => Proven(facts(hits)),
            (true, false) => RuledOut(facts(misses)),
            (true, true) => Conclusion::unknown(format!("{what}: none was found")),
        }
    }

    /// Whether it holds.
    pub fn is_proven(&self) -> bool {
        matches!(self, Proven(_))
    }

    /// Whether it does not hold.
    pub fn is_ruled_out(&self) -> bool {
        matches!(self, RuledOut(_))
    }

    /// Proven when all are. One that is ruled out decides, whatever is unknown.
    pub fn all(parts: impl IntoIterator<Item = Conclusion>) -> Self {
        let (mut facts, mut whys) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                Proven(seen) => merge(&mut facts, seen),
                Unknown(why) => merge(&mut whys, why),
                // Whatever the others come to.
                RuledOut(seen) => return RuledOut(seen),
            }
        }
        if whys.is_empty() { Proven(facts) } else { Unknown(whys) }
    }

    /// Proven when one is, whatever is unknown. Of no part at all nothing follows.
    pub fn any(parts: impl IntoIterator<Item = Conclusion>) -> Self {
        let (mut hits, mut misses, mut whys, mut holds) = (Vec::new(), Vec::new(), Vec::new(), false);
        let mut parts = parts.into_iter().peekable();
        if parts.peek().is_none() {
            return Conclusion::unknown("there is nothing to judge");
        }
        for part in parts {
            match part {
                Proven(seen) => {
                    holds = true;
                    merge(&mut hits, seen);
                }
                RuledOut(seen) => merge(&mut misses, seen),
                Unknown(why) => merge(&mut whys, why),
            }
        }
        match holds {
            true => Proven(hits),
            false if whys.is_empty() => RuledOut(misses),
            false => Unknown(whys),
        }
    }

    /// The opposite; what is unknown stays so.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Proven(seen) => RuledOut(nameless(seen)),
            RuledOut(seen) => Proven(nameless(seen)),
            Unknown(why) => Unknown(why),
        }
    }
}

/// What something is not about is not its subject.
fn nameless(mut seen: Vec<Fact>) -> Vec<Fact> {
    for fact in &mut seen {
        fact.names.clear();
    }
    seen
}

fn merge<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}
