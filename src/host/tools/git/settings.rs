//! What the settings of a repository and of its owner name that git would run, and how a check leaves it out.
//!
//! Most of it is switched off by its fixed name ([`super`]). Here is what has names of its own: filter drivers, and the
//! helpers and keys that an origin needs, of which only those are kept that run nothing but git and ssh themselves.

use super::super::{Malformed, quote};

/// The settings that matter to a check, out of all that git reads in a working copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Names of filter drivers.
    filters: Vec<String>,
    /// Credential helpers of git's own.
    helpers: Vec<String>,
    /// Options of ssh that name a key or a host's identity.
    ssh: Vec<String>,
    /// Settings that name a program which an origin may need and a check does not run.
    left_out: Vec<&'static str>,
}

impl Settings {
    /// Switches every filter driver off: an empty driver is none. What is then read of a file is the file.
    pub(super) fn no_filters(&self) -> impl Iterator<Item = String> {
        let off = |name: &String| {
            [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")]
                .map(|(key, value)| ["-c".to_owned(), format!("filter.{name}.{key}={value}")])
        };
        self.filters.iter().flat_map(off).flatten()
    }

    /// Forgets every credential helper, and names git's own again.
    pub(super) fn own_helpers(&self) -> impl Iterator<Item = String> {
        let all = std::iter::once("").chain(self.helpers.iter().map(String::as_str));
        all.flat_map(|helper| ["-c".to_owned(), format!("credential.helper={helper}")])
    }

    /// The ssh that reaches an origin: never asks, and uses the key that the settings name.
    pub(super) fn ssh(&self) -> String {
        let words = ["ssh", "-oBatchMode=yes", "-oConnectTimeout=10"].into_iter();
        let words: Vec<_> = words.chain(self.ssh.iter().map(String::as_str)).map(quote).collect();
        words.join(" ")
    }

    /// Whether this is a filter driver, which a check switches off.
    pub fn is_filter(&self, name: &str) -> bool {
        self.filters.iter().any(|filter| filter == name)
    }

    /// Whether there are any.
    pub fn has_filters(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Settings that name a program which an origin may need and a check does not run.
    pub fn left_out(&self) -> &[&'static str] {
        &self.left_out
    }
}

/// Parses the output of [`super::settings`].
///
/// # Errors
/// When a filter driver has a name that cannot be given on a command line, so that it cannot be switched off.
pub fn parse_settings(text: &str) -> Result<Settings, Malformed> {
    let mut settings = Settings::default();
    let mut ssh = None;
    for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
        let (key, value) = entry.split_once('\n').unwrap_or((entry, ""));
        let Some((section, name)) = key.split_once('.') else { continue };
        match (section, name.rsplit_once('.')) {
            ("filter", Some((driver, _))) if !settings.is_filter(driver) => {
                // `-c` ends the name at its first `=`, and what is not UTF-8 is not known here as it is.
                if driver.contains(['=', char::REPLACEMENT_CHARACTER]) {
                    return Err(Malformed::new(
                        "names of filters that can be switched off (UTF-8 without `=`)",
                        driver,
                    ));
                }
                settings.filters.push(driver.to_owned());
            }
            ("credential", _) if name == "helper" || name.ends_with(".helper") => match value {
                "" => settings.helpers.clear(),
                value if is_own_helper(value) => {
                    if !settings.helpers.iter().any(|helper| helper == value) {
                        settings.helpers.push(value.to_owned());
                    }
                }
                _ => settings.leave_out("credential.helper"),
            },
            ("core", None) if name == "sshcommand" => ssh = Some(value),
            ("core", None) if name == "askpass" => settings.leave_out("core.askPass"),
            ("core", None) if name == "gitproxy" => settings.leave_out("core.gitProxy"),
            _ => {}
        }
    }
    match ssh.map(ssh_options) {
        None => {}
        Some(Some(options)) => settings.ssh = options,
        Some(None) => settings.leave_out("core.sshCommand"),
    }
    Ok(settings)
}

impl Settings {
    fn leave_out(&mut self, name: &'static str) {
        if !self.left_out.contains(&name) {
            self.left_out.push(name);
        }
    }
}

/// Whether a credential helper is one that comes with git, with options that a shell reads as they are written.
fn is_own_helper(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_=./~@+".contains(c);
    let mut words = value.split(' ');
    matches!(words.next(), Some("store" | "cache"))
        && value.chars().all(plain)
        && words.all(|word| {
            !word.starts_with('-') || ["--file", "--timeout", "--socket"].iter().any(|o| word.starts_with(o))
        })
}

/// Options of ssh that load and run nothing.
const SAFE: [&str; 17] = [
    "addressfamily",
    "batchmode",
    "connecttimeout",
    "hostkeyalgorithms",
    "identitiesonly",
    "identityfile",
    "loglevel",
    "passwordauthentication",
    "port",
    "preferredauthentications",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "serveralivecountmax",
    "serveraliveinterval",
    "stricthostkeychecking",
    "user",
    "userknownhostsfile",
];

/// The options of an ssh command; `None` where it is more than ssh with options that run nothing.
fn ssh_options(command: &str) -> Option<Vec<String>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_=./~@+:,".contains(c);
    if !command.chars().all(plain) {
        return None;
    }
    let mut words = command.split_ascii_whitespace();
    if !matches!(words.next(), Some("ssh" | "/usr/bin/ssh")) {
        return None;
    }
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let (flag, attached) = word.split_at_checked(2)?;
        let mut value = || if attached.is_empty() { words.next() } else { Some(attached) };
        match flag {
            "-i" | "-p" | "-l" => options.extend([flag.to_owned(), value()?.to_owned()]),
            "-F" if value()? == "/dev/null" => options.extend(["-F".to_owned(), "/dev/null".to_owned()]),
            "-o" => {
                let (key, setting) = value()?.split_once('=')?;
                SAFE.contains(&key.to_ascii_lowercase().as_str())
                    .then(|| options.push(format!("-o{key}={setting}")))?;
            }
            "-4" | "-6" | "-T" | "-a" | "-x" | "-q" if attached.is_empty() => options.push(flag.to_owned()),
            _ => return None,
        }
    }
    Some(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(entries: &[(&str, &str)]) -> Result<Settings, Malformed> {
        parse_settings(&entries.iter().map(|(key, value)| format!("{key}\n{value}")).collect::<Vec<_>>().join("\0"))
    }

    #[test]
    fn every_filter_is_switched_off_whatever_its_name() {
        let settings = parsed(&[
            ("filter.lfs.clean", "git-lfs clean -- %f"),
            ("filter.lfs.required", "true"),
            ("filter.A b.c.process", "evil"),
            ("filter.clean", "no driver"),
            ("core.bare", "false"),
        ]);
        let words: Vec<String> = settings.unwrap().no_filters().filter(|word| word != "-c").collect();
        let wanted = ["lfs", "A b.c"].map(|name| {
            ["clean=", "smudge=", "process=", "required=false"].map(|setting| format!("filter.{name}.{setting}"))
        });
        assert_eq!(words, wanted.concat());
        for name in ["a=b", "a\u{fffd}"] {
            assert!(parsed(&[(&format!("filter.{name}.clean"), "evil")]).is_err(), "{name}");
        }
        // A key without a value has no line of its own.
        assert!(parse_settings("filter.x.required\0").unwrap().is_filter("x"));
    }

    #[test]
    fn only_gits_own_helpers_are_kept() {
        let kept = |values: &[&str]| {
            let entries: Vec<(&str, &str)> =
                values.iter().map(|value| ("credential.https://h.helper", *value)).collect();
            let settings = parsed(&entries).unwrap();
            (settings.own_helpers().filter(|word| word != "-c").collect::<Vec<_>>(), settings.left_out.clone())
        };
        let own = ["store", "cache --timeout=3600", "store --file=~/.git-credentials"];
        let (helpers, left_out) = kept(&own);
        assert_eq!(helpers, ["", own[0], own[1], own[2]].map(|helper| format!("credential.helper={helper}")));
        assert!(left_out.is_empty());
        for evil in [
            "!evil",
            "/tmp/evil",
            "evil",
            "store;evil",
            "store --file=$(evil)",
            "store\nevil",
            "cache | evil",
            "store --exec-path=/tmp",
            " store",
            "./store",
            "../../tmp/evil",
        ] {
            let (helpers, left_out) = kept(&[evil]);
            assert_eq!(
                (helpers, left_out),
                (vec!["credential.helper=".to_owned()], vec!["credential.helper"]),
                "{evil}"
            );
        }
        // What an empty value forgets is forgotten.
        assert_eq!(kept(&["store", ""]).0, ["credential.helper="]);
    }

    #[test]
    fn a_deploy_key_is_kept_and_nothing_that_runs_something() {
        let ssh = |command: &str| parsed(&[("core.sshcommand", "evil"), ("core.sshcommand", command)]).unwrap().ssh();
        let plain = "ssh -oBatchMode=yes -oConnectTimeout=10";
        assert_eq!(
            ssh("ssh -i ~/.ssh/deploy -o IdentitiesOnly=yes -F /dev/null"),
            format!("{plain} -i '~/.ssh/deploy' -oIdentitiesOnly=yes -F /dev/null")
        );
        for evil in [
            "evil",
            "ssh; evil",
            "ssh -o ProxyCommand=evil",
            "ssh -oproxycommand=evil",
            "ssh -oLocalCommand=evil",
            "ssh -o PKCS11Provider=/tmp/evil.so",
            "ssh -F /tmp/evil",
            "ssh -I /tmp/evil.so",
            "ssh -J host",
            "ssh -i $(evil)",
            "ssh host evil",
            "ssh -o ProxyCommand evil",
            "ssh -i",
            "FOO=1 ssh",
        ] {
            assert_eq!(ssh(evil), plain, "{evil}");
            assert_eq!(parsed(&[("core.sshcommand", evil)]).unwrap().left_out(), ["core.sshCommand"], "{evil}");
        }
    }
}
