//! Logins and clones that fail.

use super::AGAIN;
use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "claude-auth-failed",
        what: "no credentials file",
        inject: "mv /srv/claude-creds/.credentials.json /root/login",
        heal: "mv /root/login /srv/claude-creds/.credentials.json",
        code: "LOGIN-MISSING",
        subject: "worker",
        decisive: "/srv/claude-creds/.credentials.json does not exist",
        fix: Fix::Person,
    },
    Injection {
        failure: "claude-auth-failed",
        what: "the login given to the host's user, as auth-claude.sh does",
        inject: "chown -R ubuntu /srv/claude-creds",
        heal: "chown -R 1001:1001 /srv/claude-creds",
        code: "LOGIN-UNREADABLE",
        subject: "worker",
        decisive: "belongs to 1000:",
        fix: Fix::Safe,
    },
    Injection {
        failure: "claude-auth-failed",
        what: "the login is refused",
        inject: concat!(
            "cp -p /srv/claude-creds/.credentials.json /root/login; echo '{}' >/srv/claude-creds/.credentials.json; ",
            says!("claude -p x")
        ),
        heal: "cp -p /root/login /srv/claude-creds/.credentials.json; systemctl restart fondation-worker; sleep 2",
        code: "LOGIN-REFUSED",
        subject: "worker",
        decisive: "API Error: 401 Invalid API key",
        fix: Fix::Person,
    },
    Injection {
        failure: "clone-failed",
        what: "git cannot resolve github.com",
        inject: says!("git clone https://github.com/octocat/Hello-World.git /tmp/clone"),
        heal: AGAIN,
        code: "CLONE-NETWORK",
        subject: "worker",
        decisive: "unable to access .https://github.com",
        fix: Fix::Look,
    },
    Injection {
        failure: "clone-failed",
        what: "GitHub does not know the repository",
        inject: says!("echo \"remote: Repository not found.\""),
        heal: AGAIN,
        code: "CLONE-REFUSED",
        subject: "worker",
        decisive: "Repository not found",
        fix: Fix::Look,
    },
    Injection {
        failure: "clone-failed",
        what: "git does not find the branch",
        inject: says!("git init -q /tmp/origin; git clone -q --branch=trunk /tmp/origin /tmp/clone"),
        heal: AGAIN,
        code: "CLONE-BRANCH",
        subject: "worker",
        decisive: "Remote branch trunk not found",
        fix: Fix::Person,
    },
];
