//! Kinds of reasons that programs state when they fail.

/// A kind of reason why a program fails, whatever the program is: who could not do what. Which thing it was, the line that states
/// it names.
///
/// ```
/// # use opsctl::registry::*;
/// let denied = Clue::Reports(Family::PermissionDenied);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Family {
    /// It may not open, write or enter a path, or use an object (EACCES, EPERM).
    PermissionDenied,
    /// A file, directory or program is not there (ENOENT).
    FileMissing,
    /// A path is a directory and should be none, or the other way round (EISDIR, ENOTDIR).
    WrongKind,
    /// A module, package, class or shared library is not there.
    ModuleMissing,
    /// A file cannot be executed: no permission to, another architecture, a missing interpreter (ENOEXEC).
    NotExecutable,
    /// Somebody else listens there (EADDRINUSE).
    AddressInUse,
    /// The host has no such address (EADDRNOTAVAIL).
    AddressUnavailable,
    /// A port below 1024 without the right to it.
    PortPrivileged,
    /// A file of configuration or code cannot be parsed.
    SyntaxError,
    /// A setting, directive or option that the program does not know.
    SettingUnknown,
    /// A value that a setting cannot have.
    SettingInvalid,
    /// A setting or environment variable that the program requires.
    SettingMissing,
    /// Nobody listens there (ECONNREFUSED).
    ConnectRefused,
    /// No answer from there in time (ETIMEDOUT).
    ConnectTimeout,
    /// No route to there (EHOSTUNREACH, ENETUNREACH).
    Unreachable,
    /// A host name is not resolved.
    NameUnresolved,
    /// A password, key or account is refused.
    AuthRefused,
    /// A database, table or role is not there.
    ObjectMissing,
    /// Tables or migrations do not fit the program.
    SchemaMismatch,
    /// A version does not fit: of data, of a library, of the runtime.
    VersionMismatch,
    /// A file system, database or replica takes no writes (EROFS).
    ReadOnly,
    /// No space, or the quota is used up (ENOSPC, EDQUOT).
    NoSpace,
    /// No more descriptors (EMFILE, ENFILE).
    TooManyFiles,
    /// No more memory: heap, allocation, the kernel's killer (ENOMEM).
    OutOfMemory,
    /// No more processes or threads (EAGAIN of fork).
    ProcessLimit,
    /// No more connections to a server.
    ConnectionsExhausted,
    /// A certificate or key cannot be read, or they do not match.
    CertificateUnusable,
    /// The certificate of a peer is not trusted, or has expired.
    PeerUntrusted,
    /// Another process holds a lock or a name.
    Locked,
    /// Data are damaged.
    DataCorrupt,
    /// A user or group does not exist.
    AccountMissing,
    /// systemd could not set up the unit's surroundings.
    SandboxFailed,
    /// The engine has no such image, and cannot pull it.
    ImageMissing,
    /// The engine has no such network or volume.
    AttachmentMissing,
    /// Ended by a signal from outside.
    Killed,
    /// Ended by a fault of its own: a panic, an assertion, an uncaught exception, a segmentation fault.
    Crashed,
}

/// What each is called in the reader's sentence, and what stands for a thing that the line does not name.
const WORDS: &[(Family, &str, &str)] = &[
    (Family::PermissionDenied, "cannot use {thing}: permission denied", "a file"),
    (Family::FileMissing, "cannot find {thing}", "a file"),
    (Family::WrongKind, "cannot use {thing}: it is a directory instead of a file, or the reverse", "a path"),
    (Family::ModuleMissing, "cannot load {thing}: the module or library is missing", "a module"),
    (Family::NotExecutable, "cannot execute {thing}", "a program"),
    (Family::AddressInUse, "cannot listen on {thing}: the address is in use", "its port"),
    (Family::AddressUnavailable, "cannot listen on {thing}: the host has no such address", "its address"),
    (Family::PortPrivileged, "cannot listen on {thing}: the port needs a privilege", "its port"),
    (Family::SyntaxError, "cannot parse {thing}: syntax error", "a file"),
    (Family::SettingUnknown, "does not know the setting {thing}", "that it is given"),
    (Family::SettingInvalid, "rejects the value of {thing}", "a setting"),
    (Family::SettingMissing, "requires {thing}, which is not set", "a setting"),
    (Family::ConnectRefused, "cannot connect to {thing}: connection refused", "a server"),
    (Family::ConnectTimeout, "gets no answer from {thing} before its timeout", "a server"),
    (Family::Unreachable, "cannot reach {thing}: no route", "a server"),
    (Family::NameUnresolved, "cannot resolve {thing}", "a host name"),
    (Family::AuthRefused, "cannot log in as {thing}: refused", "its account"),
    (Family::ObjectMissing, "cannot find {thing} in its database", "an object"),
    (Family::SchemaMismatch, "does not fit the schema of its database: {thing}", "a migration"),
    (Family::VersionMismatch, "does not fit the version of {thing}", "its data or libraries"),
    (Family::ReadOnly, "cannot write {thing}: read-only", "its data"),
    (Family::NoSpace, "cannot write {thing}: no space left", "its data"),
    (Family::TooManyFiles, "cannot open more files: {thing}", "its limit is reached"),
    (Family::OutOfMemory, "gets no more memory: {thing}", "its limit is reached"),
    (Family::ProcessLimit, "gets no more processes or threads: {thing}", "its limit is reached"),
    (Family::ConnectionsExhausted, "gets no connection: {thing} accepts no more", "the server"),
    (
        Family::CertificateUnusable,
        "cannot use {thing}: certificate or key is not valid or does not match",
        "its certificate",
    ),
    (Family::PeerUntrusted, "does not trust the certificate of {thing}", "its peer"),
    (Family::Locked, "waits for {thing}: another process holds it", "a lock"),
    (Family::DataCorrupt, "reports damaged data: {thing}", "its files"),
    (Family::AccountMissing, "needs the user or group {thing}, which does not exist", "that it runs as"),
    (Family::SandboxFailed, "cannot start: systemd cannot set up {thing}", "its sandbox"),
    (Family::ImageMissing, "has no image: {thing}", "it is not on this host"),
    (Family::AttachmentMissing, "has no network or volume {thing}", "of that name"),
    (Family::Killed, "was killed by a signal: {thing}", "by a signal"),
    (Family::Crashed, "crashed: {thing}", "by a fault of its own"),
];

impl Family {
    /// All of them.
    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Family> {
        WORDS.iter().map(|(family, ..)| *family)
    }

    fn entry(self) -> (&'static str, &'static str) {
        let own = WORDS.iter().find(|(family, ..)| *family == self);
        own.map_or(("fails: {thing}", "its log names no cause"), |(_, phrase, thing)| (phrase, thing))
    }

    /// What a program does or cannot do, with `{thing}`.
    pub(crate) fn phrase(self) -> &'static str {
        self.entry().0
    }

    /// What stands for a thing that is not named.
    pub(crate) fn unnamed(self) -> &'static str {
        self.entry().1
    }

    /// Whether it only says how a program ended, and any other tells more.
    pub(crate) fn is_an_end(self) -> bool {
        matches!(self, Family::Killed | Family::Crashed)
    }

    /// Whether its thing is somebody else, at a host and port, who may have a reason of his own.
    pub(crate) fn is_of_a_peer(self) -> bool {
        matches!(self, Family::ConnectRefused | Family::ConnectTimeout | Family::Unreachable | Family::NameUnresolved)
    }
}
