//! Lines that would drive a terminal, forge a prefix, fill the memory or give a secret away.

use super::*;

/// B13, L2, L3, A9: whatever a service writes, it drives no terminal, forges no prefix and fills no memory.
#[test]
fn logs_hostile() {
    let machine = Machine::boot_as("bare", "logs-hostile");
    program(
        &machine,
        "hostile",
        r"
import fcntl, os, socket, struct, sys, time, array
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.connect('/run/systemd/journal/socket')
def field(name, value):
    return name.encode() + b'\n' + struct.pack('<Q', len(value)) + value + b'\n'
def send(*messages):
    body = field('N', b'1')
    for message in messages:
        body += field('MESSAGE', message)
    journal.send(body)
    time.sleep(0.002)
if sys.argv[1] == 'words':
    send(b'\x1b]52;c;aGk=\x07clipboard')
    send(b'\x1b[2J\x1b[1;1Hscreen \x1b[31mred\x1b[0m')
    send(b'\xc2\x9b31m8-bit \xc2\x9d52;c;aGk=\xc2\x9c')
    send('bidi \u202efdp.exe\u202c \u200b\u2066'.encode())
    send(b'store | overwritten\rwallet | x')
    send(b'nul \x00 byte')
    send(b'first\nstore  | second\n\nfourth')
    send(b'store  | fake')
    send()
    send(b'one', b'two')
    send(b'bad \xff\xfe utf-8 \xc3')
    send(b'raw c1 \x9b31m')
    send(b'')
    send('tab\t\u00e9\u2713'.encode())
else:
    size = 100 << 20
    memory = os.memfd_create('m', os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(memory), 'wb') as file:
        file.write(b'MESSAGE\n' + struct.pack('<Q', size))
        for _ in range(size >> 20):
            file.write(b'x' * (1 << 20))
        file.write(b'\n')
    fcntl.fcntl(memory, 1033, 1 | 2 | 4 | 8)
    journal.sendmsg([b''], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [memory]))])
    time.sleep(3)
    send(b'after')
time.sleep(1)
",
    );
    unit(&machine, "prim-wallet", "/usr/bin/python3 /root/hostile words", "Type=oneshot");
    unit(&machine, "prim-store", "/bin/echo harmless", "Type=oneshot");
    machine.sh("systemctl start prim-wallet prim-store");
    let strings = [
        Some("\u{1b}]52;c;aGk=\u{7}clipboard"),
        Some("\u{1b}[2J\u{1b}[1;1Hscreen \u{1b}[31mred\u{1b}[0m"),
        Some("\u{9b}31m8-bit \u{9d}52;c;aGk=\u{9c}"),
        Some("bidi \u{202e}fdp.exe\u{202c} \u{200b}\u{2066}"),
        Some("store | overwritten\rwallet | x"),
        Some("nul \0 byte"),
        Some("first\nstore  | second\n\nfourth"),
        Some("store  | fake"),
        None,
        Some("one\ntwo"),
        Some("bad \\xff\\xfe utf-8 \\xc3"),
        Some("raw c1 \\x9b31m"),
        Some(""),
        Some("tab\té✓"),
    ];
    let is_systemd = |line: &Value| text(line, "message").contains("prim-");
    let found: Vec<Value> = read(&machine, "-d prim wallet").into_iter().filter(|line| !is_systemd(line)).collect();
    let kept: Vec<Option<&str>> = found.iter().map(|line| line["message"].as_str()).collect();
    assert_eq!(kept, strings);
    assert!(found.iter().all(|line| line["truncated"] == false && line["fields"] == Value::Null));

    let ran = opsctl(&machine, "-d prim wallet store");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    harmless(&ran.stdout);
    let shown: Vec<&str> = ran.stdout.lines().filter(|line| !line.contains("prim-")).collect();
    let wanted = [
        r"wallet | \x1b]52;c;aGk=\x07clipboard",
        r"wallet | \x1b[2J\x1b[1;1Hscreen red",
        r"wallet | \x9b31m8-bit \x9d52;c;aGk=\x9c",
        r"wallet | bidi \u{202e}fdp.exe\u{202c} \u{200b}\u{2066}",
        r"wallet | store | overwritten\rwallet | x",
        r"wallet | nul \x00 byte",
        "wallet | first",
        "wallet | store  | second",
        "wallet | ",
        "wallet | fourth",
        "wallet | store  | fake",
        "wallet | (an entry without a message)",
        "wallet | one",
        "wallet | two",
        r"wallet | bad \xff\xfe utf-8 \xc3",
        r"wallet | raw c1 \x9b31m",
        "wallet | ",
        "wallet | tab\té✓",
    ];
    let (harmless_line, own): (Vec<&str>, Vec<&str>) = shown.into_iter().partition(|line| line.starts_with("store "));
    assert_eq!(own, wanted);
    assert_eq!(harmless_line, ["store  | harmless"]);
    for line in ran.stdout.lines() {
        assert!(line.starts_with("wallet | ") || line.starts_with("store  | "), "{line:?}");
    }
    // With colour there are sequences of our own and no others.
    let ran = opsctl(&machine, "-d prim wallet store --color always");
    let mut plain = ran.stdout.clone();
    while let Some(at) = plain.find("\x1b[") {
        let end = plain[at..].find('m').unwrap();
        assert!(plain[at + 2..at + end].chars().all(|c| c.is_ascii_digit() || c == ';'), "{plain:?}");
        plain.replace_range(at..=at + end, "");
    }
    harmless(&plain);

    huge(&machine);
    secrets(&machine);
}

/// No character of this may reach a terminal.
fn harmless(text: &str) {
    let is_hostile = |c: char| {
        (c < ' ' && c != '\n' && c != '\t')
            || ('\u{7f}'..='\u{9f}').contains(&c)
            || ('\u{200b}'..='\u{200f}').contains(&c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
            || c == '\u{fffd}'
    };
    assert_eq!(text.chars().find(|c| is_hostile(*c)), None, "{text:?}");
}

/// A9: a line of 100 MiB, in the journal and in a file, costs no more memory than any other.
fn huge(machine: &Machine) {
    program(
        machine,
        "peak",
        "import subprocess, sys\nchild = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)\npeak = 0\n\
         while child.poll() is None:\n    for line in open(f'/proc/{child.pid}/status'):\n        \
         if line.startswith('VmHWM'): peak = int(line.split()[1])\nprint(peak, child.returncode)",
    );
    unit(machine, "caddy", "/usr/bin/python3 /root/hostile huge", "Type=oneshot");
    machine.sh("mkdir -p /var/log/caddy; systemctl start caddy; \
         python3 -c \"print('y' * (100 << 20)); print('after')\" > /var/log/caddy/store-access.log");
    // journalctl unpacks such an entry for a second before it prints the first byte of it: on a busy machine that is told of.
    let is_late =
        |code: i32, stderr: &str| code == 0 && stderr.contains(": no line for ") && stderr.lines().count() == 1;
    let ran = opsctl(machine, "-d prim caddy -g '^(xxx|yyy|after)' -o json");
    assert!(is_late(ran.code, &ran.stderr) || (ran.code, ran.stderr.as_str()) == (0, ""), "{}", ran.stderr);
    let found = lines(&ran.stdout);
    // The first 64 KiB, from which the name of the journal's field is taken off.
    let mut told: Vec<(&str, usize, bool)> = found
        .iter()
        .map(|line| (text(line, "source"), text(line, "message").len().next_multiple_of(16), line["truncated"] == true))
        .collect();
    told.sort_unstable();
    let (file, journal) = ("file:/var/log/caddy/store-access.log", "journal:caddy.service");
    assert_eq!(told, [(file, 16, false), (file, 65536, true), (journal, 16, false), (journal, 65536, true)]);
    for args in ["caddy -n all", "caddy -n all -o json", "caddy -n 5", "caddy -e", "caddy --since 1h -g nowhere"] {
        let told = machine.sh(&format!("python3 /root/peak opsctl -d prim logs {args}"));
        let (peak, code) = told.trim_end().split_once(' ').unwrap();
        let peak: u32 = peak.parse().unwrap();
        eprintln!("{args}: {peak} KiB at most with a line of 100 MiB");
        assert!(matches!(code, "0" | "4") && peak < 32 << 10, "{args}: {told}");
    }
}

/// What must be nobody's to read, wherever it is written.
fn secrets(machine: &Machine) {
    machine.sh(
        "mkdir -p /etc/prim; printf 'PRIM_INTERNAL_KEY=canary-of-the-env-file\\nPORT=3002\\n' > /etc/prim/store.env",
    );
    program(
        machine,
        "secrets",
        r"
import json
print('the key canary-of-the-env-file is wrong', flush=True)
print('login failed password=canary-password', flush=True)
print('cannot reach postgresql://app:canary-userinfo@db:5432/x', flush=True)
print('sent Authorization: Bearer canary.bearer.token', flush=True)
print(json.dumps({'level': 'error', 'msg': 'denied', 'password': 'canary-field', 'headers': {'authorization': 'Bearer canary-header'},
    'key': 'canary-of-the-env-file'}), flush=True)
print('the port is 3002', flush=True)
",
    );
    unit(machine, "prim-store", "/usr/bin/python3 /root/secrets", "Type=oneshot");
    machine.sh("systemctl start prim-store");
    for args in ["-d prim store", "-d prim store -o json", "-d prim store -g 'key|password|db|sent|denied' -o json"] {
        let ran = opsctl(machine, args);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert!(ran.stdout.contains("denied") && !ran.stdout.contains("canary"), "{args}: {}", ran.stdout);
    }
    assert_eq!(messages(&read(machine, "-d prim store -g 'port is'")), ["the port is 3002"]);
    // A filter finds nothing that is not shown, or it would tell secrets by asking.
    assert_eq!(opsctl(machine, "-d prim store -g canary").stdout, "");
}
