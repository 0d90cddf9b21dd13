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

/// Procedures of each runbook that are steps or a verb.
const RUNBOOKS: &[(&str, &[&str])] = &[
    (
        "prim",
        &[
            "restore-mail",
            "rotate-internal-key",
            "allowlist-add",
            "allowlist-remove",
            "allowlist-check",
            "allowlist",
            "quick-card",
            "health-all",
            "backup-now",
            "backup-mail",
            "restore-db",
            "redeploy",
            "caddy-reload",
            "mail-restart",
            "reboot",
            "add-health-endpoint",
            "alert-setup",
            "rotate-secrets",
            "secrets-audit",
            "block-ip",
            "post-incident",
        ],
    ),
    (
        "fondation",
        &[
            "restore-backup",
            "failover",
            "rotate-credentials",
            "zero-downtime-update",
            "complete-failure",
            "data-corruption",
            "security-breach",
            "rollback",
            "reclaim-leases",
            "clear-temp",
            "emergency-stop",
            "debug-run",
            "planned-maintenance",
            "quick-reference",
            "on-call",
            "post-incident",
            "monitoring-improvements",
            "incident-report",
        ],
    ),
    (
        "ai-fsm",
        &[
            "emergency-snapshot",
            "migrate",
            "recover-data",
            "status",
            "health",
            "quick",
            "logs",
            "db-activity",
            "db-locks",
            "kill-query",
            "backup-now",
            "restore",
            "drill",
            "swap-grow",
            "log-rotation-check",
            "health-cron",
            "rollback",
            "ci-bypass",
            "post-incident",
        ],
    ),
    (
        "v-edfinance",
        &[
            "rotate-jwt",
            "rotate-stripe",
            "rotate-db",
            "incident-flow",
            "incident-log",
            "incident-update",
            "incident-list",
            "incident-stats",
            "incident-record",
            "incident-fields",
            "rca",
            "rca-fields",
            "runbook-template",
            "before-use",
            "health-set",
            "log-set",
            "quick-recovery",
            "backup-now",
            "restore",
            "restore-drill",
            "rollback",
            "runbook-review",
            "maintenance-of-runbooks",
            "retrospective",
            "effectiveness",
            "effectiveness-metrics",
            "firewall-recovery",
            "terminate-query",
            "reconcile-payments",
        ],
    ),
    (
        "plugspace",
        &[
            "rotate-db-credentials",
            "rotate-redis",
            "block-ip",
            "status",
            "deploy",
            "rollback",
            "migrate",
            "maintenance",
            "backup-now",
            "backup-verify",
            "restore",
            "silence-alert",
            "unsilence-alert",
            "alert-status",
            "scale",
            "server-rebuild",
            "block-ip",
            "security-incident",
            "backup-checklist",
            "post-incident",
        ],
    ),
    ("localhost", &["block-ip", "unblock-ip", "make-room", "audit-logins", "post-incident", "reboot"]),
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
fn every_procedure_of_the_runbooks_is_steps_or_a_verb() {
    let mut missing = Vec::new();
    for deployment in DEPLOYMENTS.iter().copied().chain([&LOCALHOST]) {
        let known = RUNBOOKS.iter().find(|(name, _)| *name == deployment.name).map(|(_, known)| *known);
        for word in known.unwrap_or(&["(none is listed)"]) {
            match (deployment.procedure(word), deployment.verb(word)) {
                (None, None) => missing.push(format!("{}: {word} is missing", deployment.name)),
                (Some(_), Some(_)) => missing.push(format!("{}: {word} is steps and a verb", deployment.name)),
                _ => {}
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn commands_of_verbs_name_sets_of_their_deployment() {
    for deployment in DEPLOYMENTS {
        for verb in deployment.verbs {
            let sets = match verb.command {
                ["backup", "create" | "drill", sets @ ..] | ["restore", sets @ ..] => sets,
                _ => &[],
            };
            for word in sets.iter().filter(|word| **word != "SET") {
                assert!(deployment.backup(word).is_some(), "{}/{}: {word}", deployment.name, verb.slug);
            }
            // What is to be filled in is listed.
            if verb.command.contains(&"SET") {
                let note = verb.note.unwrap_or_default();
                let is_left_out = |set: &&BackupSet| !note.contains(set.name) && set.name != "stalwart";
                assert!(!deployment.backups.iter().any(|set| is_left_out(&set)), "{}/{}", deployment.name, verb.slug);
            }
        }
    }
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
