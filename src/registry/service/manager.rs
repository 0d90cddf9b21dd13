//! Who starts and stops a service.

/// Who starts and stops a service.
///
/// ```
/// # use opsctl::registry::*;
/// let manager = Manager::Systemd(Unit::new("shop.service"));
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Manager {
    /// A systemd unit.
    Systemd(Unit),
    /// A service of a compose project.
    Compose(Compose),
    /// A container, or the task of a Swarm service, known by name.
    Docker(Container),
    /// An application of a pm2 daemon.
    Pm2(App),
}

impl Manager {
    /// The tool's name, as `status` prints it.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Manager::Systemd(_) => "systemd",
            Manager::Compose(_) => "compose",
            Manager::Docker(_) => "docker",
            Manager::Pm2(_) => "pm2",
        }
    }

    /// The tool's own name for the thing: unit, container or application.
    pub(crate) const fn unit(&self) -> &'static str {
        match self {
            Manager::Systemd(unit) => unit.name,
            Manager::Compose(compose) => match compose.container {
                Some(name) => name,
                None => compose.service,
            },
            Manager::Docker(container) => container.names[0],
            Manager::Pm2(app) => app.name,
        }
    }
}

/// A systemd unit, with the settings that it must have. `None` means: not stated by the runbook, not compared.
///
/// ```
/// # use opsctl::registry::*;
/// let unit = Unit::new("shop.service").user("shop").working_directory("/srv/shop").restart("on-failure");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Unit {
    /// Full unit name with its suffix.
    pub name: &'static str,
    /// Names the same unit has on other distributions, tried when the first is not found.
    pub aliases: &'static [&'static str],
    /// Pattern of the units that do its work where it only starts them: `postgresql@*.service`.
    pub instances: Option<&'static str>,
    /// `User=`.
    pub user: Option<&'static str>,
    /// `WorkingDirectory=`.
    pub working_directory: Option<&'static str>,
    /// `Restart=`, as systemd spells it.
    pub restart: Option<&'static str>,
    /// Whether it must start at boot.
    pub enabled: bool,
}

impl Unit {
    /// The unit of this name with its suffix: `shop.service`. It must be enabled; `verify` compares what else is stated.
    pub const fn new(name: &'static str) -> Self {
        Unit { name, aliases: &[], instances: None, user: None, working_directory: None, restart: None, enabled: true }
    }

    /// Names, with their suffix, that the same unit has on other distributions; tried in this order when the first is not
    /// found.
    pub const fn aliases(mut self, names: &'static [&'static str]) -> Self {
        self.aliases = names;
        self
    }

    /// Pattern of the units that do its work, where the unit only starts them: `postgresql@*.service`, with one `*`. Those that
    /// there are on a host are judged in its place.
    pub const fn instances(mut self, pattern: &'static str) -> Self {
        self.instances = Some(pattern);
        self
    }

    /// Whether a unit of this name is one of its stated instances.
    pub(crate) fn is_instance(&self, name: &str) -> bool {
        self.instances.is_some_and(|pattern| is_one_of(pattern, name))
    }

    /// Whether a unit of this name is meant: by a name of its own, or as an instance.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name
            || self.aliases.contains(&name)
            || self.is_instance(name)
            || self.own_template().is_some_and(|pattern| is_one_of(&pattern, name))
    }

    /// The pattern of the instances of the template that has its name, where no other is stated: `shop@*.service`.
    pub(crate) fn own_template(&self) -> Option<String> {
        let (stem, suffix) = self.name.rsplit_once('.').filter(|(stem, _)| !stem.contains('@'))?;
        self.instances.is_none().then(|| format!("{stem}@*.{suffix}"))
    }

    /// What `User=` must be.
    pub const fn user(mut self, name: &'static str) -> Self {
        self.user = Some(name);
        self
    }

    /// What `WorkingDirectory=` must be.
    pub const fn working_directory(mut self, path: &'static str) -> Self {
        self.working_directory = Some(path);
        self
    }

    /// What `Restart=` must be, as systemd spells it: `always`, `on-failure`, …
    pub const fn restart(mut self, policy: &'static str) -> Self {
        self.restart = Some(policy);
        self
    }

    /// It need not start at boot.
    pub const fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }
}

/// A service of a compose project.
///
/// ```
/// # use opsctl::registry::*;
/// let web = Compose::new("web").project("shop").files(&["/srv/shop/compose.yml"]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Compose {
    /// Project name (by default the directory's name).
    pub project: &'static str,
    /// Service name in the file.
    pub service: &'static str,
    /// `container_name:`, where the file sets one; else the container is found by its project and service labels.
    pub container: Option<&'static str>,
    /// Absolute paths at which the compose file may lie; the first that exists is taken.
    pub files: &'static [&'static str],
}

impl Compose {
    /// The service of this name in the compose file. [`project`](Self::project) must follow.
    pub const fn new(service: &'static str) -> Self {
        Compose { project: "", service, container: None, files: &[] }
    }

    /// Name of the project: what `name:` or `--project-name` says, else the name of the compose file's directory. Required.
    pub const fn project(mut self, name: &'static str) -> Self {
        self.project = name;
        self
    }

    /// `container_name:`, where the compose file sets one; without it the container is found by its project and service labels.
    pub const fn container(mut self, name: &'static str) -> Self {
        self.container = Some(name);
        self
    }

    /// Absolute paths at which the compose file may lie; the first that exists is taken.
    pub const fn files(mut self, paths: &'static [&'static str]) -> Self {
        self.files = paths;
        self
    }
}

/// A container that compose does not manage, or of which it is not known what does.
///
/// ```
/// # use opsctl::registry::*;
/// let database = Manager::Docker(Container::new(&["shop-db", "shop_db_1"]));
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Container {
    /// Exact container names, or Swarm service names, under which it has been seen. Exactly one must exist.
    pub names: &'static [&'static str],
}

impl Container {
    /// Exact container names, or Swarm service names, under which it has been seen, at least one. Exactly one must exist on a
    /// host.
    pub const fn new(names: &'static [&'static str]) -> Self {
        Container { names }
    }
}

/// An application under pm2.
///
/// ```
/// # use opsctl::registry::*;
/// let api = App::new("api", Instances::Cluster(2))
///     .user("shop")
///     .home("/home/shop/.pm2")
///     .memory_restart_bytes(300 << 20);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct App {
    /// Name in the ecosystem file.
    pub name: &'static str,
    /// The user that owns the daemon; pm2 is only ever called as this user.
    pub user: &'static str,
    /// `PM2_HOME` of that daemon.
    pub home: &'static str,
    /// How many instances the ecosystem file asks for.
    pub instances: Instances,
    /// `max_memory_restart` of one instance, bytes.
    pub memory_restart_bytes: u64,
}

impl App {
    /// The application of this name in the ecosystem file, and how many instances that asks for. [`user`](Self::user),
    /// [`home`](Self::home) and [`memory_restart_bytes`](Self::memory_restart_bytes) must follow.
    pub const fn new(name: &'static str, instances: Instances) -> Self {
        App { name, user: "", home: "", instances, memory_restart_bytes: 0 }
    }

    /// The user that owns the daemon; pm2 is only ever called as this user. Required.
    pub const fn user(mut self, name: &'static str) -> Self {
        self.user = name;
        self
    }

    /// `PM2_HOME` of that daemon, absolute: `/home/shop/.pm2`. Required.
    pub const fn home(mut self, path: &'static str) -> Self {
        self.home = path;
        self
    }

    /// `max_memory_restart` of one instance, bytes, above 0. Required.
    pub const fn memory_restart_bytes(mut self, bytes: u64) -> Self {
        self.memory_restart_bytes = bytes;
        self
    }
}

/// Whether a unit of this name fits a pattern with one `*`.
pub(crate) fn is_one_of(pattern: &str, name: &str) -> bool {
    pattern.split_once('*').is_some_and(|(begin, end)| {
        name.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end)).is_some_and(|instance| !instance.is_empty())
    })
}

/// `instances` of a pm2 application.
///
/// ```
/// # use opsctl::registry::*;
/// let single = App::new("worker", Instances::Fork);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Instances {
    /// Fork mode: one process.
    Fork,
    /// Cluster mode, this many.
    Cluster(u16),
    /// Cluster mode, one for each processor.
    ClusterMax,
}
