# shellcheck shell=bash
# Paths, messages and small helpers that every part of `host` shares. Sourced, never run.

# shellcheck disable=SC2034 # used by the files that source this one
CACHE=${OPSCTL_HOST_CACHE:-/var/cache/opsctl-test-host}
# shellcheck disable=SC2034
STATE=${OPSCTL_HOST_STATE:-/run/opsctl-test-host}

# state_id: a short name for this state directory. Hosts of one name but of two state directories are two hosts.
state_id() {
    local sum
    sum=$(cksum <<<"$STATE")
    printf '%s' "${sum%% *}"
}

# Locks are held on fixed descriptors, so that whatever may live longer than this command can be started without them.
# 8: a root is being built; 9: a host is brought up or down.

# unlocked COMMAND…: run it without the locks.
unlocked() { "$@" 8>&- 9>&-; }

# Everything said is prose for a person: it goes to stderr, so that `host run` and `host root` keep stdout clean.
say() { printf 'host: [%3d s] %s\n' "$SECONDS" "$*" >&2; }
warn() { printf 'host: %s\n' "$*" >&2; }
die() {
    warn "$*"
    exit 1
}
usage_error() {
    warn "$*"
    warn "try: host help"
    exit 2
}

need_root() { [[ $EUID -eq 0 ]] || die "must be run as root (it mounts, makes namespaces and installs packages)"; }

# ensure COMMAND PACKAGE…: install the packages when the command is not there.
ensure() {
    local command=$1
    shift
    command -v "$command" >/dev/null && return 0
    say "installing $* (no $command on this machine)"
    if [[ -z ${APT_UPDATED:-} ]]; then
        DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2
        APT_UPDATED=1
    fi
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
    command -v "$command" >/dev/null || die "$* is installed but there is still no $command"
}

# unmount_below DIR: detach DIR and everything mounted beneath it, deepest first; nothing mounted is fine.
unmount_below() {
    local target
    while read -r target; do
        umount --lazy "$target" 2>/dev/null || true
    done < <(awk -v dir="$1" '$2 == dir || index($2, dir "/") == 1 { print $2 }' /proc/self/mounts | sort -r)
}

# remove_tree DIR: delete DIR, but never reach through a mount that is still in it.
remove_tree() {
    [[ -e $1 ]] || return 0
    unmount_below "$1"
    # Docker marks nothing immutable, but a container may leave directories without write permission: root ignores that.
    rm -rf --one-file-system "$1"
}

# lay_over SOURCE ROOT: copy a tree into a root, owned by root and readable whatever this checkout's umask was; directories that are
# there already keep their modes.
lay_over() {
    mkdir -p "$2"
    tar -C "$1" --owner=0 --group=0 --numeric-owner --mode='u+rw,a+rX,go-w' -c . | tar -C "$2" --no-overwrite-dir -x -p
}
