//! How much of a deployment is found without its runbook: services, ports, routes, env files, SQLite files and needs. What is missed,
//! or found and stated by nobody, stands in `MISSES` with its reason, or fails. `docs/accuracy/discovery.md` holds the figures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;
use snapbox::{Data, assert_data_eq};

use super::misses::MISSES;
use crate::machine::Machine;

/// What is counted, in the order of the page's columns.
const KINDS: [&str; 7] = ["services", "ports", "routes", "env files", "SQLite files", "needs", "false needs"];
/// How much must be found of each on all hosts together, percent.
const BOUNDS: [usize; 6] = [95, 95, 90, 90, 90, 90];
/// How many of the needs that are found may be stated neither by the runbook nor by the deployment's own compose file, percent.
const FALSE_NEEDS: usize = 5;
/// Why a need is thought to be one that a compose file states.
const BY_COMPOSE: &str = "depends_on in its compose file";

/// Five tests write one page.
static PAGE: Mutex<()> = Mutex::new(());

/// Of one kind: how many there are, and those that were missed.
#[derive(Default)]
struct Count {
    all: usize,
    missed: Vec<String>,
}

impl Count {
    fn add(&mut self, what: String, is_found: bool) {
        self.all += 1;
        if !is_found {
            self.missed.push(what);
        }
    }
}

fn json(machine: &Machine, args: &[&str]) -> Value {
    let ran = machine.run(&[&["opsctl"], args, &["-o", "json"]].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {ran:#?}"))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Names of containers, by the compose project and service that they are of.
fn containers(machine: &Machine) -> BTreeMap<String, String> {
    let line = r#"{{.Label "com.docker.compose.project"}}/{{.Label "com.docker.compose.service"}} {{.Names}}"#;
    let ran = machine.run(&["docker", "ps", "--all", "--format", line]);
    ran.stdout.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// A service of the runbook that is on this host.
struct Stated {
    name: String,
    /// What `explain` says of it.
    document: Value,
    /// Names in `discover` of what it is there.
    found: BTreeSet<String>,
}

/// Whether a found service is the one that these managers describe: by its unit, container or application.
fn is_of(found: &Value, managers: &str, containers: &BTreeMap<String, String>) -> bool {
    let words: BTreeSet<&str> = managers.split(|c: char| !c.is_ascii_alphanumeric() && !"_.@-".contains(c)).collect();
    let unit = text(found, "unit");
    match unit.split_once('/') {
        Some((project, service)) => {
            (words.contains(project) && words.contains(service))
                || containers.get(unit).is_some_and(|name| words.contains(name.as_str()))
        }
        None => words.contains(unit),
    }
}

fn port_of(address: &str) -> Option<u64> {
    address.rsplit(':').next()?.parse().ok()
}

/// Services of the runbook that are on this host, each with what was found of it.
fn stated(machine: &Machine, deployment: &str, found: &Value) -> Vec<Stated> {
    let list = json(machine, &["-d", deployment, "get", "services"]);
    let status = json(machine, &["-d", deployment, "status"]);
    let absent: BTreeSet<&str> = rows(&status["absent"]).iter().map(|row| text(row, "name")).collect();
    let containers = containers(machine);
    let mut all = Vec::new();
    for row in rows(&list["services"]).iter().filter(|row| !absent.contains(text(row, "name"))) {
        let name = text(row, "name").to_owned();
        let document = json(machine, &["-d", deployment, "explain", &name]);
        let managers = texts(&document["managers"]).join("; ");
        let ports: Vec<u64> = rows(&row["ports"]).iter().filter_map(Value::as_u64).collect();
        // A service elsewhere has neither.
        if managers.is_empty() && ports.is_empty() {
            continue;
        }
        let of_it = rows(&found["services"]).iter().filter(|one| match managers.is_empty() {
            // What nobody starts is known by where it listens.
            true => texts(&one["listens"]).into_iter().filter_map(port_of).any(|port| ports.contains(&port)),
            false => is_of(one, &managers, &containers),
        });
        let of_it = of_it.map(|one| text(one, "name").to_owned()).collect();
        all.push(Stated { name, document, found: of_it });
    }
    all
}

/// Names of services that the runbook says to be needed, over however many others.
fn reached(all: &[Stated], name: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        let needs = all.iter().find(|one| one.name == name).map(|one| texts(&one.document["service"]["needs"]));
        open.extend(needs.into_iter().flatten().filter(|need| reached.insert((*need).to_owned())).map(str::to_owned));
    }
    reached
}

fn counts(all: &[Stated], found: &Value) -> [Count; 7] {
    let mut counts: [Count; 7] = Default::default();
    let [services, ports, routes, env, data, needs, wrong] = &mut counts;
    for one in all {
        let service = &one.document["service"];
        let name = &one.name;
        let own: Vec<&Value> =
            rows(&found["services"]).iter().filter(|row| one.found.contains(text(row, "name"))).collect();
        let of = |key: &str| own.iter().flat_map(|row| texts(&row[key])).collect::<BTreeSet<_>>();
        services.add(name.clone(), !own.is_empty());
        let listens: BTreeSet<u64> = of("listens").into_iter().filter_map(port_of).collect();
        for port in rows(&service["ports"]).iter().filter_map(Value::as_u64) {
            ports.add(format!("{name}: {port}"), listens.contains(&port));
        }
        let endpoints = of("endpoints");
        for endpoint in texts(&service["endpoints"]) {
            routes.add(format!("{name}: {endpoint}"), endpoints.contains(endpoint.trim_end_matches('/')));
        }
        if let Some(file) = one.document["env_file"].as_str() {
            // Where several are stated, one of them is there.
            let paths = file.split(", ").next().unwrap_or_default();
            env.add(format!("{name}: {paths}"), paths.split(" or ").any(|path| of("env").contains(path)));
        }
        for path in texts(&one.document["data"]).into_iter().filter_map(|line| line.strip_prefix("SQLite ")) {
            let path = path.split(": ").next().unwrap_or_default();
            data.add(format!("{name}: {path}"), of("data").contains(path));
        }
        // Whether a container needs its engine, runbooks see differently.
        let others = || all.iter().filter(|other| other.name != *name && other.name != "docker");
        let edges: Vec<&Value> = own.iter().flat_map(|row| rows(&row["needs"])).collect();
        let meant = reached(all, name);
        for other in others().filter(|other| !other.found.is_empty() && !own.is_empty()) {
            let edge = edges.iter().find(|edge| other.found.contains(text(edge, "name")));
            let is_found = edge.is_some();
            if texts(&service["needs"]).contains(&other.name.as_str()) {
                needs.add(format!("{name} -> {}", other.name), is_found);
            }
            if let Some(edge) = edge {
                let is_stated = meant.contains(&other.name) || text(edge, "why") == BY_COMPOSE;
                wrong.add(format!("{name} -> {}", other.name), is_stated);
            }
        }
    }
    counts
}

/// How many of how many, in each column of a row.
fn figures(row: &str) -> Vec<(usize, usize)> {
    let cell = |cell: &str| {
        let (part, all) = cell.trim().split_once('/')?;
        Some((part.parse().ok()?, all.parse().ok()?))
    };
    row.split('|').filter_map(cell).collect()
}

fn sums(rows: &[String]) -> Vec<(usize, usize)> {
    let add = |mut sums: Vec<(usize, usize)>, row: &String| {
        for (sum, (part, all)) in sums.iter_mut().zip(figures(row)) {
            *sum = (sum.0 + part, sum.1 + all);
        }
        sums
    };
    rows.iter().fold(vec![(0, 0); KINDS.len()], add)
}

fn page(figures: &[String], misses: &[String]) -> String {
    let cells =
        |(part, all): &(usize, usize)| format!("{part}/{all} ({} %)", (part * 100).checked_div(*all).unwrap_or(100));
    let total: Vec<String> = sums(figures).iter().map(cells).collect();
    format!(
        "# What `discover` finds without a runbook\n\n\
         Written by the suite of real hosts (`tests/host/discover`): each deployment was booted, `opsctl -d localhost discover` \
         asked, and its answer held against the compiled runbook. Counted are services that are on the host; needs leave out the \
         container engine. A false need is one between two of these services that neither the runbook states, over however many \
         others, nor `depends_on` of the deployment's own compose file; its column counts those among the needs that were found.\n\n\
         | Deployment | {} |\n|---|{}\n{}\n| all | {} |\n\n\
         ## Missed, and why\n\n| Deployment | Kind | What | Reason |\n|---|---|---|---|\n{}\n",
        KINDS.join(" | "),
        "---|".repeat(KINDS.len()),
        figures.join("\n"),
        total.join(" | "),
        misses.join("\n"),
    )
}

fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/accuracy/discovery.md")
}

/// The page's lines of a table: those of figures, or those of misses.
fn known(of_figures: bool) -> Vec<String> {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Deployment"));
    let rows = rows.filter(|line| !line.starts_with("| all |"));
    rows.filter(|line| figures(line).is_empty() != of_figures).map(str::to_owned).collect()
}

/// Names of what runs beside a registry, without what is there only in a test: the harness, and programs that stand in for others.
fn unstated(document: &Value) -> Vec<&str> {
    const STAND_INS: [&str; 4] = [super::HARNESS, "alertmanager", "grafana-server", "prometheus"];
    let names = rows(&document["unstated"]["services"]).iter().map(|row| text(row, "name"));
    names.filter(|name| !STAND_INS.contains(name) && !name.starts_with("standin-")).collect()
}

fn measure(deployment: &str) -> Machine {
    let machine = Machine::boot_as(deployment, &format!("it-discover-{deployment}"));
    let found = json(&machine, &["-d", "localhost", "discover"]);
    assert_eq!(found["verdict"], "pass", "{found:#}");
    // Whatever the runbook states is known as that, by whichever manager it has.
    let status = json(&machine, &["-d", deployment, "status"]);
    assert_eq!(unstated(&status), Vec::<&str>::new(), "{status:#}");
    let counts = counts(&stated(&machine, deployment, &found), &found);
    let mut unlisted = Vec::new();
    let mut misses = Vec::new();
    let mut cells = Vec::new();
    for (kind, count) in KINDS.iter().zip(&counts) {
        for what in &count.missed {
            let is_it = |miss: &&super::misses::Miss| (miss.0, miss.1, miss.2) == (deployment, *kind, what.as_str());
            match MISSES.iter().find(is_it) {
                Some(miss) => misses.push(format!("| {deployment} | {kind} | `{what}` | {} |", miss.3)),
                None => unlisted.push(format!("{kind}: {what}")),
            }
        }
        let part = if *kind == "false needs" { count.missed.len() } else { count.all - count.missed.len() };
        cells.push(format!("{part}/{}", count.all));
    }
    assert!(unlisted.is_empty(), "missed, and no reason is listed:\n{}\nfound: {found:#}", unlisted.join("\n"));
    for (kind, count) in KINDS.iter().zip(&counts).take(2) {
        assert!(count.missed.len() * 100 <= count.all * 5, "{kind}: {:?}", count.missed);
    }
    let _one_at_a_time = PAGE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let own = format!("| {deployment} |");
    let merged = |of_figures: bool, mut lines: Vec<String>| {
        lines.extend(known(of_figures).into_iter().filter(|line| !line.starts_with(&own)));
        lines.sort();
        lines
    };
    let figures = merged(true, vec![format!("{own} {} |", cells.join(" | "))]);
    let misses = merged(false, misses);
    assert_data_eq!(
        Data::text(page(&figures, &misses)).raw(),
        Data::read_from(&path(), Some(snapbox::data::DataFormat::Text)).raw()
    );
    machine
}

/// What runs beside the services of a runbook is shown by `status` in one line and by `verify` in full, and neither judges it.
fn shows_what_is_in_no_registry(machine: &Machine) {
    let unit = "[Unit]\\nDescription=the shop\\n[Service]\\nExecStart=/usr/bin/python3 -m http.server 8123\\n\
                WorkingDirectory=/srv\\n[Install]\\nWantedBy=multi-user.target\\n";
    let verdicts = |machine: &Machine| ["status", "verify"].map(|verb| json(machine, &[verb])["verdict"].clone());
    let before = verdicts(machine);
    machine.sh(&format!(
        "printf '{unit}' > /etc/systemd/system/myapp.service; systemctl daemon-reload; systemctl enable --now myapp; \
         until curl -s localhost:8123 > /dev/null; do sleep 0.1; done"
    ));
    assert_eq!(verdicts(machine), before);
    for verb in ["status", "verify"] {
        let document = json(machine, &[verb]);
        assert_eq!(unstated(&document), ["myapp"], "{verb}: {document:#}");
        assert!(document["unstated"].to_string().contains("0.0.0.0:8123"), "{verb}: {document:#}");
    }
    let ran = machine.run(&["opsctl", "status"]);
    assert!(ran.stdout.lines().any(|line| line.starts_with("in no registry: ") && line.contains("myapp")), "{ran:#?}");
    let ran = machine.run(&["opsctl", "verify"]);
    let in_full = "unit file /etc/systemd/system/myapp.service of the administrator";
    assert!(ran.stdout.contains("in no registry: ") && ran.stdout.contains(in_full), "{ran:#?}");
    // As nobody it is seen as well, and what is hidden is said.
    let ran = machine.run_as("nobody", &["opsctl", "-d", "prim", "status"]);
    assert!(ran.stdout.contains("in no registry: "), "{ran:#?}");
    // With one service nothing of others is shown.
    assert!(json(machine, &["status", "wallet"])["unstated"].is_null());
}

#[test]
fn prim() {
    shows_what_is_in_no_registry(&measure("prim"));
}

#[test]
fn plugspace() {
    drop(measure("plugspace"));
}

#[test]
fn fondation() {
    drop(measure("fondation"));
}

#[test]
fn v_edfinance() {
    drop(measure("v-edfinance"));
}

#[test]
fn ai_fsm() {
    drop(measure("ai-fsm"));
}

/// What the page says of all hosts together, which the five tests above hold it to.
#[test]
fn bounds() {
    let all = sums(&known(true));
    for ((kind, bound), (part, of)) in KINDS.iter().zip(BOUNDS).zip(&all) {
        assert!(part * 100 >= of * bound, "{kind}: {part} of {of}");
    }
    let (part, of) = all[KINDS.len() - 1];
    assert!(part * 100 <= of * FALSE_NEEDS, "false needs: {part} of {of}");
}
