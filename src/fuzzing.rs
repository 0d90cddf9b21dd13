//! Every parser of text that others write, as one function of bytes, driven by `fuzz/` and by tests. It may refuse what it reads;
//! it may not panic, overflow or take long. Only there in tests and with the feature `fuzzing`.

mod bytes;
mod output;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::IgnoredAny;

use crate::action::{audit, lock, release};
use crate::backup::archive::Lay;
use crate::backup::{self, manifest, name};
use crate::discover;
use crate::envfile;
use crate::host::files::private;
use crate::host::protocol::{mongo, postgres, redis, redis_info};
use crate::host::tools::command::Command;
use crate::host::tools::{self, journalctl};
use crate::judge::health;
use crate::observe::logs::line::{Line, Said};
use crate::observe::logs::{parse, stamp};
use crate::observe::probe::{Answer, Reply};
use crate::redact::{self, Redactor};
use crate::{registry, ui};

use bytes::{seen, text};
use output::*;

/// A target: its name, which is also that of its corpus in `fuzz/corpus/`, and what it does with some bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("age", age),
    ("archive", archive),
    ("audit", audit),
    ("backup-name", backup_name),
    ("caddy", caddy),
    ("certificate", certificate),
    ("compose", compose),
    ("df", df),
    ("docker", docker),
    ("docker-logs", docker_logs),
    ("dpkg", dpkg),
    ("engine", engine),
    ("env-files", env_files),
    ("escape", escape),
    ("git", git),
    ("http-body", http_body),
    ("images", images),
    ("journal", journal),
    ("journalctl", journalctl),
    ("lock", lock),
    ("log-line", log_line),
    ("manifest", manifest),
    ("mongo", mongo),
    ("mongodump", mongodump),
    ("nginx", nginx),
    ("nginx-page", nginx_page),
    ("pm2", pm2),
    ("postgres", postgres),
    ("procfs", procfs),
    ("rclone", rclone),
    ("reasons", reasons),
    ("records", records),
    ("redact", redact),
    ("redis", redis),
    ("redis-check-rdb", redis_check_rdb),
    ("settings", settings),
    ("stamp", stamp),
    ("systemctl", systemctl),
    ("systemd-analyze", systemd_analyze),
    ("timedatectl", timedatectl),
    ("ufw", ufw),
    ("words", words),
    ("written", written),
];

/// `age`: its complaints, and key files.
pub fn age(bytes: &[u8]) {
    let text = text(bytes);
    seen((tools::age::is_other_key(&text), tools::age::is_identity(&text)));
}

/// Copies of trees of files, as somebody else may have put them on the remote.
pub fn archive(bytes: &[u8]) {
    static SCRATCH: LazyLock<PathBuf> =
        LazyLock::new(|| std::env::temp_dir().join(format!("opsctl-fuzz-{}", std::process::id())));
    let (file, into) = (SCRATCH.join("a.tar.zst"), SCRATCH.join("into"));
    let laid = (|| {
        let _ = private::remove_dir_all(&SCRATCH);
        private::create_dir(&SCRATCH).ok()?;
        private::write(&file, zstd::encode_all(bytes, 1).ok()?).ok()?;
        backup::archive::unpack(&file, &["/srv/app"], Lay::Scratch(&into)).ok()
    })();
    let beside = private::read_dir(&SCRATCH).map_or(0, Iterator::count);
    assert!(beside <= 2, "something lies beside the target directory");
    let _ = private::remove_dir_all(&SCRATCH);
    seen(laid);
}

/// Last lines of a run: what is quoted of them is short and on one line.
pub fn reasons(bytes: &[u8]) {
    let text = text(bytes);
    if let Some(reason) = crate::reasons::read(text.lines()) {
        assert!(reason.about().len() <= 200 && !reason.about().chars().any(char::is_control));
        assert!(reason.line < text.lines().count() && reason.names.is_none_or(|line| line < reason.line));
        seen((reason.path().map(str::to_owned), reason.port(), reason.words()));
    }
}

/// Lines of the audit trail.
pub fn audit(bytes: &[u8]) {
    let text = text(bytes);
    let entries: Vec<audit::Entry> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    seen(audit::merge(entries.clone(), entries));
}

/// Names of objects on the remote. Whatever is taken for a copy's name is written again exactly so.
pub fn backup_name(bytes: &[u8]) {
    let text = text(bytes);
    for path in text.lines() {
        let Some((id, kind)) = name::parse(path, "wallet", "db") else { continue };
        let written = match kind {
            name::Kind::Copy => name::copy("wallet", "db", id),
            name::Kind::Manifest => name::manifest("wallet", id),
        };
        assert_eq!(written, path);
    }
    seen(name::Id::parse(&text));
}

/// Text on its way to a terminal: nothing that could drive one is left.
pub fn escape(bytes: &[u8]) {
    let text = text(bytes);
    assert!(!ui::escape::line(&text).chars().any(ui::escape::is_hostile));
    let kept = |c: char| ui::escape::is_hostile(c) && c != '\n' && c != '\t';
    assert!(!ui::escape::lines(&text).chars().any(kept));
}

/// Bodies of health endpoints: a status, then the body, held against every probe of the registry.
pub fn http_body(bytes: &[u8]) {
    let text = text(bytes);
    let (status, body) = text.split_once('\n').unwrap_or(("200", &text));
    let status = status.parse().unwrap_or(200);
    let reply = Reply::Http { status, body: body.to_owned() };
    let answer = Answer { command: Command::new(["curl"]), result: Ok(reply) };
    let services = registry::DEPLOYMENTS.iter().flat_map(|deployment| deployment.services);
    for service in services {
        let replies = vec![answer.clone(); service.probes.len()];
        seen(health::answers_well(service, &replies, Timestamp::UNIX_EPOCH));
    }
}

/// The journal in its export format, read at once and in pieces of few bytes: it says the same both times.
pub fn journal(bytes: &[u8]) {
    let mut whole = journalctl::Entries::new(bytes);
    let mut pieces = journalctl::Entries::new(Pieces(bytes));
    loop {
        let (one, two) = (whole.next(), pieces.next());
        match (one, two) {
            (Ok(Some(one)), Ok(Some(two))) => assert_eq!(one, two),
            (Ok(None), Ok(None)) => break,
            (Err(one), Err(two)) => {
                assert_eq!(one.kind(), two.kind());
                break;
            }
            (one, two) => panic!("{one:?}, in pieces {two:?}"),
        }
    }
    seen(journalctl::runs(bytes));
    seen(journalctl::series(bytes, 1_764_000_000_000_000, 600_000_000));
}

/// Gives its bytes seven at a time.
struct Pieces<'a>(&'a [u8]);

impl std::io::Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let (piece, rest) = self.0.split_at(self.0.len().min(buffer.len()).min(7));
        buffer[..piece.len()].copy_from_slice(piece);
        self.0 = rest;
        Ok(piece.len())
    }
}

static CLOCK: LazyLock<stamp::Clock> = LazyLock::new(|| stamp::Clock {
    zone: TimeZone::fixed(jiff::tz::offset(1)),
    now: Timestamp::from_second(1_764_000_000).unwrap_or_default(),
});

/// Notes in lock files.
pub fn lock(bytes: &[u8]) {
    seen(lock::note(&text(bytes)));
}

/// Lines of logs, as they are understood and shown.
pub fn log_line(bytes: &[u8]) {
    let text = text(bytes);
    for priority in [None, Some(3), Some(6)] {
        let said = parse::understand(&text, priority, &CLOCK);
        let line = Line {
            time: said.time.and_then(|time| Timestamp::from_microsecond(time).ok()),
            service: Some("wallet"),
            source: "journal:prim-wallet.service",
            level: said.level,
            message: Some(&said.message),
            fields: said.fields,
            truncated: false,
        };
        seen((line.words().len(), Said::of(&line)));
        let written = serde_json::to_string(&line).unwrap_or_default();
        assert!(serde_json::from_str::<IgnoredAny>(&written).is_ok(), "{written}");
    }
}

/// Manifests of copies, the newest against one before.
pub fn manifest(bytes: &[u8]) {
    let prim = registry::DEPLOYMENTS.iter().find(|deployment| deployment.name == "prim");
    let Some(set) = prim.and_then(|prim| prim.backup("wallet")) else { return };
    let Some(id) = name::Id::parse("20261122T053000Z-42-9f3a61c0") else { return };
    let read = manifest::Manifest::read(bytes, None, "prim", set, id);
    assert!(read.unsigned.is_some(), "without a key nothing is signed");
    let Ok(found) = read.manifest else { return };
    let before = BTreeMap::from([("users".to_owned(), u64::MAX), ("jobs".to_owned(), 3)]);
    seen((found.total_rows(), manifest::shrunk(&before, &found.rows), manifest::shrunk(&found.rows, &before)));
}

/// Answers of MongoDB.
pub fn mongo(bytes: &[u8]) {
    seen(mongo::answer(bytes));
}

/// Answers of PostgreSQL.
pub fn postgres(bytes: &[u8]) {
    seen(postgres::greeting(bytes));
    let text = text(bytes);
    seen((
        tools::postgres_state::parse(&text),
        tools::postgres_state::refusal("", &text),
        tools::mariadb::parse(&text),
        tools::postgres::owner(&text, "shop"),
    ));
    seen(crate::observe::clues::data::relation(&text));
}

/// Env files, as each program reads them.
pub fn env_files(bytes: &[u8]) {
    let text = text(bytes);
    for reader in registry::EnvReader::ALL {
        let reading = envfile::read(*reader, bytes, envfile::NOWHERE);
        seen(reading.keys().len());
        for setting in &reading.settings {
            // In the text that was read, which is longer where something in it is none.
            let (start, end) = (setting.raw.start, setting.raw.end);
            assert!(start <= end && end <= text.len(), "{reader:?}: {start}..{end}");
            seen(reading.why_not(&setting.key).is_some());
        }
    }
    seen(envfile::read_in_project(bytes, bytes).keys().len());
    seen(envfile::every_setting(&text).count());
}

/// What is kept of runs of backups and of releases, and how far a restore is.
pub fn records(bytes: &[u8]) {
    let text = text(bytes);
    let kept = backup::record::Records::parse(&text);
    seen((kept.last_run("wallet"), kept.last_proven("wallet").is_some(), kept.are_lost(), kept.sequences()));
    let releases = release::record::Records::parse(&text);
    seen(release::record::ids(&releases.releases));
    let journal: Result<backup::restore::journal::Journal, _> = serde_json::from_str(&text);
    seen(journal.map(|journal| journal.unfinished().is_some()));
}

/// A value that the redactor knows.
const SECRET: &str = "hunter2-\"canary\\";

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| Redactor::new([SECRET]));

/// Texts that secrets are taken out of, whole and line by line. A known one is never left, and what was JSON stays JSON.
pub fn redact(bytes: &[u8]) {
    let text = text(bytes);
    let cleaned = REDACTOR.clean(&text);
    assert!(!cleaned.contains(SECRET), "{cleaned}");
    let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
    assert!(!is_json(&text) || is_json(&cleaned), "{text}: {cleaned}");
    let mut memory = redact::Memory::default();
    for line in text.lines() {
        assert!(!REDACTOR.clean_line(&mut memory, line, |_| 0).contains(SECRET), "{line}");
    }
    seen(REDACTOR.clean_document(text.clone().into_owned()));
    seen((REDACTOR.quote(&text), REDACTOR.clean_known(&text).len(), redact::is_secret_name(&text)));
}

/// Answers of Redis.
pub fn redis(bytes: &[u8]) {
    let commands: &[&[&str]] = &[&["INFO"], &["LLEN", "jobs"]];
    seen((redis::answers(bytes, true, commands), redis::answers(bytes, false, commands)));
    seen(redis_info::parse(&text(bytes)));
    seen((redis::answer(bytes, true), redis::answer(bytes, false), redis::password(&text(bytes)).len()));
}

/// Files of settings, and what is then taken out of them.
pub fn settings(bytes: &[u8]) {
    let text = text(bytes);
    seen(Redactor::of_settings([&*text]).clean(&text).len());
    seen((tools::program_file::head(bytes), tools::program_file::command(&text)));
    seen(tools::login_file::parse(bytes, "claudeAiOauth.expiresAt", "claudeAiOauth.refreshToken"));
    let rules = registry::DEPLOYMENTS.iter().flat_map(|deployment| deployment.services);
    for rule in rules.flat_map(|service| service.env.iter().flat_map(|env| env.settings)) {
        seen(crate::judge::diagnosis::flaw(&rule.form, &text, |_| Some("1")));
    }
}

/// Times in lines and in fields. What follows one begins at a character.
pub fn stamp(bytes: &[u8]) {
    let text = text(bytes);
    if let Some((_, at)) = stamp::leading(&text, &CLOCK) {
        assert!(text.is_char_boundary(at), "{text:?} at {at}");
    }
    seen(stamp::of_value(&text, &CLOCK));
}

/// What is shown of output.
pub fn words(bytes: &[u8]) {
    let text = text(bytes);
    assert!(tools::excerpt(&text).len() <= 200 && tools::ending(&text).len() <= 2 * 300);
    seen((tools::quote(&text), tools::last_lines(&text, 3).count()));
}

/// Source text that is made of what a host shows: it is Rust, and its strings are what was shown.
pub fn written(bytes: &[u8]) {
    discover::written::holds(&discover::written::found(bytes), &text(bytes));
}

#[cfg(test)]
mod tests;
