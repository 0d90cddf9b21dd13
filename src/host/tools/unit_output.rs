//! `systemctl show`: where standard output and error of units go. The answer has no paths (systemd 257), which stand in the unit
//! files that it names.

use super::{Argv, Malformed};

const PROPERTIES: &str = "Id,Names,LoadState,ActiveState,FragmentPath,DropInPaths,StandardInput,StandardOutput,\
    StandardError,LogNamespace";

/// The unit that keeps the journal.
pub const JOURNALD: &str = "systemd-journald.service";

/// What is asked of these units, and whether journald runs.
pub fn show<'a>(units: impl IntoIterator<Item = &'a str>) -> Argv {
    Argv::new("systemctl", ["show", "--no-pager", "--property", PROPERTIES, "--", JOURNALD]).with(units)
}

/// What systemd says of a unit's output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitOutput {
    pub id: String,
    pub names: Vec<String>,
    pub load: String,
    pub active: String,
    /// Its unit file and what changes that, in the order in which they count.
    pub files: Vec<String>,
    pub input: String,
    pub output: String,
    pub error: String,
    /// The journal that it has for itself; empty for the one of all.
    pub namespace: String,
}

impl UnitOutput {
    /// Whether this is the unit that `name` means.
    pub fn is(&self, name: &str) -> bool {
        self.load != "not-found" && (matches(name, &self.id) || self.names.iter().any(|other| other == name))
    }

    /// Whether either stream goes to a file, so that the unit files must be read for its path.
    pub fn has_file(&self) -> bool {
        [&self.output, &self.error].iter().any(|setting| is_file(setting))
    }

    /// Where standard output and error go, `texts` being the contents of [`UnitOutput::files`].
    pub fn destinations(&self, texts: &[String]) -> [Destination; 2] {
        let output = match self.output.as_str() {
            "inherit" => match self.input.as_str() {
                "" | "null" | "data" => Destination::Discarded,
                input => named(input),
            },
            setting => self.destination(setting, "StandardOutput", texts),
        };
        let error = match self.error.as_str() {
            "inherit" => output.clone(),
            setting => self.destination(setting, "StandardError", texts),
        };
        [output, error]
    }

    fn destination(&self, setting: &str, key: &str, texts: &[String]) -> Destination {
        if !is_file(setting) {
            return named(setting);
        }
        let stated = texts.iter().filter_map(|text| last_setting(text, key)).next_back();
        let path = stated.as_deref().and_then(|value| value.split_once(':')).and_then(|(_, path)| self.expanded(path));
        match path.filter(|path| path.starts_with('/')) {
            Some(path) => Destination::File(path),
            None => {
                Destination::Elsewhere(format!("a file that its unit files do not name directly ({key}={setting})"))
            }
        }
    }

    /// A path with what its specifiers stand for (systemd.unit(5)); `None` for one that only the manager knows.
    fn expanded(&self, path: &str) -> Option<String> {
        let stem = self.id.rsplit_once('.').map_or(self.id.as_str(), |(stem, _)| stem);
        let (prefix, instance) = stem.split_once('@').unwrap_or((stem, ""));
        let mut expanded = String::new();
        let mut rest = path.trim();
        while let Some((before, after)) = rest.split_once('%') {
            expanded.push_str(before);
            let specifier = after.chars().next()?;
            expanded.push_str(match specifier {
                'n' => &self.id,
                'N' => stem,
                'p' => prefix,
                'i' => instance,
                'j' => prefix.rsplit('-').next().unwrap_or(prefix),
                'L' => "/var/log",
                'S' => "/var/lib",
                'C' => "/var/cache",
                'E' => "/etc",
                't' => "/run",
                'T' => "/tmp",
                'V' => "/var/tmp",
                '%' => "%",
                _ => return None,
            });
            rest = &after[specifier.len_utf8()..];
        }
        expanded.push_str(rest);
        Some(expanded)
    }
}

/// Whether a unit is the one of this name, or fits it where that is a pattern with one `*`.
pub fn matches(pattern: &str, unit: &str) -> bool {
    match pattern.split_once('*') {
        Some((begin, end)) => unit.strip_prefix(begin).is_some_and(|rest| rest.ends_with(end)),
        None => pattern == unit,
    }
}

fn is_file(setting: &str) -> bool {
    matches!(setting, "file" | "append" | "truncate")
}

/// Where a stream of a unit goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Into the journal.
    Journal,
    /// Into the file at this path.
    File(String),
    /// Nowhere.
    Discarded,
    /// Where it is not read, in words.
    Elsewhere(String),
}

fn named(setting: &str) -> Destination {
    let elsewhere = |words: &str| Destination::Elsewhere(words.to_owned());
    match setting {
        // Units that run nothing have none.
        "" | "journal" | "journal+console" | "syslog" | "syslog+console" => Destination::Journal,
        "null" => Destination::Discarded,
        "kmsg" | "kmsg+console" => elsewhere("the kernel's log, which journalctl --dmesg shows"),
        "tty" | "tty-force" | "tty-fail" => elsewhere("a terminal, which keeps no log"),
        "socket" => elsewhere("the clients of its socket"),
        "fd" => elsewhere("a descriptor that its socket unit passes"),
        other => elsewhere(other),
    }
}

/// The last value of a key in the section `[Service]` of a unit file.
fn last_setting(text: &str, key: &str) -> Option<String> {
    let joined = text.replace("\\\n", " ");
    let mut section = "";
    let mut last = None;
    for line in joined.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[Service]"
            && let Some((name, value)) = line.split_once('=')
            && name.trim_end() == key
        {
            last = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
    }
    last
}

/// Parses the output of [`show`].
///
/// # Errors
/// When there is no block, or one without `Id`, `LoadState` or `ActiveState`.
pub fn parse(text: &str) -> Result<Vec<UnitOutput>, Malformed> {
    const EXPECTED: &str = "`systemctl show` properties";
    let blocks: Vec<&str> = text.split("\n\n").filter(|block| !block.trim().is_empty()).collect();
    if blocks.is_empty() {
        return Err(Malformed::new(EXPECTED, text));
    }
    blocks.into_iter().map(|block| unit(block).ok_or_else(|| Malformed::new(EXPECTED, block))).collect()
}

/// What one block says.
pub(super) fn unit(block: &str) -> Option<UnitOutput> {
    let mut unit = UnitOutput::default();
    for (key, value) in block.lines().filter_map(|line| line.split_once('=')) {
        match key {
            "Id" => value.clone_into(&mut unit.id),
            "Names" => unit.names = value.split_whitespace().map(str::to_owned).collect(),
            "LoadState" => value.clone_into(&mut unit.load),
            "ActiveState" => value.clone_into(&mut unit.active),
            "FragmentPath" if !value.is_empty() => unit.files.insert(0, value.to_owned()),
            "DropInPaths" => unit.files.extend(value.split_whitespace().map(str::to_owned)),
            "StandardInput" => value.clone_into(&mut unit.input),
            "StandardOutput" => value.clone_into(&mut unit.output),
            "StandardError" => value.clone_into(&mut unit.error),
            "LogNamespace" => value.clone_into(&mut unit.namespace),
            _ => {}
        }
    }
    (!unit.id.is_empty() && !unit.load.is_empty() && !unit.active.is_empty()).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "StandardInput=null\nStandardOutput=append\nStandardError=inherit\nLogNamespace=\nId=shop@eu.service\n\
        Names=shop@eu.service\nLoadState=loaded\nActiveState=active\nFragmentPath=/etc/systemd/system/shop@.service\n\
        DropInPaths=/etc/systemd/system/shop@.service.d/log.conf\n";

    fn with(output: &str, error: &str, input: &str) -> UnitOutput {
        let (output, error, input) = (output.to_owned(), error.to_owned(), input.to_owned());
        UnitOutput { input, output, error, ..parse(SHOP).unwrap().remove(0) }
    }

    #[test]
    fn b17_every_destination_of_a_unit_is_known() {
        use Destination::{Discarded, Journal};
        let to = |output: &str, error: &str| with(output, error, "null").destinations(&[]);
        assert_eq!(to("journal", "inherit"), [Journal, Journal]);
        assert_eq!(to("journal+console", "null"), [Journal, Discarded]);
        assert_eq!(to("null", "inherit"), [Discarded, Discarded]);
        assert_eq!(to("inherit", "journal"), [Discarded, Journal]);
        assert_eq!(to("", ""), [Journal, Journal]);
        for setting in ["kmsg", "tty", "socket", "fd", "something-new", "append"] {
            assert!(to(setting, "inherit").iter().all(|to| matches!(to, Destination::Elsewhere(_))), "{setting}");
        }
        assert!(matches!(with("inherit", "inherit", "socket").destinations(&[])[1], Destination::Elsewhere(_)));
    }

    #[test]
    fn b17_paths_are_those_of_the_unit_files() {
        let unit = parse(SHOP).unwrap().remove(0);
        assert_eq!(unit.files, ["/etc/systemd/system/shop@.service", "/etc/systemd/system/shop@.service.d/log.conf"]);
        let main = "[Unit]\nStandardOutput=append:/no\n[Service]\nStandardOutput=append:/var/log/a.log\n".to_owned();
        let file = |path: &str| Destination::File(path.to_owned());
        assert_eq!(unit.destinations(std::slice::from_ref(&main))[0], file("/var/log/a.log"));
        let later = "[Service]\n# StandardOutput=append:/no\nStandardOutput = \\\n append:%L/%p/%i-%N.log\n".to_owned();
        assert_eq!(unit.destinations(&[main.clone(), later])[1], file("/var/log/shop/eu-shop@eu.log"));
        for unknown in ["%H.log", "%", "x.log", "/var/%"] {
            let text = format!("[Service]\nStandardOutput=append:{unknown}\n");
            assert!(matches!(unit.destinations(&[text])[0], Destination::Elsewhere(_)), "{unknown}");
        }
    }

    #[test]
    fn a7_an_answer_that_was_cut_is_never_another_journal() {
        for end in 0..SHOP.len() {
            if let Ok(units) = parse(&SHOP[..end]) {
                assert_eq!(units[0].output, "append", "cut at {end}");
            }
        }
        assert!(parse("").is_err() && parse("Failed to connect to bus").is_err());
    }
}
