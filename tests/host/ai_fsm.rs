//! ai-fsm: web and worker beside a real PostgreSQL and a real Redis, in compose.

use crate::faults::{Fault, drive};
use crate::machine::Machine;

const FAULTS: &[Fault] = &[
    Fault {
        name: "postgres-stopped",
        inject: "docker stop -t 5 ai-fsm-postgres",
        heal: "docker start ai-fsm-postgres; sleep 2; docker restart -t 1 ai-fsm-web ai-fsm-worker",
    },
    Fault { name: "a3-postgres-hangs", inject: "docker pause ai-fsm-postgres", heal: "docker unpause ai-fsm-postgres" },
    Fault { name: "web-stopped", inject: "docker stop -t 1 ai-fsm-web", heal: "docker start ai-fsm-web" },
    Fault {
        name: "web-killed",
        inject: "docker update --restart=no ai-fsm-web; docker kill ai-fsm-web",
        heal: "docker update --restart=unless-stopped ai-fsm-web; docker start ai-fsm-web",
    },
    Fault { name: "worker-stopped", inject: "docker stop -t 1 ai-fsm-worker", heal: "docker start ai-fsm-worker" },
    Fault {
        name: "redis-gone",
        inject: "docker rename ai-fsm-redis elsewhere",
        heal: "docker rename elsewhere ai-fsm-redis",
    },
    Fault {
        name: "c2-docker-down",
        inject: "systemctl stop docker.socket docker",
        heal: "systemctl start docker.socket docker; sleep 1; docker start ai-fsm-postgres ai-fsm-redis; sleep 3; \
               docker restart -t 1 ai-fsm-web ai-fsm-worker",
    },
    Fault { name: "a3-docker-hangs", inject: "kill -STOP $(pidof dockerd)", heal: "kill -CONT $(pidof dockerd)" },
];

#[test]
fn ai_fsm() {
    let machine = Machine::boot("ai-fsm");
    drive(&machine, "ai-fsm", FAULTS);
}
