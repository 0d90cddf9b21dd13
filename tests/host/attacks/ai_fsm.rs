//! ai-fsm: an operator's account owns the checkout, the compose files and the logs of cron.

use super::*;

const ATTEMPTS: &[Attempt] = &[
    Attempt {
        attacker: APP,
        user: "pi",
        tried: "logs of its cron jobs are links to files of root's",
        plant: "cd ~pi/logs; touch backup.log healthcheck.log; mv backup.log b.kept; mv healthcheck.log h.kept
                ln -s /root/canary backup.log; ln -s /etc/shadow healthcheck.log",
        verbs: &["logs --all -n 50", "logs --source backup -n 50", "diagnose", "diagnose --bundle -", "status"],
        says: "",
        heal: "cd ~pi/logs; mv b.kept backup.log; mv h.kept healthcheck.log",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "pi",
        tried: "its directory of logs is a link to one of root's",
        plant: "cd; mv logs kept; ln -s /root/keep logs; ",
        verbs: &["logs --all -n 50", "diagnose --bundle -"],
        says: "",
        heal: "cd ~pi; rm logs; mv kept logs",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "pi",
        tried: "its env file is a link to one of root's",
        plant: "cd ~pi/ai-fsm; mv .env kept; ln -s /root/keep/.env .env",
        verbs: &["status", "verify", "diagnose", "backup --dry-run", "redeploy --dry-run", "diagnose --bundle -"],
        says: "is a symbolic link",
        heal: "cd ~pi/ai-fsm; rm .env; mv kept .env",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "pi",
        tried: "git's records of its checkout are FIFOs",
        plant: "cd ~pi/ai-fsm; cp -a .git ../git.kept; rm -f .git/HEAD .git/index .git/logs/HEAD; mkfifo .git/HEAD .git/index .git/logs/HEAD",
        verbs: &["status", "verify", "redeploy --dry-run", "rollback --list", "backup --dry-run"],
        says: "",
        heal: "cd ~pi/ai-fsm; rm -rf .git; mv ../git.kept .git",
        ..NONE
    },
];

pub fn attempts() -> Vec<Row> {
    let machine = Machine::boot_as("ai-fsm", "it-security-ai-fsm");
    arm(&machine, "ai-fsm");
    crate::backup::remote(&machine, "remote", "ai-fsm-backups");
    machine.sh(
        "install -d -m 700 /etc/opsctl; age-keygen -o /etc/opsctl/backup.key 2>/dev/null; opsctl backup >/dev/null",
    );
    let mut rows = try_all(&machine, ATTEMPTS);
    rows.extend(try_all(&machine, links::AI_FSM));
    rows.extend(try_all(&machine, containers::AI_FSM));
    rows
}
