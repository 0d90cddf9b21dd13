//! `opsctl man`: manual pages from the definitions of the command line.

use std::fmt::Write as _;

use clap::Command;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use super::{command, help};
use crate::args::candidate;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::ui::Ui;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Verb, such as logs or backup create [default: the program]
    #[arg(value_name = "VERB", num_args = 0..=2, add = ArgValueCandidates::new(complete_verbs))]
    verb: Vec<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let (name, pages) = (program::name(), pages()?);
    let wanted = std::iter::once(name).chain(args.verb.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
    let page = pages.iter().find(|(page, _)| *page == wanted);
    let (_, page) = page.ok_or_else(|| {
        let verbs: Vec<String> = verbs().into_iter().map(|(path, _)| path).collect();
        Error::no_such(Code::UnknownVerb, "verb", &args.verb.join(" "), verbs.iter().map(String::as_str))
    })?;
    Ui::raw(page)?;
    if Ui::is_terminal() {
        let words: Vec<&str> = std::iter::once("man").chain(args.verb.iter().map(String::as_str)).collect();
        Ui::warn(&format!("this is its source; to read it: {} | man -l -", program::command(words.join(" "))));
    }
    Ok(Exit::Success)
}

fn complete_verbs() -> Vec<CompletionCandidate> {
    let one = |(path, verb): (String, Command)| {
        candidate(&path, &verb.get_about().map(ToString::to_string).unwrap_or_default())
    };
    verbs().into_iter().filter(|(path, _)| !path.contains(' ')).map(one).collect()
}

/// Every verb and every verb below one, by its words.
fn verbs() -> Vec<(String, Command)> {
    fn add(command: &Command, path: &str, into: &mut Vec<(String, Command)>) {
        for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let path = format!("{path} {}", verb.get_name()).trim_start().to_owned();
            into.push((path.clone(), verb.clone()));
            add(verb, &path, into);
        }
    }
    let mut command = command().disable_help_subcommand(true);
    command.build();
    let mut found = Vec::new();
    add(&command, "", &mut found);
    found
}

/// All pages in troff, by name: `opsctl`, one for each verb, and one for each verb below it.
///
/// # Errors
/// Never in practice: writing into memory does not fail.
pub fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = command().disable_help_subcommand(true);
    command.build();
    let name = program::name();
    let verbs = verbs();
    let mut pages = vec![(name.to_owned(), page(command, "", &verbs)?)];
    for (path, verb) in &verbs {
        let page_name = format!("{name}-{}", path.replace(' ', "-"));
        let named = verb.clone().name(page_name.clone()).bin_name(program::command(path));
        pages.push((page_name, page(named, path, &verbs)?));
    }
    Ok(pages)
}

fn page(command: Command, path: &str, verbs: &[(String, Command)]) -> std::io::Result<Vec<u8>> {
    let name = program::name();
    // The table of exit codes is for tbl.
    let mut out = b"'\\\" t\n".to_vec();
    let command = if path.is_empty() { command.version(program::version()) } else { command };
    let has_verbs = command.get_subcommands().next().is_some();
    let man = clap_mangen::Man::new(command)
        .section("1")
        .source(format!("{name} {}", program::version()))
        .manual(format!("{name} manual"));
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    if has_verbs {
        man.render_subcommands_section(&mut out)?;
    }
    man.render_options_section(&mut out)?;
    let mut rest = String::new();
    examples(path, &mut rest);
    rest.push_str(EXIT_STATUS);
    if path.is_empty() {
        rest.push_str(FILES);
        rest.push_str(ENVIRONMENT);
    }
    see_also(path, verbs, &mut rest);
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

fn examples(path: &str, page: &mut String) {
    page.push_str(".SH EXAMPLES\n");
    for (words, what) in help::examples(path) {
        let _ = write!(page, ".TP\n\\fB{}\\fR\n{}\n", roff(&program::command(words)), roff(what));
    }
}

/// The pages around this one: the program, the verb above, those beside and below it. Each exists.
fn see_also(path: &str, verbs: &[(String, Command)], page: &mut String) {
    let above = path.rsplit_once(' ').map_or("", |(above, _)| above);
    let is_near = |other: &str| {
        let parent = other.rsplit_once(' ').map_or("", |(parent, _)| parent);
        let is_beside = !above.is_empty() && parent == above;
        other != path && (other == above || is_beside || parent == path)
    };
    let mut names: Vec<String> = if path.is_empty() { Vec::new() } else { vec![program::name().to_owned()] };
    let near = verbs.iter().map(|(other, _)| other).filter(|other| is_near(other));
    names.extend(near.map(|other| format!("{}-{}", program::name(), other.replace(' ', "-"))));
    let names: Vec<String> = names.iter().map(|name| format!("\\fB{}\\fR(1)", roff(name))).collect();
    let _ = write!(page, ".SH \"SEE ALSO\"\n{}\n", names.join(", "));
}

/// Text that troff takes as it is.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}

const EXIT_STATUS: &str = r#".SH "EXIT STATUS"
.TS
tab(|);
lb lb
l l.
Code|Meaning
0|done, or healthy (warnings allowed)
1|tried and failed; the message names what changed
2|usage error
3|checked and unhealthy; \fBdiagnose\fR found something
4|could not determine
5|refused, nothing changed
6|lock held by another run, nothing changed
7|timed out; the message names what is pending
8|partial: some targets done, some not
9|failed and rolled back
129, 130, 143|hang\-up, interrupt, terminate
.TE
"#;

const FILES: &str = r".SH FILES
.TP
/var/log/opsctl/audit.jsonl
Audit trail: one line before and one after each change.
.TP
/var/lib/opsctl
Records of backups, releases, maintenance and reboots, and the key that signs backups.
.TP
/run/opsctl
Locks, one a deployment.
.TP
/etc/opsctl/backup.key
Key that encrypts backups, where their set is encrypted.
";

const ENVIRONMENT: &str = r".SH ENVIRONMENT
.TP
OPSCTL_DEPLOYMENT
Deployment to act on, as with \fB\-d\fR.
.TP
NO_COLOR, CLICOLOR_FORCE, TERM
Whether color is used: \fBTERM=dumb\fR and any \fBNO_COLOR\fR mean no, \fBCLICOLOR_FORCE\fR means yes, also in a pipe.
.TP
SHELL, HOME, XDG_DATA_HOME, XDG_CONFIG_HOME
Shell and directories of \fBcompletion \-\-install\fR.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_that_a_page_names_exists() {
        let pages = pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&"opsctl-backup-create"), "{names:?}");
        let reference = regex::Regex::new(r"([a-z-]+)(?:\\fR)?\(1\)").unwrap();
        for (name, page) in &pages {
            let text = String::from_utf8(page.clone()).unwrap().replace("\\-", "-");
            let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
            assert!(!text.contains(is_control), "{name} has a control character, which troff refuses");
            for section in ["EXAMPLES", "\"EXIT STATUS\"", "\"SEE ALSO\""] {
                assert!(text.contains(&format!(".SH {section}\n")), "{name} lacks {section}");
            }
            for found in reference.captures_iter(&text) {
                assert!(names.contains(&&found[1]), "{name} names {}", &found[1]);
            }
        }
    }
}
