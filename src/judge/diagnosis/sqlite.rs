//! What a program says of SQLite, beside what its database file shows.

use super::Finding;
use super::reasons::family_of;
use crate::registry::{Clue, DataClue};

/// Adds the line by which a program complains of SQLite to what is wrong with a database file of the same service, which says which
/// file and why.
pub(super) fn joined(mut proven: Vec<Finding>) -> Vec<Finding> {
    let complains = |finding: &Finding| {
        let words = ["sqlite", "database file", "database disk image", "readonly database"];
        family_of(&finding.cause.proof).is_some()
            && finding.facts.iter().any(|fact| words.iter().any(|word| fact.says.to_ascii_lowercase().contains(word)))
    };
    let is_state = |finding: &Finding| {
        let kinds = [DataClue::SqliteReadOnly, DataClue::SqliteMalformed, DataClue::FileUnusable];
        matches!(finding.cause.proof, Clue::Data(clue) if kinds.contains(&clue))
    };
    let mut at = 0;
    while at < proven.len() {
        let name = proven[at].service.map(|service| service.name);
        let state = proven.iter().position(|other| is_state(other) && other.service.map(|s| s.name) == name);
        match state.filter(|_| name.is_some() && complains(&proven[at])) {
            Some(_) => {
                let complaint = proven.remove(at);
                let own = proven.iter_mut().find(|other| is_state(other) && other.service.map(|s| s.name) == name);
                if let Some(own) = own {
                    let new = complaint.facts.into_iter().filter(|fact| !own.facts.contains(fact));
                    let new: Vec<_> = new.map(|fact| super::Fact { thing: None, ..fact }).collect();
                    own.facts.extend(new);
                }
            }
            None => at += 1,
        }
    }
    proven
}
