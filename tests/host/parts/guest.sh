# shellcheck shell=sh
# What the layouts' prepare, setup and ready scripts share. Sourced on the host, never run.

TEST_HOST=/usr/local/lib/test-host
# shellcheck disable=SC2034 # used by the scripts that source this one
LAYOUT=$TEST_HOST/layout

# --- prepare: before the boot, no service runs -------------------------------------------------------------------------

# host_names NAME…: public names that must lead to this machine, since there is no name server.
host_names() { printf '127.0.0.1 %s\n' "$@" >>/etc/hosts; }

# make_authority: a certificate authority of this host, trusted by the whole system, for Caddy and nginx to sign with.
make_authority() {
    mkdir -p /etc/test-host
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj '/CN=test host authority' \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout /etc/test-host/ca.key -out /etc/test-host/ca.crt 2>/dev/null
    chmod 644 /etc/test-host/ca.key # Caddy must read it; it signs nothing that anyone outside this host trusts
    mkdir -p /usr/local/share/ca-certificates
    cp /etc/test-host/ca.crt /usr/local/share/ca-certificates/test-host.crt
    # What update-ca-certificates would do, without its second of rehashing 140 others.
    ln -sf /usr/local/share/ca-certificates/test-host.crt "/etc/ssl/certs/$(openssl x509 -hash -noout -in /etc/test-host/ca.crt).0"
    ln -sf /usr/local/share/ca-certificates/test-host.crt /etc/ssl/certs/test-host.pem
    cat /etc/test-host/ca.crt >>/etc/ssl/certs/ca-certificates.crt
}

# make_certificate DIRECTORY BASENAME NAME…: a key and a chain for these names, signed by this host's authority.
make_certificate() {
    directory=$1
    basename=$2
    shift 2
    mkdir -p "$directory"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
        -keyout "$directory/$basename.key" -out "$directory/$basename.csr" 2>/dev/null
    printf 'subjectAltName=%s\n' "$(printf 'DNS:%s,' "$@" | sed 's/,$//')" >"$directory/$basename.ext"
    openssl x509 -req -days 90 -in "$directory/$basename.csr" -extfile "$directory/$basename.ext" \
        -CA /etc/test-host/ca.crt -CAkey /etc/test-host/ca.key -out "$directory/$basename.crt" 2>/dev/null
    cat /etc/test-host/ca.crt >>"$directory/$basename.crt"
    rm "$directory/$basename.csr" "$directory/$basename.ext"
    chmod 600 "$directory/$basename.key"
}

# make_repository DIRECTORY OWNER: turn the directory into a checkout with two commits and an origin, for deploy and rollback.
make_repository() {
    origin=/srv/origin/$(basename "$1").git
    mkdir -p /srv/origin
    chown "$2" /srv/origin
    # shellcheck disable=SC2016 # expanded by the inner shell
    as_user "$2" sh -ec '
        export GIT_AUTHOR_NAME=deploy GIT_AUTHOR_EMAIL=deploy@example.org GIT_COMMITTER_NAME=deploy GIT_COMMITTER_EMAIL=deploy@example.org
        cd "$1"
        git init -q -b main
        git commit -q --allow-empty -m "Begin"
        git add -A
        git commit -q -m "Release"
        git clone -q --bare . "$2"
        git remote add origin "$2"
        git fetch -q
        git branch -q --set-upstream-to origin/main' sh "$1" "$origin"
}

# as_user USER COMMAND…: with that user's groups and home and an environment of its own.
as_user() {
    user=$1
    shift
    home=$(getent passwd "$user" | cut -d: -f6)
    setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups \
        env -i PATH="$PATH" LANG=C.UTF-8 HOME="$home" USER="$user" LOGNAME="$user" "$@"
}

# --- setup: the host is up ---------------------------------------------------------------------------------------------

# firewall PORT…: ufw on, with these open. Each rule takes a fifth of a second, so this is best run beside other things.
firewall() {
    ufw default deny incoming >/dev/null
    for port; do ufw allow "$port/tcp" >/dev/null; done
    ufw --force enable >/dev/null
    systemctl start ufw
}

# wait_for SECONDS COMMAND…: until it succeeds.
wait_for() {
    tries=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        if [ "$tries" -le 0 ]; then
            echo "gave up waiting for: $*" >&2
            return 1
        fi
        sleep 0.1
    done
}

# --- ready: does everything answer? Each line printed is something that does not; `verdict` ends the script -----------------

MISSING=0
missing() {
    printf '%s\n' "$*"
    MISSING=1
}
verdict() { exit "$MISSING"; }

expect_units() {
    for unit; do
        systemctl -q is-active "$unit" || missing "unit $unit is $(systemctl is-active "$unit" || true)"
    done
}

# expect_http URL CODE [TEXT]: the answer has this status and holds this text.
expect_http() {
    # The status is put after the body, since a body may be anything.
    answer=$(curl -sS --max-time 5 -w '\n%{http_code}' "$1" 2>&1) || {
        missing "$1: $(printf %s "$answer" | head -n 1)"
        return 0
    }
    [ "${answer##*
}" = "$2" ] || missing "$1 answers ${answer##*
}, not $2"
    case $answer in *"${3:-}"*) ;; *) missing "$1 does not hold: $3" ;; esac
}

# expect_banner PORT TEXT [tls]: what a server says first on this port.
expect_banner() {
    banner=$(node "$TEST_HOST/first-line.mjs" "$1" ${3:+"$3"}) || true
    case $banner in "$2"*) ;; *) missing "port $1 says '$banner', not $2" ;; esac
}

# expect_containers NAME…: running since their first start, and healthy where a health check is defined.
expect_containers() {
    for container; do
        state=$(docker inspect -f '{{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}healthy{{end}}, restarts: {{.RestartCount}}' "$container" 2>/dev/null) ||
            state='not there'
        [ "$state" = 'running healthy, restarts: 0' ] || missing "container $container is $state"
    done
}
