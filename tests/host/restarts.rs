//! What alternates, and what was not looked at: a bare host on which units, a container and an application end again and
//! again, and on which certificates lie that no server shows.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::machine::Machine;

const LOOPS: &str = r#"
unit() {
    printf '[Service]\nExecStart=/bin/sh -c "sleep %s; exit 1"\nRestart=always\n' "$2" > "/etc/systemd/system/$1.service"
}
unit flap 12; unit cron 12; unit slow 65
printf '[Service]\nExecStart=/bin/sh -c "sleep 12; exit 1"\nRestart=always\nLogLevelMax=notice\n' \
    > /etc/systemd/system/mute.service
systemctl daemon-reload
systemctl restart cron
systemctl start flap slow mute docker
/usr/local/lib/test-host/import-image usr test:1 >/dev/null
docker run --detach --name loop --restart=always -v /usr:/usr:ro test:1 /bin/sh -c 'sleep 12; exit 3' >/dev/null
docker create --name never --restart=always -v /usr:/usr:ro test:1 /bin/sleep 6 >/dev/null
useradd --create-home --shell /bin/sh plugspace
echo 'setTimeout(() => process.exit(4), 12000)' > /home/plugspace/api.js
runuser -u plugspace -- env HOME=/home/plugspace pm2 --silent start /home/plugspace/api.js --name plugspace-api
docker create --name job -v /usr:/usr:ro test:1 /bin/sleep 6 >/dev/null
"#;

/// The document of `status`, and the exit code.
fn status(machine: &Machine) -> (Value, i32) {
    let ran = machine.run(&["opsctl", "-d", "localhost", "status", "-o", "json"]);
    (serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}")), ran.code)
}

fn service<'v>(document: &'v Value, name: &str) -> &'v Value {
    let services = document["services"].as_array().unwrap();
    services.iter().find(|service| service["name"] == name).unwrap()
}

/// Whether a service of that name was found and is seen to end again and again. Units without `[Install]` are services while they run.
fn loops(document: &Value, name: &str) -> bool {
    let services = document["services"].as_array().unwrap();
    services.iter().any(|it| it["name"] == name && it["state"] == "crash_loop" && it["verdict"] == "fail")
}

/// The application of pm2, which the runbook of another deployment knows.
fn application(machine: &Machine) -> Value {
    // A machine that is busy with other hosts gets no answer from pm2 in time now and then.
    let ran = machine.run(&["opsctl", "-d", "plugspace", "status", "plugspace-api", "-o", "json", "--timeout", "20s"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    service(&document, "plugspace-api")["checks"][0].clone()
}

/// What the checks of the host whose source begins like this say, each after its verdict.
fn host(document: &Value, source: &str) -> Vec<String> {
    let checks = document["host_resources"]["checks"].as_array().unwrap().iter();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let of = checks.filter(|check| word(&check["source"]).starts_with(source));
    of.map(|check| format!("{}: {}", word(&check["verdict"]), word(&check["summary"]))).collect()
}

fn certificate(machine: &Machine, dir: &str, names: &str, validity: &str) {
    machine.sh(&format!(
        "mkdir -p {dir}; cd {dir}; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout privkey.pem \
         -out cert.pem -subj /CN=x -addext subjectAltName={names} {validity} 2>/dev/null"
    ));
}

fn serve(machine: &Machine, dir: &str) {
    machine.sh(&format!(
        "systemctl stop edge 2>/dev/null || true; systemd-run --quiet --unit=edge openssl s_server -accept 443 \
         -cert {dir}/cert.pem -key {dir}/privkey.pem -www; \
         for i in 1 2 3 4 5 6 7 8 9; do ss -Hltn 'sport = :443' | grep -q . && break; sleep 0.2; done"
    ));
}

const EXPIRED: &str = "-not_before 20200101000000Z -not_after 20200301000000Z";

fn certificates(machine: &Machine) {
    let findings = || machine.run(&["opsctl", "-d", "localhost", "diagnose", "tls-failure"]);
    // Nobody listens: there is nothing to judge, whatever lies on disk.
    certificate(machine, "/etc/letsencrypt/live/shop.example-0001", "DNS:*.shop.example,DNS:shop.example", "-days 60");
    certificate(machine, "/etc/letsencrypt/live/old.example", "DNS:old.example", EXPIRED);
    let (document, _) = status(machine);
    assert_eq!(host(&document, "certificate"), Vec::<String>::new());
    assert!(findings().stdout.contains("nothing listens on port 443"), "{:#?}", findings());
    // Its names are those in it, and not that of its directory; one that nobody shows is no failure.
    serve(machine, "/etc/letsencrypt/live/shop.example-0001");
    let (document, _) = status(machine);
    let told = host(&document, "certificate");
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told.iter().all(|told| told.starts_with("warn: ")), "{told:#?}");
    assert!(told[0].contains("no server here serves it"), "{told:#?}");
    // An expired one that no file tells of.
    certificate(machine, "/root/edge", "DNS:unheard.example", EXPIRED);
    serve(machine, "/root/edge");
    let ran = findings();
    assert_eq!(ran.code, 3, "{ran:#?}");
    assert!(ran.stdout.contains("LOCALHOST-CERTIFICATE-EXPIRED") && ran.stdout.contains("unheard.example: expired"));
    assert!(!ran.stdout.contains("ruled out LOCALHOST-CERTIFICATE-EXPIRED"), "{ran:#?}");
    machine.sh("systemctl stop edge; rm -r /etc/letsencrypt /root/edge");
}

/// An engine whose process has another name, and one that may not be seen.
fn the_engine_is_there(machine: &Machine) {
    machine.sh("mount --bind /dev/null /proc/$(cat /run/docker.pid)/comm");
    let (document, _) = status(machine);
    machine.sh("umount /proc/$(cat /run/docker.pid)/comm");
    assert_eq!(service(&document, "docker")["checks"][1]["source"], "docker engine", "{document:#}");
    assert_ne!(service(&document, "docker")["health"], "fail");
}

#[test]
fn b22_c11_d14_m7_m8_what_ends_again_and_again_is_told_in_every_look() {
    let machine = Machine::boot_as("bare", "it-restarts");
    machine.sh(LOOPS);
    let begun = Instant::now();
    // Until each has ended three times there is time to look at what else was not looked at.
    certificates(&machine);
    the_engine_is_there(&machine);
    thread::sleep(Duration::from_secs(39).saturating_sub(begun.elapsed()));
    let mut looks = 0;
    // As many looks as it takes, however slow the machine is; each must see all of it.
    while looks < 6 || begun.elapsed() < Duration::from_secs(63) {
        let (document, code) = status(&machine);
        assert_eq!(code, 3, "{document:#}");
        let restarting = host(&document, "restarting units").join("\n");
        for unit in ["flap", "mute"] {
            let among_units = restarting.contains(&format!("{unit}.service: crash loop: "));
            assert!(among_units || loops(&document, unit), "look {looks}: {restarting}");
        }
        let cron = service(&document, "cron");
        assert_eq!(
            (&cron["state"], &cron["verdict"]),
            (&"crash_loop".into(), &"fail".into()),
            "look {looks}: {cron:#}"
        );
        assert!(cron["summary"].as_str().unwrap().ends_with(", last: exit 1"), "look {looks}: {cron:#}");
        let docker = service(&document, "docker")["summary"].as_str().unwrap();
        let of_loop = docker.contains("loop (crash loop: ") && docker.contains(", last: exit 3)");
        assert!(of_loop || loops(&document, "loop"), "look {looks}: {docker}");
        // One that the engine would start again is a service of its own.
        let is_never = docker.contains("never (created but never started)")
            || document["services"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["name"] == "never" && it["verdict"] == "fail");
        assert!(is_never && !docker.contains("job ("), "look {looks}: {document:#}");
        let check = application(&machine);
        let said = check["summary"].as_str().unwrap();
        assert!(said.starts_with("crash loop: ") && said.ends_with(", last: exit 4"), "look {looks}: {check:#}");
        looks += 1;
        thread::sleep(Duration::from_secs(2));
    }
    assert!(looks >= 6, "{looks}");
    let ran = machine.run(&["opsctl", "-d", "localhost", "diagnose"]);
    let among_units =
        ran.stdout.contains("LOCALHOST-UNIT-LOOPING") && ran.stdout.contains("flap.service: crash loop: ");
    // Services that fail for the same reason are told together.
    let among_services = ran.stdout.contains("LOCALHOST-CRASH-LOOP") && ran.stdout.contains("also flap, ");
    assert!(among_units || among_services, "{ran:#?}");
    // Containers that the engine starts again are services, and each is reported by itself.
    let of_services = ["loop is in a crash loop", "never is stopped"].iter().all(|it| ran.stdout.contains(it));
    assert!(of_services || ran.stdout.contains("LOCALHOST-CONTAINERS-UNWELL"), "{ran:#?}");
    // What was started on purpose begins anew.
    machine.sh("runuser -u plugspace -- env HOME=/home/plugspace pm2 --silent restart plugspace-api");
    assert_eq!(application(&machine)["summary"], "online");
    machine.sh("rm /etc/systemd/system/cron.service; systemctl daemon-reload; systemctl restart cron");
    let (document, _) = status(&machine);
    assert_eq!(service(&document, "cron")["verdict"], "pass", "{document:#}");
}
