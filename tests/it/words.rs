//! The words of texts for people: `docs/glossary.md` has one word for each concept, and none of those below stands in a string
//! literal of the program, in a transcript or in a document.

use std::fs;
use std::path::{Path, PathBuf};

use regex::{Regex, RegexSet};

/// All that people read.
const SCOPE: &[&str] = &["src", "tests/it/transcripts", "README.md", "docs"];
/// What is not held to it. The reason stands behind each.
const EXEMPT: &[&str] = &[
    "docs/faults.md",   // explains the codes that doc comments name
    "docs/glossary.md", // names the words that are not used
    "docs/accuracy",    // measurements, with texts as they were
    "docs/security.md", // what was tried on booted hosts, as the attacks describe themselves
    "src/fuzzing.rs",   // what a fuzz target panics with
];

/// A pattern that no text holds, and what is written instead.
const WORDS: &[(&str, &str)] = &[
    (r"\b(un|Un)?well\b", "healthy, unhealthy"),
    (r"\bas wanted\b", "healthy, unhealthy"),
    (r"(?i)\b(told|tells?|telling|says?|said|hears?|heard)\b", "report, log excerpt, message"),
    (r"(?i)\b(looks?|looked|looking|gazes?|glances?)\b", "check, probe, poll"),
    (r"(?i)\bclues?\b", "condition, extra evidence"),
    (r"(?i)\brooms?\b", "free space, reclaimable space"),
    (r"(?i)\baside\b", "what it is: temp file, another directory"),
    (r"(?i)\b(spots?|shelf|stock|adopt(s|ed)?|lays?|laid|lies|lying)\b", "live path, restore target, stage, inventory"),
    (r"\bplaces?\b", "path, location, restore target"),
    (r"\brests?\b", "quiesce, stop"),
    (r"(?i)\bdeeds?\b", "operation"),
    (r"(?i)\b(mend(s|ed|ing)?|cures?|cured|remed(y|ies))\b", "fix"),
    (r"(?i)\b(youth|knock(s|ed)?|calm|unhurried)\b", "startup grace, ping, longer timeout"),
    (r"(?i)\b(severity|incident) levels?\b|\blevel of an incident\b", "severity"),
    (r"(?i)\bstrangers?\b", "unmanaged"),
    (r"(?i)\b(put|puts|putting|taken|takes?|gives?|given|brings?|brought) (it |them )?back\b", "rolled back, recreate"),
    (r"(?i)\bway (back|out)\b", "rollback"),
    (r"(?i)\blet (it |them |old ones )?go\b", "release, prune"),
    (r"(?i)\bconsent\b", "confirm, --yes"),
    (r"(?i)\bspeaks? against\b", "blockers"),
    (r"(?i)\b(goes|stays?|vanish(es)?)\b", "continues, is kept, remains"),
    (r"(?i)\b(sheet|fact sheet|at this commit)\b|\bseed\b", "a sentence that states it"),
    (r"\((the whole way )?[A-OQ-Z][0-9]{1,2}(, [A-Z][0-9]{1,2})*\)|\bD[0-9]{1,2}\b", "a sentence that states it"),
    (r"(?i)\banew\b", "again, recreate"),
    (r"(?i)\b(for want of|in vain|by and by)\b", "without, out of, before its timeout"),
    (r"\b[Ww]e\b", "the name of the actor"),
];

/// A text that is allowed to hold such a word, and why.
const ALLOWED: &[(&str, &str)] = &[
    (r"\{[^{}]*\}", "the name of a value that is filled in"),
    (r"^Severity Levels, P[0-9]$", "the title of a section of a runbook"),
    (r"RDB looks OK!", "an output of redis-check-rdb"),
    (r"\bstay(s)?( up\b|$)", "what a process does that does not end; a line may be folded there"),
    (r"\bas well\b", "also"),
    (r"^ +look( +status .*)?$", "the verbs that change nothing, as a group of the help"),
    (r#"^ *"(look|says|stays)":.*"#, "a deprecated field of a document"),
    (r"PASS +prim on vps1: all well.*", "a hostile line of a log or of a service"),
    (r"We are working on", "the page that visitors see during maintenance"),
    (r"\bglances\b", "a program"),
    (r"\bmake-room\b", "the name of a procedure"),
];

#[test]
fn texts_use_the_words_of_the_glossary() {
    let words: Vec<(Regex, &str)> =
        WORDS.iter().map(|(pattern, instead)| (Regex::new(pattern).unwrap(), *instead)).collect();
    let any = RegexSet::new(WORDS.iter().map(|(pattern, _)| pattern)).unwrap();
    let allowed: Vec<Regex> = ALLOWED.iter().map(|(pattern, _)| Regex::new(pattern).unwrap()).collect();
    let mut files = Vec::new();
    for path in SCOPE {
        below(Path::new(path), &mut files);
    }
    files.retain(|file| !EXEMPT.iter().any(|exempt| file.starts_with(exempt)));
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in files {
        let Ok(content) = fs::read_to_string(&file) else { continue };
        let texts = match file.extension().is_some_and(|extension| extension == "rs") {
            true => literals(&content),
            false => content.lines().enumerate().map(|(at, line)| (at + 1, line.to_owned())).collect(),
        };
        for (line, text) in texts {
            seen += 1;
            if !any.is_match(&text) {
                continue;
            }
            let left = allowed.iter().fold(text.clone(), |left, allowed| allowed.replace_all(&left, "·").into_owned());
            for (word, instead) in &words {
                if let Some(found) = word.find(&left) {
                    wrong.push(format!("{}:{line}: \"{}\" ({instead}): {text}", file.display(), found.as_str()));
                }
            }
        }
    }
    assert!(seen > 3000, "{seen}");
    assert!(wrong.is_empty(), "{} texts:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn only_texts_for_people_are_read() {
    let source = r##"
        //! "a comment of a file"
        /// "a doc comment" that is no text
        #[expect(dead_code, reason = "a reason for whoever reads the code")]
        #[error("an error text")]
        const A: (&str, char, &str) = ("one \"quoted\" text", '"', r#"a raw "text" here"#);
        fn of<'a>(it: &'a str) { print!("it is {it} \
            and more") /* "not this one" */ }
        #[cfg(test)]
        mod tests { const B: &str = "a text of } a test"; }
        const WORD: &str = "word";
        const C: &str = "after the tests";
    "##;
    let texts: Vec<String> = literals(source).into_iter().map(|(_, text)| text).collect();
    let expected =
        ["an error text", "one \"quoted\" text", "a raw \"text\" here", "it is {it} and more", "after the tests"];
    assert_eq!(texts, expected);
}

/// The files below a path that are no tests, the path itself where it is a file.
fn below(path: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(path) else { return files.push(path.to_owned()) };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_stem().is_none_or(|stem| stem != "tests"));
    paths.sort();
    for path in &paths {
        below(path, files);
    }
}

/// The string literals of a source with more than one word, each with its line: without comments, tests and attributes that
/// hold no text for people.
fn literals(source: &str) -> Vec<(usize, String)> {
    let raw = Regex::new(r#"^b?c?r(#*)""#).unwrap();
    let character = Regex::new(r"^'(\\(x[0-9a-fA-F]{2}|u\{[^}]*\}|.)|[^\\'])'").unwrap();
    let silent = Regex::new(r"^#!?\[(expect|allow|doc|serde|cfg|cfg_attr|deprecated|must_use)\b").unwrap();
    let mut found = Vec::new();
    let mut at = 0;
    // Where a test began: what it is in is left out to the brace that ends it.
    let mut test: Option<usize> = None;
    let mut depth = 0_usize;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let word_before = source[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let begins = |bytes: &[u8]| bytes.contains(&rest.as_bytes()[0]);
        let skip = |end: Option<usize>| end.unwrap_or(rest.len());
        if rest.starts_with("//") {
            at += skip(rest.find('\n'));
        } else if rest.starts_with("/*") {
            at += skip(rest.find("*/").map(|end| end + 2));
        } else if let Some(head) =
            Some(rest).filter(|_| begins(b"bcr") && !word_before).and_then(|rest| raw.captures(rest))
        {
            let close = format!("\"{}", &head[1]);
            let begin = head[0].len();
            let end = begin + rest[begin..].find(&close).unwrap();
            found.push((at, test.is_none(), rest[begin..end].to_owned()));
            at += end + close.len();
        } else if rest.starts_with('"') {
            let end = closing(rest);
            found.push((at, test.is_none(), unescaped(&rest[1..end])));
            at += end + 1;
        } else if let Some(one) = Some(rest).filter(|_| begins(b"'")).and_then(|rest| character.find(rest)) {
            at += one.len();
        } else if begins(b"#") && silent.is_match(rest) {
            if rest.starts_with("#[cfg(test)]") && test.is_none() {
                test = Some(depth);
            }
            at += attribute(rest);
        } else {
            let c = rest.chars().next().unwrap();
            match c {
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    test = test.filter(|begun| *begun != depth);
                }
                ';' => test = test.filter(|begun| *begun != depth),
                _ => {}
            }
            at += c.len_utf8();
        }
    }
    let line = |at: usize| source[..at].matches('\n').count() + 1;
    let is_text = |text: &str| text.trim().contains(' ');
    found.into_iter().filter(|(_, shown, text)| *shown && is_text(text)).map(|(at, _, text)| (line(at), text)).collect()
}

/// Where the quote stands that ends the literal at the start of a text.
fn closing(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.unwrap().0
}

/// How long the attribute at the start of a text is.
fn attribute(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '"' => at += closing(&text[at..]),
            '[' => depth += 1,
            ']' if depth == 1 => return at + 1,
            ']' => depth -= 1,
            _ => {}
        }
        at += c.len_utf8();
    }
    at
}

/// A literal as it is shown: continued lines joined, quotes and backslashes as they are.
fn unescaped(literal: &str) -> String {
    let joined = Regex::new(r"\\\n\s*").unwrap().replace_all(literal, "");
    joined.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\")
}

/// The end of what the bracket at the beginning of this text opens. Brackets within string literals are in pairs.
fn closing_of(text: &str) -> usize {
    let mut depth = 0;
    let ends = |(_, c): &(usize, char)| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0
    };
    text.char_indices().find(ends).map_or(text.len(), |(at, _)| at + 1)
}

/// Who is refused reads what to do. What `Error::blocked` makes has a hint of its own.
#[test]
fn every_refusal_has_a_hint() {
    const CALL: &str = "Error::refused";
    let mut files = Vec::new();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let (mut seen, mut wrong) = (0, Vec::new());
    for path in files.iter().filter(|path| !path.ends_with("src/error.rs")) {
        let text = fs::read_to_string(path).unwrap();
        for (at, _) in text.match_indices(&format!("{CALL}(")) {
            let call = &text[at + CALL.len()..];
            seen += 1;
            if !call[closing_of(call)..].trim_start().starts_with(".hint(") {
                wrong.push(format!("{}: {}", path.display(), call.lines().next().unwrap_or_default()));
            }
        }
    }
    assert!(seen > 20, "{seen}");
    assert!(wrong.is_empty(), "without a hint:\n{}", wrong.join("\n"));
}
