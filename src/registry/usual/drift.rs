//! What runs is not what is configured, and another answers than should: on any host.

use super::super::*;
use super::*;

/// What runs is not what is configured.
pub static CONFIGURATION_DRIFT: Failure = Failure::new(
    "configuration-drift",
    &[&[
        &PORT_SET_ELSEWHERE,
        &PORT_MOVED,
        &NETWORK_CUT_OFF,
        &PATH_DENIED,
        &RUNS_AS_ANOTHER,
        &BOUND_REACHED,
        &START_HANGS,
        &KEY_MISMATCH,
        &CERTIFICATE_OUTDATED,
        &ENVIRONMENT_OLD,
        &CONFIGURATION_OLD,
        &CERTIFICATE_NOT_SERVED,
        &KEY_CHANGED,
        &CONTAINER_OLD,
        &IMAGE_MOVED,
        &SCRIPT_MISSING,
    ]],
)
.summary("running services differ from their configuration")
.section(ANYWHERE)
.aliases(&["configuration-old", "stale-configuration", "drop-in", "reload-missing"])
.symptoms(&[
    "a changed file has no effect, or only after the next restart",
    "a service works by hand and not as a unit",
]);

/// Another answers than should.
pub static WRONG_UPSTREAM: Failure = Failure::new(
    "wrong-upstream",
    &[&[&PORT_OF_ANOTHER, &ANSWERS_AS_ANOTHER, &ROUTE_BROKEN, &ROUTE_TO_ANOTHER, &ROUTE_DIFFERS, &UPSTREAM_DEAD]],
)
.summary("visitors or clients reach the wrong program, or none")
.section(ANYWHERE)
.aliases(&["ports-swapped", "wrong-site", "dead-upstream", "route-broken"])
.symptoms(&["a site shows another one's pages", "502 for a host name although its service answers on its port"]);

const ANYWHERE: &str = "no runbook: general checks of Linux hosts";

static SEE_UNIT: Fix =
    Fix::new("see the unit with all its drop-ins", Risk::ReadOnly, Remedy::Command(&["systemctl", "cat", "{unit}"]));
static CORRECT_UNIT: Fix = Fix::new(
    "correct the setting, then restart {service}",
    Risk::Disruptive,
    Remedy::Manual("systemctl edit {unit} changes drop-ins; then systemctl daemon-reload and opsctl restart {service}"),
);

/// It listens where its own configuration sends it.
pub static PORT_SET_ELSEWHERE: Cause =
    Cause::new("PORT-SET-ELSEWHERE", All(&[Clue::Unhealthy, Clue::ListensElsewhere, Clue::Drift(Drift::Port)]))
        .summary("{service} does not listen on port {port}: {thing}")
        .explanation(
            "its configuration sets another port than the registry has, and its processes listen there. Clients of \
             port {port} reach nothing, and a restart does not change that",
        )
        .fixes(&[
            &SEE_UNIT,
            &Fix::new(
                "make configuration and registry match",
                Risk::Disruptive,
                Remedy::Manual(
                    "set port {port} again where it was changed, then opsctl restart {service}. If the new port is \
                     intended, change the registry and the clients",
                ),
            ),
        ]);

/// A drop-in moved it, and it is well there.
pub static PORT_MOVED: Cause = Cause::new(
    "PORT-MOVED",
    All(&[Clue::Not(&Clue::Unhealthy), Clue::Drift(Drift::PortMoved)]),
)
.summary("{service} no longer listens on port {port}, which clients use: {thing}")
.explanation(
    "a drop-in of the last week starts it on another port than its package. It answers there, and clients of port \
         {port} are refused",
)
.verdict(Verdict::Warn)
.fixes(&[
    &SEE_UNIT,
    &Fix::new(
        "set the old port, or change its clients",
        Risk::Disruptive,
        Remedy::Manual(
            "systemctl revert {unit} drops all drop-ins, systemctl edit {unit} changes them; then opsctl restart \
                 {service}. If the new port is intended, change the clients",
        ),
    ),
]);

/// Its unit leaves it no network.
pub static NETWORK_CUT_OFF: Cause =
    Cause::new("NETWORK-CUT-OFF", All(&[Clue::Unhealthy, Clue::Reply(Heard::Silence), Clue::Drift(Drift::Network)]))
        .summary("{service} is cut off from the network: {thing}")
        .explanation(
            "with that setting of its unit its processes cannot serve a port of this host; a restart does not help",
        )
        .fixes(&[&SEE_UNIT, &CORRECT_UNIT]);

/// Its unit takes away what it needs.
pub static PATH_DENIED: Cause = Cause::new("PATH-DENIED", All(&[Clue::Unhealthy, Clue::Drift(Drift::Paths)]))
    .summary("the unit of {service} denies access to a path that it needs: {thing}")
    .explanation(
        "the sandbox of its unit hides that path or makes it read-only; owner, mode and a restart do not change that",
    )
    .explains(&[
        &PROGRAM_MISSING,
        &DIRECTORY_MISSING,
        &SQLITE_READ_ONLY,
        &PATH_READ_ONLY,
        &PERMISSION_DENIED,
        &FILE_MISSING,
        &NOT_EXECUTABLE,
        &CRASHED,
    ])
    .fixes(&[&SEE_UNIT, &CORRECT_UNIT]);

/// Another user or directory than the registry has.
pub static RUNS_AS_ANOTHER: Cause =
    Cause::new("RUNS-AS-ANOTHER", All(&[Clue::Unhealthy, Clue::Drift(Drift::Identity)]))
        .summary("the unit of {service} differs from the registry: {thing}")
        .explanation(
            "its files have the owner and directory of the registry; with another user or directory it does not find \
         them or cannot use them",
        )
        .explains(&[&PROGRAM_MISSING, &SQLITE_READ_ONLY, &PATH_READ_ONLY, &PERMISSION_DENIED, &FILE_MISSING, &CRASHED])
        .fixes(&[&SEE_UNIT, &CORRECT_UNIT]);

/// A bound of its unit is too tight for it.
pub static BOUND_REACHED: Cause = Cause::new("BOUND-REACHED", All(&[Clue::Unhealthy, Clue::Drift(Drift::Bound)]))
    .summary("{service} has reached a limit of its unit: {thing}")
    .explanation("it needs more than its unit allows; a restart helps until it reaches the limit again")
    .explains(&[&OUT_OF_MEMORY])
    .fixes(&[&SEE_UNIT, &CORRECT_UNIT]);

/// A step of its start does not end.
pub static START_HANGS: Cause =
    Cause::new("START-HANGS", All(&[Clue::State(&[State::Starting]), Clue::Drift(Drift::Hangs)]))
        .summary("the start of {service} hangs in {thing}")
        .explanation(
            "systemd waits for that step of the start; until it ends or times out, the service does not answer",
        )
        .explains(REASONS)
        .fixes(&[
            &Fix::new("see what it waits for", Risk::ReadOnly, Remedy::Command(&["systemctl", "status", "{unit}"])),
            &SEE_UNIT,
        ]);

/// Its process has older values than its env files.
pub static ENVIRONMENT_OLD: Cause = Cause::new("ENVIRONMENT-OLD", Clue::Drift(Drift::Environment))
    .summary("{service} runs with older values than its env file: {thing}")
    .explanation("the file was written after the start of its process; the next restart applies its values")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "check the new values, then restart {service} at a suitable time",
        Risk::Disruptive,
        Remedy::Manual("compare the file with its last backup; then opsctl restart {service}"),
    )]);

/// It has not read its configuration since that was written.
pub static CONFIGURATION_OLD: Cause = Cause::new("CONFIGURATION-OLD", Clue::Drift(Drift::Configuration))
    .summary("{service} runs with an older configuration than its files: {thing}")
    .explanation("the files were written after it last read them; the next reload or restart applies them")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "check the files, then reload {service}",
        Risk::Disruptive,
        Remedy::Manual("check its files first (nginx -t, caddy validate, sshd -t); then opsctl reload {service}"),
    )]);

static RELOAD_EDGE: Fix = Fix::new(
    "reload {service}",
    Risk::Disruptive,
    Remedy::Manual("nginx -t checks its files; then opsctl reload {service}"),
);

/// The renewed certificate is not what is served, and the served one has expired.
pub static CERTIFICATE_OUTDATED: Cause =
    Cause::new("CERTIFICATE-OUTDATED", All(&[Clue::Certificate(Flaw::Expired), Clue::Drift(Drift::Certificate)]))
        .summary("{service} still serves a certificate that has expired: {thing}")
        .explanation("the certificate was renewed on disk, and the server has not read it since")
        .explains(&[&CERTIFICATE_EXPIRED, &CERTIFICATE_NOT_SERVED])
        .fixes(&[&RELOAD_EDGE]);

/// The renewed certificate is not what is served.
pub static CERTIFICATE_NOT_SERVED: Cause = Cause::new("CERTIFICATE-NOT-SERVED", Clue::Drift(Drift::Certificate))
    .summary("{service} serves an older certificate than its files: {thing}")
    .explanation(
        "the certificate was renewed on disk, and the server has not read it since; the served one expires sooner",
    )
    .verdict(Verdict::Warn)
    .explains(&[&CERTIFICATE_ENDING])
    .fixes(&[&RELOAD_EDGE]);

static SEE_PAIR: Fix = Fix::new(
    "compare their public keys",
    Risk::ReadOnly,
    Remedy::Manual(
        "openssl x509 -noout -pubkey -in CERTIFICATE and openssl pkey -pubout -in KEY must print the same; install \
         the matching pair, then nginx -t",
    ),
);

/// It is down, and a key of it does not belong to its certificate.
pub static KEY_MISMATCH: Cause =
    Cause::new("KEY-MISMATCH", All(&[Any(&[Clue::Unhealthy, Clue::Certificate(Flaw::None)]), Clue::Drift(Drift::Key)]))
        .summary("{service} cannot use {thing}: the key does not match its certificate")
        .explanation("with this pair the server does not start, or shows no certificate")
        .explains(&[&KEY_CHANGED])
        .fixes(&[&SEE_PAIR]);

/// A key does not belong to its certificate, and nobody has noticed yet.
pub static KEY_CHANGED: Cause = Cause::new("KEY-CHANGED", All(&[Clue::Not(&Clue::Unhealthy), Clue::Drift(Drift::Key)]))
    .summary("a key of {service} does not match its certificate: {thing}")
    .explanation("it runs with the pair that it read earlier; the next reload or start fails, or shows no certificate")
    .verdict(Verdict::Warn)
    .fixes(&[&SEE_PAIR]);

/// Its container is older than its compose file.
pub static CONTAINER_OLD: Cause = Cause::new("CONTAINER-OLD", Clue::Drift(Drift::Container))
    .summary("the container of {service} has older values than its compose files: {thing}")
    .explanation(
        "the files were written after the container was created; the next docker compose up recreates it \
     with the new values",
    )
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "check the change, then run docker compose up at a suitable time",
        Risk::Disruptive,
        Remedy::Manual("docker compose config shows the new configuration; docker compose up -d applies it"),
    )]);

/// Its image tag was moved.
pub static IMAGE_MOVED: Cause = Cause::new("IMAGE-MOVED", Clue::Drift(Drift::Image))
    .summary("the container of {service} runs another image than its tag now names: {thing}")
    .explanation("the next docker compose up recreates the container with the new image; a restart does not")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new("list the images", Risk::ReadOnly, Remedy::Command(&["docker", "images", "--no-trunc"]))]);

/// pm2 starts what is not there: in cluster mode its log has no line of it.
pub static SCRIPT_MISSING: Cause = Cause::new(
    "PM2-SCRIPT-MISSING",
    All(&[Clue::Unhealthy, Clue::Drift(Drift::Script)]),
)
.summary("pm2 cannot start {service}: its file {thing} is missing")
.explanation(
    "pm2 starts the application from that file: a build, a checkout or a cleanup removed it. In cluster mode pm2 \
         logs nothing, and a restart does not help",
)
.fixes(&[
    &Fix::new("see what exists there", Risk::ReadOnly, Remedy::Command(&["ls", "-ld", "{thing}"])),
    &Fix::new(
        "rebuild the file",
        Risk::Disruptive,
        Remedy::Manual("build or check out the release again to recreate the file; then opsctl restart {service}"),
    ),
]);

/// Its port is in the hands of another service of the deployment.
pub static PORT_OF_ANOTHER: Cause = Cause::new(
    "PORT-OF-ANOTHER",
    Clue::Any(&[All(&[Clue::Unhealthy, Clue::Route(Passage::Swapped)]), Clue::Route(Passage::SwappedApps)]),
)
.summary("port {port} of {service} is served by another service: {thing}")
.explanation("both are services of this deployment, so end neither: one of them is configured with the other's port")
.explains(&[&PORT_TAKEN, &LISTENS_ELSEWHERE, &ANSWERS_AS_ANOTHER])
.fixes(&[&Fix::new(
    "set the right port of each",
    Risk::Disruptive,
    Remedy::Manual(
        "correct the port in the env file or unit that differs from the registry; then opsctl restart both, first \
             the one on the wrong port",
    ),
)]);

/// What answers on its port names itself otherwise.
pub static ANSWERS_AS_ANOTHER: Cause =
    Cause::new("ANSWERS-AS-ANOTHER", All(&[Clue::Unhealthy, Clue::Route(Passage::Impostor)]))
        .summary("port {port} of {service} answers as another service: {thing}")
        .explanation("the answer names another service than the registry")
        .fixes(&[&Fix::new(
            "see which process listens there",
            Risk::ReadOnly,
            Remedy::Command(&["ss", "-Hltnp", "sport = :{port}"]),
        )]);

static READ_EDGE: Fix = Fix::new(
    "compare the edge's running configuration with its files",
    Risk::ReadOnly,
    Remedy::Manual(
        "nginx -T or caddy adapt shows the upstream of that host name in its files. If it is wrong, correct it; then \
         opsctl reload the edge",
    ),
);

/// The edge fails where the service does not.
pub static ROUTE_BROKEN: Cause =
    Cause::new("ROUTE-BROKEN", All(&[Clue::Not(&Clue::Unhealthy), Clue::Route(Passage::Broken)]))
        .summary("visitors do not reach {service}, although it answers on :{port}: {thing}")
        .explanation("the proxy uses another upstream, or cannot reach the port itself; the service needs no restart")
        .fixes(&[&READ_EDGE]);

/// The edge shows another site.
pub static ROUTE_TO_ANOTHER: Cause =
    Cause::new("ROUTE-TO-ANOTHER", All(&[Clue::Not(&Clue::Unhealthy), Clue::Route(Passage::Elsewhere)]))
        .summary("visitors of {service} reach another service: {thing}")
        .explanation(
            "the proxy's upstream of that host name is another port than the registry's; the service needs \
         no restart",
        )
        .fixes(&[&READ_EDGE]);

/// The edge has another port than the registry, and what visitors get is no error.
pub static ROUTE_DIFFERS: Cause = Cause::new(
    "ROUTE-DIFFERS",
    All(&[
        Clue::Not(&Clue::Unhealthy),
        Clue::Route(Passage::Differs),
        Clue::Not(&Clue::Route(Passage::Broken)),
        Clue::Not(&Clue::Route(Passage::Elsewhere)),
    ]),
)
.summary("the proxy sends visitors of {service} to another port than the registry has: {thing}")
.explanation("{service} answers on :{port}, and its visitors reach whatever answers on the other port")
.verdict(Verdict::Warn)
.fixes(&[&READ_EDGE]);

/// A site without anybody behind it.
pub static UPSTREAM_DEAD: Cause = Cause::new("UPSTREAM-DEAD", Clue::Route(Passage::Dead))
    .summary("visitors of a site of {service} get an error: {thing}")
    .explanation("nothing listens on the upstream of the site: its program is down, or listens elsewhere")
    .fixes(&[
        &Fix::new("see which processes listen where", Risk::ReadOnly, Remedy::Command(&["ss", "-Hltnp"])),
        &Fix::new(
            "start the program of that upstream, or correct the site",
            Risk::Disruptive,
            Remedy::Manual(
                "start the program that serves that port; if the site is retired, remove it and reload {service}",
            ),
        ),
    ]);
