//! Which lines: rotated files, runs, filters, boots.

use super::*;

/// Rotated files, earlier runs, boots, and what narrows the stream.
#[test]
fn logs_ranges() {
    let machine = Machine::boot_as("bare", "logs-ranges");
    rotated(&machine);
    runs_of_units(&machine);
    runs_of_containers(&machine);
    filters(&machine);
    boots(&machine);
}

fn rotated(machine: &Machine) {
    program(
        machine,
        "rotated",
        r#"
import gzip, os, time
now = time.time()
def line(n, ago):
    at = time.strftime('%d/%b/%Y:%H:%M:%S +0000', time.gmtime(now - ago))
    return f'127.0.0.1 - - [{at}] "GET /{n} HTTP/1.1" 200 3 "-" "curl"\n'
log = '/var/log/nginx/access.log'
os.makedirs('/var/log/nginx', exist_ok=True)
# An hour between two lines: 20 of them two and three days ago, then 10 of yesterday, then 2.
for path, numbers, opened in [(log + '.2.gz', range(0, 20), gzip.open), (log + '.1', range(20, 30), open), (log, range(30, 32), open)]:
    with opened(path, 'wt') as file:
        for n in numbers:
            file.write(line(n, (31 - n) * 3600 + 60))
    last = now - (31 - numbers[-1]) * 3600 - 60
    os.utime(path, (last, last))
"#,
    );
    machine.sh("python3 /root/rotated");
    let paths = |args: &str| -> Vec<u32> {
        let found = read(machine, &format!("-d plugspace nginx --source access.log {args}"));
        sorted(&found);
        let number = |line: &Value| text(line, "message").split("GET /").nth(1)?.split(' ').next()?.parse().ok();
        found.iter().filter_map(number).collect()
    };
    let from = |first: u32| (first..32).collect::<Vec<u32>>();
    assert_eq!(paths("-n all"), from(0));
    assert_eq!(paths("--since 90m"), from(30));
    assert_eq!(paths("--since 5h"), from(27));
    assert_eq!(paths("--since 20h30m"), from(11));
    assert_eq!(paths("--since 20h30m --until 10h30m"), (11..21).collect::<Vec<u32>>());
    // Right after a rotation the newest lines are in the file that was.
    assert_eq!(paths("-n 5"), from(27));
    assert_eq!(paths("-n 12"), from(20));
    // Packed ones too, where the others have too few.
    assert_eq!(paths("-n 25"), from(7));
    assert_eq!(paths("-n 100"), from(0));
    assert_eq!(paths("-n 3 -g 'GET /[0-9] '"), [7, 8, 9]);
    assert_eq!(paths("-n 3 -g 'GET /2'"), [27, 28, 29]);
    machine.sh("cd /var/log/nginx; mv access.log.2.gz access.log.3.gz; mv access.log.1 access.log.2; mv access.log access.log.1; touch access.log");
    assert_eq!(paths("-n 5"), from(27));
}

fn runs_of_units(machine: &Machine) {
    program(
        machine,
        "run",
        "import os, sys, time\nnumber = int(open('/root/number').read()) + 1\nos.system(f'echo {number} > /root/new; mv /root/new /root/number')\n\
         for n in range(3):\n    print('run', number, 'line', n, flush=True)\n\
         if len(sys.argv) > 1:\n    time.sleep(float(sys.argv[1]))\n    sys.exit(3)\ntime.sleep(1000)",
    );
    machine.sh("echo 0 > /root/number");
    unit(machine, "prim-store", "/usr/bin/python3 /root/run", "");
    machine.sh("systemctl start prim-store; sleep 0.5");
    // A first run has none before it.
    let ran = opsctl(machine, "-d prim store -p");
    let why = "opsctl: journal:prim-store.service: no earlier run is known\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (4, "", why));
    machine.sh("systemctl restart prim-store; sleep 0.5; systemctl restart prim-store; sleep 0.5");
    let whole = |run: u32, before: &[&str], after: &[&str]| -> Vec<String> {
        let own = (0..3).map(|n| format!("run {run} line {n}"));
        before.iter().map(ToString::to_string).chain(own).chain(after.iter().map(ToString::to_string)).collect()
    };
    let stopped = [
        "Stopping prim-store.service - prim-store...",
        "prim-store.service: Deactivated successfully.",
        "Stopped prim-store.service - prim-store.",
    ];
    let previous = |args: &str| -> Vec<String> {
        let found = read(machine, &format!("-d prim store -p {args}"));
        messages(&found).iter().map(ToString::to_string).collect()
    };
    assert_eq!(previous("-n all"), whole(2, &["Started prim-store.service - prim-store."], &stopped));
    assert_eq!(previous(""), whole(2, &["Started prim-store.service - prim-store."], &stopped));
    assert_eq!(previous("-g 'run '"), whole(2, &[], &[]));
    assert_eq!(previous("-n 1"), [stopped[2]]);

    // Failed: the newest run is the one that failed.
    unit(machine, "prim-store", "/usr/bin/python3 /root/run 0.1", "");
    machine.sh("systemctl restart prim-store; sleep 0.6; systemctl restart prim-store; sleep 0.6; systemctl is-failed prim-store");
    assert_eq!(previous("-g 'run '"), whole(4, &[], &[]));
    // Crashing again and again: the run before the one that runs or is waited for.
    unit(machine, "prim-store", "/usr/bin/python3 /root/run 0.1", "Restart=always\nRestartSec=1");
    machine.sh("systemctl restart prim-store; while [ $(cat /root/number) -lt 8 ]; do sleep 0.05; done; sleep 0.05");
    let found = previous("-g 'run '");
    assert!(found == whole(7, &[], &[]) || found == whole(8, &[], &[]), "{found:?}");
    machine.sh("systemctl stop prim-store");
    // By what systemd says only: a program that could not even be started.
    unit(machine, "prim-track", "/nonexistent", "");
    machine.sh("systemctl start prim-track; sleep 0.3; systemctl start prim-track; sleep 0.3");
    let found = read(machine, "-d prim track -p");
    assert!(messages(&found).iter().any(|message| message.contains("Failed with result")), "{found:#?}");
}

fn runs_of_containers(machine: &Machine) {
    docker(machine);
    machine.sh(
        "echo 0 > /root/runs; chmod 666 /root/runs; docker run -d --name stalwart -v /root/runs:/runs test:1 sh -c \
         'n=$(($(cat /runs) + 1)); echo $n > /runs; echo run $n a; echo run $n b; exec sleep 1000' > /dev/null; sleep 0.5",
    );
    let ran = opsctl(machine, "-d prim stalwart -p");
    let why = "opsctl: container:stalwart: no earlier run is known\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (4, "", why));
    machine.sh("docker restart -t 0 stalwart; sleep 0.5");
    let found = read(machine, "-d prim stalwart -p");
    assert_eq!(messages(&found), ["run 1 a", "run 1 b"]);
    machine.sh("docker restart -t 0 stalwart; sleep 0.5");
    let found = read(machine, "-d prim stalwart -p");
    // The engine remembers only the last start: all that was before it counts.
    assert_eq!(messages(&found), ["run 1 a", "run 1 b", "run 2 a", "run 2 b"]);
    machine.sh("docker rm -f stalwart");
}

fn filters(machine: &Machine) {
    program(
        machine,
        "levels",
        r"
import json
say = lambda **fields: print(json.dumps(fields), flush=True)
say(level='info', msg='all is well', request_id='a1')
say(level='error', msg='prim fails', request_id='a2')
say(level=30, msg='pino is well')
say(level=50, msg='pino fails')
say(level=60, msg='pino dies')
print('<3>priority says error', flush=True)
print('<4>priority says warning', flush=True)
print('plain words with an error in them', flush=True)
print('2026-02-26 02:11:07.000 UTC [39] FATAL:  the database is gone', flush=True)
",
    );
    unit(machine, "prim-faucet", "/usr/bin/python3 /root/levels", "Type=oneshot");
    machine.sh("systemctl start prim-faucet");
    let of = |args: &str| -> Vec<String> {
        let found = read(machine, &format!("-d prim faucet -g 'well|fails|dies|says|plain|gone' {args}"));
        found.iter().map(|line| format!("{} {}", text(line, "level"), text(line, "message"))).collect()
    };
    let errors = ["error prim fails", "error pino fails", "fatal pino dies", "error priority says error"];
    let found = of("-e");
    assert_eq!(found[..4], errors);
    assert!(
        found.len() == 5 && found[4].starts_with("fatal ") && found[4].contains("the database is gone"),
        "{found:?}"
    );
    assert_eq!(of("--level fatal").len(), 2);
    assert_eq!(of("--level warn").len(), 6);
    assert_eq!(of("-e -n 2").len(), 2);
    assert_eq!(messages(&read(machine, "-d prim faucet -g a2")), ["prim fails"], "a field is searched too");
    // Text is filtered as JSON is.
    let ran = opsctl(machine, "-d prim faucet --level error -g '^.{0,20}fails'");
    assert_eq!(ran.code, 0);

    // The newest errors are far back behind what no filter wants.
    program(
        machine,
        "flood",
        "import json\nfor n in range(3):\n    print(json.dumps({'level': 'error', 'msg': f'bad {n}'}), flush=True)\n\
         for n in range(30000):\n    print(json.dumps({'level': 'info', 'msg': f'good {n}'}))",
    );
    unit(machine, "prim-search", "/usr/bin/python3 /root/flood", "Type=oneshot\nLogRateLimitIntervalSec=0");
    machine.sh("systemctl start prim-search");
    assert_eq!(messages(&read(machine, "-d prim search -n 3 -e")), ["bad 0", "bad 1", "bad 2"]);
    assert_eq!(messages(&read(machine, "-d prim search -n 2 -e")), ["bad 1", "bad 2"]);
    assert_eq!(messages(&read(machine, "-d prim search -n 2 -g good")), ["good 29998", "good 29999"]);
    assert_eq!(read(machine, "-d prim search").len(), 100);
    assert_eq!(read(machine, "-d prim search --since 1h -g good").len(), 30_000);
    assert_eq!(messages(&read(machine, "-d prim search --since 1h -n 1 -g good")), ["good 29999"]);

    // So many of a service, from whichever of its sources they are.
    machine.sh("mkdir -p /var/log/caddy");
    unit(machine, "caddy", "/bin/sh -c 'for n in 1 2 3; do echo j$$n; sleep 0.1; done'", "Type=oneshot");
    program(
        machine,
        "interleaved",
        "import json, time\nlog = open('/var/log/caddy/store-access.log', 'w')\nlog2 = open('/var/log/caddy/wallet-access.log', 'w')\n\
         for n in range(20):\n    print(json.dumps({'ts': time.time(), 'msg': f'f{n}'}), file=log if n % 2 else log2, flush=True)\n    \
         time.sleep(0.02)",
    );
    machine.sh("python3 /root/interleaved; systemctl start caddy");
    let newest = read(machine, "-d prim caddy -n 10 -g '^j|\"f'");
    assert_eq!(messages(&newest), ["f13", "f14", "f15", "f16", "f17", "f18", "f19", "j1", "j2", "j3"]);
    sorted(&newest);
    assert_eq!(messages(&read(machine, "-d prim caddy -n 2 --source access")), ["f18", "f19"]);
    // Between two moments, to the microsecond.
    let all = read(machine, "-d prim caddy -n all -g '^j|\"f'");
    let (first, last) = (text(&all[5], "time"), text(&all[21], "time"));
    let between = read(machine, &format!("-d prim caddy --since {first} --until {last} -g '^j|\"f'"));
    assert_eq!(between, all[5..=21]);
}

/// After a reboot: what was written before it is told from what was written since.
fn boots(machine: &Machine) {
    machine.run(&["systemctl", "--no-block", "reboot"]);
    let begun = Instant::now();
    while machine
        .run(&["sh", "-c", "test ! -e /run/systemd/system/prim-search.service && systemctl is-system-running"])
        .stdout
        != "running\n"
    {
        assert!(begun.elapsed() < 4 * PATIENCE);
        thread::sleep(Duration::from_millis(200));
    }
    unit(machine, "prim-search", "/bin/echo after", "Type=oneshot");
    machine.sh("systemctl start prim-search");
    let of = |args: &str| -> Vec<String> {
        let found = read(machine, &format!("-d prim search -g 'good|after' {args}"));
        messages(&found).iter().map(ToString::to_string).collect()
    };
    assert_eq!(of("-b"), ["after"]);
    assert_eq!(of("-b=0 -n 5"), ["after"]);
    assert_eq!(of("-b=-1 -n 2"), ["good 29998", "good 29999"]);
    assert_eq!(of("-b=-1 -n all").len(), 30_000);
    assert_eq!(of("-n 2"), ["good 29999", "after"]);
    let ran = opsctl(machine, "-d prim search -b=-7");
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{ran:?}");
    assert!(ran.stderr.starts_with("opsctl: boot -7 is not known"), "{}", ran.stderr);
}
