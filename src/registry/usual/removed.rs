//! What was here and is gone: its files say that it should be.

use super::super::*;
use super::NOT_FOUND;

/// A container or a list of applications was removed.
pub static REMOVED: Failure = Failure::new("removed", &[&[&CONTAINER_REMOVED, &PM_LIST_EMPTY]])
    .summary("a container or pm2's list of applications was removed")
    .section("no runbook: general checks of Linux hosts")
    .aliases(&["container-removed", "pm2-list-empty"])
    .symptoms(&["docker ps -a does not list the container", "pm2 list is empty, and the site is down"]);

/// The engine has no container of a service whose compose file is there.
pub static CONTAINER_REMOVED: Cause = Cause::new("CONTAINER-REMOVED", Clue::ContainerRemoved)
    .summary("the container of {service} was removed; its compose file {thing} exists")
    .explanation(
        "docker has no such container, not even a stopped one: docker compose down or docker rm removed it. Both \
         keep named volumes unless -v was given",
    )
    .explains(&[&NOT_FOUND])
    .fixes(&[
        &Fix::new(
            "see what docker did",
            Risk::ReadOnly,
            Remedy::Command(&["docker", "events", "--since=24h", "--until=0s", "--filter=event=destroy"]),
        ),
        &Fix::new(
            "recreate it from its compose file",
            Risk::Disruptive,
            Remedy::Manual(
                "in the directory of the compose file: docker compose config -q, then docker compose up -d with the \
                 service's name; never with -V or --renew-anon-volumes",
            ),
        ),
    ]);

/// pm2's daemon runs and has no application at all.
pub static PM_LIST_EMPTY: Cause = Cause::new("PM2-LIST-EMPTY", Clue::PmEmpty)
    .summary("pm2 lost its list of applications: it runs none")
    .explanation(
        "the daemon runs and its list is empty, so it starts nothing: after pm2 delete all, pm2 kill, or a start \
         without a saved list",
    )
    .about(About::Host)
    .explains(&[&NOT_FOUND])
    .fixes(&[&Fix::new(
        "load the saved list",
        Risk::Disruptive,
        Remedy::Manual(
            "as the user of the daemon: pm2 resurrect starts the applications of ~/.pm2/dump.pm2; if that is empty \
             too, pm2 start the application's ecosystem file. Then pm2 save",
        ),
    )]);
