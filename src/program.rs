//! What this program is called, so that what it advises can be typed: `opsctl`, or the name of somebody's own binary.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Display;
use std::path::Path;
use std::sync::OnceLock;

const STOCK: &str = "opsctl";

/// What its own requests call themselves, whatever its name, so that no log is judged by them.
pub const USER_AGENT: &str = concat!("opsctl/", env!("CARGO_PKG_VERSION"));
/// How that begins in every version.
const ANY_USER_AGENT: &str = "opsctl/";

/// Longest name that is taken over, bytes.
const LONGEST: usize = 64;

static NAME: OnceLock<String> = OnceLock::new();
static CALL: OnceLock<String> = OnceLock::new();

/// The name by which it was called.
pub fn name() -> &'static str {
    NAME.get().map_or(STOCK, String::as_str)
}

/// A command line of this program: its name, then `words`.
pub fn command(words: impl Display) -> String {
    format!("{} {words}", name())
}

/// The same for who is not root.
pub fn as_root(words: impl Display) -> String {
    format!("sudo {} {words}", name())
}

/// This call again, for who is not root; `words` where nothing was typed.
pub fn again_as_root(words: &str) -> String {
    as_root(CALL.get().map_or(words, String::as_str))
}

/// This call again, with a flag more.
pub fn again(flag: &str) -> String {
    CALL.get().map_or_else(|| command(flag), |words| command(format_args!("{words} {flag}")))
}

/// This call again, as one that resumes, with a flag more.
pub fn resumed(flag: &str) -> String {
    let resumes = CALL.get().is_some_and(|words| words.split(' ').any(|word| word == "--resume"));
    if resumes { again(flag) } else { again(&format!("--resume {flag}")) }
}

/// This call again, with another name in place of one that was typed once, between commas too; only that name where it was not.
pub fn instead(typed: &str, meant: &str) -> String {
    CALL.get().and_then(|words| replaced(words, typed, meant)).map_or_else(|| meant.to_owned(), command)
}

fn replaced(words: &str, typed: &str, meant: &str) -> Option<String> {
    let parts: Vec<&str> = words.split_inclusive([' ', ',']).collect();
    let end = |part: &str| part.len() - usize::from(part.ends_with([' ', ',']));
    let is_typed = |part: &&&str| part[..end(part)] == *typed;
    let put = |part: &&str| if is_typed(&part) { format!("{meant}{}", &part[end(part)..]) } else { (*part).to_owned() };
    (parts.iter().filter(is_typed).count() == 1).then(|| parts.iter().map(put).collect())
}

/// Takes the words after the name, quoted for a shell; the first call counts.
pub fn set_call(words: String) {
    let _ = CALL.set(words);
}

/// A text of the registry, which calls this program `opsctl`, with the name that it has.
pub fn called(text: &str) -> Cow<'_, str> {
    match name() {
        STOCK => Cow::Borrowed(text),
        name if text == STOCK => Cow::Borrowed(name),
        name => Cow::Owned(text.replace("opsctl ", &format!("{name} "))),
    }
}

/// Whether a line of an access log is about a request of this program, in any version: it says nothing of what others get.
pub fn is_own_request(line: &str) -> bool {
    let follows = |at: usize| line.as_bytes().get(at + ANY_USER_AGENT.len()).is_some_and(u8::is_ascii_digit);
    let is_word = |at: usize| {
        line[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric() && !"/._-".contains(before))
    };
    line.match_indices(ANY_USER_AGENT).any(|(at, _)| follows(at) && is_word(at))
}

/// Takes the name from the first word of the command line; the first call counts.
pub fn set_name(first: Option<&OsStr>) {
    if let Some(name) = first.and_then(usable) {
        let _ = NAME.set(name.to_owned());
    }
}

/// Commit that it was built from, or `unknown`.
pub const COMMIT: &str = env!("OPSCTL_BUILD_COMMIT");
/// Day of that commit, or `unknown`.
pub const DATE: &str = env!("OPSCTL_BUILD_DATE");
/// Target triple that it was built for.
pub const TARGET: &str = env!("OPSCTL_BUILD_TARGET");

/// Version, commit, day and target.
pub fn build() -> String {
    format!("{} ({COMMIT} {DATE}, {TARGET})", version())
}

/// Its own version, and under another name also whose.
pub fn version() -> String {
    match name() {
        STOCK => env!("CARGO_PKG_VERSION").to_owned(),
        _ => format!("({STOCK} {})", env!("CARGO_PKG_VERSION")),
    }
}

/// The last part of that path, where it is a word that a shell takes as it is.
fn usable(first: &OsStr) -> Option<&str> {
    let name = Path::new(first).file_name()?.to_str()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_usable =
        name.len() <= LONGEST && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_plain);
    is_usable.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_requests_are_known_in_every_form_of_access_log() {
        for line in [
            &format!("127.0.0.1 - - [26/Feb/2026:02:00:00 +0000] \"GET / HTTP/1.1\" 502 1 \"-\" \"{USER_AGENT}\""),
            r#"{"status":502,"headers":{"User-Agent":["opsctl/0.1.0"]}}"#,
            "GET /health 503 2 ms - opsctl/2.0.0",
        ] {
            assert!(is_own_request(line), "{line}");
        }
        for line in
            ["cannot open /etc/opsctl/1", "GET /opsctl/1 502", "opsctl/", "my-opsctl/1", "sudo opsctl restart wallet"]
        {
            assert!(!is_own_request(line), "{line}");
        }
    }

    #[test]
    fn a_name_that_was_typed_once_is_replaced_where_it_was_typed() {
        let with = |words: &str| replaced(words, "walet", "wallet");
        assert_eq!(with("-d prim backup walet").as_deref(), Some("-d prim backup wallet"));
        assert_eq!(with("backup store,walet,track -y").as_deref(), Some("backup store,wallet,track -y"));
        assert_eq!(with("backup walet,store").as_deref(), Some("backup wallet,store"));
        for other in ["backup walet walet", "backup 'walet x'", "backup walets", ""] {
            assert_eq!(with(other), None, "{other}");
        }
    }

    #[test]
    fn only_a_plain_word_is_taken_for_its_name() {
        for (first, name) in [
            ("opsctl", Some("opsctl")),
            ("/usr/local/bin/shop-ctl", Some("shop-ctl")),
            ("./shop.2", Some("shop.2")),
            ("", None),
            ("..", None),
            ("-bash", None),
            ("shop ctl", None),
            ("shop;reboot", None),
            ("sh\u{1b}op", None),
            ("$(reboot)", None),
        ] {
            assert_eq!(usable(OsStr::new(first)), name, "{first:?}");
        }
        assert_eq!(usable(OsStr::new(&"x".repeat(65))), None);
    }
}
