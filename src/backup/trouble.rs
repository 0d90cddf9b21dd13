//! Why something cannot be copied.

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
