//! Configurations that changed since their programs read them, and what the programs say of them. A program is run as root only
//! on files that nobody but root can change.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use jiff::{SignedDuration, Timestamp};

use super::host::looked;
use crate::host::exec::{Output, ProcessEnd};
use crate::host::system::System;
use crate::host::tools::{Argv, caddy, checkers, ending, nginx, procfs};
use crate::host::trouble::{Trouble, failure};
use crate::observe::probe::{Answer, Door};
use crate::registry::{Checker, Clue, Deployment, Failure, Proxy};

/// What a program says of its configuration.
#[derive(Debug)]
pub struct Checked {
    /// Which program.
    pub checker: Checker,
    /// What changed last, after the program read it.
    pub changed: String,
    /// When that was.
    pub time: Timestamp,
    /// Why it rejects it; `None`: it takes it.
    pub answer: Answer<Option<String>>,
}

/// The most files of a configuration that are looked at.
const MOST: usize = 400;
/// Ticks of the clock a second, as the kernel shows times of processes everywhere.
const TICKS: u64 = 100;
/// sudo reads its files at every call, so that what was broken long ago is known.
const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Asks those that have something new to read.
pub(super) fn look(door: Door<'_>, deployment: &'static Deployment) -> Vec<Checked> {
    let system = door.system;
    let Some(boot) = booted(system) else { return Vec::new() };
    let caddyfile = match &deployment.proxy {
        Some(Proxy::Caddy { config }) => *config,
        Some(Proxy::Nginx) | None => "/etc/caddy/Caddyfile",
    };
    // Some deployments have a cause of their own for their proxy's.
    let is_own =
        deployment.all_failures().flat_map(Failure::causes).any(|cause| matches!(cause.proof, Clue::ProxyRejects));
    let proxy = deployment.proxy.as_ref().filter(|_| is_own);
    let (caddy, nginx) = (!matches!(proxy, Some(Proxy::Caddy { .. })), !matches!(proxy, Some(Proxy::Nginx)));
    let week = system.now() - RECENT;
    let sshd =
        || Some(noted(system, "/run/sshd.pid", "sshd").and_then(|pid| started(system, boot, pid)).unwrap_or(boot));
    [
        sshd().and_then(|read| one(door, Checker::Sshd, &["/etc/ssh"], read, &checkers::sshd())),
        one(door, Checker::Sudo, &["/etc/sudoers", "/etc/sudoers.d"], week.min(boot), &checkers::visudo()),
        workers(system, boot)
            .filter(|_| nginx)
            .and_then(|read| one(door, Checker::Nginx, &["/etc/nginx"], read, &nginx::validate())),
        loaded(system, boot)
            .filter(|_| caddy)
            .and_then(|read| one(door, Checker::Caddy, &[caddyfile], read, &caddy::adapt(caddyfile))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// When the kernel was started, whose clock counts for processes.
pub(super) fn booted(system: &System) -> Option<Timestamp> {
    let millis = procfs::uptime_millis(&system.read("/proc/uptime").ok()?).ok()?;
    system.now().checked_sub(SignedDuration::from_millis(millis)).ok()
}

pub(super) fn started(system: &System, boot: Timestamp, pid: u32) -> Option<Timestamp> {
    let millis = i64::try_from(system.process_started(pid)?.saturating_mul(1000) / TICKS).ok()?;
    boot.checked_add(SignedDuration::from_millis(millis)).ok()
}

/// The process that a file names, if it is of that program.
fn noted(system: &System, file: &str, name: &str) -> Option<u32> {
    let pid = system.read(file).ok()?.trim().parse().ok()?;
    (system.process_name(pid).as_deref() == Some(name)).then_some(pid)
}

/// When the newest worker of nginx was started: at its last reload.
fn workers(system: &System, boot: Timestamp) -> Option<Timestamp> {
    let master = noted(system, "/run/nginx.pid", "nginx")?;
    let own = system.processes().into_iter().filter(|pid| *pid == master || system.parent_of(*pid) == Some(master));
    own.filter_map(|pid| started(system, boot, pid)).max()
}

/// When Caddy took a configuration last: it saves what it takes.
fn loaded(system: &System, boot: Timestamp) -> Option<Timestamp> {
    let pid = system
        .processes()
        .into_iter()
        .find(|pid| system.process_name(*pid).as_deref() == Some("caddy") && system.parent_of(*pid) == Some(1))?;
    let saved = system.metadata("/var/lib/caddy/.config/caddy/autosave.json").ok();
    let saved = saved.and_then(|meta| Timestamp::try_from(meta.modified().ok()?).ok());
    started(system, boot, pid).into_iter().chain(saved).max()
}

/// Asks a program, if one of its files changed since it read them.
fn one(door: Door<'_>, checker: Checker, places: &[&str], read: Timestamp, argv: &Argv) -> Option<Checked> {
    let system = door.system;
    let mut files = BTreeSet::new();
    let newest = places.iter().filter_map(|place| gather(system, place, &mut files, 0)).max_by_key(|(time, _)| *time);
    let (time, changed) = newest.filter(|(time, _)| *time > read)?;
    if !matches!(system.find_program(argv.program), Ok(Some(_))) {
        return None;
    }
    let unasked = |trouble: Trouble| Answer { command: argv.into(), result: Err(trouble) };
    let answer = match writer(system, checker, &files) {
        _ if !system.is_root() => unasked(Trouble::NeedsRoot("to check a configuration")),
        Err(trouble) => unasked(trouble),
        Ok(()) => door.ask_with(argv, |output| verdict(checker, output)),
    };
    Some(Checked { checker, changed, time, answer })
}

/// What of a place changed last, content, owner or mode; collects its files.
fn gather(system: &System, place: &str, files: &mut BTreeSet<String>, depth: u8) -> Option<(Timestamp, String)> {
    let meta = system.metadata(place).ok()?;
    let (seconds, nanos) = (meta.mtime(), meta.mtime_nsec()).max((meta.ctime(), meta.ctime_nsec()));
    let changed = Timestamp::new(seconds, i32::try_from(nanos).ok()?).ok()?;
    let mut newest = (changed, place.to_owned());
    if meta.is_file() && files.len() < MOST {
        files.insert(place.to_owned());
    }
    if meta.is_dir() && depth < 3 {
        for entry in system.list(place).unwrap_or_default() {
            let Some(name) = entry.name.to_str() else { continue };
            let below = gather(system, &format!("{place}/{name}"), files, depth + 1);
            newest = below.into_iter().fold(newest, |one, other| if other.0 >= one.0 { other } else { one });
        }
    }
    Some(newest)
}

/// Refuses files that others than root can change, and those that include what lies elsewhere.
fn writer(system: &System, checker: Checker, files: &BTreeSet<String>) -> Result<(), Trouble> {
    let refuse = |path: &str| Err(Trouble::Failed(format!("not run as root: others can change {path}")));
    for path in files {
        match system.author(path) {
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => return refuse(path),
        }
        let Some(text) = looked(system.read(path))?.filter(|_| checker != Checker::Caddy) else { continue };
        let includes = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let word = words.next()?.to_ascii_lowercase();
            ["include", "@include", "#include", "@includedir", "#includedir"]
                .contains(&word.as_str())
                .then(|| words.next())?
        });
        for included in includes.map(|path| path.trim_matches(['"', ';'])).filter(|path| path.starts_with('/')) {
            let known = ["/etc/ssh/", "/etc/sudoers.d", "/etc/nginx/", "/usr/share/"]
                .iter()
                .any(|own| included.starts_with(own));
            if !known && !included.contains('*') && !matches!(system.author(included), Ok(None))
                || !known && included.contains('*')
            {
                return refuse(included);
            }
        }
    }
    Ok(())
}

/// The same without the lines that only frame a warning.
fn unframed(said: &str) -> String {
    said.lines().filter(|line| !line.starts_with('@')).collect::<Vec<_>>().join("\n")
}

/// What a program says: that it takes its configuration, or why not. How else it may fail says nothing of that.
fn verdict(checker: Checker, output: &Output) -> Result<Option<String>, Trouble> {
    let said = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    let said = if said.trim().is_empty() { printed } else { said };
    let is_rejection = match checker {
        Checker::Sshd => !said.contains("privilege separation directory") && !said.trim().is_empty(),
        Checker::Sudo => ["syntax error", "parse error", "wrong owner"].iter().any(|word| said.contains(word)),
        Checker::Nginx => said.contains("test failed"),
        Checker::Caddy => said.contains("adapting config") || said.contains("Caddyfile:"),
    };
    match output.exit {
        ProcessEnd::Code(0) => Ok(None),
        // visudo wants 0440, sudo takes what others cannot write.
        ProcessEnd::Code(_) if !is_rejection && said.contains("bad permissions") => Ok(None),
        ProcessEnd::Code(_) if is_rejection => Ok(Some(ending(&unframed(&said)))),
        _ => Err(failure(output)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_a_rejection_are_one() {
        let said = |code: i32, text: &str| Output {
            exit: ProcessEnd::Code(code),
            stdout: Vec::new(),
            stderr: text.as_bytes().to_vec(),
        };
        for (checker, code, text, rejects) in [
            (Checker::Sshd, 0, "", Some(false)),
            (Checker::Sshd, 255, "/etc/ssh/sshd_config: line 3: Bad configuration option: Prt\n", Some(true)),
            (Checker::Sshd, 255, "sshd: no hostkeys available -- exiting.\n", Some(true)),
            (Checker::Sshd, 255, "Missing privilege separation directory: /run/sshd\n", None),
            (Checker::Sshd, 255, "", None),
            (Checker::Sudo, 1, "/etc/sudoers.d/x:1:5: syntax error\n", Some(true)),
            (Checker::Sudo, 1, "/etc/sudoers: bad permissions, should be mode 0440\n", Some(false)),
            (Checker::Sudo, 1, "visudo: unable to open\n", None),
            (Checker::Nginx, 1, "nginx: configuration file /etc/nginx/nginx.conf test failed\n", Some(true)),
            (Checker::Nginx, 1, "nginx: [alert] could not open error log file\n", None),
            (
                Checker::Caddy,
                1,
                "Error: adapting config using caddyfile: Caddyfile:3: unrecognized directive: x\n",
                Some(true),
            ),
            (Checker::Caddy, 1, "Error: reading config\n", None),
        ] {
            let found = verdict(checker, &said(code, text)).ok().map(|found| found.is_some());
            assert_eq!(found, rejects, "{checker:?} {text:?}");
        }
    }
}
