//! A command as it is shown: to be pasted into a shell, or started from its words.

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::{Argv, quote};
use crate::program;

/// A command as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Command {
    text: String,
    words: Vec<String>,
}

impl Command {
    /// A program and its arguments.
    pub fn new<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Self {
        let words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
        let text = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
        Command { text, words }
    }

    /// This program, called for something.
    pub fn own<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Self {
        let words = words.into_iter().map(|word| word.as_ref().to_owned());
        Command::new(std::iter::once(program::name().to_owned()).chain(words))
    }

    /// What only a shell understands.
    pub fn shell(text: String) -> Self {
        Command { words: vec!["sh".to_owned(), "-c".to_owned(), text.clone()], text }
    }

    /// The words, for those who start it without a shell; none where nothing was run.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The text, for a shell.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl From<&Argv> for Command {
    fn from(argv: &Argv) -> Self {
        Command { text: argv.to_string(), words: argv.words() }
    }
}

impl From<Argv> for Command {
    fn from(argv: Argv) -> Self {
        Command::from(&argv)
    }
}

impl From<&Command> for Command {
    fn from(command: &Command) -> Self {
        command.clone()
    }
}

/// Where tests state plain words.
#[cfg(test)]
impl<T: AsRef<str>> From<T> for Command {
    fn from(text: T) -> Self {
        Command { text: text.as_ref().to_owned(), words: shlex::split(text.as_ref()).unwrap() }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_and_quoted_only_to_be_shown() {
        let unit = r"srv-a\x2db.mount";
        let command = Command::new(["systemctl", "status", unit]);
        assert_eq!(command.to_string(), r"systemctl status 'srv-a\x2db.mount'");
        assert_eq!(command.words(), ["systemctl", "status", unit]);
        assert_eq!(Command::own(["logs", "a b"]).to_string(), "opsctl logs 'a b'");
        assert_eq!(Command::shell("a | b".to_owned()).words(), ["sh", "-c", "a | b"]);
        assert_eq!(serde_json::to_string(&command).unwrap(), r#""systemctl status 'srv-a\\x2db.mount'""#);
    }
}
