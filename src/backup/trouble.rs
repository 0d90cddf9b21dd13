//! Why something cannot be copied, or a copy not be proven.

use std::fmt;

/// Why there is nothing to copy.
#[derive(Debug)]
pub enum CopyTrouble {
    /// It does not exist.
    Missing,
    /// It is not what it should be.
    Wrong(String),
}

impl fmt::Display for CopyTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CopyTrouble::Missing => f.write_str("it is missing"),
            CopyTrouble::Wrong(what) => f.write_str(what),
        }
    }
}

/// Why a copy is not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven {
    /// It is not what was copied.
    Bad(String),
    /// Nothing could try it, so that nothing is known of it.
    Untried(String),
}

impl From<String> for Unproven {
    fn from(what: String) -> Self {
        Unproven::Bad(what)
    }
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unproven::Bad(what) => f.write_str(what),
            Unproven::Untried(why) => write!(f, "its test restore could not run: {why}"),
        }
    }
}
