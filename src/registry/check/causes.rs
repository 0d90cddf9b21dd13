//! What must hold of failures and their causes before they may exist.

use super::record::Record;
use crate::registry::*;

/// Refuses an invalid failure, and invalid causes of it.
pub(super) const fn failure(f: &Failure) {
    let me = Record::new("failure", f.slug);
    me.text("slug", f.slug);
    me.text("summary", f.summary);
    me.text("section", f.section);
    let mut i = 0;
    while i < f.causes.len() {
        let mut j = 0;
        while j < f.causes[i].len() {
            cause(f.causes[i][j], me);
            j += 1;
        }
        i += 1;
    }
}

const fn cause(c: &Cause, failure: Record<'_>) {
    failure.text("causes.code", c.code);
    let me = Record::new("cause", c.code);
    me.text("summary", c.summary);
    me.text("explanation", c.explanation);
    if c.fixes.is_empty() {
        me.refuse("fixes", "there is none");
    }
    if !matches!(c.verdict, Verdict::Fail | Verdict::Warn) {
        me.refuse("verdict", "is neither a failure nor a warning");
    }
    let mut i = 0;
    while i < c.fixes.len() {
        me.text("fixes.title", c.fixes[i].title);
        i += 1;
    }
    clue(&c.proof, me);
}

const fn clue(clue_: &Clue, me: Record<'_>) {
    match clue_ {
        Clue::All(parts) | Clue::Any(parts) => {
            if parts.is_empty() {
                me.refuse("proof", "has a condition without parts");
            }
            let mut i = 0;
            while i < parts.len() {
                clue(&parts[i], me);
                i += 1;
            }
        }
        Clue::Not(part) | Clue::Of(_, part) => clue(part, me),
        Clue::Leftovers(left) => me.path("proof.dir", left.dir),
        Clue::Reply(Heard::Part(part)) | Clue::Get(_, Heard::Part(part)) => share(part, me),
        Clue::Output(_, Shows::Part(part)) | Clue::Query(_, Shows::Part(part)) | Clue::Redis(_, Shows::Part(part)) => {
            share(part, me);
        }
        Clue::Lines(lines) => {
            me.path("proof.file", lines.file);
            if lines.seconds == 0 {
                me.refuse("proof.seconds", "is 0");
            }
            share(&lines.share, me);
        }
        _ => {}
    }
}

const fn share(share: &Share, me: Record<'_>) {
    me.text("proof.part", share.part);
    me.text("proof.whole", share.whole);
}
