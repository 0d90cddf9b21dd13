//! A mail (RFC 5322) for the host's `sendmail`, which adds whom it is from.

use jiff::fmt::rfc2822;

use super::{Message, PLAIN, Unfit};
use crate::host::tools::{Argv, sendmail};

/// Longer texts are cut, bytes.
const LONGEST: usize = 32 << 10;
/// The most addresses.
const MOST: usize = 20;
/// How long an encoded word of a header may be (RFC 2047), without what is around it.
const WORD: usize = 60;

pub(super) fn argv(addresses: &str, message: &Message) -> Result<Argv, Unfit> {
    let is_end = |c: char| c == ',' || c == ';' || c.is_whitespace();
    let all: Vec<&str> = addresses.split(is_end).filter(|address| !address.is_empty()).collect();
    if all.is_empty() || all.len() > MOST || !all.iter().all(|address| is_address(address)) {
        return Err(Unfit::Malformed("it has no list of 1 to 20 mail addresses".to_owned()));
    }
    let date = rfc2822::to_string(&message.sender.time.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default();
    let host: String = message.sender.host.chars().filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).collect();
    let host = if host.is_empty() { "localhost" } else { host.as_str() };
    let text = message.text(LONGEST, &PLAIN);
    let bits = if text.is_ascii() { "7bit" } else { "8bit" };
    let headers = [
        format!("To: {}", all.join(", ")),
        format!("Subject: {}", encoded(&message.title())),
        format!("Date: {date}"),
        format!("Message-ID: <{}@{host}>", message.id),
        "Auto-Submitted: auto-generated".to_owned(),
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=utf-8".to_owned(),
        format!("Content-Transfer-Encoding: {bits}"),
    ];
    Ok(sendmail::send(&format!("{}\n\n{text}\n", headers.join("\n"))))
}

/// A mailbox, or a user of this host: no name with blanks, no quotes.
fn is_address(text: &str) -> bool {
    let (user, domain) = text.split_once('@').unwrap_or((text, "localhost"));
    let is_user = |c: char| c.is_ascii_alphanumeric() || "._+-=%".contains(c);
    let is_domain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    text.len() <= 254
        && !user.is_empty()
        && !user.starts_with('-')
        && user.chars().all(is_user)
        && domain.starts_with(|c: char| c.is_ascii_alphanumeric())
        && domain.chars().all(is_domain)
}

/// A text in a header: as it is, or in encoded words (RFC 2047), each of whole characters.
fn encoded(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && !text.contains("=?");
    if is_plain {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for c in text.chars() {
        let letters: String = match c {
            ' ' => "_".to_owned(),
            c if c.is_ascii_alphanumeric() => c.to_string(),
            c => c.encode_utf8(&mut [0; 4]).bytes().fold(String::new(), |word, byte| format!("{word}={byte:02X}")),
        };
        match words.last_mut() {
            Some(word) if word.len() + letters.len() <= WORD => word.push_str(&letters),
            _ => words.push(letters),
        }
    }
    let words: Vec<String> = words.iter().map(|word| format!("=?utf-8?Q?{word}?=")).collect();
    words.join("\n ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_nothing_else() {
        for good in ["root", "ops@example.org", "a.b+c@x-y.example"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "-oQ/tmp", "-X@x", "a@-x", "a@b@c", "a b@c", "|id", "a@b\n", "\"a\"@b", "a@", "@b", "ö@b"] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_header_is_one_line_of_ascii_that_decodes_to_the_text() {
        assert_eq!(encoded("FAIL prim on vps1: wallet"), "FAIL prim on vps1: wallet");
        assert_eq!(encoded("a=?b"), "=?utf-8?Q?a=3D=3Fb?=");
        let long = encoded(&"störung ".repeat(20));
        assert!(long.is_ascii());
        for line in long.split("\n ") {
            assert!(line.len() <= 75 && line.starts_with("=?utf-8?Q?") && line.ends_with("?="), "{line}");
            assert!(!line.contains(' '), "{line}");
        }
    }
}
