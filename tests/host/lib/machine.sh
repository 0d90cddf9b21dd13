# shellcheck shell=bash
# A host's life: lay out, boot, use, switch off. Sourced, never run.
#
# $STATE/NAME/            what is known of a host while it exists
#   deployment            which layout it has
#   supervisor            process id and start time of what keeps it running
#   console.log           what systemd-nspawn and the console said
#   root/                 where its overlay is mounted
# $CACHE/scratch/ID/NAME/ its disk: upper and work (overlay), docker and containerd (overlay2 cannot sit on an overlay)

BOOT_DEADLINE=60
READY_DEADLINE=${OPSCTL_HOST_DEADLINE:-180}
OFF_DEADLINE=15

GUEST_LIB=/usr/local/lib/test-host

deployments() {
    local names=() directory
    for directory in "$HOST_DIR"/deployments/*/; do names+=("$(basename "$directory")"); done
    printf '%s' "${names[*]}"
}

scratch_of() { printf '%s/scratch/%s/%s' "$CACHE" "$(state_id)" "$1"; }

check_name() { [[ ${1:-} =~ ^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$ ]] || usage_error "not a name for a host (a-z, 0-9, -): ${1:-}"; }

# Tests run thousands of commands on a host, so the way to its leader is built-ins only; each of these answers in REPLY.

# start_time PID. A process id alone may have been given to another process since.
start_time() {
    local stat
    [[ -r /proc/$1/stat ]] && read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
    # After the name, which may hold spaces and brackets, this is field 20.
    read -ra stat <<<"${stat##*) }"
    REPLY=${stat[19]}
}

# supervisor_of NAME: the pid of what keeps it running, if that still runs.
supervisor_of() {
    local pid started
    [[ -f ${STATE:?}/$1/supervisor ]] || return 1
    read -r pid started <"$STATE/$1/supervisor"
    start_time "$pid" && [[ $REPLY == "$started" ]] || return 1
    REPLY=$pid
}

# children_of PID: their pids, separated by spaces; none when it is gone.
children_of() {
    REPLY=''
    [[ ! -r /proc/$1/task/$1/children ]] || read -r REPLY 2>/dev/null <"/proc/$1/task/$1/children" || true
}

# leader_of NAME: the pid of its PID 1. Asked anew each time, because a reboot gives the host another one.
leader_of() {
    local nspawn child line
    supervisor_of "$1" || return 1
    children_of "$REPLY"
    for nspawn in $REPLY; do
        children_of "$nspawn"
        for child in $REPLY; do
            [[ -r /proc/$child/status ]] || continue
            while read -r line; do
                if [[ $line == NSpid:*[[:space:]]1 ]]; then
                    REPLY=$child
                    return 0
                fi
            done 2>/dev/null <"/proc/$child/status"
        done
    done
    return 1
}

# The kernel's list of children can leave some out while others end (proc_pid_children(5)), so that one "no" is no answer.
running_leader() {
    local _
    for _ in 1 2 3 4 5; do
        leader_of "$1" && return 0
        supervisor_of "$1" || break
        sleep 0.1
    done
    warn "no such host is up: $1 (host list shows them)"
    exit 125 # no status that a command on a host is likely to have
}

# An administrator's environment and nothing else.
CLEAN_ENV=(/usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8)

# into LEADER: set INTO to what runs a command in all of the leader's namespaces, with that environment.
# nsenter could fork and wait by itself. But it stops itself whenever its child is stopped, and systemd stops every process when it
# goes down: nsenter would then never reap its child, and the host would wait for that for ever. A shell would wait rightly, but
# add PWD to the environment and "Terminated" to the output. perl, which every Debian has, does neither.
into() {
    # shellcheck disable=SC2016 # perl's variables
    INTO=("${CLEAN_ENV[@]}" "$(command -v nsenter)" -t "$1" -m -u -i -n -p -C --no-fork -- /usr/bin/perl -e '
        my $status = system { $ARGV[0] } @ARGV;
        if ($status == -1) { print STDERR "host: $ARGV[0]: $!\n"; exit($!{ENOENT} ? 127 : 126) }
        exit($status & 127 ? 128 + ($status & 127) : $status >> 8)')
}

# enter LEADER CMD ARG…: run CMD on the host.
enter() {
    local INTO
    into "$1"
    unlocked "${INTO[@]}" "${@:2}"
}

# --- up --------------------------------------------------------------------------------------------------------------

host_up() {
    local deployment=${1:-} name=${2:-${1:-}}
    [[ $# -ge 1 && $# -le 2 ]] || usage_error "up takes DEPLOYMENT [NAME]"
    [[ $deployment != */* && -d $HOST_DIR/deployments/$deployment ]] || usage_error "unknown deployment: $deployment (there are: $(deployments))"
    check_name "$name"
    need_root
    # The cached root may have come with the machine, its tools not.
    ensure systemd-nspawn systemd-container
    ensure ip iproute2
    build_root

    mkdir -p "$STATE"
    exec 9>"$STATE/.$name.lock"
    flock --nonblock 9 || die "another command is bringing $name up or down"
    leader_of "$name" && die "a host named $name is up already; host down $name removes it"
    discard "$name"

    mkdir -p "$STATE/$name/root"
    printf '%s\n' "$deployment" >"$STATE/$name/deployment"
    mount_overlay "$name"
    lay_out "$name" "$deployment"
    boot "$name"
    say "$name: booted"
    if ! set_up "$name" || ! await_ready "$name"; then
        host_logs "$name" >&2
        die "$name is not ready; it is left up to look at (host down $name removes it)"
    fi
    say "$name: every service of $deployment answers"
}

mount_overlay() {
    local scratch
    scratch=$(scratch_of "$1")
    mkdir -p "$scratch"/{upper,work,docker,containerd}
    # docker and containerd keep their own modes, as on any machine.
    chmod 710 "$scratch"/{docker,containerd}
    mount -t overlay overlay -o "lowerdir=$(cached_root),upperdir=$scratch/upper,workdir=$scratch/work" "$STATE/$1/root"
}

# lay_out NAME DEPLOYMENT: everything that needs no running system is put in place before the boot, so that systemd then
# starts all of it at once.
lay_out() {
    local root=$STATE/$1/root layout=$HOST_DIR/deployments/$2
    lay_over "$HOST_DIR/parts" "$root$GUEST_LIB"
    lay_over "$layout" "$root$GUEST_LIB/layout"
    [[ ! -d $layout/files ]] || lay_over "$layout/files" "$root"

    tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
    printf '%s\n' "$1" >"$root/etc/hostname"
    # No name server answers here. Said like this, a lookup fails at once; without the file Docker would ask one far away and wait.
    printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$root/etc/resolv.conf"
    printf '127.0.0.1 localhost %s\n::1 localhost ip6-localhost\n' "$1" >"$root/etc/hosts"
    if [[ -x $layout/prepare ]]; then
        # In a mount namespace of its own, so that no /proc stays mounted in the root whatever becomes of the script.
        # shellcheck disable=SC2016 # expanded by the inner shell
        unlocked unshare --mount bash -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' - "$root" \
            "${CLEAN_ENV[@]}" "$GUEST_LIB/layout/prepare" >&2 || die "$1: the layout's prepare failed"
    fi
}

boot() {
    local name=$1 deadline state=''
    # It must outlive this command, and keep neither its terminal nor its locks.
    unlocked setsid --fork "$HOST_DIR/host" supervise "$name" </dev/null >"$STATE/$name/console.log" 2>&1

    deadline=$((SECONDS + BOOT_DEADLINE))
    while ((SECONDS < deadline)); do
        sleep 0.2
        leader_of "$name" || continue
        state=$(enter "$REPLY" systemctl is-system-running 2>/dev/null) || true
        [[ $state != running && $state != degraded ]] || return 0
    done
    tail -n 25 "$STATE/$name/console.log" >&2
    die "$name did not boot in $BOOT_DEADLINE s (its systemd says: ${state:-nothing})"
}

# supervise NAME: run a host until it is switched off. systemd-nspawn ends with 133 when the host wants a reboot.
supervise() {
    local name=$1 scratch fd status=133
    scratch=$(scratch_of "$name")
    for fd in /proc/self/fd/*; do
        fd=${fd##*/}
        # 255 is where bash reads this script from.
        ((fd <= 2 || fd == 255)) || exec {fd}>&-
    done
    start_time "$$"
    printf '%s %s\n' "$$" "$REPLY" >"$STATE/$name/supervisor.new"
    mv "$STATE/$name/supervisor.new" "$STATE/$name/supervisor"
    enter_own_groups "$name"
    while ((status == 133)); do
        status=0
        # --capability=all and no seccomp filter: Docker, ufw and strace inside need what a container otherwise may not do.
        SYSTEMD_SECCOMP=0 systemd-nspawn --quiet --directory="$STATE/$name/root" --boot --machine="$name" \
            --register=no --keep-unit --capability=all --private-network --resolv-conf=off --link-journal=no --console=pipe \
            --bind="$scratch/docker:/var/lib/docker" --bind="$scratch/containerd:/var/lib/containerd" || status=$?
    done
    exit "$status"
}

# set_up NAME: what needs the running system (images, containers, pm2).
set_up() {
    [[ -x $HOST_DIR/deployments/$(<"$STATE/$1/deployment")/setup ]] || return 0
    leader_of "$1" || return 1
    enter "$REPLY" "$GUEST_LIB/layout/setup" </dev/null >&2 || {
        warn "$1: the layout's setup failed"
        return 1
    }
}

# await_ready NAME: the layout's `ready` prints what does not answer yet and fails until everything does.
await_ready() {
    local missing='it is not even running' deadline=$((SECONDS + READY_DEADLINE))
    [[ -x $HOST_DIR/deployments/$(<"$STATE/$1/deployment")/ready ]] || return 0
    while leader_of "$1"; do
        missing=$(enter "$REPLY" timeout 30 "$GUEST_LIB/layout/ready" </dev/null 2>&1) && return 0
        ((SECONDS < deadline)) || break
        sleep 0.3
    done
    warn "$1: not ready after $READY_DEADLINE s:"
    printf '%s\n' "$missing" | sed 's/^/  /' >&2
    return 1
}

# --- use -------------------------------------------------------------------------------------------------------------

host_run() {
    local user='' INTO
    if [[ ${1:-} == --user ]]; then
        user=${2:?--user needs a name}
        shift 2
    fi
    [[ $# -ge 2 ]] || usage_error "run takes [--user U] NAME CMD ARG…"
    running_leader "$1"
    into "$REPLY"
    shift
    if [[ $user ]]; then
        # The user's home and groups are the host's, so they are looked up there.
        # shellcheck disable=SC2016 # expanded by the shell on the host
        set -- /bin/sh -c 'entry=$(getent passwd "$1") || { echo "host: no such user: $1" >&2; exit 2; }
            user=$1; shift; home=$(printf %s "$entry" | cut -d: -f6); cd "$home" 2>/dev/null || cd /
            exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups \
                env -i PATH="$PATH" LANG="$LANG" HOME="$home" USER="$user" LOGNAME="$user" "$@"' \
            sh "$user" "$@"
    fi
    exec "${INTO[@]}" "$@"
}

# Copied by a process on the host, not through its root from outside: there an absolute symbolic link would lead to this machine.
host_put() {
    [[ $# -eq 3 ]] || usage_error "put takes NAME SRC DST"
    local leader source=$2 target=$3
    running_leader "$1"
    leader=$REPLY
    [[ -e $source ]] || die "no such file: $source"
    if [[ -d $source ]]; then
        # shellcheck disable=SC2016 # expanded by the shell on the host
        tar -C "$source" -c . | enter "$leader" sh -c 'mkdir -p "$1" && exec tar -C "$1" -x --no-same-owner -p' sh "$target"
    else
        # shellcheck disable=SC2016,SC2094 # expanded by the shell on the host, which has files of its own
        enter "$leader" sh -eu -c '
            target=$1; mode=$2; name=$3
            case $target in */) mkdir -p "$target" ;; esac
            [ ! -d "$target" ] || target=$target/$name
            mkdir -p "$(dirname "$target")"
            # Written beside it and renamed, so that a running program can be replaced.
            cat >"$target.put"; chmod "$mode" "$target.put"; mv -T "$target.put" "$target"' \
            sh "$target" "$(stat -Lc %a "$source")" "$(basename "$source")" <"$source"
    fi
}

host_root() {
    [[ $# -eq 1 ]] || usage_error "root takes NAME"
    # Not the overlay's mount point: that lacks what the host mounts on itself (/run, /tmp).
    running_leader "$1"
    printf '/proc/%s/root\n' "$REPLY"
}

host_logs() {
    [[ $# -eq 1 ]] || usage_error "logs takes NAME"
    if ! leader_of "$1"; then
        tail -n 40 "$STATE/$1/console.log" 2>/dev/null || die "nothing is known of a host named $1"
        return 0
    fi
    # shellcheck disable=SC2016 # expanded by the shell on the host
    enter "$REPLY" sh -c '
        echo "== failed units"; systemctl --no-pager --failed --no-legend
        echo "== journal"; journalctl --no-pager -q -n 40 -p warning
        if systemctl -q is-active docker; then
            echo "== containers"; docker ps -a --format "{{.Names}}\t{{.Image}}\t{{.Status}}"
            for id in $(docker ps -aq); do echo "== $(docker inspect -f "{{.Name}}" "$id")"; docker logs --tail 8 "$id" 2>&1; done
        fi' </dev/null
}

host_list() {
    local directory name
    for directory in "$STATE"/*/; do
        [[ -f $directory/deployment ]] || continue
        name=$(basename "$directory")
        if leader_of "$name"; then
            printf '%s\t%s\tup\t%s\n' "$name" "$(<"$directory/deployment")" "$REPLY"
        else
            printf '%s\t%s\tdead\t-\n' "$name" "$(<"$directory/deployment")"
        fi
    done
}

# --- down ------------------------------------------------------------------------------------------------------------

host_down() {
    [[ $# -eq 1 ]] || usage_error "down takes NAME or --all"
    need_root
    local name names=()
    if [[ $1 == --all ]]; then
        # Scratch directories too: a run may have died before or after its state was there.
        mapfile -t names < <(find "$STATE" "$(scratch_of .)" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null | sort -u)
    else
        check_name "$1"
        names=("$1")
    fi
    mkdir -p "$STATE"
    for name in "${names[@]}"; do
        exec 9>"$STATE/.$name.lock"
        flock --wait $((BOOT_DEADLINE + OFF_DEADLINE)) 9 || die "another command is still bringing $name up or down"
        switch_off "$name"
        discard "$name"
        exec 9>&-
    done
}

# switch_off NAME: an orderly power-off, and force when that takes too long.
switch_off() {
    local supervisor deadline=$((SECONDS + OFF_DEADLINE))
    supervisor_of "$1" || return 0
    supervisor=$REPLY
    if leader_of "$1"; then
        kill -s RTMIN+4 "$REPLY" 2>/dev/null || true
        while ((SECONDS < deadline)) && supervisor_of "$1"; do sleep 0.1; done
        supervisor_of "$1" || return 0
        warn "$1: not off after $OFF_DEADLINE s; killing it"
    fi
    # The supervisor first, or it would take a dying nspawn for a reboot. The rest of it dies with its groups, in `discard`.
    kill -KILL "$supervisor" 2>/dev/null || true
    while supervisor_of "$1"; do sleep 0.1; done
}

# discard NAME: unmount and delete whatever is left of a host that no longer runs.
discard() {
    remove_groups "$1"
    unmount_below "$STATE/$1/root"
    remove_tree "$(scratch_of "$1")"
    rm -rf --one-file-system "${STATE:?}/$1"
}
