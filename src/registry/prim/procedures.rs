//! What the runbook of prim has an operator do beyond what the verbs of opsctl do: health of all, mail, secrets, alerts.

use super::access::{ALLOWLIST_ADD, ALLOWLIST_CHECK, ALLOWLIST_REMOVE, ROTATE_INTERNAL_KEY};
use super::checklists::{ADD_HEALTH_ENDPOINT, ROTATE_SECRETS};
use super::services::*;
use super::{P0, P2};
use crate::registry::*;
use Assertion::{All, Any, Command, Exists, Healthy, Installed, Not};

pub(super) static PROCEDURES: &[&Procedure] = &[
    &QUICK_CARD,
    &HEALTH_ALL,
    &MAIL_RESTART,
    &CADDY_RELOAD,
    &BACKUP_MAIL,
    &RESTORE_MAIL,
    &SECRETS_AUDIT,
    &ROTATE_INTERNAL_KEY,
    &ALLOWLIST_CHECK,
    &ALLOWLIST_ADD,
    &ALLOWLIST_REMOVE,
    &ALERT_SETUP,
    &ADD_HEALTH_ENDPOINT,
    &ROTATE_SECRETS,
];

/// Of a refused connection curl prints the address with status 000, and ends with 7.
const LOCAL: Step = Step::show(
    "local",
    "ask each service on its own port: wallet 3001 to track 3010",
    Invocation::new(&[
        "curl",
        "-sS",
        "-m",
        "5",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} %{time_total} s %{url_effective}\\n",
        "http://127.0.0.1:[3001-3010]/",
    ])
    .seconds(60)
    .no(7),
);

static QUICK_CARD: Procedure = Procedure::new(
    "quick-card",
    &[
        Step::show(
            "units",
            "list the units of prim, Caddy and docker",
            Invocation::new(&[
                "systemctl",
                "list-units",
                "--all",
                "--plain",
                "--no-legend",
                "--no-pager",
                "prim-*.service",
                "caddy.service",
                "docker.service",
            ]),
        ),
        Step::show(
            "containers",
            "list containers: stalwart and qdrant",
            Invocation::new(&["docker", "ps", "--all", "--format", "{{.Names}} {{.Status}}"]),
        ),
        LOCAL,
        Step::show(
            "wallet",
            "show the last lines of wallet, without which no paid service works",
            Invocation::new(&["journalctl", "--no-pager", "-o", "short-iso", "-u", "prim-wallet", "-n", "20"]),
        ),
        Step::show("disk", "show free space", Invocation::new(&["df", "-h", "/", "/var/log"])),
    ],
)
.aliases(&["card"])
.summary("show what the quick reference card asks first")
.section("8. Quick Reference Card")
.when("something is wrong, and it is not known what")
.note(
    "what helps then: opsctl diagnose; opsctl restart SERVICE; opsctl run caddy-reload; opsctl run mail-restart; opsctl \
     deploy. The runbook's card has placeholders and leaves out site. From outside: ssh root@157.230.187.207",
);

static HEALTH_ALL: Procedure = Procedure::new(
    "health-all",
    &[
        LOCAL,
        Step::show(
            "public",
            "ask each public host through Caddy: 502 means that only its service is down",
            Invocation::new(&[
                "curl",
                "-sS",
                "-m",
                "5",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code} %{time_total} s %{url_effective}\\n",
                "https://{wallet,store,faucet,spawn,search,email,token,mem,domain,track,mail}.prim.sh/",
            ])
            .seconds(75)
            .no(7),
        ),
        Step::check("caddy", "check Caddy", Healthy(&CADDY), "diagnose host-unreachable names the cause"),
        Step::check("wallet", "check wallet", Healthy(&WALLET), "diagnose wallet-down names the cause"),
        Step::check(
            "services",
            "check the other nine services by what they answer",
            All(&[
                Healthy(&STORE),
                Healthy(&FAUCET),
                Healthy(&SPAWN),
                Healthy(&SEARCH),
                Healthy(&EMAIL),
                Healthy(&TOKEN),
                Healthy(&MEM),
                Healthy(&DOMAIN),
                Healthy(&TRACK),
            ]),
            "diagnose service-crash-loop names the cause",
        ),
        Step::check(
            "mail",
            "check that Stalwart greets on port 25",
            Healthy(&STALWART),
            "diagnose mail-inbound-down names the cause",
        ),
    ],
)
.aliases(&["health"])
.summary("ask every service and every public host")
.section("8. Quick Reference Card: health")
.when("after a reboot, a deploy or a change of Caddy, and whenever somebody asks whether all is up")
.note(
    "the answer of the service is what counts: mem answers with text, all others with JSON that names them. The health cron \
     asks six of ten hosts, no mail, and runs on the host that it watches. opsctl status shows the same with causes",
);

static MAIL_RESTART: Procedure = Procedure::new(
    "mail-restart",
    &[
        Step::show(
            "state",
            "show the container of Stalwart",
            Invocation::new(&[
                "docker",
                "ps",
                "--all",
                "--filter",
                "label=com.docker.compose.service=stalwart",
                "--format",
                "{{.Names}} {{.Image}} {{.Status}}",
            ]),
        ),
        Step::restart("restart", &[&STALWART]),
    ],
)
.aliases(&["restart-mail"])
.summary("restart the mail server")
.section("3. Restart Procedures: Stalwart")
.severity(&P2)
.when("mail is not accepted, or JMAP does not answer")
.not_when("only prim-email is down: it is another process; opsctl restart email")
.done(&[Healthy(&STALWART)])
.note("never remove stalwart-data: it holds all mail. Senders try again, so a restart loses no mail. The log outlives the \
     restart: opsctl logs stalwart");

static CADDY_RELOAD: Procedure = Procedure::new(
    "caddy-reload",
    &[
        Step::check(
            "configuration",
            "check that Caddy accepts its Caddyfile",
            Command(
                Invocation::new(&["caddy", "adapt", "--config", "/etc/caddy/Caddyfile"])
                    .user("caddy")
                    .no(1)
                    .means("Caddy accepts its Caddyfile", "Caddy rejects its Caddyfile"),
            ),
            "it serves with the old one; caddy adapt --config /etc/caddy/Caddyfile names the line",
        ),
        Step::reload("reload", &[&CADDY]),
    ],
)
.aliases(&["reload-caddy"])
.summary("have Caddy read its Caddyfile again, without an interruption")
.section("3. Restart Procedures: Caddy")
.severity(&P0)
.when("the Caddyfile was changed, or a certificate is to be asked for again")
.not_when("Caddy does not run: opsctl start caddy")
.done(&[Healthy(&CADDY)])
.note(
    "never restart Caddy for this: that drops every host and forces no renewal. caddy validate as root may make log files \
     that Caddy cannot write; caddy adapt makes none",
);

static BACKUP_MAIL: Procedure = Procedure::new(
    "backup-mail",
    &[
        Step::check(
            "remote",
            "check that rclone is installed",
            Installed("rclone"),
            "install it: apt-get install rclone",
        ),
        Step::check(
            "data",
            "check that there is mail to back up",
            Exists("/opt/prim/deploy/email/stalwart-data"),
            "this host serves no mail",
        ),
        Step::show(
            "size",
            "show how much there is: mail is refused for as long as copying it takes",
            Invocation::new(&["du", "-sh", "/opt/prim/deploy/email/stalwart-data"]).seconds(120),
        ),
        Step { risk: Risk::Disruptive, ..Step::backup("back-up", &["stalwart"]) }
            .title("stop the mail server, back up its data, start it again"),
        Step::wait("banner", "wait until Stalwart greets again", Healthy(&STALWART), 60),
    ],
)
.aliases(&["mail-backup"])
.summary("back up all mail")
.section("6. Backup & Recovery: Stalwart")
.when("once a week, and before anything is changed about the mail server")
.not_when("mail must be accepted right now")
.done(&[Healthy(&STALWART), Healthy(&EMAIL)])
.note(
    "mail is refused meanwhile, and senders try again. The nightly script never backs up the mail. The runbook's tar has no \
     checksum; opsctl reads its copy back before it counts",
);

static RESTORE_MAIL: Procedure = Procedure::new(
    "restore-mail",
    &[
        Step::show(
            "now",
            "show how much mail there is now",
            Invocation::new(&["du", "-sh", "/opt/prim/deploy/email/stalwart-data"]).seconds(120),
        )
        .only_if(Exists("/opt/prim/deploy/email/stalwart-data")),
        Step::restore_at("restore", "stalwart", "copy")
            .title("stop the mail server, restore copy {copy}, start it again")
            .loses("mail that came since the copy, which only the old data has"),
        Step::wait("banner", "wait until Stalwart greets again", Healthy(&STALWART), 60),
    ],
)
.aliases(&["mail-restore"])
.summary("restore all mail from a copy")
.section("6. Backup & Recovery: Stalwart")
.severity(&P2)
.when("the store of the mail server is damaged or lost")
.not_when("mail is only not accepted: opsctl run mail-restart")
.parameters(&[Parameter::new("copy", ParameterKind::Word)
    .help("id of the copy, as opsctl backup list prints it")
    .default("newest")])
.done(&[Healthy(&STALWART), Healthy(&EMAIL)])
.note("the copy is proven before anything is touched. The old data is kept beside it, never removed: it has what came since");

/// What nobody but root and the group prim may read.
const OPEN: Invocation = Invocation::new(&[
    "find",
    "/etc/prim",
    "/opt/prim/deploy/email/.env",
    "/root/.config/rclone/rclone.conf",
    "!",
    "-type",
    "l",
    "-perm",
    "/o=rwx",
    "-printf",
    "%m %u:%g %p\\n",
]);

static SECRETS_AUDIT: Procedure = Procedure::new(
    "secrets-audit",
    &[
        Step::show(
            "files",
            "list files with secrets, with mode and owner",
            Invocation::new(&[
                "find",
                "/etc/prim",
                "/opt/prim/deploy/email/.env",
                "/root/.config/rclone/rclone.conf",
                "-printf",
                "%m %u:%g %p\\n",
            ]),
        ),
        Step::show("open", "list those that every user may read or write", OPEN),
        Step::show(
            "history",
            "list env files that were ever added to the repository",
            Invocation::new(&[
                "git",
                "-c",
                "core.fsmonitor=false",
                "-C",
                "/opt/prim",
                "log",
                "--all",
                "--diff-filter=A",
                "--format=%h %as",
                "--name-only",
                "--",
                "*.env",
            ])
            .user("prim"),
        )
        .only_if(Exists("/opt/prim/.git")),
        Step::check(
            "permissions",
            "check that only root and the group prim may read them",
            Command(OPEN.expects(r"\A\z").means(
                "no file with secrets is open to every user",
                "a file with secrets is open to every user",
            )),
            "chown root:prim and chmod 640 the files listed, chmod 750 /etc/prim, chmod 600 rclone.conf; then rotate what \
             was in them",
        ),
        Step::check(
            "leftovers",
            "check that /tmp has no copy of a database",
            Command(
                Invocation::new(&["find", "/tmp", "-maxdepth", "1", "-name", "prim-*.db", "-print"])
                    .expects(r"\A\z")
                    .means("/tmp has no copy of a database", "/tmp has a copy of a database"),
            ),
            "backup.sh leaves them when it fails, readable for everybody; remove them when no backup runs",
        ),
        Step::check(
            "tracked",
            "check that git tracks no env file",
            Any(&[
                Not(&Exists("/opt/prim/.git")),
                Command(
                    Invocation::new(&["git", "-c", "core.fsmonitor=false", "-C", "/opt/prim", "ls-files", "--", "*.env"])
                        .user("prim")
                        .expects(r"\A\z")
                        .means("git tracks no env file", "git tracks an env file"),
                ),
            ]),
            "git rm --cached it, commit, and rotate every secret in it: the history keeps them",
        ),
    ],
)
.aliases(&["audit-secrets"])
.summary("check who may read the secrets, and that git has none")
.section("docs/ops/secrets-audit.md")
.when("once a month, and before the repository is published")
.note(
    "no value is shown. The document wants mode 600 below /opt/prim; the files are /etc/prim/NAME.env, 640 root:prim. The \
     host has usually no .git, so run it on a checkout too: git log --all --name-only -- '*.env'",
);

/// In a crontab a setting counts for the lines after it.
const WEBHOOK: Assertion = Any(&[
    Command(
        Invocation::new(&["crontab", "-u", "root", "-l"])
            .no(1)
            .expects(r"(?ms)^\s*ALERT_WEBHOOK_URL\s*=\s*.?https://.*^[^#\n]*(healthcheck\.sh|opsctl check)")
            .means(
                "root's crontab has ALERT_WEBHOOK_URL before the health check",
                "root's crontab has no ALERT_WEBHOOK_URL before the health check",
            ),
    ),
    Command(
        Invocation::new(&["grep", "-Eqs", "^ALERT_WEBHOOK_URL=.?https://", "/etc/environment"])
            .no(1)
            .means("/etc/environment has an ALERT_WEBHOOK_URL", "/etc/environment has no ALERT_WEBHOOK_URL"),
    ),
]);

static ALERT_SETUP: Procedure = Procedure::new(
    "alert-setup",
    &[
        Step::check(
            "cron",
            "check that cron runs",
            Command(
                Invocation::new(&["systemctl", "is-active", "cron.service"])
                    .no(3)
                    .means("cron runs", "cron does not run"),
            ),
            "systemctl start cron",
        ),
        Step::check(
            "job",
            "check that the health check is scheduled",
            Command(
                Invocation::new(&["crontab", "-u", "root", "-l"])
                    .no(1)
                    .expects(r"(?m)^[^#\n]*(healthcheck\.sh|opsctl check)")
                    .means("root's crontab has the health check", "root's crontab has no health check"),
            ),
            "crontab -e as root: */5 * * * * /opt/prim/deploy/prim/healthcheck.sh >> /var/log/prim-health.log 2>&1",
        ),
        Step::ask(
            "create",
            "create an incoming webhook for the channel that is read at night",
            "Slack, Apps, Incoming Webhooks; of Discord take the address that ends in /slack",
            "created",
        )
        .only_if(Not(&WEBHOOK)),
        Step::ask(
            "enter",
            "put ALERT_WEBHOOK_URL=ADDRESS into a line of its own, before the jobs",
            "this host: crontab -e as root",
            "entered",
        )
        .only_if(Not(&WEBHOOK)),
        Step::check(
            "entered",
            "check that the health check gets the address",
            WEBHOOK,
            "the line must begin with ALERT_WEBHOOK_URL=https:// and stand before the jobs",
        ),
        Step::ask(
            "test",
            "stop the faucet for six minutes, and see the message arrive",
            "this host: systemctl stop prim-faucet, later systemctl start prim-faucet; the channel",
            "arrived",
        ),
        Step::check(
            "restored",
            "check that the service of the test runs again",
            Healthy(&FAUCET),
            "systemctl start prim-faucet",
        ),
        Step::ask(
            "outside",
            "set up a check from outside, because this one is silent when the host is down",
            "a monitoring service: https://wallet.prim.sh/ every five minutes",
            "watched",
        ),
    ],
)
.aliases(&["alerts"])
.summary("have failed health checks reach a person")
.section("deploy/prim/monitoring.md")
.when("nobody is notified when a host fails; the webhook was never configured")
.done(&[WEBHOOK, Healthy(&FAUCET)])
.note(
    "the payload's key is text, as Slack wants it; Discord wants content, unless its address ends in /slack. The health check \
     watches six of ten hosts and no mail",
);
