//! Secrets of env files, as every program sees them, are in no text.

use super::super::{Memory, Redactor};
use super::*;
use crate::envfile::tests::corpus;

/// What nobody may see of a file of settings: every value of a secret name as any program sees it, how it is written, and each
/// line of both.
fn secrets_in(file: &str) -> Vec<String> {
    let mut all = Vec::new();
    for setting in envfile::every_setting(file).filter(|setting| is_secret_name(&setting.key)) {
        let raw = file[setting.raw].to_owned();
        for value in setting.value.known().map(str::to_owned).into_iter().chain([raw]) {
            all.extend(value.lines().map(|line| line.trim().to_owned()));
            all.push(value.trim().to_owned());
        }
    }
    all.retain(|secret| secret.len() >= SHORTEST && !is_ordinary(secret.as_bytes()));
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn l15_what_any_program_sees_in_an_env_file_is_in_no_text() {
    let mut secrets = 0;
    for content in corpus::files() {
        let file = String::from_utf8_lossy(&content).into_owned();
        let redactor = Redactor::of_settings([file.as_str()]);
        for secret in secrets_in(&file) {
            secrets += 1;
            let json = serde_json::json!({ "msg": secret });
            for text in [
                format!("it is {secret} here"),
                secret.clone(),
                json.to_string(),
                serde_json::json!({ "log": json.to_string() }).to_string(),
                format!("error: {secret:?}"),
            ] {
                let mut shown = redactor.clean(&text).into_owned();
                shown.push_str(&redactor.quote(&text));
                let mut memory = Memory::default();
                text.lines().for_each(|line| shown.push_str(&redactor.clean_line(&mut memory, line, |_| 0)));
                assert!(!shown.contains(&secret), "{secret:?} in {text:?}: {shown:?} of {file:?}");
            }
            // What opsctl itself says, which is made of what was cleaned.
            let document = serde_json::json!({ "excerpt": redactor.clean(&secret) });
            let shown = redactor.clean_document(format!("{document}\n"));
            assert!(!shown.contains(&secret), "{secret:?} of {file:?}: {shown:?}");
        }
    }
    assert!(secrets > 2000, "{secrets}");
}

#[test]
fn l15_examples() {
    let file = "PRIM_INTERNAL_KEY=\"dummy-pa\\$\\$word-77\"\nA_SECRET=abc\"def\"ghi\nB_SECRET=\"abc\"def'ghi'\nC_TOKEN=first-half\\\n  second-half\n\
                D_TOKEN=\"line-one\nline-two\n\"\nE_KEY=dummy-v4lue # why not\nexport F_KEY=dummy-exported\nG_KEY: dummy-yaml\n\
                H_SECRET=${B_SECRET}tail\nI_KEY=dummy$$dollar\nJ_KEY=${NOT_HERE:-dummy-default}\n";
    let redactor = Redactor::of_settings([file]);
    for secret in [
        "dummy-pa$$word-77",
        "dummy-pa$word-77",
        "dummy-pa\\$\\$word-77",
        "abc\"def\"ghi",
        "abcdefghi",
        "\"abc\"def'ghi'",
        "first-half  second-half",
        "second-half",
        "line-one\nline-two",
        "line-one",
        "line-two",
        "dummy-v4lue",
        "dummy-v4lue # why not",
        "dummy-exported",
        "dummy-yaml",
        "dummy$dollar",
        "dummy$$dollar",
        "dummy-default",
    ] {
        let text = format!("it is {secret} here");
        let shown = redactor.clean(&text);
        assert!(!shown.contains(secret), "{shown}");
        assert!(shown.starts_with("it is ") && shown.ends_with(" here"), "{shown}");
    }
}
