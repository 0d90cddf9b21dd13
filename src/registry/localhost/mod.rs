//! `localhost`: any Linux machine, for which no runbook was compiled in. Well-known services are judged where they exist.

mod failures;

use super::check;
use crate::registry::*;

/// The deployment that stands in when no other is found.
///
/// ```
/// # use opsctl::registry::*;
/// assert!(LOCALHOST.services.iter().any(|service| service.name == "ssh"));
/// ```
pub static LOCALHOST: Deployment = localhost(SERVICES);

/// The same with these services: what was found on a host beside what is stated here.
pub(crate) const fn localhost(services: &'static [&'static Service]) -> Deployment {
    Deployment::new(
        "localhost",
        const { &[&CRITICAL, &HIGH, &LOW] },
        services,
        HostChecks::new(&HIGH)
            .disk_paths(&["/", "/boot", "/home", "/opt", "/srv", "/tmp", "/var", "/var/lib/docker", "/var/log"])
            .certificates(Certificates::new(443, &HIGH).warn_days(21).fail_days(7))
            .failed_units(Verdict::Fail)
            .disk_severity(&CRITICAL),
    )
    .summary("this machine: systemd, docker, resources, and the services that exist on it")
    .failures(failures::FAILURES)
    .logs(const { &[Log::file("/var/log/syslog").what("everything, where rsyslog is installed")] })
    .notes(&["no runbook is compiled in for this machine; opsctl uses general checks of Linux hosts"])
}

const _: () = check::deployment(&LOCALHOST);

static CRITICAL: Level = Level::new("critical")
    .criterion("the machine or the access to it is in danger")
    .response("now")
    .response_seconds(0)
    .action("restore access before you search for causes");
static HIGH: Level = Level::new("high")
    .criterion("a service of this machine is down")
    .response("within the hour")
    .response_seconds(3600)
    .action("read its log, then restart it");
static LOW: Level = Level::new("low")
    .criterion("nobody waits for it")
    .response("today")
    .response_seconds(86_400)
    .action("read its log");

const FOUND: Presence = Presence::IfFound("not installed here");
const SERVES: &str = "programs on this machine depend on it";

pub(super) static SERVICES: &[&Service] = &[
    &Service::new("ssh", &CRITICAL)
        .summary("remote login")
        .severity_reason("without it only the console gives access")
        .managers(&[Manager::Systemd(Unit::new("ssh.service").aliases(&["sshd.service", "ssh.socket"]))])
        .presence(FOUND)
        .logs(&[Log::Journal("ssh.service")])
        .note(
            "not probed: since OpenSSH 9.8 a connection without a login counts against its source \
             (PerSourcePenalties), so frequent probes would lock the prober out",
        ),
    &Service::new("cron", &HIGH)
        .summary("scheduled jobs")
        .severity_reason("backups and renewals usually depend on it")
        .managers(&[Manager::Systemd(Unit::new("cron.service").aliases(&["crond.service", "cronie.service"]))])
        .presence(FOUND)
        .logs(&[Log::Journal("cron.service")]),
    &DOCKER,
    &CADDY,
    &NGINX,
    &APACHE,
    &Service::new("postgresql", &HIGH)
        .summary("database")
        .severity_reason(SERVES)
        .managers(&[Manager::Systemd(Unit::new("postgresql.service").instances("postgresql@*.service"))])
        .ports(&[5432])
        .probes(&[Probe::postgres(5432)])
        .presence(FOUND)
        .logs(&[
            Log::Journal("postgresql.service"),
            Log::file("/var/log/postgresql/*.log").what("server log of each cluster"),
        ])
        .restart_loses("every open session"),
    &Service::new("mariadb", &HIGH)
        .summary("database")
        .severity_reason(SERVES)
        .managers(&[Manager::Systemd(
            Unit::new("mariadb.service").aliases(&["mysql.service"]).instances("mariadb@*.service"),
        )])
        .ports(&[3306])
        .presence(FOUND)
        .logs(&[Log::Journal("mariadb.service"), Log::file("/var/log/mysql/*.log").what("errors and slow queries")])
        .restart_loses("every open session"),
    &Service::new("redis", &HIGH)
        .summary("in-memory store")
        .severity_reason(SERVES)
        .managers(&[Manager::Systemd(
            Unit::new("redis-server.service").aliases(&["redis.service"]).instances("redis-server@*.service"),
        )])
        .ports(&[6379])
        .probes(&[Probe::redis(6379)])
        .presence(FOUND)
        .logs(&[Log::Journal("redis-server.service"), Log::file("/var/log/redis/*.log").what("server log")]),
    &Service::new("mongodb", &HIGH)
        .summary("database")
        .severity_reason(SERVES)
        .managers(&[Manager::Systemd(Unit::new("mongod.service"))])
        .ports(&[27017])
        .probes(&[Probe::mongo(27017)])
        .presence(FOUND)
        .logs(&[Log::Journal("mongod.service"), Log::file("/var/log/mongodb/*.log").what("JSON lines")]),
    &Service::new("postfix", &HIGH)
        .summary("mail server")
        .severity_reason(SERVES)
        .managers(&[Manager::Systemd(Unit::new("postfix.service").instances("postfix@*.service"))])
        .ports(&[25])
        .probes(&[Probe::banner(25, "220")])
        .presence(FOUND)
        .logs(&[
            Log::Journal("postfix.service"),
            Log::file("/var/log/mail.log").what("mail, where rsyslog is installed"),
        ]),
    &Service::new("fail2ban", &LOW)
        .summary("bans addresses that guess passwords")
        .severity_reason("the firewall still holds without it")
        .managers(&[Manager::Systemd(Unit::new("fail2ban.service"))])
        .presence(FOUND)
        .logs(&[Log::Journal("fail2ban.service"), Log::file("/var/log/fail2ban.log").what("bans")]),
    &Service::new("time-sync", &LOW)
        .summary("keeps the clock")
        .severity_reason("a clock drifts slowly")
        .managers(&[Manager::Systemd(Unit::new("chrony.service").aliases(&[
            "systemd-timesyncd.service",
            "chronyd.service",
            "ntpsec.service",
            "ntp.service",
        ]))])
        .presence(FOUND)
        .logs(&[Log::Journal("systemd-timesyncd.service")]),
];

const ANY_ANSWER_80: Probe = Probe::Http(Http::get(80, "/", Rule::OF_WEB_SERVER));

static CADDY: Service = Service::new("caddy", &HIGH)
    .summary("web server")
    .severity_reason(SERVES)
    .managers(&[Manager::Systemd(Unit::new("caddy.service"))])
    .ports(&[80])
    .probes(&[ANY_ANSWER_80])
    .presence(FOUND)
    .logs(&[Log::Journal("caddy.service"), Log::file("/var/log/caddy/*.log").what("requests, where sites have a log")]);

static NGINX: Service = Service::new("nginx", &HIGH)
    .summary("web server")
    .severity_reason(SERVES)
    .managers(&[Manager::Systemd(Unit::new("nginx.service"))])
    .ports(&[80])
    .probes(&[ANY_ANSWER_80])
    .presence(FOUND)
    .logs(&[Log::Journal("nginx.service"), Log::file("/var/log/nginx/*.log").what("requests and errors of each site")]);

static APACHE: Service = Service::new("apache", &HIGH)
    .summary("web server")
    .severity_reason(SERVES)
    .managers(&[Manager::Systemd(Unit::new("apache2.service").aliases(&["httpd.service"]))])
    .ports(&[80])
    .probes(&[ANY_ANSWER_80])
    .presence(FOUND)
    .logs(&[
        Log::Journal("apache2.service"),
        Log::file("/var/log/apache2/*.log").what("requests and errors of each site"),
        Log::file("/var/log/httpd/*_log").what("the same where it is called httpd"),
    ]);

static DOCKER: Service = Service::new("docker", &HIGH)
    .summary("container engine")
    .severity_reason("all containers depend on it")
    .managers(&[Manager::Systemd(Unit::new("docker.service"))])
    .probes(&[Probe::DockerEngine])
    .presence(FOUND)
    .logs(&[Log::Journal("docker.service")])
    .restart_loses("every container without live-restore stops and starts again");
