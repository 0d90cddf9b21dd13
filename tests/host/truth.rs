//! Hosts that others set up: where services listen, which of them are in use and which units have failed is what the host says,
//! and what the registry states is only where to look first.

use serde_json::Value;

use crate::machine::Machine;

fn status(machine: &Machine) -> Value {
    let ran = machine.run(&["opsctl", "-d", "localhost", "status", "-o", "json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    assert_eq!(document["exit_code"], ran.code, "{}", ran.stdout);
    document
}

/// A service of the document, as `verdict state` and what its checks say.
fn service(document: &Value, name: &str) -> (String, String) {
    let all = document["services"].as_array().unwrap();
    let Some(one) = all.iter().find(|one| one["name"] == name) else { return ("absent".to_owned(), String::new()) };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks: Vec<String> = one["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| format!("{}: {}", text(&check["source"]), text(&check["summary"])))
        .collect();
    (format!("{} {}", text(&one["verdict"]), text(&one["state"])), checks.join("; "))
}

fn main_pid(machine: &Machine, unit: &str) -> String {
    machine.sh(&format!("systemctl show --value -p MainPID {unit}"))
}

/// A service that listens elsewhere than its default.
struct Moved {
    service: &'static str,
    unit: &'static str,
    /// Shell lines that move it and start it.
    inject: &'static str,
    /// What its checks must say.
    says: &'static [&'static str],
}

const POSTGRES: &str = "c=/etc/postgresql/17/main/postgresql.conf; cp -n $c /root/pg.conf; cp /root/pg.conf $c; ";
const REDIS: &str = "c=/etc/redis/redis.conf; cp -np $c /root/redis.conf; cp -p /root/redis.conf $c; ";

const MOVED: &[Moved] = &[
    Moved {
        service: "postgresql",
        unit: "postgresql@17-main",
        inject: "sed -i 's/^port = 5432/port = 5433/' $c; systemctl restart postgresql",
        says: &["postgres :5433: accepting connections", "listens on :5433 and not on :5432"],
    },
    Moved {
        service: "postgresql",
        unit: "postgresql@17-main",
        inject: "echo \"listen_addresses = ''\" >> $c; systemctl restart postgresql",
        says: &[".s.PGSQL.5432: accepting connections", ".s.PGSQL.5432 and not on :5432"],
    },
    Moved {
        service: "postgresql",
        unit: "postgresql@17-main",
        inject: "echo \"listen_addresses = '::1'\" >> $c; systemctl restart postgresql",
        says: &["postgres [::1]:5432: accepting connections", "listens on [::1]:5432 and not on :5432"],
    },
    Moved {
        service: "redis",
        unit: "redis-server",
        inject: "sed -i 's/^port .*/port 6380/' $c; systemctl restart redis-server",
        says: &["redis :6380: PONG", "listens on :6380 and not on :6379"],
    },
    Moved {
        service: "redis",
        unit: "redis-server",
        inject: "sed -i 's/^bind .*/bind ::1/' $c; systemctl restart redis-server",
        says: &["redis [::1]:6379: PONG", "listens on [::1]:6379 and not on :6379"],
    },
    Moved {
        service: "redis",
        unit: "redis-server",
        inject: "ip address add 10.77.0.1/32 dev lo 2>/dev/null || true; sed -i 's/^bind .*/bind 10.77.0.1/; \
                 s/^protected-mode .*/protected-mode no/' $c; systemctl restart redis-server",
        says: &["redis 10.77.0.1:6379: PONG", "listens on 10.77.0.1:6379 and not on :6379"],
    },
    Moved {
        service: "redis",
        unit: "redis-server",
        inject: "sed -i 's/^port .*/port 0/' $c; printf 'unixsocket /run/redis/r.sock\\n' >> $c; systemctl restart redis-server",
        says: &["redis /run/redis/r.sock: PONG", "listens on /run/redis/r.sock and not on :6379"],
    },
    Moved {
        service: "nginx",
        unit: "nginx",
        inject: "sed -i 's/listen .*80 default_server;/listen 8080 default_server;/' /etc/nginx/sites-available/default; \
                 sed -i '0,/listen 8080/!{/listen 8080/d}' /etc/nginx/sites-available/default; systemctl restart nginx",
        says: &["http :8080/: answers", "listens on :8080 and not on :80"],
    },
    Moved {
        service: "caddy",
        unit: "caddy",
        inject: "printf ':8081\\nrespond ok\\n' > /etc/caddy/Caddyfile; systemctl restart caddy",
        says: &["http :8081/: answers", "and not on :80"],
    },
];

#[test]
fn b23_m3_services_that_listen_elsewhere_are_well_and_are_not_restarted() {
    let machine = Machine::boot_as("bare", "truth");
    for moved in MOVED {
        let config = match moved.service {
            "postgresql" => POSTGRES,
            "redis" => REDIS,
            _ => "",
        };
        // What comes back after a boot, so that nothing is to be found.
        let enabled = moved.unit.split('@').next().unwrap();
        machine.sh(&format!("systemctl enable -q {enabled}; {config}{}", moved.inject));
        // PostgreSQL's client waits until it is up, the others announce themselves.
        let ready = "for i in $(seq 50); do systemctl is-active -q UNIT && break; sleep 0.1; done; sleep 0.5";
        machine.sh(&ready.replace("UNIT", moved.unit));
        let (state, says) = service(&status(&machine), moved.service);
        assert_eq!(state, "pass running", "{}: {says}", moved.inject);
        for wanted in moved.says {
            assert!(says.contains(wanted), "{}: {says}", moved.inject);
        }
        let before = main_pid(&machine, moved.unit);
        let fixed = machine.run(&["opsctl", "-d", "localhost", "diagnose", "--fix", "--yes"]);
        assert_eq!(fixed.code, 0, "{}: {fixed:#?}", moved.inject);
        assert_eq!(main_pid(&machine, moved.unit), before, "{}: it was restarted", moved.inject);
        // Who may not see its sockets does not say that it is down.
        let seen = machine.run_as("nobody", &["opsctl", "-d", "localhost", "status", moved.service]);
        assert_eq!(seen.code, 4, "{}: {seen:#?}", moved.inject);
    }
    // A restart of one that listens elsewhere is proven where it listens.
    let restarted = machine.run(&["opsctl", "-d", "localhost", "restart", "--yes", "postgresql"]);
    assert_eq!(restarted.code, 0, "{restarted:#?}");
    machine.sh("cp /root/pg.conf /etc/postgresql/17/main/postgresql.conf; systemctl restart postgresql; \
                cp -p /root/redis.conf /etc/redis/redis.conf; systemctl disable -q --now redis-server caddy");

    another_program_has_the_port(&machine);
    clusters(&machine);
    sockets(&machine);
    what_the_next_boot_leaves_out(&machine);
}

/// What runs and does not come back, and what should start by itself and does not, is a warning before it is missed.
fn what_the_next_boot_leaves_out(machine: &Machine) {
    let seen = || {
        let document = status(machine);
        let problems = document["problems"].as_array().unwrap().iter();
        let told = problems.map(|problem| format!("{}: {}", problem["subject"], problem["summary"]).replace('"', ""));
        let of_these = |told: &String| ["caddy", "cron", "logrotate.timer"].iter().any(|name| told.starts_with(name));
        told.filter(of_these).collect::<Vec<_>>()
    };
    machine.sh("systemctl enable -q --now caddy cron logrotate.timer");
    assert_eq!(seen(), Vec::<String>::new());
    machine.sh("systemctl disable -q caddy; systemctl stop cron logrotate.timer");
    let told = seen().join("\n");
    for wanted in [
        "caddy: caddy does not start after a reboot: caddy.service is not enabled",
        "cron: cron does not run: no job of any crontab starts",
        "logrotate.timer: logrotate.timer does not run, nor does the service that it starts",
    ] {
        assert!(told.contains(wanted), "{wanted} is not in:\n{told}");
    }
    let strict = machine.run(&["opsctl", "-d", "localhost", "status", "--fail-on", "warn"]);
    assert_eq!(strict.code, 3, "{strict:#?}");
}

/// nginx is installed and not in use; Caddy serves port 80.
fn another_program_has_the_port(machine: &Machine) {
    machine.sh("systemctl disable --now nginx 2>/dev/null; printf ':80\\nrespond ok\\n' > /etc/caddy/Caddyfile; \
                systemctl enable -q caddy; systemctl restart caddy; sleep 0.5");
    let document = status(machine);
    assert_eq!(document["verdict"], "pass", "{document:#}");
    assert_eq!(service(&document, "nginx").0, "absent");
    assert_eq!(service(&document, "caddy").0, "pass running");
    let found = machine.run(&["opsctl", "-d", "localhost", "diagnose", "port-conflict"]);
    assert_eq!(found.code, 0, "{found:#?}");
    // With nginx elsewhere, what answers on port 80 is not nginx.
    machine.sh("systemctl start nginx; sleep 0.5");
    let (state, says) = service(&status(machine), "nginx");
    assert_eq!(state, "pass running", "{says}");
    assert!(says.contains("listens on :8080 and not on :80, which caddy (pid "), "{says}");
    machine.sh("systemctl stop nginx caddy");
}

/// Two clusters of PostgreSQL, one of which is down while the unit that started them is active.
fn clusters(machine: &Machine) {
    machine
        .sh("systemctl enable postgresql 2>/dev/null; pg_createcluster 17 shop >/dev/null; systemctl daemon-reload; \
                systemctl start postgresql@17-shop; sleep 1");
    assert_eq!(service(&status(machine), "postgresql").0, "pass running");
    machine.sh("systemctl stop postgresql@17-shop");
    let (state, says) = service(&status(machine), "postgresql");
    assert_eq!(state, "fail stopped", "{says}");
    // What is down is started; what serves is left alone.
    let before = main_pid(machine, "postgresql@17-main");
    let started = machine.run(&["opsctl", "-d", "localhost", "start", "--yes", "postgresql"]);
    assert_eq!(started.code, 0, "{started:#?}");
    assert_eq!(main_pid(machine, "postgresql@17-main"), before);
    assert_eq!(service(&status(machine), "postgresql").0, "pass running");
    machine.sh("systemctl stop postgresql 'postgresql@*'; sleep 1; pg_dropcluster 17 shop; systemctl disable postgresql 2>/dev/null; systemctl daemon-reload");
}

/// A failed unit is told whatever else it may be called: with the service that is judged by it, or by itself.
fn sockets(machine: &Machine) {
    machine.sh("systemctl disable --now ssh 2>/dev/null; (setsid nc -lk -p 22 >/dev/null 2>&1 & echo $! > /root/nc); sleep 0.5; \
                systemctl enable ssh.socket 2>/dev/null; systemctl start ssh.socket 2>/dev/null || true; sleep 0.5");
    let document = status(machine);
    let (state, says) = service(&document, "ssh");
    assert_eq!(state, "fail failed", "{says}");
    assert!(says.contains("not started on demand, because ssh.socket failed"), "{says}");
    assert_eq!(document["exit_code"], 3);
    machine.sh("kill $(cat /root/nc); systemctl disable ssh.socket 2>/dev/null; systemctl reset-failed ssh.socket; \
                systemctl enable --now ssh 2>/dev/null");
    // Other units that could be those of services which are not here, or are well.
    for unit in ["chronyd.service", "apache2.service", "sshd-keygen.service", "data.mount", "mysql.service"] {
        let making = match unit.strip_suffix(".mount") {
            Some(place) => format!(
                "mkdir -p /{place}; printf '[Mount]\\nWhat=/dev/none\\nWhere=/{place}\\n' > /run/systemd/system/{unit}; \
                 systemctl daemon-reload; systemctl start {unit} 2>/dev/null || true"
            ),
            None => format!(
                "printf '[Service]\\nType=oneshot\\nExecStart=/bin/false\\n' > /run/systemd/system/{unit}; systemctl daemon-reload; \
                 systemctl start {unit} 2>/dev/null || true"
            ),
        };
        machine.sh(&making);
        let document = status(machine);
        assert_eq!(document["verdict"], "fail", "{unit}: {document:#}");
        let text = document.to_string();
        assert!(text.contains(unit), "{unit} is not told: {text}");
        machine.sh(&format!(
            "systemctl reset-failed {unit} || true; rm /run/systemd/system/{unit}; systemctl daemon-reload"
        ));
    }
}
