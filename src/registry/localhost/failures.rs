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

static UNIT_FAILED: Failure = Failure::new("unit-failed", &[usual::SERVICE, usual::UNITS])
    .summary("a service or another unit has failed")
    .section(HERE)
    .aliases(&["crash-loop", "failed-unit", "service-crash-loop", "service-down", "down", "systemd"])
    .symptoms(&["systemctl --failed lists units", "a service restarts repeatedly"]);

static PORT_CONFLICT: Failure = Failure::new("port-conflict", &[&[&usual::PORT_TAKEN]])
    .summary("another program holds a service's port")
    .section(HERE)
    .aliases(&["port", "address-in-use", "eaddrinuse"])
    .symptoms(&["\"Address already in use\" in a log"]);

static CONTAINER_TROUBLE: Failure = Failure::new("container-trouble", &[&[&CONTAINERS_UNWELL], usual::SERVICE])
    .summary("the docker engine or a container is unhealthy")
    .section(HERE)
    .aliases(&["containers", "docker-down"])
    .symptoms(&["\"Cannot connect to the Docker daemon\"", "containers restart again and again"])
    .services(&[&DOCKER]);

static TLS_FAILURE: Failure = Failure::new("tls-failure", &[usual::CERTIFICATES, &[&TLS_SILENT]])
    .summary("a certificate is not valid, or expires soon")
    .section(HERE)
    .aliases(&["tls", "certificate", "https"])
    .symptoms(&["browsers warn of the certificate", "clients report \"certificate has expired\""]);

static JOURNAL_TROUBLE: Failure = Failure::new("journal-trouble", &[&[&JOURNAL_DOWN, &JOURNAL_DROPS]])
    .summary("journald does not run, or drops messages")
    .section(HERE)
    .aliases(&["journal", "journald", "logs"])
    .symptoms(&["log lines are missing", "journalctl shows nothing new"]);

const HERE: &str = "no runbook: general checks of Linux hosts";

static CONTAINERS_UNWELL: Cause = Cause::new("CONTAINERS-UNWELL", Clue::UnmanagedContainers)
    .summary("containers keep failing")
    .explanation(
        "the engine could not start it, restarts it repeatedly, or its health check fails; the container is not a \
         service of the registry",
    )
    .about(About::These(&[&DOCKER]))
    .verdict(Verdict::Warn)
    .fixes(&[
        &Fix::new(
            "read its last lines",
            Risk::ReadOnly,
            Remedy::Command(&["docker", "logs", "--tail", "50", "{thing}"]),
        ),
        &Fix::new(
            "see how it was created and how it ended",
            Risk::ReadOnly,
            Remedy::Command(&["docker", "inspect", "{thing}"]),
        ),
    ]);

static TLS_SILENT: Cause = usual::tls_silent(All(&[
    Any(&[
        Of(&CADDY, &Clue::State(&[State::Running])),
        Of(&NGINX, &Clue::State(&[State::Running])),
        Of(&APACHE, &Clue::State(&[State::Running])),
    ]),
    Clue::Certificate(Flaw::None),
]));

/// journald, asked for by name: it is no service of the registry, and without it most evidence is missing.
static JOURNALD: Question = Question::new("systemctl").args(&[
    "show",
    "--no-pager",
    "--property=LoadState,ActiveState,SubState,Result",
    "--",
    "systemd-journald.service",
]);

static JOURNAL_DOWN: Cause = Cause::new(
    "JOURNAL-DOWN",
    All(&[
        Clue::Output(&JOURNALD, Shows::Line("^LoadState=loaded$")),
        Clue::Output(&JOURNALD, Shows::Line("^ActiveState=(failed|inactive|deactivating)$")),
    ]),
)
.summary("journald does not run")
.explanation("nothing keeps the logs of services, and programs that log a lot may hang")
.about(About::Host)
.fixes(&[&Fix::new("start it", Risk::Safe, Remedy::Command(&["systemctl", "start", "systemd-journald.service"]))]);

/// What journald says when it leaves messages out (its own message id), in the last hour.
static SUPPRESSED: Question = Question::new("journalctl").args(&[
    "--no-pager",
    "--quiet",
    "--output=cat",
    "--since=-1h",
    "_SYSTEMD_UNIT=systemd-journald.service",
    "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e",
]);

static JOURNAL_DROPS: Cause = Cause::new(
    "JOURNAL-DROPS",
    All(&[
        Not(&Clue::Output(&JOURNALD, Shows::Line("^ActiveState=failed$"))),
        Clue::Output(&SUPPRESSED, Shows::Line("Suppressed")),
    ]),
)
.summary("journald dropped messages in the last hour")
.explanation("a service writes more than journald accepts (RateLimitBurst=), so its log is incomplete")
.about(About::Host)
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "see which service, and reduce its logging or raise its limit",
    Risk::ReadOnly,
    Remedy::Command(&["journalctl", "--since=-1h", "-u", "systemd-journald.service"]),
)]);
