//! A prim host: what the ring of real hosts showed of one, with stand-ins for its services.

use std::net::TcpStream;

use crate::machine::{Machine, sample};
use crate::servers;

/// The services that name themselves, with their ports.
pub const NAMED: [(&str, u16); 9] = [
    ("wallet", 3001),
    ("store", 3002),
    ("faucet", 3003),
    ("spawn", 3004),
    ("search", 3005),
    ("email", 3006),
    ("token", 3007),
    ("domain", 3009),
    ("track", 3010),
];

const HOSTS: [&str; 11] = [
    "wallet.prim.sh",
    "store.prim.sh",
    "faucet.prim.sh",
    "spawn.prim.sh",
    "search.prim.sh",
    "mail.prim.sh",
    "email.prim.sh",
    "token.prim.sh",
    "mem.prim.sh",
    "domain.prim.sh",
    "track.prim.sh",
];

/// A service that answers as itself.
pub fn named(name: &str) -> impl Fn(&mut TcpStream) + Send + 'static + use<> {
    servers::always(200, &format!(r#"{{"service":"{name}.sh","status":"ok"}}"#))
}

/// The managers know of all, and nothing listens.
pub fn quiet() -> Machine {
    let machine = Machine::new();
    machine.dir("/opt/prim/packages");
    machine.units(&sample("prim/systemctl-show.txt"));
    machine.container("stalwart", &sample("prim/docker-inspect-stalwart.json"));
    machine.file("/proc/760/cgroup", "0::/system.slice/docker-666b.scope\n");
    machine.file("/sys/fs/cgroup/system.slice/docker-666b.scope/memory.current", "15569256\n");
    machine
}

/// Only wallet and store answer.
pub fn two() -> Machine {
    let machine = quiet();
    machine.serve(3001, named("wallet"));
    machine.serve(3002, named("store"));
    machine
}

/// All is well. Needs ports below 1024.
pub fn healthy() -> Machine {
    let machine = quiet();
    for (name, port) in NAMED {
        machine.serve(port, named(name));
    }
    machine.serve(3008, servers::always(200, "mem.sh"));
    machine.serve(6333, servers::always(200, "healthz check passed"));
    machine.serve(25, servers::greets("220 mail.prim.sh Stalwart ESMTP at your service"));
    machine.serve(8080, servers::always(200, "<!doctype html><title>Stalwart</title>"));
    machine.serve(80, servers::always(308, ""));
    machine.serve(443, servers::tls(&HOSTS));
    machine
}

/// The processes of [`healthy`], as the kernel shows them.
pub fn processes(machine: &Machine) {
    let bun = [
        (90, 3001),
        (84, 3002),
        (78, 3003),
        (83, 3004),
        (80, 3005),
        (77, 3006),
        (85, 3007),
        (79, 3008),
        (75, 3009),
        (86, 3010),
    ];
    for (pid, port) in bun {
        machine.process(pid, "bun", &[port]);
    }
    machine.process(71, "caddy", &[80, 443]);
    machine.process(800, "docker-proxy", &[25, 465, 587, 993, 8080]);
    machine.process(400, "qdrant", &[6333]);
}

/// The rest of what `verify` compares: env files, databases, the proxy, the compose file.
pub fn files(machine: &Machine) {
    let env = [
        ("wallet", "PORT=3001\nPRIM_PAY_TO=0x5f\nPRIM_NETWORK=eip155:84532\nPRIM_INTERNAL_KEY=canary-env-wallet\n"),
        (
            "store",
            "PORT=3002\nPRIM_PAY_TO=0x5f\nPRIM_NETWORK=eip155:84532\nCLOUDFLARE_ACCOUNT_ID=a\nR2_ACCESS_KEY_ID=b\n\
             R2_SECRET_ACCESS_KEY=\"canary-env-store\"\nWALLET_INTERNAL_URL=http://127.0.0.1:3001\n",
        ),
        ("faucet", "PORT=3003\nPRIM_NETWORK=eip155:84532\nCIRCLE_API_KEY=canary-env-faucet\n"),
        (
            "spawn",
            "PORT=3004\nPRIM_PAY_TO=0x5f\nPRIM_NETWORK=eip155:84532\nDO_API_TOKEN=canary-env-spawn\n\
             WALLET_INTERNAL_URL=http://127.0.0.1:3001\n",
        ),
        (
            "search",
            "PORT=3005\nPRIM_PAY_TO=0x5f\nPRIM_NETWORK=eip155:84532\nWALLET_INTERNAL_URL=http://127.0.0.1:3001\n\
             TAVILY_API_KEY=canary-env-search\n",
        ),
        (
            "email",
            "PORT=3006\nPRIM_PAY_TO=0x5f\nPRIM_NETWORK=eip155:84532\nWALLET_INTERNAL_URL=http://127.0.0.1:3001\n\
             STALWART_URL=http://127.0.0.1:8080\nSTALWART_API_KEY='canary-env-email'\nEMAIL_DEFAULT_DOMAIN=prim.sh\n",
        ),
        (
            "token",
            "PORT=3007\nPRIM_PAY_TO=0x5f\nPRIM_NETWORK=eip155:84532\nWALLET_INTERNAL_URL=http://127.0.0.1:3001\n\
             TOKEN_MASTER_KEY=canary-env-token\nTOKEN_DEPLOYER_ENCRYPTED_KEY=c\n\
             BASE_RPC_URL=https://rpc.example/canary-env-rpc\n",
        ),
        (
            "mem",
            "PORT=3008\nPRIM_PAY_TO=0x5f\nPRIM_NETWORK=eip155:84532\nWALLET_INTERNAL_URL=http://127.0.0.1:3001\n\
             QDRANT_URL=http://127.0.0.1:6333\nGOOGLE_API_KEY=canary-env-mem\n",
        ),
        (
            "domain",
            "PORT=3009\nPRIM_PAY_TO=0x5f\nPRIM_NETWORK=eip155:84532\nWALLET_INTERNAL_URL=http://127.0.0.1:3001\n\
             CLOUDFLARE_API_TOKEN=canary-env-domain\nCLOUDFLARE_ZONE_ID=d\nNAMESILO_API_KEY=e\n",
        ),
        (
            "track",
            "PORT=3010\nPRIM_PAY_TO=0x5f\nPRIM_NETWORK=eip155:84532\nWALLET_INTERNAL_URL=http://127.0.0.1:3001\n\
             TRACKINGMORE_API_KEY=canary-env-track\n",
        ),
    ];
    for (service, text) in env {
        machine.file(&format!("/etc/prim/{service}.env"), text);
    }
    machine.file("/opt/prim/deploy/email/.env", "STALWART_ADMIN=canary-env-stalwart\n");
    machine.file("/opt/prim/deploy/email/docker-compose.yml", "services: {}\n");
    machine.dir("/opt/prim/deploy/email/stalwart-data");
    machine.dir("/var/lib/caddy");
    for name in ["wallet", "store", "faucet", "spawn", "email", "token", "mem", "domain"] {
        machine.file(&format!("/opt/prim/{name}.db"), "SQLite format 3\0canary-database");
    }
    machine.file("/var/lib/prim/allowlist.db", "SQLite format 3\0\u{10}\0\u{1}\u{1}\0@  ");
    machine.answer("caddy-adapt", &sample("prim/caddy-adapt.json"));
    machine.answer("docker-compose", &sample("prim/docker-compose-config.json"));
    machine.answer_with("systemd-analyze-verify", "", "Unit prim-infer.service not found.\n", 1);
}

/// Wallet ends with exit code 3 as soon as it is started; systemd waits five seconds before the next try.
pub const CRASH_LOOP: [(&str, &str); 8] = [
    ("MainPID", "0"),
    ("Result", "exit-code"),
    ("NRestarts", "12"),
    ("ExecMainCode", "1"),
    ("ExecMainStatus", "3"),
    ("ControlGroup", ""),
    ("ActiveState", "activating"),
    ("SubState", "auto-restart"),
];
