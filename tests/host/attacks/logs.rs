//! What somebody writes to a log that root reads: a line may hold anything, the value of a secret included.

use super::*;

const SAID: &[&str] = &[
    "logs store -n 40",
    "logs store -n 40 -o json",
    "logs store wallet -n 40 --timestamps",
    "logs --all -n 20",
    "logs store -g dummy-canary -n 40",
    "diagnose",
    "diagnose --bundle -",
    "status",
];

/// Lines of prim's store, which has the canary for a key.
macro_rules! writes {
    ($tried:literal, $lines:literal) => {
        Attempt {
            attacker: WRITER,
            tried: $tried,
            plant: concat!(
                "printf 'PRIM_INTERNAL_KEY=dummy-canary-of-root-4711\\n' >> /etc/prim/store.env
                 cat > /run/systemd/system/prim-store.service.d/evil.conf 2>/dev/null <<'END' || true\nEND
                 cat > /run/lines.py <<'END'\nimport sys\n", $lines, "\nEND
                 systemd-run --quiet --wait --unit=evil-writer python3 /run/lines.py >/dev/null 2>&1 || true
                 mkdir -p /var/log/caddy; python3 /run/lines.py > /var/log/caddy/store-access.log
                 mkdir -p /run/systemd/system/prim-store.service.d
                 printf '[Service]\\nExecStartPre=/usr/bin/python3 /run/lines.py\\n' > /run/systemd/system/prim-store.service.d/evil.conf
                 systemctl daemon-reload; systemctl restart prim-store; for i in $(seq 50); do curl -sf -o /dev/null localhost:3002 && break; sleep 0.1; done"
            ),
            verbs: SAID,
            holds: "code=0; timeout -s INT 10 opsctl logs -f store caddy -n 40 > /run/followed 2>&1 || code=$?; test $code = 130 || test $code = 124
                    if grep -qE 'dummy-canary|PemBodyCanary' /run/followed; then cat /run/followed; exit 1; fi; if grep -q \"$(printf '\\033')\" /run/followed; then exit 1; fi
                    /usr/local/lib/attack/ask 40 '' logs caddy --source store-access -n all",
            heal: "rm -rf /run/systemd/system/prim-store.service.d /run/lines.py /run/followed /var/log/caddy/store-access.log; sed -i '/dummy-canary/d' /etc/prim/store.env
                   systemctl daemon-reload; systemctl restart prim-store; journalctl --rotate >/dev/null 2>&1; journalctl --vacuum-time=1s >/dev/null 2>&1; sleep 0.5",
            ..NONE
        }
    };
}

pub const PRIM: &[Attempt] = &[
    writes!(
        "a secret cut in two by colours, cursor moves, zero-width and right-to-left marks, a backspace, a carriage return, NUL",
        "for cut in ['\\x1b[31m', '\\x1b[0m', '\\x1b[K', '\\x1b]0;x\\x07', '\\u200b', '\\u202e', '\\u2066', '\\ufeff', '\\x08', '\\r', '\\x00', '\\x1b[1;31;40m\\x1b[0m', '\\u00ad', '\\x9b31m']:
    sys.stdout.write('key dummy-canary-of' + cut + '-root-4711 is wrong\\n')"
    ),
    writes!(
        "a secret in a URL, in base64, URL-encoded, in JSON escapes, quoted, in hexadecimal, twice in a line",
        "import base64, json, urllib.parse\ns = 'dummy-canary-of-root-4711'
print('postgres://app:' + s + '@db/x'); print('Authorization: Basic ' + base64.b64encode(('u:' + s).encode()).decode())
print('x ' + s + ' y ' + s + ' z'); print(json.dumps({'password': s, 'msg': s, 'n': [s, {'k': s}]})); print(json.dumps(json.dumps({'p': s})))
print('?key=' + urllib.parse.quote(s) + '&a=b'); print('\"' + s + '\"', \"'\" + s + \"'\"); print('{\"p\":\"dummy\\\\u002dcanary\\\\u002dof\\\\u002droot\\\\u002d4711\"}')"
    ),
    writes!(
        "private keys over many lines, with indents, in JSON, behind times, with carriage returns, without an end",
        "body = ['MIIdummy-canary-of-root-4711' + str(i) * 20 for i in range(5)]
for begin in ['', '    ', '2026-01-01T00:00:00Z ', '| ']:
    for eol in ['\\n', '\\r\\n']:
        print(eol.join([begin + '-----BEGIN RSA PRIVATE KEY-----'] + [begin + b.replace('dummy-canary-of-root-4711', 'PemBodyCanary4711') for b in body] + [begin + '-----END RSA PRIVATE KEY-----']))
print('-----BEGIN PRIVATE KEY-----'); print('dummy-canary-of-root-4711')"
    ),
    writes!(
        "clipboards, titles, cursor moves, right-to-left marks, forged prefixes, a line of twenty megabytes, deep JSON, absurd times",
        "for line in ['\\x1b]52;c;ZXZpbA==\\x07', '\\x1b[2J\\x1b[1;1H', '\\x1bP+q544e\\x1b\\\\\\\\', '\\x9d0;x\\x9c', '\\u202efdp.exe', '\\u2066x\\u2069', 'wallet | PASS', '\\rwallet | PASS', '\\x0c\\x0b\\x85\\u2028wallet | PASS',
    '-- opsctl: all healthy', '{\"time\":1e400,\"level\":\"' + 'x' * 1000 + '\"}', '{\"ts\":-9223372036854775809,\"msg\":\"x\"}', '99999-12-31T23:59:60+99:99 x', '[' * 200000, '{\"a\":' * 200000]:
    print(line)
sys.stdout.flush(); print('y' * 20000000); sys.stdout.buffer.write(b'\\xff\\xfe\\x9b31m\\xc3\\n'); print('forged')"
    ),
];

/// Whoever has a login writes to the journal as anybody, but for the fields that journald makes.
pub const LOGIN: &[Attempt] = &[Attempt {
    attacker: super::LOGIN,
    user: "nobody",
    tried: "entries of the journal that say they are opsctl's, a unit's, root's, and of another time",
    plant: "/usr/local/lib/attack/journal SYSLOG_IDENTIFIER=opsctl _UID=0 _SYSTEMD_UNIT=prim-wallet.service UNIT=prim-wallet.service OBJECT_SYSTEMD_UNIT=prim-wallet.service \
                _SOURCE_REALTIME_TIMESTAMP=1 COREDUMP_UNIT=prim-wallet.service MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1 PRIORITY=0 -- \
                '{\"schema\":\"opsctl/audit/v1\",\"what\":\"forged-entry\",\"outcome\":\"done\"}' 'forged-entry prim-wallet.service: Main process exited' \
                'Out of memory: Killed process 1 (forged-entry)' 'store | forged-entry\\x1b]0;evil\\x07'
            logger -t kernel 'Out of memory: Killed process 4711 (forged-entry) total-vm:1kB' || true",
    verbs: &["history", "logs wallet -n 50", "status", "diagnose", "verify", "history -o json"],
    holds: "if opsctl history | grep -q forged-entry; then echo 'history believes it'; exit 1; fi
            if opsctl status | grep -q 'memory kills *fail'; then echo 'status believes it'; exit 1; fi",
    ..NONE
}];
