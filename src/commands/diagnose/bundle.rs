//! `opsctl diagnose --bundle`: all evidence as one tar, written as it is made and nowhere else, so that it also works where
//! the disk is full. What it holds has gone through the same redaction as what is printed; of configuration it holds names
//! and hashes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tar::{Builder, Header};

use super::scene::Scene;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::host::files::{anchored, private};
use crate::host::system::System;
use crate::observe::logs::{self, Wanted};
use crate::observe::probe;
use crate::observe::probe::record::Record;
use crate::program;
use crate::registry::{Deployment, Manager, Proxy, Service};
use crate::report::bundle::{ConfigFile, Manifest, Ran};
use crate::report::diagnosis::Diagnosis;
use crate::report::status::Status;
use crate::ui::{Ui, escape};

/// No file of the bundle is longer, bytes; a log loses its oldest lines.
const LONGEST: usize = 1 << 20;
/// What everything in a tar is a multiple of.
const BLOCK: usize = 512;
/// The whole is not longer.
const LARGEST: usize = 32 << 20;
/// How many of the newest lines of each service.
const LINES: u64 = 300;
/// Of larger files no hash is made.
const HASHED: u64 = 16 << 20;
/// How long the logs may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the bundle goes.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// Standard output.
    Stream,
    /// A new file.
    File(PathBuf),
}

impl Target {
    /// `-`, or a path.
    pub(super) fn of(text: &str) -> Self {
        if text == "-" { Target::Stream } else { Target::File(PathBuf::from(text)) }
    }
}

/// All that goes into it.
pub(super) struct Evidence<'a> {
    pub document: &'a Diagnosis,
    pub status: &'a Status,
    pub scene: &'a Scene,
    pub records: &'a [Record],
}

/// Writes it, and says how much that was.
///
/// # Errors
/// When it cannot be written: then a file that was begun is removed.
pub(super) fn write(
    context: &Context<'_>,
    deployment: &'static Deployment,
    target: &Target,
    evidence: &Evidence<'_>,
) -> anyhow::Result<String> {
    let root = format!("opsctl-{}-{}", deployment.name, evidence.document.head.time.strftime("%Y%m%dT%H%M%SZ"));
    let mut made_at = None;
    let (to, name) = match target {
        Target::Stream if Ui::is_terminal() => {
            return Err(Error::usage(
                Code::Terminal,
                "a tar cannot be printed on a terminal: redirect it, or name a file",
            )
            .into());
        }
        Target::Stream => (To::Stream, "standard output".to_owned()),
        Target::File(path) => {
            // Never over something that is there, and never for others to read.
            let made = std::path::absolute(path).and_then(|path| System::real().locate(path)).and_then(|place| {
                let file = private::create_new(&anchored(&place.directory, &place.name))?;
                Ok((file, place))
            });
            let (file, place) = made.map_err(|error| unwritten(&path.display().to_string(), &error))?;
            made_at = Some(place);
            (To::File(file), path.display().to_string())
        }
    };
    let builder = Builder::new(Sink { to, size: 0 });
    let archive = Archive { builder, root, time: evidence.document.head.time, manifest: Manifest::default() };
    match fill(context, deployment, evidence, archive) {
        Ok((files, size)) => Ok(format!("{name}: {files} files, {size} bytes")),
        Err(error) => match made_at {
            None => Err(error.into()),
            Some(place) => {
                // Half a bundle is none.
                let _ = private::remove_file(&anchored(&place.directory, &place.name));
                Err(unwritten(&name, &error).into())
            }
        },
    }
}

fn unwritten(name: &str, error: &io::Error) -> Error {
    Error::failed(Code::Bundle, format!("the bundle {name} cannot be written: {error}"))
        .hint(format!("send it elsewhere: ssh HOST {} diagnose --bundle - > bundle.tar", program::name()))
}

enum To {
    Stream,
    File(File),
}

/// Where it goes, and how much has.
struct Sink {
    to: To,
    size: usize,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Stream => Ui::raw(bytes)?,
            To::File(file) => file.write_all(bytes)?,
        }
        self.size += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Archive {
    builder: Builder<Sink>,
    root: String,
    time: Timestamp,
    manifest: Manifest,
}

impl Archive {
    fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        if self.builder.get_ref().size + BLOCK + content.len().next_multiple_of(BLOCK) > LARGEST {
            self.manifest.left_out.push(format!("{name}: the bundle would be longer than {LARGEST} bytes"));
            return Ok(());
        }
        let mut header = header(content.len(), self.time)?;
        self.builder.append_data(&mut header, format!("{}/{name}", self.root), content)?;
        self.manifest.files.push((name.to_owned(), content.len() as u64));
        Ok(())
    }

    fn document(&mut self, name: &str, document: &impl Serialize) -> io::Result<()> {
        self.add(name, &Ui::document(document)?)
    }
}

/// A file that its owner alone can read, who is root.
fn header(size: usize, time: Timestamp) -> io::Result<Header> {
    let mut header = Header::new_gnu();
    header.set_size(size as u64);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(time.as_second()).unwrap_or(0));
    header.set_uid(0);
    header.set_gid(0);
    header.set_username("root")?;
    header.set_groupname("root")?;
    Ok(header)
}

/// What matters most comes first: whoever reads has it even if the rest never arrives.
fn fill(
    context: &Context<'_>,
    deployment: &'static Deployment,
    evidence: &Evidence<'_>,
    mut archive: Archive,
) -> io::Result<(usize, usize)> {
    archive.document("diagnosis.json", evidence.document)?;
    archive.document("status.json", evidence.status)?;
    let commands: Vec<Ran> = evidence.records.iter().map(command).collect();
    archive.document("commands.json", &commands)?;
    archive.document("config.json", &config(context, deployment, evidence.scene))?;
    logs(context, deployment, evidence.scene, &mut archive)?;
    let manifest = std::mem::take(&mut archive.manifest);
    archive.document("manifest.json", &manifest)?;
    let sink = archive.builder.into_inner()?;
    match &sink.to {
        To::Stream => {}
        To::File(file) => file.sync_all()?,
    }
    Ok((manifest.files.len() + 1, sink.size))
}

fn command(record: &Record) -> Ran {
    let Record { command, exit_code, duration } = record.clone();
    Ran { command, exit_code, duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX) }
}

/// The newest lines of each service that is here.
fn logs(
    context: &Context<'_>,
    deployment: &'static Deployment,
    scene: &Scene,
    archive: &mut Archive,
) -> io::Result<()> {
    let begun = Instant::now();
    let limit = PATIENCE.min(context.time_left().unwrap_or(PATIENCE));
    let services: Vec<&'static Service> =
        scene.services().filter(|service| !service.log_sources().is_empty()).collect();
    let wanted = Wanted { tail: Some(LINES), brief: true, ..Wanted::default() };
    let found = logs::destinations(context.system, context.trace(), &services, Some(&scene.evidence.managers), limit);
    let mut heard = logs::hear(context.system, context.trace(), deployment, &services, wanted, limit, &found);
    for service in services {
        let (own, others) = std::mem::take(&mut heard.lines).into_iter().partition(|(name, _)| *name == service.name);
        heard.lines = others;
        let own: Vec<(&str, crate::observe::logs::line::Said)> = own;
        let mut text = String::new();
        for (_, said) in &own {
            let time = said.time.map_or_else(|| "-".to_owned(), |time| time.to_string());
            let _ = writeln!(text, "{time} {} {}", said.source, escape::line(&said.text));
        }
        let name = format!("logs/{}.txt", service.name);
        let begin = (text.len().saturating_sub(LONGEST)..=text.len()).find(|at| text.is_char_boundary(*at));
        let begin = begin.unwrap_or_default();
        if begin > 0 {
            archive.manifest.left_out.push(format!("{name}: the oldest {begin} bytes"));
        }
        if !text.is_empty() {
            archive.add(&name, &text.as_bytes()[begin..])?;
        }
    }
    let seconds = begun.elapsed().as_secs_f32();
    let troubles = heard.troubles.iter().map(|(name, trouble)| format!("logs/{name}.txt: {trouble} ({seconds:.1} s)"));
    archive.manifest.left_out.extend(troubles);
    Ok(())
}

/// Files that decide how services run: units, env files, compose files, and the proxy's.
fn config(context: &Context<'_>, deployment: &'static Deployment, scene: &Scene) -> Vec<ConfigFile> {
    let mut paths: Vec<(String, Option<&'static Service>, bool)> = Vec::new();
    let proxy = match &deployment.proxy {
        Some(Proxy::Caddy { config }) => Some(*config),
        Some(Proxy::Nginx) => Some("/etc/nginx/nginx.conf"),
        None => None,
    };
    paths.extend(proxy.map(|path| (path.to_owned(), None, false)));
    for service in scene.services() {
        let name = Some(service);
        paths.extend(scene.fragment(service).map(|path| (path.to_owned(), name, false)));
        paths.extend(service.env.iter().flat_map(|env| env.paths).map(|path| ((*path).to_owned(), name, true)));
        for manager in service.managers {
            match manager {
                Manager::Compose(compose) => {
                    paths.extend(compose.files.iter().map(|path| ((*path).to_owned(), name, false)));
                }
                Manager::Systemd(_) | Manager::Docker(_) | Manager::Pm2(_) => {}
            }
        }
    }
    let mut found: Vec<ConfigFile> = Vec::new();
    for (path, service, settings) in paths {
        if path.is_empty() || found.iter().any(|other| other.path == path) {
            continue;
        }
        let file = one(context, path, service, settings);
        found.extend(file);
    }
    found
}

/// A file; `None` where there is none.
fn one(context: &Context<'_>, path: String, service: Option<&'static Service>, settings: bool) -> Option<ConfigFile> {
    let mut file = ConfigFile {
        path,
        service: service.map(|service| service.name),
        bytes: None,
        mode: None,
        written: None,
        sha256: None,
        keys: Vec::new(),
        trouble: None,
    };
    let mut read = || -> io::Result<()> {
        let meta = context.system.metadata(&file.path)?;
        file.bytes = Some(meta.len());
        file.mode = Some(format!("{:o}", meta.mode() & 0o7777));
        file.written = meta.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        if !meta.is_file() || meta.len() > HASHED {
            file.trouble = Some("no file of a size that a hash is made of".to_owned());
            return Ok(());
        }
        let content = context.system.read_bytes(&file.path, HASHED)?;
        file.sha256 = Some(hex(&Sha256::digest(&content)));
        if let Some(service) = service.filter(|_| settings) {
            let reading = probe::settings::of_service(context.system, service, &file.path)?;
            file.keys = reading.keys().into_iter().map(str::to_owned).collect();
            file.trouble = reading.refusal();
        }
        Ok(())
    };
    match read() {
        Ok(()) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            file.trouble = Some(error.to_string());
            Some(file)
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read;

    #[test]
    fn a_bundle_is_roots_alone_and_not_larger_than_it_may_be() {
        let path = std::env::temp_dir().join(format!("opsctl-bundle-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        let time = Timestamp::from_second(1_795_325_400).unwrap();
        let builder = Builder::new(Sink { to: To::File(file), size: 0 });
        let mut archive = Archive { builder, root: "r".to_owned(), time, manifest: Manifest::default() };
        archive.add("b.json", b"{}\n").unwrap();
        assert_eq!(archive.builder.get_ref().size, 1024);
        let long = "ä".repeat(80);
        archive.add(&long, &[7; 512]).unwrap();
        // A byte more than there is room for.
        let room = LARGEST - archive.builder.get_ref().size - BLOCK;
        archive.add("large", &vec![0; room + 1]).unwrap();
        assert_eq!(archive.manifest.left_out, ["large: the bundle would be longer than 33554432 bytes"]);
        archive.add("fits", &vec![0; room]).unwrap();
        assert_eq!(archive.builder.get_ref().size, LARGEST);
        drop(archive.builder.into_inner().unwrap());
        let mut read = tar::Archive::new(File::open(&path).unwrap());
        let mut found = Vec::new();
        for entry in read.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let header = entry.header();
            assert_eq!((header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0o600, 0, 0));
            assert_eq!((header.username(), header.groupname()), (Ok(Some("root")), Ok(Some("root"))));
            assert_eq!(header.mtime().unwrap(), 1_795_325_400);
            found.push((entry.path().unwrap().display().to_string(), content.len()));
        }
        let _ = fs::remove_file(&path);
        assert_eq!(found, [("r/b.json".to_owned(), 3), (format!("r/{long}"), 512), ("r/fits".to_owned(), room)]);
    }
}
