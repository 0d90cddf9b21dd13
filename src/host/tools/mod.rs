//! The wrapped tools, one file each: functions that return an [`Argv`] and functions that parse what came back. All pure:
//! nothing here runs a command, reads a file or knows the time.

pub mod age;
pub mod boot;
pub mod caddy;
pub mod cgroup;
pub mod checkers;
pub mod command;
pub mod compose;
pub mod crontab;
pub mod docker;
pub mod docker_engine;
pub mod docker_logs;
pub mod dpkg;
pub mod fstab;
pub mod git;
pub mod history;
pub mod images;
pub mod journalctl;
pub mod lines;
pub mod login_file;
pub mod mariadb;
pub mod mongodump;
pub mod mountinfo;
pub mod nginx;
pub mod pm2;
pub mod postgres;
pub mod postgres_state;
pub mod procfs;
pub mod program_file;
pub mod rclone;
pub mod redis_check_rdb;
pub mod redis_cli;
pub mod resolver;
pub mod sendmail;
pub mod sockets;
pub mod sqlite_file;
pub mod surroundings;
pub mod systemctl;
pub mod systemd_analyze;
pub mod timedatectl;
pub mod timer;
pub mod timer_file;
pub mod ufw;
pub mod unit_file;
pub mod unit_output;
pub mod unpack;
mod upstream;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::redact::{self, Redactor};

pub use upstream::{LOOPBACK, Upstream};

/// A command: one program and its arguments, never a line for a shell. [`fmt::Display`] prints it so that it can be
/// pasted into one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argv {
    /// Name of the program; where it lies is decided by [`crate::host::exec`].
    pub program: &'static str,
    /// Arguments.
    pub args: Vec<String>,
    /// Account to run as, when not one's own.
    pub account: Option<Account>,
    /// Its `HOME`.
    pub home: Home,
    /// Variables beyond the fixed environment.
    pub env: Vec<(&'static str, String)>,
    /// Variables beyond these whose values nobody may see.
    pub secrets: Vec<(&'static str, Hidden)>,
    /// What it reads; nothing by default.
    pub input: Option<Input>,
    /// What becomes of it when opsctl is told to end.
    pub interrupted: Interrupted,
}

/// The home directory that a command is given: many programs load code and settings from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// The caller's own; as another user none, because whoever runs there may have planted something.
    Trusted,
    /// That of the user it runs as, whoever that is. Builders that need it say why.
    Kept,
    /// None, also as oneself.
    None,
}

/// A home directory that nobody can make.
pub const NOWHERE: &str = "/nonexistent";

/// A value that is handed on and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a value.
    pub fn new(value: String) -> Self {
        Hidden(value)
    }

    /// The value, for whom it is meant.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

/// What a command reads on its standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it is from, as it is shown.
    pub name: String,
    /// What that is.
    pub content: Content,
}

/// What a command reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A file, however large.
    File(PathBuf),
}

impl Input {
    /// Bytes that are known.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Input { name: name.into(), content: Content::Bytes(bytes.into()) }
    }

    /// A file of this host.
    pub fn file(path: &Path) -> Self {
        Input { name: path.display().to_string(), content: Content::File(path.to_owned()) }
    }
}

/// What becomes of a command when opsctl is told to end by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupted {
    /// It is killed: it only asks, or what it leaves half done hurts nobody.
    Killed,
    /// It is waited for: half done it would leave a service down, or a working copy between two versions.
    Finishes,
}

/// A user of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Home directory.
    pub home: String,
}

impl Argv {
    /// `program args…`, as the caller's own user.
    pub fn new<S: Into<String>>(program: &'static str, args: impl IntoIterator<Item = S>) -> Self {
        Argv {
            program,
            args: args.into_iter().map(Into::into).collect(),
            account: None,
            home: Home::Trusted,
            env: Vec::new(),
            secrets: Vec::new(),
            input: None,
            interrupted: Interrupted::Killed,
        }
    }

    /// The same with more arguments.
    pub fn with<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The same as another user; root's own commands need no other.
    #[must_use]
    pub fn by(mut self, account: Option<&Account>) -> Self {
        self.account = account.cloned();
        self
    }

    /// The same with the home directory of the user it runs as.
    #[must_use]
    pub fn at_home(mut self) -> Self {
        self.home = Home::Kept;
        self
    }

    /// The same, waited for when opsctl is told to end.
    #[must_use]
    pub fn finishes(mut self) -> Self {
        self.interrupted = Interrupted::Finishes;
        self
    }

    /// The words for those who start it without a shell; what needs one is given to it whole.
    pub fn words(&self) -> Vec<String> {
        if self.input.is_some() || !self.secrets.is_empty() {
            return vec!["sh".to_owned(), "-c".to_owned(), self.to_string()];
        }
        let account =
            self.account.iter().flat_map(|account| ["sudo".to_owned(), "-u".to_owned(), account.name.clone()]);
        let mut words: Vec<String> = account.collect();
        let variables: Vec<String> = self.variables().map(|(key, value)| format!("{key}={value}")).collect();
        if words.is_empty() && !variables.is_empty() {
            words.push("env".to_owned());
        }
        words.extend(variables);
        words.push(self.program.to_owned());
        words.extend(self.args.iter().cloned());
        words
    }

    /// What it is given in its environment beside secrets.
    fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_homeless = self.home == Home::None || (self.home == Home::Trusted && self.account.is_some());
        let home = is_homeless.then_some(("HOME", NOWHERE));
        home.into_iter().chain(self.env.iter().map(|(key, value)| (*key, value.as_str())))
    }

    /// The words as they are executed when the account differs from the caller's: through setpriv, which drops to the
    /// account with its groups and forbids gaining privileges again.
    pub fn through_setpriv(&self, program: &str) -> Option<(&'static str, Vec<String>)> {
        let account = self.account.as_ref()?;
        let mut args = vec![
            format!("--reuid={}", account.uid),
            format!("--regid={}", account.gid),
            "--init-groups".to_owned(),
            "--no-new-privs".to_owned(),
            "--".to_owned(),
            program.to_owned(),
        ];
        args.extend(self.args.iter().cloned());
        Some(("setpriv", args))
    }
}

impl fmt::Display for Argv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(account) = &self.account {
            write!(f, "sudo -u {} ", quote(&account.name))?;
        }
        for (key, value) in self.variables() {
            write!(f, "{key}={} ", quote(value))?;
        }
        for (key, _) in &self.secrets {
            write!(f, "{key}=\"${key}\" ")?;
        }
        f.write_str(self.program)?;
        for arg in &self.args {
            write!(f, " {}", quote(arg))?;
        }
        match &self.input {
            Some(input) => write!(f, " < {}", quote(&input.name)),
            None => Ok(()),
        }
    }
}

/// Quotes a word for a POSIX shell, leaving plain words alone.
pub fn quote(word: &str) -> std::borrow::Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''")).into()
    }
}

/// Output that does not have the form it should have. Holds the beginning of what was found instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What was expected.
    pub expected: &'static str,
    /// At most 200 bytes of what came, without secrets, unescaped.
    pub excerpt: String,
}

impl Malformed {
    /// `expected` was not found in `text`.
    pub fn new(expected: &'static str, text: &str) -> Self {
        Malformed { expected, excerpt: excerpt(text) }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.excerpt.is_empty() {
            write!(f, "expected {}, got nothing", self.expected)
        } else {
            write!(f, "expected {}, got: {}", self.expected, self.excerpt)
        }
    }
}

/// How much more of a text is looked through than is quoted, bytes, so that a secret at its edge is seen whole.
const MARGIN: usize = 4096;

/// The first 200 bytes without secrets, cut at a character, without surrounding white space.
pub fn excerpt(text: &str) -> String {
    excerpt_by(redact::house(), text)
}

/// The same of 400 bytes: a line of a log, which begins with a time and names, and ends with what it is about.
pub fn sentence(text: &str) -> String {
    excerpt_to(redact::house(), text, 400)
}

/// The same by what this redactor knows.
pub(crate) fn excerpt_by(redactor: &Redactor, text: &str) -> String {
    excerpt_to(redactor, text, 200)
}

fn excerpt_to(redactor: &Redactor, text: &str, longest: usize) -> String {
    let text = text.trim();
    let near = &text[..text.floor_char_boundary(longest + MARGIN)];
    let quoted = redactor.quote(near);
    // Where there is more, half a secret may stand at the end of what was looked through.
    let end = if near.len() < text.len() { quoted.rfind(char::is_whitespace).unwrap_or(longest) } else { quoted.len() };
    quoted[..quoted.floor_char_boundary(end.min(longest))].trim().to_owned()
}

/// The last lines that are not empty, oldest first, without secrets.
pub fn last_lines(text: &str, count: usize) -> impl Iterator<Item = String> {
    let end = tail(redact::house(), text, count.saturating_mul(1024));
    let lines: Vec<String> =
        end.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect();
    let skip = lines.len().saturating_sub(count);
    lines.into_iter().skip(skip)
}

/// The last 300 bytes without secrets, cut at a character, on one line: a tool says last why it failed.
pub fn ending(text: &str) -> String {
    ending_by(redact::house(), text)
}

/// The same by what this redactor knows.
pub(crate) fn ending_by(redactor: &Redactor, text: &str) -> String {
    const LONGEST: usize = 300;
    let end = tail(redactor, text, LONGEST);
    let end = &end[end.ceil_char_boundary(end.len().saturating_sub(LONGEST))..];
    let lines: Vec<&str> = end.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}

/// At least so many bytes of the end of a text, without secrets.
fn tail(redactor: &Redactor, text: &str, length: usize) -> String {
    // The indentation of the first line is part of what it shows.
    let text = text.trim_end().trim_start_matches(['\n', '\r']);
    let begin = text.ceil_char_boundary(text.len().saturating_sub(length.saturating_add(MARGIN)));
    // Where there is more, half a secret may stand at the beginning.
    let skip = if begin > 0 { text[begin..].find(char::is_whitespace).unwrap_or_default() } else { 0 };
    redactor.quote(&text[begin + skip..]).trim_start_matches(['\n', '\r']).trim_end().to_owned()
}

/// Parses one JSON value a line, passing over blank lines.
fn json_lines<T: serde::de::DeserializeOwned>(text: &str, expected: &'static str) -> Result<Vec<T>, Malformed> {
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).map_err(|_| Malformed::new(expected, line)))
        .collect()
}

/// The whole number nearest to a size that was printed in tenths of its unit; 0 for what is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and sizes are below 2^53")]
fn whole(number: f64) -> u64 {
    number.max(0.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_makes_the_same_words_of_what_is_shown() {
        let argv = Argv::new("ss", ["-Hltnp", "sport = :80", "it's", "a b", "", r"a\x2db", "$(id)", "*", "~"]);
        assert_eq!(shlex::split(&argv.to_string()), Some(argv.words()));
    }

    #[test]
    fn commands_print_so_that_they_can_be_pasted() {
        let mut argv = Argv::new("pm2", ["jlist", "it's", ""]);
        argv.env.push(("PM2_HOME", "/home/a b/.pm2".to_owned()));
        argv.account = Some(Account { name: "app".into(), uid: 1000, gid: 1000, home: "/home/app".into() });
        assert_eq!(argv.to_string(), r"sudo -u app HOME=/nonexistent PM2_HOME='/home/a b/.pm2' pm2 jlist 'it'\''s' ''");
        let words = ["sudo", "-u", "app", "HOME=/nonexistent", "PM2_HOME=/home/a b/.pm2", "pm2", "jlist", "it's", ""];
        assert_eq!(argv.words(), words);
        assert_eq!(
            Argv { home: Home::None, ..Argv::new("git", ["log"]) }.words(),
            ["env", "HOME=/nonexistent", "git", "log"]
        );
        assert_eq!(argv.at_home().to_string(), r"sudo -u app PM2_HOME='/home/a b/.pm2' pm2 jlist 'it'\''s' ''");
        assert_eq!(Argv { home: Home::None, ..Argv::new("git", ["log"]) }.to_string(), "HOME=/nonexistent git log");
        assert_eq!(Argv::new("git", ["log"]).at_home().to_string(), "git log");
    }

    #[test]
    fn another_account_is_reached_through_setpriv() {
        let mut argv = Argv::new("pm2", ["jlist"]);
        assert_eq!(argv.through_setpriv("/usr/bin/pm2"), None);
        argv.account = Some(Account { name: "app".into(), uid: 1000, gid: 1001, home: "/home/app".into() });
        let (program, args) = argv.through_setpriv("/usr/bin/pm2").unwrap();
        assert_eq!(
            format!("{program} {}", args.join(" ")),
            "setpriv --reuid=1000 --regid=1001 --init-groups --no-new-privs -- /usr/bin/pm2 jlist"
        );
    }

    #[test]
    fn an_excerpt_is_cut_at_a_character() {
        assert_eq!(excerpt(&"é".repeat(150)), "é".repeat(100));
        assert_eq!(excerpt("  x \n"), "x");
    }
}
