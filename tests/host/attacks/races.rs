//! What is looked at is exchanged for a link while it is looked at, some ten thousand times.

use super::*;

/// Root calls one verb for as long as two names are exchanged so often.
macro_rules! race {
    ($user:literal, $tried:literal, $plant:literal, $names:literal, $count:literal, $verbs:literal, $heal:expr, $long:literal) => {
        Attempt {
            attacker: APP,
            user: $user,
            tried: $tried,
            plant: concat!(
                $plant,
                "; (exec /usr/local/lib/attack/swap /marks/swaps ",
                $names,
                ") >/dev/null 2>&1 &
                for i in $(seq 50); do test -s /marks/swaps && break; sleep 0.1; done"
            ),
            verbs: &["status"],
            holds: concat!(
                "turns=0; end=$(($(date +%s) + 60)); while test $turns -lt 12 || test $(cat /marks/swaps) -lt ",
                $count,
                "; do
                    for verb in ",
                $verbs,
                "; do /usr/local/lib/attack/ask 80 '' $verb; done
                    turns=$((turns + 1)); test $(date +%s) -lt $end || break; done
                 test $(cat /marks/swaps) -ge ",
                $count
            ),
            heal: concat!("pkill -f 'attack/[s]wap' || true; sleep 0.1; ", $heal),
            long: $long,
            ..NONE
        }
    };
}

/// The checkout is itself again, and its programs run from it.
macro_rules! checkout_is_back {
    () => {
        "cd /home/plugspace; if test -L plugspace; then rm plugspace; mv other plugspace; else rm other; fi
         runuser -u plugspace -- env HOME=/home/plugspace PM2_HOME=/home/plugspace/.pm2 pm2 -s restart all || true
         for i in $(seq 100); do /usr/local/lib/test-host/layout/ready >/dev/null 2>&1 && break; sleep 0.2; done
         /usr/local/lib/test-host/layout/ready"
    };
}

pub const PLUGSPACE: &[Attempt] = &[
    race!(
        "plugspace",
        "ten thousand times its log and a link to root's exchange names",
        "cd /var/log/pm2; cp -p api-out.log kept; ln -s /root/canary other",
        "/var/log/pm2/api-out.log /var/log/pm2/other",
        10000,
        "'logs plugspace-api -n 50' 'logs plugspace-api --since 1h'",
        "cd /var/log/pm2; rm -f other api-out.log; mv kept api-out.log",
        false
    ),
    race!(
        "plugspace",
        "ten thousand times its checkout and a link to a directory of root's exchange names",
        "cd; ln -s /root/keep other",
        "/home/plugspace/plugspace /home/plugspace/other",
        10000,
        "'verify' 'redeploy --dry-run' 'diagnose --bundle -' 'status'",
        checkout_is_back!(),
        true
    ),
    race!(
        "plugspace",
        "the checkout that is copied and restored exchanges names with a link to a directory of root's",
        "cd; ln -s /root/keep other",
        "/home/plugspace/plugspace /home/plugspace/other",
        10000,
        "'backup config --timeout 40s' 'restore config -y --settle 100ms' 'restore --forget-old -y' 'backup app --timeout 40s'",
        concat!(checkout_is_back!(), "; opsctl restore --forget-old -y >/dev/null 2>&1 || true"),
        true
    ),
];

pub const PRIM: &[Attempt] = &[
    race!(
        "prim", "a database that is copied exchanges names with a link to a database of root's and with a FIFO",
        "cd /opt/prim; cp faucet.db kept; ln -s /root/keep/root.db other", "/opt/prim/faucet.db /opt/prim/other", 10000,
        "'backup faucet --timeout 40s' 'status'",
        "cd /opt/prim; systemctl stop prim-faucet; rm -f faucet.db faucet.db-* other; mv kept faucet.db; systemctl start prim-faucet", false
    ),
    race!(
        "prim", "a database that is restored exchanges names with a link to a database of root's",
        "cd /opt/prim; cp faucet.db kept; ln -s /root/keep/root.db other", "/opt/prim/faucet.db /opt/prim/other", 10000,
        "'restore faucet -y --settle 100ms --timeout 40s' 'restore --forget-old -y'",
        "cd /opt/prim; systemctl stop prim-faucet; rm -f faucet.db faucet.db-* other; mv kept faucet.db; find . -maxdepth 1 -name '*opsctl*' -exec rm -rf {} +
         opsctl restore --forget-old -y >/dev/null 2>&1 || true; systemctl start prim-faucet", true
    ),
];
