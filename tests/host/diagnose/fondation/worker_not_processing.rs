//! A worker that takes no jobs.

use super::{AGAIN, UNIT_AGAIN};
use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "worker-not-processing",
        what: "the worker's unit stopped",
        inject: "systemctl stop fondation-worker",
        heal: "systemctl start fondation-worker",
        code: "STOPPED",
        subject: "worker",
        decisive: "systemd: stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "worker-not-processing",
        what: "the docker engine and its socket stopped",
        inject: "systemctl stop docker.socket docker",
        heal: "systemctl start docker.socket docker; systemctl start fondation-worker",
        code: "DOCKER-DOWN",
        subject: "docker",
        decisive: "systemd: stopped",
        fix: Fix::Disruptive,
    },
    Injection {
        failure: "worker-not-processing",
        what: "the unit calls docker-compose, which is not installed",
        inject: concat!(
            "mv /usr/bin/docker-compose /root/; ",
            unit!("ExecStart=\\nExecStart=/usr/bin/docker-compose -f docker-compose.prod.yml up")
        ),
        heal: "mv /root/docker-compose /usr/bin/; rm -r /run/systemd/system/fondation-worker.service.d; systemctl daemon-reload; \
               systemctl reset-failed fondation-worker || true; systemctl restart fondation-worker; sleep 2",
        code: "COMPOSE-MISSING",
        subject: "worker",
        decisive: "/usr/bin/docker-compose does not exist",
        fix: Fix::Person,
    },
    Injection {
        failure: "worker-not-processing",
        what: "the unit pulls before it starts, from where its image is not",
        inject: unit!("ExecStartPre=/usr/bin/docker compose -f docker-compose.prod.yml pull"),
        heal: UNIT_AGAIN,
        code: "PULL-FAILED",
        subject: "worker",
        decisive: "registry-1.docker.io|pull access denied",
        fix: Fix::Person,
    },
    Injection {
        failure: "worker-not-processing",
        what: "the image pruned while the worker was stopped",
        inject: "systemctl stop fondation-worker; docker tag fondation-worker:latest kept:1; docker rmi fondation-worker:latest; \
                 systemctl start fondation-worker; sleep 4",
        heal: "docker tag kept:1 fondation-worker:latest; docker rmi kept:1; systemctl reset-failed fondation-worker || true; \
               systemctl start fondation-worker; sleep 2",
        code: "IMAGE-GONE",
        subject: "worker",
        decisive: "no such line",
        fix: Fix::Person,
    },
    Injection {
        failure: "worker-not-processing",
        what: "the worker's container paused",
        inject: "docker pause fondation-worker-1",
        heal: "docker unpause fondation-worker-1 || true",
        code: "CONTAINER-PAUSED",
        subject: "worker",
        decisive: "^paused$",
        fix: Fix::Offer,
    },
    Injection {
        failure: "worker-not-processing",
        what: ".env gone, the worker restarted",
        inject: "mv /srv/fondation/.env /root/env; systemctl restart fondation-worker || true; sleep 2",
        heal: "mv /root/env /srv/fondation/.env; systemctl reset-failed fondation-worker || true; systemctl restart \
               fondation-worker; sleep 2",
        code: "ENV-FILE-MISSING",
        subject: "worker",
        decisive: "/srv/fondation/.env does not exist",
        fix: Fix::Person,
    },
    Injection {
        failure: "worker-not-processing",
        what: "CONVEX_URL removed from .env, the worker restarted",
        inject: "cp -p /srv/fondation/.env /root/env; sed -i '/^CONVEX_URL=/d' /srv/fondation/.env; systemctl restart \
                 fondation-worker; sleep 3",
        heal: "cp -p /root/env /srv/fondation/.env; systemctl restart fondation-worker; sleep 2",
        code: "ENV-KEY-MISSING",
        subject: "worker",
        decisive: "lacks CONVEX_URL",
        fix: Fix::Person,
    },
    Injection {
        failure: "worker-not-processing",
        what: "/health says unhealthy with a full heap",
        inject: health!("{\\\"status\\\":\\\"unhealthy\\\",\\\"memory\\\":{\\\"percentUsed\\\":95}}"),
        heal: AGAIN,
        code: "HEAP-FULL",
        subject: "worker",
        decisive: "memory.percentUsed is 95",
        fix: Fix::Disruptive,
    },
    Injection {
        failure: "worker-not-processing",
        what: "/health says unhealthy with an empty heap",
        inject: health!("{\\\"status\\\":\\\"unhealthy\\\",\\\"memory\\\":{\\\"percentUsed\\\":20}}"),
        heal: AGAIN,
        code: "OVERLOADED",
        subject: "worker",
        decisive: "HTTP 503",
        fix: Fix::Restart,
    },
];
