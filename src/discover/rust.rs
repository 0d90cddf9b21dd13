//! PURE. Found services as the source text of an own program, in the style of `examples/own_deployment.rs`: it compiles as it is, and
//! says where a person must decide.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::answers::HEALTH;
use super::names::stated_of;
use super::{Found, FoundManager, FoundProxy, FoundService, Protocol, Role};
use crate::host::trouble::Trouble;
use crate::registry::{LOCALHOST, Probe};

/// Words that no static may be called.
const RESERVED: [&str; 4] = ["DOWN", "LATER", "HERE", "SERVICES"];

/// `src/main.rs` of a program whose deployment is called so, for the host of that name.
pub fn program(found: &Found, name: &str, host: &str) -> String {
    let host = &plain(host);
    // The library has a deployment of that name already.
    let name = if name == LOCALHOST.name { "this-host" } else { name };
    let (services, others): (Vec<_>, Vec<_>) = found.services.iter().partition(|one| one.manager.is_known());
    let statics = statics(&services);
    let has_jobs = services.iter().any(|one| one.role == Role::Job);
    let mut body = String::new();
    for one in &services {
        body.push_str(&service(one, &statics));
    }
    let mut used: Vec<&str> =
        ["check", "Certificates", "Deployment", "HostChecks", "Level", "Manager", "Service"].into_iter().collect();
    let uses = |word: &str| body.contains(word);
    used.extend(
        ["App", "Compose", "Container", "EnvFile", "Http", "Instances", "Probe", "Route", "Rule", "Unit"]
            .into_iter()
            .filter(|word| uses(&format!("{word}::"))),
    );
    used.extend(found.proxy.is_some().then_some("Proxy"));
    used.sort_by_key(|word| (word.chars().next().is_some_and(char::is_lowercase), *word));
    let list: Vec<String> = services.iter().map(|one| format!("&{}", statics[&one.name])).collect();
    let others: Vec<&str> = others.iter().map(|one| one.name.as_str()).collect();
    let others = match others.is_empty() {
        true => String::new(),
        false => comment(&format!("Left out, because podman runs them: {}.", others.join(", "))),
    };
    let levels = if has_jobs { "&[&DOWN, &LATER]" } else { "&[&DOWN]" };
    let mut text = format!(
        "//! The runbook of {host}, as found on it. `cargo run -- status`\n\nuse std::process::ExitCode;\n\n\
         use opsctl::registry::{{{}}};\n\n\
         // DECIDE: what an outage means to those who use this host, and how soon somebody must act.\n\
         static DOWN: Level = Level::new(\"P1\")\n    .criterion(\"a service of this host is down\")\n    \
         .response(\"within the hour\")\n    .response_seconds(3600)\n    .action(\"read its log, then restart it\");\n",
        used.join(", ")
    );
    if has_jobs {
        text.push_str(
            "\nstatic LATER: Level = Level::new(\"P3\")\n    .criterion(\"nobody waits for it\")\n    .response(\"today\")\n    \
             .response_seconds(86_400)\n    .action(\"read its log\");\n",
        );
    }
    text.push_str(&body);
    let proxy = match &found.proxy {
        Some(FoundProxy::Caddy(config)) => format!("\n.proxy(Proxy::caddy({}))", quoted(config)),
        Some(FoundProxy::Nginx) => "\n.proxy(Proxy::Nginx)".to_owned(),
        None => String::new(),
    };
    let sign = sign(found).map(|path| format!("\n.detect(&[{}])", quoted(path))).unwrap_or_default();
    let _ = write!(
        text,
        "\nstatic HERE: Deployment = Deployment::new(\n    {name},\n    {levels},\n    SERVICES,\n    \
         HostChecks::new(&DOWN).certificates(Certificates::new(443, &DOWN).warn_days(21).fail_days(7)),\n)\n\
         .summary({summary}){sign}{proxy};\n\n\
         {unknown}{others}// A service stands below all that it needs.\nstatic SERVICES: &[&Service] = &[{list}];\n\n\
         // An invalid registry does not compile.\nconst _: () = check::deployment(&HERE);\n\n\
         fn main() -> ExitCode {{\n    opsctl::main(&[&HERE])\n}}\n\n\
         #[cfg(test)]\nmod tests {{\n    use super::*;\n\n    #[test]\n    fn the_registry_holds_together() {{\n        \
         assert_eq!(check::problems(&[&HERE]), Vec::<String>::new());\n    }}\n}}\n",
        unknown = unknown(found),
        name = quoted(name),
        summary = quoted(&format!("services of {host}")),
        list = list.join(", "),
    );
    text
}

/// What a person must add where a source of services could not be looked at.
fn unknown(found: &Found) -> String {
    let line =
        |(what, why): &(&str, Trouble)| format!("// DECIDE: there may be more {what}: {}\n", plain(&why.to_string()));
    found.unknown.iter().map(line).collect()
}

/// The files of a crate, by their paths in it.
pub fn crate_files(found: &Found, name: &str, host: &str, version: &str) -> Vec<(&'static str, String)> {
    let host = &plain(host);
    let manifest = format!(
        "[package]\nname = {name}\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n\
         # From a copy of its repository: opsctl = {{ package = \"opsctl-runbook\", path = \"../opsctl\" }}\n\
         opsctl = {{ package = \"opsctl-runbook\", version = {version} }}\n\n[profile.release]\noverflow-checks = true\n",
        name = quoted(name),
        version = quoted(version),
    );
    let readme = format!(
        "# {name}\n\nThe runbook of {host} as a program.\n\n- `cargo test` checks the registry.\n- `cargo run -- status` shows the \
         state of this host.\n- `cargo build --release` makes `target/release/{name}`; copy it to the host.\n\n\
         Lines with `DECIDE` in `src/main.rs` wait for a decision. The guide is `docs/own-deployment.md` of opsctl.\n"
    );
    vec![("Cargo.toml", manifest), ("README.md", readme), ("src/main.rs", program(found, name, host))]
}

/// A path of this host that no other has: the directory or unit file of a service of its own.
fn sign(found: &Found) -> Option<&str> {
    fn directory(one: &FoundService) -> Option<&str> {
        let of_its_own = matches!(one.manager, FoundManager::Unit(_) | FoundManager::App { .. });
        one.unit.working_directory.as_deref().filter(|path| of_its_own && path.len() > 1 && path.starts_with('/'))
    }
    fn file(one: &FoundService) -> Option<&str> {
        match &one.manager {
            FoundManager::Compose { file, .. } => file.as_deref(),
            FoundManager::Unit(_) => one.unit.own_file.as_deref(),
            FoundManager::Container(_) | FoundManager::Podman(_) | FoundManager::App { .. } => None,
        }
    }
    found.services.iter().find_map(directory).or_else(|| found.services.iter().find_map(file))
}

/// The name of each service's static: no two services have the same.
fn statics(services: &[&FoundService]) -> BTreeMap<String, String> {
    let mut taken: BTreeSet<String> = RESERVED.iter().map(|word| (*word).to_owned()).collect();
    let mut statics = BTreeMap::new();
    for one in services {
        let upper = one.name.to_ascii_uppercase().replace('-', "_");
        let mut names = [upper.clone(), format!("SERVICE_{upper}")]
            .into_iter()
            .chain((2..).map(|number| format!("SERVICE_{upper}_{number}")));
        let name = names.find(|name| taken.insert(name.clone())).unwrap_or(upper);
        statics.insert(one.name.clone(), name);
    }
    statics
}

/// A string of Rust that holds this text, whatever is in it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() || !c.is_ascii() => {
                let _ = write!(quoted, "{}", c.escape_unicode());
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A comment of one line.
fn comment(text: &str) -> String {
    format!("// {}\n", plain(text).trim_end())
}

/// A text of the host that ends no comment.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || !c.is_ascii() { ' ' } else { c }).collect()
}

fn service(one: &FoundService, statics: &BTreeMap<String, String>) -> String {
    let mut text = String::from("\n");
    text.push_str(&comment(&one.why.join("; ")));
    for (name, why) in &one.needs {
        text.push_str(&comment(&format!("Needs {name}: {why}.")));
    }
    let level = if one.role == Role::Job { "LATER" } else { "DOWN" };
    let _ = write!(
        text,
        "static {}: Service = Service::new({}, &{level})\n    .summary({})\n    .severity_reason(\"{}\") // DECIDE\n    \
         .managers(&[{}])",
        statics[&one.name],
        quoted(&one.name),
        quoted(&one.summary),
        one.role.reason(),
        manager(one),
    );
    let ports = one.ports();
    if !ports.is_empty() {
        let list: Vec<String> = ports.iter().map(u16::to_string).collect();
        let _ = write!(text, "\n    .ports(&[{}])", list.join(", "));
    }
    let is_engine = stated_of(one).is_some_and(|it| matches!(it.probes, [Probe::DockerEngine]));
    let engine = is_engine.then(|| "Probe::DockerEngine".to_owned());
    if let Some(probe) = engine.or_else(|| ports.first().and_then(|port| probe(one, *port))) {
        let _ = write!(text, "\n    .probes(&[{probe}])");
    }
    let routes: Vec<String> = one.routes.iter().filter(|(.., port)| ports.contains(port)).map(route).collect();
    if !routes.is_empty() {
        let _ = write!(text, "\n    .routes(&[{}])", routes.join(", "));
    }
    let needs: Vec<String> =
        one.needs.iter().filter_map(|(name, _)| Some(format!("&{}", statics.get(name)?))).collect();
    if !needs.is_empty() {
        let _ = write!(text, "\n    .needs(&[{}])", needs.join(", "));
    }
    if let Some(path) = one.env.first() {
        let _ = write!(text, "\n    .env(EnvFile::new(&[{}]))", quoted(path));
    }
    text.push_str(";\n");
    text
}

fn route((host, path, port): &(String, String, u16)) -> String {
    let path = if path == "/" { String::new() } else { format!(".path({})", quoted(path)) };
    format!("Route::new({}, {port}){path}", quoted(host))
}

fn manager(one: &FoundService) -> String {
    match &one.manager {
        FoundManager::Unit(name) => {
            let mut unit = format!("Unit::new({})", quoted(name));
            let facts = &one.unit;
            for (method, value) in
                [("user", &facts.user), ("working_directory", &facts.working_directory), ("restart", &facts.restart)]
            {
                if let Some(value) = value {
                    let _ = write!(unit, ".{method}({})", quoted(value));
                }
            }
            if !facts.aliases.is_empty() {
                let names: Vec<String> = facts.aliases.iter().map(|name| quoted(name)).collect();
                let _ = write!(unit, ".aliases(&[{}])", names.join(", "));
            }
            if !facts.enabled {
                unit.push_str(".disabled()");
            }
            format!("Manager::Systemd({unit})")
        }
        FoundManager::Compose { project, service, file, .. } => {
            let files = file.as_ref().map(|file| format!(".files(&[{}])", quoted(file))).unwrap_or_default();
            format!("Manager::Compose(Compose::new({}).project({}){files})", quoted(service), quoted(project))
        }
        FoundManager::Container(name) => format!("Manager::Docker(Container::new(&[{}]))", quoted(name)),
        // Left out before.
        FoundManager::Podman(_) => String::new(),
        FoundManager::App { name, user, home, cluster, memory_restart_bytes } => {
            let instances =
                cluster.map_or_else(|| "Instances::Fork".to_owned(), |count| format!("Instances::Cluster({count})"));
            let bytes = memory_restart_bytes.map_or_else(|| "u64::MAX".to_owned(), |bytes| bytes.to_string());
            format!(
                "Manager::Pm2(App::new({}, {instances}).user({}).home({}).memory_restart_bytes({bytes}))",
                quoted(name),
                quoted(user),
                quoted(home)
            )
        }
    }
}

fn probe(one: &FoundService, port: u16) -> Option<String> {
    Some(match one.protocol {
        Some(Protocol::Postgres) => format!("Probe::postgres({port})"),
        Some(Protocol::Redis) => format!("Probe::redis({port})"),
        Some(Protocol::Mongo) => format!("Probe::mongo({port})"),
        Some(Protocol::Smtp) => format!("Probe::banner({port}, \"220\")"),
        Some(Protocol::Mysql | Protocol::Ssh | Protocol::Other) => return None,
        Some(Protocol::Http { health: true }) => {
            format!("Probe::Http(Http::get({port}, {}, &[Rule::ok(200)]))", quoted(HEALTH))
        }
        Some(Protocol::Http { health: false }) | None => format!("Probe::any({port})"),
    })
}
