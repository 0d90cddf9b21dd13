//! `systemd-analyze verify`: settings that systemd reads and ignores, or warns of.

use super::Argv;

/// Checks these unit files, without their manual pages and without what they pull in.
pub fn verify<'a>(units: impl IntoIterator<Item = &'a str>) -> Argv {
    Argv::new("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", "--"]).with(units)
}

/// A complaint about a line of a unit file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Unit file.
    pub file: String,
    /// Line number and text.
    pub message: String,
}

impl Complaint {
    /// Whether it is about a setting that systemd heeds all the same: `Special user nobody configured, this is not safe!`
    pub fn is_heeded(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        let is = |word: &str| message.contains(word);
        ["not safe", "please", "deprecated", "obsolete"].into_iter().any(is) && !is("ignor")
    }
}

/// Parses the complaints, each once however many instances have the file, which come on stderr as `FILE:LINE: text`. Other lines are about other units and passed over.
pub fn parse(stderr: &str) -> Vec<Complaint> {
    let complaint = |line: &str| {
        let (file, rest) = line.split_once(':')?;
        let (number, text) = rest.split_once(':')?;
        number.parse::<u32>().ok()?;
        file.starts_with('/').then(|| Complaint { file: file.to_owned(), message: format!("line {number}:{text}") })
    };
    let mut found: Vec<Complaint> = Vec::new();
    for one in stderr.lines().filter_map(complaint) {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_about_a_line_of_a_file_are_kept() {
        let stderr = "/etc/systemd/system/w.service:9: Failed to parse service restart specifier, ignoring: unless-stopped\n\
                      w.service: Command /usr/bin/x is not executable: No such file or directory\n";
        assert_eq!(
            parse(&stderr.repeat(2)),
            [Complaint {
                file: "/etc/systemd/system/w.service".into(),
                message: "line 9: Failed to parse service restart specifier, ignoring: unless-stopped".into()
            }]
        );
    }

    #[test]
    fn a_warning_is_no_ignored_setting() {
        let is_heeded = |message: &str| Complaint { file: String::new(), message: message.to_owned() }.is_heeded();
        for heeded in [
            "Special user nobody configured, this is not safe!",
            "PIDFile= references a path below legacy directory /var/run/; please update the unit file accordingly.",
            "Standard output type syslog is obsolete, automatically updating to journal.",
        ] {
            assert!(is_heeded(heeded), "{heeded}");
        }
        for other in [
            "Unknown key 'Foo' in section [Service], ignoring.",
            "Support for option SysVStartPriority= has been removed and it is ignored, please remove it",
            "Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing.",
        ] {
            assert!(!is_heeded(other), "{other}");
        }
    }
}
