//! Secrets of a procedure, and the keys of files that hold them. The values are never part of an argument, of the record of a run, of
//! the audit trail or of what is shown.

use super::super::{EnvReader, Secret};

/// A secret that a procedure uses or replaces. It stands in braces like a parameter, but only in what a command reads on its standard
/// input and in the value of a key.
///
/// ```
/// # use opsctl::registry::*;
/// let old = SecretValue::stored("old", Secret::in_file("/etc/shop.env").key("API_KEY"));
/// let new = SecretValue::generated("new");
/// let given = SecretValue::given("key", "key-file");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct SecretValue {
    /// Name in braces: `{new}`.
    pub name: &'static str,
    /// Where it comes from.
    pub source: SecretSource,
}

/// Where a secret comes from. It is determined once, before the first step, and kept for whoever resumes the run.
///
/// ```
/// # use opsctl::registry::*;
/// assert!(matches!(SecretValue::generated("new").source, SecretSource::Generated));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SecretSource {
    /// It is made: 192 random bits as 48 hexadecimal digits, which every parser and URL takes as they are.
    Generated,
    /// It is read from a key of a file; of a URL with a password, the password.
    Stored(Secret),
    /// It is the only line of a file that root alone can read. The name of the parameter that is its path.
    Given(&'static str),
}

impl SecretValue {
    /// A new one: 192 random bits as 48 hexadecimal digits.
    pub const fn generated(name: &'static str) -> Self {
        SecretValue { name, source: SecretSource::Generated }
    }

    /// The one that a key of a file has when the run begins; of a URL with a password, the password.
    pub const fn stored(name: &'static str, secret: Secret) -> Self {
        SecretValue { name, source: SecretSource::Stored(secret) }
    }

    /// One that somebody else made, such as a provider: the only line of a file that root alone can read. `parameter` is its path.
    pub const fn given(name: &'static str, parameter: &'static str) -> Self {
        SecretValue { name, source: SecretSource::Given(parameter) }
    }
}

/// A key of a file that is set to another value. The file keeps its owner, group and mode, and the old one is kept beside it, with
/// `.opsctl-old` behind its name.
///
/// ```
/// # use opsctl::registry::*;
/// let key = KeyEdit::new(&["/etc/shop.env"], KeyFormat::Env(EnvReader::Systemd), "API_KEY", "{new}").optional();
/// let url = KeyEdit::new(&["/srv/shop/.env"], KeyFormat::Env(EnvReader::Dotenv), "DATABASE_URL", "{new}").password();
/// let redis = KeyEdit::new(&["/etc/redis/redis.conf"], KeyFormat::Words, "requirepass", "{new}");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct KeyEdit {
    /// Absolute paths at which the file may lie; the first that exists is taken.
    pub files: &'static [&'static str],
    /// How it is written.
    pub format: KeyFormat,
    /// The key.
    pub key: &'static str,
    /// The value; may hold parameters and secrets.
    pub value: &'static str,
    /// The value is the password of the URL that the key has, whose other parts are kept.
    pub is_password: bool,
    /// Nothing is done where the file does not exist.
    pub is_optional: bool,
}

/// How a file of keys is written.
///
/// ```
/// # use opsctl::registry::*;
/// assert_ne!(KeyFormat::Env(EnvReader::Docker), KeyFormat::Words);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFormat {
    /// `KEY=value` lines, as this program reads them.
    Env(EnvReader),
    /// Lines of words, the key first, as in `redis.conf`.
    Words,
}

impl KeyEdit {
    /// A key of the file at the first of these absolute paths that exists. Where the key is not set yet, it is added.
    pub const fn new(
        files: &'static [&'static str],
        format: KeyFormat,
        key: &'static str,
        value: &'static str,
    ) -> Self {
        KeyEdit { files, format, key, value, is_password: false, is_optional: false }
    }

    /// The value is the password of the URL that the key has. A key that is not set, or is no URL with a password, is an error.
    pub const fn password(mut self) -> Self {
        self.is_password = true;
        self
    }

    /// Nothing is done where the file does not exist.
    pub const fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }
}
