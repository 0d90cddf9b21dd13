//! What a procedure must be given, and of which form it is.

/// A value that a procedure is given: a flag of its name, or a word in the order of the parameters.
///
/// ```
/// # use opsctl::registry::*;
/// let address = Parameter::new("ip", ParameterKind::Address).help("address to block");
/// let free = Parameter::new("free", ParameterKind::Size).help("space that must be free").default("5G");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Parameter {
    /// Name of the flag, without dashes, and of the place in texts: `{ip}`.
    pub name: &'static str,
    /// Its form.
    pub kind: ParameterKind,
    /// What it is, in a few words.
    pub help: &'static str,
    /// The value where none is given; without one it must be given.
    pub default: Option<&'static str>,
}

impl Parameter {
    /// A parameter of this name, lower-case letters and dashes, and this form. [`help`](Self::help) must follow.
    pub const fn new(name: &'static str, kind: ParameterKind) -> Self {
        Parameter { name, kind, help: "", default: None }
    }

    /// What it is, in a few words. Required.
    pub const fn help(mut self, text: &'static str) -> Self {
        self.help = text;
        self
    }

    /// The value where none is given.
    pub const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }
}

/// The form of a parameter. A value of another form is a usage error, before anything is planned.
///
/// ```
/// # use opsctl::registry::*;
/// let stars = Parameter::new("instances", ParameterKind::Number { least: 1, most: 16 }).help("processes of the API");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterKind {
    /// An IPv4 or IPv6 address, as `203.0.113.7`; it is handed on in its shortest form.
    Address,
    /// A span of time, as `2h`; it is handed on in seconds.
    Duration,
    /// A number of bytes, as `5G`; it is handed on in bytes.
    Size,
    /// A whole number within these bounds.
    Number {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// One word of letters, digits and `-_.:`, a letter or digit first.
    Word,
    /// An absolute path of letters, digits and `-_.@+/`, without `..`.
    Path,
    /// An EVM wallet address: `0x` and 40 hexadecimal digits.
    Wallet,
    /// The name of a service of the deployment.
    Service,
}
