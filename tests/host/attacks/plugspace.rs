//! plugspace: its services belong to a user with a home, a checkout, a pm2 daemon and a log directory of their own.

use super::*;

const ATTEMPTS: &[Attempt] = &[
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "its log is a link to a file of root's",
        plant: "cd /var/log/pm2; mv api-out.log kept; ln -s /root/canary api-out.log",
        verbs: &["logs plugspace-api -n 50", "logs --all -n 50", "status", "diagnose", "diagnose --bundle -", "verify"],
        says: "is a symbolic link in a directory that users other than root can change",
        heal: "cd /var/log/pm2; mv kept api-out.log",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "its log is a link to /etc/shadow, to the environment of PID 1 and to opsctl's own",
        plant: "cd /var/log/pm2; for name in api-out api-error worker-out; do mv $name.log $name.kept; done
                ln -s /etc/shadow api-out.log; ln -s /proc/1/environ api-error.log; ln -s /proc/self/environ worker-out.log",
        verbs: &["logs plugspace-api plugspace-worker -n 50", "logs --all -n 50", "diagnose --bundle -"],
        says: "is a symbolic link",
        heal: "cd /var/log/pm2; for name in api-out api-error worker-out; do mv $name.kept $name.log; done",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "rotated copies of its log, packed and not, are links to files of root's",
        plant: "cd /var/log/pm2; ln -s /root/canary api-out__2026-01-01_00-00-00.log; ln -s /root/canary api-out.log.1
                ln -s /root/canary api-out.log.2.gz; ln -s /etc/shadow api-error.log.1",
        verbs: &["logs plugspace-api -n 100000", "logs plugspace-api --since 3000d"],
        says: "",
        heal: "cd /var/log/pm2; rm -f api-out__2026-01-01_00-00-00.log api-out.log.1 api-out.log.2.gz api-error.log.1",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "FIFOs in place of its log, env file and pm2's pid file",
        plant: "cd /var/log/pm2; mv api-out.log kept; mkfifo api-out.log
                cd ~plugspace/plugspace; mv .env .env.kept; mkfifo .env; cd ~plugspace/.pm2; mv pm2.pid pid.kept; mkfifo pm2.pid",
        verbs: &[
            "status",
            "diagnose",
            "verify",
            "logs plugspace-api -n 50",
            "diagnose --bundle -",
            "restart plugspace-api --dry-run",
            "redeploy --dry-run",
        ],
        says: "is a FIFO, not a regular file",
        heal: "cd /var/log/pm2; mv kept api-out.log
               cd ~plugspace/plugspace; mv .env.kept .env; cd ~plugspace/.pm2; mv pid.kept pm2.pid",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "its log and env file are files of a terabyte without content",
        plant: "cd /var/log/pm2; mv api-out.log kept; truncate -s 1T api-out.log
                cd ~plugspace/plugspace; cp -a .env .env.kept; truncate -s 1T .env",
        verbs: &["status", "verify", "logs plugspace-api -n 5 --timeout 10s", "diagnose --timeout 20s"],
        says: "",
        heal: "cd /var/log/pm2; mv kept api-out.log; cd ~plugspace/plugspace; mv .env.kept .env",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "its env file is a link to one of root's",
        plant: "cd ~plugspace/plugspace; mv .env .env.kept; ln -s /root/keep/.env .env",
        verbs: &["status", "verify", "diagnose", "diagnose --bundle -", "restart plugspace-api --dry-run"],
        says: "is a symbolic link",
        heal: "cd ~plugspace/plugspace; mv .env.kept .env",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "root",
        tried: "its env file is another name of a file of root's (as where the kernel allows such links)",
        plant: "cd /home/plugspace/plugspace; mv .env .env.kept; cp /root/keep/.env /home/root.env; chmod 600 /home/root.env
                ln /home/root.env .env",
        verbs: &["status", "verify", "diagnose --bundle -", "logs plugspace-api -n 5"],
        says: "who owns its directory, cannot read it",
        heal: "cd /home/plugspace/plugspace; mv .env.kept .env; rm -f /home/root.env",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "pm2's directory is a link to one of root's",
        plant: "cd; mv .pm2 .pm2.kept; ln -s /root .pm2",
        verbs: &["status", "diagnose", "logs plugspace-api -n 5", "restart plugspace-api --dry-run"],
        says: "",
        heal: "cd ~plugspace; rm .pm2; mv .pm2.kept .pm2",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "its checkout is a link to a directory of root's",
        plant: "cd; mv plugspace kept; ln -s /root/keep plugspace",
        verbs: &[
            "status",
            "verify",
            "redeploy --dry-run",
            "rollback --list",
            "backup config --dry-run",
            "restore config --dry-run",
            "diagnose --bundle -",
        ],
        says: "is a symbolic link",
        heal: "cd ~plugspace; rm plugspace; mv kept plugspace",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "terminal sequences, forged lines and right-to-left marks in its log",
        plant: "printf '\\033]52;c;ZXZpbA==\\007\\033[2J\\033[31mPASS\\r\\nnginx | forged\\n\\302\\233 \\342\\200\\256evil\\n' >> /var/log/pm2/api-out.log",
        verbs: &["logs plugspace-api -n 5", "diagnose", "diagnose --bundle -"],
        says: "forged",
        heal: "sed -i '$d' /var/log/pm2/api-out.log; sed -i '$d' /var/log/pm2/api-out.log; sed -i '$d' /var/log/pm2/api-out.log",
        ..NONE
    },
    Attempt {
        attacker: APP,
        user: "plugspace",
        tried: "its repository names programs for hooks, filters, monitors, credentials, signatures and transports",
        plant: "cd ~plugspace/plugspace; cp -a .git ../git.kept
                printf '#!/bin/sh\\nid -u >> /marks/git; cat\\n' > ../evil; chmod 755 ../evil; evil=/home/plugspace/evil
                for key in core.fsmonitor core.sshCommand core.gitProxy core.askPass core.pager core.editor credential.helper \
                    filter.x.clean filter.x.smudge filter.x.process diff.external diff.x.textconv gpg.program \
                    remote.origin.uploadpack remote.origin.vcs core.alternateRefsCommand; do git config $key $evil; done
                git config log.showSignature true; git config protocol.ext.allow always
                for hook in pre-commit post-index-change reference-transaction post-checkout fsmonitor-watchman; do
                    cp $evil .git/hooks/$hook; done
                mkdir -p .git/info; echo '* filter=x diff=x' > .git/info/attributes; for file in *; do touch $file; done",
        verbs: &["status", "verify", "redeploy --dry-run", "rollback --list", "diagnose"],
        says: "",
        holds: "test ! -e /marks/git",
        heal: "cd /home/plugspace/plugspace; rm -rf .git; mv ../git.kept .git; rm ../evil",
        ..NONE
    },
];

/// A remote with a server of its own, and copies that were truly made.
const REMOTE: &str = "
    for d in /etc/nginx /etc/redis /etc/letsencrypt; do cp -a $d $d.own; rm -r $d; mv $d.own $d; done
    install -d -m 700 /etc/opsctl; test -e /etc/opsctl/backup.key || age-keygen -o /etc/opsctl/backup.key 2>/dev/null
    opsctl backup config app redis >/dev/null";

pub fn attempts() -> Vec<Row> {
    let machine = Machine::boot_as("plugspace", "it-security-plugspace");
    arm(&machine, "plugspace");
    crate::backup::remote(&machine, "remote", "plugspace-backups");
    machine.sh(REMOTE);
    let mut rows = try_all(&machine, ATTEMPTS);
    rows.extend(try_all(&machine, links::PLUGSPACE));
    rows.extend(try_all(&machine, repository::PLUGSPACE));
    rows.extend(try_all(&machine, databases::PLUGSPACE));
    rows.extend(try_all(&machine, races::PLUGSPACE));
    rows.extend(try_all(&machine, login::PLUGSPACE));
    if is_wanted("over ssh -tt", false) {
        rows.extend(terminal::attempts(&machine));
    }
    rows.extend(anybody::attempts(&machine));
    rows
}
