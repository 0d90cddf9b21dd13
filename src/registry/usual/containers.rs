//! What surrounds containers: networks, ports, mounts and bounds. Nothing here is mended by a restart of the same container.

use super::super::*;
use super::{EXHAUSTED, SLOW_ANSWER};

/// A container runs and cannot be reached, or cannot do its work.
pub static CONTAINER_ENVIRONMENT: Failure = Failure::new("container-environment", &[CONTAINER])
    .summary("a container's network, ports, mounts or limits keep it from working")
    .section("every deployment: what the docker engine reports")
    .aliases(&["container-network", "published-port", "restart-policy", "bind-mount", "throttled"])
    .symptoms(&["connection refused though the container runs", "getaddrinfo ENOTFOUND", "the container is unhealthy"])
    .note("read of the engine's socket; where only its client can be asked, nothing is claimed");

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

const INSPECT: Fix = Fix::new("see how it was made", Risk::ReadOnly, Remedy::Command(&["docker", "inspect", "{unit}"]));

static AGAIN: Fix = Fix::new(
    "make the container anew from its files",
    Risk::Disruptive,
    Remedy::Manual(
        "docker compose up -d with its file and project, or the docker run that made it; a restart keeps what it has",
    ),
);

/// Not on its network.
pub static CONTAINER_OFF_NETWORK: Cause = cause("CONTAINER-OFF-NETWORK", Surroundings::OffNetwork)
    .summary("the container of {service} is not on its network {thing}")
    .explanation(
        "others do not find it by name, and its published ports lead nowhere; it was disconnected after it was made",
    )
    .explains(&[&CONTAINER_NAME_UNRESOLVED])
    .fixes(&[
        &INSPECT,
        &Fix::new(
            "connect it again, with the names that others use",
            Risk::Disruptive,
            Remedy::Manual("docker network connect --alias SERVICE NETWORK CONTAINER, or make it anew from its files"),
        ),
    ]);

/// The engine misses a part.
pub static CONTAINER_NOT_STARTABLE: Cause = cause("CONTAINER-PART-MISSING", Surroundings::NotStartable)
    .summary("docker could not start the container of {service}: {thing} is missing, taken or of the wrong kind")
    .explanation("a mount, network, image or port that it was made with; starting it again meets the same")
    .fixes(&[&INSPECT, &AGAIN]);

/// A mount is gone.
pub static CONTAINER_MOUNT_GONE: Cause = cause("CONTAINER-MOUNT-GONE", Surroundings::MountGone)
    .summary("{thing}, which is mounted into the container of {service}, is gone, replaced or empty")
    .explanation("the container may still have the old one open: what is in it is lost once the container ends")
    .fixes(&[
        &Fix::new("see what is there", Risk::ReadOnly, Remedy::Command(&["ls", "-la", "{thing}"])),
        &Fix::new(
            "save what the container still has, before anything restarts it",
            Risk::ReadOnly,
            Remedy::Manual(
                "docker cp CONTAINER:PATH to another place; then bring the directory back and make the container anew",
            ),
        ),
    ]);

/// Published elsewhere.
pub static CONTAINER_PORT_ELSEWHERE: Cause = cause("CONTAINER-PORT-ELSEWHERE", Surroundings::PublishedElsewhere)
    .summary("the container of {service} is published at {thing}, not where the registry has it")
    .explanation("it runs; who looks for it at its port reaches nobody, or somebody else")
    .fixes(&[
        &Fix::new("see what it publishes", Risk::ReadOnly, Remedy::Command(&["docker", "port", "{unit}"])),
        &AGAIN,
    ]);

/// Its program listens on another port than the one that leads into it.
pub static CONTAINER_PORT_UNSERVED: Cause = cause("CONTAINER-PORT-UNSERVED", Surroundings::ListensElsewhere)
    .summary("{service} listens on {thing} in its container, where its published port does not lead")
    .explanation(
        "its environment or command sets another port or address than its ports: publish; a restart keeps both as they are",
    )
    .fixes(&[
        &Fix::new("see what it publishes", Risk::ReadOnly, Remedy::Command(&["docker", "port", "{unit}"])),
        &Fix::new(
            "let port and published port agree, then make the container anew",
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
    .explanation("its program is missing in the image or does not end in time; of the service itself it says nothing")
    .fixes(&[&INSPECT, &AGAIN]);

/// At its memory limit.
pub static CONTAINER_MEMORY_TIGHT: Cause = cause("CONTAINER-MEMORY-TIGHT", Surroundings::MemoryTight)
    .summary("the container of {service} has used up its memory limit of {thing}")
    .explanation("the next allocation gets it killed, whatever the host has left")
    .verdict(Verdict::Warn)
    .fixes(&[&person_limit("raise mem_limit in its compose file or docker update --memory, or find what grows")]);

/// Killed at its memory limit.
pub static CONTAINER_MEMORY_KILLS: Cause = cause("CONTAINER-MEMORY-KILLS", Surroundings::MemoryKills)
    .summary("processes in the container of {service} were killed at its memory limit of {thing}")
    .explanation("the container runs on without them; its own main process was not among them")
    .verdict(Verdict::Warn)
    .fixes(&[&person_limit("raise mem_limit in its compose file or docker update --memory, or find what grows")]);

/// Held back by its CPU limit.
pub static CONTAINER_THROTTLED: Cause = cause("CONTAINER-THROTTLED", Surroundings::Throttled)
    .summary("the container of {service} is throttled by its CPU limit of {thing} in more than half of all periods")
    .explanation("it answers late or not in time because the processors are kept from it, whoever else does")
    .explains(&[&SLOW_ANSWER, &EXHAUSTED])
    .fixes(&[&person_limit("raise cpus in its compose file or docker update --cpus; compare with what it had before")]);

const fn person_limit(words: &'static str) -> Fix {
    Fix::new("give it more, or less to do", Risk::Disruptive, Remedy::Manual(words))
}

/// It would not come back.
pub static CONTAINER_POLICY_LOST: Cause = cause("CONTAINER-POLICY-LOST", Surroundings::PolicyLost)
    .summary("the container of {service} will not come back by itself: its compose file says {thing}")
    .explanation("its restart policy was changed after it was made; after a crash or a reboot it stays down")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "give it its policy again; nothing is restarted",
        Risk::Disruptive,
        Remedy::Manual("docker update --restart=POLICY CONTAINER, with the policy of its compose file"),
    )]);

/// A name leads nowhere.
pub static CONTAINER_NAME_UNRESOLVED: Cause = cause("CONTAINER-NAME-UNRESOLVED", Surroundings::NameUnresolved)
    .summary("the container of {service} cannot resolve {thing}: they share no network")
    .explanation(
        "its environment names a container that runs on other networks; docker resolves names of a shared one only",
    )
    .depth(Depth::Effect)
    .fixes(&[&INSPECT, &AGAIN]);
