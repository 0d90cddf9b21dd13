//! A plugspace host: what the ring of real hosts showed of one, with stand-ins for its services.

use std::fs;
use std::io::Write;

use crate::machine::{Machine, sample};
use crate::servers;

/// The pm2 daemon of user plugspace, who is the user that runs the tests: to become another takes root.
pub const DAEMON: u32 = 330;

/// Names of the edge.
pub const HOSTS: [&str; 5] =
    ["plugspace.io", "www.plugspace.io", "studio.plugspace.io", "admin.plugspace.io", "api.plugspace.io"];

/// All is well. Needs ports below 1024.
pub fn healthy() -> Machine {
    let machine = Machine::new();
    machine.dir("/home/plugspace/plugspace");
    user(&machine, rustix::process::geteuid().as_raw());
    daemon(&machine);
    machine.answer("pm2-jlist", &sample("plugspace/pm2-jlist.json"));
    machine.units(&sample("plugspace/systemctl-show.txt"));
    machine.answer("docker-ps", "");
    machine.file("/root/.plugspace/redis-credentials.txt", "REDIS_PASSWORD=canary-redis-password\n");
    machine.serve(27017, servers::replies(servers::mongo_primary()));
    machine.serve(6379, servers::redis("canary-redis-password"));
    let api = |path: &str| match path {
        "/health" => (200, r#"{"status":"healthy","services":{"database":"up","redis":"up"}}"#.to_owned()),
        "/ready" => (200, r#"{"status":"ready"}"#.to_owned()),
        _ => (404, String::new()),
    };
    machine.serve(4000, servers::http(api));
    machine.serve(4001, servers::always(200, r#"{"status":"healthy","connections":3}"#));
    for port in [3000, 3001, 3002] {
        machine.serve(port, servers::always(200, "<html>"));
    }
    machine.serve(80, servers::always(301, ""));
    for port in [9100, 9113, 9121] {
        machine.serve(port, servers::always(200, "# HELP"));
    }
    machine.serve(443, servers::tls(&HOSTS));
    machine.unit(
        "certbot.timer",
        "Id=certbot.timer\nNames=certbot.timer\nLoadState=loaded\nActiveState=active\nSubState=waiting\nConditionResult=yes\n",
    );
    machine.file("/home/plugspace/.pm2/dump.pm2", &sample("plugspace/pm2-jlist.json"));
    machine.file(
        "/etc/systemd/system/pm2-plugspace.service",
        "[Service]\nExecStart=/usr/local/bin/pm2 resurrect\n[Install]\nWantedBy=multi-user.target\n",
    );
    machine.dir("/etc/systemd/system/multi-user.target.wants");
    std::os::unix::fs::symlink(
        "/etc/systemd/system/pm2-plugspace.service",
        machine.path("/etc/systemd/system/multi-user.target.wants/pm2-plugspace.service"),
    )
    .unwrap();
    machine
}

/// Makes plugspace a user with this id.
pub fn user(machine: &Machine, uid: u32) {
    let passwd = machine.path("/etc/passwd");
    let mut passwd = fs::OpenOptions::new().append(true).open(passwd).unwrap();
    writeln!(passwd, "plugspace:x:{uid}:{uid}::/home/plugspace:/bin/bash").unwrap();
}

/// Makes the pm2 daemon run.
pub fn daemon(machine: &Machine) {
    machine.file("/home/plugspace/.pm2/pm2.pid", &DAEMON.to_string());
    machine.file(&format!("/proc/{DAEMON}/comm"), "PM2 v7.0.4: God\n");
}
