//! Every condition in a world where nothing was asked, and in one where everything answers with nothing: what is not known is
//! open. What an empty answer does rule out is listed, with the reason.

use super::*;
use crate::host::tools::procfs::Memory;
use crate::observe::probe::{HostEvidence, OomRecord, TlsEdge};
use crate::registry::{
    DataClue, Database, Drift, Ending, Family, FileClue, Flaw, Footing, Leftovers, LineShare, Listening, Passage,
    Query, Question, RedisQuestion, Share, Shows, Surroundings, Unattended, Values,
};

static LOAD: Clue = Clue::Load;
static ASKED: Http = Http::get(1000, "/health", &[]);
static OUTPUT: Question = Question::new("uptime");
static ROWS: Query = Query::new(&KEEPER, Database::Own, "SELECT 1");
static KEYS: RedisQuestion = RedisQuestion::new(&KEEPER, &[&["DBSIZE"]]);
static LINES: LineShare = LineShare::new("/var/log/x", Share::above(5).part("a").whole("b")).seconds(60);

static CLUES: &[Clue] = &[
    Clue::All(&[Clue::Load]),
    Clue::Any(&[Clue::Load]),
    Clue::Not(&LOAD),
    Clue::Of(&KEEPER, &LOAD),
    Clue::Unhealthy,
    Clue::State(&[State::Failed]),
    Clue::Reply(Heard::Silence),
    Clue::Ended(Ending::Exit(&[1])),
    Clue::Restarts(3),
    Clue::HealthCheckFails,
    Clue::Container(&["exited"]),
    Clue::ReloadNeeded,
    Clue::PortTaken,
    Clue::PortClosed,
    Clue::ListensElsewhere,
    Clue::ContainerRemoved,
    Clue::PmEmpty,
    Clue::Slow,
    Clue::Exhausted,
    Clue::MemoryHigh,
    Clue::RouteElsewhere,
    Clue::Env(EnvClue::KeysMissing(&["KEY"])),
    Clue::Said("boom", Window::Run),
    Clue::SaidTimes(2, "boom", Window::Run),
    Clue::Reports(Family::FileMissing),
    Clue::Disk(Verdict::Fail),
    Clue::Inodes(Verdict::Fail),
    Clue::Memory(Verdict::Fail),
    Clue::Swap(50),
    Clue::Load,
    Clue::ClockAdrift,
    Clue::OomKills,
    Clue::FailedUnits,
    Clue::LoopingUnits,
    Clue::Certificate(Flaw::Any),
    Clue::Certificate(Flaw::Expired),
    Clue::Certificate(Flaw::Ending),
    Clue::Certificate(Flaw::Early),
    Clue::Certificate(Flaw::OtherName),
    Clue::Certificate(Flaw::None),
    Clue::UnmanagedContainers,
    Clue::EngineDown,
    Clue::PmDown,
    Clue::Backup(Lapse::Overdue),
    Clue::File("/x", FileClue::Exists),
    Clue::Leftovers(Leftovers::in_dir("/x")),
    Clue::Port(1000, Listening::By(&["x"])),
    Clue::Running("backup.sh"),
    Clue::FirewallCloses(1000),
    Clue::ProxyRejects,
    Clue::Get(&ASKED, Heard::Silence),
    Clue::LongAgo(&ASKED, "at", 60),
    Clue::Output(&OUTPUT, Shows::Line("x")),
    Clue::Query(&ROWS, Shows::Line("x")),
    Clue::Redis(&KEYS, Shows::Line("x")),
    Clue::Lines(&LINES),
    Clue::Drift(Drift::Bound),
    Clue::Route(Passage::Swapped),
    Clue::Unattended(Unattended::NotAtBoot),
    Clue::Footing(Footing::Resolver),
    Clue::Footing(Footing::DeletedFiles),
    Clue::Unmanaged(crate::registry::Unmanaged::FileChanged),
    Clue::Unmanaged(crate::registry::Unmanaged::OpenFiles),
    Clue::Data(DataClue::ReadOnlyDefault),
    Clue::Surroundings(Surroundings::OffNetwork),
    Clue::Values(Values::InUse),
];

/// Its name. One that is new does not compile until it is here, and then in the list above.
fn name(clue: &Clue) -> &'static str {
    match clue {
        Clue::All(_) => "All",
        Clue::Any(_) => "Any",
        Clue::Not(_) => "Not",
        Clue::Of(..) => "Of",
        Clue::Unhealthy => "Unhealthy",
        Clue::State(_) => "State",
        Clue::Reply(_) => "Reply",
        Clue::Ended(_) => "Ended",
        Clue::Restarts(_) => "Restarts",
        Clue::HealthCheckFails => "HealthCheckFails",
        Clue::Container(_) => "Container",
        Clue::ReloadNeeded => "ReloadNeeded",
        Clue::PortTaken => "PortTaken",
        Clue::PortClosed => "PortClosed",
        Clue::ListensElsewhere => "ListensElsewhere",
        Clue::ContainerRemoved => "ContainerRemoved",
        Clue::PmEmpty => "PmEmpty",
        Clue::Slow => "Slow",
        Clue::Exhausted => "Exhausted",
        Clue::MemoryHigh => "MemoryHigh",
        Clue::RouteElsewhere => "RouteElsewhere",
        Clue::Env(_) => "Env",
        Clue::Said(..) => "Said",
        Clue::SaidTimes(..) => "SaidTimes",
        Clue::Reports(_) => "Reports",
        Clue::Disk(_) => "Disk",
        Clue::Inodes(_) => "Inodes",
        Clue::Memory(_) => "Memory",
        Clue::Swap(_) => "Swap",
        Clue::Load => "Load",
        Clue::ClockAdrift => "ClockAdrift",
        Clue::OomKills => "OomKills",
        Clue::FailedUnits => "FailedUnits",
        Clue::LoopingUnits => "LoopingUnits",
        Clue::Certificate(_) => "Certificate",
        Clue::UnmanagedContainers => "UnmanagedContainers",
        Clue::EngineDown => "EngineDown",
        Clue::PmDown => "PmDown",
        Clue::Backup(_) => "Backup",
        Clue::File(..) => "File",
        Clue::Leftovers(_) => "Leftovers",
        Clue::Port(..) => "Port",
        Clue::Running(_) => "Running",
        Clue::FirewallCloses(_) => "FirewallCloses",
        Clue::ProxyRejects => "ProxyRejects",
        Clue::Get(..) => "Get",
        Clue::LongAgo(..) => "LongAgo",
        Clue::Output(..) => "Output",
        Clue::Query(..) => "Query",
        Clue::Redis(..) => "Redis",
        Clue::Lines(_) => "Lines",
        Clue::Drift(_) => "Drift",
        Clue::Route(_) => "Route",
        Clue::Unattended(_) => "Unattended",
        Clue::Footing(_) => "Footing",
        Clue::Unmanaged(_) => "Unmanaged",
        Clue::Data(_) => "Data",
        Clue::Surroundings(_) => "Surroundings",
        Clue::Values(_) => "Values",
    }
}

/// What the registry itself rules out, whatever is asked.
const BY_REGISTRY: &[(&str, &str)] = &[
    ("ContainerRemoved", "no compose file is stated for the service"),
    ("PmEmpty", "no service here is an application of pm2"),
    ("MemoryHigh", "the service has no bound that it could exceed"),
    ("RouteElsewhere", "the service has no route"),
    ("EngineDown", "no service here is a container"),
    ("PmDown", "no service here is an application of pm2"),
    ("Data", "no server answered that could be asked, and no file is registered: nothing is claimed"),
    ("Surroundings", "the engine said nothing of a container: nothing is claimed"),
];

/// What an empty answer rules out, because it is a whole one.
const BY_EMPTY_ANSWER: &[(&str, &str)] = &[
    ("OomKills", "the journal reaches back a day, and the kernel counts none"),
    ("FailedUnits", "systemd lists every unit that has failed, with one that is always there"),
    ("LoopingUnits", "systemd lists every unit that waits to be started again, with one that is always there"),
    ("UnmanagedContainers", "the engine lists all of its containers"),
    ("ClockAdrift", "in a container the clock is another machine's"),
    ("Backup", "it is about sets of which this host has made a copy, and it has made none"),
    ("File", "it was looked for at its path"),
    ("Leftovers", "the directory was listed"),
    ("Port", "the kernel lists every socket that listens"),
    ("FirewallCloses", "ufw is off by its own configuration"),
    ("ProxyRejects", "the proxy has read its configuration to the end"),
    ("Env", "a file that is not there has no keys; that it is missing is another cause"),
    ("Output", "the command ended with success and said no such line"),
    ("Query", "the server answered with no such row"),
    ("Redis", "the server answered with no such line"),
    ("Unattended", "systemd lists no unit of the service that runs"),
];

fn unread<T>(command: &str) -> Answer<T> {
    Answer { command: command.into(), result: Err(Trouble::NeedsRoot("to read it")) }
}

fn bare_host() -> HostEvidence {
    HostEvidence {
        silent_disks: Vec::new(),
        disks: ok("df", Vec::new()),
        memory: unread::<Memory>("cat /proc/meminfo"),
        load: unread("cat /proc/loadavg"),
        processors: unread("cat /proc/stat"),
        uptime_seconds: unread("cat /proc/uptime"),
        clock: None,
        oom_kills: ok("cat /proc/vmstat", OomRecord { kills: Vec::new(), counted: 0, reaches: None, is_shared: false }),
        certificates: Vec::new(),
        edge: TlsEdge::Asked(443),
        unserved: Vec::new(),
        names_trouble: None,
        visits: Vec::new(),
    }
}

fn nothing() -> Clues {
    let mut clues = Clues {
        listeners: Some(ok("ss", Vec::new())),
        processes: Some(ok("ps", Vec::new())),
        firewall: Some(ok("ufw status", None)),
        routes: Some(ok("caddy adapt", Vec::new())),
        outputs: vec![(&OUTPUT, ok("uptime", String::new()))],
        queries: vec![(&ROWS, ok("psql", String::new()))],
        redis: vec![(&KEYS, ok("redis-cli", String::new()))],
        ..Clues::default()
    };
    clues.env.insert("keeper", ok("ls -l /etc/keeper.env", EnvFound::default()));
    clues.said.insert("keeper", ok("opsctl logs keeper", Vec::new()));
    clues.files.insert("/x", ok("ls -ld /x", None));
    clues.dirs.insert("/x", ok("ls -la /x", Vec::new()));
    clues.tails.insert("/var/log/x", ok("tail /var/log/x", None));
    clues
}

/// Which of them are not open in a world, by name.
fn decided(host: Option<HostEvidence>, units: Result<Vec<UnitState>, Trouble>, clues: &Clues) -> Vec<(String, bool)> {
    let services = PLACE.services.to_vec();
    let is_asked = host.is_some();
    let listed = is_asked.then(|| ok("docker ps", Vec::new()));
    let backups = is_asked.then(|| ok("cat backups.jsonl", Vec::new()));
    let units = Some(Answer { command: "systemctl show".into(), result: units });
    let evidence = Evidence {
        time: now(),
        managers: ManagerEvidence { units, listed, ..ManagerEvidence::default() },
        replies: vec![vec![unread("curl")], vec![unread("curl")]],
        holders: vec![Holder::Unseen, Holder::Unseen],
        host,
    };
    let health = health::judge(&PLACE, &services, &evidence);
    let backups = backups.as_ref();
    let case = Case { deployment: &PLACE, services: &services, evidence: &evidence, health: &health, clues, backups };
    let outcomes = CLUES.iter().map(|clue| (name(clue), case.outcome(clue, Some(&KEEPER))));
    let known = outcomes.filter(|(_, outcome)| !matches!(outcome, Unknown(_)));
    known.map(|(name, outcome)| (name.to_owned(), outcome.is_proven())).collect()
}

fn ruled_out_by(lists: &[&[(&str, &str)]]) -> Vec<(String, bool)> {
    let allowed = |name: &str| lists.iter().any(|list| list.iter().any(|(other, _)| *other == name));
    CLUES.iter().map(name).filter(|name| allowed(name)).map(|name| (name.to_owned(), false)).collect()
}

#[test]
fn m7_nothing_is_decided_by_what_nobody_asked() {
    let found = decided(None, Err(Trouble::NeedsRoot("to read it")), &Clues::default());
    assert_eq!(found, ruled_out_by(&[BY_REGISTRY]));
}

#[test]
fn m7_an_empty_answer_decides_only_where_it_is_a_whole_one() {
    let found = decided(Some(bare_host()), Ok(Vec::new()), &nothing());
    assert_eq!(found, ruled_out_by(&[BY_REGISTRY, BY_EMPTY_ANSWER]));
}

#[test]
fn m8_what_may_not_be_read_decides_nothing() {
    let trouble = || Err(Trouble::NeedsRoot("to read it"));
    let mut clues = nothing();
    clues.said.insert("keeper", unread("opsctl logs keeper"));
    (clues.listeners, clues.processes) = (Some(unread("ss")), Some(unread("ps")));
    (clues.firewall, clues.routes) = (Some(unread("ufw status")), Some(unread("caddy adapt")));
    clues.outputs = vec![(&OUTPUT, unread("uptime"))];
    clues.queries = vec![(&ROWS, unread("psql"))];
    clues.redis = vec![(&KEYS, unread("redis-cli"))];
    clues.env.insert("keeper", unread("ls"));
    clues.files.insert("/x", unread("ls"));
    clues.dirs.insert("/x", unread("ls"));
    clues.tails.insert("/var/log/x", unread("tail"));
    let host = HostEvidence {
        disks: unread("df"),
        clock: Some(unread("timedatectl show")),
        oom_kills: unread("journalctl"),
        names_trouble: Some(Trouble::NeedsRoot("to see which certificates this host keeps")),
        ..bare_host()
    };
    let mut expected = ruled_out_by(&[BY_REGISTRY]);
    // Answered in full in this world as well.
    let answered: Vec<&str> = vec!["UnmanagedContainers", "Backup"];
    let found = decided(Some(host), trouble(), &clues);
    expected.extend(answered.iter().map(|name| ((*name).to_owned(), false)));
    expected.sort();
    let mut sorted = found;
    sorted.sort();
    assert_eq!(sorted, expected);
}

#[test]
fn m7_certificates_are_judged_where_there_are_any() {
    let of = |edge: TlsEdge| {
        let found = decided(Some(HostEvidence { edge, ..bare_host() }), Ok(Vec::new()), &nothing());
        found.iter().filter(|(name, _)| name == "Certificate").count()
    };
    // That nobody listens is certain.
    assert_eq!(of(TlsEdge::Nobody(443)), 6);
    for open in [TlsEdge::Unasked, TlsEdge::Asked(443), TlsEdge::Unknown("no name is known".to_owned())] {
        assert_eq!(of(open.clone()), 0, "{open:?}");
    }
}

/// How far back kills are recorded decides whether none is none.
#[test]
fn m7_kills_before_the_record_begins_are_not_none() {
    let kills = |counted, reaches: Option<i64>, up: u64| {
        let reaches = reaches.map(jiff::SignedDuration::from_secs);
        let host = HostEvidence {
            oom_kills: ok("cat /proc/vmstat", OomRecord { kills: Vec::new(), counted, reaches, is_shared: false }),
            uptime_seconds: ok("cat /proc/uptime", up),
            ..bare_host()
        };
        let found = decided(Some(host), Ok(Vec::new()), &nothing());
        found.iter().find(|(name, _)| name == "OomKills").map(|(_, is_proven)| *is_proven)
    };
    assert_eq!(kills(0, None, 900_000), Some(false));
    // Since the boot the kernel counts.
    assert_eq!(kills(0, Some(1200), 1200), Some(false));
    assert_eq!(kills(2, Some(1200), 1200), Some(true));
    // Killed some day, and the journal has lost which.
    assert_eq!(kills(2, Some(0), 900_000), None);
    assert_eq!(kills(0, Some(0), 900_000), None);
}
