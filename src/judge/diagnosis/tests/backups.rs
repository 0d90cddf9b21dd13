//! Backups that are overdue or failed.

use super::*;
use crate::judge::freshness::Freshness;

/// What is not known of one set hides nothing of another, and is never a finding.
#[test]
fn a_backup_is_overdue_or_failed_only_by_what_is_recorded_of_it() {
    let fresh = |set: &str, verdict| Freshness {
        set: set.to_owned(),
        verdict,
        age_seconds: None,
        rpo_seconds: 86_400,
        summary: "as judged".to_owned(),
    };
    let outcome = |backups: Option<Answer<Vec<Freshness>>>, lapse| {
        Made::well().with(|case| {
            let case = Case { backups: backups.as_ref(), ..*case };
            case.outcome(&Clue::Backup(lapse), None)
        })
    };
    let named = |outcome: &Conclusion| match outcome {
        Proven(facts) => facts.iter().flat_map(|fact| fact.names.clone()).collect(),
        RuledOut(_) => vec!["ruled out".to_owned()],
        Unknown(whys) => whys.iter().map(|why| why.says.clone()).collect(),
    };
    let told = |sets: &[Freshness]| {
        let ask = |lapse| named(&outcome(Some(ok("cat /var/lib/opsctl/place.backups.jsonl", sets.to_vec())), lapse));
        (ask(Lapse::Overdue).join(", "), ask(Lapse::Failed).join(", "))
    };
    let both = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    assert_eq!(told(&[]), both("ruled out", "ruled out"));
    assert_eq!(told(&[fresh("a", Verdict::Pass)]), both("ruled out", "ruled out"));
    let mixed = [fresh("a", Verdict::Fail), fresh("b", Verdict::Warn), fresh("c", Verdict::Unknown)];
    assert_eq!(told(&mixed), both("backup a", "backup b"));
    assert_eq!(told(&mixed[2..]), both("c: as judged", "c: as judged"));
    let denied = Trouble::NeedsRoot("to read it");
    let closed = Answer { command: "cat /var/lib/opsctl/place.backups.jsonl".into(), result: Err(denied) };
    let told = outcome(Some(closed), Lapse::Overdue);
    assert_eq!(named(&told), ["/var/lib/opsctl/place.backups.jsonl: needs root to read it"]);
    assert_eq!(named(&outcome(None, Lapse::Failed)), ["it was not checked"]);
}
