//! Where services truly write, what is not recorded, and what one of them costs the others.

use super::*;

/// Starts prim's unit of this name, which says its name on both streams, with these settings.
fn says(machine: &Machine, name: &str, settings: &str) {
    let exec = format!("/bin/sh -c 'echo out-{name}; echo err-{name} >&2; exec sleep 600'");
    unit(machine, &format!("prim-{name}"), &exec, settings);
    machine.sh(&format!("systemctl restart prim-{name}; sleep 0.2"));
}

fn prim(machine: &Machine, args: &str) -> Ran {
    opsctl(machine, &format!("-d prim {args}"))
}

/// The kind, at every destination that a unit can have, in one table.
fn b17_units(machine: &Machine) {
    machine.sh("mkdir -p /var/log/elsewhere");
    let files = "StandardOutput=append:/var/log/elsewhere/%p.log";
    let apart = "StandardOutput=truncate:/var/log/elsewhere/out.log\nStandardError=file:/var/log/elsewhere/err.log";
    let discarded = "is discarded (StandardOutput=null): nothing records it";
    let table = [
        ("wallet", files, 0, 2, "/var/log/elsewhere/prim-wallet.log"),
        ("store", apart, 0, 2, "/var/log/elsewhere/err.log"),
        ("faucet", "StandardOutput=journal+console", 0, 2, ""),
        ("spawn", "LogNamespace=apart", 0, 2, "the journal of the namespace apart"),
        ("search", "StandardOutput=null", 4, 0, discarded),
        ("email", "StandardOutput=null\nStandardError=journal", 4, 1, discarded),
        ("token", "StandardError=null", 4, 1, "is discarded (StandardError=null)"),
    ];
    for (name, settings, code, lines, words) in table {
        says(machine, name, settings);
        let ran = prim(machine, &format!("{name} -n 50"));
        let found = ran.stdout.lines().filter(|line| line.ends_with(&format!("-{name}"))).count();
        assert_eq!((ran.code, found), (code, lines), "{name}: {ran:#?}");
        assert_eq!(ran.stderr.contains(words), code != 0 || words.is_empty(), "{name}: {ran:#?}");
        // The same in JSON, with a time, and with others.
        let ran = prim(machine, &format!("{name} faucet --since 10m -o json"));
        assert_eq!(ran.code, code, "{name}: {ran:#?}");
        // The registry says the journal: verify says what it is instead.
        if !words.is_empty() {
            let ran = machine.run(&["opsctl", "-d", "prim", "verify", name]);
            let wanted = if code == 0 { words } else { "nowhere" };
            assert!(ran.code == 3 && ran.stdout.contains(wanted), "{name}: {ran:#?}");
        }
    }
    // What is written from now on as well.
    let followed = Followed::begin(machine, "-d prim wallet spawn -n 0 -f");
    thread::sleep(Duration::from_millis(700));
    machine.sh("systemctl restart prim-wallet prim-spawn");
    let mut wanted: BTreeSet<String> = ["out-wallet", "out-spawn"].map(str::to_owned).into();
    followed.until(|line| {
        wanted.remove(text(line, "message"));
        wanted.is_empty()
    });
    assert_eq!(followed.end("INT"), 130);
    // A FIFO that is put in the place of the file stops nobody.
    machine.sh(
        "systemctl stop prim-wallet; rm /var/log/elsewhere/prim-wallet.log; mkfifo /var/log/elsewhere/prim-wallet.log",
    );
    let ran = prim(machine, "wallet -n 5");
    assert!(ran.code == 4 && ran.stderr.contains("is a FIFO"), "{ran:#?}");
}

fn d13_applications(machine: &Machine) {
    machine.sh(
        "useradd -m plugspace; mkdir -p /var/log/pm2; chown plugspace /var/log/pm2; cd /home/plugspace; \
         echo 'setInterval(() => {}, 1000); console.log(\"out-\" + process.env.N); console.error(\"err-\" + process.env.N)' > /opt/app.js",
    );
    let pm2 = |args: &str| {
        let user = "setpriv --reuid plugspace --regid plugspace --init-groups env -i PATH=$PATH HOME=/home/plugspace";
        machine.sh(&format!("cd /home/plugspace; {user} PM2_HOME=/home/plugspace/.pm2 {args} >/dev/null"));
    };
    machine.sh("echo '2026-02-26T02:11:09: old line' > /var/log/pm2/worker-out.log; chown plugspace /var/log/pm2/worker-out.log");
    pm2(
        "N=one pm2 start /opt/app.js --name plugspace-worker -o /var/log/pm2/moved-out.log -e /var/log/pm2/moved-error.log",
    );
    pm2("N=two pm2 start /opt/app.js --name plugspace-voice -o /dev/null -e /dev/null");
    pm2("N=both pm2 start /opt/app.js --name plugspace-admin -o /var/log/pm2/both.log -e /var/log/pm2/both.log");
    machine.sh("sleep 1");
    let ran = opsctl(machine, "-d plugspace plugspace-worker");
    assert!(ran.code == 0 && ran.stdout.contains("out-one") && ran.stdout.contains("err-one"), "{ran:#?}");
    assert!(!ran.stdout.contains("old line"), "{ran:#?}");
    let ran = opsctl(machine, "-d plugspace plugspace-voice");
    assert!(ran.code == 4 && ran.stderr.contains("pm2 discards it"), "{ran:#?}");
    let ran = opsctl(machine, "-d plugspace plugspace-admin");
    let lines = ran.stdout.lines().filter(|line| line.contains("-both")).count();
    assert_eq!((ran.code, lines), (0, 2), "each once: {ran:#?}");
    let ran = machine.run(&["opsctl", "-d", "plugspace", "verify", "plugspace-worker"]);
    assert!(ran.code == 3 && ran.stdout.contains("/var/log/pm2/moved-out.log"), "{ran:#?}");
    // The daemon belongs to a user, who may name any file as his log.
    pm2("pm2 delete plugspace-worker");
    machine.sh("echo secret-of-root > /root/secret.log; chmod 644 /root/secret.log; chmod 711 /root");
    machine.sh(
        "sed -i 's/console.error.*//' /opt/app.js; cd /home/plugspace; cp /root/secret.log /etc/secret.log; chmod 666 /etc/secret.log",
    );
    pm2("N=three pm2 start /opt/app.js --name plugspace-worker -o /etc/secret.log -e /dev/null");
    let ran = opsctl(machine, "-d plugspace plugspace-worker");
    assert!(ran.code == 4 && !ran.stdout.contains("secret") && ran.stderr.contains("does not belong to"), "{ran:#?}");
    pm2("pm2 kill");
}

fn b20_old_logs(machine: &Machine) {
    let log = "/var/log/prim-backup.log";
    machine.sh(&format!(
        "cd /var/log; n=6; for tool in bzip2 xz zstd lz4 gzip; do n=$((n-1)); echo \"[2026-11-2${{n}}T03:00:01Z] $tool\" > {log}.$n; \
         command -v $tool > /dev/null && $tool -q {log}.$n && rm -f {log}.$n || true; done; \
         echo '[2026-11-26T03:00:01Z] now' > {log}; for name in prim-backup-404.log prim-backup-1.log; do echo other > $name; done; \
         mv {log}.1.gz {log}.1; touch -d 2026-11-21 {log}.*"
    ));
    let read = || opsctl(machine, "-d prim --source prim-backup.log -n all");
    let ran = read();
    // What is packed is known by its content, and names with a number alone are other files.
    for tool in ["xz", "zstd", "lz4", "gzip", "bzip2", "now"] {
        assert!(ran.stdout.lines().any(|line| line.ends_with(&format!("] {tool}"))), "{tool}: {ran:#?}");
    }
    assert!(ran.code == 0 && !ran.stdout.contains("other"), "{ran:#?}");
    // A tool that is missing is said, and hides nothing else.
    machine.sh(&format!("mv $(command -v zstd) /root/zstd; printf 'PK\\003\\004zip' > {log}.7.zip"));
    let ran = read();
    let told = ran.stderr.contains("zstd is not installed") && ran.stderr.contains("is an archive, not a log");
    assert!(ran.code == 4 && told && ran.stdout.contains("] xz"), "{ran:#?}");
    machine.sh("mv /root/zstd /usr/bin/zstd");
}

/// Debian's packages write files of their own.
fn b17_packages(machine: &Machine) {
    machine.sh(
        "mkdir -p /var/log/postgresql; echo '2026-02-26 02:11:09.123 UTC [77] ERROR:  relation \"shop\" does not exist' \
         > /var/log/postgresql/postgresql-17-main.log; echo '2026-02-26 02:11:10.123 UTC [78] LOG:  ready' > /var/log/postgresql/postgresql-15-shop.log",
    );
    let ran = opsctl(machine, "-d localhost postgresql -e");
    assert!(ran.code == 0 && ran.stdout.contains("relation \"shop\" does not exist"), "{ran:#?}");
    let ran = opsctl(machine, "-d localhost postgresql -o name");
    assert!(ran.code == 0, "{ran:#?}");
}

fn b19_one_that_writes_much(machine: &Machine) {
    machine.sh("mkdir -p /run/systemd/journald.conf.d; printf '[Journal]\\nRateLimitBurst=0\\n' > /run/systemd/journald.conf.d/x.conf; \
         systemctl restart systemd-journald");
    says(machine, "wallet", "");
    machine.sh("systemctl stop prim-store");
    unit(machine, "prim-store", "/bin/sh -c 'seq 1 300000; exec sleep 600'", "");
    machine.sh("systemctl restart prim-store; for i in $(seq 50); do journalctl -u prim-store -n 1 -o cat | grep -q 300000 && break; sleep 0.2; done");
    let begun = Instant::now();
    let ran = machine.run(&["opsctl", "-d", "prim", "diagnose", "-o", "json"]);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let doubts = found["undetermined"].as_array().unwrap();
    let words = ["no answer", "reach back only to", "could be read"];
    let late = |doubt: &&Value| words.iter().any(|words| doubt["because"].to_string().contains(words));
    let of_logs: Vec<&Value> = doubts.iter().filter(late).collect();
    let others = of_logs.iter().any(|doubt| !doubt["subjects"].to_string().contains("store"));
    assert!(!others, "{of_logs:#?}");
    let reach = of_logs.iter().any(|doubt| doubt["because"].to_string().contains("reach back only to"));
    assert!(of_logs.is_empty() || reach, "{of_logs:#?}");
}

fn b18_no_journal(machine: &Machine) {
    machine.sh("rm -rf /run/systemd/journald.conf.d; rm -rf /var/log/journal/* /run/log/journal/*; systemctl restart systemd-journald; systemctl restart prim-wallet; sleep 0.3");
    let ran = prim(machine, "wallet --since 2h");
    assert!(ran.code == 0 && ran.stderr.contains("the journal begins at"), "{ran:#?}");
    let ran = prim(machine, "wallet --since 2h -g nothing-of-the-kind");
    assert!(ran.code == 4 && ran.stderr.contains("the journal begins at"), "{ran:#?}");
    machine.sh("mkdir -p /run/systemd/journald.conf.d; printf '[Journal]\\nStorage=none\\n' > /run/systemd/journald.conf.d/none.conf; systemctl restart systemd-journald");
    let none = "no journal is kept";
    for args in ["wallet", "wallet --since 5m", "wallet -o json", "wallet spawn", "--all"] {
        let ran = prim(machine, args);
        assert!(ran.code == 4 && (ran.stderr + &ran.stdout).contains(none), "{args}");
    }
    machine.sh("rm -rf /run/systemd/journald.conf.d /var/log/journal/* /run/log/journal/*");
    let ran = prim(machine, "wallet");
    assert!(ran.code == 4 && ran.stderr.contains(none), "{ran:#?}");
    let ran = prim(machine, "wallet --since 5m");
    assert!(ran.code == 4 && ran.stderr.contains(none), "{ran:#?}");
    machine.sh("systemctl restart systemd-journald; systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald");
    let ran = prim(machine, "wallet");
    assert!(ran.code == 4 && ran.stderr.contains("nothing is recorded"), "{ran:#?}");
}

#[test]
fn b17_to_b20_d13_where_logs_are_and_how_far_they_reach() {
    let machine = Machine::boot_as("bare", "logs-destinations");
    b20_old_logs(&machine);
    b17_packages(&machine);
    b17_units(&machine);
    d13_applications(&machine);
    b19_one_that_writes_much(&machine);
    b18_no_journal(&machine);
}
