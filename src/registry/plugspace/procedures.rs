//! What the runbook of plugspace has an operator do beyond what the verbs of opsctl do: alerts, backups, load, incidents.

use super::services::*;
use super::{CRITICAL, HIGH};
use crate::registry::*;
use Assertion::{All, Command, Exists, Free, Healthy, Installed};

pub(super) static PROCEDURES: &[&Procedure] = &[
    &ALERT_STATUS,
    &SILENCE_ALERT,
    &UNSILENCE_ALERT,
    &SCALE,
    &SECURITY_INCIDENT,
    &SERVER_REBUILD,
    &BACKUP_VERIFY,
    &BACKUP_CHECKLIST,
];

const SILENCES: Step = Step::show(
    "silences",
    "list silences with their IDs and ends",
    Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9093/api/v2/silences"]),
);

static ALERT_STATUS: Procedure = Procedure::new(
    "alert-status",
    &[
        Step::show(
            "alerts",
            "list alerts of Prometheus with their state",
            Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9090/federate?match%5B%5D=ALERTS"]),
        ),
        Step::show(
            "targets",
            "list what Prometheus watches: 1 is up, 0 is down",
            Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9090/federate?match%5B%5D=up"]),
        ),
        SILENCES,
    ],
)
.aliases(&["alerts"])
.summary("list alerts, targets and silences")
.section("Check Alert Status")
.when("an alert came in, or none came although something is down")
.note(
    "an empty list does not mean healthy: ServiceDown always fires and mutes every other alert; opsctl status asks the \
     services themselves. The runbook reads /api/v1/alerts with jq; /federate prints the same, a line an alert",
);

/// In the order in which Alertmanager writes the fields; a `]` ends the matchers, so nothing is matched across silences.
const SILENCED: Assertion = Command(
    Invocation::new(&[
        "curl",
        "-fsS",
        "-m",
        "10",
        "http://127.0.0.1:9093/api/v2/silences?filter=alertname%3D%22{alert}%22",
    ])
    .expects(concat!(
        r#""status":\{"state":"active"\}[^\]]*"matchers":\[\{"isEqual":true,"isRegex":false,"#,
        r#""name":"alertname","value":"{alert}"\}\]"#
    ))
    .means("Alertmanager silences {alert}", "Alertmanager does not silence {alert}"),
);

static SILENCE_ALERT: Procedure = Procedure::new(
    "silence-alert",
    &[
        Step::check(
            "alertmanager",
            "check that Alertmanager answers",
            Command(
                Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9093/-/healthy"])
                    .no(7)
                    .means("Alertmanager answers on port 9093", "nothing listens on port 9093"),
            ),
            "without Alertmanager nobody is notified, so there is nothing to silence",
        ),
        Step::show(
            "firing",
            "list alerts of that name that fire or are pending",
            Invocation::new(&[
                "curl",
                "-fsS",
                "-m",
                "10",
                "http://127.0.0.1:9090/federate?match%5B%5D=ALERTS%7Balertname%3D%22{alert}%22%7D",
            ])
            .no(7),
        ),
        Step::request(
            "silence",
            "silence {alert} for {for}",
            Request::post(
                9093,
                "/api/v2/silences",
                concat!(
                    r#"{"matchers":[{"name":"alertname","value":"{alert}","isRegex":false,"isEqual":true}],"#,
                    r#""startsAt":"1970-01-01T00:00:00Z","endsAt":"{for.end}","createdBy":"opsctl","comment":"{reason}"}"#
                ),
            ),
            Risk::Safe,
        )
        .proof(SILENCED)
        .undo(Undo::Never("it ends by itself; unsilence-alert with its ID ends it sooner")),
        Step::show(
            "silences",
            "show the silence with its ID and end",
            Invocation::new(&[
                "curl",
                "-fsS",
                "-m",
                "10",
                "http://127.0.0.1:9093/api/v2/silences?filter=alertname%3D%22{alert}%22",
            ]),
        ),
    ],
)
.aliases(&["silence", "mute"])
.summary("silence an alert for a while")
.section("Silence an Alert")
.when("an alert is known and being worked on, or planned work will make it fire")
.not_when("nobody works on it: a silenced alert is forgotten")
.parameters(&[
    Parameter::new("alert", ParameterKind::Word).help("name of the alert, as HighCPUUsage"),
    Parameter::new("for", ParameterKind::Duration).help("how long").default("2h"),
    Parameter::new("reason", ParameterKind::Word).help("why, one word").default("investigating"),
])
.done(&[SILENCED])
.note(
    "the runbook's call has no Content-Type, so Alertmanager rejects it. Alertmanager moves a start in the past to now. An \
     alert that is silenced already is left as it is: end that silence first to have another end",
);

static UNSILENCE_ALERT: Procedure = Procedure::new(
    "unsilence-alert",
    &[
        Step::check(
            "known",
            "check that Alertmanager knows the silence",
            Command(
                Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9093/api/v2/silence/{silence}"])
                    .no(22)
                    .means("Alertmanager has a silence {silence}", "Alertmanager has no silence {silence}"),
            ),
            "alert-status lists silences with their IDs",
        ),
        Step::request(
            "expire",
            "end the silence {silence}",
            Request::delete(9093, "/api/v2/silence/{silence}"),
            Risk::Safe,
        )
        .proof(EXPIRED)
        .undo(Undo::Never("silence-alert silences the alert again")),
    ],
)
.aliases(&["unsilence", "unmute"])
.summary("end a silence before its time")
.section("Silence an Alert")
.when("the work is done, or the wrong alert was silenced")
.parameters(&[Parameter::new("silence", ParameterKind::Word).help("ID of the silence, from alert-status")])
.done(&[EXPIRED])
.note("Alertmanager keeps an ended silence for five days, marked expired");

const EXPIRED: Assertion = Command(
    Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9093/api/v2/silence/{silence}"])
        .no(22)
        .expects(r#""status":\{"state":"expired"\}"#)
        .means("the silence {silence} has ended", "the silence {silence} has not ended"),
);

/// pm2 prints one process id a line; 0 is an instance that does not run.
const SCALED: Assertion = Command(
    Invocation::new(&["env", "PM2_HOME=/home/plugspace/.pm2", "pm2", "pid", "plugspace-api"])
        .user("plugspace")
        .expects(r"\A(?:[1-9][0-9]*\n){{instances}}\z")
        .means(
            "{instances} instances of plugspace-api run",
            "there are not {instances} running instances of plugspace-api",
        ),
);

static SCALE: Procedure = Procedure::new(
    "scale",
    &[
        Step::check(
            "daemon",
            "check that the pm2 daemon of plugspace runs",
            Command(
                Invocation::new(&["pgrep", "-u", "plugspace", "-f", "^PM2 v.*God Daemon"])
                    .no(1)
                    .means("the pm2 daemon of plugspace runs", "the pm2 daemon of plugspace does not run"),
            ),
            "pm2 would start an empty one; systemctl start pm2-plugspace starts it with its applications",
        ),
        Step::show("memory", "show free memory: an instance may take 2 GiB", Invocation::new(&["free", "-m"])),
        Step::show(
            "busy",
            "list processes, the busiest last",
            Invocation::new(&["ps", "-eo", "pcpu,rss,pid,user,comm", "--sort=pcpu"]),
        ),
        Step::command(
            "scale",
            "run {instances} instances of plugspace-api",
            Invocation::new(&[
                "env",
                "PM2_HOME=/home/plugspace/.pm2",
                "pm2",
                "scale",
                "plugspace-api",
                "{instances}",
            ])
            .user("plugspace")
            .seconds(180),
            Risk::Disruptive,
        )
        .proof(SCALED)
        .undo(Undo::Never("how many there were before is not recorded; scale again with that number")),
    ],
)
.aliases(&["scale-api"])
.summary("change how many instances of the API run")
.section("High CPU Usage, step 5")
.severity(&HIGH)
.when("the API is the bottleneck, and processors and memory are free")
.not_when("the processors are busy: more instances make it slower; memory is short: each instance may take 2 GiB")
.parameters(&[Parameter::new("instances", ParameterKind::Number { least: 1, most: 16 }).help("instances of the API")])
.done(&[SCALED, Healthy(&API)])
.note(
    "fewer instances: those that end have 10 s for their requests. The next start of the ecosystem file returns to 4; the \
     runbook's +2 already exceeds the four processors",
);

const COPIED: Assertion = All(&[
    Exists("/root/incident-{case}/log"),
    Command(
        Invocation::new(&[
            "rsync",
            "--archive",
            "--dry-run",
            "--ignore-existing",
            "--omit-dir-times",
            "--exclude=opsctl/",
            "--out-format=missing %n",
            "/var/log/",
            "/root/incident-{case}/log/",
        ])
        .seconds(120)
        .expects(r"\A(?:missing [^\n]*/\n)*\z")
        .means("every log file is in /root/incident-{case}", "not every log file is in /root/incident-{case}"),
    ),
]);

static SECURITY_INCIDENT: Procedure = Procedure::new(
    "security-incident",
    &[
        Step::check(
            "rsync",
            "check that evidence can be copied",
            Installed("rsync"),
            "install it: apt-get install rsync",
        ),
        Step::check(
            "space",
            "check that there is space for a copy of /var/log",
            Free("/root", "space"),
            "take a snapshot of the server at Hostinger instead, then begin at --from sessions",
        ),
        Step::show(
            "sessions",
            "detect: list sessions that are open now",
            Invocation::new(&["loginctl", "list-sessions", "--no-legend"]).no(1),
        ),
        Step::show(
            "connections",
            "detect: list connections and their programs",
            Invocation::new(&["ss", "-Htnp", "state", "established"]),
        ),
        Step::show("listeners", "detect: list programs that listen", Invocation::new(&["ss", "-Hltnp"])),
        Step::show(
            "keys",
            "detect: list files of SSH keys that may log in, and when they changed",
            Invocation::new(&[
                "find",
                "/root/.ssh",
                "/home/plugspace/.ssh",
                "-maxdepth",
                "1",
                "-name",
                "authorized_keys*",
                "-printf",
                "%TY-%Tm-%Td %TH:%TM %u %m %p\\n",
            ])
            .no(1),
        ),
        Step::show(
            "changed",
            "detect: list configuration and own programs that changed within two days",
            Invocation::new(&[
                "find",
                "/etc",
                "/usr/local/bin",
                "/usr/local/sbin",
                "/var/spool/cron",
                "-xdev",
                "-type",
                "f",
                "-mtime",
                "-2",
                "-printf",
                "%TY-%Tm-%Td %TH:%TM %u %p\\n",
            ])
            .seconds(120)
            .no(1),
        ),
        Step::command(
            "directory",
            "make a directory for evidence that only root can read",
            Invocation::new(&["install", "-d", "-m", "700", "/root/incident-{case}"]),
            Risk::Safe,
        )
        .proof(Exists("/root/incident-{case}"))
        .undo(Undo::Never("evidence is kept until the review")),
        Step::command(
            "evidence",
            "copy /var/log before anything is stopped",
            Invocation::new(&[
                "rsync",
                "--archive",
                "--exclude=opsctl/",
                "/var/log/",
                "/root/incident-{case}/log/",
            ])
            .seconds(600),
            Risk::Safe,
        )
        .proof(COPIED)
        .undo(Undo::Never("evidence is kept until the review"))
        .keeps_a_copy(),
        Step::ask(
            "snapshot",
            "contain: take a snapshot of the server, for evidence and for a way back",
            "hPanel of Hostinger: VPS, Snapshots & Backups",
            "taken",
        ),
        Step::ask(
            "contain",
            "contain: block the addresses of the attacker in the provider's firewall",
            "hPanel of Hostinger: VPS, Security, Firewall",
            "blocked",
        ),
        Step::ask(
            "access",
            "eradicate: remove keys and accounts that are not yours, and end their sessions",
            "this host: authorized_keys of root and plugspace, loginctl terminate-session",
            "removed",
        ),
        Step::ask(
            "credentials",
            "eradicate: change every credential that was on this host",
            "JWT_SECRET, GEMINI_API_KEY and the databases' passwords in /home/plugspace/plugspace/.env; tokens of GitHub",
            "changed",
        ),
        Step::restart("restart", &[&API, &VOICE, &FRONTEND, &STUDIO, &ADMIN])
            .title("recover: restart the applications with the new credentials"),
        Step::restart("workers", &[&WORKER])
            .title("recover: restart the workers, where they run")
            .only_if(Healthy(&WORKER)),
        Step::ask(
            "report",
            "review: report what happened, when, and what data was reached",
            "mail to security@plugspace.io, Slack #security-alerts",
            "reported",
        ),
    ],
)
.aliases(&["security-breach", "breach", "intrusion"])
.summary("detect, contain, eradicate, recover and report an intrusion")
.section("SECURITY.md: Incident Response")
.severity(&CRITICAL)
.when("somebody is on the host, or has credentials, who should not")
.not_when("one address only guesses passwords: block-ip")
.parameters(&[
    Parameter::new("case", ParameterKind::Word).help("name of the incident, one word, as 2025-12-10-a"),
    Parameter::new("space", ParameterKind::Size).help("space that must be free for the copy of /var/log").default("2G"),
])
.done(&[Exists("/root/incident-{case}/log"), Healthy(&API), Healthy(&VOICE)])
.note(
    "opsctl maintenance on takes visitors out beforehand; block-ip blocks an address on this host before or after, because \
     two changes never run at once. audit-logins lists past logins. A host on which somebody was root is rebuilt: \
     server-rebuild",
);

const UNITS_KNOWN: Assertion = All(&[
    Command(
        Invocation::new(&["systemctl", "cat", "mongod.service", "redis.service", "nginx.service", "fail2ban.service"])
            .no(1)
            .means(
                "the units of MongoDB, Redis, nginx and fail2ban are installed",
                "a unit of MongoDB, Redis, nginx or fail2ban is missing",
            ),
    ),
    Installed("pm2"),
    Installed("ufw"),
    Installed("rclone"),
    Exists("/home/plugspace/plugspace/.env"),
]);

static SERVER_REBUILD: Procedure = Procedure::new(
    "server-rebuild",
    &[
        Step::ask(
            "host",
            "order a server with Ubuntu 24.04, at least 4 cores, 8 GB and 100 GB, and put your SSH key on it",
            "hPanel of Hostinger",
            "ordered",
        ),
        Step::ask(
            "setup",
            "run the setup scripts in this order: vps-hardening.sh, mongodb-setup.sh, redis-setup.sh, nginx-setup.sh, \
             ssl-setup.sh, pm2-setup.sh",
            "the new server, in deploy/ of the repository",
            "installed",
        ),
        Step::check(
            "units",
            "check that the setup scripts installed everything",
            UNITS_KNOWN,
            "run the setup script again that installs it",
        ),
        Step::check(
            "firewall",
            "check that the firewall is on",
            Command(
                Invocation::new(&["ufw", "status"])
                    .expects("(?m)^Status: active")
                    .means("ufw is active", "ufw is not active"),
            ),
            "allow 2222, 80 and 443 first, then ufw enable",
        ),
        Step::check(
            "nginx",
            "check that nginx accepts its configuration",
            Command(
                Invocation::new(&["nginx", "-t", "-q"])
                    .no(1)
                    .means("nginx accepts its configuration", "nginx rejects its configuration"),
            ),
            "nginx -t names the line",
        ),
        Step::ask(
            "restore",
            "restore the sets config, ssl, mongodb, redis and app from their newest verified copies, outside of this run",
            "the new server: opsctl restore SET, after rclone.conf and the key of the backups are on it",
            "restored",
        ),
        Step::start("databases", &[&MONGODB, &REDIS]),
        Step::start("applications", &[&API, &VOICE, &FRONTEND, &STUDIO, &ADMIN]),
        Step::start("edge", &[&NGINX]),
        Step::ask(
            "dns",
            "point plugspace.io, www, studio, api and admin at the new server",
            "the DNS of plugspace.io",
            "pointed",
        ),
    ],
)
.aliases(&["rebuild", "disaster-recovery"])
.summary("build the host anew and restore it")
.section("BACKUP.md: Complete Server Loss")
.severity(&CRITICAL)
.when("the host is lost, or somebody was root on it")
.not_when("one service is down: diagnose names its cause; one database is lost: opsctl restore")
.done(&[
    Healthy(&MONGODB),
    Healthy(&REDIS),
    Healthy(&API),
    Healthy(&VOICE),
    Healthy(&FRONTEND),
    Healthy(&STUDIO),
    Healthy(&ADMIN),
    Healthy(&NGINX),
])
.note(
    "a restore is a change of its own and waits for this run: leave the question unanswered, restore, then resume. The \
     shipped mongod.conf is refused by MongoDB 7: drop storage.journal.enabled and add a keyFile. The runbook's restore \
     starts pm2 as root, which gives a second daemon; opsctl starts it as plugspace. plugspace-worker is left out: its \
     script is never built",
);

/// A copy of that set which is not older than an hour.
macro_rules! fresh {
    ($set:literal) => {
        Command(
            Invocation::new(&[
                "rclone",
                "lsf",
                "-R",
                "--files-only",
                "--max-age=1h",
                "--config=/root/.config/rclone/rclone.conf",
                concat!("remote:plugspace-backups/backups/opsctl/", $set),
            ])
            .seconds(60)
            .no(3)
            .expects(".")
            .means(
                concat!("the remote has a copy of ", $set, " of the last hour"),
                concat!("the remote has no copy of ", $set, " of the last hour"),
            ),
        )
    };
}

const FRESH: Assertion = All(&[fresh!("mongodb"), fresh!("redis"), fresh!("app"), fresh!("config"), fresh!("ssl")]);

const SCRIPT_COPIES: Step = Step::show(
    "script",
    "list copies of the repository's own backup script",
    Invocation::new(&[
        "find",
        "/home/plugspace/backups",
        "-mindepth",
        "1",
        "-maxdepth",
        "2",
        "-printf",
        "%TY-%Tm-%Td %TH:%TM %10s %P\\n",
    ])
    .no(1),
);

const BACK_UP: Step = Step::backup("back-up", &["mongodb", "redis", "app", "config", "ssl"]);

static BACKUP_VERIFY: Procedure = Procedure::new(
    "backup-verify",
    &[
        SCRIPT_COPIES,
        BACK_UP,
        Step::check(
            "remote",
            "check that the remote itself lists a new copy of each set",
            FRESH,
            "opsctl backup list shows what there is",
        ),
        Step::ask(
            "drill",
            "restore the newest copy of each set beside the live data, and compare",
            "this host: opsctl backup drill",
            "drilled",
        ),
    ],
)
.aliases(&["verify-backup"])
.summary("make backups and prove that they can be restored")
.section("Backup Verification")
.when("before risky work, and whenever nobody knows whether the backups are any good")
.done(&[FRESH])
.note(
    "a copy is read back and its checksum compared before it counts. The runbook's restore.sh --dry-run only tests that \
     files exist, and its checksums cover two of five files and are never compared. Keep nothing but copies of opsctl \
     for a restore: backup.sh stops before any dump, because it sources a file with an unquoted &",
);

static BACKUP_CHECKLIST: Procedure = Procedure::new(
    "backup-checklist",
    &[
        SCRIPT_COPIES,
        Step::show(
            "sizes",
            "list sizes of the copies of the last month",
            Invocation::new(&[
                "rclone",
                "lsf",
                "-R",
                "--files-only",
                "--max-age=31d",
                "--format=tsp",
                "--config=/root/.config/rclone/rclone.conf",
                "remote:plugspace-backups/backups/opsctl",
            ])
            .seconds(120)
            .no(3),
        ),
        BACK_UP,
        Step::ask(
            "drill",
            "restore the newest copy of each set beside the live data, and compare",
            "this host: opsctl backup drill",
            "drilled",
        ),
        Step::ask(
            "staging",
            "restore the newest copies on the staging server",
            "staging.plugspace.io: opsctl restore SET",
            "restored",
        ),
        Step::ask(
            "collections",
            "compare the collections and their counts with production",
            "mongosh on both servers, logged in: db.stats() of plugspace",
            "compared",
        ),
        Step::ask(
            "application",
            "log in, open a project and make a call on the restored copy",
            "https://staging.plugspace.io",
            "works",
        ),
        Step::ask(
            "notes",
            "write down date, sizes, duration and what was wrong",
            "docs/BACKUP.md or the team's log",
            "written",
        ),
    ],
)
.aliases(&["monthly-backup", "monthly"])
.summary("the monthly check of the backups")
.section("BACKUP.md: Monthly Verification Checklist")
.when("once a month")
.done(&[FRESH])
.note("the true recovery point is 24 h: the incremental and six-hourly backups of BACKUP.md do not exist");
