//! The table of docs/procedures-driven.md: what came of each procedure that was driven to its end here. Every run is held against its row;
//! `SNAPSHOTS=overwrite` writes the row.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use serde_json::Value;

use crate::machine::Ran;

/// Where the rows stand.
const BEGIN: &str = "<!-- rows -->\n";
const END: &str = "<!-- end of rows -->\n";

/// The state that a procedure was driven from, by deployment and slug: what the test prepares.
const STARTS: &[(&str, &str, &str)] = &[
    ("every host", "block-ip", "a second host reaches a server here; no firewall is active"),
    ("every host", "unblock-ip", "the second host is blocked"),
    ("every host", "make-room", "a file system without a free byte, caches on it"),
    ("every host", "audit-logins", "one login over SSH"),
    ("every host", "reboot", "all services run"),
    ("ai-fsm", "recover-data", "rows are lost, and there is a copy"),
    ("ai-fsm", "emergency-snapshot", "all services run"),
    ("ai-fsm", "migrate", "a migration that was not applied"),
    ("ai-fsm", "db-activity", "one session holds a lock, another waits for it"),
    ("ai-fsm", "db-locks", "one session holds a lock, another waits for it"),
    ("ai-fsm", "kill-query", "one session holds a lock, another waits for it"),
    ("ai-fsm", "log-rotation-check", "log limits of containers are those of the compose file"),
    ("ai-fsm", "post-incident", "all services run"),
    ("ai-fsm", "swap-grow", "no swap space of its own"),
    ("fondation", "clear-temp", "a job was killed and left its clone"),
    ("fondation", "complete-failure", "the worker runs, its env file lacks CONVEX_URL"),
    ("fondation", "data-corruption", "a broken clone in the scratch volume"),
    ("fondation", "debug-run", "a container of somebody else runs beside the worker"),
    ("fondation", "emergency-stop", "the worker is at a job"),
    ("fondation", "failover", "two hosts; the primary was killed, the secondary's worker is stopped"),
    ("fondation", "on-call", "the worker runs"),
    ("fondation", "planned-maintenance", "the worker is at a job"),
    ("fondation", "post-incident", "the worker runs"),
    ("fondation", "reclaim-leases", "a killed job is still claimed"),
    ("fondation", "restore-backup", "the env file lacks CONVEX_URL, the login is gone, the worker is stopped"),
    ("fondation", "rotate-credentials", "the worker runs with the old login, another was written"),
    ("fondation", "security-breach", "the worker runs with the login of the incident"),
    ("fondation", "zero-downtime-update", "the worker runs the old image at a job, another job waits"),
    ("plugspace", "rotate-db-credentials", "all applications run with the old password"),
    ("plugspace", "rotate-redis", "all applications run with the old password"),
    ("plugspace", "alert-status", "an alert fires"),
    ("plugspace", "backup-checklist", "no copies"),
    ("plugspace", "backup-verify", "no drill of the last month"),
    ("plugspace", "scale", "four instances run"),
    ("plugspace", "security-incident", "all services run"),
    ("plugspace", "server-rebuild", "a server without its firewall and site"),
    ("plugspace", "silence-alert", "an alert fires"),
    ("plugspace", "unsilence-alert", "a silence of opsctl's"),
    ("prim", "allowlist-add", "a wallet that is refused"),
    ("prim", "allowlist-check", "wallet runs"),
    ("prim", "allowlist-remove", "a wallet that is let in"),
    ("prim", "restore-mail", "the mail data is gone, and there is a copy"),
    ("prim", "rotate-internal-key", "all services run with the old key"),
    ("prim", "rotate-secrets", "one env file was changed today"),
    ("prim", "post-incident", "all services run"),
    ("prim", "add-health-endpoint", "the health check leaves a host out"),
    ("prim", "alert-setup", "the health check has no webhook"),
    ("prim", "backup-mail", "the mail server runs"),
    ("prim", "caddy-reload", "a site was added to the Caddyfile"),
    ("prim", "health-all", "all services run"),
    ("prim", "mail-restart", "the mail server hangs"),
    ("prim", "quick-card", "track is stopped"),
    ("prim", "secrets-audit", "env files as set up"),
    ("v-edfinance", "rotate-db", "the API runs with the old password"),
    ("v-edfinance", "rotate-jwt", "the API runs with the old keys"),
    ("v-edfinance", "rotate-stripe", "the API runs with the old key, the new one is in a file"),
    ("v-edfinance", "before-use", "all services run"),
    ("v-edfinance", "firewall-recovery", "ufw shuts SSH out"),
    ("v-edfinance", "quick-recovery", "database and edge are stopped"),
    ("v-edfinance", "reconcile-payments", "payments that Stripe may know otherwise"),
    ("v-edfinance", "terminate-query", "a session that runs without end"),
];

/// Procedures that every deployment has.
const USUAL: &[&str] = &["block-ip", "unblock-ip", "make-room", "audit-logins", "reboot"];

struct Row {
    done: usize,
    asked: usize,
    seconds: u64,
    ends: String,
}

/// Holds a run that came to its end against its row. Of several runs of a procedure the first counts.
pub fn seen(deployment: &str, command: &[&str], ran: &Ran, seconds: u64) {
    static SEEN: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
    let Some(at) = command.iter().position(|word| *word == "run").filter(|_| command.first() == Some(&"opsctl")) else {
        return;
    };
    let Some(slug) = command.get(at + 1).filter(|word| !word.starts_with('-')) else { return };
    let others = ["--dry-run", "--status", "--discard", "--undo", "--from"];
    if ran.code != 0 || command.iter().any(|word| others.contains(word)) {
        return;
    }
    let owner = match (USUAL.contains(slug), deployment) {
        (true, "bare") => "every host",
        (true, _) | (false, "bare") => return,
        (false, deployment) => deployment,
    };
    let mut seen = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let key = (owner.to_owned(), (*slug).to_owned());
    if seen.contains(&key) {
        return;
    }
    let row = row(ran, seconds);
    seen.push(key);
    check(owner, slug, &row);
}

fn row(ran: &Ran, seconds: u64) -> Row {
    if let Ok(document) = serde_json::from_str::<Value>(&ran.stdout) {
        let states: Vec<&str> =
            document["steps"].as_array().unwrap().iter().filter_map(|step| step["state"].as_str()).collect();
        let count = |wanted: &[&str]| states.iter().filter(|state| wanted.contains(state)).count();
        let ends = document["done"].as_array().unwrap().iter().filter_map(|done| done["summary"].as_str());
        let ends: Vec<&str> = ends.collect();
        return Row {
            done: count(&["done", "already_done"]),
            asked: count(&["answered"]),
            seconds,
            ends: ends.join("; "),
        };
    }
    let starts = |word: &str| ran.stdout.lines().filter(|line| line.starts_with(word)).count();
    let ends: Vec<&str> = ran.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("holds ")).collect();
    // The first line is about the whole.
    Row { done: starts("done ") + starts("already ") - 1, asked: starts("answer "), seconds, ends: ends.join("; ") }
}

/// What may differ from run to run: numbers, and names that are made of chance.
fn folded(text: &str) -> String {
    let named = regex::Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}").unwrap().replace_all(text, "N");
    regex::Regex::new(r"[0-9][0-9.]*").unwrap().replace_all(&named, "N").into_owned()
}

fn check(owner: &str, slug: &str, row: &Row) {
    static WRITING: Mutex<()> = Mutex::new(());
    let _writing = WRITING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/procedures-driven.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (rows, tail) = rest.split_once(END).unwrap();
    let mut rows: BTreeMap<(String, String), String> = rows
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            ((cells[1].to_owned(), cells[2].trim_matches('`').to_owned()), line.to_owned())
        })
        .collect();
    let key = (owner.to_owned(), slug.to_owned());
    let start = STARTS.iter().find(|(of, name, _)| *of == owner && *name == slug).map(|(_, _, start)| *start);
    let start = start.unwrap_or_else(|| panic!("{owner} {slug} has no state that it is driven from in STARTS"));
    let ends = match row.ends.is_empty() {
        true => "only shows and checks".to_owned(),
        false => row.ends.replace('|', "\\|"),
    };
    let line = |seconds: &str, ends: &str| {
        format!("| {owner} | `{slug}` | {start} | {} | {} | {seconds} | {ends} |", row.done, row.asked)
    };
    if std::env::var("SNAPSHOTS").as_deref() == Ok("overwrite") {
        rows.insert(key, line(&row.seconds.to_string(), &ends));
        let rows: String = rows.values().map(|row| format!("{row}\n")).collect();
        std::fs::write(&path, format!("{head}{BEGIN}{rows}{END}{tail}")).unwrap();
        return;
    }
    let written = rows.get(&key).unwrap_or_else(|| panic!("{owner} {slug} is not in {}", path.display()));
    assert_eq!(folded(written), folded(&line("0", &ends)), "the row of {owner} {slug}: SNAPSHOTS=overwrite writes it");
}
