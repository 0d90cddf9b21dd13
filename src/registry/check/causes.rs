//! What must hold of failures and their causes before they may exist.

use super::{absolute, culprit, text};
use crate::registry::*;

/// Refuses an invalid failure, and invalid causes of it.
pub(super) const fn failure(f: &Failure) {
    text(f.slug, "a failure", "has no name");
    text(f.summary, f.slug, "is a failure without a summary: Failure::summary");
    text(f.section, f.slug, "is a failure without its section: Failure::section");
    let mut i = 0;
    while i < f.causes.len() {
        let mut j = 0;
        while j < f.causes[i].len() {
            cause(f.causes[i][j], f.slug);
            j += 1;
        }
        i += 1;
    }
}

const fn cause(c: &Cause, failure: &str) {
    text(c.code, failure, "has a cause without a code");
    text(c.summary, c.code, "is a cause without a summary: Cause::summary");
    text(c.explanation, c.code, "is a cause without an explanation: Cause::explanation");
    if c.fixes.is_empty() {
        culprit(c.code, "is a cause without a fix: Cause::fixes");
    }
    if !matches!(c.verdict, Verdict::Fail | Verdict::Warn) {
        culprit(c.code, "is a cause that is neither a failure nor a warning");
    }
    let mut i = 0;
    while i < c.fixes.len() {
        text(c.fixes[i].title, c.code, "has a fix without a title");
        i += 1;
    }
    clue(&c.proof, c.code);
}

const fn clue(clue_: &Clue, owner: &str) {
    match clue_ {
        Clue::All(parts) | Clue::Any(parts) => {
            if parts.is_empty() {
                culprit(owner, "has a condition without parts");
            }
            let mut i = 0;
            while i < parts.len() {
                clue(&parts[i], owner);
                i += 1;
            }
        }
        Clue::Not(part) | Clue::Of(_, part) => clue(part, owner),
        Clue::Leftovers(left) => absolute(left.dir, owner, "lists files of a directory that is not absolute"),
        Clue::Reply(Heard::Part(part)) | Clue::Get(_, Heard::Part(part)) => share(part, owner),
        Clue::Output(_, Shows::Part(part)) | Clue::Query(_, Shows::Part(part)) | Clue::Redis(_, Shows::Part(part)) => {
            share(part, owner);
        }
        Clue::Lines(lines) => {
            absolute(lines.file, owner, "counts lines of a file that is not at an absolute path");
            if lines.seconds == 0 {
                culprit(owner, "counts lines of 0 seconds: LineShare::seconds");
            }
            share(&lines.share, owner);
        }
        _ => {}
    }
}

const fn share(share: &Share, owner: &str) {
    text(share.part, owner, "has an empty part: Share::part");
    text(share.whole, owner, "has an empty whole: Share::whole");
}
