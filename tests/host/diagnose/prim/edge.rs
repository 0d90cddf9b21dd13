//! Public names that do not answer.

use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "bad-gateway",
        what: "another PORT in token.env than the one that Caddy sends to, token restarted",
        inject: "cp -a /etc/prim/token.env /root/t; sed -i 's/^PORT=.*/PORT=3999/' /etc/prim/token.env; \
                 systemctl restart prim-token; sleep 3",
        heal: concat!("cp -a /root/t /etc/prim/token.env; ", again!("token")),
        code: "PORT-DIFFERS",
        subject: "token",
        decisive: "PORT=3999 in /etc/prim/token.env",
        fix: Fix::Person,
    },
    Injection {
        failure: "bad-gateway",
        what: "Caddyfile sends mem.prim.sh to another port, Caddy reloaded",
        inject: "cp -a /etc/caddy/Caddyfile /root/c; sed -i 's/localhost:3008/localhost:3018/' /etc/caddy/Caddyfile; \
                 systemctl reload caddy",
        heal: "cp -a /root/c /etc/caddy/Caddyfile; systemctl reload caddy",
        code: "ROUTE-ELSEWHERE",
        subject: "mem",
        decisive: "the upstream of mem.prim.sh is localhost:3018",
        fix: Fix::Person,
    },
    Injection {
        failure: "host-unreachable",
        what: "Caddy stopped",
        inject: "systemctl stop caddy",
        heal: "systemctl start caddy",
        code: "STOPPED",
        subject: "caddy",
        decisive: "systemd: stopped",
        fix: Fix::Safe,
    },
    Injection {
        failure: "host-unreachable",
        what: "a Caddyfile that Caddy does not take",
        inject: "cp -a /etc/caddy/Caddyfile /root/c; echo 'nonsense {{{' >> /etc/caddy/Caddyfile",
        heal: "cp -a /root/c /etc/caddy/Caddyfile",
        code: "CADDYFILE-INVALID",
        subject: "caddy",
        decisive: "(?i)caddyfile",
        fix: Fix::Look,
    },
    Injection {
        failure: "host-unreachable",
        what: "Caddy halted (SIGSTOP)",
        inject: "kill -STOP $(systemctl show -P MainPID caddy)",
        heal: "kill -CONT $(systemctl show -P MainPID caddy)",
        code: "NO-ANSWER",
        subject: "caddy",
        decisive: "no answer in",
        fix: Fix::Disruptive,
    },
    Injection {
        failure: "tls-failure",
        what: "another program holds port 443 while Caddy is started",
        inject: "systemctl stop caddy; systemd-run --quiet --unit=intruder busybox httpd -f -p 443 -h /usr/share; sleep 1; \
                 systemctl start caddy || true; sleep 2",
        heal: "systemctl stop intruder; systemctl stop caddy; systemctl reset-failed caddy || true; systemctl start caddy",
        code: "HTTPS-PORT-TAKEN",
        subject: "host",
        decisive: "port 443 is held by busybox",
        fix: Fix::Person,
    },
    Injection {
        failure: "tls-failure",
        what: "an expired certificate for track.prim.sh",
        inject: "cp -a /etc/caddy/Caddyfile /root/c; mkdir -p /etc/caddy/x; cd /etc/caddy/x; \
                 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -subj /CN=track.prim.sh \
                 -addext subjectAltName=DNS:track.prim.sh -not_before 20200101000000Z -not_after 20200301000000Z 2>&1; \
                 chown -R caddy /etc/caddy/x; sed -i 's|^track.prim.sh {|&\\n\\ttls /etc/caddy/x/c /etc/caddy/x/k|' /etc/caddy/Caddyfile; \
                 systemctl reload caddy",
        heal: "cp -a /root/c /etc/caddy/Caddyfile; systemctl reload caddy",
        code: "CERTIFICATE-EXPIRED",
        subject: "certificate track.prim.sh",
        decisive: "track.prim.sh: expired",
        fix: Fix::Look,
    },
    Injection {
        failure: "tls-failure",
        what: "a certificate of track.prim.sh for another name",
        inject: "cp -a /etc/caddy/Caddyfile /root/c; mkdir -p /etc/caddy/x; cd /etc/caddy/x; \
                 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -subj /CN=other.example \
                 -addext subjectAltName=DNS:other.example -days 90 2>&1; \
                 chown -R caddy /etc/caddy/x; sed -i 's|^track.prim.sh {|&\\n\\ttls /etc/caddy/x/c /etc/caddy/x/k|' /etc/caddy/Caddyfile; \
                 systemctl reload caddy",
        heal: "cp -a /root/c /etc/caddy/Caddyfile; systemctl reload caddy",
        code: "CERTIFICATE-NAME",
        subject: "certificate track.prim.sh",
        decisive: "is for other.example",
        fix: Fix::Look,
    },
    Injection {
        failure: "tls-failure",
        what: "a certificate of track.prim.sh that ends in ten days",
        inject: "cp -a /etc/caddy/Caddyfile /root/c; mkdir -p /etc/caddy/x; cd /etc/caddy/x; \
                 openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -subj /CN=track.prim.sh \
                 -addext subjectAltName=DNS:track.prim.sh -not_before 20260901000000Z \
                 -not_after $(date -u -d '+10 days' +%Y%m%d%H%M%SZ) 2>&1; \
                 chown -R caddy /etc/caddy/x; sed -i 's|^track.prim.sh {|&\\n\\ttls /etc/caddy/x/c /etc/caddy/x/k|' /etc/caddy/Caddyfile; \
                 systemctl reload caddy",
        heal: "cp -a /root/c /etc/caddy/Caddyfile; systemctl reload caddy",
        code: "CERTIFICATE-ENDING",
        subject: "certificate track.prim.sh",
        decisive: "ends in 9d",
        fix: Fix::Look,
    },
    Injection {
        failure: "tls-failure",
        what: "the firewall closed for port 80",
        inject: "ufw delete allow 80/tcp >/dev/null",
        heal: "ufw allow 80/tcp >/dev/null",
        code: "HTTP-CLOSED",
        subject: "host",
        decisive: "80/tcp is allowed by no rule",
        fix: Fix::Person,
    },
    Injection {
        failure: "tls-failure",
        what: "the directory of Caddy's certificates given to root",
        inject: "chown root /var/lib/caddy",
        heal: "chown caddy /var/lib/caddy",
        code: "CADDY-STORE",
        subject: "host",
        decisive: "/var/lib/caddy belongs to root",
        fix: Fix::Person,
    },
];
