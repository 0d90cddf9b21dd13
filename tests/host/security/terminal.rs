//! Root's terminal, over a real `ssh -tt`: programs that run as the application's user look for it.

use super::{CANARY, Row};
use crate::machine::Machine;

/// What root's ssh needs, and what the user plants: Node loads the module, where it finds it, into every pm2 client.
const PLANT: &str = r#"
    mkdir -p /root/.ssh /run/sshd; chmod 700 /root/.ssh
    test -e /root/.ssh/id_ed25519 || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
    cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys; chmod 600 /root/.ssh/authorized_keys
    systemctl start ssh.service
    for i in $(seq 100); do ssh -oBatchMode=yes -oStrictHostKeyChecking=no root@127.0.0.1 true 2>/dev/null && break; sleep 0.1; done
    for module in bufferutil utf-8-validate; do
        mkdir -p /home/plugspace/.node_modules/$module /home/plugspace/.node_libraries/$module
        cat > /home/plugspace/.node_modules/$module/index.js <<'END'
const fs = require('fs');
let came;
try {
    const tty = fs.openSync('/dev/tty', 'r+');
    fs.writeSync(tty, '\x1b]0;evil\x07');
    came = 'open';
} catch (error) {
    came = error.code;
}
fs.appendFileSync('/home/plugspace/came', came + '\n');
module.exports = {};
END
        cp /home/plugspace/.node_modules/$module/index.js /home/plugspace/.node_libraries/$module/
    done
    chown -R plugspace:plugspace /home/plugspace/.node_modules /home/plugspace/.node_libraries
"#;

/// A client of pm2 as root would call it by hand, below a terminal: what is planted works.
const CONTROL: &str =
    "runuser -u plugspace -- env HOME=/home/plugspace PM2_HOME=/home/plugspace/.pm2 pm2 jlist >/dev/null";

pub fn pm2(machine: &Machine) -> Vec<Row> {
    machine.sh(PLANT);
    let on_terminal = |line: &str| {
        let ssh = "ssh -tt -oBatchMode=yes -oStrictHostKeyChecking=no -oLogLevel=ERROR root@127.0.0.1";
        machine.run(&["sh", "-c", &format!("{ssh} '{line}' </dev/null")])
    };
    on_terminal(CONTROL);
    let came = machine.sh("cat /home/plugspace/came 2>/dev/null; rm -f /home/plugspace/came");
    assert!(came.lines().all(|line| line == "open") && !came.is_empty(), "the control shows nothing: {came:?}");
    let verbs = [
        "status",
        "diagnose",
        "verify",
        "logs plugspace-api -n 3",
        "restart plugspace-worker -y --settle 300ms",
        "get services",
    ];
    for verb in verbs {
        let ran = on_terminal(&format!("timeout 90 opsctl --color never {verb}"));
        assert!(!ran.stdout.contains("evil") && !ran.stdout.contains(CANARY), "{verb}: {ran:#?}");
        assert!([0, 3, 4].contains(&ran.code), "{verb}: {ran:#?}");
    }
    let came =
        machine.sh("cat /home/plugspace/came 2>/dev/null || true; rm -rf /home/plugspace/came /home/plugspace/.node_*");
    assert_eq!(came, "", "the module was loaded");
    vec![Row {
        attacker: "application user",
        verb: "status, diagnose, verify, logs, restart, get".to_owned(),
        tried: "a module in its home that every Node program loads reaches for root's terminal, over ssh -tt"
            .to_owned(),
        outcome: "no breach; it is not loaded (by hand it is, and opens the terminal)".to_owned(),
    }]
}
