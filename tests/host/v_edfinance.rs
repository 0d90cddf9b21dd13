//! v-edfinance: containers whose names the runbook leaves open, a real PostgreSQL and Redis among them.

use crate::faults::{Fault, drive};
use crate::machine::Machine;

const FAULTS: &[Fault] = &[
    Fault { name: "api-stopped", inject: "docker stop -t 1 vedfinance-api", heal: "docker start vedfinance-api" },
    Fault {
        name: "postgres-stopped",
        inject: "docker stop -t 5 vedfinance-postgres",
        heal: "docker start vedfinance-postgres",
    },
    Fault { name: "a3-api-hangs", inject: "docker pause vedfinance-api", heal: "docker unpause vedfinance-api" },
    Fault { name: "redis-stopped", inject: "docker stop -t 1 vedfinance-redis", heal: "docker start vedfinance-redis" },
    Fault {
        name: "d4-two-postgres",
        inject: "docker create --name v-edfinance-postgres \
                 $(docker inspect -f '{{.Image}}' dokploy-postgres) true; docker stop -t 5 vedfinance-postgres",
        heal: "docker rm v-edfinance-postgres; docker start vedfinance-postgres",
    },
    Fault {
        name: "web-gone",
        inject: "docker rename v-edfinance-web-staging elsewhere",
        heal: "docker rename elsewhere v-edfinance-web-staging",
    },
    Fault {
        name: "nginx-stopped",
        inject: "docker stop -t 1 v-edfinance-nginx-staging",
        heal: "docker start v-edfinance-nginx-staging",
    },
    Fault {
        name: "grafana-stopped",
        inject: "docker stop -t 1 v-edfinance-grafana",
        heal: "docker start v-edfinance-grafana",
    },
    Fault { name: "a3-docker-hangs", inject: "kill -STOP $(pidof dockerd)", heal: "kill -CONT $(pidof dockerd)" },
];

#[test]
fn v_edfinance() {
    let machine = Machine::boot("v-edfinance");
    drive(&machine, "v-edfinance", FAULTS);
}
