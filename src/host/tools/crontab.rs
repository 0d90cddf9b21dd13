//! Crontabs (crontab(5)), as Debian's cron and cronie read them: what is run, and what makes cron pass over a whole file.

/// Whose a crontab is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The system's, whose lines name a user.
    System,
    /// A user's own.
    User,
}

/// A crontab as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tab {
    /// Its lines, those in comments included.
    pub entries: Vec<Entry>,
    /// The first line for which cron passes over all of it, and why.
    pub flaw: Option<String>,
    /// Whether its last line has no end, for which Debian's cron passes over all of it.
    pub is_unended: bool,
}

/// A line that runs something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When: five fields, or a word such as `@reboot`.
    pub schedule: String,
    /// As whom, where the line says so.
    pub user: Option<String>,
    /// What is run. It may hold secrets and is never shown.
    pub command: String,
    /// Whether the line is in a comment, so that it is not run.
    pub is_comment: bool,
}

/// Smallest and greatest number of the five fields, and names that stand for numbers.
const FIELDS: [(u32, u32, &[&str]); 5] = [
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &[]),
    (1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    (0, 7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];
const FIELD_NAMES: [&str; 5] = ["minute", "hour", "day of the month", "month", "day of the week"];
const WORDS: &[&str] = &["@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
/// Programs that run the file that is named after them.
const INTERPRETERS: &[&str] = &["sh", "bash", "dash", "zsh", "python", "python3", "perl", "php", "node", "ruby"];

/// Whether a text names a job by this word. What verifies or rehearses the copies of a job makes none: `opsctl backup drill`.
pub fn is_named(text: &str, word: &str) -> bool {
    const OTHER: [&str; 4] = ["drill", "list", "prune", "verify"];
    let is_other = |after: &str| OTHER.iter().any(|other| after.trim_start().starts_with(other));
    text.match_indices(word).any(|(at, _)| !(word.ends_with(" backup") && is_other(&text[at + word.len()..])))
}

/// Reads a crontab.
pub fn parse(text: &str, kind: Kind) -> Tab {
    let mut tab = Tab { is_unended: !text.is_empty() && !text.ends_with('\n'), ..Tab::default() };
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start_matches([' ', '\t']);
        if let Some(comment) = line.strip_prefix('#') {
            let entry = entry(comment.trim_start_matches(['#', ' ', '\t']), kind).ok();
            tab.entries.extend(entry.map(|entry| Entry { is_comment: true, ..entry }));
            continue;
        }
        if line.trim().is_empty() || is_setting(line) {
            continue;
        }
        match entry(line, kind) {
            Ok(entry) => tab.entries.push(entry),
            Err(why) => tab.flaw = tab.flaw.or_else(|| Some(format!("line {}: {why}", number + 1))),
        }
    }
    tab
}

/// Whether a line sets a variable of the environment.
fn is_setting(line: &str) -> bool {
    let Some((name, _)) = line.split_once('=') else { return false };
    let name = name.trim_end().trim_matches(['"', '\'']);
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn entry(line: &str, kind: Kind) -> Result<Entry, String> {
    let mut rest = line.trim();
    let mut word = || {
        let word = rest.split([' ', '\t']).next().unwrap_or_default();
        rest = rest.get(word.len()..).unwrap_or_default().trim_start_matches([' ', '\t']);
        word
    };
    let first = word();
    let schedule = if first.starts_with('@') {
        if !WORDS.contains(&first) {
            return Err("no such time".to_owned());
        }
        first.to_owned()
    } else {
        let fields = [first, word(), word(), word(), word()];
        for ((field, bounds), name) in fields.iter().zip(FIELDS).zip(FIELD_NAMES) {
            if !is_field(field, bounds) {
                return Err(format!("bad {name}"));
            }
        }
        fields.join(" ")
    };
    let user = match kind {
        Kind::System => Some(word()).filter(|user| !user.is_empty()).map(str::to_owned),
        Kind::User => None,
    };
    match rest.is_empty() {
        true => Err("no command".to_owned()),
        false => Ok(Entry { schedule, user, command: rest.to_owned(), is_comment: false }),
    }
}

/// Whether a field is one: numbers or names, ranges, steps and lists of these.
fn is_field(field: &str, (least, most, names): (u32, u32, &[&str])) -> bool {
    let is_value = |word: &str| {
        let named = || names.iter().any(|name| word.eq_ignore_ascii_case(name));
        word.parse::<u32>().map_or_else(|_| named(), |number| (least..=most).contains(&number))
    };
    let is_range = |range: &str| match range.split_once(['-', '~']) {
        _ if range == "*" || range == "~" => true,
        Some((from, to)) => is_value(from) && is_value(to),
        None => is_value(range),
    };
    let is_part = |part: &str| match part.split_once('/') {
        Some((range, step)) => is_range(range) && step.parse::<u32>().is_ok_and(|step| step > 0),
        None => is_range(part),
    };
    !field.is_empty() && field.split(',').all(is_part)
}

impl Entry {
    /// The program that the command begins with and whether it must be executable, where it is plainly written: an absolute path,
    /// or one after an interpreter. Behind anything else (a test, a variable, a directory change) it may never be run.
    pub fn program(&self) -> Option<(&str, bool)> {
        let mut words = self.command.split([' ', '\t']).filter(|word| !word.is_empty());
        let first = words.next()?;
        let name = first.rsplit('/').next().unwrap_or(first);
        if INTERPRETERS.contains(&name) {
            return words.next().filter(|word| is_plain(word)).map(|script| (script, false));
        }
        is_plain(first).then_some((first, true))
    }

    /// The absolute path in the command that ends in this name, and whether the command begins with it.
    pub fn path_of(&self, name: &str) -> Option<(&str, bool)> {
        let ends = |path: &str| path.strip_suffix(name).is_some_and(|before| before.ends_with('/'));
        if let Some(found) = self.program().filter(|(path, _)| ends(path)) {
            return Some(found);
        }
        self.command
            .split([' ', '\t', ';', '&', '|', '(', ')'])
            .find(|word| is_plain(word) && ends(word))
            .map(|p| (p, false))
    }
}

/// Whether a word is an absolute path that the shell takes as it is.
fn is_plain(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+@:,".contains(&b);
    word.starts_with('/') && word.len() > 1 && word.bytes().all(plain)
}

/// Whether cron and run-parts of Debian look at a file of this name: letters, digits, dashes and underscores.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_cron_reads_them() {
        let text = "SHELL=/bin/sh\n MAILTO = \"\"\n\n# m h dom mon dow user command\n#0 4 * * * root /opt/old.sh\n\
            17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n@daily www /usr/bin/x --key=1\n";
        let tab = parse(text, Kind::System);
        assert_eq!((tab.flaw.as_deref(), tab.is_unended), (None, false));
        let seen: Vec<_> = tab.entries.iter().map(|e| (e.schedule.as_str(), e.user.as_deref(), e.is_comment)).collect();
        assert_eq!(
            seen,
            [("0 4 * * *", Some("root"), true), ("17 * * * *", Some("root"), false), ("@daily", Some("www"), false)]
        );
        assert_eq!(tab.entries[2].program(), Some(("/usr/bin/x", true)));
        assert_eq!(tab.entries[1].program(), None);
    }

    #[test]
    fn a_drill_is_no_backup() {
        for text in
            ["opsctl backup", "opsctl backup -d prim", "opsctl backup drill; opsctl backup", "x opsctl backup wallet"]
        {
            assert!(is_named(text, "opsctl backup"), "{text}");
        }
        for text in ["opsctl backup drill -d prim", "opsctl backup  list", "opsctl check"] {
            assert!(!is_named(text, "opsctl backup"), "{text}");
        }
        assert!(
            is_named("/opt/backup.sh drill", "backup.sh") && is_named("opsctl backup drill", "opsctl backup drill")
        );
    }

    #[test]
    fn what_makes_cron_pass_over_a_file_is_named_by_its_line() {
        for (text, flaw) in [
            ("0 3 * * * /opt/x\n", None),
            ("*/5 0-6,22 1 jan-mar MON-fri /opt/x\n", None),
            ("61 3 * * * /opt/x\n", Some("line 1: bad minute")),
            ("\n0 24 * * * /opt/x\n", Some("line 2: bad hour")),
            ("0 3 0 * * /opt/x\n", Some("line 1: bad day of the month")),
            ("0 3 * 13 * /opt/x\n", Some("line 1: bad month")),
            ("0 3 * * 8 /opt/x\n", Some("line 1: bad day of the week")),
            ("*/0 3 * * * /opt/x\n", Some("line 1: bad minute")),
            ("0 3 * * * \n", Some("line 1: no command")),
            ("0 3 * * /opt/x\n", Some("line 1: bad day of the week")),
            ("@often /opt/x\n", Some("line 1: no such time")),
            ("hello\n", Some("line 1: bad minute")),
        ] {
            assert_eq!(parse(text, Kind::User).flaw.as_deref(), flaw, "{text:?}");
        }
        assert!(parse("0 3 * * * /opt/x", Kind::User).is_unended);
        assert!(!parse("", Kind::User).is_unended);
    }

    #[test]
    fn a_program_is_known_where_it_is_plainly_written() {
        let of = |command: &str| {
            let tab = parse(&format!("0 3 * * * {command}\n"), Kind::User);
            tab.entries[0].program().map(|(path, must_run)| (path.to_owned(), must_run))
        };
        let yes = |path: &str, must_run: bool| Some((path.to_owned(), must_run));
        assert_eq!(of("/opt/a/b.sh >> /var/log/x 2>&1"), yes("/opt/a/b.sh", true));
        assert_eq!(of("/bin/bash /opt/b.sh"), yes("/opt/b.sh", false));
        assert_eq!(of("python3 /opt/b.py x"), yes("/opt/b.py", false));
        for open in [
            "test -x /opt/b && /opt/b",
            "[ -x /opt/b ] && /opt/b",
            "cd /opt && ./b",
            "$HOME/b",
            "/opt/$X/b",
            "/opt/*.sh",
            "bash -c '/opt/b'",
        ] {
            assert_eq!(of(open), None, "{open}");
        }
        let tab = parse("0 3 * * * cd /srv && flock -n /run/l /opt/backup.sh >>/var/log/backup.sh.log\n", Kind::User);
        assert_eq!(tab.entries[0].path_of("backup.sh"), Some(("/opt/backup.sh", false)));
        assert_eq!(tab.entries[0].path_of("other.sh"), None);
    }
}
