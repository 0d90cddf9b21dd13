//! `maintenance` on a real nginx and on real containers: what visitors get is asked with curl, from here and from elsewhere,
//! and wherever it is cut off nginx still takes its configuration.

use super::*;

const FILE: &str = "/etc/nginx/conf.d/00-opsctl-maintenance.conf";
const HOSTS: [&str; 5] =
    ["plugspace.io", "www.plugspace.io", "studio.plugspace.io", "admin.plugspace.io", "api.plugspace.io"];
/// An address of the host that is not its loopback one: whoever asks there comes from elsewhere.
const ELSEWHERE: &str = "172.17.0.1";

/// Status code and `Retry-After` of a request.
fn answer(machine: &Machine, host: &str, path: &str, address: &str) -> String {
    let told = machine.run(&[
        "curl",
        "-sk",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} %header{retry-after}",
        "--resolve",
        &format!("{host}:443:{address}"),
        &format!("https://{host}{path}"),
    ]);
    told.stdout.trim().to_owned()
}

/// What every host answers, on both sides.
fn answers(machine: &Machine) -> std::collections::BTreeSet<String> {
    let ask = |host: &&str| ["127.0.0.1", ELSEWHERE].map(|address| answer(machine, host, "/", address));
    HOSTS.iter().flat_map(ask).collect()
}

fn in_service(machine: &Machine) {
    // The API has nothing at its root.
    assert_eq!(answers(machine).into_iter().collect::<Vec<_>>(), ["200", "404"]);
}

fn out_of_service(machine: &Machine) {
    assert_eq!(answers(machine).into_iter().collect::<Vec<_>>(), ["503 600"]);
}

/// Takes the page away, which wants no consent where all is well. pm2 is slow on a busy machine, and what it does not say in
/// time counts as not well: then consent is given.
fn let_in(machine: &Machine) {
    match ops(machine, "maintenance off --settle 100ms").code {
        5 => drop(must(machine, "maintenance off -y --settle 100ms", 0)),
        code => assert_eq!(code, 0),
    }
}

/// All of nginx's configuration, with what stands beside it.
fn configuration(machine: &Machine) -> String {
    machine.sh("cd /etc/nginx && find . -type f -exec sha1sum {} + | sort -k2; find . -type l | sort; ls -A /var/lib/opsctl 2>/dev/null || true")
}

#[test]
fn maintenance_of_plugspace() {
    let machine = Machine::boot_as("plugspace", "it-plugspace-maintenance");
    must(&machine, "maintenance off", 0);
    let before = snapshot(&machine);
    says(&machine, "maintenance", 0, &["plugspace: maintenance off"]);
    says(
        &machine,
        "maintenance on --dry-run",
        0,
        &["8 steps, disruptive", "return 503", "systemctl --no-ask-password reload"],
    );
    says(&machine, "maintenance on", 5, &["there is no terminal to ask"]);
    says(&machine, "maintenance off", 0, &["already maintenance off"]);
    unchanged(&machine, &before);
    let config = configuration(&machine);

    // Text of the operator is text to visitors.
    let message = "<script>alert(1)</script> $host '; return 200 \"x\"; } é";
    let ran = machine.run(&["opsctl", "maintenance", "on", "-y", "-m", message]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    out_of_service(&machine);
    let page = machine.sh("curl -sk https://studio.plugspace.io/any/file.js");
    let said =
        "&#60;script&#62;alert(1)&#60;&#47;script&#62; &#36;host &#39;&#59; return 200 &#34;x&#34;&#59; &#125; &#233;";
    assert!(page.contains(&format!("<p>{said}</p>")), "{page}");
    assert_eq!(
        machine.sh("curl -sk -o /dev/null -w '%{content_type}' https://plugspace.io/any/file.js"),
        "text/html; charset=utf-8"
    );
    // nginx's own health is for this host; who is sent on from port 80, and a certificate's renewal, still are.
    assert_eq!(machine.sh("curl -sk https://plugspace.io/health"), "OK\n");
    assert_eq!(answer(&machine, "plugspace.io", "/health", "127.0.0.1"), "200");
    assert_eq!(answer(&machine, "plugspace.io", "/health", ELSEWHERE), "503 600");
    assert_eq!(machine.sh("curl -s -o /dev/null -w '%{http_code}' http://plugspace.io/"), "301");
    machine.sh(
        "mkdir -p /var/www/html/.well-known/acme-challenge && echo token > /var/www/html/.well-known/acme-challenge/x",
    );
    assert_eq!(machine.sh("curl -s http://plugspace.io/.well-known/acme-challenge/x"), "token\n");
    // It survives what else happens to nginx.
    machine.sh("systemctl restart nginx");
    out_of_service(&machine);
    // It is seen, and excuses nothing.
    let status: Value = serde_json::from_str(&must(&machine, "status nginx -o json", 0)).unwrap();
    assert_eq!(
        (&status["maintenance"]["state"], &status["maintenance"]["by"]),
        (&"on".into(), &"root".into()),
        "{status:#}"
    );
    assert_eq!(status["maintenance"]["message"], message);
    says(&machine, "status nginx", 0, &["note maintenance is on since", "5 hosts answer 503 with the page"]);
    let own: Value = serde_json::from_str(&must(&machine, "maintenance -o json", 0)).unwrap();
    assert_eq!((&own["state"], own["answers"].as_array().unwrap().len()), (&"on".into(), 7));
    let other = machine.run_as("plugspace", &["opsctl", "maintenance", "status"]);
    assert!(other.code == 0 && other.stdout.contains("plugspace: maintenance on\n"), "{other:#?}");
    for word in ["on", "off"] {
        let refused = machine.run_as("plugspace", &["opsctl", "maintenance", word, "-y"]);
        assert!(refused.code == 5 && refused.stderr.contains("needs root"), "{refused:#?}");
    }
    // Twice is once, and another message is another page.
    let before = configuration(&machine);
    says(&machine, "maintenance on -y", 0, &["already maintenance on since"]);
    assert_eq!(configuration(&machine), before);
    must(&machine, "maintenance on -y -m Later", 0);
    assert!(machine.sh("curl -sk https://plugspace.io/").contains("<p>Later</p>"));

    // What visitors would meet is looked at before they are let in.
    let pm2 = |what: &str| {
        machine.sh(&format!(
            "cd / && setpriv --reuid=plugspace --regid=plugspace --init-groups env -i PATH=/usr/local/bin:/usr/bin:/bin \
             HOME=/home/plugspace PM2_HOME=/home/plugspace/.pm2 pm2 --silent {what} plugspace-studio"
        ))
    };
    pm2("stop");
    says(&machine, "maintenance off --dry-run", 0, &["unhealthy behind the page: plugspace-studio:"]);
    says(&machine, "maintenance off", 5, &["there is no terminal to ask"]);
    out_of_service(&machine);
    let failed = ops(&machine, "maintenance off -y");
    assert!(
        failed.code == 1 && failed.stdout.contains("the page was removed, but studio.plugspace.io answers 502"),
        "{failed:#?}"
    );
    pm2("restart");
    must(&machine, "maintenance on -y", 0);
    let_in(&machine);
    in_service(&machine);
    says(&machine, "maintenance off", 0, &["already maintenance off"]);
    assert_eq!(configuration(&machine), config);

    refusals(&machine, &config);
    tools_that_fail(&machine, &config);
    says(&machine, "history -n 1", 0, &["maintenance off nginx"]);
}

/// What somebody else did to nginx is said, and nothing is changed.
fn refusals(machine: &Machine, config: &str) {
    let site = "/etc/nginx/sites-available/plugspace";
    let wrong = [
        (format!("echo 'nonsense on;' >> {site}"), 5, "unknown directive"),
        (format!("sed -i 's/listen 443 ssl;/listen 443 ssl/' {site}"), 5, "nginx rejects its present configuration"),
        ("sed -i '/conf.d/d' /etc/nginx/nginx.conf; cp /etc/nginx/conf.d/plugspace-log.conf /etc/nginx/sites-enabled/0".to_owned(), 5, "nginx does not read "),
        (
            "sed -i '/conf.d/d; s,include /etc/nginx/sites-enabled.*,&\\ninclude /etc/nginx/conf.d/*.conf;,' /etc/nginx/nginx.conf
             mv /etc/nginx/conf.d/plugspace-log.conf /etc/nginx/sites-enabled/0".to_owned(),
            5,
            "nginx would still serve plugspace.io www.plugspace.io, which it reads in /etc/nginx/sites-enabled/plugspace",
        ),
        (format!("sed -i 's/plugspace.io/elsewhere.io/g' {site}; rm -r /etc/letsencrypt/live/elsewhere.io 2>/dev/null || ln -s plugspace.io /etc/letsencrypt/live/elsewhere.io"), 5, "nginx has no server for any of"),
        ("chmod 777 /etc/nginx/conf.d".to_owned(), 5, "only this user can write to"),
        (format!("echo '# mine' > {FILE}"), 4, "does not belong to opsctl"),
        ("systemctl stop nginx".to_owned(), 4, "connection refused"),
    ];
    machine.sh("rm -rf /root/nginx && cp -a /etc/nginx /root/nginx");
    for (wrong, code, said) in wrong {
        machine.sh(&wrong);
        let before = snapshot(machine);
        for words in ["maintenance on -y", "maintenance on --dry-run"] {
            says(machine, words, code, &[said, "nothing was changed"]);
        }
        unchanged(machine, &before);
        machine.sh("rm -rf /etc/nginx && cp -a /root/nginx /etc/nginx; systemctl start nginx");
    }
    assert_eq!(configuration(machine), config);
    // The same mistake while it is on: it stays on.
    must(machine, "maintenance on -y", 0);
    machine.sh(&format!("echo 'nonsense on;' >> {site}"));
    says(machine, "maintenance off -y", 5, &["unknown directive", "nothing was changed"]);
    out_of_service(machine);
    machine.sh(&format!("sed -i '/nonsense/d' {site}"));
    let_in(machine);
    in_service(machine);
}

/// Tools that fail at one call and are themselves otherwise.
fn tools_that_fail(machine: &Machine, config: &str) {
    let shim = |tool: &str, when: &str, what: &str| {
        machine.sh(&format!(
            "cat >/usr/local/sbin/{tool} <<'END'\n#!/bin/sh\ncase \"$*\" in {when}) {what};; esac\nexec /usr/bin/env PATH=/usr/sbin:/usr/bin {tool} \"$@\"\nEND\nchmod 755 /usr/local/sbin/{tool}"
        ))
    };
    let once = |then: &str| format!("[ -e /run/once ] || {{ touch /run/once; {then}; }}");
    // The tool, at which call, what it does there, how long there is, what comes of it.
    let cases = [
        (
            "nginx",
            "*-c*",
            "echo no >&2; exit 1".to_owned(),
            "",
            5,
            "check nginx's configuration with the page: exit 1: no; nothing was changed",
        ),
        ("nginx", "*-c*", "sleep 60".to_owned(), " --timeout 4s", 5, "no answer in"),
        (
            "nginx",
            "'-t -q'",
            "echo no >&2; exit 1".to_owned(),
            "",
            9,
            "check its configuration: exit 1: no; rolled back",
        ),
        ("systemctl", "*reload*", once("echo no >&2; exit 1"), "", 9, "reload nginx.service: exit 1: no; rolled back"),
        // It says that it has, and has not.
        ("systemctl", "*reload*", once("exit 0"), "", 9, "answers 200; rolled back"),
    ];
    for (tool, when, what, limit, code, said) in cases {
        shim(tool, when, &what);
        let ran = ops(machine, &format!("maintenance on -y{limit}"));
        assert!(ran.code == code && ran.stdout.contains(said), "{tool} {when}: {ran:#?}");
        in_service(machine);
        assert_eq!(configuration(machine), config, "{tool} {when}");
        machine.sh(&format!("rm -f /usr/local/sbin/{tool} /run/once"));
        says(machine, "maintenance", 0, &["maintenance off"]);
    }
    must(machine, "maintenance on -y", 0);
    let on = configuration(machine);
    for (tool, when, what, limit, code, said) in &cases_off() {
        shim(tool, when, what);
        let ran = ops(machine, &format!("maintenance off -y{limit}"));
        assert!(ran.code == *code && ran.stdout.contains(said), "{tool} {when}: {ran:#?}");
        out_of_service(machine);
        assert_eq!(configuration(machine), on, "{tool} {when}");
        machine.sh(&format!("rm -f /usr/local/sbin/{tool} /run/once"));
    }
    let_in(machine);
}

type Case = (&'static str, &'static str, &'static str, &'static str, i32, &'static str);

fn cases_off() -> [Case; 3] {
    [
        ("nginx", "'-t -q'", "echo no >&2; exit 1", "", 9, "check its configuration: exit 1: no; rolled back"),
        ("systemctl", "*reload*", "[ -e /run/once ] || { touch /run/once; exit 1; }", "", 9, "rolled back"),
        (
            "systemctl",
            "*reload*",
            "[ -e /run/once ] || { touch /run/once; exit 0; }",
            "",
            9,
            "503 with the page, Retry-After 600; rolled back",
        ),
    ]
}

/// Killed at each call that changes a file, and right after each command was started, both ways: nginx takes what is on
/// disk, every host answers as one of the two, what was begun is named, and again finishes it.
#[test]
fn maintenance_of_plugspace_killed() {
    let machine = &Machine::boot_as("plugspace", "it-plugspace-maintenance-killed");
    // The directory of the note is made once.
    must(machine, "maintenance on -y --settle 100ms", 0);
    must(machine, "maintenance off -y --settle 100ms", 0);
    let config = &configuration(machine);
    let mut points = 0;
    for (word, back) in [("on", "off"), ("off", "on")] {
        for call in ["rename", "renameat", "renameat2", "unlink", "unlinkat", "fsync", "pidfd_open"] {
            for count in 1.. {
                let traced = format!(
                    "strace -f -qq -o /dev/null -e trace={call} -e inject={call}:signal=KILL:when={count} \
                     opsctl maintenance {word} -y --settle 100ms >/run/said 2>&1; echo $?"
                );
                let code = machine.run(&["sh", "-c", &traced]).stdout;
                let place = format!("maintenance {word}, {call} {count}");
                machine.sh("nginx -t -q");
                if code == "0\n" {
                    break;
                }
                assert_eq!(code, "137\n", "{place}: {}", machine.sh("cat /run/said"));
                points += 1;
                let told = must(machine, "status nginx", 0);
                let begun = machine.sh("test -s /run/opsctl/plugspace.lock && echo begun || true") == "begun\n";
                assert_eq!(told.contains(&format!("maintenance {word} of ")), begun, "{place}: {told}");
                // Old processes of nginx may still answer for a moment.
                let until = Instant::now() + Duration::from_secs(5);
                while !matches!(
                    answers(machine).into_iter().collect::<Vec<_>>().join(" ").as_str(),
                    "200 404" | "503 600"
                ) {
                    assert!(Instant::now() < until, "{place}: {:?}", answers(machine));
                }
                // It is finished and undone, or only undone.
                let ways = if count % 2 == 0 { vec![back] } else { vec![word, back] };
                for way in ways {
                    must(machine, &format!("maintenance {way} -y --settle 100ms"), 0);
                }
                if word == "on" {
                    assert_eq!(&configuration(machine), config, "{place}");
                }
            }
            // The last one came to its end.
            must(machine, &format!("maintenance {back} -y --settle 100ms"), 0);
        }
        must(machine, &format!("maintenance {word} -y --settle 100ms"), 0);
    }
    assert_eq!(&configuration(machine), config);
    eprintln!("maintenance of plugspace: killed at {points} points");
    assert!(points > 20, "{points}");
}

#[test]
fn maintenance_of_plugspace_interrupted() {
    let machine = &Machine::boot_as("plugspace", "it-plugspace-maintenance-signals");
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let run = format!(
            "opsctl maintenance on -y --settle 20s >/run/said 2>&1 & p=$!; sleep 1; kill -{signal} $p; c=0; wait $p || c=$?; echo $c"
        );
        assert_eq!(machine.run(&["bash", "-mc", &run]).stdout, format!("{code}\n"), "{signal}");
        says(machine, "status nginx", 0, &["maintenance on of"]);
        let_in(machine);
        in_service(machine);
    }
}

#[test]
fn maintenance_of_ai_fsm() {
    let machine = Machine::boot_as("ai-fsm", "it-ai-fsm-maintenance");
    must(&machine, "maintenance off", 0);
    let running = || machine.sh("docker ps --format '{{.Names}}' | sort | tr '\\n' ' '");
    let all = "ai-fsm-postgres ai-fsm-redis ai-fsm-web ai-fsm-worker ";
    let before = snapshot(&machine);
    says(
        &machine,
        "maintenance on --dry-run",
        0,
        &["docker stop -- ai-fsm-worker", "docker stop -- ai-fsm-web", "the database keeps running"],
    );
    says(&machine, "maintenance on", 5, &["there is no terminal to ask"]);
    unchanged(&machine, &before);

    must(&machine, "maintenance on -y --settle 500ms -m migration", 0);
    assert_eq!(running(), "ai-fsm-postgres ai-fsm-redis ");
    says(&machine, "maintenance", 0, &["ai-fsm: maintenance on since", "(root: migration)", "web, worker are stopped"]);
    // What is stopped on purpose is no failure.
    says(&machine, "status", 0, &["WARN", "in maintenance since", "web, worker are stopped"]);
    must(&machine, "diagnose", 0);
    must(&machine, "diagnose --fix --yes", 0);
    assert_eq!(running(), "ai-fsm-postgres ai-fsm-redis ");
    says(&machine, "maintenance on", 0, &["already maintenance on"]);
    // Somebody else starts one of them.
    machine.sh("docker start ai-fsm-worker");
    says(
        &machine,
        "maintenance",
        0,
        &["maintenance unfinished", "web is stopped, but worker is up", "opsctl maintenance off"],
    );
    must(&machine, "maintenance on -y --settle 500ms", 0);
    assert_eq!(running(), "ai-fsm-postgres ai-fsm-redis ");
    must(&machine, "maintenance off --settle 500ms", 0);
    assert_eq!(running(), all);
    assert_eq!(machine.sh("curl -s -o /dev/null -w '%{http_code}' http://localhost:3000/api/health"), "200");
    assert_eq!(machine.sh("ls -A /var/lib/opsctl"), "");
    must(&machine, "status", 0);
    // What is stopped otherwise is no maintenance, and is left to who stopped it.
    machine.sh("docker stop -t 1 ai-fsm-web ai-fsm-worker");
    says(&machine, "maintenance", 0, &["maintenance off", "maintenance is not on"]);
    says(&machine, "maintenance off", 0, &["already maintenance off"]);
    machine.sh("docker start ai-fsm-web ai-fsm-worker");
    // Killed between the two.
    for after in ["0.3", "0.6", "1.2", "2.5"] {
        let run = format!("opsctl maintenance on -y >/run/said 2>&1 & p=$!; sleep {after}; kill -9 $p; wait $p; true");
        machine.run(&["bash", "-c", &run]);
        must(&machine, "maintenance on -y --settle 100ms", 0);
        assert_eq!(running(), "ai-fsm-postgres ai-fsm-redis ");
        must(&machine, "maintenance off --settle 100ms", 0);
        assert_eq!(running(), all);
    }
    // What cannot be seen is neither on nor off.
    machine.sh("systemctl stop docker.socket docker");
    must(&machine, "maintenance", 4);
    says(&machine, "maintenance on -y", 4, &["nothing was changed"]);
}

#[test]
fn maintenance_of_fondation() {
    let machine = Machine::boot_as("fondation", "it-fondation-maintenance");
    let plan = [
        "right now 0 active jobs",
        "the queue at Convex keeps filling, and users get no message",
        "stop fondation-worker.service",
    ];
    says(&machine, "maintenance on --dry-run", 0, &plan);
    must(&machine, "maintenance on", 5);
    must(&machine, "maintenance on -y --settle 500ms", 0);
    assert_eq!(machine.sh("systemctl is-active fondation-worker || true"), "inactive\n");
    says(&machine, "maintenance", 0, &["maintenance on since", "worker is stopped"]);
    says(&machine, "status", 0, &["in maintenance since"]);
    must(&machine, "diagnose --fix --yes", 0);
    assert_eq!(machine.sh("systemctl is-active fondation-worker || true"), "inactive\n");
    must(&machine, "maintenance off --settle 500ms", 0);
    assert_eq!(machine.sh("systemctl is-active fondation-worker"), "active\n");
    says(&machine, "history", 0, &["maintenance on worker", "maintenance off worker"]);
    must(&machine, "status", 0);
}

#[test]
fn maintenance_of_any_machine() {
    let machine = Machine::boot_as("bare", "it-bare-maintenance");
    let before = snapshot(&machine);
    says(&machine, "maintenance", 0, &["localhost: maintenance none"]);
    for words in ["maintenance on -y", "maintenance off -y", "maintenance on --dry-run"] {
        says(&machine, words, 5, &["the runbook of localhost has no maintenance mode"]);
    }
    unchanged(&machine, &before);
}
