//! plugspace: six applications under a real pm2, nginx, Redis; MongoDB is a stand-in that speaks its protocol.

use crate::faults::{Fault, drive};
use crate::machine::Machine;

/// pm2 as the user who owns the daemon.
macro_rules! pm2 {
    ($command:literal) => {
        concat!(
            "cd / && setpriv --reuid=plugspace --regid=plugspace --init-groups env -i PATH=/usr/local/bin:/usr/bin:/bin ",
            "HOME=/home/plugspace PM2_HOME=/home/plugspace/.pm2 pm2 --silent ",
            $command
        )
    };
}

const FAULTS: &[Fault] = &[
    Fault { name: "api-stopped", inject: pm2!("stop plugspace-api"), heal: pm2!("restart plugspace-api") },
    Fault {
        name: "d1-daemon-gone",
        // Stopped by its unit, which would start it again if it were killed.
        inject: "systemctl stop pm2-plugspace; pkill -9 -u plugspace || true",
        heal: "systemctl restart pm2-plugspace",
    },
    Fault {
        name: "a1-pm2-missing",
        inject: "mv /usr/local/bin/pm2 /root/pm2",
        heal: "mv /root/pm2 /usr/local/bin/pm2",
    },
    Fault { name: "redis-down", inject: "systemctl stop redis-server", heal: "systemctl start redis-server" },
    Fault { name: "mongodb-down", inject: "systemctl stop mongod", heal: "systemctl start mongod" },
    Fault {
        name: "a3-mongodb-hangs",
        inject: "kill -STOP $(systemctl show -P MainPID mongod)",
        heal: "kill -CONT $(systemctl show -P MainPID mongod)",
    },
    Fault { name: "nginx-down", inject: "systemctl stop nginx", heal: "systemctl start nginx" },
    Fault { name: "voice-stopped", inject: pm2!("stop plugspace-voice"), heal: pm2!("restart plugspace-voice") },
    Fault {
        name: "d4-admin-deleted",
        inject: pm2!("delete plugspace-admin"),
        heal: pm2!("start /home/plugspace/plugspace/ecosystem.config.js --only plugspace-admin"),
    },
    Fault {
        name: "redis-password-unknown",
        inject: "mv /root/.plugspace/redis-credentials.txt /root/",
        heal: "mv /root/redis-credentials.txt /root/.plugspace/",
    },
];

#[test]
fn plugspace() {
    let machine = Machine::boot("plugspace");
    drive(&machine, "plugspace", FAULTS);

    // D1: where no daemon runs, looking starts none, as root or as its owner.
    machine.sh(concat!("systemctl stop pm2-plugspace || true; ", pm2!("kill"), "; pkill -9 -u plugspace || true"));
    for run in [machine.run(&["opsctl", "status", "-o", "json"]), machine.run_as("plugspace", &["opsctl", "status"])] {
        assert_eq!(run.code, 3, "{run:#?}");
    }
    assert_eq!(machine.run(&["pgrep", "-u", "plugspace"]).stdout, "");
    assert_eq!(machine.run(&["pgrep", "-f", "God Daemon"]).stdout, "");
}
