//! What a service has on disk and in memory: its env file, its data, its memory bounds.

use super::setting::Setting;

/// Programs that read files of `KEY=value` lines, each by rules of its own: what one sets, another ignores.
///
/// ```
/// # use opsctl::registry::*;
/// let env = EnvFile::new(&["/srv/shop/.env"]).read_by(EnvReader::Dotenv);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvReader {
    /// systemd, from `EnvironmentFile=`: close to what a shell reads, without `export` and without variables.
    Systemd,
    /// Compose, from `env_file:` and for the `.env` of a project: variables are filled in.
    Compose,
    /// docker's client, from `--env-file`: everything behind `=` as it is.
    Docker,
    /// The application itself, with Node's `dotenv`.
    Dotenv,
}

impl EnvReader {
    /// All of them.
    pub const ALL: &'static [EnvReader] =
        &[EnvReader::Systemd, EnvReader::Compose, EnvReader::Docker, EnvReader::Dotenv];
}

/// A file of `KEY=value` lines that a service reads at start.
///
/// ```
/// # use opsctl::registry::*;
/// let env = EnvFile::new(&["/etc/shop.env"]).owner("root:root").mode(0o600).required(&["DATABASE_URL"]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct EnvFile {
    /// Absolute paths at which it may lie; the first that exists is taken.
    pub paths: &'static [&'static str],
    /// Owner, `user:group`; `None` when not stated.
    pub owner: Option<&'static str>,
    /// Permission bits; looser ones are drift.
    pub mode: u32,
    /// Keys without which the service does not work. Values are never read out.
    pub required: &'static [&'static str],
    /// Who reads it; `None` where that follows from the service's managers.
    pub reader: Option<EnvReader>,
    /// What values must be.
    pub settings: &'static [Setting],
}

impl EnvFile {
    /// Absolute paths at which it may lie, at least one; the first that exists is taken. Only its owner may read it.
    pub const fn new(paths: &'static [&'static str]) -> Self {
        EnvFile { paths, owner: None, mode: 0o600, required: &[], reader: None, settings: &[] }
    }

    /// Owner and group that it must have, `user:group`.
    pub const fn owner(mut self, user_and_group: &'static str) -> Self {
        self.owner = Some(user_and_group);
        self
    }

    /// Permission bits that it may have at most, none of them for others; 0o600 without it.
    pub const fn mode(mut self, bits: u32) -> Self {
        self.mode = bits;
        self
    }

    /// Who reads it, where that does not follow from the service's managers: compose reads it for a service that has a
    /// container of compose among them, else docker for a container, `dotenv` for an application of pm2, systemd for a unit.
    pub const fn read_by(mut self, reader: EnvReader) -> Self {
        self.reader = Some(reader);
        self
    }

    /// What values of its keys must be, those that are set. Keys that another service of the same file has here, and this one has
    /// not, are none that this one uses.
    pub const fn settings(mut self, rules: &'static [Setting]) -> Self {
        self.settings = rules;
        self
    }

    /// The keys that anything is said of.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.required.iter().copied().chain(self.settings.iter().map(|rule| rule.key))
    }

    /// Keys without which the service does not work. Values are never shown.
    pub const fn required(mut self, keys: &'static [&'static str]) -> Self {
        self.required = keys;
        self
    }
}

/// Something kept on disk.
///
/// ```
/// # use opsctl::registry::*;
/// let orders = Data::new(DataKind::Sqlite, "/srv/shop/orders.db").what("orders and inventory");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Data {
    /// Absolute path, or the volume's name.
    pub path: &'static str,
    /// What kind of thing it is.
    pub kind: DataKind,
    /// What is in it, and what its loss means.
    pub what: &'static str,
}

impl Data {
    /// Something of this kind at this absolute path, or the volume of this name. [`what`](Self::what) must follow.
    pub const fn new(kind: DataKind, path: &'static str) -> Self {
        Data { path, kind, what: "" }
    }

    /// What is in it, and what its loss means: `orders; nobody can be billed without them`. Required.
    pub const fn what(mut self, text: &'static str) -> Self {
        self.what = text;
        self
    }
}

/// Kinds of data at rest.
///
/// ```
/// # use opsctl::registry::*;
/// let volume = Data::new(DataKind::Volume, "shop_pgdata").what("the database");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataKind {
    /// An SQLite database file.
    Sqlite,
    /// A directory.
    Directory,
    /// A named Docker volume.
    Volume,
    /// A plain file.
    File,
}

/// Memory bounds of a service, bytes.
///
/// ```
/// # use opsctl::registry::*;
/// let bounds = Memory::stated_in("shop.service").alarm_bytes(400 << 20).limit_bytes(512 << 20);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Memory {
    /// Above this it is worth a warning.
    pub alarm_bytes: Option<u64>,
    /// Hard limit set by its manager.
    pub limit_bytes: Option<u64>,
    /// Where the figures come from.
    pub source: &'static str,
}

impl Memory {
    /// Bounds that this document or setting states: `mem_limit of compose.yml`. At least one of
    /// [`alarm_bytes`](Self::alarm_bytes) and [`limit_bytes`](Self::limit_bytes) must follow.
    pub const fn stated_in(source: &'static str) -> Self {
        Memory { alarm_bytes: None, limit_bytes: None, source }
    }

    /// Above so many bytes there is a warning; not above the limit.
    pub const fn alarm_bytes(mut self, bytes: u64) -> Self {
        self.alarm_bytes = Some(bytes);
        self
    }

    /// The hard limit that its manager sets, bytes.
    pub const fn limit_bytes(mut self, bytes: u64) -> Self {
        self.limit_bytes = Some(bytes);
        self
    }
}
