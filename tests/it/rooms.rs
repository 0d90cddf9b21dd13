//! One way through the house: each room imports only rooms above it in this table, which is ARCHITECTURE.md's as well, and no
//! two files of a room import each other in a circle. `SNAPSHOTS=overwrite` writes the table into ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// A folder or file of `src/`, what is in it, and the rooms that it may use. None uses one that stands below it.
const ROOMS: &[(&str, &str, &[&str])] = &[
    (
        "registry",
        "DATA. What exists: types and their guides (`severity`, `service`, `deployment`, `failure`, `backup`, `release`, \
         `maintenance`, `procedure`), `check/` (const validators), a folder a deployment, common causes (`usual`), the set that is compiled in \
         (`loaded`)",
        &[],
    ),
    ("exit", "The numbers of exits", &["registry"]),
    ("units", "Sizes, times and spans of time, for people", &[]),
    ("program", "What this program is called, in what it advises", &[]),
    ("error", "The words of errors", &["exit", "program"]),
    (
        "envfile",
        "PURE. Env files as the program understands them that reads them: `systemd`, `compose`, `docker`, `dotenv`",
        &["registry"],
    ),
    (
        "reasons",
        "PURE. Why a program failed, read from its last lines: the line that decides, its family and the thing that it names; \
         `rules/` are the wordings",
        &["registry"],
    ),
    (
        "redact",
        "PURE. Takes secrets out of text: by key and form (`suspect`, `value`), by value (`known`), keys line by line (`block`), \
         in every reading of a text (`view`)",
        &["envfile"],
    ),
    (
        "host",
        "The machine, each part through one door: `system` (what a test replaces), `files/`, `exec` (other programs), `net`, `http`, \
         `threads`, `shortage` (what opsctl itself lacks), `trouble` (why there is no answer); `tools/` (PURE: a file a wrapped tool, argv and parser) and \
         `protocol/` (PURE: Redis, PostgreSQL, MongoDB)",
        &["program", "redact"],
    ),
    (
        "observe",
        "What is seen, errors included, all at once: `probe/` (services and host), `logs/` (one stream over journald, containers, \
         pm2 and files), `clues/` (what else decides between causes)",
        &["registry", "program", "envfile", "redact", "host"],
    ),
    (
        "judge",
        "PURE. What was seen, judged: `health/`, `diagnosis/` (`evaluate` holds each clue against it), `drift`, `freshness` (of \
         backups)",
        &["registry", "units", "program", "envfile", "redact", "reasons", "host", "observe"],
    ),
    (
        "demo",
        "DATA. A host that is made up: what its tools printed and its services answered, read by the parsers of real hosts",
        &["registry", "envfile", "host", "observe"],
    ),
    (
        "discover",
        "What runs on a host that no registry describes: `units`, `containers`, `apps` and `listeners` say what was seen, `assemble` \
         (PURE) makes services of it, `registry` records, `rust` (PURE) source text",
        &["registry", "host", "observe"],
    ),
    ("select", "The deployment, services and backup sets that are meant", &["registry", "error", "program", "host"]),
    (
        "ui",
        "The only place that prints: documents, tables, JSON, streams, escapes",
        &["registry", "error", "units", "program", "redact", "host", "observe"],
    ),
    (
        "context",
        "What a verb is given: the chosen deployment, the machine, the time left, how to print",
        &["registry", "error", "program", "host", "observe", "discover", "select", "ui"],
    ),
    ("limits", "What this process may use, and the floor under which it refuses", &["error", "program", "host"]),
    ("signals", "What ends this process", &["exit", "program", "host", "ui"]),
    ("defect", "A panic, reported by its place alone", &["error", "program"]),
    (
        "action",
        "Changes: `plan` (PURE), `consent`, `lock`, `audit`, `run`, `verify` (the outcome, by probing), `release/`, `maintenance/`, \
         `schedule/` (timers that run a verb by itself), `reboot`",
        &["registry", "exit", "error", "units", "program", "host", "observe", "judge", "ui", "context"],
    ),
    (
        "alert",
        "Which changes of state a person has to know about: `state` (PURE), `forecast` (PURE), `store` (what is kept between checks), \
         `channel/` (PURE: a file a kind of receiver), `queue` (PURE: what waits for a channel), `deliver`, `heartbeat`, `settings` \
         (addresses, root's alone)",
        &["registry", "error", "units", "program", "envfile", "redact", "host", "judge"],
    ),
    (
        "procedure",
        "Procedures of a runbook: `plan` (PURE), `assess` (whether something holds), `run`, `undo`, `journal` (how far a run came), `secrets` and `keys` (rotations)",
        &[
            "registry", "exit", "error", "units", "program", "envfile", "redact", "host", "observe", "judge", "ui",
            "context", "action",
        ],
    ),
    (
        "backup",
        "Copies that are proven: `create`, `look`, `prune`, `restore/`, a file a kind of source, `store` (rclone), `record`",
        &["registry", "exit", "error", "units", "program", "redact", "host", "observe", "context", "action"],
    ),
    (
        "report",
        "A serializable value a document, with its view as text",
        &[
            "registry",
            "exit",
            "error",
            "units",
            "program",
            "host",
            "observe",
            "judge",
            "discover",
            "ui",
            "action",
            "alert",
            "procedure",
            "backup",
        ],
    ),
    (
        "args",
        "What words of the command line mean: values, names, candidates",
        &["registry", "error", "units", "host", "discover", "select"],
    ),
    ("argv", "The words of the command line before they are parsed", &["error", "ui"]),
    (
        "commands",
        "The command line (`mod`) and a file or folder a verb: its arguments and what it does",
        &[
            "registry",
            "exit",
            "error",
            "units",
            "program",
            "host",
            "observe",
            "judge",
            "demo",
            "discover",
            "select",
            "ui",
            "context",
            "action",
            "alert",
            "procedure",
            "backup",
            "report",
            "args",
        ],
    ),
];

/// Rooms that may use all others: where everything is put together.
const TOPS: &[&str] = &["lib", "main", "fuzzing"];

type Module = Vec<String>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every module and its text, without tests and comments.
fn modules() -> BTreeMap<Module, String> {
    let comments = Regex::new(r"//.*").unwrap();
    let mut found = BTreeMap::new();
    let mut dirs = vec![root().join("src")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let mut name = named(&path);
            if name.last().is_some_and(|last| last == "mod") {
                name.pop();
            }
            if name.iter().any(|part| part == "tests") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            found.insert(name, comments.replace_all(text, "").into_owned());
        }
    }
    found
}

fn named(path: &Path) -> Module {
    let relative: PathBuf = path.strip_prefix(root().join("src")).unwrap().with_extension("");
    relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect()
}

/// The paths that a text imports or names, groups taken apart.
fn paths(text: &str) -> Vec<Module> {
    fn expand(prefix: &[String], group: &str, found: &mut Vec<Module>) {
        let (mut depth, mut begin) = (0, 0);
        let mut parts = Vec::new();
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(&group[begin..at]);
                    begin = at + 1;
                }
                _ => {}
            }
        }
        parts.push(&group[begin..]);
        for part in parts.into_iter().map(str::trim).filter(|part| !part.is_empty()) {
            let (head, inner) = match part.split_once('{') {
                Some((head, inner)) => (head, inner.strip_suffix('}')),
                None => (part, None),
            };
            let head = head.split(" as ").next().unwrap();
            let names =
                head.split("::").map(str::trim).filter(|name| !name.is_empty() && *name != "*").map(str::to_owned);
            let path: Module = prefix.iter().cloned().chain(names).collect();
            match inner {
                Some(inner) => expand(&path, inner, found),
                None => found.push(path),
            }
        }
    }
    let imports = Regex::new(r"\buse\s+([^;]+);").unwrap();
    let named = Regex::new(r"\b(?:crate|super|self)(?:::\w+)+").unwrap();
    let mut found = Vec::new();
    for import in imports.captures_iter(text) {
        expand(&[], &import[1], &mut found);
    }
    let others = imports.replace_all(text, "");
    found.extend(named.find_iter(&others).map(|path| path.as_str().split("::").map(str::to_owned).collect()));
    found
}

/// What each module uses: modules, by the longest path that is one.
fn uses() -> BTreeMap<Module, BTreeSet<Module>> {
    let modules = modules();
    let mut uses: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, text) in &modules {
        let used = uses.entry(module.clone()).or_default();
        for path in paths(text) {
            // `use {` in a text is no import.
            let Some(first) = path.first() else { continue };
            let above = path.iter().take_while(|part| *part == "super").count();
            let mut full: Module = match first.as_str() {
                "crate" => Vec::new(),
                "super" => module[..module.len().saturating_sub(above)].to_vec(),
                _ => module.clone(),
            };
            let skipped = if ["crate", "self"].contains(&path[0].as_str()) { 1 } else { above };
            full.extend(path[skipped..].iter().cloned());
            let longest =
                (1..=full.len()).rev().map(|length| full[..length].to_vec()).find(|of| modules.contains_key(of));
            // A word that is no module of this crate is a crate's, or a child's own.
            used.extend(longest.filter(|of| of != module && (path[0] != "self" || of.len() > module.len())));
        }
    }
    uses
}

#[test]
fn each_room_uses_only_rooms_above_it() {
    let mut stray = BTreeSet::new();
    let mut unused: BTreeSet<(&str, &str)> =
        ROOMS.iter().flat_map(|(room, _, uses)| uses.iter().map(move |used| (*room, *used))).collect();
    for (module, used) in uses() {
        let [room, ..] = &module[..] else { continue };
        if TOPS.contains(&room.as_str()) {
            continue;
        }
        let Some((_, _, allowed)) = ROOMS.iter().find(|(name, ..)| name == room) else {
            panic!("src/{room} has no row in tests/it/rooms.rs");
        };
        for other in used.iter().filter_map(|used| used.first()).filter(|other| *other != room) {
            unused.retain(|(of, used)| !(of == room && used == other));
            if !allowed.contains(&other.as_str()) {
                stray.insert(format!("src/{} uses {other}", module.join("/")));
            }
        }
    }
    assert!(stray.is_empty(), "arrows that run back, or that no row allows: {stray:#?}");
    assert!(unused.is_empty(), "allowed, and not used: {unused:?}");
    for (at, (room, _, uses)) in ROOMS.iter().enumerate() {
        for used in *uses {
            let place = ROOMS.iter().position(|(name, ..)| name == used);
            assert!(place.is_some_and(|place| place < at), "{room} may use {used}, which does not stand above it");
        }
    }
}

/// A file may use what its own folder's `mod.rs` defines; that is no circle.
#[test]
fn no_two_files_use_each_other() {
    let uses = uses();
    let of = |module: &Module| -> Vec<Module> {
        let up = |used: &&Module| !(used.len() < module.len() && module.starts_with(used));
        uses.get(module).into_iter().flatten().filter(up).cloned().collect()
    };
    for module in uses.keys() {
        let mut reached = BTreeSet::new();
        let mut todo = of(module);
        while let Some(next) = todo.pop() {
            if reached.insert(next.clone()) {
                todo.extend(of(&next).into_iter().filter(|other| other.first() == module.first()));
            }
        }
        assert!(!reached.contains(module), "src/{} is part of a circle", module.join("/"));
    }
}

#[test]
fn architecture_has_the_table() {
    let path = root().join("ARCHITECTURE.md");
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- rooms: written by tests/it/rooms.rs -->\n", "<!-- end of rooms -->\n");
    let (before, rest) = text.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let mut table = String::from("| Room | What is in it | May use |\n|---|---|---|\n");
    for (room, what, uses) in ROOMS {
        let uses: Vec<String> = uses.iter().map(|used| format!("`{used}`")).collect();
        let uses = if uses.is_empty() { "—".to_owned() } else { uses.join(" ") };
        let place = if root().join("src").join(room).is_dir() { format!("{room}/") } else { format!("{room}.rs") };
        writeln!(table, "| `{place}` | {what} | {uses} |").unwrap();
    }
    let wanted = format!("{before}{begin}{table}{end}{after}");
    if std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
        fs::write(&path, &wanted).unwrap();
        return;
    }
    assert!(wanted == text, "ARCHITECTURE.md has another table of rooms; SNAPSHOTS=overwrite writes it");
}
