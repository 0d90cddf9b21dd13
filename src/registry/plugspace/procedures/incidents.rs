//! An intrusion, and a lost host.

use Assertion::{All, Any, Command, Exists, Free, Healthy, Installed};

use super::super::CRITICAL;
use super::super::services::*;
use crate::registry::*;

const COPIED: Assertion = All(&[
    Exists("/root/incident-{case}/log"),
    Command(
        Invocation::new(&[
            "rsync",
            "--archive",
            "--sparse",
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

pub static SECURITY_INCIDENT: Procedure = Procedure::new(
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
            Any(&[Exists("/root/incident-{case}/log"), Free("/root", "space")]),
            "du -sh /var/log shows what it takes: give that as --space, or add a disk; never free space by removing logs",
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
"--sparse",
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
            "contain: take a snapshot of the server, for evidence and for a rollback",
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

pub static SERVER_REBUILD: Procedure = Procedure::new(
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
.summary("rebuild the host and restore it")
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
