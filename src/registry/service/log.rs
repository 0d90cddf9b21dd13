//! Where log lines are.

/// A source of log lines.
///
/// ```
/// # use opsctl::registry::*;
/// let sources = [Log::Journal("shop.service"), Log::file("/var/log/shop.log").what("requests")];
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use]
#[non_exhaustive]
pub enum Log {
    /// The journal of the unit of this name with its suffix: `shop.service`.
    Journal(&'static str),
    /// Standard output of the service's own container.
    Container,
    /// Standard output and error of the service's pm2 application, as its ecosystem file states them. Made by [`Log::pm2`].
    #[non_exhaustive]
    Pm2 {
        /// `out_file`, absolute.
        out: &'static str,
        /// `error_file`, absolute.
        error: &'static str,
    },
    /// The same lines as another of the service's sources once more: read only when asked for by name.
    Copy(&'static Log),
    /// A file. Made by [`Log::file`].
    #[non_exhaustive]
    File {
        /// Absolute path.
        path: &'static str,
        /// What is in it and in which form.
        what: &'static str,
    },
}

impl Log {
    /// The file at this absolute path, whose last part may have a `*` for names that differ. [`what`](Self::what) must follow.
    pub const fn file(path: &'static str) -> Self {
        Log::File { path, what: "" }
    }

    /// What is in the file and in which form: `errors`, `JSON lines`. Required.
    ///
    /// # Panics
    /// On anything but a file; in a `static` that is a compile error.
    pub const fn what(mut self, text: &'static str) -> Self {
        match &mut self {
            Log::File { what, .. } => *what = text,
            _ => panic!("Log::what is for a file only"),
        }
        self
    }

    /// Whether this is the file at that path, or one whose pattern stands for it.
    pub fn is_file(&self, wanted: &str) -> bool {
        match self {
            Log::File { path, .. } => match path.split_once('*') {
                Some((head, tail)) => {
                    wanted.len() >= path.len() - 1 && wanted.starts_with(head) && wanted.ends_with(tail)
                }
                None => *path == wanted,
            },
            Log::Copy(original) => original.is_file(wanted),
            Log::Journal(_) | Log::Container | Log::Pm2 { .. } => false,
        }
    }

    /// The files of the service's pm2 application. [`out`](Self::out) and [`error`](Self::error) must follow.
    pub const fn pm2() -> Self {
        Log::Pm2 { out: "", error: "" }
    }

    /// Absolute path of its standard output: `out_file` of the ecosystem file. Required.
    ///
    /// # Panics
    /// On anything but pm2; in a `static` that is a compile error.
    pub const fn out(mut self, path: &'static str) -> Self {
        match &mut self {
            Log::Pm2 { out, .. } => *out = path,
            _ => panic!("Log::out is for pm2 only"),
        }
        self
    }

    /// Absolute path of its standard error: `error_file` of the ecosystem file. Required.
    ///
    /// # Panics
    /// On anything but pm2; in a `static` that is a compile error.
    pub const fn error(mut self, path: &'static str) -> Self {
        match &mut self {
            Log::Pm2 { error, .. } => *error = path,
            _ => panic!("Log::error is for pm2 only"),
        }
        self
    }
}
