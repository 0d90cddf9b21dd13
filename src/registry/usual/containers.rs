//! What surrounds containers: networks, ports, mounts and bounds. Nothing here is mended by a restart of the same container.

use super::super::*;
use super::{EXHAUSTED, SLOW_ANSWER};

/// A container runs and cannot be reached, or cannot do its work.
pub static CONTAINER_ENVIRONMENT: Failure = Failure::new("container-environment", &[CONTAINER])
    .summary("a container's network, ports, mounts or limits stop it from working")
    .section("every deployment: reports of the docker engine")
    .aliases(&["container-network", "published-port", "restart-policy", "bind-mount", "throttled"])
    .symptoms(&[
        "connection refused although the container runs",
        "getaddrinfo ENOTFOUND",
        "the container is unhealthy",
    ])
    .note("opsctl reads the engine's socket; without the socket it reports no such findings");

/// All of it.
pub static CONTAINER: &[&Cause] = &[
    &CONTAINER_OFF_NETWORK,
    &CONTAINER_NOT_STARTABLE,
    &CONTAINER_MOUNT_GONE,
    &CONTAINER_PORT_ELSEWHERE,
    &CONTAINER_PORT_UNSERVED,
    &CONTAINER_CHECK_BROKEN,
    &CONTAINER_MEMORY_TIGHT,
    &CONTAINER_MEMORY_KILLS,
    &CONTAINER_THROTTLED,
    &CONTAINER_POLICY_LOST,
    &CONTAINER_NAME_UNRESOLVED,
];

const fn cause(code: &'static str, clue: Surroundings) -> Cause {
    Cause::new(code, Clue::Surroundings(clue))
}

const INSPECT: Fix =
    Fix::new("see how it was created", Risk::ReadOnly, Remedy::Command(&["docker", "inspect", "{unit}"]));

static AGAIN: Fix = Fix::new(
    "recreate the container from its files",
    Risk::Disruptive,
    Remedy::Manual(
        "docker compose up -d with its file and project, or its docker run command; a restart does not change its \
         settings",
    ),
);

/// Not on its network.
pub static CONTAINER_OFF_NETWORK: Cause = cause("CONTAINER-OFF-NETWORK", Surroundings::OffNetwork)
    .summary("the container of {service} is not on its network {thing}")
    .explanation(
        "other containers do not find it by name, and its published ports do not work; it was disconnected after it \
         was created",
    )
    .explains(&[&CONTAINER_NAME_UNRESOLVED])
    .fixes(&[
        &INSPECT,
        &Fix::new(
            "reconnect it, with the names that others use",
            Risk::Disruptive,
            Remedy::Manual("docker network connect --alias SERVICE NETWORK CONTAINER, or recreate it from its files"),
        ),
    ]);

/// The engine misses a part.
pub static CONTAINER_NOT_STARTABLE: Cause = cause("CONTAINER-PART-MISSING", Surroundings::NotStartable)
    .summary("docker could not start the container of {service}: {thing} is missing, in use or of the wrong type")
    .explanation("it was created with this mount, network, image or port; another start fails the same way")
    .fixes(&[&INSPECT, &AGAIN]);

/// A mount is gone.
pub static CONTAINER_MOUNT_GONE: Cause = cause("CONTAINER-MOUNT-GONE", Surroundings::MountGone)
    .summary("a mount of the container of {service} is missing, replaced or empty: {thing}")
    .explanation("the container may still have the old directory open: its content is lost when the container ends")
    .fixes(&[
        &Fix::new("see what exists there", Risk::ReadOnly, Remedy::Command(&["ls", "-la", "{thing}"])),
        &Fix::new(
            "before any restart, copy the content that the container still has",
            Risk::ReadOnly,
            Remedy::Manual(
                "docker cp CONTAINER:PATH to another directory; then recreate the source directory and the container",
            ),
        ),
    ]);

/// Published elsewhere.
pub static CONTAINER_PORT_ELSEWHERE: Cause = cause("CONTAINER-PORT-ELSEWHERE", Surroundings::PublishedElsewhere)
    .summary("the container of {service} is published at {thing}, not at the registry's port")
    .explanation("it runs; clients of the registry's port reach nothing or another program")
    .fixes(&[
        &Fix::new("see what it publishes", Risk::ReadOnly, Remedy::Command(&["docker", "port", "{unit}"])),
        &AGAIN,
    ]);

/// Its program listens on another port than the one that leads into it.
pub static CONTAINER_PORT_UNSERVED: Cause = cause("CONTAINER-PORT-UNSERVED", Surroundings::ListensElsewhere)
    .summary("{service} listens on {thing} in its container, but its published port leads elsewhere")
    .explanation(
        "its environment or command sets another port or address than its ports: publish; a restart changes neither",
    )
    .fixes(&[
        &Fix::new("see what it publishes", Risk::ReadOnly, Remedy::Command(&["docker", "port", "{unit}"])),
        &Fix::new(
            "make port and published port match, then recreate the container",
            Risk::Disruptive,
            Remedy::Manual(
                "compare PORT, HOST or the like of its environment with ports: of its compose file; correct the one that \
                 differs, then docker compose up -d with its file and project. A program in a container listens on 0.0.0.0",
            ),
        ),
    ]);

/// The check itself is broken.
pub static CONTAINER_CHECK_BROKEN: Cause = cause("CONTAINER-CHECK-BROKEN", Surroundings::CheckBroken)
    .summary("the health check of {service}'s container cannot be run: {thing}")
    .explanation("its program is missing in the image or times out; it does not show the state of the service")
    .fixes(&[&INSPECT, &AGAIN]);

/// At its memory limit.
pub static CONTAINER_MEMORY_TIGHT: Cause = cause("CONTAINER-MEMORY-TIGHT", Surroundings::MemoryTight)
    .summary("the container of {service} has used up its memory limit of {thing}")
    .explanation("the next allocation kills it, even if the host has free memory")
    .verdict(Verdict::Warn)
    .fixes(&[&person_limit("raise mem_limit in its compose file or docker update --memory, or find what grows")]);

/// Killed at its memory limit.
pub static CONTAINER_MEMORY_KILLS: Cause = cause("CONTAINER-MEMORY-KILLS", Surroundings::MemoryKills)
    .summary("processes in the container of {service} were killed at its memory limit of {thing}")
    .explanation("the container keeps running without them; its main process was not killed")
    .verdict(Verdict::Warn)
    .fixes(&[&person_limit("raise mem_limit in its compose file or docker update --memory, or find what grows")]);

/// Held back by its CPU limit.
pub static CONTAINER_THROTTLED: Cause = cause("CONTAINER-THROTTLED", Surroundings::Throttled)
    .summary("the container of {service} is throttled by its CPU limit of {thing} in more than half of all periods")
    .explanation("it answers late because its CPU limit holds it back, even on an idle host")
    .explains(&[&SLOW_ANSWER, &EXHAUSTED])
    .fixes(&[&person_limit("raise cpus in its compose file or docker update --cpus; compare with its earlier limit")]);

const fn person_limit(words: &'static str) -> Fix {
    Fix::new("raise the limit, or reduce its load", Risk::Disruptive, Remedy::Manual(words))
}

/// It would not come back.
pub static CONTAINER_POLICY_LOST: Cause = cause("CONTAINER-POLICY-LOST", Surroundings::PolicyLost)
    .summary("the container of {service} does not restart by itself: its compose file has {thing}")
    .explanation("its restart policy was changed after it was created; after a crash or a reboot it remains down")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "set its policy again, without a restart",
        Risk::Disruptive,
        Remedy::Manual("docker update --restart=POLICY CONTAINER, with the policy of its compose file"),
    )]);

/// A name leads nowhere.
pub static CONTAINER_NAME_UNRESOLVED: Cause = cause("CONTAINER-NAME-UNRESOLVED", Surroundings::NameUnresolved)
    .summary("the container of {service} cannot resolve {thing}: they share no network")
    .explanation(
        "its environment names a container that runs on other networks; docker resolves names only in a shared \
         network",
    )
    .depth(Depth::Effect)
    .fixes(&[&INSPECT, &AGAIN]);
