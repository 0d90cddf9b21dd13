//! A host that is made up: what its tools printed and its services answered, compiled in and read by the parsers of real hosts.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};

use crate::envfile::Reading;
use crate::host::tools::command::Command;
use crate::host::tools::mountinfo::FileSystem;
use crate::host::tools::{docker, procfs, systemctl, timedatectl};
use crate::host::trouble::Trouble;
use crate::observe::clues::changes::Change;
use crate::observe::clues::{Clues, EnvFound};
use crate::observe::logs::line::{Line, Said};
use crate::observe::logs::parse::understand;
use crate::observe::logs::source;
use crate::observe::logs::stamp::Clock;
use crate::observe::probe::{Answer, Evidence, Holder, HostEvidence, ManagerEvidence, OomRecord, Reply, Served};
use crate::observe::probe::{TlsEdge, Trust};
use crate::registry::{DEPLOYMENTS, Deployment, Manager, Probe, Service};

/// Its name.
pub const NAME: &str = "demo-host";
/// The time at which it stands still, 2026-02-26 02:11:07 UTC.
const NOW: i64 = 1_772_071_867;
/// When it was booted.
const BOOTED: i64 = NOW - 17 * 86_400;
/// When the file was written that the wallet cannot start with.
const WRITTEN: i64 = NOW - 53;
/// When the wallet ended last.
const ENDED: i64 = NOW - 5;
/// The service that is broken.
pub const BROKEN: &str = "wallet";
/// A unit, as `systemctl show` prints it, with names in place of what differs.
const UNIT: &str = include_str!("unit.txt");
/// Its only container, as `docker inspect` prints it.
const CONTAINER: &str = include_str!("container.json");
/// Lines of its logs: time, service, text.
const LOG: &str = include_str!("log.txt");
/// The service that is not there.
const ABSENT: &str = "infer";

/// The time there.
pub fn now() -> Timestamp {
    at(NOW)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

/// The deployment there, also in a program that is compiled for others.
pub fn deployment() -> Option<&'static Deployment> {
    DEPLOYMENTS.iter().copied().find(|deployment| deployment.name == "prim")
}

fn said<T>(command: impl Into<Command>, value: T) -> Answer<T> {
    Answer { command: command.into(), result: Ok(value) }
}

fn parsed<T>(command: impl Into<Command>, value: Result<T, crate::host::tools::Malformed>) -> Answer<T> {
    Answer { command: command.into(), result: value.map_err(Trouble::from) }
}

/// What is seen of these services, and of the host `with_host`.
pub fn evidence(services: &[&'static Service], with_host: bool) -> Evidence {
    let names: Vec<&str> = services.iter().flat_map(|service| service.managers).map(Manager::unit).collect();
    let managers = ManagerEvidence {
        units: Some(parsed(systemctl::show(names, with_host), systemctl::parse_show(&units(services)))),
        containers: Some(parsed(docker::inspect(["stalwart"]), docker::parse_inspect(CONTAINER))),
        ..ManagerEvidence::default()
    };
    let holder = |service: &&Service| if service.name == BROKEN { Holder::Nobody } else { Holder::Unasked };
    Evidence {
        time: now(),
        managers,
        replies: services
            .iter()
            .map(|service| service.probes.iter().map(|probe| reply(service, probe)).collect())
            .collect(),
        holders: services.iter().map(holder).collect(),
        host: with_host.then(host),
    }
}

/// Blocks of `systemctl show`, one a unit.
fn units(services: &[&'static Service]) -> String {
    let mut text = String::new();
    for service in services {
        let unit = match service.managers.first() {
            Some(Manager::Systemd(unit)) if service.name != ABSENT => unit.name,
            _ => continue,
        };
        let number = i64::from(service.ports.first().copied().unwrap_or_default() % 100);
        let well = [("active", "active"), ("sub", "running"), ("result", "success"), ("restarts", "0"), ("code", "0")];
        let looping = [
            ("active", "activating"),
            ("sub", "auto-restart"),
            ("result", "exit-code"),
            ("restarts", "3"),
            ("code", "1"),
        ];
        let broken = service.name == BROKEN;
        let mut block = UNIT.replace("{unit}", unit).replace("{name}", service.name);
        for (key, value) in if broken { looping } else { well } {
            block = block.replace(&format!("{{{key}}}"), value);
        }
        let (pid, memory, since) = match broken {
            true => (0, "[not set]".to_owned(), ENDED),
            false => (1200 + 7 * number, ((38 + 3 * (number % 7)) << 20).to_string(), BOOTED + 30 + number),
        };
        for (key, value) in [("pid", pid.to_string()), ("memory", memory), ("since", since.to_string())] {
            block = block.replace(&format!("{{{key}}}"), &value);
        }
        text.push_str(&block);
        text.push('\n');
    }
    text
}

/// What a service answers when it is probed.
fn reply(service: &Service, probe: &Probe) -> Answer<Reply> {
    let port = probe.port().unwrap_or_default();
    let refused = service.name == BROKEN || service.name == ABSENT;
    let path = if port == 6333 { "/healthz" } else { "/" };
    let command = match probe {
        Probe::Banner { .. } => Command::shell(format!("nc -w 3 127.0.0.1 {port} </dev/null")),
        _ => Command::new(["curl", "-sS", "-i", "-m", "3", &format!("http://127.0.0.1:{port}{path}")]),
    };
    let reply = match probe {
        _ if refused => Reply::Silent("connection refused".to_owned()),
        Probe::Banner { .. } => Reply::Line("220 mail.prim.sh Stalwart ESMTP at your service".to_owned()),
        _ if port == 80 => Reply::Http { status: 308, body: String::new() },
        _ => Reply::Http { status: 200, body: format!(r#"{{"service":"{}.sh","status":"ok"}}"#, service.name) },
    };
    said(command, reply)
}

/// The host under them.
fn host() -> HostEvidence {
    let disk = FileSystem {
        kind: "ext4".to_owned(),
        size: 50 << 30,
        used: 17 << 30,
        available: 31 << 30,
        inodes: Some((3_276_800, 241_117)),
        mounted_on: "/".to_owned(),
    };
    let cat = |path: &str| Command::new(["cat", path]);
    let certificate = |name: &str| Served {
        not_before: at(NOW - 29 * 86_400),
        not_after: at(NOW + 61 * 86_400),
        names: vec![name.to_owned()],
        is_endless: false,
        issuer: "Let's Encrypt E7".to_owned(),
        trust: Trust::Known,
    };
    let client = |name: &str| {
        let client = format!("openssl s_client -connect 127.0.0.1:443 -servername {name}");
        Command::shell(format!("{client} </dev/null | openssl x509 -noout -dates"))
    };
    let served = ["wallet.prim.sh", "store.prim.sh", "mail.prim.sh"];
    HostEvidence {
        disks: said(cat("/proc/self/mountinfo"), vec![disk]),
        silent_disks: Vec::new(),
        memory: parsed(
            cat("/proc/meminfo"),
            procfs::meminfo("MemTotal: 2013820 kB\nMemAvailable: 1107601 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"),
        ),
        load: parsed(cat("/proc/loadavg"), procfs::loadavg("0.42 0.31 0.25 1/120 4242\n")),
        processors: parsed(cat("/proc/stat"), procfs::processors("cpu  1 2 3\ncpu0 1 2 3\nintr 5\n")),
        uptime_seconds: parsed(
            cat("/proc/uptime"),
            procfs::uptime_seconds(&format!("{}.00 1000000.00\n", NOW - BOOTED)),
        ),
        clock: Some(parsed(timedatectl::show(), timedatectl::parse("NTPSynchronized=yes\n"))),
        oom_kills: said(
            cat("/proc/vmstat"),
            OomRecord { kills: Vec::new(), counted: 0, reaches: None, is_shared: false },
        ),
        certificates: served.map(|name| (name.to_owned(), said(client(name), Ok(certificate(name))))).into(),
        edge: TlsEdge::Asked(443),
        unserved: Vec::new(),
        names_trouble: None,
        visits: Vec::new(),
    }
}

/// What diagnosis asks beyond that, of the service that is broken.
pub fn clues(service: &'static Service) -> Clues {
    let path = "/etc/prim/wallet.env";
    let keys = [("PORT", "3001"), ("PRIM_PAY_TO", "0x5f"), ("PRIM_NETWORK", "eip155:1"), ("PRIM_INTERNAL_KEY", "x")];
    let env = EnvFound {
        path: Some(path.to_owned()),
        settings: Reading::of(keys),
        places: vec![(path.to_owned(), keys.map(|(key, _)| key.to_owned()).into())],
        ..EnvFound::default()
    };
    let lines = log(&[service]).into_iter().map(|(_, line)| Said::of(&line)).collect();
    Clues {
        said: BTreeMap::from([(service.name, said(Command::own(["demo", "logs", service.name]), lines))]),
        env: BTreeMap::from([(service.name, said(Command::new(["cut", "-d=", "-f1", path]), env))]),
        ..Clues::default()
    }
}

/// What changed there before it broke.
pub fn changes() -> Vec<Change> {
    vec![Change { time: at(WRITTEN), what: "/etc/prim/wallet.env was written".to_owned(), service: Some(BROKEN) }]
}

/// Since when the wallet ends again and again.
pub fn looping_since() -> Timestamp {
    at(WRITTEN) + SignedDuration::from_secs(31)
}

/// Lines of these services, oldest first, each with its service's place among them.
pub fn log(services: &[&'static Service]) -> Vec<(usize, Line<'static>)> {
    static SOURCES: OnceLock<BTreeMap<&str, String>> = OnceLock::new();
    let all = || deployment().map(|deployment| deployment.services).unwrap_or_default();
    let named =
        |service: &&'static Service| Some((service.name, source::name(Some(service), service.log_sources().first()?)));
    let sources = SOURCES.get_or_init(|| all().iter().filter_map(named).collect());
    let clock = Clock { zone: jiff::tz::TimeZone::UTC, now: now() };
    let line = |row: &'static str| {
        let (time, rest) = row.split_once(' ')?;
        let (name, text) = rest.split_once(' ')?;
        let index = services.iter().position(|service| service.name == name)?;
        let understood = understand(text, None, &clock);
        let line = Line {
            time: time.parse().ok(),
            service: Some(services[index].name),
            source: sources.get(name)?,
            level: understood.level,
            message: Some(match understood.message {
                std::borrow::Cow::Borrowed(message) => message,
                // No line here has escapes in its message.
                std::borrow::Cow::Owned(_) => text,
            }),
            fields: understood.fields,
            truncated: false,
        };
        Some((index, line))
    };
    LOG.lines().filter_map(line).collect()
}
