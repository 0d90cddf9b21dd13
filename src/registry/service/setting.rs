//! What the values of an env file must be for its service to work as the runbook assumes: a key, the form of its value, and what
//! happens otherwise.

/// What the value of a key must be, wherever it is set. Of a key that is not set, only
/// [`EnvFile::required`](crate::registry::EnvFile::required) says something.
///
/// ```
/// # use opsctl::registry::*;
/// let timeout = Setting::new("TIMEOUT_MS", Form::Milliseconds(100, 60_000)).otherwise("requests end before they are answered");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Setting {
    /// Name of the key.
    pub key: &'static str,
    /// What its value must be.
    pub form: Form,
    /// What happens with another one: `jobs wait for as long`.
    pub otherwise: &'static str,
}

impl Setting {
    /// The value of this key has this form. [`otherwise`](Self::otherwise) must follow.
    pub const fn new(key: &'static str, form: Form) -> Self {
        Setting { key, form, otherwise: "" }
    }

    /// What happens with another one, a part of a sentence: `jobs wait for as long`. Required.
    pub const fn otherwise(mut self, text: &'static str) -> Self {
        self.otherwise = text;
        self
    }
}

/// What a value must be. Numbers are decimal and without a unit; what cannot be one breaks the rule.
///
/// ```
/// # use opsctl::registry::*;
/// let mode = Setting::new("NODE_ENV", Form::Word(&["production"])).otherwise("errors are shown to visitors");
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Form {
    /// A number of milliseconds in this range, both ends included.
    Milliseconds(u64, u64),
    /// A number of seconds in this range, both ends included.
    Seconds(u64, u64),
    /// A number in this range, both ends included.
    Count(u64, u64),
    /// A number of milliseconds below that of another key; where that is not set, below this one.
    MillisecondsBelow(&'static str, u64),
    /// This port.
    Port(u16),
    /// `true` or `false`, as programs read them: 1 and 0, yes and no, on and off as well.
    Boolean,
    /// One of these words, in upper or lower case.
    Word(&'static [&'static str]),
    /// So many characters at least. The value is a secret: only its length is shown.
    Length(usize),
    /// The name of a host, one of these.
    Host(&'static [&'static str]),
    /// A URL. Of its value only the scheme, the host and the port are shown.
    Url(UrlForm),
}

/// What a URL must be.
///
/// ```
/// # use opsctl::registry::*;
/// let database = Form::Url(UrlForm::with_scheme(&["postgres"]).at(&["localhost"]).port(5432));
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use]
#[non_exhaustive]
pub struct UrlForm {
    /// Its scheme, one of these.
    pub schemes: &'static [&'static str],
    /// Its host, one of these; any where none is listed.
    pub hosts: &'static [&'static str],
    /// The end of its host's name, such as that of a vendor's domain; empty for any.
    pub domain: &'static str,
    /// Its port, where it states one.
    pub port: Option<u16>,
}

impl UrlForm {
    /// With one of these schemes: `https`.
    pub const fn with_scheme(schemes: &'static [&'static str]) -> Self {
        UrlForm { schemes, hosts: &[], domain: "", port: None }
    }

    /// Its host is one of these.
    pub const fn at(mut self, hosts: &'static [&'static str]) -> Self {
        self.hosts = hosts;
        self
    }

    /// Its host's name ends like this: `.convex.cloud`.
    pub const fn within(mut self, domain: &'static str) -> Self {
        self.domain = domain;
        self
    }

    /// Where it states a port, it is this one.
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }
}
