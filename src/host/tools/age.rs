//! `age`: what only the holder of a key may read is sealed, and opened again (Debian package `age`,
//! <https://manpages.debian.org/stable/age/age.1.en.html>).

use super::Argv;

/// Seals a file for whoever has this identity, since age 1.0. What is sealed goes where `to` is.
pub fn encrypt(identity: &str, from: &str, to: &str) -> Argv {
    // Without --encrypt an identity would mean that something is to be opened.
    Argv::new("age", ["--encrypt", "--identity", identity, "--output", to, "--", from])
}

/// Opens what was sealed. A `to` that is there keeps its mode.
pub fn decrypt(identity: &str, from: &str, to: &str) -> Argv {
    Argv::new("age", ["--decrypt", "--identity", identity, "--output", to, "--", from])
}

/// Whether this complaint says that it was sealed with another key.
pub fn is_other_key(complaint: &str) -> bool {
    complaint.contains("no identity matched any of the recipients")
}

/// Whether a file's text is an identity of age itself, which has no password that would be asked for.
pub fn is_identity(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    lines.peek().is_some() && lines.all(|line| line.starts_with("AGE-SECRET-KEY-1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        let key = "/etc/opsctl/backup.key";
        assert_eq!(
            encrypt(key, "/s/a.tar.zst", "/s/a.tar.zst.age").to_string(),
            "age --encrypt --identity /etc/opsctl/backup.key --output /s/a.tar.zst.age -- /s/a.tar.zst"
        );
        assert_eq!(
            decrypt(key, "/s/a.tar.zst.age", "/s/a.tar.zst").to_string(),
            "age --decrypt --identity /etc/opsctl/backup.key --output /s/a.tar.zst -- /s/a.tar.zst.age"
        );
    }

    #[test]
    fn an_identity_has_a_key_and_nothing_else() {
        assert!(is_identity("# created: 2026-02-26T02:11:07Z\n# public key: age1x\nAGE-SECRET-KEY-1ABC\n"));
        assert!(is_identity("AGE-SECRET-KEY-1ABC\r\n\nAGE-SECRET-KEY-1DEF"));
        for text in ["", "# public key: age1x\n", "age1x\n", "AGE-SECRET-KEY-1ABC\nage1x\n", "-----BEGIN OPENSSH"] {
            assert!(!is_identity(text), "{text}");
        }
    }

    #[test]
    fn another_key_is_told_from_other_troubles() {
        assert!(is_other_key("age: error: no identity matched any of the recipients\nage: report unexpected"));
        assert!(!is_other_key("age: error: failed to read header: parsing age header: EOF"));
    }
}
