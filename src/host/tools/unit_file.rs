//! Unit files and what changes them (systemd.unit(5), systemd.exec(5)): which file sets what. Parsers only.

/// A setting of a unit, and the file that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Path of the unit file or drop-in.
    pub file: String,
    /// `MemoryMax`.
    pub key: String,
    /// What stands after `=`, without white space around it. May hold secrets: it is shown nowhere but where a key is known to have none.
    pub value: String,
}

/// The settings of the section `[Service]` of one file, in its order.
pub fn settings(file: &str, text: &str) -> Vec<Setting> {
    section(file, text, "[Service]")
}

/// The settings of one section of a file, in its order.
pub fn section(file: &str, text: &str, section: &str) -> Vec<Setting> {
    let mut found = Vec::new();
    let mut is_wanted = false;
    for line in logical_lines(text) {
        let line = line.trim();
        if line.starts_with('[') {
            is_wanted = line == section;
        } else if is_wanted && let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim_end().to_owned(), value.trim().to_owned());
            found.push(Setting { file: file.to_owned(), key, value });
        }
    }
    found
}

/// Lines whose continuations are joined; comments, also between continuations, left out.
fn logical_lines(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let mut whole = open.take().unwrap_or_default();
        if let Some(begin) = line.strip_suffix('\\') {
            whole.push_str(begin);
            whole.push(' ');
            open = Some(whole);
        } else {
            whole.push_str(line);
            found.push(whole);
        }
    }
    found.extend(open);
    found
}

/// The setting of a key that counts: the last, unless that takes it back (`Key=`).
pub fn last<'s>(all: &'s [Setting], key: &str) -> Option<&'s Setting> {
    all.iter().rfind(|setting| setting.key == key).filter(|setting| !setting.value.is_empty())
}

/// All settings of a key that is a list, of which an empty one takes back those before.
pub fn list<'s>(all: &'s [Setting], key: &str) -> Vec<&'s Setting> {
    let own: Vec<&Setting> = all.iter().filter(|setting| setting.key == key).collect();
    let begin = own.iter().rposition(|setting| setting.value.is_empty()).map_or(0, |at| at + 1);
    own[begin..].to_vec()
}

/// Whether a value means yes, as systemd reads it.
pub fn is_yes(value: &str) -> bool {
    ["1", "yes", "y", "true", "t", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

/// Words of a value, quotes undone. Escapes stay as they are.
pub fn words(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut word, mut quote, mut is_open) = (String::new(), None, false);
    for c in value.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => (quote, is_open) = (Some(c), true),
            (c, None) if c.is_whitespace() => {
                if is_open || !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                }
                is_open = false;
            }
            (c, Some(_) | None) => word.push(c),
        }
    }
    if is_open || !word.is_empty() {
        found.push(word);
    }
    found
}

/// What a unit lets its processes do with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access<'s> {
    /// What its owner and mode allow.
    Whole,
    /// Not to write there, by this setting.
    ReadOnly(&'s Setting),
    /// Not even to see it, by this setting.
    None(&'s Setting),
}

/// What the sandbox of a unit makes of an absolute path. Of several settings the one that names the nearest directory counts.
pub fn access<'s>(all: &'s [Setting], path: &str) -> Access<'s> {
    // How long the name of the directory is, and what is allowed there: of equal ones the later.
    let mut nearest: (usize, Access<'s>) = (0, Access::Whole);
    let covers = |directory: &str| {
        let directory = directory.trim_end_matches('/');
        path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut take = |directory: &str, access: Access<'s>| {
        let length = directory.trim_end_matches('/').len() + 1;
        if covers(directory) && length >= nearest.0 {
            nearest = (length, access);
        }
    };
    if let Some(system) = last(all, "ProtectSystem") {
        let directories: &[&str] = match system.value.as_str() {
            "strict" => &["/"],
            "full" => &["/usr", "/boot", "/efi", "/etc"],
            value if is_yes(value) => &["/usr", "/boot", "/efi"],
            _ => &[],
        };
        for directory in directories {
            take(directory, Access::ReadOnly(system));
        }
        if system.value == "strict" {
            // What `ProtectHome=` is for it leaves alone (`protect_system_strict_table` of systemd).
            for directory in ["/dev", "/proc", "/sys", "/home", "/root", "/run/user"] {
                take(directory, Access::Whole);
            }
        }
    }
    if let Some(home) = last(all, "ProtectHome") {
        let access = match home.value.as_str() {
            "read-only" => Some(Access::ReadOnly(home)),
            "tmpfs" => Some(Access::None(home)),
            value if is_yes(value) => Some(Access::None(home)),
            _ => None,
        };
        if let Some(access) = access {
            for directory in ["/home", "/root", "/run/user"] {
                take(directory, access);
            }
        }
    }
    if last(all, "PrivateTmp").is_some_and(|setting| is_yes(&setting.value)) {
        for directory in ["/tmp", "/var/tmp"] {
            take(directory, Access::Whole);
        }
    }
    for (key, base) in [
        ("StateDirectory", "/var/lib"),
        ("CacheDirectory", "/var/cache"),
        ("LogsDirectory", "/var/log"),
        ("RuntimeDirectory", "/run"),
    ] {
        for setting in list(all, key) {
            let names = words(&setting.value);
            let name = |name: &String| format!("{base}/{}", name.split(':').next().unwrap_or(name));
            names.iter().map(name).for_each(|directory| take(&directory, Access::Whole));
        }
    }
    for key in [
        "ReadWritePaths",
        "ReadWriteDirectories",
        "BindPaths",
        "BindReadOnlyPaths",
        "ReadOnlyPaths",
        "ReadOnlyDirectories",
        "InaccessiblePaths",
        "InaccessibleDirectories",
        "TemporaryFileSystem",
    ] {
        for setting in list(all, key) {
            for word in words(&setting.value) {
                let word = word.trim_start_matches(['-', '+']);
                let mut parts = word.split(':');
                let source = parts.next().unwrap_or(word);
                let (directory, access) = match key {
                    "ReadWritePaths" | "ReadWriteDirectories" => (source, Access::Whole),
                    "BindPaths" => (parts.next().unwrap_or(source), Access::Whole),
                    "BindReadOnlyPaths" => (parts.next().unwrap_or(source), Access::ReadOnly(setting)),
                    "ReadOnlyPaths" | "ReadOnlyDirectories" => (source, Access::ReadOnly(setting)),
                    _ => (source, Access::None(setting)),
                };
                if directory.starts_with('/') && !directory.contains('%') {
                    take(directory, access);
                }
            }
        }
    }
    nearest.1
}

/// The setting that keeps the processes of a unit from serving a TCP port of this host, where one does.
pub fn cut_off(all: &[Setting]) -> Option<&Setting> {
    let private = last(all, "PrivateNetwork").filter(|setting| is_yes(&setting.value));
    let other = last(all, "NetworkNamespacePath");
    let allowed = list(all, "IPAddressAllow");
    let reaches = |value: &str| {
        words(value)
            .iter()
            .any(|word| word == "any" || word == "localhost" || word.starts_with("127.") || word == "0.0.0.0/0")
    };
    let is_open = allowed.iter().any(|setting| reaches(&setting.value));
    let denied = list(all, "IPAddressDeny").into_iter().rfind(|setting| reaches(&setting.value));
    let families = list(all, "RestrictAddressFamilies");
    let is_listed = |name: &str| families.iter().any(|setting| words(&setting.value).iter().any(|word| word == name));
    // `~` turns the list round, `none` refuses all.
    let first = families.first().map(|setting| setting.value.as_str());
    let refuses = match first {
        None => false,
        Some(value) if value.starts_with('~') => {
            is_listed("~AF_INET") || (value.contains("AF_INET ") || value.ends_with("AF_INET"))
        }
        Some(_) => !is_listed("AF_INET") && !is_listed("AF_INET6"),
    };
    let families = families.last().copied().filter(|_| refuses);
    private.or(other).or(denied.filter(|_| !is_open)).or(families)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> Vec<Setting> {
        settings("/etc/systemd/system/a.service.d/x.conf", &format!("[Service]\n{text}"))
    }

    #[test]
    fn settings_are_those_of_the_service_and_an_empty_one_takes_back() {
        let text = "[Unit]\nUser=no\n[Service]\n# User=no\nUser = app\nEnvironment=A=1 \\\n; between\n  \"B=2 3\"\n\
                    Environment=\nEnvironment=C=4\n[Install]\nUser=no\n";
        let all = settings("/f", text);
        assert_eq!(last(&all, "User").map(|setting| setting.value.as_str()), Some("app"));
        assert_eq!(list(&all, "Environment").iter().map(|setting| setting.value.as_str()).collect::<Vec<_>>(), ["C=4"]);
        assert_eq!(words(&all[1].value), ["A=1", "B=2 3"]);
        assert_eq!(last(&unit("User=a\nUser=\n"), "User"), None);
        assert_eq!(words("a \"\" 'b c'd"), ["a", "", "b cd"]);
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let _ = settings("/f", &text[..end]);
        }
    }

    #[test]
    fn the_sandbox_takes_paths_away_and_the_nearest_setting_counts() {
        let cases = [
            ("ProtectHome=yes", "/home/app/x", 'n'),
            ("ProtectHome=tmpfs\nBindPaths=/home/app", "/home/app/x", 'w'),
            ("ProtectHome=read-only", "/root/x", 'r'),
            ("ProtectHome=no", "/home/x", 'w'),
            ("ProtectHome=yes", "/homeless/x", 'w'),
            ("ProtectSystem=true", "/etc/x", 'w'),
            ("ProtectSystem=full", "/etc/x", 'r'),
            ("ProtectSystem=strict", "/var/lib/app", 'r'),
            ("ProtectSystem=strict\nReadWritePaths=/var/lib", "/var/lib/app", 'w'),
            ("ProtectSystem=strict", "/home/app/x", 'w'),
            ("ProtectSystem=strict\nProtectHome=read-only", "/home/app/x", 'r'),
            ("ProtectSystem=strict\nStateDirectory=app", "/var/lib/app/db", 'w'),
            ("ProtectSystem=strict\nPrivateTmp=yes", "/tmp/x", 'w'),
            ("ReadOnlyPaths=/opt/app -/srv", "/opt/app/db", 'r'),
            ("ReadOnlyPaths=/opt/app\nReadOnlyPaths=", "/opt/app/db", 'w'),
            ("ReadWritePaths=/opt/app/data\nReadOnlyPaths=/opt/app", "/opt/app/data/db", 'w'),
            ("InaccessiblePaths=-/opt/app", "/opt/app/db", 'n'),
            ("TemporaryFileSystem=/var:ro", "/var/lib/x", 'n'),
            ("ReadOnlyPaths=/", "/x", 'r'),
            ("", "/x", 'w'),
        ];
        for (text, path, wanted) in cases {
            let all = unit(text);
            let found = match access(&all, path) {
                Access::Whole => 'w',
                Access::ReadOnly(_) => 'r',
                Access::None(_) => 'n',
            };
            assert_eq!(found, wanted, "{text} of {path}");
        }
    }

    #[test]
    fn settings_that_cut_off_from_the_network_are_known() {
        for text in [
            "PrivateNetwork=yes",
            "NetworkNamespacePath=/run/netns/x",
            "IPAddressDeny=any",
            "RestrictAddressFamilies=AF_UNIX",
            "RestrictAddressFamilies=none",
            "RestrictAddressFamilies=~AF_INET AF_INET6",
        ] {
            assert!(cut_off(&unit(text)).is_some(), "{text}");
        }
        for text in [
            "",
            "PrivateNetwork=no",
            "PrivateNetwork=yes\nPrivateNetwork=no",
            "IPAddressDeny=any\nIPAddressAllow=localhost",
            "IPAddressDeny=192.0.2.0/24",
            "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
            "RestrictAddressFamilies=AF_UNIX\nRestrictAddressFamilies=AF_INET",
            "RestrictAddressFamilies=~AF_PACKET",
            "RestrictAddressFamilies=~AF_INET6",
        ] {
            assert!(cut_off(&unit(text)).is_none(), "{text}");
        }
    }
}
