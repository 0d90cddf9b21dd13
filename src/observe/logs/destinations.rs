//! Where services truly write: what their managers say, beside what the registry states. The registry is where it is looked
//! first; what the manager says is read, and where that cannot be read it is said.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use super::source::{self, Kind, Output, Source};
use crate::host::exec::{ProcessEnd, Runner};
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::tools::pm2::Process;
use crate::host::tools::unit_output::{self, Destination, UnitOutput};
use crate::host::trouble::{Trouble, failure};
use crate::observe::probe::unit_paths::is_stopped;
use crate::observe::probe::{self, Answer, ManagerEvidence, PmDaemon};
use crate::registry::{App, Manager, Presence, Service};

/// What pm2's daemons said, by their `PM2_HOME`.
pub type Daemons = BTreeMap<&'static str, Answer<Option<PmDaemon>>>;

/// Where lines are, and what of them is not to be had.
#[derive(Debug, Default)]
pub struct Destinations {
    /// What is to be read.
    pub sources: Vec<Source>,
    /// What is written where it cannot be read: the service, the name of the source, and why.
    pub lost: Vec<(Option<&'static str>, String, Trouble)>,
    /// Services of which their manager does not say where they write.
    pub doubts: Vec<(&'static str, Trouble)>,
    /// What registry and manager say of it.
    pub stated: Vec<Stated>,
}

/// What the registry says of where a service writes, and what its manager says.
#[derive(Debug)]
pub struct Stated {
    /// The service.
    pub service: &'static str,
    /// What writes there: `log of shop.service`.
    pub what: String,
    /// In the registry.
    pub registry: String,
    /// At its manager.
    pub manager: Result<String, Trouble>,
    /// Whether that is the same.
    pub agree: bool,
    /// What shows it.
    pub command: Command,
}

/// Asks the managers what they have not said before: `known`.
pub fn find(
    system: &System,
    runner: &dyn Runner,
    mut sources: Vec<Source>,
    known: Option<&ManagerEvidence>,
    limit: Duration,
) -> Destinations {
    source::add_instances(system, &mut sources);
    let mut services: Vec<&'static Service> = sources.iter().filter_map(|source| source.service).collect();
    services.dedup_by_key(|service| service.name);
    let asks_pm2 = sources.iter().any(|source| source.output.is_some());
    let names: Vec<&str> = sources.iter().flat_map(units).map(String::as_str).collect();
    let mut asked = Daemons::new();
    let units = std::thread::scope(|scope| {
        let said = known.and_then(|known| of_units(system, known, &names));
        let units = (said.is_none() && !names.is_empty() && system.booted_with_systemd())
            .then(|| crate::host::threads::task(scope, || ask(system, runner, &names, limit)));
        if asks_pm2 && known.is_none() {
            asked = probe::applications(system, runner, &services, limit);
        }
        said.or(units.map(crate::host::threads::join))
    });
    let daemons = known.map_or(&asked, |known| &known.apps);
    let mut found = Finding { system, units, daemons, all: Destinations::default() };
    let owners: Vec<Option<&'static str>> = sources.iter().map(owner).collect();
    let files: Vec<bool> = sources.iter().map(|source| matches!(source.kind, Kind::File { .. })).collect();
    for (index, source) in sources.into_iter().enumerate() {
        let has_file = owners.iter().zip(&files).any(|(other, file)| *file && *other == owners[index]);
        match &source.kind {
            Kind::Journal { .. } => found.journal(source, has_file),
            Kind::File { .. } => found.file(source, owners.iter().filter(|other| **other == owners[index]).count() > 1),
            Kind::Container => found.all.sources.push(source),
        }
    }
    found.journal_is_kept();
    found.all
}

fn units(source: &Source) -> &[String] {
    match &source.kind {
        Kind::Journal { units, .. } => units,
        Kind::Container | Kind::File { .. } => &[],
    }
}

fn owner(source: &Source) -> Option<&'static str> {
    source.service.map(|service| service.name)
}

fn ask(system: &System, runner: &dyn Runner, names: &[&str], limit: Duration) -> Answer<Vec<UnitOutput>> {
    let argv = unit_output::show(names.iter().copied());
    let result = match runner.run(&argv, limit) {
        Err(error) => Err(error.into()),
        Ok(output) => match output.exit {
            ProcessEnd::TimedOut(after) => Err(Trouble::TimedOut(after)),
            ProcessEnd::Code(0) => {
                unit_output::parse(&String::from_utf8_lossy(&output.stdout)).map_err(Trouble::from).map(|mut units| {
                    units.retain(|unit| unit.load != "not-found");
                    for unit in &mut units {
                        read_files(system, unit);
                    }
                    units
                })
            }
            _ => Err(failure(&output)),
        },
    };
    Answer { command: (&argv).into(), result }
}

/// Unit files are kept by their contents from here on, where these are needed.
fn read_files(system: &System, unit: &mut UnitOutput) {
    if unit.has_file() {
        unit.files = unit.files.iter().filter_map(|file| system.read(file).ok()).collect();
    }
}

/// The same out of what systemd said of units before, and whether journald runs. `None` where it was not asked about one of them.
fn of_units(system: &System, known: &ManagerEvidence, names: &[&str]) -> Option<Answer<Vec<UnitOutput>>> {
    let answer = known.units.as_ref()?;
    let units = answer.result.as_ref().ok()?;
    let mut found: Vec<UnitOutput> = units.iter().filter_map(|unit| unit.output.clone()).collect();
    let mut unknown = names.iter().filter(|name| !found.iter().any(|unit| unit.is(name))).peekable();
    if unknown.peek().is_some() {
        let paths = probe::UnitPaths::read(system);
        if unknown.any(|name| paths.has(name)) {
            return None;
        }
    }
    for unit in &mut found {
        read_files(system, unit);
    }
    found.extend(is_stopped(system, unit_output::JOURNALD).then(|| UnitOutput {
        id: unit_output::JOURNALD.to_owned(),
        load: "loaded".to_owned(),
        active: "inactive".to_owned(),
        ..UnitOutput::default()
    }));
    Some(Answer { command: answer.command.clone(), result: Ok(found) })
}

struct Finding<'a> {
    system: &'a System,
    units: Option<Answer<Vec<UnitOutput>>>,
    daemons: &'a Daemons,
    all: Destinations,
}

impl Finding<'_> {
    /// The unit's own words stay in the journal, wherever its program writes.
    fn journal(&mut self, mut source: Source, has_file: bool) {
        let answer = self.units.take();
        match answer.as_ref().map(|answer| &answer.result) {
            None => self.all.sources.push(source),
            Some(Err(trouble)) => {
                self.all.doubts.extend(owner(&source).map(|service| (service, trouble.clone())));
                self.all.sources.push(source);
            }
            Some(Ok(states)) => {
                let own: Vec<&UnitOutput> =
                    states.iter().filter(|state| units(&source).iter().any(|name| state.is(name))).collect();
                if let Kind::Journal { namespaced, .. } = &mut source.kind {
                    *namespaced = own.iter().any(|unit| !unit.namespace.is_empty());
                }
                self.all.sources.push(source.clone());
                for unit in own {
                    self.unit(unit, &source, has_file);
                }
            }
        }
        self.units = answer;
    }

    fn unit(&mut self, unit: &UnitOutput, source: &Source, has_file: bool) {
        // A masked unit is a link to /dev/null, which sets nothing.
        if unit.load == "masked" {
            return;
        }
        let destinations = unit.destinations(&unit.files);
        let streams = [("StandardOutput=", "standard output"), ("StandardError=", "standard error")];
        let words = |to: &Destination| match to {
            Destination::Journal if unit.namespace.is_empty() => "the journal".to_owned(),
            Destination::Journal => format!("the journal of the namespace {}", unit.namespace),
            Destination::File(path) => path.clone(),
            Destination::Discarded => "nowhere".to_owned(),
            Destination::Elsewhere(where_to) => where_to.clone(),
        };
        let same = destinations[0] == destinations[1];
        for (index, ((setting, stream), to)) in streams.iter().zip(&destinations).enumerate() {
            if same && index > 0 {
                break;
            }
            let known =
                |path: &str| self.all.sources.iter().any(|other| other.is_file(path) && owner(other) == owner(source));
            // A program that writes files of its own, which the registry knows, needs no output.
            let is_lost = match to {
                Destination::Journal => false,
                Destination::File(path) => {
                    if !known(path) {
                        let added = Source::file_of(source.service, path, index == 1);
                        self.all.sources.push(added);
                    }
                    false
                }
                Destination::Discarded | Destination::Elsewhere(_) => !has_file,
            };
            let what = if same { "its output".to_owned() } else { format!("its {stream}") };
            if is_lost {
                let why = match to {
                    Destination::Discarded => format!("{what} is discarded ({setting}null): nothing records it"),
                    to => format!("{what} is written to {}", words(to)),
                };
                let name = format!("journal:{}", unit.id);
                self.all.lost.push((owner(source), name, Trouble::Failed(why)));
            }
            let agree = match to {
                Destination::Journal => unit.namespace.is_empty(),
                Destination::File(path) => {
                    source.service.is_some_and(|service| service.log_sources().iter().any(|log| log.is_file(path)))
                }
                Destination::Discarded | Destination::Elsewhere(_) => !is_lost,
            };
            self.all.stated.extend(owner(source).map(|service| Stated {
                service,
                what: if same { format!("log of {}", unit.id) } else { format!("{setting} of {}", unit.id) },
                registry: "the journal".to_owned(),
                manager: Ok(words(to)),
                agree,
                command: Command::new(["systemctl", "cat", &unit.id]),
            }));
        }
    }

    /// `has_others` says whether its service has other sources.
    fn file(&mut self, source: Source, has_others: bool) {
        let Kind::File { path, .. } = &source.kind else { return };
        if let Some((dir, pattern)) = path.rsplit_once('/')
            && let Some((head, tail)) = pattern.split_once('*')
        {
            let fits =
                |name: &str| name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail);
            let entries = match self.system.list(dir) {
                Ok(entries) => entries,
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Vec::new(),
                Err(error) => {
                    let lost = (owner(&source), source.name.clone(), Trouble::from_io(&error));
                    return self.all.lost.push(lost);
                }
            };
            let mut names: Vec<String> = entries
                .into_iter()
                .filter(crate::host::files::Entry::is_file)
                .filter_map(|entry| entry.name.into_string().ok())
                .filter(|name| fits(name))
                .collect();
            names.sort_unstable();
            for name in names {
                let path = format!("{dir}/{name}");
                // The unit's own setting may have named it already.
                if !self.all.sources.iter().any(|other| other.is_file(&path) && owner(other) == owner(&source)) {
                    self.all.sources.push(Source::file_of(source.service, &path, false));
                }
            }
            return;
        }
        if let (Some(output), Some(service)) = (source.output, source.service) {
            return self.application(source, service, output);
        }
        // What need not be here is not looked for as long as there is something else.
        let optional = source.service.is_some_and(|service| service.presence != Presence::Required);
        if optional && has_others && self.system.is_missing(path) {
            return;
        }
        if !self.all.sources.iter().any(|other| other.is_file(path) && owner(other) == owner(&source)) {
            self.all.sources.push(source);
        }
    }

    /// A stream of a pm2 application: where its daemon says, which writes it.
    fn application(&mut self, source: Source, service: &'static Service, output: Output) {
        let app = service.managers.iter().find_map(|manager| match manager {
            Manager::Pm2(app) => Some(app),
            Manager::Systemd(_) | Manager::Compose(_) | Manager::Docker(_) => None,
        });
        let Some((app, answer)) = app.and_then(|app| Some((app, self.daemons.get(app.home)?))) else {
            return self.all.sources.push(source);
        };
        let Kind::File { path: registry, .. } = source.kind.clone() else { return };
        let state = |manager, agree| Stated {
            service: service.name,
            what: format!("{} of {}", output.words(), app.name),
            registry: registry.clone(),
            manager,
            agree,
            command: answer.command.clone(),
        };
        let daemon = match &answer.result {
            Ok(Some(daemon)) => daemon,
            // Nothing writes now: what the registry knows is what was written.
            Ok(None) => return self.all.sources.push(source),
            Err(trouble) => {
                self.all.stated.push(state(Err(trouble.clone()), false));
                self.all.doubts.push((service.name, trouble.clone()));
                return self.all.sources.push(source);
            }
        };
        let mut paths: Vec<&str> = Vec::new();
        for process in daemon.processes.iter().filter(|process| process.name == app.name) {
            let stated = stream_of(process, output).filter(|path| !paths.contains(path));
            paths.extend(stated);
        }
        if paths.is_empty() {
            return self.all.sources.push(source);
        }
        self.all.stated.push(state(Ok(paths.join(", ")), paths == [registry.as_str()]));
        for (index, path) in paths.iter().enumerate() {
            if self.all.sources.iter().any(|other| other.is_file(path) && owner(other) == Some(service.name)) {
                continue;
            }
            match self.refused(app, path, &registry) {
                Some(trouble) => self.all.lost.push((Some(service.name), source.name.clone(), trouble)),
                None => self.all.sources.push(source.at(path, index)),
            }
        }
    }

    /// Why what a daemon names is not read: it belongs to a user, who may name any file.
    fn refused(&self, app: &App, path: &str, registry: &str) -> Option<Trouble> {
        if path == registry {
            return None;
        }
        if path == "/dev/null" || path == "NULL" {
            return Some(Trouble::Failed(format!("pm2 discards it (it writes to {path}): nothing records it")));
        }
        if !Path::new(path).is_absolute() {
            return Some(Trouble::Failed(format!("pm2 names no absolute path: {path}")));
        }
        let account = self.system.account(|account| account.name == app.user)?;
        let meta = self.system.metadata(path).ok()?;
        let foreign = account.uid != 0 && std::os::unix::fs::MetadataExt::uid(&meta) != account.uid;
        foreign.then(|| {
            Trouble::Failed(format!("pm2 writes to {path}, which does not belong to {}; it is not read", app.user))
        })
    }

    /// Whether anything records what goes to the journal.
    fn journal_is_kept(&mut self) {
        let owners: Vec<Option<&'static str>> =
            self.all.sources.iter().filter(|source| matches!(source.kind, Kind::Journal { .. })).map(owner).collect();
        if owners.is_empty() {
            return;
        }
        let journald = self.units.iter().filter_map(|answer| answer.result.as_ref().ok()).flatten();
        let stopped = journald
            .filter(|unit| unit.is(unit_output::JOURNALD))
            .find(|unit| matches!(unit.active.as_str(), "inactive" | "failed" | "deactivating"));
        let why = match (stopped, super::kept::storage(self.system)) {
            (Some(unit), _) => format!("{} is {}: nothing is recorded", unit_output::JOURNALD, unit.active),
            (None, Some((storage, file))) if storage == "none" => {
                format!("no journal is kept (Storage=none in {file}): the output of services is not recorded")
            }
            (None, _) if super::kept::has_files(self.system) == Some(false) => super::journal::NONE_KEPT.to_owned(),
            (None, _) => return,
        };
        for owner in owners {
            self.all.lost.push((owner, "the journal".to_owned(), Trouble::Failed(why.clone())));
        }
    }
}

/// The file of a stream of a process; of both together where it has none of its own.
fn stream_of(process: &Process, output: Output) -> Option<&str> {
    let own = match output {
        Output::Out => &process.out_log,
        Output::Error => &process.error_log,
    };
    let nothing = |path: &&str| *path == "/dev/null" || *path == "NULL" || path.is_empty();
    let both = process.both_log.as_deref().filter(|path| !nothing(path));
    match own.as_deref() {
        Some(path) if nothing(&path) => both.or(Some("/dev/null")),
        own => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d13_every_way_of_pm2_to_write_a_stream_is_known() {
        let process = |out: Option<&str>, error: Option<&str>, both: Option<&str>| {
            let owned = |path: Option<&str>| path.map_or_else(|| "null".to_owned(), |path| format!(r#""{path}""#));
            let (out, error, both) = (owned(out), owned(error), owned(both));
            let text = format!(
                r#"[{{"name":"a","pid":1,"pm2_env":{{"status":"online","pm_out_log_path":{out},"pm_err_log_path":{error},"pm_log_path":{both}}}}}]"#
            );
            crate::host::tools::pm2::parse_jlist(&text).unwrap().remove(0)
        };
        let streams = |process: &Process| {
            [Output::Out, Output::Error].map(|output| stream_of(process, output).map(str::to_owned))
        };
        let some = |path: &str| Some(path.to_owned());
        for nothing in ["/dev/null", "NULL", ""] {
            let lost = process(Some(nothing), Some(nothing), None);
            assert_eq!(streams(&lost), [some("/dev/null"), some("/dev/null")], "{nothing}");
            let both = process(Some(nothing), Some("/e"), Some("/b"));
            assert_eq!(streams(&both), [some("/b"), some("/e")], "{nothing}");
            let none = process(Some(nothing), Some("/e"), Some(nothing));
            assert_eq!(streams(&none), [some("/dev/null"), some("/e")], "{nothing}");
        }
        assert_eq!(streams(&process(None, Some("/e"), Some("/b"))), [None, some("/e")]);
    }
    /// systemd's links name an invocation, not a file.
    #[test]
    fn journald_is_stopped_only_where_systemd_keeps_links_and_none_for_it() {
        let root = std::env::temp_dir().join(format!("opsctl-invocations-{}", std::process::id()));
        let system = System { root: root.clone(), ..System::real() };
        let links = root.join("run/systemd/units");
        let without_links = is_stopped(&system, unit_output::JOURNALD);
        std::fs::create_dir_all(&links).unwrap();
        let without_its_link = is_stopped(&system, unit_output::JOURNALD);
        let link = links.join(format!("invocation:{}", unit_output::JOURNALD));
        std::os::unix::fs::symlink("83c3da63a76249468c3ba6af03b7a9fb", link).unwrap();
        let with_it = is_stopped(&system, unit_output::JOURNALD);
        std::fs::remove_dir_all(root).unwrap();
        assert_eq!([without_links, without_its_link, with_it], [false, true, false]);
    }
}
