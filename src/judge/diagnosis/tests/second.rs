//! A second source before a restart.

use super::*;

/// A restart rests on two sources: what the service answers, and whose the port is.
#[test]
fn m3_a_restart_for_what_is_only_seen_is_borne_out_by_a_second_source() {
    let at = vec![ListenAddress::Unix("/run/keeper.sock".to_owned())];
    let elsewhere = Holder::Elsewhere { at, answers: None, instead: None };
    let with = |active: &str, holder: Holder| {
        let mut made = Made::well();
        made.units = Ok(vec![unit("keeper.service", active, "running"), unit("shop.service", "active", "running")]);
        made.replies[0] = silent();
        made.holders[0] = holder;
        made.with(|case| {
            let diagnosis = diagnose(case, PLACE.failures, None);
            let finding = diagnosis.findings.iter().find(|finding| finding.subject == "keeper").unwrap();
            (finding.cause.code, case.unconfirmed(finding))
        })
    };
    let says = |code, why: &str| (code, Some(why.to_owned()));
    assert_eq!(with("active", Holder::Own), ("NO-ANSWER", None));
    assert_eq!(with("active", Holder::Nobody), ("NO-ANSWER", None));
    assert_eq!(with("active", Holder::Unseen), says("NO-ANSWER", "the process on port 1000 could not be determined"));
    assert_eq!(with("active", Holder::Hidden), says("NO-ANSWER", "the process on port 1000 could not be determined"));
    assert_eq!(
        with("active", elsewhere.clone()),
        says("LISTENS-ELSEWHERE", "it listens on /run/keeper.sock and not on :1000")
    );
    assert_eq!(with("failed", Holder::Nobody), ("FAILED", None));
    let serves = "its manager reports that it failed, and its processes listen on :1000";
    assert_eq!(with("failed", Holder::Own), says("FAILED", serves));
    assert!(with("failed", elsewhere).1.is_some());
    // A proven cause needs no second source.
    assert_eq!(with("inactive", Holder::Nobody), ("STOPPED", None));
}
