//! Which unit files there are: the directories of systemd's search path (systemd.unit(5)), each read once.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};

use crate::host::system::System;
use crate::registry::Unit;

/// Systemd's search path, the first file of a name counts.
pub const SEARCH_PATH: [&str; 9] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/run/systemd/generator",
    "/run/systemd/generator.early",
    "/run/systemd/generator.late",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Where systemd keeps a link for each unit that runs.
pub const RUNNING: &str = "/run/systemd/units";

/// The unit that a link there is of.
pub fn running_unit(link: &OsStr) -> Option<&str> {
    link.to_str()?.strip_prefix("invocation:")
}

/// Whether systemd keeps no link of a unit. What the link points to is no file.
pub fn is_stopped(system: &System, unit: &str) -> bool {
    let link = system.symlink_metadata(format!("{RUNNING}/invocation:{unit}"));
    system.exists(RUNNING) && link.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Names in these directories.
#[derive(Debug)]
pub struct UnitPaths {
    directories: Vec<(&'static str, io::Result<HashSet<OsString>>)>,
}

impl UnitPaths {
    /// Reads the directories.
    pub fn read(system: &System) -> Self {
        let names = |dir: &'static str| (dir, system.names(dir).map(|names| names.into_iter().collect()));
        // What is the same directory, by a link, is read once.
        let is_merged = system.symlink_metadata("/lib").is_ok_and(|lib| lib.is_symlink());
        let twice = |dir: &&str| is_merged && dir.starts_with("/lib/");
        UnitPaths { directories: SEARCH_PATH.into_iter().filter(|dir| !twice(dir)).map(names).collect() }
    }

    /// Whether there is a file of that unit; of an instance, its template's. A directory that cannot be read may hold any.
    pub fn has(&self, name: &str) -> bool {
        let template = template(name);
        self.directories.iter().any(|(_, names)| match names {
            Ok(names) => {
                [Some(name), template.as_deref()].into_iter().flatten().any(|it| names.contains(OsStr::new(it)))
            }
            Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        })
    }

    /// Whether the file of that unit says that it runs once, and not on.
    pub fn is_job(&self, system: &System, name: &str) -> bool {
        let holds =
            |names: &io::Result<HashSet<OsString>>| names.as_ref().is_ok_and(|it| it.contains(OsStr::new(name)));
        let first = self.directories.iter().find(|(_, names)| holds(names));
        let text = first.and_then(|(dir, _)| system.read_once(&format!("{dir}/{name}")).ok());
        text.is_some_and(|text| text.lines().any(|line| line.trim() == "Type=oneshot"))
    }

    /// The pattern of the instances that a job starts and that nobody stated: `postgresql@*.service` of `postgresql.service` on Debian.
    pub fn started_instances(&self, system: &System, unit: &Unit) -> Option<String> {
        // An instance has the file of its template.
        unit.own_template().filter(|pattern| self.has(&pattern.replace('*', "")) && self.is_job(system, unit.name))
    }
}

/// `foo@.service` of `foo@1.service`.
pub fn template(name: &str) -> Option<String> {
    let (stem, rest) = name.split_once('@')?;
    Some(format!("{stem}@.{}", rest.rsplit_once('.')?.1))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_found_wherever_systemd_looks() {
        let root = std::env::temp_dir().join(format!("opsctl-units-{}", std::process::id()));
        let write = |dir: &str, name: &str, text: &str| {
            fs::create_dir_all(root.join(dir)).unwrap();
            fs::write(root.join(dir).join(name), text).unwrap();
        };
        write("etc/systemd/system", "lamp@.service", "[Service]\nExecStart=/bin/lamp\n");
        write("usr/lib/systemd/system", "lamp.service", "[Service]\nType=oneshot\n");
        write("usr/lib/systemd/system", "mill.service", "[Service]\nType=oneshot\n");
        write("etc/systemd/system", "mill.service", "[Service]\nType=simple\n");
        symlink("usr/lib", root.join("lib")).unwrap();
        let system = System { root: root.clone(), ..System::real() };
        let paths = UnitPaths::read(&system);
        let found =
            ["lamp.service", "lamp@.service", "lamp@1.service", "mill.service", "mill@1.service", "other.service"]
                .map(|name| paths.has(name));
        let jobs = ["lamp.service", "mill.service", "other.service"].map(|name| paths.is_job(&system, name));
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(found, [true, true, true, true, false, false]);
        // The first directory of the path counts.
        assert_eq!(jobs, [true, false, false]);
    }

    #[test]
    fn a_unit_without_a_link_is_stopped_where_there_are_links() {
        let root = std::env::temp_dir().join(format!("opsctl-links-{}", std::process::id()));
        let system = System { root: root.clone(), ..System::real() };
        let without = is_stopped(&system, "lamp.service");
        let links = root.join("run/systemd/units");
        fs::create_dir_all(&links).unwrap();
        symlink("0123", links.join("invocation:lamp.service")).unwrap();
        let with = ["lamp.service", "mill.service"].map(|unit| is_stopped(&system, unit));
        fs::remove_dir_all(&root).unwrap();
        assert_eq!((without, with), (false, [false, true]));
        assert_eq!(running_unit(OsStr::new("invocation:lamp.service")), Some("lamp.service"));
        assert_eq!(running_unit(OsStr::new("log-extra:lamp.service")), None);
    }

    #[test]
    fn an_instance_has_a_template() {
        assert_eq!(template("lamp@a.b.service").as_deref(), Some("lamp@.service"));
        assert_eq!(template("lamp.service"), None);
    }
}
