//! What comes of looking at something.

use serde::{Deserialize, Serialize};

/// One of four outcomes of looking at something, ordered from good to bad. There is no default on purpose: what could
/// not be read is [`Verdict::Unknown`], and a failure outranks it.
///
/// ```
/// # use opsctl::registry::*;
/// assert_eq!([Verdict::Pass, Verdict::Unknown, Verdict::Fail].iter().max(), Some(&Verdict::Fail));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Found, and correct.
    Pass,
    /// Found, and a warning; not a failure.
    Warn,
    /// Could not be determined. Never counts as good.
    Unknown,
    /// Found, and wrong.
    Fail,
}
