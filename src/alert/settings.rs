//! Addresses and keys of channels, from `/etc/opsctl/notify.env`, which root alone can read. Their values are never shown;
//! `observe::logs` makes each known to [`crate::redact::house`].

use std::collections::BTreeMap;
use std::fmt;

use crate::envfile::{self, NOWHERE};
use crate::host::files::secret::Exposed;
use crate::host::system::System;
use crate::host::tools::Hidden;
use crate::registry::{Channel, EnvReader, NOTIFY_ENV};

/// Longer files are cut, bytes.
const LONGEST: u64 = 64 << 10;

/// What the file sets. Keys only are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<String, Hidden>,
}

/// Why the file was not used: no channel is in use then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Why, with the file.
    pub why: String,
    /// The command that makes it usable.
    pub hint: Option<String>,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; run: {hint}"))
    }
}

impl Settings {
    /// Those of this host; none where there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, or others than root could read or change it.
    pub fn read(system: &System) -> Result<Settings, Unusable> {
        let content = match system.read_secret(NOTIFY_ENV, LONGEST) {
            Ok(None) => return Ok(Settings::default()),
            Ok(Some(content)) => content,
            Err(exposed) => return Err(unusable(&exposed)),
        };
        let reading = envfile::read(EnvReader::Systemd, &content, NOWHERE);
        if let Some(refusal) = reading.refusal() {
            return Err(Unusable { why: format!("{NOTIFY_ENV}: {refusal}"), hint: None });
        }
        let filled = |key: &&str| Some(((*key).to_owned(), reading.filled(key)?.known()?.trim().to_owned()));
        let pairs = reading.keys().iter().filter_map(filled).collect::<Vec<_>>();
        Ok(Settings::of(pairs))
    }

    /// These, of which empty ones count as not set.
    pub fn of<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Settings {
        let pairs = pairs.into_iter().map(|(key, value)| (key.into(), value.into()));
        let values = pairs.filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key, Hidden::new(value)));
        Settings { values: values.collect() }
    }

    /// The value of a key, for whom it is meant; `None` where it is not set or empty.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(Hidden::expose)
    }

    /// Whether a channel has what it needs.
    pub fn has(&self, channel: &Channel) -> bool {
        channel.key().is_none_or(|key| self.values.contains_key(key))
    }
}

fn unusable(exposed: &Exposed) -> Unusable {
    let hint = match exposed {
        Exposed::Mode(_) => Some(format!("chmod 600 {NOTIFY_ENV}")),
        Exposed::Owner(_) => Some(format!("chown root: {NOTIFY_ENV} && chmod 600 {NOTIFY_ENV}")),
        Exposed::Directory(path) => Some(format!("chown root: {0} && chmod go-w {0}", path.display())),
        Exposed::Unread(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Unusable { why: format!("{NOTIFY_ENV}: only root can read it"), hint: None };
        }
        Exposed::Unread(_) => None,
    };
    Unusable { why: format!("{NOTIFY_ENV} is not used: {exposed}"), hint }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use super::*;
    use crate::redact::Redactor;

    fn machine(name: &str) -> (System, PathBuf) {
        let root = std::env::temp_dir().join(format!("opsctl-notify-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("etc/opsctl")).unwrap();
        (System { root: root.clone(), ..System::real() }, root.join("etc/opsctl/notify.env"))
    }

    fn write(path: &PathBuf, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_not_there_is_not_in_use() {
        let (system, path) = machine("none");
        assert_eq!(Settings::read(&system), Ok(Settings::default()));
        write(&path, "# a comment\nA=\nB=\"\"\nNTFY_URL=\"https://ntfy.sh/a topic#1\"\nC = plain \n", 0o600);
        let read = Settings::read(&system).unwrap();
        assert_eq!((read.value("A"), read.value("B"), read.value("C")), (None, None, Some("plain")));
        assert_eq!(read.value("NTFY_URL"), Some("https://ntfy.sh/a topic#1"));
        fs::remove_dir_all(system.root).unwrap();
    }

    #[test]
    fn who_else_can_read_or_change_it_makes_it_unusable() {
        let (system, path) = machine("open");
        for mode in [0o640, 0o604, 0o620, 0o602, 0o601] {
            write(&path, "A=hunter2secret\n", mode);
            let error = Settings::read(&system).unwrap_err();
            assert_eq!(error.hint.as_deref(), Some("chmod 600 /etc/opsctl/notify.env"), "{mode:o}");
            assert!(error.why.starts_with("/etc/opsctl/notify.env is not used: "), "{error}");
            assert!(!format!("{error}{error:?}").contains("hunter2"));
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(Settings::read(&system).is_ok());
        for above in ["etc/opsctl", "etc"] {
            let above = system.root.join(above);
            fs::set_permissions(&above, fs::Permissions::from_mode(0o777)).unwrap();
            let error = Settings::read(&system).unwrap_err();
            assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("chmod go-w /etc")), "{error}");
            fs::set_permissions(&above, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let real = path.with_file_name("real");
        fs::rename(&path, &real).unwrap();
        symlink(&real, &path).unwrap();
        assert!(Settings::read(&system).unwrap_err().why.contains("not a regular file"));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(Settings::read(&system).unwrap_err().why.contains("not a regular file"));
        fs::remove_dir_all(system.root).unwrap();
    }

    #[test]
    fn somebody_elses_file_is_not_used() {
        let (system, path) = machine("owner");
        if !system.is_root() {
            return;
        }
        write(&path, "A=hunter2secret\n", 0o600);
        std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
        let error = Settings::read(&system).unwrap_err();
        assert_eq!(error.hint.unwrap(), "chown root: /etc/opsctl/notify.env && chmod 600 /etc/opsctl/notify.env");
        fs::remove_dir_all(system.root).unwrap();
    }

    #[test]
    fn nothing_shows_a_value() {
        let settings = Settings::of([("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/s3cr3tToken")]);
        assert!(!format!("{settings:?}").contains("s3cr3t"));
    }

    #[test]
    fn every_value_is_masked_and_no_common_address_is() {
        let file = "SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/abcDEF\nNTFY_URL=https://ntfy.sh/prim-at-night\n\
                    ALERTMANAGER_URL=http://127.0.0.1:9093\nMAIL_TO=ops.prim@example.org, second@example.org\n\
                    PAGERDUTY_ROUTING_KEY='r0utingKey'\nX=http://127.0.0.1:9093/api/v2/alerts\n";
        let redactor = Redactor::of_settings_and([], Some(file));
        for secret in
            ["services/T0/B0/abcDEF", "prim-at-night", "ops.prim@example.org", "second@example.org", "r0utingKey"]
        {
            let text = format!("it is {secret}!");
            assert!(!redactor.clean(&text).contains(secret), "{secret}");
        }
        for plain in ["curl http://127.0.0.1:3001/v1/health", "GET https://ntfy.sh/ 404", "POST /api/v2/alerts"] {
            assert_eq!(redactor.clean(plain), plain);
        }
    }
}
