//! fondation: a unit around a compose project; Convex is a local stand-in behind TLS.

use crate::faults::{Fault, drive};
use crate::machine::Machine;

const FAULTS: &[Fault] = &[
    Fault {
        name: "worker-unit-stopped",
        inject: "systemctl stop fondation-worker",
        heal: "systemctl start fondation-worker",
    },
    Fault {
        name: "worker-container-paused",
        inject: "docker pause fondation-worker-1",
        heal: "docker unpause fondation-worker-1",
    },
    Fault {
        name: "d5-container-renamed-found-by-its-labels",
        inject: "docker rename fondation-worker-1 fondation-other",
        heal: "docker rename fondation-other fondation-worker-1",
    },
    Fault { name: "convex-down", inject: "systemctl stop caddy", heal: "systemctl start caddy" },
    Fault {
        name: "convex-url-unset",
        inject: "cp -p /srv/fondation/.env /root/env; sed -i '/^CONVEX_URL=/d' /srv/fondation/.env",
        heal: "cp -p /root/env /srv/fondation/.env",
    },
    Fault {
        name: "l12-convex-url-with-credentials",
        inject: "cp -p /srv/fondation/.env /root/env; \
                 sed -i 's#^CONVEX_URL=.*#CONVEX_URL=https://user:hunter2@169.254.169.254/#' /srv/fondation/.env",
        heal: "cp -p /root/env /srv/fondation/.env",
    },
    Fault { name: "a3-docker-hangs", inject: "kill -STOP $(pidof dockerd)", heal: "kill -CONT $(pidof dockerd)" },
    Fault {
        name: "b2-unit-disabled-and-stopped",
        inject: "systemctl disable --now fondation-worker",
        heal: "systemctl enable --now fondation-worker",
    },
];

#[test]
fn fondation() {
    let machine = Machine::boot("fondation");
    drive(&machine, "fondation", FAULTS);
}
