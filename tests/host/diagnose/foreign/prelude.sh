# shellcheck shell=sh
# What the faults share. Put before each of their scripts.

# unit NAME COMMAND [LINE…]: a unit of its own, being started; these lines go into its [Service].
unit() {
    name=$1
    command=$2
    shift 2
    {
        printf '[Unit]\nDescription=%s\n[Service]\nExecStart=%s\n' "$name" "$command"
        for line; do printf '%s\n' "$line"; done
        printf '[Install]\nWantedBy=multi-user.target\n'
    } >"/etc/systemd/system/$name.service"
    systemctl daemon-reload
    systemctl start --no-block "$name"
    sleep 2
}

# forget NAME…: units of their own, with all that belongs to them.
forget() {
    for name; do
        systemctl disable -q --now "$name" 2>/dev/null || :
        systemctl kill -s KILL "$name" 2>/dev/null || :
        systemctl reset-failed "$name" 2>/dev/null || :
        rm -rf "/etc/systemd/system/$name.service" "/etc/systemd/system/$name.service.d" "/srv/$name"
    done
    systemctl daemon-reload
    systemctl reset-failed "$@" 2>/dev/null || :
}

# dropin UNIT LINE…: a drop-in of the whole text.
dropin() {
    mkdir -p "/etc/systemd/system/$1.d"
    directory=/etc/systemd/system/$1.d
    shift
    printf '%s\n' "$@" >"$directory/override.conf"
    systemctl daemon-reload
}

# undrop UNIT: without it.
undrop() {
    rm -rf "/etc/systemd/system/$1.d"
    systemctl daemon-reload
}

# off UNIT…: back to a service that this host has not.
off() {
    for name; do
        systemctl disable -q --now "$name" 2>/dev/null || :
        systemctl reset-failed "$name" 2>/dev/null || :
    done
}

# Not running; the proof of many a fault.
down() { ! systemctl -q is-active "$1"; }

# until_true SECONDS COMMAND…
until_true() {
    tries=$(($1 * 5))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.2
    done
}

# certificate FILE NAME: a certificate FILE.pem with its key FILE.key, valid for a year.
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=$2" -addext "subjectAltName=DNS:$2" \
        -keyout "$1.key" -out "$1.pem" 2>/dev/null
}

# as_plugspace COMMAND…: as the user of pm2, in its directory.
as_plugspace() {
    (cd /home/plugspace/plugspace && setpriv --reuid plugspace --regid plugspace --init-groups env -i PATH="$PATH" HOME=/home/plugspace USER=plugspace PM2_SILENT=true "$@" >/dev/null)
}

# pm2_anew: all applications as they were saved, without a count of restarts and with empty logs.
pm2_anew() {
    as_plugspace pm2 delete all || :
    for log in /var/log/pm2/*.log; do : >"$log"; done
    as_plugspace pm2 resurrect || :
    until_true 20 sh -c 'for port in 3000 3001 3002 4000/health 4001/health; do curl -sfm 2 -o /dev/null localhost:$port || exit 1; done'
}
