//! What help says beside the definitions of verbs and flags: groups of verbs, and examples that work.

use std::fmt::Write as _;

use clap::Command;
use clap::builder::styling::{AnsiColor, Styles};

use super::local::Names;
use crate::program;

/// Verbs in the order in which an incident needs them. One that this binary lacks is left out.
pub const GROUPS: [(&str, &[&str]); 5] = [
    ("look", &["status", "describe", "diagnose", "logs", "get", "explain", "verify", "check", "discover"]),
    ("change", &["restart", "reload", "start", "stop", "redeploy", "rollback", "maintenance", "run", "lock"]),
    ("recover", &["backup", "restore"]),
    ("people", &["history", "incident", "escalate", "drill", "metrics", "runbook", "card", "page"]),
    ("tool", &["demo", "new", "host", "schema", "completion", "man", "version", "help"]),
];

/// What can be typed, and what it does.
pub type Example = (&'static str, &'static str);

const FIRST: [Example; 4] = [
    ("status", "what is wrong, worst first"),
    ("diagnose", "which failure it is, and its fix"),
    ("logs wallet --since 10m", "what one service wrote"),
    ("restart wallet --dry-run", "what a restart would do"),
];

/// Examples of a verb, or of the verb below it: `backup create`.
pub fn examples(path: &str) -> &'static [Example] {
    match path {
        "" => &FIRST,
        "status" => &[
            ("status", "every service and the host"),
            ("status wallet", "one service with its checks and last log lines"),
            ("status --fail-on warn -o json", "for scripts: warnings end with 3, too"),
        ],
        "describe" => &[
            ("describe wallet", "state, facts and last log lines"),
            ("describe prim-wallet.service", "the same by its unit"),
            ("describe wallet -o json", "the same as a document"),
        ],
        "diagnose" => &[
            ("diagnose", "every failure that the evidence shows"),
            ("diagnose oom wallet", "one failure of one service"),
            ("diagnose --fix --dry-run", "the safe fixes as a plan"),
        ],
        "logs" => &[
            ("logs wallet -f", "new lines as they are written"),
            ("logs wallet store --since 12:00 --errors", "errors of two services since noon"),
            ("logs --all -b -1 -n all", "all of the boot before this one"),
        ],
        "restart" => &[
            ("restart wallet", "one service, verified"),
            ("restart 'prim-*' --dry-run", "the plan for every unit of that name"),
            ("restart --all -y --lock-wait=5m", "everything, without questions"),
        ],
        "reload" => &[
            ("reload caddy", "check its configuration, then load it"),
            ("reload caddy --dry-run", "the plan"),
            ("reload --all -y", "every service that can, without questions"),
        ],
        "start" => &[
            ("start wallet", "one service, verified"),
            ("start wallet,store", "two, in the order of their needs"),
            ("start --all --dry-run", "the plan for everything"),
        ],
        "stop" => &[
            ("stop wallet", "ask first, and name who depends on it"),
            ("stop wallet --dry-run", "the plan"),
            ("stop --all -y", "everything, without questions"),
        ],
        "redeploy" => &[
            ("redeploy --dry-run", "the plan and its failed preconditions"),
            ("redeploy", "the new version for every service"),
            ("redeploy wallet --no-rollback", "one service; keep what fails"),
        ],
        "rollback" => &[
            ("rollback --list", "versions that are known to work"),
            ("rollback", "the version before"),
            ("rollback wallet --to 4f2a91c", "one service to one commit"),
        ],
        "maintenance" => &[
            ("maintenance", "whether it is on"),
            ("maintenance on -m 'back at 03:00 UTC'", "turn it on, with a message"),
            ("maintenance off", "turn it off, verified"),
        ],
        "maintenance status" => &[
            ("maintenance status", "whether it is on, since when, by whom"),
            ("maintenance status -o json", "the same as a document"),
            ("-d localhost maintenance status", "of one deployment"),
        ],
        "maintenance on" => &[
            ("maintenance on", "turn it on"),
            ("maintenance on -m 'back at 03:00 UTC'", "with a message for visitors"),
            ("maintenance on --dry-run", "the plan"),
        ],
        "maintenance off" => &[
            ("maintenance off", "turn it off, verified"),
            ("maintenance off --dry-run", "the plan"),
            ("maintenance off -y --settle 30s", "without questions, and a longer proof"),
        ],
        "check" => &[
            ("check", "one line; by root also recorded and notified"),
            ("check --install --every 1m", "a timer that checks every minute"),
            ("check -o nagios", "as a plugin of Nagios and its kin"),
        ],
        "backup" => &[
            ("backup", "every scheduled set, verified"),
            ("backup list", "what the remote has"),
            ("backup --install", "every night from now on"),
        ],
        "backup create" => &[
            ("backup create", "every scheduled set"),
            ("backup create wallet,store", "these sets; 'w*' is a pattern"),
            ("backup create --dry-run", "the plan"),
        ],
        "backup list" => &[
            ("backup list", "every scheduled set"),
            ("backup list wallet,store", "these sets"),
            ("backup list -o name", "ids, one a line"),
        ],
        "backup verify" => &[
            ("backup verify", "the newest copy of each set"),
            ("backup verify 'w*'", "of the sets that match"),
            ("backup verify --all", "every copy"),
        ],
        "backup drill" => &[
            ("backup drill", "every scheduled set"),
            ("backup drill wallet,store", "these sets"),
            ("backup drill --install", "once a month from now on"),
        ],
        "backup prune" => &[
            ("backup prune", "show what would be deleted"),
            ("backup prune --yes", "delete it"),
            ("backup prune wallet --count 3 --yes", "delete three copies of one set"),
        ],
        "restore" => &[
            ("restore wallet --dry-run", "the plan for the newest copy"),
            ("restore wallet --at yesterday", "the newest copy from before"),
            ("restore wallet --to /root/wallet.db", "to a file; live data is unchanged"),
        ],
        "get" => &[
            ("get services -o wide", "every service, all columns"),
            ("get services wallet store", "two of them"),
            ("get failures -o name", "names of failures, one a line"),
        ],
        "explain" => &[
            ("explain wallet", "a service"),
            ("explain disk-full", "a failure"),
            ("explain PRIM-DISK-FULL", "the code of a finding"),
        ],
        "run" => &[
            ("run block-ip 203.0.113.7 --dry-run", "the plan, and its blockers"),
            ("run make-room --free 5G", "free space, the safest first"),
            ("run block-ip --resume", "continue a run that did not end"),
        ],
        "history" => &[
            ("history", "the newest twenty changes"),
            ("history -n 100", "the newest hundred"),
            ("history -o json", "the same as a document"),
        ],
        "lock" | "lock status" => &[
            ("lock status", "who holds it"),
            ("lock acquire -m 'upgrading postgres'", "keep others out"),
            ("lock release", "let others in"),
        ],
        "lock acquire" => &[
            ("lock acquire -m 'upgrading postgres'", "keep others out"),
            ("-d localhost lock acquire -m maintenance", "of one deployment"),
            ("lock status", "who holds it"),
        ],
        "lock release" => &[
            ("lock release", "let others in"),
            ("-d localhost lock release", "of one deployment"),
            ("lock status", "who holds it"),
        ],
        "verify" => &[
            ("verify", "every service"),
            ("verify wallet", "one service"),
            ("verify --after-reboot", "what did not come back"),
        ],
        "discover" => &[
            ("discover", "services of this host, and why they are thought so"),
            ("discover -o rust", "a program with these services"),
            ("discover --diff", "what runs and is in no registry, and the reverse"),
        ],
        "new" => &[
            ("new shop", "a crate in ./shop"),
            ("new shop --dry-run", "the files that would be written"),
            ("-v new shop", "with each command that is run"),
        ],
        "demo" => &[
            ("demo", "status of a host with a broken service"),
            ("demo diagnose", "its cause and the plan of the fix"),
            ("demo logs wallet", "what the broken service wrote"),
        ],
        "schema" => &[
            ("schema", "names of documents"),
            ("schema status", "the schema of one"),
            ("schema diagnosis", "of findings"),
        ],
        "completion" => &[
            ("completion --install", "for the shell that is in use"),
            ("completion fish --install --dry-run", "the path that would be written"),
            ("completion bash", "the script"),
        ],
        "man" => &[
            ("man", "the page of the program"),
            ("man logs", "the page of a verb"),
            ("man backup create", "the page of a verb below it"),
        ],
        "version" => {
            &[("version", "one line"), ("version -o json", "a document"), ("version -o name", "the number alone")]
        }
        _ => &[],
    }
}

/// Colours of help on a terminal.
pub fn styles() -> Styles {
    Styles::styled()
        .header(AnsiColor::Yellow.on_default().bold())
        .usage(AnsiColor::Yellow.on_default().bold())
        .literal(AnsiColor::Cyan.on_default())
        .placeholder(AnsiColor::Green.on_default())
}

/// The definition with examples for every verb, and with verbs in groups.
pub fn complete(command: Command, names: Option<&Names>) -> Command {
    let about = |verb: &Command| verb.get_about().map(ToString::to_string).unwrap_or_default();
    let visible = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    let mut verbs: Vec<(String, String)> = visible.map(|verb| (verb.get_name().to_owned(), about(verb))).collect();
    verbs.push(("help".to_owned(), "Print the help of a verb".to_owned()));
    let header = styles();
    let header = header.get_header();
    let first = format!("{}\n\n{header}Verbs:{header:#}", shown("Examples:", examples(""), names));
    let template = format!(
        "{{about-with-newline}}{{usage-heading}} {{usage}}\n\n{{before-help}}{header}Global flags:{header:#}\n{{options}}{{after-help}}"
    );
    with_examples(command, "", names)
        .styles(styles())
        .help_template(template)
        .before_help(format!("{first}\n{}", short_groups(&verbs)))
        .before_long_help(format!("{first}\n{}", long_groups(&verbs)))
}

/// Examples below the help of every verb, and of the verbs below those.
fn with_examples(command: Command, path: &str, names: Option<&Names>) -> Command {
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    verbs.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}").trim_start().to_owned();
        command.mut_subcommand(&name, |verb| {
            let verb = with_examples(verb, &path, names);
            match examples(&path) {
                [] => verb,
                examples => verb.after_help(shown("Examples:", examples, names)),
            }
        })
    })
}

/// A heading and commands with what they do beside them.
fn shown(heading: &str, examples: &[Example], names: Option<&Names>) -> String {
    let styles = styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let put = |words: &str| names.map_or_else(|| words.to_owned(), |names| names.put(words));
    let commands: Vec<String> = examples.iter().map(|(words, _)| program::command(put(words))).collect();
    let width = commands.iter().map(String::len).max().unwrap_or_default();
    let mut text = format!("{header}{heading}{header:#}");
    for (command, (_, what)) in commands.iter().zip(examples) {
        let _ = write!(text, "\n  {literal}{command:<width$}{literal:#}  {what}");
    }
    text
}

/// The verbs of each group that there are, with what each does.
fn grouped(verbs: &[(String, String)]) -> impl Iterator<Item = (&'static str, Vec<&(String, String)>)> {
    GROUPS.into_iter().map(|(group, names)| {
        (group, names.iter().filter_map(|name| verbs.iter().find(|(verb, _)| verb == name)).collect())
    })
}

fn short_groups(verbs: &[(String, String)]) -> String {
    let literal = *styles().get_literal();
    let line = |(group, verbs): (&str, Vec<&(String, String)>)| {
        let names: Vec<&str> = verbs.iter().map(|(name, _)| name.as_str()).collect();
        format!("  {group:<8} {literal}{}{literal:#}", names.join(" "))
    };
    grouped(verbs).map(line).collect::<Vec<_>>().join("\n")
}

fn long_groups(verbs: &[(String, String)]) -> String {
    let literal = *styles().get_literal();
    let lines = grouped(verbs).flat_map(|(group, verbs)| {
        let rows = verbs.into_iter().map(move |(name, about)| format!("    {literal}{name:<12}{literal:#} {about}"));
        std::iter::once(format!("  {group}")).chain(rows)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::command;

    /// Every verb, and every verb below one, with its path.
    fn all(command: &Command, path: &str, into: &mut Vec<(String, Command)>) {
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            let path = format!("{path} {}", verb.get_name()).trim_start().to_owned();
            all(verb, &path, into);
            into.push((path, verb.clone()));
        }
    }

    fn verbs() -> Vec<(String, Command)> {
        let mut found = Vec::new();
        all(&command(), "", &mut found);
        found
    }

    #[test]
    fn every_verb_has_three_examples_that_are_understood() {
        for (path, _) in verbs() {
            assert_eq!(examples(&path).len(), 3, "{path}");
        }
        let everywhere = verbs().into_iter().map(|(path, _)| path).chain([String::new()]);
        for path in everywhere {
            for (words, what) in examples(&path) {
                let words = shlex::split(words).unwrap();
                let words = crate::argv::joined(std::iter::once("opsctl".to_owned()).chain(words).collect());
                let parsed = command().try_get_matches_from(&words);
                assert!(parsed.is_ok(), "{words:?}: {}", parsed.unwrap_err());
                assert!(!what.is_empty());
            }
        }
    }

    #[test]
    fn every_verb_stands_in_one_group() {
        for verb in command().get_subcommands() {
            let groups = GROUPS.iter().filter(|(_, names)| names.contains(&verb.get_name())).count();
            assert_eq!(groups, 1, "{}", verb.get_name());
        }
    }

    #[test]
    fn short_help_fits_a_screen() {
        let text = command().term_width(80).render_help().to_string();
        assert!(text.lines().count() <= 24, "{}: {text}", text.lines().count());
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    /// An imperative of at most ten words; what the default is stands in brackets and does not count.
    #[test]
    fn help_is_at_most_ten_words() {
        let mut long = Vec::new();
        let mut check = |of: String, text: Option<&clap::builder::StyledStr>| {
            let text = text.map(ToString::to_string).unwrap_or_default();
            let plain = text.split(" [").next().unwrap_or_default();
            let words = plain.split_whitespace().count();
            if words == 0 || words > 10 || plain.ends_with('.') || !plain.starts_with(|c: char| c.is_uppercase()) {
                long.push(format!("{of}: {text}"));
            }
        };
        for (path, verb) in verbs().into_iter().chain([("opsctl".to_owned(), command())]) {
            check(path.clone(), verb.get_about());
            for arg in verb.get_arguments() {
                check(format!("{path} {}", arg.get_id()), arg.get_help());
                for value in arg.get_possible_values().iter().filter(|value| value.get_help().is_some()) {
                    check(format!("{path} {} {}", arg.get_id(), value.get_name()), value.get_help());
                }
            }
        }
        assert!(long.is_empty(), "{}", long.join("\n"));
    }
}
