//! What goes wrong on any Linux machine.

use super::super::*;
use super::{APACHE, CADDY, DOCKER, NGINX};
use Clue::{All, Any, Not, Of};

pub(super) static FAILURES: &[&Failure] = &[
    &usual::DISK_FULL_FAILURE,
    &usual::INODES_FULL_FAILURE,
    &usual::MEMORY_LOW_FAILURE,
    &UNIT_FAILED,
    &PORT_CONFLICT,
    &CONTAINER_TROUBLE,
    &TLS_FAILURE,
    &usual::CLOCK_DRIFT,
    &usual::OVERLOAD,
    &JOURNAL_TROUBLE,
];

static UNIT_FAILED: Failure = Failure {
    aliases: &["crash-loop", "failed-unit", "service-crash-loop", "service-down", "down", "systemd"],
    symptoms: &["systemctl --failed lists units", "a service is restarted over and over"],
    ..Failure::new("unit-failed", "a service or another unit has failed", HERE, &[usual::SERVICE, usual::UNITS])
};

static PORT_CONFLICT: Failure = Failure {
    aliases: &["port", "address-in-use", "eaddrinuse"],
    symptoms: &["\"Address already in use\" in a log"],
    ..Failure::new("port-conflict", "another program holds a service's port", HERE, &[&[&usual::PORT_TAKEN]])
};

static CONTAINER_TROUBLE: Failure = Failure {
    aliases: &["containers", "docker-down"],
    symptoms: &["\"Cannot connect to the Docker daemon\"", "containers restart again and again"],
    services: &[&DOCKER],
    ..Failure::new(
        "container-trouble",
        "the docker engine or a container is not well",
        HERE,
        &[&[&CONTAINERS_UNWELL], usual::SERVICE],
    )
};

static TLS_FAILURE: Failure = Failure {
    aliases: &["tls", "certificate", "https"],
    symptoms: &["browsers warn of the certificate", "clients say \"certificate has expired\""],
    ..Failure::new(
        "tls-failure",
        "a certificate is not valid, or ends soon",
        HERE,
        &[usual::CERTIFICATES, &[&TLS_SILENT]],
    )
};

static JOURNAL_TROUBLE: Failure = Failure {
    aliases: &["journal", "journald", "logs"],
    symptoms: &["log lines are missing", "journalctl shows nothing new"],
    ..Failure::new(
        "journal-trouble",
        "journald does not run, or drops messages",
        HERE,
        &[&[&JOURNAL_DOWN, &JOURNAL_DROPS]],
    )
};

const HERE: &str = "no runbook: what any Linux host shows";

static CONTAINERS_UNWELL: Cause = Cause {
    about: About::These(&[&DOCKER]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "CONTAINERS-UNWELL",
        "containers keep failing",
        "they are restarted again and again, or their health check fails; what they are for is not known here",
        Clue::Strangers,
        &[&Fix {
            title: "see which, and read their logs",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["docker", "ps", "--all"]),
        }],
    )
};

static TLS_SILENT: Cause = usual::tls_silent(All(&[
    Any(&[
        Of(&CADDY, &Clue::State(&[State::Running])),
        Of(&NGINX, &Clue::State(&[State::Running])),
        Of(&APACHE, &Clue::State(&[State::Running])),
    ]),
    Clue::Certificate(Flaw::None),
]));

/// journald, asked for by name: it is no service of the registry, and without it most evidence is missing.
static JOURNALD: Question = Question {
    program: "systemctl",
    args: &["show", "--no-pager", "--property=LoadState,ActiveState,SubState,Result", "--", "systemd-journald.service"],
    user: None,
};

static JOURNAL_DOWN: Cause = Cause {
    about: About::Host,
    ..Cause::new(
        "JOURNAL-DOWN",
        "journald does not run",
        "nothing that services write is kept, and programs that log a lot may hang",
        All(&[
            Clue::Output(&JOURNALD, Shows::Line("^LoadState=loaded$")),
            Clue::Output(&JOURNALD, Shows::Line("^ActiveState=(failed|inactive|deactivating)$")),
        ]),
        &[&Fix {
            title: "start it",
            risk: Risk::Safe,
            remedy: Remedy::Command(&["systemctl", "start", "systemd-journald.service"]),
        }],
    )
};

/// What journald says when it leaves messages out (its own message id), in the last hour.
static SUPPRESSED: Question = Question {
    program: "journalctl",
    args: &[
        "--no-pager",
        "--quiet",
        "--output=cat",
        "--since=-1h",
        "_SYSTEMD_UNIT=systemd-journald.service",
        "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e",
    ],
    user: None,
};

static JOURNAL_DROPS: Cause = Cause {
    about: About::Host,
    verdict: Verdict::Warn,
    ..Cause::new(
        "JOURNAL-DROPS",
        "journald left out messages in the last hour",
        "a service writes more than journald takes (RateLimitBurst=), so that what it says is incomplete",
        All(&[
            Not(&Clue::Output(&JOURNALD, Shows::Line("^ActiveState=failed$"))),
            Clue::Output(&SUPPRESSED, Shows::Line("Suppressed")),
        ]),
        &[&Fix {
            title: "see which service, and quiet it or raise its limit",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["journalctl", "--since=-1h", "-u", "systemd-journald.service"]),
        }],
    )
};
