//! fondation's failures, each at least once. Lines that only a real job writes are made by the real program where there is
//! one (git, Node, a shell, docker) and written to the worker's own output.

use super::{Fix, Injection, drive};
use crate::machine::Machine;

/// The container made anew, with what it said before left behind it.
const AGAIN: &str = "systemctl restart fondation-worker; sleep 2";

/// Shell lines in the worker's container whose output is the worker's.
macro_rules! says {
    ($line:literal) => {
        concat!("docker exec fondation-worker-1 sh -c '(", $line, ") >/proc/1/fd/1 2>&1 || true'; sleep 1")
    };
}

/// What is laid over the answer of /health.
macro_rules! health {
    ($json:literal) => {
        concat!("docker exec fondation-worker-1 sh -c 'echo \"", $json, "\" >/tmp/health.json'")
    };
}

/// The unit with another setting, started.
macro_rules! unit {
    ($lines:literal) => {
        concat!(
            "mkdir -p /run/systemd/system/fondation-worker.service.d; printf '[Service]\\n",
            $lines,
            "\\n' >/run/systemd/system/fondation-worker.service.d/x.conf; systemctl daemon-reload; \
             systemctl restart fondation-worker || true; sleep 3"
        )
    };
}

const UNIT_AGAIN: &str = "rm -r /run/systemd/system/fondation-worker.service.d; systemctl daemon-reload; \
                          systemctl reset-failed fondation-worker || true; systemctl restart fondation-worker; sleep 2";

/// .env with another CONVEX_URL, which the running worker does not see.
macro_rules! url {
    ($url:literal) => {
        concat!(
            "cp -p /srv/fondation/.env /root/env; sed -i 's#^CONVEX_URL=.*#CONVEX_URL=",
            $url,
            "#' /srv/fondation/.env"
        )
    };
}

const ENV_BACK: &str = "cp -p /root/env /srv/fondation/.env";

const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "worker-not-processing",
        what: "the worker's unit stopped",
        inject: "systemctl stop fondation-worker",
        heal: "systemctl start fondation-worker",
        code: "STOPPED",
        subject: "worker",
        decisive: "systemd: stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "worker-not-processing",
        what: "the docker engine and its socket stopped",
        inject: "systemctl stop docker.socket docker",
        heal: "systemctl start docker.socket docker; systemctl start fondation-worker",
        code: "DOCKER-DOWN",
        subject: "docker",
        decisive: "systemd: stopped",
        fix: Fix::Disruptive,
    },
    Injection {
        failure: "worker-not-processing",
        what: "the unit calls docker-compose, which is not installed",
        inject: concat!(
            "mv /usr/bin/docker-compose /root/; ",
            unit!("ExecStart=\\nExecStart=/usr/bin/docker-compose -f docker-compose.prod.yml up")
        ),
        heal: "mv /root/docker-compose /usr/bin/; rm -r /run/systemd/system/fondation-worker.service.d; systemctl daemon-reload; \
               systemctl reset-failed fondation-worker || true; systemctl restart fondation-worker; sleep 2",
        code: "COMPOSE-MISSING",
        subject: "worker",
        decisive: "/usr/bin/docker-compose does not exist",
        fix: Fix::Person,
    },
    Injection {
        failure: "worker-not-processing",
        what: "the unit pulls before it starts, from where its image is not",
        inject: unit!("ExecStartPre=/usr/bin/docker compose -f docker-compose.prod.yml pull"),
        heal: UNIT_AGAIN,
        code: "PULL-FAILED",
        subject: "worker",
        decisive: "registry-1.docker.io|pull access denied",
        fix: Fix::Person,
    },
    Injection {
        failure: "worker-not-processing",
        what: "the image pruned while the worker was stopped",
        inject: "systemctl stop fondation-worker; docker tag fondation-worker:latest kept:1; docker rmi fondation-worker:latest; \
                 systemctl start fondation-worker; sleep 4",
        heal: "docker tag kept:1 fondation-worker:latest; docker rmi kept:1; systemctl reset-failed fondation-worker || true; \
               systemctl start fondation-worker; sleep 2",
        code: "IMAGE-GONE",
        subject: "worker",
        decisive: "no such line",
        fix: Fix::Person,
    },
    Injection {
        failure: "worker-not-processing",
        what: "the worker's container paused",
        inject: "docker pause fondation-worker-1",
        heal: "docker unpause fondation-worker-1 || true",
        code: "CONTAINER-PAUSED",
        subject: "worker",
        decisive: "^paused$",
        fix: Fix::Offer,
    },
    Injection {
        failure: "worker-not-processing",
        what: ".env gone, the worker restarted",
        inject: "mv /srv/fondation/.env /root/env; systemctl restart fondation-worker || true; sleep 2",
        heal: "mv /root/env /srv/fondation/.env; systemctl reset-failed fondation-worker || true; systemctl restart \
               fondation-worker; sleep 2",
        code: "ENV-FILE-MISSING",
        subject: "worker",
        decisive: "/srv/fondation/.env does not exist",
        fix: Fix::Person,
    },
    Injection {
        failure: "worker-not-processing",
        what: "CONVEX_URL removed from .env, the worker restarted",
        inject: "cp -p /srv/fondation/.env /root/env; sed -i '/^CONVEX_URL=/d' /srv/fondation/.env; systemctl restart \
                 fondation-worker; sleep 3",
        heal: "cp -p /root/env /srv/fondation/.env; systemctl restart fondation-worker; sleep 2",
        code: "ENV-KEY-MISSING",
        subject: "worker",
        decisive: "lacks CONVEX_URL",
        fix: Fix::Person,
    },
    Injection {
        failure: "worker-not-processing",
        what: "/health says unhealthy with a full heap",
        inject: health!("{\\\"status\\\":\\\"unhealthy\\\",\\\"memory\\\":{\\\"percentUsed\\\":95}}"),
        heal: AGAIN,
        code: "HEAP-FULL",
        subject: "worker",
        decisive: "memory.percentUsed is 95",
        fix: Fix::Disruptive,
    },
    Injection {
        failure: "worker-not-processing",
        what: "/health says unhealthy with an empty heap",
        inject: health!("{\\\"status\\\":\\\"unhealthy\\\",\\\"memory\\\":{\\\"percentUsed\\\":20}}"),
        heal: AGAIN,
        code: "OVERLOADED",
        subject: "worker",
        decisive: "HTTP 503",
        fix: Fix::Restart,
    },
    Injection {
        failure: "convex-unreachable",
        what: "Convex does not answer",
        inject: "systemctl stop caddy",
        heal: "systemctl start caddy",
        code: "CONVEX-SILENT",
        subject: "convex",
        decisive: "connection refused",
        fix: Fix::Look,
    },
    Injection {
        failure: "convex-unreachable",
        what: "Convex's gateway answers 502",
        inject: "systemctl stop standin-convex",
        heal: "systemctl start standin-convex",
        code: "CONVEX-ERRORS",
        subject: "convex",
        decisive: "HTTP 502",
        fix: Fix::Look,
    },
    Injection {
        failure: "convex-unreachable",
        what: "CONVEX_URL names a deployment that does not exist",
        inject: url!("https://calm-fox-456.convex.cloud"),
        heal: ENV_BACK,
        code: "CONVEX-NAME",
        subject: "convex",
        decisive: "cannot be resolved|lookup",
        fix: Fix::Person,
    },
    Injection {
        failure: "convex-unreachable",
        what: "CONVEX_URL is that of the example file",
        inject: url!("https://your-deployment.convex.cloud"),
        heal: ENV_BACK,
        code: "URL-IS-EXAMPLE",
        subject: "worker",
        decisive: "CONVEX_URL in /srv/fondation/.env has the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "convex-unreachable",
        what: "CONVEX_URL with a password in it",
        inject: url!("https://user:hunter2@169.254.169.254/"),
        heal: ENV_BACK,
        code: "URL-MALFORMED",
        subject: "worker",
        decisive: "CONVEX_URL in /srv/fondation/.env does not have the form",
        fix: Fix::Person,
    },
    Injection {
        failure: "convex-unreachable",
        what: "ufw denies what goes out, by its files, and Convex is not reached",
        inject: "cp -a /etc/ufw/ufw.conf /root/uc; cp -a /etc/default/ufw /root/ud; \
                 sed -i 's/^ENABLED=.*/ENABLED=yes/' /etc/ufw/ufw.conf; \
                 sed -i 's/^DEFAULT_OUTPUT_POLICY=.*/DEFAULT_OUTPUT_POLICY=\"DROP\"/' /etc/default/ufw; systemctl stop caddy",
        heal: "cp -a /root/uc /etc/ufw/ufw.conf; cp -a /root/ud /etc/default/ufw; systemctl start caddy",
        code: "OUTBOUND-CLOSED",
        subject: "host",
        decisive: "DEFAULT_OUTPUT_POLICY=\"DROP\"",
        fix: Fix::Person,
    },
    Injection {
        failure: "convex-unreachable",
        what: "the host reaches Convex, the container does not",
        inject: "iptables -I INPUT -i br-+ -p tcp --dport 443 -j REJECT; sleep 6",
        heal: "iptables -D INPUT -i br-+ -p tcp --dport 443 -j REJECT",
        code: "CLAIM-FAILS",
        subject: "worker",
        decisive: "Error claiming job",
        fix: Fix::Restart,
    },
    Injection {
        failure: "disk-full",
        what: "the file system of /srv full",
        inject: "cp -a /srv /root/srv; mount -t tmpfs -o size=2m tmpfs /srv; cp -a /root/srv/. /srv/; \
                 head -c 3m /dev/zero >/srv/fill 2>/dev/null || true",
        heal: "umount -l /srv; rm -r /root/srv",
        code: "DISK-FULL",
        subject: "disk /srv",
        decisive: "/srv: 100% of",
        fix: Fix::Person,
    },
    Injection {
        failure: "disk-full",
        what: "a clone of three hours ago in the scratch volume",
        inject: "d=/var/lib/docker/volumes/fondation_worker-tmp/_data/job-old; mkdir $d; echo x >$d/file; touch -d '3 hours ago' $d",
        heal: "rm -rf /var/lib/docker/volumes/fondation_worker-tmp/_data/job-old",
        code: "SCRATCH-LEFT",
        subject: "host",
        decisive: "job-old",
        fix: Fix::Safe,
    },
    Injection {
        failure: "disk-full",
        what: "a job finds no space",
        inject: says!("cat /dev/zero >/dev/full"),
        heal: AGAIN,
        code: "JOBS-WITHOUT-SPACE",
        subject: "worker",
        decisive: "No space left on device",
        fix: Fix::Look,
    },
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
        failure: "jobs-stuck",
        what: "an active job, claimed ten minutes ago, without a heartbeat",
        inject: "docker exec fondation-worker-1 sh -c \
                 'echo \"{\\\"activeJobs\\\":1,\\\"lastJobTime\\\":$(( ($(date +%s) - 200) * 1000 ))}\" >/tmp/health.json'",
        heal: AGAIN,
        code: "NO-HEARTBEAT",
        subject: "worker",
        decisive: "lastJobTime was 3m",
        fix: Fix::Restart,
    },
    Injection {
        failure: "jobs-stuck",
        what: "an active job, claimed forty minutes ago, that makes progress",
        inject: concat!(
            "docker exec fondation-worker-1 sh -c \
             'echo \"{\\\"activeJobs\\\":1,\\\"lastJobTime\\\":$(( ($(date +%s) - 2400) * 1000 ))}\" >/tmp/health.json'; ",
            says!("echo \"Heartbeat for job 7\"; echo \"Step 3 of 7: analyzing\"")
        ),
        heal: AGAIN,
        code: "JOB-LONG",
        subject: "worker",
        decisive: "lastJobTime was 40m",
        fix: Fix::Restart,
    },
    Injection {
        failure: "jobs-stuck",
        what: "heartbeats fail",
        inject: says!("echo \"Heartbeat failed: lease lost\""),
        heal: AGAIN,
        code: "HEARTBEAT-FAILS",
        subject: "worker",
        decisive: "Heartbeat failed",
        fix: Fix::Person,
    },
    Injection {
        failure: "jobs-stuck",
        what: "an error that nobody catches ends a program",
        inject: says!(
            "node -e \"process.on(\\\"unhandledRejection\\\", (why) => { console.error(\\\"Unhandled Rejection:\\\", why); \
             process.exit(1); }); Promise.reject(7)\""
        ),
        heal: AGAIN,
        code: "LEASE-LOST",
        subject: "worker",
        decisive: "Unhandled Rejection: 7",
        fix: Fix::Person,
    },
    Injection {
        failure: "jobs-stuck",
        what: "the worker restarted while it works on a job of a minute",
        inject: "echo '[{\"_id\":\"j1\",\"status\":\"pending\",\"millis\":60000}]' >/etc/test-host/jobs.json; sleep 7; \
                 systemctl restart fondation-worker; sleep 2",
        heal: "rm -f /etc/test-host/jobs.json; journalctl --quiet --rotate; journalctl --quiet --vacuum-time=1s",
        code: "KILLED-AT-WORK",
        subject: "worker",
        decisive: "failed to exit within 10s of signal 15",
        fix: Fix::Person,
    },
    Injection {
        failure: "high-memory",
        what: "/health says degraded with a heap of 80 %",
        inject: health!("{\\\"status\\\":\\\"degraded\\\",\\\"memory\\\":{\\\"percentUsed\\\":80}}"),
        heal: AGAIN,
        code: "HEAP-HIGH",
        subject: "worker",
        decisive: "memory.percentUsed is 80",
        fix: Fix::Restart,
    },
    Injection {
        failure: "high-memory",
        what: "1.7 GB in use in the container",
        inject: "docker exec -d fondation-worker-1 node -e 'b=Buffer.alloc(1700e6,1);setTimeout(()=>{},90000)'; sleep 3",
        heal: AGAIN,
        code: "MEMORY-HIGH",
        subject: "worker",
        decisive: "the alarm is at 1.5 GiB",
        fix: Fix::Disruptive,
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
    Injection {
        failure: "image-tool-missing",
        what: "a shell does not find rg",
        inject: says!("rg x"),
        heal: AGAIN,
        code: "TOOL-MISSING",
        subject: "worker",
        decisive: "rg: not found",
        fix: Fix::Person,
    },
    Injection {
        failure: "image-esm-imports",
        what: "Node does not find ./config",
        inject: says!("echo \"import \\\"./config\\\";\" >/tmp/a.mjs; node /tmp/a.mjs"),
        heal: AGAIN,
        code: "IMPORTS-UNPATCHED",
        subject: "worker",
        decisive: "Cannot find module",
        fix: Fix::Person,
    },
    Injection {
        failure: "image-module-resolution",
        what: "Node does not find @anthropic-ai/claude-code",
        inject: says!("node -e \"require(\\\"@anthropic-ai/claude-code\\\")\""),
        heal: AGAIN,
        code: "MODULE-UNRESOLVED",
        subject: "worker",
        decisive: "Cannot find module .@anthropic-ai/claude-code",
        fix: Fix::Person,
    },
    Injection {
        failure: "image-no-artifacts",
        what: "a run leaves no artifacts",
        inject: says!("cat /app/packages/cli/prompts/a"),
        heal: AGAIN,
        code: "NO-ARTIFACTS",
        subject: "worker",
        decisive: "cli/prompts",
        fix: Fix::Person,
    },
    Injection {
        failure: "job-hangs-at-step-0",
        what: "docker called in the container",
        inject: says!("docker ps"),
        heal: AGAIN,
        code: "DOCKER-IN-DOCKER",
        subject: "worker",
        decisive: "Cannot connect to the Docker daemon",
        fix: Fix::Person,
    },
    Injection {
        failure: "job-hangs-at-step-0",
        what: "an active job with heartbeats and no progress",
        inject: concat!(
            "docker exec fondation-worker-1 sh -c \
             'echo \"{\\\"activeJobs\\\":1,\\\"lastJobTime\\\":$(( ($(date +%s) - 400) * 1000 ))}\" >/tmp/health.json'; ",
            says!("echo \"Heartbeat for job 7\"")
        ),
        heal: AGAIN,
        code: "NO-PROGRESS",
        subject: "worker",
        decisive: "Heartbeat for job 7",
        fix: Fix::Restart,
    },
    Injection {
        failure: "silent-success",
        what: "three jobs succeeded in 12 ms on average, says /metrics",
        inject: "docker exec fondation-worker-1 sh -c \
                 'echo \"{\\\"jobs_total\\\":3,\\\"jobs_succeeded_total\\\":3,\\\"jobs_duration_average_ms\\\":12}\" \
                 >/tmp/metrics.json'",
        heal: AGAIN,
        code: "SUCCEEDS-AT-ONCE",
        subject: "worker",
        decisive: "jobs_succeeded_total is 3",
        fix: Fix::Person,
    },
    Injection {
        failure: "high-error-rate",
        what: "eight of twelve jobs failed",
        inject: "docker exec fondation-worker-1 sh -c \
                 'echo \"{\\\"jobs_total\\\":12,\\\"jobs_failed_total\\\":8,\\\"jobs_succeeded_total\\\":4}\" >/tmp/metrics.json'",
        heal: AGAIN,
        code: "JOBS-FAIL",
        subject: "worker",
        decisive: "jobs_failed_total is 8, jobs_total is 12",
        fix: Fix::Look,
    },
    Injection {
        failure: "slow-processing",
        what: "jobs of eleven minutes on average",
        inject: "docker exec fondation-worker-1 sh -c 'echo \"{\\\"jobs_duration_average_ms\\\":660000}\" >/tmp/metrics.json'",
        heal: AGAIN,
        code: "JOBS-SLOW",
        subject: "worker",
        decisive: "jobs_duration_average_ms is 660000",
        fix: Fix::Look,
    },
    Injection {
        failure: "disk-full",
        what: "two at once: the file system of /srv full, and Convex does not answer",
        inject: "cp -a /srv /root/srv; mount -t tmpfs -o size=2m tmpfs /srv; cp -a /root/srv/. /srv/; \
                 head -c 3m /dev/zero >/srv/fill 2>/dev/null || true; systemctl stop caddy",
        heal: "umount -l /srv; rm -r /root/srv; systemctl start caddy",
        code: "DISK-FULL",
        subject: "disk /srv",
        decisive: "/srv: 100% of",
        fix: Fix::Person,
    },
    backups!(overdue, "fondation", "credentials"),
    backups!(failed, "fondation", "credentials"),
];

const NOT_HERE: &[(&str, &str)] = &[
    ("leases and the length of the queue", "only Convex knows them; what the worker says of its jobs stands for them"),
    (
        "CONTAINER-PAUSED mended",
        "docker's own check takes up to 30 s more to say healthy again, and so the fix says unchanged",
    ),
    ("a login that Anthropic refuses", "the stand-in for its CLI says what the real one does"),
    (
        "OUT-OF-MEMORY, OOM-KILLS, CLOCK-ADRIFT",
        "docker starts it again at once; kernel log and clock are the machine's; driven in ring 1",
    ),
    ("CONTAINER-LOOPS, CONTAINER-DOWN", "what ends here ends for a reason that comes first; driven in ring 1"),
];

#[test]
fn fondation_failures_are_told_apart() {
    let machine = Machine::boot_as("fondation", "it-fondation-diagnose");
    drive(&machine, "fondation", INJECTIONS, NOT_HERE);
}
