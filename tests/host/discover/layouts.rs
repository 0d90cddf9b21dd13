//! Hosts as other people have them: all that serves is found and nothing else, and their programs compile. Each is a bare Debian
//! with what the shell lines of its test add.

use serde_json::{Value, json};

use super::program::{compiled, fails_first, holds};
use crate::machine::Machine;

/// A unit of this test host, which no server has.
const HARNESS: &str = "test-host-cgroups";

/// Shell lines that start Docker, and make images of it: one that answers a page at port 80, and one that does nothing.
const DOCKER: &str = r#"systemctl enable --now docker 2>/dev/null
until docker version >/dev/null 2>&1; do sleep 0.2; done
image() { /usr/local/lib/test-host/import-image busybox "$@" 'STOPSIGNAL SIGKILL'; }
image shop/http:1 'CMD ["sh", "-c", "echo here > /www/index.html; exec httpd -f -p 80 -h /www"]'
image shop/idle:1 'CMD ["sleep", "infinity"]'
"#;

/// A host on which these lines ran.
fn made(name: &str, lines: &str) -> Machine {
    let machine = Machine::boot_as("bare", name);
    machine.sh(lines);
    machine
}

/// What discovery must find: name, manager, the manager's own name, addresses, protocol, and names of what it needs.
type Row<'a> = (&'a str, &'a str, &'a str, &'a [&'a str], Option<&'a str>, &'a [&'a str]);

/// Services of a bare Debian.
const BARE: [Row<'_>; 2] = [
    ("cron", "systemd", "cron.service", &[], None, &[]),
    ("ssh", "systemd", "ssh.service", &["0.0.0.0:22", "[::]:22"], Some("ssh"), &[]),
];
const ENGINE: Row<'_> = ("docker", "systemd", "docker.service", &[], None, &[]);

/// The whole list.
fn finds(machine: &Machine, wanted: &[Row<'_>]) {
    let ran = machine.run(&["opsctl", "-d", "localhost", "discover", "-o", "json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    let row = |it: &Value| {
        let needs: Vec<Value> = it["needs"].as_array().unwrap().iter().map(|need| need["name"].clone()).collect();
        json!([it["name"], it["manager"], it["unit"], it["listens"], it["protocol"], needs])
    };
    let sorted = |mut rows: Vec<Value>| {
        rows.sort_by_key(ToString::to_string);
        rows
    };
    let services = document["services"].as_array().unwrap().iter().filter(|it| it["name"] != HARNESS);
    let wanted = wanted.iter().chain(&BARE).map(|it| json!([it.0, it.1, it.2, it.3, it.4, it.5]));
    assert_eq!(sorted(services.map(row).collect()), sorted(wanted.collect()), "{document:#}");
    assert_eq!((&document["unmanaged"], &document["unknown"]), (&json!([]), &json!([])), "{document:#}");
}

/// The program of a host, which is in order.
fn program(machine: &Machine, name: &str) {
    compiled(machine, name);
    for command in [&["opsctl", "-d", "localhost", "verify"][..], &["own", "verify"], &["own", "diagnose"]] {
        // While several hosts boot at once a tool can be late, which is said to be open.
        let mut tries = (0..5).map(|_| machine.run(command));
        let ran = tries.find(|ran| ran.code != 4);
        assert!(ran.as_ref().is_some_and(|ran| ran.code == 0), "{ran:#?}");
    }
    holds(machine);
}

const WEB: &str = r#"
cat > /etc/nginx/sites-available/shop <<'END'
server {
    listen 80 default_server;
    listen [::]:80 default_server;
    server_name shop.example;
    root /var/www/shop;
    index index.php;
    location ~ \.php$ {
        include fastcgi.conf;
        fastcgi_pass unix:/run/php/php-fpm.sock;
    }
}
END
rm /etc/nginx/sites-enabled/default
ln -s ../sites-available/shop /etc/nginx/sites-enabled/shop
mkdir -p /var/www/shop
echo '<?php echo "the shop";' > /var/www/shop/index.php
systemctl enable --now mariadb php8.4-fpm nginx 2>/dev/null
curl -fsS http://127.0.0.1/ | grep -q 'the shop'
"#;

#[test]
fn a_web_host_of_packages() {
    let machine = made("it-layouts-web", WEB);
    finds(
        &machine,
        &[
            ("mariadb", "systemd", "mariadb.service", &["127.0.0.1:3306"], Some("mysql"), &[]),
            ("nginx", "systemd", "nginx.service", &["0.0.0.0:80", "[::]:80"], Some("http"), &["php8-4-fpm"]),
            ("php8-4-fpm", "systemd", "php8.4-fpm.service", &[], None, &[]),
        ],
    );
    program(&machine, "own-web");
    fails_first(&machine, "php8-4-fpm", "systemctl stop php8.4-fpm");
}

const COMPOSE: &str = r#"
mkdir -p /srv/shop
cd /srv/shop
umask 077
echo 'TOKEN=dummy-secret' > .env
umask 022
cat > compose.yaml <<'END'
services:
  web:
    image: shop/http:1
    restart: unless-stopped
    ports: ["8080:80"]
    depends_on: [api]
  api:
    image: shop/http:1
    restart: unless-stopped
    env_file: .env
    ports: ["127.0.0.1:8081:80"]
    depends_on: [cache]
    healthcheck:
      test: ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"]
      interval: 1s
  cache:
    image: shop/idle:1
    restart: unless-stopped
  worker:
    image: shop/idle:1
    restart: unless-stopped
    depends_on:
      cache:
        condition: service_started
END
docker compose --progress quiet up -d --wait
"#;

#[test]
fn a_compose_project_without_names() {
    let machine = made("it-layouts-compose", &[DOCKER, COMPOSE].concat());
    let published: &[&str] = &["0.0.0.0:8080", "[::]:8080"];
    finds(
        &machine,
        &[
            ENGINE,
            ("api", "compose", "shop/api", &["127.0.0.1:8081"], Some("http"), &["cache", "docker"]),
            ("cache", "compose", "shop/cache", &[], None, &["docker"]),
            ("web", "compose", "shop/web", published, Some("http"), &["api", "docker"]),
            ("worker", "compose", "shop/worker", &[], None, &["cache", "docker"]),
        ],
    );
    program(&machine, "own-compose");
    fails_first(&machine, "worker", "docker compose -f /srv/shop/compose.yaml stop worker");
}

const PLAIN: &str = r#"
docker run -d --name board --restart unless-stopped -p 127.0.0.1:8080:80 shop/http:1 >/dev/null
docker run -d --name tunnel shop/idle:1 >/dev/null
cd /etc/systemd/system
cat > worker@.service <<'END'
[Unit]
Description=worker of %i
[Service]
ExecStart=/bin/sleep infinity
Restart=always
[Install]
WantedBy=multi-user.target
END
printf '[Unit]\nDescription=clears the board\n[Service]\nType=oneshot\nExecStart=/bin/true\n' > clear.service
printf '[Timer]\nOnCalendar=hourly\nPersistent=true\n[Install]\nWantedBy=timers.target\n' > clear.timer
systemctl daemon-reload
systemctl enable --now worker@a worker@b clear.timer 2>/dev/null
"#;

#[test]
fn plain_containers_a_template_and_a_timer() {
    let machine = made("it-layouts-docker", &[DOCKER, PLAIN].concat());
    finds(
        &machine,
        &[
            ENGINE,
            ("board", "docker", "board", &["127.0.0.1:8080"], Some("http"), &["docker"]),
            ("clear", "systemd", "clear.service", &[], None, &[]),
            ("tunnel", "docker", "tunnel", &[], None, &["docker"]),
            ("worker-a", "systemd", "worker@a.service", &[], None, &[]),
            ("worker-b", "systemd", "worker@b.service", &[], None, &[]),
        ],
    );
    program(&machine, "own-docker");
    fails_first(&machine, "worker-b", "systemctl stop worker@b");
    machine.sh("systemctl start worker@b");
    // Whom the engine would start again was meant to run, also for whoever has no program of this host.
    let is_first = |stop: &str, name: &str| {
        machine.sh(stop);
        let ran = machine.run(&["opsctl", "-d", "localhost", "status", "-o", "name"]);
        assert!(ran.code == 3 && ran.stdout.starts_with(&format!("{name}\n")), "{ran:#?}");
    };
    is_first("docker stop board > /dev/null", "board");
    machine.sh("docker start board > /dev/null");
    // Its socket stays, and would start it.
    fails_first(&machine, "docker", "systemctl stop docker 2>/dev/null");
    is_first("true", "docker");
}
