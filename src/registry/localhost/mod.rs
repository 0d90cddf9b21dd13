//! `localhost`: any Linux machine, for which no runbook was compiled in. Well-known services are judged where they exist.

mod failures;

use super::check;
use crate::registry::*;

/// The deployment that stands in when no other is found.
pub static LOCALHOST: Deployment = Deployment {
    failures: failures::FAILURES,
    logs: &[Log::File { path: "/var/log/syslog", what: "everything, where rsyslog is installed" }],
    notes: &["no runbook is compiled in for this machine; what is known of it is what any Linux host shows"],
    ..Deployment::new(
        "localhost",
        "this machine: systemd, docker, resources, and the well-known services that exist on it",
        &[&CRITICAL, &HIGH, &LOW],
        SERVICES,
        HostChecks {
            disk_paths: &["/", "/boot", "/home", "/opt", "/srv", "/tmp", "/var", "/var/lib/docker", "/var/log"],
            certificates: Some(Certificates { port: 443, warn_days: 21, fail_days: 7, severity: &HIGH }),
            failed_units: Verdict::Fail,
            disk_severity: &CRITICAL,
            ..HostChecks::new(&HIGH)
        },
    )
};

const _: () = check::deployment(&LOCALHOST);

static CRITICAL: Level = Level {
    id: "critical",
    criterion: "the machine or the way into it is in danger",
    response: "now",
    response_seconds: Some(0),
    action: "act before looking for causes",
    mttr: None,
};
static HIGH: Level = Level {
    id: "high",
    criterion: "something that runs here is down",
    response: "within the hour",
    response_seconds: Some(3600),
    action: "read its log, then restart it",
    mttr: None,
};
static LOW: Level = Level {
    id: "low",
    criterion: "nobody is waiting for it",
    response: "today",
    response_seconds: Some(86_400),
    action: "read its log",
    mttr: None,
};

const FOUND: Presence = Presence::IfFound("not installed here");
const SERVES: &str = "programs on this machine depend on it";

pub(super) static SERVICES: &[&Service] = &[
    &Service {
        managers: &[Manager::Systemd(Unit { aliases: &["sshd.service", "ssh.socket"], ..Unit::new("ssh.service") })],
        presence: FOUND,
        logs: &[Log::Journal("ssh.service")],
        note: Some(
            "not probed: since OpenSSH 9.8 a connection that does not log in counts against its source \
             (PerSourcePenalties), so that looking often would lock the looker out",
        ),
        ..Service::new("ssh", "remote login", &CRITICAL, "without it only the console is left")
    },
    &Service {
        managers: &[Manager::Systemd(Unit {
            aliases: &["crond.service", "cronie.service"],
            ..Unit::new("cron.service")
        })],
        presence: FOUND,
        logs: &[Log::Journal("cron.service")],
        ..Service::new("cron", "scheduled jobs", &HIGH, "backups and renewals usually hang on it")
    },
    &DOCKER,
    &CADDY,
    &NGINX,
    &APACHE,
    &Service {
        managers: &[Manager::Systemd(Unit {
            aliases: &[
                "postgresql@18-main.service",
                "postgresql@17-main.service",
                "postgresql@16-main.service",
                "postgresql@15-main.service",
                "postgresql@14-main.service",
            ],
            ..Unit::new("postgresql.service")
        })],
        ports: &[5432],
        probes: &[Probe::Postgres { port: 5432, user: "postgres" }],
        presence: FOUND,
        logs: &[Log::Journal("postgresql.service")],
        restart_loses: Some("every open session"),
        ..Service::new("postgresql", "database", &HIGH, SERVES)
    },
    &Service {
        managers: &[Manager::Systemd(Unit { aliases: &["mysql.service"], ..Unit::new("mariadb.service") })],
        ports: &[3306],
        presence: FOUND,
        logs: &[Log::Journal("mariadb.service")],
        restart_loses: Some("every open session"),
        ..Service::new("mariadb", "database", &HIGH, SERVES)
    },
    &Service {
        managers: &[Manager::Systemd(Unit { aliases: &["redis.service"], ..Unit::new("redis-server.service") })],
        ports: &[6379],
        probes: &[Probe::Redis { port: 6379, password: None }],
        presence: FOUND,
        logs: &[Log::Journal("redis-server.service")],
        ..Service::new("redis", "in-memory store", &HIGH, SERVES)
    },
    &Service {
        managers: &[Manager::Systemd(Unit::new("mongod.service"))],
        ports: &[27017],
        probes: &[Probe::Mongo { port: 27017 }],
        presence: FOUND,
        logs: &[Log::Journal("mongod.service")],
        ..Service::new("mongodb", "database", &HIGH, SERVES)
    },
    &Service {
        managers: &[Manager::Systemd(Unit { aliases: &["postfix@-.service"], ..Unit::new("postfix.service") })],
        ports: &[25],
        probes: &[Probe::Banner { port: 25, prefix: "220" }],
        presence: FOUND,
        logs: &[Log::Journal("postfix.service")],
        ..Service::new("postfix", "mail server", &HIGH, SERVES)
    },
    &Service {
        managers: &[Manager::Systemd(Unit::new("fail2ban.service"))],
        presence: FOUND,
        logs: &[Log::Journal("fail2ban.service")],
        ..Service::new("fail2ban", "bans addresses that guess passwords", &LOW, "the firewall still holds without it")
    },
    &Service {
        managers: &[Manager::Systemd(Unit {
            aliases: &["systemd-timesyncd.service", "chronyd.service", "ntpsec.service", "ntp.service"],
            ..Unit::new("chrony.service")
        })],
        presence: FOUND,
        logs: &[Log::Journal("systemd-timesyncd.service")],
        ..Service::new("time-sync", "keeps the clock", &LOW, "a clock drifts slowly")
    },
];

const ANY_ANSWER_80: Probe = Probe::Http(Http::get(
    80,
    "/",
    &[
        Rule { status: Some(502), when: &[], verdict: Verdict::Warn, meaning: "its upstream does not answer" },
        Rule { status: Some(503), when: &[], verdict: Verdict::Warn, meaning: "says it is unavailable" },
        Rule { status: Some(504), when: &[], verdict: Verdict::Warn, meaning: "its upstream is too slow" },
        Rule { status: None, when: &[], verdict: Verdict::Pass, meaning: "answers" },
    ],
));

static CADDY: Service = Service {
    managers: &[Manager::Systemd(Unit::new("caddy.service"))],
    ports: &[80],
    probes: &[ANY_ANSWER_80],
    presence: FOUND,
    logs: &[Log::Journal("caddy.service")],
    ..Service::new("caddy", "web server", &HIGH, SERVES)
};

static NGINX: Service = Service {
    managers: &[Manager::Systemd(Unit::new("nginx.service"))],
    ports: &[80],
    probes: &[ANY_ANSWER_80],
    presence: FOUND,
    logs: &[Log::Journal("nginx.service"), Log::File { path: "/var/log/nginx/error.log", what: "errors" }],
    ..Service::new("nginx", "web server", &HIGH, SERVES)
};

static APACHE: Service = Service {
    managers: &[Manager::Systemd(Unit { aliases: &["httpd.service"], ..Unit::new("apache2.service") })],
    ports: &[80],
    probes: &[ANY_ANSWER_80],
    presence: FOUND,
    logs: &[Log::Journal("apache2.service")],
    ..Service::new("apache", "web server", &HIGH, SERVES)
};

static DOCKER: Service = Service {
    managers: &[Manager::Systemd(Unit::new("docker.service"))],
    probes: &[Probe::DockerEngine],
    presence: FOUND,
    logs: &[Log::Journal("docker.service")],
    restart_loses: Some("every container without live-restore stops and starts again"),
    ..Service::new("docker", "container engine", &HIGH, "all containers hang on it")
};
