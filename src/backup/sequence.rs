//! PURE. Numbers of runs: the next one, and whether those that are known follow each other. Only numbers that this host gave
//! itself count: those of its own record, and those of copies whose manifest carries its signature.

use super::name;

/// How far two numbers that follow each other may be apart. Every run takes the next number, also one that fails: a thousand are
/// three years of one a day, or six weeks of one an hour, of which nothing is known.
pub const STEP: u64 = 1000;

/// Numbers of runs that do not follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The greatest number before the gap.
    pub before: u64,
    /// The number after it.
    pub after: u64,
}

impl Gap {
    /// In words.
    pub fn words(self) -> String {
        format!("the numbers of runs jump from {} to {}, more than {STEP} at once", self.before, self.after)
    }
}

/// The number of the next run.
///
/// # Errors
/// When there is none: the greatest number that is known is the last that a run can have.
pub fn next(recorded: &[u64], signed: &[u64]) -> Result<u64, String> {
    let last = recorded.iter().chain(signed).copied().max().unwrap_or(0);
    let next = last.checked_add(1).filter(|next| *next <= name::LAST);
    next.ok_or_else(|| format!("run {last} has the largest possible number"))
}

/// Where the newest numbers do not follow each other. `recorded` are numbers of this host's record, `signed` those of copies that
/// carry its signature. The next run closes the gap, because it takes the number after the greatest.
pub fn gap(recorded: &[u64], signed: &[u64]) -> Option<Gap> {
    let greatest = |numbers: &[u64]| numbers.iter().copied().max();
    let wide = |before: Option<u64>, after: Option<u64>| {
        let (before, after) = (before?, after?);
        (after.saturating_sub(before) > STEP).then_some(Gap { before, after })
    };
    let last = recorded.iter().chain(signed).copied().max();
    let second = recorded.iter().chain(signed).copied().filter(|number| Some(*number) < last).max();
    wide(second, last).or_else(|| wide(greatest(recorded), greatest(signed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_number_follows_the_greatest_and_never_wraps() {
        assert_eq!(next(&[], &[]), Ok(1));
        assert_eq!(next(&[3, 1], &[2]), Ok(4));
        assert_eq!(next(&[3], &[7, 5]), Ok(8));
        assert_eq!(next(&[name::LAST - 1], &[]), Ok(name::LAST));
        for last in [name::LAST, name::LAST + 1, u64::MAX - 1, u64::MAX] {
            assert!(next(&[1], &[last]).unwrap_err().contains(&last.to_string()));
        }
    }

    #[test]
    fn numbers_that_do_not_follow_each_other_are_told_until_the_next_run() {
        assert_eq!(gap(&[], &[]), None);
        assert_eq!(gap(&[], &[u64::MAX]), None);
        assert_eq!(gap(&[5], &[5, 4]), None);
        assert_eq!(gap(&[1, STEP + 1], &[1]), None);
        assert_eq!(gap(&[1, STEP + 2], &[1]), Some(Gap { before: 1, after: STEP + 2 }));
        assert_eq!(gap(&[42], &[41, 999_999]), Some(Gap { before: 42, after: 999_999 }));
        // An older record was put back: the copies follow each other, but not the record.
        assert_eq!(gap(&[1, 2], &[5000, 5001]), Some(Gap { before: 2, after: 5001 }));
        assert_eq!(gap(&[1, 2, 5002], &[5000, 5001]), None);
        // A record that was lost is none.
        assert_eq!(gap(&[], &[5000, 5001]), None);
    }
}
