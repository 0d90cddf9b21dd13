//! Runs as one readable text, compared as a whole.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use snapbox::{Assert, Data, IntoData};

use crate::machine::{Ran, Run};

/// Arguments that are longer are shortened to this.
const LONG: usize = 60;

/// Compares these runs with `transcripts/NAME.txt`.
pub fn compare(name: &str, runs: &[Run]) {
    let text = runs.iter().map(told).collect::<Vec<_>>().join("\n");
    same_as_file(&text, &Path::new("tests/it/transcripts").join(format!("{name}.txt")));
}

/// Compares a text with a file of the repository; `SNAPSHOTS=overwrite` writes the file instead.
pub fn same_as_file(text: &str, file: &Path) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    // Raw: no wildcards in what is expected, no changes to what is there.
    let expected = Data::read_from(&file, Some(snapbox::data::DataFormat::Text)).raw();
    Assert::new().action_env("SNAPSHOTS").eq(text.to_owned().into_data().raw(), expected);
}

/// A run: the command line, how it ended, what it printed, and the tools it ran.
fn told(run: &Run) -> String {
    let mut text = String::from("$ opsctl");
    for arg in &run.args {
        write!(text, " {}", word(arg)).unwrap();
    }
    writeln!(text, "\n[exit {}]", run.code).unwrap();
    for (stream, words) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        if !words.is_empty() {
            let end = if words.ends_with('\n') { "" } else { "[no line end]\n" };
            write!(text, "[{stream}]\n{words}{end}").unwrap();
        }
    }
    if !run.ran.is_empty() {
        text.push_str("[ran]\n");
        for ran in &run.ran {
            let words: Vec<String> = ran.argv.iter().map(|arg| shortened(arg)).collect();
            writeln!(text, "{}", words.join(" ")).unwrap();
        }
    }
    text
}

/// Long lists of properties and templates would hide the rest: they are told in full once, in `tools.txt`.
fn shortened(arg: &str) -> String {
    match arg.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", word(OsStr::new(&arg[..end]))),
        None => word(OsStr::new(arg)),
    }
}

/// A command in full, as it would be typed.
pub fn command(ran: &Ran) -> String {
    let words: Vec<String> = ran.argv.iter().map(|arg| word(OsStr::new(arg))).collect();
    words.join(" ")
}

/// An argument as it would be typed.
fn word(arg: &OsStr) -> String {
    const LONGEST: usize = 2000;
    if arg.len() > LONGEST {
        return format!("<{} bytes>", arg.len());
    }
    let Some(text) = arg.to_str().filter(|text| !text.chars().any(char::is_control)) else {
        return format!("$'{}'", arg.as_bytes().escape_ascii());
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
