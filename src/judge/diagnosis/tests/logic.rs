//! How outcomes combine: Kleene's logic, and the facts that show them.

use super::*;

fn proven() -> Conclusion {
    Proven(vec![Fact::new("look", "yes")])
}

fn ruled_out() -> Conclusion {
    RuledOut(vec![Fact::new("look", "no")])
}

fn unknown() -> Conclusion {
    Conclusion::unknown("nobody knows")
}

/// Kleene's tables: for each pair what both and what one of them comes to.
#[test]
fn what_is_unknown_stays_so_unless_another_part_decides() {
    let letter = |outcome: &Conclusion| match outcome {
        Proven(_) => 'T',
        RuledOut(_) => 'F',
        Unknown(_) => 'U',
    };
    let mut table = Vec::new();
    for one in [proven, ruled_out, unknown] {
        for other in [proven, ruled_out, unknown] {
            let all = letter(&Conclusion::all([one(), other()]));
            let any = letter(&Conclusion::any([one(), other()]));
            table.push(format!("{}{} {all}{any}", letter(&one()), letter(&other())));
        }
    }
    assert_eq!(table, ["TT TT", "TF FT", "TU UT", "FT FT", "FF FF", "FU FU", "UT UT", "UF FU", "UU UU"]);
    assert_eq!(letter(&unknown().negated()), 'U');
    assert_eq!(proven().negated(), RuledOut(vec![Fact::new("look", "yes")]));
}

#[test]
fn all_collects_what_shows_it_once_and_any_too() {
    let fact = |says: &str| Fact::new("look", says);
    let both = [Proven(vec![fact("a")]), Proven(vec![fact("a"), fact("b")])];
    assert_eq!(Conclusion::all(both.clone()), Proven(vec![fact("a"), fact("b")]));
    assert_eq!(Conclusion::any(both), Proven(vec![fact("a"), fact("b")]));
    let mixed = [RuledOut(vec![fact("a")]), Proven(vec![fact("b")]), unknown()];
    assert_eq!(Conclusion::all(mixed.clone()), RuledOut(vec![fact("a")]));
    assert_eq!(Conclusion::any(mixed), Proven(vec![fact("b")]));
}
