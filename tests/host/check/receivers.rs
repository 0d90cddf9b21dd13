//! Real receivers on a booted host: Prometheus with node_exporter, Alertmanager, NRPE, Postfix, cron, a timer.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{CHANNELS, boot, check, counts, each, forget, received};
use crate::machine::{Machine, Ran};

const MONITORING: &str = "examples/monitoring";
const DOCS: &str = include_str!("../../../docs/monitoring.md");
const NAGIOS: &str = include_str!("../../../examples/monitoring/nagios.cfg");
const TEXTFILE: &str = "/var/lib/prometheus/node-exporter/opsctl.prom";
/// How long is waited for what others do by themselves.
const LONGEST: Duration = Duration::from_secs(70);

/// Debian's packages, without what their web pages need, and nothing of them started.
const PACKAGES: &str = r#"
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive; cd /opt/extra
dpkg --no-triggers --force-depends --force-unsafe-io -i libtlsrpt0_*.deb libnsl2_*.deb postfix_*.deb \
    nagios-nrpe-*.deb prometheus_*.deb promtool_*.deb prometheus-alertmanager_*.deb prometheus-node-exporter_*.deb \
    > /root/dpkg.log 2>&1 || { cat /root/dpkg.log; exit 1; }
postconf -e inet_interfaces=loopback-only inet_protocols=ipv4 mynetworks=127.0.0.0/8
"#;

/// Their settings. A rule fires at once.
const SETTINGS: &str = r#"
printf 'route: {receiver: none}\nreceivers: [{name: none}]\n' > /etc/prometheus/alertmanager.yml
echo 'ARGS="--cluster.listen-address= --web.listen-address=127.0.0.1:9093"' > /etc/default/prometheus-alertmanager
promtool check rules /root/monitoring/prometheus-rules.yml
(cd /root/monitoring; promtool test rules prometheus-rules-test.yml)
sed 's/for: [0-9]*m$/for: 0s/' /root/monitoring/prometheus-rules.yml > /etc/prometheus/opsctl-rules.yml
cat > /etc/prometheus/prometheus.yml <<'END'
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [opsctl-rules.yml]
scrape_configs: [{job_name: node, static_configs: [{targets: ['localhost:9100']}]}]
END
units="nginx postfix nagios-nrpe-server prometheus-node-exporter prometheus-alertmanager prometheus"
systemctl -q enable $units 2>/dev/null; systemctl start $units
for port in 80 25 5666 9100 9093 9090; do until ss -ltn | grep -q ":$port "; do sleep 0.1; done; done
until curl -sf 127.0.0.1:9093/-/ready && curl -sf 127.0.0.1:9090/-/ready; do sleep 0.1; done
"#;

/// Kills the service that fails here, and starts it again.
const KILL: &str = "systemctl kill -s KILL nginx; while systemctl -q is-active nginx; do sleep 0.1; done";
const START: &str = "systemctl reset-failed nginx; systemctl start nginx";

/// Lines of a file behind this word, without what makes them comments.
fn stated<'t>(text: &'t str, first: &'t str) -> &'t str {
    let mut lines = text.lines().map(|line| line.trim_start_matches(['#', ' ']));
    lines.find(|line| line.starts_with(first)).unwrap_or_else(|| panic!("no line begins with {first}"))
}

fn put(machine: &Machine, path: &str, mode: &str, text: &str) {
    machine.sh(&format!("install -m {mode} /dev/null {path}; cat > {path} <<'END'\n{text}\nEND"));
}

/// What a program of the host answers at last.
fn until<T>(machine: &Machine, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LONGEST;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(
            Instant::now() < end,
            "{what}: {}",
            machine.sh("opsctl get checks; journalctl -n 40 --no-pager -o cat")
        );
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn get(machine: &Machine, url: &str) -> Value {
    serde_json::from_str(&machine.sh(&format!("curl -sf {url}"))).unwrap()
}

/// The alerts about the service that Alertmanager has as active.
fn alerts(machine: &Machine) -> Vec<Value> {
    let all = get(machine, "'127.0.0.1:9093/api/v2/alerts?active=true'");
    all.as_array().unwrap().iter().filter(|alert| alert["labels"]["service"] == "nginx").cloned().collect()
}

fn mailbox(machine: &Machine) -> String {
    machine.sh("postqueue -f; cat /var/mail/root 2>/dev/null || true")
}

/// A check that also writes the file of metrics.
fn with_textfile(machine: &Machine) -> Ran {
    machine.run(&["opsctl", "check", "--textfile", TEXTFILE])
}

fn nrpe(machine: &Machine, command: &str) -> Ran {
    machine.run_as("nobody", &["/usr/lib/nagios/plugins/check_nrpe", "-H", "127.0.0.1", "-t", "30", "-c", command])
}

/// The state in exit code and first line; performance data stands there too.
fn plugin(machine: &Machine, code: i32, word: &str) -> String {
    let ran = nrpe(machine, "check_opsctl");
    let first = ran.stdout.lines().next().unwrap_or_default();
    let (text, data) = first.split_once(" | ").unwrap_or_default();
    assert!(ran.code == code && text.starts_with(&format!("OPSCTL {word} - ")), "{ran:#?}");
    assert!(text.len() <= 200 && data.starts_with("time=") && data.contains("'disk /'="), "{ran:#?}");
    ran.stdout
}

/// Every kind of channel answers to a test; a mail is in the mailbox.
fn test_messages(machine: &Machine) {
    let test = machine.run(&["opsctl", "check", "--test-notify"]);
    assert_eq!(test.code, 0, "{test:#?}");
    assert_eq!(test.stdout.matches(" accepted ").count(), 7, "{test:#?}");
    let mail =
        until(machine, "a test mail", || Some(mailbox(machine)).filter(|mail| mail.contains("\nSubject: TEST ")));
    assert!(mail.contains("\nTo: root@localhost\n"), "{mail}");
    let sent = get(machine, "127.0.0.1:9093/api/v2/alerts").to_string();
    assert!(sent.contains("TestNotification"), "{sent}");
    forget(machine);
    machine.sh(": > /var/mail/root");
}

/// The lines of the documentation, run by cron.
fn cron(machine: &Machine) {
    until(machine, "cron", || {
        let ran = machine.sh(&format!("test ! -s {TEXTFILE} || opsctl get checks -o name"));
        ran.lines().any(|line| line == "nginx").then_some(())
    });
    machine.sh("rm /etc/cron.d/opsctl-check; while pgrep -x opsctl; do sleep 0.1; done");
    let metrics = machine.sh(&format!("stat -c '%a %U' {TEXTFILE}; promtool check metrics < {TEXTFILE} 2>&1"));
    assert_eq!(metrics, "644 root\n");
}

fn firing(machine: &Machine) -> Option<Value> {
    let all = get(machine, "127.0.0.1:9090/api/v1/alerts");
    let is_ours = |alert: &&Value| alert["labels"]["alertname"] == "ServiceDown" && alert["state"] == "firing";
    all["data"]["alerts"].as_array().unwrap().iter().find(is_ours).cloned()
}

/// The service is killed and started: what each receiver has.
fn killed_and_started(machine: &Machine) -> Value {
    machine.sh(KILL);
    plugin(machine, 2, "CRITICAL");
    assert_eq!((counts(machine), alerts(machine).len()), (each(0), 0));
    let second = with_textfile(machine);
    assert!(second.code == 3 && second.stdout.contains("nginx: "), "{second:#?}");
    assert_eq!(counts(machine), each(1));
    let alert = alerts(machine).pop().unwrap();
    let labels: Vec<&str> =
        ["alertname", "deployment", "service", "severity"].map(|name| alert["labels"][name].as_str().unwrap()).into();
    assert_eq!(labels, ["ServiceDown", "localhost", "nginx", "high"]);
    assert!(alert["annotations"]["next"].as_str().unwrap().ends_with("opsctl diagnose nginx"), "{alert:#}");
    let mail = until(machine, "a mail", || Some(mailbox(machine)).filter(|mail| mail.contains("\nSubject: FAIL ")));
    assert!(mail.contains("FAIL nginx: ") && mail.contains("next: opsctl diagnose nginx"), "{mail}");
    let fired = until(machine, "Prometheus", || firing(machine));
    assert_eq!((&fired["labels"]["service"], &fired["labels"]["severity"]), (&"nginx".into(), &"high".into()));
    // A check more keeps the alert alive, and nobody is notified again.
    assert_eq!(with_textfile(machine).code, 3);
    let kept = alerts(machine).pop().unwrap();
    assert!(kept["endsAt"].as_str() > alert["endsAt"].as_str() && kept["startsAt"] == alert["startsAt"], "{kept:#}");
    assert_eq!(counts(machine), each(1));
    machine.sh(START);
    assert_eq!((0..2).map(|_| with_textfile(machine).code).collect::<Vec<_>>(), [0, 0]);
    assert_eq!((counts(machine), alerts(machine).len()), (each(2), 0));
    until(machine, "the end of it in Prometheus", || firing(machine).is_none().then_some(()));
    alert
}

/// A silence with the labels of the alert, as Alertmanager's page makes one, holds every channel back.
fn silenced(machine: &Machine, alert: &Value) {
    let matcher = |(name, value): (&String, &Value)| serde_json::json!({"name": name, "value": value, "isRegex": false, "isEqual": true});
    let matchers: Vec<Value> = alert["labels"].as_object().unwrap().iter().map(matcher).collect();
    let silence = serde_json::json!({"matchers": matchers, "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "ada", "comment": "being fixed"});
    forget(machine);
    machine.sh(": > /var/mail/root");
    machine.sh(&format!("curl -sf -H 'content-type: application/json' -d '{silence}' 127.0.0.1:9093/api/v2/silences"));
    machine.sh(KILL);
    for nth in 0..3 {
        let ran = check(machine);
        assert_eq!(ran.code, 3, "{ran:#?}");
        assert!(
            nth == 0 || ran.stdout.contains("1 held back (silenced in Alertmanager by ada until 2099-"),
            "{ran:#?}"
        );
    }
    machine.sh(START);
    assert_eq!((0..2).map(|_| check(machine).code).collect::<Vec<_>>(), [0, 0]);
    assert_eq!((counts(machine), mailbox(machine).as_str()), (each(0), ""));
    machine.sh("amtool --alertmanager.url http://127.0.0.1:9093 silence expire $(amtool --alertmanager.url http://127.0.0.1:9093 silence query -q)");
}

/// The timer with its sandbox, over several checks.
fn timer(machine: &Machine) {
    let installed = machine.run(&["opsctl", "-d", "localhost", "check", "--install", "--every", "10s", "-y"]);
    assert_eq!(installed.code, 0, "{installed:#?}");
    let runs = || {
        machine
            .sh("journalctl -u opsctl-check-localhost -o cat --no-pager | grep -c '^[A-Z]* localhost on' || true")
            .trim()
            .parse::<u32>()
            .unwrap()
    };
    until(machine, "the timer", || (runs() > 0).then_some(()));
    machine.sh(KILL);
    until(machine, "a message by the timer", || (counts(machine) != each(0)).then_some(()));
    let before = runs();
    until(machine, "one check more", || (runs() > before + 1).then_some(()));
    assert_eq!(counts(machine), each(1));
    let slack = received(machine, "/slack").remove(0).to_string();
    assert!(slack.contains("nginx") && slack.contains("opsctl diagnose nginx"), "{slack}");
    // Sent from within the sandbox.
    let mail = mailbox(machine);
    assert_eq!(mail.matches("\nSubject: FAIL ").count(), 1, "{mail}");
    assert_eq!(alerts(machine).len(), 1);
    let gone = machine.run(&["opsctl", "-d", "localhost", "check", "--uninstall", "-y"]);
    assert_eq!(gone.code, 0, "{gone:#?}");
}

#[test]
fn real_receivers_take_what_a_check_sends() {
    let channels = format!("{CHANNELS}MAIL_TO=root@localhost\nALERTMANAGER_URL=http://127.0.0.1:9093\n");
    let machine = boot("bare", "it-receivers-bare", &channels);
    machine.sh(PACKAGES);
    let monitoring = Path::new(env!("CARGO_MANIFEST_DIR")).join(MONITORING);
    machine.put(&monitoring, "/root/monitoring");
    put(
        &machine,
        "/etc/nagios/nrpe.d/opsctl.cfg",
        "644",
        &format!(
            "{}\ncommand[check_nothing]=/usr/local/bin/opsctl -d nothing check -o nagios",
            stated(NAGIOS, "command[check_opsctl]=")
        ),
    );
    put(&machine, "/etc/sudoers.d/opsctl", "440", stated(NAGIOS, "nagios ALL="));
    machine.sh(SETTINGS);
    let lines: Vec<&str> = DOCS.lines().filter(|line| line.starts_with("* * * * *")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    put(&machine, "/etc/cron.d/opsctl-check", "644", &lines.join("\n"));

    test_messages(&machine);
    let healthy = plugin(&machine, 0, "OK");
    assert_eq!(healthy.lines().count(), 1, "{healthy}");
    machine.sh("systemctl -q disable nginx 2>/dev/null");
    plugin(&machine, 1, "WARNING");
    machine.sh("systemctl -q enable nginx 2>/dev/null");
    let unknown = nrpe(&machine, "check_nothing");
    assert!(unknown.code == 3 && unknown.stdout.starts_with("OPSCTL UNKNOWN - "), "{unknown:#?}");
    cron(&machine);
    let page = machine.sh("curl -sf 127.0.0.1:9100/metrics");
    assert!(page.contains("\nopsctl_up{deployment=\"localhost\"} 1\n"), "{page}");
    assert!(page.contains("\nnode_textfile_scrape_error 0\n"), "{page}");

    forget(&machine);
    let alert = killed_and_started(&machine);
    silenced(&machine, &alert);
    timer(&machine);
}
