//! Root's terminal, over a real `ssh -tt` with a shell that reads what is pushed into it: programs that run as the application's
//! user reach for it (`tools/payload`).

use super::*;

/// What root's ssh needs, and what the user plants: Node loads the modules, where it finds them, into every pm2 and npm client.
const PLANT: &str = r#"
    mkdir -p /root/.ssh /run/sshd; chmod 700 /root/.ssh
    test -e /root/.ssh/id_ed25519 || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
    cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys; chmod 600 /root/.ssh/authorized_keys
    # The deployment's own takes no root: another, as most hosts have it.
    systemd-run --quiet --unit=sshd-attack /usr/sbin/sshd -D -f /dev/null -p 2022 -h /etc/ssh/ssh_host_ed25519_key -o PermitRootLogin=prohibit-password
    for i in $(seq 100); do ssh -p2022 -oBatchMode=yes -oStrictHostKeyChecking=no root@127.0.0.1 true 2>/dev/null && break; sleep 0.1; done
    cd /home/plugspace; cp -a plugspace/.git git.kept
    for module in bufferutil utf-8-validate supports-color encoding; do for dir in .node_modules .node_libraries .pm2/node_modules node_modules; do
        mkdir -p $dir/$module
        echo "require('child_process').spawnSync('/usr/local/lib/attack/payload', ['node'], { stdio: 'inherit' }); module.exports = {}" > $dir/$module/index.js
    done; done
    printf '#!/bin/sh\n/usr/local/lib/attack/payload npm\nexec /bin/sh "$@"\n' > shell; chmod 755 shell
    printf 'script-shell=/home/plugspace/shell\nnode-options=--require /home/plugspace/node_modules/bufferutil\ngit=/usr/local/lib/attack/payload\n' > .npmrc
    printf '/usr/local/lib/attack/payload profile\n' | tee .profile .bashrc .bash_profile .bash_login .kshrc >/dev/null
    chown -R plugspace: .node_* node_modules .pm2/node_modules shell .npmrc .profile .bashrc .bash_profile .bash_login .kshrc git.kept
    runuser -u plugspace -- sh -ec 'cd ~/plugspace; evil=/usr/local/lib/attack/payload
        for key in core.fsmonitor core.pager credential.helper filter.x.clean filter.x.smudge diff.external gpg.program; do git config $key $evil; done
        for hook in post-checkout post-index-change reference-transaction post-merge pre-auto-gc; do cp $evil .git/hooks/$hook; done
        echo "* filter=x" > .git/info/attributes; for file in *; do touch $file; done'
    # Something to follow, whatever was tried before.
    runuser -u plugspace -- sh -c 'echo "a line of the service" >> /var/log/pm2/api-out.log'
    rm -f /marks/ran
"#;

const HEAL: &str = "systemctl stop sshd-attack; cd /home/plugspace; rm -rf .node_* node_modules .pm2/node_modules shell .npmrc .profile .bashrc .bash_profile .bash_login .kshrc
    rm -rf plugspace/.git; mv git.kept plugspace/.git; rm -rf /marks/*";

const TIOCSTI: &str = "/proc/sys/dev/tty/legacy_tiocsti";

pub fn attempts(machine: &Machine) -> Vec<Row> {
    machine.sh(PLANT);
    let on_terminal = |line: &str| {
        let ran = machine.run(&["/usr/local/lib/attack/terminal", "100", line]);
        let marks = machine.sh("cat /marks/ran 2>/dev/null || true; ls /marks; rm -rf /marks/*");
        (ran, marks)
    };
    let before = roots_files(machine);
    // By hand, below the same terminal, what is planted does all that it must never do.
    let (_, marks) = on_terminal("runuser -u plugspace -- /usr/local/lib/attack/payload control");
    assert!(marks.contains("control uid=") && marks.contains("OPENED:/dev/tty"), "the control shows nothing: {marks}");
    let is_pushed = machine.sh(&format!("cat {TIOCSTI} 2>/dev/null || echo 1")).trim() == "1";
    assert_eq!(marks.contains("by-0"), is_pushed, "what is pushed is run by root: {marks}");
    // (verb, whether it runs programs of the user on purpose)
    let verbs = [
        ("status", false),
        ("status -o json", false),
        ("diagnose", false),
        ("diagnose --bundle /root/bundle.tar", false),
        ("verify", false),
        ("logs plugspace-api -n 3", false),
        ("timeout -s INT 10 opsctl logs -f plugspace-api", false),
        ("redeploy --dry-run", false),
        ("rollback --list", false),
        ("restart plugspace-worker -y --settle 300ms", false),
        ("maintenance status", false),
        ("backup config -y", false),
        ("history", false),
        ("lock status", false),
        ("get services", false),
        ("explain nginx", false),
        ("run reboot --dry-run", false),
        ("restart plugspace-worker --settle 300ms", false),
        ("redeploy -y --old-backup --settle 300ms", true),
    ];
    let mut breaches = Vec::new();
    for (verb, is_code_of_theirs) in verbs {
        let line = match verb.starts_with("timeout") {
            true => verb.to_owned(),
            false => format!("timeout 90 opsctl --color never {verb}"),
        };
        // A question is answered by nobody.
        let line = if verb.contains("restart") && !verb.contains("-y") { format!("{line} <<< n") } else { line };
        let (ran, marks) = on_terminal(&line);
        let shown = ran.stdout.replace("\x1b[?2004h", "").replace("\x1b[?2004l", "");
        let mut problem = String::new();
        if ran.code != 0 {
            let _ = write!(problem, "the session ends with {}", ran.code);
        }
        if shown.contains("]0;evil") || shown.contains(CANARY) || shown.contains("touch /marks") {
            let _ = write!(problem, "it reaches the terminal: {shown:?}");
        }
        if marks.contains("by-")
            || ["OPENED", "TERMINAL", "LEAKED", "SECRET", "uid=0"].iter().any(|word| marks.contains(word))
        {
            let _ = write!(problem, "what is planted got: {marks}");
        }
        if !is_code_of_theirs && marks.contains("uid=") {
            let _ = write!(problem, "what is planted was run: {marks}");
        }
        if shown.contains("opsctl has a bug") || shown.contains("panicked") || shown.lines().count() < 3 {
            let _ = write!(problem, "no answer: {shown:?}");
        }
        if !problem.is_empty() {
            eprintln!("BREACH: terminal: {verb}: {problem}");
            breaches.push(format!("{verb}: {problem}"));
        }
    }
    machine.sh(HEAL);
    machine.sh("rm -f /root/bundle.tar");
    if roots_files(machine) != before {
        breaches.push("what is root's changed".to_owned());
    }
    let outcome = match breaches.first() {
        None => format!(
            "{HELD}; none was run by a call that only looks, none found a terminal in one that builds (by hand each opens it)"
        ),
        Some(breach) => format!("BREACH: {}", breach.lines().next().unwrap_or_default()),
    };
    vec![Row {
        attacker: APP,
        verb: "status, diagnose, verify, logs, redeploy, rollback, restart, maintenance, backup, history, lock, get, explain, run"
            .to_owned(),
        tried: "over ssh -tt: modules of Node, settings of npm and git, hooks, filters and profiles in its home open the \
                terminal, write to it, and push a command for root's shell"
            .to_owned(),
        outcome,
    }]
}
