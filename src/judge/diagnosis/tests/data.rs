//! The state of data servers and files on evidence made by hand: what is proven, and that healthy ones prove nothing.

use super::*;
use crate::host::protocol::postgres::Greeting;
use crate::host::protocol::redis_info;
use crate::host::tools::postgres_state;
use crate::host::tools::sqlite_file::Header;
use crate::observe::clues::FileFound;
use crate::observe::clues::data::{DataFound, Postgres, SqliteFound};
use crate::registry::{Data, DataClue, DataKind, Secret};

static SQL: Service = Service::new("sql", &LATER)
    .summary("keeps")
    .severity_reason("r")
    .managers(&[Manager::Systemd(Unit::new("sql.service"))])
    .ports(&[5432])
    .probes(&[Probe::postgres(5432)]);
static CACHE: Service = Service::new("cache", &LATER)
    .summary("keeps")
    .severity_reason("r")
    .managers(&[Manager::Systemd(Unit::new("cache.service"))])
    .ports(&[6379])
    .probes(&[Probe::redis(6379).password(Secret::in_file("/etc/cache.env").key("PASSWORD"))]);
static SHOP: Service = Service::new("shop", &LATER)
    .summary("sells")
    .severity_reason("r")
    .managers(&[Manager::Systemd(Unit::new("shop.service"))])
    .needs(&[&SQL, &CACHE])
    .env(EnvFile::new(&["/etc/shop.env"]).required(&["KEY"]))
    .data(&[Data::new(DataKind::Sqlite, "/srv/shop.db").what("orders")]);
static STORE: Deployment =
    Deployment::new("store", &[&URGENT, &LATER], &[&SQL, &CACHE, &SHOP], HostChecks::new(&LATER))
        .summary("s")
        .failures(&[]);

const ALL: [DataClue; 25] = [
    DataClue::Recovering,
    DataClue::ReadOnlyDefault,
    DataClue::ConnectionsUsed,
    DataClue::DatabaseClosed,
    DataClue::Wraparound,
    DataClue::LockWait,
    DataClue::TimeoutTiny,
    DataClue::RulesInvalid,
    DataClue::RoleExpired,
    DataClue::NotAccepting,
    DataClue::SearchPath,
    DataClue::MysqlReadOnly,
    DataClue::MysqlConnectionsUsed,
    DataClue::RedisFull,
    DataClue::RedisNearlyFull,
    DataClue::RedisReplica,
    DataClue::RedisLoading,
    DataClue::RedisUnsaved,
    DataClue::RedisPassword,
    DataClue::RedisLocked,
    DataClue::MongoNoPrimary,
    DataClue::SqliteMalformed,
    DataClue::SqliteReadOnly,
    DataClue::SqliteLocked,
    DataClue::FileUnusable,
];

/// Which clues are proven about a service, with what they blame.
fn proven_of(service: &'static Service, reply: &Reply, clues: &Clues) -> Vec<(DataClue, Option<String>)> {
    let services = STORE.services.to_vec();
    let units = ["sql", "cache", "shop"].map(|name| unit(&format!("{name}.service"), "active", "running"));
    let managers = ManagerEvidence { units: Some(ok("systemctl show", units.to_vec())), ..ManagerEvidence::default() };
    let own = |other: &Service| match other.name {
        "shop" => Vec::new(),
        _ => vec![Answer { command: "probe".into(), result: Ok(reply.clone()) }],
    };
    let replies = services.iter().map(|service| own(service)).collect();
    let holders = services.iter().map(|_| Holder::Own).collect();
    let evidence = Evidence { time: now(), managers, replies, holders, host: None };
    let health = health::judge(&STORE, &services, &evidence);
    let case =
        Case { deployment: &STORE, services: &services, evidence: &evidence, health: &health, clues, backups: None };
    let judged = ALL.iter().map(|clue| (*clue, case.outcome(&Clue::Data(*clue), Some(service))));
    let mut found: Vec<(DataClue, Option<String>)> = judged
        .filter_map(|(clue, outcome)| match outcome {
            Proven(facts) => Some((clue, facts.iter().find_map(|fact| fact.thing.clone()))),
            RuledOut(_) | Unknown(_) => None,
        })
        .collect();
    found.dedup();
    found
}

fn greeted() -> Reply {
    Reply::Postgres(Greeting::Authenticating)
}

fn refused(code: &str, message: &str) -> Reply {
    Reply::Postgres(Greeting::Refusing { code: code.into(), message: message.into() })
}

const WELL: &str = "recovery|f|f\nread_only|off\nconnections|3|100|3\ndatabase|t|-1|700|2|shop\n";

fn rows(text: &str) -> Clues {
    let state = postgres_state::parse(text).unwrap();
    let postgres = Some(ok("psql", Postgres::State(Box::new(state))));
    with("sql", DataFound { postgres, ..DataFound::default() })
}

fn with(name: &'static str, found: DataFound) -> Clues {
    let mut clues = Clues::default();
    clues.data.insert(name, found);
    clues
}

#[test]
fn a_healthy_postgres_proves_nothing() {
    for more in [
        "",
        // A role that owns nothing may be made to read alone, and long limits are usual.
        "setting||reader|f|default_transaction_read_only=on\nsetting|||true|statement_timeout=30s\n",
        "setting|shop||f|default_transaction_read_only=off\nrole|10|3|f|app\n",
        "setting|||true|statement_timeout=0\nsetting|||true|lock_timeout=200\n",
    ] {
        assert_eq!(proven_of(&SQL, &greeted(), &rows(&format!("{WELL}{more}"))), [], "{more}");
    }
}

#[test]
fn each_state_of_postgres_is_told_with_the_thing_at_fault() {
    let row = |from: &str, to: &str| WELL.replace(from, to);
    for (text, clue, thing) in [
        (row("recovery|f|f", "recovery|t|f"), DataClue::Recovering, "the server"),
        (row("recovery|f|f", "recovery|t|t"), DataClue::Recovering, "the server"),
        (row("read_only|off", "read_only|on"), DataClue::ReadOnlyDefault, "the server"),
        (row("connections|3", "connections|97"), DataClue::ConnectionsUsed, "the server"),
        (row("database|t", "database|f"), DataClue::DatabaseClosed, "shop"),
        (row("|-1|700", "|-2|700"), DataClue::DatabaseClosed, "shop"),
        (row("|700|", "|1950000000|"), DataClue::Wraparound, "shop"),
        (
            format!("{WELL}setting|shop||f|default_transaction_read_only=on\n"),
            DataClue::ReadOnlyDefault,
            "database shop",
        ),
        (format!("{WELL}setting||app|t|default_transaction_read_only=on\n"), DataClue::ReadOnlyDefault, "role app"),
        (format!("{WELL}setting|||true|statement_timeout=5ms\n"), DataClue::TimeoutTiny, "statement_timeout"),
        (format!("{WELL}role|2|2|f|app\n"), DataClue::ConnectionsUsed, "role app"),
        (format!("{WELL}role|-1|0|t|app\n"), DataClue::RoleExpired, "app"),
        (format!("{WELL}rule|7|invalid connection type\n"), DataClue::RulesInvalid, "line 7"),
        (
            format!("{WELL}waits|5|99|6|idle in transaction|120|shop|app|psql\n"),
            DataClue::LockWait,
            "process 6 (app, psql, idle in transaction)",
        ),
        (format!("{WELL}waits|5|99|6|active|120|shop|app|\n"), DataClue::LockWait, "process 6 (app, active)"),
    ] {
        assert_eq!(proven_of(&SQL, &greeted(), &rows(&text)), [(clue, Some(thing.to_owned()))], "{text}");
    }
}

#[test]
fn what_a_server_says_before_it_knows_a_client_is_understood() {
    let none = Clues::default();
    let full = proven_of(&SQL, &refused("53300", "sorry, too many clients already"), &none);
    assert_eq!(full, [(DataClue::ConnectionsUsed, Some("the server".to_owned()))]);
    let starting = proven_of(&SQL, &refused("57P03", "the database system is starting up"), &none);
    assert_eq!(starting.iter().map(|(clue, _)| *clue).collect::<Vec<_>>(), [DataClue::NotAccepting]);
    // Who asks is not known to it: that is how it is set up.
    let asked = with("sql", DataFound { postgres: Some(ok("psql", Postgres::NotAtHand)), ..DataFound::default() });
    assert_eq!(proven_of(&SQL, &refused("28000", "no pg_hba.conf entry for host"), &asked), []);
    assert_eq!(proven_of(&SQL, &Reply::Silent("connection refused".into()), &none), []);
}

#[test]
fn a_relation_in_another_schema_is_not_gone() {
    let state = |more: &str| {
        let state = postgres_state::parse(&format!("{WELL}{more}")).unwrap();
        Some(ok("psql", Postgres::State(Box::new(state))))
    };
    let found = |place: &str, more| {
        let elsewhere = vec![("orders".to_owned(), place.to_owned(), "psql".into())];
        with("sql", DataFound { postgres: state(more), elsewhere, ..DataFound::default() })
    };
    let off = [(DataClue::SearchPath, Some("orders".to_owned()))];
    assert_eq!(proven_of(&SQL, &greeted(), &found("shop: old.orders", "")), off);
    assert_eq!(proven_of(&SQL, &greeted(), &found("shop: public.orders", "setting|shop||f|search_path=x\n")), off);
    assert_eq!(proven_of(&SQL, &greeted(), &found("shop: public.orders", "")), []);
}

#[test]
fn redis() {
    const WELL: &str = "role:master\nused_memory:5\nmaxmemory:10\nmaxmemory_policy:noeviction\nloading:0\n";
    let pong = Reply::Line("+PONG".to_owned());
    let info = |text: &str| {
        with("cache", DataFound { redis: Some(ok("redis-cli", redis_info::parse(text))), ..DataFound::default() })
    };
    let clue_of =
        |text: &str| proven_of(&CACHE, &pong, &info(text)).into_iter().map(|(clue, _)| clue).collect::<Vec<_>>();
    assert_eq!(clue_of(WELL), []);
    assert_eq!(clue_of(&WELL.replace("used_memory:5", "used_memory:11")), [DataClue::RedisFull]);
    assert_eq!(clue_of(&WELL.replace("used_memory:5", "used_memory:11").replace("noeviction", "allkeys-lru")), []);
    // A write that would pass the bound is refused below it; what a client sends counts meanwhile.
    let used = |used: u32, refused: u32| {
        let text =
            WELL.replace("maxmemory:10", "maxmemory:100").replace("used_memory:5", &format!("used_memory:{used}"));
        clue_of(&format!("{text}errorstat_OOM:count={refused}\n"))
    };
    assert_eq!(
        (used(94, 0), used(95, 0), used(99, 0)),
        (vec![], vec![DataClue::RedisNearlyFull], vec![DataClue::RedisNearlyFull])
    );
    assert_eq!(
        (used(81, 3), used(60, 3), used(100, 0)),
        (vec![DataClue::RedisFull], vec![], vec![DataClue::RedisFull])
    );
    assert_eq!(clue_of(&WELL.replace("maxmemory:10", "maxmemory:0")), []);
    assert_eq!(clue_of(&WELL.replace("role:master", "role:slave")), [DataClue::RedisReplica]);
    assert_eq!(clue_of(&WELL.replace("loading:0", "loading:1")), [DataClue::RedisLoading]);
    assert_eq!(clue_of(&format!("{WELL}rdb_last_bgsave_status:err\n")), [DataClue::RedisUnsaved]);
    for (line, clue) in [
        ("-WRONGPASS invalid username-password pair or user is disabled.", DataClue::RedisPassword),
        ("-NOAUTH Authentication required.", DataClue::RedisPassword),
        ("-ERR AUTH <password> called without any password configured", DataClue::RedisPassword),
        ("-LOADING Redis is loading the dataset in memory", DataClue::RedisLoading),
        ("-MISCONF Redis is configured to save RDB snapshots", DataClue::RedisUnsaved),
    ] {
        let found = proven_of(&CACHE, &Reply::Line(line.to_owned()), &Clues::default());
        assert_eq!(found.into_iter().map(|(clue, _)| clue).collect::<Vec<_>>(), [clue], "{line}");
    }
}

#[test]
fn sqlite_and_files() {
    let well = SqliteFound {
        path: "/srv/shop.db",
        header: Some(Header::Database { log: true }),
        damaged: false,
        closed: None,
        locked: None,
    };
    let file = |size: u64, is_dir: bool| FileFound {
        mode: 0o640,
        owner: "root".into(),
        uid: 0,
        gid: 0,
        size,
        changed: None,
        is_dir,
    };
    let clues = |sqlite: SqliteFound, env: FileFound| {
        let mut clues = with("shop", DataFound { sqlite: vec![sqlite], ..DataFound::default() });
        clues.files.insert("/etc/shop.env", ok("ls", Some(env)));
        clues.files.insert("/srv/shop.db", ok("ls", None));
        clues
    };
    let of = |sqlite: SqliteFound, env: FileFound| {
        let found = proven_of(&SHOP, &greeted(), &clues(sqlite, env));
        found.into_iter().map(|(clue, thing)| (clue, thing.unwrap())).collect::<Vec<_>>()
    };
    let path = || "/srv/shop.db".to_owned();
    assert_eq!(of(well.clone(), file(9, false)), []);
    // What may be encrypted is nobody's fault.
    assert_eq!(of(SqliteFound { header: Some(Header::Foreign), ..well.clone() }, file(9, false)), []);
    let damaged = SqliteFound { header: Some(Header::Foreign), damaged: true, ..well.clone() };
    assert_eq!(of(damaged, file(9, false)), [(DataClue::SqliteMalformed, path())]);
    let empty = SqliteFound { header: Some(Header::Empty), ..well.clone() };
    // One that is healthy may not have written yet.
    assert_eq!(of(empty, file(9, false)), []);
    let closed = SqliteFound { closed: Some("mode".into()), ..well.clone() };
    assert_eq!(of(closed, file(9, false)), [(DataClue::SqliteReadOnly, path())]);
    let locked = SqliteFound { locked: Some((7, "sqlite3".into())), ..well.clone() };
    assert_eq!(
        of(locked, file(9, false)),
        [(DataClue::SqliteLocked, "/srv/shop.db is locked by sqlite3 (pid 7)".to_owned())]
    );
    let env = "/etc/shop.env".to_owned();
    assert_eq!(of(well.clone(), file(0, false)), [(DataClue::FileUnusable, env.clone())]);
    assert_eq!(of(well, file(4096, true)), [(DataClue::FileUnusable, env)]);
}

#[test]
fn what_was_not_asked_is_open() {
    let services = STORE.services.to_vec();
    let reply = |reply: Reply| vec![ok("probe", reply)];
    let evidence = Evidence {
        time: now(),
        managers: ManagerEvidence::default(),
        replies: vec![reply(Reply::Postgres(Greeting::Authenticating)), reply(Reply::Line("+PONG".into())), Vec::new()],
        holders: services.iter().map(|_| Holder::Own).collect(),
        host: None,
    };
    let health = health::judge(&STORE, &services, &evidence);
    let clues = Clues::default();
    let case = Case {
        deployment: &STORE,
        services: &services,
        evidence: &evidence,
        health: &health,
        clues: &clues,
        backups: None,
    };
    for (service, clue) in [
        (&SQL, DataClue::ReadOnlyDefault),
        (&CACHE, DataClue::RedisFull),
        (&SHOP, DataClue::SqliteLocked),
        (&SHOP, DataClue::FileUnusable),
    ] {
        let outcome = case.outcome(&Clue::Data(clue), Some(service));
        assert!(matches!(outcome, Unknown(_)), "{clue:?}: {outcome:?}");
    }
}

#[test]
fn who_has_the_connections_is_named() {
    let text = WELL.replace("connections|3", "connections|97");
    let clues = rows(&format!("{text}sessions|90|idle|app|pool\nsessions|7|idle in transaction|batch|\n"));
    let services = STORE.services.to_vec();
    let replies = vec![vec![ok("probe", greeted())], Vec::new(), Vec::new()];
    let holders = services.iter().map(|_| Holder::Own).collect();
    let evidence = Evidence { time: now(), managers: ManagerEvidence::default(), replies, holders, host: None };
    let health = health::judge(&STORE, &services, &evidence);
    let clues = &clues;
    let case =
        Case { deployment: &STORE, services: &services, evidence: &evidence, health: &health, clues, backups: None };
    let Proven(facts) = case.outcome(&Clue::Data(DataClue::ConnectionsUsed), Some(&SQL)) else { panic!("not proven") };
    assert_eq!(
        facts[0].says,
        "97 connections of 97 for ordinary roles are in use (max_connections 100): 90 idle of role app by pool, 7 idle in \
         transaction of role batch"
    );
}
