//! PURE. Whether something holds on the host, with what was seen; what is unknown decides nothing.

/// What came of it, each with what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Holds(String),
    /// It does not.
    Fails(String),
    /// It could not be determined.
    Unknown(String),
}

impl Truth {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        matches!(self, Truth::Holds(_))
    }

    /// What was seen.
    pub fn seen(&self) -> &str {
        match self {
            Truth::Holds(seen) | Truth::Fails(seen) | Truth::Unknown(seen) => seen,
        }
    }

    /// The contrary; what is unknown has none.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Truth::Holds(seen) => Truth::Fails(seen),
            Truth::Fails(seen) => Truth::Holds(seen),
            Truth::Unknown(seen) => Truth::Unknown(seen),
        }
    }

    /// That it holds, or that it does not.
    pub fn of(holds: bool, seen: String) -> Self {
        if holds { Truth::Holds(seen) } else { Truth::Fails(seen) }
    }
}

/// All of these, or any: the first that decides, else the first that is unknown.
pub fn combine(truths: impl Iterator<Item = Truth>, is_all: bool) -> Truth {
    let (mut seen, mut unknown) = (Vec::new(), None);
    for truth in truths {
        match truth {
            Truth::Unknown(_) => unknown = unknown.or(Some(truth)),
            decided if decided.holds() != is_all => return decided,
            other => seen.push(other.seen().to_owned()),
        }
    }
    unknown.unwrap_or_else(|| Truth::of(is_all, seen.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_decides_nothing() {
        let (yes, no) = (|| Truth::Holds("y".into()), || Truth::Fails("n".into()));
        let unknown = || Truth::Unknown("?".into());
        let all = |truths: Vec<Truth>| combine(truths.into_iter(), true);
        let any = |truths: Vec<Truth>| combine(truths.into_iter(), false);
        assert_eq!(all(vec![yes(), yes()]), Truth::Holds("y, y".into()));
        assert_eq!(all(vec![yes(), unknown(), no()]), no());
        assert_eq!(all(vec![yes(), unknown()]), unknown());
        assert_eq!(any(vec![no(), unknown(), yes()]), yes());
        assert_eq!(any(vec![no(), unknown()]), unknown());
        assert_eq!(any(vec![no(), no()]), Truth::Fails("n, n".into()));
        assert_eq!(unknown().negated(), unknown());
        assert_eq!(yes().negated(), Truth::Fails("y".into()));
    }
}
