//! What the owner of a checkout, and the remote that it comes from, can make root's calls meet.

use super::*;

/// How a checkout is put back.
macro_rules! checkout {
    ($tried:literal, $plant:literal, $verbs:expr, $says:literal, $long:literal) => {
        Attempt {
            attacker: APP,
            user: "plugspace",
            tried: $tried,
            plant: concat!("cd ~/plugspace; cp -a .git ../git.kept; evil=/usr/local/lib/attack/payload; ", $plant),
            verbs: $verbs,
            says: $says,
            holds: "test ! -e /marks/ran",
            heal: "rm -rf /home/plugspace/plugspace/.git /home/plugspace/.gitconfig /home/plugspace/.config/git; mv /home/plugspace/git.kept /home/plugspace/plugspace/.git
                   cd /home/plugspace/plugspace; rm -f .gitattributes .gitmodules; runuser -u plugspace -- git checkout -q . 2>/dev/null || true",
            long: $long,
            ..NONE
        }
    };
}

const READS: &[&str] = &[
    "status",
    "verify",
    "redeploy --dry-run --timeout 30s",
    "rollback --list --timeout 30s",
    "diagnose",
    "rollback --dry-run --timeout 30s",
];

pub const PLUGSPACE: &[Attempt] = &[
    checkout!(
        "the settings of its home and checkout name programs by inclusion, by condition, by command line and by environment",
        "for key in core.fsmonitor core.sshCommand core.askPass core.pager credential.helper filter.x.clean filter.x.smudge filter.x.process diff.external gpg.program \
            core.editor sequence.editor uploadpack.packObjectsHook remote.origin.uploadpack core.gitProxy core.alternateRefsCommand trailer.x.command maintenance.auto; do
            git config --file ~/evil.conf $key $evil; done; git config include.path ~/evil.conf; git config --global include.path ~/evil.conf
         git config --global includeIf.gitdir:/.path ~/evil.conf; git config --global core.attributesFile ~/attributes; echo '* filter=x' > ~/attributes
         mkdir -p ~/hooks; for hook in post-checkout post-index-change reference-transaction post-merge pre-auto-gc fsmonitor-watchman; do cp $evil ~/hooks/$hook; done
         git config --global core.hooksPath ~/hooks; git config --global init.templateDir ~/hooks; for file in *; do touch $file; done; sleep 0.1",
        READS, "", false
    ),
    checkout!(
        "its remote is a program: ext::, a helper of its own, a proxy, a rewritten address",
        "git config protocol.ext.allow always; git config protocol.allow always; git config remote.origin.url \"ext::$evil %S\"
         git config url.ext::$evil.insteadOf /srv; git config remote.origin.vcs evil; git config remote.origin.proxy $evil",
        READS, "", false
    ),
    checkout!(
        "its remote's address is an option of ssh, and one of git",
        "git config remote.origin.url 'ssh://-oProxyCommand=/usr/local/lib/attack/payload/x'; git config remote.origin.uploadpack $evil",
        READS, "", true
    ),
    checkout!(
        "its submodules have settings, filters and monitors of their own",
        "mkdir -p sub; (cd sub; git init -q; git -c user.name=a -c user.email=a commit -q --allow-empty -m a; git config core.fsmonitor $evil; git config filter.x.clean $evil
            echo '* filter=x' > .git/info/attributes; touch f; git add f 2>/dev/null || true) ; rm -f /marks/ran
         printf '[submodule \"sub\"]\\n path = sub\\n url = ext::%s\\n update = !%s\\n' $evil $evil > .gitmodules; git config submodule.sub.url ext::$evil; git config submodule.recurse true
         git update-index --add --cacheinfo 160000,$(git -C sub rev-parse HEAD),sub; rm -f /marks/ran",
        READS, "", true
    ),
    checkout!(
        "its .git is a file that leads to a directory of root's",
        "mkdir -p /tmp/bare; mv .git ../git.other; printf 'gitdir: /root/keep\\n' > .git; rm -rf ../git.other /tmp/bare",
        READS, "", false
    ),
    checkout!(
        "HEAD, index, references and configuration are FIFOs, links to root's and terabytes",
        "rm -f .git/index .git/packed-refs .git/config .git/FETCH_HEAD; mkfifo .git/packed-refs .git/config .git/FETCH_HEAD; truncate -s 1T .git/index
         ln -sf /root/canary .git/HEAD; mkdir -p .git/objects/info; rm -f .git/objects/info/alternates; mkfifo .git/objects/info/alternates; mkfifo .git/info/attributes 2>/dev/null || true",
        READS, "", false
    ),
    checkout!(
        "alternates of its objects and worktree are root's",
        "mkdir -p .git/objects/info; echo /root/keep > .git/objects/info/alternates; git config core.excludesFile /root/canary; git config core.attributesFile /root/canary; printf '[core]\n worktree = /root/keep\n' >> .git/config",
        READS, "", true
    ),
    Attempt {
        attacker: SERVER,
        user: "plugspace",
        tried: "the remote's newest commit has terminal sequences and forged lines for its subject, author and branches",
        plant: "rm -rf /tmp/clone; git clone -q /srv/origin/plugspace.git /tmp/clone; cd /tmp/clone; git config user.name \"$(printf 'x\\033]0;evil\\007')\"; git config user.email \"$(printf 'a\\302\\2332J@b')\"
                cp /srv/origin/plugspace.git/refs/heads/main ~/main.kept 2>/dev/null || git rev-parse HEAD > ~/main.kept
                git commit -q --allow-empty -m \"$(printf 'evil \\033]52;c;ZXZpbA==\\007\\r\\342\\200\\256pass  disk  PASS forged')\"; git push -q --force origin HEAD:main HEAD:\"refs/heads/$(printf 'x\\342\\200\\256evil')\"",
        verbs: &["redeploy --dry-run", "redeploy --dry-run -o json", "rollback --list", "verify", "diagnose", "redeploy --dry-run --old-backup"],
        heal: "git -c safe.directory='*' -C /srv/origin/plugspace.git update-ref refs/heads/main $(cat /home/plugspace/main.kept); git -c safe.directory='*' -C /srv/origin/plugspace.git for-each-ref --format='delete %(refname)' 'refs/heads/x*' | \
               git -c safe.directory='*' -C /srv/origin/plugspace.git update-ref --stdin; chown -R plugspace: /srv/origin/plugspace.git; rm -rf /tmp/clone /home/plugspace/main.kept",
        ..NONE
    },
    Attempt {
        attacker: SERVER,
        user: "plugspace",
        tried: "the remote is a server that accepts nobody, says nothing, drips, or sends references without end",
        plant: "cd ~/plugspace; cp -a .git ../git.kept; git config remote.origin.url http://127.0.0.1:9999/x.git",
        verbs: &["redeploy --dry-run --timeout 10s"],
        holds: "for mode in mute drip full body-without-end head-without-end away file; do
                    systemctl stop evil 2>/dev/null || true; systemctl reset-failed evil 2>/dev/null || true
                    systemd-run --quiet --unit=evil /usr/local/lib/attack/server 9999 $mode; sleep 0.4
                    /usr/local/lib/attack/ask 40 '' redeploy --dry-run --timeout 8s
                done; /usr/local/lib/attack/ask 60 nginx status",
        heal: "systemctl stop evil 2>/dev/null || true; systemctl reset-failed evil 2>/dev/null || true; rm -rf /home/plugspace/plugspace/.git; mv /home/plugspace/git.kept /home/plugspace/plugspace/.git",
        long: true,
        ..NONE
    },
    Attempt {
        attacker: SERVER,
        user: "plugspace",
        tried: "the remote's newest version has links to root's files where opsctl and its tools read and write",
        plant: "rm -rf /tmp/clone; git clone -q /srv/origin/plugspace.git /tmp/clone; cd /tmp/clone; git config user.name a; git config user.email a@b; git rev-parse HEAD > ~/main.kept
                for name in ecosystem.config.js package.json; do rm -f $name; ln -s /root/keep/$name $name; done; ln -sf /etc/shadow .env; git add -f -A; git commit -q -m evil; git push -q --force origin HEAD:main; cp -a ~/plugspace/.env ~/env.kept",
        verbs: &["redeploy --dry-run --old-backup", "redeploy -y --old-backup --timeout 60s", "status", "verify", "rollback -y --timeout 60s", "diagnose"],
        heal: "git -c safe.directory='*' -C /srv/origin/plugspace.git update-ref refs/heads/main $(cat /home/plugspace/main.kept); chown -R plugspace: /srv/origin/plugspace.git
               cd /home/plugspace/plugspace; runuser -u plugspace -- git fetch -q origin; runuser -u plugspace -- git reset -q --hard origin/main; rm -rf /tmp/clone /home/plugspace/main.kept; mv ../env.kept .env
               runuser -u plugspace -- env HOME=/home/plugspace PM2_HOME=/home/plugspace/.pm2 pm2 -s restart all >/dev/null
               for i in $(seq 100); do /usr/local/lib/test-host/layout/ready >/dev/null 2>&1 && break; sleep 0.2; done; /usr/local/lib/test-host/layout/ready",
        long: true,
        ..NONE
    },
];
