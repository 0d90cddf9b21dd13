//! The order of many sources at once, and following through restarts, rotation and the end.

use super::*;

/// Shell lines that pass on what is written to a pipe of that name. It is held open, so that no writer ends it.
fn passing_on(name: &str) -> String {
    format!("/bin/sh -c 'exec 3<>/run/pipes/{name}; exec cat <&3'")
}

/// Writes into a file or pipe of the host from outside, which takes no time.
fn write(root: &std::path::Path, path: &str, line: &str) -> Instant {
    let mut file = OpenOptions::new().append(true).open(root.join(path.trim_start_matches('/'))).unwrap();
    let now = Instant::now();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
    now
}

/// What runs on the host, but for what asks.
fn processes(machine: &Machine) -> String {
    machine.sh("ps -e -o comm= | grep -vE '^(ps|sh|grep|sort|cron|kworker)' | sort")
}

/// Nothing runs that did not before. What was killed is gone when the host has come to it.
fn none_is_left(machine: &Machine, before: &str) {
    let begun = Instant::now();
    while processes(machine) != before && begun.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(processes(machine), before);
}

/// Numbers that each source counted, taken out of lines such as `n 17`.
fn counted<'v>(lines: impl IntoIterator<Item = &'v Value>) -> BTreeMap<String, Vec<u32>> {
    let mut counted: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for line in lines {
        let number = line["fields"]["n"].as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.or_else(|| text(line, "message").strip_prefix("n ")?.parse().ok());
        if let Some(number) = number {
            counted.entry(text(line, "source").to_owned()).or_default().push(number);
        }
    }
    counted
}

/// Ten services, a container and a file write at once: one stream, in order, nothing lost or doubled.
#[test]
fn logs_order() {
    const UNITS: [&str; 10] =
        ["wallet", "store", "faucet", "spawn", "search", "email", "token", "mem", "domain", "track"];
    const COUNT: u32 = 2000;
    let machine = Machine::boot_as("bare", "logs-order");
    docker(&machine);
    program(
        &machine,
        "count",
        "import time\nfor n in range(2000):\n    print('n', n, flush=True)\n    time.sleep(0.0005)",
    );
    program(
        &machine,
        "access",
        "import time, json\nwith open('/var/log/caddy/wallet-access.log', 'w') as log:\n    for n in range(2000):\n        \
         print(json.dumps({'level': 'info', 'ts': time.time(), 'msg': 'handled request', 'n': n}), file=log, flush=True)\n        \
         time.sleep(0.0005)",
    );
    for name in UNITS {
        unit(&machine, &format!("prim-{name}"), "/usr/bin/python3 /root/count", "");
    }
    let units = UNITS.map(|name| format!("prim-{name}")).join(" ");
    machine.sh("docker create --name stalwart test:1 sh -c 'for n in $(seq 0 1999); do echo n $n; usleep 500; done'");
    let followed = Followed::begin(&machine, "-d prim --all -f -n all");
    machine.sh(&format!(
        "mkdir -p /var/log/caddy; rm -f /run/systemd/system/prim-infer.service; python3 /root/access & \
         docker start stalwart > /dev/null & systemctl start {units}; wait; \
         while systemctl -q is-active {units}; do sleep 0.2; done; docker wait stalwart > /dev/null"
    ));
    let numbers: Vec<u32> = (0..COUNT).collect();
    let mut wanted: BTreeMap<String, Vec<u32>> =
        UNITS.iter().map(|name| (format!("journal:prim-{name}.service"), numbers.clone())).collect();
    wanted.insert("container:stalwart".to_owned(), numbers.clone());
    wanted.insert("file:/var/log/caddy/wallet-access.log".to_owned(), numbers.clone());

    // Each on its own way: all units asked at once, and each service for its newest lines.
    let services = format!("{} stalwart caddy", UNITS.join(" "));
    for args in [format!("-d prim {services} -n all"), format!("-d prim {services} -n 2500")] {
        let found = read(&machine, &args);
        sorted(&found);
        assert!(counted(&found) == wanted, "{args}: numbers are missing, doubled or out of order");
    }
    // The same as text: times first, then whose line it is.
    let ran = opsctl(&machine, &format!("-d prim {services} --timestamps --since 1h"));
    assert_eq!((ran.code, super::beside_its_beginning(&ran).as_str()), (0, ""));
    let times: Vec<&str> = ran.stdout.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(times.is_sorted() && times.iter().all(|time| time.len() == 24 && time.ends_with('Z')));
    let mut texts: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for line in ran.stdout.lines() {
        let (head, text) = line[25..].split_once(" | ").unwrap();
        let number = text.strip_prefix("n ").and_then(|number| number.parse().ok());
        let number = number.or_else(|| text.rsplit_once(" n=")?.1.parse().ok());
        if let Some(number) = number {
            texts.entry(head.trim_end().to_owned()).or_default().push(number);
        }
    }
    let mut heads: BTreeMap<String, Vec<u32>> =
        UNITS.iter().map(|name| ((*name).to_owned(), numbers.clone())).collect();
    heads.insert("stalwart".to_owned(), numbers.clone());
    heads.insert("caddy/wallet-access".to_owned(), numbers);
    assert!(texts == heads, "{:?}", texts.iter().map(|(head, numbers)| (head, numbers.len())).collect::<Vec<_>>());

    // Whoever followed meanwhile saw the same, in order within each source; across sources as far as the hold-back reaches.
    let mut followed_lines = Vec::new();
    let begun = Instant::now();
    while counted(&followed_lines) != wanted && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
        followed_lines.extend(followed.heard.try_iter().map(|(_, line)| line));
    }
    let seen = counted(&followed_lines);
    for (source, numbers) in &wanted {
        let seen = seen.get(source).cloned().unwrap_or_default();
        let wrong = seen.iter().zip(numbers).position(|(seen, wanted)| seen != wanted);
        assert!(seen == *numbers, "{source}: {} lines, the first wrong one is {wrong:?}", seen.len());
    }
    let times: Vec<&str> = followed_lines.iter().map(|line| text(line, "time")).collect();
    let back = times.windows(2).filter(|pair| pair[0] > pair[1]).count();
    eprintln!("followed: {} lines of {} went back in time", back, times.len());
    assert_eq!(followed.end("INT"), 130);
}

/// K4: following a unit, a container and a file through all that befalls them; each line once, soon, and no child left.
#[test]
fn logs_follow() {
    let machine = Machine::boot_as("bare", "logs-follow");
    let root = machine.root();
    docker(&machine);
    machine.sh("mkdir -p /run/pipes /var/log/caddy; mkfifo -m 666 /run/pipes/wallet /run/pipes/stalwart; \
                touch /var/log/caddy/wallet-access.log");
    unit(&machine, "prim-wallet", &passing_on("wallet"), "");
    let container = format!(
        "docker run -d --name stalwart -v /run/pipes:/run/pipes test:1 {} > /dev/null",
        passing_on("stalwart").trim_start_matches("/bin/")
    );
    machine.sh(&format!("systemctl start prim-wallet; {container}"));
    let before = processes(&machine);
    let followed = Followed::begin(&machine, "-d prim wallet stalwart caddy -f");

    let places = [
        ("journal:prim-wallet.service", "/run/pipes/wallet"),
        ("container:stalwart", "/run/pipes/stalwart"),
        ("file:/var/log/caddy/wallet-access.log", "/var/log/caddy/wallet-access.log"),
    ];
    let mut wanted: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let mut found: Vec<Value> = Vec::new();
    let mut number = 0;
    // Writes a line to a place and waits until it is printed; how long that took.
    let mut say = |place: usize, found: &mut Vec<Value>, wanted: &mut BTreeMap<String, Vec<u32>>| {
        let (source, path) = places[place];
        number += 1;
        wanted.entry(source.to_owned()).or_default().push(number);
        let written = write(&root, path, &format!("n {number}"));
        loop {
            let (heard, line) = followed.next();
            let is_it = text(&line, "source") == source && text(&line, "message") == format!("n {number}");
            found.push(line);
            if is_it {
                return heard - written;
            }
        }
    };
    for (place, (name, _)) in places.iter().enumerate() {
        // The first may come before following has begun.
        say(place, &mut found, &mut wanted);
        let mut took: Vec<Duration> = (0..20).map(|_| say(place, &mut found, &mut wanted)).collect();
        took.sort_unstable();
        eprintln!("{name}: a followed line takes {:?}, at most {:?}", took[10], took[19]);
        assert!(took[10] < Duration::from_secs(1), "{name}: {took:?}");
    }

    machine.sh("systemctl restart prim-wallet");
    say(0, &mut found, &mut wanted);
    machine.sh("systemctl stop prim-wallet; sleep 0.5; systemctl start prim-wallet");
    say(0, &mut found, &mut wanted);
    machine.sh("journalctl --rotate");
    say(0, &mut found, &mut wanted);
    machine.sh("systemctl restart systemd-journald");
    say(0, &mut found, &mut wanted);

    machine.sh("docker restart -t 0 stalwart");
    say(1, &mut found, &mut wanted);
    machine.sh(&format!("docker rm -f stalwart; {container}"));
    say(1, &mut found, &mut wanted);
    machine.sh(&format!("docker rename stalwart old; docker stop -t 0 old; {container}"));
    say(1, &mut found, &mut wanted);

    // B15 for files. By rename, with a line more in the old one, as a program does that has not opened the new one yet.
    machine.sh("cd /var/log/caddy; mv wallet-access.log wallet-access.log.1; echo 'n 9001' >> wallet-access.log.1");
    machine.sh("cd /var/log/caddy; touch wallet-access.log");
    wanted.entry(places[2].0.to_owned()).or_default().push(9001);
    say(2, &mut found, &mut wanted);
    // By copying and emptying.
    machine
        .sh("cd /var/log/caddy; cp wallet-access.log wallet-access.log.2; truncate -s 0 wallet-access.log; sleep 0.1");
    say(2, &mut found, &mut wanted);
    say(2, &mut found, &mut wanted);
    // Removed and made anew.
    machine.sh("cd /var/log/caddy; rm wallet-access.log; sleep 0.1; touch wallet-access.log");
    say(2, &mut found, &mut wanted);
    // Half a line is none until it is whole.
    machine.sh(
        "printf 'n 90' >> /var/log/caddy/wallet-access.log; sleep 0.2; echo 02 >> /var/log/caddy/wallet-access.log",
    );
    wanted.entry(places[2].0.to_owned()).or_default().push(9002);
    say(2, &mut found, &mut wanted);
    // One that was not there before.
    machine.sh("echo 'n 9003' > /var/log/caddy/store-access.log");
    wanted.insert("file:/var/log/caddy/store-access.log".to_owned(), vec![9003]);
    found.extend(followed.until(|line| text(line, "message") == "n 9003"));
    say(0, &mut found, &mut wanted);

    assert_eq!(counted(&found), wanted);
    let of_systemd = ["Started prim-wallet.service - prim-wallet.", "Stopped prim-wallet.service - prim-wallet."];
    let count = |words| messages(&found).iter().filter(|message| **message == words).count();
    assert_eq!(of_systemd.map(count), [3, 2]);
    assert_eq!(followed.end("INT"), 130);
    none_is_left(&machine, &before);

    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let followed = Followed::begin(&machine, "-d prim wallet stalwart caddy -f -n 1");
        followed.next();
        assert_eq!(followed.end(signal), code);
    }
    let begun = Instant::now();
    let ran = opsctl(&machine, "-d prim -f wallet --timeout 1s");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!((Duration::from_secs(1)..Duration::from_secs(4)).contains(&begun.elapsed()), "{:?}", begun.elapsed());

    // A reader that has seen enough: nothing is said, although no further line comes.
    machine.sh("seq 5000000 > /var/log/caddy/wallet-access.log");
    for args in
        ["wallet -f", "stalwart -f", "caddy -f -n 1", "wallet stalwart caddy -f", "caddy -n all", "--all -n all"]
    {
        let begun = Instant::now();
        let ran = machine.run(&["bash", "-c", &format!("set -o pipefail; opsctl -d prim logs {args} | head -n 1")]);
        assert_eq!((ran.code, ran.stdout.lines().count(), ran.stderr.as_str()), (0, 1, ""), "{args}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{args}: {:?}", begun.elapsed());
    }
    for args in ["caddy -n all", "wallet -f"] {
        let ran = machine.run(&["sh", "-c", &format!("exec timeout 10 opsctl -d prim logs {args} > /dev/full")]);
        assert!(ran.code == 1 && ran.stderr.contains("No space left on device"), "{args}: {ran:?}");
    }
    none_is_left(&machine, &before);
}
