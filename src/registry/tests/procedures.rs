//! No procedure runs what may never be run, and every one can be found under names of its own.

use regex::Regex;

use super::*;

/// Words of commands that hurt whoever is not meant, or lose what nobody agreed to lose.
const NEVER: &[&str] = &[
    r"--volumes\b",
    r"\bsystem prune\b",
    r"\bvolume (rm|prune)\b",
    r"\bprune\b.*(-a\b|--all\b)",
    r"^(kill|killall|pkill)\b",
    r"\brm\b.* -\w*r\w* /( |$)",
    r"\b(mkfs|dd|shred|wipefs)\b",
    r"(^|[ /])(sh|bash|dash|zsh|eval)( |$)",
    r"\bufw (reset|--force reset)\b",
    r"(?i)(password|secret|token)=",
];

fn all() -> impl Iterator<Item = (String, &'static Procedure)> {
    let deployments = DEPLOYMENTS.iter().copied().chain([&LOCALHOST]);
    deployments.flat_map(|d| d.all_procedures().map(move |p| (format!("{}/{}", d.name, p.slug), p)))
}

fn of_assertion(assertion: &Assertion, into: &mut Vec<Invocation>) {
    match assertion {
        Assertion::Command(invocation) => into.push(*invocation),
        Assertion::Not(inner) => of_assertion(inner, into),
        Assertion::All(all) | Assertion::Any(all) => all.iter().for_each(|one| of_assertion(one, into)),
        _ => {}
    }
}

/// Commands of a procedure: those that change something, and those that only read.
fn commands(procedure: &Procedure) -> (Vec<Invocation>, Vec<Invocation>) {
    let (mut changes, mut reads) = (Vec::new(), Vec::new());
    procedure.done.iter().for_each(|one| of_assertion(one, &mut reads));
    for step in procedure.steps {
        match &step.kind {
            StepKind::Command(invocation) => changes.push(*invocation),
            StepKind::Show(invocation) => reads.push(*invocation),
            StepKind::Check(one, _) | StepKind::Wait(one, _) => of_assertion(one, &mut reads),
            _ => {}
        }
        if let Undo::Command(invocation) = &step.undo {
            changes.push(*invocation);
        }
        step.only_if.iter().chain(&step.proof).for_each(|one| of_assertion(one, &mut reads));
    }
    (changes, reads)
}

#[test]
fn no_procedure_runs_what_may_never_be_run() {
    let never: Vec<Regex> = NEVER.iter().map(|pattern| Regex::new(pattern).unwrap()).collect();
    let mut seen = 0;
    for (place, procedure) in all() {
        let (changes, reads) = commands(procedure);
        for invocation in changes.iter().chain(&reads) {
            let line = format!("{} {}", invocation.words.join(" "), invocation.input.unwrap_or_default());
            let wrong = never.iter().find(|pattern| pattern.is_match(&line));
            assert!(wrong.is_none(), "{place}: {line}: {wrong:?}");
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn the_patterns_find_such_commands() {
    let finds = |line: &str| NEVER.iter().any(|pattern| Regex::new(pattern).unwrap().is_match(line));
    for line in [
        "docker system prune -f",
        "docker compose down --volumes",
        "docker image prune -a",
        "bash -c x",
        "rm -rf /",
        "pkill node",
        "docker volume rm x",
        "curl -d PASSWORD=x",
    ] {
        assert!(finds(line), "{line}");
    }
    for line in ["docker image prune --force", "ufw deny from 203.0.113.7", "rm -rf /srv/x/cache", "journalctl -t sshd"]
    {
        assert!(!finds(line), "{line}");
    }
}

#[test]
fn what_is_asked_of_the_host_changes_nothing() {
    let changes = Regex::new(
        r"^(rm|mv|cp|tee|touch|install|systemctl (start|stop|restart)|ufw (prepend|insert|delete|deny|allow|enable)|ip6?tables.* -[ID] |docker (rm|stop|start|restart|kill) )",
    )
    .unwrap();
    for (place, procedure) in all() {
        for invocation in commands(procedure).1 {
            let line = invocation.words.join(" ");
            assert!(!changes.is_match(&line), "{place}: {line}");
        }
    }
}
