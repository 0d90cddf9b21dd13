//! A host that no runbook names: `localhost`.

use crate::faults::{Fault, drive};
use crate::machine::Machine;

const FAULTS: &[Fault] = &[
    Fault {
        name: "failed-unit",
        inject: "systemd-run --quiet --unit=boom /bin/false || true; sleep 1",
        heal: "systemctl reset-failed boom",
    },
    Fault {
        name: "enabled-nginx-stopped",
        inject: "systemctl enable --now nginx; systemctl stop nginx",
        heal: "systemctl disable --now nginx; systemctl reset-failed nginx || true",
    },
    Fault {
        name: "redis-wants-a-password",
        inject: "echo 'requirepass hunter2' >> /etc/redis/redis.conf; systemctl start redis-server",
        heal: "systemctl stop redis-server; sed -i '/^requirepass hunter2$/d' /etc/redis/redis.conf",
    },
    Fault {
        name: "c4-a-container-restarts-without-end",
        inject: "systemctl start docker; /usr/local/lib/test-host/import-image usr test:1; \
                 docker run --detach --name loop --restart=always -v /usr:/usr:ro test:1 /bin/false; sleep 20",
        heal: "docker rm --force loop; systemctl stop docker.socket docker",
    },
    Fault {
        name: "b12-no-bus",
        inject: "mv /usr/bin/systemctl /root/; printf '#!/bin/sh\\necho Failed to connect to bus >&2\\nexit 1\\n' \
                 > /usr/bin/systemctl; chmod 755 /usr/bin/systemctl",
        heal: "mv /root/systemctl /usr/bin/systemctl",
    },
    Fault {
        name: "a6-systemctl-says-nothing",
        inject: "mv /usr/bin/systemctl /root/; printf '#!/bin/sh\\n' > /usr/bin/systemctl; chmod 755 /usr/bin/systemctl",
        heal: "mv /root/systemctl /usr/bin/systemctl",
    },
    Fault {
        name: "a9-systemctl-never-stops-printing",
        inject: "mv /usr/bin/systemctl /root/; printf '#!/bin/sh\\nexec yes\\n' > /usr/bin/systemctl; \
                 chmod 755 /usr/bin/systemctl",
        heal: "mv /root/systemctl /usr/bin/systemctl",
    },
    Fault {
        name: "a4-systemctl-hangs-and-ignores-term",
        inject: "mv /usr/bin/systemctl /root/; printf '#!/bin/sh\\ntrap \"\" TERM\\nsleep 60\\nsleep 60\\n' > /usr/bin/systemctl; \
                 chmod 755 /usr/bin/systemctl",
        heal: "mv /root/systemctl /usr/bin/systemctl",
    },
];

#[test]
fn anywhere() {
    let machine = Machine::boot("bare");
    drive(&machine, "localhost", FAULTS);
}
